/* label: threads */
/* The HTTP client against an endpoint that misbehaves: every fault has its name, its bound in time
 * and its bound in memory. */
#include "folder.h"
#include "remote_support.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>

/* Names that this test knows by itself: the C library's own stands behind. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (name && strcmp(name, "nobody-knows.test") == 0) {
        usleep(3000000);
        return EAI_AGAIN;
    }
    if (name && strcmp(name, "rebound.test") == 0)
        name = "127.0.0.1";
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, ret);
}

static struct ed_http_options quick(const char *url)
{
    struct ed_http_options o;
    ed_http_options_init(&o);
    o.url = url;
    o.timeout_ms = 20000;
    o.stall_ms = 10000;
    o.retries = 1;
    o.body_max = 1 << 20;
    o.pace.wait_min_ms = 10;
    o.pace.wait_max_ms = 100;
    o.pace.failures_max = 1000;
    return o;
}

static struct ed_http *client(const struct ed_http_options *o)
{
    struct ed_http *http = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_http_new(o, &http, &err), &err);
    return http;
}

static const char *const headers[] = {"Content-Type: application/json", "X-Eddy-Purpose: name"};
#define BODY                                                                                       \
    "{\"model\": \"m\", \"max_tokens\": 9, \"messages\": [{\"role\": \"system\", \"content\": "    \
    "\"s\"}, {\"role\": \"user\", \"content\": \"two trains\"}]}"
static const struct ed_http_request question = {.method = "POST",
                                                .path = "/chat/completions",
                                                .headers = headers,
                                                .n_headers = 2,
                                                .body = {BODY, sizeof BODY - 1}};

static struct ed_http_reply ask(struct ed_http *http, eddy_arena *arena)
{
    struct ed_http_reply reply;
    ed_http_exchange(http, &question, 1, arena, &reply);
    return reply;
}

TEST(many_are_asked_at_once_over_few_connections_and_none_is_lost)
{
    enum { N = 24 };
    struct scripted s;
    struct ed_http_request requests[N];
    struct ed_http_reply replies[N];
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(&s, "{\"do\": \"judge\", \"after\": 0.2}\n", NULL);
    struct ed_http_options o = quick(s.url);
    o.key = "sk-secret-17";
    struct ed_http *http = client(&o);
    for (int i = 0; i < N; i++)
        requests[i] = question;
    int64_t begin = ed_monotonic_ms();
    ed_http_exchange(http, requests, N, arena, replies);
    int64_t ms = ed_monotonic_ms() - begin;
    assert_true(ms >= N / 4 * 200 && ms < N * 200); /* four at once, and no more */
    for (int i = 0; i < N; i++) {
        assert_int_equal(replies[i].cause, ED_HTTP_GOOD);
        assert_int_equal(replies[i].status, 200);
        assert_int_equal(replies[i].attempts, 1);
        assert_null(replies[i].detail);
        assert_non_null(strstr(replies[i].body.at, "\"choices\""));
    }
    json_t *seen = scripted_seen(&s);
    assert_int_equal(json_integer_value(json_object_get(seen, "n")), N);
    assert_true(json_integer_value(json_object_get(seen, "connections")) <= 4);
    const json_t *first = json_array_get(json_object_get(seen, "seen"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "authorization")),
                        "Bearer sk-secret-17");
    json_decref(seen);
    struct ed_http_stats stats;
    ed_http_stats(http, &stats);
    assert_int_equal(stats.requests, N);
    assert_int_equal(stats.retries, 0);
    assert_int_equal(stats.replies[ED_HTTP_GOOD], N);
    assert_int_equal(stats.bytes_out, N * (sizeof BODY - 1));
    assert_int_equal(stats.bytes_in, N * replies[0].body.n);
    assert_true(stats.seconds >= N * 0.2);
    ed_http_free(http);
    eddy_arena_free(arena);
    scripted_end(&s);
}

