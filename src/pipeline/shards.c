/* Shards: one thread for the group, and one for each shard that is ours or followed.
 *
 *   group: gained s  ->  s.wanted = 1                      a shard's thread:
 *          gone s    ->  s.wanted = 0, stop it, wait         for ever: wanted? take over and run
 *                                                                      else    follow, as a standby
 *
 * A shard that was fenced is taken up again as long as the group says that it is ours: fencing came
 * from a process that has lost it since, or is about to. */
#include "pipeline/shards.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define POLL_MS   100
#define GONE_MS   20000 /* that a shard may take to let go; it takes one transaction */
#define AGAIN_MS  500   /* before a shard that was fenced is taken up again */
#define FOLLOW_MS 50    /* between two looks of a standby */

struct place {
    struct ed_shards *all;
    char *topic; /* the group's, with its partition */
    int32_t shard;
    pthread_t thread;
    int has_thread;
    /* guarded by the lock */
    int wanted;                 /* the group says that it is ours */
    int running;                /* it is being taken over, or runs */
    int done;                   /* its source has ended */
    struct ed_shard *shard_now; /* NULL: none is open */
    int has_last;               /* it ran here last; that is how it stood at its end */
    struct ed_counts last;
};

struct ed_shards {
    struct ed_shards_options o;
    struct ed_group *group;
    struct place *
        *places; /* (n) grows when the group deals what is new; guarded, its elements stay */
    size_t n, room;
    atomic_int stopping;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    eddy_error failure; /* guarded: the first of any shard */
};

static void failure_keep(struct ed_shards *all, const eddy_error *why)
{
    pthread_mutex_lock(&all->lock);
    if (all->failure.status == EDDY_OK)
        all->failure = *why;
    pthread_mutex_unlock(&all->lock);
    atomic_store(&all->stopping, 1);
}

/* With the lock held: until something moves, for ms at most. */
static void wait_moved(struct ed_shards *all, int64_t ms)
{
    int64_t at = ed_monotonic_ms() + ms;
    struct timespec wake = {at / 1000, at % 1000 * 1000000L};
    pthread_cond_timedwait(&all->moved, &all->lock, &wake);
}

/* ---- one shard's thread ---- */

static void shard_set(struct place *p, struct ed_shard *shard, int running)
{
    pthread_mutex_lock(&p->all->lock);
    p->shard_now = shard;
    p->running = running;
    pthread_cond_broadcast(&p->all->moved);
    pthread_mutex_unlock(&p->all->lock);
}

enum duty { NONE, OWN, FOLLOW };

static enum duty duty_of(struct place *p)
{
    pthread_mutex_lock(&p->all->lock);
    int wanted = p->wanted && !p->done && !atomic_load(&p->all->stopping);
    enum duty duty = wanted ? OWN : p->all->o.standby && !p->done ? FOLLOW : NONE;
    p->running = wanted || p->running;
    pthread_mutex_unlock(&p->all->lock);
    return duty;
}

static void nap(struct ed_shards *all, int64_t ms)
{
    pthread_mutex_lock(&all->lock);
    if (!atomic_load(&all->stopping))
        wait_moved(all, ms);
    pthread_mutex_unlock(&all->lock);
}

static eddy_status shard_open(struct place *p, struct ed_shard **shard, eddy_error *err)
{
    struct ed_shard_options options = p->all->o.shard;
    options.topic = p->topic;
    options.shard = p->shard;
    eddy_status st = *shard ? EDDY_OK : ed_shard_new(&options, shard, err);
    pthread_mutex_lock(&p->all->lock);
    p->shard_now = *shard;
    pthread_mutex_unlock(&p->all->lock);
    return st;
}

static void shard_close(struct place *p, struct ed_shard **shard)
{
    struct ed_shard *old = *shard;
    pthread_mutex_lock(&p->all->lock); /* nobody looks in, or stops it, from here on */
    p->shard_now = NULL;
    p->has_last = old && p->running && (p->done || atomic_load(&p->all->stopping));
    if (p->has_last)
        ed_shard_counts(old, &p->last);
    pthread_mutex_unlock(&p->all->lock);
    ed_shard_free(old, NULL);
    *shard = NULL;
    shard_set(p, NULL, 0);
}

