/* struct ed_log as librdkafka behaves behind it.
 *
 * A request is on its way for a while, and comes to one of five ends: answered; lost before it took
 * effect; lost after; given up but still under way (it lingers, and takes effect at some later time
 * if the broker lets it); or the broker is away. In the last four the client knows nothing:
 * ED_AGAIN. Every wait is a place where others run, and where the process may die. */
#include "process.h"

#include "base/error.h"
#include "base/point.h"

#include <stdlib.h>

#define OFFSETS (1U << SIM_TOPICS) /* among the bits of partitions */

enum state {
    NONE,       /* no producer */
    READY,      /* no transaction */
    OPEN,       /* a transaction */
    ABORTABLE,  /* a transaction that can only be aborted */
    COMMITTING, /* the end was asked for, and not answered */
    ABORTING,
    FATAL, /* fenced or out of step: a new producer is needed */
};

struct queued {
    int is_state;
    struct ed_message message;
    eddy_record state;
    size_t number;
};

struct client {
    struct ed_log log;
    struct sim_process *p;
    struct sim *sim;
    enum state state;
    int fenced; /* FATAL because a newer epoch is there */
    int64_t epoch;
    unsigned added; /* bits of partitions in the transaction */
    int doubtful;
    struct queued *queue; /* sent, and not at the broker yet; the caller keeps the bytes */
    size_t n_queue, room_queue;
    size_t oversize[1024], n_oversize;
    int64_t state_next; /* behind the last record of the state that was acknowledged */
};

/* ---- requests ---- */

enum fate { GOES, NEVER_ARRIVES, UNANSWERED, LINGERS };

static struct sim_random *dice(struct client *cl)
{
    return &cl->sim->random;
}

static void wait(struct client *cl, int64_t ms)
{
    sim_wait(cl->sim, ms);
}

static void given_up(struct client *cl)
{
    cl->doubtful = 1;
    cl->sim->counts.timeouts++;
    wait(cl, cl->sim->faults.timeout_ms);
}

/* The way to the broker. */
static enum fate go(struct client *cl, const char *what, int may_linger)
{
    const struct sim_faults *f = &cl->sim->faults;
    wait(cl, sim_below(dice(cl), f->latency_ms + 1));
    sim_trace(cl->sim, "request: %s (epoch %lld)", what, (long long)cl->epoch);
    int64_t down = cl->sim->cluster->down_until_ms - cl->sim->now_ms;
    if (down > 0) {
        cl->doubtful = 1;
        if (down > f->timeout_ms) {
            given_up(cl);
            return NEVER_ARRIVES;
        }
        wait(cl, down + sim_below(dice(cl), f->latency_ms + 1));
    }
    if (cl->sim->faults_end)
        return GOES;
    enum fate fate = GOES;
    if (sim_chance(dice(cl), f->request_lost))
        fate = NEVER_ARRIVES;
    else if (sim_chance(dice(cl), f->request_silent))
        fate = UNANSWERED;
    else if (may_linger && sim_chance(dice(cl), f->request_lingers))
        fate = LINGERS;
    if (fate == NEVER_ARRIVES || fate == LINGERS)
        sim_trace(cl->sim, "request: %s %s", what, fate == LINGERS ? "lingers" : "is lost");
    if (fate == NEVER_ARRIVES)
        given_up(cl);
    return fate;
}

static void linger(struct client *cl, struct sim_lingering request)
{
    const struct sim_faults *f = &cl->sim->faults;
    request.due_ms = cl->sim->now_ms + f->timeout_ms + sim_below(dice(cl), f->linger_ms + 1);
    request.epoch = cl->epoch;
    sim_cluster_linger(cl->sim->cluster, &request);
    given_up(cl);
}

/* The way back: the reply, or SIM_TIMEOUT. */
static enum sim_reply back(struct client *cl, enum fate fate, enum sim_reply reply)
{
    if (fate == UNANSWERED) {
        sim_trace(cl->sim, "request: the answer is lost");
        given_up(cl);
        return SIM_TIMEOUT;
    }
    wait(cl, sim_below(dice(cl), cl->sim->faults.latency_ms + 1));
    return reply;
}

/* ---- what errors come to ---- */

static enum ed_answer again(const char *what, eddy_error *err)
{
    eddy_fail_retriable(err, EDDY_UNAVAILABLE, "%s: timed out", what);
    return ED_AGAIN;
}

