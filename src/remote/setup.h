/* Setup: what an HTTP client is told, checked before anything connects. */
#ifndef ED_REMOTE_SETUP_H
#define ED_REMOTE_SETUP_H

#include "remote/http.h"

struct ed_http_setup {
    struct ed_http_options
        o; /* url, key, key_file, login: not to be used; other files: own copies */
    char *url, *ca_file, *cert_file, *cert_key_file;
    char *name;          /* scheme, host, port and path: all that may be shown */
    char *authorization; /* the whole header, or NULL */
    char *login;         /* instead of it, or NULL */
    int plain;           /* 1: http, not https */
    int loopback_only;   /* 1: plain, and only this machine is fine */
};

/* Statuses as ed_http_new. Whatever happens, clear afterwards. */
eddy_status ed_http_setup_init(struct ed_http_setup *s, const struct ed_http_options *o,
                               eddy_error *err);
void ed_http_setup_clear(struct ed_http_setup *s);

/* The endpoint's URL with more path before its query; to be freed. NULL: no memory. */
char *ed_http_setup_url(const struct ed_http_setup *s, const char *path);

#endif
