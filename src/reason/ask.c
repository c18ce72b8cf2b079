/* Ask: the questions are put, as far as budget and endpoint allow.
 *
 * Several questions of one kind share a request. All requests of a round go to the completer at
 * once. A request whose reply answers nothing is halved and asked again in the next round, as in
 * HERCULES: one question that a model stumbles over does not cost the others, and is found. When
 * two rounds in a row bring no answer at all the pass gives up: the endpoint talks nonsense to
 * everything, and that is no question's fault. The next pass then tries it with one alone. */
#include "reason/inside.h"

#include <string.h>

#define STRIKES_KEPT 65536

/* Requests of one round. */
struct round {
    struct ed_asked **at;
    size_t n, room;
};

static int round_add(struct ed_pass *p, struct round *round, struct ed_asked *asked)
{
    struct ed_asked **list =
        ed_arena_list_room(p->arena, round->at, round->n, &round->room, sizeof(struct ed_asked *));
    if (!list)
        return 0;
    round->at = list;
    round->at[round->n++] = asked;
    return 1;
}

static eddy_status request_add(struct ed_pass *p, struct round *round,
                               struct ed_question **questions, size_t n)
{
    struct ed_asked *asked;
    eddy_status st = ed_request_make(p, questions, n, &asked);
    if (st != EDDY_OK)
        return st;
    eddy_reasoner *r = p->r;
    eddy_request *list = ed_list_room(r->asked, r->n_asked, &r->room_asked, sizeof *list);
    if (!list)
        return EDDY_NOMEM;
    r->asked = list;
    if (!round_add(p, round, asked))
        return EDDY_NOMEM;
    r->asked[r->n_asked++] = asked->request;
    return EDDY_OK;
}

/* Questions that may share a request. */
static int kind_of(const struct ed_question *q)
{
    int whole = q->prompt == EDDY_PROMPT_SAME && q->doubts[0]->doubt.kind == EDDY_DOUBT_WHOLE;
    return whole ? EDDY_PROMPTS : (int)q->prompt;
}

/* The first round, of questions from..to - 1: each request stands where its most valuable question
 * does. */
static eddy_status first_round(struct ed_pass *p, size_t from, size_t to, struct round *round)
{
    unsigned char *taken = ed_arena_alloc_zero(p->arena, to + 1, 1);
    if (!taken)
        return EDDY_NOMEM;
    for (size_t i = from; i < to; i++) {
        if (taken[i])
            continue;
        size_t most = ed_request_most(p->questions[i].prompt);
        struct ed_question **list = ed_arena_alloc(p->arena, most * sizeof(struct ed_question *));
        if (!list)
            return EDDY_NOMEM;
        size_t n = 0;
        for (size_t k = i; k < to && n < most; k++)
            if (!taken[k] && kind_of(&p->questions[k]) == kind_of(&p->questions[i])) {
                list[n++] = &p->questions[k];
                taken[k] = 1;
            }
        eddy_status st = request_add(p, round, list, n);
        if (st != EDDY_OK)
            return st;
    }
    return EDDY_OK;
}

static double money(const eddy_reason_options *o, double in, double out)
{
    return (in * o->price_in + out * o->price_out) / 1e6;
}

/* Keyphrases are kept document by document (keyphrases.c). */
static int is_kept(const struct ed_asked *asked)
{
    return asked->questions[0]->prompt != EDDY_PROMPT_KEYPHRASES;
}

/* What the cache answers is free; what the budget does not allow is left out. */
static eddy_status choose(struct ed_pass *p, const struct round *round, struct round *ret)
{
    eddy_reasoner *r = p->r;
    for (size_t i = 0; i < round->n; i++) {
        struct ed_asked *asked = round->at[i];
        eddy_str kept = r->options.dry || !is_kept(asked) ? (eddy_str){"", 0}
                                                          : ed_cache_find(&r->cache, asked->key);
        if (kept.n) {
            eddy_status st = ed_answers_read(p, asked, kept);
            if (st != EDDY_OK)
                return st;
            r->stats.cached += asked->n_answered;
            continue;
        }
        double in = (double)asked->request.tokens_in;
        double out = (double)asked->request.max_tokens;
        struct ed_cost cost = {1, in + out, money(&r->options, in, out)};
        if (!ed_budget_reserve(r->budget, &r->options, p->now_ms, &cost)) {
            r->stats.over_budget += asked->n;
            continue;
        }
        asked->reserved = cost;
        if (!round_add(p, ret, asked))
            return EDDY_NOMEM;
    }
    return EDDY_OK;
}

/* What a request cost: each call that went out for it, and tokens as the endpoint counted, else as
 * estimated. One that failed without a count cost its calls alone. */
static void charge(struct ed_pass *p, struct ed_asked *asked, const eddy_reply *reply)
{
    eddy_reasoner *r = p->r;
    int ok = reply->status == EDDY_OK;
    asked->tokens_in = reply->tokens_in ? reply->tokens_in : ok ? asked->request.tokens_in : 0;
    asked->tokens_out = reply->tokens_out ? reply->tokens_out
                        : ok              ? ed_tokens(reply->text.n, 0)
                                          : 0;
    double in = (double)asked->tokens_in;
    double out = (double)asked->tokens_out;
    double calls = reply->attempts ? (double)reply->attempts : ok;
    struct ed_cost cost = {calls, in + out, money(&r->options, in, out)};
    ed_budget_settle(r->budget, p->now_ms, &asked->reserved, &cost);
    r->stats.tokens_in += asked->tokens_in;
    r->stats.tokens_out += asked->tokens_out;
    r->stats.money += cost.money;
}

