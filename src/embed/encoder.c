/* The sentence encoder: texts to tokens, whole texts to packs, packs through the network, and the
 * rows of each text to one.
 *
 * Texts are laid end to end in packs, without padding. A pack is one matrix for every step of the
 * network but attention; a text that is longer than a pack makes one by itself. What is longer than
 * the model reads is cut, or goes through in chunks whose mean, weighted by their tokens, is its
 * row. */
#include "embed/encoder.h"

#include "embed/bert.h"
#include "embed/chunks.h"
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
#define CODE_VERSION 3                 /* grows when the same files give other vectors */

struct ed_encoder {
    struct ed_encoder_config config;
    const struct ed_kernels *kernels;
    size_t tokens_max; /* of a text: the limit, or more where it goes in chunks */
    char *label;       /* "model DIR: model.safetensors", before errors */
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
    if (encoder->tokens_max > c->limit && ed_tokenizer_around(encoder->tok) != 2)
        return eddy_fail(err, EDDY_FORMAT,
                         "model %s: chunks want one special token at each end of a text, its "
                         "tokenizer has %zu",
                         dir, ed_tokenizer_around(encoder->tok));
    return EDDY_OK;
}

/* The settings as they were understood, so that a blank in config.json changes nothing. */
static uint64_t config_hash(const struct ed_encoder *encoder)
{
    const struct ed_encoder_config *c = &encoder->config;
    char text[400];
    int n = snprintf(text, sizeof text,
                     "encoder %d %s %zu %zu %zu %zu %zu %zu %zu %a %d %d "
                     "%d %d %d%s",
                     CODE_VERSION, ed_precision_name(encoder->kernels->precision), c->hidden,
                     c->layers, c->heads, c->inner, c->positions, c->first, c->limit, c->norm_eps,
                     c->activation, c->pooling, c->fold.lower, c->fold.strip_accents,
                     c->fold.split_cjk, encoder->tokens_max > c->limit ? " chunks 1" : "");
    return ed_hash_bulk(ed_hash_bulk(0, text, (size_t)n), c->prefix, strlen(c->prefix));
}

static eddy_status prefix_set(struct ed_encoder_config *c, const char *prefix, eddy_error *err)
{
    size_t n = prefix ? strlen(prefix) : 0;
    if (n >= sizeof c->prefix)
        return eddy_fail(err, EDDY_INVALID, "a prefix of %zu bytes: at most %zu", n,
                         sizeof c->prefix - 1);
    if (prefix)
        memcpy(c->prefix, prefix, n + 1);
    return EDDY_OK;
}

static eddy_status parts_open(struct ed_encoder *encoder, const char *dir, int chunks,
                              const char *prefix, eddy_error *err)
{
    static const char weights[] = "model.safetensors";
    size_t n_label = strlen(dir) + sizeof weights + sizeof "model : ";
    eddy_status st = ed_encoder_config_read(dir, &encoder->config, err);
    if (st == EDDY_OK)
        st = prefix_set(&encoder->config, prefix, err);
    if (st != EDDY_OK)
        return st;
    encoder->tokens_max = chunks ? ed_chunks_tokens(encoder->config.limit) : encoder->config.limit;
    encoder->label = ed_alloc(n_label);
    if (!encoder->label)
        return eddy_fail_nomem(err, dir, n_label);
    snprintf(encoder->label, n_label, "model %s: %s", dir, weights);
    encoder->fingerprint = config_hash(encoder);
    st = tokenizer_open(encoder, dir, err);
    if (st == EDDY_OK)
        st = ed_map(dir, weights, WEIGHTS_MAX, &encoder->mapping, err);
    if (st != EDDY_OK)
        return st;
    const struct ed_mapping *map = &encoder->mapping;
    st = ed_safetensors_init(&encoder->file, map->at, map->n, encoder->label, err);
    if (st == EDDY_OK)
        st = ed_bert_new(&encoder->config, &encoder->file, encoder->kernels, &encoder->bert, err);
    if (st != EDDY_OK)
        return st;
    encoder->fingerprint = ed_hash_bulk(encoder->fingerprint, map->at, map->n);
    ed_mapping_cool(map);
    return EDDY_OK;
}

