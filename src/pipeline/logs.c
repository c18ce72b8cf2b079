/* Logs: the templates' own records, the front's, and one for the counts of the open minute. */
#include "pipeline/logs.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/pack.h"

#include <string.h>

#define MINER_KIND     64
#define SLOTS_MAX      (1u << 21) /* more than the miner gives */
#define COUNTS_VERSION 1
#define SCRATCH_BYTES  ((size_t)1 << 30)

eddy_status ed_logs_new(struct ed_logs **ret, eddy_error *err)
{
    eddy_miner_options options;
    struct ed_logs *logs = ed_alloc_zero(1, sizeof *logs);
    if (!logs)
        return eddy_fail_nomem(err, "logs", sizeof *logs);
    logs->stream_ms = INT64_MIN;
    ed_table_init(&logs->front_at);
    eddy_miner_options_init(&options);
    eddy_status st = eddy_miner_new(&options, &logs->miner, err);
    if (st == EDDY_OK)
        st = ed_front_new(&logs->front, err);
    logs->scratch = eddy_arena_new(SCRATCH_BYTES);
    if (st == EDDY_OK && !logs->scratch)
        st = eddy_fail_nomem(err, "logs", 0);
    if (st != EDDY_OK) {
        ed_logs_free(logs);
        return st;
    }
    *ret = logs;
    return EDDY_OK;
}

void ed_logs_free(struct ed_logs *logs)
{
    if (!logs)
        return;
    eddy_miner_free(logs->miner);
    ed_front_free(logs->front);
    for (size_t i = 0; i < logs->n_fronts; i++)
        ed_free(logs->fronts[i].at);
    ed_free(logs->fronts);
    ed_table_clear(&logs->front_at);
    ed_free(logs->loaded.at);
    ed_free(logs->slots);
    ed_free(logs->pending);
    ed_free(logs->counted);
    ed_free(logs->founded);
    eddy_arena_free(logs->scratch);
    ed_free(logs);
}

/* ---- slots ---- */

struct ed_log_slot *ed_logs_slot(struct ed_logs *logs, uint32_t slot, uint64_t id)
{
    while (logs->n_slots <= slot) {
        struct ed_log_slot *list =
            ed_list_room(logs->slots, logs->n_slots, &logs->room_slots, sizeof *logs->slots);
        if (!list)
            return NULL;
        logs->slots = list;
        logs->slots[logs->n_slots++] = (struct ed_log_slot){0};
    }
    struct ed_log_slot *at = &logs->slots[slot];
    if (at->id != id)
        *at = (struct ed_log_slot){.id = id};
    return at;
}

eddy_status ed_logs_note(uint32_t **list, size_t *n, size_t *room, uint32_t slot, eddy_error *err)
{
    uint32_t *more = ed_list_room(*list, *n, room, sizeof **list);
    if (!more)
        return eddy_fail_nomem(err, "logs", *n * sizeof **list);
    *list = more;
    more[(*n)++] = slot;
    return EDDY_OK;
}

/* ---- where a template comes from ---- */

/* s behind what is there, as far as there is room; whole characters. */
static uint8_t put(char *at, size_t used, size_t room, eddy_str s)
{
    size_t n = s.n < room - used ? s.n : room - used;
    while (n && n < s.n && ((unsigned char)s.at[n] & 0xc0) == 0x80)
        n--;
    if (n)
        memcpy(at + used, s.at, n);
    return (uint8_t)(used + n);
}

eddy_status ed_logs_origin(struct ed_logs *logs, uint32_t slot, const struct ed_log_item *log,
                           eddy_error *err)
{
    struct ed_log_slot *s = &logs->slots[slot];
    s->level = log->level;
    s->n_component = put(s->component, 0, ED_COMPONENT_KEPT, log->component);
    for (size_t i = 0; i < log->n_exceptions; i++) {
        if (i)
            s->n_raised = put(s->raised, s->n_raised, ED_RAISED_KEPT, (eddy_str){", ", 2});
        s->n_raised = put(s->raised, s->n_raised, ED_RAISED_KEPT, log->exceptions[i]);
    }
    return ed_logs_note(&logs->founded, &logs->n_founded, &logs->room_founded, slot, err);
}

