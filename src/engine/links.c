/* Links: what operations leave behind, and repair must heed.
 *
 *   links      of two live events: how much more (or less) alike than their sums they are; firm
 *              ones decide alone. They follow merges, and a part that is split off inherits them
 *   holds      groups of one event with the same number stay together. Persons and others hold by
 *              numbers of their own: when the one lets go, the other still holds
 *   given      names and pins of events
 *   redirects  where an event is that was merged away
 *
 * All of it hangs on live events and goes with them when they fade, so it is bounded by them; links
 * and redirects have ceilings besides. At the ceiling the oldest links that are of no person go; an
 * operation that would need one more than persons leave room for is refused. Who splits is refused
 * too then, or, in repair, lets the event be. */
#include "engine/hierarchy.h"
#include "engine/operations.h"

/* ---- links ---- */

int ed_links_room(eddy_clusterer *cl, size_t wanted)
{
    struct ed_links *l = &cl->links;
    if (wanted <= l->room)
        return 1;
    size_t room = l->room ? l->room * (size_t)2 : 64;
    room = ((wanted > room ? wanted : room) + 63) & ~(size_t)63;
    struct ed_link *wide = ed_realloc(l->at, room * sizeof *wide);
    if (!wide)
        return 0;
    l->at = wide;
    if (!ed_marks_room(&cl->marks[ED_LINK], room))
        return 0;
    l->room = (uint32_t)room;
    return 1;
}

static uint32_t link_place(const eddy_clusterer *cl, uint64_t a, uint64_t b)
{
    uint64_t low = a < b ? a : b;
    uint64_t high = a < b ? b : a;
    for (uint32_t i = 0; i < cl->links.n; i++)
        if (cl->links.at[i].low == low && cl->links.at[i].high == high)
            return i;
    return NONE;
}

const struct ed_link *ed_link_find(const eddy_clusterer *cl, uint64_t a, uint64_t b)
{
    uint32_t i = link_place(cl, a, b);
    return i == NONE ? NULL : &cl->links.at[i];
}

double ed_link_shift(const eddy_clusterer *cl, uint32_t a, uint32_t b)
{
    if (cl->events[a].kind != cl->events[b].kind)
        return -EDDY_LINK_FIRM;
    if (!cl->events[a].n_links || !cl->events[b].n_links)
        return 0;
    const struct ed_link *link = ed_link_find(cl, cl->events[a].id, cl->events[b].id);
    double most = link && link->by == EDDY_PERSON ? EDDY_LINK_FIRM : COHESION * cl->th.spread;
    if (!link)
        return 0;
    return link->strength < most ? link->strength : most;
}

static void link_count(eddy_clusterer *cl, const struct ed_link *link, int more)
{
    const uint64_t ids[] = {link->low, link->high};
    for (size_t i = 0; i < 2; i++) {
        uint32_t slot = ed_event_slot(cl, ids[i]);
        if (slot != NONE)
            cl->events[slot].n_links += (uint32_t)more;
    }
}

static void link_remove(eddy_clusterer *cl, uint32_t i)
{
    struct ed_links *l = &cl->links;
    link_count(cl, &l->at[i], -1);
    l->n--;
    l->at[i] = l->at[l->n];
    ed_mark(cl, ED_LINK, i);
    ed_mark(cl, ED_LINK, l->n);
}

int ed_links_fit(const eddy_clusterer *cl, size_t more)
{
    size_t firm = 0;
    if (cl->links.n + more <= LINKS_MAX)
        return 1;
    for (uint32_t i = 0; i < cl->links.n; i++)
        firm += cl->links.at[i].by == EDDY_PERSON;
    return firm + more <= LINKS_MAX;
}

/* Make room for one: the link of the lowest rank goes, of these the oldest. */
static void link_evict(eddy_clusterer *cl)
{
    uint32_t worst = 0;
    const struct ed_link *at = cl->links.at;
    for (uint32_t i = 1; i < cl->links.n; i++)
        if (at[i].by < at[worst].by ||
            (at[i].by == at[worst].by && at[i].operation < at[worst].operation))
            worst = i;
    link_remove(cl, worst);
    cl->links.max_hits++;
}

