/* The parser: what is decided before a message is looked into, and what holds for every format.
 *
 * The order is that of cost: nothing there, too large, of a format that we know and do not read,
 * not text at all; only then is it parsed. Whatever the bytes are, the answer is a document or a
 * reason; the only failure is lost memory, and then the same message may be tried again. */
#include "parse/parser.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "parse/clean.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *eddy_reject_code(eddy_reject reject)
{
    switch (reject) {
    case EDDY_ACCEPTED: return "accepted";
    case EDDY_REJECT_TOMBSTONE: return "tombstone";
    case EDDY_REJECT_OVERSIZE: return "oversize";
    case EDDY_REJECT_UTF8: return "invalid_utf8";
    case EDDY_REJECT_JSON: return "bad_json";
    case EDDY_REJECT_SHAPE: return "bad_shape";
    case EDDY_REJECT_TEXT: return "no_text";
    case EDDY_REJECT_VECTOR: return "bad_vector";
    case EDDY_REJECT_REGISTRY: return "schema_registry";
    case EDDY_REJECT_EMBEDDING: return "not_embedded";
    case EDDY_REJECTS: break;
    }
    return "unknown";
}

eddy_status ed_reject(struct ed_reading *reading, eddy_reject why, const char *format, ...)
{
    reading->reject = why;
    if (reading->detail && reading->n_detail) {
        va_list args;
        va_start(args, format);
        vsnprintf(reading->detail, reading->n_detail, format, args);
        va_end(args);
    }
    return EDDY_OK;
}

/* ---- options ---- */

void eddy_parse_options_init(eddy_parse_options *options)
{
    *options = (eddy_parse_options){
        .format = EDDY_FORMAT_JSON,
        .id_path = "/id",
        .text_path = "/text",
        .title_path = "/title",
        .time_path = "/ts",
        .language_path = "/lang",
        .source_path = "/source",
        .time_unit = EDDY_UNIT_AUTO,
        .document_max = (size_t)1 << 20,
        .ahead_max_ms = 24 * 3600 * 1000,
    };
}

static eddy_status fields_init(eddy_parser *parser, const eddy_parse_options *o, eddy_error *err)
{
    const struct {
        enum ed_field field;
        const char *what, *path;
    } paths[] = {
        {ED_ID, "id path", o->id_path},
        {ED_TEXT, "text path", o->text_path},
        {ED_TITLE, "title path", o->title_path},
        {ED_TIME, "time path", o->time_path},
        {ED_LANGUAGE, "language path", o->language_path},
        {ED_SOURCE, "source path", o->source_path},
        {ED_GROUP, "group path", o->group_path},
        {ED_KEYPHRASES, "keyphrases path", o->keyphrases_path},
        {ED_DENSE, "dense vector path", o->dense_path},
    };
    eddy_status st = EDDY_OK;
    for (size_t i = 0; st == EDDY_OK && i < sizeof paths / sizeof *paths; i++)
        st = ed_pointer_init(&parser->fields[paths[i].field], paths[i].what, paths[i].path, err);
    for (size_t i = 0; st == EDDY_OK && i < o->n_extra; i++) {
        st = ed_pointer_init(&parser->fields[ED_EXTRA + i], "extra vector path", o->extra_path[i],
                             err);
        parser->dims[ED_EXTRA + i] = o->extra_dim[i];
    }
    parser->dims[ED_DENSE] = o->dense_dim;
    for (size_t i = ED_DENSE; st == EDDY_OK && i < ED_FIELDS; i++)
        if (parser->fields[i].text && !parser->dims[i])
            st = eddy_fail(err, EDDY_INVALID, "vector path \"%s\": its dimension is not given",
                           parser->fields[i].text);
    return st;
}

eddy_status eddy_parser_new(const eddy_parse_options *options, eddy_parser **ret, eddy_error *err)
{
    if ((unsigned)options->format > EDDY_FORMAT_LOGS)
        return eddy_fail(err, EDDY_INVALID, "format %d is neither JSON nor lines nor logs",
                         (int)options->format);
    if (options->document_max == 0)
        return eddy_fail(err, EDDY_INVALID, "document_max is 0: no message could be read");
    if (options->n_extra > EDDY_EXTRA_MAX)
        return eddy_fail(err, EDDY_INVALID, "%zu extra vectors, at most %d can be supplied",
                         options->n_extra, EDDY_EXTRA_MAX);
    eddy_parser *parser = ed_alloc_zero(1, sizeof *parser);
    if (!parser)
        return eddy_fail_nomem(err, "parser", sizeof *parser);
    parser->format = options->format;
    parser->time_unit = options->time_unit;
    parser->document_max = options->document_max;
    parser->ahead_max_ms = options->ahead_max_ms;
    eddy_status st = fields_init(parser, options, err);
    if (st != EDDY_OK) {
        eddy_parser_free(parser);
        return st;
    }
    *ret = parser;
    return EDDY_OK;
}

