/* npy: rows of numbers as a NumPy file (.npy, version 1.0), however many they will be.
 *
 * The head tells the number of rows, which is known at the end: it is padded to 128 bytes and
 * written twice. A file is NAME.part until then. What cannot be written twice (a pipe) gets all of
 * it at the end, out of a temporary file. */
#ifndef ED_CLI_NPY_H
#define ED_CLI_NPY_H

#include "journal/output.h"

#include <stdio.h>

struct ed_npy {
    struct ed_output out;
    FILE *kept; /* rows for a pipe; NULL: they go into the file */
    size_t dim;
    uint64_t n; /* rows so far */
};

/* For rows (dim) float32. path "-": standard output. Whatever it returns, clear it.
 * EDDY_IO, EDDY_NOMEM */
eddy_status ed_npy_open(struct ed_npy *npy, const char *path, size_t dim, eddy_error *err);
/* One row (dim). EDDY_IO, EDDY_NOMEM; EDDY_STOPPED: a pipe's reader has gone */
eddy_status ed_npy_add(struct ed_npy *npy, const float *row, eddy_error *err);
/* The rows so far, with their head: NAME.part can be read. Statuses as above. */
eddy_status ed_npy_settle(struct ed_npy *npy, eddy_error *err);
/* That is all: NAME.part, settled, becomes NAME. */
eddy_status ed_npy_finish(struct ed_npy *npy, eddy_error *err);
void ed_npy_clear(struct ed_npy *npy);

#endif
