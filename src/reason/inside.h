/* What the files of the reasoner share: questions, their answers, and one pass on its way. */
#ifndef ED_REASON_INSIDE_H
#define ED_REASON_INSIDE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"

#include <eddy/reason.h>

#include <jansson.h>
#include <stdatomic.h>

#define NAME_CHARS    80
#define SUMMARY_CHARS 400
#define REASON_CHARS  200
#define PHRASES       8
#define PHRASE_CHARS  60

#define SHOWN_A_SIDE  3  /* documents of a group that is compared */
#define CHOICES_MAX   16 /* ids that one question offers */
#define DESCRIBED_MIN 3  /* documents: what is smaller is called by its title */

#define NOTHING ((size_t)-1)

/* ---- plain.c: text for people out of anybody's text ---- */

/* One line of plain text: NFC; no control, format, private or invisible character; no mark-up; no
 * URL; at most chars_max characters and bytes_max bytes, cut between words. n 0: nothing is left.
 *
 *   changed  (may be NULL) set to 1 where more was taken away than blanks at the ends; else kept */
eddy_status ed_plain(eddy_str text, size_t chars_max, size_t bytes_max, eddy_arena *arena,
                     eddy_str *ret, int *changed);

/* ---- words.c ---- */

#define WORDS_MAX 32

/* The distinct words of a text, as hashes of their lower case. */
struct ed_words {
    uint64_t hash[WORDS_MAX];
    size_t n;
};
void ed_words_add(struct ed_words *words, eddy_str text);
int ed_words_hold(const struct ed_words *words, uint64_t hash);
/* Common words over all words; 0 where one has none. */
double ed_words_alike(const struct ed_words *a, const struct ed_words *b);
size_t ed_words_common(const struct ed_words *a, const struct ed_words *b);

/* ---- prompt.c: what a question says around its data ---- */

struct ed_prompt {
    char *text;            /* copied; system and user point into it */
    eddy_str system, user; /* with fields: {{name}} */
};

/* EDDY_INVALID  a field is missing or unknown, or there is no line of dashes. EDDY_NOMEM */
eddy_status ed_prompt_init(struct ed_prompt *prompt, eddy_prompt which, const char *text,
                           eddy_error *err);
void ed_prompt_clear(struct ed_prompt *prompt);
/* All fields filled in; the data stands between two lines that read marker. */
void ed_prompt_fill(const struct ed_prompt *prompt, const eddy_reason_options *options,
                    const char *marker, eddy_str data, struct ed_bytes *system,
                    struct ed_bytes *user);

/* ---- budget.c: calls, tokens and money, by the hour and by the day ---- */

#define BUDGET_PARTS 60

struct ed_cost {
    double calls, tokens, money;
};

/* The last BUDGET_PARTS parts of a span; what is older is forgotten a part at a time. */
struct ed_span {
    int64_t part_ms, newest; /* newest: number of the part that is filled now */
    struct ed_cost part[BUDGET_PARTS];
};

struct eddy_budget {
    atomic_flag busy; /* guards the rest */
    struct ed_span hour, day;
};

void ed_budget_init(eddy_budget *budget);
/* 1: this cost is within all limits, and it is booked. */
int ed_budget_reserve(eddy_budget *budget, const eddy_reason_options *limits, int64_t now_ms,
                      const struct ed_cost *cost);
/* It was not what was reserved but this. */
void ed_budget_settle(eddy_budget *budget, int64_t now_ms, const struct ed_cost *reserved,
                      const struct ed_cost *spent);

/* ---- cache.c: answers by the key of the request, the last used stay ---- */

struct ed_cache_entry {
    uint64_t key[2];
    char *text;
    size_t n;
    size_t newer, older; /* places in the list; NOTHING at its ends */
};

struct ed_cache {
    struct ed_cache_entry *entries; /* (max) or NULL until there is one */
    size_t n, max;
    size_t newest, oldest;
    struct ed_table places; /* key[0] to place + 1 */
};

void ed_cache_init(struct ed_cache *cache, size_t max);
void ed_cache_clear(struct ed_cache *cache);
/* n 0: it is not there. Valid until the next call of ed_cache_put. */
eddy_str ed_cache_find(struct ed_cache *cache, const uint64_t key[2]);
/* Without memory nothing is kept, and nothing breaks. */
void ed_cache_put(struct ed_cache *cache, const uint64_t key[2], eddy_str text);

/* ---- known.c: what the reasoner remembers of events between passes ---- */

