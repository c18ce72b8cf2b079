/* Files: lines out of one large buffer.
 *
 * A read hands out lines that lie whole in the buffer, as they lie there; the next read first
 * moves the rest to the front, then fills up. The buffer holds the longest line that is let
 * through and one CRLF; what is longer is cut and its rest skipped, so memory has a ceiling
 * whatever the file.
 *
 * The first bytes of each file are looked at before any line of it goes out: a byte order mark is
 * passed over, and what is compressed is refused, for its lines would all be rubbish. */
#include "source/inside.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK    ((size_t)256 << 10) /* the buffer at first, and the least that is read at once */
#define SLICE_MS 100                 /* between two looks at the stop flag */

struct files {
    struct ed_source source;
    char **paths; /* (n) */
    size_t n;
    size_t line_max; /* bytes of a line that are let through */

    size_t current; /* file under way */
    int fd;         /* -1: not yet open */
    int looked;     /* its first bytes are known to be fit */
    int at_end;     /* all of it is in the buffer */
    int skipping;   /* in the rest of a line that was cut */
    int64_t line;   /* number of the next line */
    uint64_t place; /* bytes read of this file */

    char *buffer;
    size_t start, end, room; /* [start, end) is not yet handed out */

    atomic_uint_fast64_t bytes, messages;
    uint64_t bytes_total;
};

static int is_stdin(const char *path)
{
    return !strcmp(path, "-");
}

static const char *topic_of(const struct files *f)
{
    return is_stdin(f->paths[f->current]) ? "stdin" : f->paths[f->current];
}

/* ---- the first bytes ---- */

static const struct magic {
    const char *bytes; /* (n) '?' stands for any */
    size_t n;
    const char *reader; /* the program that makes text of it; NULL: the bytes are passed over */
} magics[] = {
    {"\xEF\xBB\xBF", 3, NULL}, /* the byte order mark of UTF-8 */
    {"\x1F\x8B", 2, "zcat"},
    {"\x28\xB5\x2F\xFD", 4, "zstdcat"},
    {"\xFD"
     "7zXZ",
     6, "xzcat"},
    {"BZh?1AY&SY", 10, "bzcat"},
};
#define N_MAGICS  (sizeof magics / sizeof *magics)
#define MAGIC_MAX 10

/* 1: n bytes begin, or could go on, like the magic. */
static int magic_fits(const struct magic *magic, const char *s, size_t n)
{
    for (size_t i = 0; i < n && i < magic->n; i++)
        if (s[i] != magic->bytes[i] && magic->bytes[i] != '?')
            return 0;
    return 1;
}

static eddy_status refuse(const char *path, const struct magic *magic, eddy_error *err)
{
    if (is_stdin(path))
        return eddy_fail(err, EDDY_IO,
                         "standard input: is compressed; try: %s FILE | eddy detect -",
                         magic->reader);
    return eddy_fail(err, EDDY_IO, "%s: is compressed; try: %s %s | eddy detect -", path,
                     magic->reader, path);
}

/* Look at the first bytes of a file, as soon as there are enough to know. No magic holds a newline:
 * while there are not, there is no whole line either. */
static eddy_status look(struct files *f, eddy_error *err)
{
    const char *s = f->buffer + f->start;
    size_t n = f->end - f->start;
    for (size_t i = 0; i < N_MAGICS; i++) {
        const struct magic *magic = &magics[i];
        if (!magic_fits(magic, s, n))
            continue;
        if (n < magic->n && !f->at_end)
            return EDDY_OK;
        if (n < magic->n)
            continue;
        if (magic->reader)
            return refuse(f->paths[f->current], magic, err);
        f->start += magic->n;
        break;
    }
    f->looked = 1;
    return EDDY_OK;
}

/* ---- filling the buffer ---- */

