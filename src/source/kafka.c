/* Kafka: one consumer with partitions assigned by hand, merged into one line.
 *
 *   a queue for each partition --merge (merge.h)--> ed_source_read
 *   everything else (errors, partitions that are added) --> the keeper's thread
 *
 * No group is joined and nothing is committed: whoever keeps the journal tells where to start. The
 * group.id that librdkafka asks for is only a name.
 *
 * Each partition keeps the queue that librdkafka has for it, and one message of it at most, its
 * head, is held here. librdkafka tells when something comes into an empty queue, so nobody asks a
 * thousand queues in turn: a queue is looked into when its head has gone, and when something has
 * come. A reader that does not read lets the queues fill up; then librdkafka stops fetching
 * (options.c). Tried and left: rd_kafka_pause_partitions, which throws the queue away and,
 * in 2.0.x, may resume at the wrong place (librdkafka#2703, #4686); rd_kafka_consume_batch_queue,
 * which in 2.0.x may lose messages.
 *
 * The keeper (keeper.c) polls whatever the reader does. */
#include "source/kafka.h"

#include "source/options.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define HEADERS_MAX ((size_t)64 << 20)

/* ---- small helpers ---- */

void ed_kafka_fatal(struct ed_kafka *k, const char *text)
{
    pthread_mutex_lock(&k->lock);
    if (!k->fatal[0])
        snprintf(k->fatal, sizeof k->fatal, "%s", text);
    pthread_cond_signal(&k->came);
    pthread_mutex_unlock(&k->lock);
}

static eddy_status fatal_check(struct ed_kafka *k, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    pthread_mutex_lock(&k->lock);
    if (k->fatal[0])
        st = eddy_fail(err, EDDY_UNAVAILABLE, "kafka: %s", k->fatal);
    pthread_mutex_unlock(&k->lock);
    return st;
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
    ed_kafka_fatal(opaque, text);
}

/* With the lock held. */
static void ready_add(struct ed_part *part)
{
    struct ed_kafka *k = part->k;
    if (part->ready)
        return;
    part->ready = 1;
    part->after = k->ready;
    k->ready = part;
    pthread_cond_signal(&k->came);
}

/* Something came into the partition's queue, which was empty. A thread of librdkafka. */
static void on_ready(rd_kafka_t *rk, void *opaque)
{
    (void)rk;
    struct ed_part *part = opaque;
    pthread_mutex_lock(&part->k->lock);
    ready_add(part);
    pthread_mutex_unlock(&part->k->lock);
}

/* An error that came in a queue, in place of a message; part may be NULL. */
void ed_kafka_error(struct ed_kafka *k, struct ed_part *part, const rd_kafka_message_t *m)
{
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : "";
    const char *text = rd_kafka_message_errstr(m);
    switch ((int)m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (!part)
            return;
        pthread_mutex_lock(&k->lock);
        ed_merge_reached(&k->merge, part->lane, m->offset);
        pthread_mutex_unlock(&k->lock);
        return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        if (!part)
            return;
        pthread_mutex_lock(&k->lock);
        part->astray = k->astray = 1; /* the keeper sees to it */
        pthread_mutex_unlock(&k->lock);
        return;
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: return; /* we are in no group */
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__FATAL: ed_kafka_fatal(k, text); break;
    default: break;
    }
    ed_log(ED_LOG_WARN, "source", "topic %s partition %d: %s", topic, (int)m->partition, text);
}

/* ---- partitions ---- */

static void part_free(struct ed_part *part)
{
    if (!part)
        return;
    if (part->head)
        rd_kafka_message_destroy(part->head);
    if (part->queue) {
        rd_kafka_queue_cb_event_enable(part->queue, NULL, NULL);
        rd_kafka_queue_destroy(part->queue);
    }
    ed_free(part);
}

