/* BERT, forward only.
 *
 * Texts are laid end to end in packs of whole texts, without padding: every step but attention
 * works on a token's row alone, so a pack is one matrix (tokens, hidden) for them, and attention
 * goes text by text. A pack holds about PACK_TOKENS tokens: enough for the matrix products to run
 * at full speed, and few enough for its rows to stay in the cache. A text that is longer makes a
 * pack by itself.
 *
 * Weights are (out, in) as they lie in the file, which is what ed_gemm_nt wants.
 * Tried and left: query, key and value as one product (no faster from 64 tokens up). */
#include "embed/encoder.h"

#include "embed/config.h"
#include "embed/kernels.h"
#include "embed/mapping.h"
#include "embed/safetensors.h"
#include "embed/wordpiece.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PACK_TOKENS  256
#define WEIGHTS_MAX  ((size_t)8 << 30) /* bytes */
#define VOCAB_MAX    ((size_t)64 << 20)
#define PRECISION    "f32" /* part of the fingerprint */
#define CODE_VERSION 1     /* grows when the same files give other vectors */

/* y = x w^T + b: w (out, in), b (out). */
struct dense {
    const float *w, *b;
};

/* Layer norm: gain and offset, (hidden). */
struct norm {
    const float *g, *b;
};

struct layer {
    struct dense query, key, value, out; /* (hidden, hidden) */
    struct norm out_norm;
    struct dense up, down; /* (inner, hidden), (hidden, inner) */
    struct norm down_norm;
};

struct ed_encoder {
    struct ed_encoder_config config;
    char *label; /* "model DIR: model.safetensors", before errors */
    struct ed_mapping mapping;
    struct ed_safetensors file;
    struct ed_wordpiece *words;
    const float *piece_rows, *position_rows; /* (pieces, hidden), (positions, hidden) */
    const float *type_row;                   /* (hidden) of type 0, the only one used */
    struct norm first_norm;
    struct layer *layers;
    uint64_t fingerprint;
};

/* ---- opening ---- */

/* Tensors are taken one after another; the first failure stands and makes the rest do nothing. */
struct loader {
    struct ed_safetensors *file;
    eddy_status st;
    eddy_error *err;
};

static const float *take(struct loader *load, const char *base, const char *part, size_t rows,
                         size_t cols)
{
    char name[128];
    const float *at = NULL;
    snprintf(name, sizeof name, "%s.%s", base, part);
    if (load->st == EDDY_OK)
        load->st = ed_safetensors_floats(load->file, name, rows, cols, &at, load->err);
    return at;
}

static struct dense take_dense(struct loader *load, const char *layer, const char *what,
                               size_t rows, size_t cols)
{
    char base[96];
    snprintf(base, sizeof base, "%s.%s", layer, what);
    return (struct dense){take(load, base, "weight", rows, cols),
                          take(load, base, "bias", 0, rows)};
}

static struct norm take_norm(struct loader *load, const char *layer, const char *what, size_t cols)
{
    char base[96];
    snprintf(base, sizeof base, "%s.%s.LayerNorm", layer, what);
    return (struct norm){take(load, base, "weight", 0, cols), take(load, base, "bias", 0, cols)};
}

static eddy_status weights_take(struct ed_encoder *encoder, eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    struct loader load = {&encoder->file, EDDY_OK, err};
    size_t hidden = c->hidden;
    encoder->layers = ed_alloc_zero(c->layers, sizeof *encoder->layers);
    if (!encoder->layers)
        return eddy_fail_nomem(err, encoder->label, c->layers * sizeof *encoder->layers);

    encoder->piece_rows = take(&load, "embeddings.word_embeddings", "weight", c->pieces, hidden);
    encoder->position_rows =
        take(&load, "embeddings.position_embeddings", "weight", c->positions, hidden);
    encoder->type_row = take(&load, "embeddings.token_type_embeddings", "weight", c->types, hidden);
    encoder->first_norm = (struct norm){take(&load, "embeddings.LayerNorm", "weight", 0, hidden),
                                        take(&load, "embeddings.LayerNorm", "bias", 0, hidden)};
    for (size_t i = 0; i < c->layers && load.st == EDDY_OK; i++) {
        char at[40];
        snprintf(at, sizeof at, "encoder.layer.%zu", i);
        encoder->layers[i] = (struct layer){
            .query = take_dense(&load, at, "attention.self.query", hidden, hidden),
            .key = take_dense(&load, at, "attention.self.key", hidden, hidden),
            .value = take_dense(&load, at, "attention.self.value", hidden, hidden),
            .out = take_dense(&load, at, "attention.output.dense", hidden, hidden),
            .out_norm = take_norm(&load, at, "attention.output", hidden),
            .up = take_dense(&load, at, "intermediate.dense", c->inner, hidden),
            .down = take_dense(&load, at, "output.dense", hidden, c->inner),
            .down_norm = take_norm(&load, at, "output", hidden),
        };
    }
    return load.st;
}

