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

static const char *policy_of(int topic)
{
    return topic == ED_EVENTS ? "compact" : "delete";
}

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

static int is_there(const struct rd_kafka_metadata *meta, const char *topic)
{
    for (int i = 0; i < meta->topic_cnt; i++)
        if (!strcmp(meta->topics[i].topic, topic))
            return meta->topics[i].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    return 0;
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
    rd_kafka_NewTopic_t *topics[ED_TOPICS];
    char text[200] = "";
    for (size_t i = 0; i < n; i++) {
        const char *name = o->topics[missing[i]];
        topics[i] = rd_kafka_NewTopic_new(name, o->partitions, o->replication, text, sizeof text);
        if (!topics[i]) {
            rd_kafka_NewTopic_destroy_array(topics, i);
            return eddy_fail(err, EDDY_CONFIG, "kafka: topic %s: %s", name, text);
        }
        rd_kafka_NewTopic_set_config(topics[i], "cleanup.policy", policy_of(missing[i]));
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
        ed_log(ED_LOG_INFO, "journal", "topic %s created, cleanup.policy %s", o->topics[missing[i]],
               policy_of(missing[i]));
    return st;
}

/* ---- what those that are there keep ---- */

static void policy_check(const rd_kafka_ConfigResource_t *resource,
                         const struct ed_journal_kafka *o)
{
    size_t n;
    const char *name = rd_kafka_ConfigResource_name(resource);
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    for (size_t i = 0; i < n; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "cleanup.policy") != 0 || !value)
            continue;
        for (int t = 0; t < ED_TOPICS; t++)
            if (o->topics[t] && !strcmp(o->topics[t], name) &&
                !strstr(value, "compact") != !strstr(policy_of(t), "compact"))
                ed_log(ED_LOG_WARN, "journal", "topic %s has cleanup.policy %s, better is %s", name,
                       value, policy_of(t));
    }
}

/* Only a warning is at stake: no answer is no error. */
static void policies_check(rd_kafka_t *rk, const struct ed_journal_kafka *o, const int *there,
                           size_t n)
{
    rd_kafka_ConfigResource_t *asked[ED_TOPICS];
    for (size_t i = 0; i < n; i++)
        asked[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, o->topics[there[i]]);
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
        for (size_t i = 0; i < n_found; i++)
            policy_check(found[i], o);
    }
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(wait);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy_array(asked, n);
}

eddy_status ed_topics_prepare(rd_kafka_t *rk, const struct ed_journal_kafka *o,
                              const char *last_error, eddy_error *err)
{
    const struct rd_kafka_metadata *meta = NULL;
    eddy_status st = topics_list(rk, last_error, &meta, err);
    if (st != EDDY_OK)
        return st;
    int missing[ED_TOPICS], there[ED_TOPICS];
    size_t n_missing = 0, n_there = 0;
    for (int t = 0; t < ED_TOPICS; t++) {
        if (!o->topics[t])
            continue;
        if (is_there(meta, o->topics[t]))
            there[n_there++] = t;
        else
            missing[n_missing++] = t;
    }
    rd_kafka_metadata_destroy(meta);
    if (n_missing && !o->create)
        return eddy_fail(err, EDDY_UNAVAILABLE, "kafka: topic %s does not exist",
                         o->topics[missing[0]]);
    if (n_missing)
        st = create(rk, o, missing, n_missing, err);
    if (st == EDDY_OK && n_there && !o->unchecked)
        policies_check(rk, o, there, n_there);
    return st;
}
