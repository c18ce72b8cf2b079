/* Near: the events whose documents are on average most like an event's own.
 *
 * Codes propose (coded.c), and the fixed-order dot decides, so that the same list comes out on
 * every machine. */
#include "engine/state.h"

#define ROWS 256 /* lists that one scan is for */

static int nearer(const struct ed_near *a, const struct ed_near *b)
{
    return a->similarity > b->similarity || (a->similarity == b->similarity && a->id < b->id);
}

uint32_t ed_near_offer(struct ed_near *list, uint32_t n, uint32_t room, struct ed_near candidate)
{
    if (n == room) {
        if (!nearer(&candidate, &list[n - 1]))
            return n;
        n--;
    }
    uint32_t i = n;
    for (; i && nearer(&candidate, &list[i - 1]); i--)
        list[i] = list[i - 1];
    list[i] = candidate;
    return n + 1;
}

/* ---- one list ----
 *
 * The scan, by bytes and fine bytes, tells within a ten thousandth how alike events are. First the
 * list holds what the nearest have at least, so the last of it is what others must be able to
 * reach; then all who can are put there by the dot that decides. */

static float least_of(const eddy_clusterer *cl, const struct ed_event_state *ev)
{
    return ev->n_near < cl->o.neighbours ? -1e28F
                                         : ev->near[ev->n_near - 1].similarity - ED_ROUNDING;
}

static void offer(const eddy_clusterer *cl, struct ed_event_state *ev, uint32_t slot,
                  float similarity)
{
    struct ed_near near = {slot, similarity, cl->events[slot].id};
    ev->n_near = ed_near_offer(ev->near, ev->n_near, cl->o.neighbours, near);
}

/* Those that may come into the list, by runs of falling promise, until none can have one of the
 * nearest. */
static size_t by_codes(const eddy_clusterer *cl, struct ed_peaks *peaks, uint32_t slot,
                       struct ed_hopeful *list)
{
    struct ed_event_state *ev = &cl->events[slot];
    uint32_t run;
    size_t n = 0, kept = 0;
    ev->n_near = 0;
    while ((run = ed_peaks_take(peaks, least_of(cl, ev))) != NONE) {
        size_t end = n + ed_run_above(cl, peaks, run, least_of(cl, ev), list + n);
        for (size_t i = n; i < end; i++) {
            if (list[i].slot == slot)
                continue;
            offer(cl, ev, list[i].slot, list[i].low);
            list[n++] = list[i];
        }
    }
    float least = least_of(cl, ev);
    for (size_t i = 0; i < n; i++)
        if (list[i].high >= least)
            list[kept++] = list[i];
    return kept;
}

static void by_floats(const eddy_clusterer *cl, uint32_t slot, const struct ed_hopeful *list,
                      size_t n)
{
    struct ed_event_state *ev = &cl->events[slot];
    ev->n_near = 0;
    for (size_t from = 0; from < n; from += ED_RUN_ROWS) {
        const float *rows[ED_RUN_ROWS];
        double dots[ED_RUN_ROWS];
        size_t m = n - from < ED_RUN_ROWS ? n - from : ED_RUN_ROWS;
        for (size_t i = 0; i < m; i++)
            rows[i] = ed_event_sum(cl, list[from + i].slot);
        ed_dots(ed_event_sum(cl, slot), rows, m, cl->stride, dots);
        for (size_t i = 0; i < m; i++) {
            uint32_t e = list[from + i].slot;
            offer(cl, ev, e, (float)(dots[i] / (ev->weight * cl->events[e].weight)));
        }
    }
}

/* Lists of (m) slots, m at most ROWS. 0: no memory. */
static int lists_make(eddy_clusterer *cl, const uint32_t *slots, size_t m)
{
    struct ed_coded codes[ROWS];
    float factor[ROWS];
    struct ed_peaks peaks;
    eddy_arena_reset(cl->work);
    for (size_t i = 0; i < m; i++) {
        codes[i] = ed_coded(&cl->shape, &cl->event_codes, slots[i]);
        factor[i] = cl->inverse[slots[i]];
    }
    struct ed_hopeful *list =
        ed_arena_alloc(cl->work, (cl->slots.n + (size_t)ED_RUN_ROWS) * sizeof *list);
    if (!list || !ed_peaks_of(cl, codes, factor, m, 1, &peaks))
        return 0;
    for (size_t i = 0; i < m; i++) {
        ed_peaks_begin(&peaks, i);
        by_floats(cl, slots[i], list, by_codes(cl, &peaks, slots[i], list));
        cl->events[slots[i]].listed = cl->events[slots[i]].weight;
        ed_mark(cl, ED_NEAR, slots[i]);
    }
    return 1;
}

eddy_status ed_near_refresh(eddy_clusterer *cl, const uint32_t *slots, size_t n, eddy_error *err)
{
    for (size_t i = 0; i < n; i += ROWS)
        if (!lists_make(cl, slots + i, n - i < ROWS ? n - i : ROWS))
            return eddy_fail_nomem(err, "neighbours", ROWS * cl->slots.n / ED_RUN_ROWS * 4);
    return EDDY_OK;
}

int ed_near_join(eddy_clusterer *cl, uint32_t to, uint32_t from)
{
    struct ed_event_state *ev = &cl->events[to];
    const struct ed_event_state *other = &cl->events[from];
    uint32_t room = cl->o.neighbours;
    uint32_t n = 0;
    struct ed_near *list = ed_alloc(room * sizeof *list);
    if (!list)
        return 0;
    struct ed_near itself = {from, 0, other->id};
    int sides = other->n_groups ? 3 : 2; /* one that was poured out is about to go */
    for (int side = 0; side < sides; side++) {
        const struct ed_near *near = side == 0 ? ev->near : side == 1 ? other->near : &itself;
        uint32_t n_near = side == 0 ? ev->n_near : side == 1 ? other->n_near : 1;
        for (uint32_t i = 0; i < n_near; i++) {
            struct ed_near c = near[i];
            int known = c.slot == to || !c.id || !ed_near_alive(cl, &c);
            for (uint32_t j = 0; j < n && !known; j++)
                known = list[j].slot == c.slot;
            if (known)
                continue;
            c.similarity = (float)ed_event_similarity(cl, to, c.slot);
            n = ed_near_offer(list, n, room, c);
        }
    }
    ed_free(ev->near);
    ev->near = list;
    ev->n_near = n;
    ed_mark(cl, ED_NEAR, to);
    return 1;
}
