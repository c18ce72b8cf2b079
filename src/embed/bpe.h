/* BPE: a word into pieces, by merging its letters in the order of a list of merges. */
#ifndef ED_EMBED_BPE_H
#define ED_EMBED_BPE_H

#include "embed/model_file.h"
#include "embed/pieces.h"
#include "embed/run.h"

/* Kinds of letters where words may part: ASCII each by itself, U+2581, all others. */
#define ED_BPE_KINDS 130

struct ed_bpe {
    struct ed_pieces pieces; /* as tokenizer.json writes them */
    struct ed_table merges;  /* pair of ids -> rank << 32 | id of the two together */
    struct ed_pieces whole;  /* the words that come out as one piece, as a text has them */
    int by_bytes;            /* letters are bytes (GPT-2), else code points */
    int fallback;            /* a letter without a piece is written in bytes */
    int fuse_unknown;
    int64_t unknown;    /* -1: letters without a piece are dropped */
    int64_t bytes[256]; /* the piece of each: by_bytes, or fallback; -1: none */
    int64_t ascii[128]; /* code points: the piece of each letter */
    unsigned char joins[ED_BPE_KINDS][ED_BPE_KINDS]; /* some merge joins the one with the other */
};

/* Read the value of "model", of type BPE.
 *
 * EDDY_FORMAT  vocab or merges are not what they should be, or it asks for dropout, a prefix or
 *              suffix of pieces, byte_fallback without all of its pieces
 * EDDY_NOMEM
 * Clearing does no harm after a failure. */
eddy_status ed_bpe_init(struct ed_bpe *bpe, const struct ed_model_file *file, const json_t *value,
                        int by_bytes, eddy_error *err);
void ed_bpe_clear(struct ed_bpe *bpe);

/* Add the ids of a word, which may be a whole text, to ids, in whose arena the work memory is too.
 *
 *   word  valid UTF-8, or any bytes by_bytes
 *   work  emptied
 *
 * What was lost is said in ids. Cost: that of n log n at most, of n where words are short. */
void ed_bpe_read(const struct ed_bpe *bpe, eddy_str word, struct ed_run *work, struct ed_ids *ids);

#endif
