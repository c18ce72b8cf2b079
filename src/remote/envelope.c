/* The JSON of chat: our side is written by hand, theirs read by jansson and not trusted. */
#include "remote/envelope.h"

#include "base/json.h"
#include "base/memory.h"

#include <jansson.h>
#include <string.h>

#define SPUN_MIN 16 /* blanks in a row: more than any layout has */

/* ---- the request ---- */

static void raw(struct ed_bytes *b, const char *key, eddy_str json)
{
    ed_json_key(b, key);
    ed_bytes_add(b, json.at, json.n);
}

static void text(struct ed_bytes *b, const char *key, const char *value)
{
    ed_json_key(b, key);
    ed_json_text(b, value, strlen(value));
}

static void write_format(struct ed_bytes *b, const eddy_request *r, enum ed_form form)
{
    if (form == ED_FORM_TEXT)
        return;
    ed_json_key(b, "response_format");
    ed_json_open(b, '{');
    text(b, "type", form == ED_FORM_SCHEMA ? "json_schema" : "json_object");
    if (form == ED_FORM_OBJECT_SCHEMA)
        raw(b, "schema", r->schema);
    if (form == ED_FORM_SCHEMA) {
        ed_json_key(b, "json_schema");
        ed_json_open(b, '{');
        text(b, "name", r->purpose);
        ed_json_key(b, "strict");
        ed_json_bool(b, 1);
        raw(b, "schema", r->schema);
        ed_json_close(b, '}');
    }
    ed_json_close(b, '}');
}

static void write_message(struct ed_bytes *b, const char *role, eddy_str content, eddy_str schema)
{
    struct ed_bytes all;
    ed_bytes_init(&all, 0);
    ed_bytes_add(&all, content.at, content.n);
    if (schema.n) {
        ed_bytes_add_str(&all, "\n\nAnswer with one JSON object and nothing else. "
                               "It follows this JSON schema:\n");
        ed_bytes_add(&all, schema.at, schema.n);
    }
    ed_json_open(b, '{');
    text(b, "role", role);
    ed_json_key(b, "content");
    ed_json_text(b, all.n ? all.at : "", all.n);
    ed_json_close(b, '}');
    b->failed |= all.failed;
    ed_bytes_clear(&all);
}

void ed_envelope_write(struct ed_bytes *b, const char *model, const eddy_request *r,
                       const struct ed_dialect *d)
{
    static const eddy_str none = {NULL, 0};
    ed_json_open(b, '{');
    text(b, "model", model);
    ed_json_key(b, "messages");
    ed_json_open(b, '[');
    write_message(b, "system", r->system, d->form == ED_FORM_SCHEMA ? none : r->schema);
    write_message(b, "user", r->user, none);
    ed_json_close(b, ']');
    ed_json_key(b, d->max_completion_tokens ? "max_completion_tokens" : "max_tokens");
    ed_json_integer(b, r->max_tokens > 0 ? r->max_tokens : 1024);
    if (!d->no_temperature) {
        ed_json_key(b, "temperature");
        ed_json_integer(b, 0);
    }
    if (!d->no_seed) {
        ed_json_key(b, "seed");
        ed_json_integer(b, 1);
    }
    write_format(b, r, d->form);
    ed_json_close(b, '}');
}

/* ---- the answer ---- */

/* JSON that is not there is NULL, and so is each of its fields. \u0000 is a character like another:
 * whoever reads the text on decides what he thinks of it. */
static json_t *load(eddy_str body, json_error_t *why)
{
    return json_loadb(body.at ? body.at : "", body.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, why);
}

static int is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static eddy_str trim(eddy_str s)
{
    while (s.n && is_blank(*s.at)) {
        s.at++;
        s.n--;
    }
    while (s.n && is_blank(s.at[s.n - 1]))
        s.n--;
    return s;
}

/* Models that think aloud begin with their thoughts, which are not the answer. */
static eddy_str without_thoughts(eddy_str s)
{
    static const char open[] = "<think>", close[] = "</think>";
    s = trim(s);
    if (s.n < sizeof open - 1 || memcmp(s.at, open, sizeof open - 1) != 0)
        return s;
    const char *end = strstr(s.at, close); /* content ends in a 0 */
    if (!end)
        return s;
    end += sizeof close - 1;
    return trim((eddy_str){end, s.n - (size_t)(end - s.at)});
}

