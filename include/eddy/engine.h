/* eddy/engine.h: documents with their vectors in, events out.
 *
 * A clusterer is a deterministic state machine: the same rows in the same order give the same
 * answers, whatever the size of the batches they come in, on any machine with the same build. It
 * reads no clock and no random source, starts no thread, prints nothing. One owner thread.
 *
 * The method is streaming correlation clustering on sums of vectors (ALGORITHM.md section 5):
 * two documents attract by s - tau, an event is a set of documents, and arrival, move, split and
 * merge are steps uphill on the sum of affinities inside events. */
#ifndef EDDY_ENGINE_H
#define EDDY_ENGINE_H

#include <eddy/doc.h>
#include <eddy/embed.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ---- */

typedef struct eddy_engine_options {
    /* shape of a row; fixed for the life of a clusterer */
    size_t dense_dim; /* D; 0: no dense view */
    size_t terms_dim; /* H, hashed word dimensions; 512 */
    size_t n_extra;
    size_t extra_dim[EDDY_EXTRA_MAX];
    double extra_weight[EDDY_EXTRA_MAX]; /* share of the whole, each in (0, 1), sum below 1 */

    /* what a user may want to set */
    double dense_weight;   /* w_d, weight of the dense view for short text; 0.6 */
    double granularity;    /* added to the learned threshold, in spreads of similarity; 0 */
    double threshold;      /* fixed threshold; NaN: learned */
    int64_t fade_ms;       /* idle time until an event fades; 0: never; 7 days */
    int64_t half_life_ms;  /* half-life of a document's weight; 0: off */
    double idle_penalty;   /* lambda at arrival; 0 */
    int64_t idle_half_ms;  /* T_lambda; 6 h */
    double stability;      /* h, hysteresis of moves and splits; 0.01 */
    uint32_t detail;       /* C, groups kept inside an event; 8 */
    uint32_t repair_every; /* R, documents between repair passes; 256 */

    /* ceilings; reaching one is counted in eddy_engine_stats */
    uint32_t
        events_max; /* active events; where more come, the longest idle sixteenth fades; 20,000 */
    uint32_t words_max; /* words with a document frequency; rare ones are dropped; 131,072 */

    /* internals, for studies and tests; zero keeps the default */
    uint32_t neighbours; /* events looked at in a move or merge; 16 */
    uint32_t turns;      /* an unchanged group is looked at every so many passes; 8 */
} eddy_engine_options;

EDDY_API void eddy_engine_options_init(eddy_engine_options *options);

/* ---- input ---- */

/* One document as the engine sees it; everything borrowed for the call. */
typedef struct eddy_row {
    const float *dense;                 /* (dense_dim) any length but 0, finite; NULL: missing;
                                           only its direction counts */
    const float *extra[EDDY_EXTRA_MAX]; /* likewise */
    const eddy_term *terms;             /* (n_terms) distinct words */
    size_t n_terms;
    int64_t time_ms;
    eddy_str id;    /* kept (cut to 128 bytes) when the document becomes an exemplar ... */
    eddy_str title; /* ... with this (cut to 200 bytes): its title, or how its text begins */
} eddy_row;

/* ---- output ---- */

#define EDDY_MEMBERSHIPS 4

typedef struct eddy_assignment {
    uint64_t position;  /* number of this document in the stream, from 0 */
    uint64_t event;     /* id; never reused */
    uint64_t group;     /* micro-cluster inside the event; never reused; see EDDY_MOVED */
    int founded;        /* 1: this document founded the event */
    float similarity;   /* mean similarity to the event's earlier documents; 0 when founded */
    float threshold;    /* what was asked of it, size-dependent part included */
    uint64_t runner_up; /* second-best event, 0: none */
    float runner_up_similarity;
    float confidence; /* sigmoid of the margin, 0..1 */
    uint32_t n_memberships;
    struct {
        uint64_t event;
        float weight; /* sums to 1 */
    } memberships[EDDY_MEMBERSHIPS];
} eddy_assignment;

/* What happened to events; people alert on these. Every one of them is lineage: assignments and
 * changes together tell where each document is now. */
typedef enum eddy_change_kind {
    EDDY_BORN,    /* event founded */
    EDDY_GREW,    /* size passed 3, 10, 30, 100, 300 ... */
    EDDY_DRIFTED, /* the centroid has turned away from where it was when last told */
    EDDY_MERGED,  /* event went into other, which lives on */
    EDDY_SPLIT,   /* event is new, its groups came out of other */
    EDDY_MOVED,   /* group left other for event */
    EDDY_FOLDED,  /* group went into into_group of the same event */
    EDDY_RENAMED, /* the keywords or the central title changed */
    EDDY_FADED    /* idle; left memory with its last picture */
} eddy_change_kind;

EDDY_API const char *eddy_change_name(eddy_change_kind kind); /* "born", "grew", ... */

