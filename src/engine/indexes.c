/* Indexes: how good the events look from inside, from sums alone.
 *
 * Points have length 1, so the mean squared distance of the documents of a sum A (weight n) to the
 * mean of a sum B (weight m) is 1 - 2 A.B / nm + |B|^2 / m^2: exact, whatever became of the
 * documents. That is why distances are squared in the silhouette, and why Davies-Bouldin takes the
 * root of the mean square (q = 2, as its authors allow) where scikit-learn takes the mean.
 *
 * The silhouette is per group, not per document: a group's documents are much alike, and that each
 * may choose its own best other event is all that is lost. The others are the event's list of
 * neighbours, as in repair. */
#include "engine/operations.h"

#include "base/cpus.h"

#define MS_PER_HOUR 3600000.0
#define STEP        16   /* dimensions at a time; a stride is a multiple of it */
#define LOOKED_AT   8    /* of an event's list, for its picture ... */
#define LISTED_MAX  64   /* ... or all events where they are few, at most */
#define HOLDS       1.25 /* indexes hold until the event has grown or shrunk by this factor */

struct work {
    const eddy_clusterer *cl;
    uint32_t *others;      /* (n_events) slots of whom the event at hand is held against ... */
    double *others_square; /* ... and squared lengths of their means */
    uint32_t n_others;
    double own_square;    /* that of the event at hand */
    struct ed_near *near; /* (neighbours) */
    const double *square; /* (slots.n) squared lengths of all; NULL: made when needed */
};

static double mean_square(const eddy_clusterer *cl, uint32_t slot)
{
    const float *sum = ed_event_sum(cl, slot);
    double n = cl->events[slot].weight;
    return ed_dot(sum, sum, cl->stride) / (n * n);
}

/* Mean squared distance of an event's documents to their mean, of squared length `square`. */
static double within(const eddy_clusterer *cl, uint32_t slot, double square)
{
    return cl->events[slot].docs > 1 ? fmax(1 - square, 0) : 0;
}

/* The neighbours that a pass would list now. */
static void look_around(struct work *w, uint32_t slot)
{
    const eddy_clusterer *cl = w->cl;
    uint32_t n = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        if (!cl->events[e].id || e == slot)
            continue;
        struct ed_near c = {e, (float)ed_event_similarity(cl, slot, e), cl->events[e].id};
        n = ed_near_offer(w->near, n, cl->o.neighbours, c);
    }
    for (uint32_t i = 0; i < n; i++)
        w->others[i] = w->near[i].slot;
    w->n_others = n;
}

static double square_of(const struct work *w, uint32_t slot)
{
    return w->square ? w->square[slot] : mean_square(w->cl, slot);
}

/* All events where they are few; else the event's list of neighbours as the last pass left it; at
 * most so many. Gives whether they are few. */
static int others_listed(struct work *w, uint32_t slot, uint32_t most)
{
    const eddy_clusterer *cl = w->cl;
    const struct ed_event_state *ev = &cl->events[slot];
    int few = cl->n_events - 1 <= cl->o.neighbours;
    w->n_others = 0;
    for (uint32_t e = 0; few && e < cl->slots.n && w->n_others < most; e++)
        if (cl->events[e].id && e != slot)
            w->others[w->n_others++] = e;
    for (uint32_t i = 0; !few && i < ev->n_near && w->n_others < most; i++)
        if (ed_near_alive(cl, &ev->near[i]))
            w->others[w->n_others++] = ev->near[i].slot;
    return few;
}

/* ---- silhouette ---- */

static double group_silhouette(const struct work *w, uint32_t slot, uint32_t group)
{
    const eddy_clusterer *cl = w->cl;
    const float *rows[ED_RUN_ROWS];
    double dots[ED_RUN_ROWS];
    double n = cl->groups[group].weight;
    double own = 0, best = INFINITY;
    for (uint32_t from = 0; from <= w->n_others; from += ED_RUN_ROWS) { /* 0 is its own event */
        uint32_t left = w->n_others + 1 - from, few = left < ED_RUN_ROWS ? left : ED_RUN_ROWS;
        for (uint32_t k = 0; k < few; k++)
            rows[k] = ed_event_sum(cl, from + k ? w->others[from + k - 1] : slot);
        ed_dots(ed_group_sum(cl, group), rows, few, cl->stride, dots);
        for (uint32_t k = 0; k < few; k++) {
            uint32_t i = from + k;
            uint32_t e = i ? w->others[i - 1] : slot;
            double apart = 2 * dots[k] / (n * cl->events[e].weight);
            if (i)
                best = fmin(best, 1 + w->others_square[i - 1] - apart);
            else
                own = 1 + w->own_square - apart;
        }
    }
    own = fmax(own, 0);
    best = fmax(best, 0);
    return own == best ? 0 : (best - own) / fmax(own, best);
}

