/* Flat messages, taken apart without a JSON tree: an object of strings, whole numbers and vectors,
 * as most are. A tree costs ten times as much. */
#ifndef ED_PARSE_FLAT_H
#define ED_PARSE_FLAT_H

#include "parse/parser.h"

/* What a pointer leads to. */
struct ed_value {
    int is_there; /* 0: absent, or null */
    json_type type;
    eddy_str string; /* JSON_STRING; borrowed from the message, the tree or the arena */
    json_int_t integer;
    double real;
    const json_t *array; /* of the tree; NULL where it was read into reading->vectors */
};

/* Take the object (*bytes, *n), which is UTF-8, apart.
 *
 *   values    (ED_FIELDS) filled where *ret_flat is 1: the message is a flat object, all well
 * formed, and the tree would give the same
 *
 *   *bytes    where *ret_flat is 0: what is left for the tree's reader, in the arena and with no 0
 *             behind it. Vectors that a pointer of one step leads to, in order and with the right
 *             number of numbers, are cut out into reading->vectors, with "[]" in their place; it is
 *             JSON if and only if all was. When the bytes look unusual nothing is cut: whoever
 * reads them then says what is wrong
 *
 * EDDY_NOMEM */
eddy_status ed_flat_read(struct ed_reading *reading, const char **bytes, size_t *n,
                         struct ed_value *values, int *ret_flat);

#endif
