/* Options: three layers, each over the one before: our defaults (RELIABILITY 2.2), what the user
 * passes through, and what the promises hang on, which nobody may set. */
#include "source/options.h"

#include "base/error.h"
#include "base/kafka.h"

#include <stdio.h>

#define KIB 1024

/* What the queues of all partitions may hold together, and one of them at most and at least.
 * Measured with records of 1.7 kB: a queue of 5,000 stalls at 40,000 records/s, one of 20,000 gives
 * 90,000 to 200,000; 16 MB of them are 46 MB of resident memory, 32 MB are 100. In 2.0.x a broker's
 * thread that finds all queues full looks again after up to a second, so what is read faster than
 * QUEUES_KIB in a second comes in gusts: 500 partitions gave 40,000 records/s of 0.5 kB, 64 gave
 * 190,000. */
#define QUEUES_KIB    (32 * KIB)
#define QUEUE_MAX_KIB (16 * KIB)
#define QUEUE_MIN_KIB 64
#define FETCH_MAX_KIB KIB

/* A broker holds a fetch until there is so much for it, or for fetch.wait.max.ms, and with it those
 * partitions whose queues run short meanwhile: one of many would stall the merge that long. With
 * the default of one byte each small batch of a producer is a fetch of its own: at 7,200
 * documents/s they were a quarter of the broker's work. */
static const char *const defaults[][2] = {
    {"client.id", "eddy"},
    {"queued.min.messages", "20000"},
    {"fetch.max.bytes", "8388608"},
    {"fetch.min.bytes", "1048576"},
    {"fetch.wait.max.ms", "25"},
    {"topic.metadata.refresh.interval.ms", "30000"},
    {"max.poll.interval.ms", "86400000"},
    {"check.crcs", "true"},
    {"socket.nagle.disable", "true"},
    {"socket.connection.setup.timeout.ms", "10000"},
    {"reconnect.backoff.max.ms", "1000"}, /* 10 s by default, while the broker is long back */
    {"log.connection.close", "false"},
};

/* Since 2.2 a partition whose queue is full is left out for a second, unless this is set. */
static const char *const newer[][2] = {{"fetch.queue.backoff.ms", "50"}};

/* That no group is joined and nothing committed, and what may be read at all. */
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
    for (size_t i = 0; i < o->n_options && st == EDDY_OK; i++) {
        const char *name = o->options[2 * i], *value = o->options[2 * i + 1];
        st = ed_kafka_option(name, value, owned, o->insecure, err);
        if (st == EDDY_OK)
            st = set(conf, name, value, err);
    }
    return st;
}

static eddy_status set_owned(rd_kafka_conf_t *conf, eddy_error *err)
{
    /* librdkafka wants the name of a group, though none is joined. A start that the broker has
     * deleted is an error, so that what is missing is counted. */
    static const char *const insisted[][2] = {
        {"group.id", "eddy-reader"},           {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"}, {"auto.offset.reset", "error"},
        {"enable.partition.eof", "true"},      {"isolation.level", "read_committed"},
        {"allow.auto.create.topics", "false"},
    };
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < sizeof insisted / sizeof *insisted && st == EDDY_OK; i++)
        st = set(conf, insisted[i][0], insisted[i][1], err);
    return st;
}

/* Each partition has its own queue here, so librdkafka's limits hold for each of them. */
static eddy_status set_shares(rd_kafka_conf_t *conf, size_t n_partitions, eddy_error *err)
{
    size_t kib = QUEUES_KIB / n_partitions;
    kib = kib < QUEUE_MIN_KIB ? QUEUE_MIN_KIB : kib > QUEUE_MAX_KIB ? QUEUE_MAX_KIB : kib;
    char queue[24], fetch[24];
    snprintf(queue, sizeof queue, "%zu", kib);
    snprintf(fetch, sizeof fetch, "%zu", (kib < FETCH_MAX_KIB ? kib : FETCH_MAX_KIB) * KIB);
    eddy_status st = set(conf, "queued.max.messages.kbytes", queue, err);
    return st == EDDY_OK ? set(conf, "fetch.message.max.bytes", fetch, err) : st;
}

eddy_status ed_source_conf(const struct ed_source_kafka *o, size_t n_partitions,
                           rd_kafka_conf_t **ret, eddy_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults && st == EDDY_OK; i++)
        st = set(conf, defaults[i][0], defaults[i][1], err);
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) /* an older one does not know it */
        (void)rd_kafka_conf_set(conf, newer[i][0], newer[i][1], NULL, 0);
    if (st == EDDY_OK)
        st = set_shares(conf, n_partitions, err);
    if (st == EDDY_OK)
        st = set_users(conf, o, err);
    if (st == EDDY_OK)
        st = set_owned(conf, err);
    if (st != EDDY_OK) {
        rd_kafka_conf_destroy(conf);
        return st;
    }
    *ret = conf;
    return EDDY_OK;
}
