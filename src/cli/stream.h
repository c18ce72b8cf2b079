/* stream: what detect, run and demo have in common: everything between a source and a journal,
 * opened from a configuration; signals while it runs; and the account at its end. */
#ifndef ED_CLI_STREAM_H
#define ED_CLI_STREAM_H

#include "cli/config.h"
#include "cli/view.h"

struct ed_stream {
    struct ed_source *source;
    struct ed_journal *journal;
    eddy_parser *parser;
    eddy_embedder *embedder; /* NULL for some models */
    eddy_clusterer *clusterer;
    struct ed_pipeline *pipeline;
    int64_t started_ms, took_ms; /* of ed_stream_run, on ed_view_now's clock */
};

/* Take SIGINT and SIGTERM from now on, so that whatever is opened is closed in order: the first one
 * stops source (NULL: there is none to wait for yet) or ends the run, a second one ends the
 * process. ed_stream_open calls it too. */
void ed_stream_listen(struct ed_source *source);

/* As ed_config_embedder. A model directory that is broken, or of a kind that eddy does not read, is
 * EDDY_CONFIG; the text tells its full path. */
eddy_status ed_stream_embedder(const struct ed_config *config, eddy_embedder **ret, size_t *ret_dim,
                               eddy_error *err);

/* Parser, embedder and clusterer. stream must be zeroed, but for source and journal; on failure it
 * is to be closed. */
eddy_status ed_stream_open(struct ed_stream *stream, const struct ed_config *config,
                           eddy_error *err);
/* Then, with source and journal in place (taken), the pipeline; watch brings only its callbacks. */
eddy_status ed_stream_connect(struct ed_stream *stream, const struct ed_config *config,
                              const struct ed_pipeline_options *watch, eddy_error *err);
/* Run to the end, or until a signal; one that came before counts. */
eddy_status ed_stream_run(struct ed_stream *stream, eddy_error *err);
/* The signal that ended it; 0: none did. */
int ed_stream_signal(void);
/* Close all. Keeps the first error, that of the journal included. */
eddy_status ed_stream_close(struct ed_stream *stream, eddy_error *err);

/* "hash, 512 dimensions"; "vectors of the messages"; "words only". */
const char *ed_stream_encoder(const struct ed_stream *stream, const struct ed_config *config);
/* Tell which embedder was taken; and where "auto" found no encoder, how to get one. */
void ed_stream_say_encoder(const struct ed_stream *stream, const struct ed_config *config,
                           struct ed_view *view);
/* The account, as one sentence:
 * "in 12,345 = assigned 11,900 + founded 400 + filtered 0 + dead 45; 387 events" */
void ed_stream_account(const struct ed_stream *stream, char *ret, size_t n);
/* ", bad_json 30, no_text 15" for the dead among them; "" when there are none. */
void ed_stream_dead(const struct ed_counts *counts, char *ret, size_t n);

#endif
