/* The scheduler. Whoever is due next runs next: a process that waited, a heartbeat, the broker with
 * something late, the second reader, or a fault; who is due at the same moment is drawn. All waits
 * of all processes are simulated, so a run of minutes takes milliseconds. */
#include "judge.h"
#include "process.h"

#include "base/log.h"
#include "base/point.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>

struct sim *sim_now;
enum ed_mutant ed_mutant_now;

#define LIMIT_MS 120000 /* after the end of the faults: who is not done then never will be */
#define QUIET_MS 5000   /* at rest, before the last look: late requests have arrived */

/* ---- the faults of a seed ---- */

/* Often none of a kind, else from rarely to often. */
static int sometimes(struct sim_random *r, int low, int high)
{
    if (sim_chance(r, 26000))
        return 0;
    double span = (double)high / (double)low, x = sim_unit(r);
    double value = low;
    while (x > 0.1 && value * 1.3 < high) { /* about log-uniform, without libm */
        value *= 1.3;
        x -= 0.1 * 24 / (span > 24 ? span : 24);
    }
    return (int)value;
}

void sim_faults_draw(struct sim_faults *f, struct sim_random *r)
{
    *f = (struct sim_faults){
        .crash_at_point = sometimes(r, 4, 200),
        .stall_at_point = sometimes(r, 4, 200),
        .switch_at_point = (int)sim_between(r, 0, 20000),
        .request_lost = sometimes(r, 200, 6000),
        .request_silent = sometimes(r, 400, 10000),
        .request_lingers = sometimes(r, 400, 10000),
        .produce_fails = sometimes(r, 200, 6000),
        .producer_dies = sometimes(r, 4, 200),
        .disk_fails = sometimes(r, 100, 4000),
        .damage_at_crash = sometimes(r, 6000, 50000),
        .crash_ms = sometimes(r, 400, 8000),
        .term_ms = sometimes(r, 400, 8000),
        .stall_ms = sometimes(r, 400, 8000),
        .broker_ms = sometimes(r, 800, 10000),
        .steal_ms = sometimes(r, 400, 8000),
        .rebalance_ms = sometimes(r, 400, 8000),
        .compact_ms = sometimes(r, 50, 2000),
        .until_ms = (int)sim_between(r, 2000, 20000),
        .session_ms = (int)sim_between(r, 200, 1500),
        .transaction_ms = (int)sim_between(r, 500, 4000),
        .latency_ms = (int)sim_between(r, 0, 8),
        .timeout_ms = (int)sim_between(r, 50, 400),
        .linger_ms = (int)sim_between(r, 10, 1500),
        .stall_max_ms = (int)sim_between(r, 300, 3000),
        .down_max_ms = (int)sim_between(r, 100, 3000),
        .restart_ms = (int)sim_between(r, 10, 1000),
        .deliver_ms = (int)sim_between(r, 300, 6000),
        .static_members = sim_chance(r, 32768),
        .without_store = sim_chance(r, 8192),
        .rewrite_bytes = (int)sim_between(r, 1000, 60000),
        .span_bytes = (int)sim_between(r, 200, 6000),
        .warm = (int)sim_between(r, 0, 65536),
        .message_max = 2500,
    };
}

static void engine_draw(eddy_engine_options *o, struct sim_random *r)
{
    eddy_engine_options_init(o);
    o->duplicates_window = (uint32_t)sim_below(r, 1000); /* pages of it come and go */
    o->dense_dim = SIM_DENSE;
    o->terms_dim = 32;
    o->repair_every = (uint32_t)sim_between(r, 4, 32);
    o->detail = (uint32_t)sim_between(r, 2, 8);
    if (sim_chance(r, 32768))
        o->events_max = (uint32_t)sim_between(r, 16, 40);
    if (sim_chance(r, 32768))
        o->fade_ms = sim_between(r, 100, 2000) * 1000;
    if (sim_chance(r, 16384))
        o->half_life_ms = sim_between(r, 1000, 100000) * 10;
}

