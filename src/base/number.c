/* log by the series of atanh on [sqrt(1/2), sqrt(2)], exp2 by the Taylor series on [-1/2, 1/2]. */
#include "base/number.h"

#include "base/cpus.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double ln2 = 0.69314718055994530942;
static const double root_half = 0.70710678118654752440;

/* m from sqrt(1/2) to sqrt(2), e whole */
static inline double ln_of(double m, double e)
{
    double t = (m - 1) / (m + 1); /* |t| <= 0.1716 */
    double t2 = t * t;
    double s = 0;
    for (int k = 21; k >= 1; k -= 2)
        s = s * t2 + 1.0 / k;
    return 2 * t * s + e * ln2;
}

double ed_ln(double x)
{
    int e;
    double m = frexp(x, &e); /* exact */
    if (m < root_half) {
        m *= 2;
        e--;
    }
    return ln_of(m, e);
}

/* frexp by the bits: the exponent, with a bias of 1022, becomes the last bits of 2^52 + itself. */
MANY_CPUS
void ed_ln_each(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits, high;
        double m, e;
        memcpy(&bits, &x[i], sizeof bits);
        high = bits >> 52 | UINT64_C(0x4330000000000000);
        bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3fe0000000000000);
        memcpy(&m, &bits, sizeof m);
        memcpy(&e, &high, sizeof e);
        int low = m < root_half;
        x[i] = ln_of(low ? m * 2 : m, e - (0x1p52 + 1022) - (low ? 1 : 0));
    }
}

double ed_log2(double x)
{
    int e;
    if (frexp(x, &e) == 0.5)
        return e - 1; /* powers of two are exact */
    return ed_ln(x) / ln2;
}

double ed_exp2(double x)
{
    if (!(x >= -1000)) /* NaN too: no int holds it */
        return 0;
    if (x > 1000)
        x = 1000;
    double whole = floor(x + 0.5);
    double f = (x - whole) * ln2; /* |f| <= 0.3466 */
    double s = 1;
    for (int k = 16; k >= 1; k--)
        s = 1 + s * f / k;
    return ldexp(s, (int)whole);
}

double ed_exp(double x)
{
    return ed_exp2(x / ln2);
}

double ed_sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + ed_exp(-x)) : 1 - 1 / (1 + ed_exp(x));
}

/* Stirling's series from 10 on; below, by the gammas of whole distances. */
double ed_lgamma(double x)
{
    static const double series[] = {1.0 / 156,   -691.0 / 360360, 1.0 / 1188, -1.0 / 1680,
                                    1.0 / 1260, -1.0 / 360,      1.0 / 12};
    static const double half_ln_tau = 0.91893853320467274178; /* ln(2 pi) / 2 */
    double product = 1;
    for (; x < 10; x += 1)
        product *= x;
    double inverse = 1 / x;
    double square = inverse * inverse;
    double s = 0;
    for (size_t i = 0; i < sizeof series / sizeof *series; i++)
        s = s * square + series[i];
    return (x - 0.5) * ed_ln(x) - x + half_ln_tau + s * inverse - ed_ln(product);
}
