/* Taking over a shard, or following its owner: the records of the state partition, from the local
 * store as far as that goes, then from the broker, into the engine and into the store.
 *
 * In the partition the records of an epoch stand before its head. They are gathered until the head
 * comes, for the store takes epochs. Compaction may have removed some of them, and older heads:
 * then an epoch of the store is several of the topic. */
#include "journal/protocol.h"

/* ---- the store ---- */

void ed_epochs_store_close(struct epochs *e)
{
    ed_store_close(e->store);
    e->store = NULL;
}

/* Add an epoch, with the head as it is. */
void ed_epochs_store(struct epochs *e, const eddy_record *records, size_t n)
{
    eddy_error err = {0};
    if (!e->store)
        return;
    ed_bytes_empty(&e->bytes);
    ed_head_write(&e->head, &e->bytes);
    if (e->bytes.failed)
        eddy_fail_nomem(&err, "head", e->bytes.n);
    else
        ed_store_append(e->store, (eddy_str){e->bytes.at, e->bytes.n}, records, n, &err);
    if (err.status == EDDY_OK)
        return;
    /* An epoch that it lacks would be missing from all later ones: it ends here, still good as a
     * beginning for the next start. */
    ed_log(ED_LOG_WARN, "journal", "local store is not kept any further: %s", err.text);
    ed_epochs_store_close(e);
}

/* Keep a record that was read, for the store. */
static void gather(struct epochs *e, const eddy_record *record)
{
    struct gathered *g = &e->gathered;
    if (!e->store)
        return;
    void *list = ed_list_room(g->records, g->n, &g->room, sizeof *g->records);
    if (!list) {
        ed_epochs_store_close(e);
        return;
    }
    g->records = list;
    g->records[g->n].key = record->key;
    g->records[g->n].at = g->bytes.n;
    g->records[g->n].n = record->value.n;
    g->records[g->n].there = record->value.at != NULL;
    if (record->value.n && !ed_bytes_add(&g->bytes, record->value.at, record->value.n))
        ed_epochs_store_close(e);
    g->n++;
}

/* Their head has come: into the store with them. */
static void gathered_store(struct epochs *e, int64_t next)
{
    struct gathered *g = &e->gathered;
    if (!e->store)
        return;
    eddy_record *records = ed_alloc((g->n + 1) * sizeof *records);
    e->head.state_next = next;
    for (size_t i = 0; records && i < g->n; i++)
        records[i] = (eddy_record){g->records[i].key, {NULL, 0}};
    for (size_t i = 0; records && i < g->n; i++)
        if (g->records[i].there)
            records[i].value =
                (eddy_str){g->bytes.at ? g->bytes.at + g->records[i].at : "", g->records[i].n};
    if (records)
        ed_epochs_store(e, records, g->n);
    else
        ed_epochs_store_close(e);
    ed_free(records);
    g->n = 0;
    ed_bytes_empty(&g->bytes);
}

/* ---- taking over ---- */

#define RESTORE_TRIES 5

struct restoring {
    struct epochs *e;
    const struct ed_loader *loader;
    int64_t first, end; /* of the partition, when its reading began */
    eddy_error
        failure; /* a record that cannot be loaded; the head, which comes last, may say why */
};

static eddy_status head_take(struct epochs *e, eddy_str value, eddy_error *err)
{
    struct ed_head read = {0};
    eddy_status st = ed_head_read(value, &read, err);
    if (st != EDDY_OK)
        return st;
    ed_head_clear(&e->head);
    e->head = read;
    e->has_head = 1;
    return EDDY_OK;
}

static eddy_status record_take(struct restoring *r, const eddy_record *record, eddy_error *err)
{
    ed_point("restoring");
    atomic_fetch_add(&r->e->restored, 1);
    ed_living_note(&r->e->living, record);
    if (!r->loader || r->failure.status != EDDY_OK)
        return EDDY_OK;
    eddy_status st = r->loader->load(r->loader->user, record, &r->failure);
    if (st != EDDY_NOMEM)
        return EDDY_OK;
    *err = r->failure;
    return st;
}

