/* Epochs in files: JSON Lines that grow by whole epochs.
 *
 * An epoch's lines are gathered in memory and written in one go. When that fails half-way, a
 * regular file is cut back to where the epoch began: no line is ever torn, and a retry doubles
 * nothing. A file under way is locked, so that two runs cannot write it at once, and so that a
 * NAME.part without a lock is known to be left by a run that was killed. */
#include "journal/inside.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_BYTES ((size_t)1 << 20) /* memory of lines that is kept from epoch to epoch */

struct output {
    char *path, *part; /* part: what is open, renamed at close; NULL: path itself is written */
    int fd;            /* -1: not open */
    int is_file;       /* regular: may be cut back */
    off_t committed;   /* whole epochs end here; what comes after is not promised */
    struct ed_bytes lines;
};

struct files {
    struct ed_journal journal;
    struct output outputs[ED_TOPICS];
    struct output *of_topic[ED_TOPICS]; /* NULL: not kept */
    int failed;                         /* the last commit was */
};

static const char *name_of(const struct output *out)
{
    return strcmp(out->path, "-") ? out->path : "standard output";
}

/* ---- lines ---- */

/* The last header of that name: ours come after the message's own. */
static eddy_str header_of(const struct ed_message *m, const char *name)
{
    for (size_t i = m->n_headers; i-- > 0;)
        if (!strcmp(m->headers[i].name, name))
            return m->headers[i].value;
    return (eddy_str){NULL, 0};
}

static void put_text(struct ed_bytes *b, const char *key, eddy_str s)
{
    ed_json_key(b, key);
    if (s.at)
        ed_json_text(b, s.at, s.n);
    else
        ed_json_null(b);
}

/* A header that holds a number goes in as it is. */
static void put_number(struct ed_bytes *b, const char *key, eddy_str s)
{
    long long x = -1;
    if (s.at)
        sscanf(s.at, "%lld", &x);
    ed_json_key(b, key);
    ed_json_integer(b, x);
}

static void put_bytes(struct ed_bytes *b, const char *key, const char *key_base64, eddy_str s)
{
    if (!s.at || ed_utf8_valid(s.at, s.n) == s.n) {
        put_text(b, key, s);
    } else {
        ed_json_key(b, key_base64);
        ed_json_base64(b, s.at, s.n);
    }
}

static void put_dead(struct ed_bytes *b, const struct ed_message *m)
{
    ed_json_open(b, '{');
    put_text(b, "reason", header_of(m, ED_HEADER_DEAD_CODE));
    put_text(b, "detail", header_of(m, ED_HEADER_DEAD_MESSAGE));
    put_text(b, "topic", header_of(m, ED_HEADER_DEAD_TOPIC));
    put_number(b, "partition", header_of(m, ED_HEADER_DEAD_PARTITION));
    put_number(b, "offset", header_of(m, ED_HEADER_DEAD_OFFSET));
    put_bytes(b, "key", "key_base64", m->key);
    put_bytes(b, "value", "value_base64", m->value);
    ed_json_close(b, '}');
}

/* ---- writing ---- */

static eddy_status write_error(const struct output *out, eddy_error *err)
{
    if (errno == EPIPE)
        return eddy_fail(err, EDDY_STOPPED, "%s: its reader has gone", name_of(out));
    if (errno == ENOSPC || errno == EDQUOT)
        return eddy_fail_retriable(err, EDDY_IO, "%s: %s", name_of(out), strerror(errno));
    return eddy_fail(err, EDDY_IO, "%s: cannot write: %s", name_of(out), strerror(errno));
}

static eddy_status write_all(const struct output *out, eddy_error *err)
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

static void lines_forget(struct output *out)
{
    if (out->lines.room > KEEP_BYTES)
        ed_bytes_clear(&out->lines);
    ed_bytes_empty(&out->lines);
}

static off_t end_of(const struct output *out)
{
    return lseek(out->fd, 0, SEEK_CUR);
}

/* Nothing of this epoch stays in any file: also those that took it are cut back. */
static void take_back(struct files *f)
{
    for (int i = 0; i < ED_TOPICS; i++) {
        struct output *out = &f->outputs[i];
        if (out->fd >= 0 && out->is_file && end_of(out) != out->committed &&
            (ftruncate(out->fd, out->committed) != 0 ||
             lseek(out->fd, out->committed, SEEK_SET) < 0))
            ed_log(ED_LOG_ERROR, "journal", "%s: cannot cut back: %s", name_of(out),
                   strerror(errno));
    }
}

