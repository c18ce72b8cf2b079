/* What the tests of the engine's state have in common: records as a journal keeps them, streams of
 * all shapes, and two clusterers that must do the same. */
#ifndef EDDY_TEST_ENGINE_STATE_H
#define EDDY_TEST_ENGINE_STATE_H

#include "engine_support.h"
#include "state_options.h"

#include "engine/record.h"

/* ---- kept records, as a journal keeps them: the last of each key ---- */

struct kept {
    struct ed_table at; /* key -> struct ed_load_value * */
    size_t bytes;       /* of the values */
};

static inline void kept_drop(struct kept *k, uint64_t key)
{
    uint64_t *value = ed_table_find(&k->at, key);
    if (!value)
        return;
    k->bytes -= ((struct ed_load_value *)(uintptr_t)*value)->n;
    free((void *)(uintptr_t)*value);
    ed_table_remove(&k->at, key);
}

static inline void kept_add(struct kept *k, const eddy_record *r)
{
    kept_drop(k, r->key);
    if (!r->value.at)
        return;
    struct ed_load_value *copy = malloc(sizeof *copy + r->value.n);
    copy->n = r->value.n;
    memcpy(copy->at, r->value.at, r->value.n);
    *ed_table_put(&k->at, r->key, 0) = (uintptr_t)copy;
    k->bytes += copy->n;
}

static inline void kept_clear(struct kept *k)
{
    for (size_t i = 0; i < k->at.room; i++)
        if (k->at.keys[i])
            free((void *)(uintptr_t)k->at.values[i]);
    ed_table_clear(&k->at);
    k->bytes = 0;
}

/* All of them in a random order; to be freed. */
static inline eddy_record *kept_shuffled(const struct kept *k, uint64_t seed)
{
    eddy_record *list = malloc((k->at.n + 1) * sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < k->at.room; i++) {
        if (!k->at.keys[i])
            continue;
        const struct ed_load_value *v = (const struct ed_load_value *)(uintptr_t)k->at.values[i];
        size_t j = (size_t)(test_random(&seed) % (n + 1));
        list[n++] = list[j];
        list[j] = (eddy_record){k->at.keys[i], {v->at, v->n}};
    }
    return list;
}

static inline eddy_clusterer *clusterer_new(const eddy_engine_options *o)
{
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(o, &cl, &err), &err);
    return cl;
}

static inline eddy_clusterer *kept_load(const struct kept *k, const eddy_engine_options *o,
                                        uint64_t seed)
{
    eddy_clusterer *cl = clusterer_new(o);
    eddy_record *list = kept_shuffled(k, seed);
    eddy_error err = {0};
    for (size_t i = 0; i < k->at.n; i++)
        CHECK_OK(eddy_clusterer_load(cl, &list[i], &err), &err);
    CHECK_OK(eddy_clusterer_loaded(cl, &err), &err);
    free(list);
    return cl;
}

/* The code is that of the sum. */
static inline void code_holds(const eddy_clusterer *cl, const struct ed_codes *of, uint32_t number,
                              const float *sum)
{
    size_t width = cl->shape.bytes;
    uint8_t *bytes = malloc(2 * width);
    struct ed_code code = {0};
    ed_code_of(&cl->shape, sum, bytes, of->fine ? bytes + width : NULL, &code);
    assert_memory_equal(bytes, of->bytes + number * width, width);
    if (of->fine)
        assert_memory_equal(bytes + width, of->fine + number * width, width);
    assert_memory_equal(&code, &of->code[number], sizeof code);
    free(bytes);
}

/* Sums of events are not recorded: each has to be that of its groups' sums to the last bit. Nor are
 * codes. */
static inline void sums_hold(eddy_clusterer *cl)
{
    float *before = malloc(cl->stride * sizeof *before);
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        if (!cl->events[e].id)
            continue;
        memcpy(before, ed_event_sum(cl, e), cl->stride * sizeof *before);
        code_holds(cl, &cl->event_codes, e, before);
        ed_event_sum_up(cl, e);
        assert_memory_equal(before, ed_event_sum(cl, e), cl->stride * sizeof *before);
    }
    for (uint32_t u = 0; u < cl->group_slots.n; u++)
        if (cl->groups[u].id)
            code_holds(cl, &cl->group_codes, u, ed_group_sum(cl, u));
    free(before);
}

/* Take the records of cl into k; into `standby` too, unless NULL. Forgotten marks show here: the
 * hash that follows the marks is held against one of everything. */
