/* Which librdkafka options a user may pass through: names only, no librdkafka. */
#ifndef ED_BASE_KAFKA_H
#define ED_BASE_KAFKA_H

#include <eddy/error.h>

/* May the option be set?
 *
 *   owned     names that the caller sets itself, the last one NULL
 *   insecure  1: checks of the broker's certificate may be switched off
 *
 * EDDY_CONFIG  it is owned; or it would run programs, load libraries or weaken TLS; or it would
 *              put secrets or documents into the log. The text names it and says why */
eddy_status ed_kafka_option(const char *name, const char *value, const char *const *owned,
                            int insecure, eddy_error *err);

#endif
