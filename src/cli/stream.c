/* stream: open, run, account, close. */
#include "cli/stream.h"

#include "base/error.h"
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
static _Atomic(struct ed_pipeline *) running;
static atomic_int signalled;

/* Before there is anything to stop, the number is enough: ed_stream_run looks at it. */
static void on_signal(int number)
{
    if (atomic_exchange(&signalled, number))
        _exit(128 + number);
    struct ed_pipeline *pl = atomic_load(&running);
    struct ed_source *source = atomic_load(&opened);
    if (pl)
        ed_pipeline_stop(pl);
    else if (source)
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

eddy_status ed_stream_embedder(const struct ed_config *config, eddy_embedder **ret, size_t *ret_dim,
                               eddy_error *err)
{
    eddy_error why = {0};
    char real[PATH_MAX], prefix[PATH_MAX + 16];
    eddy_status st = ed_config_embedder(config, ret, ret_dim, &why);
    int by_auto = config->embed.model == ED_MODEL_AUTO;
    if (st == EDDY_OK || (st != EDDY_FORMAT && !(by_auto && st == EDDY_UNAVAILABLE))) {
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

eddy_status ed_stream_open(struct ed_stream *stream, const struct ed_config *config,
                           eddy_error *err)
{
    eddy_parse_options parse;
    eddy_engine_options engine;
    size_t dim = 0;
    ed_stream_listen(stream->source);
    ed_config_parse_options(config, &parse);
    eddy_status st = eddy_parser_new(&parse, &stream->parser, err);
    if (st == EDDY_OK)
        st = ed_stream_embedder(config, &stream->embedder, &dim, err);
    if (st != EDDY_OK)
        return st;
    ed_config_engine_options(config, dim, &engine);
    return eddy_clusterer_new(&engine, &stream->clusterer, err);
}

eddy_status ed_stream_connect(struct ed_stream *stream, const struct ed_config *config,
                              const struct ed_pipeline_options *watch, eddy_error *err)
{
    struct ed_pipeline_options options;
    ed_config_pipeline_options(config, &options);
    options.source = stream->source;
    options.journal = stream->journal;
    options.parser = stream->parser;
    options.embedder = stream->embedder;
    options.clusterer = stream->clusterer;
    options.watcher = watch->watcher;
    options.on_assigned = watch->on_assigned;
    options.on_change = watch->on_change;
    options.on_event = watch->on_event;
    options.on_dead = watch->on_dead;
    return ed_pipeline_new(&options, &stream->pipeline, err);
}

eddy_status ed_stream_run(struct ed_stream *stream, eddy_error *err)
{
    stream->started_ms = ed_view_now();
    atomic_store(&running, stream->pipeline);
    if (atomic_load(&signalled))
        ed_pipeline_stop(stream->pipeline);
    eddy_status st = ed_pipeline_run(stream->pipeline, err);
    atomic_store(&running, NULL);
    stream->took_ms = ed_view_now() - stream->started_ms;
    return st;
}

eddy_status ed_stream_close(struct ed_stream *stream, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    atomic_store(&opened, NULL);
    ed_pipeline_free(stream->pipeline);
    if (stream->journal)
        st = ed_journal_close(stream->journal, err);
    if (stream->source)
        ed_source_free(stream->source);
    eddy_clusterer_free(stream->clusterer);
    eddy_embedder_free(stream->embedder);
    eddy_parser_free(stream->parser);
    memset(stream, 0, sizeof *stream);
    return st;
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

void ed_stream_account(const struct ed_stream *stream, char *ret, size_t n)
{
    struct ed_counts c;
    char in[ED_TEXT], assigned[ED_TEXT], founded[ED_TEXT], filtered[ED_TEXT], dead[ED_TEXT],
        events[ED_TEXT];
    eddy_engine_stats stats;
    ed_pipeline_counts(stream->pipeline, &c);
    eddy_clusterer_stats(stream->clusterer, &stats);
    snprintf(ret, n, "in %s = assigned %s + founded %s + filtered %s + dead %s; %s events",
             ed_text_number(c.in, in), ed_text_number(c.assigned, assigned),
             ed_text_number(c.founded, founded), ed_text_number(c.filtered, filtered),
             ed_text_number(c.dead, dead),
             ed_text_number(stats.events_active + stats.faded, events));
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
