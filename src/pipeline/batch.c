/* batch: born once, filled and emptied for ever. */
#include "pipeline/batch.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES ((size_t)32 << 20) /* a batch of the largest size and of usual documents */

eddy_status ed_batch_new(size_t room, size_t max_bytes, struct ed_batch **ret, eddy_error *err)
{
    struct ed_batch *batch = ed_alloc_zero(1, sizeof *batch);
    if (!batch)
        return eddy_fail_nomem(err, "batch", sizeof *batch);
    batch->items = ed_alloc_zero(room, sizeof *batch->items);
    batch->arena = eddy_arena_new(max_bytes);
    batch->room = room;
    if (batch->arena)
        ed_arena_keep(batch->arena, KEPT_BYTES);
    ed_epoch_init(&batch->epoch, batch->arena);
    if (!batch->items || !batch->arena) {
        ed_batch_free(batch);
        return eddy_fail_nomem(err, "batch", room * sizeof *batch->items);
    }
    *ret = batch;
    return EDDY_OK;
}

void ed_batch_free(struct ed_batch *batch)
{
    if (!batch)
        return;
    ed_epoch_clear(&batch->epoch);
    eddy_arena_free(batch->arena);
    ed_free(batch->items);
    ed_free(batch);
}

void ed_batch_reset(struct ed_batch *batch)
{
    batch->n = 0;
    batch->open = batch->dropped = 0;
    batch->next = NULL;
    batch->n_fronts = 0;
    ed_epoch_reset(&batch->epoch);
    eddy_arena_reset(batch->arena);
}

/* Any item may still become a dead letter, which carries the message as it came: so all of it is
 * copied. */
eddy_status ed_batch_add(struct ed_batch *batch, const eddy_raw *raw, eddy_error *err)
{
    struct ed_item *item = &batch->items[batch->n];
    memset(item, 0, sizeof *item);
    eddy_status st = ed_raw_copy(batch->arena, raw, &item->raw, err);
    batch->n += st == EDDY_OK;
    return st;
}

eddy_status ed_batch_reject(struct ed_batch *batch, size_t i, eddy_reject reject,
                            const char *detail, eddy_error *err)
{
    struct ed_item *item = &batch->items[i];
    item->reject = reject;
    item->detail = ed_arena_str(batch->arena, detail, strlen(detail)).at;
    return item->detail ? EDDY_OK : eddy_fail_nomem(err, "batch", strlen(detail));
}

eddy_status ed_batch_parse(struct ed_batch *batch, const eddy_parser *parser, size_t i,
                           eddy_error *err)
{
    struct ed_item *item = &batch->items[i];
    char detail[256] = "";
    eddy_status st = eddy_parser_parse(parser, &item->raw, batch->arena, &item->doc, &item->reject,
                                       detail, sizeof detail, err);
    if (st != EDDY_OK || item->reject == EDDY_ACCEPTED)
        return st;
    return ed_batch_reject(batch, i, item->reject, detail, err);
}

static eddy_str header_of(const eddy_raw *raw, const char *name)
{
    return ed_header_last(raw->headers, raw->n_headers, name);
}

/* "TOPIC/PARTITION/OFFSET" */
static int position_read(struct ed_batch *batch, eddy_str text, eddy_position *ret)
{
    const char *slash = text.n ? memchr(text.at, '/', text.n) : NULL;
    char *end = NULL;
    if (!slash)
        return 0;
    long partition = strtol(slash + 1, &end, 10);
    long long offset = *end == '/' ? strtoll(end + 1, &end, 10) : -1;
    eddy_str topic = ed_arena_str(batch->arena, text.at, (size_t)(slash - text.at));
    if (!topic.at || offset < 0 || partition < 0 || end != text.at + text.n)
        return 0;
    *ret = (eddy_position){topic.at, (int32_t)partition, offset};
    return 1;
}

/* *ret stays as it is where there is none. */
static eddy_status vector_read(struct ed_batch *batch, const struct ed_item *item, const char *name,
                               size_t dim, const float **ret, eddy_error *err)
{
    eddy_str value = header_of(&item->raw, name);
    if (!dim || value.n != dim * sizeof(float))
        return EDDY_OK;
    float *row = ed_arena_alloc_aligned(batch->arena, value.n);
    if (!row)
        return eddy_fail_nomem(err, "batch", value.n);
    memcpy(row, value.at, value.n);
    *ret = row;
    return EDDY_OK;
}

eddy_status ed_batch_vector(struct ed_batch *batch, size_t i, size_t dim, uint64_t model,
                            const float **phrases, eddy_error *err)
{
    struct ed_item *item = &batch->items[i];
    const eddy_position *at = &item->raw.position;
    eddy_str of = header_of(&item->raw, ED_HEADER_MODEL);
    if (!of.at || strtoull(of.at, NULL, 16) != model)
        return eddy_fail(
            err, EDDY_CONFIG,
            "topic %s partition %d offset %lld: embedded by another model (%.*s, ours is "
            "%016" PRIx64 "): both stages need the same embed.*",
            at->topic, (int)at->partition, (long long)at->offset, (int)of.n, of.at ? of.at : "",
            model);
    eddy_status st = vector_read(batch, item, ED_HEADER_VECTOR, dim, &item->doc.dense, err);
    if (st == EDDY_OK && phrases)
        st = vector_read(batch, item, ED_HEADER_PHRASES, dim, phrases, err);
    if (st != EDDY_OK)
        return st;
    if (!position_read(batch, header_of(&item->raw, ED_HEADER_POSITION), &item->raw.position))
        return eddy_fail(err, EDDY_FORMAT, "topic %s partition %d offset %lld: not written by eddy",
                         at->topic, (int)at->partition, (long long)at->offset);
    item->doc.position = item->raw.position;
    return EDDY_OK;
}
