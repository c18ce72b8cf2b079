/* Errors: one sentence, filled once, carried to where somebody can act on it. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifndef EDDY_VERSION
#define EDDY_VERSION "0.0.0"
#endif

const char *eddy_version(void)
{
    return EDDY_VERSION;
}

const char *eddy_status_name(eddy_status status)
{
    switch (status) {
    case EDDY_OK: return "ok";
    case EDDY_INVALID: return "invalid";
    case EDDY_NOMEM: return "no memory";
    case EDDY_IO: return "io";
    case EDDY_FORMAT: return "format";
    case EDDY_CONFIG: return "configuration";
    case EDDY_UNAVAILABLE: return "unavailable";
    case EDDY_STOPPED: return "stopped";
    case EDDY_FENCED: return "fenced";
    }
    return "unknown";
}

static void record(eddy_error *err, eddy_status status, int retriable, const char *format,
                   va_list args)
{
    if (!err || err->status != EDDY_OK)
        return;
    err->status = status;
    err->retriable = retriable;
    vsnprintf(err->text, sizeof err->text, format, args);
    for (char *c = err->text; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
}

eddy_status eddy_fail(eddy_error *err, eddy_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(err, status, 0, format, args);
    va_end(args);
    return status;
}

eddy_status eddy_fail_retriable(eddy_error *err, eddy_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(err, status, 1, format, args);
    va_end(args);
    return status;
}

eddy_status eddy_fail_nomem(eddy_error *err, const char *what, size_t n_bytes)
{
    return eddy_fail(err, EDDY_NOMEM, "%s: no memory for %zu bytes", what, n_bytes);
}
