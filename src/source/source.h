/* source: Kafka and files in, raw messages with their positions out.
 *
 * A source serves a fixed number of readers, each owned by one thread. What a reader gets is
 * borrowed until its next read. A reader that has nowhere to put messages says so (pause) and
 * goes on reading: a Kafka consumer that stops polling is thrown out of its group. */
#ifndef ED_SOURCE_SOURCE_H
#define ED_SOURCE_SOURCE_H

#include "base/message.h"

#include <stdatomic.h>

struct ed_source;

/* How far a source is; for progress bars. Unknown totals are 0. */
struct ed_progress {
    uint64_t bytes, bytes_total;
    uint64_t messages;
};

/* ---- the readers' side ---- */

size_t ed_source_readers(const struct ed_source *source);

/* Read up to max messages into ret; wait at most wait_ms for the first.
 *
 *   ret, n_ret  (*n_ret) messages; 0 when none came in time
 *   end         set to 1 when this reader will never have more
 *
 * EDDY_IO           a file cannot be read; the text names it and the place
 * EDDY_UNAVAILABLE  the broker is gone for good (fatal errors only; others are retried inside)
 * EDDY_STOPPED      ed_source_stop was called
 * One thread a reader. */
eddy_status ed_source_read(struct ed_source *source, size_t reader, int wait_ms, eddy_raw *ret,
                           size_t max, size_t *n_ret, int *end, eddy_error *err);

/* Stop (1) or restart (0) the flow to this reader. Messages already on their way may still come.
 * Call from the reader's thread. */
void ed_source_pause(struct ed_source *source, size_t reader, int paused);

/* ---- anybody's side; any thread ---- */

/* The answers to everything below these offsets are delivered: commit them. */
eddy_status ed_source_done(struct ed_source *source, const struct ed_offset *offsets, size_t n,
                           eddy_error *err);
void ed_source_progress(struct ed_source *source, struct ed_progress *ret);
/* Make all reads return EDDY_STOPPED within wait_ms. Async-signal-safe. */
void ed_source_stop(struct ed_source *source);
/* Only when no reader is inside. Commits what was stored, leaves the group. */
void ed_source_free(struct ed_source *source);

/* ---- kinds ---- */

/* Files read one after the other by one reader, a message a line ("-": standard input; ".gz" is
 * not read). A line longer than document_max + 1 is cut there (the parser then rejects it as
 * oversize); the rest of it is skipped. Empty lines are passed over but counted in the offset.
 * EDDY_IO  a file cannot be opened; the text names it. */
eddy_status ed_source_files_open(const char *const *paths, size_t n, size_t document_max,
                                 struct ed_source **ret, eddy_error *err);

struct ed_source_kafka {
    const char *const *topics;
    size_t n_topics;
    size_t readers;             /* threads; at least 1 */
    const char *group;          /* consumer group */
    const char *const *options; /* (2 n_options) librdkafka names and values; owned keys refused */
    size_t n_options;
    int from_beginning; /* where a group without an offset starts; else at the end */
    int exit_at_end;    /* every partition that has been read to its end at start ends it */
};

/* One consumer; its partitions' queues are dealt to the readers. Offsets are committed only by
 * ed_source_done.
 * EDDY_CONFIG       librdkafka refused an option; its own words are passed on
 * EDDY_UNAVAILABLE  no broker answered within 10 s, or a topic does not exist (it is named) */
eddy_status ed_source_kafka_open(const struct ed_source_kafka *options, struct ed_source **ret,
                                 eddy_error *err);

#endif
