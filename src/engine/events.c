/* Events and groups: sums of points, and who belongs to whom.
 *
 * Both live in slots of growing arrays, the lowest that is free, found again by ids that are never
 * reused. An event's sum is the sum of its groups' sums. A sum, not a mean: merging is adding. */
#include "engine/hierarchy.h"
#include "engine/operations.h"
#include "engine/signals.h"

/* ---- room ---- */

#define GROW(field, n_old, n_new, width)                                                           \
    do {                                                                                           \
        size_t size_ = (width) * sizeof *(field);                                                  \
        void *wide_ = ed_grow(field, (n_old)*size_, (n_new)*size_);                                \
        if (!wide_)                                                                                \
            return 0;                                                                              \
        (field) = wide_;                                                                           \
    } while (0)

int ed_marks_room(struct ed_marks *marks, size_t room)
{
    GROW(marks->dirty, (marks->room + 63) / 64, (room + 63) / 64, 1);
    GROW(marks->renew, (marks->room + 63) / 64, (room + 63) / 64, 1);
    GROW(marks->hash, marks->room, room, 1);
    marks->room = room;
    return 1;
}

int ed_slots_room(struct ed_slots *slots, size_t old, size_t room)
{
    GROW(slots->used, old / 64, room / 64, 1);
    return 1;
}

int ed_events_room(eddy_clusterer *cl, size_t wanted)
{
    size_t old = cl->room_events;
    size_t room = old ? old * 2 : 64;
    size_t most = ((size_t)cl->o.events_max + 63) & ~(size_t)63;
    if (wanted <= old)
        return 1;
    room = room > most && most > old ? most : room;
    room = wanted > room ? (wanted + 63) & ~(size_t)63 : room;
    GROW(cl->events, old, room, 1);
    GROW(cl->event_sums, old, room, cl->stride);
    GROW(cl->inverse, old, room, 1);
    GROW(cl->asked, old, room, 1);
    GROW(cl->power, old, room, 1);
    GROW(cl->moved, old, room, 1);
    if (!ed_codes_room(cl, &cl->event_codes, old, room, 1))
        return 0;
    if (!ed_slots_room(&cl->slots, old, room) || !ed_marks_room(&cl->marks[ED_EVENT], room) ||
        !ed_marks_room(&cl->marks[ED_NEAR], room) || !ed_marks_room(&cl->marks[ED_TOLD], room) ||
        !ed_marks_room(&cl->marks[ED_TOPIC_OF], room) ||
        !ed_marks_room(&cl->marks[ED_RATE], room) || !ed_signals_room(cl, old, room))
        return 0;
    cl->room_events = (uint32_t)room;
    return 1;
}

int ed_groups_room(eddy_clusterer *cl, size_t wanted)
{
    size_t old = cl->room_groups;
    size_t room = old ? old + old / 2 : 64;
    if (wanted <= old)
        return 1;
    room = ((wanted > room ? wanted : room) + 63) & ~(size_t)63;
    GROW(cl->groups, old, room, 1);
    GROW(cl->group_number, old, room, 1);
    GROW(cl->group_sums, old, room, cl->stride);
    if (!ed_codes_room(cl, &cl->group_codes, old, room, 0) ||
        !ed_slots_room(&cl->group_slots, old, room) || !ed_marks_room(&cl->marks[ED_GROUP], room) ||
        !ed_marks_room(&cl->marks[ED_SEEN], room))
        return 0;
    cl->room_groups = (uint32_t)room;
    return 1;
}

/* ---- slots ---- */

uint32_t ed_slots_lowest(const struct ed_slots *slots)
{
    uint32_t w = slots->hint;
    while (w < slots->n / 64 && slots->used[w] == UINT64_MAX)
        w++;
    if (w * 64 >= slots->n)
        return slots->n;
    return slots->used[w] == UINT64_MAX ? slots->n
                                        : w * 64 + (uint32_t)__builtin_ctzll(~slots->used[w]);
}

void ed_slots_take(struct ed_slots *slots, uint32_t slot)
{
    slots->used[slot / 64] |= UINT64_C(1) << slot % 64;
    slots->hint = slot / 64; /* all below are taken */
    slots->n = slot < slots->n ? slots->n : slot + 1;
}

