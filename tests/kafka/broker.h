/* What the tests on a real broker share. Its address is in the folder that EDDY_KAFKA_DIR names
 * (tools/kafka). Topics carry the process id, so programs may run side by side. Input is produced
 * by kcat: not by the code under test. */
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

/* Preparing a journal is the quickest way to a topic: it creates what is missing. */
static inline void topic_make(const char *topic, int partitions)
{
    const char *options[] = {"bootstrap.servers", broker()};
    struct ed_journal_kafka o = {.topics = {[ED_CHANGES] = topic},
                                 .pipeline = "test",
                                 .id = "topic-make",
                                 .n_shards = 1,
                                 .options = options,
                                 .n_options = 1,
                                 .create = 1,
                                 .partitions = partitions,
                                 .replication = 1,
                                 .deliver_ms = 10000};
    eddy_error err = {0};
    CHECK_OK(ed_journal_kafka_prepare(&o, &err), &err);
}

/* Messages "FROM" .. "TO" - 1, the number as key and value, into one partition. */
static inline void produce(const char *topic, int partition, int from, int to)
{
    shell("seq %d %d | sed 's/.*/&:&/' | kcat -q -b %s -P -t %s -p %d -K: -X linger.ms=5", from,
          to - 1, broker(), topic, partition);
}

/* The topic from its beginning, without an end. */
static inline struct ed_source *source_open(const char *topic)
{
    const char *options[] = {"bootstrap.servers", broker()};
    struct ed_source_kafka o = {.topics = &topic,
                                .n_topics = 1,
                                .from = {.kind = ED_FROM_BEGINNING},
                                .endless = 1,
                                .wait_ms = 500,
                                .options = options,
                                .n_options = 1};
    struct ed_source *source = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_source_kafka_open(&o, &source, &err), &err);
    return source;
}

#endif