/* RELIABILITY rows 14 and 15, as far as HTTP goes. */
static const struct fault {
    const char *rule;
    enum ed_http_cause cause;
    long status;
    int attempts;
    int64_t ms_max;
} faults[] = {
    {"{\"do\": \"refuse\", \"seconds\": 1}", ED_HTTP_CONNECT, 0, 2, 1000},
    {"{\"do\": \"reset\"}", ED_HTTP_LOST, 0, 2, 1000},
    {"{\"do\": \"hang\", \"seconds\": 30}", ED_HTTP_LATE, 0, 2, 3000},
    {"{\"do\": \"drip\", \"every\": 0.3}", ED_HTTP_LATE, 0, 2, 3000},
    {"{\"do\": \"status\", \"status\": 500}", ED_HTTP_BROKEN, 500, 2, 1000},
    {"{\"do\": \"status\", \"status\": 503}", ED_HTTP_BROKEN, 503, 2, 1000},
    {"{\"do\": \"status\", \"status\": 429}", ED_HTTP_BUSY, 429, 2, 1000},
    {"{\"do\": \"status\", \"status\": 401}", ED_HTTP_REFUSED, 401, 1, 1000},
    {"{\"do\": \"status\", \"status\": 404}", ED_HTTP_REFUSED, 404, 1, 1000},
    {"{\"do\": \"garbage\"}", ED_HTTP_GOOD, 200, 1, 1000},
    {"{\"do\": \"cut\"}", ED_HTTP_GOOD, 200, 1, 1000},
    {"{\"do\": \"not_http\"}", ED_HTTP_LOST, 0, 2, 1000},
    {"{\"do\": \"short\"}", ED_HTTP_LOST, 0, 2, 1000},
    {"{\"do\": \"huge\", \"bytes\": 1e9}", ED_HTTP_TOO_LARGE, 200, 1, 2000},
    {"{\"do\": \"bomb\", \"bytes\": 1e9}", ED_HTTP_TOO_LARGE, 200, 1, 2000},
    {"{\"do\": \"endless\"}", ED_HTTP_TOO_LARGE, 200, 1, 2000},
    {"{\"do\": \"headers\"}", ED_HTTP_TOO_LARGE, 200, 1, 2000},
    {"{\"do\": \"long\", \"bytes\": 1e7}", ED_HTTP_TOO_LARGE, 200, 1, 2000},
    {"{\"do\": \"redirect\", \"to\": \"file:///etc/passwd\"}", ED_HTTP_REDIRECTS, 302, 1, 1000},
    {"{\"do\": \"redirect\", \"to\": \"http://169.254.169.254/latest\", \"status\": 307}",
     ED_HTTP_REDIRECTS, 307, 1, 1000},
};

TEST(each_fault_has_its_name_and_its_bounds)
{
    eddy_arena *arena = eddy_arena_new(0);
    long before = memory_kib();
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const struct fault *f = &faults[i];
        struct scripted s;
        scripted_start(&s, f->rule, NULL);
        struct ed_http_options o = quick(s.url);
        o.stall_ms = f->cause == ED_HTTP_LATE ? 1000 : 10000;
        struct ed_http *http = client(&o);
        struct ed_http_reply r = ask(http, arena);
        printf("%-70s %s, status %ld, %d attempts, %lld ms\n", f->rule, ed_http_cause_name(r.cause),
               r.status, r.attempts, (long long)r.ms);
        assert_int_equal(r.cause, f->cause);
        assert_int_equal(r.status, f->status);
        assert_int_equal(r.attempts, f->attempts);
        assert_true(r.ms < f->ms_max * SLOW);
        assert_true(r.body.n <= o.body_max);
        assert_int_equal(r.detail == NULL, r.cause == ED_HTTP_GOOD);
        if (r.detail)
            assert_non_null(strstr(r.detail, s.url));
        ed_http_free(http);
        scripted_end(&s);
        eddy_arena_reset(arena);
    }
    long grown = memory_kib() - before;
    printf("grown by %ld KiB\n", grown);
    assert_true(grown < 40 * 1024 * SLOW);
    eddy_arena_free(arena);
}

