/* Records of the engine's state: key, length and value, one after the other; a length of 2^32 - 1
 * is a thing that is gone. What is refused is refused with a reason. The sums of hashes that would
 * refuse nearly all are made right, so that the rest is looked at as well; what is taken goes on
 * with documents and writes records that another one takes. */
#include "state_options.h"

#include "engine/record.h"

#include <eddy/reason.h>

static void require(int holds)
{
    if (!holds)
        abort();
}

static void require_refused(eddy_status st, const eddy_error *err)
{
    require(st == EDDY_FORMAT && err->status == EDDY_FORMAT && *err->text);
}

/* What the scalars say of the rest becomes what the rest is. */
static void claims_make_right(eddy_clusterer *cl, eddy_clusterer *words)
{
    struct ed_load *load = cl->load;
    if (!load)
        return;
    load->things = 0;
    for (size_t kind = ED_EVENT; kind < ED_MARKED; kind++)
        for (size_t i = 0; i < cl->marks[kind].room; i++)
            load->things += cl->marks[kind].hash[i];
    for (size_t i = 0; i < load->recent.room; i++)
        if (load->recent.keys[i]) {
            const struct ed_load_value *v = (void *)(uintptr_t)load->recent.values[i];
            load->things += ed_record_hash(load->recent.keys[i], v->at, v->n);
        }
    if (words->load) {
        ed_words_loaded(words, NULL);
        load->n_words = words->words.entries.n;
        load->counts = words->words.counts;
        load->spellings = words->words.spellings;
    }
}

/* Every document of the window goes to the first event, by itself; and is looked at there. */
static void reassigns(eddy_clusterer *cl, eddy_arena *arena)
{
    const uint64_t *ids;
    size_t n;
    eddy_view view;
    eddy_outcome out;
    require(eddy_clusterer_events(cl, arena, &ids, &n, NULL) == EDDY_OK);
    for (uint32_t i = 0; i < ed_window_n(cl) && n; i++) {
        uint32_t group = ed_window_group(cl, i);
        uint64_t from = group == NONE ? ids[0] : cl->events[cl->groups[group].event].id;
        eddy_operation op = {.kind = EDDY_OPERATION_REASSIGN,
                             .actor = EDDY_PERSON,
                             .event = from,
                             .other = i % 3 ? ids[0] : 0,
                             .position = ed_window_position(cl, i)};
        require(eddy_clusterer_apply(cl, &op, &out, NULL) == EDDY_OK);
    }
    require(eddy_view_take(cl, EDDY_VIEW_WHOLE | EDDY_VIEW_DOUBTS, 4, arena, &view, NULL) ==
            EDDY_OK);
    for (size_t i = 0; i < view.n_events; i++) {
        const eddy_term_weight *terms;
        require(eddy_clusterer_terms(cl, view.events[i].picture.id, 3, arena, &terms, &n, NULL) ==
                EDDY_OK);
    }
}

/* All that is kept is undone; the first two events become one, and two again. */
static void operates(eddy_clusterer *cl)
{
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *ids;
    size_t n;
    eddy_outcome out;
    for (size_t i = 0; i <= OPERATIONS_KEPT && cl->operations; i++) {
        uint64_t number = i < OPERATIONS_KEPT ? cl->operations[i].number : 1;
        eddy_operation undo = {.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = number};
        require(eddy_clusterer_apply(cl, &undo, &out, NULL) == EDDY_OK);
    }
    require(eddy_clusterer_events(cl, arena, &ids, &n, NULL) == EDDY_OK);
    if (n > 1) {
        eddy_operation merge = {
            .kind = EDDY_OPERATION_MERGE, .actor = EDDY_PERSON, .event = ids[0], .other = ids[1]};
        require(eddy_clusterer_apply(cl, &merge, &out, NULL) == EDDY_OK && !out.refusal);
        require(eddy_clusterer_where(cl, ids[0]) == ids[1]);
    }
    reassigns(cl, arena);
    eddy_arena_free(arena);
}

static void goes_on(eddy_clusterer *cl)
{
    operates(cl);
    float dense[40][8];
    eddy_row rows[40];
    eddy_term terms[2] = {{3, "three", 5, 1}, {5, "five", 4, 2}};
    eddy_assignment a[40];
    for (size_t i = 0; i < 40; i++) {
        for (size_t d = 0; d < 8; d++)
            dense[i][d] = (float)(1 + (i * 7 + d * d * i) % 11);
        rows[i] = (eddy_row){.dense = dense[i], .terms = terms, .n_terms = 1 + i % 2};
        rows[i].time_ms = (int64_t)i * 100;
    }
    require(eddy_clusterer_assign(cl, rows, 40, a, NULL) == EDDY_OK);
    require(eddy_clusterer_flush(cl, NULL) == EDDY_OK);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_record *r;
    size_t n;
    require(eddy_clusterer_records(cl, arena, &r, &n, NULL) == EDDY_OK);
    eddy_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eddy_engine_options o = state_options();
    eddy_clusterer *cl = NULL;
    eddy_clusterer *words = NULL;
    eddy_error err = {0};
    require(eddy_clusterer_new(&o, &cl, NULL) == EDDY_OK);
    require(eddy_clusterer_new(&o, &words, NULL) == EDDY_OK);
    struct ed_unpack u = ed_unpack_of((eddy_str){(const char *)data, size});
    eddy_status st = EDDY_OK;
    while (st == EDDY_OK && u.at < u.end) {
        eddy_record r = {.key = ed_unpack_u64(&u)};
        uint32_t n = ed_unpack_u32(&u);
        if (n != UINT32_MAX)
            r.value = (eddy_str){ed_unpack_bytes(&u, n), n};
        if (u.failed)
            break;
        char *copy = r.value.at ? malloc(n) : NULL; /* its own, for the sanitizers */
        if (n && copy)
            memcpy(copy, r.value.at, n);
        r.value.at = copy;
        st = eddy_clusterer_load(cl, &r, &err);
        if (r.key >> ED_NUMBER_BITS >= ED_WORDS)
            eddy_clusterer_load(words, &r, NULL);
        free(copy);
    }
    if (st == EDDY_OK) {
        claims_make_right(cl, words);
        st = eddy_clusterer_loaded(cl, &err);
        if (st == EDDY_OK)
            goes_on(cl);
    }
    if (st != EDDY_OK)
        require_refused(st, &err);
    eddy_clusterer_free(cl);
    eddy_clusterer_free(words);
    return 0;
}
