/* The way of a document, as tests set it up: a stream of lines, one run of it, and what came out.
 */
#ifndef EDDY_PIPELINE_SUPPORT_H
#define EDDY_PIPELINE_SUPPORT_H

#include "folder.h"

#include "pipeline/pipeline.h"

#include <unistd.h>

#define DIM 512

static const char *const names[ED_TOPICS] = {"assignments", "events",  "changes",
                                             "dead",        "vectors", "operations"};

static inline const char *file_of(const char *run, const char *name, char *ret)
{
    snprintf(ret, 200, "%s/%s-%s", dir, run, name);
    return ret;
}

/* ---- a stream to read ---- */

static inline const char *word(uint64_t topic, uint64_t i)
{
    static char text[4][24];
    static int turn;
    turn = (turn + 1) % 4;
    uint64_t h = ed_mix64(topic * 131 + i);
    snprintf(text[turn], sizeof text[turn], "%c%c%c%c%c%c", 'a' + (int)(h % 26),
             'a' + (int)(h / 26 % 26), 'a' + (int)(h / 676 % 26), 'a' + (int)(h / 17576 % 26),
             'a' + (int)(topic % 26), 'a' + (int)(i % 26));
    return text[turn];
}

/* n lines about some 25 things, now and then one that cannot be used. */
static inline void write_stream(const char *path, size_t n, uint64_t *seed, int poison)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (size_t i = 0; i < n; i++) {
        uint64_t topic = test_random(seed) % 25;
        if (poison && i % 41 == 7) {
            static const char *const bad[] = {"{\"text\": ", "[1]", "{\"text\":\"!\"}", "{}",
                                              "\xFF"};
            fprintf(out, "%s\n", bad[test_random(seed) % 5]);
            continue;
        }
        fprintf(out, "{\"id\":\"d%zu\",\"ts\":%llu,\"lang\":\"%s\",\"text\":\"", i,
                1900000000000ULL + i * 60000ULL, i % 17 == 3 ? "deu" : "eng");
        for (int k = 0; k < 12; k++)
            fprintf(out, "%s%s", k ? " " : "", word(topic, test_random(seed) % 14));
        fprintf(out, "\"}\n");
    }
    assert_int_equal(fclose(out), 0);
}

static inline int same_files(const char *a, const char *b)
{
    FILE *fa = fopen(a, "r"), *fb = fopen(b, "r");
    assert_true(fa && fb);
    int ca, cb;
    do {
        ca = getc(fa);
        cb = getc(fb);
    } while (ca == cb && ca != EOF);
    fclose(fa);
    fclose(fb);
    return ca == cb;
}

/* ---- one run ---- */

struct setup {
    struct ed_source *source; /* NULL: the files source on stream */
    struct ed_journal *journal;
    struct ed_pipeline_options options;
    int patient;
    struct ed_counts counts;
    eddy_error err;
};

static inline eddy_status run(struct setup *s, const char *stream, const char *out,
                              struct ed_pipeline **during)
{
    eddy_parse_options parse;
    eddy_engine_options engine;
    eddy_parser *parser = NULL;
    eddy_embedder *embedder = NULL;
    eddy_clusterer *cl = NULL;
    struct ed_source *source = s->source;
    struct ed_journal *journal = s->journal;
    struct ed_pipeline *pl = NULL;
    char paths[ED_TOPICS][200];
    const char *at[ED_TOPICS];
    eddy_error *err = &s->err;
    *err = (eddy_error){0};

    eddy_parse_options_init(&parse);
    eddy_engine_options_init(&engine);
    engine.dense_dim = DIM;
    engine.repair_every = 64;
    if (s->options.keyphrases) {
        parse.keyphrases_path = "/phrases";
        engine.n_extra = s->options.keyphrases;
        engine.extra_dim[engine.n_extra - 1] = DIM;
        engine.extra_weight[engine.n_extra - 1] = 0.375;
    }
    CHECK_OK(eddy_parser_new(&parse, &parser, err), err);
    CHECK_OK(eddy_embedder_open(&(eddy_embedder_options){.model = "hash"}, &embedder, err), err);
    CHECK_OK(eddy_clusterer_new(&engine, &cl, err), err);
    for (int i = 0; i < ED_TOPICS; i++)
        at[i] = out ? file_of(out, names[i], paths[i]) : NULL;
    if (!source)
        CHECK_OK(ed_source_files_open(&stream, 1, 1000000, NULL, 0, &source, err), err);
    if (!journal)
        CHECK_OK(ed_journal_files_open(at, NULL, "test", &journal, err), err);

    s->options.source = source;
    s->options.journal = journal;
    s->options.parser = parser;
    s->options.embedder = embedder;
    s->options.clusterer = cl;
    s->options.publisher.pipeline = "test";
    s->options.value_max = 1000;
    CHECK_OK(ed_pipeline_new(&s->options, &pl, err), err);
    if (s->patient)
        ed_pipeline_patient(pl);
    if (during)
        *during = pl;
    eddy_status st = ed_pipeline_run(pl, err);
    ed_pipeline_counts(pl, &s->counts);
    ed_pipeline_free(pl);
    if (!s->journal) {
        eddy_status closed = ed_journal_close(journal, err);
        st = st == EDDY_OK ? closed : st;
    }
    if (!s->source)
        ed_source_free(source);
    eddy_clusterer_free(cl);
    eddy_embedder_free(embedder);
    eddy_parser_free(parser);
    return st;
}

static inline void check_account(const struct ed_counts *c)
{
    uint64_t dead = 0;
    for (int i = 0; i < EDDY_REJECTS; i++)
        dead += c->dead_by[i];
    assert_int_equal(dead, c->dead);
    assert_int_equal(c->in, c->assigned + c->founded + c->filtered + c->dead);
    assert_int_equal(c->committed, c->in);
}

static inline struct setup setup_of(size_t batch_max, size_t workers, size_t ring_max)
{
    return (struct setup){
        .options = {
            .batch_max = batch_max, .workers = workers, .ring_max = ring_max, .wait_ms = 50}};
}

static inline int make_dir(void **state)
{
    (void)state;
    return dir_new("way");
}

#endif
