/* Meters: each stage adds what it took, the engine's thread leaves a copy of its account. */
#include "pipeline/inside.h"

#include "base/time.h"

#include <math.h>

void ed_meters_init(struct ed_pipeline *pl)
{
    struct meters *m = &pl->meters;
    struct ed_histogram *const steps[] = {&m->read, &m->embed, &m->assign, &m->commit};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        steps[i]->bounds = &ed_bounds_work;
    m->documents.bounds = &ed_bounds_count;
    m->inside.bounds = m->delay.bounds = &ed_bounds_delay;
    m->stability = (eddy_stability){.csai_share = NAN, .csai_profile = NAN};
}

void ed_meters_took(struct ed_histogram *h, int64_t since_us)
{
    ed_histogram_add(h, (double)(ed_monotonic_us() - since_us) / 1e6);
}

void ed_meters_engine(struct ed_pipeline *pl, const eddy_engine_stats *stats)
{
    atomic_store(&pl->events_active, stats->events_active);
    atomic_store(&pl->events_told, stats->events_active + stats->faded);
    pthread_mutex_lock(&pl->meters.lock);
    pl->meters.engine = *stats;
    if (pl->options.logs)
        eddy_miner_stats_read(pl->options.logs->miner, &pl->meters.miner);
    if (pl->options.alerts)
        pl->meters.alerts_refused = ed_alerts_refused(pl->options.alerts);
    pthread_mutex_unlock(&pl->meters.lock);
}

void ed_meters_assigned(struct ed_pipeline *pl, const eddy_doc *doc, const eddy_assignment *a)
{
    eddy_stability now;
    if (!pl->stability ||
        !ed_stability_document(pl->stability, doc->dense, a, ed_monotonic_ms(), &now))
        return;
    pthread_mutex_lock(&pl->meters.lock);
    pl->meters.stability = now;
    pthread_mutex_unlock(&pl->meters.lock);
}

void ed_meters_visible(struct ed_pipeline *pl, const struct ed_batch *batch)
{
    int64_t now_ms = ed_wall_ms();
    for (size_t i = 0; i < batch->n; i++) {
        const eddy_raw *raw = &batch->items[i].raw;
        ed_histogram_add(&pl->meters.inside, (double)(now_ms - raw->arrival_ms) / 1e3);
        if (raw->broker_ms >= 0)
            ed_histogram_add(&pl->meters.delay, (double)(now_ms - raw->broker_ms) / 1e3);
    }
}

void ed_pipeline_meters(struct ed_pipeline *pl, struct ed_meters *ret)
{
    struct meters *m = &pl->meters;
    *ret = (struct ed_meters){.waiting_embed = ed_ring_count(pl->read),
                              .waiting_assign = ed_ring_count(pl->embedded),
                              .waiting_commit = ed_ring_count(pl->answered),
                              .turned_ms = ed_pulse_oldest(pl->pulses, pl->n_pulses)};
    ed_histogram_look(&m->read, &ret->read);
    ed_histogram_look(&m->embed, &ret->embed);
    ed_histogram_look(&m->assign, &ret->assign);
    ed_histogram_look(&m->commit, &ret->commit);
    ed_histogram_look(&m->documents, &ret->documents);
    ed_histogram_look(&m->inside, &ret->inside);
    ed_histogram_look(&m->delay, &ret->delay);
    pthread_mutex_lock(&m->lock);
    ret->engine = m->engine;
    ret->miner = m->miner;
    ret->alerts_refused = m->alerts_refused;
    ret->stability = m->stability;
    pthread_mutex_unlock(&m->lock);
}
