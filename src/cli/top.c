/* eddy top: the events of a stream as they come, on the whole terminal.
 *
 * One thread (the one of main) has the screen and the roster; another one brings what becomes of
 * events to the inbox (feed.h). Between two frames the roster takes over what waits, for a bounded
 * time, so that keys are answered however fast the stream is; frames come ten times a second at
 * most, and only when there is something to show. */
#include "cli/top.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/usage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAME_MS  100  /* between two frames, at least */
#define STILL_MS  1000 /* ... and at most: rates sink where nothing comes */
#define BUDGET_MS 40   /* of a frame, for what has come */

/* ---- moving ---- */

/* What is shown has changed: the chosen event may be elsewhere, or gone. Whoever stands on the
 * first line stays there, and sees whatever comes to be first. */
static void follow(struct ed_top *top)
{
    const struct ed_roster *roster = &top->roster;
    for (size_t i = 0; top->chosen && i < roster->n_shown; i++)
        if (roster->shown[i]->id == ed_roster_where(roster, top->chosen)) {
            top->at = i;
            break;
        }
    size_t rows = ed_top_table_rows(top);
    if (top->at >= roster->n_shown)
        top->at = roster->n_shown ? roster->n_shown - 1 : 0;
    if (top->at < top->first)
        top->first = top->at;
    if (top->at >= top->first + rows)
        top->first = top->at - rows + 1;
    if (top->first + rows > roster->n_shown)
        top->first = roster->n_shown > rows ? roster->n_shown - rows : 0;
}

/* A place moved by a key in a list of n, of which `rows` are seen. 0: it is no such key. */
static int move(int key, size_t *at, size_t n, size_t rows)
{
    size_t last = n ? n - 1 : 0;
    switch (key) {
    case ED_KEY_UP:
    case 'k': *at -= *at > 0; break;
    case ED_KEY_DOWN:
    case 'j': *at += *at < last; break;
    case ED_KEY_PAGE_UP: *at -= *at < rows ? *at : rows; break;
    case ED_KEY_PAGE_DOWN:
    case ' ': *at = *at + rows < last ? *at + rows : last; break;
    case ED_KEY_HOME:
    case 'g': *at = 0; break;
    case ED_KEY_END:
    case 'G': *at = last; break;
    default: return 0;
    }
    return 1;
}

/* ---- keys ---- */

static void page_open(struct ed_top *top)
{
    if (top->at >= top->roster.n_shown)
        return;
    top->event = top->roster.shown[top->at]->id;
    top->scrolled = 0;
    ed_sheet_clear(&top->page);
    top->mode = ED_TOP_PAGE;
}

static void table_key(struct ed_top *top, int key)
{
    struct ed_roster *roster = &top->roster;
    if (move(key, &top->at, roster->n_shown, ed_top_table_rows(top))) {
        top->chosen = top->at ? roster->shown[top->at]->id : 0;
        return;
    }
    switch (key) {
    case ED_KEY_ENTER: page_open(top); break;
    case ED_KEY_ESCAPE: *roster->filter = 0; break;
    case '/': top->mode = ED_TOP_FILTER; break;
    case 's': roster->order = (roster->order + 1) % ED_ROSTER_ORDERS; break;
    case '1':
    case '2':
    case '3':
    case '4': roster->order = (enum ed_roster_order)(key - '1'); break;
    case 'i': roster->interval_ms = ed_roster_interval_next(roster->interval_ms); break;
    case 'm': roster->size_min = roster->size_min > 1 ? 0 : 2; break;
    default: break;
    }
}

static void page_key(struct ed_top *top, int key)
{
    size_t rows = ed_top_page_rows(top);
    size_t last = top->page.n > rows ? top->page.n - rows : 0;
    if (move(key, &top->scrolled, last + 1, rows))
        return;
    if (key == ED_KEY_ESCAPE || key == ED_KEY_ENTER || key == ED_KEY_ERASE || key == ED_KEY_LEFT)
        top->mode = ED_TOP_TABLE;
}

static void filter_key(struct ed_top *top, int key)
{
    char *filter = top->roster.filter, bytes[4];
    size_t n = strlen(filter);
    if (key == ED_KEY_ENTER) {
        top->mode = ED_TOP_TABLE;
    } else if (key == ED_KEY_ESCAPE) {
        *filter = 0;
        top->mode = ED_TOP_TABLE;
    } else if (key == ED_KEY_ERASE) {
        while (n && ((unsigned char)filter[--n] & 0xC0) == 0x80) {
        }
        filter[n] = 0;
    } else if (key >= ' ' && key < ED_KEY_UP) {
        size_t size = ed_utf8_put(key, bytes);
        if (n + size < sizeof top->roster.filter) {
            memcpy(filter + n, bytes, size);
            filter[n + size] = 0;
        }
    }
    top->chosen = 0;
    top->at = 0;
}

