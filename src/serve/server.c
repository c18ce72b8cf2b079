/* Server: libmicrohttpd, with its limits; from a request to its route, and from an answer to its
 * headers.
 *
 * One thread does all that is quick. What takes longer (an operation, a stream that waits for the
 * next change) is suspended, and woken by whoever has something for it.
 *
 * What is not trusted: everything that comes in. A request has 32 kB for its headers and 64 kB for
 * its body, 20 seconds without a byte, and there are so many connections; a Host that is a name we
 * were not told of is refused before anything else is looked at. */
#include "serve/inside.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADERS_MAX     ((size_t)32 << 10)
#define BODY_MAX        ((size_t)64 << 10)
#define ANSWER_MAX      ((size_t)256 << 20)
#define IDLE_SECONDS    20
#define CONNECTIONS_MAX 256

/* ---- asked of a request ---- */

const char *ed_exchange_header(const struct ed_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

const char *ed_exchange_argument(const struct ed_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

int ed_exchange_number(struct ed_exchange *x, const char *name, uint64_t min, uint64_t max,
                       uint64_t standard, uint64_t *ret)
{
    const char *text = ed_exchange_argument(x, name);
    char *end = NULL;
    *ret = standard;
    if (!text)
        return 1;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < min || n > max) {
        ed_exchange_fail(x, 400, "%s is not a whole number from %llu to %llu", name,
                         (unsigned long long)min, (unsigned long long)max);
        return 0;
    }
    *ret = n;
    return 1;
}

uint64_t ed_exchange_id(const char *text, size_t n)
{
    uint64_t number = 0;
    if (n < 2 || n > 19 || (*text != 'E' && *text != 'T') || text[1] == '0')
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        number = 10 * number + (uint64_t)(text[i] - '0');
    }
    return *text == 'T' ? ED_ID_TOPIC | number : number;
}

/* ---- the answer ---- */

static const char *title_of(unsigned status)
{
    const char *title = MHD_get_reason_phrase_for(status);
    return title ? title : "Unknown";
}

void ed_exchange_fail(struct ed_exchange *x, unsigned status, const char *detail, ...)
{
    char text[400];
    va_list args;
    va_start(args, detail);
    vsnprintf(text, sizeof text, detail, args);
    va_end(args);
    const char *title = title_of(status);
    x->status = status;
    x->type = ED_TYPE_PROBLEM;
    ed_bytes_empty(&x->out);
    ed_json_open(&x->out, '{');
    ed_json_key(&x->out, "status");
    ed_json_integer(&x->out, status);
    ed_json_key(&x->out, "title");
    ed_json_text(&x->out, title, strlen(title));
    ed_json_key(&x->out, "detail");
    ed_json_text(&x->out, text, strlen(text));
    ed_json_close(&x->out, '}');
    atomic_store(&x->answered, 1);
}

void ed_exchange_failed(struct ed_exchange *x, const eddy_error *err)
{
    ed_exchange_fail(x, 503, "%s", err->text);
}

/* What our one page may load, and do: what comes from here, and nothing that is made of text. */
#define PAGE_MAY                                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " \
    "require-trusted-types-for 'script'; trusted-types 'none'; "
#define NOBODY_MAY "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/* What no answer of ours may be used for by a browser. All but the dashboard is data, of which
 * nothing may be loaded. */
