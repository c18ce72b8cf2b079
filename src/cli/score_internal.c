/* A run judged without labels.
 *
 * The vectors are those of the embedder, or of the messages, not the engine's fused points: these
 * depend on what had come before and leave memory with their events. So the words' part of what the
 * engine went by is not in them, and they are the same for whatever clustering is compared.
 *
 * Stability holds what the run said at arrival of one fold against what is so at the end of the
 * others, as CSAI holds predicted labels of a test part against fitted ones of a training part. */
#include "cli/score_internal.h"

#include "base/error.h"
#include "base/memory.h"
#include "cli/labels.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PIECE 64 /* texts embedded at a time */

/* ---- what the run said ---- */

eddy_status ed_internal_assigned(struct ed_internal *in, uint64_t id, uint64_t event,
                                 uint64_t group, eddy_error *err)
{
    if (ed_table_find(&in->places, id))
        return EDDY_OK;
    struct ed_internal_doc *list = ed_list_room(in->docs, in->n_docs, &in->room_docs, sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "documents to judge", in->n_docs * sizeof *list);
    in->docs = list;
    if (!ed_table_put(&in->places, id, in->n_docs + 1))
        return eddy_fail_nomem(err, "documents to judge", in->places.room * 4 * sizeof(uint64_t));
    in->docs[in->n_docs++] = (struct ed_internal_doc){id, event, group};
    return EDDY_OK;
}

/* ---- vectors ---- */

struct reader {
    struct ed_internal *in;
    eddy_parser *parser;
    eddy_embedder *embedder; /* NULL: messages bring their vectors */
    eddy_arena *arena, *scratch;
    eddy_str texts[PIECE]; /* to be embedded; in the arena */
    struct ed_internal_doc whose[PIECE];
    size_t n_texts;
};

static eddy_status rows_room(struct ed_internal *in, size_t more, eddy_error *err)
{
    size_t room = in->room_rows ? in->room_rows * 2 : 1024;
    size_t bytes = in->dim * sizeof *in->rows;
    if (in->n_rows + more <= in->room_rows)
        return EDDY_OK;
    struct ed_internal_doc *judged = ed_realloc(in->judged, room * sizeof *judged);
    in->judged = judged ? judged : in->judged;
    float *rows = judged && room < SIZE_MAX / bytes ? ed_realloc(in->rows, room * bytes) : NULL;
    if (!rows)
        return eddy_fail_nomem(err, "vectors to judge by", room * bytes);
    in->rows = rows;
    in->room_rows = room;
    return EDDY_OK;
}

/* The row behind the last one is filled: it counts unless it is all 0. */
static void row_take(struct ed_internal *in, const float *row, struct ed_internal_doc whose)
{
    float *to = in->rows + in->n_rows * in->dim;
    size_t d = 0;
    while (d < in->dim && row[d] == 0)
        d++;
    if (d == in->dim) {
        in->empty++;
        return;
    }
    memmove(to, row, in->dim * sizeof *row);
    in->judged[in->n_rows++] = whose;
}

static eddy_status texts_embed(struct reader *r, eddy_error *err)
{
    struct ed_internal *in = r->in;
    eddy_status st = rows_room(in, r->n_texts, err);
    float *fresh = st == EDDY_OK ? in->rows + in->n_rows * in->dim : NULL;
    if (st == EDDY_OK && r->n_texts)
        st = eddy_embedder_embed(r->embedder, r->texts, r->n_texts, r->scratch, fresh, err);
    for (size_t i = 0; i < r->n_texts && st == EDDY_OK; i++)
        row_take(in, fresh + i * in->dim, r->whose[i]);
    r->n_texts = 0;
    eddy_arena_reset(r->arena);
    return st;
}

