/* A simulated eddy: a member of the group that follows the shard while another has it, takes it
 * over when it falls to it, reads the input from where the head says, and commits epochs that the
 * engine has made up to SIM_AHEAD before. What it is told of failures it takes as the program
 * would: a retriable epoch is committed again, a lost shard is let go of, and a refusal ends the
 * process, which somebody starts again. */
#include "process.h"

#include "journal/protocol.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the loader ---- */

static eddy_status load(void *user, const eddy_record *record, eddy_error *err)
{
    struct sim_process *p = user;
    return eddy_clusterer_load(p->shard.clusterer, record, err);
}

static eddy_status check(void *user, const struct ed_mark *mark, eddy_error *err)
{
    struct sim_process *p = user;
    p->checked = 1;
    eddy_status st = eddy_clusterer_loaded(p->shard.clusterer, err);
    if (st == EDDY_OK && mark->epoch && eddy_clusterer_hash(p->shard.clusterer) != mark->hash)
        st = eddy_fail(err, EDDY_FORMAT, "the state's hash is not that of epoch %llu",
                       (unsigned long long)mark->epoch);
    return st;
}

static eddy_status reset(void *user, eddy_error *err)
{
    struct sim_process *p = user;
    p->checked = 0;
    return sim_shard_reset(&p->shard, p->sim, err);
}

void sim_process_loader(struct sim_process *p, struct ed_loader *ret)
{
    *ret = (struct ed_loader){p, load, check, reset};
}

eddy_status sim_process_reset(struct sim_process *p, eddy_error *err)
{
    return reset(p, err);
}

/* ---- one ownership ---- */

int sim_process_epochs(struct sim_process *p, eddy_error *err)
{
    struct sim *sim = p->sim;
    struct sim_random *r = &sim->random;
    int ahead = (int)sim_between(r, 1, SIM_AHEAD), made = 0;
    for (; made < ahead; made++) {
        struct sim_doc *docs[24];
        size_t n = 0, most = (size_t)sim_between(r, 1, sim_chance(r, 16384) ? 24 : 6);
        for (int tries = 0; n < most && tries < 40; tries++) {
            int i = (int)sim_below(r, sim->input.n_partitions);
            struct sim_doc *d = &sim->input.docs[p->next[i]];
            if (p->next[i] == sim->input.first[i + 1] || d->arrives_ms > sim->now_ms)
                continue;
            docs[n++] = d;
            p->next[i]++;
        }
        if (!n)
            break;
        eddy_arena_reset(p->arenas[made]);
        ed_epoch_reset(&p->epochs[made]);
        if (sim_shard_epoch(&p->shard, docs, n, &p->epochs[made], err) != EDDY_OK)
            return -1;
    }
    return made;
}

eddy_status sim_process_commit(struct sim_process *p, struct ed_journal *journal,
                               struct ed_epoch *epoch, eddy_error *err)
{
    for (;;) {
        *err = (eddy_error){0};
        eddy_status st = ed_journal_commit(journal, epoch, err);
        if (st == EDDY_OK || !err->retriable)
            return st;
        sim_trace(p->sim, "epoch is given back: %s", err->text);
        if (!p->view.owns)
            return EDDY_FENCED;
        sim_wait(p->sim, sim_below(&p->sim->random, 100));
    }
}

void sim_process_resume(struct sim_process *p, const struct ed_head *head)
{
    for (int i = 0; i < p->sim->input.n_partitions; i++) {
        const struct ed_offset *o = ed_head_find(head, SIM_TOPIC, i);
        p->next[i] = sim_input_seek(&p->sim->input, i, o ? o->next : 0);
    }
    sim_shard_resume(&p->shard, &head->mark);
}

static eddy_status serve(struct sim_process *p, struct ed_journal *journal,
                         const struct ed_head *head, eddy_error *err)
{
    struct sim *sim = p->sim;
    sim_process_resume(p, head);
    while (p->view.owns && !p->view.asked_back && !p->stopping) {
        int n = sim_process_epochs(p, err);
        if (n < 0)
            return err->status;
        if (!n)
            sim_wait(sim, sim_between(&sim->random, 1, 30));
        for (int i = 0; i < n; i++) {
            eddy_status st = sim_process_commit(p, journal, &p->epochs[i], err);
            if (st != EDDY_OK)
                return st;
        }
    }
    return EDDY_OK;
}

static eddy_status own(struct sim_process *p, struct ed_journal *journal,
                       const struct ed_loader *loader, eddy_error *err)
{
    const struct ed_head *head = NULL;
    struct ed_journal_stats stats;
    eddy_status st = ed_journal_restore(journal, eddy_engine_fingerprint(&p->sim->engine),
                                        p->sim->stateless ? NULL : loader, &head, err);
    if (st != EDDY_OK)
        return st;
    ed_journal_stats(journal, &stats);
    p->sim->counts.restores++;
    p->sim->counts.restores_from_store += (uint64_t)stats.from_store;
    sim_trace(p->sim, "restored epoch %llu from %s", (unsigned long long)head->mark.epoch,
              stats.from_store ? "the store" : "the topic");
    if (!p->checked && !p->sim->stateless) /* only a mutant forgets it */
        st = eddy_clusterer_loaded(p->shard.clusterer, err);
    return st == EDDY_OK ? serve(p, journal, head, err) : st;
}

/* ---- one life of a journal ---- */

