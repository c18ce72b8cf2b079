/* What is wrong with an endpoint is said at the start, in words, and without a word of what is
 * secret: a URL may hold a password, so it is shown only after it was taken apart. */
#include "remote/setup.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "remote/address.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 8192
#define URL_MAX 8192

void ed_http_options_init(struct ed_http_options *options)
{
    *options = (struct ed_http_options){.timeout_ms = 60000,
                                        .connect_ms = 5000,
                                        .stall_ms = 30000,
                                        .concurrency = 4,
                                        .retries = 4,
                                        .body_max = 4 << 20};
    ed_pace_init(&options->pace, options->concurrency, 0);
}

/* ---- the URL ---- */

static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    curl_url_get(url, part, &text, 0);
    return text;
}

static eddy_status check_place(struct ed_http_setup *s, const char *scheme, const char *host,
                               eddy_error *err)
{
    if (!host || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return eddy_fail(err, EDDY_CONFIG, "%s: only http and https are spoken", s->name);
    int here = ed_address_is_loopback(host);
    if (s->o.deny_private && here)
        return eddy_fail(err, EDDY_CONFIG,
                         "%s: this machine is not a public address, and only such are allowed "
                         "(deny_private)",
                         s->name);
    s->plain = strcmp(scheme, "http") == 0;
    s->loopback_only = s->plain && !s->o.insecure;
    if (s->loopback_only && !here)
        return eddy_fail(err, EDDY_CONFIG,
                         "%s: plain http leaves this machine, where anybody may read key and "
                         "texts; use https, or insecure if the network is trusted",
                         s->name);
    return EDDY_OK;
}

static eddy_status take_apart(struct ed_http_setup *s, CURLU *url, eddy_error *err)
{
    char *scheme = part_of(url, CURLUPART_SCHEME), *host = part_of(url, CURLUPART_HOST);
    char *port = part_of(url, CURLUPART_PORT), *path = part_of(url, CURLUPART_PATH);
    char *user = part_of(url, CURLUPART_USER), *fragment = part_of(url, CURLUPART_FRAGMENT);
    struct ed_bytes name;
    ed_bytes_init(&name, URL_MAX);
    eddy_status st = EDDY_OK;
    int shown = path && strcmp(path, "/") != 0 && !s->o.hide_path;
    if (!scheme || !path ||
        !ed_bytes_printf(&name, "%s://%s%s%s%s", scheme, host ? host : "", port ? ":" : "",
                         port ? port : "", shown ? path : ""))
        st = eddy_fail_nomem(err, "URL", URL_MAX);
    s->name = name.at;
    if (st == EDDY_OK && user)
        st = eddy_fail(err, EDDY_CONFIG,
                       "%s: a name or password in the URL would be seen; give "
                       "the key by itself",
                       s->name);
    if (st == EDDY_OK && fragment)
        st = eddy_fail(err, EDDY_CONFIG, "%s: what follows # in a URL is never sent", s->name);
    if (st == EDDY_OK)
        st = check_place(s, scheme, host, err);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(user);
    curl_free(fragment);
    return st;
}

static eddy_status check_url(struct ed_http_setup *s, const char *text, eddy_error *err)
{
    if (!text || !*text || strlen(text) > URL_MAX)
        return eddy_fail(err, EDDY_CONFIG,
                         "the URL of an endpoint is empty or longer than %d bytes", URL_MAX);
    s->url = ed_strdup(text);
    CURLU *url = curl_url();
    if (!s->url || !url) {
        curl_url_cleanup(url);
        return eddy_fail_nomem(err, "URL", strlen(text));
    }
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    eddy_status st = code == CURLUE_OK
                         ? take_apart(s, url, err)
                         : eddy_fail(err, EDDY_CONFIG,
                                     "the URL of an endpoint is not https://HOST[:PORT][/PATH]: %s",
                                     curl_url_strerror(code));
    curl_url_cleanup(url);
    return st;
}

int ed_http_ends_in(const char *url, const char *tail)
{
    size_t n = url ? strcspn(url, "?") : 0, m = strlen(tail);
    while (n && url[n - 1] == '/')
        n--;
    return n >= m && memcmp(url + n - m, tail, m) == 0;
}

char *ed_http_setup_url(const struct ed_http_setup *s, const char *path)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    size_t n = strcspn(s->url, "?");
    const char *query = s->url + n;
    while (*path && n && s->url[n - 1] == '/')
        n--;
    if (!ed_bytes_add(&b, s->url, n) || !ed_bytes_add_str(&b, path) || !ed_bytes_add_str(&b, query))
        ed_bytes_clear(&b);
    return b.at;
}

/* ---- the key ---- */

static eddy_status read_key(const char *path, char *ret, eddy_error *err)
{
    FILE *in = fopen(path, "re");
    if (!in)
        return eddy_fail(err, EDDY_CONFIG, "key file %s: %s", path, strerror(errno));
    size_t n = fread(ret, 1, KEY_MAX + 1, in);
    int failed = ferror(in);
    fclose(in);
    if (failed || n == 0 || n > KEY_MAX)
        return eddy_fail(err, EDDY_CONFIG, "key file %s: %s", path,
                         failed ? "cannot be read"
                         : n    ? "larger than any key"
                                : "empty");
    ret[n] = 0;
    ret[strcspn(ret, "\r\n")] = 0;
    return EDDY_OK;
}

