/* Which source it is decides what happens. */
#include "source/inside.h"

eddy_status ed_source_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                           size_t *n_ret, int *end, eddy_error *err)
{
    return source->read(source, wait_ms, ret, max, n_ret, end, err);
}

void ed_source_starts(const struct ed_source *source, const struct ed_offset **ret, size_t *n_ret)
{
    *ret = source->starts;
    *n_ret = source->n_starts;
}

void ed_source_progress(struct ed_source *source, struct ed_progress *ret)
{
    source->progress(source, ret);
}

void ed_source_lags(struct ed_source *source,
                    void (*tell)(void *user, const char *topic, int32_t partition, uint64_t behind),
                    void *user)
{
    if (source->lags)
        source->lags(source, tell, user);
}

void ed_source_stop(struct ed_source *source)
{
    atomic_store(&source->stopped, 1);
}

void ed_source_free(struct ed_source *source)
{
    if (source)
        source->free(source);
}
