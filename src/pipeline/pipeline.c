/* pipeline: the way of a document, top to bottom.
 *
 *   free -> [reader] -> read -> [workers] -> embedded -> [engine] -> answered
 *    ^                                                                  |
 *    +---------------------------- [publisher] <------------------------+
 *
 * Four rings, and no other way between two threads. Every ring has room for all batches, so only
 * taking ever waits, and the one place where back-pressure shows is the ring of free batches: a
 * reader that finds none waits for one, and while it does not read, its source fetches no more.
 *
 * The reader decides the order, by the numbers that it gives to batches: whatever needs no order,
 * from parsing to the vector, is done by the workers, each with a batch to itself. A batch holds
 * what a worker does in about a second: hundreds of documents where vectors are cheap, a few where
 * a model makes them. So the first answers come soon, and what is under way is seconds of work, not
 * minutes.
 *
 * The end travels the same way: the reader closes its ring, and each stage closes the next one
 * when its own is empty. When we are asked to stop, batches that no worker has embedded yet are
 * dropped, all from the first such one on: what is committed has no gap, and the source gives the
 * rest again. An error does not travel: it stops all rings at once. Signals only set a flag, so
 * every wait is bounded and looks at it. */
#include "pipeline/inside.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/point.h"
#include "base/time.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define WAIT_MS     100                 /* the bound of every wait */
#define BATCH_MIN   16                  /* documents in a batch, however slow they are ... */
#define ASKED_MIN   32                  /* ... and where a model is asked: several requests */
#define BACKOFF_MAX 10000               /* ms between two tries of a commit */
#define BATCH_BYTES ((size_t)512 << 20) /* the ceiling of a batch with all its answers */

uint64_t ed_pipeline_dead(const struct ed_pipeline *pl)
{
    uint64_t n = pl->dead_before;
    for (size_t i = 0; i < EDDY_REJECTS; i++)
        n += atomic_load(&pl->dead_by[i]);
    return n;
}

/* Begin where the last epoch ended. */
static void mark_take(struct ed_pipeline *pl, const struct ed_mark *mark)
{
    const struct ed_tally *t = &mark->tally;
    atomic_store(&pl->in, t->assigned + t->founded + t->filtered + t->dead);
    atomic_store(&pl->assigned, t->assigned);
    atomic_store(&pl->founded, t->founded);
    atomic_store(&pl->filtered, t->filtered);
    pl->dead_before = t->dead;
    pl->options.publisher.change_position = mark->change_position;
    pl->options.publisher.change_index = mark->change_index;
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
    if (pl->control)
        ed_control_stop(pl->control);
}

void ed_pipeline_source_failed(struct ed_pipeline *pl, const eddy_error *why)
{
    atomic_store(&pl->source_failed, 1);
    failure_keep(pl, why);
    end_reading(pl);
}

static int hurries(void *p)
{
    struct ed_pipeline *pl = p;
    return atomic_load(&pl->hurrying);
}

eddy_status ed_pipeline_embed(struct ed_pipeline *pl, const char **refused, const eddy_str *texts,
                              size_t n, eddy_arena *scratch, float *rows, eddy_error *err)
{
    const eddy_embed_caller caller = {.user = pl, .stopped = hurries, .refused = refused};
    ed_pulse_rest(); /* an endpoint may be down for as long as it likes */
    eddy_status st =
        eddy_embedder_embed_for(pl->options.embedder, &caller, texts, n, scratch, rows, err);
    ed_pulse_beat();
    return st;
}

/* What can go on no more: stop all threads, now. */
void ed_pipeline_fail(struct ed_pipeline *pl, const eddy_error *why)
{
    failure_keep(pl, why);
    atomic_store(&pl->hurrying, 1);
    end_reading(pl);
    struct ed_ring *all[] = {pl->free, pl->read, pl->embedded, pl->answered};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ed_ring_stop(all[i]);
    if (pl->keyphraser)
        ed_keyphraser_stop(pl->keyphraser);
}

