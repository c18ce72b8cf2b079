/* Near: the events whose documents are on average most like an event's own.
 *
 * Codes propose (coded.c), as is likely, and the fixed-order dot decides. The bytes of codes are
 * the same on every machine, and so are the lists, but where what is likely fails by a last bit. */
#include "engine/state.h"

#define ROWS  256    /* lists that one scan is for */
#define FEW   4      /* sums that one is held against at a time */
#define LEAST -1e28F /* above the bound of slots that hold no event */

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

/* ---- lists in the making ----
 *
 * A scan of the codes tells within a hundredth how alike an event is with all others. The lows of
 * those seen so far say what another must be able to reach; who can is a hopeful, and whoever still
 * is one at the end is put in the list by the dot that decides. The list that was says from the
 * start what as many have at least.
 */

struct making {
    uint32_t slot;
    uint32_t n_low, n_hopeful;
    float *low;                 /* (n_low) the highest, falling */
    struct ed_hopeful *hopeful; /* (n_hopeful) */
};

struct lists {
    const eddy_clusterer *cl;
    struct ed_scan scan;
    size_t m;
    uint32_t near_max, hopeful_max;
    struct making at[ROWS];
    float least[ROWS]; /* what the bound of one must reach to be a hopeful */
};

static void low_offer(struct lists *l, size_t i, float low)
{
    struct making *list = &l->at[i];
    uint32_t k = list->n_low;
    if (k == l->near_max) {
        if (!(low > list->low[k - 1]))
            return;
        k--;
    } else {
        list->n_low++;
    }
    for (; k && low > list->low[k - 1]; k--)
        list->low[k] = list->low[k - 1];
    list->low[k] = low;
    if (list->n_low == l->near_max && list->low[l->near_max - 1] - ED_ROUNDING > l->least[i])
        l->least[i] = list->low[l->near_max - 1] - ED_ROUNDING;
}

/* What those of the old list have at least, who are as many as the new one has room for; LEAST. */
static float floor_of(const struct lists *l, uint32_t slot)
{
    const eddy_clusterer *cl = l->cl;
    const struct ed_event_state *ev = &cl->events[slot];
    struct ed_coded own = ed_coded(&cl->shape, &cl->event_codes, slot);
    float floor = INFINITY;
    uint32_t slots[ED_RUN_ROWS], n = 0, alive = 0;
    for (uint32_t i = 0; i < ev->n_near; i++) {
        float dot[ED_RUN_ROWS], within[ED_RUN_ROWS];
        if (ed_near_alive(cl, &ev->near[i]))
            slots[n++] = ev->near[i].slot;
        if (n < ED_RUN_ROWS && i + 1 < ev->n_near)
            continue;
        ed_dots_within(cl, own, &cl->event_codes, slots, n, dot, within);
        for (uint32_t k = 0; k < n; k++) {
            double weights = ev->weight * cl->events[slots[k]].weight;
            floor = fminf(floor, (float)((double)(dot[k] - within[k]) / weights));
        }
        alive += n;
        n = 0;
    }
    return alive >= l->near_max ? floor - 2 * ED_ROUNDING : LEAST;
}

/* Only those that still are hopefuls stay; returns how many. */
static uint32_t sift(struct lists *l, size_t i)
{
    struct making *list = &l->at[i];
    uint32_t n = 0;
    for (uint32_t k = 0; k < list->n_hopeful; k++)
        if (list->hopeful[k].high >= l->least[i])
            list->hopeful[n++] = list->hopeful[k];
    return list->n_hopeful = n;
}

/* The most promising first; they are few. */
static void hopefuls_sort(struct ed_hopeful *list, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct ed_hopeful h = list[i];
        uint32_t k = i;
        for (; k && list[k - 1].high < h.high; k--)
            list[k] = list[k - 1];
        list[k] = h;
    }
}

