/* Members: documents of the window by event, the most central first.
 *
 * A reasoner is shown them, a person is told by them why a document is where it is: how alike it is
 * to the others of its event now, and which view says so. All from sums: the mean similarity to the
 * others is that to the sum less the document itself. */
#include "engine/members.h"

eddy_status ed_whereabouts(const eddy_clusterer *cl, eddy_arena *arena, struct ed_whereabouts *ret,
                           eddy_error *err)
{
    uint32_t n = ed_window_n(cl);
    size_t bytes = (cl->slots.n + (size_t)n + 2) * sizeof(uint32_t);
    ret->first = ed_arena_alloc(arena, bytes);
    if (!ret->first)
        return eddy_fail_nomem(err, "members", bytes);
    ret->next = ret->first + cl->slots.n + 1;
    memset(ret->first, 0xff, cl->slots.n * sizeof *ret->first); /* NONE */
    for (uint32_t k = n; k > 0; k--) { /* the oldest first: the newest will lead */
        uint32_t i = ed_window_slot(cl, cl->position - k);
        uint32_t u = ed_window_group(cl, i);
        if (u == NONE)
            continue;
        ret->next[i] = ret->first[cl->groups[u].event];
        ret->first[cl->groups[u].event] = i;
    }
    return EDDY_OK;
}

struct ed_side ed_side_of(const eddy_clusterer *cl, uint32_t event)
{
    const struct ed_event_state *ev = &cl->events[event];
    return (struct ed_side){
        .event = event, .sum = ed_event_sum(cl, event), .weight = ev->weight, .docs = ev->docs};
}

static int on_side(const struct ed_side *side, uint32_t group)
{
    if (!side->groups)
        return 1;
    for (uint32_t i = 0; i < side->n_groups; i++)
        if (side->groups[i] == group)
            return 1;
    return 0;
}

/* (x.sum - w x.x) / rest of n coordinates. */
static double share(const float *x, const float *sum, size_t n, double w, double rest)
{
    return n ? (ed_dot(x, sum, n) - w * ed_dot(x, x, n)) / rest : 0;
}

double ed_member_similarity(const eddy_clusterer *cl, const struct ed_document *doc,
                            const struct ed_side *side, float *shares)
{
    const struct ed_point *p = &doc->point;
    double rest = side->weight - p->weight;
    int alone = side->docs <= 1 || rest < 1e-9 * side->weight;
    double w = alone ? -1 : p->weight; /* alone: nothing of the sum, and itself */
    double by = alone ? 1 : rest;
    double all = 0;
    size_t from = 0;
    for (size_t view = 0; view <= cl->o.n_extra; view++) {
        size_t n = view ? cl->o.extra_dim[view - 1] : cl->o.dense_dim;
        const float *x = p->dense + from;
        double own = alone ? ed_dot(x, x, n) : share(x, side->sum + from, n, w, by);
        all += own;
        if (shares)
            shares[view ? 1 + view : 0] = (float)own;
        from += n;
    }
    double words = 0;
    for (uint32_t k = 0; k < p->n_words; k++) {
        double x = (double)p->value[k];
        double sum = alone ? 0 : (double)side->sum[cl->n_dense + p->at[k]];
        words += x * (sum - w * x);
    }
    if (shares)
        shares[1] = (float)(words / by);
    return all + words / by;
}

void ed_member_fill(const eddy_clusterer *cl, const struct ed_document *doc,
                    const struct ed_side *side, eddy_member *ret)
{
    *ret = (eddy_member){.position = doc->position,
                         .id = doc->id,
                         .title = doc->title,
                         .time_ms = doc->time_ms,
                         .event = cl->events[doc->event].id,
                         .group = cl->groups[doc->group].id,
                         .arrival_similarity = doc->similarity,
                         .arrival_threshold = doc->threshold,
                         .runner_up = doc->runner_up,
                         .runner_up_similarity = doc->runner_up_similarity};
    ret->similarity = (float)ed_member_similarity(cl, doc, side, ret->share);
}

