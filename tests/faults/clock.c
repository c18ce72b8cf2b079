/* A wall clock that jumps, for one process (LD_PRELOAD): what it is ahead of the true one stands,
 * as seconds in text, in the file that EDDY_CLOCK_FILE names, and may change at any time.
 *
 * libfaketime would do, but it does not know cnd_timedwait, on which librdkafka waits: every wait
 * then lasts as long as the clock is ahead. As with the true clock, a wait that is repeated towards
 * the same moment after a step back lasts longer by the step. The monotonic clock is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

#define FILE_BYTES 4096

static const char *text; /* the file, mapped; NULL: no jumps */

__attribute__((constructor)) static void text_map(void)
{
    const char *path = getenv("EDDY_CLOCK_FILE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    text = at == MAP_FAILED ? NULL : at;
    unsetenv("EDDY_CLOCK_FILE");
    unsetenv("LD_PRELOAD");
}

static time_t ahead(void)
{
    return text ? strtol(text, NULL, 10) : 0;
}

#define NEXT(name) ((__typeof__(&name))(size_t)dlsym(RTLD_NEXT, #name))

int clock_gettime(clockid_t id, struct timespec *ret)
{
    static __typeof__(&clock_gettime) next;
    if (!next)
        next = NEXT(clock_gettime);
    int code = next(id, ret);
    if (!code && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ret->tv_sec += ahead();
    return code;
}

int gettimeofday(struct timeval *ret, void *zone)
{
    struct timespec now;
    (void)zone;
    int code = clock_gettime(CLOCK_REALTIME, &now);
    ret->tv_sec = now.tv_sec;
    ret->tv_usec = now.tv_nsec / 1000;
    return code;
}

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *ret, int base)
{
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, ret) ? base : 0;
}

static struct timespec true_time(const struct timespec *until)
{
    return (struct timespec){until->tv_sec - ahead(), until->tv_nsec};
}

int cnd_timedwait(cnd_t *cond, mtx_t *lock, const struct timespec *until)
{
    static __typeof__(&cnd_timedwait) next;
    struct timespec at = true_time(until);
    if (!next)
        next = NEXT(cnd_timedwait);
    return next(cond, lock, &at);
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                           const struct timespec *until)
{
    static __typeof__(&pthread_cond_timedwait) next;
    int monotonic = (cond->__data.__wrefs & 2) != 0; /* glibc's own mark of the condition's clock */
    struct timespec at = monotonic ? *until : true_time(until);
    if (!next)
        next = NEXT(pthread_cond_timedwait);
    return next(cond, lock, &at);
}