static eddy_status words_open(struct ed_encoder *encoder, const char *dir, eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    struct ed_mapping vocab;
    char label[400];
    snprintf(label, sizeof label, "model %s: vocab.txt", dir);
    eddy_status st = ed_map(dir, "vocab.txt", VOCAB_MAX, &vocab, err);
    if (st != EDDY_OK)
        return st;
    encoder->fingerprint = ed_hash_bulk(encoder->fingerprint, vocab.n ? vocab.at : "", vocab.n);
    st = ed_wordpiece_new(vocab.n ? vocab.at : "", vocab.n, &c->fold, label, &encoder->words, err);
    ed_unmap(&vocab);
    if (st == EDDY_OK && ed_wordpiece_size(encoder->words) > c->pieces)
        st = eddy_fail(err, EDDY_FORMAT, "%s: %zu pieces, but config.json: vocab_size is %zu",
                       label, ed_wordpiece_size(encoder->words), c->pieces);
    return st;
}

/* The settings as they were understood, so that a blank in config.json changes nothing. */
static uint64_t config_hash(const struct ed_encoder_config *c)
{
    char text[400];
    int n = snprintf(text, sizeof text,
                     "encoder %d " PRECISION " %zu %zu %zu %zu %zu %zu %a %d %d "
                     "%d %d %d",
                     CODE_VERSION, c->hidden, c->layers, c->heads, c->inner, c->positions, c->limit,
                     c->norm_eps, c->activation, c->pooling, c->fold.lower, c->fold.strip_accents,
                     c->fold.split_cjk);
    return ed_hash_bulk(0, text, (size_t)n);
}

static eddy_status parts_open(struct ed_encoder *encoder, const char *dir, eddy_error *err)
{
    static const char weights[] = "model.safetensors";
    size_t n_label = strlen(dir) + sizeof weights + sizeof "model : ";
    eddy_status st = ed_encoder_config_read(dir, &encoder->config, err);
    if (st != EDDY_OK)
        return st;
    encoder->label = ed_alloc(n_label);
    if (!encoder->label)
        return eddy_fail_nomem(err, dir, n_label);
    snprintf(encoder->label, n_label, "model %s: %s", dir, weights);
    encoder->fingerprint = config_hash(&encoder->config);
    st = words_open(encoder, dir, err);
    if (st == EDDY_OK)
        st = ed_map(dir, weights, WEIGHTS_MAX, &encoder->mapping, err);
    if (st != EDDY_OK)
        return st;
    const struct ed_mapping *map = &encoder->mapping;
    st = ed_safetensors_init(&encoder->file, map->at, map->n, encoder->label, err);
    if (st == EDDY_OK)
        st = weights_take(encoder, err);
    if (st == EDDY_OK)
        encoder->fingerprint = ed_hash_bulk(encoder->fingerprint, map->at, map->n);
    return st;
}

eddy_status ed_encoder_open(const char *dir, struct ed_encoder **ret, eddy_error *err)
{
    struct ed_encoder *encoder = ed_alloc_zero(1, sizeof *encoder);
    if (!encoder)
        return eddy_fail_nomem(err, "encoder", sizeof *encoder);
    ed_blas_single_thread();
    eddy_status st = parts_open(encoder, dir, err);
    if (st == EDDY_OK)
        *ret = encoder;
    else
        ed_encoder_free(encoder);
    return st;
}

