/* The client: one loop around libcurl's multi interface.
 *
 * Each round starts what may start (pace.h tells), lets curl work, takes what has ended, and sleeps
 * until something happens: a socket, a time, a stop, or somebody else who comes. libcurl keeps the
 * connections. Its handles stand in as many slots as may run at once and are used again.
 *
 * Any number of threads exchange at once. One of them, whoever finds nobody at it, turns the loop
 * for all until his own replies are there, and the next one goes on from where he left it; so pace,
 * slots and the requests under way always have one owner, and need no lock. */
#include "remote/http.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "remote/address.h"
#include "remote/setup.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define HEADERS_MAX 65536 /* bytes of an answer's headers */
#define ROUND_MS    1000  /* the longest sleep; nothing hangs on it ... */
#define ASK_MS      50    /* ... but where somebody has to be asked whether he still waits */
#define SPEED_MIN   10    /* bytes a second; slower has stalled */

/* One request on its way. */
struct task {
    const struct ed_http_request *request;
    struct ed_http_reply *reply;
    eddy_arena *arena; /* of its exchange */
    int done, running;
    int64_t begun_ms, deadline_ms; /* 0: not begun */
    int64_t due_ms;                /* of the next attempt */
    int64_t wait_ms;               /* before the last one */
    curl_off_t sent;               /* of the attempt */
    int64_t marked_ms;             /* when what came was last counted, or something was sent ... */
    curl_off_t marked;             /* ... and how much there was */
    struct ed_bytes body;
    size_t header_bytes;
    int denied, too_large, no_memory;
    enum ed_http_cause cause; /* of the last attempt */
};

/* What one thread waits for; on its stack. */
struct exchange {
    struct task *tasks; /* (n) */
    size_t n;
    int (*stopped)(void *user); /* may be NULL */
    void *user;
    int done; /* guarded by the client's lock */
    struct exchange *next;
};

struct slot {
    struct ed_http *http;
    CURL *easy;
    struct curl_slist *headers;
    struct task *task; /* NULL: idle */
    char text[CURL_ERROR_SIZE];
};

struct ed_http {
    struct ed_http_setup setup;
    atomic_int stopped;
    CURLM *multi;

    /* of whoever turns the loop */
    struct ed_pace pace;
    struct slot *slots; /* (setup.o.concurrency) */
    size_t n_running;
    struct exchange *under_way; /* in the order in which they came */
    int64_t begin_until_ms, end_until_ms;
    enum ed_http_cause last; /* failure */
    long last_status;

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t moved;
    int turning;              /* somebody turns the loop */
    struct exchange *arrived; /* the last who came is first */
    struct ed_http_stats stats;
    struct ed_pace seen; /* pace as others see it */
};

/* ---- one attempt ---- */

static size_t on_body(char *at, size_t size, size_t n, void *p)
{
    struct task *t = p;
    /* What curl hands over is unpacked, at most 16 KiB at a time. */
    if (ed_bytes_add(&t->body, at, size * n))
        return size * n;
    t->too_large = size * n > t->body.max - t->body.n;
    t->no_memory = !t->too_large;
    return 0;
}

static size_t on_header(char *at, size_t size, size_t n, void *p)
{
    struct task *t = p;
    (void)at;
    t->header_bytes += size * n;
    if (t->header_bytes <= HEADERS_MAX)
        return size * n;
    t->too_large = 1;
    return 0;
}

