/* The miner's records are all there: they are fitted together, and not trusted. */
#include "engine/templates.h"

static eddy_status nodes_fit(eddy_miner *m, eddy_error *err)
{
    m->slots.n = m->slots.hint = 0;
    m->founder_bytes = 0;
    for (uint32_t slot = 0; slot < m->room_nodes; slot++) {
        struct ed_node *node = &m->nodes[slot];
        if (!node->id) {
            *node = (struct ed_node){.root = slot, .next = slot, .places = NONE};
            continue;
        }
        const struct ed_node *root = node->root < m->room_nodes ? &m->nodes[node->root] : NULL;
        if (!node->count || node->seen >= m->lines || node->number >= m->next_number || !root ||
            !root->id || root->root != node->root || root->number > node->number ||
            ed_table_find(&m->slot_of, node->id))
            return ed_unfit(err, "template in slot", slot);
        if (!ed_table_put(&m->slot_of, node->id, slot))
            return eddy_fail_nomem(err, "state", sizeof *node);
        m->slots.used[slot / 64] |= UINT64_C(1) << slot % 64;
        m->slots.n = slot + 1;
        node->places = NONE;
        m->n_nodes++;
        m->n_coarse += node->coarse;
        m->founder_bytes += ed_founder_size(node->founder);
        m->stats.templates += node->root == slot;
        m->stats.merged += node->root != slot;
    }
    ed_rings_make(m);
    return EDDY_OK;
}

/* All that the window tells of must be there. */
static eddy_status window_fit(eddy_miner *m, eddy_error *err)
{
    uint64_t n = 0;
    for (uint32_t slot = 0; slot < m->slots.n; slot++) {
        const struct ed_node *node = &m->nodes[slot];
        if (!node->id || !ed_in_window(m, node))
            continue;
        m->window[node->number % m->o.learning] = node->coarse ? NONE : slot;
        n++;
    }
    if (n != m->next_number - m->window_from)
        return ed_unfit(err, "window of templates", n);
    return ed_window_begin(m) ? EDDY_OK : eddy_fail_nomem(err, "state", WINDOW_PLACES);
}

static eddy_status places_fit(eddy_miner *m, eddy_error *err)
{
    m->place_slots.n = m->place_slots.hint = 0;
    for (uint32_t slot = 0; slot < m->room_places; slot++) {
        struct ed_place *place = &m->places[slot];
        if (!place->key)
            continue;
        if (place->root >= m->slots.n || !m->nodes[place->root].id ||
            m->nodes[place->root].root != place->root || place->order >= m->next_order ||
            ed_table_find(&m->place_of, place->key))
            return ed_unfit(err, "place", slot);
        if (!ed_table_put(&m->place_of, place->key, slot))
            return eddy_fail_nomem(err, "state", sizeof *place);
        m->place_slots.used[slot / 64] |= UINT64_C(1) << slot % 64;
        m->place_slots.n = slot + 1;
        place->next = m->nodes[place->root].places;
        m->nodes[place->root].places = slot;
        m->n_places++;
        m->n_pairs += place->pair;
    }
    return EDDY_OK;
}

static eddy_status sticky_fit(eddy_miner *m, size_t n, eddy_error *err)
{
    for (m->n_sticky = 0; m->n_sticky < n; m->n_sticky++) {
        uint64_t key = m->n_sticky < m->room_sticky ? m->sticky[m->n_sticky] : 0;
        if (!key || ed_table_find(&m->is_sticky, key) || ed_table_find(&m->place_of, key))
            return ed_unfit(err, "closed place", m->n_sticky);
        if (!ed_table_put(&m->is_sticky, key, 1))
            return eddy_fail_nomem(err, "state", n);
    }
    return EDDY_OK;
}

/* The sum of the hashes of all records but the scalars. */
static uint64_t things_sum(const eddy_miner *m)
{
    uint64_t ret = 0;
    for (size_t i = 1; i < ED_MINER_KINDS; i++)
        for (size_t j = 0; j < m->marks[i].room; j++)
            ret += m->marks[i].hash[j];
    return ret;
}

eddy_status eddy_miner_loaded(eddy_miner *m, eddy_error *err)
{
    struct ed_miner_load *load = m->load;
    if (!load)
        return EDDY_OK;
    m->hash_things = things_sum(m);
    if (!load->scalars || load->things != m->hash_things)
        return eddy_fail(err, EDDY_FORMAT, "state: records of templates are missing");
    eddy_status st = nodes_fit(m, err);
    if (st == EDDY_OK)
        st = places_fit(m, err);
    if (st == EDDY_OK)
        st = sticky_fit(m, load->n_sticky, err);
    if (st == EDDY_OK)
        st = window_fit(m, err);
    if (st == EDDY_OK && (m->n_nodes != load->n_nodes || m->n_places != load->n_places))
        st = ed_unfit(err, "number of templates", m->n_nodes);
    if (st != EDDY_OK)
        return st;
    ed_free(m->load);
    m->load = NULL;
    return EDDY_OK;
}
