/* Duplicates: a producer that retries sends a document twice; the second one changes nothing.
 *
 * Of the last `duplicates_window` documents the engine keeps what makes them the same
 * (eddy_row.same), in a ring by sequence, numbered from 0 as they came, and in a table. What is
 * left out does not enter the window: whether a document is a duplicate depends on the documents
 * that were taken and on nothing else, so a replay of the assignments alone has the same window.
 *
 *   recent    by sequence / 128, a page: the numbers of up to 128 documents, eight bytes each
 *
 * A call writes the pages that got longer. A page goes when all of it is out of the window. Its
 * number is part of the sequence, so another window, larger or smaller, takes up what is there. */
#include "engine/record.h"

/* ---- the window ---- */

static size_t recent_ring(const struct ed_recent *r)
{
    return r->pages * RECENT_PAGE;
}

/* Room for so many pages at least. 0: no memory. */
static int recent_room(struct ed_recent *r, uint32_t window, size_t pages)
{
    size_t own = window / RECENT_PAGE + 2; /* the window touches one page more than it fills */
    if (r->pages)
        return 1;
    pages = pages > own ? pages : own;
    r->ids = ed_alloc_zero(pages * RECENT_PAGE, sizeof *r->ids);
    r->hash = ed_alloc_zero(pages, sizeof *r->hash);
    r->renew = ed_alloc_zero(pages, sizeof *r->renew);
    if (!r->ids || !r->hash || !r->renew)
        return 0; /* whoever has no memory is not asked again */
    r->pages = pages;
    return 1;
}

void ed_recent_clear(struct ed_recent *r)
{
    ed_free(r->ids);
    ed_free(r->hash);
    ed_free(r->renew);
    ed_table_clear(&r->place);
}

uint64_t ed_recent_bytes(const struct ed_recent *r)
{
    return (recent_ring(r) + r->pages) * 8 + r->place.room * 16;
}

/* One that is not in the window. 0: no memory. */
static int recent_put(struct ed_recent *r, uint32_t window, uint64_t same)
{
    uint64_t *value = recent_room(r, window, 0) ? ed_table_put(&r->place, same, r->next) : NULL;
    if (!value)
        return 0;
    r->ids[r->next % recent_ring(r)] = same;
    r->next++;
    if (r->next <= window)
        return 1;
    uint64_t out = r->next - 1 - window;
    uint64_t old = r->ids[out % recent_ring(r)];
    const uint64_t *stands = old ? ed_table_find(&r->place, old) : NULL;
    if (stands && *stands == out) /* it may have come again since */
        ed_table_remove(&r->place, old);
    return 1;
}

int ed_recent_has(const eddy_clusterer *cl, uint64_t same)
{
    return same && cl->o.duplicates_window && ed_table_find(&cl->recent.place, same) != NULL;
}

int ed_recent_take(eddy_clusterer *cl, const eddy_row *rows, size_t *n)
{
    for (size_t i = 0; i < *n && cl->o.duplicates_window; i++) {
        if (!rows[i].same)
            continue;
        if (ed_recent_has(cl, rows[i].same))
            *n = i;
        else if (!recent_put(&cl->recent, cl->o.duplicates_window, rows[i].same))
            return 0;
    }
    return 1;
}

/* ---- records ---- */

/* The first page of which something is in the window, and the one behind the last. */
static uint64_t page_first(const eddy_clusterer *cl)
{
    uint64_t next = cl->recent.next;
    uint64_t window = cl->o.duplicates_window;
    uint64_t first = next > window ? (next - window) / RECENT_PAGE : 0;
    if (!window)
        first = (next + RECENT_PAGE - 1) / RECENT_PAGE;
    return first > cl->recent.oldest ? first : cl->recent.oldest;
}

static uint64_t page_end(const struct ed_recent *r)
{
    return (r->next + RECENT_PAGE - 1) / RECENT_PAGE;
}

static ed_out page_put(const struct ed_recent *r, ed_out at, uint64_t page)
{
    uint64_t end = (page + 1) * RECENT_PAGE < r->next ? (page + 1) * RECENT_PAGE : r->next;
    for (uint64_t i = page * RECENT_PAGE; i < end; i++)
        at = ed_put_u64(at, r->ids[i % recent_ring(r)]);
    return at;
}

static uint64_t hash_recorded(const struct ed_recent *r, uint64_t page)
{
    return page * RECENT_PAGE < r->recorded ? r->hash[page % r->pages] : 0;
}

void ed_recent_renew(eddy_clusterer *cl, uint64_t page)
{
    struct ed_recent *r = &cl->recent;
    if (page >= r->oldest && hash_recorded(r, page))
        r->renew[page % r->pages] = 1;
}

/* Pages that have not changed, and are asked for. */
static int pages_renew(const struct ed_recent *r, struct ed_recorder *rec,
                       const struct ed_recent_plan *plan)
{
    uint64_t end = r->recorded < r->next ? plan->from : page_end(r);
    for (uint64_t page = plan->oldest; page < end; page++) {
        if (!r->renew[page % r->pages])
            continue;
        ed_out at = ed_recorder_reserve(rec, RECENT_PAGE * 8);
        if (!at || !ed_recorder_add(rec, ed_record_key(ED_RECENT, page), page_put(r, at, page),
                                    hash_recorded(r, page)))
            return 0;
    }
    return 1;
}

