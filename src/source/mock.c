/* mock: one producer handle that carries the cluster with it (test.mock.num.brokers). */
#include "source/mock.h"

#include "base/error.h"
#include "base/memory.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <stdio.h>

struct ed_mock {
    rd_kafka_t *producer;
    rd_kafka_mock_cluster_t *cluster; /* the producer's */
};

/* What it has to say is of no use to anybody who watches a demo. */
static void silence(const rd_kafka_t *rk, int level, const char *fac, const char *buf)
{
    (void)rk;
    (void)level;
    (void)fac;
    (void)buf;
}

static eddy_status producer_open(struct ed_mock *mock, int brokers, eddy_error *err)
{
    char text[300] = "", count[16];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    snprintf(count, sizeof count, "%d", brokers);
    rd_kafka_conf_set_log_cb(conf, silence);
    if (rd_kafka_conf_set(conf, "test.mock.num.brokers", count, text, sizeof text) ||
        rd_kafka_conf_set(conf, "linger.ms", "1", text, sizeof text)) {
        rd_kafka_conf_destroy(conf);
        return eddy_fail(err, EDDY_UNAVAILABLE, "mock cluster: %s", text);
    }
    mock->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!mock->producer) {
        rd_kafka_conf_destroy(conf);
        return eddy_fail(err, EDDY_UNAVAILABLE, "mock cluster: %s", text);
    }
    mock->cluster = rd_kafka_handle_mock_cluster(mock->producer);
    return mock->cluster ? EDDY_OK : eddy_fail(err, EDDY_UNAVAILABLE, "mock cluster: none");
}

eddy_status ed_mock_open(int brokers, const char *const *topics, size_t n, struct ed_mock **ret,
                         eddy_error *err)
{
    struct ed_mock *mock = ed_alloc_zero(1, sizeof *mock);
    if (!mock)
        return eddy_fail_nomem(err, "mock cluster", sizeof *mock);
    eddy_status st = producer_open(mock, brokers, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        rd_kafka_resp_err_t why = rd_kafka_mock_topic_create(mock->cluster, topics[i], 1, 1);
        if (why)
            st = eddy_fail(err, EDDY_UNAVAILABLE, "mock cluster: topic %s: %s", topics[i],
                           rd_kafka_err2str(why));
    }
    if (st != EDDY_OK) {
        ed_mock_free(mock);
        return st;
    }
    *ret = mock;
    return EDDY_OK;
}

const char *ed_mock_brokers(const struct ed_mock *mock)
{
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

eddy_status ed_mock_produce(struct ed_mock *mock, const char *topic, eddy_str key, eddy_str value,
                            eddy_error *err)
{
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.at, key.n}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.at, value.n}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };
    rd_kafka_error_t *why =
        rd_kafka_produceva(mock->producer, fields, sizeof fields / sizeof *fields);
    rd_kafka_poll(mock->producer, 0);
    if (!why)
        return EDDY_OK;
    eddy_fail(err, EDDY_UNAVAILABLE, "mock cluster: topic %s: %s", topic,
              rd_kafka_error_string(why));
    rd_kafka_error_destroy(why);
    return EDDY_UNAVAILABLE;
}

eddy_status ed_mock_flush(struct ed_mock *mock, int wait_ms, eddy_error *err)
{
    rd_kafka_resp_err_t why = rd_kafka_flush(mock->producer, wait_ms);
    return why ? eddy_fail(err, EDDY_UNAVAILABLE, "mock cluster: %s", rd_kafka_err2str(why))
               : EDDY_OK;
}

void ed_mock_free(struct ed_mock *mock)
{
    if (!mock)
        return;
    if (mock->producer)
        rd_kafka_destroy(mock->producer);
    ed_free(mock);
}
