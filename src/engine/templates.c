/* The public face of the miner: lines in their order (LOGS 3.2).
 *
 * A line of a signature that was seen lately costs one look into the cache and a counter. Any other
 * is a node that the cache forgot, or belongs to an open place, or founds a template.
 *
 * A flood of lines that are all new would drive out what was learned. While more than one line in
 * twenty founds, and a quarter of the room is taken, a line that would found belongs to all those
 * that begin with the same three words and have as many, or, when there are too many such
 * beginnings, to all that have as many words; nothing is learned from it. */
#include "engine/templates.h"

#define BLOCK_LINES  10000
#define FLOOD_FOUNDS (BLOCK_LINES / 20)
#define COARSE_WORDS 3
#define COARSE_SHARE 64 /* of the room, for such templates */
#define COARSE_TAG   UINT64_C(0x636f61727365)

/* ---- handles ---- */

void eddy_miner_options_init(eddy_miner_options *options)
{
    *options = (eddy_miner_options){.templates_max = 65536, .learning = 4096};
}

uint64_t eddy_miner_fingerprint(const eddy_miner_options *options)
{
    uint64_t h = ed_mix64(EDDY_MINER_STATE_VERSION);
    h = ed_mix64(h ^ options->templates_max);
    return ed_mix64(h ^ options->learning);
}

eddy_status eddy_miner_new(const eddy_miner_options *options, eddy_miner **ret, eddy_error *err)
{
    if (options->templates_max < 64 || options->templates_max > 1 << 20 || !options->learning)
        return eddy_fail(err, EDDY_INVALID, "miner: %u templates, learning from %u",
                         options->templates_max, options->learning);
    eddy_miner *m = ed_alloc_zero(1, sizeof *m);
    if (!m)
        return eddy_fail_nomem(err, "miner", sizeof *m);
    m->o = *options;
    if (m->o.learning > m->o.templates_max / 4)
        m->o.learning = m->o.templates_max / 4;
    m->next_number = m->next_order = m->window_from = 1;
    m->free_closed = NONE;
    m->cache = ed_alloc_aligned(CACHE_SETS * sizeof *m->cache);
    m->window = ed_alloc_zero(m->o.learning, sizeof *m->window);
    m->told = eddy_arena_new(0);
    if (!m->cache || !m->window || !m->told || !ed_nodes_room(m, 1) || !ed_places_room(m, 1) ||
        !ed_marks_room(&m->marks[0], 64) ||
        !ed_marks_room(&m->marks[ED_MINER_STICKY - ED_MINER_SCALARS], STICKY_MAX)) {
        eddy_miner_free(m);
        return eddy_fail_nomem(err, "miner", CACHE_SETS * sizeof *m->cache);
    }
    ed_miner_forget(m);
    *ret = m;
    return EDDY_OK;
}

void eddy_miner_free(eddy_miner *m)
{
    if (!m)
        return;
    for (uint32_t slot = 0; slot < m->room_nodes; slot++)
        ed_free(m->nodes[slot].founder);
    ed_free(m->nodes);
    ed_grown_free(m->slots.used);
    ed_table_clear(&m->slot_of);
    ed_free(m->cache);
    ed_free(m->window);
    ed_table_clear(&m->closed_of);
    ed_free(m->closed);
    ed_free(m->places);
    ed_grown_free(m->place_slots.used);
    ed_table_clear(&m->place_of);
    ed_free(m->sticky);
    ed_table_clear(&m->is_sticky);
    ed_free(m->changes);
    eddy_arena_free(m->told);
    for (size_t i = 0; i < ED_MINER_KINDS; i++) {
        ed_grown_free(m->marks[i].dirty);
        ed_grown_free(m->marks[i].renew);
        ed_grown_free(m->marks[i].hash);
    }
    ed_free(m->load);
    ed_free(m);
}

eddy_status ed_miner_ready(const eddy_miner *m, eddy_error *err)
{
    return m->load ? eddy_fail(err, EDDY_INVALID, "miner: its records are still being loaded")
                   : EDDY_OK;
}

/* ---- the cache ---- */

void ed_miner_forget(eddy_miner *m)
{
    memset(m->cache, 0, CACHE_SETS * sizeof *m->cache);
}

