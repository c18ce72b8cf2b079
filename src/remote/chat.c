/* The ladder. A call goes in rounds: all questions that are open are asked at once; an answer, or a
 * failure that no other dialect can help, closes one; the others come again in the next round, a
 * step further down. There are only so many steps, so there is an end. */
#include "remote/chat.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "remote/refusal.h"

#include <pthread.h>
#include <string.h>

struct ed_chat {
    struct ed_http *http;
    char *model;
    const char *path;
    size_t answer_max;
    struct ed_dialect dialect; /* the owner's */
    int proven;
    pthread_mutex_t lock; /* stats */
    struct ed_chat_stats stats;
};

/* A question under way. */
struct asking {
    const eddy_request *request;
    eddy_reply *reply;
    struct ed_dialect dialect;
    int open;
    struct ed_bytes body;
    const char *headers[4];
};

const char *ed_form_name(enum ed_form form)
{
    static const char *const names[ED_FORMS] = {"json_schema", "json_object with schema",
                                                "json_object", "text"};
    return names[form];
}

/* ---- what a failure means ---- */

static int is_about_form(eddy_str body)
{
    return ed_refusal_holds(body, "response_format") || ed_refusal_holds(body, "schema") ||
           ed_refusal_holds(body, "grammar") || ed_refusal_holds(body, "json_object");
}

/* An account that is empty stays so, and a form that breaks the server will break it again. */
static int is_final(long status, eddy_str body)
{
    return ed_refusal_is_spent(status, body) || (status >= 500 && is_about_form(body));
}

static void fail(struct asking *a, eddy_status status, eddy_str detail)
{
    a->open = 0;
    a->reply->status = status;
    a->reply->detail = detail.at ? detail.at : "no memory for the reason";
}

static void fail_http(const struct ed_chat *chat, struct asking *a, const struct ed_http_reply *r,
                      eddy_arena *arena)
{
    const eddy_str asked[] = {a->request->user, a->request->system};
    fail(a, ed_refusal_status(r), ed_refusal_text(r, ed_http_key(chat->http), asked, 2, arena));
    if (a->reply->status == EDDY_CONFIG)
        ed_log(ED_LOG_ERROR, "remote", "model %s: %s", chat->model, a->reply->detail);
}

static void fail_ending(const struct ed_chat *chat, struct asking *a, enum ed_ending ending,
                        eddy_arena *arena)
{
    static const char *const words[ED_ENDINGS] = {
        [ED_ENDING_CUT] = "the answer was cut off at its limit of tokens",
        [ED_ENDING_FILTERED] = "the answer was filtered by the endpoint",
        [ED_ENDING_REFUSED] = "the model refuses to answer",
        [ED_ENDING_TOOL] = "the model calls a tool, and there is none",
        [ED_ENDING_EMPTY] = "the answer is empty",
        [ED_ENDING_NOT_CHAT] = "what came is not a chat completion"};
    ed_log(ED_LOG_WARN, "remote", "%s: question of kind %s: %s", ed_http_name(chat->http),
           a->request->purpose, words[ending]);
    fail(a, EDDY_FORMAT, ed_arena_printf(arena, "%s: %s", ed_http_name(chat->http), words[ending]));
}

/* ---- the ladder ---- */

/* The next step down for this question; 0: there is none. */
static int step_down(struct asking *a)
{
    if (a->dialect.form == ED_FORM_TEXT)
        return 0;
    a->dialect.form++;
    return 1;
}

/* A refusal that another dialect may help: what is complained of goes first, then the form. Where a
 * form has proven itself, only a complaint about it leads away from it. */
static int adapt(const struct ed_chat *chat, struct asking *a, const struct ed_http_reply *r)
{
    struct ed_dialect *d = &a->dialect;
    int refused =
        r->cause == ED_HTTP_REFUSED && ed_refusal_status(r) == EDDY_FORMAT && r->status != 413;
    if (!refused && !(r->cause == ED_HTTP_BROKEN && is_about_form(r->body)))
        return 0;
    if (refused && !d->max_completion_tokens && ed_refusal_holds(r->body, "max_completion_tokens"))
        return d->max_completion_tokens = 1;
    if (refused && !d->no_temperature && ed_refusal_holds(r->body, "temperature"))
        return d->no_temperature = 1;
    if (refused && !d->no_seed && ed_refusal_holds(r->body, "seed"))
        return d->no_seed = 1;
    return (!chat->proven || is_about_form(r->body)) && step_down(a);
}

