/* screen: a terminal as rows of text and a keyboard; all of curses is behind it.
 *
 * What is put is other people's text as often as ours: controls and direction marks stop here.
 * While the screen is open, what is written to standard error (where that is the same terminal)
 * does not fall into it: its last line can be shown, and all of it is told at the end. One owner
 * thread. */
#ifndef ED_CLI_SCREEN_H
#define ED_CLI_SCREEN_H

#include "cli/view.h"

struct ed_screen;

/* A key that is no character; characters are their code points. */
enum ed_key {
    ED_KEY_NONE = 0,
    ED_KEY_ENTER = '\n',
    ED_KEY_ESCAPE = 27,
    ED_KEY_UP = 0x110000, /* behind the last code point */
    ED_KEY_DOWN,
    ED_KEY_PAGE_UP,
    ED_KEY_PAGE_DOWN,
    ED_KEY_HOME,
    ED_KEY_END,
    ED_KEY_LEFT,
    ED_KEY_RIGHT,
    ED_KEY_ERASE,  /* backspace */
    ED_KEY_RESIZE, /* the terminal has another size */
    ED_KEY_GONE    /* there is no terminal any more */
};

/* Take the terminal of standard output; keys come from standard input where that is a terminal,
 * else from the terminal that the process belongs to. Signals are the caller's: who takes SIGINT
 * and SIGTERM does so before, and closes the screen.
 *
 * EDDY_INVALID  there is no terminal, or none that can be drawn on; nothing was written
 * EDDY_NOMEM */
eddy_status ed_screen_open(struct ed_screen **ret, eddy_error *err);
/* The terminal as it was; NULL is fine. */
void ed_screen_close(struct ed_screen *screen);

/* A key; ED_KEY_NONE: none came within wait_ms, or a signal did. */
int ed_screen_key(struct ed_screen *screen, int wait_ms);
size_t ed_screen_rows(const struct ed_screen *screen);
size_t ed_screen_columns(const struct ed_screen *screen);
/* The last line that somebody wrote to standard error meanwhile, for a while; then "". */
const char *ed_screen_said(const struct ed_screen *screen);

/* ---- one frame: begin, put, show ---- */

void ed_screen_begin(struct ed_screen *screen);
/* Text at a place, cut to so many columns. marked: as the line that is chosen. */
void ed_screen_put(struct ed_screen *screen, size_t row, size_t column, size_t columns,
                   enum ed_ink ink, int marked, const char *text);
/* Only what differs from the last frame is written. */
void ed_screen_show(struct ed_screen *screen);

#endif
