/* A call goes in rounds: all texts that are open are put into requests and asked for at once; each
 * reply closes some, or says how they are to be asked the next time: in smaller requests, shorter,
 * in another dialect, or later.
 *
 * While the endpoint is down it is asked for one plain sentence now and then, and for the texts
 * only when it has answered that. The HTTP client's own breaker would let the texts themselves find
 * out; where one of them is what breaks the endpoint (status 500), that would never end. */
#include "remote/embeddings.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/utf8.h"
#include "remote/estimate.h"
#include "remote/refusal.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NUMBER_BYTES 32    /* of one value in a reply, at most */
#define SPARE_BYTES  65536 /* of a reply beside them */
#define TOKENS_MIN   32    /* a text that is refused is not cut below that */
#define NONSENSE_MAX 5     /* rounds in a row, and it is not waited for any more */
#define NAP_MS       50
#define WAIT_MAX_MS  10000 /* between two attempts: documents wait for them */

struct ed_embeddings {
    struct ed_http *http;
    const char *path;
    char *model, *prefix;
    char name[300];
    size_t dim; /* 0: not known yet */
    size_t tokens_max, batch_tokens;
    size_t call_max;                  /* texts in a call that keep all connections busy */
    int64_t wait_min_ms, wait_max_ms; /* between two rounds that came to nothing */
    pthread_mutex_t lock;             /* guards the rest */
    struct ed_rows_dialect dialect;
    size_t batch_max;   /* texts in a request: it grows again ... */
    size_t batch_limit; /* ... up to here */
    struct ed_embeddings_stats stats;
};

struct item {
    eddy_str text; /* with its prefix, cut */
    size_t tokens;
    size_t most; /* texts in a request that it may be in */
    int open;
};

/* Texts of one request. */
struct span {
    const size_t *items; /* (n) */
    eddy_str *texts;     /* (n) */
    size_t n;
    struct ed_bytes body;
};

struct call {
    struct ed_embeddings *e;
    const eddy_embed_caller *caller;
    struct item *items; /* (n) */
    size_t n;
    float *ret;
    eddy_arena *scratch; /* for the whole call ... */
    eddy_arena *arena;   /* ... and for a round */
    int testing;         /* 1: nothing is known of the endpoint, ... */
    int64_t until_ms;    /* ... and nothing waited for from then on */
    int n_done;          /* in this round */
    int waits;           /* 1: somebody has to, before the next round */
    int is_nonsense; /* 1: in this round nothing came but nonsense, and not for a text's sake ... */
    int nonsense;    /* ... and in how many before it, in a row */
    char why[300];   /* they wait */
    eddy_status status; /* not EDDY_OK: it is over */
    eddy_error *err;
};

static const char probe_text[] = "A train arrived at the station this morning.";

/* ---- how a call may end ---- */

static void over(struct call *c, eddy_status status, const char *why)
{
    if (c->status != EDDY_OK)
        return;
    c->status = status;
    if (status == EDDY_NOMEM)
        eddy_fail_nomem(c->err, "embeddings", c->n);
    else if (status == EDDY_STOPPED)
        eddy_fail(c->err, status, "stopped while waiting for %s", ed_http_name(c->e->http));
    else
        eddy_fail(c->err, status, "model %.100s: %.380s", c->e->model, why);
}

static void wait_for(struct call *c, const char *why)
{
    if (c->testing && ed_monotonic_ms() >= c->until_ms) {
        over(c, EDDY_UNAVAILABLE, why);
        return;
    }
    c->waits = 1;
    snprintf(c->why, sizeof c->why, "%s", why);
}

static void count(struct ed_embeddings *e, uint64_t *what, uint64_t n)
{
    pthread_mutex_lock(&e->lock);
    *what += n;
    pthread_mutex_unlock(&e->lock);
}

static int is_stopped(const struct call *c)
{
    return c->caller && c->caller->stopped && c->caller->stopped(c->caller->user);
}

/* ---- one request ---- */