static void press(struct ed_top *top, int key)
{
    if (key == ED_KEY_GONE)
        top->quit = 1;
    else if (key == ED_KEY_RESIZE)
        return; /* the next frame has the new size */
    else if (top->mode == ED_TOP_FILTER)
        filter_key(top, key);
    else if (top->mode == ED_TOP_HELP)
        top->mode = top->behind_help;
    else if (key == 'q')
        top->quit = 1;
    else if (key == 'p')
        top->paused = !top->paused;
    else if (key == '?' || key == 'h') {
        top->behind_help = top->mode;
        top->mode = ED_TOP_HELP;
    } else if (top->mode == ED_TOP_PAGE)
        page_key(top, key);
    else
        table_key(top, key);
}

/* ---- frames ---- */

struct pace {
    int64_t stepped_ms, drawn_ms; /* when it was last looked for news, and drawn */
    int dirty;                    /* a key was pressed since */
};

static eddy_status frame(struct ed_top *top, eddy_error *err)
{
    eddy_status st = ed_roster_arrange(&top->roster, err);
    if (st != EDDY_OK)
        return st;
    double done = top->look.has_counts ? (double)top->look.done : top->roster.documents;
    if (top->look.has_counts || top->look.state == ED_FEED_LIVE)
        ed_flow_put(&top->rate, ed_view_now(), done);
    follow(top);
    ed_top_draw(top);
    return top->page.failed ? eddy_fail_nomem(err, "screen", 0) : EDDY_OK;
}

/* What has come is taken over just before it is drawn: keys are about what is on the screen. */
static eddy_status step(struct ed_top *top, struct pace *pace, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    int changed = 0;
    enum ed_feed_state before = top->look.state;
    ed_feed_look(&top->feed, &top->look);
    if (top->look.state == ED_FEED_ENDED && before != ED_FEED_ENDED)
        st = ed_feed_join(&top->feed, err);
    if (st == EDDY_OK && !top->paused)
        st = ed_roster_take(&top->roster, &top->inbox, BUDGET_MS, &changed, err);
    pace->stepped_ms = ed_view_now();
    if (st != EDDY_OK || !(changed || pace->dirty || pace->stepped_ms - pace->drawn_ms >= STILL_MS))
        return st;
    pace->dirty = 0;
    pace->drawn_ms = pace->stepped_ms;
    return frame(top, err);
}

/* Until somebody has seen enough, a signal comes, or the stream fails. */
static eddy_status watch(struct ed_top *top, eddy_error *err)
{
    struct pace pace = {.dirty = 1};
    eddy_status st = EDDY_OK;
    while (st == EDDY_OK && !top->quit && !ed_stream_signal()) {
        int64_t since = ed_view_now() - (pace.dirty ? pace.drawn_ms : pace.stepped_ms);
        if (since >= FRAME_MS) {
            st = step(top, &pace, err);
            continue;
        }
        int key = ed_screen_key(top->screen, (int)(FRAME_MS - since));
        for (; key != ED_KEY_NONE && !top->quit; key = ed_screen_key(top->screen, 0)) {
            press(top, key);
            pace.dirty = 1;
        }
    }
    return st;
}

/* ---- the command ---- */

static eddy_status feed_choose(struct ed_top *top, const char *run, eddy_error *err)
{
    struct ed_config *config = top->config;
    struct ed_feed *feed = &top->feed;
    int named = ed_config_source_of(config, "source.files")->layer == ED_LAYER_LETTER;
    const char *dir = run                                                      ? run
                      : *config->output.dir && strcmp(config->output.dir, "-") ? config->output.dir
                                                                               : NULL;
    if (named && run)
        return eddy_fail(err, EDDY_INVALID, "top: files, or --run: which is it?");
    feed->config = config;
    feed->inbox = &top->inbox;
    feed->dir = dir;
    if (!named && dir) {
        feed->kind = ED_FEED_FILES;
        top->where = dir;
    } else if (!named && ed_config_has_broker(config)) {
        feed->kind = ED_FEED_TOPICS;
        top->where = config->output.topics[ED_EVENTS];
    } else if (config->source.files.n) {
        feed->kind = ED_FEED_DOCUMENTS;
        top->where =
            strcmp(config->source.files.at[0], "-") ? config->source.files.at[0] : "standard input";
    } else {
        return eddy_fail(err, EDDY_INVALID,
                         "top: nothing is named: files (\"-\" is standard input), a broker (-b, or "
                         "-c FILE), or --run DIR");
    }
    return EDDY_OK;
}

/* Both would read the same keys. */
static eddy_status keys_check(const struct ed_top *top, eddy_error *err)
{
    const struct ed_list *files = &top->config->source.files;
    for (size_t i = 0; top->feed.kind == ED_FEED_DOCUMENTS && i < files->n; i++)
        if (!strcmp(files->at[i], "-") && isatty(STDIN_FILENO))
            return eddy_fail(err, EDDY_INVALID,
                             "top: standard input is the terminal, where the keys come from; give "
                             "it documents: journalctl -f | eddy top -");
    return EDDY_OK;
}