static inline struct ed_cache_set *cache_set(const eddy_miner *m, uint64_t signature)
{
    return &m->cache[signature >> 20 & (CACHE_SETS - 1)];
}

/* Slot of the node, or of the root at that time; NONE: not known. */
static inline uint32_t cache_find(const eddy_miner *m, uint64_t signature)
{
    struct ed_cache_set *set = cache_set(m, signature);
    for (unsigned i = 0; i < CACHE_WAYS; i++)
        if (set->keys[i] == signature) {
            set->used[i] = (uint32_t)m->lines;
            return set->slots[i];
        }
    return NONE;
}

static void cache_put(eddy_miner *m, uint64_t signature, uint32_t slot)
{
    struct ed_cache_set *set = cache_set(m, signature);
    unsigned at = 0;
    for (unsigned i = 0; i < CACHE_WAYS && set->keys[at]; i++)
        if (!set->keys[i] || (uint32_t)m->lines - set->used[i] > (uint32_t)m->lines - set->used[at])
            at = i;
    set->keys[at] = signature;
    set->slots[at] = slot;
    set->used[at] = (uint32_t)m->lines;
}

/* ---- changes ---- */

void ed_told_clear(eddy_miner *m)
{
    m->n_changes = 0;
    eddy_arena_reset(m->told);
}

eddy_template_change *ed_template_told(eddy_miner *m, eddy_template_change_kind kind, uint32_t slot,
                                       int64_t time_ms)
{
    eddy_template_change *wide =
        ed_list_room(m->changes, m->n_changes, &m->room_changes, sizeof *m->changes);
    if (!wide)
        return NULL;
    m->changes = wide;
    m->changes[m->n_changes] = (eddy_template_change){
        .kind = kind, .line = m->lines, .time_ms = time_ms, .id = m->nodes[slot].id, .slot = slot};
    return &m->changes[m->n_changes++];
}

size_t eddy_miner_changes(const eddy_miner *m, const eddy_template_change **ret)
{
    *ret = m->changes;
    return m->n_changes;
}

/* ---- founding ---- */

static int is_flood(eddy_miner *m)
{
    int flood =
        m->n_nodes >= m->o.templates_max / 4 && (m->flooded || m->block_founded >= FLOOD_FOUNDS);
    m->block_founded++;
    if (flood && !m->stats.flooded)
        m->stats.floods++;
    m->stats.flooded = flood;
    return flood;
}

static void block_count(eddy_miner *m)
{
    if (++m->block_lines < BLOCK_LINES)
        return;
    m->flooded = m->block_founded >= FLOOD_FOUNDS;
    m->stats.flooded &= m->flooded;
    m->block_lines = m->block_founded = 0;
}

static uint64_t coarse_id(const eddy_scan *s, unsigned n_words)
{
    uint64_t h = COARSE_TAG + n_words;
    for (unsigned i = 0; i < n_words && i < s->n; i++)
        h = ed_mix_pair(h, s->hashes[i]);
    h = ed_mix_pair(h, s->n);
    return h ? h : 1;
}

/* Founds a template; a coarse one for all lines that begin with the same words. NONE: no memory. */
static uint32_t found(eddy_miner *m, const eddy_line *line, uint64_t id, int coarse,
                      unsigned n_words)
{
    if (m->n_nodes == m->o.templates_max && !ed_nodes_fade(m, line->time_ms))
        return NONE;
    uint32_t slot = ed_node_new(m, id, line);
    if (slot == NONE || !ed_template_told(m, EDDY_TEMPLATE_FOUNDED, slot, line->time_ms))
        return NONE;
    m->stats.founded++;
    if (coarse) {
        m->nodes[slot].coarse = 1;
        m->nodes[slot].mask = ~((UINT64_C(1) << n_words) - 1);
        m->nodes[slot].changed = UINT64_MAX;
        m->n_coarse++;
    }
    return ed_learn(m, slot) ? slot : NONE;
}

