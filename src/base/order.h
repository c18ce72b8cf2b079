/* Orders: operations as people, programs and the log write them, beside what the engine is told.
 *
 * Ids of events and groups are those that everybody outside sees: several shards number theirs so
 * that no two share one, and 1, 2, 3 of shard 0 of 2 are 1, 3, 5. The engine knows only its own. */
#ifndef ED_BASE_ORDER_H
#define ED_BASE_ORDER_H

#include <eddy/engine.h>

#define ED_ORDER_ID_MAX 256 /* bytes of id and who */

struct ed_order {
    eddy_operation operation; /* its strings and groups are in the arena of whoever made it */
    int pass;                 /* 1: no operation; the reasoner is asked to make a pass now */
    eddy_str id;              /* by which its author knows it again; n 0: none */
    eddy_str who;             /* a name of the author's; n 0: none */
    int timed;                /* 1: it is to be applied ... */
    uint64_t position;        /* ... when so many documents have been seen */
    int refused;              /* 1: a line of the log, of one that was */
};

/* Topics are numbered as events are, above them: T12 outside. */
#define ED_ID_TOPIC EDDY_TOPIC_ID(0)

/* The engine's number as others see it, and back; 0 stays 0. */
static inline uint64_t ed_id_outside(uint64_t id, uint32_t shard, uint32_t n_shards)
{
    uint64_t n = id & ~ED_ID_TOPIC;
    return n && n_shards > 1 ? (id & ED_ID_TOPIC) | ((n - 1) * n_shards + shard + 1) : id;
}

static inline uint64_t ed_id_inside(uint64_t id, uint32_t n_shards)
{
    uint64_t n = id & ~ED_ID_TOPIC;
    return n && n_shards > 1 ? (id & ED_ID_TOPIC) | ((n - 1) / n_shards + 1) : id;
}

/* The shard that an id is of. */
static inline uint32_t ed_id_shard(uint64_t id, uint32_t n_shards)
{
    uint64_t n = id & ~ED_ID_TOPIC;
    return n && n_shards > 1 ? (uint32_t)((n - 1) % n_shards) : 0;
}

/* "merge", "split", ... as control messages have it; NULL for what is no kind. */
const char *ed_operation_name(eddy_operation_kind kind);

#endif
