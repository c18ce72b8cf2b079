/* How a tile of sums leaves the kernels; included by each of them, so that it is compiled for the
 * same instructions.
 *
 * Sixteen lanes are one value: the compiler makes of them what the CPU has. */
#ifndef ED_BASE_PRODUCT_FINISH_H
#define ED_BASE_PRODUCT_FINISH_H

#include "base/product.h"

#include <string.h>

/* Kernels read behind the rows that they are asked for, and are called for every few thousand
 * operations: sanitizers stay out. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNWATCHED __attribute__((no_sanitize("address", "undefined", "thread")))
#elif defined(__clang__)
#define UNWATCHED __attribute__((no_sanitize("address", "undefined")))
#else
#define UNWATCHED
#endif
#define PART static inline __attribute__((always_inline)) UNWATCHED

typedef float lanes __attribute__((vector_size(64)));
typedef int32_t lanes_int __attribute__((vector_size(64)));
typedef uint32_t lanes_bits __attribute__((vector_size(64)));
typedef uint16_t lanes_half __attribute__((vector_size(32)));
/* The same where they lie in memory: at any address, within any array. */
typedef float lanes_at __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t halves_at __attribute__((vector_size(32), aligned(2), may_alias));

PART lanes_int choose(lanes_int mask, lanes_int yes, lanes_int no)
{
    return (mask & yes) | (~mask & no);
}

/* x Phi(x), error below 1e-6. Phi(x) - 1/2 is x times a polynomial of x^2, here of 2 (x/c)^2 - 1,
 * fitted to the least largest error of the whole on |x| <= c; beyond, Phi is 0 or 1. */
PART void gelu(lanes *y)
{
    static const float p[] = {
        -0.0005216405843384564f, 0.0015569387469440699f, -0.00178042845800519f,
        0.0022114510647952557f,  -0.005116194486618042f, 0.009327925741672516f,
        -0.013557594269514084f,  0.01879153400659561f,   -0.025207968428730965f,
        0.03209594637155533f,    -0.03959814831614494f,  0.04926345869898796f,
        -0.06651824712753296f,   0.1333925724029541f};
    const lanes edge = {5.3f, 5.3f, 5.3f, 5.3f, 5.3f, 5.3f, 5.3f, 5.3f,
                        5.3f, 5.3f, 5.3f, 5.3f, 5.3f, 5.3f, 5.3f, 5.3f};
    lanes x = *y;
    lanes z = (lanes)choose(x < edge, (lanes_int)x, (lanes_int)edge);
    z = (lanes)choose(z > -edge, (lanes_int)z, (lanes_int)-edge);
    lanes t = z * z * (2.0f / (5.3f * 5.3f)) - 1.0f;
    lanes sum = t * p[0] + p[1];
    for (size_t i = 2; i < sizeof p / sizeof *p; i++)
        sum = sum * t + p[i];
    lanes half = z * sum + 0.5f;
    *y = (lanes)choose(x > -edge, (lanes_int)(x * half), (lanes_int){0});
}

/* exp(x) for x <= 0, relative error below 2e-7; 0 below -87, where the result leaves the normal
 * numbers. x = k ln 2 + r with |r| <= ln 2 / 2: the Taylor series of r to the sixth power, and k
 * straight into the exponent. Adding 1.5 * 2^23 rounds to a whole number. */
PART void exp_of(lanes *y)
{
    const lanes least = {-87.0f, -87.0f, -87.0f, -87.0f, -87.0f, -87.0f, -87.0f, -87.0f,
                         -87.0f, -87.0f, -87.0f, -87.0f, -87.0f, -87.0f, -87.0f, -87.0f};
    lanes_int in = *y > least;
    lanes x = (lanes)choose(in, (lanes_int)*y, (lanes_int)least);
    lanes shifted = x * 1.44269504f + 12582912.0f;
    lanes k = shifted - 12582912.0f;
    lanes r = x - k * 0.693359375f + k * 2.12194440e-4f;
    lanes series = r * (1.0f / 720.0f) + 1.0f / 120.0f;
    series = series * r + 1.0f / 24.0f;
    series = series * r + 1.0f / 6.0f;
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    lanes_int power = (__builtin_convertvector(k, lanes_int) + 127) << 23;
    *y = (lanes)((lanes_int)(series * (lanes)power) & in);
}

