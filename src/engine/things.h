/* Things: what the state of a clusterer is made of, from points to documents of the window.
 *
 * Each is recorded by itself, under its number, and marked by whoever changes it; state.h has the
 * clusterer that owns them and says what its files do to them. */
#ifndef ED_ENGINE_THINGS_H
#define ED_ENGINE_THINGS_H

#include "base/bytes.h"
#include "base/table.h"

#include "engine/coded.h"
#include "engine/rate.h"

#include <eddy/engine.h>

#include <math.h>

/* ---- what has to be recorded ---- */

/* Kinds of records; those below ED_MARKED are numbered things that are marked when they change. */
enum ed_kind {
    ED_SCALARS = 1,
    ED_EVENT,
    ED_NEAR, /* the list of an event */
    ED_TOLD, /* what drift of an event is told against */
    ED_GROUP,
    ED_SAMPLE,
    ED_FADED,
    ED_LINK,
    ED_REDIRECT,
    ED_OPERATION,
    ED_WINDOW, /* a document */
    ED_PLACE,  /* where it is, if not where it came to */
    ED_ANSWER,
    ED_TOPIC,
    ED_TOPIC_OF, /* the topic of an event */
    ED_RATE,     /* of an event */
    ED_SEEN,     /* how much came to a group, and when */
    ED_FOLD,     /* a group that was folded away */
    ED_MARKED,
    ED_WORDS = ED_MARKED,
    ED_WORDS_PAGE,
    ED_WORDS_DELTA,
    ED_RECENT
};

struct ed_marks {
    uint64_t *dirty; /* (room) bits: changed since it was recorded */
    uint64_t *renew; /* (room) bits: is recorded even if it has not changed */
    uint64_t *hash;  /* (room) of what was recorded; 0: nothing */
    size_t room;
};

#define BLOCK_MAX 256 /* points that one scan is for */
#define NONE      UINT32_MAX
#define TOP_WORDS 12

/* One document's point. */
struct ed_point {
    float *dense; /* (n_dense) */
    uint16_t *at; /* (n_words) places among the hashed word dimensions, by first use */
    float *value; /* (n_words) */
    uint32_t n_words;
    const uint8_t *bytes; /* of its code; NULL: it has none ... */
    const uint8_t *fine;  /* ... and the fine ones */
    struct ed_code code;
    uint64_t kind;           /* see eddy_row */
    double words_root;       /* square root of the words' weight */
    double weight;           /* w: 1, or grows with time under a half-life */
    uint64_t top[TOP_WORDS]; /* its most telling words, for the keywords of its group */
    uint32_t n_top;
};

/* ---- groups (micro-clusters) and events ---- */

#define ID_KEPT    128
#define TITLE_KEPT 200
struct ed_exemplar {
    float similarity; /* to the event when it came; -1: none */
    int64_t time_ms;
    uint8_t n_id, n_title;
    char id[ID_KEPT], title[TITLE_KEPT];
};

/* Heavy hitters of the group's words, by the space-saving rule (Metwally et al. 2005). A word that
 * drives another out takes over its count, to be hard to drive out in turn; what it was surely
 * counted for itself stands beside. */
#define SKETCH 32
struct ed_sketch {
    uint32_t n;
    float count[SKETCH], sure[SKETCH];
    uint64_t hash[SKETCH];
};

/* What a pass asks of all groups and events stands first, in one line of the cache; and each has an
 * odd number of lines, for else all would want the same few places there. */
struct ed_group {
    _Alignas(64) uint64_t id; /* 0: free */
    uint64_t joined;          /* round in which a document last came */
    uint64_t stays;           /* ticks + 1 when repair last saw that it stays; no state */
    double weight;            /* n_u */
    double square;            /* q_u = |S_u|^2 */
    uint64_t held[2]; /* groups of an event that have one of these in common stay together: numbers
                         of the operations of others, and of a person, that said so; 0: free */
    uint32_t event;   /* slot */
    uint64_t came;    /* bits: operations of the ring that brought it where it is or was */
    double docs;
    int64_t first_ms, last_ms;
    struct ed_sketch words;
    struct ed_exemplar central, newest;
    /* recorded on its own, see signals.c */
    double seen;     /* sightings */
    int64_t seen_ms; /* the last of them; INT64_MIN: none */
    int64_t bucket;  /* in which something last came; INT64_MIN: nothing did ... */
    double open;     /* ... how much, and ... */
    float recent;    /* ... what had come before, as ed_rate_fade leaves of it */
    char apart[64];  /* for the number of lines */
};
_Static_assert(sizeof(struct ed_group) / 64 % 2, "groups want the same places of the cache");