static curl_socket_t on_socket(void *p, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct slot *slot = p;
    (void)purpose;
    enum ed_address kind = ed_address_of(&address->addr);
    const struct ed_http_setup *setup = &slot->http->setup;
    if ((setup->o.deny_private && kind != ED_ADDRESS_PUBLIC) ||
        (setup->loopback_only && kind != ED_ADDRESS_LOOPBACK)) {
        slot->task->denied = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static CURLcode set_limits(const struct ed_http *http, CURL *easy, int64_t left_ms)
{
    const struct ed_http_options *o = &http->setup.o;
    CURLcode c = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    c |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    c |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    c |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    c |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (o->ca_file)
        c |= curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
    if (o->cert_file) {
        c |= curl_easy_setopt(easy, CURLOPT_SSLCERT, o->cert_file);
        c |= curl_easy_setopt(easy, CURLOPT_SSLKEY,
                              o->cert_key_file ? o->cert_key_file : o->cert_file);
    }
    if (http->setup.login) {
        c |= curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        c |= curl_easy_setopt(easy, CURLOPT_USERPWD, http->setup.login);
    }
    /* A proxy would hide whom we talk to, and read what is not encrypted. */
    if (http->setup.plain || o->deny_private)
        c |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    c |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    c |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a stop waits for no resolver */
    c |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    c |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_ms);
    c |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    return c;
}

static CURLcode set_request(struct slot *slot, const char *url)
{
    CURL *easy = slot->easy;
    struct task *t = slot->task;
    CURLcode c = curl_easy_setopt(easy, CURLOPT_URL, url);
    c |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "eddy/" EDDY_VERSION);
    c |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, slot->headers);
    c |= curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    c |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->text);
    c |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    c |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    c |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    c |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    c |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    c |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, slot);
    if (strcmp(t->request->method, "GET") == 0)
        return c | curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    c |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
    c |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, t->request->body.n ? t->request->body.at : "");
    c |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->request->body.n);
    if (strcmp(t->request->method, "POST") != 0)
        c |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->request->method);
    return c;
}

/* curl_slist_append leaves the list alone when it finds no memory. */
static int add_header(struct curl_slist **list, const char *header)
{
    struct curl_slist *more = curl_slist_append(*list, header);
    if (more)
        *list = more;
    return more != NULL;
}

static int set_headers(struct slot *slot)
{
    const struct ed_http *http = slot->http;
    const struct ed_http_request *r = slot->task->request;
    /* No "Expect: 100-continue": it costs a second where it is not understood. */
    int fine = add_header(&slot->headers, "Expect:");
    if (http->setup.authorization)
        fine &= add_header(&slot->headers, http->setup.authorization);
    for (size_t i = 0; i < r->n_headers; i++)
        fine &= add_header(&slot->headers, r->headers[i]);
    return fine;
}

/* 0: no memory. */
static int attempt(struct ed_http *http, struct task *t, int64_t now)
{
    struct slot *slot = http->slots;
    while (slot->task)
        slot++;
    slot->task = t;
    slot->text[0] = 0;
    t->denied = t->too_large = t->no_memory = 0;
    t->header_bytes = 0;
    ed_bytes_empty(&t->body);
    char *url = ed_http_setup_url(&http->setup, t->request->path);
    curl_easy_reset(slot->easy);
    int fine =
        url && set_headers(slot) &&
        (set_limits(http, slot->easy, t->deadline_ms - now) | set_request(slot, url)) == CURLE_OK &&
        curl_multi_add_handle(http->multi, slot->easy) == CURLM_OK;
    ed_free(url);
    if (!fine) {
        curl_slist_free_all(slot->headers);
        slot->headers = NULL;
        slot->task = NULL;
        return 0;
    }
    ed_pace_began(&http->pace, now);
    t->running = 1;
    t->marked_ms = now;
    t->sent = t->marked = 0;
    t->reply->attempts++;
    http->n_running++;
    pthread_mutex_lock(&http->lock);
    http->stats.bytes_out += t->request->body.n;
    http->stats.retries += t->reply->attempts > 1;
    pthread_mutex_unlock(&http->lock);
    return 1;
}

static void leave(struct slot *slot)
{
    curl_multi_remove_handle(slot->http->multi, slot->easy);
    curl_slist_free_all(slot->headers);
    slot->headers = NULL;
    slot->task->running = 0;
    slot->task = NULL;
    slot->http->n_running--;
}

/* ---- what became of it ---- */

