/* Which journal it is decides what happens. */
#include "journal/inside.h"

eddy_status ed_journal_commit(struct ed_journal *journal, const struct ed_epoch *epoch,
                              eddy_error *err)
{
    return journal->commit(journal, epoch, err);
}

eddy_status ed_journal_close(struct ed_journal *journal, eddy_error *err)
{
    return journal ? journal->close(journal, err) : EDDY_OK;
}
