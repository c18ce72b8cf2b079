/* C11 threads on top of POSIX ones, for ThreadSanitizer only.
 *
 * Debian's librdkafka starts its threads by thrd_create, which gcc 12's sanitizer does not know: in
 * such a thread its first interceptor crashes. Linked into a test, these stand before the C
 * library's own, and lead to calls that the sanitizer does know; so it also sees what librdkafka
 * locks and waits for. glibc's types are the POSIX ones under another name. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#define SHOWN __attribute__((visibility("default")))

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "glibc's mtx_t is a pthread_mutex_t");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "glibc's cnd_t is a pthread_cond_t");

static int result(int why)
{
    return why == 0           ? thrd_success
           : why == ETIMEDOUT ? thrd_timedout
           : why == EBUSY     ? thrd_busy
           : why == ENOMEM    ? thrd_nomem
                              : thrd_error;
}

/* ---- threads ---- */

struct start {
    thrd_start_t run;
    void *arg;
};

static void *run(void *p)
{
    struct start start = *(struct start *)p;
    free(p);
    return (void *)(intptr_t)start.run(start.arg);
}

SHOWN int thrd_create(thrd_t *ret, thrd_start_t func, void *arg)
{
    struct start *start = malloc(sizeof *start);
    if (!start)
        return thrd_nomem;
    *start = (struct start){func, arg};
    int why = pthread_create(ret, NULL, run, start);
    if (why)
        free(start);
    return result(why);
}

SHOWN int thrd_join(thrd_t thread, int *ret)
{
    void *value = NULL;
    int why = pthread_join(thread, &value);
    if (ret)
        *ret = (int)(intptr_t)value;
    return result(why);
}

SHOWN int thrd_detach(thrd_t thread)
{
    return result(pthread_detach(thread));
}

/* ---- mutexes ---- */

SHOWN int mtx_init(mtx_t *m, int type)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    int why = pthread_mutex_init((pthread_mutex_t *)m, &attr);
    pthread_mutexattr_destroy(&attr);
    return result(why);
}

SHOWN int mtx_lock(mtx_t *m)
{
    return result(pthread_mutex_lock((pthread_mutex_t *)m));
}

SHOWN int mtx_trylock(mtx_t *m)
{
    return result(pthread_mutex_trylock((pthread_mutex_t *)m));
}

SHOWN int mtx_unlock(mtx_t *m)
{
    return result(pthread_mutex_unlock((pthread_mutex_t *)m));
}

SHOWN void mtx_destroy(mtx_t *m)
{
    pthread_mutex_destroy((pthread_mutex_t *)m);
}

/* ---- conditions ---- */

SHOWN int cnd_init(cnd_t *c)
{
    return result(pthread_cond_init((pthread_cond_t *)c, NULL));
}

SHOWN int cnd_signal(cnd_t *c)
{
    return result(pthread_cond_signal((pthread_cond_t *)c));
}

SHOWN int cnd_broadcast(cnd_t *c)
{
    return result(pthread_cond_broadcast((pthread_cond_t *)c));
}

SHOWN int cnd_wait(cnd_t *c, mtx_t *m)
{
    return result(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}

SHOWN int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
    return result(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}

SHOWN void cnd_destroy(cnd_t *c)
{
    pthread_cond_destroy((pthread_cond_t *)c);
}