/* 0: no memory. */
static int prepare(struct call *c, struct span *span, const struct ed_rows_dialect *dialect,
                   struct ed_http_request *ret)
{
    static const char *const headers[] = {"Content-Type: application/json",
                                          "Accept: application/json"};
    size_t dim = c->e->dim ? c->e->dim : ED_ROWS_DIM_MAX;
    ed_rows_write(&span->body, c->e->model, span->texts, span->n, dialect);
    *ret = (struct ed_http_request){.method = "POST",
                                    .path = c->e->path,
                                    .headers = headers,
                                    .n_headers = 2,
                                    .body = {span->body.at, span->body.n},
                                    .body_max = span->n * dim * NUMBER_BYTES + SPARE_BYTES};
    return !span->body.failed;
}

static void exchange(struct call *c, const struct ed_http_request *requests, size_t n,
                     struct ed_http_reply *replies)
{
    const eddy_embed_caller *caller = c->caller;
    ed_http_exchange_unless(c->e->http, requests, n, c->arena, replies,
                            caller ? caller->stopped : NULL, caller ? caller->user : NULL);
}

static const char *text_of(const struct call *c, const struct ed_http_reply *r,
                           const struct span *span)
{
    eddy_str text = ed_refusal_text(r, ed_http_key(c->e->http), span->texts, span->n, c->arena);
    return text.at ? text.at : r->detail;
}

static const char *fault_of(const struct call *c, enum ed_rows_fault fault)
{
    eddy_str text =
        ed_arena_printf(c->arena, "%s: %s", ed_http_name(c->e->http), ed_rows_fault_text(fault));
    return text.at ? text.at : ed_rows_fault_text(fault);
}

/* 1: the endpoint is well: it takes a plain sentence. Else what it did with that stands for what it
 * did before: there is nothing to blame a text for. */
static int probe(struct call *c)
{
    if (c->waits)
        return 0; /* it was not, just before */
    struct ed_embeddings *e = c->e;
    eddy_str text = {probe_text, sizeof probe_text - 1};
    struct span span = {.texts = &text, .n = 1};
    struct ed_http_request request;
    struct ed_http_reply r = {.cause = ED_HTTP_NOMEM, .detail = "no memory"};
    struct ed_rows rows = {.fault = ED_ROWS_NOT_JSON};
    ed_bytes_init(&span.body, 0);
    pthread_mutex_lock(&e->lock);
    struct ed_rows_dialect dialect = e->dialect;
    pthread_mutex_unlock(&e->lock);
    if (prepare(c, &span, &dialect, &request))
        exchange(c, &request, 1, &r);
    ed_bytes_clear(&span.body);
    if (r.cause == ED_HTTP_GOOD && ed_rows_read(r.body, 1, c->arena, &rows) != EDDY_OK)
        r = (struct ed_http_reply){.cause = ED_HTTP_NOMEM, .detail = "no memory"};
    if (r.cause == ED_HTTP_GOOD && rows.fault == ED_ROWS_GOOD && !rows.n_bad && rows.dim == e->dim)
        return 1;
    eddy_status st = r.cause == ED_HTTP_GOOD ? EDDY_UNAVAILABLE : ed_refusal_status(&r);
    const char *why = r.cause != ED_HTTP_GOOD      ? text_of(c, &r, &span)
                      : rows.fault != ED_ROWS_GOOD ? fault_of(c, rows.fault)
                                                   : "its vectors are not what they were";
    c->is_nonsense = r.cause == ED_HTTP_GOOD;
    if (st == EDDY_UNAVAILABLE)
        wait_for(c, why);
    else
        over(c, st == EDDY_FORMAT ? EDDY_CONFIG : st, why);
    return 0;
}

/* ---- what a reply does to its texts ---- */

static void refuse(struct call *c, size_t i, const char *why)
{
    c->items[i].open = 0;
    c->n_done++;
    count(c->e, &c->e->stats.refused, 1);
    ed_log(ED_LOG_WARN, "remote", "a text is refused: %s", why);
    if (!c->caller || !c->caller->refused)
        return;
    c->caller->refused[i] = ed_arena_str(c->scratch, why, strlen(why)).at;
    if (!c->caller->refused[i])
        over(c, EDDY_NOMEM, "");
}

