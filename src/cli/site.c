/* Site: one server for a process; a sight of the whole for each question.
 *
 * Server threads and the command share one pointer, the stream, under a lock that is held while it
 * is looked at: so a stream is never closed under somebody's eyes. */
#include "cli/site.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "cli/ask.h"
#include "cli/past.h"
#include "parse/control.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#define PORT       7411
#define TRIES      20
#define ASK_MS     10000
#define ASK_MEMORY ((size_t)16 << 20)

struct ed_site {
    struct ed_config *config;
    struct ed_board *board;
    struct ed_serve *serve;
    int64_t began_ms;
    pthread_mutex_t lock;
    struct ed_stream *stream; /* guarded */
};

/* ---- a sight ---- */

static void shard_add(void *p, struct ed_shard *shard, const struct ed_shard_look *at)
{
    struct ed_sight *s = p;
    (void)shard;
    struct ed_shard_look *list = ed_list_room(s->shards, s->n, &s->room, sizeof *list);
    s->shards = list ? list : s->shards;
    if (list)
        list[s->n++] = *at;
}

/* With the lock held, which sight_end gives back. */
static void sight_begin(struct ed_site *site, struct ed_sight *s)
{
    pthread_mutex_lock(&site->lock);
    struct ed_stream *stream = site->stream;
    *s = (struct ed_sight){
        .config = site->config, .stream = stream, .board = site->board, .began_ms = site->began_ms};
    if (!stream)
        return;
    if (stream->shards) {
        ed_shards_each(stream->shards, shard_add, s);
    } else if (stream->shard) {
        struct ed_shard_look at;
        ed_shard_look(stream->shard, &at);
        shard_add(s, stream->shard, &at);
    }
    if (stream->embedder)
        eddy_embedder_stats(stream->embedder, &s->cache);
    s->has_endpoint = stream->endpoint != NULL;
    if (s->has_endpoint)
        ed_embeddings_stats(stream->endpoint, &s->endpoint);
}

static void sight_end(struct ed_site *site, struct ed_sight *s)
{
    pthread_mutex_unlock(&site->lock);
    ed_free(s->shards);
}

/* ---- metrics ---- */

static void metrics(void *p, struct ed_exposition *x)
{
    struct ed_sight s;
    sight_begin(p, &s);
    ed_metrics_write(&s, x);
    sight_end(p, &s);
}

/* ---- health ---- */

static void check_put(struct ed_bytes *json, int *all, const char *name, int ok, const char *detail)
{
    ed_json_key(json, name);
    ed_json_open(json, '{');
    ed_json_key(json, "ok");
    ed_json_bool(json, ok);
    ed_json_key(json, "detail");
    ed_json_text(json, detail, strlen(detail));
    ed_json_close(json, '}');
    *all &= ok;
}

static struct ed_duties duties_of(const struct ed_sight *s)
{
    struct ed_duties d = {0};
    for (size_t i = 0; i < s->n; i++)
        ed_duties_add(&d, &s->shards[i]);
    return d;
}

static void embedder_check(const struct ed_sight *s, struct ed_bytes *json, int *all)
{
    char text[300] = "starting";
    int ok = s->stream != NULL;
    if (ok && s->has_endpoint) {
        ok = !s->endpoint.down;
        snprintf(text, sizeof text, "the endpoint %s; %" PRIu64 " texts embedded",
                 ok ? "answers" : "does not answer", s->endpoint.texts);
    } else if (ok) {
        snprintf(text, sizeof text, "%s", ed_stream_encoder(s->stream, s->config));
    }
    check_put(json, all, "embedder", ok, text);
}

