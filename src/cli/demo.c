/* eddy demo: something to look at in one command.
 *
 * A broker inside this process, a fictional news day played into it, and the same way through
 * consumer, pipeline and producer that `eddy run` takes. What is printed while it runs is what the
 * engine decides at that moment; what is printed at the end compares it with the labels that were
 * written with the corpus, which the engine never sees. */
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/demo_play.h"
#include "cli/gallery.h"
#include "cli/site.h"
#include "cli/stream.h"
#include "cli/usage.h"
#include "cli/view.h"

#include <eddy/score.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOPIC       "news"
#define SECONDS     25 /* that the day takes */
#define SHOWN_MAX   12 /* events in the closing table */
#define HOURS       24 /* cells of its little charts */
#define PICTURE_MAX ((size_t)16 << 20)
#define EVENTS_MAX  100000

static const char *const out_topics[ED_TOPICS] = {
    [ED_ASSIGNMENTS] = "eddy.assignments",
    [ED_EVENTS] = "eddy.events",
    [ED_CHANGES] = "eddy.changes",
    [ED_DEAD] = "eddy.dead",
};

struct place {
    uint64_t document, event, group; /* of a report, as it was assigned; event 0: not yet */
};

struct demo {
    struct ed_config config;
    struct ed_stream stream;
    struct ed_view view;
    struct ed_play play;
    struct ed_mock *mock;
    int64_t began_ms;

    /* the engine's thread, until the pipeline has ended */
    struct ed_gallery gallery;
    struct ed_table sizes;    /* event -> its reports as assigned */
    struct ed_table names;    /* event -> hash of the name that was last on the screen */
    struct ed_table founders; /* event -> report that founded it */
    uint64_t last_event;      /* of the last line, and its size there */
    double last_size;
    struct place *places; /* (play.n) */
    eddy_lineage *lineage;
    eddy_arena *arena; /* for one picture */
    int64_t first_ms;  /* from the start to the first event on the screen; 0: none yet */
    eddy_error failure;

    _Atomic int64_t story_ms;
};

/* ---- lines, as things happen ---- */

struct kind {
    const char *word;
    enum ed_ink ink;
};
static const struct kind NEW = {"new", ED_GREEN}, GROWS = {"grows", ED_CYAN},
                         MERGE = {"merged", ED_YELLOW}, SPLIT = {"split", ED_MAGENTA},
                         RENAME = {"renamed", ED_BLUE};

static void line(struct demo *d, struct kind kind, uint64_t event, double size, const char *name,
                 const char *more)
{
    char clock[ED_TEXT], number[ED_TEXT], left[500], right[400];
    size_t rest = ed_view_columns(&d->view) - 26;
    size_t name_wide = *more ? rest * 3 / 5 : rest;
    if (!d->first_ms)
        d->first_ms = ed_view_now() - d->began_ms;
    d->last_event = event;
    d->last_size = size;
    ed_view_line(&d->view, "%s%s%s  %s%-7s%s %6s  %s%s%s %s%s%s", ed_ink(&d->view, ED_DIM),
                 ed_text_clock(atomic_load(&d->story_ms), clock), ed_ink(&d->view, ED_PLAIN),
                 ed_ink(&d->view, kind.ink), kind.word, ed_ink(&d->view, ED_PLAIN),
                 ed_text_number((uint64_t)size, number), ed_ink(&d->view, ED_BOLD),
                 ed_text_fit(name, strlen(name), name_wide, *more != 0, left, sizeof left),
                 ed_ink(&d->view, ED_PLAIN), ed_ink(&d->view, ED_DIM),
                 ed_text_fit(more, strlen(more), rest - name_wide - 1, 0, right, sizeof right),
                 ed_ink(&d->view, ED_PLAIN));
}

/* An event's name and keywords as they are now; where it is no more, as they were last shown, or
 * its first report. */
