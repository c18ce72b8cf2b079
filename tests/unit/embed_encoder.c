/* label: threads */
/* The encoder on a tiny model that this test writes: against an independent slow forward pass,
 * with every wrong file, with every lost allocation, and from two threads at once. */
#include "test.h"

#include <eddy/embed.h>

#include "embed/chunks.h"
#include "embed/encoder.h"
#include "embed/wordpiece.h"

#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HIDDEN = 16, HEADS = 2, INNER = 24, LAYERS = 2, POSITIONS = 40, PIECES = 36, LIMIT = 24 };

static const char config_json[] =
    "{\"model_type\": \"bert\", \"hidden_size\": 16, \"num_hidden_layers\": 2,\n"
    " \"num_attention_heads\": 2, \"intermediate_size\": 24, \"max_position_embeddings\": 40,\n"
    " \"vocab_size\": 36, \"type_vocab_size\": 2, \"layer_norm_eps\": 1e-12}";
static const char sentence_json[] = "{\"max_seq_length\": 24, \"do_lower_case\": false}";
static const char cls_json[] =
    "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}";
static const char modules_json[] =
    "[{\"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},\n"
    " {\"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"},\n"
    " {\"path\": \"2_Normalize\", \"type\": \"sentence_transformers.models.Normalize\"}]";
static const char vocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
    "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n##a\n##b\n##c\n##d\n##e\n##f\n##g\n##h\n"
    "##i\n##j\n.\n,\nstorm\nflood\nrain\nharbour\nferry\nvote\nbank\nrate\ngoal\n";

/* ---- the tiny model ---- */

struct tensor {
    char name[64];
    size_t rows, cols; /* rows 0: one dimension */
    float *at;
};
static struct tensor tensors[64];
static size_t n_tensors;
static char folder[64];

static void tensor_make(const char *name, size_t rows, size_t cols, double mean, uint64_t *random)
{
    struct tensor *t = &tensors[n_tensors++];
    size_t n = (rows ? rows : 1) * cols;
    snprintf(t->name, sizeof t->name, "%s", name);
    t->rows = rows;
    t->cols = cols;
    t->at = ed_alloc(n * sizeof *t->at);
    for (size_t i = 0; i < n; i++)
        t->at[i] = (float)(mean + ((double)(test_random(random) >> 11) / 0x1p52 - 1) * 0.6);
}

static void pair_make(const char *base, size_t rows, size_t cols, uint64_t *random)
{
    char name[64];
    snprintf(name, sizeof name, "%s.weight", base);
    tensor_make(name, rows, cols, rows ? 0 : 1, random);
    snprintf(name, sizeof name, "%s.bias", base);
    tensor_make(name, 0, rows ? rows : cols, 0, random);
}

static void tensors_make(uint64_t *random)
{
    tensor_make("embeddings.word_embeddings.weight", PIECES, HIDDEN, 0, random);
    tensor_make("embeddings.position_embeddings.weight", POSITIONS, HIDDEN, 0, random);
    tensor_make("embeddings.token_type_embeddings.weight", 2, HIDDEN, 0, random);
    pair_make("embeddings.LayerNorm", 0, HIDDEN, random);
    for (int i = 0; i < LAYERS; i++) {
        static const struct {
            const char *name;
            size_t rows, cols;
        } parts[] = {
            {"attention.self.query", HIDDEN, HIDDEN},  {"attention.self.key", HIDDEN, HIDDEN},
            {"attention.self.value", HIDDEN, HIDDEN},  {"attention.output.dense", HIDDEN, HIDDEN},
            {"attention.output.LayerNorm", 0, HIDDEN}, {"intermediate.dense", INNER, HIDDEN},
            {"output.dense", HIDDEN, INNER},           {"output.LayerNorm", 0, HIDDEN}};
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            char base[48];
            snprintf(base, sizeof base, "encoder.layer.%d.%s", i, parts[p].name);
            pair_make(base, parts[p].rows, parts[p].cols, random);
        }
    }
}

