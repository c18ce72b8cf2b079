/* Kafka: one consumer, one thread that keeps it alive, and a queue for each reader.
 *
 *   partition queues --forwarded--> queue of a reader --> ed_source_read
 *   everything else (rebalances, errors, commit results) --> the keeper's thread
 *
 * The keeper polls whatever the readers do, so a member never leaves its group because the engine
 * is slow. It also commits, once a second, what is done. A reader that is paused just lets its
 * queue be: librdkafka stops fetching when it is full (queued.min.messages or
 * queued.max.messages.kbytes). Tried and left: rd_kafka_pause_partitions, which throws the queue
 * away and, in 2.0.x, may resume at the wrong place (librdkafka#2703, #4686).
 *
 * Commits are explicit: librdkafka's automatic ones go out unasked when a partition is revoked, and
 * nobody hears of their result. Here a revocation first waits shortly for the answers to what was
 * read, then commits, then gives the partitions up. What is not answered by then is read by the
 * next owner too, and answered twice: the pipeline keeps it to seconds of work, and with a slow
 * model that is more than the wait. A commit that fails is repeated a second later.
 *
 * The protocol is the eager one, by roundrobin: all partitions are given up before the group is
 * joined anew, and nothing is left to commit meanwhile. Tried and left: cooperative-sticky. There
 * a commit that goes out while the member waits to join is refused (its generation is over), and
 * librdkafka before 2.10 then drops the whole assignment (librdkafka#4059): in our test a fifth of
 * the messages came twice when a member joined. */
#include "source/inside.h"
#include "source/options.h"
#include "source/positions.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define POLL_MS        100
#define COMMIT_MS      1000  /* between two commits */
#define DRAIN_MS       2000  /* that a revocation waits for answers */
#define SETTLE_MS      10000 /* for reads under way, which wait far less */
#define COMMIT_WAIT_MS 5000  /* for the result of a commit that somebody waits for */
#define CLOSE_MS       10000 /* for an orderly leave */
#define META_MS        10000 /* to hear of partitions */
#define HEADERS_MAX    ((size_t)64 << 20)

struct reader {
    rd_kafka_queue_t *queue;
    rd_kafka_message_t **held; /* (n) lent out until the next read; room for `room` */
    size_t n, room;
    eddy_arena *headers; /* of held */
    int paused;
    struct ed_reading reading; /* guarded by the lock */
};

struct kafka {
    struct ed_source source;
    rd_kafka_t *rk;
    char **topics; /* (n_topics) every position's topic is one of these */
    size_t n_topics;
    int exit_at_end;
    struct reader *readers; /* (source.n_readers) */

    pthread_t keeper;
    int keeper_runs;
    atomic_int leaving; /* we are closing */
    atomic_uint_fast64_t bytes, messages;

    pthread_mutex_t lock; /* guards what follows; never held across a call of librdkafka */
    pthread_cond_t moved; /* something was answered, or a read has ended */
    struct ed_positions positions;
    char fatal[300]; /* "": none */
};

/* ---- small helpers ---- */

static const char *own_name(const struct kafka *k, const char *topic)
{
    for (size_t i = 0; i < k->n_topics; i++)
        if (!strcmp(k->topics[i], topic))
            return k->topics[i];
    return NULL;
}

static void fatal_set(struct kafka *k, const char *text)
{
    pthread_mutex_lock(&k->lock);
    if (!k->fatal[0])
        snprintf(k->fatal, sizeof k->fatal, "%s", text);
    pthread_mutex_unlock(&k->lock);
}

/* ---- what librdkafka tells ---- */

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    if (level <= LOG_WARNING)
        ed_log(ED_LOG_WARN, "source", "%s: %s", facility, text);
}

