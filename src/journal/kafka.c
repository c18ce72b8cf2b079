/* Epochs in Kafka: every message is sent, then every delivery report is waited for.
 *
 * librdkafka retries by itself until message.timeout.ms; only then does a message count as failed.
 * The producer is idempotent, so these retries neither double nor reorder anything. It has a price:
 * such a producer may fail for good (librdkafka before 2.3 does after some disconnects). Then
 * the epoch fails as retriable, and the next commit begins with a fresh producer.
 *
 * A dead letter is what stands between a sick message and a stream that stops at it, so one that is
 * refused by its size must not stop anything either: it is sent once more alone (a broker refuses
 * whole batches), then with its error headers only, then left out, with a line in the log.
 *
 * Reports come in by rd_kafka_poll, so all of this happens in the owner's thread. Only the log
 * callback is called from elsewhere. */
#include "journal/inside.h"
#include "journal/topics.h"

#include "base/error.h"
#include "base/kafka.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define SLICE_MS 100
#define SLACK_MS 5000 /* after message.timeout.ms every report should long be there */

struct kafka {
    struct ed_journal journal;
    rd_kafka_conf_t *conf; /* of the next producer */
    rd_kafka_t *rk;        /* NULL: the last one is broken */
    char *topics[ED_TOPICS];
    int deliver_ms;
    uintptr_t first; /* the commit's messages have the numbers first ... */
    uintptr_t next;  /* ... to next - 1; reports of others are late */
    size_t waiting;  /* reports that it lacks */
    size_t *refused; /* (n_refused) places in the epoch of dead letters that are too large */
    size_t n_refused, room_refused;
    int failed;           /* messages of it failed ... */
    int hopeless;         /* ... and one of them would fail again */
    char why[300];        /* the first failure, or the first hopeless one */
    char last_error[300]; /* what librdkafka said last about its connections */
};

/* ---- callbacks ---- */

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    if (level <= LOG_WARNING)
        ed_log(ED_LOG_WARN, "journal", "%s: %s", facility, text);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka *k = opaque;
    (void)rk;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && k->last_error[0])
        return; /* the reason was told before */
    snprintf(k->last_error, sizeof k->last_error, "%s (%s)", reason,
             rd_kafka_err2name((rd_kafka_resp_err_t)code));
}

/* Errors that the same message may survive next time. The others are of the message itself, or
 * need a person. */
static int may_pass(rd_kafka_resp_err_t why)
{
    switch (why) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG: return 0;
    default: return 1;
    }
}

static void message_failed(struct kafka *k, const char *topic, rd_kafka_resp_err_t why,
                           const char *text)
{
    int hopeless = !may_pass(why);
    if (!k->failed || (hopeless && !k->hopeless))
        snprintf(k->why, sizeof k->why, "topic %s: %s (%s)", topic, text, rd_kafka_err2name(why));
    k->failed = 1;
    k->hopeless |= hopeless;
}

/* 1: noted as a dead letter that is too large. */
static int is_refused(struct kafka *k, const char *topic, rd_kafka_resp_err_t why, size_t place)
{
    if (why != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || !k->topics[ED_DEAD] ||
        strcmp(topic, k->topics[ED_DEAD]) != 0)
        return 0;
    if (k->n_refused == k->room_refused) {
        size_t room = k->room_refused ? 2 * k->room_refused : 16;
        size_t *wide = ed_realloc(k->refused, room * sizeof *wide);
        if (!wide)
            return 0;
        k->refused = wide;
        k->room_refused = room;
    }
    k->refused[k->n_refused++] = place;
    return 1;
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    struct kafka *k = opaque;
    uintptr_t number = (uintptr_t)report->_private;
    (void)rk;
    if (number - k->first >= k->next - k->first)
        return;
    k->waiting--;
    const char *topic = rd_kafka_topic_name(report->rkt);
    /* rd_kafka_message_errstr would give the message's own text. */
    if (report->err && !is_refused(k, topic, report->err, number - k->first))
        message_failed(k, topic, report->err, rd_kafka_err2str(report->err));
}

/* ---- the producer ---- */

static eddy_status producer_new(struct kafka *k, eddy_error *err)
{
    char text[300] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(k->conf);
    k->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (k->rk)
        return EDDY_OK;
    rd_kafka_conf_destroy(conf); /* taken only on success */
    return eddy_fail(err, EDDY_CONFIG, "kafka producer: %s", text);
}

static void producer_drop(struct kafka *k)
{
    if (k->rk)
        rd_kafka_destroy(k->rk);
    k->rk = NULL;
}

