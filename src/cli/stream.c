/* stream: open, run, account, close. */
#include "cli/stream.h"

#include "base/error.h"
#include "cli/site.h"
#include "cli/usage.h"
#include "cli/view.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A signal handler can only reach what is static. */
static _Atomic(struct ed_source *) opened;
static _Atomic(struct ed_shard *) one;
static _Atomic(struct ed_shards *) many;
static atomic_int signalled;

/* Before there is anything to stop, the number is enough: ed_stream_run looks at it. */
static void on_signal(int number)
{
    if (atomic_exchange(&signalled, number))
        _exit(128 + number);
    struct ed_shard *shard = atomic_load(&one);
    struct ed_shards *shards = atomic_load(&many);
    struct ed_source *source = atomic_load(&opened);
    if (shard)
        ed_shard_stop(shard);
    if (shards)
        ed_shards_stop(shards);
    if (source)
        ed_source_stop(source);
}

void ed_stream_listen(struct ed_source *source)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&act.sa_mask);
    atomic_store(&opened, source);
    signal(SIGPIPE, SIG_IGN); /* a reader that went is told by write */
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    if (source && atomic_load(&signalled))
        ed_source_stop(source);
}

int ed_stream_signal(void)
{
    return atomic_load(&signalled);
}

static int is_signalled(void *user)
{
    (void)user;
    return atomic_load(&signalled) != 0;
}

eddy_status ed_stream_embedder(const struct ed_config *config, eddy_embedder **ret, size_t *ret_dim,
                               struct ed_embeddings **endpoint, eddy_error *err)
{
    eddy_error why = {0};
    char real[PATH_MAX], prefix[PATH_MAX + 16];
    eddy_status st = ed_config_embedder(config, is_signalled, ret, ret_dim, endpoint, &why);
    int by_auto = config->embed.model == ED_MODEL_AUTO;
    if (st == EDDY_OK || config->embed.model == ED_MODEL_ENDPOINT ||
        (st != EDDY_FORMAT && !(by_auto && st == EDDY_UNAVAILABLE))) {
        if (st != EDDY_OK)
            eddy_fail(err, st, "%s", why.text);
        return st;
    }
    int n = snprintf(prefix, sizeof prefix, "model %s: ", config->embed.dir);
    const char *text = strncmp(why.text, prefix, (size_t)n) ? why.text : why.text + n;
    const char *dir = realpath(config->embed.dir, real) ? real : config->embed.dir;
    return eddy_fail(err, st == EDDY_FORMAT ? EDDY_CONFIG : st, "model %s: %.200s%s", dir, text,
                     by_auto ? "; without an encoder: --set embed.model=hash" : "");
}

/* ---- opening ---- */

static eddy_status open_journal(void *user, const char *topic, int32_t shard,
                                struct ed_journal **ret, eddy_error *err)
{
    struct ed_stream *stream = user;
    struct ed_config *config = stream->config;
    struct ed_config_journal made;
    if (stream->open_journal)
        return stream->open_journal(stream->user, shard, ret, err);
    if (!ed_config_to_kafka(config))
        return ed_config_journal_files(config, *config->state.dir ? config->state.dir : NULL, ret,
                                       err);
    eddy_status st = ed_config_journal_kafka(config, topic, shard, stream->group, &made, err);
    made.kafka.prepared = stream->group != NULL;
    return st == EDDY_OK ? ed_journal_kafka_open(&made.kafka, ret, err) : st;
}

static eddy_status parser_make(struct ed_stream *stream, eddy_error *err)
{
    eddy_parse_options parse;
    ed_config_parse_options(stream->config, &parse);
    return stream->parser ? EDDY_OK : eddy_parser_new(&parse, &stream->parser, err);
}

static eddy_status open_source(void *user, const char *topic, int32_t shard,
                               const struct ed_head *head, struct ed_pipeline_options *options,
                               eddy_error *err)
{
    struct ed_stream *stream = user;
    eddy_status st =
        stream->open_source
            ? stream->open_source(stream->user, shard, head, &options->source, err)
            : ed_config_source_open(stream->config, topic, shard, head, &options->source, err);
    if (st == EDDY_OK && !stream->open_source)
        st = ed_config_control_open(stream->config, shard, head, &options->control, err);
    if (st == EDDY_OK)
        st = parser_make(stream, err); /* now that somebody may have looked at the input */
    options->parser = stream->parser;
    options->is_log = stream->config->document.format == EDDY_FORMAT_LOGS;
    return st;
}

