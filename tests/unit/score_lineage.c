/* Lineage: where documents are now, by hand, against a slow and obvious engine, and at length. */
#include "test.h"

#include <eddy/score.h>

static eddy_lineage *lineage_new(void)
{
    eddy_lineage *ret = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_lineage_new(&ret, &err), &err);
    return ret;
}

static void assigned(eddy_lineage *l, uint64_t event, uint64_t group)
{
    eddy_error err = {0};
    CHECK_OK(eddy_lineage_assigned(l, event, group, &err), &err);
}

static void changed(eddy_lineage *l, const eddy_change *change)
{
    eddy_error err = {0};
    CHECK_OK(eddy_lineage_changed(l, change, &err), &err);
}

#define MERGED(a, b)    ((eddy_change){.kind = EDDY_MERGED, .event = (a), .other = (b)})
#define MOVED(g, a, b)  ((eddy_change){.kind = EDDY_MOVED, .group = (g), .other = (a), .event = (b)})
#define FOLDED(g, into) ((eddy_change){.kind = EDDY_FOLDED, .group = (g), .into_group = (into)})

TEST(documents_follow_merges_moves_and_folds)
{
    eddy_lineage *l = lineage_new();
    assigned(l, 1, 10);
    assigned(l, 1, 11);
    assigned(l, 2, 20);
    assigned(l, 3, 30);
    changed(l, &MOVED(11, 1, 2));
    assigned(l, 2, 11);
    changed(l, &FOLDED(11, 20));
    changed(l, &MERGED(2, 3));
    changed(l, &(eddy_change){.kind = EDDY_SPLIT, .event = 4, .other = 3});
    changed(l, &MOVED(20, 3, 4));
    changed(l, &(eddy_change){.kind = EDDY_FADED, .event = 4});

    assert_int_equal(eddy_lineage_event(l, 1), 1);
    assert_int_equal(eddy_lineage_event(l, 2), 3);
    assert_int_equal(eddy_lineage_event(l, 999), 999);
    assert_int_equal(eddy_lineage_now(l, 1, 10), 1);
    assert_int_equal(eddy_lineage_now(l, 1, 11), 4); /* moved to 2, folded into 20, split off */
    assert_int_equal(eddy_lineage_now(l, 2, 20), 4);
    assert_int_equal(eddy_lineage_now(l, 3, 30), 3);
    assert_int_equal(eddy_lineage_now(l, 2, 999), 3); /* a group nobody spoke of: its event */
    assert_int_equal(eddy_lineage_now(l, 2, 0), 3);
    eddy_lineage_free(l);
}

#define REASSIGNED(d, g, into, e)                                                                  \
    ((eddy_change){.kind = EDDY_REASSIGNED,                                                        \
                   .document = (d),                                                                \
                   .group = (g),                                                                   \
                   .into_group = (into),                                                           \
                   .event = (e)})

/* Document 0 leaves, and all that happens to its new group is its own; the others stay. */
TEST(a_document_goes_its_own_way)
{
    eddy_lineage *l = lineage_new();
    assigned(l, 1, 10);
    assigned(l, 2, 20);
    changed(l, &REASSIGNED(0, 10, 20, 2));
    assert_int_equal(eddy_lineage_document(l, 0, 1, 10), 2);
    assert_int_equal(eddy_lineage_document(l, 1, 1, 10), 1);
    assert_int_equal(eddy_lineage_now(l, 1, 10), 1);
    changed(l, &MOVED(20, 2, 3));
    changed(l, &REASSIGNED(1, 10, 99, 7)); /* a group of which nobody has spoken */
    changed(l, &FOLDED(20, 30));
    assigned(l, 4, 30);
    changed(l, &MERGED(4, 5));
    assert_int_equal(eddy_lineage_document(l, 0, 1, 10), 5);
    assert_int_equal(eddy_lineage_document(l, 1, 1, 10), 7);
    changed(l, &REASSIGNED(0, 30, 10, 1)); /* and back */
    assert_int_equal(eddy_lineage_document(l, 0, 1, 10), 1);
    assert_int_equal(eddy_lineage_changed(l, &REASSIGNED(UINT64_MAX, 10, 30, 5), NULL),
                     EDDY_INVALID);
    assert_int_equal(eddy_lineage_document(l, UINT64_MAX, 1, 10), 1);
    assert_int_equal(eddy_lineage_changed(l, &REASSIGNED(3, 1, 0, 1), NULL), EDDY_INVALID);
    assert_int_equal(eddy_lineage_changed(l, &REASSIGNED(3, 1, 1, 0), NULL), EDDY_INVALID);
    eddy_lineage_free(l);
}