static void own(struct place *p, struct ed_shard **shard)
{
    struct ed_shards *all = p->all;
    eddy_error err = {0};
    int64_t began = ed_monotonic_ms();
    struct ed_journal_stats stats;
    eddy_status st = shard_open(p, shard, &err);
    if (st == EDDY_OK)
        st = ed_shard_restore(*shard, &err);
    if (st == EDDY_OK) {
        ed_shard_journal_stats(*shard, &stats);
        ed_log(ED_LOG_INFO, "shard", "shard %d is up after %lld ms: %llu records read%s%s",
               (int)p->shard, (long long)(ed_monotonic_ms() - began),
               (unsigned long long)stats.restored_records,
               stats.from_store ? ", beginning with the local store" : "",
               stats.warm ? ", most of them before, as a standby (warm)" : "");
        pthread_mutex_lock(&all->lock);
        int wanted = p->wanted && !atomic_load(&all->stopping);
        pthread_mutex_unlock(&all->lock);
        if (!wanted)
            ed_shard_stop(*shard);
        st = ed_shard_run(*shard, &err);
    }
    pthread_mutex_lock(&all->lock);
    int asked = !p->wanted || atomic_load(&all->stopping);
    p->done = st == EDDY_OK && !ed_shard_was_stopped(*shard); /* its source has ended */
    pthread_mutex_unlock(&all->lock);
    shard_close(p, shard);
    if (st == EDDY_OK || (asked && st == EDDY_STOPPED))
        return;
    if (st == EDDY_FENCED || err.retriable) { /* a broker that is away now may come back */
        ed_log(ED_LOG_WARN, "shard", "shard %d let go: %s", (int)p->shard, err.text);
        nap(all, AGAIN_MS);
        return;
    }
    failure_keep(all, &err);
}

static void follow(struct place *p, struct ed_shard **shard)
{
    eddy_error err = {0};
    eddy_status st = shard_open(p, shard, &err);
    if (st == EDDY_OK)
        st = ed_shard_follow(*shard, &err);
    if (st != EDDY_OK) {
        ed_log(ED_LOG_WARN, "shard", "shard %d cannot be followed: %s", (int)p->shard, err.text);
        shard_close(p, shard);
        nap(p->all, 10 * AGAIN_MS);
        return;
    }
    pthread_mutex_lock(&p->all->lock);
    if (!p->wanted && !atomic_load(&p->all->stopping))
        wait_moved(p->all, FOLLOW_MS);
    pthread_mutex_unlock(&p->all->lock);
}

static void *place_main(void *arg)
{
    struct place *p = arg;
    struct ed_shard *shard = NULL;
    while (!atomic_load(&p->all->stopping)) {
        switch (duty_of(p)) {
        case OWN: own(p, &shard); break;
        case FOLLOW: follow(p, &shard); break;
        case NONE: nap(p->all, POLL_MS); break;
        }
    }
    if (shard)
        shard_close(p, &shard);
    return NULL;
}

/* ---- the group's thread ---- */

/* With the lock held; NULL: not there. */
static struct place *place_find(struct ed_shards *all, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->places[i]->shard == partition && !strcmp(all->places[i]->topic, topic))
            return all->places[i];
    return NULL;
}

