/* Epochs on a log: the protocol of exactly once (RELIABILITY 1), without a word of librdkafka.
 *
 * Taking over: fence, then read. Once fence has returned, nobody else writes under our name, and
 * what a predecessor left open is committed or gone; only then is the end of the state partition
 * asked for, and what is read up to there is all there is. The input goes on at the offsets in the
 * head: the state partition is the one truth.
 *
 * An epoch is complete before its transaction is begun, so that an abort costs nothing but sending
 * it again, and a transaction is open for as long as a broker takes to write it.
 *
 * When a producer breaks in the midst of a commit nobody knows whether it took place. We never
 * guess: we fence again (that resolves it) and read our own state partition from where it was last
 * known to be. Our head with our number: it did. Nothing new: it did not, and the same epoch is
 * sent again. Somebody else's head: the shard is theirs, and what is in memory here is worth
 * nothing.
 *
 * The same is done after a request that may still be on its way somewhere (KIP-890: a late EndTxn
 * would end the next transaction): a new fence makes it void.
 *
 * The store is a cache. It takes an epoch after its commit; what it gives is believed only when the
 * state has the hash that the head tells. */
#include "journal/protocol.h"

#define PAUSE_MAX  1000
#define WANTED_MAX 4096 /* keys that one epoch is asked to write anew */

/* ---- calls, and what they come to ---- */

/* What the caller is told of an answer that is not DONE. */
eddy_status ed_epochs_status(struct epochs *e, enum ed_answer answer, const eddy_error *why,
                             eddy_error *err)
{
    if (answer == ED_LOST) {
        e->lost = 1;
        return eddy_fail(err, EDDY_FENCED, "shard %d: another owner has taken over: %s",
                         (int)e->head.shard, why->text);
    }
    if (answer == ED_REFUSED)
        return eddy_fail(err, why->status ? why->status : EDDY_UNAVAILABLE, "%s", why->text);
    return eddy_fail_retriable(err, EDDY_UNAVAILABLE, "%s", why->text);
}

/* Time for another try? Pauses, longer each time. */
int ed_epochs_again(struct epochs *e, int64_t until_ms, int *pause_ms)
{
    if (e->log->now_ms(e->log) >= until_ms)
        return 0;
    e->log->pause(e->log, *pause_ms);
    *pause_ms = *pause_ms * 2 < PAUSE_MAX ? *pause_ms * 2 : PAUSE_MAX;
    return 1;
}

enum ed_answer ed_epochs_fence(struct epochs *e, int64_t until_ms, eddy_error *why)
{
    enum ed_answer answer;
    int pause_ms = PAUSE_MIN;
    e->at = IDLE;
    do {
        *why = (eddy_error){0};
        answer = e->log->fence(e->log, why);
    } while ((answer == ED_AGAIN || answer == ED_BROKEN) &&
             ed_epochs_again(e, until_ms, &pause_ms));
    if (answer == ED_DONE) {
        e->broken = 0;
        atomic_fetch_add(&e->fences, 1);
        ed_point("fenced");
    }
    return answer;
}

enum ed_answer ed_epochs_bounds(struct epochs *e, int64_t until_ms, int64_t *first, int64_t *end,
                                eddy_error *why)
{
    enum ed_answer answer;
    int pause_ms = PAUSE_MIN;
    do {
        *why = (eddy_error){0};
        answer = e->log->bounds(e->log, first, end, why);
    } while (answer == ED_AGAIN && ed_epochs_again(e, until_ms, &pause_ms));
    return answer;
}

enum ed_answer ed_epochs_told(struct epochs *e, int64_t until_ms, int64_t *ret_next,
                              eddy_error *why)
{
    enum ed_answer answer;
    int pause_ms = PAUSE_MIN;
    do {
        *why = (eddy_error){0};
        answer = e->log->told(e->log, e->input, e->partition, ret_next, why);
    } while (answer == ED_AGAIN && ed_epochs_again(e, until_ms, &pause_ms));
    return answer;
}

