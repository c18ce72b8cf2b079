/* eddy replay: a stretch of the past, through a state of its own into topics of its own.
 *
 * The pipeline gets another name, so that its topics, its state and its group are others than those
 * of the live one, which is neither touched nor asked. Partitions are merged by time, and waited
 * for as long as it takes: the order of documents is then the same each time, and so are the
 * events. */
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/orders.h"
#include "cli/past.h"
#include "cli/stream.h"
#include "cli/usage.h"
#include "cli/view.h"
#include "parse/time.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS_MAX 1024

extern char **environ;

struct replay {
    struct ed_config config;
    struct ed_stream stream;
    struct ed_view view;
    struct ed_place_from from, until;
    struct ed_past past;
    const char *operations; /* topic of the live pipeline's operations; NULL: none are reused */
    struct ed_orders orders;
    int32_t partitions[PARTITIONS_MAX];
    size_t n_partitions;
};

/* ---- places and partitions, as people say them ---- */

static int64_t unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"s", 1000},    {"m", 60000},    {"min", 60000},
                 {"h", 3600000}, {"d", 86400000}, {"w", INT64_C(7) * 86400000},
                 {"ms", 1}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(units[i].name, unit))
            return units[i].ms;
    return 0;
}

/* "beginning", "end", "-3d" (back from now), "@1200" (an offset), or a time as RFC 3339. */
static eddy_status place_read(const char *flag, const char *text, struct ed_place_from *ret,
                              eddy_error *err)
{
    char *end = NULL, shown[100];
    int64_t ms;
    ret->at = 0;
    if (!strcmp(text, "beginning") || !strcmp(text, "all")) {
        ret->kind = ED_FROM_BEGINNING;
        return EDDY_OK;
    }
    if (!strcmp(text, "end") || !strcmp(text, "now")) {
        ret->kind = ED_FROM_END;
        return EDDY_OK;
    }
    if (*text == '@') {
        ret->kind = ED_FROM_OFFSET;
        ret->at = strtoll(text + 1, &end, 10);
        if (text[1] && !*end && ret->at >= 0)
            return EDDY_OK;
    }
    ret->kind = ED_FROM_TIME;
    if (*text == '-') {
        double back = strtod(text + 1, &end);
        ms = unit_ms(end);
        ret->at = ed_wall_ms() - (int64_t)(back * (double)ms);
        if (end != text + 1 && ms && back >= 0)
            return EDDY_OK;
    }
    if (strlen(text) > 4 && ed_time_from_text(text, strlen(text), EDDY_UNIT_MS, &ret->at))
        return EDDY_OK;
    return eddy_fail(err, EDDY_INVALID,
                     "--%s %s: is no place; try beginning, end, -3d, 2031-05-14T08:00:00Z or @1200",
                     flag, ed_shown(text, shown, sizeof shown));
}

/* "0,3,5-8" */
static eddy_status partitions_read(struct replay *r, const char *text, eddy_error *err)
{
    for (const char *at = text; *at;) {
        char *end;
        long first = strtol(at, &end, 10), last = first;
        if (end == at)
            first = -1;
        else if (*end == '-')
            last = strtol(end + 1, &end, 10);
        if (first < 0 || last < first || last > INT32_MAX || (*end && *end != ','))
            return eddy_fail(err, EDDY_INVALID, "--partitions %s: try 0,3,5-8", text);
        for (long p = first; p <= last; p++) {
            if (r->n_partitions == PARTITIONS_MAX)
                return eddy_fail(err, EDDY_INVALID, "--partitions: more than %d", PARTITIONS_MAX);
            r->partitions[r->n_partitions++] = (int32_t)p;
        }
        at = *end ? end + 1 : end;
    }
    return EDDY_OK;
}

/* ---- opening ---- */