static void ready_checks(const struct ed_sight *s, struct ed_bytes *json, int *all)
{
    char text[120];
    struct ed_duties d = duties_of(s);
    snprintf(text, sizeof text, "shards of ours: %zu%s", d.owned,
             d.owned      ? ""
             : d.followed ? "; others are followed as a standby"
                          : "");
    check_put(json, all, "assigned", d.owned > 0, text);
    snprintf(text, sizeof text, "shards of ours: %zu, with their state: %zu", d.owned, d.running);
    check_put(json, all, "state", d.owned > 0 && d.running == d.owned, text);
    embedder_check(s, json, all);
    snprintf(text, sizeof text, d.behind_unknown ? "not known" : "%" PRIu64 " messages wait",
             d.behind);
    check_put(json, all, "lag", 1, text); /* being behind is no reason to be sent elsewhere */
}

static int health(void *p, enum ed_health which, struct ed_bytes *json)
{
    static const char *const good[] = {"alive", "ready", "started"};
    static const char *const bad[] = {"dead", "not ready", "starting"};
    struct ed_bytes checks;
    struct ed_sight s;
    int all = 1;
    ed_bytes_init(&checks, 0);
    sight_begin(p, &s);
    ed_json_open(&checks, '{');
    if (which == ED_HEALTH_READY)
        ready_checks(&s, &checks, &all);
    if (which == ED_HEALTH_STARTED)
        check_put(&checks, &all, "stream", s.stream != NULL,
                  s.stream ? "model and inputs are open" : "model and inputs are being opened");
    ed_json_close(&checks, '}');
    sight_end(p, &s);
    ed_json_open(json, '{');
    ed_json_key(json, "status");
    const char *status = all ? good[which] : bad[which];
    ed_json_text(json, status, strlen(status));
    ed_json_key(json, "checks");
    ed_bytes_add(json, checks.at, checks.n);
    ed_json_close(json, '}');
    ed_bytes_clear(&checks);
    return all;
}

/* ---- the account ---- */

static void put_count(struct ed_bytes *json, const char *key, uint64_t n)
{
    ed_json_key(json, key);
    ed_json_unsigned(json, n);
}

static void put_text(struct ed_bytes *json, const char *key, const char *text)
{
    ed_json_key(json, key);
    ed_json_text(json, text, strlen(text));
}

static void put_shard(const struct ed_sight *s, const struct ed_shard_look *at,
                      struct ed_bytes *json)
{
    struct ed_board_whole whole;
    const struct ed_counts *c = &at->counts;
    ed_board_whole(s->board, (uint32_t)at->shard, &whole);
    const struct {
        const char *name;
        double value;
    } indexes[] = {{"silhouette", whole.silhouette},
                   {"davies_bouldin", whole.davies_bouldin},
                   {"compactness", whole.compactness},
                   {"separation", whole.separation},
                   {"drift", whole.drift}};
    ed_json_open(json, '{');
    put_count(json, "shard", (uint64_t)at->shard);
    put_text(json, "state", !at->owned ? "followed" : at->runs ? "running" : "starting");
    put_count(json, "in", c->in);
    put_count(json, "assigned", c->assigned);
    put_count(json, "founded", c->founded);
    put_count(json, "filtered", c->filtered);
    put_count(json, "dead", c->dead);
    put_count(json, "committed", c->committed);
    put_count(json, "events", c->events_active);
    put_count(json, "faded", at->meters.engine.faded);
    put_count(json, "merged", at->meters.engine.merged);
    put_count(json, "split", at->meters.engine.split);
    put_count(json, "topics", at->meters.engine.topics);
    put_count(json, "themes", at->meters.engine.themes);
    ed_json_key(json, "behind");
    if (at->progress.behind_unknown)
        ed_json_null(json);
    else
        ed_json_unsigned(json, at->progress.behind);
    ed_json_key(json, "indexes");
    ed_json_open(json, '{');
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        ed_json_key(json, indexes[i].name);
        ed_json_number(json, indexes[i].value);
    }
    ed_json_close(json, '}');
    ed_json_close(json, '}');
}

