/* One code point as BERT's basic tokenizer sees it. */
#ifndef ED_EMBED_FOLD_H
#define ED_EMBED_FOLD_H

#include <stddef.h>
#include <stdint.h>

/* How a model's tokenizer folds text. */
struct ed_fold_flags {
    int lower;
    int strip_accents; /* decompose (NFD) and drop non-spacing marks */
    int split_cjk;     /* each Han character is a word */
};

#define ED_FOLDED_MAX 8

enum ed_fold_kind {
    ED_FOLD_DROPPED, /* leaves no trace: the letters around it touch */
    ED_FOLD_BLANK,   /* parts words */
    ED_FOLD_LETTERS, /* the code points of ret, in order; those that stand alone are words */
    ED_FOLD_WORD     /* the same, with a blank on either side of the whole */
};

struct ed_folded {
    size_t n;
    int32_t at[ED_FOLDED_MAX];
    unsigned char alone[ED_FOLDED_MAX]; /* 1: punctuation, a word by itself */
};

/* Fold c; -1 (what is not UTF-8) is dropped as U+FFFD is. ret is filled for letters and words. */
enum ed_fold_kind ed_fold(int32_t c, const struct ed_fold_flags *flags, struct ed_folded *ret);

#endif
