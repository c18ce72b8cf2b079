/* eddy embed: the vectors of documents, as rows of a NumPy file.
 *
 * A pipeline without an engine: what the workers have embedded is written in the order in which it
 * came. A document that cannot be used has no row, so --ids tells which document each row is of.
 *
 * Only a run that has read everything renames NAME.part to NAME. One that was ended before leaves
 * NAME.part, as a whole file of the rows that there are. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/dead.h"
#include "cli/guess.h"
#include "cli/npy.h"
#include "cli/stream.h"
#include "cli/usage.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define GATHER ((size_t)1 << 20) /* bytes of ids in one write */

struct embed {
    struct ed_config config;
    struct ed_stream stream;
    struct ed_view view; /* standard error */
    struct ed_source *source;
    struct ed_dead dead;

    const char *path, *ids_path; /* ids_path NULL: not wanted */
    int ids_json;
    struct ed_npy npy;
    struct ed_output ids;
    eddy_error failure; /* the first of the engine's thread */
};

/* ---- what the engine's thread tells ---- */

/* A JSON object, or the id as it is but for what would part lines. */
static eddy_status id_add(struct ed_bytes *to, eddy_str id, int json, eddy_error *err)
{
    char *text = NULL;
    if (json) {
        json_t *object = json_pack("{s:s%}", "id", id.at, id.n);
        text = object ? json_dumps(object, JSON_COMPACT) : NULL;
        json_decref(object);
        if (!text || !ed_bytes_add_str(to, text))
            to->failed = 1;
        free(text);
    }
    for (size_t i = 0; i < id.n && !json; i++)
        ed_bytes_add(to, (unsigned char)id.at[i] < ' ' ? " " : id.at + i, 1);
    ed_bytes_add(to, "\n", 1);
    return to->failed ? eddy_fail_nomem(err, "--ids", id.n) : EDDY_OK;
}

static eddy_status ids_write(struct embed *e, eddy_error *err)
{
    eddy_status st = ed_output_write(&e->ids, err);
    if (st == EDDY_OK)
        ed_output_accept(&e->ids);
    return st;
}

static void on_embedded(void *watcher, const eddy_doc *doc)
{
    struct embed *e = watcher;
    eddy_error *err = &e->failure;
    if (err->status != EDDY_OK)
        return;
    eddy_status st = ed_npy_add(&e->npy, doc->dense, err);
    if (st == EDDY_OK && e->ids_path)
        st = id_add(&e->ids.lines, doc->id, e->ids_json, err);
    if (st == EDDY_OK && e->ids.lines.n >= GATHER)
        st = ids_write(e, err);
    if (st != EDDY_OK)
        ed_stream_stop(&e->stream);
}

static void on_dead(void *watcher, const eddy_raw *raw, eddy_reject reject, const char *detail)
{
    struct embed *e = watcher;
    ed_dead_look(&e->dead, raw, reject, detail);
}

/* ---- opening ---- */

static eddy_status open_journal(void *user, int32_t shard, struct ed_journal **ret, eddy_error *err)
{
    static const char *const nowhere[ED_TOPICS];
    struct embed *e = user;
    (void)shard;
    return ed_journal_files_open(nowhere, NULL, e->config.pipeline, ret, err);
}

static eddy_status open_source(void *user, int32_t shard, const struct ed_head *head,
                               struct ed_source **ret, eddy_error *err)
{
    struct embed *e = user;
    (void)shard, (void)head;
    *ret = e->source;
    e->source = NULL;
    return *ret ? EDDY_OK : eddy_fail(err, EDDY_INVALID, "embed: its input is read once");
}