/* A FIFO without a writer is not waited for here, where nobody could stop us. */
static eddy_status file_open(struct files *f, eddy_error *err)
{
    const char *path = f->paths[f->current];
    f->fd = is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot open: %s", path, strerror(errno));
    f->at_end = f->skipping = f->looked = 0;
    f->line = 0;
    f->place = 0;
    return EDDY_OK;
}

static void file_close(struct files *f)
{
    if (f->fd > STDERR_FILENO)
        close(f->fd);
    f->fd = -1;
}

/* Room for more behind end; the lines handed out before are forgotten. */
static eddy_status make_room(struct files *f, eddy_error *err)
{
    if (f->start > 0) {
        memmove(f->buffer, f->buffer + f->start, f->end - f->start);
        f->end -= f->start;
        f->start = 0;
    }
    if (f->end < f->room)
        return EDDY_OK;
    size_t room = f->room ? f->room * 2 : CHUNK;
    size_t enough = f->line_max + 2 + CHUNK; /* a cut comes before more is wanted */
    room = room < enough ? room : enough;
    char *buffer = ed_realloc(f->buffer, room);
    if (!buffer)
        return eddy_fail_nomem(err, topic_of(f), room);
    f->buffer = buffer;
    f->room = room;
    return EDDY_OK;
}

/* 1: the file has something to read, or its end. */
static int is_ready(const struct files *f, int wait_ms)
{
    int64_t until = ed_monotonic_ms() + wait_ms;
    while (!atomic_load(&f->source.stopped)) {
        int64_t left = until - ed_monotonic_ms();
        struct pollfd one = {.fd = f->fd, .events = POLLIN};
        int n = poll(&one, 1, left <= 0 ? 0 : left < SLICE_MS ? (int)left : SLICE_MS);
        if (n > 0 || (n < 0 && errno != EINTR))
            return 1; /* an error shows itself in read */
        if (left <= 0)
            return 0;
    }
    return 0;
}

/* Read once. Nothing new is no error. */
static eddy_status fill(struct files *f, int wait_ms, eddy_error *err)
{
    eddy_status st = make_room(f, err);
    if (st != EDDY_OK || !is_ready(f, wait_ms))
        return st;
    ssize_t n = read(f->fd, f->buffer + f->end, f->room - f->end);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return EDDY_OK;
    if (n < 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot read at byte %llu: %s", topic_of(f),
                         (unsigned long long)f->place, strerror(errno));
    f->at_end = n == 0;
    f->end += (size_t)n;
    f->place += (size_t)n;
    atomic_fetch_add(&f->bytes, (uint64_t)n);
    return f->looked ? EDDY_OK : look(f, err);
}

/* ---- lines ---- */

static int is_blank(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r')
            return 0;
    return 1;
}

/* The next line of the buffer, without its end. 0: it is not whole yet. */
static int line_next(struct files *f, const char **ret, size_t *n_ret)
{
    const char *s = f->buffer + f->start;
    size_t left = f->end - f->start;
    const char *newline = left ? memchr(s, '\n', left) : NULL;
    size_t n = newline ? (size_t)(newline - s) : left;
    if (!newline && n < f->line_max + 2 && !(f->at_end && n))
        return 0; /* with line_max + 2 bytes it is too long, CR or not */
    f->start += newline ? n + 1 : n;
    f->skipping = !newline && !f->at_end;
    if (n && s[n - 1] == '\r')
        n--;
    *ret = s;
    *n_ret = n < f->line_max ? n : f->line_max;
    return 1;
}

/* Throw away the rest of a line that was cut. 0: its end is not in the buffer yet. */
static int skip(struct files *f)
{
    const char *s = f->buffer + f->start;
    const char *newline = f->end > f->start ? memchr(s, '\n', f->end - f->start) : NULL;
    f->start = newline ? f->start + (size_t)(newline - s) + 1 : f->end;
    f->skipping = !newline && !f->at_end;
    return newline != NULL;
}

/* Pass over the lines below the file's start: they end where line_next would end them, but nobody
 * looks at them. 0: there are more of them than the buffer holds. */
