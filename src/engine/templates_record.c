/* The miner's state as records, of what has changed; its hash; and back.
 *
 *   scalars   what is there once: counters, the window, the flood; how many of the rest there are
 *   node      by slot: the line that founded it; written once
 *   standing  by slot: root, what varies, the owner's value; seldom
 *   counts    by page of slots: lines, when seen, variables that vary; often, hence small
 *   place     by slot: an open place
 *   sticky    by number: a place that was closed for good
 *
 * Closed places and the cache are in no record (see templates.h). Bytes are not trusted: what is
 * used as a place is looked at first, and the sum of hashes in the scalars tells whether anything
 * is missing. */
#include "engine/templates.h"

#define SCALARS_MAX 512
#define NODE_MAX    128 /* but its parts */

static struct ed_marks *marks_of(const eddy_miner *m, unsigned kind)
{
    return (struct ed_marks *)&m->marks[kind - ED_MINER_SCALARS];
}

/* Those of ed_kind are other numbers of the same field. */
static uint64_t key_of(unsigned kind, uint64_t number)
{
    return ed_record_key((enum ed_kind)kind, number);
}

/* ---- values ---- */

static ed_out scalars_put(const eddy_miner *m, ed_out at, uint64_t things)
{
    const eddy_miner_stats *s = &m->stats;
    const uint64_t now[] = {EDDY_MINER_STATE_VERSION,
                            m->o.templates_max,
                            m->o.learning,
                            m->lines,
                            m->next_number,
                            m->next_order,
                            m->window_from,
                            m->n_nodes,
                            m->n_places,
                            m->n_sticky,
                            m->block_lines,
                            m->block_founded,
                            m->flooded,
                            (uint64_t)s->flooded,
                            s->founded,
                            s->merges,
                            s->absorbed,
                            s->faded,
                            s->dropped,
                            s->flood_lines,
                            s->floods,
                            s->places_max_hits};
    for (size_t i = 0; i < sizeof now / sizeof *now; i++)
        at = ed_put_varint(at, now[i]);
    return ed_put_u64(at, things);
}

static ed_out spans_put(ed_out at, const eddy_span *spans, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        at = ed_put_varint(ed_put_varint(at, spans[i].at), spans[i].n);
    return at;
}

static ed_out node_put(const struct ed_node *node, ed_out at)
{
    const struct ed_founder *f = node->founder;
    at = ed_put_u64(at, node->id);
    at = ed_put_varint(at, node->number);
    at = ed_put_varint(at, f->rest);
    at = ed_put_varint(at, f->polar);
    at = ed_put_varint(at, f->gaps);
    *at++ = f->n;
    *at++ = f->n_variables;
    *at++ = node->coarse;
    at = ed_put_varint(at, f->n_text);
    for (unsigned i = 0; i < f->n; i++)
        at = ed_put_u64(at, f->hashes[i]);
    at = spans_put(at, ed_founder_words(f), f->n);
    at = spans_put(at, ed_founder_variables(f), f->n_variables);
    at = ed_put_bytes(at, ed_founder_flags(f), f->n);
    at = ed_put_bytes(at, ed_founder_before(f), f->n_variables);
    return ed_put_bytes(at, ed_founder_text(f), f->n_text);
}

static ed_out standing_put(const struct ed_node *node, ed_out at)
{
    at = ed_put_varint(at, node->root);
    at = ed_put_varint(at, node->mask);
    at = ed_put_varint(at, node->value);
    return ed_put_signed(at, node->first_ms);
}