/* 1: this producer will never send again. */
static int is_broken(const struct kafka *k)
{
    char text[8];
    return rd_kafka_fatal_error(k->rk, text, sizeof text) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- commit ---- */

/* The headers for one message, taken by rd_kafka_producev when it succeeds. */
static rd_kafka_headers_t *headers_of(const struct ed_message *m)
{
    rd_kafka_headers_t *all = rd_kafka_headers_new(m->n_headers);
    for (size_t i = 0; i < m->n_headers; i++) {
        const eddy_header *h = &m->headers[i];
        rd_kafka_header_add(all, h->name, -1, h->value.at, (ssize_t)h->value.n);
    }
    return all;
}

static rd_kafka_resp_err_t produce(struct kafka *k, const struct ed_message *m, size_t place)
{
    rd_kafka_headers_t *headers = headers_of(m);
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = k->topics[m->topic]},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)m->key.at, m->key.n}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)m->value.at, m->value.n}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(k->first + place)},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(k->rk, parts, sizeof parts / sizeof *parts);
    if (!error) {
        k->waiting++;
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t why = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(headers);
    return why;
}

/* Send one message, waiting for room in the producer's queue. 0: it failed. */
static int post(struct kafka *k, const struct ed_message *m, size_t place, int64_t until_ms)
{
    rd_kafka_resp_err_t why;
    while ((why = produce(k, m, place)) == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
           ed_monotonic_ms() < until_ms)
        rd_kafka_poll(k->rk, SLICE_MS);
    if (!why || is_refused(k, k->topics[m->topic], why, place))
        return 1;
    message_failed(k, k->topics[m->topic], why, rd_kafka_err2str(why));
    return 0;
}

static void reports_wait(struct kafka *k, int64_t until_ms)
{
    while (k->waiting && ed_monotonic_ms() < until_ms && !is_broken(k))
        rd_kafka_flush(k->rk, SLICE_MS); /* sends without lingering, and polls */
    rd_kafka_poll(k->rk, 0);
    if (k->waiting && !k->failed)
        message_failed(k, "(any)", RD_KAFKA_RESP_ERR__TIMED_OUT, "no delivery report came");
}

/* What is left of a dead letter when even the broker's limit is below ours: our headers are its
 * last ones, and tell where the message is. */
static struct ed_message without_body(const struct ed_message *m)
{
    struct ed_message bare = *m;
    size_t i = m->n_headers;
    while (i > 0 && strcmp(m->headers[--i].name, ED_HEADER_DEAD_TOPIC) != 0)
        continue;
    bare.headers += i;
    bare.n_headers -= i;
    bare.key = bare.value = (eddy_str){NULL, 0};
    return bare;
}

/* Send the dead letters that were refused for their size again, each alone. */
static void refused_again(struct kafka *k, const struct ed_epoch *epoch, int64_t until_ms)
{
    size_t n = k->n_refused, bare = 0, lost = 0;
    for (size_t i = 0; i < n && !k->failed; i++) {
        const struct ed_message *whole = &epoch->messages[k->refused[i]];
        struct ed_message part = without_body(whole);
        const struct ed_message *tries[] = {whole, &part};
        int refused = 1;
        for (size_t t = 0; t < 2 && refused && !k->failed; t++) {
            k->n_refused = n;
            bare += t;
            if (post(k, tries[t], k->refused[i], until_ms))
                reports_wait(k, until_ms);
            refused = k->n_refused > n;
        }
        lost += refused ? 1 : 0;
    }
    k->n_refused = 0;
    if (bare)
        ed_log(ED_LOG_WARN, "journal",
               "topic %s: the broker refused %zu dead letters by size: cut to their headers",
               k->topics[ED_DEAD], bare);
    if (lost)
        ed_log(ED_LOG_ERROR, "journal", "topic %s: %zu dead letters were refused and left out",
               k->topics[ED_DEAD], lost);
}

static eddy_status commit_failed(struct kafka *k, eddy_error *err)
{
    const char *also = k->hopeless ? "" : k->last_error;
    if (k->hopeless)
        return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: %s", k->why);
    return eddy_fail_retriable(err, EDDY_UNAVAILABLE, "kafka: not all was delivered: %s%s%s",
                               k->why, *also ? "; last error: " : "", also);
}

