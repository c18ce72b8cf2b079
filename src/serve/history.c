/* History: what happened to events, out of the board's changes: from a number on, or to one event
 * and to those that went into it. */
#include "serve/page.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/order.h"

#include <string.h>

#define LINEAGE_IDS 256

/* Ids whose story belongs to that of one event. */
struct family {
    uint64_t ids[LINEAGE_IDS];
    size_t n;
};

static int is_in(const struct family *f, uint64_t id)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->ids[i] == id)
            return 1;
    return 0;
}

static void join(struct family *f, uint64_t id)
{
    if (id && f->n < LINEAGE_IDS && !is_in(f, id))
        f->ids[f->n++] = id;
}

/* Backwards in time: what merged into one of them, or gave one of them away in a split, has a story
 * before that which belongs to it. */
static int concerns(struct family *f, const struct ed_told_change *c)
{
    int is_merge = c->kind.n == 6 && !memcmp(c->kind.at, "merged", 6);
    int is_split = c->kind.n == 5 && !memcmp(c->kind.at, "split", 5);
    if (!is_in(f, c->event) && !is_in(f, c->other))
        return 0;
    if (is_merge && is_in(f, c->other))
        join(f, c->event);
    if (is_split && is_in(f, c->event))
        join(f, c->other);
    return 1;
}

static void put_changes(struct ed_bytes *b, const struct ed_told_change *const *list, size_t n)
{
    ed_json_key(b, "changes");
    ed_json_open(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            ed_bytes_add(b, ",", 1);
        ed_bytes_add(b, list[i]->json.at, list[i]->json.n);
    }
    ed_json_close(b, ']');
}

static void changes_back(const struct ed_told_change **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ed_change_back(list[i]);
    ed_free(list);
}

void ed_route_lineage(struct ed_exchange *x)
{
    struct ed_board *board = x->serve->o.board;
    struct family family = {.ids = {x->id}, .n = 1};
    uint64_t limit = 0, next = ed_board_wait(board, 0, 0);
    if (!ed_exchange_number(x, "limit", 1, ED_LIMIT_MAX, 200, &limit))
        return;
    const struct ed_picture *picture = ed_picture_now(x);
    const struct ed_told_change **list = ed_alloc(limit * sizeof *list);
    size_t from = (size_t)limit; /* filled from the end, the newest last */
    join(&family, x->id);
    for (uint64_t i = next; picture && list && i-- > 1 && from;) {
        const struct ed_told_change *c = ed_board_change(board, i);
        int there = c && c->number == i;
        if (there && concerns(&family, c))
            list[--from] = c;
        else
            ed_change_back(c);
        if (!there)
            break; /* nothing is kept from before */
    }
    if (picture && list) {
        ed_json_open(&x->out, '{');
        ed_put_id(&x->out, "event", family.ids[0]);
        ed_put_id(&x->out, "now", x->id);
        put_changes(&x->out, list + from, (size_t)limit - from);
        ed_json_close(&x->out, '}');
    } else if (!list) {
        ed_exchange_fail(x, 503, "no memory");
    }
    for (size_t i = from; list && i < limit; i++)
        ed_change_back(list[i]);
    ed_free(list);
    ed_picture_back(picture);
}

/* From a number on, the oldest first; `next` is where the following page, or a stream, goes on. */
void ed_route_changes(struct ed_exchange *x)
{
    struct ed_board *board = x->serve->o.board;
    uint64_t limit = 0, after = 0;
    size_t n = 0;
    if (!ed_exchange_number(x, "limit", 1, ED_LIMIT_MAX, 100, &limit) ||
        !ed_exchange_number(x, "after", 0, UINT64_MAX - 1, 0, &after))
        return;
    const struct ed_told_change **list = ed_alloc(limit * sizeof *list);
    if (!list) {
        ed_exchange_fail(x, 503, "no memory");
        return;
    }
    while (n < limit && (list[n] = ed_board_change(board, after + 1)) != NULL)
        after = list[n++]->number;
    ed_json_open(&x->out, '{');
    put_changes(&x->out, list, n);
    ed_json_key(&x->out, "next");
    ed_json_unsigned(&x->out, after);
    ed_json_close(&x->out, '}');
    changes_back(list, n);
}
