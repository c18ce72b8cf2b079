/* Shard: open, take over, run, close, in this order. */
#include "pipeline/shard.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>

struct ed_shard {
    struct ed_shard_options o;
    struct ed_journal *journal;
    eddy_clusterer *clusterer;
    struct ed_logs *logs;       /* NULL: no record of a log was seen */
    struct ed_alerts *alerts;   /* NULL: no clusterer */
    const struct ed_head *head; /* the journal's, after restore */
    int was_ended;
    atomic_int stopped;

    /* Set once, then never changed until free: they may be looked at from other threads. */
    _Atomic(struct ed_source *) source;
    struct ed_source *control;
    _Atomic(struct ed_pipeline *) pipeline;
};

uint64_t ed_shard_fingerprint(const eddy_engine_options *engine, const eddy_embedder *embedder,
                              int keyphrases)
{
    uint64_t model = ed_pipeline_model(embedder, keyphrases);
    return ed_mix64(eddy_engine_fingerprint(engine) ^ ed_mix64(model));
}

/* ---- what the journal finds ---- */

static eddy_status load(void *user, const eddy_record *record, eddy_error *err)
{
    struct ed_shard *s = user;
    if (ed_alerts_owns(record->key))
        return ed_alerts_load(s->alerts, record, err);
    if (!ed_logs_owns(record->key))
        return eddy_clusterer_load(s->clusterer, record, err);
    eddy_status st = s->logs ? EDDY_OK : ed_logs_new(&s->logs, err);
    return st == EDDY_OK ? ed_logs_load(s->logs, record, err) : st;
}

static eddy_status check(void *user, const struct ed_mark *mark, eddy_error *err)
{
    struct ed_shard *s = user;
    eddy_status st = eddy_clusterer_loaded(s->clusterer, err);
    if (st == EDDY_OK && s->logs)
        st = ed_logs_loaded(s->logs, err);
    if (st != EDDY_OK || !mark->epoch)
        return st;
    uint64_t hash = ed_logs_state(s->clusterer, s->logs);
    if (hash != mark->hash)
        return eddy_fail(
            err, EDDY_FORMAT,
            "the state of epoch %llu has the hash %016llx where its head says %016llx: "
            "records are missing or damaged; take another pipeline name and replay",
            (unsigned long long)mark->epoch, (unsigned long long)hash,
            (unsigned long long)mark->hash);
    return EDDY_OK;
}

static eddy_status reset(void *user, eddy_error *err)
{
    struct ed_shard *s = user;
    eddy_clusterer_free(s->clusterer);
    s->clusterer = NULL;
    ed_logs_free(s->logs);
    s->logs = NULL;
    ed_alerts_free(s->alerts);
    s->alerts = NULL;
    if (!s->o.engine)
        return EDDY_OK;
    eddy_status st = ed_alerts_new(s->o.pipeline.rules, s->o.pipeline.n_rules, &s->alerts, err);
    return st == EDDY_OK ? eddy_clusterer_new(s->o.engine, &s->clusterer, err) : st;
}

static struct ed_loader loader_of(struct ed_shard *s)
{
    return (struct ed_loader){s, load, check, reset};
}

/* ---- the life ---- */

eddy_status ed_shard_new(const struct ed_shard_options *options, struct ed_shard **ret,
                         eddy_error *err)
{
    struct ed_shard *s = ed_alloc_zero(1, sizeof *s);
    if (!s)
        return eddy_fail_nomem(err, "shard", sizeof *s);
    s->o = *options;
    eddy_status st = reset(s, err);
    if (st == EDDY_OK)
        st = options->open_journal(options->user, options->topic, options->shard, &s->journal, err);
    if (st != EDDY_OK) {
        ed_shard_free(s, NULL);
        return st;
    }
    *ret = s;
    return EDDY_OK;
}

eddy_status ed_shard_follow(struct ed_shard *s, eddy_error *err)
{
    const struct ed_loader loader = loader_of(s);
    return ed_journal_follow(s->journal, &loader, err);
}

/* Now that it is known what the input is. */
static eddy_status logs_make(struct ed_shard *s, struct ed_pipeline_options *options,
                             eddy_error *err)
{
    if (s->logs && !options->is_log)
        return eddy_fail(err, EDDY_CONFIG,
                         "the state is of log lines: say --set document.format=logs, or take "
                         "another pipeline name");
    if (s->clusterer && options->is_log && !s->logs && s->head->mark.documents)
        return eddy_fail(err, EDDY_CONFIG,
                         "the state is not of log lines: set document.format to what it was, or "
                         "take another pipeline name");
    eddy_status st =
        options->is_log && s->clusterer && !s->logs ? ed_logs_new(&s->logs, err) : EDDY_OK;
    options->logs = s->logs;
    return st;
}

