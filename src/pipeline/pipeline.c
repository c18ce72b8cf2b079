/* pipeline: the way of a document, top to bottom.
 *
 *   free -> [reader] -> read -> [front] -> ready -> [worker] -> embedded -> [engine] -> answered
 *    ^                                                                                     |
 *    +---------------------------------- [publisher] <-------------------------------------+
 *
 * Five rings, and no other way between two threads. Every ring has room for all batches, so only
 * taking ever waits, and the one place where back-pressure shows is the ring of free batches: a
 * reader that finds none pauses its source, and goes on asking it, which gives nothing then but the
 * news of an end or a stop, until half of them are back.
 *
 * A batch holds what a worker embeds in about a second: hundreds of documents where vectors are
 * cheap, a few where a model makes them. So the first answers come soon, and what is under way is
 * seconds of work, not minutes.
 *
 * The end travels the same way: the last reader closes its ring, and each stage closes the next
 * one when its own is empty. When we are asked to stop, batches that no worker has embedded yet are
 * dropped, all from the first such one on: what is committed has no gap, and the source gives the
 * rest again. An error does not travel: it stops all rings at once. Signals only set a flag, so
 * every wait is bounded and looks at it. */
#include "pipeline/pipeline.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/table.h"
#include "pipeline/batch.h"
#include "pipeline/ring.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define WAIT_MS        100                 /* the bound of every wait */
#define READ_MAX       256                 /* messages in one read */
#define PIECE_MAX      32                  /* texts in one call of the embedder */
#define BATCH_MIN      16                  /* documents in a batch, however slow they are */
#define BATCH_MS       1000                /* that embedding a batch should take at most */
#define FLUSH_MAX      512                 /* pictures in one epoch at the end */
#define BACKOFF_MAX    10000               /* ms between two tries of a commit */
#define HANDOVER_BYTES ((size_t)8 << 20)   /* a batch with this many is full */
#define BATCH_BYTES    ((size_t)512 << 20) /* the ceiling of a batch with all its answers */
#define SCRATCH_BYTES  ((size_t)1 << 30)   /* the ceiling of a worker's memory */

struct reader {
    struct ed_pipeline *pl;
    size_t index;
    struct ed_batch *batch; /* always one, so that there is a place for what still comes */
    int64_t first_ms;       /* when its first message came */
    eddy_raw raws[READ_MAX];
};

struct ed_pipeline {
    struct ed_pipeline_options options;
    size_t n_readers, n_batches;
    struct reader *readers;    /* (n_readers) */
    struct ed_batch **batches; /* (n_batches) all of them, for the end */
    struct ed_ring *free, *read, *ready, *embedded, *answered;
    size_t dim; /* of the dense view; 0: none */

    atomic_size_t full; /* documents that make a batch go on; batch_max at most */
    int patient;

    atomic_int stopping; /* to end, asked for or by a failure */
    atomic_int dropping; /* asked for while there was more to read */
    atomic_size_t readers_left, workers_left;
    pthread_mutex_t lock; /* guards failure */
    eddy_error failure;

    _Atomic uint64_t in, assigned, founded, filtered, dead_by[EDDY_REJECTS];
    _Atomic uint64_t time_fallback, time_unreadable, committed, commit_retries, events_active;
};

