/* The state of a clusterer, and what its files do to it.
 *
 *   clusterer.c  the public face: rows are checked, cut into stretches, handed down
 *   words.c      document frequencies, and the surface of words for people
 *   point.c      a row becomes a point: one fused vector of length 1
 *   threshold.c  what similarity is asked: learned from a sample of the stream
 *   arrive.c     each point joins an event or founds one
 *   events.c     events and groups: sums of points, and the changes that are told
 *   near.c       the nearest events of an event
 *   repair.c     groups move, events split and merge, long after the documents left memory
 *   retire.c     folding of groups, fading of events
 *   operate.c    what reasoners and people decided, if its premise still holds
 *   undo.c       and back again
 *   links.c      what must hold after that: links, held groups, redirects of merged ids
 *   duplicates.c what came a moment ago, so that a second one is left out
 *   picture.c    what people see of an event: keywords, central titles, counts
 *   indexes.c    how good events look from inside
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
 * n_dense floats are everything but the words; the words' part of a point is sparse. */
#ifndef ED_ENGINE_STATE_H
#define ED_ENGINE_STATE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/table.h"
#include "base/vector.h"

#include <eddy/engine.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ALGORITHM.md 5.1; the ones a user may set are in eddy_engine_options. */
#define MEAN_PSEUDO   64.0  /* n_mu: pseudo-count that pulls the running mean to 0 */
#define WEIGHT_FALL   0.1   /* w_l: fall of the dense weight per doubling of words above 20 */
#define WEIGHT_FLOOR  0.2   /* w_min */
#define SAMPLE_MAX    512   /* m: documents in the calibration sample */
#define SAMPLE_SPAN   65536 /* documents after which the sample's rate of renewal stays */
#define KAPPA         2.0   /* spreads above the null mean */
#define C_NEAREST     1.3   /* spreads below nn10 */
#define G_NEAREST     0.5   /* correction of nn10 per halving of the sample */
#define CLAMP_LOW     1.25  /* k_lo, k_hi: clamps of the near rule, in spreads */
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
#define STRETCH_FIRST 32
/* Spreads: so far below what repair would ask may be what a reasoner merges, and so far above what
 * it splits (the range that 5.7 fits the threshold in). */
#define COHESION 1.5
#define SEAM     2.5

/* ---- what has to be recorded ---- */

/* Kinds of records; those up to ED_OPERATION are numbered things that are marked when they change.
 */
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
    ED_MARKED,
    ED_WORDS = ED_MARKED,
    ED_WORDS_PAGE,
    ED_WORDS_DELTA,
    ED_RECENT
};

struct ed_marks {
    uint64_t *dirty; /* (room) bits: changed since it was recorded */
    uint64_t *hash;  /* (room) of what was recorded; 0: nothing */
    size_t room;
};

#define BLOCK_MAX 128 /* points scored by one product */
#define NONE      UINT32_MAX

/* One document's point. */
struct ed_point {
    float *dense; /* (n_dense) */
    uint16_t *at; /* (n_words) places among the hashed word dimensions, by first use */
    float *value; /* (n_words) */
    uint32_t n_words;
    double words_root; /* square root of the words' weight */
    double weight;     /* w: 1, or grows with time under a half-life */
    uint64_t top[12];  /* its most telling words, for the keywords of its group */
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
    uint64_t id;     /* 0: free */
    uint32_t event;  /* slot */
    uint64_t joined; /* round in which a document last came */
    uint64_t held;   /* groups of an event that have this in common stay together; 0: free. The
                        number of the operation that said so */
    uint64_t came;   /* bits: operations of the ring that brought it where it is or was */
    eddy_actor held_by;
    double weight; /* n_u */
    double docs;
    double square; /* q_u = |S_u|^2 */
    int64_t first_ms, last_ms;
    struct ed_sketch words;
    struct ed_exemplar central, newest;
};

/* What an event was given by operations: a name, a pin. */
struct ed_given {
    uint64_t named_in, pinned_in;   /* numbers of the operations */
    eddy_actor named_by, pinned_by; /* EDDY_ONLINE: not */
    uint8_t n;
    char name[EDDY_NAME_MAX];
};

struct ed_near {
    uint32_t slot;
    float similarity;
    uint64_t id; /* the slot may have changed hands since */
};

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
    double listed;          /* weight when the list was made; 0: make it anew */
    double step;            /* documents at which `grew` is told next */
    uint64_t changed;       /* round in which it last joined, moved, merged, split */
    uint64_t pictured;      /* round at whose end a picture was last due */
    uint64_t name;          /* hash of the keywords last told */
    double named_at;        /* documents when it was last named */
    struct ed_given *given; /* NULL: nothing */
    uint32_t n_links;       /* links that it is in; not recorded */
    float *told;            /* (dim) sum when drift was last told; NULL: none */
    double told_weight;
    uint64_t asked_in;   /* stretch in which its weight last changed ... */
    double asked_weight; /* ... and weight_now at that moment */
    double required;     /* what arrival asks: tau + phi off; as of the stretch or that moment */
    double power;        /* n^p, likewise */
    int sum_in_group;    /* while loading: the sum is that of its only group */
};