static void stats(void *p, struct ed_bytes *json)
{
    struct ed_sight s;
    char when[ED_TIME_TEXT];
    sight_begin(p, &s);
    ed_time_text(s.began_ms, when);
    ed_json_open(json, '{');
    put_text(json, "pipeline", s.config->pipeline);
    put_text(json, "version", eddy_version());
    put_text(json, "started", when);
    put_text(json, "embedder", s.stream ? ed_stream_encoder(s.stream, s.config) : "starting");
    put_count(json, "n_shards", (uint64_t)s.config->state.shards);
    put_count(json, "cache_hits", s.cache.hits);
    put_count(json, "cache_misses", s.cache.misses);
    ed_json_key(json, "shards");
    ed_json_open(json, '[');
    for (size_t i = 0; i < s.n; i++)
        put_shard(&s, &s.shards[i], json);
    ed_json_close(json, ']');
    ed_json_close(json, '}');
    sight_end(p, &s);
}

static void replay(void *p, struct ed_bytes *json)
{
    struct ed_sight s;
    sight_begin(p, &s);
    ed_past_write(&s, json);
    sight_end(p, &s);
}

/* ---- operations ---- */

static unsigned refuse(struct ed_bytes *json, unsigned status, const char *detail)
{
    ed_json_open(json, '{');
    put_count(json, "status", status);
    put_text(json, "detail", detail);
    ed_json_close(json, '}');
    return status;
}

static unsigned heard_put(const struct ed_order *order, const struct ed_heard *heard,
                          struct ed_bytes *json)
{
    ed_json_open(json, '{');
    ed_json_key(json, "id");
    ed_json_text(json, order->id.at, order->id.n);
    ed_json_key(json, "applied");
    ed_json_bool(json, heard->applied || order->pass);
    if (!heard->applied && !order->pass) {
        put_text(json, "refused", heard->refused.at);
        put_text(json, "detail", ed_heard_words(heard));
    }
    if (heard->number)
        put_count(json, "number", heard->number);
    if (heard->result.n)
        put_text(json, "result", heard->result.at);
    ed_json_close(json, '}');
    return heard->applied || order->pass ? 200 : 409;
}

/* Those that a person may ask for; the others are answers to questions that nobody asked here. */
static int is_for_people(const struct ed_order *order)
{
    switch (order->operation.kind) {
    case EDDY_OPERATION_MERGE:
    case EDDY_OPERATION_SPLIT:
    case EDDY_OPERATION_MOVE:
    case EDDY_OPERATION_RENAME:
    case EDDY_OPERATION_PIN:
    case EDDY_OPERATION_UNPIN:
    case EDDY_OPERATION_LINK:
    case EDDY_OPERATION_UNDO: return order->operation.actor == EDDY_PERSON;
    case EDDY_OPERATION_ANSWER:
    case EDDY_OPERATION_DESCRIBE:
    case EDDY_OPERATION_REASSIGN: break;
    }
    return 0;
}

static unsigned operate(void *p, eddy_str message, struct ed_bytes *json)
{
    struct ed_site *site = p;
    struct ed_order order = {0};
    struct ed_heard heard = {0};
    eddy_reject reject = EDDY_ACCEPTED;
    char detail[256] = "";
    unsigned status;
    eddy_error err = {0};
    eddy_arena *arena = eddy_arena_new(ASK_MEMORY);
    eddy_status st = arena ? ed_control_parse(message.at, message.n, arena, &order, &reject, detail,
                                              sizeof detail, &err)
                           : EDDY_NOMEM;
    if (st != EDDY_OK)
        status = refuse(json, 503, "no memory");
    else if (reject)
        status = refuse(json, 400, detail);
    else if (!order.pass && !is_for_people(&order))
        status = refuse(json, 400,
                        "merge, split, move, rename, pin, unpin, link, undo and pass are "
                        "what may be asked for, by a person");
    else if (ed_order_ask(site->config, &order, ASK_MS, ed_stream_signal, arena, &heard, &err) !=
             EDDY_OK)
        status = refuse(json,
                        err.status == EDDY_CONFIG ? 409
                        : err.retriable           ? 504
                                                  : 503,
                        err.text);
    else
        status = heard_put(&order, &heard, json);
    eddy_arena_free(arena);
    return status;
}

