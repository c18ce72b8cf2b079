/* Look: sources that end, read to their ends. */
#include "cli/look.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"
#include "cli/labels.h"
#include "cli/stream.h"
#include "journal/store.h"
#include "parse/time.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_MAX   256
#define LINE_MAX_  ((size_t)16 << 20)
#define KIND_SHIFT 56

static eddy_status source_read(struct ed_source *source, ed_look_fn fn, void *user, eddy_error *err)
{
    static eddy_raw raws[READ_MAX];
    eddy_status st = EDDY_OK;
    for (int end = 0; st == EDDY_OK && !end;) {
        size_t n = 0;
        st = ed_source_read(source, 1000, raws, READ_MAX, &n, &end, err);
        for (size_t i = 0; i < n && st == EDDY_OK; i++)
            st = fn(user, &raws[i], err);
    }
    return st;
}

eddy_status ed_look_topic(struct ed_config *config, const char *topic, int32_t partition,
                          ed_look_fn fn, void *user, eddy_error *err)
{
    struct ed_source *source = NULL;
    struct ed_source_kafka options = {.topics = &topic,
                                      .n_topics = 1,
                                      .n_shards = 1,
                                      .partitions = &partition,
                                      .n_partitions = partition >= 0,
                                      .until = {.kind = ED_FROM_END},
                                      .wait_ms = -1,
                                      .insecure = config->insecure};
    if (!ed_config_has_broker(config))
        return eddy_fail(err, EDDY_CONFIG, "no broker is named: give -b, or -c FILE");
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options.options,
                                             &options.n_options, err);
    if (st == EDDY_OK)
        st = ed_source_kafka_open(&options, &source, err);
    if (st == EDDY_OK)
        st = source_read(source, fn, user, err);
    ed_source_free(source);
    return st;
}

static eddy_status file_read(struct ed_config *config, const char *dir, enum ed_topic topic,
                             ed_look_fn fn, void *user, eddy_error *err)
{
    struct ed_source *source = NULL;
    const char *path =
        ed_arena_printf(config->arena, "%s/%s.jsonl", dir, ed_config_files[topic]).at;
    const char *part =
        ed_arena_printf(config->arena, "%s/%s.jsonl.part", dir, ed_config_files[topic]).at;
    if (!path || !part)
        return eddy_fail_nomem(err, dir, strlen(dir));
    if (access(path, F_OK) != 0 && access(part, F_OK) == 0)
        path = part;
    eddy_status st = ed_source_files_open(&path, 1, LINE_MAX_, NULL, 0, &source, err);
    if (st == EDDY_OK)
        st = source_read(source, fn, user, err);
    ed_source_free(source);
    return st;
}

/* Who takes the objects. */
struct records {
    ed_record_fn fn;
    void *user;
};

static eddy_status record_take(void *user, const eddy_raw *raw, eddy_error *err)
{
    const struct records *r = user;
    json_t *json = NULL;
    if (!raw->bytes)
        return EDDY_OK;
    eddy_status st = ed_line_object(raw, &json, err);
    if (st == EDDY_OK)
        st = r->fn(r->user, raw, json, err);
    json_decref(json);
    return st;
}

eddy_status ed_look(struct ed_config *config, const char *dir, enum ed_topic topic, ed_record_fn fn,
                    void *user, eddy_error *err)
{
    struct records r = {fn, user};
    if (dir)
        return file_read(config, dir, topic, record_take, &r, err);
    if (!*config->output.topics[topic])
        return eddy_fail(err, EDDY_CONFIG, "the pipeline does not keep that topic (output.*)");
    return ed_look_topic(config, config->output.topics[topic], -1, record_take, &r, err);
}

/* ---- where a merged event is ---- */

struct whereabouts {
    struct ed_table into; /* event to the one that it went into; else to itself */
};

static eddy_status where_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    struct whereabouts *w = user;
    eddy_status st = EDDY_OK;
    uint64_t id = *ed_look_text(json, "id") == 'E' ? ed_look_number(json, "id") : 0;
    uint64_t into = ed_look_number(json, "merged_into");
    uint64_t *at = id ? ed_table_put(&w->into, id, id) : NULL;
    if (at)
        *at = into ? into : id;
    else if (id)
        st = eddy_fail_nomem(err, "events", raw->n);
    return st;
}

eddy_status ed_look_where(struct ed_config *config, const char *dir, uint64_t event, uint64_t *ret,
                          eddy_error *err)
{
    struct whereabouts w;
    ed_table_init(&w.into);
    eddy_status st = ed_look(config, dir, ED_EVENTS, where_take, &w, err);
    const uint64_t *into = st == EDDY_OK ? ed_table_find(&w.into, event) : NULL;
    uint64_t now = into ? event : 0;
    for (size_t steps = 0; into && *into != now && steps <= w.into.n; steps++) {
        now = *into; /* as many steps as there are events: a file may say anything */
        into = ed_table_find(&w.into, now);
    }
    if (st == EDDY_OK)
        *ret = now;
    ed_table_clear(&w.into);
    return st;
}

