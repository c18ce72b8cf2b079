/* A line of those who wait, and one of them who asks for all. What he asks with (reasoner, chat,
 * arena) belongs to him for that time; the lock is held for nothing but the line and the counts.
 *
 * An endpoint that answers nothing, or nothing of use, costs every batch its time. So askings that
 * came to nothing open a breaker, whatever was the reason: documents then find what the cache
 * knows, and go on at once. */
#include "pipeline/keyphraser.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define CHUNK       256 /* texts in one call of the reasoner: what bounds its memory */
#define ARENA_MAX   ((size_t)1 << 28) /* of a call */
#define RETRIES_MAX 1                 /* documents wait */
#define VAIN_MAX    2 /* askings in a row that came to nothing, and the breaker opens */

/* Somebody who waits; on his stack. */
struct waiter {
    const eddy_str *texts; /* (n) */
    size_t n;
    eddy_arena *arena; /* his, lent while he waits */
    eddy_str *ret;
    int done;
    struct waiter *next;
};

struct ed_keyphraser {
    int64_t wait_ms;
    eddy_reasoner *r; /* the asker's ... */
    struct ed_chat *chat;
    eddy_arena *arena; /* ... of a call */
    struct ed_pace pace;
    int open; /* 1: this asking is of the cache alone */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int asking;             /* somebody is; these and the rest are guarded by the lock */
    struct waiter *waiting; /* the last who came is first */
    eddy_reason_stats stats;
};

/* Texts of one call, and whose they are. */
struct chunk {
    eddy_str texts[CHUNK];
    struct waiter *whose[CHUNK];
    size_t n;
};

/* ---- making one ---- */

eddy_status ed_keyphraser_new(const struct ed_reason_options *options, int64_t wait_ms,
                              struct ed_keyphraser **ret, eddy_error *err)
{
    struct ed_keyphraser *k = ed_alloc_zero(1, sizeof *k);
    if (!k)
        return eddy_fail_nomem(err, "keyphraser", sizeof *k);
    k->wait_ms = wait_ms;
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->changed, NULL);
    k->arena = eddy_arena_new(ARENA_MAX);
    eddy_reason_options reason = options->reason;
    eddy_status st = k->arena ? EDDY_OK : eddy_fail_nomem(err, "keyphraser", 0);
    ed_pace_init(&k->pace, 1, 0);
    k->pace.failures_max = VAIN_MAX;
    if (st == EDDY_OK && !reason.completer.complete) {
        struct ed_chat_options chat = options->chat;
        if (chat.http.retries > RETRIES_MAX)
            chat.http.retries = RETRIES_MAX;
        chat.http.pace.failures_max =
            INT_MAX; /* askings are what opens a breaker here, see judge */
        st = ed_chat_new(&chat, &k->chat, err);
        if (st == EDDY_OK)
            reason.completer = ed_chat_completer(k->chat);
    }
    if (st == EDDY_OK)
        st = eddy_reasoner_new(&reason, &k->r, err);
    if (st != EDDY_OK) {
        ed_keyphraser_free(k);
        return st;
    }
    *ret = k;
    return EDDY_OK;
}

void ed_keyphraser_free(struct ed_keyphraser *k)
{
    if (!k)
        return;
    eddy_reasoner_free(k->r);
    ed_chat_free(k->chat);
    eddy_arena_free(k->arena);
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->lock);
    ed_free(k);
}

void ed_keyphraser_stop(struct ed_keyphraser *k)
{
    if (k->chat)
        ed_chat_stop(k->chat);
}

void ed_keyphraser_counts(struct ed_keyphraser *k, struct ed_reason_counts *ret)
{
    pthread_mutex_lock(&k->lock);
    ret->asked += k->stats.asked;
    ret->answered += k->stats.answered + k->stats.cached;
    ret->failed += k->stats.failed;
    ret->over_budget += k->stats.over_budget;
    ret->tokens_in += k->stats.tokens_in;
    ret->tokens_out += k->stats.tokens_out;
    ret->rejected += k->stats.rejected;
    ret->money += k->stats.money;
    pthread_mutex_unlock(&k->lock);
    if (k->chat)
        ed_reason_counts_chat(ret, k->chat);
}

/* ---- asking: without the lock ---- */

