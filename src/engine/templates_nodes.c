/* Nodes: signatures that founded a template, and what they were merged into.
 *
 * They live in slots, the lowest that is free. All nodes of a root know it at first hand: merges
 * are rare and lines are many. When there are too many, those fade that are unseen for longest:
 * merged ones without a word (should they come again they are absorbed, or merged anew), roots only
 * when nothing hangs on them, and never one that is still learned from. */
#include "engine/templates.h"

#include <stdlib.h>

/* ---- room ---- */

int ed_nodes_room(eddy_miner *m, size_t wanted)
{
    size_t room = m->room_nodes ? m->room_nodes * (size_t)2 : 256;
    size_t most = ((size_t)m->o.templates_max + 63) & ~(size_t)63;
    if (wanted <= m->room_nodes)
        return 1;
    room = room < most ? room : most;
    room = ((wanted > room ? wanted : room) + 63) & ~(size_t)63;
    struct ed_node *wide = ed_realloc(m->nodes, room * sizeof *wide);
    if (!wide)
        return 0;
    memset(wide + m->room_nodes, 0, (room - m->room_nodes) * sizeof *wide);
    m->nodes = wide;
    if (!ed_slots_room(&m->slots, m->room_nodes, room) ||
        !ed_marks_room(&m->marks[ED_MINER_NODE - ED_MINER_SCALARS], room) ||
        !ed_marks_room(&m->marks[ED_MINER_STANDING - ED_MINER_SCALARS], room) ||
        !ed_marks_room(&m->marks[ED_MINER_COUNTS - ED_MINER_SCALARS], room / PAGE_NODES))
        return 0;
    m->room_nodes = (uint32_t)room;
    return 1;
}

/* ---- founding ---- */

struct ed_founder *ed_founder_new(unsigned n, unsigned n_variables, size_t n_text)
{
    struct ed_founder *f = ed_alloc(ed_founder_bytes(n, n_variables, n_text));
    if (!f)
        return NULL;
    f->n = (uint8_t)n;
    f->n_variables = (uint8_t)n_variables;
    f->n_text = (uint16_t)n_text;
    return f;
}

static struct ed_founder *founder_of(const eddy_line *line)
{
    const eddy_scan *s = line->scan;
    size_t n_text = ed_utf8_cut(line->message.at, line->message.n, EDDY_SCAN_BYTES);
    /* What was kept stays, should it end in the midst of a character. */
    for (unsigned i = 0; i < s->n; i++)
        n_text = n_text < s->words[i].at + (size_t)s->words[i].n ? EDDY_SCAN_BYTES : n_text;
    for (unsigned i = 0; i < s->n_variables; i++)
        n_text = n_text < s->variables[i].at + (size_t)s->variables[i].n ? EDDY_SCAN_BYTES : n_text;
    struct ed_founder *f = ed_founder_new(s->n, s->n_variables, n_text);
    if (!f)
        return NULL;
    f->rest = s->rest;
    f->polar = s->polar;
    f->gaps = s->gaps;
    memcpy(f->hashes, s->hashes, s->n * sizeof *s->hashes);
    memcpy(ed_founder_words(f), s->words, s->n * sizeof *s->words);
    memcpy(ed_founder_variables(f), s->variables, s->n_variables * sizeof *s->variables);
    memcpy(ed_founder_flags(f), s->flags, s->n);
    memcpy(ed_founder_before(f), s->before, s->n_variables);
    if (n_text)
        memcpy(ed_founder_text(f), line->message.at, n_text);
    return f;
}

uint32_t ed_node_new(eddy_miner *m, uint64_t id, const eddy_line *line)
{
    uint32_t slot = ed_slots_lowest(&m->slots);
    if (!ed_nodes_room(m, (size_t)slot + 1))
        return NONE;
    struct ed_founder *founder = founder_of(line);
    if (!founder || !ed_table_put(&m->slot_of, id, slot)) {
        ed_free(founder);
        return NONE;
    }
    ed_slots_take(&m->slots, slot);
    m->nodes[slot] = (struct ed_node){.id = id,
                                      .seen = m->lines,
                                      .first_ms = line->time_ms,
                                      .last_ms = line->time_ms,
                                      .root = slot,
                                      .next = slot,
                                      .places = NONE,
                                      .number = m->next_number++,
                                      .founder = founder};
    m->n_nodes++;
    m->founder_bytes += ed_founder_size(founder);
    m->stats.templates++;
    ed_miner_mark(m, ED_MINER_NODE, slot);
    ed_miner_mark(m, ED_MINER_STANDING, slot);
    return slot;
}

/* ---- merging ---- */

/* What varies in the text of `into` once all of `from` is in it. */
static void mask_join(struct ed_node *into, const struct ed_node *from)
{
    const struct ed_founder *a = into->founder, *b = from->founder;
    uint8_t b_of[EDDY_SCAN_WORDS];
    uint64_t unlike = ed_words_unlike(a->hashes, a->n, b->hashes, b->n, b_of);
    into->mask |= unlike;
    for (unsigned i = 0; i < a->n; i++)
        if (!(unlike >> i & 1) && from->mask >> b_of[i] & 1)
            into->mask |= UINT64_C(1) << i;
}

