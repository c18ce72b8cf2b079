/* The embedder: one door, a cache behind it, and two ways behind that. */
#include "embed/cache.h"
#include "embed/encoder.h"
#include "embed/hash.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct eddy_embedder {
    struct ed_encoder *encoder; /* NULL: hash */
    struct ed_cache *cache;     /* NULL: none */
    size_t dim;
    uint64_t fingerprint;
    char name[200];
};

/* Grows when the same text gets another vector. */
static const char hash_version[] = "hash 512 version 1";

static int is_model(const char *dir)
{
    char path[PATH_MAX];
    return dir && snprintf(path, sizeof path, "%s/config.json", dir) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

/* 0: there is no such precision. */
static int precision_find(const char *name, enum ed_precision *ret)
{
    int automatic = !name || !strcmp(name, "auto");
    *ret = ed_precision_is_fast(ED_BF16) ? ED_BF16 : ED_F32;
    for (int p = 0; p < ED_PRECISIONS && !automatic; p++)
        if (!strcmp(ed_precision_name((enum ed_precision)p), name)) {
            *ret = (enum ed_precision)p;
            return 1;
        }
    return automatic;
}

/* The last part of the directory's real path names the model. */
static eddy_status encoder_open(struct eddy_embedder *embedder,
                                const eddy_embedder_options *options, enum ed_precision precision,
                                eddy_error *err)
{
    char real[PATH_MAX];
    const char *dir = options->dir;
    eddy_status st = ed_encoder_open(dir, precision, options->chunks, &embedder->encoder, err);
    if (st != EDDY_OK)
        return st;
    const char *path = realpath(dir, real) ? real : dir;
    const char *slash = strrchr(path, '/');
    embedder->dim = ed_encoder_dim(embedder->encoder);
    embedder->fingerprint = ed_encoder_fingerprint(embedder->encoder);
    snprintf(embedder->name, sizeof embedder->name, "encoder %.120s, %zu dimensions, %s by %s%s",
             slash ? slash + 1 : path, embedder->dim,
             ed_precision_name(ed_encoder_precision(embedder->encoder)),
             ed_encoder_kernels(embedder->encoder), options->chunks ? ", chunks" : "");
    return EDDY_OK;
}

void eddy_embedder_options_init(eddy_embedder_options *options)
{
    *options = (eddy_embedder_options){.model = "auto", .precision = "auto"};
}

eddy_status eddy_embedder_open(const eddy_embedder_options *options, eddy_embedder **ret,
                               eddy_error *err)
{
    const char *model = options->model, *dir = options->dir;
    int by_encoder = !strcmp(model, "encoder") || (!strcmp(model, "auto") && is_model(dir));
    if (!by_encoder && strcmp(model, "auto") != 0 && strcmp(model, "hash") != 0)
        return eddy_fail(err, EDDY_INVALID, "model %.40s is none of auto, hash, encoder", model);
    enum ed_precision precision = ED_F32;
    if (!precision_find(options->precision, &precision))
        return eddy_fail(err, EDDY_INVALID, "precision %.40s is none of auto, f32, bf16, int8",
                         options->precision);
    if (by_encoder && !dir)
        return eddy_fail(err, EDDY_UNAVAILABLE,
                         "model encoder wants a directory; tools/fetch-model fetches one");
    struct eddy_embedder *embedder = ed_alloc_zero(1, sizeof *embedder);
    if (!embedder)
        return eddy_fail_nomem(err, "embedder", sizeof *embedder);
    eddy_status st = EDDY_OK;
    if (by_encoder) {
        st = encoder_open(embedder, options, precision, err);
    } else {
        embedder->dim = ED_HASH_DIM;
        embedder->fingerprint = ed_fnv1a(ED_FNV_BASIS, hash_version, sizeof hash_version);
        snprintf(embedder->name, sizeof embedder->name, "hash, %d dimensions", ED_HASH_DIM);
    }
    if (st == EDDY_OK)
        st = ed_cache_new(options->cache_bytes, embedder->dim, embedder->fingerprint,
                          &embedder->cache, err);
    if (st == EDDY_OK)
        *ret = embedder;
    else
        eddy_embedder_free(embedder);
    return st;
}

void eddy_embedder_free(eddy_embedder *embedder)
{
    if (!embedder)
        return;
    ed_encoder_free(embedder->encoder);
    ed_cache_free(embedder->cache);
    ed_free(embedder);
}

size_t eddy_embedder_dim(const eddy_embedder *embedder)
{
    return embedder->dim;
}

const char *eddy_embedder_name(const eddy_embedder *embedder)
{
    return embedder->name;
}

uint64_t eddy_embedder_fingerprint(const eddy_embedder *embedder)
{
    return embedder->fingerprint;
}

static eddy_status embed_fresh(const eddy_embedder *embedder, const eddy_str *texts, size_t n,
                               eddy_arena *scratch, float *ret, eddy_error *err)
{
    if (embedder->encoder)
        return ed_encoder_embed(embedder->encoder, texts, n, scratch, ret, err);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        eddy_arena_reset(scratch);
        st = ed_hash_embed(texts[i], scratch, ret + i * ED_HASH_DIM, err);
    }
    return st;
}

/* Behind the cache: rows go where they belong at once when all texts are fresh. */
static eddy_status embed_looked(const eddy_embedder *embedder, const struct ed_cache_look *look,
                                eddy_arena *scratch, float *ret, eddy_error *err)
{
    float *rows = ret;
    size_t bytes = look->n_fresh * embedder->dim * sizeof *rows;
    if (!look->n_fresh)
        return EDDY_OK;
    if (look->n_fresh < look->n && !(rows = ed_alloc_aligned(bytes)))
        return eddy_fail_nomem(err, "embedder", bytes);
    eddy_status st = embed_fresh(embedder, look->fresh, look->n_fresh, scratch, rows, err);
    if (st == EDDY_OK)
        ed_cache_keep(embedder->cache, look, rows, ret);
    if (rows != ret)
        ed_free(rows);
    return st;
}

eddy_status eddy_embedder_embed(const eddy_embedder *embedder, const eddy_str *texts, size_t n,
                                eddy_arena *scratch, float *ret, eddy_error *err)
{
    struct ed_cache_look look;
    if (!embedder->cache || !n)
        return embed_fresh(embedder, texts, n, scratch, ret, err);
    eddy_status st = ed_cache_look(embedder->cache, texts, n, ret, &look, err);
    if (st != EDDY_OK)
        return st;
    st = embed_looked(embedder, &look, scratch, ret, err);
    ed_cache_look_clear(&look);
    return st;
}

void eddy_embedder_stats(const eddy_embedder *embedder, eddy_embed_stats *ret)
{
    *ret = (eddy_embed_stats){0};
    if (embedder->cache)
        ed_cache_stats(embedder->cache, ret);
}
