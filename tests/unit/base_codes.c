/* Codes never promise too little: every bound holds against products in double. */
#include "test.h"

#include "base/codes_kinds.h"
#include "base/vector.h"

#include <math.h>

/* Vectors of all kinds: dense, sparse, tiny, huge, nothing, and each part alone. */
static void fill(const struct ed_code_shape *shape, float *x, size_t kind, uint64_t *seed)
{
    float scale = kind % 5 == 3 ? 1e-12f : kind % 5 == 4 ? 1e9f : 1;
    size_t n = shape->n[0] + shape->n[1];
    for (size_t i = 0; i < n; i++) {
        int first = i < shape->n[0];
        int there = kind % 7 == 1 ? first : kind % 7 == 2 ? !first : 1;
        there = there && (first || test_random(seed) % 8 == 0) && kind % 11 != 10;
        double value = (double)(test_random(seed) >> 11) * 0x1p-52 - 1;
        x[i] = there ? (float)value * scale : 0;
    }
}

struct rows {
    struct ed_code_shape shape;
    size_t n, dim;
    float *x; /* (n, dim) */
    uint8_t *bytes, *fine;
    struct ed_code *code;
    struct ed_coded *coded;
};

static struct rows rows_make(size_t n, size_t first, size_t second, uint64_t *seed)
{
    struct rows r = {.shape = ed_code_shape_of(first, second), .n = n, .dim = first + second};
    void *bytes = NULL;
    r.fine = calloc(n + ED_LEFT_SLACK + 1, r.shape.bytes);
    r.x = calloc(n * r.dim + 1, sizeof *r.x);
    r.code = calloc(n, sizeof *r.code);
    r.coded = calloc(n, sizeof *r.coded);
    assert_int_equal(posix_memalign(&bytes, 64, (n + ED_LEFT_SLACK) * r.shape.bytes + 64), 0);
    memset(bytes, 128, (n + ED_LEFT_SLACK) * r.shape.bytes + 64);
    r.bytes = bytes;
    for (size_t i = 0; i < n; i++) {
        fill(&r.shape, r.x + i * r.dim, i, seed);
        uint8_t *own = r.bytes + i * r.shape.bytes, *fine = r.fine + i * r.shape.bytes;
        ed_code_of(&r.shape, r.x + i * r.dim, own, fine, &r.code[i]);
        r.coded[i] = (struct ed_coded){own, &r.code[i], fine};
    }
    return r;
}

static void rows_free(struct rows *r)
{
    free(r->x);
    free(r->bytes);
    free(r->fine);
    free(r->code);
    free(r->coded);
}

static const size_t shapes[][2] = {{384, 512}, {64, 0}, {0, 512}, {5, 7}, {33, 130}};
#define SHAPES (sizeof shapes / sizeof *shapes)

/* Up to six from i on, with all: the same numbers. */
static void many_as_one(const struct rows *r, size_t i, const float *dot, const float *within)
{
    size_t n = r->n - i < i % 6 + 1 ? r->n - i : i % 6 + 1;
    float *dots = calloc(n * r->n, sizeof *dots), *errors = calloc(n * r->n, sizeof *errors);
    ed_codes_dots_many(&r->shape, r->coded + i, n, r->coded, r->n, dots, errors);
    assert_memory_equal(dots, dot, r->n * sizeof *dot);
    assert_memory_equal(errors, within, r->n * sizeof *within);
    if (n > 5) {
        float last[77], last_error[77];
        ed_codes_dots(&r->shape, r->coded[i + 5], r->coded, r->n, last, last_error);
        assert_memory_equal(dots + 5 * r->n, last, r->n * sizeof *last);
    }
    free(dots);
    free(errors);
}

TEST(a_product_is_within_what_its_codes_say)
{
    uint64_t seed = test_seed();
    for (size_t s = 0; s < SHAPES; s++) {
        struct rows r = rows_make(77, shapes[s][0], shapes[s][1], &seed);
        float dot[77], within[77];
        double closest = 1e9;
        for (size_t i = 0; i < r.n; i++) {
            ed_codes_dots(&r.shape, r.coded[i], r.coded, r.n, dot, within);
            many_as_one(&r, i, dot, within);
            for (size_t j = 0; j < r.n; j++) {
                double exact = ed_dot(r.x + i * r.dim, r.x + j * r.dim, r.dim);
                double off = fabs(exact - (double)dot[j]);
                double lengths = ed_norm(r.x + i * r.dim, r.dim) * ed_norm(r.x + j * r.dim, r.dim);
                assert_true(off <= (double)within[j] + 1e-30);
                assert_true((double)within[j] <= 0.06 * lengths + 1e-24); /* and says something */
                closest = lengths > 0 ? fmin(closest, (double)within[j] / lengths) : closest;
            }
        }
        assert_true(closest < 0.03);
        rows_free(&r);
    }
}