enum ed_answer ed_epochs_read(struct epochs *e, int64_t end, int64_t patience_ms, ed_state_fn *take,
                              void *user, eddy_error *why)
{
    int pause_ms = PAUSE_MIN;
    int64_t until_ms = e->log->now_ms(e->log) + patience_ms;
    while (e->tail < end) {
        int64_t next = e->tail;
        *why = (eddy_error){0};
        enum ed_answer answer = e->log->read(e->log, e->tail, end, take, user, &next, why);
        if (next > e->tail) { /* progress earns patience */
            until_ms = e->log->now_ms(e->log) + patience_ms;
            pause_ms = PAUSE_MIN;
        }
        e->tail = next;
        if (answer == ED_AGAIN && !ed_epochs_again(e, until_ms, &pause_ms))
            return answer;
        if (answer != ED_DONE && answer != ED_AGAIN)
            return answer;
    }
    return ED_DONE;
}

/* ---- commits ---- */

/* What is left of a dead letter when even the broker's limit is below ours: our headers are its
 * last ones, and tell where the message is. */
static struct ed_message without_body(const struct ed_message *m)
{
    struct ed_message bare = *m;
    size_t i = m->n_headers;
    while (i > 0 && strcmp(m->headers[--i].name, ED_HEADER_DEAD_TOPIC) != 0)
        continue;
    bare.headers += i;
    bare.n_headers -= i;
    bare.key = bare.value = (eddy_str){NULL, 0};
    return bare;
}

/* How a message is sent, after the broker has refused it by its size so many times. */
enum { WHOLE, ALONE, BARE, LEFT_OUT };

/* What people call the topics. */
static const char *const settings[ED_TOPICS] = {
    [ED_ASSIGNMENTS] = "output.assignments", [ED_EVENTS] = "output.events",
    [ED_CHANGES] = "output.changes",         [ED_DEAD] = "output.dead",
    [ED_VECTORS] = "output.vectors",         [ED_OPERATIONS] = "output.operations",
    [ED_TEMPLATES] = "output.templates",     [ED_ALERTS] = "output.alerts"};

/* A broker refuses whole batches, so first each of its messages is tried alone. Dead letters stand
 * between a sick message and a stream that stops at it: one that is still refused must not stop
 * anything either. */
static enum ed_answer cut_oversize(struct epochs *e, const struct ed_epoch *epoch, eddy_error *why)
{
    size_t number;
    while (e->log->oversize(e->log, &number)) {
        int known = number < epoch->n_messages;
        if (!known || (e->cut[number] == ALONE && epoch->messages[number].topic != ED_DEAD)) {
            *why = (eddy_error){0};
            eddy_fail(why, EDDY_UNAVAILABLE,
                      "kafka: the broker refuses a message by its size (MSG_SIZE_TOO_LARGE): raise "
                      "max.message.bytes of the topic %s",
                      known ? settings[epoch->messages[number].topic] : "state.topic");
            return ED_REFUSED;
        }
        if (e->cut[number] < LEFT_OUT)
            e->cut[number]++;
        if (e->cut[number] > ALONE)
            ed_log(ED_LOG_WARN, "journal", "the broker refused a dead letter by size: %s",
                   e->cut[number] == BARE ? "cut to its headers" : "left out");
    }
    return ED_DONE;
}

static enum ed_answer send_messages(struct epochs *e, const struct ed_epoch *epoch, eddy_error *why)
{
    enum ed_answer answer = ED_DONE;
    for (size_t i = 0; i < epoch->n_messages && answer == ED_DONE; i++) {
        const struct ed_message *m = &epoch->messages[i];
        struct ed_message bare;
        if (e->cut[i] == LEFT_OUT)
            continue;
        if (e->cut[i] == BARE) {
            bare = without_body(m);
            m = &bare;
        }
        answer = e->log->send(e->log, m, i, e->cut[i] != WHOLE, why);
        ed_point("sent");
    }
    return answer;
}

