/* Past: the replay under way, and what the command line of another one is made of.
 *
 * The server starts no process: it tells what whoever starts one has to say. Files of the
 * configuration are named; of what was set in other ways only the keys are, for a value may be a
 * secret. */
#include "cli/past.h"

#include "base/json.h"
#include "base/time.h"
#include "cli/options.h"
#include "cli/site.h"

#include <string.h>

#define BROKERS "bootstrap.servers"

static void put_text(struct ed_bytes *json, const char *key, const char *text)
{
    ed_json_key(json, key);
    if (text)
        ed_json_text(json, text, strlen(text));
    else
        ed_json_null(json);
}

static void put_count(struct ed_bytes *json, const char *key, uint64_t n)
{
    ed_json_key(json, key);
    ed_json_unsigned(json, n);
}

static void put_number(struct ed_bytes *json, const char *key, double x)
{
    ed_json_key(json, key);
    ed_json_number(json, x);
}

/* ---- the one under way ---- */

static void put_replay(const struct ed_sight *s, const struct ed_past *past, struct ed_bytes *json)
{
    struct ed_counts counts;
    struct ed_progress at;
    int64_t began_ms = s->stream->started_ms;
    double seconds = began_ms ? (double)(ed_view_now() - began_ms) / 1000 : 0;
    ed_stream_look(s->stream, &counts, &at, NULL);
    ed_json_open(json, '{');
    put_text(json, "state", past->live ? "live" : began_ms ? "running" : "opening");
    put_text(json, "from", past->from);
    put_text(json, "to", past->until);
    put_text(json, "partitions", past->partitions);
    put_text(json, "verdicts", past->verdicts);
    ed_json_key(json, "then_run");
    ed_json_bool(json, past->then_run);
    put_count(json, "documents", counts.committed);
    put_count(json, "total", at.messages_total);
    put_count(json, "missing", at.missing);
    put_count(json, "events", counts.events_active);
    put_number(json, "seconds", seconds);
    put_number(json, "per_second", seconds > 0 ? (double)counts.committed / seconds : 0);
    ed_json_close(json, '}');
}

static void put_partition(void *p, const char *topic, int32_t partition, uint64_t behind)
{
    struct ed_bytes *json = p;
    ed_json_open(json, '{');
    put_text(json, "topic", topic);
    put_count(json, "partition", (uint64_t)partition);
    put_count(json, "behind", behind);
    ed_json_close(json, '}');
}

static void put_partitions(void *json, struct ed_shard *shard, const struct ed_shard_look *at)
{
    if (shard && at->owned)
        ed_shard_lags(shard, put_partition, json);
}

/* ---- another one ---- */

#define FILES_MAX 16
#define MAPS(c)                                                                                    \
    {                                                                                              \
        &(c)->kafka, &(c)->kafka_consumer, &(c)->kafka_producer                                    \
    }

/* A file, unless it was told before. */
static void put_file(const struct ed_origin *from, const char *told[FILES_MAX], size_t *n,
                     struct ed_bytes *json)
{
    size_t k = 0;
    if (from->layer != ED_LAYER_FILE)
        return;
    while (k < *n && strcmp(told[k], from->name) != 0)
        k++;
    if (k < *n || *n == FILES_MAX)
        return;
    told[(*n)++] = from->name;
    ed_json_text(json, from->name, strlen(from->name));
}

/* Files of the configuration, each once. */
static void put_files(const struct ed_config *config, struct ed_bytes *json)
{
    const struct ed_map *maps[] = MAPS(config);
    const char *told[FILES_MAX];
    size_t n = 0;
    ed_json_key(json, "files");
    ed_json_open(json, '[');
    for (size_t i = 0; i < ed_options_n; i++)
        put_file(&config->origins[i], told, &n, json);
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        for (size_t k = 0; k < maps[i]->n; k++)
            put_file(&maps[i]->at[k].origin, told, &n, json);
    ed_json_close(json, ']');
}

/* Keys of the command line or the environment that a replay would not have by itself. */
static void put_again(const struct ed_config *config, struct ed_bytes *json)
{
    static const char *const own[] = {"pipeline", "source.topics", "source.group", "serve.",
                                      "control.", "output.",       "state."};
    const struct ed_map *maps[] = MAPS(config);
    ed_json_key(json, "again");
    ed_json_open(json, '[');
    for (size_t i = 0; i < ed_options_n; i++) {
        const char *key = ed_options[i].key;
        int is_own = config->origins[i].layer < ED_LAYER_ENVIRONMENT;
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            is_own |= !strncmp(key, own[k], strlen(own[k]));
        if (!is_own && ed_options[i].type != ED_MAP)
            ed_json_text(json, key, strlen(key));
    }
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        for (size_t k = 0; k < maps[i]->n; k++) {
            const struct ed_pair *pair = &maps[i]->at[k];
            if (pair->origin.layer >= ED_LAYER_ENVIRONMENT && strcmp(pair->name, BROKERS) != 0)
                ed_json_text(json, pair->name, strlen(pair->name));
        }
    ed_json_close(json, ']');
}

static const char *brokers_of(const struct ed_config *config)
{
    for (size_t i = 0; i < config->kafka.n; i++)
        if (!strcmp(config->kafka.at[i].name, BROKERS))
            return config->kafka.at[i].value;
    return NULL;
}

static void put_begin(const struct ed_config *config, struct ed_bytes *json)
{
    ed_json_open(json, '{');
    put_text(json, "pipeline", config->pipeline);
    put_text(json, "brokers", brokers_of(config));
    ed_json_key(json, "topics");
    ed_json_open(json, '[');
    for (size_t i = 0; i < config->source.topics.n; i++)
        ed_json_text(json, config->source.topics.at[i], strlen(config->source.topics.at[i]));
    ed_json_close(json, ']');
    put_files(config, json);
    put_again(config, json);
    ed_json_close(json, '}');
}

void ed_past_write(const struct ed_sight *s, struct ed_bytes *json)
{
    const struct ed_past *past = s->stream ? s->stream->past : NULL;
    ed_json_open(json, '{');
    ed_json_key(json, "replay");
    if (past)
        put_replay(s, past, json);
    else
        ed_json_null(json);
    ed_json_key(json, "partitions");
    ed_json_open(json, '[');
    if (s->stream && s->stream->shards)
        ed_shards_each(s->stream->shards, put_partitions, json);
    else if (s->stream && s->stream->shard && s->n)
        put_partitions(json, s->stream->shard, &s->shards[0]);
    ed_json_close(json, ']');
    ed_json_key(json, "begin");
    if (s->config->source.topics.n)
        put_begin(s->config, json);
    else
        ed_json_null(json);
    ed_json_close(json, '}');
}