/* Troubles with connections; the log has them. Fatal: this consumer is finished. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    (void)reason;
    char text[300];
    if (code != RD_KAFKA_RESP_ERR__FATAL)
        return;
    rd_kafka_fatal_error(rk, text, sizeof text);
    fatal_set(opaque, text);
}

/* An error that came in a queue, in place of a message. */
static void error_take(struct kafka *k, const rd_kafka_message_t *m)
{
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : "";
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        pthread_mutex_lock(&k->lock);
        struct ed_place *place = ed_positions_find(&k->positions, topic, m->partition);
        if (place)
            ed_place_reached(place, m->offset);
        pthread_mutex_unlock(&k->lock);
        return;
    }
    const char *text = rd_kafka_message_errstr(m);
    if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
        m->err == RD_KAFKA_RESP_ERR__FATAL)
        fatal_set(k, text);
    ed_log(ED_LOG_WARN, "source", "topic %s partition %d: %s", topic, (int)m->partition, text);
}

/* ---- commits ---- */

/* What is due, marked as sent; NULL: nothing. leaving: only of partitions that leave. */
static rd_kafka_topic_partition_list_t *due_take(struct kafka *k, int leaving)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < k->positions.n; i++) {
        struct ed_place *place = &k->positions.at[i];
        if (!ed_place_due(place) || (leaving && place->holding != ED_LEAVING))
            continue;
        if (!list)
            list = rd_kafka_topic_partition_list_new(4);
        rd_kafka_topic_partition_list_add(list, place->topic, place->partition)->offset =
            place->done;
        place->sent = place->done;
    }
    pthread_mutex_unlock(&k->lock);
    return list;
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t why,
                      rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka *k = opaque;
    (void)rk;
    pthread_mutex_lock(&k->lock);
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *tp = &list->elems[i];
        struct ed_place *place = ed_positions_find(&k->positions, tp->topic, tp->partition);
        if (place && (why || tp->err))
            place->sent = -1; /* once more, if it is still ours then */
    }
    pthread_mutex_unlock(&k->lock);
    if (why && why != RD_KAFKA_RESP_ERR__NO_OFFSET)
        ed_log(ED_LOG_WARN, "source", "offsets not committed, will be tried again: %s",
               rd_kafka_err2str(why));
}

static void commit(struct kafka *k)
{
    rd_kafka_topic_partition_list_t *list = due_take(k, 0);
    if (!list)
        return;
    rd_kafka_resp_err_t why = rd_kafka_commit(k->rk, list, 1);
    if (why)
        on_commit(k->rk, why, list, k);
    rd_kafka_topic_partition_list_destroy(list);
}

/* The same, waiting for the result; not by rd_kafka_commit, whose wait has no bound. */
static void commit_and_wait(struct kafka *k, int leaving)
{
    rd_kafka_topic_partition_list_t *list = due_take(k, leaving);
    if (!list)
        return;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
    rd_kafka_resp_err_t why = rd_kafka_commit_queue(k->rk, list, queue, on_commit, k);
    if (why)
        on_commit(k->rk, why, list, k);
    else if (!rd_kafka_queue_poll_callback(queue, COMMIT_WAIT_MS))
        on_commit(k->rk, RD_KAFKA_RESP_ERR__TIMED_OUT, list, k);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(list);
}

/* ---- rebalances; in the keeper's thread, at close in the closing one ---- */

static size_t reader_with_least(const struct kafka *k)
{
    size_t best = 0, least = SIZE_MAX;
    for (size_t r = 0; r < k->source.n_readers; r++) {
        size_t n = 0;
        for (size_t i = 0; i < k->positions.n; i++)
            n += k->positions.at[i].holding == ED_OWNED && k->positions.at[i].reader == r;
        if (n < least) {
            least = n;
            best = r;
        }
    }
    return best;
}

