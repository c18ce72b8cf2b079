/* bench_reasoner: what answers to the engine's doubts are worth, by a judge that knows the labels.
 *
 *   bench_reasoner DOCS LABELS VECTORS MODEL DIR [NAME=VALUE ...]
 *
 *   DOCS       JSON Lines with id, ts, text, title
 *   LABELS     the gold cluster of each document, a number a line; only the judge sees them
 *   VECTORS    of the documents; made by MODEL ("hash", "encoder") from DIR where there are none
 *   answers=N  several of them: questions in all, one run each; 0 is always run
 *   wrong=P    an answer is flipped with this probability; 0.1
 *   error=P    what the judge says that probability is; as `wrong`, at least 0.03
 *   delay=N    documents between a question and its answer; 0
 *   seed=N     of the flips; 1
 *   limit=N    documents taken
 *   direct=1   the judge is asked without a reasoner between
 *
 * Every second pass the engine is asked for its doubts, the budget spread evenly over the stream.
 * They go into a view, and the reasoner makes requests of it as to a language model; in the model's
 * place stands the judge, who reads what a request is about, and compares the labels that most
 * documents of either side have. Prints a line of key=value for each run. */
#include "base/bytes.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/utf8.h"

#include <eddy/eddy.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       32 /* the first pass comes after so many; all come at multiples of it */
#define EVERY       2  /* passes between questions */
#define FIRST       512
#define ROUNDS      3   /* at the end of the stream */
#define NAMED_MAX   128 /* ids in a question */
#define TITLE_SHOWN 200
#define RUNS_MAX    16
#define ERROR_MIN   0.03

struct settings {
    double wrong, error;
    size_t delay, limit;
    uint64_t seed, direct;
    size_t answers[RUNS_MAX], n_answers;
};

struct stream {
    size_t n, dim;
    eddy_row *rows;
    uint64_t *labels;
    float *vectors; /* (n, dim) */
    eddy_arena *arena;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_reasoner: %s: %s\n", what, why);
    exit(1);
}

static void check(eddy_status st, const eddy_error *err)
{
    if (st != EDDY_OK)
        die(eddy_status_name(st), err->text);
}

/* ---- the stream ---- */

/* How many lines the file has. */
static size_t lines_of(const char *path)
{
    FILE *in = fopen(path, "r");
    size_t n = 0;
    if (!in)
        die(path, "cannot open");
    for (int c; (c = getc(in)) != EOF;)
        n += c == '\n';
    fclose(in);
    return n;
}

static void labels_read(struct stream *s, const char *path)
{
    FILE *in = fopen(path, "r");
    for (size_t i = 0; in && i < s->n; i++)
        if (fscanf(in, "%" SCNu64, &s->labels[i]) != 1)
            die(path, "fewer labels than documents");
    if (!in)
        die(path, "cannot open");
    fclose(in);
}

/* Rows as the pipeline makes them, but for the vectors; what is embedded goes to texts. */
static void docs_read(struct stream *s, const char *path, eddy_str *texts)
{
    eddy_parse_options options;
    eddy_parser *parser = NULL;
    eddy_error err = {0};
    eddy_parse_options_init(&options);
    check(eddy_parser_new(&options, &parser, &err), &err);
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    for (size_t i = 0; in && i < s->n; i++) {
        ssize_t got = getline(&line, &room, in);
        eddy_raw raw = {.bytes = line, .n = got > 0 ? (size_t)got - 1 : 0, .broker_ms = -1};
        raw.position = (eddy_position){path, 0, (int64_t)i};
        eddy_doc doc;
        eddy_reject reject;
        char why[256] = "";
        check(eddy_parser_parse(parser, &raw, s->arena, &doc, &reject, why, sizeof why, &err),
              &err);
        if (reject != EDDY_ACCEPTED)
            die(path, why);
        eddy_row *row = &s->rows[i];
        *row = (eddy_row){
            .time_ms = doc.time_ms, .id = doc.id, .title = doc.title.n ? doc.title : doc.text};
        check(eddy_terms_read(doc.title, doc.text, s->arena, &row->terms, &row->n_terms, &err),
              &err);
        texts[i] = eddy_text_join(doc.title, doc.text, s->arena);
    }
    if (!in)
        die(path, "cannot open");
    free(line);
    fclose(in);
    eddy_parser_free(parser);
}

