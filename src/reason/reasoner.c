/* Reasoner: the public face; one pass from a view to operations.
 *
 * A pass has two halves. What statistics are sure of is decided at once, on the versions that were
 * just seen; a merge that waited for a slow endpoint would come too late. Then the model is asked
 * what is worth most of the rest, and its answers become operations. Those about which documents
 * belong together come first; an event that one of them touches is described in a later pass, when
 * its new picture is known. */
#include "reason/inside.h"

#include <math.h>
#include <string.h>

#define ASKED_MAX ((size_t)64 << 20) /* bytes of all requests of a pass */

void eddy_reason_options_init(eddy_reason_options *options)
{
    *options =
        (eddy_reason_options){.questions_max = 32, .error = 0.1, .grown = 2, .cache_max = 4096};
}

static eddy_status options_check(const eddy_reason_options *o, eddy_error *err)
{
#define REQUIRE(condition, text)                                                                   \
    if (!(condition))                                                                              \
    return eddy_fail(err, EDDY_INVALID, "reasoner: " text)
    REQUIRE(o->error > 0 && o->error < 0.5, "error has to lie between 0 and 0.5");
    REQUIRE(o->grown > 1 && isfinite(o->grown), "grown has to be above 1");
    REQUIRE(o->questions_max <= 10000, "more than 10,000 questions in a pass");
    REQUIRE(o->cache_max <= 1000000, "more than 1,000,000 answers in the cache");
    REQUIRE(o->price_in >= 0 && o->price_out >= 0 && isfinite(o->price_in + o->price_out),
            "a price below 0");
    REQUIRE(o->money_hour >= 0 && o->money_day >= 0 && isfinite(o->money_hour + o->money_day),
            "a limit of money below 0");
    REQUIRE(!o->n_categories || o->categories, "categories without their names");
    for (size_t i = 0; i < o->n_categories; i++)
        REQUIRE(o->categories[i] && *o->categories[i] &&
                    strlen(o->categories[i]) <= EDDY_CATEGORY_MAX &&
                    !strpbrk(o->categories[i], "\"\\\n"),
                "a category is empty, longer than 80 bytes, or has a quotation mark, a backslash "
                "or a line break in it");
#undef REQUIRE
    return EDDY_OK;
}

/* Put a copy in place of the borrowed string. 0: no memory, and it is NULL. */
static int own(const char **at)
{
    const char *given = *at;
    *at = given ? ed_strdup(given) : NULL;
    return *at || !given;
}

static int options_own(eddy_reason_options *o)
{
    const char *const *given = o->categories;
    size_t n = o->n_categories;
    o->categories = NULL;
    o->n_categories = 0;
    memset(o->prompts, 0, sizeof o->prompts);
    int all = own(&o->language) & own(&o->granularity) & own(&o->model);
    const char **list = n ? ed_alloc_zero(n, sizeof *list) : NULL;
    if (!all || (n && !list)) {
        ed_free(list);
        return 0;
    }
    o->categories = list;
    for (; o->n_categories < n; o->n_categories++) {
        list[o->n_categories] = ed_strdup(given[o->n_categories]);
        if (!list[o->n_categories])
            return 0;
    }
    return 1;
}

eddy_status eddy_reasoner_new(const eddy_reason_options *options, eddy_reasoner **ret,
                              eddy_error *err)
{
    eddy_status st = options_check(options, err);
    if (st != EDDY_OK)
        return st;
    eddy_reasoner *r = ed_alloc_zero(1, sizeof *r);
    if (!r)
        return eddy_fail_nomem(err, "reasoner", sizeof *r);
    r->options = *options;
    ed_budget_init(&r->own_budget);
    r->budget = options->budget ? options->budget : &r->own_budget;
    ed_cache_init(&r->cache, options->cache_max);
    ed_table_init(&r->strikes);
    ed_table_init(&r->judged);
    ed_table_init(&r->odd);
    r->asked_arena = eddy_arena_new(ASKED_MAX);
    if (!options_own(&r->options) || !r->asked_arena)
        st = eddy_fail_nomem(err, "reasoner", sizeof *r);
    for (int i = 0; i < EDDY_PROMPTS && st == EDDY_OK; i++) {
        const char *text = options->prompts[i];
        if (!text)
            text = eddy_prompt_default((eddy_prompt)i);
        st = ed_prompt_init(&r->prompts[i], (eddy_prompt)i, text, err);
    }
    if (st != EDDY_OK) {
        eddy_reasoner_free(r);
        return st;
    }
    *ret = r;
    return EDDY_OK;
}

