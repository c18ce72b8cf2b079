/* One pass at a time, in one arena, which belongs to whoever has the pass:
 *
 *   idle -> [engine: view] -> asked -> [thread: pass] -> decided -> [engine: apply] -> heard
 *    ^                                                                                  |
 *    +------------------------- [thread: hears what became of it] <---------------------+
 *
 * The last two steps are gone through twice: for what is known at once, and for what was asked.
 * What was decided lives in that arena until all of it was heard. A run that ends before just
 * forgets the pass: nothing of it has happened, and the next run asks again. */
#include "pipeline/reasoner.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/point.h"
#include "base/time.h"
#include "pipeline/ring.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#define WAIT_MS      100
#define ROOM         64                /* operations decided and not heard yet */
#define DOUBTS_EVERY 4                 /* looks of statistics: the default window is four of them */
#define ARENA_MAX    ((size_t)1 << 30) /* of a view, and of what is made of it */

/* What goes round. */
struct turn {
    eddy_arena *arena;
    eddy_view view;
};

struct ed_reasoner {
    struct ed_reason_options o;
    eddy_reasoner *r; /* statistics: the engine's thread's; llm: the thread's */
    struct ed_chat *chat;
    struct turn turn;
    struct ed_ring *idle, *asked, *decided, *heard;
    uint64_t run; /* by chance, so that ids of operations are this run's own */
    uint64_t n_decided;
    atomic_int stopping, busy, wanted, unanswered;

    /* the engine's thread's */
    uint64_t changed; /* since the last view */
    int64_t viewed_ms;
    int viewed; /* 0: nothing yet, so that the first view is of all */

    _Atomic uint64_t passes, passes_failed, broken, n_asked, answered, failed, over_budget,
        tokens_in, tokens_out, rejected;
    _Atomic double money;
    _Atomic int64_t good_ms;
};

/* ---- making one ---- */

static eddy_status chat_make(struct ed_reasoner *r, eddy_reason_options *reason, eddy_error *err)
{
    if (r->o.kind != ED_REASON_LLM || reason->completer.complete)
        return EDDY_OK;
    eddy_status st = ed_chat_new(&r->o.chat, &r->chat, err);
    if (st == EDDY_OK)
        reason->completer = ed_chat_completer(r->chat);
    return st;
}

eddy_status ed_reasoner_new(const struct ed_reason_options *options, struct ed_reasoner **ret,
                            eddy_error *err)
{
    struct ed_reasoner *r = ed_alloc_zero(1, sizeof *r);
    if (!r)
        return eddy_fail_nomem(err, "reasoner", sizeof *r);
    r->o = *options;
    r->viewed_ms = ed_monotonic_ms();
    r->turn.arena = eddy_arena_new(ARENA_MAX);
    eddy_reason_options reason = options->reason;
    eddy_status st =
        r->turn.arena ? chat_make(r, &reason, err) : eddy_fail_nomem(err, "reasoner", 0);
    if (st == EDDY_OK)
        st = eddy_reasoner_new(&reason, &r->r, err);
    struct ed_ring **rings[] = {&r->idle, &r->asked, &r->decided, &r->heard};
    for (size_t i = 0; i < sizeof rings / sizeof *rings && st == EDDY_OK; i++)
        st = ed_ring_new(ROOM, rings[i], err);
    while (st == EDDY_OK && getrandom(&r->run, sizeof r->run, 0) != sizeof r->run)
        continue;
    if (st != EDDY_OK) {
        ed_reasoner_free(r);
        return st;
    }
    (void)ed_ring_push(r->idle, &r->turn, 0);
    *ret = r;
    return EDDY_OK;
}

void ed_reasoner_free(struct ed_reasoner *r)
{
    if (!r)
        return;
    eddy_reasoner_free(r->r);
    ed_chat_free(r->chat);
    struct ed_ring *rings[] = {r->idle, r->asked, r->decided, r->heard};
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++)
        ed_ring_free(rings[i]);
    eddy_arena_free(r->turn.arena);
    ed_free(r);
}

const struct ed_reason_options *ed_reasoner_options(const struct ed_reasoner *r)
{
    return &r->o;
}

static void counts_take(struct ed_reasoner *r)
{
    eddy_reason_stats s;
    eddy_reasoner_stats(r->r, &s);
    atomic_store(&r->passes, s.passes);
    atomic_store(&r->n_asked, s.asked);
    atomic_store(&r->answered, s.answered + s.cached);
    atomic_store(&r->failed, s.failed);
    atomic_store(&r->passes_failed, s.passes_failed);
    atomic_store(&r->over_budget, s.over_budget);
    atomic_store(&r->tokens_in, s.tokens_in);
    atomic_store(&r->tokens_out, s.tokens_out);
    atomic_store(&r->rejected, s.rejected);
    atomic_store(&r->money, s.money);
}

