/* chat: a completer over any OpenAI-compatible /v1/chat/completions.
 *
 * How an answer is held to its schema is found out by trying, from the strictest form down, and
 * remembered: an endpoint that refuses a form, or takes it and does not keep it, is asked in the
 * next one. Until a form has proven itself only one request finds out; the others wait for it.
 *
 * Each request carries two headers of its own, X-Eddy-Purpose and X-Eddy-Key: for gateways that
 * keep accounts, and for tests/llm/server, which records and replays by them. */
#ifndef ED_REMOTE_CHAT_H
#define ED_REMOTE_CHAT_H

#include "remote/envelope.h"
#include "remote/http.h"

struct ed_chat;

struct ed_chat_options {
    struct ed_http_options http; /* url: "https://HOST/v1", with or without /chat/completions */
    const char *model;
    enum ed_form
        form; /* the strictest one that is tried: some endpoints take a form and then spin */
};

struct ed_chat_stats {
    struct ed_http_stats http;
    uint64_t endings[ED_ENDINGS]; /* of the answers that came; WELL may still be nonsense */
    enum ed_form form;
    int form_proven; /* 1: an answer in this form was a JSON object */
};

/* As ed_http_options_init, but 1 MiB for an answer, and 60 s of silence within two minutes: nothing
 * comes before a model has finished, and a small machine takes its time. model NULL, all forms. */
void ed_chat_options_init(struct ed_chat_options *options);

/* EDDY_CONFIG  as ed_http_new, or there is no model. EDDY_NOMEM. Connects to nothing. */
eddy_status ed_chat_new(const struct ed_chat_options *options, struct ed_chat **ret,
                        eddy_error *err);
/* Only when nothing is being completed. */
void ed_chat_free(struct ed_chat *chat);

/* Its replies (see eddy/reason.h):
 *
 * EDDY_CONFIG       key, model, path or address are refused: whoever runs eddy has to do something
 * EDDY_UNAVAILABLE  down, busy, late, or not asked since it was so just before
 * EDDY_FORMAT       what came is no answer: too large, not chat, cut off, refused, empty
 * EDDY_STOPPED, EDDY_NOMEM
 *
 * A detail holds no text of a document and no key, even where the endpoint repeats them. One owner
 * thread. */
eddy_completer ed_chat_completer(struct ed_chat *chat);

/* As ed_http_until, for what is completed from now on. The owner. */
void ed_chat_until(struct ed_chat *chat, int64_t begin_ms, int64_t end_ms);
/* For good: what is being completed ends within 100 ms, and later calls at once. Any thread. */
void ed_chat_stop(struct ed_chat *chat);
/* Any thread. */
void ed_chat_stats(struct ed_chat *chat, struct ed_chat_stats *ret);

const char *ed_form_name(enum ed_form form);

#endif
