/* The head as bytes: "edhd", u32 version, then its members in the order below, little-endian
 * (base/pack.h). Whoever changes the order or adds one raises ED_HEAD_VERSION and keeps reading the
 * old ones; tests/golden/state has a head of each. */
#include "journal/head.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/pack.h"

static const char magic[4] = {'e', 'd', 'h', 'd'};

#define OFFSET_BYTES_MIN 16 /* an offset with an empty name, as bytes */

void ed_head_clear(struct ed_head *head)
{
    for (size_t i = 0; i < head->n_offsets; i++)
        ed_free((char *)head->offsets[i].topic);
    ed_free(head->offsets);
    ed_free((char *)head->pipeline.at);
    memset(head, 0, sizeof *head);
}

/* ---- offsets ---- */

static struct ed_offset *find(const struct ed_head *head, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < head->n_offsets; i++) {
        struct ed_offset *o = &head->offsets[i];
        if (o->partition == partition && (o->topic == topic || !strcmp(o->topic, topic)))
            return o;
    }
    return NULL;
}

const struct ed_offset *ed_head_find(const struct ed_head *head, const char *topic,
                                     int32_t partition)
{
    return find(head, topic, partition);
}

static int offset_add(struct ed_head *head, const char *topic, size_t n_topic, int32_t partition,
                      int64_t next)
{
    struct ed_offset *list =
        ed_list_room(head->offsets, head->n_offsets, &head->room_offsets, sizeof *list);
    if (!list)
        return 0;
    head->offsets = list;
    char *name = ed_strndup(topic, n_topic);
    if (!name)
        return 0;
    head->offsets[head->n_offsets++] = (struct ed_offset){name, partition, next};
    return 1;
}

eddy_status ed_head_advance(struct ed_head *head, const struct ed_offset *offsets, size_t n,
                            eddy_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct ed_offset *from = &offsets[i];
        struct ed_offset *o = find(head, from->topic, from->partition);
        if (o && o->next < from->next)
            o->next = from->next;
        else if (!o &&
                 !offset_add(head, from->topic, strlen(from->topic), from->partition, from->next))
            return eddy_fail_nomem(err, from->topic, sizeof *o);
    }
    return EDDY_OK;
}

/* ---- the head after an epoch ---- */

eddy_status ed_head_after(const struct ed_head *head, const struct ed_epoch *epoch,
                          struct ed_head *ret, eddy_error *err)
{
    struct ed_head after = *head;
    after.room_offsets = head->n_offsets + 8;
    after.offsets = ed_alloc(after.room_offsets * sizeof *after.offsets);
    if (!after.offsets)
        return eddy_fail_nomem(err, "head", after.room_offsets * sizeof *after.offsets);
    if (head->n_offsets)
        memcpy(after.offsets, head->offsets, head->n_offsets * sizeof *after.offsets);
    after.mark = epoch->mark;
    eddy_status st = ed_head_advance(&after, epoch->offsets, epoch->n_offsets, err);
    if (st != EDDY_OK)
        ed_head_drop(head, &after);
    else
        *ret = after;
    return st;
}

void ed_head_accept(struct ed_head *head, struct ed_head *after)
{
    ed_free(head->offsets); /* the names live on in after */
    *head = *after;
    memset(after, 0, sizeof *after);
}

void ed_head_drop(const struct ed_head *head, struct ed_head *after)
{
    for (size_t i = head->n_offsets; i < after->n_offsets; i++)
        ed_free((char *)after->offsets[i].topic);
    ed_free(after->offsets);
    memset(after, 0, sizeof *after);
}

/* ---- bytes ---- */

void ed_head_write(const struct ed_head *head, struct ed_bytes *out)
{
    const struct ed_mark *mark = &head->mark;
    ed_bytes_add(out, magic, sizeof magic);
    ed_pack_u32(out, ED_HEAD_VERSION);
    ed_pack_u64(out, mark->epoch);
    ed_pack_u64(out, mark->fingerprint);
    ed_pack_u64(out, mark->hash);
    ed_pack_u64(out, mark->documents);
    ed_pack_i64(out, mark->stream_ms);
    ed_pack_u64(out, mark->change_position);
    ed_pack_u32(out, mark->change_index);
    ed_pack_u32(out, mark->ended);
    ed_pack_u64(out, mark->tally.assigned);
    ed_pack_u64(out, mark->tally.founded);
    ed_pack_u64(out, mark->tally.filtered);
    ed_pack_u64(out, mark->tally.dead);
    ed_pack_u64(out, head->owner);
    ed_pack_u32(out, (uint32_t)head->shard);
    ed_pack_u32(out, (uint32_t)head->n_shards);
    ed_pack_i64(out, head->state_next);
    ed_pack_str(out, head->pipeline.at, head->pipeline.n);
    ed_pack_u32(out, ED_TOPICS);
    for (int t = 0; t < ED_TOPICS; t++)
        ed_pack_u64(out, head->written[t]);
    ed_pack_u32(out, (uint32_t)head->n_offsets);
    for (size_t i = 0; i < head->n_offsets; i++) {
        const struct ed_offset *o = &head->offsets[i];
        ed_pack_str(out, o->topic, strlen(o->topic));
        ed_pack_u32(out, (uint32_t)o->partition);
        ed_pack_i64(out, o->next);
    }
}

