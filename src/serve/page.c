/* Page: kept in order; of many only those that find a place are ever compared with more than the
 * last one. */
#include "serve/page.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

int ed_page_before(const struct ed_page *page, double key, uint64_t id, double other_key,
                   uint64_t other_id)
{
    if (key != other_key)
        return (key < other_key) == (page->ascending != 0);
    return (id < other_id) == (page->ascending != 0) && id != other_id;
}

void ed_page_put(struct ed_page *page, double key, const struct ed_picture *picture)
{
    size_t low = 0, high = page->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct ed_item *m = &page->at[middle];
        if (ed_page_before(page, m->key, m->picture->id, key, picture->id))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == page->limit) {
        ed_picture_back(picture);
        return;
    }
    if (page->n == page->limit)
        ed_picture_back(page->at[--page->n].picture);
    memmove(&page->at[low + 1], &page->at[low], (page->n - low) * sizeof *page->at);
    page->at[low] = (struct ed_item){key, picture};
    page->n++;
}

void ed_page_clear(struct ed_page *page)
{
    for (size_t i = 0; i < page->n; i++)
        ed_picture_back(page->at[i].picture);
    ed_free(page->at);
}

int ed_page_begin(struct ed_exchange *x, struct ed_page *page, uint64_t standard)
{
    uint64_t limit = 0;
    if (!ed_exchange_number(x, "limit", 1, ED_LIMIT_MAX, standard, &limit))
        return 0;
    *page = (struct ed_page){.limit = (size_t)limit, .at = ed_alloc(limit * sizeof *page->at)};
    if (!page->at)
        ed_exchange_fail(x, 503, "no memory");
    return page->at != NULL;
}
