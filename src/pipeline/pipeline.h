/* pipeline: the way of a document, with its threads.
 *
 *   reader (1) -> ring -> workers (M) -> engine (1) -> publisher (1)
 *   source                parse, embed   engine        publish, journal
 *                                          ^
 *                            control (1) --+-- reasoner (1)
 *
 * Data moves left to right in batches; a batch owns one arena. There are ring_max batches, one
 * for the reader, and a few that go ahead: when all are under way, it does not read until one is
 * back. An epoch ends when it holds what a worker does in about a second (16 documents at least,
 * batch_max at most), or after wait_ms; but not while answers wait for the publisher, since it
 * would be no sooner and an epoch costs about the same whatever it holds. Where the stages have
 * nothing else to do, what has come of it goes ahead of the rest, as an open batch. */
#ifndef ED_PIPELINE_PIPELINE_H
#define ED_PIPELINE_PIPELINE_H

#include "base/order.h"
#include "journal/journal.h"
#include "pipeline/logs.h"
#include "pipeline/meters.h"
#include "pipeline/reasoner.h"
#include "publish/alerts.h"
#include "publish/publish.h"
#include "source/source.h"

#include <eddy/engine.h>

/* What is told of the lines of a log. */
enum ed_logs_assignments { ED_LOGS_LINES, ED_LOGS_COUNTS, ED_LOGS_NONE };

struct ed_pipeline_options {
    struct ed_source *source;      /* all borrowed */
    struct ed_source *control;     /* operations come from here beside the documents; NULL: none */
    const struct ed_order *orders; /* (n_orders) ascending positions: each is applied just before
                                      the document of that number, or else at the end */
    size_t n_orders;
    const struct ed_reason_options *reason; /* NULL: nobody reasons */
    struct ed_journal *journal;
    const eddy_parser *parser;
    const eddy_embedder *embedder;  /* NULL: documents bring their dense vector */
    eddy_clusterer *clusterer;      /* NULL: only embed, and hand the documents on as ED_VECTORS, or
                                       to on_embedded */
    int is_log;                     /* 1: the documents are records of logs ... */
    struct ed_logs *logs;           /* ... and the shard makes this of it; else NULL */
    enum ed_logs_assignments lines; /* what is told of each of them then ... */
    int parameters;                 /* ... 1: with what varies in it */
    int64_t ahead_ms;               /* of logs: see ed_front_take */
    int finite;   /* 1: the source has an end, and what waits for a next line waits on */
    int embedded; /* 1: documents come from such a process, with their vectors (of the embedder) */
    struct ed_publisher publisher;
    const struct ed_rule *rules; /* (n_rules) what alerts are made of: by a shard ... */
    size_t n_rules;
    struct ed_alerts *alerts; /* ... that has them here. NULL: none */
    size_t keyphrases; /* which of the extra views is that of the documents' keyphrases, embedded
                          like their text, from 1; 0: there is none. A language model (reason) is
                          asked for those of documents that bring none ... */
    int64_t keyphrases_ms; /* ... and may take so long for a batch */
    size_t vector_dim;     /* without an embedder: of the vectors that documents bring; 0: none */
    const char *const *languages; /* (n_languages) only these are taken; none: all */
    size_t n_languages;
    size_t batch_max; /* documents in an epoch; 1 to 65,536 */
    int wait_ms;      /* one that is not full ends after this time */
    size_t workers;   /* threads that parse and embed; 1 to 256 */
    size_t ring_max;  /* epochs under way at most; 2 to 4,096 */
    size_t value_max; /* bytes that are kept of a dead letter's key, headers and value together */
    struct ed_mark mark; /* how the shard stood after the journal's last epoch */
    int resumable; /* 1: the journal keeps a state, so that a stop is only a pause: what was not
                      read is read next time. 0: a stop is the end, and all that is open is told */

    int goes_on; /* 1: even an end of the source is only a pause */

