/* Unigram: a word into the pieces whose scores add up to most. */
#ifndef ED_EMBED_UNIGRAM_H
#define ED_EMBED_UNIGRAM_H

#include "embed/model_file.h"
#include "embed/run.h"
#include "embed/trie.h"

struct ed_unigram {
    struct ed_trie trie; /* of the pieces, to their ids */
    double *scores;      /* (n) */
    size_t n;
    uint32_t unknown;
    double unknown_score;
    int by_bytes;        /* what has no piece is written in bytes */
    uint32_t bytes[256]; /* by_bytes: the id of each */
};

/* Read the value of "model", of type Unigram.
 *
 * EDDY_FORMAT  no list of pieces with scores, no unk_id, byte_fallback without all of its pieces
 * EDDY_NOMEM
 * Clearing does no harm after a failure. */
eddy_status ed_unigram_init(struct ed_unigram *uni, const struct ed_model_file *file,
                            const json_t *value, eddy_error *err);
void ed_unigram_clear(struct ed_unigram *uni);
/* The id of a piece, -1 when there is none. */
int64_t ed_unigram_find(const struct ed_unigram *uni, const char *s, size_t n);

/* Add the ids of a word to ids, in whose arena the work memory is too.
 *
 *   word  valid UTF-8
 *   work  emptied
 *
 * What was lost is said in ids. Cost: linear, times the length of the longest pieces. */
void ed_unigram_read(const struct ed_unigram *uni, eddy_str word, struct ed_run *work,
                     struct ed_ids *ids);

#endif
