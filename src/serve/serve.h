/* serve: what people and machines see of a running eddy, by HTTP: metrics, health, the API.
 *
 * One server for a process, whatever its shards. It answers from copies: what it shows of events is
 * the board's, and what it measures is asked of the callbacks below, which only read counters.
 * Nothing here ever waits for the engine; what a person asks for goes the way that all operations
 * go, and only the asker waits.
 *
 * Who may ask: it listens on loopback by default. A request's Host must be an address, "localhost",
 * or a name that was given, so that no web page reaches it under a name of its own (DNS rebinding).
 * No other origin is allowed to read; the one page is ours, and shows text as text. What changes
 * events needs the token. */
#ifndef ED_SERVE_SERVE_H
#define ED_SERVE_SERVE_H

#include "serve/exposition.h"

#include <eddy/doc.h>

enum ed_health {
    ED_HEALTH_ALIVE,  /* the process does its work, or will */
    ED_HEALTH_READY,  /* it has shards, and what they need */
    ED_HEALTH_STARTED /* it has come so far that READY means something */
};

/* Called by the server's threads; what they write is JSON, or metrics. Any may be NULL but user. */
struct ed_serve_backend {
    void *user;
    void (*metrics)(void *user, struct ed_exposition *x);
    /* {"status": ..., "checks": ...}; 1: all is well. */
    int (*health)(void *user, enum ed_health which, struct ed_bytes *json);
    void (*stats)(void *user, struct ed_bytes *json);
    void (*replay)(void *user, struct ed_bytes *json);
    /* A control message (parse/control.h). Returns an HTTP status; json is the answer, an object.
     * May take seconds, and is called for one at a time. */
    unsigned (*operate)(void *user, eddy_str message, struct ed_bytes *json);
};

struct ed_board;

struct ed_serve_options {
    const char *address;      /* numeric: "127.0.0.1", "::1", "0.0.0.0" */
    int port;                 /* 0: any that is free */
    int tries;                /* so many ports from that one on; at least 1 */
    const char *const *hosts; /* (n_hosts) names under which it may be asked */
    size_t n_hosts;
    const char *pipeline;
    const char *token; /* "": nobody may operate */
    struct ed_serve_backend backend;
    struct ed_board *board; /* borrowed */
};

struct ed_serve;

/* EDDY_CONFIG       the address is none
 * EDDY_UNAVAILABLE  no port is free there, or it is not this machine's; the text says which
 * EDDY_NOMEM */
eddy_status ed_serve_start(const struct ed_serve_options *options, struct ed_serve **ret,
                           eddy_error *err);
/* Where it listens: "http://127.0.0.1:7411". */
const char *ed_serve_url(const struct ed_serve *serve);
/* All requests are over when it returns; that takes as long as the operation under way. NULL is
 * fine. */
void ed_serve_stop(struct ed_serve *serve);

#endif
