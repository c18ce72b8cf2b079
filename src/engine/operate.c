/* Operate: what reasoners and people decided, prepared, then tried.
 *
 * An operation was decided on pictures that its author saw some time ago. First all is looked at
 * that could speak against it, and nothing is changed (premise_...); then it is done, by the same
 * steps as repair takes, and what it changed is told in the same lists. Who outranks whom, and what
 * of it repair has to heed afterwards, is in links.c; the way back is in undo.c. */
#include "engine/hierarchy.h"
#include "engine/members.h"
#include "engine/operations.h"

#include "base/utf8.h"

/* No similarity is larger, less what size takes: SIZE_STEP for each of log2(SIZE_FULL) halvings. */
#define SIMILARITY_MOST (1 + SIZE_STEP * SPREAD_MAX * 7)
/* Answers are never taken for more certain than this. */
#define ERROR_LEAST 0.03
/* The sides of a doubt are those that were shown while they are as alike as then, give or take so
 * many spreads. */
#define SHOWN_SPREAD 0.5

/* One operation on its way. */
struct doing {
    const eddy_operation *op;
    uint32_t a, b;    /* slots of event and other; NONE: the operation has none */
    uint32_t topic;   /* of a topic that is described; NONE */
    uint32_t *groups; /* (op->n_groups) slots */
    double similarity, required;
};

const char *eddy_actor_name(eddy_actor actor)
{
    static const char *const names[] = {"online", "statistics", "llm", "person"};
    return (size_t)actor < sizeof names / sizeof *names ? names[actor] : "unknown";
}

const char *eddy_refusal_name(eddy_refusal refusal)
{
    static const char *const names[] = {"applied",   "stale",      "gone", "pinned",
                                        "forbidden", "incohesive", "full"};
    return (size_t)refusal < sizeof names / sizeof *names ? names[refusal] : "unknown";
}

/* ---- does it make sense? ---- */

static int has_other(const eddy_operation *op)
{
    return op->kind == EDDY_OPERATION_MERGE || op->kind == EDDY_OPERATION_MOVE ||
           op->kind == EDDY_OPERATION_LINK || (op->kind == EDDY_OPERATION_ANSWER && !op->n_groups);
}

static int has_groups(const eddy_operation *op)
{
    return op->kind == EDDY_OPERATION_SPLIT || op->kind == EDDY_OPERATION_MOVE ||
           (op->kind == EDDY_OPERATION_ANSWER && op->n_groups);
}

static eddy_status operation_check(const eddy_clusterer *cl, const eddy_operation *op,
                                   eddy_error *err)
{
#define REQUIRE(condition, text)                                                                   \
    if (!(condition))                                                                              \
    return eddy_fail(err, EDDY_INVALID, "operation: " text)
    REQUIRE((unsigned)op->kind <= EDDY_OPERATION_REASSIGN, "its kind is unknown");
    REQUIRE((unsigned)op->actor <= EDDY_PERSON, "its actor is unknown");
    REQUIRE(!op->evidence.at || (op->evidence.n <= EDDY_EVIDENCE_MAX &&
                                 ed_utf8_valid(op->evidence.at, op->evidence.n) == op->evidence.n),
            "its evidence is too long, or not UTF-8");
    if (op->kind == EDDY_OPERATION_UNDO)
        return EDDY_OK;
    if (op->kind == EDDY_OPERATION_DESCRIBE)
        return ed_describe_check(cl, op, err);
    REQUIRE(!has_other(op) || op->event != op->other, "an event and itself");
    REQUIRE(!has_groups(op) || (op->n_groups && op->groups), "no groups");
    REQUIRE(!has_groups(op) || op->n_groups <= UINT32_MAX, "too many groups");
    if (op->kind == EDDY_OPERATION_RENAME)
        REQUIRE(op->name.at && op->name.n && ed_utf8_valid(op->name.at, op->name.n) == op->name.n &&
                    ed_utf8_cut(op->name.at, op->name.n, EDDY_NAME_MAX),
                "the name is empty, or not UTF-8");
    if (op->kind == EDDY_OPERATION_LINK)
        REQUIRE(isfinite(op->strength) && fabs(op->strength) > 0, "a link of no strength");
    if (op->kind == EDDY_OPERATION_ANSWER) {
        REQUIRE(op->same == 0 || op->same == 1, "an answer that is neither yes nor no");
        REQUIRE(op->error > 0 && op->error < 0.5, "an answer's error is not between 0 and 0.5");
        REQUIRE(fabs(op->similarity) <= SIMILARITY_MOST, "the similarity shown is beyond any");
        REQUIRE(!op->n_groups || !op->other, "an answer about groups and another event");
    }
#undef REQUIRE
    return EDDY_OK;
}

