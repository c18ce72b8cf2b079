/* epochs: the protocol by which epochs become visible exactly once, on any log (log.h).
 *
 * One owner thread. */
#ifndef ED_JOURNAL_EPOCHS_H
#define ED_JOURNAL_EPOCHS_H

#include "journal/journal.h"
#include "journal/log.h"

struct ed_epochs_options {
    const char *pipeline; /* copied */
    const char *state; /* name of the state topic, for texts; NULL: the log keeps no state, and the
                          group's offset of the one input is the truth */
    const char *input; /* that input: topic ... */
    int32_t partition; /* ... and partition */
    int32_t shard, n_shards;
    const char *store; /* path of the local store; NULL: none */
    int deliver_ms;    /* an epoch that takes longer is given back, retriable */
};

/* log is taken, also on failure. A store that cannot be opened is done without (the log says so).
 * EDDY_NOMEM. */
eddy_status ed_epochs_new(const struct ed_epochs_options *options, struct ed_log *log,
                          struct ed_journal **ret, eddy_error *err);

#endif