static void describe(struct demo *d, uint64_t id, char *name, size_t n_name, char *words,
                     size_t n_words)
{
    eddy_event event;
    const struct ed_shot *shot = ed_gallery_find(&d->gallery, id);
    const uint64_t *founder = ed_table_find(&d->founders, id);
    *name = *words = 0;
    eddy_arena_reset(d->arena);
    if (eddy_clusterer_event(ed_shard_clusterer(d->stream.shard), id, d->arena, &event, NULL) ==
        EDDY_OK) {
        size_t n = 0;
        snprintf(name, n_name, "%.*s", (int)event.name.n, event.name.at);
        for (size_t i = 0; i < event.n_keywords && i < 4 && n < n_words; i++)
            n += (size_t)snprintf(words + n, n_words - n, "%s%.*s", i ? ", " : "",
                                  (int)event.keywords[i].word.n, event.keywords[i].word.at);
    } else if (shot) {
        snprintf(name, n_name, "%s", shot->name.at);
        snprintf(words, n_words, "%s", shot->keywords.at);
    } else if (founder) {
        snprintf(name, n_name, "%s", d->play.reports[*founder].title.at);
    }
}

/* Remember that this name was shown. 1: it is not the one that was shown before. */
static int name_is_news(struct demo *d, uint64_t event, const char *name)
{
    uint64_t hash = ed_fnv1a(ED_FNV_BASIS, name, strlen(name));
    uint64_t *shown = ed_table_put(&d->names, event, 0);
    int news = shown && *shown != hash;
    if (shown)
        *shown = hash;
    return news;
}

static void tell(struct demo *d, struct kind kind, uint64_t event, double size)
{
    char name[400], words[200];
    describe(d, event, name, sizeof name, words, sizeof words);
    if (name_is_news(d, event, name) || strcmp(kind.word, RENAME.word))
        line(d, kind, event, size, name, words);
}

/* A line about two events: what happened to one, and the other behind an arrow. */
static void tell_two(struct demo *d, struct kind kind, uint64_t event, double size,
                     const char *arrow, uint64_t other, double other_size)
{
    char name[400], words[200], other_name[400], more[500];
    describe(d, event, name, sizeof name, words, sizeof words);
    name_is_news(d, event, name);
    describe(d, other, other_name, sizeof other_name, words, sizeof words);
    if (!*other_name)
        return; /* it came and went within one pass */
    snprintf(more, sizeof more, "%s %.0f %s", arrow, other_size, other_name);
    line(d, kind, event, size, name, more);
}

static void on_assigned(void *watcher, const eddy_doc *doc, const eddy_assignment *a)
{
    struct demo *d = watcher;
    const struct ed_report *report = ed_play_find(&d->play, doc->id);
    uint64_t *size = ed_table_put(&d->sizes, a->event, 0);
    if (!report || !size) {
        eddy_fail(&d->failure, EDDY_NOMEM, "demo: an unknown report, or no memory");
        return;
    }
    atomic_store(&d->story_ms, doc->time_ms);
    d->places[report - d->play.reports] = (struct place){a->position, a->event, a->group};
    eddy_lineage_assigned(d->lineage, a->event, a->group, &d->failure);
    if (a->founded)
        ed_table_put(&d->founders, a->event, (uint64_t)(report - d->play.reports));
    if (++*size == 2)
        tell(d, NEW, a->event, 2);
}

static void on_change(void *watcher, const eddy_change *c)
{
    struct demo *d = watcher;
    eddy_lineage_changed(d->lineage, c, &d->failure);
    switch (c->kind) {
    case EDDY_GREW:
        if (c->size_after >= 10 && (c->event != d->last_event || c->size_after != d->last_size))
            tell(d, GROWS, c->event, c->size_after);
        break;
    case EDDY_MERGED:
        if (c->size_before >= 2)
            tell_two(d, MERGE, c->other, c->other_after, "<-", c->event, c->size_before);
        break;
    case EDDY_SPLIT:
        if (c->size_after >= 2)
            tell_two(d, SPLIT, c->event, c->size_after, "out of", c->other, c->other_after);
        break;
    case EDDY_RENAMED:
        if (c->size_after >= 8)
            tell(d, RENAME, c->event, c->size_after);
        break;
    default: break;
    }
}

