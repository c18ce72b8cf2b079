/* dead: why documents died, or were not taken, for people. */
#ifndef ED_CLI_DEAD_H
#define ED_CLI_DEAD_H

#include "cli/config.h"
#include "cli/view.h"
#include "pipeline/pipeline.h"

/* The first dead letter of each reason, as sentences. Zero at the start; one owner thread. */
struct ed_dead {
    char first[EDDY_REJECTS][700]; /* "news.jsonl:3: no text, ..."; "": there was none */
    char names[300];               /* of the fields of the first one without text: "id, message" */
    char longest[80];              /* the pointer to the longest text among them; "": none */
};

/* Look at a dead letter. Keeps where it lay, why it died and the names of its fields, never its
 * text. */
void ed_dead_look(struct ed_dead *dead, const eddy_raw *raw, eddy_reject reject,
                  const char *detail);
/* The account of a run, as lines: how many died of what, and the first of each; how many were
 * filtered for their language. */
void ed_dead_account(const struct ed_dead *dead, const struct ed_config *config,
                     const struct ed_counts *counts, struct ed_view *view);
/* Documents came and none could be used: EDDY_FORMAT, with what to do about it.
 *
 *   done  what should have become of them: "assigned" */
eddy_status ed_dead_useless(const struct ed_dead *dead, const struct ed_config *config,
                            const struct ed_counts *counts, const char *done, eddy_error *err);

#endif
