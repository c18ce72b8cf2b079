/* Floats as bytes: every bit comes back, in no more bytes than there are floats for; and no bytes
 * do harm. */
#include "test.h"

#include "engine/state.h"
#include "engine/wire.h"

#define MOST 700

static size_t size_of(const float *x, size_t n)
{
    unsigned char bytes[ED_FLOATS_MAX(MOST) + 1];
    float back[MOST + 1];
    memset(bytes, 0xa5, sizeof bytes);
    size_t size = (size_t)(ed_put_floats(bytes, x, n) - bytes);
    assert_true(size <= ED_FLOATS_MAX(n));
    assert_int_equal(bytes[size], 0xa5);
    struct ed_unpack u = ed_unpack_of((eddy_str){(const char *)bytes, size});
    ed_get_floats(&u, back, n);
    assert_true(ed_unpack_done(&u));
    if (n)
        assert_memory_equal(x, back, n * sizeof *x);
    for (size_t cut = 0; cut < size; cut += 1 + size / 50) {
        u = ed_unpack_of((eddy_str){(const char *)bytes, cut});
        ed_get_floats(&u, back, n);
        assert_false(ed_unpack_done(&u));
    }
    return size;
}

/* Multiples of the step, of up to so many bits, some of them 0. */
static void steps_fill(float *x, size_t n, unsigned bits, unsigned zeros, uint64_t *random)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t dice = test_random(random);
        int64_t steps = (int64_t)(dice >> 20 & ((UINT64_C(1) << bits) - 1));
        steps = dice & 1 ? -steps : steps;
        x[i] =
            dice >> 8 & 0xff && (dice >> 1 & 127) >= zeros ? (float)steps * (float)POINT_STEP : 0;
    }
}

TEST(every_bit_comes_back)
{
    uint64_t random = test_seed();
    float x[MOST];
    for (int i = 0; i < 3000; i++) {
        size_t n = (size_t)(test_random(&random) % (MOST + 1));
        uint64_t dice = test_random(&random);
        steps_fill(x, n, (unsigned)(dice % 25), dice >> 8 & 1 ? 127 - (dice >> 9 & 31) : 0,
                   &random);
        if (n && dice >> 16 & 1) /* one that is none */
            x[test_random(&random) % n] = dice >> 17 & 1 ? -0.0f : 0.1f;
        if (n && dice >> 18 & 1)
            x[test_random(&random) % n] = dice >> 19 & 1 ? 0x1p61f : 0x1p-140f;
        if (n && dice >> 20 & 1) /* the largest number of steps, and twice that */
            x[test_random(&random) % n] = (dice >> 21 & 1 ? -0x1p24f : 0x1p25f) * (float)POINT_STEP;
        size_of(x, n);
    }
}

TEST(sums_of_points_take_half_of_their_floats)
{
    uint64_t random = 3;
    float x[MOST] = {0};
    assert_int_equal(size_of(x, MOST), 2);
    steps_fill(x, MOST, 14, 0, &random);
    assert_true(size_of(x, MOST) <= 2 + MOST * 15 / 8 + 1);
    steps_fill(x, MOST, 10, 120, &random); /* few words */
    assert_true(size_of(x, MOST) < 300);
    for (size_t i = 0; i < MOST; i++)
        x[i] = (float)(test_random(&random) >> 4);
    assert_int_equal(size_of(x, MOST), 1 + 4 * MOST);
    memset(x, 0, sizeof x);
    x[3] = x[600] = 0.3f;
    assert_int_equal(size_of(x, MOST), 1 + 1 + 2 * 4 + 1 + 2);
}

TEST(no_bytes_do_harm)
{
    uint64_t random = test_seed();
    for (int i = 0; i < 20000; i++) {
        char bytes[200];
        float x[64];
        size_t n = (size_t)(test_random(&random) % (sizeof bytes + 1));
        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)test_random(&random);
        if (n)
            bytes[0] = (char)(test_random(&random) % 5);
        if (n > 1 && i & 1)
            bytes[1] = (char)(test_random(&random) % 28);
        char *exact = malloc(n + 1); /* so that a sanitizer sees where it ends */
        memcpy(exact, bytes, n);
        struct ed_unpack u = ed_unpack_of((eddy_str){exact, n});
        ed_get_floats(&u, x, 64);
        for (size_t k = 0; k < 64 && !u.failed; k++)
            assert_true(isfinite(x[k]) && fabsf(x[k]) <= 0x1p62f);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_comes_back),
        cmocka_unit_test(sums_of_points_take_half_of_their_floats),
        cmocka_unit_test(no_bytes_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
