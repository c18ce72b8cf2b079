/* What people were told last of each event is how it stands: whoever keeps the newest picture of
 * each has the truth at the end of a stream, without a last round of all of them. */
#include "unit/engine_support.h"

#define EVENTS_MAX 20000

struct told {
    uint64_t version;
    eddy_event_state state;
    double size;
    int64_t first_ms, last_ms;
    float cohesion;
    double map[2];
    uint32_t n_groups;
    char name[64];
};

static void keep(struct told *told, const eddy_clusterer *cl)
{
    const eddy_event *p;
    size_t n = eddy_clusterer_pictures(cl, &p);
    for (size_t i = 0; i < n; i++) {
        assert_true(p[i].id < EVENTS_MAX);
        struct told *t = &told[p[i].id];
        assert_true(p[i].version > t->version);
        *t = (struct told){p[i].version,
                           p[i].state,
                           p[i].size,
                           p[i].first_ms,
                           p[i].last_ms,
                           p[i].cohesion,
                           {p[i].map[0], p[i].map[1]},
                           p[i].n_groups,
                           ""};
        snprintf(t->name, sizeof t->name, "%.*s", (int)p[i].name.n, p[i].name.at);
    }
}

/* Active ones as they are now; the others have their last picture. */
static void hold_against(const struct told *told, const eddy_clusterer *cl)
{
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    const uint64_t *ids;
    size_t n, n_active = 0;
    eddy_engine_stats stats;
    CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        eddy_event now;
        const struct told *t = &told[ids[i]];
        CHECK_OK(eddy_clusterer_event(cl, ids[i], arena, &now, &err), &err);
        if (t->state != EDDY_ACTIVE || t->size != now.size || t->n_groups != now.n_groups ||
            t->first_ms != now.first_ms || t->last_ms != now.last_ms ||
            t->cohesion != now.cohesion || t->map[0] != now.map[0] || t->map[1] != now.map[1] ||
            t->version != now.version)
            fail_msg(
                "E%llu: told version %llu: %g documents in %u groups; now version %llu: %g in %u",
                (unsigned long long)ids[i], (unsigned long long)t->version, t->size, t->n_groups,
                (unsigned long long)now.version, now.size, now.n_groups);
    }
    for (uint64_t id = 1; id < EVENTS_MAX; id++)
        n_active += told[id].version && told[id].state == EDDY_ACTIVE;
    eddy_clusterer_stats(cl, &stats);
    assert_int_equal(n_active, stats.events_active);
    eddy_arena_free(arena);
}

static void run(const eddy_engine_options *o, uint64_t seed, size_t n, size_t events)
{
    struct stream s = stream_make(seed, n, events, 1.4);
    struct told *told = calloc(EVENTS_MAX, sizeof *told);
    eddy_assignment *answers = calloc(n, sizeof *answers);
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(o, &cl, &err), &err);
    for (size_t i = 0; i < n;) {
        size_t m = 1 + (size_t)(test_random(&seed) % 90);
        m = m < n - i ? m : n - i;
        CHECK_OK(eddy_clusterer_assign(cl, s.rows + i, m, answers, &err), &err);
        keep(told, cl);
        i += m;
        if (test_random(&seed) % 9)
            continue;
        CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
        keep(told, cl);
        hold_against(told, cl);
    }
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    keep(told, cl);
    hold_against(told, cl);
    eddy_clusterer_free(cl);
    stream_free(&s);
    free(told);
    free(answers);
}

TEST(what_was_told_last_of_an_event_is_how_it_stands)
{
    uint64_t seed = test_seed();
    for (int round = 0; round < 6; round++) {
        eddy_engine_options o = stream_options();
        o.repair_every = round & 1 ? 100 : 37;
        if (round > 1)
            o.fade_ms = 300000;
        if (round > 3)
            o.events_max = 32;
        run(&o, seed + (uint64_t)round, 3000, round & 1 ? 60 : 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_told_last_of_an_event_is_how_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
