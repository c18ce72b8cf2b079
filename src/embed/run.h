/* Runs that grow in an arena: the bytes of a text on its way to ids, and the ids.
 *
 * A run that grows leaves what it was in the arena; it doubles, so that is no more than the run
 * itself. Emptied for each text, it soon stops growing. */
#ifndef ED_EMBED_RUN_H
#define ED_EMBED_RUN_H

#include "base/memory.h"

#include <string.h>

struct ed_run {
    char *at;
    size_t n, room;
};

/* Room for more bytes behind the n that are there. 0: no memory. */
static inline int ed_run_room(struct ed_run *run, eddy_arena *arena, size_t more)
{
    if (more <= run->room - run->n)
        return 1;
    size_t room = 2 * (run->n + more) + 64;
    char *at = ed_arena_alloc(arena, room);
    if (!at)
        return 0;
    if (run->n)
        memcpy(at, run->at, run->n);
    run->at = at;
    run->room = room;
    return 1;
}

/* Add bytes where there is room for them. */
static inline void ed_run_put(struct ed_run *run, const char *s, size_t n)
{
    if (n)
        memcpy(run->at + run->n, s, n);
    run->n += n;
}

struct ed_ids {
    eddy_arena *arena;
    uint32_t *at;
    size_t n, room, max; /* what comes beyond max is not taken */
    int lost;            /* there was no memory */
};

/* 0: full, or no memory. */
static inline int ed_ids_add(struct ed_ids *ids, uint32_t id)
{
    if (ids->n == ids->max || ids->lost)
        return 0;
    if (ids->n == ids->room) {
        uint32_t *at = ed_arena_list_room(ids->arena, ids->at, ids->n, &ids->room, sizeof *at);
        if (!at) {
            ids->lost = 1;
            return 0;
        }
        ids->at = at;
    }
    ids->at[ids->n++] = id;
    return 1;
}

#endif
