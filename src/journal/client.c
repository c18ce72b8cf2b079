/* Client: three layers of options, each over the one before: our defaults, what the user passes
 * through, and what the promises hang on. */
#include "journal/client.h"

#include "base/error.h"
#include "base/kafka.h"
#include "base/log.h"

#include <string.h>
#include <syslog.h>

/* CONFWARN: a producer is told that it does not need a consumer's options. We know. */
void ed_client_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    if (level <= LOG_WARNING && strcmp(facility, "CONFWARN") != 0)
        ed_log(ED_LOG_WARN, "journal", "%s: %s", facility, text);
}

static eddy_status set(rd_kafka_conf_t *conf, const char *name, const char *value, eddy_error *err)
{
    char text[300];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return EDDY_OK;
    return eddy_fail(err, EDDY_CONFIG, "kafka option %s: %s", name, text);
}

eddy_status ed_client_conf(const struct ed_client_options *o, rd_kafka_conf_t **ret,
                           eddy_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < o->n_defaults && st == EDDY_OK; i++)
        st = set(conf, o->defaults[i][0], o->defaults[i][1], err);
    for (size_t i = 0; i < o->n_options && st == EDDY_OK; i++) {
        const char *name = o->options[2 * i], *value = o->options[2 * i + 1];
        st = ed_kafka_option(name, value, o->owned, o->insecure, err);
        if (st == EDDY_OK)
            st = set(conf, name, value, err);
    }
    for (size_t i = 0; i < o->n_insisted && st == EDDY_OK; i++)
        if (o->insisted[i][1])
            st = set(conf, o->insisted[i][0], o->insisted[i][1], err);
    if (st != EDDY_OK) {
        rd_kafka_conf_destroy(conf);
        return st;
    }
    rd_kafka_conf_set_log_cb(conf, ed_client_log);
    *ret = conf;
    return EDDY_OK;
}

eddy_status ed_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret,
                          eddy_error *err)
{
    char text[300] = "";
    *ret = rd_kafka_new(type, conf, text, sizeof text);
    if (*ret)
        return EDDY_OK;
    rd_kafka_conf_destroy(conf); /* taken only on success */
    return eddy_fail(err, EDDY_CONFIG, "kafka: %s", text);
}

/* ---- connections ---- */

/* It comes each time, before the connection's requests are sent again, and in all versions: newer
 * ones tell error_cb nothing of a connection that the other side has closed, and the log tells
 * nothing twice. */
static rd_kafka_resp_err_t on_connection(rd_kafka_t *rk, int32_t broker_id, const char *protocol,
                                         const char *name, int port, const char *state,
                                         void *opaque)
{
    struct ed_connections *watched = opaque;
    (void)rk, (void)broker_id, (void)protocol, (void)name, (void)port;
    if (!strcmp(state, "DOWN") && atomic_load(&watched->in_use))
        atomic_store(&watched->broke, 1);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque,
                                  char *text, size_t n)
{
    (void)conf, (void)text, (void)n;
    return rd_kafka_interceptor_add_on_broker_state_change(rk, "eddy", on_connection, opaque);
}

void ed_client_watch(rd_kafka_conf_t *conf, struct ed_connections *watched)
{
    rd_kafka_conf_interceptor_add_on_new(conf, "eddy", on_new, watched);
}

/* ---- the broker's log: its producer, and its reader of the state ---- */

/* What the epochs' promise hangs on. */
static const char *const producer_owned[] = {"enable.idempotence",
                                             "acks",
                                             "request.required.acks",
                                             "message.timeout.ms",
                                             "delivery.timeout.ms",
                                             "transactional.id",
                                             "transaction.timeout.ms",
                                             "socket.timeout.ms",
                                             "enable.gapless.guarantee",
                                             "delivery.report.only.error",
                                             NULL};

static const char *const producer_defaults[][2] = {
    {"client.id", "eddy"},
    {"linger.ms", "100"}, /* the commit sends; a thread that lingers less looks all the time */
    {"retry.backoff.ms", "20"}, /* while the broker still ends the transaction before */
    {"compression.type", "lz4"},
    {"queue.buffering.max.kbytes", "65536"},
    {"message.max.bytes", "4194304"},
    {"socket.nagle.disable", "true"},
    {"socket.connection.setup.timeout.ms", "10000"},
    {"reconnect.backoff.max.ms", "1000"}, /* 10 s by default, while the broker is long back */
    {"log.connection.close", "true"},     /* else on_error is not told of them */
};

/* The user's options between the defaults, of which there are n, and those that we insist on. */
static eddy_status conf_of(const struct ed_journal_kafka *o, const char *const (*defaults)[2],
                           size_t n, const char *const (*insisted)[2], size_t n_insisted,
                           rd_kafka_conf_t **ret, eddy_error *err)
{
    const struct ed_client_options all = {defaults,       n,        o->options, o->n_options,
                                          producer_owned, insisted, n_insisted, o->insecure};
    return ed_client_conf(&all, ret, err);
}

eddy_status ed_client_producer_conf(const struct ed_journal_kafka *o, rd_kafka_conf_t **ret,
                                    eddy_error *err)
{
    const char *const insisted[][2] = {
        {"enable.idempotence", "true"},
        {"transactional.id", o->id},
        {"transaction.timeout.ms", "15000"}, /* a dead owner holds every reader this long */
        {"socket.timeout.ms", "10000"},
        {"isolation.level", "read_uncommitted"}, /* for watermarks: the end is the log's end */
    };
    return conf_of(o, producer_defaults, sizeof producer_defaults / sizeof *producer_defaults,
                   insisted, sizeof insisted / sizeof *insisted, ret, err);
}

/* Where a queue is full, librdkafka 2.0 looks again after a second: it had better not be, while a
 * state is read. */
static const char *const reader_defaults[][2] = {
    {"client.id", "eddy-state"},
    {"queued.min.messages", "10000000"},
    {"queued.max.messages.kbytes", "131072"},
    {"fetch.message.max.bytes", "8388608"},
    {"fetch.wait.max.ms", "50"}, /* only an empty fetch tells that a control record was the last */
    {"socket.nagle.disable", "true"},
    {"log.connection.close", "false"},
};

/* The user's options are a producer's; librdkafka passes over what is not for a consumer. */
eddy_status ed_client_reader_conf(const struct ed_journal_kafka *o, rd_kafka_conf_t **ret,
                                  eddy_error *err)
{
    static const char *const insisted[][2] = {
        {"group.id", "eddy-state"}, /* librdkafka asks for one; nothing is joined or committed */
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"enable.partition.eof", "true"},
        {"isolation.level", "read_committed"},
        {"allow.auto.create.topics", "false"},
        {"check.crcs", "true"},
        {"max.poll.interval.ms", "86400000"}, /* an owner reads once, and then no more */
    };
    return conf_of(o, reader_defaults, sizeof reader_defaults / sizeof *reader_defaults, insisted,
                   sizeof insisted / sizeof *insisted, ret, err);
}
