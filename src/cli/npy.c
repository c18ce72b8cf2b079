/* npy: a head of fixed size, and rows behind it. */
#include "cli/npy.h"

#include "base/error.h"
#include "journal/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define HEAD_BYTES 128
#define GATHER     ((size_t)1 << 20) /* bytes of rows in one write */

/* Magic, version 1.0, the length of what follows, and a Python dictionary up to a newline. */
static void head_make(const struct ed_npy *npy, char ret[HEAD_BYTES])
{
    static const uint16_t one = 1;
    static const char magic[] = "\x93NUMPY\1";
    memset(ret, ' ', HEAD_BYTES);
    memcpy(ret, magic, sizeof magic); /* with the 0 at its end: the minor version */
    ret[8] = HEAD_BYTES - 10;
    ret[9] = 0;
    int n = snprintf(ret + 10, HEAD_BYTES - 10,
                     "{'descr': '%cf4', 'fortran_order': False, 'shape': (%" PRIu64 ", %zu), }",
                     *(const char *)&one ? '<' : '>', npy->n, npy->dim);
    ret[10 + n] = ' ';
    ret[HEAD_BYTES - 1] = '\n';
}

static eddy_status gathered_write(struct ed_npy *npy, eddy_error *err)
{
    eddy_status st = ed_output_write(&npy->out, err);
    if (st == EDDY_OK)
        ed_output_accept(&npy->out);
    return st;
}

static eddy_status gather(struct ed_npy *npy, const void *p, size_t n, eddy_error *err)
{
    if (!ed_bytes_add(&npy->out.lines, p, n))
        return eddy_fail_nomem(err, ed_output_name(&npy->out), n);
    return npy->out.lines.n < GATHER ? EDDY_OK : gathered_write(npy, err);
}

eddy_status ed_npy_open(struct ed_npy *npy, const char *path, size_t dim, eddy_error *err)
{
    char head[HEAD_BYTES];
    *npy = (struct ed_npy){.dim = dim};
    ed_output_init(&npy->out);
    eddy_status st = ed_output_open(&npy->out, path, err);
    if (st != EDDY_OK)
        return st;
    head_make(npy, head);
    if (npy->out.is_file)
        return gather(npy, head, sizeof head, err);
    npy->kept = tmpfile();
    if (!npy->kept)
        return eddy_fail(err, EDDY_IO, "%s: no temporary file: %s", ed_output_name(&npy->out),
                         strerror(errno));
    return EDDY_OK;
}

eddy_status ed_npy_add(struct ed_npy *npy, const float *row, eddy_error *err)
{
    npy->n++;
    if (!npy->kept)
        return gather(npy, row, npy->dim * sizeof *row, err);
    if (fwrite(row, sizeof *row, npy->dim, npy->kept) != npy->dim)
        return eddy_fail(err, EDDY_IO, "%s: cannot write a temporary file: %s",
                         ed_output_name(&npy->out), strerror(errno));
    return EDDY_OK;
}

/* The head with its number, and what was kept behind it. */
static eddy_status kept_write(struct ed_npy *npy, eddy_error *err)
{
    char piece[4096], head[HEAD_BYTES];
    head_make(npy, head);
    eddy_status st = gather(npy, head, sizeof head, err);
    rewind(npy->kept);
    for (size_t n; st == EDDY_OK && (n = fread(piece, 1, sizeof piece, npy->kept));)
        st = gather(npy, piece, n, err);
    if (st == EDDY_OK && ferror(npy->kept))
        st = eddy_fail(err, EDDY_IO, "%s: cannot read a temporary file: %s",
                       ed_output_name(&npy->out), strerror(errno));
    return st == EDDY_OK ? gathered_write(npy, err) : st;
}

eddy_status ed_npy_settle(struct ed_npy *npy, eddy_error *err)
{
    char head[HEAD_BYTES];
    if (npy->kept)
        return EDDY_OK;
    eddy_status st = gathered_write(npy, err);
    head_make(npy, head);
    return st == EDDY_OK ? ed_disk_write(npy->out.fd, npy->out.part, head, sizeof head, 0, err)
                         : st;
}

eddy_status ed_npy_finish(struct ed_npy *npy, eddy_error *err)
{
    if (npy->kept)
        return kept_write(npy, err);
    eddy_status st = ed_npy_settle(npy, err);
    return st == EDDY_OK ? ed_output_finish(&npy->out, err) : st;
}

void ed_npy_clear(struct ed_npy *npy)
{
    if (npy->kept)
        fclose(npy->kept);
    ed_output_clear(&npy->out);
    *npy = (struct ed_npy){.out = npy->out};
}