/* In a flood: the coarse template of this line. NONE: no memory. */
static uint32_t found_coarse(eddy_miner *m, const eddy_line *line, int *founded)
{
    unsigned n_words = COARSE_WORDS;
    uint64_t id = coarse_id(line->scan, n_words);
    const uint64_t *there = ed_table_find(&m->slot_of, id);
    m->stats.flood_lines++;
    if (!there && m->n_coarse >= m->o.templates_max / COARSE_SHARE) {
        n_words = 0;
        id = coarse_id(line->scan, n_words);
        there = ed_table_find(&m->slot_of, id);
    }
    if (there)
        return (uint32_t)*there;
    *founded = 1;
    return found(m, line, id, 1, n_words);
}

/* A signature that the cache does not know. NONE: no memory. */
static uint32_t look_up(eddy_miner *m, const eddy_line *line, int *founded)
{
    const eddy_scan *s = line->scan;
    const uint64_t *there = ed_table_find(&m->slot_of, s->signature);
    uint32_t slot = there ? (uint32_t)*there : NONE;
    if (slot == NONE) {
        struct ed_form form = {s->hashes, s->flags, s->gaps, s->rest, s->n};
        uint32_t place = ed_place_of(m, &form);
        slot = place == NONE ? NONE : m->places[place].root;
    }
    if (slot == NONE) {
        if (is_flood(m)) /* not cached: when it is over the line may found a template of its own */
            return found_coarse(m, line, founded);
        *founded = 1;
        slot = found(m, line, s->signature, 0, 0);
    }
    if (slot != NONE)
        cache_put(m, s->signature, slot);
    return slot;
}

static void count(eddy_miner *m, const eddy_line *line, uint32_t slot, eddy_line_answer *ret)
{
    struct ed_node *node = &m->nodes[slot];
    uint32_t root = node->root;
    if (m->nodes[root].looked < LOOKS_MAX)
        ed_node_look(&m->nodes[root], line);
    if (node->id != line->scan->signature) {
        node = &m->nodes[root];
        slot = root;
        m->stats.absorbed++;
    }
    node->count++;
    node->seen = m->lines;
    if (line->time_ms > node->last_ms)
        node->last_ms = line->time_ms;
    if (line->time_ms < node->first_ms) {
        node->first_ms = line->time_ms;
        ed_miner_mark(m, ED_MINER_STANDING, slot);
    }
    ed_miner_mark(m, ED_MINER_COUNTS, slot / PAGE_NODES);
    ed_miner_mark(m, ED_MINER_COUNTS, root / PAGE_NODES);
    ret->signature = line->scan->signature;
    ret->id = m->nodes[root].id;
    ret->slot = root;
}

eddy_status eddy_miner_take(eddy_miner *m, const eddy_line *lines, size_t n, eddy_line_answer *ret,
                            eddy_error *err)
{
    enum { AHEAD = 8 };
    eddy_status st = ed_miner_ready(m, err);
    if (st != EDDY_OK)
        return st;
    ed_told_clear(m);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(cache_set(m, lines[i + AHEAD].scan->signature));
        ret[i].founded = 0;
        uint32_t slot = cache_find(m, lines[i].scan->signature);
        if (slot == NONE)
            slot = look_up(m, &lines[i], &ret[i].founded);
        if (slot == NONE)
            return eddy_fail_nomem(err, "miner", sizeof *m->nodes);
        count(m, &lines[i], slot, &ret[i]);
        m->lines++;
        block_count(m);
    }
    return EDDY_OK;
}

/* ---- what it has done ---- */

static size_t table_bytes(const struct ed_table *t)
{
    return t->room * 2 * sizeof(uint64_t);
}

void eddy_miner_stats_read(const eddy_miner *m, eddy_miner_stats *ret)
{
    *ret = m->stats;
    ret->lines = m->lines;
    ret->places = m->n_places;
    ret->closed = m->n_sticky;
    ret->bytes = sizeof *m + CACHE_SETS * sizeof *m->cache + m->o.learning * sizeof *m->window +
                 m->room_nodes * sizeof *m->nodes + m->room_closed * sizeof *m->closed +
                 m->room_places * sizeof *m->places + m->room_sticky * sizeof *m->sticky +
                 table_bytes(&m->slot_of) + table_bytes(&m->closed_of) + table_bytes(&m->place_of) +
                 table_bytes(&m->is_sticky) + m->founder_bytes;
    for (size_t i = 0; i < ED_MINER_KINDS; i++)
        ret->bytes += m->marks[i].room * sizeof *m->marks[i].hash;
}
