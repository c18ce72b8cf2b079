/* options: librdkafka's configuration for reading, and questions asked before a start. */
#ifndef ED_SOURCE_OPTIONS_H
#define ED_SOURCE_OPTIONS_H

#include "source/source.h"

#include <librdkafka/rdkafka.h>

/* A consumer's configuration with eddy's defaults, the user's options and what eddy insists on;
 * group may be NULL (nothing is joined then). EDDY_CONFIG. */
eddy_status ed_source_conf(const struct ed_source_kafka *options, rd_kafka_conf_t **ret,
                           eddy_error *err);

/* As ed_kafka_probe; also gives the number of partitions of each topic where n_partitions
 * (n_topics) is not NULL. */
eddy_status ed_source_probe(const struct ed_source_kafka *options, int32_t *n_partitions,
                            eddy_error *err);

#endif
