/* Repair: groups move, events split and merge (ALGORITHM 5.6 and 5.10).
 *
 * A pass looks at what changed since the last one, and at a rolling share of the rest: groups that
 * a document joined, events that have grown by a tenth or that a group came to or left, with all
 * their groups, and every eighth group and event in turn; as partners,
 * the sixteen nearest events of each. With `turns` 1 and `neighbours` beyond the number of events
 * it is the full pass, which the tests hold it against. Every decision is by fixed-order dots of
 * sums as they are at that moment, in the order of ids. */
#include "engine/hierarchy.h"
#include "engine/operations.h"
#include "engine/signals.h"

#define SWEEPS        2
#define ROLLING       256 /* events that have not grown whose lists are made anew in a pass, at most */
#define GROWN         1.1 /* what came to an event since its list was made is worth a look */
#define LISTED_GROWTH 1.5 /* a list holds until its event has grown by this factor */

struct side {
    uint64_t id;
    uint32_t slot;
    int may_move; /* of groups: as the sweep began */
};

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct side *)a)->id;
    uint64_t y = ((const struct side *)b)->id;
    return (x > y) - (x < y);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

uint64_t ed_event_turns(const eddy_clusterer *cl)
{
    uint64_t wanted = cl->n_events / ROLLING + 1;
    return wanted > cl->o.turns ? wanted : cl->o.turns;
}

/* Live events that are due, by id; allocated, to be freed. */
static struct side *due_events(const eddy_clusterer *cl, size_t *ret_n)
{
    struct side *list = ed_alloc((cl->n_events + 1) * sizeof *list);
    uint64_t turns = ed_event_turns(cl);
    size_t n = 0;
    if (!list)
        return NULL;
    for (uint32_t e = 0; e < cl->slots.n; e++)
        if (cl->events[e].id && ed_event_due(cl, e, turns))
            list[n++] = (struct side){.id = cl->events[e].id, .slot = e};
    qsort(list, n, sizeof *list, by_id);
    *ret_n = n;
    return list;
}

eddy_status ed_event_emptied(eddy_clusterer *cl, uint32_t slot, uint32_t into, double before,
                             double similarity, double required, eddy_error *err)
{
    eddy_change *change = ed_change_add(cl, EDDY_MERGED, slot);
    if (!change)
        return eddy_fail_nomem(err, "changes", sizeof *change);
    change->other = cl->events[into].id;
    change->size_before = before;
    change->size_after = 0;
    change->other_after = cl->events[into].docs;
    change->other_before = cl->events[into].docs - before;
    change->similarity = (float)similarity;
    change->threshold = (float)required;
    eddy_status st = ed_picture_add(cl, slot, EDDY_STATE_MERGED, cl->events[into].id, err);
    if (st != EDDY_OK)
        return st;
    if (!ed_links_merged(cl, into, slot))
        return eddy_fail_nomem(err, "links", sizeof(struct ed_link));
    ed_event_drop(cl, slot);
    cl->stats.merged++;
    return ed_event_grown(cl, into) ? EDDY_OK : eddy_fail_nomem(err, "changes", sizeof *change);
}

uint32_t ed_split_off(eddy_clusterer *cl, uint32_t like, double similarity, double required)
{
    uint32_t slot = ed_event_new(cl);
    if (slot == NONE)
        return NONE;
    struct ed_event_state *ev = &cl->events[slot];
    const struct ed_event_state *old = &cl->events[like];
    ev->parent = old->id;
    ev->kind = old->kind;
    ev->topic = old->topic;
    ed_mark(cl, ED_TOPIC_OF, slot);
    ev->changed = ed_round(cl); /* marked when its groups come */
    eddy_change *change = ed_change_add(cl, EDDY_SPLIT, slot);
    if (!change)
        return NONE;
    change->other = old->id;
    change->other_before = old->docs;
    change->similarity = (float)similarity;
    change->threshold = (float)required;
    cl->stats.split++;
    if (!ed_links_copy(cl, slot, like))
        return NONE;
    return slot;
}