/* A fenced producer is lost when the group has given the shard away, as far as is known here. */
static enum ed_answer finished(struct client *cl, const char *what, eddy_error *err)
{
    int lost = cl->fenced && (!cl->p->view.owns || sim_chance(dice(cl), 49152));
    sim_trace(cl->sim, "producer: %s: %s", what, lost ? "lost" : "broken");
    eddy_fail(err, lost ? EDDY_FENCED : EDDY_UNAVAILABLE, "%s: the producer is %s", what,
              cl->fenced ? "fenced" : "out of step");
    return lost ? ED_LOST : ED_BROKEN;
}

static enum ed_answer aborted(struct client *cl, const char *what, eddy_error *err)
{
    sim_trace(cl->sim, "producer: %s: to be aborted", what);
    eddy_fail_retriable(err, EDDY_UNAVAILABLE, "%s: the transaction is to be aborted", what);
    return ED_ABORT;
}

static void fatal(struct client *cl, int fenced)
{
    cl->state = FATAL;
    cl->fenced = fenced;
    cl->sim->counts.fences += (uint64_t)fenced;
}

/* librdkafka finds itself out of step with the broker (RELIABILITY 2.5): at any call, and rather
 * after one that was not answered. */
static void mishap(struct client *cl)
{
    int chance = cl->sim->faults.producer_dies * (cl->doubtful ? 32 : 1);
    if (cl->state != NONE && cl->state != FATAL && !cl->sim->faults_end &&
        sim_chance(dice(cl), chance))
        fatal(cl, 0);
}

/* ---- records on their way ---- */

/* Topics (bits) of which the first n hold a message that is too large: a broker refuses whole
 * batches. */
static unsigned too_large(const struct client *cl, size_t n)
{
    unsigned sick = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ed_message *m = &cl->queue[i].message;
        if (cl->queue[i].is_state)
            continue; /* its topic takes larger ones */
        size_t size = m->key.n + m->value.n;
        for (size_t h = 0; h < m->n_headers; h++)
            size += strlen(m->headers[h].name) + m->headers[h].value.n;
        if (size > cl->sim->faults.message_max)
            sick |= 1U << m->topic;
    }
    return sick;
}

/* Send what is queued, up to n; a broken connection is retried inside (idempotence), and now and
 * then in vain. */
static void flush(struct client *cl, size_t n)
{
    size_t done = 0;
    unsigned sick;
    if (n > cl->n_queue)
        n = cl->n_queue;
    if (!n || cl->state != OPEN)
        return;
    enum fate fate = go(cl, "produce", 0);
    if (cl->state != OPEN)
        return;
    if (fate != GOES && sim_chance(dice(cl), 32768)) {
        cl->state = ABORTABLE; /* message.timeout.ms */
        n = fate == NEVER_ARRIVES ? 0 : (size_t)sim_below(dice(cl), (int64_t)n + 1);
    }
    if (!cl->sim->faults_end && sim_chance(dice(cl), cl->sim->faults.produce_fails)) {
        cl->state = ABORTABLE;
        n = (size_t)sim_below(dice(cl), (int64_t)n + 1);
    }
    sick = too_large(cl, n);
    for (; done < n; done++) {
        const struct queued *q = &cl->queue[done];
        unsigned bit = 1U << (q->is_state ? SIM_STATE : (int)q->message.topic);
        if (sick & bit) {
            cl->state = ABORTABLE;
            if (cl->n_oversize < sizeof cl->oversize / sizeof cl->oversize[0])
                cl->oversize[cl->n_oversize++] = q->number;
            continue;
        }
        enum sim_reply reply =
            sim_cluster_produce(cl->sim->cluster, cl->epoch, !!(cl->added & bit),
                                q->is_state ? NULL : &q->message, q->is_state ? &q->state : NULL);
        if (reply == SIM_FENCED) {
            fatal(cl, 1);
            break;
        }
        if (reply == SIM_CONCURRENT) {
            wait(cl, 1 + sim_below(dice(cl), 5));
            done--;
            continue;
        }
        if (reply != SIM_OK) {
            cl->state = ABORTABLE;
            break;
        }
        cl->added |= bit;
        if (q->is_state)
            cl->state_next = cl->sim->cluster->partitions[SIM_STATE].next;
    }
    memmove(cl->queue, cl->queue + done, (cl->n_queue - done) * sizeof *cl->queue);
    cl->n_queue -= done;
    wait(cl, sim_below(dice(cl), cl->sim->faults.latency_ms + 1));
}