static void gain(struct kafka *k, const rd_kafka_topic_partition_t *tp)
{
    const char *topic = own_name(k, tp->topic);
    size_t r = 0;
    pthread_mutex_lock(&k->lock);
    struct ed_place *place = topic ? ed_positions_add(&k->positions, topic, tp->partition) : NULL;
    if (place) {
        r = reader_with_least(k);
        ed_place_gain(place, r);
    }
    pthread_mutex_unlock(&k->lock);
    if (!place) { /* never read, so never committed */
        fatal_set(k, "no memory for a partition's position");
        return;
    }
    /* Before the assignment: a queue that the application has forwarded stays so. */
    rd_kafka_queue_t *queue = rd_kafka_queue_get_partition(k->rk, topic, tp->partition);
    if (queue) {
        rd_kafka_queue_forward(queue, k->readers[r].queue);
        rd_kafka_queue_destroy(queue);
    }
    ed_log(ED_LOG_INFO, "source", "partition %d of topic %s is ours", (int)tp->partition, topic);
}

static void holding_set(struct kafka *k, const rd_kafka_topic_partition_list_t *list,
                        enum ed_holding holding)
{
    pthread_mutex_lock(&k->lock);
    for (int i = 0; i < list->cnt; i++) {
        struct ed_place *place =
            ed_positions_find(&k->positions, list->elems[i].topic, list->elems[i].partition);
        if (place)
            place->holding = holding;
    }
    pthread_mutex_unlock(&k->lock);
}

/* With the lock held: wait for something to move, for a while and not beyond until. 0: it is too
 * late. */
static int wait_moved(struct kafka *k, int64_t until_ms)
{
    int64_t now = ed_monotonic_ms();
    if (now >= until_ms)
        return 0;
    int64_t at = now + (until_ms - now < POLL_MS ? until_ms - now : POLL_MS);
    struct timespec wake = {at / 1000, at % 1000 * 1000000L};
    pthread_cond_timedwait(&k->moved, &k->lock, &wake);
    return 1;
}

/* Wait for the answers to what was read of the partitions that leave. */
static void drain(struct kafka *k)
{
    int64_t until = ed_monotonic_ms() + DRAIN_MS;
    pthread_mutex_lock(&k->lock);
    while (!atomic_load(&k->leaving) && ed_positions_wait(&k->positions) && wait_moved(k, until))
        continue;
    pthread_mutex_unlock(&k->lock);
}

static int an_old_read(const struct kafka *k)
{
    for (size_t r = 0; r < k->source.n_readers; r++)
        if (ed_reading_is_old(&k->readers[r].reading, &k->positions))
            return 1;
    return 0;
}

/* Before partitions are gained: wait for the reads that began when others were ours. 0: one does
 * not end. */
static int settle(struct kafka *k)
{
    int64_t until = ed_monotonic_ms() + SETTLE_MS;
    pthread_mutex_lock(&k->lock);
    k->positions.generation++;
    while (an_old_read(k) && wait_moved(k, until))
        continue;
    int settled = !an_old_read(k);
    pthread_mutex_unlock(&k->lock);
    if (!settled)
        fatal_set(k, "a read does not end, so that no partition can be taken");
    return settled;
}

