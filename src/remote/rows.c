/* The JSON of embeddings: our side is written by hand, theirs read by jansson and not trusted. */
#include "remote/rows.h"

#include "base/json.h"
#include "base/memory.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

_Static_assert(sizeof(float) == 4, "base64 holds IEEE 754 binary32");

/* ---- the request ---- */

void ed_rows_write(struct ed_bytes *b, const char *model, const eddy_str *texts, size_t n,
                   const struct ed_rows_dialect *d)
{
    ed_json_open(b, '{');
    ed_json_key(b, "model");
    ed_json_text(b, model, strlen(model));
    ed_json_key(b, "input");
    ed_json_open(b, '[');
    for (size_t i = 0; i < n; i++)
        ed_json_text(b, texts[i].at ? texts[i].at : "", texts[i].n);
    ed_json_close(b, ']');
    ed_json_key(b, "encoding_format");
    ed_json_text(b, d->floats ? "float" : "base64", d->floats ? 5 : 6);
    if (d->dimensions) {
        ed_json_key(b, "dimensions");
        ed_json_unsigned(b, d->dimensions);
    }
    ed_json_close(b, '}');
}

/* ---- one vector ---- */

/* The six bits of a digit of base64 (RFC 4648); above 63: it is none. */
static unsigned digit_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26u;
    if (c >= '0' && c <= '9')
        return c - '0' + 52u;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Bytes behind n digits, or 0 where there are no such. */
static size_t base64_bytes(size_t n)
{
    return n % 4 == 1 ? 0 : n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0);
}

/* Whole float32 values out of base64, with or without its padding. Returns how many; 0: it is not
 * that. ret has room for max. */
static size_t base64_read(const char *s, size_t n, float *ret, size_t max)
{
    while (n && s[n - 1] == '=')
        n--;
    size_t bytes = base64_bytes(n), got = 0;
    uint64_t bits = 0;
    uint32_t word = 0;
    if (!bytes || bytes % 4 || bytes / 4 > max)
        return 0;
    for (size_t i = 0, n_bits = 0; i < n; i++) {
        unsigned digit = digit_of((unsigned char)s[i]);
        if (digit > 63)
            return 0;
        bits = bits << 6 | digit;
        n_bits += 6;
        if (n_bits < 8)
            continue;
        n_bits -= 8;
        word |= (uint32_t)(bits >> n_bits & 0xff) << 8 * (got % 4);
        if (++got % 4 == 0) {
            memcpy(&ret[got / 4 - 1], &word, sizeof word);
            word = 0;
        }
    }
    return bytes / 4;
}

/* null is what some servers write for a number that is not finite. */
static size_t numbers_read(const json_t *list, float *ret)
{
    size_t i;
    const json_t *x;
    json_array_foreach(list, i, x)
    {
        if (!json_is_number(x) && !json_is_null(x))
            return 0;
        ret[i] = json_is_null(x) ? NAN : (float)json_number_value(x);
    }
    return json_array_size(list);
}

/* How many values a vector has, before they are read; 0: none that can be. */
static size_t length_of(const json_t *vector)
{
    size_t n = json_array_size(vector);
    if (json_is_string(vector)) {
        n = json_string_length(vector);
        while (n && json_string_value(vector)[n - 1] == '=')
            n--;
        n = base64_bytes(n) / 4;
    }
    return n <= ED_ROWS_DIM_MAX ? n : 0;
}

/* To length 1; 0: it has none. */
static int normalise(float *row, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)row[i] * (double)row[i];
    if (!isfinite(sum) || sum <= 0)
        return 0;
    double scale = 1 / sqrt(sum);
    for (size_t i = 0; i < dim; i++)
        row[i] = (float)((double)row[i] * scale);
    return 1;
}

/* ---- all of them ---- */

static enum ed_rows_fault read_row(const json_t *vector, size_t i, struct ed_rows *ret)
{
    float *row = ret->rows + i * ret->dim;
    if (json_is_array(json_array_get(vector, 0)))
        return ED_ROWS_NESTED;
    if (!json_is_string(vector) && !json_is_array(vector))
        return ED_ROWS_SHAPE;
    if (length_of(vector) != ret->dim)
        return ED_ROWS_LENGTH;
    size_t n = json_is_string(vector) ? base64_read(json_string_value(vector),
                                                    json_string_length(vector), row, ret->dim)
                                      : numbers_read(vector, row);
    if (n != ret->dim)
        return ED_ROWS_SHAPE;
    ret->bad[i] = !normalise(row, n);
    ret->n_bad += ret->bad[i];
    if (ret->bad[i])
        memset(row, 0, n * sizeof *row);
    return ED_ROWS_GOOD;
}