static int64_t clock_ms(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Keep the first error of all threads. */
static void failure_keep(struct ed_pipeline *pl, const eddy_error *why)
{
    pthread_mutex_lock(&pl->lock);
    if (pl->failure.status == EDDY_OK)
        pl->failure = *why;
    pthread_mutex_unlock(&pl->lock);
}

/* No more is read; what was read is answered. */
static void end_reading(struct ed_pipeline *pl)
{
    atomic_store(&pl->stopping, 1);
    ed_source_stop(pl->options.source);
}

/* What can go on no more: stop all threads, now. */
static void fail_all(struct ed_pipeline *pl, const eddy_error *why)
{
    failure_keep(pl, why);
    end_reading(pl);
    struct ed_ring *all[] = {pl->free, pl->read, pl->ready, pl->embedded, pl->answered};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ed_ring_stop(all[i]);
}

/* The next batch of a ring; NULL: there will be none. */
static struct ed_batch *batch_next(struct ed_ring *ring)
{
    void *batch = NULL;
    enum ed_ring_answer answer;
    while ((answer = ed_ring_pop(ring, &batch, WAIT_MS)) == ED_RING_LATE)
        continue;
    return answer == ED_RING_OK ? batch : NULL;
}

/* Rings have room for all batches: this waits for nothing, and fails only when all is over. */
static void batch_pass(struct ed_ring *ring, struct ed_batch *batch)
{
    (void)ed_ring_push(ring, batch, 0);
}

/* ---- readers: source -> documents ---- */

/* Hand the batch over for an empty one. While all batches are under way the flow is paused. Returns
 * 0 when there is no empty one yet. */
static int reader_exchange(struct reader *r, int *paused)
{
    struct ed_pipeline *pl = r->pl;
    void *fresh = NULL;
    size_t want = *paused ? (pl->options.ring_max + 1) / 2 : 1;
    enum ed_ring_answer answer = ED_RING_LATE;
    if (!*paused || ed_ring_wait(pl->free, want, WAIT_MS / 2) == ED_RING_OK)
        answer = ed_ring_pop(pl->free, &fresh, 0);
    if (answer != ED_RING_OK) {
        if (!*paused)
            ed_source_pause(pl->options.source, r->index, 1);
        *paused = 1;
        return 0;
    }
    if (*paused)
        ed_source_pause(pl->options.source, r->index, 0);
    *paused = 0;
    batch_pass(pl->read, r->batch);
    r->batch = fresh;
    return 1;
}

/* Take what was read. Large messages may fill the batch before the last of them; then we wait
 * here for an empty one, for what is read is only lent until the next read. */
static eddy_status reader_take(struct reader *r, size_t n, int *paused, eddy_error *err)
{
    struct ed_pipeline *pl = r->pl;
    int64_t arrival_ms = clock_ms(CLOCK_REALTIME); /* the only place that asks this clock */
    for (size_t i = 0; i < n; i++) {
        while (eddy_arena_used(r->batch->arena) >= HANDOVER_BYTES && !reader_exchange(r, paused))
            if (atomic_load(&pl->stopping))
                return EDDY_OK; /* not taken, so neither counted nor committed */
        if (!r->batch->n)
            r->first_ms = clock_ms(CLOCK_MONOTONIC);
        r->raws[i].arrival_ms = arrival_ms;
        eddy_status st = ed_batch_read(r->batch, pl->options.parser, &r->raws[i], err);
        if (st != EDDY_OK)
            return st;
        atomic_fetch_add(&pl->in, 1);
    }
    return EDDY_OK;
}

/* 1: the batch should go on; *wait_ms: how long the next read may take. */
static int reader_due(const struct reader *r, size_t full, int *wait_ms)
{
    *wait_ms = WAIT_MS;
    if (!r->batch->n)
        return 0;
    int64_t left = r->first_ms + r->pl->options.wait_ms - clock_ms(CLOCK_MONOTONIC);
    if (left < WAIT_MS)
        *wait_ms = left < 0 ? 0 : (int)left;
    return left <= 0 || r->batch->n >= full;
}

static eddy_status reader_loop(struct reader *r, eddy_error *err)
{
    struct ed_pipeline *pl = r->pl;
    int paused = 0;
    for (int end = 0; !end;) {
        int wait_ms;
        size_t n = 0, full = atomic_load(&pl->full);
        if (reader_due(r, full, &wait_ms) && !reader_exchange(r, &paused))
            wait_ms = 0; /* the exchange has waited */
        size_t room = r->batch->n < full ? full - r->batch->n : 0;
        eddy_status st = ed_source_read(pl->options.source, r->index, wait_ms, r->raws,
                                        room < READ_MAX ? room : READ_MAX, &n, &end, err);
        if (st == EDDY_OK)
            st = reader_take(r, n, &paused, err);
        if (st != EDDY_OK)
            return st;
    }
    return EDDY_OK;
}

static void *reader_main(void *p)
{
    struct reader *r = p;
    struct ed_pipeline *pl = r->pl;
    eddy_error err = {0};
    eddy_status st = reader_loop(r, &err);
    if (st == EDDY_NOMEM) {
        fail_all(pl, &err);
    } else if (st != EDDY_OK && st != EDDY_STOPPED) {
        failure_keep(pl, &err); /* what was read before it is still good */
        end_reading(pl);
    }
    if (r->batch->n)
        batch_pass(pl->read, r->batch);
    else
        batch_pass(pl->free, r->batch);
    r->batch = NULL;
    if (atomic_fetch_sub(&pl->readers_left, 1) == 1)
        ed_ring_close(pl->read);
    return NULL;
}

/* ---- front: documents -> words ---- */

static int language_wanted(const struct ed_pipeline_options *o, eddy_str language)
{
    for (size_t i = 0; i < o->n_languages; i++)
        if (strlen(o->languages[i]) == language.n &&
            !memcmp(o->languages[i], language.at, language.n))
            return 1;
    return !o->n_languages;
}

static eddy_status front_item(struct ed_pipeline *pl, struct ed_batch *batch, struct ed_item *item,
                              eddy_error *err)
{
    eddy_doc *doc = &item->doc;
    item->filtered = !language_wanted(&pl->options, doc->language);
    if (item->filtered)
        return EDDY_OK;
    eddy_status st =
        eddy_terms_read(doc->title, doc->text, batch->arena, &item->terms, &item->n_terms, err);
    if (st != EDDY_OK || doc->dense || !pl->options.embedder)
        return st;
    item->joined = eddy_text_join(doc->title, doc->text, batch->arena);
    if (!item->joined.at)
        return eddy_fail_nomem(err, "batch", doc->title.n + doc->text.n);
    return EDDY_OK;
}

static void *front_main(void *p)
{
    struct ed_pipeline *pl = p;
    uint64_t number = 0;
    struct ed_batch *batch;
    while ((batch = batch_next(pl->read))) {
        eddy_error err = {0};
        eddy_status st = EDDY_OK;
        batch->dropped = atomic_load(&pl->dropping);
        for (size_t i = 0; i < batch->n && !batch->dropped && st == EDDY_OK; i++)
            if (batch->items[i].reject == EDDY_ACCEPTED)
                st = front_item(pl, batch, &batch->items[i], &err);
        if (st != EDDY_OK)
            fail_all(pl, &err);
        batch->number = number++;
        batch_pass(pl->ready, batch);
    }
    ed_ring_close(pl->ready);
    return NULL;
}

/* ---- embed workers: words -> vectors ---- */

static int all_zero(const float *row, size_t dim)
{
    for (size_t i = 0; i < dim; i++)
        if (row[i] != 0)
            return 0;
    return 1;
}

/* Embed items first..end of the batch that need it, as many as one piece holds. *ret: where the
 * next piece starts. */
static eddy_status embed_piece(struct ed_pipeline *pl, struct ed_batch *batch, eddy_arena *scratch,
                               size_t first, size_t *ret, eddy_error *err)
{
    struct ed_item *items[PIECE_MAX];
    eddy_str texts[PIECE_MAX];
    size_t n = 0, at = first;
    for (; at < batch->n && n < PIECE_MAX; at++) {
        struct ed_item *item = &batch->items[at];
        if (!item->joined.at)
            continue;
        items[n] = item;
        texts[n++] = item->joined;
    }
    *ret = at;
    if (!n)
        return EDDY_OK;
    float *rows = ed_arena_alloc_aligned(batch->arena, n * pl->dim * sizeof *rows);
    if (!rows)
        return eddy_fail_nomem(err, "batch", n * pl->dim * sizeof *rows);
    eddy_status st = eddy_embedder_embed(pl->options.embedder, texts, n, scratch, rows, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        if (!all_zero(rows + i * pl->dim, pl->dim))
            items[i]->doc.dense = rows + i * pl->dim;
    return st;
}

static int usable(const eddy_doc *doc, size_t n_terms)
{
    int extra = 0;
    for (size_t i = 0; i < EDDY_EXTRA_MAX; i++)
        extra |= doc->extra[i] != NULL;
    return n_terms || doc->dense || extra;
}

/* (n) documents took so long: what the next batches should hold. Batches differ, and workers write
 * over each other: it is only an aim. */
static void full_set(struct ed_pipeline *pl, size_t n, int64_t took_ms)
{
    size_t full = n * BATCH_MS / (size_t)(took_ms > 0 ? took_ms : 1);
    full = full > BATCH_MIN ? full : BATCH_MIN;
    if (n >= BATCH_MIN || full < atomic_load(&pl->full)) /* a few say little of many */
        atomic_store(&pl->full, full < pl->options.batch_max ? full : pl->options.batch_max);
}

/* Leaves the rest undone, and the batch marked, once we are asked to stop. */
static eddy_status embed_batch(struct ed_pipeline *pl, struct ed_batch *batch, eddy_arena *scratch,
                               eddy_error *err)
{
    eddy_status st = EDDY_OK;
    int64_t start = clock_ms(CLOCK_MONOTONIC);
    for (size_t at = 0; at < batch->n && st == EDDY_OK;) {
        batch->dropped |= atomic_load(&pl->dropping);
        if (batch->dropped)
            return EDDY_OK;
        st = embed_piece(pl, batch, scratch, at, &at, err);
    }
    full_set(pl, batch->n, clock_ms(CLOCK_MONOTONIC) - start);
    for (size_t i = 0; i < batch->n; i++) {
        struct ed_item *item = &batch->items[i];
        if (item->reject == EDDY_ACCEPTED && !item->filtered &&
            !usable(&item->doc, item->n_terms)) {
            item->reject = EDDY_REJECT_TEXT;
            item->detail = "the text has no word and no vector";
        }
    }
    return st;
}

static void *worker_main(void *p)
{
    struct ed_pipeline *pl = p;
    eddy_error err = {0};
    eddy_arena *scratch = eddy_arena_new(SCRATCH_BYTES);
    if (!scratch) {
        eddy_fail_nomem(&err, "embed worker", 0);
        fail_all(pl, &err);
    }
    struct ed_batch *batch;
    while ((batch = batch_next(pl->ready))) {
        if (embed_batch(pl, batch, scratch, &err) != EDDY_OK)
            fail_all(pl, &err);
        (void)ed_ring_place(pl->embedded, batch->number, batch, 0);
    }
    eddy_arena_free(scratch);
    if (atomic_fetch_sub(&pl->workers_left, 1) == 1)
        ed_ring_close(pl->embedded);
    return NULL;
}

/* ---- engine: vectors -> answers ---- */

static eddy_status tell_event(struct ed_pipeline *pl, struct ed_batch *batch,
                              const eddy_event *event, eddy_error *err)
{
    struct ed_pipeline_options *o = &pl->options;
    if (o->on_event)
        o->on_event(o->watcher, event);
    return ed_publish_event(&o->publisher, &batch->epoch, event, event->stream_ms, err);
}

/* What the last call of the engine changed, and the pictures that it made due. told (may be NULL)
 * gathers their ids. */
static eddy_status tell_news(struct ed_pipeline *pl, struct ed_batch *batch, struct ed_table *told,
                             eddy_error *err)
{
    struct ed_pipeline_options *o = &pl->options; /* the publisher counts changes */
    const eddy_change *changes = NULL;
    const eddy_event *pictures = NULL;
    eddy_status st = EDDY_OK;
    size_t n = eddy_clusterer_changes(o->clusterer, &changes);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        if (o->on_change)
            o->on_change(o->watcher, &changes[i]);
        st = ed_publish_change(&o->publisher, &batch->epoch, &changes[i], err);
    }
    eddy_engine_stats stats;
    eddy_clusterer_stats(o->clusterer, &stats);
    atomic_store(&pl->events_active, stats.events_active);
    n = eddy_clusterer_pictures(o->clusterer, &pictures);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        st = tell_event(pl, batch, &pictures[i], err);
        if (st == EDDY_OK && told && !ed_table_put(told, pictures[i].id, 1))
            st = eddy_fail_nomem(err, "pictures", n);
    }
    return st;
}

