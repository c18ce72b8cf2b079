/* Chunks: where each begins follows from its number. */
#include "embed/chunks.h"

#include <string.h>

#define MARKS     2  /* of beginning and end */
#define LIMIT_MIN 16 /* below, nothing is left between what is repeated */

/* How much of the limit each part of a chunk takes. */
struct plan {
    size_t first; /* the text's tokens in the first chunk ... */
    size_t head;  /* ... of which so many stand before all others, ... */
    size_t rest;  /* ... that hold so many behind them, ... */
    size_t step;  /* ... each beginning so far behind the one before */
};

static struct plan plan_of(size_t limit)
{
    struct plan p = {.first = limit - MARKS, .head = limit / 16};
    p.rest = p.first - p.head;
    p.step = p.rest - limit / 8;
    return p;
}

/* Where the k-th chunk begins, k above 0. */
static size_t begin(const struct plan *p, size_t limit, size_t k)
{
    return p->first - limit / 8 + (k - 1) * p->step;
}

size_t ed_chunks_tokens(size_t limit)
{
    if (limit < LIMIT_MIN)
        return limit;
    struct plan p = plan_of(limit);
    return MARKS + begin(&p, limit, ED_CHUNKS_MAX - 1) + p.rest;
}

size_t ed_chunks_count(size_t n, size_t limit)
{
    if (n <= limit)
        return 1;
    struct plan p = plan_of(limit);
    return 1 + (n - MARKS - p.first + p.step - 1) / p.step;
}

size_t ed_chunk(const uint32_t *ids, size_t n, size_t limit, size_t k, uint32_t *ret, size_t *share)
{
    *share = n - MARKS;
    if (n <= limit) {
        memcpy(ret, ids, n * sizeof *ret);
        return n;
    }
    struct plan p = plan_of(limit);
    const uint32_t *body = ids + 1;
    size_t at = k ? begin(&p, limit, k) : 0, n_head = k ? p.head : 0, room = k ? p.rest : p.first;
    *share = *share - at < room ? *share - at : room;
    ret[0] = ids[0];
    memcpy(ret + 1, body, n_head * sizeof *ret);
    memcpy(ret + 1 + n_head, body + at, *share * sizeof *ret);
    ret[1 + n_head + *share] = ids[n - 1];
    return MARKS + n_head + *share;
}
