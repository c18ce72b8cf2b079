/* Products of bf16 and of bytes by AMX: registers that hold 16 rows of 64 bytes each.
 *
 * Four of them hold the sums of 32 by 32, two the left side, two the right: each that is loaded is
 * multiplied twice. A panel of 16 columns is as AMX wants its right side. 32 rows of the left side
 * stay in the first cache while the right side passes by, and is told not to settle there.
 *
 * The unit that multiplies registers of tiles is one by itself, so all else is done meanwhile: the
 * sums of a block are stored between the first products of the next one, and finished, some rows
 * at a time, between the others. The registers are set up and given back in each call, so that a
 * thread between two calls has nothing more to save. */
#include "base/amx.h"
#include "base/product_kinds.h"

#include <immintrin.h>

#include "base/product_finish.h"

#define SIDE  16          /* rows of a register */
#define BLOCK (2 * SIDE)  /* of a block of sums */
#define WORDS (SIDE)      /* of the depth in a register */
#define ROW   (BLOCK * 4) /* bytes of a row of sums */

/* A block of sums that is not finished: what is left of it. */
struct waiting {
    size_t rows;
    const char *sums; /* (rows, BLOCK), as the next three from the first row on that is left */
    char *ret;
    const float *scale, *low;
    size_t stride; /* bytes of a row of ret */
    struct columns columns[2];
};

/* Finish up to n of its rows. */
PART void rows_out(struct way way, struct waiting *w, size_t n)
{
    const size_t side = SIDE * (way.out == TO_BF16 ? 2 : 4);
    for (; n && w->rows; n--, w->rows--) {
        lanes_out(way, &w->columns[0], w->scale, w->low, w->sums, w->ret);
        lanes_out(way, &w->columns[1], w->scale, w->low, w->sums + 64, w->ret + side);
        w->sums += ROW;
        w->ret += w->stride;
        w->scale += way.precision == ED_INT8 || w->scale;
        w->low += way.precision == ED_INT8;
    }
}

#define MULTIPLY(sum, a, b)                                                                        \
    do {                                                                                           \
        if (way.precision == ED_BF16)                                                              \
            _tile_dpbf16ps(sum, a, b);                                                             \
        else                                                                                       \
            _tile_dpbusd(sum, a, b);                                                               \
    } while (0)

/* The sums of the block before go to memory, and each register begins anew at once. */
#define FIRST(sum, at, a, b)                                                                       \
    _tile_stored(sum, sums + (at), ROW);                                                           \
    _tile_zero(sum);                                                                               \
    MULTIPLY(sum, a, b)

/* One block, of rows high and columns wide in registers, while the one before is finished. */
PART void block(struct way way, struct waiting *w, size_t high, size_t wide, const char *a,
                size_t stride, const char *b, size_t depth, char *sums)
{
    const size_t steps = depth / WORDS, share = steps > 1 ? (BLOCK + steps - 2) / (steps - 1) : 0;
    const char *a_low = high > 1 ? a + SIDE * stride : a, *b_far = wide > 1 ? b + depth * 64 : b;
    _tile_loadd(4, a, stride);
    _tile_stream_loadd(6, b, 64);
    _tile_stream_loadd(7, b_far, 64);
    _tile_loadd(5, a_low, stride);
    FIRST(0, 0, 4, 6);
    FIRST(1, 64, 4, 7);
    FIRST(2, SIDE * ROW, 5, 6);
    FIRST(3, SIDE * ROW + 64, 5, 7);
    for (size_t s = 1; s < steps; s++) {
        a += 64, a_low += 64, b += WORDS * 64, b_far += WORDS * 64;
        _tile_loadd(4, a, stride);
        _tile_stream_loadd(6, b, 64);
        MULTIPLY(0, 4, 6);
        _tile_stream_loadd(7, b_far, 64);
        if (wide > 1)
            MULTIPLY(1, 4, 7);
        _tile_loadd(5, a_low, stride);
        if (high > 1) {
            MULTIPLY(2, 5, 6);
            if (wide > 1)
                MULTIPLY(3, 5, 7);
        }
        rows_out(way, w, share);
    }
    rows_out(way, w, BLOCK);
}

PART void product_by_way(struct way way, const struct ed_left *left, size_t m,
                         const struct ed_right *right, const struct ed_finish *f)
{
    const size_t panels = (right->n + ED_PANEL - 1) / ED_PANEL;
    char sums[BLOCK * ROW] __attribute__((aligned(64)));
    struct waiting w = {.stride = f->stride * (way.out == TO_BF16 ? 2 : 4)};
    _tile_loadconfig(&whole);
    for (size_t i = 0; i < m; i += BLOCK) {
        const char *a = (const char *)left->at + i * left->stride;
        const size_t rows = m - i < BLOCK ? m - i : BLOCK;
        for (size_t p = 0; p < panels; p += 2) {
            const char *b = (const char *)right->at + p * right->depth * 64;
            block(way, &w, rows > SIDE ? 2 : 1, panels - p < 2 ? 1 : 2, a, left->stride, b,
                  right->depth, sums);
            w.rows = rows;
            w.sums = sums;
            w.ret = ret_at(way, f, i, p * ED_PANEL);
            w.scale = left->scale ? left->scale + i : NULL;
            w.low = left->low + i;
            w.columns[0] = columns_at(way.precision, right, f, p * ED_PANEL);
            w.columns[1] = columns_at(way.precision, right, f, (p + 1) * ED_PANEL);
        }
    }
    _tile_stored(0, sums, ROW);
    _tile_stored(1, sums + 64, ROW);
    _tile_stored(2, sums + SIDE * ROW, ROW);
    _tile_stored(3, sums + SIDE * ROW + 64, ROW);
    _tile_release();
    rows_out(way, &w, BLOCK);
}

PART void product(enum ed_precision precision, const struct ed_left *left, size_t m,
                  const struct ed_right *right, const struct ed_finish *finish)
{
    const struct way way = way_of(precision, finish);
#define TRY(one, another)                                                                          \
    if (way.activation == (one) && way.out == (another)) {                                         \
        product_by_way((struct way){precision, one, another}, left, m, right, finish);             \
        return;                                                                                    \
    }
    EACH_WAY(TRY)
#undef TRY
    product_by_way(way, left, m, right, finish);
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
