/* Numbers: own log and exp against libm, the fixed-order dot against plain sums, the table
 * against a list, civil time against known days. */
#include "test.h"

#include "base/number.h"
#include "base/table.h"
#include "base/time.h"
#include "base/vector.h"

#include <float.h>
#include <math.h>

TEST(log_and_exp_agree_with_libm)
{
    for (double x = 1e-12; x < 1e12; x *= 1.37) {
        assert_true(fabs(ed_ln(x) - log(x)) <= 1e-14 * (1 + fabs(log(x))));
        assert_true(fabs(ed_log2(x) - log2(x)) <= 1e-14 * (1 + fabs(log2(x))));
    }
    for (double x = -690; x < 690; x += 0.37) {
        assert_true(fabs(ed_exp(x) / exp(x) - 1) <= 1e-12);
        assert_true(fabs(ed_exp2(x) / exp2(x) - 1) <= 1e-14);
        assert_true(fabs(ed_sigmoid(x) - 1 / (1 + exp(-x))) <= 1e-12);
    }
    for (double x = 1e-6; x < 1e12; x *= 1.17)
        assert_true(fabs(ed_lgamma(x) - lgamma(x)) <= 1e-12 * (1 + fabs(lgamma(x))));
    assert_true(ed_log2(8) == 3 && ed_log2(0.25) == -2 && ed_exp2(10) == 1024);
}

TEST(logs_of_many_have_the_bits_of_one)
{
    uint64_t seed = test_seed();
    double x[67], all[67];
    for (int round = 0; round < 2000; round++) {
        size_t n = test_random(&seed) % 68;
        for (size_t i = 0; i < n; i++)
            x[i] = all[i] = ldexp(1 + (double)(test_random(&seed) >> 11) * 0x1p-53,
                                  (int)(test_random(&seed) % 200) - 100);
        if (n > 2)
            x[0] = all[0] = 1, x[1] = all[1] = 0.70710678118654752440, x[2] = all[2] = DBL_MIN;
        ed_ln_each(all, n);
        for (size_t i = 0; i < n; i++)
            assert_true(all[i] == ed_ln(x[i]));
    }
}

TEST(the_largest_and_the_finite_are_found_wherever_they_are)
{
    uint64_t seed = test_seed();
    float a[70];
    assert_true(ed_most(a, 0) == -INFINITY && ed_finite(a, 0));
    for (size_t n = 1; n < 70; n++) {
        for (size_t i = 0; i < n; i++)
            a[i] = -(float)(test_random(&seed) >> 40);
        for (size_t i = 0; i < n; i++) {
            float old = a[i];
            a[i] = FLT_MAX;
            assert_true(ed_most(a, n) == FLT_MAX && ed_finite(a, n));
            a[i] = i % 2 ? INFINITY : NAN;
            assert_false(ed_finite(a, n));
            a[i] = old;
        }
    }
}

TEST(fixed_order_dot_and_gemm_agree_with_the_plain_sum)
{
    uint64_t seed = test_seed();
    for (size_t n = 0; n < 70; n++) {
        float a[70], b[70], c;
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            a[i] = (float)((double)(test_random(&seed) >> 11) * 0x1p-53 - 0.5);
            b[i] = (float)((double)(test_random(&seed) >> 11) * 0x1p-53 - 0.5);
            sum += (double)a[i] * b[i];
        }
        assert_true(fabs(ed_dot(a, b, n) - sum) < 1e-12);
        if (n) {
            ed_gemm_nt(1, 1, n, a, n, b, n, &c, 1);
            assert_true(fabs((double)c - sum) < 1e-5);
        }
    }
}

TEST(rough_products_are_within_their_error)
{
    uint64_t seed = test_seed();
    float a[300], x[4][300], four[4];
    const float *rows[4] = {x[0], x[1], x[2], x[3]};
    for (size_t n = 0; n < 300; n++) {
        for (size_t i = 0; i < n; i++) {
            a[i] = (float)((double)(test_random(&seed) >> 11) * 0x1p-53 - 0.5);
            for (int k = 0; k < 4; k++)
                x[k][i] = (float)((double)(test_random(&seed) >> 11) * 0x1p-53 - 0.5);
        }
        ed_dots_rough(a, rows, n, four);
        for (int k = 0; k < 4; k++) {
            double dot = ed_dot(a, x[k], n),
                   most = (double)n * 0x1p-24 * ed_norm(a, n) * ed_norm(x[k], n);
            assert_true(fabs((double)four[k] - dot) <= most);
            assert_true(fabs((double)ed_dot_rough(a, x[k], n) - dot) <= most);
        }
    }
}