/* A record of the state topic. */
static eddy_status topic_take(void *user, const eddy_record *record, int64_t offset,
                              eddy_error *err)
{
    struct restoring *r = user;
    if (record->key != 0) {
        gather(r->e, record);
        return record_take(r, record, err);
    }
    eddy_status st = record->value.at ? head_take(r->e, record->value, err) : EDDY_OK;
    if (st == EDDY_OK && record->value.at) {
        gathered_store(r->e, offset + 1);
        ed_living_pass(&r->e->living, offset + 1);
    }
    return st;
}

static eddy_status store_take(void *user, const eddy_record *record, eddy_error *err)
{
    return record_take(user, record, err);
}

/* What it holds is of no use: begin it anew. */
static void store_forget(struct epochs *e, const char *why)
{
    eddy_error err = {0};
    ed_log(ED_LOG_WARN, "journal", "local store of shard %d is not used: %s", (int)e->head.shard,
           why);
    if (ed_store_forget(e->store, &err) != EDDY_OK) {
        ed_log(ED_LOG_WARN, "journal", "local store given up: %s", err.text);
        ed_epochs_store_close(e);
    }
}

static void head_reset(struct epochs *e)
{
    int32_t shard = e->head.shard, n_shards = e->head.n_shards;
    ed_head_clear(&e->head);
    e->head.shard = shard;
    e->head.n_shards = n_shards;
    e->head.state_next = -1;
    e->has_head = 0;
}

/* Begin with the store, where it fits the partition [first, end). 1: it was loaded, e->tail says
 * how far it goes. */
static int store_load(struct restoring *r, int64_t first, int64_t end)
{
    struct epochs *e = r->e;
    eddy_error why = {0};
    eddy_str bytes = {NULL, 0};
    int32_t shard = e->head.shard, n_shards = e->head.n_shards;
    if (!e->store)
        return 0;
    eddy_status st = ed_store_load(e->store, store_take, r, &bytes, &why);
    if (st == EDDY_OK && !bytes.at)
        return 0;
    if (st == EDDY_OK)
        st = head_take(e, bytes, &why);
    if (st == EDDY_OK && (e->head.shard != shard || e->head.n_shards != n_shards ||
                          e->head.pipeline.n != strlen(e->pipeline) ||
                          memcmp(e->head.pipeline.at, e->pipeline, e->head.pipeline.n) != 0))
        st = eddy_fail(&why, EDDY_FORMAT, "it is another shard's");
    if (st == EDDY_OK && (e->head.state_next < first || e->head.state_next > end))
        st = eddy_fail(&why, EDDY_FORMAT,
                       "it goes on at offset %lld of topic %s, which has %lld to %lld",
                       (long long)e->head.state_next, e->state, (long long)first, (long long)end);
    if (st == EDDY_OK) {
        e->tail = e->head.state_next;
        return 1;
    }
    e->head.shard = shard;
    e->head.n_shards = n_shards;
    store_forget(e, why.text);
    return 0;
}

/* Is what was found ours, and the whole of it? */
static eddy_status found_check(struct restoring *r, uint64_t fingerprint, int32_t n_shards,
                               int from_store, eddy_error *err)
{
    struct epochs *e = r->e;
    const struct ed_mark *mark = &e->head.mark;
    if (!e->has_head && atomic_load(&e->restored))
        return eddy_fail(
            err, EDDY_FORMAT,
            "topic %s partition %d has records but no head: it is damaged, or not eddy's; "
            "to begin anew, take another pipeline name",
            e->state, (int)e->head.shard);
    if (!e->has_head && e->log->ran_before(e->log))
        return eddy_fail(
            err, EDDY_FORMAT,
            "topic %s partition %d is empty, but the group has offsets of this pipeline: its "
            "state is lost; to begin anew, take another pipeline name, or delete the group",
            e->state, (int)e->head.shard);
    if (!e->has_head)
        return r->loader ? r->loader->check(r->loader->user, mark, err) : EDDY_OK;
    if (e->head.n_shards != n_shards)
        return eddy_fail(
            err, EDDY_CONFIG,
            "topic %s is of %d shards, not %d: their number cannot change; take another "
            "pipeline name and replay",
            e->state, (int)e->head.n_shards, (int)n_shards);
    if (mark->fingerprint != fingerprint)
        return eddy_fail(
            err, EDDY_CONFIG,
            "topic %s was made with another model or other engine options (fingerprint %016llx, "
            "now %016llx): set them as they were, or take another pipeline name and replay",
            e->state, (unsigned long long)mark->fingerprint, (unsigned long long)fingerprint);
    if (r->failure.status != EDDY_OK)
        return eddy_fail(err, EDDY_FORMAT, "topic %s partition %d: %s", e->state,
                         (int)e->head.shard, r->failure.text);
    if (!r->loader || (from_store && ED_MUTANT(STORE_UNHASHED)))
        return EDDY_OK;
    return r->loader->check(r->loader->user, mark, err);
}

