/* Products of bf16 and of bytes by AMX: registers that hold 16 rows of 64 bytes each.
 *
 * Four of them hold the sums of 32 by 32, two the left side, two the right: each that is loaded is
 * multiplied twice. A panel of 16 columns is as AMX wants its right side. The registers are set up
 * and given back in each call, so that a thread between two calls has nothing more to save. */
#include "base/product_kinds.h"

#include <immintrin.h>

#include "base/product_finish.h"

#define SIDE  16          /* rows of a register */
#define BLOCK (2 * SIDE)  /* of a block of sums */
#define WORDS (SIDE)      /* of the depth in a register */
#define ROW   (BLOCK * 4) /* bytes of a row of sums */

static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} whole __attribute__((aligned(64))) = {.palette = 1,
                                        .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                        .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

/* One step of the depth for what there is of the block: wide and high are 1 or 2, and constants. */
#define MULTIPLY(sum, a, b)                                                                        \
    do {                                                                                           \
        if (precision == ED_BF16)                                                                  \
            _tile_dpbf16ps(sum, a, b);                                                             \
        else                                                                                       \
            _tile_dpbusd(sum, a, b);                                                               \
    } while (0)

PART void block(enum ed_precision precision, const char *a, size_t stride, const char *b,
                size_t panel_bytes, size_t depth, size_t high, size_t wide, char *ret)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t d = 0; d < depth; d += WORDS, a += 64, b += WORDS * 64) {
        _tile_loadd(6, b, 64);
        _tile_loadd(4, a, stride);
        MULTIPLY(0, 4, 6);
        if (wide > 1) {
            _tile_loadd(7, b + panel_bytes, 64);
            MULTIPLY(1, 4, 7);
        }
        if (high > 1) {
            _tile_loadd(5, a + SIDE * stride, stride);
            MULTIPLY(2, 5, 6);
            if (wide > 1)
                MULTIPLY(3, 5, 7);
        }
    }
    _tile_stored(0, ret, ROW);
    if (wide > 1)
        _tile_stored(1, ret + 64, ROW);
    if (high > 1)
        _tile_stored(2, ret + SIDE * ROW, ROW);
    if (high > 1 && wide > 1)
        _tile_stored(3, ret + SIDE * ROW + 64, ROW);
}

PART void product(enum ed_precision precision, const struct ed_left *left, size_t m,
                  const struct ed_right *right, const struct ed_finish *finish)
{
    const size_t panels = (right->n + ED_PANEL - 1) / ED_PANEL, depth = right->depth;
    const size_t panel_bytes = depth * 64, stride = left->stride;
    _tile_loadconfig(&whole);
    for (size_t p = 0; p < panels; p += 2) {
        const char *b = (const char *)right->at + p * panel_bytes;
        size_t wide = panels - p < 2 ? 1 : 2;
        for (size_t i = 0; i < m; i += BLOCK) {
            const char *a = (const char *)left->at + i * stride;
            size_t rows = m - i < BLOCK ? m - i : BLOCK;
            char sums[BLOCK * ROW] __attribute__((aligned(64)));
            if (rows > SIDE && wide == 2)
                block(precision, a, stride, b, panel_bytes, depth, 2, 2, sums);
            else if (rows > SIDE)
                block(precision, a, stride, b, panel_bytes, depth, 2, 1, sums);
            else if (wide == 2)
                block(precision, a, stride, b, panel_bytes, depth, 1, 2, sums);
            else
                block(precision, a, stride, b, panel_bytes, depth, 1, 1, sums);
            tile_out(precision, left, right, finish, i, rows, p, wide, sums, BLOCK);
        }
    }
    _tile_release();
}

UNWATCHED
void ed_product_bf16_amx(const struct ed_left *left, size_t m, const struct ed_right *right,
                         const struct ed_finish *finish)
{
    product(ED_BF16, left, m, right, finish);
}

UNWATCHED
void ed_product_int8_amx(const struct ed_left *left, size_t m, const struct ed_right *right,
                         const struct ed_finish *finish)
{
    product(ED_INT8, left, m, right, finish);
}
