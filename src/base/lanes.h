/* Lanes: as many floats as a register of this CPU holds, as one value.
 *
 * For the insides of kernels alone: no such value crosses a call that is not inlined. */
#ifndef ED_BASE_LANES_H
#define ED_BASE_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

/* Kernels read behind the rows that they are asked for, and are called for every few thousand
 * operations: sanitizers stay out. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNWATCHED __attribute__((no_sanitize("address", "undefined", "thread")))
#elif defined(__clang__)
#define UNWATCHED __attribute__((no_sanitize("address", "undefined")))
#else
#define UNWATCHED
#endif
#define PART static inline __attribute__((always_inline)) UNWATCHED

typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t lanes_int __attribute__((vector_size(4 * LANES)));
typedef uint32_t lanes_bits __attribute__((vector_size(4 * LANES)));
typedef uint16_t lanes_half __attribute__((vector_size(2 * LANES)));
typedef uint8_t lanes_byte __attribute__((vector_size(LANES)));
/* The same where they lie in memory: at any address, within any array. */
typedef float lanes_at __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t lanes_int_at __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint8_t bytes_at __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef uint16_t halves_at __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

#define LANES_OF(x) ((x) + (lanes){0})

PART lanes_int choose(lanes_int mask, lanes_int yes, lanes_int no)
{
    return (mask & yes) | (~mask & no);
}

PART lanes larger(lanes a, lanes b)
{
#if LANES == 16
    return (lanes)_mm512_max_ps((__m512)a, (__m512)b);
#endif
    return (lanes)choose(a > b, (lanes_int)a, (lanes_int)b);
}

PART lanes smaller(lanes a, lanes b)
{
#if LANES == 16
    return (lanes)_mm512_min_ps((__m512)a, (__m512)b);
#endif
    return (lanes)choose(a < b, (lanes_int)a, (lanes_int)b);
}

/* All lanes n places on, around the end. */
#define PLACE(n, i)       (((n) + (i)) % LANES)
#define FOUR_PLACES(n, i) PLACE(n, i), PLACE(n, (i) + 1), PLACE(n, (i) + 2), PLACE(n, (i) + 3)
#if LANES == 16
#define TURNED(x, n)                                                                               \
    __builtin_shufflevector((x), (x), FOUR_PLACES(n, 0), FOUR_PLACES(n, 4), FOUR_PLACES(n, 8),     \
                            FOUR_PLACES(n, 12))
#elif LANES == 8
#define TURNED(x, n) __builtin_shufflevector((x), (x), FOUR_PLACES(n, 0), FOUR_PLACES(n, 4))
#else
#define TURNED(x, n) __builtin_shufflevector((x), (x), FOUR_PLACES(n, 0))
#endif

/* Of all lanes, pair by pair. */
PART float lanes_sum(lanes x)
{
    if (LANES > 8)
        x += TURNED(x, 8);
    if (LANES > 4)
        x += TURNED(x, 4);
    x += TURNED(x, 2);
    x += TURNED(x, 1);
    return x[0];
}

PART float lanes_largest(lanes x)
{
    if (LANES > 8)
        x = larger(x, TURNED(x, 8));
    if (LANES > 4)
        x = larger(x, TURNED(x, 4));
    x = larger(x, TURNED(x, 2));
    x = larger(x, TURNED(x, 1));
    return x[0];
}

/* 2^x, relative error below 2e-7, where it is rounded further on below 8e-5; 0 below -126, where
 * the result leaves the normal numbers; from 127 on it may be anything above 2^126. x = k + r with
 * 0 <= r <= 1: a polynomial of r with the least largest relative error, and k straight into the
 * exponent. */
