/* Flat: an object of strings, whole numbers and vectors, from its bytes to the fields of a
 * document.
 *
 * One walk over the keys does two things. An array of numbers that a pointer leads to is read at
 * once (vectors.h). And as long as every value is simple (a string, a whole number, true, false,
 * null, or such a vector) nothing else is needed. The first that is not (an object, a fraction, a
 * surrogate) leaves the message to the tree, which is then built of what is between the vectors,
 * and is as small as a text. Where anything is not well formed we step back altogether: the tree's
 * reader has the words for what is wrong. */
#include "parse/flat.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "parse/vectors.h"

#include <string.h>

#define KEYS_MAX   32 /* more are compared by the tree, which has a table */
#define DIGITS_MAX 18 /* of a whole number: they always fit */

struct walk {
    struct ed_reading *reading;
    struct ed_value *values; /* (ED_FIELDS) */
    struct {
        const char *from, *to;
    } cuts[ED_FIELDS]; /* (n_cuts) between the brackets, in order */
    size_t n_cuts;
    eddy_str keys[KEYS_MAX]; /* (n_keys) as they stand between their quotes */
    size_t n_keys;
    int flat; /* all so far is */
    int no_memory;
};

/* ---- strings ---- */

/* at is the quote; what follows the string, or NULL. *escapes: it has some. */
static const char *string_skip(const char *at, const char *end, int *escapes)
{
    at++;
    *escapes = 0;
    while (at < end && *at != '"') {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        const char *stroke = quote ? memchr(at, '\\', (size_t)(quote - at)) : NULL;
        *escapes |= stroke != NULL;
        at = stroke ? stroke + 2 : quote;
        if (!at)
            return NULL;
    }
    return at < end ? at + 1 : NULL;
}

static int has_control(const char *s, size_t n)
{
    unsigned found = 0;
    for (size_t i = 0; i < n; i++)
        found |= (unsigned char)s[i] < 0x20;
    return found != 0;
}

/* Four digits of base 16, -1. */
static int32_t hex_read(const char *s)
{
    int32_t c = 0;
    for (int i = 0; i < 4; i++) {
        int digit = s[i] >= '0' && s[i] <= '9'   ? s[i] - '0'
                    : s[i] >= 'a' && s[i] <= 'f' ? s[i] - 'a' + 10
                    : s[i] >= 'A' && s[i] <= 'F' ? s[i] - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        c = c << 4 | digit;
    }
    return c;
}

/* The string (s, n) without its escapes into ret; 0: there is one that is for the tree (surrogates,
 * U+0000) or none at all. */
static int escapes_read(const char *s, size_t n, char *ret, size_t *n_ret)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '\\') {
            ret[at++] = s[i];
            continue;
        }
        const char *known = s[++i] ? strchr(from, s[i]) : NULL; /* a stroke is never the last */
        if (known) {
            ret[at++] = to[known - from];
            continue;
        }
        int32_t c = s[i] == 'u' && n - i > 4 ? hex_read(s + i + 1) : -1;
        if (c <= 0 || (c >= 0xD800 && c < 0xE000))
            return 0;
        at += ed_utf8_put(c, ret + at);
        i += 4;
    }
    *n_ret = at;
    return 1;
}

/* The string between its quotes becomes a value. */
static void string_take(struct walk *w, const char *s, size_t n, int escapes, struct ed_value *ret)
{
    *ret = (struct ed_value){.is_there = 1, .type = JSON_STRING, .string = {s, n}};
    if (has_control(s, n)) {
        w->flat = 0;
    } else if (escapes) {
        char *plain = ed_arena_alloc(w->reading->arena, n);
        w->no_memory |= !plain;
        ret->string.at = plain;
        w->flat &= plain && escapes_read(s, n, plain, &ret->string.n);
    }
}

/* ---- other values ---- */

static int ends_value(const char *at, const char *end)
{
    return at < end && (*at == ',' || *at == '}' || ed_is_blank(*at));
}

/* What follows a whole number or a word of JSON at `at`; NULL where there is none, or it goes on.
 */
static const char *simple_take(const char *at, const char *end, struct ed_value *ret)
{
    static const struct {
        const char *text;
        json_type type;
    } words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].text);
        if ((size_t)(end - at) > n && !memcmp(at, words[i].text, n) && ends_value(at + n, end)) {
            *ret = (struct ed_value){.is_there = words[i].type != JSON_NULL, .type = words[i].type};
            return at + n;
        }
    }
    int minus = *at == '-';
    json_int_t value = 0;
    const char *first = at += minus;
    while (at < end && *at >= '0' && *at <= '9' && at - first < DIGITS_MAX)
        value = value * 10 + (*at++ - '0');
    if (at == first || (*first == '0' && at - first > 1) || !ends_value(at, end))
        return NULL;
    *ret =
        (struct ed_value){.is_there = 1, .type = JSON_INTEGER, .integer = minus ? -value : value};
    return at;
}

/* Whatever it is; whether it is well formed is for the tree's reader. */
static const char *value_skip(const char *at, const char *end)
{
    size_t depth = 0;
    int escapes;
    while (at < end) {
        char c = *at;
        if (c == '"') {
            at = string_skip(at, end, &escapes);
            if (!at)
                return NULL;
        } else if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            return at;
        } else {
            depth += c == '{' || c == '[';
            depth -= c == '}' || c == ']';
            at++;
        }
    }
    return NULL;
}