/* Folding and splitting cost more than the square of an event's groups: what pours many groups into
 * one event folds them on the way. */
static eddy_status groups_bound(eddy_clusterer *cl, uint32_t slot, eddy_error *err)
{
    return cl->events[slot].n_groups > 4 * cl->o.detail ? ed_retire_fold(cl, slot, err) : EDDY_OK;
}

/* ---- 1. moves ---- */

eddy_status ed_move(eddy_clusterer *cl, uint32_t u, uint32_t to, double similarity, double required,
                    eddy_error *err)
{
    uint32_t from = cl->groups[u].event;
    double before = cl->events[from].docs;
    if (cl->events[from].n_groups == 1)
        ed_answers_merged(cl, to, from);
    if (!ed_group_shift(cl, u, to))
        return eddy_fail_nomem(err, "groups", sizeof(uint32_t));
    eddy_change *change = &cl->changes.at[cl->changes.n - 1];
    change->similarity = (float)similarity;
    change->threshold = (float)required;
    eddy_status st = EDDY_OK;
    if (!cl->events[from].n_groups)
        st = ed_event_emptied(cl, from, to, before, similarity, required, err);
    else if (!ed_event_grown(cl, to))
        st = eddy_fail_nomem(err, "changes", sizeof *change);
    return st == EDDY_OK ? groups_bound(cl, to, err) : st;
}

/* What another event must have for a group: be more alike than `least`, and that by more than
 * `hold` beyond what is asked. */
struct lure {
    double least, hold;
};

/* Could the group want to go to the event, with which it has at most this similarity? */
static int lures(const eddy_clusterer *cl, uint32_t u, uint32_t event, double similarity,
                 struct lure asked)
{
    const struct ed_group *g = &cl->groups[u];
    int alone = cl->events[g->event].n_groups == 1;
    double heavy = larger(g->weight, cl->events[event].weight);
    return similarity > asked.least &&
           similarity + (alone ? ed_link_shift(cl, g->event, event) : 0) >
               cl->th.tau + ed_threshold_off(cl, heavy) + asked.hold;
}

/* Of these events (n, at most four), by float. */
static int any_lures(const eddy_clusterer *cl, uint32_t u, const uint32_t *slots, int n,
                     struct lure asked)
{
    const float *rows[4];
    float dot[4];
    for (int i = 0; i < 4; i++)
        rows[i] = ed_event_sum(cl, slots[i < n ? i : 0]);
    ed_dots_rough(ed_group_sum(cl, u), rows, cl->stride, dot);
    for (int i = 0; i < n; i++)
        if (lures(cl, u, slots[i],
                  (double)dot[i] / (cl->groups[u].weight * cl->events[slots[i]].weight), asked))
            return 1;
    return 0;
}

/* How alike the group is with the rest of its event at least, of several: from its product with the
 * event's sum, which is within `within` of dot. */
static double own_least(const eddy_clusterer *cl, uint32_t u, double dot, double within)
{
    const struct ed_group *g = &cl->groups[u];
    const struct ed_event_state *ev = &cl->events[g->event];
    double rest = ev->weight - g->weight;
    double error = ed_slop(cl) * (ev->weight + g->weight) / rest;
    return (dot - within - g->square) / (rest * g->weight) - error;
}

/* How much it must be, of several groups. */
static double own_asked(const eddy_clusterer *cl, uint32_t u)
{
    const struct ed_group *g = &cl->groups[u];
    double rest = cl->events[g->event].weight - g->weight;
    return cl->th.tau + ed_threshold_off(cl, larger(g->weight, rest));
}

/* Is so much at least enough to stay, if nobody lures? And what would? One that is alone has
 * nobody to stay with. */
static int own_suffices(const eddy_clusterer *cl, uint32_t u, double own, struct lure *ret)
{
    int alone = cl->events[cl->groups[u].event].n_groups == 1;
    double h = cl->o.stability, beyond = alone ? -1 : own - own_asked(cl, u) + h;
    ret->least = larger(own + h, cl->th.tau) - ed_slop(cl);
    ret->hold = larger(beyond, 0) - ed_slop(cl);
    return alone || beyond >= 0;
}