/* A new place, with its thread. Signals are the caller's business, so the thread takes none. */
static eddy_status place_add(struct ed_shards *all, const char *topic, int32_t partition,
                             eddy_error *err)
{
    struct place *p = ed_alloc_zero(1, sizeof *p);
    char *name = ed_strdup(topic);
    sigset_t every, before;
    pthread_mutex_lock(&all->lock);
    struct place **list = ed_list_room(all->places, all->n, &all->room, sizeof(struct place *));
    int whole = p && name && list;
    all->places = list ? list : all->places;
    if (whole) {
        *p = (struct place){.all = all, .topic = name, .shard = partition};
        all->places[all->n++] = p;
    }
    pthread_mutex_unlock(&all->lock);
    if (!whole) {
        ed_free(p);
        ed_free(name);
        return eddy_fail_nomem(err, "shards", sizeof *p);
    }
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    p->has_thread = pthread_create(&p->thread, NULL, place_main, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p->has_thread ? EDDY_OK : eddy_fail(err, EDDY_NOMEM, "shards: cannot start a thread");
}

static void gained(void *user, const char *topic, int32_t partition)
{
    struct ed_shards *all = user;
    eddy_error err = {0};
    pthread_mutex_lock(&all->lock);
    struct place *p = place_find(all, topic, partition);
    pthread_mutex_unlock(&all->lock);
    if (!p && !all->o.n_shards && place_add(all, topic, partition, &err) != EDDY_OK)
        failure_keep(all, &err);
    pthread_mutex_lock(&all->lock);
    p = place_find(all, topic, partition);
    if (p) {
        p->wanted = 1;
        p->done = 0;
    }
    pthread_cond_broadcast(&all->moved);
    pthread_mutex_unlock(&all->lock);
}

/* From inside the group's poll, so without the group's lock. */
static void gone(void *user, const char *topic, int32_t partition, int lost)
{
    struct ed_shards *all = user;
    int64_t until = ed_monotonic_ms() + GONE_MS;
    (void)lost;
    pthread_mutex_lock(&all->lock);
    struct place *p = place_find(all, topic, partition);
    if (p)
        p->wanted = 0;
    while (p && p->running && ed_monotonic_ms() < until) {
        if (p->shard_now)
            ed_shard_stop(p->shard_now);
        wait_moved(all, POLL_MS);
    }
    if (p && p->running)
        ed_log(ED_LOG_WARN, "shard", "shard %d does not let go in time; its next owner fences it",
               (int)partition);
    pthread_mutex_unlock(&all->lock);
}

/* All that are ours have ended, and there are some. */
static int all_done(struct ed_shards *all)
{
    int n = 0, done = 0;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++) {
        n += all->places[i]->wanted;
        done += all->places[i]->wanted && all->places[i]->done;
    }
    pthread_mutex_unlock(&all->lock);
    return all->o.ends && n && n == done;
}

static void stop_all(struct ed_shards *all)
{
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++)
        if (all->places[i]->shard_now)
            ed_shard_stop(all->places[i]->shard_now);
    pthread_cond_broadcast(&all->moved);
    pthread_mutex_unlock(&all->lock);
}

eddy_status ed_shards_run(struct ed_shards *all, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (int32_t i = 0; i < all->o.n_shards && st == EDDY_OK; i++)
        st = place_add(all, all->o.group.topics[0], i, err);
    while (st == EDDY_OK && !atomic_load(&all->stopping) && !all_done(all))
        st = ed_group_poll(all->group, POLL_MS, err);
    atomic_store(&all->stopping, 1);
    stop_all(all);                      /* once; a shard that opens after this sees `stopping` */
    for (size_t i = 0; i < all->n; i++) /* nobody adds any more */
        if (all->places[i]->has_thread)
            pthread_join(all->places[i]->thread, NULL);
    ed_group_free(all->group);
    all->group = NULL;
    if (st == EDDY_OK && all->failure.status != EDDY_OK) {
        *err = all->failure;
        st = err->status;
    }
    return st;
}

void ed_shards_stop(struct ed_shards *all)
{
    atomic_store(&all->stopping, 1);
}

/* ---- the rest ---- */

eddy_status ed_shards_new(const struct ed_shards_options *options, struct ed_shards **ret,
                          eddy_error *err)
{
    struct ed_shards *all = ed_alloc_zero(1, sizeof *all);
    if (!all)
        return eddy_fail_nomem(err, "shards", sizeof *all);
    all->o = *options;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&all->moved, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&all->lock, NULL);
    struct ed_group_options group = options->group;
    group.user = all;
    group.gained = gained;
    group.gone = gone;
    eddy_status st = ed_group_open(&group, &all->group, err);
    if (st != EDDY_OK) {
        ed_shards_free(all);
        return st;
    }
    if (options->joined)
        options->joined(options->shard.user, all->group);
    *ret = all;
    return EDDY_OK;
}

