/* Loops that the compiler turns into vectors for each CPU. Sums and maxima go by lanes that are
 * written out: strict floating point forbids the compiler to reorder them itself. */
#include "embed/kernels.h"

#include "base/cpus.h"
#include "base/product.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 16

/* exp(x) for x <= 0, relative error below 2e-7; 0 below -87, where the result leaves the normal
 * numbers. x = k ln 2 + r with |r| <= ln 2 / 2: the Taylor series of r to the sixth power, and k
 * straight into the exponent. Adding 1.5 * 2^23 rounds to a whole number. */
static inline float exp_negative(float x)
{
    const float round = 12582912.0f;
    float inside = x > -87.0f ? x : -87.0f;
    float k = inside * 1.44269504f + round - round;
    float r = inside - k * 0.693359375f + k * 2.12194440e-4f;
    float series = 1.0f / 720.0f;
    series = series * r + 1.0f / 120.0f;
    series = series * r + 1.0f / 24.0f;
    series = series * r + 1.0f / 6.0f;
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    int32_t power = ((int32_t)k + 127) << 23;
    float scale;
    memcpy(&scale, &power, sizeof scale);
    return x > -87.0f ? series * scale : 0.0f;
}

MANY_CPUS
void ed_add_three(const float *a, const float *b, const float *c, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = a[i] + b[i] + c[i];
}

/* Sum of the lanes in double. */
static inline double lanes_sum(const float *lane)
{
    double sum = 0;
    for (size_t j = 0; j < LANES; j++)
        sum += (double)lane[j];
    return sum;
}

MANY_CPUS
void ed_norm_rows(float *x, const float *g, const float *b, double eps, size_t m, size_t n)
{
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < m; i++, x += n) {
        float lane[LANES] = {0};
        for (size_t j = 0; j < whole; j += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] += x[j + l];
        for (size_t j = whole; j < n; j++)
            lane[j - whole] += x[j];
        float mean = (float)(lanes_sum(lane) / (double)n);

        memset(lane, 0, sizeof lane);
        for (size_t j = 0; j < whole; j += LANES)
            for (size_t l = 0; l < LANES; l++) {
                float away = x[j + l] - mean;
                lane[l] += away * away;
            }
        for (size_t j = whole; j < n; j++)
            lane[j - whole] += (x[j] - mean) * (x[j] - mean);
        float scale = (float)(1.0 / sqrt(lanes_sum(lane) / (double)n + eps));
        for (size_t j = 0; j < n; j++)
            x[j] = (x[j] - mean) * scale * g[j] + b[j];
    }
}

/* The largest of (n). */
static inline float largest(const float *x, size_t n)
{
    float lane[LANES];
    size_t whole = n - n % LANES;
    for (size_t l = 0; l < LANES; l++)
        lane[l] = x[0];
    for (size_t j = 0; j < whole; j += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
    for (size_t j = whole; j < n; j++)
        lane[0] = x[j] > lane[0] ? x[j] : lane[0];
    for (size_t width = LANES / 2; width; width /= 2)
        for (size_t l = 0; l < width; l++)
            lane[l] = lane[l + width] > lane[l] ? lane[l + width] : lane[l];
    return lane[0];
}

static inline float half_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
    memcpy(&x, &bits, sizeof x);
    return x;
}

MANY_CPUS
void ed_softmax(float *x, size_t stride, float scale, size_t m, size_t n, void *ret,
                size_t ret_stride, int halves, float *inverse)
{
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < m; i++, x += stride) {
        float lane[LANES] = {0}, most = largest(x, n);
        char *row = (char *)ret + i * ret_stride;
        if (halves)
            for (size_t j = 0; j < n; j++)
                x[j] = half_of(exp_negative((x[j] - most) * scale));
        else
            for (size_t j = 0; j < n; j++)
                x[j] = exp_negative((x[j] - most) * scale);
        for (size_t j = 0; j < whole; j += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] += x[j + l];
        for (size_t j = whole; j < n; j++)
            lane[j - whole] += x[j];
        inverse[i] = (float)(1.0 / lanes_sum(lane));
        if (halves)
            ed_bf16_of(x, n, (uint16_t *)(void *)row);
        else
            memcpy(row, x, n * sizeof *x);
    }
}
