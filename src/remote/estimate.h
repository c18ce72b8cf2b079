/* Estimate: how many tokens a text may have, where the vocabulary is another machine's. */
#ifndef ED_REMOTE_ESTIMATE_H
#define ED_REMOTE_ESTIMATE_H

#include <eddy/doc.h>

/* Tokens of the text (UTF-8), by the kinds of its characters. Linear. */
size_t ed_estimate_tokens(eddy_str text);
/* Its beginning that has at most so many; it ends with a whole character, and without a 0. */
eddy_str ed_estimate_cut(eddy_str text, size_t tokens_max);

#endif