/* 1: the file holds the vectors of these documents. */
static int vectors_read(struct stream *s, const char *path)
{
    uint64_t head[2];
    FILE *in = fopen(path, "rb");
    if (!in)
        return 0;
    int there = fread(head, sizeof head, 1, in) == 1 && head[0] >= s->n;
    s->dim = there ? head[1] : 0;
    s->vectors = malloc(s->n * s->dim * sizeof *s->vectors + 1);
    there = there && fread(s->vectors, s->dim * sizeof *s->vectors, s->n, in) == s->n;
    fclose(in);
    return there;
}

static void vectors_make(struct stream *s, const eddy_str *texts, const char *path,
                         const char *model, const char *dir)
{
    enum { BLOCK = 64 };
    eddy_embedder *embedder = NULL;
    eddy_error err = {0};
    eddy_arena *scratch = eddy_arena_new(0);
    check(eddy_embedder_open(&(eddy_embedder_options){.model = model, .dir = dir}, &embedder, &err),
          &err);
    s->dim = eddy_embedder_dim(embedder);
    free(s->vectors);
    s->vectors = malloc(s->n * s->dim * sizeof *s->vectors);
    for (size_t i = 0; i < s->n; i += BLOCK)
        check(eddy_embedder_embed(embedder, texts + i, s->n - i < BLOCK ? s->n - i : BLOCK, scratch,
                                  s->vectors + i * s->dim, &err),
              &err);
    uint64_t head[2] = {s->n, s->dim};
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(head, sizeof head, 1, out) != 1 ||
        fwrite(s->vectors, s->dim * sizeof *s->vectors, s->n, out) != s->n || fclose(out))
        die(path, "cannot write");
    eddy_embedder_free(embedder);
    eddy_arena_free(scratch);
}

static void stream_open(struct stream *s, char **argv, size_t limit)
{
    memset(s, 0, sizeof *s);
    s->n = lines_of(argv[0]);
    s->n = limit && limit < s->n ? limit : s->n;
    s->rows = calloc(s->n + 1, sizeof *s->rows);
    s->labels = calloc(s->n + 1, sizeof *s->labels);
    s->arena = eddy_arena_new(0);
    eddy_str *texts = calloc(s->n + 1, sizeof *texts);
    if (!s->rows || !s->labels || !texts || !s->arena)
        die("documents", "no memory");
    labels_read(s, argv[1]);
    docs_read(s, argv[0], texts);
    if (!vectors_read(s, argv[2]))
        vectors_make(s, texts, argv[2], argv[3], argv[4]);
    for (size_t i = 0; i < s->n; i++) {
        const float *x = s->vectors + i * s->dim;
        for (size_t d = 0; d < s->dim && !s->rows[i].dense; d++)
            s->rows[i].dense = fabsf(x[d]) > 0 ? x : NULL;
    }
    free(texts);
}

static void stream_close(struct stream *s)
{
    free(s->rows);
    free(s->labels);
    free(s->vectors);
    eddy_arena_free(s->arena);
}

/* ---- one run ---- */

/* An answer on its way. */
struct answer {
    eddy_operation op;
    uint64_t *groups; /* its own */
    size_t due;       /* documents */
};

struct run {
    const struct settings *settings;
    const struct stream *stream;
    eddy_clusterer *cl;
    eddy_lineage *lineage;
    eddy_reasoner *reasoner;
    struct ed_table folded; /* group -> the group that it went into */
    size_t n;               /* documents seen */
    eddy_assignment *at;    /* (n) */
    uint64_t *group_now, *event_now;
    uint64_t *labels; /* (n) of a side */
    size_t *picked;   /* (n) likewise, its documents */
    struct answer *waiting;
    size_t n_waiting, first_waiting, room_waiting;
    size_t budget, asked, applied, yes;
    size_t refused[EDDY_REFUSALS];
    uint64_t passes;
};

/* What the engine told of its last call. */
static void hear(struct run *r)
{
    const eddy_change *changes = NULL;
    eddy_error err = {0};
    size_t n = eddy_clusterer_changes(r->cl, &changes);
    for (size_t i = 0; i < n; i++) {
        check(eddy_lineage_changed(r->lineage, &changes[i], &err), &err);
        if (changes[i].kind == EDDY_FOLDED &&
            !ed_table_put(&r->folded, changes[i].group, changes[i].into_group))
            die("groups", "no memory");
    }
}

static void locate(struct run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        uint64_t group = r->at[i].group;
        for (const uint64_t *next; (next = ed_table_find(&r->folded, group));)
            group = *next;
        r->group_now[i] = group;
        r->event_now[i] = eddy_lineage_now(r->lineage, r->at[i].event, r->at[i].group);
    }
}

