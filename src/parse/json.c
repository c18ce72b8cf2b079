/* JSON: fields of one object to the fields of a document.
 *
 * Vectors come first, by themselves (vectors.h). jansson reads the rest into a tree on the heap (up
 * to twenty times its size, which is why document_max comes first) and refuses what is deeper than
 * 2,048 levels, so nothing recurses over the input beyond that. A field that is absent or null is
 * not there; one of the wrong type rejects the message, since a producer who changes a type should
 * hear of it. */
#include "parse/parser.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "base/vector.h"
#include "parse/clean.h"
#include "parse/time.h"
#include "parse/vectors.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LABEL_MAX 256  /* bytes of a language, source or group */
#define ID_MAX    1024 /* an id is the key of a message: longer ones are refused, not cut */

/* ---- what went wrong ---- */

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a fractional number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: break;
    }
    return "a null";
}

static eddy_status wrong_type(struct ed_reading *r, enum ed_field field, const json_t *value,
                              const char *expected)
{
    return ed_reject(r, EDDY_REJECT_SHAPE, "%s is %s where %s is expected",
                     r->parser->fields[field].text, type_name(value), expected);
}

/* jansson's own text quotes the message; this does not. */
static eddy_status not_json(struct ed_reading *r, const json_error_t *e)
{
    const char *what = "not JSON";
    switch (json_error_code(e)) {
    case json_error_out_of_memory: return eddy_fail_nomem(r->err, "JSON", 0);
    case json_error_stack_overflow: what = "nested too deep"; break;
    case json_error_invalid_utf8: what = "a character that is none"; break;
    case json_error_premature_end_of_input: what = "ends too early"; break;
    case json_error_end_of_input_expected: what = "something follows the object"; break;
    case json_error_null_character:
    case json_error_null_byte_in_key: what = "a NUL character"; break;
    case json_error_duplicate_key: what = "a key twice"; break;
    case json_error_numeric_overflow: what = "a number too large"; break;
    default: break;
    }
    return ed_reject(r, EDDY_REJECT_JSON, "%s, at line %d, byte %d", what, e->line, e->position);
}

/* ---- fields ---- */

/* A string as given, or an integer in decimal; at most max bytes. */
static eddy_status label_read(struct ed_reading *r, enum ed_field field, const json_t *value,
                              size_t max, eddy_str *ret)
{
    eddy_str copy;
    if (json_is_integer(value)) {
        copy = ed_arena_printf(r->arena, "%lld", (long long)json_integer_value(value));
    } else if (json_is_string(value)) {
        const char *s = json_string_value(value);
        size_t n = json_string_length(value);
        if (n == 0)
            return EDDY_OK;
        copy = ed_arena_str(r->arena, s, ed_utf8_cut(s, n, max));
    } else {
        return wrong_type(r, field, value, "a string or an integer");
    }
    if (!copy.at)
        return eddy_fail_nomem(r->err, r->parser->fields[field].text, max);
    *ret = copy;
    return EDDY_OK;
}

static eddy_status text_read(struct ed_reading *r, enum ed_field field, const json_t *value,
                             eddy_str *ret)
{
    if (!json_is_string(value))
        return wrong_type(r, field, value, "a string");
    return ed_clean_text(json_string_value(value), json_string_length(value), r->arena, ret,
                         r->err);
}

static eddy_status time_read(struct ed_reading *r, const json_t *value)
{
    eddy_time_unit unit = r->parser->time_unit;
    int64_t ms = 0;
    int readable;
    if (json_is_string(value))
        readable =
            ed_time_from_text(json_string_value(value), json_string_length(value), unit, &ms);
    else if (json_is_integer(value))
        readable = ed_time_from_integer(json_integer_value(value), unit, &ms);
    else if (json_is_real(value))
        readable = ed_time_from_real(json_real_value(value), unit, &ms);
    else
        return wrong_type(r, ED_TIME, value, "a string or a number");
    r->doc.time_unreadable = !readable;
    if (readable) {
        r->doc.time_ms = ms;
        r->doc.time_from = EDDY_TIME_DOCUMENT;
    }
    return EDDY_OK;
}

