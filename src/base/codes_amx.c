/* A scan by AMX: products of both parts and the highest of each run in one go, where the general
 * way (codes.c) finishes each part by itself. Two runs of rows and two panels of points are
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
    _tile_stored(0, &ret->at[0][0][0], sizeof ret->at[0][0]);
    _tile_stored(1, &ret->at[0][0][SIDE], sizeof ret->at[0][0]);
    _tile_stored(2, &ret->at[1][0][0], sizeof ret->at[0][0]);
    _tile_stored(3, &ret->at[1][0][SIDE], sizeof ret->at[0][0]);
}

/* One run and one panel: what the sums of both parts say. */
PART void finish(const struct ed_code_shape *shape, const struct ed_scan_rows *rows,
                 const struct ed_scan_points *points, const struct sums *sums, size_t run,
                 size_t panel, size_t row, size_t column, float *products, size_t columns,
                 float *high)
{
    const lanes none = {0};
    lanes scale[2] = {none, none}, low[2] = {none, none}, most = none - INFINITY;
    for (int part = 0; part < 2; part++)
        if (shape->depth[part]) {
            scale[part] = *(const lanes_at *)(points->right[part].scale + column);
            low[part] = -128.0f * *(const lanes_at *)(points->right[part].sum + column);
        }
    for (size_t r = 0; r < SIDE; r++) {
        lanes value = none;
        for (int part = 0; part < 2; part++)
            if (shape->depth[part]) {
                lanes_int whole_sum = *(const lanes_int *)&sums[part].at[run][r][panel * SIDE];
                value += rows->scale[part][row + r] *
                         (__builtin_convertvector(whole_sum, lanes) * scale[part] + low[part]);
            }
        if (products)
            *(lanes_at *)(products + r * columns) = value;
        value += rows->rest[row + r];
        most = (lanes)choose(value > most, (lanes_int)value, (lanes_int)most);
    }
    *(lanes_at *)high = most;
}

UNWATCHED
void ed_scan_amx(const struct ed_code_shape *shape, const struct ed_scan_rows *rows,
                 const struct ed_scan_points *points, size_t from, size_t n, float *products,
                 float *high)
{
    size_t columns = ed_scan_columns(points->m);
    _tile_loadconfig(&whole);
    for (size_t j = 0; j < columns; j += 2 * SIDE)
        for (size_t i = 0; i < n; i += 2 * SIDE) {
            struct sums sums[2];
            const uint8_t *a = rows->bytes + (from + i) * shape->bytes;
            for (int part = 0; part < 2; part++)
                if (shape->depth[part])
                    multiply(a + (part ? shape->depth[0] : 0), shape->bytes,
                             (const char *)points->right[part].at + j * shape->depth[part],
                             shape->depth[part], &sums[part]);
            for (size_t run = 0; run < 2 && i + run * SIDE < n; run++)
                for (size_t panel = 0; panel < 2; panel++) {
                    size_t row = i + run * SIDE, column = j + panel * SIDE;
                    finish(shape, rows, points, sums, run, panel, from + row, column,
                           products ? products + row * columns + column : NULL, columns,
                           high + row / SIDE * columns + column);
                }
        }
    _tile_release();
}