/* Which slots there are, the latest of what they say, and how far each is from that. */
static ed_out counts_put(const eddy_miner *m, ed_out at, uint32_t page)
{
    const struct ed_node *nodes = &m->nodes[page * PAGE_NODES];
    uint64_t there = 0, seen = 0;
    int64_t last_ms = INT64_MIN;
    for (unsigned i = 0; i < PAGE_NODES; i++) {
        if (!nodes[i].id)
            continue;
        there |= UINT64_C(1) << i;
        seen = nodes[i].seen > seen ? nodes[i].seen : seen;
        last_ms = nodes[i].last_ms > last_ms ? nodes[i].last_ms : last_ms;
    }
    at = ed_put_varint(at, there);
    at = ed_put_varint(at, seen);
    at = ed_put_signed(at, last_ms);
    for (unsigned i = 0; i < PAGE_NODES; i++) {
        if (!nodes[i].id)
            continue;
        at = ed_put_varint(at, nodes[i].count);
        at = ed_put_varint(at, seen - nodes[i].seen);
        at = ed_put_varint(at, (uint64_t)last_ms - (uint64_t)nodes[i].last_ms);
        *at++ = nodes[i].looked;
        at = ed_put_varint(at, nodes[i].changed);
    }
    return at;
}

static ed_out place_put(const struct ed_place *place, ed_out at)
{
    at = ed_put_u64(at, place->key);
    at = ed_put_varint(at, place->order);
    at = ed_put_varint(at, place->root);
    *at++ = place->pair;
    return at;
}

/* ---- writing ---- */

static int page_is_empty(const eddy_miner *m, uint32_t page)
{
    for (uint32_t i = 0; i < PAGE_NODES; i++)
        if (m->nodes[page * PAGE_NODES + i].id)
            return 0;
    return 1;
}

/* At most this much will be written of the thing; 0: it is not there. */
static size_t thing_max(const eddy_miner *m, unsigned kind, uint32_t number)
{
    const struct ed_founder *f;
    switch (kind) {
    case ED_MINER_NODE:
        f = m->nodes[number].founder;
        return f ? NODE_MAX + ed_founder_size(f) + (f->n + f->n_variables) * (size_t)2 : 0;
    case ED_MINER_STANDING: return m->nodes[number].id ? 4 * ED_VARINT_MAX : 0;
    case ED_MINER_COUNTS: return page_is_empty(m, number) ? 0 : 64 + PAGE_NODES * (size_t)48;
    case ED_MINER_PLACE: return m->places[number].key ? 64 : 0;
    default: return 8;
    }
}

static ed_out thing_put(const eddy_miner *m, unsigned kind, uint32_t number, ed_out at)
{
    switch (kind) {
    case ED_MINER_NODE: return node_put(&m->nodes[number], at);
    case ED_MINER_STANDING: return standing_put(&m->nodes[number], at);
    case ED_MINER_COUNTS: return counts_put(m, at, number);
    case ED_MINER_PLACE: return place_put(&m->places[number], at);
    default: return ed_put_u64(at, m->sticky[number]);
    }
}

/* Record one marked thing if it is not what was recorded; *things follows. */
static int thing_record(const eddy_miner *m, struct ed_recorder *r, unsigned kind, uint32_t number,
                        uint64_t *things)
{
    uint64_t key = key_of(kind, number), before = marks_of(m, kind)->hash[number];
    size_t most = thing_max(m, kind, number);
    if (!most) {
        *things -= before;
        return !before || ed_recorder_remove(r, key);
    }
    ed_out at = ed_recorder_reserve(r, most);
    if (!at)
        return 0;
    ed_out end = thing_put(m, kind, number, at);
    uint64_t hash = ed_record_hash(key, at, (size_t)(end - at));
    *things += hash - before;
    int renewed = marks_of(m, kind)->renew[number / 64] >> number % 64 & 1;
    return (hash == before && !renewed) || ed_recorder_add(r, key, end, hash);
}

static int things_record(const eddy_miner *m, struct ed_recorder *r, uint64_t *things)
{
    for (unsigned kind = ED_MINER_NODE; kind < ED_MINER_KINDS_END; kind++) {
        const struct ed_marks *marks = marks_of(m, kind);
        for (size_t w = 0; w < (marks->room + 63) / 64; w++)
            for (uint64_t bits = marks->dirty[w] | marks->renew[w]; bits; bits &= bits - 1) {
                uint32_t number = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
                if (!thing_record(m, r, kind, number, things))
                    return 0;
            }
    }
    return 1;
}