static inline void record(eddy_clusterer *cl, struct kept *k, eddy_clusterer *standby)
{
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_record *r;
    size_t n;
    eddy_error err = {0};
    sums_hold(cl);
    CHECK_OK(eddy_clusterer_records(cl, arena, &r, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        kept_add(k, &r[i]);
        if (standby)
            CHECK_OK(eddy_clusterer_load(standby, &r[i], &err), &err);
        assert_true(r[i].value.n < 900000);
    }
    assert_true(eddy_clusterer_hash(cl) == ed_state_hash(cl));
    CHECK_OK(eddy_clusterer_records(cl, arena, &r, &n, &err), &err);
    assert_int_equal(n, 0); /* nothing has changed since */
    eddy_arena_free(arena);
}

/* ---- streams of all shapes ---- */

enum { PLAIN, EVERYTHING, FORGETFUL, EXTRA, WORDS_ONLY, LONG_LIVED, SHAPES };
static const char *const shape_names[] = {"plain", "everything", "forgetful",
                                          "extra", "words only", "long lived"};

struct shape {
    eddy_engine_options o;
    struct stream s;
    float extra[64][8];
};

static inline void shape_make(struct shape *x, int shape, uint64_t seed, size_t n)
{
    x->o = stream_options();
    size_t events = 60;
    double noise = 1.5;
    x->o.detail = 3;
    switch (shape) {
    case EVERYTHING:
        x->o.half_life_ms = 20000; /* weights are brought down every 800 documents */
        x->o.idle_penalty = 0.1;
        x->o.idle_half_ms = 60000;
        x->o.fade_ms = 300000;
        x->o.events_max = 48;
        x->o.repair_every = 100;
        x->o.duplicates_window = 200;
        x->o.window = 300;
        break;
    case FORGETFUL:
        x->o.words_max = 1024;
        x->o.events_max = 64;
        x->o.window = 64;
        events = 1000;
        noise = 1.0;
        break;
    case EXTRA:
        x->o.n_extra = 2;
        x->o.extra_dim[0] = 5;
        x->o.extra_dim[1] = 3;
        x->o.extra_weight[0] = 0.2;
        x->o.extra_weight[1] = 0.1;
        break;
    case WORDS_ONLY:
        x->o.dense_dim = 0;
        x->o.window = 1;
        break;
    case LONG_LIVED:
        x->o.fade_ms = 0;
        x->o.half_life_ms = 3600000;
        x->o.window = 0;
        x->o.detail = 8;
        events = 200;
        break;
    default: break;
    }
    x->s = stream_make(seed, n, events, noise);
    for (size_t i = 0; i < 64; i++)
        for (size_t d = 0; d < 8; d++)
            x->extra[i][d] = (float)(test_random(&seed) % 1000) / 500 - 1;
    for (size_t i = 0; i < n; i++) {
        eddy_row *row = &x->s.rows[i];
        uint64_t dice = test_random(&seed);
        if (shape == EXTRA) {
            row->extra[0] = dice & 1 ? x->extra[dice / 2 % 64] : NULL;
            row->extra[1] = dice & 128 ? x->extra[dice / 256 % 64] : NULL;
        }
        if (shape != WORDS_ONLY && dice >> 40 & 7)
            row->dense = dice >> 43 & 15 ? row->dense : NULL;
        else if (shape != WORDS_ONLY)
            row->n_terms = dice >> 48 & 3 ? row->n_terms : 0;
        row->id = (eddy_str){(const char *)&x->s.rows[i], dice >> 50 & 7};
        row->title.n = dice >> 53 & 7;
        row->same = dice >> 56 & 7 ? i + 1 : 0;
        if (shape == EVERYTHING && i > 300 && dice >> 59 < 4) /* the last in the window, or gone */
            row->same = x->s.rows[i - (dice >> 59 < 2 ? 20 : 300)].same;
    }
}

static inline void tell_all(struct ed_bytes *told, const eddy_clusterer *cl)
{
    tell_changes(told, cl);
    tell_pictures(told, cl);
}

/* Both go on with rows (n) in the same batches and tell the same; records too when asked. */
static inline void same_step(eddy_clusterer *a, eddy_clusterer *b, const eddy_row *rows, size_t n)
{
    eddy_assignment *x = calloc(n + 1, sizeof *x);
    eddy_assignment *y = calloc(n + 1, sizeof *y);
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(a, rows, n, x, &err), &err);
    CHECK_OK(eddy_clusterer_assign(b, rows, n, y, &err), &err);
    assert_memory_equal(x, y, n * sizeof *x);
    struct ed_bytes told[2];
    ed_bytes_init(&told[0], 0);
    ed_bytes_init(&told[1], 0);
    tell_all(&told[0], a);
    tell_all(&told[1], b);
    assert_int_equal(told[0].n, told[1].n);
    if (told[0].n)
        assert_string_equal(told[0].at, told[1].at);
    ed_bytes_clear(&told[0]);
    ed_bytes_clear(&told[1]);
    free(x);
    free(y);
}