/* The next batch of a ring; NULL: there will be none. */
struct ed_batch *ed_pipeline_next(struct ed_ring *ring)
{
    void *batch = NULL;
    enum ed_ring_answer answer;
    while ((answer = ed_ring_pop(ring, &batch, WAIT_MS)) == ED_RING_LATE)
        ed_pulse_beat();
    ed_pulse_beat();
    return answer == ED_RING_OK ? batch : NULL;
}

/* Rings have room for all batches: this waits for nothing, and fails only when all is over. */
void ed_pipeline_pass(struct ed_ring *ring, struct ed_batch *batch)
{
    (void)ed_ring_push(ring, batch, 0);
}

/* ---- control: beside them ---- */

static void *control_main(void *p)
{
    struct ed_pipeline *pl = p;
    eddy_error err = {0};
    eddy_status st = ed_control_read(pl->control, &err);
    if (st == EDDY_NOMEM)
        ed_pipeline_fail(pl, &err);
    else if (st != EDDY_OK && st != EDDY_STOPPED)
        ed_pipeline_source_failed(pl, &err);
    return NULL;
}

static void *reasoner_main(void *p)
{
    ed_reasoner_main(((struct ed_pipeline *)p)->reasoner);
    return NULL;
}

/* ---- publisher: answers -> topics and files ---- */

