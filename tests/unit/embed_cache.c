/* label: threads */
/* The cache of the embedder: the same bits with it and without, never more memory than it may have,
 * each text embedded once while there is room, and the last used stay. */
#include "test.h"

#include "embed/cache.h"

#include <pthread.h>

enum { DIM = 4, TEXTS = 500, THREADS = 4 };

static char words[TEXTS][60];
static eddy_str texts[TEXTS];

static void texts_make(void)
{
    for (size_t i = 0; i < TEXTS; i++) {
        int n = snprintf(words[i], sizeof words[0], "node %zu of rack %zu is on fire", i, i % 17);
        texts[i] = (eddy_str){words[i], (size_t)n};
    }
}

/* An embedder by hash with a cache of so many bytes. */
static eddy_embedder *open_cached(size_t bytes)
{
    eddy_embedder_options options;
    eddy_embedder *embedder = NULL;
    eddy_error err = {0};
    eddy_embedder_options_init(&options);
    options.model = "hash";
    options.cache_bytes = bytes;
    CHECK_OK(eddy_embedder_open(&options, &embedder, &err), &err);
    return embedder;
}

/* ---- the cache alone: rows that tell their text ---- */

static struct ed_cache *cache_make(size_t bytes)
{
    struct ed_cache *cache = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_cache_new(bytes, DIM, 7, &cache, &err), &err);
    return cache;
}

static void row_make(eddy_str text, float *ret)
{
    for (size_t j = 0; j < DIM; j++)
        ret[j] = (float)(ed_fnv1a(ED_FNV_BASIS + j, text.at, text.n) % 1000 + 1);
}

/* One call as the embedder makes it; how many texts were embedded. */
static size_t ask(struct ed_cache *cache, const eddy_str *asked, size_t n)
{
    float ret[64 * DIM], rows[64 * DIM], want[DIM];
    struct ed_cache_look look;
    eddy_error err = {0};
    assert_true(n <= 64);
    CHECK_OK(ed_cache_look(cache, asked, n, ret, &look, &err), &err);
    for (size_t i = 0; i < look.n_fresh; i++)
        row_make(look.fresh[i], rows + i * DIM);
    ed_cache_keep(cache, &look, rows, ret);
    for (size_t i = 0; i < n; i++) {
        row_make(asked[i], want);
        assert_memory_equal(ret + i * DIM, want, sizeof want);
    }
    size_t fresh = look.n_fresh;
    ed_cache_look_clear(&look);
    return fresh;
}

TEST(equal_texts_of_a_call_are_embedded_once_and_known_in_the_next)
{
    struct ed_cache *cache = cache_make(1 << 20);
    eddy_embed_stats s;
    const eddy_str call[] = {texts[0], texts[1], texts[0], texts[2], texts[1], texts[0]};
    assert_int_equal(ask(cache, call, 6), 3);
    assert_int_equal(ask(cache, call, 6), 0);
    assert_int_equal(ask(cache, texts + 1, 3), 1);
    ed_cache_stats(cache, &s);
    assert_int_equal(s.misses, 4);
    assert_int_equal(s.hits, 3 + 6 + 2);
    assert_int_equal(s.held, 4);
    assert_int_equal(s.evictions, 0);
    ed_cache_free(cache);
}

TEST(memory_has_its_bound_and_what_is_evicted_is_counted)
{
    enum { BYTES = 20000 };
    struct ed_cache *cache = cache_make(BYTES);
    eddy_embed_stats s;
    size_t fresh = 0;
    for (size_t i = 0; i < TEXTS; i++)
        fresh += ask(cache, texts + i, 1);
    ed_cache_stats(cache, &s);
    assert_int_equal(fresh, TEXTS);
    assert_in_range(s.bytes, BYTES * 8 / 10, BYTES);
    assert_in_range(s.held, s.bytes / 100, s.bytes / (DIM * sizeof(float)));
    assert_int_equal(s.held + s.evictions, TEXTS);
    ed_cache_free(cache);
}

TEST(what_is_asked_for_again_and_again_stays)
{
    struct ed_cache *cache = cache_make(8000);
    size_t again = 0;
    ask(cache, texts, 3);
    ask(cache, texts, 3);
    for (size_t i = 3; i < TEXTS; i++) {
        ask(cache, texts + i, 1);
        again += ask(cache, texts, 3);
    }
    assert_int_equal(again, 0);
    ed_cache_free(cache);
}

TEST(a_row_of_zeros_is_not_kept)
{
    struct ed_cache *cache = cache_make(1 << 20);
    struct ed_cache_look look;
    float rows[DIM] = {0};
    eddy_error err = {0};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(ed_cache_look(cache, texts, 1, rows, &look, &err), &err);
        assert_int_equal(look.n_fresh, 1);
        ed_cache_keep(cache, &look, rows, rows);
        ed_cache_look_clear(&look);
    }
    ed_cache_free(cache);
}

TEST(too_little_for_any_row_is_no_cache)
{
    assert_null(cache_make(0));
    assert_null(cache_make(300));
}

/* ---- behind the embedder's door ---- */

