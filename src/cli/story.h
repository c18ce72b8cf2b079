/* story: what happened to an event, and to those that went into it, change by change. */
#ifndef ED_CLI_STORY_H
#define ED_CLI_STORY_H

#include "base/table.h"
#include "cli/look.h"
#include "cli/view.h"

struct ed_story {
    uint64_t event;
    json_t *changes;         /* array, in order: messages of the changes topic that speak of it */
    struct ed_table settled; /* operations that cannot be taken back any more */
    uint64_t now;            /* where it is: itself, or the event that it went into at last */
};

/* Read the changes of a pipeline. The story is cleared in any case. EDDY_INVALID: nothing is told
 * of such an event. Else as ed_look. */
eddy_status ed_story_read(struct ed_story *story, struct ed_config *config, const char *dir,
                          uint64_t event, eddy_error *err);
/* The same of changes that were read already (an array of such messages). */
eddy_status ed_story_of(struct ed_story *story, const json_t *changes, uint64_t event,
                        eddy_error *err);
void ed_story_clear(struct ed_story *story);

/* One line of a story, fit for a terminal. */
struct ed_story_line {
    int64_t time_ms;
    char words[400];    /* what happened, as a sentence without its end */
    char evidence[100]; /* "similarity 0.61 where 0.43 was asked"; "": none */
    char author[800];   /* who decided, why, and the command that takes it back; "": it is told
                           below another line, or was the engine itself */
};
/* The line of the change at *at, which then is the next one to be told; 0: there is none left.
 * Groups that went the same way at the same moment are one line. */
int ed_story_next(const struct ed_story *story, size_t *at, struct ed_story_line *ret);
/* A line for each change, with who decided, why, and the command that takes it back. */
void ed_story_print(const struct ed_story *story, struct ed_view *view);
/* The same as records (USERS 4.4), a line of JSON each. */
void ed_story_print_json(const struct ed_story *story);

#endif