static void on_visible(void *board, uint32_t shard, const struct ed_epoch *epoch)
{
    ed_board_put(board, shard, epoch);
}

static void on_gone(void *board, uint32_t shard)
{
    ed_board_forget(board, shard);
}

/* What all shards share. */
static eddy_status prepare(struct ed_stream *stream, struct ed_config *config,
                           const struct ed_pipeline_options *watch, eddy_error *err)
{
    struct ed_shard_options *o = &stream->options;
    size_t dim = 0;
    stream->config = config;
    eddy_status st = ed_site_open(config, stream->serves, &stream->site, err);
    if (st == EDDY_OK)
        st = ed_stream_embedder(config, &stream->embedder, &dim, &stream->endpoint, err);
    if (st != EDDY_OK)
        return st;
    ed_config_engine_options(config, dim, &stream->engine);
    ed_config_pipeline_options(config, &o->pipeline);
    o->engine = config->stage == ED_STAGE_EMBED ? NULL : &stream->engine;
    o->fingerprint =
        ed_shard_fingerprint(&stream->engine, stream->embedder, ed_config_keyphrases(config) != 0);
    o->pipeline.vector_dim = dim;
    o->pipeline.embedder = stream->embedder;
    o->pipeline.watcher = watch->watcher;
    o->pipeline.on_assigned = watch->on_assigned;
    o->pipeline.on_change = watch->on_change;
    o->pipeline.on_event = watch->on_event;
    o->pipeline.on_template = watch->on_template;
    o->pipeline.on_dead = watch->on_dead;
    o->pipeline.on_embedded = watch->on_embedded;
    if (stream->site) {
        o->pipeline.board = ed_site_board(stream->site);
        o->pipeline.on_visible = on_visible;
        o->pipeline.on_gone = on_gone;
    }
    o->pipeline.resumable = watch->resumable;
    o->pipeline.goes_on = watch->goes_on;
    o->pipeline.orders = watch->orders;
    o->pipeline.n_orders = watch->n_orders;
    o->pipeline.reason = stream->unreasoned ? NULL : &stream->reason;
    o->user = stream;
    o->open_journal = open_journal;
    o->open_source = open_source;
    st = eddy_budget_new(&stream->budget, err);
    if (st == EDDY_OK)
        st = ed_config_reason_options(config, &stream->reason, err);
    stream->reason.reason.budget = stream->budget;
    return st;
}

eddy_status ed_stream_open(struct ed_stream *stream, struct ed_config *config,
                           const struct ed_pipeline_options *watch, eddy_error *err)
{
    eddy_status st = prepare(stream, config, watch, err);
    if (st == EDDY_OK)
        st = ed_shard_new(&stream->options, &stream->shard, err);
    if (st != EDDY_OK)
        return st;
    atomic_store(&one, stream->shard);
    ed_site_look(stream->site, stream);
    if (atomic_load(&signalled))
        ed_shard_stop(stream->shard);
    return ed_shard_restore(stream->shard, err);
}

static void joined(void *user, struct ed_group *group)
{
    ((struct ed_stream *)user)->group = group;
}

/* The topics first: a group cannot divide one that is not there. */
static eddy_status topics_make(struct ed_stream *stream, eddy_error *err)
{
    struct ed_config_journal made;
    eddy_status st = ed_config_journal_kafka(stream->config, NULL, 0, NULL, &made, err);
    return st == EDDY_OK ? ed_journal_kafka_prepare(&made.kafka, err) : st;
}

