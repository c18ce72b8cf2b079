/* Endpoints like to repeat what they do not understand. What they say is passed on for people to
 * read, since it is often the only hint; but not where it repeats what nobody may see. */
#include "remote/refusal.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <jansson.h>
#include <string.h>

#define COMPLAINT_MAX 200
#define REPEATED_MIN  20 /* bytes of what was sent that are no accident; or all of a shorter one */

int ed_refusal_holds(eddy_str body, const char *word)
{
    return body.n && strstr(body.at, word) != NULL; /* a body ends in a 0 */
}

int ed_refusal_is_spent(long status, eddy_str body)
{
    return status == 429 && ed_refusal_holds(body, "insufficient_quota");
}

eddy_status ed_refusal_status(const struct ed_http_reply *r)
{
    switch (r->cause) {
    case ED_HTTP_REFUSED:
        return r->status == 400 || r->status == 413 || r->status == 422 ? EDDY_FORMAT : EDDY_CONFIG;
    case ED_HTTP_BUSY:
        return ed_refusal_is_spent(r->status, r->body) ? EDDY_CONFIG : EDDY_UNAVAILABLE;
    case ED_HTTP_REDIRECTS:
    case ED_HTTP_UNTRUSTED:
    case ED_HTTP_DENIED: return EDDY_CONFIG;
    case ED_HTTP_TOO_LARGE: return EDDY_FORMAT;
    case ED_HTTP_STOPPED: return EDDY_STOPPED;
    case ED_HTTP_NOMEM: return EDDY_NOMEM;
    default: return EDDY_UNAVAILABLE;
    }
}

static const char *meaning(const struct ed_http_reply *r)
{
    switch (r->status) {
    case 401:
    case 403: return ": the key is refused";
    case 402: return ": the account has nothing left";
    case 404: return ": there is no such path or model; the URL usually ends in /v1";
    case 413: return ": the question is too large for it";
    case 429: return ed_refusal_is_spent(429, r->body) ? ": the account has nothing left" : "";
    default: return r->cause == ED_HTTP_REFUSED ? ": it does not understand the request" : "";
    }
}

/* ---- its own words ---- */

static const json_t *complaint_in(const json_t *root)
{
    const json_t *error = json_object_get(root, "error");
    const json_t *tries[] = {json_object_get(error, "message"), error,
                             json_object_get(root, "message"), json_object_get(root, "detail")};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
        if (json_is_string(tries[i]))
            return tries[i];
    return NULL;
}

eddy_str ed_refusal_complaint(eddy_str body, eddy_arena *arena)
{
    json_t *root =
        json_loadb(body.at ? body.at : "", body.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const json_t *said = complaint_in(root);
    char line[COMPLAINT_MAX];
    size_t n = 0;
    if (said) {
        n = ed_utf8_cut(json_string_value(said), json_string_length(said), sizeof line);
        memcpy(line, json_string_value(said), n);
    }
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
    json_decref(root);
    eddy_str ret = ed_arena_str(arena, line, n);
    return ret.at ? ret : (eddy_str){NULL, 0};
}

static int repeats(eddy_str said, eddy_str text)
{
    size_t n = text.n < REPEATED_MIN ? text.n : REPEATED_MIN;
    for (size_t i = 0; n && i + n <= said.n; i++)
        for (size_t j = 0; j + n <= text.n; j++)
            if (said.at[i] == text.at[j] && memcmp(said.at + i, text.at + j, n) == 0)
                return 1;
    return 0;
}

eddy_str ed_refusal_text(const struct ed_http_reply *r, const char *key, const eddy_str *sent,
                         size_t n, eddy_arena *arena)
{
    eddy_str said = ed_refusal_complaint(r->body, arena);
    int secret = said.n && *key && strstr(said.at, key);
    for (size_t i = 0; i < n && said.n && !secret; i++)
        secret = repeats(said, sent[i]);
    if (secret)
        said.n = 0;
    return ed_arena_printf(arena, "%s%s%s%.*s", r->detail, meaning(r), said.n ? "; it says: " : "",
                           (int)said.n, said.n ? said.at : "");
}
