/* Places: a handle that only asks, and is gone before reading begins.
 *
 * All partitions of a broker are asked about in one request, by the request that looks up times:
 * it knows the beginning and the end of a log as well. */
#include "source/places.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "source/options.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WAIT_MS  10000 /* for a broker */
#define SLICE_MS 500   /* between two looks at what librdkafka has to say */
#define PAUSE_MS 100   /* before a question is asked again */

/* What librdkafka said last about its connections; written by rd_kafka_poll in our own thread. */
struct heard {
    char text[300];
    int hopeless; /* waiting longer will not help */
};

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct heard *heard = opaque;
    (void)rk;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && heard->text[0])
        return; /* the reason was told before */
    snprintf(heard->text, sizeof heard->text, "%s", reason);
    heard->hopeless |= code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text; /* the error says it */
}

/* The list of all topics: to ask for one could create it. */
static eddy_status topics_list(rd_kafka_t *rk, const struct heard *heard,
                               const struct rd_kafka_metadata **ret, eddy_error *err)
{
    rd_kafka_resp_err_t why = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t until = ed_monotonic_ms() + WAIT_MS;
    do {
        why = rd_kafka_metadata(rk, 1, NULL, ret, SLICE_MS);
        if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
            return EDDY_OK;
        rd_kafka_poll(rk, 0);
    } while (!heard->hopeless && ed_monotonic_ms() < until);
    const char *text = heard->text[0] ? heard->text : rd_kafka_err2str(why);
    if (heard->hopeless)
        return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: %s", text);
    return eddy_fail_retriable(err, EDDY_UNAVAILABLE, "kafka: no broker answered within %d s: %s",
                               WAIT_MS / 1000, text);
}

static eddy_status topic_check(const struct rd_kafka_metadata *meta, const char *topic,
                               int *n_partitions, eddy_error *err)
{
    for (int i = 0; i < meta->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *t = &meta->topics[i];
        if (strcmp(t->topic, topic) != 0)
            continue;
        if (t->err && t->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
            return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s: %s", topic,
                             rd_kafka_err2str(t->err));
        *n_partitions = t->partition_cnt;
        return EDDY_OK;
    }
    return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s does not exist", topic);
}

/* A producer joins no group; what is only for consumers it passes over. */
static eddy_status asker_new(const struct ed_source_kafka *o, struct heard *heard, rd_kafka_t **ret,
                             eddy_error *err)
{
    rd_kafka_conf_t *conf = NULL;
    char text[300] = "";
    eddy_status st = ed_source_conf(o, 1, &conf, err);
    if (st != EDDY_OK)
        return st;
    /* The end is to be where the log ends, not where the oldest open transaction begins. */
    rd_kafka_conf_set(conf, "isolation.level", "read_uncommitted", NULL, 0);
    rd_kafka_conf_set_opaque(conf, heard);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    *ret = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (*ret)
        return EDDY_OK;
    rd_kafka_conf_destroy(conf); /* taken only on success */
    return eddy_fail(err, EDDY_CONFIG, "kafka: %s", text);
}

/* ---- places ---- */

void ed_places_clear(struct ed_places *places)
{
    ed_free(places->at);
    *places = (struct ed_places){0};
}

int ed_place_wanted(const struct ed_source_kafka *o, int32_t partition)
{
    if (o->n_shards > 1 && partition % o->n_shards != o->shard)
        return 0;
    for (size_t i = 0; i < o->n_partitions; i++)
        if (o->partitions[i] == partition)
            return 1;
    return !o->n_partitions;
}

struct ed_place *ed_places_add(struct ed_places *places, const struct ed_source_kafka *o,
                               size_t i_topic, int32_t partition)
{
    struct ed_place *at = ed_list_room(places->at, places->n, &places->room, sizeof *at);
    if (!at)
        return NULL;
    places->at = at;
    struct ed_place *place = &places->at[places->n++];
    *place = (struct ed_place){
        .topic = o->topics[i_topic], .i_topic = i_topic, .partition = partition, .end = -1};
    return place;
}

