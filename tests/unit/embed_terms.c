/* Terms: the words that the prototype found in ASCII, and better ones elsewhere. */
#include "test.h"

#include <eddy/embed.h>

#include <time.h>

static eddy_str str(const char *s)
{
    return (eddy_str){s, strlen(s)};
}

static size_t read_terms(const char *title, const char *text, eddy_arena *arena,
                         const eddy_term **terms)
{
    size_t n = 0;
    eddy_error err = {0};
    CHECK_OK(eddy_terms_read(str(title), str(text), arena, terms, &n, &err), &err);
    return n;
}

/* "word word=2", as in the golden table. */
static void list(const char *title, const char *text, eddy_arena *arena, char *ret, size_t room)
{
    const eddy_term *terms;
    size_t n = read_terms(title, text, arena, &terms), at = 0;
    *ret = 0;
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(ret + at, room - at, "%s%.*s", i ? " " : "", terms[i].n_word,
                               terms[i].word);
        if (terms[i].count > 1)
            at += (size_t)snprintf(ret + at, room - at, "=%d", terms[i].count);
        assert_true(at < room);
        assert_true(terms[i].hash == ed_fnv1a(ED_FNV_BASIS, terms[i].word, terms[i].n_word));
    }
}

TEST(golden_texts_have_their_words)
{
    char line[2000], words[2000];
    int n = 0;
    eddy_arena *arena = eddy_arena_new(0);
    FILE *in = fopen("tests/golden/terms/words.txt", "rb");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        char *tab = strchr(line, '\t');
        if (*line == '#')
            continue;
        assert_non_null(tab);
        *tab = 0;
        tab[1 + strcspn(tab + 1, "\n")] = 0;
        list("", line, arena, words, sizeof words);
        assert_string_equal(words, tab + 1);
        eddy_arena_reset(arena);
        n++;
    }
    assert_true(n >= 10);
    fclose(in);
    eddy_arena_free(arena);
}

TEST(a_title_that_the_text_repeats_counts_once)
{
    static const struct {
        const char *title, *text, *words, *joined;
    } cases[] = {
        {"Dam breaks", "Dam breaks", "dam breaks", "Dam breaks"},
        {"Dam breaks", "Dam breaks: town flooded", "dam breaks town flooded",
         "Dam breaks: town flooded"},
        {"Dam breaks", "Town flooded as dam breaks", "dam=2 breaks=2 town flooded",
         "Dam breaks Town flooded as dam breaks"},
        {"Fire", "Firemen strike", "fire firemen strike", "Fire Firemen strike"},
        {"Fire!", "Fire!Firemen", "fire firemen", "Fire!Firemen"},
        {"", "only text", "only text", "only text"},
        {"only title", "", "only title", "only title"},
        {"", "", "", ""},
        {"\u6771\u4eac", "\u6771\u4eac\u3067", "\u6771\u4eac \u4eac\u3067", "\u6771\u4eac\u3067"},
    };
    char words[200];
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        list(cases[i].title, cases[i].text, arena, words, sizeof words);
        assert_string_equal(words, cases[i].words);
        eddy_str joined = eddy_text_join(str(cases[i].title), str(cases[i].text), arena);
        assert_string_equal(joined.at, cases[i].joined);
        assert_int_equal(joined.n, strlen(cases[i].joined));
    }
    eddy_str joined = eddy_text_join((eddy_str){NULL, 0}, (eddy_str){NULL, 0}, arena);
    assert_true(joined.at && joined.n == 0);
    eddy_arena_free(arena);

    arena = eddy_arena_new(8);
    assert_null(eddy_text_join(str("some title"), str("some text"), arena).at);
    eddy_arena_free(arena);
}

