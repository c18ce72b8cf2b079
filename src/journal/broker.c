/* The log on a broker: one transactional producer, and a consumer for the state partition.
 *
 * librdkafka sorts its errors (retriable, abort, fatal), and that is what we go by; beside it we
 * look for the two cases that mean somebody else is the owner now. Time is watched too: a call that
 * took as long as a request may, or a connection that broke while a transaction was open, leaves
 * doubt whether a request is still on its way (RELIABILITY 2.4).
 *
 * Everything happens in the owner's thread; librdkafka's callbacks come from inside rd_kafka_poll
 * and rd_kafka_flush. Only the log callback is called from elsewhere. */
#include "journal/broker.h"

#include "journal/client.h"
#include "journal/forget.h"
#include "journal/member.h"
#include "journal/topics.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define CALL_MS    2000  /* that one call may take; then it is made again */
#define REQUEST_MS 10000 /* socket.timeout.ms: a request that takes longer is given up */
#define SLICE_MS   100
#define INIT_MS    50   /* between two looks at what is said of init_transactions */
#define QUIET_MS   300  /* of the state partition, while an owner reads: time to look up */
#define LOOK_MS    20   /* likewise for a standby, which comes again */
#define READ_MAX   4096 /* records in one read */

struct broker {
    struct ed_log log;
    rd_kafka_conf_t *producer_conf, *reader_conf; /* of the next ones */
    rd_kafka_t *rk;                               /* NULL: the last one is given up */
    rd_kafka_t *reader;                           /* NULL: not open */
    char *topics[ED_TOPICS], *state;
    rd_kafka_topic_t *handles[ED_TOPICS + 1]; /* of rk's topics, the last one is the state's */
    char *const *inputs;                      /* (n_inputs) */
    size_t n_inputs;
    int32_t shard, n_shards;
    struct ed_group *group;
    const char *own_topic; /* what the group deals us: the state's partition, or the input's */
    int32_t own_partition;
    int fencing;           /* 0: not yet; 1: init_transactions is under way; 2: we are the owner */
    atomic_int unfinished; /* it was told to come again */

    int doubt;
    struct ed_connections connections; /* in use: within a transaction */
    int64_t state_next; /* offset behind the last record of the state that was acknowledged */
    char failed[300];   /* the first message that failed in this transaction; "": none */
    char hopeless[300]; /* likewise one that would fail again */
    size_t *oversize;   /* (n_oversize) numbers of messages that are too large */
    size_t n_oversize, room_oversize;
    char last_error[300]; /* what librdkafka said last about its connections */

    struct ed_forget forget; /* of rk */

    int64_t read_at; /* where the reader stands; -1: it is not assigned ... */
    int read_past;   /* ... and 1: it has taken a message from behind there out of its queue */
};

/* ---- callbacks ---- */

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct broker *b = opaque;
    (void)rk;
    if (atomic_load(&b->connections.in_use) &&
        (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN))
        b->doubt = 1;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && b->last_error[0])
        return; /* the reason was told before */
    snprintf(b->last_error, sizeof b->last_error, "%s (%s)", reason,
             rd_kafka_err2name((rd_kafka_resp_err_t)code));
}

/* A thread of librdkafka. Only its log tells that init_transactions met a transaction of before
 * that the broker is still ending. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct broker *b = rd_kafka_opaque(rk);
    if (strcmp(facility, "GETPID") != 0)
        ed_client_log(rk, level, facility, text);
    else
        atomic_store(&b->unfinished, 1);
}

/* Errors that the same message will meet next time too: a person has to do something. */
static int is_hopeless(rd_kafka_resp_err_t why)
{
    switch (why) {
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG: return 1;
    default: return 0;
    }
}

static void oversize_add(struct broker *b, size_t number)
{
    size_t *list = ed_list_room(b->oversize, b->n_oversize, &b->room_oversize, sizeof *list);
    if (!list)
        return; /* then it fails as it is */
    b->oversize = list;
    b->oversize[b->n_oversize++] = number;
}