struct ed_known {
    uint64_t id;
    double size;                     /* documents when it was last described; 0: never */
    char *label;                     /* its name, for the topic that it is in; NULL: not heard */
    char *name, *summary, *category; /* a description that has not been applied; NULL: none */
};

struct ed_knowledge {
    struct ed_known *at; /* a ring: the oldest makes way */
    size_t n, next, room;
    struct ed_table places; /* id to place + 1 */
};

void ed_knowledge_clear(struct ed_knowledge *k);
struct ed_known *ed_known_find(struct ed_knowledge *k, uint64_t id); /* NULL: nothing is known */
/* NULL: no memory. What was put before may stand elsewhere now. */
struct ed_known *ed_known_put(struct ed_knowledge *k, uint64_t id);
/* Put a copy of text in place of what stands in *at; n 0: NULL. 0: no memory, and it is NULL. */
int ed_known_text(char **at, eddy_str text);
void ed_known_applied(struct ed_known *known); /* the description is no more to be offered */

/* ---- questions ---- */

struct ed_answer {
    int same;                  /* SAME */
    size_t choice;             /* PLACE, ODD: of the choices; NOTHING: none of them */
    double confidence;         /* NaN: it was not said */
    uint8_t part[CHOICES_MAX]; /* PLAN, GROUP: of each choice, from 1; 0: of its own */
    size_t n_parts;
    eddy_str name, summary, category; /* cleaned; n 0: not given */
    eddy_str phrases;
    eddy_str reason; /* cleaned */
};

struct ed_asked;

struct ed_question {
    eddy_prompt prompt;
    double value;                   /* what an answer is worth; the largest is asked first */
    size_t order;                   /* in which it came up: where two are worth the same */
    const eddy_view_event *event;   /* NAME, ODD, PLAN */
    const eddy_view_doubt **doubts; /* (n_doubts) SAME, PLAN: the one; PLACE: of one document;
                                       GROUP: between the events of the set */
    size_t n_doubts;
    const eddy_topic *topic; /* TOPIC */
    eddy_str text;           /* KEYPHRASES */
    /* what may be chosen from, in the order shown: ids of events or groups, or places of members */
    uint64_t choices[CHOICES_MAX];
    const eddy_view_side *sides[CHOICES_MAX]; /* PLACE, GROUP: of each choice */
    size_t n_choices;
    int swapped;  /* SAME: b was shown first */
    int answered; /* answer and asked are filled */
    struct ed_answer answer;
    const struct ed_asked *asked; /* the request that brought the answer */
};

/* A request with the questions that stand in it. */
struct ed_asked {
    eddy_request request;           /* strings in asked_arena */
    struct ed_question **questions; /* (n) Q1 is the first */
    size_t n;
    size_t n_answered;
    struct ed_cost reserved;
    uint64_t key[2];
    uint64_t reply_hash;
    uint64_t tokens_in, tokens_out; /* as charged */
};

/* ---- one pass ---- */

struct ed_pass {
    eddy_reasoner *r;
    const eddy_view *view;
    int64_t now_ms;
    uint64_t seed;
    eddy_arena *arena; /* the caller's */

    struct ed_question *questions; /* (n_questions) by falling value */
    size_t n_questions, room_questions;
    const eddy_view_event **events; /* (n_events) of the view, and those that wait ... */
    uint32_t *waited;               /* ... and for how many passes */
    size_t n_events;
    uint64_t answered;         /* questions, when it began */
    struct ed_table touched;   /* events whose pictures change with this pass's operations */
    struct ed_table described; /* events and topics that a model's description was offered for */
    struct ed_table told;      /* events that statistics have described */

    eddy_operation *operations; /* in the arena; of this half */
    size_t n_operations, room_operations;
};

struct eddy_reasoner {
    eddy_reason_options options; /* strings are the reasoner's own */
    struct ed_prompt prompts[EDDY_PROMPTS];
    eddy_budget own_budget, *budget;
    struct ed_cache cache;
    struct ed_knowledge knowledge;
    struct ed_table strikes; /* how often a question brought nonsense */
    int nonsense;            /* 1: the last replies were nothing else */
    struct ed_table judged;  /* documents and events that a model has looked at: not again */
    struct ed_table odd;     /* of the last pass's moves out of an event: position of the document
                                that goes + 1, to that of the one that was asked about */
    eddy_arena *waiting; /* copies of events that are to be described, and of the list of them */
    const eddy_view_event **waits;
    uint32_t *waited; /* of each: passes with answers that it had none in */
    size_t n_waits;
    struct ed_pass pass;     /* between its halves */
    int under_way;           /* 1: there is one */
    eddy_arena *asked_arena; /* all of the last requests */
    eddy_request *asked;
    size_t n_asked, room_asked;
    eddy_reason_stats stats;
};

