/* Retire: what keeps memory bounded. Groups fold into each other when an event has too many; events
 * fade when nothing has come for long, or when there are too many of them. The last ones that faded
 * are remembered by their sums: an event that takes one up again names it as its parent. */
#include "engine/signals.h"
#include "engine/words.h"

/* ---- folding ---- */

/* Ward: the increase of scatter inside when two groups become one. */
static double ward(const eddy_clusterer *cl, uint32_t u, uint32_t v)
{
    double n = cl->groups[u].weight;
    double m = cl->groups[v].weight;
    const float *a = ed_group_sum(cl, u);
    const float *b = ed_group_sum(cl, v);
    double distance = cl->groups[u].square / (n * n) + cl->groups[v].square / (m * m) -
                      2 * ed_dot(a, b, cl->stride) / (n * m);
    return n * m / (n + m) * distance;
}

/* Are both held and did both come by the same operations? Others fold only where there is no such
 * pair, so that what came together can go together. */
static int alike(const eddy_clusterer *cl, uint32_t u, uint32_t v)
{
    const struct ed_group *a = &cl->groups[u];
    const struct ed_group *b = &cl->groups[v];
    return a->came == b->came && a->held[0] == b->held[0] && a->held[1] == b->held[1];
}

/* What is held with either group, by persons (1) or by others (0), is held with both. */
static void holds_join(eddy_clusterer *cl, struct ed_group *a, const struct ed_group *b, int k)
{
    const struct ed_event_state *ev = &cl->events[a->event];
    uint64_t gone = b->held[k];
    for (uint32_t i = 0; i < ev->n_groups && a->held[k] && gone && a->held[k] != gone; i++) {
        struct ed_group *g = &cl->groups[ev->groups[i]];
        if (g->held[k] != gone)
            continue;
        g->held[k] = a->held[k];
        ed_mark(cl, ED_GROUP, ev->groups[i]);
    }
    a->held[k] = a->held[k] ? a->held[k] : gone;
}

static int fold(eddy_clusterer *cl, uint32_t into, uint32_t from)
{
    struct ed_group *a = &cl->groups[into];
    struct ed_group *b = &cl->groups[from];
    ed_add_scaled(ed_group_sum(cl, into), 1, ed_group_sum(cl, from), cl->stride);
    a->weight += b->weight;
    a->docs += b->docs;
    a->joined = b->joined > a->joined ? b->joined : a->joined;
    a->first_ms = b->first_ms < a->first_ms ? b->first_ms : a->first_ms;
    a->last_ms = b->last_ms > a->last_ms ? b->last_ms : a->last_ms;
    a->square = ed_dot(ed_group_sum(cl, into), ed_group_sum(cl, into), cl->stride);
    ed_group_code(cl, into);
    for (uint32_t i = 0; i < b->words.n; i++)
        ed_sketch_add(&a->words, b->words.hash[i], b->words.sure[i]);
    a->came &= b->came;
    holds_join(cl, a, b, 0);
    holds_join(cl, a, b, 1);
    if (b->central.similarity > a->central.similarity)
        a->central = b->central;
    if (b->newest.time_ms > a->newest.time_ms)
        a->newest = b->newest;
    eddy_change *change = ed_change_add(cl, EDDY_FOLDED, a->event);
    if (!change)
        return 0;
    change->group = b->id;
    change->into_group = a->id;
    ed_mark(cl, ED_GROUP, into);
    ed_window_folded(cl, into, from);
    if (!ed_signals_fold(cl, into, from))
        return 0;
    ed_group_detach(cl, from);
    ed_group_drop(cl, from);
    cl->stats.folded++;
    return 1;
}