/* Which slots are taken; the lowest free one is next. */
struct ed_slots {
    uint64_t *used; /* bits */
    uint32_t n;     /* slots that were ever taken */
    uint32_t hint;  /* words of `used` before this one are full */
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
};

/* ---- threshold ---- */

struct ed_sample {
    float *points;  /* (SAMPLE_MAX, stride) */
    float *product; /* (SAMPLE_MAX, SAMPLE_MAX) of the points; rows of stale ones are old */
    uint8_t stale[SAMPLE_MAX];
    uint32_t n;
};

struct ed_threshold {
    double tau;    /* asked of large groups */
    double spread; /* sd of the null pairs */
    double delta;  /* similarity asked per halving of the larger group */
    double full;   /* n': size from which nothing more is asked */
    double phi;    /* share of the mass in small events: how far arrival asks for it */
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
    uint64_t low, high; /* ids */
    double strength;    /* at most EDDY_LINK_FIRM either way; 0: no link */
    uint64_t operation; /* that said so last */
    eddy_actor by;
};
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

/* The last operations, at number % OPERATIONS_KEPT, with what an undo needs. */
#define OPERATIONS_KEPT 64
struct ed_operation {
    uint64_t number; /* 0: free */
    eddy_operation_kind kind;
    eddy_actor actor;
    int undone;
    uint64_t event, other;     /* as in eddy_operation; split: the new event, and the old one */
    struct ed_given before[2]; /* of event (split: none) and other */
    struct ed_link link;       /* what there was between them */
};

struct ed_list_change {
    eddy_change *at;
    size_t n, room;
};
struct ed_list_picture {
    eddy_event *at;
    size_t n, room;
};

struct eddy_clusterer {
    eddy_engine_options o;
    size_t n_dense; /* dense and extra dimensions */
    size_t dim;     /* n_dense + terms_dim */
    size_t stride;  /* dim rounded up to a cache line of floats */

    uint64_t position; /* documents seen, the one at hand included */
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
    float *words_across;            /* (terms_dim, room_events): the words' part, transposed */
    float *inverse, *asked, *power; /* (room_events) 1/n, tau + phi off, n^p; for the filter */
    struct ed_slots slots;
    uint32_t room_events, n_events;
    struct ed_table slot_of; /* event id -> slot */

    struct ed_group *groups; /* (room_groups) */
    float *group_sums;       /* (room_groups, stride) */
    struct ed_slots group_slots;
    uint32_t room_groups, n_groups;
    uint64_t next_event, next_group;

    uint64_t stretch;      /* number of this one, from 1 */
    double stretch_weight; /* weight_now when it began */
    uint64_t stretch_left; /* documents until the next pass */
    uint64_t unrepaired;   /* documents since the last pass */
    uint64_t pass;

    eddy_arena *work; /* points and scores of a block, lists of a pass */
    eddy_arena *pictures_arena;
    struct ed_list_change changes;
    struct ed_list_picture pictures;
    eddy_engine_stats stats;
    int failed; /* memory ran out inside; nothing may be done any more */

