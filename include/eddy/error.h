/* eddy/error.h: how every part of eddy says what went wrong.
 *
 * A function that can fail returns an eddy_status. Its last parameter is an optional
 * eddy_error, filled on failure with one sentence that names the thing, the place and the
 * numbers. The first error stands: a filled eddy_error is not written again, so a caller
 * may pass one through several steps and print it once. */
#ifndef EDDY_ERROR_H
#define EDDY_ERROR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EDDY_API __attribute__((visibility("default")))
#else
#define EDDY_API
#endif

typedef enum eddy_status {
    EDDY_OK = 0,
    EDDY_INVALID,     /* an argument is out of its range; nothing changed */
    EDDY_NOMEM,       /* memory, or a ceiling that was set, is exhausted */
    EDDY_IO,          /* a file, socket or device failed */
    EDDY_FORMAT,      /* bytes are not what they should be */
    EDDY_CONFIG,      /* the configuration is wrong */
    EDDY_UNAVAILABLE, /* a server, model or endpoint cannot be reached */
    EDDY_STOPPED,     /* asked to stop before the work was done */
    EDDY_FENCED       /* another owner has taken over; nothing more may be written */
} eddy_status;

typedef struct eddy_error {
    eddy_status status; /* EDDY_OK while no error is recorded */
    int retriable;      /* 1: the same call may succeed later */
    char text[500];     /* one sentence, UTF-8, no newline, always terminated */
} eddy_error;

/* The status as a lower-case word ("invalid", "io"); never NULL. */
EDDY_API const char *eddy_status_name(eddy_status status);

/* "MAJOR.MINOR.PATCH" of the library that is linked. */
EDDY_API const char *eddy_version(void);

#ifdef __cplusplus
}
#endif
#endif
