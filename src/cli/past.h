/* past: what is replayed, as the dashboard and the API tell it, and how a replay is begun. */
#ifndef ED_CLI_PAST_H
#define ED_CLI_PAST_H

#include "base/bytes.h"

/* A replay, in the words of its command line; all borrowed. */
struct ed_past {
    const char *from, *until;
    const char *partitions; /* NULL: all */
    const char *verdicts;
    int then_run;
    int live; /* 1: the range is done, and it goes on behind it */
};

struct ed_sight;

/* As one JSON object. */
void ed_past_write(const struct ed_sight *sight, struct ed_bytes *json);

#endif
