/* pulse: when each thread of a pipeline last turned its loop, so that one that hangs is noticed.
 *
 * Loops turn ten times a second even where there is nothing to do, for every wait has a bound. */
#ifndef ED_PIPELINE_PULSE_H
#define ED_PIPELINE_PULSE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Of one thread: ed_monotonic_ms of its last turn; 0: it does not run. */
typedef _Atomic int64_t ed_pulse;

/* The calling thread's pulse is this one, and beats; until ed_pulse_end. */
void ed_pulse_begin(ed_pulse *pulse);
/* The calling thread turns its loop; for threads without a pulse nothing. */
void ed_pulse_beat(void);
/* The calling thread does what takes as long as others want, and counts as one that does not run
 * until its next beat. */
void ed_pulse_rest(void);
void ed_pulse_end(void);

/* The oldest last turn of (n) threads; 0: none runs. Any thread. */
int64_t ed_pulse_oldest(ed_pulse *pulses, size_t n);

#endif