static eddy_row row_of(const struct ed_item *item)
{
    const eddy_doc *doc = &item->doc;
    eddy_row row = {.dense = doc->dense,
                    .terms = item->terms,
                    .n_terms = item->n_terms,
                    .time_ms = doc->time_ms,
                    .id = doc->id,
                    .title = doc->title.n ? doc->title : doc->text};
    for (size_t i = 0; i < EDDY_EXTRA_MAX; i++)
        row.extra[i] = doc->extra[i];
    return row;
}

/* Assign (n) items that the engine takes in one call. */
static eddy_status answer_docs(struct ed_pipeline *pl, struct ed_batch *batch,
                               struct ed_item *const *items, size_t n, eddy_error *err)
{
    const struct ed_pipeline_options *o = &pl->options;
    eddy_row *rows = ed_arena_alloc(batch->arena, n * sizeof *rows);
    eddy_assignment *answers = ed_arena_alloc(batch->arena, n * sizeof *answers);
    if (!rows || !answers)
        return eddy_fail_nomem(err, "batch", n * (sizeof *rows + sizeof *answers));
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of(items[i]);
    eddy_status st = eddy_clusterer_assign(o->clusterer, rows, n, answers, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        atomic_fetch_add(answers[i].founded ? &pl->founded : &pl->assigned, 1);
        if (o->on_assigned)
            o->on_assigned(o->watcher, &items[i]->doc, &answers[i]);
        st = ed_publish_assignment(&o->publisher, &batch->epoch, &items[i]->doc, &answers[i], err);
    }
    return st == EDDY_OK ? tell_news(pl, batch, NULL, err) : st;
}