static void lose(struct kafka *k, const rd_kafka_topic_partition_list_t *list, int lost)
{
    holding_set(k, list, ED_LEAVING);
    if (!lost) {
        drain(k);
        commit_and_wait(k, 1);
    }
    holding_set(k, list, ED_FOREIGN);
    for (int i = 0; i < list->cnt; i++)
        ed_log(ED_LOG_INFO, "source", "partition %d of topic %s is %s",
               (int)list->elems[i].partition, list->elems[i].topic, lost ? "lost" : "given up");
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t why,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka *k = opaque;
    const rd_kafka_topic_partition_list_t *all = NULL;
    if (why == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        int settled = settle(k); /* if not, it is the end: they stay foreign, and are not read */
        for (int i = 0; settled && i < list->cnt; i++)
            gain(k, &list->elems[i]);
        all = list;
    } else {
        if (why != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
            ed_log(ED_LOG_WARN, "source", "rebalance failed: %s", rd_kafka_err2str(why));
        lose(k, list, rd_kafka_assignment_lost(rk));
    }
    rd_kafka_resp_err_t failed = rd_kafka_assign(rk, all);
    if (failed)
        ed_log(ED_LOG_WARN, "source", "cannot assign partitions: %s", rd_kafka_err2str(failed));
}

/* ---- the keeper ---- */

/* All partitions are forwarded before they are assigned, so a message here would be one that no
 * reader sees: rather stop than lose it. */
static void keeper_take(struct kafka *k, const rd_kafka_message_t *m)
{
    if (m->err)
        error_take(k, m);
    else
        fatal_set(k, "librdkafka delivered a message outside of its queue");
}

static void *keeper_main(void *p)
{
    struct kafka *k = p;
    int64_t committed_ms = ed_monotonic_ms();
    while (!atomic_load(&k->leaving)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(k->rk, POLL_MS);
        if (m) {
            keeper_take(k, m);
            rd_kafka_message_destroy(m);
        }
        if (ed_monotonic_ms() - committed_ms >= COMMIT_MS) {
            commit(k);
            committed_ms = ed_monotonic_ms();
        }
    }
    return NULL;
}

/* ---- reading ---- */

static void reader_release(struct reader *r)
{
    for (size_t i = 0; i < r->n; i++)
        rd_kafka_message_destroy(r->held[i]);
    r->n = 0;
    if (r->headers)
        eddy_arena_reset(r->headers);
}

/* Messages as they come, and errors out of the way. One at a time: librdkafka's batch calls are
 * not to be trusted around rebalances in 2.0.x. */
static void gather(struct kafka *k, struct reader *r, int wait_ms, size_t max)
{
    rd_kafka_message_t *m;
    while (r->n < max && (m = rd_kafka_consume_queue(r->queue, r->n ? 0 : wait_ms))) {
        if (!m->err) {
            r->held[r->n++] = m;
            continue;
        }
        error_take(k, m);
        rd_kafka_message_destroy(m);
        wait_ms = 0;
    }
}

static eddy_status headers_read(struct reader *r, const rd_kafka_message_t *m, eddy_raw *raw,
                                eddy_error *err)
{
    rd_kafka_headers_t *all = NULL;
    if (rd_kafka_message_headers(m, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return EDDY_OK;
    size_t n = rd_kafka_header_cnt(all);
    eddy_header *headers = ed_arena_alloc(r->headers, n * sizeof *headers);
    if (!headers)
        return eddy_fail_nomem(err, "message headers", n * sizeof *headers);
    for (size_t i = 0; i < n; i++) {
        const void *value = NULL;
        size_t n_value = 0;
        rd_kafka_header_get_all(all, i, &headers[i].name, &value, &n_value);
        headers[i].value = (eddy_str){value, n_value};
    }
    raw->headers = headers;
    raw->n_headers = n;
    return EDDY_OK;
}

static eddy_status raw_fill(struct reader *r, const rd_kafka_message_t *m, const char *topic,
                            int64_t now, eddy_raw *raw, eddy_error *err)
{
    rd_kafka_timestamp_type_t type;
    *raw = (eddy_raw){.bytes = m->payload,
                      .n = m->len,
                      .key = m->key,
                      .n_key = m->key_len,
                      .broker_ms = rd_kafka_message_timestamp(m, &type),
                      .arrival_ms = now,
                      .position = {topic, m->partition, m->offset}};
    return headers_read(r, m, raw, err);
}

static void reading_set(struct kafka *k, struct reader *r, int under_way)
{
    pthread_mutex_lock(&k->lock);
    if (under_way)
        ed_reading_begin(&r->reading, &k->positions);
    else
        ed_reading_end(&r->reading);
    pthread_cond_signal(&k->moved);
    pthread_mutex_unlock(&k->lock);
}

/* Of what is held, keep what is to be handed on, and note where that brings us. With it the read
 * ends, as far as partitions go. */
static size_t sift(struct kafka *k, struct reader *r, eddy_raw *ret)
{
    size_t n = 0;
    uint64_t bytes = 0;
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < r->n; i++) {
        rd_kafka_message_t *m = r->held[i];
        struct ed_place *place =
            ed_positions_find(&k->positions, rd_kafka_topic_name(m->rkt), m->partition);
        if (place && ed_place_take(place, m->offset)) {
            r->held[i] = r->held[n]; /* swapped, so that all are still held once */
            r->held[n] = m;
            ret[n++].position.topic = place->topic;
            bytes += m->len;
        }
    }
    ed_reading_end(&r->reading);
    pthread_cond_signal(&k->moved);
    pthread_mutex_unlock(&k->lock);
    atomic_fetch_add(&k->messages, n);
    atomic_fetch_add(&k->bytes, bytes);
    return n;
}

/* Everything that was there at the start has been read. */
static int all_ended(struct kafka *k)
{
    pthread_mutex_lock(&k->lock);
    int ended = k->exit_at_end && ed_positions_ended(&k->positions);
    pthread_mutex_unlock(&k->lock);
    return ended;
}

static eddy_status fatal_check(struct kafka *k, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    pthread_mutex_lock(&k->lock);
    if (k->fatal[0])
        st = eddy_fail(err, EDDY_UNAVAILABLE, "kafka: %s", k->fatal);
    pthread_mutex_unlock(&k->lock);
    return st;
}

static eddy_status reader_widen(struct reader *r, size_t max, eddy_error *err)
{
    if (max <= r->room)
        return EDDY_OK;
    rd_kafka_message_t **held = ed_realloc(r->held, max * sizeof *held);
    if (!held)
        return eddy_fail_nomem(err, "reader", max * sizeof *held);
    r->held = held;
    r->room = max;
    return EDDY_OK;
}

static eddy_status kafka_read(struct ed_source *source, size_t reader, int wait_ms, eddy_raw *ret,
                              size_t max, size_t *n_ret, int *end, eddy_error *err)
{
    struct kafka *k = (struct kafka *)source;
    struct reader *r = &k->readers[reader];
    *n_ret = 0;
    reader_release(r);
    eddy_status st = fatal_check(k, err);
    if (st == EDDY_OK)
        st = reader_widen(r, max, err);
    if (st != EDDY_OK)
        return st;
    if (r->paused) {
        ed_source_nap(source, wait_ms);
    } else if (!atomic_load(&source->stopped)) {
        reading_set(k, r, 1);
        gather(k, r, wait_ms, max);
    }
    if (atomic_load(&source->stopped)) { /* what came in now is not taken: it comes again */
        reading_set(k, r, 0);
        return eddy_fail(err, EDDY_STOPPED, "reading was stopped");
    }

    size_t n = sift(k, r, ret);
    int64_t now = ed_wall_ms();
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = raw_fill(r, r->held[i], ret[i].position.topic, now, &ret[i], err);
    if (st != EDDY_OK)
        return st;
    *n_ret = n;
    *end = !n && !r->paused && all_ended(k);
    return EDDY_OK;
}

static void kafka_pause(struct ed_source *source, size_t reader, int paused)
{
    ((struct kafka *)source)->readers[reader].paused = paused;
}

/* ---- anybody's side ---- */

static eddy_status kafka_done(struct ed_source *source, const struct ed_offset *offsets, size_t n,
                              eddy_error *err)
{
    struct kafka *k = (struct kafka *)source;
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < n; i++) {
        struct ed_place *place =
            ed_positions_find(&k->positions, offsets[i].topic, offsets[i].partition);
        if (place)
            ed_place_done(place, offsets[i].next);
    }
    pthread_cond_signal(&k->moved);
    pthread_mutex_unlock(&k->lock);
    return fatal_check(k, err);
}

/* librdkafka keeps what brokers say of their ends with every fetch, so this asks nobody. */
static void kafka_progress(struct ed_source *source, struct ed_progress *ret)
{
    struct kafka *k = (struct kafka *)source;
    struct ed_progress now = {.bytes = atomic_load(&k->bytes),
                              .messages = atomic_load(&k->messages)};
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&k->lock);
        int there = i < k->positions.n;
        struct ed_place place = there ? k->positions.at[i] : (struct ed_place){0};
        pthread_mutex_unlock(&k->lock);
        if (!there)
            break;
        int64_t low = -1, high = -1;
        if (place.holding != ED_OWNED)
            continue;
        rd_kafka_get_watermark_offsets(k->rk, place.topic, place.partition, &low, &high);
        int64_t behind = ed_place_behind(&place, high);
        now.behind += behind > 0 ? (uint64_t)behind : 0;
        now.behind_unknown |= behind < 0;
    }
    *ret = now;
}

