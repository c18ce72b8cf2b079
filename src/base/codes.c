/* Codes: made, multiplied one by one, and scanned by the kernels of base/product.h. */
#include "base/codes_kinds.h"

#include "base/cpus.h"

#include <math.h>
#include <string.h>

#define LANES 16
#define SLACK 1e-6f /* of a length: more than float arithmetic loses on the way to a bound */

static size_t padded(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

struct ed_code_shape ed_code_shape_of(size_t n_first, size_t n_second)
{
    struct ed_code_shape shape = {.n = {n_first, n_second},
                                  .depth = {padded(n_first), padded(n_second)}};
    shape.bytes = shape.depth[0] + shape.depth[1];
    return shape;
}

/* ---- making ---- */

/* The bits of floats of one sign are in the order of their values. */
MANY_CPUS
float ed_code_largest(const float *x, size_t n)
{
    uint32_t lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            uint32_t bits;
            memcpy(&bits, &x[i + l], sizeof bits);
            bits &= 0x7fffffff;
            lane[l] = bits > lane[l] ? bits : lane[l];
        }
    for (size_t l = 0; i < n; i++, l++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0x7fffffff;
        lane[l] = bits > lane[l] ? bits : lane[l];
    }
    for (size_t width = LANES / 2; width; width /= 2)
        for (size_t l = 0; l < width; l++)
            lane[l] = lane[l + width] > lane[l] ? lane[l + width] : lane[l];
    float ret;
    memcpy(&ret, &lane[0], sizeof ret);
    return ret;
}

MANY_CPUS
void ed_code_bytes(const float *x, size_t n, float step, uint8_t *ret, struct ed_code_sums *sums)
{
    int32_t sum[LANES] = {0};
    float square[LANES] = {0}, distance[LANES] = {0};
    float per_step = 1 / step;
    for (size_t i = 0; i < n; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            int32_t q = (int32_t)rintf(x[i + l] * per_step);
            float off = x[i + l] - (float)q * step;
            ret[i + l] = (uint8_t)(q + 128);
            sum[l] += q;
            square[l] += (float)(q * q);
            distance[l] += off * off;
        }
    for (size_t l = 0; l < LANES; l++) {
        sums->sum += sum[l];
        sums->square += square[l];
        sums->distance += distance[l];
    }
}

MANY_CPUS
void ed_code_fines(const float *x, size_t n, float step, const uint8_t *bytes, uint8_t *ret,
                   struct ed_code_sums *sums)
{
    int32_t sum[LANES] = {0};
    float close[LANES] = {0};
    float fine = step / 256, per_fine = 256 / step;
    for (size_t i = 0; i < n; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            float off = x[i + l] - (float)(bytes[i + l] - 128) * step;
            float steps = off * per_fine;
            int32_t q = (int32_t)(steps + copysignf(0.5f, steps));
            q = q > 127 ? 127 : q;
            q = q < -128 ? -128 : q;
            off -= (float)q * fine;
            ret[i + l] = (uint8_t)(q + 128);
            sum[l] += q;
            close[l] += off * off;
        }
    for (size_t l = 0; l < LANES; l++) {
        sums->fine_sum += sum[l];
        sums->close += close[l];
    }
}

void ed_code_make_plain(const float *x, size_t n, float step, uint8_t *bytes, uint8_t *fine,
                        struct ed_code_sums *sums)
{
    ed_code_bytes(x, n, step, bytes, sums);
    if (fine)
        ed_code_fines(x, n, step, bytes, fine, sums);
}

static int has_vnni(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
#else
    return 0;
#endif
}

static void make(const float *x, size_t n, float step, uint8_t *bytes, uint8_t *fine,
                 struct ed_code_sums *sums)
{
#ifdef __x86_64__
    if (has_vnni()) {
        ed_code_make_vnni(x, n, step, bytes, fine, sums);
        return;
    }
#endif
    ed_code_make_plain(x, n, step, bytes, fine, sums);
}

