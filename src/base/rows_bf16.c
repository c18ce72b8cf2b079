/* Rows by AVX-512, rounded by AVX512_BF16. */
#define KIND ed_rows_bf16
#include "base/rows_kind.h"
