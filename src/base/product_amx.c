/* Products of bf16 and of bytes by AMX: registers that hold 16 rows of 64 bytes each.
 *
 * Four of them hold the sums of 32 by 32, two the left side, two the right: each that is loaded is
 * multiplied twice. A panel of 16 columns is as AMX wants its right side. 32 rows of the left side
 * stay in the first cache while the right side passes by, and is told not to settle there.
 *
 * The unit that multiplies registers of tiles is one by itself, so all else is done meanwhile: the
 * sums of a block are stored between the first products of the next one, and finished, some rows
 * at a time, between the others. The registers are set up and given back in each call, so that a
 * thread between two calls has nothing more to save.
 *
 * Tried and left: six registers of sums, 48 by 32. Alone they come nearer to the peak (.92 for
 * .82), but with a way out they are slower: 48 rows and what is written push each other out of the
 * first cache. */
#include "base/amx.h"
#include "base/product_kinds.h"

#include <immintrin.h>

#include "base/product_finish.h"

#define SIDE  16          /* rows of a register */
#define BLOCK (2 * SIDE)  /* of a block of sums */
#define WORDS (SIDE)      /* of the depth in a register */
#define ROW   (BLOCK * 4) /* bytes of a row of sums */

/* All rows go by a group of panels before the next group: so much of the right side comes once from
 * where weights lie, and stays in the second cache. */
#define GROUP_MAX   24 /* panels */
#define GROUP_BYTES ((size_t)200 << 10)
/* A depth of more words than RUN_MAX goes by in runs, so that 32 rows of a run stay in the first
 * cache. */
