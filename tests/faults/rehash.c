/* The state that must be there, reached on another way: documents come one by one, in the order in
 * which they were assigned, from standard input; nothing of the pipeline, the journal or Kafka. A
 * reasoner by statistics looks at its places of the stream, and at an end.
 *
 *   rehash run [--set KEY=VALUE ...]     with eddy's own options
 *
 *   doc TOPIC PARTITION OFFSET TIMESTAMP LENGTH\nBYTES\n     one more document
 *   ask DOCUMENTS MASK\n     1: print "DOCUMENTS 0 HASH"; 2: flush, then print "DOCUMENTS 1 HASH"
 */
#include "base/error.h"
#include "base/memory.h"
#include "cli/config.h"
#include "cli/usage.h"

#include <eddy/reason.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX   ((size_t)1 << 26)
#define ARENA_BYTES ((size_t)1 << 30)

struct replay {
    struct ed_config config;
    eddy_parser *parser;
    eddy_embedder *embedder;
    eddy_clusterer *clusterer;
    eddy_reasoner *reasoner; /* NULL: none */
    uint64_t every;          /* documents from one of its looks to the next */
    eddy_arena *arena, *scratch;
    char *value; /* (VALUE_MAX + 1) */
};

static eddy_status embed(struct replay *r, eddy_doc *doc, eddy_row *row, eddy_error *err)
{
    eddy_status st =
        eddy_terms_read(doc->title, doc->text, r->arena, &row->terms, &row->n_terms, err);
    if (st != EDDY_OK || doc->dense || !r->embedder)
        return st;
    size_t dim = eddy_embedder_dim(r->embedder);
    eddy_str text = eddy_text_join(doc->title, doc->text, r->arena);
    float *dense = ed_arena_alloc_aligned(r->arena, dim * sizeof *dense);
    if (!text.at || !dense)
        return eddy_fail_nomem(err, "replay", dim);
    st = eddy_embedder_embed(r->embedder, &text, 1, r->scratch, dense, err);
    for (size_t i = 0; i < dim && !doc->dense; i++)
        if (dense[i] != 0)
            doc->dense = dense;
    return st;
}

/* Is it at a place where the reasoner looks, and has not? */
static int is_due(const struct replay *r, int ending)
{
    eddy_engine_stats stats;
    eddy_clusterer_stats(r->clusterer, &stats);
    return r->reasoner && stats.viewed != stats.documents &&
           (ending || stats.documents % r->every == 0);
}

static eddy_status look(struct replay *r, eddy_error *err)
{
    eddy_view view;
    const eddy_operation *all = NULL;
    size_t n = 0;
    eddy_engine_stats stats;
    eddy_clusterer_stats(r->clusterer, &stats);
    unsigned what = stats.documents / r->every % 4 ? 0 : EDDY_VIEW_DOUBTS;
    eddy_status st = eddy_view_take(r->clusterer, what, (size_t)r->config.reason.questions,
                                    r->arena, &view, err);
    if (st == EDDY_OK)
        st = eddy_reasoner_pass(r->reasoner, &view, 0, 0, r->arena, &all, &n, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        eddy_outcome outcome;
        st = eddy_clusterer_apply(r->clusterer, &all[i], &outcome, err);
        if (st == EDDY_OK)
            eddy_reasoner_heard(r->reasoner, &all[i], &outcome);
    }
    return st;
}

static eddy_status take(struct replay *r, const eddy_raw *raw, eddy_error *err)
{
    eddy_doc doc;
    eddy_reject reject;
    char detail[200];
    eddy_status st =
        eddy_parser_parse(r->parser, raw, r->arena, &doc, &reject, detail, sizeof detail, err);
    if (st == EDDY_OK && reject != EDDY_ACCEPTED)
        st = eddy_fail(err, EDDY_INVALID, "assigned, but no document: %s", detail);
    eddy_row row = {0};
    if (st == EDDY_OK)
        st = embed(r, &doc, &row, err);
    if (st != EDDY_OK)
        return st;
    row.dense = doc.dense;
    row.time_ms = doc.time_ms;
    row.id = doc.id;
    row.title = doc.title.n ? doc.title : doc.text;
    row.same = eddy_doc_same(&doc);
    for (size_t i = 0; i < EDDY_EXTRA_MAX; i++)
        row.extra[i] = doc.extra[i];
    eddy_assignment assignment;
    if (is_due(r, 0))
        st = look(r, err);
    return st == EDDY_OK ? eddy_clusterer_assign(r->clusterer, &row, 1, &assignment, err) : st;
}