/* Without a group: nothing is told to anybody's offsets. */
static eddy_status open_journal(void *user, int32_t shard, struct ed_journal **ret, eddy_error *err)
{
    struct replay *r = user;
    struct ed_config_journal made;
    if (!ed_config_to_kafka(&r->config))
        return ed_config_journal_files(&r->config,
                                       *r->config.state.dir ? r->config.state.dir : NULL, ret, err);
    eddy_status st = ed_config_journal_kafka(&r->config, NULL, shard, NULL, &made, err);
    return st == EDDY_OK ? ed_journal_kafka_open(&made.kafka, ret, err) : st;
}

static eddy_status open_source(void *user, int32_t shard, const struct ed_head *head,
                               struct ed_source **ret, eddy_error *err)
{
    struct replay *r = user;
    struct ed_config *config = &r->config;
    struct ed_source_kafka options = {
        .topics = config->source.topics.at,
        .n_topics = config->source.topics.n,
        .shard = shard,
        .n_shards = 1,
        .partitions = r->partitions,
        .n_partitions = r->n_partitions,
        .starts = head->offsets,
        .n_starts = head->n_offsets,
        .from = r->from,
        .until = r->until,
        .wait_ms = -1,
        .insecure = config->insecure,
    };
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options.options,
                                             &options.n_options, err);
    return st == EDDY_OK ? ed_source_kafka_open(&options, ret, err) : st;
}

/* ---- what was decided on the live pipeline ---- */

enum verdicts { REUSE, ASK, OFF };
static const char *const verdict_words[] = {[REUSE] = "reuse", [ASK] = "ask", [OFF] = "off"};

static eddy_status verdicts_read(const char *text, int whole, enum verdicts *ret, eddy_error *err)
{
    *ret = whole ? REUSE : OFF;
    for (int v = 0; text && v <= OFF; v++)
        if (!strcmp(verdict_words[v], text)) {
            *ret = (enum verdicts)v;
            text = NULL;
        }
    if (text)
        return eddy_fail(err, EDDY_INVALID, "--verdicts: is reuse, ask or off");
    return *ret != REUSE || whole
               ? EDDY_OK
               : eddy_fail(err, EDDY_INVALID,
                           "--verdicts reuse: operations have their places counted from where the "
                           "live pipeline began; without --from and --partitions");
}

/* All that is in the log now. A pipeline that never had one had nothing decided. */
static eddy_status operations_read(struct replay *r, eddy_error *err)
{
    struct ed_config *config = &r->config;
    struct ed_source *source = NULL;
    eddy_error why = {0};
    char number[ED_TEXT];
    struct ed_source_kafka options = {.topics = &r->operations,
                                      .n_topics = 1,
                                      .n_shards = 1,
                                      .until = {.kind = ED_FROM_END},
                                      .wait_ms = -1,
                                      .insecure = config->insecure};
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options.options,
                                             &options.n_options, err);
    if (st == EDDY_OK && ed_source_kafka_open(&options, &source, &why) != EDDY_OK) {
        ed_view_line(&r->view, "no operations are taken up: %s", why.text);
        return EDDY_OK;
    }
    if (st == EDDY_OK)
        st = ed_orders_read(&r->orders, source, err);
    ed_source_free(source);
    if (st == EDDY_OK)
        ed_view_line(&r->view, "%s operations of topic %s are taken up at their places",
                     ed_text_number(r->orders.n, number), r->operations);
    return st;
}

/* What would write where the live pipeline writes. */
static eddy_status names_check(struct replay *r, eddy_error *err)
{
    const struct ed_config *c = &r->config;
    const struct {
        const char *key, *value;
    } names[] = {{"output.assignments", c->output.topics[ED_ASSIGNMENTS]},
                 {"output.events", c->output.topics[ED_EVENTS]},
                 {"output.changes", c->output.topics[ED_CHANGES]},
                 {"output.dead", c->output.topics[ED_DEAD]},
                 {"output.operations", c->output.topics[ED_OPERATIONS]},
                 {"output.templates", c->output.topics[ED_TEMPLATES]},
                 {"output.alerts", c->output.topics[ED_ALERTS]},
                 {"control.topic", c->control.topic},
                 {"state.topic", c->state.topic}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *key = names[i].key, *value = names[i].value;
        const struct ed_origin *origin = ed_config_source_of(c, key);
        char place[200];
        if (origin->layer == ED_LAYER_DEFAULT || origin->layer >= ED_LAYER_SET || !*value ||
            strstr(value, c->pipeline))
            continue;
        ed_origin_text(origin, place, sizeof place);
        return eddy_fail(err, EDDY_CONFIG,
                         "%s is %s (%s): a replay must not write where the live pipeline does; say "
                         "--set %s=...",
                         key, value, place, key);
    }
    if (!c->source.topics.n)
        return eddy_fail(err, EDDY_CONFIG, "nothing to replay: set source.topics (-t)");
    if (c->state.shards > 1)
        return eddy_fail(err, EDDY_CONFIG,
                         "a replay is of one shard: --set state.shards=1, and --partitions for "
                         "those that belong to it");
    return EDDY_OK;
}

