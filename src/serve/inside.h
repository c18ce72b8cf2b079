/* What the files of the server share: one request on its way, and where its answer goes. */
#ifndef ED_SERVE_INSIDE_H
#define ED_SERVE_INSIDE_H

#include "serve/board.h"
#include "serve/serve.h"

#include "base/json.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#define ED_TYPE_JSON    "application/json; charset=utf-8"
#define ED_TYPE_PROBLEM "application/problem+json; charset=utf-8"
#define ED_TYPE_STREAM  "text/event-stream; charset=utf-8"
#define ED_TYPE_ATOM    "application/atom+xml; charset=utf-8"
#define ED_TYPE_HTML    "text/html; charset=utf-8"

struct ed_reader;

struct ed_exchange {
    struct ed_serve *serve;
    struct MHD_Connection *connection;
    uint64_t id;         /* what the path names: an event, or a topic (ED_ID_TOPIC) */
    struct ed_bytes in;  /* the body */
    int begun;           /* its headers have been looked at */
    atomic_int answered; /* status, type and out are the answer; set last, for another thread */
    unsigned status;
    const char *type; /* of out */
    struct ed_bytes out;
    struct ed_reader *reader; /* the answer is a stream instead */
    struct ed_exchange *next; /* operations.c: in the line */
};

struct ed_route {
    const char *method, *path; /* "{id}" stands for an id */
    void (*answer)(struct ed_exchange *x);
};
extern const struct ed_route ed_routes[]; /* ended by a NULL method */

struct ed_serve {
    struct ed_serve_options o;
    char url[80];
    struct MHD_Daemon *daemon;
    atomic_int stopping;
    _Atomic uint64_t answers[6];  /* by the hundreds of their status */
    struct ed_operator *operator; /* NULL: nobody may */
    struct ed_streams *streams;
};

/* ---- asked of a request ---- */

/* NULL: it is not there. */
const char *ed_exchange_header(const struct ed_exchange *x, const char *name);
const char *ed_exchange_argument(const struct ed_exchange *x, const char *name);
/* A whole number among the arguments, or `standard` where there is none. 0: it is not one, or not
 * in min..max, and the answer says so. */
int ed_exchange_number(struct ed_exchange *x, const char *name, uint64_t min, uint64_t max,
                       uint64_t standard, uint64_t *ret);
/* "E12", "T3". 0: it is none. */
uint64_t ed_exchange_id(const char *text, size_t n);

/* ---- the answer ---- */

/* An error, as a problem of RFC 9457; detail is a sentence. */
__attribute__((format(printf, 3, 4))) void ed_exchange_fail(struct ed_exchange *x, unsigned status,
                                                            const char *detail, ...);
/* Likewise of one that found no memory, or what it asks of is not there. */
void ed_exchange_failed(struct ed_exchange *x, const eddy_error *err);

/* "event": "E12"; topics as T3. */
void ed_put_id(struct ed_bytes *b, const char *key, uint64_t id);
/* The picture of x->id, which becomes where it is now, if it was merged away; to be given back.
 * NULL: nobody knows of it, and the answer says so. */
const struct ed_picture *ed_picture_now(struct ed_exchange *x);

/* ---- files of routes ---- */

void ed_route_page(struct ed_exchange *x);
void ed_route_script(struct ed_exchange *x);
void ed_route_style(struct ed_exchange *x);
void ed_route_events(struct ed_exchange *x);
void ed_route_search(struct ed_exchange *x);
void ed_route_event(struct ed_exchange *x);
void ed_route_similar(struct ed_exchange *x);
void ed_route_members(struct ed_exchange *x);
void ed_route_sources(struct ed_exchange *x);
void ed_route_lineage(struct ed_exchange *x);
void ed_route_topics(struct ed_exchange *x);
void ed_route_changes(struct ed_exchange *x);
void ed_route_feed(struct ed_exchange *x);
void ed_route_stream(struct ed_exchange *x);

/* ---- streams.c: who waits for changes ---- */

eddy_status ed_streams_new(struct ed_serve *serve, struct ed_streams **ret, eddy_error *err);
struct MHD_Response *ed_reader_response(struct ed_reader *reader); /* takes it */
void ed_streams_stop(struct ed_streams *streams);
void ed_streams_drain(struct ed_streams *streams);
void ed_streams_free(struct ed_streams *streams);
size_t ed_streams_n(struct ed_streams *streams);
/* That were not opened, because no more may be. */
uint64_t ed_streams_refused(struct ed_streams *streams);

/* operations.c: who asks waits for a thread that does one after the other. */
eddy_status ed_operator_new(struct ed_serve *serve, struct ed_operator **ret, eddy_error *err);
/* Takes the exchange until it is answered. */
void ed_operator_take(struct ed_operator *op, struct ed_exchange *x);
void ed_operator_stop(struct ed_operator *op); /* who waits is told */
void ed_operator_free(struct ed_operator *op);

#endif