/* One round of questions. The first partition that has no answer is named. */
static rd_kafka_resp_err_t ask_once(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                    int64_t at, int wait_ms, int *which)
{
    *which = 0;
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = at;
    rd_kafka_resp_err_t why = rd_kafka_offsets_for_times(rk, list, wait_ms);
    for (int i = 0; i < list->cnt && !why; i++) {
        why = list->elems[i].err;
        *which = i;
    }
    return why;
}

eddy_status ed_places_ask(rd_kafka_t *rk, const struct ed_places *places, int64_t at, int wait_ms,
                          int64_t *ret, eddy_error *err)
{
    if (!places->n)
        return EDDY_OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)places->n);
    for (size_t i = 0; i < places->n; i++)
        rd_kafka_topic_partition_list_add(list, places->at[i].topic, places->at[i].partition);
    int64_t until = ed_monotonic_ms() + wait_ms;
    int which = 0;
    rd_kafka_resp_err_t why = ask_once(rk, list, at, wait_ms, &which);
    for (int64_t left; why && (left = until - ed_monotonic_ms()) > 0;) {
        nanosleep(&(struct timespec){0, PAUSE_MS * 1000000L}, NULL); /* a leader may yet be found */
        why = ask_once(rk, list, at, (int)left, &which);
    }
    eddy_status st = EDDY_OK;
    if (why)
        st = eddy_fail_retriable(
            err, EDDY_UNAVAILABLE, "kafka: topic %s partition %d: its offsets are not known: %s",
            list->elems[which].topic, (int)list->elems[which].partition, rd_kafka_err2str(why));
    for (size_t i = 0; i < places->n && !why; i++)
        ret[i] = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return st;
}

/* ---- starts and ends ---- */

static const struct ed_offset *start_told(const struct ed_source_kafka *o,
                                          const struct ed_place *place)
{
    for (size_t i = 0; i < o->n_starts; i++)
        if (o->starts[i].partition == place->partition && !strcmp(o->starts[i].topic, place->topic))
            return &o->starts[i];
    return NULL;
}

/* The offset of a place in the log; times has the answer where a time is asked for. */
static int64_t offset_at(const struct ed_place_from *from, const struct ed_place *place,
                         int64_t time)
{
    switch (from->kind) {
    case ED_FROM_BEGINNING: return place->low;
    case ED_FROM_TIME: return time < 0 ? place->high : time;
    case ED_FROM_OFFSET: return from->at;
    case ED_FROM_END: break;
    }
    return place->high;
}

static eddy_status place_resolve(const struct ed_source_kafka *o, struct ed_place *place,
                                 int64_t from_time, int64_t until_time, eddy_error *err)
{
    const struct ed_offset *told = start_told(o, place);
    place->start = told ? told->next : offset_at(&o->from, place, from_time);
    if (place->start > place->high)
        return eddy_fail(err, EDDY_FORMAT,
                         "kafka: topic %s partition %d: the start %lld lies beyond the end of the "
                         "log, %lld; was the topic made anew?",
                         place->topic, (int)place->partition, (long long)place->start,
                         (long long)place->high);
    if (place->start < place->low) {
        place->missing = told ? place->low - place->start : 0;
        place->start = place->low;
    }
    if (!o->endless) {
        int64_t until = offset_at(&o->until, place, until_time);
        place->end = until < place->high ? until : place->high;
    }
    return EDDY_OK;
}

