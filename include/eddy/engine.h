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

/* What events are compared by when they are grouped into topics; see eddy_topic. */
typedef enum eddy_topics {
    EDDY_TOPICS_OFF,
    EDDY_TOPICS_DIRECT,     /* the sums of their points, as everywhere else */
    EDDY_TOPICS_DESCRIPTION /* what EDDY_OPERATION_DESCRIBE said of them: its vector, where there is
                               one, else the direction of their dense view */
} eddy_topics;

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
    uint32_t window;    /* the last documents, kept with their points; 0: none; 4,096 */
    eddy_topics topics; /* direct */
    uint32_t duplicates_window; /* a document that is the same as one of the last so many is left
                                   out; 0: none is; 65,536, about 40 bytes each */

    double false_alarms; /* signals (see eddy_signal): how many bursts and silences a day of stream
                            time, over all events, may be told where there are none; 0: no signals;
                            1 */

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
    uint64_t kind;  /* documents of different kinds share no event, unless a person says so */
    uint64_t same;  /* what two deliveries of one document have in common (eddy_doc_same); 0: it is
                       never a duplicate */
} eddy_row;

/* ---- output ---- */

#define EDDY_MEMBERSHIPS 4

typedef struct eddy_assignment {
    uint64_t position;  /* number of this document in the stream, from 0 */
    uint64_t event;     /* id; never reused */
    uint64_t group;     /* micro-cluster inside the event; never reused; see EDDY_MOVED */
    int founded;        /* 1: this document founded the event */
    int duplicate;      /* 1: left out; it has no position, and all else here is 0 */
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
    EDDY_RENAMED, /* the keywords or the central title changed, or it was given a name */
    EDDY_FADED,   /* idle; left memory with its last picture */
    /* by operations only */
    EDDY_PINNED,     /* event is as it is: see EDDY_OPERATION_PIN */
    EDDY_UNPINNED,   /* not any more */
    EDDY_LINKED,     /* event and other were said to be the same (strength > 0), or not */
    EDDY_UNDONE,     /* the last change of an undo: operation `undone` is void; what that moved and
                        renamed was told before. event may be a topic */
    EDDY_REASSIGNED, /* one document left group of other for into_group of event */
    EDDY_DESCRIBED,  /* event was given a name, a summary or a category by
                        EDDY_OPERATION_DESCRIBE */
    /* by stream time, at the border of a minute; see eddy_signal */
    EDDY_BURST,       /* much more comes to event than is usual for it */
    EDDY_BURST_ENDED, /* not any more, or for so long that it is usual now */
    EDDY_QUIET,       /* nothing has come to event for much longer than is usual for it */
    EDDY_QUIET_ENDED, /* something came */
    EDDY_TREND        /* what is usual for event is another level than when it was last told */
} eddy_change_kind;

EDDY_API const char *eddy_change_name(eddy_change_kind kind); /* "born", "grew", ... */

/* Who decided; later ones outrank earlier ones. */
typedef enum eddy_actor {
    EDDY_ONLINE, /* the engine itself: arrival, repair, retirement */
    EDDY_STATISTICS,
    EDDY_LLM,
    EDDY_PERSON
} eddy_actor;

EDDY_API const char *eddy_actor_name(eddy_actor actor); /* "online", "statistics", ... */

/* ---- signals ----
 *
 * How many documents and sightings come to an event in a minute of stream time is held against what
 * came to it before (LOGS.md 5): the larger of a slow mean (half-life a day) and a fast one (an
 * hour). Counts of a minute are taken as negative binomial, with a dispersion that is learned.
 *
 * The promise: as long as an event's rate stays below 1.2 times the larger of the two, and its
 * silences are chance at no less than the smaller of them divided by 1.5, bursts and silences are
 * told in error at most eddy_engine_options.false_alarms times a day on average, over all events
 * together. An event has no bursts before two hours, no silences before a day, and no trends before
 * two days of it have been seen: until then `born` and `grew` speak for it. What merges brings its
 * rate along, what moves or splits its share of one; neither makes a burst.
 *
 * What comes late counts in the minute that is open. A minute that nobody's time has passed is not
 * closed: signals need a stream that goes on. */

typedef enum eddy_signal { EDDY_SIGNAL_NONE, EDDY_SIGNAL_BURST, EDDY_SIGNAL_QUIET } eddy_signal;