/* What an event or topic was given by operations: a name, a pin, a description. */
struct ed_given {
    uint64_t named_in, pinned_in, described_in;   /* numbers of the operations */
    eddy_actor named_by, pinned_by, described_by; /* EDDY_ONLINE: not */
    uint8_t n, n_category;
    uint16_t n_summary;
    char name[EDDY_NAME_MAX], category[EDDY_CATEGORY_MAX], summary[EDDY_SUMMARY_MAX];
    float *vector; /* (dense_dim) of the summary; NULL: none */
};

struct ed_near {
    uint32_t slot;
    float similarity;
    uint64_t id; /* the slot may have changed hands since */
};

#define INDEXES     5       /* of an event, see indexes.c */
#define ED_MAP_UNIT 1000    /* places are whole thousandths ... */
#define ED_MAP_EDGE 1000000 /* ... and none is farther out */

struct ed_event_state {
    _Alignas(64) uint64_t id; /* 0: free */
    double weight, docs;      /* n_e */
    uint64_t changed;         /* round in which it last joined, moved, merged, split */
    uint64_t grown;           /* pass that found it grown since its list was made; no state */
    uint32_t *groups;         /* (n_groups) */
    struct ed_near *near;     /* (n_near), nearest first */
    uint32_t n_groups, n_near;
    uint64_t pictured; /* round at whose end a picture was last due */
    uint64_t parent;
    uint64_t version;
    int64_t first_ms, last_ms;
    uint32_t room_groups;
    int32_t map[2];  /* its place, see map.c; 0, 0: it has no place yet; recorded with the list */
    double listed;   /* weight when the list was made; 0: make it anew */
    double step;     /* documents at which `grew` is told next */
    uint64_t name;   /* hash of the keywords last told */
    double named_at; /* documents when it was last named */
    struct ed_given *given;  /* NULL: nothing */
    uint64_t kind;           /* of its documents (eddy_row) */
    uint64_t topic;          /* id; 0: none; recorded on its own */
    uint32_t n_links;        /* links that it is in; not recorded */
    double viewed;           /* documents when a reasoner was last shown it; 0: never */
    double indexed;          /* documents when its indexes were last made; 0: never */
    uint64_t nearest;        /* see eddy_event_indexes */
    double indexes[INDEXES]; /* silhouette, davies_bouldin, compactness, separation, drift */
    float *told;             /* (dim) sum when drift was last told; NULL: none */
    double told_weight;
    uint64_t asked_in;   /* stretch in which its weight last changed ... */
    double asked_weight; /* ... and weight_now at that moment */
    double required;     /* what arrival asks: tau + phi off; as of the stretch or that moment */
    double power;        /* n^p, likewise */
    /* recorded on its own, see signals.c */
    struct ed_rate rate;
    int64_t due;       /* when its silence is told, as the stream's heard buckets; INT64_MAX */
    uint64_t incident; /* of its burst */
    double shown;      /* sightings when it was last pictured */
    int64_t heard_ms;  /* the last sighting of its groups, INT64_MIN; not recorded */
};
_Static_assert(sizeof(struct ed_event_state) / 64 % 2, "events want the same places of the cache");

/* When something last came to it. */
static inline int64_t ed_event_last(const struct ed_event_state *ev)
{
    return ev->last_ms > ev->heard_ms ? ev->last_ms : ev->heard_ms;
}

/* Which slots are taken; the lowest free one is next. */
struct ed_slots {
    uint64_t *used; /* bits */
    uint32_t n;     /* slots that were ever taken */
    uint32_t hint;  /* words of `used` before this one are full */
};

/* ---- topics and themes ---- */

