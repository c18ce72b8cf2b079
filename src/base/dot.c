/* The dot product that decides.
 *
 * The lanes are written out, so that the version for every CPU adds in the same order. The product
 * of two floats is exact as a double: whether it is rounded before it is added or fused with the
 * addition, the sum is the same. So this file alone is compiled with -ffp-contract=fast. */
#include "base/cpus.h"
#include "base/vector.h"

#define LANES 16

KERNEL
double ed_dot(const float *a, const float *b, size_t n)
{
    double lane[LANES] = {0};
    size_t i = 0;
    ED_RUN(a, n);
    ED_RUN(b, n);
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lane[j] += (double)a[i + j] * (double)b[i + j];
    for (size_t j = 0; i < n; i++, j++)
        lane[j] += (double)a[i] * (double)b[i];
    for (size_t width = LANES / 2; width; width /= 2)
        for (size_t j = 0; j < width; j++)
            lane[j] += lane[j + width];
    return lane[0];
}
