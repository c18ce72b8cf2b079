/* Hierarchy: topics over events, themes over topics (ALGORITHM 4).
 *
 * The same objective as for events, one level up: leaves (events, then topics) gather in nodes
 * (topics, then themes; level.c) as long as their mean similarity is above a lower threshold. A
 * leaf counts with its documents, so that a parent's mean is that of its documents and not of its
 * children (in HERCULES, arXiv 2506.19992, each child counts once). A pass looks at the events that
 * repair looked at. */
#include "engine/level.h"

#define KAPPA_TOPIC 1.0 /* spreads above the null mean */
#define KAPPA_THEME 0.5
#define NULL_PAIRS  4096 /* of descriptions, for their own null mean and spread */

/* ---- topics over events ---- */

/* What an event's description says, or where its dense view points: of length `weight`. */
static void describe(const eddy_clusterer *cl, uint32_t slot, float *ret)
{
    const struct ed_event_state *ev = &cl->events[slot];
    size_t n = cl->o.dense_dim;
    if (ev->given && ev->given->vector)
        ed_point_centred(cl, ev->given->vector, ret);
    else
        memcpy(ret, ed_event_sum(cl, slot), n * sizeof *ret);
    double norm = ed_norm(ret, n);
    float by = norm > 1e-12 ? (float)(ev->weight / norm) : 0;
    for (size_t i = 0; i < n; i++)
        ret[i] *= by;
}

/* Descriptions have null pairs of their own: some thousand pairs of events. */
static void learn(struct ed_level *l)
{
    double sum = 0, square = 0, n = 0;
    for (uint64_t i = 0; i < NULL_PAIRS && l->n_leaves > 1; i++) {
        const struct ed_leaf *a = &l->leaves[ed_mix64(2 * i) % l->n_leaves];
        const struct ed_leaf *b = &l->leaves[ed_mix64(2 * i + 1) % l->n_leaves];
        if (a == b)
            continue;
        double similarity = ed_dot(a->x, b->x, l->dim) / (a->weight * b->weight);
        sum += similarity;
        square += similarity * similarity;
        n++;
    }
    l->mean = n > 0 ? sum / n : 0;
    double variance = n > 0 ? square / n - l->mean * l->mean : 0;
    l->spread = variance > 0 ? sqrt(variance) : 0;
}

static eddy_status events_as_leaves(struct ed_level *l, eddy_error *err)
{
    eddy_clusterer *cl = l->cl;
    int described = cl->o.topics == EDDY_TOPICS_DESCRIPTION;
    l->of_sums = !described;
    l->dim = described ? cl->o.dense_dim : cl->stride;
    l->shape = described ? ed_code_shape_of(l->dim, 0) : cl->shape;
    l->mean = cl->th.mean;
    l->spread = cl->th.spread;
    l->leaves = ed_arena_alloc(cl->work, (cl->n_events + (size_t)1) * sizeof *l->leaves);
    l->leaf_of = ed_arena_alloc(cl->work, (cl->slots.n + (size_t)1) * sizeof *l->leaf_of);
    float *x = described ? ed_arena_alloc_aligned(cl->work,
                                                  (cl->n_events + (size_t)1) * l->dim * sizeof *x)
                         : NULL;
    if (!l->leaves || !l->leaf_of || (described && !x))
        return eddy_fail_nomem(err, "topics", cl->n_events * sizeof *l->leaves);
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        const struct ed_event_state *ev = &cl->events[e];
        if (!ev->id)
            continue;
        const float *own = ed_event_sum(cl, e);
        if (described) {
            describe(cl, e, x + l->n_leaves * l->dim);
            own = x + l->n_leaves * l->dim;
        }
        l->leaf_of[e] = l->n_leaves;
        l->leaves[l->n_leaves++] = (struct ed_leaf){
            .id = ev->id, .thing = e, .weight = ev->weight, .docs = ev->docs, .x = own};
    }
    if (described)
        learn(l);
    return EDDY_OK;
}

/* The neighbours of the events that repair looks at in this pass. */
static eddy_status edges_of_events(struct ed_level *l, eddy_error *err)
{
    eddy_clusterer *cl = l->cl;
    uint64_t turns = ed_event_turns(cl);
    uint32_t n = 0;
    l->edges =
        ed_arena_alloc(cl->work, ((size_t)l->n_leaves * cl->o.neighbours + 1) * sizeof *l->edges);
    if (!l->edges)
        return eddy_fail_nomem(err, "topics",
                               l->n_leaves * (size_t)cl->o.neighbours * sizeof *l->edges);
    for (uint32_t i = 0; i < l->n_leaves; i++) {
        const struct ed_event_state *ev = &cl->events[l->leaves[i].thing];
        l->leaves[i].edge = n;
        int due = ed_event_due(cl, l->leaves[i].thing, turns);
        for (uint32_t k = 0; k < ev->n_near && due; k++)
            if (ed_near_alive(cl, &ev->near[k]))
                l->edges[n++] = l->leaf_of[ev->near[k].slot];
        l->leaves[i].n_edges = n - l->leaves[i].edge;
    }
    return EDDY_OK;
}

