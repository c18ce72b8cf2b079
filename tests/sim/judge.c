/* The judge. It has what a read_committed reader has, the input, and a clusterer that nothing ever
 * disturbs; whatever becomes visible is fed to that one in the order in which it was answered, and
 * must be, byte for byte, what it gives.
 *
 *   I1  each input message is answered once, by an assignment or a dead letter
 *   I2  the head's hash is the undisturbed clusterer's, and that of one loaded from the state topic
 *   I3  answers of one input partition come in its order
 *   I4  versions of an event rise; what was merged away stays away
 *   I5  the head's offsets are the group's, and those of the answers
 *   I6  a reader that comes when it comes sees the same, and nothing of it vanishes */
#include "judge.h"

#include "shard.h"

#include "base/memory.h"
#include "base/table.h"
#include "journal/head.h"

#include <stdio.h>
#include <stdlib.h>

struct stroller {
    int64_t at[SIM_TOPICS];
    uint64_t hash[SIM_TOPICS];
};

struct sim_judge {
    struct sim *sim;
    struct sim_random random;
    struct sim_shard truth; /* undisturbed */
    eddy_arena *arena;
    struct ed_epoch epoch; /* what the truth says to the last answers */
    int64_t seen[SIM_TOPICS];
    const struct sim_record **records; /* (n_records) newly visible, in the order they were sent */
    size_t n_records, room_records;
    struct sim_doc **docs; /* (n_docs) that they answer */
    size_t n_docs, answered;
    int64_t next[SIM_INPUTS];             /* behind the last answer; 0: none */
    int64_t after[ED_TOPICS][SIM_INPUTS]; /* likewise of one topic: dead letters go first */
    int64_t before[SIM_INPUTS];           /* next before this epoch */
    uint64_t epochs;
    struct ed_table versions, merged; /* of events: the last one; into which */
    struct stroller stroller;
};

struct sim_judge *sim_judge_new(struct sim *sim)
{
    struct sim_judge *j = calloc(1, sizeof *j);
    if (!j)
        abort();
    j->sim = sim;
    j->random.at = sim->seed * 3 + 1;
    j->arena = eddy_arena_new(0);
    ed_epoch_init(&j->epoch, j->arena);
    j->docs = calloc(sim->input.n_docs + 1, sizeof(void *));
    ed_table_init(&j->versions);
    ed_table_init(&j->merged);
    for (int t = 0; t < SIM_TOPICS; t++)
        j->stroller.hash[t] = ED_FNV_BASIS;
    if (!j->arena || !j->docs || sim_shard_reset(&j->truth, sim, NULL) != EDDY_OK)
        abort();
    return j;
}

void sim_judge_free(struct sim_judge *j)
{
    if (!j)
        return;
    sim_shard_clear(&j->truth);
    ed_epoch_clear(&j->epoch);
    eddy_arena_free(j->arena);
    ed_table_clear(&j->versions);
    ed_table_clear(&j->merged);
    free(j->records);
    free(j->docs);
    free(j);
}

/* ---- what became visible ---- */

