/* logs: what a shard knows of the logs that it reads, beside its events: the templates of their
 * lines, which document of the clusterer each of them is, and how each input is read.
 *
 * The clusterer sees a template once, as a document; each further line of it is a sighting. Made
 * and loaded with the clusterer; then the front is the reader's, and all else the engine's. */
#ifndef ED_PIPELINE_LOGS_H
#define ED_PIPELINE_LOGS_H

#include "base/table.h"
#include "pipeline/front.h"

#include <eddy/templates.h>

#define ED_COUNTS_KIND    81 /* of the records: stream time, and the counts of its minute */
#define ED_ORIGIN_KIND    82 /* by slot: what its first line said of itself */
#define ED_COMPONENT_KEPT 47
#define ED_RAISED_KEPT    200
#define ED_MINUTE_MS      INT64_C(60000)

/* A template by its slot in the miner. */
struct ed_log_slot {
    uint64_t id;      /* 0: free */
    uint64_t group;   /* of the clusterer; 0: it has no document there, or that has faded */
    uint64_t lines;   /* that it has had */
    uint64_t seen;    /* of those, not yet told to the clusterer ... */
    int64_t seen_ms;  /* ... and the greatest time of them */
    uint64_t minute;  /* of the open minute, where those are told */
    eddy_level level; /* of its first line ... */
    uint8_t n_component, n_raised;
    char component[ED_COMPONENT_KEPT]; /* ... cut; and the exceptions of those joined to it */
    char raised[ED_RAISED_KEPT];       /* ", " between them */
};

/* A record of the front's, for when it is wanted again. */
struct ed_log_front {
    uint64_t key;
    char *at; /* (n) */
    size_t n;
    int renew;
};

struct ed_logs {
    eddy_miner *miner;
    struct ed_front *front;
    struct ed_log_slot *slots; /* (n_slots) */
    size_t n_slots, room_slots;
    uint32_t *pending; /* (n_pending) slots with seen above 0 */
    size_t n_pending, room_pending;
    uint32_t *counted; /* (n_counted) slots with minute above 0 */
    size_t n_counted, room_counted;
    uint32_t *founded; /* (n_founded) slots whose origin is in no record yet */
    size_t n_founded, room_founded;
    int64_t stream_ms;  /* greatest time of a line; INT64_MIN: there was none */
    int counts_changed; /* 1: since the last records */
    struct ed_logs_loaded {
        char *at; /* (n) NULL: none came */
        size_t n;
    } loaded;                    /* the record of the counts, until all records are there */
    struct ed_log_front *fronts; /* (n_fronts) the last record of each input */
    size_t n_fronts, room_fronts;
    struct ed_table front_at; /* of fronts, by key */
    eddy_arena *scratch;      /* for one call of the embedder, or a picture */
};

/* EDDY_NOMEM. */
eddy_status ed_logs_new(struct ed_logs **ret, eddy_error *err);
void ed_logs_free(struct ed_logs *logs);

/* 1: a record with this key is of a log, not of the clusterer. */
int ed_logs_owns(uint64_t key);
/* As eddy_clusterer_load, _loaded and _records. */
eddy_status ed_logs_load(struct ed_logs *logs, const eddy_record *record, eddy_error *err);
eddy_status ed_logs_loaded(struct ed_logs *logs, eddy_error *err);
/* As eddy_clusterer_renew. EDDY_NOMEM. */
eddy_status ed_logs_renew(struct ed_logs *logs, uint64_t key, eddy_error *err);
/* The hash of a shard's whole state; logs NULL: it is the clusterer's. */
uint64_t ed_logs_state(const eddy_clusterer *cl, const struct ed_logs *logs);
/* *ret has the clusterer's records: put those of the logs behind them, in the batch's arena. */
eddy_status ed_logs_records(struct ed_logs *logs, struct ed_batch *batch, const eddy_record **ret,
                            size_t *n_ret, eddy_error *err);

/* The template's slot, zeroed where it is new. NULL: no memory. */
struct ed_log_slot *ed_logs_slot(struct ed_logs *logs, uint32_t slot, uint64_t id);
/* It begins with this line. EDDY_NOMEM. */
eddy_status ed_logs_origin(struct ed_logs *logs, uint32_t slot, const struct ed_log_item *log,
                           eddy_error *err);
/* Its template went into another: its lines and what is not told of them are the other's, and its
 * document is where the other has none. EDDY_NOMEM. */
eddy_status ed_logs_merge(struct ed_logs *logs, uint32_t slot, uint32_t into, eddy_error *err);
/* Nothing is to be told of its minute. */
void ed_logs_uncount(struct ed_logs *logs, uint32_t slot);
/* Its template has faded. EDDY_NOMEM. */
eddy_status ed_logs_end(struct ed_logs *logs, uint32_t slot, eddy_error *err);
/* Note that a slot has something to tell; once for each. EDDY_NOMEM. */
eddy_status ed_logs_note(uint32_t **list, size_t *n, size_t *room, uint32_t slot, eddy_error *err);

#endif
