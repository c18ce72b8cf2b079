/* config: everything a user may set, as one struct; how a command line, the environment and YAML
 * files become one; and what the other folders are then told.
 *
 * A command needs three lines of this header:
 *
 *     struct ed_config config;
 *     int code = ed_config_start(argc, argv, &command, &config);  // -1: go on
 *     if (code >= 0)
 *         return code;                                            // help was shown, or an error
 *     ...
 *     ed_config_clear(&config);
 *
 * Layers, the later one wins: defaults, the profile, files, the environment, --set, letters. They
 * may be read in any order. Whatever is wrong with a value is kept as a complaint with its place,
 * so that a user sees all mistakes at once; ed_config_finish turns them into a status.
 *
 * All strings live as long as the configuration. One owner thread; reading it is free to all. */
#ifndef ED_CLI_CONFIG_H
#define ED_CLI_CONFIG_H

#include "cli/options.h"
#include "journal/journal.h"
#include "pipeline/pipeline.h"
#include "remote/embeddings.h"
#include "source/source.h"

#include <eddy/engine.h>

/* ---- values ---- */

struct ed_list {
    const char *const *at;      /* (n) */
    const char *const *written; /* (n) as the user wrote it when a secret went in, else NULL */
    size_t n;
};

enum ed_layer {
    ED_LAYER_DEFAULT,
    ED_LAYER_PROFILE,
    ED_LAYER_FILE,
    ED_LAYER_ENVIRONMENT,
    ED_LAYER_SET,
    ED_LAYER_LETTER
};

/* Where a value came from. name: the profile, file, variable or option. */
struct ed_origin {
    enum ed_layer layer;
    const char *name;
    unsigned line, column; /* of files, from 1 */
};

struct ed_pair {
    const char *name, *value;
    const char *written; /* as the user wrote it when a secret went in, else NULL */
    struct ed_origin origin;
};

struct ed_map {
    struct ed_pair *at; /* (n) */
    size_t n;
};

enum ed_profile {
    ED_PROFILE_NONE,
    ED_PROFILE_NEWS,
    ED_PROFILE_TICKETS,
    ED_PROFILE_POSTS,
    ED_PROFILE_LOGS
};
enum ed_stage { ED_STAGE_ALL, ED_STAGE_EMBED, ED_STAGE_ENGINE };
enum ed_embed_long { ED_EMBED_CUT, ED_EMBED_CHUNKS };
enum ed_embed_precision { ED_EMBED_AUTO, ED_EMBED_F32, ED_EMBED_BF16, ED_EMBED_INT8 };
enum ed_model {
    ED_MODEL_AUTO,
    ED_MODEL_HASH,
    ED_MODEL_ENCODER,
    ED_MODEL_STATIC,
    ED_MODEL_ENDPOINT,
    ED_MODEL_MESSAGE,
    ED_MODEL_NONE
};

#define ED_PORT_AUTO (-1)

/* How somebody who is asked by HTTP knows us, and we him. */
struct ed_access {
    const char *key, *login, *ca_file, *cert_file, *cert_key_file; /* "": none */
};

/* Names follow the keys; each is explained in the table (options.c) and in conf/eddy.yaml. */
struct ed_config {
    const char *pipeline;
    int profile; /* enum ed_profile */
    int stage;   /* enum ed_stage */
    int insecure;

