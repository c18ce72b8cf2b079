/* stream: open, run, account, close. */
#include "cli/stream.h"

#include "base/error.h"
#include "cli/usage.h"
#include "cli/view.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* A signal handler can only reach what is static. */
static _Atomic(struct ed_pipeline *) running;
static atomic_int signalled;

static void on_signal(int number)
{
    struct ed_pipeline *pl = atomic_load(&running);
    if (atomic_exchange(&signalled, number) || !pl)
        _exit(128 + number);
    ed_pipeline_stop(pl);
}

int ed_stream_signal(void)
{
    return atomic_load(&signalled);
}

eddy_status ed_stream_open(struct ed_stream *stream, const struct ed_config *config,
                           eddy_error *err)
{
    eddy_parse_options parse;
    eddy_engine_options engine;
    size_t dim = 0;
    ed_config_parse_options(config, &parse);
    eddy_status st = eddy_parser_new(&parse, &stream->parser, err);
    if (st == EDDY_OK)
        st = ed_config_embedder(config, &stream->embedder, &dim, err);
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
    return ed_pipeline_new(&options, &stream->pipeline, err);
}

eddy_status ed_stream_run(struct ed_stream *stream, eddy_error *err)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old_int, old_term;
    sigemptyset(&act.sa_mask);
    stream->started_ms = ed_view_now();
    atomic_store(&signalled, 0);
    atomic_store(&running, stream->pipeline);
    signal(SIGPIPE, SIG_IGN); /* a reader that went is told by write */
    sigaction(SIGINT, &act, &old_int);
    sigaction(SIGTERM, &act, &old_term);
    eddy_status st = ed_pipeline_run(stream->pipeline, err);
    sigaction(SIGTERM, &old_term, NULL);
    sigaction(SIGINT, &old_int, NULL);
    atomic_store(&running, NULL);
    stream->took_ms = ed_view_now() - stream->started_ms;
    return st;
}

eddy_status ed_stream_close(struct ed_stream *stream, eddy_error *err)
{
    eddy_status st = EDDY_OK;
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
