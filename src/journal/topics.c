/* Topics: which are missing, how they are made, whether those that are there keep what they should.
 *
 * The list of all topics is asked for, never single ones: a broker that creates topics on demand
 * would take the question for a wish. */
#include "journal/topics.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <string.h>

#define WAIT_MS  10000 /* for a broker */
#define SLICE_MS 500   /* between two looks at what librdkafka has to say */
#define CHECK_MS 1000  /* for what is only worth a warning */

#define CREATE_TRIES 3 /* each of WAIT_MS */

/* The output topics and, behind them, the state, and where operations come in. */
enum { STATE = ED_TOPICS, CONTROL, ALL };

static const char *name_of(const struct ed_journal_kafka *o, int topic)
{
    return topic == STATE ? o->state : topic == CONTROL ? o->control : o->topics[topic];
}

/* Each shard has a partition of the state, of the documents that come embedded, and of the
 * operations that come in. */
static int partitions_wanted(const struct ed_journal_kafka *o, int topic)
{
    return topic == STATE || topic == CONTROL || topic == ED_VECTORS ? o->n_shards : o->partitions;
}

static const char *policy_of(int topic)
{
    int keeps_last = topic == ED_EVENTS || topic == ED_TEMPLATES;
    return topic == STATE ? "compact,delete" : keeps_last ? "compact" : "delete";
}

/* The state is written all the time and each record many times. What is void we delete ourselves
 * (living.h), which is what the policy's "delete" is for: by age or size nothing goes. What we have
 * not come to after two minutes, in a stream that is slow, is compacted; a tombstone stays long
 * enough for any reader that is under way. */
static const char *const state_configs[][2] = {
    {"retention.ms", "-1"},
    {"retention.bytes", "-1"},
    {"segment.bytes", "67108864"},
    {"min.compaction.lag.ms", "120000"},
    {"min.cleanable.dirty.ratio", "0.3"},
    {"delete.retention.ms", "86400000"},
    {"max.message.bytes", "4194304"},
};

/* ---- what is there ---- */

static eddy_status topics_list(rd_kafka_t *rk, const char *last_error,
                               const struct rd_kafka_metadata **ret, eddy_error *err)
{
    rd_kafka_resp_err_t why = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int waited = 0; waited < WAIT_MS; waited += SLICE_MS) {
        why = rd_kafka_metadata(rk, 1, NULL, ret, SLICE_MS);
        if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
            return EDDY_OK;
        rd_kafka_poll(rk, 0);
    }
    return eddy_fail_retriable(err, EDDY_UNAVAILABLE, "kafka: no broker answered within %d s: %s",
                               WAIT_MS / 1000, *last_error ? last_error : rd_kafka_err2str(why));
}

/* How many partitions it has; 0: it is not there. */
static int partitions_of(const struct rd_kafka_metadata *meta, const char *topic)
{
    for (int i = 0; i < meta->topic_cnt; i++)
        if (!strcmp(meta->topics[i].topic, topic) &&
            meta->topics[i].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            return meta->topics[i].partition_cnt > 0 ? meta->topics[i].partition_cnt : 1;
    return 0;
}

eddy_status ed_topics_partitions(rd_kafka_t *rk, const char *topic, const char *last_error,
                                 int *ret, eddy_error *err)
{
    const struct rd_kafka_metadata *meta = NULL;
    eddy_status st = topics_list(rk, last_error, &meta, err);
    if (st != EDDY_OK)
        return st;
    *ret = partitions_of(meta, topic);
    rd_kafka_metadata_destroy(meta);
    return EDDY_OK;
}

/* ---- admin requests ---- */

static rd_kafka_event_t *answer(rd_kafka_t *rk, rd_kafka_queue_t *queue, int wait_ms)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * wait_ms);
    rd_kafka_poll(rk, 0);
    return event;
}

static rd_kafka_AdminOptions_t *patience(rd_kafka_t *rk, rd_kafka_admin_op_t op, int wait_ms)
{
    char text[200];
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(rk, op);
    rd_kafka_AdminOptions_set_request_timeout(o, wait_ms, text, sizeof text);
    return o;
}

