/* options: librdkafka's configuration for reading. */
#ifndef ED_SOURCE_OPTIONS_H
#define ED_SOURCE_OPTIONS_H

#include "source/source.h"

#include <librdkafka/rdkafka.h>

/* A consumer's configuration with eddy's defaults, the user's options and what eddy insists on.
 * n_partitions (at least 1) share the memory of the queues. EDDY_CONFIG. */
eddy_status ed_source_conf(const struct ed_source_kafka *options, size_t n_partitions,
                           rd_kafka_conf_t **ret, eddy_error *err);

#endif