/* The engine refused these items as a whole and did not change: give them one by one, so that a
 * row which is no good takes no other with it. */
static eddy_status answer_singly(struct ed_pipeline *pl, struct ed_batch *batch,
                                 struct ed_item *const *items, size_t n, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        eddy_error why = {0};
        st = answer_docs(pl, batch, &items[i], 1, &why);
        if (st == EDDY_INVALID) {
            items[i]->reject = EDDY_REJECT_VECTOR;
            items[i]->detail = ed_arena_str(batch->arena, why.text, strlen(why.text)).at;
            st = items[i]->detail ? EDDY_OK : eddy_fail_nomem(err, "batch", sizeof why.text);
        } else if (st != EDDY_OK) {
            *err = why;
        }
    }
    return st;
}

/* Order inside an epoch: assignments, changes, pictures, dead letters, each in stream order. */
static eddy_status answer_batch(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    size_t n = 0;
    struct ed_item **items = ed_arena_alloc(batch->arena, batch->n * sizeof *items);
    if (!items)
        return eddy_fail_nomem(err, "batch", batch->n * sizeof *items);
    for (size_t i = 0; i < batch->n; i++)
        if (batch->items[i].reject == EDDY_ACCEPTED && !batch->items[i].filtered)
            items[n++] = &batch->items[i];

    eddy_error why = {0};
    eddy_status st = n ? answer_docs(pl, batch, items, n, &why) : EDDY_OK;
    if (st == EDDY_INVALID)
        st = answer_singly(pl, batch, items, n, err);
    else if (st != EDDY_OK)
        *err = why;
    for (size_t i = 0; i < batch->n && st == EDDY_OK; i++) {
        const struct ed_item *item = &batch->items[i];
        if (item->reject == EDDY_ACCEPTED) {
            atomic_fetch_add(&pl->filtered, item->filtered != 0);
            atomic_fetch_add(&pl->time_fallback, item->doc.time_from != EDDY_TIME_DOCUMENT);
            atomic_fetch_add(&pl->time_unreadable, item->doc.time_unreadable != 0);
            continue;
        }
        atomic_fetch_add(&pl->dead_by[item->reject], 1);
        if (pl->options.on_dead)
            pl->options.on_dead(pl->options.watcher, &item->raw, item->reject, item->detail);
        st = ed_publish_dead(&pl->options.publisher, &batch->epoch, &item->raw,
                             pl->options.value_max, item->reject, item->detail, err);
    }
    return st;
}