static eddy_status screen_open(struct ed_top *top, eddy_error *err)
{
    static const char *const instead[] = {[ED_FEED_DOCUMENTS] = "eddy detect",
                                          [ED_FEED_TOPICS] = "eddy events",
                                          [ED_FEED_FILES] = "eddy events"};
    eddy_error why = {0};
    eddy_status st = ed_screen_open(&top->screen, &why);
    if (st == EDDY_INVALID)
        return eddy_fail(err, st, "top: %s; without one: %s", why.text, instead[top->feed.kind]);
    if (st != EDDY_OK)
        *err = why;
    return st;
}

/* What a run of detect would say at its end. */
static void account(struct ed_top *top)
{
    char line[300], took[ED_TEXT];
    struct ed_view view;
    struct ed_counts counts;
    if (!atomic_load(&top->feed.streams))
        return;
    ed_view_init(&view, stderr);
    ed_stream_look(&top->feed.stream, &counts, NULL, NULL);
    ed_stream_account(&top->feed.stream, line, sizeof line);
    ed_view_line(&view, "%s; %s; %s", line, ed_stream_encoder(&top->feed.stream, top->config),
                 ed_text_took(top->feed.stream.took_ms, took));
    ed_dead_account(&top->feed.dead, top->config, &counts, &view);
    ed_view_clear(&view);
}

static eddy_status run(struct ed_top *top, eddy_error *err)
{
    eddy_status st = ed_feed_open(&top->feed, err);
    if (st == EDDY_OK)
        st = screen_open(top, err);
    if (st == EDDY_OK)
        st = ed_feed_start(&top->feed, err);
    if (st == EDDY_OK)
        st = watch(top, err);
    ed_screen_close(top->screen);
    ed_feed_stop(&top->feed);
    eddy_status joined = ed_feed_join(&top->feed, err);
    account(top);
    eddy_status closed = ed_feed_close(&top->feed, err);
    return st != EDDY_OK ? st : joined != EDDY_OK ? joined : closed;
}

static eddy_status size_min_read(const char *text, struct ed_roster *roster, eddy_error *err)
{
    char *end = NULL;
    double size = text ? strtod(text, &end) : roster->size_min;
    if (text && (*end || !(size >= 1)))
        return eddy_fail(err, EDDY_INVALID, "top: --min-size %s: not a number from 1 on", text);
    roster->size_min = size;
    return EDDY_OK;
}

int ed_cmd_top(int argc, char **argv)
{
    static struct ed_top top;
    static struct ed_config config;
    const char *dir = NULL, *min_size = NULL;
    const struct ed_flag flags[] = {
        {"run", 0, "DIR", "what eddy detect -o DIR or eddy run -o DIR writes, or wrote", &dir},
        {"min-size", 0, "N", "show events of at least N documents (2); the key m shows all",
         &min_size},
    };
    const struct ed_command command = {
        .name = "top",
        .synopsis = "eddy top [OPTIONS] FILE...\n       eddy top [OPTIONS] -b BROKER\n       "
                    "eddy top [OPTIONS] --run DIR",
        .about =
            "Watch events as they come, the most active first, on the whole terminal: in files\n"
            "(\"-\" is standard input), found here as eddy detect does; of a running pipeline,\n"
            "whose topics are followed (-b, -c); or of a run whose files are in a directory.\n"
            "Keys: arrows choose, enter opens an event's page, / filters, s orders, p pauses,\n"
            "? tells of the others, q quits. NO_COLOR is heeded.\n"
            "Exit code 0: somebody quit; 2: there is no terminal; 130 and 143: ended by SIGINT\n"
            "and SIGTERM.",
        .examples = "  journalctl -f -o cat | eddy top --profile logs -\n"
                    "  eddy top news.jsonl\n"
                    "  eddy top -b localhost:9092\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA | ED_TAKES_FILES,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    int code = ed_config_start(argc, argv, &command, &config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    top.config = &config;
    ed_inbox_init(&top.inbox);
    ed_roster_init(&top.roster);
    eddy_status st = size_min_read(min_size, &top.roster, &err);
    if (st == EDDY_OK)
        st = feed_choose(&top, dir, &err);
    if (st == EDDY_OK)
        st = keys_check(&top, &err);
    if (st == EDDY_OK)
        st = run(&top, &err);
    ed_sheet_clear(&top.page);
    ed_roster_clear(&top.roster);
    ed_inbox_clear(&top.inbox);
    ed_config_clear(&config);
    if (st == EDDY_INVALID)
        return ed_exit_usage(command.name, &err);
    if (st != EDDY_OK)
        return ed_exit_with(&err);
    return ed_stream_signal() ? 128 + ed_stream_signal() : ED_EXIT_OK;
}
