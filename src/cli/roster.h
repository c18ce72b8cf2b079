/* roster: the events of a stream as they are now, in the order in which they are shown. Pictures
 * come as the JSON of the events topic (publish.h), whoever tells them. One owner thread, which
 * also takes over from the inbox. */
#ifndef ED_CLI_ROSTER_H
#define ED_CLI_ROSTER_H

#include "base/shelf.h"
#include "cli/curve.h"
#include "cli/inbox.h"

#include <eddy/doc.h>

#include <jansson.h>

/* Events that are kept, faded ones included. Beyond it those that faded or were idle for longest
 * leave. */
#define ED_ROSTER_EVENTS 50000

enum ed_roster_signal { ED_ROSTER_CALM, ED_ROSTER_BURST, ED_ROSTER_QUIET };
enum ed_roster_order { ED_BY_ACTIVITY, ED_BY_SIZE, ED_BY_NEWEST, ED_BY_NAME, ED_ROSTER_ORDERS };

struct ed_row {
    uint64_t id;
    int faded, pinned;
    int signal;  /* enum ed_roster_signal */
    double size; /* documents; of logs all lines, where the picture tells ("seen") */
    int64_t first_ms, last_ms;
    eddy_str name, keywords; /* as others wrote them: for the screen through ed_text_fit only */
    eddy_str search;         /* id, name and keywords, folded */
    eddy_str json;           /* the picture; at NULL: none came yet, and it is not shown */
    struct ed_curve curve;
    int counted;   /* 1: its documents are told one by one, as they come */
    double growth; /* documents of the last interval, as of ed_roster_arrange */
    char *bytes;   /* the texts are in here */
};

struct ed_roster {
    struct ed_shelf rows; /* struct ed_row */
    struct ed_table into; /* event that was merged -> the one that it went into */
    struct ed_heard_list changes;
    uint64_t version; /* grows whenever anything was taken over */

    int64_t now_ms, first_ms; /* stream time, and where it began; -1: nothing came yet */
    double documents;         /* of all rows */
    size_t active;            /* rows that have not faded */
    uint64_t left_out;        /* pictures that could not be read, and events beyond the ceiling */

    /* what is to be shown, to be set by the owner ... */
    enum ed_roster_order order;
    double size_min;
    char filter[120];    /* words; an event has all of them */
    int64_t interval_ms; /* 0: by how long the stream is */

    /* ... and what that is, since ed_roster_arrange */
    struct ed_row **shown; /* (n_shown) */
    size_t n_shown, room_shown;
    int64_t interval; /* ms */

    /* taken over from the inbox, not looked at yet */
    struct ed_news_list news;
    size_t next;
};

void ed_roster_init(struct ed_roster *roster);
void ed_roster_clear(struct ed_roster *roster);

/* Take over what waits, for about budget_ms: what is left is taken next time.
 *
 *   ret  1: something has changed
 *
 * EDDY_NOMEM */
eddy_status ed_roster_take(struct ed_roster *roster, struct ed_inbox *inbox, int budget_ms,
                           int *ret, eddy_error *err);
/* Fill in what is shown. EDDY_NOMEM. Cost: a look at each event, and sorting. */
eddy_status ed_roster_arrange(struct ed_roster *roster, eddy_error *err);
/* Where an event is now: itself, or the one that it went into at last. */
uint64_t ed_roster_where(const struct ed_roster *roster, uint64_t event);
/* NULL: it is not kept. Valid until the next ed_roster_take. */
const struct ed_row *ed_roster_find(const struct ed_roster *roster, uint64_t event);
/* The changes that speak of an event, of those that went into it, or that take any back, in order;
 * as far as they are kept. NULL: no memory. To be released by json_decref. */
json_t *ed_roster_changes(const struct ed_roster *roster, uint64_t event);

/* "10 s", "1 min", "6 h": an interval for people. */
const char *ed_roster_interval_text(int64_t interval_ms);
/* The next longer interval that can be chosen; behind the longest 0 (by how long the stream is). */
int64_t ed_roster_interval_next(int64_t interval_ms);

#endif