TEST(long_words_are_cut_between_characters)
{
    char text[400] = "";
    const eddy_term *terms;
    eddy_arena *arena = eddy_arena_new(0);
    for (int i = 0; i < 100; i++)
        strcat(text, i ? "\u00E9" : "x"); /* 1 + 2 + 2 ...: the border is at 63 */
    assert_int_equal(read_terms("", text, arena, &terms), 1);
    assert_int_equal(terms[0].n_word, 63);
    for (int i = 0; i < 100; i++)
        memcpy(text + 3 * i, "\u1234", 4);
    assert_int_equal(read_terms("", text, arena, &terms), 1);
    assert_int_equal(terms[0].n_word, 63);
    for (int i = 0; i < 100; i++)
        memcpy(text + 2 * i, "\u00E9", 3);
    assert_int_equal(read_terms("", text, arena, &terms), 1);
    assert_int_equal(terms[0].n_word, 62);
    eddy_arena_free(arena);
}

TEST(any_bytes_give_distinct_words_in_their_order)
{
    uint64_t seed = test_seed();
    eddy_arena *arena = eddy_arena_new(0);
    for (int i = 0; i < 20000; i++) {
        char bytes[300];
        size_t n = test_random(&seed) % sizeof bytes, n_terms;
        const eddy_term *terms;
        int wide = i % 3; /* letters; letters and some others; anything */
        for (size_t k = 0; k < n; k++) {
            uint64_t r = test_random(&seed);
            bytes[k] = " abc'D"[(r >> 8) % 6];
            if (wide == 2 || (wide == 1 && r % 16 == 0))
                bytes[k] = (char)(r >> 16);
        }
        eddy_str text = {bytes, n};
        assert_int_equal(eddy_terms_read((eddy_str){NULL, 0}, text, arena, &terms, &n_terms, NULL),
                         EDDY_OK);
        size_t all = 0;
        for (size_t k = 0; k < n_terms; k++) {
            assert_in_range(terms[k].n_word, 1, 63);
            assert_in_range(terms[k].count, 1, n);
            all += terms[k].count;
            for (size_t j = 0; j < k; j++)
                assert_true(terms[j].hash != terms[k].hash);
        }
        assert_true(all <= n);
        eddy_arena_reset(arena);
    }
    eddy_arena_free(arena);
}

TEST(a_megabyte_of_distinct_words_stops_at_the_cap_and_is_not_slow)
{
    size_t room = (size_t)1 << 20, n = 0, n_terms;
    char *text = malloc(room);
    const eddy_term *terms;
    eddy_arena *arena = eddy_arena_new(0);
    for (unsigned i = 0; n + 16 < room; i++)
        n += (size_t)snprintf(text + n, room - n, "x%x ", i);
    clock_t start = clock();
    eddy_str all = {text, n};
    assert_int_equal(eddy_terms_read((eddy_str){NULL, 0}, all, arena, &terms, &n_terms, NULL),
                     EDDY_OK);
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
    assert_int_equal(n_terms, 65536);
    assert_memory_equal(terms[65535].word, "xffff", 5);
    for (size_t i = 0; i + 3 <= room; i += 3)
        memcpy(text + i, "ab ", 3);
    all.n = room / 3 * 3;
    assert_int_equal(eddy_terms_read((eddy_str){NULL, 0}, all, arena, &terms, &n_terms, NULL),
                     EDDY_OK);
    assert_int_equal(n_terms, 1);
    assert_int_equal(terms[0].count, 65535);
    eddy_arena_free(arena);
    free(text);
}

TEST(reading_survives_any_lost_allocation)
{
    char text[4000] = "";
    for (int i = 0; i < 300; i++)
        snprintf(text + strlen(text), 20, "word%d ", i);
    EACH_ALLOC_FAILS (k) {
        const eddy_term *terms = NULL;
        size_t n = 0;
        eddy_arena *arena = eddy_arena_new(0);
        if (!arena)
            continue;
        eddy_status st = eddy_terms_read(str("a title"), str(text), arena, &terms, &n, NULL);
        assert_true(st == EDDY_OK ? n == 301 : st == EDDY_NOMEM && !terms && n == 0);
        eddy_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_texts_have_their_words),
        cmocka_unit_test(a_title_that_the_text_repeats_counts_once),
        cmocka_unit_test(long_words_are_cut_between_characters),
        cmocka_unit_test(any_bytes_give_distinct_words_in_their_order),
        cmocka_unit_test(a_megabyte_of_distinct_words_stops_at_the_cap_and_is_not_slow),
        cmocka_unit_test(reading_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