void ed_encoder_free(struct ed_encoder *encoder)
{
    if (!encoder)
        return;
    ed_free(encoder->layers);
    ed_wordpiece_free(encoder->words);
    ed_safetensors_clear(&encoder->file);
    ed_unmap(&encoder->mapping);
    ed_free(encoder->label);
    ed_free(encoder);
}

size_t ed_encoder_dim(const struct ed_encoder *encoder)
{
    return encoder->config.hidden;
}

uint64_t ed_encoder_fingerprint(const struct ed_encoder *encoder)
{
    return encoder->fingerprint;
}

/* ---- the forward pass ---- */

/* The texts of one pack and the memory of the pass; tokens stands for the pack's ceiling. */
struct pack {
    uint32_t *ids; /* (tokens + limit) */
    size_t *start; /* (tokens / 2 + 2) first token of each text, and the end of the last */
    size_t n_texts, n_tokens, tokens_max;
    float *x;      /* (tokens, hidden) the rows that pass through the layers */
    float *qkv;    /* (tokens, 3 hidden) query, key, value side by side */
    float *mixed;  /* (tokens, hidden) what attention gathered; also the output of a dense step */
    float *gained; /* (tokens, hidden) what a layer adds to x */
    float *wide;   /* (tokens, inner) */
    float *scores; /* (limit, limit) of one text and head */
};

static eddy_status pack_init(struct pack *pack, const struct ed_encoder_config *c,
                             eddy_arena *scratch, eddy_error *err)
{
    size_t tokens = c->limit > PACK_TOKENS ? c->limit : PACK_TOKENS;
    *pack = (struct pack){.tokens_max = tokens};
    pack->ids = ed_arena_alloc(scratch, (tokens + c->limit) * sizeof *pack->ids);
    pack->start = ed_arena_alloc_zero(scratch, tokens / 2 + 2, sizeof *pack->start);
    const struct {
        float **ret;
        size_t n;
    } parts[] = {{&pack->x, tokens * c->hidden},     {&pack->qkv, tokens * 3 * c->hidden},
                 {&pack->mixed, tokens * c->hidden}, {&pack->gained, tokens * c->hidden},
                 {&pack->wide, tokens * c->inner},   {&pack->scores, c->limit * c->limit}};
    int lost = !pack->ids || !pack->start;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].ret = ed_arena_alloc_aligned(scratch, parts[i].n * sizeof(float));
        lost |= !*parts[i].ret;
    }
    return lost ? eddy_fail_nomem(err, "encoder: work memory", tokens * c->inner * sizeof(float))
                : EDDY_OK;
}

static void embed_tokens(const struct ed_encoder *encoder, struct pack *pack)
{
    const size_t hidden = encoder->config.hidden;
    for (size_t t = 0; t < pack->n_texts; t++)
        for (size_t i = pack->start[t]; i < pack->start[t + 1]; i++) {
            memcpy(pack->x + i * hidden, encoder->piece_rows + pack->ids[i] * hidden,
                   hidden * sizeof(float));
            memcpy(pack->gained + i * hidden,
                   encoder->position_rows + (i - pack->start[t]) * hidden, hidden * sizeof(float));
        }
    ed_add_norm(pack->x, pack->gained, encoder->type_row, encoder->first_norm.g,
                encoder->first_norm.b, encoder->config.norm_eps, pack->n_tokens, hidden);
}

/* Each token gathers the values of its own text, by the likeness of query and key. */
static void attend(const struct ed_encoder_config *c, struct pack *pack)
{
    const size_t width = c->hidden / c->heads, stride = 3 * c->hidden;
    const float scale = (float)(1.0 / sqrt((double)width));
    for (size_t t = 0; t < pack->n_texts; t++) {
        const size_t n = pack->start[t + 1] - pack->start[t];
        for (size_t head = 0; head < c->heads; head++) {
            const float *query = pack->qkv + pack->start[t] * stride + head * width;
            const float *key = query + c->hidden, *value = key + c->hidden;
            float *mixed = pack->mixed + pack->start[t] * c->hidden + head * width;
            ed_gemm_nt(n, n, width, query, stride, key, stride, pack->scores, n);
            ed_softmax(pack->scores, scale, n, n);
            ed_gemm_nn(n, width, n, pack->scores, n, value, stride, mixed, c->hidden);
        }
    }
}

