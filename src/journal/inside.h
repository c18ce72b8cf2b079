/* What the two journals share: a handle whose first member says which one it is. */
#ifndef ED_JOURNAL_INSIDE_H
#define ED_JOURNAL_INSIDE_H

#include "journal/journal.h"

struct ed_journal {
    eddy_status (*restore)(struct ed_journal *journal, uint64_t fingerprint,
                           const struct ed_loader *loader, const struct ed_head **ret_head,
                           eddy_error *err);
    eddy_status (*follow)(struct ed_journal *journal, const struct ed_loader *loader,
                          eddy_error *err); /* NULL: nothing to follow */
    eddy_status (*commit)(struct ed_journal *journal, struct ed_epoch *epoch, eddy_error *err);
    void (*stats)(const struct ed_journal *journal, struct ed_journal_stats *ret);
    eddy_status (*close)(struct ed_journal *journal, eddy_error *err);
};

#endif