/* One text alone is not taken. */
static void judge(struct call *c, size_t i, int is_long, const char *why)
{
    struct item *item = &c->items[i];
    if (c->testing) {
        over(c, EDDY_CONFIG, why);
        return;
    }
    if (is_long && item->tokens > TOKENS_MIN) {
        item->text.n = ed_utf8_cut(item->text.at, item->text.n, item->text.n / 2);
        item->tokens = ed_estimate_tokens(item->text);
        count(c->e, &c->e->stats.shortened, 1);
        ed_log(ED_LOG_WARN, "remote",
               "a text is too long and cut to about %zu tokens (embed.endpoint.tokens): %s",
               item->tokens, why);
    } else if (probe(c)) {
        refuse(c, i, why);
    }
}

/* These texts together are not taken: in halves the next time. */
static void blame(struct call *c, const struct span *span, int is_long, const char *why)
{
    if (span->n == 1) {
        judge(c, span->items[0], is_long, why);
        return;
    }
    for (size_t k = 0; k < span->n; k++)
        c->items[span->items[k]].most = (span->n + 1) / 2;
}

/* An answer that is none. It may be the texts that break the endpoint, or the endpoint is broken.
 */
static void take_nonsense(struct call *c, const struct span *span, const char *why)
{
    count(c->e, &c->e->stats.nonsense, 1);
    ed_log(ED_LOG_WARN, "remote", "no embeddings: %s", why);
    if (c->testing)
        over(c, EDDY_CONFIG, why);
    else if (probe(c))
        blame(c, span, 0, why);
}

static void take_rows(struct call *c, const struct span *span, const struct ed_rows *rows)
{
    struct ed_embeddings *e = c->e;
    char why[200];
    if (!e->dim)
        e->dim = rows->dim; /* testing: nobody else is there */
    if (rows->dim != e->dim) {
        snprintf(why, sizeof why, "%.100s: its vectors have %zu dimensions, and had %zu before",
                 ed_http_name(e->http), rows->dim, e->dim);
        over(c, EDDY_CONFIG, why);
        return;
    }
    snprintf(why, sizeof why, "%.100s: its vector is zero, or not finite", ed_http_name(e->http));
    for (size_t k = 0; k < span->n; k++) {
        size_t i = span->items[k];
        if (rows->bad[k] && span->n == 1)
            judge(c, i, 0, why);
        else if (rows->bad[k])
            c->items[i].most = 1; /* alone, the next time */
        if (rows->bad[k])
            continue;
        memcpy(c->ret + i * e->dim, rows->rows + k * e->dim, e->dim * sizeof *c->ret);
        c->items[i].open = 0;
        c->n_done++;
    }
    pthread_mutex_lock(&e->lock);
    e->stats.texts += span->n - rows->n_bad;
    e->stats.tokens += rows->tokens;
    if (span->n == e->batch_max && e->batch_max < e->batch_limit)
        e->batch_max++;
    pthread_mutex_unlock(&e->lock);
}

/* ---- refusals ---- */

/* Every server says it in its own words; at the worst a text is asked for once more, shorter. */
static int is_too_long(long status, eddy_str body)
{
    static const char *const words[] = {"token", "too large", "too long", "length"};
    int holds = status == 413;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        holds |= ed_refusal_holds(body, words[i]);
    return holds;
}

/* What is said with status 500 may be about a text; that is for us to find out. */
static int is_final(long status, eddy_str body)
{
    return ed_refusal_is_spent(status, body) || status == 500;
}

/* What is complained of is left out from now on; before anything is known, whatever may be. */
static int adapt(struct call *c, const struct ed_http_reply *r, const struct ed_rows_dialect *asked)
{
    struct ed_embeddings *e = c->e;
    int about_format =
        ed_refusal_holds(r->body, "encoding_format") || ed_refusal_holds(r->body, "base64");
    int about_size = ed_refusal_holds(r->body, "dimension"), changed = 0;
    if ((r->status != 400 && r->status != 422 && r->status != 500) || r->cause == ED_HTTP_TOO_LARGE)
        return 0;
    pthread_mutex_lock(&e->lock);
    if (asked->floats != e->dialect.floats || asked->dimensions != e->dialect.dimensions)
        changed = 1; /* by another call */
    else if (!asked->floats && (about_format || (c->testing && !about_size)))
        changed = e->dialect.floats = e->stats.floats = 1;
    else if (asked->dimensions && (about_size || c->testing)) {
        e->dialect.dimensions = 0;
        changed = 1;
    }
    pthread_mutex_unlock(&e->lock);
    return changed;
}

