/* Indexes without gold labels: scikit-learn's answers, hand-made cases, what must hold for any
 * vectors, and what such an index cannot see. */
#include "test.h"

#include <eddy/score.h>

#include <jansson.h>
#include <math.h>

#define N   400
#define DIM 20
#define K   7

struct data {
    float rows[N * DIM];
    uint64_t labels[N], second[N];
};

static double uniform(uint64_t *seed)
{
    return (double)(test_random(seed) >> 11) * 0x1p-53;
}

/* K clouds around places of their own, all shifted; sizes fall from the first to the last. */
static void clouds(uint64_t seed, double shift, struct data *x)
{
    uint64_t place = seed + 1000000;
    double means[K * DIM];
    for (size_t i = 0; i < K * DIM; i++)
        means[i] = 4 * uniform(&place) - 2 + shift;
    for (size_t i = 0; i < N; i++) {
        double u = uniform(&seed);
        x->labels[i] = x->second[i] = 1 + (uint64_t)(K * u * u);
        for (size_t d = 0; d < DIM; d++) {
            double noise = uniform(&seed) + uniform(&seed) + uniform(&seed) - 1.5;
            x->rows[i * DIM + d] = (float)(means[(x->labels[i] - 1) * DIM + d] + noise);
        }
    }
}

static eddy_internal_scores internal(const struct data *x)
{
    eddy_internal_scores ret;
    eddy_error err = {0};
    CHECK_OK(eddy_score_internal(x->rows, N, DIM, x->labels, &ret, &err), &err);
    return ret;
}

static eddy_stability stability(const struct data *x, size_t folds)
{
    eddy_stability ret;
    eddy_error err = {0};
    CHECK_OK(eddy_score_stability(x->rows, N, DIM, x->labels, x->second, folds, &ret, &err), &err);
    return ret;
}

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

/* ---- what scikit-learn says ---- */

static void case_holds(const json_t *c)
{
    const json_t *rows = json_object_get(c, "rows"), *want = json_object_get(c, "scores");
    size_t dim = (size_t)json_integer_value(json_object_get(c, "dim"));
    size_t n = json_array_size(rows) / dim;
    float *x = malloc(n * dim * sizeof *x);
    uint64_t *labels = malloc(2 * n * sizeof *labels), *second = labels + n;
    for (size_t i = 0; i < n * dim; i++)
        x[i] = (float)json_number_value(json_array_get(rows, i));
    for (size_t i = 0; i < n; i++) {
        labels[i] = (uint64_t)json_integer_value(json_array_get(json_object_get(c, "labels"), i));
        second[i] = (uint64_t)json_integer_value(json_array_get(json_object_get(c, "second"), i));
    }
    eddy_error err = {0};
    eddy_internal_scores got;
    eddy_stability stable;
    CHECK_OK(eddy_score_internal(x, n, dim, labels, &got, &err), &err);
    CHECK_OK(eddy_score_stability(x, n, dim, labels, second,
                                  (size_t)json_integer_value(json_object_get(c, "folds")), &stable,
                                  &err),
             &err);
    const struct {
        const char *name;
        double got;
    } all[] = {{"silhouette", got.silhouette},
               {"davies_bouldin", got.davies_bouldin},
               {"calinski_harabasz", got.calinski_harabasz},
               {"csai_share", stable.csai_share},
               {"csai_profile", stable.csai_profile}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        double expected = json_number_value(json_object_get(want, all[i].name));
        if (!near(all[i].got, expected))
            fail_msg("%s: %s is %.17g, should be %.17g",
                     json_string_value(json_object_get(c, "name")), all[i].name, all[i].got,
                     expected);
    }
    free(x);
    free(labels);
}

TEST(indexes_are_those_of_scikit_learn_and_of_the_formulas)
{
    json_error_t bad;
    json_t *cases = json_load_file("tests/golden/score/internal.json", 0, &bad), *c;
    size_t i;
    assert_non_null(cases);
    assert_true(json_array_size(cases) > 10);
    json_array_foreach(cases, i, c)
    {
        case_holds(c);
    }
    json_decref(cases);
}

