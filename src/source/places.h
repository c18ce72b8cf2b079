/* places: where each partition starts and ends, asked of the brokers before a start. */
#ifndef ED_SOURCE_PLACES_H
#define ED_SOURCE_PLACES_H

#include "source/source.h"

#include <librdkafka/rdkafka.h>

struct ed_place {
    const char *topic; /* borrowed from the options, as the i_topic-th stands there */
    size_t i_topic;
    int32_t partition;
    int64_t low, high; /* oldest message there is; where the log ends */
    int64_t start;     /* the first message that is wanted ... */
    int64_t end;       /* ... and the first that is not; -1: there is no end */
    int64_t missing;   /* messages between the start that was told and the oldest one */
};

struct ed_places {
    struct ed_place *at; /* (n) by topic as listed, then partition */
    size_t n, room;
};

void ed_places_clear(struct ed_places *places);
/* 1: the options ask for this partition. */
int ed_place_wanted(const struct ed_source_kafka *options, int32_t partition);
/* A zeroed place for one more; NULL: no memory. */
struct ed_place *ed_places_add(struct ed_places *places, const struct ed_source_kafka *options,
                               size_t i_topic, int32_t partition);
/* Ask by a handle: each partition's offset at a time, in Unix ms; RD_KAFKA_OFFSET_BEGINNING and
 * _END stand for themselves. Beyond the last message it is RD_KAFKA_OFFSET_END.
 *
 *   ret  (places->n)
 *
 * EDDY_UNAVAILABLE  not told within wait_ms; retriable. EDDY_NOMEM. */
eddy_status ed_places_ask(rd_kafka_t *rk, const struct ed_places *places, int64_t at, int wait_ms,
                          int64_t *ret, eddy_error *err);
/* All partitions that the options ask for, with their starts and ends. What an open transaction has
 * written lies before the end: it was there. Statuses as ed_source_kafka_open. */
eddy_status ed_places_find(const struct ed_source_kafka *options, struct ed_places *ret,
                           eddy_error *err);

#endif