static void message_failed(struct broker *b, const char *topic, rd_kafka_resp_err_t why,
                           size_t number)
{
    char text[300];
    snprintf(text, sizeof text, "topic %s: %s (%s)", topic, rd_kafka_err2str(why),
             rd_kafka_err2name(why));
    if (why == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && number)
        oversize_add(b, number - 1);
    else if (why == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || is_hopeless(why))
        memcpy(b->hopeless, text, sizeof text);
    if (!b->failed[0])
        memcpy(b->failed, text, sizeof text);
}

/* _private of a message is its number plus one; of a record of the state 0. */
static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    struct broker *b = opaque;
    size_t number = (size_t)(uintptr_t)report->_private;
    if (rk != b->rk)
        return; /* of one that is being given up */
    if (report->err)
        message_failed(b, rd_kafka_topic_name(report->rkt), report->err, number);
    else if (!number && report->offset + 1 > b->state_next)
        b->state_next = report->offset + 1;
}

/* ---- what an error comes to ---- */

static int is_fencing(rd_kafka_resp_err_t why)
{
    return why == RD_KAFKA_RESP_ERR__FENCED || why == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           why == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

static int owned(const struct broker *b)
{
    return !b->group || ed_group_owns(b->group, b->own_topic, b->own_partition);
}

/* error is taken. what: the call, for the text. */
static enum ed_answer answer_of(struct broker *b, const char *what, rd_kafka_error_t *error,
                                eddy_error *err)
{
    if (!error)
        return ED_DONE;
    enum ed_answer answer = ED_BROKEN;
    rd_kafka_resp_err_t why = rd_kafka_error_code(error);
    char fatal[200] = "";
    rd_kafka_resp_err_t root = rd_kafka_fatal_error(b->rk, fatal, sizeof fatal);
    if (is_fencing(why) || is_fencing(root))
        answer = ED_LOST;
    else if (root || rd_kafka_error_is_fatal(error))
        answer = ED_BROKEN;
    else if (is_hopeless(why))
        answer = ED_REFUSED;
    else if (rd_kafka_error_txn_requires_abort(error))
        answer = owned(b) ? ED_ABORT : ED_LOST;
    else if (rd_kafka_error_is_retriable(error) || why == RD_KAFKA_RESP_ERR__TIMED_OUT)
        answer = ED_AGAIN;
    const char *more = b->failed[0] ? b->failed : b->last_error;
    eddy_fail(err, EDDY_UNAVAILABLE, "kafka: %s: %s%s%s", what, rd_kafka_error_string(error),
              *more ? "; " : "", more);
    rd_kafka_error_destroy(error);
    return answer;
}

/* The same for a call that may leave a request under way. */
static enum ed_answer timed_answer(struct broker *b, const char *what, int64_t began_ms,
                                   rd_kafka_error_t *error, eddy_error *err)
{
    enum ed_answer answer = answer_of(b, what, error, err);
    if (answer == ED_AGAIN || ed_monotonic_ms() - began_ms >= REQUEST_MS)
        b->doubt = 1;
    rd_kafka_poll(b->rk, 0);
    return answer;
}

/* ---- the producer ---- */

static void producer_drop(struct broker *b)
{
    ed_forget_drop(&b->forget);
    for (int i = 0; i <= ED_TOPICS; i++) {
        if (b->handles[i])
            rd_kafka_topic_destroy(b->handles[i]);
        b->handles[i] = NULL;
    }
    if (b->rk)
        rd_kafka_destroy(b->rk);
    b->rk = NULL;
    b->fencing = 0;
    atomic_store(&b->connections.in_use, 0);
}

static enum ed_answer producer_new(struct broker *b, eddy_error *err)
{
    b->failed[0] = b->hopeless[0] = b->last_error[0] = 0;
    b->n_oversize = 0;
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(b->producer_conf); /* interceptors are not copied */
    ed_client_watch(conf, &b->connections);
    eddy_status st = ed_client_new(RD_KAFKA_PRODUCER, conf, &b->rk, err);
    return st == EDDY_OK ? ED_DONE : ED_REFUSED;
}

/* Handles of the topics, and their leaders. librdkafka itself looks for leaders once a second, and
 * the first epoch would wait for that; no answer is no failure. Not before we know that the topics
 * are there: some brokers would make them. */
static enum ed_answer topics_open(struct broker *b, eddy_error *err)
{
    const struct rd_kafka_metadata *meta = NULL;
    for (int i = 0; i <= ED_TOPICS; i++) {
        const char *name = i < ED_TOPICS ? b->topics[i] : b->state;
        if (name && !b->handles[i])
            b->handles[i] = rd_kafka_topic_new(b->rk, name, NULL);
        if (name && !b->handles[i]) {
            eddy_fail(err, EDDY_CONFIG, "kafka: topic %s: %s", name,
                      rd_kafka_err2str(rd_kafka_last_error()));
            return ED_REFUSED;
        }
    }
    if (!rd_kafka_metadata(b->rk, 0, NULL, &meta, CALL_MS))
        rd_kafka_metadata_destroy(meta);
    return ED_DONE;
}

/* The predecessor's open transaction is aborted by the first init_transactions, which is told to
 * come again, and comes half a second later. A new client comes at once: the outputs are silent for
 * so much less after a crash. */
static enum ed_answer init(struct broker *b, eddy_error *err)
{
    int64_t until = ed_monotonic_ms() + REQUEST_MS;
    rd_kafka_error_t *error;
    atomic_store(&b->unfinished, 0);
    while ((error = rd_kafka_init_transactions(b->rk, INIT_MS)) &&
           rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT &&
           !atomic_load(&b->unfinished) && ed_monotonic_ms() < until)
        rd_kafka_error_destroy(error);
    int unfinished = error && atomic_load(&b->unfinished);
    enum ed_answer answer = answer_of(b, "init_transactions", error, err);
    if (answer != ED_AGAIN || !unfinished)
        return answer;
    producer_drop(b);
    return ED_AGAIN;
}

static enum ed_answer broker_fence(struct ed_log *log, eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    if (!owned(b)) {
        eddy_fail(err, EDDY_FENCED, "the group has given it to another member");
        return ED_LOST;
    }
    /* The one that open has made serves for the first time; an init under way goes on. */
    if (b->rk && b->fencing == 2)
        producer_drop(b);
    enum ed_answer answer = b->rk ? ED_DONE : producer_new(b, err);
    if (answer != ED_DONE)
        return answer;
    b->fencing = 1;
    answer = init(b, err);
    if (b->rk)
        rd_kafka_poll(b->rk, 0);
    if (answer == ED_ABORT)
        answer = ED_AGAIN;
    if (answer == ED_DONE) {
        b->doubt = 0;
        atomic_store(&b->connections.broke, 0);
        answer = topics_open(b, err);
    }
    if (answer != ED_AGAIN)
        b->fencing = 2; /* over: the next fence is of a new producer */
    return answer;
}

static enum ed_answer broker_begin(struct ed_log *log, eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    if (b->hopeless[0]) {
        eddy_fail(err, EDDY_UNAVAILABLE, "kafka: %s", b->hopeless);
        b->hopeless[0] = 0;
        return ED_REFUSED;
    }
    b->failed[0] = b->last_error[0] = 0;
    b->n_oversize = 0;
    enum ed_answer answer = answer_of(b, "begin", rd_kafka_begin_transaction(b->rk), err);
    atomic_store(&b->connections.in_use, answer == ED_DONE);
    return answer;
}

/* The headers for one message, taken by rd_kafka_produceva when it succeeds. */
static rd_kafka_headers_t *headers_of(const struct ed_message *m)
{
    rd_kafka_headers_t *all = rd_kafka_headers_new(m->n_headers);
    for (size_t i = 0; i < m->n_headers; i++) {
        const eddy_header *h = &m->headers[i];
        rd_kafka_header_add(all, h->name, -1, h->value.at, (ssize_t)h->value.n);
    }
    return all;
}

/* Hand it to librdkafka, waiting for room in its queue. */
static enum ed_answer produce(struct broker *b, const rd_kafka_vu_t *parts, size_t n,
                              const char *topic, size_t number, rd_kafka_headers_t *headers,
                              eddy_error *err)
{
    int64_t until = ed_monotonic_ms() + CALL_MS;
    rd_kafka_error_t *error;
    while ((error = rd_kafka_produceva(b->rk, parts, n)) &&
           rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
           ed_monotonic_ms() < until) {
        rd_kafka_error_destroy(error);
        rd_kafka_poll(b->rk, SLICE_MS);
    }
    if (!error)
        return ED_DONE;
    if (headers)
        rd_kafka_headers_destroy(headers);
    rd_kafka_resp_err_t why = rd_kafka_error_code(error);
    if (why == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        message_failed(b, topic, why, number);
        answer_of(b, "produce", error, err);
        return ED_ABORT;
    }
    enum ed_answer answer = answer_of(b, "produce", error, err);
    /* __STATE: one that was sent before has failed meanwhile, and the transaction with it. */
    int ruined = why == RD_KAFKA_RESP_ERR__STATE && answer == ED_BROKEN &&
                 !rd_kafka_fatal_error(b->rk, NULL, 0);
    /* What is sent already must not stay alone. */
    return answer == ED_AGAIN || ruined ? ED_ABORT : answer;
}

static enum ed_answer broker_send(struct ed_log *log, const struct ed_message *m, size_t number,
                                  int alone, eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    const char *topic = b->topics[m->topic];
    if (!topic)
        return ED_DONE;
    rd_kafka_headers_t *headers = headers_of(m);
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = b->handles[m->topic]},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)m->key.at, m->key.n}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)m->value.at, m->value.n}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)(number + 1)},
        /* 0: the moment of sending; but vectors are merged again by the time of their message */
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = m->topic == ED_VECTORS ? m->time_ms : 0},
    };
    if (alone)
        rd_kafka_flush(b->rk, REQUEST_MS);
    enum ed_answer answer =
        produce(b, parts, sizeof parts / sizeof *parts, topic, number + 1, headers, err);
    if (alone)
        rd_kafka_flush(b->rk, REQUEST_MS);
    return answer;
}