static eddy_status options_check(const struct embed *e, eddy_error *err)
{
    if (!e->config.source.files.n)
        return eddy_fail(err, EDDY_INVALID, "no file is named; \"-\" is standard input");
    if (!e->path)
        return eddy_fail(err, EDDY_INVALID, "say where the vectors go: -o vectors.npy, or -o -");
    if (!strcmp(e->path, "-") && isatty(STDOUT_FILENO))
        return eddy_fail(err, EDDY_INVALID, "-o -: vectors are not for a terminal");
    if (e->ids_path && !strcmp(e->path, e->ids_path))
        return eddy_fail(err, EDDY_INVALID, "vectors and --ids cannot both go to %s", e->path);
    if (e->config.embed.model == ED_MODEL_NONE)
        return eddy_fail(err, EDDY_CONFIG, "embed.model none makes no vectors");
    return EDDY_OK;
}

static eddy_status open_all(struct embed *e, eddy_error *err)
{
    eddy_status st = options_check(e, err);
    if (st != EDDY_OK)
        return st;
    e->config.stage = ED_STAGE_EMBED;
    e->config.embed.keyphrases = 0;
    ed_stream_listen(NULL);
    st = ed_config_source_open(&e->config, NULL, 0, NULL, &e->source, err);
    if (st != EDDY_OK)
        return st;
    ed_stream_listen(e->source);
    st = ed_guess_format(&e->config, e->source, "embed", err);
    if (e->config.document.format == EDDY_FORMAT_LOGS)
        e->config.document.format = EDDY_FORMAT_LINES; /* each line as it stands */
    if (st != EDDY_OK)
        return st;
    e->stream.user = e;
    e->stream.open_journal = open_journal;
    e->stream.open_source = open_source;
    e->stream.unreasoned = 1;
    struct ed_pipeline_options watch = {
        .watcher = e, .on_embedded = on_embedded, .on_dead = on_dead};
    st = ed_stream_open(&e->stream, &e->config, &watch, err);
    if (st == EDDY_OK)
        st = ed_npy_open(&e->npy, e->path, e->stream.options.pipeline.vector_dim, err);
    if (st == EDDY_OK && e->ids_path)
        st = ed_output_open(&e->ids, e->ids_path, err);
    return st;
}

/* ---- the way through ---- */

static void tick(void *p)
{
    struct embed *e = p;
    ed_stream_bar(&e->stream, &e->view, "");
}

static eddy_status ran(struct embed *e, eddy_error *err)
{
    struct ed_ticker *ticker = NULL;
    eddy_status st = ed_ticker_start(100, tick, e, &ticker, err);
    if (st != EDDY_OK)
        return st;
    st = ed_stream_run(&e->stream, err);
    ed_ticker_stop(ticker);
    ed_view_bar(&e->view, "%s", "");
    if (st == EDDY_OK && e->failure.status != EDDY_OK) {
        *err = e->failure;
        st = err->status;
    }
    return st;
}

static void account(struct embed *e)
{
    char in[ED_TEXT], rows[ED_TEXT], filtered[ED_TEXT], dead[ED_TEXT], took[ED_TEXT], rate[ED_TEXT];
    struct ed_counts c;
    ed_stream_look(&e->stream, &c, NULL, NULL);
    int64_t ms = e->stream.took_ms > 0 ? e->stream.took_ms : 1;
    ed_view_line(&e->view, "in %s = embedded %s + filtered %s + dead %s; %s; %s, %s/s",
                 ed_text_number(c.in, in), ed_text_number(c.assigned, rows),
                 ed_text_number(c.filtered, filtered), ed_text_number(c.dead, dead),
                 ed_stream_encoder(&e->stream, &e->config), ed_text_took(ms, took),
                 ed_text_number(c.assigned * 1000 / (uint64_t)ms, rate));
    ed_dead_account(&e->dead, &e->config, &c, &e->view);
    ed_stream_say_cache(&e->stream, &e->view);
    if (c.dead + c.filtered)
        ed_view_line(&e->view, "documents that are dead or filtered have no row%s",
                     e->ids_path ? "" : "; --ids FILE tells whose each is");
}