/* Wait before the next try, unless we are asked to end. */
static int backoff(struct ed_pipeline *pl, int *wait_ms)
{
    for (int left = *wait_ms; left > 0 && !atomic_load(&pl->stopping); left -= WAIT_MS) {
        int now = left < WAIT_MS ? left : WAIT_MS;
        ed_pulse_beat();
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

/* The whole epoch is in the first of its batches. */
static eddy_status publish(struct ed_pipeline *pl, struct ed_batch *first, eddy_error *err)
{
    struct ed_epoch *epoch = &first->epoch;
    int64_t start_us = ed_monotonic_us();
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
    if (st == EDDY_OK) {
        ed_meters_took(&pl->meters.commit, start_us);
        for (const struct ed_batch *batch = first; batch; batch = batch->next) {
            atomic_fetch_add(&pl->committed, batch->n);
            ed_meters_visible(pl, batch);
        }
        if (pl->options.on_visible)
            pl->options.on_visible(pl->options.board, pl->options.publisher.shard, epoch);
    }
    return st;
}

/* Where few batches are under way, it is always the same few: memory stays in the caches. The first
 * is taken first, for it knows what is wanted of the next epoch. */
static void give_back(struct ed_pipeline *pl, struct ed_batch *first)
{
    if (!first)
        return;
    give_back(pl, first->next);
    ed_batch_reset(first);
    ed_ring_give_back(pl->free, first);
}

static void *publisher_main(void *p)
{
    struct ed_pipeline *pl = p;
    struct ed_batch *batch, *first = NULL, *last = NULL;
    while ((batch = ed_pipeline_next(pl->answered))) {
        eddy_error err = {0};
        eddy_status st = first ? ed_epoch_join(&first->epoch, &batch->epoch, &err) : EDDY_OK;
        if (first)
            last->next = batch;
        else
            first = batch;
        last = batch;
        if (st == EDDY_OK && batch->open)
            continue;
        if (st == EDDY_OK)
            st = publish(pl, first, &err);
        if (st != EDDY_OK)
            ed_pipeline_fail(pl, &err);
        give_back(pl, first);
        first = NULL;
    }
    give_back(pl, first); /* a failure: nobody has ended its epoch */
    return NULL;
}

/* ---- the whole ---- */

uint64_t ed_pipeline_model(const eddy_embedder *embedder, int keyphrases)
{
    static const uint64_t with_keyphrases = 0x6b65797068726173; /* any number but 0 */
    uint64_t model = embedder ? eddy_embedder_fingerprint(embedder) : 0;
    return keyphrases ? ed_mix64(model ^ with_keyphrases) : model;
}

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
    if (o->keyphrases > EDDY_EXTRA_MAX || (o->keyphrases && !o->embedder))
        return eddy_fail(err, EDDY_INVALID,
                         "pipeline: keyphrases are extra view %zu of at most %d, by an embedder",
                         o->keyphrases, EDDY_EXTRA_MAX);
    return EDDY_OK;
}

/* The reader starts with one; the others are free. */
static eddy_status batches_make(struct ed_pipeline *pl, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < pl->n_batches && st == EDDY_OK; i++) {
        st = ed_batch_new(pl->options.batch_max, BATCH_BYTES, &pl->batches[i], err);
        if (st != EDDY_OK)
            break;
        if (i == 0)
            pl->reader.batch = pl->batches[i];
        else
            ed_pipeline_pass(pl->free, pl->batches[i]);
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
    mark_take(pl, &options->mark);
    pthread_mutex_init(&pl->lock, NULL);
    pthread_mutex_init(&pl->meters.lock, NULL);
    ed_meters_init(pl);
    pl->dim = options->embedder ? eddy_embedder_dim(options->embedder) : options->vector_dim;
    pl->model = ed_pipeline_model(options->embedder, options->keyphrases != 0);
    pl->n_batches = 1 + options->ring_max + AHEAD_MAX;
    atomic_store(&pl->reading, 1);
    atomic_store(&pl->workers_left, options->workers);
    pl->full_min = options->keyphrases ? ASKED_MIN : BATCH_MIN;
    int unknown_speed = options->embedder && options->batch_max > pl->full_min;
    atomic_store(&pl->full, unknown_speed ? pl->full_min : options->batch_max);
    pl->batches = ed_alloc_zero(pl->n_batches, sizeof *pl->batches);
    pl->n_pulses = 3 + options->workers;
    pl->pulses = ed_alloc_zero(pl->n_pulses, sizeof *pl->pulses);
    if (!pl->batches || !pl->pulses)
        st = eddy_fail_nomem(err, "pipeline", pl->n_batches * sizeof *pl->batches);
    struct ed_ring **rings[] = {&pl->free, &pl->read, &pl->embedded, &pl->answered};
    for (size_t i = 0; i < sizeof rings / sizeof *rings && st == EDDY_OK; i++)
        st = ed_ring_new(pl->n_batches, rings[i], err);
    if (st == EDDY_OK)
        st = batches_make(pl, err);
    if (st == EDDY_OK && options->control)
        st = ed_control_new(options->control, &pl->control, err);
    if (st == EDDY_OK && options->clusterer && options->reason &&
        options->reason->kind != ED_REASON_OFF)
        st = ed_reasoner_new(options->reason, &pl->reasoner, err);
    if (st == EDDY_OK && options->keyphrases && !options->embedded && options->reason &&
        options->reason->kind == ED_REASON_LLM)
        st = ed_keyphraser_new(options->reason, options->keyphrases_ms, &pl->keyphraser, err);
    if (st == EDDY_OK && options->on_visible && options->clusterer && pl->dim)
        st = ed_stability_new(pl->dim, &pl->stability, err);
    while (options->mark.epoch && pl->next_order < options->n_orders &&
           options->orders[pl->next_order].position <= options->mark.documents)
        pl->next_order++; /* done by the end of the last epoch */
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
    if (pl->options.on_gone)
        pl->options.on_gone(pl->options.board, pl->options.publisher.shard);
    for (size_t i = 0; pl->batches && i < pl->n_batches; i++)
        ed_batch_free(pl->batches[i]);
    struct ed_ring *rings[] = {pl->free, pl->read, pl->embedded, pl->answered};
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++)
        ed_ring_free(rings[i]);
    ed_control_free(pl->control);
    ed_reasoner_free(pl->reasoner);
    ed_keyphraser_free(pl->keyphraser);
    ed_stability_free(pl->stability);
    eddy_arena_free(pl->scratch);
    ed_free(pl->batches);
    ed_free(pl->pulses);
    pthread_mutex_destroy(&pl->lock);
    pthread_mutex_destroy(&pl->meters.lock);
    ed_free(pl);
}

