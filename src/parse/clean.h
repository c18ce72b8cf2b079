/* Text cleaning: from what a producer sent to what people wrote.
 *
 * Both expect valid UTF-8, and leave what cleaning again would not change. */
#ifndef ED_PARSE_CLEAN_H
#define ED_PARSE_CLEAN_H

#include <eddy/doc.h>

/* Prose: tags of HTML, comments, scripts and styles go; character references are resolved; Unicode
 * takes its form NFKC; what cannot be seen goes; control characters and runs of white space become
 * one blank, none at the ends.
 *
 *   ret  in the arena; {NULL, 0} where nothing is left
 *
 * EDDY_NOMEM. Cost: linear. */
eddy_status ed_clean_text(const char *s, size_t n, eddy_arena *arena, eddy_str *ret,
                          eddy_error *err);

/* A raw log line, which is no HTML and whose every sign may matter: only escape sequences of
 * terminals, control characters and white space are treated, as above. */
eddy_status ed_clean_line(const char *s, size_t n, eddy_arena *arena, eddy_str *ret,
                          eddy_error *err);

#endif