EDDY_API const char *eddy_signal_name(eddy_signal signal); /* "none", "burst", "quiet" */

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
    eddy_actor actor;
    uint64_t operation;   /* number of the operation that did it; 0: none */
    uint64_t undone;      /* EDDY_UNDONE: the operation that is void now */
    double strength;      /* EDDY_LINKED: see eddy_operation */
    eddy_str evidence;    /* as the operation gave it; at NULL: none */
    uint64_t document;    /* EDDY_REASSIGNED: its position in the stream ... */
    eddy_str document_id; /* ... and its id, as an exemplar's; at NULL for other kinds */
    /* of signals */
    int64_t start_ms;  /* when it began, as estimated: the border of a minute. Of TREND: when the
                          level was last told, or learned */
    double observed;   /* documents and sightings since then; of TREND: an hour, as usual now ... */
    double expected;   /* ... and how many are usual for as long; of TREND: an hour, as told last */
    double statistic;  /* of BURST and QUIET: the evidence, as a likelihood ratio of signal to none,
                          summed over when it may have begun. Above twice the minutes a day of all
                          events over false_alarms */
    uint64_t incident; /* of BURST: of those that began within five minutes of its first one, which
                          are likely one incident; from 1, never reused. Likewise of its end */
} eddy_change;

#define EDDY_KEYWORDS  8
#define EDDY_EXEMPLARS 4
#define EDDY_SIMILAR   4

/* How good an event looks from inside; see eddy_clusterer_indexes. */
typedef struct eddy_event_indexes {
    uint64_t id;
    uint64_t nearest;  /* the event whose mean is nearest, lower id first; 0: no other */
    double silhouette; /* -1 to 1, large is good: mean over its groups of (b - a) / max(a, b), by
                          weight; a, b the group's mean squared distance to the mean of its own
                          event and of the best other. 0 for one document. Simplified silhouette
                          (Hruschka et al. 2004; Rousseeuw 1987), on squared distances */
    double davies_bouldin; /* small is good: the worst other's (compactness + its compactness) /
                              distance of the means; Davies and Bouldin 1979 with q = 2 */
    double compactness; /* root mean square distance of its documents to their mean, 0 to 1; small
                           is good */
    double separation;  /* distance of its mean to that of `nearest` */
    double drift;       /* distance an hour that its mean travels: the slope of a least squares
                           line through its groups, each spread evenly over its time, less what
                           chance would give; 0 where all is one group */
} eddy_event_indexes;

typedef enum eddy_event_state { EDDY_ACTIVE, EDDY_STATE_FADED, EDDY_STATE_MERGED } eddy_event_state;

