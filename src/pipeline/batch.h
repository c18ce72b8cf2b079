/* batch: a micro-batch on its way through the pipeline.
 *
 * A stage that holds a batch owns it whole: items, epoch, and the arena with all their bytes.
 * Batches are made once and go round: the reader takes them empty, the publisher gives them back.
 * An epoch is one batch, or several, of which all but the last are open. */
#ifndef ED_PIPELINE_BATCH_H
#define ED_PIPELINE_BATCH_H

#include "base/message.h"

#include <eddy/embed.h>
#include <eddy/layout.h>
#include <eddy/templates.h>

/* What is known of a record of a log. */
struct ed_log_item {
    eddy_str message; /* of its first line, without the header */
    eddy_str component;
    eddy_level level;
    eddy_str *exceptions; /* (n_exceptions) classes of exceptions that its other lines name */
    size_t n_exceptions;
    const eddy_scan *scan;
};

/* One message and what has become of it so far. */
struct ed_item {
    eddy_raw raw;           /* bytes and key are copies in the arena, for a dead letter */
    eddy_doc doc;           /* when reject is EDDY_ACCEPTED */
    eddy_reject reject;     /* not EDDY_ACCEPTED: a dead letter ... */
    const char *detail;     /* ... and why, in the arena */
    int filtered;           /* 1: a document, but not of a language that is wanted */
    const eddy_term *terms; /* (n_terms) */
    size_t n_terms;
    eddy_str joined;  /* title and text, for those who read it: the embedder, a language model */
    eddy_str phrases; /* its keyphrases; n 0: none */
    struct ed_log_item *log; /* NULL: it is no record of a log */
};

struct ed_batch {
    eddy_arena *arena;
    struct ed_item *items; /* (room), n of them used */
    size_t n, room;
    uint64_t number;       /* order in which the engine takes batches */
    int open;              /* 1: its epoch goes on in the next batch */
    int dropped;           /* 1: we were asked to stop before it was embedded */
    struct ed_epoch epoch; /* offsets are filled by the reader, messages by the engine */
    struct ed_batch *next; /* the publisher's: of the same epoch */
    eddy_record *fronts; /* (n_fronts) of logs: what the reader changed of its part of the state */
    size_t n_fronts;
};

/* A batch for up to room messages whose arena holds at most max_bytes. EDDY_NOMEM. */
eddy_status ed_batch_new(size_t room, size_t max_bytes, struct ed_batch **ret, eddy_error *err);
void ed_batch_free(struct ed_batch *batch);
/* Empty it for the next round, keeping its memory. */
void ed_batch_reset(struct ed_batch *batch);

/* Add one message (copied). There must be room. EDDY_NOMEM. */
eddy_status ed_batch_add(struct ed_batch *batch, const eddy_raw *raw, eddy_error *err);
/* The i-th message is a dead letter; detail is copied. EDDY_NOMEM. */
eddy_status ed_batch_reject(struct ed_batch *batch, size_t i, eddy_reject reject,
                            const char *detail, eddy_error *err);
/* Make a document of the i-th message, or a dead letter. EDDY_NOMEM. */
eddy_status ed_batch_parse(struct ed_batch *batch, const eddy_parser *parser, size_t i,
                           eddy_error *err);

/* The i-th message, parsed, comes from a process that embeds (ed_publish_vector): take its
 * vectors and where it was first. What is not of this model is EDDY_CONFIG.
 *
 *   phrases  where the vector of its keyphrases goes; NULL: they are not asked for */
eddy_status ed_batch_vector(struct ed_batch *batch, size_t i, size_t dim, uint64_t model,
                            const float **phrases, eddy_error *err);

#endif