static enum ed_answer enqueue(struct client *cl, const struct queued *q, eddy_error *err)
{
    if (cl->state == FATAL)
        return finished(cl, "send", err);
    if (cl->state == ABORTABLE)
        return aborted(cl, "send", err);
    if (cl->state != OPEN) {
        sim_fail(cl->sim, "protocol: send without a transaction");
        return ED_BROKEN;
    }
    if (cl->n_queue == cl->room_queue) {
        cl->room_queue = cl->room_queue ? cl->room_queue * 2 : 64;
        cl->queue = realloc(cl->queue, cl->room_queue * sizeof *cl->queue);
        if (!cl->queue)
            abort();
    }
    cl->queue[cl->n_queue++] = *q;
    if (sim_chance(dice(cl), 4096)) {
        flush(cl, (size_t)sim_between(dice(cl), 1, (int64_t)cl->n_queue));
        if (cl->state == FATAL && sim_chance(dice(cl), 32768))
            return finished(cl, "send", err);
    }
    return ED_DONE;
}

/* ---- the calls of struct ed_log ---- */

static struct client *of(struct ed_log *log)
{
    return (struct client *)(void *)log;
}

static enum ed_answer client_fence(struct ed_log *log, eddy_error *err)
{
    struct client *cl = of(log);
    cl->n_queue = cl->n_oversize = 0;
    cl->state = NONE;
    ed_point("client.fence");
    enum fate fate = go(cl, "fence", 1);
    if (fate == LINGERS)
        linger(cl, (struct sim_lingering){.kind = 'i'});
    if (fate == NEVER_ARRIVES || fate == LINGERS)
        return again("fence", err);
    int64_t epoch;
    while (!sim_cluster_init(cl->sim->cluster, &epoch)) /* CONCURRENT_TRANSACTIONS */
        wait(cl, 1 + sim_below(dice(cl), 5));
    if (back(cl, fate, SIM_OK) == SIM_TIMEOUT)
        return again("fence", err);
    cl->epoch = epoch;
    cl->state = READY;
    cl->doubtful = cl->fenced = 0;
    return ED_DONE;
}

static enum ed_answer client_begin(struct ed_log *log, eddy_error *err)
{
    struct client *cl = of(log);
    ed_point("client.begin");
    mishap(cl);
    if (cl->state == FATAL)
        return finished(cl, "begin", err);
    if (cl->state != READY) {
        sim_fail(cl->sim, "protocol: begin in state %d", (int)cl->state);
        return ED_BROKEN;
    }
    cl->state = OPEN;
    cl->added = 0;
    cl->n_queue = cl->n_oversize = 0;
    return ED_DONE;
}

static enum ed_answer client_send(struct ed_log *log, const struct ed_message *m, size_t number,
                                  int alone, eddy_error *err)
{
    struct client *cl = of(log);
    ed_point("client.send");
    if (alone)
        flush(cl, cl->n_queue);
    enum ed_answer answer = enqueue(cl, &(struct queued){.message = *m, .number = number}, err);
    if (alone && answer == ED_DONE)
        flush(cl, cl->n_queue);
    return answer;
}

static enum ed_answer client_send_state(struct ed_log *log, const eddy_record *record,
                                        eddy_error *err)
{
    ed_point("client.send_state");
    return enqueue(of(log), &(struct queued){.is_state = 1, .state = *record, .number = SIZE_MAX},
                   err);
}

static enum ed_answer client_offsets(struct ed_log *log, const struct ed_offset *offsets, size_t n,
                                     eddy_error *err)
{
    struct client *cl = of(log);
    ed_point("client.offsets");
    struct sim_lingering told = {.kind = 'o'};
    for (int i = 0; i < SIM_INPUTS; i++)
        told.offsets[i] = -1;
    for (size_t i = 0; i < n; i++)
        told.offsets[offsets[i].partition] = offsets[i].next;
    mishap(cl);
    if (cl->state == NONE ||
        cl->state == READY) { /* a consumer's commit: no transaction guards it */
        enum fate fate = go(cl, "offsets outside", 0);
        if (fate == NEVER_ARRIVES)
            return again("offsets", err);
        return back(cl, fate, sim_cluster_offsets_now(cl->sim->cluster, told.offsets)) == SIM_OK
                   ? ED_DONE
                   : again("offsets", err);
    }
    if (cl->state == FATAL)
        return finished(cl, "offsets", err);
    if (cl->state == ABORTABLE)
        return aborted(cl, "offsets", err);
    cl->added |= OFFSETS; /* perhaps */
    enum fate fate = go(cl, "offsets", 1);
    if (fate == LINGERS)
        linger(cl, told);
    if (fate == NEVER_ARRIVES || fate == LINGERS)
        return again("offsets", err);
    enum sim_reply reply;
    while ((reply = sim_cluster_offsets(cl->sim->cluster, cl->epoch, cl->p->view.member,
                                        cl->p->view.generation, told.offsets)) == SIM_CONCURRENT)
        wait(cl, 1 + sim_below(dice(cl), 5));
    reply = back(cl, fate, reply);
    if (reply == SIM_TIMEOUT)
        return again("offsets", err);
    if (reply == SIM_FENCED) {
        fatal(cl, 1);
        return finished(cl, "offsets", err);
    }
    if (reply == SIM_GENERATION) {
        cl->state = ABORTABLE;
        if (!cl->p->view.owns) {
            eddy_fail(err, EDDY_FENCED, "offsets: the group has given the shard away");
            return ED_LOST;
        }
        return aborted(cl, "offsets", err);
    }
    return ED_DONE;
}