struct ed_topic {
    uint64_t id;     /* 0: free */
    uint64_t parent; /* id of a topic's theme; 0: none */
    uint64_t version;
    int level;        /* 1: topic, 2: theme */
    uint64_t told;    /* hash of its children and its theme when it was last told ... */
    double told_docs; /* ... and how many documents it had */
    struct ed_given *given;
};
struct ed_topics {
    struct ed_topic *at; /* (room) */
    struct ed_slots slots;
    size_t room;
    struct ed_table slot_of; /* id -> slot */
    uint64_t next;           /* number of the next one */
};

/* ---- the vocabulary ---- */

struct ed_vocabulary {
    struct ed_table entries; /* hash -> changed << 63 | df << 32 | place of the surface */
    struct ed_bytes surface; /* length byte, then bytes */
    uint64_t dropped;
    /* How it is recorded; see vocabulary.c. */
    uint64_t counts, spellings; /* sums of hashes of all words; counts: but those changed */
    uint64_t *changed;          /* (n_changed) words since the last call, by first change */
    size_t n_changed, room_changed;
    size_t recorded;   /* bytes of `surface` that are recorded */
    int cut;           /* words were forgotten since the last call */
    uint64_t sequence; /* of the last delta */
    uint64_t oldest;   /* deltas up to this one are void */
    uint64_t rotation; /* the last delta when the pages began to be written anew in turn */
    uint32_t cursor;   /* the next page to be written */
    int64_t debt;      /* bytes of deltas that no pages were written for yet */
    uint32_t renew;    /* pages to be written in any case ... */
    uint64_t outdated; /* ... and the delta up to which all are to be void soon */
    uint16_t *parts;   /* (ed_words_pages) records of each page */
};
#define ED_DF_CHANGED   (UINT64_C(1) << 63)
#define ED_DF(value)    ((uint32_t)((value) >> 32) & 0x7fffffff)
#define ED_PLACE(value) ((uint32_t)(value))

/* ---- what came a moment ago ---- */

#define RECENT_PAGE 128 /* documents in a record */
struct ed_recent {
    uint64_t *ids; /* (pages, RECENT_PAGE) eddy_row.same by sequence; a ring */
    size_t pages;
    struct ed_table place; /* same -> sequence; of those in the window */
    uint64_t next;         /* sequence of the next one */
    /* How it is recorded; see duplicates.c. */
    uint64_t recorded; /* those before are in records */
    uint64_t oldest;   /* the first page that is there */
    uint64_t *hash;    /* (pages) of the records */
    uint8_t *renew;    /* (pages) 1: is recorded even if it has not changed */
};

/* ---- signals ---- */

#define INCIDENTS_KEPT 16
struct ed_signals {
    int64_t bucket;                /* the open one */
    uint64_t unheard;              /* buckets in which nothing came at all */
    uint64_t incidents;            /* that there were ... */
    int64_t start[INCIDENTS_KEPT]; /* ... and where they began, by number: the last ones */
    /* no state */
    uint64_t *stirred;  /* (room_events / 64) bits: something came in the open bucket ... */
    uint64_t *restless; /* ... or it is in a burst */
    int64_t due;        /* no event's is before */
};

/* Groups that were folded away, the last FOLDS_MAX of them. */
#define FOLDS_MAX 65536
struct ed_fold {
    uint64_t id, into;
};
struct ed_folds {
    struct ed_fold *at; /* (room) by number % FOLDS_MAX */
    uint64_t n;         /* that there were */
    uint32_t room;
    struct ed_table place; /* id -> place */
};

/* ---- threshold ---- */

#define SAMPLE_MAX 512 /* m: documents in the calibration sample */
struct ed_sample {
    float *points;  /* (SAMPLE_MAX, stride) */
    float *product; /* (SAMPLE_MAX, SAMPLE_MAX) of the points; rows of stale ones are old */
    uint8_t stale[SAMPLE_MAX];
    uint32_t n;
    int16_t *steps; /* (SAMPLE_MAX, stride) the points in POINT_STEP; no state */
};

struct ed_threshold {
    double tau;     /* asked of large groups */
    double learned; /* the same before answers moved it */
    double steep;   /* what answers made of BETA, as a factor; 1 without */
    double mean;    /* of the null pairs */
    double spread;  /* sd of the null pairs */
    double delta;   /* similarity asked per halving of the larger group */
    double full;    /* n': size from which nothing more is asked */
    double phi;     /* share of the mass in small events: how far arrival asks for it */
};

