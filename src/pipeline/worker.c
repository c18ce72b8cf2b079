/* Workers: what needs no order: messages -> documents -> words -> vectors. Each has a batch to
 * itself. */
#include "pipeline/inside.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/vector.h"

#include <string.h>

#define BATCH_MS      1000              /* that a worker should take for a batch at most */
#define SCRATCH_BYTES ((size_t)1 << 30) /* the ceiling of a worker's memory */

static int language_wanted(const struct ed_pipeline_options *o, eddy_str language)
{
    for (size_t i = 0; i < o->n_languages; i++)
        if (strlen(o->languages[i]) == language.n &&
            !memcmp(o->languages[i], language.at, language.n))
            return 1;
    return !o->n_languages;
}

/* The i-th message's document, its words, and the text that is to be embedded. */
static eddy_status item_make(struct ed_pipeline *pl, struct ed_batch *batch, size_t i,
                             eddy_error *err)
{
    struct ed_item *item = &batch->items[i];
    eddy_doc *doc = &item->doc;
    size_t view = pl->options.keyphrases;
    if (item->reject != EDDY_ACCEPTED)
        return EDDY_OK;
    if (item->log)
        return eddy_scan_message(item->log->message, item->log->exceptions, item->log->n_exceptions,
                                 batch->arena, &item->log->scan, err);
    eddy_status st = ed_batch_parse(batch, pl->options.parser, i, err);
    if (st == EDDY_OK && pl->options.embedded)
        st =
            ed_batch_vector(batch, i, pl->dim, pl->model, view ? &doc->extra[view - 1] : NULL, err);
    if (st != EDDY_OK || item->reject != EDDY_ACCEPTED)
        return st;
    item->filtered = !language_wanted(&pl->options, doc->language);
    if (item->filtered)
        return EDDY_OK;
    if (!pl->options.on_embedded)
        st =
            eddy_terms_read(doc->title, doc->text, batch->arena, &item->terms, &item->n_terms, err);
    if (st != EDDY_OK || !pl->options.embedder || pl->options.embedded || (doc->dense && !view))
        return st;
    item->phrases = doc->keyphrases;
    item->joined = eddy_text_join(doc->title, doc->text, batch->arena);
    if (!item->joined.at)
        return eddy_fail_nomem(err, "batch", doc->title.n + doc->text.n);
    return EDDY_OK;
}

/* A text on its way to a vector, and where that goes. */
struct wanted {
    eddy_str text;
    const float **ret;
    struct ed_item *item; /* it dies where the text is refused; NULL: it can do without */
};

/* All that the batch needs embedded, documents before their keyphrases: the texts of one call
 * should be about as long. *ret in the arena. */
static eddy_status wanted_list(const struct ed_pipeline *pl, struct ed_batch *batch,
                               struct wanted **ret, size_t *n_ret, eddy_error *err)
{
    size_t view = pl->options.keyphrases, n = 0;
    struct wanted *list = ed_arena_alloc(batch->arena, (2 * batch->n + 1) * sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "batch", 2 * batch->n * sizeof *list);
    for (size_t i = 0; i < batch->n; i++) {
        struct ed_item *item = &batch->items[i];
        if (item->joined.n && !item->doc.dense)
            list[n++] = (struct wanted){item->joined, &item->doc.dense, item};
    }
    for (size_t i = 0; i < batch->n && view; i++) {
        struct ed_item *item = &batch->items[i];
        if (item->phrases.n)
            list[n++] = (struct wanted){item->phrases, &item->doc.extra[view - 1], NULL};
    }
    *ret = list;
    *n_ret = n;
    return EDDY_OK;
}

/* The embedder has an answer for each of (n) texts: a row, nothing, or why it refuses it. */
static eddy_status piece_take(struct ed_pipeline *pl, struct ed_batch *batch,
                              const struct wanted *list, size_t n, const float *rows,
                              const char *const *refused, eddy_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct ed_item *item = list[i].item;
        if (!ed_is_zero(rows + i * pl->dim, pl->dim))
            *list[i].ret = rows + i * pl->dim;
        if (!refused[i] || !item)
            continue;
        item->reject = EDDY_REJECT_EMBEDDING;
        item->detail = ed_arena_str(batch->arena, refused[i], strlen(refused[i])).at;
        if (!item->detail)
            return eddy_fail_nomem(err, "batch", strlen(refused[i]));
    }
    return EDDY_OK;
}

/* As many as suit one call of the embedder. Where it waits for an endpoint, a stop ends that, and
 * the batch is dropped like all that are not embedded yet. */
static eddy_status embed_piece(struct ed_pipeline *pl, struct ed_batch *batch, eddy_arena *scratch,
                               const struct wanted *list, size_t n, eddy_error *err)
{
    float *rows = ed_arena_alloc_aligned(batch->arena, n * pl->dim * sizeof *rows);
    eddy_str *texts = ed_arena_alloc(batch->arena, n * sizeof *texts);
    const char **refused = ed_arena_alloc(batch->arena, n * sizeof *refused);
    if (!rows || !texts || !refused)
        return eddy_fail_nomem(err, "batch", n * pl->dim * sizeof *rows);
    for (size_t i = 0; i < n; i++)
        texts[i] = list[i].text;
    eddy_status st = ed_pipeline_embed(pl, refused, texts, n, scratch, rows, err);
    if (st == EDDY_STOPPED) {
        atomic_store(&pl->dropping, 1);
        return EDDY_OK;
    }
    return st == EDDY_OK ? piece_take(pl, batch, list, n, rows, refused, err) : st;
}

