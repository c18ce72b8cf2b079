/* The pre-tokenizer of a tokenizer.json: a normalised text to the words that a model cuts. */
#ifndef ED_EMBED_SPLITTER_H
#define ED_EMBED_SPLITTER_H

#include "embed/model_file.h"
#include "embed/run.h"

enum ed_split {
    ED_SPLIT_SPACES, /* at white space, which is dropped */
    ED_SPLIT_MARKS,  /* "Metaspace": blanks become marks, a word begins at each */
    ED_SPLIT_BYTES   /* "ByteLevel": GPT-2's words, whose letters are bytes */
};

enum ed_mark_first { ED_MARK_ALWAYS, ED_MARK_START, ED_MARK_NEVER };

struct ed_split_step {
    enum ed_split kind;
    char mark[8]; /* what stands for a blank */
    size_t n_mark;
    enum ed_mark_first first; /* marks: whether one is put in front; bytes: a blank, likewise */
    int parts;                /* marks, bytes: cut into words, or only change the text */
};

#define ED_SPLIT_STEPS 4

struct ed_splitter {
    struct ed_split_step steps[ED_SPLIT_STEPS];
    size_t n;
    int by_bytes; /* the last step is ED_SPLIT_BYTES: the model's letters are bytes */
};

/* Read the value of "pre_tokenizer"; NULL and null: the text is one word. Supported are Sequence,
 * WhitespaceSplit, Metaspace, and ByteLevel as the last.
 *
 * EDDY_FORMAT  something else */
eddy_status ed_splitter_init(struct ed_splitter *split, const struct ed_model_file *file,
                             const json_t *value, eddy_error *err);

/* Called with each word, which is not empty; gives 0 when it wants no more. */
typedef int ed_word_take(void *to, eddy_str word);

/* Give the words of a text.
 *
 *   text      valid UTF-8, not empty
 *   at_start  it stands at the start of what is read
 *   runs      (ED_SPLIT_STEPS) work memory
 *
 * 0: there was no memory. Cost: linear. */
int ed_split(const struct ed_splitter *split, eddy_str text, int at_start, eddy_arena *arena,
             struct ed_run *runs, ed_word_take *take, void *to);

#endif
