/* The state of a clusterer, and what its files do to it.
 *
 *   clusterer.c  the public face: rows are checked, cut into stretches, handed down
 *   words.c      document frequencies, and the surface of words for people
 *   point.c      a row becomes a point: one fused vector of length 1
 *   threshold.c  what similarity is asked: learned from a sample of the stream
 *   arrive.c     each point joins an event or founds one
 *   events.c     events and groups: sums of points, and the changes that are told
 *   coded.c      sums as bytes, and the scans that propose by them
 *   near.c       the nearest events of an event
 *   halves.c     an event in two, where it hangs together least
 *   repair.c     groups move, events split and merge, long after the documents left memory
 *   retire.c     folding of groups, fading of events
 *   window.c     the last documents with their points, and where they are now
 *   members.c    which of them an event holds, the most central first
 *   inverse.c    words that tell events from each other
 *   place.c      which of them may be elsewhere
 *   reassign.c   one of them goes elsewhere
 *   operate.c    what reasoners and people decided, if its premise still holds
 *   judge.c      answers to doubts: what they say of the threshold
 *   undo.c       and back again
 *   links.c      what must hold after that: links, held groups, redirects of merged ids
 *   doubts.c     what the engine would like to ask
 *   hierarchy.c  events gather in topics, topics in themes
 *   topics.c     what people see of topics
 *   describe.c   what events and topics are called, and said to be
 *   rate.c       how much comes to one thing, and what is unusual
 *   signals.c    that of events: bursts, silences, trends; sightings; where groups are
 *   duplicates.c what came a moment ago, so that a second one is left out
 *   picture.c    what people see of an event: keywords, central titles, counts
 *   indexes.c    how good events look from inside
 *   view.c       what a reasoner sees: copies of all that changed
 *   record.c     the state as records, of what changed; its hash
 *   vocabulary.c the words' part of that, written and read
 *   load.c       the state from records
 *
 * What is state. Everything that a later answer depends on is in a record, and whoever changes it
 * says so by ed_mark, in the same function. Marks of a pass (joined, changed, pictured) are numbers
 * of the round they were made in, so that a new round changes nothing; the lowest free slot is
 * taken, so that there is no list of free ones; and what arrival asks of an event can be told from
 * its weight and when that last changed (ed_event_ask), so that a new stretch changes nothing.
 *
 * Vectors. A point is [dense | extra ... | words], each view scaled by the square root of its
 * weight, so that the product of two points is the weighted mean of the views' cosines. The first
 * n_dense floats are everything but the words; the words' part of a point is sparse.
 *
 * What coded.c and words.c offer is in coded.h and words.h, members.c to reassign.c and doubts.c in
 * members.h, operate.c to links.c in operations.h, hierarchy.c to describe.c in hierarchy.h, of
 * signals.c in signals.h. */
#ifndef ED_ENGINE_STATE_H
#define ED_ENGINE_STATE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/table.h"
#include "base/vector.h"

#include "engine/coded.h"
#include "engine/rate.h"

#include <eddy/engine.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ALGORITHM.md 5.1; the ones a user may set are in eddy_engine_options. */
#define POINT_STEP    0x1p-14 /* coordinates of points are multiples of it, and so are their sums */
#define MEAN_PSEUDO   64.0    /* n_mu: pseudo-count that pulls the running mean to 0 */
#define WEIGHT_FALL   0.1     /* w_l: fall of the dense weight per doubling of words above 20 */
#define WEIGHT_FLOOR  0.2     /* w_min */
#define SAMPLE_MAX    512     /* m: documents in the calibration sample */
#define SAMPLE_SPAN   65536   /* documents after which the sample's rate of renewal stays */
#define KAPPA         2.0     /* spreads above the null mean */
#define C_NEAREST     1.3     /* spreads below nn10 */
#define G_NEAREST     0.5     /* correction of nn10 per halving of the sample */
#define CLAMP_LOW     1.25    /* k_lo, k_hi: clamps of the near rule, in spreads */
#define CLAMP_HIGH    4.5
#define SKEW_LOW      1.25 /* s_0, s_1: skewness gate */
#define SKEW_HIGH     2.0
#define TAU_PRIOR     0.15 /* tau_0 and its weight n_0 */
#define TAU_PRIOR_N   50.0
#define RAMP          128.0 /* n_ramp: documents until the near rule counts fully */
#define SIZE_STEP     0.4   /* c_s: similarity asked per halving of the larger group, in sd */
#define SPREAD_MAX    0.06  /* sd_max */
#define SIZE_FULL     128.0 /* n_s: size from which tau alone counts */
#define SIZE_SMALL    16.0  /* n_small */
#define GROUP_COSINE  0.6   /* tau_m: cosine to join a group */
#define BETA          6.0   /* steepness of confidence, times 1/sd */
#define INDEXES       5     /* of an event, see indexes.c */
#define SURE          0.1   /* no doubt where P or 1 - P is below */
#define STRETCH_FIRST 32
/* Spreads: so far below what repair would ask may be what a reasoner merges, and so far above what
 * it splits (the range that 5.7 fits the threshold in). */
