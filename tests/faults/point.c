/* The points of src/base/point.h in eddy_faulty: the program kills or stops itself at a named
 * place.
 *
 *   EDDY_CRASH_AT=NAME:N   kill -9 of itself at the N-th passing of NAME
 *   EDDY_STALL_AT=NAME:N   SIGSTOP of itself there; somebody else sends SIGCONT
 *   EDDY_PAUSE_AT=NAME:MS  sleep at each passing, so that whoever kills from outside meets it there
 *   EDDY_MUTANT=N          a deliberate mistake (enum ed_mutant), to see that the checker finds it
 *
 * Of each the last passing counts across all threads. */
#include "base/point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum ed_mutant ed_mutant_now;

struct point {
    const char *variable;
    char name[64]; /* empty: none */
    long number;
    atomic_long passed;
};

static struct point points[] = {
    {.variable = "EDDY_CRASH_AT"}, {.variable = "EDDY_STALL_AT"}, {.variable = "EDDY_PAUSE_AT"}};

__attribute__((constructor)) static void points_read(void)
{
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        const char *value = getenv(points[i].variable);
        const char *colon = value ? strrchr(value, ':') : NULL;
        if (!colon || (size_t)(colon - value) >= sizeof points[i].name)
            continue;
        memcpy(points[i].name, value, (size_t)(colon - value));
        points[i].number = strtol(colon + 1, NULL, 10);
    }
    const char *mutant = getenv("EDDY_MUTANT");
    if (mutant)
        ed_mutant_now = (enum ed_mutant)strtol(mutant, NULL, 10);
    /* For eddy such variables are settings that it does not know. */
    unsetenv("EDDY_CRASH_AT");
    unsetenv("EDDY_STALL_AT");
    unsetenv("EDDY_PAUSE_AT");
    unsetenv("EDDY_MUTANT");
}

static int reached(struct point *p, const char *name)
{
    return *p->name && !strcmp(p->name, name) && atomic_fetch_add(&p->passed, 1) + 1 == p->number;
}

void ed_point(const char *name)
{
    if (reached(&points[0], name))
        kill(getpid(), SIGKILL);
    if (reached(&points[1], name))
        kill(getpid(), SIGSTOP);
    if (*points[2].name && !strcmp(points[2].name, name)) {
        struct timespec rest = {points[2].number / 1000, points[2].number % 1000 * 1000000};
        nanosleep(&rest, NULL);
    }
}