/* ---- what speaks against it ---- */

static eddy_refusal premise_event(const eddy_clusterer *cl, const eddy_operation *op, uint64_t id,
                                  uint64_t version, uint32_t *ret_slot)
{
    *ret_slot = id ? ed_event_slot(cl, id) : NONE;
    if (*ret_slot == NONE)
        return EDDY_REFUSED_GONE;
    if (!version)
        return op->actor == EDDY_PERSON ? EDDY_APPLIED : EDDY_REFUSED_STALE;
    return version == cl->events[*ret_slot].version ? EDDY_APPLIED : EDDY_REFUSED_STALE;
}

static uint32_t group_slot(const eddy_clusterer *cl, uint32_t slot, uint64_t id)
{
    const struct ed_event_state *ev = &cl->events[slot];
    for (uint32_t i = 0; i < ev->n_groups; i++)
        if (cl->groups[ev->groups[i]].id == id)
            return ev->groups[i];
    return NONE;
}

/* The groups are in the event, each named once. */
static eddy_refusal premise_groups(const eddy_clusterer *cl, struct doing *d)
{
    const eddy_operation *op = d->op;
    if (op->n_groups > cl->events[d->a].n_groups)
        return EDDY_REFUSED_STALE;
    for (size_t i = 0; i < op->n_groups; i++) {
        d->groups[i] = group_slot(cl, d->a, op->groups[i]);
        if (d->groups[i] == NONE)
            return EDDY_REFUSED_STALE;
        for (size_t j = 0; j < i; j++)
            if (d->groups[j] == d->groups[i])
                return EDDY_REFUSED_STALE;
    }
    if (op->kind != EDDY_OPERATION_MOVE && op->n_groups == cl->events[d->a].n_groups)
        return EDDY_REFUSED_STALE;
    return ed_hold_bars(cl, d->a, d->groups, op->n_groups, op->actor, 0) ? EDDY_REFUSED_FORBIDDEN
                                                                         : EDDY_APPLIED;
}

/* Mean similarity of the two sides, and what repair would ask of them. */
static void compare(const eddy_clusterer *cl, struct doing *d)
{
    const eddy_operation *op = d->op;
    const float *sum_a = ed_event_sum(cl, d->a);
    double weight_a = cl->events[d->a].weight;
    double weight = weight_a;
    double dot = 0;
    if (has_groups(op)) {
        weight = 0;
        for (size_t i = 0; i < op->n_groups; i++) {
            const float *sum = ed_group_sum(cl, d->groups[i]);
            weight += cl->groups[d->groups[i]].weight;
            dot += ed_dot(sum, d->b == NONE ? sum_a : ed_event_sum(cl, d->b), cl->stride);
            for (size_t j = 0; d->b == NONE && j < op->n_groups; j++)
                dot -= ed_dot(sum, ed_group_sum(cl, d->groups[j]), cl->stride);
        }
    } else {
        dot = ed_dot(sum_a, ed_event_sum(cl, d->b), cl->stride);
    }
    double other = d->b == NONE ? weight_a - weight : cl->events[d->b].weight;
    d->similarity = dot / (weight * other);
    d->required = cl->th.tau + ed_threshold_off(cl, weight > other ? weight : other);
}

static eddy_refusal premise_similarity(const eddy_clusterer *cl, struct doing *d)
{
    const eddy_operation *op = d->op;
    compare(cl, d);
    if (op->actor == EDDY_PERSON || (op->kind == EDDY_OPERATION_LINK && op->strength < 0))
        return EDDY_APPLIED;
    int fits = op->kind == EDDY_OPERATION_SPLIT
                   ? d->similarity <= d->required + SEAM * cl->th.spread
                   : d->similarity >= d->required - COHESION * cl->th.spread;
    return fits ? EDDY_APPLIED : EDDY_REFUSED_INCOHESIVE;
}

/* Links between the two, and room for those that are made. */
static eddy_refusal premise_links(const eddy_clusterer *cl, const struct doing *d)
{
    const eddy_operation *op = d->op;
    if (d->b == NONE)
        return ed_links_fit(cl, cl->events[d->a].n_links + (size_t)1) ? EDDY_APPLIED
                                                                      : EDDY_REFUSED_FULL;
    const struct ed_link *link = ed_link_find(cl, cl->events[d->a].id, cl->events[d->b].id);
    int outranked = link && link->by > op->actor;
    if (op->kind == EDDY_OPERATION_ANSWER && link && link->answers[1])
        return EDDY_REFUSED_STALE;
    if (op->kind != EDDY_OPERATION_LINK && op->kind != EDDY_OPERATION_ANSWER)
        return outranked && link->strength <= -EDDY_LINK_FIRM ? EDDY_REFUSED_FORBIDDEN
                                                              : EDDY_APPLIED;
    if (outranked)
        return EDDY_REFUSED_FORBIDDEN;
    return link || ed_links_fit(cl, 1) ? EDDY_APPLIED : EDDY_REFUSED_FULL;
}