/* ---- the judge ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The label that most of these have; of equal ones the lowest. */
static uint64_t majority(uint64_t *labels, size_t n)
{
    uint64_t best = 0;
    size_t most = 0;
    qsort(labels, n, sizeof *labels, by_number);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && labels[j] == labels[i];)
            j++;
        if (j - i > most) {
            most = j - i;
            best = labels[i];
        }
    }
    return best;
}

static int in_groups(const eddy_doubt *d, uint64_t group)
{
    for (size_t k = 0; k < d->n_groups; k++)
        if (d->groups[k] == group)
            return 1;
    return 0;
}

/* The documents of one side of a doubt: all of an event, or those of some of its groups, or of the
 * others. Gives how many. */
static size_t side_documents(const struct run *r, const eddy_doubt *d, int side, size_t *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        if (d->kind == EDDY_DOUBT_SAME
                ? r->event_now[i] == (side ? d->other : d->event)
                : r->event_now[i] == d->event && in_groups(d, r->group_now[i]) != side)
            ret[n++] = i;
    return n;
}

static uint64_t side_label(struct run *r, const eddy_doubt *d, int side)
{
    size_t n = side_documents(r, d, side, r->picked);
    if (!n)
        die("judge", "a side without documents");
    for (size_t i = 0; i < n; i++)
        r->labels[i] = r->stream->labels[r->picked[i]];
    return majority(r->labels, n);
}

/* Is the judge wrong this time? */
static int errs(struct run *r)
{
    uint64_t dice = ed_mix64(r->settings->seed * 1000003 + r->asked++);
    return (double)(dice >> 11) * 0x1p-53 < r->settings->wrong;
}

static int judge(struct run *r, const eddy_doubt *d)
{
    int same = side_label(r, d, 0) == side_label(r, d, 1);
    return same != errs(r);
}

/* ---- the judge in a language model's place ---- */

/* What is said of oneself, so that the reasoner takes as much for the error (verdicts.c there). */
static double confidence(const struct run *r)
{
    return 0.95 - (r->settings->error - 0.06) / 0.64;
}

/* Events in lists by their labels; one who errs says that all are one, or that none are. */
static void group_write(struct run *r, const uint64_t *ids, size_t n, struct ed_bytes *out)
{
    uint64_t labels[NAMED_MAX];
    int together = 0;
    for (size_t i = 0; i < n; i++) {
        labels[i] = side_label(r, &(eddy_doubt){.kind = EDDY_DOUBT_SAME, .event = ids[i]}, 0);
        for (size_t j = 0; j < i; j++)
            together |= labels[j] == labels[i];
    }
    int wrong = errs(r);
    for (size_t i = 0; i < n && wrong; i++)
        labels[i] = together ? i : 0;
    ed_bytes_add_str(out, "\"groups\":[");
    for (size_t i = 0, lists = 0; i < n; i++) {
        int known = 0;
        for (size_t j = 0; j < i; j++)
            known |= labels[j] == labels[i];
        if (known)
            continue;
        ed_bytes_printf(out, "%s[\"E%" PRIu64 "\"", lists++ ? "," : "", ids[i]);
        for (size_t j = i + 1; j < n; j++)
            if (labels[j] == labels[i])
                ed_bytes_printf(out, ",\"E%" PRIu64 "\"", ids[j]);
        ed_bytes_add_str(out, "]");
    }
    ed_bytes_add_str(out, "]");
}

/* One question, by the line that tells what it is about. */
static void verdict_write(struct run *r, const char *purpose, const char *line,
                          struct ed_bytes *out)
{
    uint64_t ids[NAMED_MAX] = {0};
    size_t n = 0;
    while (n < NAMED_MAX && *line && *line != '\n') {
        char *end;
        line += strspn(line, " E");
        ids[n] = strtoull(line, &end, 10);
        if (end == line)
            break;
        n++;
        line = end;
    }
    if (!strcmp(purpose, "group")) {
        group_write(r, ids, n, out);
    } else {
        int whole = !strcmp(purpose, "whole");
        eddy_doubt d = {.kind = whole ? EDDY_DOUBT_WHOLE : EDDY_DOUBT_SAME,
                        .event = ids[0],
                        .other = whole ? 0 : ids[1],
                        .groups = ids + 1,
                        .n_groups = whole ? n - 1 : 0};
        ed_bytes_printf(out, "\"same\":%s", judge(r, &d) ? "true" : "false");
    }
    ed_bytes_printf(out, ",\"confidence\":%.4f,\"reason\":\"\"", confidence(r));
}