void ed_slots_free(struct ed_slots *slots, uint32_t slot)
{
    slots->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    slots->hint = slot / 64 < slots->hint ? slot / 64 : slots->hint;
}

/* ---- events ---- */

void ed_event_ask(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    double now = ev->asked_in == cl->stretch ? ev->asked_weight : cl->stretch_weight;
    ev->required = cl->th.tau + cl->th.phi * ed_threshold_off_at(cl, ev->weight, now);
    cl->inverse[slot] = (float)(1 / ev->weight);
    cl->asked[slot] = (float)ev->required;
    ev->power = sqrt(ev->weight / now); /* p = 1/2 */
    cl->power[slot] = (float)ev->power;
}

void ed_event_refresh(eddy_clusterer *cl, uint32_t slot)
{
    cl->events[slot].asked_in = cl->stretch;
    cl->events[slot].asked_weight = cl->weight_now;
    ed_event_ask(cl, slot);
    ed_mark(cl, ED_EVENT, slot);
}

void ed_event_hide(eddy_clusterer *cl, uint32_t slot)
{
    cl->inverse[slot] = 0;
    cl->asked[slot] = 1e30f;
    cl->power[slot] = 1;
}

void ed_event_untell(eddy_clusterer *cl, uint32_t slot)
{
    ed_free(cl->events[slot].told);
    cl->events[slot].told = NULL;
    ed_mark(cl, ED_TOLD, slot);
}

void ed_event_sum_up(eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    float *sum = ed_event_sum(cl, slot);
    size_t bytes = cl->stride * sizeof *sum;
    if (ev->n_groups)
        memcpy(sum, ed_group_sum(cl, ev->groups[0]), bytes);
    else
        memset(sum, 0, bytes);
    for (uint32_t i = 1; i < ev->n_groups; i++)
        ed_add_scaled(sum, 1, ed_group_sum(cl, ev->groups[i]), cl->stride);
    ed_event_code(cl, slot);
}

void ed_event_sum_up_point(eddy_clusterer *cl, uint32_t slot, const struct ed_point *p)
{
    const struct ed_event_state *ev = &cl->events[slot];
    float *sum = ed_event_sum(cl, slot);
    memcpy(sum, ed_group_sum(cl, ev->groups[0]), cl->n_dense * sizeof *sum);
    for (uint32_t i = 1; i < ev->n_groups; i++)
        ed_add_scaled(sum, 1, ed_group_sum(cl, ev->groups[i]), cl->n_dense);
    for (uint32_t k = 0; k < p->n_words; k++) {
        size_t at = cl->n_dense + p->at[k];
        sum[at] = ed_group_sum(cl, ev->groups[0])[at];
        for (uint32_t i = 1; i < ev->n_groups; i++)
            sum[at] += ed_group_sum(cl, ev->groups[i])[at];
    }
    ed_event_code(cl, slot);
}

uint32_t ed_event_new(eddy_clusterer *cl)
{
    uint32_t slot = ed_slots_lowest(&cl->slots);
    if (!ed_events_room(cl, (size_t)slot + 1))
        return NONE;
    struct ed_event_state *ev = &cl->events[slot];
    cl->moved[slot] = 0;
    struct ed_event_state fresh = {.id = cl->next_event,
                                   .first_ms = INT64_MAX,
                                   .last_ms = INT64_MIN,
                                   .step = 3,
                                   .groups = ev->groups,
                                   .room_groups = ev->room_groups,
                                   .near = ev->near};
    if (!fresh.near) {
        fresh.near = ed_alloc(cl->o.neighbours * sizeof *fresh.near);
        if (!fresh.near)
            return NONE;
        ev->near = fresh.near;
    }
    if (!ed_table_put(&cl->slot_of, cl->next_event, slot))
        return NONE;
    *ev = fresh;
    ed_slots_take(&cl->slots, slot);
    ed_mark(cl, ED_EVENT, slot);
    ed_event_begin(cl, slot);
    cl->next_event++;
    memset(ed_event_sum(cl, slot), 0, cl->stride * sizeof(float));
    ed_event_code(cl, slot);
    cl->n_events++;
    cl->stats.events_born++;
    if (cl->n_events > cl->stats.events_peak)
        cl->stats.events_peak = cl->n_events;
    return slot;
}