/* Which of these groups of one event (n, at most ED_RUN_ROWS) could want to move? By codes, with
 * their error on the side of yes: nearly all groups end here. */
static void may_move_roughly(const eddy_clusterer *cl, const uint32_t *groups, size_t n, int *ret)
{
    uint32_t a = cl->groups[groups[0]].event;
    const struct ed_event_state *ev = &cl->events[a];
    float dot[ED_RUN_ROWS * ED_RUN_ROWS], within[ED_RUN_ROWS * ED_RUN_ROWS];
    struct lure asked[ED_RUN_ROWS];
    ed_dots_within(cl, ed_coded(&cl->shape, &cl->event_codes, a), &cl->group_codes, groups, n, dot,
                   within);
    for (size_t i = 0; i < n; i++) {
        int alone = ev->n_groups == 1;
        double own = alone ? -1 : own_least(cl, groups[i], (double)dot[i], (double)within[i]);
        ret[i] = !own_suffices(cl, groups[i], own, &asked[i]);
    }
    uint32_t slots[ED_RUN_ROWS];
    size_t m = 0;
    for (uint32_t i = 0; i < ev->n_near; i++) {
        if (ed_near_alive(cl, &ev->near[i]))
            slots[m++] = ev->near[i].slot;
        if (m < ED_RUN_ROWS && i + 1 < ev->n_near)
            continue;
        ed_dots_within_many(cl, &cl->group_codes, groups, n, &cl->event_codes, slots, m, dot,
                            within);
        for (size_t u = 0; u < n; u++)
            for (size_t k = 0; k < m && !ret[u]; k++) {
                double weights = cl->groups[groups[u]].weight * cl->events[slots[k]].weight;
                double most = (double)(dot[u * m + k] + within[u * m + k]);
                ret[u] = lures(cl, groups[u], slots[k], most / weights, asked[u]);
            }
        m = 0;
    }
}

/* The same in float, and with its error. */
static int may_move(const eddy_clusterer *cl, uint32_t u)
{
    const float *sum = ed_group_sum(cl, u);
    const struct ed_event_state *ev = &cl->events[cl->groups[u].event];
    double own = -1;
    if (ev->n_groups > 1) {
        double dot = (double)ed_dot_rough(sum, ed_event_sum(cl, cl->groups[u].event), cl->stride);
        own = own_least(cl, u, dot, 0);
    }
    struct lure asked;
    if (!own_suffices(cl, u, own, &asked))
        return 1;
    uint32_t slots[4];
    int n = 0;
    for (uint32_t i = 0; i < ev->n_near; i++) {
        if (ed_near_alive(cl, &ev->near[i]))
            slots[n++] = ev->near[i].slot;
        if (n == 4 || (n && i + 1 == ev->n_near)) {
            if (any_lures(cl, u, slots, n, asked))
                return 1;
            n = 0;
        }
    }
    return 0;
}

/* As long as no group has come to the event or those near it, or gone, what its groups were told
 * holds: ticks when one last did. */
static uint64_t last_moved(const eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    uint64_t last = cl->began > cl->moved[slot] ? cl->began : cl->moved[slot];
    for (uint32_t i = 0; i < ev->n_near && cl->ticks > cl->began; i++) {
        uint64_t moved = cl->moved[ev->near[i].slot];
        last = moved > last ? moved : last;
    }
    return last;
}

/* Which of these groups of one event (n, at most ED_RUN_ROWS) could want to move now? */
static void may_move_now(eddy_clusterer *cl, const uint32_t *groups, size_t n, int *ret)
{
    may_move_roughly(cl, groups, n, ret);
    for (size_t i = 0; i < n; i++) {
        ret[i] = ret[i] && may_move(cl, groups[i]);
        cl->groups[groups[i]].stays = ret[i] ? 0 : cl->ticks + 1;
    }
}

