/* What the scenes ask of a broker beside messages, without a Java machine for each question:
 *
 *   kafka_admin BROKER create TOPIC PARTITIONS [NAME=VALUE...]
 *   kafka_admin BROKER grow TOPIC PARTITIONS
 *   kafka_admin BROKER delete TOPIC
 *   kafka_admin BROKER offsets GROUP TOPIC      "PARTITION OFFSET" a line, of those that have one
 *
 * Only librdkafka, none of the code under test. Exit 1 and a sentence when the broker says no. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 30000 };

static void die(const char *what, const char *why)
{
    fprintf(stderr, "kafka_admin: %s: %s\n", what, why);
    exit(1);
}

static rd_kafka_t *client_new(const char *broker, rd_kafka_type_t type, const char *group)
{
    char why[500];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", broker, why, sizeof why) ||
        (group && rd_kafka_conf_set(conf, "group.id", group, why, sizeof why)))
        die(broker, why);
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!rk)
        die(broker, why);
    return rk;
}

/* The answer to what was put, of one topic; the queue is given up. */
static void answered(rd_kafka_queue_t *queue, const char *topic)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
    size_t n = 0;
    const rd_kafka_topic_result_t **results = NULL;
    if (!event)
        die(topic, "no answer");
    if (rd_kafka_event_error(event))
        die(topic, rd_kafka_event_error_string(event));
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
        results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT)
        results = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(event), &n);
    else
        results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
    for (size_t i = 0; i < n; i++)
        if (rd_kafka_topic_result_error(results[i]))
            die(topic, rd_kafka_err2str(rd_kafka_topic_result_error(results[i])));
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
}

static void create(rd_kafka_t *rk, const char *topic, int partitions, char **settings)
{
    char why[500];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, -1, why, sizeof why);
    if (!wanted)
        die(topic, why);
    for (; *settings; settings++) {
        char *value = strchr(*settings, '=');
        if (!value)
            die(*settings, "is not NAME=VALUE");
        *value = 0;
        rd_kafka_NewTopic_set_config(wanted, *settings, value + 1);
    }
    rd_kafka_CreateTopics(rk, &wanted, 1, NULL, queue);
    answered(queue, topic);
    rd_kafka_NewTopic_destroy(wanted);
}

static void grow(rd_kafka_t *rk, const char *topic, int partitions)
{
    char why[500];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewPartitions_t *wanted =
        rd_kafka_NewPartitions_new(topic, (size_t)partitions, why, sizeof why);
    if (!wanted)
        die(topic, why);
    rd_kafka_CreatePartitions(rk, &wanted, 1, NULL, queue);
    answered(queue, topic);
    rd_kafka_NewPartitions_destroy(wanted);
}

static void delete (rd_kafka_t *rk, const char *topic)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteTopic_t *wanted = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_DeleteTopics(rk, &wanted, 1, NULL, queue);
    answered(queue, topic);
    rd_kafka_DeleteTopic_destroy(wanted);
}

static void offsets(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *told = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t why = rd_kafka_metadata(rk, 0, rkt, &told, WAIT_MS);
    if (why || told->topic_cnt != 1)
        die(topic, rd_kafka_err2str(why));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (int p = 0; p < told->topics[0].partition_cnt; p++)
        rd_kafka_topic_partition_list_add(list, topic, p);
    why = rd_kafka_committed(rk, list, WAIT_MS);
    if (why)
        die(topic, rd_kafka_err2str(why));
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].offset >= 0)
            printf("%d %lld\n", list->elems[i].partition, (long long)list->elems[i].offset);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(told);
    rd_kafka_topic_destroy(rkt);
}

int main(int argc, char **argv)
{
    const char *what = argc > 3 ? argv[2] : "";
    int of_group = argc == 5 && strcmp(what, "offsets") == 0;
    rd_kafka_t *rk = NULL;
    if (argc > 3)
        rk = client_new(argv[1], of_group ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER,
                        of_group ? argv[3] : NULL);
    if (of_group)
        offsets(rk, argv[4]);
    else if (argc > 4 && strcmp(what, "create") == 0)
        create(rk, argv[3], atoi(argv[4]), argv + 5);
    else if (argc == 5 && strcmp(what, "grow") == 0)
        grow(rk, argv[3], atoi(argv[4]));
    else if (argc == 4 && strcmp(what, "delete") == 0)
        delete (rk, argv[3]);
    else
        die(what, "create, grow, delete or offsets");
    rd_kafka_destroy(rk);
    return 0;
}
