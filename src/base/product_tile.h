/* Tiles in registers: the loop that the kernels of one family share.
 *
 * A tile is ROWS rows by VECTORS vectors of sums, all of them in registers; for each word of the
 * depth, VECTORS vectors of the right side are loaded, and each row's word of the left is broadcast
 * and multiplied into its sums. Which instructions do that, the including file says:
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

#define BEGIN(i) SUM s##i##_0 = ZERO, s##i##_1 = ZERO, s##i##_2 = ZERO;
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
    STORE(ret + ((i)*VECTORS + 0) * VECTOR_BYTES, s##i##_0);                                       \
    if (n > 1)                                                                                     \
        STORE(ret + ((i)*VECTORS + 1) * VECTOR_BYTES, s##i##_1);                                   \
    if (n > 2)                                                                                     \
        STORE(ret + ((i)*VECTORS + 2) * VECTOR_BYTES, s##i##_2);

/* n of the VECTORS, a constant where this is called. */
PART void tile(const char *a, size_t stride, const char *b, size_t panel_bytes, size_t depth,
               size_t n, char *ret)
{
    EACH_ROW(BEGIN)
    for (size_t d = 0; d < depth; d++, a += 4, b += 64) {
        WORDS w0 = LOAD(RIGHT(0)), w1 = w0, w2 = w0;
        if (n > 1)
            w1 = LOAD(RIGHT(1));
        if (n > 2)
            w2 = LOAD(RIGHT(2));
        EACH_ROW(STEP)
    }
    EACH_ROW(END)
}

UNWATCHED
void PRODUCT(const struct ed_left *left, size_t m, const struct ed_right *right,
             const struct ed_finish *finish)
{
    const size_t panels = (right->n + ED_PANEL - 1) / ED_PANEL, depth = right->depth;
    const size_t panel_bytes = depth * 64;
    for (size_t p = 0; p < panels; p += PANELS) {
        const char *b = (const char *)right->at + p * panel_bytes;
        size_t n = panels - p < PANELS ? panels - p : PANELS;
        for (size_t i = 0; i < m; i += ROWS) {
            const char *a = (const char *)left->at + i * left->stride;
            char sums[ROWS * VECTORS * VECTOR_BYTES] __attribute__((aligned(64)));
            if (n * VECTORS == VECTORS * PANELS)
                tile(a, left->stride, b, panel_bytes, depth, VECTORS, sums);
            else if (n == 2)
                tile(a, left->stride, b, panel_bytes, depth, 2, sums);
            else
                tile(a, left->stride, b, panel_bytes, depth, 1, sums);
            tile_out(PRECISION, left, right, finish, i, m - i < ROWS ? m - i : ROWS, p, n, sums,
                     VECTORS * VECTOR_BYTES / 4);
        }
    }
}
