/* meters: what a pipeline measures of itself while it runs, and how its engine stands. */
#ifndef ED_PIPELINE_METERS_H
#define ED_PIPELINE_METERS_H

#include "base/histogram.h"

#include <eddy/engine.h>
#include <eddy/score.h>
#include <eddy/templates.h>

/* As at a moment; without an engine, engine is zeros. */
struct ed_meters {
    struct ed_distribution read, embed, assign, commit; /* seconds: an epoch at both ends, what
                                                           went as one between them */
    struct ed_distribution documents;                   /* messages in an epoch */
    struct ed_distribution inside; /* seconds of a document, from being read until its answer was
                                      visible */
    struct ed_distribution delay;  /* the same, from its time at the broker */
    size_t waiting_embed, waiting_assign, waiting_commit; /* batches in the rings */
    eddy_engine_stats engine;                             /* after its last call */
    eddy_miner_stats miner;                               /* of logs; else zeros */
    uint64_t alerts_refused;                              /* that did not begin: ED_ALERTS_MAX */
    eddy_stability stability;                             /* see stability.h; NaN: not known */
    int64_t turned_ms; /* ed_monotonic_ms of the last turn of the thread whose loop has not turned
                          for longest, of those that documents pass; 0: none runs */
};

struct ed_pipeline;

/* Any thread, any time. */
void ed_pipeline_meters(struct ed_pipeline *pl, struct ed_meters *ret);

#endif