static enum ed_http_cause cause_of_status(long status)
{
    if (status >= 200 && status < 300)
        return ED_HTTP_GOOD;
    if (status == 408 || status == 425 || status == 429)
        return ED_HTTP_BUSY;
    if (status >= 500)
        return ED_HTTP_BROKEN;
    return status >= 400 ? ED_HTTP_REFUSED : ED_HTTP_REDIRECTS;
}

static enum ed_http_cause cause_of(CURLcode code, const struct task *t, long status)
{
    if (t->no_memory)
        return ED_HTTP_NOMEM;
    if (t->too_large)
        return ED_HTTP_TOO_LARGE;
    if (t->denied && code != CURLE_OK)
        return ED_HTTP_DENIED;
    switch (code) {
    case CURLE_OK: return cause_of_status(status);
    case CURLE_OPERATION_TIMEDOUT: return ED_HTTP_LATE;
    case CURLE_OUT_OF_MEMORY: return ED_HTTP_NOMEM;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return ED_HTTP_CONNECT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM: /* our own */
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return ED_HTTP_UNTRUSTED;
    default: return ED_HTTP_LOST;
    }
}

static int may_help_again(enum ed_http_cause cause)
{
    return cause == ED_HTTP_BUSY || cause == ED_HTTP_BROKEN || cause == ED_HTTP_LATE ||
           cause == ED_HTTP_CONNECT || cause == ED_HTTP_LOST;
}

/* Where the endpoint is there and understood us, the failure is the request's own. */
static enum ed_attempt outcome(enum ed_http_cause cause, long status)
{
    if (status == 429 || (status == 503 && cause == ED_HTTP_BROKEN))
        return ED_ATTEMPT_CROWDED;
    int asked_wrongly = cause == ED_HTTP_REFUSED && status != 401 && status != 403;
    return cause == ED_HTTP_GOOD || asked_wrongly ? ED_ATTEMPT_WELL : ED_ATTEMPT_FAILED;
}

/* ---- the end of a request ---- */

static const char *say(const struct ed_http *http, const struct task *t, enum ed_http_cause cause,
                       const char *text)
{
    eddy_arena *arena = t->arena;
    const char *name = http->setup.name;
    eddy_str said = {NULL, 0};
    switch (cause) {
    case ED_HTTP_GOOD: return NULL;
    case ED_HTTP_BREAKER:
        said = ed_arena_printf(arena,
                               "%s: not asked for a while after %d failures in a row, the last: "
                               "%s, status %ld",
                               name, http->pace.failures, ed_http_cause_name(http->last),
                               http->last_status);
        break;
    case ED_HTTP_NOMEM: said = ed_arena_printf(arena, "%s: no memory", name); break;
    case ED_HTTP_STOPPED: said = ed_arena_printf(arena, "%s: stopped", name); break;
    case ED_HTTP_TOO_LARGE:
        said = ed_arena_printf(arena, "%s: the answer is larger than %zu bytes", name,
                               t->header_bytes > HEADERS_MAX ? (size_t)HEADERS_MAX : t->body.max);
        break;
    case ED_HTTP_DENIED:
        said = ed_arena_printf(arena, "%s: it leads to %s, which is not allowed", name,
                               http->setup.o.deny_private ? "an address that is not public"
                                                          : "another machine without encryption");
        break;
    default:
        if (t->reply->status)
            said = ed_arena_printf(arena, "%s: HTTP status %ld at attempt %d", name,
                                   t->reply->status, t->reply->attempts);
        else
            said = ed_arena_printf(arena, "%s: %s, at attempt %d", name, *text ? text : "no answer",
                                   t->reply->attempts);
    }
    return said.at ? said.at : "no memory for the reason";
}

