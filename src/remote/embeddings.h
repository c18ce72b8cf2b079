/* embeddings: an embedder over any OpenAI-compatible /v1/embeddings.
 *
 * Documents wait for it, whatever happens to it: as long as it is down, slow, busy or over budget,
 * the callers are held back, it is tried again at growing intervals (with one plain sentence, until
 * it has answered that), and the log says so. What waiting does not mend ends the call: a key or
 * model that is refused, another number of dimensions than at the start.
 *
 * A request that is refused is asked again in halves, until the text is found that is to blame.
 * That one is cut shorter where it is too long; else it is refused, and only if the endpoint takes
 * another text at the same time: so nothing is refused because the endpoint is broken. */
#ifndef ED_REMOTE_EMBEDDINGS_H
#define ED_REMOTE_EMBEDDINGS_H

#include "remote/http.h"
#include "remote/rows.h"

#include <eddy/embed.h>

struct ed_embeddings;

struct ed_embeddings_options {
    struct ed_http_options http; /* url: "https://HOST/v1", with or without /embeddings */
    const char *model;
    const char *prefix;  /* stands before each text; "": nothing does */
    size_t dimensions;   /* that vectors are to have; 0: as many as the model's */
    size_t tokens_max;   /* of a text, by estimate; a longer one is cut */
    size_t batch_max;    /* texts in a request ... */
    size_t batch_tokens; /* ... and their tokens, by estimate */
    double calls_minute; /* requests in a minute, each try is one; 0: any */
    int64_t start_ms;    /* that it is waited for until it gives its first vectors */
};

struct ed_embeddings_stats {
    struct ed_http_stats http;
    uint64_t texts;     /* that have their vectors */
    uint64_t tokens;    /* that the endpoint counted */
    uint64_t shortened; /* times that a text was too long for it after all */
    uint64_t refused;   /* texts */
    uint64_t nonsense;  /* replies that were no embeddings, or not ours */
    uint64_t waits;     /* times that texts had to wait */
    uint64_t down;      /* calls that wait now, to which the last round brought nothing */
    int64_t test_ms;    /* that the first request took, of three sentences */
    size_t batch_max;   /* texts in a request, as it has turned out */
    int floats;         /* 1: base64 is not understood there */
};

/* As ed_http_options_init, but one retry (then it is waited for); and what suits most endpoints: 32
 * texts and 16,384 tokens in a request, texts of 480 tokens, 10 s at the start. url and model NULL.
 */
void ed_embeddings_options_init(struct ed_embeddings_options *options);

/* Open it, and ask it for the vectors of three sentences, of which two are the same: so we know its
 * dimensions, how it wants to be asked, and that its vectors mean something. stopped (may be NULL)
 * as in ed_http_exchange_unless.
 *
 * EDDY_CONFIG       as ed_http_new; there is no model; or what is there is no such endpoint, has no
 *                   such model, or gives other dimensions than asked for
 * EDDY_UNAVAILABLE  it cannot be reached in time
 * EDDY_STOPPED, EDDY_NOMEM */
eddy_status ed_embeddings_open(const struct ed_embeddings_options *options,
                               int (*stopped)(void *user), void *user, struct ed_embeddings **ret,
                               eddy_error *err);
/* Only when nothing is being embedded. */
void ed_embeddings_free(struct ed_embeddings *e);

/* For eddy_embedder_open; frees e at its end. Its fingerprint is of the model's name, the
 * dimensions, the prefix and tokens_max, not of the URL: the same model elsewhere goes on with the
 * same state. Its calls end with
 *
 * EDDY_CONFIG       what waiting does not mend; the text names endpoint and model
 * EDDY_UNAVAILABLE  it answers, but nonsense, again and again
 * EDDY_STOPPED, EDDY_NOMEM
 *
 * No log line and no error holds text of a document or a key. Any number of threads. */
eddy_endpoint ed_embeddings_endpoint(struct ed_embeddings *e);

/* Any thread. */
void ed_embeddings_stats(struct ed_embeddings *e, struct ed_embeddings_stats *ret);

#endif
