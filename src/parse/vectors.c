/* Vectors: the numbers of a message, at the speed of its bytes.
 *
 * A decimal number is m * 10^e with an integer m. Below 2^53 and 10^22 both are exact as doubles,
 * so that one product or quotient of them is rounded once (Clinger 1990). For the rest of what is
 * usual, 17 digits behind a point, m / 5^-e is an integer division of 128 by 64 bits: its quotient
 * has 63 bits at least, its remainder tells whether there is more, and that is enough to round once
 * (to even, as strtod). */
#include "parse/vectors.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 19 /* that always fit 64 bits */
#define FIVES_MAX  27 /* 5^27 is below 2^63 */

__extension__ typedef unsigned __int128 wide;

/* ---- numbers ---- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static double power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double ret;
    memcpy(&ret, &bits, sizeof ret);
    return ret;
}

/* m / 10^k, rounded once; m > 0, 0 < k <= FIVES_MAX. */
static double quotient(uint64_t m, int k)
{
    uint64_t d = 1;
    for (int i = 0; i < k; i++)
        d *= 5;
    int zeros_m = __builtin_clzll(m), zeros_d = __builtin_clzll(d);
    wide high = (wide)(m << zeros_m) << 63;
    uint64_t divisor = d << zeros_d;
    uint64_t q = (uint64_t)(high / divisor); /* in (2^62, 2^64) */
    int more = (wide)q * divisor != high;
    int shift = 64 - __builtin_clzll(q) - DBL_MANT_DIG;
    uint64_t kept = q >> shift, rest = q & ((UINT64_C(1) << shift) - 1);
    uint64_t half = UINT64_C(1) << (shift - 1);
    kept += rest > half || (rest == half && (more || (kept & 1)));
    return (double)kept * power_of_two(shift - 63 + zeros_d - zeros_m - k);
}

static int value_of(uint64_t m, int exponent, double *ret)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int exact = m <= UINT64_C(1) << DBL_MANT_DIG;
    if (m == 0)
        *ret = 0;
    else if (exact && exponent >= -22 && exponent <= 22)
        *ret = exponent < 0 ? (double)m / tens[-exponent] : (double)m * tens[exponent];
    else if (exponent < 0 && exponent >= -FIVES_MAX)
        *ret = quotient(m, -exponent);
    else
        return 0;
    return 1;
}

/* Digits into *m; counts those that are significant. */
static const char *digits_read(const char *at, const char *end, uint64_t *m, int *n)
{
    uint64_t value = *m;
    const char *from = at;
    if (!value) /* zeros in front say nothing */
        while (at < end && *at == '0')
            at++;
    const char *first = at;
    for (; at < end && is_digit(*at); at++)
        value = value * 10 + (uint64_t)(*at - '0');
    *n += at - first > DIGITS_MAX ? DIGITS_MAX + 1 : (int)(at - first);
    *m = value;
    return at == from ? NULL : at;
}

static const char *exponent_read(const char *at, const char *end, int *exponent)
{
    int minus = at < end && *at == '-', value = 0;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *from = at;
    for (; at < end && is_digit(*at); at++)
        value = value < 1000 ? value * 10 + (*at - '0') : value;
    *exponent += minus ? -value : value;
    return at == from ? NULL : at;
}

/* How vectors are mostly written: one digit, a point, one to eight digits ("-0.012345"). These are
 * read at once: the first byte that is no digit ends them, zeros are moved in before them, and
 * three products add up pairs, fours and eights. NULL: it is another number, or none. */
static const char *short_number(const char *at, const char *end, double *ret)
{
    static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
    const uint64_t each = UINT64_C(0x0101010101010101);
    int minus = at < end && *at == '-';
    at += minus;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || end - at < 12 || !is_digit(at[0]) ||
        at[1] != '.')
        return NULL;
    uint64_t eight;
    memcpy(&eight, at + 2, sizeof eight);
    uint64_t digits = eight - '0' * each; /* a byte below '0' borrows only from those behind it */
    uint64_t others = (digits | (digits + 0x76 * each) | eight) & 0x80 * each;
    int n = others ? __builtin_ctzll(others) / 8 : 8;
    char next = at[2 + n];
    if (n == 0 || is_digit(next) || next == 'e' || next == 'E')
        return NULL;
    digits <<= 8 * (8 - n);
    digits = digits * 10 + (digits >> 8);
    digits = ((digits & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
              ((digits >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
             32;
    double value = ((double)(at[0] - '0') * tens[n] + (double)digits) / tens[n]; /* Clinger */
    *ret = minus ? -value : value;
    return at + 2 + n;
}

const char *ed_vectors_number(const char *at, const char *end, double *ret)
{
    const char *behind = short_number(at, end, ret);
    if (behind)
        return behind;
    uint64_t m = 0;
    double value;
    int n = 0, exponent = 0, fraction = 0, minus = at < end && *at == '-';
    at += minus;
    const char *whole = at;
    at = digits_read(at, end, &m, &n);
    if (!at || (*whole == '0' && at - whole > 1))
        return NULL;
    if (at < end && *at == '.') {
        const char *point = at;
        at = digits_read(at + 1, end, &m, &n);
        if (!at || at - point > 1000)
            return NULL;
        exponent = (int)(point + 1 - at);
        fraction = 1;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = exponent_read(at + 1, end, &exponent);
        if (!at)
            return NULL;
        fraction = 1;
    }
    if (n > DIGITS_MAX || (!fraction && m > INT64_MAX) || !value_of(m, exponent, &value))
        return NULL;
    *ret = minus && (fraction || m) ? -value : value; /* the integer -0 is 0 */
    return at;
}

/* ---- arrays ---- */

const char *ed_vectors_array(const char *at, const char *end, float *ret, size_t dim)
{
    at++;
    for (size_t i = 0; i < dim; i++) {
        double x;
        at = ed_vectors_number(ed_blanks_skip(at, end), end, &x);
        if (!at || !(fabs(x) <= (double)FLT_MAX))
            return NULL;
        ret[i] = (float)x;
        at = ed_blanks_skip(at, end);
        if (at == end || *at++ != (i + 1 < dim ? ',' : ']'))
            return NULL;
    }
    return at;
}
