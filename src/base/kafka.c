/* The options of librdkafka that a configuration file must not reach. */
#include "base/kafka.h"

#include "base/error.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name, *why;
} denied[] = {
    {"plugin.library.paths", "it loads libraries"},
    {"ssl.engine.location", "it loads libraries"},
    {"ssl.engine.id", "it loads libraries"},
    {"sasl.kerberos.kinit.cmd", "it runs a program"},
    {"interceptors", "it loads libraries"},
    {"opaque", "it is the program's own"},
    {"debug", "it floods the log"},
};

static int weakens_tls(const char *name, const char *value)
{
    if (!strcmp(name, "enable.ssl.certificate.verification"))
        return strcasecmp(value, "true") && strcmp(value, "1") && strcasecmp(value, "t");
    return !strcmp(name, "ssl.endpoint.identification.algorithm") && strcasecmp(value, "https");
}

eddy_status ed_kafka_option(const char *name, const char *value, const char *const *owned,
                            int insecure, eddy_error *err)
{
    for (; *owned; owned++)
        if (!strcmp(*owned, name))
            return eddy_fail(err, EDDY_CONFIG, "kafka option %s: eddy sets it itself", name);
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        if (!strcmp(denied[i].name, name))
            return eddy_fail(err, EDDY_CONFIG, "kafka option %s: not allowed, %s", name,
                             denied[i].why);
    if (!insecure && weakens_tls(name, value))
        return eddy_fail(err, EDDY_CONFIG,
                         "kafka option %s=%s: the broker's certificate would not be checked", name,
                         value);
    return EDDY_OK;
}