static void fixed_read(struct ed_unpack *u, struct ed_head *head)
{
    struct ed_mark *mark = &head->mark;
    mark->epoch = ed_unpack_u64(u);
    mark->fingerprint = ed_unpack_u64(u);
    mark->hash = ed_unpack_u64(u);
    mark->documents = ed_unpack_u64(u);
    mark->stream_ms = ed_unpack_i64(u);
    mark->change_position = ed_unpack_u64(u);
    mark->change_index = ed_unpack_u32(u);
    mark->ended = ed_unpack_u32(u);
    mark->tally.assigned = ed_unpack_u64(u);
    mark->tally.founded = ed_unpack_u64(u);
    mark->tally.filtered = ed_unpack_u64(u);
    mark->tally.dead = ed_unpack_u64(u);
    head->owner = ed_unpack_u64(u);
    head->shard = (int32_t)ed_unpack_u32(u);
    head->n_shards = (int32_t)ed_unpack_u32(u);
    head->state_next = ed_unpack_i64(u);
}

/* A name that is one: no 0 in it. Fails the reader else. */
static eddy_str name_read(struct ed_unpack *u)
{
    eddy_str name = ed_unpack_str(u);
    if (name.n && memchr(name.at, 0, name.n))
        u->failed = 1;
    return name;
}

static eddy_status offsets_read(struct ed_unpack *u, struct ed_head *head, eddy_error *err)
{
    size_t n = ed_unpack_u32(u);
    if (n > (size_t)(u->end - u->at) / OFFSET_BYTES_MIN)
        u->failed = 1;
    for (size_t i = 0; i < n && !u->failed; i++) {
        eddy_str topic = name_read(u);
        int32_t partition = (int32_t)ed_unpack_u32(u);
        int64_t next = ed_unpack_i64(u);
        if (partition < 0 || next < 0)
            u->failed = 1;
        if (!u->failed && !offset_add(head, topic.at, topic.n, partition, next))
            return eddy_fail_nomem(err, "head", topic.n);
    }
    return EDDY_OK;
}

static eddy_status rest_read(struct ed_unpack *u, struct ed_head *head, eddy_error *err)
{
    fixed_read(u, head);
    eddy_str pipeline = name_read(u);
    uint32_t n = ed_unpack_u32(u); /* an older eddy may have fewer topics */
    if (n > ED_TOPICS)
        u->failed = 1;
    for (uint32_t t = 0; t < n && !u->failed; t++)
        head->written[t] = ed_unpack_u64(u);
    if (!u->failed) {
        head->pipeline.at = ed_strndup(pipeline.at, pipeline.n);
        if (!head->pipeline.at)
            return eddy_fail_nomem(err, "head", pipeline.n);
        head->pipeline.n = pipeline.n;
    }
    eddy_status st = offsets_read(u, head, err);
    if (st == EDDY_OK && !ed_unpack_done(u))
        st = eddy_fail(err, EDDY_FORMAT, "the head of the state is damaged");
    return st;
}

eddy_status ed_head_read(eddy_str bytes, struct ed_head *ret, eddy_error *err)
{
    struct ed_unpack u = ed_unpack_of(bytes);
    const char *start = ed_unpack_bytes(&u, sizeof magic);
    uint32_t version = ed_unpack_u32(&u);
    if (u.failed || memcmp(start, magic, sizeof magic) != 0 || !version)
        return eddy_fail(err, EDDY_FORMAT, "this is not the head of a state");
    if (version > ED_HEAD_VERSION)
        return eddy_fail(err, EDDY_FORMAT,
                         "the head of the state is of version %u, this eddy reads up to %d: "
                         "a newer eddy wrote it",
                         version, ED_HEAD_VERSION);
    eddy_status st = rest_read(&u, ret, err);
    if (st != EDDY_OK)
        ed_head_clear(ret);
    return st;
}
