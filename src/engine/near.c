/* Near: the events whose documents are on average most like an event's own.
 *
 * Lists are made by one product of the asked events' sums with all sums, taken some further than
 * needed, and cut by the fixed-order dot, so that the same list comes out on every machine. */
#include "engine/state.h"

#define ROWS    256
#define FARTHER 8 /* candidates kept beyond the list: float error may swap neighbours in rank */

static int nearer(const struct ed_near *a, const struct ed_near *b)
{
    return a->similarity > b->similarity || (a->similarity == b->similarity && a->id < b->id);
}

/* Insert into a list of at most room, nearest first. */
static uint32_t offer(struct ed_near *list, uint32_t n, uint32_t room, struct ed_near candidate)
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

static void list_make(eddy_clusterer *cl, uint32_t slot, const float *products,
                      struct ed_near *wide)
{
    struct ed_event_state *ev = &cl->events[slot];
    uint32_t room = cl->o.neighbours + FARTHER;
    uint32_t n = 0;
    float least = -1e30f;
    for (uint32_t e = 0; e < cl->n_slots; e++) {
        float similarity = products[e] * cl->inverse[e] * cl->inverse[slot];
        if (similarity < least || e == slot || !cl->events[e].id)
            continue;
        n = offer(wide, n, room, (struct ed_near){e, similarity, cl->events[e].id});
        if (n == room)
            least = wide[n - 1].similarity;
    }
    ev->n_near = 0;
    ev->listed = ev->weight;
    for (uint32_t i = 0; i < n; i++) {
        wide[i].similarity = (float)ed_event_similarity(cl, slot, wide[i].slot);
        ev->n_near = offer(ev->near, ev->n_near, cl->o.neighbours, wide[i]);
    }
}

eddy_status ed_near_refresh(eddy_clusterer *cl, const uint32_t *slots, size_t n, eddy_error *err)
{
    if (!n || !cl->n_slots)
        return EDDY_OK;
    eddy_arena_reset(cl->work);
    float *rows = ed_arena_alloc_aligned(cl->work, ROWS * cl->stride * sizeof *rows);
    float *products = ed_arena_alloc_aligned(cl->work, (size_t)ROWS * cl->n_slots * sizeof *rows);
    struct ed_near *wide = ed_arena_alloc(cl->work, (cl->o.neighbours + FARTHER) * sizeof *wide);
    if (!rows || !products || !wide)
        return eddy_fail_nomem(err, "neighbours", ROWS * (cl->stride + cl->n_slots) * 4);
    for (size_t from = 0; from < n; from += ROWS) {
        size_t m = n - from < ROWS ? n - from : ROWS;
        for (size_t i = 0; i < m; i++)
            memcpy(rows + i * cl->stride, ed_event_sum(cl, slots[from + i]),
                   cl->stride * sizeof *rows);
        ed_gemm_nt(m, cl->n_slots, cl->stride, rows, cl->stride, cl->event_sums, cl->stride,
                   products, cl->n_slots);
        for (size_t i = 0; i < m; i++)
            list_make(cl, slots[from + i], products + i * cl->n_slots, wide);
    }
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
            n = offer(list, n, room, c);
        }
    }
    ed_free(ev->near);
    ev->near = list;
    ev->n_near = n;
    return 1;
}
