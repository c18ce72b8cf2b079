/* Feed: three sources, one inbox. */
#include "cli/feed.h"

#include "base/error.h"
#include "base/memory.h"
#include "cli/guess.h"
#include "cli/labels.h"
#include "cli/look.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define PICTURE_MAX ((size_t)16 << 20)
#define READ_MAX    256
#define WAIT_MS     200
#define MERGE_MS    500 /* that one topic waits for the other */

static int is_over(struct ed_feed *feed)
{
    return feed->failure.status != EDDY_OK || atomic_load(&feed->stopped);
}

/* ---- documents: the watchers of a stream; the engine's thread ---- */

static void watch_over(struct ed_feed *feed)
{
    if (feed->failure.status != EDDY_OK)
        ed_stream_stop(&feed->stream);
}

static void on_assigned(void *watcher, const eddy_doc *doc, const eddy_assignment *a)
{
    struct ed_feed *feed = watcher;
    if (!is_over(feed) && a->event)
        ed_inbox_document(feed->inbox, a->event, doc->time_ms, a->founded, &feed->failure);
    watch_over(feed);
}

static void on_dead(void *watcher, const eddy_raw *raw, eddy_reject reject, const char *detail)
{
    struct ed_feed *feed = watcher;
    ed_dead_look(&feed->dead, raw, reject, detail);
}

/* Both as they would go to their topics. */
static void on_event(void *watcher, const eddy_event *event)
{
    struct ed_feed *feed = watcher;
    struct ed_epoch epoch;
    if (is_over(feed))
        return;
    eddy_arena_reset(feed->arena);
    ed_epoch_init(&epoch, feed->arena);
    if (ed_publish_event(&feed->publisher, &epoch, event, event->stream_ms, &feed->failure) ==
        EDDY_OK)
        ed_inbox_picture(feed->inbox, event->id,
                         event->state == EDDY_STATE_MERGED ? event->merged_into : 0,
                         epoch.messages[0].value, &feed->failure);
    ed_epoch_clear(&epoch);
    watch_over(feed);
}

/* Stories are silent of these. */
static int is_quiet(const char *kind)
{
    return !strcmp(kind, eddy_change_name(EDDY_FOLDED)) ||
           !strcmp(kind, eddy_change_name(EDDY_DRIFTED));
}

static void on_change(void *watcher, const eddy_change *change)
{
    struct ed_feed *feed = watcher;
    struct ed_epoch epoch;
    const char *kind = eddy_change_name(change->kind);
    if (is_over(feed) || is_quiet(kind))
        return;
    eddy_arena_reset(feed->arena);
    ed_epoch_init(&epoch, feed->arena);
    if (ed_publish_change(&feed->publisher, &epoch, change, &feed->failure) == EDDY_OK) {
        struct ed_heard heard = {.event = change->event,
                                 .other = change->other,
                                 .undone = !strcmp(kind, eddy_change_name(EDDY_UNDONE)),
                                 .json = epoch.messages[0].value};
        ed_inbox_change(feed->inbox, &heard, &feed->failure);
    }
    ed_epoch_clear(&epoch);
    watch_over(feed);
}

static eddy_status open_nowhere(void *user, int32_t shard, struct ed_journal **ret, eddy_error *err)
{
    static const char *const nowhere[ED_TOPICS];
    const struct ed_feed *feed = user;
    (void)shard;
    return ed_journal_files_open(nowhere, NULL, feed->config->pipeline, ret, err);
}

static eddy_status give_source(void *user, int32_t shard, const struct ed_head *head,
                               struct ed_source **ret, eddy_error *err)
{
    struct ed_feed *feed = user;
    (void)shard, (void)head, (void)err;
    *ret = feed->source;
    feed->source = NULL;
    return EDDY_OK;
}

/* The first bytes may keep us waiting, the model takes its time: all in the thread. */
static eddy_status documents_run(struct ed_feed *feed, eddy_error *err)
{
    struct ed_pipeline_options watch = {.watcher = feed,
                                        .on_assigned = on_assigned,
                                        .on_change = on_change,
                                        .on_event = on_event,
                                        .on_dead = on_dead};
    eddy_status st = ed_guess_format(feed->config, feed->source, "top", err);
    feed->stream.user = feed;
    feed->stream.open_journal = open_nowhere;
    feed->stream.open_source = give_source;
    if (st == EDDY_OK)
        st = ed_stream_open(&feed->stream, feed->config, &watch, err);
    if (st != EDDY_OK)
        return st;
    atomic_store(&feed->state, ED_FEED_READING);
    atomic_store(&feed->streams, 1);
    if (atomic_load(&feed->stopped))
        ed_stream_stop(&feed->stream);
    return ed_stream_run(&feed->stream, err);
}

