/* The inside of a parser, shared by its two formats. */
#ifndef ED_PARSE_PARSER_H
#define ED_PARSE_PARSER_H

#include <eddy/doc.h>

#include "parse/pointer.h"

enum ed_field {
    ED_ID,
    ED_TEXT,
    ED_TITLE,
    ED_TIME,
    ED_LANGUAGE,
    ED_SOURCE,
    ED_GROUP,
    ED_KEYPHRASES,
    ED_DENSE,
    ED_EXTRA,
    ED_FIELDS = ED_EXTRA + EDDY_EXTRA_MAX
};

struct eddy_parser {
    eddy_format format;
    eddy_time_unit time_unit;
    size_t document_max;
    int64_t ahead_max_ms;
    struct ed_pointer fields[ED_FIELDS];
    size_t dims[ED_FIELDS]; /* of the vectors */
};

/* One message on its way to a document. */
struct ed_reading {
    const eddy_parser *parser;
    eddy_arena *arena;
    eddy_doc doc;              /* what has been read so far */
    float *vectors[ED_FIELDS]; /* (dims) as written, where they were cut out of the message */
    eddy_reject reject;        /* not EDDY_ACCEPTED: reading is over */
    char *detail;              /* (n_detail) or NULL */
    size_t n_detail;
    eddy_error *err;
};

/* Reject the message with a sentence that holds nothing of its text. Gives EDDY_OK: to reject is an
 * answer, not a failure. */
__attribute__((format(printf, 3, 4))) eddy_status
ed_reject(struct ed_reading *reading, eddy_reject why, const char *format, ...);

/* Read the fields of one JSON object, which is UTF-8, into reading->doc; those that are absent or
 * null stay as they are.
 *
 * EDDY_NOMEM */
eddy_status ed_json_read(struct ed_reading *reading, const char *bytes, size_t n);

#endif
