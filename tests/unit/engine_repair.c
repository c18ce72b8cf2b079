/* Repair against its oracle: with every group and every pair looked at in each pass, the
 * incremental pass becomes the full one of ALGORITHM 5.6. Both must find the gold events about
 * equally well. */
#include "engine_support.h"

#include <eddy/score.h>

/* BCubed F1 of the final events, following groups as a consumer does. */
static double final_f(const struct stream *s, const eddy_engine_options *o, uint64_t *ret_events)
{
    eddy_clusterer *cl = NULL;
    eddy_lineage *lineage = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(o, &cl, &err), &err);
    CHECK_OK(eddy_lineage_new(&lineage, &err), &err);
    eddy_assignment *a = calloc(s->n, sizeof *a);
    uint64_t *found = calloc(s->n, sizeof *found);
    for (size_t i = 0; i <= s->n; i += 50) {
        if (i < s->n)
            CHECK_OK(eddy_clusterer_assign(cl, s->rows + i, 50, a + i, &err), &err);
        else
            CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
        for (size_t k = i; k < i + 50 && k < s->n; k++)
            CHECK_OK(eddy_lineage_assigned(lineage, a[k].event, a[k].group, &err), &err);
        const eddy_change *c;
        size_t n = eddy_clusterer_changes(cl, &c);
        for (size_t k = 0; k < n; k++)
            CHECK_OK(eddy_lineage_changed(lineage, &c[k], &err), &err);
    }
    for (size_t i = 0; i < s->n; i++)
        found[i] = eddy_lineage_now(lineage, a[i].event, a[i].group);
    eddy_scores scores;
    CHECK_OK(eddy_score(s->gold, found, s->n, &scores, &err), &err);
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    assert_int_equal(scores.found, st.events_active);
    *ret_events = st.events_active;
    free(a);
    free(found);
    eddy_lineage_free(lineage);
    eddy_clusterer_free(cl);
    return scores.bcubed_f;
}

TEST(incremental_repair_finds_what_the_full_pass_finds)
{
    uint64_t seed = test_seed();
    for (int round = 0; round < 4; round++) {
        struct stream s = stream_make(seed + (uint64_t)round, 3000, 50 + 30 * (size_t)round, 1.7);
        eddy_engine_options o = stream_options();
        uint64_t events, events_full;
        double incremental = final_f(&s, &o, &events);
        o.turns = 1;
        o.neighbours = 2000;
        double full = final_f(&s, &o, &events_full);
        printf("%d: incremental %.3f (%llu events), full %.3f (%llu events)\n", round, incremental,
               (unsigned long long)events, full, (unsigned long long)events_full);
        assert_true(fabs(incremental - full) < 0.03);
        stream_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incremental_repair_finds_what_the_full_pass_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
