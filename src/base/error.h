/* Filling an eddy_error. See include/eddy/error.h for the rules. */
#ifndef ED_BASE_ERROR_H
#define ED_BASE_ERROR_H

#include <eddy/error.h>

/* Record status and a printf-style sentence in err (may be NULL, the first error stands) and
 * give the status back, so that failing is one line: return eddy_fail(err, EDDY_IO, ...). */
__attribute__((format(printf, 3, 4))) eddy_status eddy_fail(eddy_error *err, eddy_status status,
                                                            const char *format, ...);

/* The same, for what may succeed when tried again. */
__attribute__((format(printf, 3, 4))) eddy_status
eddy_fail_retriable(eddy_error *err, eddy_status status, const char *format, ...);

/* The usual sentence for lost memory: "what: no memory for n bytes". */
eddy_status eddy_fail_nomem(eddy_error *err, const char *what, size_t n_bytes);

#endif