    struct {
        struct ed_list files, topics;
        const char *group, *instance;
        int from_beginning;
        int exit_at_end;
        int64_t merge_wait_ms;
    } source;
    struct {
        int format;  /* eddy_format */
        int guessed; /* 1: from the first lines of the input */
        const char *id, *text, *title, *time, *language, *source, *group, *keyphrases;
        int time_unit; /* eddy_time_unit */
        int64_t ahead_ms;
        const char *vector;
        int64_t vector_dim;
        struct ed_list extra;
        int duplicates; /* 1: dropped */
        int64_t duplicates_window;
        int64_t max_bytes;
        struct ed_list languages;
    } document;
    struct {
        int assignments; /* enum ed_logs_assignments */
        int parameters;
    } logs;
    struct {
        int model;          /* enum ed_model */
        const char *dir;    /* never empty after ed_config_finish, but where there is no home */
        int precision;      /* enum ed_embed_precision */
        const char *prefix; /* "auto": the model's own */
        int long_texts;     /* enum ed_embed_long */
        int64_t workers;    /* 0: one for each processor */
        int64_t cache;      /* bytes */
        double keyphrases;  /* their weight; 0: off */
        int64_t keyphrases_wait_ms;
        struct {
            const char *url, *model, *key, *ca_file, *prefix;
            int deny_private;
            int64_t dimensions; /* 0: the model's */
            int64_t tokens, batch, batch_tokens, concurrency, timeout_ms;
            double calls_minute; /* 0: any */
        } endpoint;
    } embed;
    struct {
        double dense_weight, granularity;
        double threshold; /* NaN: learned */
        int64_t fade_ms, half_life_ms;
        double idle_penalty;
        int64_t idle_half_ms;
        double stability;
        int64_t detail, repair_every, events_max, words_max, window;
        int topics; /* eddy_topics */
    } engine;
    struct {
        double false_alarms; /* a day; 0: off */
    } signals;
    struct {
        int64_t max, wait_ms, ring;
    } batch;
    struct {
        const char *dir; /* "": to Kafka; "-": standard output; else files in this directory */
        const char *topics[ED_TOPICS]; /* "": not kept */
        int create_topics;
        int64_t partitions, replication, dead_max_bytes, deliver_ms;
    } output;
    struct {
        struct ed_list rules;
        const char *alertmanager, *webhook, *webhook_body, *slack, *link, *group;
        struct ed_access alertmanager_access, webhook_access;
        int64_t resend_ms;
    } alerts;
    struct {
        const char *topic; /* "": none */
    } control;
    struct {
        const char *topic, *dir; /* dir "": no local store */
        int64_t shards;
        int standby;
    } state;
    struct {
        const char *address;
        int64_t port; /* ED_PORT_AUTO, 0: none */
        struct ed_list hosts;
        const char *token;
    } serve;
    struct {
        int kind; /* enum ed_reason_kind */
        int64_t every, interval_ms, changes, questions, last_ms;
        const char *url, *model, *key, *ca_file;
        int deny_private;
        int64_t timeout_ms, concurrency, retries;
        int64_t calls_hour, calls_day, tokens_hour, tokens_day;
        double money_hour, money_day, price_in, price_out;
        int64_t cache;
        double error;
        const char *language, *granularity;
        struct ed_list categories;
        const char *prompts;
    } reason;
    struct {
        int level; /* enum ed_log_level */
    } log;
    struct ed_map kafka, kafka_consumer, kafka_producer;

    /* made by ed_config_finish out of document.extra */
    size_t n_extra;
    const char *extra_path[EDDY_EXTRA_MAX];
    size_t extra_dim[EDDY_EXTRA_MAX];
    double extra_weight[EDDY_EXTRA_MAX];

    const struct ed_rule *rules; /* (alerts.rules.n) likewise out of alerts.rules */

    /* made by the first ed_config_kafka_options of each side */
    const char *const *kafka_made[2];
    size_t n_kafka_made[2];

    /* the configuration's own */
    eddy_arena *arena;
    struct ed_origin origins[ED_OPTIONS_MAX]; /* of each option of the table */
    const char *written[ED_OPTIONS_MAX];      /* single values as ed_list.written */
    char *const *environment;                 /* NAME=value, NULL at the end; borrowed */
    struct ed_list complaints, warnings;      /* one sentence each */
    size_t dropped;                           /* complaints beyond the ceiling */
    int failed;                               /* memory was lost on the way */
};

/* Every option at its default. environment: as environ; borrowed; NULL: empty. After EDDY_NOMEM
 * it may still be cleared, and nothing else. */
eddy_status ed_config_init(struct ed_config *config, char *const *environment, eddy_error *err);
void ed_config_clear(struct ed_config *config);

/* ---- layers; any order, any number of times; what is wrong becomes a complaint ---- */

/* A YAML file ("-": standard input). Later files win over earlier ones. */
void ed_config_read_file(struct ed_config *config, const char *path);
/* The same from memory; name stands in the complaints. */
void ed_config_read_text(struct ed_config *config, const char *name, const char *text, size_t n);
/* EDDY_KEY variables, dots as underscores. */
void ed_config_read_environment(struct ed_config *config);
/* "key=value" of --set. */
void ed_config_set(struct ed_config *config, const char *assignment);
/* One value of a command-line letter, for the option of that key; for lists, appended to what the
 * letters gave so far. letter ("-t") stands in the complaints; nothing is substituted. */