/* ---- progress ---- */

static void draw(void *p)
{
    struct replay *r = p;
    struct ed_counts c;
    struct ed_progress at;
    char gauge[128] = "", docs[ED_TEXT], rate[ED_TEXT], events[ED_TEXT], eta[ED_TEXT] = "",
         missing[ED_TEXT];
    ed_stream_look(&r->stream, &c, &at, NULL);
    double seconds = (double)(ed_view_now() - r->stream.started_ms + 1) / 1000;
    double share = at.messages_total ? (double)c.committed / (double)at.messages_total : 0;
    share = share > 1 ? 1 : share;
    if (share > 0.01 && share < 1 && seconds > 1)
        ed_text_took((int64_t)(seconds * (1 - share) / share * 1000), eta);
    size_t columns = ed_view_columns(&r->view);
    if (columns > 90)
        ed_text_gauge(share, columns > 130 ? 32 : 16, gauge, sizeof gauge);
    ed_view_bar(&r->view, "%s%s%s %3.0f %%  %s documents  %s/s  %s events%s%s%s%s%s",
                ed_ink(&r->view, ED_CYAN), gauge, ed_ink(&r->view, ED_PLAIN), share * 100,
                ed_text_number(c.committed, docs),
                ed_text_number((uint64_t)((double)c.committed / seconds), rate),
                ed_text_number(c.events_active, events), at.missing ? "  " : "",
                at.missing ? ed_text_number(at.missing, missing) : "",
                at.missing ? " gone from the topic" : "", *eta ? "  ETA " : "", eta);
}

static void account(struct replay *r)
{
    char line[300], dead[300], took[ED_TEXT], missing[ED_TEXT];
    struct ed_counts counts;
    struct ed_progress at;
    ed_stream_look(&r->stream, &counts, &at, NULL);
    ed_stream_account(&r->stream, line, sizeof line);
    ed_stream_dead(&counts, dead, sizeof dead);
    ed_view_line(&r->view, "%s%s%s; %s; %s", line, *dead ? "; dead: " : "", *dead ? dead + 2 : "",
                 ed_stream_encoder(&r->stream, &r->config), ed_text_took(r->stream.took_ms, took));
    if (counts.phrased + counts.unphrased)
        ed_stream_say_keyphrases(&counts, &r->view);
    if (counts.operations || counts.refused)
        ed_view_line(&r->view,
                     "operations: %" PRIu64 " applied, %" PRIu64 " found other events than then",
                     counts.operations, counts.refused);
    if (at.missing)
        ed_view_line(&r->view,
                     "gap: %s messages of the range are gone from the topic (retention); nothing "
                     "was made of them",
                     ed_text_number(at.missing, missing));
}

/* ---- the command ---- */