static eddy_refusal premise_given(const eddy_clusterer *cl, const struct doing *d)
{
    const struct ed_given *given = cl->events[d->a].given;
    eddy_actor pinned_by = given ? given->pinned_by : EDDY_ONLINE;
    switch (d->op->kind) {
    case EDDY_OPERATION_RENAME:
        return given && given->named_by > d->op->actor ? EDDY_REFUSED_FORBIDDEN : EDDY_APPLIED;
    case EDDY_OPERATION_PIN:
        return pinned_by >= d->op->actor && pinned_by ? EDDY_REFUSED_STALE : EDDY_APPLIED;
    default: /* unpin */
        if (!pinned_by)
            return EDDY_REFUSED_STALE;
        return pinned_by > d->op->actor ? EDDY_REFUSED_PINNED : EDDY_APPLIED;
    }
}

/* One document; its events are there. */
static eddy_refusal premise_document(const eddy_clusterer *cl, struct doing *d)
{
    const eddy_operation *op = d->op;
    eddy_refusal no = EDDY_APPLIED;
    if (op->other == op->event)
        d->b = d->a;
    else if (op->other)
        no = premise_event(cl, op, op->other, op->other_version, &d->b);
    struct ed_going going = {.position = op->position, .from = d->a, .to = d->b};
    if (!no)
        no = ed_reassign_premise(cl, op->actor, &going);
    d->similarity = going.similarity;
    d->required = going.required;
    if (no || op->actor == EDDY_PERSON || d->a == d->b)
        return no;
    int fits = d->b == NONE ? d->similarity <= d->required + SEAM * cl->th.spread
                            : d->similarity >= d->required - COHESION * cl->th.spread;
    return fits ? EDDY_APPLIED : EDDY_REFUSED_INCOHESIVE;
}

/* The event that this one lives on in; it must have been seen, and no more of it than there is. */
static eddy_refusal premise_lives(const eddy_clusterer *cl, const eddy_operation *op, uint64_t id,
                                  uint64_t version, uint32_t *ret_slot)
{
    uint64_t now = id ? eddy_clusterer_where(cl, id) : 0;
    *ret_slot = now ? ed_event_slot(cl, now) : NONE;
    if (*ret_slot == NONE)
        return EDDY_REFUSED_GONE;
    if (!version)
        return op->actor == EDDY_PERSON ? EDDY_APPLIED : EDDY_REFUSED_STALE;
    return now == id && version > cl->events[*ret_slot].version ? EDDY_REFUSED_STALE : EDDY_APPLIED;
}

/* An answer is about the sides that were shown. Versions rise with every document that an event
 * takes, and sides that grow stay what they are: so they are held to be the same while both are
 * there (merged into others or not), apart or together as they were, and as alike as shown. */
static eddy_refusal premise_answer(const eddy_clusterer *cl, struct doing *d)
{
    const eddy_operation *op = d->op;
    eddy_refusal no = premise_lives(cl, op, op->event, op->event_version, &d->a);
    if (!no && has_other(op))
        no = premise_lives(cl, op, op->other, op->other_version, &d->b);
    if (!no && d->a == d->b)
        no = EDDY_REFUSED_STALE;
    if (!no &&
        (ed_pin_bars(cl, d->a, op->actor) || (d->b != NONE && ed_pin_bars(cl, d->b, op->actor))))
        no = EDDY_REFUSED_PINNED;
    if (!no && has_groups(op))
        no = premise_groups(cl, d);
    if (!no)
        no = premise_links(cl, d);
    if (no)
        return no;
    compare(cl, d);
    double now = d->similarity - (d->required - cl->th.tau);
    return fabs(now - op->similarity) <= SHOWN_SPREAD * cl->th.spread ? EDDY_APPLIED
                                                                      : EDDY_REFUSED_STALE;
}

/* Of an event or a topic. What it is about is clear without its version; one that has taken
 * documents since it was seen is still the same, and its next description is under way. */
static eddy_refusal premise_describe(const eddy_clusterer *cl, struct doing *d)
{
    const eddy_operation *op = d->op;
    int is_topic = EDDY_IS_TOPIC(op->event);
    uint32_t slot = is_topic    ? ed_topic_slot(cl, op->event)
                    : op->event ? ed_event_slot(cl, op->event)
                                : NONE;
    if (slot == NONE)
        return EDDY_REFUSED_GONE;
    *(is_topic ? &d->topic : &d->a) = slot;
    uint64_t version = is_topic ? cl->topics.at[slot].version : cl->events[slot].version;
    if (op->event_version > version)
        return EDDY_REFUSED_STALE;
    return ed_describe_premise(is_topic ? cl->topics.at[slot].given : cl->events[slot].given, op);
}