int ed_link_put(eddy_clusterer *cl, struct ed_link link)
{
    if (link.low > link.high) {
        uint64_t low = link.high;
        link.high = link.low;
        link.low = low;
    }
    uint32_t i = link_place(cl, link.low, link.high);
    int none = ed_link_none(&link);
    if (i != NONE && none)
        link_remove(cl, i);
    if (none)
        return 1;
    if (i == NONE) {
        if (cl->links.n == LINKS_MAX)
            link_evict(cl);
        if (!ed_links_room(cl, (size_t)cl->links.n + 1))
            return 0;
        i = cl->links.n++;
        link_count(cl, &link, 1);
    }
    cl->links.at[i] = link;
    ed_mark(cl, ED_LINK, i);
    return 1;
}

/* Of two that are said of one pair: the one of higher rank, then the firmer one, then the newer. */
static int link_outranks(const struct ed_link *a, const struct ed_link *b)
{
    if (a->by != b->by)
        return a->by > b->by;
    double x = fabs(a->strength);
    double y = fabs(b->strength);
    return x > y || (!(y > x) && a->operation > b->operation);
}

/* This link, said of event `to` in the place of `from`. */
static int link_said_of(eddy_clusterer *cl, struct ed_link link, uint64_t from, uint64_t to)
{
    uint64_t other = link.low == from ? link.high : link.low;
    const struct ed_link *there = ed_link_find(cl, to, other);
    if (other == to || (there && !link_outranks(&link, there)))
        return 1;
    link.low = to;
    link.high = other;
    return ed_link_put(cl, link);
}

int ed_links_copy(eddy_clusterer *cl, uint32_t to, uint32_t from)
{
    if (!cl->events[from].n_links)
        return 1;
    uint64_t id = cl->events[from].id;
    uint32_t n = cl->links.n; /* copies come behind; where one evicts another, it is no worse */
    for (uint32_t i = 0; i < n && i < cl->links.n; i++)
        if ((cl->links.at[i].low == id || cl->links.at[i].high == id) &&
            !link_said_of(cl, cl->links.at[i], id, cl->events[to].id))
            return 0;
    return 1;
}

void ed_links_drop(eddy_clusterer *cl, uint32_t slot)
{
    uint64_t id = cl->events[slot].id;
    for (uint32_t i = cl->links.n; i-- > 0 && cl->events[slot].n_links;)
        if (cl->links.at[i].low == id || cl->links.at[i].high == id)
            link_remove(cl, i);
}

/* ---- redirects ---- */

int ed_redirects_room(eddy_clusterer *cl, size_t wanted)
{
    struct ed_redirects *r = &cl->redirects;
    if (wanted <= r->room)
        return 1;
    size_t room = r->room ? r->room * (size_t)2 : 64;
    room = ((wanted > room ? wanted : room) + 63) & ~(size_t)63;
    struct ed_redirect *wide = ed_realloc(r->at, room * sizeof *wide);
    if (!wide)
        return 0;
    r->at = wide;
    if (!ed_marks_room(&cl->marks[ED_REDIRECT], room))
        return 0;
    r->room = (uint32_t)room;
    return 1;
}

uint64_t eddy_clusterer_where(const eddy_clusterer *cl, uint64_t id)
{
    const struct ed_redirects *r = &cl->redirects;
    if (cl->load)
        return 0;
    for (uint32_t steps = 0; id && steps <= r->n; steps++) {
        if (ed_event_slot(cl, id) != NONE)
            return id;
        const uint64_t *place = ed_table_find(&r->place, id);
        if (!place)
            return 0;
        id = r->at[*place].into;
    }
    return 0;
}