static inline void same_records(eddy_clusterer *a, eddy_clusterer *b, struct kept *k)
{
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_record *r, *q;
    size_t n, m;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_records(a, arena, &r, &n, &err), &err);
    CHECK_OK(eddy_clusterer_records(b, arena, &q, &m, &err), &err);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_true(r[i].key == q[i].key && r[i].value.n == q[i].value.n);
        if (r[i].value.n)
            assert_memory_equal(r[i].value.at, q[i].value.at, r[i].value.n);
        kept_add(k, &r[i]);
    }
    assert_true(eddy_clusterer_hash(a) == eddy_clusterer_hash(b));
    assert_true(eddy_clusterer_hash(a) == ed_state_hash(a));
    eddy_arena_free(arena);
}

/* ---- small states ---- */

/* How alike two events are, less what their size takes: as a doubt tells it. */
static inline double shown_similarity(const eddy_clusterer *cl, uint64_t a, uint64_t b)
{
    uint32_t x = ed_event_slot(cl, a);
    uint32_t y = ed_event_slot(cl, b);
    double heavy = fmax(cl->events[x].weight, cl->events[y].weight);
    return ed_event_similarity(cl, x, y) - ed_threshold_off(cl, heavy);
}

/* Some operations of people: two links, a name, a pin, a description, an answer, a merge; and the
 * last document stays. */
static inline void operate(eddy_clusterer *cl)
{
    const eddy_operation_kind kinds[] = {
        EDDY_OPERATION_LINK, EDDY_OPERATION_RENAME, EDDY_OPERATION_PIN,  EDDY_OPERATION_DESCRIBE,
        EDDY_OPERATION_LINK, EDDY_OPERATION_ANSWER, EDDY_OPERATION_MERGE};
    float vector[STREAM_DIM] = {1};
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const uint64_t *ids;
        size_t n;
        eddy_outcome out;
        CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n, &err), &err);
        if (n < 4)
            break;
        eddy_operation op = {.kind = kinds[i],
                             .actor = EDDY_PERSON,
                             .event = ids[n - 1 - i % 3],
                             .other = ids[n - 1 - (i + 1) % 3],
                             .strength = -1,
                             .error = 0.1,
                             .name = {"a name", 6},
                             .summary = {"a summary", 9},
                             .vector = cl->o.dense_dim ? vector : NULL};
        op.similarity = shown_similarity(cl, op.event, op.other);
        CHECK_OK(eddy_clusterer_apply(cl, &op, &out, &err), &err);
    }
    uint32_t slot = ed_window_slot(cl, cl->position - 1);
    uint32_t group = slot == NONE ? NONE : ed_window_group(cl, slot);
    uint64_t own = group == NONE ? 0 : cl->events[cl->groups[group].event].id;
    eddy_outcome out;
    eddy_operation stays = {.kind = EDDY_OPERATION_REASSIGN,
                            .actor = EDDY_PERSON,
                            .event = own,
                            .other = own,
                            .position = cl->position - 1};
    if (own)
        CHECK_OK(eddy_clusterer_apply(cl, &stays, &out, &err), &err);
    eddy_arena_free(arena);
}

/* The state after n documents of a small stream. */
static inline uint64_t state_after(struct shape *x, size_t n, struct kept *kept)
{
    shape_make(x, PLAIN, 77, n + 100);
    x->o = state_options();
    eddy_clusterer *cl = clusterer_new(&x->o);
    eddy_assignment a[50];
    eddy_error err = {0};
    for (size_t i = 0; i < n;) {
        size_t m = n - i > 50 ? 50 : 1; /* few words at last: a delta */
        CHECK_OK(eddy_clusterer_assign(cl, x->s.rows + i, m, a, &err), &err);
        if (i == 250 || n < 250)
            operate(cl);
        record(cl, kept, NULL);
        i += m;
    }
    uint64_t hash = eddy_clusterer_hash(cl);
    eddy_clusterer_free(cl);
    return hash;
}

/* A small one with something of every kind. */
static inline void small_state(struct shape *x, struct kept *kept, uint64_t *ret_hash)
{
    *ret_hash = state_after(x, 303, kept);
    size_t kinds[ED_RECENT + 1] = {0};
    for (size_t i = 0; i < kept->at.room; i++)
        if (kept->at.keys[i])
            kinds[kept->at.keys[i] >> ED_NUMBER_BITS]++;
    for (size_t kind = ED_SCALARS; kind <= ED_RECENT; kind++)
        if (!kinds[kind])
            fail_msg("no record of kind %zu", kind);
}

#endif
