/* A transactional producer as librdkafka's manual has it, without eddy's guard: what a late EndTxn
 * does to it (tests/faults/run --case late-end-bare). Each transaction is twenty messages
 * "TRANSACTION-NUMBER", sent one by one.
 *
 *   bare BROKERS TOPIC TRANSACTIONS     exit 1 when a transaction failed, after saying why */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failed(rd_kafka_error_t *error, const char *call)
{
    if (!error)
        return 0;
    printf("%s: %s\n", call, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return 1;
}

static int transaction(rd_kafka_t *rk, const char *topic, int number)
{
    if (failed(rd_kafka_begin_transaction(rk), "begin"))
        return 0;
    for (int i = 0; i < 20; i++) {
        char text[50];
        int n = snprintf(text, sizeof text, "%d-%d", number, i);
        rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                          RD_KAFKA_V_VALUE(text, (size_t)n),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        rd_kafka_flush(rk, 10000);
        usleep(2000);
    }
    rd_kafka_error_t *error;
    while ((error = rd_kafka_commit_transaction(rk, -1)) && rd_kafka_error_is_retriable(error))
        rd_kafka_error_destroy(error);
    return !failed(error, "commit");
}

int main(int argc, char **argv)
{
    char text[512];
    if (argc != 4)
        return 2;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], text, sizeof text);
    rd_kafka_conf_set(conf, "transactional.id", argv[2], text, sizeof text);
    rd_kafka_conf_set(conf, "linger.ms", "0", text, sizeof text);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    int good = rk && !failed(rd_kafka_init_transactions(rk, 30000), "init");
    for (int i = 0; i < atoi(argv[3]) && good; i++)
        good = transaction(rk, argv[2], i);
    return good ? 0 : 1;
}