/* The last picture of every event that has not just been shown, in epochs of bounded size. Takes
 * the batch. */
static eddy_status answer_active(struct ed_pipeline *pl, struct ed_batch *batch,
                                 const struct ed_table *told, eddy_arena *arena, eddy_error *err)
{
    const uint64_t *ids = NULL;
    size_t n = 0;
    eddy_status st = eddy_clusterer_events(pl->options.clusterer, arena, &ids, &n, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        if (ed_table_find(told, ids[i]))
            continue;
        if (batch->epoch.n_messages >= FLUSH_MAX) {
            batch_pass(pl->answered, batch);
            batch = batch_next(pl->free);
            if (!batch)
                return EDDY_STOPPED;
        }
        eddy_event event;
        st = eddy_clusterer_event(pl->options.clusterer, ids[i], batch->arena, &event, err);
        if (st == EDDY_OK)
            st = tell_event(pl, batch, &event, err);
    }
    if (st == EDDY_OK)
        batch_pass(pl->answered, batch);
    return st;
}

/* The end: a last repair pass, and everything as it stands then. */
static eddy_status answer_end(struct ed_pipeline *pl, eddy_error *err)
{
    struct ed_table told;
    ed_table_init(&told);
    eddy_status st = eddy_clusterer_flush(pl->options.clusterer, err);
    eddy_arena *arena = eddy_arena_new(BATCH_BYTES);
    if (st == EDDY_OK && !arena)
        st = eddy_fail_nomem(err, "pictures", 0);
    struct ed_batch *batch = st == EDDY_OK ? batch_next(pl->free) : NULL;
    if (st == EDDY_OK)
        st = batch ? tell_news(pl, batch, &told, err) : EDDY_STOPPED;
    if (st == EDDY_OK)
        st = answer_active(pl, batch, &told, arena, err);
    eddy_arena_free(arena);
    ed_table_clear(&told);
    return st;
}

