/* The time of a document, as its producer wrote it. */
#ifndef ED_PARSE_TIME_H
#define ED_PARSE_TIME_H

#include <eddy/doc.h>

/* Each gives 1 and Unix milliseconds in *ret, or 0 where it cannot be read: not of the form, before
 * 1970, or after the year 9999.
 *
 * Text is RFC 3339 in its relatives' forms (t, z or a blank for T; a comma in the fraction; no
 * seconds; no offset, which means UTC; a date alone is its midnight), or a decimal number. A leap
 * second is the last millisecond before it. */
int ed_time_from_text(const char *s, size_t n, eddy_time_unit unit, int64_t *ret);
int ed_time_from_integer(int64_t value, eddy_time_unit unit, int64_t *ret);
int ed_time_from_real(double value, eddy_time_unit unit, int64_t *ret);

#endif
