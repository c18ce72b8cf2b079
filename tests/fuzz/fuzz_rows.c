/* Answers of embeddings endpoints: whatever comes has a name, and a good one has as many rows as
 * there were texts, each of length 1 or bad and all 0. The first byte says how many texts. */
#include "remote/rows.h"

#include <math.h>
#include <stdlib.h>

#define TRUE(x)                                                                                    \
    if (!(x))                                                                                      \
    abort()

static void check_row(const float *row, size_t dim, int bad)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        TRUE(isfinite(row[i]));
        sum += (double)row[i] * (double)row[i];
    }
    TRUE(bad ? sum == 0 : fabs(sum - 1) < 1e-4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ed_rows r;
    if (!n)
        return 0;
    size_t n_texts = data[0] % 8 + 1u, n_bad = 0;
    eddy_arena *arena = eddy_arena_new(0);
    TRUE(ed_rows_read((eddy_str){(const char *)data + 1, n - 1}, n_texts, arena, &r) == EDDY_OK);
    TRUE(r.fault < ED_ROWS_FAULTS && *ed_rows_fault_text(r.fault));
    if (r.fault == ED_ROWS_GOOD) {
        TRUE(r.dim && r.dim <= ED_ROWS_DIM_MAX);
        for (size_t i = 0; i < n_texts; i++) {
            check_row(r.rows + i * r.dim, r.dim, r.bad[i]);
            n_bad += r.bad[i];
        }
        TRUE(n_bad == r.n_bad);
    }
    eddy_arena_free(arena);
    return 0;
}
