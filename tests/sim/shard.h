/* What a shard does with documents: the engine, the messages, the records and the mark of an epoch.
 * The same for a simulated process and for the judge's undisturbed run. */
#ifndef ED_SIM_SHARD_H
#define ED_SIM_SHARD_H

#include "sim.h"

#include "publish/publish.h"

struct sim_shard {
    const eddy_engine_options *options;
    eddy_clusterer
        *clusterer; /* NULL: stateless; a document's message says only where it came from */
    struct ed_publisher publisher;
    uint64_t documents;
    int64_t stream_ms;
    struct ed_tally tally;
};

/* As new; what it held is freed. */
eddy_status sim_shard_reset(struct sim_shard *shard, const struct sim *sim, eddy_error *err);
void sim_shard_clear(struct sim_shard *shard);
/* Go on from a mark; the records are loaded. */
void sim_shard_resume(struct sim_shard *shard, const struct ed_mark *mark);
/* Answer documents in order: messages, offsets, records and mark of an epoch (which is empty). */
eddy_status sim_shard_epoch(struct sim_shard *shard, struct sim_doc *const *docs, size_t n,
                            struct ed_epoch *epoch, eddy_error *err);

#endif