void ed_reason_counts_chat(struct ed_reason_counts *counts, struct ed_chat *chat)
{
    struct ed_chat_stats stats;
    ed_chat_stats(chat, &stats);
    for (size_t i = 0; i < ED_HTTP_CAUSES; i++)
        counts->replies[i] += stats.http.replies[i];
    counts->retries += stats.http.retries;
    counts->broken |= stats.http.breaker == ED_BREAKER_OPEN;
}

void ed_reasoner_counts(const struct ed_reasoner *r, struct ed_reason_counts *ret)
{
    *ret = (struct ed_reason_counts){.passes = atomic_load(&r->passes),
                                     .passes_failed =
                                         atomic_load(&r->passes_failed) + atomic_load(&r->broken),
                                     .asked = atomic_load(&r->n_asked),
                                     .answered = atomic_load(&r->answered),
                                     .failed = atomic_load(&r->failed),
                                     .over_budget = atomic_load(&r->over_budget),
                                     .tokens_in = atomic_load(&r->tokens_in),
                                     .tokens_out = atomic_load(&r->tokens_out),
                                     .rejected = atomic_load(&r->rejected),
                                     .money = atomic_load(&r->money),
                                     .waiting = ed_ring_count(r->decided),
                                     .good_ms = atomic_load(&r->good_ms)};
    if (r->chat)
        ed_reason_counts_chat(ret, r->chat);
}

/* ---- statistics ---- */

eddy_status ed_reasoner_statistics(struct ed_reasoner *r, eddy_clusterer *cl,
                                   const eddy_operation **ret, size_t *n_ret, eddy_error *err)
{
    eddy_engine_stats stats;
    eddy_clusterer_stats(cl, &stats);
    unsigned what = stats.documents / r->o.every % DOUBTS_EVERY ? 0 : EDDY_VIEW_DOUBTS;
    eddy_arena_reset(r->turn.arena);
    eddy_status st = eddy_view_take(cl, what, r->o.doubts_max, r->turn.arena, &r->turn.view, err);
    if (st == EDDY_OK)
        st = eddy_reasoner_pass(r->r, &r->turn.view, 0, 0, r->turn.arena, ret, n_ret, err);
    counts_take(r);
    if (st == EDDY_OK)
        atomic_store(&r->good_ms, ed_monotonic_ms());
    return st;
}

void ed_reasoner_heard(struct ed_reasoner *r, const eddy_operation *operation,
                       const eddy_outcome *outcome)
{
    eddy_reasoner_heard(r->r, operation, outcome);
}

/* ---- the thread ---- */

static void *take(struct ed_ring *ring, int wait_ms)
{
    void *item = NULL;
    return ed_ring_pop(ring, &item, wait_ms) == ED_RING_OK ? item : NULL;
}

/* Hear what became of one operation. 1: one was heard. */
static int hear(struct ed_reasoner *r, int wait_ms, size_t *applied)
{
    struct ed_decision *d = take(r->heard, wait_ms);
    if (!d)
        return 0;
    *applied += d->heard && d->outcome.refusal == EDDY_APPLIED;
    if (d->heard)
        eddy_reasoner_heard(r->r, d->operation, &d->outcome);
    return 1;
}

static struct ed_decision *decisions_make(struct ed_reasoner *r, const eddy_operation *operations,
                                          size_t n)
{
    struct ed_decision *all = ed_arena_alloc_zero(r->turn.arena, n + 1, sizeof *all);
    for (size_t i = 0; i < n && all; i++) {
        all[i].operation = &operations[i];
        all[i].id =
            ed_arena_printf(r->turn.arena, "llm-%016" PRIx64 "-%" PRIu64, r->run, ++r->n_decided);
        if (!all[i].id.at)
            return NULL;
    }
    return all;
}

/* Hand the operations over, as many at a time as there is room for, and hear of all. Nothing can
 * fail once the first is on its way: they live in our arena. */
static eddy_status decide(struct ed_reasoner *r, const eddy_operation *operations, size_t n,
                          size_t *applied, eddy_error *err)
{
    struct ed_decision *all = decisions_make(r, operations, n);
    size_t handed = 0, heard = 0;
    if (!all)
        return eddy_fail_nomem(err, "reasoner", n * sizeof *all);
    while (heard < n && !atomic_load(&r->stopping)) {
        for (; handed < n && handed - heard < ROOM; handed++)
            (void)ed_ring_push(r->decided, &all[handed], 0);
        heard += (size_t)hear(r, WAIT_MS, applied);
    }
    return EDDY_OK;
}