/* Both ends of a transaction. */
static enum ed_answer end(struct client *cl, int commit, eddy_error *err)
{
    const char *what = commit ? "commit" : "abort";
    if (!cl->added) { /* the broker never heard of it */
        cl->state = READY;
        return ED_DONE;
    }
    cl->state = commit ? COMMITTING : ABORTING;
    enum fate fate = go(cl, what, 1);
    if (fate == LINGERS)
        linger(cl, (struct sim_lingering){.kind = commit ? 'c' : 'a'});
    if (fate == NEVER_ARRIVES || fate == LINGERS)
        return again(what, err);
    enum sim_reply reply = sim_cluster_end(cl->sim->cluster, cl->epoch, commit);
    ed_point("client.end");
    reply = back(cl, fate, reply);
    if (reply == SIM_TIMEOUT && cl->sim->faults.producer_dies && sim_chance(dice(cl), 16384)) {
        fatal(cl, 0);
        return finished(cl, what, err);
    }
    if (reply == SIM_TIMEOUT)
        return again(what, err);
    if (reply == SIM_OK) {
        cl->state = READY;
        return ED_DONE;
    }
    fatal(cl, reply == SIM_FENCED);
    return finished(cl, what, err);
}

static enum ed_answer client_commit(struct ed_log *log, eddy_error *err)
{
    struct client *cl = of(log);
    ed_point("client.commit");
    while (cl->state == OPEN && cl->n_queue)
        flush(cl, cl->n_queue);
    mishap(cl);
    if (cl->state == FATAL)
        return finished(cl, "commit", err);
    if (cl->state == ABORTABLE)
        return aborted(cl, "commit", err);
    if (cl->state != OPEN && cl->state != COMMITTING) {
        sim_fail(cl->sim, "protocol: commit in state %d", (int)cl->state);
        return ED_BROKEN;
    }
    return end(cl, 1, err);
}

static enum ed_answer client_abort(struct ed_log *log, eddy_error *err)
{
    struct client *cl = of(log);
    ed_point("client.abort");
    cl->sim->counts.aborts++;
    mishap(cl);
    if (cl->state == FATAL)
        return finished(cl, "abort", err);
    if (cl->state != OPEN && cl->state != ABORTABLE && cl->state != ABORTING) {
        sim_fail(cl->sim, "protocol: abort in state %d", (int)cl->state);
        return ED_BROKEN;
    }
    cl->n_queue = 0;
    return end(cl, 0, err);
}

static int client_oversize(struct ed_log *log, size_t *ret_number)
{
    struct client *cl = of(log);
    if (!cl->n_oversize)
        return 0;
    *ret_number = cl->oversize[--cl->n_oversize];
    return 1;
}

static int client_doubtful(struct ed_log *log)
{
    return of(log)->doubtful;
}

static enum ed_answer client_bounds(struct ed_log *log, int64_t *ret_first, int64_t *ret_end,
                                    eddy_error *err)
{
    struct client *cl = of(log);
    int doubtful = cl->doubtful; /* reading leaves nothing under way that could do harm */
    ed_point("client.bounds");
    enum fate fate = go(cl, "bounds", 0);
    int64_t first = cl->sim->cluster->partitions[SIM_STATE].first;
    int64_t end_at = cl->sim->cluster->partitions[SIM_STATE].next;
    enum sim_reply reply = fate == NEVER_ARRIVES ? SIM_TIMEOUT : back(cl, fate, SIM_OK);
    cl->doubtful = doubtful;
    if (reply == SIM_TIMEOUT)
        return again("bounds", err);
    *ret_first = first;
    *ret_end = end_at;
    return ED_DONE;
}

