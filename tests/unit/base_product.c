/* Every kind of kernels that this CPU runs, against sums in double; and against its plain twin. */
#include "test.h"

#include "base/product.h"
#include "base/rows.h"

#include <math.h>

static float random_float(uint64_t *state, double scale)
{
    return (float)(((double)(test_random(state) >> 11) / 4503599627370496.0 - 1.0) * scale);
}

/* One product: what goes in, as floats, and in the form of the kernels. */
struct scene {
    size_t m, n, k, stride; /* elements */
    float *a, *b, *bias;    /* (m, k), (n, k), (n) */
    void *left_at, *room;
    float *scale, *low;
    struct ed_left left;
    struct ed_right right;
};

static void *zeroed(size_t bytes)
{
    void *at = NULL;
    assert_int_equal(posix_memalign(&at, 64, bytes + 64), 0);
    memset(at, 0, bytes + 64);
    return at;
}

static void left_fill(struct scene *s, const struct ed_kernels *kernels)
{
    size_t size = ed_precision_size(kernels->precision);
    for (size_t i = 0; i < s->m; i++) {
        char *row = (char *)s->left_at + i * s->stride * size;
        if (kernels->precision == ED_F32)
            memcpy(row, s->a + i * s->k, s->k * sizeof *s->a);
        else if (kernels->precision == ED_BF16)
            ed_rows_best()->bf16_of(s->a + i * s->k, s->k, (uint16_t *)(void *)row);
        else
            ed_rows_best()->levels_of(s->a + i * s->k, s->k, (uint8_t *)row, &s->scale[i],
                                      &s->low[i]);
    }
    s->left = (struct ed_left){.at = s->left_at, .stride = s->stride * size};
    if (kernels->precision == ED_INT8) {
        s->left.scale = s->scale;
        s->left.low = s->low;
    }
}

static struct scene scene_make(const struct ed_kernels *kernels, size_t m, size_t n, size_t k,
                               uint64_t *seed)
{
    struct scene s = {.m = m, .n = n, .k = k, .stride = k + test_random(seed) % 9};
    s.a = zeroed(m * k * sizeof *s.a);
    s.b = zeroed(n * k * sizeof *s.b);
    s.bias = zeroed(n * sizeof *s.bias);
    s.left_at = zeroed((m + ED_LEFT_SLACK) * s.stride * sizeof(float) + 64);
    s.scale = zeroed((m + 1) * sizeof *s.scale);
    s.low = zeroed((m + 1) * sizeof *s.low);
    s.room = zeroed(ed_right_bytes(kernels, n, k));
    for (size_t i = 0; i < m * k; i++)
        s.a[i] = random_float(seed, 1) + 0.3f;
    for (size_t i = 0; i < n * k; i++)
        s.b[i] = random_float(seed, 1);
    for (size_t i = 0; i < n; i++)
        s.bias[i] = random_float(seed, 1);
    left_fill(&s, kernels);
    ed_right_pack(kernels, s.b, n, k, s.room, &s.right);
    return s;
}

