/* What the tests on a real broker share. Its address is in the folder that EDDY_KAFKA_DIR names
 * (tools/kafka). Topics and groups carry the process id, so programs may run side by side. Input
 * is produced by kcat: not by the code under test. */
#ifndef EDDY_TESTS_KAFKA_BROKER_H
#define EDDY_TESTS_KAFKA_BROKER_H

#include "test.h"

#include "base/error.h"
#include "base/time.h"
#include "journal/journal.h"
#include "source/source.h"

#include <librdkafka/rdkafka.h>
#include <unistd.h>

static inline const char *broker(void)
{
    static char address[100];
    char path[1000];
    const char *dir = getenv("EDDY_KAFKA_DIR");
    if (address[0])
        return address;
    snprintf(path, sizeof path, "%s/kafka.address", dir ? dir : "");
    FILE *in = fopen(path, "r");
    if (!in || !fgets(address, sizeof address, in)) {
        printf("no broker: run by ctest -L kafka, or set EDDY_KAFKA_DIR to one of tools/kafka\n");
        exit(77);
    }
    fclose(in);
    address[strcspn(address, "\n")] = 0;
    return address;
}

/* "NAME-PID"; a few at a time. */
static inline const char *own(const char *name)
{
    static char names[16][60];
    static int next;
    char *at = names[next++ % 16];
    snprintf(at, 60, "%s-%d", name, (int)getpid());
    return at;
}

__attribute__((format(printf, 1, 2))) static inline void shell(const char *format, ...)
{
    char command[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

/* What a command prints, at most n bytes with the 0. */
__attribute__((format(printf, 3, 4))) static inline void shell_read(char *ret, size_t n,
                                                                    const char *format, ...)
{
    char command[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    ret[fread(ret, 1, n - 1, in)] = 0;
    pclose(in);
}

/* The journal is the quickest way to a topic: it creates what is missing. */
static inline void topic_make(const char *topic, int partitions)
{
    const char *options[] = {"bootstrap.servers", broker()};
    struct ed_journal_kafka o = {.topics = {[ED_CHANGES] = topic},
                                 .options = options,
                                 .n_options = 1,
                                 .create = 1,
                                 .partitions = partitions,
                                 .replication = 1,
                                 .deliver_ms = 10000};
    struct ed_journal *journal = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_journal_kafka_open(&o, &journal, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

/* Messages "FROM" .. "TO" - 1, the number as key and value, into one partition. */
static inline void produce(const char *topic, int partition, int from, int to)
{
    shell("seq %d %d | sed 's/.*/&:&/' | kcat -q -b %s -P -t %s -p %d -K: -X linger.ms=5", from,
          to - 1, broker(), topic, partition);
}

static inline struct ed_source *source_open(const char *topic, const char *group, size_t readers,
                                            int exit_at_end)
{
    static const char *options[8];
    const char *all[] = {"bootstrap.servers",    broker(), "session.timeout.ms",    "6000",
                         "max.poll.interval.ms", "6000",   "heartbeat.interval.ms", "1000"};
    memcpy(options, all, sizeof all);
    struct ed_source_kafka o = {.topics = &topic,
                                .n_topics = 1,
                                .readers = readers,
                                .group = group,
                                .options = options,
                                .n_options = 4,
                                .from_beginning = 1,
                                .exit_at_end = exit_at_end};
    struct ed_source *source = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_source_kafka_open(&o, &source, &err), &err);
    return source;
}

/* The group's committed offset, or -1001 where there is none. */
static inline int64_t committed(const char *group, const char *topic, int partition)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", broker(), NULL, 0);
    rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    assert_int_equal(rd_kafka_committed(rk, list, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return offset;
}

#endif