void ed_logs_uncount(struct ed_logs *logs, uint32_t slot)
{
    size_t kept = 0;
    for (size_t i = 0; i < logs->n_counted; i++)
        if (logs->counted[i] != slot)
            logs->counted[kept++] = logs->counted[i];
    logs->n_counted = kept;
    logs->slots[slot].minute = 0;
}

eddy_status ed_logs_merge(struct ed_logs *logs, uint32_t slot, uint32_t into, eddy_error *err)
{
    struct ed_log_slot *from = &logs->slots[slot], *to = &logs->slots[into];
    eddy_status st = EDDY_OK;
    to->lines += from->lines;
    if (from->minute && !to->minute)
        st = ed_logs_note(&logs->counted, &logs->n_counted, &logs->room_counted, into, err);
    to->minute += from->minute;
    if (from->minute)
        ed_logs_uncount(logs, slot);
    if (to->group || !from->group || st != EDDY_OK)
        return st;
    to->group = from->group;
    return eddy_miner_value_set(logs->miner, to->id, to->group, err);
}

eddy_status ed_logs_end(struct ed_logs *logs, uint32_t slot, eddy_error *err)
{
    ed_logs_uncount(logs, slot);
    logs->slots[slot] = (struct ed_log_slot){0};
    return ed_logs_note(&logs->founded, &logs->n_founded, &logs->room_founded, slot, err);
}

static eddy_status origin_write(const struct ed_logs *logs, uint32_t slot, eddy_arena *arena,
                                eddy_record *ret, eddy_error *err)
{
    const struct ed_log_slot *s = &logs->slots[slot];
    struct ed_bytes b;
    ret->key = (uint64_t)ED_ORIGIN_KIND << 56 | slot;
    ret->value = (eddy_str){NULL, 0};
    if (!s->id)
        return EDDY_OK; /* it has faded */
    ed_bytes_init(&b, 0);
    ed_pack_u64(&b, s->id);
    ed_pack_u8(&b, (uint8_t)s->level);
    ed_pack_str(&b, s->component, s->n_component);
    ed_pack_str(&b, s->raised, s->n_raised);
    ret->value = b.failed ? (eddy_str){NULL, 0} : ed_arena_str(arena, b.at, b.n);
    ed_bytes_clear(&b);
    return ret->value.at ? EDDY_OK : eddy_fail_nomem(err, "logs", 0);
}

/* Before the templates are there: whose origin it is is kept, and looked at then. */
static eddy_status origin_read(struct ed_logs *logs, const eddy_record *record, eddy_error *err)
{
    if (!record->value.at) { /* it has faded */
        if ((uint32_t)record->key < logs->n_slots)
            logs->slots[(uint32_t)record->key] = (struct ed_log_slot){0};
        return EDDY_OK;
    }
    struct ed_unpack u = ed_unpack_of(record->value);
    uint64_t id = ed_unpack_u64(&u);
    unsigned level = ed_unpack_u8(&u);
    eddy_str component = ed_unpack_str(&u), raised = ed_unpack_str(&u);
    uint64_t slot = record->key & UINT32_MAX;
    if (!ed_unpack_done(&u) || level >= EDDY_LEVELS || component.n > ED_COMPONENT_KEPT ||
        raised.n > ED_RAISED_KEPT || slot >= SLOTS_MAX || !id)
        return eddy_fail(err, EDDY_FORMAT, "state: the origin of a template is of another form");
    struct ed_log_slot *s = ed_logs_slot(logs, (uint32_t)slot, id);
    if (!s)
        return eddy_fail_nomem(err, "logs", sizeof *s);
    s->level = (eddy_level)level;
    s->n_component = put(s->component, 0, ED_COMPONENT_KEPT, component);
    s->n_raised = put(s->raised, 0, ED_RAISED_KEPT, raised);
    return EDDY_OK;
}

/* ---- the counts of the open minute ---- */

