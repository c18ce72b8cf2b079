/* One output: a file that is written in whole epochs, and cut back where that failed.
 *
 * A file under way is locked, so that two runs cannot write it at once, and so that a NAME.part
 * without a lock is known to be left by a run that was killed. */
#include "journal/output.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_BYTES ((size_t)1 << 20) /* memory of lines that is kept from epoch to epoch */

void ed_output_init(struct ed_output *out)
{
    *out = (struct ed_output){.fd = -1};
    ed_bytes_init(&out->lines, 0); /* the epoch's arena is the ceiling */
}

const char *ed_output_name(const struct ed_output *out)
{
    return strcmp(out->path, "-") ? out->path : "standard output";
}

/* ---- writing ---- */

static eddy_status write_error(const struct ed_output *out, eddy_error *err)
{
    if (errno == EPIPE)
        return eddy_fail(err, EDDY_STOPPED, "%s: its reader has gone", ed_output_name(out));
    if (errno == ENOSPC || errno == EDQUOT)
        return eddy_fail_retriable(err, EDDY_IO, "%s: %s", ed_output_name(out), strerror(errno));
    return eddy_fail(err, EDDY_IO, "%s: cannot write: %s", ed_output_name(out), strerror(errno));
}

eddy_status ed_output_write(struct ed_output *out, eddy_error *err)
{
    size_t done = 0;
    while (done < out->lines.n) {
        ssize_t n = write(out->fd, out->lines.at + done, out->lines.n - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = {.fd = out->fd, .events = POLLOUT};
            poll(&wait, 1, 1000);
        } else if (errno != EINTR) {
            return write_error(out, err);
        }
    }
    return EDDY_OK;
}

eddy_status ed_output_flush(struct ed_output *out, eddy_error *err)
{
    return out->lines.n && fdatasync(out->fd) != 0 ? write_error(out, err) : EDDY_OK;
}

void ed_output_forget(struct ed_output *out)
{
    if (out->lines.room > KEEP_BYTES)
        ed_bytes_clear(&out->lines);
    ed_bytes_empty(&out->lines);
}

void ed_output_accept(struct ed_output *out)
{
    if (out->fd >= 0 && out->is_file)
        out->committed += out->lines.n;
    ed_output_forget(out);
}

eddy_status ed_output_cut(struct ed_output *out, eddy_error *err)
{
    if (out->fd < 0 || !out->is_file || lseek(out->fd, 0, SEEK_CUR) == (off_t)out->committed)
        return EDDY_OK;
    if (ftruncate(out->fd, (off_t)out->committed) == 0 &&
        lseek(out->fd, (off_t)out->committed, SEEK_SET) >= 0)
        return EDDY_OK;
    return eddy_fail(err, EDDY_IO, "%s: cannot cut back: %s", ed_output_name(out), strerror(errno));
}

/* ---- the end ---- */

static int is_empty(int fd)
{
    struct stat is;
    return fstat(fd, &is) == 0 && is.st_size == 0;
}

