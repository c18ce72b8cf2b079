/* Products of floats by AVX-512: 24 sums of 16 floats, which is as many as hide the latency of an
 * addition and leave room for what is loaded. */
#include <immintrin.h>

#define PRODUCT           ed_product_f32_avx512
#define PRECISION         ED_F32
#define ROWS              8
#define VECTORS           3
#define PANELS            3
#define SUM               __m512
#define WORDS             __m512
#define ZERO              _mm512_setzero_ps()
#define LOAD(p)           _mm512_loadu_ps((const float *)(const void *)(p))
#define BROADCAST(p)      _mm512_set1_ps(*(const float *)(const void *)(p))
#define STORE(p, s)       _mm512_store_ps((float *)(void *)(p), s)
#define MULTIPLY(s, x, w) s = _mm512_fmadd_ps(x, w, s)

#include "base/product_kinds.h"
#include "base/product_tile.h"
