/* Events and groups: sums of points, and who belongs to whom.
 *
 * Both live in slots of growing arrays, found again by ids that are never reused. An event's sum is
 * the sum of its groups' sums; the words' part of every event's sum is kept a second time across
 * (one row per word dimension), so that a sparse point is scored against all events by a few long
 * rows. A sum, not a mean: merging is adding. */
#include "engine/state.h"

/* ---- room ---- */

static void *grown(void *old, size_t n_old, size_t n_new, size_t size)
{
    char *wide = ed_alloc_aligned(n_new * size);
    if (!wide)
        return NULL;
    if (n_old)
        memcpy(wide, old, n_old * size);
    memset(wide + n_old * size, 0, (n_new - n_old) * size);
    ed_free(old);
    return wide;
}

#define GROW(field, n_old, n_new, width)                                                           \
    do {                                                                                           \
        void *wide_ = grown(field, n_old, n_new, (width) * sizeof *(field));                       \
        if (!wide_)                                                                                \
            return 0;                                                                              \
        (field) = wide_;                                                                           \
    } while (0)

static int events_grow(eddy_clusterer *cl)
{
    size_t old = cl->room_events;
    size_t room = old ? old * 2 : 64;
    size_t most = ((size_t)cl->o.events_max + 63) & ~(size_t)63;
    room = room > most && most > old ? most : room;
    GROW(cl->events, old, room, 1);
    GROW(cl->event_sums, old, room, cl->stride);
    GROW(cl->inverse, old, room, 1);
    GROW(cl->asked, old, room, 1);
    GROW(cl->power, old, room, 1);
    GROW(cl->touched, old, room, 1);
    GROW(cl->free_events, old, room, 1);
    float *across = ed_alloc_aligned(cl->o.terms_dim * room * sizeof *across);
    if (!across)
        return 0;
    for (size_t h = 0; h < cl->o.terms_dim; h++) {
        if (old)
            memcpy(across + h * room, cl->words_across + h * old, old * sizeof *across);
        memset(across + h * room + old, 0, (room - old) * sizeof *across);
    }
    ed_free(cl->words_across);
    cl->words_across = across;
    cl->room_events = (uint32_t)room;
    return 1;
}

static int groups_grow(eddy_clusterer *cl)
{
    size_t old = cl->room_groups;
    size_t room = old ? old + old / 2 : 64;
    GROW(cl->groups, old, room, 1);
    GROW(cl->group_sums, old, room, cl->stride);
    GROW(cl->free_groups, old, room, 1);
    cl->room_groups = (uint32_t)room;
    return 1;
}

/* ---- events ---- */

void ed_event_refresh(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ev->required = cl->th.tau + cl->th.phi * ed_threshold_off(cl, ev->weight);
    cl->inverse[slot] = (float)(1 / ev->weight);
    cl->asked[slot] = (float)ev->required;
    ev->power = sqrt(ev->weight / cl->weight_now); /* p = 1/2 */
    cl->power[slot] = (float)ev->power;
}

void ed_event_across(eddy_clusterer *cl, uint32_t slot)
{
    const float *words = ed_event_sum(cl, slot) + cl->n_dense;
    for (size_t h = 0; h < cl->o.terms_dim; h++)
        cl->words_across[h * cl->room_events + slot] = words[h];
}

uint32_t ed_event_new(eddy_clusterer *cl)
{
    uint32_t slot;
    if (cl->n_free_events) {
        slot = cl->free_events[--cl->n_free_events];
    } else {
        if (cl->n_slots == cl->room_events && !events_grow(cl))
            return NONE;
        slot = cl->n_slots++;
    }
    struct ed_event_state *ev = &cl->events[slot];
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
    cl->next_event++;
    memset(ed_event_sum(cl, slot), 0, cl->stride * sizeof(float));
    ed_event_across(cl, slot);
    cl->n_events++;
    cl->stats.events_born++;
    if (cl->n_events > cl->stats.events_peak)
        cl->stats.events_peak = cl->n_events;
    return slot;
}

void ed_event_drop(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ed_table_remove(&cl->slot_of, ev->id);
    ed_free(ev->told);
    ev->told = NULL;
    ev->id = 0;
    ev->n_groups = 0;
    ev->n_near = 0;
    cl->inverse[slot] = 0;
    cl->asked[slot] = 1e30f; /* never a candidate */
    cl->power[slot] = 1;
    cl->free_events[cl->n_free_events++] = slot;
    cl->n_events--;
}

double ed_event_similarity(const eddy_clusterer *cl, uint32_t a, uint32_t b)
{
    return ed_dot(ed_event_sum(cl, a), ed_event_sum(cl, b), cl->stride) /
           (cl->events[a].weight * cl->events[b].weight);
}

/* ---- groups ---- */

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
}

uint32_t ed_group_new(eddy_clusterer *cl, uint32_t slot)
{
    uint32_t group;
    if (cl->n_free_groups) {
        group = cl->free_groups[--cl->n_free_groups];
    } else {
        if (cl->n_group_slots == cl->room_groups && !groups_grow(cl))
            return NONE;
        group = cl->n_group_slots++;
    }
    struct ed_group *g = &cl->groups[group];
    memset(g, 0, sizeof *g);
    g->id = cl->next_group++;
    g->central.similarity = g->newest.similarity = -1;
    g->first_ms = INT64_MAX;
    g->last_ms = INT64_MIN;
    memset(ed_group_sum(cl, group), 0, cl->stride * sizeof(float));
    cl->n_groups++;
    if (cl->n_groups > cl->stats.groups_peak)
        cl->stats.groups_peak = cl->n_groups;
    return ed_group_attach(cl, group, slot) ? group : NONE;
}

void ed_group_drop(eddy_clusterer *cl, uint32_t group)
{
    cl->groups[group].id = 0;
    cl->free_groups[cl->n_free_groups++] = group;
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

int ed_group_shift(eddy_clusterer *cl, uint32_t group, uint32_t to)
{
    struct ed_group *g = &cl->groups[group];
    uint32_t from = g->event;
    struct ed_event_state *a = &cl->events[from];
    struct ed_event_state *b = &cl->events[to];
    double a_before = a->docs;
    double b_before = b->docs;
    ed_group_detach(cl, group);
    if (!ed_group_attach(cl, group, to))
        return 0;
    ed_add_scaled(ed_event_sum(cl, from), -1, ed_group_sum(cl, group), cl->stride);
    ed_add_scaled(ed_event_sum(cl, to), 1, ed_group_sum(cl, group), cl->stride);
    a->weight -= g->weight;
    b->weight += g->weight;
    a->docs -= g->docs;
    b->docs += g->docs;
    times_gather(cl, a);
    times_gather(cl, b);
    a->changed = b->changed = 1;
    a->pictured = b->pictured = 1;
    a->listed = b->listed = 0;
    ed_free(a->told); /* drift is told of what an event was since it last lost something */
    a->told = NULL;
    ed_event_across(cl, to);
    ed_event_refresh(cl, to);
    if (a->n_groups) {
        ed_event_across(cl, from);
        ed_event_refresh(cl, from);
    }
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
    if (list->n == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        eddy_change *wide = ed_realloc(list->at, room * sizeof *wide);
        if (!wide)
            return NULL;
        list->at = wide;
        list->room = room;
    }
    eddy_change *change = &list->at[list->n++];
    *change = (eddy_change){.kind = kind,
                            .position = cl->position,
                            .time_ms = cl->stream_ms,
                            .event = cl->events[slot].id,
                            .size_before = cl->events[slot].docs,
                            .size_after = cl->events[slot].docs};
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
    return 1;
}