/* Each text's answer goes where its waiter wants it, in the order in which he gave them. */
static void chunk_ask(struct ed_keyphraser *k, struct chunk *chunk)
{
    eddy_str found[CHUNK];
    eddy_error why = {0};
    uint64_t seed = 0;
    while (!k->open && (getrandom(&seed, sizeof seed, 0) != sizeof seed || !seed))
        continue;
    eddy_arena_reset(k->arena);
    eddy_status st = eddy_reasoner_keyphrases(k->r, chunk->texts, chunk->n, ed_monotonic_ms(), seed,
                                              k->arena, found, &why);
    if (st != EDDY_OK)
        ed_log(ED_LOG_WARN, "keyphrases", "documents go without: %s", why.text);
    for (size_t i = 0; i < chunk->n; i++) {
        struct waiter *w = chunk->whose[i];
        eddy_str answer = {NULL, 0};
        if (st == EDDY_OK && found[i].n)
            answer = ed_arena_str(w->arena, found[i].at, found[i].n);
        *w->ret++ = answer.at ? answer : (eddy_str){"", 0};
    }
    chunk->n = 0;
}

/* What came of an asking, for the breaker. */
static void judge(struct ed_keyphraser *k, const eddy_reason_stats *before,
                  const eddy_reason_stats *after)
{
    if (k->open || after->asked == before->asked)
        return;
    int well = after->answered > before->answered;
    if (ed_pace_ended(&k->pace, well ? ED_ATTEMPT_WELL : ED_ATTEMPT_FAILED, 0, ed_monotonic_ms()))
        ed_log(ED_LOG_WARN, "keyphrases",
               "asked %d times in a row for nothing: documents go without for %" PRId64 " ms",
               k->pace.failures, k->pace.open_ms);
}

static void tell(const eddy_reason_stats *before, const eddy_reason_stats *after, int64_t took_ms)
{
    uint64_t failed = after->failed - before->failed, rejected = after->rejected - before->rejected,
             over = after->over_budget - before->over_budget;
    ed_log(failed + rejected + over ? ED_LOG_WARN : ED_LOG_DEBUG, "keyphrases",
           "answered=%" PRIu64 " cached=%" PRIu64 " failed=%" PRIu64 " rejected=%" PRIu64
           " over_budget=%" PRIu64 " took=%" PRId64 "ms",
           after->answered - before->answered, after->cached - before->cached, failed, rejected,
           over, took_ms);
}

static void ask(struct ed_keyphraser *k, struct waiter *all, eddy_reason_stats *ret)
{
    struct chunk chunk = {.n = 0};
    eddy_reason_stats before;
    int64_t began = ed_monotonic_ms();
    eddy_reasoner_stats(k->r, &before);
    k->open = ed_pace_breaker(&k->pace, began) == ED_BREAKER_OPEN;
    if (k->chat)
        ed_chat_until(k->chat, began + k->wait_ms / 2, began + k->wait_ms);
    for (struct waiter *w = all; w; w = w->next)
        for (size_t i = 0; i < w->n; i++) {
            chunk.texts[chunk.n] = w->texts[i];
            chunk.whose[chunk.n++] = w;
            if (chunk.n == CHUNK)
                chunk_ask(k, &chunk);
        }
    if (chunk.n)
        chunk_ask(k, &chunk);
    eddy_reasoner_stats(k->r, ret);
    judge(k, &before, ret);
    tell(&before, ret, ed_monotonic_ms() - began);
}

void ed_keyphraser_find(struct ed_keyphraser *k, const eddy_str *texts, size_t n, eddy_arena *arena,
                        eddy_str *ret)
{
    struct waiter mine = {.texts = texts, .n = n, .arena = arena, .ret = ret};
    pthread_mutex_lock(&k->lock);
    mine.next = k->waiting;
    k->waiting = &mine;
    while (!mine.done) {
        if (k->asking) { /* which is bounded, and so is this */
            pthread_cond_wait(&k->changed, &k->lock);
            continue;
        }
        struct waiter *all = k->waiting;
        eddy_reason_stats stats;
        k->asking = 1;
        k->waiting = NULL;
        pthread_mutex_unlock(&k->lock);
        ask(k, all, &stats);
        pthread_mutex_lock(&k->lock);
        k->stats = stats;
        k->asking = 0;
        for (; all; all = all->next)
            all->done = 1; /* nobody leaves before we let go of the lock */
        pthread_cond_broadcast(&k->changed);
    }
    pthread_mutex_unlock(&k->lock);
}
