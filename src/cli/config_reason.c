/* What the reasoner is told: reason.* in the words of eddy/reason.h and of the HTTP client. */
#include "cli/config_inner.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PROMPT_MAX ((size_t)64 << 10)

/* "" is not set. */
static const char *given(const char *text)
{
    return *text ? text : NULL;
}

/* One prompt of the directory; *ret stays NULL where there is no such file. */
static eddy_status prompt_read(struct ed_config *config, eddy_prompt prompt, const char **ret,
                               eddy_error *err)
{
    eddy_str path = ed_arena_printf(config->arena, "%s/%s.md", config->reason.prompts,
                                    eddy_prompt_name(prompt));
    char *text = ed_arena_alloc(config->arena, PROMPT_MAX + 1);
    if (!path.at || !text)
        return eddy_fail_nomem(err, "prompt", PROMPT_MAX);
    FILE *in = fopen(path.at, "r");
    if (!in && errno == ENOENT)
        return EDDY_OK;
    if (!in)
        return eddy_fail(err, EDDY_IO, "%s: cannot open: %s", path.at, strerror(errno));
    size_t n = fread(text, 1, PROMPT_MAX + 1, in);
    int failed = ferror(in);
    fclose(in);
    if (failed)
        return eddy_fail(err, EDDY_IO, "%s: cannot read", path.at);
    if (n > PROMPT_MAX || memchr(text, 0, n))
        return eddy_fail(err, EDDY_CONFIG, "%s: is no text, or longer than %zu bytes", path.at,
                         PROMPT_MAX);
    text[n] = 0;
    *ret = text;
    return EDDY_OK;
}

static eddy_status prompts_read(struct ed_config *config, eddy_reason_options *o, eddy_error *err)
{
    struct stat is;
    eddy_status st = EDDY_OK;
    int n = 0;
    if (!*config->reason.prompts)
        return EDDY_OK;
    if (stat(config->reason.prompts, &is) != 0)
        return eddy_fail(err, EDDY_IO, "reason.prompts %s: %s", config->reason.prompts,
                         strerror(errno));
    for (int p = 0; p < EDDY_PROMPTS && st == EDDY_OK; p++) {
        st = prompt_read(config, (eddy_prompt)p, &o->prompts[p], err);
        n += o->prompts[p] != NULL;
    }
    return st == EDDY_OK && !n
               ? eddy_fail(err, EDDY_CONFIG, "reason.prompts %s: no prompt is there (name.md, ...)",
                           config->reason.prompts)
               : st;
}

eddy_status ed_config_reason_options(struct ed_config *config, struct ed_reason_options *ret,
                                     eddy_error *err)
{
    *ret = (struct ed_reason_options){.kind = (enum ed_reason_kind)config->reason.kind,
                                      .every = (uint64_t)config->reason.every,
                                      .interval_ms = config->reason.interval_ms,
                                      .changes = (uint64_t)config->reason.changes,
                                      .last_ms = config->reason.last_ms,
                                      .doubts_max = (size_t)config->reason.questions};
    eddy_reason_options *o = &ret->reason;
    eddy_reason_options_init(o);
    o->language = given(config->reason.language);
    o->granularity = given(config->reason.granularity);
    o->categories = config->reason.categories.at;
    o->n_categories = config->reason.categories.n;
    o->model = given(config->reason.model);
    o->questions_max = (size_t)config->reason.questions;
    o->calls_hour = (uint64_t)config->reason.calls_hour;
    o->calls_day = (uint64_t)config->reason.calls_day;
    o->tokens_hour = (uint64_t)config->reason.tokens_hour;
    o->tokens_day = (uint64_t)config->reason.tokens_day;
    o->money_hour = config->reason.money_hour;
    o->money_day = config->reason.money_day;
    o->price_in = config->reason.price_in;
    o->price_out = config->reason.price_out;
    o->error = config->reason.error;
    o->cache_max = (size_t)config->reason.cache;

    struct ed_chat_options *chat = &ret->chat;
    ed_chat_options_init(chat);
    chat->model = given(config->reason.model);
    chat->http.url = given(config->reason.url);
    chat->http.key = given(config->reason.key);
    chat->http.ca_file = given(config->reason.ca_file);
    chat->http.timeout_ms = config->reason.timeout_ms;
    chat->http.concurrency = (size_t)config->reason.concurrency;
    chat->http.retries = (int)config->reason.retries;
    chat->http.deny_private = config->reason.deny_private;
    chat->http.insecure = config->insecure;
    return prompts_read(config, o, err);
}