void ed_event_drop(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ed_event_untell(cl, slot);
    ed_event_end(cl, slot);
    ed_links_drop(cl, slot);
    ed_table_remove(&cl->slot_of, ev->id);
    ed_given_free(ev->given);
    ev->given = NULL;
    ev->id = 0;
    ev->topic = 0;
    ev->n_groups = 0;
    ev->n_near = 0;
    ev->map[0] = ev->map[1] = 0;
    ed_event_hide(cl, slot);
    ed_mark(cl, ED_EVENT, slot);
    ed_mark(cl, ED_NEAR, slot);
    ed_mark(cl, ED_TOPIC_OF, slot);
    ed_slots_free(&cl->slots, slot);
    cl->n_events--;
}

double ed_event_similarity(const eddy_clusterer *cl, uint32_t a, uint32_t b)
{
    return ed_dot(ed_event_sum(cl, a), ed_event_sum(cl, b), cl->stride) /
           (cl->events[a].weight * cl->events[b].weight);
}

/* ---- groups ---- */

void ed_groups_dots(const eddy_clusterer *cl, const float *x, const uint32_t *groups, size_t n,
                    double *ret)
{
    const float *rows[ED_RUN_ROWS];
    for (size_t i = 0; i < n; i++)
        rows[i] = ed_group_sum(cl, groups[i]);
    ed_dots(x, rows, n, cl->stride, ret);
}

int ed_group_attach(eddy_clusterer *cl, uint32_t group, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (ev->n_groups == ev->room_groups) {
        uint32_t room = ev->room_groups ? ev->room_groups * 2 : 4;
        uint32_t *wide = ed_realloc(ev->groups, room * sizeof *wide);
        if (!wide)
            return 0;
        ev->groups = wide;
        ev->room_groups = room;
    }
    ev->groups[ev->n_groups++] = group;
    cl->groups[group].event = slot;
    ed_mark(cl, ED_EVENT, slot);
    return 1;
}

void ed_group_detach(eddy_clusterer *cl, uint32_t group)
{
    struct ed_event_state *ev = &cl->events[cl->groups[group].event];
    uint32_t i = 0;
    while (ev->groups[i] != group)
        i++;
    for (; i + 1 < ev->n_groups; i++) /* keep the order: it decides ties */
        ev->groups[i] = ev->groups[i + 1];
    ev->n_groups--;
    ed_mark(cl, ED_EVENT, cl->groups[group].event);
}

uint32_t ed_group_new(eddy_clusterer *cl, uint32_t slot)
{
    uint32_t group = ed_slots_lowest(&cl->group_slots);
    if (!ed_groups_room(cl, (size_t)group + 1))
        return NONE;
    ed_slots_take(&cl->group_slots, group);
    ed_mark(cl, ED_GROUP, group);
    struct ed_group *g = &cl->groups[group];
    memset(g, 0, sizeof *g);
    g->id = cl->next_group++;
    cl->group_number[group] = (uint32_t)g->id;
    g->central.similarity = g->newest.similarity = -1;
    g->first_ms = INT64_MAX;
    g->last_ms = g->seen_ms = g->bucket = INT64_MIN;
    memset(ed_group_sum(cl, group), 0, cl->stride * sizeof(float));
    ed_group_code(cl, group);
    cl->n_groups++;
    if (cl->n_groups > cl->stats.groups_peak)
        cl->stats.groups_peak = cl->n_groups;
    if (!ed_table_put(&cl->group_of, g->id, group))
        return NONE;
    return ed_group_attach(cl, group, slot) ? group : NONE;
}

void ed_group_drop(eddy_clusterer *cl, uint32_t group)
{
    ed_table_remove(&cl->group_of, cl->groups[group].id);
    cl->groups[group].id = 0;
    ed_slots_free(&cl->group_slots, group);
    ed_mark(cl, ED_GROUP, group);
    ed_mark(cl, ED_SEEN, group);
    cl->n_groups--;
}

/* First and last time of an event, from its groups. */
static void times_gather(const eddy_clusterer *cl, struct ed_event_state *ev)
{
    if (!ev->n_groups)
        return; /* about to go: keep what it had for its last picture */
    ev->first_ms = INT64_MAX;
    ev->last_ms = INT64_MIN;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        ev->first_ms = g->first_ms < ev->first_ms ? g->first_ms : ev->first_ms;
        ev->last_ms = g->last_ms > ev->last_ms ? g->last_ms : ev->last_ms;
    }
}