TEST(what_went_wrong_once_is_tried_again)
{
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(&s,
                   "{\"nth\": 1, \"do\": \"reset\"}\n"
                   "{\"nth\": 2, \"do\": \"status\", \"status\": 500}\n"
                   "{\"nth\": 3, \"do\": \"hang\"}\n",
                   NULL);
    struct ed_http_options o = quick(s.url);
    o.retries = 5;
    o.stall_ms = 2000;
    struct ed_http *http = client(&o);
    struct ed_http_reply r = ask(http, arena);
    assert_int_equal(r.cause, ED_HTTP_GOOD);
    assert_int_equal(r.attempts, 4);
    struct ed_http_stats stats;
    ed_http_stats(http, &stats);
    assert_int_equal(stats.requests, 1);
    assert_int_equal(stats.retries, 3);
    ed_http_free(http);
    eddy_arena_free(arena);
    scripted_end(&s);
}

TEST(the_deadline_is_of_the_request_whatever_the_retries)
{
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(&s, "{\"do\": \"hang\"}\n", NULL);
    struct ed_http_options o = quick(s.url);
    o.retries = 100;
    o.stall_ms = 1000;
    o.timeout_ms = 2500;
    struct ed_http *http = client(&o);
    struct ed_http_reply r = ask(http, arena);
    assert_int_equal(r.cause, ED_HTTP_LATE);
    assert_true(r.attempts >= 2 && r.ms < 2500 + 500 * SLOW);
    ed_http_free(http);
    eddy_arena_free(arena);
    scripted_end(&s);
}

TEST(an_exchange_ends_by_its_time_and_begins_nothing_too_late)
{
    enum { N = 8 };
    struct scripted s;
    struct ed_http_request requests[N];
    struct ed_http_reply replies[N];
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(&s, "{\"do\": \"hang\", \"seconds\": 30}\n", NULL);
    struct ed_http_options o = quick(s.url);
    o.retries = 5;
    struct ed_http *http = client(&o);
    for (int i = 0; i < N; i++)
        requests[i] = question;
    int64_t began = ed_monotonic_ms();
    ed_http_until(http, began + 300, began + 600);
    ed_http_exchange(http, requests, N, arena, replies);
    int64_t took = ed_monotonic_ms() - began;
    assert_true(took >= 550 && took < 600 + 400 * SLOW);
    for (int i = 0; i < N; i++) { /* four at once; no time is left for the others */
        assert_int_equal(replies[i].cause, ED_HTTP_LATE);
        assert_int_equal(replies[i].attempts, i < 4);
        assert_int_equal(replies[i].late, i < 4);
    }
    assert_int_equal(scripted_count(&s), 4);
    ed_http_until(http, INT64_MAX, INT64_MAX);
    scripted_start(&s, "", NULL);
    assert_int_equal(ask(http, arena).cause, ED_HTTP_GOOD);
    ed_http_free(http);
    scripted_end(&s);
    eddy_arena_free(arena);
}

TEST(retry_after_is_kept_in_seconds_and_as_a_date)
{
    static const char *const rules[] = {
        "{\"nth\": 1, \"do\": \"status\", \"status\": 429, \"headers\": {\"Retry-After\": \"1\"}}",
        "{\"nth\": 1, \"do\": \"status\", \"status\": 503, \"retry_date\": 2}"};
    for (size_t i = 0; i < 2; i++) {
        struct scripted s;
        eddy_arena *arena = eddy_arena_new(0);
        scripted_start(&s, rules[i], NULL);
        struct ed_http_options o = quick(s.url);
        struct ed_http *http = client(&o);
        struct ed_http_reply r = ask(http, arena);
        assert_int_equal(r.cause, ED_HTTP_GOOD);
        assert_int_equal(r.attempts, 2);
        assert_true(r.ms >= 990 && r.ms < 3000 + 1000 * SLOW); /* a date has whole seconds */
        ed_http_free(http);
        eddy_arena_free(arena);
        scripted_end(&s);
    }
}

