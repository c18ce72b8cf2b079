/* dead: why documents died, for people. */
#ifndef ED_CLI_DEAD_H
#define ED_CLI_DEAD_H

#include <eddy/doc.h>

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

#endif