static void scene_clear(struct scene *s)
{
    void *all[] = {s->a, s->b, s->bias, s->left_at, s->scale, s->low, s->room};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static double activated(enum ed_activation activation, double x)
{
    double u = sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
    switch (activation) {
    case ED_GELU: return 0.5 * x * (1 + erf(x / sqrt(2.0)));
    case ED_GELU_TANH: return 0.5 * x * (1 + tanh(u));
    case ED_RELU: return x > 0 ? x : 0;
    default: return x;
    }
}

/* Largest distance of a product's elements from the same in double. */
static double distance(const struct scene *s, const float *ret, size_t stride,
                       enum ed_activation activation, double plus)
{
    double worst = 0;
    for (size_t i = 0; i < s->m; i++)
        for (size_t j = 0; j < s->n; j++) {
            double sum = s->bias[j];
            for (size_t k = 0; k < s->k; k++)
                sum += (double)s->a[i * s->k + k] * s->b[j * s->k + k];
            worst = fmax(worst, fabs(activated(activation, sum) + plus - ret[i * stride + j]));
        }
    return worst;
}

/* What a product of k terms of size 1 may be wrong by: terms are rounded apart from each other, but
 * floats also each sum, which grows meanwhile. */
static double allowed(enum ed_precision precision, size_t k)
{
    double per_term = precision == ED_F32 ? 1e-6 : precision == ED_BF16 ? 6e-3 : 1e-2;
    double terms = precision == ED_F32 ? fmax(sqrt((double)k), (double)k / 16) : sqrt((double)k);
    return per_term * terms * 2 + 2e-6;
}

static const size_t sizes[][3] = {{1, 1, 1},     {1, 16, 64},    {3, 5, 7},    {8, 48, 32},
                                  {9, 49, 33},   {33, 17, 65},   {31, 100, 1}, {32, 32, 384},
                                  {50, 80, 129}, {66, 49, 1700}, {130, 90, 70}};

TEST(products_are_near_those_in_double)
{
    uint64_t seed = test_seed();
    const struct ed_kernels *kernels;
    for (size_t kind = 0; (kernels = ed_kernels_at(kind)); kind++) {
        double most = 0;
        if (!kernels->usable())
            continue;
        for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
            struct scene s = scene_make(kernels, sizes[c][0], sizes[c][1], sizes[c][2], &seed);
            size_t stride = s.n + c;
            float *ret = zeroed(s.m * stride * sizeof *ret);
            for (int activation = ED_LINEAR; activation <= ED_RELU; activation++) {
                struct ed_finish finish = {
                    .bias = s.bias, .activation = activation, .ret = ret, .stride = stride};
                kernels->product(&s.left, s.m, &s.right, &finish);
                double off = distance(&s, ret, stride, activation, 0);
                most = fmax(most, off / allowed(kernels->precision, s.k));
            }
            free(ret);
            scene_clear(&s);
        }
        printf("%s %s: %.2f of what is allowed\n", ed_precision_name(kernels->precision),
               kernels->name, most);
        assert_true(most < 1);
    }
}

TEST(a_product_is_added_to_what_is_there_and_leaves_the_gap_alone)
{
    uint64_t seed = test_seed();
    const struct ed_kernels *kernels;
    for (size_t kind = 0; (kernels = ed_kernels_at(kind)); kind++) {
        if (!kernels->usable())
            continue;
        struct scene s = scene_make(kernels, 11, 21, 37, &seed);
        enum { STRIDE = 25 };
        float ret[11 * STRIDE];
        for (size_t i = 0; i < 11 * STRIDE; i++)
            ret[i] = 5;
        struct ed_finish finish = {.bias = s.bias, .add = 1, .ret = ret, .stride = STRIDE};
        kernels->product(&s.left, s.m, &s.right, &finish);
        assert_true(distance(&s, ret, STRIDE, ED_LINEAR, 5) < allowed(kernels->precision, s.k));
        for (size_t i = 0; i < 11; i++)
            for (size_t j = 21; j < STRIDE; j++)
                assert_true(ret[i * STRIDE + j] == 5);
        scene_clear(&s);
    }
}

TEST(a_product_as_bf16_is_the_rounded_one)
{
    uint64_t seed = test_seed();
    const struct ed_kernels *kernels;
    for (size_t kind = 0; (kernels = ed_kernels_at(kind)); kind++) {
        if (!kernels->usable() || kernels->whole_only)
            continue;
        struct scene s = scene_make(kernels, 13, 35, 40, &seed);
        float whole[13 * 35];
        uint16_t half[13 * 40] = {0}, want;
        struct ed_finish finish = {
            .bias = s.bias, .activation = ED_GELU, .ret = whole, .stride = 35};
        kernels->product(&s.left, s.m, &s.right, &finish);
        finish.ret = half;
        finish.stride = 40;
        finish.to_bf16 = 1;
        kernels->product(&s.left, s.m, &s.right, &finish);
        for (size_t i = 0; i < s.m; i++)
            for (size_t j = 0; j < 40; j++) {
                want = 0;
                if (j < s.n)
                    ed_rows_best()->bf16_of(&whole[i * 35 + j], 1, &want);
                assert_int_equal(half[i * 40 + j], want);
            }
        scene_clear(&s);
    }
}

