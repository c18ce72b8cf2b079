/* The encoder against the library that made its model famous: ids are equal, vectors agree.
 *
 * tests/golden/encoder was made by tools/make-encoder-reference. Needs the model that
 * tools/fetch-model fetches; skipped without. */
#include "test.h"

#include <eddy/embed.h>

#include "embed/wordpiece.h"

#include <jansson.h>
#include <math.h>
#include <unistd.h>

#define GOLDEN "tests/golden/encoder/"
#define LIMIT  256

static char dir[1024];
static struct ed_wordpiece *words;

static int is_there(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Where tools/fetch-model puts it. */
static int model_find(void)
{
    const char *models = getenv("EDDY_MODEL_DIR"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    char path[1100];
    if (models && *models)
        snprintf(dir, sizeof dir, "%s/all-MiniLM-L6-v2", models);
    else if (cache && *cache)
        snprintf(dir, sizeof dir, "%s/eddy/models/all-MiniLM-L6-v2", cache);
    else
        snprintf(dir, sizeof dir, "%s/.cache/eddy/models/all-MiniLM-L6-v2", home ? home : "");
    snprintf(path, sizeof path, "%s/config.json", dir);
    return is_there(path);
}

static eddy_embedder *model_open(const char *precision)
{
    eddy_embedder *embedder = NULL;
    eddy_error err = {0};
    const eddy_embedder_options options = {.model = "encoder", .dir = dir, .precision = precision};
    CHECK_OK(eddy_embedder_open(&options, &embedder, &err), &err);
    return embedder;
}

static int words_open(void)
{
    static char vocab[1 << 20];
    char path[1100];
    snprintf(path, sizeof path, "%s/vocab.txt", dir);
    FILE *in = fopen(path, "rb");
    if (!in)
        return 0;
    size_t n = fread(vocab, 1, sizeof vocab, in);
    fclose(in);
    const struct ed_fold_flags flags = {1, 1, 1};
    return ed_wordpiece_new(vocab, n, &flags, "vocab.txt", &words, NULL) == EDDY_OK;
}

/* ---- the golden texts ---- */

struct golden {
    json_t *text_line, *reference_line;
    eddy_str text;
    const json_t *ids, *vector;
};

static size_t golden_read(struct golden *ret, size_t max)
{
    FILE *texts = fopen(GOLDEN "texts.jsonl", "r");
    FILE *reference = fopen(GOLDEN "reference.jsonl", "r");
    assert_non_null(texts);
    assert_non_null(reference);
    char *line = NULL;
    size_t room = 0, n = 0;
    while (n < max && getline(&line, &room, texts) > 0) {
        struct golden *g = &ret[n++];
        g->text_line = json_loads(line, JSON_ALLOW_NUL, NULL);
        assert_true(getline(&line, &room, reference) > 0);
        g->reference_line = json_loads(line, 0, NULL);
        const json_t *text = json_object_get(g->text_line, "text");
        g->text = (eddy_str){json_string_value(text), json_string_length(text)};
        g->ids = json_object_get(g->reference_line, "ids");
        g->vector = json_object_get(g->reference_line, "vector");
    }
    free(line);
    fclose(texts);
    fclose(reference);
    return n;
}

static void golden_free(struct golden *golden, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_decref(golden[i].text_line);
        json_decref(golden[i].reference_line);
    }
}

TEST(ids_are_those_of_the_reference)
{
    static struct golden golden[200];
    size_t n = golden_read(golden, 200);
    assert_int_equal(n, 200);
    for (size_t i = 0; i < n; i++) {
        uint32_t ids[LIMIT];
        size_t n_ids = ed_wordpiece_read(words, golden[i].text, ids, LIMIT);
        assert_int_equal(n_ids, json_array_size(golden[i].ids));
        for (size_t j = 0; j < n_ids; j++)
            if (ids[j] != json_integer_value(json_array_get(golden[i].ids, j)))
                fail_msg("text %zu, id %zu is %u", i, j, ids[j]);
    }
    golden_free(golden, n);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* least, median_least: of the cosines; most: of the difference of any element. */
static void vectors_compare(const eddy_embedder *embedder, double least, double median_least,
                            double difference_most)
{
    static struct golden golden[200];
    size_t n = golden_read(golden, 200), dim = eddy_embedder_dim(embedder);
    eddy_arena *scratch = eddy_arena_new(0);
    eddy_error err = {0};
    eddy_str texts[200];
    float *rows = ed_alloc(n * dim * sizeof *rows);
    for (size_t i = 0; i < n; i++)
        texts[i] = golden[i].text;
    CHECK_OK(eddy_embedder_embed(embedder, texts, n, scratch, rows, &err), &err);
    double lowest = 1, most = 0;
    double *cosine = ed_alloc(n * sizeof *cosine);
    for (size_t i = 0; i < n; i++) {
        double dot = 0, length = 0;
        assert_int_equal(json_array_size(golden[i].vector), dim);
        for (size_t j = 0; j < dim; j++) {
            double want = 1e-5 * (double)json_integer_value(json_array_get(golden[i].vector, j));
            dot += want * rows[i * dim + j];
            length += want * want;
            most = fmax(most, fabs(want - rows[i * dim + j]));
        }
        cosine[i] = dot / sqrt(length);
        lowest = fmin(lowest, cosine[i]);
    }
    qsort(cosine, n, sizeof *cosine, by_size);
    printf("%s: cosine lowest %.7f, median %.7f, largest difference %.2g\n",
           eddy_embedder_name(embedder), lowest, cosine[n / 2], most);
    assert_true(cosine[n / 2] >= median_least && lowest >= least && most < difference_most);
    ed_free(cosine);
    ed_free(rows);
    eddy_arena_free(scratch);
    golden_free(golden, n);
}

TEST(vectors_are_those_of_the_reference)
{
    static const struct {
        const char *precision;
        double least, median, most;
    } bounds[] = {{"f32", 0.999999, 0.999999, 5e-5},
                  {"bf16", 0.9999, 0.9999, 5e-3},
                  {"int8", 0.98, 0.998, 5e-2}};
    for (size_t p = 0; p < sizeof bounds / sizeof *bounds; p++) {
        eddy_embedder *embedder = model_open(bounds[p].precision);
        vectors_compare(embedder, bounds[p].least, bounds[p].median, bounds[p].most);
        eddy_embedder_free(embedder);
    }
}

static void batches_compare(const eddy_embedder *embedder)
{
    static struct golden golden[200];
    size_t n = golden_read(golden, 200), dim = eddy_embedder_dim(embedder);
    eddy_arena *scratch = eddy_arena_new(0);
    eddy_error err = {0};
    float *alone = ed_alloc(n * dim * sizeof *alone), *row = ed_alloc(n * dim * sizeof *row);
    eddy_str backwards[200];
    for (size_t i = 0; i < n; i++) {
        backwards[n - 1 - i] = golden[i].text;
        CHECK_OK(eddy_embedder_embed(embedder, &golden[i].text, 1, scratch, alone + i * dim, &err),
                 &err);
    }
    CHECK_OK(eddy_embedder_embed(embedder, backwards, n, scratch, row, &err), &err);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(alone + i * dim, row + (n - 1 - i) * dim, dim * sizeof *row);
    ed_free(alone);
    ed_free(row);
    eddy_arena_free(scratch);
    golden_free(golden, n);
}

TEST(a_vector_has_the_same_bits_in_any_batch)
{
    static const char *const precisions[] = {"f32", "bf16", "int8"};
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        eddy_embedder *embedder = model_open(precisions[p]);
        batches_compare(embedder);
        eddy_embedder_free(embedder);
    }
}

TEST(it_says_what_it_is)
{
    static const char want[] = "encoder all-MiniLM-L6-v2, 384 dimensions, f32 by ";
    eddy_embedder *embedder = model_open("f32");
    assert_memory_equal(eddy_embedder_name(embedder), want, sizeof want - 1);
    assert_int_equal(eddy_embedder_dim(embedder), 384);
    eddy_embedder_free(embedder);
}

/* ---- the labelled sets ---- */

/* Digest of the ids of all documents of one set, and how many of both. */
static uint64_t set_digest(const char *path, size_t *docs, size_t *ids)
{
    char command[1200];
    snprintf(command, sizeof command, "gzip -dc '%s'", path);
    FILE *in = popen(command, "r"); /* a test may; eddy itself starts no shell */
    assert_non_null(in);
    char *line = NULL;
    size_t room = 0;
    uint64_t digest = UINT64_C(14695981039346656037);
    for (*docs = *ids = 0; getline(&line, &room, in) > 0; ++*docs) {
        json_t *doc = json_loads(line, JSON_ALLOW_NUL, NULL);
        const json_t *title = json_object_get(doc, "title"), *text = json_object_get(doc, "text");
        size_t n_title = json_string_length(title), n_text = json_string_length(text), n = 0;
        char *joined = ed_alloc(n_title + 1 + n_text);
        if (n_title) {
            memcpy(joined, json_string_value(title), n_title);
            joined[n_title] = ' ';
            n = n_title + 1;
        }
        memcpy(joined + n, json_string_value(text), n_text);
        uint32_t got[LIMIT];
        size_t n_got = ed_wordpiece_read(words, (eddy_str){joined, n + n_text}, got, LIMIT);
        digest = ed_fnv1a(digest, got, n_got * sizeof *got);
        *ids += n_got;
        ed_free(joined);
        json_decref(doc);
    }
    free(line);
    pclose(in);
    return digest;
}

TEST(ids_of_all_labelled_sets_are_those_of_the_reference)
{
    const char *data = getenv("EDDY_DATA");
    FILE *list = fopen(GOLDEN "tokens.tsv", "r");
    assert_non_null(list);
    char name[64];
    size_t want_docs, want_ids, docs, ids, sets = 0;
    unsigned long long want;
    while (fscanf(list, "%63s %zu %zu %llx", name, &want_docs, &want_ids, &want) == 4) {
        char path[1100];
        snprintf(path, sizeof path, "%s/%s.jsonl.gz", data ? data : "../shared/data", name);
        if (!is_there(path)) {
            printf("%s is absent\n", path);
            continue;
        }
        uint64_t digest = set_digest(path, &docs, &ids);
        if (docs != want_docs || ids != want_ids || digest != want)
            fail_msg("%s: %zu documents, %zu ids, %016llx", name, docs, ids,
                     (unsigned long long)digest);
        sets++;
    }
    fclose(list);
    printf("%zu sets\n", sets);
    if (!sets)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_those_of_the_reference),
        cmocka_unit_test(vectors_are_those_of_the_reference),
        cmocka_unit_test(a_vector_has_the_same_bits_in_any_batch),
        cmocka_unit_test(it_says_what_it_is),
        cmocka_unit_test(ids_of_all_labelled_sets_are_those_of_the_reference),
    };
    if (!model_find()) {
        printf("%s is absent; tools/fetch-model fetches it\n", dir);
        return 77;
    }
    if (!words_open())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ed_wordpiece_free(words);
    return failed;
}
