/* Gold labels, as people keep them. Of a name only its 64-bit hash is kept; the first line of the
 * file decides how the others are read. */
#include "cli/labels.h"

#include "base/error.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

#define UNKNOWN '?'

/* ---- names ---- */

static uint64_t name_end(uint64_t hash)
{
    hash = ed_mix64(hash);
    return hash ? hash : 1; /* 0 means no name */
}

uint64_t ed_name(const char *s, size_t n)
{
    return name_end(ed_fnv1a(ED_FNV_BASIS, s, n));
}

uint64_t ed_name_json(const json_t *value)
{
    char text[32];
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING: return ed_name(json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return ed_name(text, strlen(text));
    case JSON_REAL:
        snprintf(text, sizeof text, "%.17g", json_real_value(value));
        return ed_name(text, strlen(text));
    case JSON_TRUE: return ed_name("true", 4);
    case JSON_FALSE: return ed_name("false", 5);
    default: return 0;
    }
}

/* ---- lines ---- */

eddy_status ed_line_object(const eddy_raw *line, json_t **ret, eddy_error *err)
{
    json_error_t bad;
    json_t *value = json_loadb(line->bytes, line->n, 0, &bad);
    if (!value)
        return eddy_fail(err, EDDY_FORMAT, ED_PLACE "not JSON (at byte %d of the line)",
                         ED_AT(line), bad.position);
    if (!json_is_object(value)) {
        json_decref(value);
        return eddy_fail(err, EDDY_FORMAT, ED_PLACE "not a JSON object", ED_AT(line));
    }
    *ret = value;
    return EDDY_OK;
}

/* ---- gold ---- */

static eddy_status gold_put(struct ed_labels *labels, const eddy_raw *line, uint64_t id,
                            uint64_t label, eddy_error *err)
{
    uint64_t *known = ed_table_put(&labels->of, id, label);
    if (!known)
        return eddy_fail_nomem(err, "gold labels", labels->of.room * 4 * sizeof(uint64_t));
    if (*known != label)
        return eddy_fail(err, EDDY_FORMAT, ED_PLACE "the document has another label further up",
                         ED_AT(line));
    return EDDY_OK;
}

static eddy_status gold_json(struct ed_labels *labels, const eddy_raw *line, eddy_error *err)
{
    json_t *value = NULL;
    eddy_status st = ed_line_object(line, &value, err);
    if (st != EDDY_OK)
        return st;
    uint64_t id = ed_name_json(ed_pointer_find(&labels->id_at, value));
    uint64_t label = ed_name_json(ed_pointer_find(&labels->label_at, value));
    json_decref(value);
    if (!id)
        return eddy_fail(err, EDDY_FORMAT, ED_PLACE "no id at \"%s\"", ED_AT(line),
                         labels->id_at.text);
    return label ? gold_put(labels, line, id, label, err) : EDDY_OK;
}

/* Reads one cell, quoted or not. Gives where it stopped; NULL: a quote is not closed. */
static const char *cell(const char *at, const char *end, char separator, uint64_t *ret)
{
    if (separator != ',' || at == end || *at != '"') {
        const char *stop = memchr(at, separator, (size_t)(end - at));
        stop = stop ? stop : end;
        *ret = ed_name(at, (size_t)(stop - at));
        return stop;
    }
    uint64_t hash = ED_FNV_BASIS;
    for (at++; at < end; at++) {
        if (*at == '"' && (++at == end || *at != '"')) { /* "" is a quote in the text */
            *ret = name_end(hash);
            return at;
        }
        hash = ed_fnv1a(hash, at, 1);
    }
    return NULL;
}

static eddy_status gold_cells(struct ed_labels *labels, const eddy_raw *line, eddy_error *err)
{
    const char *end = line->bytes + line->n;
    uint64_t id = 0, label = 0, nothing = ed_name("", 0);
    const char *at = cell(line->bytes, end, labels->separator, &id);
    if (at && at < end && *at == labels->separator)
        at = cell(at + 1, end, labels->separator, &label);
    else
        at = NULL;
    if (at != end || id == nothing)
        return eddy_fail(err, EDDY_FORMAT, ED_PLACE "not an id and a label with a %s between them",
                         ED_AT(line), labels->separator == ',' ? "comma" : "tab");
    int heading =
        line->position.offset == 0 && id == ed_name("id", 2) && label == ed_name("label", 5);
    return heading || label == nothing ? EDDY_OK : gold_put(labels, line, id, label, err);
}

/* The first line tells what the file is. */
eddy_status ed_labels_line(struct ed_labels *labels, const eddy_raw *line, eddy_error *err)
{
    if (labels->separator == UNKNOWN)
        labels->separator = line->n && line->bytes[0] == '{'             ? 0
                            : memchr(line->bytes, '\t', line->n) != NULL ? '\t'
                                                                         : ',';
    return labels->separator ? gold_cells(labels, line, err) : gold_json(labels, line, err);
}

/* ---- begin and end ---- */

eddy_status ed_labels_init(struct ed_labels *labels, const char *id_path, const char *label_path,
                           eddy_error *err)
{
    *labels = (struct ed_labels){.separator = UNKNOWN};
    eddy_status st = ed_pointer_init(&labels->id_at, "--gold-id", id_path, err);
    if (st == EDDY_OK)
        st = ed_pointer_init(&labels->label_at, "--gold-label", label_path, err);
    if (st == EDDY_OK && (!labels->id_at.text || !labels->label_at.text))
        st = eddy_fail(err, EDDY_INVALID, "--gold-id and --gold-label may not be empty");
    return st;
}

void ed_labels_clear(struct ed_labels *labels)
{
    ed_pointer_clear(&labels->id_at);
    ed_pointer_clear(&labels->label_at);
    ed_table_clear(&labels->of);
}
