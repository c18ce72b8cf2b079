/* The disk: whole writes, names that stay, and errors that say whether to try again. */
#include "journal/disk.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

eddy_status ed_disk_fail(const char *path, const char *what, eddy_error *err)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return eddy_fail_retriable(err, EDDY_IO, "%s: %s: %s", path, what, strerror(errno));
    return eddy_fail(err, EDDY_IO, "%s: %s: %s", path, what, strerror(errno));
}

eddy_status ed_disk_write(int fd, const char *path, const void *p, size_t n, uint64_t at,
                          eddy_error *err)
{
    size_t done = 0;
    while (done < n) {
        ssize_t one = pwrite(fd, (const char *)p + done, n - done, (off_t)(at + done));
        if (one > 0)
            done += (size_t)one;
        else if (one == 0 || errno != EINTR)
            return ed_disk_fail(path, "cannot write", err);
    }
    return EDDY_OK;
}

eddy_status ed_disk_settle(const char *path, eddy_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    char *folder = slash ? ed_strndup(n ? path : "/", n ? n : 1) : ed_strdup(".");
    if (!folder)
        return eddy_fail_nomem(err, path, n);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A file system that cannot flush a folder says EINVAL, and keeps names in its own way. */
    eddy_status st = EDDY_OK;
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        st = ed_disk_fail(folder, "cannot flush the folder", err);
    if (fd >= 0)
        close(fd);
    ed_free(folder);
    return st;
}