static void pass_clear(eddy_reasoner *r)
{
    struct ed_table *const tables[] = {&r->pass.touched, &r->pass.described, &r->pass.told};
    for (size_t i = 0; r->under_way && i < sizeof tables / sizeof *tables; i++)
        ed_table_clear(tables[i]);
    r->under_way = 0;
}

void eddy_reasoner_free(eddy_reasoner *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->options.n_categories; i++)
        ed_free((void *)(uintptr_t)r->options.categories[i]);
    ed_free((void *)(uintptr_t)r->options.categories);
    ed_free((void *)(uintptr_t)r->options.language);
    ed_free((void *)(uintptr_t)r->options.granularity);
    ed_free((void *)(uintptr_t)r->options.model);
    for (int i = 0; i < EDDY_PROMPTS; i++)
        ed_prompt_clear(&r->prompts[i]);
    ed_cache_clear(&r->cache);
    ed_knowledge_clear(&r->knowledge);
    ed_table_clear(&r->strikes);
    ed_table_clear(&r->judged);
    ed_table_clear(&r->odd);
    pass_clear(r);
    ed_free(r->asked);
    eddy_arena_free(r->asked_arena);
    eddy_arena_free(r->waiting);
    ed_free(r);
}

/* ---- a pass ---- */

eddy_operation *ed_operation_add(struct ed_pass *p, eddy_operation_kind kind, eddy_actor actor)
{
    eddy_operation *list = ed_arena_list_room(p->arena, p->operations, p->n_operations,
                                              &p->room_operations, sizeof *list);
    if (!list)
        return NULL;
    p->operations = list;
    eddy_operation *op = &p->operations[p->n_operations++];
    *op = (eddy_operation){.kind = kind, .actor = actor};
    return op;
}

int ed_touch(struct ed_pass *p, uint64_t event)
{
    return !event || ed_table_put(&p->touched, event, 1) != NULL;
}

int ed_is_touched(const struct ed_pass *p, uint64_t event)
{
    return event && ed_table_find(&p->touched, event) != NULL;
}

int ed_asks(const eddy_reasoner *r)
{
    return r->options.completer.complete || r->options.dry;
}

void ed_asked_forget(eddy_reasoner *r)
{
    r->n_asked = 0;
    eddy_arena_reset(r->asked_arena);
}

/* What needs nobody, so that it does not wait for what does. */
static eddy_status first_half(struct ed_pass *p)
{
    eddy_status st = ed_waiting_join(p);
    if (st == EDDY_OK)
        st = ed_statistics(p);
    if (st == EDDY_OK && ed_asks(p->r))
        st = ed_questions_make(p);
    if (st == EDDY_OK && ed_asks(p->r))
        st = ed_verdicts_pending(p);
    return st;
}

static eddy_status second_half(struct ed_pass *p)
{
    eddy_status st = EDDY_OK;
    if (ed_asks(p->r)) {
        st = ed_ask(p);
        if (st == EDDY_OK)
            st = ed_verdicts(p);
        if (st == EDDY_OK)
            st = ed_verdicts_names(p);
    }
    return st == EDDY_OK ? ed_statistics_describe(p, NULL) : st;
}

/* What an answer may move at once is held to the version that was shown, and a description makes a
 * new one: events with such questions are described behind the answers. */
static eddy_status describe_the_others(struct ed_pass *p)
{
    struct ed_table held;
    ed_table_init(&held);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < p->n_questions && st == EDDY_OK; i++) {
        const struct ed_question *q = &p->questions[i];
        int moves = q->prompt == EDDY_PROMPT_PLAN || q->prompt == EDDY_PROMPT_PLACE ||
                    q->prompt == EDDY_PROMPT_ODD;
        if (moves && q->event && !ed_table_put(&held, q->event->picture.id, 1))
            st = EDDY_NOMEM;
        for (size_t k = 0; moves && k < q->n_doubts && st == EDDY_OK; k++) {
            const eddy_doubt *d = &q->doubts[k]->doubt;
            if (!ed_table_put(&held, d->event, 1) ||
                (d->other && !ed_table_put(&held, d->other, 1)))
                st = EDDY_NOMEM;
        }
    }
    if (st == EDDY_OK)
        st = ed_statistics_describe(p, &held);
    ed_table_clear(&held);
    return st;
}

static eddy_status pass_begin(eddy_reasoner *r, const struct ed_pass *begun)
{
    pass_clear(r);
    r->pass = *begun;
    r->under_way = 1;
    struct ed_pass *p = &r->pass;
    ed_table_init(&p->touched);
    ed_table_init(&p->described);
    ed_table_init(&p->told);
    ed_asked_forget(r);
    ed_table_clear(&r->odd);
    r->stats.passes++;
    p->answered = r->stats.answered;
    return first_half(p);
}