static enum ed_answer broker_send_state(struct ed_log *log, const eddy_record *record,
                                        eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    unsigned char key[8];
    for (int i = 0; i < 8; i++)
        key[i] = (unsigned char)(record->key >> (56 - 8 * i));
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = b->handles[ED_TOPICS]},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = b->shard},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {key, sizeof key}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)record->value.at, record->value.n}},
    };
    return produce(b, parts, sizeof parts / sizeof *parts, b->state, 0, NULL, err);
}

static enum ed_answer broker_offsets(struct ed_log *log, const struct ed_offset *offsets, size_t n,
                                     eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    if (!b->group)
        return ED_DONE;
    rd_kafka_consumer_group_metadata_t *member = ed_group_metadata(b->group);
    if (!member) {
        eddy_fail(err, EDDY_UNAVAILABLE, "kafka: the group's membership is not known");
        return ED_ABORT;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, offsets[i].topic, offsets[i].partition)->offset =
            offsets[i].next;
    /* Retriable: the same call with the same offsets and member. */
    enum ed_answer answer;
    int64_t began = ed_monotonic_ms();
    do {
        *err = (eddy_error){0};
        answer =
            timed_answer(b, "offsets", began,
                         rd_kafka_send_offsets_to_transaction(b->rk, list, member, CALL_MS), err);
    } while (answer == ED_AGAIN && ed_monotonic_ms() - began < REQUEST_MS);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_group_metadata_destroy(member);
    return answer == ED_AGAIN ? ED_ABORT : answer;
}

