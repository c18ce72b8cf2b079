/* Records of the miner's state: key, length and value, one after the other; a length of 2^32 - 1 is
 * a thing that is gone. The sums that would refuse nearly all are made right, so that the rest is
 * looked at as well; what is taken goes on with lines and writes records that another one takes. */
#include "engine/templates.h"

#include <stdio.h>

static void must(int holds)
{
    if (!holds)
        abort();
}

static eddy_miner *miner_new(void)
{
    eddy_miner_options o;
    eddy_miner *m = NULL;
    eddy_miner_options_init(&o);
    o.templates_max = 64;
    must(eddy_miner_new(&o, &m, NULL) == EDDY_OK);
    return m;
}

/* What the scalars say of the rest becomes what the rest is. */
static void claims_make_right(eddy_miner *m)
{
    m->load->things = 0;
    m->load->n_nodes = m->load->n_places = 0;
    for (size_t kind = 1; kind < ED_MINER_KINDS; kind++)
        for (size_t i = 0; i < m->marks[kind].room; i++)
            m->load->things += m->marks[kind].hash[i];
    for (uint32_t i = 0; i < m->room_nodes; i++)
        m->load->n_nodes += m->nodes[i].id != 0;
    for (uint32_t i = 0; i < m->room_places; i++)
        m->load->n_places += m->places[i].key != 0;
}

static void goes_on(eddy_miner *m, eddy_arena *arena)
{
    char text[64];
    for (unsigned i = 0; i < 200; i++) {
        int n = snprintf(text, sizeof text, "%c session of user %c%c number %u", 'a' + i % 3,
                         'a' + i % 11, 'b' + i % 7, i);
        eddy_line line = {.message = {text, (size_t)n}};
        eddy_line_answer answer;
        eddy_template t;
        must(eddy_scan_message(line.message, NULL, 0, arena, &line.scan, NULL) == EDDY_OK);
        must(eddy_miner_take(m, &line, 1, &answer, NULL) == EDDY_OK);
        must(eddy_miner_template(m, answer.id, arena, &t, NULL) == EDDY_OK);
    }
    while (m->n_places && m->n_sticky < 8)
        for (uint32_t i = 0; i < m->room_places; i++)
            if (m->places[i].key) {
                must(eddy_miner_close(m, m->places[i].key, NULL) == EDDY_OK);
                break;
            }
}

static void comes_back(eddy_miner *m, eddy_arena *arena)
{
    /* All of it anew: what was loaded counts as recorded. */
    for (size_t kind = 0; kind < ED_MINER_KINDS; kind++)
        memset(m->marks[kind].hash, 0, m->marks[kind].room * sizeof *m->marks[kind].hash);
    for (uint32_t i = 0; i < m->slots.n; i++)
        for (unsigned kind = ED_MINER_NODE; kind <= ED_MINER_COUNTS; kind++)
            ed_miner_mark(m, (enum ed_miner_kind)kind,
                          kind == ED_MINER_COUNTS ? i / PAGE_NODES : i);
    for (uint32_t i = 0; i < m->place_slots.n; i++)
        ed_miner_mark(m, ED_MINER_PLACE, i);
    for (uint32_t i = 0; i < m->n_sticky; i++)
        ed_miner_mark(m, ED_MINER_STICKY, i);
    m->hash_things = 0;
    const eddy_record *list;
    size_t n;
    eddy_miner *other = miner_new();
    must(eddy_miner_records(m, arena, &list, &n, NULL) == EDDY_OK);
    for (size_t i = 0; i < n; i++)
        must(eddy_miner_load(other, &list[i], NULL) == EDDY_OK);
    must(eddy_miner_loaded(other, NULL) == EDDY_OK);
    must(eddy_miner_hash(other) == eddy_miner_hash(m));
    eddy_miner_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ed_unpack u = ed_unpack_of((eddy_str){(const char *)data, size});
    eddy_miner *m = miner_new();
    eddy_arena *arena = eddy_arena_new(0);
    eddy_status st = EDDY_OK;
    while (u.at < u.end && st == EDDY_OK) {
        eddy_record record = {ed_unpack_u64(&u), {NULL, 0}};
        uint32_t n = ed_unpack_u32(&u);
        record.value.at = n == UINT32_MAX ? NULL : ed_unpack_bytes(&u, n);
        record.value.n = record.value.at ? n : 0;
        if (u.failed)
            break;
        st = eddy_miner_load(m, &record, NULL);
        must(st == EDDY_OK || st == EDDY_FORMAT);
    }
    if (st == EDDY_OK && m->load) {
        claims_make_right(m);
        st = eddy_miner_loaded(m, NULL);
        must(st == EDDY_OK || st == EDDY_FORMAT);
        if (st == EDDY_OK) {
            goes_on(m, arena);
            comes_back(m, arena);
        }
    }
    eddy_miner_free(m);
    eddy_arena_free(arena);
    return 0;
}