static eddy_str answers_write(struct run *r, const eddy_request *q, eddy_arena *arena)
{
    struct ed_bytes out;
    size_t number = 0;
    ed_bytes_init(&out, 0);
    for (const char *line = q->about.at; line && *line;) {
        ed_bytes_printf(&out, "%s\"Q%zu\":{", number ? "," : "{", number + 1);
        verdict_write(r, q->purpose, line, &out);
        ed_bytes_add_str(&out, "}");
        number++;
        line = strchr(line, '\n');
        line += line != NULL;
    }
    ed_bytes_add_str(&out, "}");
    eddy_str text = ed_arena_str(arena, out.at, out.n);
    ed_bytes_clear(&out);
    return text;
}

static void complete(void *self, const eddy_request *requests, size_t n, eddy_arena *arena,
                     eddy_reply *replies)
{
    for (size_t i = 0; i < n; i++) {
        const char *purpose = requests[i].purpose;
        int knows =
            !strcmp(purpose, "same") || !strcmp(purpose, "whole") || !strcmp(purpose, "group");
        replies[i] = (eddy_reply){.status = EDDY_UNAVAILABLE, .detail = "no question for a judge"};
        if (knows)
            replies[i] = (eddy_reply){.text = answers_write(self, &requests[i], arena)};
    }
}

/* ---- questions and answers ---- */

static void answer_later(struct run *r, const eddy_operation *op)
{
    if (r->n_waiting == r->room_waiting) {
        r->room_waiting = r->room_waiting ? 2 * r->room_waiting : 64;
        r->waiting = realloc(r->waiting, r->room_waiting * sizeof *r->waiting);
        if (!r->waiting)
            die("answers", "no memory");
    }
    struct answer *a = &r->waiting[r->n_waiting++];
    *a = (struct answer){.op = *op, .due = r->n + r->settings->delay};
    a->groups = calloc(op->n_groups + 1, sizeof *a->groups);
    if (!a->groups)
        die("answers", "no memory");
    if (op->n_groups)
        memcpy(a->groups, op->groups, op->n_groups * sizeof *a->groups);
    a->op.groups = op->n_groups ? a->groups : NULL;
    a->op.evidence = (eddy_str){NULL, 0};
}

static void ask_judge(struct run *r, const eddy_doubt *doubts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const eddy_doubt *d = &doubts[i];
        eddy_operation op = {.kind = EDDY_OPERATION_ANSWER,
                             .actor = EDDY_LLM,
                             .event = d->event,
                             .other = d->other,
                             .event_version = d->event_version,
                             .other_version = d->other_version,
                             .groups = d->groups,
                             .n_groups = d->n_groups,
                             .error = r->settings->error,
                             .similarity = d->similarity};
        op.same = judge(r, d);
        answer_later(r, &op);
    }
}

/* Some documents of a side: the first, one from the middle, the last. */
static void side_show(struct run *r, const eddy_doubt *d, int side, eddy_arena *arena,
                      eddy_view_side *ret)
{
    size_t n = side_documents(r, d, side, r->picked);
    size_t shown = n < 3 ? n : 3;
    eddy_member *members = ed_arena_alloc_zero(arena, 3, sizeof *members);
    if (!members)
        die("view", "no memory");
    for (size_t k = 0; k < shown; k++) {
        size_t i = r->picked[shown > 1 ? k * (n - 1) / (shown - 1) : 0];
        const eddy_row *row = &r->stream->rows[i];
        members[k] = (eddy_member){.position = i,
                                   .id = row->id,
                                   .title = row->title,
                                   .time_ms = row->time_ms,
                                   .event = r->event_now[i],
                                   .group = r->group_now[i]};
        members[k].title.n = ed_utf8_cut(row->title.at, row->title.n, TITLE_SHOWN);
    }
    *ret = (eddy_view_side){.event = d->kind == EDDY_DOUBT_SAME && side ? d->other : d->event,
                            .documents = (double)n,
                            .members = members,
                            .n_members = shown};
}