/* ---- the end ---- */

/* Leave the group. rd_kafka_consumer_close has no bound and is known to hang (librdkafka#4527),
 * so this is the asynchronous one. 1: left. */
static int leave(struct kafka *k)
{
    int64_t until = ed_monotonic_ms() + CLOSE_MS;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(k->rk, queue);
    if (error) {
        ed_log(ED_LOG_WARN, "source", "close: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    } else {
        while (!rd_kafka_consumer_closed(k->rk) && ed_monotonic_ms() < until)
            rd_kafka_queue_poll_callback(queue, POLL_MS);
    }
    rd_kafka_queue_destroy(queue);
    return rd_kafka_consumer_closed(k->rk);
}

static void readers_free(struct kafka *k)
{
    for (size_t i = 0; k->readers && i < k->source.n_readers; i++) {
        struct reader *r = &k->readers[i];
        reader_release(r);
        ed_free(r->held);
        eddy_arena_free(r->headers);
        if (r->queue)
            rd_kafka_queue_destroy(r->queue);
    }
    ed_free(k->readers);
    k->readers = NULL;
}

static void kafka_free(struct ed_source *source)
{
    struct kafka *k = (struct kafka *)source;
    int left = 1;
    atomic_store(&k->leaving, 1);
    if (k->keeper_runs)
        pthread_join(k->keeper, NULL);
    for (size_t i = 0; k->readers && i < source->n_readers; i++)
        reader_release(&k->readers[i]); /* librdkafka waits for every message it has lent */
    if (k->rk && k->keeper_runs) {
        commit_and_wait(k, 0);
        left = leave(k);
    }
    if (!left) {
        /* To destroy it now would hang. A few MB of a process that ends cost less. */
        ed_log(ED_LOG_WARN, "source", "did not leave the group in time");
        return;
    }
    readers_free(k);
    if (k->rk)
        rd_kafka_destroy(k->rk);
    ed_positions_clear(&k->positions);
    for (size_t i = 0; k->topics && i < k->n_topics; i++)
        ed_free(k->topics[i]);
    ed_free(k->topics);
    pthread_cond_destroy(&k->moved);
    pthread_mutex_destroy(&k->lock);
    ed_free(k);
}

/* ---- open ---- */

static eddy_status kafka_new(const struct ed_source_kafka *o, struct kafka **ret, eddy_error *err)
{
    struct kafka *k = ed_alloc_zero(1, sizeof *k);
    if (!k)
        return eddy_fail_nomem(err, "source", sizeof *k);
    k->source = (struct ed_source){kafka_read,     kafka_pause, kafka_done,
                                   kafka_progress, kafka_free,  .n_readers = o->readers};
    k->exit_at_end = o->exit_at_end;
    k->n_topics = o->n_topics;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&k->moved, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&k->lock, NULL);

    k->topics = ed_alloc_zero(o->n_topics, sizeof *k->topics);
    k->readers = ed_alloc_zero(o->readers, sizeof *k->readers);
    int whole = k->topics && k->readers;
    for (size_t i = 0; whole && i < o->n_topics; i++)
        whole = (k->topics[i] = ed_strdup(o->topics[i])) != NULL;
    for (size_t i = 0; whole && i < o->readers; i++)
        whole = (k->readers[i].headers = eddy_arena_new(HEADERS_MAX)) != NULL;
    if (!whole) {
        kafka_free(&k->source);
        return eddy_fail_nomem(err, "source", o->readers * sizeof *k->readers);
    }
    *ret = k;
    return EDDY_OK;
}

