/* The state of the engine as records: a clusterer that was loaded from them goes on as the one that
 * wrote them, to the last bit. */
#include "engine_state.h"

#include "engine/words.h"

/* ---- properties ---- */

/* Batches and calls at random; now and then another is loaded, takes the place of the twin, and
 * goes on beside the first one. */
static void goes_on(int shape, uint64_t seed, size_t n)
{
    struct shape x;
    struct kept kept = {0};
    shape_make(&x, shape, seed, n);
    eddy_clusterer *cl = clusterer_new(&x.o);
    eddy_clusterer *twin = clusterer_new(&x.o);
    uint64_t small = test_random(&seed) % 2; /* many calls, or few */
    for (size_t i = 0; i < n;) {
        size_t m = 1 + (size_t)(test_random(&seed) % (small ? 20 : 200));
        m = m < n - i ? m : n - i;
        same_step(cl, twin, x.s.rows + i, m);
        i += m;
        uint64_t dice = test_random(&seed);
        if (dice % 3)
            same_records(cl, twin, &kept);
        if (dice % 3 && dice / 3 % 5 == 0) {
            eddy_clusterer_free(twin);
            twin = kept_load(&kept, &x.o, seed);
            assert_true(eddy_clusterer_hash(twin) == eddy_clusterer_hash(cl));
            assert_true(ed_state_hash(twin) == eddy_clusterer_hash(cl));
        }
        if (dice / 64 % 40 == 0) {
            eddy_error err = {0};
            CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
            CHECK_OK(eddy_clusterer_flush(twin, &err), &err);
        }
    }
    eddy_engine_stats st, st_twin;
    eddy_clusterer_stats(cl, &st);
    eddy_clusterer_stats(twin, &st_twin);
    st.bytes = st_twin.bytes = 0;
    st.duplicates = st_twin.duplicates = 0; /* not of the state */
    assert_memory_equal(&st, &st_twin, sizeof st);
    printf("%-10s: %llu active, %llu merged, %llu split, %llu folded, %llu faded, %llu words "
           "dropped; %zu bytes in %zu records\n",
           shape_names[shape], (unsigned long long)st.events_active, (unsigned long long)st.merged,
           (unsigned long long)st.split, (unsigned long long)st.folded,
           (unsigned long long)st.faded, (unsigned long long)st.words_dropped, kept.bytes,
           kept.at.n);
    eddy_clusterer_free(cl);
    eddy_clusterer_free(twin);
    kept_clear(&kept);
    stream_free(&x.s);
}

TEST(a_loaded_clusterer_goes_on_as_the_one_that_wrote_the_records)
{
    uint64_t seed = test_seed();
    for (int shape = 0; shape < SHAPES; shape++)
        goes_on(shape, seed + 100 * (uint64_t)shape, 4000);
}

/* A standby takes every record as it comes and holds no more than the state. */
TEST(a_standby_that_follows_for_long_takes_over)
{
    uint64_t seed = test_seed() + 7;
    for (int shape = 0; shape < SHAPES; shape++) {
        struct shape x;
        struct kept kept = {0};
        shape_make(&x, shape, seed, 4000);
        eddy_clusterer *cl = clusterer_new(&x.o);
        eddy_clusterer *standby = clusterer_new(&x.o);
        eddy_assignment a[64];
        eddy_error err = {0};
        for (size_t i = 0; i < 3968; i += 64) {
            CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + i, 64, a, &err), &err);
            if (i % 512 == 0)
                operate(cl);
            record(cl, &kept, standby);
        }
        size_t held = 0; /* of the words, which are kept as they came */
        for (size_t i = 0; i < standby->load->words.room; i++)
            if (standby->load->words.keys[i])
                held += ((struct ed_load_value *)(uintptr_t)standby->load->words.values[i])->n;
        assert_true(held < kept.bytes);
        CHECK_OK(eddy_clusterer_loaded(standby, &err), &err);
        assert_true(eddy_clusterer_hash(standby) == eddy_clusterer_hash(cl));
        same_step(cl, standby, x.s.rows + 3968, 32);
        same_records(cl, standby, &kept);
        eddy_clusterer_free(cl);
        eddy_clusterer_free(standby);
        kept_clear(&kept);
        stream_free(&x.s);
    }
}

