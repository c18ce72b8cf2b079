/* Four products of bytes at a time by AVX512_VNNI; its twin is in codes.c. */
#include "base/codes_kinds.h"

#include <immintrin.h>

static inline __m512i signed_of(const uint8_t *at)
{
    return _mm512_xor_si512(_mm512_loadu_si512(at), _mm512_set1_epi8((char)0x80));
}

void ed_code_sums_vnni(const uint8_t *a, const uint8_t *const *rows, size_t depth, int32_t *ret)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    const uint8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    for (size_t d = 0; d < depth; d += 64) {
        __m512i x = _mm512_loadu_si512(a + d);
        s0 = _mm512_dpbusd_epi32(s0, x, signed_of(r0 + d));
        s1 = _mm512_dpbusd_epi32(s1, x, signed_of(r1 + d));
        s2 = _mm512_dpbusd_epi32(s2, x, signed_of(r2 + d));
        s3 = _mm512_dpbusd_epi32(s3, x, signed_of(r3 + d));
    }
    ret[0] = _mm512_reduce_add_epi32(s0);
    ret[1] = _mm512_reduce_add_epi32(s1);
    ret[2] = _mm512_reduce_add_epi32(s2);
    ret[3] = _mm512_reduce_add_epi32(s3);
}