void ed_code_part(const struct ed_code_shape *shape, int part, const float *x, uint8_t *bytes,
                  uint8_t *fine, struct ed_code *code)
{
    size_t n = shape->n[part], depth = shape->depth[part], from = part ? shape->depth[0] : 0;
    size_t whole = n & ~(size_t)(LANES - 1);
    float most = ed_code_largest(x, n);
    bytes += from;
    fine = fine ? fine + from : NULL;
    code->sum[part] = code->fine_sum[part] = 0;
    if (!(most > 1e-30f)) { /* so little that it is nothing */
        memset(bytes, 128, depth);
        if (fine)
            memset(fine, 128, depth);
        code->step[part] = code->reach[part] = 0;
        code->error[part] = code->close[part] = most * sqrtf((float)n);
        return;
    }
    float step = most / 127;
    struct ed_code_sums sums = {0};
    make(x, whole, step, bytes, fine, &sums);
    memset(bytes + whole, 128, depth - whole);
    if (fine)
        memset(fine + whole, 128, depth - whole);
    if (n > whole) {
        float rest[LANES] = {0};
        memcpy(rest, x + whole, (n - whole) * sizeof *x);
        make(rest, LANES, step, bytes + whole, fine ? fine + whole : NULL, &sums);
    }
    float length = step * sqrtf(sums.square);
    float error = sqrtf(sums.distance) * (1 + 1e-3f);
    code->step[part] = step;
    code->error[part] = error + SLACK * length;
    code->reach[part] = (length + error) * (1 + 1e-3f);
    code->close[part] =
        fine ? sqrtf(sums.close) * (1 + 1e-3f) + SLACK * code->reach[part] : code->error[part];
    code->sum[part] = sums.sum;
    code->fine_sum[part] = sums.fine_sum;
}

void ed_code_of(const struct ed_code_shape *shape, const float *x, uint8_t *bytes, uint8_t *fine,
                struct ed_code *ret)
{
    ed_code_part(shape, 0, x, bytes, fine, ret);
    ed_code_part(shape, 1, x + shape->n[0], bytes, fine, ret);
}

/* ---- products one by one ---- */

MANY_CPUS
int32_t ed_code_sum(const uint8_t *a, const uint8_t *b, size_t depth)
{
    int32_t sum = 0;
    for (size_t i = 0; i < depth; i++)
        sum += (int16_t)((int16_t)a[i] - 128) * (int16_t)b[i];
    return sum;
}

void ed_code_sums_plain(const uint8_t *a, const uint8_t *const *rows, size_t depth, int32_t *ret)
{
    for (size_t r = 0; r < 4; r++)
        ret[r] = ed_code_sum(a, rows[r], depth);
}

void ed_code_block_plain(const uint8_t *const *a, const uint8_t *const *rows, size_t depth,
                         int32_t *ret)
{
    for (size_t i = 0; i < 4; i++)
        ed_code_sums_plain(a[i], rows, depth, ret + 4 * i);
}

void ed_code_planes_plain(const uint8_t *const *a, const uint8_t *const *b, size_t depth,
                          int32_t *ret)
{
    for (size_t k = 0; k < 4; k++)
        ret[k] = ed_code_sum(a[k / 2], b[k % 2], depth);
}

static void four_sums(const uint8_t *a, const uint8_t *const *rows, size_t depth, int32_t *ret)
{
#ifdef __x86_64__
    if (has_vnni()) {
        ed_code_sums_vnni(a, rows, depth, ret);
        return;
    }
#endif
    ed_code_sums_plain(a, rows, depth, ret);
}

static void sixteen_sums(const uint8_t *const *a, const uint8_t *const *rows, size_t depth,
                         int32_t *ret)
{
#ifdef __x86_64__
    if (has_vnni()) {
        ed_code_block_vnni(a, rows, depth, ret);
        return;
    }
#endif
    ed_code_block_plain(a, rows, depth, ret);
}