#define COHESION 1.5
#define SEAM     2.5

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

struct ed_group {
    uint64_t id;      /* 0: free */
    uint32_t event;   /* slot */
    uint64_t joined;  /* round in which a document last came */
    uint64_t held[2]; /* groups of an event that have one of these in common stay together: numbers
                         of the operations of others, and of a person, that said so; 0: free */
    uint64_t came;    /* bits: operations of the ring that brought it where it is or was */
    double weight;    /* n_u */
    double docs;
    double square; /* q_u = |S_u|^2 */
    int64_t first_ms, last_ms;
    struct ed_sketch words;
    struct ed_exemplar central, newest;
    uint64_t stays; /* ticks + 1 when repair last saw that it stays */
    /* recorded on its own, see signals.c */
    double seen;     /* sightings */
    int64_t seen_ms; /* the last of them; INT64_MIN: none */
    int64_t bucket;  /* in which something last came; INT64_MIN: nothing did ... */
    double open;     /* ... how much, and ... */
    float recent;    /* ... what had come before, as ed_rate_fade leaves of it */
};

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

#define ED_MAP_UNIT 1000    /* places are whole thousandths ... */
#define ED_MAP_EDGE 1000000 /* ... and none is farther out */

struct ed_event_state {
    uint64_t id; /* 0: free */
    uint64_t parent;
    uint64_t version;
    double weight, docs; /* n_e */
    int64_t first_ms, last_ms;
    uint32_t *groups; /* (n_groups) */
    uint32_t n_groups, room_groups;
    struct ed_near *near; /* (n_near), nearest first */
    uint32_t n_near;
    int32_t map[2];    /* its place, see map.c; 0, 0: it has no place yet; recorded with the list */
    double listed;     /* weight when the list was made; 0: make it anew */
    double step;       /* documents at which `grew` is told next */
    uint64_t changed;  /* round in which it last joined, moved, merged, split */
    uint64_t pictured; /* round at whose end a picture was last due */
    uint64_t name;     /* hash of the keywords last told */
    double named_at;   /* documents when it was last named */
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
    uint64_t moved;      /* ticks when a group last came or went */
    double required;     /* what arrival asks: tau + phi off; as of the stretch or that moment */
    double power;        /* n^p, likewise */
    /* recorded on its own, see signals.c */
    struct ed_rate rate;
    int64_t due;       /* when its silence is told, as the stream's heard buckets; INT64_MAX */
    uint64_t incident; /* of its burst */
    double shown;      /* sightings when it was last pictured */
    int64_t heard_ms;  /* the last sighting of its groups, INT64_MIN; not recorded */
};

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

struct ed_sample {
    float *points;  /* (SAMPLE_MAX, stride) */
    float *product; /* (SAMPLE_MAX, SAMPLE_MAX) of the points; rows of stale ones are old */
    uint8_t stale[SAMPLE_MAX];
    uint32_t n;
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
};

/* Events that were merged away; at the ceiling half of the room is made free. */
#define REDIRECTS_MAX 65536
struct ed_redirect {
    uint64_t id, into;
};
struct ed_redirects {
    struct ed_redirect *at; /* (n) oldest first */
    uint32_t n, room;
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

struct eddy_clusterer {
    eddy_engine_options o;
    size_t n_dense;                   /* dense and extra dimensions */
    size_t dim;                       /* n_dense + terms_dim */
    size_t stride;                    /* dim rounded up to a cache line of floats */
    struct ed_code_shape shape;       /* of codes: what is no word, and words */
    const struct ed_kernels *kernels; /* that scan them */
    uint32_t fine_max;                /* events up to which lists scan by fine bytes too */