TEST(a_circle_and_a_second_way_are_refused)
{
    eddy_lineage *l = lineage_new();
    eddy_error err = {0};
    changed(l, &MERGED(1, 2));
    changed(l, &MERGED(2, 3));
    assert_int_equal(eddy_lineage_changed(l, &MERGED(3, 1), &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "event 3 goes into 1, which went into it"));
    err = (eddy_error){0};
    assert_int_equal(eddy_lineage_changed(l, &MERGED(1, 9), &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "went into 3 before"));
    assert_int_equal(eddy_lineage_changed(l, &MERGED(7, 7), NULL), EDDY_INVALID);
    assert_int_equal(eddy_lineage_changed(l, &MERGED(7, 0), NULL), EDDY_INVALID);
    assert_int_equal(eddy_lineage_changed(l, &MOVED(0, 1, 2), NULL), EDDY_INVALID);
    assert_int_equal(eddy_lineage_changed(l, &FOLDED(5, 5), NULL), EDDY_INVALID);
    changed(l, &MERGED(1, 2)); /* told twice */
    assert_int_equal(eddy_lineage_event(l, 1), 3);
    eddy_lineage_free(l);
    eddy_lineage_free(NULL);
}

/* ---- against a slow and obvious engine ---- */

#define DOCS   3000
#define GROUPS 400

/* It keeps for every document its group, for every group its event, and rewrites all of them at
 * each change. Ids are never reused; event 0 and group 0 do not exist. */
struct slow {
    uint64_t seed;
    uint64_t doc_event[DOCS], doc_group[DOCS], now_group[DOCS];
    uint64_t home[GROUPS];    /* 0: folded, or not founded yet */
    uint64_t alive[DOCS * 2]; /* event -> the one it lives on in */
    size_t n_docs;
    uint64_t n_groups, n_events;
    struct {
        int is_doc;
        size_t doc;
        eddy_change change;
    } log[DOCS * 4];
    size_t n_log;
};

static uint64_t below(struct slow *s, uint64_t n)
{
    return test_random(&s->seed) % n;
}

static uint64_t some_group(struct slow *s)
{
    uint64_t g;
    do
        g = 1 + below(s, s->n_groups - 1);
    while (!s->home[g]);
    return g;
}

static void tell(struct slow *s, eddy_change change)
{
    s->log[s->n_log++].change = change;
}

static void slow_arrive(struct slow *s)
{
    uint64_t g = s->n_groups > 1 ? some_group(s) : 0;
    if (!g || (s->n_groups < GROUPS && below(s, 4) == 0)) {
        uint64_t event = g && below(s, 2) ? s->home[g] : s->n_events++;
        g = s->n_groups++;
        s->home[g] = s->alive[event] = event;
    }
    size_t i = s->n_docs++;
    s->doc_event[i] = s->home[g];
    s->doc_group[i] = s->now_group[i] = g;
    s->log[s->n_log].is_doc = 1;
    s->log[s->n_log++].doc = i;
}

static void slow_merge(struct slow *s)
{
    uint64_t from = s->home[some_group(s)], into = s->home[some_group(s)];
    if (from == into)
        return;
    for (uint64_t g = 1; g < s->n_groups; g++)
        if (s->home[g] == from)
            s->home[g] = into;
    for (uint64_t e = 1; e < s->n_events; e++)
        if (s->alive[e] == from)
            s->alive[e] = into;
    tell(s, MERGED(from, into));
}

static void slow_move(struct slow *s, int to_new)
{
    uint64_t g = some_group(s), from = s->home[g];
    uint64_t into = to_new ? s->n_events++ : s->home[some_group(s)];
    if (to_new) {
        s->alive[into] = into;
        tell(s, (eddy_change){.kind = EDDY_SPLIT, .event = into, .other = from});
    }
    s->home[g] = into;
    tell(s, MOVED(g, from, into));
}

static void slow_fold(struct slow *s)
{
    uint64_t g = some_group(s), into = some_group(s);
    if (g == into || s->home[g] != s->home[into])
        return;
    for (size_t i = 0; i < s->n_docs; i++)
        if (s->now_group[i] == g)
            s->now_group[i] = into;
    s->home[g] = 0;
    tell(s, FOLDED(g, into));
}