static eddy_status doc_take(struct reader *r, const eddy_doc *doc, struct ed_internal_doc whose,
                            eddy_error *err)
{
    if (doc->dense) {
        eddy_status st = rows_room(r->in, 1, err);
        if (st == EDDY_OK)
            row_take(r->in, doc->dense, whose);
        return st;
    }
    if (!r->embedder) {
        r->in->empty++;
        return EDDY_OK;
    }
    eddy_str joined = eddy_text_join(doc->title, doc->text, r->arena);
    if (!joined.at)
        return eddy_fail_nomem(err, "text", doc->title.n + doc->text.n);
    r->texts[r->n_texts] = joined;
    r->whose[r->n_texts++] = whose;
    return EDDY_OK;
}

static eddy_status message_take(struct reader *r, const eddy_raw *raw, eddy_error *err)
{
    eddy_doc doc;
    eddy_reject reject;
    eddy_status st = eddy_parser_parse(r->parser, raw, r->arena, &doc, &reject, NULL, 0, err);
    if (st != EDDY_OK || reject != EDDY_ACCEPTED)
        return st;
    uint64_t *place = ed_table_find(&r->in->places, ed_name(doc.id.at, doc.id.n));
    if (!place || !*place)
        return EDDY_OK;
    struct ed_internal_doc whose = r->in->docs[*place - 1];
    *place = 0;
    return doc_take(r, &doc, whose, err);
}

static eddy_status messages_read(struct reader *r, struct ed_source *source, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    int end = 0;
    while (st == EDDY_OK && !end) {
        eddy_raw raw[PIECE];
        size_t n = 0;
        st = ed_source_read(source, 1000, raw, PIECE, &n, &end, err);
        for (size_t i = 0; i < n && st == EDDY_OK; i++)
            st = message_take(r, &raw[i], err);
        if (st == EDDY_OK)
            st = texts_embed(r, err);
    }
    return st;
}

static eddy_status reader_open(struct reader *r, struct ed_config *config, eddy_error *err)
{
    eddy_parse_options options;
    ed_config_parse_options(config, &options);
    eddy_status st = eddy_parser_new(&options, &r->parser, err);
    if (st == EDDY_OK)
        st = ed_config_embedder(config, NULL, &r->embedder, &r->in->dim, NULL, err);
    if (st == EDDY_OK && !r->in->dim)
        st = eddy_fail(err, EDDY_CONFIG, "embed.model: there are no vectors to judge events by");
    r->arena = eddy_arena_new(0);
    r->scratch = eddy_arena_new(0);
    if (st == EDDY_OK && (!r->arena || !r->scratch))
        st = eddy_fail_nomem(err, "documents to judge", sizeof *r);
    return st;
}

eddy_status ed_internal_read(struct ed_internal *in, struct ed_config *config, eddy_error *err)
{
    struct reader r = {.in = in};
    struct ed_source *source = NULL;
    eddy_status st = EDDY_OK;
    if (!config->source.files.n)
        return eddy_fail(err, EDDY_CONFIG,
                         "score --internal needs the documents: what the run read, as FILE...");
    st = reader_open(&r, config, err);
    if (st == EDDY_OK)
        st = ed_source_files_open(config->source.files.at, config->source.files.n,
                                  (size_t)config->document.max_bytes, NULL, 0, &source, err);
    if (st == EDDY_OK)
        st = messages_read(&r, source, err);
    if (st == EDDY_OK && !in->n_rows)
        st = eddy_fail(err, EDDY_FORMAT,
                       "score --internal: none of %zu assigned documents has a vector in the files "
                       "(%" PRIu64 " are there without one); are they what the run read?",
                       in->n_docs, in->empty);
    ed_source_free(source);
    eddy_parser_free(r.parser);
    eddy_embedder_free(r.embedder);
    eddy_arena_free(r.arena);
    eddy_arena_free(r.scratch);
    return st;
}

/* ---- the answer ---- */