static eddy_status documents_open(struct ed_feed *feed, eddy_error *err)
{
    feed->publisher.pipeline = feed->config->pipeline;
    feed->config->logs.assignments =
        ED_LOGS_NONE; /* answers go nowhere: lines of a log need none */
    feed->arena = eddy_arena_new(PICTURE_MAX);
    if (!feed->arena)
        return eddy_fail_nomem(err, "top", 0);
    return ed_config_source_open(feed->config, NULL, 0, NULL, &feed->source, err);
}

/* ---- topics and files: what others have written ---- */

static eddy_status picture_line(void *user, eddy_str line, eddy_error *err)
{
    struct ed_feed *feed = user;
    json_t *json = json_loadb(line.at, line.n, 0, NULL);
    const char *id = ed_look_text(json, "id");
    uint64_t event = *id == 'E' ? ed_look_id(id, 'E') : 0; /* topics lie over events */
    uint64_t into =
        !strcmp(ed_look_text(json, "state"), "merged") ? ed_look_number(json, "merged_into") : 0;
    json_decref(json);
    return event ? ed_inbox_picture(feed->inbox, event, into, line, err) : EDDY_OK;
}

static eddy_status change_line(void *user, eddy_str line, eddy_error *err)
{
    struct ed_feed *feed = user;
    json_t *json = json_loadb(line.at, line.n, 0, NULL);
    const char *kind = ed_look_text(json, "kind");
    struct ed_heard heard = {.event = ed_look_number(json, "event"),
                             .other = ed_look_number(json, "other"),
                             .undone = !strcmp(kind, eddy_change_name(EDDY_UNDONE)),
                             .json = line};
    int matters = heard.event && !is_quiet(kind);
    json_decref(json);
    return matters ? ed_inbox_change(feed->inbox, &heard, err) : EDDY_OK;
}

static eddy_status topics_open(struct ed_feed *feed, eddy_error *err)
{
    struct ed_config *config = feed->config;
    const char *names[] = {config->output.topics[ED_EVENTS], config->output.topics[ED_CHANGES]};
    struct ed_source_kafka options = {.topics = names,
                                      .n_topics = *names[1] ? 2 : 1,
                                      .n_shards = 1,
                                      .from = {.kind = ED_FROM_BEGINNING},
                                      .endless = 1,
                                      .wait_ms = MERGE_MS,
                                      .insecure = config->insecure};
    if (!*names[0])
        return eddy_fail(err, EDDY_CONFIG, "the pipeline keeps no events topic (output.events)");
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options.options,
                                             &options.n_options, err);
    return st == EDDY_OK ? ed_source_kafka_open(&options, &feed->source, err) : st;
}

static eddy_status topics_run(struct ed_feed *feed, eddy_error *err)
{
    static eddy_raw raws[READ_MAX];
    const char *events = feed->config->output.topics[ED_EVENTS];
    eddy_status st = EDDY_OK;
    atomic_store(&feed->state, ED_FEED_READING);
    for (int end = 0; st == EDDY_OK && !end && !is_over(feed);) {
        size_t n = 0;
        struct ed_progress at;
        st = ed_source_read(feed->source, WAIT_MS, raws, READ_MAX, &n, &end, err);
        for (size_t i = 0; i < n && st == EDDY_OK; i++) {
            eddy_str value = {raws[i].bytes, raws[i].n};
            if (value.at)
                st = (strcmp(raws[i].position.topic, events) ? change_line
                                                             : picture_line)(feed, value, err);
        }
        ed_source_progress(feed->source, &at);
        if (!n && !at.behind && !at.behind_unknown)
            atomic_store(&feed->state, ED_FEED_LIVE);
    }
    return st == EDDY_STOPPED ? EDDY_OK : st;
}

static eddy_status files_open(struct ed_feed *feed, eddy_error *err)
{
    eddy_status st = ed_tail_open(&feed->events, feed->dir, ed_config_files[ED_EVENTS], err);
    if (st == EDDY_OK)
        st = ed_tail_open(&feed->changes, feed->dir, ed_config_files[ED_CHANGES], err);
    if (st == EDDY_OK && feed->events.fd < 0)
        st = eddy_fail(err, EDDY_IO, "%s: there is no such file, nor %s.part of a run under way",
                       feed->events.path, ed_config_files[ED_EVENTS]);
    return st;
}