static eddy_status check_key(struct ed_http_setup *s, const struct ed_http_options *o,
                             eddy_error *err)
{
    char from_file[KEY_MAX + 2];
    const char *key = o->key;
    if ((key != NULL) + (o->key_file != NULL) + (o->login != NULL) > 1)
        return eddy_fail(err, EDDY_CONFIG, "%s: a key, a key file, a login: one of them is enough",
                         s->name);
    if (o->key_file) {
        eddy_status st = read_key(o->key_file, from_file, err);
        if (st != EDDY_OK)
            return st;
        key = from_file;
    }
    if (!key)
        return EDDY_OK;
    size_t n = strlen(key);
    for (const char *c = key; *c; c++)
        if (*c <= ' ' || *c > '~')
            n = 0;
    if (n == 0 || n > KEY_MAX)
        return eddy_fail(err, EDDY_CONFIG,
                         "%s: the key is empty, or holds what no key does (blanks, "
                         "letters outside ASCII)",
                         s->name);
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_bytes_printf(&b, "Authorization: Bearer %s", key);
    s->authorization = b.at;
    explicit_bzero(from_file, sizeof from_file);
    return b.failed ? eddy_fail_nomem(err, "key", n) : EDDY_OK;
}

static eddy_status check_login(struct ed_http_setup *s, const char *login, eddy_error *err)
{
    const char *colon = login ? strchr(login, ':') : NULL;
    if (!login)
        return EDDY_OK;
    int fine = colon && colon > login && strlen(login) <= KEY_MAX;
    for (const unsigned char *c = (const unsigned char *)login; *c; c++)
        fine &= *c >= ' ' && *c != 127;
    if (!fine)
        return eddy_fail(err, EDDY_CONFIG, "%s: the login is not NAME:PASSWORD", s->name);
    s->login = ed_strdup(login);
    return s->login ? EDDY_OK : eddy_fail_nomem(err, "login", strlen(login));
}

/* ---- files that TLS reads when it connects: whether they can be is said at the start ---- */

static eddy_status check_file(const char *what, const char *path, char **copy, const char **ret,
                              eddy_error *err)
{
    FILE *in = path ? fopen(path, "re") : NULL;
    if (!path)
        return EDDY_OK;
    if (!in)
        return eddy_fail(err, EDDY_CONFIG, "%s %s: %s", what, path, strerror(errno));
    fclose(in);
    *ret = *copy = ed_strdup(path);
    return *copy ? EDDY_OK : eddy_fail_nomem(err, what, strlen(path));
}

static eddy_status check_files(struct ed_http_setup *s, const struct ed_http_options *o,
                               eddy_error *err)
{
    if (o->cert_key_file && !o->cert_file)
        return eddy_fail(err, EDDY_CONFIG, "%s: the key %s of no certificate", s->name,
                         o->cert_key_file);
    eddy_status st = check_file("CA file", o->ca_file, &s->ca_file, &s->o.ca_file, err);
    if (st == EDDY_OK)
        st = check_file("certificate", o->cert_file, &s->cert_file, &s->o.cert_file, err);
    return st == EDDY_OK ? check_file("key of a certificate", o->cert_key_file, &s->cert_key_file,
                                      &s->o.cert_key_file, err)
                         : st;
}

/* ---- all of it ---- */

static eddy_status check_numbers(const struct ed_http_options *o, eddy_error *err)
{
    if (o->timeout_ms < 1 || o->timeout_ms > INT32_MAX || o->connect_ms < 1 ||
        o->connect_ms > INT32_MAX || o->stall_ms < 1 || o->stall_ms > INT32_MAX)
        return eddy_fail(err, EDDY_CONFIG, "an endpoint's times are not within 1 ms and 24 days");
    if (o->concurrency < 1 || o->concurrency > 1000 || o->retries < 0 || o->body_max < 1)
        return eddy_fail(err, EDDY_CONFIG,
                         "an endpoint needs 1 to 1,000 requests at once, no fewer than 0 retries, "
                         "and room for an answer");
    return EDDY_OK;
}

eddy_status ed_http_setup_init(struct ed_http_setup *s, const struct ed_http_options *o,
                               eddy_error *err)
{
    *s = (struct ed_http_setup){.o = *o};
    eddy_status st = check_numbers(o, err);
    if (st == EDDY_OK)
        st = check_url(s, o->url, err);
    if (st == EDDY_OK)
        st = check_key(s, o, err);
    if (st == EDDY_OK)
        st = check_login(s, o->login, err);
    if (st == EDDY_OK)
        st = check_files(s, o, err);
    s->o.url = s->o.key = s->o.key_file = s->o.login = NULL; /* borrowed for the call */
    return st;
}

void ed_http_setup_clear(struct ed_http_setup *s)
{
    if (s->authorization)
        explicit_bzero(s->authorization, strlen(s->authorization));
    ed_free(s->authorization);
    if (s->login)
        explicit_bzero(s->login, strlen(s->login));
    ed_free(s->login);
    ed_free(s->url);
    ed_free(s->name);
    ed_free(s->ca_file);
    ed_free(s->cert_file);
    ed_free(s->cert_key_file);
    *s = (struct ed_http_setup){0};
}
