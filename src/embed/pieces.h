/* The pieces of a vocabulary: from the bytes of a piece to its id. */
#ifndef ED_EMBED_PIECES_H
#define ED_EMBED_PIECES_H

#include "base/table.h"

#include <eddy/doc.h>

#define ED_PIECES_MAX 1000000

struct ed_pieces {
    char *bytes;   /* of all pieces, one behind the other */
    eddy_str *at;  /* (n) into bytes, in the order in which they were added */
    uint32_t *ids; /* (n) */
    size_t n, n_bytes, room, bytes_room;
    struct ed_table index; /* by the hash of the bytes, to the place in at */
};

/* Room for so many pieces of so many bytes in all. 0: no memory; what is there may be cleared. */
int ed_pieces_init(struct ed_pieces *pieces, size_t n, size_t n_bytes);
void ed_pieces_clear(struct ed_pieces *pieces);

/* Add one; where the same bytes were added before, the later id counts. 0: no memory. */
int ed_pieces_add(struct ed_pieces *pieces, const char *s, size_t n, uint32_t id);
/* The id of a piece, -1 when there is none. */
int64_t ed_pieces_find(const struct ed_pieces *pieces, const char *s, size_t n);

#endif