static eddy_status consumer_new(struct kafka *k, const struct ed_source_kafka *o, eddy_error *err)
{
    char text[300] = "";
    rd_kafka_conf_t *conf = NULL;
    eddy_status st = ed_source_conf(o, &conf, err);
    if (st != EDDY_OK)
        return st;
    rd_kafka_conf_set_opaque(conf, k);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
    k->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!k->rk) {
        rd_kafka_conf_destroy(conf); /* taken only on success */
        return eddy_fail(err, EDDY_CONFIG, "kafka: %s", text);
    }
    rd_kafka_poll_set_consumer(k->rk);
    for (size_t i = 0; i < k->source.n_readers; i++)
        k->readers[i].queue = rd_kafka_queue_new(k->rk);
    return EDDY_OK;
}

static eddy_status subscribe(struct kafka *k, eddy_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->n_topics);
    for (size_t i = 0; i < k->n_topics; i++)
        rd_kafka_topic_partition_list_add(list, k->topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t why = rd_kafka_subscribe(k->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (why)
        return eddy_fail(err, EDDY_CONFIG, "kafka: cannot subscribe: %s", rd_kafka_err2str(why));
    return EDDY_OK;
}

/* Assign every partition of the topics to ourselves, as a rebalance would. */
static eddy_status take_all(struct kafka *k, eddy_error *err)
{
    rd_kafka_resp_err_t why = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->n_topics);
    for (size_t i = 0; i < k->n_topics && !why; i++) {
        const struct rd_kafka_metadata *meta = NULL;
        rd_kafka_topic_t *topic = rd_kafka_topic_new(k->rk, k->topics[i], NULL);
        why = rd_kafka_metadata(k->rk, 0, topic, &meta, META_MS);
        if (!why) {
            rd_kafka_topic_partition_list_add_range(list, k->topics[i], 0,
                                                    meta->topics[0].partition_cnt - 1);
            rd_kafka_metadata_destroy(meta);
        }
        rd_kafka_topic_destroy(topic);
    }
    if (!why)
        on_rebalance(k->rk, RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, list, k);
    rd_kafka_topic_partition_list_destroy(list);
    if (why)
        return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: partitions are not known: %s",
                         rd_kafka_err2str(why));
    return EDDY_OK;
}

