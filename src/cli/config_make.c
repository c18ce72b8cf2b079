/* What the other folders are told: the configuration in their own words. */
#include "cli/config_inner.h"

#include "base/error.h"
#include "base/memory.h"
#include "remote/embeddings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void ed_config_parse_options(const struct ed_config *config, eddy_parse_options *ret)
{
    eddy_parse_options_init(ret);
    ret->format = (eddy_format)config->document.format;
    ret->id_path = config->document.id;
    ret->text_path = config->document.text;
    ret->title_path = config->document.title;
    ret->time_path = config->document.time;
    ret->language_path = config->document.language;
    ret->source_path = config->document.source;
    ret->group_path = config->document.group;
    ret->keyphrases_path = ed_config_keyphrases(config) ? config->document.keyphrases : NULL;
    ret->time_unit = (eddy_time_unit)config->document.time_unit;
    ret->dense_path = config->document.vector;
    ret->dense_dim = *config->document.vector ? (size_t)config->document.vector_dim : 0;
    ret->n_extra = config->n_extra;
    for (size_t i = 0; i < config->n_extra; i++) {
        ret->extra_path[i] = config->extra_path[i];
        ret->extra_dim[i] = config->extra_dim[i];
    }
    ret->document_max = (size_t)config->document.max_bytes;
    ret->ahead_max_ms = config->document.ahead_ms;
}

void ed_config_engine_options(const struct ed_config *config, size_t dense_dim,
                              eddy_engine_options *ret)
{
    eddy_engine_options_init(ret);
    ret->dense_dim = dense_dim;
    ret->n_extra = config->n_extra;
    for (size_t i = 0; i < config->n_extra; i++) {
        ret->extra_dim[i] = config->extra_dim[i];
        ret->extra_weight[i] = config->extra_weight[i];
    }
    if (ed_config_keyphrases(config)) {
        ret->extra_dim[ret->n_extra] = dense_dim;
        ret->extra_weight[ret->n_extra++] = config->embed.keyphrases;
    }
    ret->dense_weight = config->engine.dense_weight;
    ret->granularity = config->engine.granularity;
    ret->threshold = config->engine.threshold;
    ret->fade_ms = config->engine.fade_ms;
    ret->half_life_ms = config->engine.half_life_ms;
    ret->idle_penalty = config->engine.idle_penalty;
    ret->idle_half_ms = config->engine.idle_half_ms;
    ret->stability = config->engine.stability;
    ret->detail = (uint32_t)config->engine.detail;
    ret->repair_every = (uint32_t)config->engine.repair_every;
    ret->events_max = (uint32_t)config->engine.events_max;
    ret->words_max = (uint32_t)config->engine.words_max;
    ret->window = (uint32_t)config->engine.window;
    ret->duplicates_window =
        config->document.duplicates ? (uint32_t)config->document.duplicates_window : 0;
    ret->topics = (eddy_topics)config->engine.topics;
    ret->false_alarms = config->signals.false_alarms / (double)config->state.shards;
}

size_t ed_config_keyphrases(const struct ed_config *config)
{
    return config->embed.keyphrases > 0 ? config->n_extra + 1 : 0;
}

/* Of this configuration's endpoint; ask it whether it is one. */
static eddy_status endpoint_open(const struct ed_config *config, int (*stopped)(void *user),
                                 struct ed_embeddings **ret, eddy_error *err)
{
    struct ed_embeddings_options o;
    ed_embeddings_options_init(&o);
    o.http.url = config->embed.endpoint.url;
    o.http.key = *config->embed.endpoint.key ? config->embed.endpoint.key : NULL;
    o.http.ca_file = *config->embed.endpoint.ca_file ? config->embed.endpoint.ca_file : NULL;
    o.http.timeout_ms = config->embed.endpoint.timeout_ms;
    o.http.concurrency = (size_t)config->embed.endpoint.concurrency;
    o.http.deny_private = config->embed.endpoint.deny_private;
    o.http.insecure = config->insecure;
    o.model = config->embed.endpoint.model;
    o.prefix = config->embed.endpoint.prefix;
    o.dimensions = (size_t)config->embed.endpoint.dimensions;
    o.tokens_max = (size_t)config->embed.endpoint.tokens;
    o.batch_max = (size_t)config->embed.endpoint.batch;
    o.batch_tokens = (size_t)config->embed.endpoint.batch_tokens;
    o.calls_minute = config->embed.endpoint.calls_minute;
    return ed_embeddings_open(&o, stopped, NULL, ret, err);
}