static void file_write(const char *name, const void *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

static void text_write(const char *name, const char *text)
{
    file_write(name, text, strlen(text));
}

static void file_remove(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    remove(path);
}

/* All tensors but the one called without. */
static void weights_write(const char *without)
{
    static char file[1 << 16];
    size_t n = 8, end = 0;
    file[n++] = '{';
    for (size_t i = 0; i < n_tensors; i++) {
        const struct tensor *t = &tensors[i];
        if (without && !strcmp(without, t->name))
            continue;
        size_t begin = end;
        end += (t->rows ? t->rows : 1) * t->cols * sizeof(float);
        n += (size_t)snprintf(file + n, sizeof file - n, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[",
                              n > 9 ? "," : "", t->name);
        if (t->rows)
            n += (size_t)snprintf(file + n, sizeof file - n, "%zu,", t->rows);
        n += (size_t)snprintf(file + n, sizeof file - n, "%zu],\"data_offsets\":[%zu,%zu]}",
                              t->cols, begin, end);
    }
    file[n++] = '}';
    while (n % 8)
        file[n++] = ' ';
    uint64_t n_header = n - 8;
    memcpy(file, &n_header, 8);
    for (size_t i = 0; i < n_tensors; i++) {
        const struct tensor *t = &tensors[i];
        size_t size = (t->rows ? t->rows : 1) * t->cols * sizeof(float);
        if (without && !strcmp(without, t->name))
            continue;
        memcpy(file + n, t->at, size);
        n += size;
    }
    file_write("model.safetensors", file, n);
}

/* The folder as it should be, with mean pooling. */
static void model_write(void)
{
    static const char *const optional[] = {"modules.json", "1_Pooling/config.json",
                                           "tokenizer_config.json", "tokenizer.json"};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        file_remove(optional[i]);
    text_write("config.json", config_json);
    text_write("sentence_bert_config.json", sentence_json);
    text_write("vocab.txt", vocab);
    weights_write(NULL);
}

static int model_make(void **state)
{
    (void)state;
    uint64_t random = test_seed();
    tensors_make(&random);
    const char *temp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/eddy-tiny-XXXXXX", temp ? temp : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    char pooling[128];
    snprintf(pooling, sizeof pooling, "%s/1_Pooling", folder);
    return mkdir(pooling, 0700);
}

static int model_remove(void **state)
{
    (void)state;
    static const char *const names[] = {"config.json",
                                        "sentence_bert_config.json",
                                        "vocab.txt",
                                        "model.safetensors",
                                        "modules.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "1_Pooling/config.json",
                                        "1_Pooling"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        file_remove(names[i]);
    for (size_t i = 0; i < n_tensors; i++)
        ed_free(tensors[i].at);
    return rmdir(folder);
}

static const char *const precisions[] = {"f32", "bf16", "int8"};
enum { PRECISIONS = 3 };

static eddy_embedder *model_open_with(const char *precision, int chunks)
{
    eddy_embedder *embedder = NULL;
    eddy_error err = {0};
    const eddy_embedder_options options = {
        .model = "encoder", .dir = folder, .precision = precision, .chunks = chunks};
    CHECK_OK(eddy_embedder_open(&options, &embedder, &err), &err);
    return embedder;
}

static eddy_embedder *model_open_as(const char *precision)
{
    return model_open_with(precision, 0);
}

static eddy_embedder *model_open(void)
{
    return model_open_as("f32");
}

/* ---- the slow twin: one text, plain loops, double ---- */

static const struct tensor *named(int layer, const char *part)
{
    char name[128];
    if (layer < 0)
        snprintf(name, sizeof name, "embeddings.%s", part);
    else
        snprintf(name, sizeof name, "encoder.layer.%d.%s", layer, part);
    for (size_t i = 0; i < n_tensors; i++)
        if (!strcmp(tensors[i].name, name))
            return &tensors[i];
    fail_msg("no %s", name);
    return NULL;
}

typedef double wide_row[INNER > HIDDEN ? INNER : HIDDEN];

static void slow_dense(int layer, const char *part, const wide_row x, wide_row y)
{
    char name[64];
    snprintf(name, sizeof name, "%s.weight", part);
    const struct tensor *w = named(layer, name);
    snprintf(name, sizeof name, "%s.bias", part);
    const struct tensor *b = named(layer, name);
    for (size_t o = 0; o < w->rows; o++) {
        y[o] = b->at[o];
        for (size_t i = 0; i < w->cols; i++)
            y[o] += x[i] * w->at[o * w->cols + i];
    }
}

static void slow_norm(int layer, const char *part, wide_row x)
{
    char name[64];
    double mean = 0, square = 0;
    snprintf(name, sizeof name, "%s.weight", part);
    const float *g = named(layer, name)->at;
    snprintf(name, sizeof name, "%s.bias", part);
    const float *b = named(layer, name)->at;
    for (size_t j = 0; j < HIDDEN; j++) {
        mean += x[j] / HIDDEN;
        square += x[j] * x[j] / HIDDEN;
    }
    for (size_t j = 0; j < HIDDEN; j++)
        x[j] = (x[j] - mean) / sqrt(square - mean * mean + 1e-12) * g[j] + b[j];
}

static void slow_layer(int layer, size_t n, wide_row *x)
{
    static wide_row q[POSITIONS], k[POSITIONS], v[POSITIONS];
    const size_t width = HIDDEN / HEADS;
    for (size_t i = 0; i < n; i++) {
        slow_dense(layer, "attention.self.query", x[i], q[i]);
        slow_dense(layer, "attention.self.key", x[i], k[i]);
        slow_dense(layer, "attention.self.value", x[i], v[i]);
    }
    for (size_t i = 0; i < n; i++) {
        wide_row gathered = {0}, out, wide;
        for (size_t j = 0; j < HIDDEN; j += width) {
            double weight[POSITIONS], sum = 0;
            for (size_t t = 0; t < n; t++) {
                double dot = 0;
                for (size_t d = j; d < j + width; d++)
                    dot += q[i][d] * k[t][d];
                sum += weight[t] = exp(dot / sqrt((double)width));
            }
            for (size_t t = 0; t < n; t++)
                for (size_t d = j; d < j + width; d++)
                    gathered[d] += weight[t] / sum * v[t][d];
        }
        slow_dense(layer, "attention.output.dense", gathered, out);
        for (size_t j = 0; j < HIDDEN; j++)
            x[i][j] += out[j];
        slow_norm(layer, "attention.output.LayerNorm", x[i]);
        slow_dense(layer, "intermediate.dense", x[i], wide);
        for (size_t j = 0; j < INNER; j++)
            wide[j] *= 0.5 * (1 + erf(wide[j] / sqrt(2.0)));
        slow_dense(layer, "output.dense", wide, out);
        for (size_t j = 0; j < HIDDEN; j++)
            x[i][j] += out[j];
        slow_norm(layer, "output.LayerNorm", x[i]);
    }
}

static void slow_embed(const uint32_t *ids, size_t n, int by_cls, double *ret)
{
    static wide_row x[POSITIONS];
    const float *pieces = named(-1, "word_embeddings.weight")->at;
    const float *positions = named(-1, "position_embeddings.weight")->at;
    const float *types = named(-1, "token_type_embeddings.weight")->at;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < HIDDEN; j++)
            x[i][j] = (double)pieces[ids[i] * HIDDEN + j] + positions[i * HIDDEN + j] + types[j];
        slow_norm(-1, "LayerNorm", x[i]);
    }
    for (int layer = 0; layer < LAYERS; layer++)
        slow_layer(layer, n, x);
    double square = 0;
    for (size_t j = 0; j < HIDDEN; j++) {
        ret[j] = 0;
        for (size_t i = 0; i < (by_cls ? 1 : n); i++)
            ret[j] += x[i][j];
        square += ret[j] * ret[j];
    }
    for (size_t j = 0; j < HIDDEN; j++)
        ret[j] /= sqrt(square);
}

/* ---- texts ---- */

enum { TEXTS = 150 };
static char made_text[TEXTS][400];
static eddy_str texts[TEXTS];

/* From none to more words than the limit takes. */
static void texts_make(void)
{
    static const char *const words[] = {"storm", "flood",     "rain",   "harbour", "abc",
                                        "zz",    "jab.",      "ferry,", "vote",    "bank",
                                        "Goal",  "h\xC3\xA9", "rate"};
    uint64_t random = test_seed();
    for (size_t i = 0; i < TEXTS; i++) {
        size_t n = 0;
        for (size_t w = test_random(&random) % (i % 9 ? 12 : 40); w; w--)
            n += (size_t)snprintf(made_text[i] + n, sizeof made_text[i] - n, "%s ",
                                  words[test_random(&random) % (sizeof words / sizeof *words)]);
        texts[i] = (eddy_str){made_text[i], n};
    }
}

static double twin_difference(const struct ed_kernels *kernels, int by_cls)
{
    static float rows[TEXTS * HIDDEN];
    const struct ed_fold_flags flags = {1, 1, 1};
    struct ed_wordpiece *words = NULL;
    eddy_error err = {0};
    struct ed_encoder *encoder = NULL;
    CHECK_OK(ed_encoder_open(folder, kernels, 0, NULL, &encoder, &err), &err);
    eddy_arena *scratch = eddy_arena_new(0);
    assert_int_equal(ed_encoder_dim(encoder), HIDDEN);
    CHECK_OK(ed_wordpiece_new(vocab, sizeof vocab - 1, &flags, "v", &words, &err), &err);
    CHECK_OK(ed_encoder_embed(encoder, texts, TEXTS, scratch, rows, &err), &err);
    double most = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        uint32_t ids[LIMIT];
        double want[HIDDEN];
        slow_embed(ids, ed_wordpiece_read(words, texts[i], ids, LIMIT), by_cls, want);
        for (size_t j = 0; j < HIDDEN; j++)
            most = fmax(most, fabs(want[j] - rows[i * HIDDEN + j]));
    }
    ed_wordpiece_free(words);
    ed_encoder_free(encoder);
    eddy_arena_free(scratch);
    return most;
}

