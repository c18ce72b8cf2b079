/* control: what people and programs ask for, read by a thread of its own and opened by the engine's
 * between two batches. A control topic is one more input of its shard, but documents neither wait
 * for it nor are ordered with it. */
#ifndef ED_PIPELINE_CONTROL_H
#define ED_PIPELINE_CONTROL_H

#include "base/order.h"
#include "source/source.h"

struct ed_control;

/* A control message, read. */
struct ed_letter {
    eddy_arena *arena;
    eddy_raw raw;
    struct ed_order order; /* when reject is EDDY_ACCEPTED */
    eddy_reject reject;
    const char *detail; /* why not, in the arena */
};

/* source is borrowed. EDDY_NOMEM. */
eddy_status ed_control_new(struct ed_source *source, struct ed_control **ret, eddy_error *err);
/* Read until ed_control_stop, or until the source ends or fails; statuses as ed_source_read. */
eddy_status ed_control_read(struct ed_control *control, eddy_error *err);
/* Async-signal-safe. */
void ed_control_stop(struct ed_control *control);

/* The engine's side. The next letter, or NULL: none is here. It is to be given back. */
struct ed_letter *ed_control_next(struct ed_control *control);
void ed_control_back(struct ed_control *control, struct ed_letter *letter);
/* 1: there is a letter. */
int ed_control_waits(struct ed_control *control);
void ed_control_free(struct ed_control *control);

#endif
