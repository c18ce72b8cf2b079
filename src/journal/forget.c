/* Forget: one request at a time, whose answer is looked for at the next one. What was deleted is
 * not asked: a later request deletes it as well. Only a refusal counts. */
#include "journal/forget.h"

#include "base/log.h"

#define REQUEST_MS 10000

/* Will it be answered like this again, whenever it is asked? */
static int is_final(rd_kafka_resp_err_t why)
{
    switch (why) {
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG: return 1;
    default: return 0;
    }
}

static void answered(struct ed_forget *f, rd_kafka_event_t *event, const char *topic)
{
    rd_kafka_resp_err_t why = rd_kafka_event_error(event);
    const rd_kafka_DeleteRecords_result_t *result = rd_kafka_event_DeleteRecords_result(event);
    const rd_kafka_topic_partition_list_t *list =
        !why && result ? rd_kafka_DeleteRecords_result_offsets(result) : NULL;
    if (list && list->cnt)
        why = list->elems[0].err;
    f->under_way = 0;
    if (!is_final(why))
        return;
    f->keeps = 1;
    ed_log(ED_LOG_INFO, "journal",
           "topic %s: void records are left to the broker's log cleaner: %s; with cleanup.policy "
           "compact,delete, retention.ms -1, retention.bytes -1 and the right to delete records it "
           "would be spared the work",
           topic, rd_kafka_err2str(why));
}

static void ask(struct ed_forget *f, rd_kafka_t *rk, const char *topic, int32_t partition,
                int64_t before)
{
    char text[200];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = before;
    rd_kafka_DeleteRecords_t *asked = rd_kafka_DeleteRecords_new(list);
    rd_kafka_AdminOptions_t *wait = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    rd_kafka_AdminOptions_set_request_timeout(wait, REQUEST_MS, text, sizeof text);
    rd_kafka_DeleteRecords(rk, &asked, 1, wait, f->queue);
    rd_kafka_AdminOptions_destroy(wait);
    rd_kafka_DeleteRecords_destroy(asked);
    rd_kafka_topic_partition_list_destroy(list);
    f->under_way = 1;
}

int ed_forget(struct ed_forget *f, rd_kafka_t *rk, const char *topic, int32_t partition,
              int64_t before)
{
    if (!rk || f->keeps)
        return !f->keeps;
    if (!f->queue)
        f->queue = rd_kafka_queue_new(rk);
    rd_kafka_event_t *event = f->under_way ? rd_kafka_queue_poll(f->queue, 0) : NULL;
    if (event) {
        answered(f, event, topic);
        rd_kafka_event_destroy(event);
    }
    if (!f->under_way && !f->keeps)
        ask(f, rk, topic, partition, before);
    return !f->keeps;
}

void ed_forget_drop(struct ed_forget *f)
{
    if (f->queue)
        rd_kafka_queue_destroy(f->queue);
    f->queue = NULL;
    f->under_way = 0;
}