TEST(the_slow_twin_agrees_with_every_kind_of_kernels)
{
    static const double allowed[PRECISIONS] = {1e-4, 4e-2, 2e-1};
    const struct ed_kernels *kernels;
    texts_make();
    for (size_t i = 0; (kernels = ed_kernels_at(i)); i++) {
        if (!kernels->usable())
            continue;
        model_write();
        double mean = twin_difference(kernels, 0);
        text_write("modules.json", modules_json);
        text_write("1_Pooling/config.json", cls_json);
        double cls = twin_difference(kernels, 1);
        printf("%s by %s: largest difference: mean %.2g, cls %.2g\n",
               ed_precision_name(kernels->precision), kernels->name, mean, cls);
        assert_true(mean < allowed[kernels->precision] && cls < allowed[kernels->precision]);
    }
}

/* The mean of the chunks of a text, by the slow twin; how many there are. */
static size_t slow_chunks(const struct ed_wordpiece *words, eddy_str text, double *ret)
{
    uint32_t ids[ED_CHUNKS_MAX * LIMIT], chunk[LIMIT];
    double square = 0;
    size_t n = ed_wordpiece_read(words, text, ids, ed_chunks_tokens(LIMIT));
    size_t count = ed_chunks_count(n, LIMIT);
    memset(ret, 0, HIDDEN * sizeof *ret);
    for (size_t k = 0; k < count; k++) {
        double row[HIDDEN];
        size_t share, n_chunk = ed_chunk(ids, n, LIMIT, k, chunk, &share);
        slow_embed(chunk, n_chunk, 0, row);
        for (size_t j = 0; j < HIDDEN; j++)
            ret[j] += row[j] * (double)(count > 1 ? share : 1);
    }
    for (size_t j = 0; j < HIDDEN; j++)
        square += ret[j] * ret[j];
    for (size_t j = 0; j < HIDDEN; j++)
        ret[j] /= sqrt(square);
    return count;
}

