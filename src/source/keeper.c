/* keeper: the thread that keeps a Kafka source alive, whatever its reader does.
 *
 * It polls for the client's own errors, finds partitions that were added to a topic, and sets a
 * partition to its oldest message when the next one has been deleted: with auto.offset.reset=error
 * librdkafka says so, and fetches no more of it. */
#include "source/kafka.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ASK_MS     5000 /* for an answer of the brokers */
#define RESETS_MAX 5    /* times that a partition is set to the same place in vain */

/* ---- partitions that went astray ---- */

/* NULL: not ours. */
static struct ed_part *part_find(struct ed_kafka *k, const char *topic, int32_t partition)
{
    struct ed_part *found = NULL;
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < k->merge.n && !found; i++)
        if (k->parts[i]->partition == partition && !strcmp(k->parts[i]->topic, topic))
            found = k->parts[i];
    pthread_mutex_unlock(&k->lock);
    return found;
}

static void astray_set(struct ed_part *part)
{
    pthread_mutex_lock(&part->k->lock);
    part->astray = part->k->astray = 1;
    pthread_mutex_unlock(&part->k->lock);
}

/* The oldest messages of some partitions. 0: not told. */
static int lows_ask(struct ed_kafka *k, const struct ed_places *places, int64_t *low)
{
    eddy_error why = {0};
    if (ed_places_ask(k->rk, places, RD_KAFKA_OFFSET_BEGINNING, ASK_MS, low, &why) == EDDY_OK)
        return 1;
    ed_log(ED_LOG_WARN, "source", "%s", why.text);
    return 0;
}

/* The broker has nothing at the partition's offset. Where that was deleted it goes on with the
 * oldest message. Else the log is shorter than it was: perhaps for a moment, while a leader
 * changes. Gives where to go on; -1: nowhere. */
static int64_t astray_decide(struct ed_kafka *k, struct ed_part *part, int64_t low)
{
    char text[300] = "";
    pthread_mutex_lock(&k->lock);
    const struct ed_lane *lane = &k->merge.lanes[part->lane];
    int64_t from = lane->next;
    uint64_t gone = ed_merge_skip(&k->merge, part->lane, low);
    k->missing += gone;
    part->astray = 0;
    part->resets++;
    if (!gone && part->resets > RESETS_MAX)
        snprintf(text, sizeof text,
                 "topic %s partition %d: the broker has nothing at offset %lld any more; was the "
                 "topic made anew?",
                 part->topic, (int)part->partition, (long long)from);
    int64_t next = *text || lane->state == ED_LANE_ENDED ? -1 : lane->next;
    pthread_cond_signal(&k->came);
    pthread_mutex_unlock(&k->lock);
    if (gone)
        ed_log(ED_LOG_WARN, "source",
               "topic %s partition %d: deleted before they were read: missing=%llu from=%lld "
               "to=%lld",
               part->topic, (int)part->partition, (unsigned long long)gone, (long long)from,
               (long long)from + (long long)gone - 1);
    if (*text)
        ed_kafka_fatal(k, text);
    return next;
}