    struct ed_marks marks[ED_MARKED];
    uint64_t hash_things; /* sum of the hashes of all marked things but the scalars, and of what is
                             recent */
    struct ed_links links;
    struct ed_redirects redirects;
    struct ed_operation *operations; /* (OPERATIONS_KEPT); NULL: there was none */
    uint64_t next_operation;
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
static inline float *ed_group_sum(const eddy_clusterer *cl, uint32_t group)
{
    return cl->group_sums + (size_t)group * cl->stride;
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

/* clusterer.c: what was told is not any more */
void ed_forget_told(eddy_clusterer *cl);
/* May it go on? */
eddy_status ed_clusterer_ready(const eddy_clusterer *cl, eddy_error *err);

/* words.c */
eddy_status ed_words_count(eddy_clusterer *cl, const eddy_row *row, eddy_error *err);
uint32_t ed_words_df(const eddy_clusterer *cl, uint64_t hash);
/* The word's bytes; n 0 when it was forgotten. Valid until the next count. */
eddy_str ed_words_surface(const eddy_clusterer *cl, uint64_t hash);
/* Pages of the vocabulary's records: of 512 words each where it is full. */
static inline size_t ed_words_pages(const eddy_engine_options *o)
{
    size_t n = 1;
    while (n * 512 < o->words_max)
        n *= 2;
    return n;
}
/* The hashes of which `counts` and `spellings` are the sums. */
static inline uint64_t ed_words_count_hash(uint64_t hash, uint32_t df)
{
    return ed_mix64(hash + df * UINT64_C(0x9FB21C651E98DF25));
}
uint64_t ed_words_spelling_hash(uint64_t hash, const char *word, size_t n);
/* 1 + (N + 1)/(df + 1/2), N documents seen; its logarithm is the idf. */
double ed_words_rarity(const eddy_clusterer *cl, uint64_t hash);
void ed_sketch_add(struct ed_sketch *s, uint64_t hash, float count);
/* Count the words of one document. */
void ed_sketch_document(struct ed_sketch *s, const eddy_row *row, const struct ed_point *p);

/* duplicates.c */
void ed_recent_clear(struct ed_recent *r);
uint64_t ed_recent_bytes(const struct ed_recent *r);
int ed_recent_has(const eddy_clusterer *cl, uint64_t same);
/* These rows are taken, up to the first that is a duplicate: *n becomes how many. 0: no memory. */
int ed_recent_take(eddy_clusterer *cl, const eddy_row *rows, size_t *n);

/* point.c: the words' memory is from cl->work. */
void ed_point_dense(eddy_clusterer *cl, const eddy_row *row, struct ed_point *p, float *dense);
eddy_status ed_point_words(eddy_clusterer *cl, const eddy_row *row, struct ed_point *p,
                           eddy_error *err);
/* point . sum, fixed order. */
double ed_point_dot(const eddy_clusterer *cl, const struct ed_point *p, const float *sum);
void ed_point_add(const eddy_clusterer *cl, const struct ed_point *p, float *sum);

/* threshold.c: memory of the sample. 0: none. */
int ed_sample_room(eddy_clusterer *cl);
eddy_status ed_threshold_sample(eddy_clusterer *cl, const struct ed_point *p, eddy_error *err);
/* Before each stretch. */
void ed_threshold_learn(eddy_clusterer *cl);
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

/* events.c: NONE or 0 = no memory. */
int ed_marks_room(struct ed_marks *marks, size_t room);
/* Room for at least so many. */
int ed_events_room(eddy_clusterer *cl, size_t wanted);
int ed_groups_room(eddy_clusterer *cl, size_t wanted);
/* All columns of words_across. */
int ed_events_across(eddy_clusterer *cl);
void ed_slots_take(struct ed_slots *slots, uint32_t slot);
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
/* Copy the words' part of the sum into its column. */
void ed_event_across(eddy_clusterer *cl, uint32_t slot);
uint32_t ed_group_new(eddy_clusterer *cl, uint32_t slot);
int ed_group_attach(eddy_clusterer *cl, uint32_t group, uint32_t slot);
void ed_group_detach(eddy_clusterer *cl, uint32_t group);
void ed_group_drop(eddy_clusterer *cl, uint32_t group);
/* Move a group with its sums; the event it leaves may be left without groups. */
int ed_group_shift(eddy_clusterer *cl, uint32_t group, uint32_t to);
eddy_change *ed_change_add(eddy_clusterer *cl, eddy_change_kind kind, uint32_t slot);
/* Tell `grew` if a step was passed; returns 0 when memory ran out. */
int ed_event_grown(eddy_clusterer *cl, uint32_t slot);
double ed_event_similarity(const eddy_clusterer *cl, uint32_t a, uint32_t b);

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

/* repair.c, retire.c */
int ed_faded_room(eddy_clusterer *cl); /* memory of the ring; 0: none */
eddy_status ed_repair(eddy_clusterer *cl, eddy_error *err);
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
/* A new event beside `like`, told as its split, for the groups that follow by ed_move; NONE: no
 * memory. */
uint32_t ed_split_off(eddy_clusterer *cl, uint32_t like, double similarity, double required);
/* The split is told as change number `told`: say what became of the sizes; lists of neighbours. */
eddy_status ed_split_done(eddy_clusterer *cl, uint32_t out, uint32_t slot, size_t told,
                          eddy_error *err);
/* Move a group; the event that it leaves is merged when nothing is left of it. */
eddy_status ed_move(eddy_clusterer *cl, uint32_t group, uint32_t to, double similarity,
                    double required, eddy_error *err);

/* links.c; ints: 0 = no memory */
int ed_links_room(eddy_clusterer *cl, size_t wanted);
/* The link between two live events; NULL: none. */
const struct ed_link *ed_link_find(const eddy_clusterer *cl, uint64_t a, uint64_t b);
/* How much similarity it is worth. */
static inline double ed_link_strength(const eddy_clusterer *cl, uint32_t a, uint32_t b)
{
    if (!cl->events[a].n_links || !cl->events[b].n_links)
        return 0;
    const struct ed_link *link = ed_link_find(cl, cl->events[a].id, cl->events[b].id);
    return link ? link->strength : 0;
}
/* Said to be apart for good: repair moves no group between them. */
static inline int ed_link_bars(const eddy_clusterer *cl, uint32_t a, uint32_t b)
{
    return ed_link_strength(cl, a, b) <= -EDDY_LINK_FIRM;
}
/* Could so many more links be had, those of people not counted out? */
int ed_links_fit(const eddy_clusterer *cl, size_t more);
/* Put this link in place of the one between its events; of strength 0: none. There is room, or
 * others that a person has not made make it. */
int ed_link_put(eddy_clusterer *cl, struct ed_link link);
/* What is said of `from` is said of `to` too. */
int ed_links_copy(eddy_clusterer *cl, uint32_t to, uint32_t from);
/* What repair adds to the similarity of two events before it merges them: the strength of their
 * link, but of what no person said not more than COHESION allows. */
double ed_link_shift(const eddy_clusterer *cl, uint32_t a, uint32_t b);
/* No link of this event any more. */
void ed_links_drop(eddy_clusterer *cl, uint32_t slot);
/* Names, pins, links and redirects of an event that goes into another. */
int ed_links_merged(eddy_clusterer *cl, uint32_t into, uint32_t from);
int ed_redirects_room(eddy_clusterer *cl, size_t wanted);
static inline int ed_pinned(const eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_given *given = cl->events[slot].given;
    return given && given->pinned_by != EDDY_ONLINE;
}
/* All groups of an event stay together from now on, or until somebody of this rank says else. */
void ed_hold(eddy_clusterer *cl, uint32_t slot, uint64_t number, eddy_actor by);
/* Must this group stay with others of its event? */
int ed_held(const eddy_clusterer *cl, uint32_t group);
/* No group is held by this operation any more, but those that somebody above `by` holds. */
int ed_hold_release(eddy_clusterer *cl, uint64_t number, eddy_actor by);
/* Give all that is in *given; of nothing: none. */
int ed_give(eddy_clusterer *cl, uint32_t slot, const struct ed_given *given);

/* operate.c: the ring, when there is none yet */
int ed_operations_room(eddy_clusterer *cl);
/* By whom and from what: may this actor not change the event? */
static inline int ed_pin_bars(const eddy_clusterer *cl, uint32_t slot, eddy_actor actor)
{
    return actor != EDDY_PERSON && ed_pinned(cl, slot);
}
static inline int ed_group_came(const eddy_clusterer *cl, uint32_t group, uint64_t number)
{
    return (int)(cl->groups[group].came >> number % OPERATIONS_KEPT & 1);
}
/* The slot of a live event, NONE. */
static inline uint32_t ed_event_slot(const eddy_clusterer *cl, uint64_t id)
{
    const uint64_t *slot = ed_table_find(&cl->slot_of, id);
    return slot ? (uint32_t)*slot : NONE;
}
/* Would it part groups that somebody of higher rank wants together, if those (n) went out of the
 * event at slot? Holds of operation `but` do not count. */
int ed_hold_bars(const eddy_clusterer *cl, uint32_t slot, const uint32_t *leaving, size_t n,
                 eddy_actor actor, uint64_t but);
/* The change that is the point of an operation of one or two events. */
eddy_change *ed_operation_told(eddy_clusterer *cl, eddy_change_kind kind, uint32_t a, uint32_t b);
/* Groups (n) out of the event at `from` to that at `to`, or to a new one (NONE). */
eddy_status ed_groups_go(eddy_clusterer *cl, uint32_t from, uint32_t to, const uint32_t *groups,
                         size_t n, uint32_t *ret_slot, eddy_error *err);
/* undo.c: what speaks against it; and then do it. */
eddy_refusal ed_undo_premise(const eddy_clusterer *cl, const eddy_operation *op);
eddy_status ed_undo(eddy_clusterer *cl, const eddy_operation *op, uint64_t *ret_event,
                    eddy_error *err);
/* Nothing is known any more of where this operation's groups came from. */
void ed_operation_forget(eddy_clusterer *cl, const struct ed_operation *kept);

/* record.c: the hash of the whole state, computed anew; 0: no memory. For tests. */
uint64_t ed_state_hash(const eddy_clusterer *cl);
/* load.c */
void ed_load_free(eddy_clusterer *cl);

/* picture.c */
eddy_status ed_picture(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, eddy_event *ret,
                       eddy_error *err);
/* Add the picture of slot to the list, with a new version. */
eddy_status ed_picture_add(eddy_clusterer *cl, uint32_t slot, eddy_event_state state,
                           uint64_t merged_into, eddy_error *err);
/* Names that changed, drift, and pictures of all events marked `pictured`. */
eddy_status ed_picture_pass(eddy_clusterer *cl, eddy_error *err);

#endif