typedef struct eddy_change {
    eddy_change_kind kind;
    uint64_t position; /* documents seen when it happened */
    int64_t time_ms;   /* stream time */
    uint64_t event, other;
    uint64_t group, into_group;
    double size_before, size_after;   /* documents of event */
    double other_before, other_after; /* documents of other */
    float similarity;                 /* the evidence: mean similarity of the two sides ... */
    float threshold;                  /* ... and what was asked of it */
} eddy_change;

#define EDDY_KEYWORDS  8
#define EDDY_EXEMPLARS 4

typedef enum eddy_event_state { EDDY_ACTIVE, EDDY_STATE_FADED, EDDY_STATE_MERGED } eddy_event_state;

/* An event's full picture. */
typedef struct eddy_event {
    uint64_t id, version; /* version grows with every picture that differs */
    eddy_event_state state;
    uint64_t merged_into; /* for EDDY_STATE_MERGED: the event that lives on */
    uint64_t parent;      /* the event it was split from, or the faded one it resumes; 0: none */
    double size;          /* documents */
    double weight;        /* decayed; equal to size without a half-life */
    int64_t first_ms, last_ms;
    int64_t stream_ms; /* stream time when the picture was taken */
    float cohesion;    /* mean similarity of two of its documents */
    uint32_t n_groups;
    eddy_str name; /* title of the most central document; keywords where there is none */
    uint32_t n_keywords;
    struct {
        eddy_str word;
        float score; /* share of the event's documents that hold it x log of the ratio to others */
    } keywords[EDDY_KEYWORDS];
    uint32_t n_exemplars;
    struct {
        eddy_str id, title;
        float similarity;
        int64_t time_ms;
    } exemplars[EDDY_EXEMPLARS]; /* most central first; the newest last */
} eddy_event;

typedef struct eddy_engine_stats {
    uint64_t documents, events_born, events_active, groups_active;
    uint64_t events_peak, groups_peak;
    uint64_t merged, split, moved, folded, faded, passes;
    uint64_t events_max_hits; /* events that faded early because of events_max */
    uint64_t words_dropped;   /* words forgotten because of words_max */
    double threshold, spread; /* tau and sd as learned */
    int64_t stream_ms;        /* stream time */
    uint64_t bytes;           /* memory held */
} eddy_engine_stats;

/* ---- the clusterer ---- */

typedef struct eddy_clusterer eddy_clusterer;

/* EDDY_INVALID  an option is out of its range; the text names it. EDDY_NOMEM.
 * Sets OpenBLAS to one thread, for the whole process. */
EDDY_API eddy_status eddy_clusterer_new(const eddy_engine_options *options, eddy_clusterer **ret,
                                        eddy_error *err);
EDDY_API void eddy_clusterer_free(eddy_clusterer *cl);

/* Assign each row to an event, or found a new one, strictly in order.
 *
 *   rows  (n) borrowed for the call
 *   ret   (n) filled on EDDY_OK
 *
 * EDDY_INVALID  a row has no view at all, or one is not finite or zero, or its time is beyond 2^53
 *               ms; nothing changed
 * EDDY_NOMEM    no room; nothing of this call may be used, free the clusterer
 * Cost: per document active events x (dense_dim + distinct words) multiply-adds, and a repair
 * pass every repair_every documents. */
EDDY_API eddy_status eddy_clusterer_assign(eddy_clusterer *cl, const eddy_row *rows, size_t n,
                                           eddy_assignment *ret, eddy_error *err);

/* What happened during the last call of assign or flush, in order. *ret stays valid until the next
 * call of either. Returns how many. */
EDDY_API size_t eddy_clusterer_changes(const eddy_clusterer *cl, const eddy_change **ret);

/* The pictures that fell due during the last call of assign or flush, in order, each as it was at
 * its place in the stream (not at the end of the call, so that batches do not show): after a
 * document that founded an event or made one grow past a step, of that event; after a repair
 * pass, of every event that took documents or changed; of every event that faded, its last; of
 * one that was merged, a redirect: ids, version and times only. An id may come several times, with
 * rising versions. Validity as above. */
EDDY_API size_t eddy_clusterer_pictures(const eddy_clusterer *cl, const eddy_event **ret);

/* End of the stream: a last repair pass. EDDY_NOMEM as for assign. */
EDDY_API eddy_status eddy_clusterer_flush(eddy_clusterer *cl, eddy_error *err);

/* Ids of active events, ascending, in the arena. */
EDDY_API eddy_status eddy_clusterer_events(const eddy_clusterer *cl, eddy_arena *arena,
                                           const uint64_t **ret, size_t *n_ret, eddy_error *err);

/* The picture of one active event as it is now; strings in the arena.
 * EDDY_INVALID  no such event in memory */
EDDY_API eddy_status eddy_clusterer_event(const eddy_clusterer *cl, uint64_t id, eddy_arena *arena,
                                          eddy_event *ret, eddy_error *err);

EDDY_API void eddy_clusterer_stats(const eddy_clusterer *cl, eddy_engine_stats *ret);

#ifdef __cplusplus
}
#endif
#endif
