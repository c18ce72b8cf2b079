/* Reassign: one document goes to another event, because somebody said so.
 *
 * Its point, as the window keeps it, is taken out of the sums of its group and event, and joins the
 * other event as an arriving document would: the group that is most like it. Both are told as one
 * change; lineage follows the document, not a group. What the byte a coordinate has lost stays
 * behind in the old sums: less than a hundredth of one document, and nothing when it goes back.
 *
 * A group of which nothing is left goes, and so does an event: it has merged into where its last
 * document went. Under a half-life a document may be so much heavier than the rest that its error
 * is all that is left of the group's direction; the sum is then cut to what its weight allows, so
 * that no similarity leaves its range. */
#include "engine/members.h"
#include "engine/operations.h"
#include "engine/signals.h"

#define LEAST 0x1p-36 /* of what leaves: weight of what stays, at least */

/* ---- what speaks against it ---- */

/* Somebody of higher rank wants its group together with what would stay. */
static int hold_bars(const eddy_clusterer *cl, uint32_t group, eddy_actor actor)
{
    const struct ed_group *g = &cl->groups[group];
    return ed_held_by(g) > actor && cl->events[g->event].docs > 1;
}

static void compare(const eddy_clusterer *cl, const struct ed_document *doc, struct ed_going *going)
{
    double weight = doc->point.weight;
    double other = 0;
    if (going->to == NONE) {
        struct ed_side own = ed_side_of(cl, going->from);
        going->similarity = ed_member_similarity(cl, doc, &own, NULL);
        other = own.weight - weight;
    } else {
        other = cl->events[going->to].weight;
        going->similarity = ed_point_dot(cl, &doc->point, ed_event_sum(cl, going->to)) / other;
    }
    going->required = cl->th.tau + ed_threshold_off(cl, weight > other ? weight : other);
}

static eddy_refusal barred(const eddy_clusterer *cl, eddy_actor actor, uint32_t group,
                           const struct ed_going *going)
{
    const struct ed_event_state *from = &cl->events[going->from];
    if (ed_pin_bars(cl, going->from, actor) ||
        (going->to != NONE && ed_pin_bars(cl, going->to, actor)))
        return EDDY_REFUSED_PINNED;
    if (hold_bars(cl, group, actor))
        return EDDY_REFUSED_FORBIDDEN;
    if (going->to == NONE)
        return ed_links_fit(cl, from->n_links + (size_t)1) ? EDDY_APPLIED : EDDY_REFUSED_FULL;
    const struct ed_link *link = ed_link_find(cl, from->id, cl->events[going->to].id);
    return link && link->by > actor && link->strength <= -EDDY_LINK_FIRM ? EDDY_REFUSED_FORBIDDEN
                                                                         : EDDY_APPLIED;
}

eddy_refusal ed_reassign_premise(const eddy_clusterer *cl, eddy_actor actor, struct ed_going *going)
{
    uint32_t slot = ed_window_slot(cl, going->position);
    uint32_t group = slot == NONE ? NONE : ed_window_group(cl, slot);
    if (group == NONE)
        return EDDY_REFUSED_GONE;
    if (cl->groups[group].event != going->from)
        return EDDY_REFUSED_STALE;
    if (cl->window.docs[slot].put_by > actor)
        return EDDY_REFUSED_FORBIDDEN;
    if (going->to == going->from)
        return EDDY_APPLIED;
    if (going->to == NONE && cl->events[going->from].docs < 2)
        return EDDY_REFUSED_STALE; /* it is alone already */
    struct ed_document doc;
    ed_window_read(cl, slot, &doc);
    compare(cl, &doc, going);
    return barred(cl, actor, group, going);
}

/* ---- out of its group ---- */