TEST(the_hash_does_not_depend_on_batches_or_calls)
{
    uint64_t seed = test_seed() + 8;
    for (int shape = 0; shape < SHAPES; shape++) {
        struct shape x;
        shape_make(&x, shape, seed, 1000);
        const size_t batch[] = {1, 7, 250, 1000};
        const size_t calls[] = {1, 3, 4, 1}; /* batches between two calls */
        uint64_t hash[4];
        for (size_t way = 0; way < 4; way++) {
            struct kept kept = {0};
            eddy_clusterer *cl = clusterer_new(&x.o);
            eddy_assignment *a = calloc(1000, sizeof *a);
            eddy_error err = {0};
            for (size_t i = 0, b = 1; i < 1000; i += batch[way], b++) {
                size_t m = batch[way] < 1000 - i ? batch[way] : 1000 - i;
                CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + i, m, a, &err), &err);
                if (b % calls[way] == 0 || i + m == 1000)
                    record(cl, &kept, NULL);
            }
            hash[way] = eddy_clusterer_hash(cl);
            assert_true(hash[way] == hash[0]);
            free(a);
            eddy_clusterer_free(cl);
            kept_clear(&kept);
        }
        stream_free(&x.s);
    }
}

/* Weights of an event of two million documents are halved (arrive.c: HEAVY), all its groups' too.
 */
TEST(halved_weights_are_recorded)
{
    struct stream s = stream_make(test_seed() + 11, 256, 1, 3);
    eddy_engine_options o = stream_options();
    o.threshold = -0.9;
    o.dense_dim = 8;
    o.terms_dim = 0;
    o.repair_every = 10000;
    eddy_clusterer *cl = clusterer_new(&o);
    struct kept kept = {0};
    eddy_assignment a[256];
    eddy_error err = {0};
    for (size_t i = 0; i < (1 << 13); i++)
        CHECK_OK(eddy_clusterer_assign(cl, s.rows, 256, a, &err), &err);
    assert_true(cl->n_events == 1 && cl->n_groups > 2 && cl->events[0].weight == 0x1p21);
    record(cl, &kept, NULL);
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, 1, a, &err), &err);
    assert_true(cl->events[0].weight < 0x1p21);
    record(cl, &kept, NULL);
    eddy_clusterer_free(cl);
    kept_clear(&kept);
    stream_free(&s);
}

/* ---- the words ---- */

/* Bytes of the words' records, and how many there are. */
static size_t words_kept(const struct kept *k, size_t *n)
{
    size_t bytes = 0;
    *n = 0;
    for (size_t i = 0; i < k->at.room; i++)
        if (k->at.keys[i] >> ED_NUMBER_BITS >= ED_WORDS) {
            bytes += ((struct ed_load_value *)(uintptr_t)k->at.values[i])->n;
            ++*n;
        }
    return bytes;
}

TEST(records_of_words_stay_within_three_times_the_vocabulary)
{
    struct stream s = stream_make(test_seed() + 9, 12000, 1000, 1.0);
    eddy_engine_options o = stream_options();
    o.threshold = -0.9; /* one event: only the words are looked at */
    for (size_t every = 1; every <= 256; every *= 16) {
        struct kept kept = {0};
        eddy_clusterer *cl = clusterer_new(&o);
        eddy_assignment a[256];
        eddy_error err = {0};
        uint64_t written = 0;
        size_t n = 0;
        for (size_t i = 0; i + every <= s.n; i += every) {
            eddy_arena *arena = eddy_arena_new(0);
            const eddy_record *r;
            CHECK_OK(eddy_clusterer_assign(cl, s.rows + i, every, a, &err), &err);
            CHECK_OK(eddy_clusterer_records(cl, arena, &r, &n, &err), &err);
            for (size_t j = 0; j < n; j++) {
                written += r[j].key >> ED_NUMBER_BITS >= ED_WORDS ? r[j].value.n : 0;
                kept_add(&kept, &r[j]);
            }
            eddy_arena_free(arena);
            size_t live = words_kept(&kept, &n);
            size_t table = cl->words.entries.n * 10 + cl->words.surface.n;
            assert_true(live < 3 * table + 256 * 8 + 1024);
        }
        printf("every %zu: %zu words, %zu bytes in %zu records, %.0f bytes written a document\n",
               every, cl->words.entries.n, words_kept(&kept, &n), n, (double)written / (double)s.n);
        eddy_clusterer *again = kept_load(&kept, &o, 5);
        assert_true(ed_state_hash(again) == eddy_clusterer_hash(cl));
        eddy_clusterer_free(again);
        eddy_clusterer_free(cl);
        kept_clear(&kept);
    }
    stream_free(&s);
}

