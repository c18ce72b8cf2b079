/* Levels: the words, letters and numbers in which programs say how bad it is. */
#ifndef ED_PARSE_LEVEL_H
#define ED_PARSE_LEVEL_H

#include <eddy/layout.h>

/* Of a word, whatever its case; unknown where it is none. */
eddy_level ed_level_word(const char *at, size_t n);
/* Of one of V T D I W E F A; unknown where it is none. */
eddy_level ed_level_letter(char c);
/* Of syslog's severity, 0 to 7. */
eddy_level ed_level_syslog(int severity);
/* Of a value of JSON or logfmt: a word, a letter, or a number, which is syslog's below 8,
 * OpenTelemetry's where is_otel is set, and Bunyan's from 10 on. */
eddy_level ed_level_value(eddy_str value, int is_otel);

#endif
