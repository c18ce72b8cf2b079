/* eddy detect: files or standard input to events; no broker, no configuration.
 *
 * On a terminal the answer is a table, in a pipe it is JSON Lines of the events' last pictures, and
 * with -o it is the four files that `eddy run` would write as topics. Whatever it is, the last line
 * on standard error accounts for every line that came in. */
#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/stream.h"
#include "cli/usage.h"
#include "cli/view.h"

#include <eddy/score.h>

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_MAX  1000000 /* events kept for the table */
#define PICTURE_MAX ((size_t)16 << 20)
#define FIRST_BYTES 65536 /* of the input, to tell what it is */

struct detect {
    struct ed_config config;
    struct ed_stream stream;
    struct ed_view view; /* standard error */

    int table, json; /* what goes to standard output */
    struct ed_gallery gallery;
    eddy_arena *arena; /* for one picture */
    struct ed_publisher publisher;

    const char *labels_path;
    FILE *labels; /* group, event and id of each document in order; read again at the end */
    eddy_lineage *lineage;

    eddy_error failure; /* the first of the engine's thread */
};

/* ---- what the engine's thread tells ---- */

static void on_assigned(void *watcher, const eddy_doc *doc, const eddy_assignment *a)
{
    struct detect *d = watcher;
    if (!d->lineage || d->failure.status != EDDY_OK)
        return;
    uint64_t head[3] = {a->group, a->event, doc->id.n};
    if (fwrite(head, sizeof head, 1, d->labels) != 1 ||
        fwrite(doc->id.at, 1, doc->id.n, d->labels) != doc->id.n)
        eddy_fail(&d->failure, EDDY_IO, "--labels: cannot write a temporary file: %s",
                  strerror(errno));
    else
        eddy_lineage_assigned(d->lineage, a->event, a->group, &d->failure);
}

static void on_change(void *watcher, const eddy_change *change)
{
    struct detect *d = watcher;
    if (d->lineage)
        eddy_lineage_changed(d->lineage, change, &d->failure);
}

/* The record as it would go to eddy.events. */
static eddy_status picture_json(struct detect *d, const eddy_event *event, eddy_str *ret)
{
    struct ed_epoch epoch;
    eddy_arena_reset(d->arena);
    ed_epoch_init(&epoch, d->arena);
    eddy_status st = ed_publish_event(&d->publisher, &epoch, event, event->stream_ms, &d->failure);
    if (st == EDDY_OK)
        *ret = epoch.messages[0].value;
    ed_epoch_clear(&epoch);
    return st;
}

static void on_event(void *watcher, const eddy_event *event)
{
    struct detect *d = watcher;
    eddy_str json = {NULL, 0};
    if (event->size >= d->gallery.size_min && d->json && event->state != EDDY_STATE_MERGED &&
        picture_json(d, event, &json) != EDDY_OK)
        return;
    ed_gallery_put(&d->gallery, event, json, &d->failure);
    const struct ed_shot *shot = ed_gallery_find(&d->gallery, event->id);
    if (d->json && shot && shot->faded) { /* it is final: nothing to wait for */
        printf("%s\n", shot->json.at);
        ed_gallery_remove(&d->gallery, event->id);
    }
}

/* ---- progress ---- */

static void draw(void *p)
{
    struct detect *d = p;
    struct ed_counts c;
    struct ed_progress at;
    char gauge[128] = "", docs[ED_TEXT], rate[ED_TEXT], bytes[ED_TEXT], total[ED_TEXT],
         events[ED_TEXT], eta[ED_TEXT] = "";
    ed_pipeline_counts(d->stream.pipeline, &c);
    ed_source_progress(d->stream.source, &at);
    uint64_t done = c.assigned + c.founded + c.filtered + c.dead;
    double seconds = (double)(ed_view_now() - d->stream.started_ms + 1) / 1000;
    /* What is read runs ahead of what is answered: count bytes by answers. */
    double read = c.in ? (double)done / (double)c.in * (double)at.bytes : 0;
    double share = at.bytes_total ? read / (double)at.bytes_total : 0;
    ed_text_number(done, docs);
    ed_text_number((uint64_t)((double)done / seconds), rate);
    ed_text_bytes((uint64_t)read, bytes);
    ed_text_number(c.events_active, events);
    if (!at.bytes_total) {
        ed_view_bar(&d->view, "  %s documents  %s/s  %s  %s events", docs, rate, bytes, events);
        return;
    }
    if (share > 0.01 && share < 1 && seconds > 1)
        ed_text_took((int64_t)(seconds * (1 - share) / share * 1000), eta);
    size_t columns = ed_view_columns(&d->view);
    if (columns > 90)
        ed_text_gauge(share, columns > 130 ? 32 : 16, gauge, sizeof gauge);
    ed_view_bar(&d->view, "%s%s%s %3.0f %%  %s documents  %s/s  %s of %s  %s events%s%s",
                ed_ink(&d->view, ED_CYAN), gauge, ed_ink(&d->view, ED_PLAIN), share * 100, docs,
                rate, bytes, ed_text_bytes(at.bytes_total, total), events, *eta ? "  ETA " : "",
                eta);
}