static eddy_status replay(struct replay *r, int then_run, eddy_error *err)
{
    eddy_status st = r->operations ? operations_read(r, err) : EDDY_OK;
    if (st != EDDY_OK)
        return st;
    const struct ed_pipeline_options watch = {.resumable = ed_config_to_kafka(&r->config) ||
                                                           *r->config.state.dir,
                                              .goes_on = then_run,
                                              .orders = r->orders.at,
                                              .n_orders = r->orders.n};
    ed_stream_listen(NULL);
    r->config.source.exit_at_end = 1; /* of logs no line goes on because time passes here */
    r->stream.user = r;
    r->stream.open_journal = open_journal;
    r->stream.open_source = open_source;
    st = ed_stream_open(&r->stream, &r->config, &watch, err);
    if (st != EDDY_OK)
        return st;
    ed_view_line(&r->view, "replaying into pipeline %s", r->config.pipeline);
    ed_stream_say_encoder(&r->stream, &r->config, &r->view);
    if (r->stream.unreasoned && ed_config_keyphrases(&r->config))
        ed_view_line(&r->view, "nobody is asked for keyphrases (--verdicts ask does): documents "
                               "that bring none go without");
    struct ed_ticker *ticker = NULL;
    st = ed_ticker_start(200, draw, r, &ticker, err);
    if (st == EDDY_OK)
        st = ed_stream_run(&r->stream, err);
    ed_ticker_stop(ticker);
    ed_view_bar(&r->view, "%s", "");
    account(r);
    return st;
}

/* The same state, group and all, without an end: nothing lies between, for both go by the head. */
static eddy_status go_live(struct replay *r, eddy_error *err)
{
    eddy_status st = ed_stream_close(&r->stream, err);
    r->config.source.exit_at_end = 0;
    r->stream.serves = 1;
    r->past.live = 1;
    r->stream.past = &r->past;
    if (st == EDDY_OK)
        st = ed_stream_open_shards(&r->stream, &r->config, err);
    if (st != EDDY_OK)
        return st;
    ed_log(ED_LOG_INFO, "replay", "the range is done: pipeline %s goes on live, until a signal",
           r->config.pipeline);
    return ed_stream_run(&r->stream, err);
}

static const char *own_operations(const struct replay *r)
{
    return r->config.output.topics[ED_OPERATIONS];
}

/* Where the pipeline that this command line speaks of, but for its new name, has its log. */
static const char *live_operations(int argc, char **argv, const struct ed_command *command,
                                   eddy_arena *arena)
{
    struct ed_config live;
    int done = 0;
    const char *topic = "";
    if (ed_config_from_args(argc, argv, environ, command, &live, &done, NULL) == EDDY_OK && !done)
        topic = live.output.topics[ED_OPERATIONS];
    eddy_str copy = ed_arena_str(arena, topic, strlen(topic));
    ed_config_clear(&live);
    return copy.at ? copy.at : "";
}

/* argv with "--set pipeline=NAME" behind it. */
static char **renamed(int argc, char **argv, const char *into, char *assignment, size_t n)
{
    static char set[] = "--set";
    char now[ED_TIME_TEXT];
    char **wide = ed_alloc_zero((size_t)argc + 3, sizeof *wide);
    if (!wide)
        return NULL;
    ed_time_text(ed_wall_ms(), now);
    if (into)
        snprintf(assignment, n, "pipeline=%s", into);
    else
        snprintf(assignment, n, "pipeline=replay-%.4s%.2s%.2s-%.2s%.2s%.2s", now, now + 5, now + 8,
                 now + 11, now + 14, now + 17);
    wide[0] = argv[0];
    wide[1] = set; /* in front: a "--" behind would make it a file; a later --set may still win */
    wide[2] = assignment;
    for (int i = 1; i < argc; i++)
        wide[i + 2] = argv[i];
    return wide;
}

static const char *into_of(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--into") && i + 1 < argc)
            return argv[i + 1];
        if (!strncmp(argv[i], "--into=", 7))
            return argv[i] + 7;
    }
    return NULL;
}