TEST(fine_bytes_say_as_much_as_floats)
{
    uint64_t seed = test_seed();
    for (size_t s = 0; s < SHAPES; s++) {
        struct rows r = rows_make(77, shapes[s][0], shapes[s][1], &seed);
        double dot[77], within[77];
        for (size_t i = 0; i < r.n; i++) {
            ed_codes_dots_fine(&r.shape, r.coded[i], r.coded, r.n, dot, within);
            for (size_t j = 0; j < r.n; j++) {
                const float *x = r.x + i * r.dim, *y = r.x + j * r.dim;
                double lengths = ed_norm(x, r.dim) * ed_norm(y, r.dim);
                assert_true(fabs(ed_dot(x, y, r.dim) - dot[j]) <= within[j] + 1e-30);
                assert_true(within[j] <= 3e-4 * lengths + 1e-24);
            }
        }
        rows_free(&r);
    }
}

TEST(codes_are_made_as_their_twins_are)
{
#ifdef __x86_64__
    uint64_t seed = test_seed();
    float x[400];
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bw"))
        skip();
    for (size_t i = 0; i < 400; i++)
        x[i] = (float)((double)(test_random(&seed) >> 11) * 0x1p-52 - 1);
    for (int with_fine = 0; with_fine < 2; with_fine++) {
        uint8_t bytes[2][400], fine[2][400];
        struct ed_code_sums sums[2] = {{0}, {0}};
        ed_code_make_vnni(x, 400, 1.0f / 127, bytes[0], with_fine ? fine[0] : NULL, &sums[0]);
        ed_code_make_plain(x, 400, 1.0f / 127, bytes[1], with_fine ? fine[1] : NULL, &sums[1]);
        for (size_t i = 0; i < 400; i++) {
            assert_int_equal(bytes[0][i], bytes[1][i]);
            if (with_fine)
                assert_in_range(fine[0][i] - fine[1][i] + 1, 0, 2);
        }
        assert_int_equal(sums[0].sum, sums[1].sum);
        assert_true(fabs((double)(sums[0].square / sums[1].square) - 1) < 1e-5);
        assert_true(fabs((double)(sums[0].distance / sums[1].distance) - 1) < 1e-3);
        assert_true(!with_fine || fabs((double)(sums[0].close / sums[1].close) - 1) < 1e-2);
    }
#else
    skip();
#endif
}

TEST(the_kernel_of_codes_sums_as_its_twin)
{
#ifdef __x86_64__
    uint64_t seed = test_seed();
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bw"))
        skip();
    struct rows r = rows_make(40, 384, 512, &seed);
    memset(r.bytes, 255, r.shape.bytes); /* the largest sums */
    memset(r.bytes + r.shape.bytes, 1, r.shape.bytes);
    for (size_t i = 0; i + 4 <= r.n; i++) {
        const uint8_t *rows[4];
        int32_t fast[4], plain[4];
        for (size_t k = 0; k < 4; k++)
            rows[k] = r.coded[i + k].bytes;
        ed_code_sums_vnni(r.bytes, rows, r.shape.bytes, fast);
        ed_code_sums_plain(r.bytes, rows, r.shape.bytes, plain);
        assert_memory_equal(fast, plain, sizeof fast);
        int32_t many[16], many_plain[16];
        ed_code_block_vnni(rows, rows, r.shape.bytes, many);
        ed_code_block_plain(rows, rows, r.shape.bytes, many_plain);
        assert_memory_equal(many, many_plain, sizeof many);
        ed_code_planes_vnni(rows, rows + 2, r.shape.bytes, fast);
        ed_code_planes_plain(rows, rows + 2, r.shape.bytes, plain);
        assert_memory_equal(fast, plain, sizeof fast);
    }
    rows_free(&r);
#else
    skip();
#endif
}

/* All that a scan shows, as one. */
struct seen {
    float *products, *high; /* (n, columns), (n / ED_PEAK_ROWS, columns) */
};

