/* Answers: the engine's thread. A batch whose documents have their vectors becomes an epoch, or
 * part of one: what the engine decided, as messages; and where the epoch ends, what all of it
 * changed in the engine's state, as records, and how the state stands then. In a process that only
 * embeds, the documents themselves are the messages. */
#include "pipeline/inside.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/point.h"
#include "base/time.h"

#include <string.h>

#define WAIT_MS 100 /* for a batch, before others are looked at */

static eddy_status tell_event(struct ed_pipeline *pl, struct ed_batch *batch,
                              const eddy_event *event, eddy_error *err)
{
    struct ed_pipeline_options *o = &pl->options;
    if (o->on_event)
        o->on_event(o->watcher, event);
    return ed_publish_event(&o->publisher, &batch->epoch, event, event->stream_ms, err);
}

eddy_status ed_answers_news(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    struct ed_pipeline_options *o = &pl->options; /* the publisher counts changes */
    const eddy_change *changes = NULL;
    const eddy_event *pictures = NULL;
    const eddy_topic *topics = NULL;
    size_t n_topics = 0;
    eddy_status st = EDDY_OK;
    size_t n_changes = eddy_clusterer_changes(o->clusterer, &changes);
    for (size_t i = 0; i < n_changes && st == EDDY_OK; i++) {
        if (pl->stability)
            ed_stability_change(pl->stability, &changes[i]);
        if (o->on_change)
            o->on_change(o->watcher, &changes[i]);
        st = ed_publish_change(&o->publisher, &batch->epoch, &changes[i], err);
    }
    eddy_engine_stats stats;
    eddy_clusterer_stats(o->clusterer, &stats);
    ed_meters_engine(pl, &stats);
    size_t n = eddy_clusterer_pictures(o->clusterer, &pictures);
    if (st == EDDY_OK && o->alerts)
        st = ed_alerts_news(o->alerts, &o->publisher, &batch->epoch, changes, n_changes, pictures,
                            n, err);
    if (pl->reasoner)
        ed_reasoner_changed(pl->reasoner, n);
    n_topics = eddy_clusterer_topic_pictures(o->clusterer, &topics);
    for (size_t i = 0, k = 0; i + k < n + n_topics && st == EDDY_OK;)
        if (k < n_topics && topics[k].after <= i) /* each where it was told */
            st = ed_publish_topic(&o->publisher, &batch->epoch, &topics[k++], err);
        else
            st = tell_event(pl, batch, &pictures[i++], err);
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
                    .title = doc->title.n ? doc->title : doc->text,
                    .same = eddy_doc_same(doc)};
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
        if (answers[i].duplicate) {
            atomic_fetch_add(&pl->filtered, 1);
            atomic_fetch_add(&pl->duplicates, 1);
            continue;
        }
        atomic_fetch_add(answers[i].founded ? &pl->founded : &pl->assigned, 1);
        ed_meters_assigned(pl, &items[i]->doc, &answers[i]);
        if (o->on_assigned)
            o->on_assigned(o->watcher, &items[i]->doc, &answers[i]);
        st = ed_publish_assignment(&o->publisher, &batch->epoch, &items[i]->doc, &answers[i], err);
    }
    return st == EDDY_OK ? ed_answers_news(pl, batch, err) : st;
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

/* Assign (n) items, in as many calls as other things have their turn between them. */
static eddy_status answer_items(struct ed_pipeline *pl, struct ed_batch *batch,
                                struct ed_item *const *items, size_t n, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0, go; i < n && st == EDDY_OK; i += go) {
        eddy_error why = {0};
        st = ed_turns_documents(pl, batch, n - i, &go, err);
        if (st != EDDY_OK)
            break;
        st = answer_docs(pl, batch, items + i, go, &why);
        if (st == EDDY_INVALID)
            st = answer_singly(pl, batch, items + i, go, err);
        else if (st != EDDY_OK)
            *err = why;
        if (st == EDDY_OK)
            st = ed_turns_orders(pl, batch, err);
    }
    return st;
}