/* All was read: the files get their names, ids before the vectors that they belong to. */
static eddy_status finish(struct embed *e, eddy_error *err)
{
    struct ed_counts c;
    ed_stream_look(&e->stream, &c, NULL, NULL);
    if (c.dead && !c.assigned)
        return ed_dead_useless(&e->dead, &e->config, &c, "embedded", err);
    eddy_status st = e->ids_path ? ids_write(e, err) : EDDY_OK;
    if (st == EDDY_OK && e->ids_path)
        st = ed_output_finish(&e->ids, err);
    return st == EDDY_OK ? ed_npy_finish(&e->npy, err) : st;
}

/* Ended before the end: what there is stays readable. */
static eddy_status leave(struct embed *e, eddy_error *err)
{
    eddy_status st = e->ids_path ? ids_write(e, err) : EDDY_OK;
    if (st == EDDY_OK)
        st = ed_npy_settle(&e->npy, err);
    if (st == EDDY_OK && e->npy.out.part)
        ed_view_line(&e->view, "ended before the end: %" PRIu64 " rows are left in %s", e->npy.n,
                     e->npy.out.part);
    return st;
}

static eddy_status run(struct embed *e, eddy_error *err)
{
    eddy_status st = open_all(e, err);
    if (st != EDDY_OK)
        return st;
    ed_view_line(&e->view, "reading %s",
                 ed_guess_name(e->config.document.format));
    ed_stream_say_encoder(&e->stream, &e->config, &e->view);
    st = ran(e, err);
    account(e);
    if (st == EDDY_OK)
        st = ed_stream_signal() ? leave(e, err) : finish(e, err);
    return st;
}

int ed_cmd_embed(int argc, char **argv)
{
    static struct embed e;
    const struct ed_flag flags[] = {
        {"output", 'o', "FILE", "where the vectors go; \"-\" is standard output", &e.path},
        {"ids", 0, "FILE",
         "write the ids of the documents, a line for each row: plain, or as JSON objects where "
         "FILE "
         "ends in .jsonl",
         &e.ids_path},
    };
    const struct ed_command command = {
        .name = "embed",
        .synopsis = "eddy embed [OPTIONS] FILE... -o vectors.npy",
        .about =
            "Write the vectors of documents as a NumPy file, (documents, dimensions) float32 in\n"
            "the order of the input, each of length 1. Input as of eddy detect: files, a document\n"
            "a line, JSON objects or plain text; \"-\" is standard input. embed.* says which "
            "model\n"
            "and how many threads; the vectors do not depend on that number. A document that\n"
            "cannot be used has no row, and is counted.\n"
            "Exit code 0: all was read; 1: no document could be used, or the input is no lines;\n"
            "69: the model is not there; 74: a file; 130 and 143: ended by SIGINT and SIGTERM,\n"
            "the rows until then are in FILE.part.",
        .examples = "  eddy embed news.jsonl -o vectors.npy --ids ids.txt\n"
                    "  journalctl -o cat | eddy embed --set embed.model=hash - -o logs.npy\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_FILES,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    int code = ed_config_start(argc, argv, &command, &e.config);
    if (code >= 0)
        return code;

    eddy_error err = {0};
    size_t n = e.ids_path ? strlen(e.ids_path) : 0;
    e.ids_json = n >= 6 && !strcmp(e.ids_path + n - 6, ".jsonl");
    ed_output_init(&e.npy.out);
    ed_output_init(&e.ids);
    ed_view_init(&e.view, stderr);
    eddy_status st = run(&e, &err);
    eddy_status closed = ed_stream_close(&e.stream, &err);
    st = st == EDDY_OK ? closed : st;

    ed_source_free(e.source);
    ed_view_clear(&e.view);
    ed_npy_clear(&e.npy);
    ed_output_clear(&e.ids);
    ed_config_clear(&e.config);
    if (st == EDDY_OK || st == EDDY_STOPPED)
        return ed_stream_signal() ? 128 + ed_stream_signal() : ED_EXIT_OK;
    code = ed_exit_with(&err);
    return err.status == EDDY_INVALID ? ED_EXIT_USAGE : code;
}