static void headers_add(const struct ed_exchange *x, struct MHD_Response *response)
{
    static const char *const all[][2] = {
        {"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},    {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        MHD_add_response_header(response, all[i][0], all[i][1]);
    MHD_add_response_header(response, "Content-Security-Policy",
                            strcmp(x->type, ED_TYPE_HTML) != 0 ? "default-src 'none'; " NOBODY_MAY
                                                               : PAGE_MAY NOBODY_MAY);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, x->type);
    if (x->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (x->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST");
    if (x->status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "5");
}

static enum MHD_Result answer_send(struct ed_exchange *x)
{
    struct MHD_Response *response;
    if (x->out.failed)
        ed_exchange_fail(x, 500, "the answer is too large");
    if (x->out.failed) /* no memory for even that */
        return MHD_NO;
    if (x->reader)
        response = ed_reader_response(x->reader);
    else
        response = MHD_create_response_from_buffer_with_free_callback(x->out.n, x->out.at, ed_free);
    if (!response)
        return MHD_NO;
    ed_bytes_init(&x->out, ANSWER_MAX); /* the response has taken it, or there was nothing */
    x->reader = NULL;
    headers_add(x, response);
    atomic_fetch_add(&x->serve->answers[x->status / 100 % 6], 1);
    enum MHD_Result sent = MHD_queue_response(x->connection, x->status, response);
    MHD_destroy_response(response);
    return sent;
}

/* ---- who may ask ---- */

/* 1: the name without its port is an address, localhost, or one that we were told of. */
static int host_known(const struct ed_serve *serve, const char *host)
{
    char name[256];
    struct in6_addr address;
    const char *end = *host == '[' ? strchr(host, ']') : strchr(host, ':');
    size_t n = end ? (size_t)(end - host) : strlen(host);
    if (*host == '[') {
        if (!end || (end[1] && end[1] != ':'))
            return 0;
        host++;
        n--;
    }
    if (!n || n >= sizeof name)
        return 0;
    memcpy(name, host, n);
    name[n] = 0;
    if (inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1 ||
        !strcasecmp(name, "localhost"))
        return 1;
    for (size_t i = 0; i < serve->o.n_hosts; i++)
        if (!strcasecmp(name, serve->o.hosts[i]))
            return 1;
    return 0;
}

/* In a time that does not depend on where they differ. */
static int same_secret(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned differ = n != m;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned)((unsigned char)a[i] ^ (unsigned char)b[m ? i % m : 0]);
    return !differ;
}

/* 1: it carries the token. */
static int may_operate(struct ed_exchange *x)
{
    static const char bearer[] = "Bearer ";
    const char *given = ed_exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *type = ed_exchange_header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (!x->serve->operator)
        ed_exchange_fail(x, 403, "nobody may operate here: serve.token is not set");
    else if (!given || strncasecmp(given, bearer, sizeof bearer - 1) != 0 ||
             !same_secret(given + sizeof bearer - 1, x->serve->o.token))
        ed_exchange_fail(x, 401, "this needs the token of serve.token, as Authorization: Bearer");
    else if (!type || strncasecmp(type, "application/json", 16) != 0)
        ed_exchange_fail(x, 415, "an operation is sent as application/json");
    else if (x->in.failed)
        ed_exchange_fail(x, 413, "an operation has %zu bytes at most", BODY_MAX);
    return !x->answered;
}

/* ---- routes ---- */

/* 1: url is this path; what stands for {id} is then x->id, 0 where it is none. */
static int path_matches(const char *path, const char *url, struct ed_exchange *x)
{
    x->id = 0;
    for (; *path; path++) {
        if (*path != '{') {
            if (*path != *url++)
                return 0;
            continue;
        }
        size_t n = strcspn(url, "/");
        path = strchr(path, '}');
        x->id = ed_exchange_id(url, n);
        url += n;
    }
    return !*url;
}

static const struct ed_route *route_find(const char *method, const char *url, struct ed_exchange *x)
{
    int known = 0;
    const char *as = !strcmp(method, MHD_HTTP_METHOD_HEAD) ? MHD_HTTP_METHOD_GET : method;
    for (const struct ed_route *r = ed_routes; r->method; r++) {
        if (!path_matches(r->path, url, x))
            continue;
        known = 1;
        if (strcmp(r->method, as) != 0)
            continue;
        if (strchr(r->path, '{') && !x->id)
            ed_exchange_fail(x, 404, "this is no id; those of events are like E12, of topics T3");
        return r;
    }
    if (known)
        ed_exchange_fail(x, 405, "%s does not take that", url);
    else
        ed_exchange_fail(x, 404, "there is nothing here; /api/v1/openapi.json tells what there is");
    return NULL;
}

/* All of the request is here. */
static void answer_make(struct ed_exchange *x, const char *method, const char *url)
{
    const char *host = ed_exchange_header(x, MHD_HTTP_HEADER_HOST);
    if (host && !host_known(x->serve, host)) {
        ed_exchange_fail(x, 421, "not under this name: serve.hosts lists those that are allowed");
        return;
    }
    const struct ed_route *route = route_find(method, url, x);
    if (x->answered)
        return;
    if (!strcmp(route->method, MHD_HTTP_METHOD_POST)) {
        if (may_operate(x))
            route->answer(x);
        return;
    }
    x->status = 200;
    x->type = ED_TYPE_JSON;
    route->answer(x);
    atomic_store(&x->answered, 1);
}

/* ---- libmicrohttpd's side ---- */

static struct ed_exchange *exchange_new(struct ed_serve *serve, struct MHD_Connection *connection)
{
    struct ed_exchange *x = ed_alloc_zero(1, sizeof *x);
    if (!x)
        return NULL;
    x->serve = serve;
    x->connection = connection;
    ed_bytes_init(&x->in, BODY_MAX);
    ed_bytes_init(&x->out, ANSWER_MAX);
    return x;
}

/* Called for the headers, for each piece of the body, at its end; and once more when an operation
 * is done. */
static enum MHD_Result on_request(void *p, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *n_body, void **mine)
{
    struct ed_exchange *x = *mine;
    (void)version;
    if (!x) {
        *mine = exchange_new(p, connection);
        return *mine ? MHD_YES : MHD_NO;
    }
    if (*n_body) {
        ed_bytes_add(&x->in, body, *n_body); /* what is too much is told at its end */
        *n_body = 0;
        return MHD_YES;
    }
    if (!x->answered)
        answer_make(x, method, url);
    return x->answered ? answer_send(x) : MHD_YES; /* an operation: it is suspended */
}

static void on_completed(void *p, struct MHD_Connection *connection, void **mine,
                         enum MHD_RequestTerminationCode how)
{
    struct ed_exchange *x = *mine;
    (void)p;
    (void)connection;
    (void)how;
    if (!x)
        return;
    ed_bytes_clear(&x->in);
    ed_bytes_clear(&x->out);
    ed_free(x);
    *mine = NULL;
}

static void on_log(void *p, const char *format, va_list args)
{
    char text[300];
    (void)p;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = 0;
    ed_log(ED_LOG_DEBUG, "serve", "%s", text);
}

/* ---- listening ---- */

static eddy_status address_read(const char *text, struct sockaddr_storage *ret, socklen_t *n,
                                eddy_error *err)
{
    struct sockaddr_in *four = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        *n = sizeof *four;
    } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        *n = sizeof *six;
    } else {
        return eddy_fail(err, EDDY_CONFIG,
                         "serve.address: '%s' is no address, such as 127.0.0.1, ::1 or 0.0.0.0",
                         text);
    }
    return EDDY_OK;
}