/* Fewer texts in a request from now on: for good where the endpoint says that it takes no more. */
static void ask_for_fewer(struct ed_embeddings *e, size_t n, int for_good)
{
    pthread_mutex_lock(&e->lock);
    if (n < e->batch_max)
        e->batch_max = n;
    int told = for_good && n < e->batch_limit;
    if (told)
        e->batch_limit = n;
    pthread_mutex_unlock(&e->lock);
    if (told)
        ed_log(ED_LOG_INFO, "remote", "%s: asked for at most %zu texts at once from now on",
               ed_http_name(e->http), n);
}

static int is_about_count(eddy_str body)
{
    return ed_refusal_holds(body, "batch size") || ed_refusal_holds(body, "too many") ||
           ed_refusal_holds(body, "array too long") || ed_refusal_holds(body, "inputs must");
}

static void take_refusal(struct call *c, const struct span *span, const struct ed_http_reply *r,
                         const struct ed_rows_dialect *asked)
{
    eddy_status st = ed_refusal_status(r);
    const char *why = text_of(c, r, span);
    int is_long = is_too_long(r->status, r->body);
    if (adapt(c, r, asked))
        return;
    if (r->cause == ED_HTTP_TOO_LARGE) {
        take_nonsense(c, span, why);
    } else if (st == EDDY_FORMAT) {
        if (span->n > 1 && is_about_count(r->body))
            ask_for_fewer(c->e, (span->n + 1) / 2, 1);
        blame(c, span, is_long, why);
    } else if (st != EDDY_UNAVAILABLE) {
        over(c, st, why);
    } else if (r->status == 500 && !c->testing) {
        if (is_long || probe(c))
            blame(c, span, is_long, why);
    } else {
        if (r->cause == ED_HTTP_LATE && span->n > 1)
            ask_for_fewer(c->e, (span->n + 1) / 2, 0);
        wait_for(c, why);
    }
}

static void take(struct call *c, const struct span *span, const struct ed_http_reply *r,
                 const struct ed_rows_dialect *asked)
{
    struct ed_rows rows;
    if (r->cause != ED_HTTP_GOOD)
        take_refusal(c, span, r, asked);
    else if (ed_rows_read(r->body, span->n, c->arena, &rows) != EDDY_OK)
        over(c, EDDY_NOMEM, "");
    else if (rows.fault != ED_ROWS_GOOD)
        take_nonsense(c, span, fault_of(c, rows.fault));
    else
        take_rows(c, span, &rows);
}

/* ---- a round ---- */

/* Put the open texts into requests, in their order. Returns how many requests. */
static size_t plan(struct call *c, size_t *open, eddy_str *texts, struct span *spans,
                   size_t batch_max)
{
    size_t n_open = 0, n_spans = 0, tokens = 0, most = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct item *item = &c->items[i];
        struct span *span = &spans[n_spans];
        if (!item->open)
            continue;
        most = span->n && most < item->most ? most : item->most;
        if (span->n && (span->n >= batch_max || span->n >= most ||
                        tokens + item->tokens > c->e->batch_tokens)) {
            span = &spans[++n_spans];
            most = item->most;
        }
        if (!span->n) {
            *span = (struct span){.items = open + n_open, .texts = texts + n_open};
            ed_bytes_init(&span->body, 0);
            tokens = 0;
        }
        open[n_open] = i;
        texts[n_open++] = item->text;
        tokens += item->tokens;
        span->n++;
    }
    return n_open ? n_spans + 1 : 0;
}

