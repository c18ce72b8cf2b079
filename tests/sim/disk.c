/* Disks. The linker sends what the journal asks of the system here (--wrap): a write may fail, or
 * end half-way; and what was not flushed when the power goes may be gone. What would differ from
 * run to run (the number of the process, random numbers of the system) comes from the seed. */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much of a file the disk has for sure. */
static struct {
    ino_t file;
    off_t size;
} flushed[64];
static size_t n_flushed;

void sim_disk_begin(void)
{
    n_flushed = 0;
}

/* 1: this write is to fail, errno says why; 2: it is to end half-way. */
static int mishap(size_t n)
{
    struct sim *sim = sim_now;
    if (!sim || !sim->running || sim->faults_end ||
        !sim_chance(&sim->random, sim->faults.disk_fails))
        return 0;
    sim_trace(sim, "disk: a write fails");
    if (n > 1 && sim_chance(&sim->random, 32768)) /* the rest is tried, and fails perhaps */
        return 2;
    errno = sim_chance(&sim->random, 32768) ? ENOSPC : EIO;
    return 1;
}

static size_t part_of(size_t n)
{
    return (size_t)sim_between(&sim_now->random, 1, (int64_t)n - 1);
}

static void flush(int fd)
{
    struct stat st;
    size_t i = 0;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return;
    while (i < n_flushed && flushed[i].file != st.st_ino)
        i++;
    if (i == sizeof flushed / sizeof flushed[0])
        return;
    n_flushed += i == n_flushed;
    flushed[i].file = st.st_ino;
    flushed[i].size = st.st_size;
}

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    int how = mishap(n);
    return how == 1 ? -1 : __real_pwrite(fd, p, how ? part_of(n) : n, at);
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    int how = mishap(n);
    return how == 1 ? -1 : __real_write(fd, p, how ? part_of(n) : n);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (mishap(0))
        return -1;
    flush(fd);
    return 0;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    return __wrap_fsync(fd);
}

pid_t __wrap_getpid(void);
pid_t __wrap_getpid(void)
{
    return 4242;
}

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < n; i++)
        ((char *)p)[i] = (char)sim_draw(&sim_now->random);
    return (ssize_t)n;
}

/* A file keeps what was flushed, and some of the rest. */
static void file_tear(const char *path, const struct stat *st, struct sim_random *r)
{
    off_t sure = 0;
    for (size_t i = 0; i < n_flushed; i++)
        if (flushed[i].file == st->st_ino)
            sure = flushed[i].size;
    if (st->st_size > sure && truncate(path, sure + sim_below(r, st->st_size - sure + 1)))
        perror(path);
}

void sim_disk_power_loss(struct sim *sim, const char *folder)
{
    char names[32][64];
    int n = 0;
    DIR *all = opendir(folder);
    struct dirent *entry;
    while (all && (entry = readdir(all)) && n < 32)
        if (entry->d_name[0] != '.' && strlen(entry->d_name) < sizeof names[0])
            strcpy(names[n++], entry->d_name);
    if (all)
        closedir(all);
    qsort(names, (size_t)n, sizeof names[0], (int (*)(const void *, const void *))strcmp);
    for (int i = 0; i < n; i++) {
        char path[200];
        struct stat st;
        snprintf(path, sizeof path, "%.100s/%.64s", folder, names[i]);
        if (stat(path, &st))
            continue;
        if (S_ISDIR(st.st_mode))
            sim_disk_power_loss(sim, path);
        else
            file_tear(path, &st, &sim->random);
    }
}