static void planes(const uint8_t *const *a, const uint8_t *const *b, size_t depth, int32_t *ret)
{
#ifdef __x86_64__
    if (has_vnni()) {
        ed_code_planes_vnni(a, b, depth, ret);
        return;
    }
#endif
    ed_code_planes_plain(a, b, depth, ret);
}

/* What the sums of both parts say. */
static float dot_of(const struct ed_code *a, const struct ed_code *b, int32_t first, int32_t second)
{
    return (float)(first - 128 * a->sum[0]) * (a->step[0] * b->step[0]) +
           (float)(second - 128 * a->sum[1]) * (a->step[1] * b->step[1]);
}

void ed_codes_dots(const struct ed_code_shape *shape, struct ed_coded a,
                   const struct ed_coded *rows, size_t n, float *ret, float *ret_error)
{
    for (size_t k = 0; k < n; k += 4) {
        size_t m = n - k < 4 ? n - k : 4;
        const uint8_t *at[4];
        for (size_t r = 0; r < 4; r++)
            at[r] = rows[k + (r < m ? r : 0)].bytes;
        int32_t sums[2][4] = {{0}};
        for (int part = 0; part < 2; part++) {
            if (!shape->depth[part])
                continue;
            four_sums(a.bytes + (part ? shape->depth[0] : 0), at, shape->depth[part], sums[part]);
            for (size_t r = 0; r < 4 && !part; r++)
                at[r] += shape->depth[0];
        }
        for (size_t r = 0; r < m; r++)
            ret[k + r] = dot_of(a.code, rows[k + r].code, sums[0][r], sums[1][r]);
        for (size_t r = 0; r < m; r++)
            ret_error[k + r] = ed_code_error(a.code, rows[k + r].code);
    }
}

/* Four vectors at most with four rows at most; where there are fewer, some more often. */
static void block_dots(const struct ed_code_shape *shape, const struct ed_coded *a, size_t n_a,
                       const struct ed_coded *rows, size_t n, float *ret, float *ret_error,
                       size_t stride)
{
    int32_t sums[2][16] = {{0}};
    for (int part = 0; part < 2; part++) {
        size_t from = part ? shape->depth[0] : 0;
        const uint8_t *left[4], *right[4];
        for (size_t i = 0; i < 4; i++) {
            left[i] = a[i < n_a ? i : 0].bytes + from;
            right[i] = rows[i < n ? i : 0].bytes + from;
        }
        if (shape->depth[part])
            sixteen_sums(left, right, shape->depth[part], sums[part]);
    }
    for (size_t i = 0; i < n_a; i++)
        for (size_t r = 0; r < n; r++) {
            size_t at = i * stride + r, sum = 4 * i + r;
            ret[at] = dot_of(a[i].code, rows[r].code, sums[0][sum], sums[1][sum]);
            ret_error[at] = ed_code_error(a[i].code, rows[r].code);
        }
}

void ed_codes_dots_many(const struct ed_code_shape *shape, const struct ed_coded *a, size_t n_a,
                        const struct ed_coded *rows, size_t n, float *ret, float *ret_error)
{
    for (size_t i = 0; i < n_a; i += 4) {
        size_t left = n_a - i < 4 ? n_a - i : 4;
        if (left == 1)
            ed_codes_dots(shape, a[i], rows, n, ret + i * n, ret_error + i * n);
        for (size_t k = 0; k < n && left > 1; k += 4)
            block_dots(shape, a + i, left, rows + k, n - k < 4 ? n - k : 4, ret + i * n + k,
                       ret_error + i * n + k, n);
    }
}

/* Of one part, in double: all sums are whole numbers, so nothing is lost. */
static double fine_dot(const struct ed_code *a, const struct ed_code *b, int part,
                       const int32_t *sums)
{
    int64_t off = (int64_t)128 * a->sum[part], fine_off = (int64_t)128 * a->fine_sum[part];
    double whole = (double)(sums[0] - off);
    double mixed = (double)(sums[1] - off) + (double)(sums[2] - fine_off);
    double fine = (double)(sums[3] - fine_off);
    return (whole + (mixed + fine / 256) / 256) * (double)a->step[part] * (double)b->step[part];
}

