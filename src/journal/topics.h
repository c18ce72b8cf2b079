/* topics: the topics that eddy writes, found or made before the first message. */
#ifndef ED_JOURNAL_TOPICS_H
#define ED_JOURNAL_TOPICS_H

#include "journal/journal.h"

#include <librdkafka/rdkafka.h>

/* rk is borrowed. last_error: what librdkafka's error callback said last, for the text; it must be
 * served by rd_kafka_poll. The state topic has o->n_shards partitions.
 *
 * EDDY_UNAVAILABLE as ed_journal_kafka_open; EDDY_CONFIG: the state topic has another number of
 * partitions, or a policy that deletes */
eddy_status ed_topics_prepare(rd_kafka_t *rk, const struct ed_journal_kafka *options,
                              const char *last_error, eddy_error *err);
/* How many partitions a topic has; 0: it is not there. Likewise. */
eddy_status ed_topics_partitions(rd_kafka_t *rk, const char *topic, const char *last_error,
                                 int *ret, eddy_error *err);

#endif