/* ---- what it all has in common ---- */

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list args;
    if (sim->failed)
        return;
    sim->failed = 1;
    va_start(args, format);
    vsnprintf(sim->failure, sizeof sim->failure, format, args);
    va_end(args);
    sim_trace(sim, "VIOLATION: %s", sim->failure);
}

void sim_trace(struct sim *sim, const char *format, ...)
{
    va_list args;
    if (!sim->traced)
        return;
    va_start(args, format);
    printf("%8lld ", (long long)sim->now_ms);
    if (sim->running)
        printf("p%d ", sim->running->number);
    else
        printf("   ");
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void sim_wait(struct sim *sim, int64_t ms)
{
    struct sim_process *p = sim->running;
    if (!p || sim->held)
        abort(); /* only processes wait */
    p->wakes_ms = sim->now_ms + ms;
    if (p->wakes_ms < p->stalled_until_ms)
        p->wakes_ms = p->stalled_until_ms;
    sim->counts.switches++;
    sim_fiber_leave(p->fiber);
}

static void stall(struct sim *sim, struct sim_process *p)
{
    int64_t ms = sim_between(&sim->random, 1, sim->faults.stall_max_ms);
    sim_trace(sim, "process %d is stalled for %lld ms", p->number, (long long)ms);
    p->stalled_until_ms = sim->now_ms + ms;
    if (p->wakes_ms < p->stalled_until_ms)
        p->wakes_ms = p->stalled_until_ms;
    sim->counts.stalls++;
}

void ed_point(const char *name)
{
    struct sim *sim = sim_now;
    if (!sim || !sim->running || sim->held)
        return;
    struct sim_process *p = sim->running;
    struct sim_random *r = &sim->random;
    sim->counts.steps++;
    sim_trace(sim, "at %s", name);
    if (!sim->faults_end && sim_chance(r, sim->faults.crash_at_point)) {
        p->doomed = 1;
        sim_fiber_leave(p->fiber); /* for good */
    }
    if (!sim->faults_end && sim_chance(r, sim->faults.stall_at_point)) {
        stall(sim, p);
        sim_wait(sim, 0);
    } else if (sim_chance(r, sim->faults.switch_at_point)) {
        sim_wait(sim, sim_below(r, 3));
    }
}

/* The clocks and the log of the program, here. */
int64_t ed_monotonic_ms(void)
{
    return sim_now ? sim_now->now_ms : 0;
}

int64_t ed_wall_ms(void)
{
    return 1700000000000 + ed_monotonic_ms();
}

void ed_log(enum ed_log_level level, const char *sub, const char *format, ...)
{
    char line[800];
    va_list args;
    (void)level;
    if (!sim_now || !sim_now->traced)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    sim_trace(sim_now, "log %s: %s", sub, line);
}

/* ---- what happens to processes and broker ---- */

static void crash(struct sim *sim, struct sim_process *p)
{
    int64_t down = sim_between(&sim->random, 1, sim->faults.restart_ms);
    if (sim_chance(&sim->random, 3000))
        down += 4000; /* long enough for tombstones to go */
    sim_process_crash(p, down);
    if (sim->files && sim_chance(&sim->random, 32768))
        sim_disk_power_loss(sim, p->folder);
    if (sim->files)
        return; /* the store is the truth there: nobody else damages it */
    if (!sim->faults_end && sim_chance(&sim->random, sim->faults.damage_at_crash))
        sim_process_damage(p);
}

static void broker_down(struct sim *sim)
{
    int64_t ms = sim_between(&sim->random, 1, sim->faults.down_max_ms);
    struct sim_group *g = &sim->cluster->group;
    sim_trace(sim, "the broker is away for %lld ms", (long long)ms);
    sim->cluster->down_until_ms = sim->now_ms + ms;
    for (size_t i = 0; i < sizeof g->members / sizeof g->members[0]; i++)
        g->members[i].heard_ms += ms; /* a coordinator that comes back gives all of them time */
}

static void beat(struct sim *sim, struct sim_process *p)
{
    if (sim->files) {
        p->beats_ms = INT64_MAX;
        return;
    }
    const struct sim_faults *f = &sim->faults;
    p->beats_ms = sim->now_ms + f->session_ms / 6 + sim_below(&sim->random, f->session_ms / 12 + 1);
    if (sim->now_ms < p->stalled_until_ms) {
        p->beats_ms = p->stalled_until_ms + sim_below(&sim->random, 20);
        return;
    }
    if (sim->now_ms < sim->cluster->down_until_ms)
        return;
    if (!sim->faults_end && sim_chance(&sim->random, f->request_lost))
        return;
    if (!p->view.member && !p->stopping)
        sim_group_join(sim->cluster, p->number, f->static_members, &p->view);
    else if (p->view.member)
        sim_group_beat(sim->cluster, p->number, &p->view);
}

static void step(struct sim *sim, struct sim_process *p)
{
    sim->counts.steps++;
    if (!p->fiber) {
        if (sim->ending)
            p->wakes_ms = INT64_MAX;
        else
            sim_process_start(p);
        return;
    }
    sim->running = p;
    int more = sim_fiber_resume(p->fiber);
    sim->running = NULL;
    if (p->doomed) {
        crash(sim, p);
    } else if (!more) { /* it has stopped in order */
        sim_process_crash(p, sim_between(&sim->random, 1, sim->faults.restart_ms));
        sim->counts.crashes--;
        sim->counts.stops++;
    }
}

/* ---- who is next ---- */

enum { CRASH, TERM, STALL, BROKER, STEAL, REBALANCE, COMPACT, STROLL, TICKERS };

struct tickers {
    int64_t due_ms[TICKERS];
};

static void ticker_set(struct sim *sim, struct tickers *t, int which)
{
    const struct sim_faults *f = &sim->faults;
    const int mean[TICKERS] = {f->crash_ms, f->term_ms,      f->stall_ms,   f->broker_ms,
                               f->steal_ms, f->rebalance_ms, f->compact_ms, 200};
    t->due_ms[which] = mean[which]
                           ? sim->now_ms + 1 + sim_below(&sim->random, 2 * (int64_t)mean[which])
                           : INT64_MAX;
}

static void tick(struct sim *sim, struct tickers *t, int which)
{
    struct sim_process *p = sim->processes[sim_below(&sim->random, sim->n_processes)];
    int good = sim->faults_end;
    if (which == CRASH && p->fiber && !good)
        crash(sim, p);
    if (which == TERM && p->fiber && !good)
        p->stopping = 1;
    if (which == STALL && p->fiber && !good)
        stall(sim, p);
    if (which == BROKER && !good)
        broker_down(sim);
    if (which == STEAL && !good)
        sim_group_expel(sim->cluster);
    if (which == REBALANCE && !good)
        sim_group_rebalance(sim->cluster);
    if (which == COMPACT)
        sim_cluster_compact(sim->cluster);
    if (which == STROLL)
        sim_judge_stroll(sim);
    ticker_set(sim, t, which);
}

/* The next moment at which something is due, and one of what is due then. */
static void next(struct sim *sim, struct tickers *t)
{
    enum { MAX = TICKERS + 2 * SIM_PROCESSES + 1 };
    int64_t due[MAX];
    int n = 0, n_first = 0;
    for (; n < TICKERS; n++)
        due[n] = t->due_ms[n];
    due[n++] = sim_cluster_due(sim->cluster);
    for (int i = 0; i < sim->n_processes; i++) {
        due[n++] = sim->processes[i]->wakes_ms;
        due[n++] = sim->processes[i]->fiber ? sim->processes[i]->beats_ms : INT64_MAX;
    }
    int64_t first = INT64_MAX;
    for (int i = 0; i < n; i++) {
        n_first = due[i] < first ? 1 : n_first + (due[i] == first);
        first = due[i] < first ? due[i] : first;
    }
    int64_t which = sim_below(&sim->random, n_first);
    int i = 0;
    while (due[i] != first || which-- > 0)
        i++;
    if (first > sim->now_ms)
        sim->now_ms = first;
    if (i < TICKERS)
        tick(sim, t, i);
    else if (i == TICKERS)
        sim_cluster_tick(sim->cluster);
    else if ((i - TICKERS - 1) % 2 == 0)
        step(sim, sim->processes[(i - TICKERS - 1) / 2]);
    else
        beat(sim, sim->processes[(i - TICKERS - 1) / 2]);
}

/* ---- one seed ---- */

static void begin(struct sim *sim, struct tickers *t)
{
    struct sim_random input = {ed_mix64(sim->seed) ^ 1};
    sim->random.at = ed_mix64(sim->seed);
    int kind = (int)sim_below(&input, 8);
    sim->stateless = kind == 0;
    sim->files = kind == 1;
    sim_input_make(&sim->input, &input, sim->stateless ? 1 : SIM_INPUTS);
    sim_faults_draw(&sim->faults, &sim->random);
    if (sim->files) /* there are few points between files */
        sim->faults.crash_at_point *= 16;
    engine_draw(&sim->engine, &sim->random);
    sim->cluster = sim_cluster_new(sim);
    sim->judge = sim_judge_new(sim);
    sim->n_processes = sim->files ? 1 : (int)sim_between(&sim->random, 1, SIM_PROCESSES);
    sim_disk_begin();
    for (int i = 0; i < sim->n_processes; i++) {
        sim->processes[i] = sim_process_new(sim, i);
        sim->processes[i]->wakes_ms = sim_below(&sim->random, 100);
    }
    for (int i = 0; i < TICKERS; i++)
        ticker_set(sim, t, i);
}

static void end(struct sim *sim)
{
    for (int i = 0; i < sim->n_processes; i++)
        sim_process_free(sim->processes[i]);
    sim_cluster_free(sim->cluster);
    sim_judge_free(sim->judge);
    sim_input_free(&sim->input);
}

static int all_down(const struct sim *sim)
{
    for (int i = 0; i < sim->n_processes; i++)
        if (sim->processes[i]->fiber)
            return 0;
    return 1;
}

static void good_weather(struct sim *sim)
{
    sim_trace(sim, "no more faults");
    sim->faults_end = 1;
    for (int i = 0; i < sim->n_processes; i++)
        sim->processes[i]->stalled_until_ms = 0;
}

static void ending(struct sim *sim)
{
    sim->ending = 1;
    for (int i = 0; i < sim->n_processes; i++)
        sim->processes[i]->stopping = 1;
}

int sim_run(struct sim *sim)
{
    struct tickers tickers;
    sim_now = sim;
    begin(sim, &tickers);
    int64_t rest_ms = INT64_MAX;
    while (!sim->failed) {
        if (!sim->faults_end && sim->now_ms >= sim->faults.until_ms)
            good_weather(sim);
        if (rest_ms == INT64_MAX && sim_judge_drained(sim) && sim->faults_end)
            rest_ms = sim->now_ms + QUIET_MS;
        if (sim->now_ms >= rest_ms)
            ending(sim);
        if (sim->now_ms >= rest_ms && all_down(sim))
            break;
        if (sim->now_ms > sim->faults.until_ms + LIMIT_MS)
            sim_fail(sim, "not drained: %s after the last fault",
                     sim_judge_drained(sim) ? "processes do not stop" : "documents have no answer");
        else
            next(sim, &tickers);
    }
    if (!sim->failed)
        sim_judge_end(sim);
    end(sim);
    sim_now = NULL;
    return !sim->failed;
}
