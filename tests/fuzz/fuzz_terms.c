/* Any bytes as title and text (parted by the first NUL): distinct words, and a finite row. */
#include "embed/hash.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    const char *end = size ? memchr(s, 0, size) : NULL;
    eddy_str title = {s, end ? (size_t)(end - s) : 0};
    eddy_str text = {end ? end + 1 : s, size - title.n - (end != NULL)};
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_term *terms;
    size_t n;
    if (eddy_terms_read(title, text, arena, &terms, &n, NULL) != EDDY_OK || n > size)
        abort();
    for (size_t i = 0; i < n; i++)
        if (terms[i].n_word == 0 || terms[i].n_word > 63 || terms[i].count == 0 ||
            terms[i].hash != ed_fnv1a(ED_FNV_BASIS, terms[i].word, terms[i].n_word))
            abort();
    float row[ED_HASH_DIM];
    double squares = 0;
    eddy_str both = eddy_text_join(title, text, arena);
    if (!both.at || ed_hash_embed(both, arena, row, NULL) != EDDY_OK)
        abort();
    for (size_t i = 0; i < ED_HASH_DIM; i++)
        squares += (double)row[i] * row[i];
    if (squares != 0 && fabs(squares - 1) > 1e-5)
        abort();
    eddy_arena_free(arena);
    return 0;
}