/* Where would this group rather be? */
static eddy_status consider_group(eddy_clusterer *cl, uint32_t u, size_t *moved, eddy_error *err)
{
    if (ed_held(cl, u) || ed_pinned(cl, cl->groups[u].event))
        return EDDY_OK;
    const struct ed_group *g = &cl->groups[u];
    const float *sum = ed_group_sum(cl, u);
    uint32_t a = g->event;
    const struct ed_event_state *ev = &cl->events[a];
    double h = cl->o.stability;
    double tau = cl->th.tau;
    int alone = ev->n_groups == 1;
    double own = -1;
    double own_asked = tau;
    if (!alone) {
        double rest = ev->weight - g->weight;
        double dot = ed_dot(sum, ed_event_sum(cl, a), cl->stride);
        own = (dot - ed_dot(sum, sum, cl->stride)) / (rest * g->weight);
        own_asked += ed_threshold_off(cl, larger(g->weight, rest));
    }
    uint32_t best = NONE;
    double best_similarity = -2;
    for (uint32_t i = 0; i < ev->n_near; i++) {
        const struct ed_near *near = &ev->near[i];
        if (!ed_near_alive(cl, near) || ed_pinned(cl, near->slot) ||
            ed_link_bars(cl, a, near->slot))
            continue;
        double similarity = ed_dot(sum, ed_event_sum(cl, near->slot), cl->stride) /
                            (g->weight * cl->events[near->slot].weight);
        if (similarity > best_similarity ||
            (similarity == best_similarity && near->id < cl->events[best].id)) {
            best = near->slot;
            best_similarity = similarity;
        }
    }
    int leaves = !alone && own < own_asked - h;
    int tempted = best != NONE && best_similarity > larger(own + h, tau);
    if (!leaves && !tempted)
        return EDDY_OK;
    if (best != NONE) {
        double asked = tau + ed_threshold_off(cl, larger(g->weight, cl->events[best].weight));
        double hold = larger((alone ? -1 : own - own_asked) + h, 0);
        double shift = alone ? ed_link_shift(cl, a, best) : 0; /* alone: it is a merge */
        if (best_similarity - asked + shift > hold) {
            *moved += 1;
            return ed_move(cl, u, best, best_similarity, asked, err);
        }
    }
    if (!leaves || !ed_links_fit(cl, ev->n_links))
        return EDDY_OK;
    *moved += 1;
    uint32_t out = ed_split_off(cl, a, own, own_asked);
    if (out == NONE)
        return eddy_fail_nomem(err, "events", cl->stride * sizeof(float));
    eddy_status st = ed_move(cl, u, out, own, own_asked, err);
    if (st == EDDY_OK && !ed_near_join(cl, out, a))
        st = eddy_fail_nomem(err, "neighbours", cl->o.neighbours * sizeof(struct ed_near));
    return st;
}

/* Is this group of the event due? Only of one that has changed it is looked at itself: groups lie
 * far apart. */
static int group_due(const eddy_clusterer *cl, uint32_t slot, uint32_t u)
{
    const struct ed_event_state *ev = &cl->events[slot];
    return ed_event_stirred(cl, slot) ||
           (cl->group_number[u] + (uint32_t)cl->pass) % cl->o.turns == 0 ||
           (ev->changed == ed_round(cl) && cl->groups[u].joined == ed_round(cl));
}

/* Groups (n) of one event onto the list, and whether they may move as all stands. */
static size_t due_add(eddy_clusterer *cl, const uint32_t *groups, size_t n, struct side *list)
{
    uint64_t moved = last_moved(cl, cl->groups[groups[0]].event);
    uint32_t asked[ED_RUN_ROWS];
    int may[ED_RUN_ROWS];
    size_t n_asked = 0, k = 0;
    for (size_t i = 0; i < n; i++)
        if (cl->groups[groups[i]].stays <= moved)
            asked[n_asked++] = groups[i];
    if (n_asked)
        may_move_now(cl, asked, n_asked, may);
    for (size_t i = 0; i < n; i++) {
        int told = k < n_asked && asked[k] == groups[i];
        list[i] = (struct side){cl->groups[groups[i]].id, groups[i], told && may[k]};
        k += (size_t)told;
    }
    return n;
}

