/* View: what a reasoner sees, as copies, so that it may think for as long as it likes.
 *
 * Events that are new or have grown or shrunk by a tenth since they were last shown, each with some
 * of its documents; and what is in doubt, with documents of both sides. How large they were then is
 * part of the state, so that after a load a reasoner goes on where it was. */
#include "engine/members.h"

#include <eddy/reason.h>

#define LOOKED_AT 256 /* newest documents of a side among which those shown are chosen */

/* One view on its way. */
struct taking {
    const eddy_clusterer *cl;
    eddy_arena *arena;
    struct ed_whereabouts where;
    eddy_error *err;
};

/* ---- documents that are shown ---- */

/* Members (k) of a list of n, evenly from the most central to the farthest. */
static void spread(eddy_member *list, size_t n, size_t k)
{
    for (size_t i = 1; i < k; i++)
        list[i] = list[i * (n - 1) / (k - 1)];
}

/* The median and the farthest of (k) come right behind the most central. */
static void three_first(eddy_member *list, size_t k)
{
    if (k < 4)
        return;
    eddy_member median = list[(k - 1) / 2];
    eddy_member farthest = list[k - 1];
    memmove(&list[(k - 1) / 2], &list[(k - 1) / 2 + 1], (k / 2 - 1) * sizeof *list);
    memmove(&list[3], &list[1], (k - 3) * sizeof *list);
    list[1] = median;
    list[2] = farthest;
}

static size_t without(eddy_member *list, size_t n, uint64_t position)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].position != position)
            list[kept++] = list[i];
    return kept;
}

static eddy_member exemplar_of(const eddy_clusterer *cl, uint32_t group)
{
    const struct ed_group *g = &cl->groups[group];
    const struct ed_exemplar *x = &g->central;
    return (eddy_member){.position = UINT64_MAX,
                         .id = {x->id, x->n_id},
                         .title = {x->title, x->n_title},
                         .time_ms = x->time_ms,
                         .event = cl->events[g->event].id,
                         .group = g->id,
                         .similarity = x->similarity};
}

/* All documents of the side have left the window: the central ones of its groups stand for them, by
 * how alike they were to the event when they came. */
static eddy_status exemplars_take(struct taking *t, const struct ed_side *side, eddy_member **ret,
                                  size_t *n_ret)
{
    const eddy_clusterer *cl = t->cl;
    const struct ed_event_state *ev = &cl->events[side->event];
    const uint32_t *groups = side->groups ? side->groups : ev->groups;
    uint32_t n = side->groups ? side->n_groups : ev->n_groups;
    eddy_member *list = ed_arena_alloc(t->arena, EDDY_SHOWN_MEMBERS * sizeof *list);
    size_t k = 0;
    if (!list)
        return eddy_fail_nomem(t->err, "view", EDDY_SHOWN_MEMBERS * sizeof *list);
    for (uint32_t i = 0; i < n && k < EDDY_SHOWN_MEMBERS; i++) {
        eddy_member member = exemplar_of(cl, groups[i]);
        size_t at = k;
        if (!(member.similarity > -1))
            continue;
        for (; at && list[at - 1].similarity < member.similarity; at--)
            list[at] = list[at - 1];
        list[at] = member;
        k++;
    }
    *ret = list;
    *n_ret = k;
    return ed_members_keep(list, k, t->arena, t->err);
}

/* Some of the side's documents but the one at position `but`. */
static eddy_status members_take(struct taking *t, const struct ed_side *side, uint64_t but,
                                eddy_member **ret, size_t *n_ret)
{
    eddy_member *list = NULL;
    size_t n = 0;
    eddy_status st = ed_members(t->cl, &t->where, side, LOOKED_AT, t->arena, &list, &n, t->err);
    if (st != EDDY_OK)
        return st;
    n = without(list, n, but);
    if (!n)
        return exemplars_take(t, side, ret, n_ret);
    size_t k = n < EDDY_SHOWN_MEMBERS ? n : EDDY_SHOWN_MEMBERS;
    spread(list, n, k);
    *ret = list;
    *n_ret = k;
    return ed_members_keep(list, k, t->arena, t->err);
}

/* ---- events ---- */

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const eddy_view_event *)a)->picture.id;
    uint64_t y = ((const eddy_view_event *)b)->picture.id;
    return (x > y) - (x < y);
}

static int is_shown(const struct ed_event_state *ev, int whole)
{
    return ev->id && (whole || ed_event_changed(ev));
}

static eddy_status events_take(struct taking *t, int whole, eddy_view *view)
{
    const eddy_clusterer *cl = t->cl;
    size_t n = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++)
        n += (size_t)is_shown(&cl->events[e], whole);
    eddy_view_event *list = ed_arena_alloc(t->arena, (n + 1) * sizeof *list);
    if (!list)
        return eddy_fail_nomem(t->err, "view", n * sizeof *list);
    n = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        if (!is_shown(&cl->events[e], whole))
            continue;
        struct ed_side side = ed_side_of(cl, e);
        eddy_member *members = NULL;
        eddy_view_event *event = &list[n++];
        eddy_status st = ed_picture(cl, e, t->arena, &event->picture, t->err);
        if (st == EDDY_OK)
            st = members_take(t, &side, UINT64_MAX, &members, &event->n_members);
        if (st != EDDY_OK)
            return st;
        event->members = members;
    }
    qsort(list, n, sizeof *list, by_id);
    view->events = list;
    view->n_events = n;
    return EDDY_OK;
}

