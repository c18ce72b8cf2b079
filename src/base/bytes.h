/* A growing run of bytes, born with a ceiling. One owner thread. */
#ifndef ED_BASE_BYTES_H
#define ED_BASE_BYTES_H

#include <eddy/doc.h>

struct ed_bytes {
    char *at; /* at[n] is 0 once anything was added */
    size_t n, room, max;
    int failed; /* an addition found no room; sticky until cleared */
};

void ed_bytes_init(struct ed_bytes *b, size_t max); /* max 0: no ceiling */
void ed_bytes_clear(struct ed_bytes *b);            /* gives the memory back */
void ed_bytes_empty(struct ed_bytes *b);            /* keeps the memory */
/* Additions return 1, or 0 and set failed; so a writer may check once at the end. */
int ed_bytes_add(struct ed_bytes *b, const void *p, size_t n);
int ed_bytes_add_str(struct ed_bytes *b, const char *s);
__attribute__((format(printf, 2, 3))) int ed_bytes_printf(struct ed_bytes *b, const char *format,
                                                          ...);

#endif