TEST(a_long_text_is_the_mean_of_its_chunks_and_a_short_one_as_it_was)
{
    static float rows[TEXTS * HIDDEN], cut[TEXTS * HIDDEN];
    const struct ed_fold_flags flags = {1, 1, 1};
    struct ed_wordpiece *words = NULL;
    eddy_error err = {0};
    model_write();
    texts_make();
    CHECK_OK(ed_wordpiece_new(vocab, sizeof vocab - 1, &flags, "v", &words, &err), &err);
    eddy_embedder *by_chunks = model_open_with("f32", 1), *by_cut = model_open();
    eddy_arena *scratch = eddy_arena_new(0);
    CHECK_OK(eddy_embedder_embed(by_chunks, texts, TEXTS, scratch, rows, &err), &err);
    CHECK_OK(eddy_embedder_embed(by_cut, texts, TEXTS, scratch, cut, &err), &err);
    size_t longer = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        double want[HIDDEN];
        int as_cut = !memcmp(rows + i * HIDDEN, cut + i * HIDDEN, HIDDEN * sizeof *rows);
        size_t count = slow_chunks(words, texts[i], want);
        assert_int_equal(as_cut, count == 1);
        longer += count > 2;
        for (size_t j = 0; j < HIDDEN; j++)
            assert_true(fabs(want[j] - (double)rows[i * HIDDEN + j]) < 1e-4);
    }
    assert_true(longer);
    assert_true(eddy_embedder_fingerprint(by_chunks) != eddy_embedder_fingerprint(by_cut));
    ed_wordpiece_free(words);
    eddy_embedder_free(by_chunks);
    eddy_embedder_free(by_cut);
    eddy_arena_free(scratch);
}

static void batches_compare(const char *precision, int chunks)
{
    static float together[TEXTS * HIDDEN], apart[TEXTS * HIDDEN];
    eddy_embedder *embedder = model_open_with(precision, chunks);
    eddy_arena *scratch = eddy_arena_new(0);
    eddy_error err = {0};
    CHECK_OK(eddy_embedder_embed(embedder, texts, TEXTS, scratch, together, &err), &err);
    uint64_t random = test_seed();
    for (size_t i = 0, n; i < TEXTS; i += n) {
        n = 1 + test_random(&random) % 20;
        n = n < TEXTS - i ? n : TEXTS - i;
        CHECK_OK(eddy_embedder_embed(embedder, texts + i, n, scratch, apart + i * HIDDEN, &err),
                 &err);
    }
    assert_memory_equal(together, apart, sizeof together);
    CHECK_OK(eddy_embedder_embed(embedder, texts, 0, scratch, NULL, &err), &err);
    eddy_embedder_free(embedder);
    eddy_arena_free(scratch);
}