static void on_event(void *watcher, const eddy_event *event)
{
    struct demo *d = watcher;
    ed_gallery_put(&d->gallery, event, (eddy_str){NULL, 0}, &d->failure);
}

static void draw(void *p)
{
    struct demo *d = p;
    struct ed_counts c;
    char gauge[128], clock[ED_TEXT];
    ed_stream_look(&d->stream, &c, NULL, NULL);
    uint64_t done = c.assigned + c.founded;
    ed_view_bar(&d->view, "%s%s%s  %s%s%s  %" PRIu64 " of %zu reports  %" PRIu64 " events",
                ed_ink(&d->view, ED_CYAN),
                ed_text_gauge((double)done / (double)d->play.n, 24, gauge, sizeof gauge),
                ed_ink(&d->view, ED_PLAIN), ed_ink(&d->view, ED_BOLD),
                done ? ed_text_clock(atomic_load(&d->story_ms), clock) : "--:--",
                ed_ink(&d->view, ED_PLAIN), done, d->play.n, c.events_active);
}

/* The player's thread, when the last report is on its way: wait for the last answer. */
static void wait_for_answers(void *p)
{
    struct demo *d = p;
    struct ed_counts c;
    do {
        nanosleep(&(struct timespec){0, 20 * 1000000L}, NULL);
        ed_stream_look(&d->stream, &c, NULL, NULL);
    } while (c.committed < d->play.n && !ed_play_stopping(&d->play) &&
             d->play.failure.status == EDDY_OK);
    ed_stream_stop(&d->stream);
}

/* ---- the closing page ---- */

/* Reports of an event over the day: a cell for each hour, eight heights. */
static void chart(const struct demo *d, uint64_t event, char *ret)
{
    unsigned cells[HOURS] = {0}, most = 1;
    for (size_t i = 0; i < d->play.n; i++) {
        const struct place *at = &d->places[i];
        if (!at->event ||
            eddy_lineage_document(d->lineage, at->document, at->event, at->group) != event)
            continue;
        unsigned *cell = &cells[d->play.reports[i].ts / 3600000 % HOURS];
        most = ++*cell > most ? *cell : most;
    }
    for (int i = 0; i < HOURS; i++) {
        unsigned height = cells[i] ? 1 + cells[i] * 7 / (most > 7 ? most : 7) : 0;
        height = height > 8 ? 8 : height;
        if (height) {
            memcpy(ret, (char[]){(char)0xE2, (char)0x96, (char)(0x80 + height)}, 3);
            ret += 3; /* U+2581 to U+2588 */
        } else {
            *ret++ = ' ';
        }
    }
    *ret = 0;
}

static void print_events(struct demo *d)
{
    const char *bold = ed_ink(&d->view, ED_BOLD), *plain = ed_ink(&d->view, ED_PLAIN);
    size_t rest = ed_view_columns(&d->view) - 8 - HOURS - 2;
    ed_gallery_sort(&d->gallery);
    ed_view_line(&d->view, "%sThe largest events, and when they were reported (hours 0 to 24)%s",
                 bold, plain);
    for (size_t i = 0; i < d->gallery.shots.n && i < SHOWN_MAX; i++) {
        const struct ed_shot *shot = ed_gallery_at(&d->gallery, i);
        char number[ED_TEXT], cells[4 * HOURS + 1], name[800];
        chart(d, shot->id, cells);
        ed_view_line(&d->view, "%6s  %s%s%s  %s", ed_text_number((uint64_t)shot->size, number),
                     ed_ink(&d->view, ED_CYAN), cells, plain,
                     ed_text_fit(shot->name.at, shot->name.n, rest, 0, name, sizeof name));
    }
}