eddy_status ed_shard_restore(struct ed_shard *s, eddy_error *err)
{
    const struct ed_loader loader = loader_of(s);
    struct ed_pipeline_options options = s->o.pipeline;
    struct ed_pipeline *pipeline = NULL;
    eddy_status st = ed_journal_restore(s->journal, s->o.fingerprint, s->o.engine ? &loader : NULL,
                                        &s->head, err);
    if (st != EDDY_OK)
        return st;
    s->was_ended = (int)s->head->mark.ended;
    if (atomic_load(&s->stopped))
        return eddy_fail(err, EDDY_STOPPED, "stopped while taking over");
    st = s->o.open_source(s->o.user, s->o.topic, s->o.shard, s->head, &options, err);
    s->control = options.control;
    atomic_store(&s->source, options.source); /* also of a failed one: it is to be closed */
    if (st == EDDY_OK)
        st = logs_make(s, &options, err);
    if (st != EDDY_OK)
        return st;
    options.journal = s->journal;
    options.publisher.shard = (uint32_t)s->o.shard;
    options.clusterer = s->clusterer;
    options.alerts = s->alerts;
    options.mark = s->head->mark;
    st = ed_pipeline_new(&options, &pipeline, err);
    if (st != EDDY_OK)
        return st;
    if (s->o.patient)
        ed_pipeline_patient(pipeline);
    atomic_store(&s->pipeline, pipeline);
    if (atomic_load(&s->stopped))
        ed_pipeline_stop(pipeline);
    return EDDY_OK;
}

eddy_status ed_shard_run(struct ed_shard *s, eddy_error *err)
{
    eddy_status st = atomic_load(&s->pipeline) ? EDDY_OK : ed_shard_restore(s, err);
    return st == EDDY_OK ? ed_pipeline_run(atomic_load(&s->pipeline), err) : st;
}

void ed_shard_stop(struct ed_shard *s)
{
    atomic_store(&s->stopped, 1);
    struct ed_pipeline *pipeline = atomic_load(&s->pipeline);
    struct ed_source *source = atomic_load(&s->source);
    if (pipeline)
        ed_pipeline_stop(pipeline);
    else if (source)
        ed_source_stop(source);
}

int ed_shard_was_stopped(const struct ed_shard *s)
{
    return atomic_load(&s->stopped);
}

eddy_status ed_shard_free(struct ed_shard *s, eddy_error *err)
{
    if (!s)
        return EDDY_OK;
    ed_pipeline_free(atomic_load(&s->pipeline));
    eddy_status st = ed_journal_close(s->journal, err);
    ed_source_free(atomic_load(&s->source));
    ed_source_free(s->control);
    eddy_clusterer_free(s->clusterer);
    ed_logs_free(s->logs);
    ed_alerts_free(s->alerts);
    ed_free(s);
    return st;
}

/* ---- looking in ---- */

void ed_shard_counts(struct ed_shard *s, struct ed_counts *ret)
{
    struct ed_pipeline *pipeline = atomic_load(&s->pipeline);
    *ret = (struct ed_counts){0};
    if (pipeline)
        ed_pipeline_counts(pipeline, ret);
}

void ed_shard_progress(struct ed_shard *s, struct ed_progress *ret)
{
    struct ed_source *source = atomic_load(&s->source);
    *ret = (struct ed_progress){0};
    if (source)
        ed_source_progress(source, ret);
}

void ed_shard_journal_stats(struct ed_shard *s, struct ed_journal_stats *ret)
{
    ed_journal_stats(s->journal, ret);
}

void ed_shard_look(struct ed_shard *s, struct ed_shard_look *ret)
{
    struct ed_pipeline *pipeline = atomic_load(&s->pipeline);
    *ret = (struct ed_shard_look){.shard = s->o.shard, .owned = 1, .runs = pipeline != NULL};
    ed_shard_counts(s, &ret->counts);
    ed_shard_progress(s, &ret->progress);
    ed_shard_journal_stats(s, &ret->journal);
    if (pipeline)
        ed_pipeline_meters(pipeline, &ret->meters);
}

void ed_shard_lags(struct ed_shard *s,
                   void (*tell)(void *user, const char *topic, int32_t partition, uint64_t behind),
                   void *user)
{
    struct ed_source *source = atomic_load(&s->source);
    if (source)
        ed_source_lags(source, tell, user);
}

int ed_shard_was_ended(const struct ed_shard *s)
{
    return s->was_ended;
}

const eddy_clusterer *ed_shard_clusterer(const struct ed_shard *s)
{
    return s->clusterer;
}
