/* The cache: sets of eight rows.
 *
 * A key belongs to one set; there it is found by a look at eight keys, and a new one takes the
 * place of one that was not asked for since the hand came by last (CLOCK, in each set). So there is
 * no index to keep, memory is what it is from the beginning, and each set has a lock of its own,
 * which is held for the copy of one row. libeddy has no threads, so nobody waits for long: a set
 * that stays locked (its holder was put to sleep) is passed by, and a text embedded once more than
 * it had to be. */
#define XXH_INLINE_ALL
#include "embed/cache.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/vector.h"

#include <stdatomic.h>
#include <string.h>
#include <xxhash.h>

enum { WAYS = 8, TRIES = 1000 };

struct set {
    struct ed_cache_key keys[WAYS];
    atomic_flag locked;
    uint8_t n;     /* ways that are taken */
    uint8_t hand;  /* the next way to be looked at for a place */
    uint8_t asked; /* a bit for each way: it was, since the hand came by */
};

struct ed_cache {
    struct set *sets;
    float *rows; /* (n_sets, WAYS, dim) */
    size_t n_sets, dim;
    uint64_t seed;
    _Atomic uint64_t hits, misses, evictions, held;
};

eddy_status ed_cache_new(size_t max_bytes, size_t dim, uint64_t fingerprint, struct ed_cache **ret,
                         eddy_error *err)
{
    size_t set_bytes = sizeof(struct set) + WAYS * dim * sizeof(float);
    size_t n_sets =
        (max_bytes > sizeof(struct ed_cache) ? max_bytes - sizeof(struct ed_cache) : 0) / set_bytes;
    *ret = NULL;
    if (!n_sets)
        return EDDY_OK;
    struct ed_cache *cache = ed_alloc_zero(1, sizeof *cache);
    if (!cache)
        return eddy_fail_nomem(err, "embed cache", sizeof *cache);
    *cache = (struct ed_cache){.n_sets = n_sets, .dim = dim, .seed = fingerprint};
    cache->sets = ed_alloc_zero(n_sets, sizeof *cache->sets);
    cache->rows = ed_alloc_zero(n_sets, WAYS * dim * sizeof(float));
    if (!cache->sets || !cache->rows) {
        ed_cache_free(cache);
        return eddy_fail_nomem(err, "embed cache", n_sets * set_bytes);
    }
    *ret = cache;
    return EDDY_OK;
}

void ed_cache_free(struct ed_cache *cache)
{
    if (!cache)
        return;
    ed_free(cache->sets);
    ed_free(cache->rows);
    ed_free(cache);
}

/* ---- one set ---- */

static int set_lock(struct set *set)
{
    for (int i = 0; i < TRIES; i++)
        if (!atomic_flag_test_and_set_explicit(&set->locked, memory_order_acquire))
            return 1;
    return 0;
}

static void set_unlock(struct set *set)
{
    atomic_flag_clear_explicit(&set->locked, memory_order_release);
}

static int same(struct ed_cache_key a, struct ed_cache_key b)
{
    return a.low == b.low && a.high == b.high;
}

/* The way of a key; WAYS: it is not there. */
static size_t way_find(const struct set *set, struct ed_cache_key key)
{
    size_t way = 0;
    while (way < set->n && !same(set->keys[way], key))
        way++;
    return way < set->n ? way : WAYS;
}

/* A way for a new key: a free one, or one that was not asked for. */
static size_t way_take(struct ed_cache *cache, struct set *set)
{
    if (set->n < WAYS) {
        atomic_fetch_add_explicit(&cache->held, 1, memory_order_relaxed);
        return set->n++;
    }
    for (;;) {
        size_t way = set->hand;
        set->hand = (uint8_t)((way + 1) % WAYS);
        if (!(set->asked & 1u << way)) {
            atomic_fetch_add_explicit(&cache->evictions, 1, memory_order_relaxed);
            return way;
        }
        set->asked = (uint8_t)(set->asked & ~(1u << way));
    }
}

static float *row_of(const struct ed_cache *cache, const struct set *set, size_t way)
{
    return cache->rows + ((size_t)(set - cache->sets) * WAYS + way) * cache->dim;
}

static struct set *set_of(const struct ed_cache *cache, struct ed_cache_key key)
{
    return cache->sets + key.low % cache->n_sets;
}