static eddy_status print_scores(struct demo *d, eddy_error *err)
{
    static const char *const names[] = {"at arrival", "merges followed", "after repair"};
    size_t n = 0;
    uint64_t *labels = ed_alloc(4 * d->play.n * sizeof *labels); /* gold, then the three */
    if (!labels)
        return eddy_fail_nomem(err, "scores", 4 * d->play.n * sizeof *labels);
    uint64_t *found[] = {labels + d->play.n, labels + 2 * d->play.n, labels + 3 * d->play.n};
    for (size_t i = 0; i < d->play.n; i++) {
        const struct place *at = &d->places[i];
        if (!at->event)
            continue;
        labels[n] = d->play.reports[i].gold;
        found[0][n] = at->event;
        found[1][n] = eddy_lineage_event(d->lineage, at->event);
        found[2][n++] = eddy_lineage_document(d->lineage, at->document, at->event, at->group);
    }
    eddy_status st = EDDY_OK;
    ed_view_line(&d->view, "%sAgainst the labels that were written with the day%s",
                 ed_ink(&d->view, ED_BOLD), ed_ink(&d->view, ED_PLAIN));
    ed_view_line(&d->view,
                 "                    F1    NMI    ARI   (BCubed F1; the engine never saw them)");
    for (int i = 0; i < 3 && st == EDDY_OK; i++) {
        eddy_scores s;
        st = eddy_score(labels, found[i], n, &s, err);
        if (st == EDDY_OK)
            ed_view_line(&d->view, "  %-16s %5.3f  %5.3f  %5.3f", names[i], s.bcubed_f, s.nmi,
                         s.ari);
    }
    ed_free(labels);
    return st;
}

static eddy_status print_end(struct demo *d, eddy_error *err)
{
    char account[300], took[ED_TEXT], first[ED_TEXT];
    struct ed_counts counts;
    ed_stream_look(&d->stream, &counts, NULL, NULL);
    ed_view_line(&d->view, "%s", "");
    if (!counts.assigned)
        return EDDY_OK; /* stopped before there was anything to tell */
    print_events(d);
    ed_view_line(&d->view, "%s", "");
    eddy_status st = print_scores(d, err);
    ed_stream_account(&d->stream, account, sizeof account);
    ed_view_line(&d->view, "%s", "");
    ed_view_line(&d->view, "%s", account);
    ed_view_line(&d->view, "%s; first event on screen after %s; %s in all",
                 ed_stream_encoder(&d->stream, &d->config), ed_text_took(d->first_ms, first),
                 ed_text_took(d->stream.took_ms, took));
    ed_view_line(&d->view, "%s", "");
    ed_view_line(&d->view, "%sYour turn%s", ed_ink(&d->view, ED_BOLD), ed_ink(&d->view, ED_PLAIN));
    ed_view_line(
        &d->view,
        "  eddy detect FILE                  your own file, JSON or text, a document a line");
    ed_view_line(&d->view, "  eddy run -b HOST:PORT -t TOPIC    your own Kafka");
    ed_view_line(&d->view, "  eddy help                         all the rest");
    return st;
}

/* ---- opening ---- */

/* What librdkafka is told of the mock; the second pair is for reading: a mock answers a fetch only
 * when this is over. */
static const char *const *mock_options(struct demo *d)
{
    static const char *options[4] = {"bootstrap.servers", "", "fetch.wait.max.ms", "20"};
    options[1] = ed_mock_brokers(d->mock);
    return options;
}

/* The demo begins with nothing and keeps nothing, so there is no state topic and no group. */
static eddy_status open_journal(void *user, int32_t shard, struct ed_journal **ret, eddy_error *err)
{
    struct ed_journal_kafka out = {.pipeline = "eddy",
                                   .shard = shard,
                                   .n_shards = 1,
                                   .id = "eddy-demo",
                                   .options = mock_options(user),
                                   .n_options = 1,
                                   .deliver_ms = 10000,
                                   .unchecked = 1};
    memcpy(out.topics, out_topics, sizeof out_topics);
    return ed_journal_kafka_open(&out, ret, err);
}

