/* Options: three layers, each over the one before: our defaults (RELIABILITY 2.2), what the user
 * passes through, and what the promises hang on, which nobody may set. */
#include "source/options.h"

#include "base/error.h"
#include "base/kafka.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>

#define WAIT_MS  10000 /* for a broker */
#define SLICE_MS 500   /* between two looks at what librdkafka has to say */

/* Measured with records of 1.7 kB: a queue of 5,000 stalls at 40,000 records/s, one of 20,000 gives
 * 90,000 to 200,000; 16 MB of them are 46 MB of resident memory, 32 MB are 100. */
static const char *const defaults[][2] = {
    {"client.id", "eddy"},
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "3000"},
    {"queued.min.messages", "20000"},
    {"queued.max.messages.kbytes", "16384"},
    {"fetch.max.bytes", "8388608"},
    {"fetch.message.max.bytes", "1048576"},
    {"check.crcs", "true"},
    {"socket.nagle.disable", "true"},
    {"socket.connection.setup.timeout.ms", "10000"},
    {"log.connection.close", "false"},
};

/* The group's protocol, who commits what and when, and what may be read at all. */
static const char *const owned[] = {"group.id",
                                    "enable.auto.commit",
                                    "auto.commit.enable",
                                    "enable.auto.offset.store",
                                    "auto.offset.reset",
                                    "enable.partition.eof",
                                    "partition.assignment.strategy",
                                    "group.protocol",
                                    "isolation.level",
                                    "allow.auto.create.topics",
                                    NULL};

static eddy_status set(rd_kafka_conf_t *conf, const char *name, const char *value, eddy_error *err)
{
    char text[300];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return EDDY_OK;
    return eddy_fail(err, EDDY_CONFIG, "kafka option %s: %s", name, text);
}

static eddy_status set_users(rd_kafka_conf_t *conf, const struct ed_source_kafka *o,
                             eddy_error *err)
{
    eddy_status st = EDDY_OK;
    /* A static member leaves no gap when it comes back in time, so it may take its time. */
    for (size_t i = 0; i < o->n_options && st == EDDY_OK; i++)
        if (!strcmp(o->options[2 * i], "group.instance.id"))
            st = set(conf, "session.timeout.ms", "45000", err);
    for (size_t i = 0; i < o->n_options && st == EDDY_OK; i++) {
        const char *name = o->options[2 * i], *value = o->options[2 * i + 1];
        st = ed_kafka_option(name, value, owned, o->insecure, err);
        if (st == EDDY_OK)
            st = set(conf, name, value, err);
    }
    return st;
}

static eddy_status set_owned(rd_kafka_conf_t *conf, const struct ed_source_kafka *o,
                             eddy_error *err)
{
    const char *const insisted[][2] = {
        {"group.id", o->group},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", o->from_beginning ? "earliest" : "latest"},
        {"enable.partition.eof", "true"},
        {"partition.assignment.strategy", "roundrobin"},
        {"isolation.level", "read_committed"},
        {"allow.auto.create.topics", "false"},
    };
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < sizeof insisted / sizeof *insisted && st == EDDY_OK; i++)
        if (insisted[i][1])
            st = set(conf, insisted[i][0], insisted[i][1], err);
    return st;
}

eddy_status ed_source_conf(const struct ed_source_kafka *o, rd_kafka_conf_t **ret, eddy_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults && st == EDDY_OK; i++)
        st = set(conf, defaults[i][0], defaults[i][1], err);
    if (st == EDDY_OK)
        st = set_users(conf, o, err);
    if (st == EDDY_OK)
        st = set_owned(conf, o, err);
    if (st != EDDY_OK) {
        rd_kafka_conf_destroy(conf);
        return st;
    }
    *ret = conf;
    return EDDY_OK;
}

/* ---- the probe ---- */

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

static eddy_status ends_query(rd_kafka_t *rk, const char *topic, int n_partitions,
                              struct ed_positions *ends, eddy_error *err)
{
    for (int32_t p = 0; p < n_partitions; p++) {
        int64_t low = 0, high = 0;
        rd_kafka_resp_err_t why =
            rd_kafka_query_watermark_offsets(rk, topic, p, &low, &high, WAIT_MS);
        if (why)
            return eddy_fail_retriable(err, EDDY_UNAVAILABLE,
                                       "kafka: topic %s partition %d: where it ends: %s", topic,
                                       (int)p, rd_kafka_err2str(why));
        struct ed_place *place = ed_positions_add(ends, topic, p);
        if (!place)
            return eddy_fail_nomem(err, "source", sizeof *place);
        place->end = high;
    }
    return EDDY_OK;
}

/* A producer joins no group; what is only for consumers it passes over. */
static eddy_status asker_new(const struct ed_source_kafka *o, struct heard *heard, rd_kafka_t **ret,
                             eddy_error *err)
{
    rd_kafka_conf_t *conf = NULL;
    char text[300] = "";
    eddy_status st = ed_source_conf(o, &conf, err);
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

eddy_status ed_source_probe(const struct ed_source_kafka *o, struct ed_positions *ends,
                            eddy_error *err)
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
        if (st == EDDY_OK && ends)
            st = ends_query(rk, o->topics[i], n_partitions, ends, err);
    }
    if (meta)
        rd_kafka_metadata_destroy(meta);
    rd_kafka_destroy(rk);
    return st;
}

eddy_status ed_kafka_probe(const char *const *options, size_t n_options, int insecure,
                           const char *const *topics, size_t n_topics, eddy_error *err)
{
    const struct ed_source_kafka o = {.topics = topics,
                                      .n_topics = n_topics,
                                      .options = options,
                                      .n_options = n_options,
                                      .insecure = insecure};
    return ed_source_probe(&o, NULL, err);
}
