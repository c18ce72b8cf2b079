/* BERT, forward only: token ids in, one row for each token out. */
#ifndef ED_EMBED_BERT_H
#define ED_EMBED_BERT_H

#include "embed/config.h"
#include "embed/safetensors.h"

#include "base/product.h"

struct ed_bert;

/* Take the weights of a network from a file and pack them for this CPU.
 *
 *   config  what the file must hold; copied
 *   file    borrowed until free: the tables of rows (pieces, positions) are used where they lie
 *   kernels that multiply with the weights
 *
 * EDDY_FORMAT  a tensor is missing or of another shape or type
 * EDDY_NOMEM */
eddy_status ed_bert_new(const struct ed_encoder_config *config, struct ed_safetensors *file,
                        const struct ed_kernels *kernels, struct ed_bert **ret, eddy_error *err);
void ed_bert_free(struct ed_bert *bert);

/* Whole texts end to end, and the memory of one pass. The caller fills what stands before the
 * blank line. */
struct ed_pass {
    uint32_t *ids; /* (tokens_max) */
    size_t *start; /* (texts_max + 1) first token of each text, and the end of the last */
    size_t n_texts;

    size_t tokens_max, texts_max;
    float *x; /* (tokens, hidden) the result: the rows that passed through the layers */
    /* In the form of the attention's kernels: query, key and value side by side, (tokens, 3 hidden)
     * and then of one text and head: keys and values as right sides, and the weights of a block of
     * tokens on all others. */
    void *sides, *keys, *values, *weights;
    float *scores, *inverse; /* (block, limit); (block) of the sum of the weights */
    void *mixed, *wide;      /* (tokens, hidden), (block, inner); bf16 or float */
    void *left;              /* (tokens, inner) bf16 or bytes, with ... */
    float *scale, *low;      /* (tokens) */
};

/* In an arena that was just reset. EDDY_NOMEM. */
eddy_status ed_pass_init(struct ed_pass *pass, const struct ed_bert *bert, eddy_arena *scratch,
                         eddy_error *err);
/* Run it. A text's rows have the same bits whatever else is in the pass. Any number of threads, a
 * pass for each. */
void ed_bert_run(const struct ed_bert *bert, struct ed_pass *pass);

#endif
