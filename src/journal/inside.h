/* What the two journals share: a handle whose first member says which one it is. */
#ifndef ED_JOURNAL_INSIDE_H
#define ED_JOURNAL_INSIDE_H

#include "journal/journal.h"

struct ed_journal {
    eddy_status (*commit)(struct ed_journal *journal, const struct ed_epoch *epoch,
                          eddy_error *err);
    eddy_status (*close)(struct ed_journal *journal, eddy_error *err);
};

#endif