/* Nothing is loaded, and nothing known. */
static eddy_status begin_anew(struct restoring *r, int64_t first, eddy_error *err)
{
    head_reset(r->e);
    r->e->gathered.n = 0;
    ed_bytes_empty(&r->e->gathered.bytes);
    r->e->tail = first;
    r->e->following = 0;
    ed_living_begin(&r->e->living, first);
    r->e->forgotten = first;
    atomic_store(&r->e->restored, 0);
    atomic_store(&r->e->from_store, 0);
    atomic_store(&r->e->warm, 0);
    r->failure = (eddy_error){0};
    return r->loader ? r->loader->reset(r->loader->user, err) : EDDY_OK;
}

/* Where reading begins: behind what the store gives, or at the first record there is. */
static eddy_status read_begin(struct restoring *r, int64_t first, int64_t end, int with_store,
                              eddy_error *err)
{
    struct epochs *e = r->e;
    eddy_status st = begin_anew(r, first, err);
    if (st != EDDY_OK || !with_store)
        return st;
    if (store_load(r, first, end)) {
        atomic_store(&e->from_store, 1);
        return EDDY_OK;
    }
    return begin_anew(r, first, err);
}

/* Everything there is, from the store and the rest of the partition, or from all of the partition.
 */
static eddy_status state_read(struct restoring *r, uint64_t fingerprint, int with_store,
                              eddy_error *err)
{
    struct epochs *e = r->e;
    int64_t first = -1, end = -1;
    int32_t n_shards = e->head.n_shards;
    eddy_error why = {0};
    eddy_status st = EDDY_OK;
    enum ed_answer answer =
        ed_epochs_bounds(e, e->log->now_ms(e->log) + e->deliver_ms, &first, &end, &why);
    if (answer != ED_DONE)
        return ed_epochs_status(e, answer, &why, err);
    if (end < 0)
        return eddy_fail(err, EDDY_FORMAT,
                         "topic %s has no partition %d: it was made anew with fewer", e->state,
                         (int)e->head.shard);
    r->first = first;
    r->end = end;
    if (!e->following || e->tail < first || e->tail > end)
        st = read_begin(r, first, end, with_store, err);
    else
        atomic_store(&e->warm, 1);
    if (st != EDDY_OK)
        return st;
    answer = ed_epochs_read(e, end, e->deliver_ms, topic_take, r, &why);
    if (answer != ED_DONE)
        return ed_epochs_status(e, answer, &why, err);
    st = found_check(r, fingerprint, n_shards, atomic_load(&e->from_store), err);
    e->head.n_shards = n_shards;
    return st;
}

/* 1: the partition is not the one whose reading began. Only an owner writes, and we have not:
 * somebody else owns it, and compaction may have removed what was still to be read in favour of
 * what he wrote. Or what an owner has found void is gone since. */
static int has_moved(const struct restoring *r)
{
    struct epochs *e = r->e;
    int64_t first = -1, end = -1;
    eddy_error why = {0};
    return ed_epochs_bounds(e, e->log->now_ms(e->log) + e->deliver_ms, &first, &end, &why) ==
               ED_DONE &&
           (end != r->end || first != r->first);
}

static eddy_status state_restore(struct restoring *r, uint64_t fingerprint, eddy_error *err)
{
    struct epochs *e = r->e;
    eddy_error why = {0};
    eddy_status st = state_read(r, fingerprint, e->store != NULL, &why);
    /* Once more, from the topic alone: the store may be wrong, or what we followed. And again as
     * long as somebody writes meanwhile. */
    for (int tries = 1; st == EDDY_FORMAT && tries < RESTORE_TRIES; tries++) {
        if (tries > 1 && !has_moved(r))
            break;
        if (e->store)
            store_forget(e, why.text);
        e->following = 0;
        why = (eddy_error){0};
        st = state_read(r, fingerprint, 0, &why);
    }
    e->following = 0;
    if (st != EDDY_OK && err && err->status == EDDY_OK)
        *err = why;
    return st;
}

