/* How a tile of sums leaves the kernels; included by each of them, so that it is compiled for the
 * same instructions. */
#ifndef ED_BASE_PRODUCT_FINISH_H
#define ED_BASE_PRODUCT_FINISH_H

#include "base/lanes.h"
#include "base/product.h"

/* x Phi(x) = x/2 + h(x). h is even: x^2 times a polynomial of it up to the edge, fitted to the
 * least largest error in 2 (x/edge)^2 - 1, and |x|/2 beyond. */
PART lanes gelu_by(lanes x, const float *p, size_t n, float edge)
{
    const lanes_int sign = (lanes_int){0} + INT32_MIN;
    lanes square = x * x, size = (lanes)((lanes_int)x & ~sign);
    lanes t = square * (2.0f / (edge * edge)) - 1.0f;
    lanes sum = t * p[0] + p[1];
    for (size_t i = 2; i < n; i++)
        sum = sum * t + p[i];
    lanes even = (lanes)choose(size < edge, (lanes_int)(square * sum), (lanes_int)(size * 0.5f));
    return x * 0.5f + even;
}

/* Error below 1e-6; where the result is rounded further on, below 3e-5. */
PART lanes gelu(lanes x, int rounded)
{
    static const float exact[] = {
        -0.0005216405843384564f, 0.0015569387469440699f, -0.00178042845800519f,
        0.0022114510647952557f,  -0.005116194486618042f, 0.009327925741672516f,
        -0.013557594269514084f,  0.01879153400659561f,   -0.025207968428730965f,
        0.03209594637155533f,    -0.03959814831614494f,  0.04926345869898796f,
        -0.06651824712753296f,   0.1333925724029541f};
    static const float rough[] = {
        0.0027541734743863344f, -0.007884182035923004f, 0.01098783127963543f,
        -0.015976987779140472f, 0.026802193373441696f,  -0.040089234709739685f,
        0.05525052174925804f,   -0.0786123126745224f,   0.16040441393852234f};
    return rounded ? gelu_by(x, rough, sizeof rough / sizeof *rough, 4.4f)
                   : gelu_by(x, exact, sizeof exact / sizeof *exact, 5.3f);
}

/* x (1 + tanh u) / 2 = x / (1 + exp(-2 u)), from the side where exp does not grow. */
PART lanes gelu_tanh(lanes x)
{
    lanes u = x * 1.59576912f + x * x * x * (1.59576912f * 0.044715f);
    lanes e = exp_of((lanes)((lanes_int)u | INT32_MIN)); /* of -|u| */
    return x * (lanes)choose(u < 0.0f, (lanes_int)e, (lanes_int)LANES_OF(1.0f)) / (e + 1.0f);
}

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

/* Sums to where they go in a row, from bias on; the first n count. */
PART void lanes_out(const struct ed_finish *f, enum ed_activation activation, int rounded, lanes y,
                    size_t i, size_t j, size_t n)
{
    const size_t at = i * f->stride + j;
    float *ret = (float *)f->ret + at;
    if (n < LANES) { /* by way of a whole one */
        lanes bias = {0}, before = {0};
        if (f->bias)
            memcpy(&bias, f->bias + j, n * sizeof *f->bias);
        if (f->add)
            memcpy(&before, ret, n * sizeof *ret);
        y = activated(activation, y + bias, rounded) + before;
        lanes_half h = halves_of(y);
        if (f->to_bf16)
            memcpy((uint16_t *)f->ret + at, &h, n * sizeof(uint16_t));
        else
            memcpy(ret, &y, n * sizeof *ret);
        return;
    }
    if (f->bias)
        y += *(const lanes_at *)(f->bias + j);
    y = activated(activation, y, rounded);
    if (f->add)
        y += *(lanes_at *)ret;
    if (f->to_bf16)
        *(halves_at *)((uint16_t *)f->ret + at) = halves_of(y);
    else
        *(lanes_at *)ret = y;
}

/* Sums of (rows, n_panels * 16), a row every row_words, to the block of ret at (i, panel * 16).
 * Bytes were summed as whole numbers. */
PART void tile_activated(enum ed_precision precision, enum ed_activation activation,
                         const struct ed_left *a, const struct ed_right *b,
                         const struct ed_finish *f, size_t i, size_t rows, size_t panel,
                         size_t n_panels, const void *sums, size_t row_words)
{
    for (size_t p = 0; p < n_panels * ED_PANEL; p += LANES) {
        const size_t j = panel * ED_PANEL + p;
        if (j >= b->n)
            return;
        const size_t n = b->n - j < LANES ? b->n - j : LANES;
        const char *from = (const char *)sums + p * 4;
        for (size_t r = 0; r < rows; r++, from += row_words * 4) {
            lanes y = *(const lanes_at *)(const void *)from;
            if (precision == ED_INT8)
                y = __builtin_convertvector((lanes_int)y, lanes) * a->scale[i + r] *
                        *(const lanes_at *)(b->scale + j) +
                    a->low[i + r] * *(const lanes_at *)(b->sum + j);
            else if (a->scale)
                y *= a->scale[i + r];
            lanes_out(f, activation, precision != ED_F32, y, i + r, j, n);
        }
    }
}

PART void tile_out(enum ed_precision precision, const struct ed_left *a, const struct ed_right *b,
                   const struct ed_finish *f, size_t i, size_t rows, size_t panel, size_t n_panels,
                   const void *sums, size_t row_words)
{
    if (f->activation == ED_LINEAR)
        tile_activated(precision, ED_LINEAR, a, b, f, i, rows, panel, n_panels, sums, row_words);
    else if (f->activation == ED_GELU)
        tile_activated(precision, ED_GELU, a, b, f, i, rows, panel, n_panels, sums, row_words);
    else
        tile_activated(precision, f->activation, a, b, f, i, rows, panel, n_panels, sums,
                       row_words);
}

#endif
