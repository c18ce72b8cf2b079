/* source: Kafka and files in, raw messages with their positions out.
 *
 * A source serves a fixed number of readers, each owned by one thread. What a reader gets is
 * borrowed until its next read. A reader that has nowhere to put messages says so (pause) and
 * goes on reading, so that it hears of the end and of a stop. */
#ifndef ED_SOURCE_SOURCE_H
#define ED_SOURCE_SOURCE_H

#include "base/message.h"

struct ed_source;

/* How far a source is; for progress bars. Unknown totals are 0. */
struct ed_progress {
    uint64_t bytes, bytes_total; /* of values; files: of the files */
    uint64_t messages;
    uint64_t behind;    /* Kafka: messages known to wait at the broker, owned partitions only */
    int behind_unknown; /* 1: the broker has not told yet of all of them */
};

/* ---- the readers' side ---- */

size_t ed_source_readers(const struct ed_source *source);

/* Read up to max messages into ret; wait at most wait_ms for the first.
 *
 *   ret, n_ret  (*n_ret) messages; 0 when none came in time
 *   end         set to 1, with no message, when this reader will never have more
 *
 * EDDY_IO           a file cannot be read; the text names it and the place
 * EDDY_UNAVAILABLE  the broker is gone for good (fatal errors only; others are retried inside)
 * EDDY_NOMEM        no memory; what was taken from the broker is delivered again after a restart
 * EDDY_STOPPED      ed_source_stop was called
 * One thread a reader. */
eddy_status ed_source_read(struct ed_source *source, size_t reader, int wait_ms, eddy_raw *ret,
                           size_t max, size_t *n_ret, int *end, eddy_error *err);

/* Stop (1) or restart (0) the flow to this reader: reads of a paused reader wait and give nothing.
 * Call from the reader's thread. */
void ed_source_pause(struct ed_source *source, size_t reader, int paused);

/* ---- anybody's side; any thread ---- */

/* The answers to everything below these offsets are delivered: commit them, soon. Offsets of a
 * partition that has meanwhile gone to another member of the group are passed over. */
eddy_status ed_source_done(struct ed_source *source, const struct ed_offset *offsets, size_t n,
                           eddy_error *err);
void ed_source_progress(struct ed_source *source, struct ed_progress *ret);
/* Make all reads return EDDY_STOPPED within wait_ms. Async-signal-safe. */
void ed_source_stop(struct ed_source *source);
/* Only when no reader is inside. Commits what is done, leaves the group. Bounded in time: a broker
 * that does not answer costs less than 20 s. NULL is fine. */
void ed_source_free(struct ed_source *source);

/* ---- kinds ---- */

/* Files read one after the other by one reader, a message a line ("-": standard input, whose topic
 * is "stdin"). Lines end in LF or CRLF; the last one needs no end. A line longer than document_max
 * is cut to document_max + 1 bytes (the parser then rejects it as oversize) and the rest of it
 * skipped. Lines without any but blanks are passed over but counted in the offset. A UTF-8 byte
 * order mark at the start of a file is passed over.
 *
 * EDDY_IO  a file cannot be opened, is a directory, or is compressed (gzip, zstd, xz, bzip2); the
 *          text names it. Of standard input and FIFOs the first read tells */
eddy_status ed_source_files_open(const char *const *paths, size_t n, size_t document_max,
                                 struct ed_source **ret, eddy_error *err);
/* Look at the first bytes of the first file, without taking them and before any read: at most max
 * (below 256 kB), at least the first line that is not blank where that is shorter. Waits for them.
 *
 *   ret, n_ret  (*n_ret) copied; 0 when the file is empty
 *
 * EDDY_IO, EDDY_NOMEM, EDDY_STOPPED  as a read */
eddy_status ed_source_files_peek(struct ed_source *source, char *ret, size_t max, size_t *n_ret,
                                 eddy_error *err);

struct ed_source_kafka {
    const char *const *topics; /* names; copied */
    size_t n_topics;
    size_t readers;             /* threads; at least 1 */
    const char *group;          /* consumer group */
    const char *const *options; /* (2 n_options) librdkafka names and values; owned keys refused */
    size_t n_options;
    int insecure;       /* 1: options may switch the checks of certificates off */
    int from_beginning; /* where a group without an offset starts; else at the end */
    int exit_at_end;    /* a partition ends where it ended when we started */
    int alone;          /* 1: every partition is ours at once, without waiting for other members of
                           the group: there must be none; the group only keeps the offsets */
};

/* One consumer; its partitions are dealt to the readers, so that the order inside a partition
 * holds. Offsets are committed only after ed_source_done.
 *
 * EDDY_CONFIG       librdkafka refused an option (its own words), or the option is not to be set
 * EDDY_UNAVAILABLE  no broker answered within 10 s, or a topic does not exist (it is named) */
eddy_status ed_source_kafka_open(const struct ed_source_kafka *options, struct ed_source **ret,
                                 eddy_error *err);

/* Can the brokers be reached with these options, and are the topics there? Waits at most 10 s;
 * joins no group, creates no topic. Statuses as above. */
eddy_status ed_kafka_probe(const char *const *options, size_t n_options, int insecure,
                           const char *const *topics, size_t n_topics, eddy_error *err);

/* Does librdkafka know these options, and do their values suit it? Reaches out to nothing.
 *
 *   options  (2 n_options) names and values, of either side
 *
 * EDDY_CONFIG  it refused one (its own words) */
eddy_status ed_kafka_names_check(const char *const *options, size_t n_options, eddy_error *err);

#endif