/* Keyphrases of the documents that bring none: whoever is asked may take his time, but not long. */
static eddy_status phrases_find(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    size_t n = 0, room = batch->n + 1;
    if (!pl->keyphraser)
        return EDDY_OK;
    eddy_str *texts = ed_arena_alloc(batch->arena, room * sizeof *texts);
    eddy_str *found = ed_arena_alloc(batch->arena, room * sizeof *found);
    struct ed_item **whose = ed_arena_alloc(batch->arena, room * sizeof(struct ed_item *));
    if (!texts || !found || !whose)
        return eddy_fail_nomem(err, "batch", room * sizeof *texts);
    for (size_t i = 0; i < batch->n; i++) {
        struct ed_item *item = &batch->items[i];
        if (!item->joined.n || item->phrases.n)
            continue;
        whose[n] = item;
        texts[n++] = item->joined;
    }
    ed_pulse_rest();
    if (n)
        ed_keyphraser_find(pl->keyphraser, texts, n, batch->arena, found);
    ed_pulse_beat();
    for (size_t i = 0; i < n; i++)
        whose[i]->phrases = found[i];
    return EDDY_OK;
}

static int usable(const struct ed_pipeline *pl, const eddy_doc *doc, size_t n_terms)
{
    int extra = 0;
    if (pl->options.on_embedded)
        return doc->dense != NULL;
    for (size_t i = 0; i < EDDY_EXTRA_MAX; i++)
        extra |= doc->extra[i] != NULL;
    return n_terms || doc->dense || extra;
}

/* (n) documents took so long: what the next epochs should hold. Batches differ, and workers write
 * over each other: it is only an aim. */
static void full_set(struct ed_pipeline *pl, size_t n, int64_t took_us)
{
    if (!n)
        return;
    size_t full = n * BATCH_MS * 1000 / (size_t)(took_us > 0 ? took_us : 1);
    full = full > pl->full_min ? full : pl->full_min;
    if (n >= pl->full_min || full < atomic_load(&pl->full)) /* a few say little of many */
        atomic_store(&pl->full, full < pl->options.batch_max ? full : pl->options.batch_max);
}

/* 1: we were asked to stop, and the rest of the batch stays undone. */
static int is_dropped(struct ed_pipeline *pl, struct ed_batch *batch)
{
    ed_pulse_beat(); /* it is asked at every document */
    batch->dropped |= atomic_load(&pl->dropping);
    return batch->dropped;
}

/* What is still no document, now that all is known that may be known of it. */
static void batch_sift(struct ed_pipeline *pl, struct ed_batch *batch)
{
    size_t view = pl->options.keyphrases;
    for (size_t i = 0; i < batch->n; i++) {
        struct ed_item *item = &batch->items[i];
        if (item->reject != EDDY_ACCEPTED || item->filtered || item->log)
            continue;
        if (!usable(pl, &item->doc, item->n_terms)) {
            item->reject = EDDY_REJECT_TEXT;
            item->detail = "the text has no word and no vector";
        } else if (view) {
            atomic_fetch_add(item->doc.extra[view - 1] ? &pl->phrased : &pl->unphrased, 1);
        }
    }
}

static eddy_status batch_make(struct ed_pipeline *pl, struct ed_batch *batch, eddy_arena *scratch,
                              eddy_error *err)
{
    eddy_status st = EDDY_OK;
    int64_t start_us = ed_monotonic_us();
    for (size_t i = 0; i < batch->n && st == EDDY_OK; i++) {
        if (is_dropped(pl, batch))
            return EDDY_OK;
        st = item_make(pl, batch, i, err);
    }
    if (st == EDDY_OK)
        st = phrases_find(pl, batch, err);
    if (is_dropped(pl, batch))
        return st;
    struct wanted *list = NULL;
    size_t n = 0;
    if (st == EDDY_OK)
        st = wanted_list(pl, batch, &list, &n, err);
    size_t piece = n ? eddy_embedder_batch(pl->options.embedder) : 1;
    for (size_t at = 0; at < n && st == EDDY_OK; at += piece) {
        piece = n - at < piece ? n - at : piece;
        st = embed_piece(pl, batch, scratch, list + at, piece, err);
        if (is_dropped(pl, batch))
            return EDDY_OK;
    }
    full_set(pl, batch->n, ed_monotonic_us() - start_us);
    ed_meters_took(&pl->meters.embed, start_us);
    if (st == EDDY_OK)
        batch_sift(pl, batch);
    return st;
}

void *ed_worker_main(void *p)
{
    struct ed_pipeline *pl = p;
    eddy_error err = {0};
    eddy_arena *scratch = eddy_arena_new(SCRATCH_BYTES);
    if (!scratch) {
        eddy_fail_nomem(&err, "worker", 0);
        ed_pipeline_fail(pl, &err);
    }
    struct ed_batch *batch;
    while ((batch = ed_pipeline_next(pl->read))) {
        if (batch_make(pl, batch, scratch, &err) != EDDY_OK)
            ed_pipeline_fail(pl, &err);
        (void)ed_ring_place(pl->embedded, batch->number, batch, 0);
    }
    eddy_arena_free(scratch);
    if (atomic_fetch_sub(&pl->workers_left, 1) == 1)
        ed_ring_close(pl->embedded);
    return NULL;
}