/* The last events that faded, so that one which resumes an old one can say so. */
#define FADED_KEPT 256
struct ed_faded {
    float *sums; /* (FADED_KEPT, stride); a ring */
    double weight[FADED_KEPT];
    uint64_t id[FADED_KEPT];
    uint32_t n, next;
    uint64_t left; /* that were overwritten */
};

/* ---- what operations leave behind ---- */

/* Two live events and what was said of them. */
#define LINKS_MAX 4096
struct ed_link {
    uint64_t low, high;  /* ids */
    double strength;     /* at most EDDY_LINK_FIRM either way; 0: no link, but for its answers */
    uint64_t operation;  /* that said so last */
    uint64_t answers[2]; /* numbers of the answers that it is the sum of, older first; 0: none */
    eddy_actor by;
};
/* No link at all: of two answers that contradict each other the strength is 0, too. */
static inline int ed_link_none(const struct ed_link *link)
{
    return !(fabs(link->strength) > 0) && !link->answers[0];
}
struct ed_links {
    struct ed_link *at; /* (n) in no order that means anything */
    uint32_t n, room;
    uint64_t max_hits;
};

/* Events that were merged away; at the ceiling half of the room is made free. */
#define REDIRECTS_MAX 65536
struct ed_redirect {
    uint64_t id, into;
};
struct ed_redirects {
    struct ed_redirect *at; /* (n) oldest first */
    uint32_t n, room;
    uint64_t max_hits;
    struct ed_table place; /* id -> place */
};

/* The last operations, at number % OPERATIONS_KEPT, with what an undo needs. Of persons' ones,
 * fewer than WANTED_MAX are kept for as long as only others operate: numbers have gaps then. */
#define OPERATIONS_KEPT 64
#define WANTED_MAX      48
struct ed_operation {
    uint64_t number; /* 0: free */
    eddy_operation_kind kind;
    eddy_actor actor;
    int undone;
    uint64_t event, other;     /* as in eddy_operation; split: the new event, and the old one */
    uint64_t position;         /* likewise */
    struct ed_given before[2]; /* of event or topic (split: none), and of other */
    struct ed_link link;       /* what there was between them */
    int unlike;                /* 1: they were of different kinds, and ... */
    uint64_t docs_kind;        /* ... event's documents of this one */
};

/* ---- the last documents ---- */

struct ed_kept {
    unsigned char *value; /* (n) of its record */
    uint32_t n, room;
    uint64_t came_to;  /* id of its group, as in the value */
    uint64_t group;    /* and now */
    eddy_actor put_by; /* who put it there by itself; EDDY_ONLINE: nobody */
};
struct ed_window {
    struct ed_kept *docs; /* (options.window) at position % window; NULL: there was none */
    uint32_t *group; /* (window) slots of their groups; another's where the id is not the same */
    /* work memory */
    float *dense; /* (n_dense) */
    uint16_t *at; /* (terms_dim) */
    float *value; /* (terms_dim) */
    uint64_t *used;
    unsigned char *bytes;
};

/* A document of the window, as its record tells. Strings are in the record; the point is in work
 * memory, until the next one is read. */
struct ed_document {
    uint64_t position;
    int64_t time_ms, arrived_ms; /* of the document, and of the stream when it came */
    uint64_t came_to;
    float similarity, threshold, runner_up_similarity;
    uint64_t runner_up;
    eddy_str id, title;
    struct ed_point point;
    uint32_t group, event; /* slots, now; NONE: faded */
};

/* The last answers to doubts, at their number % ANSWERS_KEPT. */
#define ANSWERS_KEPT 1024
struct ed_answer {
    uint64_t operation; /* 0: free, or undone */
    uint64_t event;     /* of one whose halves were asked about; 0: of two */
    uint64_t side;      /* hash of the groups of one half; 0: of two */
    int same;
    double error, similarity;
    double shift; /* what it adds to the similarity of its sides */
};

struct ed_list_change {
    eddy_change *at;
    size_t n, room;
};
struct ed_list_picture {
    eddy_event *at;
    size_t n, room;
};
struct ed_list_topic {
    eddy_topic *at;
    size_t n, room;
};

#endif
