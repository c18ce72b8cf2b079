/* manual: pages of the manual, written by the program itself from its tables of commands and
 * options, in the language of scdoc(5). The build turns them into man pages. */
#ifndef ED_CLI_MANUAL_H
#define ED_CLI_MANUAL_H

#include <stdio.h>

/* Write the page "eddy.1" or "eddy.yaml.5". 0: there is no such page, nothing was written. */
int ed_manual_page(FILE *out, const char *page);

/* text so that scdoc takes no character of it for its own; each further line of it ("\n") becomes
 * a line at indent, without the blanks that it begins with. */
void ed_manual_text(FILE *out, const char *text, const char *indent);

#endif