/* A line for each kind of failure, told apart by the logger, which cuts short what repeats. */
static const char *const lines[ED_HTTP_CAUSES] = {
    [ED_HTTP_REFUSED] = "refused: %s",   [ED_HTTP_REDIRECTS] = "redirects, not followed: %s",
    [ED_HTTP_BUSY] = "busy: %s",         [ED_HTTP_BROKEN] = "broken: %s",
    [ED_HTTP_LATE] = "late: %s",         [ED_HTTP_CONNECT] = "cannot connect: %s",
    [ED_HTTP_LOST] = "lost: %s",         [ED_HTTP_UNTRUSTED] = "not trusted: %s",
    [ED_HTTP_DENIED] = "denied: %s",     [ED_HTTP_TOO_LARGE] = "too large: %s",
    [ED_HTTP_BREAKER] = "not asked: %s", [ED_HTTP_NOMEM] = "no memory: %s",
};

const char *ed_http_cause_name(enum ed_http_cause cause)
{
    static const char *const names[ED_HTTP_CAUSES] = {
        "good", "refused",   "redirects", "busy",      "broken",  "late",    "connect",
        "lost", "untrusted", "denied",    "too_large", "breaker", "stopped", "no_memory"};
    return names[cause];
}

static void end(struct ed_http *http, struct task *t, enum ed_http_cause cause, const char *text)
{
    struct ed_http_reply *reply = t->reply;
    int64_t now = ed_monotonic_ms();
    int full = t->body.n && cause != ED_HTTP_TOO_LARGE && cause != ED_HTTP_NOMEM && reply->status;
    if (full)
        reply->body = ed_arena_str(t->arena, t->body.at, t->body.n);
    if (full && !reply->body.at) {
        cause = ED_HTTP_NOMEM;
        reply->body = (eddy_str){NULL, 0};
    }
    reply->cause = cause;
    reply->ms = t->begun_ms ? now - t->begun_ms : 0;
    reply->detail = say(http, t, cause, text);
    if (lines[cause])
        ed_log(ED_LOG_WARN, "remote", lines[cause], reply->detail);
    t->done = 1;
    ed_bytes_clear(&t->body);
    pthread_mutex_lock(&http->lock);
    http->stats.requests++;
    http->stats.replies[cause]++;
    http->stats.seconds += (double)reply->ms / 1000;
    pthread_mutex_unlock(&http->lock);
}

/* The pace is the owner's; others see it as it was after the last attempt. */
static void note_pace(struct ed_http *http, enum ed_attempt how, int64_t after_ms, int64_t now,
                      size_t bytes)
{
    int was_closed = http->pace.failures < http->pace.failures_max;
    int opened = ed_pace_ended(&http->pace, how, after_ms, now);
    if (opened)
        ed_log(ED_LOG_WARN, "remote", "%s: %d failures in a row, not asked for %lld ms",
               http->setup.name, http->pace.failures, (long long)http->pace.open_ms);
    else if (!was_closed && how == ED_ATTEMPT_WELL)
        ed_log(ED_LOG_INFO, "remote", "%s: answers again", http->setup.name);
    pthread_mutex_lock(&http->lock);
    http->stats.opened += (uint64_t)opened;
    http->stats.bytes_in += bytes;
    http->seen = http->pace;
    pthread_mutex_unlock(&http->lock);
}

