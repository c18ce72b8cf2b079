/* WordPiece: text to the token ids of a BERT vocabulary.
 *
 * The same ids as the reference, the Rust library `tokenizers` with BertNormalizer,
 * BertPreTokenizer and WordPiece, for any text. */
#ifndef ED_EMBED_WORDPIECE_H
#define ED_EMBED_WORDPIECE_H

#include "embed/fold.h"

#include <eddy/doc.h>

struct ed_wordpiece;

/* Make a tokenizer from the bytes of a vocab.txt: a piece a line, its id is the line's number
 * from 0; a piece that continues a word begins with "##".
 *
 *   vocab  (n) copied
 *   label  begins each error; borrowed for the call
 *
 * EDDY_FORMAT  [UNK], [CLS] or [SEP] is missing, or there are too many pieces
 * EDDY_NOMEM */
eddy_status ed_wordpiece_new(const char *vocab, size_t n, const struct ed_fold_flags *flags,
                             const char *label, struct ed_wordpiece **ret, eddy_error *err);
void ed_wordpiece_free(struct ed_wordpiece *words);

/* How many ids there are: all are below. */
size_t ed_wordpiece_size(const struct ed_wordpiece *words);

/* The ids of a text between [CLS] and [SEP], cut to max in all. "[SEP]" and its like in the text
 * itself become those ids too, as in the reference.
 *
 *   text  any bytes; what is not UTF-8 is passed over
 *   ret   (max) of which the returned number is filled; max is at least 2
 *
 * Cost: linear up to the cut; about 10 million ids a second. Any number of threads. */
size_t ed_wordpiece_read(const struct ed_wordpiece *words, eddy_str text, uint32_t *ret,
                         size_t max);

#endif