static void ring_insert(eddy_miner *m, uint32_t root, uint32_t slot)
{
    m->nodes[slot].next = m->nodes[root].next;
    m->nodes[root].next = slot;
}

void ed_nodes_join(eddy_miner *m, uint32_t into, uint32_t from)
{
    struct ed_node *nodes = m->nodes;
    mask_join(&nodes[into], &nodes[from]);
    uint32_t slot = from;
    do {
        nodes[slot].root = into;
        ed_miner_mark(m, ED_MINER_STANDING, slot);
        slot = nodes[slot].next;
    } while (slot != from);
    uint32_t next = nodes[into].next;
    nodes[into].next = nodes[from].next;
    nodes[from].next = next;
    for (uint32_t place = nodes[from].places; place != NONE;) {
        uint32_t after = m->places[place].next;
        m->places[place].root = into;
        m->places[place].next = nodes[into].places;
        nodes[into].places = place;
        ed_miner_mark(m, ED_MINER_PLACE, place);
        place = after;
    }
    nodes[from].places = NONE;
    ed_miner_mark(m, ED_MINER_STANDING, into);
    m->stats.templates--;
    m->stats.merged++;
}

void ed_rings_make(eddy_miner *m)
{
    for (uint32_t slot = 0; slot < m->slots.n; slot++)
        m->nodes[slot].next = slot;
    for (uint32_t slot = 0; slot < m->slots.n; slot++)
        if (m->nodes[slot].id && m->nodes[slot].root != slot)
            ring_insert(m, m->nodes[slot].root, slot);
}

/* ---- fading ---- */

struct idle {
    uint64_t seen;
    uint32_t slot;
};

static int idle_order(const void *a, const void *b)
{
    const struct idle *x = a, *y = b;
    return x->seen != y->seen ? (x->seen < y->seen ? -1 : 1)
                              : (x->slot > y->slot) - (x->slot < y->slot);
}

/* What it counted stays with its root. */
static void member_drop(eddy_miner *m, uint32_t slot)
{
    const struct ed_node *node = &m->nodes[slot];
    struct ed_node *root = &m->nodes[node->root];
    root->count += node->count;
    root->first_ms = root->first_ms < node->first_ms ? root->first_ms : node->first_ms;
    root->last_ms = root->last_ms > node->last_ms ? root->last_ms : node->last_ms;
    root->seen = root->seen > node->seen ? root->seen : node->seen;
    ed_miner_mark(m, ED_MINER_STANDING, node->root);
    ed_miner_mark(m, ED_MINER_COUNTS, node->root / PAGE_NODES);
    m->stats.merged--;
    m->stats.dropped++;
}

static int root_drop(eddy_miner *m, uint32_t slot, int64_t time_ms)
{
    while (m->nodes[slot].places != NONE)
        ed_place_drop(m, m->nodes[slot].places);
    m->stats.templates--;
    m->stats.faded++;
    return ed_template_told(m, EDDY_TEMPLATE_FADED, slot, time_ms) != NULL;
}

static void node_drop(eddy_miner *m, uint32_t slot)
{
    struct ed_node *node = &m->nodes[slot];
    uint32_t coarse = node->coarse;
    ed_table_remove(&m->slot_of, node->id);
    m->founder_bytes -= ed_founder_size(node->founder);
    ed_free(node->founder);
    *node = (struct ed_node){.root = slot, .next = slot, .places = NONE};
    ed_slots_free(&m->slots, slot);
    m->n_nodes--;
    m->n_coarse -= coarse;
    ed_miner_mark(m, ED_MINER_NODE, slot);
    ed_miner_mark(m, ED_MINER_STANDING, slot);
    ed_miner_mark(m, ED_MINER_COUNTS, slot / PAGE_NODES);
}

int ed_nodes_fade(eddy_miner *m, int64_t time_ms)
{
    struct idle *idle = ed_alloc(m->n_nodes * sizeof *idle);
    uint32_t n = 0, most = m->o.templates_max / 16;
    if (!idle)
        return 0;
    for (uint32_t slot = 0; slot < m->slots.n; slot++) {
        const struct ed_node *node = &m->nodes[slot];
        if (node->id && !ed_in_window(m, node) && (node->root != slot || node->next == slot))
            idle[n++] = (struct idle){node->seen, slot};
    }
    qsort(idle, n, sizeof *idle, idle_order);
    int told = 1;
    for (uint32_t i = 0; i < n && i < most && told; i++) {
        uint32_t slot = idle[i].slot;
        if (m->nodes[slot].root != slot)
            member_drop(m, slot);
        else
            told = root_drop(m, slot, time_ms);
        node_drop(m, slot);
    }
    ed_free(idle);
    ed_rings_make(m);
    ed_miner_forget(m);
    return told;
}