static void sketch_without(struct ed_sketch *s, const struct ed_point *p)
{
    for (uint32_t k = 0; k < p->n_top; k++)
        for (uint32_t i = 0; i < s->n; i++)
            if (s->hash[i] == p->top[k]) {
                s->count[i] = s->count[i] > 1 ? s->count[i] - 1 : 0;
                s->sure[i] = s->sure[i] > 1 ? s->sure[i] - 1 : 0;
            }
}

/* Take the point out; what is left is never more than its weight allows. */
static void take_out(eddy_clusterer *cl, uint32_t u, struct ed_point *p)
{
    struct ed_group *g = &cl->groups[u];
    float *sum = ed_group_sum(cl, u);
    double least = p->weight * LEAST;
    p->weight = p->weight < g->weight ? p->weight : g->weight;
    double left = g->weight - p->weight;
    left = left > least ? left : least;
    float w = (float)p->weight;
    ed_add_scaled(sum, -w, p->dense, cl->n_dense);
    for (uint32_t k = 0; k < p->n_words; k++)
        sum[cl->n_dense + p->at[k]] -= w * p->value[k];
    double length = ed_norm(sum, cl->stride);
    if (length > left)
        for (size_t i = 0; i < cl->stride; i++)
            sum[i] = (float)((double)sum[i] / length * left);
    g->weight = left;
    g->docs -= 1;
    g->square = ed_dot(sum, sum, cl->stride);
    g->square = g->square < 1e-12 ? 1e-12 : g->square;
    ed_group_code(cl, u);
    sketch_without(&g->words, p);
    ed_mark(cl, ED_GROUP, u);
}

/* The event at slot without this document. */
static void leave(eddy_clusterer *cl, uint32_t slot, uint32_t u, struct ed_point *p)
{
    if (cl->groups[u].docs > 1) {
        take_out(cl, u, p);
    } else {
        p->weight = cl->groups[u].weight;
        ed_group_detach(cl, u);
        ed_group_drop(cl, u);
    }
    struct ed_event_state *ev = &cl->events[slot];
    ev->pictured = ed_round(cl);
    ed_event_stir(cl, slot);
    ed_event_untell(cl, slot);
    if (!ev->n_groups)
        return; /* about to go: what it had is told */
    ed_event_gather(cl, slot);
    ed_event_refresh(cl, slot);
}

/* ---- what the group shows ---- */

static int shows(const struct ed_exemplar *x, const struct ed_document *doc)
{
    return x->n_id == doc->id.n && x->n_title == doc->title.n && x->time_ms == doc->time_ms &&
           !memcmp(x->id, doc->id.at, doc->id.n) && !memcmp(x->title, doc->title.at, doc->title.n);
}

static void show(const struct ed_document *doc, double similarity, struct ed_exemplar *ret)
{
    ed_exemplar_set(ret, doc->id, doc->title, doc->time_ms, similarity);
}

/* The most central and the newest of what the window has of the group are shown; of what it has
 * not, nothing is known. */
static void show_others(eddy_clusterer *cl, uint32_t u, int central, int newest)
{
    struct ed_group *g = &cl->groups[u];
    struct ed_side event = ed_side_of(cl, g->event);
    struct ed_exemplar best = {.similarity = -1, .time_ms = g->first_ms};
    struct ed_exemplar last = best;
    for (uint32_t i = 0; i < ed_window_n(cl); i++) {
        struct ed_document doc;
        if (ed_window_group(cl, i) != u)
            continue;
        ed_window_read(cl, i, &doc);
        double similarity = ed_member_similarity(cl, &doc, &event, NULL);
        if (similarity > (double)best.similarity)
            show(&doc, similarity, &best);
        if (!(last.similarity > -1) || doc.time_ms > last.time_ms)
            show(&doc, similarity, &last);
    }
    int none = !(best.similarity > -1);
    if (central)
        g->central = none && !newest ? g->newest : best;
    if (newest)
        g->newest = none && !central ? g->central : last;
    ed_mark(cl, ED_GROUP, u);
}

/* ---- into another event ---- */

