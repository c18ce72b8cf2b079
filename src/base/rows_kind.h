/* Work on single rows of floats; included by one file for each kind of CPU, which names KIND.
 *
 * Whole lanes first, and what is behind the last of them one by one. */
#include "base/lanes.h"
#include "base/rows.h"

#include <math.h>

PART lanes at(const float *x)
{
    return *(const lanes_at *)x;
}

UNWATCHED static void add_three(const float *a, const float *b, const float *c, size_t n,
                                float *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = a[i] + b[i] + c[i];
}

/* A row goes by FOUR lanes at a time, each with a sum of its own: one after the other, they would
 * wait for each other. */
#define FOUR 4

PART lanes lanes_together(const lanes *four)
{
    return (four[0] + four[1]) + (four[2] + four[3]);
}

PART void norm_row(float *x, const float *g, const float *b, double eps, size_t n)
{
    const size_t whole = n - n % LANES, fours = n - n % (FOUR * LANES);
    lanes sums[FOUR] = {0}, squares[FOUR] = {0};
    float rest = 0;
    for (size_t j = 0; j < fours; j += FOUR * LANES)
        for (size_t k = 0; k < FOUR; k++)
            sums[k] += at(x + j + k * LANES);
    for (size_t j = fours; j < whole; j += LANES)
        sums[0] += at(x + j);
    for (size_t j = whole; j < n; j++)
        rest += x[j];
    const float mean =
        (float)(((double)lanes_sum(lanes_together(sums)) + (double)rest) / (double)n);
    rest = 0;
    for (size_t j = 0; j < fours; j += FOUR * LANES)
        for (size_t k = 0; k < FOUR; k++) {
            lanes away = at(x + j + k * LANES) - mean;
            squares[k] += away * away;
        }
    for (size_t j = fours; j < whole; j += LANES)
        squares[0] += (at(x + j) - mean) * (at(x + j) - mean);
    for (size_t j = whole; j < n; j++)
        rest += (x[j] - mean) * (x[j] - mean);
    const double sum = (double)lanes_sum(lanes_together(squares)) + (double)rest;
    const float scale = (float)(1.0 / sqrt(sum / (double)n + eps));
    for (size_t j = 0; j < whole; j += LANES)
        *(lanes_at *)(x + j) = (at(x + j) - mean) * scale * at(g + j) + at(b + j);
    for (size_t j = whole; j < n; j++)
        x[j] = (x[j] - mean) * scale * g[j] + b[j];
}

UNWATCHED static void norm(float *x, const float *g, const float *b, double eps, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        norm_row(x + i * n, g, b, eps, n);
}

/* exp2(slope x) of a row of whole lanes; returns the sum, as rounded as they are. */
#if LANES == 16 && defined(__AVX512BF16__)
PART float halves_of_weights(const float *x, float slope, size_t n, uint16_t *ret)
{
    const __m512bh ones = (__m512bh)_mm512_set1_epi32(0x3f803f80);
    __m512 sum = _mm512_setzero_ps();
    for (size_t j = 0; j < n; j += 2 * LANES) {
        const lanes_set there = n - j > LANES ? (lanes_set)-1 : 0;
        const lanes y = exp2_of(at(x + j) * slope, 1);
        const lanes next = exp2_of(lanes_from(x + j + LANES, there) * slope, 1);
        const __m512i h = (__m512i)_mm512_cvtne2ps_pbh((__m512)next, (__m512)y);
        const __mmask32 both = _mm512_kunpackw(there, (lanes_set)-1);
        _mm512_mask_storeu_epi16(ret + j, both, h);
        sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_maskz_mov_epi16(both, h), ones);
    }
    return lanes_sum((lanes)sum);
}
#else
PART float halves_of_weights(const float *x, float slope, size_t n, uint16_t *ret)
{
    lanes sum = {0};
    for (size_t j = 0; j < n; j += LANES) {
        const lanes_half h = halves_of(exp2_of(at(x + j) * slope, 1));
        *(halves_at *)(ret + j) = h;
        sum += whole_of(h);
    }
    return lanes_sum(sum);
}
#endif

