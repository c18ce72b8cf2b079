/* Vectors of a message, read without a JSON tree: a number of a tree costs a hundred times as much
 * as a number of an array of floats, and messages with vectors are numbers for the most part. */
#ifndef ED_PARSE_VECTORS_H
#define ED_PARSE_VECTORS_H

#include <stddef.h>

static inline int ed_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline const char *ed_blanks_skip(const char *at, const char *end)
{
    while (at < end && ed_is_blank(*at))
        at++;
    return at;
}

/* One JSON number in [at, end): the double that strtod gives, bit for bit. Returns what follows it;
 * NULL where there is none, or one that is not as people write vectors (above 19 digits, or far out
 * of their range). */
const char *ed_vectors_number(const char *at, const char *end, double *ret);

/* An array of dim numbers, each finite as a float; at is its bracket. Each is what strtod and a
 * cast make of it. Returns what follows it; NULL where it is anything else, and ret may be written
 * to. */
const char *ed_vectors_array(const char *at, const char *end, float *ret, size_t dim);

#endif
