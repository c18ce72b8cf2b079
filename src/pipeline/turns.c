/* Turns: what the engine does beside documents, and when.
 *
 * What is due at a place of the stream (orders with a position, statistics) cuts a batch. An order
 * is done as soon as there are so many documents, in the epoch of the last of them: so an epoch
 * that ends with as many holds it, whatever else it holds (a duplicate is no document). Statistics
 * wait for a next document, and their last place is part of the state. So whatever the batches, and
 * wherever a run was killed, all is done once and at the same place. What comes from outside
 * (letters of the control topic, what a language model decided) waits for the end of a batch, and
 * is in the log with the place that it found. */
#include "pipeline/inside.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/point.h"
#include "base/time.h"

#include <string.h>
#include <time.h>

#define LETTERS_MAX   64 /* in one epoch: a flood of them must not hold up documents */
#define DECISIONS_MAX 64 /* likewise */
#define SCRATCH_BYTES ((size_t)256 << 20)

static uint64_t documents(const struct ed_pipeline *pl)
{
    eddy_engine_stats stats;
    eddy_clusterer_stats(pl->options.clusterer, &stats);
    return stats.documents;
}

static int has_statistics(const struct ed_pipeline *pl)
{
    return pl->reasoner && ed_reasoner_options(pl->reasoner)->kind == ED_REASON_STATISTICS;
}

static int has_llm(const struct ed_pipeline *pl)
{
    return pl->reasoner && ed_reasoner_options(pl->reasoner)->kind == ED_REASON_LLM;
}

/* ---- one order ---- */

/* *ours 1: all that it names is of this shard; its ids are the engine's then. */
static eddy_status order_enter(const struct ed_pipeline *pl, struct ed_batch *batch,
                               struct ed_order *order, int *ours, eddy_error *err)
{
    uint32_t shard = pl->options.publisher.shard, n = pl->options.publisher.n_shards;
    eddy_operation *op = &order->operation;
    uint64_t *const ids[] = {&op->event, &op->other, &op->undo};
    uint64_t *groups = ed_arena_alloc(batch->arena, (op->n_groups + 1) * sizeof *groups);
    if (!groups)
        return eddy_fail_nomem(err, "order", op->n_groups * sizeof *groups);
    *ours = 1;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        *ours &= !*ids[i] || ed_id_shard(*ids[i], n) == shard;
        *ids[i] = ed_id_inside(*ids[i], n);
    }
    for (size_t i = 0; i < op->n_groups && *ours; i++) {
        *ours = ed_id_shard(op->groups[i], n) == shard;
        groups[i] = ed_id_inside(op->groups[i], n);
    }
    op->groups = op->n_groups ? groups : NULL;
    return EDDY_OK;
}

/* What a person decides on is what is there now. Told, so that a replay decides on the same. */
static void version_find(const struct ed_pipeline *pl, struct ed_batch *batch, uint64_t id,
                         uint64_t *version)
{
    eddy_event event;
    if (id && !*version &&
        eddy_clusterer_event(pl->options.clusterer, id, batch->arena, &event, NULL) == EDDY_OK)
        *version = event.version;
}

/* What an author says of an event is a point in the space of its documents. Statistics only repeat
 * what the documents say. */
static eddy_status vector_make(struct ed_pipeline *pl, struct ed_batch *batch, eddy_operation *op,
                               eddy_error *err)
{
    const eddy_embedder *embedder = pl->options.embedder;
    if (op->kind != EDDY_OPERATION_DESCRIBE || !op->summary.n || op->actor < EDDY_LLM || !embedder)
        return EDDY_OK;
    float *row = ed_arena_alloc_aligned(batch->arena, pl->dim * sizeof *row);
    if (!pl->scratch)
        pl->scratch = eddy_arena_new(SCRATCH_BYTES);
    if (!row || !pl->scratch)
        return eddy_fail_nomem(err, "summary", pl->dim * sizeof *row);
    eddy_status st = ed_pipeline_embed(pl, NULL, &op->summary, 1, pl->scratch, row, err);
    for (size_t i = 0; i < pl->dim && st == EDDY_OK && !op->vector; i++)
        if (row[i] != 0)
            op->vector = row; /* words that the embedder knows */
    return st;
}

/* Apply it, and tell what it changed; ret is zeros unless EDDY_OK. EDDY_INVALID: it makes no sense.
 */
static eddy_status operation_apply(struct ed_pipeline *pl, struct ed_batch *batch,
                                   eddy_operation *op, eddy_outcome *ret, eddy_error *err)
{
    *ret = (eddy_outcome){0};
    eddy_status st = vector_make(pl, batch, op, err);
    if (st != EDDY_OK)
        return st;
    st = eddy_clusterer_apply(pl->options.clusterer, op, ret, err);
    if (st != EDDY_OK)
        *ret = (eddy_outcome){0};
    return st == EDDY_OK && !ret->refusal ? ed_answers_news(pl, batch, err) : st;
}

