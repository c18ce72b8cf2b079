/* A folder of a test program's own: made before its tests, gone behind them. In memory where that
 * can be: there are tests with thousands of files and flushes. */
#ifndef EDDY_TEST_FOLDER_H
#define EDDY_TEST_FOLDER_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char dir[60];

static inline int dir_new(const char *name)
{
    snprintf(dir, sizeof dir, "%s/eddy-%s-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", name);
    return mkdtemp(dir) ? 0 : -1;
}

static inline int dir_remove(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

/* Valid until the eighth call behind it. */
static inline const char *in_dir(const char *name)
{
    static char paths[8][120];
    static int next;
    char *at = paths[next++ % 8];
    snprintf(at, sizeof paths[0], "%s/%s", dir, name);
    return at;
}

static inline int is_there(const char *name)
{
    return access(in_dir(name), F_OK) == 0;
}

/* Files may have so many bytes: what a full disk looks like. */
static inline void file_limit(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#endif
