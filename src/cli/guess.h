/* guess: what an input is, told by its first lines. */
#ifndef ED_CLI_GUESS_H
#define ED_CLI_GUESS_H

#include "cli/config.h"

/* "JSON objects", "plain lines", "lines of a log": an eddy_format for people. */
const char *ed_guess_name(int format);

/* Unless somebody said what the input is (document.format), its first line that is not blank does:
 * JSON objects, or lines; of either kind it is a log where the first lines have the header of one,
 * or its fields and no text. What looks like JSON of many lines is refused: read as plain text each
 * of its lines would be a document.
 *
 *   source   files, not read yet
 *   command  for the advice: "detect"
 *
 * EDDY_FORMAT  it is refused; EDDY_IO, EDDY_NOMEM, EDDY_STOPPED as a read */
eddy_status ed_guess_format(struct ed_config *config, struct ed_source *source, const char *command,
                            eddy_error *err);

#endif