/* Groups that are due: event by event, since the groups of an event are held against the same
 * neighbours. Returns how many; list has room for all. */
static size_t due_groups(eddy_clusterer *cl, struct side *list)
{
    size_t n = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        const struct ed_event_state *ev = &cl->events[e];
        uint32_t due[ED_RUN_ROWS];
        size_t m = 0;
        for (uint32_t i = 0; ev->id && i < ev->n_groups; i++) {
            if (group_due(cl, e, ev->groups[i]))
                due[m++] = ev->groups[i];
            if (m == ED_RUN_ROWS || (m && i + 1 == ev->n_groups)) {
                n += due_add(cl, due, m, list + n);
                m = 0;
            }
        }
    }
    qsort(list, n, sizeof *list, by_id);
    return n;
}

/* May it move, now that others have? */
static int may_move_still(eddy_clusterer *cl, uint32_t u)
{
    const struct ed_group *g = &cl->groups[u];
    int may = 0;
    if (g->stays <= last_moved(cl, g->event))
        may_move_now(cl, &u, 1, &may);
    return may;
}

static eddy_status sweep(eddy_clusterer *cl, size_t *moved, eddy_error *err)
{
    struct side *list = ed_alloc((cl->n_groups + 1) * sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "repair pass", cl->n_groups * sizeof *list);
    size_t n = due_groups(cl, list);
    *moved = 0;
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        uint32_t u = list[i].slot;
        if (cl->groups[u].id == list[i].id && /* not folded meanwhile */
            (list[i].may_move || (*moved && may_move_still(cl, u))))
            st = consider_group(cl, u, moved, err);
    }
    ed_free(list);
    return st;
}

static eddy_status moves(eddy_clusterer *cl, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    size_t moved = 1;
    for (int i = 0; i < SWEEPS && moved && st == EDDY_OK; i++)
        st = cl->n_events > 1 ? sweep(cl, &moved, err) : EDDY_OK;
    return st;
}

/* ---- 2. splits ---- */

eddy_status ed_split_done(eddy_clusterer *cl, uint32_t out, uint32_t slot, size_t told,
                          eddy_error *err)
{
    cl->changes.at[told].size_after = cl->events[out].docs;
    cl->changes.at[told].other_after = cl->events[slot].docs;
    return ed_near_join(cl, out, slot)
               ? EDDY_OK
               : eddy_fail_nomem(err, "neighbours", cl->o.neighbours * sizeof(struct ed_near));
}

/* Move the lighter side of the bipartition into an event of its own. */
static eddy_status split_event(eddy_clusterer *cl, uint32_t slot, const uint8_t *side, int lighter,
                               double similarity, double required, eddy_error *err)
{
    const struct ed_event_state *ev = &cl->events[slot];
    uint32_t n = ev->n_groups;
    uint32_t *leaving = ed_alloc(n * sizeof *leaving);
    if (!leaving)
        return eddy_fail_nomem(err, "split", n * sizeof *leaving);
    uint32_t n_leaving = 0;
    for (uint32_t i = 0; i < n; i++)
        if (side[i] == lighter)
            leaving[n_leaving++] = ev->groups[i];
    uint32_t out = ed_split_off(cl, slot, similarity, required);
    eddy_status st = out == NONE ? eddy_fail_nomem(err, "events", cl->stride * 4) : EDDY_OK;
    size_t told = cl->changes.n - 1;
    for (uint32_t i = 0; i < n_leaving && st == EDDY_OK; i++)
        st = ed_move(cl, leaving[i], out, similarity, required, err);
    ed_free(leaving);
    if (st != EDDY_OK)
        return st;
    return ed_split_done(cl, out, slot, told, err);
}

/* Could some bipartition of the event's groups be a split? Most events end here. Where there are
 * answers they may speak against it. */
static int may_split(const eddy_clusterer *cl, uint32_t slot)
{
    double least = cl->th.tau + ed_threshold_off(cl, cl->events[slot].weight / 2) - cl->o.stability;
    return cl->answers || ed_halves_may_be_below(cl, slot, least);
}

