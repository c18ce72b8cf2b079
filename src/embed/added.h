/* Added tokens: names such as "<s>" and "<mask>" that are ids wherever they stand in a text. */
#ifndef ED_EMBED_ADDED_H
#define ED_EMBED_ADDED_H

#include "embed/normalizer.h"

struct ed_added_token {
    eddy_str name; /* own memory */
    uint32_t id;
    int normalized;                /* looked for in the normalised text, else in the raw one */
    int strips_left, strips_right; /* takes the white space on that side with it */
};

struct ed_added {
    struct ed_added_token *tokens; /* (n) by first byte, the longest first */
    size_t n;
    uint32_t ids; /* all ids are below */
    struct {
        uint32_t from, to;
    } by_first[2][256]; /* [normalized][first byte]: its tokens */
};

/* The id of a piece of the model, -1 when it is none. */
typedef int64_t ed_piece_find(const void *model, const char *s, size_t n);

/* Read the value of "added_tokens"; NULL and null: none.
 *
 *   n_pieces  of the model: a name that is none of them has an id from there on
 *   norm      what is put before names that are looked for in the normalised text
 *
 * EDDY_FORMAT  a token is not what it should be, has another id than its place gives it, is empty,
 *              or wants single_word
 * EDDY_NOMEM
 * Clearing does no harm after a failure. */
eddy_status ed_added_init(struct ed_added *added, const struct ed_model_file *file,
                          const json_t *value, ed_piece_find *find, const void *model,
                          size_t n_pieces, const struct ed_normalizer *norm, eddy_error *err);
void ed_added_clear(struct ed_added *added);
/* The id of a name, -1 when it is none. */
int64_t ed_added_find(const struct ed_added *added, const char *s, size_t n);

/* Where the next token stands. */
struct ed_added_place {
    size_t from, to; /* what it takes of the text, white space included */
    uint32_t id;
};

/* The next token of a text at or behind i.
 *
 *   i           what lies before it is taken already; at most text.n
 *   normalized  which tokens are looked for
 *
 * 0: there is none. Cost: linear. */
int ed_added_next(const struct ed_added *added, eddy_str text, size_t i, int normalized,
                  struct ed_added_place *ret);

#endif
