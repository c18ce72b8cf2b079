/* What the reading side of the Kafka source and its keeper share. */
#ifndef ED_SOURCE_KAFKA_H
#define ED_SOURCE_KAFKA_H

#include "source/inside.h"
#include "source/merge.h"
#include "source/places.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#define ED_KAFKA_POLL_MS 100 /* the bound of every wait */

struct ed_part {
    struct ed_kafka *k;
    const char *topic; /* one of the source's */
    int32_t partition;
    size_t lane; /* its number, in the merge and among the parts */
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *head; /* the reader's */

    struct ed_part *after; /* what follows is guarded by the lock */
    int ready;             /* it is among those that something has come for */
    int astray;            /* the broker has nothing at its offset: it must be set anew */
    int resets;            /* since its last message */
};

struct ed_kafka {
    struct ed_source source;
    rd_kafka_t *rk;
    char **topics; /* (n_topics) copies, as all in the choice */
    struct ed_source_kafka choice;
    int *counts;     /* (n_topics) partitions known of each; the keeper's */
    int64_t look_ms; /* between two looks for new partitions; 0: never */

    rd_kafka_message_t **held; /* (n) lent out until the next read; room for `room` */
    size_t n, room;
    eddy_arena *headers; /* of held */

    pthread_t keeper;
    int keeper_runs;
    atomic_int leaving; /* we are closing */
    atomic_uint_fast64_t bytes, messages;
    uint64_t total; /* messages from the starts to the ends */

    pthread_mutex_t lock; /* guards what follows; never held across a call of librdkafka, which
                             calls on_ready with its queue's lock held */
    pthread_cond_t came;
    struct ed_merge merge;
    struct ed_part **parts; /* (merge.n) */
    size_t room_parts;
    struct ed_part *ready; /* the first of those that something has come for */
    int astray;            /* there are such */
    uint64_t missing;
    char fatal[500]; /* "": none */
};

/* The source is finished; each read says so. The first text stands. */
void ed_kafka_fatal(struct ed_kafka *k, const char *text);
/* An error that came in a queue, in place of a message; part: the one that it is about, or NULL. */
void ed_kafka_error(struct ed_kafka *k, struct ed_part *part, const rd_kafka_message_t *m);
/* One more partition, with a queue of its own; it is fetched once it is assigned.
 * EDDY_NOMEM, EDDY_UNAVAILABLE. */
eddy_status ed_kafka_part_add(struct ed_kafka *k, const struct ed_place *place, eddy_error *err);
/* Begin to fetch these. NULL: done; else librdkafka's words, which the caller destroys. */
rd_kafka_error_t *ed_kafka_fetch(struct ed_kafka *k, const rd_kafka_topic_partition_list_t *list);

/* Start the keeper's thread. EDDY_NOMEM. */
eddy_status ed_keeper_start(struct ed_kafka *k, eddy_error *err);
/* Only when nobody reads. */
void ed_keeper_stop(struct ed_kafka *k);

#endif
