/* What the sources share: a handle whose first member says which one it is. */
#ifndef ED_SOURCE_INSIDE_H
#define ED_SOURCE_INSIDE_H

#include "source/source.h"

#include <stdatomic.h>

struct ed_source {
    eddy_status (*read)(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                        size_t *n_ret, int *end, eddy_error *err);
    void (*progress)(struct ed_source *source, struct ed_progress *ret);
    void (*lags)(struct ed_source *source,
                 void (*tell)(void *user, const char *topic, int32_t partition, uint64_t behind),
                 void *user); /* NULL: there are none */
    void (*free)(struct ed_source *source);
    struct ed_offset *starts; /* (n_starts) owned by the kind */
    size_t n_starts;
    atomic_int stopped;
};

#endif
