/* Gold labels, read line by line: JSON Lines, or id and label as CSV or TSV. */
#ifndef ED_CLI_LABELS_H
#define ED_CLI_LABELS_H

#include "base/table.h"
#include "parse/pointer.h"

#include <eddy/doc.h>

#include <inttypes.h>

/* Where a line stands, for errors: eddy_fail(err, st, ED_PLACE "what", ED_AT(line)). */
#define ED_PLACE    "%s:%" PRId64 ": "
#define ED_AT(line) (line)->position.topic, (line)->position.offset + 1

/* The name of n bytes, as ed_name_json of such a string; never 0. */
uint64_t ed_name(const char *s, size_t n);
/* The name in a JSON value, the same whether it is written 12 or "12"; 0: none. */
uint64_t ed_name_json(const json_t *value);

/* The line as a JSON object; to be released by json_decref.
 *
 * EDDY_FORMAT  it is none */
eddy_status ed_line_object(const eddy_raw *line, json_t **ret, eddy_error *err);

struct ed_labels {
    struct ed_pointer id_at, label_at; /* in a line of JSON */
    char separator;                    /* 0: JSON Lines; '?': no line seen yet */
    struct ed_table of;                /* document -> label, both as names */
};

/* Begin without a label. The paths are JSON pointers; copied.
 *
 * EDDY_INVALID  a path is none, or empty
 * EDDY_NOMEM    ed_labels_clear frees what a failed start left */
eddy_status ed_labels_init(struct ed_labels *labels, const char *id_path, const char *label_path,
                           eddy_error *err);
void ed_labels_clear(struct ed_labels *labels);

/* Take the document and the label of a line without its end. Documents whose label is empty or null
 * are passed over, as is "id,label" at the top.
 *
 * EDDY_FORMAT  no id, not as the first line promised, or another label than further up; the text
 *              names the line
 * EDDY_NOMEM   labels stay as they were */
eddy_status ed_labels_line(struct ed_labels *labels, const eddy_raw *line, eddy_error *err);

#endif