/* As ed_code_error; what both planes say may be longer than the vector. */
static double fine_error(const struct ed_code *a, const struct ed_code *b)
{
    float error = 0;
    for (int part = 0; part < 2; part++)
        error +=
            a->reach[part] * b->close[part] + a->close[part] * (b->reach[part] + b->close[part]);
    return (double)error;
}

void ed_codes_dots_fine(const struct ed_code_shape *shape, struct ed_coded a,
                        const struct ed_coded *rows, size_t n, double *ret, double *ret_error)
{
    for (size_t k = 0; k < n; k++) {
        struct ed_coded b = rows[k];
        ret[k] = 0;
        ret_error[k] = fine_error(a.code, b.code);
        for (int part = 0; part < 2; part++) {
            size_t from = part ? shape->depth[0] : 0;
            const uint8_t *left[2] = {a.bytes + from, a.fine + from};
            const uint8_t *right[2] = {b.bytes + from, b.fine + from};
            int32_t sums[4];
            if (!shape->depth[part])
                continue;
            planes(left, right, shape->depth[part], sums);
            ret[k] += fine_dot(a.code, b.code, part, sums);
        }
    }
}

/* ---- scans ---- */

#define CHUNK 128 /* rows whose products are made at a time: they stay in the second cache */

#define POINT_FLOATS 2 /* of a point and a part: a scale, a sum */