struct thread {
    pthread_t id;
    void *(*run)(void *pl);
    struct ed_pipeline *pl;
    ed_pulse *pulse; /* NULL: it may wait for anything */
};

static void *thread_main(void *p)
{
    struct thread *t = p;
    ed_pulse_begin(t->pulse);
    t->run(t->pl);
    ed_pulse_end();
    return NULL;
}

/* A stage that cannot start counts as one that has ended at once. */
static size_t thread_start(struct ed_pipeline *pl, struct thread *t, void *(*run)(void *),
                           ed_pulse *pulse)
{
    *t = (struct thread){.run = run, .pl = pl, .pulse = pulse};
    int failed = pthread_create(&t->id, NULL, thread_main, t);
    if (!failed)
        return 1;
    eddy_error err = {0};
    eddy_fail(&err, EDDY_NOMEM, "pipeline: cannot start a thread: %s", strerror(failed));
    ed_pipeline_fail(pl, &err);
    return 0;
}

eddy_status ed_pipeline_run(struct ed_pipeline *pl, eddy_error *err)
{
    ed_answers_show(pl);
    eddy_status st = ed_answers_start(pl, err); /* now, while no reader takes the free batches */
    if (st != EDDY_OK)
        return st;
    size_t n = 0, n_max = pl->options.workers + 5;
    struct thread *threads = ed_alloc_zero(n_max, sizeof *threads);
    ed_pulse *pulse = pl->pulses;
    if (!threads)
        return eddy_fail_nomem(err, "pipeline", n_max * sizeof *threads);
    sigset_t all, before; /* signals are the caller's business */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    n += thread_start(pl, &threads[n], ed_reader_main, pulse++);
    if (pl->control)
        n += thread_start(pl, &threads[n], control_main, NULL);
    if (pl->reasoner && pl->options.reason->kind == ED_REASON_LLM)
        n += thread_start(pl, &threads[n], reasoner_main, NULL);
    for (size_t i = 0; i < pl->options.workers; i++)
        n += thread_start(pl, &threads[n], ed_worker_main, pulse++);
    n += thread_start(pl, &threads[n], ed_answers_main, pulse++);
    n += thread_start(pl, &threads[n], publisher_main, pulse++);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i].id, NULL);
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
    if (atomic_load(&pl->reading))
        atomic_store(&pl->dropping, 1);
    atomic_store(&pl->hurrying, 1);
    end_reading(pl);
}

void ed_pipeline_counts(const struct ed_pipeline *pl, struct ed_counts *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->in = atomic_load(&pl->in);
    ret->assigned = atomic_load(&pl->assigned);
    ret->founded = atomic_load(&pl->founded);
    ret->filtered = atomic_load(&pl->filtered);
    ret->duplicates = atomic_load(&pl->duplicates);
    ret->dead = ed_pipeline_dead(pl);
    for (size_t i = 0; i < EDDY_REJECTS; i++)
        ret->dead_by[i] = atomic_load(&pl->dead_by[i]);
    ret->time_fallback = atomic_load(&pl->time_fallback);
    ret->time_unreadable = atomic_load(&pl->time_unreadable);
    ret->phrased = atomic_load(&pl->phrased);
    ret->unphrased = atomic_load(&pl->unphrased);
    ret->committed = atomic_load(&pl->committed);
    ret->commit_retries = atomic_load(&pl->commit_retries);
    ret->events_active = atomic_load(&pl->events_active);
    ret->events_told = atomic_load(&pl->events_told);
    ret->operations = atomic_load(&pl->operations);
    ret->refused = atomic_load(&pl->refused);
    ret->control_dead = atomic_load(&pl->control_dead);
    if (pl->reasoner)
        ed_reasoner_counts(pl->reasoner, &ret->reason);
    if (pl->keyphraser)
        ed_keyphraser_counts(pl->keyphraser, &ret->reason);
}
