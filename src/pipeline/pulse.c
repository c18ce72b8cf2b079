/* Pulse: a time for each thread, which only that thread writes. A loop turns where nobody knows
 * which thread runs it (taking from a ring), so each thread knows its own. */
#include "pipeline/pulse.h"

#include "base/time.h"

static _Thread_local ed_pulse *mine;

void ed_pulse_begin(ed_pulse *pulse)
{
    mine = pulse;
    ed_pulse_beat();
}

void ed_pulse_beat(void)
{
    if (mine)
        atomic_store_explicit(mine, ed_monotonic_ms(), memory_order_relaxed);
}

void ed_pulse_rest(void)
{
    if (mine)
        atomic_store_explicit(mine, 0, memory_order_relaxed);
}

void ed_pulse_end(void)
{
    ed_pulse_rest();
    mine = NULL;
}

int64_t ed_pulse_oldest(ed_pulse *pulses, size_t n)
{
    int64_t oldest = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t at = atomic_load_explicit(&pulses[i], memory_order_relaxed);
        if (at && (!oldest || at < oldest))
            oldest = at;
    }
    return oldest;
}