TEST(two_pairs_by_hand)
{
    const float rows[] = {0, 0, 0, 2, 8, 1, 8, 3};
    const uint64_t labels[] = {4, 4, 0, 0};
    eddy_internal_scores got;
    CHECK_OK(eddy_score_internal(rows, 4, 2, labels, &got, NULL), &(eddy_error){0});
    assert_int_equal(got.n, 4);
    assert_int_equal(got.clusters, 2);
    assert_true(near(got.davies_bouldin, 2 / sqrt(65)));
    assert_true(near(got.calinski_harabasz, 65. / 4 * 2));
    assert_true(near(got.silhouette, ((1 - 1 / sqrt(68)) * 2 + (1 - 1 / sqrt(64)) * 2) / 4));
}

/* Blocks, and means that the product cannot tell apart: all is decided in double. */
TEST(what_the_product_proposes_is_decided_exactly)
{
    enum { MANY = 700, CLUSTERS = 300 };
    float *rows = malloc(MANY * sizeof *rows);
    uint64_t *labels = malloc(MANY * sizeof *labels);
    double mean[CLUSTERS] = {0}, size[CLUSTERS] = {0}, inside[CLUSTERS] = {0}, want = 0, db = 0;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < MANY; i++) {
        labels[i] = i < CLUSTERS ? i : test_random(&seed) % CLUSTERS;
        rows[i] = (float)(1000 + (double)labels[i] * 1e-3 + 1e-3 * uniform(&seed));
        rows[i] = labels[i] ? rows[i] : 1e6F; /* the middle of all is far from the others */
        mean[labels[i]] += (double)rows[i];
        size[labels[i]]++;
    }
    for (size_t c = 0; c < CLUSTERS; c++)
        mean[c] /= size[c];
    for (size_t i = 0; i < MANY; i++) {
        double a = fabs((double)rows[i] - mean[labels[i]]), b = INFINITY;
        for (size_t c = 0; c < CLUSTERS; c++)
            b = c == labels[i] ? b : fmin(b, fabs((double)rows[i] - mean[c]));
        want += size[labels[i]] > 1 && a != b ? (b - a) / fmax(a, b) / MANY : 0;
        inside[labels[i]] += a / size[labels[i]];
    }
    for (size_t c = 0; c < CLUSTERS; c++) {
        double worst = 0;
        for (size_t e = 0; e < CLUSTERS; e++)
            if (mean[c] != mean[e])
                worst = fmax(worst, (inside[c] + inside[e]) / fabs(mean[c] - mean[e]));
        db += worst / CLUSTERS;
    }
    eddy_internal_scores got;
    CHECK_OK(eddy_score_internal(rows, MANY, 1, labels, &got, NULL), &(eddy_error){0});
    assert_true(near(got.silhouette, want));
    assert_true(near(got.davies_bouldin, db));
    free(rows);
    free(labels);
}

/* ---- properties ---- */

static void same(const struct data *a, const struct data *b)
{
    eddy_internal_scores x = internal(a), y = internal(b);
    eddy_stability p = stability(a, 0), q = stability(b, 0);
    assert_int_equal(x.clusters, y.clusters);
    assert_true(near(x.silhouette, y.silhouette));
    assert_true(near(x.davies_bouldin, y.davies_bouldin));
    assert_true(near(x.calinski_harabasz, y.calinski_harabasz));
    assert_true(near(p.csai_share, q.csai_share));
    assert_true(near(p.csai_profile, q.csai_profile));
}

