/* Budget: calls, tokens and money, by the hour and by the day.
 *
 * A span is a ring of sixty parts that slides with the clock: a limit of an hour holds for any
 * sixty minutes, to a minute. What a call will cost is estimated before, and booked as charged
 * after. */
#include "reason/inside.h"

#include <string.h>

#define HOUR_MS INT64_C(3600000)

void ed_budget_init(struct ed_budget *budget)
{
    memset(budget, 0, sizeof *budget);
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

int ed_budget_allows(struct ed_budget *budget, const eddy_reason_options *limits, int64_t now_ms,
                     const struct ed_cost *cost)
{
    struct ed_cost hour = {(double)limits->calls_hour, (double)limits->tokens_hour,
                           limits->money_hour};
    struct ed_cost day = {(double)limits->calls_day, (double)limits->tokens_day, limits->money_day};
    return span_allows(&budget->hour, now_ms, &hour, cost) &&
           span_allows(&budget->day, now_ms, &day, cost);
}

static void book(struct ed_span *span, int64_t now_ms, const struct ed_cost *cost)
{
    struct ed_cost *part = part_of(span, now_ms);
    part->calls += cost->calls;
    part->tokens += cost->tokens;
    part->money += cost->money;
}

void ed_budget_book(struct ed_budget *budget, int64_t now_ms, const struct ed_cost *cost)
{
    book(&budget->hour, now_ms, cost);
    book(&budget->day, now_ms, cost);
}
