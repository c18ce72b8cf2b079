/* Map: a place in the plane for each event, such that those near each other are alike.
 *
 * Neighbours draw an event to them, others push it away: steps down the cross entropy of UMAP
 * (McInnes, Healy and Melville 2018) with 1 / (1 + d^2) as the likeness of two places, over the
 * lists of neighbours that a pass keeps anyway. What makes it a map is that places stay: an event
 * gets its own in the first pass that lists its neighbours, and those that have one do not make
 * room. What has grown by a tenth since, or gained or lost a group, is drawn after its neighbours,
 * a short way at a time. So what is new moves nothing, and places are part of the state: a restart
 * moves nothing either.
 *
 * Nobody decides anything by a place. Steps are reckoned with + - * / alone, in the order of slots,
 * so that they are the same on every machine. */
#include "engine/state.h"

#define SPREAD    10  /* the first ones, whom no neighbour tells where, lie so far out at most */
#define STEPS     48  /* of a new event ... */
#define EARLY     200 /* ... and while the map is young, and others have to find their places too */
#define YOUNG     400 /* events */
#define FRESH_MAX 2048 /* that get a place in one pass: a state of before has places for none */
#define PUSHES    12   /* others that push, at each step */
#define NUDGES    8    /* steps of one that has a place and was stirred ... */
#define NUDGE     0.03 /* ... each so large, of a first one's */
#define STEEP     4.0  /* no force is larger */

struct place {
    double x, y;
    int known;
};

/* Close together what is looked at often; by slot. */
struct map {
    eddy_clusterer *cl;
    struct place *at;
};

static int32_t rounded(double x)
{
    x *= ED_MAP_UNIT;
    x = x < -ED_MAP_EDGE ? -ED_MAP_EDGE : x > ED_MAP_EDGE ? ED_MAP_EDGE : x;
    return (int32_t)(x + (x < 0 ? -0.5 : 0.5));
}

static void place_keep(const struct map *map, uint32_t slot)
{
    struct ed_event_state *ev = &map->cl->events[slot];
    ev->map[0] = rounded(map->at[slot].x);
    ev->map[1] = rounded(map->at[slot].y);
    if (!ev->map[0] && !ev->map[1])
        ev->map[0] = 1; /* 0, 0 is none */
    ed_mark(map->cl, ED_NEAR, slot);
}

/* -1 to 1; of 32 random bits. */
static double chance(uint64_t bits)
{
    return (double)(bits & UINT32_MAX) / (double)(UINT32_MAX / 2) - 1;
}

static double bounded(double force)
{
    return force < -STEEP ? -STEEP : force > STEEP ? STEEP : force;
}

/* Along the line to `there`, as strong as the factor says. */
static void go(struct place *at, const struct place *there, double factor, double step)
{
    at->x += step * bounded(factor * (there->x - at->x));
    at->y += step * bounded(factor * (there->y - at->y));
}

static double apart(const struct place *a, const struct place *b)
{
    return (a->x - b->x) * (a->x - b->x) + (a->y - b->y) * (a->y - b->y);
}

/* One step of the event at slot, the turn-th. The nearest neighbour draws at every step, the k-th
 * at every k-th. */
static void event_step(const struct map *map, uint32_t slot, uint32_t turn, double step)
{
    const eddy_clusterer *cl = map->cl;
    const struct ed_event_state *ev = &cl->events[slot];
    struct place at = map->at[slot];
    for (uint32_t k = 0; k < ev->n_near; k++) {
        const struct place *there = &map->at[ev->near[k].slot];
        if (turn % (1 + k) == 0 && there->known && ed_near_alive(cl, &ev->near[k]))
            go(&at, there, 2 / (1 + apart(&at, there)), step);
    }
    uint64_t bits = ed_mix64(ev->id << 16 | turn);
    for (uint32_t k = 0; k < PUSHES; k++, bits = ed_mix64(bits)) {
        const struct place *there = &map->at[(bits >> 32) * cl->slots.n >> 32];
        double d2 = apart(&at, there);
        if (there->known && there != &map->at[slot])
            go(&at, there, -2 / ((0.001 + d2) * (1 + d2)), step);
    }
    map->at[slot] = at;
}

/* Where a new one begins: amid its neighbours that have a place, the nearest of which count most,
 * and off them by chance, for two at one place would stay together. */
static void event_begin(const struct map *map, uint32_t slot)
{
    const struct ed_event_state *ev = &map->cl->events[slot];
    struct place sum = {.known = 1};
    double weight = 0, off = 0.5;
    uint64_t bits = ed_mix64(ev->id);
    for (uint32_t k = 0; k < ev->n_near; k++) {
        const struct place *there = &map->at[ev->near[k].slot];
        double w = 1.0 / (1 + k);
        if (!there->known || !ed_near_alive(map->cl, &ev->near[k]))
            continue;
        sum.x += w * there->x;
        sum.y += w * there->y;
        weight += w;
    }
    if (weight > 0) {
        sum.x /= weight;
        sum.y /= weight;
    } else {
        off = SPREAD;
    }
    sum.x += off * chance(bits);
    sum.y += off * chance(bits >> 32);
    map->at[slot] = sum;
}

static void places_read(const struct map *map)
{
    for (uint32_t e = 0; e < map->cl->slots.n; e++) {
        const struct ed_event_state *ev = &map->cl->events[e];
        map->at[e] = (struct place){(double)ev->map[0] / ED_MAP_UNIT,
                                    (double)ev->map[1] / ED_MAP_UNIT, ev->map[0] || ev->map[1]};
    }
}

/* Those that are new find their places together. */
static void places_find(const struct map *map, const uint32_t *fresh, size_t n)
{
    uint32_t steps = map->cl->n_events < YOUNG ? EARLY : STEPS;
    for (size_t i = 0; i < n; i++)
        event_begin(map, fresh[i]);
    for (uint32_t t = 0; t < steps; t++)
        for (size_t i = 0; i < n; i++)
            event_step(map, fresh[i], t, 1 - (double)t / steps);
    for (size_t i = 0; i < n; i++) {
        place_keep(map, fresh[i]);
        map->cl->events[fresh[i]].pictured = ed_round(map->cl); /* so that everybody is told */
    }
}

eddy_status ed_map_pass(eddy_clusterer *cl, eddy_error *err)
{
    size_t n = 0, room = (size_t)cl->slots.n + 1;
    uint32_t *fresh = ed_alloc(room * sizeof *fresh);
    const struct map map = {cl, ed_alloc(room * sizeof *map.at)};
    if (!fresh || !map.at) {
        ed_free(fresh);
        ed_free(map.at);
        return eddy_fail_nomem(err, "map", room * sizeof *map.at);
    }
    places_read(&map);
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        const struct ed_event_state *ev = &cl->events[e];
        if (!ev->id || !ev->n_near)
            continue;
        if (!map.at[e].known) {
            if (n < FRESH_MAX)
                fresh[n++] = e;
        } else if (ed_event_stirred(cl, e)) {
            for (uint32_t t = 0; t < NUDGES; t++)
                event_step(&map, e, (uint32_t)cl->pass * NUDGES + t, NUDGE);
            place_keep(&map, e);
        }
    }
    places_find(&map, fresh, n);
    ed_free(fresh);
    ed_free(map.at);
    return EDDY_OK;
}
