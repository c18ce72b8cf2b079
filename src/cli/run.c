/* eddy run: the daemon. Topics (or files) in, topics (or files) out, until a signal.
 *
 * Standard error carries logfmt lines: one at the start, one every ten seconds that accounts for
 * what came in, one at the end. */
#include "base/error.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/notify.h"
#include "cli/stream.h"
#include "cli/usage.h"
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>

#define STATUS_MS 10000
#define NOTIFY_MS 1000 /* systemd is told of what has changed, and that we live */
#define STOP_USEC "30000000"
#define MINUTE_MS 60000

struct run {
    struct ed_config config;
    struct ed_stream stream;
    int64_t last_ms;         /* of the last status line ... */
    uint64_t last_committed; /* ... and what was answered by then */
    int was_ready;           /* systemd has been told */
    char told[160];          /* what it was told last */
    int64_t fed_ms;          /* its watchdog, on the clock of ed_monotonic_ms */
};

static void status(void *p)
{
    struct run *r = p;
    struct ed_counts c;
    struct ed_progress at;
    struct ed_journal_stats j;
    eddy_embed_stats cache = {0};
    ed_stream_look(&r->stream, &c, &at, &j);
    if (r->stream.embedder)
        eddy_embedder_stats(r->stream.embedder, &cache);
    int64_t now = ed_view_now();
    double seconds = (double)(now - r->last_ms) / 1000;
    uint64_t since = c.committed > r->last_committed ? c.committed - r->last_committed : 0;
    r->last_ms = now;
    r->last_committed = c.committed;
    char behind[24] = "unknown";
    if (!at.behind_unknown)
        snprintf(behind, sizeof behind, "%" PRIu64, at.behind);
    ed_log(ED_LOG_INFO, "run",
           "in=%" PRIu64 " assigned=%" PRIu64 " founded=%" PRIu64 " filtered=%" PRIu64
           " duplicates=%" PRIu64 " dead=%" PRIu64 " committed=%" PRIu64 " events=%" PRIu64
           " behind=%s missing=%" PRIu64 " late=%" PRIu64 " operations=%" PRIu64 " refused=%" PRIu64
           " passes=%" PRIu64 " passes_failed=%" PRIu64 " phrased=%" PRIu64 " unphrased=%" PRIu64
           " cache_hits=%" PRIu64 " cache_misses=%" PRIu64 " cache_evictions=%" PRIu64
           " per_second=%.1f epochs=%" PRIu64 " aborted=%" PRIu64 " fences=%" PRIu64
           " state_bytes=%" PRIu64 " open_ms_max=%" PRId64,
           c.in, c.assigned, c.founded, c.filtered, c.duplicates, c.dead, c.committed,
           c.events_active, behind, at.missing, at.late, c.operations, c.refused, c.reason.passes,
           c.reason.passes_failed, c.phrased, c.unphrased, cache.hits, cache.misses,
           cache.evictions, seconds > 0 ? (double)since / seconds : 0, j.epochs, j.aborted,
           j.fences, j.record_bytes, j.open_ms_max);
}

/* A commit may take output.deliver_within, and is tried again: a watchdog that would bite before
 * asks for more time. */
static void feed_first(const struct run *r)
{
    int64_t given_ms = ed_notify_watchdog(),
            wanted_ms = 2 * r->config.output.deliver_ms + MINUTE_MS;
    char line[60];
    snprintf(line, sizeof line, "WATCHDOG_USEC=%" PRId64, wanted_ms * 1000);
    if (given_ms && given_ms < wanted_ms)
        ed_notify(line);
}

/* Whoever takes documents, assigns or commits, and does not come back, is to be noticed: so the
 * watchdog is fed only when every loop has turned since it last was. A state that is being loaded
 * has no loop, and who waits for an endpoint turns none. A stop may take its time as long as the
 * loops turn. */
static void feed(struct run *r, int64_t turned_ms)
{
    int64_t now_ms = ed_monotonic_ms();
    if (turned_ms && turned_ms <= r->fed_ms)
        return;
    if (ed_notify_watchdog())
        ed_notify("WATCHDOG=1");
    if (ed_stream_signal() && turned_ms)
        ed_notify("EXTEND_TIMEOUT_USEC=" STOP_USEC);
    r->fed_ms = now_ms;
}

/* Ready is who has shards with their state, and who stands by for others; one that loads is not. */
static void notify(void *p)
{
    struct run *r = p;
    struct ed_duties d;
    char behind[40] = "", line[160];
    ed_stream_duties(&r->stream, &d);
    if (d.owned && !d.behind_unknown)
        snprintf(behind, sizeof behind, ", %" PRIu64 " messages behind", d.behind);
    int ready = d.owned ? d.running == d.owned : d.followed > 0;
    if (ready && !r->was_ready)
        r->was_ready = ed_notify("READY=1");
    if (!r->fed_ms)
        feed_first(r);
    if (ed_stream_signal())
        snprintf(line, sizeof line, "STOPPING=1\nSTATUS=stopping: what is under way is committed");
    else
        snprintf(line, sizeof line, "STATUS=%s%zu of %zu shards run%s",
                 d.owned || !d.followed ? "" : "standby; ", d.running, d.owned, behind);
    if (strcmp(line, r->told) != 0 && ed_notify(line))
        memcpy(r->told, line, sizeof r->told);
    feed(r, d.turned_ms);
}

