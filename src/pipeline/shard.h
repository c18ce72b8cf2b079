/* shard: the life of one shard: the state is taken over, the source is opened where it goes on, the
 * pipeline runs; or, as long as another process owns it, its state is followed.
 *
 *   new -> [follow ...] -> run -> free */
#ifndef ED_PIPELINE_SHARD_H
#define ED_PIPELINE_SHARD_H

#include "pipeline/pipeline.h"

struct ed_shard_options {
    const char *topic; /* with a group: the topic ... */
    int32_t shard;     /* ... and the partition of it that stand for this shard */
    /* Source, journal and clusterer are the shard's own; the rest is borrowed. */
    struct ed_pipeline_options pipeline;
    const eddy_engine_options *engine; /* NULL: there is none, documents are only embedded */
    uint64_t fingerprint; /* ed_shard_fingerprint, or whatever tells that a state does not fit */
    int patient;          /* 1: a full disk is waited for */

    void *user;
    /* Both may be called several times; what they give is the shard's. */
    eddy_status (*open_journal)(void *user, const char *topic, int32_t shard,
                                struct ed_journal **ret, eddy_error *err);
    /* Fills in options->source and options->control, which are the shard's then, and may change
     * what hangs on the input (the parser, orders).
     *
     *   head  where the inputs go on; no offsets on a first start */
    eddy_status (*open_source)(void *user, const char *topic, int32_t shard,
                               const struct ed_head *head, struct ed_pipeline_options *options,
                               eddy_error *err);
};

struct ed_shard;

/* A number for the engine's options and what makes the vectors (ed_pipeline_model) together. */
uint64_t ed_shard_fingerprint(const eddy_engine_options *engine, const eddy_embedder *embedder,
                              int keyphrases);

/* Opens the journal. Statuses as ed_journal_kafka_open or ed_journal_files_open. */
eddy_status ed_shard_new(const struct ed_shard_options *options, struct ed_shard **ret,
                         eddy_error *err);
/* As a standby: take in what the owner has committed. Returns soon. */
eddy_status ed_shard_follow(struct ed_shard *shard, eddy_error *err);
/* Take over and open the source; ed_shard_run calls it when nobody has. Statuses as
 * ed_journal_restore and the source's. */
eddy_status ed_shard_restore(struct ed_shard *shard, eddy_error *err);
/* Until the source ends, ed_shard_stop, or a failure; statuses as ed_pipeline_run, and EDDY_FENCED:
 * it is another owner's now. Once. */
eddy_status ed_shard_run(struct ed_shard *shard, eddy_error *err);
/* Async-signal-safe; any thread; also before it runs. */
void ed_shard_stop(struct ed_shard *shard);
/* 1: it was asked to stop; what ended it otherwise is an end of the source. */
int ed_shard_was_stopped(const struct ed_shard *shard);
/* Closes everything; reports what the journal could not flush. */
eddy_status ed_shard_free(struct ed_shard *shard, eddy_error *err);

/* ---- looking in; any thread, from new to free; zeros where there is nothing yet ---- */

void ed_shard_counts(struct ed_shard *shard, struct ed_counts *ret);
void ed_shard_progress(struct ed_shard *shard, struct ed_progress *ret);
void ed_shard_journal_stats(struct ed_shard *shard, struct ed_journal_stats *ret);
/* All of it at once, and what the pipeline measures. */
struct ed_shard_look {
    const char *topic; /* whose partition it stands for, where a process only embeds; else NULL */
    int32_t shard;
    int owned; /* 0: it is another process's, and only followed */
    int runs;  /* 1: its state is loaded, and its inputs are open */
    struct ed_counts counts;
    struct ed_progress progress;
    struct ed_journal_stats journal;
    struct ed_meters meters;
};
void ed_shard_look(struct ed_shard *shard, struct ed_shard_look *ret);
/* As ed_source_lags. */
void ed_shard_lags(struct ed_shard *shard,
                   void (*tell)(void *user, const char *topic, int32_t partition, uint64_t behind),
                   void *user);
/* After restore: 1: the source had come to its end before, nothing was left to do. */
int ed_shard_was_ended(const struct ed_shard *shard);
/* Owner thread, or when nothing runs; NULL before restore. */
const eddy_clusterer *ed_shard_clusterer(const struct ed_shard *shard);

#endif
