/* source: Kafka and files in, raw bytes with their positions out.
 *
 * A source has one reader, owned by one thread: with several partitions it merges them by time, so
 * that there is one order of all messages. What a read gives is borrowed until the next one. A
 * reader that has nowhere to put messages simply does not read: fetching stops when queues are
 * full.
 *
 * A source remembers nothing: where it starts is told by whoever keeps the journal. */
#ifndef ED_SOURCE_SOURCE_H
#define ED_SOURCE_SOURCE_H

#include "base/message.h"

struct ed_source;

/* How far a source is; for progress bars. Unknown totals are 0. */
struct ed_progress {
    uint64_t bytes, bytes_total;       /* of values; files: of the files */
    uint64_t messages, messages_total; /* Kafka with an end: offsets from start to end */
    uint64_t behind;                   /* Kafka: messages known to wait at the broker */
    int behind_unknown;                /* 1: the broker has not told yet of all of them */
    uint64_t missing; /* messages that the broker had deleted before they were read */
    uint64_t late;    /* messages merged out of order since a partition kept us waiting */
};

/* ---- the reader's side ---- */

/* Read up to max messages into ret; wait at most wait_ms for the first.
 *
 *   ret, n_ret  (*n_ret) messages; 0 when none came in time
 *   end         set to 1, with no message, when there will never be more
 *
 * EDDY_IO           a file cannot be read; the text names it and the place
 * EDDY_UNAVAILABLE  the broker is gone for good (fatal errors only; others are retried inside)
 * EDDY_NOMEM        no memory
 * EDDY_STOPPED      ed_source_stop was called */
eddy_status ed_source_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                           size_t *n_ret, int *end, eddy_error *err);

/* ---- anybody's side; any thread ---- */

/* Where each partition starts, as it was resolved at open (also of those that start at the end, or
 * at a time): to be committed with the first epoch. (*n_ret), owned by the source. */
void ed_source_starts(const struct ed_source *source, const struct ed_offset **ret, size_t *n_ret);
void ed_source_progress(struct ed_source *source, struct ed_progress *ret);
/* Tell of each partition that is read now, and whose end the broker has told, how many messages are
 * known to wait there. topic is valid for the call. Files tell nothing. */
void ed_source_lags(struct ed_source *source,
                    void (*tell)(void *user, const char *topic, int32_t partition, uint64_t behind),
                    void *user);
/* Make all reads return EDDY_STOPPED within wait_ms. Async-signal-safe. */
void ed_source_stop(struct ed_source *source);
/* Only when no reader is inside. Bounded in time. NULL is fine. */
void ed_source_free(struct ed_source *source);

/* ---- kinds ---- */

/* Files read one after the other, a message a line ("-": standard input, whose topic is "stdin").
 * Lines end in LF or CRLF; the last one needs no end. A line longer than document_max is cut to
 * document_max + 1 bytes (the parser then rejects it as oversize) and the rest of it skipped. Lines
 * without any but blanks are passed over but counted in the offset. A UTF-8 byte order mark at the
 * start of a file is passed over.
 *
 *   starts  (n_starts) lines below next are passed over; topic is the path, partition its place
 *
 * EDDY_IO  a file cannot be opened, is a directory, or is compressed (gzip, zstd, xz, bzip2); the
 *          text names it. Of standard input and FIFOs the first read tells */
eddy_status ed_source_files_open(const char *const *paths, size_t n, size_t document_max,
                                 const struct ed_offset *starts, size_t n_starts,
                                 struct ed_source **ret, eddy_error *err);
/* Look at the first bytes of the first file, without taking them and before any read: at most max
 * (below 256 kB), at least the first line that is not blank where that is shorter. Waits for them.
 *
 *   ret, n_ret  (*n_ret) copied; 0 when the file is empty
 *
 * EDDY_IO, EDDY_NOMEM, EDDY_STOPPED  as a read */
eddy_status ed_source_files_peek(struct ed_source *source, char *ret, size_t max, size_t *n_ret,
                                 eddy_error *err);

/* A place in a topic, as people say it. */
struct ed_place_from {
    enum { ED_FROM_BEGINNING, ED_FROM_END, ED_FROM_TIME, ED_FROM_OFFSET } kind;
    int64_t at; /* TIME: Unix ms of the first message that counts; OFFSET */
};

struct ed_source_kafka {
    const char *const *topics; /* names; copied */
    size_t n_topics;
    int32_t shard, n_shards;   /* only partitions p with p % n_shards == shard; 0, 1: all */
    const int32_t *partitions; /* (n_partitions) only these, of all topics; none: all */
    size_t n_partitions;
    const struct ed_offset *starts; /* (n_starts) these partitions go on here; copied */
    size_t n_starts;
    struct ed_place_from from;  /* the others begin here ... */
    struct ed_place_from until; /* ... and all end before this; END: where they end at open */
    int endless;                /* 1: there is no end; until is not looked at */
    int wait_ms;                /* merge: longest wait for a partition that is known to have more;
                                   below 0: for ever (replay: the order is then the same each time) */
    const char *const *options; /* (2 n_options) librdkafka names and values; owned keys refused */
    size_t n_options;
    int insecure; /* 1: options may switch the checks of certificates off */
};

/* Partitions are assigned, no group is joined and nothing is committed. Messages of all partitions
 * come merged by Kafka's timestamp (equal: by topic as listed, then partition); the order inside a
 * partition always holds. A partition that is read to its present end is not waited for. Partitions
 * that are added to a topic meanwhile are read from their beginning (within a minute; not with an
 * end).
 *
 * A start that the broker has deleted meanwhile is moved to the oldest message there is: `missing`
 * counts, and the log says so with the numbers. A start beyond the end of the partition is refused:
 * the topic was made anew.
 *
 * EDDY_CONFIG       librdkafka refused an option (its own words), or the option is not to be set
 * EDDY_FORMAT       a start lies beyond the end of its partition (named, with both numbers)
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
