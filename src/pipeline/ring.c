/* ring: one mutex, two conditions (something came, something went), both woken broadly: the waiters
 * want different things, and there are few of them. */
#include "pipeline/ring.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct ed_ring {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t came, went;
    size_t room, n;
    uint64_t head; /* number of the next item to be taken */
    uint64_t tail; /* number that push gives next */
    int closed, stopped;
    void *slots[]; /* (room) item number i stands at i % room */
};

eddy_status ed_ring_new(size_t room, struct ed_ring **ret, eddy_error *err)
{
    size_t size = sizeof(struct ed_ring) + room * sizeof(void *);
    struct ed_ring *ring = ed_alloc_zero(1, size);
    if (!ring)
        return eddy_fail_nomem(err, "ring", size);
    ring->room = room;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&ring->lock, NULL);
    pthread_cond_init(&ring->came, &attr);
    pthread_cond_init(&ring->went, &attr);
    pthread_condattr_destroy(&attr);
    *ret = ring;
    return EDDY_OK;
}

void ed_ring_free(struct ed_ring *ring)
{
    if (!ring)
        return;
    pthread_cond_destroy(&ring->went);
    pthread_cond_destroy(&ring->came);
    pthread_mutex_destroy(&ring->lock);
    ed_free(ring);
}

static struct timespec deadline(int wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += wait_ms % 1000 * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

/* With the lock held. 0: the time is over. */
static int wait_on(struct ed_ring *ring, pthread_cond_t *cond, const struct timespec *until)
{
    return pthread_cond_timedwait(cond, &ring->lock, until) != ETIMEDOUT;
}

/* With the lock held: wait for the place of number, fill it. */
static enum ed_ring_answer fill(struct ed_ring *ring, uint64_t number, void *item, int wait_ms)
{
    struct timespec until = deadline(wait_ms);
    int in_time = 1;
    while (!ring->stopped && !ring->closed && number - ring->head >= ring->room) {
        if (!in_time)
            return ED_RING_LATE;
        in_time = wait_on(ring, &ring->went, &until);
    }
    if (ring->stopped || ring->closed)
        return ED_RING_CLOSED;
    ring->slots[number % ring->room] = item;
    ring->n++;
    pthread_cond_broadcast(&ring->came);
    return ED_RING_OK;
}

enum ed_ring_answer ed_ring_push(struct ed_ring *ring, void *item, int wait_ms)
{
    struct timespec until = deadline(wait_ms);
    enum ed_ring_answer answer = ED_RING_OK;
    pthread_mutex_lock(&ring->lock);
    /* Another pusher may take the place that we waited for: wait before we take a number. */
    for (int in_time = 1; !ring->stopped && !ring->closed && ring->n == ring->room;) {
        if (!in_time) {
            answer = ED_RING_LATE;
            break;
        }
        in_time = wait_on(ring, &ring->went, &until);
    }
    if (answer == ED_RING_OK)
        answer = fill(ring, ring->tail, item, 0);
    if (answer == ED_RING_OK)
        ring->tail++;
    pthread_mutex_unlock(&ring->lock);
    return answer;
}

void ed_ring_give_back(struct ed_ring *ring, void *item)
{
    pthread_mutex_lock(&ring->lock);
    if (ring->head) {
        ring->slots[--ring->head % ring->room] = item;
        ring->n++;
        pthread_cond_broadcast(&ring->came);
    } else if (fill(ring, ring->tail, item, 0) == ED_RING_OK) { /* all that were taken are back */
        ring->tail++;
    }
    pthread_mutex_unlock(&ring->lock);
}

enum ed_ring_answer ed_ring_place(struct ed_ring *ring, uint64_t number, void *item, int wait_ms)
{
    pthread_mutex_lock(&ring->lock);
    enum ed_ring_answer answer = fill(ring, number, item, wait_ms);
    pthread_mutex_unlock(&ring->lock);
    return answer;
}

enum ed_ring_answer ed_ring_pop_leaving(struct ed_ring *ring, size_t others, void **ret,
                                        int wait_ms)
{
    struct timespec until = deadline(wait_ms);
    enum ed_ring_answer answer = ED_RING_OK;
    pthread_mutex_lock(&ring->lock);
    for (int in_time = 1;;) {
        void **slot = &ring->slots[ring->head % ring->room];
        if (!ring->stopped && *slot && ring->n > others) {
            *ret = *slot;
            *slot = NULL;
            ring->head++;
            ring->n--;
            pthread_cond_broadcast(&ring->went);
            break;
        }
        if (ring->stopped || ring->closed) {
            answer = ED_RING_CLOSED;
            break;
        }
        if (!in_time) {
            answer = ED_RING_LATE;
            break;
        }
        in_time = wait_on(ring, &ring->came, &until);
    }
    pthread_mutex_unlock(&ring->lock);
    return answer;
}

enum ed_ring_answer ed_ring_pop(struct ed_ring *ring, void **ret, int wait_ms)
{
    return ed_ring_pop_leaving(ring, 0, ret, wait_ms);
}

void ed_ring_close(struct ed_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->closed = 1;
    pthread_cond_broadcast(&ring->came);
    pthread_cond_broadcast(&ring->went);
    pthread_mutex_unlock(&ring->lock);
}

void ed_ring_stop(struct ed_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->stopped = 1;
    pthread_cond_broadcast(&ring->came);
    pthread_cond_broadcast(&ring->went);
    pthread_mutex_unlock(&ring->lock);
}

size_t ed_ring_count(struct ed_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    size_t n = ring->n;
    pthread_mutex_unlock(&ring->lock);
    return n;
}
