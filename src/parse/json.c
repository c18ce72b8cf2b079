/* JSON: fields of one object to the fields of a document.
 *
 * Flat messages need no tree (flat.h). Of all others jansson makes one on the heap (up to twenty
 * times its size, which is why document_max comes first), without the vectors, and refuses what is
 * deeper than 2,048 levels, so nothing recurses over the input beyond that. A field that is absent
 * or null is not there; one of the wrong type rejects the message, since a producer who changes a
 * type should hear of it. */
#include "parse/parser.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "base/vector.h"
#include "parse/clean.h"
#include "parse/flat.h"
#include "parse/time.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LABEL_MAX   256  /* bytes of a language, source or group */
#define ID_MAX      1024 /* an id is the key of a message: longer ones are refused, not cut */
#define PHRASES_MAX 2000 /* bytes of all keyphrases together */

/* ---- what went wrong ---- */

static const char *type_name(json_type type)
{
    switch (type) {
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

static eddy_status wrong_type(struct ed_reading *r, enum ed_field field,
                              const struct ed_value *value, const char *expected)
{
    return ed_reject(r, EDDY_REJECT_SHAPE, "%s is %s where %s is expected",
                     r->parser->fields[field].text, type_name(value->type), expected);
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
static eddy_status label_read(struct ed_reading *r, enum ed_field field,
                              const struct ed_value *value, size_t max, eddy_str *ret)
{
    eddy_str copy;
    if (value->type == JSON_INTEGER) {
        copy = ed_arena_printf(r->arena, "%lld", (long long)value->integer);
    } else if (value->type == JSON_STRING) {
        eddy_str s = value->string;
        if (s.n == 0)
            return EDDY_OK;
        copy = ed_arena_str(r->arena, s.at, ed_utf8_cut(s.at, s.n, max));
    } else {
        return wrong_type(r, field, value, "a string or an integer");
    }
    if (!copy.at)
        return eddy_fail_nomem(r->err, r->parser->fields[field].text, max);
    *ret = copy;
    return EDDY_OK;
}

static eddy_status text_read(struct ed_reading *r, enum ed_field field,
                             const struct ed_value *value, eddy_str *ret)
{
    if (value->type != JSON_STRING)
        return wrong_type(r, field, value, "a string");
    return ed_clean_text(value->string.at, value->string.n, r->arena, ret, r->err);
}

/* One more phrase behind those that are there; what is too much is cut off. */
static eddy_status phrase_add(struct ed_reading *r, eddy_str said)
{
    eddy_str clean = {NULL, 0}, *all = &r->doc.keyphrases;
    const char *before = all->n ? all->at : "", *comma = all->n ? ", " : "";
    size_t taken = all->n + strlen(comma);
    if (taken >= PHRASES_MAX)
        return EDDY_OK;
    eddy_status st =
        ed_clean_text(said.at, ed_utf8_cut(said.at, said.n, PHRASES_MAX), r->arena, &clean, r->err);
    size_t n = clean.n ? ed_utf8_cut(clean.at, clean.n, PHRASES_MAX - taken) : 0;
    if (st != EDDY_OK || !n)
        return st;
    eddy_str joined = ed_arena_printf(r->arena, "%s%s%.*s", before, comma, (int)n, clean.at);
    if (!joined.at)
        return eddy_fail_nomem(r->err, r->parser->fields[ED_KEYPHRASES].text, taken + n);
    *all = joined;
    return EDDY_OK;
}

static eddy_status phrases_read(struct ed_reading *r, const struct ed_value *value)
{
    eddy_status st = EDDY_OK;
    if (value->type == JSON_STRING)
        return phrase_add(r, value->string);
    if (value->type != JSON_ARRAY)
        return wrong_type(r, ED_KEYPHRASES, value, "a string or an array of strings");
    for (size_t i = 0; i < json_array_size(value->array) && st == EDDY_OK; i++) {
        const json_t *element = json_array_get(value->array, i);
        if (!json_is_string(element))
            return ed_reject(r, EDDY_REJECT_SHAPE, "%s/%zu is %s where a string is expected",
                             r->parser->fields[ED_KEYPHRASES].text, i,
                             type_name(json_typeof(element)));
        st = phrase_add(r, (eddy_str){json_string_value(element), json_string_length(element)});
    }
    return st;
}

static eddy_status time_read(struct ed_reading *r, const struct ed_value *value)
{
    eddy_time_unit unit = r->parser->time_unit;
    int64_t ms = 0;
    int readable;
    if (value->type == JSON_STRING)
        readable = ed_time_from_text(value->string.at, value->string.n, unit, &ms);
    else if (value->type == JSON_INTEGER)
        readable = ed_time_from_integer(value->integer, unit, &ms);
    else if (value->type == JSON_REAL)
        readable = ed_time_from_real(value->real, unit, &ms);
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
static eddy_status numbers_read(struct ed_reading *r, enum ed_field field,
                                const struct ed_value *value, float **ret)
{
    const char *path = r->parser->fields[field].text;
    size_t dim = r->parser->dims[field];
    if (value->type != JSON_ARRAY)
        return wrong_type(r, field, value, "an array of numbers");
    if (json_array_size(value->array) != dim)
        return ed_reject(r, EDDY_REJECT_VECTOR, "%s has %zu numbers where %zu are expected", path,
                         json_array_size(value->array), dim);
    float *vector = ed_arena_alloc_aligned(r->arena, dim * sizeof *vector);
    if (!vector)
        return eddy_fail_nomem(r->err, path, dim * sizeof *vector);
    for (size_t i = 0; i < dim; i++) {
        const json_t *element = json_array_get(value->array, i);
        if (!json_is_number(element))
            return ed_reject(r, EDDY_REJECT_SHAPE, "%s/%zu is %s where a number is expected", path,
                             i, type_name(json_typeof(element)));
        double x = json_number_value(element);
        if (!(fabs(x) <= (double)FLT_MAX))
            return ed_reject(r, EDDY_REJECT_VECTOR, "%s/%zu is not a finite float", path, i);
        vector[i] = (float)x;
    }
    *ret = vector;
    return EDDY_OK;
}

static eddy_status vector_read(struct ed_reading *r, enum ed_field field,
                               const struct ed_value *value, const float **ret)
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

static eddy_status field_read(struct ed_reading *r, enum ed_field field,
                              const struct ed_value *value)
{
    eddy_doc *doc = &r->doc;
    switch (field) {
    case ED_ID:
        if (value->type == JSON_STRING && value->string.n > ID_MAX)
            return ed_reject(r, EDDY_REJECT_SHAPE, "%s has %zu bytes, an id may have %d",
                             r->parser->fields[field].text, value->string.n, ID_MAX);
        return label_read(r, field, value, ID_MAX, &doc->id);
    case ED_TEXT: return text_read(r, field, value, &doc->text);
    case ED_TITLE: return text_read(r, field, value, &doc->title);
    case ED_TIME: return time_read(r, value);
    case ED_LANGUAGE: return label_read(r, field, value, LABEL_MAX, &doc->language);
    case ED_SOURCE: return label_read(r, field, value, LABEL_MAX, &doc->source);
    case ED_GROUP: return label_read(r, field, value, LABEL_MAX, &doc->group);
    case ED_KEYPHRASES: return phrases_read(r, value);
    case ED_DENSE: return vector_read(r, field, value, &doc->dense);
    default: return vector_read(r, field, value, &doc->extra[field - ED_EXTRA]);
    }
}

static eddy_status fields_read(struct ed_reading *r, const struct ed_value *values)
{
    eddy_status st = EDDY_OK;
    for (int i = 0; i < ED_FIELDS && st == EDDY_OK && r->reject == EDDY_ACCEPTED; i++)
        if (values[i].is_there)
            st = field_read(r, (enum ed_field)i, &values[i]);
    return st;
}

static struct ed_value value_of(const json_t *value)
{
    if (!value)
        return (struct ed_value){0};
    return (struct ed_value){.is_there = 1,
                             .type = json_typeof(value),
                             .string = {json_string_value(value), json_string_length(value)},
                             .integer = json_integer_value(value),
                             .real = json_real_value(value),
                             .array = value};
}

eddy_status ed_json_read(struct ed_reading *r, const char *bytes, size_t n)
{
    json_error_t e;
    struct ed_value values[ED_FIELDS] = {0};
    int flat = 0;
    const char *rest = bytes;
    size_t n_rest = n;
    eddy_status st = ed_flat_read(r, &rest, &n_rest, values, &flat);
    if (st != EDDY_OK || flat)
        return st == EDDY_OK ? fields_read(r, values) : st;
    json_t *root = json_loadb(rest, n_rest, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!root && rest != bytes) { /* once more, for where in the message it is wrong */
        memset(r->vectors, 0, sizeof r->vectors);
        root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    }
    if (!root)
        return not_json(r, &e);
    for (int i = 0; i < ED_FIELDS; i++)
        values[i] = value_of(ed_pointer_find(&r->parser->fields[i], root));
    if (json_is_object(root))
        st = fields_read(r, values);
    else
        st = ed_reject(r, EDDY_REJECT_SHAPE, "%s where an object is expected",
                       type_name(json_typeof(root)));
    json_decref(root);
    return st;
}