void ed_config_letter(struct ed_config *config, const char *key, const char *value,
                      const char *letter);
/* "name=value" of -X, into the kafka map; ${file:...} and ${VAR} are substituted. */
void ed_config_property(struct ed_config *config, const char *assignment);

/* The profile fills in what nobody set, names are made whole ({pipeline}), what hangs together is
 * checked.
 *
 * EDDY_CONFIG  there are complaints; the error is the first of them, and how many more there are
 * EDDY_NOMEM   memory was lost in any layer */
eddy_status ed_config_finish(struct ed_config *config, eddy_error *err);

/* One more complaint or warning, for what a command finds wrong by itself. key (may be NULL)
 * names the option whose place is told. */
__attribute__((format(printf, 3, 4))) void
ed_config_complain(struct ed_config *config, const char *key, const char *format, ...);
__attribute__((format(printf, 3, 4))) void
ed_config_warn(struct ed_config *config, const struct ed_origin *origin, const char *format, ...);

/* Where the value of key came from; NULL: no such key. */
const struct ed_origin *ed_config_source_of(const struct ed_config *config, const char *key);
/* "eddy.yaml:12:3", "environment EDDY_ENGINE_FADE", "profile news", "--set", "default". */
void ed_origin_text(const struct ed_origin *origin, char *ret, size_t n);

/* ---- the command line ---- */

/* Which of the common options a command takes. */
enum ed_takes {
    ED_TAKES_CONFIG = 1, /* -c --set --profile */
    ED_TAKES_KAFKA = 2,  /* -b -t -G -X */
    ED_TAKES_OUTPUT = 4, /* -o */
    ED_TAKES_FILES = 8,  /* positional arguments, into source.files */
    ED_TAKES_WORDS = 16  /* positional arguments, into the command's words */
};

/* An option of one command only. *ret is set to its (last) value, "" for one without a value, and
 * left alone when it is not given. Values live as long as argv. */
struct ed_flag {
    const char *name;  /* without the dashes */
    char letter;       /* 0: none */
    const char *value; /* what it takes, in capitals for the help: "FILE"; NULL: nothing */
    const char *help;
    const char **ret;
};

#define ED_WORDS_MAX 64
struct ed_words {
    const char *at[ED_WORDS_MAX]; /* (n) live as long as argv */
    size_t n;
};

struct ed_command {
    const char *name;     /* "detect" */
    const char *synopsis; /* "eddy detect [OPTIONS] FILE..." */
    const char *about;    /* what it does, for whom; lines of at most 80 columns */
    const char *examples; /* indented lines, or NULL */
    unsigned takes;       /* enum ed_takes, or-ed */
    const struct ed_flag *flags;
    size_t n_flags;
    struct ed_words *words; /* with ED_TAKES_WORDS */
};

/* Read a command line (argv[0] is the command's name) and the environment into config, and finish
 * it; config needs no init and is to be cleared by the caller on every way out.
 *
 *   environment  as environ
 *   ret_done     set to 1 when --help or --version was answered, on standard output
 *
 * EDDY_INVALID  usage: an unknown option (the nearest is named), a value missing
 * EDDY_CONFIG, EDDY_NOMEM  as ed_config_finish */
eddy_status ed_config_from_args(int argc, char **argv, char *const *environment,
                                const struct ed_command *command, struct ed_config *config,
                                int *ret_done, eddy_error *err);

/* What commands call: the same with the process's environment, all complaints and warnings printed
 * on standard error, and what is left to do told as -1 (go on; clear config at the end) or as an
 * exit code (config is cleared already). */
int ed_config_start(int argc, char **argv, const struct ed_command *command,
                    struct ed_config *config);

/* ---- what the other folders are told; after ed_config_finish ---- */

void ed_config_parse_options(const struct ed_config *config, eddy_parse_options *ret);
/* dense_dim: of the embedder, as ed_config_embedder gave it; keyphrases are its as well. */
void ed_config_engine_options(const struct ed_config *config, size_t dense_dim,
                              eddy_engine_options *ret);