/* waiting.c: what is due but could not be asked waits for the next pass, as the view does not bring
 * it again. */
/* Events of the view and those that wait, into p->events. EDDY_NOMEM */
eddy_status ed_waiting_join(struct ed_pass *p);
/* Keep copies of those that have to wait. Without memory fewer do. */
void ed_waiting_keep(struct ed_pass *p);
/* The event is gone: it waits no more. */
void ed_waiting_drop(eddy_reasoner *r, uint64_t event);
/* Is the event to be described (anew) by the model? */
int ed_is_due(eddy_reasoner *r, const eddy_event *picture);
/* A description that was bought but not applied, and still fits; NULL: there is none. */
const struct ed_known *ed_pending(eddy_reasoner *r, const eddy_event *picture);

/* reasoner.c: 1: there is somebody to be asked. */
int ed_asks(const eddy_reasoner *r);
void ed_asked_forget(eddy_reasoner *r); /* the requests of the last pass */

/* Room for one more operation, filled with zeros but for the actor. NULL: no memory. */
eddy_operation *ed_operation_add(struct ed_pass *p, eddy_operation_kind kind, eddy_actor actor);
int ed_touch(struct ed_pass *p, uint64_t event); /* 0: no memory */
int ed_is_touched(const struct ed_pass *p, uint64_t event);

/* questions.c: what is to be asked of a view, the most valuable first. EDDY_NOMEM */
eddy_status ed_questions_make(struct ed_pass *p);
/* What a question is about, in whatever words. */
uint64_t ed_question_subject(const struct ed_question *q);
struct ed_question *ed_question_add(struct ed_pass *p, eddy_prompt prompt, double value);

/* request.c: questions of one kind as one request. EDDY_NOMEM */
eddy_status ed_request_make(struct ed_pass *p, struct ed_question **questions, size_t n,
                            struct ed_asked **ret);
/* The hash of all parts, and of where each ends; key[0] is not 0. */
void ed_request_key(const eddy_str *parts, size_t n, uint64_t key[2]);
size_t ed_request_most(eddy_prompt prompt); /* questions of a kind that go into one request */
uint64_t ed_tokens(size_t n_ascii, size_t n_others); /* an estimate */

/* ask.c: the questions are put, as far as budget and endpoint allow; those that were answered say
 * so. EDDY_NOMEM */
eddy_status ed_ask(struct ed_pass *p);

/* extract.c: the JSON of a reply, whatever stands around it, that fits; NULL: there is none.
 *
 *   outermost  0: the value stands inside of something that could not be read */
json_t *ed_extract(const char *text, size_t n,
                   int (*fits)(const json_t *value, int outermost, const void *self),
                   const void *self);

/* answers.c: a reply's text into the answers of its questions, n_answered of them.
 * What was not asked or offered is counted in ignored. EDDY_NOMEM */
eddy_status ed_answers_read(struct ed_pass *p, struct ed_asked *asked, eddy_str text);

/* verdicts.c: answers to operations. EDDY_NOMEM */
eddy_status ed_verdicts(struct ed_pass *p);         /* about which documents belong together */
eddy_status ed_verdicts_names(struct ed_pass *p);   /* names */
eddy_status ed_verdicts_pending(struct ed_pass *p); /* names that came too late in earlier passes */
/* What an answer leaves no trace of in the engine is remembered here, so that it is not asked in
 * pass after pass: a document that stays where it is (other: the event that it is not of; 0: odd),
 * an event (position UINT64_MAX) whose plan came to nothing. */
int ed_is_judged(const eddy_reasoner *r, uint64_t position, uint64_t other);
void ed_judge(eddy_reasoner *r, uint64_t position, uint64_t other);
/* The probability that an answer of this stated confidence is wrong; NaN: `otherwise`. */
double ed_error_of(double confidence, double otherwise);

/* statistics.c: what needs no model. Events that are touched are left out. EDDY_NOMEM */
eddy_status ed_statistics(struct ed_pass *p);
/* describe.c: names and summaries of events that nobody else has described. EDDY_NOMEM
 *
 *   held  those that have to wait; NULL: none */
eddy_status ed_statistics_describe(struct ed_pass *p, const struct ed_table *held);

#endif
