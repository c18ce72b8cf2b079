/* Tiles in registers: the loop that the kernels of one family share.
 *
 * A tile is ROWS rows by VECTORS vectors of sums, all of them in registers; for each word of the
 * depth, VECTORS vectors of the right side are loaded, and each row's word of the left is broadcast
 * and multiplied into its sums. Some tiles, one below the other, go through the depth in runs, so
 * that what they share of the right side stays in the first cache. Which instructions do that, the
 * including file says:
 *
 *   ROWS, VECTORS, PANELS   sizes; PANELS of 16 columns are VECTORS vectors
 *   SUM, WORDS              the types of a vector of sums, and of loaded words
 *   ZERO, LOAD(p), BROADCAST(p), STORE(p, s), MULTIPLY(s, x, w)
 *   PRECISION, PRODUCT      of what is made, and its name
 *
 * Rows are written out, so that no compiler has to find out that the sums fit into registers. */
#include "base/product_finish.h"

#if ROWS == 8
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#elif ROWS == 6
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#endif

#define VECTOR_BYTES sizeof(SUM)
/* Where vector v of word d lies: the next panel, or the other half of the same. */
#define RIGHT(v) (VECTOR_BYTES == 64 ? b + (v)*panel_bytes : b + (v)*VECTOR_BYTES)

/* Of tiles that go through the depth together, and of a run of it on the right side. */
#define TILES      (128 / ROWS)
#define RUN_BYTES  ((size_t)48 << 10)
#define TILE_BYTES (ROWS * VECTORS * VECTOR_BYTES)
/* Where sum v of row i lies between two runs. */
#define SUM_AT(i, v) (sums + ((i)*VECTORS + (v)) * VECTOR_BYTES)

#define BEGIN(i)                                                                                   \
    SUM s##i##_0 = ZERO, s##i##_1 = ZERO, s##i##_2 = ZERO;                                         \
    if (!first) {                                                                                  \
        s##i##_0 = *(const SUM *)(const void *)SUM_AT(i, 0);                                       \
        if (n > 1)                                                                                 \
            s##i##_1 = *(const SUM *)(const void *)SUM_AT(i, 1);                                   \
        if (n > 2)                                                                                 \
            s##i##_2 = *(const SUM *)(const void *)SUM_AT(i, 2);                                   \
    }
#define STEP(i)                                                                                    \
    {                                                                                              \
        WORDS x = BROADCAST(a + (i)*stride);                                                       \
        MULTIPLY(s##i##_0, x, w0);                                                                 \
        if (n > 1)                                                                                 \
            MULTIPLY(s##i##_1, x, w1);                                                             \
        if (n > 2)                                                                                 \
            MULTIPLY(s##i##_2, x, w2);                                                             \
    }
#define END(i)                                                                                     \
    STORE(SUM_AT(i, 0), s##i##_0);                                                                 \
    if (n > 1)                                                                                     \
        STORE(SUM_AT(i, 1), s##i##_1);                                                             \
    if (n > 2)                                                                                     \
        STORE(SUM_AT(i, 2), s##i##_2);

/* n of the VECTORS; it and first are constants where this is called. */
PART void tile(const char *a, size_t stride, const char *b, size_t panel_bytes, size_t depth,
               size_t n, int first, const char *next, char *sums)
{
    EACH_ROW(BEGIN)
    for (size_t d = 0; d < depth; d++, a += 4, b += 64, next += 64) {
        __builtin_prefetch(next, 0, 2);
        WORDS w0 = LOAD(RIGHT(0)), w1 = w0, w2 = w0;
        if (n > 1)
            w1 = LOAD(RIGHT(1));
        if (n > 2)
            w2 = LOAD(RIGHT(2));
        EACH_ROW(STEP)
    }
    EACH_ROW(END)
}

/* The tiles of m rows, through a run of the depth. */
PART void run(const char *a, size_t m, size_t stride, const char *b, size_t panel_bytes,
              size_t depth, size_t n, int first, const char *next, char *sums)
{
    size_t ahead = 0;
    for (size_t i = 0; i < m; i += ROWS, a += ROWS * stride, sums += TILE_BYTES, ahead++) {
        const char *soon = ahead < PANELS ? next + ahead * panel_bytes : b;
        if (n * VECTORS == VECTORS * PANELS)
            tile(a, stride, b, panel_bytes, depth, VECTORS, first, soon, sums);
        else if (n == 2)
            tile(a, stride, b, panel_bytes, depth, 2, first, soon, sums);
        else
            tile(a, stride, b, panel_bytes, depth, 1, first, soon, sums);
    }
}

UNWATCHED
void PRODUCT(const struct ed_left *left, size_t m, const struct ed_right *right,
             const struct ed_finish *finish)
{
    const size_t panels = (right->n + ED_PANEL - 1) / ED_PANEL, depth = right->depth;
    const size_t panel_bytes = depth * 64, stride = left->stride;
    const size_t runs = PANELS * panel_bytes / RUN_BYTES + 1;
    const size_t part = (depth / runs + 15) / 16 * 16;
    char sums[TILES * TILE_BYTES] __attribute__((aligned(64)));
    for (size_t p = 0; p < panels; p += PANELS) {
        const char *b = (const char *)right->at + p * panel_bytes;
        const char *next = b + PANELS * panel_bytes;
        const size_t n = panels - p < PANELS ? panels - p : PANELS;
        for (size_t i = 0; i < m; i += TILES * ROWS) {
            const char *a = (const char *)left->at + i * stride;
            const size_t rows = m - i < TILES * ROWS ? m - i : TILES * ROWS;
            run(a, rows, stride, b, panel_bytes, part, n, 1, i ? b : next, sums);
            for (size_t d = part; d < depth; d += part)
                run(a + d * 4, rows, stride, b + d * 64, panel_bytes,
                    depth - d < part ? depth - d : part, n, 0, i ? b : next + d * 64, sums);
            tile_out(PRECISION, left, right, finish, i, rows, p, n, sums,
                     VECTORS * VECTOR_BYTES / 4);
        }
    }
}