/* ---- doubts ---- */

static eddy_status side_take(struct taking *t, const struct ed_side *side, uint64_t but,
                             eddy_view_side *ret)
{
    eddy_member *members = NULL;
    eddy_status st = members_take(t, side, but, &members, &ret->n_members);
    if (st != EDDY_OK)
        return st;
    three_first(members, ret->n_members);
    ret->members = members;
    ret->event = t->cl->events[side->event].id;
    ret->documents = side->docs;
    return EDDY_OK;
}

/* Groups of an event that are (or are not) among those of the doubt, as a side of their own. */
static eddy_status side_of_groups(struct taking *t, const eddy_doubt *doubt, uint32_t slot,
                                  int among, struct ed_side *ret)
{
    const eddy_clusterer *cl = t->cl;
    const struct ed_event_state *ev = &cl->events[slot];
    uint32_t *groups = ed_arena_alloc(t->arena, (ev->n_groups + (size_t)1) * sizeof *groups);
    float *sum = ed_arena_alloc_aligned(t->arena, cl->stride * sizeof *sum);
    if (!groups || !sum)
        return eddy_fail_nomem(t->err, "view", cl->stride * sizeof *sum);
    memset(sum, 0, cl->stride * sizeof *sum);
    *ret = (struct ed_side){.event = slot, .groups = groups, .sum = sum};
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        int listed = 0;
        for (size_t k = 0; k < doubt->n_groups && !listed; k++)
            listed = doubt->groups[k] == g->id;
        if (listed != among)
            continue;
        groups[ret->n_groups++] = ev->groups[i];
        ed_add_scaled(sum, 1, ed_group_sum(cl, ev->groups[i]), cl->stride);
        ret->weight += g->weight;
        ret->docs += g->docs;
    }
    return EDDY_OK;
}

static eddy_status doubt_take(struct taking *t, const eddy_doubt *doubt, eddy_view_doubt *ret)
{
    const eddy_clusterer *cl = t->cl;
    struct ed_side sides[2];
    uint32_t slot = ed_event_slot(cl, doubt->event);
    uint64_t but = UINT64_MAX;
    eddy_status st = EDDY_OK;
    *ret = (eddy_view_doubt){.doubt = *doubt};
    if (doubt->kind == EDDY_DOUBT_WHOLE) {
        for (int i = 0; i < 2 && st == EDDY_OK; i++)
            st = side_of_groups(t, doubt, slot, !i, &sides[i]);
        if (st != EDDY_OK)
            return st;
    } else {
        sides[0] = ed_side_of(cl, slot);
        sides[1] = ed_side_of(cl, ed_event_slot(cl, doubt->other));
    }
    if (doubt->kind == EDDY_DOUBT_PLACE) {
        struct ed_document doc;
        but = doubt->position;
        ed_window_read(cl, ed_window_slot(cl, but), &doc);
        ed_member_fill(cl, &doc, &sides[0], &ret->document);
        st = ed_members_keep(&ret->document, 1, t->arena, t->err);
    }
    for (int i = 0; i < 2 && st == EDDY_OK; i++)
        st = side_take(t, &sides[i], but, &ret->sides[i]);
    return st;
}

static eddy_status doubts_take(struct taking *t, size_t doubts_max, int all, eddy_view *view)
{
    const eddy_doubt *doubts = NULL;
    size_t n = 0;
    if (!doubts_max)
        return EDDY_OK;
    eddy_status st = ed_doubts(t->cl, doubts_max, all, t->arena, &doubts, &n, t->err);
    if (st != EDDY_OK)
        return st;
    eddy_view_doubt *list = ed_arena_alloc(t->arena, (n + 1) * sizeof *list);
    if (!list)
        return eddy_fail_nomem(t->err, "view", n * sizeof *list);
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = doubt_take(t, &doubts[i], &list[i]);
    view->doubts = list;
    view->n_doubts = n;
    return st;
}

eddy_status eddy_view_take(eddy_clusterer *cl, unsigned what, size_t doubts_max, eddy_arena *arena,
                           eddy_view *ret, eddy_error *err)
{
    struct taking t = {.cl = cl, .arena = arena, .err = err};
    eddy_view view = {.documents = cl->position,
                      .stream_ms = cl->stream_ms,
                      .threshold = cl->th.tau,
                      .spread = cl->th.spread};
    eddy_status st = ed_clusterer_ready(cl, err);
    if (st == EDDY_OK)
        st = ed_whereabouts(cl, arena, &t.where, err);
    if (st == EDDY_OK)
        st = events_take(&t, (what & EDDY_VIEW_WHOLE) != 0, &view);
    if (st == EDDY_OK)
        st = doubts_take(&t, doubts_max, (what & EDDY_VIEW_DOUBTS) != 0, &view);
    if (st == EDDY_OK)
        st = eddy_clusterer_topics(cl, arena, &view.topics, &view.n_topics, err);
    if (st != EDDY_OK)
        return st;
    cl->viewed = cl->position;
    for (uint32_t e = 0; e < cl->slots.n; e++)
        if (ed_event_changed(&cl->events[e])) {
            cl->events[e].viewed = cl->events[e].docs;
            ed_mark(cl, ED_EVENT, e);
        }
    *ret = view;
    return EDDY_OK;
}
