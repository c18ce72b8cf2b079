/* Vector kernels: the only user of cblas.h. */
#include "base/vector.h"

#include "base/cpus.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define LANES 16

#define ROUGH_LANES 64 /* enough sums under way to hide the latency of an addition */

MANY_CPUS
float ed_dot_rough(const float *a, const float *b, size_t n)
{
    float lane[ROUGH_LANES] = {0};
    size_t i = 0;
    for (; i + ROUGH_LANES <= n; i += ROUGH_LANES)
        for (size_t j = 0; j < ROUGH_LANES; j++)
            lane[j] += a[i + j] * b[i + j];
    for (size_t j = 0; i < n; i++, j++)
        lane[j] += a[i] * b[i];
    for (size_t width = ROUGH_LANES / 2; width; width /= 2)
        for (size_t j = 0; j < width; j++)
            lane[j] += lane[j + width];
    return lane[0];
}

#define FOUR_LANES 32 /* of each of four products: as many sums under way */

KERNEL
void ed_dots_rough(const float *a, const float *const *rows, size_t n, float *ret)
{
    const float *p = rows[0], *q = rows[1], *r = rows[2], *s = rows[3];
    float w[FOUR_LANES] = {0}, x[FOUR_LANES] = {0}, y[FOUR_LANES] = {0}, z[FOUR_LANES] = {0};
    size_t i = 0;
    ED_RUN(a, n);
    for (size_t row = 0; row < 4; row++)
        ED_RUN(rows[row], n);
    ED_RUN(ret, 4);
    for (; i + FOUR_LANES <= n; i += FOUR_LANES) {
        for (size_t j = 0; j < FOUR_LANES; j++)
            w[j] += a[i + j] * p[i + j];
        for (size_t j = 0; j < FOUR_LANES; j++)
            x[j] += a[i + j] * q[i + j];
        for (size_t j = 0; j < FOUR_LANES; j++)
            y[j] += a[i + j] * r[i + j];
        for (size_t j = 0; j < FOUR_LANES; j++)
            z[j] += a[i + j] * s[i + j];
    }
    for (size_t j = 0; i < n; i++, j++) {
        w[j] += a[i] * p[i];
        x[j] += a[i] * q[i];
        y[j] += a[i] * r[i];
        z[j] += a[i] * s[i];
    }
    for (size_t width = FOUR_LANES / 2; width; width /= 2)
        for (size_t j = 0; j < width; j++) {
            w[j] += w[j + width];
            x[j] += x[j + width];
            y[j] += y[j + width];
            z[j] += z[j + width];
        }
    ret[0] = w[0];
    ret[1] = x[0];
    ret[2] = y[0];
    ret[3] = z[0];
}

MANY_CPUS
void ed_add_scaled(float *y, float w, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += w * x[i];
}

/* The bits of floats of one sign are in the order of their values: whole numbers have a maximum
 * that needs no order of its own. */
MANY_CPUS
float ed_bytes_of(const float *x, size_t n, int8_t *ret)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    float largest;
    memcpy(&largest, &most, sizeof largest);
    if (!(largest > 1e-30f))
        return 0;
    float per_step = 127 / largest;
    for (size_t i = 0; i < n; i++)
        ret[i] = (int8_t)(int32_t)(x[i] * per_step + copysignf(0.5f, x[i]));
    return largest;
}

MANY_CPUS
void ed_floats_of(const int8_t *bytes, size_t n, float largest, float *ret)
{
    float step = largest / 127;
    for (size_t i = 0; i < n; i++)
        ret[i] = (float)bytes[i] * step;
}

MANY_CPUS
float ed_most(const float *a, size_t n)
{
    float lane[LANES];
    size_t i = 0;
    for (size_t j = 0; j < LANES; j++)
        lane[j] = -INFINITY;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lane[j] = a[i + j] > lane[j] ? a[i + j] : lane[j];
    for (size_t j = 0; i < n; i++, j++)
        lane[j] = a[i] > lane[j] ? a[i] : lane[j];
    for (size_t width = LANES / 2; width; width /= 2)
        for (size_t j = 0; j < width; j++)
            lane[j] = lane[j + width] > lane[j] ? lane[j + width] : lane[j];
    return lane[0];
}

MANY_CPUS
int32_t ed_dot_short(const int16_t *a, const int16_t *b, size_t n)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

MANY_CPUS
size_t ed_reaching(const float *a, const float *asked, size_t from, size_t n)
{
    for (; from + LANES <= n; from += LANES) {
        int any = 0;
        for (size_t j = 0; j < LANES; j++)
            any |= a[from + j] >= asked[from + j];
        if (any)
            break;
    }
    while (from < n && !(a[from] >= asked[from]))
        from++;
    return from;
}

double ed_norm(const float *a, size_t n)
{
    return sqrt(ed_dot(a, a, n));
}

static double lanes_sum(const double *lane)
{
    double sum = 0;
    for (size_t j = 0; j < LANES; j++)
        sum += lane[j];
    return sum;
}

MANY_CPUS
double ed_sum(const float *a, size_t n)
{
    double lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lane[j] += (double)a[i + j];
    for (size_t j = 0; i < n; i++, j++)
        lane[j] += (double)a[i];
    return lanes_sum(lane);
}

MANY_CPUS
void ed_moments_add(const float *a, size_t n, double mean, double *second, double *third)
{
    double two[LANES] = {0}, three[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            double d = (double)a[i + j] - mean;
            two[j] += d * d;
            three[j] += d * d * d;
        }
    for (size_t j = 0; i < n; i++, j++) {
        double d = (double)a[i] - mean;
        two[j] += d * d;
        three[j] += d * d * d;
    }
    *second += lanes_sum(two);
    *third += lanes_sum(three);
}

/* Without a way out on the way: so it takes many at a time. */
MANY_CPUS
int ed_finite(const float *a, size_t n)
{
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= !(fabsf(a[i]) <= FLT_MAX);
    return !bad;
}

int ed_is_zero(const float *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != 0)
            return 0;
    return 1;
}

void ed_gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                size_t ldb, float *c, size_t ldc)
{
    if (!m || !n)
        return;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1.0f, a, (int)lda,
                b, (int)ldb, 0.0f, c, (int)ldc);
}

void ed_blas_single_thread(void)
{
    openblas_set_num_threads(1);
}
