/* The "encoder" embedder: a BERT-type sentence encoder from a directory in Hugging Face layout. */
#ifndef ED_EMBED_ENCODER_H
#define ED_EMBED_ENCODER_H

#include "base/product.h"

#include <eddy/embed.h>

struct ed_encoder;

/* Open the model of a directory: config.json, model.safetensors, the tokenizer's files,
 * and what else config.h lists. The weights are mapped; those that are multiplied with are packed
 * for the kernels, which this CPU must be able to run; with OpenBLAS they are used in place.
 *
 *   chunks  1: of a longer text than the model reads, the mean of its chunks (chunks.h); 0: its
 *           beginning
 *   prefix  see eddy/embed.h; may be NULL
 *
 * EDDY_INVALID      the prefix is too long
 * EDDY_UNAVAILABLE  a file is missing or cannot be read
 * EDDY_FORMAT       a file is not what it should be, or asks for what is not supported
 * EDDY_NOMEM */
eddy_status ed_encoder_open(const char *dir, const struct ed_kernels *kernels, int chunks,
                            const char *prefix, struct ed_encoder **ret, eddy_error *err);
void ed_encoder_free(struct ed_encoder *encoder);

size_t ed_encoder_dim(const struct ed_encoder *encoder);
const struct ed_kernels *ed_encoder_kernels(const struct ed_encoder *encoder);
/* Over everything that a vector depends on, but the machine. */
uint64_t ed_encoder_fingerprint(const struct ed_encoder *encoder);

/* See eddy_embedder_embed. EDDY_FORMAT: the model's weights gave a row that is not finite. */
eddy_status ed_encoder_embed(const struct ed_encoder *encoder, const eddy_str *texts, size_t n,
                             eddy_arena *scratch, float *ret, eddy_error *err);

#endif
