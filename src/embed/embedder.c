/* The embedder: one door, and the ways behind it: hash, encoder, endpoint. */
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

#define BATCH 32 /* texts: enough for the encoder's products, and soon done */

struct eddy_embedder {
    struct ed_encoder *encoder; /* NULL: hash, or ... */
    eddy_endpoint endpoint;     /* ... where embed is not NULL */
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

/* The last part of the directory's real path names the model. */
static eddy_status encoder_open(struct eddy_embedder *embedder, const char *dir, eddy_error *err)
{
    char real[PATH_MAX];
    eddy_status st = ed_encoder_open(dir, &embedder->encoder, err);
    if (st != EDDY_OK)
        return st;
    const char *path = realpath(dir, real) ? real : dir;
    const char *slash = strrchr(path, '/');
    embedder->dim = ed_encoder_dim(embedder->encoder);
    embedder->fingerprint = ed_encoder_fingerprint(embedder->encoder);
    snprintf(embedder->name, sizeof embedder->name, "encoder %.140s, %zu dimensions, f32",
             slash ? slash + 1 : path, embedder->dim);
    return EDDY_OK;
}

void eddy_embedder_options_init(eddy_embedder_options *options)
{
    *options = (eddy_embedder_options){.model = "auto"};
}

eddy_status eddy_embedder_open(const eddy_embedder_options *options, eddy_embedder **ret,
                               eddy_error *err)
{
    const char *model = options->model, *dir = options->dir;
    int by_encoder = !strcmp(model, "encoder") || (!strcmp(model, "auto") && is_model(dir));
    int by_endpoint = !strcmp(model, "endpoint");
    if (!by_encoder && !by_endpoint && strcmp(model, "auto") != 0 && strcmp(model, "hash") != 0)
        return eddy_fail(err, EDDY_INVALID, "model %.40s is none of auto, hash, encoder, endpoint",
                         model);
    if (by_endpoint && (!options->endpoint || !options->endpoint->embed || !options->endpoint->dim))
        return eddy_fail(err, EDDY_INVALID, "model endpoint: there is none that embeds");
    if (by_encoder && !dir)
        return eddy_fail(err, EDDY_UNAVAILABLE,
                         "model encoder wants a directory; tools/fetch-model fetches one");
    struct eddy_embedder *embedder = ed_alloc_zero(1, sizeof *embedder);
    if (!embedder)
        return eddy_fail_nomem(err, "embedder", sizeof *embedder);
    eddy_status st = EDDY_OK;
    if (by_encoder) {
        st = encoder_open(embedder, dir, err);
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

eddy_status eddy_embedder_embed(const eddy_embedder *embedder, const eddy_str *texts, size_t n,
                                eddy_arena *scratch, float *ret, eddy_error *err)
{
    return eddy_embedder_embed_for(embedder, NULL, texts, n, scratch, ret, err);
}

eddy_status eddy_embedder_embed_for(const eddy_embedder *embedder, const eddy_embed_caller *caller,
                                    const eddy_str *texts, size_t n, eddy_arena *scratch,
                                    float *ret, eddy_error *err)
{
    const eddy_endpoint *endpoint = &embedder->endpoint;
    if (endpoint->embed)
        return endpoint->embed(endpoint->self, caller, texts, n, scratch, ret, err);
    for (size_t i = 0; caller && caller->refused && i < n; i++)
        caller->refused[i] = NULL;
    if (embedder->encoder)
        return ed_encoder_embed(embedder->encoder, texts, n, scratch, ret, err);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        eddy_arena_reset(scratch);
        st = ed_hash_embed(texts[i], scratch, ret + i * ED_HASH_DIM, err);
    }
    return st;
}
