/* stream: what detect, run, replay and demo have in common: a configuration becomes one shard (or
 * the shards that a group deals us), with everything between its source and its journal; signals
 * while it runs; and the account at its end. */
#ifndef ED_CLI_STREAM_H
#define ED_CLI_STREAM_H

#include "cli/config.h"
#include "cli/view.h"
#include "pipeline/shards.h"

struct ed_stream {
    struct ed_config *config; /* borrowed */
    eddy_parser *parser;
    eddy_embedder *embedder;        /* NULL for some models */
    struct ed_embeddings *endpoint; /* the embedder's; NULL: it has none */
    eddy_engine_options engine;
    struct ed_reason_options reason;
    eddy_budget *budget; /* of all that ask a language model */
    struct ed_shard_options options;
    struct ed_shard *shard;     /* one of these */
    struct ed_shards *shards;   /* of run, on Kafka */
    struct ed_group *group;     /* theirs */
    _Atomic int64_t started_ms; /* of ed_stream_run, on ed_view_now's clock; any thread */
    int64_t took_ms;            /* likewise */
    struct ed_site *site;       /* what is shown by HTTP; NULL: nothing is */

    int serves;                 /* 1: something is, unless the configuration says otherwise */
    int unreasoned;             /* 1: nobody reasons, whatever the configuration says */
    const struct ed_past *past; /* what is replayed, for those who look on; NULL: nothing is */

    /* What a command does in its own way; NULL: as the configuration says. */
    void *user;
    eddy_status (*open_journal)(void *user, int32_t shard, struct ed_journal **ret,
                                eddy_error *err);
    eddy_status (*open_source)(void *user, int32_t shard, const struct ed_head *head,
                               struct ed_source **ret, eddy_error *err);
};

/* Take SIGINT and SIGTERM from now on, so that whatever is opened is closed in order: the first one
 * stops source (NULL: there is none to wait for yet) or ends the run, a second one ends the
 * process. Who calls ed_stream_open calls it before. */
void ed_stream_listen(struct ed_source *source);

/* As ed_config_embedder. A model directory that is broken, or of a kind that eddy does not read, is
 * EDDY_CONFIG; the text tells its full path. */
eddy_status ed_stream_embedder(const struct ed_config *config, eddy_embedder **ret, size_t *ret_dim,
                               struct ed_embeddings **endpoint, eddy_error *err);

/* Embedder, journal, what is restored from it, source, parser, pipeline: one shard, ready to run.
 * stream is zeroed but for what a command does in its own way; on failure it is to be closed.
 *
 *   watch      brings only its callbacks, orders, `resumable` and `goes_on` */
eddy_status ed_stream_open(struct ed_stream *stream, struct ed_config *config,
                           const struct ed_pipeline_options *watch, eddy_error *err);
/* The same for the shards of a group. Each is opened when it is dealt to us. */
eddy_status ed_stream_open_shards(struct ed_stream *stream, struct ed_config *config,
                                  eddy_error *err);
/* Run to the end, or until a signal; one that came before counts. */
eddy_status ed_stream_run(struct ed_stream *stream, eddy_error *err);
/* Any thread. */
void ed_stream_stop(struct ed_stream *stream);
/* The signal that ended it; 0: none did. */
int ed_stream_signal(void);
/* How many documents had keyphrases. */
void ed_stream_say_keyphrases(const struct ed_counts *counts, struct ed_view *view);
/* How many texts had not to be embedded, for they were before; nothing where there are none. */
void ed_stream_say_cache(const struct ed_stream *stream, struct ed_view *view);
/* Close all. Keeps the first error, that of the journal included. */
eddy_status ed_stream_close(struct ed_stream *stream, eddy_error *err);

/* How far it is; any thread. progress and journal may be NULL. */
void ed_stream_look(const struct ed_stream *stream, struct ed_counts *counts,
                    struct ed_progress *progress, struct ed_journal_stats *journal);

/* What this process does of the pipeline's work. */
struct ed_duties {
    size_t owned, running, followed; /* shards of ours; those with their state; others' */
    uint64_t behind;                 /* messages that wait for us */
    int behind_unknown;
    int64_t turned_ms; /* as in struct ed_meters, of all that run */
};
void ed_duties_add(struct ed_duties *duties, const struct ed_shard_look *at);
/* Any thread, while the stream is open. */
void ed_stream_duties(const struct ed_stream *stream, struct ed_duties *ret);

/* The bar of a run: how far it is and how fast. tail: what else there is to say of now, behind two
 * blanks ("  12 events"). */
void ed_stream_bar(const struct ed_stream *stream, struct ed_view *view, const char *tail);

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