    uint64_t position; /* documents seen, the one at hand included */
    uint64_t viewed;   /* how many when a reasoner last looked */
    int64_t stream_ms, start_ms;
    double weight_now; /* weight of a document that comes now */
    double *sum;       /* (n_dense) of raw vectors, for the running mean */
    uint64_t seen_dense, seen_extra[EDDY_EXTRA_MAX];
    struct ed_vocabulary words;
    struct ed_recent recent;
    struct ed_sample sample;
    struct ed_faded faded;
    struct ed_threshold th;

    struct ed_event_state *events;  /* (room_events) */
    float *event_sums;              /* (room_events, stride) */
    struct ed_codes event_codes;    /* of them */
    float *inverse, *asked, *power; /* (room_events) 1/n, tau + phi off, n^p; for the filter */
    struct ed_slots slots;
    uint32_t room_events, n_events;
    struct ed_table slot_of; /* event id -> slot */
    struct ed_topics topics;

    struct ed_group *groups; /* (room_groups) */
    float *group_sums;       /* (room_groups, stride) */
    struct ed_codes group_codes;
    struct ed_slots group_slots;
    uint32_t room_groups, n_groups;
    struct ed_table group_of; /* group id -> slot */
    struct ed_folds folds;
    struct ed_signals signals;
    uint64_t next_event, next_group;

    uint64_t stretch;      /* number of this one, from 1 */
    double stretch_weight; /* weight_now when it began */
    uint64_t stretch_left; /* documents until the next pass */
    uint64_t unrepaired;   /* documents and answers since the last pass */
    uint64_t pass;
    uint64_t ticks, began; /* groups moved since the process began, and when this pass did; no
                              state: only a pass asks */

    eddy_arena *work; /* points and scores of a block, lists of a pass */
    eddy_arena *pictures_arena;
    struct ed_list_change changes;
    struct ed_list_picture pictures;
    struct ed_list_topic topics_told;
    eddy_engine_stats stats;
    int failed; /* memory ran out inside; nothing may be done any more */

    struct ed_marks marks[ED_MARKED];
    uint64_t hash_things; /* sum of the hashes of all marked things but the scalars, and of what is
                             recent */
    struct ed_links links;
    struct ed_redirects redirects;
    struct ed_operation *operations; /* (OPERATIONS_KEPT); NULL: there was none */
    uint64_t next_operation;
    struct ed_window window;
    struct ed_answer *answers; /* (ANSWERS_KEPT); NULL: there was none */
    uint64_t next_answer;      /* from 0 */
    struct {
        eddy_actor actor;
        uint64_t number;
        eddy_str evidence;
    } acting; /* on whose behalf changes are made; all 0 but in apply */