/* Those that lead nowhere go, and the oldest of the others; what is left leads there at once. */
static int redirects_sweep(eddy_clusterer *cl)
{
    struct ed_redirects *r = &cl->redirects;
    uint32_t live = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        struct ed_redirect *x = &r->at[i];
        uint64_t end = eddy_clusterer_where(cl, x->id);
        x->into = end; /* 0 on the way ends the others that go this way */
        live += end != 0;
    }
    uint32_t surplus = live > REDIRECTS_MAX / 2 ? live - REDIRECTS_MAX / 2 : 0;
    uint32_t kept = 0;
    r->max_hits += surplus;
    for (uint32_t i = 0; i < r->n; i++) {
        ed_mark(cl, ED_REDIRECT, i);
        struct ed_redirect x = r->at[i];
        if (!x.into)
            continue;
        if (surplus)
            surplus--;
        else
            r->at[kept++] = x;
    }
    r->n = kept;
    ed_table_clear(&r->place);
    for (uint32_t i = 0; i < r->n; i++)
        if (!ed_table_put(&r->place, r->at[i].id, i))
            return 0;
    return 1;
}

static int redirect_add(eddy_clusterer *cl, uint64_t id, uint64_t into)
{
    struct ed_redirects *r = &cl->redirects;
    if (r->n == REDIRECTS_MAX && !redirects_sweep(cl))
        return 0;
    if (!ed_redirects_room(cl, (size_t)r->n + 1) || !ed_table_put(&r->place, id, r->n))
        return 0;
    r->at[r->n] = (struct ed_redirect){id, into};
    ed_mark(cl, ED_REDIRECT, r->n++);
    return 1;
}

/* ---- the whole of an event ---- */

int ed_links_merged(eddy_clusterer *cl, uint32_t into, uint32_t from)
{
    uint64_t id = cl->events[from].id;
    ed_mark(cl, ED_EVENT, into);
    for (uint32_t i = cl->links.n; i-- > 0 && cl->events[from].n_links;) {
        struct ed_link link = cl->links.at[i];
        if (link.low != id && link.high != id)
            continue;
        link_remove(cl, i); /* before it is put: it needs no room that is not there */
        if (!link_said_of(cl, link, id, cl->events[into].id))
            return 0;
    }
    return redirect_add(cl, id, cl->events[into].id) &&
           ed_given_merged(cl, &cl->events[into].given, cl->events[from].given);
}

/* ---- holds ---- */

void ed_hold(eddy_clusterer *cl, uint32_t slot, uint64_t number, eddy_actor by)
{
    const struct ed_event_state *ev = &cl->events[slot];
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        cl->groups[ev->groups[i]].held[by == EDDY_PERSON] = number;
        ed_mark(cl, ED_GROUP, ev->groups[i]);
    }
}

void ed_hold_release(eddy_clusterer *cl, uint64_t number)
{
    for (uint32_t u = 0; u < cl->group_slots.n; u++) {
        struct ed_group *g = &cl->groups[u];
        for (size_t k = 0; k < 2 && g->id; k++) {
            if (g->held[k] != number)
                continue;
            g->held[k] = 0;
            ed_mark(cl, ED_GROUP, u);
        }
    }
}

int ed_held(const eddy_clusterer *cl, uint32_t group)
{
    const struct ed_group *g = &cl->groups[group];
    const struct ed_event_state *ev = &cl->events[g->event];
    for (uint32_t i = 0; i < ev->n_groups && ed_held_by(g); i++)
        if (ev->groups[i] != group && ed_held_both(g, &cl->groups[ev->groups[i]], EDDY_ONLINE, 0))
            return 1;
    return 0;
}

static int listed(const uint32_t *groups, size_t n, uint32_t group)
{
    for (size_t i = 0; i < n; i++)
        if (groups[i] == group)
            return 1;
    return 0;
}

int ed_hold_bars(const eddy_clusterer *cl, uint32_t slot, const uint32_t *leaving, size_t n,
                 eddy_actor actor, uint64_t but)
{
    const struct ed_event_state *ev = &cl->events[slot];
    for (size_t k = 0; k < n; k++) {
        const struct ed_group *g = &cl->groups[leaving[k]];
        for (uint32_t i = 0; i < ev->n_groups && ed_held_by(g); i++)
            if (ed_held_both(g, &cl->groups[ev->groups[i]], actor, but) &&
                !listed(leaving, n, ev->groups[i]))
                return 1;
    }
    return 0;
}