/* What answers add to the similarity of the halves. */
static double halves_shift(const eddy_clusterer *cl, uint32_t slot, struct ed_halves *h)
{
    uint64_t sides[2];
    if (!cl->answers)
        return 0;
    ed_sides_hash(cl, slot, h->picked, ed_halves_pick(cl, slot, h, 1), sides);
    return ed_side_answered(cl, slot, sides).shift;
}

static eddy_status consider_split(eddy_clusterer *cl, uint32_t slot, eddy_error *err)
{
    const struct ed_event_state *ev = &cl->events[slot];
    if (ev->n_groups < 2 || ed_pinned(cl, slot) || !ed_links_fit(cl, ev->n_links) ||
        !may_split(cl, slot))
        return EDDY_OK;
    eddy_arena_reset(cl->work);
    struct ed_halves h;
    if (!ed_halves_of(cl, slot, cl->work, &h))
        return eddy_fail_nomem(err, "split", (size_t)ev->n_groups * ev->n_groups * 16);
    /* at tau; where all of it hangs together at tau, at its weakest seam */
    if (!ed_halves_at(&h, cl->th.tau) && !ed_halves_at(&h, cl->th.tau + cl->th.spread / 2))
        return EDDY_OK;
    double pairs = h.weight[0] * h.weight[1];
    double required = cl->th.tau + ed_threshold_off(cl, larger(h.weight[0], h.weight[1])) -
                      halves_shift(cl, slot, &h);
    if (h.across - required * pairs >= -cl->o.stability * pairs)
        return EDDY_OK;
    return split_event(cl, slot, h.side, h.weight[1] <= h.weight[0], h.across / pairs, required,
                       err);
}

static eddy_status splits(eddy_clusterer *cl, eddy_error *err)
{
    size_t n = 0;
    struct side *list = due_events(cl, &n);
    if (!list)
        return eddy_fail_nomem(err, "repair pass", cl->n_events * sizeof *list);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = consider_split(cl, list[i].slot, err);
    ed_free(list);
    return st;
}

/* ---- 3. merges ---- */

struct pair {
    double value, similarity; /* value: similarity beyond what is asked; > 0 */
    uint64_t low, high;       /* ids */
    uint32_t a, b;            /* slots of low and high */
};

struct pairs {
    struct pair *at;
    size_t n, room;
};

static int pairs_offer(eddy_clusterer *cl, struct pairs *pairs, uint32_t a, uint32_t b)
{
    if (ed_pinned(cl, a) || ed_pinned(cl, b))
        return 1;
    double similarity = ed_event_similarity(cl, a, b);
    double heavy = larger(cl->events[a].weight, cl->events[b].weight);
    double value = similarity - cl->th.tau - ed_threshold_off(cl, heavy) + ed_link_shift(cl, a, b);
    if (!(value > 0))
        return 1;
    struct pair *list = ed_list_room(pairs->at, pairs->n, &pairs->room, sizeof *list);
    if (!list)
        return 0;
    pairs->at = list;
    int swap = cl->events[a].id > cl->events[b].id;
    uint32_t x = swap ? b : a;
    uint32_t y = swap ? a : b;
    pairs->at[pairs->n++] =
        (struct pair){value, similarity, cl->events[x].id, cl->events[y].id, x, y};
    return 1;
}

/* Could these two want to merge, if their product is at most so much? What is asked of small events
 * rules out most of those that tau does not. */
static int may_merge(const eddy_clusterer *cl, uint32_t a, uint32_t b, double dot)
{
    double x = cl->events[a].weight, y = cl->events[b].weight;
    double beyond = dot / (x * y) + ed_slop(cl) + ed_link_shift(cl, a, b) - cl->th.tau;
    return beyond > 0 && beyond > ed_threshold_off(cl, larger(x, y));
}

/* Of these neighbours (n, at most ED_RUN_ROWS) those that codes do not rule out, by bytes and then
 * by fine ones; returns how many are left. */
