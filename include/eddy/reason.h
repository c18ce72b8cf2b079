/* eddy/reason.h: a view of changed events in, operations out.
 *
 * A reasoner looks at what changed since the last pass and decides: which events are one, which are
 * two, how they are called. It sees copies only and never touches the engine; what it decides goes
 * back as eddy_operations, each with the versions that it was decided on (eddy_clusterer_apply).
 *
 * There are two, behind one door. `statistics` needs nothing, is deterministic (the same views give
 * the same operations) and fast. `llm` asks a large language model through a completer that the
 * caller brings. Statistics wait for nobody there either: what they are sure of is decided before
 * the model is asked, about the rest, and they say what an event is about until it does. So an
 * endpoint may be slow, down, over budget or talk nonsense. Verdicts are evidence: only what was
 * offered can come back, and the engine checks it again.
 *
 * Document text is data. It is quoted as JSON between markers that are new with each request, ids
 * are enumerated in the schema, and names are cleaned (length, controls, bidi, URLs).
 *
 * It reads no clock, opens no socket and starts no thread. One owner thread. */
#ifndef EDDY_REASON_H
#define EDDY_REASON_H

#include <eddy/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what it looks at ---- */

#define EDDY_SHOWN_MEMBERS 8

typedef struct eddy_view_event {
    eddy_event picture;
    const eddy_member *members; /* (n_members) spread over falling similarity: central, ..., odd. Of
                                   an event that has no document in the window any more, here and
                                   below: what it shows as exemplars, at position UINT64_MAX */
    size_t n_members;
} eddy_view_event;

/* A side of a doubt, or an event that a doubt names but that did not change. */
typedef struct eddy_view_side {
    uint64_t event;
    double documents;
    const eddy_member *members; /* (n_members) the most central, the median and the farthest first;
                                   never the document that is in doubt */
    size_t n_members;
} eddy_view_side;

typedef struct eddy_view_doubt {
    eddy_doubt doubt;
    eddy_view_side sides[2]; /* SAME: event, other; WHOLE: groups, the rest; PLACE: event, other */
    eddy_member document;    /* PLACE */
} eddy_view_doubt;

typedef struct eddy_view {
    uint64_t documents; /* that the engine has seen */
    int64_t stream_ms;
    double threshold, spread;
    const eddy_view_event *events; /* (n_events) active ones that are new, or have grown or shrunk
                                      by a tenth since the last view that showed them */
    size_t n_events;
    const eddy_view_doubt *doubts; /* (n_doubts) the least certain first */
    size_t n_doubts;
    const eddy_topic *topics; /* (n_topics) */
    size_t n_topics;
} eddy_view;

#define EDDY_VIEW_WHOLE 1u /* all active events, for who remembers nothing of earlier views */
#define EDDY_VIEW_DOUBTS                                                                           \
    2u /* all doubts, also of events that have not changed, and of documents of                    \
          the window; without: only those about events that are shown */

/* Copy what changed since the last view of this clusterer into the arena. Called by the engine's
 * owner between two calls of it; the view is the arena's owner's then. What was seen is part of the
 * state: who goes on from there sees what an undisturbed run would have seen.
 *
 *   what        EDDY_VIEW_... or-ed
 *   doubts_max  of each kind; 0: none
 *
 * EDDY_NOMEM  the arena is full: nothing counts as seen, and the call may be repeated */
EDDY_API eddy_status eddy_view_take(eddy_clusterer *cl, unsigned what, size_t doubts_max,
                                    eddy_arena *arena, eddy_view *ret, eddy_error *err);

/* ---- how it asks ---- */

/* One chat completion. Everything borrowed for the call. */
typedef struct eddy_request {
    const char *purpose; /* the prompt's name; "whole": that of "same", about parts of one event */
    eddy_str system, user;
    eddy_str about;     /* a line a question, for people and tests; not to be sent: ids of events or
                           topics as "E7"; then, of one event, numbers of the groups that are one side
                           (whole), are to be parted (plan) or positions of the documents (odd); of
                           place the document's position first; "" for a text */
    eddy_str schema;    /* a JSON schema that the answer has to follow */
    int max_tokens;     /* of the answer */
    uint64_t tokens_in; /* what it will be charged for, as far as can be told before */
    char key[33];       /* hash of the canonical request (without its random marker), in hex */
} eddy_request;