/* Down to `detail` groups. */
eddy_status ed_retire_fold(eddy_clusterer *cl, uint32_t slot, eddy_error *err)
{
    const struct ed_event_state *ev = &cl->events[slot];
    while (ev->n_groups > cl->o.detail) {
        uint32_t a = NONE;
        uint32_t b = NONE;
        double least = 0;
        for (int any = 0; any < 2 && a == NONE; any++)
            for (uint32_t i = 0; i < ev->n_groups; i++)
                for (uint32_t j = i + 1; j < ev->n_groups; j++) {
                    if (!any && !alike(cl, ev->groups[i], ev->groups[j]))
                        continue;
                    double cost = ward(cl, ev->groups[i], ev->groups[j]);
                    if (a == NONE || cost < least) {
                        least = cost;
                        a = ev->groups[i];
                        b = ev->groups[j];
                    }
                }
        int a_lives = cl->groups[a].weight >= cl->groups[b].weight;
        if (!fold(cl, a_lives ? a : b, a_lives ? b : a))
            return eddy_fail_nomem(err, "changes", sizeof(eddy_change));
        if (ev->n_groups <= cl->o.detail) /* that was the last */
            ed_event_sum_up(cl, slot);
    }
    return EDDY_OK;
}

/* ---- fading ---- */

int ed_faded_room(eddy_clusterer *cl)
{
    struct ed_faded *f = &cl->faded;
    if (!f->sums)
        f->sums = ed_alloc_aligned(FADED_KEPT * cl->stride * sizeof *f->sums);
    return f->sums != NULL;
}

/* Remember an event of some size among the faded; the oldest of them is forgotten. */
static int remember(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_faded *f = &cl->faded;
    const struct ed_event_state *ev = &cl->events[slot];
    if (ev->docs < 3)
        return 1;
    if (!ed_faded_room(cl))
        return 0;
    f->left += f->n == FADED_KEPT;
    memcpy(f->sums + f->next * cl->stride, ed_event_sum(cl, slot), cl->stride * sizeof *f->sums);
    ed_mark(cl, ED_FADED, f->next);
    f->weight[f->next] = ev->weight;
    f->id[f->next] = ev->id;
    f->next = (f->next + 1) % FADED_KEPT;
    f->n += f->n < FADED_KEPT;
    return 1;
}

uint64_t ed_retired_like(const eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_faded *f = &cl->faded;
    const struct ed_event_state *ev = &cl->events[slot];
    uint64_t best = 0;
    double most = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        double dot = ed_dot(f->sums + i * cl->stride, ed_event_sum(cl, slot), cl->stride);
        double heavy = f->weight[i] > ev->weight ? f->weight[i] : ev->weight;
        double beyond =
            dot / (f->weight[i] * ev->weight) - cl->th.tau - ed_threshold_off(cl, heavy);
        if (beyond > most) {
            most = beyond;
            best = f->id[i];
        }
    }
    return best;
}

static eddy_status fade(eddy_clusterer *cl, uint32_t slot, eddy_error *err)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (!ed_change_add(cl, EDDY_FADED, slot))
        return eddy_fail_nomem(err, "changes", sizeof(eddy_change));
    eddy_status st = ed_picture_add(cl, slot, EDDY_STATE_FADED, 0, err);
    if (st != EDDY_OK)
        return st;
    if (!remember(cl, slot))
        return eddy_fail_nomem(err, "faded events", FADED_KEPT * cl->stride * sizeof(float));
    for (uint32_t i = 0; i < ev->n_groups; i++)
        ed_group_drop(cl, ev->groups[i]);
    ed_event_drop(cl, slot);
    cl->stats.faded++;
    return EDDY_OK;
}

struct idle {
    int64_t last_ms;
    uint64_t id;
    uint32_t slot;
};

static int by_idleness(const void *a, const void *b)
{
    const struct idle *x = a;
    const struct idle *y = b;
    if (x->last_ms != y->last_ms)
        return x->last_ms < y->last_ms ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* At the ceiling a sixteenth fades at once, so that many births share one sort. */
eddy_status ed_retire_one(eddy_clusterer *cl, eddy_error *err)
{
    struct idle *list = ed_alloc((cl->n_events + 1) * sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "events", cl->n_events * sizeof *list);
    size_t n = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++)
        if (cl->events[e].id)
            list[n++] = (struct idle){ed_event_last(&cl->events[e]), cl->events[e].id, e};
    qsort(list, n, sizeof *list, by_idleness);
    size_t many = cl->o.events_max / 16 + 1;
    if (n > cl->o.events_max)
        many += n - cl->o.events_max;
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < many && i < n && st == EDDY_OK; i++) {
        st = fade(cl, list[i].slot, err);
        cl->stats.events_max_hits++;
    }
    ed_free(list);
    return st;
}