static size_t mergeable(const eddy_clusterer *cl, uint32_t slot, uint32_t *slots, size_t n)
{
    struct ed_coded own = ed_coded(&cl->shape, &cl->event_codes, slot);
    float dot[ED_RUN_ROWS], within[ED_RUN_ROWS];
    double fine_dot[ED_RUN_ROWS], fine_within[ED_RUN_ROWS];
    size_t left = 0, last = 0;
    ed_dots_within(cl, own, &cl->event_codes, slots, n, dot, within);
    for (size_t k = 0; k < n; k++)
        if (may_merge(cl, slot, slots[k], (double)(dot[k] + within[k])))
            slots[left++] = slots[k];
    ed_dots_within_fine(cl, own, &cl->event_codes, slots, left, fine_dot, fine_within);
    for (size_t k = 0; k < left; k++)
        if (may_merge(cl, slot, slots[k], fine_dot[k] + fine_within[k]))
            slots[last++] = slots[k];
    return last;
}

/* Offer all pairs of the event at slot with its neighbours. */
static int pairs_of(eddy_clusterer *cl, struct pairs *pairs, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    uint32_t slots[ED_RUN_ROWS];
    size_t n = 0;
    for (uint32_t i = 0; i < ev->n_near; i++) {
        if (ed_near_alive(cl, &ev->near[i]))
            slots[n++] = ev->near[i].slot;
        if (n < ED_RUN_ROWS && i + 1 < ev->n_near)
            continue;
        n = mergeable(cl, slot, slots, n);
        for (size_t k = 0; k < n; k++)
            if (!pairs_offer(cl, pairs, slot, slots[k]))
                return 0;
        n = 0;
    }
    return 1;
}

static int before(const struct pair *p, const struct pair *q)
{
    if (p->value != q->value)
        return p->value > q->value;
    return p->low < q->low || (p->low == q->low && p->high < q->high);
}

eddy_status ed_merge(eddy_clusterer *cl, uint32_t into, uint32_t from, double similarity,
                     eddy_error *err)
{
    struct ed_event_state *a = &cl->events[into];
    struct ed_event_state *b = &cl->events[from];
    double heavy = larger(a->weight, b->weight);
    double required = cl->th.tau + ed_threshold_off(cl, heavy);
    double poured = b->docs;
    ed_answers_merged(cl, into, from);
    ed_signals_merge(cl, into, from);
    for (uint32_t i = 0; i < b->n_groups; i++)
        if (!ed_group_attach(cl, b->groups[i], into))
            return eddy_fail_nomem(err, "groups", sizeof(uint32_t));
    b->n_groups = 0;
    ed_event_sum_up(cl, into);
    a->weight += b->weight;
    a->docs += b->docs;
    a->last_ms = a->last_ms > b->last_ms ? a->last_ms : b->last_ms;
    a->first_ms = a->first_ms < b->first_ms ? a->first_ms : b->first_ms;
    a->changed = a->pictured = ed_round(cl);
    cl->moved[into] = ++cl->ticks;
    if (cl->acting.number) /* between passes: the next one is to look */
        ed_event_stir(cl, into);
    ed_event_refresh(cl, into);
    if (!ed_near_join(cl, into, from))
        return eddy_fail_nomem(err, "neighbours", cl->o.neighbours * sizeof(struct ed_near));
    eddy_status st = ed_event_emptied(cl, from, into, poured, similarity, required, err);
    return st == EDDY_OK ? groups_bound(cl, into, err) : st;
}

/* Merge a pair; the heavier one lives on (equal: the older). What only a link brought together, it
 * keeps together; answers of no person are no more than evidence after it as before. */
static eddy_status merge_pair(eddy_clusterer *cl, uint32_t into, uint32_t from,
                              const struct pair *pair, eddy_error *err)
{
    struct ed_link link = {0};
    if (ed_link_shift(cl, into, from) >= pair->value)
        link = *ed_link_find(cl, pair->low, pair->high);
    eddy_status st = ed_merge(cl, into, from, pair->similarity, err);
    int decided = link.by >= EDDY_LLM && (link.by == EDDY_PERSON || !link.answers[0]);
    if (st == EDDY_OK && decided)
        ed_hold(cl, into, link.operation, link.by);
    return st;
}

