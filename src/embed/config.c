/* The model's own files decide. The order of precedence is sentence-transformers': the length
 * limit is sentence_bert_config.json's (tokenizer.json's truncation and padding are ignored),
 * and what tokenizer_config.json says of folding counts more than tokenizer.json. What we cannot
 * do is refused by name, never passed over: a wrong vector looks like a right one. */
#include "embed/config.h"

#include "embed/model_file.h"

#include "base/error.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ---- config.json ---- */

static eddy_status sizes_read(const struct ed_model_file *file, struct ed_encoder_config *ret,
                              eddy_error *err)
{
    const struct {
        const char *key;
        size_t min, max, *ret;
    } sizes[] = {
        {"hidden_size", 1, 16384, &ret->hidden},
        {"num_hidden_layers", 1, 256, &ret->layers},
        {"num_attention_heads", 1, 1024, &ret->heads},
        {"intermediate_size", 1, 65536, &ret->inner},
        {"max_position_embeddings", 2, 8192, &ret->positions},
        {"vocab_size", 1, 1000000, &ret->pieces},
        {"type_vocab_size", 1, 1000, &ret->types},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        eddy_status st = ed_model_number(file, file->root, sizes[i].key, sizes[i].min, sizes[i].max,
                                         sizes[i].ret, err);
        if (st != EDDY_OK)
            return st;
    }
    if (ret->hidden % ret->heads)
        return eddy_fail(err, EDDY_FORMAT,
                         "model %s: %s: num_attention_heads %zu does not divide hidden_size %zu",
                         file->dir, file->name, ret->heads, ret->hidden);
    return EDDY_OK;
}

static eddy_status model_read(const struct ed_model_file *file, struct ed_encoder_config *ret,
                              eddy_error *err)
{
    static const struct {
        const char *name;
        enum ed_activation value;
    } activations[] = {{"gelu", ED_GELU}, {"gelu_new", ED_GELU_TANH}, {"relu", ED_RELU}};

    const char *type = ed_model_word(file->root, "model_type", "");
    int is_roberta = !strcmp(type, "roberta") || !strcmp(type, "xlm-roberta");
    if (!is_roberta && strcmp(type, "bert") != 0)
        return ed_model_unsupported(file, "model_type", type, err);
    const char *places = ed_model_word(file->root, "position_embedding_type", "absolute");
    if (strcmp(places, "absolute") != 0)
        return ed_model_unsupported(file, "position_embedding_type", places, err);
    const char *act = ed_model_word(file->root, "hidden_act", "gelu");
    size_t i = 0;
    while (i < sizeof activations / sizeof *activations && strcmp(activations[i].name, act) != 0)
        i++;
    if (i == sizeof activations / sizeof *activations)
        return ed_model_unsupported(file, "hidden_act", act, err);
    ret->activation = activations[i].value;

    const json_t *eps = json_object_get(file->root, "layer_norm_eps");
    ret->norm_eps = eps ? json_number_value(eps) : 1e-12;
    if (!(ret->norm_eps > 0 && ret->norm_eps < 1))
        return eddy_fail(err, EDDY_FORMAT,
                         "model %s: %s: layer_norm_eps wants a number between 0 and 1", file->dir,
                         file->name);
    eddy_status st = sizes_read(file, ret, err);
    if (st != EDDY_OK || !is_roberta)
        return st;
    size_t padding = 1;
    if (json_object_get(file->root, "pad_token_id"))
        st =
            ed_model_number(file, file->root, "pad_token_id", 0, ret->positions - 2, &padding, err);
    ret->first = padding + 1;
    if (st == EDDY_OK && ret->positions < ret->first + 2)
        st = ed_model_wrong(file, err, "max_position_embeddings %zu leaves no position for a text",
                            ret->positions);
    return st;
}

/* ---- modules.json and the pooling module ---- */