TEST(a_row_has_the_same_bits_whatever_stands_beside_it)
{
    static const size_t depths[] = {100, 1700}; /* in one run and in several */
    enum { M = 150, N = 70 };
    float *all = ed_alloc(M * N * sizeof *all), *some = ed_alloc(M * N * sizeof *some);
    uint64_t seed = test_seed();
    const struct ed_kernels *kernels;
    for (size_t turn = 0; (kernels = ed_kernels_at(turn / 2)); turn++) {
        if (!kernels->usable() || kernels->whole_only)
            continue;
        struct scene s = scene_make(kernels, M, N, depths[turn % 2], &seed);
        struct ed_finish finish = {.bias = s.bias, .ret = all, .stride = N};
        kernels->product(&s.left, M, &s.right, &finish);
        for (int part_number = 0; part_number < 20; part_number++) {
            size_t from = test_random(&seed) % M, m = 1 + test_random(&seed) % (M - from);
            struct ed_left part = s.left;
            part.at = (const char *)part.at + from * part.stride;
            part.scale = part.scale ? part.scale + from : NULL;
            part.low = part.low ? part.low + from : NULL;
            finish.ret = some;
            kernels->product(&part, m, &s.right, &finish);
            assert_memory_equal(some, all + from * N, m * N * sizeof *some);
        }
        scene_clear(&s);
    }
    ed_free(all);
    ed_free(some);
}

TEST(products_of_bytes_are_the_same_by_every_kind)
{
    uint64_t seed = test_seed();
    const struct ed_kernels *kernels;
    struct scene s = scene_make(ed_kernels_best(ED_INT8), 40, 70, 300, &seed);
    float first[40 * 70], other[40 * 70];
    struct ed_finish finish = {.ret = first, .stride = 70};
    int n = 0;
    for (size_t i = 0; i < s.m; i++)
        s.low[i] = 0; /* with a low there are roundings, which differ where products are fused */
    for (size_t kind = 0; (kernels = ed_kernels_at(kind)); kind++) {
        if (!kernels->usable() || kernels->precision != ED_INT8)
            continue;
        finish.ret = n++ ? other : first;
        kernels->product(&s.left, s.m, &s.right, &finish);
        if (n > 1)
            assert_memory_equal(first, other, sizeof first);
    }
    assert_true(n >= 1);
    scene_clear(&s);
}

TEST(room_behind_the_rows_and_columns_changes_nothing_within_them)
{
    uint64_t seed = test_seed();
    const struct ed_kernels *kernels;
    for (size_t kind = 0; (kernels = ed_kernels_at(kind)); kind++) {
        if (!kernels->usable())
            continue;
        for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
            struct scene s = scene_make(kernels, sizes[c][0], sizes[c][1], sizes[c][2], &seed);
            const size_t stride = (s.n + 31) / 32 * 32, bytes = (s.m + 31) / 32 * 32 * stride * 4;
            float *want = zeroed(bytes), *ret = zeroed(bytes);
            struct ed_finish finish = {.ret = want, .stride = stride};
            kernels->product(&s.left, s.m, &s.right, &finish);
            finish.ret = ret;
            finish.roomy = 1;
            kernels->product(&s.left, s.m, &s.right, &finish);
            for (size_t i = 0; i < s.m; i++)
                for (size_t j = 0; j < s.n; j++)
                    assert_true(ret[i * stride + j] == want[i * stride + j]);
            free(want);
            free(ret);
            scene_clear(&s);
        }
    }
}

