/* Scores: hand-made cases, scikit-learn's answers, and what must hold for any partition. */
#include "test.h"

#include <eddy/score.h>

#include <jansson.h>
#include <math.h>

static eddy_scores score(const uint64_t *gold, const uint64_t *found, size_t n)
{
    eddy_scores s;
    eddy_error err = {0};
    CHECK_OK(eddy_score(gold, found, n, &s, &err), &err);
    return s;
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

TEST(a_cluster_cut_in_two_is_pure_and_incomplete)
{
    const uint64_t gold[] = {7, 7, 7, 7, 9, 9};
    const uint64_t found[] = {1, 1, 2, 2, 3, 3};
    eddy_scores s = score(gold, found, 6);
    assert_int_equal(s.n, 6);
    assert_int_equal(s.gold, 2);
    assert_int_equal(s.found, 3);
    NEAR(s.bcubed_p, 1);
    NEAR(s.bcubed_r, (4 * 0.5 + 2) / 6);
    NEAR(s.bcubed_f, 0.8);
    NEAR(s.homogeneity, 1);
    NEAR(s.completeness, (log(6) - 4. / 6 * log(4) - 2. / 6 * log(2)) / log(3));
    NEAR(s.ari, 2 * (6. * 16 - 8. * 0) / ((6. + 8) * (8 + 16) + 6. * 16));
    NEAR(s.ga, 2. / 6);
    NEAR(s.fga, 0.4); /* 1 of 3 found, 1 of 2 gold */
}

static const struct {
    const char *name;
    size_t offset;
} measures[] = {
#define MEASURE(name)                                                                              \
    {                                                                                              \
#name, offsetof(eddy_scores, name)                                                         \
    }
    MEASURE(bcubed_p),      MEASURE(bcubed_r),    MEASURE(bcubed_f),     MEASURE(nmi),
    MEASURE(nmi_geometric), MEASURE(homogeneity), MEASURE(completeness), MEASURE(v_measure),
    MEASURE(ari),           MEASURE(ga),          MEASURE(fga),
};
#define N_MEASURES (sizeof measures / sizeof measures[0])

static double measure(const eddy_scores *s, size_t i)
{
    return *(const double *)((const char *)s + measures[i].offset);
}

static uint64_t *labels(const json_t *array)
{
    uint64_t *ret = malloc((json_array_size(array) + 1) * sizeof *ret);
    for (size_t i = 0; i < json_array_size(array); i++)
        ret[i] = (uint64_t)json_integer_value(json_array_get(array, i));
    return ret;
}

TEST(scores_are_those_of_scikit_learn)
{
    json_error_t bad;
    json_t *cases = json_load_file("tests/golden/score/cases.json", 0, &bad), *c;
    size_t i;
    assert_non_null(cases);
    assert_true(json_array_size(cases) > 30);
    json_array_foreach(cases, i, c)
    {
        const json_t *want = json_object_get(c, "scores");
        uint64_t *gold = labels(json_object_get(c, "gold"));
        uint64_t *found = labels(json_object_get(c, "found"));
        eddy_scores s = score(gold, found, json_array_size(json_object_get(c, "gold")));
        assert_int_equal(s.gold, json_integer_value(json_object_get(want, "gold")));
        assert_int_equal(s.found, json_integer_value(json_object_get(want, "found")));
        for (size_t k = 0; k < N_MEASURES; k++) {
            double expected = json_number_value(json_object_get(want, measures[k].name));
            if (!(fabs(measure(&s, k) - expected) < 1e-9))
                fail_msg("%s: %s is %.17g, should be %.17g",
                         json_string_value(json_object_get(c, "name")), measures[k].name,
                         measure(&s, k), expected);
        }
        free(gold);
        free(found);
    }
    json_decref(cases);
}

static void same(const eddy_scores *a, const eddy_scores *b)
{
    for (size_t k = 0; k < N_MEASURES; k++)
        if (!(fabs(measure(a, k) - measure(b, k)) < 1e-9))
            fail_msg("%s: %.17g and %.17g", measures[k].name, measure(a, k), measure(b, k));
}

#define N 500

/* Labels are names only, the order of documents means nothing, and the two sides are mirror
 * images: precision is the recall of the other way round. */
TEST(scores_hang_on_the_partitions_alone)
{
    uint64_t seed = test_seed();
    for (int round = 0; round < 200; round++) {
        uint64_t gold[N], found[N], other[N];
        size_t n = 1 + test_random(&seed) % N;
        uint64_t salt = test_random(&seed), k_gold = 1 + test_random(&seed) % n,
                 k_found = 1 + test_random(&seed) % n;
        for (size_t i = 0; i < n; i++) {
            gold[i] = test_random(&seed) % k_gold;
            found[i] = test_random(&seed) % 3 ? gold[i] % k_found : test_random(&seed) % k_found;
            other[i] = ed_mix64(found[i] ^ salt);
        }
        eddy_scores s = score(gold, found, n), again = score(gold, other, n);
        same(&s, &again);

        eddy_scores mirror = score(found, gold, n);
        NEAR(mirror.bcubed_p, s.bcubed_r);
        NEAR(mirror.homogeneity, s.completeness);
        NEAR(mirror.nmi, s.nmi);
        NEAR(mirror.ari, s.ari);
        NEAR(mirror.fga, s.fga);
        NEAR(s.nmi, s.gold == 1 && s.found == 1 ? 1 : s.v_measure); /* the same by theory */

        for (size_t i = n - 1; i > 0; i--) {
            size_t j = test_random(&seed) % (i + 1);
            uint64_t g = gold[i], f = found[i];
            gold[i] = gold[j], found[i] = found[j];
            gold[j] = g, found[j] = f;
        }
        again = score(gold, found, n);
        same(&s, &again);

        eddy_scores perfect = score(gold, gold, n);
        for (size_t k = 0; k < N_MEASURES; k++) {
            NEAR(measure(&perfect, k), 1);
            assert_true(measure(&s, k) <= 1 && measure(&s, k) >= (k == 8 ? -1 : 0));
        }
    }
}

TEST(nothing_to_score_is_refused)
{
    eddy_error err = {0};
    uint64_t label = 0;
    eddy_scores s = {.n = 77};
    assert_int_equal(eddy_score(&label, &label, 0, &s, &err), EDDY_INVALID);
    assert_int_equal(s.n, 77);
    assert_non_null(strstr(err.text, "0 documents"));
    assert_int_equal(eddy_score(&label, &label, SIZE_MAX, &s, NULL), EDDY_INVALID);
}

TEST(scores_survive_any_lost_allocation)
{
    const uint64_t gold[] = {1, 1, 2}, found[] = {1, 2, 2};
    EACH_ALLOC_FAILS (k) {
        eddy_scores s = {.n = 77};
        eddy_status st = eddy_score(gold, found, 3, &s, NULL);
        assert_true(st == EDDY_OK ? s.n == 3 : st == EDDY_NOMEM && s.n == 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cluster_cut_in_two_is_pure_and_incomplete),
        cmocka_unit_test(scores_are_those_of_scikit_learn),
        cmocka_unit_test(scores_hang_on_the_partitions_alone),
        cmocka_unit_test(nothing_to_score_is_refused),
        cmocka_unit_test(scores_survive_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
