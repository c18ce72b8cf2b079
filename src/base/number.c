/* log by the series of atanh on [sqrt(1/2), sqrt(2)], exp2 by the Taylor series on [-1/2, 1/2]. */
#include "base/number.h"

#include <math.h>

static const double ln2 = 0.69314718055994530942;

double ed_ln(double x)
{
    int e;
    double m = frexp(x, &e); /* exact */
    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    double t = (m - 1) / (m + 1); /* |t| <= 0.1716 */
    double t2 = t * t;
    double s = 0;
    for (int k = 21; k >= 1; k -= 2)
        s = s * t2 + 1.0 / k;
    return 2 * t * s + e * ln2;
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
