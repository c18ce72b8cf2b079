/* One door to the two journals. */
#include "journal/inside.h"

eddy_status ed_journal_restore(struct ed_journal *journal, uint64_t fingerprint,
                               const struct ed_loader *loader, const struct ed_head **ret_head,
                               eddy_error *err)
{
    return journal->restore(journal, fingerprint, loader, ret_head, err);
}

eddy_status ed_journal_follow(struct ed_journal *journal, const struct ed_loader *loader,
                              eddy_error *err)
{
    return journal->follow ? journal->follow(journal, loader, err) : EDDY_OK;
}

eddy_status ed_journal_commit(struct ed_journal *journal, struct ed_epoch *epoch, eddy_error *err)
{
    return journal->commit(journal, epoch, err);
}

void ed_journal_stats(const struct ed_journal *journal, struct ed_journal_stats *ret)
{
    journal->stats(journal, ret);
}

eddy_status ed_journal_close(struct ed_journal *journal, eddy_error *err)
{
    return journal ? journal->close(journal, err) : EDDY_OK;
}
