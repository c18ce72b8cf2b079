/* Halves: an event's groups in two, where they hang together least (ALGORITHM 5.6, step 2).
 *
 * The affinity of two groups is the sum over their pairs of documents of similarity less a
 * threshold; the best halves have the lowest sum across. It is searched for from every single group
 * by flipping what gains most. Repair splits by it, and doubts ask about it. */
#include "engine/operations.h"

/* The bipartition of (n) nodes with the lowest sum of affinities across: from every single seed,
 * flip the node that gains most while one does, never emptying a side. a is (n, n), symmetric.
 * Returns the sum, 0 when none is negative; side is then left alone. */
static double bisect(const double *a, uint32_t n, uint8_t *side, uint8_t *trial)
{
    double lowest = 0;
    for (uint32_t seed = 0; seed < n; seed++) {
        memset(trial, 0, n);
        trial[seed] = 1;
        double across = 0;
        for (uint32_t v = 0; v < n; v++)
            across += v == seed ? 0 : a[seed * n + v];
        for (uint32_t flips = 0; flips < 3 * n; flips++) {
            double best_gain = 1e-12;
            uint32_t best = NONE;
            for (uint32_t v = 0; v < n; v++) {
                double gain = 0;
                uint32_t mates = 0;
                for (uint32_t w = 0; w < n; w++) {
                    if (w == v)
                        continue;
                    if (trial[w] == trial[v]) {
                        gain -= a[v * n + w];
                        mates++;
                    } else {
                        gain += a[v * n + w];
                    }
                }
                if (mates && gain > best_gain) {
                    best_gain = gain;
                    best = v;
                }
            }
            if (best == NONE)
                break;
            trial[best] = !trial[best];
            across -= best_gain;
        }
        if (across < lowest) {
            lowest = across;
            memcpy(side, trial, n);
        }
    }
    return lowest;
}

/* Nodes x < y of the first n groups become one; the numbers close up. */
static void nodes_join(uint32_t *node, uint32_t n, uint32_t x, uint32_t y)
{
    for (uint32_t i = 0; i < n; i++)
        node[i] = node[i] == y ? x : node[i] - (node[i] > y);
}

/* Groups that are held together are one node, also those of which others hold one, persons the
 * other with a third. Returns how many nodes there are. */
static uint32_t nodes_of(const eddy_clusterer *cl, const struct ed_event_state *ev, uint32_t *node)
{
    uint32_t m = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        node[i] = m++;
        for (uint32_t j = 0; j < i; j++) {
            uint32_t x = node[i] < node[j] ? node[i] : node[j];
            uint32_t y = node[i] < node[j] ? node[j] : node[i];
            if (x == y || !ed_held_both(g, &cl->groups[ev->groups[j]], EDDY_ONLINE, 0))
                continue;
            nodes_join(node, i + 1, x, y);
            m--;
        }
    }
    return m;
}

/* Are these two groups less alike than that, as floats tell? */
static int may_be_below(const eddy_clusterer *cl, uint32_t a, uint32_t b, double least)
{
    double dot = (double)ed_dot_rough(ed_group_sum(cl, a), ed_group_sum(cl, b), cl->stride);
    return !(dot >= (least + ed_slop(cl)) * cl->groups[a].weight * cl->groups[b].weight);
}

/* Of groups from i on (n_a) with those from j on (n), pairs once. */
static int any_below(const eddy_clusterer *cl, const uint32_t *groups, uint32_t i, uint32_t n_a,
                     uint32_t j, uint32_t n, double least)
{
    float dot[ED_RUN_ROWS * ED_RUN_ROWS], within[ED_RUN_ROWS * ED_RUN_ROWS];
    ed_dots_within_many(cl, &cl->group_codes, groups + i, n_a, &cl->group_codes, groups + j, n, dot,
                        within);
    for (uint32_t x = 0; x < n_a; x++)
        for (uint32_t y = 0; y < n && j + y < i + x; y++) {
            uint32_t a = groups[i + x], b = groups[j + y];
            double weights = cl->groups[a].weight * cl->groups[b].weight;
            double low = (double)(dot[x * n + y] - within[x * n + y]);
            if (!(low >= (least + ed_slop(cl)) * weights) && may_be_below(cl, a, b, least))
                return 1;
        }
    return 0;
}

#define FEW 4 /* groups held against those before them at a time */

int ed_halves_may_be_below(const eddy_clusterer *cl, uint32_t slot, double least)
{
    const struct ed_event_state *ev = &cl->events[slot];
    for (uint32_t i = 0; i < ev->n_groups; i += FEW)
        for (uint32_t j = 0; j < i + FEW && j < ev->n_groups; j += ED_RUN_ROWS) {
            uint32_t end = i + FEW < ev->n_groups ? i + FEW : ev->n_groups;
            uint32_t n = end - j < ED_RUN_ROWS ? end - j : ED_RUN_ROWS;
            if (any_below(cl, ev->groups, i, end - i, j, n, least))
                return 1;
        }
    return 0;
}

int ed_halves_of(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, struct ed_halves *ret)
{
    const struct ed_event_state *ev = &cl->events[slot];
    uint32_t n = ev->n_groups;
    *ret = (struct ed_halves){.n = n};
    ret->dot = ed_arena_alloc(arena, (size_t)n * n * sizeof *ret->dot);
    ret->affinity = ed_arena_alloc(arena, (size_t)n * n * sizeof *ret->affinity);
    ret->size = ed_arena_alloc(arena, n * sizeof *ret->size);
    ret->node = ed_arena_alloc(arena, n * sizeof *ret->node);
    ret->picked = ed_arena_alloc(arena, n * sizeof *ret->picked);
    ret->side = ed_arena_alloc_zero(arena, n, 3); /* and two for the search */
    if (!ret->dot || !ret->affinity || !ret->size || !ret->node || !ret->picked || !ret->side)
        return 0;
    ret->m = nodes_of(cl, ev, ret->node);
    for (uint32_t i = 0; i < n && ret->m > 1; i++) {
        ret->size[i] = cl->groups[ev->groups[i]].weight;
        for (uint32_t j = i; j < n; j++)
            ret->dot[i * n + j] = ret->dot[j * n + i] = ed_dot(
                ed_group_sum(cl, ev->groups[i]), ed_group_sum(cl, ev->groups[j]), cl->stride);
    }
    return 1;
}

size_t ed_halves_pick(const eddy_clusterer *cl, uint32_t slot, struct ed_halves *h, int side)
{
    size_t n = 0;
    for (uint32_t i = 0; i < h->n; i++)
        if (h->side[i] == side)
            h->picked[n++] = cl->events[slot].groups[i];
    return n;
}

int ed_halves_at(struct ed_halves *h, double threshold)
{
    uint32_t n = h->n;
    uint8_t *best = h->side + n;
    if (h->m < 2)
        return 0;
    memset(h->affinity, 0, (size_t)h->m * h->m * sizeof *h->affinity);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            h->affinity[h->node[i] * h->m + h->node[j]] +=
                h->dot[i * n + j] - threshold * h->size[i] * h->size[j];
    if (!(bisect(h->affinity, h->m, best, best + n) < 0))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        h->side[i] = best[h->node[i]];
    h->weight[0] = h->weight[1] = h->across = 0;
    for (uint32_t i = 0; i < n; i++) {
        h->weight[h->side[i]] += h->size[i];
        for (uint32_t j = 0; j < n; j++)
            h->across += h->side[i] && !h->side[j] ? h->dot[i * n + j] : 0;
    }
    return 1;
}