    /* Called by the engine's thread after each batch: its assignments, changes and pictures, each
     * kind in stream order. Any may be NULL. They may read the clusterer, not change it. */
    void *watcher;
    void (*on_assigned)(void *watcher, const eddy_doc *doc, const eddy_assignment *a);
    void (*on_change)(void *watcher, const eddy_change *change);
    void (*on_event)(void *watcher, const eddy_event *event);
    void (*on_template)(void *watcher, const struct ed_template_told *told);
    void (*on_dead)(void *watcher, const eddy_raw *raw, eddy_reject reject, const char *detail);
    /* Takes each document with its dense vector, in stream order; what has none is dead. For such
     * pipelines without a clusterer whose vectors nobody else wants. */
    void (*on_embedded)(void *watcher, const eddy_doc *doc);

    /* For those who look on from outside: each epoch when it is visible, by the publisher's thread;
     * before the first, by ed_pipeline_run, one that is never committed: pictures of all events and
     * topics as they stand then; and at the end, by ed_pipeline_free, that the shard is gone. Both
     * or none; the engine's side waits for neither. */
    void *board;
    void (*on_visible)(void *board, uint32_t shard, const struct ed_epoch *epoch);
    void (*on_gone)(void *board, uint32_t shard);
};

/* Since the shard began, earlier runs included: in = assigned + founded + filtered + dead, once
 * everything is answered. */
struct ed_counts {
    uint64_t in, assigned, founded, filtered, dead;
    uint64_t dead_by[EDDY_REJECTS]; /* of this run */
    uint64_t duplicates;            /* among the filtered, of this run */
    uint64_t time_fallback, time_unreadable;
    uint64_t phrased, unphrased; /* of this run: documents with keyphrases, and those that had to do
                                    without; both 0 where there is no such view */
    uint64_t committed; /* messages of this run whose answers are visible, filtered ones included */
    uint64_t commit_retries;
    uint64_t events_active;
    uint64_t events_told;         /* active ones and those that have faded */
    uint64_t operations, refused; /* of this run: applied, and not */
    uint64_t control_dead;        /* of this run: control messages that are no operation */
    struct ed_reason_counts reason;
};

struct ed_pipeline;

/* A number for what makes the vectors of documents: the model (NULL: 0), and whether keyphrases
 * have one of their own. */
uint64_t ed_pipeline_model(const eddy_embedder *embedder, int keyphrases);

/* EDDY_INVALID  a number is out of its range; the text names it. EDDY_NOMEM. Starts nothing. */
eddy_status ed_pipeline_new(const struct ed_pipeline_options *options, struct ed_pipeline **ret,
                            eddy_error *err);
/* Before the run: wait for room on a full disk (and say so) instead of giving up. */
void ed_pipeline_patient(struct ed_pipeline *pl);
/* Run until the source ends or ed_pipeline_stop; once for each pipeline. Then what was read is
 * answered (but see ed_pipeline_stop) and committed. When the source has ended (and where nothing
 * is resumable, after a stop too) the clusterer is flushed, and the last epoch is marked `ended`. A
 * source that fails ends the run in the same orderly way as a stop. Returns the first error of any
 * thread; after any other error nothing more is committed.
 *
 *   EDDY_IO, EDDY_UNAVAILABLE  source or journal; a journal's retriable error is retried until
 *                              ed_pipeline_stop, with a line in the log: a broker's always, a full
 *                              disk only by a patient pipeline
 *   EDDY_FENCED                the shard is another owner's
 *   EDDY_NOMEM                 a batch reached its ceiling, or the engine did */
eddy_status ed_pipeline_run(struct ed_pipeline *pl, eddy_error *err);
/* Ask it to end soon. Unless the source has ended by itself, messages that are not embedded yet
 * are dropped, and so are those that wait for an endpoint then: they are not counted, and their
 * offsets not committed, so that Kafka gives them again. Async-signal-safe; any thread. */
void ed_pipeline_stop(struct ed_pipeline *pl);
/* Any thread, any time. */
void ed_pipeline_counts(const struct ed_pipeline *pl, struct ed_counts *ret);
void ed_pipeline_free(struct ed_pipeline *pl);

#endif
