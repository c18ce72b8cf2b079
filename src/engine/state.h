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
 * What these things are is in things.h; what coded.c and words.c offer is in coded.h and words.h,
 * members.c to reassign.c and doubts.c in members.h, operate.c to links.c in operations.h,
 * hierarchy.c to describe.c in hierarchy.h, of signals.c in signals.h. */
#ifndef ED_ENGINE_STATE_H
#define ED_ENGINE_STATE_H

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/vector.h"

#include "engine/things.h"

#include <eddy/engine.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ALGORITHM.md 5.1; the ones a user may set are in eddy_engine_options. */
#define POINT_STEP    0x1p-14 /* coordinates of points are multiples of it, and so are their sums */
#define MEAN_PSEUDO   64.0    /* n_mu: pseudo-count that pulls the running mean to 0 */
#define WEIGHT_FALL   0.1     /* w_l: fall of the dense weight per doubling of words above 20 */
#define WEIGHT_FLOOR  0.2     /* w_min */
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
#define SURE          0.1   /* no doubt where P or 1 - P is below */
#define STRETCH_FIRST 32
/* Spreads: so far below what repair would ask may be what a reasoner merges, and so far above what
 * it splits (the range that 5.7 fits the threshold in). */
#define COHESION 1.5
#define SEAM     2.5

struct eddy_clusterer {
    eddy_engine_options o;
    size_t n_dense;                   /* dense and extra dimensions */
    size_t dim;                       /* n_dense + terms_dim */
    size_t stride;                    /* dim rounded up to a cache line of floats */
    struct ed_code_shape shape;       /* of codes: what is no word, and words */
    const struct ed_kernels *kernels; /* that scan them */

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
    uint64_t *moved; /* (room_events) ticks when a group last came or went; no state */
    struct ed_slots slots;
    uint32_t room_events, n_events;
    struct ed_table slot_of; /* event id -> slot */
    struct ed_topics topics;

    struct ed_group *groups; /* (room_groups) */
    uint32_t *group_number;  /* (room_groups) lower halves of their ids, for who is due */
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
/* Part of point.c that the compiler builds for several CPUs. */
void ed_point_centre(double *sum, uint64_t seen, const float *x, size_t n, double root, float *ret);
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
/* Before each stretch, of so many documents. */
void ed_threshold_begin(eddy_clusterer *cl, uint64_t stretch);
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
/* Whatever was said of it may not hold any more: it is due in the next pass, with a new list. */
void ed_event_stir(eddy_clusterer *cl, uint32_t slot);
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
/* How many passes an event waits for its turn that is not due before; and is it due in this one? It
 * is when it has grown or a group has come or gone. */
uint64_t ed_event_turns(const eddy_clusterer *cl);
static inline int ed_event_stirred(const eddy_clusterer *cl, uint32_t slot)
{
    return cl->events[slot].grown == cl->pass || cl->moved[slot] > cl->began;
}
static inline int ed_event_due(const eddy_clusterer *cl, uint32_t slot, uint64_t turns)
{
    return ed_event_stirred(cl, slot) || (cl->events[slot].id + cl->pass) % turns == 0;
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
void ed_indexes_keep(eddy_clusterer *cl, uint32_t slot, const eddy_event *picture);
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
