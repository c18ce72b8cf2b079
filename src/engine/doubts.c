/* Doubts: what the engine would like to ask (ALGORITHM 5.7).
 *
 * Two events that are as alike as two that are one, hardly more and hardly less; and one event
 * whose halves are. How sure we are comes from the same curve that the answers are fitted to:
 * P = sigmoid(beta (s + v - tau)), v being what was answered before. The least certain come first,
 * whatever their size: asking about the largest is asking about a few that are mixed inside.
 *
 * Pairs are those of the lists of neighbours, so that the cost is that of a full repair pass. Most
 * of them are out of doubt by a rough product. What people or firm links have decided, what is
 * pinned or held together, and what was answered twice is not asked. */
#include "engine/members.h"
#include "engine/operations.h"

#define SEAM_ABOVE                                                                                 \
    0.02 /* the halves are those at an event's own mean similarity and so much more */
#define ASKED_MOST 2

/* Doubts on their way, all of them. */
struct doubts {
    int all; /* 0: of events that have changed since they were shown, and of no single document */
    eddy_doubt *at;
    size_t n, room;
    eddy_arena *sides; /* their groups */
    eddy_arena *work;  /* of one event */
};

static double uncertainty(double yes)
{
    return yes < 0.5 ? yes : 1 - yes;
}

/* The probability that two sides are one; the shift is what is known besides. */
static double probability(const eddy_clusterer *cl, double similarity, double shift)
{
    return ed_sigmoid(ed_beta(cl) * (similarity + shift - cl->th.tau));
}

/* Add it, if it is one; 0: no memory. */
static int doubts_offer(struct doubts *list, eddy_doubt doubt)
{
    if (uncertainty(doubt.yes) < SURE || doubt.asked >= ASKED_MOST)
        return 1;
    eddy_doubt *at = ed_list_room(list->at, list->n, &list->room, sizeof *at);
    if (!at)
        return 0;
    list->at = at;
    list->at[list->n++] = doubt;
    return 1;
}

static int answers_in(const uint64_t answers[2])
{
    return (answers[0] != 0) + (answers[1] != 0);
}

/* ---- are these two the same? ---- */

/* How far from tau a similarity may be and still be doubted, without what is known besides. */
static double reach(const eddy_clusterer *cl)
{
    return ed_ln((1 - SURE) / SURE) / ed_beta(cl);
}

static int same_offer(const eddy_clusterer *cl, struct doubts *list, uint32_t a, uint32_t b)
{
    const struct ed_event_state *x = &cl->events[a];
    const struct ed_event_state *y = &cl->events[b];
    const struct ed_link *link = x->n_links && y->n_links ? ed_link_find(cl, x->id, y->id) : NULL;
    if (x->kind != y->kind ||
        (link && (fabs(link->strength) >= EDDY_LINK_FIRM || link->by == EDDY_PERSON)))
        return 1; /* only a person may say so */
    double off = ed_threshold_off(cl, x->weight > y->weight ? x->weight : y->weight);
    double shift = link ? ed_link_shift(cl, a, b) : 0;
    double rough = (double)ed_dot_rough(ed_event_sum(cl, a), ed_event_sum(cl, b), cl->stride) /
                   (x->weight * y->weight);
    if (fabs(rough - off + shift - cl->th.tau) > reach(cl) + ed_slop(cl))
        return 1;
    eddy_doubt doubt = {.kind = EDDY_DOUBT_SAME,
                        .event = x->id,
                        .other = y->id,
                        .event_version = x->version,
                        .other_version = y->version,
                        .similarity = ed_event_similarity(cl, a, b) - off,
                        .asked = link ? answers_in(link->answers) : 0};
    doubt.yes = probability(cl, doubt.similarity, shift);
    return doubts_offer(list, doubt);
}

static int lists(const struct ed_event_state *ev, uint32_t slot, uint64_t id)
{
    for (uint32_t i = 0; i < ev->n_near; i++)
        if (ev->near[i].slot == slot && ev->near[i].id == id)
            return 1;
    return 0;
}

/* Pairs of the event with its neighbours; one that both list comes with the older. */
static int same_of(const eddy_clusterer *cl, struct doubts *list, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    int due = list->all || ed_event_changed(ev);
    for (uint32_t i = 0; i < ev->n_near; i++) {
        uint32_t b = ev->near[i].slot;
        if (!ed_near_alive(cl, &ev->near[i]) || ed_pinned(cl, b) ||
            (!due && !ed_event_changed(&cl->events[b])) ||
            (cl->events[b].id < ev->id && lists(&cl->events[b], slot, ev->id)))
            continue;
        int older = ev->id < cl->events[b].id;
        if (!same_offer(cl, list, older ? slot : b, older ? b : slot))
            return 0;
    }
    return 1;
}

/* ---- are these halves one? ---- */

/* Mean similarity of documents in different groups. */
static double mean_across(const struct ed_halves *h)
{
    double dots = 0;
    double pairs = 0;
    for (uint32_t i = 0; i < h->n; i++)
        for (uint32_t j = i + 1; j < h->n; j++) {
            dots += h->dot[i * h->n + j];
            pairs += h->size[i] * h->size[j];
        }
    return dots / pairs;
}

