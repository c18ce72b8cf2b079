/* Each kind of row kernels that this CPU runs against the same in double, one element at a time. */
#include "test.h"

#include "base/rows.h"

#include <math.h>

static const struct ed_rows *kind; /* under test */

static float random_float(uint64_t *state, double scale)
{
    return (float)(((double)(test_random(state) >> 11) / 4503599627370496.0 - 1.0) * scale);
}

static void fill(float *x, size_t n, uint64_t *state, double scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = random_float(state, scale);
}

static float float_of(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float ret;
    memcpy(&ret, &bits, sizeof ret);
    return ret;
}

/* The weight of element j in row i, as the next product will see it. */
static double weight(const void *rows, size_t stride, int halves, size_t i, size_t j)
{
    const char *row = (const char *)rows + i * stride;
    if (halves)
        return (double)float_of(((const uint16_t *)(const void *)row)[j]);
    return (double)((const float *)(const void *)row)[j];
}

/* Of rows around 0, and so far from it that their powers are no floats. */
TEST(softmax_is_that_of_the_formula)
{
    static const float places[] = {0, -3000, 200, 3000};
    uint64_t seed = test_seed();
    for (size_t n = 1; n < 70; n++)
        for (int turn = 0; turn < 8; turn++) {
            enum { STRIDE = 80, ROW = 4 * STRIDE };
            const int halves = turn % 2;
            float x[3 * STRIDE], before[3 * STRIDE], inverse[3];
            float rows[3 * STRIDE];
            fill(x, 3 * STRIDE, &seed, 60);
            for (size_t j = 0; j < 3 * STRIDE; j++)
                x[j] += places[turn / 2];
            memcpy(before, x, sizeof x);
            kind->softmax(x, STRIDE, 0.3f, 3, n, rows, ROW, halves, inverse);
            for (size_t i = 0; i < 3; i++) {
                double most = -1e300, sum = 0, all = 0;
                const float *row = before + i * STRIDE;
                for (size_t j = 0; j < n; j++)
                    most = fmax(most, 0.3f * (double)row[j]);
                for (size_t j = 0; j < n; j++)
                    sum += exp(0.3f * (double)row[j] - most);
                for (size_t j = 0; j < n; j++) {
                    double got = weight(rows, ROW, halves, i, j) * inverse[i];
                    double want = exp(0.3f * (double)row[j] - most) / sum;
                    assert_true(fabs(got - want) < (halves ? 8e-3 * want + 1e-6 : 3e-6));
                    all += got;
                }
                assert_true(fabs(all - 1) < 2e-6);
            }
        }
}

TEST(norm_is_that_of_the_formula)
{
    uint64_t seed = test_seed();
    for (size_t n = 1; n < 70; n++) {
        float x[3 * 70], before[3 * 70], g[70], b[70];
        fill(x, 3 * n, &seed, 3);
        fill(g, n, &seed, 2);
        fill(b, n, &seed, 1);
        memcpy(before, x, sizeof x);
        kind->norm(x, g, b, 1e-3, 3, n);
        for (size_t i = 0; i < 3; i++) {
            double mean = 0, spread = 0;
            for (size_t j = 0; j < n; j++)
                mean += (double)before[i * n + j] / (double)n;
            for (size_t j = 0; j < n; j++)
                spread += pow((double)before[i * n + j] - mean, 2);
            for (size_t j = 0; j < n; j++) {
                double away = (double)before[i * n + j] - mean;
                double want = away / sqrt(spread / (double)n + 1e-3) * (double)g[j] + (double)b[j];
                assert_true(fabs(want - (double)x[i * n + j]) < 2e-5);
            }
        }
    }
}

TEST(three_rows_are_added)
{
    const float a[3] = {1, 2, 3}, b[3] = {10, 20, 30}, c[3] = {100, 200, 300};
    float ret[3];
    kind->add_three(a, b, c, 3, ret);
    const float want[3] = {111, 222, 333};
    assert_memory_equal(ret, want, sizeof ret);
}

TEST(levels_are_within_half_a_step)
{
    uint64_t seed = test_seed();
    for (size_t n = 1; n < 100; n++) {
        float x[100], scale, low;
        uint8_t levels[100];
        for (size_t i = 0; i < n; i++)
            x[i] = random_float(&seed, 3) + (n % 3 ? 2 : -7);
        kind->levels_of(x, n, levels, &scale, &low);
        for (size_t i = 0; i < n; i++)
            assert_true(fabsf(low + scale * levels[i] - x[i]) <= scale * 0.501f + 1e-6f);
        uint16_t halves[100];
        kind->bf16_of(x, n, halves);
        kind->levels_of_halves(halves, n, levels, &scale, &low);
        for (size_t i = 0; i < n; i++)
            assert_true(fabsf(low + scale * levels[i] - float_of(halves[i])) <=
                        scale * 0.501f + 1e-6f);
    }
}

TEST(bf16_is_rounded_to_nearest_even)
{
    static const struct {
        uint32_t bits;
        uint16_t want;
    } cases[] = {{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82},
                 {0x3f807fff, 0x3f80}, {0x3f808001, 0x3f81}, {0xbf818000, 0xbf82},
                 {0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x7f800000, 0x7f80}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float x;
        uint16_t half;
        memcpy(&x, &cases[i].bits, sizeof x);
        kind->bf16_of(&x, 1, &half);
        assert_int_equal(half, cases[i].want);
    }
    assert_true(float_of(0x3fc0) == 1.5f);
}

TEST(rows_are_turned_word_by_word)
{
    enum { STRIDE = 70 };
    uint32_t rows[16 * STRIDE], ret[64 * 16];
    for (size_t i = 0; i < 16 * STRIDE; i++)
        rows[i] = (uint32_t)i;
    for (size_t m = 1; m <= 16; m++)
        for (size_t n = 0; n <= 64; n++) {
            memset(ret, 0xff, sizeof ret);
            kind->turn(rows, sizeof(uint32_t) * STRIDE, m, n, ret);
            for (size_t j = 0; j < 64; j++)
                for (size_t i = 0; i < 16; i++) {
                    uint32_t want = i < m && j < n ? rows[i * STRIDE + j] : UINT32_MAX;
                    assert_int_equal(ret[j * 16 + i], want);
                }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_is_that_of_the_formula),
        cmocka_unit_test(norm_is_that_of_the_formula),
        cmocka_unit_test(three_rows_are_added),
        cmocka_unit_test(levels_are_within_half_a_step),
        cmocka_unit_test(bf16_is_rounded_to_nearest_even),
        cmocka_unit_test(rows_are_turned_word_by_word),
    };
    int failed = 0;
    for (size_t i = 0; (kind = ed_rows_at(i)); i++)
        failed |= cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
