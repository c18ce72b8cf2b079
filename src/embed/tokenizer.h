/* Text to the token ids of a model: one door, WordPiece, Unigram and BPE behind it.
 *
 * The same ids as the reference, the Rust library `tokenizers` on the model's tokenizer.json, for
 * any text. What the reference can do and this cannot is refused when the model is opened. */
#ifndef ED_EMBED_TOKENIZER_H
#define ED_EMBED_TOKENIZER_H

#include "embed/fold.h"

#include <eddy/doc.h>

struct ed_tokenizer;

struct ed_tokenizer_options {
    struct ed_fold_flags fold; /* of a WordPiece vocabulary */
    int bare;                  /* without the special tokens around each text */
};

/* Open the tokenizer of a model directory: tokenizer.json, whose model decides; without one, or for
 * WordPiece, the pieces of vocab.txt, and where there is none those of tokenizer.json.
 *
 *   fingerprint  a running hash, to which all that the ids depend on is added
 *
 * EDDY_UNAVAILABLE  none of the files is there, or one cannot be read
 * EDDY_FORMAT       a file is not what it should be, or asks for what is not supported: the text
 *                   names the file and the key
 * EDDY_NOMEM        ret and fingerprint are untouched, as after each failure
 * Cost: reads and checks all pieces; half a second for 250,000. */
eddy_status ed_tokenizer_open(const char *dir, const struct ed_tokenizer_options *options,
                              uint64_t *fingerprint, struct ed_tokenizer **ret, eddy_error *err);
void ed_tokenizer_free(struct ed_tokenizer *tok);

/* How many ids there are: all are below. */
size_t ed_tokenizer_size(const struct ed_tokenizer *tok);
/* How many special tokens stand around each text. */
size_t ed_tokenizer_around(const struct ed_tokenizer *tok);
/* The id of what has no piece, -1 when there is none. */
int64_t ed_tokenizer_unknown(const struct ed_tokenizer *tok);

/* Work memory of one thread in an arena, for text after text until the arena is reset. NULL: no
 * memory. */
struct ed_token_work;
struct ed_token_work *ed_token_work_new(eddy_arena *arena);

/* The ids of a text, cut to max in all, special tokens included.
 *
 *   text  any bytes; what is not UTF-8 is passed over
 *   max   more than ed_tokenizer_around
 *   ret   (*n) in the work memory, until the next text
 *
 * EDDY_NOMEM  the arena is full
 * Cost: linear. Any number of threads, work memory for each. */
eddy_status ed_tokenizer_read(const struct ed_tokenizer *tok, struct ed_token_work *work,
                              eddy_str text, size_t max, const uint32_t **ret, size_t *n,
                              eddy_error *err);

#endif