/* 1: the row of a key is in ret. */
static int recall(const struct ed_cache *cache, struct ed_cache_key key, float *ret)
{
    struct set *set = set_of(cache, key);
    if (!set_lock(set))
        return 0;
    size_t way = way_find(set, key);
    if (way < WAYS) {
        set->asked = (uint8_t)(set->asked | 1u << way);
        memcpy(ret, row_of(cache, set, way), cache->dim * sizeof *ret);
    }
    set_unlock(set);
    return way < WAYS;
}

static void remember(struct ed_cache *cache, struct ed_cache_key key, const float *row)
{
    struct set *set = set_of(cache, key);
    if (!set_lock(set))
        return;
    if (way_find(set, key) == WAYS) { /* nobody was quicker */
        size_t way = way_take(cache, set);
        set->keys[way] = key;
        memcpy(row_of(cache, set, way), row, cache->dim * sizeof *row);
    }
    set_unlock(set);
}

/* ---- one call ---- */

static struct ed_cache_key key_of(const struct ed_cache *cache, eddy_str text)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(text.n ? text.at : "", text.n, cache->seed);
    return (struct ed_cache_key){hash.low64, hash.high64};
}

/* All arrays of a look, and a table (room, a power of 2) of its fresh keys that this call needs. */
static uint32_t *look_init(struct ed_cache_look *look, size_t n, size_t *room, eddy_error *err)
{
    for (*room = 16; *room < 2 * n;)
        *room *= 2;
    size_t bytes = n * (sizeof *look->fresh + sizeof *look->keys + sizeof *look->from) +
                   *room * sizeof(uint32_t);
    *look = (struct ed_cache_look){.n = n, .memory = ed_alloc(bytes)};
    if (!look->memory) {
        eddy_fail_nomem(err, "embed cache", bytes);
        return NULL;
    }
    look->fresh = look->memory;
    look->keys = (struct ed_cache_key *)(look->fresh + n);
    look->from = (uint32_t *)(look->keys + n);
    memset(look->from + n, 0xFF, *room * sizeof(uint32_t));
    return look->from + n;
}

eddy_status ed_cache_look(struct ed_cache *cache, const eddy_str *texts, size_t n, float *ret,
                          struct ed_cache_look *look, eddy_error *err)
{
    size_t room;
    uint32_t *table = look_init(look, n, &room, err);
    if (!table)
        return EDDY_NOMEM;
    for (size_t i = 0; i < n; i++) {
        struct ed_cache_key key = key_of(cache, texts[i]);
        size_t at = key.high & (room - 1);
        while (table[at] != UINT32_MAX && !same(look->keys[table[at]], key))
            at = (at + 1) & (room - 1);
        look->from[i] = table[at];
        if (table[at] != UINT32_MAX || recall(cache, key, ret + i * cache->dim))
            continue;
        look->from[i] = table[at] = (uint32_t)look->n_fresh;
        look->fresh[look->n_fresh] = texts[i];
        look->keys[look->n_fresh++] = key;
    }
    atomic_fetch_add_explicit(&cache->hits, n - look->n_fresh, memory_order_relaxed);
    atomic_fetch_add_explicit(&cache->misses, look->n_fresh, memory_order_relaxed);
    return EDDY_OK;
}

void ed_cache_keep(struct ed_cache *cache, const struct ed_cache_look *look, const float *rows,
                   float *ret)
{
    for (size_t i = 0; i < look->n && rows != ret; i++)
        if (look->from[i] != ED_CACHE_KNOWN)
            memcpy(ret + i * cache->dim, rows + look->from[i] * cache->dim,
                   cache->dim * sizeof *ret);
    for (size_t i = 0; i < look->n_fresh; i++)
        if (!ed_is_zero(rows + i * cache->dim, cache->dim))
            remember(cache, look->keys[i], rows + i * cache->dim);
}

void ed_cache_look_clear(struct ed_cache_look *look)
{
    ed_free(look->memory);
    look->memory = NULL;
}

void ed_cache_stats(const struct ed_cache *cache, eddy_embed_stats *ret)
{
    ret->hits = atomic_load_explicit(&cache->hits, memory_order_relaxed);
    ret->misses = atomic_load_explicit(&cache->misses, memory_order_relaxed);
    ret->evictions = atomic_load_explicit(&cache->evictions, memory_order_relaxed);
    ret->held = atomic_load_explicit(&cache->held, memory_order_relaxed);
    ret->bytes =
        sizeof *cache + cache->n_sets * (sizeof(struct set) + WAYS * cache->dim * sizeof(float));
}
