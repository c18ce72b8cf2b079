/* batch: born once, filled and emptied for ever. */
#include "pipeline/batch.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

eddy_status ed_batch_new(size_t room, size_t max_bytes, struct ed_batch **ret, eddy_error *err)
{
    struct ed_batch *batch = ed_alloc_zero(1, sizeof *batch);
    if (!batch)
        return eddy_fail_nomem(err, "batch", sizeof *batch);
    batch->items = ed_alloc_zero(room, sizeof *batch->items);
    batch->arena = eddy_arena_new(max_bytes);
    batch->room = room;
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
    batch->dropped = 0;
    batch->epoch.n_messages = 0;
    batch->epoch.n_offsets = 0;
    eddy_arena_reset(batch->arena);
}

/* A copy in the batch's arena; NULL stays NULL. 0: no memory. */
static int bytes_copy(struct ed_batch *batch, const char **at, size_t n)
{
    if (!*at)
        return 1;
    *at = ed_arena_str(batch->arena, *at, n).at;
    return *at != NULL;
}

/* Any item may still become a dead letter, which carries the message as it came. */
static eddy_status raw_copy(struct ed_batch *batch, const eddy_raw *raw, eddy_raw *ret,
                            eddy_error *err)
{
    *ret = *raw;
    int whole = bytes_copy(batch, &ret->bytes, raw->n) && bytes_copy(batch, &ret->key, raw->n_key);
    eddy_header *headers = NULL;
    if (raw->n_headers)
        headers = ed_arena_alloc(batch->arena, raw->n_headers * sizeof *headers);
    whole = whole && (headers || !raw->n_headers);
    for (size_t i = 0; whole && i < raw->n_headers; i++) {
        headers[i] = raw->headers[i];
        whole = bytes_copy(batch, &headers[i].name, strlen(headers[i].name)) &&
                bytes_copy(batch, &headers[i].value.at, headers[i].value.n);
    }
    ret->headers = headers;
    return whole ? EDDY_OK : eddy_fail_nomem(err, "batch", raw->n + raw->n_key);
}

eddy_status ed_batch_read(struct ed_batch *batch, const eddy_parser *parser, const eddy_raw *raw,
                          eddy_error *err)
{
    struct ed_item *item = &batch->items[batch->n];
    char detail[256] = "";
    memset(item, 0, sizeof *item);
    eddy_status st = raw_copy(batch, raw, &item->raw, err);
    if (st == EDDY_OK)
        st = eddy_parser_parse(parser, &item->raw, batch->arena, &item->doc, &item->reject, detail,
                               sizeof detail, err);
    if (st == EDDY_OK)
        st = ed_epoch_answered(&batch->epoch, raw->position.topic, raw->position.partition,
                               raw->position.offset + 1, err);
    if (st != EDDY_OK)
        return st;
    if (item->reject != EDDY_ACCEPTED) {
        item->detail = ed_arena_str(batch->arena, detail, strlen(detail)).at;
        if (!item->detail)
            return eddy_fail_nomem(err, "batch", sizeof detail);
    }
    batch->n++;
    return EDDY_OK;
}