static int lines_pass(struct files *f)
{
    int64_t first = f->source.starts[f->current].next;
    while (f->line < first && f->start < f->end) {
        const char *s = f->buffer + f->start;
        const char *newline = memchr(s, '\n', f->end - f->start);
        if (!newline && !f->at_end) {
            f->start = f->end;
            return 0;
        }
        f->start = newline ? f->start + (size_t)(newline - s) + 1 : f->end;
        f->line++;
    }
    return f->line >= first;
}

/* Hand out the lines that lie whole in the buffer. */
static size_t lines_take(struct files *f, eddy_raw *ret, size_t max)
{
    size_t n = 0;
    int64_t now = ed_wall_ms();
    if ((!f->looked && !f->at_end) || !lines_pass(f))
        return 0;
    while (n < max) {
        const char *s;
        size_t n_bytes;
        if (f->skipping && !skip(f))
            break;
        if (!line_next(f, &s, &n_bytes))
            break;
        int64_t number = f->line++;
        if (is_blank(s, n_bytes))
            continue;
        ret[n++] = (eddy_raw){.bytes = s,
                              .n = n_bytes,
                              .broker_ms = -1,
                              .arrival_ms = now,
                              .position = {topic_of(f), (int32_t)f->current, number}};
    }
    atomic_fetch_add(&f->messages, n);
    return n;
}

static eddy_status files_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                              size_t *n_ret, int *end, eddy_error *err)
{
    struct files *f = (struct files *)source;
    eddy_status st = EDDY_OK;
    *n_ret = 0;
    int64_t until = ed_monotonic_ms() + wait_ms;
    int late = 0; /* the buffer has been filled for the last time */
    while (st == EDDY_OK) {
        if (atomic_load(&source->stopped) || f->current == f->n)
            break;
        if (f->fd < 0 && (st = file_open(f, err)) != EDDY_OK)
            break;
        *n_ret = lines_take(f, ret, max);
        if (*n_ret)
            return EDDY_OK;
        if (f->at_end) {
            file_close(f);
            f->current++;
            f->start = f->end = 0;
            continue;
        }
        if (late)
            break; /* no whole line in time */
        int64_t left = until - ed_monotonic_ms();
        uint64_t before = f->place;
        late = left <= 0;
        st = fill(f, late ? 0 : (int)left, err);
        if (f->place == before && !f->at_end)
            break;
    }
    if (st == EDDY_OK && atomic_load(&source->stopped))
        return eddy_fail(err, EDDY_STOPPED, "reading was stopped");
    *end = f->current == f->n;
    return st;
}

/* ---- the rest ---- */

static void files_progress(struct ed_source *source, struct ed_progress *ret)
{
    struct files *f = (struct files *)source;
    *ret = (struct ed_progress){.bytes = atomic_load(&f->bytes),
                                .bytes_total = f->bytes_total,
                                .messages = atomic_load(&f->messages)};
}

static void files_free(struct ed_source *source)
{
    struct files *f = (struct files *)source;
    file_close(f);
    for (size_t i = 0; f->paths && i < f->n; i++)
        ed_free(f->paths[i]);
    ed_free(f->paths);
    ed_free(f->source.starts);
    ed_free(f->buffer);
    ed_free(f);
}

/* A mistake in the last name should show before the first file is read. Gives the size, or -1 where
 * it is not known. */
