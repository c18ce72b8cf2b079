/* The table: keys are mixed once more, so ids that count up do not cluster. */
#include "base/table.h"

#include "base/memory.h"

#include <string.h>

void ed_table_init(struct ed_table *t)
{
    memset(t, 0, sizeof *t);
}

void ed_table_clear(struct ed_table *t)
{
    ed_free(t->keys);
    ed_free(t->values);
    ed_table_init(t);
}

static size_t home(const struct ed_table *t, uint64_t key)
{
    return (size_t)ed_mix64(key) & (t->room - 1);
}

static size_t slot_of(const struct ed_table *t, uint64_t key)
{
    size_t i = home(t, key);
    while (t->keys[i] && t->keys[i] != key)
        i = (i + 1) & (t->room - 1);
    return i;
}

uint64_t *ed_table_find(const struct ed_table *t, uint64_t key)
{
    if (!t->n || !key)
        return NULL;
    size_t i = slot_of(t, key);
    return t->keys[i] ? &t->values[i] : NULL;
}

static int grow(struct ed_table *t)
{
    struct ed_table wide = {.room = t->room ? t->room * 2 : 64};
    wide.keys = ed_alloc_zero(wide.room, sizeof *wide.keys);
    wide.values = ed_alloc_zero(wide.room, sizeof *wide.values);
    if (!wide.keys || !wide.values) {
        ed_table_clear(&wide);
        return 0;
    }
    for (size_t i = 0; i < t->room; i++) {
        if (!t->keys[i])
            continue;
        size_t j = slot_of(&wide, t->keys[i]);
        wide.keys[j] = t->keys[i];
        wide.values[j] = t->values[i];
    }
    wide.n = t->n;
    ed_table_clear(t);
    *t = wide;
    return 1;
}

uint64_t *ed_table_put(struct ed_table *t, uint64_t key, uint64_t first)
{
    if ((t->n + 1) * 4 > t->room * 3 && !grow(t))
        return NULL;
    size_t i = slot_of(t, key);
    if (!t->keys[i]) {
        t->keys[i] = key;
        t->values[i] = first;
        t->n++;
    }
    return &t->values[i];
}

void ed_table_remove(struct ed_table *t, uint64_t key)
{
    if (!t->n)
        return;
    size_t mask = t->room - 1;
    size_t hole = slot_of(t, key);
    if (!t->keys[hole])
        return;
    t->n--;
    for (size_t i = (hole + 1) & mask; t->keys[i]; i = (i + 1) & mask) {
        size_t want = home(t, t->keys[i]);
        if (((i - want) & mask) >= ((i - hole) & mask)) { /* may move back into the hole */
            t->keys[hole] = t->keys[i];
            t->values[hole] = t->values[i];
            hole = i;
        }
    }
    t->keys[hole] = 0;
}

/* A share is the keys whose home has these low bits; each home's keys stand in the run behind it.
 */
size_t ed_table_share(const struct ed_table *t, size_t share, size_t shares, uint64_t *ret)
{
    size_t n = 0;
    size_t mask = t->room - 1;
    size_t step = shares < t->room ? shares : t->room;
    for (size_t at = t->room ? share & mask : 0; at < t->room; at += step)
        for (size_t i = at; t->keys[i]; i = (i + 1) & mask) {
            uint64_t mixed = ed_mix64(t->keys[i]);
            if ((mixed & mask) != at || (mixed & (shares - 1)) != share)
                continue;
            if (ret)
                ret[n] = t->keys[i];
            n++;
        }
    return n;
}