static eddy_status tell(struct replay *r, uint64_t documents, int flushed, eddy_error *err)
{
    const eddy_record *records;
    size_t n;
    eddy_status st = eddy_clusterer_records(r->clusterer, r->arena, &records, &n, err);
    if (st == EDDY_OK)
        printf("%" PRIu64 " %d %016" PRIx64 "\n", documents, flushed,
               eddy_clusterer_hash(r->clusterer));
    return st;
}

static eddy_status ask(struct replay *r, uint64_t documents, int mask, eddy_error *err)
{
    eddy_status st = mask & 1 ? tell(r, documents, 0, err) : EDDY_OK;
    if (st == EDDY_OK && mask & 2) {
        if (is_due(r, 1))
            st = look(r, err);
        if (st == EDDY_OK)
            st = eddy_clusterer_flush(r->clusterer, err);
        if (st == EDDY_OK)
            st = tell(r, documents, 1, err);
    }
    return st;
}

static eddy_status line(struct replay *r, const char *text, eddy_error *err)
{
    char topic[300];
    int partition, mask;
    int64_t offset, time_ms;
    uint64_t documents;
    size_t n;
    if (sscanf(text, "ask %" SCNu64 " %d", &documents, &mask) == 2)
        return ask(r, documents, mask, err);
    if (sscanf(text, "doc %299s %d %" SCNd64 " %" SCNd64 " %zu", topic, &partition, &offset,
               &time_ms, &n) != 5 ||
        n > VALUE_MAX || fread(r->value, 1, n + 1, stdin) != n + 1)
        return eddy_fail(err, EDDY_INVALID, "rehash: bad line: %s", text);
    r->value[n] = 0;
    const eddy_raw raw = {.bytes = r->value,
                          .n = n,
                          .broker_ms = time_ms,
                          .arrival_ms = time_ms,
                          .position = {topic, partition, offset}};
    return take(r, &raw, err);
}

static eddy_status replay_open(struct replay *r, eddy_error *err)
{
    eddy_parse_options parse;
    eddy_engine_options engine;
    size_t dim = 0;
    r->arena = eddy_arena_new(ARENA_BYTES);
    r->scratch = eddy_arena_new(ARENA_BYTES);
    r->value = malloc(VALUE_MAX + 2);
    if (!r->arena || !r->scratch || !r->value)
        return eddy_fail_nomem(err, "replay", VALUE_MAX);
    ed_config_parse_options(&r->config, &parse);
    eddy_status st = eddy_parser_new(&parse, &r->parser, err);
    if (st == EDDY_OK)
        st = ed_config_embedder(&r->config, NULL, &r->embedder, &dim, NULL, err);
    if (st != EDDY_OK)
        return st;
    ed_config_engine_options(&r->config, dim, &engine);
    st = eddy_clusterer_new(&engine, &r->clusterer, err);
    eddy_reason_options reason;
    eddy_reason_options_init(&reason);
    reason.questions_max = (size_t)r->config.reason.questions;
    r->every = (uint64_t)r->config.reason.every;
    if (st == EDDY_OK && r->config.reason.kind == ED_REASON_STATISTICS)
        st = eddy_reasoner_new(&reason, &r->reasoner, err);
    return st;
}

int main(int argc, char **argv)
{
    static struct replay r;
    const struct ed_command command = {
        .name = "rehash", .synopsis = "rehash run [--set KEY=VALUE]", .takes = ED_TAKES_CONFIG};
    int code = ed_config_start(argc - 1, argv + 1, &command, &r.config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    eddy_status st = replay_open(&r, &err);
    char text[600];
    while (st == EDDY_OK && fgets(text, sizeof text, stdin)) {
        st = line(&r, text, &err);
        eddy_arena_reset(r.arena);
        eddy_arena_reset(r.scratch);
    }
    free(r.value);
    eddy_arena_free(r.arena);
    eddy_arena_free(r.scratch);
    eddy_reasoner_free(r.reasoner);
    eddy_clusterer_free(r.clusterer);
    eddy_embedder_free(r.embedder);
    eddy_parser_free(r.parser);
    ed_config_clear(&r.config);
    return st == EDDY_OK ? ED_EXIT_OK : ed_exit_with(&err);
}