static int by_seq(const void *a, const void *b)
{
    const struct sim_record *x = *(const struct sim_record *const *)a;
    const struct sim_record *y = *(const struct sim_record *const *)b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void gather(struct sim_judge *j)
{
    const struct sim_cluster *c = j->sim->cluster;
    j->n_records = 0;
    for (int t = 0; t < SIM_TOPICS; t++) {
        const struct sim_partition *p = &c->partitions[t];
        int64_t stable = sim_cluster_stable(c, t);
        for (size_t i = sim_cluster_seek(c, t, j->seen[t]);
             i < p->n && p->records[i].offset < stable; i++) {
            if (p->records[i].marker || p->records[i].visible != SIM_COMMITTED)
                continue;
            if (j->n_records == j->room_records) {
                j->room_records = j->room_records ? 2 * j->room_records : 256;
                j->records = realloc(j->records, j->room_records * sizeof(void *));
                if (!j->records)
                    abort();
            }
            j->records[j->n_records++] = &p->records[i];
        }
        j->seen[t] = stable;
    }
    if (j->n_records)
        qsort(j->records, j->n_records, sizeof(void *), by_seq);
}

static eddy_str header_of(const struct sim_record *r, const char *name)
{
    for (size_t i = 0; i < r->message.n_headers; i++)
        if (!strcmp(r->message.headers[i].name, name))
            return r->message.headers[i].value;
    return (eddy_str){"", 0};
}

static int is_state(const struct sim_record *r)
{
    return r->block && !r->message.n_headers;
}

/* I1 and I3: whom this record answers. */
static void answer(struct sim_judge *j, const struct sim_record *r)
{
    int partition = -1;
    long long offset = -1;
    if (r->message.topic == ED_ASSIGNMENTS) {
        sscanf(header_of(r, "ce_id").at, SIM_TOPIC "-%d-%lld", &partition, &offset);
    } else {
        partition = atoi(header_of(r, ED_HEADER_DEAD_PARTITION).at);
        offset = atoll(header_of(r, ED_HEADER_DEAD_OFFSET).at);
    }
    struct sim_doc *d = sim_input_at(&j->sim->input, partition, offset);
    if (!d) {
        sim_fail(j->sim, "I1: an answer to %s-%d-%lld, which is not there", SIM_TOPIC, partition,
                 offset);
        return;
    }
    if (d->answer)
        sim_fail(j->sim, "I1: %s-%d-%lld is answered again in epoch %llu, after epoch %zu",
                 SIM_TOPIC, partition, offset, (unsigned long long)j->epochs + 1, d->answer);
    else if (offset < j->before[partition] || offset < j->after[r->message.topic][partition])
        sim_fail(j->sim, "I3: %s-%d-%lld is answered after offset %lld", SIM_TOPIC, partition,
                 offset, (long long)j->next[partition] - 1);
    else if (d->filtered || d->poison != (r->message.topic == ED_DEAD))
        sim_fail(j->sim, "I1: %s-%d-%lld has the wrong kind of answer", SIM_TOPIC, partition,
                 offset);
    else if (j->n_docs < j->sim->input.n_docs)
        j->docs[j->n_docs++] = d;
    d->answer = (size_t)j->epochs + 1;
    j->after[r->message.topic][partition] = offset + 1;
    if (j->next[partition] <= offset)
        j->next[partition] = offset + 1;
    j->answered++;
}

/* What is below `next` and has no answer must have been filtered; it counts as answered from here.
 */
static void filtered_take(struct sim_judge *j, int32_t partition, int64_t next)
{
    const struct sim_input *input = &j->sim->input;
    for (size_t i = sim_input_seek(input, partition, j->before[partition]);
         i < input->first[partition + 1] && input->docs[i].offset < next; i++) {
        struct sim_doc *d = &input->docs[i];
        if (!d->filtered || d->answer)
            continue;
        d->answer = (size_t)j->epochs + 1;
        j->docs[j->n_docs++] = d;
        j->answered++;
        if (j->next[partition] <= d->offset)
            j->next[partition] = d->offset + 1;
    }
}

/* ---- I4 ---- */

static uint64_t event_of(eddy_str s)
{
    return s.n > 1 && s.at[0] == 'E' ? strtoull(s.at + 1, NULL, 10) : 0;
}

static void version_check(struct sim_judge *j, const struct sim_record *r)
{
    uint64_t event = event_of(r->message.key), version = 0;
    const char *at = strrchr(header_of(r, "ce_id").at, '-');
    if (at)
        version = strtoull(at + 1, NULL, 10);
    uint64_t *last = event ? ed_table_put(&j->versions, event, 0) : NULL;
    if (!last || !version)
        sim_fail(j->sim, "I4: an event without id or version");
    else if (version <= *last)
        sim_fail(j->sim, "I4: event E%llu version %llu after version %llu",
                 (unsigned long long)event, (unsigned long long)version, (unsigned long long)*last);
    else
        *last = version;
}

static void lineage_check(struct sim_judge *j, const struct sim_record *r)
{
    static const char field[] = "\"other\":";
    if (strcmp(header_of(r, "ce_type").at, "eddy.change.merged") != 0)
        return;
    uint64_t event = event_of(r->message.key);
    const char *at = strstr(r->message.value.at, field);
    at = at ? strchr(at + sizeof field - 1, '"') : NULL;
    uint64_t into = at ? event_of((eddy_str){at + 1, 2}) : 0;
    if (!event || !into) {
        sim_fail(j->sim, "I4: a merge without its events");
        return;
    }
    if (ed_table_find(&j->merged, event))
        sim_fail(j->sim, "I4: event E%llu is merged away twice", (unsigned long long)event);
    for (uint64_t e = into, *up; !j->sim->failed && (up = ed_table_find(&j->merged, e)); e = *up)
        if (*up == event)
            sim_fail(j->sim, "I4: event E%llu is merged into itself", (unsigned long long)event);
    ed_table_put(&j->merged, event, into);
}

/* ---- the same bytes as the truth's ---- */

static int same(eddy_str a, eddy_str b)
{
    return a.n == b.n && !a.at == !b.at && (!a.n || !memcmp(a.at, b.at, a.n));
}

static int same_message(const struct ed_message *a, const struct ed_message *b, int cut)
{
    size_t skipped = b->n_headers - a->n_headers;
    if (a->n_headers > b->n_headers || (skipped && !cut) || a->time_ms != b->time_ms)
        return 0;
    if (!(same(a->key, b->key) && same(a->value, b->value)) && !(cut && !a->key.at && !a->value.at))
        return 0;
    for (size_t i = 0; i < a->n_headers; i++)
        if (strcmp(a->headers[i].name, b->headers[i + skipped].name) != 0 ||
            !same(a->headers[i].value, b->headers[i + skipped].value))
            return 0;
    return 1;
}

static void bytes_check(struct sim_judge *j)
{
    static const char *const names[ED_TOPICS] = {"assignments", "events", "changes", "dead"};
    size_t at[ED_TOPICS] = {0};
    const struct ed_epoch *truth = &j->epoch;
    for (size_t i = 0; i < j->n_records && !j->sim->failed; i++) {
        const struct sim_record *r = j->records[i];
        if (is_state(r))
            continue;
        enum ed_topic t = r->message.topic;
        while (at[t] < truth->n_messages && truth->messages[at[t]].topic != t)
            at[t]++;
        if (at[t] == truth->n_messages)
            sim_fail(j->sim, "I2: one message too many in %s: %s", names[t], r->message.value.at);
        else if (!same_message(&r->message, &truth->messages[at[t]], t == ED_DEAD))
            sim_fail(j->sim, "I2: %s differs: %.200s instead of %.200s", names[t],
                     r->message.value.at, truth->messages[at[t]].value.at);
        at[t]++;
    }
    for (int t = 0; t < ED_TOPICS; t++)
        for (; at[t] < truth->n_messages; at[t]++)
            if ((int)truth->messages[at[t]].topic == t)
                sim_fail(j->sim, "I2: a message is missing in %s: %.200s", names[t],
                         truth->messages[at[t]].value.at);
}

/* ---- I2: the state ---- */

static void mark_check(struct sim_judge *j, const struct ed_mark *a)
{
    const struct ed_mark *b = &j->epoch.mark;
    if (a->epoch != j->epochs + 1)
        sim_fail(j->sim, "I2: epoch %llu follows epoch %llu", (unsigned long long)a->epoch,
                 (unsigned long long)j->epochs);
    else if (a->hash != b->hash)
        sim_fail(j->sim, "I2: epoch %llu has state %016llx, the undisturbed run %016llx",
                 (unsigned long long)a->epoch, (unsigned long long)a->hash,
                 (unsigned long long)b->hash);
    else if (a->documents != b->documents || a->stream_ms != b->stream_ms ||
             a->change_position != b->change_position || a->change_index != b->change_index ||
             a->fingerprint != b->fingerprint || memcmp(&a->tally, &b->tally, sizeof a->tally) != 0)
        sim_fail(j->sim, "I2: epoch %llu has another mark than the undisturbed run",
                 (unsigned long long)a->epoch);
}

/* I5: the head goes on where the answers end, and so does the group. */
static void offsets_check(struct sim_judge *j, const struct ed_head *head)
{
    for (int i = 0; i < j->sim->input.n_partitions; i++) {
        const struct ed_offset *o = ed_head_find(head, SIM_TOPIC, i);
        int64_t next = o ? o->next : 0, group = j->sim->cluster->group.offsets[i];
        if (next != j->next[i])
            sim_fail(j->sim, "I5: partition %d: the head goes on at %lld, the answers at %lld", i,
                     (long long)next, (long long)j->next[i]);
        else if (next != (group < 0 ? 0 : group))
            sim_fail(j->sim, "I5: partition %d: the head goes on at %lld, the group at %lld", i,
                     (long long)next, (long long)group);
    }
}

/* A clusterer from the topic, as it is compacted now. */
static void loaded_check(struct sim_judge *j, uint64_t hash)
{
    const struct sim_partition *p = &j->sim->cluster->partitions[SIM_STATE];
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    eddy_status st = eddy_clusterer_new(&j->sim->engine, &cl, &err);
    for (size_t i = 0; st == EDDY_OK && i < p->n; i++) {
        const struct sim_record *r = &p->records[i];
        if (!r->marker && r->visible == SIM_COMMITTED && r->state.key)
            st = eddy_clusterer_load(cl, &r->state, &err);
    }
    if (st == EDDY_OK)
        st = eddy_clusterer_loaded(cl, &err);
    if (st != EDDY_OK)
        sim_fail(j->sim, "I2: the state topic cannot be loaded: %s", err.text);
    else if (eddy_clusterer_hash(cl) != hash)
        sim_fail(j->sim, "I2: loaded from the topic the state is %016llx instead of %016llx",
                 (unsigned long long)eddy_clusterer_hash(cl), (unsigned long long)hash);
    eddy_clusterer_free(cl);
}

/* ---- one look ---- */

/* Without a state: the messages, and where the group goes on. */
static void stateless_check(struct sim_judge *j)
{
    eddy_error err = {0};
    int64_t group = j->sim->cluster->group.offsets[0];
    filtered_take(j, 0, group);
    eddy_arena_reset(j->arena);
    ed_epoch_reset(&j->epoch);
    if (sim_shard_epoch(&j->truth, j->docs, j->n_docs, &j->epoch, &err) != EDDY_OK)
        sim_fail(j->sim, "judge: %s", err.text);
    else
        bytes_check(j);
    if (!j->sim->failed && group != j->next[0])
        sim_fail(j->sim, "I5: the group goes on at %lld, the answers at %lld", (long long)group,
                 (long long)j->next[0]);
    j->epochs++;
    j->sim->counts.epochs++;
}

static void epoch_check(struct sim_judge *j, const struct sim_record *head_at)
{
    struct ed_head head = {0};
    eddy_error err = {0};
    eddy_arena_reset(j->arena);
    ed_epoch_reset(&j->epoch);
    if (ed_head_read(head_at->state.value, &head, &err) != EDDY_OK) {
        sim_fail(j->sim, "I2: a head cannot be read: %s", err.text);
        return;
    }
    for (size_t i = 0; i < head.n_offsets; i++)
        if (head.offsets[i].partition >= 0 && head.offsets[i].partition < SIM_INPUTS)
            filtered_take(j, head.offsets[i].partition, head.offsets[i].next);
    if (sim_shard_epoch(&j->truth, j->docs, j->n_docs, &j->epoch, &err) != EDDY_OK)
        sim_fail(j->sim, "judge: %s", err.text);
    else
        bytes_check(j);
    if (!j->sim->failed)
        mark_check(j, &head.mark);
    if (!j->sim->failed)
        offsets_check(j, &head);
    if (!j->sim->failed && sim_chance(&j->random, 8192))
        loaded_check(j, head.mark.hash);
    j->epochs++;
    j->sim->counts.epochs++;
    ed_head_clear(&head);
}

void sim_judge_look(struct sim *sim)
{
    struct sim_judge *j = sim->judge;
    const struct sim_record *head = NULL;
    size_t n_heads = 0;
    if (sim->failed)
        return;
    gather(j);
    if (!j->n_records && !(sim->stateless && sim->cluster->group.offsets[0] > j->next[0]))
        return;
    j->n_docs = 0;
    memcpy(j->before, j->next, sizeof j->before);
    for (size_t i = 0; i < j->n_records && !sim->failed; i++) {
        const struct sim_record *r = j->records[i];
        if (is_state(r)) {
            n_heads += !r->state.key;
            head = r->state.key ? head : r;
        } else if (r->message.topic == ED_EVENTS) {
            version_check(j, r);
        } else if (r->message.topic == ED_CHANGES) {
            lineage_check(j, r);
        } else {
            answer(j, r);
        }
    }
    if (sim->failed)
        return;
    if (sim->stateless && !n_heads)
        stateless_check(j);
    else if (n_heads != 1)
        sim_fail(sim, "I2: %zu records became visible with %zu heads: epochs are whole or nothing",
                 j->n_records, n_heads);
    else
        epoch_check(j, head);
}

int sim_judge_drained(const struct sim *sim)
{
    return sim->files ? sim->finished : sim->judge->answered == sim->input.n_docs;
}

/* ---- I6 ---- */

/* Read on, as far as it is stable, at most to `until`. */
static void stroll(const struct sim_cluster *c, struct stroller *s, int topic, int64_t until)
{
    const struct sim_partition *p = &c->partitions[topic];
    for (size_t i = sim_cluster_seek(c, topic, s->at[topic]);
         i < p->n && p->records[i].offset < until; i++) {
        const struct sim_record *r = &p->records[i];
        if (r->marker || r->visible != SIM_COMMITTED)
            continue;
        s->hash[topic] = ed_fnv1a(s->hash[topic], &r->offset, sizeof r->offset);
        s->hash[topic] = ed_fnv1a(s->hash[topic], r->message.value.at, r->message.value.n);
    }
    s->at[topic] = until;
}

void sim_judge_stroll(struct sim *sim)
{
    struct sim_judge *j = sim->judge;
    for (int t = 0; t < ED_TOPICS; t++)
        if (sim_chance(&j->random, 32768))
            stroll(sim->cluster, &j->stroller, t, sim_cluster_stable(sim->cluster, t));
}

void sim_judge_end(struct sim *sim)
{
    if (sim->files)
        return; /* they were read when they were finished */
    struct sim_judge *j = sim->judge;
    const struct sim_partition *state = &sim->cluster->partitions[SIM_STATE];
    for (size_t i = 0; i < sim->input.n_docs && !sim->failed; i++)
        if (!sim->input.docs[i].answer)
            sim_fail(sim, "I1: %s-%d-%lld is not answered", SIM_TOPIC,
                     (int)sim->input.docs[i].partition, (long long)sim->input.docs[i].offset);
    for (int i = 0; i < sim->input.n_partitions && !sim->failed; i++) {
        int64_t group = sim->cluster->group.offsets[i];
        if ((group < 0 ? 0 : group) != sim->input.end[i])
            sim_fail(sim, "I5: partition %d: the group goes on at %lld of %lld", i,
                     (long long)group, (long long)sim->input.end[i]);
    }
    for (size_t i = state->n; i-- && !sim->failed;) {
        struct ed_head head = {0};
        const struct sim_record *r = &state->records[i];
        if (r->marker || r->visible != SIM_COMMITTED || r->state.key)
            continue;
        if (ed_head_read(r->state.value, &head, NULL) != EDDY_OK) {
            sim_fail(sim, "I2: the last head cannot be read");
            break;
        }
        offsets_check(j, &head);
        loaded_check(j, head.mark.hash);
        ed_head_clear(&head);
        break;
    }
    struct stroller again = {0};
    for (int t = 0; t < ED_TOPICS && !sim->failed; t++) {
        again.hash[t] = ED_FNV_BASIS;
        stroll(sim->cluster, &again, t, j->stroller.at[t]);
        if (again.hash[t] != j->stroller.hash[t])
            sim_fail(sim, "I6: what a reader has seen of topic %d is not there any more", t);
    }
}
