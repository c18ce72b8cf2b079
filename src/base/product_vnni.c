/* Products of bytes by AVX512_VNNI: four at a time into each whole number of a sum, left unsigned,
 * right signed. The sums are exact: 255 * 127 * 65,536 fits.
 *
 * Written out for the same reason as in product_bf16.c. */
#include <immintrin.h>
#include <stdint.h>

#define PRODUCT           ed_product_int8_vnni
#define PRECISION         ED_INT8
#define ROWS              8
#define VECTORS           3
#define PANELS            3
#define SUM               __m512i
#define WORDS             __m512i
#define ZERO              _mm512_setzero_si512()
#define LOAD(p)           _mm512_loadu_si512(p)
#define BROADCAST(p)      _mm512_set1_epi32(*(const word *)(const void *)(p))
#define STORE(p, s)       _mm512_store_si512(p, s)
#define MULTIPLY(s, x, w) __asm__("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(x), "v"(w))

typedef int32_t word __attribute__((may_alias));

#include "base/product_kinds.h"
#include "base/product_tile.h"
