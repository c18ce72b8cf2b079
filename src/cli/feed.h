/* feed: where a live view has its events from, brought to its inbox by a thread: documents that
 * this process clusters itself, the topics of a running pipeline, or the files of a run. */
#ifndef ED_CLI_FEED_H
#define ED_CLI_FEED_H

#include "cli/config.h"
#include "cli/dead.h"
#include "cli/inbox.h"
#include "cli/stream.h"
#include "cli/tail.h"

#include <stdatomic.h>

enum ed_feed_kind { ED_FEED_DOCUMENTS, ED_FEED_TOPICS, ED_FEED_FILES };
enum ed_feed_state {
    ED_FEED_OPENING, /* model, first bytes of a pipe */
    ED_FEED_READING,
    ED_FEED_LIVE, /* all that there was is read; more may come */
    ED_FEED_ENDED /* nothing will come any more; see ed_feed_close for why */
};

struct ed_feed {
    enum ed_feed_kind kind;
    struct ed_config *config; /* all borrowed */
    struct ed_inbox *inbox;
    const char *dir; /* of files */

    struct ed_stream stream; /* of documents */
    struct ed_source *source, *opened;
    struct ed_publisher publisher;
    eddy_arena *arena; /* for one message */
    struct ed_dead dead;
    struct ed_tail events, changes; /* of files */

    pthread_t thread;
    int started;
    atomic_int state;            /* enum ed_feed_state */
    atomic_int stopped, streams; /* the latter 1: stream may be looked at, and stopped */
    eddy_error failure;          /* the thread's */
};

/* Open what is there without waiting for it; starts nothing. feed is zeroed but for kind, config,
 * inbox and dir, and to be closed in any case.
 *
 * EDDY_IO, EDDY_UNAVAILABLE, EDDY_CONFIG, EDDY_NOMEM  as the source; the text names it */
eddy_status ed_feed_open(struct ed_feed *feed, eddy_error *err);
eddy_status ed_feed_start(struct ed_feed *feed, eddy_error *err);
/* Have it end soon; any thread. */
void ed_feed_stop(struct ed_feed *feed);
/* Wait for its end; what went wrong meanwhile. Afterwards the stream may be looked at. */
eddy_status ed_feed_join(struct ed_feed *feed, eddy_error *err);
eddy_status ed_feed_close(struct ed_feed *feed, eddy_error *err);

/* What is known of the way there; any thread. */
struct ed_feed_look {
    enum ed_feed_state state;
    int has_counts; /* 1: the next two are known */
    struct ed_counts counts;
    uint64_t done;               /* answered documents of counts */
    uint64_t bytes, bytes_total; /* 0: not known */
    uint64_t behind;             /* messages at the broker */
    int has_behind;
};
void ed_feed_look(struct ed_feed *feed, struct ed_feed_look *ret);

#endif
