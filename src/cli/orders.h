/* orders: operations with their places in a stream, out of a file or the log of a pipeline. */
#ifndef ED_CLI_ORDERS_H
#define ED_CLI_ORDERS_H

#include "base/order.h"
#include "source/source.h"

struct ed_orders {
    eddy_arena *arena;
    struct ed_order *at; /* (n) ascending positions; those without one are behind all others */
    size_t n, room;
    uint64_t refused; /* lines of a log of what was refused then: passed over */
};

/* Read the source to its end: control messages or lines of the log (parse/control.h).
 *
 * EDDY_FORMAT  one is no operation; the text names it and its place
 * EDDY_NOMEM, and as ed_source_read; in any case ed_orders_clear frees what is there */
eddy_status ed_orders_read(struct ed_orders *orders, struct ed_source *source, eddy_error *err);
/* The same of a file. EDDY_IO: it cannot be read. */
eddy_status ed_orders_read_file(struct ed_orders *orders, const char *path, eddy_error *err);
void ed_orders_clear(struct ed_orders *orders);

#endif
