/* The brakes. The breaker has no state of its own but a count and a time: it is open until that
 * time, and half open from then on until an attempt goes well. */
#include "remote/pace.h"

#include "base/hash.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void ed_pace_init(struct ed_pace *p, size_t window_max, uint64_t seed)
{
    *p = (struct ed_pace){.failures_max = 5,
                          .open_min_ms = 5000,
                          .open_max_ms = 300000,
                          .after_max_ms = 300000,
                          .wait_min_ms = 250,
                          .wait_max_ms = 20000,
                          .window_max = (double)window_max,
                          .window = (double)window_max,
                          .random = seed};
}

enum ed_breaker ed_pace_breaker(const struct ed_pace *p, int64_t now_ms)
{
    if (p->failures < p->failures_max)
        return ED_BREAKER_CLOSED;
    return now_ms < p->open_until_ms ? ED_BREAKER_OPEN : ED_BREAKER_HALF_OPEN;
}

int64_t ed_pace_ready(const struct ed_pace *p, size_t n_running, int64_t now_ms)
{
    enum ed_breaker breaker = ed_pace_breaker(p, now_ms);
    if (breaker == ED_BREAKER_OPEN)
        return p->open_until_ms;
    if (now_ms < p->quiet_until_ms)
        return p->quiet_until_ms;
    if (n_running && (breaker == ED_BREAKER_HALF_OPEN || (double)n_running + 1 > p->window))
        return INT64_MAX;
    return p->next_ms > (double)now_ms ? (int64_t)p->next_ms + 1 : now_ms;
}

void ed_pace_began(struct ed_pace *p, int64_t now_ms)
{
    double from = p->next_ms > (double)now_ms - p->interval_ms ? p->next_ms : (double)now_ms;
    p->next_ms = p->interval_ms > 0 ? from + p->interval_ms : 0;
}

int ed_pace_ended(struct ed_pace *p, enum ed_attempt how, int64_t after_ms, int64_t now_ms)
{
    if (how == ED_ATTEMPT_WELL) {
        p->failures = 0;
        p->open_ms = 0;
        p->window += 1 / p->window;
        if (p->window > p->window_max)
            p->window = p->window_max;
        return 0;
    }
    if (how == ED_ATTEMPT_CROWDED)
        p->window = p->window > 2 ? p->window / 2 : 1;
    int64_t quiet_until = now_ms + least(after_ms, p->after_max_ms);
    if (quiet_until > p->quiet_until_ms)
        p->quiet_until_ms = quiet_until;
    int was_open = ed_pace_breaker(p, now_ms) == ED_BREAKER_OPEN;
    if (p->failures < p->failures_max)
        p->failures++;
    /* Those that were under way when it opened say nothing new. */
    if (was_open || p->failures < p->failures_max)
        return 0;
    p->open_ms = p->open_ms ? least(2 * p->open_ms, p->open_max_ms) : p->open_min_ms;
    p->open_until_ms = now_ms + p->open_ms;
    return 1;
}

int64_t ed_pace_wait(struct ed_pace *p, int64_t before_ms)
{
    int64_t low = p->wait_min_ms, high = 3 * (before_ms > low ? before_ms : low);
    int64_t wait = low + (int64_t)(ed_mix64(p->random++) % (uint64_t)(high - low + 1));
    return least(wait, p->wait_max_ms);
}