    struct ed_load *load; /* while records are loaded; NULL: not */
};

static inline float *ed_event_sum(const eddy_clusterer *cl, uint32_t slot)
{
    return cl->event_sums + (size_t)slot * cl->stride;
}
static inline struct ed_coded ed_point_coded(const struct ed_point *p)
{
    return (struct ed_coded){p->bytes, &p->code, p->fine};
}
static inline float *ed_group_sum(const eddy_clusterer *cl, uint32_t group)
{
    return cl->group_sums + (size_t)group * cl->stride;
}

/* An event is shown to a reasoner again when it has grown or shrunk by a tenth. */
static inline int ed_event_changed(const struct ed_event_state *ev)
{
    return ev->id && (ev->docs >= ev->viewed * 1.1 || ev->docs * 1.1 <= ev->viewed);
}

/* By how much float arithmetic may mistake the mean similarity of two sums. */
static inline double ed_slop(const eddy_clusterer *cl)
{
    return 1e-6 + 1.2e-7 * (double)cl->stride;
}

/* Of the round up to the next end of a pass. */
static inline uint64_t ed_round(const eddy_clusterer *cl)
{
    return cl->stats.passes + 1;
}

/* Thing `number` of this kind is not what was recorded any more. */
static inline void ed_mark(eddy_clusterer *cl, enum ed_kind kind, uint32_t number)
{
    cl->marks[kind].dirty[number / 64] |= UINT64_C(1) << number % 64;
}

/* The slot of a live event, NONE. */
static inline uint32_t ed_event_slot(const eddy_clusterer *cl, uint64_t id)
{
    const uint64_t *slot = ed_table_find(&cl->slot_of, id);
    return slot ? (uint32_t)*slot : NONE;
}

/* clusterer.c: what was told is not any more */
void ed_forget_told(eddy_clusterer *cl);
/* May it go on? */
eddy_status ed_clusterer_ready(const eddy_clusterer *cl, eddy_error *err);

/* duplicates.c */
void ed_recent_clear(struct ed_recent *r);
uint64_t ed_recent_bytes(const struct ed_recent *r);
int ed_recent_has(const eddy_clusterer *cl, uint64_t same);
/* These rows are taken, up to the first that is a duplicate: *n becomes how many. 0: no memory. */
int ed_recent_take(eddy_clusterer *cl, const eddy_row *rows, size_t *n);

/* point.c */
void ed_point_dense(eddy_clusterer *cl, const eddy_row *row, struct ed_point *p, float *dense);
/* The words' parts of (n) points ahead of their turn, as they will be unless words are forgotten
 * until then; the words of the first `counted` rows (0 or 1) are counted already. Memory is from
 * cl->work. */
eddy_status ed_points_words(eddy_clusterer *cl, const eddy_row *rows, struct ed_point *points,
                            size_t n, size_t counted, eddy_error *err);
/* point . sum, fixed order. */
double ed_point_dot(const eddy_clusterer *cl, const struct ed_point *p, const float *sum);
/* The same of n sums, to the last bit, in less time: ret (n). */
void ed_point_dots(const eddy_clusterer *cl, const struct ed_point *p, const float *const *sums,
                   size_t n, double *ret);
void ed_point_add(const eddy_clusterer *cl, const struct ed_point *p, float *sum);
/* The direction of a dense vector from the stream's mean, which stays as it is. */
void ed_point_centred(const eddy_clusterer *cl, const float *dense, float *ret);

/* threshold.c: memory of the sample. 0: none. */
int ed_sample_room(eddy_clusterer *cl);
eddy_status ed_threshold_sample(eddy_clusterer *cl, const struct ed_point *p, eddy_error *err);
/* Before each stretch. */
void ed_threshold_learn(eddy_clusterer *cl);
/* What arrival asks of every event, after tau has changed. */
void ed_threshold_ask(eddy_clusterer *cl);
/* How steeply the probability that two are one rises with similarity. */
static inline double ed_beta(const eddy_clusterer *cl)
{
    return cl->th.steep * BETA / cl->th.spread;
}
/* off(m): similarity asked beyond tau of two groups whose larger weighs m, where a document weighs
 * now. */
double ed_threshold_off_at(const eddy_clusterer *cl, double m, double now);
static inline double ed_threshold_off(const eddy_clusterer *cl, double m)
{
    return ed_threshold_off_at(cl, m, cl->weight_now);
}

/* arrive.c */
eddy_status ed_arrive(eddy_clusterer *cl, const eddy_row *rows, size_t n, eddy_assignment *ret,
                      eddy_error *err);
/* The point joins the event at slot, to whose documents it has this similarity. Returns the slot of
 * its group; NONE: no memory. */
uint32_t ed_join(eddy_clusterer *cl, const eddy_row *row, const struct ed_point *p, uint32_t slot,
                 double similarity);
void ed_exemplar_set(struct ed_exemplar *x, eddy_str id, eddy_str title, int64_t time_ms,
                     double similarity);

/* events.c: NONE or 0 = no memory. */
int ed_marks_room(struct ed_marks *marks, size_t room);
/* Room for at least so many. */
int ed_events_room(eddy_clusterer *cl, size_t wanted);
int ed_groups_room(eddy_clusterer *cl, size_t wanted);
int ed_slots_room(struct ed_slots *slots, size_t old, size_t room);
uint32_t ed_slots_lowest(const struct ed_slots *slots);
void ed_slots_take(struct ed_slots *slots, uint32_t slot);
void ed_slots_free(struct ed_slots *slots, uint32_t slot);
uint32_t ed_event_new(eddy_clusterer *cl);
void ed_event_drop(eddy_clusterer *cl, uint32_t slot);
/* The hot numbers of an event whose weight has changed. */
void ed_event_refresh(eddy_clusterer *cl, uint32_t slot);
/* The same of one whose weight has not, in a new stretch. */
void ed_event_ask(eddy_clusterer *cl, uint32_t slot);
/* Never a candidate. */
void ed_event_hide(eddy_clusterer *cl, uint32_t slot);
/* Forget what drift is told against. */
void ed_event_untell(eddy_clusterer *cl, uint32_t slot);
/* An event's sum is that of its groups' sums, in their order, to the last bit: so it is not
 * recorded. After whatever changes groups, and after a point has joined one of them; codes
 * follow. */
void ed_event_sum_up(eddy_clusterer *cl, uint32_t slot);
void ed_event_sum_up_point(eddy_clusterer *cl, uint32_t slot, const struct ed_point *p);
uint32_t ed_group_new(eddy_clusterer *cl, uint32_t slot);
int ed_group_attach(eddy_clusterer *cl, uint32_t group, uint32_t slot);
void ed_group_detach(eddy_clusterer *cl, uint32_t group);
void ed_group_drop(eddy_clusterer *cl, uint32_t group);
/* Sum, weight, documents and times of an event anew, from its groups; of one without groups the
 * times stay. */
void ed_event_gather(eddy_clusterer *cl, uint32_t slot);
/* Move a group with its sums; the event it leaves may be left without groups. */
int ed_group_shift(eddy_clusterer *cl, uint32_t group, uint32_t to);
eddy_change *ed_change_add(eddy_clusterer *cl, eddy_change_kind kind, uint32_t slot);
/* Tell `grew` if a step was passed; returns 0 when memory ran out. */
int ed_event_grown(eddy_clusterer *cl, uint32_t slot);
double ed_event_similarity(const eddy_clusterer *cl, uint32_t a, uint32_t b);
/* x (stride) . sum of each of these groups, at most ED_RUN_ROWS, fixed order: ret (n). */
void ed_groups_dots(const eddy_clusterer *cl, const float *x, const uint32_t *groups, size_t n,
                    double *ret);

/* near.c: make the lists of these slots anew. */
eddy_status ed_near_refresh(eddy_clusterer *cl, const uint32_t *slots, size_t n, eddy_error *err);
/* Insert into a list of n, at most room, nearest first; gives how many there are now. */
uint32_t ed_near_offer(struct ed_near *list, uint32_t n, uint32_t room, struct ed_near candidate);
/* Give the event at `to` the neighbours of the event at `from` as well, and that event itself.
 * Returns 0: no memory. */
int ed_near_join(eddy_clusterer *cl, uint32_t to, uint32_t from);
static inline int ed_near_alive(const eddy_clusterer *cl, const struct ed_near *near)
{
    return cl->events[near->slot].id == near->id;
}

/* halves.c */
struct ed_halves {
    uint32_t n;       /* groups of the event, in its order */
    uint32_t m;       /* nodes: groups that are held together are one; with fewer than 2 there is
                         nothing to part */
    double *dot;      /* (n, n) of their sums */
    double *affinity; /* (m, m) */
    double *size;     /* (n) their weights */
    uint32_t *node;   /* (n) */
    uint8_t *side;    /* (n) 0 or 1 */
    uint32_t *picked; /* (n) slots of groups */
    double weight[2]; /* of the sides */
    double across;    /* sum of dots from one to the other */
};
/* Might two of its groups be less alike than `least`, and so the sides of some bipartition? In
 * float, with the error of float on the side of yes. */
int ed_halves_may_be_below(const eddy_clusterer *cl, uint32_t slot, double least);
/* Memory is from the arena; 0: it is full. */
int ed_halves_of(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, struct ed_halves *ret);
/* The groups of one side go to h->picked; returns how many. */
size_t ed_halves_pick(const eddy_clusterer *cl, uint32_t slot, struct ed_halves *h, int side);
/* The best halves at this threshold; 0: none are less alike than that. */
int ed_halves_at(struct ed_halves *h, double threshold);

/* repair.c, retire.c */
int ed_faded_room(eddy_clusterer *cl); /* memory of the ring; 0: none */
eddy_status ed_repair(eddy_clusterer *cl, eddy_error *err);
/* How many passes an unchanged event waits for its turn; and is it looked at in this one? */
uint64_t ed_event_turns(const eddy_clusterer *cl);
static inline int ed_event_due(const eddy_clusterer *cl, const struct ed_event_state *ev,
                               uint64_t turns)
{
    return ev->changed == ed_round(cl) || (ev->id + cl->pass) % turns == 0;
}
eddy_status ed_retire(eddy_clusterer *cl, eddy_error *err);
/* Fold the groups of an event down to `detail`. */
eddy_status ed_retire_fold(eddy_clusterer *cl, uint32_t slot, eddy_error *err);
/* Bring all weights down, so that a document of now_ms weighs 1. */
eddy_status ed_retire_weights(eddy_clusterer *cl, int64_t now_ms, eddy_error *err);
/* Make room for more events by fading the longest idle. */
eddy_status ed_retire_one(eddy_clusterer *cl, eddy_error *err);

/* The faded event that the one at slot resumes, 0: none. */
uint64_t ed_retired_like(const eddy_clusterer *cl, uint32_t slot);

/* repair.c, for operations: pour an event into another. */
eddy_status ed_merge(eddy_clusterer *cl, uint32_t into, uint32_t from, double similarity,
                     eddy_error *err);
/* The event at slot has lost its last group to `into`: lineage, last picture, gone. */
eddy_status ed_event_emptied(eddy_clusterer *cl, uint32_t slot, uint32_t into, double before,
                             double similarity, double required, eddy_error *err);
/* A new event beside `like`, told as its split, for the groups that follow by ed_move; NONE: no
 * memory. */
uint32_t ed_split_off(eddy_clusterer *cl, uint32_t like, double similarity, double required);
/* The split is told as change number `told`: say what became of the sizes; lists of neighbours. */
eddy_status ed_split_done(eddy_clusterer *cl, uint32_t out, uint32_t slot, size_t told,
                          eddy_error *err);
/* Move a group; the event that it leaves is merged when nothing is left of it. */
eddy_status ed_move(eddy_clusterer *cl, uint32_t group, uint32_t to, double similarity,
                    double required, eddy_error *err);

/* window.c; ints: 0 = no memory */
int ed_window_room(eddy_clusterer *cl);
void ed_window_clear(eddy_clusterer *cl);
size_t ed_window_bytes(const eddy_clusterer *cl);
/* Documents in it: slots from 0. */
uint32_t ed_window_n(const eddy_clusterer *cl);
uint64_t ed_window_position(const eddy_clusterer *cl, uint32_t slot);
/* NONE: not in it. */
uint32_t ed_window_slot(const eddy_clusterer *cl, uint64_t position);
/* Slot of the group that the document is in; NONE: faded. */
uint32_t ed_window_group(const eddy_clusterer *cl, uint32_t slot);
/* The document that was assigned so has just joined that group. */
int ed_window_put(eddy_clusterer *cl, const struct ed_point *p, uint32_t group,
                  const eddy_assignment *a);
void ed_window_read(const eddy_clusterer *cl, uint32_t slot, struct ed_document *ret);
/* What was in group `from` is in `into`; both are still there. */
void ed_window_folded(eddy_clusterer *cl, uint32_t into, uint32_t from);
void ed_window_reassigned(eddy_clusterer *cl, uint32_t slot, uint32_t group, eddy_actor by);

/* record.c: the hash of the whole state, computed anew; 0: no memory. For tests. */
uint64_t ed_state_hash(const eddy_clusterer *cl);
/* load.c */
void ed_load_free(eddy_clusterer *cl);

/* indexes.c: of one event, against the neighbours of its list; those most like it. NaN and none
 * where it has no list yet. Indexes are those that were kept, where they still hold. */
void ed_indexes_keep(eddy_clusterer *cl, uint32_t slot);
void ed_indexes_picture(const eddy_clusterer *cl, uint32_t slot, eddy_event *ret);
double ed_indexes_velocity(const eddy_clusterer *cl, const struct ed_event_state *ev,
                           double centre);

/* map.c: places for events that are new, or due for a picture. */
eddy_status ed_map_pass(eddy_clusterer *cl, eddy_error *err);

/* picture.c */
struct ed_keyword {
    uint64_t hash;
    double score;
};
/* The words that say most about these events (n) together; gives how many. */
uint32_t ed_keywords(const eddy_clusterer *cl, const uint32_t *slots, uint32_t n,
                     struct ed_keyword ret[EDDY_KEYWORDS]);
/* The first three; at NULL: no memory. */
eddy_str ed_name_of_words(eddy_arena *arena, const eddy_str *words, uint32_t n);
eddy_status ed_picture(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, eddy_event *ret,
                       eddy_error *err);
/* Add the picture of slot to the list, with a new version. */
eddy_status ed_picture_add(eddy_clusterer *cl, uint32_t slot, eddy_event_state state,
                           uint64_t merged_into, eddy_error *err);
/* Names that changed, drift, and pictures of all events marked `pictured`. */
eddy_status ed_picture_pass(eddy_clusterer *cl, eddy_error *err);

#endif