eddy_status ed_epochs_follow(struct ed_journal *journal, const struct ed_loader *loader,
                             eddy_error *err)
{
    struct epochs *e = (struct epochs *)journal;
    struct restoring r = {.e = e, .loader = loader};
    int64_t first = -1, end = -1, next;
    eddy_error why = {0}, ignored = {0};
    eddy_status st = EDDY_OK;
    if (!e->state)
        return EDDY_OK;
    enum ed_answer answer = e->log->bounds(e->log, &first, &end, &why);
    if (answer != ED_DONE || end < 0)
        return answer == ED_AGAIN || end < 0 ? EDDY_OK : ed_epochs_status(e, answer, &why, err);
    if (!e->following || e->tail < first || e->tail > end) {
        int32_t n_shards = e->head.n_shards;
        st = read_begin(&r, first, end, e->store != NULL, err);
        e->head.n_shards = n_shards;
    }
    e->following = st == EDDY_OK;
    if (st != EDDY_OK || e->tail >= end)
        return st;
    next = e->tail;
    answer = e->log->read(e->log, e->tail, end, topic_take, &r, &next, &why);
    e->tail = next;
    /* Where the owner was faster, and what we wanted is void, begin anew; also where the broker
     * does not say so now, since what is bad will be bad again. */
    enum ed_answer bounds =
        answer == ED_REFUSED ? e->log->bounds(e->log, &first, &end, &ignored) : ED_DONE;
    if (answer == ED_REFUSED && (bounds == ED_AGAIN || (bounds == ED_DONE && first > next))) {
        e->following = 0;
        return EDDY_OK;
    }
    return answer == ED_DONE || answer == ED_AGAIN ? EDDY_OK
                                                   : ed_epochs_status(e, answer, &why, err);
}

/* Without a state the group's offset says where to go on. */
static eddy_status told_restore(struct epochs *e, eddy_error *err)
{
    int64_t next = -1;
    eddy_error why = {0};
    enum ed_answer answer =
        *e->input ? ed_epochs_told(e, e->log->now_ms(e->log) + e->deliver_ms, &next, &why)
                  : ED_DONE;
    if (answer != ED_DONE)
        return ed_epochs_status(e, answer, &why, err);
    const struct ed_offset at = {e->input, e->partition, next};
    return next >= 0 ? ed_head_advance(&e->head, &at, 1, err) : EDDY_OK;
}

eddy_status ed_epochs_restore(struct ed_journal *journal, uint64_t fingerprint,
                              const struct ed_loader *loader, const struct ed_head **ret_head,
                              eddy_error *err)
{
    struct epochs *e = (struct epochs *)journal;
    struct restoring r = {.e = e, .loader = loader};
    eddy_error why = {0};
    eddy_status st = EDDY_OK;
    int64_t start = e->log->now_ms(e->log);
    if (ED_MUTANT(READ_BEFORE_FENCE) && e->state)
        st = state_restore(&r, fingerprint, err);
    enum ed_answer answer =
        st == EDDY_OK ? ed_epochs_fence(e, start + e->deliver_ms, &why) : ED_DONE;
    if (answer != ED_DONE)
        return ed_epochs_status(e, answer, &why, err);
    if (st == EDDY_OK && e->state && !ED_MUTANT(READ_BEFORE_FENCE))
        st = state_restore(&r, fingerprint, err);
    if (st == EDDY_OK && !e->state)
        st = told_restore(e, err);
    if (st != EDDY_OK)
        return st;
    e->head.mark.fingerprint = fingerprint;
    e->head.owner = e->log->draw(e->log);
    if (!e->head.pipeline.at) {
        char *name = ed_strdup(e->pipeline);
        if (!name)
            return eddy_fail_nomem(err, "journal", strlen(e->pipeline));
        e->head.pipeline = (eddy_str){name, strlen(name)};
    }
    atomic_store(&e->restore_ms, e->log->now_ms(e->log) - start);
    *ret_head = &e->head;
    ed_point("restored");
    return EDDY_OK;
}