static void keep(void *context, const struct ed_scan_view *view)
{
    const struct seen *seen = context;
    memcpy(seen->products + view->from * view->columns, view->products,
           view->n * view->columns * sizeof(float));
    memcpy(seen->high + view->from / ED_PEAK_ROWS * view->columns, view->high,
           view->n / ED_PEAK_ROWS * view->columns * sizeof(float));
}

/* The highest of each run, by kernels of any kind, is never below what is there, and not far above
 * it; nor is it where what is likely is taken for granted, of vectors of chance. */
static void scan_holds(const struct ed_kernels *kernels, const struct rows *r, size_t m, int likely)
{
    struct ed_scan_points points;
    const float *vectors[64];
    float factor[64];
    size_t n_runs = r->n / ED_PEAK_ROWS, columns = ed_scan_columns(m);
    void *room = NULL, *work = NULL;
    float *lines = calloc(5 * r->n, sizeof *lines);
    struct seen seen = {calloc(r->n * columns, sizeof(float)),
                        calloc(n_runs * columns, sizeof(float))};
    assert_int_equal(posix_memalign(&room, 64, ed_scan_points_bytes(&r->shape, m)), 0);
    assert_int_equal(posix_memalign(&work, 64, ed_scan_bytes(m)), 0);
    struct ed_scan_rows rows = {.bytes = r->bytes,
                                .n = r->n,
                                .scale = {lines, lines + r->n},
                                .low = {lines + 2 * r->n, lines + 3 * r->n},
                                .rest = lines + 4 * r->n};
    for (size_t i = 0; i < m; i++) {
        vectors[i] = r->x + (i + 3) * r->dim;
        factor[i] = 1 / (1 + (float)i);
    }
    ed_scan_points_pack(&r->shape, r->coded + 3, factor, m, room, &points);
    for (size_t e = 0; e < r->n; e++) {
        for (int part = 0; part < 2; part++) {
            rows.scale[part][e] = 2 * r->code[e].step[part];
            rows.low[part][e] = -128 * rows.scale[part][e];
        }
        rows.rest[e] = 2 * ed_scan_error(&r->shape, &r->code[e], &points.most, likely) + 0.5f;
    }
    ed_scan(kernels, &r->shape, &rows, &points, 1, work, keep, &seen);
    for (size_t i = 0; i < m; i++)
        for (size_t run = 0; run < n_runs; run++) {
            double most = -INFINITY, slack = 0;
            for (size_t e = run * ED_PEAK_ROWS; e < (run + 1) * ED_PEAK_ROWS; e++) {
                double exact =
                    2 * (double)factor[i] * ed_dot(vectors[i], r->x + e * r->dim, r->dim);
                double said = (double)seen.products[e * columns + i];
                most = fmax(most, exact + 0.5);
                slack = fmax(slack, 2 * (double)rows.rest[e]);
                assert_true(said + (double)rows.rest[e] >= exact + 0.5 - 1e-6 * (1 + fabs(exact)));
            }
            assert_true((double)seen.high[run * columns + i] >= most - 1e-6 * (1 + fabs(most)));
            assert_true((double)seen.high[run * columns + i] <=
                        most + slack + 1e-6 * (1 + fabs(most)));
        }
    free(lines);
    free(seen.high);
    free(seen.products);
    free(room);
    free(work);
}

TEST(a_scan_promises_no_less_than_there_is)
{
    uint64_t seed = test_seed();
    size_t kinds = 0;
    for (size_t s = 0; s < SHAPES; s++) {
        struct rows r = rows_make(208, shapes[s][0], shapes[s][1], &seed);
        const struct ed_kernels *kernels;
        for (size_t k = 0; (kernels = ed_kernels_at(k)); k++) {
            if (kernels->precision != ED_INT8 || !kernels->usable())
                continue;
            for (int likely = 0; likely < 2; likely++) {
                scan_holds(kernels, &r, 1, likely);
                scan_holds(kernels, &r, 37, likely);
            }
            kinds++;
        }
        rows_free(&r);
    }
    assert_true(kinds >= SHAPES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_is_within_what_its_codes_say),
        cmocka_unit_test(fine_bytes_say_as_much_as_floats),
        cmocka_unit_test(codes_are_made_as_their_twins_are),
        cmocka_unit_test(the_kernel_of_codes_sums_as_its_twin),
        cmocka_unit_test(a_scan_promises_no_less_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
