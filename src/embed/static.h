/* The "static" embedder: a table of token vectors; a text is the mean of those of its tokens. */
#ifndef ED_EMBED_STATIC_H
#define ED_EMBED_STATIC_H

#include <eddy/embed.h>

struct ed_static;

/* Whether a directory looks like a static model: tokenizer.json and model.safetensors, and no
 * config.json, or one whose model_type is model2vec. */
int ed_static_is(const char *dir);

/* Open the model of a directory: tokenizer.json, and a model.safetensors that holds
 *
 *   embeddings        (rows, dim) F32, F16, BF16 or I8: model2vec; or
 *   embedding.weight  the same: wordllama, sentence-transformers
 *   weights           (tokens), F64, F32 or F16: optional, what each token counts
 *   mapping           (tokens), I64 or I32: optional, the row of each token; else its id
 *
 * The table is mapped and read in place. With embeddings, unknown tokens are left out, as model2vec
 * does. No text is cut.
 *
 * EDDY_UNAVAILABLE  a file is missing or cannot be read
 * EDDY_FORMAT       a file is not what it should be, or asks for what is not supported
 * EDDY_NOMEM */
eddy_status ed_static_open(const char *dir, struct ed_static **ret, eddy_error *err);
void ed_static_free(struct ed_static *model);

size_t ed_static_dim(const struct ed_static *model);
/* Over everything that a vector depends on. */
uint64_t ed_static_fingerprint(const struct ed_static *model);

/* See eddy_embedder_embed. A text without a token gives a row of 0. The same bits on every machine,
 * whatever else is in the call. EDDY_FORMAT: the table gave a row that is not finite. */
eddy_status ed_static_embed(const struct ed_static *model, const eddy_str *texts, size_t n,
                            eddy_arena *scratch, float *ret, eddy_error *err);

/* y += w x, (n), of halves (IEEE binary16): the kernel that most tables go through. */
void ed_add_halves(float *restrict y, float w, const uint16_t *restrict x, size_t n);

#endif