eddy_status ed_output_finish(struct ed_output *out, eddy_error *err)
{
    if (out->fd < 0 || !out->part)
        return EDDY_OK;
    if (fsync(out->fd) != 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot flush: %s", out->part, strerror(errno));
    if (rename(out->part, out->path) != 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot rename to %s: %s", out->part, out->path,
                         strerror(errno));
    ed_free(out->part);
    out->part = NULL;
    return EDDY_OK;
}

void ed_output_clear(struct ed_output *out)
{
    if (out->fd >= 0 && out->part && !out->committed && is_empty(out->fd))
        unlink(out->part);
    if (out->fd > STDERR_FILENO)
        close(out->fd);
    ed_bytes_clear(&out->lines);
    ed_free(out->path);
    ed_free(out->part);
    ed_output_init(out);
}

/* ---- open ---- */

/* Open NAME.part, and lock it. */
static eddy_status part_open(struct ed_output *out, int flags, eddy_error *err)
{
    out->is_file = 1;
    out->fd = open(out->part, O_WRONLY | O_CLOEXEC | flags, 0666);
    if (out->fd < 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot open: %s", out->part, strerror(errno));
    if (flock(out->fd, LOCK_EX | LOCK_NB) == 0)
        return EDDY_OK;
    close(out->fd);
    out->fd = -1; /* not ours: neither renamed nor removed */
    return eddy_fail(err, EDDY_IO, "%s: another run is writing it", out->part);
}

/* Move a NAME.part out of the way whose run was killed. It is ours: we hold its lock. */
static eddy_status keep_old(struct ed_output *out, eddy_error *err)
{
    if (is_empty(out->fd))
        return EDDY_OK;
    size_t room = strlen(out->part) + 16;
    char *kept = ed_alloc(room);
    if (!kept)
        return eddy_fail_nomem(err, out->part, room);
    int n = 0;
    do
        snprintf(kept, room, "%s.%d", out->part, ++n);
    while (access(kept, F_OK) == 0 && n < 10000);
    int moved = rename(out->part, kept) == 0;
    if (moved)
        ed_log(ED_LOG_WARN, "journal", "%s was left by a run that did not end: kept as %s",
               out->part, kept);
    eddy_status st = moved ? EDDY_OK
                           : eddy_fail(err, EDDY_IO, "%s: cannot move out of the way: %s",
                                       out->part, strerror(errno));
    ed_free(kept);
    if (st != EDDY_OK)
        return st;
    close(out->fd);
    return part_open(out, O_CREAT | O_EXCL, err);
}

static eddy_status names_make(struct ed_output *out, const char *path, int with_part,
                              eddy_error *err)
{
    size_t n = strlen(path);
    out->path = ed_strdup(path);
    out->part = with_part ? ed_alloc(n + sizeof ".part") : NULL;
    if (!out->path || (with_part && !out->part))
        return eddy_fail_nomem(err, path, n);
    if (with_part) {
        memcpy(out->part, path, n);
        memcpy(out->part + n, ".part", sizeof ".part");
    }
    return EDDY_OK;
}

eddy_status ed_output_waits(const char *path, int *ret, eddy_error *err)
{
    struct ed_output out;
    ed_output_init(&out);
    eddy_status st = names_make(&out, path, 1, err);
    if (st == EDDY_OK) {
        *ret = access(out.part, F_OK) == 0;
        if (!*ret && errno != ENOENT)
            st = eddy_fail(err, EDDY_IO, "%s: cannot be seen: %s", out.part, strerror(errno));
    }
    ed_output_clear(&out);
    return st;
}

eddy_status ed_output_open(struct ed_output *out, const char *path, eddy_error *err)
{
    struct stat is;
    int is_stdout = !strcmp(path, "-");
    int regular = !is_stdout && (stat(path, &is) != 0 || S_ISREG(is.st_mode));
    eddy_status st = names_make(out, path, regular, err);
    if (st != EDDY_OK)
        return st;
    if (regular) {
        st = part_open(out, O_CREAT, err);
        return st == EDDY_OK ? keep_old(out, err) : st;
    }
    out->fd = is_stdout ? STDOUT_FILENO : open(path, O_WRONLY | O_CLOEXEC);
    if (out->fd < 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot open: %s", path, strerror(errno));
    return EDDY_OK;
}

eddy_status ed_output_resume(struct ed_output *out, const char *path, uint64_t written,
                             eddy_error *err)
{
    struct stat is;
    eddy_status st = names_make(out, path, 1, err);
    if (st != EDDY_OK)
        return st;
    if (written && access(out->part, F_OK) != 0 && errno == ENOENT)
        return eddy_fail(err, EDDY_FORMAT, "%s: is gone, with %llu bytes that were written",
                         out->part, (unsigned long long)written);
    st = part_open(out, written ? 0 : O_CREAT, err);
    if (st != EDDY_OK)
        return st;
    out->committed = written;
    if (fstat(out->fd, &is) != 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot read: %s", out->part, strerror(errno));
    if ((uint64_t)is.st_size < written)
        return eddy_fail(err, EDDY_FORMAT, "%s: has only %llu of the %llu bytes that were written",
                         out->part, (unsigned long long)is.st_size, (unsigned long long)written);
    if ((uint64_t)is.st_size > written && ftruncate(out->fd, (off_t)written) != 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot cut back: %s", out->part, strerror(errno));
    if (lseek(out->fd, (off_t)written, SEEK_SET) < 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot seek: %s", out->part, strerror(errno));
    return EDDY_OK;
}