TEST(a_vector_has_the_same_bits_in_any_batch)
{
    model_write();
    texts_make();
    for (size_t p = 0; p < PRECISIONS; p++)
        for (int chunks = 0; chunks < 2; chunks++)
            batches_compare(precisions[p], chunks);
}

struct worker {
    const eddy_embedder *embedder;
    float rows[TEXTS * HIDDEN];
    eddy_status st;
};

static void *work(void *given)
{
    struct worker *w = given;
    eddy_arena *scratch = eddy_arena_new(0);
    for (int round = 0; round < 5 && w->st == EDDY_OK; round++)
        w->st = eddy_embedder_embed(w->embedder, texts, TEXTS, scratch, w->rows, NULL);
    eddy_arena_free(scratch);
    return NULL;
}

TEST(two_threads_share_one_embedder)
{
    model_write();
    texts_make();
    static struct worker workers[2];
    pthread_t threads[2];
    eddy_embedder *embedder = model_open();
    for (size_t i = 0; i < 2; i++) {
        workers[i].embedder = embedder;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].st, EDDY_OK);
    }
    assert_memory_equal(workers[0].rows, workers[1].rows, sizeof workers[0].rows);
    eddy_embedder_free(embedder);
}

/* ---- what can be wrong with a model ---- */

TEST(each_wrong_file_is_told_apart)
{
    static const struct {
        const char *name, *content; /* NULL: the file is missing */
        eddy_status st;
        const char *says;
    } cases[] = {
        {"config.json", NULL, EDDY_UNAVAILABLE, "no config.json there; tools/fetch-model"},
        {"config.json", "", EDDY_FORMAT, "config.json: line 1"},
        {"config.json", "{\"model_type\": \"distilbert\"}", EDDY_FORMAT,
         "config.json: model_type \"distilbert\" is not supported"},
        {"config.json", "{\"model_type\": \"bert\", \"hidden_act\": \"silu\"}", EDDY_FORMAT,
         "config.json: hidden_act \"silu\" is not supported"},
        {"config.json", "{\"model_type\": \"bert\", \"position_embedding_type\": \"relative_key\"}",
         EDDY_FORMAT, "position_embedding_type \"relative_key\" is not supported"},
        {"config.json", "{\"model_type\": \"bert\", \"layer_norm_eps\": 0}", EDDY_FORMAT,
         "layer_norm_eps wants a number"},
        {"config.json", "{\"model_type\": \"bert\", \"hidden_size\": 0}", EDDY_FORMAT,
         "config.json: hidden_size wants a whole number from 1 to 16384"},
        {"config.json",
         "{\"model_type\": \"bert\", \"hidden_size\": 16, \"num_hidden_layers\": 2, "
         "\"num_attention_heads\": 3, \"intermediate_size\": 24, \"max_position_embeddings\": 40, "
         "\"vocab_size\": 36, \"type_vocab_size\": 2}",
         EDDY_FORMAT, "num_attention_heads 3 does not divide hidden_size 16"},
        {"config.json",
         "{\"model_type\": \"bert\", \"hidden_size\": 16, \"num_hidden_layers\": 3, "
         "\"num_attention_heads\": 2, \"intermediate_size\": 24, \"max_position_embeddings\": 40, "
         "\"vocab_size\": 36, \"type_vocab_size\": 2}",
         EDDY_FORMAT, "no tensor encoder.layer.2.attention.self.query.weight"},
        {"config.json",
         "{\"model_type\": \"bert\", \"hidden_size\": 16, \"num_hidden_layers\": 2, "
         "\"num_attention_heads\": 2, \"intermediate_size\": 32, \"max_position_embeddings\": 40, "
         "\"vocab_size\": 36, \"type_vocab_size\": 2}",
         EDDY_FORMAT, "tensor encoder.layer.0.intermediate.dense.weight is (24, 16), not (32, 16)"},
        {"config.json",
         "{\"model_type\": \"bert\", \"hidden_size\": 16, \"num_hidden_layers\": 2, "
         "\"num_attention_heads\": 2, \"intermediate_size\": 24, \"max_position_embeddings\": 40, "
         "\"vocab_size\": 35, \"type_vocab_size\": 2}",
         EDDY_FORMAT, "the tokenizer has 36 pieces, but config.json: vocab_size is 35"},
        {"config.json", "[]", EDDY_FORMAT, "config.json holds no JSON object"},
        {"modules.json", "{}", EDDY_FORMAT, "modules.json holds no JSON list"},
        {"sentence_bert_config.json", "[]", EDDY_FORMAT,
         "sentence_bert_config.json holds no JSON object"},
        {"tokenizer.json", "[]", EDDY_FORMAT, "tokenizer.json holds no JSON object"},
        {"tokenizer_config.json", "[]", EDDY_FORMAT, "tokenizer_config.json holds no JSON object"},
        {"1_Pooling/config.json", "[]", EDDY_FORMAT, "1_Pooling/config.json holds no JSON object"},
        {"modules.json", "[{\"type\": \"sentence_transformers.models.Dense\"}]", EDDY_FORMAT,
         "modules.json: type \"sentence_transformers.models.Dense\" is not supported"},
        {"modules.json", "[{\"type\": \"x.Transformer\", \"path\": \"0_Transformer\"}]",
         EDDY_FORMAT,
         "modules.json: a transformer in the folder \"0_Transformer\" is not supported"},
        {"1_Pooling/config.json", "{\"pooling_mode_max_tokens\": true}", EDDY_FORMAT,
         "1_Pooling/config.json: pooling_mode_max_tokens is not supported"},
        {"1_Pooling/config.json",
         "{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": true}", EDDY_FORMAT,
         "more than one pooling_mode"},
        {"1_Pooling/config.json", "{\"pooling_mode\": \"lasttoken\"}", EDDY_FORMAT,
         "pooling_mode \"lasttoken\" is not supported"},
        {"sentence_bert_config.json", "{\"max_seq_length\": 41}", EDDY_FORMAT,
         "sentence_bert_config.json: max_seq_length wants a whole number from 2 to 40"},
        {"tokenizer_config.json", "{\"tokenizer_class\": \"MPNetTokenizer\"}", EDDY_FORMAT,
         "tokenizer_config.json: tokenizer_class \"MPNetTokenizer\" is not supported"},
        {"vocab.txt", NULL, EDDY_UNAVAILABLE, "vocab.txt: No such file"},
        {"vocab.txt", "", EDDY_FORMAT, "vocab.txt: [UNK] is not among its 0 pieces"},
        {"model.safetensors", NULL, EDDY_UNAVAILABLE, "model.safetensors: No such file"},
        {"model.safetensors", "", EDDY_FORMAT, "model.safetensors: a header of 0 bytes"},
        {"model.safetensors", "<!DOCTYPE html><html>", EDDY_FORMAT,
         "model.safetensors: a header of"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eddy_embedder *embedder = NULL;
        eddy_error err = {0};
        model_write();
        if (cases[i].content)
            text_write(cases[i].name, cases[i].content);
        else
            file_remove(cases[i].name);
        assert_int_equal(
            eddy_embedder_open(&(eddy_embedder_options){.model = "encoder", .dir = folder},
                               &embedder, &err),
            cases[i].st);
        if (!strstr(err.text, cases[i].says) || !strstr(err.text, folder))
            fail_msg("%s: want \"%s\"", err.text, cases[i].says);
        assert_null(embedder);
    }
}

