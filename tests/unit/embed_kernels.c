/* The encoder's element-wise steps against the same in double, one element at a time. */
#include "test.h"

#include "embed/kernels.h"

#include <math.h>

static float random_float(uint64_t *state, double scale)
{
    return (float)(((double)(test_random(state) >> 11) / 4503599627370496.0 - 1.0) * scale);
}

static void fill(float *x, size_t n, uint64_t *state, double scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = random_float(state, scale);
}

TEST(activations_are_within_a_millionth)
{
    enum { N = 240001 };
    float *x = ed_alloc(N * sizeof *x);
    float *y = ed_alloc(N * sizeof *y);
    float zero[1] = {0};
    double worst = 0, worst_tanh = 0;
    for (size_t i = 0; i < N; i++)
        x[i] = (float)i / 10000.0f - 12.0f;
    memcpy(y, x, N * sizeof *y);
    ed_bias_gelu(y, zero, N, 1);
    for (size_t i = 0; i < N; i++)
        worst = fmax(worst, fabs((double)y[i] - 0.5 * x[i] * (1 + erf(x[i] / sqrt(2.0)))));
    memcpy(y, x, N * sizeof *y);
    ed_bias_gelu_tanh(y, zero, N, 1);
    for (size_t i = 0; i < N; i++) {
        double u = sqrt(2 / 3.14159265358979323846) * (x[i] + 0.044715 * pow(x[i], 3));
        worst_tanh = fmax(worst_tanh, fabs((double)y[i] - 0.5 * x[i] * (1 + tanh(u))));
    }
    printf("gelu %.2g, gelu_tanh %.2g\n", worst, worst_tanh);
    assert_true(worst < 1e-6);
    assert_true(worst_tanh < 2e-6);
    memcpy(y, x, N * sizeof *y);
    ed_bias_relu(y, zero, N, 1);
    for (size_t i = 0; i < N; i++)
        assert_true(y[i] == (x[i] > 0 ? x[i] : 0));
    ed_free(x);
    ed_free(y);
}

TEST(activations_are_whole_for_any_input)
{
    static const float given[] = {-1e30f, -1e4f, -90, 90, 1e4f, 1e30f};
    enum { N = sizeof given / sizeof *given };
    float x[N], tanh_x[N], bias[N] = {0};
    memcpy(x, given, sizeof x);
    memcpy(tanh_x, given, sizeof tanh_x);
    ed_bias_gelu(x, bias, 1, N);
    ed_bias_gelu_tanh(tanh_x, bias, 1, N);
    for (size_t i = 0; i < N; i++) { /* so far out both are a ramp */
        float want = given[i] > 0 ? given[i] : 0;
        assert_true(fabsf(x[i] - want) <= 1e-6f * fmaxf(1, want));
        assert_true(fabsf(tanh_x[i] - want) <= 1e-6f * fmaxf(1, want));
    }
}

TEST(softmax_is_that_of_the_formula)
{
    uint64_t seed = test_seed();
    for (size_t n = 1; n < 70; n++) {
        float x[3 * 70], y[3 * 70];
        fill(x, 3 * n, &seed, 60);
        memcpy(y, x, sizeof y);
        ed_softmax(y, 0.3f, 3, n);
        for (size_t i = 0; i < 3; i++) {
            double most = -1e300, sum = 0;
            for (size_t j = 0; j < n; j++)
                most = fmax(most, 0.3f * (double)x[i * n + j]);
            for (size_t j = 0; j < n; j++)
                sum += exp(0.3f * (double)x[i * n + j] - most);
            for (size_t j = 0; j < n; j++)
                assert_true(fabs(y[i * n + j] - exp(0.3f * (double)x[i * n + j] - most) / sum) <
                            2e-6);
        }
    }
}

TEST(add_norm_is_that_of_the_formula)
{
    uint64_t seed = test_seed();
    for (size_t n = 1; n < 70; n++) {
        float x[3 * 70], y[3 * 70], before[3 * 70], bias[70], g[70], b[70];
        fill(x, 3 * n, &seed, 3);
        fill(y, 3 * n, &seed, 3);
        fill(bias, n, &seed, 1);
        fill(g, n, &seed, 2);
        fill(b, n, &seed, 1);
        memcpy(before, x, sizeof x);
        ed_add_norm(x, y, bias, g, b, 1e-3, 3, n);
        for (size_t i = 0; i < 3; i++) {
            double mean = 0, spread = 0;
            for (size_t j = 0; j < n; j++)
                mean += ((double)before[i * n + j] + y[i * n + j] + bias[j]) / (double)n;
            for (size_t j = 0; j < n; j++)
                spread += pow((double)before[i * n + j] + y[i * n + j] + bias[j] - mean, 2);
            for (size_t j = 0; j < n; j++) {
                double sum = (double)before[i * n + j] + y[i * n + j] + bias[j];
                double want = (sum - mean) / sqrt(spread / (double)n + 1e-3) * g[j] + b[j];
                assert_true(fabs(want - x[i * n + j]) < 2e-5);
            }
        }
    }
}

TEST(add_bias_leaves_the_gap_alone)
{
    float x[2 * 5] = {0}, bias[3] = {1, 2, 3};
    ed_add_bias(x, bias, 2, 3, 5);
    const float want[2 * 5] = {1, 2, 3, 0, 0, 1, 2, 3, 0, 0};
    assert_memory_equal(x, want, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_are_within_a_millionth),
        cmocka_unit_test(activations_are_whole_for_any_input),
        cmocka_unit_test(softmax_is_that_of_the_formula),
        cmocka_unit_test(add_norm_is_that_of_the_formula),
        cmocka_unit_test(add_bias_leaves_the_gap_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