/* The right sides that attention packs: rows of the kernels' own form, both ways, and a scale. */
TEST(right_sides_of_rows_are_those_of_columns_turned)
{
    uint64_t seed = test_seed();
    const struct ed_kernels *kernels;
    for (size_t kind = 0; (kernels = ed_kernels_at(kind)); kind++) {
        if (!kernels->usable() || kernels->precision == ED_INT8)
            continue;
        for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
            size_t n = sizes[c][1], k = sizes[c][2], stride = n > k ? n : k;
            struct scene s = scene_make(kernels, sizes[c][0], n, k, &seed);
            size_t size = ed_precision_size(kernels->precision);
            char *rows = zeroed(stride * stride * size), *turned = zeroed(stride * stride * size);
            float *want = zeroed(s.m * n * sizeof *want), *ret = zeroed(s.m * n * sizeof *ret);
            void *room = zeroed(ed_right_bytes(kernels, n, k));
            for (size_t j = 0; j < n; j++)
                for (size_t i = 0; i < k; i++) {
                    uint16_t half;
                    ed_rows_best()->bf16_of(&s.b[j * k + i], 1, &half);
                    const void *from = size == 2 ? (const void *)&half : &s.b[j * k + i];
                    memcpy(rows + (j * stride + i) * size, from, size);
                    memcpy(turned + (i * stride + j) * size, from, size);
                }
            for (size_t i = 0; i < s.m; i++)
                s.scale[i] = random_float(&seed, 2);
            s.left.scale = s.scale;
            struct ed_finish finish = {.ret = want, .stride = n};
            kernels->product(&s.left, s.m, &s.right, &finish);
            struct ed_right right;
            finish.ret = ret;
            ed_right_pack_rows(kernels, rows, stride, n, k, room, &right);
            kernels->product(&s.left, s.m, &right, &finish);
            for (size_t i = 0; i < s.m * n; i++)
                assert_true(fabsf(ret[i] - want[i]) <= 1e-4f);
            ed_right_pack_across(kernels, turned, stride, n, k, room, &right);
            kernels->product(&s.left, s.m, &right, &finish);
            for (size_t i = 0; i < s.m * n; i++)
                assert_true(fabsf(ret[i] - want[i]) <= 1e-4f);
            void *all[] = {rows, turned, want, ret, room};
            for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                free(all[i]);
            scene_clear(&s);
        }
    }
}

TEST(gelu_is_as_exact_as_the_precision)
{
    enum { N = 24000 };
    float *x = ed_alloc(N * sizeof *x), *ret = ed_alloc(N * sizeof *ret);
    const struct ed_kernels *kernels;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < N; i++)
        x[i] = (float)i / 1000.0f - 12.0f;
    for (size_t kind = 0; (kernels = ed_kernels_at(kind)); kind++) {
        if (!kernels->usable())
            continue;
        struct scene s = scene_make(kernels, 1, N, 1, &seed);
        memset(s.left_at, 0, 4 * s.stride);
        s.scale[0] = s.low[0] = 0;
        struct ed_finish finish = {.bias = x, .activation = ED_GELU, .ret = ret, .stride = N};
        kernels->product(&s.left, 1, &s.right, &finish);
        double worst = 0;
        for (size_t i = 0; i < N; i++)
            worst = fmax(worst, fabs((double)ret[i] - activated(ED_GELU, (double)x[i])));
        assert_true(worst < (kernels->precision == ED_F32 ? 1.5e-6 : 3e-5));
        scene_clear(&s);
    }
    ed_free(x);
    ed_free(ret);
}

/* So far out activations are a ramp. */
TEST(activations_are_whole_for_any_input)
{
    static const float given[] = {-1e30f, -1e4f, -90, -6, 0, 6, 90, 1e4f, 1e30f};
    enum { N = sizeof given / sizeof *given };
    const struct ed_kernels *kernels;
    for (size_t kind = 0; (kernels = ed_kernels_at(kind)); kind++) {
        if (!kernels->usable())
            continue;
        struct scene s;
        uint64_t seed = test_seed();
        s = scene_make(kernels, 1, N, 1, &seed);
        memset(s.left_at, 0, 4 * s.stride);
        s.scale[0] = s.low[0] = 0;
        for (int activation = ED_GELU; activation <= ED_RELU; activation++) {
            float ret[N];
            struct ed_finish finish = {
                .bias = given, .activation = activation, .ret = ret, .stride = N};
            kernels->product(&s.left, 1, &s.right, &finish);
            for (size_t i = 0; i < N; i++) {
                float want = given[i] > 0 ? given[i] : 0;
                assert_true(fabsf(ret[i] - want) <= 2e-6f * fmaxf(1, want));
            }
        }
        scene_clear(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_near_those_in_double),
        cmocka_unit_test(a_product_is_added_to_what_is_there_and_leaves_the_gap_alone),
        cmocka_unit_test(a_product_as_bf16_is_the_rounded_one),
        cmocka_unit_test(a_row_has_the_same_bits_whatever_stands_beside_it),
        cmocka_unit_test(products_of_bytes_are_the_same_by_every_kind),
        cmocka_unit_test(room_behind_the_rows_and_columns_changes_nothing_within_them),
        cmocka_unit_test(right_sides_of_rows_are_those_of_columns_turned),
        cmocka_unit_test(gelu_is_as_exact_as_the_precision),
        cmocka_unit_test(activations_are_whole_for_any_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