/* The numbers of an array, or a rejection: then *ret stays NULL. */
static eddy_status numbers_read(struct ed_reading *r, enum ed_field field, const json_t *value,
                                float **ret)
{
    const char *path = r->parser->fields[field].text;
    size_t dim = r->parser->dims[field];
    if (!json_is_array(value))
        return wrong_type(r, field, value, "an array of numbers");
    if (json_array_size(value) != dim)
        return ed_reject(r, EDDY_REJECT_VECTOR, "%s has %zu numbers where %zu are expected", path,
                         json_array_size(value), dim);
    float *vector = ed_arena_alloc_aligned(r->arena, dim * sizeof *vector);
    if (!vector)
        return eddy_fail_nomem(r->err, path, dim * sizeof *vector);
    for (size_t i = 0; i < dim; i++) {
        const json_t *element = json_array_get(value, i);
        if (!json_is_number(element))
            return ed_reject(r, EDDY_REJECT_SHAPE, "%s/%zu is %s where a number is expected", path,
                             i, type_name(element));
        double x = json_number_value(element);
        if (!(fabs(x) <= (double)FLT_MAX))
            return ed_reject(r, EDDY_REJECT_VECTOR, "%s/%zu is not a finite float", path, i);
        vector[i] = (float)x;
    }
    *ret = vector;
    return EDDY_OK;
}

static eddy_status vector_read(struct ed_reading *r, enum ed_field field, const json_t *value,
                               const float **ret)
{
    size_t dim = r->parser->dims[field];
    float *vector = r->vectors[field];
    eddy_status st = vector ? EDDY_OK : numbers_read(r, field, value, &vector);
    if (st != EDDY_OK || !vector)
        return st;
    double norm = ed_norm(vector, dim);
    if (!(norm > 0))
        return ed_reject(r, EDDY_REJECT_VECTOR, "%s is all zero", r->parser->fields[field].text);
    for (size_t i = 0; i < dim; i++)
        vector[i] = (float)((double)vector[i] / norm);
    *ret = vector;
    return EDDY_OK;
}

static eddy_status field_read(struct ed_reading *r, enum ed_field field, const json_t *value)
{
    eddy_doc *doc = &r->doc;
    switch (field) {
    case ED_ID:
        if (json_is_string(value) && json_string_length(value) > ID_MAX)
            return ed_reject(r, EDDY_REJECT_SHAPE, "%s has %zu bytes, an id may have %d",
                             r->parser->fields[field].text, json_string_length(value), ID_MAX);
        return label_read(r, field, value, ID_MAX, &doc->id);
    case ED_TEXT: return text_read(r, field, value, &doc->text);
    case ED_TITLE: return text_read(r, field, value, &doc->title);
    case ED_TIME: return time_read(r, value);
    case ED_LANGUAGE: return label_read(r, field, value, LABEL_MAX, &doc->language);
    case ED_SOURCE: return label_read(r, field, value, LABEL_MAX, &doc->source);
    case ED_GROUP: return label_read(r, field, value, LABEL_MAX, &doc->group);
    case ED_DENSE: return vector_read(r, field, value, &doc->dense);
    default: return vector_read(r, field, value, &doc->extra[field - ED_EXTRA]);
    }
}

eddy_status ed_json_read(struct ed_reading *r, const char *bytes, size_t n)
{
    json_error_t e;
    const char *rest = bytes;
    size_t n_rest = n;
    eddy_status st = ed_vectors_cut(r, &rest, &n_rest);
    if (st != EDDY_OK)
        return st;
    json_t *root = json_loadb(rest, n_rest, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!root && rest != bytes) { /* once more, for where in the message it is wrong */
        memset(r->vectors, 0, sizeof r->vectors);
        root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    }
    if (!root)
        return not_json(r, &e);
    if (!json_is_object(root))
        st = ed_reject(r, EDDY_REJECT_SHAPE, "%s where an object is expected", type_name(root));
    for (int i = 0; i < ED_FIELDS && st == EDDY_OK && r->reject == EDDY_ACCEPTED; i++) {
        const json_t *value = ed_pointer_find(&r->parser->fields[i], root);
        if (value)
            st = field_read(r, (enum ed_field)i, value);
    }
    json_decref(root);
    return st;
}