/* The doubts as a view, and what the reasoner makes of it. */
static void ask_reasoner(struct run *r, const eddy_doubt *doubts, size_t n, eddy_arena *arena)
{
    eddy_engine_stats st;
    eddy_error err = {0};
    eddy_clusterer_stats(r->cl, &st);
    eddy_view_doubt *shown = ed_arena_alloc_zero(arena, n, sizeof *shown);
    if (!shown)
        die("view", "no memory");
    for (size_t i = 0; i < n; i++) {
        shown[i].doubt = doubts[i];
        side_show(r, &doubts[i], 0, arena, &shown[i].sides[0]);
        side_show(r, &doubts[i], 1, arena, &shown[i].sides[1]);
    }
    eddy_view view = {.documents = st.documents,
                      .stream_ms = st.stream_ms,
                      .threshold = st.threshold,
                      .spread = st.spread,
                      .doubts = shown,
                      .n_doubts = n};
    const eddy_operation *ops = NULL;
    size_t n_ops = 0;
    check(eddy_reasoner_pass(r->reasoner, &view, st.stream_ms, r->settings->seed + r->n, arena,
                             &ops, &n_ops, &err),
          &err);
    for (size_t i = 0; i < n_ops; i++)
        answer_later(r, &ops[i]);
}

/* Apply those that are due. */
static void answers_apply(struct run *r, size_t now)
{
    for (; r->first_waiting < r->n_waiting && r->waiting[r->first_waiting].due <= now;
         r->first_waiting++) {
        struct answer *a = &r->waiting[r->first_waiting];
        eddy_outcome out;
        eddy_error err = {0};
        check(eddy_clusterer_apply(r->cl, &a->op, &out, &err), &err);
        hear(r);
        if (r->reasoner)
            eddy_reasoner_heard(r->reasoner, &a->op, &out);
        r->refused[out.refusal]++;
        r->yes += !out.refusal && a->op.same;
        free(a->groups);
    }
}

/* At most `want` questions about what the engine doubts now. */
static void ask(struct run *r, size_t want)
{
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_doubt *doubts = NULL;
    size_t n = 0;
    eddy_error err = {0};
    if (want) {
        check(eddy_clusterer_doubts(r->cl, want, arena, &doubts, &n, &err), &err);
        n = n < want ? n : want;
        locate(r);
    }
    if (n && r->settings->direct)
        ask_judge(r, doubts, n);
    else if (n)
        ask_reasoner(r, doubts, n, arena);
    eddy_arena_free(arena);
}

/* Every second pass an even share of what is left. */
static void ask_in_turn(struct run *r)
{
    eddy_engine_stats st;
    eddy_clusterer_stats(r->cl, &st);
    int pass = st.passes != r->passes;
    r->passes = st.passes;
    if (!pass || st.passes % EVERY || r->n < FIRST || r->n == r->stream->n)
        return;
    size_t turns = (r->stream->n - r->n) / (256 * EVERY) + 2;
    ask(r, (r->budget - r->asked + turns - 1) / turns);
}

static void finish(struct run *r)
{
    eddy_error err = {0};
    for (size_t round = 0; round <= ROUNDS; round++) {
        check(eddy_clusterer_flush(r->cl, &err), &err);
        hear(r);
        if (round == ROUNDS)
            break;
        answers_apply(r, SIZE_MAX);
        size_t left = ROUNDS - round;
        ask(r, (r->budget - r->asked + left - 1) / left);
        answers_apply(r, SIZE_MAX);
    }
}

static void tell(struct run *r)
{
    eddy_engine_stats st;
    eddy_reason_stats asked = {0};
    eddy_scores scores[2];
    eddy_error err = {0};
    eddy_clusterer_stats(r->cl, &st);
    if (r->reasoner)
        eddy_reasoner_stats(r->reasoner, &asked);
    locate(r);
    check(eddy_score(r->stream->labels, r->event_now, r->n, &scores[0], &err), &err);
    for (size_t i = 0; i < r->n; i++)
        r->event_now[i] = r->at[i].event;
    check(eddy_score(r->stream->labels, r->event_now, r->n, &scores[1], &err), &err);
    printf("answers=%zu f=%.6f p=%.6f r=%.6f arrival_f=%.6f events=%zu asked=%zu yes=%zu "
           "tokens=%" PRIu64
           " applied=%zu stale=%zu gone=%zu forbidden=%zu full=%zu tau=%.4f spread=%.4f "
           "documents=%zu\n",
           r->budget, scores[0].bcubed_f, scores[0].bcubed_p, scores[0].bcubed_r,
           scores[1].bcubed_f, scores[0].found, r->asked, r->yes,
           asked.tokens_in + asked.tokens_out, r->refused[EDDY_APPLIED],
           r->refused[EDDY_REFUSED_STALE], r->refused[EDDY_REFUSED_GONE],
           r->refused[EDDY_REFUSED_FORBIDDEN], r->refused[EDDY_REFUSED_FULL], st.threshold,
           st.spread, r->n);
    fflush(stdout);
}