/* The head as it will be after the epoch, with its offsets. */
static eddy_status head_next(struct epochs *e, const struct ed_epoch *epoch, eddy_error *err)
{
    struct ed_head after;
    eddy_status st = ed_head_after(&e->head, epoch, &after, err);
    if (st != EDDY_OK)
        return st;
    ed_bytes_empty(&e->bytes);
    ed_head_write(&after, &e->bytes);
    if (e->bytes.failed)
        st = eddy_fail_nomem(err, "head", e->bytes.n);
    ed_head_drop(&e->head, &after);
    return st;
}

static enum ed_answer send_records(struct epochs *e, const struct ed_epoch *epoch, eddy_error *why)
{
    enum ed_answer answer = ED_DONE;
    for (size_t i = 0; i < epoch->n_records && answer == ED_DONE; i++)
        answer = e->log->send_state(e->log, &epoch->records[i], why);
    return answer;
}

static enum ed_answer send_head(struct epochs *e, const struct ed_epoch *epoch, eddy_error *why)
{
    const eddy_record head = {0, {e->bytes.at, e->bytes.n}};
    enum ed_answer answer = e->state ? e->log->send_state(e->log, &head, why) : ED_DONE;
    ed_point("head-sent");
    if (answer == ED_DONE && epoch->n_offsets)
        answer = e->log->offsets(e->log, epoch->offsets, epoch->n_offsets, why);
    ed_point("offsets-sent");
    return answer;
}

/* Begin a transaction and put all of the epoch into it. */
static enum ed_answer fill(struct epochs *e, const struct ed_epoch *epoch, eddy_error *why)
{
    enum ed_answer answer = e->log->begin(e->log, why);
    if (answer != ED_DONE)
        return answer;
    e->at = OPEN;
    e->begun_ms = e->log->now_ms(e->log);
    ed_point("begun");
    answer = send_messages(e, epoch, why);
    if (answer == ED_DONE && e->state)
        answer = send_records(e, epoch, why);
    if (answer == ED_DONE && ED_MUTANT(OFFSETS_OUTSIDE)) {
        answer = e->log->commit(e->log, why);
        ed_point("mutant");
        if (answer == ED_DONE)
            answer = e->log->begin(e->log, why);
    }
    return answer == ED_DONE ? send_head(e, epoch, why) : answer;
}

/* One step towards a committed epoch. DONE: it is. ED_AGAIN: call once more. */
static enum ed_answer step(struct epochs *e, const struct ed_epoch *epoch, eddy_error *why)
{
    enum ed_answer answer = ED_DONE;
    if (e->at == OPEN) { /* left by a try that failed */
        answer = e->log->abort(e->log, why);
        if (answer == ED_DONE || answer == ED_ABORT) {
            atomic_fetch_add(&e->aborted, 1);
            e->at = IDLE;
            answer = cut_oversize(e, epoch, why);
            return answer == ED_DONE ? ED_AGAIN : answer;
        }
        return answer;
    }
    if (e->at == IDLE) {
        answer = fill(e, epoch, why);
        if (answer != ED_DONE)
            return answer == ED_ABORT ? ED_AGAIN : answer;
        e->at = ENDING;
        ed_point("filled");
    }
    answer = e->log->commit(e->log, why);
    ed_point("committed");
    if (answer == ED_AGAIN && ED_MUTANT(COMMIT_GUESSED))
        answer = ED_DONE;
    if (answer == ED_DONE)
        e->at = IDLE;
    if (answer == ED_ABORT) {
        e->at = OPEN;
        return ED_AGAIN;
    }
    return answer;
}

/* ---- a producer that broke ---- */

struct seen {
    struct epochs *e;
    const struct ed_epoch *epoch;
    int ours, foreign; /* heads: of this epoch by us; of anybody else */
};

