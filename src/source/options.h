/* options: librdkafka's configuration for reading, and questions asked before a start. */
#ifndef ED_SOURCE_OPTIONS_H
#define ED_SOURCE_OPTIONS_H

#include "source/positions.h"
#include "source/source.h"

#include <librdkafka/rdkafka.h>

/* A consumer's configuration with eddy's defaults, the user's options and what eddy insists on;
 * group may be NULL (nothing is joined then). EDDY_CONFIG. */
eddy_status ed_source_conf(const struct ed_source_kafka *options, rd_kafka_conf_t **ret,
                           eddy_error *err);

/* As ed_kafka_probe; where ends is not NULL, each partition is added to it with its end of now (the
 * topic names stay borrowed). What an open transaction has written counts: it was there.
 * EDDY_NOMEM. */
eddy_status ed_source_probe(const struct ed_source_kafka *options, struct ed_positions *ends,
                            eddy_error *err);

#endif