TEST(products_of_many_rows_are_those_of_each_to_the_last_bit)
{
    uint64_t seed = test_seed();
    float a[100], x[7][100];
    const float *rows[7] = {x[0], x[1], x[2], x[3], x[4], x[5], x[6]};
    double ret[8];
    for (size_t n = 0; n < 100; n++) {
        for (size_t i = 0; i < n; i++) {
            a[i] = (float)((double)(test_random(&seed) >> 11) * 0x1p-53 - 0.5);
            for (int k = 0; k < 7; k++)
                x[k][i] = (float)((double)(test_random(&seed) >> 11) * 0x1p-53 - 0.5);
        }
        size_t n_rows = test_random(&seed) % 8;
        ret[n_rows] = 42;
        ed_dots(a, rows, n_rows, n, ret);
        for (size_t k = 0; k < n_rows; k++) {
            double dot = ed_dot(a, x[k], n);
            assert_memory_equal(&ret[k], &dot, sizeof dot);
        }
        assert_true(ret[n_rows] == 42);
    }
}

TEST(products_of_whole_numbers_are_exact)
{
    uint64_t seed = test_seed();
    int16_t a[200], b[200];
    for (size_t n = 0; n < 200; n++) {
        int64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            a[i] = (int16_t)((int)(test_random(&seed) % 6001) - 3000);
            b[i] = (int16_t)((int)(test_random(&seed) % 6001) - 3000);
            sum += (int64_t)a[i] * b[i];
        }
        assert_int_equal(ed_dot_short(a, b, n), sum);
    }
}

TEST(the_first_that_reaches_what_is_asked_is_found)
{
    uint64_t seed = test_seed();
    float a[70], asked[70];
    for (size_t n = 0; n < 70; n++) {
        for (size_t i = 0; i < n; i++) {
            a[i] = (float)(test_random(&seed) % 40);
            asked[i] = test_random(&seed) % 3 ? 40 : a[i]; /* nearly all ask for more */
        }
        for (size_t from = 0; from <= n; from++) {
            size_t first = from;
            while (first < n && a[first] < asked[first])
                first++;
            assert_int_equal(ed_reaching(a, asked, from, n), first);
        }
    }
}

TEST(table_agrees_with_a_list)
{
    uint64_t seed = test_seed();
    struct ed_table t;
    ed_table_init(&t);
    uint64_t value[512] = {0}; /* 0: absent */
    for (int step = 0; step < 20000; step++) {
        uint64_t key = test_random(&seed) % 511 + 1;
        if (test_random(&seed) % 3) {
            *ed_table_put(&t, key, 0) = value[key] = test_random(&seed) | 1;
        } else {
            ed_table_remove(&t, key);
            value[key] = 0;
        }
    }
    size_t n = 0;
    for (uint64_t key = 1; key < 512; key++) {
        uint64_t *found = ed_table_find(&t, key);
        assert_int_equal(found ? *found : 0, value[key]);
        n += value[key] != 0;
    }
    assert_int_equal(t.n, n);
    ed_table_clear(&t);
}

TEST(civil_time_is_right_on_known_days)
{
    char text[ED_TIME_TEXT];
    assert_int_equal(ed_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(ed_days_from_civil(2000, 3, 1), 11017);
    ed_time_text(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    ed_time_text(951782400123, text);
    assert_string_equal(text, "2000-02-29T00:00:00.123Z");
    ed_time_text(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    ed_time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    for (int64_t ms = -4000000000000; ms < 8000000000000; ms += 86400000LL * 97) {
        int y, m, d;
        ed_time_text(ms, text);
        assert_int_equal(sscanf(text, "%d-%d-%d", &y, &m, &d), 3);
        assert_int_equal(ed_days_from_civil(y, m, d),
                         (ms - ((ms % 86400000) + 86400000) % 86400000) / 86400000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_and_exp_agree_with_libm),
        cmocka_unit_test(logs_of_many_have_the_bits_of_one),
        cmocka_unit_test(the_largest_and_the_finite_are_found_wherever_they_are),
        cmocka_unit_test(fixed_order_dot_and_gemm_agree_with_the_plain_sum),
        cmocka_unit_test(rough_products_are_within_their_error),
        cmocka_unit_test(products_of_many_rows_are_those_of_each_to_the_last_bit),
        cmocka_unit_test(products_of_whole_numbers_are_exact),
        cmocka_unit_test(the_first_that_reaches_what_is_asked_is_found),
        cmocka_unit_test(table_agrees_with_a_list),
        cmocka_unit_test(civil_time_is_right_on_known_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