/* ---- themes over topics ---- */

/* The topics of level `below`, as its nodes were before this one's; where each node went. */
static eddy_status topics_as_leaves(struct ed_level *l, const struct ed_level *below,
                                    eddy_error *err)
{
    eddy_clusterer *cl = l->cl;
    l->dim = below->dim;
    l->shape = below->shape;
    l->mean = below->mean;
    l->spread = below->spread;
    l->leaves = ed_arena_alloc(cl->work, (below->n_nodes + (size_t)1) * sizeof *l->leaves);
    l->leaf_of = ed_arena_alloc(cl->work, (below->n_nodes + (size_t)1) * sizeof *l->leaf_of);
    if (!l->leaves || !l->leaf_of)
        return eddy_fail_nomem(err, "topics", below->n_nodes * sizeof *l->leaves);
    for (uint32_t v = 0; v < below->n_nodes; v++) {
        const struct ed_node *x = &below->nodes[v];
        l->leaf_of[v] = NONE;
        if (!x->id || !x->n)
            continue;
        l->leaf_of[v] = l->n_leaves;
        l->leaves[l->n_leaves++] = (struct ed_leaf){
            .id = x->id, .thing = x->slot, .weight = x->weight, .docs = x->docs, .x = x->sum};
    }
    return EDDY_OK;
}

/* Topics are near when events of theirs are; each other one once. */
static eddy_status edges_of_topics(struct ed_level *l, const struct ed_level *below,
                                   eddy_error *err)
{
    eddy_clusterer *cl = l->cl;
    struct ed_level by = *below;
    uint32_t *first = NULL;
    size_t room = 0;
    for (uint32_t i = 0; i < by.n_leaves; i++) {
        by.leaves[i].node = ed_level_node(below, by.leaves[i].node);
        room += by.leaves[i].n_edges;
    }
    const uint32_t *list = ed_level_leaves(&by, &first);
    uint32_t *seen = ed_arena_alloc_zero(cl->work, l->n_leaves + (size_t)1, sizeof *seen);
    l->edges = ed_arena_alloc(cl->work, (room + 1) * sizeof *l->edges);
    if (!list || !seen || !l->edges)
        return eddy_fail_nomem(err, "topics", room * sizeof *l->edges);
    uint32_t n = 0;
    for (uint32_t v = 0; v < by.n_nodes; v++) {
        uint32_t own = l->leaf_of[v];
        if (own == NONE)
            continue;
        l->leaves[own].edge = n;
        seen[own] = own + 1;
        for (uint32_t i = first[v]; i < first[v + 1]; i++)
            for (uint32_t k = 0; k < by.leaves[list[i]].n_edges; k++) {
                uint32_t near = by.edges[by.leaves[list[i]].edge + k];
                uint32_t other = l->leaf_of[by.leaves[near].node];
                if (other == NONE || seen[other] == own + 1)
                    continue;
                seen[other] = own + 1;
                l->edges[n++] = other;
            }
        l->leaves[own].n_edges = n - l->leaves[own].edge;
    }
    return EDDY_OK;
}

/* ---- the pass ---- */

/* Never above what is asked of events. */
static double asked_at(const struct ed_level *l, double kappa)
{
    double asked = l->mean + kappa * l->spread;
    int direct = l->cl->o.topics == EDDY_TOPICS_DIRECT;
    return direct && asked > l->cl->th.tau ? l->cl->th.tau : asked;
}

eddy_status ed_hierarchy(eddy_clusterer *cl, eddy_error *err)
{
    if (cl->o.topics == EDDY_TOPICS_OFF)
        return EDDY_OK;
    eddy_arena_reset(cl->work);
    struct ed_level topics = {.cl = cl, .number = 1};
    struct ed_level themes = {.cl = cl, .number = 2};
    eddy_status st = events_as_leaves(&topics, err);
    topics.asked = asked_at(&topics, KAPPA_TOPIC);
    if (st == EDDY_OK)
        st = edges_of_events(&topics, err);
    if (st == EDDY_OK)
        st = ed_level_pass(&topics, err);
    if (st == EDDY_OK)
        st = topics_as_leaves(&themes, &topics, err);
    themes.asked = asked_at(&themes, KAPPA_THEME);
    if (st == EDDY_OK)
        st = edges_of_topics(&themes, &topics, err);
    if (st == EDDY_OK)
        st = ed_level_pass(&themes, err);
    return st == EDDY_OK ? ed_topics_tell(cl, err) : st;
}