static double silhouette(const struct work *w, uint32_t slot)
{
    const struct ed_event_state *ev = &w->cl->events[slot];
    double sum = 0, weight = 0;
    if (ev->docs <= 1)
        return 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        double n = w->cl->groups[ev->groups[i]].weight;
        sum += n * group_silhouette(w, slot, ev->groups[i]);
        weight += n;
    }
    return sum / weight;
}

/* ---- between means ---- */

static void hold_against_others(const struct work *w, uint32_t slot, eddy_event_indexes *ret)
{
    const eddy_clusterer *cl = w->cl;
    double spread = sqrt(within(cl, slot, w->own_square));
    ret->separation = INFINITY;
    ret->davies_bouldin = 0;
    for (uint32_t i = 0; i < w->n_others; i++) {
        uint32_t e = w->others[i];
        double square = w->own_square + w->others_square[i] - 2 * ed_event_similarity(cl, slot, e);
        double dist = sqrt(fmax(square, 0));
        uint64_t id = cl->events[e].id;
        if (dist < ret->separation || (dist == ret->separation && id < ret->nearest)) {
            ret->separation = dist;
            ret->nearest = id;
        }
        if (dist > 0) /* as scikit-learn: of two that are in one place nothing is said */
            ret->davies_bouldin = fmax(ret->davies_bouldin,
                                       (spread + sqrt(within(cl, e, w->others_square[i]))) / dist);
    }
}

/* ---- drift ---- */

/* The middle of a group's time, in hours since the event began. */
static double middle(const struct ed_event_state *ev, const struct ed_group *g)
{
    return ((double)(g->first_ms - ev->first_ms) + (double)(g->last_ms - ev->first_ms)) / 2 /
           MS_PER_HOUR;
}

static double span(const struct ed_group *g)
{
    return (double)(g->last_ms - g->first_ms) / MS_PER_HOUR;
}

#define OFFS 64 /* of an event's first groups, kept while their sums are gone through */

/* Squared length of the sum of groups, each times how far its middle is from the centre. */
MANY_CPUS double ed_indexes_velocity(const eddy_clusterer *cl, const struct ed_event_state *ev,
                                     double centre)
{
    double lanes[STEP] = {0}; /* of one order on every CPU */
    double offs[OFFS];
    for (uint32_t i = 0; i < ev->n_groups && i < OFFS; i++)
        offs[i] = middle(ev, &cl->groups[ev->groups[i]]) - centre;
    for (size_t from = 0; from < cl->stride; from += STEP) {
        double velocity[STEP] = {0};
        for (uint32_t i = 0; i < ev->n_groups; i++) {
            double off = i < OFFS ? offs[i] : middle(ev, &cl->groups[ev->groups[i]]) - centre;
            const float *sum = ed_group_sum(cl, ev->groups[i]) + from;
            for (size_t d = 0; d < STEP; d++)
                velocity[d] += off * (double)sum[d];
        }
        for (size_t d = 0; d < STEP; d++)
            lanes[d] += velocity[d] * velocity[d];
    }
    double square = 0;
    for (size_t d = 0; d < STEP; d++)
        square += lanes[d];
    return square;
}

/* A least squares line through the documents, those of a group at the group's mean and spread
 * evenly from its first to its last time. Where time is only within groups nothing is seen of a
 * drift, and it comes out too small; two groups of the same hours give none, however different.
 *
 * Were there no drift, the means of the groups would still differ by chance: that much, expected
 * from the documents' variance, is taken off the square. */
static double drift(const struct work *w, uint32_t slot)
{
    const eddy_clusterer *cl = w->cl;
    const struct ed_event_state *ev = &cl->events[slot];
    double weight = 0, centre = 0, spread = 0, between = 0;
    if (ev->n_groups < 2)
        return 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        weight += g->weight;
        centre += g->weight * middle(ev, g);
    }
    centre /= weight;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        double off = middle(ev, g) - centre;
        between += g->weight * off * off;
        spread += g->weight * span(g) * span(g) / 12;
    }
    double all = between + spread;
    if (!(all > 0))
        return 0;
    double square = ed_indexes_velocity(cl, ev, centre);
    double variance =
        within(cl, slot, w->own_square) * weight / (ev->docs - 1); /* of a document, per weight */
    return sqrt(fmax(square - variance * between, 0)) / all;
}

/* ---- the whole ---- */

