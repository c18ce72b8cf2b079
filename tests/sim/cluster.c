/* The broker. Transactions are those of transaction.version 1, which is what librdkafka speaks:
 * EndTxn says which producer epoch it is from, but not which transaction, so that a late one ends
 * whatever is open under that epoch (KIP-890). Verification of partitions (Kafka 3.6 and later) is
 * on: a record for a transaction that is not open is refused. */
#include "cluster.h"

#include "judge.h"

#include <stdio.h>
#include <stdlib.h>

struct sim_cluster *sim_cluster_new(struct sim *sim)
{
    struct sim_cluster *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->sim = sim;
    sim_group_init(&c->group);
    return c;
}

void sim_cluster_free(struct sim_cluster *c)
{
    if (!c)
        return;
    for (int p = 0; p < SIM_TOPICS; p++) {
        for (size_t i = 0; i < c->partitions[p].n; i++)
            free(c->partitions[p].records[i].block);
        free(c->partitions[p].records);
    }
    free(c);
}

/* ---- records ---- */

static struct sim_record *append(struct sim_cluster *c, int partition)
{
    struct sim_partition *p = &c->partitions[partition];
    if (p->n == p->room) {
        p->room = p->room ? p->room * 2 : 64;
        p->records = realloc(p->records, p->room * sizeof *p->records);
        if (!p->records)
            abort();
    }
    struct sim_record *r = &p->records[p->n++];
    memset(r, 0, sizeof *r);
    r->offset = p->next++;
    r->time_ms = c->sim->now_ms;
    r->seq = c->seq++;
    r->epoch = c->txn.epoch;
    return r;
}

static eddy_str put(char **at, eddy_str s)
{
    if (!s.at)
        return s;
    eddy_str copy = {*at, s.n};
    if (s.n)
        memcpy(*at, s.at, s.n);
    (*at)[s.n] = 0;
    *at += s.n + 1;
    return copy;
}

static void message_copy(struct sim_record *r, const struct ed_message *m)
{
    size_t n = m->n_headers * sizeof(eddy_header) + m->key.n + m->value.n + 2;
    for (size_t i = 0; i < m->n_headers; i++)
        n += strlen(m->headers[i].name) + m->headers[i].value.n + 2;
    r->block = malloc(n);
    if (!r->block)
        abort();
    eddy_header *headers = (eddy_header *)(void *)r->block;
    char *at = r->block + m->n_headers * sizeof *headers;
    r->message = *m;
    r->message.key = put(&at, m->key);
    r->message.value = put(&at, m->value);
    r->message.headers = headers;
    for (size_t i = 0; i < m->n_headers; i++) {
        eddy_str name = {m->headers[i].name, strlen(m->headers[i].name)};
        headers[i].name = put(&at, name).at;
        headers[i].value = put(&at, m->headers[i].value);
    }
}

static void state_copy(struct sim_record *r, const eddy_record *state)
{
    r->state = *state;
    r->block = malloc(state->value.n + 1);
    if (!r->block)
        abort();
    char *at = r->block;
    r->state.value = put(&at, state->value);
}

/* ---- transactions ---- */

/* The marker of one partition: what is in it becomes visible, or not. The last one of a transaction
 * takes the group's offsets along. */
static void mark_one(struct sim_cluster *c, int p)
{
    struct sim_transaction *t = &c->txn;
    struct sim_partition *part = &c->partitions[p];
    int commit = t->ended == 'c';
    enum sim_visible becomes = commit ? SIM_COMMITTED : SIM_ABORTED;
    for (size_t i = part->n; i-- && part->records[i].visible == SIM_OPEN;) {
        part->records[i].visible = becomes; /* the tail: there is one transactional id */
        c->sim->counts.bitten += (uint64_t)!commit;
    }
    struct sim_record *marker = append(c, p);
    marker->marker = 1;
    marker->visible = becomes;
    t->marking &= ~(1U << p);
}

static void marks_done(struct sim_cluster *c);

/* One of them, drawn. */
static void marks_write(struct sim_cluster *c)
{
    struct sim_random *r = &c->sim->random;
    int p = (int)sim_below(r, SIM_TOPICS);
    while (!(c->txn.marking & 1U << p))
        p = (p + 1) % SIM_TOPICS;
    mark_one(c, p);
    c->txn.marks_ms = c->sim->now_ms + (sim_below(r, 3) ? 0 : sim_below(r, 10));
    if (!c->txn.marking)
        marks_done(c);
}

static void marks_done(struct sim_cluster *c)
{
    struct sim_transaction *t = &c->txn;
    for (int i = 0; t->ended == 'c' && i < SIM_INPUTS; i++)
        if (t->n_offsets && t->offsets[i] >= 0)
            c->group.offsets[i] = t->offsets[i];
    t->n_offsets = 0;
    sim_trace(c->sim, "broker: transaction of epoch %lld is %s", (long long)t->epoch,
              t->ended == 'c' ? "committed" : "aborted");
    sim_judge_look(c->sim);
}