PART float weights_of(const float *x, float slope, size_t n, void *ret, int halves)
{
    lanes sum = {0};
    if (halves)
        return halves_of_weights(x, slope, n, ret);
    for (size_t j = 0; j < n; j += LANES) {
        lanes y = exp2_of(at(x + j) * slope, 0);
        *(lanes_at *)((float *)ret + j) = y;
        sum += y;
    }
    return lanes_sum(sum);
}

/* The largest of each row need not be taken off where its powers are neither huge nor all but
 * nothing, which their sum tells: to look for it first costs as much as the powers themselves. */
PART float weights_safely_of(float *x, float slope, size_t n, void *ret, int halves)
{
    const float sum = weights_of(x, slope, n, ret, halves);
    if (sum > 0x1p-30f && sum < 0x1p30f)
        return sum;
    lanes most = at(x);
    for (size_t j = LANES; j < n; j += LANES)
        most = larger(at(x + j), most);
    const float largest = lanes_largest(most);
    for (size_t j = 0; j < n; j += LANES)
        *(lanes_at *)(x + j) = at(x + j) - largest;
    return weights_of(x, slope, n, ret, halves);
}

UNWATCHED static void softmax(float *x, size_t stride, float scale, size_t m, size_t n, void *ret,
                              size_t ret_stride, int halves, float *inverse)
{
    static const int32_t places[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const size_t padded = (n + 15) / 16 * 16;
    const int32_t whole = (int32_t)(n + 16 - padded);
    const float slope = scale * 1.44269504f;
    for (size_t i = 0; i < m; i++, x += stride, ret = (char *)ret + ret_stride) {
        for (size_t j = 0; j < 16; j += LANES) {
            lanes_at *last = (lanes_at *)(x + padded - 16 + j);
            lanes_int place = *(const lanes_int_at *)(places + j);
            *last = (lanes)choose(place < whole, (lanes_int)*last, (lanes_int)LANES_OF(-INFINITY));
        }
        if (halves)
            inverse[i] = 1.0f / weights_safely_of(x, slope, padded, ret, 1);
        else
            inverse[i] = 1.0f / weights_safely_of(x, slope, padded, ret, 0);
    }
}

UNWATCHED static void bf16_of(const float *x, size_t n, uint16_t *ret)
{
    size_t i = 0;
#if LANES == 16 && defined(__AVX512BF16__)
    for (; i + 2 * LANES <= n; i += 2 * LANES)
        halves_of_both_to(ret + i, (lanes_set)-1, (lanes_set)-1, at(x + i), at(x + i + LANES));
#endif
    for (; i + LANES <= n; i += LANES)
        *(halves_at *)(ret + i) = halves_of(at(x + i));
    for (; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        ret[i] = (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}

/* Lanes, and single numbers, of a row of floats or of bf16. */
PART lanes lanes_of_row(const void *x, size_t j, int halves)
{
    return halves ? whole_of(*(const halves_at *)((const uint16_t *)x + j))
                  : at((const float *)x + j);
}

PART float number_of_row(const void *x, size_t j, int halves)
{
    uint32_t bits;
    if (!halves)
        return ((const float *)x)[j];
    bits = (uint32_t)((const uint16_t *)x)[j] << 16;
    float ret;
    memcpy(&ret, &bits, sizeof ret);
    return ret;
}

/* The least and the largest of a row. */
PART void ends_of(const void *x, size_t n, int halves, float *first, float *last)
{
    const size_t whole = n - n % LANES, fours = n - n % (FOUR * LANES);
    const lanes one = LANES_OF(number_of_row(x, 0, halves));
    lanes least[FOUR] = {one, one, one, one}, most[FOUR] = {one, one, one, one};
    for (size_t j = 0; j < fours; j += FOUR * LANES)
        for (size_t k = 0; k < FOUR; k++) {
            const lanes y = lanes_of_row(x, j + k * LANES, halves);
            least[k] = smaller(y, least[k]);
            most[k] = larger(y, most[k]);
        }
    for (size_t j = fours; j < whole; j += LANES) {
        const lanes y = lanes_of_row(x, j, halves);
        least[0] = smaller(y, least[0]);
        most[0] = larger(y, most[0]);
    }
    for (size_t k = 1; k < FOUR; k++) {
        least[0] = smaller(least[k], least[0]);
        most[0] = larger(most[k], most[0]);
    }
    *first = -lanes_largest(-least[0]);
    *last = lanes_largest(most[0]);
    for (size_t j = whole; j < n; j++) {
        const float y = number_of_row(x, j, halves);
        *first = y < *first ? y : *first;
        *last = y > *last ? y : *last;
    }
}

PART void levels(const void *x, size_t n, int halves, uint8_t *ret, float *scale, float *low)
{
    const size_t whole = n - n % LANES;
    float first, last;
    ends_of(x, n, halves, &first, &last);
    const float step = (last - first) / 255.0f, per_step = step > 1e-30f ? 1.0f / step : 0.0f;
    for (size_t j = 0; j < whole; j += LANES) {
        lanes level = (lanes_of_row(x, j, halves) - first) * per_step + 0.5f;
        level = smaller(level, LANES_OF(255.0f));
        bytes_to(ret + j, __builtin_convertvector(level, lanes_int));
    }
    for (size_t j = whole; j < n; j++) {
        float level = (number_of_row(x, j, halves) - first) * per_step + 0.5f;
        ret[j] = (uint8_t)(int32_t)(level < 255.0f ? level : 255.0f);
    }
    *scale = step;
    *low = first;
}

UNWATCHED static void levels_of(const float *x, size_t n, uint8_t *ret, float *scale, float *low)
{
    levels(x, n, 0, ret, scale, low);
}

UNWATCHED static void levels_of_halves(const uint16_t *x, size_t n, uint8_t *ret, float *scale,
                                       float *low)
{
    levels(x, n, 1, ret, scale, low);
}

#if LANES == 16
/* 16 rows of 16 words: pairs are woven, then pairs of pairs, and runs of four put in their place.
 */
PART void square_turn(const char *x, size_t stride, uint32_t *ret)
{
    __m512 row[16], pair[16], four[16];
    for (int i = 0; i < 16; i++)
        row[i] = _mm512_loadu_ps(x + (size_t)i * stride);
    for (int i = 0; i < 16; i += 2) {
        pair[i] = _mm512_unpacklo_ps(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 16; i++) { /* columns i % 4, of rows i / 4 * 4 and the next three */
        __m512d a = _mm512_castps_pd(pair[i / 4 * 4 + i % 4 / 2]);
        __m512d b = _mm512_castps_pd(pair[i / 4 * 4 + i % 4 / 2 + 2]);
        four[i] = _mm512_castpd_ps(i % 2 ? _mm512_unpackhi_pd(a, b) : _mm512_unpacklo_pd(a, b));
    }
    for (int i = 0; i < 4; i++) {
        __m512 even = _mm512_shuffle_f32x4(four[i], four[4 + i], 0x88);
        __m512 even_low = _mm512_shuffle_f32x4(four[8 + i], four[12 + i], 0x88);
        __m512 odd = _mm512_shuffle_f32x4(four[i], four[4 + i], 0xdd);
        __m512 odd_low = _mm512_shuffle_f32x4(four[8 + i], four[12 + i], 0xdd);
        _mm512_storeu_ps(ret + i * 16, _mm512_shuffle_f32x4(even, even_low, 0x88));
        _mm512_storeu_ps(ret + (4 + i) * 16, _mm512_shuffle_f32x4(odd, odd_low, 0x88));
        _mm512_storeu_ps(ret + (8 + i) * 16, _mm512_shuffle_f32x4(even, even_low, 0xdd));
        _mm512_storeu_ps(ret + (12 + i) * 16, _mm512_shuffle_f32x4(odd, odd_low, 0xdd));
    }
}
#endif

UNWATCHED static void turn(const void *x, size_t stride, size_t m, size_t n, uint32_t *ret)
{
    size_t j = 0;
#if LANES == 16
    for (; m == 16 && j + 16 <= n; j += 16)
        square_turn((const char *)x + j * 4, stride, ret + j * 16);
#endif
    for (; j < n; j++)
        for (size_t i = 0; i < m; i++)
            memcpy(&ret[j * 16 + i], (const char *)x + i * stride + j * 4, 4);
}

const struct ed_rows KIND = {add_three, norm, softmax, bf16_of, levels_of, levels_of_halves, turn};