static eddy_status pass_end(struct ed_pass *p)
{
    eddy_status st = second_half(p);
    if (st == EDDY_OK && ed_asks(p->r))
        ed_waiting_keep(p);
    return st;
}

/* Operations so far are the caller's; or the pass is over, as there was no memory. */
static eddy_status hand_over(struct ed_pass *p, eddy_status st, const eddy_operation **ret,
                             size_t *n_ret, eddy_error *err)
{
    if (st != EDDY_OK) {
        pass_clear(p->r);
        return eddy_fail_nomem(err, "reasoner: a pass", eddy_arena_used(p->arena));
    }
    p->r->stats.offered += p->n_operations;
    *ret = p->operations;
    *n_ret = p->n_operations;
    p->operations = NULL;
    p->n_operations = p->room_operations = 0;
    return EDDY_OK;
}

eddy_status eddy_reasoner_begin(eddy_reasoner *r, const eddy_view *view, int64_t now_ms,
                                uint64_t seed, eddy_arena *arena, const eddy_operation **ret,
                                size_t *n_ret, eddy_error *err)
{
    const struct ed_pass begun = {
        .r = r, .view = view, .now_ms = now_ms, .seed = seed, .arena = arena};
    eddy_status st = pass_begin(r, &begun);
    if (st == EDDY_OK)
        st = describe_the_others(&r->pass);
    return hand_over(&r->pass, st, ret, n_ret, err);
}

eddy_status eddy_reasoner_end(eddy_reasoner *r, const eddy_operation **ret, size_t *n_ret,
                              eddy_error *err)
{
    if (!r->under_way)
        return eddy_fail(err, EDDY_INVALID, "reasoner: the end of a pass that was not begun");
    eddy_status st = hand_over(&r->pass, pass_end(&r->pass), ret, n_ret, err);
    pass_clear(r);
    return st;
}

eddy_status eddy_reasoner_pass(eddy_reasoner *r, const eddy_view *view, int64_t now_ms,
                               uint64_t seed, eddy_arena *arena, const eddy_operation **ret,
                               size_t *n_ret, eddy_error *err)
{
    const struct ed_pass begun = {
        .r = r, .view = view, .now_ms = now_ms, .seed = seed, .arena = arena};
    eddy_status st = pass_begin(r, &begun);
    if (st == EDDY_OK)
        st = pass_end(&r->pass);
    st = hand_over(&r->pass, st, ret, n_ret, err);
    pass_clear(r);
    return st;
}

/* What was asked is not asked again; what came too late (STALE) would be. */
static void judge_refused(eddy_reasoner *r, const eddy_operation *operation)
{
    if (operation->kind == EDDY_OPERATION_SPLIT)
        ed_judge(r, UINT64_MAX, operation->event); /* the next question is a simpler one */
    if (operation->kind != EDDY_OPERATION_REASSIGN)
        return;
    const uint64_t *asked =
        operation->other ? NULL : ed_table_find(&r->odd, operation->position + 1);
    ed_judge(r, asked ? *asked : operation->position, operation->other);
}

void eddy_reasoner_heard(eddy_reasoner *r, const eddy_operation *operation,
                         const eddy_outcome *outcome)
{
    int merged = operation->kind == EDDY_OPERATION_MERGE && !outcome->refusal;
    if (operation->kind == EDDY_OPERATION_DESCRIBE && outcome->refusal == EDDY_REFUSED_GONE)
        ed_waiting_drop(r, operation->event);
    if (merged)
        ed_waiting_drop(r,
                        outcome->event == operation->event ? operation->other : operation->event);
    if (operation->actor != EDDY_LLM)
        return;
    if (outcome->refusal && outcome->refusal != EDDY_REFUSED_STALE)
        judge_refused(r, operation);
    if (operation->kind != EDDY_OPERATION_DESCRIBE)
        return; /* what else was too late is a doubt again, and its answer is in the cache */
    struct ed_known *known = ed_known_find(&r->knowledge, operation->event);
    if (!known || outcome->refusal == EDDY_REFUSED_STALE)
        return;
    ed_known_applied(known);
    if (outcome->refusal == EDDY_REFUSED_GONE)
        known->size = 0;
}

size_t eddy_reasoner_asked(const eddy_reasoner *r, const eddy_request **ret)
{
    *ret = r->asked;
    return r->n_asked;
}

void eddy_reasoner_stats(const eddy_reasoner *r, eddy_reason_stats *ret)
{
    *ret = r->stats;
}
