/* Epochs: growing lists whose strings live in the batch's arena. */
#include "base/message.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

void ed_epoch_init(struct ed_epoch *epoch, eddy_arena *arena)
{
    memset(epoch, 0, sizeof *epoch);
    epoch->arena = arena;
}

void ed_epoch_clear(struct ed_epoch *epoch)
{
    ed_free(epoch->messages);
    ed_free(epoch->offsets);
    ed_free(epoch->wanted);
    ed_epoch_init(epoch, epoch->arena);
}

void ed_epoch_reset(struct ed_epoch *epoch)
{
    epoch->n_messages = epoch->n_offsets = epoch->n_records = 0;
    epoch->records = NULL;
    epoch->mark = (struct ed_mark){0};
}

struct ed_message *ed_epoch_add(struct ed_epoch *epoch)
{
    struct ed_message *list =
        ed_list_room(epoch->messages, epoch->n_messages, &epoch->room_messages, sizeof *list);
    if (!list)
        return NULL;
    epoch->messages = list;
    struct ed_message *m = &epoch->messages[epoch->n_messages++];
    memset(m, 0, sizeof *m);
    return m;
}

eddy_status ed_epoch_answered(struct ed_epoch *epoch, const char *topic, int32_t partition,
                              int64_t next, eddy_error *err)
{
    for (size_t i = 0; i < epoch->n_offsets; i++) {
        struct ed_offset *o = &epoch->offsets[i];
        if (o->partition == partition && (o->topic == topic || !strcmp(o->topic, topic))) {
            if (o->next < next)
                o->next = next;
            return EDDY_OK;
        }
    }
    struct ed_offset *list =
        ed_list_room(epoch->offsets, epoch->n_offsets, &epoch->room_offsets, sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "epoch", sizeof *epoch->offsets);
    epoch->offsets = list;
    epoch->offsets[epoch->n_offsets++] = (struct ed_offset){topic, partition, next};
    return EDDY_OK;
}

eddy_status ed_epoch_join(struct ed_epoch *epoch, const struct ed_epoch *next, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < next->n_messages; i++) {
        struct ed_message *m = ed_epoch_add(epoch);
        if (!m)
            return eddy_fail_nomem(err, "epoch", next->n_messages * sizeof *m);
        *m = next->messages[i];
    }
    for (size_t i = 0; i < next->n_offsets && st == EDDY_OK; i++) {
        const struct ed_offset *o = &next->offsets[i];
        st = ed_epoch_answered(epoch, o->topic, o->partition, o->next, err);
    }
    epoch->records = next->records;
    epoch->n_records = next->n_records;
    epoch->mark = next->mark;
    return st;
}

eddy_status ed_raw_copy(eddy_arena *arena, const eddy_raw *raw, eddy_raw *ret, eddy_error *err)
{
    eddy_raw copy = *raw;
    int whole = 1;
    if (raw->bytes)
        whole = (copy.bytes = ed_arena_str(arena, raw->bytes, raw->n).at) != NULL;
    if (raw->key)
        whole &= (copy.key = ed_arena_str(arena, raw->key, raw->n_key).at) != NULL;

    eddy_header *headers =
        raw->n_headers ? ed_arena_alloc(arena, raw->n_headers * sizeof *headers) : NULL;
    whole &= !raw->n_headers || headers;
    for (size_t i = 0; whole && i < raw->n_headers; i++) {
        const eddy_header *from = &raw->headers[i];
        headers[i].name = ed_arena_str(arena, from->name, strlen(from->name)).at;
        headers[i].value = from->value;
        if (from->value.at)
            headers[i].value = ed_arena_str(arena, from->value.at, from->value.n);
        whole = headers[i].name && (!from->value.at || headers[i].value.at);
    }
    if (!whole)
        return eddy_fail_nomem(err, "message", raw->n + raw->n_key);
    copy.headers = headers;
    *ret = copy;
    return EDDY_OK;
}

eddy_str ed_header_last(const eddy_header *headers, size_t n, const char *name)
{
    while (n-- > 0)
        if (!strcmp(headers[n].name, name))
            return headers[n].value;
    return (eddy_str){NULL, 0};
}
