/* journal: epochs become visible, in Kafka or in files.
 *
 * commit returns when every message of the epoch is where it should be (acknowledged by the broker,
 * or written), so that the caller may then tell the source that its offsets are done: at least
 * once. One owner thread. */
#ifndef ED_JOURNAL_JOURNAL_H
#define ED_JOURNAL_JOURNAL_H

#include "base/message.h"

struct ed_journal;

/* Make an epoch visible.
 *
 * EDDY_IO           files: not written (the text names the file); regular files are as before
 * EDDY_UNAVAILABLE  Kafka: not all of it was acknowledged within deliver_ms; some of it may be
 *                   there, so that committing it again may double messages (same ce_id)
 * EDDY_STOPPED      the reader of standard output has gone
 * The same epoch may be committed again when err->retriable is set. Kafka: a dead letter that the
 * broker refuses by its size is no failure: it is cut to its error headers, or left out if even
 * they are refused, and the log says so. */
eddy_status ed_journal_commit(struct ed_journal *journal, const struct ed_epoch *epoch,
                              eddy_error *err);
/* Flush and close; reports what could not be flushed. Frees the journal in any case; NULL is
 * fine. */
eddy_status ed_journal_close(struct ed_journal *journal, eddy_error *err);

/* JSON Lines files, one for each topic.
 *
 *   paths  (ED_TOPICS) NULL: this topic is not kept; "-": standard output. Topics with the same
 *          path share it
 *
 * A line is the value of a message. A dead letter's line is
 *   {"reason": "bad_json", "detail": "...", "topic": "news", "partition": 0, "offset": 17,
 *    "key": "...", "value": "..."}
 * with key_base64 or value_base64 in place of what is not UTF-8, and null for a tombstone.
 *
 * A file is written as NAME.part, readable after each commit (tail -f), and renamed to NAME by a
 * close that follows a good commit; until then an older NAME stays as it is. A NAME.part that a
 * killed run left is kept as NAME.part.1, .2 ...: its answers may be told to the source as done.
 * What is not a regular file (/dev/null, a FIFO) is written as it is. The caller ignores SIGPIPE.
 *
 * EDDY_IO  a file cannot be opened, or another run is writing it; the text names it */
eddy_status ed_journal_files_open(const char *const paths[ED_TOPICS], struct ed_journal **ret,
                                  eddy_error *err);

struct ed_journal_kafka {
    const char *topics[ED_TOPICS]; /* NULL: this topic is not kept */
    const char *const *options;    /* (2 n_options) librdkafka names and values */
    size_t n_options;
    int insecure;    /* 1: options may switch the checks of certificates off */
    int create;      /* create missing topics */
    int partitions;  /* of topics that are created */
    int replication; /* likewise; -1: the broker's default */
    int deliver_ms;  /* give up an epoch after this time, retriable */
    int unchecked;   /* 1: nobody asks how long topics that are there keep their messages */
};

/* An idempotent producer (acks=all). Topics that are missing are created with DESIGN section 5's
 * cleanup policy, or refused by name; one with another policy is only warned of.
 *
 * Messages carry the moment of sending as their timestamp, not the time they speak of (that is in
 * ce_time): brokers delete by timestamps, and refuse those that lie ahead, so that a replay of an
 * old year would be gone as soon as it is written.
 *
 * EDDY_CONFIG       librdkafka refused an option (its own words), or the option is not to be set
 * EDDY_UNAVAILABLE  no broker within 10 s, or a topic is missing or cannot be created */
eddy_status ed_journal_kafka_open(const struct ed_journal_kafka *options, struct ed_journal **ret,
                                  eddy_error *err);

#endif
