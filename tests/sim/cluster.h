/* The simulated broker: what Kafka promises, and where it does not.
 *
 * One transactional id, one state partition, one partition for each output topic. Everything here
 * takes effect at once; being late, lost, or late and lost is what happens on the way (client.c),
 * but for requests that linger: those arrive here by themselves, long after their sender gave up.
 */
#ifndef ED_SIM_CLUSTER_H
#define ED_SIM_CLUSTER_H

#include "sim.h"

#define SIM_STATE  ED_TOPICS /* the state topic's place among the partitions */
#define SIM_TOPICS (ED_TOPICS + 1)

enum sim_reply {
    SIM_OK,
    SIM_TIMEOUT,    /* nobody knows; only client.c says so */
    SIM_FENCED,     /* a newer epoch of the producer is there */
    SIM_BAD_STATE,  /* no such transaction (any more) */
    SIM_CONCURRENT, /* the last transaction's markers are still being written: ask again */
    SIM_GENERATION  /* the group does not know this member, or not at this generation */
};

enum sim_visible { SIM_OPEN, SIM_COMMITTED, SIM_ABORTED };

struct sim_record {
    int64_t offset, time_ms;
    uint64_t seq; /* order of arrival over all partitions */
    int marker;   /* 1: a control record; it only takes an offset */
    enum sim_visible visible;
    int64_t epoch;             /* of the producer */
    eddy_record state;         /* of the state topic; value owned */
    struct ed_message message; /* of the others; strings and headers owned */
    char *block;               /* what they point to */
};

struct sim_partition {
    struct sim_record *records;
    size_t n, room;
    int64_t first, next;
};

/* The coordinator's view of the transactional id. */
struct sim_transaction {
    int64_t epoch; /* of its producer; 0: there was none */
    int open;
    unsigned touched; /* bits of partitions */
    int64_t since_ms;
    int ended;                   /* how the last one of this epoch ended: 0, 'c', 'a' */
    unsigned marking;            /* bits of partitions whose marker is not written yet */
    int64_t marks_ms;            /* when the next one will be */
    int n_offsets;               /* of the group, pending */
    int64_t offsets[SIM_INPUTS]; /* -1: not told */
};

struct sim_lingering {
    int64_t due_ms;
    int kind;       /* 'c'ommit, 'a'bort, 'o'ffsets, 'i'nit, 'f'orget */
    int64_t before; /* 'f' */
    int64_t epoch;
    int64_t offsets[SIM_INPUTS];
};

struct sim_member {
    uint64_t id; /* 0: a free place */
    int process;
    int64_t heard_ms, revoke_ms; /* revoke_ms: when it was asked to let go; -1: it was not */
    int64_t generation;          /* that it has heard of */
};

struct sim_group {
    struct sim_member members[4 * SIM_PROCESSES];
    uint64_t owner, member_next;
    int64_t generation;
    int64_t offsets[SIM_INPUTS]; /* -1: none */
};

struct sim_cluster {
    struct sim *sim;
    struct sim_partition partitions[SIM_TOPICS];
    struct sim_transaction txn;
    struct sim_group group;
    struct sim_lingering lingering[16];
    size_t n_lingering;
    uint64_t seq;
    int64_t down_until_ms;
};

struct sim_cluster *sim_cluster_new(struct sim *sim);
void sim_cluster_free(struct sim_cluster *c);

/* ---- requests of a producer; epoch is its own ---- */
/* InitProducerId: what is open is aborted. 1: done, *ret is the new epoch; 0: ask again. */
int sim_cluster_init(struct sim_cluster *c, int64_t *ret);
/* One record; added: 1 when the client thinks that its partition is in the transaction already. */
enum sim_reply sim_cluster_produce(struct sim_cluster *c, int64_t epoch, int added,
                                   const struct ed_message *m, const eddy_record *state);
enum sim_reply sim_cluster_offsets(struct sim_cluster *c, int64_t epoch, uint64_t member,
                                   int64_t generation, const int64_t offsets[SIM_INPUTS]);
/* Outside of a transaction: at once. */
enum sim_reply sim_cluster_offsets_now(struct sim_cluster *c, const int64_t offsets[SIM_INPUTS]);
enum sim_reply sim_cluster_end(struct sim_cluster *c, int64_t epoch, int commit);
/* DeleteRecords of the state. */
void sim_cluster_forget(struct sim_cluster *c, int64_t before);
void sim_cluster_linger(struct sim_cluster *c, const struct sim_lingering *request);

/* ---- reading ---- */
/* The offset of the first record of an open transaction, or the end. */
int64_t sim_cluster_stable(const struct sim_cluster *c, int partition);
/* Index of the first record at or above an offset. */
size_t sim_cluster_seek(const struct sim_cluster *c, int partition, int64_t offset);

/* ---- what happens by itself ---- */
/* When something is due next; INT64_MAX: nothing. And do it. */
int64_t sim_cluster_due(const struct sim_cluster *c);
void sim_cluster_tick(struct sim_cluster *c);
void sim_cluster_compact(struct sim_cluster *c);

/* ---- the group (group.c) ---- */

/* What a process knows of its membership; as old as its last heartbeat. */
struct sim_view {
    uint64_t member;
    int64_t generation;
    int owns, asked_back;
};

void sim_group_init(struct sim_group *g);
/* A process joins, or with known: comes back as the static member it was. Fills its view. */
void sim_group_join(struct sim_cluster *c, int process, int known, struct sim_view *view);
/* A heartbeat; the view is as of now. The member of a session that has ended joins anew. */
void sim_group_beat(struct sim_cluster *c, int process, struct sim_view *view);
/* It has let go of the shard that it was asked for; or (leave) goes altogether. */
void sim_group_release(struct sim_cluster *c, struct sim_view *view, int leave);
int sim_group_knows(const struct sim_group *g, uint64_t member, int64_t generation);
int64_t sim_group_due(const struct sim_cluster *c);
void sim_group_tick(struct sim_cluster *c);
/* Faults: the owner is thrown out; the shard is asked back for another member. */
void sim_group_expel(struct sim_cluster *c);
void sim_group_rebalance(struct sim_cluster *c);

#endif
