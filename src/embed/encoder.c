/* The sentence encoder: texts to tokens, whole texts to packs, packs through the network, and the
 * rows of each text to one.
 *
 * Texts are laid end to end in packs, without padding. A pack is one matrix for every step of the
 * network but attention; a text that is longer than a pack makes one by itself. */
#include "embed/encoder.h"

#include "embed/bert.h"
#include "embed/config.h"
#include "embed/mapping.h"
#include "embed/run.h"
#include "embed/safetensors.h"
#include "embed/tokenizer.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WEIGHTS_MAX  ((size_t)8 << 30) /* bytes */
#define CODE_VERSION 2                 /* grows when the same files give other vectors */

struct ed_encoder {
    struct ed_encoder_config config;
    enum ed_precision precision;
    char *label; /* "model DIR: model.safetensors", before errors */
    struct ed_mapping mapping;
    struct ed_safetensors file;
    struct ed_tokenizer *tok;
    struct ed_bert *bert;
    uint64_t fingerprint;
};

/* ---- opening ---- */

static eddy_status tokenizer_open(struct ed_encoder *encoder, const char *dir, eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    const struct ed_tokenizer_options options = {.fold = c->fold};
    eddy_status st = ed_tokenizer_open(dir, &options, &encoder->fingerprint, &encoder->tok, err);
    if (st != EDDY_OK)
        return st;
    if (ed_tokenizer_size(encoder->tok) > c->pieces)
        return eddy_fail(
            err, EDDY_FORMAT,
            "model %s: the tokenizer has %zu pieces, but config.json: vocab_size is %zu", dir,
            ed_tokenizer_size(encoder->tok), c->pieces);
    if (ed_tokenizer_around(encoder->tok) >= c->limit)
        return eddy_fail(err, EDDY_FORMAT, "model %s: %zu special tokens leave nothing of %zu", dir,
                         ed_tokenizer_around(encoder->tok), c->limit);
    return EDDY_OK;
}

/* The settings as they were understood, so that a blank in config.json changes nothing. */
static uint64_t config_hash(const struct ed_encoder_config *c, enum ed_precision precision)
{
    char text[400];
    int n = snprintf(text, sizeof text,
                     "encoder %d %s %zu %zu %zu %zu %zu %zu %zu %a %d %d "
                     "%d %d %d",
                     CODE_VERSION, ed_precision_name(precision), c->hidden, c->layers, c->heads,
                     c->inner, c->positions, c->first, c->limit, c->norm_eps, c->activation,
                     c->pooling, c->fold.lower, c->fold.strip_accents, c->fold.split_cjk);
    return ed_hash_bulk(ed_hash_bulk(0, text, (size_t)n), c->prefix, strlen(c->prefix));
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
    encoder->fingerprint = config_hash(&encoder->config, encoder->precision);
    st = tokenizer_open(encoder, dir, err);
    if (st == EDDY_OK)
        st = ed_map(dir, weights, WEIGHTS_MAX, &encoder->mapping, err);
    if (st != EDDY_OK)
        return st;
    const struct ed_mapping *map = &encoder->mapping;
    st = ed_safetensors_init(&encoder->file, map->at, map->n, encoder->label, err);
    if (st == EDDY_OK)
        st = ed_bert_new(&encoder->config, &encoder->file, ed_kernels_best(encoder->precision),
                         &encoder->bert, err);
    if (st != EDDY_OK)
        return st;
    encoder->fingerprint = ed_hash_bulk(encoder->fingerprint, map->at, map->n);
    ed_mapping_cool(map);
    return EDDY_OK;
}

eddy_status ed_encoder_open(const char *dir, enum ed_precision precision, struct ed_encoder **ret,
                            eddy_error *err)
{
    struct ed_encoder *encoder = ed_alloc_zero(1, sizeof *encoder);
    if (!encoder)
        return eddy_fail_nomem(err, "encoder", sizeof *encoder);
    encoder->precision = precision;
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
    ed_bert_free(encoder->bert);
    ed_tokenizer_free(encoder->tok);
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

enum ed_precision ed_encoder_precision(const struct ed_encoder *encoder)
{
    return encoder->precision;
}

const char *ed_encoder_kernels(const struct ed_encoder *encoder)
{
    return ed_bert_kernels(encoder->bert)->name;
}

size_t ed_encoder_bytes(const struct ed_encoder *encoder)
{
    return ed_bert_bytes(encoder->bert);
}

/* ---- texts ---- */

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
static eddy_status pack_pass(const struct ed_encoder *encoder, struct ed_pass *pack, float *ret,
                             eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    ed_bert_run(encoder->bert, pack);
    for (size_t t = 0; t < pack->n_texts; t++) {
        size_t from = pack->start[t];
        if (!pool(c, pack->x + from * c->hidden, pack->start[t + 1] - from, ret + t * c->hidden))
            return eddy_fail(err, EDDY_FORMAT,
                             "%s: these weights give a row that is zero or not finite",
                             encoder->label);
    }
    pack->n_texts = 0;
    return EDDY_OK;
}

/* The text behind the model's prefix, in room that grows. at NULL: no memory. */
static eddy_str prefixed(const struct ed_encoder_config *c, eddy_str text, struct ed_run *room,
                         eddy_arena *scratch)
{
    size_t n = strlen(c->prefix);
    if (!n)
        return text;
    room->n = 0;
    if (!ed_run_room(room, scratch, n + text.n))
        return (eddy_str){NULL, 0};
    ed_run_put(room, c->prefix, n);
    ed_run_put(room, text.at, text.n);
    return (eddy_str){room->at, room->n};
}

eddy_status ed_encoder_embed(const struct ed_encoder *encoder, const eddy_str *texts, size_t n,
                             eddy_arena *scratch, float *ret, eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    struct ed_pass pack;
    eddy_arena_reset(scratch);
    eddy_status st = ed_pass_init(&pack, encoder->bert, scratch, err);
    struct ed_run room = {0};
    struct ed_token_work *work = st == EDDY_OK ? ed_token_work_new(scratch) : NULL;
    if (st == EDDY_OK && !work)
        st = eddy_fail_nomem(err, "tokens", 0);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        const uint32_t *ids;
        size_t n_tokens = pack.start[pack.n_texts], n_ids;
        eddy_str text = prefixed(c, texts[i], &room, scratch);
        if (texts[i].n && !text.at) {
            st = eddy_fail_nomem(err, "prefix", texts[i].n);
            break;
        }
        st = ed_tokenizer_read(encoder->tok, work, text, c->limit, &ids, &n_ids, err);
        if (st == EDDY_OK &&
            (pack.n_texts == pack.texts_max || n_tokens + n_ids > pack.tokens_max)) {
            st = pack_pass(encoder, &pack, ret + (i - pack.n_texts) * c->hidden, err);
            n_tokens = 0;
        }
        if (st != EDDY_OK)
            break;
        memcpy(pack.ids + n_tokens, ids, n_ids * sizeof *ids);
        pack.start[++pack.n_texts] = n_tokens + n_ids;
    }
    if (st == EDDY_OK && pack.n_texts)
        st = pack_pass(encoder, &pack, ret + (n - pack.n_texts) * c->hidden, err);
    return st;
}