TEST(each_missing_tensor_is_named)
{
    model_write();
    for (size_t i = 0; i < n_tensors; i++) {
        eddy_embedder *embedder = NULL;
        eddy_error err = {0};
        weights_write(tensors[i].name);
        assert_int_equal(
            eddy_embedder_open(&(eddy_embedder_options){.model = "auto", .dir = folder}, &embedder,
                               &err),
            EDDY_FORMAT);
        assert_non_null(strstr(err.text, tensors[i].name));
        assert_null(embedder);
    }
}

TEST(weights_that_are_not_finite_give_no_vector)
{
    model_write();
    float *gain = (float *)(uintptr_t)named(1, "output.LayerNorm.weight")->at;
    float before = gain[3], row[HIDDEN];
    gain[3] = NAN;
    weights_write(NULL);
    gain[3] = before;
    eddy_error err = {0};
    eddy_embedder *embedder = model_open();
    eddy_arena *scratch = eddy_arena_new(0);
    eddy_str text = {"storm", 5};
    assert_int_equal(eddy_embedder_embed(embedder, &text, 1, scratch, row, &err), EDDY_FORMAT);
    assert_non_null(strstr(err.text, "not finite"));
    eddy_arena_free(scratch);
    eddy_embedder_free(embedder);
}

static uint64_t fingerprint(void)
{
    eddy_embedder *embedder = model_open();
    uint64_t print = eddy_embedder_fingerprint(embedder);
    eddy_embedder_free(embedder);
    return print;
}

/* The vector of a text by the model as its files stand now. */
static void vector_of(const char *text, float *ret)
{
    eddy_embedder *embedder = model_open_as("f32");
    eddy_arena *scratch = eddy_arena_new(0);
    eddy_error err = {0};
    eddy_str one = {text, strlen(text)};
    CHECK_OK(eddy_embedder_embed(embedder, &one, 1, scratch, ret, &err), &err);
    eddy_arena_free(scratch);
    eddy_embedder_free(embedder);
}

