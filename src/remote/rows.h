/* Rows: the dialect of /v1/embeddings, written and read.
 *
 * Texts go out in one list, vectors come back in another; each names its text by its index, or all
 * stand in the order of the texts. A vector is a list of numbers, or base64 of its little-endian
 * float32, which is a third of the bytes and nothing to parse: it is asked for where the endpoint
 * lets us, and either is read, whatever was asked for. */
#ifndef ED_REMOTE_ROWS_H
#define ED_REMOTE_ROWS_H

#include "base/bytes.h"

#define ED_ROWS_DIM_MAX 16384

/* How we speak to one endpoint. */
struct ed_rows_dialect {
    int floats;        /* 1: it is asked for numbers */
    size_t dimensions; /* it is asked for; 0: nothing is said of them */
};

/* Add the body of a request for (n) texts. Fails as bytes do. */
void ed_rows_write(struct ed_bytes *b, const char *model, const eddy_str *texts, size_t n,
                   const struct ed_rows_dialect *dialect);

enum ed_rows_fault {
    ED_ROWS_GOOD,
    ED_ROWS_NOT_JSON,
    ED_ROWS_NO_LIST, /* there is no "data" with objects in it */
    ED_ROWS_COUNT,   /* not as many as there were texts */
    ED_ROWS_INDEX,   /* two for one text, none for another */
    ED_ROWS_NESTED,  /* a vector for each token: the endpoint pools nothing */
    ED_ROWS_SHAPE,   /* neither numbers nor base64 of float32 */
    ED_ROWS_LENGTH,  /* of different lengths, or none at all, or longer than any is */
    ED_ROWS_FAULTS
};

struct ed_rows {
    enum ed_rows_fault fault;
    size_t dim;
    float *rows;        /* (n, dim) in the order of the texts, each of length 1 */
    unsigned char *bad; /* (n) 1: this row is zero or not finite, and all 0 here */
    size_t n_bad;
    uint64_t tokens; /* that the endpoint counted; 0: not told */
};

/* Read the answer for (n) texts, n above 0, into the arena. rows and bad are there when GOOD.
 * EDDY_NOMEM: nothing can be said of it. JSON deeper than 2,048 levels is none; memory up to twenty
 * times the body, for the call. */
eddy_status ed_rows_read(eddy_str body, size_t n, eddy_arena *arena, struct ed_rows *ret);

/* A clause for people: "it sends fewer or more vectors than there were texts". */
const char *ed_rows_fault_text(enum ed_rows_fault fault);

#endif