static eddy_status created(rd_kafka_event_t *event, eddy_error *err)
{
    const rd_kafka_CreateTopics_result_t *result =
        event ? rd_kafka_event_CreateTopics_result(event) : NULL;
    if (!result)
        return eddy_fail_retriable(err, EDDY_UNAVAILABLE, "kafka: topics were not created in time");
    if (rd_kafka_event_error(event))
        return eddy_fail_retriable(err, EDDY_UNAVAILABLE, "kafka: cannot create topics: %s",
                                   rd_kafka_event_error_string(event));
    size_t n;
    const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(result, &n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t why = rd_kafka_topic_result_error(topics[i]);
        const char *text = rd_kafka_topic_result_error_string(topics[i]);
        if (why && why != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: cannot create topic %s: %s",
                             rd_kafka_topic_result_name(topics[i]),
                             text ? text : rd_kafka_err2str(why));
    }
    return EDDY_OK;
}

/* (n) places in missing of those to be made, by enum ed_topic. */
static eddy_status create(rd_kafka_t *rk, const struct ed_journal_kafka *o, const int *missing,
                          size_t n, eddy_error *err)
{
    rd_kafka_NewTopic_t *topics[ALL];
    char text[200] = "";
    for (size_t i = 0; i < n; i++) {
        int state = missing[i] == STATE;
        const char *name = name_of(o, missing[i]);
        topics[i] = rd_kafka_NewTopic_new(name, partitions_wanted(o, missing[i]), o->replication,
                                          text, sizeof text);
        if (!topics[i]) {
            rd_kafka_NewTopic_destroy_array(topics, i);
            return eddy_fail(err, EDDY_CONFIG, "kafka: topic %s: %s", name, text);
        }
        rd_kafka_NewTopic_set_config(topics[i], "cleanup.policy", policy_of(missing[i]));
        for (size_t k = 0; state && k < sizeof state_configs / sizeof *state_configs; k++)
            rd_kafka_NewTopic_set_config(topics[i], state_configs[k][0], state_configs[k][1]);
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *wait = patience(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS, WAIT_MS);
    rd_kafka_AdminOptions_set_operation_timeout(wait, WAIT_MS, text, sizeof text);
    rd_kafka_CreateTopics(rk, topics, n, wait, queue);
    rd_kafka_event_t *event = answer(rk, queue, WAIT_MS);
    eddy_status st = created(event, err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(wait);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy_array(topics, n);
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        ed_log(ED_LOG_INFO, "journal", "topic %s created, cleanup.policy %s",
               name_of(o, missing[i]), policy_of(missing[i]));
    return st;
}

/* The same, again where the brokers are there but have not agreed yet on who leads them: a cluster
 * that starts, or has just lost a broker. */
static eddy_status create_patiently(rd_kafka_t *rk, const struct ed_journal_kafka *o,
                                    const int *missing, size_t n, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    eddy_error why;
    for (int tries = 1; tries <= CREATE_TRIES; tries++) {
        why = (eddy_error){0};
        st = create(rk, o, missing, n, &why);
        if (st == EDDY_OK || !why.retriable)
            break;
        if (tries < CREATE_TRIES)
            ed_log(ED_LOG_WARN, "journal", "%s; trying again", why.text);
    }
    if (st != EDDY_OK && err)
        *err = why;
    return st;
}

/* ---- what those that are there keep ---- */

/* What a topic has set; NULL: it is not told. */
static const char *setting_of(const rd_kafka_ConfigResource_t *resource, const char *name)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]), name))
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

/* 1: records may go that count. */
static int state_ages(const rd_kafka_ConfigResource_t *resource, const char *policy)
{
    static const char *const limits[] = {"retention.ms", "retention.bytes"};
    if (!strstr(policy, "compact"))
        return 1;
    for (size_t i = 0; i < 2 && strstr(policy, "delete"); i++) {
        const char *limit = setting_of(resource, limits[i]);
        if (limit && strcmp(limit, "-1") != 0)
            return 1;
    }
    return 0;
}