eddy_status ed_stream_open_shards(struct ed_stream *stream, struct ed_config *config,
                                  eddy_error *err)
{
    static const struct ed_pipeline_options nobody_watches = {.resumable = 1};
    int embeds = config->stage == ED_STAGE_EMBED;
    char group[600];
    struct ed_shards_options o = {.n_shards = embeds ? 0 : (int32_t)config->state.shards,
                                  .standby = config->state.standby && !embeds,
                                  .ends = config->source.exit_at_end,
                                  .joined = joined,
                                  .group = {.group = config->source.group,
                                            .topics = &config->state.topic,
                                            .n_topics = 1,
                                            .insecure = config->insecure}};
    if (embeds) { /* a group of their own: its offsets are of the input */
        snprintf(group, sizeof group, "%s-embed", config->source.group);
        o.group.group = group;
        o.group.topics = config->source.topics.at;
        o.group.n_topics = config->source.topics.n;
    }
    if (*config->source.instance)
        o.group.instance = config->source.instance;
    stream->options.patient = 1;
    ed_stream_listen(NULL);
    eddy_status st = prepare(stream, config, &nobody_watches, err);
    if (st == EDDY_OK)
        st = parser_make(stream, err);
    if (st == EDDY_OK)
        st = topics_make(stream, err);
    if (st == EDDY_OK)
        st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &o.group.options,
                                     &o.group.n_options, err);
    o.shard = stream->options;
    if (st == EDDY_OK)
        st = ed_shards_new(&o, &stream->shards, err);
    if (st != EDDY_OK)
        return st;
    atomic_store(&many, stream->shards);
    ed_site_look(stream->site, stream);
    return EDDY_OK;
}

/* ---- running ---- */

eddy_status ed_stream_run(struct ed_stream *stream, eddy_error *err)
{
    stream->started_ms = ed_view_now();
    if (atomic_load(&signalled))
        ed_stream_stop(stream);
    eddy_status st =
        stream->shards ? ed_shards_run(stream->shards, err) : ed_shard_run(stream->shard, err);
    stream->took_ms = ed_view_now() - stream->started_ms;
    return st;
}

void ed_stream_stop(struct ed_stream *stream)
{
    if (stream->shards)
        ed_shards_stop(stream->shards);
    if (stream->shard)
        ed_shard_stop(stream->shard);
}

eddy_status ed_stream_close(struct ed_stream *stream, eddy_error *err)
{
    atomic_store(&opened, NULL);
    atomic_store(&one, NULL);
    atomic_store(&many, NULL);
    ed_site_close(stream->site);
    eddy_status st = ed_shard_free(stream->shard, err);
    ed_shards_free(stream->shards);
    eddy_budget_free(stream->budget);
    eddy_embedder_free(stream->embedder);
    eddy_parser_free(stream->parser);
    ed_site_free(stream->site);
    memset(stream, 0, sizeof *stream);
    return st;
}

void ed_duties_add(struct ed_duties *duties, const struct ed_shard_look *at)
{
    duties->owned += at->owned != 0;
    duties->running += at->owned && at->runs;
    duties->followed += !at->owned;
    duties->behind += at->owned ? at->progress.behind : 0;
    duties->behind_unknown |= at->owned && at->progress.behind_unknown;
    int64_t turned = at->meters.turned_ms;
    if (turned && (!duties->turned_ms || turned < duties->turned_ms))
        duties->turned_ms = turned;
}

static void duties_each(void *p, struct ed_shard *shard, const struct ed_shard_look *at)
{
    (void)shard;
    ed_duties_add(p, at);
}

void ed_stream_duties(const struct ed_stream *stream, struct ed_duties *ret)
{
    *ret = (struct ed_duties){0};
    if (stream->shards) {
        ed_shards_each(stream->shards, duties_each, ret);
    } else if (stream->shard) {
        struct ed_shard_look at;
        ed_shard_look(stream->shard, &at);
        ed_duties_add(ret, &at);
    }
}

void ed_stream_look(const struct ed_stream *stream, struct ed_counts *counts,
                    struct ed_progress *progress, struct ed_journal_stats *journal)
{
    struct ed_progress at = {0};
    struct ed_journal_stats stats = {0};
    *counts = (struct ed_counts){0};
    if (stream->shards) {
        ed_shards_counts(stream->shards, counts, &at, &stats, NULL);
    } else if (stream->shard) {
        ed_shard_counts(stream->shard, counts);
        ed_shard_progress(stream->shard, &at);
        ed_shard_journal_stats(stream->shard, &stats);
    }
    if (progress)
        *progress = at;
    if (journal)
        *journal = stats;
}

/* ---- words ---- */

