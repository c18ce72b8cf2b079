/* The program's clocks. They stand apart from the civil time of base/time.c because libeddy never
 * asks a clock, and so does not even hold this. */
#include "base/time.h"

#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t ed_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t ed_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t ed_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