static void remember(struct ed_chat *chat, const struct ed_dialect *dialect)
{
    if (chat->dialect.form != dialect->form)
        ed_log(ED_LOG_INFO, "remote", "%s: answers are asked for as %s from now on",
               ed_http_name(chat->http), ed_form_name(dialect->form));
    chat->dialect = *dialect;
    chat->proven = 1;
    pthread_mutex_lock(&chat->lock);
    chat->stats.form = dialect->form;
    chat->stats.form_proven = 1;
    pthread_mutex_unlock(&chat->lock);
}

static void take_answer(struct ed_chat *chat, struct asking *a, const struct ed_answer *answer,
                        eddy_arena *arena)
{
    a->reply->tokens_in += answer->tokens_in;
    a->reply->tokens_out += answer->tokens_out;
    pthread_mutex_lock(&chat->lock);
    chat->stats.endings[answer->ending]++;
    pthread_mutex_unlock(&chat->lock);
    int fine = answer->ending == ED_ENDING_WELL;
    /* Taken, but not kept to: the next form may be. What was said stands if nothing better comes.
     */
    int ignored = fine ? !answer->is_object : answer->is_spun;
    if (fine)
        a->reply->text = answer->text;
    if (ignored && !chat->proven && step_down(a))
        return;
    if (!fine && !a->reply->text.n) {
        fail_ending(chat, a, answer->ending, arena);
        return;
    }
    a->open = 0;
    a->reply->status = EDDY_OK;
    if (answer->is_object || a->dialect.form == ED_FORM_TEXT)
        remember(chat, &a->dialect);
}

static void take(struct ed_chat *chat, struct asking *a, const struct ed_http_reply *r,
                 eddy_arena *arena)
{
    struct ed_answer answer;
    a->reply->attempts += (uint64_t)r->attempts;
    a->reply->tokens_in +=
        (uint64_t)r->late * a->request->tokens_in; /* it may have read them all */
    if (r->cause != ED_HTTP_GOOD) {
        if (adapt(chat, a, r))
            return;
        if (!a->reply->text.n) {
            fail_http(chat, a, r, arena);
            return;
        }
        a->open = 0; /* an answer in another form stands */
        a->reply->status = EDDY_OK;
    } else if (ed_envelope_read(r->body, arena, &answer) == EDDY_OK) {
        take_answer(chat, a, &answer, arena);
    } else {
        fail(a, EDDY_NOMEM, ed_arena_str(arena, "no memory for the answer", 24));
    }
}

/* ---- a call ---- */

/* 0: no memory. */
static int prepare(const struct ed_chat *chat, struct asking *a, eddy_arena *arena,
                   struct ed_http_request *ret)
{
    ed_bytes_empty(&a->body);
    ed_envelope_write(&a->body, chat->model, a->request, &a->dialect);
    a->headers[0] = "Content-Type: application/json";
    a->headers[1] = "Accept: application/json";
    a->headers[2] = ed_arena_printf(arena, "X-Eddy-Purpose: %s", a->request->purpose).at;
    a->headers[3] = ed_arena_printf(arena, "X-Eddy-Key: %s", a->request->key).at;
    *ret = (struct ed_http_request){.method = "POST",
                                    .path = chat->path,
                                    .headers = a->headers,
                                    .n_headers = a->request->key[0] ? 4 : 3,
                                    .body = {a->body.at, a->body.n}};
    return !a->body.failed && a->headers[2] && a->headers[3];
}

/* Ask all that are open; returns how many still are. The arena of HTTP lives for a round: only what
 * is said goes into the caller's. */
static size_t round_of(struct ed_chat *chat, struct asking *askings, size_t n, eddy_arena *arena)
{
    eddy_arena *inner = eddy_arena_new(64 * (chat->answer_max + 4096));
    struct ed_http_request *requests = ed_alloc_zero(n, sizeof *requests);
    struct ed_http_reply *replies = ed_alloc_zero(n, sizeof *replies);
    size_t *whose = ed_alloc_zero(n, sizeof *whose), n_asked = 0, n_open = 0;
    int memory = inner && requests && replies && whose;
    for (size_t i = 0; i < n; i++) {
        if (!askings[i].open)
            continue;
        if (memory && prepare(chat, &askings[i], inner, &requests[n_asked]))
            whose[n_asked++] = i;
        else
            fail(&askings[i], EDDY_NOMEM, ed_arena_str(arena, "no memory for the question", 26));
    }
    if (n_asked)
        ed_http_exchange(chat->http, requests, n_asked, inner, replies);
    for (size_t i = 0; i < n_asked; i++) {
        take(chat, &askings[whose[i]], &replies[i], arena);
        n_open += (size_t)askings[whose[i]].open;
    }
    ed_free(whose);
    ed_free(replies);
    ed_free(requests);
    eddy_arena_free(inner);
    return n_open;
}

