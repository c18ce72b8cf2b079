/* Reader: the first thread: messages of the source go into batches, in the order that all answers
 * keep; lines of logs by way of the front. */
#include "pipeline/inside.h"

#include "base/error.h"
#include "base/time.h"

#define WAIT_MS        100                /* the bound of every wait */
#define REST_MS        1000               /* without a message: a line waits no longer */
#define LOOK_MS        5                  /* between two looks whether the publisher is ready */
#define HANDOVER_BYTES ((size_t)16 << 20) /* an epoch with this many is full */
#define AHEAD_MIN      64                 /* messages that go ahead, or a part of batch_max */

/* What stands in no batch yet is not answered, whatever comes of this one, which ends its epoch. */
static eddy_status reader_pass(struct ed_pipeline *pl, eddy_error *err)
{
    struct reader *r = &pl->reader;
    struct ed_batch *batch = r->batch;
    eddy_status st =
        pl->options.logs ? ed_front_close(pl->options.logs->front, batch, err) : EDDY_OK;
    if (st != EDDY_OK)
        return st;
    ed_meters_took(&pl->meters.read, r->first_us);
    ed_histogram_add(&pl->meters.documents, (double)(r->n_ahead + batch->n));
    r->n_open = r->n_ahead = r->bytes_ahead = 0;
    batch->number = r->number++;
    r->batch = NULL;
    ed_pipeline_pass(pl->read, batch);
    return EDDY_OK;
}

/* Hand the batch over for an empty one, however long that takes. EDDY_STOPPED: we were asked to
 * stop before.
 *
 * No more than ring_max epochs are under way: without what went ahead in this one, ring_max and
 * AHEAD_MAX batches are free or in those. */
static eddy_status reader_exchange(struct ed_pipeline *pl, eddy_error *err)
{
    void *fresh = NULL;
    size_t others = AHEAD_MAX - pl->reader.n_open;
    enum ed_ring_answer answer = ED_RING_LATE;
    while (answer == ED_RING_LATE && !atomic_load(&pl->stopping)) {
        ed_pulse_beat();
        answer = ed_ring_pop_leaving(pl->free, others, &fresh, WAIT_MS);
    }
    if (answer != ED_RING_OK)
        return eddy_fail(err, EDDY_STOPPED, "reading was stopped");
    eddy_status st = reader_pass(pl, err);
    if (st == EDDY_OK)
        pl->reader.batch = fresh;
    else
        ed_pipeline_pass(pl->free, fresh);
    return st;
}

/* Where the next stages have nothing to do, hand on what there is, as part of an epoch that goes
 * on: that much less is to be done when the epoch ends. Such parts are about equally long, the last
 * one too. Lines of logs stay together, since their front is part of the state. Batches for
 * ring_max epochs stay free, so that this one can always end. */
static void reader_go_ahead(struct ed_pipeline *pl)
{
    struct reader *r = &pl->reader;
    void *fresh = NULL;
    size_t part = pl->options.batch_max / (AHEAD_MAX + 1);
    int64_t after_ms = (int64_t)(r->n_open + 1) * pl->options.wait_ms / (AHEAD_MAX + 1);
    if (pl->options.logs || r->n_open == AHEAD_MAX || !r->batch->n ||
        r->batch->n < (part < AHEAD_MIN ? part : AHEAD_MIN) ||
        ed_monotonic_ms() < r->first_ms + after_ms || ed_ring_count(pl->read) ||
        ed_ring_count(pl->embedded) || atomic_load(&pl->at_work) ||
        ed_ring_pop_leaving(pl->free, pl->options.ring_max, &fresh, 0) != ED_RING_OK)
        return;
    r->n_open++;
    r->n_ahead += r->batch->n;
    r->bytes_ahead += eddy_arena_used(r->batch->arena);
    r->batch->open = 1;
    r->batch->number = r->number++;
    ed_pipeline_pass(pl->read, r->batch);
    r->batch = fresh;
}

/* Messages of the epoch that have come. */
static size_t reader_holds(const struct reader *r)
{
    return r->n_ahead + r->batch->n;
}

/* Count what was added to the batch since it held n. */
static void reader_count(struct ed_pipeline *pl, size_t n)
{
    struct reader *r = &pl->reader;
    if (!r->n_ahead && !n && r->batch->n) {
        r->first_us = ed_monotonic_us();
        r->first_ms = r->first_us / 1000;
    }
    atomic_fetch_add(&pl->in, r->batch->n - n);
}

static int is_full(const struct reader *r)
{
    return reader_holds(r) >= r->batch->room ||
           r->bytes_ahead + eddy_arena_used(r->batch->arena) >= HANDOVER_BYTES;
}

/* One message, as it came. */
static eddy_status reader_add(struct ed_pipeline *pl, const eddy_raw *raw, eddy_error *err)
{
    struct ed_batch *batch = pl->reader.batch;
    eddy_status st = ed_batch_add(batch, raw, err);
    return st == EDDY_OK ? ed_epoch_answered(&batch->epoch, raw->position.topic,
                                             raw->position.partition, raw->position.offset + 1, err)
                         : st;
}

