/* A producer of its own, idempotent, without transactions. */
#include "journal/sender.h"

#include "base/error.h"
#include "base/memory.h"
#include "journal/client.h"
#include "journal/topics.h"

#include <stdio.h>
#include <string.h>

struct ed_sender {
    rd_kafka_t *rk;
    char *topic;
    int n_partitions;
    char last_error[300];
    int told;                /* the message under way was reported ... */
    rd_kafka_resp_err_t why; /* ... as this */
};

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct ed_sender *sender = opaque;
    (void)rk;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !*sender->last_error)
        snprintf(sender->last_error, sizeof sender->last_error, "%s", reason);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct ed_sender *sender = opaque;
    (void)rk;
    sender->told = 1;
    sender->why = m->err;
}

static eddy_status producer_new(struct ed_sender *sender, const char *const *options,
                                size_t n_options, int insecure, eddy_error *err)
{
    static const char *const defaults[][2] = {{"client.id", "eddy"},
                                              {"log.connection.close", "false"}};
    static const char *const owned[] = {"enable.idempotence", "transactional.id", NULL};
    static const char *const insisted[][2] = {{"enable.idempotence", "true"}, {"linger.ms", "0"}};
    const struct ed_client_options all = {
        defaults, sizeof defaults / sizeof *defaults, options,  n_options, owned,
        insisted, sizeof insisted / sizeof *insisted, insecure,
    };
    rd_kafka_conf_t *conf = NULL;
    eddy_status st = ed_client_conf(&all, &conf, err);
    if (st != EDDY_OK)
        return st;
    rd_kafka_conf_set_opaque(conf, sender);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    return ed_client_new(RD_KAFKA_PRODUCER, conf, &sender->rk, err);
}

eddy_status ed_sender_open(const char *const *options, size_t n_options, int insecure,
                           const char *topic, struct ed_sender **ret, eddy_error *err)
{
    struct ed_sender *sender = ed_alloc_zero(1, sizeof *sender);
    if (!sender)
        return eddy_fail_nomem(err, "sender", sizeof *sender);
    sender->topic = ed_strdup(topic);
    eddy_status st = sender->topic ? producer_new(sender, options, n_options, insecure, err)
                                   : eddy_fail_nomem(err, "sender", strlen(topic));
    if (st == EDDY_OK)
        st =
            ed_topics_partitions(sender->rk, topic, sender->last_error, &sender->n_partitions, err);
    if (st == EDDY_OK && !sender->n_partitions)
        st = eddy_fail(err, EDDY_UNAVAILABLE,
                       "kafka: topic %s does not exist: no such pipeline has run here", topic);
    if (st != EDDY_OK) {
        ed_sender_free(sender);
        return st;
    }
    *ret = sender;
    return EDDY_OK;
}

uint32_t ed_sender_partitions(const struct ed_sender *sender)
{
    return (uint32_t)sender->n_partitions;
}

eddy_status ed_sender_send(struct ed_sender *sender, int32_t partition, eddy_str key,
                           eddy_str value, int wait_ms, eddy_error *err)
{
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = sender->topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.at, key.n}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.at, value.n}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };
    sender->told = 0;
    rd_kafka_error_t *refused =
        rd_kafka_produceva(sender->rk, fields, sizeof fields / sizeof *fields);
    if (refused) {
        eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s: %s", sender->topic,
                  rd_kafka_error_string(refused));
        rd_kafka_error_destroy(refused);
        return EDDY_UNAVAILABLE;
    }
    rd_kafka_flush(sender->rk, wait_ms);
    if (sender->told && !sender->why)
        return EDDY_OK;
    return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s: %s", sender->topic,
                     sender->told          ? rd_kafka_err2str(sender->why)
                     : *sender->last_error ? sender->last_error
                                           : "not written in time");
}

void ed_sender_free(struct ed_sender *sender)
{
    if (!sender)
        return;
    if (sender->rk)
        rd_kafka_destroy(sender->rk);
    ed_free(sender->topic);
    ed_free(sender);
}