static eddy_status run(struct replay *r, const char *from, const char *until,
                       const char *partitions, const char *verdicts, int then_run, eddy_error *err)
{
    enum verdicts which = OFF;
    eddy_status st = place_read("from", from ? from : "beginning", &r->from, err);
    if (st == EDDY_OK)
        st = verdicts_read(verdicts, r->from.kind == ED_FROM_BEGINNING && !partitions, &which, err);
    r->past = (struct ed_past){.from = from ? from : "beginning",
                               .until = until ? until : "end",
                               .partitions = partitions,
                               .verdicts = verdict_words[which],
                               .then_run = then_run};
    r->stream.past = &r->past;
    r->stream.unreasoned = which != ASK && r->config.reason.kind == ED_REASON_LLM;
    if (which != REUSE || !*r->operations || !strcmp(r->operations, own_operations(r)))
        r->operations = NULL;
    if (st == EDDY_OK)
        st = place_read("to", until ? until : "end", &r->until, err);
    if (st == EDDY_OK && partitions)
        st = partitions_read(r, partitions, err);
    if (st == EDDY_OK && then_run && (until || partitions || !ed_config_to_kafka(&r->config)))
        st = eddy_fail(err, EDDY_INVALID,
                       "--then-run goes on behind the end, of all partitions, into topics: without "
                       "--to, --partitions and -o");
    if (st == EDDY_OK)
        st = names_check(r, err);
    if (st == EDDY_OK)
        st = replay(r, then_run, err);
    if (st == EDDY_OK && then_run && !ed_stream_signal())
        st = go_live(r, err);
    return st;
}

int ed_cmd_replay(int argc, char **argv)
{
    static struct replay r;
    static char assignment[300];
    const char *from = NULL, *until = NULL, *partitions = NULL, *into = NULL, *then_run = NULL,
               *verdicts = NULL;
    const struct ed_flag flags[] = {
        {"from", 0, "PLACE", "where to begin: beginning, -3d, a time as RFC 3339, @OFFSET", &from},
        {"to", 0, "PLACE", "where to end, likewise; without it where the topics end now", &until},
        {"partitions", 0, "LIST", "only these, such as 0,3,5-8", &partitions},
        {"into", 0, "NAME",
         "the pipeline that is made, or gone on with; without it replay-DATE-TIME", &into},
        {"verdicts", 0, "WHAT",
         "what people and language models decided on the live pipeline: reuse (apply it at the "
         "same "
         "places), ask (again), or off; reuse where all of it is replayed",
         &verdicts},
        {"then-run", 0, NULL, "at the end go on live, without gap or overlap", &then_run},
    };
    const struct ed_command command = {
        .name = "replay",
        .synopsis = "eddy replay [OPTIONS] -t TOPIC",
        .about =
            "Read a stretch of the past again, into a pipeline of its own: topics NAME.events,\n"
            "NAME.changes and so on, state and group under that name too. The live pipeline's\n"
            "topics and offsets are left alone. Partitions are merged by time; two replays of\n"
            "one range give the same events. Ends by itself. The same NAME again goes on where\n"
            "an interrupted replay stopped. With --set serve.port=7411 the dashboard shows how\n"
            "far it is; that of a running pipeline composes such command lines.",
        .examples = "  eddy replay -b localhost:9092 -t news --from -3d\n"
                    "  eddy replay -b localhost:9092 -t news --into fine --set "
                    "engine.granularity=fine\n"
                    "  eddy replay -b localhost:9092 -t news --into news2 --then-run\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA | ED_TAKES_OUTPUT,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    char **wide = renamed(argc, argv, into_of(argc, argv), assignment, sizeof assignment);
    int code = wide ? ed_config_start(argc + 2, wide, &command, &r.config) : ED_EXIT_FAILURE;
    if (code >= 0) {
        ed_free(wide);
        return code;
    }
    eddy_error err = {0};
    ed_view_init(&r.view, stderr);
    r.operations = live_operations(argc, argv, &command, r.config.arena);
    eddy_status st = run(&r, from, until, partitions, verdicts, then_run != NULL, &err);
    eddy_status closed = ed_stream_close(&r.stream, &err);
    st = st == EDDY_OK ? closed : st;
    ed_view_clear(&r.view);
    ed_orders_clear(&r.orders);
    ed_config_clear(&r.config);
    ed_free(wide);
    if (st != EDDY_OK) {
        code = ed_exit_with(&err);
        return err.status == EDDY_INVALID ? ED_EXIT_USAGE : code;
    }
    return ed_stream_signal() ? 128 + ed_stream_signal() : ED_EXIT_OK;
}