static eddy_status open_source(void *user, int32_t shard, const struct ed_head *head,
                               struct ed_source **ret, eddy_error *err)
{
    static const char *const input[] = {TOPIC};
    const struct ed_source_kafka in = {.topics = input,
                                       .n_topics = 1,
                                       .shard = shard,
                                       .from = {.kind = ED_FROM_BEGINNING},
                                       .endless = 1,
                                       .wait_ms = 500,
                                       .options = mock_options(user),
                                       .n_options = 2};
    (void)head;
    return ed_source_kafka_open(&in, ret, err);
}

static eddy_status mock_open(struct demo *d, eddy_error *err)
{
    const char *topics[ED_TOPICS + 1] = {TOPIC};
    memcpy(topics + 1, out_topics, sizeof out_topics);
    return ed_mock_open(1, topics, 1 + ED_VECTORS, &d->mock, err);
}

static eddy_status open_all(struct demo *d, eddy_error *err)
{
    eddy_status st = mock_open(d, err);
    if (st == EDDY_OK)
        st = eddy_lineage_new(&d->lineage, err);
    if (st != EDDY_OK)
        return st;
    d->places = ed_alloc_zero(d->play.n, sizeof *d->places);
    d->arena = eddy_arena_new(PICTURE_MAX);
    if (!d->places || !d->arena)
        return eddy_fail_nomem(err, "demo", d->play.n * sizeof *d->places);
    const struct ed_pipeline_options watch = {
        .watcher = d, .on_assigned = on_assigned, .on_change = on_change, .on_event = on_event};
    ed_stream_listen(NULL);
    d->stream.user = d;
    d->stream.serves = 1;
    d->stream.open_journal = open_journal;
    d->stream.open_source = open_source;
    return ed_stream_open(&d->stream, &d->config, &watch, err);
}

static void print_start(struct demo *d, double seconds)
{
    char took[ED_TEXT];
    const char *bold = ed_ink(&d->view, ED_BOLD), *plain = ed_ink(&d->view, ED_PLAIN);
    ed_view_line(&d->view,
                 "%seddy %s%s: one fictional news day, %zu reports in three languages, %s%s", bold,
                 eddy_version(), plain, d->play.n, seconds > 0 ? "in " : "at full speed",
                 seconds > 0 ? ed_text_took((int64_t)(seconds * 1000), took) : "");
    ed_view_line(&d->view,
                 "Kafka inside this process; look in while it runs: kcat -b %s -C -t eddy.changes",
                 ed_mock_brokers(d->mock));
    if (d->stream.site)
        ed_view_line(&d->view, "Dashboard while it runs: %s%s%s", ed_ink(&d->view, ED_BOLD),
                     ed_site_url(d->stream.site), plain);
    ed_stream_say_encoder(&d->stream, &d->config, &d->view);
    ed_view_line(&d->view, "%s", "");
    ed_view_line(&d->view, "%s%-5s  %-7s %6s  event%s", bold, "time", "what", "size", plain);
}

/* The speed that was asked for: times life; 0: as fast as it goes; below 0: nonsense. */
static double speed_of(const char *speed, const char *seconds, double span_s)
{
    char *end = NULL;
    if (speed && (!strcmp(speed, "high") || !strcmp(speed, "max")))
        return 0;
    double x = strtod(speed ? speed : seconds ? seconds : "", &end);
    if (!speed && !seconds)
        return span_s / SECONDS;
    if (*end || !(x > 0) || !isfinite(x))
        return -1;
    return speed ? x : span_s / x;
}