static void activate(enum ed_activation activation, float *x, const float *bias, size_t m, size_t n)
{
    switch (activation) {
    case ED_GELU: ed_bias_gelu(x, bias, m, n); break;
    case ED_GELU_TANH: ed_bias_gelu_tanh(x, bias, m, n); break;
    case ED_RELU: ed_bias_relu(x, bias, m, n); break;
    }
}

static void layer_pass(const struct ed_encoder_config *c, const struct layer *layer,
                       struct pack *pack)
{
    const size_t n = pack->n_tokens, hidden = c->hidden, inner = c->inner;
    const struct dense *sides[] = {&layer->query, &layer->key, &layer->value};
    for (size_t s = 0; s < 3; s++) {
        float *side = pack->qkv + s * hidden;
        ed_gemm_nt(n, hidden, hidden, pack->x, hidden, sides[s]->w, hidden, side, 3 * hidden);
        ed_add_bias(side, sides[s]->b, n, hidden, 3 * hidden);
    }
    attend(c, pack);
    ed_gemm_nt(n, hidden, hidden, pack->mixed, hidden, layer->out.w, hidden, pack->gained, hidden);
    ed_add_norm(pack->x, pack->gained, layer->out.b, layer->out_norm.g, layer->out_norm.b,
                c->norm_eps, n, hidden);

    ed_gemm_nt(n, inner, hidden, pack->x, hidden, layer->up.w, hidden, pack->wide, inner);
    activate(c->activation, pack->wide, layer->up.b, n, inner);
    ed_gemm_nt(n, hidden, inner, pack->wide, inner, layer->down.w, inner, pack->gained, hidden);
    ed_add_norm(pack->x, pack->gained, layer->down.b, layer->down_norm.g, layer->down_norm.b,
                c->norm_eps, n, hidden);
}

/* One row of length 1 from the rows of one text. 0: it has no direction. */
static int pool(const struct ed_encoder_config *c, const float *x, size_t n, float *ret)
{
    memcpy(ret, x, c->hidden * sizeof *ret);
    if (c->pooling == ED_POOL_MEAN) /* the sum: the length is set below */
        for (size_t i = 1; i < n; i++)
            ed_add_scaled(ret, 1.0f, x + i * c->hidden, c->hidden);
    double length = ed_norm(ret, c->hidden);
    if (!(length > 0) || !isfinite(length))
        return 0;
    for (size_t j = 0; j < c->hidden; j++)
        ret[j] = (float)((double)ret[j] / length);
    return 1;
}

/* Embed the pack and empty it. ret (n_texts, hidden). */
static eddy_status pack_pass(const struct ed_encoder *encoder, struct pack *pack, float *ret,
                             eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    embed_tokens(encoder, pack);
    for (size_t i = 0; i < c->layers; i++)
        layer_pass(c, &encoder->layers[i], pack);
    for (size_t t = 0; t < pack->n_texts; t++) {
        size_t from = pack->start[t];
        if (!pool(c, pack->x + from * c->hidden, pack->start[t + 1] - from, ret + t * c->hidden))
            return eddy_fail(err, EDDY_FORMAT,
                             "%s: these weights give a row that is zero or not finite",
                             encoder->label);
    }
    pack->n_texts = pack->n_tokens = 0;
    return EDDY_OK;
}

eddy_status ed_encoder_embed(const struct ed_encoder *encoder, const eddy_str *texts, size_t n,
                             eddy_arena *scratch, float *ret, eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    struct pack pack;
    eddy_arena_reset(scratch);
    eddy_status st = pack_init(&pack, c, scratch, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        uint32_t *ids = pack.ids + pack.n_tokens;
        size_t n_ids = ed_wordpiece_read(encoder->words, texts[i], ids, c->limit);
        if (pack.n_tokens + n_ids > pack.tokens_max) {
            st = pack_pass(encoder, &pack, ret + (i - pack.n_texts) * c->hidden, err);
            memmove(pack.ids, ids, n_ids * sizeof *ids);
        }
        pack.n_tokens += n_ids;
        pack.start[++pack.n_texts] = pack.n_tokens;
    }
    if (st == EDDY_OK && pack.n_texts)
        st = pack_pass(encoder, &pack, ret + (n - pack.n_texts) * c->hidden, err);
    return st;
}