typedef struct eddy_reply {
    eddy_status status; /* EDDY_OK, or why there is no answer: EDDY_UNAVAILABLE (down, or too late),
                           EDDY_CONFIG (refused: key, model), EDDY_FORMAT (too large, not chat, cut
                           off, empty), EDDY_STOPPED, EDDY_NOMEM */
    eddy_str text;      /* of the answer, in the arena; may be anything */
    uint64_t tokens_in, tokens_out; /* as the endpoint counted them; 0: it did not. Of attempts that
                                       went out and were too late, the request's tokens_in */
    const char *detail;             /* one sentence about a failure, in the arena, or NULL */
    uint64_t attempts;              /* calls that went out for it, which the budgets book; 0 with
                                       EDDY_OK: one */
} eddy_reply;

/* Answers (n) requests, several at once if it likes, within its own deadlines; fills all replies.
 * Retries, breaker, transport and the ladder json_schema, json_object, plain text are its own. */
typedef struct eddy_completer {
    void *self;
    void (*complete)(void *self, const eddy_request *requests, size_t n, eddy_arena *arena,
                     eddy_reply *replies);
} eddy_completer;

/* ---- what it may spend ---- */

/* What was spent in the last hour and day: calls, tokens, money. Several reasoners, in whatever
 * threads, may spend from one, each within the limits of its own options. */
typedef struct eddy_budget eddy_budget;

EDDY_API eddy_status eddy_budget_new(eddy_budget **ret, eddy_error *err); /* EDDY_NOMEM */
/* When no reasoner spends from it any more. */
EDDY_API void eddy_budget_free(eddy_budget *budget);

/* ---- the reasoner ---- */

/* What a question of each kind says; NULL: the one that is compiled in (conf/prompts). */
typedef enum eddy_prompt {
    EDDY_PROMPT_NAME,       /* name, summary, category of an event */
    EDDY_PROMPT_SAME,       /* are these two the same event? */
    EDDY_PROMPT_ODD,        /* which of these documents does not belong? */
    EDDY_PROMPT_PLACE,      /* which of these k events does this document belong to? */
    EDDY_PROMPT_PLAN,       /* how to split this event */
    EDDY_PROMPT_GROUP,      /* group this set of events in context */
    EDDY_PROMPT_KEYPHRASES, /* keyphrases of a document, before clustering */
    EDDY_PROMPT_TOPIC,      /* name and description of a topic, from its children's names */
    EDDY_PROMPTS
} eddy_prompt;

EDDY_API const char *eddy_prompt_name(eddy_prompt prompt); /* "name", "same", ... */
EDDY_API const char *eddy_prompt_default(eddy_prompt prompt);

typedef struct eddy_reason_options {
    const char *prompts[EDDY_PROMPTS]; /* NULL: the default; all strings here are copied */
    const char *language;              /* of names and summaries; NULL: that of the documents */
    const char *granularity; /* what counts as one event, in words; NULL: the default sentence */
    const char *const *categories; /* (n_categories) the only ones there are; none: free */
    size_t n_categories;
    const char *model;    /* part of keys and evidence; NULL: none */
    size_t questions_max; /* in a pass */
    uint64_t calls_hour, calls_day, tokens_hour, tokens_day; /* 0: no limit */
    double money_hour, money_day;                            /* likewise */
    double price_in, price_out;                              /* of a million tokens */
    eddy_budget *budget;      /* where spending is counted, borrowed; NULL: one of its own */
    double error;             /* probability that an answer is wrong which says nothing of it */
    double grown;             /* an event is described again after growing so much; 2 */
    size_t cache_max;         /* answers kept; 0: none */
    eddy_completer completer; /* complete NULL: statistics alone */
    int dry;                  /* 1: make requests, but do not ask: see eddy_reasoner_asked */
} eddy_reason_options;