/* Open the embedder that embed.* asks for.
 *
 *   stopped  asked while an endpoint is waited for; 1: it is EDDY_STOPPED; may be NULL
 *   ret      NULL on EDDY_OK for the models "message" and "none"
 *   ret_dim  dimensions of the dense view; 0 for "none"
 *   endpoint  the embedder's, to look at its statistics while the embedder lives; NULL: it has
 * none. May be NULL
 *
 * EDDY_CONFIG  document.vector_dim is not the model's; else as eddy_embedder_open, or
 * ed_embeddings_open */
eddy_status ed_config_embedder(const struct ed_config *config, int (*stopped)(void *user),
                               eddy_embedder **ret, size_t *ret_dim,
                               struct ed_embeddings **endpoint, eddy_error *err);

/* Which of the engine's extra views is that of keyphrases, from 1; 0: they are off. */
size_t ed_config_keyphrases(const struct ed_config *config);

/* 1: a broker is named (bootstrap.servers, metadata.broker.list, or a mock cluster). */
int ed_config_has_broker(const struct ed_config *config);

/* Names and values for librdkafka, kafka: first and the side's own map behind it.
 *
 *   ret  (2 * *n_ret) in the configuration's arena
 *
 * EDDY_NOMEM. After the first call for a side any thread may ask again. */
enum ed_kafka_side { ED_KAFKA_CONSUMER, ED_KAFKA_PRODUCER };
eddy_status ed_config_kafka_options(struct ed_config *config, enum ed_kafka_side side,
                                    const char *const **ret, size_t *n_ret, eddy_error *err);

/* Open what source.* names: files, or topics (of these the shard's partitions). Inputs go on where
 * head (may be NULL) says; what it does not know begins at source.from, or where there was an epoch
 * already at its beginning. Stage embed reads that one partition of topic. EDDY_CONFIG when it
 * names nothing. */
eddy_status ed_config_source_open(struct ed_config *config, const char *topic, int32_t shard,
                                  const struct ed_head *head, struct ed_source **ret,
                                  eddy_error *err);

/* Open the shard's partition of control.topic, which goes on where head says; what there was before
 * a pipeline began is not for it. *ret is NULL where there is none. */
eddy_status ed_config_control_open(struct ed_config *config, int32_t shard,
                                   const struct ed_head *head, struct ed_source **ret,
                                   eddy_error *err);

/* 1: the answers go to topics. */
int ed_config_to_kafka(const struct ed_config *config);
/* The Kafka journal of a shard, as output.*, state.* and kafka say it; group may be NULL. Any
 * thread, once ed_config_kafka_options was called. EDDY_CONFIG when no broker is named; EDDY_IO:
 * state.dir. */
struct ed_config_journal {
    struct ed_journal_kafka kafka; /* may point at what is below, so it is not to be copied alone */
    char id[600], store[4200];
    const char *input;
};
eddy_status ed_config_journal_kafka(struct ed_config *config, const char *topic, int32_t shard,
                                    struct ed_group *group, struct ed_config_journal *ret,
                                    eddy_error *err);
/* output.dir's files, without .jsonl: named after the topics' roles, whatever the topics are
 * called; NULL: there is none. */
extern const char *const ed_config_files[ED_TOPICS];
/* Files in output.dir (made if missing), or standard output; with a store in journal_dir where that
 * is not NULL. */
eddy_status ed_config_journal_files(struct ed_config *config, const char *journal_dir,
                                    struct ed_journal **ret, eddy_error *err);
/* reason.*; prompts are read from their directory. Strings live as long as the configuration.
 * EDDY_IO: a prompt cannot be read; EDDY_CONFIG: the directory holds none */
eddy_status ed_config_reason_options(struct ed_config *config, struct ed_reason_options *ret,
                                     eddy_error *err);
/* batch.*, languages, workers, publisher; the handles stay NULL for the caller to fill in. */
void ed_config_pipeline_options(const struct ed_config *config, struct ed_pipeline_options *ret);

/* ---- printing ---- */

/* The configuration as YAML, each value with where it came from when it is not the default;
 * secrets as "***". What was written as ${...} is printed so. */
eddy_status ed_config_print(const struct ed_config *config, FILE *out, eddy_error *err);

#endif