TEST(neither_the_order_of_documents_nor_names_of_clusters_matter)
{
    static struct data x, y;
    uint64_t seed = test_seed();
    for (int round = 0; round < 5; round++) {
        clouds(seed + 7919 * (uint64_t)round, 1, &x);
        for (size_t i = 0; i < N; i++)
            if (test_random(&seed) % 10 == 0)
                x.second[i] = 1 + test_random(&seed) % K;
        y = x;
        for (size_t i = 0; i < N; i++) {
            y.labels[i] = ed_mix64(x.labels[i]);
            y.second[i] = ed_mix64(x.second[i]);
        }
        same(&x, &y);
        for (size_t i = N; i-- > 1;) {
            size_t j = (size_t)(test_random(&seed) % (i + 1));
            float row[DIM];
            memcpy(row, y.rows + i * DIM, sizeof row);
            memcpy(y.rows + i * DIM, y.rows + j * DIM, sizeof row);
            memcpy(y.rows + j * DIM, row, sizeof row);
            uint64_t label = y.labels[i], second = y.second[i];
            y.labels[i] = y.labels[j];
            y.second[i] = y.second[j];
            y.labels[j] = label;
            y.second[j] = second;
        }
        same(&x, &y);
    }
}

TEST(the_right_labels_are_better_than_random_ones)
{
    static struct data x;
    uint64_t seed = test_seed();
    clouds(seed, 1, &x);
    eddy_internal_scores right = internal(&x);
    for (size_t i = 0; i < N; i++)
        x.labels[i] = test_random(&seed) % K;
    eddy_internal_scores wrong = internal(&x);
    assert_true(right.silhouette > 0.4 && wrong.silhouette < 0.1);
    assert_true(right.davies_bouldin < 1 && wrong.davies_bouldin > 3);
    assert_true(right.calinski_harabasz > 20 * wrong.calinski_harabasz);
}

TEST(nothing_that_moves_is_perfectly_stable)
{
    static struct data x;
    clouds(test_seed(), 1, &x);
    eddy_stability still = stability(&x, 0);
    assert_int_equal(still.clusters, K);
    assert_true(still.csai_share == 0 && still.csai_profile == 0);
    for (size_t i = 0; i < N; i++) /* all others are found elsewhere */
        x.second[i] += 1000;
    assert_true(stability(&x, 0).csai_profile == 1);
    assert_int_equal(stability(&x, 0).clusters, 2 * K);
}

/* The known weakness, and what the corrected form makes of it. Labels drawn at random in fixed
 * unequal proportions say nothing about the documents: as published, the index calls them stable,
 * more than the right answer; their profiles do not differ by more than chance, so the corrected
 * form does not. */
TEST(a_skewed_random_labelling_scores_well_by_shares_and_badly_by_profiles)
{
    static struct data x;
    uint64_t seed = test_seed();
    double right[2] = {0}, wrong[2] = {0};
    enum { ROUNDS = 20 };
    for (int round = 0; round < ROUNDS; round++) {
        clouds(seed + 104729 * (uint64_t)round, 5, &x);
        eddy_stability s = stability(&x, 5);
        right[0] += s.csai_share / ROUNDS;
        right[1] += s.csai_profile / ROUNDS;
        for (size_t i = 0; i < N; i++) {
            double u = uniform(&seed);
            x.labels[i] = x.second[i] = 1 + (uint64_t)(K * u * u * u);
        }
        s = stability(&x, 5);
        wrong[0] += s.csai_share / ROUNDS;
        wrong[1] += s.csai_profile / ROUNDS;
    }
    printf("shares: right %.4f, random %.4f; profiles: right %.4f, random %.4f\n", right[0],
           wrong[0], right[1], wrong[1]);
    assert_true(wrong[0] < right[0]);
    assert_true(wrong[1] > 3 * right[1]);
}

TEST(the_corrected_form_knows_neither_shift_nor_unit_and_the_published_one_does)
{
    static struct data x, y;
    uint64_t seed = test_seed();
    clouds(seed, 1, &x);
    for (size_t i = 0; i < N; i++)
        if (test_random(&seed) % 5 == 0)
            x.second[i] = 1 + test_random(&seed) % K;
    y = x;
    for (size_t i = 0; i < N * DIM; i++)
        y.rows[i] = 4 * (i % 2 ? x.rows[i] : -x.rows[i]) + 3;
    eddy_stability a = stability(&x, 0), b = stability(&y, 0);
    assert_true(fabs(a.csai_profile - b.csai_profile) < 1e-5);
    assert_true(fabs(a.csai_share - b.csai_share) > 1e-3);
}