eddy_status eddy_miner_records(eddy_miner *m, eddy_arena *arena, const eddy_record **ret,
                               size_t *n_ret, eddy_error *err)
{
    eddy_status st = ed_miner_ready(m, err);
    if (st != EDDY_OK)
        return st;
    struct ed_recorder r = {.arena = arena, .chunk = 1 << 12};
    struct ed_marks *scalars = marks_of(m, ED_MINER_SCALARS);
    uint64_t things = m->hash_things, key = key_of(ED_MINER_SCALARS, 0);
    if (m->lines) {
        ed_out at = NULL;
        if (!things_record(m, &r, &things) || !(at = ed_recorder_reserve(&r, SCALARS_MAX)))
            return eddy_fail_nomem(err, "records", r.chunk);
        ed_out end = scalars_put(m, at, things);
        uint64_t hash = ed_record_hash(key, at, (size_t)(end - at));
        if ((hash != scalars->hash[0] || scalars->renew[0]) && !ed_recorder_add(&r, key, end, hash))
            return eddy_fail_nomem(err, "records", r.chunk);
    }
    for (size_t i = 0; i < r.n; i++) {
        unsigned kind = (unsigned)(r.records[i].key >> ED_NUMBER_BITS);
        marks_of(m, kind)->hash[(uint32_t)r.records[i].key] = r.hash[i];
    }
    for (size_t i = 0; i < ED_MINER_KINDS; i++) {
        memset(m->marks[i].dirty, 0, (m->marks[i].room + 63) / 64 * 8);
        memset(m->marks[i].renew, 0, (m->marks[i].room + 63) / 64 * 8);
    }
    m->hash_things = things;
    *ret = r.records;
    *n_ret = r.n;
    return EDDY_OK;
}

void eddy_miner_renew(eddy_miner *m, uint64_t key)
{
    uint64_t kind = key >> ED_NUMBER_BITS, number = key & ((UINT64_C(1) << ED_NUMBER_BITS) - 1);
    if (kind < ED_MINER_SCALARS || kind >= ED_MINER_KINDS_END)
        return;
    struct ed_marks *marks = marks_of(m, (unsigned)kind);
    if (number < marks->room)
        marks->renew[number / 64] |= UINT64_C(1) << number % 64;
}

uint64_t eddy_miner_hash(const eddy_miner *m)
{
    return marks_of(m, ED_MINER_SCALARS)->hash[0];
}

/* ---- reading ---- */

static void scalars_get(eddy_miner *m, struct ed_unpack *u)
{
    struct ed_miner_load *load = m->load;
    eddy_miner_stats *s = &m->stats;
    u->failed |= ed_get_varint(u) != EDDY_MINER_STATE_VERSION ||
                 ed_get_varint(u) != m->o.templates_max || ed_get_varint(u) != m->o.learning;
    m->lines = ed_get_varint(u);
    m->next_number = ed_get_varint(u);
    m->next_order = ed_get_varint(u);
    m->window_from = ed_get_varint(u);
    load->n_nodes = (uint32_t)ed_get_count(u, m->o.templates_max);
    load->n_places = (uint32_t)ed_get_count(u, PLACES_MAX);
    load->n_sticky = (uint32_t)ed_get_count(u, STICKY_MAX);
    m->block_lines = (uint32_t)ed_get_count(u, UINT32_MAX);
    m->block_founded = (uint32_t)ed_get_count(u, UINT32_MAX);
    m->flooded = (uint8_t)ed_get_count(u, 1);
    s->flooded = (int)ed_get_count(u, 1);
    uint64_t *const counters[] = {&s->founded, &s->merges,      &s->absorbed, &s->faded,
                                  &s->dropped, &s->flood_lines, &s->floods,   &s->places_max_hits};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        *counters[i] = ed_get_varint(u);
    load->things = ed_unpack_u64(u);
    u->failed |= !m->lines || !m->window_from || m->window_from > m->next_number ||
                 m->next_number - m->window_from > m->o.learning;
    load->scalars = 1;
}