static eddy_status merge_best(eddy_clusterer *cl, struct pairs *pairs, eddy_error *err)
{
    size_t top = 0;
    for (size_t i = 1; i < pairs->n; i++)
        if (before(&pairs->at[i], &pairs->at[top]))
            top = i;
    struct pair best = pairs->at[top];
    int heavier_b = cl->events[best.b].weight > cl->events[best.a].weight;
    uint32_t into = heavier_b ? best.b : best.a;
    uint32_t from = heavier_b ? best.a : best.b;
    eddy_status st = merge_pair(cl, into, from, &best, err);
    if (st != EDDY_OK)
        return st;
    size_t kept = 0;
    for (size_t i = 0; i < pairs->n; i++) {
        const struct pair *p = &pairs->at[i];
        int stale = p->a == into || p->b == into || p->a == from || p->b == from;
        if (!stale)
            pairs->at[kept++] = *p;
    }
    pairs->n = kept;
    return pairs_of(cl, pairs, into) ? EDDY_OK : eddy_fail_nomem(err, "pairs", sizeof best);
}

static eddy_status merges(eddy_clusterer *cl, eddy_error *err)
{
    size_t n = 0;
    struct pairs pairs = {0};
    struct side *list = due_events(cl, &n);
    eddy_status st = list ? EDDY_OK : eddy_fail_nomem(err, "repair pass", sizeof *list);
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        if (!pairs_of(cl, &pairs, list[i].slot))
            st = eddy_fail_nomem(err, "pairs", sizeof *pairs.at);
    for (uint32_t i = 0; i < cl->links.n && st == EDDY_OK; i++) {
        const struct ed_link *link = &cl->links.at[i]; /* however far apart */
        if (link->strength > 0 &&
            !pairs_offer(cl, &pairs, ed_event_slot(cl, link->low), ed_event_slot(cl, link->high)))
            st = eddy_fail_nomem(err, "pairs", sizeof *pairs.at);
    }
    while (pairs.n && st == EDDY_OK)
        st = merge_best(cl, &pairs, err);
    ed_free(list);
    ed_free(pairs.at);
    return st;
}

/* ---- the pass ---- */

static eddy_status lists_of_due(eddy_clusterer *cl, eddy_error *err)
{
    size_t n = 0;
    struct side *list = due_events(cl, &n);
    uint32_t *slots = ed_alloc((n + 1) * sizeof *slots);
    eddy_status st = EDDY_OK;
    if (!list || !slots)
        st = eddy_fail_nomem(err, "repair pass", n * sizeof *list);
    size_t m = 0;
    uint64_t turns = ed_event_turns(cl);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        const struct ed_event_state *ev = &cl->events[list[i].slot];
        if (ev->weight > LISTED_GROWTH * ev->listed || (ev->id + cl->pass) % turns == 0)
            slots[m++] = list[i].slot;
    }
    if (st == EDDY_OK)
        st = ed_near_refresh(cl, slots, m, err);
    ed_free(slots);
    ed_free(list);
    return st;
}

static void begin(eddy_clusterer *cl)
{
    cl->pass++;
    cl->began = ++cl->ticks;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        struct ed_event_state *ev = &cl->events[e];
        if (ev->id && ev->changed == ed_round(cl) && ev->weight > GROWN * ev->listed)
            ev->grown = cl->pass;
    }
}

eddy_status ed_repair(eddy_clusterer *cl, eddy_error *err)
{
    begin(cl);
    eddy_status st = lists_of_due(cl, err);
    if (st == EDDY_OK)
        st = moves(cl, err);
    if (st == EDDY_OK)
        st = splits(cl, err);
    if (st == EDDY_OK)
        st = merges(cl, err);
    if (st == EDDY_OK)
        st = ed_retire(cl, err);
    if (st == EDDY_OK)
        st = ed_hierarchy(cl, err);
    if (st == EDDY_OK)
        st = ed_map_pass(cl, err);
    if (st == EDDY_OK)
        st = ed_picture_pass(cl, err);
    cl->stats.passes++; /* another round: nothing has changed in it yet */
    return st;
}
