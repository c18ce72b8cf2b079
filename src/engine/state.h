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
 *   picture.c    what people see of an event: keywords, central titles, counts
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

#define BLOCK_MAX 64 /* points scored by one product */
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
    uint64_t id;    /* 0: free */
    uint32_t event; /* slot */
    int joined;     /* a document came since the last pass */
    double weight;  /* n_u */
    double docs;
    double square; /* q_u = |S_u|^2 */
    int64_t first_ms, last_ms;
    struct ed_sketch words;
    struct ed_exemplar central, newest;
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
    double listed;   /* weight when the list was made; 0: make it anew */
    double step;     /* documents at which `grew` is told next */
    int changed;     /* since the last pass: joined, moved, merged, split */
    int pictured;    /* a picture is due at the end of this pass */
    uint64_t name;   /* hash of the keywords last told */
    double named_at; /* documents when it was last named */
    float *told;     /* (dim) sum when drift was last told; NULL: none */
    double told_weight;
    double required; /* what arrival asks: tau + phi off; as of the stretch or the last change */
    double power;    /* n^p, likewise */
};

/* ---- the vocabulary ---- */

struct ed_vocabulary {
    struct ed_table entries; /* hash -> df << 32 | place of the surface */
    struct ed_bytes surface; /* length byte, then bytes */
    uint64_t dropped;
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
    struct ed_sample sample;
    struct ed_faded faded;
    struct ed_threshold th;

    struct ed_event_state *events;  /* (room_events) */
    float *event_sums;              /* (room_events, stride) */
    float *words_across;            /* (terms_dim, room_events): the words' part, transposed */
    float *inverse, *asked, *power; /* (room_events) 1/n, tau + phi off, n^p; for the filter */
    uint64_t *touched;              /* (room_events) block in which a document last joined */
    uint64_t block;
    uint32_t n_slots, room_events, n_events;
    uint32_t *free_events;
    uint32_t n_free_events;
    struct ed_table slot_of; /* event id -> slot */

    struct ed_group *groups; /* (room_groups) */
    float *group_sums;       /* (room_groups, stride) */
    uint32_t n_group_slots, room_groups, n_groups;
    uint32_t *free_groups;
    uint32_t n_free_groups;
    uint64_t next_event, next_group;

    uint64_t stretch_left; /* documents until the next pass */
    uint64_t unrepaired;   /* documents since the last pass */
    uint64_t pass;

    eddy_arena *work; /* points and scores of a block, lists of a pass */
    eddy_arena *pictures_arena;
    struct ed_list_change changes;
    struct ed_list_picture pictures;
    eddy_engine_stats stats;
    int failed; /* memory ran out inside; nothing may be done any more */
};

static inline float *ed_event_sum(const eddy_clusterer *cl, uint32_t slot)
{
    return cl->event_sums + (size_t)slot * cl->stride;
}
static inline float *ed_group_sum(const eddy_clusterer *cl, uint32_t group)
{
    return cl->group_sums + (size_t)group * cl->stride;
}

/* words.c */
eddy_status ed_words_count(eddy_clusterer *cl, const eddy_row *row, eddy_error *err);
uint32_t ed_words_df(const eddy_clusterer *cl, uint64_t hash);
/* The word's bytes; n 0 when it was forgotten. Valid until the next count. */
eddy_str ed_words_surface(const eddy_clusterer *cl, uint64_t hash);
double ed_words_idf(const eddy_clusterer *cl, uint64_t hash);
void ed_sketch_add(struct ed_sketch *s, uint64_t hash, float count);
/* Count the words of one document. */
void ed_sketch_document(struct ed_sketch *s, const eddy_row *row, const struct ed_point *p);

/* point.c: the words' memory is from cl->work. */
void ed_point_dense(eddy_clusterer *cl, const eddy_row *row, struct ed_point *p, float *dense);
eddy_status ed_point_words(eddy_clusterer *cl, const eddy_row *row, struct ed_point *p,
                           eddy_error *err);
/* point . sum, fixed order. */
double ed_point_dot(const eddy_clusterer *cl, const struct ed_point *p, const float *sum);
void ed_point_add(const eddy_clusterer *cl, const struct ed_point *p, float *sum);

/* threshold.c */
eddy_status ed_threshold_sample(eddy_clusterer *cl, const struct ed_point *p, eddy_error *err);
/* Before each stretch. */
void ed_threshold_learn(eddy_clusterer *cl);
/* off(m): similarity asked beyond tau of two groups whose larger weighs m. */
double ed_threshold_off(const eddy_clusterer *cl, double m);

/* arrive.c */
eddy_status ed_arrive(eddy_clusterer *cl, const eddy_row *rows, size_t n, eddy_assignment *ret,
                      eddy_error *err);

/* events.c: NONE or 0 = no memory. */
uint32_t ed_event_new(eddy_clusterer *cl);
void ed_event_drop(eddy_clusterer *cl, uint32_t slot);
/* The hot numbers of an event from its weight. */
void ed_event_refresh(eddy_clusterer *cl, uint32_t slot);
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
/* Give the event at `to` the neighbours of the event at `from` as well, and that event itself.
 * Returns 0: no memory. */
int ed_near_join(eddy_clusterer *cl, uint32_t to, uint32_t from);
static inline int ed_near_alive(const eddy_clusterer *cl, const struct ed_near *near)
{
    return cl->events[near->slot].id == near->id;
}

/* repair.c, retire.c */
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

/* picture.c */
eddy_status ed_picture(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, eddy_event *ret,
                       eddy_error *err);
/* Add the picture of slot to the list, with a new version. */
eddy_status ed_picture_add(eddy_clusterer *cl, uint32_t slot, eddy_event_state state,
                           uint64_t merged_into, eddy_error *err);
/* Names that changed, drift, and pictures of all events marked `pictured`. */
eddy_status ed_picture_pass(eddy_clusterer *cl, eddy_error *err);

#endif