/* ---- its life ---- */

/* Reading needs no password: who listens to others is to know that. */
static void warn_others(const char *address)
{
    if (strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0)
        ed_log(ED_LOG_WARN, "serve", "whoever reaches %s may read what events are about", address);
}

static eddy_status start(struct ed_site *site, int port, int tries, eddy_error *err)
{
    const struct ed_config *config = site->config;
    const struct ed_serve_options options = {.address = config->serve.address,
                                             .port = port,
                                             .tries = tries,
                                             .hosts = config->serve.hosts.at,
                                             .n_hosts = config->serve.hosts.n,
                                             .pipeline = config->pipeline,
                                             .token = config->serve.token,
                                             .backend = {.user = site,
                                                         .metrics = metrics,
                                                         .health = health,
                                                         .stats = stats,
                                                         .replay = replay,
                                                         .operate = operate},
                                             .board = site->board};
    return ed_serve_start(&options, &site->serve, err);
}

/* Both sides once, so that any thread may ask for them from here on. */
static eddy_status kafka_options_make(struct ed_config *config, eddy_error *err)
{
    const char *const *options;
    size_t n;
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options, &n, err);
    return st == EDDY_OK ? ed_config_kafka_options(config, ED_KAFKA_PRODUCER, &options, &n, err)
                         : st;
}

eddy_status ed_site_open(struct ed_config *config, int by_default, struct ed_site **ret,
                         eddy_error *err)
{
    int automatic = config->serve.port == ED_PORT_AUTO;
    eddy_error why = {0};
    *ret = NULL;
    if (!config->serve.port || (automatic && !by_default))
        return EDDY_OK;
    struct ed_site *site = ed_alloc_zero(1, sizeof *site);
    if (!site)
        return eddy_fail_nomem(err, "site", sizeof *site);
    site->config = config;
    site->began_ms = ed_wall_ms();
    pthread_mutex_init(&site->lock, NULL);
    eddy_status st = kafka_options_make(config, &why);
    if (st == EDDY_OK)
        st = ed_board_new(&site->board, &why);
    if (st == EDDY_OK)
        st = start(site, automatic ? PORT : (int)config->serve.port, automatic ? TRIES : 1, &why);
    if (st == EDDY_OK) {
        *ret = site;
        warn_others(config->serve.address);
        ed_log(ED_LOG_INFO, "serve", "%s: the dashboard, /metrics, /readyz, /api/v1%s",
               ed_serve_url(site->serve),
               *config->serve.token ? "" : "; operations need serve.token");
        return EDDY_OK;
    }
    ed_site_free(site);
    if (automatic && st == EDDY_UNAVAILABLE) {
        ed_log(ED_LOG_WARN, "serve", "no metrics, no API: %s", why.text);
        return EDDY_OK;
    }
    *err = why;
    return st;
}

void ed_site_look(struct ed_site *site, struct ed_stream *stream)
{
    if (!site)
        return;
    pthread_mutex_lock(&site->lock);
    site->stream = stream;
    pthread_mutex_unlock(&site->lock);
}

const char *ed_site_url(const struct ed_site *site)
{
    return ed_serve_url(site->serve);
}

struct ed_board *ed_site_board(const struct ed_site *site)
{
    return site->board;
}

void ed_site_close(struct ed_site *site)
{
    if (!site)
        return;
    ed_site_look(site, NULL);
    ed_serve_stop(site->serve);
    site->serve = NULL;
}

void ed_site_free(struct ed_site *site)
{
    if (!site)
        return;
    ed_site_close(site);
    ed_board_free(site->board);
    pthread_mutex_destroy(&site->lock);
    ed_free(site);
}
