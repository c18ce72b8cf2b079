/* Names and values as librdkafka itself judges them, before anything is opened. */
#include "source/source.h"

#include "base/error.h"

#include <librdkafka/rdkafka.h>

eddy_status ed_kafka_names_check(const char *const *options, size_t n_options, eddy_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    eddy_status st = EDDY_OK;
    char text[300];
    for (size_t i = 0; i < n_options && st == EDDY_OK; i++)
        if (rd_kafka_conf_set(conf, options[2 * i], options[2 * i + 1], text, sizeof text) !=
            RD_KAFKA_CONF_OK)
            st = eddy_fail(err, EDDY_CONFIG, "kafka option %s: %s", options[2 * i], text);
    rd_kafka_conf_destroy(conf);
    return st;
}
