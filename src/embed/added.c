/* At each byte that begins some name the longest name that stands there counts. */
#include "embed/added.h"

#include "embed/pieces.h"

#include "base/error.h"
#include "base/utf8.h"

#include <stdlib.h>

/* ---- reading tokenizer.json ---- */

static eddy_status name_set(struct ed_added_token *token, const struct ed_model_file *file,
                            const char *name, size_t n, const struct ed_normalizer *norm,
                            eddy_error *err)
{
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_run runs[2] = {{0}};
    eddy_str as = {name, n};
    int at_start = 1;
    int held = arena && (!token->normalized || ed_normalize(norm, as, arena, runs, &at_start, &as));
    char *own = held ? ed_strndup(as.at, as.n) : NULL;
    eddy_arena_free(arena);
    if (!own)
        return eddy_fail_nomem(err, "added_tokens", n);
    token->name = (eddy_str){own, as.n};
    return as.n ? EDDY_OK
                : ed_model_wrong(file, err, "added_tokens: nothing is left of \"%.60s\"", name);
}

static eddy_status token_read(struct ed_added *added, const struct ed_model_file *file,
                              const json_t *value, uint32_t wanted,
                              const struct ed_normalizer *norm, eddy_error *err)
{
    struct ed_added_token *token = &added->tokens[added->n];
    const json_t *name = json_object_get(value, "content");
    size_t id = 0;
    int alone = 0;
    *token = (struct ed_added_token){.normalized = 1, .id = wanted};
    eddy_status st = ed_model_number(file, value, "id", 0, 2 * (size_t)ED_PIECES_MAX, &id, err);
    if (st != EDDY_OK)
        return st;
    ed_model_flag(value, "normalized", &token->normalized);
    ed_model_flag(value, "lstrip", &token->strips_left);
    ed_model_flag(value, "rstrip", &token->strips_right);
    ed_model_flag(value, "single_word", &alone);
    if (alone)
        return ed_model_unsupported(file, "added_tokens", "single_word", err);
    if (id != wanted)
        return ed_model_wrong(file, err, "added_tokens: \"%.60s\" has the id %zu, its place is %u",
                              json_string_value(name), id, wanted);
    added->n++;
    if (id >= added->ids)
        added->ids = (uint32_t)id + 1;
    return name_set(token, file, json_string_value(name), json_string_length(name), norm, err);
}

static int by_first_and_size(const void *a, const void *b)
{
    const struct ed_added_token *x = a, *y = b;
    unsigned char c = (unsigned char)x->name.at[0], d = (unsigned char)y->name.at[0];
    if (x->normalized != y->normalized)
        return x->normalized - y->normalized;
    if (c != d)
        return c < d ? -1 : 1;
    if (x->name.n != y->name.n)
        return x->name.n > y->name.n ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

eddy_status ed_added_init(struct ed_added *added, const struct ed_model_file *file,
                          const json_t *value, ed_piece_find *find, const void *model,
                          size_t n_pieces, const struct ed_normalizer *norm, eddy_error *err)
{
    size_t n = json_array_size(value);
    uint32_t next = (uint32_t)n_pieces; /* the id of the next name that is no piece */
    *added = (struct ed_added){0};
    if (!n)
        return EDDY_OK;
    added->tokens = ed_alloc_zero(n, sizeof *added->tokens);
    if (!added->tokens)
        return eddy_fail_nomem(err, "added_tokens", n * sizeof *added->tokens);
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(value, i);
        const json_t *name = json_object_get(entry, "content");
        if (!json_string_length(name))
            return ed_model_wrong(file, err, "added_tokens: %zu has no content", i);
        int64_t piece = find(model, json_string_value(name), json_string_length(name));
        eddy_status st =
            token_read(added, file, entry, piece >= 0 ? (uint32_t)piece : next++, norm, err);
        if (st != EDDY_OK)
            return st;
    }
    qsort(added->tokens, n, sizeof *added->tokens, by_first_and_size);
    for (size_t i = n; i--;) {
        const struct ed_added_token *t = &added->tokens[i];
        unsigned char c = (unsigned char)t->name.at[0];
        added->by_first[t->normalized][c].from = (uint32_t)i;
        if (!added->by_first[t->normalized][c].to)
            added->by_first[t->normalized][c].to = (uint32_t)i + 1;
    }
    return EDDY_OK;
}

void ed_added_clear(struct ed_added *added)
{
    for (size_t i = 0; i < added->n; i++)
        ed_free((char *)(uintptr_t)added->tokens[i].name.at);
    ed_free(added->tokens);
    *added = (struct ed_added){0};
}

int64_t ed_added_find(const struct ed_added *added, const char *s, size_t n)
{
    for (size_t i = 0; i < added->n; i++)
        if (added->tokens[i].name.n == n && !memcmp(added->tokens[i].name.at, s, n))
            return (int64_t)added->tokens[i].id;
    return -1;
}

/* ---- a text ---- */

static const struct ed_added_token *token_at(const struct ed_added *added, const char *s, size_t n,
                                             int normalized)
{
    uint32_t to = added->by_first[normalized][(unsigned char)*s].to;
    for (uint32_t i = added->by_first[normalized][(unsigned char)*s].from; i < to; i++) {
        const struct ed_added_token *token = &added->tokens[i];
        if (token->name.n <= n && !memcmp(token->name.at, s, token->name.n))
            return token;
    }
    return NULL;
}

/* Where the white space begins that ends at to, not before from. */
static size_t space_before(const char *s, size_t from, size_t to)
{
    while (to > from) {
        size_t at = to - 1;
        int32_t c;
        while (at > from && ((unsigned char)s[at] & 0xC0) == 0x80)
            at--;
        ed_utf8_next(s + at, to - at, &c);
        if (!ed_is_space(c))
            break;
        to = at;
    }
    return to;
}

int ed_added_next(const struct ed_added *added, eddy_str text, size_t i, int normalized,
                  struct ed_added_place *ret)
{
    for (size_t at = i; at < text.n; at++) {
        const struct ed_added_token *token = token_at(added, text.at + at, text.n - at, normalized);
        if (!token)
            continue;
        size_t to = at + token->name.n, size;
        int32_t c;
        for (; token->strips_right && to < text.n; to += size) {
            size = ed_utf8_next(text.at + to, text.n - to, &c);
            if (!ed_is_space(c))
                break;
        }
        *ret = (struct ed_added_place){token->strips_left ? space_before(text.at, i, at) : at, to,
                                       token->id};
        return 1;
    }
    return 0;
}