/* Ask for all that is open. */
static void round_of(struct call *c)
{
    struct ed_embeddings *e = c->e;
    size_t *open = ed_arena_alloc(c->arena, c->n * sizeof *open), n = 0;
    eddy_str *texts = ed_arena_alloc(c->arena, c->n * sizeof *texts);
    struct span *spans = ed_arena_alloc_zero(c->arena, c->n + 1, sizeof *spans);
    struct ed_http_request *requests = ed_arena_alloc(c->arena, c->n * sizeof *requests);
    struct ed_http_reply *replies = ed_arena_alloc(c->arena, c->n * sizeof *replies);
    pthread_mutex_lock(&e->lock);
    struct ed_rows_dialect dialect = e->dialect;
    size_t batch_max = e->batch_max;
    pthread_mutex_unlock(&e->lock);
    int memory = open && texts && spans && requests && replies;
    if (memory)
        n = plan(c, open, texts, spans, batch_max);
    for (size_t i = 0; i < n; i++)
        memory &= prepare(c, &spans[i], &dialect, &requests[i]);
    if (memory)
        exchange(c, requests, n, replies);
    else
        over(c, EDDY_NOMEM, "");
    for (size_t i = 0; i < n; i++) {
        if (c->status == EDDY_OK)
            take(c, &spans[i], &replies[i], &dialect);
        ed_bytes_clear(&spans[i].body);
    }
}

static size_t open_of(const struct call *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        n += (size_t)c->items[i].open;
    return n;
}

/* Until it is time for the next round, or nobody waits for it. */
static void nap(struct call *c, struct ed_pace *pace, int64_t *wait_ms)
{
    *wait_ms = c->n_done ? c->e->wait_min_ms : ed_pace_wait(pace, *wait_ms);
    ed_log(ED_LOG_WARN, "remote", "%zu texts wait, again in %lld ms: %s", open_of(c),
           (long long)*wait_ms, c->why);
    count(c->e, &c->e->stats.waits, 1);
    for (int64_t left = *wait_ms; left > 0 && !is_stopped(c); left -= NAP_MS)
        nanosleep(&(struct timespec){0, (left < NAP_MS ? left : NAP_MS) * 1000000L}, NULL);
    if (is_stopped(c))
        over(c, EDDY_STOPPED, "");
}

/* Tell whether this call waits for an endpoint that gives it nothing. */
static void down_tell(struct call *c, int *told, int down)
{
    if (*told != down)
        count(c->e, &c->e->stats.down, down ? 1 : UINT64_MAX); /* one less */
    *told = down;
}

static eddy_status run(struct call *c)
{
    struct ed_pace pace;
    int64_t wait_ms = 0, began = ed_monotonic_ms();
    int waited = 0, down = 0, told = 0;
    ed_pace_init(&pace, 1, (uint64_t)began);
    pace.wait_min_ms = c->e->wait_min_ms;
    pace.wait_max_ms = c->e->wait_max_ms;
    c->arena = eddy_arena_new(0);
    if (!c->arena)
        over(c, EDDY_NOMEM, "");
    while (c->status == EDDY_OK && open_of(c)) {
        eddy_arena_reset(c->arena);
        c->n_done = c->waits = c->is_nonsense = 0;
        if (!down || c->testing || probe(c))
            round_of(c);
        c->nonsense = c->n_done ? 0 : c->nonsense + c->is_nonsense;
        down = c->waits && !c->n_done;
        down_tell(c, &told, down);
        if (c->nonsense >= NONSENSE_MAX)
            over(c, EDDY_UNAVAILABLE, c->why);
        if (c->status == EDDY_OK && c->waits)
            nap(c, &pace, &wait_ms);
        else if (c->n_done)
            wait_ms = 0;
        waited |= c->waits;
    }
    down_tell(c, &told, 0);
    if (c->status == EDDY_OK && waited)
        ed_log(ED_LOG_INFO, "remote", "%s: %zu texts have their vectors after %lld ms",
               ed_http_name(c->e->http), c->n, (long long)(ed_monotonic_ms() - began));
    eddy_arena_free(c->arena);
    return c->status;
}

/* ---- a call ---- */

static int add_prefix(struct call *c, eddy_str *text)
{
    size_t n = strlen(c->e->prefix);
    char *at = n ? ed_arena_alloc(c->scratch, n + text->n) : NULL;
    if (!at)
        return !n;
    memcpy(at, c->e->prefix, n);
    if (text->n)
        memcpy(at + n, text->at, text->n);
    *text = (eddy_str){at, n + text->n};
    return 1;
}