static int whole_of(const eddy_clusterer *cl, struct doubts *list, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    struct ed_halves h;
    double sure = cl->th.tau + ed_threshold_off(cl, ev->weight / 2) + reach(cl);
    if (!cl->answers && !ed_halves_may_be_below(cl, slot, sure))
        return 1;
    eddy_arena_reset(list->work);
    if (!ed_halves_of(cl, slot, list->work, &h))
        return 0;
    if (h.m < 2 || !ed_halves_at(&h, mean_across(&h) + SEAM_ABOVE))
        return 1;
    size_t n = ed_halves_pick(cl, slot, &h, h.weight[1] <= h.weight[0]);
    double heavy = h.weight[0] > h.weight[1] ? h.weight[0] : h.weight[1];
    uint64_t sides[2];
    ed_sides_hash(cl, slot, h.picked, n, sides);
    struct ed_side_answers answered = ed_side_answered(cl, slot, sides);
    eddy_doubt doubt = {.kind = EDDY_DOUBT_WHOLE,
                        .event = ev->id,
                        .event_version = ev->version,
                        .n_groups = n,
                        .similarity =
                            h.across / (h.weight[0] * h.weight[1]) - ed_threshold_off(cl, heavy),
                        .asked = answers_in(answered.answers)};
    doubt.yes = probability(cl, doubt.similarity, answered.shift);
    if (uncertainty(doubt.yes) < SURE || doubt.asked >= ASKED_MOST)
        return 1;
    uint64_t *ids = ed_arena_alloc(list->sides, n * sizeof *ids);
    for (size_t i = 0; ids && i < n; i++)
        ids[i] = cl->groups[h.picked[i]].id;
    doubt.groups = ids;
    return ids && doubts_offer(list, doubt);
}

/* ---- documents of the window ---- */

static int places(const eddy_clusterer *cl, struct doubts *list, size_t n_max, eddy_arena *work)
{
    size_t most = n_max < ed_window_n(cl) ? n_max : ed_window_n(cl);
    eddy_doubt *found = ed_arena_alloc(work, (most + 1) * sizeof *found);
    size_t n = found ? ed_doubts_place(cl, most, found) : 0;
    int fits = found != NULL;
    for (size_t i = 0; i < n && fits; i++)
        fits = doubts_offer(list, found[i]);
    return fits;
}

/* ---- all of them ---- */

/* Least certain first; of equal ones the older events. */
static int by_doubt(const void *a, const void *b)
{
    const eddy_doubt *x = a;
    const eddy_doubt *y = b;
    double p = uncertainty(x->yes);
    double q = uncertainty(y->yes);
    if (p > q || q > p)
        return p > q ? -1 : 1;
    if (x->event != y->event)
        return x->event < y->event ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->other != y->other)
        return x->other < y->other ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* The first n_max of each kind into the arena; 0: no room for them. */
static int doubts_take(struct doubts *list, size_t n_max, eddy_arena *arena, const eddy_doubt **ret,
                       size_t *n_ret)
{
    size_t n_of[EDDY_DOUBT_PLACE + 1] = {0};
    size_t n = 0;
    if (list->n)
        qsort(list->at, list->n, sizeof *list->at, by_doubt);
    for (size_t i = 0; i < list->n; i++)
        if (n_of[list->at[i].kind]++ < n_max)
            list->at[n++] = list->at[i];
    eddy_doubt *at = ed_arena_alloc(arena, (n + 1) * sizeof *at);
    for (size_t i = 0; at && i < n; i++) {
        size_t size = list->at[i].n_groups * sizeof *at->groups;
        uint64_t *groups = size ? ed_arena_alloc(arena, size) : NULL;
        if (size && !groups)
            return 0;
        if (size)
            memcpy(groups, list->at[i].groups, size);
        at[i] = list->at[i];
        at[i].groups = groups;
    }
    *ret = at;
    *n_ret = n;
    return at != NULL;
}

/* SAME and WHOLE of one event; PLACE is about documents, see places(). */
static int doubts_of(const eddy_clusterer *cl, struct doubts *list, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    if (!ev->id || ed_pinned(cl, slot))
        return 1;
    int due = list->all || ed_event_changed(ev);
    return same_of(cl, list, slot) && (!due || ev->n_groups < 2 || whole_of(cl, list, slot));
}

eddy_status ed_doubts(const eddy_clusterer *cl, size_t n_max, int all, eddy_arena *arena,
                      const eddy_doubt **ret, size_t *n_ret, eddy_error *err)
{
    struct doubts list = {.all = all, .sides = eddy_arena_new(0), .work = eddy_arena_new(0)};
    const eddy_doubt *at = NULL;
    size_t n = 0;
    int fits = list.sides && list.work;
    for (uint32_t e = 0; e < cl->slots.n && fits; e++)
        fits = doubts_of(cl, &list, e);
    fits = fits && (!all || places(cl, &list, n_max, list.work));
    fits = fits && doubts_take(&list, n_max, arena, &at, &n);
    eddy_arena_free(list.sides);
    eddy_arena_free(list.work);
    ed_free(list.at);
    if (!fits)
        return eddy_fail_nomem(err, "doubts", list.n * sizeof *list.at);
    *ret = at;
    *n_ret = n;
    return EDDY_OK;
}

eddy_status eddy_clusterer_doubts(const eddy_clusterer *cl, size_t n_max, eddy_arena *arena,
                                  const eddy_doubt **ret, size_t *n_ret, eddy_error *err)
{
    eddy_status st = ed_clusterer_ready(cl, err);
    return st == EDDY_OK ? ed_doubts(cl, n_max, 1, arena, ret, n_ret, err) : st;
}