TEST(nobody_waits_an_hour_because_an_endpoint_says_so)
{
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(
        &s, "{\"do\": \"status\", \"status\": 429, \"headers\": {\"Retry-After\": \"3600\"}}\n",
        NULL);
    struct ed_http_options o = quick(s.url);
    struct ed_http *http = client(&o);
    struct ed_http_reply r = ask(http, arena);
    assert_int_equal(r.cause, ED_HTTP_BUSY);
    assert_int_equal(r.attempts, 1);
    assert_true(r.ms < 1000 * SLOW);
    r = ask(http, arena); /* and it is left alone */
    assert_int_equal(r.cause, ED_HTTP_BREAKER);
    assert_int_equal(r.attempts, 0);
    assert_int_equal(scripted_count(&s), 1);
    ed_http_free(http);
    eddy_arena_free(arena);
    scripted_end(&s);
}

TEST(a_breaker_opens_spares_the_endpoint_and_closes_again)
{
    enum { N = 30 };
    struct scripted s;
    struct ed_http_request requests[N];
    struct ed_http_reply replies[N];
    struct ed_http_stats stats;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(&s, "{\"nth\": [1, 7], \"do\": \"status\", \"status\": 500}\n", NULL);
    struct ed_http_options o = quick(s.url);
    o.retries = 0;
    o.concurrency = 1;
    o.pace.failures_max = 5;
    o.pace.open_min_ms = TEST_SANITIZED ? 1000 : 400;
    struct ed_http *http = client(&o);
    for (int i = 0; i < N; i++)
        requests[i] = question;
    ed_http_exchange(http, requests, N, arena, replies);
    ed_http_stats(http, &stats);
    assert_int_equal(stats.breaker, ED_BREAKER_OPEN);
    assert_int_equal(stats.opened, 1);
    assert_int_equal(stats.replies[ED_HTTP_BROKEN], 5);
    assert_int_equal(stats.replies[ED_HTTP_BREAKER], N - 5);
    assert_int_equal(scripted_count(&s), 5);
    assert_non_null(strstr(replies[N - 1].detail, "broken, status 500"));

    int64_t begin = ed_monotonic_ms();
    while (ed_monotonic_ms() - begin < 30000) {
        struct ed_http_reply r = ask(http, arena);
        if (r.cause == ED_HTTP_GOOD)
            break;
        usleep(20000);
    }
    ed_http_stats(http, &stats);
    assert_int_equal(stats.breaker, ED_BREAKER_CLOSED);
    assert_int_equal(scripted_count(&s), 8); /* two came too early, the third was let in again */
    assert_int_equal(stats.opened, 3);
    ed_http_free(http);
    eddy_arena_free(arena);
    scripted_end(&s);
}

/* ---- stop ---- */

struct hanging {
    struct ed_http *http;
    struct ed_http_reply replies[8];
    int64_t ended_ms;
};

static void *hang(void *p)
{
    struct hanging *h = p;
    struct ed_http_request requests[8];
    eddy_arena *arena = eddy_arena_new(0);
    for (int i = 0; i < 8; i++)
        requests[i] = question;
    ed_http_exchange(h->http, requests, 8, arena, h->replies);
    h->ended_ms = ed_monotonic_ms();
    eddy_arena_free(arena);
    return NULL;
}