#define RUN     192
#define RUN_MAX 384

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
    const struct columns *c = w->columns;
    for (; n && w->rows; n--, w->rows--) {
        if (way.out == TO_BF16) {
            lanes low = lanes_made(way, &c[0], w->scale, w->low, w->sums);
            lanes high = lanes_made(way, &c[1], w->scale, w->low, w->sums + 64);
            halves_of_both_to((uint16_t *)(void *)w->ret, c[0].set, c[1].set, low, high);
        } else {
            lanes_out(way, &c[0], w->scale, w->low, w->sums, w->ret);
            lanes_out(way, &c[1], w->scale, w->low, w->sums + 64, w->ret + SIDE * 4);
        }
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

/* Where the sums of the block before go. */
struct before {
    char *at;
    size_t stride;
};

/* What a block works on: a run of the depth, of registers high and wide. */
struct operands {
    const char *a, *b;
    size_t stride, panel_bytes, steps, high, wide;
    int first;         /* the run: sums begin at 0, else from sums */
    char *sums;        /* (BLOCK, BLOCK) of this block */
    const char *ahead; /* what is multiplied later, to be fetched into the second cache: */
    size_t n_ahead;    /* lines in each step */
};

/* A register's sums, 16 rows down and 16 columns across from the first, to memory. */
#define STORE(sum, down, across)                                                                   \
    _tile_stored(sum, before.at + (down)*SIDE * before.stride + (across)*64, before.stride)

/* The sums of the block before go to memory, and each register begins anew at once. */
#define FIRST(sum, down, across, a, b)                                                             \
    STORE(sum, down, across);                                                                      \
    if (o->first)                                                                                  \
        _tile_zero(sum);                                                                           \
    else                                                                                           \
        _tile_loadd(sum, o->sums + (down)*SIDE * ROW + (across)*64, ROW);                          \
    MULTIPLY(sum, a, b)

/* One block, while the one before is stored and finished. */
PART void block(struct way way, const struct operands *o, struct before before, struct waiting *w)
{
    const size_t stride = o->stride, steps = o->steps;
    const size_t share = steps > 1 ? (BLOCK + steps - 2) / (steps - 1) : 0;
    const char *a = o->a, *a_low = o->high > 1 ? a + SIDE * stride : a;
    const char *b = o->b, *b_far = o->wide > 1 ? b + o->panel_bytes : b, *ahead = o->ahead;
    _tile_loadd(4, a, stride);
    _tile_stream_loadd(6, b, 64);
    _tile_stream_loadd(7, b_far, 64);
    _tile_loadd(5, a_low, stride);
    FIRST(0, 0, 0, 4, 6);
    FIRST(1, 0, 1, 4, 7);
    FIRST(2, 1, 0, 5, 6);
    FIRST(3, 1, 1, 5, 7);
    for (size_t s = 1; s < steps; s++) {
        a += 64, a_low += 64, b += WORDS * 64, b_far += WORDS * 64;
        _tile_loadd(4, a, stride);
        _tile_stream_loadd(6, b, 64);
        MULTIPLY(0, 4, 6);
        _tile_stream_loadd(7, b_far, 64);
        if (o->wide > 1)
            MULTIPLY(1, 4, 7);
        _tile_loadd(5, a_low, stride);
        if (o->high > 1) {
            MULTIPLY(2, 5, 6);
            if (o->wide > 1)
                MULTIPLY(3, 5, 7);
        }
        for (size_t l = 0; l < o->n_ahead; l++, ahead += 64)
            _mm_prefetch(ahead, _MM_HINT_T1);
        rows_out(way, w, share);
    }
    rows_out(way, w, BLOCK);
}

PART struct waiting waiting_at(struct way way, const struct ed_left *left,
                               const struct ed_right *right, const struct ed_finish *f, size_t i,
                               size_t rows, size_t p, const char *sums)
{
    struct waiting w = {.rows = rows,
                        .sums = sums,
                        .ret = ret_at(way, f, i, p * ED_PANEL),
                        .scale = left->scale ? left->scale + i : NULL,
                        .low = way.precision == ED_INT8 ? left->low + i : NULL,
                        .stride = f->stride * (way.out == TO_BF16 ? 2 : 4)};
    for (size_t side = 0; side < 2; side++)
        w.columns[side] = columns_at(way.precision, right, f, (p + side) * ED_PANEL);
    return w;
}

PART void product_by_way(struct way way, const struct ed_left *left, size_t m,
                         const struct ed_right *right, const struct ed_finish *f)
{
    const size_t panels = (right->n + ED_PANEL - 1) / ED_PANEL, panel_bytes = right->depth * 64;
    const size_t group =
        GROUP_BYTES / panel_bytes < GROUP_MAX ? GROUP_BYTES / panel_bytes : GROUP_MAX;
    const size_t together = group < 2 ? 2 : group / 2 * 2;
    const size_t part = right->depth > RUN_MAX ? RUN : right->depth;
    /* Fetching ahead pays in bf16 alone, where there are enough rows to hide it behind. */
    const int far = way.precision == ED_BF16 && m >= 4 * BLOCK && panels >= together;
    /* Sums with which nothing happens go where they belong at once, where there is room. */
    const int at_once = f->roomy && way.precision == ED_BF16 && way.activation == ED_LINEAR &&
                        way.out == TO_FLOAT && !f->bias && !left->scale && part == right->depth;
    char sums[GROUP_MAX / 2][BLOCK * ROW] __attribute__((aligned(64)));
    struct before before = {sums[0], ROW};
    struct waiting w = {0};
    struct operands o = {.stride = left->stride, .panel_bytes = panel_bytes};
    o.n_ahead = far ? 2 * WORDS * BLOCK / m : 0;
    _tile_loadconfig(&whole);
    for (size_t g = 0; g < panels; g += together) {
        const size_t end = panels - g < together ? panels : g + together;
        o.ahead = (const char *)right->at + end * panel_bytes;
        for (size_t i = 0; i < m; i += BLOCK) {
            const size_t rows = m - i < BLOCK ? m - i : BLOCK;
            o.high = rows > SIDE ? 2 : 1;
            for (size_t d = 0; d < right->depth; d += part) {
                o.a = (const char *)left->at + i * left->stride + d * 4;
                o.first = !d;
                o.steps = (right->depth - d < part ? right->depth - d : part) / WORDS;
                for (size_t p = g; p < end; p += 2) {
                    o.b = (const char *)right->at + p * panel_bytes + d * 64;
                    o.wide = end - p < 2 ? 1 : 2;
                    o.sums = sums[part < right->depth ? (p - g) / 2 : 0];
                    block(way, &o, before, &w);
                    o.ahead += o.n_ahead * (o.steps - 1) * 64;
                    before = (struct before){o.sums, ROW};
                    if (at_once)
                        before = (struct before){ret_at(way, f, i, p * ED_PANEL), f->stride * 4};
                    else if (d + part >= right->depth)
                        w = waiting_at(way, left, right, f, i, rows, p, o.sums);
                }
            }
        }
    }
    STORE(0, 0, 0);
    STORE(1, 0, 1);
    STORE(2, 1, 0);
    STORE(3, 1, 1);
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
