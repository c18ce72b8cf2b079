/* Undo: an operation is void, as far as the stream has left of it.
 *
 * Groups carry a bit for each operation of the ring that brought them (ed_group.came), keep it when
 * repair moves them on, and lose it when they take in others (retire.c folds such groups last). So
 * what came together goes back together, with the documents that have joined those groups since;
 * what repair has taken elsewhere meanwhile stays there. An event that a merge ended is not
 * revived: ids are never reused, what goes apart is a new event. Names, pins, links and holds
 * become what they were, unless somebody has changed them since.
 *
 * A person who undoes what a reasoner did has decided: merged events are kept apart from then on,
 * split ones together. */
#include "engine/hierarchy.h"
#include "engine/members.h"
#include "engine/operations.h"

/* What is to be done. */
struct plan {
    struct ed_operation *kept;
    uint32_t from, to; /* slots; to NONE: a new event */
    uint32_t topic;    /* whose description is taken back; NONE */
    uint32_t *groups;  /* (n) of from, that go; to be freed */
    size_t n;
    struct ed_going going; /* a document that goes */
};

static struct ed_operation *kept_find(const eddy_clusterer *cl, uint64_t number)
{
    if (!cl->operations || !number)
        return NULL;
    struct ed_operation *kept = &cl->operations[number % OPERATIONS_KEPT];
    return kept->number == number && kept->kind != EDDY_OPERATION_UNDO ? kept : NULL;
}

static uint32_t live(const eddy_clusterer *cl, uint64_t id)
{
    uint64_t now = eddy_clusterer_where(cl, id);
    return now ? ed_event_slot(cl, now) : NONE;
}

/* Groups of the event at slot that the operation brought. */
static size_t groups_came(const eddy_clusterer *cl, uint32_t slot, uint64_t number, uint32_t *ret)
{
    const struct ed_event_state *ev = &cl->events[slot];
    size_t n = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++)
        if (ed_group_came(cl, ev->groups[i], number))
            ret[n++] = ev->groups[i];
    return n;
}

/* Merges and moves: the groups go out again. */
static eddy_refusal plan_groups(const eddy_clusterer *cl, const eddy_operation *op, struct plan *p)
{
    int move = p->kept->kind == EDDY_OPERATION_MOVE;
    p->from = live(cl, p->kept->other);
    if (p->from == NONE)
        return EDDY_REFUSED_GONE;
    p->to = move ? live(cl, p->kept->event) : NONE;
    if (p->to == p->from)
        p->to = NONE;
    const struct ed_event_state *ev = &cl->events[p->from];
    p->groups = ed_alloc((ev->n_groups + (size_t)1) * sizeof *p->groups);
    if (!p->groups)
        return EDDY_APPLIED; /* told by who calls */
    p->n = groups_came(cl, p->from, p->kept->number, p->groups);
    if (!p->n || (p->n == ev->n_groups && p->to == NONE))
        return EDDY_REFUSED_STALE;
    if (ed_pin_bars(cl, p->from, op->actor) || (p->to != NONE && ed_pin_bars(cl, p->to, op->actor)))
        return EDDY_REFUSED_PINNED;
    if (ed_hold_bars(cl, p->from, p->groups, p->n, op->actor, p->kept->number))
        return EDDY_REFUSED_FORBIDDEN;
    return ed_links_fit(cl, ev->n_links + (size_t)1) ? EDDY_APPLIED : EDDY_REFUSED_FULL;
}

/* Splits: both parts are poured together again. */
static eddy_refusal plan_split(const eddy_clusterer *cl, const eddy_operation *op, struct plan *p)
{
    p->from = live(cl, p->kept->event);
    p->to = live(cl, p->kept->other);
    if (p->from == NONE || p->to == NONE)
        return EDDY_REFUSED_GONE;
    if (p->from == p->to)
        return EDDY_REFUSED_STALE;
    if (ed_pin_bars(cl, p->from, op->actor) || ed_pin_bars(cl, p->to, op->actor))
        return EDDY_REFUSED_PINNED;
    const struct ed_link *link = ed_link_find(cl, cl->events[p->from].id, cl->events[p->to].id);
    return link && link->by > op->actor && link->strength <= -EDDY_LINK_FIRM
               ? EDDY_REFUSED_FORBIDDEN
               : EDDY_APPLIED;
}

