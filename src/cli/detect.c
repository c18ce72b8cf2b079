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
#include "cli/orders.h"
#include "cli/stream.h"
#include "cli/usage.h"
#include "cli/view.h"

#include <eddy/score.h>

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdatomic.h>
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
    if (!d->json || event->size < d->gallery.size_min || event->state == EDDY_STATE_MERGED ||
        picture_json(d, event, &json) == EDDY_OK)
        ed_gallery_put(&d->gallery, event, json, &d->failure);
    const struct ed_shot *shot = ed_gallery_find(&d->gallery, event->id);
    if (d->json && shot && shot->faded && d->failure.status == EDDY_OK) {
        print_json(d, shot->json); /* it is final: nothing to wait for */
        ed_gallery_remove(&d->gallery, event->id);
    }
    is_over(d);
}

/* ---- progress ---- */

static void draw(void *p)
{
    struct detect *d = p;
    struct ed_counts c;
    struct ed_progress at;
    char gauge[128] = "", docs[ED_TEXT], rate[ED_TEXT], bytes[ED_TEXT], total[ED_TEXT],
         events[ED_TEXT], eta[ED_TEXT] = "";
    ed_stream_look(&d->stream, &c, &at, NULL);
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
    if (d->view.terminal)
        draw(d);
}

/* ---- the answer ---- */