static eddy_status kafka_commit(struct ed_journal *journal, const struct ed_epoch *epoch,
                                eddy_error *err)
{
    struct kafka *k = (struct kafka *)journal;
    if (k->rk && is_broken(k))
        producer_drop(k);
    eddy_status st = k->rk ? EDDY_OK : producer_new(k, err);
    if (st != EDDY_OK)
        return st;
    k->first = k->next;
    k->next += epoch->n_messages;
    k->waiting = k->n_refused = 0;
    k->failed = k->hopeless = 0;
    k->last_error[0] = 0;
    int64_t until = ed_monotonic_ms() + k->deliver_ms + SLACK_MS;

    int sent = 1;
    for (size_t i = 0; i < epoch->n_messages && sent; i++)
        if (k->topics[epoch->messages[i].topic])
            sent = post(k, &epoch->messages[i], i, until);
    reports_wait(k, until);
    if (k->n_refused && !k->failed)
        refused_again(k, epoch, until);
    if (!k->failed)
        return EDDY_OK;
    st = commit_failed(k, err);
    if (k->waiting || is_broken(k)) {
        ed_log(ED_LOG_WARN, "journal", "producer given up: %s", k->why);
        producer_drop(k);
    }
    return st;
}

static eddy_status kafka_close(struct ed_journal *journal, eddy_error *err)
{
    (void)err; /* commit waits for all, so there is nothing left to lose */
    struct kafka *k = (struct kafka *)journal;
    producer_drop(k);
    if (k->conf)
        rd_kafka_conf_destroy(k->conf);
    for (int i = 0; i < ED_TOPICS; i++)
        ed_free(k->topics[i]);
    ed_free(k->refused);
    ed_free(k);
    return EDDY_OK;
}

/* ---- open ---- */

/* What the epochs' promise hangs on. */
static const char *const owned[] = {"enable.idempotence",
                                    "acks",
                                    "request.required.acks",
                                    "message.timeout.ms",
                                    "delivery.timeout.ms",
                                    "transactional.id",
                                    "enable.gapless.guarantee",
                                    "delivery.report.only.error",
                                    NULL};

static const char *const ours[][2] = {
    {"client.id", "eddy"},
    {"linger.ms", "5"},
    {"compression.type", "lz4"},
    {"queue.buffering.max.kbytes", "65536"},
    {"socket.nagle.disable", "true"},
    {"socket.connection.setup.timeout.ms", "10000"},
    {"log.connection.close", "false"},
};

static eddy_status set(rd_kafka_conf_t *conf, const char *name, const char *value, eddy_error *err)
{
    char text[300];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return EDDY_OK;
    return eddy_fail(err, EDDY_CONFIG, "kafka option %s: %s", name, text);
}

static eddy_status conf_fill(struct kafka *k, const struct ed_journal_kafka *o, eddy_error *err)
{
    char timeout[20];
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < sizeof ours / sizeof *ours && st == EDDY_OK; i++)
        st = set(k->conf, ours[i][0], ours[i][1], err);
    for (size_t i = 0; i < o->n_options && st == EDDY_OK; i++) {
        const char *name = o->options[2 * i], *value = o->options[2 * i + 1];
        st = ed_kafka_option(name, value, owned, o->insecure, err);
        if (st == EDDY_OK)
            st = set(k->conf, name, value, err);
    }
    snprintf(timeout, sizeof timeout, "%d", o->deliver_ms);
    if (st == EDDY_OK)
        st = set(k->conf, "enable.idempotence", "true", err);
    if (st == EDDY_OK)
        st = set(k->conf, "message.timeout.ms", timeout, err);
    rd_kafka_conf_set_opaque(k->conf, k);
    rd_kafka_conf_set_log_cb(k->conf, on_log);
    rd_kafka_conf_set_error_cb(k->conf, on_error);
    rd_kafka_conf_set_dr_msg_cb(k->conf, on_report);
    return st;
}

eddy_status ed_journal_kafka_open(const struct ed_journal_kafka *options, struct ed_journal **ret,
                                  eddy_error *err)
{
    struct kafka *k = ed_alloc_zero(1, sizeof *k);
    if (!k)
        return eddy_fail_nomem(err, "journal", sizeof *k);
    k->journal = (struct ed_journal){kafka_commit, kafka_close};
    k->deliver_ms = options->deliver_ms;
    k->conf = rd_kafka_conf_new();
    eddy_status st = conf_fill(k, options, err);
    for (int i = 0; i < ED_TOPICS && st == EDDY_OK; i++) {
        if (!options->topics[i])
            continue;
        k->topics[i] = ed_strdup(options->topics[i]);
        if (!k->topics[i])
            st = eddy_fail_nomem(err, "journal", strlen(options->topics[i]));
    }
    if (st == EDDY_OK)
        st = producer_new(k, err);
    if (st == EDDY_OK)
        st = ed_topics_prepare(k->rk, options, k->last_error, err);
    if (st != EDDY_OK) {
        kafka_close(&k->journal, NULL);
        return st;
    }
    *ret = &k->journal;
    return EDDY_OK;
}