static eddy_refusal premise(const eddy_clusterer *cl, struct doing *d)
{
    const eddy_operation *op = d->op;
    if (op->kind == EDDY_OPERATION_UNDO)
        return ed_undo_premise(cl, op);
    if (op->kind == EDDY_OPERATION_ANSWER)
        return premise_answer(cl, d);
    if (op->kind == EDDY_OPERATION_DESCRIBE)
        return premise_describe(cl, d);
    eddy_refusal no = premise_event(cl, op, op->event, op->event_version, &d->a);
    if (!no && op->kind == EDDY_OPERATION_REASSIGN)
        return premise_document(cl, d);
    if (!no && has_other(op))
        no = premise_event(cl, op, op->other, op->other_version, &d->b);
    if (no)
        return no;
    if (op->kind == EDDY_OPERATION_PIN || op->kind == EDDY_OPERATION_UNPIN)
        return premise_given(cl, d);
    if (op->kind != EDDY_OPERATION_LINK &&
        (ed_pin_bars(cl, d->a, op->actor) || (d->b != NONE && ed_pin_bars(cl, d->b, op->actor))))
        return EDDY_REFUSED_PINNED;
    if (op->kind == EDDY_OPERATION_RENAME)
        return premise_given(cl, d);
    if (d->b != NONE && op->actor != EDDY_PERSON && cl->events[d->a].kind != cl->events[d->b].kind)
        return EDDY_REFUSED_FORBIDDEN;
    if (has_groups(op))
        no = premise_groups(cl, d);
    if (!no)
        no = premise_links(cl, d);
    return no ? no : premise_similarity(cl, d);
}

/* ---- the ring ---- */

int ed_operations_room(eddy_clusterer *cl)
{
    if (!cl->operations && !ed_marks_room(&cl->marks[ED_OPERATION], OPERATIONS_KEPT))
        return 0;
    if (!cl->operations)
        cl->operations = ed_alloc_zero(OPERATIONS_KEPT, sizeof *cl->operations);
    return cl->operations != NULL;
}

void ed_operation_forget(eddy_clusterer *cl, const struct ed_operation *kept)
{
    uint64_t bit = UINT64_C(1) << kept->number % OPERATIONS_KEPT;
    for (uint32_t u = 0; u < cl->group_slots.n; u++)
        if (cl->groups[u].id && cl->groups[u].came & bit) {
            cl->groups[u].came &= ~bit;
            ed_mark(cl, ED_GROUP, u);
        }
}

/* What the event or topic had been given. */
static int given_keep(const eddy_clusterer *cl, uint32_t slot, uint32_t topic, struct ed_given *ret)
{
    const struct ed_given *given = slot != NONE    ? cl->events[slot].given
                                   : topic != NONE ? cl->topics.at[topic].given
                                                   : NULL;
    return !given || ed_given_keep(cl, ret, given);
}

/* May a person still want this back? */
static int is_wanted(const struct ed_operation *kept)
{
    return kept->number && kept->actor == EDDY_PERSON && kept->kind != EDDY_OPERATION_UNDO &&
           !kept->undone;
}

/* The number of the next operation. An undo passes over the place of what it undoes. Reasoners say
 * more in an hour than persons in a month: they pass over the places of what persons did, until
 * these are so many that hardly anything of reasoners would be kept. */
static uint64_t number_next(const eddy_clusterer *cl, const eddy_operation *op)
{
    size_t wanted = 0;
    for (size_t i = 0; i < OPERATIONS_KEPT; i++)
        wanted += (size_t)is_wanted(&cl->operations[i]);
    int passes = op->actor != EDDY_PERSON && wanted < WANTED_MAX;
    uint64_t undone = op->kind == EDDY_OPERATION_UNDO ? op->undo : 0;
    uint64_t number = cl->next_operation;
    const struct ed_operation *kept = &cl->operations[number % OPERATIONS_KEPT];
    while ((undone && kept->number == undone) || (passes && is_wanted(kept)))
        kept = &cl->operations[++number % OPERATIONS_KEPT];
    return number;
}