/* Of the event at hand, whose others are in w. */
static eddy_event_indexes event_indexes(struct work *w, uint32_t slot)
{
    w->own_square = square_of(w, slot);
    for (uint32_t i = 0; i < w->n_others; i++)
        w->others_square[i] = square_of(w, w->others[i]);
    eddy_event_indexes ret = {.id = w->cl->events[slot].id,
                              .compactness = sqrt(within(w->cl, slot, w->own_square)),
                              .drift = drift(w, slot)};
    if (w->n_others) {
        ret.silhouette = silhouette(w, slot);
        hold_against_others(w, slot, &ret);
    } else {
        ret.silhouette = ret.davies_bouldin = ret.separation = NAN;
    }
    return ret;
}

static int more_alike(float a, uint64_t id_a, float b, uint64_t id_b)
{
    return a > b || (!(b > a) && id_a < id_b);
}

/* Insert among those that are most like the event, the lower id first where they are equally so. */
static void similar_add(const eddy_clusterer *cl, uint32_t slot, uint32_t other, double similarity,
                        eddy_event *ret)
{
    uint64_t id = cl->events[other].id;
    float alike = (float)similarity;
    uint32_t i = ret->n_similar;
    if (i == EDDY_SIMILAR) {
        i--;
        if (!more_alike(alike, id, ret->similar[i].similarity, ret->similar[i].event))
            return;
    }
    ret->n_similar = i + 1;
    for (; i && more_alike(alike, id, ret->similar[i - 1].similarity, ret->similar[i - 1].event);
         i--)
        ret->similar[i] = ret->similar[i - 1];
    double heavy = fmax(cl->events[slot].weight, cl->events[other].weight);
    ret->similar[i].event = id;
    ret->similar[i].similarity = alike;
    ret->similar[i].threshold = (float)(cl->th.tau + ed_threshold_off(cl, heavy));
    ret->similar[i].link = (float)ed_link_strength(cl, slot, other);
}

static void similar_find(const eddy_clusterer *cl, uint32_t slot, eddy_event *ret)
{
    uint32_t listed[LISTED_MAX];
    const float *sums[LISTED_MAX];
    double dots[LISTED_MAX];
    struct work w = {.cl = cl, .others = listed};
    int few = cl->n_events - 1 <= cl->o.neighbours;
    others_listed(&w, slot, few ? LISTED_MAX : LOOKED_AT);
    for (uint32_t i = 0; i < w.n_others; i++)
        sums[i] = ed_event_sum(cl, listed[i]);
    ed_dots(ed_event_sum(cl, slot), sums, w.n_others, cl->stride, dots);
    ret->n_similar = 0;
    for (uint32_t i = 0; i < w.n_others; i++)
        similar_add(cl, slot, listed[i],
                    dots[i] / (cl->events[slot].weight * cl->events[listed[i]].weight), ret);
}

/* Held against those that it shows as similar: pictures are many, and whom an event may be taken
 * for is among its nearest. */
static eddy_event_indexes against_similar(const eddy_clusterer *cl, uint32_t slot,
                                          const eddy_event *picture)
{
    uint32_t others[EDDY_SIMILAR];
    double squares[EDDY_SIMILAR];
    struct work w = {
        .cl = cl, .others = others, .others_square = squares, .n_others = picture->n_similar};
    for (uint32_t i = 0; i < w.n_others; i++)
        others[i] = ed_event_slot(cl, picture->similar[i].event);
    return w.n_others ? event_indexes(&w, slot)
                      : (eddy_event_indexes){cl->events[slot].id, 0, NAN, NAN, NAN, NAN, NAN};
}

/* They cost as much as all the rest of a picture, and change as slowly as the event's sums. */
static int indexes_hold(const eddy_clusterer *cl, const struct ed_event_state *ev)
{
    return ev->docs < ev->indexed * HOLDS && ev->docs * HOLDS > ev->indexed &&
           ed_event_slot(cl, ev->nearest) != NONE;
}

void ed_indexes_keep(eddy_clusterer *cl, uint32_t slot, const eddy_event *picture)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (indexes_hold(cl, ev))
        return;
    eddy_event_indexes x = picture->indexes;
    const double kept[INDEXES] = {x.silhouette, x.davies_bouldin, x.compactness, x.separation,
                                  x.drift};
    memcpy(ev->indexes, kept, sizeof kept);
    ev->nearest = x.nearest;
    ev->indexed = x.nearest ? ev->docs : 0;
    ed_mark(cl, ED_EVENT, slot);
}