/* An attempt is over: the request has ended, or waits for the next one. */
static void landed(struct ed_http *http, struct slot *slot, CURLcode code)
{
    struct task *t = slot->task;
    int64_t now = ed_monotonic_ms();
    curl_off_t after_s = 0;
    long status = 0, n_sent = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &after_s);
    curl_easy_getinfo(slot->easy, CURLINFO_REQUEST_SIZE, &n_sent);
    leave(slot);
    t->reply->status = code == CURLE_OK || t->too_large ? status : 0;
    enum ed_http_cause cause = cause_of(code, t, status);
    int64_t after_ms = after_s > 0 ? (after_s < 86400 ? after_s : 86400) * 1000 : 0;
    if (cause != ED_HTTP_BUSY && cause != ED_HTTP_BROKEN)
        after_ms = 0;
    t->cause = cause;
    t->reply->late += cause == ED_HTTP_LATE && n_sent > 0;
    if (outcome(cause, status) != ED_ATTEMPT_WELL) {
        http->last = cause;
        http->last_status = t->reply->status;
    }
    note_pace(http, outcome(cause, status), after_ms, now, t->body.n);

    const struct ed_http_options *o = &http->setup.o;
    t->wait_ms = ed_pace_wait(&http->pace, t->wait_ms);
    t->due_ms = now + (after_ms > t->wait_ms ? after_ms : t->wait_ms);
    eddy_str body = {t->body.at, t->body.n};
    if (!may_help_again(cause) || t->reply->attempts > o->retries || t->due_ms >= t->deadline_ms ||
        (code == CURLE_OK && o->is_final && o->is_final(status, body)))
        end(http, t, cause, slot->text);
    else
        ed_log(ED_LOG_DEBUG, "remote", "%s: attempt %d: %s, status %ld; again in %lld ms",
               http->setup.name, t->reply->attempts, ed_http_cause_name(cause), t->reply->status,
               (long long)(t->due_ms - now));
}

/* ---- the loop ---- */

/* Begin the next attempt of a request, or tell when to look again. */
static int64_t advance(struct ed_http *http, struct task *t, int64_t now)
{
    if (now < t->due_ms)
        return t->due_ms;
    int64_t ready = ed_pace_ready(&http->pace, http->n_running, now);
    int open = ed_pace_breaker(&http->pace, now) == ED_BREAKER_OPEN;
    if (!t->begun_ms && !open && now >= http->begin_until_ms) {
        end(http, t, ED_HTTP_LATE, "no time was left to ask");
        return now;
    }
    /* Nobody waits for a breaker who has not been let in before, and nobody in vain. */
    int64_t deadline = t->begun_ms ? t->deadline_ms : now + http->setup.o.timeout_ms;
    deadline = deadline < http->end_until_ms ? deadline : http->end_until_ms;
    int spent = !t->begun_ms && http->pace.next_ms >= (double)deadline; /* which is no fault */
    if (now >= deadline || (ready != INT64_MAX && ready >= deadline && !spent) ||
        (open && !t->begun_ms)) {
        end(http, t, t->begun_ms ? t->cause : ED_HTTP_BREAKER, "");
        return now;
    }
    if (ready > now)
        return ready < t->deadline_ms || !t->begun_ms ? ready : t->deadline_ms;
    if (!t->begun_ms) {
        t->begun_ms = now;
        t->deadline_ms = deadline;
    }
    if (!attempt(http, t, now))
        end(http, t, ED_HTTP_NOMEM, "");
    return now;
}

/* libcurl has a limit for this as well, but averages over so long that ten seconds become sixteen.
 * Tells when to look again. */
static int64_t watch(struct ed_http *http, struct task *t, int64_t now)
{
    int64_t stall_ms = http->setup.o.stall_ms;
    struct slot *slot = http->slots;
    while (slot->task != t)
        slot++;
    curl_off_t in = 0, out = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_SIZE_DOWNLOAD_T, &in);
    curl_easy_getinfo(slot->easy, CURLINFO_SIZE_UPLOAD_T, &out);
    if (out != t->sent) {
        t->sent = out;
        t->marked_ms = now;
    }
    if (now - t->marked_ms < stall_ms)
        return t->marked_ms + stall_ms;
    if ((in - t->marked) * 1000 < SPEED_MIN * (now - t->marked_ms)) {
        snprintf(slot->text, sizeof slot->text, "stalled for %lld ms", (long long)stall_ms);
        landed(http, slot, CURLE_OPERATION_TIMEDOUT);
        return now;
    }
    t->marked_ms = now;
    t->marked = in;
    return now + stall_ms;
}

/* Whoever waits for it does so no longer, and needs its replies at once. */
static int is_stopped(const struct ed_http *http, const struct exchange *e)
{
    return atomic_load(&http->stopped) || (e->stopped && e->stopped(e->user));
}