static eddy_status enter(eddy_clusterer *cl, const struct ed_document *doc,
                         const struct ed_going *going, uint32_t *ret_group, eddy_error *err)
{
    eddy_term terms[TOP_WORDS];
    const struct ed_point *p = &doc->point;
    for (uint32_t i = 0; i < p->n_top; i++)
        terms[i] = (eddy_term){.hash = p->top[i], .count = 1};
    eddy_row row = {.terms = terms,
                    .n_terms = p->n_top,
                    .time_ms = doc->time_ms,
                    .id = doc->id,
                    .title = doc->title};
    double similarity = cl->events[going->to].n_groups ? going->similarity : 0;
    *ret_group = ed_join(cl, &row, p, going->to, similarity);
    return *ret_group == NONE ? eddy_fail_nomem(err, "groups", cl->stride * sizeof(float))
                              : EDDY_OK;
}

/* Sizes as they were before. */
struct sizes {
    double event, other;
};

static eddy_status tell(eddy_clusterer *cl, const struct ed_document *doc,
                        const struct ed_going *going, struct sizes before, uint64_t left,
                        uint32_t group, eddy_error *err)
{
    eddy_change *change = ed_change_add(cl, EDDY_REASSIGNED, going->to);
    eddy_str id = ed_arena_str(cl->pictures_arena, doc->id.at, doc->id.n);
    if (!change || !id.at)
        return eddy_fail_nomem(err, "changes", sizeof *change);
    change->other = cl->events[going->from].id;
    change->group = left;
    change->into_group = cl->groups[group].id;
    change->size_before = before.event;
    change->other_before = before.other;
    change->other_after = before.other - 1;
    change->similarity = (float)going->similarity;
    change->threshold = (float)going->required;
    change->document = doc->position;
    change->document_id = id;
    return EDDY_OK;
}

eddy_status ed_reassign(eddy_clusterer *cl, struct ed_going *going, eddy_actor by, eddy_error *err)
{
    uint32_t slot = ed_window_slot(cl, going->position);
    struct ed_document doc;
    ed_window_read(cl, slot, &doc);
    if (going->to == going->from) {
        ed_window_reassigned(cl, slot, doc.group, by);
        return EDDY_OK;
    }
    size_t told = cl->changes.n;
    int fresh = going->to == NONE;
    if (fresh)
        going->to = ed_split_off(cl, going->from, going->similarity, going->required);
    if (going->to == NONE)
        return eddy_fail_nomem(err, "events", cl->stride * sizeof(float));
    struct sizes before = {cl->events[going->to].docs, cl->events[going->from].docs};
    uint64_t left = cl->groups[doc.group].id;
    int central = shows(&cl->groups[doc.group].central, &doc);
    int newest = shows(&cl->groups[doc.group].newest, &doc);
    uint32_t group;
    struct ed_group was = cl->groups[doc.group];
    leave(cl, going->from, doc.group, &doc.point);
    eddy_status st = enter(cl, &doc, going, &group, err);
    if (st != EDDY_OK)
        return st;
    ed_window_reassigned(cl, slot, group, by);
    if (was.docs <= 1 && !ed_signals_follow(cl, &was, group))
        return eddy_fail_nomem(err, "groups", sizeof(struct ed_fold));
    st = tell(cl, &doc, going, before, left, group, err);
    if (st != EDDY_OK)
        return st;
    if ((central || newest) && cl->groups[doc.group].id == left)
        show_others(cl, doc.group, central, newest);
    if (fresh)
        return ed_split_done(cl, going->to, going->from, told, err);
    if (!cl->events[going->from].n_groups)
        return ed_event_emptied(cl, going->from, going->to, before.other, going->similarity,
                                going->required, err);
    return ed_event_grown(cl, going->to) ? EDDY_OK
                                         : eddy_fail_nomem(err, "changes", sizeof(eddy_change));
}
