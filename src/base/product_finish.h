/* How a tile of sums leaves the kernels; included by each of them, so that it is compiled for the
 * same instructions. */
#ifndef ED_BASE_PRODUCT_FINISH_H
#define ED_BASE_PRODUCT_FINISH_H

#include "base/gelu.h"
#include "base/lanes.h"
#include "base/product.h"

PART lanes activated(enum ed_activation activation, lanes x, int rounded)
{
    switch (activation) {
    case ED_LINEAR: break;
    case ED_GELU: return gelu(x, rounded);
    case ED_GELU_TANH: return gelu_tanh(x);
    case ED_RELU: return larger(x, LANES_OF(0.0f));
    }
    return x;
}

/* What becomes of sums, in words that are constants where it matters: those of EACH_WAY, which are
 * the ways of a network's layers, are compiled each by itself. */
enum out { TO_FLOAT, ADDED, TO_BF16 };
struct way {
    enum ed_precision precision;
    enum ed_activation activation;
    enum out out;
};

#define EACH_WAY(DO)                                                                               \
    DO(ED_LINEAR, TO_FLOAT)                                                                        \
    DO(ED_LINEAR, ADDED)                                                                           \
    DO(ED_LINEAR, TO_BF16)                                                                         \
    DO(ED_GELU, TO_FLOAT)                                                                          \
    DO(ED_GELU, TO_BF16)

PART struct way way_of(enum ed_precision precision, const struct ed_finish *f)
{
    return (struct way){precision, f->activation, f->to_bf16 ? TO_BF16 : f->add ? ADDED : TO_FLOAT};
}

PART char *ret_at(struct way way, const struct ed_finish *f, size_t i, size_t j)
{
    return (char *)f->ret + (i * f->stride + j) * (way.out == TO_BF16 ? 2 : 4);
}

/* As many columns as there are lanes, and what meets their sums. */
struct columns {
    lanes_set set;         /* those that there are */
    lanes bias;            /* or 0 */
    lanes scale, low_each; /* bytes: a step of the column, and what the row's lowest comes to */
};

PART struct columns columns_at(enum ed_precision precision, const struct ed_right *b,
                               const struct ed_finish *f, size_t j)
{
    struct columns ret = {.set = lanes_first(b->n > j ? b->n - j : 0)};
    if (f->bias)
        ret.bias = lanes_from(f->bias + j, ret.set);
    if (precision == ED_INT8) {
        ret.scale = lanes_from(b->scale + j, ret.set);
        ret.low_each = lanes_from(b->sum + j, ret.set);
    }
    return ret;
}

/* Of the sums of one row. Bytes were summed as whole numbers. scale may be NULL. */
PART lanes lanes_made(struct way way, const struct columns *c, const float *scale, const float *low,
                      const void *sums)
{
    lanes y = *(const lanes_at *)sums;
    if (way.precision == ED_INT8) {
        y = __builtin_convertvector((lanes_int)y, lanes) * *scale;
        y = y * c->scale + (*low * c->low_each + c->bias);
    } else {
        y = (scale ? y * *scale : y) + c->bias;
    }
    return activated(way.activation, y, way.precision != ED_F32);
}

/* And to where they go. */
PART void lanes_out(struct way way, const struct columns *c, const float *scale, const float *low,
                    const void *sums, void *ret)
{
    const lanes y = lanes_made(way, c, scale, low, sums);
    if (way.out == TO_BF16)
        halves_to(ret, c->set, halves_of(y));
    else
        lanes_to(ret, c->set, way.out == ADDED ? y + lanes_from(ret, c->set) : y);
}

PART void tile_by_way(struct way way, const struct ed_left *a, const struct ed_right *b,
                      const struct ed_finish *f, size_t i, size_t rows, size_t panel,
                      size_t n_panels, const void *sums, size_t row_words)
{
    for (size_t p = 0; p < n_panels * ED_PANEL; p += LANES) {
        const size_t j = panel * ED_PANEL + p;
        const struct columns c = columns_at(way.precision, b, f, j);
        for (size_t r = 0; r < rows; r++)
            lanes_out(way, &c, a->scale ? &a->scale[i + r] : NULL,
                      way.precision == ED_INT8 ? &a->low[i + r] : NULL,
                      (const char *)sums + (r * row_words + p) * 4, ret_at(way, f, i + r, j));
    }
}

/* Sums of (rows, n_panels * 16), a row every row_words, to the block of ret at (i, panel * 16). */
PART void tile_out(enum ed_precision precision, const struct ed_left *a, const struct ed_right *b,
                   const struct ed_finish *f, size_t i, size_t rows, size_t panel, size_t n_panels,
                   const void *sums, size_t row_words)
{
    const struct way way = way_of(precision, f);
#define TRY(one, another)                                                                          \
    if (way.activation == (one) && way.out == (another)) {                                         \
        tile_by_way((struct way){precision, one, another}, a, b, f, i, rows, panel, n_panels,      \
                    sums, row_words);                                                              \
        return;                                                                                    \
    }
    EACH_WAY(TRY)
#undef TRY
    tile_by_way(way, a, b, f, i, rows, panel, n_panels, sums, row_words);
}

#endif
