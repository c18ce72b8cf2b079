/* Rows by AVX2. */
#define KIND ed_rows_avx2
#include "base/rows_kind.h"
