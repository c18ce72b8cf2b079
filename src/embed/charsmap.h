/* A "precompiled charsmap": SentencePiece's table of what is written instead of what. */
#ifndef ED_EMBED_CHARSMAP_H
#define ED_EMBED_CHARSMAP_H

#include "embed/run.h"

#include <eddy/doc.h>

/* The file format, little-endian: u32 bytes of the trie; the trie, a Darts double array of u32;
 * then the replacements, each ended by a zero byte, to whose starts the trie's values point. */
struct ed_charsmap {
    uint32_t *units; /* (n_units) */
    char *texts;     /* (n_texts), and a zero behind */
    size_t n_units, n_texts;
    eddy_str ascii[128]; /* what each is written as; at NULL: itself */
};

/* Decode a table from base64.
 *
 * EDDY_FORMAT  no base64, or the lengths do not fit; err is one part of a sentence, without a name
 * EDDY_NOMEM */
eddy_status ed_charsmap_init(struct ed_charsmap *map, const char *base64, size_t n,
                             eddy_error *err);
void ed_charsmap_clear(struct ed_charsmap *map);

/* Add to out what a text is written as, as the library `tokenizers` does it: each grapheme cluster
 * of less than six bytes as a whole if it begins with an entry, else each code point by itself.
 *
 *   text  valid UTF-8
 *
 * 0: no memory. Cost: linear. */
int ed_charsmap_apply(const struct ed_charsmap *map, eddy_str text, eddy_arena *arena,
                      struct ed_run *out);

#endif
