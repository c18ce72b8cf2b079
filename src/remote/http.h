/* http: questions, texts and alerts out, answers in, by HTTP.
 *
 * A client serves one endpoint: its connections are kept, and what it learns of the endpoint (pace,
 * breaker) holds for all requests. An exchange is a call with any number of requests, of which some
 * run at once; each has its own deadline and is tried again where that helps. Any number of threads
 * exchange at once, in the order in which they come.
 *
 * What it never does: follow a redirect, speak anything but http and https, send in plain text to
 * another machine (unless insecure), leave a certificate unchecked, keep more of an answer than
 * allowed, or log a key, a query, or any body. */
#ifndef ED_REMOTE_HTTP_H
#define ED_REMOTE_HTTP_H

#include "remote/pace.h"

#include <eddy/doc.h>

struct ed_http;

struct ed_http_options {
    const char *url;           /* of the endpoint; requests add to its path. Its query is kept */
    const char *key;           /* goes out as Authorization: Bearer; NULL: none */
    const char *key_file;      /* the same from the first line of a file; NULL: none */
    const char *login;         /* NAME:PASSWORD, goes out as Authorization: Basic; NULL: none */
    const char *ca_file;       /* whom to trust (PEM); NULL: whom the system trusts */
    const char *cert_file;     /* who we are (PEM), to those who ask; NULL: nobody */
    const char *cert_key_file; /* its key (PEM); NULL: in cert_file */
    int64_t timeout_ms;        /* of a request, from its first attempt, with all that follow */
    int64_t connect_ms;        /* of an attempt until it is connected */
    int64_t stall_ms;          /* an attempt has ended that got less than 10 bytes a second for this
                                  long; whole seconds */
    size_t concurrency;        /* attempts at once */
    int retries;               /* of a request */
    size_t body_max;           /* bytes of an answer, unpacked */
    int deny_private;          /* 1: connect to public addresses only */
    int insecure;              /* 1: plain http to any machine */
    int hide_path;             /* 1: the URL's path is a secret as well, and is not shown */
    uint64_t seed;             /* of the waits' chance */
    struct ed_pace pace;       /* its brakes, see pace.h; window_max is set to concurrency */
    /* Asked before a request is tried again for its status: 1: that would be of no use. NULL: it
     * always may be. */
    int (*is_final)(long status, eddy_str body);
};

/* Why there is no good answer. */
enum ed_http_cause {
    ED_HTTP_GOOD,      /* 2xx */
    ED_HTTP_REFUSED,   /* 4xx but those of BUSY */
    ED_HTTP_REDIRECTS, /* 1xx, 3xx */
    ED_HTTP_BUSY,      /* 408, 425, 429: at another time perhaps */
    ED_HTTP_BROKEN,    /* 5xx */
    ED_HTTP_LATE,      /* it took too long, or trickled */
    ED_HTTP_CONNECT,   /* no such name, nobody there */
    ED_HTTP_LOST,      /* the connection broke off, or what came is not HTTP */
    ED_HTTP_UNTRUSTED, /* TLS: the other side is not who it should be, or our own certificate is
                          none */
    ED_HTTP_DENIED,    /* the name leads where it may not (deny_private, plain text) */
    ED_HTTP_TOO_LARGE,
    ED_HTTP_BREAKER, /* not asked: it failed too often just before */
    ED_HTTP_STOPPED,
    ED_HTTP_NOMEM,
    ED_HTTP_CAUSES
};

struct ed_http_request {
    const char *method;         /* "GET", "POST", ... */
    const char *path;           /* added to that of the endpoint: "/chat/completions"; may be "" */
    const char *const *headers; /* (n_headers) "Name: value" */
    size_t n_headers;
    eddy_str body;   /* not of a GET */
    size_t body_max; /* bytes of its answer, unpacked; 0: as the client's */
};

struct ed_http_reply {
    enum ed_http_cause cause;
    long status;        /* HTTP's; 0: no answer came */
    eddy_str body;      /* in the arena; also that of a refusal */
    const char *detail; /* one sentence about a failure, in the arena (or static), without a word of
                           the body; NULL when GOOD */
    int attempts;
    int late;   /* attempts of these that went out and were not answered in time */
    int64_t ms; /* from its first attempt to its end */
};

struct ed_http_stats {
    uint64_t requests, retries;
    uint64_t replies[ED_HTTP_CAUSES]; /* by cause; their sum is requests */
    uint64_t bytes_out, bytes_in;     /* of bodies, unpacked */
    double seconds;                   /* of all requests, one after the other */
    uint64_t opened;                  /* times that the breaker did */
    enum ed_breaker breaker;
};

/* url and the keys NULL, a minute for a request, 5 s to connect, 30 s of silence, 4 at once, 4
 * retries, 4 MiB, nothing denied. */
void ed_http_options_init(struct ed_http_options *options);

/* EDDY_CONFIG  the URL is none, or not allowed; a file is unreadable; a key is one that no header
 *              could hold; the text names it but not the key. EDDY_NOMEM
 * Connects to nothing. */
eddy_status ed_http_new(const struct ed_http_options *options, struct ed_http **ret,
                        eddy_error *err);
/* Only when no exchange is under way. */
void ed_http_free(struct ed_http *http);

/* Send (n) requests and wait for all replies, which are filled whatever happens. Any thread; the
 * arena may be written to by another one until then. */
void ed_http_exchange(struct ed_http *http, const struct ed_http_request *requests, size_t n,
                      eddy_arena *arena, struct ed_http_reply *replies);
/* The same, for somebody who may change his mind: stopped (may be NULL) is asked twenty times a
 * second, by any thread; 1: what has no reply yet is STOPPED. */
void ed_http_exchange_unless(struct ed_http *http, const struct ed_http_request *requests, size_t n,
                             eddy_arena *arena, struct ed_http_reply *replies,
                             int (*stopped)(void *user), void *user);

/* For exchanges from now on (ms of ed_monotonic_ms; INT64_MAX: no limit): a request that has not
 * begun by begin_ms does not, and none lasts beyond end_ms, whatever time it has of its own; both
 * are LATE. While nobody exchanges. */
void ed_http_until(struct ed_http *http, int64_t begin_ms, int64_t end_ms);

/* For good: the exchange under way ends within 100 ms, and later ones at once. Any thread. */
void ed_http_stop(struct ed_http *http);
/* Any thread. */
void ed_http_stats(struct ed_http *http, struct ed_http_stats *ret);
/* The endpoint without what is secret in its URL; lives as long as the client. */
const char *ed_http_name(const struct ed_http *http);
/* The key as it is sent, or "": to look whether somebody sends it back. */
const char *ed_http_key(const struct ed_http *http);

const char *ed_http_cause_name(enum ed_http_cause cause);
/* 1: the path of a URL (may be NULL) ends in tail, whatever query or slashes stand behind it. */
int ed_http_ends_in(const char *url, const char *tail);

#endif