static void spans_get(struct ed_unpack *u, eddy_span *spans, unsigned n, size_t n_text)
{
    for (unsigned i = 0; i < n; i++) {
        spans[i].at = (uint16_t)ed_get_count(u, n_text);
        spans[i].n = (uint16_t)ed_get_count(u, n_text - spans[i].at);
        u->failed |= i && spans[i].at < spans[i - 1].at + spans[i - 1].n;
    }
}

static void bytes_get(struct ed_unpack *u, void *ret, size_t n)
{
    const char *at = ed_unpack_bytes(u, n);
    if (at && n)
        memcpy(ret, at, n);
}

/* 0: no memory. */
static int node_get(struct ed_node *node, struct ed_unpack *u)
{
    uint64_t id = ed_unpack_u64(u), number = ed_get_varint(u), rest = ed_get_varint(u);
    uint64_t polar = ed_get_varint(u), gaps = ed_get_varint(u);
    unsigned n = ed_unpack_u8(u), n_variables = ed_unpack_u8(u), coarse = ed_unpack_u8(u);
    size_t n_text = ed_get_count(u, EDDY_SCAN_BYTES);
    u->failed |=
        !id || !number || n > EDDY_SCAN_WORDS || n_variables > EDDY_SCAN_WORDS || coarse > 1;
    if (u->failed)
        return 1;
    struct ed_founder *f = ed_founder_new(n, n_variables, n_text);
    if (!f)
        return 0;
    f->rest = rest;
    f->polar = polar;
    f->gaps = gaps;
    for (unsigned i = 0; i < n; i++)
        f->hashes[i] = ed_unpack_u64(u);
    spans_get(u, ed_founder_words(f), n, n_text);
    spans_get(u, ed_founder_variables(f), n_variables, n_text);
    bytes_get(u, ed_founder_flags(f), n);
    bytes_get(u, ed_founder_before(f), n_variables);
    bytes_get(u, ed_founder_text(f), n_text);
    if (!ed_unpack_done(u)) {
        ed_free(f);
        u->failed = 1;
        return 1;
    }
    for (unsigned i = 0; i < n_variables; i++)
        u->failed |= ed_founder_before(f)[i] > n ||
                     (i && ed_founder_before(f)[i] < ed_founder_before(f)[i - 1]);
    ed_free(node->founder);
    node->founder = f;
    node->id = id;
    node->number = number;
    node->coarse = (uint8_t)coarse;
    return 1;
}

static void standing_get(struct ed_node *node, struct ed_unpack *u)
{
    node->root = (uint32_t)ed_get_count(u, UINT32_MAX);
    node->mask = ed_get_varint(u);
    node->value = ed_get_varint(u);
    node->first_ms = ed_get_signed(u);
}

static void counts_get(struct ed_node *nodes, struct ed_unpack *u)
{
    uint64_t there = ed_get_count(u, (1 << PAGE_NODES) - 1), seen = ed_get_varint(u);
    int64_t last_ms = ed_get_signed(u);
    for (unsigned i = 0; i < PAGE_NODES; i++) {
        nodes[i].count = 0;
        if (!(there >> i & 1))
            continue;
        nodes[i].count = ed_get_varint(u);
        nodes[i].seen = seen - ed_get_count(u, seen);
        nodes[i].last_ms = (int64_t)((uint64_t)last_ms - ed_get_varint(u));
        nodes[i].looked = ed_unpack_u8(u);
        nodes[i].changed = ed_get_varint(u);
        u->failed |= !nodes[i].count || nodes[i].looked > LOOKS_MAX;
    }
}

static void place_get(struct ed_place *place, struct ed_unpack *u)
{
    place->key = ed_unpack_u64(u);
    place->order = ed_get_varint(u);
    place->root = (uint32_t)ed_get_count(u, UINT32_MAX);
    place->pair = ed_unpack_u8(u);
    u->failed |= !place->key || place->pair > 1;
}