static eddy_status print_events(struct detect *d, eddy_error *err)
{
    struct ed_gallery *gallery = &d->gallery;
    if (!d->json && !d->table)
        return EDDY_OK;
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

/* 1: the first document without text has its text elsewhere than where it was looked for. */
static int is_elsewhere(const struct detect *d)
{
    const struct ed_config *c = &d->config;
    const char *at = d->dead.longest;
    if (c->document.format != EDDY_FORMAT_JSON || !*d->dead.names)
        return 0;
    return !*at || (strcmp(c->document.text, at) != 0 && strcmp(c->document.title, at) != 0);
}

/* Where the text was looked for, and what was there instead. */
static void account_text(struct detect *d)
{
    const struct ed_config *c = &d->config;
    int both = *c->document.text && *c->document.title;
    char text[100], title[100];
    ed_view_line(&d->view, "    looked for %s%s%s; its fields are: %s",
                 ed_shown(c->document.text, text, sizeof text), both ? " and " : "",
                 ed_shown(c->document.title, title, sizeof title), d->dead.names);
}

static void account_dead(struct detect *d, const struct ed_counts *counts)
{
    char dead[300];
    ed_stream_dead(counts, dead, sizeof dead);
    if (*dead)
        ed_view_line(&d->view, "dead: %s; the first of each:", dead + 2);
    for (int i = 1; i < EDDY_REJECTS; i++) {
        if (!*d->dead.first[i])
            continue;
        ed_view_line(&d->view, "  %s: %s", eddy_reject_code((eddy_reject)i), d->dead.first[i]);
        if (i == EDDY_REJECT_TEXT && is_elsewhere(d))
            account_text(d);
    }
}

static void account_filtered(struct detect *d, uint64_t filtered)
{
    const struct ed_list *wanted = &d->config.document.languages;
    char list[200] = "", one[40], number[ED_TEXT], where[100];
    size_t n = 0;
    for (size_t i = 0; i < wanted->n && n + sizeof one + 8 < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "",
                              ed_shown(wanted->at[i], one, sizeof one));
    ed_view_line(
        &d->view, "filtered: %s documents, for their %s is not among document.languages (%s)",
        ed_text_number(filtered, number),
        *d->config.document.language ? ed_shown(d->config.document.language, where, sizeof where)
                                     : "language",
        list);
}

static void account(struct detect *d)
{
    char line[300], took[ED_TEXT], number[ED_TEXT];
    struct ed_counts counts;
    ed_stream_look(&d->stream, &counts, NULL, NULL);
    ed_stream_account(&d->stream, line, sizeof line);
    ed_view_line(&d->view, "%s; %s; %s", line, ed_stream_encoder(&d->stream, &d->config),
                 ed_text_took(d->stream.took_ms, took));
    account_dead(d, &counts);
    uint64_t foreign = counts.filtered - counts.duplicates;
    if (foreign && d->config.document.languages.n)
        account_filtered(d, foreign);
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

/* Documents came and none could be used: that is not what anybody wanted. */
static eddy_status usable_check(struct detect *d, eddy_error *err)
{
    struct ed_counts c;
    ed_stream_look(&d->stream, &c, NULL, NULL);
    if (!c.dead || c.assigned || c.founded)
        return EDDY_OK;
    const char *advice = "";
    char text[200];
    if (2 * c.dead_by[EDDY_REJECT_TEXT] >= c.dead && is_elsewhere(d)) {
        snprintf(text, sizeof text, "; say where the text is, as in --set document.text=%s",
                 *d->dead.longest ? d->dead.longest : "/message");
        advice = text;
    } else if (2 * c.dead_by[EDDY_REJECT_JSON] >= c.dead) {
        advice = "; for plain text: --set document.format=lines";
    } else if (2 * c.dead_by[EDDY_REJECT_OVERSIZE] >= c.dead) {
        advice = "; for larger ones raise document.max_bytes";
    }
    return eddy_fail(err, EDDY_FORMAT,
                     "nothing was assigned: %" PRIu64 " of %" PRIu64 " documents are dead%s",
                     c.dead, c.in, advice);
}

/* ---- opening ---- */

/* Behind a bracket, what only an array of documents goes on with; "[Sun Dec 04" and "[2031-05-14"
 * begin plain lines of logs. */
static int begins_array(const char *text, const char *end)
{
    for (text++; text < end && memchr(" \t\r", *text, 3);)
        text++;
    return text == end || memchr("\n{\"]", *text, 4) != NULL;
}

/* What the first line that is not blank says. What looks like JSON of many lines is refused: read
 * as plain text each of its lines would be a document. */
static eddy_status format_guess(const char *text, size_t n, int *ret, eddy_error *err)
{
    const char *end = text + n;
    json_error_t why;
    while (text < end && memchr(" \t\r\n", *text, 4))
        text++;
    *ret = text == end || *text == '{' ? EDDY_FORMAT_JSON : EDDY_FORMAT_LINES;
    if (text < end && *text == '[' && begins_array(text, end))
        return eddy_fail(err, EDDY_FORMAT,
                         "the input is a JSON array, not a document a line; try: jq -c '.[]' FILE "
                         "| eddy detect -; or, for plain text, --set document.format=lines");
    if (text == end || *text != '{')
        return EDDY_OK;
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    if (!newline && n == FIRST_BYTES)
        return EDDY_OK;
    json_t *json = json_loadb(text, (size_t)((newline ? newline : end) - text), 0, &why);
    json_decref(json);
    if (json || json_error_code(&why) == json_error_out_of_memory)
        return EDDY_OK;
    return eddy_fail(
        err, EDDY_FORMAT,
        "the first line begins like a JSON object, but is none; if the objects have "
        "many lines, try: jq -c . FILE | eddy detect -; if it is plain text: --set "
        "document.format=lines; if only this line is torn: --set document.format=json");
}

/* Unless somebody said what the input is, its first line does. */
static eddy_status format_find(struct detect *d, struct ed_source *source, eddy_error *err)
{
    static char text[FIRST_BYTES];
    size_t n = 0;
    int format = EDDY_FORMAT_JSON;
    if (ed_config_source_of(&d->config, "document.format")->layer > ED_LAYER_PROFILE)
        return EDDY_OK;
    eddy_status st = ed_source_files_peek(source, text, sizeof text, &n, err);
    if (st == EDDY_OK && n)
        st = format_guess(text, n, &format, err);
    if (st == EDDY_OK && n)
        d->config.document.format = format;
    return st;
}

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
    return format_find(d, *ret, err);
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

static eddy_status open_all(struct detect *d, eddy_error *err)
{
    eddy_status st = options_check(d, err);
    if (st == EDDY_OK)
        ed_stream_listen(NULL);
    if (st == EDDY_OK && !d->journal_dir)
        st = source_look(d, NULL, &d->source, err);
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

static eddy_status run(struct detect *d, eddy_error *err)
{
    eddy_status st = open_all(d, err);
    if (st != EDDY_OK)
        return st;
    ed_view_line(&d->view, "reading %s",
                 d->config.document.format == EDDY_FORMAT_JSON ? "JSON objects" : "plain lines");
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

int ed_cmd_detect(int argc, char **argv)
{
    static struct detect d;
    const char *min_size = NULL, *all = NULL, *json = NULL;
    const struct ed_flag flags[] = {
        {"min-size", 0, "N", "show events of at least N documents (2)", &min_size},
        {"all", 'a', NULL, "show every event, those of one document too", &all},
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
            "objects (id, ts, title, text, lang, source) or plain text; the first line tells.\n"
            "On a terminal the events are shown as a table, else as JSON Lines; with -o DIR\n"
            "assignments, changes, events, operations and dead letters become files in DIR; with\n"
            "--journal as well the same command goes on where an earlier one was cut off.\n"
            "Exit code 0: all was read, or the reader of standard output had seen enough;\n"
            "1: no document could be used, or the input is no lines; 74: a file; 130 and 143:\n"
            "ended by SIGINT and SIGTERM, with what was read until then answered.",
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

    ed_source_free(d.source);
    ed_view_clear(&d.view);
    ed_gallery_clear(&d.gallery);
    ed_orders_clear(&d.orders);
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
