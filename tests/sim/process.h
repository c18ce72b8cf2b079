/* A simulated eddy process, and its way to the broker. */
#ifndef ED_SIM_PROCESS_H
#define ED_SIM_PROCESS_H

#include "cluster.h"
#include "fiber.h"
#include "shard.h"

#include "journal/journal.h"
#include "journal/log.h"

#define SIM_AHEAD 3 /* epochs that the engine may be ahead of the commit */

struct sim_process {
    struct sim *sim;
    int number;
    struct sim_fiber *fiber;  /* NULL: it is down */
    int doomed;               /* 1: it has died in its own fiber */
    int64_t wakes_ms;         /* of a fiber that waits; of one that is down: when it starts again */
    int64_t stalled_until_ms; /* no heartbeat before (SIGSTOP) */
    int64_t beats_ms;         /* its next heartbeat */
    int stopping;             /* asked to end in order (SIGTERM) */
    struct sim_view view;
    char folder[16], store[32]; /* in the working folder */

    /* what it has in memory; freed when it dies, as nothing of it is half-done at a point */
    struct sim_shard shard;
    int checked; /* the loader's check was called */
    eddy_arena *arenas[SIM_AHEAD];
    struct ed_epoch epochs[SIM_AHEAD];
    size_t next[SIM_INPUTS]; /* index of the document that it reads next */
};

struct sim_process *sim_process_new(struct sim *sim, int number);
void sim_process_free(struct sim_process *p);
/* Start its fiber. */
void sim_process_start(struct sim_process *p);
/* kill -9: the fiber is dropped, the files that it held open are closed as they are. From outside
 * of the fiber. */
void sim_process_crash(struct sim_process *p, int64_t restart_ms);
/* Something happens to its store file while it is down (damage.c). */
void sim_process_damage(struct sim_process *p);

/* ---- the parts of its life ---- */

/* Into its shard; user is the process. */
void sim_process_loader(struct sim_process *p, struct ed_loader *ret);
/* Its shard is as new. */
eddy_status sim_process_reset(struct sim_process *p, eddy_error *err);
/* Behind the head: the shard goes on, and the input. The records are loaded. */
void sim_process_resume(struct sim_process *p, const struct ed_head *head);
/* Up to SIM_AHEAD epochs of what has arrived; -1: err. */
int sim_process_epochs(struct sim_process *p, eddy_error *err);
/* Until it is visible, or the shard is not ours any more. */
eddy_status sim_process_commit(struct sim_process *p, struct ed_journal *journal,
                               struct ed_epoch *epoch, eddy_error *err);
/* One start of a run between files (detect.c). */
eddy_status sim_process_detect(struct sim_process *p, eddy_error *err);

/* The log of a process (client.c); free gives it back. */
struct ed_log *sim_client_new(struct sim_process *p);

#endif