static enum ed_answer broker_commit(struct ed_log *log, eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    int64_t began = ed_monotonic_ms();
    enum ed_answer answer =
        timed_answer(b, "commit", began, rd_kafka_commit_transaction(b->rk, CALL_MS), err);
    if (answer == ED_DONE)
        atomic_store(&b->connections.in_use, 0);
    return answer;
}

static enum ed_answer broker_abort(struct ed_log *log, eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    int64_t began = ed_monotonic_ms();
    enum ed_answer answer =
        timed_answer(b, "abort", began, rd_kafka_abort_transaction(b->rk, CALL_MS), err);
    if (answer == ED_DONE)
        atomic_store(&b->connections.in_use, 0);
    return answer;
}

static int broker_oversize(struct ed_log *log, size_t *ret_number)
{
    struct broker *b = (struct broker *)log;
    if (!b->n_oversize)
        return 0;
    *ret_number = b->oversize[--b->n_oversize];
    return 1;
}

static int broker_doubtful(struct ed_log *log)
{
    struct broker *b = (struct broker *)log;
    return b->doubt || atomic_load(&b->connections.broke);
}

/* ---- reading the state ---- */

static enum ed_answer reader_open(struct broker *b, eddy_error *err)
{
    if (b->reader)
        return ED_DONE;
    b->read_at = -1;
    eddy_status st =
        ed_client_new(RD_KAFKA_CONSUMER, rd_kafka_conf_dup(b->reader_conf), &b->reader, err);
    if (st == EDDY_OK)
        rd_kafka_poll_set_consumer(b->reader);
    return st == EDDY_OK ? ED_DONE : ED_REFUSED;
}