void ed_indexes_picture(const eddy_clusterer *cl, uint32_t slot, eddy_event *ret)
{
    const struct ed_event_state *ev = &cl->events[slot];
    const double *kept = ev->indexes;
    similar_find(cl, slot, ret);
    ret->indexes =
        indexes_hold(cl, ev)
            ? (eddy_event_indexes){ev->id, ev->nearest, kept[0], kept[1], kept[2], kept[3], kept[4]}
            : against_similar(cl, slot, ret);
}

/* Variance between events over that within; scale of weights: a document of now weighs 1. */
static double calinski_harabasz(const struct work *w, const uint32_t *slots, size_t k, double *all)
{
    const eddy_clusterer *cl = w->cl;
    double n = 0, of_means = 0, inside = 0, square = 0;
    memset(all, 0, cl->dim * sizeof *all);
    for (size_t i = 0; i < k; i++) {
        const float *sum = ed_event_sum(cl, slots[i]);
        double weight = cl->events[slots[i]].weight / cl->weight_now;
        n += weight;
        of_means += weight * w->square[slots[i]];
        inside += weight * within(cl, slots[i], w->square[slots[i]]);
        for (size_t d = 0; d < cl->dim; d++)
            all[d] += (double)sum[d] / cl->weight_now;
    }
    for (size_t d = 0; d < cl->dim; d++)
        square += all[d] * all[d];
    if (k < 2 || !(n > (double)k))
        return NAN;
    if (!(inside > 0))
        return 1;
    double between = fmax(of_means - square / n, 0);
    return between / inside * (n - (double)k) / ((double)k - 1);
}

static eddy_indexes sum_up(const struct work *w, const eddy_event_indexes *of,
                           const uint32_t *slots, size_t k, double *all)
{
    eddy_indexes ret = {.events = k, .calinski_harabasz = calinski_harabasz(w, slots, k, all)};
    double weight = 0, square = 0;
    for (size_t i = 0; i < k; i++) {
        double n = w->cl->events[slots[i]].weight;
        weight += n;
        ret.documents += w->cl->events[slots[i]].docs;
        ret.silhouette += n * of[i].silhouette;
        ret.drift += n * of[i].drift;
        square += n * of[i].compactness * of[i].compactness;
        ret.davies_bouldin += of[i].davies_bouldin;
        ret.separation += of[i].separation;
    }
    ret.silhouette /= weight; /* without an event: 0 / 0, NaN */
    ret.drift /= weight;
    ret.compactness = sqrt(square / weight);
    ret.davies_bouldin /= (double)k;
    ret.separation /= (double)k;
    return ret;
}

eddy_status eddy_clusterer_indexes(const eddy_clusterer *cl, eddy_arena *arena,
                                   const eddy_event_indexes **ret_events, size_t *n_ret,
                                   eddy_indexes *ret, eddy_error *err)
{
    const uint64_t *ids;
    size_t k;
    eddy_status st = ed_clusterer_ready(cl, err);
    if (st == EDDY_OK)
        st = eddy_clusterer_events(cl, arena, &ids, &k, err);
    if (st != EDDY_OK)
        return st;
    struct work w = {.cl = cl};
    uint32_t *slots = ed_arena_alloc(arena, (k + 1) * sizeof *slots);
    double *square = ed_arena_alloc(arena, ((size_t)cl->slots.n + 1) * sizeof *square);
    double *all = ed_arena_alloc(arena, (cl->dim + 1) * sizeof *all);
    w.others = ed_arena_alloc(arena, (k + 1) * sizeof *w.others);
    w.others_square = ed_arena_alloc(arena, (k + 1) * sizeof *w.others_square);
    w.near = ed_arena_alloc(arena, cl->o.neighbours * sizeof *w.near);
    eddy_event_indexes *of = ed_arena_alloc(arena, (k + 1) * sizeof *of);
    if (!slots || !square || !w.others || !w.others_square || !w.near || !all || !of)
        return eddy_fail_nomem(err, "indexes", k * sizeof *of);

    for (size_t i = 0; i < k; i++) {
        slots[i] = (uint32_t)*ed_table_find(&cl->slot_of, ids[i]);
        square[slots[i]] = mean_square(cl, slots[i]);
    }
    w.square = square;
    for (size_t i = 0; i < k; i++) {
        int few = others_listed(&w, slots[i], (uint32_t)k);
        if (!few && 2 * w.n_others < cl->o.neighbours)
            look_around(&w, slots[i]);
        of[i] = event_indexes(&w, slots[i]);
    }
    *ret = sum_up(&w, of, slots, k, all);
    if (ret_events)
        *ret_events = of;
    if (n_ret)
        *n_ret = k;
    return EDDY_OK;
}