/* The hopefuls of a list into it, until none can be nearer than those that are. */
static void settle(struct lists *l, size_t i)
{
    const eddy_clusterer *cl = l->cl;
    struct making *list = &l->at[i];
    struct ed_event_state *ev = &cl->events[list->slot];
    uint32_t n = sift(l, i);
    hopefuls_sort(list->hopeful, n);
    for (uint32_t from = 0; from < n; from += FEW) {
        const float *rows[FEW];
        double dots[FEW];
        uint32_t few = n - from < FEW ? n - from : FEW;
        if (ev->n_near == cl->o.neighbours &&
            list->hopeful[from].high + ED_ROUNDING < ev->near[ev->n_near - 1].similarity)
            break;
        for (uint32_t k = 0; k < few; k++)
            rows[k] = ed_event_sum(cl, list->hopeful[from + k].slot);
        ed_dots(ed_event_sum(cl, list->slot), rows, few, cl->stride, dots);
        for (uint32_t k = 0; k < few; k++) {
            uint32_t e = list->hopeful[from + k].slot;
            double similarity = dots[k] / (ev->weight * cl->events[e].weight);
            struct ed_near near = {e, (float)similarity, cl->events[e].id};
            ev->n_near = ed_near_offer(ev->near, ev->n_near, cl->o.neighbours, near);
        }
    }
    list->n_hopeful = 0;
}

/* Room for one more: by forgetting who is none any more, or, where all are equally alike, by
 * settling what there is. */
static void hopeful_room(struct lists *l, size_t i)
{
    if (l->at[i].n_hopeful == l->hopeful_max && sift(l, i) > l->hopeful_max / 2)
        settle(l, i);
}

/* Rows from `from` on (ED_PEAK_ROWS), of which the highest reaches what list i asks. */
static void run_seen(struct lists *l, size_t i, uint32_t from, const float *products,
                     size_t columns)
{
    struct making *list = &l->at[i];
    for (uint32_t r = 0; r < ED_PEAK_ROWS; r++) {
        float product = products[r * columns + i], rest = l->scan.rows.rest[from + r];
        if (!(product + rest >= l->least[i]) || from + r == list->slot)
            continue;
        hopeful_room(l, i);
        list->hopeful[list->n_hopeful++] =
            (struct ed_hopeful){from + r, product - rest, product + rest};
        low_offer(l, i, product - rest);
    }
}

static void view_seen(void *context, const struct ed_scan_view *view)
{
    struct lists *l = context;
    for (size_t from = 0; from < view->n; from += ED_PEAK_ROWS) {
        const float *high = view->high + from / ED_PEAK_ROWS * view->columns;
        for (size_t i = ed_reaching(high, l->least, 0, l->m); i < l->m;
             i = ed_reaching(high, l->least, i + 1, l->m))
            run_seen(l, i, (uint32_t)(view->from + from), view->products + from * view->columns,
                     view->columns);
    }
}

/* Lists of (m) slots, m at most ROWS. 0: no memory. */
static int lists_make(eddy_clusterer *cl, const uint32_t *slots, size_t m)
{
    struct ed_coded codes[ROWS];
    float factor[ROWS];
    eddy_arena_reset(cl->work);
    struct lists *l = ed_arena_alloc(cl->work, sizeof *l);
    if (!l)
        return 0;
    l->cl = cl;
    l->m = m;
    l->near_max = cl->o.neighbours < cl->slots.n ? cl->o.neighbours : cl->slots.n;
    l->hopeful_max = 2 * l->near_max + 96;
    for (size_t i = 0; i < m; i++) {
        struct making *list = &l->at[i];
        *list = (struct making){.slot = slots[i]};
        list->low = ed_arena_alloc(cl->work, l->near_max * sizeof *list->low);
        list->hopeful = ed_arena_alloc(cl->work, l->hopeful_max * sizeof *list->hopeful);
        if (!list->low || !list->hopeful)
            return 0;
        l->least[i] = floor_of(l, slots[i]);
        codes[i] = ed_coded(&cl->shape, &cl->event_codes, slots[i]);
        factor[i] = cl->inverse[slots[i]];
    }
    if (!ed_scan_begin(cl, codes, factor, m, 1, &l->scan))
        return 0;
    for (size_t i = 0; i < m; i++) {
        cl->events[slots[i]].n_near = 0;
        cl->events[slots[i]].listed = cl->events[slots[i]].weight;
        ed_mark(cl, ED_NEAR, slots[i]);
    }
    ed_scan(cl->kernels, &cl->shape, &l->scan.rows, &l->scan.points, 1, l->scan.room, view_seen, l);
    for (size_t i = 0; i < m; i++)
        settle(l, i);
    return 1;
}

eddy_status ed_near_refresh(eddy_clusterer *cl, const uint32_t *slots, size_t n, eddy_error *err)
{
    for (size_t i = 0; i < n; i += ROWS)
        if (!lists_make(cl, slots + i, n - i < ROWS ? n - i : ROWS))
            return eddy_fail_nomem(err, "neighbours", ROWS * cl->slots.n / ED_PEAK_ROWS * 4);
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