/* ---- values ---- */

uint64_t ed_look_id(const char *text, char letter)
{
    char *end = NULL;
    int lettered = *text == letter || *text == letter + ('a' - 'A');
    if (text[lettered] < '1' || text[lettered] > '9')
        return 0;
    uint64_t id = strtoull(text + lettered, &end, 10);
    return *end ? 0 : id;
}

const char *ed_look_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

uint64_t ed_look_number(const json_t *object, const char *key)
{
    const char *text = ed_look_text(object, key);
    return *text ? ed_look_id(text, *text) : 0;
}

int64_t ed_look_time(const json_t *object, const char *key)
{
    const char *text = ed_look_text(object, key);
    int64_t ms = -1;
    return ed_time_from_text(text, strlen(text), EDDY_UNIT_MS, &ms) ? ms : -1;
}

/* ---- the state ---- */

struct state {
    eddy_clusterer *cl;
    uint64_t fingerprint;
    int found;
};

static eddy_status head_look(struct state *s, eddy_str bytes, eddy_error *err)
{
    struct ed_head head = {0};
    eddy_status st = ed_head_read(bytes, &head, err);
    if (st != EDDY_OK)
        return st;
    s->found = 1;
    if (head.mark.epoch && head.mark.fingerprint != s->fingerprint)
        st = eddy_fail(err, EDDY_CONFIG,
                       "the state was made with other options of the engine, or another model: "
                       "give the pipeline's own configuration (-c, --set)");
    ed_head_clear(&head);
    return st;
}

static eddy_status record_look(void *user, const eddy_record *record, eddy_error *err)
{
    struct state *s = user;
    if (record->key >> KIND_SHIFT > 127 || ed_logs_owns(record->key)) /* not of events */
        return EDDY_OK;
    return eddy_clusterer_load(s->cl, record, err);
}

/* A message of the state topic: the key, big-endian, and the value. */
static eddy_status message_look(void *user, const eddy_raw *raw, eddy_error *err)
{
    struct state *s = user;
    eddy_record record = {.value = {raw->bytes, raw->n}};
    if (raw->n_key != 8)
        return EDDY_OK;
    for (int i = 0; i < 8; i++)
        record.key = record.key << 8 | (unsigned char)raw->key[i];
    if (record.key)
        return record_look(s, &record, err);
    return raw->bytes ? head_look(s, record.value, err) : EDDY_OK;
}

static eddy_status store_look(struct ed_config *config, const char *dir, struct state *s,
                              eddy_error *err)
{
    struct ed_store *store = NULL;
    eddy_str head = {NULL, 0};
    const char *path = ed_arena_printf(config->arena, "%s/%s.state", dir, config->pipeline).at;
    if (!path)
        return eddy_fail_nomem(err, dir, strlen(dir));
    if (access(path, R_OK) != 0)
        return eddy_fail(err, EDDY_IO, "%s: there is no state to look into", path);
    eddy_status st = ed_store_open(path, 0, &store, err);
    if (st == EDDY_OK)
        st = ed_store_head(store, &head, err);
    if (st == EDDY_OK && head.at)
        st = head_look(s, head, err);
    if (st == EDDY_OK)
        st = ed_store_load(store, record_look, s, &head, err);
    ed_store_close(store);
    return st;
}

eddy_status ed_look_state(struct ed_config *config, const char *dir, int32_t shard,
                          eddy_clusterer **ret, eddy_error *err)
{
    struct state s = {0};
    eddy_embedder *embedder = NULL;
    eddy_engine_options engine;
    size_t dim = 0;
    eddy_status st = ed_stream_embedder(config, &embedder, &dim, NULL, err);
    if (st != EDDY_OK)
        return st;
    ed_config_engine_options(config, dim, &engine);
    s.fingerprint = ed_shard_fingerprint(&engine, embedder, ed_config_keyphrases(config) != 0);
    eddy_embedder_free(embedder);
    st = eddy_clusterer_new(&engine, &s.cl, err);
    if (st == EDDY_OK)
        st = dir ? store_look(config, dir, &s, err)
                 : ed_look_topic(config, config->state.topic, shard, message_look, &s, err);
    if (st == EDDY_OK && !s.found)
        st = eddy_fail(err, EDDY_CONFIG, "pipeline %s has no state yet", config->pipeline);
    if (st == EDDY_OK)
        st = eddy_clusterer_loaded(s.cl, err);
    if (st != EDDY_OK) {
        eddy_clusterer_free(s.cl);
        return st;
    }
    *ret = s.cl;
    return EDDY_OK;
}
