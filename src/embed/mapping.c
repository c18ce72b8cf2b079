/* Files of a model are mapped, not read: processes on one machine share the weights. */
#include "embed/mapping.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

eddy_status ed_map(const char *dir, const char *name, size_t max, struct ed_mapping *ret,
                   eddy_error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return eddy_fail(err, EDDY_UNAVAILABLE, "model %s: the path is too long", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return eddy_fail(err, EDDY_UNAVAILABLE, "model %s: %s: %s", dir, name, strerror(errno));

    eddy_status st = EDDY_OK;
    struct ed_mapping mapping = {NULL, 0};
    struct stat about;
    if (fstat(fd, &about) < 0 || !S_ISREG(about.st_mode)) {
        st = eddy_fail(err, EDDY_UNAVAILABLE, "model %s: %s is not a file", dir, name);
    } else if (about.st_size < 0 || (uintmax_t)about.st_size > max) {
        st = eddy_fail(err, EDDY_FORMAT, "model %s: %s has %lld bytes, the most is %zu", dir, name,
                       (long long)about.st_size, max);
    } else if (about.st_size > 0) {
        mapping.n = (size_t)about.st_size;
        void *at = mmap(NULL, mapping.n, PROT_READ, MAP_PRIVATE, fd, 0);
        mapping.at = at;
        if (at == MAP_FAILED)
            st = eddy_fail(err, EDDY_UNAVAILABLE, "model %s: %s: %s", dir, name, strerror(errno));
    }
    close(fd);
    if (st == EDDY_OK)
        *ret = mapping;
    return st;
}

void ed_unmap(struct ed_mapping *mapping)
{
    if (mapping->n)
        munmap((void *)(uintptr_t)mapping->at, mapping->n);
    *mapping = (struct ed_mapping){NULL, 0};
}

void ed_mapping_cool(const struct ed_mapping *mapping)
{
    if (mapping->n)
        (void)madvise((void *)(uintptr_t)mapping->at, mapping->n, MADV_DONTNEED);
}