static enum ed_answer client_read(struct ed_log *log, int64_t from, int64_t until,
                                  ed_state_fn *take, void *user, int64_t *ret_next, eddy_error *err)
{
    struct client *cl = of(log);
    struct sim_cluster *c = cl->sim->cluster;
    const struct sim_partition *p = &c->partitions[SIM_STATE];
    int doubtful = cl->doubtful;
    int64_t at = from;
    while (at < until) {
        ed_point("client.read");
        enum fate fate = go(cl, "read", 0);
        cl->doubtful = doubtful;
        if (fate != GOES)
            break;
        if (at < p->first || at > p->next) {
            eddy_fail(err, EDDY_FORMAT, "state: offset %lld is not in the log", (long long)at);
            *ret_next = at;
            return ED_REFUSED;
        }
        int64_t stable = sim_cluster_stable(c, SIM_STATE);
        size_t i = sim_cluster_seek(c, SIM_STATE, at);
        size_t most = i + (size_t)sim_between(dice(cl), 1, 400);
        if (at >= stable) { /* somebody's transaction is open */
            wait(cl, cl->sim->faults.timeout_ms);
            break;
        }
        for (;
             i < p->n && i < most && p->records[i].offset < stable && p->records[i].offset < until;
             i++) {
            const struct sim_record *r = &p->records[i];
            at = r->offset + 1;
            if (r->marker || r->visible != SIM_COMMITTED)
                continue;
            cl->sim->held++; /* the log may not change under the record */
            eddy_status st = take(user, &r->state, r->offset, err);
            cl->sim->held--;
            if (st != EDDY_OK)
                return ED_REFUSED;
        }
        if (i == p->n || p->records[i].offset >= stable || p->records[i].offset >= until)
            at = stable < until ? stable : until; /* gaps at the end are passed as well */
    }
    *ret_next = at;
    return at > from || at >= until ? ED_DONE : again("read", err);
}

/* Nobody waits for an answer, and nothing hangs on it. */
static int client_forget(struct ed_log *log, int64_t before)
{
    struct client *cl = of(log);
    const struct sim_faults *f = &cl->sim->faults;
    ed_point("client.forget");
    if (sim_chance(dice(cl), f->request_lost))
        return 1;
    if (sim_chance(dice(cl), 32768)) {
        sim_cluster_forget(cl->sim->cluster, before);
        return 1;
    }
    sim_cluster_linger(
        cl->sim->cluster,
        &(struct sim_lingering){.kind = 'f',
                                .epoch = cl->epoch,
                                .before = before,
                                .due_ms = cl->sim->now_ms + sim_below(dice(cl), f->linger_ms + 1)});
    return 1;
}

static enum ed_answer client_told(struct ed_log *log, const char *topic, int32_t partition,
                                  int64_t *ret_next, eddy_error *err)
{
    struct client *cl = of(log);
    struct sim_cluster *c = cl->sim->cluster;
    int doubtful = cl->doubtful;
    (void)topic;
    ed_point("client.told");
    enum fate fate = go(cl, "told", 0);
    int unstable = c->txn.open || c->txn.marking; /* UNSTABLE_OFFSET_COMMIT */
    int64_t next = c->group.offsets[partition];
    enum sim_reply reply = fate == NEVER_ARRIVES ? SIM_TIMEOUT : back(cl, fate, SIM_OK);
    cl->doubtful = doubtful;
    if (reply == SIM_TIMEOUT || unstable)
        return again("told", err);
    *ret_next = next;
    return ED_DONE;
}

static int client_ran_before(struct ed_log *log)
{
    const struct sim_group *g = &of(log)->sim->cluster->group;
    for (int i = 0; i < SIM_INPUTS; i++)
        if (g->offsets[i] >= 0)
            return 1;
    return 0;
}

static int64_t client_state_next(struct ed_log *log)
{
    return of(log)->state_next;
}

static int64_t client_now(struct ed_log *log)
{
    return of(log)->sim->now_ms;
}

static void client_pause(struct ed_log *log, int ms)
{
    wait(of(log), ms);
}

static uint64_t client_draw(struct ed_log *log)
{
    return sim_draw(dice(of(log))) | 1;
}

static void client_free(struct ed_log *log)
{
    struct client *cl = of(log);
    free(cl->queue);
    free(cl);
}

struct ed_log *sim_client_new(struct sim_process *p)
{
    struct client *cl = calloc(1, sizeof *cl);
    if (!cl)
        abort();
    cl->p = p;
    cl->sim = p->sim;
    cl->state_next = -1;
    cl->log = (struct ed_log){client_fence,    client_begin,  client_send,       client_send_state,
                              client_offsets,  client_commit, client_abort,      client_oversize,
                              client_doubtful, client_bounds, client_read,       client_state_next,
                              client_forget,   client_told,   client_ran_before, client_now,
                              client_pause,    client_draw,   client_free};
    return &cl->log;
}