/* ---- edges ---- */

TEST(where_there_is_nothing_to_compare_an_index_is_not_a_number)
{
    static struct data x;
    clouds(test_seed(), 1, &x);
    for (int alone = 0; alone < 2; alone++) {
        for (size_t i = 0; i < N; i++)
            x.labels[i] = alone ? i : 5;
        eddy_internal_scores s = internal(&x);
        assert_int_equal(s.clusters, alone ? N : 1);
        assert_true(isnan(s.silhouette) && isnan(s.davies_bouldin) && isnan(s.calinski_harabasz));
    }
    const float opposite[] = {1, -1};
    const uint64_t labels[] = {1, 2};
    eddy_stability s;
    CHECK_OK(eddy_score_stability(opposite, 2, 1, labels, labels, 0, &s, NULL), &(eddy_error){0});
    assert_true(isnan(s.csai_share) && s.csai_profile == 0);
}

TEST(what_cannot_be_judged_is_refused_in_words)
{
    float rows[] = {1, 2, 3, 4};
    const uint64_t labels[] = {1, 1, 2, 2}, none[] = {0, 0, 0, 0};
    eddy_internal_scores s = {.n = 77};
    eddy_stability t = {.clusters = 77};
    eddy_error err = {0};
    assert_int_equal(eddy_score_internal(rows, 0, 1, labels, &s, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "0 documents"));
    assert_int_equal(eddy_score_internal(rows, 4, 0, labels, &s, NULL), EDDY_INVALID);
    err = (eddy_error){0};
    assert_int_equal(eddy_score_stability(rows, 4, 1, labels, none, 0, &t, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "no document has a label at one moment"));
    err = (eddy_error){0};
    assert_int_equal(eddy_score_stability(rows, 4, 1, labels, labels, 5, &t, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "5 folds of 4 documents"));
    rows[2] = NAN;
    err = (eddy_error){0};
    assert_int_equal(eddy_score_internal(rows, 4, 1, labels, &s, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "not finite"));
    assert_int_equal(eddy_score_stability(rows, 4, 1, labels, labels, 0, &t, NULL), EDDY_INVALID);
    assert_int_equal(s.n, 77);
    assert_int_equal(t.clusters, 77);
}

TEST(indexes_survive_any_lost_allocation)
{
    static struct data x;
    clouds(1, 1, &x);
    EACH_ALLOC_FAILS (k) {
        eddy_internal_scores s = {.n = 77};
        eddy_status st = eddy_score_internal(x.rows, N, DIM, x.labels, &s, NULL);
        assert_true(st == EDDY_OK ? s.n == N : st == EDDY_NOMEM && s.n == 77);
    }
    EACH_ALLOC_FAILS (k) {
        eddy_stability s = {.clusters = 77};
        eddy_status st = eddy_score_stability(x.rows, N, DIM, x.labels, x.second, 5, &s, NULL);
        assert_true(st == EDDY_OK ? s.clusters == K : st == EDDY_NOMEM && s.clusters == 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes_are_those_of_scikit_learn_and_of_the_formulas),
        cmocka_unit_test(two_pairs_by_hand),
        cmocka_unit_test(what_the_product_proposes_is_decided_exactly),
        cmocka_unit_test(neither_the_order_of_documents_nor_names_of_clusters_matter),
        cmocka_unit_test(the_right_labels_are_better_than_random_ones),
        cmocka_unit_test(nothing_that_moves_is_perfectly_stable),
        cmocka_unit_test(a_skewed_random_labelling_scores_well_by_shares_and_badly_by_profiles),
        cmocka_unit_test(
            the_corrected_form_knows_neither_shift_nor_unit_and_the_published_one_does),
        cmocka_unit_test(where_there_is_nothing_to_compare_an_index_is_not_a_number),
        cmocka_unit_test(what_cannot_be_judged_is_refused_in_words),
        cmocka_unit_test(indexes_survive_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