/* The steps after the transformer. pooling (n) receives the folder of the pooling step. */
static eddy_status modules_read(const struct ed_model_file *file, char *pooling, size_t n,
                                eddy_error *err)
{
    size_t i;
    json_t *module;
    json_array_foreach(file->root, i, module)
    {
        const char *type = ed_model_word(module, "type", "");
        const char *path = ed_model_word(module, "path", "");
        const char *dot = strrchr(type, '.');
        const char *kind = dot ? dot + 1 : type;
        if (!strcmp(kind, "Transformer") && *path)
            return ed_model_unsupported(file, "a transformer in the folder", path, err);
        if (!strcmp(kind, "Pooling"))
            snprintf(pooling, n, "%s%sconfig.json", path, *path ? "/" : "");
        else if (strcmp(kind, "Transformer") != 0 && strcmp(kind, "Normalize") != 0)
            return ed_model_unsupported(file, "type", type, err);
    }
    return EDDY_OK;
}

/* Older files have a boolean for each way, newer ones a word. */
static eddy_status pooling_read(const struct ed_model_file *file, enum ed_pooling *ret,
                                eddy_error *err)
{
    static const char prefix[] = "pooling_mode_";
    const char *mode = ed_model_word(file->root, "pooling_mode", NULL);
    const char *key;
    json_t *value;
    json_object_foreach(file->root, key, value)
    {
        if (strncmp(key, prefix, sizeof prefix - 1) != 0 || !json_is_true(value))
            continue;
        if (mode)
            return eddy_fail(err, EDDY_FORMAT,
                             "model %s: %s: more than one pooling_mode is not supported", file->dir,
                             file->name);
        mode = !strcmp(key, "pooling_mode_mean_tokens") ? "mean"
               : !strcmp(key, "pooling_mode_cls_token") ? "cls"
                                                        : key;
    }
    if (!mode || !strcmp(mode, "mean"))
        *ret = ED_POOL_MEAN;
    else if (!strcmp(mode, "cls"))
        *ret = ED_POOL_CLS;
    else if (!strncmp(mode, prefix, sizeof prefix - 1))
        return eddy_fail(err, EDDY_FORMAT, "model %s: %s: %.60s is not supported", file->dir,
                         file->name, mode);
    else
        return ed_model_unsupported(file, "pooling_mode", mode, err);
    return EDDY_OK;
}

/* ---- length and folding ---- */

static eddy_status limit_read(const struct ed_model_file *sentence,
                              const struct ed_model_file *tokenizer, struct ed_encoder_config *ret,
                              eddy_error *err)
{
    ret->limit = ret->positions - ret->first;
    const json_t *given = json_object_get(sentence->root, "max_seq_length");
    if (given && !json_is_null(given))
        return ed_model_number(sentence, sentence->root, "max_seq_length", 2, ret->limit,
                               &ret->limit, err);
    /* Absurdly large where nobody set it, so a number of any size. */
    double most = json_number_value(json_object_get(tokenizer->root, "model_max_length"));
    if (most >= 2 && most < (double)ret->limit)
        ret->limit = (size_t)most;
    return EDDY_OK;
}