void ed_stream_bar(const struct ed_stream *stream, struct ed_view *view, const char *tail)
{
    struct ed_counts c;
    struct ed_progress at;
    char gauge[128] = "", docs[ED_TEXT], rate[ED_TEXT], bytes[ED_TEXT], total[ED_TEXT],
         eta[ED_TEXT] = "";
    ed_stream_look(stream, &c, &at, NULL);
    uint64_t done = c.assigned + c.founded + c.filtered + c.dead;
    double seconds = (double)(ed_view_now() - stream->started_ms + 1) / 1000;
    /* What is read runs ahead of what is answered: count bytes by answers. */
    double read = c.in ? (double)done / (double)c.in * (double)at.bytes : 0;
    double share = at.bytes_total ? read / (double)at.bytes_total : 0;
    ed_text_number(done, docs);
    ed_text_number((uint64_t)((double)done / seconds), rate);
    ed_text_bytes((uint64_t)read, bytes);
    if (!at.bytes_total) {
        ed_view_bar(view, "  %s documents  %s/s  %s%s", docs, rate, bytes, tail);
        return;
    }
    if (share > 0.01 && share < 1 && seconds > 1)
        ed_text_took((int64_t)(seconds * (1 - share) / share * 1000), eta);
    size_t columns = ed_view_columns(view);
    if (columns > 90)
        ed_text_gauge(share, columns > 130 ? 32 : 16, gauge, sizeof gauge);
    ed_view_bar(view, "%s%s%s %3.0f %%  %s documents  %s/s  %s of %s%s%s%s", ed_ink(view, ED_CYAN),
                gauge, ed_ink(view, ED_PLAIN), share * 100, docs, rate, bytes,
                ed_text_bytes(at.bytes_total, total), tail, *eta ? "  ETA " : "", eta);
}

const char *ed_stream_encoder(const struct ed_stream *stream, const struct ed_config *config)
{
    if (stream->embedder)
        return eddy_embedder_name(stream->embedder);
    return config->embed.model == ED_MODEL_MESSAGE ? "vectors of the messages" : "words only";
}

void ed_stream_say_encoder(const struct ed_stream *stream, const struct ed_config *config,
                           struct ed_view *view)
{
    char dir[1024];
    ed_view_line(view, "embedding by %s", ed_stream_encoder(stream, config));
    if (config->embed.model != ED_MODEL_AUTO ||
        strncmp(eddy_embedder_name(stream->embedder), "hash", 4))
        return;
    ed_view_line(view, "  no sentence encoder in %s;",
                 ed_shown(config->embed.dir, dir, sizeof dir));
    ed_view_line(view, "  events get better with one: tools/fetch-model, or set embed.dir");
}

void ed_stream_say_keyphrases(const struct ed_counts *counts, struct ed_view *view)
{
    char with[ED_TEXT], without[ED_TEXT];
    ed_view_line(view, "keyphrases: %s documents with, %s without",
                 ed_text_number(counts->phrased, with), ed_text_number(counts->unphrased, without));
}

void ed_stream_say_cache(const struct ed_stream *stream, struct ed_view *view)
{
    eddy_embed_stats s = {0};
    char hits[ED_TEXT], all[ED_TEXT];
    if (stream->embedder)
        eddy_embedder_stats(stream->embedder, &s);
    if (s.hits)
        ed_view_line(view, "cache: %s of %s texts (%.0f %%) had been embedded before",
                     ed_text_number(s.hits, hits), ed_text_number(s.hits + s.misses, all),
                     100 * (double)s.hits / (double)(s.hits + s.misses));
}

void ed_stream_account(const struct ed_stream *stream, char *ret, size_t n)
{
    struct ed_counts c;
    char in[ED_TEXT], assigned[ED_TEXT], founded[ED_TEXT], filtered[ED_TEXT], dead[ED_TEXT],
        events[ED_TEXT];
    ed_stream_look(stream, &c, NULL, NULL);
    snprintf(ret, n, "in %s = assigned %s + founded %s + filtered %s + dead %s; %s events",
             ed_text_number(c.in, in), ed_text_number(c.assigned, assigned),
             ed_text_number(c.founded, founded), ed_text_number(c.filtered, filtered),
             ed_text_number(c.dead, dead), ed_text_number(c.events_told, events));
}

void ed_stream_dead(const struct ed_counts *counts, char *ret, size_t n)
{
    size_t len = 0;
    *ret = 0;
    for (int i = 1; i < EDDY_REJECTS && len < n; i++) {
        char number[ED_TEXT];
        if (counts->dead_by[i])
            len += (size_t)snprintf(ret + len, n - len, ", %s %s", eddy_reject_code((eddy_reject)i),
                                    ed_text_number(counts->dead_by[i], number));
    }
}
