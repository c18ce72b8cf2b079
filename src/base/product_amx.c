/* Products of bf16 and of bytes by AMX: registers that hold 16 rows of 64 bytes each.
 *
 * Four of them hold the sums of 32 by 32, two the left side, two the right: each that is loaded is
 * multiplied twice. A panel of 16 columns is as AMX wants its right side. The registers are set up
 * and given back in each call, so that a thread between two calls has nothing more to save. */
#include "base/amx.h"
#include "base/product_kinds.h"

#include <immintrin.h>

#include "base/product_finish.h"

#define SIDE  16          /* rows of a register */
#define BLOCK (2 * SIDE)  /* of a block of sums */
#define WORDS (SIDE)      /* of the depth in a register */
#define ROW   (BLOCK * 4) /* bytes of a row of sums */

/* A block of sums that lies in memory and is not finished yet. */
struct waiting {
    size_t i, rows, done, panel, n_panels;
    const char *sums;
};

/* Finish up to n more of its rows. */
PART void rows_out(enum ed_precision precision, const struct ed_left *left,
                   const struct ed_right *right, const struct ed_finish *finish, struct waiting *w,
                   size_t n)
{
    n = n < w->rows - w->done ? n : w->rows - w->done;
    if (!n)
        return;
    tile_out(precision, left, right, finish, w->i + w->done, n, w->panel, w->n_panels,
             w->sums + w->done * ROW, BLOCK);
    w->done += n;
}

#define MULTIPLY(sum, a, b)                                                                        \
    do {                                                                                           \
        if (precision == ED_BF16)                                                                  \
            _tile_dpbf16ps(sum, a, b);                                                             \
        else                                                                                       \
            _tile_dpbusd(sum, a, b);                                                               \
    } while (0)

/* One block: high and wide are 1 or 2 registers, and constants. Meanwhile the one before is
 * finished, some rows in each step of the depth: registers of tiles are multiplied by a unit of
 * their own, which would otherwise stand still for as long again. */
PART void block(enum ed_precision precision, const struct ed_left *left,
                const struct ed_right *right, const struct ed_finish *finish, size_t high,
                size_t wide, const char *a, const char *b, struct waiting *before, char *ret)
{
    const size_t stride = left->stride, panel_bytes = right->depth * 64;
    const size_t steps = right->depth / WORDS, rows = (BLOCK + steps - 1) / steps;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t s = 0; s < steps; s++, a += 64, b += WORDS * 64) {
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
        rows_out(precision, left, right, finish, before, rows);
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
    const size_t panels = (right->n + ED_PANEL - 1) / ED_PANEL;
    char sums[2][BLOCK * ROW] __attribute__((aligned(64)));
    struct waiting before = {.sums = sums[1]};
    size_t turn = 0;
    _tile_loadconfig(&whole);
    for (size_t p = 0; p < panels; p += 2) {
        const char *b = (const char *)right->at + p * right->depth * 64;
        size_t wide = panels - p < 2 ? 1 : 2;
        for (size_t i = 0; i < m; i += BLOCK, turn ^= 1) {
            const char *a = (const char *)left->at + i * left->stride;
            size_t rows = m - i < BLOCK ? m - i : BLOCK;
            char *ret = sums[turn];
            if (rows > SIDE && wide == 2)
                block(precision, left, right, finish, 2, 2, a, b, &before, ret);
            else if (rows > SIDE)
                block(precision, left, right, finish, 2, 1, a, b, &before, ret);
            else if (wide == 2)
                block(precision, left, right, finish, 1, 2, a, b, &before, ret);
            else
                block(precision, left, right, finish, 1, 1, a, b, &before, ret);
            before = (struct waiting){i, rows, 0, p, wide, ret};
        }
    }
    _tile_release();
    rows_out(precision, left, right, finish, &before, BLOCK);
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