eddy_status ed_config_embedder(const struct ed_config *config, int (*stopped)(void *user),
                               eddy_embedder **ret, size_t *ret_dim,
                               struct ed_embeddings **ret_endpoint, eddy_error *err)
{
    static const char *const models[] = {[ED_MODEL_AUTO] = "auto",
                                         [ED_MODEL_HASH] = "hash",
                                         [ED_MODEL_ENCODER] = "encoder",
                                         [ED_MODEL_STATIC] = "static",
                                         [ED_MODEL_ENDPOINT] = "endpoint"};
    static const char *const precisions[] = {[ED_EMBED_AUTO] = "auto",
                                             [ED_EMBED_F32] = "f32",
                                             [ED_EMBED_BF16] = "bf16",
                                             [ED_EMBED_INT8] = "int8"};
    int supplied = *config->document.vector != 0;
    size_t dim = (size_t)config->document.vector_dim;
    if (config->embed.model == ED_MODEL_MESSAGE || config->embed.model == ED_MODEL_NONE) {
        *ret_dim = config->embed.model == ED_MODEL_MESSAGE ? dim : 0;
        *ret = NULL;
        return EDDY_OK;
    }
    eddy_embedder_options options;
    eddy_endpoint endpoint = {0};
    struct ed_embeddings *asked = NULL;
    eddy_embedder_options_init(&options);
    options.model = models[config->embed.model];
    options.dir = config->embed.dir;
    options.precision = precisions[config->embed.precision];
    options.prefix = strcmp(config->embed.prefix, "auto") != 0 ? config->embed.prefix : NULL;
    options.chunks = config->embed.long_texts == ED_EMBED_CHUNKS;
    options.cache_bytes = (size_t)config->embed.cache;
    options.endpoint = &endpoint;
    eddy_embedder *embedder = NULL;
    eddy_status st = EDDY_OK;
    if (config->embed.model == ED_MODEL_ENDPOINT)
        st = endpoint_open(config, stopped, &asked, err);
    if (asked)
        endpoint = ed_embeddings_endpoint(asked);
    if (st == EDDY_OK)
        st = eddy_embedder_open(&options, &embedder, err);
    if (st != EDDY_OK) {
        if (endpoint.self)
            endpoint.free(endpoint.self);
        return st;
    }
    if (supplied && dim != eddy_embedder_dim(embedder)) {
        st = eddy_fail(err, EDDY_CONFIG,
                       "document.vector_dim: messages bring vectors of %zu dimensions, but those "
                       "without one would be embedded with %zu; set embed.model to message",
                       dim, eddy_embedder_dim(embedder));
        eddy_embedder_free(embedder);
        return st;
    }
    *ret_dim = eddy_embedder_dim(embedder);
    *ret = embedder;
    if (ret_endpoint)
        *ret_endpoint = asked;
    return EDDY_OK;
}

/* What a stage reads instead of all that source.topics says. */
static void stage_inputs(const struct ed_config *config, const char *const *topic,
                         const int32_t *partition, struct ed_source_kafka *ret)
{
    if (config->stage == ED_STAGE_EMBED && *topic) {
        ret->topics = topic;
        ret->n_topics = 1;
        ret->partitions = partition;
        ret->n_partitions = 1;
        ret->shard = 0;
        ret->n_shards = 1;
    } else if (config->stage == ED_STAGE_ENGINE) {
        ret->topics = &config->output.topics[ED_VECTORS];
        ret->n_topics = 1;
    }
}

