/* head: what stands in the journal beside the records: the mark of the last epoch and where each
 * input partition goes on. It has the key 0 in the state topic, and opens each frame of a store. */
#ifndef ED_JOURNAL_HEAD_H
#define ED_JOURNAL_HEAD_H

#include "base/bytes.h"
#include "base/message.h"

#define ED_HEAD_VERSION 1

struct ed_head {
    struct ed_mark mark;
    uint64_t owner; /* a number that each taking over draws; 0: none */
    int32_t shard, n_shards;
    int64_t state_next; /* store of a Kafka journal: the state partition goes on here; else -1 */
    eddy_str pipeline;
    struct ed_offset *offsets; /* (n_offsets) where each partition goes on; each topic is owned */
    size_t n_offsets, room_offsets;
    uint64_t written[ED_TOPICS]; /* files: bytes of each output that count */
};

void ed_head_clear(struct ed_head *head);
/* Where a partition goes on; NULL: nothing is known of it. */
const struct ed_offset *ed_head_find(const struct ed_head *head, const char *topic,
                                     int32_t partition);
/* Raise next offsets (a name is copied when it is new). EDDY_NOMEM. */
eddy_status ed_head_advance(struct ed_head *head, const struct ed_offset *offsets, size_t n,
                            eddy_error *err);
/* The head as it is once an epoch has counted: the mark and the offsets are the epoch's, all else
 * is head's, and so are the names (borrowed). It is for a commit that may fail: then either accept
 * puts it in the place of head, or drop forgets it; head stays alive and unchanged until then.
 * Neither needs memory. EDDY_NOMEM. */
eddy_status ed_head_after(const struct ed_head *head, const struct ed_epoch *epoch,
                          struct ed_head *ret, eddy_error *err);
void ed_head_accept(struct ed_head *head, struct ed_head *after);
void ed_head_drop(const struct ed_head *head, struct ed_head *after);
/* Into bytes (added); and back, into a cleared head, whose strings are copies.
 *
 * EDDY_FORMAT  not a head, or of a newer version (the text says so); head is cleared */
void ed_head_write(const struct ed_head *head, struct ed_bytes *out);
eddy_status ed_head_read(eddy_str bytes, struct ed_head *ret, eddy_error *err);

#endif