static void reader_close(struct broker *b)
{
    if (b->reader)
        rd_kafka_destroy(b->reader);
    b->reader = NULL;
    b->read_at = -1;
}

/* How many partitions the state topic has, asked anew; -1: no answer. The answer also tells
 * librdkafka of new leaders: what it knows from before it believes for minutes. */
static int partitions_ask(struct broker *b)
{
    const struct rd_kafka_metadata *meta = NULL;
    int n = -1;
    if (rd_kafka_metadata(b->rk, 1, NULL, &meta, CALL_MS))
        return -1;
    for (int t = 0; t < meta->topic_cnt; t++)
        if (!strcmp(meta->topics[t].topic, b->state) && !meta->topics[t].err)
            n = meta->topics[t].partition_cnt;
    rd_kafka_metadata_destroy(meta);
    return n;
}

/* One end of the state partition. Not rd_kafka_query_watermark_offsets: librdkafka 2.0.2 waits in
 * it for ever when the leader that it knows is dead. */
static rd_kafka_resp_err_t bound_ask(struct broker *b, int64_t which, int64_t *ret)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(list, b->state, b->shard);
    at->offset = which;
    rd_kafka_resp_err_t why = rd_kafka_offsets_for_times(b->rk, list, CALL_MS);
    why = why ? why : at->err;
    if (!why)
        *ret = at->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return why;
}

/* The log's end, whatever is open: the producer's isolation.level is read_uncommitted. */
static enum ed_answer broker_bounds(struct ed_log *log, int64_t *ret_first, int64_t *ret_end,
                                    eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    rd_kafka_resp_err_t why = bound_ask(b, RD_KAFKA_OFFSET_BEGINNING, ret_first);
    if (!why)
        why = bound_ask(b, RD_KAFKA_OFFSET_END, ret_end);
    if (!why)
        return ED_DONE;
    int n = partitions_ask(b);
    if (n >= 0 && n <= b->shard) {
        *ret_first = *ret_end = -1;
        return ED_DONE;
    }
    rd_kafka_poll(b->rk, 0);
    eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s partition %d: where it ends: %s", b->state,
              (int)b->shard, rd_kafka_err2str(why));
    return ED_AGAIN;
}

static enum ed_answer reader_seek(struct broker *b, int64_t from, eddy_error *err)
{
    enum ed_answer answer = reader_open(b, err);
    if (answer != ED_DONE || (b->read_at == from && !b->read_past))
        return answer;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, b->state, b->shard)->offset = from;
    rd_kafka_resp_err_t why = rd_kafka_assign(b->reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (!why) {
        b->read_at = from;
        b->read_past = 0;
        return ED_DONE;
    }
    eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s: cannot read: %s", b->state,
              rd_kafka_err2str(why));
    return ED_REFUSED;
}

static uint64_t key_of(const rd_kafka_message_t *m)
{
    const unsigned char *key = m->key;
    uint64_t ret = 0;
    for (size_t i = 0; i < 8; i++)
        ret = ret << 8 | key[i];
    return ret;
}

