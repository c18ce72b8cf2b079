/* The element-wise steps of the encoder. Matrices are row-major, without gaps where no stride is
 * named. The matrix products are base/product.h's. Any number of threads. */
#ifndef ED_EMBED_KERNELS_H
#define ED_EMBED_KERNELS_H

#include <stddef.h>

/* ret = a + b + c; (n). */
void ed_add_three(const float *a, const float *b, const float *c, size_t n, float *ret);

/* Each row of x (m, n) to mean 0 and variance 1, with eps added to the variance, and then times
 * g (n) plus b (n). */
void ed_norm_rows(float *x, const float *g, const float *b, double eps, size_t m, size_t n);

/* Each row of x (m, n), a row every stride floats: exp(scale (x - the row's largest)), and 0 from n
 * up to the next multiple of 16, for which there is room in both.
 *
 *   ret      (m, n) a row every ret_stride bytes: floats, or bf16 where halves
 *   inverse  (m) 1 / the sum of the row, as it stands in ret
 *
 * x is work memory. */
void ed_softmax(float *x, size_t stride, float scale, size_t m, size_t n, void *ret,
                size_t ret_stride, int halves, float *inverse);

#endif
