/* The normalizer of a tokenizer.json: what happens to a text before it is cut. */
#ifndef ED_EMBED_NORMALIZER_H
#define ED_EMBED_NORMALIZER_H

#include "embed/charsmap.h"
#include "embed/fold.h"
#include "embed/model_file.h"

enum ed_normal {
    ED_NORMAL_CHARSMAP,
    ED_NORMAL_REPLACE, /* a string by another */
    ED_NORMAL_SQUEEZE, /* runs of blanks by a string */
    ED_NORMAL_PREPEND,
    ED_NORMAL_STRIP,
    ED_NORMAL_UNICODE, /* NFC and its kin */
    ED_NORMAL_LOWER,
    ED_NORMAL_FOLD /* BERT's */
};

struct ed_normal_step {
    enum ed_normal kind;
    eddy_str from, to;          /* own memory: of replace, squeeze (to), prepend (to) */
    size_t least;               /* squeeze: blanks of the shortest run */
    int any_space;              /* squeeze: white space of any kind, not U+0020 alone */
    int left, right;            /* strip */
    int options;                /* unicode: utf8proc's */
    struct ed_fold_flags flags; /* fold */
    struct ed_charsmap map;
};

#define ED_NORMAL_STEPS 16

struct ed_normalizer {
    struct ed_normal_step steps[ED_NORMAL_STEPS];
    size_t n;
};

/* Read the value of "normalizer"; NULL and null: none. Supported are Sequence, Precompiled, Replace
 * (a String, or one of the Regex " {2,}", " +", "\\s+"), Prepend, Strip, NFC, NFD, NFKC, NFKD,
 * Lowercase and BertNormalizer.
 *
 * EDDY_FORMAT  something else, or what a step needs is missing
 * EDDY_NOMEM
 * Clearing does no harm after a failure. */
eddy_status ed_normalizer_init(struct ed_normalizer *norm, const struct ed_model_file *file,
                               const json_t *value, eddy_error *err);
void ed_normalizer_clear(struct ed_normalizer *norm);

/* Normalise a text.
 *
 *   text      valid UTF-8
 *   runs      (2) emptied, then filled in turn
 *   at_start  set to 0 when what stands first in ret did not stand first in the text
 *   ret       the text itself or one of the runs
 *
 * 0: no memory. Cost: linear. */
int ed_normalize(const struct ed_normalizer *norm, eddy_str text, eddy_arena *arena,
                 struct ed_run *runs, int *at_start, eddy_str *ret);

/* Unicode's White_Space. */
int ed_is_space(int32_t c);

#endif
