/* Rows by AVX-512. */
#define KIND ed_rows_avx512
#include "base/rows_kind.h"