static eddy_status folding_read(const struct ed_model_file *full,
                                const struct ed_model_file *tokenizer,
                                const struct ed_model_file *sentence, struct ed_fold_flags *ret,
                                eddy_error *err)
{
    const json_t *model = json_object_get(full->root, "model");
    const char *type = ed_model_word(model, "type", "WordPiece");
    if (strcmp(type, "WordPiece") != 0) { /* tokenizer.json says all */
        int lower = 0;
        ed_model_flag(sentence->root, "do_lower_case", &lower);
        return lower ? ed_model_unsupported(sentence, "do_lower_case", "true", err) : EDDY_OK;
    }
    const char *kind = ed_model_word(tokenizer->root, "tokenizer_class", "BertTokenizer");
    if (strcmp(kind, "BertTokenizer") != 0 && strcmp(kind, "BertTokenizerFast") != 0)
        return ed_model_unsupported(tokenizer, "tokenizer_class", kind, err);
    int strip = -1; /* not said: as lower */
    *ret = (struct ed_fold_flags){.lower = 1, .split_cjk = 1};
    const json_t *normalizer = json_object_get(full->root, "normalizer");
    ed_model_flag(normalizer, "lowercase", &ret->lower);
    ed_model_flag(normalizer, "strip_accents", &strip);
    ed_model_flag(normalizer, "handle_chinese_chars", &ret->split_cjk);
    ed_model_flag(tokenizer->root, "do_lower_case", &ret->lower);
    ed_model_flag(tokenizer->root, "strip_accents", &strip);
    ed_model_flag(tokenizer->root, "tokenize_chinese_chars", &ret->split_cjk);
    ret->strip_accents = strip < 0 ? ret->lower : strip;
    int lower_first = 0;
    ed_model_flag(sentence->root, "do_lower_case", &lower_first);
    if (lower_first && !ret->lower)
        return ed_model_unsupported(sentence, "do_lower_case", "true", err);
    return EDDY_OK;
}

/* The prompt that sentence-transformers puts before a text when it is told nothing. */
static eddy_status prefix_read(const struct ed_model_file *file, struct ed_encoder_config *ret,
                               eddy_error *err)
{
    const char *name = ed_model_word(file->root, "default_prompt_name", NULL);
    const char *prompt =
        name ? ed_model_word(json_object_get(file->root, "prompts"), name, NULL) : "";
    if (!prompt)
        return ed_model_wrong(file, err, "prompts has no \"%.60s\"", name);
    if (strlen(prompt) >= sizeof ret->prefix)
        return ed_model_wrong(file, err, "the prompt \"%.60s\" is longer than %zu bytes", name,
                              sizeof ret->prefix - 1);
    snprintf(ret->prefix, sizeof ret->prefix, "%s", prompt);
    return EDDY_OK;
}

eddy_status ed_encoder_config_read(const char *dir, struct ed_encoder_config *ret, eddy_error *err)
{
    struct ed_encoder_config config = {0};
    char pooling_name[PATH_MAX] = "1_Pooling/config.json";
    enum { MODEL, MODULES, SENTENCE, FULL, TOKENIZER, PROMPTS, POOLING, FILES };
    static const char *const names[FILES - 1] = {
        "config.json",    "modules.json",          "sentence_bert_config.json",
        "tokenizer.json", "tokenizer_config.json", "config_sentence_transformers.json"};
    struct ed_model_file files[FILES] = {{0}};
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < FILES - 1 && st == EDDY_OK; i++)
        st = ed_model_file_open(&files[i], dir, names[i], i == MODULES ? JSON_ARRAY : JSON_OBJECT,
                                err);
    if (st == EDDY_OK && !files[MODEL].root)
        st = eddy_fail(err, EDDY_UNAVAILABLE,
                       "model %s: no config.json there; tools/fetch-model fetches a model", dir);
    if (st == EDDY_OK)
        st = model_read(&files[MODEL], &config, err);
    if (st == EDDY_OK)
        st = modules_read(&files[MODULES], pooling_name, sizeof pooling_name, err);
    if (st == EDDY_OK)
        st = ed_model_file_open(&files[POOLING], dir, pooling_name, JSON_OBJECT, err);
    if (st == EDDY_OK)
        st = pooling_read(&files[POOLING], &config.pooling, err);
    if (st == EDDY_OK)
        st = limit_read(&files[SENTENCE], &files[TOKENIZER], &config, err);
    if (st == EDDY_OK)
        st = folding_read(&files[FULL], &files[TOKENIZER], &files[SENTENCE], &config.fold, err);
    if (st == EDDY_OK)
        st = prefix_read(&files[PROMPTS], &config, err);
    for (size_t i = 0; i < FILES; i++)
        ed_model_file_close(&files[i]);
    if (st == EDDY_OK)
        *ret = config;
    return st;
}
