/* pipeline: the way of a document, with its threads.
 *
 *   readers (N) -> ring -> front (1) -> embed workers (M) -> engine (1) -> publisher (1)
 *   source, parse          words          embed               engine       publish, journal
 *
 * Data moves left to right in batches; a batch owns one arena. A full ring pauses the readers. */
#ifndef ED_PIPELINE_PIPELINE_H
#define ED_PIPELINE_PIPELINE_H

#include "journal/journal.h"
#include "publish/publish.h"
#include "source/source.h"

#include <eddy/eddy.h>

struct ed_pipeline_options {
    struct ed_source *source;     /* all borrowed */
    struct ed_journal *journal;
    const eddy_parser *parser;
    const eddy_embedder *embedder; /* NULL: documents bring their dense vector */
    eddy_clusterer *clusterer;
    struct ed_publisher publisher;
    const char *const *languages; /* (n_languages) only these are taken; none: all */
    size_t n_languages;
    size_t batch_max;    /* documents in a micro-batch */
    int wait_ms;         /* a batch that is not full goes on after this time */
    size_t workers;      /* embedding threads */
    size_t ring_max;     /* batches under way at most */
    size_t value_max;    /* bytes of a dead letter that are kept */

    /* Called by the engine's thread, in stream order, after each batch; any may be NULL. They may
     * read the clusterer, not change it. */
    void *watcher;
    void (*on_assigned)(void *watcher, const eddy_doc *doc, const eddy_assignment *a);
    void (*on_change)(void *watcher, eddy_clusterer *cl, const eddy_change *change);
};

/* in = assigned + founded + filtered + dead, once everything is answered. */
struct ed_counts {
    uint64_t in, assigned, founded, filtered, dead;
    uint64_t dead_by[EDDY_REJECTS];
    uint64_t time_fallback, time_unreadable;
    uint64_t committed; /* documents whose answers are visible */
};

struct ed_pipeline;

/* EDDY_INVALID, EDDY_NOMEM. Starts nothing. */
eddy_status ed_pipeline_new(const struct ed_pipeline_options *options, struct ed_pipeline **ret,
                            eddy_error *err);
/* Run until the source ends or ed_pipeline_stop. On the end of the source, flushes the clusterer
 * and publishes every active event. Returns the first error of any thread. */
eddy_status ed_pipeline_run(struct ed_pipeline *pl, eddy_error *err);
/* Ask it to end: what was read is answered and committed. Async-signal-safe. */
void ed_pipeline_stop(struct ed_pipeline *pl);
/* Any thread, any time. */
void ed_pipeline_counts(const struct ed_pipeline *pl, struct ed_counts *ret);
void ed_pipeline_free(struct ed_pipeline *pl);

#endif
