/* shards: the shards that this process owns, as its consumer group deals them, each in a thread of
 * its own; and those of others, followed as a standby, so that taking one over takes no time. */
#ifndef ED_PIPELINE_SHARDS_H
#define ED_PIPELINE_SHARDS_H

#include "journal/group.h"
#include "pipeline/shard.h"

struct ed_shards_options {
    struct ed_group_options
        group; /* user and callbacks are filled in here; one topic, the state's */
    struct ed_shard_options shard; /* likewise shard and the group's handle (see user) */
    int32_t n_shards;
    int standby; /* 1: follow the shards that others own */
    int ends; /* 1: a shard whose source has ended is done; when all that are ours are, so are we */
    /* Called once, before any shard opens: the journal is to tell this group its offsets. */
    void (*joined)(void *user, struct ed_group *group);
};

struct ed_shards;

eddy_status ed_shards_new(const struct ed_shards_options *options, struct ed_shards **ret,
                          eddy_error *err);
/* Serve the group until ed_shards_stop, an end, or a failure of any shard. Then every shard has let
 * go in order and the group is left.
 *
 * EDDY_FENCED  another process runs with our source.instance; else as ed_shard_run */
eddy_status ed_shards_run(struct ed_shards *shards, eddy_error *err);
/* Async-signal-safe. */
void ed_shards_stop(struct ed_shards *shards);
void ed_shards_free(struct ed_shards *shards);

/* Sums over the shards that are ours; any thread. n_owned may be NULL. */
void ed_shards_counts(struct ed_shards *shards, struct ed_counts *counts,
                      struct ed_progress *progress, struct ed_journal_stats *stats,
                      size_t *n_owned);

/* Call look for each shard that is ours or followed, one after the other, on this thread. shard
 * stays what it is until look returns, which must be soon; NULL: it is ours, and not opened yet. */
void ed_shards_each(struct ed_shards *shards,
                    void (*look)(void *user, struct ed_shard *shard,
                                 const struct ed_shard_look *at),
                    void *user);

#endif