/* The outcome is decided here; readers see it by and by, each partition by itself. */
static void txn_end(struct sim_cluster *c, int commit)
{
    struct sim_transaction *t = &c->txn;
    t->open = 0;
    t->ended = commit ? 'c' : 'a';
    t->marking = t->touched;
    t->touched = 0;
    t->marks_ms = c->sim->now_ms;
    if (sim_chance(&c->sim->random, 16384))
        t->marks_ms += 1 + sim_below(&c->sim->random, 20);
    sim_trace(c->sim, "broker: transaction of epoch %lld is to be %s", (long long)t->epoch,
              commit ? "committed" : "aborted");
    if (!t->marking)
        marks_done(c);
    while (t->marking && t->marks_ms <= c->sim->now_ms)
        marks_write(c);
}

static void txn_open(struct sim_cluster *c)
{
    struct sim_transaction *t = &c->txn;
    if (t->open)
        return;
    t->open = 1;
    t->since_ms = c->sim->now_ms;
    t->n_offsets = 0;
    for (int i = 0; i < SIM_INPUTS; i++)
        t->offsets[i] = -1;
}

int sim_cluster_init(struct sim_cluster *c, int64_t *ret)
{
    struct sim_transaction *t = &c->txn;
    if (t->open) {
        t->epoch++; /* nobody else adds to it while it is aborted */
        txn_end(c, 0);
    }
    if (t->marking)
        return 0;
    *ret = ++t->epoch;
    t->ended = 0;
    sim_trace(c->sim, "broker: producer epoch %lld", (long long)t->epoch);
    return 1;
}

enum sim_reply sim_cluster_produce(struct sim_cluster *c, int64_t epoch, int added,
                                   const struct ed_message *m, const eddy_record *state)
{
    struct sim_transaction *t = &c->txn;
    int p = state ? SIM_STATE : (int)m->topic;
    if (epoch != t->epoch)
        return SIM_FENCED;
    if (t->marking)
        return SIM_CONCURRENT;
    if (added && !(t->open && t->touched & 1U << p))
        return SIM_BAD_STATE;
    txn_open(c);
    t->touched |= 1U << p;
    struct sim_record *r = append(c, p);
    if (state)
        state_copy(r, state);
    else
        message_copy(r, m);
    return SIM_OK;
}

enum sim_reply sim_cluster_offsets_now(struct sim_cluster *c, const int64_t offsets[SIM_INPUTS])
{
    for (int i = 0; i < SIM_INPUTS; i++)
        if (offsets[i] >= 0)
            c->group.offsets[i] = offsets[i];
    sim_trace(c->sim, "broker: offsets of the group without a transaction");
    return SIM_OK;
}

static void offsets_pend(struct sim_cluster *c, const int64_t offsets[SIM_INPUTS])
{
    txn_open(c);
    c->txn.n_offsets = 1;
    for (int i = 0; i < SIM_INPUTS; i++)
        if (offsets[i] >= 0)
            c->txn.offsets[i] = offsets[i];
}

enum sim_reply sim_cluster_offsets(struct sim_cluster *c, int64_t epoch, uint64_t member,
                                   int64_t generation, const int64_t offsets[SIM_INPUTS])
{
    if (epoch != c->txn.epoch)
        return SIM_FENCED;
    if (c->txn.marking)
        return SIM_CONCURRENT;
    if (!sim_group_knows(&c->group, member, generation))
        return SIM_GENERATION;
    offsets_pend(c, offsets);
    return SIM_OK;
}

enum sim_reply sim_cluster_end(struct sim_cluster *c, int64_t epoch, int commit)
{
    struct sim_transaction *t = &c->txn;
    if (epoch != t->epoch)
        return SIM_FENCED;
    if (!t->open) /* the same answer again, but not another one */
        return t->ended == (commit ? 'c' : 'a') ? SIM_OK : SIM_BAD_STATE;
    txn_end(c, commit);
    return SIM_OK;
}

/* ---- requests that arrive when nobody waits for them any more ---- */

void sim_cluster_linger(struct sim_cluster *c, const struct sim_lingering *request)
{
    if (c->n_lingering < sizeof c->lingering / sizeof c->lingering[0])
        c->lingering[c->n_lingering++] = *request;
    c->sim->counts.lingered++;
}