eddy_status ed_config_source_open(struct ed_config *config, const char *topic, int32_t shard,
                                  const struct ed_head *head, struct ed_source **ret,
                                  eddy_error *err)
{
    const struct ed_list *files = &config->source.files, *topics = &config->source.topics;
    const struct ed_offset *starts = head ? head->offsets : NULL;
    size_t n_starts = head ? head->n_offsets : 0;
    if (files->n)
        return ed_source_files_open(files->at, files->n, (size_t)config->document.max_bytes, starts,
                                    n_starts, ret, err);
    if (!topics->n && config->stage != ED_STAGE_ENGINE)
        return eddy_fail(err, EDDY_CONFIG,
                         "nothing to read: set source.topics (-t) or source.files");
    /* A partition that was not there at the first start is new: all of it is wanted. */
    int from_beginning = config->source.from_beginning || (head && head->mark.epoch);
    struct ed_source_kafka options = {
        .topics = topics->at,
        .n_topics = topics->n,
        .shard = shard,
        .n_shards = (int32_t)config->state.shards,
        .starts = starts,
        .n_starts = n_starts,
        .from = {.kind = from_beginning ? ED_FROM_BEGINNING : ED_FROM_END},
        .until = {.kind = ED_FROM_END},
        .endless = !config->source.exit_at_end,
        .wait_ms = (int)config->source.merge_wait_ms,
        .insecure = config->insecure,
    };
    stage_inputs(config, &topic, &shard, &options);
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options.options,
                                             &options.n_options, err);
    return st == EDDY_OK ? ed_source_kafka_open(&options, ret, err) : st;
}

eddy_status ed_config_control_open(struct ed_config *config, int32_t shard,
                                   const struct ed_head *head, struct ed_source **ret,
                                   eddy_error *err)
{
    *ret = NULL;
    if (!*config->control.topic || !ed_config_to_kafka(config) || config->stage == ED_STAGE_EMBED)
        return EDDY_OK;
    struct ed_source_kafka options = {
        .topics = &config->control.topic,
        .n_topics = 1,
        .n_shards = 1,
        .partitions = &shard,
        .n_partitions = 1,
        .starts = head->offsets,
        .n_starts = head->n_offsets,
        .from = {.kind = head->mark.epoch ? ED_FROM_BEGINNING : ED_FROM_END},
        .endless = 1,
        .insecure = config->insecure,
    };
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options.options,
                                             &options.n_options, err);
    return st == EDDY_OK ? ed_source_kafka_open(&options, ret, err) : st;
}

int ed_config_to_kafka(const struct ed_config *config)
{
    return !*config->output.dir;
}

const char *const ed_config_files[ED_TOPICS] = {
    [ED_ASSIGNMENTS] = "assignments", [ED_EVENTS] = "events",
    [ED_CHANGES] = "changes",         [ED_DEAD] = "dead",
    [ED_OPERATIONS] = "operations",   [ED_TEMPLATES] = "templates"};

/* Where a journal is opened before a pipe is read, the first lines have not told yet. */
static int may_be_log(const struct ed_config *config)
{
    return config->document.format == EDDY_FORMAT_LOGS ||
           (!config->document.guessed &&
            ed_config_source_of(config, "document.format")->layer <= ED_LAYER_PROFILE);
}

eddy_status ed_config_journal_files(struct ed_config *config, const char *journal_dir,
                                    struct ed_journal **ret, eddy_error *err)
{
    const char *dir = config->output.dir, *paths[ED_TOPICS] = {NULL};
    int to_stdout = strcmp(dir, "-") == 0;
    if (!to_stdout && mkdir(dir, 0777) != 0 && errno != EEXIST)
        return eddy_fail(err, EDDY_IO, "output.dir %s: cannot make the directory: %s", dir,
                         strerror(errno));
    for (size_t i = 0; i < ED_TOPICS; i++) {
        if (!ed_config_files[i] || !*config->output.topics[i] ||
            (i == ED_TEMPLATES && !may_be_log(config)))
            continue;
        paths[i] = to_stdout
                       ? "-"
                       : ed_arena_printf(config->arena, "%s/%s.jsonl", dir, ed_config_files[i]).at;
        if (!paths[i])
            return eddy_fail_nomem(err, "output.dir", strlen(dir));
    }
    return ed_journal_files_open(paths, journal_dir, config->pipeline, ret, err);
}

/* "DIR/PIPELINE-SHARD.state", where a store is wanted. */
static eddy_status store_path(const struct ed_config *config, int32_t shard,
                              struct ed_config_journal *ret, eddy_error *err)
{
    const char *dir = config->state.dir;
    if (!*dir)
        return EDDY_OK;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return eddy_fail(err, EDDY_IO, "state.dir %s: cannot make the directory: %s", dir,
                         strerror(errno));
    snprintf(ret->store, sizeof ret->store, "%s/%s-%d.state", dir, config->pipeline, (int)shard);
    ret->kafka.store = ret->store;
    return EDDY_OK;
}

