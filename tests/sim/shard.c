/* One batch of documents through the engine, as the pipeline's engine thread does it. */
#include "shard.h"

#include "base/error.h"
#include "base/memory.h"

eddy_status sim_shard_reset(struct sim_shard *shard, const struct sim *sim, eddy_error *err)
{
    sim_shard_clear(shard);
    shard->options = &sim->engine;
    shard->publisher.pipeline = SIM_PIPELINE;
    return sim->stateless ? EDDY_OK : eddy_clusterer_new(&sim->engine, &shard->clusterer, err);
}

void sim_shard_clear(struct sim_shard *shard)
{
    eddy_clusterer_free(shard->clusterer);
    memset(shard, 0, sizeof *shard);
}

void sim_shard_resume(struct sim_shard *shard, const struct ed_mark *mark)
{
    shard->documents = mark->documents;
    shard->stream_ms = mark->stream_ms;
    shard->tally = mark->tally;
    shard->publisher.change_position = mark->change_position;
    shard->publisher.change_index = mark->change_index;
}

/* Assignments, changes and pictures of the documents that are none of them dead letters. */
static eddy_status assign(struct sim_shard *shard, const struct sim_doc *const *docs, size_t n,
                          struct ed_epoch *epoch, eddy_error *err)
{
    eddy_row *rows = ed_arena_alloc(epoch->arena, (n + 1) * sizeof *rows);
    eddy_assignment *answers = ed_arena_alloc(epoch->arena, (n + 1) * sizeof *answers);
    for (size_t i = 0; i < n; i++)
        rows[i] = docs[i]->row;
    eddy_status st = eddy_clusterer_assign(shard->clusterer, rows, n, answers, err);
    for (size_t i = 0; st == EDDY_OK && i < n; i++) {
        st = ed_publish_assignment(&shard->publisher, epoch, &docs[i]->doc, &answers[i], err);
        shard->tally.founded += (uint64_t)answers[i].founded;
        shard->tally.assigned += (uint64_t)!answers[i].founded;
    }
    const eddy_change *changes;
    size_t n_changes = eddy_clusterer_changes(shard->clusterer, &changes);
    for (size_t i = 0; st == EDDY_OK && i < n_changes; i++)
        st = ed_publish_change(&shard->publisher, epoch, &changes[i], err);
    const eddy_event *pictures;
    size_t n_pictures = eddy_clusterer_pictures(shard->clusterer, &pictures);
    for (size_t i = 0; st == EDDY_OK && i < n_pictures; i++)
        st = ed_publish_event(&shard->publisher, epoch, &pictures[i], pictures[i].stream_ms, err);
    return st;
}

/* A message for each, as a stage without an engine sends them on. */
static eddy_status pass(const struct sim_doc *const *docs, size_t n, struct ed_epoch *epoch,
                        eddy_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const eddy_doc *d = &docs[i]->doc;
        struct ed_message *m = ed_epoch_add(epoch);
        eddy_header *header = ed_arena_alloc(epoch->arena, sizeof *header);
        if (!m || !header)
            return eddy_fail_nomem(err, "epoch", sizeof *m);
        header->name = "ce_id";
        header->value = ed_arena_printf(epoch->arena, SIM_TOPIC "-%d-%lld",
                                        (int)d->position.partition, (long long)d->position.offset);
        *m = (struct ed_message){.topic = ED_ASSIGNMENTS,
                                 .key = d->id,
                                 .value = d->title,
                                 .headers = header,
                                 .n_headers = 1,
                                 .time_ms = d->time_ms};
    }
    return EDDY_OK;
}

static void mark(struct sim_shard *shard, struct ed_epoch *epoch)
{
    eddy_engine_stats stats;
    eddy_clusterer_stats(shard->clusterer, &stats);
    shard->documents = stats.documents;
    shard->stream_ms = stats.stream_ms;
    epoch->mark = (struct ed_mark){
        .fingerprint = eddy_engine_fingerprint(shard->options),
        .hash = eddy_clusterer_hash(shard->clusterer),
        .documents = shard->documents,
        .stream_ms = shard->stream_ms,
        .change_position = shard->publisher.change_position,
        .change_index = shard->publisher.change_index,
        .tally = shard->tally,
    };
}

eddy_status sim_shard_epoch(struct sim_shard *shard, struct sim_doc *const *docs, size_t n,
                            struct ed_epoch *epoch, eddy_error *err)
{
    const struct sim_doc **accepted = ed_arena_alloc(epoch->arena, (n + 1) * sizeof(void *));
    size_t n_accepted = 0;
    eddy_status st = EDDY_OK;
    for (size_t i = 0; st == EDDY_OK && i < n; i++) {
        const struct sim_doc *d = docs[i];
        st = ed_epoch_answered(epoch, SIM_TOPIC, d->partition, d->offset + 1, err);
        if (st != EDDY_OK)
            return st;
        if (d->filtered) {
            shard->tally.filtered++;
            continue;
        }
        if (!d->poison) {
            accepted[n_accepted++] = d;
            continue;
        }
        shard->tally.dead++;
        st = ed_publish_dead(&shard->publisher, epoch, &d->raw, 1 << 20, EDDY_REJECT_JSON, "poison",
                             err);
    }
    if (!shard->clusterer)
        return st == EDDY_OK ? pass(accepted, n_accepted, epoch, err) : st;
    if (st == EDDY_OK && n_accepted)
        st = assign(shard, accepted, n_accepted, epoch, err);
    for (; epoch->n_wanted; epoch->n_wanted--)
        eddy_clusterer_renew(shard->clusterer, epoch->wanted[epoch->n_wanted - 1]);
    if (st == EDDY_OK)
        st = eddy_clusterer_records(shard->clusterer, epoch->arena, &epoch->records,
                                    &epoch->n_records, err);
    if (st == EDDY_OK)
        mark(shard, epoch);
    return st;
}