static eddy_status counts_write(const struct ed_logs *logs, eddy_arena *arena, eddy_record *ret,
                                eddy_error *err)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_pack_u8(&b, COUNTS_VERSION);
    ed_pack_i64(&b, logs->stream_ms);
    for (size_t i = 0; i < logs->n_counted; i++) {
        const struct ed_log_slot *slot = &logs->slots[logs->counted[i]];
        ed_pack_u32(&b, logs->counted[i]);
        ed_pack_u64(&b, slot->id);
        ed_pack_u64(&b, slot->minute);
    }
    ret->key = (uint64_t)ED_COUNTS_KIND << 56;
    ret->value = b.failed ? (eddy_str){NULL, 0} : ed_arena_str(arena, b.at, b.n);
    ed_bytes_clear(&b);
    return ret->value.at ? EDDY_OK : eddy_fail_nomem(err, "logs", 0);
}

static eddy_status counts_read(struct ed_logs *logs, eddy_str value, eddy_error *err)
{
    struct ed_unpack u = ed_unpack_of(value);
    int version = ed_unpack_u8(&u);
    logs->stream_ms = ed_unpack_i64(&u);
    while (u.at < u.end && !u.failed) {
        uint32_t s = ed_unpack_u32(&u);
        uint64_t id = ed_unpack_u64(&u), minute = ed_unpack_u64(&u);
        if (s >= logs->n_slots || logs->slots[s].id != id || !id || logs->slots[s].minute)
            u.failed = 1;
        if (u.failed)
            break;
        logs->slots[s].minute = minute;
        eddy_status st =
            ed_logs_note(&logs->counted, &logs->n_counted, &logs->room_counted, s, err);
        if (st != EDDY_OK)
            return st;
    }
    if (u.failed || version != COUNTS_VERSION)
        return eddy_fail(err, EDDY_FORMAT, "state: the counts of a log are of another form");
    return EDDY_OK;
}

/* ---- what the reader said of its inputs ---- */

static eddy_status front_keep(struct ed_logs *logs, const eddy_record *record, eddy_error *err)
{
    const uint64_t *place = ed_table_find(&logs->front_at, record->key);
    char *copy = ed_strndup(record->value.at, record->value.n);
    if (!copy)
        return eddy_fail_nomem(err, "logs", record->value.n);
    if (!place) {
        size_t n = logs->n_fronts;
        struct ed_log_front *list =
            ed_list_room(logs->fronts, n, &logs->room_fronts, sizeof *logs->fronts);
        logs->fronts = list ? list : logs->fronts;
        place = list ? ed_table_put(&logs->front_at, record->key, n) : NULL;
        if (!place) {
            ed_free(copy);
            return eddy_fail_nomem(err, "logs", n * sizeof *list);
        }
        logs->fronts[logs->n_fronts++] = (struct ed_log_front){.key = record->key};
    }
    struct ed_log_front *front = &logs->fronts[*place];
    ed_free(front->at);
    *front = (struct ed_log_front){front->key, copy, record->value.n, 0};
    return EDDY_OK;
}

/* Those that are new, and those that are wanted again, behind (*n) others; in the arena. */
static eddy_status fronts_record(struct ed_logs *logs, struct ed_batch *batch, eddy_record *ret,
                                 size_t *n, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < batch->n_fronts && st == EDDY_OK; i++) {
        ret[(*n)++] = batch->fronts[i];
        st = front_keep(logs, &batch->fronts[i], err);
    }
    for (size_t i = 0; i < logs->n_fronts && st == EDDY_OK; i++) {
        struct ed_log_front *front = &logs->fronts[i];
        if (!front->renew)
            continue;
        front->renew = 0;
        eddy_str value = ed_arena_str(batch->arena, front->at, front->n);
        if (!value.at)
            return eddy_fail_nomem(err, "logs", front->n);
        ret[(*n)++] = (eddy_record){front->key, value};
    }
    return st;
}

/* ---- records ---- */

eddy_status ed_logs_renew(struct ed_logs *logs, uint64_t key, eddy_error *err)
{
    const uint64_t *front = ed_table_find(&logs->front_at, key);
    switch (key >> 56) {
    case ED_FRONT_KIND:
        if (front)
            logs->fronts[*front].renew = 1;
        return EDDY_OK;
    case ED_COUNTS_KIND: logs->counts_changed = 1; return EDDY_OK;
    case ED_ORIGIN_KIND:
        if ((uint32_t)key >= logs->n_slots)
            return EDDY_OK;
        return ed_logs_note(&logs->founded, &logs->n_founded, &logs->room_founded, (uint32_t)key,
                            err);
    default: eddy_miner_renew(logs->miner, key); return EDDY_OK;
    }
}

