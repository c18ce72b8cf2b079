/* A shelf: things by their ids, to be found one by one and walked over all together. A thing begins
 * with its id (uint64_t, not 0) and is its owner's; the shelf only knows where it stands. One owner
 * thread. */
#ifndef ED_BASE_SHELF_H
#define ED_BASE_SHELF_H

#include "base/table.h"

struct ed_shelf {
    void **at; /* (n) in no order, which every change may change */
    size_t n, room;
    struct ed_table places; /* id -> index + 1 */
};

/* The things themselves must be gone by then. */
void ed_shelf_clear(struct ed_shelf *shelf);
/* NULL: it is not there. */
void *ed_shelf_find(const struct ed_shelf *shelf, uint64_t id);
/* In place of the one with the same id, which becomes *ret_old, or NULL. 0: no memory, and all is
 * as it was. */
int ed_shelf_put(struct ed_shelf *shelf, void *thing, void **ret_old);
/* Take it off, and return it; NULL: it was not there. */
void *ed_shelf_take(struct ed_shelf *shelf, uint64_t id);
/* As qsort: compare gets the places of two pointers. The order stays until the next change. */
void ed_shelf_sort(struct ed_shelf *shelf, int (*compare)(const void *, const void *));

#endif