static void exchange_stop(struct ed_http *http, struct exchange *e)
{
    for (size_t i = 0; i < http->setup.o.concurrency; i++) {
        struct slot *slot = &http->slots[i];
        if (slot->task >= e->tasks && slot->task < e->tasks + e->n)
            leave(slot);
    }
    for (size_t i = 0; i < e->n; i++)
        if (!e->tasks[i].done) {
            e->tasks[i].reply->status = 0;
            end(http, &e->tasks[i], ED_HTTP_STOPPED, "");
        }
}

/* Begin what may begin; *wake: when to look again. Returns how many replies are still to come. */
static size_t exchange_advance(struct ed_http *http, struct exchange *e, int64_t now, int64_t *wake)
{
    size_t n_left = 0;
    if (is_stopped(http, e))
        exchange_stop(http, e);
    if (e->stopped && now + ASK_MS < *wake)
        *wake = now + ASK_MS;
    for (size_t i = 0; i < e->n; i++) {
        struct task *t = &e->tasks[i];
        if (t->done)
            continue;
        int64_t next = t->running ? watch(http, t, now) : advance(http, t, now);
        *wake = next < *wake ? next : *wake;
        n_left += !t->done;
    }
    return n_left;
}

/* Those who came since the last round go behind the others. */
static void take_arrived(struct ed_http *http)
{
    struct exchange **end = &http->under_way, *fresh = NULL;
    pthread_mutex_lock(&http->lock);
    while (http->arrived) {
        struct exchange *e = http->arrived;
        http->arrived = e->next;
        e->next = fresh;
        fresh = e;
    }
    pthread_mutex_unlock(&http->lock);
    while (*end)
        end = &(*end)->next;
    *end = fresh;
}

/* Returns how long nothing is to be done. */
static int64_t advance_all(struct ed_http *http)
{
    int64_t now = ed_monotonic_ms(), wake = now + ROUND_MS;
    struct exchange **at = &http->under_way;
    take_arrived(http);
    while (*at) {
        struct exchange *e = *at;
        if (exchange_advance(http, e, now, &wake)) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        wake = now; /* it may be what the loop is turned for */
        pthread_mutex_lock(&http->lock);
        e->done = 1; /* from here on it is gone */
        pthread_cond_broadcast(&http->moved);
        pthread_mutex_unlock(&http->lock);
    }
    return wake - now;
}

/* Returns how many attempts have ended. */
static int take_landings(struct ed_http *http)
{
    CURLMsg *msg;
    int n_more, n = 0;
    while ((msg = curl_multi_info_read(http->multi, &n_more))) {
        struct slot *slot = NULL;
        CURLcode code = msg->data.result; /* msg dies with the handle's removal */
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
        landed(http, slot, code);
        n++;
    }
    return n;
}

/* With the lock held, and held again at the end. */
static void turn(struct ed_http *http, struct exchange *mine)
{
    http->turning = 1;
    while (!mine->done) {
        int n_active;
        pthread_mutex_unlock(&http->lock);
        int64_t wait = advance_all(http);
        curl_multi_perform(http->multi, &n_active);
        if (!take_landings(http) && wait > 0)
            curl_multi_poll(http->multi, NULL, 0, (int)wait, NULL);
        pthread_mutex_lock(&http->lock);
    }
    http->turning = 0;
    pthread_cond_broadcast(&http->moved); /* somebody else has to turn it now */
}