/* The same, and a line in the log. order has the engine's ids. */
static eddy_status order_apply(struct ed_pipeline *pl, struct ed_batch *batch,
                               struct ed_order *order, eddy_str ce_id, eddy_outcome *outcome,
                               eddy_error *err)
{
    eddy_engine_stats stats;
    eddy_error why = {0};
    eddy_operation *op = &order->operation;
    if (op->actor == EDDY_PERSON) {
        version_find(pl, batch, op->event, &op->event_version);
        version_find(pl, batch, op->other, &op->other_version);
    }
    eddy_status st = operation_apply(pl, batch, op, outcome, &why);
    if (st != EDDY_OK && st != EDDY_INVALID) {
        *err = why;
        return st;
    }
    if (st == EDDY_INVALID)
        outcome->refusal = EDDY_REFUSED_FORBIDDEN; /* nothing to be thought of again */
    atomic_fetch_add(outcome->refusal ? &pl->refused : &pl->operations, 1);
    eddy_clusterer_stats(pl->options.clusterer, &stats);
    const struct ed_told told = {.order = order,
                                 .outcome = st == EDDY_OK ? outcome : NULL,
                                 .detail = st == EDDY_OK ? NULL : why.text,
                                 .position = stats.documents,
                                 .stream_ms = stats.stream_ms,
                                 .ce_id = ce_id};
    st = ed_publish_operation(&pl->options.publisher, &batch->epoch, &told, err);
    ed_point("operation-applied");
    return st;
}

/* ---- orders with a position ---- */

/* Up to this position. */
static eddy_status orders_do(struct ed_pipeline *pl, struct ed_batch *batch, uint64_t position,
                             eddy_error *err)
{
    const struct ed_pipeline_options *o = &pl->options;
    eddy_status st = EDDY_OK;
    eddy_outcome outcome;
    for (; st == EDDY_OK && pl->next_order < o->n_orders; pl->next_order++) {
        struct ed_order order = o->orders[pl->next_order];
        if (order.position > position)
            break;
        eddy_str id =
            order.id.n ? order.id : ed_arena_printf(batch->arena, "order-%zu", pl->next_order + 1);
        if (!id.at)
            return eddy_fail_nomem(err, "order", 0);
        int ours = 0;
        st = order_enter(pl, batch, &order, &ours, err);
        if (st == EDDY_OK && ours)
            st = order_apply(pl, batch, &order, id, &outcome, err);
    }
    return st;
}

eddy_status ed_turns_orders(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    return orders_do(pl, batch, documents(pl), err);
}

/* ---- statistics ---- */

/* Documents when they last had a turn. It is part of the state, so that no restart repeats one: not
 * where the document behind it was a duplicate, nor at an end where nothing came since the last. */
static uint64_t viewed(const struct ed_pipeline *pl)
{
    eddy_engine_stats stats;
    eddy_clusterer_stats(pl->options.clusterer, &stats);
    return stats.viewed;
}

/* Documents until their next turn; 0: it is now. */
static uint64_t statistics_left(const struct ed_pipeline *pl, uint64_t position)
{
    if (!has_statistics(pl))
        return UINT64_MAX;
    uint64_t every = ed_reasoner_options(pl->reasoner)->every;
    int now = position % every == 0 && viewed(pl) != position;
    return now ? 0 : every - position % every;
}

/* Not in the log: the same stream gives them again. */
static eddy_status statistics_turn(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    const eddy_operation *all = NULL;
    size_t n = 0;
    eddy_status st = ed_reasoner_statistics(pl->reasoner, pl->options.clusterer, &all, &n, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        eddy_operation op = all[i];
        eddy_outcome outcome;
        eddy_error why = {0};
        st = operation_apply(pl, batch, &op, &outcome, &why);
        if (st == EDDY_OK)
            ed_reasoner_heard(pl->reasoner, &all[i], &outcome);
        else if (st != EDDY_INVALID)
            *err = why;
        st = st == EDDY_INVALID ? EDDY_OK : st;
    }
    return st;
}

eddy_status ed_turns_documents(struct ed_pipeline *pl, struct ed_batch *batch, size_t n,
                               size_t *ret, eddy_error *err)
{
    const struct ed_pipeline_options *o = &pl->options;
    uint64_t position = documents(pl), left;
    eddy_status st = EDDY_OK;
    if (!statistics_left(pl, position))
        st = statistics_turn(pl, batch, err);
    *ret = n;
    if (pl->next_order < o->n_orders && o->orders[pl->next_order].position - position < *ret)
        *ret = (size_t)(o->orders[pl->next_order].position - position);
    if ((left = statistics_left(pl, position)) < *ret)
        *ret = (size_t)left;
    return st;
}

/* ---- letters ---- */

static eddy_status letter_refuse(struct ed_pipeline *pl, struct ed_batch *batch,
                                 const struct ed_letter *letter, const char *detail,
                                 eddy_error *err)
{
    const struct ed_pipeline_options *o = &pl->options;
    eddy_reject reject = letter->reject ? letter->reject : EDDY_REJECT_SHAPE;
    atomic_fetch_add(&pl->control_dead, 1);
    ed_log(ED_LOG_WARN, "control", "topic %s partition %d offset %lld: %s: %s",
           letter->raw.position.topic, (int)letter->raw.position.partition,
           (long long)letter->raw.position.offset, eddy_reject_code(reject), detail);
    return ed_publish_dead(&o->publisher, &batch->epoch, &letter->raw, o->value_max, reject, detail,
                           err);
}

