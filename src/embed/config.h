/* What the JSON files of a model directory say, checked. */
#ifndef ED_EMBED_CONFIG_H
#define ED_EMBED_CONFIG_H

#include "embed/fold.h"

#include "base/product.h"

#include <eddy/error.h>

enum ed_pooling { ED_POOL_MEAN, ED_POOL_CLS };

struct ed_encoder_config {
    size_t hidden; /* width of a token's row */
    size_t layers;
    size_t heads;                    /* divides hidden */
    size_t inner;                    /* width inside the feed-forward step */
    size_t positions, pieces, types; /* rows of the three embedding tables */
    size_t first; /* the position of a text's first token: 0, after the padding's in RoBERTa's */
    size_t limit; /* tokens of a text, special ones included; at most positions - first */
    double norm_eps;
    enum ed_activation activation;
    enum ed_pooling pooling;
    struct ed_fold_flags fold;
    char prefix[200]; /* what the model wants put before each text; "": nothing */
};

/* Read config.json, and where they are there modules.json, the pooling module's config.json,
 * sentence_bert_config.json, tokenizer.json, tokenizer_config.json and
 * config_sentence_transformers.json.
 *
 * EDDY_UNAVAILABLE  config.json is missing, or a file cannot be read
 * EDDY_FORMAT       a file is not what it should be, or asks for what is not supported: the text
 *                   names the file and the key
 * EDDY_NOMEM */
eddy_status ed_encoder_config_read(const char *dir, struct ed_encoder_config *ret, eddy_error *err);

#endif
