/* log: what the journal's protocol asks of a broker, call by call. There are two: librdkafka's
 * (broker.c), and the simulated one of tests/sim, on which the same protocol is tried against every
 * order of failures. One owner thread. */
#ifndef ED_JOURNAL_LOG_H
#define ED_JOURNAL_LOG_H

#include "base/message.h"

/* What a call came to. err has the words for all but DONE. */
enum ed_answer {
    ED_DONE,
    ED_AGAIN,   /* not known yet, or not now: the same call again, nothing else */
    ED_ABORT,   /* this transaction cannot be committed: abort it, begin anew */
    ED_BROKEN,  /* this producer is finished: fence anew */
    ED_LOST,    /* somebody else has fenced us, or the group has given our shard away */
    ED_REFUSED, /* will fail again (not allowed, no such topic): a person has to do something */
};

/* Takes a record of the state. */
typedef eddy_status ed_state_fn(void *user, const eddy_record *record, int64_t offset,
                                eddy_error *err);

struct ed_log {
    /* A new producer in the place of the old: from here on no other can write under our name, and
     * what an older one left open is committed or gone. */
    enum ed_answer (*fence)(struct ed_log *log, eddy_error *err);
    enum ed_answer (*begin)(struct ed_log *log, eddy_error *err);
    /* Queue a message, or a record of the state (value.at NULL: a tombstone).
     *
     *   number  the caller's, for `oversize`
     *   alone   1: in a request of its own, since brokers refuse whole batches by size */
    enum ed_answer (*send)(struct ed_log *log, const struct ed_message *m, size_t number, int alone,
                           eddy_error *err);
    enum ed_answer (*send_state)(struct ed_log *log, const eddy_record *record, eddy_error *err);
    /* The group's offsets, part of the transaction; a log without a group does nothing. */
    enum ed_answer (*offsets)(struct ed_log *log, const struct ed_offset *offsets, size_t n,
                              eddy_error *err);
    enum ed_answer (*commit)(struct ed_log *log, eddy_error *err);
    enum ed_answer (*abort)(struct ed_log *log, eddy_error *err);

    /* After ED_ABORT: the next number of a message that was refused by its size; 0: there are no
     * more of them. */
    int (*oversize)(struct ed_log *log, size_t *ret_number);
    /* 1: since the last fence a call took so long, or a connection was lost at such a moment, that
     * a request may still be under way (KIP-890): fence before the next transaction. */
    int (*doubtful)(struct ed_log *log);

    /* The state partition: its first offset, and the one after its last, open transactions
     * included. -1 both: there is no such partition. */
    enum ed_answer (*bounds)(struct ed_log *log, int64_t *ret_first, int64_t *ret_end,
                             eddy_error *err);
    /* Read committed records from offset `from` on, as far as `until`, into the callback.
     *
     *   ret_next  where to go on; all is read when it is >= until
     *
     * ED_AGAIN: no progress within a while. A callback's status other than EDDY_OK ends it as
     * ED_REFUSED with the callback's err. ED_REFUSED too when `from` is not in the log any more. */
    enum ed_answer (*read)(struct ed_log *log, int64_t from, int64_t until, ed_state_fn *take,
                           void *user, int64_t *ret_next, eddy_error *err);
    /* Behind the last record of the state that the last commit brought; -1: not known. */
    int64_t (*state_next)(struct ed_log *log);
    /* The records of the state before this offset are void: delete them, by and by, or not at all.
     * 0: nor any later ones; the log's own compaction must do. */
    int (*forget)(struct ed_log *log, int64_t before);
    /* Where the group goes on in a partition; -1: it has no offset there. Not while a transaction
     * of somebody may still change it. */
    enum ed_answer (*told)(struct ed_log *log, const char *topic, int32_t partition,
                           int64_t *ret_next, eddy_error *err);
    /* 1: the group already has offsets of our shard's inputs: it ran before. */
    int (*ran_before)(struct ed_log *log);

    int64_t (*now_ms)(struct ed_log *log);     /* a clock that never runs back */
    void (*pause)(struct ed_log *log, int ms); /* before the next try */
    uint64_t (*draw)(struct ed_log *log);      /* a number that nobody else draws */
    void (*free)(struct ed_log *log);
};

#endif
