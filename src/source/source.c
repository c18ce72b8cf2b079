/* Which source it is decides what happens. */
#include "source/inside.h"

#include <time.h>

size_t ed_source_readers(const struct ed_source *source)
{
    return source->n_readers;
}

eddy_status ed_source_read(struct ed_source *source, size_t reader, int wait_ms, eddy_raw *ret,
                           size_t max, size_t *n_ret, int *end, eddy_error *err)
{
    return source->read(source, reader, wait_ms, ret, max, n_ret, end, err);
}

void ed_source_pause(struct ed_source *source, size_t reader, int paused)
{
    source->pause(source, reader, paused);
}

eddy_status ed_source_done(struct ed_source *source, const struct ed_offset *offsets, size_t n,
                           eddy_error *err)
{
    return source->done(source, offsets, n, err);
}

void ed_source_progress(struct ed_source *source, struct ed_progress *ret)
{
    source->progress(source, ret);
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

void ed_source_nap(const struct ed_source *source, int wait_ms)
{
    while (wait_ms > 0 && !atomic_load(&source->stopped)) {
        int now = wait_ms < 20 ? wait_ms : 20;
        nanosleep(&(struct timespec){0, now * 1000000L}, NULL);
        wait_ms -= now;
    }
}
