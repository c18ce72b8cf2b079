/* Nearly all of the time goes to the tokenizer: a row of 256 halves is added in some 20 ns, once it
 * is in the cache, and few rows are used often. Sums are floats in the order of the tokens; product
 * and sum of each element are rounded once each, so they are the same on every CPU. */
#include "embed/static.h"

#include "embed/mapping.h"
#include "embed/model_file.h"
#include "embed/safetensors.h"
#include "embed/tokenizer.h"

#include "base/cpus.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/vector.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TABLE        "model.safetensors"
#define TABLE_MAX    ((size_t)8 << 30) /* bytes */
#define CODE_VERSION 1                 /* grows when the same files give other vectors */

struct ed_static {
    char *label; /* "model DIR: model.safetensors", before errors */
    struct ed_mapping mapping;
    struct ed_safetensors file;
    struct ed_tokenizer *tok;
    const struct ed_tensor *table;
    size_t rows, dim;
    float *weights;   /* (tokens); NULL: each counts the same */
    uint32_t *row_of; /* (tokens); NULL: its id */
    int64_t left_out; /* the unknown token; -1: none */
    uint64_t fingerprint;
};

/* ---- opening ---- */

static int is_there(const char *dir, const char *name)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

int ed_static_is(const char *dir)
{
    struct ed_model_file config;
    if (!is_there(dir, "tokenizer.json") || !is_there(dir, TABLE))
        return 0;
    int is = ed_model_file_open(&config, dir, "config.json", JSON_OBJECT, NULL) == EDDY_OK &&
             (!config.root || !strcmp(ed_model_word(config.root, "model_type", ""), "model2vec"));
    ed_model_file_close(&config);
    return is;
}

/* One number of each token, of a tensor that may be missing: *ret is NULL then. */
static eddy_status column_find(struct ed_static *model, const char *name, const char *types,
                               const struct ed_tensor **ret, eddy_error *err)
{
    const struct ed_tensor *t = ed_safetensors_find(&model->file, name);
    if (t &&
        (t->n_dims != 1 || t->shape[0] < ed_tokenizer_size(model->tok) || !strstr(types, t->dtype)))
        return eddy_fail(err, EDDY_FORMAT,
                         "%s: tensor %s wants one number (%s) for each of %zu tokens", model->label,
                         name, types, ed_tokenizer_size(model->tok));
    *ret = t;
    return EDDY_OK;
}

static eddy_status weights_read(struct ed_static *model, eddy_error *err)
{
    const struct ed_tensor *t = NULL;
    size_t n = ed_tokenizer_size(model->tok);
    eddy_status st = column_find(model, "weights", "F64 F32 F16", &t, err);
    if (!t)
        return st;
    model->weights = ed_alloc(n * sizeof *model->weights);
    if (!model->weights)
        return eddy_fail_nomem(err, model->label, n * sizeof *model->weights);
    for (size_t i = 0; i < n; i++) {
        double wide;
        uint16_t half;
        if (!strcmp(t->dtype, "F64")) {
            memcpy(&wide, t->at + i * sizeof wide, sizeof wide);
            model->weights[i] = (float)wide;
        } else if (!strcmp(t->dtype, "F32")) {
            memcpy(&model->weights[i], t->at + i * sizeof(float), sizeof(float));
        } else {
            memcpy(&half, t->at + i * sizeof half, sizeof half);
            model->weights[i] = ed_float_of_half(half);
        }
    }
    return EDDY_OK;
}

static eddy_status rows_read(struct ed_static *model, eddy_error *err)
{
    const struct ed_tensor *t = NULL;
    size_t n = ed_tokenizer_size(model->tok);
    eddy_status st = column_find(model, "mapping", "I64 I32", &t, err);
    if (st != EDDY_OK || (!t && n <= model->rows))
        return st;
    if (!t)
        return eddy_fail(err, EDDY_FORMAT, "%s: %zu rows for %zu tokens", model->label, model->rows,
                         n);
    model->row_of = ed_alloc(n * sizeof *model->row_of);
    if (!model->row_of)
        return eddy_fail_nomem(err, model->label, n * sizeof *model->row_of);
    for (size_t i = 0; i < n; i++) {
        int64_t wide;
        int32_t narrow;
        if (!strcmp(t->dtype, "I32")) {
            memcpy(&narrow, t->at + i * sizeof narrow, sizeof narrow);
            wide = narrow;
        } else {
            memcpy(&wide, t->at + i * sizeof wide, sizeof wide);
        }
        if (wide < 0 || (uint64_t)wide >= model->rows)
            return eddy_fail(err, EDDY_FORMAT,
                             "%s: tensor mapping: token %zu has the row %lld of %zu", model->label,
                             i, (long long)wide, model->rows);
        model->row_of[i] = (uint32_t)wide;
    }
    return EDDY_OK;
}

