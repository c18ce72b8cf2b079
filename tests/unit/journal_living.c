/* Living: of a log that is written for ever, the beginning becomes void, and never too much of it.
 * What is there is held against a plain list of where each key was written last. */
#include "test.h"

#include "journal/living.h"

#define KEYS  3000
#define SPAN  100000
#define WANTS 512

struct model {
    struct ed_living living;
    int64_t at[KEYS]; /* offset of the last record; -1: there is none */
    int64_t next;
    uint64_t sizes[KEYS], lives, random;
    uint64_t asked_bytes, written; /* written because it was asked for, and in all */
};

static void model_begin(struct model *m, uint64_t seed)
{
    *m = (struct model){.random = seed};
    m->living.span_least = SPAN;
    for (size_t k = 0; k < KEYS; k++)
        m->at[k] = -1;
    ed_living_begin(&m->living, 0);
}

static void write_one(struct model *m, size_t key, size_t n, int there)
{
    static const char bytes[1000] = {0};
    const eddy_record r = {key + 1, {there ? bytes : NULL, there ? n : 0}};
    ed_living_note(&m->living, &r);
    m->lives += there ? n - (m->at[key] >= 0 ? m->sizes[key] : 0) : 0;
    m->lives -= !there && m->at[key] >= 0 ? m->sizes[key] : 0;
    m->at[key] = there ? m->next : -1;
    m->sizes[key] = n;
    m->next++;
    m->written += n;
}

/* One key in ten is written all the time, the others now and then; some go. */
static void epoch_write(struct model *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t dice = test_random(&m->random);
        size_t key = (size_t)(dice % (dice >> 32 & 31 ? KEYS / 10 : KEYS));
        write_one(m, key, 20 + (dice >> 40) % 200, (dice >> 50) % 50 != 0);
    }
}

static int64_t oldest(const struct model *m)
{
    int64_t first = m->next;
    for (size_t k = 0; k < KEYS; k++)
        first = m->at[k] >= 0 && m->at[k] < first ? m->at[k] : first;
    return first;
}

/* Epochs; what is asked for comes `late` epochs after. Returns the longest log, in bytes. */
static uint64_t run(struct model *m, size_t epochs, size_t late)
{
    static uint64_t asked[8][WANTS];
    size_t n_asked[8] = {0};
    uint64_t longest = 0;
    uint64_t *began = calloc(epochs * 4000, sizeof *began); /* bytes written before an offset */
    for (size_t e = 0; e < epochs; e++) {
        int64_t before_offset = m->next;
        uint64_t before = m->written;
        epoch_write(m, 40);
        size_t slot = e % (late + 1);
        for (size_t i = 0; i < n_asked[slot]; i++)
            if (m->at[asked[slot][i] - 1] >= 0) { /* gone meanwhile: nothing to write */
                m->asked_bytes += m->sizes[asked[slot][i] - 1];
                write_one(m, asked[slot][i] - 1, m->sizes[asked[slot][i] - 1], 1);
            }
        for (int64_t o = before_offset; o < m->next; o++)
            began[o] = before;
        ed_living_pass(&m->living, m->next);
        int64_t from = ed_living_from(&m->living);
        assert_true(from <= oldest(m)); /* never too much */
        n_asked[slot] = ed_living_wanted(&m->living, asked[slot], WANTS);
        for (size_t i = 0; i < n_asked[slot]; i++)
            assert_in_range(asked[slot][i], 1, KEYS);
        uint64_t spans = m->written - (from < m->next ? began[from] : m->written);
        if (e > epochs / 4)
            longest = spans > longest ? spans : longest;
    }
    free(began);
    return longest;
}

TEST(the_beginning_becomes_void_and_never_what_counts)
{
    uint64_t seed = test_seed();
    for (size_t late = 0; late < 8; late += 3) {
        struct model m;
        model_begin(&m, seed + late);
        uint64_t longest = run(&m, 3000, late);
        uint64_t span = m.lives > SPAN ? m.lives : SPAN;
        printf("late %zu: lives %llu, longest %llu, asked for %.1f %%\n", late,
               (unsigned long long)m.lives, (unsigned long long)longest,
               100.0 * (double)m.asked_bytes / (double)m.written);
        assert_true(longest < 3 * span);
        assert_true(m.asked_bytes * 2 < m.written + m.written / 50);
        ed_living_clear(&m.living);
    }
}

TEST(a_key_that_is_not_written_anew_keeps_its_log)
{
    struct model m;
    model_begin(&m, 5);
    write_one(&m, KEYS - 1, 50, 1);
    int64_t there = m.at[KEYS - 1];
    for (size_t e = 0; e < 2000; e++) {
        uint64_t asked[WANTS];
        int found = 0;
        for (size_t i = 0; i < 40; i++)
            write_one(&m, (size_t)(test_random(&m.random) % 100), 100, 1);
        ed_living_pass(&m.living, m.next);
        assert_true(ed_living_from(&m.living) <= there);
        size_t n = ed_living_wanted(&m.living, asked, WANTS);
        for (size_t i = 0; i < n; i++)
            found |= asked[i] == KEYS;
        if (e > 1900 && found) { /* it was asked for again and again; now it comes */
            write_one(&m, KEYS - 1, 50, 1);
            break;
        }
        assert_true(e < 1999);
    }
    ed_living_pass(&m.living, m.next);
    assert_true(ed_living_from(&m.living) > there);
    ed_living_clear(&m.living);
}

TEST(a_tombstone_is_the_end_of_a_key)
{
    struct model m;
    model_begin(&m, 5);
    write_one(&m, 7, 50, 1);
    for (size_t i = 0; i < 2000; i++) {
        write_one(&m, 1, 100, 1);
        ed_living_pass(&m.living, m.next);
    }
    assert_int_equal(ed_living_from(&m.living), 0);
    write_one(&m, 7, 0, 0);
    write_one(&m, 8, 0, 0); /* of one that never was there */
    assert_true(ed_living_from(&m.living) > 0);
    assert_true(ed_living_from(&m.living) <= oldest(&m));
    ed_living_clear(&m.living);
}

TEST(without_memory_nothing_is_void)
{
    EACH_ALLOC_FAILS (k) {
        struct model m;
        model_begin(&m, 9);
        for (size_t e = 0; e < 300; e++) {
            uint64_t asked[WANTS];
            epoch_write(&m, 40);
            ed_living_pass(&m.living, m.next);
            assert_true(ed_living_from(&m.living) <= oldest(&m));
            ed_living_wanted(&m.living, asked, WANTS);
        }
        ed_living_clear(&m.living);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_beginning_becomes_void_and_never_what_counts),
        cmocka_unit_test(a_key_that_is_not_written_anew_keeps_its_log),
        cmocka_unit_test(a_tombstone_is_the_end_of_a_key),
        cmocka_unit_test(without_memory_nothing_is_void),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