/* One more partition, with a queue of its own; it is fetched once it is assigned. */
eddy_status ed_kafka_part_add(struct ed_kafka *k, const struct ed_place *place, eddy_error *err)
{
    struct ed_part *part = ed_alloc_zero(1, sizeof *part);
    if (!part)
        return eddy_fail_nomem(err, "source", sizeof *part);
    *part =
        (struct ed_part){.k = k, .topic = k->topics[place->i_topic], .partition = place->partition};
    uint64_t rank = (uint64_t)place->i_topic << 32 | (uint32_t)place->partition;
    pthread_mutex_lock(&k->lock);
    struct ed_part **list =
        ed_list_room(k->parts, k->merge.n, &k->room_parts, sizeof(struct ed_part *));
    k->parts = list ? list : k->parts;
    eddy_status st = list ? ed_merge_add(&k->merge, rank, place->start, place->end, place->high,
                                         &part->lane, err)
                          : eddy_fail_nomem(err, "source", sizeof *k->parts);
    if (st == EDDY_OK)
        k->parts[part->lane] = part;
    pthread_mutex_unlock(&k->lock);
    if (st != EDDY_OK) {
        part_free(part);
        return st;
    }
    /* Before the assignment: a queue that the application has forwarded, be it to nowhere, stays
     * so. */
    part->queue = rd_kafka_queue_get_partition(k->rk, part->topic, part->partition);
    if (!part->queue)
        return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s partition %d: it has no queue",
                         part->topic, (int)part->partition);
    rd_kafka_queue_forward(part->queue, NULL);
    rd_kafka_queue_cb_event_enable(part->queue, on_ready, part);
    return EDDY_OK;
}

static void list_add(rd_kafka_topic_partition_list_t *list, const struct ed_part *part,
                     int64_t offset)
{
    rd_kafka_topic_partition_list_add(list, part->topic, part->partition)->offset = offset;
}

/* Begin to fetch these (no message of theirs is under way). NULL: done; else librdkafka's words,
 * which the caller destroys. */
rd_kafka_error_t *ed_kafka_fetch(struct ed_kafka *k, const rd_kafka_topic_partition_list_t *list)
{
    return list->cnt ? rd_kafka_incremental_assign(k->rk, list) : NULL;
}

/* ---- reading ---- */

static void held_release(struct ed_kafka *k)
{
    for (size_t i = 0; i < k->n; i++)
        rd_kafka_message_destroy(k->held[i]);
    k->n = 0;
    if (k->headers)
        eddy_arena_reset(k->headers);
}

/* Is this the partition's next message? *ended: it wants no more. */
static int head_offer(struct ed_part *part, const rd_kafka_message_t *m, int *ended)
{
    struct ed_kafka *k = part->k;
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(m, &type);
    pthread_mutex_lock(&k->lock);
    int taken = ed_merge_head(&k->merge, part->lane, m->offset, time_ms);
    *ended = k->merge.lanes[part->lane].state == ED_LANE_ENDED;
    part->resets = 0;
    pthread_mutex_unlock(&k->lock);
    return taken;
}

/* Its queue is empty: is more known to come? librdkafka keeps what brokers say of their ends with
 * every fetch, so this asks nobody. */
static void told_take(struct ed_part *part)
{
    struct ed_kafka *k = part->k;
    int64_t low = -1, high = -1;
    if (!k->choice.endless)
        return; /* its end says it */
    rd_kafka_get_watermark_offsets(k->rk, part->topic, part->partition, &low, &high);
    pthread_mutex_lock(&k->lock);
    ed_merge_told(&k->merge, part->lane, high);
    pthread_mutex_unlock(&k->lock);
}

/* Make the partition's next message its head, if it is here. What lies behind its end stays in the
 * queue: when that is full, no more is fetched. */
static void pull(struct ed_part *part)
{
    pthread_mutex_lock(&part->k->lock);
    int ended = part->k->merge.lanes[part->lane].state == ED_LANE_ENDED;
    pthread_mutex_unlock(&part->k->lock);
    while (!part->head && !ended) {
        rd_kafka_message_t *m = rd_kafka_consume_queue(part->queue, 0);
        if (!m) {
            told_take(part);
            return;
        }
        if (m->err)
            ed_kafka_error(part->k, part, m);
        else if (head_offer(part, m, &ended))
            part->head = m;
        if (part->head != m)
            rd_kafka_message_destroy(m);
    }
}

static void ready_pull(struct ed_kafka *k)
{
    pthread_mutex_lock(&k->lock);
    struct ed_part *part = k->ready;
    k->ready = NULL;
    pthread_mutex_unlock(&k->lock);
    while (part) {
        pthread_mutex_lock(&k->lock);
        struct ed_part *after = part->after;
        part->ready = 0; /* before the look: what comes now is told anew */
        pthread_mutex_unlock(&k->lock);
        pull(part);
        part = after;
    }
}