static eddy_status items_make(struct call *c, const eddy_str *texts)
{
    c->items = ed_arena_alloc(c->scratch, (c->n + 1) * sizeof *c->items);
    for (size_t i = 0; c->items && i < c->n; i++) {
        eddy_str text = ed_estimate_cut(texts[i], c->e->tokens_max);
        if (!add_prefix(c, &text))
            return EDDY_NOMEM;
        c->items[i] = (struct item){
            .text = text, .tokens = ed_estimate_tokens(text), .most = SIZE_MAX, .open = 1};
    }
    return c->items ? EDDY_OK : EDDY_NOMEM;
}

static eddy_status embed(void *self, const eddy_embed_caller *caller, const eddy_str *texts,
                         size_t n, eddy_arena *scratch, float *ret, eddy_error *err)
{
    struct ed_embeddings *e = self;
    struct call c = {.e = e, .caller = caller, .n = n, .ret = ret, .scratch = scratch, .err = err};
    eddy_arena_reset(scratch);
    memset(ret, 0, n * e->dim * sizeof *ret);
    for (size_t i = 0; caller && caller->refused && i < n; i++)
        caller->refused[i] = NULL;
    if (items_make(&c, texts) != EDDY_OK)
        over(&c, EDDY_NOMEM, "");
    return c.status == EDDY_OK ? run(&c) : c.status;
}

static void endpoint_free(void *self)
{
    ed_embeddings_free(self);
}

eddy_endpoint ed_embeddings_endpoint(struct ed_embeddings *e)
{
    uint64_t print = ed_fnv1a(ED_FNV_BASIS, "endpoint version 1", 19);
    const uint64_t numbers[] = {e->dim, e->tokens_max};
    print = ed_fnv1a(print, e->model, strlen(e->model) + 1);
    print = ed_fnv1a(print, e->prefix, strlen(e->prefix) + 1);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        print = ed_mix64(print ^ numbers[i]);
    return (eddy_endpoint){.self = e,
                           .dim = e->dim,
                           .name = e->name,
                           .fingerprint = print,
                           .batch = e->call_max,
                           .embed = embed,
                           .free = endpoint_free};
}

void ed_embeddings_stats(struct ed_embeddings *e, struct ed_embeddings_stats *ret)
{
    pthread_mutex_lock(&e->lock);
    *ret = e->stats;
    ret->batch_max = e->batch_max;
    pthread_mutex_unlock(&e->lock);
    ed_http_stats(e->http, &ret->http);
}

/* ---- the first one ---- */