/* As if it had never been read. */
static void batch_drop(struct ed_pipeline *pl, struct ed_batch *batch)
{
    atomic_fetch_sub(&pl->in, batch->n);
    ed_batch_reset(batch);
    batch_pass(pl->free, batch);
}

static void *engine_main(void *p)
{
    struct ed_pipeline *pl = p;
    eddy_error err = {0};
    eddy_status st = EDDY_OK;
    int dropped = 0; /* a batch was: to answer a later one would commit what it held */
    struct ed_batch *batch;
    while (st == EDDY_OK && (batch = batch_next(pl->embedded))) {
        dropped |= batch->dropped;
        if (dropped) {
            batch_drop(pl, batch);
            continue;
        }
        st = answer_batch(pl, batch, &err);
        if (st == EDDY_OK)
            batch_pass(pl->answered, batch);
    }
    /* A stop that is no failure comes here too, by way of the readers. */
    if (st == EDDY_OK)
        st = answer_end(pl, &err);
    if (st != EDDY_OK && st != EDDY_STOPPED)
        fail_all(pl, &err);
    ed_ring_close(pl->answered);
    return NULL;
}

/* ---- publisher: answers -> topics and files ---- */

/* Wait before the next try, unless we are asked to end. */
static int backoff(struct ed_pipeline *pl, int *wait_ms)
{
    for (int left = *wait_ms; left > 0 && !atomic_load(&pl->stopping); left -= WAIT_MS) {
        int now = left < WAIT_MS ? left : WAIT_MS;
        nanosleep(&(struct timespec){0, now * 1000000L}, NULL);
    }
    *wait_ms = *wait_ms * 2 < BACKOFF_MAX ? *wait_ms * 2 : BACKOFF_MAX;
    return !atomic_load(&pl->stopping);
}

