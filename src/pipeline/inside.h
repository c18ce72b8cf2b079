/* What the threads of a pipeline share. */
#ifndef ED_PIPELINE_INSIDE_H
#define ED_PIPELINE_INSIDE_H

#include "pipeline/batch.h"
#include "pipeline/control.h"
#include "pipeline/keyphraser.h"
#include "pipeline/meters.h"
#include "pipeline/pipeline.h"
#include "pipeline/pulse.h"
#include "pipeline/ring.h"
#include "pipeline/stability.h"

#include <pthread.h>
#include <stdatomic.h>

#define READ_MAX  256 /* messages in one read */
#define AHEAD_MAX 3   /* open batches of one epoch */

struct reader {
    struct ed_batch *batch; /* always one, so that there is a place for what still comes */
    size_t n_open;          /* batches of its epoch that went ahead of it ... */
    size_t n_ahead;         /* ... with so many messages ... */
    size_t bytes_ahead;     /* ... of so many bytes */
    int64_t first_ms;       /* when the first message of the epoch came ... */
    int64_t first_us;       /* ... likewise, to measure */
    int64_t heard_ms;       /* when the last message came */
    uint64_t number;        /* of the next batch that is handed over */
    eddy_raw raws[READ_MAX];
};

/* What the threads measure; see meters.h. */
struct meters {
    struct ed_histogram read, embed, assign, commit, documents, inside, delay;
    pthread_mutex_t lock; /* guards the rest */
    eddy_engine_stats engine;
    eddy_miner_stats miner;
    uint64_t alerts_refused;
    eddy_stability stability;
};

struct ed_pipeline {
    struct ed_pipeline_options options;
    struct reader reader;
    struct ed_batch **batches; /* (n_batches) all of them, for the end */
    size_t n_batches;
    struct ed_ring *free, *read, *embedded, *answered;
    struct ed_control *control;       /* NULL: none */
    struct ed_reasoner *reasoner;     /* NULL: none */
    struct ed_keyphraser *keyphraser; /* the workers'; NULL: nobody is asked */
    struct ed_stability *stability;   /* the engine's thread's; NULL: nobody looks */
    eddy_arena *scratch; /* the engine's thread's, for what it embeds; NULL: not made yet */
    size_t next_order;   /* of options.orders; likewise */
    int is_open;         /* likewise: what was answered last is part of an epoch that goes on */
    size_t dim;          /* of the dense view; 0: none */
    uint64_t model;      /* ed_pipeline_model */

    size_t full_min;    /* documents in a batch, however slow they are */
    atomic_size_t full; /* documents that make a batch go on; batch_max at most */
    int patient;

    atomic_int stopping; /* to end, asked for or by a failure */
    atomic_int dropping; /* asked for while there was more to read, or to be embedded elsewhere */
    atomic_int hurrying; /* whoever waits for an endpoint is to wait no longer */
    atomic_int reading;  /* the source may have more */
    atomic_int at_work;  /* the engine's thread has a batch */
    atomic_int source_failed;
    atomic_size_t workers_left;
    pthread_mutex_t lock; /* guards failure */
    eddy_error failure;
    struct meters meters;
    ed_pulse *pulses; /* (n_pulses) of the threads that documents pass: reader, workers, engine,
                         publisher */
    size_t n_pulses;

    _Atomic uint64_t in, assigned, founded, filtered, dead_by[EDDY_REJECTS];
    _Atomic uint64_t duplicates; /* among the filtered; of this run */
    uint64_t dead_before;        /* of earlier runs */
    _Atomic uint64_t phrased, unphrased;
    _Atomic uint64_t time_fallback, time_unreadable, committed, commit_retries, events_active,
        events_told, operations, refused, control_dead;
};

/* What can go on no more: stop all threads, now. */
void ed_pipeline_fail(struct ed_pipeline *pl, const eddy_error *why);
/* As eddy_embedder_embed_for, with the pipeline's embedder; EDDY_STOPPED: nobody may wait for an
 * endpoint now. refused may be NULL. */
eddy_status ed_pipeline_embed(struct ed_pipeline *pl, const char **refused, const eddy_str *texts,
                              size_t n, eddy_arena *scratch, float *rows, eddy_error *err);
/* The next batch of a ring; NULL: there will be none. */
struct ed_batch *ed_pipeline_next(struct ed_ring *ring);
/* Rings have room for all batches: this waits for nothing, and fails only when all is over. */
void ed_pipeline_pass(struct ed_ring *ring, struct ed_batch *batch);
/* Dead letters since the shard began. */
uint64_t ed_pipeline_dead(const struct ed_pipeline *pl);

/* Nothing more can be read; what was read is still good. */
void ed_pipeline_source_failed(struct ed_pipeline *pl, const eddy_error *why);

/* meters.c: zeroed histograms get their bounds. */
void ed_meters_init(struct ed_pipeline *pl);
/* A step that began then (ed_monotonic_us) has ended. */
void ed_meters_took(struct ed_histogram *h, int64_t since_us);
/* How the engine stands now; its thread, or when none runs. */
void ed_meters_engine(struct ed_pipeline *pl, const eddy_engine_stats *stats);
/* A document was assigned; the engine's thread. */
void ed_meters_assigned(struct ed_pipeline *pl, const eddy_doc *doc, const eddy_assignment *a);
/* The answers of a batch are visible. */
void ed_meters_visible(struct ed_pipeline *pl, const struct ed_batch *batch);

/* answers.c: what the last call of the engine changed, and the pictures that it made due. */
eddy_status ed_answers_news(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err);

/* lines.c: records of a log, answered (n); sightings that wait, told to the clusterer; and the last
 * counts. The engine's thread. */
eddy_status ed_lines_answer(struct ed_pipeline *pl, struct ed_batch *batch,
                            struct ed_item *const *items, size_t n, eddy_error *err);
eddy_status ed_lines_flush(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err);
eddy_status ed_lines_end(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err);

/* turns.c: what has its turn beside documents; the engine's thread.
 *
 * Orders that are due with as many documents as there are: before the first, and behind all that
 * went at once. */
eddy_status ed_turns_orders(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err);
/* Before the next of n documents (n above 0): statistics, where it is their turn. *ret: how many of
 * them may go at once. */
eddy_status ed_turns_documents(struct ed_pipeline *pl, struct ed_batch *batch, size_t n,
                               size_t *ret, eddy_error *err);
/* Between two batches: what came from outside is done. */
eddy_status ed_turns_batch(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err);
/* Between two batches, or while none comes: 1: something from outside waits for such a turn. */
int ed_turns_look(struct ed_pipeline *pl);
/* Behind the last document. */
eddy_status ed_turns_end(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err);

/* answers.c: how all stands, to those who look on, while no thread runs yet. */
void ed_answers_show(struct ed_pipeline *pl);
/* reader.c and worker.c: threads. */
void *ed_reader_main(void *pl);
void *ed_worker_main(void *pl);

/* answers.c: the first epoch, while no thread runs yet; and the engine's thread. */
eddy_status ed_answers_start(struct ed_pipeline *pl, eddy_error *err);
void *ed_answers_main(void *pl);

#endif