static eddy_status headers_read(struct ed_kafka *k, const rd_kafka_message_t *m, eddy_raw *raw,
                                eddy_error *err)
{
    rd_kafka_headers_t *all = NULL;
    if (rd_kafka_message_headers(m, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return EDDY_OK;
    size_t n = rd_kafka_header_cnt(all);
    eddy_header *headers = ed_arena_alloc(k->headers, n * sizeof *headers);
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

/* Hand out the partition's head. */
static eddy_status take(struct ed_kafka *k, struct ed_part *part, int64_t now_ms, eddy_raw *raw,
                        eddy_error *err)
{
    rd_kafka_message_t *m = part->head;
    rd_kafka_timestamp_type_t type;
    part->head = NULL;
    k->held[k->n++] = m;
    *raw = (eddy_raw){.bytes = m->payload,
                      .n = m->len,
                      .key = m->key,
                      .n_key = m->key_len,
                      .broker_ms = rd_kafka_message_timestamp(m, &type),
                      .arrival_ms = now_ms,
                      .position = {part->topic, m->partition, m->offset}};
    atomic_fetch_add(&k->messages, 1);
    atomic_fetch_add(&k->bytes, m->len);
    return headers_read(k, m, raw, err);
}

/* The partition whose head goes now; NULL: *wait_ms until that may change by itself, or there will
 * never be one: *ended. */
static struct ed_part *part_next(struct ed_kafka *k, int64_t *wait_ms, int *ended)
{
    struct ed_part *part = NULL;
    pthread_mutex_lock(&k->lock);
    size_t lane = ed_merge_next(&k->merge, ed_monotonic_ms(), wait_ms);
    if (lane != ED_LANE_NONE)
        part = k->parts[lane];
    else
        *ended = !k->choice.endless && ed_merge_ended(&k->merge);
    pthread_mutex_unlock(&k->lock);
    return part;
}

/* Wait until something comes, for at most wait_ms, and for a while. */
static void came_wait(struct ed_kafka *k, int64_t wait_ms)
{
    int64_t at = ed_monotonic_ms() + (wait_ms < ED_KAFKA_POLL_MS ? wait_ms : ED_KAFKA_POLL_MS);
    struct timespec until = {at / 1000, at % 1000 * 1000000L};
    pthread_mutex_lock(&k->lock);
    if (!k->ready && !k->fatal[0])
        pthread_cond_timedwait(&k->came, &k->lock, &until);
    pthread_mutex_unlock(&k->lock);
}

/* Messages in their order, as many as may go now; if none may, wait for the first. */
static eddy_status gather(struct ed_kafka *k, int wait_ms, eddy_raw *ret, size_t max, int *ended,
                          eddy_error *err)
{
    eddy_status st = EDDY_OK;
    int64_t until = ed_monotonic_ms() + wait_ms, now_ms = ed_wall_ms();
    while (k->n < max && st == EDDY_OK && !atomic_load(&k->source.stopped)) {
        int64_t wait = -1;
        ready_pull(k);
        struct ed_part *part = part_next(k, &wait, ended);
        if (part) {
            st = take(k, part, now_ms, &ret[k->n], err);
            pull(part);
            continue;
        }
        int64_t left = until - ed_monotonic_ms();
        if (k->n || *ended || left <= 0)
            break;
        st = fatal_check(k, err);
        if (st == EDDY_OK)
            came_wait(k, wait >= 0 && wait < left ? wait : left);
        now_ms = ed_wall_ms();
    }
    return st;
}

static eddy_status held_widen(struct ed_kafka *k, size_t max, eddy_error *err)
{
    if (max <= k->room)
        return EDDY_OK;
    rd_kafka_message_t **held = ed_realloc(k->held, max * sizeof *held);
    if (!held)
        return eddy_fail_nomem(err, "reader", max * sizeof *held);
    k->held = held;
    k->room = max;
    return EDDY_OK;
}

static eddy_status kafka_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                              size_t *n_ret, int *end, eddy_error *err)
{
    struct ed_kafka *k = (struct ed_kafka *)source;
    int ended = 0;
    *n_ret = 0;
    held_release(k);
    eddy_status st = fatal_check(k, err);
    if (st == EDDY_OK)
        st = held_widen(k, max, err);
    if (st == EDDY_OK)
        st = gather(k, wait_ms, ret, max, &ended, err);
    if (st != EDDY_OK)
        return st;
    if (atomic_load(&source->stopped)) /* what came in now is not taken: it comes again */
        return eddy_fail(err, EDDY_STOPPED, "reading was stopped");
    *n_ret = k->n;
    *end = ended && !k->n;
    return EDDY_OK;
}

/* ---- anybody's side ---- */

/* The i-th partition as it is now. NULL: there are no more. *behind below 0: not known. */
static const struct ed_part *part_look(struct ed_kafka *k, size_t i, int64_t *behind)
{
    pthread_mutex_lock(&k->lock);
    const struct ed_part *part = i < k->merge.n ? k->parts[i] : NULL;
    struct ed_lane lane = part ? k->merge.lanes[i] : (struct ed_lane){0};
    pthread_mutex_unlock(&k->lock);
    if (!part)
        return NULL;
    int64_t low = -1, high = -1;
    rd_kafka_get_watermark_offsets(k->rk, part->topic, part->partition, &low, &high);
    lane.told = high > lane.told ? high : lane.told;
    *behind = ed_lane_behind(&lane);
    return part;
}

static void kafka_progress(struct ed_source *source, struct ed_progress *ret)
{
    struct ed_kafka *k = (struct ed_kafka *)source;
    struct ed_progress now = {.bytes = atomic_load(&k->bytes),
                              .messages = atomic_load(&k->messages),
                              .messages_total = k->total};
    int64_t behind = 0;
    for (size_t i = 0; part_look(k, i, &behind); i++) {
        now.behind += behind > 0 ? (uint64_t)behind : 0;
        now.behind_unknown |= behind < 0;
    }
    pthread_mutex_lock(&k->lock);
    now.missing = k->missing;
    now.late = k->merge.late;
    pthread_mutex_unlock(&k->lock);
    *ret = now;
}

static void kafka_lags(struct ed_source *source,
                       void (*tell)(void *user, const char *topic, int32_t partition,
                                    uint64_t behind),
                       void *user)
{
    struct ed_kafka *k = (struct ed_kafka *)source;
    const struct ed_part *part;
    int64_t behind = 0;
    for (size_t i = 0; (part = part_look(k, i, &behind)); i++)
        if (behind >= 0)
            tell(user, part->topic, part->partition, (uint64_t)behind);
}

/* There is no group to leave. librdkafka waits for every message and queue that it has lent. */
static void kafka_free(struct ed_source *source)
{
    struct ed_kafka *k = (struct ed_kafka *)source;
    ed_keeper_stop(k);
    held_release(k);
    for (size_t i = 0; i < k->merge.n; i++)
        part_free(k->parts[i]);
    if (k->rk)
        rd_kafka_destroy_flags(k->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    for (size_t i = 0; k->topics && i < k->choice.n_topics; i++)
        ed_free(k->topics[i]);
    ed_free(k->topics);
    ed_free((void *)(uintptr_t)k->choice.partitions);
    ed_free(k->counts);
    ed_free(k->source.starts);
    ed_free(k->parts);
    ed_free(k->held);
    eddy_arena_free(k->headers);
    ed_merge_clear(&k->merge);
    pthread_cond_destroy(&k->came);
    pthread_mutex_destroy(&k->lock);
    ed_free(k);
}

/* ---- open ---- */

/* What is needed of the options after the open. */
static int choice_copy(struct ed_kafka *k, const struct ed_source_kafka *o)
{
    k->choice = (struct ed_source_kafka){
        .n_topics = o->n_topics, .shard = o->shard, .n_shards = o->n_shards, .endless = o->endless};
    k->topics = ed_alloc_zero(o->n_topics, sizeof *k->topics);
    for (size_t i = 0; k->topics && i < o->n_topics; i++)
        if (!(k->topics[i] = ed_strdup(o->topics[i])))
            return 0;
    k->choice.topics = (const char *const *)k->topics;
    int32_t *partitions = ed_alloc_zero(o->n_partitions + 1, sizeof *partitions);
    for (size_t i = 0; partitions && i < o->n_partitions; i++)
        partitions[i] = o->partitions[i];
    k->choice.partitions = partitions;
    k->choice.n_partitions = o->n_partitions;
    return k->topics && partitions;
}

static eddy_status kafka_new(const struct ed_source_kafka *o, struct ed_kafka **ret,
                             eddy_error *err)
{
    struct ed_kafka *k = ed_alloc_zero(1, sizeof *k);
    if (!k)
        return eddy_fail_nomem(err, "source", sizeof *k);
    k->source = (struct ed_source){
        .read = kafka_read, .progress = kafka_progress, .lags = kafka_lags, .free = kafka_free};
    ed_merge_init(&k->merge, o->wait_ms);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&k->came, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&k->lock, NULL);
    k->headers = eddy_arena_new(HEADERS_MAX);
    k->counts = ed_alloc_zero(o->n_topics, sizeof *k->counts);
    if (!choice_copy(k, o) || !k->headers || !k->counts) {
        kafka_free(&k->source);
        return eddy_fail_nomem(err, "source", sizeof *k);
    }
    *ret = k;
    return EDDY_OK;
}

static eddy_status consumer_new(struct ed_kafka *k, const struct ed_source_kafka *o, size_t n,
                                eddy_error *err)
{
    char text[300] = "";
    rd_kafka_conf_t *conf = NULL;
    eddy_status st = ed_source_conf(o, n ? n : 1, &conf, err);
    if (st != EDDY_OK)
        return st;
    rd_kafka_conf_set_opaque(conf, k);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    size_t n_text = sizeof text;
    if (o->endless && rd_kafka_conf_get(conf, "topic.metadata.refresh.interval.ms", text,
                                        &n_text) == RD_KAFKA_CONF_OK)
        k->look_ms = atoll(text) > 0 ? atoll(text) : 0;
    k->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!k->rk) {
        rd_kafka_conf_destroy(conf); /* taken only on success */
        return eddy_fail(err, EDDY_CONFIG, "kafka: %s", text);
    }
    rd_kafka_poll_set_consumer(k->rk);
    return EDDY_OK;
}

/* Note where a partition starts, and say what is missing before that. */
static void start_note(struct ed_kafka *k, const struct ed_place *place)
{
    if (place->missing)
        ed_log(ED_LOG_WARN, "source",
               "topic %s partition %d: deleted before they were read: missing=%lld from=%lld "
               "to=%lld",
               place->topic, (int)place->partition, (long long)place->missing,
               (long long)(place->start - place->missing), (long long)place->start - 1);
    k->missing += (uint64_t)place->missing;
    if (place->end > place->start)
        k->total += (uint64_t)(place->end - place->start);
    k->source.starts[k->source.n_starts++] =
        (struct ed_offset){k->topics[place->i_topic], place->partition, place->start};
    if (k->counts[place->i_topic] <= place->partition)
        k->counts[place->i_topic] = place->partition + 1;
}

/* All that was found becomes ours; what has come to its end already is not fetched. */
static eddy_status places_take(struct ed_kafka *k, const struct ed_places *places, eddy_error *err)
{
    k->source.starts = ed_alloc_zero(places->n + 1, sizeof *k->source.starts);
    if (!k->source.starts)
        return eddy_fail_nomem(err, "source", places->n * sizeof *k->source.starts);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)places->n + 1);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < places->n && st == EDDY_OK; i++) {
        const struct ed_place *place = &places->at[i];
        start_note(k, place);
        st = ed_kafka_part_add(k, place, err);
        if (st == EDDY_OK && (place->end < 0 || place->start < place->end))
            list_add(list, k->parts[i], place->start);
    }
    rd_kafka_error_t *why = st == EDDY_OK ? ed_kafka_fetch(k, list) : NULL;
    if (why) {
        st = eddy_fail(err, EDDY_UNAVAILABLE, "kafka: partitions cannot be assigned: %s",
                       rd_kafka_error_string(why));
        rd_kafka_error_destroy(why);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return st;
}

eddy_status ed_source_kafka_open(const struct ed_source_kafka *options, struct ed_source **ret,
                                 eddy_error *err)
{
    struct ed_kafka *k = NULL;
    struct ed_places places = {0};
    if (!options->n_topics)
        return eddy_fail(err, EDDY_INVALID, "kafka source: no topic");
    eddy_status st = kafka_new(options, &k, err);
    if (st != EDDY_OK)
        return st;
    st = ed_places_find(options, &places, err);
    if (st == EDDY_OK)
        st = consumer_new(k, options, places.n, err);
    if (st == EDDY_OK)
        st = places_take(k, &places, err);
    if (st == EDDY_OK)
        st = ed_keeper_start(k, err);
    ed_places_clear(&places);
    if (st != EDDY_OK) {
        kafka_free(&k->source);
        return st;
    }
    *ret = &k->source;
    return EDDY_OK;
}
