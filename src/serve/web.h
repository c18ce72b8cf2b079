/* The dashboard: its files, as they stand in the program. */
#ifndef ED_SERVE_WEB_H
#define ED_SERVE_WEB_H

#include <stddef.h>

struct ed_web_file {
    const unsigned char *at; /* (n) */
    size_t n;                /* 0: this eddy was built without */
};

extern const struct ed_web_file ed_web_page, ed_web_script, ed_web_style;
/* Why it was built without, as a sentence. */
extern const char ed_web_missing[];

#endif
