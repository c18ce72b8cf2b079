/* Group: one consumer that joins, and reads nothing.
 *
 * The protocol is the cooperative one: who joins takes only what moves, all others go on. Its known
 * trap (librdkafka#4059: a commit while it waits to join costs the assignment) is not met here, for
 * nothing is committed by this consumer; offsets go through the transactions.
 *
 * A partition that is gained is paused at once, so nothing of it is ever fetched. */
#include "journal/client.h"
#include "journal/member.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CLOSE_MS 10000
#define SLICE_MS 100

struct held {
    char *topic;
    int32_t partition;
};

struct ed_group {
    struct ed_group_options o; /* names are borrowed for the open only */
    rd_kafka_t *rk;
    int cooperative; /* learnt at the first assignment: asking later may hang (librdkafka#4041) */

    pthread_mutex_t lock; /* guards what follows */
    struct held *held;    /* (n) */
    size_t n, room;
    char fatal[300];
    int fenced;
};

/* ---- what is ours ---- */

static size_t place_of(const struct ed_group *g, const char *topic, int32_t partition)
{
    size_t i = 0;
    while (i < g->n && (g->held[i].partition != partition || strcmp(g->held[i].topic, topic) != 0))
        i++;
    return i;
}

int ed_group_owns(struct ed_group *g, const char *topic, int32_t partition)
{
    pthread_mutex_lock(&g->lock);
    int owns = place_of(g, topic, partition) < g->n && !g->fenced;
    pthread_mutex_unlock(&g->lock);
    return owns;
}

static void fatal_set(struct ed_group *g, const char *text, int fenced)
{
    pthread_mutex_lock(&g->lock);
    if (!g->fatal[0])
        snprintf(g->fatal, sizeof g->fatal, "%s", text);
    g->fenced |= fenced;
    pthread_mutex_unlock(&g->lock);
}

static void hold(struct ed_group *g, const char *topic, int32_t partition)
{
    int whole = 1;
    pthread_mutex_lock(&g->lock);
    if (place_of(g, topic, partition) == g->n) {
        struct held *list = ed_list_room(g->held, g->n, &g->room, sizeof *list);
        char *name = list ? ed_strdup(topic) : NULL;
        g->held = list ? list : g->held;
        whole = name != NULL;
        if (whole)
            g->held[g->n++] = (struct held){name, partition};
    }
    pthread_mutex_unlock(&g->lock);
    if (!whole)
        fatal_set(g, "no memory for a partition", 0);
}

static void let_go(struct ed_group *g, const char *topic, int32_t partition)
{
    pthread_mutex_lock(&g->lock);
    size_t i = place_of(g, topic, partition);
    if (i < g->n) {
        ed_free(g->held[i].topic);
        g->held[i] = g->held[--g->n];
    }
    pthread_mutex_unlock(&g->lock);
}

/* ---- rebalances; from inside the poll ---- */

static void assign(struct ed_group *g, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    if (g->cooperative) {
        rd_kafka_error_t *error = rd_kafka_incremental_assign(g->rk, list);
        if (error) {
            ed_log(ED_LOG_WARN, "group", "cannot assign: %s", rd_kafka_error_string(error));
            rd_kafka_error_destroy(error);
        }
    } else {
        rd_kafka_assign(g->rk, list);
    }
    rd_kafka_pause_partitions(g->rk, list);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *tp = &list->elems[i];
        hold(g, tp->topic, tp->partition);
        ed_log(ED_LOG_INFO, "group", "partition %d of topic %s is ours", (int)tp->partition,
               tp->topic);
        g->o.gained(g->o.user, tp->topic, tp->partition);
    }
}