/* The next place of the ring, with what stands before the operation. */
static struct ed_operation *operation_begin(eddy_clusterer *cl, const struct doing *d)
{
    if (!ed_operations_room(cl))
        return NULL;
    uint64_t number = number_next(cl, d->op);
    cl->next_operation = number + 1;
    cl->stats.operations++;
    struct ed_operation *kept = &cl->operations[number % OPERATIONS_KEPT];
    if (kept->number)
        ed_operation_forget(cl, kept);
    ed_free(kept->before[0].vector);
    ed_free(kept->before[1].vector);
    *kept = (struct ed_operation){.number = number,
                                  .kind = d->op->kind,
                                  .actor = d->op->actor,
                                  .position = d->op->position,
                                  .event = d->topic != NONE ? d->op->event
                                           : d->a == NONE   ? 0
                                                            : cl->events[d->a].id,
                                  .other = d->b == NONE ? 0 : cl->events[d->b].id};
    if (!given_keep(cl, d->a, d->topic, &kept->before[0]) ||
        !given_keep(cl, d->b, NONE, &kept->before[1]))
        return NULL;
    const struct ed_link *link = d->b == NONE ? NULL : ed_link_find(cl, kept->event, kept->other);
    kept->link = link ? *link : (struct ed_link){0};
    kept->unlike = kept->event && kept->other && cl->events[d->a].kind != cl->events[d->b].kind;
    kept->docs_kind = kept->unlike ? cl->events[d->a].kind : 0;
    ed_mark(cl, ED_OPERATION, (uint32_t)(number % OPERATIONS_KEPT));
    cl->acting.actor = d->op->actor;
    cl->acting.number = number;
    return kept;
}

/* ---- doing it ---- */

eddy_status ed_groups_go(eddy_clusterer *cl, uint32_t from, uint32_t to, const uint32_t *groups,
                         size_t n, uint32_t *ret_slot, eddy_error *err)
{
    int fresh = to == NONE;
    double similarity = 0;
    double required = cl->th.tau;
    size_t told = cl->changes.n;
    if (fresh)
        to = ed_split_off(cl, from, similarity, required);
    if (to == NONE)
        return eddy_fail_nomem(err, "events", cl->stride * sizeof(float));
    uint64_t id = cl->events[from].id;
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        if (cl->groups[groups[i]].id && cl->groups[groups[i]].event == from) /* not folded */
            st = ed_move(cl, groups[i], to, similarity, required, err);
    if (st == EDDY_OK && fresh && cl->events[from].id == id)
        st = ed_split_done(cl, to, from, told, err);
    *ret_slot = to;
    return st;
}

/* Groups that came by this operation. */
static void mark_came(eddy_clusterer *cl, const uint32_t *groups, size_t n, uint64_t number)
{
    for (size_t i = 0; i < n; i++) {
        cl->groups[groups[i]].came |= UINT64_C(1) << number % OPERATIONS_KEPT;
        ed_mark(cl, ED_GROUP, groups[i]);
    }
}

static eddy_status do_merge(eddy_clusterer *cl, const struct doing *d, struct ed_operation *kept,
                            eddy_error *err)
{
    const struct ed_event_state *ev = &cl->events[d->a];
    mark_came(cl, ev->groups, ev->n_groups, kept->number);
    eddy_status st = ed_merge(cl, d->b, d->a, d->similarity, err);
    if (st == EDDY_OK && kept->actor >= EDDY_LLM)
        ed_hold(cl, d->b, kept->number, kept->actor);
    return st;
}

/* The parts are linked as `apart` says. */
static eddy_status do_split(eddy_clusterer *cl, struct doing *d, struct ed_operation *kept,
                            struct ed_link apart, eddy_error *err)
{
    size_t told = cl->changes.n;
    eddy_status st = ed_groups_go(cl, d->a, NONE, d->groups, d->op->n_groups, &d->b, err);
    if (st != EDDY_OK)
        return st;
    for (size_t i = told; i < cl->changes.n; i++)
        if (cl->changes.at[i].kind == EDDY_SPLIT || cl->changes.at[i].kind == EDDY_MOVED) {
            cl->changes.at[i].similarity = (float)d->similarity;
            cl->changes.at[i].threshold = (float)d->required;
        }
    kept->event = cl->events[d->b].id;
    kept->other = cl->events[d->a].id;
    kept->before[1] = kept->before[0];
    kept->before[0] = (struct ed_given){0};
    apart.low = kept->event;
    apart.high = kept->other;
    if (!ed_link_put(cl, apart))
        return eddy_fail_nomem(err, "links", sizeof apart);
    return EDDY_OK;
}

