/* The embedder: one door, a cache behind it, and behind that the ways: hash, encoder, static,
 * endpoint. */
#include "embed/cache.h"
#include "embed/encoder.h"
#include "embed/hash.h"
#include "embed/static.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 32 /* texts: enough for the encoder's products, and soon done */

struct eddy_embedder {
    struct ed_encoder *encoder;    /* one of the three, */
    struct ed_static *static_rows; /* or none: hash */
    eddy_endpoint endpoint;        /* where embed is not NULL */
    struct ed_cache *cache;        /* NULL: none */
    size_t dim;
    uint64_t fingerprint;
    char name[300];
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
static void name_set(struct eddy_embedder *embedder, const char *kind, const char *dir,
                     const char *rest)
{
    char real[PATH_MAX];
    const char *path = realpath(dir, real) ? real : dir;
    const char *slash = strrchr(path, '/');
    snprintf(embedder->name, sizeof embedder->name, "%s %.120s, %zu dimensions%s", kind,
             slash ? slash + 1 : path, embedder->dim, rest);
}

static eddy_status static_open(struct eddy_embedder *embedder, const char *dir, eddy_error *err)
{
    eddy_status st = ed_static_open(dir, &embedder->static_rows, err);
    if (st != EDDY_OK)
        return st;
    embedder->dim = ed_static_dim(embedder->static_rows);
    embedder->fingerprint = ed_static_fingerprint(embedder->static_rows);
    name_set(embedder, "static", dir, "");
    return EDDY_OK;
}

static eddy_status encoder_open(struct eddy_embedder *embedder,
                                const eddy_embedder_options *options, enum ed_precision precision,
                                eddy_error *err)
{
    char rest[60];
    eddy_status st = ed_encoder_open(options->dir, ed_kernels_best(precision), options->chunks,
                                     options->prefix, &embedder->encoder, err);
    if (st != EDDY_OK)
        return st;
    embedder->dim = ed_encoder_dim(embedder->encoder);
    embedder->fingerprint = ed_encoder_fingerprint(embedder->encoder);
    snprintf(rest, sizeof rest, ", %s by %s%s",
             ed_precision_name(ed_encoder_kernels(embedder->encoder)->precision),
             ed_encoder_kernels(embedder->encoder)->name, options->chunks ? ", chunks" : "");
    name_set(embedder, "encoder", options->dir, rest);
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
    int automatic = !strcmp(model, "auto"), by_endpoint = !strcmp(model, "endpoint");
    int by_static = !strcmp(model, "static") || (automatic && dir && ed_static_is(dir));
    int by_encoder = !strcmp(model, "encoder") || (automatic && !by_static && is_model(dir));
    if (!by_static && !by_encoder && !by_endpoint && !automatic && strcmp(model, "hash") != 0)
        return eddy_fail(err, EDDY_INVALID,
                         "model %.40s is none of auto, hash, encoder, static, endpoint", model);
    if (by_endpoint && (!options->endpoint || !options->endpoint->embed || !options->endpoint->dim))
        return eddy_fail(err, EDDY_INVALID, "model endpoint: there is none that embeds");
    enum ed_precision precision = ED_F32;
    if (!precision_find(options->precision, &precision))
        return eddy_fail(err, EDDY_INVALID, "precision %.40s is none of auto, f32, bf16, int8",
                         options->precision);
    if ((by_encoder || by_static) && !dir)
        return eddy_fail(err, EDDY_UNAVAILABLE,
                         "model %s wants a directory; tools/fetch-model fetches one", model);
    struct eddy_embedder *embedder = ed_alloc_zero(1, sizeof *embedder);
    if (!embedder)
        return eddy_fail_nomem(err, "embedder", sizeof *embedder);
    eddy_status st = EDDY_OK;
    if (by_encoder) {
        st = encoder_open(embedder, options, precision, err);
    } else if (by_static) {
        st = static_open(embedder, dir, err);
    } else if (by_endpoint) {
        embedder->endpoint = *options->endpoint;
        embedder->dim = options->endpoint->dim;
        embedder->fingerprint = options->endpoint->fingerprint;
        snprintf(embedder->name, sizeof embedder->name, "%s", options->endpoint->name);
    } else {
        embedder->dim = ED_HASH_DIM;
        embedder->fingerprint = ed_fnv1a(ED_FNV_BASIS, hash_version, sizeof hash_version);
        snprintf(embedder->name, sizeof embedder->name, "hash, %d dimensions", ED_HASH_DIM);
    }
    if (st == EDDY_OK)
        st = ed_cache_new(options->cache_bytes, embedder->dim, embedder->fingerprint,
                          &embedder->cache, err);
    if (st == EDDY_OK) {
        *ret = embedder;
    } else {
        embedder->endpoint.free = NULL; /* it is still the caller's */
        eddy_embedder_free(embedder);
    }
    return st;
}

void eddy_embedder_free(eddy_embedder *embedder)
{
    if (!embedder)
        return;
    ed_encoder_free(embedder->encoder);
    ed_static_free(embedder->static_rows);
    ed_cache_free(embedder->cache);
    if (embedder->endpoint.free)
        embedder->endpoint.free(embedder->endpoint.self);
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

size_t eddy_embedder_batch(const eddy_embedder *embedder)
{
    size_t batch = embedder->endpoint.embed ? embedder->endpoint.batch : BATCH;
    return batch ? batch : SIZE_MAX;
}

static eddy_status embed_fresh(const eddy_embedder *embedder, const eddy_embed_caller *caller,
                               const eddy_str *texts, size_t n, eddy_arena *scratch, float *ret,
                               eddy_error *err)
{
    const eddy_endpoint *endpoint = &embedder->endpoint;
    if (endpoint->embed)
        return endpoint->embed(endpoint->self, caller, texts, n, scratch, ret, err);
    for (size_t i = 0; caller && caller->refused && i < n; i++)
        caller->refused[i] = NULL;
    if (embedder->encoder)
        return ed_encoder_embed(embedder->encoder, texts, n, scratch, ret, err);
    if (embedder->static_rows)
        return ed_static_embed(embedder->static_rows, texts, n, scratch, ret, err);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        eddy_arena_reset(scratch);
        st = ed_hash_embed(texts[i], scratch, ret + i * ED_HASH_DIM, err);
    }
    return st;
}

/* Behind the cache: rows go where they belong at once when all texts are fresh. */
static eddy_status embed_looked(const eddy_embedder *embedder, const eddy_embed_caller *caller,
                                const struct ed_cache_look *look, eddy_arena *scratch, float *ret,
                                eddy_error *err)
{
    float *rows = ret;
    size_t bytes = look->n_fresh * embedder->dim * sizeof *rows;
    eddy_status st = EDDY_OK;
    if (look->n_fresh && look->n_fresh < look->n && !(rows = ed_alloc_aligned(bytes)))
        return eddy_fail_nomem(err, "embedder", bytes);
    if (look->n_fresh)
        st = embed_fresh(embedder, caller, look->fresh, look->n_fresh, scratch, rows, err);
    if (look->n_fresh && st == EDDY_OK)
        ed_cache_keep(embedder->cache, look, rows, ret);
    if (rows != ret)
        ed_free(rows);
    /* From fresh texts to all, from behind: a text's fresh one is never after it. */
    for (size_t i = look->n; caller && caller->refused && st == EDDY_OK && i--;)
        caller->refused[i] =
            look->from[i] == ED_CACHE_KNOWN ? NULL : caller->refused[look->from[i]];
    return st;
}

eddy_status eddy_embedder_embed_for(const eddy_embedder *embedder, const eddy_embed_caller *caller,
                                    const eddy_str *texts, size_t n, eddy_arena *scratch,
                                    float *ret, eddy_error *err)
{
    struct ed_cache_look look;
    if (!embedder->cache || !n)
        return embed_fresh(embedder, caller, texts, n, scratch, ret, err);
    eddy_status st = ed_cache_look(embedder->cache, texts, n, ret, &look, err);
    if (st != EDDY_OK)
        return st;
    st = embed_looked(embedder, caller, &look, scratch, ret, err);
    ed_cache_look_clear(&look);
    return st;
}

eddy_status eddy_embedder_embed(const eddy_embedder *embedder, const eddy_str *texts, size_t n,
                                eddy_arena *scratch, float *ret, eddy_error *err)
{
    return eddy_embedder_embed_for(embedder, NULL, texts, n, scratch, ret, err);
}

void eddy_embedder_stats(const eddy_embedder *embedder, eddy_embed_stats *ret)
{
    *ret = (eddy_embed_stats){0};
    if (embedder->cache)
        ed_cache_stats(embedder->cache, ret);
}