static int more_central(const void *a, const void *b)
{
    const eddy_member *x = a;
    const eddy_member *y = b;
    if (x->similarity < y->similarity || x->similarity > y->similarity)
        return x->similarity > y->similarity ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

eddy_status ed_members(const eddy_clusterer *cl, const struct ed_whereabouts *where,
                       const struct ed_side *side, size_t most, eddy_arena *arena,
                       eddy_member **ret, size_t *n_ret, eddy_error *err)
{
    size_t n = 0;
    for (uint32_t i = where->first[side->event]; i != NONE && n < most; i = where->next[i])
        n += (size_t)on_side(side, ed_window_group(cl, i));
    eddy_member *list = ed_arena_alloc(arena, (n + 1) * sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "members", n * sizeof *list);
    most = n;
    n = 0;
    for (uint32_t i = where->first[side->event]; i != NONE && n < most; i = where->next[i]) {
        struct ed_document doc;
        if (!on_side(side, ed_window_group(cl, i)))
            continue;
        ed_window_read(cl, i, &doc);
        ed_member_fill(cl, &doc, side, &list[n++]);
    }
    qsort(list, n, sizeof *list, more_central);
    *ret = list;
    *n_ret = n;
    return EDDY_OK;
}

eddy_status ed_members_keep(eddy_member *members, size_t n, eddy_arena *arena, eddy_error *err)
{
    for (size_t i = 0; i < n; i++) {
        members[i].id = ed_arena_str(arena, members[i].id.at, members[i].id.n);
        members[i].title = ed_arena_str(arena, members[i].title.at, members[i].title.n);
        if (!members[i].id.at || !members[i].title.at)
            return eddy_fail_nomem(err, "members", ID_KEPT + TITLE_KEPT);
    }
    return EDDY_OK;
}

eddy_status eddy_clusterer_members(const eddy_clusterer *cl, uint64_t event, eddy_arena *arena,
                                   const eddy_member **ret, size_t *n_ret, eddy_error *err)
{
    uint32_t slot = cl->load ? NONE : ed_event_slot(cl, event);
    if (slot == NONE)
        return eddy_fail(err, EDDY_INVALID, "event E%llu is not in memory",
                         (unsigned long long)event);
    struct ed_whereabouts where;
    struct ed_side side = ed_side_of(cl, slot);
    eddy_member *list = NULL;
    size_t n = 0;
    eddy_status st = ed_whereabouts(cl, arena, &where, err);
    if (st == EDDY_OK)
        st = ed_members(cl, &where, &side, SIZE_MAX, arena, &list, &n, err);
    if (st == EDDY_OK)
        st = ed_members_keep(list, n, arena, err);
    if (st != EDDY_OK)
        return st;
    *ret = list;
    *n_ret = n;
    return EDDY_OK;
}

eddy_status eddy_clusterer_document(const eddy_clusterer *cl, eddy_str id, eddy_arena *arena,
                                    eddy_member *ret, eddy_rival *ret_rival, eddy_error *err)
{
    struct ed_exemplar cut;
    ed_exemplar_set(&cut, id, (eddy_str){NULL, 0}, 0, 0);
    uint32_t n = cl->load ? 0 : ed_window_n(cl);
    for (uint32_t k = 1; k <= n; k++) { /* the newest first */
        struct ed_document doc;
        ed_window_read(cl, ed_window_slot(cl, cl->position - k), &doc);
        if (doc.id.n != cut.n_id || memcmp(doc.id.at, cut.id, doc.id.n) != 0)
            continue;
        if (doc.event == NONE)
            return eddy_fail(err, EDDY_INVALID, "the document's event has faded");
        struct ed_side side = ed_side_of(cl, doc.event);
        eddy_member member;
        ed_member_fill(cl, &doc, &side, &member);
        eddy_status st = ed_members_keep(&member, 1, arena, err);
        if (st == EDDY_OK)
            *ret = member;
        if (st == EDDY_OK && ret_rival)
            ed_rival_of(cl, &doc, ret_rival);
        return st;
    }
    return eddy_fail(err, EDDY_INVALID, "the document is not among the last %lu",
                     (unsigned long)cl->o.window);
}