static void unassign(struct ed_group *g, rd_kafka_topic_partition_list_t *list, int lost)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *tp = &list->elems[i];
        if (lost)
            let_go(g, tp->topic, tp->partition);
        g->o.gone(g->o.user, tp->topic, tp->partition, lost);
        let_go(g, tp->topic, tp->partition);
        ed_log(ED_LOG_INFO, "group", "partition %d of topic %s is %s", (int)tp->partition,
               tp->topic, lost ? "lost" : "given up");
    }
    if (g->cooperative) {
        rd_kafka_error_t *error = rd_kafka_incremental_unassign(g->rk, list);
        if (error)
            rd_kafka_error_destroy(error);
    } else {
        rd_kafka_assign(g->rk, NULL);
    }
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t why,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct ed_group *g = opaque;
    if (why == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        const char *protocol = rd_kafka_rebalance_protocol(rk);
        g->cooperative = protocol && !strcmp(protocol, "COOPERATIVE");
        assign(g, list);
        return;
    }
    if (why != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        ed_log(ED_LOG_WARN, "group", "rebalance failed: %s", rd_kafka_err2str(why));
    unassign(g, list, rd_kafka_assignment_lost(rk));
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct ed_group *g = opaque;
    char text[300];
    (void)reason;
    if (code != RD_KAFKA_RESP_ERR__FATAL)
        return; /* troubles with connections: the log has them */
    rd_kafka_resp_err_t root = rd_kafka_fatal_error(rk, text, sizeof text);
    fatal_set(g, text, root == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
}

/* ---- the rest ---- */

static eddy_status fatal_check(struct ed_group *g, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    pthread_mutex_lock(&g->lock);
    if (g->fenced)
        st = eddy_fail(err, EDDY_FENCED,
                       "another process has joined group %s with the same source.instance: each "
                       "needs its own (%s)",
                       g->o.group, g->fatal);
    else if (g->fatal[0])
        st = eddy_fail(err, EDDY_UNAVAILABLE, "kafka: %s", g->fatal);
    pthread_mutex_unlock(&g->lock);
    return st;
}

eddy_status ed_group_poll(struct ed_group *g, int wait_ms, eddy_error *err)
{
    rd_kafka_message_t *m = rd_kafka_consumer_poll(g->rk, wait_ms);
    if (m) {
        if (m->err == RD_KAFKA_RESP_ERR__FATAL)
            on_error(g->rk, RD_KAFKA_RESP_ERR__FATAL, "", g);
        else if (m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
                 m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            fatal_set(g, rd_kafka_message_errstr(m), 0);
        rd_kafka_message_destroy(m); /* paused: only errors come */
    }
    return fatal_check(g, err);
}

rd_kafka_consumer_group_metadata_t *ed_group_metadata(struct ed_group *g)
{
    return rd_kafka_consumer_group_metadata(g->rk);
}

rd_kafka_t *ed_group_client(struct ed_group *g)
{
    return g->rk;
}

/* rd_kafka_consumer_close has no bound and is known to hang (librdkafka#4527): the other one. */
static int leave(struct ed_group *g)
{
    int64_t until = ed_monotonic_ms() + CLOSE_MS;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(g->rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(g->rk, queue);
    if (error) {
        ed_log(ED_LOG_WARN, "group", "close: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    } else {
        while (!rd_kafka_consumer_closed(g->rk) && ed_monotonic_ms() < until)
            rd_kafka_queue_poll_callback(queue, SLICE_MS);
    }
    rd_kafka_queue_destroy(queue);
    return rd_kafka_consumer_closed(g->rk);
}

void ed_group_free(struct ed_group *g)
{
    if (!g)
        return;
    if (g->rk && !leave(g)) {
        /* To destroy it now would hang. A few MB of a process that ends cost less. */
        ed_log(ED_LOG_WARN, "group", "did not leave the group in time");
        return;
    }
    if (g->rk)
        rd_kafka_destroy(g->rk);
    for (size_t i = 0; i < g->n; i++)
        ed_free(g->held[i].topic);
    ed_free(g->held);
    ed_free((char *)g->o.group);
    pthread_mutex_destroy(&g->lock);
    ed_free(g);
}

static const char *const defaults[][2] = {
    {"client.id", "eddy"},
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "500"}, /* by which a standby hears that an owner has gone */
    {"max.poll.interval.ms", "300000"},
    {"socket.nagle.disable", "true"},
    {"reconnect.backoff.max.ms", "1000"},
    {"log.connection.close", "false"},
};

static const char *const owned[] = {"group.id",
                                    "group.instance.id",
                                    "enable.auto.commit",
                                    "auto.commit.enable",
                                    "enable.auto.offset.store",
                                    "auto.offset.reset",
                                    "partition.assignment.strategy",
                                    "group.protocol",
                                    "isolation.level",
                                    "allow.auto.create.topics",
                                    NULL};

static eddy_status conf_make(const struct ed_group_options *o, rd_kafka_conf_t **ret,
                             eddy_error *err)
{
    const char *const insisted[][2] = {
        {"group.id", o->group},
        {"group.instance.id", o->instance},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "latest"},
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"isolation.level", "read_committed"},
        {"allow.auto.create.topics", "false"},
    };
    const struct ed_client_options all = {
        defaults, sizeof defaults / sizeof *defaults, o->options, o->n_options, owned,
        insisted, sizeof insisted / sizeof *insisted, o->insecure};
    return ed_client_conf(&all, ret, err);
}

static eddy_status subscribe(struct ed_group *g, const struct ed_group_options *o, eddy_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)o->n_topics);
    for (size_t i = 0; i < o->n_topics; i++)
        rd_kafka_topic_partition_list_add(list, o->topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t why = rd_kafka_subscribe(g->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (why)
        return eddy_fail(err, EDDY_CONFIG, "kafka: cannot join: %s", rd_kafka_err2str(why));
    return EDDY_OK;
}

eddy_status ed_group_open(const struct ed_group_options *options, struct ed_group **ret,
                          eddy_error *err)
{
    rd_kafka_conf_t *conf = NULL;
    struct ed_group *g = ed_alloc_zero(1, sizeof *g);
    if (!g)
        return eddy_fail_nomem(err, "group", sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    g->o = *options;
    g->o.group = ed_strdup(options->group);
    eddy_status st = g->o.group ? conf_make(options, &conf, err)
                                : eddy_fail_nomem(err, "group", strlen(options->group));
    if (st == EDDY_OK) {
        rd_kafka_conf_set_opaque(conf, g);
        rd_kafka_conf_set_error_cb(conf, on_error);
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
        st = ed_client_new(RD_KAFKA_CONSUMER, conf, &g->rk, err);
    }
    if (st == EDDY_OK) {
        rd_kafka_poll_set_consumer(g->rk);
        st = subscribe(g, options, err);
    }
    if (st != EDDY_OK) {
        ed_group_free(g);
        return st;
    }
    *ret = g;
    return EDDY_OK;
}
