/* Pace: when an endpoint may be asked again, and how many times at once.
 *
 * Five brakes in one place. A circuit breaker: after failures_max failures in a row nothing is
 * begun for a while, which doubles each time; then one attempt alone tells whether it closes. What
 * the endpoint asks for itself (Retry-After) is kept. How many attempts run at once is halved when
 * the endpoint says that there are too many, and grows by one for each full round that went well.
 * A budget is spread evenly: from one beginning to the next it takes interval_ms.
 * And each request waits longer and by chance between its own attempts (decorrelated jitter:
 * Brooker, "Exponential Backoff And Jitter", 2015), so that many clients do not come back together.
 *
 * Time and chance are passed in. One owner thread. */
#ifndef ED_REMOTE_PACE_H
#define ED_REMOTE_PACE_H

#include <stddef.h>
#include <stdint.h>

enum ed_breaker { ED_BREAKER_CLOSED, ED_BREAKER_OPEN, ED_BREAKER_HALF_OPEN };

enum ed_attempt {
    ED_ATTEMPT_WELL,   /* an answer came, whatever it says */
    ED_ATTEMPT_FAILED, /* none came, or the endpoint says that it cannot */
    ED_ATTEMPT_CROWDED /* it says that it is asked too often */
};

struct ed_pace {
    int failures_max;
    int64_t open_min_ms, open_max_ms; /* how long the breaker stays open: first, and at most */
    int64_t after_max_ms;             /* of what the endpoint asks for, at most */
    int64_t wait_min_ms, wait_max_ms; /* between two attempts of one request */
    double interval_ms;               /* between the beginnings of any two; 0: none */
    double window_max;                /* attempts at once */

    double window;
    int failures; /* in a row */
    int64_t open_ms, open_until_ms;
    int64_t quiet_until_ms; /* Retry-After */
    double next_ms;         /* the budget has nothing until then */
    uint64_t random;
};

/* With the usual numbers, which the caller may change before the first attempt. */
void ed_pace_init(struct ed_pace *p, size_t window_max, uint64_t seed);

enum ed_breaker ed_pace_breaker(const struct ed_pace *p, int64_t now_ms);

/* May an attempt begin while n_running others run? now_ms: yes. Later: not before that. INT64_MAX:
 * not before one of them has ended. */
int64_t ed_pace_ready(const struct ed_pace *p, size_t n_running, int64_t now_ms);

/* An attempt begins. */
void ed_pace_began(struct ed_pace *p, int64_t now_ms);

/* An attempt has ended; after_ms: the endpoint asks not to be asked for so long, or 0. Returns 1
 * when that opened the breaker. */
int ed_pace_ended(struct ed_pace *p, enum ed_attempt how, int64_t after_ms, int64_t now_ms);

/* How long a request waits for its next attempt, when it waited for before_ms the last time (0:
 * not yet). */
int64_t ed_pace_wait(struct ed_pace *p, int64_t before_ms);

#endif
