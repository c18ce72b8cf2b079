/* A simulated `eddy detect --journal`: from a few inputs into files, killed and started again until
 * the outputs have their names. Somebody who looks between two starts finds what was committed. */
#include "judge.h"
#include "process.h"

#include "base/error.h"

#include <stdio.h>

/* All of the input has been read. */
static int at_end(const struct sim_process *p)
{
    for (int i = 0; i < p->sim->input.n_partitions; i++)
        if (p->next[i] < p->sim->input.first[i + 1])
            return 0;
    return 1;
}

/* The last epoch says that the source has ended. */
static eddy_status finish(struct sim_process *p, struct ed_journal *journal, eddy_error *err)
{
    struct ed_epoch *last = &p->epochs[0];
    eddy_arena_reset(p->arenas[0]);
    ed_epoch_reset(last);
    eddy_status st = sim_shard_epoch(&p->shard, NULL, 0, last, err);
    last->mark.ended = 1;
    return st == EDDY_OK ? sim_process_commit(p, journal, last, err) : st;
}

static eddy_status serve(struct sim_process *p, struct ed_journal *journal, eddy_error *err)
{
    while (!p->stopping && !at_end(p)) {
        int n = sim_process_epochs(p, err);
        if (n < 0)
            return err->status;
        if (!n)
            sim_wait(p->sim, 5);
        for (int i = 0; i < n; i++) {
            eddy_status st = sim_process_commit(p, journal, &p->epochs[i], err);
            if (st != EDDY_OK)
                return st;
        }
    }
    return at_end(p) ? finish(p, journal, err) : EDDY_OK;
}

eddy_status sim_process_detect(struct sim_process *p, eddy_error *err)
{
    static const char *const names[ED_TOPICS] = {"assignments", "events", "changes", "dead"};
    char texts[ED_TOPICS][64], folder[64];
    const char *paths[ED_TOPICS];
    const struct ed_head *head = NULL;
    struct ed_loader loader;
    struct ed_journal *journal = NULL;
    for (int t = 0; t < ED_TOPICS; t++) {
        snprintf(texts[t], sizeof texts[t], "%s/%s", p->folder, names[t]);
        paths[t] = texts[t];
    }
    snprintf(folder, sizeof folder, "%s/journal", p->folder);
    p->view.owns = 1;
    sim_process_loader(p, &loader);
    eddy_status st = sim_process_reset(p, err);
    if (st == EDDY_OK)
        st = ed_journal_files_open(paths, folder, SIM_PIPELINE, &journal, err);
    if (st == EDDY_OK)
        st = ed_journal_restore(journal, eddy_engine_fingerprint(&p->sim->engine), &loader, &head,
                                err);
    if (st == EDDY_OK) {
        sim_trace(p->sim, "restored epoch %llu%s", (unsigned long long)head->mark.epoch,
                  head->mark.ended ? ", the last one" : "");
        p->sim->counts.restores++;
        sim_files_judge(p->sim, paths, head);
        sim_process_resume(p, head);
        if (!head->mark.ended)
            st = serve(p, journal, err);
    }
    int ended = st == EDDY_OK && head && head->mark.ended;
    eddy_error closing = {0};
    eddy_status closed = ed_journal_close(journal, &closing);
    if (ended && closed == EDDY_OK) {
        p->sim->finished = 1;
        sim_files_judge(p->sim, paths, NULL);
        while (!p->stopping)
            sim_wait(p->sim, 50);
    }
    return st == EDDY_OK ? closed : st;
}
