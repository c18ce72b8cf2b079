/* A file of a model, mapped for reading. */
#ifndef ED_EMBED_MAPPING_H
#define ED_EMBED_MAPPING_H

#include <eddy/error.h>

struct ed_mapping {
    const char *at; /* NULL when n is 0 */
    size_t n;
};

/* Map the file dir/name, of max bytes at most.
 *
 *   ret  to be given back by ed_unmap
 *
 * EDDY_UNAVAILABLE  missing, or it cannot be read
 * EDDY_FORMAT       longer than max
 * Who truncates the file meanwhile kills the process: models are replaced by renaming. */
eddy_status ed_map(const char *dir, const char *name, size_t max, struct ed_mapping *ret,
                   eddy_error *err);
void ed_unmap(struct ed_mapping *mapping); /* leaves it empty */
/* What was read of it need not stay in memory: it comes back from the file when it is wanted. */
void ed_mapping_cool(const struct ed_mapping *mapping);

#endif
