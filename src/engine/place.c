/* Place: documents of the window that may be in the wrong event.
 *
 * Repair moves groups, never one document, and a document that came early could not know events
 * that came later. So each one is held against the events near its own, and against its runner-up
 * of then, by mean similarity less what their size takes; those between which hardly anything
 * decides are worth a question (the low-margin queue of Viswanathan et al. 2024). Who is alone is a
 * question about two events, not about a document. */
#include "engine/members.h"
#include "engine/operations.h"

#define LENGTH_MOST 1.02 /* squared, of a point of the window: a byte a coordinate */

/* What the size of a side takes from a document's similarity to it. */
static double size_takes(const eddy_clusterer *cl, const struct ed_document *doc, double weight)
{
    return ed_threshold_off(cl, weight > doc->point.weight ? weight : doc->point.weight);
}

/* Similarity of the document to an event that it is not in, less what size takes. */
static double value_at(const eddy_clusterer *cl, const struct ed_document *doc, uint32_t slot)
{
    double weight = cl->events[slot].weight;
    return ed_point_dot(cl, &doc->point, ed_event_sum(cl, slot)) / weight -
           size_takes(cl, doc, weight);
}

static double own_size_takes(const eddy_clusterer *cl, const struct ed_document *doc)
{
    return size_takes(cl, doc, cl->events[doc->event].weight - doc->point.weight);
}

static double value_own(const eddy_clusterer *cl, const struct ed_document *doc)
{
    struct ed_side own = ed_side_of(cl, doc->event);
    return ed_member_similarity(cl, doc, &own, NULL) - own_size_takes(cl, doc);
}

struct best {
    uint32_t slot;
    double value;
    double least; /* what is below is of no interest */
};

/* point . sum in float. */
static double rough(const eddy_clusterer *cl, const struct ed_point *p, const float *sum)
{
    float dot = ed_dot_rough(p->dense, sum, cl->n_dense);
    for (uint32_t k = 0; k < p->n_words; k++)
        dot += p->value[k] * sum[cl->n_dense + p->at[k]];
    return (double)dot;
}

/* No more than value_own, by no more than the error of float. */
static double value_own_least(const eddy_clusterer *cl, const struct ed_document *doc)
{
    const struct ed_point *p = &doc->point;
    double weight = cl->events[doc->event].weight, rest = weight - p->weight;
    if (rest < 1e-3 * weight)
        return value_own(cl, doc);
    double dot = rough(cl, p, ed_event_sum(cl, doc->event)) - p->weight * LENGTH_MOST;
    return (dot - ed_slop(cl) * weight) / rest - own_size_takes(cl, doc);
}

/* Is the document less like the event than `least` for certain? Nearly all end here. */
static int is_far(const eddy_clusterer *cl, const struct ed_document *doc, uint32_t slot,
                  double least)
{
    double weight = cl->events[slot].weight;
    return rough(cl, &doc->point, ed_event_sum(cl, slot)) / weight + ed_slop(cl) <
           least + size_takes(cl, doc, weight);
}

static void best_offer(const eddy_clusterer *cl, const struct ed_document *doc, uint32_t slot,
                       struct best *best)
{
    if (slot == doc->event || slot == best->slot || ed_pinned(cl, slot) ||
        is_far(cl, doc, slot, best->least) || ed_link_bars(cl, doc->event, slot))
        return;
    double value = value_at(cl, doc, slot);
    if (best->slot == NONE || value > best->value ||
        (value >= best->value && cl->events[slot].id < cl->events[best->slot].id))
        *best = (struct best){slot, value, best->least};
}

/* The event that is most like it, if it is at least so much like it. */
static struct best best_elsewhere(const eddy_clusterer *cl, const struct ed_document *doc,
                                  double least)
{
    struct best best = {NONE, 0, least};
    const struct ed_event_state *ev = &cl->events[doc->event];
    for (uint32_t i = 0; i < ev->n_near; i++)
        if (ed_near_alive(cl, &ev->near[i]))
            best_offer(cl, doc, ev->near[i].slot, &best);
    uint64_t then = doc->runner_up ? eddy_clusterer_where(cl, doc->runner_up) : 0;
    if (then)
        best_offer(cl, doc, ed_event_slot(cl, then), &best);
    return best;
}

void ed_rival_of(const eddy_clusterer *cl, const struct ed_document *doc, eddy_rival *ret)
{
    struct best best = best_elsewhere(cl, doc, -INFINITY);
    *ret = (eddy_rival){.own_threshold = (float)(cl->th.tau + own_size_takes(cl, doc))};
    if (best.slot == NONE)
        return;
    double taken = size_takes(cl, doc, cl->events[best.slot].weight);
    ret->event = cl->events[best.slot].id;
    ret->similarity = (float)(best.value + taken);
    ret->threshold = (float)(cl->th.tau + taken);
}

/* May it be asked about at all? */
static int open(const eddy_clusterer *cl, const struct ed_document *doc, uint32_t slot)
{
    return doc->event != NONE && cl->events[doc->event].docs > 1 && !ed_pinned(cl, doc->event) &&
           !cl->window.docs[slot].put_by && ed_held_by(&cl->groups[doc->group]) != EDDY_PERSON;
}

static int less_certain(const eddy_doubt *a, const eddy_doubt *b)
{
    return fabs(a->yes - 0.5) < fabs(b->yes - 0.5);
}

/* Into a list that is in order; later ones come behind equal ones. */
static size_t doubt_offer(eddy_doubt *list, size_t n, size_t n_max, eddy_doubt doubt)
{
    if (n == n_max) {
        if (!n || !less_certain(&doubt, &list[n - 1]))
            return n;
        n--;
    }
    size_t i = n;
    for (; i && less_certain(&doubt, &list[i - 1]); i--)
        list[i] = list[i - 1];
    list[i] = doubt;
    return n + 1;
}

size_t ed_doubts_place(const eddy_clusterer *cl, size_t n_max, eddy_doubt *ret)
{
    size_t n = 0;
    double beta = ed_beta(cl);
    double reach = ed_ln((1 - SURE) / SURE) / beta + 1e-9; /* behind its own event */
    for (uint32_t k = ed_window_n(cl); k > 0; k--) {       /* the oldest first */
        uint32_t slot = ed_window_slot(cl, cl->position - k);
        struct ed_document doc;
        ed_window_read(cl, slot, &doc);
        if (!open(cl, &doc, slot))
            continue;
        struct best best = best_elsewhere(cl, &doc, value_own_least(cl, &doc) - reach);
        if (best.slot == NONE)
            continue;
        double yes = ed_sigmoid(beta * (best.value - value_own(cl, &doc)));
        if (yes < SURE)
            continue;
        const struct ed_event_state *from = &cl->events[doc.event];
        const struct ed_event_state *other = &cl->events[best.slot];
        n = doubt_offer(ret, n, n_max,
                        (eddy_doubt){.kind = EDDY_DOUBT_PLACE,
                                     .event = from->id,
                                     .other = other->id,
                                     .event_version = from->version,
                                     .other_version = other->version,
                                     .position = doc.position,
                                     .similarity = best.value,
                                     .yes = yes});
    }
    return n;
}
