/* journal: epochs become visible, all of each or nothing: its messages, the records of what it
 * changed and the input positions that it answers. What is there is taken up again by the next
 * start.
 *
 *   open  ->  [follow ...]  ->  restore (once)  ->  commit, commit, ...  ->  close
 *
 * In Kafka an epoch is one transaction (RELIABILITY 1); between files it is a line in the store
 * beside outputs whose length it tells. One owner thread. */
#ifndef ED_JOURNAL_JOURNAL_H
#define ED_JOURNAL_JOURNAL_H

#include "base/histogram.h"
#include "journal/head.h"

struct ed_journal;

/* Where a journal puts what it finds. */
struct ed_loader {
    void *user;
    eddy_status (*load)(void *user, const eddy_record *record, eddy_error *err);
    /* All is loaded: EDDY_FORMAT when it does not give the state that mark tells of. */
    eddy_status (*check)(void *user, const struct ed_mark *mark, eddy_error *err);
    /* Forget all that was loaded: it comes again from elsewhere. */
    eddy_status (*reset)(void *user, eddy_error *err);
};

/* Take over, and bring back what was committed.
 *
 *   loader    may be NULL where there are no records (a stage without an engine)
 *   ret_head  owned by the journal, follows each commit; mark.epoch is 0 where nothing was there
 *
 * EDDY_FORMAT       what is there is damaged, or of a newer eddy, or gone though the pipeline has
 *                   run before; the text says which and the way out
 * EDDY_CONFIG       what is there is of another pipeline, number of shards, or model
 * EDDY_FENCED       another owner took over meanwhile
 * EDDY_UNAVAILABLE, EDDY_IO, EDDY_NOMEM */
eddy_status ed_journal_restore(struct ed_journal *journal, uint64_t fingerprint,
                               const struct ed_loader *loader, const struct ed_head **ret_head,
                               eddy_error *err);

/* As a standby, before restore: load what has been committed so far (by the owner), and keep it in
 * the local store. Call it again and again; restore then goes on where it left off. Waits a second
 * at most. Statuses as restore. */
eddy_status ed_journal_follow(struct ed_journal *journal, const struct ed_loader *loader,
                              eddy_error *err);

/* Make an epoch visible; its mark gets its number here.
 *
 * EDDY_IO           files: not written (the text names the file); outputs are as before
 * EDDY_UNAVAILABLE  Kafka: not committed within deliver_ms
 * EDDY_FENCED       another owner has taken over: nothing of it is visible, nor ever will be; only
 *                   close may follow
 * EDDY_STOPPED      the reader of standard output has gone
 *
 * The same epoch may be committed again when err->retriable is set; it is visible once, however
 * often. Kafka: a dead letter that the broker refuses by its size is no failure: it is cut to its
 * error headers, or left out if even they are refused, and the log says so. */
eddy_status ed_journal_commit(struct ed_journal *journal, struct ed_epoch *epoch, eddy_error *err);

/* Any thread, any time. */
struct ed_journal_stats {
    uint64_t epochs, aborted, fences, doubts; /* doubts: fenced anew because a request may linger */
    uint64_t records, record_bytes;           /* of the state, written */
    uint64_t restored_records;                /* read by restore ... */
    int64_t restore_ms;                       /* ... and how long it took */
    int from_store;                           /* 1: restore began with the local store */
    int warm;                         /* 1: restore went on from what was followed as a standby */
    int64_t open_ms_max, open_ms_sum; /* time that transactions were open ... */
    struct ed_distribution open;      /* ... likewise, in seconds; files have none */
};
void ed_journal_stats(const struct ed_journal *journal, struct ed_journal_stats *ret);

/* Flush and close; reports what could not be flushed. Frees the journal in any case; NULL is
 * fine. */
eddy_status ed_journal_close(struct ed_journal *journal, eddy_error *err);

/* JSON Lines files, one for each topic.
 *
 *   paths  (ED_TOPICS) NULL: this topic is not kept; "-": standard output. Topics with the same
 *          path share it
 *   dir    the store is in this folder (made if missing), and a run that was killed is taken up;
 *          NULL: none, a run begins anew
 *
 * A line is the value of a message. A dead letter's line is
 *   {"reason": "bad_json", "detail": "...", "topic": "news", "partition": 0, "offset": 17,
 *    "key": "...", "value": "..."}
 * with key_base64 or value_base64 in place of what is not UTF-8, and null for a tombstone.
 *
 * A file is written as NAME.part, readable after each commit (tail -f), and renamed to NAME by a
 * close that follows a good commit; until then an older NAME stays as it is. With a store,
 * NAME.part is cut back by restore to what was committed, and goes on; it is renamed when an epoch
 * says that the source has ended. Without one, a NAME.part that a killed run left is kept as
 * NAME.part.1, .2 .... What is not a regular file (/dev/null, a FIFO, "-") is written as it is; a
 * store refuses those. The caller ignores SIGPIPE.
 *
 * With dir a commit needs a restore before it. A run whose outputs have their names is over:
 * restore tells so (mark.ended), a commit is EDDY_INVALID.
 *
 * EDDY_IO      a file cannot be opened, or another run is writing it; the text names it. With dir
 *              this may come from restore, too, which opens the outputs
 *
 * EDDY_CONFIG  dir, and an output is not a regular file
 *
 * EDDY_INVALID dir, and pipeline cannot be the name of a file */
eddy_status ed_journal_files_open(const char *const paths[ED_TOPICS], const char *dir,
                                  const char *pipeline, struct ed_journal **ret, eddy_error *err);

struct ed_group; /* group.h */

struct ed_journal_kafka {
    const char *topics[ED_TOPICS]; /* NULL: this topic is not kept */
    const char *state;             /* the state topic; NULL: none is kept; the group's offset of the
                                      one input is the truth (stage embed) */
    const char *control;           /* found or made like the others, and not written; NULL: none */
    const char *input;             /* that input: topic ... */
    int32_t partition;             /* ... and partition */
    const char *pipeline;
    int32_t shard, n_shards;   /* partition of the state topic, and how many it has */
    const char *id;            /* transactional.id */
    struct ed_group *group;    /* whose offsets are told; NULL: no group's. Borrowed */
    const char *store;         /* path of the local store; NULL: none */
    const char *const *inputs; /* (n_inputs) topics that are read: has the group offsets there? */
    size_t n_inputs;
    const char *const *options; /* (2 n_options) librdkafka names and values */
    size_t n_options;
    int insecure;    /* 1: options may switch the checks of certificates off */
    int create;      /* create missing topics */
    int partitions;  /* of topics that are created */
    int replication; /* likewise; -1: the broker's default */
    int deliver_ms;  /* give up an epoch after this time, retriable */
    int unchecked;   /* 1: nobody asks how long topics that are there keep their messages */
    int prepared;    /* 1: ed_journal_kafka_prepare was called: nobody asks for topics at all */
};

/* Find or make the topics, and nothing else. Statuses as ed_journal_kafka_open. */
eddy_status ed_journal_kafka_prepare(const struct ed_journal_kafka *options, eddy_error *err);

/* A transactional producer. Topics that are missing are created with DESIGN section 5's cleanup
 * policy, or refused by name; one with another policy is only warned of.
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
