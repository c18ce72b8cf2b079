/* Orders: read, and put in the order of their positions; of one position as they came. */
#include "cli/orders.h"

#include "base/error.h"
#include "base/memory.h"
#include "parse/control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)1 << 30)
#define READ_MAX  64

static eddy_status order_add(struct ed_orders *orders, const struct ed_order *order,
                             eddy_error *err)
{
    if (order->refused) {
        orders->refused++;
        return EDDY_OK;
    }
    struct ed_order *list = ed_list_room(orders->at, orders->n, &orders->room, sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "operations", orders->n * sizeof *list);
    orders->at = list;
    struct ed_order *last = &orders->at[orders->n++];
    *last = *order;
    if (!last->timed)
        last->position = UINT64_MAX;
    return EDDY_OK;
}

static eddy_status line_take(struct ed_orders *orders, const eddy_raw *raw, eddy_error *err)
{
    struct ed_order order;
    eddy_reject reject;
    char detail[256];
    eddy_status st = ed_control_parse(raw->bytes, raw->n, orders->arena, &order, &reject, detail,
                                      sizeof detail, err);
    if (st != EDDY_OK)
        return st;
    if (!reject && order.pass) {
        reject = EDDY_REJECT_SHAPE;
        memcpy(detail, "pass has no place in a stream", 30);
    }
    return reject ? eddy_fail(err, EDDY_FORMAT, "%s:%" PRId64 ": %s", raw->position.topic,
                              raw->position.offset + 1, detail)
                  : order_add(orders, &order, err);
}

/* By insertion: a log is in order already, and equal positions must stay as they came. */
static void sort(struct ed_orders *orders)
{
    for (size_t i = 1; i < orders->n; i++) {
        struct ed_order order = orders->at[i];
        size_t k = i;
        for (; k && orders->at[k - 1].position > order.position; k--)
            orders->at[k] = orders->at[k - 1];
        orders->at[k] = order;
    }
}

eddy_status ed_orders_read(struct ed_orders *orders, struct ed_source *source, eddy_error *err)
{
    eddy_raw raws[READ_MAX];
    eddy_status st = EDDY_OK;
    if (!orders->arena)
        orders->arena = eddy_arena_new(ARENA_MAX);
    if (!orders->arena)
        return eddy_fail_nomem(err, "operations", 0);
    for (int end = 0; st == EDDY_OK && !end;) {
        size_t n = 0;
        st = ed_source_read(source, 1000, raws, READ_MAX, &n, &end, err);
        for (size_t i = 0; i < n && st == EDDY_OK; i++)
            st = line_take(orders, &raws[i], err);
    }
    sort(orders);
    return st;
}

eddy_status ed_orders_read_file(struct ed_orders *orders, const char *path, eddy_error *err)
{
    struct ed_source *source = NULL;
    eddy_status st = ed_source_files_open(&path, 1, ED_CONTROL_MAX, NULL, 0, &source, err);
    if (st == EDDY_OK)
        st = ed_orders_read(orders, source, err);
    ed_source_free(source);
    return st;
}

void ed_orders_clear(struct ed_orders *orders)
{
    eddy_arena_free(orders->arena);
    ed_free(orders->at);
    memset(orders, 0, sizeof *orders);
}