/* Documents may be written so that a model stumbles over them whenever it is asked. A question is
 * struck that brought nonsense alone, or that was passed over where its neighbours were answered;
 * where all of several brought nothing, nobody knows which of them it was. */
static void strike(struct ed_pass *p, const struct ed_asked *asked)
{
    struct ed_table *strikes = &p->r->strikes;
    if (asked->n > 1 && !asked->n_answered)
        return;
    if (strikes->n >= STRIKES_KEPT)
        ed_table_clear(strikes);
    for (size_t i = 0; i < asked->n; i++) {
        const struct ed_question *q = asked->questions[i];
        uint64_t *n = q->answered ? NULL : ed_table_put(strikes, ed_question_subject(q), 0);
        if (n) /* without memory it is asked again as if nothing had been */
            (*n)++;
    }
}

/* Put the requests, and read what comes back; halves of those that brought nothing go to next. */
static eddy_status put(struct ed_pass *p, const struct round *round, struct round *next)
{
    eddy_reasoner *r = p->r;
    eddy_request *requests = ed_arena_alloc(p->arena, round->n * sizeof *requests);
    eddy_reply *replies = ed_arena_alloc_zero(p->arena, round->n, sizeof *replies);
    if (!requests || !replies)
        return EDDY_NOMEM;
    for (size_t i = 0; i < round->n; i++) {
        requests[i] = round->at[i]->request;
        replies[i].status = EDDY_UNAVAILABLE;
        r->stats.asked += round->at[i]->n;
    }
    r->options.completer.complete(r->options.completer.self, requests, round->n, p->arena, replies);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < round->n; i++)
        charge(p, round->at[i], &replies[i]);
    for (size_t i = 0; i < round->n && st == EDDY_OK; i++) {
        struct ed_asked *asked = round->at[i];
        if (replies[i].status == EDDY_OK && replies[i].text.at)
            st = ed_answers_read(p, asked, replies[i].text);
        r->stats.answered += asked->n_answered;
        if (asked->n_answered && is_kept(asked))
            ed_cache_put(&r->cache, asked->key, replies[i].text);
        int halve = replies[i].status == EDDY_OK || replies[i].status == EDDY_FORMAT;
        if (replies[i].status == EDDY_OK)
            strike(p, asked);
        *(replies[i].status == EDDY_OK ? &r->stats.rejected : &r->stats.failed) +=
            asked->n - asked->n_answered;
        if (st != EDDY_OK || asked->n_answered || asked->n < 2 || !halve)
            continue;
        size_t half = asked->n / 2;
        st = request_add(p, next, asked->questions, half);
        if (st == EDDY_OK)
            st = request_add(p, next, asked->questions + half, asked->n - half);
    }
    return st;
}

/* A dry pass costs nothing, and tells what it would. */
static void count_dry(struct ed_pass *p, const struct round *round)
{
    static const struct ed_cost nothing;
    eddy_reason_stats *stats = &p->r->stats;
    for (size_t i = 0; i < round->n; i++) {
        const eddy_request *request = &round->at[i]->request;
        ed_budget_settle(p->r->budget, p->now_ms, &round->at[i]->reserved, &nothing);
        stats->tokens_in += request->tokens_in;
        stats->tokens_out += (uint64_t)request->max_tokens;
        stats->money +=
            money(&p->r->options, (double)request->tokens_in, (double)request->max_tokens);
    }
}

/* All that belongs to questions from..to - 1, round by round. */
static eddy_status ask(struct ed_pass *p, size_t from, size_t to)
{
    const eddy_reason_stats *stats = &p->r->stats;
    struct round round = {0};
    int in_vain = 0; /* rounds */
    eddy_status st = first_round(p, from, to, &round);
    while (st == EDDY_OK && round.n && in_vain < 2) {
        struct round chosen = {0};
        struct round next = {0};
        st = choose(p, &round, &chosen);
        if (st == EDDY_OK && p->r->options.dry) {
            count_dry(p, &chosen);
            break;
        }
        uint64_t before = stats->answered;
        if (st == EDDY_OK && chosen.n)
            st = put(p, &chosen, &next);
        in_vain = stats->answered == before ? in_vain + 1 : 0;
        round = next;
    }
    return st;
}

eddy_status ed_ask(struct ed_pass *p)
{
    eddy_reasoner *r = p->r;
    eddy_reason_stats before = r->stats;
    size_t tried = r->nonsense && p->n_questions;
    eddy_status st = tried ? ask(p, 0, 1) : EDDY_OK;
    if (st == EDDY_OK && (!tried || p->questions[0].answered))
        st = ask(p, tried, p->n_questions);
    if (r->stats.answered > before.answered)
        r->nonsense = 0;
    else if (r->stats.rejected > before.rejected)
        r->nonsense = 1;
    if (r->stats.asked > before.asked && r->stats.answered == before.answered)
        r->stats.passes_failed++;
    return st;
}
