/* Routes: what may be asked, and the answers that are one call: metrics, health, stats, what the
 * API is.
 *
 * A route is a line here, a path in openapi.json (a test holds the two together) and a function. */
#include "serve/inside.h"

#include "serve/openapi.h"

#include <string.h>

static void answer_metrics(struct ed_exchange *x)
{
    static const struct ed_metric answers = {"eddy_http_responses_total", ED_COUNTER,
                                             "HTTP answers of this server by class of status."};
    static const struct ed_metric streams = {"eddy_http_streams", ED_GAUGE,
                                             "Open streams of changes."};
    static const struct ed_metric refused = {"eddy_http_streams_refused_total", ED_COUNTER,
                                             "Streams of changes that were one too many."};
    static const char *const classes[] = {"2xx", "3xx", "4xx", "5xx"};
    struct ed_exposition text = {.out = &x->out,
                                 .open = ed_exposition_open(ed_exchange_header(x, "Accept"))};
    x->type = text.open ? ED_EXPOSITION_OPEN_TYPE : ED_EXPOSITION_TYPE;
    x->serve->o.backend.metrics(x->serve->o.backend.user, &text);
    ed_expose(&text, &answers);
    for (size_t i = 2; i <= 5; i++)
        ed_expose_value(&text, &(struct ed_labels){1, {{"code", classes[i - 2]}}},
                        (double)atomic_load(&x->serve->answers[i]));
    ed_expose(&text, &streams);
    ed_expose_value(&text, NULL, (double)ed_streams_n(x->serve->streams));
    ed_expose(&text, &refused);
    ed_expose_value(&text, NULL, (double)ed_streams_refused(x->serve->streams));
    ed_expose_end(&text);
}

static void health(struct ed_exchange *x, enum ed_health which)
{
    const struct ed_serve_backend *b = &x->serve->o.backend;
    x->status = b->health(b->user, which, &x->out) ? 200 : 503;
}

static void answer_alive(struct ed_exchange *x)
{
    health(x, ED_HEALTH_ALIVE);
}

static void answer_ready(struct ed_exchange *x)
{
    health(x, ED_HEALTH_READY);
}

static void answer_started(struct ed_exchange *x)
{
    health(x, ED_HEALTH_STARTED);
}

static void answer_stats(struct ed_exchange *x)
{
    x->serve->o.backend.stats(x->serve->o.backend.user, &x->out);
}

static void answer_replay(struct ed_exchange *x)
{
    x->serve->o.backend.replay(x->serve->o.backend.user, &x->out);
}

static void answer_openapi(struct ed_exchange *x)
{
    ed_bytes_add(&x->out, ed_openapi, ed_openapi_n);
}

/* Only to be asked with POST: see server.c. */
static void answer_operate(struct ed_exchange *x)
{
    ed_operator_take(x->serve->operator, x);
}

const struct ed_route ed_routes[] = {
    {"GET", "/", ed_route_page},
    {"GET", "/eddy.js", ed_route_script},
    {"GET", "/eddy.css", ed_route_style},
    {"GET", "/metrics", answer_metrics},
    {"GET", "/healthz", answer_alive},
    {"GET", "/readyz", answer_ready},
    {"GET", "/startupz", answer_started},
    {"GET", "/api/v1/openapi.json", answer_openapi},
    {"GET", "/api/v1/stats", answer_stats},
    {"GET", "/api/v1/replay", answer_replay},
    {"GET", "/api/v1/events", ed_route_events},
    {"GET", "/api/v1/events/{id}", ed_route_event},
    {"GET", "/api/v1/events/{id}/similar", ed_route_similar},
    {"GET", "/api/v1/events/{id}/members", ed_route_members},
    {"GET", "/api/v1/events/{id}/lineage", ed_route_lineage},
    {"GET", "/api/v1/sources", ed_route_sources},
    {"GET", "/api/v1/topics", ed_route_topics},
    {"GET", "/api/v1/search", ed_route_search},
    {"GET", "/api/v1/changes", ed_route_changes},
    {"GET", "/api/v1/changes/stream", ed_route_stream},
    {"GET", "/api/v1/feed.atom", ed_route_feed},
    {"POST", "/api/v1/operations", answer_operate},
    {NULL, NULL, NULL},
};
