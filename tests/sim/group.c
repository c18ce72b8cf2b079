/* The consumer group, as far as it decides who owns the shard.
 *
 * Members are heard by heartbeats; one that was not heard for a session is thrown out. When the
 * owner goes, a member takes over at once; when another is to have the shard, the owner is asked
 * for it first and has a session's time. Who joins, leaves or loses the shard raises the
 * generation, and members learn of that with their next heartbeat, not before: until then they
 * believe what they knew. */
#include "cluster.h"

void sim_group_init(struct sim_group *g)
{
    memset(g, 0, sizeof *g);
    g->member_next = 1;
    for (int i = 0; i < SIM_INPUTS; i++)
        g->offsets[i] = -1;
}

#define N_MEMBERS (sizeof(((struct sim_group *)0)->members) / sizeof(struct sim_member))

static struct sim_member *find(struct sim_group *g, uint64_t id)
{
    for (size_t i = 0; id && i < N_MEMBERS; i++)
        if (g->members[i].id == id)
            return &g->members[i];
    return NULL;
}

int sim_group_knows(const struct sim_group *g, uint64_t member, int64_t generation)
{
    for (size_t i = 0; i < N_MEMBERS; i++)
        if (g->members[i].id == member)
            return generation == g->generation;
    return 0;
}

/* Another owner, drawn among the members; the one that had it only if there is no other. */
static void pass_on(struct sim_cluster *c)
{
    struct sim_group *g = &c->group;
    uint64_t before = g->owner;
    size_t others = 0;
    for (size_t i = 0; i < N_MEMBERS; i++)
        others += g->members[i].id && g->members[i].id != before;
    if (!others) {
        if (!find(g, before))
            g->owner = 0;
        return;
    }
    int64_t which = sim_below(&c->sim->random, (int64_t)others);
    for (size_t i = 0; i < N_MEMBERS; i++) {
        struct sim_member *m = &g->members[i];
        if (m->id && m->id != before && which-- == 0) {
            g->owner = m->id;
            m->revoke_ms = -1;
            sim_trace(c->sim, "group: the shard is process %d's now (generation %lld)", m->process,
                      (long long)g->generation);
            c->sim->counts.takeovers++;
            return;
        }
    }
}

static void throw_out(struct sim_cluster *c, struct sim_member *m)
{
    struct sim_group *g = &c->group;
    sim_trace(c->sim, "group: member %llu of process %d is out", (unsigned long long)m->id,
              m->process);
    int owned = g->owner == m->id;
    m->id = 0;
    g->generation++;
    if (owned)
        pass_on(c);
}

static void view_fill(struct sim_cluster *c, const struct sim_member *m, struct sim_view *view)
{
    view->member = m->id;
    view->generation = c->group.generation;
    view->owns = c->group.owner == m->id;
    view->asked_back = view->owns && m->revoke_ms >= 0;
}

void sim_group_join(struct sim_cluster *c, int process, int known, struct sim_view *view)
{
    struct sim_group *g = &c->group;
    struct sim_member *m = NULL, *spare = NULL;
    for (size_t i = 0; i < N_MEMBERS; i++) {
        if (g->members[i].id && g->members[i].process == process && known)
            m = &g->members[i];
        if (!g->members[i].id && !spare)
            spare = &g->members[i];
    }
    if (!m && !spare) { /* the longest silent one makes room */
        spare = &g->members[0];
        for (size_t i = 1; i < N_MEMBERS; i++)
            if (g->members[i].heard_ms < spare->heard_ms)
                spare = &g->members[i];
        throw_out(c, spare);
    }
    uint64_t id = g->member_next++;
    if (m) { /* a static member: what it owned stays its own, but its older self is fenced */
        if (g->owner == m->id)
            g->owner = id;
        m->id = id;
        m->heard_ms = c->sim->now_ms;
    } else {
        m = spare;
        *m = (struct sim_member){
            .id = id, .process = process, .heard_ms = c->sim->now_ms, .revoke_ms = -1};
        g->generation++;
        if (!g->owner)
            pass_on(c);
        else if (sim_chance(&c->sim->random, 8192))
            sim_group_rebalance(c);
    }
    sim_trace(c->sim, "group: process %d joins as member %llu", process, (unsigned long long)id);
    view_fill(c, m, view);
}

void sim_group_beat(struct sim_cluster *c, int process, struct sim_view *view)
{
    struct sim_member *m = find(&c->group, view->member);
    if (!m) {
        sim_group_join(c, process, c->sim->faults.static_members, view);
        return;
    }
    m->heard_ms = c->sim->now_ms;
    view_fill(c, m, view);
}

void sim_group_release(struct sim_cluster *c, struct sim_view *view, int leave)
{
    struct sim_group *g = &c->group;
    struct sim_member *m = find(g, view->member);
    if (m && leave) {
        throw_out(c, m);
    } else if (m && g->owner == m->id && m->revoke_ms >= 0) {
        m->revoke_ms = -1;
        g->generation++;
        pass_on(c);
    }
    view->owns = view->asked_back = 0;
    if (leave)
        view->member = 0;
}

int64_t sim_group_due(const struct sim_cluster *c)
{
    int64_t due = INT64_MAX, session = c->sim->faults.session_ms;
    for (size_t i = 0; i < N_MEMBERS; i++) {
        const struct sim_member *m = &c->group.members[i];
        if (!m->id)
            continue;
        if (m->heard_ms + session < due)
            due = m->heard_ms + session;
        if (m->revoke_ms >= 0 && m->revoke_ms + session < due)
            due = m->revoke_ms + session;
    }
    return due;
}

void sim_group_tick(struct sim_cluster *c)
{
    int64_t now = c->sim->now_ms, session = c->sim->faults.session_ms;
    for (size_t i = 0; i < N_MEMBERS; i++) {
        struct sim_member *m = &c->group.members[i];
        if (m->id &&
            (m->heard_ms + session <= now || (m->revoke_ms >= 0 && m->revoke_ms + session <= now)))
            throw_out(c, m);
    }
}

void sim_group_expel(struct sim_cluster *c)
{
    struct sim_member *m = find(&c->group, c->group.owner);
    if (m)
        throw_out(c, m);
}

void sim_group_rebalance(struct sim_cluster *c)
{
    struct sim_member *m = find(&c->group, c->group.owner);
    c->group.generation++;
    if (m && m->revoke_ms < 0)
        m->revoke_ms = c->sim->now_ms;
}
