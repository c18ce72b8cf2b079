/* top: what the files of the live view share: its state, and the drawing of it. One owner thread.
 */
#ifndef ED_CLI_TOP_H
#define ED_CLI_TOP_H

#include "cli/feed.h"
#include "cli/roster.h"
#include "cli/screen.h"

enum ed_top_mode { ED_TOP_TABLE, ED_TOP_FILTER, ED_TOP_PAGE, ED_TOP_HELP };

#define ED_TOP_SAMPLES 8

/* How many documents a second, over the last few seconds. */
struct ed_flow {
    struct {
        int64_t at_ms;
        double n;
    } samples[ED_TOP_SAMPLES];
    size_t n; /* samples ever */
};
void ed_flow_put(struct ed_flow *rate, int64_t now_ms, double n);
double ed_flow_get(const struct ed_flow *rate);

/* An event's page as lines that fit. */
struct ed_sheet_line {
    enum ed_ink ink;
    char *text;
};
struct ed_sheet {
    struct ed_sheet_line *lines; /* (n) */
    size_t n, room, columns;
    int failed; /* a line found no memory */
};
void ed_sheet_clear(struct ed_sheet *page);
/* Write the page of an event anew: its picture, and its changes as stories word them. */
void ed_sheet_write(struct ed_sheet *page, const struct ed_roster *roster, uint64_t event,
                    size_t columns);

struct ed_top {
    struct ed_config *config;
    struct ed_screen *screen;
    struct ed_inbox inbox;
    struct ed_roster roster;
    struct ed_feed feed;
    const char *where; /* the stream, for people */

    enum ed_top_mode mode, behind_help;
    int paused, quit;
    size_t first, at; /* of roster.shown: the first on the screen, and the chosen one ... */
    uint64_t chosen;  /* ... which is that event, unless it is the first of all; 0: then */

    uint64_t event; /* of the page */
    size_t scrolled;
    struct ed_sheet page;
    uint64_t page_version; /* of the roster, when it was written */

    struct ed_flow rate;
    struct ed_feed_look look;
};

/* Draw one frame. */
void ed_top_draw(struct ed_top *top);
/* Rows of the table, or of a page, that the screen has room for. */
size_t ed_top_table_rows(const struct ed_top *top);
size_t ed_top_page_rows(const struct ed_top *top);

/* "12s", "5m", "3h", "12d", at most four columns: how long ago. */
char *ed_text_age(int64_t ms, char ret[ED_TEXT]);
/* "12,345", "1.2M": at most seven columns. */
char *ed_text_short(double n, char ret[ED_TEXT]);

#endif