static eddy_status files_run(struct ed_feed *feed, eddy_error *err)
{
    static const struct timespec pause = {0, WAIT_MS * 1000000L};
    eddy_status st = EDDY_OK;
    atomic_store(&feed->state, ED_FEED_READING);
    while (st == EDDY_OK && !is_over(feed)) {
        int ended = ed_tail_ended(&feed->events), events = 0, changes = 0;
        st = ed_tail_read(&feed->changes, change_line, feed, &changes, err);
        if (st == EDDY_OK)
            st = ed_tail_read(&feed->events, picture_line, feed, &events, err);
        if (st != EDDY_OK || events || changes)
            continue;
        if (ended)
            return EDDY_OK;
        atomic_store(&feed->state, ED_FEED_LIVE);
        nanosleep(&pause, NULL);
    }
    return st;
}

/* ---- the thread ---- */

static void *feed_main(void *p)
{
    struct ed_feed *feed = p;
    static eddy_status (*const runs[])(struct ed_feed *, eddy_error *) = {
        [ED_FEED_DOCUMENTS] = documents_run,
        [ED_FEED_TOPICS] = topics_run,
        [ED_FEED_FILES] = files_run,
    };
    eddy_error err = {0};
    if (runs[feed->kind](feed, &err) != EDDY_OK && feed->failure.status == EDDY_OK)
        feed->failure = err;
    atomic_store(&feed->state, ED_FEED_ENDED);
    return NULL;
}

eddy_status ed_feed_open(struct ed_feed *feed, eddy_error *err)
{
    static eddy_status (*const opens[])(struct ed_feed *, eddy_error *) = {
        [ED_FEED_DOCUMENTS] = documents_open,
        [ED_FEED_TOPICS] = topics_open,
        [ED_FEED_FILES] = files_open,
    };
    feed->events.fd = feed->changes.fd = -1;
    ed_stream_listen(NULL);
    eddy_status st = opens[feed->kind](feed, err);
    feed->opened = feed->source;
    ed_stream_listen(feed->opened);
    return st;
}

eddy_status ed_feed_start(struct ed_feed *feed, eddy_error *err)
{
    sigset_t all, before; /* signals are for the thread that draws */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&feed->thread, NULL, feed_main, feed);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return eddy_fail(err, EDDY_NOMEM, "cannot start a thread: %s", strerror(failed));
    feed->started = 1;
    return EDDY_OK;
}

void ed_feed_stop(struct ed_feed *feed)
{
    atomic_store(&feed->stopped, 1);
    ed_inbox_close(feed->inbox);
    if (atomic_load(&feed->streams))
        ed_stream_stop(&feed->stream);
    else if (feed->opened)
        ed_source_stop(feed->opened);
}

eddy_status ed_feed_join(struct ed_feed *feed, eddy_error *err)
{
    if (feed->started)
        pthread_join(feed->thread, NULL);
    feed->started = 0;
    if (feed->failure.status == EDDY_OK || atomic_load(&feed->stopped) ||
        (feed->failure.status == EDDY_STOPPED && ed_stream_signal()))
        return EDDY_OK; /* what a stop interrupts is no failure */
    *err = feed->failure;
    return err->status;
}

eddy_status ed_feed_close(struct ed_feed *feed, eddy_error *err)
{
    eddy_status st = ed_stream_close(&feed->stream, err);
    ed_source_free(feed->source);
    ed_tail_close(&feed->events);
    ed_tail_close(&feed->changes);
    eddy_arena_free(feed->arena);
    return st;
}

void ed_feed_look(struct ed_feed *feed, struct ed_feed_look *ret)
{
    struct ed_progress at = {0};
    *ret = (struct ed_feed_look){.state = atomic_load(&feed->state)};
    if (atomic_load(&feed->streams)) {
        ed_stream_look(&feed->stream, &ret->counts, &at, NULL);
        ret->has_counts = 1;
        ret->done =
            ret->counts.assigned + ret->counts.founded + ret->counts.filtered + ret->counts.dead;
    } else if (feed->kind == ED_FEED_TOPICS) {
        ed_source_progress(feed->opened, &at);
        ret->has_behind = !at.behind_unknown;
    }
    ret->bytes = at.bytes;
    ret->bytes_total = at.bytes_total;
    ret->behind = at.behind;
}
