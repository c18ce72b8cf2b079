/* What the sources share: a handle whose first member says which one it is. */
#ifndef ED_SOURCE_INSIDE_H
#define ED_SOURCE_INSIDE_H

#include "source/source.h"

#include <stdatomic.h>

struct ed_source {
    eddy_status (*read)(struct ed_source *source, size_t reader, int wait_ms, eddy_raw *ret,
                        size_t max, size_t *n_ret, int *end, eddy_error *err);
    void (*pause)(struct ed_source *source, size_t reader, int paused);
    eddy_status (*done)(struct ed_source *source, const struct ed_offset *offsets, size_t n,
                        eddy_error *err);
    void (*progress)(struct ed_source *source, struct ed_progress *ret);
    void (*free)(struct ed_source *source);
    size_t n_readers;
    atomic_int stopped;
};

/* Sleep for wait_ms, or until the source is stopped. */
void ed_source_nap(const struct ed_source *source, int wait_ms);

#endif
