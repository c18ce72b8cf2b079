/* A place is closed for good: what only it held together comes apart (LOGS 3.5).
 *
 * Nodes are one when an open place has both. So each part is found from the lines that founded its
 * nodes; nothing need be kept of past merges. */
#include "engine/templates.h"

/* The nodes of a root, oldest first, and which of them are still one. */
struct parts {
    uint32_t *slots, *first; /* (n) the oldest of its part, as a number in slots */
    uint32_t n;
    struct ed_table of_place; /* open place + 1 -> number in slots of one that has it */
};

static void parts_clear(struct parts *p)
{
    ed_free(p->slots);
    ed_free(p->first);
    ed_table_clear(&p->of_place);
}

static int parts_begin(const eddy_miner *m, uint32_t root, struct parts *ret)
{
    uint32_t n = 0, slot = root;
    do {
        n++;
        slot = m->nodes[slot].next;
    } while (slot != root);
    *ret = (struct parts){.slots = ed_alloc(n * sizeof *ret->slots),
                          .first = ed_alloc(n * sizeof *ret->first)};
    if (!ret->slots || !ret->first)
        return 0;
    do {
        uint32_t at = ret->n++; /* by number of founding */
        for (; at && m->nodes[ret->slots[at - 1]].number > m->nodes[slot].number; at--)
            ret->slots[at] = ret->slots[at - 1];
        ret->slots[at] = slot;
        slot = m->nodes[slot].next;
    } while (slot != root);
    for (uint32_t i = 0; i < n; i++)
        ret->first[i] = i;
    return 1;
}

static uint32_t first_of(struct parts *p, uint32_t i)
{
    while (p->first[i] != i)
        i = p->first[i] = p->first[p->first[i]];
    return i;
}

/* The words of a node that stand at open places vary. */
static uint64_t mask_of(const eddy_miner *m, const struct ed_founder *f)
{
    struct ed_form form = ed_form_of(f);
    struct ed_keys keys;
    uint64_t ret = 0;
    ed_keys_of(&form, 1, &keys);
    for (unsigned i = 0; i < keys.n; i++)
        if (keys.reason[i] != EDDY_PLACE_VARIABLE && ed_table_find(&m->place_of, keys.key[i]))
            ret |= UINT64_C(1) << keys.word[i] | UINT64_C(1) << keys.second[i];
    return ret;
}

/* 0: no memory. */
static int parts_find(const eddy_miner *m, struct parts *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        struct ed_form form = ed_form_of(m->nodes[p->slots[i]].founder);
        struct ed_keys keys;
        ed_keys_of(&form, 1, &keys);
        for (unsigned k = 0; k < keys.n; k++) {
            const uint64_t *place = ed_table_find(&m->place_of, keys.key[k]);
            if (!place)
                continue;
            uint64_t *with = ed_table_put(&p->of_place, *place + 1, i);
            if (!with)
                return 0;
            uint32_t a = first_of(p, (uint32_t)*with), b = first_of(p, i);
            p->first[a > b ? a : b] = a < b ? a : b;
        }
    }
    return 1;
}

/* Each open place goes to the part that has it. */
static void places_deal(eddy_miner *m, uint32_t root, struct parts *p)
{
    uint32_t place = m->nodes[root].places;
    m->nodes[root].places = NONE;
    while (place != NONE) {
        uint32_t after = m->places[place].next;
        const uint64_t *with = ed_table_find(&p->of_place, place + UINT64_C(1));
        uint32_t to = with ? p->slots[first_of(p, (uint32_t)*with)] : root;
        m->places[place].root = to;
        m->places[place].next = m->nodes[to].places;
        m->nodes[to].places = place;
        ed_miner_mark(m, ED_MINER_PLACE, place);
        place = after;
    }
}

/* 0: no memory. */
static int parts_part(eddy_miner *m, uint32_t root, struct parts *p, uint64_t key)
{
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t first = first_of(p, i), slot = p->slots[i], to = p->slots[first];
        struct ed_node *node = &m->nodes[slot];
        node->root = to;
        ed_miner_mark(m, ED_MINER_STANDING, slot);
        if (first != i) {
            const struct ed_founder *a = m->nodes[to].founder, *b = node->founder;
            m->nodes[to].mask |= ed_words_unlike(a->hashes, a->n, b->hashes, b->n, NULL);
            continue;
        }
        node->mask = mask_of(m, node->founder);
        if (slot == root)
            continue;
        m->stats.templates++;
        m->stats.merged--;
        eddy_template_change *change =
            ed_template_told(m, EDDY_TEMPLATE_SPLIT, slot, m->nodes[root].last_ms);
        if (!change)
            return 0;
        change->other = m->nodes[root].id;
        change->other_slot = root;
        change->place = key;
    }
    return 1;
}

int ed_sticky_room(eddy_miner *m, size_t wanted)
{
    size_t room = m->room_sticky ? m->room_sticky : 16;
    while (room < wanted)
        room *= 2;
    uint64_t *wide =
        room == m->room_sticky ? m->sticky : ed_realloc(m->sticky, room * sizeof *wide);
    if (!wide)
        return 0;
    if (room > m->room_sticky)
        memset(wide + m->room_sticky, 0, (room - m->room_sticky) * sizeof *wide);
    m->sticky = wide;
    m->room_sticky = room;
    return 1;
}

static int close_for_good(eddy_miner *m, uint32_t place)
{
    uint64_t key = m->places[place].key;
    if (!ed_sticky_room(m, m->n_sticky + 1) || !ed_table_put(&m->is_sticky, key, 1))
        return 0;
    ed_miner_mark(m, ED_MINER_STICKY, (uint32_t)m->n_sticky);
    m->sticky[m->n_sticky++] = key;
    ed_place_drop(m, place);
    return 1;
}

eddy_status eddy_miner_close(eddy_miner *m, uint64_t key, eddy_error *err)
{
    eddy_status st = ed_miner_ready(m, err);
    if (st != EDDY_OK)
        return st;
    const uint64_t *place = ed_table_find(&m->place_of, key);
    if (!place)
        return eddy_fail(err, EDDY_INVALID, "miner: place %llx is not open",
                         (unsigned long long)key);
    if (m->n_sticky == STICKY_MAX)
        return eddy_fail(err, EDDY_INVALID, "miner: %d places are closed already", STICKY_MAX);
    ed_told_clear(m);
    uint32_t root = m->places[*place].root;
    struct parts parts = {0};
    int done = close_for_good(m, (uint32_t)*place) && parts_begin(m, root, &parts) &&
               parts_find(m, &parts) && parts_part(m, root, &parts, key);
    if (done) {
        places_deal(m, root, &parts);
        ed_rings_make(m);
        ed_miner_forget(m);
    }
    parts_clear(&parts);
    return done ? EDDY_OK : eddy_fail_nomem(err, "miner", sizeof *m->nodes);
}
