/* eddy detect: files or standard input to events; no broker, no configuration.
 *
 * On a terminal the answer is a table, in a pipe it is JSON Lines of the events' last pictures, and
 * with -o it is the four files that `eddy run` would write as topics. Whatever it is, the last line
 * on standard error accounts for every line that came in.
 *
 * When the reader of standard output goes away (eddy detect - | head -1), nobody wants the rest:
 * the run is stopped, which is no failure. A write tells, and so does a look at the pipe ten times
 * a second, for a quiet stream may write nothing for hours. With --labels something else is wanted
 * too: then only the printing ends. */
#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/dead.h"
#include "cli/gallery.h"
#include "cli/guess.h"
#include "cli/orders.h"
#include "cli/stream.h"
#include "cli/templates.h"
#include "cli/usage.h"
#include "cli/view.h"

#include <eddy/score.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS_MAX  1000000 /* events kept for the table */
#define PICTURE_MAX ((size_t)16 << 20)

struct detect {
    struct ed_config config;
    struct ed_stream stream;
    struct ed_view view; /* standard error */

    int table, json; /* what goes to standard output */
    struct ed_gallery gallery;
    int by_template; /* 1: of a log, templates in place of events */
    struct ed_templates templates;
    eddy_arena *arena; /* for one picture */
    struct ed_publisher publisher;

    const char *journal_dir;  /* NULL: none */
    struct ed_source *source; /* without a journal it is opened first: where there is nothing to
                                 read, nothing is left behind */
    const char *control_path; /* NULL: none */
    struct ed_orders orders;
    const char *labels_path;
    FILE *
        labels; /* group, event, position and id of each document in order; read again at the end */
    eddy_lineage *lineage;

    struct ed_dead dead;
    eddy_error failure;  /* the first of the engine's thread; EDDY_STOPPED: no reader any more */
    atomic_int deserted; /* the same, seen by the ticker */
};

static eddy_status stdout_fail(eddy_error *err)
{
    if (errno == EPIPE)
        return eddy_fail(err, EDDY_STOPPED, "standard output: its reader has gone");
    return eddy_fail(err, EDDY_IO, "standard output: %s", strerror(errno));
}

/* ---- what the engine's thread tells ---- */

/* After a failure of ours the answers are good for nothing: stop, and take no more of them. */
static int is_over(struct detect *d)
{
    if (d->failure.status != EDDY_OK)
        ed_stream_stop(&d->stream);
    return d->failure.status != EDDY_OK;
}

static void on_assigned(void *watcher, const eddy_doc *doc, const eddy_assignment *a)
{
    struct detect *d = watcher;
    uint64_t head[4] = {a->group, a->event, doc->id.n, a->position};
    if (is_over(d))
        return;
    if (fwrite(head, sizeof head, 1, d->labels) != 1 ||
        fwrite(doc->id.at, 1, doc->id.n, d->labels) != doc->id.n)
        eddy_fail(&d->failure, EDDY_IO, "--labels: cannot write a temporary file: %s",
                  strerror(errno));
    else
        eddy_lineage_assigned(d->lineage, a->event, a->group, &d->failure);
    is_over(d);
}

static void on_dead(void *watcher, const eddy_raw *raw, eddy_reject reject, const char *detail)
{
    struct detect *d = watcher;
    ed_dead_look(&d->dead, raw, reject, detail);
}