/* ---- the answer ---- */

static eddy_status print_events(struct detect *d, eddy_error *err)
{
    struct ed_gallery *gallery = &d->gallery;
    ed_gallery_sort(gallery);
    if (d->json)
        for (size_t i = 0; i < gallery->n; i++)
            printf("%s\n", gallery->shots[i]->json.at);
    if (d->table) {
        struct ed_view out;
        ed_view_init(&out, stdout);
        ed_gallery_print(gallery, &out, gallery->n);
        ed_view_clear(&out);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno == EPIPE)
            return EDDY_STOPPED;
        return eddy_fail(err, EDDY_IO, "standard output: %s", strerror(errno));
    }
    if (gallery->left_out)
        ed_view_line(&d->view, "%" PRIu64 " events beyond %d were not kept for this list",
                     gallery->left_out, EVENTS_MAX);
    return EDDY_OK;
}

/* A line for each document that was assigned: id, tab, the event in which it is now. */
static eddy_status write_labels(struct detect *d, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    struct ed_bytes id;
    uint64_t head[3];
    FILE *out = fopen(d->labels_path, "w");
    if (!out)
        return eddy_fail(err, EDDY_IO, "%s: cannot write: %s", d->labels_path, strerror(errno));
    ed_bytes_init(&id, 0);
    rewind(d->labels);
    while (st == EDDY_OK && fread(head, sizeof head, 1, d->labels) == 1) {
        ed_bytes_empty(&id);
        for (uint64_t i = 0; i < head[2]; i++) {
            char c = (char)getc(d->labels);
            ed_bytes_add(&id, c == '\t' || c == '\n' || c == '\r' ? " " : &c, 1);
        }
        if (id.failed)
            st = eddy_fail_nomem(err, "--labels", head[2]);
        else
            fprintf(out, "%s\tE%" PRIu64 "\n", id.at,
                    eddy_lineage_now(d->lineage, head[1], head[0]));
    }
    if (st == EDDY_OK && ferror(d->labels))
        st = eddy_fail(err, EDDY_IO, "--labels: cannot read back: %s", strerror(errno));
    int bad = ferror(out);
    if ((fclose(out) || bad) && st == EDDY_OK)
        st = eddy_fail(err, EDDY_IO, "%s: cannot write: %s", d->labels_path, strerror(errno));
    ed_bytes_clear(&id);
    return st;
}

static void account(struct detect *d)
{
    char line[300], dead[300], took[ED_TEXT];
    struct ed_counts counts;
    ed_pipeline_counts(d->stream.pipeline, &counts);
    ed_stream_account(&d->stream, line, sizeof line);
    ed_view_line(&d->view, "%s; %s; %s", line, ed_stream_encoder(&d->stream, &d->config),
                 ed_text_took(d->stream.took_ms, took));
    ed_stream_dead(&counts, dead, sizeof dead);
    if (*dead)
        ed_view_line(&d->view, "dead: %s", dead + 2);
    if (counts.time_unreadable)
        ed_view_line(&d->view,
                     "%" PRIu64 " documents have a time that cannot be read; the time "
                     "of arrival was taken",
                     counts.time_unreadable);
}

/* ---- opening ---- */

/* 1: the first line that is not blank is a JSON object, or begins like one and goes on. */
static int looks_like_json(const char *text, size_t n)
{
    const char *end = text + n;
    while (text < end && memchr(" \t\r\n", *text, 4))
        text++;
    if (text == end || *text != '{')
        return text == end;
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    if (!newline && n == FIRST_BYTES)
        return 1;
    json_t *json = json_loadb(text, (size_t)((newline ? newline : end) - text), 0, NULL);
    json_decref(json);
    return json != NULL;
}

/* Unless somebody said what the input is, its first line does. */
static eddy_status format_find(struct detect *d, eddy_error *err)
{
    static char text[FIRST_BYTES];
    size_t n = 0;
    if (ed_config_source_of(&d->config, "document.format")->layer > ED_LAYER_PROFILE)
        return EDDY_OK;
    eddy_status st = ed_source_files_peek(d->stream.source, text, sizeof text, &n, err);
    if (st == EDDY_OK && n)
        d->config.document.format = looks_like_json(text, n) ? EDDY_FORMAT_JSON : EDDY_FORMAT_LINES;
    return st;
}