/* A string, or the texts of an array of parts, one after the other. */
static void gather(const json_t *content, struct ed_bytes *b)
{
    size_t i;
    json_t *part;
    if (json_is_string(content))
        ed_bytes_add(b, json_string_value(content), json_string_length(content));
    json_array_foreach(content, i, part)
    {
        const json_t *piece = json_object_get(part, "text");
        if (json_is_string(piece))
            ed_bytes_add(b, json_string_value(piece), json_string_length(piece));
    }
}

static int is_object(eddy_str s)
{
    json_t *root = s.n && *s.at == '{' ? load(s, NULL) : NULL;
    json_decref(root);
    return root != NULL;
}

/* Grammars of some servers let line ends and other controls into strings, where JSON wants them
 * escaped; so do models that write a text of several lines. */
static void escape_controls(eddy_str s, struct ed_bytes *b)
{
    int inside = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.at[i];
        if (inside && (unsigned char)c < ' ') {
            ed_bytes_printf(b, "\\u%04x", c);
            continue;
        }
        ed_bytes_add(b, &c, 1);
        if (inside && c == '\\' && i + 1 < s.n)
            ed_bytes_add(b, &s.at[++i], 1);
        else if (c == '"')
            inside = !inside;
    }
}

/* What was said, in the arena; as JSON where it only takes such an escape to make it so. */
static eddy_status read_text(eddy_str said, eddy_arena *arena, struct ed_answer *ret)
{
    struct ed_bytes mended;
    ed_bytes_init(&mended, 0);
    ret->is_object = is_object(said);
    if (!ret->is_object && *said.at == '{') {
        escape_controls(said, &mended);
        eddy_str now = {mended.at, mended.n};
        ret->is_object = !mended.failed && is_object(now);
        said = ret->is_object ? now : said;
    }
    ret->text = ed_arena_str(arena, said.at, said.n);
    ed_bytes_clear(&mended);
    return ret->text.at ? EDDY_OK : EDDY_NOMEM;
}

static uint64_t count_of(const json_t *usage, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(usage, key));
    return n > 0 ? (uint64_t)n : 0;
}

static int is_said(const json_t *value, const char *word)
{
    return json_is_string(value) && strcmp(json_string_value(value), word) == 0;
}

static enum ed_ending ending_of(const json_t *choice, eddy_str text)
{
    const json_t *message = json_object_get(choice, "message");
    const json_t *reason = json_object_get(choice, "finish_reason");
    if (!json_is_object(message))
        return ED_ENDING_NOT_CHAT;
    if (is_said(reason, "length"))
        return ED_ENDING_CUT;
    if (is_said(reason, "content_filter"))
        return ED_ENDING_FILTERED;
    if (json_string_length(json_object_get(message, "refusal")))
        return ED_ENDING_REFUSED;
    if (text.n)
        return ED_ENDING_WELL;
    int calls = json_array_size(json_object_get(message, "tool_calls")) > 0 ||
                json_is_object(json_object_get(message, "function_call"));
    return calls ? ED_ENDING_TOOL : ED_ENDING_EMPTY;
}

static eddy_status read_choice(const json_t *root, eddy_arena *arena, struct ed_answer *ret)
{
    const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
    const json_t *usage = json_object_get(root, "usage");
    struct ed_bytes content;
    ed_bytes_init(&content, 0);
    gather(json_object_get(json_object_get(choice, "message"), "content"), &content);
    eddy_str whole = {content.at, content.n}, said = without_thoughts(whole);
    ret->ending = ending_of(choice, said);
    ret->tokens_in = count_of(usage, "prompt_tokens");
    ret->tokens_out = count_of(usage, "completion_tokens");
    ret->is_spun = ret->ending == ED_ENDING_CUT && whole.n - trim(whole).n >= SPUN_MIN;
    eddy_status st = content.failed ? EDDY_NOMEM : EDDY_OK;
    if (ret->ending == ED_ENDING_WELL && st == EDDY_OK)
        st = read_text(said, arena, ret);
    ed_bytes_clear(&content);
    return st;
}

eddy_status ed_envelope_read(eddy_str body, eddy_arena *arena, struct ed_answer *ret)
{
    json_error_t why;
    json_t *root = load(body, &why);
    *ret = (struct ed_answer){.ending = ED_ENDING_NOT_CHAT};
    if (!root)
        return json_error_code(&why) == json_error_out_of_memory ? EDDY_NOMEM : EDDY_OK;
    eddy_status st = read_choice(root, arena, ret);
    json_decref(root);
    return st;
}
