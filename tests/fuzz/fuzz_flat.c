/* An object of any bytes: what is taken out of it is what a JSON tree holds, and what is left is
 * JSON if all was. */
#include "base/utf8.h"
#include "parse/flat.h"

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

static void compare_value(const struct ed_value *value, const json_t *there)
{
    require(value->is_there == (there != NULL));
    if (!there)
        return;
    require(value->type == json_typeof(there));
    if (value->type == JSON_STRING)
        require(value->string.n == json_string_length(there) &&
                !memcmp(value->string.at, json_string_value(there), value->string.n));
    if (value->type == JSON_INTEGER)
        require(value->integer == json_integer_value(there));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[ED_FIELDS] = {
        [ED_ID] = "/i",       [ED_TEXT] = "/t",  [ED_TIME] = "/t",
        [ED_SOURCE] = "/o/s", [ED_DENSE] = "/v", [ED_EXTRA] = "/w"};
    const char *bytes = (const char *)data, *rest = bytes;
    size_t n_rest = size;
    int flat = 0;
    if (ed_utf8_valid(bytes, size) < size)
        return 0;
    eddy_parser parser = {.dims = {[ED_DENSE] = 3, [ED_EXTRA] = 1}};
    for (int i = 0; i < ED_FIELDS; i++)
        require(ed_pointer_init(&parser.fields[i], "field", paths[i], NULL) == EDDY_OK);
    eddy_arena *arena = eddy_arena_new((size_t)1 << 24);
    struct ed_reading r = {.parser = &parser, .arena = arena};
    struct ed_value values[ED_FIELDS] = {0};
    require(ed_flat_read(&r, &rest, &n_rest, values, &flat) == EDDY_OK);
    json_t *whole = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *left = json_loadb(rest, n_rest, JSON_REJECT_DUPLICATES, NULL);
    require(!whole == !left && (whole || !flat));
    for (int i = 0; i < ED_FIELDS && flat; i++)
        compare_value(&values[i], ed_pointer_find(&parser.fields[i], whole));
    for (int i = ED_DENSE; i <= ED_EXTRA; i++)
        if (whole && r.vectors[i])
            compare(r.vectors[i], parser.dims[i], ed_pointer_find(&parser.fields[i], whole));
    if (whole && rest == bytes && !flat)
        require(!r.vectors[ED_DENSE] && !r.vectors[ED_EXTRA]);
    json_decref(whole);
    json_decref(left);
    for (int i = 0; i < ED_FIELDS; i++)
        ed_pointer_clear(&parser.fields[i]);
    eddy_arena_free(arena);
    return 0;
}
