/* An object of any bytes: what is cut out of it is what a JSON tree holds, and what is left is JSON
 * if all was. */
#include "parse/vectors.h"

#include <stdlib.h>
#include <string.h>

static void require(int holds)
{
    if (!holds)
        abort();
}

static void compare(const float *vector, size_t dim, const json_t *array)
{
    require(json_array_size(array) == dim);
    for (size_t i = 0; i < dim; i++) {
        float x = (float)json_number_value(json_array_get(array, i));
        require(memcmp(&x, &vector[i], sizeof x) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eddy_parser parser = {.dims = {[ED_DENSE] = 3, [ED_EXTRA] = 1}};
    require(ed_pointer_init(&parser.fields[ED_DENSE], "dense", "/v", NULL) == EDDY_OK);
    require(ed_pointer_init(&parser.fields[ED_EXTRA], "extra", "/w", NULL) == EDDY_OK);
    eddy_arena *arena = eddy_arena_new((size_t)1 << 24);
    struct ed_reading r = {.parser = &parser, .arena = arena};
    const char *bytes = (const char *)data, *rest = bytes;
    size_t n_rest = size;
    require(ed_vectors_cut(&r, &rest, &n_rest) == EDDY_OK);
    json_t *whole = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *left = json_loadb(rest, n_rest, JSON_REJECT_DUPLICATES, NULL);
    require(!whole == !left);
    for (int i = ED_DENSE; i <= ED_EXTRA; i++)
        if (whole && r.vectors[i])
            compare(r.vectors[i], parser.dims[i], ed_pointer_find(&parser.fields[i], whole));
    if (whole && rest == bytes)
        require(!r.vectors[ED_DENSE] && !r.vectors[ED_EXTRA]);
    json_decref(whole);
    json_decref(left);
    ed_pointer_clear(&parser.fields[ED_DENSE]);
    ed_pointer_clear(&parser.fields[ED_EXTRA]);
    eddy_arena_free(arena);
    return 0;
}