static eddy_status open_all(struct detect *d, eddy_error *err)
{
    static const char *const nowhere[ED_TOPICS];
    const struct ed_list *files = &d->config.source.files;
    if (!files->n)
        return eddy_fail(err, EDDY_INVALID, "no file is named; \"-\" is standard input");
    eddy_status st = ed_source_files_open(files->at, files->n, (size_t)d->config.document.max_bytes,
                                          &d->stream.source, err);
    if (st == EDDY_OK)
        st = format_find(d, err);
    if (st != EDDY_OK)
        return st;
    if (*d->config.output.dir)
        st = ed_config_journal_open(&d->config, &d->stream.journal, err);
    else
        st = ed_journal_files_open(nowhere, &d->stream.journal, err);
    if (st == EDDY_OK)
        st = ed_stream_open(&d->stream, &d->config, err);
    if (st != EDDY_OK)
        return st;
    if (d->labels_path) {
        d->labels = tmpfile();
        if (!d->labels)
            return eddy_fail(err, EDDY_IO, "--labels: no temporary file: %s", strerror(errno));
        st = eddy_lineage_new(&d->lineage, err);
    }
    d->arena = eddy_arena_new(PICTURE_MAX);
    if (st == EDDY_OK && !d->arena)
        st = eddy_fail_nomem(err, "detect", 0);
    struct ed_pipeline_options watch = {.watcher = d,
                                        .on_assigned = d->labels_path ? on_assigned : NULL,
                                        .on_change = d->labels_path ? on_change : NULL,
                                        .on_event = d->table || d->json ? on_event : NULL};
    return st == EDDY_OK ? ed_stream_connect(&d->stream, &d->config, &watch, err) : st;
}

static eddy_status run(struct detect *d, eddy_error *err)
{
    eddy_status st = open_all(d, err);
    if (st != EDDY_OK)
        return st;
    ed_stream_say_encoder(&d->stream, &d->config, &d->view);
    struct ed_ticker *ticker = NULL;
    if (d->view.terminal)
        ed_ticker_start(100, draw, d, &ticker, NULL);
    st = ed_stream_run(&d->stream, err);
    ed_ticker_stop(ticker);
    ed_view_bar(&d->view, "%s", "");
    if (st == EDDY_OK && d->failure.status != EDDY_OK) {
        *err = d->failure;
        st = err->status;
    }
    if (st == EDDY_OK)
        st = print_events(d, err);
    if (st == EDDY_OK && d->lineage)
        st = write_labels(d, err);
    account(d);
    return st;
}

int ed_cmd_detect(int argc, char **argv)
{
    static struct detect d;
    const char *min_size = NULL, *all = NULL, *json = NULL;
    const struct ed_flag flags[] = {
        {"min-size", 0, "N", "show events of at least N documents (2)", &min_size},
        {"all", 'a', NULL, "show every event, those of one document too", &all},
        {"json", 'J', NULL, "events as JSON Lines, on a terminal too", &json},
        {"labels", 0, "FILE", "write the event that each document is in at the end: id, tab, event",
         &d.labels_path},
    };
    const struct ed_command command = {
        .name = "detect",
        .synopsis = "eddy detect [OPTIONS] FILE...",
        .about =
            "Find events in files, a document a line; \"-\" is standard input. Lines are JSON\n"
            "objects (id, ts, title, text, lang, source) or plain text; the first line tells.\n"
            "On a terminal the events are shown as a table, else as JSON Lines; with -o DIR\n"
            "assignments, changes, events and dead letters become files in DIR.",
        .examples = "  eddy detect news.jsonl\n"
                    "  eddy detect -o found news.jsonl\n"
                    "  journalctl -n 100000 -o cat | eddy detect --profile logs -\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_OUTPUT | ED_TAKES_FILES,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    int code = ed_config_start(argc, argv, &command, &d.config);
    if (code >= 0)
        return code;

    eddy_error err = {0};
    double size_min = all ? 0 : 2;
    char *end = NULL;
    if (min_size && ((size_min = strtod(min_size, &end)) < 1 || *end))
        eddy_fail(&err, EDDY_INVALID, "--min-size %s: not a number from 1 on", min_size);
    d.json = !*d.config.output.dir && (json || !isatty(STDOUT_FILENO));
    d.table = !*d.config.output.dir && !d.json;
    ed_gallery_init(&d.gallery, size_min, EVENTS_MAX);
    ed_view_init(&d.view, stderr);
    d.publisher.pipeline = d.config.pipeline;
    eddy_status st = err.status == EDDY_OK ? run(&d, &err) : err.status;
    eddy_status closed = ed_stream_close(&d.stream, &err);
    st = st == EDDY_OK ? closed : st;

    ed_view_clear(&d.view);
    ed_gallery_clear(&d.gallery);
    eddy_lineage_free(d.lineage);
    eddy_arena_free(d.arena);
    if (d.labels)
        fclose(d.labels);
    ed_config_clear(&d.config);
    if (st == EDDY_OK || err.status == EDDY_OK || st == EDDY_STOPPED)
        return ed_stream_signal() ? 128 + ed_stream_signal() : ED_EXIT_OK;
    code = ed_exit_with(&err);
    return err.status == EDDY_INVALID ? ED_EXIT_USAGE : code;
}