/* 1: this stage writes to that topic. */
static int stage_writes(const struct ed_config *config, size_t topic)
{
    if (config->stage == ED_STAGE_EMBED)
        return topic == ED_VECTORS || topic == ED_DEAD;
    return topic != ED_VECTORS &&
           (topic != ED_TEMPLATES || config->document.format == EDDY_FORMAT_LOGS);
}

eddy_status ed_config_journal_kafka(struct ed_config *config, const char *topic, int32_t shard,
                                    struct ed_group *group, struct ed_config_journal *ret,
                                    eddy_error *err)
{
    int embeds = config->stage == ED_STAGE_EMBED;
    if (!ed_config_has_broker(config))
        return eddy_fail(err, EDDY_CONFIG,
                         "nowhere to write: name a broker (bootstrap.servers below kafka, or -b) "
                         "or a directory (output.dir, or -o)");
    ret->input = topic;
    ret->kafka = (struct ed_journal_kafka){
        .id = ret->id,
        .state = embeds ? NULL : config->state.topic,
        .control = embeds || !*config->control.topic ? NULL : config->control.topic,
        .input = topic,
        .partition = shard,
        .pipeline = config->pipeline,
        .shard = embeds ? 0 : shard,
        .n_shards = (int32_t)config->state.shards,
        .group = group,
        .inputs = embeds                             ? &ret->input
                  : config->stage == ED_STAGE_ENGINE ? &config->output.topics[ED_VECTORS]
                                                     : config->source.topics.at,
        .n_inputs = config->stage == ED_STAGE_ALL ? config->source.topics.n : topic != NULL,
        .insecure = config->insecure,
        .create = config->output.create_topics,
        .partitions = (int)config->output.partitions,
        .replication = (int)config->output.replication,
        .deliver_ms = (int)config->output.deliver_ms,
    };
    if (embeds)
        snprintf(ret->id, sizeof ret->id, "%s-embed-%s-%d", config->pipeline, topic ? topic : "",
                 (int)shard);
    else
        snprintf(ret->id, sizeof ret->id, "%s-%d", config->pipeline, (int)shard);
    for (size_t i = 0; i < ED_TOPICS; i++)
        ret->kafka.topics[i] =
            stage_writes(config, i) && *config->output.topics[i] ? config->output.topics[i] : NULL;
    eddy_status st = embeds ? EDDY_OK : store_path(config, shard, ret, err);
    return st == EDDY_OK ? ed_config_kafka_options(config, ED_KAFKA_PRODUCER, &ret->kafka.options,
                                                   &ret->kafka.n_options, err)
                         : st;
}

void ed_config_pipeline_options(const struct ed_config *config, struct ed_pipeline_options *ret)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    /* Who waits for an endpoint needs no processor. */
    long asking =
        config->embed.model == ED_MODEL_ENDPOINT ? (long)config->embed.endpoint.concurrency : 1;
    long workers = config->embed.workers ? (long)config->embed.workers
                   : processors > asking ? processors
                                         : asking;
    workers = workers < 1 ? 1 : workers > 256 ? 256 : workers;
    *ret = (struct ed_pipeline_options){
        .publisher = {.pipeline = config->pipeline, .n_shards = (uint32_t)config->state.shards},
        .languages = config->document.languages.at,
        .n_languages = config->document.languages.n,
        .batch_max = (size_t)config->batch.max,
        .wait_ms = (int)config->batch.wait_ms,
        .workers = (size_t)workers,
        .ring_max = (size_t)(config->batch.ring ? config->batch.ring : workers + 2),
        .keyphrases = ed_config_keyphrases(config),
        .keyphrases_ms = config->embed.keyphrases_wait_ms,
        .value_max = (size_t)config->output.dead_max_bytes,
        .embedded = config->stage == ED_STAGE_ENGINE,
        .lines = (enum ed_logs_assignments)(
            *config->output.topics[ED_ASSIGNMENTS] ? config->logs.assignments : ED_LOGS_NONE),
        .parameters = config->logs.parameters,
        .ahead_ms = config->document.ahead_ms,
        .finite = config->source.exit_at_end,
    };
}