int ed_recent_record(const eddy_clusterer *cl, struct ed_recorder *rec, uint64_t *things,
                     struct ed_recent_plan *plan)
{
    const struct ed_recent *r = &cl->recent;
    plan->oldest = page_first(cl);
    plan->from =
        r->recorded / RECENT_PAGE > plan->oldest ? r->recorded / RECENT_PAGE : plan->oldest;
    for (uint64_t page = r->oldest; page < plan->oldest && hash_recorded(r, page); page++) {
        *things -= hash_recorded(r, page);
        if (!ed_recorder_remove(rec, ed_record_key(ED_RECENT, page)))
            return 0;
    }
    if (!pages_renew(r, rec, plan))
        return 0;
    uint64_t end = r->recorded < r->next ? page_end(r) : plan->from;
    if (end <= plan->from)
        return 1;
    plan->hash = ed_arena_alloc(rec->arena, (size_t)(end - plan->from) * sizeof *plan->hash);
    for (uint64_t page = plan->from; page < end; page++) {
        uint64_t key = ed_record_key(ED_RECENT, page);
        ed_out at = plan->hash ? ed_recorder_reserve(rec, RECENT_PAGE * 8) : NULL;
        if (!at)
            return 0;
        ed_out to = page_put(r, at, page);
        uint64_t hash = ed_record_hash(key, at, (size_t)(to - at));
        *things += hash - hash_recorded(r, page);
        plan->hash[plan->n++] = hash;
        if (!ed_recorder_add(rec, key, to, hash))
            return 0;
    }
    return 1;
}

void ed_recent_recorded(eddy_clusterer *cl, const struct ed_recent_plan *plan)
{
    struct ed_recent *r = &cl->recent;
    for (size_t i = 0; i < plan->n; i++)
        r->hash[(plan->from + i) % r->pages] = plan->hash[i];
    if (r->pages)
        memset(r->renew, 0, r->pages);
    r->oldest = plan->oldest;
    r->recorded = r->next;
}

uint64_t ed_recent_hash(const eddy_clusterer *cl)
{
    unsigned char page[RECENT_PAGE * 8];
    uint64_t sum = 0;
    for (uint64_t i = page_first(cl); i < page_end(&cl->recent); i++) {
        ed_out end = page_put(&cl->recent, page, i);
        sum += ed_record_hash(ed_record_key(ED_RECENT, i), page, (size_t)(end - page));
    }
    return sum;
}

/* ---- loading ---- */

static eddy_status page_get(struct ed_recent *r, const struct ed_load *load, uint64_t page,
                            uint64_t last, eddy_error *err)
{
    uint64_t key = ed_record_key(ED_RECENT, page);
    const uint64_t *kept = ed_table_find(&load->recent, key);
    const struct ed_load_value *v = kept ? (struct ed_load_value *)(uintptr_t)*kept : NULL;
    if (!v || !v->n || v->n % 8 || v->n > RECENT_PAGE * 8 ||
        (page < last && v->n < RECENT_PAGE * 8))
        return eddy_fail(err, EDDY_FORMAT, "state: recent %llu is %s", (unsigned long long)page,
                         v ? "not what it should be" : "missing");
    struct ed_unpack u = ed_unpack_of((eddy_str){v->at, v->n});
    uint64_t at = page * RECENT_PAGE;
    for (; u.at < u.end; at++)
        r->ids[at % recent_ring(r)] = ed_unpack_u64(&u);
    r->hash[page % r->pages] = ed_record_hash(key, v->at, v->n);
    r->next = at;
    return EDDY_OK;
}

/* The table holds what is in our window, which need not be the one that it was written with. */
static int places_fill(struct ed_recent *r, uint32_t window)
{
    uint64_t first = r->next > window ? r->next - window : 0;
    for (uint64_t i = r->oldest * RECENT_PAGE; i < r->next; i++) {
        uint64_t same = r->ids[i % recent_ring(r)];
        uint64_t *value = same && i >= first ? ed_table_put(&r->place, same, i) : NULL;
        if (value)
            *value = i;
        else if (same && i >= first)
            return 0;
    }
    return 1;
}

eddy_status ed_recent_loaded(eddy_clusterer *cl, uint64_t *things, eddy_error *err)
{
    struct ed_recent *r = &cl->recent;
    const struct ed_table *t = &cl->load->recent;
    uint64_t number = (UINT64_C(1) << ED_NUMBER_BITS) - 1;
    uint64_t low = number;
    uint64_t high = 0;
    for (size_t i = 0; i < t->room; i++) {
        uint64_t page = t->keys[i] & number;
        low = t->keys[i] && page < low ? page : low;
        high = t->keys[i] && page > high ? page : high;
    }
    if (!t->n)
        return EDDY_OK;
    if (high - low != t->n - 1 || high > number / RECENT_PAGE)
        return eddy_fail(err, EDDY_FORMAT, "state: of recent %llu to %llu there are %zu",
                         (unsigned long long)low, (unsigned long long)high, t->n);
    if (!recent_room(r, cl->o.duplicates_window, t->n))
        return eddy_fail_nomem(err, "state: recent", t->n * RECENT_PAGE * 8);
    eddy_status st = EDDY_OK;
    for (uint64_t page = low; page <= high && st == EDDY_OK; page++) {
        st = page_get(r, cl->load, page, high, err);
        *things += r->hash[page % r->pages];
    }
    r->oldest = low;
    r->recorded = r->next;
    if (st == EDDY_OK && !places_fill(r, cl->o.duplicates_window))
        return eddy_fail_nomem(err, "state: recent", t->n * RECENT_PAGE * 16);
    return st;
}