/* What statistics say is with the engine before anybody is asked. */
static eddy_status pass(struct ed_reasoner *r, eddy_error *err)
{
    const eddy_operation *operations = NULL;
    eddy_reason_stats before, after;
    uint64_t seed = 0;
    size_t n = 0, asked_n = 0, applied = 0;
    int64_t began = ed_monotonic_ms();
    while (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        continue;
    eddy_reasoner_stats(r->r, &before);
    eddy_status st =
        eddy_reasoner_begin(r->r, &r->turn.view, began, seed, r->turn.arena, &operations, &n, err);
    if (st == EDDY_OK)
        st = decide(r, operations, n, &applied, err);
    ed_point("reasoner-asks");
    if (st != EDDY_OK || atomic_load(&r->stopping))
        return st;
    st = eddy_reasoner_end(r->r, &operations, &asked_n, err);
    counts_take(r);
    if (st != EDDY_OK)
        return st;
    eddy_reasoner_stats(r->r, &after);
    atomic_store(&r->unanswered,
                 after.failed + after.over_budget > before.failed + before.over_budget);
    if (after.failed == before.failed && after.rejected == before.rejected)
        atomic_store(&r->good_ms, ed_monotonic_ms());
    ed_point("reasoner-answered");
    int64_t took = ed_monotonic_ms() - began;
    st = decide(r, operations, asked_n, &applied, err);
    ed_log(after.failed > before.failed ? ED_LOG_WARN : ED_LOG_INFO, "reasoner",
           "pass=%" PRIu64 " events=%zu doubts=%zu asked=%" PRIu64 " answered=%" PRIu64
           " failed=%" PRIu64 " over_budget=%" PRIu64 " operations=%zu applied=%zu took=%" PRId64
           "ms",
           after.passes, r->turn.view.n_events, r->turn.view.n_doubts, after.asked - before.asked,
           after.answered + after.cached - before.answered - before.cached,
           after.failed - before.failed, after.over_budget - before.over_budget, n + asked_n,
           applied, took);
    return st;
}

void ed_reasoner_main(struct ed_reasoner *r)
{
    while (!atomic_load(&r->stopping)) {
        eddy_error err = {0};
        struct turn *turn = take(r->asked, WAIT_MS);
        if (!turn)
            continue;
        if (pass(r, &err) != EDDY_OK) {
            atomic_fetch_add(&r->broken, 1);
            ed_log(ED_LOG_WARN, "reasoner", "a pass came to nothing: %s", err.text);
        }
        eddy_arena_reset(turn->arena);
        (void)ed_ring_push(r->idle, turn, 0);
        atomic_store(&r->busy, 0);
    }
}

void ed_reasoner_stop(struct ed_reasoner *r)
{
    atomic_store(&r->stopping, 1);
    if (r->chat)
        ed_chat_stop(r->chat);
}

/* ---- the engine's side ---- */

void ed_reasoner_changed(struct ed_reasoner *r, size_t n)
{
    r->changed += n;
}

void ed_reasoner_wake(struct ed_reasoner *r)
{
    atomic_store(&r->wanted, 1);
}

static int is_due(const struct ed_reasoner *r, int64_t now_ms)
{
    if (atomic_load(&r->wanted) || (r->o.changes && r->changed >= r->o.changes))
        return 1;
    return now_ms - r->viewed_ms >= r->o.interval_ms && (r->changed || atomic_load(&r->unanswered));
}

int ed_reasoner_offer(struct ed_reasoner *r, eddy_clusterer *cl, int always)
{
    eddy_error why = {0};
    int64_t now_ms = ed_monotonic_ms();
    if (atomic_load(&r->busy) || (!always && !is_due(r, now_ms)))
        return 0;
    struct turn *turn = take(r->idle, 0);
    if (!turn)
        return 0;
    unsigned what = EDDY_VIEW_DOUBTS | (r->viewed ? 0 : EDDY_VIEW_WHOLE);
    r->viewed_ms = now_ms;
    atomic_store(&r->wanted, 0);
    if (eddy_view_take(cl, what, r->o.doubts_max, turn->arena, &turn->view, &why) != EDDY_OK) {
        ed_log(ED_LOG_WARN, "reasoner", "no view: %s", why.text);
        eddy_arena_reset(turn->arena);
        (void)ed_ring_push(r->idle, turn, 0);
        return 0;
    }
    r->changed = 0;
    r->viewed = 1;
    atomic_store(&r->busy, 1);
    (void)ed_ring_push(r->asked, turn, 0);
    return 1;
}

int ed_reasoner_busy(struct ed_reasoner *r)
{
    return atomic_load(&r->busy);
}

int ed_reasoner_waits(struct ed_reasoner *r)
{
    return ed_ring_count(r->decided) > 0;
}

struct ed_decision *ed_reasoner_next(struct ed_reasoner *r)
{
    return take(r->decided, 0);
}

void ed_reasoner_back(struct ed_reasoner *r, struct ed_decision *decision)
{
    (void)ed_ring_push(r->heard, decision, 0);
}