/* 1: the same commit may succeed later, and we may wait for it. */
static int worth_waiting(const struct ed_pipeline *pl, const eddy_error *err)
{
    return err->retriable && (err->status != EDDY_IO || pl->patient);
}

static eddy_status publish(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    const struct ed_epoch *epoch = &batch->epoch;
    eddy_status st;
    for (int wait_ms = WAIT_MS;;) {
        *err = (eddy_error){0};
        st = ed_journal_commit(pl->options.journal, epoch, err);
        if (st == EDDY_OK || atomic_load(&pl->stopping))
            break;
        if (!worth_waiting(pl, err)) {
            err->retriable = 0; /* a person has to do something first */
            break;
        }
        ed_log(ED_LOG_WARN, "journal", "answers not committed: retry_in=%dms err=%s", wait_ms,
               err->text);
        if (!backoff(pl, &wait_ms))
            break;
        atomic_fetch_add(&pl->commit_retries, 1);
    }
    if (st == EDDY_OK && epoch->n_offsets)
        st = ed_source_done(pl->options.source, epoch->offsets, epoch->n_offsets, err);
    if (st == EDDY_OK)
        atomic_fetch_add(&pl->committed, batch->n);
    return st;
}

static void *publisher_main(void *p)
{
    struct ed_pipeline *pl = p;
    struct ed_batch *batch;
    while ((batch = batch_next(pl->answered))) {
        eddy_error err = {0};
        if (publish(pl, batch, &err) != EDDY_OK)
            fail_all(pl, &err);
        ed_batch_reset(batch);
        batch_pass(pl->free, batch);
    }
    return NULL;
}

/* ---- the whole ---- */

static eddy_status options_check(const struct ed_pipeline_options *o, eddy_error *err)
{
    if (o->batch_max < 1 || o->batch_max > 65536)
        return eddy_fail(err, EDDY_INVALID, "pipeline: batch_max %zu is not in 1..65,536",
                         o->batch_max);
    if (o->workers < 1 || o->workers > 256)
        return eddy_fail(err, EDDY_INVALID, "pipeline: workers %zu is not in 1..256", o->workers);
    if (o->ring_max < 2 || o->ring_max > 4096)
        return eddy_fail(err, EDDY_INVALID, "pipeline: ring_max %zu is not in 2..4,096",
                         o->ring_max);
    if (o->wait_ms < 0)
        return eddy_fail(err, EDDY_INVALID, "pipeline: wait_ms %d is below 0", o->wait_ms);
    return EDDY_OK;
}

/* Every reader starts with a batch; the others are free. */
static eddy_status batches_make(struct ed_pipeline *pl, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < pl->n_batches && st == EDDY_OK; i++) {
        st = ed_batch_new(pl->options.batch_max, BATCH_BYTES, &pl->batches[i], err);
        if (st != EDDY_OK)
            break;
        if (i < pl->n_readers)
            pl->readers[i] = (struct reader){.pl = pl, .index = i, .batch = pl->batches[i]};
        else
            batch_pass(pl->free, pl->batches[i]);
    }
    return st;
}

eddy_status ed_pipeline_new(const struct ed_pipeline_options *options, struct ed_pipeline **ret,
                            eddy_error *err)
{
    eddy_status st = options_check(options, err);
    if (st != EDDY_OK)
        return st;
    struct ed_pipeline *pl = ed_alloc_zero(1, sizeof *pl);
    if (!pl)
        return eddy_fail_nomem(err, "pipeline", sizeof *pl);
    pl->options = *options;
    pthread_mutex_init(&pl->lock, NULL);
    pl->dim = options->embedder ? eddy_embedder_dim(options->embedder) : 0;
    pl->n_readers = ed_source_readers(options->source);
    pl->n_batches = pl->n_readers + options->ring_max;
    atomic_store(&pl->readers_left, pl->n_readers);
    atomic_store(&pl->workers_left, options->workers);
    int unknown_speed = options->embedder && options->batch_max > BATCH_MIN;
    atomic_store(&pl->full, unknown_speed ? BATCH_MIN : options->batch_max);
    pl->readers = ed_alloc_zero(pl->n_readers, sizeof *pl->readers);
    pl->batches = ed_alloc_zero(pl->n_batches, sizeof *pl->batches);
    if (!pl->readers || !pl->batches)
        st = eddy_fail_nomem(err, "pipeline", pl->n_batches * sizeof *pl->batches);
    struct ed_ring **rings[] = {&pl->free, &pl->read, &pl->ready, &pl->embedded, &pl->answered};
    for (size_t i = 0; i < sizeof rings / sizeof *rings && st == EDDY_OK; i++)
        st = ed_ring_new(pl->n_batches, rings[i], err);
    if (st == EDDY_OK)
        st = batches_make(pl, err);
    if (st != EDDY_OK) {
        ed_pipeline_free(pl);
        return st;
    }
    *ret = pl;
    return EDDY_OK;
}

