/* ask: an operation is sent to a running pipeline, and what became of it is waited for. */
#ifndef ED_CLI_ASK_H
#define ED_CLI_ASK_H

#include "base/order.h"
#include "cli/config.h"

/* What the log says of it; texts in the arena that ed_order_ask was given. */
struct ed_heard {
    int applied;
    eddy_str refused, detail; /* when it was not */
    uint64_t number;          /* of the operation; 0: none */
    eddy_str result;          /* the event that is new or lives on; n 0: none */
};

/* Send an order to the pipeline's control topic, to the partition of its shard, and wait for its
 * line in the operations' topic. A pass goes to all partitions, and no line tells of it. order->id
 * is made here. stopped (may be NULL) is asked while it waits: 1: as if wait_ms were over.
 *
 * EDDY_UNAVAILABLE  no broker, no such pipeline, or (retriable) nobody answered within wait_ms: the
 *                   order stays where it is, and is done when the pipeline runs
 * EDDY_CONFIG       no broker is named, or a topic is not kept; EDDY_NOMEM */
eddy_status ed_order_ask(struct ed_config *config, struct ed_order *order, int wait_ms,
                         int (*stopped)(void), eddy_arena *arena, struct ed_heard *ret,
                         eddy_error *err);
/* Why it was refused, in plain words. */
const char *ed_heard_words(const struct ed_heard *answer);

#endif