void ed_http_exchange_unless(struct ed_http *http, const struct ed_http_request *requests, size_t n,
                             eddy_arena *arena, struct ed_http_reply *replies,
                             int (*stopped)(void *user), void *user)
{
    memset(replies, 0, n * sizeof *replies);
    struct task *tasks = ed_alloc_zero(n, sizeof *tasks);
    for (size_t i = 0; i < n; i++) {
        if (!tasks) {
            replies[i] = (struct ed_http_reply){.cause = ED_HTTP_NOMEM, .detail = "no memory"};
            continue;
        }
        tasks[i].request = &requests[i];
        tasks[i].reply = &replies[i];
        tasks[i].arena = arena;
        ed_bytes_init(&tasks[i].body,
                      requests[i].body_max ? requests[i].body_max : http->setup.o.body_max);
    }
    if (!tasks)
        return;
    struct exchange mine = {.tasks = tasks, .n = n, .stopped = stopped, .user = user};
    pthread_mutex_lock(&http->lock);
    mine.next = http->arrived;
    http->arrived = &mine;
    if (http->turning)
        curl_multi_wakeup(http->multi);
    while (!mine.done)
        if (http->turning)
            pthread_cond_wait(&http->moved, &http->lock); /* the loop is bounded, and so is this */
        else
            turn(http, &mine);
    pthread_mutex_unlock(&http->lock);
    ed_free(tasks);
}

void ed_http_exchange(struct ed_http *http, const struct ed_http_request *requests, size_t n,
                      eddy_arena *arena, struct ed_http_reply *replies)
{
    ed_http_exchange_unless(http, requests, n, arena, replies, NULL, NULL);
}

/* ---- birth and death ---- */

void ed_http_until(struct ed_http *http, int64_t begin_ms, int64_t end_ms)
{
    http->begin_until_ms = begin_ms;
    http->end_until_ms = end_ms;
}

void ed_http_stop(struct ed_http *http)
{
    atomic_store(&http->stopped, 1);
    curl_multi_wakeup(http->multi);
}

void ed_http_stats(struct ed_http *http, struct ed_http_stats *ret)
{
    int64_t now = ed_monotonic_ms();
    pthread_mutex_lock(&http->lock);
    *ret = http->stats;
    ret->breaker = ed_pace_breaker(&http->seen, now);
    pthread_mutex_unlock(&http->lock);
}

const char *ed_http_name(const struct ed_http *http)
{
    return http->setup.name;
}

const char *ed_http_key(const struct ed_http *http)
{
    return http->setup.authorization ? strrchr(http->setup.authorization, ' ') + 1 : "";
}

void ed_http_free(struct ed_http *http)
{
    if (!http)
        return;
    for (size_t i = 0; http->slots && i < http->setup.o.concurrency; i++)
        curl_easy_cleanup(http->slots[i].easy);
    ed_free(http->slots);
    if (http->multi)
        curl_multi_cleanup(http->multi);
    ed_http_setup_clear(&http->setup);
    pthread_cond_destroy(&http->moved);
    pthread_mutex_destroy(&http->lock);
    ed_free(http);
    curl_global_cleanup();
}

eddy_status ed_http_new(const struct ed_http_options *options, struct ed_http **ret,
                        eddy_error *err)
{
    struct ed_http *http = ed_alloc_zero(1, sizeof *http);
    if (!http)
        return eddy_fail_nomem(err, "http client", sizeof *http);
    pthread_mutex_init(&http->lock, NULL);
    pthread_cond_init(&http->moved, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted, and safe from any thread since 7.84 */
    eddy_status st = ed_http_setup_init(&http->setup, options, err);
    if (st != EDDY_OK) {
        ed_http_free(http);
        return st;
    }
    size_t n = http->setup.o.concurrency;
    http->pace = http->setup.o.pace;
    http->pace.window = http->pace.window_max = (double)n;
    http->pace.random = http->setup.o.seed;
    ed_http_until(http, INT64_MAX, INT64_MAX);
    http->seen = http->pace;
    http->multi = curl_multi_init();
    http->slots = ed_alloc_zero(n, sizeof *http->slots);
    int fine = http->multi && http->slots;
    for (size_t i = 0; fine && i < n; i++) {
        http->slots[i].http = http;
        http->slots[i].easy = curl_easy_init();
        fine = http->slots[i].easy != NULL;
    }
    if (!fine) {
        ed_http_free(http);
        return eddy_fail_nomem(err, "http client", n * sizeof *http->slots);
    }
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)n);
    *ret = http;
    return EDDY_OK;
}