/* A state that the broker deletes is lost: that is refused; of the others we only warn. */
static eddy_status policy_check(const rd_kafka_ConfigResource_t *resource,
                                const struct ed_journal_kafka *o, eddy_error *err)
{
    const char *name = rd_kafka_ConfigResource_name(resource);
    const char *policy = setting_of(resource, "cleanup.policy");
    if (!policy)
        return EDDY_OK;
    if (o->state && !strcmp(o->state, name) && state_ages(resource, policy))
        return eddy_fail(err, EDDY_CONFIG,
                         "topic %s has cleanup.policy %s: the broker would delete the state; set "
                         "it to compact, or to compact,delete with retention.ms and "
                         "retention.bytes -1",
                         name, policy);
    for (int t = 0; t < ED_TOPICS; t++)
        if (o->topics[t] && !strcmp(o->topics[t], name) &&
            !strstr(policy, "compact") != !strstr(policy_of(t), "compact"))
            ed_log(ED_LOG_WARN, "journal", "topic %s has cleanup.policy %s, better is %s", name,
                   policy, policy_of(t));
    return EDDY_OK;
}

/* No answer is no error: not everybody may ask. */
static eddy_status policies_check(rd_kafka_t *rk, const struct ed_journal_kafka *o,
                                  const int *there, size_t n, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    rd_kafka_ConfigResource_t *asked[ALL];
    for (size_t i = 0; i < n; i++)
        asked[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name_of(o, there[i]));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *wait = patience(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, CHECK_MS);
    rd_kafka_DescribeConfigs(rk, asked, n, wait, queue);
    rd_kafka_event_t *event = answer(rk, queue, CHECK_MS);
    const rd_kafka_DescribeConfigs_result_t *result =
        event ? rd_kafka_event_DescribeConfigs_result(event) : NULL;
    if (result) {
        size_t n_found;
        const rd_kafka_ConfigResource_t **found =
            rd_kafka_DescribeConfigs_result_resources(result, &n_found);
        for (size_t i = 0; i < n_found && st == EDDY_OK; i++)
            st = policy_check(found[i], o, err);
    }
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(wait);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy_array(asked, n);
    return st;
}

eddy_status ed_topics_prepare(rd_kafka_t *rk, const struct ed_journal_kafka *o,
                              const char *last_error, eddy_error *err)
{
    const struct rd_kafka_metadata *meta = NULL;
    eddy_status st = topics_list(rk, last_error, &meta, err);
    if (st != EDDY_OK)
        return st;
    int missing[ALL], there[ALL], n_state = o->n_shards;
    size_t n_missing = 0, n_there = 0;
    for (int t = 0; t < ALL; t++) {
        if (!name_of(o, t))
            continue;
        int n = partitions_of(meta, name_of(o, t));
        if (n)
            there[n_there++] = t;
        else
            missing[n_missing++] = t;
        if (n && t == STATE)
            n_state = n;
        if (n && t == CONTROL && n < o->n_shards)
            ed_log(ED_LOG_WARN, "journal",
                   "topic %s has %d partitions, but state.shards is %d: give it as many",
                   o->control, n, (int)o->n_shards);
    }
    rd_kafka_metadata_destroy(meta);
    if (n_state != o->n_shards)
        return eddy_fail(err, EDDY_CONFIG,
                         "topic %s has %d partitions, but state.shards is %d: the number of shards "
                         "cannot change; take another pipeline name and replay",
                         o->state, n_state, (int)o->n_shards);
    if (n_missing && !o->create)
        return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s does not exist",
                         name_of(o, missing[0]));
    if (n_missing)
        st = create_patiently(rk, o, missing, n_missing, err);
    if (st == EDDY_OK && n_there && !o->unchecked)
        st = policies_check(rk, o, there, n_there, err);
    return st;
}