eddy_status ed_encoder_open(const char *dir, const struct ed_kernels *kernels, int chunks,
                            const char *prefix, struct ed_encoder **ret, eddy_error *err)
{
    struct ed_encoder *encoder = ed_alloc_zero(1, sizeof *encoder);
    if (!encoder)
        return eddy_fail_nomem(err, "encoder", sizeof *encoder);
    encoder->kernels = kernels;
    ed_blas_single_thread();
    eddy_status st = parts_open(encoder, dir, chunks, prefix, err);
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

const struct ed_kernels *ed_encoder_kernels(const struct ed_encoder *encoder)
{
    return encoder->kernels;
}

/* ---- texts ---- */

/* What a pack's text is: all of a text, or a chunk of it. */
struct part {
    float *row;  /* (hidden) of the text */
    float share; /* of a chunk: how much it counts; 0: it is all of the text */
    int last;    /* 1: the text ends with this chunk */
};

/* The memory of one call. */
struct work {
    struct ed_pass pack;
    struct part *parts; /* (texts_max) of the pack */
    struct ed_token_work *tokens;
    float *row; /* (hidden) of one chunk */
};

/* Make a row's length 1. 0: it has no direction. */
static int norm(float *row, size_t n)
{
    double length = ed_norm(row, n);
    if (!(length > 0) || !isfinite(length))
        return 0;
    for (size_t j = 0; j < n; j++)
        row[j] = (float)((double)row[j] / length);
    return 1;
}

/* One row of length 1 from the rows of one text. */
static int pool(const struct ed_encoder_config *c, const float *x, size_t n, float *ret)
{
    memcpy(ret, x, c->hidden * sizeof *ret);
    if (c->pooling == ED_POOL_MEAN) /* the sum: the length is set below */
        for (size_t i = 1; i < n; i++)
            ed_add_scaled(ret, 1.0f, x + i * c->hidden, c->hidden);
    return norm(ret, c->hidden);
}

/* Chunks come in order, so their sum has the same bits whatever pack they are in. */
static int part_take(const struct ed_encoder_config *c, struct work *w, const struct part *part,
                     const float *x, size_t n)
{
    if (part->share == 0)
        return pool(c, x, n, part->row);
    int well = pool(c, x, n, w->row);
    ed_add_scaled(part->row, part->share, w->row, c->hidden);
    return well && (!part->last || norm(part->row, c->hidden));
}

/* Embed the pack and empty it. */
static eddy_status pack_pass(const struct ed_encoder *encoder, struct work *w, eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    struct ed_pass *pack = &w->pack;
    ed_bert_run(encoder->bert, pack);
    for (size_t t = 0; t < pack->n_texts; t++) {
        size_t from = pack->start[t];
        if (!part_take(c, w, &w->parts[t], pack->x + from * c->hidden, pack->start[t + 1] - from))
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

static eddy_status work_init(struct work *w, const struct ed_encoder *encoder, eddy_arena *scratch,
                             eddy_error *err)
{
    eddy_arena_reset(scratch);
    eddy_status st = ed_pass_init(&w->pack, encoder->bert, scratch, err);
    if (st != EDDY_OK)
        return st;
    w->parts = ed_arena_alloc(scratch, w->pack.texts_max * sizeof *w->parts);
    w->tokens = ed_token_work_new(scratch);
    w->row = ed_arena_alloc_aligned(scratch, encoder->config.hidden * sizeof *w->row);
    return w->parts && w->tokens && w->row
               ? EDDY_OK
               : eddy_fail_nomem(err, "encoder: work memory", w->pack.texts_max * sizeof *w->parts);
}

/* A text of (n) ids goes into the pack, chunk by chunk. ret (hidden) its row. */
static eddy_status text_add(const struct ed_encoder *encoder, struct work *w,
                            const uint32_t *text_ids, size_t n, float *ret, eddy_error *err)
{
    const size_t limit = encoder->config.limit, count = ed_chunks_count(n, limit);
    struct ed_pass *pack = &w->pack;
    memset(ret, 0, encoder->config.hidden * sizeof *ret);
    for (size_t k = 0; k < count; k++) {
        size_t share, n_tokens = pack->start[pack->n_texts];
        uint32_t *ids = pack->ids + n_tokens;
        size_t n_ids = ed_chunk(text_ids, n, limit, k, ids, &share);
        if (pack->n_texts == pack->texts_max || n_tokens + n_ids > pack->tokens_max) {
            eddy_status st = pack_pass(encoder, w, err);
            if (st != EDDY_OK)
                return st;
            memmove(pack->ids, ids, n_ids * sizeof *ids);
            n_tokens = 0;
        }
        w->parts[pack->n_texts] = (struct part){ret, count > 1 ? (float)share : 0, k + 1 == count};
        pack->start[++pack->n_texts] = n_tokens + n_ids;
    }
    return EDDY_OK;
}

eddy_status ed_encoder_embed(const struct ed_encoder *encoder, const eddy_str *texts, size_t n,
                             eddy_arena *scratch, float *ret, eddy_error *err)
{
    const struct ed_encoder_config *c = &encoder->config;
    struct work w;
    struct ed_run room = {0};
    eddy_status st = work_init(&w, encoder, scratch, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        const uint32_t *ids;
        size_t n_ids;
        eddy_str text = prefixed(c, texts[i], &room, scratch);
        if (texts[i].n && !text.at)
            return eddy_fail_nomem(err, "encoder: prefix", texts[i].n);
        st =
            ed_tokenizer_read(encoder->tok, w.tokens, text, encoder->tokens_max, &ids, &n_ids, err);
        if (st == EDDY_OK)
            st = text_add(encoder, &w, ids, n_ids, ret + i * c->hidden, err);
    }
    return st == EDDY_OK && w.pack.n_texts ? pack_pass(encoder, &w, err) : st;
}