/* Room for things of a kind up to this number. 0: no memory. */
static int room_for(eddy_miner *m, unsigned kind, uint64_t number)
{
    switch (kind) {
    case ED_MINER_NODE:
    case ED_MINER_STANDING: return ed_nodes_room(m, number + 1);
    case ED_MINER_COUNTS: return ed_nodes_room(m, (number + 1) * PAGE_NODES);
    case ED_MINER_PLACE: return ed_places_room(m, number + 1);
    case ED_MINER_STICKY: return ed_sticky_room(m, number + 1);
    default: return 1;
    }
}

static uint64_t things_most(const eddy_miner *m, unsigned kind)
{
    uint64_t nodes = ((uint64_t)m->o.templates_max + 63) & ~UINT64_C(63);
    switch (kind) {
    case ED_MINER_SCALARS: return 1;
    case ED_MINER_COUNTS: return nodes / PAGE_NODES;
    case ED_MINER_PLACE: return PLACES_MAX;
    case ED_MINER_STICKY: return STICKY_MAX;
    default: return nodes;
    }
}

/* 0: no memory. */
static int thing_get(eddy_miner *m, unsigned kind, uint32_t number, struct ed_unpack *u)
{
    switch (kind) {
    case ED_MINER_SCALARS: scalars_get(m, u); break;
    case ED_MINER_NODE: return node_get(&m->nodes[number], u);
    case ED_MINER_STANDING: standing_get(&m->nodes[number], u); break;
    case ED_MINER_COUNTS: counts_get(&m->nodes[(size_t)number * PAGE_NODES], u); break;
    case ED_MINER_PLACE: place_get(&m->places[number], u); break;
    default: m->sticky[number] = ed_unpack_u64(u); u->failed |= !m->sticky[number];
    }
    return 1;
}

/* There is no such thing any more. */
static void thing_gone(eddy_miner *m, unsigned kind, uint32_t number)
{
    if (kind == ED_MINER_NODE) {
        ed_free(m->nodes[number].founder);
        m->nodes[number].founder = NULL;
        m->nodes[number].id = 0;
    } else if (kind == ED_MINER_COUNTS) {
        for (uint32_t i = 0; i < PAGE_NODES; i++)
            m->nodes[number * PAGE_NODES + i].count = 0;
    } else if (kind == ED_MINER_PLACE) {
        m->places[number].key = 0;
    }
}

eddy_status eddy_miner_load(eddy_miner *m, const eddy_record *record, eddy_error *err)
{
    unsigned kind = (unsigned)(record->key >> ED_NUMBER_BITS);
    uint64_t number = record->key & ((UINT64_C(1) << ED_NUMBER_BITS) - 1);
    if (m->lines && !m->load)
        return eddy_fail(err, EDDY_INVALID, "miner: it has begun, no record can be loaded");
    if (kind < ED_MINER_SCALARS || kind >= ED_MINER_KINDS_END || number >= things_most(m, kind))
        return eddy_fail(err, EDDY_FORMAT, "state: a record of kind %u, number %llu is unknown",
                         kind, (unsigned long long)number);
    if (!m->load && !(m->load = ed_alloc_zero(1, sizeof *m->load)))
        return eddy_fail_nomem(err, "state", sizeof *m->load);
    if (!room_for(m, kind, number))
        return eddy_fail_nomem(err, "state", sizeof *m->nodes);
    struct ed_marks *marks = marks_of(m, kind);
    if (!record->value.at) {
        thing_gone(m, kind, (uint32_t)number);
        marks->hash[number] = 0;
        return EDDY_OK;
    }
    struct ed_unpack u = ed_unpack_of(record->value);
    if (!thing_get(m, kind, (uint32_t)number, &u))
        return eddy_fail_nomem(err, "state", record->value.n);
    if (!ed_unpack_done(&u))
        return eddy_fail(err, EDDY_FORMAT, "state: record %u/%llu cannot be read", kind,
                         (unsigned long long)number);
    marks->hash[number] = ed_record_hash(record->key, record->value.at, record->value.n);
    return EDDY_OK;
}
