/* The points of src/base/point.h in eddy_faulty: the program kills or stops itself at a named
 * place.
 *
 *   EDDY_CRASH_AT=NAME:N[:MS]  kill -9 of itself at the N-th passing of NAME, MS later: what was
 *                              queued is with the broker by then
 *   EDDY_STALL_AT=NAME:N[:MS]  SIGSTOP of itself there; somebody else sends SIGCONT
 *   EDDY_PAUSE_AT=NAME:MS      sleep at each passing, so that whoever kills from outside meets it
 *   EDDY_MUTANT=N              a deliberate mistake (enum ed_mutant): does the checker find it?
 *
 * Passings are counted across all threads. */
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
    long number, wait_ms;
    atomic_long passed;
};

static struct point points[] = {
    {.variable = "EDDY_CRASH_AT"}, {.variable = "EDDY_STALL_AT"}, {.variable = "EDDY_PAUSE_AT"}};

__attribute__((constructor)) static void points_read(void)
{
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        const char *value = getenv(points[i].variable);
        const char *colon = value ? strchr(value, ':') : NULL;
        if (!colon || (size_t)(colon - value) >= sizeof points[i].name)
            continue;
        memcpy(points[i].name, value, (size_t)(colon - value));
        char *end;
        points[i].number = strtol(colon + 1, &end, 10);
        points[i].wait_ms = *end == ':' ? strtol(end + 1, NULL, 10) : 0;
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

static void rest(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void meet(struct point *p, const char *name, int signal_number)
{
    if (!*p->name || strcmp(p->name, name) != 0 || atomic_fetch_add(&p->passed, 1) + 1 != p->number)
        return;
    rest(p->wait_ms);
    kill(getpid(), signal_number);
}

void ed_point(const char *name)
{
    meet(&points[0], name, SIGKILL);
    meet(&points[1], name, SIGSTOP);
    if (*points[2].name && !strcmp(points[2].name, name))
        rest(points[2].number);
}
