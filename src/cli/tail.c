/* Tail: a file is read to its end again and again; a line counts once its end is there. The file
 * keeps its descriptor when the end of the run renames it. */
#include "cli/tail.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK      ((size_t)64 << 10)
#define CHUNKS_MAX 64
#define LINE_BYTES ((size_t)16 << 20)

static eddy_status tail_find(struct ed_tail *tail, eddy_error *err)
{
    char part[sizeof tail->path + 8];
    snprintf(part, sizeof part, "%s.part", tail->path);
    tail->fd = open(tail->path, O_RDONLY | O_CLOEXEC);
    if (tail->fd < 0 && errno == ENOENT)
        tail->fd = open(part, O_RDONLY | O_CLOEXEC);
    if (tail->fd < 0 && errno == ENOENT) /* its last name, in case it got it just now */
        tail->fd = open(tail->path, O_RDONLY | O_CLOEXEC);
    if (tail->fd < 0 && errno != ENOENT)
        return eddy_fail(err, EDDY_IO, "%s: cannot read: %s", tail->path, strerror(errno));
    return EDDY_OK;
}

eddy_status ed_tail_open(struct ed_tail *tail, const char *dir, const char *name, eddy_error *err)
{
    *tail = (struct ed_tail){.fd = -1};
    int n = snprintf(tail->path, sizeof tail->path, "%s/%s.jsonl", dir, name);
    if (n < 0 || (size_t)n >= sizeof tail->path)
        return eddy_fail(err, EDDY_IO, "%.100s...: the name is too long", dir);
    return tail_find(tail, err);
}

void ed_tail_close(struct ed_tail *tail)
{
    if (tail->fd >= 0)
        close(tail->fd);
    ed_free(tail->line);
    *tail = (struct ed_tail){.fd = -1};
}

int ed_tail_ended(const struct ed_tail *tail)
{
    return access(tail->path, F_OK) == 0;
}

/* A run that is taken up again goes on where its last epoch ended. */
static void cut_back(struct ed_tail *tail)
{
    struct stat now;
    if (fstat(tail->fd, &now) == 0 && now.st_size < tail->at) {
        tail->at = now.st_size;
        tail->n = 0;
    }
}

static eddy_status lines_out(struct ed_tail *tail,
                             eddy_status (*fn)(void *user, eddy_str line, eddy_error *err),
                             void *user, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    char *start = tail->line, *end = tail->line + tail->n, *newline;
    while (st == EDDY_OK && (newline = memchr(start, '\n', (size_t)(end - start)))) {
        *newline = 0;
        if (newline > start)
            st = fn(user, (eddy_str){start, (size_t)(newline - start)}, err);
        start = newline + 1;
    }
    tail->n = (size_t)(end - start);
    memmove(tail->line, start, tail->n);
    return st;
}

static eddy_status room_make(struct ed_tail *tail, eddy_error *err)
{
    size_t room = tail->n + CHUNK;
    if (room <= tail->room)
        return EDDY_OK;
    room = room < 2 * tail->room ? 2 * tail->room : room;
    char *line = room > LINE_BYTES + CHUNK ? NULL : ed_realloc(tail->line, room);
    if (!line)
        return eddy_fail_nomem(err, tail->path, room);
    tail->line = line;
    tail->room = room;
    return EDDY_OK;
}

eddy_status ed_tail_read(struct ed_tail *tail,
                         eddy_status (*fn)(void *user, eddy_str line, eddy_error *err), void *user,
                         int *ret, eddy_error *err)
{
    eddy_status st = tail->fd < 0 ? tail_find(tail, err) : EDDY_OK;
    *ret = 0;
    if (st != EDDY_OK || tail->fd < 0)
        return st;
    cut_back(tail);
    for (int i = 0; i < CHUNKS_MAX; i++) {
        st = room_make(tail, err);
        if (st != EDDY_OK)
            return st;
        ssize_t n = pread(tail->fd, tail->line + tail->n, CHUNK, (off_t)tail->at);
        if (n < 0 && errno != EINTR)
            return eddy_fail(err, EDDY_IO, "%s: cannot read: %s", tail->path, strerror(errno));
        if (n <= 0)
            break;
        tail->at += n;
        tail->n += (size_t)n;
        *ret = 1;
        st = lines_out(tail, fn, user, err);
        if (st != EDDY_OK)
            return st;
    }
    return EDDY_OK;
}