/* Ask for all that was last written before call `since`; how many keys that were. */
static size_t renew_older(eddy_clusterer *cl, const struct ed_table *written, uint64_t since)
{
    size_t n = 0;
    for (size_t i = 0; i < written->room; i++)
        if (written->keys[i] && written->values[i] < since) {
            eddy_clusterer_renew(cl, written->keys[i]);
            n++;
        }
    return n;
}

/* A log's beginning can be made void at any time: what is asked for comes again, though nothing has
 * changed, and what came since is the whole state. */
TEST(what_is_asked_for_is_recorded_again)
{
    for (int shape = 0; shape < SHAPES; shape++) {
        enum { N = 1500, EACH = 50 };
        struct shape x;
        struct kept later = {0};
        struct ed_table written; /* key -> number of the call */
        eddy_assignment a[EACH];
        eddy_error err = {0};
        shape_make(&x, shape, 7, N);
        ed_table_init(&written);
        eddy_clusterer *cl = clusterer_new(&x.o);
        size_t old = 1;
        uint64_t call = 0;
        uint64_t since = N / EACH;
        for (size_t i = 0; old; i += EACH, call++) {
            eddy_arena *arena = eddy_arena_new(0);
            const eddy_record *r;
            size_t n;
            if (i < N)
                CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + i, EACH, a, &err), &err);
            uint64_t hash = eddy_clusterer_hash(cl);
            old = i < N ? 1 : renew_older(cl, &written, since);
            CHECK_OK(eddy_clusterer_records(cl, arena, &r, &n, &err), &err);
            for (size_t j = 0; j < n; j++) {
                if (r[j].value.at)
                    *ed_table_put(&written, r[j].key, 0) = call;
                else
                    ed_table_remove(&written, r[j].key);
                if (i >= N)
                    kept_add(&later, &r[j]);
            }
            eddy_arena_free(arena);
            assert_true(i < N || eddy_clusterer_hash(cl) == hash);
            assert_true(call < since + 70);
        }
        eddy_clusterer *again = kept_load(&later, &x.o, 3);
        assert_true(eddy_clusterer_hash(again) == eddy_clusterer_hash(cl));
        assert_true(ed_state_hash(again) == eddy_clusterer_hash(cl));
        eddy_clusterer_renew(cl, UINT64_C(0xff) << 56 | 1); /* nobody's */
        eddy_clusterer_free(again);
        eddy_clusterer_free(cl);
        ed_table_clear(&written);
        kept_clear(&later);
        stream_free(&x.s);
    }
}

/* Words whose hashes all fall to one page, as an adversary would choose them, make that page and a
 * delta longer than one record; and when they are forgotten, the page's other records go. */
TEST(long_pages_and_deltas_are_several_records)
{
    eddy_engine_options o = stream_options();
    o.words_max = 16384;
    enum { WORDS_ALL = 20000, WORDS_ROW = 200 };
    eddy_term *terms = calloc(WORDS_ALL, sizeof *terms);
    static const char word[64] = "a word of sixty-three bytes, which is the longest that are kept";
    uint64_t hash = 1;
    for (size_t i = 0; i < WORDS_ALL; i++) {
        while (ed_table_share_of(++hash, ed_words_pages(&o)))
            ;
        terms[i] = (eddy_term){hash, word, 63, 1};
    }
    eddy_clusterer *cl = clusterer_new(&o);
    struct kept kept = {0};
    eddy_error err = {0};
    size_t most = 0;
    for (size_t i = 0; i < WORDS_ALL; i += WORDS_ROW) {
        eddy_row row = {.terms = terms + i, .n_terms = WORDS_ROW, .time_ms = (int64_t)i};
        eddy_assignment a;
        CHECK_OK(eddy_clusterer_assign(cl, &row, 1, &a, &err), &err);
        if (i % 5000 == 0)
            record(cl, &kept, NULL);
        most = cl->words.parts[0] > most ? cl->words.parts[0] : most;
    }
    record(cl, &kept, NULL);
    assert_true(most >= 2);
    assert_true(cl->words.dropped > 8000 && cl->words.parts[0] < most + 1);
    size_t parts = 0;
    for (size_t i = 0; i < kept.at.room; i++)
        parts += kept.at.keys[i] >> ED_NUMBER_BITS == ED_WORDS_PAGE;
    assert_int_equal(parts, cl->words.parts[0]);
    eddy_clusterer *again = kept_load(&kept, &o, 5);
    assert_true(ed_state_hash(again) == eddy_clusterer_hash(cl));
    eddy_clusterer_free(again);
    eddy_clusterer_free(cl);
    kept_clear(&kept);
    free(terms);
}

