/* dead: why documents died. A journal that looks at the dead letters on their way through. */
#ifndef ED_CLI_DEAD_H
#define ED_CLI_DEAD_H

#include "cli/config.h"

/* The first dead letter of each reason, as sentences for people. Zero at the start; written by the
 * journal's owner thread, to be read when that is done. */
struct ed_dead {
    char first[EDDY_REJECTS][700]; /* "news.jsonl:3: no text, ..."; "": there was none */
    char names[300];               /* of the fields of the first one without text: "id, message" */
    char longest[80];              /* the pointer to the longest text among them; "": none */
};

/* A journal in front of *journal, which passes everything on and closes it when it is closed.
 *
 *   journal  taken and replaced; on failure as before
 *   dead     borrowed until the close
 *
 * EDDY_NOMEM */
eddy_status ed_dead_watch(struct ed_journal **journal, struct ed_dead *dead, eddy_error *err);

#endif
