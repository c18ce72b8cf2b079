/* demo_play: the news day of `eddy demo`, and the thread that plays it into a topic. */
#ifndef ED_CLI_DEMO_PLAY_H
#define ED_CLI_DEMO_PLAY_H

#include "base/table.h"
#include "source/mock.h"

#include <pthread.h>
#include <stdatomic.h>

struct ed_report {
    eddy_str id, title;
    eddy_str value; /* the message: the corpus's line without its label */
    int64_t ts;
    uint64_t gold; /* its label, as a number */
};

struct ed_play {
    struct ed_report *reports; /* (n) in order of time */
    size_t n;
    struct ed_table places; /* hash of the id -> index + 1 */
    eddy_arena *arena;      /* holds all strings */

    struct ed_mock *mock; /* from here on: while it plays */
    const char *topic;
    double speed;           /* times faster than life; 0: as fast as it goes */
    void (*after)(void *p); /* called when the last report is on its way */
    void *p;
    pthread_t thread;
    int started;
    atomic_int stopping;
    eddy_error failure; /* read after ed_play_stop */
};

/* Read the corpus. EDDY_FORMAT, EDDY_NOMEM. On failure play is to be closed, too. */
eddy_status ed_play_open(struct ed_play *play, eddy_error *err);
/* The report of an id; NULL: there is none. */
const struct ed_report *ed_play_find(const struct ed_play *play, eddy_str id);
/* Hours, minutes ... from the first to the last report, in ms. */
int64_t ed_play_span_ms(const struct ed_play *play);
/* Start to play; after is called by the player's thread. EDDY_NOMEM. */
eddy_status ed_play_start(struct ed_play *play, eddy_error *err);
/* End it, wherever it is, and wait for its thread. The first error of the thread, else EDDY_OK. */
eddy_status ed_play_stop(struct ed_play *play, eddy_error *err);
/* 1: ed_play_stop was called. Any thread. */
int ed_play_stopping(const struct ed_play *play);
void ed_play_close(struct ed_play *play);

#endif
