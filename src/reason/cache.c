/* Cache: answers by the key of the request; the last used stay.
 *
 * What is the same to the letter is not asked and not paid twice: after an operation that came too
 * late, or in a second run over the same stretch. Only replies that answered something are kept. */
#include "reason/inside.h"

#include <string.h>

#define TEXT_MAX ((size_t)64 << 10) /* bytes of an answer that is kept */

void ed_cache_init(struct ed_cache *cache, size_t max)
{
    memset(cache, 0, sizeof *cache);
    cache->max = max;
    cache->newest = cache->oldest = NOTHING;
    ed_table_init(&cache->places);
}

void ed_cache_clear(struct ed_cache *cache)
{
    for (size_t i = 0; i < cache->n; i++)
        ed_free(cache->entries[i].text);
    ed_free(cache->entries);
    ed_table_clear(&cache->places);
    ed_cache_init(cache, cache->max);
}

static void take_out(struct ed_cache *cache, size_t at)
{
    struct ed_cache_entry *e = &cache->entries[at];
    *(e->newer == NOTHING ? &cache->newest : &cache->entries[e->newer].older) = e->older;
    *(e->older == NOTHING ? &cache->oldest : &cache->entries[e->older].newer) = e->newer;
}

static void put_first(struct ed_cache *cache, size_t at)
{
    struct ed_cache_entry *e = &cache->entries[at];
    e->newer = NOTHING;
    e->older = cache->newest;
    *(cache->newest == NOTHING ? &cache->oldest : &cache->entries[cache->newest].newer) = at;
    cache->newest = at;
}

eddy_str ed_cache_find(struct ed_cache *cache, const uint64_t key[2])
{
    const uint64_t *place = ed_table_find(&cache->places, key[0]);
    if (!place || cache->entries[*place - 1].key[1] != key[1])
        return (eddy_str){"", 0};
    size_t at = (size_t)*place - 1;
    take_out(cache, at);
    put_first(cache, at);
    return (eddy_str){cache->entries[at].text, cache->entries[at].n};
}

/* A place for one more: a free one, or that of the oldest. NOTHING: no memory. */
static size_t place_free(struct ed_cache *cache)
{
    if (!cache->entries)
        cache->entries = ed_alloc_zero(cache->max, sizeof *cache->entries);
    if (!cache->entries)
        return NOTHING;
    if (cache->n < cache->max)
        return cache->n++;
    size_t at = cache->oldest;
    take_out(cache, at);
    ed_table_remove(&cache->places, cache->entries[at].key[0]);
    ed_free(cache->entries[at].text);
    return at;
}

void ed_cache_put(struct ed_cache *cache, const uint64_t key[2], eddy_str text)
{
    if (!cache->max || !text.n || text.n > TEXT_MAX)
        return;
    char *copy = ed_strndup(text.at, text.n);
    uint64_t *place = copy ? ed_table_put(&cache->places, key[0], 0) : NULL;
    if (!place) {
        ed_free(copy);
        return;
    }
    size_t at = (size_t)*place - 1;
    if (*place) { /* it is there, or one with half its key is: this one is newer */
        take_out(cache, at);
        ed_free(cache->entries[at].text);
    } else {
        at = place_free(cache);
        if (at == NOTHING) {
            ed_table_remove(&cache->places, key[0]);
            ed_free(copy);
            return;
        }
        *ed_table_find(&cache->places, key[0]) = at + 1;
    }
    cache->entries[at] =
        (struct ed_cache_entry){.key = {key[0], key[1]}, .text = copy, .n = text.n};
    put_first(cache, at);
}