void ed_shards_free(struct ed_shards *all)
{
    if (!all)
        return;
    ed_group_free(all->group);
    pthread_cond_destroy(&all->moved);
    pthread_mutex_destroy(&all->lock);
    for (size_t i = 0; i < all->n; i++) {
        ed_free(all->places[i]->topic);
        ed_free(all->places[i]);
    }
    ed_free(all->places);
    ed_free(all);
}

static void counts_add(struct ed_counts *to, const struct ed_counts *c)
{
    to->in += c->in;
    to->assigned += c->assigned;
    to->founded += c->founded;
    to->filtered += c->filtered;
    to->duplicates += c->duplicates;
    to->dead += c->dead;
    for (size_t i = 0; i < EDDY_REJECTS; i++)
        to->dead_by[i] += c->dead_by[i];
    to->time_fallback += c->time_fallback;
    to->time_unreadable += c->time_unreadable;
    to->phrased += c->phrased;
    to->unphrased += c->unphrased;
    to->committed += c->committed;
    to->commit_retries += c->commit_retries;
    to->events_active += c->events_active;
    to->events_told += c->events_told;
    to->operations += c->operations;
    to->refused += c->refused;
    to->control_dead += c->control_dead;
    to->reason.passes += c->reason.passes;
    to->reason.passes_failed += c->reason.passes_failed;
    to->reason.asked += c->reason.asked;
    to->reason.answered += c->reason.answered;
    to->reason.failed += c->reason.failed;
    to->reason.over_budget += c->reason.over_budget;
    to->reason.tokens_in += c->reason.tokens_in;
    to->reason.tokens_out += c->reason.tokens_out;
}

void ed_shards_counts(struct ed_shards *all, struct ed_counts *counts, struct ed_progress *progress,
                      struct ed_journal_stats *stats, size_t *n_owned)
{
    size_t n = 0;
    *counts = (struct ed_counts){0};
    *progress = (struct ed_progress){0};
    *stats = (struct ed_journal_stats){0};
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++) {
        struct ed_shard *shard = all->places[i]->shard_now;
        struct ed_counts c;
        struct ed_progress at;
        struct ed_journal_stats j;
        if (!shard && all->places[i]->has_last)
            counts_add(counts, &all->places[i]->last);
        if (!shard || !all->places[i]->running)
            continue;
        n++;
        ed_shard_counts(shard, &c);
        counts_add(counts, &c);
        ed_shard_progress(shard, &at);
        progress->messages += at.messages;
        progress->bytes += at.bytes;
        progress->behind += at.behind;
        progress->behind_unknown |= at.behind_unknown;
        progress->missing += at.missing;
        progress->late += at.late;
        ed_shard_journal_stats(shard, &j);
        stats->epochs += j.epochs;
        stats->aborted += j.aborted;
        stats->fences += j.fences;
        stats->doubts += j.doubts;
        stats->records += j.records;
        stats->record_bytes += j.record_bytes;
        stats->open_ms_sum += j.open_ms_sum;
        stats->open_ms_max =
            j.open_ms_max > stats->open_ms_max ? j.open_ms_max : stats->open_ms_max;
    }
    pthread_mutex_unlock(&all->lock);
    if (n_owned)
        *n_owned = n;
}

void ed_shards_each(struct ed_shards *all,
                    void (*look)(void *user, struct ed_shard *shard,
                                 const struct ed_shard_look *at),
                    void *user)
{
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++) {
        const struct place *p = all->places[i];
        struct ed_shard_look at = {0};
        if (!p->shard_now && !p->wanted)
            continue;
        if (p->shard_now)
            ed_shard_look(p->shard_now, &at);
        at.topic = all->o.n_shards ? NULL : p->topic;
        at.shard = p->shard;
        at.owned = p->wanted;
        look(user, p->shard_now, &at);
    }
    pthread_mutex_unlock(&all->lock);
}
