/* A hash table from non-zero 64-bit keys to 64-bit values. Open addressing, linear probing,
 * backward-shift deletion; grows at 3/4. One owner thread. */
#ifndef ED_BASE_TABLE_H
#define ED_BASE_TABLE_H

#include "base/hash.h"

#include <stddef.h>
#include <stdint.h>

struct ed_table {
    uint64_t *keys; /* 0: free */
    uint64_t *values;
    size_t n, room; /* room is 0 or a power of two */
};

void ed_table_init(struct ed_table *t);
void ed_table_clear(struct ed_table *t);
/* Where the value of key stands, or NULL. Valid until the next change of the table. */
uint64_t *ed_table_find(const struct ed_table *t, uint64_t key);
/* The same, putting first there when the key is new. NULL: no memory. key must not be 0. */
uint64_t *ed_table_put(struct ed_table *t, uint64_t key, uint64_t first);
void ed_table_remove(struct ed_table *t, uint64_t key);
/* The keys can be dealt to `shares`, a power of two, whatever the table: this many fall to one of
 * them. ret, unless NULL, takes them in no order. Cost: that of looking them all up. */
size_t ed_table_share(const struct ed_table *t, size_t share, size_t shares, uint64_t *ret);
/* The share of one key. */
static inline size_t ed_table_share_of(uint64_t key, size_t shares)
{
    return (size_t)ed_mix64(key) & (shares - 1);
}

#endif