static eddy_status letter_open(struct ed_pipeline *pl, struct ed_batch *batch,
                               struct ed_letter *letter, eddy_error *err)
{
    const eddy_position *at = &letter->raw.position;
    uint32_t n_shards = pl->options.publisher.n_shards;
    eddy_status st =
        ed_epoch_answered(&batch->epoch, at->topic, at->partition, at->offset + 1, err);
    if (st != EDDY_OK)
        return st;
    if (letter->reject)
        return letter_refuse(pl, batch, letter, letter->detail, err);
    if (letter->order.pass) {
        if (pl->reasoner)
            ed_reasoner_wake(pl->reasoner);
        return EDDY_OK;
    }
    const eddy_operation *op = &letter->order.operation;
    uint32_t shard = ed_id_shard(op->event ? op->event : op->undo, n_shards);
    eddy_str id = ed_arena_printf(batch->arena, "%s-%d-%lld", at->topic, (int)at->partition,
                                  (long long)at->offset);
    if (!id.at)
        return eddy_fail_nomem(err, "control", 0);
    eddy_outcome outcome;
    int ours = 0;
    eddy_status st_order = order_enter(pl, batch, &letter->order, &ours, err);
    if (st_order != EDDY_OK)
        return st_order;
    if (ours)
        return order_apply(pl, batch, &letter->order, id, &outcome, err);
    return letter_refuse(
        pl, batch, letter,
        ed_arena_printf(batch->arena,
                        "it is of shard %u, or of several: an operation goes to the partition of "
                        "its shard",
                        (unsigned)shard)
            .at,
        err);
}

/* ---- what a language model decided ---- */

static eddy_status decisions_apply(struct ed_pipeline *pl, struct ed_batch *batch, int max,
                                   eddy_error *err)
{
    eddy_status st = EDDY_OK;
    struct ed_decision *d;
    for (int i = 0; i < max && st == EDDY_OK && (d = ed_reasoner_next(pl->reasoner)); i++) {
        const char *model = ed_reasoner_options(pl->reasoner)->reason.model;
        struct ed_order order = {.operation = *d->operation, .id = d->id};
        if (model && order.operation.actor == EDDY_LLM)
            order.who = (eddy_str){model, strlen(model)};
        eddy_outcome outcome;
        st = order_apply(pl, batch, &order, d->id, &outcome, err);
        d->outcome = outcome;
        d->heard = st == EDDY_OK; /* else the run ends, and nobody knows what became of it */
        ed_reasoner_back(pl->reasoner, d);
    }
    return st;
}

/* The input is at its end: what it is thinking of is waited for, and then one last look, but not
 * for longer than the whole may take. */
static eddy_status decisions_last(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    int64_t until = ed_monotonic_ms() + ed_reasoner_options(pl->reasoner)->last_ms;
    for (int offered = 0; st == EDDY_OK && !atomic_load(&pl->stopping);) {
        st = decisions_apply(pl, batch, DECISIONS_MAX, err);
        if (!ed_reasoner_busy(pl->reasoner)) {
            if (offered)
                return st;
            offered = ed_reasoner_offer(pl->reasoner, pl->options.clusterer, 1);
            if (!offered)
                return st;
        }
        if (ed_monotonic_ms() >= until) {
            ed_log(ED_LOG_WARN, "reasoner",
                   "the last pass took too long: what it was about to "
                   "decide is left out");
            return st;
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return st;
}

/* ---- turns ---- */

eddy_status ed_turns_batch(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    struct ed_letter *letter;
    for (int i = 0; i < LETTERS_MAX && st == EDDY_OK && pl->control; i++) {
        if (!(letter = ed_control_next(pl->control)))
            break;
        st = letter_open(pl, batch, letter, err);
        ed_control_back(pl->control, letter);
    }
    if (st == EDDY_OK && has_llm(pl)) {
        st = decisions_apply(pl, batch, DECISIONS_MAX, err);
        ed_reasoner_offer(pl->reasoner, pl->options.clusterer, 0);
    }
    return st;
}

int ed_turns_look(struct ed_pipeline *pl)
{
    if (has_llm(pl))
        ed_reasoner_offer(pl->reasoner, pl->options.clusterer, 0);
    return (pl->control && ed_control_waits(pl->control)) ||
           (has_llm(pl) && ed_reasoner_waits(pl->reasoner));
}

eddy_status ed_turns_end(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    uint64_t position = documents(pl);
    eddy_status st = orders_do(pl, batch, UINT64_MAX, err);
    if (st == EDDY_OK)
        st = ed_turns_batch(pl, batch, err);
    if (st == EDDY_OK && has_statistics(pl) && viewed(pl) != position)
        st = statistics_turn(pl, batch, err);
    if (st == EDDY_OK && has_llm(pl))
        st = decisions_last(pl, batch, err);
    return st;
}
