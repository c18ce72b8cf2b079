/* reasoner: when a pipeline reasons, and how views get there and operations back.
 *
 * Statistics need nothing and take no time: they have their turn at fixed places of the stream, in
 * the engine's thread, so that the same stream gives the same events. A language model takes as
 * long as it takes: it is asked by a thread of its own, which is handed a view between two batches
 * and hands operations back through a bounded line. The engine never waits for it but at the very
 * end of its input, and then not for long. */
#ifndef ED_PIPELINE_REASONER_H
#define ED_PIPELINE_REASONER_H

#include "remote/chat.h"

#include <eddy/reason.h>

enum ed_reason_kind { ED_REASON_OFF, ED_REASON_STATISTICS, ED_REASON_LLM };

struct ed_reason_options {
    enum ed_reason_kind kind;
    eddy_reason_options reason;  /* with a completer it is asked; without one a chat is made ... */
    struct ed_chat_options chat; /* ... like this */
    uint64_t every;              /* statistics: documents between two passes */
    int64_t interval_ms;         /* llm: time between two passes ... */
    uint64_t changes;            /* ... but not later than so many changes of events; 0: never */
    int64_t last_ms;             /* llm: what the last pass, at the end of all input, may take */
    size_t doubts_max;           /* shown in a pass, of each kind */
};

/* What the thread has done; any thread may ask. */
struct ed_reason_counts {
    uint64_t passes, passes_failed; /* failed: asked, and not one answer came */
    uint64_t asked, answered, failed, over_budget;
    uint64_t tokens_in, tokens_out;
    uint64_t rejected; /* answers that were nonsense */
    double money;
    uint64_t replies[ED_HTTP_CAUSES]; /* of the endpoint, by cause; a request has one ... */
    uint64_t retries;                 /* ... and may take more calls than that */
    int broken;                       /* 1: it fails so often that it is not asked now */
    uint64_t waiting;                 /* operations that are decided and not applied yet */
    int64_t good_ms; /* ed_monotonic_ms of the last pass in which nothing failed; 0: none yet */
};

struct ed_reasoner;

/* An operation on its way to the engine, and back with what became of it. */
struct ed_decision {
    const eddy_operation *operation;
    eddy_str id;
    eddy_outcome outcome; /* filled by the engine's thread ... */
    int heard;            /* ... when it was applied or refused, 1 */
};

/* Add what the endpoint did. */
void ed_reason_counts_chat(struct ed_reason_counts *counts, struct ed_chat *chat);

/* EDDY_INVALID, EDDY_CONFIG: the reason or chat options are wrong. EDDY_NOMEM. */
eddy_status ed_reasoner_new(const struct ed_reason_options *options, struct ed_reasoner **ret,
                            eddy_error *err);
void ed_reasoner_free(struct ed_reasoner *r);
const struct ed_reason_options *ed_reasoner_options(const struct ed_reasoner *r);
void ed_reasoner_counts(const struct ed_reasoner *r, struct ed_reason_counts *ret);

/* Statistics: one pass now. Operations live until the next one. */
eddy_status ed_reasoner_statistics(struct ed_reasoner *r, eddy_clusterer *cl,
                                   const eddy_operation **ret, size_t *n_ret, eddy_error *err);
void ed_reasoner_heard(struct ed_reasoner *r, const eddy_operation *operation,
                       const eddy_outcome *outcome);

/* ---- llm: its thread ---- */

/* Until ed_reasoner_stop. A pass that fails is logged and counted. */
void ed_reasoner_main(struct ed_reasoner *r);
/* Ends what is being asked within 100 ms. The engine's thread, when it has no decision in its hands
 * and will take none: those that it did not take are gone with their pass. */
void ed_reasoner_stop(struct ed_reasoner *r);

/* ---- llm: the engine's side; none of these waits ---- */

/* So many pictures of events were told. */
void ed_reasoner_changed(struct ed_reasoner *r, size_t n);
/* A pass is wanted now. */
void ed_reasoner_wake(struct ed_reasoner *r);
/* Hand it a view, where one is due (always: the input is at its end) and the last one is done. A
 * view that finds no memory is logged and left for later. Returns 1 when it was handed over. */
int ed_reasoner_offer(struct ed_reasoner *r, eddy_clusterer *cl, int always);
/* 1: it is thinking, or has decided what is not applied yet. */
int ed_reasoner_busy(struct ed_reasoner *r);
/* 1: something is decided. */
int ed_reasoner_waits(struct ed_reasoner *r);
/* The next operation, or NULL; it is to be given back. */
struct ed_decision *ed_reasoner_next(struct ed_reasoner *r);
void ed_reasoner_back(struct ed_reasoner *r, struct ed_decision *decision);

#endif
