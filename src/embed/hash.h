/* The "hash" embedder: a dense view without a model. */
#ifndef ED_EMBED_HASH_H
#define ED_EMBED_HASH_H

#include <eddy/embed.h>

#define ED_HASH_DIM 512

/* Signed hashes of the words of a text and of their character 3- to 5-grams.
 *
 *   text     any bytes; what is not UTF-8 parts words
 *   scratch  holds the words for this call; not reset here
 *   ret      (ED_HASH_DIM) length 1, or all 0 where the text has no word
 *
 * EDDY_NOMEM  scratch is full; ret is undefined
 * The same bytes on every machine. Cost: linear. Any number of threads, a scratch for each. */
eddy_status ed_hash_embed(eddy_str text, eddy_arena *scratch, float *ret, eddy_error *err);

#endif
