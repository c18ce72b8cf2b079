/* Marks: a consumer that consumes nothing, for its group's offsets. */
#include "source/marks.h"

#include "source/options.h"

#include "base/error.h"
#include "base/memory.h"

#define CALL_MS 10000

struct ed_marks {
    rd_kafka_t *rk;
};

eddy_status ed_marks_open(const struct ed_source_kafka *options, const char *group,
                          struct ed_marks **ret, eddy_error *err)
{
    char text[300];
    rd_kafka_conf_t *conf = NULL;
    eddy_status st = ed_source_conf(options, 1, &conf, err);
    if (st != EDDY_OK)
        return st;
    struct ed_marks *marks = ed_alloc_zero(1, sizeof *marks);
    if (!marks)
        st = eddy_fail_nomem(err, "marks", sizeof *marks);
    else if (rd_kafka_conf_set(conf, "group.id", group, text, sizeof text) != RD_KAFKA_CONF_OK)
        st = eddy_fail(err, EDDY_CONFIG, "group %s: %s", group, text);
    else if (!(marks->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text)))
        st = eddy_fail(err, EDDY_UNAVAILABLE, "kafka: %s", text);
    else
        conf = NULL; /* the client's now */
    if (conf)
        rd_kafka_conf_destroy(conf);
    if (st != EDDY_OK) {
        ed_free(marks);
        return st;
    }
    *ret = marks;
    return EDDY_OK;
}

void ed_marks_free(struct ed_marks *marks)
{
    if (!marks)
        return;
    rd_kafka_destroy(marks->rk);
    ed_free(marks);
}

static eddy_status failed(const char *what, rd_kafka_resp_err_t why, eddy_error *err)
{
    return eddy_fail_retriable(err, EDDY_UNAVAILABLE, "kafka: %s: %s", what, rd_kafka_err2str(why));
}

eddy_status ed_marks_read(struct ed_marks *marks, const char *topic, int32_t partition,
                          int64_t *ret, eddy_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t why = rd_kafka_committed(marks->rk, list, CALL_MS);
    if (!why)
        why = list->elems[0].err;
    if (!why)
        *ret = list->elems[0].offset > 0 ? list->elems[0].offset : 0;
    rd_kafka_topic_partition_list_destroy(list);
    return why ? failed("the group's offsets cannot be read", why, err) : EDDY_OK;
}

eddy_status ed_marks_write(struct ed_marks *marks, const char *topic, int32_t partition,
                           int64_t next, eddy_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = next;
    rd_kafka_resp_err_t why = rd_kafka_commit(marks->rk, list, 0);
    if (!why)
        why = list->elems[0].err;
    rd_kafka_topic_partition_list_destroy(list);
    return why ? failed("the group's offsets cannot be written", why, err) : EDDY_OK;
}
