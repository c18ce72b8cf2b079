/* Pieces stand in a hash table under the FNV-1a of their bytes; two of one hash take keys in a
 * row. */
#include "embed/pieces.h"

#include "base/hash.h"
#include "base/memory.h"

int ed_pieces_init(struct ed_pieces *pieces, size_t n, size_t n_bytes)
{
    *pieces = (struct ed_pieces){.room = n, .bytes_room = n_bytes};
    ed_table_init(&pieces->index);
    pieces->bytes = ed_alloc(n_bytes);
    pieces->at = ed_alloc_zero(n, sizeof *pieces->at);
    pieces->ids = ed_alloc_zero(n, sizeof *pieces->ids);
    return pieces->bytes && pieces->at && pieces->ids;
}

void ed_pieces_clear(struct ed_pieces *pieces)
{
    ed_table_clear(&pieces->index);
    ed_free(pieces->ids);
    ed_free(pieces->at);
    ed_free(pieces->bytes);
    *pieces = (struct ed_pieces){0};
}

/* The place of a piece in the table, NULL when there is none: *key is then where it would stand. */
static uint64_t *slot(const struct ed_pieces *pieces, const char *s, size_t n, uint64_t *key)
{
    uint64_t hash = ed_fnv1a(ED_FNV_BASIS, s, n);
    for (*key = hash ? hash : 1;; *key = ed_mix64(*key) | 1) {
        uint64_t *at = ed_table_find(&pieces->index, *key);
        if (!at)
            return NULL;
        eddy_str piece = pieces->at[*at];
        if (piece.n == n && !memcmp(piece.at, s, n))
            return at;
    }
}

int ed_pieces_add(struct ed_pieces *pieces, const char *s, size_t n, uint32_t id)
{
    uint64_t key, *at = slot(pieces, s, n, &key);
    if (at) {
        pieces->ids[*at] = id;
        return 1;
    }
    if (pieces->n == pieces->room || n > pieces->bytes_room - pieces->n_bytes ||
        !ed_table_put(&pieces->index, key, pieces->n))
        return 0;
    char *bytes = pieces->bytes + pieces->n_bytes;
    memcpy(bytes, s, n);
    pieces->at[pieces->n] = (eddy_str){bytes, n};
    pieces->ids[pieces->n] = id;
    pieces->n++;
    pieces->n_bytes += n;
    return 1;
}

int64_t ed_pieces_find(const struct ed_pieces *pieces, const char *s, size_t n)
{
    uint64_t key, *at = slot(pieces, s, n, &key);
    return at ? (int64_t)pieces->ids[*at] : -1;
}