static eddy_status files_commit(struct ed_journal *journal, const struct ed_epoch *epoch,
                                eddy_error *err)
{
    struct files *f = (struct files *)journal;
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < epoch->n_messages; i++) {
        const struct ed_message *m = &epoch->messages[i];
        struct output *out = f->of_topic[m->topic];
        if (!out || (!m->value.at && m->topic != ED_DEAD)) /* a tombstone has no line */
            continue;
        if (m->topic == ED_DEAD)
            put_dead(&out->lines, m);
        else
            ed_bytes_add(&out->lines, m->value.at, m->value.n);
        ed_bytes_add(&out->lines, "\n", 1);
    }
    for (int i = 0; i < ED_TOPICS && st == EDDY_OK; i++) {
        struct output *out = &f->outputs[i];
        if (out->lines.failed)
            st = eddy_fail_nomem(err, name_of(out), out->lines.n);
        else if (out->fd >= 0)
            st = write_all(out, err);
    }
    if (st != EDDY_OK)
        take_back(f);
    for (int i = 0; i < ED_TOPICS; i++) {
        struct output *out = &f->outputs[i];
        if (st == EDDY_OK && out->fd >= 0 && out->is_file)
            out->committed += (off_t)out->lines.n;
        lines_forget(out);
    }
    f->failed = st != EDDY_OK;
    return st;
}

/* ---- close ---- */

static int is_empty(int fd)
{
    struct stat is;
    return fstat(fd, &is) == 0 && is.st_size == 0;
}

static eddy_status output_close(struct output *out, int whole, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    if (out->fd >= 0 && out->part && !whole && is_empty(out->fd))
        unlink(out->part);
    if (out->fd >= 0 && out->part && whole) {
        if (fsync(out->fd) != 0)
            st = eddy_fail(err, EDDY_IO, "%s: cannot flush: %s", out->part, strerror(errno));
        else if (rename(out->part, out->path) != 0)
            st = eddy_fail(err, EDDY_IO, "%s: cannot rename to %s: %s", out->part, out->path,
                           strerror(errno));
    }
    if (out->fd > STDERR_FILENO)
        close(out->fd);
    ed_bytes_clear(&out->lines);
    ed_free(out->path);
    ed_free(out->part);
    *out = (struct output){.fd = -1};
    return st;
}

static eddy_status files_close(struct ed_journal *journal, eddy_error *err)
{
    struct files *f = (struct files *)journal;
    eddy_status st = EDDY_OK;
    for (int i = 0; i < ED_TOPICS; i++) {
        eddy_status one = output_close(&f->outputs[i], !f->failed, err);
        st = st == EDDY_OK ? one : st;
    }
    ed_free(f);
    return st;
}

/* ---- open ---- */

/* Move a NAME.part out of the way whose run was killed. It is ours: we hold its lock. */
static eddy_status keep_old(struct output *out, eddy_error *err)
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
    out->fd = open(out->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (out->fd < 0 || flock(out->fd, LOCK_EX | LOCK_NB) != 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot open: %s", out->part, strerror(errno));
    return EDDY_OK;
}

static eddy_status part_open(struct output *out, eddy_error *err)
{
    size_t n = strlen(out->path);
    out->part = ed_alloc(n + sizeof ".part");
    if (!out->part)
        return eddy_fail_nomem(err, out->path, n);
    memcpy(out->part, out->path, n);
    memcpy(out->part + n, ".part", sizeof ".part");
    out->is_file = 1;
    out->fd = open(out->part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (out->fd < 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot open: %s", out->part, strerror(errno));
    if (flock(out->fd, LOCK_EX | LOCK_NB) != 0) {
        close(out->fd);
        out->fd = -1; /* not ours: neither renamed nor removed */
        return eddy_fail(err, EDDY_IO, "%s: another run is writing it", out->part);
    }
    return keep_old(out, err);
}

static eddy_status output_open(struct output *out, const char *path, eddy_error *err)
{
    struct stat is;
    out->path = ed_strdup(path);
    if (!out->path)
        return eddy_fail_nomem(err, path, strlen(path));
    if (!strcmp(path, "-")) {
        out->fd = STDOUT_FILENO;
        return EDDY_OK;
    }
    if (stat(path, &is) != 0 || S_ISREG(is.st_mode))
        return part_open(out, err);
    out->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (out->fd < 0)
        return eddy_fail(err, EDDY_IO, "%s: cannot open: %s", path, strerror(errno));
    return EDDY_OK;
}

eddy_status ed_journal_files_open(const char *const paths[ED_TOPICS], struct ed_journal **ret,
                                  eddy_error *err)
{
    struct files *f = ed_alloc_zero(1, sizeof *f);
    if (!f)
        return eddy_fail_nomem(err, "journal", sizeof *f);
    f->journal = (struct ed_journal){files_commit, files_close};
    for (int i = 0; i < ED_TOPICS; i++)
        f->outputs[i].fd = -1;

    eddy_status st = EDDY_OK;
    for (int i = 0; i < ED_TOPICS && st == EDDY_OK; i++) {
        for (int k = 0; paths[i] && k < i; k++)
            if (paths[k] && !strcmp(paths[k], paths[i]))
                f->of_topic[i] = f->of_topic[k];
        if (!paths[i] || f->of_topic[i])
            continue;
        f->of_topic[i] = &f->outputs[i];
        ed_bytes_init(&f->outputs[i].lines, 0); /* the epoch's arena is the ceiling */
        st = output_open(&f->outputs[i], paths[i], err);
    }
    if (st != EDDY_OK) {
        f->failed = 1; /* nothing is renamed */
        files_close(&f->journal, NULL);
        return st;
    }
    *ret = &f->journal;
    return EDDY_OK;
}