static void stop_while_hanging(const struct ed_http_options *o)
{
    struct hanging h = {.http = client(o)};
    struct ed_http_stats stats;
    pthread_t thread;
    pthread_create(&thread, NULL, hang, &h);
    usleep(500000);
    ed_http_stats(h.http, &stats);
    int64_t begin = ed_monotonic_ms();
    ed_http_stop(h.http);
    pthread_join(thread, NULL);
    printf("stopped after %lld ms\n", (long long)(h.ended_ms - begin));
    assert_true(h.ended_ms - begin < 100 * SLOW);
    for (int i = 0; i < 8; i++)
        assert_int_equal(h.replies[i].cause, ED_HTTP_STOPPED);
    eddy_arena *arena = eddy_arena_new(0);
    assert_int_equal(ask(h.http, arena).cause, ED_HTTP_STOPPED); /* for good */
    eddy_arena_free(arena);
    begin = ed_monotonic_ms();
    ed_http_free(h.http);
    assert_true(ed_monotonic_ms() - begin < 100 * SLOW);
}

TEST(a_stop_interrupts_hanging_trickling_and_waiting)
{
    static const char *const rules[] = {
        "{\"do\": \"hang\"}", "{\"do\": \"drip\", \"every\": 0.05}",
        "{\"do\": \"status\", \"status\": 429, \"headers\": {\"Retry-After\": \"15\"}}"};
    for (size_t i = 0; i < 3; i++) {
        struct scripted s;
        scripted_start(&s, rules[i], NULL);
        struct ed_http_options o = quick(s.url);
        o.stall_ms = 20000;
        stop_while_hanging(&o);
        scripted_end(&s);
    }
}

TEST(a_stop_waits_for_no_resolver)
{
    struct ed_http_options o = quick("http://nobody-knows.test/v1");
    o.insecure = 1;
    o.connect_ms = 10000;
    stop_while_hanging(&o);
    usleep(3000000); /* its thread is still in there */
}

/* ---- whom it talks to ---- */

