/* Codes made by AVX-512, and four products of bytes at a time by AVX512_VNNI: the right side of its instruction is signed, and
 * that is the vector that stays, so the others are read as they are stored. The twin is in codes.c. */
#include "base/codes_kinds.h"

#include <immintrin.h>

static inline __m512i signed_of(const uint8_t *at)
{
    return _mm512_xor_si512(_mm512_loadu_si512(at), _mm512_set1_epi8((char)0x80));
}

/* Sixteen floats at a time, with their fine bytes or without. */
static inline __attribute__((always_inline)) void
make(const float *x, size_t n, float step, uint8_t *bytes, uint8_t *fine, struct ed_code_sums *sums)
{
    const __m512 per_step = _mm512_set1_ps(1 / step), steps = _mm512_set1_ps(step);
    const __m512 per_fine = _mm512_set1_ps(256 / step), fines = _mm512_set1_ps(step / 256);
    const __m128i zero = _mm_set1_epi8((char)0x80);
    __m512i sum = _mm512_setzero_si512(), fine_sum = sum;
    __m512 square = _mm512_setzero_ps(), distance = square, close = square;
    for (size_t i = 0; i < n; i += 16) {
        __m512 value = _mm512_loadu_ps(x + i);
        __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(value, per_step));
        __m512 whole = _mm512_cvtepi32_ps(q);
        __m512 off = _mm512_fnmadd_ps(whole, steps, value);
        _mm_storeu_si128((__m128i *)(void *)(bytes + i),
                         _mm_xor_si128(_mm512_cvtepi32_epi8(q), zero));
        sum = _mm512_add_epi32(sum, q);
        square = _mm512_fmadd_ps(whole, whole, square);
        distance = _mm512_fmadd_ps(off, off, distance);
        if (!fine)
            continue;
        q = _mm512_cvtps_epi32(_mm512_mul_ps(off, per_fine));
        q = _mm512_min_epi32(q, _mm512_set1_epi32(127));
        q = _mm512_max_epi32(q, _mm512_set1_epi32(-128));
        off = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(q), fines, off);
        _mm_storeu_si128((__m128i *)(void *)(fine + i),
                         _mm_xor_si128(_mm512_cvtepi32_epi8(q), zero));
        fine_sum = _mm512_add_epi32(fine_sum, q);
        close = _mm512_fmadd_ps(off, off, close);
    }
    sums->sum += _mm512_reduce_add_epi32(sum);
    sums->fine_sum += _mm512_reduce_add_epi32(fine_sum);
    sums->square += _mm512_reduce_add_ps(square);
    sums->distance += _mm512_reduce_add_ps(distance);
    sums->close += _mm512_reduce_add_ps(close);
}

void ed_code_make_vnni(const float *x, size_t n, float step, uint8_t *bytes, uint8_t *fine,
                       struct ed_code_sums *sums)
{
    if (fine)
        make(x, n, step, bytes, fine, sums);
    else
        make(x, n, step, bytes, NULL, sums);
}

/* The sums of four registers: what they have in common is done for all at once. */
static inline void four_of(__m512i s0, __m512i s1, __m512i s2, __m512i s3, int32_t *ret)
{
    __m512i low = _mm512_add_epi32(_mm512_unpacklo_epi32(s0, s1), _mm512_unpackhi_epi32(s0, s1));
    __m512i high = _mm512_add_epi32(_mm512_unpacklo_epi32(s2, s3), _mm512_unpackhi_epi32(s2, s3));
    __m512i all =
        _mm512_add_epi32(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
    __m256i half =
        _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    _mm_storeu_si128((__m128i *)(void *)ret, _mm_add_epi32(_mm256_castsi256_si128(half),
                                                           _mm256_extracti128_si256(half, 1)));
}

void ed_code_sums_vnni(const uint8_t *a, const uint8_t *const *rows, size_t depth, int32_t *ret)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    const uint8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    for (size_t d = 0; d < depth; d += 64) {
        __m512i x = signed_of(a + d);
        s0 = _mm512_dpbusd_epi32(s0, _mm512_loadu_si512(r0 + d), x);
        s1 = _mm512_dpbusd_epi32(s1, _mm512_loadu_si512(r1 + d), x);
        s2 = _mm512_dpbusd_epi32(s2, _mm512_loadu_si512(r2 + d), x);
        s3 = _mm512_dpbusd_epi32(s3, _mm512_loadu_si512(r3 + d), x);
    }
    four_of(s0, s1, s2, s3, ret);
}

void ed_code_planes_vnni(const uint8_t *const *a, const uint8_t *const *b, size_t depth,
                         int32_t *ret)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    const uint8_t *a0 = a[0], *a1 = a[1], *b0 = b[0], *b1 = b[1];
    for (size_t d = 0; d < depth; d += 64) {
        __m512i x0 = signed_of(a0 + d), x1 = signed_of(a1 + d);
        __m512i y0 = _mm512_loadu_si512(b0 + d), y1 = _mm512_loadu_si512(b1 + d);
        s0 = _mm512_dpbusd_epi32(s0, y0, x0);
        s1 = _mm512_dpbusd_epi32(s1, y1, x0);
        s2 = _mm512_dpbusd_epi32(s2, y0, x1);
        s3 = _mm512_dpbusd_epi32(s3, y1, x1);
    }
    four_of(s0, s1, s2, s3, ret);
}