static eddy_status journal_open(struct sim_process *p, struct ed_journal **ret, eddy_error *err)
{
    const struct ed_epochs_options options = {
        .pipeline = SIM_PIPELINE,
        .state = p->sim->stateless ? NULL : "state",
        .input = SIM_TOPIC,
        .partition = 0,
        .shard = 0,
        .n_shards = 1,
        .store = p->sim->faults.without_store || p->sim->stateless ? NULL : p->store,
        .deliver_ms = p->sim->faults.deliver_ms,
    };
    eddy_status st = ed_epochs_new(&options, sim_client_new(p), ret, err);
    if (st == EDDY_OK && ((struct epochs *)(void *)*ret)->store) /* rewrite it, small as it is */
        ed_store_rewrite_from(((struct epochs *)(void *)*ret)->store,
                              (uint64_t)p->sim->faults.rewrite_bytes);
    if (st == EDDY_OK) /* likewise */
        ((struct epochs *)(void *)*ret)->living.span_least = (uint64_t)p->sim->faults.span_bytes;
    return st;
}

static eddy_status live(struct sim_process *p, eddy_error *err)
{
    struct sim *sim = p->sim;
    const struct ed_loader loader = {p, load, check, reset};
    struct ed_journal *journal = NULL;
    eddy_status st = reset(p, err);
    int warm = sim_chance(&sim->random, sim->faults.warm);
    if (st == EDDY_OK)
        st = journal_open(p, &journal, err);
    while (st == EDDY_OK && !p->view.owns && !p->stopping) {
        if (warm)
            st = ed_journal_follow(journal, &loader, err);
        sim_wait(sim, sim_between(&sim->random, 1, 40));
    }
    if (st == EDDY_OK && !p->stopping)
        st = own(p, journal, &loader, err);
    ed_journal_close(journal, NULL);
    return st;
}

static void run(void *user)
{
    struct sim_process *p = user;
    struct sim *sim = p->sim;
    while (!p->stopping) {
        eddy_error err = {0};
        eddy_status st = sim->files ? sim_process_detect(p, &err) : live(p, &err);
        sim_trace(sim, "lets go: %s %s", eddy_status_name(st), err.text);
        if ((st == EDDY_FORMAT || st == EDDY_CONFIG) && (sim->files || sim->faults_end))
            sim_fail(sim, "refused, and nothing is wrong: %s", err.text);
        if (st != EDDY_OK && st != EDDY_FENCED && !err.retriable) {
            sim->counts.refusals++;
            sim_wait(sim, sim->faults.restart_ms);
        }
        if (p->view.asked_back)
            sim_group_release(sim->cluster, &p->view, 0);
        sim_wait(sim, sim_between(&sim->random, 1, 20));
    }
    if (!sim->files)
        sim_group_release(sim->cluster, &p->view, 1);
}

/* ---- birth and death ---- */

static void memory_init(struct sim_process *p)
{
    for (int i = 0; i < SIM_AHEAD; i++) {
        p->arenas[i] = eddy_arena_new(0);
        ed_epoch_init(&p->epochs[i], p->arenas[i]);
    }
}

static void memory_clear(struct sim_process *p)
{
    sim_shard_clear(&p->shard);
    for (int i = 0; i < SIM_AHEAD; i++) {
        ed_epoch_clear(&p->epochs[i]);
        eddy_arena_free(p->arenas[i]);
    }
}

struct sim_process *sim_process_new(struct sim *sim, int number)
{
    struct sim_process *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->sim = sim;
    p->number = number;
    snprintf(p->folder, sizeof p->folder, "p%d", number);
    snprintf(p->store, sizeof p->store, "%s/shard-0", p->folder);
    if (mkdir(p->folder, 0700)) {
        perror(p->folder);
        exit(2);
    }
    return p;
}

/* What a dead process had open, closed without another word. */
static void files_close(const struct sim_process *p)
{
    DIR *all = opendir("/proc/self/fd");
    struct dirent *entry;
    int found[64], n = 0;
    char here[256], prefix[300];
    if (!getcwd(here, sizeof here))
        abort();
    size_t n_prefix = (size_t)snprintf(prefix, sizeof prefix, "%s/%s/", here, p->folder);
    while (all && (entry = readdir(all))) {
        char link[300], name[64];
        snprintf(name, sizeof name, "/proc/self/fd/%.20s", entry->d_name);
        ssize_t size = readlink(name, link, sizeof link - 1);
        if (size > (ssize_t)n_prefix && !memcmp(link, prefix, n_prefix) && n < 64)
            found[n++] = atoi(entry->d_name);
    }
    if (all)
        closedir(all);
    while (n)
        close(found[--n]);
}

void sim_process_free(struct sim_process *p)
{
    if (!p)
        return;
    if (p->fiber) {
        sim_fiber_drop(p->fiber);
        memory_clear(p);
    }
    files_close(p);
    free(p);
}

void sim_process_start(struct sim_process *p)
{
    memory_init(p);
    p->view = (struct sim_view){0};
    p->doomed = p->stopping = 0;
    p->stalled_until_ms = p->beats_ms = p->wakes_ms = p->sim->now_ms;
    p->fiber = sim_fiber_new(run, p);
    sim_trace(p->sim, "process %d starts", p->number);
}

void sim_process_crash(struct sim_process *p, int64_t restart_ms)
{
    if (!p->fiber)
        return;
    sim_trace(p->sim, "process %d dies", p->number);
    sim_fiber_drop(p->fiber);
    p->fiber = NULL;
    memory_clear(p);
    files_close(p);
    p->sim->counts.crashes++;
    p->wakes_ms = p->sim->now_ms + restart_ms;
}