static eddy_status open_all(struct run *r, eddy_error *err)
{
    struct ed_config *config = &r->config;
    struct ed_pipeline_options watch = {.resumable =
                                            ed_config_to_kafka(config) || *config->state.dir};
    int topics = config->source.topics.n || config->stage == ED_STAGE_ENGINE;
    if (topics && !config->source.files.n && ed_config_to_kafka(config))
        return ed_stream_open_shards(&r->stream, config, err);
    if (config->state.shards > 1 || config->stage != ED_STAGE_ALL)
        return eddy_fail(err, EDDY_CONFIG,
                         "state.shards above 1 and stage need topics on both sides (source.topics, "
                         "no output.dir)");
    r->stream.options.patient = 1;
    ed_stream_listen(NULL);
    return ed_stream_open(&r->stream, config, &watch, err);
}

/* Twice as often as systemd recommends, so that a tick that comes late is not the end. */
static int notify_every(void)
{
    int64_t watchdog_ms = ed_notify_watchdog();
    if (!watchdog_ms || watchdog_ms / 4 > NOTIFY_MS)
        return NOTIFY_MS;
    return watchdog_ms < 40 ? 10 : (int)(watchdog_ms / 4);
}

static eddy_status run(struct run *r, eddy_error *err)
{
    r->stream.serves = 1;
    eddy_status st = open_all(r, err);
    if (st != EDDY_OK)
        return st;
    ed_log(ED_LOG_INFO, "run", "eddy %s, pipeline %s, embedding by %s", eddy_version(),
           r->config.pipeline, ed_stream_encoder(&r->stream, &r->config));
    if (!ed_config_to_kafka(&r->config) && ed_shard_was_ended(r->stream.shard)) {
        ed_log(ED_LOG_INFO, "run", "this run has come to its end before; nothing is left to do");
        return EDDY_OK;
    }
    r->last_ms = ed_view_now();
    struct ed_ticker *ticker = NULL, *notifier = NULL;
    st = ed_ticker_start(STATUS_MS, status, r, &ticker, err);
    if (st == EDDY_OK)
        st = ed_ticker_start(notify_every(), notify, r, &notifier, err);
    if (st == EDDY_OK)
        st = ed_stream_run(&r->stream, err);
    ed_ticker_stop(notifier);
    ed_ticker_stop(ticker);
    ed_notify("STOPPING=1");
    return st;
}

/* The last line; what it counts is gone with the stream. */
static void account(struct run *r)
{
    char line[300], dead[300], again[60] = "";
    struct ed_counts counts;
    ed_stream_look(&r->stream, &counts, NULL, NULL);
    ed_stream_account(&r->stream, line, sizeof line);
    ed_stream_dead(&counts, dead, sizeof dead);
    if (counts.duplicates)
        snprintf(again, sizeof again, "; filtered as duplicates %" PRIu64, counts.duplicates);
    ed_log(ED_LOG_INFO, "run", "end%s: %s; committed %" PRIu64 "%s%s%s",
           ed_stream_signal() ? " by signal" : "", line, counts.committed, again,
           *dead ? "; dead: " : "", *dead ? dead + 2 : "");
}

int ed_cmd_run(int argc, char **argv)
{
    static struct run r;
    const struct ed_command command = {
        .name = "run",
        .synopsis = "eddy run [OPTIONS]",
        .about =
            "Read documents from Kafka topics, find events, write assignments, events, changes\n"
            "and dead letters to topics; go on until SIGINT or SIGTERM. What is under way is\n"
            "then committed, the rest read again next time; a second signal ends at once. Files\n"
            "can stand for topics on either side (source.files, output.dir). Meanwhile metrics,\n"
            "health and an API are at http://127.0.0.1:7411 (serve.port, serve.address).",
        .examples = "  eddy run -b localhost:9092 -t news\n"
                    "  eddy run -c /etc/eddy/eddy.yaml --set engine.fade=12h\n"
                    "  eddy run -b localhost:9092 -t news --set source.exit_at_end=true\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA | ED_TAKES_OUTPUT,
    };
    int code = ed_config_start(argc, argv, &command, &r.config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    eddy_status st = run(&r, &err);
    account(&r);
    eddy_status closed = ed_stream_close(&r.stream, &err);
    st = st == EDDY_OK ? closed : st;
    ed_config_clear(&r.config);
    if (st != EDDY_OK)
        return ed_exit_with(&err);
    return ed_stream_signal() ? 128 + ed_stream_signal() : ED_EXIT_OK;
}