static eddy_status do_move(eddy_clusterer *cl, const struct doing *d, struct ed_operation *kept,
                           eddy_error *err)
{
    mark_came(cl, d->groups, d->op->n_groups, kept->number);
    uint64_t id = cl->events[d->a].id;
    uint32_t to = d->b;
    size_t told = cl->changes.n;
    struct ed_link none = {kept->event, kept->other, 0, 0, {0, 0}, EDDY_ONLINE};
    eddy_status st = ed_groups_go(cl, d->a, d->b, d->groups, d->op->n_groups, &to, err);
    for (size_t i = told; i < cl->changes.n; i++)
        if (cl->changes.at[i].kind == EDDY_MOVED || cl->changes.at[i].kind == EDDY_MERGED) {
            cl->changes.at[i].similarity = (float)d->similarity;
            cl->changes.at[i].threshold = (float)d->required;
        }
    if (st == EDDY_OK && kept->actor >= EDDY_LLM) {
        ed_hold(cl, d->b, kept->number, kept->actor);
        /* "apart for good" does not hold any more; while both live they may still be unlike */
        if (cl->events[d->a].id == id && kept->link.strength <= -EDDY_LINK_FIRM &&
            !ed_link_put(cl, none))
            st = eddy_fail_nomem(err, "links", sizeof none);
    }
    return st;
}

eddy_change *ed_operation_told(eddy_clusterer *cl, eddy_change_kind kind, uint32_t a, uint32_t b)
{
    eddy_change *change = ed_change_add(cl, kind, a);
    cl->events[a].pictured = ed_round(cl);
    ed_mark(cl, ED_EVENT, a);
    if (change && b != NONE) {
        change->other = cl->events[b].id;
        change->other_before = change->other_after = cl->events[b].docs;
    }
    return change;
}

/* A pin keeps the name that the event has now. */
static eddy_status pin(eddy_clusterer *cl, const struct doing *d, uint64_t number,
                       struct ed_given *given, eddy_error *err)
{
    given->pinned_by = d->op->actor;
    given->pinned_in = number;
    if (given->named_by)
        return EDDY_OK;
    eddy_event picture;
    eddy_status st = ed_picture(cl, d->a, cl->pictures_arena, &picture, err);
    if (st == EDDY_OK && picture.name.n)
        ed_given_rename(given, picture.name, d->op->actor, number);
    return st;
}

static void unpin(struct ed_given *given)
{
    if (given->named_by && given->named_in == given->pinned_in) {
        given->n = 0;
        given->named_by = EDDY_ONLINE;
        given->named_in = 0;
        memset(given->name, 0, sizeof given->name);
    }
    given->pinned_by = EDDY_ONLINE;
    given->pinned_in = 0;
}

static eddy_status do_give(eddy_clusterer *cl, const struct doing *d,
                           const struct ed_operation *kept, eddy_error *err)
{
    struct ed_given given = kept->before[0];
    eddy_change_kind kind = EDDY_RENAMED;
    eddy_status st = EDDY_OK;
    if (kept->kind == EDDY_OPERATION_RENAME) {
        ed_given_rename(&given, d->op->name, kept->actor, kept->number);
    } else if (kept->kind == EDDY_OPERATION_PIN) {
        st = pin(cl, d, kept->number, &given, err);
        kind = EDDY_PINNED;
    } else {
        unpin(&given);
        kind = EDDY_UNPINNED;
    }
    if (st != EDDY_OK)
        return st;
    if (!ed_give(cl, d->a, &given) || !ed_operation_told(cl, kind, d->a, NONE))
        return eddy_fail_nomem(err, "names", sizeof given);
    return EDDY_OK;
}

/* Of a topic nothing but its picture is told. */
static eddy_status do_describe(eddy_clusterer *cl, const struct doing *d,
                               const struct ed_operation *kept, eddy_error *err)
{
    int is_topic = d->topic != NONE;
    struct ed_given **at = is_topic ? &cl->topics.at[d->topic].given : &cl->events[d->a].given;
    if (!ed_describe(cl, at, d->op, kept->number) ||
        (!is_topic && !ed_operation_told(cl, EDDY_DESCRIBED, d->a, NONE)))
        return eddy_fail_nomem(err, "descriptions", sizeof **at);
    return is_topic ? ed_topic_tell(cl, d->topic, err) : EDDY_OK;
}

static double clamped(double strength)
{
    double most = EDDY_LINK_FIRM;
    return strength > most ? most : strength < -most ? -most : strength;
}

/* Put the link, and tell of it with what the two are like. */
static eddy_status link_tell(eddy_clusterer *cl, const struct doing *d, struct ed_link link,
                             eddy_error *err)
{
    eddy_change *change = ed_operation_told(cl, EDDY_LINKED, d->a, d->b);
    if (!change || !ed_link_put(cl, link))
        return eddy_fail_nomem(err, "links", sizeof link);
    ed_event_stir(cl, d->a);
    ed_event_stir(cl, d->b);
    change->similarity = (float)d->similarity;
    change->threshold = (float)d->required;
    change->strength = link.strength;
    return EDDY_OK;
}