static void ask(struct ed_chat *chat, const eddy_request *requests, size_t n, eddy_arena *arena,
                eddy_reply *replies)
{
    struct asking *askings = ed_alloc_zero(n, sizeof *askings);
    for (size_t i = 0; i < n; i++) {
        replies[i] = (eddy_reply){.status = EDDY_NOMEM, .detail = "no memory for the question"};
        if (askings)
            askings[i] = (struct asking){
                .request = &requests[i], .reply = &replies[i], .dialect = chat->dialect, .open = 1};
        if (askings)
            ed_bytes_init(&askings[i].body, 0);
    }
    while (askings && round_of(chat, askings, n, arena))
        ;
    for (size_t i = 0; askings && i < n; i++) {
        if (replies[i].status != EDDY_OK)
            replies[i].text = (eddy_str){NULL, 0};
        else
            replies[i].detail = NULL;
        ed_bytes_clear(&askings[i].body);
    }
    ed_free(askings);
}

static void complete(void *self, const eddy_request *requests, size_t n, eddy_arena *arena,
                     eddy_reply *replies)
{
    struct ed_chat *chat = self;
    size_t first = n && !chat->proven;
    if (first)
        ask(chat, requests, 1, arena, replies);
    /* What has to be put right by hand would be the same for the others. */
    if (first && replies[0].status == EDDY_CONFIG) {
        for (size_t i = 1; i < n; i++)
            replies[i] = (eddy_reply){.status = EDDY_CONFIG, .detail = replies[0].detail};
        return;
    }
    if (n > first)
        ask(chat, requests + first, n - first, arena, replies + first);
}

eddy_completer ed_chat_completer(struct ed_chat *chat)
{
    return (eddy_completer){.self = chat, .complete = complete};
}

/* ---- birth and death ---- */

void ed_chat_options_init(struct ed_chat_options *options)
{
    *options = (struct ed_chat_options){.model = NULL};
    ed_http_options_init(&options->http);
    options->http.body_max = 1 << 20;
    options->http.timeout_ms = 120000;
    options->http.stall_ms = 60000;
}

void ed_chat_until(struct ed_chat *chat, int64_t begin_ms, int64_t end_ms)
{
    ed_http_until(chat->http, begin_ms, end_ms);
}

void ed_chat_stop(struct ed_chat *chat)
{
    ed_http_stop(chat->http);
}

void ed_chat_stats(struct ed_chat *chat, struct ed_chat_stats *ret)
{
    pthread_mutex_lock(&chat->lock);
    *ret = chat->stats;
    pthread_mutex_unlock(&chat->lock);
    ed_http_stats(chat->http, &ret->http);
}

void ed_chat_free(struct ed_chat *chat)
{
    if (!chat)
        return;
    ed_http_free(chat->http);
    ed_free(chat->model);
    pthread_mutex_destroy(&chat->lock);
    ed_free(chat);
}

eddy_status ed_chat_new(const struct ed_chat_options *options, struct ed_chat **ret,
                        eddy_error *err)
{
    static const char path[] = "/chat/completions";
    if (!options->model || !*options->model)
        return eddy_fail(err, EDDY_CONFIG, "a chat endpoint needs the name of a model");
    struct ed_chat *chat = ed_alloc_zero(1, sizeof *chat);
    if (!chat)
        return eddy_fail_nomem(err, "chat", sizeof *chat);
    pthread_mutex_init(&chat->lock, NULL);
    struct ed_http_options http = options->http;
    http.is_final = is_final;
    chat->answer_max = http.body_max;
    chat->dialect.form = chat->stats.form = options->form;
    chat->path = ed_http_ends_in(http.url, path) ? "" : path;
    chat->model = ed_strdup(options->model);
    eddy_status st = chat->model ? ed_http_new(&http, &chat->http, err)
                                 : eddy_fail_nomem(err, "chat", strlen(options->model));
    if (st != EDDY_OK) {
        ed_chat_free(chat);
        return st;
    }
    *ret = chat;
    return EDDY_OK;
}