TEST(an_endpoint_that_is_wrong_is_refused_in_words_before_anything_connects)
{
    static const struct {
        struct ed_http_options o;
        const char *says;
    } wrong[] = {
        {{.url = NULL}, "empty"},
        {{.url = ""}, "empty"},
        {{.url = "localhost:8080/v1"}, "is not https://HOST[:PORT][/PATH]"},
        {{.url = "file:///etc/passwd"}, "http"},
        {{.url = "ftp://localhost/v1"}, "only http and https"},
        {{.url = "gopher://127.0.0.1:6379/_x"}, "only http and https"},
        {{.url = "http://llm.example/v1"}, "plain http leaves this machine"},
        {{.url = "http://127.0.0.1.example/v1"}, "plain http leaves this machine"},
        {{.url = "http://10.0.0.5:8000/v1"}, "plain http leaves this machine"},
        {{.url = "https://user:sk-secret-17@llm.example/v1"}, "give the key by itself"},
        {{.url = "https://llm.example/v1#part"}, "never sent"},
        {{.url = "https://llm.example:99999/v1"}, "HOST"},
        {{.url = "http://localhost/v1", .deny_private = 1}, "deny_private"},
        {{.url = "https://[::1]/v1", .deny_private = 1}, "deny_private"},
        {{.url = "https://llm.example", .key = ""}, "the key is empty"},
        {{.url = "https://llm.example", .key = "sk-secret-17\r\nX-More: 1"}, "holds what no key"},
        {{.url = "https://llm.example", .key = "sk-secret-17", .key_file = "/x"}, "one of them"},
        {{.url = "https://llm.example", .key_file = "/does/not/exist"}, "/does/not/exist"},
        {{.url = "https://llm.example", .key_file = "/dev/null"}, "empty"},
        {{.url = "https://llm.example", .key_file = "/dev/zero"}, "larger than any key"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ed_http_options o = quick(wrong[i].o.url);
        struct ed_http *http = NULL;
        eddy_error err = {0};
        o.key = wrong[i].o.key;
        o.key_file = wrong[i].o.key_file;
        o.deny_private = wrong[i].o.deny_private;
        assert_int_equal(ed_http_new(&o, &http, &err), EDDY_CONFIG);
        if (!strstr(err.text, wrong[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", o.url ? o.url : "", err.text, wrong[i].says);
        assert_null(strstr(err.text, "sk-secret-17"));
    }
}

TEST(a_name_may_not_lead_where_it_is_not_allowed)
{
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    char url[100];
    scripted_start(&s, "", NULL);
    snprintf(url, sizeof url, "http://rebound.test%s", strrchr(s.url, ':'));
    struct ed_http_options o = quick(url);
    o.insecure = 1;
    struct ed_http *http = client(&o);
    assert_int_equal(ask(http, arena).cause, ED_HTTP_GOOD);
    ed_http_free(http);

    o.deny_private = 1;
    http = client(&o);
    struct ed_http_reply r = ask(http, arena);
    assert_int_equal(r.cause, ED_HTTP_DENIED);
    assert_int_equal(r.attempts, 1);
    ed_http_free(http);

    o.url = "http://169.254.169.254/latest/meta-data";
    http = client(&o);
    assert_int_equal(ask(http, arena).cause, ED_HTTP_DENIED);
    ed_http_free(http);
    assert_int_equal(scripted_count(&s), 1);
    eddy_arena_free(arena);
    scripted_end(&s);
}

TEST(a_proxy_of_the_environment_is_not_for_this_machine)
{
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(&s, "", NULL);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    struct ed_http_options o = quick(s.url);
    struct ed_http *http = client(&o);
    assert_int_equal(ask(http, arena).cause, ED_HTTP_GOOD);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    ed_http_free(http);
    eddy_arena_free(arena);
    scripted_end(&s);
}

/* A certificate for localhost that signs itself, and its key, in the folder's cert, key and both in
 * pem. */
static void certificate_make(void)
{
    char command[500];
    assert_int_equal(dir_new("tls"), 0);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
             "subjectAltName=DNS:localhost -keyout %s -out %s 2>/dev/null && cat %s %s >%s",
             in_dir("key"), in_dir("cert"), in_dir("key"), in_dir("cert"), in_dir("pem"));
    if (system(command) != 0)
        fail_msg("no certificate: is openssl there? tools/test installs it");
}

TEST(who_is_not_who_he_should_be_gets_no_question)
{
    certificate_make();
    const char *pem = in_dir("pem");
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_spawn(&s, (const char *const[]){"--cert", pem, NULL});
    s.shared = 0;
    char url[100];
    snprintf(url, sizeof url, "https://localhost%s", strrchr(s.url, ':'));
    struct ed_http_options o = quick(url);
    struct ed_http *http = client(&o);
    struct ed_http_reply r = ask(http, arena);
    assert_int_equal(r.cause, ED_HTTP_UNTRUSTED);
    assert_int_equal(r.attempts, 1);
    ed_http_free(http);

    o.ca_file = pem;
    http = client(&o);
    r = ask(http, arena);
    assert_int_equal(r.cause, ED_HTTP_GOOD);
    ed_http_free(http);

    o.url = s.url; /* by its number: the certificate is for a name */
    http = client(&o);
    assert_int_equal(ask(http, arena).cause, ED_HTTP_UNTRUSTED);
    ed_http_free(http);
    eddy_arena_free(arena);
    scripted_end(&s);
    assert_int_equal(dir_remove(NULL), 0);
}

/* Here the server's certificate is also what it trusts, and what we show. */
TEST(who_is_asked_for_a_certificate_shows_it)
{
    certificate_make();
    const char *pem = in_dir("pem"), *cert = in_dir("cert"), *key = in_dir("key");
    char url[100];
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_spawn(&s, (const char *const[]){"--cert", pem, "--client-ca", cert, NULL});
    s.shared = 0;
    snprintf(url, sizeof url, "https://localhost%s", strrchr(s.url, ':'));
    struct ed_http_options o = quick(url);
    o.ca_file = cert;
    const struct {
        const char *cert, *key;
        enum ed_http_cause cause;
    } tries[] = {{NULL, NULL, ED_HTTP_LOST},
                 {pem, NULL, ED_HTTP_GOOD},
                 {cert, key, ED_HTTP_GOOD},
                 {cert, NULL, ED_HTTP_UNTRUSTED}}; /* no key is in there */
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        o.cert_file = tries[i].cert;
        o.cert_key_file = tries[i].key;
        struct ed_http *http = client(&o);
        assert_int_equal(ask(http, arena).cause, tries[i].cause);
        ed_http_free(http);
    }
    eddy_arena_free(arena);
    scripted_end(&s);
    assert_int_equal(dir_remove(NULL), 0);
}

TEST(files_that_are_not_there_are_told_of_before_anything_connects)
{
    static const char none[] = "/nowhere/at/all.pem";
    struct ed_http_options o = quick("https://localhost:1"), all[4] = {o, o, o, o};
    static const char *const said[] = {
        "CA file /nowhere/at/all.pem: No such file or directory",
        "certificate /nowhere/at/all.pem: No such file or directory",
        "key of a certificate /nowhere/at/all.pem: No such file or directory",
        "https://localhost:1: the key /nowhere/at/all.pem of no certificate"};
    all[0].ca_file = all[1].cert_file = all[2].cert_key_file = all[3].cert_key_file = none;
    all[2].cert_file = "/dev/null";
    for (size_t i = 0; i < 4; i++) {
        struct ed_http *http = NULL;
        eddy_error err = {0};
        assert_int_equal(ed_http_new(&all[i], &http, &err), EDDY_CONFIG);
        assert_string_equal(err.text, said[i]);
    }
}

/* ---- keys and memory ---- */

TEST(a_login_goes_out_as_basic_authorization)
{
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(&s, "", NULL);
    struct ed_http_options o = quick(s.url);
    o.login = "ann:a long: word";
    struct ed_http *http = client(&o);
    assert_int_equal(ask(http, arena).cause, ED_HTTP_GOOD);
    ed_http_free(http);
    json_t *seen = scripted_seen(&s);
    const json_t *first = json_array_get(json_object_get(seen, "seen"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "authorization")),
                        "Basic YW5uOmEgbG9uZzogd29yZA==");
    json_decref(seen);
    static const char *const wrong[] = {"ann", ":word", "ann:wo\nrd", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        o.login = wrong[i];
        assert_int_equal(ed_http_new(&o, &http, NULL), EDDY_CONFIG);
    }
    o.login = "ann:word";
    o.key = "key";
    assert_int_equal(ed_http_new(&o, &http, NULL), EDDY_CONFIG);
    eddy_arena_free(arena);
    scripted_end(&s);
}

TEST(a_path_that_is_a_secret_is_not_shown)
{
    struct ed_http_options o = quick("https://hooks.example.com/services/T0/secret?x=y");
    struct ed_http *http = client(&o);
    assert_string_equal(ed_http_name(http), "https://hooks.example.com/services/T0/secret");
    ed_http_free(http);
    o.hide_path = 1;
    http = client(&o);
    assert_string_equal(ed_http_name(http), "https://hooks.example.com");
    ed_http_free(http);
}

TEST(a_key_comes_from_a_file_and_is_seen_nowhere)
{
    char path[] = "/tmp/eddy-key-XXXXXX";
    int file = mkstemp(path);
    assert_int_equal(write(file, "sk-secret-17\n", 13), 13);
    close(file);
    struct scripted s;
    eddy_arena *arena = eddy_arena_new(0);
    scripted_start(&s, "{\"do\": \"status\", \"status\": 401}\n", NULL);
    char url[200], said[2000];
    snprintf(url, sizeof url, "%s?api-version=sk-secret-17", s.url);
    struct ed_http_options o = quick(url);
    o.key_file = path;

    char log[] = "/tmp/eddy-log-XXXXXX";
    int before = dup(STDERR_FILENO), into = mkstemp(log);
    dup2(into, STDERR_FILENO);
    struct ed_http *http = client(&o);
    struct ed_http_reply r = ask(http, arena);
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t n = pread(into, said, sizeof said - 1, 0);
    assert_true(n > 0);
    said[n] = 0;
    close(into);
    unlink(log);
    unlink(path);

    assert_int_equal(r.cause, ED_HTTP_REFUSED);
    assert_non_null(strstr(said, "sub=remote"));
    assert_non_null(strstr(said, "status 401"));
    assert_null(strstr(said, "sk-secret-17"));
    assert_null(strstr(r.detail, "sk-secret-17"));
    assert_null(strstr(ed_http_name(http), "sk-secret-17"));
    json_t *seen = scripted_seen(&s);
    const json_t *first = json_array_get(json_object_get(seen, "seen"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "authorization")),
                        "Bearer sk-secret-17");
    json_decref(seen);
    ed_http_free(http);
    eddy_arena_free(arena);
    scripted_end(&s);
}