/* One message of the state partition. */
static enum ed_answer reader_take(struct broker *b, const rd_kafka_message_t *m, int64_t until,
                                  ed_state_fn *take, void *user, eddy_error *err)
{
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (m->offset > b->read_at)
            b->read_at = m->offset;
        return ED_DONE;
    }
    if (m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
        m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        eddy_fail(err, EDDY_FORMAT, "topic %s partition %d: offset %lld is not there any more",
                  b->state, (int)b->shard, (long long)b->read_at);
        return ED_REFUSED;
    }
    if (m->err) {
        eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s: %s", b->state,
                  rd_kafka_message_errstr(m));
        return is_hopeless(m->err) ? ED_REFUSED : ED_AGAIN;
    }
    if (m->offset < b->read_at)
        return ED_DONE;
    if (m->offset >= until) { /* it came after `until` was asked for, and comes again later */
        b->read_at = until;
        b->read_past = 1;
        return ED_DONE;
    }
    if (m->key_len != 8) {
        eddy_fail(err, EDDY_FORMAT,
                  "topic %s partition %d offset %lld: not a record of eddy's state", b->state,
                  (int)b->shard, (long long)m->offset);
        return ED_REFUSED;
    }
    eddy_record record = {key_of(m), {m->payload, m->len}};
    b->read_at = m->offset + 1;
    return take(user, &record, m->offset, err) == EDDY_OK ? ED_DONE : ED_REFUSED;
}

static enum ed_answer broker_read(struct ed_log *log, int64_t from, int64_t until,
                                  ed_state_fn *take, void *user, int64_t *ret_next, eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    *ret_next = from;
    enum ed_answer answer = reader_seek(b, from, err);
    int64_t began = ed_monotonic_ms();
    int quiet_ms = b->fencing ? QUIET_MS : LOOK_MS;
    for (int i = 0; i < READ_MAX && answer == ED_DONE && b->read_at < until; i++) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(b->reader, quiet_ms);
        if (!m)
            break;
        answer = reader_take(b, m, until, take, user, err);
        rd_kafka_message_destroy(m);
        if (ed_monotonic_ms() - began > CALL_MS)
            break;
    }
    *ret_next = b->read_at > from ? b->read_at : from;
    if (answer == ED_DONE && *ret_next < until) {
        eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s partition %d: read to %lld of %lld",
                  b->state, (int)b->shard, (long long)*ret_next, (long long)until);
        answer = *ret_next > from ? ED_DONE : ED_AGAIN;
    }
    if (answer == ED_DONE && *ret_next >= until && b->fencing)
        reader_close(b); /* an owner has read: it need not hear its own words again */
    return answer;
}

static int64_t broker_state_next(struct ed_log *log)
{
    return ((struct broker *)log)->state_next;
}

static int broker_forget(struct ed_log *log, int64_t before)
{
    struct broker *b = (struct broker *)log;
    return ed_forget(&b->forget, b->rk, b->state, b->shard, before);
}

/* ---- the group's offsets ---- */

static enum ed_answer broker_told(struct ed_log *log, const char *topic, int32_t partition,
                                  int64_t *ret_next, eddy_error *err)
{
    struct broker *b = (struct broker *)log;
    *ret_next = -1;
    if (!b->group)
        return ED_DONE;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t why = rd_kafka_committed(ed_group_client(b->group), list, CALL_MS);
    why = why ? why : list->elems[0].err;
    if (!why && list->elems[0].offset >= 0)
        *ret_next = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (!why)
        return ED_DONE;
    eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s partition %d: the group's offset: %s", topic,
              (int)partition, rd_kafka_err2str(why));
    return is_hopeless(why) ? ED_REFUSED : ED_AGAIN;
}

