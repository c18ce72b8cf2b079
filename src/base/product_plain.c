/* Products in plain C: what the kernels for one kind of CPU must agree with, and what does the work
 * where there are none. */
#include "base/cpus.h"
#include "base/product_finish.h"
#include "base/product_kinds.h"

PART float float_of(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float ret;
    memcpy(&ret, &bits, sizeof ret);
    return ret;
}

/* The sums of one row and one panel: (16) floats or whole numbers. */
PART void f32_sums(const char *a, const char *b, size_t depth, void *ret)
{
    float sums[ED_PANEL] = {0}, x, w[ED_PANEL];
    for (size_t d = 0; d < depth; d++) {
        memcpy(&x, a + d * 4, sizeof x);
        memcpy(w, b + d * 64, sizeof w);
        for (size_t l = 0; l < ED_PANEL; l++)
            sums[l] += x * w[l];
    }
    memcpy(ret, sums, sizeof sums);
}

PART void bf16_sums(const char *a, const char *b, size_t depth, void *ret)
{
    float sums[ED_PANEL] = {0};
    uint16_t x[2], w[2 * ED_PANEL];
    for (size_t d = 0; d < depth; d++) {
        memcpy(x, a + d * 4, sizeof x);
        memcpy(w, b + d * 64, sizeof w);
        for (size_t l = 0; l < ED_PANEL; l++)
            sums[l] +=
                float_of(x[0]) * float_of(w[2 * l]) + float_of(x[1]) * float_of(w[2 * l + 1]);
    }
    memcpy(ret, sums, sizeof sums);
}

PART void int8_sums(const char *a, const char *b, size_t depth, void *ret)
{
    int32_t sums[ED_PANEL] = {0};
    uint8_t x[4];
    int8_t w[4 * ED_PANEL];
    for (size_t d = 0; d < depth; d++) {
        memcpy(x, a + d * 4, sizeof x);
        memcpy(w, b + d * 64, sizeof w);
        for (size_t l = 0; l < ED_PANEL; l++)
            sums[l] +=
                x[0] * w[4 * l] + x[1] * w[4 * l + 1] + x[2] * w[4 * l + 2] + x[3] * w[4 * l + 3];
    }
    memcpy(ret, sums, sizeof sums);
}

#define PLAIN(precision, sums_of)                                                                  \
    const size_t panels = (right->n + ED_PANEL - 1) / ED_PANEL;                                    \
    for (size_t i = 0; i < m; i++)                                                                 \
        for (size_t p = 0; p < panels; p++) {                                                      \
            char sums[64];                                                                         \
            sums_of((const char *)left->at + i * left->stride,                                     \
                    (const char *)right->at + p * right->depth * 64, right->depth, sums);          \
            tile_out(precision, left, right, finish, i, 1, p, 1, sums, ED_PANEL);                  \
        }

UNWATCHED
void ed_product_f32_plain(const struct ed_left *left, size_t m, const struct ed_right *right,
                          const struct ed_finish *finish){PLAIN(ED_F32, f32_sums)}

UNWATCHED
    void ed_product_bf16_plain(const struct ed_left *left, size_t m, const struct ed_right *right,
                               const struct ed_finish *finish){PLAIN(ED_BF16, bf16_sums)}

UNWATCHED void ed_product_int8_plain(const struct ed_left *left, size_t m,
                                     const struct ed_right *right, const struct ed_finish *finish)
{
    PLAIN(ED_INT8, int8_sums)
}