EDDY_API void eddy_reason_options_init(eddy_reason_options *options);

typedef struct eddy_reason_stats {
    uint64_t passes, passes_failed;
    uint64_t asked, answered, cached, failed; /* questions */
    uint64_t rejected;                        /* those that nonsense came back to */
    uint64_t over_budget;                     /* not asked for that */
    uint64_t tokens_in, tokens_out;           /* counted, or estimated */
    double money;
    uint64_t offered, ignored; /* operations; ids and names in answers that were not offered */
    uint64_t names_cleaned;
} eddy_reason_stats;

typedef struct eddy_reasoner eddy_reasoner;

/* EDDY_INVALID  an option is out of its range, or a prompt lacks a field or has an unknown one; the
 *               text names it. EDDY_NOMEM */
EDDY_API eddy_status eddy_reasoner_new(const eddy_reason_options *options, eddy_reasoner **ret,
                                       eddy_error *err);
EDDY_API void eddy_reasoner_free(eddy_reasoner *r);

/* One pass. Operations in the order in which they should be applied, in the arena.
 *
 *   now_ms  any clock that does not run back, for the budgets
 *   seed    of the markers; any number that an author of documents cannot foresee; 0 with
 *           statistics alone
 *
 * EDDY_NOMEM. Whatever the completer does is no failure of the pass: it is counted. */
EDDY_API eddy_status eddy_reasoner_pass(eddy_reasoner *r, const eddy_view *view, int64_t now_ms,
                                        uint64_t seed, eddy_arena *arena,
                                        const eddy_operation **ret, size_t *n_ret, eddy_error *err);

/* The same in two halves, for those who do not let what is known wait for what is asked. begin:
 * what statistics say, and what was answered too late in an earlier pass. end: what the model says,
 * and descriptions by statistics of events that it was asked to take apart. View and arena stay
 * until then; what became of the first half may be told between the two. Where end is never called,
 * the next begin forgets what was begun.
 *
 * EDDY_INVALID  end: nothing was begun. EDDY_NOMEM: the pass is over */
EDDY_API eddy_status eddy_reasoner_begin(eddy_reasoner *r, const eddy_view *view, int64_t now_ms,
                                         uint64_t seed, eddy_arena *arena,
                                         const eddy_operation **ret, size_t *n_ret,
                                         eddy_error *err);
EDDY_API eddy_status eddy_reasoner_end(eddy_reasoner *r, const eddy_operation **ret, size_t *n_ret,
                                       eddy_error *err);

/* Tell what became of an operation of the last pass, so that one which was too late is thought of
 * again. */
EDDY_API void eddy_reasoner_heard(eddy_reasoner *r, const eddy_operation *operation,
                                  const eddy_outcome *outcome);

/* Keyphrases of documents, before they are clustered (Viswanathan et al., TACL 2024), for those who
 * embed them as a view of their own. Several documents a request; answers are kept in the cache a
 * document, so that it does not matter which others it is asked with.
 *
 *   texts  (n) borrowed
 *   seed   as of a pass; 0: nobody is asked, only what is kept is told
 *   ret    (n) each its phrases, joined by ", ", in the arena; n 0: there is no answer
 *
 * EDDY_NOMEM. As a pass: it replaces what eddy_reasoner_asked tells. */
EDDY_API eddy_status eddy_reasoner_keyphrases(eddy_reasoner *r, const eddy_str *texts, size_t n,
                                              int64_t now_ms, uint64_t seed, eddy_arena *arena,
                                              eddy_str *ret, eddy_error *err);

/* The requests of the last pass, answered or not; valid until the next. */
EDDY_API size_t eddy_reasoner_asked(const eddy_reasoner *r, const eddy_request **ret);
EDDY_API void eddy_reasoner_stats(const eddy_reasoner *r, eddy_reason_stats *ret);

#ifdef __cplusplus
}
#endif
#endif