/* The place of the k-th entry; n: it has none. Where one has an index, all must. */
static size_t place_of(const json_t *data, size_t k, size_t n)
{
    const json_t *index = json_object_get(json_array_get(data, k), "index");
    if (!json_object_get(json_array_get(data, 0), "index"))
        return index ? n : k;
    json_int_t at = json_is_integer(index) ? json_integer_value(index) : -1;
    return at >= 0 && (uint64_t)at < n ? (size_t)at : n;
}

static enum ed_rows_fault read_data(const json_t *data, size_t n, unsigned char *seen,
                                    struct ed_rows *ret)
{
    for (size_t k = 0; k < n; k++) {
        size_t i = place_of(data, k, n);
        if (i == n || seen[i])
            return ED_ROWS_INDEX;
        seen[i] = 1;
        enum ed_rows_fault fault =
            read_row(json_object_get(json_array_get(data, k), "embedding"), i, ret);
        if (fault != ED_ROWS_GOOD)
            return fault;
    }
    return ED_ROWS_GOOD;
}

static eddy_status read_root(const json_t *root, size_t n, eddy_arena *arena, struct ed_rows *ret)
{
    const json_t *data = json_object_get(root, "data");
    const json_t *first = json_object_get(json_array_get(data, 0), "embedding");
    json_int_t tokens =
        json_integer_value(json_object_get(json_object_get(root, "usage"), "prompt_tokens"));
    ret->tokens = tokens > 0 ? (uint64_t)tokens : 0;
    ret->fault = ED_ROWS_NO_LIST;
    if (!json_is_array(data) || (json_array_size(data) && !first))
        return EDDY_OK;
    ret->fault = ED_ROWS_COUNT;
    if (json_array_size(data) != n)
        return EDDY_OK;
    ret->dim = length_of(first);
    if (!ret->dim) {
        int known = json_is_string(first) || json_is_array(first);
        ret->fault = known ? ED_ROWS_LENGTH : ED_ROWS_SHAPE;
        return EDDY_OK;
    }
    unsigned char *seen = ed_arena_alloc_zero(arena, n, 1);
    ret->bad = ed_arena_alloc_zero(arena, n, 1);
    ret->rows = ed_arena_alloc_aligned(arena, n * ret->dim * sizeof *ret->rows);
    if (!seen || !ret->bad || !ret->rows)
        return EDDY_NOMEM;
    ret->fault = read_data(data, n, seen, ret);
    return EDDY_OK;
}

eddy_status ed_rows_read(eddy_str body, size_t n, eddy_arena *arena, struct ed_rows *ret)
{
    json_error_t why;
    json_t *root =
        json_loadb(body.at ? body.at : "", body.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    *ret = (struct ed_rows){.fault = ED_ROWS_NOT_JSON};
    if (!root)
        return json_error_code(&why) == json_error_out_of_memory ? EDDY_NOMEM : EDDY_OK;
    eddy_status st = read_root(root, n, arena, ret);
    json_decref(root);
    return st;
}

const char *ed_rows_fault_text(enum ed_rows_fault fault)
{
    static const char *const texts[ED_ROWS_FAULTS] = {
        [ED_ROWS_GOOD] = "it is as it should be",
        [ED_ROWS_NOT_JSON] = "what it sends is not JSON",
        [ED_ROWS_NO_LIST] = "what it sends is no list of embeddings (\"data\")",
        [ED_ROWS_COUNT] = "it sends fewer or more vectors than there were texts",
        [ED_ROWS_INDEX] = "it numbers its vectors wrongly (\"index\")",
        [ED_ROWS_NESTED] = "it sends a vector for each token; it must be started with pooling",
        [ED_ROWS_SHAPE] = "its vectors are neither numbers nor base64 of float32",
        [ED_ROWS_LENGTH] = "its vectors are empty, too long, or of different lengths"};
    return texts[fault];
}
