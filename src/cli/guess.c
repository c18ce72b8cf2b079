/* guess: one look at the beginning of an input. */
#include "cli/guess.h"

#include "base/error.h"

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

eddy_status ed_guess_format(struct ed_config *config, struct ed_source *source, const char *command,
                            eddy_error *err)
{
    static char text[FIRST_BYTES];
    size_t n = 0;
    int format = EDDY_FORMAT_JSON;
    if (ed_config_source_of(config, "document.format")->layer > ED_LAYER_PROFILE)
        return EDDY_OK;
    eddy_status st = ed_source_files_peek(source, text, sizeof text, &n, err);
    if (st == EDDY_OK && n)
        st = format_of(text, n, command, &format, err);
    if (st == EDDY_OK && n)
        config->document.format = format;
    return st;
}
