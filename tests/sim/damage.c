/* What may happen to the store file of a process that is down: it is gone, cut, has a wrong bit,
 * lacks an epoch in its midst, is an old copy of itself, or another process's. */
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct file {
    unsigned char *at;
    size_t n;
};

static struct file file_read(const char *path)
{
    struct file f = {NULL, 0};
    FILE *in = fopen(path, "rb");
    if (!in)
        return f;
    fseek(in, 0, SEEK_END);
    f.n = (size_t)ftell(in);
    rewind(in);
    f.at = malloc(f.n + 1);
    if (!f.at || fread(f.at, 1, f.n, in) != f.n)
        f.n = 0;
    fclose(in);
    return f;
}

static void file_write(const char *path, struct file f)
{
    FILE *out = fopen(path, "wb");
    if (out && f.n)
        fwrite(f.at, 1, f.n, out);
    if (out)
        fclose(out);
}

/* Take one whole frame out: every checksum is right afterwards. */
static void frame_drop(struct file *f, struct sim_random *r)
{
    size_t starts[512], n = 0, at = 12;
    while (at + 4 <= f->n && n < 512) {
        size_t size = (size_t)f->at[at] | (size_t)f->at[at + 1] << 8 | (size_t)f->at[at + 2] << 16 |
                      (size_t)f->at[at + 3] << 24;
        if (size > f->n - at - 4)
            break;
        starts[n++] = at;
        at += 4 + size;
    }
    if (n < 2)
        return;
    size_t which = (size_t)sim_below(r, (int64_t)n - 1);
    memmove(f->at + starts[which], f->at + starts[which + 1], f->n - starts[which + 1]);
    f->n -= starts[which + 1] - starts[which];
}

void sim_process_damage(struct sim_process *p)
{
    struct sim *sim = p->sim;
    struct sim_random *r = &sim->random;
    char old[40];
    snprintf(old, sizeof old, "%s.old", p->store);
    struct file f = file_read(p->store), other = {NULL, 0};
    int kind = (int)sim_below(r, 7);
    sim_trace(sim, "store of process %d is damaged (%d)", p->number, kind);
    sim->counts.damages++;
    if (kind == 0)
        unlink(p->store);
    if (f.n && kind == 1)
        f.n = (size_t)sim_below(r, (int64_t)f.n);
    if (f.n && kind == 2)
        f.at[sim_below(r, (int64_t)f.n)] ^= (unsigned char)(1 << sim_below(r, 8));
    if (f.n && (kind == 3 || kind == 4))
        frame_drop(&f, r);
    if (kind == 5) {
        other = file_read(old); /* as it was when this was drawn last */
        file_write(old, f);
    }
    if (kind == 6)
        other = file_read(sim->processes[sim_below(r, sim->n_processes)]->store);
    if (other.n) {
        file_write(p->store, other);
    } else if (f.n && kind) {
        file_write(p->store, f);
    }
    free(f.at);
    free(other.at);
}