/* The port stands at the same place for both families. */
static void port_put(struct sockaddr_storage *address, int port)
{
    ((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
}

/* One port. -1: it cannot be had, and errno says why. */
static int listen_at(struct sockaddr_storage *address, socklen_t n, int port)
{
    int one = 1, fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    port_put(address, port);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!bind(fd, (struct sockaddr *)address, n) && !listen(fd, 128))
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static eddy_status listen_on(struct ed_serve *serve, int *ret, eddy_error *err)
{
    const struct ed_serve_options *o = &serve->o;
    struct sockaddr_storage address;
    socklen_t n = 0;
    eddy_status st = address_read(o->address, &address, &n, err);
    if (st != EDDY_OK)
        return st;
    int port = o->port, fd = listen_at(&address, n, port);
    for (int i = 1; fd < 0 && errno == EADDRINUSE && i < o->tries; i++)
        fd = listen_at(&address, n, ++port);
    if (fd < 0)
        return eddy_fail(err, EDDY_UNAVAILABLE, "serve.address %s, port %d: %s", o->address, port,
                         strerror(errno));
    getsockname(fd, (struct sockaddr *)&address, &n);
    port = ntohs(((struct sockaddr_in *)&address)->sin_port);
    snprintf(serve->url, sizeof serve->url,
             strchr(o->address, ':') ? "http://[%s]:%d" : "http://%s:%d", o->address, port);
    *ret = fd;
    return EDDY_OK;
}

static eddy_status daemon_start(struct ed_serve *serve, int fd, eddy_error *err)
{
    sigset_t every, before;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (strchr(serve->o.address, ':'))
        flags |= MHD_USE_IPv6;
    sigfillset(&every); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &every, &before);
    serve->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, serve, MHD_OPTION_EXTERNAL_LOGGER,
                         on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                         CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADERS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (serve->daemon)
        return EDDY_OK;
    close(fd);
    return eddy_fail(err, EDDY_NOMEM, "serve: the HTTP server does not start");
}

eddy_status ed_serve_start(const struct ed_serve_options *options, struct ed_serve **ret,
                           eddy_error *err)
{
    int fd = -1;
    struct ed_serve *serve = ed_alloc_zero(1, sizeof *serve);
    if (!serve)
        return eddy_fail_nomem(err, "serve", sizeof *serve);
    serve->o = *options;
    eddy_status st = EDDY_OK;
    if (*options->token && options->backend.operate)
        st = ed_operator_new(serve, &serve->operator, err);
    if (st == EDDY_OK)
        st = ed_streams_new(serve, &serve->streams, err);
    if (st == EDDY_OK)
        st = listen_on(serve, &fd, err);
    if (st == EDDY_OK)
        st = daemon_start(serve, fd, err);
    if (st != EDDY_OK) {
        ed_serve_stop(serve);
        return st;
    }
    *ret = serve;
    return EDDY_OK;
}

const char *ed_serve_url(const struct ed_serve *serve)
{
    return serve->url;
}

/* Whoever is suspended must be woken before the daemon is stopped. */
void ed_serve_stop(struct ed_serve *serve)
{
    if (!serve)
        return;
    atomic_store(&serve->stopping, 1);
    ed_operator_stop(serve->operator);
    ed_streams_stop(serve->streams);
    if (serve->daemon) {
        ed_streams_drain(serve->streams);
        MHD_stop_daemon(serve->daemon);
    }
    ed_operator_free(serve->operator);
    ed_streams_free(serve->streams);
    ed_free(serve);
}