static eddy_status seen_take(void *user, const eddy_record *record, int64_t offset, eddy_error *err)
{
    struct seen *seen = user;
    struct ed_head head = {0};
    (void)offset;
    if (record->key != 0 || !record->value.at)
        return EDDY_OK;
    eddy_status st = ed_head_read(record->value, &head, err);
    if (st != EDDY_OK)
        return st;
    int known = head.owner == seen->e->head.owner && head.mark.epoch <= seen->e->head.mark.epoch;
    if (head.owner == seen->e->head.owner && head.mark.epoch == seen->epoch->mark.epoch)
        seen->ours = 1;
    else if (!known)
        seen->foreign = 1;
    ed_head_clear(&head);
    return EDDY_OK;
}

/* Without a state: has the group's offset moved as this epoch moves it? */
static enum ed_answer told_check(struct epochs *e, const struct ed_epoch *epoch, int64_t until_ms,
                                 eddy_error *why)
{
    int64_t now = -1;
    enum ed_answer answer = ed_epochs_told(e, until_ms, &now, why);
    const struct ed_offset *before = ed_head_find(&e->head, e->input, e->partition);
    if (answer != ED_DONE)
        return answer;
    if (epoch->n_offsets == 1 && now == epoch->offsets[0].next)
        return ED_DONE;
    if (now == (before ? before->next : -1))
        return ED_AGAIN;
    eddy_fail(why, EDDY_FENCED, "the group goes on at %lld of topic %s", (long long)now, e->input);
    return ED_LOST;
}

/* A new producer, and the truth about the epoch. DONE: it was committed; AGAIN: it was not. */
static enum ed_answer recover(struct epochs *e, const struct ed_epoch *epoch, int64_t until_ms,
                              eddy_error *why)
{
    int64_t first, end;
    enum ed_answer answer = ed_epochs_fence(e, until_ms, why);
    if (answer != ED_DONE)
        return answer == ED_BROKEN ? ED_AGAIN : answer;
    if (ED_MUTANT(LOST_ON_REBUILD))
        return ED_DONE;
    e->broken = 1; /* until we know */
    if (!e->state) {
        answer = told_check(e, epoch, until_ms, why);
        e->broken = answer != ED_DONE && (answer != ED_AGAIN || why->status != EDDY_OK);
        return answer;
    }
    answer = ed_epochs_bounds(e, until_ms, &first, &end, why);
    if (answer != ED_DONE)
        return answer;
    if (first > e->tail) { /* we never make that void */
        eddy_fail(why, EDDY_FENCED, "what it has written since is void already");
        return ED_LOST;
    }
    struct seen seen = {.e = e, .epoch = epoch};
    answer = ed_epochs_read(e, end, e->deliver_ms, seen_take, &seen, why);
    if (answer != ED_DONE)
        return answer;
    if (seen.foreign && !ED_MUTANT(FOREIGN_IGNORED)) {
        eddy_fail(why, EDDY_FENCED, "its head is in the state topic");
        return ED_LOST;
    }
    e->broken = 0;
    return seen.ours && !ED_MUTANT(RESENT_BLINDLY) ? ED_DONE : ED_AGAIN;
}

/* ---- after the commit ---- */

/* What the epoch has made void goes, and what else must be written anew for that is asked for.
 * Without memory for that nothing goes. */
static void living_go_on(struct epochs *e, struct ed_epoch *epoch)
{
    if (!e->state || !e->forgets)
        return;
    for (size_t i = 0; i < epoch->n_records; i++)
        ed_living_note(&e->living, &epoch->records[i]);
    ed_living_pass(&e->living, e->tail);
    int64_t from = ED_MUTANT(FORGOTTEN_UNREAD) ? e->tail : ed_living_from(&e->living);
    if (from > e->forgotten) {
        e->forgets = e->log->forget(e->log, from);
        e->forgotten = from;
        if (!e->forgets)
            ed_living_clear(&e->living);
    }
    if (!epoch->wanted) {
        epoch->wanted = ed_alloc(WANTED_MAX * sizeof *epoch->wanted);
        epoch->room_wanted = epoch->wanted ? WANTED_MAX : 0;
    }
    epoch->n_wanted = ed_living_wanted(&e->living, epoch->wanted, epoch->room_wanted);
}