static void arrive(struct sim_cluster *c, const struct sim_lingering *l)
{
    sim_trace(c->sim, "broker: a late '%c' of epoch %lld arrives", l->kind, (long long)l->epoch);
    int64_t epoch;
    if (l->kind == 'f')
        sim_cluster_forget(c, l->before); /* of whatever epoch: brokers do not ask */
    else if (l->kind == 'i')
        sim_cluster_init(c, &epoch);
    else if (l->epoch != c->txn.epoch || !c->txn.open)
        sim_trace(c->sim, "broker: and is refused");
    else if (l->kind == 'o')
        offsets_pend(c, l->offsets);
    else
        sim_cluster_end(c, l->epoch, l->kind == 'c');
}

int64_t sim_cluster_due(const struct sim_cluster *c)
{
    int64_t due = sim_group_due(c);
    for (size_t i = 0; i < c->n_lingering; i++)
        if (c->lingering[i].due_ms < due)
            due = c->lingering[i].due_ms;
    if (c->txn.open && c->txn.since_ms + c->sim->faults.transaction_ms < due)
        due = c->txn.since_ms + c->sim->faults.transaction_ms;
    if (c->txn.marking && c->txn.marks_ms < due)
        due = c->txn.marks_ms;
    return due < c->down_until_ms ? c->down_until_ms : due;
}

void sim_cluster_tick(struct sim_cluster *c)
{
    int64_t now = c->sim->now_ms;
    int64_t epoch;
    if (now < c->down_until_ms)
        return;
    while (c->txn.marking && c->txn.marks_ms <= now)
        marks_write(c);
    if (c->txn.open && c->txn.since_ms + c->sim->faults.transaction_ms <= now) {
        sim_trace(c->sim, "broker: the transaction has been open for too long");
        sim_cluster_init(c, &epoch); /* aborts, and fences who held it open */
    }
    for (size_t i = 0; i < c->n_lingering;) {
        if (c->lingering[i].due_ms > now) {
            i++;
            continue;
        }
        struct sim_lingering l = c->lingering[i];
        c->lingering[i] = c->lingering[--c->n_lingering];
        arrive(c, &l);
    }
    sim_group_tick(c);
}

/* ---- reading, compaction ---- */

int64_t sim_cluster_stable(const struct sim_cluster *c, int partition)
{
    const struct sim_partition *p = &c->partitions[partition];
    size_t i = p->n;
    while (i && p->records[i - 1].visible == SIM_OPEN)
        i--;
    return i == p->n ? p->next : p->records[i].offset;
}

size_t sim_cluster_seek(const struct sim_cluster *c, int partition, int64_t offset)
{
    const struct sim_partition *p = &c->partitions[partition];
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->records[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void sim_cluster_forget(struct sim_cluster *c, int64_t before)
{
    struct sim_partition *p = &c->partitions[SIM_STATE];
    if (before <= p->first || before > p->next)
        return;
    size_t gone = sim_cluster_seek(c, SIM_STATE, before);
    for (size_t i = 0; i < gone; i++)
        free(p->records[i].block);
    memmove(p->records, p->records + gone, (p->n - gone) * sizeof *p->records);
    sim_trace(c->sim, "broker: %zu records of the state before offset %lld are deleted", gone,
              (long long)before);
    p->n -= gone;
    p->first = before;
    c->sim->counts.forgotten += gone;
}

/* As Kafka's cleaner: a part of the log from its beginning; of each key the newest in that part
 * stays, a tombstone for some time longer (delete.retention.ms), and what was aborted goes. */
void sim_cluster_compact(struct sim_cluster *c)
{
    enum { KEEP_MS = 1500, TABLE = 1 << 14 };
    struct sim_partition *p = &c->partitions[SIM_STATE];
    size_t part = sim_cluster_seek(c, SIM_STATE, sim_cluster_stable(c, SIM_STATE));
    if (part < 2)
        return;
    part = (size_t)sim_between(&c->sim->random, 1, (int64_t)part - 1);
    static uint64_t keys[TABLE]; /* key + 1, newest first; a marker per run would be slower */
    memset(keys, 0, sizeof keys);
    char *stays = calloc(part, 1);
    if (!stays)
        abort();
    for (size_t i = part, used = 0; i--;) {
        const struct sim_record *r = &p->records[i];
        if (r->marker || r->visible == SIM_ABORTED)
            continue;
        size_t at = (size_t)ed_mix64(r->state.key) % TABLE;
        while (keys[at] && keys[at] != r->state.key + 1)
            at = (at + 1) % TABLE;
        if (keys[at])
            continue;
        if (++used == TABLE)
            abort();
        keys[at] = r->state.key + 1;
        stays[i] = r->state.value.at || r->time_ms + KEEP_MS > c->sim->now_ms;
    }
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (i < part && !stays[i])
            free(p->records[i].block);
        else
            p->records[kept++] = p->records[i];
    }
    sim_trace(c->sim, "broker: compaction of %zu records to %zu", p->n, kept);
    p->n = kept;
    free(stays);
    c->sim->counts.compactions++;
}