TEST(the_prompt_of_a_model_stands_before_each_text)
{
    static const char prompts[] = "config_sentence_transformers.json";
    float wanted[HIDDEN], got[HIDDEN];
    model_write();
    uint64_t before = fingerprint();
    vector_of("flood storm", wanted);
    text_write(prompts, "{\"prompts\": {\"query\": \"flood \"}, \"default_prompt_name\": null}");
    assert_true(before == fingerprint());
    text_write(prompts, "{\"prompts\": {\"q\": \"flood \"}, \"default_prompt_name\": \"q\"}");
    assert_true(before != fingerprint());
    vector_of("storm", got);
    assert_memory_equal(got, wanted, sizeof got);
    file_remove(prompts);
}

TEST(a_given_prefix_stands_in_place_of_the_prompt)
{
    static const char prompts[] = "config_sentence_transformers.json";
    char endless[300] = {0};
    float wanted[HIDDEN], got[HIDDEN];
    eddy_embedder *embedder = NULL;
    eddy_arena *scratch = eddy_arena_new(0);
    eddy_error err = {0};
    const eddy_str storm = {"storm", 5};
    eddy_embedder_options options = {
        .model = "encoder", .dir = folder, .precision = "f32", .prefix = "rain "};
    model_write();
    vector_of("rain storm", wanted);
    uint64_t plain = fingerprint();
    text_write(prompts, "{\"prompts\": {\"q\": \"flood \"}, \"default_prompt_name\": \"q\"}");
    CHECK_OK(eddy_embedder_open(&options, &embedder, &err), &err);
    CHECK_OK(eddy_embedder_embed(embedder, &storm, 1, scratch, got, &err), &err);
    assert_memory_equal(got, wanted, sizeof got);
    assert_true(eddy_embedder_fingerprint(embedder) != plain);
    eddy_embedder_free(embedder);

    options.prefix = ""; /* nothing, whatever the files say */
    CHECK_OK(eddy_embedder_open(&options, &embedder, &err), &err);
    assert_true(eddy_embedder_fingerprint(embedder) == plain);
    eddy_embedder_free(embedder);

    memset(endless, 'a', sizeof endless - 1);
    options.prefix = endless;
    assert_int_equal(eddy_embedder_open(&options, &embedder, &err), EDDY_INVALID);
    eddy_arena_free(scratch);
    file_remove(prompts);
}

TEST(positions_of_roberta_begin_behind_the_padding)
{
    static float rows[POSITIONS * HIDDEN];
    char roberta[600];
    float wanted[HIDDEN], got[HIDDEN];
    struct tensor *positions = &tensors[1];
    memcpy(rows, positions->at, sizeof rows);
    memmove(positions->at, rows + HIDDEN, sizeof rows - HIDDEN * sizeof *rows);
    model_write();
    vector_of("storm a, flood b.", wanted);
    memcpy(positions->at, rows, sizeof rows);
    model_write();
    snprintf(roberta, sizeof roberta, "{\"pad_token_id\": 0, \"model_type\": \"xlm-roberta\"%s",
             config_json + strlen("{\"model_type\": \"bert\""));
    text_write("config.json", roberta);
    vector_of("storm a, flood b.", got);
    assert_memory_equal(got, wanted, sizeof got);
    model_write();
}

TEST(the_fingerprint_follows_all_that_counts)
{
    model_write();
    uint64_t first = fingerprint();
    assert_true(first == fingerprint());
    for (size_t p = 1; p < PRECISIONS; p++) {
        eddy_embedder *other = model_open_as(precisions[p]);
        assert_true(first != eddy_embedder_fingerprint(other));
        eddy_embedder_free(other);
    }
    text_write("sentence_bert_config.json", "{ \"max_seq_length\":24}\n"); /* the same, said anew */
    assert_true(first == fingerprint());
    text_write("sentence_bert_config.json", "{\"max_seq_length\": 23}");
    assert_true(first != fingerprint());
    model_write();
    text_write("1_Pooling/config.json", cls_json);
    assert_true(first != fingerprint());
    model_write();
    text_write("tokenizer_config.json", "{\"do_lower_case\": false}");
    uint64_t cased = fingerprint();
    assert_true(first != cased);
    text_write("tokenizer.json", "{\"normalizer\": {\"lowercase\": true}}"); /* counts for less */
    assert_true(cased == fingerprint());
    file_remove("tokenizer_config.json");
    assert_true(first == fingerprint());
    text_write("tokenizer.json", "{\"normalizer\": {\"lowercase\": false}}");
    assert_true(cased == fingerprint());
    model_write();
    tensors[5].at[7] += 1e-6f;
    weights_write(NULL);
    assert_true(first != fingerprint());
    tensors[5].at[7] -= 1e-6f;
}

