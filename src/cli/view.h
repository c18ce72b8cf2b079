/* view: what people see. Lines with a bar below them on a terminal, plain lines anywhere else; and
 * the few ways to write numbers, times and other people's text. */
#ifndef ED_CLI_VIEW_H
#define ED_CLI_VIEW_H

#include <eddy/doc.h>

#include <pthread.h>
#include <stdio.h>

struct ed_view {
    FILE *out;
    int terminal; /* 1: there is somebody to show a bar to */
    int colour;
    pthread_mutex_t lock; /* guards what follows, and the order on out */
    char bar[1024];       /* as it stands below the last line; empty: none */
};

/* out stays the caller's. */
void ed_view_init(struct ed_view *view, FILE *out);
/* Take the bar away. */
void ed_view_clear(struct ed_view *view);

/* One line (without its newline) above the bar. Any thread. */
__attribute__((format(printf, 2, 3))) void ed_view_line(struct ed_view *view, const char *format,
                                                        ...);
/* What the bar shows from now on; nothing where there is no terminal. Any thread. The text must
 * not be wider than ed_view_columns. */
__attribute__((format(printf, 2, 3))) void ed_view_bar(struct ed_view *view, const char *format,
                                                       ...);
/* Columns of the terminal, 40 to 200; 100 where there is none. */
size_t ed_view_columns(const struct ed_view *view);

enum ed_ink {
    ED_PLAIN,
    ED_BOLD,
    ED_DIM,
    ED_RED,
    ED_GREEN,
    ED_YELLOW,
    ED_BLUE,
    ED_MAGENTA,
    ED_CYAN
};
/* The escape sequence of an ink, or "" where there are no colours. */
const char *ed_ink(const struct ed_view *view, enum ed_ink ink);

/* ---- text; each gives ret ---- */

#define ED_TEXT 32                                        /* room for a number or a time */
char *ed_text_number(uint64_t n, char ret[ED_TEXT]);      /* 12,345 */
char *ed_text_bytes(uint64_t n, char ret[ED_TEXT]);       /* 12.3 MB */
char *ed_text_took(int64_t ms, char ret[ED_TEXT]);        /* 1.2 s, 2:05 min, 3:07:00 h */
char *ed_text_clock(int64_t unix_ms, char ret[ED_TEXT]);  /* 08:31, UTC */
char *ed_text_minute(int64_t unix_ms, char ret[ED_TEXT]); /* 05-14 08:31, UTC */

/* Other people's text for a terminal: cut to columns (an ellipsis shows it), controls and
 * direction marks taken out. pad: filled up with blanks. */
char *ed_text_fit(const char *s, size_t n, size_t columns, int pad, char *ret, size_t n_ret);
/* Columns that text takes, as ed_text_fit counts them. */
size_t ed_text_columns(const char *s, size_t n);
/* A gauge of that many columns; share in 0..1. */
char *ed_text_gauge(double share, size_t columns, char *ret, size_t n_ret);

/* ---- the ticker: a function that is called again and again by a thread of its own ---- */

struct ed_ticker;
/* EDDY_NOMEM. The first call comes after every_ms. */
eddy_status ed_ticker_start(int every_ms, void (*tick)(void *p), void *p, struct ed_ticker **ret,
                            eddy_error *err);
/* Returns when no call is under way; NULL is fine. */
void ed_ticker_stop(struct ed_ticker *ticker);

/* Milliseconds of a clock that only goes forward. */
int64_t ed_view_now(void);

#endif
