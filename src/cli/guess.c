/* guess: one look at the beginning of an input. */
#include "cli/guess.h"

#include "base/error.h"

#include <eddy/layout.h>
#include <jansson.h>
#include <string.h>

#define FIRST_BYTES 65536 /* of the input, to tell what it is */

/* Behind a bracket, what only an array of documents goes on with; "[Sun Dec 04" and "[2031-05-14"
 * begin plain lines of logs. */
static int begins_array(const char *text, const char *end)
{
    for (text++; text < end && memchr(" \t\r", *text, 3);)
        text++;
    return text == end || memchr("\n{\"]", *text, 4) != NULL;
}

static eddy_status format_of(const char *text, size_t n, const char *command, int *ret,
                             eddy_error *err)
{
    const char *end = text + n;
    json_error_t why;
    while (text < end && memchr(" \t\r\n", *text, 4))
        text++;
    *ret = text == end || *text == '{' ? EDDY_FORMAT_JSON : EDDY_FORMAT_LINES;
    if (text < end && *text == '[' && begins_array(text, end))
        return eddy_fail(err, EDDY_FORMAT,
                         "the input is a JSON array, not a document a line; try: jq -c '.[]' FILE "
                         "| eddy %s -; or, for plain text, --set document.format=lines",
                         command);
    if (text == end || *text != '{')
        return EDDY_OK;
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    if (!newline && n == FIRST_BYTES)
        return EDDY_OK;
    json_t *json = json_loadb(text, (size_t)((newline ? newline : end) - text), 0, &why);
    json_decref(json);
    if (json || json_error_code(&why) == json_error_out_of_memory)
        return EDDY_OK;
    return eddy_fail(err, EDDY_FORMAT,
                     "the first line begins like a JSON object, but is none; if the objects have "
                     "many lines, try: jq -c . FILE | eddy %s -; if it is plain text: --set "
                     "document.format=lines; if only this line is torn: --set document.format=json",
                     command);
}

const char *ed_guess_name(int format)
{
    return format == EDDY_FORMAT_JSON    ? "JSON objects"
           : format == EDDY_FORMAT_LINES ? "plain lines"
                                         : "lines of a log";
}

/* The whole lines of a text; returns how many. */
static size_t lines_of(const char *text, size_t n, eddy_str ret[EDDY_LAYOUT_LINES])
{
    size_t n_lines = 0;
    const char *end = text + n, *newline;
    while (text < end && n_lines < EDDY_LAYOUT_LINES) {
        newline = memchr(text, '\n', (size_t)(end - text));
        if (!newline && n == FIRST_BYTES)
            break; /* it is cut */
        newline = newline ? newline : end;
        if (newline > text)
            ret[n_lines++] = (eddy_str){text, (size_t)(newline - text)};
        text = newline + 1;
    }
    return n_lines;
}

/* 1: the document that this object is has a text or a title, as it is configured. */
static int has_text(const struct ed_config *config, eddy_str line)
{
    eddy_parse_options options;
    eddy_parser *parser = NULL;
    eddy_arena *arena = eddy_arena_new(0);
    eddy_doc doc;
    eddy_reject reject = EDDY_ACCEPTED;
    const eddy_raw raw = {.bytes = line.at, .n = line.n, .broker_ms = -1};
    ed_config_parse_options(config, &options);
    options.format = EDDY_FORMAT_JSON;
    int has = arena && eddy_parser_new(&options, &parser, NULL) == EDDY_OK &&
              eddy_parser_parse(parser, &raw, arena, &doc, &reject, NULL, 0, NULL) == EDDY_OK &&
              reject == EDDY_ACCEPTED;
    eddy_parser_free(parser);
    eddy_arena_free(arena);
    return has;
}

/* Is it a log, and not what it looked like at first? */
static eddy_status log_look(const struct ed_config *config, const char *text, size_t n, int *format,
                            eddy_error *err)
{
    eddy_str lines[EDDY_LAYOUT_LINES];
    eddy_log_line line = {0};
    eddy_layout *layout = NULL;
    size_t n_lines = lines_of(text, n, lines);
    if (!n_lines || (*format == EDDY_FORMAT_JSON && has_text(config, lines[0])))
        return EDDY_OK;
    eddy_status st = eddy_layout_learn(lines, n_lines, &layout, err);
    if (st == EDDY_OK)
        st = eddy_layout_read(layout, lines[0], -1, NULL, &line);
    if (st == EDDY_OK && strcmp(eddy_layout_describe(layout), "message") != 0 &&
        (*format != EDDY_FORMAT_JSON || (line.message.n && (line.has_time || line.level))))
        *format = EDDY_FORMAT_LOGS;
    eddy_layout_free(layout);
    return st;
}

eddy_status ed_guess_format(struct ed_config *config, struct ed_source *source, const char *command,
                            eddy_error *err)
{
    static char text[FIRST_BYTES];
    size_t n = 0;
    int format = EDDY_FORMAT_JSON;
    if (ed_config_source_of(config, "document.format")->layer > ED_LAYER_PROFILE ||
        config->document.format == EDDY_FORMAT_LOGS)
        return EDDY_OK;
    eddy_status st = ed_source_files_peek(source, text, sizeof text, &n, err);
    if (st == EDDY_OK && n)
        st = format_of(text, n, command, &format, err);
    if (st == EDDY_OK && n)
        st = log_look(config, text, n, &format, err);
    if (st == EDDY_OK && n)
        config->document.format = format;
    config->document.guessed = st == EDDY_OK;
    return st;
}