static eddy_status run(struct demo *d, const char *speed_given, const char *seconds,
                       eddy_error *err)
{
    eddy_status st = ed_play_open(&d->play, err);
    if (st != EDDY_OK)
        return st;
    double span = (double)ed_play_span_ms(&d->play) / 1000;
    double speed = speed_of(speed_given, seconds, span);
    if (speed < 0)
        return eddy_fail(err, EDDY_INVALID, "--%s wants a number above 0%s",
                         speed_given ? "speed" : "seconds", speed_given ? ", or high" : "");
    st = open_all(d, err);
    if (st != EDDY_OK)
        return st;
    print_start(d, speed > 0 ? span / speed : 0);
    d->play.mock = d->mock;
    d->play.topic = TOPIC;
    d->play.speed = speed;
    d->play.after = wait_for_answers;
    d->play.p = d;
    struct ed_ticker *ticker = NULL;
    if (d->view.terminal)
        ed_ticker_start(80, draw, d, &ticker, NULL);
    st = ed_play_start(&d->play, err);
    if (st == EDDY_OK)
        st = ed_stream_run(&d->stream, err);
    eddy_status played = ed_play_stop(&d->play, err);
    ed_ticker_stop(ticker);
    ed_view_bar(&d->view, "%s", "");
    st = st == EDDY_OK ? played : st;
    if (st == EDDY_OK && d->failure.status != EDDY_OK) {
        *err = d->failure;
        st = err->status;
    }
    return st == EDDY_OK ? print_end(d, err) : st;
}

static void clear(struct demo *d)
{
    ed_view_clear(&d->view);
    ed_mock_free(d->mock);
    ed_play_close(&d->play);
    ed_gallery_clear(&d->gallery);
    ed_table_clear(&d->sizes);
    ed_table_clear(&d->names);
    ed_table_clear(&d->founders);
    eddy_lineage_free(d->lineage);
    eddy_arena_free(d->arena);
    ed_free(d->places);
    ed_config_clear(&d->config);
}

int ed_cmd_demo(int argc, char **argv)
{
    static struct demo d;
    const char *speed = NULL, *seconds = NULL;
    const struct ed_flag flags[] = {
        {"speed", 0, "N", "play N times faster than life; high: as fast as it goes", &speed},
        {"seconds", 0, "S", "play the whole day in S seconds (25)", &seconds},
    };
    const struct ed_command command = {
        .name = "demo",
        .synopsis = "eddy demo [OPTIONS]",
        .about =
            "Watch eddy find the events of a fictional news day. Needs no network, no broker, no\n"
            "key: a Kafka broker runs inside the process, and the reports take the same way\n"
            "through it as with eddy run.",
        .examples = "  eddy demo\n"
                    "  eddy demo --seconds 60\n"
                    "  eddy demo --speed high --set embed.model=hash\n",
        .takes = ED_TAKES_CONFIG,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    d.began_ms = ed_view_now();
    int code = ed_config_start(argc, argv, &command, &d.config);
    if (code >= 0)
        return code;
    if (ed_config_source_of(&d.config, "batch.max")->layer == ED_LAYER_DEFAULT)
        d.config.batch.max = 16; /* the screen should not wait for a full batch */
    if (ed_config_source_of(&d.config, "batch.wait")->layer == ED_LAYER_DEFAULT)
        d.config.batch.wait_ms = 20;
    if (ed_config_source_of(&d.config, "engine.repair_every")->layer == ED_LAYER_DEFAULT)
        d.config.engine.repair_every = 32; /* a day is short: look it over more often */
    d.config.document.ahead_ms = 0;        /* the day is set in the future */
    ed_log_up_to(ED_LOG_ERROR);            /* a mock is not worth warnings */
    ed_view_init(&d.view, stdout);
    ed_gallery_init(&d.gallery, 0, EVENTS_MAX);
    ed_table_init(&d.sizes);
    ed_table_init(&d.names);
    ed_table_init(&d.founders);

    eddy_error err = {0};
    eddy_status st = run(&d, speed, seconds, &err);
    eddy_status closed = ed_stream_close(&d.stream, &err);
    st = st == EDDY_OK ? closed : st;
    clear(&d);
    if (st == EDDY_OK)
        return ed_stream_signal() ? 128 + ed_stream_signal() : ED_EXIT_OK;
    code = ed_exit_with(&err);
    return err.status == EDDY_INVALID ? ED_EXIT_USAGE : code;
}