/* Names and pins: are they still what the operation made them? */
static eddy_refusal plan_given(const eddy_clusterer *cl, const eddy_operation *op, struct plan *p)
{
    p->from = ed_event_slot(cl, p->kept->event);
    if (p->from == NONE)
        return EDDY_REFUSED_GONE;
    const struct ed_given *given = cl->events[p->from].given;
    uint64_t number = p->kept->number;
    int same = 0;
    if (p->kept->kind == EDDY_OPERATION_RENAME)
        same = given && given->named_by && given->named_in == number;
    else if (p->kept->kind == EDDY_OPERATION_PIN)
        same = given && given->pinned_by && given->pinned_in == number;
    else
        same = !given || !given->pinned_by;
    if (!same)
        return EDDY_REFUSED_STALE;
    return given && given->pinned_by > op->actor ? EDDY_REFUSED_PINNED : EDDY_APPLIED;
}

static eddy_refusal plan_describe(const eddy_clusterer *cl, const eddy_operation *op,
                                  struct plan *p)
{
    int is_topic = EDDY_IS_TOPIC(p->kept->event);
    uint32_t slot =
        is_topic ? ed_topic_slot(cl, p->kept->event) : ed_event_slot(cl, p->kept->event);
    if (slot == NONE)
        return EDDY_REFUSED_GONE;
    *(is_topic ? &p->topic : &p->from) = slot;
    const struct ed_given *given = is_topic ? cl->topics.at[slot].given : cl->events[slot].given;
    if (!ed_described_by(given, p->kept->number))
        return EDDY_REFUSED_STALE;
    return given->pinned_by > op->actor ? EDDY_REFUSED_PINNED : EDDY_APPLIED;
}

static eddy_refusal plan_link(const eddy_clusterer *cl, struct plan *p)
{
    uint64_t number = p->kept->number;
    for (uint32_t i = 0; i < cl->links.n; i++)
        if (cl->links.at[i].operation == number)
            return EDDY_APPLIED;
    for (uint32_t u = 0; u < cl->group_slots.n; u++)
        if (cl->groups[u].id &&
            (cl->groups[u].held[0] == number || cl->groups[u].held[1] == number))
            return EDDY_APPLIED;
    return EDDY_REFUSED_STALE;
}

/* The document goes back, or into a new event where its own has faded; one that stayed may be asked
 * about again. */
static eddy_refusal plan_document(const eddy_clusterer *cl, const eddy_operation *op,
                                  struct plan *p)
{
    const struct ed_operation *kept = p->kept;
    p->from = live(cl, kept->other);
    p->to = live(cl, kept->event);
    if (p->from == NONE)
        return EDDY_REFUSED_GONE;
    if (p->from == p->to && kept->event != kept->other)
        p->to = NONE; /* they have merged */
    p->going = (struct ed_going){.position = kept->position, .from = p->from, .to = p->to};
    return ed_reassign_premise(cl, op->actor, &p->going);
}

/* Answers: what they say of the threshold goes whatever became of the events, and a part that they
 * split off comes back while both parts are there. */
static eddy_refusal plan_answer(const eddy_clusterer *cl, const eddy_operation *op, struct plan *p)
{
    const struct ed_answer *answer = ed_answer_find(cl, p->kept->number);
    if (!answer)
        return EDDY_REFUSED_STALE;
    eddy_refusal no = answer->side && p->kept->other ? plan_split(cl, op, p) : EDDY_REFUSED_GONE;
    if (no != EDDY_REFUSED_GONE && no != EDDY_REFUSED_STALE)
        return no;
    p->from = live(cl, p->kept->event);
    p->to = live(cl, p->kept->other);
    return EDDY_APPLIED;
}

