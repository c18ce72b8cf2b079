/* Rows of whole lanes, and what is behind the last of them one by one. */
#include "embed/kernels.h"

#include "base/cpus.h"

#define LANES 16 /* by MANY_CPUS */
#include "base/lanes.h"

#include <math.h>

PART lanes at(const float *x)
{
    return *(const lanes_at *)x;
}

MANY_CPUS UNWATCHED void ed_add_three(const float *a, const float *b, const float *c, size_t n,
                                      float *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = a[i] + b[i] + c[i];
}

PART void norm_row(float *x, const float *g, const float *b, double eps, size_t n)
{
    const size_t whole = n - n % LANES;
    lanes sums = {0}, squares = {0};
    float rest = 0;
    for (size_t j = 0; j < whole; j += LANES)
        sums += at(x + j);
    for (size_t j = whole; j < n; j++)
        rest += x[j];
    const float mean = (float)(((double)lanes_sum(sums) + (double)rest) / (double)n);
    rest = 0;
    for (size_t j = 0; j < whole; j += LANES) {
        lanes away = at(x + j) - mean;
        squares += away * away;
    }
    for (size_t j = whole; j < n; j++)
        rest += (x[j] - mean) * (x[j] - mean);
    const double spread = ((double)lanes_sum(squares) + (double)rest) / (double)n;
    const float scale = (float)(1.0 / sqrt(spread + eps));
    for (size_t j = 0; j < whole; j += LANES)
        *(lanes_at *)(x + j) = (at(x + j) - mean) * scale * at(g + j) + at(b + j);
    for (size_t j = whole; j < n; j++)
        x[j] = (x[j] - mean) * scale * g[j] + b[j];
}

MANY_CPUS UNWATCHED void ed_norm_rows(float *x, const float *g, const float *b, double eps,
                                      size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        norm_row(x + i * n, g, b, eps, n);
}

/* Of one row of whole lanes; returns the sum. */
PART float weights_of(const float *x, float scale, size_t n, void *ret, int halves)
{
    lanes most = at(x), sum = {0};
    for (size_t j = LANES; j < n; j += LANES)
        most = larger(at(x + j), most);
    const float largest = lanes_largest(most);
    for (size_t j = 0; j < n; j += LANES) {
        lanes y = exp_of((at(x + j) - largest) * scale);
        if (halves) {
            lanes_half h = halves_of(y);
            *(halves_at *)((uint16_t *)ret + j) = h;
            y = whole_of(h);
        } else {
            *(lanes_at *)((float *)ret + j) = y;
        }
        sum += y;
    }
    return lanes_sum(sum);
}

MANY_CPUS UNWATCHED void ed_softmax(float *x, size_t stride, float scale, size_t m, size_t n,
                                    void *ret, size_t ret_stride, int halves, float *inverse)
{
    const size_t padded = (n + LANES - 1) / LANES * LANES;
    const lanes_int place = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const lanes_int beyond = place >= (int32_t)(n + LANES - padded);
    for (size_t i = 0; i < m; i++, x += stride, ret = (char *)ret + ret_stride) {
        lanes_at *last = (lanes_at *)(x + padded - LANES);
        *last = (lanes)choose(beyond, (lanes_int)LANES_OF(-INFINITY), (lanes_int)*last);
        if (halves)
            inverse[i] = 1.0f / weights_of(x, scale, padded, ret, 1);
        else
            inverse[i] = 1.0f / weights_of(x, scale, padded, ret, 0);
    }
}