/* Hand (n) items on: to a process with an engine, or to whoever wants their vectors here. */
static eddy_status forward_docs(struct ed_pipeline *pl, struct ed_batch *batch,
                                struct ed_item *const *items, size_t n, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        if (pl->options.on_embedded)
            pl->options.on_embedded(pl->options.watcher, &items[i]->doc);
        else
            st = ed_publish_vector(&batch->epoch, &items[i]->raw, &items[i]->doc, pl->dim,
                                   pl->options.keyphrases, pl->model, err);
    if (st == EDDY_OK)
        atomic_fetch_add(&pl->assigned, n);
    return st;
}

/* Order inside an epoch: of each topic stream order, but dead letters behind all else. */
static eddy_status answer_batch(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    size_t n = 0;
    struct ed_item **items = ed_arena_alloc(batch->arena, (batch->n + 1) * sizeof *items);
    if (!items)
        return eddy_fail_nomem(err, "batch", batch->n * sizeof *items);
    for (size_t i = 0; i < batch->n; i++)
        if (batch->items[i].reject == EDDY_ACCEPTED && !batch->items[i].filtered)
            items[n++] = &batch->items[i];

    eddy_status st = pl->options.logs        ? ed_lines_answer(pl, batch, items, n, err)
                     : pl->options.clusterer ? answer_items(pl, batch, items, n, err)
                                             : forward_docs(pl, batch, items, n, err);
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

/* What is due by stream time, and what is to be known of alerts after a restart. */
static eddy_status alerts_close(const struct ed_pipeline_options *o, struct ed_batch *batch,
                                int64_t stream_ms, eddy_error *err)
{
    struct ed_epoch *epoch = &batch->epoch;
    const eddy_record *records = epoch->records;
    size_t n = epoch->n_records;
    eddy_status st = ed_alerts_until(o->alerts, &o->publisher, epoch, stream_ms, err);
    if (st == EDDY_OK)
        st = ed_alerts_records(o->alerts, batch->arena, &records, &n, err);
    if (st == EDDY_OK && o->resumable) {
        epoch->records = records;
        epoch->n_records = n;
    }
    return st;
}

/* What a commit has asked for. */
static eddy_status epoch_renew(struct ed_pipeline *pl, struct ed_epoch *epoch, eddy_error *err)
{
    struct ed_pipeline_options *o = &pl->options;
    eddy_status st = EDDY_OK;
    for (; epoch->n_wanted; epoch->n_wanted--) {
        uint64_t key = epoch->wanted[epoch->n_wanted - 1];
        if (ed_alerts_owns(key) && o->alerts)
            ed_alerts_renew(o->alerts, key);
        else if (o->logs && ed_logs_owns(key))
            st = st == EDDY_OK ? ed_logs_renew(o->logs, key, err) : st;
        else
            eddy_clusterer_renew(o->clusterer, key);
    }
    return st;
}

/* What changed in the state, and how all of it stands now: the rest of an epoch. */
static eddy_status epoch_close(struct ed_pipeline *pl, struct ed_batch *batch, int ended,
                               eddy_error *err)
{
    struct ed_pipeline_options *o = &pl->options;
    struct ed_epoch *epoch = &batch->epoch;
    eddy_status st = o->clusterer ? epoch_renew(pl, epoch, err) : EDDY_OK;
    pl->is_open = batch->open;
    if (st != EDDY_OK || !o->clusterer || batch->open)
        return st;
    if (o->resumable)
        st = eddy_clusterer_records(o->clusterer, batch->arena, &epoch->records, &epoch->n_records,
                                    err);
    if (st == EDDY_OK && o->resumable && o->logs)
        st = ed_logs_records(o->logs, batch, &epoch->records, &epoch->n_records, err);
    eddy_engine_stats stats;
    eddy_clusterer_stats(o->clusterer, &stats);
    if (st == EDDY_OK && o->alerts)
        st = alerts_close(o, batch, stats.stream_ms, err);
    epoch->mark = (struct ed_mark){.hash = o->resumable ? ed_logs_state(o->clusterer, o->logs) : 0,
                                   .documents = stats.documents,
                                   .stream_ms = stats.stream_ms,
                                   .change_position = o->publisher.change_position,
                                   .change_index = o->publisher.change_index,
                                   .ended = (uint32_t)ended,
                                   .tally = {.assigned = atomic_load(&pl->assigned),
                                             .founded = atomic_load(&pl->founded),
                                             .filtered = atomic_load(&pl->filtered),
                                             .dead = ed_pipeline_dead(pl)}};
    ed_point("assigned");
    return st;
}

/* The end: a last repair pass, unless we come back and go on. */
static eddy_status answer_end(struct ed_pipeline *pl, eddy_error *err)
{
    int ended = !atomic_load(&pl->dropping) && !atomic_load(&pl->source_failed);
    if (!pl->options.clusterer || (pl->options.resumable && (!ended || pl->options.goes_on)))
        return EDDY_OK;
    struct ed_batch *batch = ed_pipeline_next(pl->free);
    if (!batch)
        return EDDY_STOPPED;
    eddy_status st = pl->options.logs ? ed_lines_end(pl, batch, err) : EDDY_OK;
    if (st == EDDY_OK)
        st = ed_turns_end(pl, batch, err);
    if (st == EDDY_OK)
        st = eddy_clusterer_flush(pl->options.clusterer, err);
    if (st == EDDY_OK)
        st = ed_answers_news(pl, batch, err);
    if (st == EDDY_OK)
        st = epoch_close(pl, batch, ended, err);
    if (st == EDDY_OK)
        ed_pipeline_pass(pl->answered, batch);
    return st;
}

/* As if it had never been read: an epoch that was to go on in it ends before. */
static eddy_status batch_drop(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    int was_open = pl->is_open;
    atomic_fetch_sub(&pl->in, batch->n);
    ed_batch_reset(batch);
    eddy_status st = was_open ? epoch_close(pl, batch, 0, err) : EDDY_OK;
    if (st == EDDY_OK)
        ed_pipeline_pass(was_open ? pl->answered : pl->free, batch);
    return st;
}

/* As messages in the batch, which are not committed. */
static eddy_status pictures_make(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    const struct ed_pipeline_options *o = &pl->options;
    const eddy_topic *topics = NULL;
    const uint64_t *ids = NULL;
    size_t n = 0, n_topics = 0;
    eddy_event event;
    eddy_status st = eddy_clusterer_events(o->clusterer, batch->arena, &ids, &n, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        st = eddy_clusterer_event(o->clusterer, ids[i], batch->arena, &event, err);
        if (st == EDDY_OK)
            st = ed_publish_event(&o->publisher, &batch->epoch, &event, event.stream_ms, err);
    }
    if (st == EDDY_OK)
        st = eddy_clusterer_topics(o->clusterer, batch->arena, &topics, &n_topics, err);
    for (size_t i = 0; i < n_topics && st == EDDY_OK; i++)
        st = ed_publish_topic(&o->publisher, &batch->epoch, &topics[i], err);
    return st;
}

/* Where memory is short, as many as there is room for: the run itself does not need them. */
void ed_answers_show(struct ed_pipeline *pl)
{
    const struct ed_pipeline_options *o = &pl->options;
    eddy_error why = {0};
    struct ed_batch *batch = o->on_visible && o->clusterer ? ed_pipeline_next(pl->free) : NULL;
    if (!batch)
        return;
    if (pictures_make(pl, batch, &why) != EDDY_OK)
        ed_log(ED_LOG_WARN, "pipeline", "not all events can be shown: %s", why.text);
    o->on_visible(o->board, o->publisher.shard, &batch->epoch);
    ed_batch_reset(batch);
    ed_pipeline_pass(pl->free, batch);
}

/* The first epoch of all: where the inputs began, so that a start at the end of a topic is not a
 * later end after a crash; and orders that wait for no document. And what a clusterer that was
 * loaded has to tell of itself. */
eddy_status ed_answers_start(struct ed_pipeline *pl, eddy_error *err)
{
    struct ed_source *const sources[] = {pl->options.source, pl->options.control};
    eddy_engine_stats stats = {0};
    eddy_status st = EDDY_OK;
    if (pl->options.clusterer)
        eddy_clusterer_stats(pl->options.clusterer, &stats);
    ed_meters_engine(pl, &stats);
    int ordered = pl->options.n_orders && !pl->options.orders[0].position;
    if (pl->options.mark.epoch || !(pl->options.resumable || ordered))
        return EDDY_OK;
    struct ed_batch *batch = ed_pipeline_next(pl->free);
    if (!batch)
        return EDDY_STOPPED;
    for (size_t k = 0; k < 2 && sources[k]; k++) {
        const struct ed_offset *starts = NULL;
        size_t n = 0;
        ed_source_starts(sources[k], &starts, &n);
        for (size_t i = 0; i < n && st == EDDY_OK; i++)
            st = ed_epoch_answered(&batch->epoch, starts[i].topic, starts[i].partition,
                                   starts[i].next, err);
    }
    if (st == EDDY_OK && pl->options.clusterer)
        st = ed_turns_orders(pl, batch, err);
    if (st == EDDY_OK)
        st = epoch_close(pl, batch, 0, err);
    if (st == EDDY_OK)
        ed_pipeline_pass(pl->answered, batch);
    return st;
}

/* The next batch; an empty one where none has come and something from outside waits. NULL: there
 * will be none. */
static struct ed_batch *batch_next(struct ed_pipeline *pl)
{
    void *batch = NULL;
    enum ed_ring_answer answer;
    while ((answer = ed_ring_pop(pl->embedded, &batch, WAIT_MS)) == ED_RING_LATE) {
        ed_pulse_beat();
        if (!atomic_load(&pl->dropping) && ed_turns_look(pl) &&
            ed_ring_pop(pl->free, &batch, 0) == ED_RING_OK)
            return batch;
    }
    ed_pulse_beat();
    return answer == ED_RING_OK ? batch : NULL;
}

void *ed_answers_main(void *p)
{
    struct ed_pipeline *pl = p;
    eddy_error err = {0};
    eddy_status st = EDDY_OK;
    int dropped = 0; /* a batch was: to answer a later one would commit what it held */
    struct ed_batch *batch;
    while (st == EDDY_OK && (batch = batch_next(pl))) {
        dropped |= batch->dropped;
        if (dropped) {
            st = batch_drop(pl, batch, &err);
            continue;
        }
        int64_t start_us = ed_monotonic_us();
        atomic_store(&pl->at_work, 1);
        st = ed_turns_batch(pl, batch, &err);
        if (st == EDDY_OK)
            st = answer_batch(pl, batch, &err);
        if (st == EDDY_OK)
            st = epoch_close(pl, batch, 0, &err);
        atomic_store(&pl->at_work, 0);
        if (st == EDDY_OK)
            ed_meters_took(&pl->meters.assign, start_us);
        if (st == EDDY_OK)
            ed_pipeline_pass(pl->answered, batch);
    }
    /* A stop that is no failure comes here too, by way of the reader. */
    if (st == EDDY_OK)
        st = answer_end(pl, &err);
    if (st != EDDY_OK && st != EDDY_STOPPED)
        ed_pipeline_fail(pl, &err);
    ed_ring_close(pl->answered);
    if (pl->reasoner)
        ed_reasoner_stop(pl->reasoner); /* nobody is left to apply what it decides */
    return NULL;
}
