/* What the two halves of the protocol share: taking over (takeover.c) and committing (epochs.c). */
#ifndef ED_JOURNAL_PROTOCOL_H
#define ED_JOURNAL_PROTOCOL_H

#include "journal/epochs.h"
#include "journal/inside.h"
#include "journal/living.h"
#include "journal/store.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/point.h"

#include <stdatomic.h>
#include <string.h>

#define PAUSE_MIN 20 /* ms between two tries of a call */

/* Records on their way from the state topic into the store, until their head comes. */
struct gathered {
    struct {
        uint64_t key;
        size_t at, n; /* of the value, in bytes */
        int there;
    } * records; /* (n) */
    size_t n, room;
    struct ed_bytes bytes;
};

struct epochs {
    struct ed_journal journal;
    struct ed_log *log;
    char *pipeline, *state; /* state NULL: none is kept */
    char *input;            /* without a state: the one input */
    int32_t partition;
    int deliver_ms;

    struct ed_head head;   /* as committed */
    struct ed_bytes bytes; /* of a head that is written */
    int64_t tail;          /* the state partition is known up to here */
    struct ed_store *store;
    struct gathered gathered;
    struct ed_living living;
    int64_t forgotten; /* nothing of the log is before, or it was told to forget that */
    int forgets;       /* 0: it does not */
    int has_head;      /* a head was seen in the state topic */
    int following;     /* all up to e->tail is loaded already: we were a standby */

    enum { IDLE, OPEN, ENDING } at; /* what the producer is in the midst of */
    int broken;                     /* it is to be fenced anew */
    int lost;                       /* the shard is somebody else's */
    int64_t begun_ms;
    uint64_t cut_epoch; /* the epoch of which cut speaks */
    uint8_t *cut;       /* (n_cut) of each message, enum in epochs.c */
    size_t n_cut;

    _Atomic uint64_t epochs, aborted, fences, doubts, records, record_bytes, restored;
    _Atomic int64_t restore_ms, open_ms_max, open_ms_sum;
    atomic_int from_store, warm;
    struct ed_histogram open; /* seconds that transactions were */
};

/* What the caller is told of an answer that is not DONE. */
eddy_status ed_epochs_status(struct epochs *e, enum ed_answer answer, const eddy_error *why,
                             eddy_error *err);
/* Time for another try? Pauses, longer each time. */
int ed_epochs_again(struct epochs *e, int64_t until_ms, int *pause_ms);
/* A new producer, tried until then. */
enum ed_answer ed_epochs_fence(struct epochs *e, int64_t until_ms, eddy_error *why);
enum ed_answer ed_epochs_bounds(struct epochs *e, int64_t until_ms, int64_t *first, int64_t *end,
                                eddy_error *why);

/* Read the state partition from e->tail to end; patient for so long without progress. */
enum ed_answer ed_epochs_read(struct epochs *e, int64_t end, int64_t patience_ms, ed_state_fn *take,
                              void *user, eddy_error *why);

/* Without a state: where the group goes on. */
enum ed_answer ed_epochs_told(struct epochs *e, int64_t until_ms, int64_t *ret_next,
                              eddy_error *why);

/* Add an epoch to the store, with the head as it is. */
void ed_epochs_store(struct epochs *e, const eddy_record *records, size_t n);
void ed_epochs_store_close(struct epochs *e);

eddy_status ed_epochs_restore(struct ed_journal *journal, uint64_t fingerprint,
                              const struct ed_loader *loader, const struct ed_head **ret_head,
                              eddy_error *err);
eddy_status ed_epochs_follow(struct ed_journal *journal, const struct ed_loader *loader,
                             eddy_error *err);

#endif