static eddy_status table_find(struct ed_static *model, eddy_error *err)
{
    const struct ed_tensor *t = ed_safetensors_find(&model->file, "embeddings");
    model->left_out = t ? ed_tokenizer_unknown(model->tok) : -1;
    if (!t)
        t = ed_safetensors_find(&model->file, "embedding.weight");
    if (!t)
        return eddy_fail(err, EDDY_FORMAT, "%s: no tensor embeddings, nor embedding.weight",
                         model->label);
    size_t size = !strcmp(t->dtype, "F32")                                ? 4
                  : !strcmp(t->dtype, "F16") || !strcmp(t->dtype, "BF16") ? 2
                  : !strcmp(t->dtype, "I8")                               ? 1
                                                                          : 0;
    if (!size || (uintptr_t)t->at % size)
        return eddy_fail(err, EDDY_FORMAT,
                         "%s: tensor %s is %.20s; aligned F32, F16, BF16 and I8 are supported",
                         model->label, t->name, t->dtype);
    if (t->n_dims != 2 || !t->shape[0] || !t->shape[1] || t->shape[1] > 16384)
        return eddy_fail(err, EDDY_FORMAT, "%s: tensor %s wants rows of 1 to 16384 numbers",
                         model->label, t->name);
    model->table = t;
    model->rows = t->shape[0];
    model->dim = t->shape[1];
    return EDDY_OK;
}

static eddy_status parts_open(struct ed_static *model, const char *dir, eddy_error *err)
{
    static const char what[] = "static " TABLE;
    const struct ed_tokenizer_options options = {.fold = {1, 1, 1}, .bare = 1};
    size_t n_label = strlen(dir) + sizeof TABLE + sizeof "model : ";
    model->label = ed_alloc(n_label);
    if (!model->label)
        return eddy_fail_nomem(err, dir, n_label);
    snprintf(model->label, n_label, "model %s: " TABLE, dir);
    model->fingerprint = ed_hash_bulk(CODE_VERSION, what, sizeof what);
    eddy_status st = ed_tokenizer_open(dir, &options, &model->fingerprint, &model->tok, err);
    if (st == EDDY_OK)
        st = ed_map(dir, TABLE, TABLE_MAX, &model->mapping, err);
    if (st != EDDY_OK)
        return st;
    const struct ed_mapping *map = &model->mapping;
    st = ed_safetensors_init(&model->file, map->at, map->n, model->label, err);
    if (st == EDDY_OK)
        st = table_find(model, err);
    if (st == EDDY_OK)
        st = rows_read(model, err);
    if (st == EDDY_OK)
        st = weights_read(model, err);
    if (st == EDDY_OK)
        model->fingerprint = ed_hash_bulk(model->fingerprint, map->at, map->n);
    return st;
}

eddy_status ed_static_open(const char *dir, struct ed_static **ret, eddy_error *err)
{
    struct ed_static *model = ed_alloc_zero(1, sizeof *model);
    if (!model)
        return eddy_fail_nomem(err, "model", sizeof *model);
    eddy_status st = parts_open(model, dir, err);
    if (st == EDDY_OK)
        *ret = model;
    else
        ed_static_free(model);
    return st;
}

void ed_static_free(struct ed_static *model)
{
    if (!model)
        return;
    ed_tokenizer_free(model->tok);
    ed_safetensors_clear(&model->file);
    ed_unmap(&model->mapping);
    ed_free(model->weights);
    ed_free(model->row_of);
    ed_free(model->label);
    ed_free(model);
}