static eddy_status epoch_done(struct epochs *e, struct ed_epoch *epoch, eddy_error *err)
{
    int64_t open_ms = e->log->now_ms(e->log) - e->begun_ms;
    int64_t next = e->log->state_next(e->log);
    e->head.mark = epoch->mark;
    eddy_status st = ed_head_advance(&e->head, epoch->offsets, epoch->n_offsets, err);
    if (next > e->tail)
        e->tail = next;
    e->head.state_next = e->tail;
    if (!ED_MUTANT(STATE_BEFORE_COMMIT))
        ed_epochs_store(e, epoch->records, epoch->n_records);
    atomic_fetch_add(&e->epochs, 1);
    atomic_fetch_add(&e->records, epoch->n_records);
    for (size_t i = 0; i < epoch->n_records; i++)
        atomic_fetch_add(&e->record_bytes, epoch->records[i].value.n);
    living_go_on(e, epoch);
    atomic_fetch_add(&e->open_ms_sum, open_ms);
    ed_histogram_add(&e->open, (double)open_ms / 1e3);
    if (open_ms > atomic_load(&e->open_ms_max))
        atomic_store(&e->open_ms_max, open_ms);
    return st;
}

/* For the mutant: the state is swapped before anybody knows whether the epoch is committed. */
static void store_early(struct epochs *e, const struct ed_epoch *epoch)
{
    struct ed_mark mark = e->head.mark;
    if (!ED_MUTANT(STATE_BEFORE_COMMIT))
        return;
    e->head.mark = epoch->mark;
    ed_head_advance(&e->head, epoch->offsets, epoch->n_offsets, NULL);
    ed_epochs_store(e, epoch->records, epoch->n_records);
    e->head.mark = mark;
}

static eddy_status prepare(struct epochs *e, struct ed_epoch *epoch, eddy_error *err)
{
    epoch->mark.epoch = e->head.mark.epoch + 1;
    epoch->mark.fingerprint = e->head.mark.fingerprint;
    if (e->cut_epoch != epoch->mark.epoch || e->n_cut < epoch->n_messages) {
        ed_free(e->cut);
        e->n_cut = epoch->n_messages;
        e->cut = ed_alloc_zero(e->n_cut + 1, 1);
        if (!e->cut)
            return eddy_fail_nomem(err, "epoch", e->n_cut);
        e->cut_epoch = epoch->mark.epoch;
    }
    return head_next(e, epoch, err);
}

static eddy_status epochs_commit(struct ed_journal *journal, struct ed_epoch *epoch,
                                 eddy_error *err)
{
    struct epochs *e = (struct epochs *)journal;
    if (e->lost)
        return eddy_fail(err, EDDY_FENCED, "shard %d is another owner's", (int)e->head.shard);
    eddy_status st = prepare(e, epoch, err);
    if (st != EDDY_OK)
        return st;
    store_early(e, epoch);
    int64_t until_ms = e->log->now_ms(e->log) + e->deliver_ms;
    int pause_ms = PAUSE_MIN;
    for (;;) {
        eddy_error why = {0};
        enum ed_answer answer;
        int doubt =
            e->at == IDLE && !e->broken && e->log->doubtful(e->log) && !ED_MUTANT(DOUBT_IGNORED);
        if (doubt)
            atomic_fetch_add(&e->doubts, 1);
        if (e->broken || doubt)
            answer = recover(e, epoch, until_ms, &why);
        else
            answer = step(e, epoch, &why);
        if (answer == ED_BROKEN) {
            ed_log(ED_LOG_WARN, "journal", "producer given up: %s", why.text);
            e->broken = 1;
            answer = ED_AGAIN;
        }
        if (answer == ED_DONE)
            return epoch_done(e, epoch, err);
        if (answer != ED_AGAIN)
            return ed_epochs_status(e, answer, &why, err);
        if (why.status == EDDY_OK)
            continue; /* a step was made */
        if (!ed_epochs_again(e, until_ms, &pause_ms))
            return ed_epochs_status(e, answer, &why, err);
    }
}