static eddy_status path_check(const char *path, int64_t *size, eddy_error *err)
{
    struct stat is;
    int there = is_stdin(path) ? fstat(STDIN_FILENO, &is) : stat(path, &is);
    *size = -1;
    if (there != 0 || (!is_stdin(path) && access(path, R_OK) != 0))
        return eddy_fail(err, EDDY_IO, "%s: cannot open: %s", path, strerror(errno));
    if (S_ISDIR(is.st_mode))
        return eddy_fail(err, EDDY_IO, "%s: is a directory", path);
    if (!S_ISREG(is.st_mode))
        return EDDY_OK; /* a FIFO must not be opened twice */
    *size = is.st_size;
    if (is_stdin(path))
        return EDDY_OK;
    char first[MAGIC_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, first, sizeof first);
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot read: %s", path, strerror(errno));
    for (size_t i = 0; i < N_MAGICS; i++)
        if (magics[i].reader && (size_t)n >= magics[i].n &&
            magic_fits(&magics[i], first, (size_t)n))
            return refuse(path, &magics[i], err);
    return EDDY_OK;
}

/* Where each file begins: what is told of it, or its first line. */
static void starts_set(struct files *f, const struct ed_offset *starts, size_t n_starts)
{
    for (f->current = 0; f->current < f->n; f->current++) {
        struct ed_offset *mine = &f->source.starts[f->current];
        *mine = (struct ed_offset){topic_of(f), (int32_t)f->current, 0};
        for (size_t i = 0; i < n_starts; i++)
            if (starts[i].partition == mine->partition && !strcmp(starts[i].topic, mine->topic))
                mine->next = starts[i].next;
    }
    f->current = 0;
}

static eddy_status paths_set(struct files *f, const char *const *paths, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    int sized = 1;
    for (size_t i = 0; i < f->n && st == EDDY_OK; i++) {
        int64_t size = -1;
        f->paths[i] = ed_strdup(paths[i]);
        st = f->paths[i] ? path_check(paths[i], &size, err)
                         : eddy_fail_nomem(err, paths[i], strlen(paths[i]));
        f->bytes_total += (uint64_t)size;
        sized &= size >= 0;
    }
    if (!sized)
        f->bytes_total = 0;
    return st;
}

eddy_status ed_source_files_open(const char *const *paths, size_t n, size_t document_max,
                                 const struct ed_offset *starts, size_t n_starts,
                                 struct ed_source **ret, eddy_error *err)
{
    struct files *f = ed_alloc_zero(1, sizeof *f);
    if (!f)
        return eddy_fail_nomem(err, "source", sizeof *f);
    f->source = (struct ed_source){
        .read = files_read, .progress = files_progress, .free = files_free, .n_starts = n};
    f->fd = -1;
    f->line_max = document_max + 1;
    f->n = n;
    f->paths = ed_alloc_zero(n, sizeof *f->paths);
    f->source.starts = ed_alloc_zero(n, sizeof *f->source.starts);
    eddy_status st = f->paths && f->source.starts
                         ? paths_set(f, paths, err)
                         : eddy_fail_nomem(err, "source", n * sizeof *f->paths);
    if (st != EDDY_OK) {
        files_free(&f->source);
        return st;
    }
    starts_set(f, starts, n_starts);
    *ret = &f->source;
    return EDDY_OK;
}

/* 1: a line that is not blank lies whole in the buffer. */
static int has_line(const struct files *f)
{
    size_t at = f->start;
    while (at < f->end && memchr(" \t\r\n", f->buffer[at], 4))
        at++;
    return at < f->end && memchr(f->buffer + at, '\n', f->end - at);
}

eddy_status ed_source_files_peek(struct ed_source *source, char *ret, size_t max, size_t *n_ret,
                                 eddy_error *err)
{
    struct files *f = (struct files *)source;
    eddy_status st = f->fd < 0 ? file_open(f, err) : EDDY_OK;
    while (st == EDDY_OK && !f->at_end && f->end - f->start < max && !has_line(f)) {
        if (atomic_load(&source->stopped))
            return eddy_fail(err, EDDY_STOPPED, "reading was stopped");
        st = fill(f, SLICE_MS, err);
    }
    if (st != EDDY_OK)
        return st;
    *n_ret = f->end - f->start < max ? f->end - f->start : max;
    if (*n_ret)
        memcpy(ret, f->buffer + f->start, *n_ret);
    return EDDY_OK;
}