int ed_logs_owns(uint64_t key)
{
    return key >> 56 >= MINER_KIND && key >> 56 <= ED_ORIGIN_KIND;
}

eddy_status ed_logs_load(struct ed_logs *logs, const eddy_record *record, eddy_error *err)
{
    uint64_t kind = record->key >> 56;
    if (kind == ED_FRONT_KIND) {
        eddy_status st = front_keep(logs, record, err);
        return st == EDDY_OK ? ed_front_load(logs->front, record, err) : st;
    }
    if (kind == ED_ORIGIN_KIND)
        return origin_read(logs, record, err);
    if (kind != ED_COUNTS_KIND)
        return eddy_miner_load(logs->miner, record, err);
    ed_free(logs->loaded.at);
    logs->loaded =
        (struct ed_logs_loaded){ed_strndup(record->value.at, record->value.n), record->value.n};
    return logs->loaded.at ? EDDY_OK : eddy_fail_nomem(err, "logs", record->value.n);
}

/* The slots are the miner's: what each template says, those that were merged too. */
eddy_status ed_logs_loaded(struct ed_logs *logs, eddy_error *err)
{
    eddy_miner_stats stats;
    eddy_status st = eddy_miner_loaded(logs->miner, err);
    uint64_t n = 0;
    for (size_t i = 0; i < logs->n_slots && st == EDDY_OK; i++) {
        struct ed_log_slot *slot = &logs->slots[i];
        eddy_template t;
        eddy_error why = {0};
        if (!slot->id)
            continue;
        eddy_arena_reset(logs->scratch);
        st = eddy_miner_template(logs->miner, slot->id, logs->scratch, &t, &why);
        if (st == EDDY_NOMEM) {
            *err = why;
        } else if (st != EDDY_OK || t.slot != i) { /* it was merged, and then dropped */
            *slot = (struct ed_log_slot){0};
            st = EDDY_OK;
        } else {
            slot->group = t.value;
            slot->lines = t.count;
            n += !t.merged_into;
        }
    }
    eddy_miner_stats_read(logs->miner, &stats);
    if (st == EDDY_OK && n != stats.templates)
        st = eddy_fail(err, EDDY_FORMAT, "state: origins of templates are missing");
    if (st == EDDY_OK && logs->loaded.at)
        st = counts_read(logs, (eddy_str){logs->loaded.at, logs->loaded.n}, err);
    return st;
}

uint64_t ed_logs_state(const eddy_clusterer *cl, const struct ed_logs *logs)
{
    uint64_t hash = eddy_clusterer_hash(cl);
    return logs ? ed_mix64(hash ^ ed_mix64(eddy_miner_hash(logs->miner))) : hash;
}

eddy_status ed_logs_records(struct ed_logs *logs, struct ed_batch *batch, const eddy_record **ret,
                            size_t *n_ret, eddy_error *err)
{
    const eddy_record *mined = NULL;
    size_t n_mined = 0;
    eddy_status st = eddy_miner_records(logs->miner, batch->arena, &mined, &n_mined, err);
    if (st != EDDY_OK)
        return st;
    size_t n = *n_ret + n_mined + batch->n_fronts + logs->n_fronts + logs->n_founded, i = 0;
    eddy_record *all = ed_arena_alloc(batch->arena, (n + 1) * sizeof *all);
    if (!all)
        return eddy_fail_nomem(err, "logs", n * sizeof *all);
    const struct {
        const eddy_record *at;
        size_t n;
    } lists[] = {{*ret, *n_ret}, {mined, n_mined}};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; i += lists[k++].n)
        if (lists[k].n)
            memcpy(all + i, lists[k].at, lists[k].n * sizeof *all);
    st = fronts_record(logs, batch, all, &i, err);
    for (size_t k = 0; k < logs->n_founded && st == EDDY_OK; k++)
        st = origin_write(logs, logs->founded[k], batch->arena, &all[i++], err);
    logs->n_founded = 0;
    if (st == EDDY_OK && logs->counts_changed) {
        st = counts_write(logs, batch->arena, &all[i++], err);
        logs->counts_changed = 0;
    }
    *ret = all;
    *n_ret = i;
    return st;
}
