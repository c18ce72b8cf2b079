/* Static models on small tables that this test writes: against a slow twin for every type that a
 * table may have, with weights and mapping, and with wrong files. The tokenizer is a golden one. */
#include "test.h"

#include <eddy/embed.h>

#include "embed/safetensors.h"
#include "embed/static.h"
#include "embed/tokenizer.h"

#include <math.h>
#include <unistd.h>

#define TOKENIZER "tests/golden/tokenizer/xlmr"

enum { TOKENS = 402, ROWS = 150, DIM = 40, UNKNOWN = 3 };

static char folder[64];

static const char *path_of(const char *name)
{
    static char ret[128];
    snprintf(ret, sizeof ret, "%s/%s", folder, name);
    return ret;
}

static void file_write(const char *name, const void *bytes, size_t n)
{
    FILE *out = fopen(path_of(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

static void tokenizer_copy(void)
{
    static char bytes[1 << 16];
    FILE *in = fopen(TOKENIZER "/tokenizer.json", "rb");
    assert_non_null(in);
    size_t n = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    file_write("tokenizer.json", bytes, n);
}

/* What a table holds, in numbers that each type can hold exactly. */
static double value_at(size_t row, size_t col)
{
    return (double)(int8_t)(ed_mix64(row * 1000 + col) >> 8);
}
static float weight_at(size_t token)
{
    return 0.25f + (float)(token % 7);
}
static size_t row_of(size_t token)
{
    return (token * 31) % ROWS;
}

static size_t element_put(const char *type, double x, char *ret)
{
    float wide = (float)x;
    uint32_t bits;
    uint16_t half;
    memcpy(&bits, &wide, sizeof bits);
    if (!strcmp(type, "F32")) {
        memcpy(ret, &wide, sizeof wide);
        return sizeof wide;
    }
    if (!strcmp(type, "I8")) {
        *ret = (char)(int)x;
        return 1;
    }
    half = (uint16_t)(bits >> 16); /* BF16: eight bits are enough for these */
    if (!strcmp(type, "F16"))
        half = x == 0 ? 0
                      : (uint16_t)((bits >> 16 & 0x8000) |
                                   ((((bits >> 23 & 0xFF) - 112) << 10) | (bits >> 13 & 0x3FF)));
    memcpy(ret, &half, sizeof half);
    return sizeof half;
}

/* A table called name of that type; with the columns of model2vec when mapped. */
static void table_write(const char *name, const char *type, int mapped)
{
    static char file[TOKENS * (DIM * 4 + 16) + 1000];
    size_t rows = mapped ? ROWS : TOKENS,
           size = strcmp(type, "F32") ? strcmp(type, "I8") ? 2 : 1 : 4;
    size_t n_table = rows * DIM * size, n_map = mapped ? TOKENS * sizeof(int64_t) : 0;
    size_t n_weights = mapped ? TOKENS * sizeof(float) : 0;
    int n =
        snprintf(file + 8, 600,
                 "{\"%s\": {\"dtype\": \"%s\", \"shape\": [%zu, %d], \"data_offsets\": [%zu, %zu]}",
                 name, type, rows, DIM, n_map, n_map + n_table);
    if (mapped)
        n += snprintf(
            file + 8 + n, 400,
            ", \"mapping\": {\"dtype\": \"I64\", \"shape\": [%d], \"data_offsets\": [0, %zu]}"
            ", \"weights\": {\"dtype\": \"F32\", \"shape\": [%d], \"data_offsets\": [%zu, %zu]}",
            TOKENS, n_map, TOKENS, n_map + n_table, n_map + n_table + n_weights);
    file[8 + n++] = '}';
    while (n % 8)
        file[8 + n++] = ' ';
    uint64_t n_header = (uint64_t)n;
    memcpy(file, &n_header, 8);
    char *at = file + 8 + n;
    for (size_t i = 0; i < TOKENS && mapped; i++, at += sizeof(int64_t)) {
        int64_t row = (int64_t)row_of(i);
        memcpy(at, &row, sizeof row);
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < DIM; j++)
            at += element_put(type, value_at(i, j), at);
    for (size_t i = 0; i < TOKENS && mapped; i++, at += sizeof(float)) {
        float weight = weight_at(i);
        memcpy(at, &weight, sizeof weight);
    }
    file_write("model.safetensors", file, (size_t)(at - file));
}

static eddy_embedder *model_open(const char *model)
{
    eddy_embedder *embedder = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_embedder_open(&(eddy_embedder_options){.model = model, .dir = folder}, &embedder,
                                &err),
             &err);
    return embedder;
}

static const char *const texts[] = {
    "Storm floods harbour, ferry stopped.",
    "hello world",
    "",
    "  ",
    "\xE4\xB8\xAD\xE6\x96\x87",
    "a bank raised its rate again in the morning, and a bank\xFF lowered it",
    "000 000 1234",
};
enum { TEXTS = sizeof texts / sizeof *texts };

static void all_embed(const eddy_embedder *embedder, float *ret)
{
    eddy_arena *scratch = eddy_arena_new(0);
    eddy_str all[TEXTS];
    eddy_error err = {0};
    for (size_t i = 0; i < TEXTS; i++)
        all[i] = (eddy_str){texts[i], strlen(texts[i])};
    CHECK_OK(eddy_embedder_embed(embedder, all, TEXTS, scratch, ret, &err), &err);
    eddy_arena_free(scratch);
}

/* The same in double, from what the table was made of. */
static void twin_embed(const char *text, int mapped, double *ret)
{
    struct ed_tokenizer *tok = NULL;
    uint64_t fingerprint = 0;
    const struct ed_tokenizer_options bare = {.fold = {1, 1, 1}, .bare = 1};
    assert_int_equal(ed_tokenizer_open(TOKENIZER, &bare, &fingerprint, &tok, NULL), EDDY_OK);
    assert_int_equal(ed_tokenizer_size(tok), TOKENS - 1);
    assert_int_equal(ed_tokenizer_unknown(tok), UNKNOWN);
    eddy_arena *arena = eddy_arena_new(0);
    const uint32_t *ids;
    size_t n;
    ed_tokenizer_read(tok, ed_token_work_new(arena), (eddy_str){text, strlen(text)}, 1000, &ids, &n,
                      NULL);
    double length = 0;
    for (size_t j = 0; j < DIM; j++) {
        ret[j] = 0;
        for (size_t i = 0; i < n; i++)
            if (!mapped)
                ret[j] += value_at(ids[i], j);
            else if (ids[i] != UNKNOWN)
                ret[j] += (double)weight_at(ids[i]) * value_at(row_of(ids[i]), j);
        length += ret[j] * ret[j];
    }
    for (size_t j = 0; j < DIM && length > 0; j++)
        ret[j] /= sqrt(length);
    eddy_arena_free(arena);
    ed_tokenizer_free(tok);
}

TEST(the_slow_twin_agrees_for_every_type)
{
    static const char *const types[] = {"F32", "F16", "BF16", "I8"};
    static float got[TEXTS * DIM];
    double want[DIM];
    for (size_t k = 0; k < 8; k++) {
        int mapped = k >= 4;
        table_write(mapped ? "embeddings" : "embedding.weight", types[k % 4], mapped);
        eddy_embedder *embedder = model_open("static");
        assert_int_equal(eddy_embedder_dim(embedder), DIM);
        all_embed(embedder, got);
        for (size_t i = 0; i < TEXTS; i++) {
            twin_embed(texts[i], mapped, want);
            for (size_t j = 0; j < DIM; j++)
                if (fabs(want[j] - got[i * DIM + j]) > 1e-6)
                    fail_msg("%s%s: text %zu, element %zu is %g, not %g", types[k % 4],
                             mapped ? ", mapped" : "", i, j, got[i * DIM + j], want[j]);
        }
        eddy_embedder_free(embedder);
    }
}

TEST(halves_become_the_floats_that_they_are)
{
    static uint16_t halves[65536];
    static float sums[65536];
    for (size_t i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    ed_add_halves(sums, 1, halves, 65536);
    for (size_t i = 0; i < 65536; i++) {
        int power = (int)(i >> 10 & 31);
        double value = ldexp((double)((i & 0x3FF) + (power ? 1024 : 0)), power - 25 + !power);
        float want = (float)(i & 0x8000 ? -value : value);
        if (power == 31 ? !(isnan(sums[i]) || isinf(sums[i])) : sums[i] != want)
            fail_msg("%zx is %g, not %g", i, sums[i], want);
        if (power != 31)
            assert_true(ed_float_of_half(halves[i]) == want);
    }
}

TEST(auto_knows_a_static_model)
{
    table_write("embeddings", "F16", 1);
    eddy_embedder *embedder = model_open("auto");
    assert_memory_equal(eddy_embedder_name(embedder), "static eddy-static-", 19);
    assert_non_null(strstr(eddy_embedder_name(embedder), ", 40 dimensions"));
    uint64_t before = eddy_embedder_fingerprint(embedder);
    eddy_embedder_free(embedder);
    file_write("config.json", "{\"model_type\": \"model2vec\"}", 27);
    embedder = model_open("auto");
    assert_true(eddy_embedder_fingerprint(embedder) == before);
    eddy_embedder_free(embedder);
    table_write("embeddings", "BF16", 1);
    embedder = model_open("auto");
    assert_true(eddy_embedder_fingerprint(embedder) != before);
    eddy_embedder_free(embedder);

    file_write("config.json", "{\"model_type\": \"bert\"}", 22);
    eddy_error err = {0};
    embedder = NULL;
    assert_int_equal(eddy_embedder_open(&(eddy_embedder_options){.model = "auto", .dir = folder},
                                        &embedder, &err),
                     EDDY_FORMAT);
    assert_non_null(strstr(err.text, "config.json"));
    remove(path_of("config.json"));
}

static void open_fails(eddy_status st, const char *says)
{
    eddy_error err = {0};
    eddy_embedder *embedder = NULL;
    assert_int_equal(eddy_embedder_open(&(eddy_embedder_options){.model = "static", .dir = folder},
                                        &embedder, &err),
                     st);
    assert_null(embedder);
    if (!strstr(err.text, says))
        fail_msg("%s: want \"%s\"", err.text, says);
}

TEST(what_is_wrong_is_named)
{
    table_write("vectors", "F16", 0);
    open_fails(EDDY_FORMAT, "model.safetensors: no tensor embeddings, nor embedding.weight");
    table_write("embeddings", "I16", 0);
    open_fails(EDDY_FORMAT, "tensor embeddings is I16; aligned F32, F16, BF16 and I8");
    file_write("model.safetensors", "x", 1);
    open_fails(EDDY_FORMAT, "model.safetensors: a header of");
    remove(path_of("model.safetensors"));
    open_fails(EDDY_UNAVAILABLE, "model.safetensors: No such file");
    remove(path_of("tokenizer.json"));
    open_fails(EDDY_UNAVAILABLE, "vocab.txt: No such file");
    tokenizer_copy();
}

TEST(it_survives_any_lost_allocation)
{
    table_write("embeddings", "F16", 1);
    EACH_ALLOC_FAILS (k) {
        eddy_embedder *embedder = NULL;
        eddy_status st = eddy_embedder_open(
            &(eddy_embedder_options){.model = "static", .dir = folder}, &embedder, NULL);
        assert_true(st == EDDY_OK ? embedder != NULL : st == EDDY_NOMEM && !embedder);
        eddy_arena *scratch = embedder ? eddy_arena_new(0) : NULL;
        float row[DIM];
        if (scratch) {
            eddy_str text = {texts[0], strlen(texts[0])};
            st = eddy_embedder_embed(embedder, &text, 1, scratch, row, NULL);
            assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        }
        eddy_arena_free(scratch);
        eddy_embedder_free(embedder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slow_twin_agrees_for_every_type),
        cmocka_unit_test(halves_become_the_floats_that_they_are),
        cmocka_unit_test(auto_knows_a_static_model),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(it_survives_any_lost_allocation),
    };
    snprintf(folder, sizeof folder, "/tmp/eddy-static-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    tokenizer_copy();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(path_of("tokenizer.json"));
    remove(path_of("model.safetensors"));
    rmdir(folder);
    return failed;
}