static eddy_status do_link(eddy_clusterer *cl, const struct doing *d,
                           const struct ed_operation *kept, eddy_error *err)
{
    const struct ed_link *old = &kept->link;
    int adds =
        fabs(old->strength) > 0 && old->by == kept->actor && fabs(old->strength) < EDDY_LINK_FIRM;
    double strength = clamped(d->op->strength + (adds ? old->strength : 0));
    if (kept->actor == EDDY_PERSON)
        strength = d->op->strength > 0 ? EDDY_LINK_FIRM : -EDDY_LINK_FIRM;
    struct ed_link link = {kept->event, kept->other, strength, kept->number, {0, 0}, kept->actor};
    return link_tell(cl, d, link, err);
}

static eddy_status do_reassign(eddy_clusterer *cl, const struct doing *d, struct ed_operation *kept,
                               eddy_error *err)
{
    struct ed_going going = {d->op->position, d->a, d->b, d->similarity, d->required};
    eddy_status st = ed_reassign(cl, &going, kept->actor, err);
    if (st != EDDY_OK)
        return st;
    kept->other = cl->events[going.to].id;
    struct ed_link apart = {.low = kept->event,
                            .high = kept->other,
                            .strength = -EDDY_LINK_FIRM,
                            .operation = kept->number,
                            .by = kept->actor};
    if (d->b == NONE && kept->actor >= EDDY_LLM && !ed_link_put(cl, apart))
        return eddy_fail_nomem(err, "links", sizeof apart);
    return EDDY_OK;
}

/* A person's answer is no evidence but a decision. */
static double answered(const struct ed_operation *kept, int same, double sum)
{
    if (kept->actor != EDDY_PERSON)
        return clamped(sum);
    return same ? EDDY_LINK_FIRM : -EDDY_LINK_FIRM;
}

/* Two events are taken for one, or not. What was decided of them before, by the same rank, stands.
 */
static eddy_status answer_same(eddy_clusterer *cl, const struct doing *d,
                               const struct ed_operation *kept, double shift, eddy_error *err)
{
    const struct ed_link *old = &kept->link;
    int mine = !ed_link_none(old) && old->by == kept->actor;
    struct ed_link link = {.low = kept->event,
                           .high = kept->other,
                           .operation = kept->number,
                           .answers = {kept->number, 0},
                           .by = kept->actor};
    link.strength = answered(kept, d->op->same, shift + (mine ? old->strength : 0));
    if (mine && old->answers[0]) {
        link.answers[0] = old->answers[0];
        link.answers[1] = kept->number;
    }
    if (mine && kept->actor != EDDY_PERSON && fabs(old->strength) >= EDDY_LINK_FIRM)
        link = *old;
    return link_tell(cl, d, link, err);
}

/* One event is taken for two: it is split where its halves are, with that, less alike than asked.
 */
static eddy_status answer_whole(eddy_clusterer *cl, struct doing *d, struct ed_operation *kept,
                                const struct ed_side_answers *all, eddy_error *err)
{
    struct ed_link apart = {.strength = answered(kept, 0, all->shift),
                            .operation = kept->number,
                            .answers = {all->answers[0], all->answers[1]},
                            .by = kept->actor};
    int person = kept->actor == EDDY_PERSON;
    if (d->op->same && person)
        ed_hold(cl, d->a, kept->number, kept->actor);
    if (d->op->same || (!person && d->similarity + all->shift >= d->required))
        return EDDY_OK;
    return do_split(cl, d, kept, apart, err);
}

static eddy_status do_answer(eddy_clusterer *cl, struct doing *d, struct ed_operation *kept,
                             eddy_error *err)
{
    const eddy_operation *op = d->op;
    double error = op->error > ERROR_LEAST ? op->error : ERROR_LEAST;
    struct ed_answer answer = {.operation = kept->number,
                               .same = op->same,
                               .error = error,
                               .similarity = op->similarity,
                               .shift = ed_answer_shift(cl, op->same, error)};
    if (!ed_answers_room(cl))
        return eddy_fail_nomem(err, "answers", ANSWERS_KEPT * sizeof answer);
    cl->unrepaired++; /* a flush acts on it */
    if (d->b != NONE) {
        ed_answer_keep(cl, answer);
        return answer_same(cl, d, kept, answer.shift, err);
    }
    uint64_t sides[2];
    ed_sides_hash(cl, d->a, d->groups, op->n_groups, sides);
    answer.event = kept->event;
    answer.side = sides[0];
    ed_answer_keep(cl, answer);
    struct ed_side_answers all = ed_side_answered(cl, d->a, sides);
    return answer_whole(cl, d, kept, &all, err);
}

