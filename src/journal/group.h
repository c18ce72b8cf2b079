/* group: which shards are ours. The members of a consumer group divide the partitions of one topic
 * among themselves; owning a partition is owning what it stands for: of the state topic, a shard;
 * of input topics (stage embed), the partition itself. Nothing is read by this consumer.
 *
 * One owner thread polls; the callbacks come from inside the poll. */
#ifndef ED_JOURNAL_GROUP_H
#define ED_JOURNAL_GROUP_H

#include <eddy/error.h>

struct ed_group;

struct ed_group_options {
    const char *group;
    const char *const *topics; /* (n_topics) */
    size_t n_topics;
    const char *instance;       /* group.instance.id; NULL: a dynamic member */
    const char *const *options; /* (2 n_options) librdkafka names and values */
    size_t n_options;
    int insecure;
    void *user;
    /* It is ours from now on; before the first write the owner fences. Returns soon. */
    void (*gained)(void *user, const char *topic, int32_t partition);
    /* It is asked back (or, lost: already somebody else's): let go of it before returning, within
     * a few seconds. */
    void (*gone)(void *user, const char *topic, int32_t partition, int lost);
};

/* EDDY_CONFIG, EDDY_UNAVAILABLE as ed_journal_kafka_open; a topic that is missing is named. */
eddy_status ed_group_open(const struct ed_group_options *options, struct ed_group **ret,
                          eddy_error *err);
/* Serve the group; within max.poll.interval.ms again and again.
 *
 * EDDY_FENCED       another process has taken our instance id; the text says so
 * EDDY_UNAVAILABLE  a fatal error of librdkafka */
eddy_status ed_group_poll(struct ed_group *group, int wait_ms, eddy_error *err);
/* 1: this partition is ours now. Any thread. */
int ed_group_owns(struct ed_group *group, const char *topic, int32_t partition);
/* Let go of all, and leave the group (a static member stays in it until its session ends). Bounded;
 * NULL is fine. */
void ed_group_free(struct ed_group *group);

#endif