static void slow_run(struct slow *s)
{
    s->n_groups = s->n_events = 1;
    while (s->n_docs < DOCS) {
        slow_arrive(s);
        switch (below(s, 16)) {
        case 0: slow_merge(s); break;
        case 1: slow_move(s, 0); break;
        case 2: slow_move(s, 1); break;
        case 3: slow_fold(s); break;
        }
    }
}

enum feed { AS_IT_CAME, DOCUMENTS_FIRST, CHANGES_FIRST, TWICE, FEEDS };

static void feed(eddy_lineage *l, const struct slow *s, int docs, int changes)
{
    for (size_t i = 0; i < s->n_log; i++) {
        if (s->log[i].is_doc && docs)
            assigned(l, s->doc_event[s->log[i].doc], s->doc_group[s->log[i].doc]);
        if (!s->log[i].is_doc && changes)
            changed(l, &s->log[i].change);
    }
}

TEST(lineage_agrees_with_the_slow_engine)
{
    struct slow *s = malloc(sizeof *s);
    uint64_t seed = test_seed();
    for (int round = 0; round < 40; round++) {
        memset(s, 0, sizeof *s);
        s->seed = ed_mix64(seed + (uint64_t)round);
        slow_run(s);
        eddy_lineage *l = lineage_new();
        enum feed how = (enum feed)(round % FEEDS);
        if (how == AS_IT_CAME || how == TWICE)
            feed(l, s, 1, 1);
        if (how == TWICE)
            feed(l, s, 1, 1);
        if (how == CHANGES_FIRST)
            feed(l, s, 0, 1);
        if (how == DOCUMENTS_FIRST || how == CHANGES_FIRST)
            feed(l, s, 1, 0);
        if (how == DOCUMENTS_FIRST)
            feed(l, s, 0, 1);
        for (size_t i = 0; i < s->n_docs; i++) {
            uint64_t event = s->doc_event[i];
            assert_int_equal(eddy_lineage_event(l, event), s->alive[event]);
            assert_int_equal(eddy_lineage_now(l, event, s->doc_group[i]), s->home[s->now_group[i]]);
        }
        eddy_lineage_free(l);
    }
    free(s);
}

/* A chain that was walked again for each document would take 10^12 steps here. */
TEST(a_million_merges_folds_and_moves_are_no_burden)
{
    const uint64_t n = 1000000;
    eddy_lineage *l = lineage_new();
    for (uint64_t i = 1; i < n; i++) {
        assigned(l, i, i);
        changed(l, &MERGED(i, i + 1));
        changed(l, &FOLDED(i, i + 1));
    }
    for (uint64_t i = 1; i <= n; i++)
        changed(l, &MOVED(n, i, i + 1));
    for (uint64_t i = 1; i <= n; i++) {
        assert_int_equal(eddy_lineage_event(l, i), n);
        assert_int_equal(eddy_lineage_now(l, i, i), n + 1);
    }
    eddy_lineage_free(l);
}

TEST(lineage_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        eddy_lineage *l = NULL;
        if (eddy_lineage_new(&l, NULL) == EDDY_NOMEM) {
            assert_null(l);
            continue;
        }
        for (uint64_t i = 1; i < 200; i++) {
            eddy_status told[] = {
                eddy_lineage_assigned(l, i, i, NULL),
                eddy_lineage_changed(l, &MERGED(i, i + 1), NULL),
                eddy_lineage_changed(l, &FOLDED(i, i + 1), NULL),
                eddy_lineage_changed(l, &MOVED(i + 1, i, i + 1), NULL),
            };
            for (size_t j = 0; j < 4; j++)
                assert_true(told[j] == EDDY_OK || told[j] == EDDY_NOMEM);
            assert_int_equal(eddy_lineage_event(l, i), told[1] == EDDY_OK ? i + 1 : i);
        }
        eddy_lineage_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_follow_merges_moves_and_folds),
        cmocka_unit_test(a_document_goes_its_own_way),
        cmocka_unit_test(a_circle_and_a_second_way_are_refused),
        cmocka_unit_test(lineage_agrees_with_the_slow_engine),
        cmocka_unit_test(a_million_merges_folds_and_moves_are_no_burden),
        cmocka_unit_test(lineage_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
