/* Places on the map: near each other is who is alike, what is new moves nothing, and a state that
 * is loaded has all of them. */
#include "unit/engine_state.h"

#define DOCS     3000
#define EVENTS   120
#define FAMILIES 6

/* Directions of events lie around that of their family; there are no words. */
static struct stream families(uint64_t seed, size_t n)
{
    struct stream s = stream_make(seed, n, EVENTS, 1);
    for (size_t i = 0; i < n; i++) {
        float *x = s.vectors + i * STREAM_DIM;
        for (size_t d = 0; d < STREAM_DIM; d++) {
            double family = (double)(ed_mix64(s.gold[i] % FAMILIES * 104729 + d) >> 11) * 0x1p-53;
            double own = (double)(ed_mix64(s.gold[i] * 7919 + d) >> 11) * 0x1p-53;
            double chance = (double)(test_random(&seed) >> 11) * 0x1p-53;
            x[d] = (float)(family - 0.5 + (own - 0.5) + 0.4 * (chance - 0.5));
        }
        s.rows[i].n_terms = 0;
    }
    return s;
}

/* Events of a family are half alike, documents of an event nearly all. */
static eddy_engine_options options(void)
{
    eddy_engine_options o = stream_options();
    o.threshold = 0.7;
    return o;
}

struct placed {
    uint64_t id, family;
    double x, y;
    uint64_t version;
};

struct world {
    struct stream s;
    eddy_clusterer *cl;
    eddy_assignment *answers;
    struct placed *at; /* (n) the active events */
    size_t n;
};

static void look(struct world *w)
{
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    const uint64_t *ids;
    free(w->at);
    CHECK_OK(eddy_clusterer_events(w->cl, arena, &ids, &w->n, &err), &err);
    w->at = calloc(w->n + 1, sizeof *w->at);
    for (size_t i = 0; i < w->n; i++) {
        eddy_event e;
        CHECK_OK(eddy_clusterer_event(w->cl, ids[i], arena, &e, &err), &err);
        w->at[i] = (struct placed){ids[i], FAMILIES, e.map[0], e.map[1], e.version};
        for (size_t k = 0; k < DOCS; k++)
            if (w->answers[k].event == ids[i])
                w->at[i].family = w->s.gold[k] % FAMILIES;
    }
    eddy_arena_free(arena);
}

static void feed(struct world *w, size_t from, size_t to)
{
    eddy_error err = {0};
    for (size_t i = from; i < to; i += 50)
        CHECK_OK(eddy_clusterer_assign(w->cl, w->s.rows + i, 50, w->answers + i, &err), &err);
    CHECK_OK(eddy_clusterer_flush(w->cl, &err), &err);
    look(w);
}

static void world_make(struct world *w, uint64_t seed)
{
    const eddy_engine_options o = options();
    *w = (struct world){.s = families(seed, DOCS), .cl = clusterer_new(&o)};
    w->answers = calloc(DOCS, sizeof *w->answers);
}

static void world_clear(struct world *w)
{
    eddy_clusterer_free(w->cl);
    stream_free(&w->s);
    free(w->answers);
    free(w->at);
}

static const struct placed *nearest(const struct world *w, const struct placed *p)
{
    const struct placed *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < w->n; i++) {
        double x = w->at[i].x - p->x, y = w->at[i].y - p->y;
        if (&w->at[i] == p || x * x + y * y >= least)
            continue;
        least = x * x + y * y;
        best = &w->at[i];
    }
    return best;
}

TEST(who_is_alike_is_near)
{
    struct world w;
    size_t alike = 0;
    world_make(&w, test_seed());
    feed(&w, 0, DOCS);
    assert_in_range(w.n, EVENTS / 2, 2 * EVENTS);
    for (size_t i = 0; i < w.n; i++) {
        assert_true(w.at[i].x != 0 || w.at[i].y != 0);
        alike += nearest(&w, &w.at[i])->family == w.at[i].family;
    }
    if (alike < 0.7 * (double)w.n) /* by chance it would be one in six */
        fail_msg("%zu of %zu events are next to one of their family", alike, w.n);
    world_clear(&w);
}

/* Documents of one family come; of the others no picture is due, and no place changes. */
TEST(what_comes_to_others_moves_nothing)
{
    struct world w;
    size_t still = 0, told = 0;
    world_make(&w, test_seed());
    feed(&w, 0, DOCS / 2);
    struct placed *before = w.at;
    size_t n = w.n;
    w.at = NULL;
    size_t rest = DOCS / 2; /* what is of family 0 goes first */
    for (size_t i = DOCS / 2; i < DOCS; i++)
        if (w.s.gold[i] % FAMILIES == 0) {
            eddy_row row = w.s.rows[i];
            uint64_t gold = w.s.gold[i];
            w.s.rows[i] = w.s.rows[rest];
            w.s.gold[i] = w.s.gold[rest];
            w.s.rows[rest] = row;
            w.s.gold[rest++] = gold;
        }
    feed(&w, DOCS / 2, rest / 50 * 50);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < w.n; k++)
            if (w.at[k].id == before[i].id) {
                int same = w.at[k].x == before[i].x && w.at[k].y == before[i].y;
                assert_true(same || w.at[k].version > before[i].version);
                still += (size_t)same;
                told += w.at[k].version > before[i].version;
            }
    assert_true(still > n / 2 && told > 0);
    free(before);
    world_clear(&w);
}

TEST(a_loaded_state_has_all_places)
{
    struct world w;
    struct kept kept = {0};
    const eddy_engine_options o = options();
    world_make(&w, test_seed());
    feed(&w, 0, DOCS / 2);
    record(w.cl, &kept, NULL);
    struct placed *before = w.at;
    size_t n = w.n;
    w.at = NULL;
    eddy_clusterer_free(w.cl);
    w.cl = kept_load(&kept, &o, 7);
    look(&w);
    assert_int_equal(w.n, n);
    assert_memory_equal(w.at, before, n * sizeof *before);
    free(before);
    kept_clear(&kept);
    world_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_alike_is_near),
        cmocka_unit_test(what_comes_to_others_moves_nothing),
        cmocka_unit_test(a_loaded_state_has_all_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