size_t ed_scan_points_bytes(const struct ed_code_shape *shape, size_t m)
{
    return ed_scan_columns(m) * (shape->bytes + 2 * POINT_FLOATS * sizeof(float));
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

/* One part of a point into column i of the panels. */
static void column_put(const uint8_t *bytes, float scale, int32_t sum, size_t i,
                       struct ed_right *right)
{
    char *panel = (char *)(uintptr_t)right->at + i / ED_PANEL * ED_PANEL * right->k;
    for (size_t d = 0; d < right->k; d += 4) {
        uint32_t word;
        memcpy(&word, bytes + d, sizeof word);
        word ^= 0x80808080;
        memcpy(panel + d * ED_PANEL + i % ED_PANEL * 4, &word, sizeof word);
    }
    ((float *)(uintptr_t)right->scale)[i] = scale;
    ((float *)(uintptr_t)right->sum)[i] = scale * (float)sum;
}

/* Room for the panels of a part; returns what is behind it. */
static char *rights_room(size_t columns, size_t depth, char *room, struct ed_right *ret)
{
    float *floats = (float *)(void *)(room + columns * depth);
    size_t bytes = columns * (depth + POINT_FLOATS * sizeof *floats);
    memset(room, 0, bytes);
    *ret = (struct ed_right){.n = columns,
                             .k = depth,
                             .depth = depth / 4,
                             .at = room,
                             .scale = floats,
                             .sum = floats + columns};
    return room + bytes;
}

void ed_scan_points_pack(const struct ed_code_shape *shape, const struct ed_coded *points,
                         const float *factor, size_t m, void *room, struct ed_scan_points *ret)
{
    char *at = room;
    *ret = (struct ed_scan_points){.m = m};
    for (int part = 0; part < 2; part++)
        at = rights_room(ed_scan_columns(m), shape->depth[part], at, &ret->right[part]);
    for (size_t i = 0; i < m; i++)
        for (int part = 0; part < 2; part++) {
            const struct ed_code *c = points[i].code;
            float f = factor ? factor[i] : 1;
            size_t from = part ? shape->depth[0] : 0;
            float scale = c->step[part] * f;
            column_put(points[i].bytes + from, scale, c->sum[part], i, &ret->right[part]);
            ret->most.step[part] = larger(ret->most.step[part], scale);
            ret->most.reach[part] = larger(ret->most.reach[part], c->reach[part] * f);
            ret->most.error[part] = larger(ret->most.error[part], c->error[part] * f);
        }
}

/* The kernels take 128 times the sum of q from the sum of the stored bytes, in float: each is at
 * most 255 * 127 * depth, of which some of the last bits are lost. */
float ed_scan_error(const struct ed_code_shape *shape, const struct ed_code *row,
                    const struct ed_code *most, int likely)
{
    struct ed_code a = *row, b = *most;
    float lost = 0;
    for (int part = 0; part < 2; part++) {
        a.error[part] = likely ? fminf(a.error[part], a.step[part]) : a.error[part];
        b.error[part] = likely ? fminf(b.error[part], b.step[part]) : b.error[part];
        lost += a.step[part] * b.step[part] * (float)shape->depth[part];
    }
    return ed_code_error(&a, &b) + lost * (255 * 127 * 5 * 0x1p-24f);
}

size_t ed_scan_bytes(size_t m)
{
    return (CHUNK + CHUNK / ED_PEAK_ROWS) * ed_scan_columns(m) * sizeof(float);
}

/* The highest of each column of (ED_PEAK_ROWS, columns) products, to which rest is added. */
MANY_CPUS
void ed_run_highest(const float *products, const float *rest, size_t columns, float *ret)
{
    for (size_t j = 0; j < columns; j += ED_PANEL) {
        float high[ED_PANEL];
        for (size_t l = 0; l < ED_PANEL; l++)
            high[l] = -INFINITY;
        for (size_t r = 0; r < ED_PEAK_ROWS; r++)
            for (size_t l = 0; l < ED_PANEL; l++) {
                float value = products[r * columns + j + l] + rest[r];
                high[l] = value > high[l] ? value : high[l];
            }
        for (size_t l = 0; l < ED_PANEL; l++)
            ret[j + l] = high[l];
    }
}

/* The products of rows from `from` on (n), and the highest of each ED_PEAK_ROWS: high (those,
 * columns). */
static void chunk_scan(const struct ed_kernels *kernels, const struct ed_code_shape *shape,
                       const struct ed_scan_rows *rows, const struct ed_scan_points *points,
                       size_t from, size_t n, float *products, float *high)
{
    size_t columns = ed_scan_columns(points->m);
    struct ed_finish finish = {.ret = products, .stride = columns};
    for (int part = 0; part < 2; part++) {
        const uint8_t *bytes = rows->bytes + from * shape->bytes + (part ? shape->depth[0] : 0);
        struct ed_left left = {bytes, shape->bytes, rows->scale[part] + from,
                               rows->low[part] + from};
        if (!shape->depth[part])
            continue;
        kernels->product(&left, n, &points->right[part], &finish);
        finish.add = 1;
    }
    for (size_t r = 0; r < n; r += ED_PEAK_ROWS)
        ed_run_highest(products + r * columns, rows->rest + from + r, columns,
                       high + r / ED_PEAK_ROWS * columns);
}

/* Ask for (n) bytes that will be read soon: rows come from afar. */
static void fetch(const uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i += 64)
        __builtin_prefetch(at + i, 0, 2);
}

void ed_scan(const struct ed_kernels *kernels, const struct ed_code_shape *shape,
             const struct ed_scan_rows *rows, const struct ed_scan_points *points,
             int want_products, float *room, ed_scan_show *show, void *context)
{
    size_t columns = ed_scan_columns(points->m);
    float *products = room + CHUNK / ED_PEAK_ROWS * columns;
    for (size_t from = 0; from < rows->n; from += CHUNK) {
        size_t n = rows->n - from < CHUNK ? rows->n - from : CHUNK;
        size_t next = rows->n - from - n < CHUNK ? rows->n - from - n : CHUNK;
        struct ed_scan_view view = {from, n, columns, room, products};
        fetch(rows->bytes + (from + n) * shape->bytes, next * shape->bytes);
#ifdef __x86_64__
        if (kernels->product == ed_product_int8_amx)
            ed_scan_amx(shape, rows, points, from, n, want_products ? products : NULL, room);
        else
#endif
            chunk_scan(kernels, shape, rows, points, from, n, products, room);
        (void)want_products;
        show(context, &view);
    }
}
