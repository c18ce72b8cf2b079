/* The corpus of `eddy demo`, newsday.jsonl, as it stands in the program (made by
 * cmake/embed.cmake). */
#ifndef ED_CLI_DEMO_NEWSDAY_H
#define ED_CLI_DEMO_NEWSDAY_H

#include <stddef.h>

extern const unsigned char ed_newsday[]; /* (ed_newsday_n) and a 0 behind them */
extern const size_t ed_newsday_n;

#endif
