/* Shelf: a list of pointers, and a table of where in it each id stands. */
#include "base/shelf.h"

#include "base/memory.h"

#include <stdlib.h>

static uint64_t id_of(const void *thing)
{
    return *(const uint64_t *)thing;
}

void ed_shelf_clear(struct ed_shelf *shelf)
{
    ed_free(shelf->at);
    ed_table_clear(&shelf->places);
    *shelf = (struct ed_shelf){0};
}

void *ed_shelf_find(const struct ed_shelf *shelf, uint64_t id)
{
    const uint64_t *place = ed_table_find(&shelf->places, id);
    return place ? shelf->at[*place - 1] : NULL;
}

int ed_shelf_put(struct ed_shelf *shelf, void *thing, void **ret_old)
{
    const uint64_t *place = ed_table_find(&shelf->places, id_of(thing));
    *ret_old = NULL;
    if (place) {
        *ret_old = shelf->at[*place - 1];
        shelf->at[*place - 1] = thing;
        return 1;
    }
    void **at = ed_list_room(shelf->at, shelf->n, &shelf->room, sizeof *at);
    shelf->at = at ? at : shelf->at;
    if (!at || !ed_table_put(&shelf->places, id_of(thing), shelf->n + 1))
        return 0;
    shelf->at[shelf->n++] = thing;
    return 1;
}

/* The last one takes the place of the one that leaves. */
void *ed_shelf_take(struct ed_shelf *shelf, uint64_t id)
{
    const uint64_t *place = ed_table_find(&shelf->places, id);
    if (!place)
        return NULL;
    size_t i = *place - 1;
    void *thing = shelf->at[i];
    ed_table_remove(&shelf->places, id);
    shelf->at[i] = shelf->at[--shelf->n];
    if (i < shelf->n)
        *ed_table_find(&shelf->places, id_of(shelf->at[i])) = i + 1;
    return thing;
}

void ed_shelf_sort(struct ed_shelf *shelf, int (*compare)(const void *, const void *))
{
    if (!shelf->n)
        return;
    qsort(shelf->at, shelf->n, sizeof *shelf->at, compare);
    for (size_t i = 0; i < shelf->n; i++)
        *ed_table_find(&shelf->places, id_of(shelf->at[i])) = i + 1;
}