/* ---- lost memory ---- */

/* Ask once with an arena of at most this; 1: there was no memory, and nothing was told. */
static int records_lost(eddy_clusterer *cl, size_t max_bytes)
{
    eddy_arena *arena = eddy_arena_new(max_bytes);
    const eddy_record *r = NULL;
    size_t n = 77;
    if (!arena)
        return 1;
    eddy_status st = eddy_clusterer_records(cl, arena, &r, &n, NULL);
    eddy_arena_free(arena);
    assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !r && n == 77));
    return st == EDDY_NOMEM;
}

TEST(records_may_be_asked_for_again_after_lost_memory)
{
    struct shape x;
    shape_make(&x, FORGETFUL, test_seed() + 10, 1600);
    eddy_clusterer *cl = clusterer_new(&x.o);
    eddy_clusterer *twin = clusterer_new(&x.o);
    struct kept kept = {0};
    for (size_t i = 0; i < 1500; i += 50) {
        size_t lost = 0;
        same_step(cl, twin, x.s.rows + i, 50);
        if (i % 100) {
            EACH_ALLOC_FAILS (k)
                lost += (size_t)records_lost(cl, 0);
            assert_true(lost > 2);
        } else {
            while (records_lost(cl, 1 + 3000 * lost))
                lost++;
            assert_true(lost > 10);
        }
        assert_false(records_lost(twin, 0));
        assert_true(eddy_clusterer_hash(cl) == eddy_clusterer_hash(twin));
        assert_true(eddy_clusterer_hash(cl) == ed_state_hash(cl));
    }
    same_step(cl, twin, x.s.rows + 1500, 100);
    same_records(cl, twin, &kept);
    eddy_clusterer_free(cl);
    eddy_clusterer_free(twin);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* ---- fingerprint ---- */

TEST(the_fingerprint_tells_what_goes_on_differently)
{
    eddy_engine_options o = stream_options();
    uint64_t f = eddy_engine_fingerprint(&o);
    eddy_engine_options p = o;
    p.neighbours = p.turns = 0; /* the defaults, as they stand in o */
    assert_true(eddy_engine_fingerprint(&p) == f);
    p = o;
    p.idle_half_ms++; /* says nothing without a penalty */
    assert_true(eddy_engine_fingerprint(&p) == f);
#define DIFFERS(change)                                                                            \
    do {                                                                                           \
        p = o;                                                                                     \
        p.change;                                                                                  \
        assert_true(eddy_engine_fingerprint(&p) != f);                                             \
    } while (0)
    DIFFERS(dense_dim++);
    DIFFERS(terms_dim++);
    DIFFERS(n_extra++);
    DIFFERS(dense_weight += 0.01);
    DIFFERS(granularity += 0.01);
    DIFFERS(threshold = 0);
    DIFFERS(fade_ms++);
    DIFFERS(half_life_ms++);
    DIFFERS(idle_penalty += 0.01);
    DIFFERS(stability += 0.01);
    DIFFERS(detail++);
    DIFFERS(repair_every++);
    DIFFERS(events_max++);
    DIFFERS(words_max++);
    DIFFERS(window++);
    DIFFERS(neighbours++);
    DIFFERS(turns++);
    DIFFERS(topics = EDDY_TOPICS_OFF);
#undef DIFFERS
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_clusterer_goes_on_as_the_one_that_wrote_the_records),
        cmocka_unit_test(a_standby_that_follows_for_long_takes_over),
        cmocka_unit_test(the_hash_does_not_depend_on_batches_or_calls),
        cmocka_unit_test(halved_weights_are_recorded),
        cmocka_unit_test(records_of_words_stay_within_three_times_the_vocabulary),
        cmocka_unit_test(what_is_asked_for_is_recorded_again),
        cmocka_unit_test(long_pages_and_deltas_are_several_records),
        cmocka_unit_test(records_may_be_asked_for_again_after_lost_memory),
        cmocka_unit_test(the_fingerprint_tells_what_goes_on_differently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