static double cosine(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static eddy_status test_judge(const struct ed_embeddings *e, const float *rows, size_t dimensions,
                              eddy_error *err)
{
    double same = cosine(rows, rows + 2 * e->dim, e->dim);
    double other = cosine(rows, rows + e->dim, e->dim);
    const char *name = ed_http_name(e->http);
    if (dimensions && dimensions != e->dim)
        return eddy_fail(err, EDDY_CONFIG,
                         "model %.100s: %.200s: its vectors have %zu dimensions where "
                         "embed.endpoint.dimensions asks for %zu",
                         e->model, name, e->dim, dimensions);
    if (same < 0.999)
        return eddy_fail(err, EDDY_CONFIG,
                         "model %.100s: %.200s: the same sentence has two vectors (cosine %.4f)",
                         e->model, name, same);
    if (other > 0.99999)
        return eddy_fail(err, EDDY_CONFIG,
                         "model %.100s: %.200s: two sentences have the same vector (cosine %.6f)",
                         e->model, name, other);
    return EDDY_OK;
}

/* Two sentences, and the first one again. */
static eddy_status test(struct ed_embeddings *e, const eddy_embed_caller *caller,
                        const struct ed_embeddings_options *o, eddy_error *err)
{
    static const char other[] = "Prices of wheat fell for the third week in a row.";
    const eddy_str texts[] = {{probe_text, sizeof probe_text - 1},
                              {other, sizeof other - 1},
                              {probe_text, sizeof probe_text - 1}};
    struct call c = {.e = e, .caller = caller, .n = 3, .testing = 1, .err = err};
    int64_t began = ed_monotonic_ms();
    c.until_ms = began + o->start_ms;
    c.scratch = eddy_arena_new(0);
    if (c.scratch)
        c.ret = ed_arena_alloc_aligned(c.scratch, c.n * ED_ROWS_DIM_MAX * sizeof *c.ret);
    if (!c.ret || items_make(&c, texts) != EDDY_OK)
        over(&c, EDDY_NOMEM, "");
    eddy_status st = c.status == EDDY_OK ? run(&c) : c.status;
    e->stats.test_ms = ed_monotonic_ms() - began;
    if (st == EDDY_OK)
        st = test_judge(e, c.ret, o->dimensions, err);
    eddy_arena_free(c.scratch);
    return st;
}

/* ---- birth and death ---- */

void ed_embeddings_options_init(struct ed_embeddings_options *options)
{
    *options = (struct ed_embeddings_options){
        .prefix = "", .tokens_max = 480, .batch_max = 32, .batch_tokens = 16384, .start_ms = 10000};
    ed_http_options_init(&options->http);
    options->http.retries = 1;
    options->http.pace.wait_max_ms = WAIT_MAX_MS;
}

void ed_embeddings_free(struct ed_embeddings *e)
{
    if (!e)
        return;
    ed_http_free(e->http);
    ed_free(e->model);
    ed_free(e->prefix);
    pthread_mutex_destroy(&e->lock);
    ed_free(e);
}

static eddy_status parts_make(struct ed_embeddings *e, const struct ed_embeddings_options *o,
                              eddy_error *err)
{
    static const char path[] = "/embeddings";
    struct ed_http_options http = o->http;
    http.is_final = is_final;
    http.pace.failures_max = INT_MAX; /* see above */
    http.pace.interval_ms = o->calls_minute > 0 ? 60000 / o->calls_minute : 0;
    e->path = ed_http_ends_in(http.url, path) ? "" : path;
    e->tokens_max = o->tokens_max;
    e->batch_tokens = o->batch_tokens;
    e->wait_min_ms = 2 * http.pace.wait_min_ms; /* it has been tried for a while already */
    e->wait_max_ms = http.pace.wait_max_ms / 2;
    e->call_max = o->batch_max * o->http.concurrency;
    e->batch_max = e->batch_limit = o->batch_max;
    e->dialect.dimensions = o->dimensions;
    e->model = ed_strdup(o->model);
    e->prefix = ed_strdup(o->prefix);
    if (!e->model || !e->prefix)
        return eddy_fail_nomem(err, "embeddings", strlen(o->model));
    return ed_http_new(&http, &e->http, err);
}

eddy_status ed_embeddings_open(const struct ed_embeddings_options *options,
                               int (*stopped)(void *user), void *user, struct ed_embeddings **ret,
                               eddy_error *err)
{
    const eddy_embed_caller caller = {.user = user, .stopped = stopped};
    if (!options->model || !*options->model)
        return eddy_fail(err, EDDY_CONFIG, "an embeddings endpoint needs the name of a model");
    if (options->batch_max < 1 || options->batch_tokens < 1 || options->tokens_max < TOKENS_MIN ||
        options->dimensions > ED_ROWS_DIM_MAX)
        return eddy_fail(err, EDDY_CONFIG,
                         "an embeddings endpoint needs requests of 1 text and 1 token at least, "
                         "texts of %d tokens, and at most %d dimensions",
                         TOKENS_MIN, ED_ROWS_DIM_MAX);
    struct ed_embeddings *e = ed_alloc_zero(1, sizeof *e);
    if (!e)
        return eddy_fail_nomem(err, "embeddings", sizeof *e);
    pthread_mutex_init(&e->lock, NULL);
    eddy_status st = parts_make(e, options, err);
    if (st == EDDY_OK)
        st = test(e, &caller, options, err);
    if (st != EDDY_OK) {
        ed_embeddings_free(e);
        return st;
    }
    snprintf(e->name, sizeof e->name, "endpoint %.150s, model %.80s, %zu dimensions",
             ed_http_name(e->http), e->model, e->dim);
    *ret = e;
    return EDDY_OK;
}
