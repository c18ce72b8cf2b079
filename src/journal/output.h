/* output: one file of lines that grows by whole epochs. It is NAME.part until it is finished. */
#ifndef ED_JOURNAL_OUTPUT_H
#define ED_JOURNAL_OUTPUT_H

#include "base/bytes.h"

struct ed_output {
    char *path, *part;  /* part: what is open, renamed at the end; NULL: path itself is written */
    int fd;             /* -1: not open */
    int is_file;        /* regular: may be cut back */
    uint64_t committed; /* whole epochs end here; what comes after is not promised */
    struct ed_bytes lines;
};

void ed_output_init(struct ed_output *out);
/* Anew: a NAME.part of a run that was killed is kept under another name. What is not a regular file
 * is written as it is. EDDY_IO (another run is writing it, too), EDDY_NOMEM. */
eddy_status ed_output_open(struct ed_output *out, const char *path, eddy_error *err);
/* Go on with NAME.part behind its first `written` bytes; what else is there is cut off.
 *
 * EDDY_FORMAT  it is shorter than that, or not there (unless written is 0). EDDY_IO, EDDY_NOMEM */
eddy_status ed_output_resume(struct ed_output *out, const char *path, uint64_t written,
                             eddy_error *err);
/* *ret 1: there is a NAME.part. EDDY_IO: who knows. */
eddy_status ed_output_waits(const char *path, int *ret, eddy_error *err);
/* The name as people know it. */
const char *ed_output_name(const struct ed_output *out);

/* Write the lines that were gathered. EDDY_IO, EDDY_STOPPED (its reader has gone): cut it back. */
eddy_status ed_output_write(struct ed_output *out, eddy_error *err);
/* The disk has all that was written. */
eddy_status ed_output_flush(struct ed_output *out, eddy_error *err);
/* The lines count, or are gone; the memory of many lines is given back. */
void ed_output_accept(struct ed_output *out);
void ed_output_forget(struct ed_output *out);
/* Nothing stays behind what is committed. EDDY_IO: something does. */
eddy_status ed_output_cut(struct ed_output *out, eddy_error *err);

/* NAME.part becomes NAME, once. */
eddy_status ed_output_finish(struct ed_output *out, eddy_error *err);
/* Closes it as it is; an empty NAME.part is removed. */
void ed_output_clear(struct ed_output *out);

#endif
