/* Loops that the compiler turns into vectors for each CPU. Sums and maxima go by lanes that are
 * written out: strict floating point forbids the compiler to reorder them itself. */
#include "embed/kernels.h"

#include "base/cpus.h"

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

/* x Phi(x) = (x + |x| erf(|x| / sqrt 2)) / 2, with erf by formula 7.1.26 of Abramowitz and Stegun
 * (error 1.5e-7). */
static inline float gelu(float x)
{
    float size = fabsf(x);
    float z = size * 0.707106781f;
    float t = 1.0f / (1.0f + 0.3275911f * z);
    float tail = 1.061405429f;
    tail = tail * t - 1.453152027f;
    tail = tail * t + 1.421413741f;
    tail = tail * t - 0.284496736f;
    tail = tail * t + 0.254829592f;
    float erf_z = 1.0f - tail * t * exp_negative(-z * z);
    return 0.5f * (x + size * erf_z);
}

/* x (1 + tanh u) / 2 = x / (1 + exp(-2 u)), from the side where exp does not grow. */
static inline float gelu_tanh(float x)
{
    float u2 = 1.59576912f * (x + 0.044715f * x * x * x);
    float e = exp_negative(-fabsf(u2));
    return x * (u2 < 0.0f ? e : 1.0f) / (1.0f + e);
}

MANY_CPUS
void ed_add_bias(float *x, const float *bias, size_t m, size_t n, size_t stride)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            x[i * stride + j] += bias[j];
}

MANY_CPUS
void ed_bias_gelu(float *x, const float *bias, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            x[i * n + j] = gelu(x[i * n + j] + bias[j]);
}

MANY_CPUS
void ed_bias_gelu_tanh(float *x, const float *bias, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            x[i * n + j] = gelu_tanh(x[i * n + j] + bias[j]);
}

MANY_CPUS
void ed_bias_relu(float *x, const float *bias, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = x[i * n + j] + bias[j];
            x[i * n + j] = sum > 0.0f ? sum : 0.0f;
        }
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
void ed_add_norm(float *x, const float *y, const float *bias, const float *g, const float *b,
                 double eps, size_t m, size_t n)
{
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < m; i++, x += n, y += n) {
        float lane[LANES] = {0};
        for (size_t j = 0; j < n; j++)
            x[j] += y[j] + bias[j];
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

MANY_CPUS
void ed_softmax(float *x, float scale, size_t m, size_t n)
{
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < m; i++, x += n) {
        float lane[LANES];
        for (size_t l = 0; l < LANES; l++)
            lane[l] = x[0];
        for (size_t j = 0; j < whole; j += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
        float most = lane[0];
        for (size_t l = 1; l < LANES; l++)
            most = lane[l] > most ? lane[l] : most;
        for (size_t j = whole; j < n; j++)
            most = x[j] > most ? x[j] : most;

        for (size_t j = 0; j < n; j++)
            x[j] = exp_negative((x[j] - most) * scale);
        memset(lane, 0, sizeof lane);
        for (size_t j = 0; j < whole; j += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] += x[j + l];
        for (size_t j = whole; j < n; j++)
            lane[j - whole] += x[j];
        float share = (float)(1.0 / lanes_sum(lane));
        for (size_t j = 0; j < n; j++)
            x[j] *= share;
    }
}