/* What statistics say of an event they say again at the next pass: nothing is kept for an undo, and
 * it has no number. Else these many would push out what people did. */
static eddy_status describe_passing(eddy_clusterer *cl, const struct doing *d, eddy_outcome *ret,
                                    eddy_error *err)
{
    const struct ed_operation passing = {.kind = d->op->kind, .actor = d->op->actor};
    cl->acting.actor = d->op->actor;
    ret->event = d->op->event;
    return do_describe(cl, d, &passing, err);
}

static eddy_status do_it(eddy_clusterer *cl, struct doing *d, eddy_outcome *ret, eddy_error *err)
{
    if (d->op->kind == EDDY_OPERATION_DESCRIBE && d->op->actor <= EDDY_STATISTICS)
        return describe_passing(cl, d, ret, err);
    struct ed_operation *kept = operation_begin(cl, d);
    if (!kept)
        return eddy_fail_nomem(err, "operations", OPERATIONS_KEPT * sizeof *kept);
    ret->number = kept->number;
    ret->event = kept->event;
    eddy_status st = EDDY_OK;
    struct ed_link apart = {.operation = kept->number, .by = kept->actor};
    switch (kept->kind) {
    case EDDY_OPERATION_MERGE:
        st = do_merge(cl, d, kept, err);
        ret->event = kept->other;
        break;
    case EDDY_OPERATION_SPLIT:
        if (kept->actor >= EDDY_LLM)
            apart.strength = -EDDY_LINK_FIRM;
        st = do_split(cl, d, kept, apart, err);
        ret->event = kept->event;
        break;
    case EDDY_OPERATION_MOVE:
        st = do_move(cl, d, kept, err);
        ret->event = kept->other;
        break;
    case EDDY_OPERATION_LINK: st = do_link(cl, d, kept, err); break;
    case EDDY_OPERATION_ANSWER:
        st = do_answer(cl, d, kept, err);
        ret->event = kept->event;
        break;
    case EDDY_OPERATION_DESCRIBE: st = do_describe(cl, d, kept, err); break;
    case EDDY_OPERATION_UNDO: st = ed_undo(cl, d->op, &ret->event, err); break;
    case EDDY_OPERATION_REASSIGN:
        st = do_reassign(cl, d, kept, err);
        ret->event = kept->other;
        break;
    default: st = do_give(cl, d, kept, err); break;
    }
    return st;
}

/* Pictures of all events that the changes speak of and that live. */
static eddy_status pictures(eddy_clusterer *cl, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < cl->changes.n && st == EDDY_OK; i++) {
        const uint64_t ids[] = {cl->changes.at[i].event, cl->changes.at[i].other};
        for (size_t k = 0; k < 2 && st == EDDY_OK; k++) {
            uint32_t slot = ids[k] ? ed_event_slot(cl, ids[k]) : NONE;
            int known = slot == NONE;
            for (size_t p = 0; p < cl->pictures.n && !known; p++)
                known = cl->pictures.at[p].id == ids[k];
            if (!known)
                st = ed_picture_add(cl, slot, EDDY_ACTIVE, 0, err);
        }
    }
    return st;
}

eddy_status eddy_clusterer_apply(eddy_clusterer *cl, const eddy_operation *operation,
                                 eddy_outcome *ret, eddy_error *err)
{
    eddy_status st = ed_clusterer_ready(cl, err);
    if (st == EDDY_OK)
        st = operation_check(cl, operation, err);
    if (st != EDDY_OK)
        return st;
    ed_forget_told(cl);
    memset(ret, 0, sizeof *ret);
    struct doing d = {.op = operation, .a = NONE, .b = NONE, .topic = NONE};
    if (has_groups(operation)) {
        d.groups = ed_alloc(operation->n_groups * sizeof *d.groups);
        if (!d.groups)
            return eddy_fail_nomem(err, "groups", operation->n_groups * sizeof *d.groups);
    }
    ret->refusal = premise(cl, &d);
    if (ret->refusal) {
        cl->stats.refused[ret->refusal]++;
        ed_free(d.groups);
        return EDDY_OK;
    }
    if (operation->evidence.at)
        cl->acting.evidence =
            ed_arena_str(cl->pictures_arena, operation->evidence.at, operation->evidence.n);
    st = operation->evidence.at && !cl->acting.evidence.at
             ? eddy_fail_nomem(err, "evidence", operation->evidence.n)
             : do_it(cl, &d, ret, err);
    if (st == EDDY_OK)
        st = pictures(cl, err);
    memset(&cl->acting, 0, sizeof cl->acting);
    ed_free(d.groups);
    if (st != EDDY_OK)
        cl->failed = 1;
    return st;
}
