/* tail: the lines of a file that grows, as they come. */
#ifndef ED_CLI_TAIL_H
#define ED_CLI_TAIL_H

#include <eddy/doc.h>

#include <stdio.h>

/* A file of a run: DIR/NAME.jsonl, or NAME.jsonl.part as long as the run goes on. One owner thread.
 */
struct ed_tail {
    int fd; /* -1: it is not there (yet) */
    char path[4096];
    int64_t at; /* bytes read */
    char *line; /* (n) the beginning of a line whose end is not written yet */
    size_t n, room;
};

/* EDDY_IO  it cannot be opened; the text names it. What is not there is fine. */
eddy_status ed_tail_open(struct ed_tail *tail, const char *dir, const char *name, eddy_error *err);
void ed_tail_close(struct ed_tail *tail);
/* Read on, to the end of what is there or a few megabytes, and hand each whole line to fn. What a
 * run has cut back, when it was taken up again, is read anew.
 *
 *   ret  1: something was read
 *
 * EDDY_IO, EDDY_NOMEM (a line is longer than any message), and as fn */
eddy_status ed_tail_read(struct ed_tail *tail,
                         eddy_status (*fn)(void *user, eddy_str line, eddy_error *err), void *user,
                         int *ret, eddy_error *err);
/* 1: nothing will come any more, for the run has ended; to be asked before the last read. */
int ed_tail_ended(const struct ed_tail *tail);

#endif