static void embed(const eddy_embedder *embedder, const eddy_str *asked, size_t n, float *ret)
{
    eddy_error err = {0};
    eddy_arena *scratch = eddy_arena_new(0);
    CHECK_OK(eddy_embedder_embed(embedder, asked, n, scratch, ret, &err), &err);
    eddy_arena_free(scratch);
}

TEST(vectors_have_the_same_bits_with_a_cache_of_any_size_and_without)
{
    static const size_t sizes[] = {30000, 200000, 8 << 20};
    uint64_t random = test_seed();
    eddy_embedder *plain = open_cached(0);
    size_t dim = eddy_embedder_dim(plain);
    float *want = ed_alloc(TEXTS * dim * sizeof *want), *ret = ed_alloc(64 * dim * sizeof *ret);
    embed(plain, texts, TEXTS, want);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        eddy_embedder *cached = open_cached(sizes[s]);
        eddy_embed_stats stats;
        for (int call = 0; call < 60; call++) {
            eddy_str asked[64];
            size_t which[64], n = 1 + test_random(&random) % 64;
            for (size_t i = 0; i < n; i++) {
                which[i] = test_random(&random) % (call % 2 ? TEXTS : 20);
                asked[i] = texts[which[i]];
            }
            embed(cached, asked, n, ret);
            for (size_t i = 0; i < n; i++)
                assert_memory_equal(ret + i * dim, want + which[i] * dim, dim * sizeof *ret);
        }
        eddy_embedder_stats(cached, &stats);
        assert_true(stats.hits && stats.misses && stats.bytes <= sizes[s]);
        assert_true(s == 2 || stats.evictions);
        eddy_embedder_free(cached);
    }
    eddy_embed_stats none;
    eddy_embedder_stats(plain, &none);
    assert_true(!none.hits && !none.misses && !none.bytes);
    ed_free(want);
    ed_free(ret);
    eddy_embedder_free(plain);
}

struct crowd {
    eddy_embedder *cached;
    const float *want;
    uint64_t seed;
    int wrong;
};

static void *crowd_main(void *p)
{
    struct crowd *c = p;
    size_t dim = eddy_embedder_dim(c->cached);
    float *ret = ed_alloc(16 * dim * sizeof *ret);
    eddy_arena *scratch = eddy_arena_new(0);
    for (int call = 0; call < 300; call++) {
        eddy_str asked[16];
        size_t which[16];
        for (size_t i = 0; i < 16; i++) {
            which[i] = test_random(&c->seed) % 60;
            asked[i] = texts[which[i]];
        }
        c->wrong |= eddy_embedder_embed(c->cached, asked, 16, scratch, ret, NULL) != EDDY_OK;
        for (size_t i = 0; i < 16; i++)
            c->wrong |= memcmp(ret + i * dim, c->want + which[i] * dim, dim * sizeof *ret) != 0;
    }
    eddy_arena_free(scratch);
    ed_free(ret);
    return NULL;
}

/* Few rows for many threads: all meet in the same sets. */
TEST(threads_share_a_cache)
{
    struct crowd crowd[THREADS];
    pthread_t threads[THREADS];
    eddy_embed_stats s;
    eddy_embedder *cached = open_cached(100000), *plain = open_cached(0);
    size_t dim = eddy_embedder_dim(plain);
    float *want = ed_alloc(60 * dim * sizeof *want);
    embed(plain, texts, 60, want);
    for (size_t i = 0; i < THREADS; i++) {
        crowd[i] = (struct crowd){cached, want, 1000 * i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(crowd[i].wrong);
    }
    eddy_embedder_stats(cached, &s);
    assert_int_equal(s.hits + s.misses, THREADS * 300 * 16);
    assert_true(s.hits > s.misses);
    ed_free(want);
    eddy_embedder_free(cached);
    eddy_embedder_free(plain);
}

TEST(any_lost_allocation_is_told)
{
    eddy_embedder_options options;
    eddy_embedder_options_init(&options);
    options.model = "hash";
    options.cache_bytes = 100000;
    eddy_str twice[] = {texts[0], texts[0], texts[1]};
    float *ret = ed_alloc(3 * 512 * sizeof *ret);
    EACH_ALLOC_FAILS (k) {
        eddy_embedder *embedder = NULL;
        eddy_arena *scratch = eddy_arena_new(0);
        eddy_status st = eddy_embedder_open(&options, &embedder, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !embedder));
        if (embedder && scratch)
            st = eddy_embedder_embed(embedder, twice, 3, scratch, ret, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        eddy_embedder_free(embedder);
        eddy_arena_free(scratch);
    }
    ed_free(ret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_of_a_call_are_embedded_once_and_known_in_the_next),
        cmocka_unit_test(memory_has_its_bound_and_what_is_evicted_is_counted),
        cmocka_unit_test(what_is_asked_for_again_and_again_stays),
        cmocka_unit_test(a_row_of_zeros_is_not_kept),
        cmocka_unit_test(too_little_for_any_row_is_no_cache),
        cmocka_unit_test(vectors_have_the_same_bits_with_a_cache_of_any_size_and_without),
        cmocka_unit_test(threads_share_a_cache),
        cmocka_unit_test(any_lost_allocation_is_told),
    };
    texts_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
