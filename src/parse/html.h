/* HTML, as far as it stands in text: tags out, character references resolved. */
#ifndef ED_PARSE_HTML_H
#define ED_PARSE_HTML_H

#include "base/bytes.h"

/* Add s without its markup to out, once from left to right; what this uncovers is not looked at
 * again. An element that breaks lines leaves a blank, one inside of words leaves nothing. Comments,
 * and scripts and styles that are closed, go with all they hold. Never more bytes than n. A failed
 * addition is left in out->failed. */
void ed_html_strip(const char *s, size_t n, struct ed_bytes *out);

#endif
