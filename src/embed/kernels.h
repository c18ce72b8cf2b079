/* The element-wise steps of the encoder. Matrices are row-major, without
 * gaps where no stride is named. The matrix products
 * are base/vector.h's. Any number of threads. */
#ifndef ED_EMBED_KERNELS_H
#define ED_EMBED_KERNELS_H

#include <stddef.h>

/* x (m, n) += bias (n), row by row; rows of x lie stride floats apart. */
void ed_add_bias(float *x, const float *bias, size_t m, size_t n, size_t stride);

/* x (m, n) = f(x + bias (n)). gelu is x times the normal distribution's integral, error below
 * 1e-6; gelu_tanh its older approximation. */
void ed_bias_gelu(float *x, const float *bias, size_t m, size_t n);
void ed_bias_gelu_tanh(float *x, const float *bias, size_t m, size_t n);
void ed_bias_relu(float *x, const float *bias, size_t m, size_t n);

/* x (m, n) = g * norm(x + y + bias) + b, where norm brings each row to mean 0 and variance 1 and
 * eps is added to the variance; y (m, n); bias, g, b (n). */
void ed_add_norm(float *x, const float *y, const float *bias, const float *g, const float *b,
                 double eps, size_t m, size_t n);

/* Each row of x (m, n): exp(scale x), brought to sum 1. */
void ed_softmax(float *x, float scale, size_t m, size_t n);

#endif
