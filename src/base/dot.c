/* The dot product that decides.
 *
 * The lanes are written out, so that the version for every CPU adds in the same order. The product
 * of two floats is exact as a double: whether it is rounded before it is added or fused with the
 * addition, the sum is the same. So this file alone is compiled with -ffp-contract=fast. */
#include "base/cpus.h"
#include "base/vector.h"

#define LANES 16
#define ROWS  4 /* at a time: so many sums under way hide the latency of an addition */

KERNEL_PART
static inline void add(double *lane, const float *a, const float *b)
{
    for (size_t j = 0; j < LANES; j++)
        lane[j] += (double)a[j] * (double)b[j];
}

KERNEL_PART
static inline double as_one(double *lane)
{
    for (size_t width = LANES / 2; width; width /= 2)
        for (size_t j = 0; j < width; j++)
            lane[j] += lane[j + width];
    return lane[0];
}

/* What is behind the last whole step, and all lanes as one. */
KERNEL_PART
static inline double end(double *lane, const float *a, const float *b, size_t i, size_t n)
{
    for (size_t j = 0; i < n; i++, j++)
        lane[j] += (double)a[i] * (double)b[i];
    return as_one(lane);
}

KERNEL
double ed_dot(const float *a, const float *b, size_t n)
{
    double lane[LANES] = {0};
    size_t i = 0;
    ED_RUN(a, n);
    ED_RUN(b, n);
    for (; i + LANES <= n; i += LANES)
        add(lane, a + i, b + i);
    return end(lane, a, b, i, n);
}

KERNEL
void ed_dots_four(const float *a, const float *const *rows, size_t n, double *ret)
{
    const float *p = rows[0], *q = rows[1], *r = rows[2], *s = rows[3];
    double w[LANES] = {0}, x[LANES] = {0}, y[LANES] = {0}, z[LANES] = {0};
    size_t i = 0;
    ED_RUN(a, n);
    for (size_t row = 0; row < ROWS; row++)
        ED_RUN(rows[row], n);
    ED_RUN(ret, ROWS);
    for (; i + LANES <= n; i += LANES) {
        add(w, a + i, p + i);
        add(x, a + i, q + i);
        add(y, a + i, r + i);
        add(z, a + i, s + i);
    }
    ret[0] = end(w, a, p, i, n);
    ret[1] = end(x, a, q, i, n);
    ret[2] = end(y, a, r, i, n);
    ret[3] = end(z, a, s, i, n);
}

void ed_dots(const float *a, const float *const *rows, size_t n_rows, size_t n, double *ret)
{
    size_t k = 0;
    for (; k + ROWS <= n_rows; k += ROWS)
        ed_dots_four(a, rows + k, n, ret + k);
    for (; k < n_rows; k++)
        ret[k] = ed_dot(a, rows[k], n);
}