/* ---- the rest ---- */

static void epochs_stats(const struct ed_journal *journal, struct ed_journal_stats *ret)
{
    const struct epochs *e = (const struct epochs *)journal;
    *ret = (struct ed_journal_stats){.epochs = atomic_load(&e->epochs),
                                     .aborted = atomic_load(&e->aborted),
                                     .fences = atomic_load(&e->fences),
                                     .doubts = atomic_load(&e->doubts),
                                     .records = atomic_load(&e->records),
                                     .record_bytes = atomic_load(&e->record_bytes),
                                     .restored_records = atomic_load(&e->restored),
                                     .restore_ms = atomic_load(&e->restore_ms),
                                     .from_store = atomic_load(&e->from_store),
                                     .warm = atomic_load(&e->warm),
                                     .open_ms_max = atomic_load(&e->open_ms_max),
                                     .open_ms_sum = atomic_load(&e->open_ms_sum)};
    ed_histogram_look(&e->open, &ret->open);
}

/* What is open is left to the next fence, or to the broker's transaction timeout, unless it can be
 * aborted now. */
static eddy_status epochs_close(struct ed_journal *journal, eddy_error *err)
{
    struct epochs *e = (struct epochs *)journal;
    eddy_error ignored = {0};
    (void)err; /* commit waits for all, so there is nothing left to lose */
    if (e->at == OPEN && !e->broken && !e->lost) /* ENDING: a commit cannot be taken back */
        (void)e->log->abort(e->log, &ignored);
    e->log->free(e->log);
    ed_epochs_store_close(e);
    ed_head_clear(&e->head);
    ed_bytes_clear(&e->bytes);
    ed_bytes_clear(&e->gathered.bytes);
    ed_living_clear(&e->living);
    ed_free(e->gathered.records);
    ed_free(e->cut);
    ed_free(e->pipeline);
    ed_free(e->state);
    ed_free(e->input);
    ed_free(e);
    return EDDY_OK;
}

/* It is only a cache, and may be another process's: a standby beside its owner. */
static void store_open(struct epochs *e, const char *path)
{
    eddy_error why = {0};
    if (ed_store_open(path, 0, &e->store, &why) != EDDY_OK)
        ed_log(ED_LOG_WARN, "journal", "no local store: %s", why.text);
}

eddy_status ed_epochs_new(const struct ed_epochs_options *options, struct ed_log *log,
                          struct ed_journal **ret, eddy_error *err)
{
    struct epochs *e = ed_alloc_zero(1, sizeof *e);
    if (!e) {
        log->free(log);
        return eddy_fail_nomem(err, "journal", sizeof *e);
    }
    e->open.bounds = &ed_bounds_work;
    e->journal = (struct ed_journal){ed_epochs_restore, ed_epochs_follow, epochs_commit,
                                     epochs_stats, epochs_close};
    e->log = log;
    e->deliver_ms = options->deliver_ms;
    e->head.shard = options->shard;
    e->head.n_shards = options->n_shards;
    e->head.state_next = -1;
    e->forgets = 1;
    ed_bytes_init(&e->bytes, (size_t)64 << 20);
    ed_bytes_init(&e->gathered.bytes, (size_t)1 << 30);
    e->pipeline = ed_strdup(options->pipeline);
    e->state = options->state ? ed_strdup(options->state) : NULL;
    e->input = ed_strdup(options->input ? options->input : "");
    e->partition = options->partition;
    eddy_status st = EDDY_OK;
    if (!e->pipeline || !e->input || (options->state && !e->state))
        st = eddy_fail_nomem(err, "journal", strlen(options->pipeline));
    if (st == EDDY_OK && options->store)
        store_open(e, options->store);
    if (st != EDDY_OK) {
        epochs_close(&e->journal, NULL);
        return st;
    }
    *ret = &e->journal;
    return EDDY_OK;
}
