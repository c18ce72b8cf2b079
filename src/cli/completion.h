/* completion: scripts for shells, out of the tables of commands and options. Nothing is listed by
 * hand, so that what is added completes. */
#ifndef ED_CLI_COMPLETION_H
#define ED_CLI_COMPLETION_H

#include "cli/config.h"

#include <stdio.h>

/* How the value of a flag is found: "files", "folders", "profiles", "settings" (KEY=VALUE); "none"
 * where it is not for us to guess; NULL: it takes none. */
const char *ed_completes(const struct ed_flag *flag);
/* A line for each option that is not free: its key, and the words that it may be, blanks between
 * them. */
void ed_completes_values(FILE *out, const char *before, const char *between, const char *behind);
/* The names of all commands, a blank behind each. */
void ed_completes_commands(FILE *out);
/* Of a help: as much of its first line as fits, without quotes and brackets, which each shell reads
 * in its own way. */
void ed_completes_help(FILE *out, const char *help);

/* The shells; bash is in completion.c. */
extern const char ed_completes_shells[];
void ed_complete_zsh(FILE *out);
void ed_complete_fish(FILE *out);

#endif