static void part_reset(struct ed_kafka *k, struct ed_part *part)
{
    int64_t low = 0;
    struct ed_place place = {.topic = part->topic, .partition = part->partition};
    const struct ed_places one = {.at = &place, .n = 1};
    int64_t next = lows_ask(k, &one, &low) ? astray_decide(k, part, low) : -2;
    if (next == -2)
        astray_set(part); /* asked again later */
    if (next < 0)
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, part->topic, part->partition)->offset = next;
    rd_kafka_error_t *why = rd_kafka_incremental_unassign(k->rk, list);
    if (!why)
        why = ed_kafka_fetch(k, list);
    if (why) {
        ed_log(ED_LOG_WARN, "source", "topic %s partition %d: cannot be assigned: %s", part->topic,
               (int)part->partition, rd_kafka_error_string(why));
        rd_kafka_error_destroy(why);
        astray_set(part);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static void resets_do(struct ed_kafka *k)
{
    pthread_mutex_lock(&k->lock);
    size_t n = k->astray ? k->merge.n : 0;
    k->astray = 0;
    pthread_mutex_unlock(&k->lock);
    for (size_t i = 0; i < n; i++) {
        pthread_mutex_lock(&k->lock);
        struct ed_part *part = k->parts[i]->astray ? k->parts[i] : NULL;
        pthread_mutex_unlock(&k->lock);
        if (part)
            part_reset(k, part);
    }
}

/* ---- partitions that were added ---- */

/* Partitions that the topics have got since we looked last. */
static eddy_status added_find(struct ed_kafka *k, struct ed_places *ret, eddy_error *err)
{
    const struct rd_kafka_metadata *meta = NULL;
    rd_kafka_resp_err_t why = rd_kafka_metadata(k->rk, 0, NULL, &meta, ASK_MS);
    if (why)
        return eddy_fail_retriable(err, EDDY_UNAVAILABLE, "kafka: partitions are not known: %s",
                                   rd_kafka_err2str(why));
    eddy_status st = EDDY_OK;
    for (int t = 0; t < meta->topic_cnt; t++)
        for (size_t i = 0; i < k->choice.n_topics; i++) {
            if (meta->topics[t].err || strcmp(meta->topics[t].topic, k->topics[i]) != 0)
                continue;
            for (int p = k->counts[i]; p < meta->topics[t].partition_cnt && st == EDDY_OK; p++)
                if (ed_place_wanted(&k->choice, p) && !ed_places_add(ret, &k->choice, i, p))
                    st = eddy_fail_nomem(err, "source", sizeof *ret->at);
        }
    rd_kafka_metadata_destroy(meta);
    return st;
}

static eddy_status added_take(struct ed_kafka *k, struct ed_places *places, eddy_error *err)
{
    int64_t *low = ed_alloc_zero(places->n + 1, sizeof *low);
    if (!low)
        return eddy_fail_nomem(err, "source", places->n * sizeof *low);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)places->n + 1);
    eddy_status st = ed_places_ask(k->rk, places, RD_KAFKA_OFFSET_BEGINNING, ASK_MS, low, err);
    for (size_t i = 0; i < places->n && st == EDDY_OK; i++) {
        struct ed_place *place = &places->at[i];
        place->start = place->high = low[i];
        st = ed_kafka_part_add(k, place, err);
        if (st != EDDY_OK)
            break;
        k->counts[place->i_topic] = place->partition + 1;
        rd_kafka_topic_partition_list_add(list, place->topic, place->partition)->offset = low[i];
        ed_log(ED_LOG_INFO, "source", "topic %s has got partition %d; read from %lld", place->topic,
               (int)place->partition, (long long)low[i]);
    }
    rd_kafka_error_t *why = ed_kafka_fetch(k, list);
    if (why) {
        ed_kafka_fatal(k, rd_kafka_error_string(why)); /* it would never be read */
        rd_kafka_error_destroy(why);
    }
    rd_kafka_topic_partition_list_destroy(list);
    ed_free(low);
    return st;
}

static void added_look(struct ed_kafka *k)
{
    struct ed_places places = {0};
    eddy_error err = {0};
    eddy_status st = added_find(k, &places, &err);
    if (st == EDDY_OK && places.n)
        st = added_take(k, &places, &err);
    ed_places_clear(&places);
    if (st == EDDY_NOMEM)
        ed_kafka_fatal(k, err.text);
    else if (st != EDDY_OK)
        ed_log(ED_LOG_WARN, "source", "%s", err.text);
}

/* ---- the thread ---- */

/* Partitions have queues of their own before they are assigned, so a message here would be one that
 * the merge never sees: rather stop than lose it. */
static void keeper_take(struct ed_kafka *k, const rd_kafka_message_t *m)
{
    if (m->err)
        ed_kafka_error(k, m->rkt ? part_find(k, rd_kafka_topic_name(m->rkt), m->partition) : NULL,
                       m);
    else
        ed_kafka_fatal(k, "librdkafka delivered a message outside of its queue");
}

static void *keeper_main(void *p)
{
    struct ed_kafka *k = p;
    int64_t looked_ms = ed_monotonic_ms();
    while (!atomic_load(&k->leaving)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(k->rk, ED_KAFKA_POLL_MS);
        if (m) {
            keeper_take(k, m);
            rd_kafka_message_destroy(m);
        }
        resets_do(k);
        if (k->look_ms && ed_monotonic_ms() - looked_ms >= k->look_ms) {
            added_look(k);
            looked_ms = ed_monotonic_ms();
        }
    }
    return NULL;
}

/* Signals are for the program's main thread. */
eddy_status ed_keeper_start(struct ed_kafka *k, eddy_error *err)
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

void ed_keeper_stop(struct ed_kafka *k)
{
    atomic_store(&k->leaving, 1);
    if (k->keeper_runs)
        pthread_join(k->keeper, NULL);
}