/* Records of logs that are whole. */
static eddy_status reader_join(struct ed_pipeline *pl, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (int more = 1; more && st == EDDY_OK;) {
        size_t n = pl->reader.batch->n;
        st = ed_front_give(pl->options.logs->front, pl->reader.batch, HANDOVER_BYTES, &more, err);
        reader_count(pl, n);
        if (st == EDDY_OK && more)
            st = reader_exchange(pl, err);
    }
    return st;
}

/* Take what was read, which is only lent until the next read. Large messages may fill the batch
 * before the last of them. What is not taken is neither counted nor committed. */
static eddy_status reader_take(struct ed_pipeline *pl, size_t n, eddy_error *err)
{
    const struct ed_pipeline_options *o = &pl->options;
    struct reader *r = &pl->reader;
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        if (is_full(r))
            st = reader_exchange(pl, err);
        if (st != EDDY_OK)
            return st;
        size_t had = r->batch->n;
        st = o->logs
                 ? ed_front_take(o->logs->front, o->parser, &r->raws[i], o->ahead_ms, r->batch, err)
                 : reader_add(pl, &r->raws[i], err);
        reader_count(pl, had);
        if (st == EDDY_OK && o->logs)
            st = reader_join(pl, err);
    }
    return st;
}

/* Nothing came for a while, or nothing more will: no line is kept waiting for the next, unless that
 * is to come in another run. */
static eddy_status reader_rest(struct ed_pipeline *pl, int end, eddy_error *err)
{
    const struct ed_pipeline_options *o = &pl->options;
    if (!o->logs || !ed_front_waits(o->logs->front) || (o->finite && !end))
        return EDDY_OK;
    if (end ? o->goes_on : ed_monotonic_ms() - pl->reader.heard_ms < REST_MS)
        return EDDY_OK;
    eddy_status st = EDDY_OK;
    for (int more = 1; more && st == EDDY_OK;) {
        st = ed_front_flush(o->logs->front, o->ahead_ms, &more, err);
        if (st == EDDY_OK)
            st = reader_join(pl, err);
    }
    return st;
}

/* 1: the epoch should end; *wait_ms: how long the next read may take.
 *
 * One that is not full goes on while answers wait for the publisher. Else, where a commit takes
 * longer than wait_ms, every ring would fill with small epochs, each with a commit of its own
 * before it: the last one would be as late as all of them together. */
static int reader_due(const struct ed_pipeline *pl, size_t full, int *wait_ms)
{
    const struct reader *r = &pl->reader;
    *wait_ms = WAIT_MS;
    if (!reader_holds(r))
        return 0;
    if (reader_holds(r) >= full)
        return 1;
    int64_t left = r->first_ms + pl->options.wait_ms - ed_monotonic_ms();
    if (left <= 0 && ed_ring_count(pl->answered))
        left = LOOK_MS;
    if (left < WAIT_MS)
        *wait_ms = left < 0 ? 0 : (int)left;
    return left <= 0;
}

static eddy_status reader_loop(struct ed_pipeline *pl, eddy_error *err)
{
    struct reader *r = &pl->reader;
    for (int end = 0; !end;) {
        int wait_ms;
        ed_pulse_beat();
        size_t n = 0, full = atomic_load(&pl->full);
        if (reader_due(pl, full, &wait_ms)) {
            eddy_status st = reader_exchange(pl, err);
            if (st != EDDY_OK)
                return st;
            wait_ms = WAIT_MS;
        }
        size_t room = reader_holds(r) < full ? full - reader_holds(r) : 0;
        eddy_status st = ed_source_read(pl->options.source, wait_ms, r->raws,
                                        room < READ_MAX ? room : READ_MAX, &n, &end, err);
        if (n)
            r->heard_ms = ed_monotonic_ms();
        if (st == EDDY_OK)
            st = n ? reader_take(pl, n, err) : reader_rest(pl, end, err);
        if (st != EDDY_OK)
            return st;
        if (!end && reader_holds(r) < full)
            reader_go_ahead(pl);
    }
    return EDDY_OK;
}

void *ed_reader_main(void *p)
{
    struct ed_pipeline *pl = p;
    eddy_error err = {0};
    eddy_status st = reader_loop(pl, &err);
    if (st == EDDY_NOMEM) {
        ed_pipeline_fail(pl, &err);
    } else if (st != EDDY_OK && st != EDDY_STOPPED) {
        ed_pipeline_source_failed(pl, &err);
    }
    if (pl->control)
        ed_control_stop(pl->control); /* it has no end of its own */
    if (!reader_holds(&pl->reader))
        ed_pipeline_pass(pl->free, pl->reader.batch);
    else if (reader_pass(pl, &err) != EDDY_OK)
        ed_pipeline_fail(pl, &err);
    if (pl->keyphraser && atomic_load(&pl->dropping))
        ed_keyphraser_stop(pl->keyphraser); /* what is being made is dropped */
    atomic_store(&pl->reading, 0);
    ed_ring_close(pl->read);
    return NULL;
}
