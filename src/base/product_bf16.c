/* Products of bf16 by AVX512_BF16: two at a time into each float of a sum.
 *
 * gcc 12 copies and spills the sums of the intrinsic _mm512_dpbf16_ps; an instruction written out
 * stays one instruction. */
#include <immintrin.h>
#include <stdint.h>

#define PRODUCT           ed_product_bf16_avx512
#define PRECISION         ED_BF16
#define ROWS              8
#define VECTORS           3
#define PANELS            3
#define SUM               __m512
#define WORDS             __m512i
#define ZERO              _mm512_setzero_ps()
#define LOAD(p)           _mm512_loadu_si512(p)
#define BROADCAST(p)      _mm512_set1_epi32(*(const word *)(const void *)(p))
#define STORE(p, s)       _mm512_store_ps((float *)(void *)(p), s)
#define MULTIPLY(s, x, w) __asm__("vdpbf16ps %2, %1, %0" : "+v"(s) : "v"(x), "v"(w))

typedef int32_t word __attribute__((may_alias));

#include "base/product_kinds.h"
#include "base/product_tile.h"