/* p->groups NULL after a merge or move was taken: no memory. */
static eddy_refusal plan_make(const eddy_clusterer *cl, const eddy_operation *op, struct plan *p)
{
    *p = (struct plan){.kept = kept_find(cl, op->undo), .from = NONE, .to = NONE, .topic = NONE};
    if (!p->kept)
        return EDDY_REFUSED_GONE;
    if (p->kept->undone)
        return EDDY_REFUSED_STALE;
    if (p->kept->actor > op->actor)
        return EDDY_REFUSED_FORBIDDEN;
    switch (p->kept->kind) {
    case EDDY_OPERATION_MERGE:
    case EDDY_OPERATION_MOVE: return plan_groups(cl, op, p);
    case EDDY_OPERATION_SPLIT: return plan_split(cl, op, p);
    case EDDY_OPERATION_LINK: return plan_link(cl, p);
    case EDDY_OPERATION_REASSIGN: return plan_document(cl, op, p);
    case EDDY_OPERATION_ANSWER: return plan_answer(cl, op, p);
    case EDDY_OPERATION_DESCRIBE: return plan_describe(cl, op, p);
    default: return plan_given(cl, op, p);
    }
}

eddy_refusal ed_undo_premise(const eddy_clusterer *cl, const eddy_operation *op)
{
    struct plan p;
    eddy_refusal no = plan_make(cl, op, &p);
    ed_free(p.groups);
    return no;
}

/* ---- doing it ---- */

/* Links that the operation made, also those that events have inherited. */
static int links_void(eddy_clusterer *cl, uint64_t number)
{
    for (uint32_t i = cl->links.n; i-- > 0;) {
        struct ed_link link = cl->links.at[i];
        link.strength = 0;
        if (link.operation == number && !ed_link_put(cl, link))
            return 0;
    }
    return 1;
}

/* Links lose what this answer put in; those that were nothing else are none any more. */
static int links_without(eddy_clusterer *cl, uint64_t number, double shift)
{
    for (uint32_t i = cl->links.n; i-- > 0;) {
        struct ed_link link = cl->links.at[i];
        if (link.answers[0] != number && link.answers[1] != number)
            continue;
        link.answers[0] = link.answers[0] == number ? link.answers[1] : link.answers[0];
        link.answers[1] = 0;
        link.operation = link.answers[0];
        link.strength = link.answers[0] ? link.strength - shift : 0;
        if (!ed_link_put(cl, link))
            return 0;
    }
    return 1;
}

static int is_undone(const eddy_clusterer *cl, uint64_t number)
{
    const struct ed_operation *kept = &cl->operations[number % OPERATIONS_KEPT];
    return kept->number == number && kept->undone;
}

/* The link that there was, between what are its events now. */
static int link_back(eddy_clusterer *cl, const struct ed_link *before, uint32_t a, uint32_t b)
{
    if (a == NONE || b == NONE || a == b || ed_link_none(before) ||
        is_undone(cl, before->operation))
        return 1;
    struct ed_link link = *before;
    link.low = cl->events[a].id;
    link.high = cl->events[b].id;
    return ed_link_find(cl, link.low, link.high) || ed_link_put(cl, link);
}

/* Take from the event at slot what it has of `gone` (another's, before a merge), and give it back
 * what it had itself. */
static int given_back(eddy_clusterer *cl, uint32_t slot, const struct ed_given *gone,
                      const struct ed_given *own)
{
    struct ed_given now = {0};
    if (cl->events[slot].given)
        now = *cl->events[slot].given;
    if (gone->named_by && now.named_by == gone->named_by && now.named_in == gone->named_in)
        ed_given_name(&now, own);
    if (gone->pinned_by && now.pinned_by == gone->pinned_by && now.pinned_in == gone->pinned_in)
        ed_given_pin(&now, own);
    if (gone->described_by && now.described_by == gone->described_by &&
        now.described_in == gone->described_in)
        ed_given_description(&now, own);
    return ed_give(cl, slot, &now);
}

/* The new event at slot is made like the one that it leaves. What a person had put together
 * although it is of different kinds has its own again. */
static void kind_back(eddy_clusterer *cl, const struct ed_operation *kept, uint32_t slot)
{
    if (!kept->unlike)
        return;
    cl->events[slot].kind = kept->docs_kind;
    ed_mark(cl, ED_EVENT, slot);
}