TEST(an_exchange_survives_any_lost_allocation)
{
    struct scripted s;
    int good = 0;
    scripted_start(&s, "", NULL);
    EACH_ALLOC_FAILS (k) {
        struct ed_http_options o = quick(s.url);
        struct ed_http *http = NULL;
        struct ed_http_reply reply = {.cause = ED_HTTP_NOMEM};
        eddy_arena *arena = eddy_arena_new(0);
        o.key = "sk-secret-17";
        eddy_status st = ed_http_new(&o, &http, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !http));
        if (http && arena)
            ed_http_exchange(http, &question, 1, arena, &reply);
        assert_true(reply.cause == ED_HTTP_NOMEM || reply.cause == ED_HTTP_GOOD);
        good += reply.cause == ED_HTTP_GOOD;
        ed_http_free(http);
        eddy_arena_free(arena);
    }
    assert_true(good >= 1);
    scripted_end(&s);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_asked_at_once_over_few_connections_and_none_is_lost),
        cmocka_unit_test(each_fault_has_its_name_and_its_bounds),
        cmocka_unit_test(what_went_wrong_once_is_tried_again),
        cmocka_unit_test(the_deadline_is_of_the_request_whatever_the_retries),
        cmocka_unit_test(an_exchange_ends_by_its_time_and_begins_nothing_too_late),
        cmocka_unit_test(retry_after_is_kept_in_seconds_and_as_a_date),
        cmocka_unit_test(nobody_waits_an_hour_because_an_endpoint_says_so),
        cmocka_unit_test(a_breaker_opens_spares_the_endpoint_and_closes_again),
        cmocka_unit_test(a_stop_interrupts_hanging_trickling_and_waiting),
        cmocka_unit_test(a_stop_waits_for_no_resolver),
        cmocka_unit_test(an_endpoint_that_is_wrong_is_refused_in_words_before_anything_connects),
        cmocka_unit_test(a_name_may_not_lead_where_it_is_not_allowed),
        cmocka_unit_test(a_proxy_of_the_environment_is_not_for_this_machine),
        cmocka_unit_test(who_is_not_who_he_should_be_gets_no_question),
        cmocka_unit_test(who_is_asked_for_a_certificate_shows_it),
        cmocka_unit_test(files_that_are_not_there_are_told_of_before_anything_connects),
        cmocka_unit_test(a_login_goes_out_as_basic_authorization),
        cmocka_unit_test(a_path_that_is_a_secret_is_not_shown),
        cmocka_unit_test(a_key_comes_from_a_file_and_is_seen_nowhere),
        cmocka_unit_test(an_exchange_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
