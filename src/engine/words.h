/* Words: how many documents held each, how it was written, and the sketch that a group keeps of
 * them.
 *
 * The structs are part of the state (state.h). */
#ifndef ED_ENGINE_WORDS_H
#define ED_ENGINE_WORDS_H

#include "engine/state.h"

/* words.c */
eddy_status ed_words_count(eddy_clusterer *cl, const eddy_row *row, eddy_error *err);
uint32_t ed_words_df(const eddy_clusterer *cl, uint64_t hash);
/* The word's bytes; n 0 when it was forgotten. Valid until the next count. */
eddy_str ed_words_surface(const eddy_clusterer *cl, uint64_t hash);
/* Pages of the vocabulary's records: of 512 words each where it is full. */
static inline size_t ed_words_pages(const eddy_engine_options *o)
{
    size_t n = 1;
    while (n * 512 < o->words_max)
        n *= 2;
    return n;
}
/* The hashes of which `counts` and `spellings` are the sums. */
static inline uint64_t ed_words_count_hash(uint64_t hash, uint32_t df)
{
    return ed_mix64(hash + df * UINT64_C(0x9FB21C651E98DF25));
}
uint64_t ed_words_spelling_hash(uint64_t hash, const char *word, size_t n);
/* Of a word that so many of N documents hold; its logarithm is the idf. */
static inline double ed_words_rarity(uint64_t df, uint64_t n)
{
    return 1 + ((double)n + 1) / ((double)df + 0.5);
}
void ed_sketch_add(struct ed_sketch *s, uint64_t hash, float count);
/* Count the words of one document. */
void ed_sketch_document(struct ed_sketch *s, const eddy_row *row, const struct ed_point *p);

#endif