static void run(const struct settings *settings, const struct stream *s, size_t budget)
{
    struct run r = {.settings = settings, .stream = s, .budget = budget};
    eddy_engine_options o;
    eddy_error err = {0};
    eddy_engine_options_init(&o);
    o.dense_dim = s->dim;
    check(eddy_clusterer_new(&o, &r.cl, &err), &err);
    check(eddy_lineage_new(&r.lineage, &err), &err);
    ed_table_init(&r.folded);
    r.at = calloc(s->n, sizeof *r.at);
    r.group_now = calloc(s->n, sizeof *r.group_now);
    r.event_now = calloc(s->n, sizeof *r.event_now);
    r.labels = calloc(s->n, sizeof *r.labels);
    r.picked = calloc(s->n, sizeof *r.picked);
    if (!r.picked || !r.at || !r.group_now || !r.event_now || !r.labels)
        die("run", "no memory");
    if (!settings->direct) {
        eddy_reason_options reason;
        eddy_reason_options_init(&reason);
        reason.questions_max = 10000;
        reason.completer = (eddy_completer){&r, complete};
        check(eddy_reasoner_new(&reason, &r.reasoner, &err), &err);
    }
    while (r.n < s->n) {
        size_t m = s->n - r.n < BATCH ? s->n - r.n : BATCH;
        check(eddy_clusterer_assign(r.cl, s->rows + r.n, m, r.at + r.n, &err), &err);
        hear(&r);
        for (size_t i = r.n; i < r.n + m; i++)
            check(eddy_lineage_assigned(r.lineage, r.at[i].event, r.at[i].group, &err), &err);
        r.n += m;
        ask_in_turn(&r);
        answers_apply(&r, r.n);
    }
    finish(&r);
    tell(&r);
    eddy_reasoner_free(r.reasoner);
    eddy_clusterer_free(r.cl);
    eddy_lineage_free(r.lineage);
    ed_table_clear(&r.folded);
    free(r.at);
    free(r.group_now);
    free(r.event_now);
    free(r.labels);
    free(r.picked);
    free(r.waiting);
}

/* ---- the command line ---- */

static int setting(struct settings *s, const char *arg)
{
    const char *value = strchr(arg, '=');
    size_t n = value ? (size_t)(value - arg) : 0;
#define IS(name) (n == strlen(name) && !strncmp(arg, name, n))
    if (IS("answers") && s->n_answers < RUNS_MAX)
        s->answers[s->n_answers++] = strtoull(value + 1, NULL, 10);
    else if (IS("wrong"))
        s->wrong = strtod(value + 1, NULL);
    else if (IS("error"))
        s->error = strtod(value + 1, NULL);
    else if (IS("delay"))
        s->delay = strtoull(value + 1, NULL, 10);
    else if (IS("limit"))
        s->limit = strtoull(value + 1, NULL, 10);
    else if (IS("direct"))
        s->direct = strtoull(value + 1, NULL, 10);
    else if (IS("seed"))
        s->seed = strtoull(value + 1, NULL, 10);
    else
        return 0;
#undef IS
    return 1;
}

int main(int argc, char **argv)
{
    struct settings settings = {.wrong = 0.1, .seed = 1};
    int wrong = argc < 6;
    for (int i = 6; i < argc; i++)
        wrong |= !setting(&settings, argv[i]);
    if (wrong) {
        fprintf(stderr, "usage: bench_reasoner DOCS LABELS VECTORS MODEL DIR [answers=N ...] "
                        "[wrong=P] [error=P] [delay=N] [seed=N] [limit=N] [direct=1]\n");
        return 2;
    }
    if (!(settings.error > 0))
        settings.error = settings.wrong > ERROR_MIN ? settings.wrong : ERROR_MIN;
    struct stream stream;
    stream_open(&stream, argv + 1, settings.limit);
    run(&settings, &stream, 0);
    for (size_t i = 0; i < settings.n_answers; i++)
        if (settings.answers[i])
            run(&settings, &stream, settings.answers[i]);
    stream_close(&stream);
    return 0;
}
