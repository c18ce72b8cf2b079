/* chunks: the tokens of a text that is longer than the model reads, as pieces that it does.
 *
 * Each chunk but the first begins with how the text begins, for that is where its title stands: a
 * piece from the middle of a story seldom says what it is about. Neighbours share an eighth of the
 * limit, so that a sentence which the border cuts is whole in one of them. */
#ifndef ED_EMBED_CHUNKS_H
#define ED_EMBED_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#define ED_CHUNKS_MAX 8 /* of a text; what is behind is cut */

/* Tokens of a text that its chunks hold, marks included; the limit itself where that is too short
 * for chunks. */
size_t ed_chunks_tokens(size_t limit);

/* How many chunks a text of n tokens has; n at most ed_chunks_tokens(limit). */
size_t ed_chunks_count(size_t n, size_t limit);

/* The k-th chunk (from 0) of a text.
 *
 *   ids    (n) between the marks of its beginning and its end
 *   ret    (limit) of which the returned number is filled, between the same marks
 *   share  the tokens of the text that are in it, but for those it begins with again */
size_t ed_chunk(const uint32_t *ids, size_t n, size_t limit, size_t k, uint32_t *ret,
                size_t *share);

#endif
