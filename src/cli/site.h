/* site: what a command shows by HTTP while it runs: the server, the board that it shows events
 * from, and what it is told of the stream. */
#ifndef ED_CLI_SITE_H
#define ED_CLI_SITE_H

#include "cli/stream.h"
#include "serve/board.h"
#include "serve/serve.h"

struct ed_site;

/* Listen, as serve.* says; what is asked before ed_site_look is told that eddy is starting. Where
 * the port is "auto" it is taken only if by_default is 1; and a command then goes on without a site
 * where none is free.
 *
 *   ret  NULL on EDDY_OK: there is none to be
 *
 * Statuses as ed_serve_start. */
eddy_status ed_site_open(struct ed_config *config, int by_default, struct ed_site **ret,
                         eddy_error *err);
/* The stream is open, and is looked at from now on until ed_site_close; NULL is fine. */
void ed_site_look(struct ed_site *site, struct ed_stream *stream);
/* Where it listens: "http://127.0.0.1:7411". */
const char *ed_site_url(const struct ed_site *site);
/* For the stream's pipelines. */
struct ed_board *ed_site_board(const struct ed_site *site);
/* While the stream is still open. NULL is fine. */
void ed_site_close(struct ed_site *site);
/* The board goes last: pipelines put into it until the stream is closed. */
void ed_site_free(struct ed_site *site);

/* ---- what the files of a site share ---- */

/* How everything stands, gathered for one answer. */
struct ed_sight {
    const struct ed_config *config;
    struct ed_stream *stream; /* NULL: it is not open yet */
    struct ed_board *board;
    int64_t began_ms;             /* Unix time */
    struct ed_shard_look *shards; /* (n) ours and those that are followed */
    size_t n, room;
    eddy_embed_stats cache;
    int has_endpoint;
    struct ed_embeddings_stats endpoint;
};

/* metrics.c */
void ed_metrics_write(const struct ed_sight *sight, struct ed_exposition *x);

#endif
