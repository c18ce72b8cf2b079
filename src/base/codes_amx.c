/* A scan by AMX: products of both parts and the highest of each half run in one go, where the
 * general way (codes.c) finishes each part by itself. Two runs of rows and two panels of points are
 * multiplied at a time, into four registers of sums. */
#include "base/amx.h"
#include "base/codes_kinds.h"

#include <immintrin.h>
#include <math.h>

#include "base/product_finish.h"

#define SIDE 16

/* Sums of bytes: [run][row][panel * SIDE + column]. */
struct sums {
    int32_t at[2][SIDE][2 * SIDE];
} __attribute__((aligned(64)));

PART void sums_store(struct sums *ret)
{
    _tile_stored(0, &ret->at[0][0][0], sizeof ret->at[0][0]);
    _tile_stored(1, &ret->at[0][0][SIDE], sizeof ret->at[0][0]);
    _tile_stored(2, &ret->at[1][0][0], sizeof ret->at[0][0]);
    _tile_stored(3, &ret->at[1][0][SIDE], sizeof ret->at[0][0]);
}

PART void multiply(const uint8_t *a, size_t stride, const char *b, size_t depth, struct sums *ret)
{
    const char *second = b + depth * SIDE;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t d = 0; d < depth; d += 64) {
        _tile_loadd(4, a + d, stride);
        _tile_loadd(6, b + d * SIDE, 64);
        _tile_dpbusd(0, 4, 6);
        _tile_loadd(7, second + d * SIDE, 64);
        _tile_dpbusd(1, 4, 7);
        _tile_loadd(5, a + SIDE * stride + d, stride);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    }
    sums_store(ret);
}

/* What the sums of one part and one row say, per step of the row's. */
PART lanes value_of(const int32_t *sums, lanes scale, lanes low)
{
    return __builtin_convertvector(*(const lanes_int *)sums, lanes) * scale + low;
}

/* One run and one panel: what the sums of both parts say, and the highest of each ED_PEAK_ROWS. */
PART void finish(const struct ed_code_shape *shape, const struct ed_scan_rows *rows,
                 const struct ed_scan_points *points, const struct sums *sums, size_t run,
                 size_t panel, size_t row, size_t column, float *products, size_t columns,
                 float *high)
{
    const lanes none = {0};
    lanes scale[2] = {none, none}, low[2] = {none, none};
    lanes most = none - INFINITY;
    for (int part = 0; part < 2; part++)
        if (shape->depth[part]) {
            const struct ed_right *right = &points->right[part];
            scale[part] = *(const lanes_at *)(right->scale + column);
            low[part] = -128.0f * *(const lanes_at *)(right->sum + column);
        }
    for (size_t r = 0; r < SIDE; r++) {
        lanes value = none;
        for (int part = 0; part < 2; part++)
            if (shape->depth[part])
                value += rows->scale[part][row + r] *
                         value_of(&sums[part].at[run][r][panel * SIDE], scale[part], low[part]);
        if (products)
            *(lanes_at *)(products + r * columns) = value;
        value += rows->rest[row + r];
        most = (lanes)choose(value > most, (lanes_int)value, (lanes_int)most);
        if ((r + 1) % ED_PEAK_ROWS == 0) {
            *(lanes_at *)(high + r / ED_PEAK_ROWS * columns) = most;
            most = none - INFINITY;
        }
    }
}

/* Two runs of rows from `row` on, or what is left (n), with the two panels from `column` on. */
PART void block(const struct ed_code_shape *shape, const struct ed_scan_rows *rows,
                const struct ed_scan_points *points, size_t row, size_t n, size_t column,
                float *products, size_t columns, float *high)
{
    struct sums sums[2];
    for (int part = 0; part < 2; part++) {
        size_t depth = shape->depth[part];
        size_t at = row * shape->bytes + (part ? shape->depth[0] : 0);
        const char *b = (const char *)points->right[part].at + column * depth;
        if (depth)
            multiply(rows->bytes + at, shape->bytes, b, depth, &sums[part]);
    }
    for (size_t run = 0; run < 2 && run * SIDE < n; run++)
        for (size_t panel = 0; panel < 2; panel++)
            finish(shape, rows, points, sums, run, panel, row + run * SIDE, column + panel * SIDE,
                   products ? products + run * SIDE * columns + panel * SIDE : NULL, columns,
                   high + run * (SIDE / ED_PEAK_ROWS) * columns + panel * SIDE);
}

UNWATCHED
void ed_scan_amx(const struct ed_code_shape *shape, const struct ed_scan_rows *rows,
                 const struct ed_scan_points *points, size_t from, size_t n, float *products,
                 float *high)
{
    size_t columns = ed_scan_columns(points->m);
    _tile_loadconfig(&whole);
    for (size_t j = 0; j < columns; j += 2 * SIDE)
        for (size_t i = 0; i < n; i += 2 * SIDE)
            block(shape, rows, points, from + i, n - i, j,
                  products ? products + i * columns + j : NULL, columns,
                  high + i / ED_PEAK_ROWS * columns + j);
    _tile_release();
}