void ed_pipeline_free(struct ed_pipeline *pl)
{
    if (!pl)
        return;
    for (size_t i = 0; pl->batches && i < pl->n_batches; i++)
        ed_batch_free(pl->batches[i]);
    struct ed_ring *rings[] = {pl->free, pl->read, pl->ready, pl->embedded, pl->answered};
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++)
        ed_ring_free(rings[i]);
    ed_free(pl->batches);
    ed_free(pl->readers);
    pthread_mutex_destroy(&pl->lock);
    ed_free(pl);
}

/* A stage that cannot start counts as one that has ended at once. */
static size_t thread_start(struct ed_pipeline *pl, pthread_t *ret, void *(*run)(void *), void *p)
{
    int failed = pthread_create(ret, NULL, run, p);
    if (!failed)
        return 1;
    eddy_error err = {0};
    eddy_fail(&err, EDDY_NOMEM, "pipeline: cannot start a thread: %s", strerror(failed));
    fail_all(pl, &err);
    return 0;
}

eddy_status ed_pipeline_run(struct ed_pipeline *pl, eddy_error *err)
{
    size_t n = 0, n_max = pl->n_readers + pl->options.workers + 3;
    pthread_t *threads = ed_alloc_zero(n_max, sizeof *threads);
    if (!threads)
        return eddy_fail_nomem(err, "pipeline", n_max * sizeof *threads);
    sigset_t all, before; /* signals are the caller's business */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < pl->n_readers; i++)
        n += thread_start(pl, &threads[n], reader_main, &pl->readers[i]);
    n += thread_start(pl, &threads[n], front_main, pl);
    for (size_t i = 0; i < pl->options.workers; i++)
        n += thread_start(pl, &threads[n], worker_main, pl);
    n += thread_start(pl, &threads[n], engine_main, pl);
    n += thread_start(pl, &threads[n], publisher_main, pl);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    ed_free(threads);

    if (pl->failure.status != EDDY_OK && err && err->status == EDDY_OK)
        *err = pl->failure;
    return pl->failure.status;
}

void ed_pipeline_patient(struct ed_pipeline *pl)
{
    pl->patient = 1;
}

void ed_pipeline_stop(struct ed_pipeline *pl)
{
    if (atomic_load(&pl->readers_left))
        atomic_store(&pl->dropping, 1);
    end_reading(pl);
}

void ed_pipeline_counts(const struct ed_pipeline *pl, struct ed_counts *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->in = atomic_load(&pl->in);
    ret->assigned = atomic_load(&pl->assigned);
    ret->founded = atomic_load(&pl->founded);
    ret->filtered = atomic_load(&pl->filtered);
    for (size_t i = 0; i < EDDY_REJECTS; i++) {
        ret->dead_by[i] = atomic_load(&pl->dead_by[i]);
        ret->dead += ret->dead_by[i];
    }
    ret->time_fallback = atomic_load(&pl->time_fallback);
    ret->time_unreadable = atomic_load(&pl->time_unreadable);
    ret->committed = atomic_load(&pl->committed);
    ret->commit_retries = atomic_load(&pl->commit_retries);
    ret->events_active = atomic_load(&pl->events_active);
}
