/* Fibers: a simulated process runs on a stack of its own until it waits; it is dropped by never
 * being resumed. One thread, one scheduler. */
#ifndef ED_SIM_FIBER_H
#define ED_SIM_FIBER_H

struct sim_fiber;

/* A fiber that will run run(user) when it is first resumed. */
struct sim_fiber *sim_fiber_new(void (*run)(void *user), void *user);
/* Run it until it leaves. Returns 0 when run has returned. From outside of all fibers. */
int sim_fiber_resume(struct sim_fiber *fiber);
/* Back to who resumed; comes back with the next resume. From inside. */
void sim_fiber_leave(struct sim_fiber *fiber);
/* Give its stack back, whatever it was doing. NULL is fine. */
void sim_fiber_drop(struct sim_fiber *fiber);

#endif