TEST(auto_takes_the_encoder_when_it_is_there)
{
    model_write();
    eddy_embedder *embedder = NULL;
    eddy_error err = {0};
    char want[128];
    CHECK_OK(eddy_embedder_open(&(eddy_embedder_options){.model = "auto", .dir = folder}, &embedder,
                                &err),
             &err);
    snprintf(want, sizeof want, "encoder %s, 16 dimensions, ", strrchr(folder, '/') + 1);
    assert_ptr_equal(strstr(eddy_embedder_name(embedder), want), eddy_embedder_name(embedder));
    eddy_embedder_free(embedder);
    static const char *const no_model[] = {NULL, "/nowhere"};
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(eddy_embedder_open(&(eddy_embedder_options){.model = "auto", .dir = no_model[i]},
                                    &embedder, &err),
                 &err);
        assert_string_equal(eddy_embedder_name(embedder), "hash, 512 dimensions");
        assert_int_equal(eddy_embedder_dim(embedder), 512);
        eddy_embedder_free(embedder);
        embedder = NULL;
        assert_int_equal(
            eddy_embedder_open(&(eddy_embedder_options){.model = "encoder", .dir = no_model[i]},
                               &embedder, NULL),
            EDDY_UNAVAILABLE);
    }
    assert_int_equal(eddy_embedder_open(&(eddy_embedder_options){.model = "bert", .dir = folder},
                                        &embedder, NULL),
                     EDDY_INVALID);
    assert_int_equal(
        eddy_embedder_open(
            &(eddy_embedder_options){.model = "encoder", .dir = folder, .precision = "f16"},
            &embedder, NULL),
        EDDY_INVALID);
    assert_null(embedder);
}

TEST(hash_embeds_a_batch_row_by_row)
{
    texts_make();
    static float together[8 * 512], alone[512];
    eddy_embedder *embedder = NULL;
    eddy_error err = {0};
    eddy_arena *scratch = eddy_arena_new(0);
    CHECK_OK(eddy_embedder_open(&(eddy_embedder_options){.model = "hash"}, &embedder, &err), &err);
    CHECK_OK(eddy_embedder_embed(embedder, texts, 8, scratch, together, &err), &err);
    for (size_t i = 0; i < 8; i++) {
        CHECK_OK(eddy_embedder_embed(embedder, texts + i, 1, scratch, alone, &err), &err);
        assert_memory_equal(alone, together + i * 512, sizeof alone);
    }
    eddy_arena_free(scratch);
    eddy_embedder_free(embedder);
}

TEST(it_survives_any_lost_allocation)
{
    model_write();
    texts_make();
    EACH_ALLOC_FAILS (k) {
        static float rows[TEXTS * HIDDEN];
        eddy_embedder *embedder = NULL;
        eddy_arena *scratch = eddy_arena_new(0);
        eddy_status st = eddy_embedder_open(
            &(eddy_embedder_options){.model = "encoder", .dir = folder, .chunks = (int)(k % 2)},
            &embedder, NULL);
        assert_true(st == EDDY_OK ? embedder != NULL : st == EDDY_NOMEM && !embedder);
        if (embedder && scratch) {
            st = eddy_embedder_embed(embedder, texts, TEXTS, scratch, rows, NULL);
            assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        }
        eddy_embedder_free(embedder);
        eddy_arena_free(scratch);
    }
    eddy_embedder *embedder = model_open();
    eddy_arena *small = eddy_arena_new(20000);
    float row[HIDDEN];
    assert_int_equal(eddy_embedder_embed(embedder, texts, 1, small, row, NULL), EDDY_NOMEM);
    eddy_arena_free(small);
    eddy_embedder_free(embedder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slow_twin_agrees_with_every_kind_of_kernels),
        cmocka_unit_test(a_long_text_is_the_mean_of_its_chunks_and_a_short_one_as_it_was),
        cmocka_unit_test(a_vector_has_the_same_bits_in_any_batch),
        cmocka_unit_test(two_threads_share_one_embedder),
        cmocka_unit_test(each_wrong_file_is_told_apart),
        cmocka_unit_test(each_missing_tensor_is_named),
        cmocka_unit_test(weights_that_are_not_finite_give_no_vector),
        cmocka_unit_test(the_prompt_of_a_model_stands_before_each_text),
        cmocka_unit_test(a_given_prefix_stands_in_place_of_the_prompt),
        cmocka_unit_test(positions_of_roberta_begin_behind_the_padding),
        cmocka_unit_test(the_fingerprint_follows_all_that_counts),
        cmocka_unit_test(auto_takes_the_encoder_when_it_is_there),
        cmocka_unit_test(hash_embeds_a_batch_row_by_row),
        cmocka_unit_test(it_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, model_make, model_remove);
}