/* The vector of this field, whose bracket is at `at`: out of the message. NULL: it is none. */
static const char *array_cut(struct walk *w, int field, const char *at, const char *end)
{
    struct ed_reading *r = w->reading;
    size_t dim = r->parser->dims[field];
    if (r->vectors[field]) /* the key is there twice */
        return NULL;
    float *vector = ed_arena_alloc_aligned(r->arena, dim * sizeof *vector);
    w->no_memory |= !vector;
    const char *after = vector ? ed_vectors_array(at, end, vector, dim) : NULL;
    if (!after)
        return NULL;
    r->vectors[field] = vector;
    w->cuts[w->n_cuts].from = at + 1;
    w->cuts[w->n_cuts++].to = after - 1;
    return after;
}

/* The value at `at`; what follows it, or NULL. field: of a vector that it may be; ED_FIELDS: none.
 */
static const char *value_take(struct walk *w, int field, const char *at, const char *end,
                              struct ed_value *ret)
{
    if (*at == '"') {
        int escapes;
        const char *after = string_skip(at, end, &escapes);
        if (after)
            string_take(w, at + 1, (size_t)(after - at - 2), escapes, ret);
        return after;
    }
    if (*at == '[' && field < ED_FIELDS) {
        *ret = (struct ed_value){.is_there = 1, .type = JSON_ARRAY};
        return array_cut(w, field, at, end);
    }
    const char *after = w->flat ? simple_take(at, end, ret) : NULL;
    if (after)
        return after;
    w->flat = 0;
    return value_skip(at, end);
}

/* ---- keys ---- */

static int leads_to(const struct ed_pointer *p, const eddy_str *key)
{
    return p->n_steps == 1 && strlen(p->steps) == key->n && !memcmp(p->steps, key->at, key->n);
}

/* A key as it stands, without an escape; the tree tells of one that is there twice. */
static void key_take(struct walk *w, const eddy_str *key)
{
    w->flat &= w->n_keys < KEYS_MAX && !has_control(key->at, key->n);
    for (size_t i = 0; i < w->n_keys && w->flat; i++)
        w->flat = w->keys[i].n != key->n || memcmp(w->keys[i].at, key->at, key->n) != 0;
    if (w->flat)
        w->keys[w->n_keys++] = *key;
}

/* One key and its value; what follows, or NULL. */
static const char *pair_take(struct walk *w, const char *at, const char *end)
{
    const struct ed_pointer *fields = w->reading->parser->fields;
    eddy_str key = {at + 1, 0};
    int escapes, field = ED_FIELDS;
    at = at < end && *at == '"' ? string_skip(at, end, &escapes) : NULL;
    if (!at)
        return NULL;
    key.n = (size_t)(at - 1 - key.at);
    w->flat &= !escapes;
    key_take(w, &key);
    int is_vector = 0;
    for (int i = ED_DENSE; i < ED_FIELDS && !escapes; i++)
        if (leads_to(&fields[i], &key)) {
            is_vector++;
            field = i;
        }
    at = ed_blanks_skip(at, end);
    if (at == end || *at++ != ':')
        return NULL;
    at = ed_blanks_skip(at, end);
    if (at == end)
        return NULL;
    struct ed_value value = {0};
    at = value_take(w, is_vector == 1 ? field : ED_FIELDS, at, end, &value);
    for (int i = 0; i < ED_FIELDS && at && w->flat; i++)
        if (leads_to(&fields[i], &key))
            w->values[i] = value;
    return at;
}

/* 1: the object was walked through to its end. */
static int object_walk(struct walk *w, const char *at, const char *end)
{
    at = ed_blanks_skip(at, end);
    if (at == end || *at++ != '{')
        return 0;
    do {
        at = pair_take(w, ed_blanks_skip(at, end), end);
        if (!at)
            return 0;
        at = ed_blanks_skip(at, end);
    } while (at < end && *at++ == ',');
    if (at[-1] != '}')
        return 0;
    w->flat &= ed_blanks_skip(at, end) == end;
    return 1;
}

/* What is between the cuts. */
static eddy_status rest_make(const struct walk *w, const char **bytes, size_t *n)
{
    size_t n_rest = *n;
    for (size_t i = 0; i < w->n_cuts; i++)
        n_rest -= (size_t)(w->cuts[i].to - w->cuts[i].from);
    char *rest = ed_arena_alloc(w->reading->arena, n_rest), *to = rest;
    if (!rest)
        return eddy_fail_nomem(w->reading->err, "vectors", n_rest);
    const char *from = *bytes;
    for (size_t i = 0; i <= w->n_cuts; i++) {
        size_t n_piece = (size_t)((i < w->n_cuts ? w->cuts[i].from : *bytes + *n) - from);
        memcpy(to, from, n_piece);
        to += n_piece;
        from = i < w->n_cuts ? w->cuts[i].to : NULL;
    }
    *bytes = rest;
    *n = n_rest;
    return EDDY_OK;
}

eddy_status ed_flat_read(struct ed_reading *reading, const char **bytes, size_t *n,
                         struct ed_value *values, int *ret_flat)
{
    struct walk w = {.reading = reading, .values = values, .flat = 1};
    int whole = object_walk(&w, *bytes, *bytes + *n);
    *ret_flat = whole && w.flat && !w.no_memory;
    if (w.no_memory)
        return eddy_fail_nomem(reading->err, "message", *n);
    if (!whole)
        memset(reading->vectors, 0, sizeof reading->vectors);
    return whole && !w.flat && w.n_cuts ? rest_make(&w, bytes, n) : EDDY_OK;
}
