/* journal: epochs become visible, in Kafka or in files.
 *
 * commit returns when every message of the epoch is where it should be (acknowledged by the broker,
 * or written), so that the caller may then tell the source that its offsets are done: at least
 * once. One owner thread. */
#ifndef ED_JOURNAL_JOURNAL_H
#define ED_JOURNAL_JOURNAL_H

#include "base/message.h"

struct ed_journal;

/* EDDY_IO, EDDY_UNAVAILABLE  not all of it is written; the same epoch may be committed again. */
eddy_status ed_journal_commit(struct ed_journal *journal, const struct ed_epoch *epoch,
                              eddy_error *err);
/* Flush and close; reports what could not be flushed. Frees the journal in any case. */
eddy_status ed_journal_close(struct ed_journal *journal, eddy_error *err);

/* JSON Lines files, one for each topic: paths[topic], NULL: this topic is not kept, "-": standard
 * output. A line is the value; a dead letter's line is {"headers": ..., "key": ..., "value_base64"}.
 * Files are written as NAME.part and renamed on close. */
eddy_status ed_journal_files_open(const char *const paths[ED_TOPICS], struct ed_journal **ret,
                                  eddy_error *err);

struct ed_journal_kafka {
    const char *topics[ED_TOPICS]; /* NULL: this topic is not kept */
    const char *const *options;    /* (2 n_options) librdkafka names and values */
    size_t n_options;
    int create;          /* create missing topics */
    int partitions;      /* of topics that are created */
    int replication;     /* likewise; -1: the broker's default */
    int deliver_ms;      /* give up an epoch after this time, retriable */
};

/* An idempotent producer. Topics that are missing are created with DESIGN section 5's cleanup
 * policy, or refused by name.
 * EDDY_CONFIG, EDDY_UNAVAILABLE */
eddy_status ed_journal_kafka_open(const struct ed_journal_kafka *options, struct ed_journal **ret,
                                  eddy_error *err);

#endif
