/* Rows for any CPU. */
#define KIND ed_rows_plain
#include "base/rows_kind.h"