void eddy_parser_free(eddy_parser *parser)
{
    if (!parser)
        return;
    for (size_t i = 0; i < ED_FIELDS; i++)
        ed_pointer_clear(&parser->fields[i]);
    ed_free(parser);
}

/* ---- one message ---- */

static eddy_status bytes_read(struct ed_reading *r, const eddy_raw *raw)
{
    const eddy_parser *parser = r->parser;
    const char *bytes = raw->bytes;
    size_t n = raw->n;
    int json = parser->format == EDDY_FORMAT_JSON;
    if (!bytes)
        return ed_reject(r, EDDY_REJECT_TOMBSTONE, "the message has no value");
    if (n > parser->document_max)
        return ed_reject(r, EDDY_REJECT_OVERSIZE, "%zu bytes, the limit is %zu", n,
                         parser->document_max);
    if (json && n >= 5 && bytes[0] == 0) {
        const unsigned char *b = (const unsigned char *)bytes;
        return ed_reject(r, EDDY_REJECT_REGISTRY,
                         "in the wire format of a schema registry (schema %lu), not JSON",
                         (unsigned long)b[1] << 24 | (unsigned long)b[2] << 16 |
                             (unsigned long)b[3] << 8 | b[4]);
    }
    size_t valid = ed_utf8_valid(bytes, n);
    if (valid < n)
        return ed_reject(r, EDDY_REJECT_UTF8, "byte %zu of %zu is not UTF-8", valid, n);
    if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark says nothing */
        bytes += 3;
        n -= 3;
    }
    if (parser->format == EDDY_FORMAT_LOGS) {
        r->doc.text = (eddy_str){bytes, n};
        return EDDY_OK;
    }
    return json ? ed_json_read(r, bytes, n)
                : ed_clean_line(bytes, n, r->arena, &r->doc.text, r->err);
}

static int has_vector(const eddy_doc *doc)
{
    int found = doc->dense != NULL;
    for (size_t i = 0; i < EDDY_EXTRA_MAX; i++)
        found |= doc->extra[i] != NULL;
    return found;
}

/* What the message did not say itself. */
static eddy_status fill_in(struct ed_reading *r, const eddy_raw *raw)
{
    eddy_doc *doc = &r->doc;
    int64_t ahead = r->parser->ahead_max_ms;
    doc->position = raw->position;
    if (doc->time_from == EDDY_TIME_DOCUMENT && ahead > 0 && raw->broker_ms >= 0 &&
        doc->time_ms - ahead > raw->broker_ms) {
        doc->time_from = EDDY_TIME_BROKER;
        doc->time_unreadable = 1;
    }
    if (doc->time_from != EDDY_TIME_DOCUMENT) {
        doc->time_from = raw->broker_ms >= 0 ? EDDY_TIME_BROKER : EDDY_TIME_ARRIVAL;
        doc->time_ms = raw->broker_ms >= 0 ? raw->broker_ms : raw->arrival_ms;
    }
    doc->id_given = doc->id.n != 0;
    if (doc->id_given || r->parser->format == EDDY_FORMAT_LOGS)
        return EDDY_OK;
    doc->id =
        ed_arena_printf(r->arena, "%s-%ld-%lld", raw->position.topic ? raw->position.topic : "",
                        (long)raw->position.partition, (long long)raw->position.offset);
    return doc->id.at ? EDDY_OK : eddy_fail_nomem(r->err, "document id", 0);
}

uint64_t eddy_doc_same(const eddy_doc *doc)
{
    if (!doc->id_given || doc->title.n + doc->text.n == 0)
        return 0;
    uint64_t h = ed_hash_bulk(0, doc->id.at, doc->id.n);
    h = ed_hash_bulk(h, doc->title.at, doc->title.n);
    h = ed_hash_bulk(h, doc->text.at, doc->text.n);
    return h ? h : 1;
}

eddy_status eddy_parser_parse(const eddy_parser *parser, const eddy_raw *raw, eddy_arena *arena,
                              eddy_doc *ret, eddy_reject *reject, char *detail, size_t n_detail,
                              eddy_error *err)
{
    struct ed_reading r = {.parser = parser,
                           .arena = arena,
                           .doc = {.time_from = EDDY_TIME_ARRIVAL},
                           .detail = detail,
                           .n_detail = n_detail,
                           .err = err};
    if (detail && n_detail)
        *detail = 0;
    eddy_status st = bytes_read(&r, raw);
    if (st == EDDY_OK && r.reject == EDDY_ACCEPTED && !r.doc.text.n && !r.doc.title.n &&
        !has_vector(&r.doc))
        st = ed_reject(&r, EDDY_REJECT_TEXT, "no text, title or vector, or nothing left of them");
    if (st == EDDY_OK && r.reject == EDDY_ACCEPTED)
        st = fill_in(&r, raw);
    if (st != EDDY_OK)
        return st;
    if (r.reject == EDDY_ACCEPTED)
        *ret = r.doc;
    *reject = r.reject;
    return EDDY_OK;
}