PART lanes exp2_of(lanes x, int rounded)
{
    const lanes least = LANES_OF(-126.0f);
    lanes y;
#if LANES == 16
    const __mmask16 in = _mm512_cmp_ps_mask((__m512)x, (__m512)least, _CMP_GT_OQ);
    x = larger(x, least);
    const lanes r = (lanes)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#else
    const lanes_int in = x > least;
    x = smaller(larger(x, least), LANES_OF(127.0f));
    const lanes k = x - 0.5f + 12582912.0f - 12582912.0f; /* 1.5 * 2^23 leaves a whole number */
    const lanes r = x - k;
#endif
    if (rounded) {
        y = r * 0.07802452f + 0.22606716f;
        y = y * r + 0.69583356f;
        y = y * r + 0.9999252f;
    } else {
        y = r * 0.0018775767f + 0.00898934f;
        y = y * r + 0.055826318f;
        y = y * r + 0.24015361f;
        y = y * r + 0.6931531f;
        y = y * r + 0.99999994f;
    }
#if LANES == 16
    return (lanes)_mm512_maskz_scalef_ps(in, (__m512)y, (__m512)x);
#else
    const lanes_int power = (__builtin_convertvector(k, lanes_int) + 127) << 23;
    return (lanes)((lanes_int)(y * (lanes)power) & in);
#endif
}

#if LANES == 16
/* Of 32 floats in two, those whose numbers stand in the low bits of which. */
PART lanes lanes_picked(lanes low, lanes high, lanes_int which)
{
    return (lanes)_mm512_permutex2var_ps((__m512)low, (__m512i)which, (__m512)high);
}
#endif

/* bf16, rounded to nearest even; and back. */
PART lanes_half halves_of(lanes y)
{
#if defined(__AVX512BF16__) && LANES == 16
    return (lanes_half)_mm512_cvtneps_pbh((__m512)y);
#endif
    lanes_bits u = (lanes_bits)y;
    u = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
    return __builtin_convertvector(u, lanes_half);
}

PART lanes whole_of(lanes_half h)
{
#if LANES == 16
    return (lanes)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)h), 16);
#else
    return (lanes)(__builtin_convertvector(h, lanes_bits) << 16);
#endif
}

/* Whole numbers from 0 to 255, as bytes. */
PART void bytes_to(uint8_t *at, lanes_int x)
{
#if LANES == 16
    _mm512_mask_cvtepi32_storeu_epi8(at, 0xffff, (__m512i)x);
#else
    *(bytes_at *)at = __builtin_convertvector(x, lanes_byte);
#endif
}

/* The first n lanes, where there are no more in memory: what is behind them is neither read (it is
 * 0) nor written. */
#if LANES == 16
typedef __mmask16 lanes_set;
PART lanes_set lanes_first(size_t n)
{
    return (lanes_set)(n < LANES ? (1u << n) - 1 : 0xffffu);
}

PART lanes lanes_from(const float *at, lanes_set set)
{
    return (lanes)_mm512_maskz_loadu_ps(set, at);
}

PART void lanes_to(float *at, lanes_set set, lanes y)
{
    _mm512_mask_storeu_ps(at, set, (__m512)y);
}

PART void halves_to(uint16_t *at, lanes_set set, lanes_half y)
{
    _mm256_mask_storeu_epi16(at, set, (__m256i)y);
}

#ifdef __AVX512BF16__
/* Two lanes, one behind the other, as bf16: takes hardly longer than one. */
PART void halves_of_both_to(uint16_t *at, lanes_set low_set, lanes_set high_set, lanes low,
                            lanes high)
{
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
    _mm512_mask_storeu_epi16(at, _mm512_kunpackw(high_set, low_set), both);
}
#endif
#else
typedef size_t lanes_set;
PART lanes_set lanes_first(size_t n)
{
    return n < LANES ? n : LANES;
}

PART lanes lanes_from(const float *at, lanes_set set)
{
    lanes ret = {0};
    if (set == LANES)
        return *(const lanes_at *)at;
    memcpy(&ret, at, set * sizeof *at);
    return ret;
}

PART void lanes_to(float *at, lanes_set set, lanes y)
{
    if (set == LANES)
        *(lanes_at *)at = y;
    else
        memcpy(at, &y, set * sizeof *at);
}

PART void halves_to(uint16_t *at, lanes_set set, lanes_half y)
{
    if (set == LANES)
        *(halves_at *)at = y;
    else
        memcpy(at, &y, set * sizeof *at);
}
#endif

#endif