/* An event's full picture. */
typedef struct eddy_event {
    uint64_t id, version; /* version grows with every picture that differs */
    eddy_event_state state;
    uint64_t merged_into; /* for EDDY_STATE_MERGED: the event that lives on */
    uint64_t parent;      /* the event it was split from, or the faded one it resumes; 0: none */
    double size;          /* documents */
    double seen;          /* documents and sightings (eddy_clusterer_seen) */
    double weight;        /* decayed; equal to size without a half-life */
    int64_t first_ms, last_ms;
    int64_t stream_ms; /* stream time when the picture was taken */
    float cohesion;    /* mean similarity of two of its documents */
    uint32_t n_groups;
    eddy_str name;              /* given; else title of the most central document; else keywords */
    eddy_actor named_by;        /* who gave the name; EDDY_ONLINE: nobody */
    eddy_str summary, category; /* as described; n 0: not */
    eddy_actor described_by;
    uint64_t topic, theme; /* see eddy_topic; 0: none yet */
    int pinned;
    eddy_signal signal;         /* what it is in the midst of ... */
    int64_t signal_ms;          /* ... and since when, as told */
    uint64_t incident;          /* of the burst; 0: none */
    eddy_event_indexes indexes; /* against those in `similar`; NaN where there are none. As of when
                                   the event had last grown or shrunk by a quarter; that others
                                   change is no reason for a new picture */
    double map[2];              /* a place in the plane, near those of events that are alike; it
                                   hardly moves. 0, 0: none yet */
    uint32_t n_similar;
    struct {
        uint64_t event;
        float similarity, threshold; /* mean similarity of the two, and what a merge asks of them */
        float link;                  /* strength of what was said of the two; 0: nothing */
    } similar[EDDY_SIMILAR];         /* nearest first, of those that the last pass listed */
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

/* What became of an operation. */
typedef enum eddy_refusal {
    EDDY_APPLIED,
    EDDY_REFUSED_STALE,      /* an event is of another version, a group is not where it was said to
                                be, or there is nothing left to undo */
    EDDY_REFUSED_GONE,       /* there is no such event, group or operation (any more) */
    EDDY_REFUSED_PINNED,     /* a pinned event is only changed by a person */
    EDDY_REFUSED_FORBIDDEN,  /* somebody who outranks the actor has decided otherwise */
    EDDY_REFUSED_INCOHESIVE, /* similarity speaks too clearly against it; not asked of a person */
    EDDY_REFUSED_FULL,       /* no more links are kept */
    EDDY_REFUSALS
} eddy_refusal;

EDDY_API const char *eddy_refusal_name(eddy_refusal refusal); /* "applied", "stale", ... */

typedef struct eddy_engine_stats {
    uint64_t documents, events_born, events_active, groups_active;
    uint64_t events_peak, groups_peak;
    uint64_t merged, split, moved, folded, faded, passes;
    uint64_t duplicates;             /* documents left out; as `refused`, of this clusterer */
    uint64_t events_max_hits;        /* events that faded early because of events_max */
    uint64_t words_dropped;          /* words forgotten because of words_max */
    uint64_t topics, themes;         /* active */
    double threshold, spread;        /* tau and sd as learned */
    int64_t stream_ms;               /* stream time */
    uint64_t bytes;                  /* memory held */
    uint64_t operations;             /* applied */
    uint64_t sightings;              /* by eddy_clusterer_seen */
    uint64_t bursts, quiets, trends; /* told */
    uint64_t viewed;                 /* documents when eddy_view_take last looked; 0: never */
    uint64_t refused[EDDY_REFUSALS]; /* operations, by reason; since this clusterer was made or
                                        loaded: what is refused leaves no trace in the state */
    uint64_t links_max_hits;         /* likewise: links that were forgotten for others */
    uint64_t redirects_max_hits;     /* likewise: ways from merged events to where they are now */
    uint64_t faded_left;             /* likewise: faded events that a later one cannot resume */
    /* what is no more among the last so many: documents of the window, of the duplicates' window,
     * groups that were folded */
    uint64_t window_left, duplicates_left, folds_left;
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

/* So many more sightings of what a group already holds: lines of a known template, copies of a
 * document; things that would be assigned there, and say nothing new. They count in the event's
 * rate and in its `seen`, keep it from fading, and make stream time pass; nothing else. Of several
 * events only their order around the borders of minutes, and around documents, makes a difference;
 * so those of one group in one minute may be told at once, with the time of the last.
 *
 *   group  as assigned, or as later told; what it was folded into since then is found
 *
 * EDDY_INVALID  there is no such group any more (its event faded, or it was folded 65,536 folds
 *               ago); n is 0; the time is beyond 2^53 ms; nothing changed
 * EDDY_NOMEM    as for assign
 * Cost: a few look-ups; at the border of a minute as for assign: of events that something came to,
 * about 0.3 us each. */
EDDY_API eddy_status eddy_clusterer_seen(eddy_clusterer *cl, uint64_t group, uint64_t n,
                                         int64_t time_ms, eddy_error *err);

/* The event that this group is in now; 0: none, it went with its event.
 *
 *   ret_group  the group itself, or the one it was folded into since then, by however many folds
 *              (the last 65,536 are remembered); 0: none; NULL: not asked for
 *
 * Cost: a look-up, and one for each fold. */
EDDY_API uint64_t eddy_clusterer_group_event(const eddy_clusterer *cl, uint64_t group,
                                             uint64_t *ret_group);

/* What happened during the last call of assign, seen, flush or apply, in order. *ret stays valid
 * until the next call of any of them. Returns how many. */
EDDY_API size_t eddy_clusterer_changes(const eddy_clusterer *cl, const eddy_change **ret);

/* The pictures that fell due during the last call of assign, seen, flush or apply, in order, each
 * as it was at its place in the stream (not at the end of the call, so that batches do not show):
 * after a document that founded an event or made one grow past a step, of that event; after a
 * repair pass, of every event that took documents or changed; of every event that faded, its last;
 * of one that was merged, a redirect: ids, version and times only; after an operation, of every
 * event that it changed; at the border of a minute, of every event of which a signal was told, or
 * whose sightings grew by an eighth. An id may come several times, with rising versions. Validity
 * as above. */
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

/* ---- indexes ----
 *
 * How good the events look from inside, without labels: from the sums alone, so that no document is
 * needed. Points have length 1; distances are Euclidean between points of the engine's fused space
 * (0 to 2), means are those of weighted documents. What is not defined is NaN.
 *
 * They say how well apart and how even events are in this space, not that they are right: compare
 * settings on one stream and one embedder by them, never two embedders. */

typedef struct eddy_indexes {
    size_t events;
    double documents;         /* in those events */
    double silhouette;        /* mean over documents */
    double davies_bouldin;    /* mean over events */
    double calinski_harabasz; /* large is good: between / (k - 1) over within / (n - k), n by
                                 weight; Calinski and Harabasz 1974; 1 where nothing is within */
    double compactness;       /* root mean square over documents */
    double separation;        /* mean over events */
    double drift;             /* mean over documents */
} eddy_indexes;

/* The indexes of all active events as they are now.
 *
 *   ret_events  (*n_ret) ascending ids, in the arena; both may be NULL
 *   ret         the whole
 *
 * Others are all events where there are no more than eddy_engine_options.neighbours of them. Where
 * there are more, an event is held against its neighbours by mean similarity, as of when a repair
 * pass last made its list, or made anew where half of the list is gone.
 *
 * EDDY_INVALID  its own records are still being loaded
 * EDDY_NOMEM    the arena is full
 * Nothing changes: answers after it are the same. The same state gives the same indexes, to the
 * last bit on every machine. One owner thread, as for all calls.
 * Cost: groups x neighbours x dimensions multiply-adds, and events x dimensions more for an event
 * without half a list, as one that came since the last pass. */
EDDY_API eddy_status eddy_clusterer_indexes(const eddy_clusterer *cl, eddy_arena *arena,
                                            const eddy_event_indexes **ret_events, size_t *n_ret,
                                            eddy_indexes *ret, eddy_error *err);

/* ---- operations ----
 *
 * The one way in beside documents: what a reasoner or a person has decided, on pictures that they
 * saw some time ago. An operation whose premise does not hold any more changes nothing.
 *
 * What a person has decided (merge, split, move, rename, pin, link) is never overturned by repair
 * or by a reasoner, what an LLM has decided not by repair or statistics: merged groups stay
 * together, split ones apart. A person may overturn everything. Fading ends all of it. */

typedef enum eddy_operation_kind {
    EDDY_OPERATION_MERGE,  /* event goes into other, which lives on */
    EDDY_OPERATION_SPLIT,  /* groups, some but not all, go out of event into a new one */
    EDDY_OPERATION_MOVE,   /* groups go out of event into other; with all of them event is merged */
    EDDY_OPERATION_RENAME, /* event is called name */
    EDDY_OPERATION_PIN,    /* event is not merged, split or renamed but by a person, and no group
                              goes in or out; documents still come, and it still fades */
    EDDY_OPERATION_UNPIN,
    EDDY_OPERATION_LINK,   /* event and other are the same (strength > 0) or are not (below 0) */
    EDDY_OPERATION_UNDO,   /* operation number `undo`, of this actor or of one it outranks, is void:
                              what went together there and still is goes apart, into a new event
                              where its own is gone, and so on; not of an undo. A person who undoes
                              what a reasoner merged or split has decided the opposite */
    EDDY_OPERATION_ANSWER, /* to an eddy_doubt: are the two sides one event? `same`, which is wrong
                              with probability `error`, and the similarity that was shown. Moves the
                              threshold and links the sides; "no" about one event may split it */
    EDDY_OPERATION_DESCRIBE, /* event, or topic, is called name (where nobody who outranks the actor
                                has named it), is of this category, and means summary; of these what
                                is empty stays as it was. `vector`, where there is one, is the
                                summary's. Version 0: whatever it is now, for every actor */
    EDDY_OPERATION_REASSIGN  /* the document at `position`, in the window and in event, goes to
                                other; other 0: into a new event; other the same as event: it was
                                asked about, and stays. Who is outranked by who put it there does
                                not move it again, and it is in no doubt any more; but its group
                                goes where repair takes it */
} eddy_operation_kind;

#define EDDY_NAME_MAX     200 /* bytes; the rest of a name is cut */
#define EDDY_SUMMARY_MAX  600
#define EDDY_CATEGORY_MAX 80
#define EDDY_EVIDENCE_MAX 500
/* A link at least this strong is no evidence but a decision: always merged, or never. */
#define EDDY_LINK_FIRM 4.0

typedef struct eddy_operation {
    eddy_operation_kind kind;
    eddy_actor actor;
    uint64_t event, other;
    uint64_t event_version,
        other_version;      /* what was decided on; 0: whatever it is, for a person */
    const uint64_t *groups; /* (n_groups) distinct */
    size_t n_groups;
    eddy_str name;
    double
        strength; /* of a link: how much similarity it is worth when the two are compared for a
                     merge; of two on one pair by one actor the sum counts. A person's is firm. */
    uint64_t undo;
    int same;          /* ANSWER: 1 yes, 0 no ... */
    double error;      /* ... which is wrong with this probability; above 0, below 0.5 */
    double similarity; /* ... of the two sides when they were shown; as in eddy_doubt */
    eddy_str summary, category;
    const float *vector; /* (dense_dim) NULL: none */
    uint64_t position;
    eddy_str evidence; /* short text for people; told with the changes; at NULL: none */
} eddy_operation;

typedef struct eddy_outcome {
    eddy_refusal refusal; /* EDDY_APPLIED: it was done */
    uint64_t number;      /* of the operation, from 1; 0: refused, or a description by statistics,
                             which nobody can undo: the next pass says it again */
    uint64_t event;       /* the event that is new or lives on; 0: refused */
} eddy_outcome;

/* Apply one operation at this place of the stream, if its premise holds. Refused ones change
 * nothing, not even the hash. The last 64 can be undone; of what persons did, up to 47 for as long
 * as only others operate, whose numbers pass over theirs. Undos count, but cannot be undone.
 *
 * EDDY_INVALID  the operation makes no sense whatever the state is; the text says why; nothing
 *               changed
 * EDDY_NOMEM    as for assign */
EDDY_API eddy_status eddy_clusterer_apply(eddy_clusterer *cl, const eddy_operation *operation,
                                          eddy_outcome *ret, eddy_error *err);

/* The live event that this one went into, by however many merges; itself while it lives; 0: it
 * faded, or never was, or is forgotten. Redirects into live events are kept, at least the last
 * 32,768 and at most 65,536 of them; those into faded ones are dropped when that is reached. An
 * undo does not change them: the event that it brings back is a new one. */
EDDY_API uint64_t eddy_clusterer_where(const eddy_clusterer *cl, uint64_t id);

/* Ids of the groups of one active event, in the arena. EDDY_INVALID: no such event in memory */
EDDY_API eddy_status eddy_clusterer_groups(const eddy_clusterer *cl, uint64_t event,
                                           eddy_arena *arena, const uint64_t **ret, size_t *n_ret,
                                           eddy_error *err);

/* ---- the window, and what the engine can say of it ----
 *
 * The last documents with their points, so that a reasoner sees more than four exemplars, a person
 * is told why a document is where it is, and one document may be moved. Part of the state. */

/* One document that is in the window. */
typedef struct eddy_member {
    uint64_t position;
    eddy_str id, title; /* as an exemplar's */
    int64_t time_ms;
    uint64_t event, group;           /* where it is now */
    float similarity;                /* mean similarity to the other documents of its event, now; of
                                        an event of one document: to itself */
    float share[2 + EDDY_EXTRA_MAX]; /* of it: dense, words, extra views; they sum to it */
    float arrival_similarity, arrival_threshold; /* as its assignment said */
    uint64_t runner_up;                          /* likewise */
    float runner_up_similarity;
} eddy_member;

/* Documents of one active event that are still in the window, by falling similarity, in the arena.
 * EDDY_INVALID: no such event in memory. Cost: window x dimensions at most. */
EDDY_API eddy_status eddy_clusterer_members(const eddy_clusterer *cl, uint64_t event,
                                            eddy_arena *arena, const eddy_member **ret,
                                            size_t *n_ret, eddy_error *err);

/* Where a document would be best if not where it is, as things are now: among the events near its
 * own, and the second best of when it came; but for those that are pinned, or said not to be the
 * same as its own. */
typedef struct eddy_rival {
    uint64_t event;      /* 0: there is no other */
    float similarity;    /* of the document to that event's documents, on average ... */
    float threshold;     /* ... and what is asked of it there, size-dependent part included */
    float own_threshold; /* what is asked of eddy_member.similarity where it is */
} eddy_rival;

/* One document of the window, the last one of this id (cut as an exemplar's), and where it is now.
 *
 *   ret_rival  NULL: not asked for
 *
 * EDDY_INVALID: it is not there, or its event has faded */
EDDY_API eddy_status eddy_clusterer_document(const eddy_clusterer *cl, eddy_str id,
                                             eddy_arena *arena, eddy_member *ret,
                                             eddy_rival *ret_rival, eddy_error *err);

/* Why this event and not another, in words: weights of terms by a ridge regression of the events'
 * labels on their documents' terms, over the window (an approximate inverse of the clustering,
 * after AIME; IEEE Access 2025). Large is telling for the event, below 0 speaks against it.
 *
 *   ret  (*n_ret <= n_max) by falling weight, in the arena
 *
 * EDDY_INVALID: no such event in memory, or no window. */
typedef struct eddy_term_weight {
    eddy_str word;
    float weight;
} eddy_term_weight;
EDDY_API eddy_status eddy_clusterer_terms(const eddy_clusterer *cl, uint64_t event, size_t n_max,
                                          eddy_arena *arena, const eddy_term_weight **ret,
                                          size_t *n_ret, eddy_error *err);

/* ---- doubts: what the engine would like to ask ---- */

typedef enum eddy_doubt_kind {
    EDDY_DOUBT_SAME,  /* are event and other the same? answered by EDDY_OPERATION_ANSWER */
    EDDY_DOUBT_WHOLE, /* are these groups of event and its others one event? likewise */
    EDDY_DOUBT_PLACE  /* is the document at position rather of other? by EDDY_OPERATION_REASSIGN */
} eddy_doubt_kind;

typedef struct eddy_doubt {
    eddy_doubt_kind kind;
    uint64_t event, other;
    uint64_t event_version, other_version;
    const uint64_t *groups; /* (n_groups) WHOLE: one side; the rest of the event is the other */
    size_t n_groups;
    uint64_t position; /* PLACE */
    double similarity; /* of the sides, less what their size takes: what is held against tau */
    double yes;        /* probability that they are one, as the engine sees it, 0 to 1 */
    int asked;         /* answers that there are already */
} eddy_doubt;

/* At most n_max doubts of each kind, the least certain first (ALGORITHM 5.7: min(P, 1 - P), not
 * weighted by size; none below 0.1), in the arena. What was answered twice is not asked again. Of a
 * document that by now is more like another event only P counts: nobody else moves it.
 * Cost: that of a repair pass at most. */
EDDY_API eddy_status eddy_clusterer_doubts(const eddy_clusterer *cl, size_t n_max,
                                           eddy_arena *arena, const eddy_doubt **ret, size_t *n_ret,
                                           eddy_error *err);

/* ---- topics and themes: events of events ----
 *
 * Events are grouped by the same merge step at lower thresholds (ALGORITHM 4): topics over events,
 * themes over topics. They follow in each repair pass: an event stays where it is unless it turned
 * away, one that is like no other is in no topic. A topic is founded by two events and lives while
 * one is left in it; themes likewise. Where two merge, the one with more documents lives on.
 * Nothing of it changes what events do. Ids are never reused; they are a series of their own, so
 * that events have the same ids with topics as without, and lie above those of events, so that one
 * number says which it is. */

#define EDDY_TOPIC_ID(n)      (UINT64_C(1) << 62 | (uint64_t)(n)) /* T1, T2, ... */
#define EDDY_IS_TOPIC(id)     ((id) >> 62 == 1)
#define EDDY_TOPIC_NUMBER(id) ((id) & ((UINT64_C(1) << 62) - 1))

typedef struct eddy_topic {
    uint64_t id;
    uint64_t version;       /* grows with every picture */
    int64_t stream_ms;      /* stream time when the picture was taken ... */
    size_t after;           /* ... and how many of eddy_clusterer_pictures were told before it */
    eddy_event_state state; /* faded: no event is left in it */
    uint64_t merged_into;   /* of EDDY_STATE_MERGED */
    uint64_t parent;        /* of a topic: its theme; 0: none, as for themes */
    int level;              /* 1: over events, 2: over topics */
    eddy_str name;          /* given; else its keywords */
    eddy_actor named_by;
    eddy_str description, category; /* given; n 0: not */
    eddy_actor described_by;
    double documents; /* of all its leaves */
    size_t n_events;
    const uint64_t *children; /* (n_children) by falling documents */
    size_t n_children;
    uint32_t n_keywords;
    eddy_str keywords[EDDY_KEYWORDS]; /* of its largest events */
} eddy_topic;

/* All topics and themes as they are now, ascending ids, in the arena. EDDY_OPERATION_DESCRIBE takes
 * their ids as those of events. */
EDDY_API eddy_status eddy_clusterer_topics(const eddy_clusterer *cl, eddy_arena *arena,
                                           const eddy_topic **ret, size_t *n_ret, eddy_error *err);

/* Pictures of topics and themes that fell due during the last call of assign, flush or apply, in
 * order: after a repair pass, of those whose children or parent changed, or whose documents by a
 * quarter; of those that went, without children, documents and keywords; after an operation, of
 * the one that it described. Validity as for eddy_clusterer_pictures. */
EDDY_API size_t eddy_clusterer_topic_pictures(const eddy_clusterer *cl, const eddy_topic **ret);

/* ---- state ----
 *
 * The whole state of a clusterer is a set of records: one for each event, group, list of
 * neighbours, sampled point and so on. A record is absolute: of several with one key the last one
 * counts, and nothing else need be known of the others. A clusterer that was loaded from the
 * records of another goes on exactly as the other would have.
 *
 * The layout of a value is the engine's own and has a version (EDDY_STATE_VERSION); it does not
 * depend on the machine. */

#define EDDY_STATE_VERSION 3

typedef struct eddy_record {
    uint64_t key;   /* kind << 56 | number; kinds 1 to 127 are the engine's, and of
                     these 64 to 79 the miner's (eddy/templates.h) */
    eddy_str value; /* at NULL: there is no such thing any more */
} eddy_record;

/* What has changed since the last call (or since new, or loaded), as records in the arena: whoever
 * has kept those of all calls, the last of each key, has the state of now.
 *
 * A new clusterer has none. The first one tells how much the rest is: loaded first, it saves time.
 *
 * EDDY_INVALID  its own records are still being loaded
 * EDDY_NOMEM    the arena is full; the clusterer is as it was, the call may be repeated
 * Cost: memory speed, of what changed. */
EDDY_API eddy_status eddy_clusterer_records(eddy_clusterer *cl, eddy_arena *arena,
                                            const eddy_record **ret, size_t *n_ret,
                                            eddy_error *err);

/* The record of this key is to be among the next ones, changed or not: for whoever keeps the
 * records of all calls in a log, and would have its beginning void. The state is not changed by it.
 * Of the words there come others as well, and the one that is asked for may come, or be void, only
 * after it was asked for again and again. Keys of which there is no record are ignored. */
EDDY_API void eddy_clusterer_renew(eddy_clusterer *cl, uint64_t key);

/* A hash of the whole state, the same however the state was reached (by documents in batches of any
 * size, by loading, in any order of records); 0: a new one. Kept up to date by
 * eddy_clusterer_records and eddy_clusterer_loaded; this only tells it. */
EDDY_API uint64_t eddy_clusterer_hash(const eddy_clusterer *cl);

/* Changes when a state made with these options cannot be loaded by another clusterer, or would go
 * on differently: shapes, weights, thresholds, EDDY_STATE_VERSION. */
EDDY_API uint64_t eddy_engine_fingerprint(const eddy_engine_options *options);

/* Take over one record, into a clusterer that has assigned nothing itself. Records may come in any
 * order of keys; of those with one key the last one counts. Unknown kinds are EDDY_FORMAT.
 *
 * Until eddy_clusterer_loaded, assign and flush are EDDY_INVALID; pictures and events are not
 * there.
 *
 * EDDY_INVALID  it has begun; nothing changed
 * EDDY_FORMAT   the value is not what the kind asks for; the clusterer is to be freed
 * EDDY_NOMEM    likewise */
EDDY_API eddy_status eddy_clusterer_load(eddy_clusterer *cl, const eddy_record *record,
                                         eddy_error *err);
/* All records are there: check that they fit together, and that none is missing or of another
 * moment, and be ready for documents. Without any record loaded the clusterer is as new.
 *
 * EDDY_FORMAT  they do not; the text says what is missing. EDDY_NOMEM. To be freed in both cases */
EDDY_API eddy_status eddy_clusterer_loaded(eddy_clusterer *cl, eddy_error *err);

#ifdef __cplusplus
}
#endif
#endif
