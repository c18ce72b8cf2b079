/* Near: the events whose documents are on average most like an event's own.
 *
 * Lists are made by one product of the asked events' sums with all sums, taken some further than
 * needed, and cut by the fixed-order dot, so that the same list comes out on every machine. */
#include "engine/state.h"

#define ROWS    256
#define SPARSE  64 /* words up to which long rows are cheaper than a product */
#define FARTHER 8  /* candidates kept beyond the list: float error may swap neighbours in rank */

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

static void list_make(eddy_clusterer *cl, uint32_t slot, const float *products,
                      struct ed_near *wide)
{
    struct ed_event_state *ev = &cl->events[slot];
    uint32_t room = cl->o.neighbours + FARTHER;
    uint32_t n = 0;
    float least = -1e30f;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        float similarity = products[e] * cl->inverse[e] * cl->inverse[slot];
        if (similarity < least || e == slot || !cl->events[e].id)
            continue;
        n = ed_near_offer(wide, n, room, (struct ed_near){e, similarity, cl->events[e].id});
        if (n == room)
            least = wide[n - 1].similarity;
    }
    ev->n_near = 0;
    ev->listed = ev->weight;
    ed_mark(cl, ED_NEAR, slot);
    for (uint32_t i = 0; i < n; i++) {
        wide[i].similarity = (float)ed_event_similarity(cl, slot, wide[i].slot);
        ev->n_near = ed_near_offer(ev->near, ev->n_near, cl->o.neighbours, wide[i]);
    }
}

/* Places of the event's words in ret (SPARSE); SPARSE + 1 where there are more. */
static size_t words_of(const eddy_clusterer *cl, uint32_t slot, uint16_t *ret)
{
    const float *words = ed_event_sum(cl, slot) + cl->n_dense;
    size_t n = 0;
    for (size_t h = 0; h < cl->o.terms_dim; h++) {
        if (words[h] == 0)
            continue;
        if (n == SPARSE)
            return SPARSE + 1;
        ret[n++] = (uint16_t)h;
    }
    return n;
}

/* Work memory of a refresh. */
struct work {
    float *rows;     /* (ROWS, stride) */
    float *products; /* (ROWS, slots.n) */
    struct ed_near *wide;
};

/* Lists of (m) slots, m at most ROWS. Events of few words take a long row for each of them, as at
 * arrival, and the product for the rest only. */
static void lists_make(eddy_clusterer *cl, const uint32_t *slots, size_t m, int few_words,
                       const struct work *w)
{
    size_t width = cl->slots.n;
    for (size_t i = 0; i < m; i++)
        memcpy(w->rows + i * cl->stride, ed_event_sum(cl, slots[i]), cl->stride * sizeof(float));
    ed_gemm_nt(m, width, few_words ? cl->n_dense : cl->stride, w->rows, cl->stride, cl->event_sums,
               cl->stride, w->products, width);
    for (size_t i = 0; i < m; i++) {
        float *own = w->products + i * width;
        uint16_t at[SPARSE];
        size_t n = few_words ? words_of(cl, slots[i], at) : 0;
        for (size_t k = 0; k < n; k++)
            ed_add_scaled(own, w->rows[i * cl->stride + cl->n_dense + at[k]],
                          cl->words_across + at[k] * (size_t)cl->room_events, width);
        list_make(cl, slots[i], own, w->wide);
    }
}

eddy_status ed_near_refresh(eddy_clusterer *cl, const uint32_t *slots, size_t n, eddy_error *err)
{
    if (!n || !cl->slots.n)
        return EDDY_OK;
    eddy_arena_reset(cl->work);
    size_t floats = ROWS * (cl->stride + cl->slots.n);
    struct work w;
    w.rows = ed_arena_alloc_aligned(cl->work, ROWS * cl->stride * sizeof *w.rows);
    w.products = ed_arena_alloc_aligned(cl->work, ROWS * cl->slots.n * sizeof *w.products);
    w.wide = ed_arena_alloc(cl->work, (cl->o.neighbours + FARTHER) * sizeof *w.wide);
    if (!w.rows || !w.products || !w.wide)
        return eddy_fail_nomem(err, "neighbours", floats * sizeof(float));
    uint32_t block[2][ROWS];
    size_t m[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        uint16_t at[SPARSE];
        int few = words_of(cl, slots[i], at) <= SPARSE;
        block[few][m[few]++] = slots[i];
        if (m[few] == ROWS) {
            lists_make(cl, block[few], ROWS, few, &w);
            m[few] = 0;
        }
    }
    lists_make(cl, block[0], m[0], 0, &w);
    lists_make(cl, block[1], m[1], 1, &w);
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