/* Ask for what the options need to know, then decide. */
static eddy_status places_resolve(rd_kafka_t *rk, const struct ed_source_kafka *o,
                                  struct ed_places *places, eddy_error *err)
{
    int64_t *answers = ed_alloc_zero(places->n * 4 + 1, sizeof *answers);
    if (!answers)
        return eddy_fail_nomem(err, "source", places->n * 4 * sizeof *answers);
    int64_t *low = answers, *high = low + places->n, *from = high + places->n,
            *until = from + places->n;
    eddy_status st = ed_places_ask(rk, places, RD_KAFKA_OFFSET_BEGINNING, WAIT_MS, low, err);
    if (st == EDDY_OK && o->from.kind == ED_FROM_TIME)
        st = ed_places_ask(rk, places, o->from.at, WAIT_MS, from, err);
    if (st == EDDY_OK && !o->endless && o->until.kind == ED_FROM_TIME)
        st = ed_places_ask(rk, places, o->until.at, WAIT_MS, until, err);
    if (st == EDDY_OK) /* last, so that nothing lies beyond it */
        st = ed_places_ask(rk, places, RD_KAFKA_OFFSET_END, WAIT_MS, high, err);
    for (size_t i = 0; i < places->n && st == EDDY_OK; i++) {
        places->at[i].low = low[i];
        places->at[i].high = high[i];
        st = place_resolve(o, &places->at[i], from[i], until[i], err);
    }
    ed_free(answers);
    return st;
}

/* The partitions of one topic; what the options name must be there. */
static eddy_status topic_add(const struct ed_source_kafka *o, size_t i_topic, int n_partitions,
                             struct ed_places *places, eddy_error *err)
{
    const char *topic = o->topics[i_topic];
    for (size_t i = 0; i < o->n_partitions; i++)
        if (o->partitions[i] < 0 || o->partitions[i] >= n_partitions)
            return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s has no partition %d", topic,
                             (int)o->partitions[i]);
    for (size_t i = 0; i < o->n_starts; i++)
        if (o->starts[i].partition >= n_partitions && !strcmp(o->starts[i].topic, topic))
            return eddy_fail(err, EDDY_FORMAT,
                             "kafka: topic %s has %d partitions, but partition %d was to start at "
                             "%lld; was the topic made anew?",
                             topic, n_partitions, (int)o->starts[i].partition,
                             (long long)o->starts[i].next);
    for (int32_t p = 0; p < n_partitions; p++)
        if (ed_place_wanted(o, p) && !ed_places_add(places, o, i_topic, p))
            return eddy_fail_nomem(err, "source", sizeof *places->at);
    return EDDY_OK;
}

/* ret may be NULL: only whether all is there. */
static eddy_status find(const struct ed_source_kafka *o, struct ed_places *ret, eddy_error *err)
{
    struct heard heard = {0};
    rd_kafka_t *rk = NULL;
    const struct rd_kafka_metadata *meta = NULL;
    eddy_status st = asker_new(o, &heard, &rk, err);
    if (st != EDDY_OK)
        return st;
    st = topics_list(rk, &heard, &meta, err);
    for (size_t i = 0; i < o->n_topics && st == EDDY_OK; i++) {
        int n_partitions = 0;
        st = topic_check(meta, o->topics[i], &n_partitions, err);
        if (st == EDDY_OK && ret)
            st = topic_add(o, i, n_partitions, ret, err);
    }
    if (meta)
        rd_kafka_metadata_destroy(meta);
    if (st == EDDY_OK && ret)
        st = places_resolve(rk, o, ret, err);
    rd_kafka_destroy(rk);
    return st;
}

eddy_status ed_places_find(const struct ed_source_kafka *options, struct ed_places *ret,
                           eddy_error *err)
{
    struct ed_places places = {0};
    eddy_status st = find(options, &places, err);
    if (st != EDDY_OK) {
        ed_places_clear(&places);
        return st;
    }
    *ret = places;
    return EDDY_OK;
}

eddy_status ed_kafka_probe(const char *const *options, size_t n_options, int insecure,
                           const char *const *topics, size_t n_topics, eddy_error *err)
{
    const struct ed_source_kafka o = {.topics = topics,
                                      .n_topics = n_topics,
                                      .options = options,
                                      .n_options = n_options,
                                      .insecure = insecure};
    return find(&o, NULL, err);
}