/* ---- half-life ---- */

#define WEIGHT_LEAST 0x1p-40 /* in documents of now: what weighs less is forgotten */

static void scale(float *x, size_t n, float by)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

/* Fold groups that weigh less into the event's heaviest. */
static int fold_light(eddy_clusterer *cl, const struct ed_event_state *ev, double least)
{
    uint32_t heaviest = ev->groups[0];
    for (uint32_t i = 1; i < ev->n_groups; i++)
        if (cl->groups[ev->groups[i]].weight > cl->groups[heaviest].weight)
            heaviest = ev->groups[i];
    for (uint32_t i = ev->n_groups; i-- > 0;)
        if (ev->groups[i] != heaviest && cl->groups[ev->groups[i]].weight < least &&
            !fold(cl, heaviest, ev->groups[i]))
            return 0;
    return 1;
}

/* Weights grow with time under a half-life; before they leave the range of floats, all are brought
 * down together, so that a document of now_ms weighs 1. Old events whose weight vanishes fade. */
eddy_status ed_retire_weights(eddy_clusterer *cl, int64_t now_ms, eddy_error *err)
{
    double halves = (double)(now_ms - cl->start_ms) / (double)cl->o.half_life_ms;
    double down = ed_exp2(-halves);
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        struct ed_event_state *ev = &cl->events[e];
        if (!ev->id || ev->weight * down >= WEIGHT_LEAST)
            continue;
        eddy_status st = fade(cl, e, err);
        if (st != EDDY_OK)
            return st;
    }
    for (uint32_t i = 0; i < cl->faded.n; i++)
        ed_mark(cl, ED_FADED, i);
    cl->faded.n = cl->faded.next = 0; /* they belong to another scale of weights */
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        struct ed_event_state *ev = &cl->events[e];
        if (!ev->id)
            continue;
        if (!fold_light(cl, ev, WEIGHT_LEAST / down))
            return eddy_fail_nomem(err, "changes", sizeof(eddy_change));
        ev->weight *= down;
        ev->listed = 0;
        ed_mark(cl, ED_NEAR, e);
        ed_event_untell(cl, e);
        for (uint32_t i = 0; i < ev->n_groups; i++) {
            struct ed_group *g = &cl->groups[ev->groups[i]];
            g->weight *= down;
            ed_mark(cl, ED_GROUP, ev->groups[i]);
            scale(ed_group_sum(cl, ev->groups[i]), cl->stride, (float)down);
            g->square = ed_dot(ed_group_sum(cl, ev->groups[i]), ed_group_sum(cl, ev->groups[i]),
                               cl->stride);
            ed_group_code(cl, ev->groups[i]);
        }
        ed_event_sum_up(cl, e);
    }
    cl->weight_now = 1;
    cl->start_ms = now_ms;
    for (uint32_t e = 0; e < cl->slots.n; e++)
        if (cl->events[e].id)
            ed_event_refresh(cl, e);
    return EDDY_OK;
}

/* ---- the end of a pass ---- */

eddy_status ed_retire(eddy_clusterer *cl, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (uint32_t e = 0; e < cl->slots.n && st == EDDY_OK; e++) {
        const struct ed_event_state *ev = &cl->events[e];
        if (!ev->id)
            continue;
        if (cl->o.fade_ms > 0 && ed_event_last(ev) < cl->stream_ms - cl->o.fade_ms)
            st = fade(cl, e, err);
        else if (ev->n_groups > cl->o.detail)
            st = ed_retire_fold(cl, e, err);
    }
    return st == EDDY_OK && cl->n_events > cl->o.events_max ? ed_retire_one(cl, err) : st;
}