/* In the partitions of this shard: another may be ahead of it in its first minute, or for ever. */
static int has_offsets(struct broker *b, const char *topic, int n_partitions)
{
    int found = 0;
    rd_kafka_t *member = ed_group_client(b->group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n_partitions);
    for (int p = b->shard; p<n_partitions; p += b->n_shards> 1 ? b->n_shards : 1)
        rd_kafka_topic_partition_list_add(list, topic, p);
    if (list->cnt && rd_kafka_committed(member, list, REQUEST_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (int i = 0; i < list->cnt; i++)
            found |= list->elems[i].offset > 0;
    rd_kafka_topic_partition_list_destroy(list);
    return found;
}

static int broker_ran_before(struct ed_log *log)
{
    struct broker *b = (struct broker *)log;
    const struct rd_kafka_metadata *meta = NULL;
    int found = 0;
    if (!b->group || rd_kafka_metadata(b->rk, 1, NULL, &meta, REQUEST_MS))
        return 0;
    for (int t = 0; t < meta->topic_cnt; t++)
        for (size_t i = 0; i < b->n_inputs && !found; i++)
            if (!strcmp(meta->topics[t].topic, b->inputs[i]))
                found = has_offsets(b, b->inputs[i], meta->topics[t].partition_cnt);
    rd_kafka_metadata_destroy(meta);
    return found;
}

/* ---- clock, chance, end ---- */

static int64_t broker_now(struct ed_log *log)
{
    (void)log;
    return ed_monotonic_ms();
}

static void broker_pause(struct ed_log *log, int ms)
{
    struct broker *b = (struct broker *)log;
    if (b->rk)
        rd_kafka_poll(b->rk, 0);
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static uint64_t broker_draw(struct ed_log *log)
{
    uint64_t number = 0;
    (void)log;
    while (getrandom(&number, sizeof number, 0) != sizeof number || !number)
        continue;
    return number;
}

static void broker_free(struct ed_log *log)
{
    struct broker *b = (struct broker *)log;
    reader_close(b);
    producer_drop(b);
    if (b->producer_conf)
        rd_kafka_conf_destroy(b->producer_conf);
    if (b->reader_conf)
        rd_kafka_conf_destroy(b->reader_conf);
    for (int i = 0; i < ED_TOPICS; i++)
        ed_free(b->topics[i]);
    for (size_t i = 0; b->inputs && i < b->n_inputs; i++)
        ed_free(b->inputs[i]);
    ed_free((void *)b->inputs);
    ed_free(b->state);
    ed_free(b->oversize);
    ed_free(b);
}

/* ---- open ---- */

static eddy_status names_copy(struct broker *b, const struct ed_journal_kafka *o, eddy_error *err)
{
    int whole = 1;
    for (int i = 0; i < ED_TOPICS; i++)
        if (o->topics[i])
            whole &= (b->topics[i] = ed_strdup(o->topics[i])) != NULL;
    if (o->state)
        whole &= (b->state = ed_strdup(o->state)) != NULL;
    char **inputs = ed_alloc_zero(o->n_inputs + 1, sizeof *inputs);
    b->inputs = inputs;
    for (size_t i = 0; inputs && i < o->n_inputs; i++)
        whole &= (inputs[i] = ed_strdup(o->inputs[i])) != NULL;
    b->n_inputs = o->n_inputs;
    return whole && inputs ? EDDY_OK : eddy_fail_nomem(err, "journal", sizeof *b);
}

eddy_status ed_broker_open(const struct ed_journal_kafka *options, struct ed_log **ret,
                           eddy_error *err)
{
    struct broker *b = ed_alloc_zero(1, sizeof *b);
    if (!b)
        return eddy_fail_nomem(err, "journal", sizeof *b);
    b->log = (struct ed_log){broker_fence,    broker_begin,  broker_send,       broker_send_state,
                             broker_offsets,  broker_commit, broker_abort,      broker_oversize,
                             broker_doubtful, broker_bounds, broker_read,       broker_state_next,
                             broker_forget,   broker_told,   broker_ran_before, broker_now,
                             broker_pause,    broker_draw,   broker_free};
    b->shard = options->shard;
    b->n_shards = options->n_shards;
    b->group = options->group;
    b->state_next = b->read_at = -1;
    eddy_status st = names_copy(b, options, err);
    b->own_topic = b->state ? b->state : b->n_inputs ? b->inputs[0] : "";
    b->own_partition = b->state ? b->shard : options->partition;
    if (st == EDDY_OK)
        st = ed_client_producer_conf(options, &b->producer_conf, err);
    if (st == EDDY_OK)
        st = ed_client_reader_conf(options, &b->reader_conf, err);
    if (st == EDDY_OK) {
        rd_kafka_conf_set_opaque(b->producer_conf, b);
        rd_kafka_conf_set_error_cb(b->producer_conf, on_error);
        rd_kafka_conf_set_log_cb(b->producer_conf, on_log);
        rd_kafka_conf_set_dr_msg_cb(b->producer_conf, on_report);
    }
    if (st == EDDY_OK)
        st = producer_new(b, err) == ED_DONE ? EDDY_OK : EDDY_CONFIG;
    if (st == EDDY_OK && !options->prepared)
        st = ed_topics_prepare(b->rk, options, b->last_error, err);
    if (st != EDDY_OK) {
        broker_free(&b->log);
        return st;
    }
    *ret = &b->log;
    return EDDY_OK;
}
