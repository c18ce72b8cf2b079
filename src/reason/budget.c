/* Budget: calls, tokens and money, by the hour and by the day.
 *
 * A span is a ring of sixty parts that slides with the clock: a limit of an hour holds for any
 * sixty minutes, to a minute. What a call will cost is estimated and booked before, and put
 * right after: two who spend from one budget at once cannot both take the last of it. They exclude
 * each other by a flag: it is held for a few hundred additions, a few times a second at most. */
#include "reason/inside.h"

#include <string.h>

#define HOUR_MS INT64_C(3600000)

void ed_budget_init(eddy_budget *budget)
{
    memset(budget, 0, sizeof *budget);
    atomic_flag_clear(&budget->busy);
    budget->hour.part_ms = HOUR_MS / BUDGET_PARTS;
    budget->day.part_ms = 24 * HOUR_MS / BUDGET_PARTS;
    budget->hour.newest = budget->day.newest = INT64_MIN;
}

/* The part of now; those that time has passed over are empty. A clock that runs back stands. */
static struct ed_cost *part_of(struct ed_span *span, int64_t now_ms)
{
    int64_t now = now_ms / span->part_ms - (now_ms % span->part_ms < 0);
    if (span->newest == INT64_MIN)
        span->newest = now;
    if (now > span->newest) {
        uint64_t passed = (uint64_t)now - (uint64_t)span->newest;
        if (passed > BUDGET_PARTS)
            passed = BUDGET_PARTS;
        for (uint64_t i = 0; i < passed; i++) {
            int64_t part = (now - (int64_t)i) % BUDGET_PARTS;
            memset(&span->part[part < 0 ? part + BUDGET_PARTS : part], 0, sizeof *span->part);
        }
        span->newest = now;
    }
    int64_t part = span->newest % BUDGET_PARTS;
    return &span->part[part < 0 ? part + BUDGET_PARTS : part];
}

static int span_allows(struct ed_span *span, int64_t now_ms, const struct ed_cost *limit,
                       const struct ed_cost *cost)
{
    struct ed_cost sum = *cost;
    part_of(span, now_ms);
    for (size_t i = 0; i < BUDGET_PARTS; i++) {
        sum.calls += span->part[i].calls;
        sum.tokens += span->part[i].tokens;
        sum.money += span->part[i].money;
    }
    return !((limit->calls > 0 && sum.calls > limit->calls) ||
             (limit->tokens > 0 && sum.tokens > limit->tokens) ||
             (limit->money > 0 && sum.money > limit->money * (1 + 1e-9)));
}

static void book(struct ed_span *span, int64_t now_ms, const struct ed_cost *more,
                 const struct ed_cost *less)
{
    struct ed_cost *part = part_of(span, now_ms);
    part->calls += more->calls - less->calls;
    part->tokens += more->tokens - less->tokens;
    part->money += more->money - less->money;
}

static void enter(eddy_budget *budget)
{
    while (atomic_flag_test_and_set_explicit(&budget->busy, memory_order_acquire))
        ;
}

static void leave(eddy_budget *budget)
{
    atomic_flag_clear_explicit(&budget->busy, memory_order_release);
}

int ed_budget_reserve(eddy_budget *budget, const eddy_reason_options *limits, int64_t now_ms,
                      const struct ed_cost *cost)
{
    static const struct ed_cost nothing;
    struct ed_cost hour = {(double)limits->calls_hour, (double)limits->tokens_hour,
                           limits->money_hour};
    struct ed_cost day = {(double)limits->calls_day, (double)limits->tokens_day, limits->money_day};
    enter(budget);
    int allowed = span_allows(&budget->hour, now_ms, &hour, cost) &&
                  span_allows(&budget->day, now_ms, &day, cost);
    if (allowed) {
        book(&budget->hour, now_ms, cost, &nothing);
        book(&budget->day, now_ms, cost, &nothing);
    }
    leave(budget);
    return allowed;
}

void ed_budget_settle(eddy_budget *budget, int64_t now_ms, const struct ed_cost *reserved,
                      const struct ed_cost *spent)
{
    enter(budget);
    book(&budget->hour, now_ms, spent, reserved);
    book(&budget->day, now_ms, spent, reserved);
    leave(budget);
}

eddy_status eddy_budget_new(eddy_budget **ret, eddy_error *err)
{
    eddy_budget *budget = ed_alloc_zero(1, sizeof *budget);
    if (!budget)
        return eddy_fail_nomem(err, "budget", sizeof *budget);
    ed_budget_init(budget);
    *ret = budget;
    return EDDY_OK;
}

void eddy_budget_free(eddy_budget *budget)
{
    ed_free(budget);
}