/* What is left of an event's weight. Not by subtraction: under a half-life the group that leaves
 * may be so much heavier that nothing of the rest would be left in its error. */
static double weight_gather(const eddy_clusterer *cl, const struct ed_event_state *ev)
{
    double weight = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++)
        weight += cl->groups[ev->groups[i]].weight;
    return weight;
}

void ed_event_gather(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ev->weight = weight_gather(cl, ev);
    ev->docs = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++)
        ev->docs += cl->groups[ev->groups[i]].docs;
    ed_event_sum_up(cl, slot);
    times_gather(cl, ev);
    ed_signals_gather(cl, slot);
}

void ed_event_stir(eddy_clusterer *cl, uint32_t slot)
{
    cl->events[slot].changed = ed_round(cl);
    cl->events[slot].listed = 0;
    ed_mark(cl, ED_EVENT, slot);
    ed_mark(cl, ED_NEAR, slot);
}

int ed_group_shift(eddy_clusterer *cl, uint32_t group, uint32_t to)
{
    struct ed_group *g = &cl->groups[group];
    uint32_t from = g->event;
    struct ed_event_state *a = &cl->events[from];
    struct ed_event_state *b = &cl->events[to];
    double a_before = a->docs;
    double b_before = b->docs;
    ed_signals_move(cl, group, to);
    ed_group_detach(cl, group);
    if (!ed_group_attach(cl, group, to))
        return 0;
    ed_event_sum_up(cl, from);
    ed_event_sum_up(cl, to);
    a->weight = weight_gather(cl, a);
    b->weight += g->weight;
    a->docs -= g->docs;
    b->docs += g->docs;
    times_gather(cl, a);
    times_gather(cl, b);
    if (a->n_groups)
        ed_signals_gather(cl, from);
    ed_signals_gather(cl, to);
    cl->moved[from] = cl->moved[to] = ++cl->ticks;
    a->pictured = b->pictured = ed_round(cl);
    ed_event_stir(cl, from);
    ed_event_stir(cl, to);
    ed_event_untell(cl, from); /* drift is told of what it was since it last lost something */
    ed_event_refresh(cl, to);
    if (a->n_groups)
        ed_event_refresh(cl, from);
    eddy_change *change = ed_change_add(cl, EDDY_MOVED, to);
    if (!change)
        return 0;
    change->other = a->id;
    change->group = g->id;
    change->size_before = b_before;
    change->other_before = a_before;
    change->other_after = a->docs;
    cl->stats.moved++;
    return 1;
}

/* ---- changes ---- */

/* A change of the event at slot; size_after is what it has now. */
eddy_change *ed_change_add(eddy_clusterer *cl, eddy_change_kind kind, uint32_t slot)
{
    struct ed_list_change *list = &cl->changes;
    eddy_change *at = ed_list_room(list->at, list->n, &list->room, sizeof *at);
    if (!at)
        return NULL;
    list->at = at;
    eddy_change *change = &list->at[list->n++];
    *change = (eddy_change){.kind = kind,
                            .position = cl->position,
                            .time_ms = cl->stream_ms,
                            .event = cl->events[slot].id,
                            .size_before = cl->events[slot].docs,
                            .size_after = cl->events[slot].docs,
                            .actor = cl->acting.actor,
                            .operation = cl->acting.number,
                            .evidence = cl->acting.evidence};
    return change;
}

/* 3, 10, 30, 100, 300 ... */
static double step_after(double step, double docs)
{
    while (step <= docs) {
        double tens = 1;
        while (tens * 10 <= step)
            tens *= 10;
        step = step < 3 * tens ? 3 * tens : 10 * tens;
    }
    return step;
}

int ed_event_grown(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (ev->docs < ev->step)
        return 1;
    eddy_change *change = ed_change_add(cl, EDDY_GREW, slot);
    if (!change)
        return 0;
    change->size_before = ev->step - 1; /* the last size below the step */
    if (ev->step == 3 && !ev->parent)   /* large enough to be compared */
        ev->parent = ed_retired_like(cl, slot);
    ev->step = step_after(ev->step, ev->docs);
    ed_mark(cl, ED_EVENT, slot);
    return 1;
}
