/* inbox: what becomes of events, on its way from the threads that learn of it to the one that
 * draws.
 *
 * Of each event only its latest picture waits, so that however fast a stream is there is never more
 * to draw than there are events. Changes are kept to the last ED_INBOX_CHANGES. Where too many
 * events wait, who brings more waits as well: nothing is lost, and memory has a ceiling. */
#ifndef ED_CLI_INBOX_H
#define ED_CLI_INBOX_H

#include "base/table.h"
#include "cli/curve.h"

#include <eddy/doc.h>

#include <pthread.h>

#define ED_INBOX_EVENTS  20000
#define ED_INBOX_CHANGES 20000

/* What came of one event. */
struct ed_news {
    uint64_t event, merged_into; /* the latter 0: it lives */
    eddy_str json;               /* its latest picture; at NULL: no new one */
    struct ed_curve came;        /* documents that came to it one by one ... */
    uint64_t documents;          /* ... of which so many are not in a picture */
    int64_t last_ms;             /* ... and the last of these */
};

struct ed_heard {
    uint64_t event, other;
    int undone; /* 1: it takes an operation back, which may have been about any event */
    eddy_str json;
};

struct ed_news_list {
    struct ed_news *at; /* (n) each event once */
    size_t n, room;
};
struct ed_heard_list {
    struct ed_heard *at; /* (n) in order, from at[first] on, around the end */
    size_t first, n, room;
};

struct ed_inbox {
    pthread_mutex_t lock; /* guards all */
    pthread_cond_t taken;
    int closed;
    struct ed_table places; /* event -> index in news + 1 */
    struct ed_news_list news;
    struct ed_heard_list changes;
};

void ed_inbox_init(struct ed_inbox *inbox);
void ed_inbox_clear(struct ed_inbox *inbox);

/* ---- any thread; may wait until something is taken; json is copied. EDDY_NOMEM ---- */

eddy_status ed_inbox_picture(struct ed_inbox *inbox, uint64_t event, uint64_t merged_into,
                             eddy_str json, eddy_error *err);
/* One document came to an event. founded: it is the event's first one, of which there is a picture,
 * be it told before or after this. */
eddy_status ed_inbox_document(struct ed_inbox *inbox, uint64_t event, int64_t time_ms, int founded,
                              eddy_error *err);
eddy_status ed_inbox_change(struct ed_inbox *inbox, const struct ed_heard *change, eddy_error *err);
/* From now on nobody waits and nothing is taken in. */
void ed_inbox_close(struct ed_inbox *inbox);

/* ---- the one who draws ---- */

/* All that waits becomes the caller's, who hands in empty lists. */
void ed_inbox_take(struct ed_inbox *inbox, struct ed_news_list *news,
                   struct ed_heard_list *changes);
/* How many events wait. */
size_t ed_inbox_waits(struct ed_inbox *inbox);
/* Give the memory of a list back, and of all from the given one on. */
void ed_news_clear(struct ed_news_list *news, size_t from);
void ed_heard_clear(struct ed_heard_list *changes);
/* One more, whose text becomes the list's; the oldest leaves where there are max. 0: no memory. */
int ed_heard_add(struct ed_heard_list *changes, const struct ed_heard *change, size_t max);
/* The i-th, oldest first. */
const struct ed_heard *ed_heard_at(const struct ed_heard_list *changes, size_t i);

#endif
