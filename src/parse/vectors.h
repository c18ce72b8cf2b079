/* Vectors of a message, read without a JSON tree: a number of a tree costs a hundred times as much
 * as a number of an array of floats, and messages with vectors are numbers for the most part. */
#ifndef ED_PARSE_VECTORS_H
#define ED_PARSE_VECTORS_H

#include "parse/parser.h"

/* Cut the vectors out of the object (*bytes, *n) into reading->vectors: those that a pointer of one
 * step leads to and that are in order, with the right number of numbers, each finite as a float.
 * All others stay where they are, and so does everything when the bytes look unusual: whoever reads
 * them then says what is wrong. *bytes becomes what is left, with "[]" where vectors were and no 0
 * behind it, in the arena; it is JSON if and only if all was. Each number is what strtod and a cast
 * make of it.
 *
 * EDDY_NOMEM */
eddy_status ed_vectors_cut(struct ed_reading *reading, const char **bytes, size_t *n);

/* One JSON number in [at, end): the double that strtod gives, bit for bit. Returns what follows it;
 * NULL where there is none, or one that is not as people write vectors (above 19 digits, or far out
 * of their range). */
const char *ed_vectors_number(const char *at, const char *end, double *ret);

#endif
