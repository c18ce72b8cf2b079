/* front: the lines of logs on their way into batches: each input's layout is learnt from its first
 * lines, headers are told from messages, and the lines of one record are joined.
 *
 * A line that waits (for the layout, or for what may continue its record) is not answered: a
 * restart reads it again, and passes over those between that were answered. What else a restart
 * must know of an input is in its record of the state: its layout, how well that fits, the time
 * that its lines had last, and which of them wait.
 *
 * The reader's. */
#ifndef ED_PIPELINE_FRONT_H
#define ED_PIPELINE_FRONT_H

#include "pipeline/batch.h"

#include <eddy/layout.h>

/* The kind of its records, beside the engine's. */
#define ED_FRONT_KIND 80

struct ed_front;

/* EDDY_NOMEM */
eddy_status ed_front_new(struct ed_front **ret, eddy_error *err);
void ed_front_free(struct ed_front *front);

/* One record of an earlier run, before anything is read; borrowed for the call.
 * EDDY_FORMAT  it is none. EDDY_NOMEM */
eddy_status ed_front_load(struct ed_front *front, const eddy_record *record, eddy_error *err);

/* Take one message. What that makes ready waits for ed_front_give.
 *
 *   parser    of EDDY_FORMAT_LOGS: what it rejects is no line, and a dead letter of the batch ...
 *   batch     ... which has room for one more
 *   ahead_ms  a line whose time is that far beyond the broker's takes that, and is counted as
 *             unreadable; 0: any is taken
 *
 * EDDY_NOMEM */
eddy_status ed_front_take(struct ed_front *front, const eddy_parser *parser, const eddy_raw *raw,
                          int64_t ahead_ms, struct ed_batch *batch, eddy_error *err);
/* Nobody waits any longer for what may follow: what was taken is ready, but no more of it than can
 * be at once: *ret 1: call again, when that has been given. EDDY_NOMEM. */
eddy_status ed_front_flush(struct ed_front *front, int64_t ahead_ms, int *ret, eddy_error *err);
/* 1: something was taken that is not ready. */
int ed_front_waits(const struct ed_front *front);

/* Put what is ready into the batch, as long as that has room for it and fewer than max_bytes; *ret
 * 1: there is more. EDDY_NOMEM. */
eddy_status ed_front_give(struct ed_front *front, struct ed_batch *batch, size_t max_bytes,
                          int *ret, eddy_error *err);
/* The batch goes on: what it answers of each input, and the records that changed. EDDY_NOMEM. */
eddy_status ed_front_close(struct ed_front *front, struct ed_batch *batch, eddy_error *err);

#endif