eddy_status ed_internal_score(const struct ed_internal *in, eddy_lineage *lineage,
                              struct ed_internal_result *ret, eddy_error *err)
{
    size_t n = in->n_rows, bytes = 3 * n * sizeof(uint64_t);
    uint64_t *arrival = ed_alloc(bytes);
    if (!arrival)
        return eddy_fail_nomem(err, "documents to judge", bytes);
    uint64_t *merged = arrival + n, *final = arrival + 2 * n;
    for (size_t i = 0; i < n; i++) {
        arrival[i] = in->judged[i].event;
        merged[i] = eddy_lineage_event(lineage, arrival[i]);
        final[i] =
            eddy_lineage_document(lineage, in->judged[i].id, arrival[i], in->judged[i].group);
    }
    struct ed_internal_result got = {.documents = n,
                                     .empty = in->empty,
                                     .missing = in->n_docs - n - in->empty,
                                     .folds = n < ED_INTERNAL_FOLDS ? 1 : ED_INTERNAL_FOLDS};
    eddy_status st = eddy_score_internal(in->rows, n, in->dim, arrival, &got.arrival, err);
    if (st == EDDY_OK)
        st = eddy_score_internal(in->rows, n, in->dim, merged, &got.lineage, err);
    if (st == EDDY_OK)
        st = eddy_score_internal(in->rows, n, in->dim, final, &got.final, err);
    if (st == EDDY_OK)
        st = eddy_score_stability(in->rows, n, in->dim, final, merged, got.folds, &got.stability,
                                  err);
    if (st == EDDY_OK)
        *ret = got;
    ed_free(arrival);
    return st;
}

static void print_line(const char *title, const eddy_internal_scores *s)
{
    printf("%-13s %7zu %11.3f %15.3f %18.3f\n", title, s->clusters, s->silhouette,
           s->davies_bouldin, s->calinski_harabasz);
}

void ed_internal_print(const struct ed_internal_result *r)
{
    printf("%zu documents by their vectors; left out: %" PRIu64 " without a vector, %" PRIu64
           " not in the files\n\n",
           r->documents, r->empty, r->missing);
    printf("%-13s %7s %11s %15s %18s\n", "", "events", "silhouette", "Davies-Bouldin",
           "Calinski-Harabasz");
    print_line("at arrival", &r->arrival);
    print_line("with lineage", &r->lineage);
    print_line("after repair", &r->final);
    printf(
        "\nSilhouette (simplified) and Calinski-Harabasz: large is good; Davies-Bouldin: small.\n"
        "Stability, CSAI in %zu folds, 0 is stable: %.4f by |P - Q| / range of shares, as\n"
        "published (a skewed random labelling can score well); %.4f by RMSE / range of\n"
        "profiles, corrected.\n",
        r->folds, r->stability.csai_share, r->stability.csai_profile);
}

static void print_number(const char *before, double x)
{
    if (isfinite(x))
        printf("%s%.9f", before, x);
    else
        printf("%snull", before);
}

static void print_object(const char *name, const eddy_internal_scores *s)
{
    printf(",\"%s\":{\"events\":%zu", name, s->clusters);
    print_number(",\"silhouette\":", s->silhouette);
    print_number(",\"davies_bouldin\":", s->davies_bouldin);
    print_number(",\"calinski_harabasz\":", s->calinski_harabasz);
    printf("}");
}

void ed_internal_print_json(const struct ed_internal_result *r)
{
    printf("{\"documents\":%zu,\"empty\":%" PRIu64 ",\"missing\":%" PRIu64, r->documents, r->empty,
           r->missing);
    print_object("arrival", &r->arrival);
    print_object("lineage", &r->lineage);
    print_object("final", &r->final);
    printf(",\"stability\":{\"folds\":%zu", r->folds);
    print_number(",\"csai_share\":", r->stability.csai_share);
    print_number(",\"csai_profile\":", r->stability.csai_profile);
    printf("}}");
}

void ed_internal_clear(struct ed_internal *in)
{
    ed_table_clear(&in->places);
    ed_free(in->docs);
    ed_free(in->rows);
    ed_free(in->judged);
    *in = (struct ed_internal){0};
}