static eddy_status undo_groups(eddy_clusterer *cl, const eddy_operation *op, struct plan *p,
                               eddy_error *err)
{
    struct ed_operation *kept = p->kept;
    int fresh = p->to == NONE;
    ed_hold_release(cl, kept->number);
    if (!links_void(cl, kept->number))
        return eddy_fail_nomem(err, "links", sizeof(struct ed_link));
    uint64_t from = cl->events[p->from].id;
    eddy_status st = ed_groups_go(cl, p->from, p->to, p->groups, p->n, &p->to, err);
    if (st != EDDY_OK)
        return st;
    if (fresh)
        kind_back(cl, kept, p->to);
    if (cl->events[p->from].id != from) /* all of it went */
        return EDDY_OK;
    struct ed_link apart = {.low = from,
                            .high = cl->events[p->to].id,
                            .strength = -EDDY_LINK_FIRM,
                            .operation = cl->acting.number,
                            .by = op->actor};
    int decided = op->actor == EDDY_PERSON && kept->actor != EDDY_PERSON;
    if ((decided && !ed_link_put(cl, apart)) ||
        (fresh && (!given_back(cl, p->from, &kept->before[0], &kept->before[1]) ||
                   !ed_give(cl, p->to, &kept->before[0]))) ||
        !link_back(cl, &kept->link, p->from, p->to))
        return eddy_fail_nomem(err, "links", sizeof apart);
    return EDDY_OK;
}

static eddy_status undo_split(eddy_clusterer *cl, const eddy_operation *op, struct plan *p,
                              eddy_error *err)
{
    if (!links_void(cl, p->kept->number))
        return eddy_fail_nomem(err, "links", sizeof(struct ed_link));
    double similarity = ed_event_similarity(cl, p->to, p->from);
    eddy_status st = ed_merge(cl, p->to, p->from, similarity, err);
    if (st == EDDY_OK && op->actor == EDDY_PERSON && p->kept->actor != EDDY_PERSON)
        ed_hold(cl, p->to, cl->acting.number, op->actor);
    return st;
}

static eddy_status undo_given(eddy_clusterer *cl, struct plan *p, eddy_error *err)
{
    const struct ed_given *before = &p->kept->before[0];
    struct ed_given now = {0};
    if (cl->events[p->from].given)
        now = *cl->events[p->from].given;
    eddy_change_kind kind = p->kept->kind == EDDY_OPERATION_RENAME ? EDDY_RENAMED
                            : before->pinned_by                    ? EDDY_PINNED
                                                                   : EDDY_UNPINNED;
    int name = kind == EDDY_RENAMED || now.named_in == p->kept->number || !now.named_by;
    if (name)
        ed_given_name(&now, before);
    if (kind != EDDY_RENAMED)
        ed_given_pin(&now, before);
    if (!ed_give(cl, p->from, &now) || !ed_operation_told(cl, kind, p->from, NONE))
        return eddy_fail_nomem(err, "names", sizeof now);
    return EDDY_OK;
}

static eddy_status undo_describe(eddy_clusterer *cl, struct plan *p, eddy_error *err)
{
    int is_topic = p->topic != NONE;
    struct ed_given **at = is_topic ? &cl->topics.at[p->topic].given : &cl->events[p->from].given;
    if (!ed_describe_undo(cl, at, &p->kept->before[0], p->kept->number) ||
        (!is_topic && !ed_operation_told(cl, EDDY_DESCRIBED, p->from, NONE)))
        return eddy_fail_nomem(err, "descriptions", sizeof **at);
    return is_topic ? ed_topic_tell(cl, p->topic, err) : EDDY_OK;
}

static eddy_status undo_link(eddy_clusterer *cl, struct plan *p, eddy_error *err)
{
    ed_hold_release(cl, p->kept->number);
    p->from = live(cl, p->kept->event);
    p->to = live(cl, p->kept->other);
    if (!links_void(cl, p->kept->number) || !link_back(cl, &p->kept->link, p->from, p->to))
        return eddy_fail_nomem(err, "links", sizeof(struct ed_link));
    return EDDY_OK;
}