size_t ed_static_dim(const struct ed_static *model)
{
    return model->dim;
}

uint64_t ed_static_fingerprint(const struct ed_static *model)
{
    return model->fingerprint;
}

/* ---- texts ---- */

/* A half: the exponent's bias by an addition; a subnormal one by a subtraction, since multiplying
 * what is subnormal as a float costs a hundred times as much. */
static inline __attribute__((always_inline)) float half_value(uint16_t half)
{
    const uint32_t bias = 112U << 23,
                   least = 113U << 23; /* least: 2^-14, the smallest normal one */
    uint32_t size = (uint32_t)(half & 0x7FFF) << 13, sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t normal = size + bias, raised = size + least, bits;
    float value, border;
    memcpy(&value, &raised, sizeof value);
    memcpy(&border, &least, sizeof border);
    value -= border;
    memcpy(&bits, &value, sizeof bits);
    bits = size < 1U << 23 ? bits : normal;
    bits = size >= 31U << 23 ? size | 0x7F800000 : bits; /* not finite */
    bits |= sign;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* y += w x, (n), of x in each of the types that a table may have. */
void ed_add_brains(float *restrict y, float w, const uint16_t *restrict x, size_t n);
void ed_add_bytes(float *restrict y, float w, const int8_t *restrict x, size_t n);

KERNEL void ed_add_halves(float *restrict y, float w, const uint16_t *restrict x, size_t n)
{
    ED_RUN(x, n);
    for (size_t j = 0; j < n; j++)
        y[j] += w * half_value(x[j]);
}

KERNEL void ed_add_brains(float *restrict y, float w, const uint16_t *restrict x, size_t n)
{
    ED_RUN(x, n);
    for (size_t j = 0; j < n; j++) {
        uint32_t bits = (uint32_t)x[j] << 16;
        float value;
        memcpy(&value, &bits, sizeof value);
        y[j] += w * value;
    }
}

KERNEL void ed_add_bytes(float *restrict y, float w, const int8_t *restrict x, size_t n)
{
    ED_RUN(x, n);
    for (size_t j = 0; j < n; j++)
        y[j] += w * (float)x[j];
}

static void row_add(const struct ed_static *model, float *y, float w, size_t row)
{
    const char *type = model->table->dtype;
    const void *at = model->table->at + row * (model->table->n_bytes / model->rows);
    if (type[0] == 'I')
        ed_add_bytes(y, w, at, model->dim);
    else if (type[0] == 'B')
        ed_add_brains(y, w, at, model->dim);
    else if (type[1] == '1')
        ed_add_halves(y, w, at, model->dim);
    else
        ed_add_scaled(y, w, at, model->dim);
}

static eddy_status text_embed(const struct ed_static *model, struct ed_token_work *work,
                              eddy_str text, float *ret, eddy_error *err)
{
    const uint32_t *ids;
    size_t n;
    eddy_status st = ed_tokenizer_read(model->tok, work, text, SIZE_MAX, &ids, &n, err);
    if (st != EDDY_OK)
        return st;
    memset(ret, 0, model->dim * sizeof *ret);
    for (size_t i = 0; i < n; i++)
        if ((int64_t)ids[i] != model->left_out)
            row_add(model, ret, model->weights ? model->weights[ids[i]] : 1.0f,
                    model->row_of ? model->row_of[ids[i]] : ids[i]);
    double length = ed_norm(ret, model->dim);
    if (!isfinite(length))
        return eddy_fail(err, EDDY_FORMAT, "%s: these vectors give a row that is not finite",
                         model->label);
    for (size_t j = 0; j < model->dim && length > 0; j++)
        ret[j] = (float)((double)ret[j] / length);
    return EDDY_OK;
}

eddy_status ed_static_embed(const struct ed_static *model, const eddy_str *texts, size_t n,
                            eddy_arena *scratch, float *ret, eddy_error *err)
{
    eddy_arena_reset(scratch);
    struct ed_token_work *work = ed_token_work_new(scratch);
    eddy_status st = work ? EDDY_OK : eddy_fail_nomem(err, "tokens", 0);
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = text_embed(model, work, texts[i], ret + i * model->dim, err);
    return st;
}
