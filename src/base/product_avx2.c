/* Products of floats by AVX2: 12 sums of 8 floats, a panel at a time. */
#include <immintrin.h>

#define PRODUCT           ed_product_f32_avx2
#define PRECISION         ED_F32
#define ROWS              6
#define VECTORS           2
#define PANELS            1
#define SUM               __m256
#define WORDS             __m256
#define ZERO              _mm256_setzero_ps()
#define LOAD(p)           _mm256_loadu_ps((const float *)(const void *)(p))
#define BROADCAST(p)      _mm256_set1_ps(*(const float *)(const void *)(p))
#define STORE(p, s)       _mm256_store_ps((float *)(void *)(p), s)
#define MULTIPLY(s, x, w) s = _mm256_fmadd_ps(x, w, s)

#include "base/product_kinds.h"
#include "base/product_tile.h"
