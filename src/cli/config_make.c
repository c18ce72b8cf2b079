/* What the other folders are told: the configuration in their own words. */
#include "cli/config_inner.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
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
}

eddy_status ed_config_embedder(const struct ed_config *config, eddy_embedder **ret, size_t *ret_dim,
                               eddy_error *err)
{
    static const char *const models[] = {
        [ED_MODEL_AUTO] = "auto", [ED_MODEL_HASH] = "hash", [ED_MODEL_ENCODER] = "encoder"};
    int supplied = *config->document.vector != 0;
    size_t dim = (size_t)config->document.vector_dim;
    if (config->embed.model == ED_MODEL_MESSAGE || config->embed.model == ED_MODEL_NONE) {
        *ret_dim = config->embed.model == ED_MODEL_MESSAGE ? dim : 0;
        *ret = NULL;
        return EDDY_OK;
    }
    eddy_embedder *embedder = NULL;
    eddy_status st =
        eddy_embedder_open(models[config->embed.model], config->embed.dir, &embedder, err);
    if (st != EDDY_OK)
        return st;
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
    return EDDY_OK;
}

eddy_status ed_config_source_open(struct ed_config *config, struct ed_source **ret, eddy_error *err)
{
    const struct ed_list *files = &config->source.files, *topics = &config->source.topics;
    if (files->n)
        return ed_source_files_open(files->at, files->n, (size_t)config->document.max_bytes, ret,
                                    err);
    if (!topics->n)
        return eddy_fail(err, EDDY_CONFIG,
                         "nothing to read: set source.topics (-t) or source.files");
    struct ed_source_kafka options = {
        .topics = topics->at,
        .n_topics = topics->n,
        .readers = (size_t)config->source.readers,
        .group = config->source.group,
        .insecure = config->insecure,
        .from_beginning = config->source.from_beginning,
        .exit_at_end = config->source.exit_at_end,
    };
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options.options,
                                             &options.n_options, err);
    return st == EDDY_OK ? ed_source_kafka_open(&options, ret, err) : st;
}

/* output.dir's files are named after the topics' roles, whatever the topics are called. */
static eddy_status open_files(struct ed_config *config, struct ed_journal **ret, eddy_error *err)
{
    static const char *const names[ED_TOPICS] = {[ED_ASSIGNMENTS] = "assignments",
                                                 [ED_EVENTS] = "events",
                                                 [ED_CHANGES] = "changes",
                                                 [ED_DEAD] = "dead"};
    const char *dir = config->output.dir, *paths[ED_TOPICS] = {NULL};
    int to_stdout = strcmp(dir, "-") == 0;
    if (!to_stdout && mkdir(dir, 0777) != 0 && errno != EEXIST)
        return eddy_fail(err, EDDY_IO, "output.dir %s: cannot make the directory: %s", dir,
                         strerror(errno));
    for (size_t i = 0; i < ED_TOPICS; i++) {
        if (!*config->output.topics[i])
            continue;
        paths[i] =
            to_stdout ? "-" : ed_arena_printf(config->arena, "%s/%s.jsonl", dir, names[i]).at;
        if (!paths[i])
            return eddy_fail_nomem(err, "output.dir", strlen(dir));
    }
    return ed_journal_files_open(paths, ret, err);
}

eddy_status ed_config_journal_open(struct ed_config *config, struct ed_journal **ret,
                                   eddy_error *err)
{
    if (*config->output.dir)
        return open_files(config, ret, err);
    if (!ed_config_has_broker(config))
        return eddy_fail(err, EDDY_CONFIG,
                         "nowhere to write: name a broker (bootstrap.servers below kafka, or -b) "
                         "or a directory (output.dir, or -o)");
    struct ed_journal_kafka options = {
        .insecure = config->insecure,
        .create = config->output.create_topics,
        .partitions = (int)config->output.partitions,
        .replication = (int)config->output.replication,
        .deliver_ms = (int)config->output.deliver_ms,
    };
    for (size_t i = 0; i < ED_TOPICS; i++)
        options.topics[i] = *config->output.topics[i] ? config->output.topics[i] : NULL;
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_PRODUCER, &options.options,
                                             &options.n_options, err);
    return st == EDDY_OK ? ed_journal_kafka_open(&options, ret, err) : st;
}

void ed_config_pipeline_options(const struct ed_config *config, struct ed_pipeline_options *ret)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long workers = config->embed.workers ? (long)config->embed.workers : processors;
    *ret = (struct ed_pipeline_options){
        .publisher = {.pipeline = config->pipeline},
        .languages = config->document.languages.at,
        .n_languages = config->document.languages.n,
        .batch_max = (size_t)config->batch.max,
        .wait_ms = (int)config->batch.wait_ms,
        .workers = (size_t)(workers < 1     ? 1
                            : workers > 256 ? 256
                                            : workers),
        .ring_max = (size_t)config->batch.ring,
        .value_max = (size_t)config->output.dead_max_bytes,
    };
}
