/* board: the published copy: what has become visible of events, topics, changes and documents, for
 * those who ask by HTTP.
 *
 * It is fed with epochs when they are committed, by the publishers' threads of all shards; so it
 * shows what the topics show, to the byte, and nothing that may yet be taken back. A picture is
 * immutable: who asks takes a reference and reads at leisure, and a newer one only takes its place.
 * The one lock is the board's own, held while pointers are put or gathered.
 *
 * What it holds is bounded: active events as many as the engines hold, and of what is over the last
 * so many (ED_BOARD_*). Where memory is refused it shows less, and counts that. */
#ifndef ED_SERVE_BOARD_H
#define ED_SERVE_BOARD_H

#include "base/message.h"
#include "serve/facts.h"

#define ED_BOARD_FADED     4096
#define ED_BOARD_MERGED    16384
#define ED_BOARD_CHANGES   8192
#define ED_BOARD_DOCUMENTS 16384
#define ED_BOARD_SOURCES   8192 /* different ones; what others there are is counted as one */
#define ED_SOURCES_TOLD    4    /* of an event */

struct ed_board;

/* The latest picture of an event or topic. */
struct ed_picture {
    uint64_t id; /* topics: with ED_ID_TOPIC */
    uint32_t shard;
    struct ed_facts facts;
    eddy_str json; /* as in the events' topic */
};

/* One change. */
struct ed_told_change {
    uint64_t number; /* of the changes of this process, from 1 */
    uint64_t event, other;
    eddy_str kind, json; /* as in the changes' topic */
};

eddy_status ed_board_new(struct ed_board **ret, eddy_error *err);
/* When nobody feeds, asks or holds anything of it. */
void ed_board_free(struct ed_board *board);

/* ---- feeding; the thread of a shard ---- */

/* An epoch is visible; or (how all stands at the start) one that only has pictures. */
void ed_board_put(struct ed_board *board, uint32_t shard, const struct ed_epoch *epoch);
/* The shard is another process's now. */
void ed_board_forget(struct ed_board *board, uint32_t shard);

/* ---- asking; any thread ---- */

/* Which pictures. */
struct ed_wanted {
    int topics;      /* 1: topics and themes; 0: events */
    unsigned states; /* 1 << state, or-ed */
    double size_min;
    int64_t since_ms; /* last seen then or later; INT64_MIN: any */
    uint64_t topic;   /* in this one, or under this theme; 0: any */
};
/* All of them, in no order, each to be given back: *ret (n) is to be freed by ed_free. EDDY_NOMEM.
 * Cost: the lock for as long as a walk over all takes. */
eddy_status ed_board_gather(struct ed_board *board, const struct ed_wanted *wanted,
                            const struct ed_picture ***ret, size_t *n_ret, eddy_error *err);
/* One, to be given back; NULL: it is not there. */
const struct ed_picture *ed_board_find(struct ed_board *board, uint64_t id);
void ed_picture_back(const struct ed_picture *picture);
/* The words of a picture, as ed_facts_words; made once. n 0: none, or no memory. */
eddy_str ed_picture_words(const struct ed_picture *picture);

/* The change of that number, or the first after it that is still there; to be given back. NULL:
 * there is none yet. */
const struct ed_told_change *ed_board_change(struct ed_board *board, uint64_t number);
void ed_change_back(const struct ed_told_change *change);
/* Wait until there is a change of this number, for wait_ms at most, or until ed_board_wake. Returns
 * the number of the next change that will be. */
uint64_t ed_board_wait(struct ed_board *board, uint64_t number, int wait_ms);
void ed_board_wake(struct ed_board *board);

/* The documents of an event among the last ones, wherever they came to, the newest first. */
struct ed_board_document {
    int64_t time_ms;
    uint64_t position;
    double similarity;  /* as it came; NaN: it founded the event */
    uint64_t came_to;   /* that event */
    uint64_t group;     /* where it is now */
    uint64_t runner_up; /* the second best; 0: there was none */
    double runner_up_similarity;
    char id[128];
};
eddy_status ed_board_documents(struct ed_board *board, uint64_t event, size_t max,
                               struct ed_board_document **ret, size_t *n_ret, eddy_error *err);

/* Whom the documents of these events (n) are from, those among the last ones: so it begins anew
 * with the process. Names are valid until the board is freed.
 *
 *   ret       (n) in the order of the events
 *   ret_seen  documents that were looked at, of all events */
struct ed_board_sources {
    size_t documents;
    size_t n; /* sources that are told by name, those of most documents first */
    struct {
        eddy_str name;
        size_t documents;
    } at[ED_SOURCES_TOLD];
    size_t others, others_documents; /* the other sources, and their documents */
};
eddy_status ed_board_sources(struct ed_board *board, const uint64_t *events, size_t n,
                             struct ed_board_sources *ret, size_t *ret_seen, eddy_error *err);

/* How the events of one shard look as a whole: over what their pictures say of themselves, each as
 * of when it was last told (eddy_event_indexes). NaN: not known. */
struct ed_board_whole {
    size_t active, faded, merged, topics, themes; /* on the board */
    double documents;                             /* in active events */
    double silhouette, compactness, drift;        /* mean over documents (root mean square) */
    double davies_bouldin, separation;            /* mean over events */
};
void ed_board_whole(struct ed_board *board, uint32_t shard, struct ed_board_whole *ret);
/* What is no more among the last so many that are kept (ED_BOARD_*). */
struct ed_board_left {
    uint64_t changes, documents, faded, merged;
};
void ed_board_left(struct ed_board *board, struct ed_board_left *ret);
/* What found no memory. */
uint64_t ed_board_lost(struct ed_board *board);

#endif