/* x (1 + tanh u) / 2 = x / (1 + exp(-2 u)), from the side where exp does not grow. */
PART void gelu_tanh(lanes *y)
{
    lanes x = *y;
    lanes u = x * 1.59576912f + x * x * x * (1.59576912f * 0.044715f);
    lanes_int below = u < 0.0f;
    lanes e = (lanes)((lanes_int)u | INT32_MIN); /* -|u| */
    const lanes one = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    exp_of(&e);
    *y = x * (lanes)choose(below, (lanes_int)e, (lanes_int)one) / (e + 1.0f);
}

PART void activate(enum ed_activation activation, lanes *y)
{
    switch (activation) {
    case ED_LINEAR: break;
    case ED_GELU: gelu(y); break;
    case ED_GELU_TANH: gelu_tanh(y); break;
    case ED_RELU: *y = (lanes)((lanes_int)*y & (*y > 0.0f)); break;
    }
}

PART lanes_half halves(lanes y)
{
    lanes_bits u = (lanes_bits)y;
    u = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
    return __builtin_convertvector(u, lanes_half);
}

/* Sixteen finished values, of which the first n count, into row i from column j on. */
PART void lanes_out(const struct ed_finish *f, lanes y, size_t i, size_t j, size_t n)
{
    if (f->bias && n == ED_PANEL) {
        y += *(const lanes_at *)(f->bias + j);
    } else if (f->bias) {
        lanes bias = {0};
        memcpy(&bias, f->bias + j, n * sizeof *f->bias);
        y += bias;
    }
    activate(f->activation, &y);
    size_t at = i * f->stride + j;
    if (f->to_bf16) {
        lanes_half h = halves(y);
        uint16_t *ret = (uint16_t *)f->ret + at;
        if (n == ED_PANEL)
            *(halves_at *)ret = h;
        else
            memcpy(ret, &h, n * sizeof *ret);
        return;
    }
    float *ret = (float *)f->ret + at;
    if (n < ED_PANEL) {
        lanes before = {0};
        memcpy(&before, ret, n * sizeof *ret);
        if (f->add)
            y += before;
        memcpy(ret, &y, n * sizeof *ret);
    } else {
        if (f->add)
            y += *(lanes_at *)ret;
        *(lanes_at *)ret = y;
    }
}

/* Sums of (rows, n_panels * 16), a row every row_words, to the block of ret at (i, panel * 16).
 * Bytes were summed as whole numbers. */
PART void tile_out(enum ed_precision precision, const struct ed_left *a, const struct ed_right *b,
                   const struct ed_finish *f, size_t i, size_t rows, size_t panel, size_t n_panels,
                   const void *sums, size_t row_words)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < n_panels; p++) {
            size_t j = (panel + p) * ED_PANEL;
            size_t n = b->n - j < ED_PANEL ? b->n - j : ED_PANEL;
            const char *from = (const char *)sums + (r * row_words + p * ED_PANEL) * 4;
            lanes y;
            if (precision == ED_INT8) {
                lanes_int whole;
                memcpy(&whole, from, sizeof whole);
                y = __builtin_convertvector(whole, lanes) * a->scale[i + r] *
                        *(const lanes_at *)(b->scale + j) +
                    a->low[i + r] * *(const lanes_at *)(b->sum + j);
            } else {
                memcpy(&y, from, sizeof y);
                if (a->scale)
                    y *= a->scale[i + r];
            }
            lanes_out(f, y, i + r, j, n);
        }
}

#endif