/* Signals are for the program's main thread. */
static eddy_status keeper_start(struct kafka *k, eddy_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&k->keeper, NULL, keeper_main, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why)
        return eddy_fail(err, EDDY_NOMEM, "source: cannot start a thread: %s", strerror(why));
    k->keeper_runs = 1;
    return EDDY_OK;
}

eddy_status ed_source_kafka_open(const struct ed_source_kafka *options, struct ed_source **ret,
                                 eddy_error *err)
{
    struct kafka *k = NULL;
    if (!options->readers || !options->n_topics || !options->group)
        return eddy_fail(err, EDDY_INVALID, "kafka source: %zu readers, %zu topics, %s group",
                         options->readers, options->n_topics, options->group ? "a" : "no");
    eddy_status st = kafka_new(options, &k, err);
    if (st != EDDY_OK)
        return st;
    struct ed_source_kafka o = *options;
    o.topics = (const char *const *)k->topics; /* positions keep these names */
    st = ed_source_probe(&o, o.exit_at_end ? &k->positions : NULL, err);
    if (st == EDDY_OK)
        st = consumer_new(k, &o, err);
    if (st == EDDY_OK)
        st = o.alone ? take_all(k, err) : subscribe(k, err);
    if (st == EDDY_OK)
        st = keeper_start(k, err);
    if (st != EDDY_OK) {
        kafka_free(&k->source);
        return st;
    }
    *ret = &k->source;
    return EDDY_OK;
}