static void on_change(void *watcher, const eddy_change *change)
{
    struct detect *d = watcher;
    if (is_over(d))
        return;
    eddy_lineage_changed(d->lineage, change, &d->failure);
    is_over(d);
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

/* A reader of live events wants each at once. */
static void print_json(struct detect *d, eddy_str json)
{
    fwrite(json.at, 1, json.n, stdout);
    putchar('\n');
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    if (errno == EPIPE && d->labels)
        d->json = 0;
    else
        stdout_fail(&d->failure);
}

static void on_event(void *watcher, const eddy_event *event)
{
    struct detect *d = watcher;
    eddy_str json = {NULL, 0};
    if (is_over(d))
        return;
    if (!d->json || event->seen < d->gallery.size_min || event->state == EDDY_STATE_MERGED ||
        picture_json(d, event, &json) == EDDY_OK)
        ed_gallery_put(&d->gallery, event, json, &d->failure);
    const struct ed_shot *shot = ed_gallery_find(&d->gallery, event->id);
    if (d->json && !d->by_template && shot && shot->faded && d->failure.status == EDDY_OK) {
        print_json(d, shot->json); /* it is final: nothing to wait for */
        ed_gallery_remove(&d->gallery, event->id);
    }
    is_over(d);
}

static void on_template(void *watcher, const struct ed_template_told *told)
{
    struct detect *d = watcher;
    struct ed_epoch epoch;
    eddy_str json = {NULL, 0};
    if (is_over(d))
        return;
    eddy_arena_reset(d->arena);
    ed_epoch_init(&epoch, d->arena);
    eddy_status st =
        d->json ? ed_publish_template(&d->publisher, &epoch, told, &d->failure) : EDDY_OK;
    if (st == EDDY_OK && d->json)
        json = epoch.messages[0].value;
    if (st == EDDY_OK)
        ed_templates_put(&d->templates, told, json, &d->failure);
    ed_epoch_clear(&epoch);
    is_over(d);
}

/* ---- progress ---- */

/* 1: standard output is a pipe or a socket that nobody reads any more. */
static int has_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static void tick(void *p)
{
    struct detect *d = p;
    if (!d->labels && d->json && !atomic_load(&d->deserted) && has_gone()) {
        atomic_store(&d->deserted, 1);
        ed_stream_stop(&d->stream);
    }
    if (d->view.terminal) {
        char tail[ED_TEXT + 20], events[ED_TEXT];
        struct ed_counts c;
        ed_stream_look(&d->stream, &c, NULL, NULL);
        snprintf(tail, sizeof tail, "  %s events", ed_text_number(c.events_active, events));
        ed_stream_bar(&d->stream, &d->view, tail);
    }
}

/* ---- the answer ---- */

static eddy_status print_events(struct detect *d, eddy_error *err)
{
    struct ed_gallery *gallery = &d->gallery;
    if (!d->json && !d->table)
        return EDDY_OK;
    ed_gallery_sort(gallery);
    if (d->by_template && d->json)
        ed_templates_print_json(&d->templates, stdout);
    else if (d->json)
        for (size_t i = 0; i < gallery->shots.n; i++)
            printf("%s\n", ed_gallery_at(gallery, i)->json.at);
    if (d->table) {
        struct ed_view out;
        ed_view_init(&out, stdout);
        if (d->by_template)
            ed_templates_print(&d->templates, &out);
        else
            ed_gallery_print(gallery, &out, gallery->shots.n);
        ed_view_clear(&out);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return stdout_fail(err);
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
    uint64_t head[4];
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
                    eddy_lineage_document(d->lineage, head[3], head[1], head[0]));
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
    char line[300], took[ED_TEXT], number[ED_TEXT];
    struct ed_counts counts;
    ed_stream_look(&d->stream, &counts, NULL, NULL);
    ed_stream_account(&d->stream, line, sizeof line);
    ed_view_line(&d->view, "%s; %s; %s", line, ed_stream_encoder(&d->stream, &d->config),
                 ed_text_took(d->stream.took_ms, took));
    ed_dead_account(&d->dead, &d->config, &counts, &d->view);
    ed_stream_say_cache(&d->stream, &d->view);
    uint64_t foreign = counts.filtered - counts.duplicates;
    if (counts.phrased + counts.unphrased)
        ed_stream_say_keyphrases(&counts, &d->view);
    if (counts.duplicates)
        ed_view_line(&d->view, "filtered: %s duplicates, of the id and text of an earlier document",
                     ed_text_number(counts.duplicates, number));
    if (foreign && foreign == counts.in)
        ed_view_line(&d->view, "nothing was assigned: --set document.languages= takes them all");
    if (counts.operations || counts.refused)
        ed_view_line(&d->view, "operations: %" PRIu64 " applied, %" PRIu64 " refused",
                     counts.operations, counts.refused);
    if (counts.time_unreadable)
        ed_view_line(&d->view,
                     "%" PRIu64 " documents have a time that cannot be read; the time "
                     "of arrival was taken",
                     counts.time_unreadable);
}

/* ---- opening ---- */

/* Where the answers go. */
static eddy_status open_journal(void *user, int32_t shard, struct ed_journal **ret, eddy_error *err)
{
    static const char *const nowhere[ED_TOPICS];
    struct detect *d = user;
    (void)shard;
    return *d->config.output.dir
               ? ed_config_journal_files(&d->config, d->journal_dir, ret, err)
               : ed_journal_files_open(nowhere, NULL, d->config.pipeline, ret, err);
}

/* The input, looked at: it may be a FIFO, or standard input, and keep us waiting. */
static eddy_status source_look(struct detect *d, const struct ed_head *head, struct ed_source **ret,
                               eddy_error *err)
{
    eddy_status st = ed_config_source_open(&d->config, NULL, 0, head, ret, err);
    if (st != EDDY_OK)
        return st;
    ed_stream_listen(*ret);
    return ed_guess_format(&d->config, *ret, "detect", err);
}

static eddy_status open_source(void *user, int32_t shard, const struct ed_head *head,
                               struct ed_source **ret, eddy_error *err)
{
    struct detect *d = user;
    (void)shard;
    *ret = d->source;
    d->source = NULL;
    return *ret ? EDDY_OK : source_look(d, head, ret, err);
}

static eddy_status options_check(const struct detect *d, eddy_error *err)
{
    const char *out = d->config.output.dir;
    if (!d->config.source.files.n)
        return eddy_fail(err, EDDY_INVALID, "no file is named; \"-\" is standard input");
    if (d->journal_dir && (!*out || !strcmp(out, "-")))
        return eddy_fail(err, EDDY_INVALID, "--journal needs -o DIR: it takes up files");
    if (d->journal_dir && d->labels_path)
        return eddy_fail(err, EDDY_INVALID,
                         "--labels tells of one run only, --journal takes up earlier ones: use "
                         "eddy score --run DIR");
    return EDDY_OK;
}

/* 1: what is read of the first file now will be there again. */
static int can_look_twice(const struct ed_config *config)
{
    struct stat is;
    return stat(config->source.files.at[0], &is) == 0 && S_ISREG(is.st_mode);
}

static eddy_status open_all(struct detect *d, eddy_error *err)
{
    eddy_status st = options_check(d, err);
    if (st == EDDY_OK)
        ed_stream_listen(NULL);
    if (st == EDDY_OK && (!d->journal_dir || can_look_twice(&d->config)))
        st = source_look(d, NULL, &d->source, err);
    if (st == EDDY_OK && d->journal_dir) {
        ed_stream_listen(NULL);
        ed_source_free(d->source); /* the journal says where it goes on */
        d->source = NULL;
    }
    if (st != EDDY_OK)
        return st;
    if (d->control_path)
        st = ed_orders_read_file(&d->orders, d->control_path, err);
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
    d->stream.user = d;
    d->stream.open_journal = open_journal;
    d->stream.open_source = open_source;
    struct ed_pipeline_options watch = {.watcher = d,
                                        .on_assigned = d->labels_path ? on_assigned : NULL,
                                        .on_change = d->labels_path ? on_change : NULL,
                                        .on_event = d->table || d->json ? on_event : NULL,
                                        .on_template = d->by_template ? on_template : NULL,
                                        .on_dead = on_dead,
                                        .orders = d->orders.at,
                                        .n_orders = d->orders.n,
                                        .resumable = d->journal_dir != NULL};
    return st == EDDY_OK ? ed_stream_open(&d->stream, &d->config, &watch, err) : st;
}

/* What went wrong, or made the rest unwanted, while the threads ran. */
static eddy_status ran(struct detect *d, eddy_error *err)
{
    eddy_status st = ed_stream_run(&d->stream, err);
    if (st == EDDY_OK && d->failure.status != EDDY_OK) {
        *err = d->failure;
        st = err->status;
    }
    if (st == EDDY_OK && atomic_load(&d->deserted))
        st = EDDY_STOPPED;
    return st;
}

static eddy_status answer(struct detect *d, eddy_error *err)
{
    eddy_status st = print_events(d, err);
    if (!d->lineage || (st != EDDY_OK && st != EDDY_STOPPED))
        return st;
    *err = (eddy_error){0}; /* whoever reads the events, the labels are wanted */
    return write_labels(d, err);
}

/* Documents came and none could be used: that is not what anybody wanted. */
static eddy_status usable_check(struct detect *d, eddy_error *err)
{
    struct ed_counts c;
    ed_stream_look(&d->stream, &c, NULL, NULL);
    return c.dead && !c.assigned && !c.founded
               ? ed_dead_useless(&d->dead, &d->config, &c, "assigned", err)
               : EDDY_OK;
}

static eddy_status run(struct detect *d, eddy_error *err)
{
    eddy_status st = open_all(d, err);
    if (st != EDDY_OK)
        return st;
    ed_view_line(&d->view, "reading %s", ed_guess_name(d->config.document.format));
    ed_stream_say_encoder(&d->stream, &d->config, &d->view);
    if (ed_shard_was_ended(d->stream.shard)) {
        ed_view_line(&d->view, "%s: this run has come to its end before; nothing is left to do",
                     d->journal_dir);
        return EDDY_OK;
    }
    struct ed_ticker *ticker = NULL;
    st = ed_ticker_start(100, tick, d, &ticker, err);
    if (st != EDDY_OK)
        return st;
    st = ran(d, err);
    ed_ticker_stop(ticker);
    ed_view_bar(&d->view, "%s", "");
    if (st == EDDY_OK)
        st = answer(d, err);
    account(d);
    return st == EDDY_OK && !ed_stream_signal() ? usable_check(d, err) : st;
}

/* All is closed and given back; returns the exit code. */
static int finish(struct detect *d, eddy_status st, eddy_error *err)
{
    eddy_status closed = ed_stream_close(&d->stream, err);
    st = st == EDDY_OK ? closed : st;
    ed_source_free(d->source);
    ed_view_clear(&d->view);
    ed_gallery_clear(&d->gallery);
    ed_templates_clear(&d->templates);
    ed_orders_clear(&d->orders);
    eddy_lineage_free(d->lineage);
    eddy_arena_free(d->arena);
    if (d->labels)
        fclose(d->labels);
    ed_config_clear(&d->config);
    if (st == EDDY_OK || err->status == EDDY_OK || st == EDDY_STOPPED)
        return ed_stream_signal() ? 128 + ed_stream_signal() : ED_EXIT_OK;
    int code = ed_exit_with(err);
    return err->status == EDDY_INVALID ? ED_EXIT_USAGE : code;
}

int ed_cmd_detect(int argc, char **argv)
{
    static struct detect d;
    const char *min_size = NULL, *all = NULL, *json = NULL, *templates = NULL;
    const struct ed_flag flags[] = {
        {"min-size", 0, "N", "show events of at least N documents (2)", &min_size},
        {"all", 'a', NULL, "show every event, those of one document too", &all},
        {"templates", 0, NULL, "of a log: show the forms of its lines in place of events",
         &templates},
        {"json", 'J', NULL, "events as JSON Lines, on a terminal too", &json},
        {"journal", 0, "DIR",
         "keep the state in DIR: a run that was killed or stopped goes on where it was, nothing "
         "lost, nothing twice",
         &d.journal_dir},
        {"control", 0, "FILE",
         "operations as JSON Lines, each applied at its \"position\" (documents before it), or at "
         "the end; an operations.jsonl is such a file",
         &d.control_path},
        {"labels", 0, "FILE", "write the event that each document is in at the end: id, tab, event",
         &d.labels_path},
    };
    const struct ed_command command = {
        .name = "detect",
        .synopsis = "eddy detect [OPTIONS] FILE...",
        .about =
            "Find events in files, a document a line; \"-\" is standard input. Lines are JSON\n"
            "objects (id, ts, title, text, lang, source), plain text, or a log in any common\n"
            "format; the first lines tell. Of a log each form of lines (template) is a document.\n"
            "On a terminal the events are shown as a table, else as JSON Lines; with -o DIR\n"
            "assignments, changes, events, operations and dead letters become files in DIR; with\n"
            "--journal as well the same command goes on where an earlier one was cut off.\n"
            "Exit code 0: all was read, or the reader of standard output had seen enough;\n"
            "1: no document could be used, or the input is no lines; 74: a file; 130 and 143:\n"
            "ended by SIGINT and SIGTERM, with what was read until then answered.",
        .examples = "  eddy detect news.jsonl\n"
                    "  eddy detect -o found news.jsonl\n"
                    "  eddy detect --templates app.log\n"
                    "  journalctl -f | eddy detect -\n",
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
    d.by_template = templates && (d.json || d.table);
    ed_gallery_init(&d.gallery, size_min, EVENTS_MAX);
    ed_templates_init(&d.templates);
    ed_view_init(&d.view, stderr);
    d.publisher.pipeline = d.config.pipeline;
    eddy_status st = err.status == EDDY_OK ? run(&d, &err) : err.status;
    return finish(&d, st, &err);
}
