/* sim: a whole cluster in one thread, in simulated time, from one seed.
 *
 *   sim.c        the program: seeds, mutants, blocks of seeds in child processes
 *   world.c      the scheduler and its faults; every choice is drawn from the seed
 *   fiber.c      processes are fibers, which may be dropped at any point
 *   process.c    a simulated eddy: membership, restore, epochs
 *   detect.c     the same between files
 *   shard.c      what a process, and the judge, do with documents: assign, publish, records
 *   client.c     struct ed_log, as librdkafka would behave: requests are late, lost, or linger
 *   cluster.c    the broker: partitions, transactions, fencing, visibility, compaction
 *   group.c      the consumer group: who owns the shard
 *   judge.c      the invariants I1 to I6 of RELIABILITY section 3
 *   files.c      what is to be in the files of detect.c
 *   disk.c       writes that fail, power that goes
 *   damage.c     what may happen to a store
 *   documents.c  the input
 *
 * Nothing asks a wall clock, an address or a hash order: the same seed gives the same run, step by
 * step. Crashed fibers leak what they held; a child process ends after some hundred seeds. */
#ifndef ED_SIM_SIM_H
#define ED_SIM_SIM_H

#include "base/hash.h"
#include "base/message.h"

#include <stdarg.h>

#define SIM_INPUTS    3 /* partitions of the input topic at most */
#define SIM_PROCESSES 3
#define SIM_TOPIC     "in"
#define SIM_PIPELINE  "sim"
#define SIM_DENSE     8

/* ---- numbers ---- */

struct sim_random {
    uint64_t at;
};

static inline uint64_t sim_draw(struct sim_random *r)
{
    return ed_mix64(r->at++);
}
/* 0 to n - 1. */
static inline int64_t sim_below(struct sim_random *r, int64_t n)
{
    return (int64_t)(sim_draw(r) % (uint64_t)n);
}
static inline int64_t sim_between(struct sim_random *r, int64_t low, int64_t high)
{
    return low + sim_below(r, high - low + 1);
}
/* 1 with so many chances in 65,536. */
static inline int sim_chance(struct sim_random *r, int in_65536)
{
    return (int)(sim_draw(r) & 65535) < in_65536;
}
static inline double sim_unit(struct sim_random *r)
{
    return (double)(sim_draw(r) >> 11) * 0x1p-53;
}

/* ---- the input ---- */

struct sim_doc {
    int32_t partition;
    int64_t offset, arrives_ms;
    int poison;    /* 1: a dead letter */
    int filtered;  /* 1: nobody hears of it, but the offset goes on */
    eddy_row row;  /* of a document */
    eddy_doc doc;  /* as publish wants it */
    eddy_raw raw;  /* of a dead letter */
    size_t answer; /* 1 and more: the epoch that answered it; the judge's */
};

struct sim_input {
    size_t n_docs; /* of all partitions */
    struct sim_doc *docs;
    int n_partitions;
    size_t first[SIM_INPUTS + 1]; /* docs of a partition lie together, by offset */
    int64_t end[SIM_INPUTS];      /* the offset after its last */
    eddy_arena *arena;
};

void sim_input_make(struct sim_input *input, struct sim_random *r, int partitions_max);
void sim_input_free(struct sim_input *input);
/* Index of the first document of a partition at or above an offset. */
size_t sim_input_seek(const struct sim_input *input, int32_t partition, int64_t offset);
/* The document at exactly this place; NULL: there is none. */
struct sim_doc *sim_input_at(const struct sim_input *input, int32_t partition, int64_t offset);

/* ---- what may go wrong in one seed ---- */

struct sim_faults {
    /* chances in 65,536 */
    int crash_at_point, stall_at_point, switch_at_point;
    int request_lost, request_silent, request_lingers, produce_fails, producer_dies, disk_fails;
    int damage_at_crash; /* of the store */
    /* mean time between two, in ms; 0: never */
    int crash_ms, term_ms, stall_ms, broker_ms, steal_ms, rebalance_ms, compact_ms, expel_ms;
    int until_ms; /* then all of them end */
    /* not faults, but different from seed to seed */
    int session_ms, transaction_ms, latency_ms, timeout_ms, stall_max_ms, down_max_ms, restart_ms;
    int linger_ms; /* at most that long after the request was given up */
    int static_members, without_store, rewrite_bytes, deliver_ms;
    int span_bytes;     /* of the state's log, before its beginning is made void */
    int warm;           /* chance that a standby follows */
    size_t message_max; /* bytes of a message that the broker takes */
};

void sim_faults_draw(struct sim_faults *f, struct sim_random *r);

/* ---- the whole ---- */

struct sim_cluster;
struct sim_process;
struct sim_judge;

struct sim_counts {
    uint64_t steps, switches, epochs, crashes, stops, stalls, fences, aborts, timeouts, lingered,
        bitten, compactions, takeovers, restores, restores_from_store, refusals, damages, forgotten;
};

struct sim {
    uint64_t seed;
    int traced;
    int64_t now_ms;
    int faults_end;           /* 1: only good weather from here on */
    int ending;               /* 1: who stops stays down */
    struct sim_random random; /* of the scheduler and its faults */
    struct sim_faults faults;
    struct sim_input input;
    struct sim_cluster *cluster;
    struct sim_judge *judge;
    eddy_engine_options engine;
    struct sim_process *processes[SIM_PROCESSES];
    int n_processes;
    struct sim_process *running; /* whose fiber it is; NULL: the scheduler's turn */
    int held;                    /* above 0: points are passed without a switch */
    struct sim_counts counts;
    int files;     /* 1: as `eddy detect --journal` does it: no broker, one process, to the end */
    int finished;  /* 1: its outputs have their names */
    int stateless; /* 1: as stage embed does it: no engine, no state; the group's offset counts */
    int failed;
    char failure[600]; /* the first violation */
};

extern struct sim *sim_now; /* for what has no argument: ed_point, the clock, the log */

/* Run one seed; 1: no violation. */
int sim_run(struct sim *sim);

/* A violation; the first one stands, and the run ends at the next switch. */
__attribute__((format(printf, 2, 3))) void sim_fail(struct sim *sim, const char *format, ...);
__attribute__((format(printf, 2, 3))) void sim_trace(struct sim *sim, const char *format, ...);

/* ---- disk.c ---- */

void sim_disk_begin(void); /* of a seed */
/* What was not flushed in the files of a folder may be gone, from its end. */
void sim_disk_power_loss(struct sim *sim, const char *folder);

/* ---- for fibers (world.c) ---- */

/* The running process waits so long; others run meanwhile. It may never come back. */
void sim_wait(struct sim *sim, int64_t ms);

#endif