/* Where a person has overruled a reasoner, no reasoner moves the document again. */
static eddy_status undo_document(eddy_clusterer *cl, const eddy_operation *op, struct plan *p,
                                 eddy_error *err)
{
    int decided = op->actor == EDDY_PERSON && p->kept->actor != EDDY_PERSON;
    if (!links_void(cl, p->kept->number))
        return eddy_fail_nomem(err, "links", sizeof(struct ed_link));
    uint64_t from = cl->events[p->from].id;
    int fresh = p->to == NONE;
    eddy_status st = ed_reassign(cl, &p->going, decided ? op->actor : EDDY_ONLINE, err);
    if (st != EDDY_OK)
        return st;
    p->to = p->going.to;
    if (fresh)
        kind_back(cl, p->kept, p->to);
    struct ed_link apart = {.low = from,
                            .high = cl->events[p->to].id,
                            .strength = -EDDY_LINK_FIRM,
                            .operation = cl->acting.number,
                            .by = op->actor};
    return !decided || !fresh || ed_link_put(cl, apart)
               ? EDDY_OK
               : eddy_fail_nomem(err, "links", sizeof apart);
}

static eddy_status undo_answer(eddy_clusterer *cl, const eddy_operation *op, struct plan *p,
                               eddy_error *err)
{
    struct ed_operation *kept = p->kept;
    struct ed_answer *answer = ed_answer_find(cl, kept->number);
    int split = answer->side && kept->other;
    int apart = p->from != NONE && p->to != NONE && p->from != p->to;
    ed_hold_release(cl, kept->number);
    if (!links_without(cl, kept->number, answer->shift))
        return eddy_fail_nomem(err, "links", sizeof(struct ed_link));
    ed_answer_void(cl, answer);
    cl->unrepaired++;
    if (split && apart)
        return undo_split(cl, op, p, err);
    return split || link_back(cl, &kept->link, p->from, p->to)
               ? EDDY_OK
               : eddy_fail_nomem(err, "links", sizeof(struct ed_link));
}

/* The last change: what is void, and of which events. */
static eddy_status tell(eddy_clusterer *cl, const struct plan *p, uint64_t *ret_event,
                        eddy_error *err)
{
    uint32_t slot = p->to != NONE ? p->to : p->from;
    uint32_t other = slot == p->to && p->from != NONE && p->from != p->to && cl->events[p->from].id
                         ? p->from
                         : NONE;
    eddy_change *change = slot == NONE ? ed_change_add(cl, EDDY_UNDONE, 0)
                                       : ed_operation_told(cl, EDDY_UNDONE, slot, other);
    if (!change)
        return eddy_fail_nomem(err, "changes", sizeof *change);
    if (slot == NONE) { /* links of events that have faded; a topic */
        change->event = p->kept->event;
        change->size_before = change->size_after = 0;
    }
    change->undone = p->kept->number;
    *ret_event = change->event;
    return EDDY_OK;
}

eddy_status ed_undo(eddy_clusterer *cl, const eddy_operation *op, uint64_t *ret_event,
                    eddy_error *err)
{
    struct plan p;
    if (plan_make(cl, op, &p) !=
        EDDY_APPLIED) { /* without memory for its groups when asked first */
        ed_free(p.groups);
        return eddy_fail_nomem(err, "undo", 0);
    }
    eddy_status st = EDDY_OK;
    switch (p.kept->kind) {
    case EDDY_OPERATION_MERGE:
    case EDDY_OPERATION_MOVE:
        st = p.groups ? undo_groups(cl, op, &p, err) : eddy_fail_nomem(err, "undo", 0);
        break;
    case EDDY_OPERATION_SPLIT: st = undo_split(cl, op, &p, err); break;
    case EDDY_OPERATION_LINK: st = undo_link(cl, &p, err); break;
    case EDDY_OPERATION_REASSIGN: st = undo_document(cl, op, &p, err); break;
    case EDDY_OPERATION_ANSWER: st = undo_answer(cl, op, &p, err); break;
    case EDDY_OPERATION_DESCRIBE: st = undo_describe(cl, &p, err); break;
    default: st = undo_given(cl, &p, err); break;
    }
    ed_free(p.groups);
    if (st != EDDY_OK)
        return st;
    p.kept->undone = 1;
    ed_mark(cl, ED_OPERATION, (uint32_t)(p.kept->number % OPERATIONS_KEPT));
    ed_operation_forget(cl, p.kept);
    return tell(cl, &p, ret_event, err);
}
