/* Front: one joiner for all inputs; a layout, a clock and the lines that wait for each. */
#include "pipeline/front.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/pack.h"
#include "base/table.h"

#include <string.h>

#define RECORD_VERSION 1
#define HELD_BYTES     ((size_t)1 << 20) /* lines with so many bytes are enough to learn from */
#define LINE_BYTES     ((size_t)1 << 30) /* the ceiling of one line, taken apart */

/* A line that waits for a layout. */
struct held {
    char *bytes; /* (n) */
    size_t n;
    uint64_t key;
    int64_t offset, broker_ms, arrival_ms;
};

/* A line that is in no batch. The times are those that it was read and joined with: after a
 * restart it is once more. */
struct waiting {
    uint64_t stream; /* of the lines that its record may take */
    int64_t offset;
    int64_t before_ms; /* that the line with a time before it had; INT64_MIN: there was none */
    int64_t stream_ms;
};

/* One partition of a topic, or one file. */
struct input {
    char *topic;
    int32_t partition;
    eddy_layout *layout; /* of the lines below `from`; NULL: there are none */
    int64_t from; /* lines from here on (n_held) wait for a layout; INT64_MAX: there is one */
    eddy_layout_fit fit;
    struct held *held;
    size_t n_held, room_held, held_bytes;
    struct waiting *waiting; /* (n_waiting) by offset; those that are held come behind them */
    size_t n_waiting, room_waiting;
    int64_t next; /* behind the last line that was taken; -1: none was */
    int changed;  /* 1: since the last batch went on */

    /* After a restart: below resumed, only these lines were in no record, and from left_at on they
     * have not come again. */
    int64_t resumed;
    struct waiting *left; /* (n_left) by offset; they have no stream */
    size_t n_left, left_at;
    int64_t time_ms; /* that the last line with a time had; INT64_MIN: none had */
};

struct ed_front {
    struct input *inputs;
    size_t n, room;
    struct ed_table places; /* of inputs, by key_of_input */
    size_t flushing;        /* inputs before this one are flushed */
    eddy_joiner *joiner;
    eddy_arena *arena;            /* for one line */
    const eddy_log_record *ready; /* taken from the joiner, and in no batch yet */
    int64_t stream_ms;            /* the greatest time of all inputs */
};

eddy_status ed_front_new(struct ed_front **ret, eddy_error *err)
{
    struct ed_front *front = ed_alloc_zero(1, sizeof *front);
    if (!front)
        return eddy_fail_nomem(err, "front", sizeof *front);
    front->stream_ms = INT64_MIN;
    ed_table_init(&front->places);
    front->joiner = eddy_joiner_new();
    front->arena = eddy_arena_new(LINE_BYTES);
    if (!front->joiner || !front->arena) {
        ed_front_free(front);
        return eddy_fail_nomem(err, "front", 0);
    }
    *ret = front;
    return EDDY_OK;
}

static void held_clear(struct input *in)
{
    for (size_t i = 0; i < in->n_held; i++)
        ed_free(in->held[i].bytes);
    in->n_held = in->held_bytes = 0;
}

void ed_front_free(struct ed_front *front)
{
    if (!front)
        return;
    for (size_t i = 0; i < front->n; i++) {
        struct input *in = &front->inputs[i];
        held_clear(in);
        ed_free(in->held);
        ed_free(in->waiting);
        ed_free(in->left);
        ed_free(in->topic);
        eddy_layout_free(in->layout);
    }
    ed_free(front->inputs);
    ed_table_clear(&front->places);
    eddy_joiner_free(front->joiner);
    eddy_arena_free(front->arena);
    ed_free(front);
}

/* ---- inputs ---- */

/* What its record is known by: it does for the input too. */
static uint64_t key_of_input(eddy_str topic, int32_t partition)
{
    uint64_t key = ed_fnv1a(ED_FNV_BASIS, topic.at, topic.n);
    key = ed_mix64(key ^ (uint64_t)(uint32_t)partition) >> 8;
    return (uint64_t)ED_FRONT_KIND << 56 | key;
}

/* NULL: no memory. */
static struct input *input_of(struct ed_front *front, eddy_str topic, int32_t partition)
{
    uint64_t key = key_of_input(topic, partition);
    const uint64_t *at = ed_table_find(&front->places, key);
    if (at)
        return &front->inputs[*at];
    struct input *list = ed_list_room(front->inputs, front->n, &front->room, sizeof *front->inputs);
    if (!list)
        return NULL;
    front->inputs = list;
    char *name = ed_strndup(topic.at, topic.n);
    if (!name || !ed_table_put(&front->places, key, front->n)) {
        ed_free(name);
        return NULL;
    }
    struct input *in = &front->inputs[front->n++];
    *in = (struct input){.topic = name,
                         .partition = partition,
                         .from = INT64_MIN,
                         .next = -1,
                         .resumed = INT64_MIN,
                         .time_ms = INT64_MIN};
    return in;
}

/* ---- lines ---- */

/* The joiner knows an input by its place. */
static int32_t place_of(const struct ed_front *front, const struct input *in)
{
    return (int32_t)(in - front->inputs);
}

static uint64_t stream_of(uint64_t key, eddy_str stream)
{
    return stream.n ? ed_fnv1a(key ^ ED_FNV_BASIS, stream.at, stream.n) : key;
}

static eddy_status wait_add(struct input *in, const struct waiting *line, eddy_error *err)
{
    struct waiting *list =
        ed_list_room(in->waiting, in->n_waiting, &in->room_waiting, sizeof *in->waiting);
    if (!list)
        return eddy_fail_nomem(err, "front", in->n_waiting * sizeof *list);
    in->waiting = list;
    list[in->n_waiting++] = *line;
    return EDDY_OK;
}

/* The first n lines of a stream are in a batch: its records come in order. */
static void wait_end(struct input *in, uint64_t stream, uint32_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < in->n_waiting; i++)
        if (n && in->waiting[i].stream == stream)
            n--;
        else
            in->waiting[kept++] = in->waiting[i];
    in->n_waiting = kept;
}

/* Take a line apart: the layout is known. One without a time of its own has the broker's, or that
 * of the line before it: what a file holds is not of today. */
static eddy_status line_read(struct ed_front *front, const struct input *in,
                             const struct held *held, int64_t before_ms, int64_t ahead_ms,
                             eddy_log_line *ret, eddy_error *err)
{
    int64_t near_ms = held->broker_ms >= 0     ? held->broker_ms
                      : before_ms != INT64_MIN ? before_ms
                                               : held->arrival_ms;
    eddy_arena_reset(front->arena);
    eddy_status st =
        eddy_layout_read(in->layout, (eddy_str){held->bytes, held->n}, near_ms, front->arena, ret);
    if (st != EDDY_OK)
        return eddy_fail_nomem(err, "line", held->n);
    if (ret->has_time && ahead_ms > 0 && held->broker_ms >= 0 &&
        ret->time_ms - ahead_ms > held->broker_ms) {
        ret->has_time = 0; /* from the future */
        ret->time_unreadable = 1;
    }
    if (!ret->has_time)
        ret->time_ms = near_ms;
    return EDDY_OK;
}

/* To the joiner. */
static eddy_status line_join(struct ed_front *front, struct input *in, const struct held *held,
                             const eddy_log_line *line, int64_t before_ms, int64_t stream_ms,
                             eddy_error *err)
{
    const struct waiting waiting = {stream_of(held->key, line->stream), held->offset, before_ms,
                                    stream_ms};
    eddy_status st = eddy_joiner_add(front->joiner, place_of(front, in), held->key, held->offset,
                                     line, stream_ms, err);
    return st == EDDY_OK ? wait_add(in, &waiting, err) : st;
}

/* A line that was in no batch yet: time passes with it, and it fits the layout or not. */
static eddy_status line_take(struct ed_front *front, struct input *in, const struct held *held,
                             int64_t ahead_ms, eddy_error *err)
{
    eddy_log_line line;
    int64_t before_ms = in->time_ms;
    eddy_status st = line_read(front, in, held, before_ms, ahead_ms, &line, err);
    if (st != EDDY_OK)
        return st;
    if (line.has_time)
        in->time_ms = line.time_ms;
    if (line.starts && line.time_ms > front->stream_ms)
        front->stream_ms = line.time_ms;
    if (front->stream_ms != INT64_MIN)
        eddy_joiner_time(front->joiner, front->stream_ms);
    st = line_join(front, in, held, &line, before_ms, front->stream_ms, err);
    if (st == EDDY_OK && !eddy_layout_fits(&in->fit, &line))
        in->from = held->offset + 1;
    return st;
}

/* A line that was taken before a restart, and waited: all but the joiner knows of it. That had
 * completed records which no batch had room for, and does so again in the same order. */
static eddy_status line_again(struct ed_front *front, struct input *in, const struct held *held,
                              const struct waiting *left, int64_t ahead_ms, eddy_error *err)
{
    eddy_log_line line;
    eddy_status st = line_read(front, in, held, left->before_ms, ahead_ms, &line, err);
    if (left->stream_ms != INT64_MIN)
        eddy_joiner_time(front->joiner, left->stream_ms);
    return st == EDDY_OK ? line_join(front, in, held, &line, left->before_ms, left->stream_ms, err)
                         : st;
}

static eddy_status line_hold(struct input *in, const struct held *line, eddy_error *err)
{
    struct held *list = ed_list_room(in->held, in->n_held, &in->room_held, sizeof *in->held);
    char *copy = list ? ed_strndup(line->bytes, line->n) : NULL;
    if (list)
        in->held = list;
    if (!copy)
        return eddy_fail_nomem(err, "line", line->n);
    in->held[in->n_held] = *line;
    in->held[in->n_held++].bytes = copy;
    in->held_bytes += line->n;
    return EDDY_OK;
}

/* Lines before the first that has a time are of that time. */
static eddy_status time_begin(struct ed_front *front, struct input *in, int64_t ahead_ms,
                              eddy_error *err)
{
    eddy_status st = EDDY_OK;
    eddy_log_line line;
    for (size_t i = 0; i < in->n_held && in->time_ms == INT64_MIN && st == EDDY_OK; i++) {
        st = line_read(front, in, &in->held[i], INT64_MIN, ahead_ms, &line, err);
        if (st == EDDY_OK && line.has_time)
            in->time_ms = line.time_ms;
    }
    return st;
}

/* Learn a layout from the lines that wait for it, and go on with them. Should it fit so few of
 * them that it is given up at once, the rest waits for the next. */
static eddy_status learn(struct ed_front *front, struct input *in, int64_t ahead_ms,
                         eddy_error *err)
{
    eddy_str *lines = ed_alloc_zero(in->n_held, sizeof *lines);
    if (!lines)
        return eddy_fail_nomem(err, "layout", in->n_held * sizeof *lines);
    for (size_t i = 0; i < in->n_held; i++)
        lines[i] = (eddy_str){in->held[i].bytes, in->held[i].n};
    eddy_layout *layout = NULL;
    eddy_status st = eddy_layout_learn(lines, in->n_held, &layout, err);
    ed_free(lines);
    if (st != EDDY_OK)
        return st;
    eddy_layout_free(in->layout);
    in->layout = layout;
    in->fit = (eddy_layout_fit){0};
    in->from = INT64_MAX;
    st = time_begin(front, in, ahead_ms, err);
    size_t done = 0;
    for (; done < in->n_held && in->held[done].offset < in->from && st == EDDY_OK; done++) {
        st = line_take(front, in, &in->held[done], ahead_ms, err);
        ed_free(in->held[done].bytes);
        in->held_bytes -= in->held[done].n;
    }
    in->n_held -= done;
    memmove(in->held, in->held + done, in->n_held * sizeof *in->held);
    return st;
}

static uint64_t key_of(const eddy_raw *raw)
{
    return raw->n_key ? ed_mix64(ed_fnv1a(ED_FNV_BASIS, raw->key, raw->n_key)) : 0;
}

/* 1: the line was in a batch before the restart. *left: it was not, but it had been taken. */
static int was_given(struct input *in, int64_t offset, const struct waiting **left)
{
    *left = NULL;
    if (offset >= in->resumed)
        return 0;
    if (offset < (in->n_left ? in->left[0].offset : in->resumed)) {
        in->n_left = in->left_at = 0; /* the input begins anew: all of it is */
        in->resumed = INT64_MIN;
        return 0;
    }
    while (in->left_at < in->n_left && in->left[in->left_at].offset < offset)
        in->left_at++; /* it is no longer there */
    if (in->left_at == in->n_left || in->left[in->left_at].offset > offset)
        return 1;
    *left = &in->left[in->left_at++];
    return 0;
}

eddy_status ed_front_take(struct ed_front *front, const eddy_parser *parser, const eddy_raw *raw,
                          int64_t ahead_ms, struct ed_batch *batch, eddy_error *err)
{
    const eddy_position *at = &raw->position;
    struct input *in = input_of(front, (eddy_str){at->topic, strlen(at->topic)}, at->partition);
    const struct waiting *left;
    if (!in)
        return eddy_fail_nomem(err, "front", sizeof *in);
    if (was_given(in, at->offset, &left))
        return EDDY_OK;
    eddy_doc doc;
    eddy_reject reject;
    char detail[256] = "";
    eddy_status st =
        eddy_parser_parse(parser, raw, front->arena, &doc, &reject, detail, sizeof detail, err);
    if (st != EDDY_OK)
        return st;
    in->next = at->offset < in->resumed ? in->resumed : at->offset + 1;
    in->changed = 1;
    if (reject != EDDY_ACCEPTED) { /* it is no line */
        st = ed_batch_add(batch, raw, err);
        return st == EDDY_OK ? ed_batch_reject(batch, batch->n - 1, reject, detail, err) : st;
    }
    struct held line = {(char *)(uintptr_t)doc.text.at,
                        doc.text.n,
                        key_of(raw),
                        at->offset,
                        raw->broker_ms,
                        raw->arrival_ms};
    if (at->offset < in->from)
        return left ? line_again(front, in, &line, left, ahead_ms, err)
                    : line_take(front, in, &line, ahead_ms, err);
    st = line_hold(in, &line, err);
    if (st == EDDY_OK && (in->n_held == EDDY_LAYOUT_LINES || in->held_bytes >= HELD_BYTES))
        st = learn(front, in, ahead_ms, err);
    return st;
}

eddy_status ed_front_flush(struct ed_front *front, int64_t ahead_ms, int *ret, eddy_error *err)
{
    *ret = 1;
    for (; front->flushing < front->n; front->flushing++)
        if (front->inputs[front->flushing].n_held)
            return learn(front, &front->inputs[front->flushing], ahead_ms, err);
    front->flushing = 0;
    eddy_joiner_flush(front->joiner);
    *ret = 0;
    return EDDY_OK;
}

int ed_front_waits(const struct ed_front *front)
{
    for (size_t i = 0; i < front->n; i++)
        if (front->inputs[i].n_waiting || front->inputs[i].n_held)
            return 1;
    return 0;
}

/* ---- records to items ---- */

static int copy(eddy_arena *arena, eddy_str *s)
{
    if (s->n)
        *s = ed_arena_str(arena, s->at, s->n);
    return !s->n || s->at;
}

static eddy_status record_put(struct ed_front *front, struct ed_batch *batch, eddy_error *err)
{
    const eddy_log_record *r = front->ready;
    struct input *in = &front->inputs[r->partition];
    struct ed_log_item *log = ed_arena_alloc_zero(batch->arena, 1, sizeof *log);
    if (!log)
        return eddy_fail_nomem(err, "batch", sizeof *log);
    *log = (struct ed_log_item){.message = r->message,
                                .component = r->line.component,
                                .level = r->line.level,
                                .n_exceptions = r->n_exceptions};
    eddy_str host = r->line.host, raw = r->raw; /* a dead letter has the lines as they came */
    int whole = copy(batch->arena, &log->message) && copy(batch->arena, &log->component) &&
                copy(batch->arena, &host) && copy(batch->arena, &raw);
    if (r->n_exceptions && whole) {
        size_t n = r->n_exceptions * sizeof *log->exceptions;
        log->exceptions = ed_arena_alloc(batch->arena, n);
        if ((whole = log->exceptions != NULL))
            memcpy(log->exceptions, r->exceptions, n);
        for (size_t i = 0; i < r->n_exceptions && whole; i++)
            whole = copy(batch->arena, &log->exceptions[i]);
    }
    if (!whole)
        return eddy_fail_nomem(err, "batch", r->raw.n);
    struct ed_item *item = &batch->items[batch->n++];
    const eddy_position at = {in->topic, in->partition, r->first};
    *item = (struct ed_item){
        .raw = {.bytes = raw.at, .n = raw.n, .broker_ms = -1, .position = at},
        .doc = {.text = log->message,
                .source = host,
                .time_ms = r->line.time_ms,
                .time_from = r->line.has_time ? EDDY_TIME_DOCUMENT : EDDY_TIME_ARRIVAL,
                .time_unreadable = r->line.time_unreadable,
                .position = at},
        .filtered = r->continues, /* the rest of what was too long, or began before the input */
        .log = log};
    wait_end(in, stream_of(r->key, r->line.stream), r->n_lines);
    in->changed = 1;
    front->ready = NULL;
    return EDDY_OK;
}

eddy_status ed_front_give(struct ed_front *front, struct ed_batch *batch, size_t max_bytes,
                          int *ret, eddy_error *err)
{
    *ret = 0;
    for (;;) {
        if (!front->ready)
            front->ready = eddy_joiner_next(front->joiner);
        if (!front->ready)
            return EDDY_OK;
        if (batch->n == batch->room || eddy_arena_used(batch->arena) >= max_bytes) {
            *ret = 1;
            return EDDY_OK;
        }
        eddy_status st = record_put(front, batch, err);
        if (st != EDDY_OK)
            return st;
    }
}

/* ---- what a restart must know ---- */

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The lowest offset that is in no batch. */
static int64_t unanswered(const struct input *in)
{
    int64_t ret = in->next;
    ret = in->n_waiting ? lower(ret, in->waiting[0].offset) : ret;
    ret = in->n_held ? lower(ret, in->held[0].offset) : ret;
    return in->left_at < in->n_left ? lower(ret, in->left[in->left_at].offset) : ret;
}

static void waiting_pack(struct ed_bytes *b, int64_t offset, int64_t before_ms, int64_t stream_ms)
{
    ed_pack_i64(b, offset);
    ed_pack_i64(b, before_ms);
    ed_pack_i64(b, stream_ms);
}

static eddy_status record_write(const struct ed_front *front, const struct input *in,
                                eddy_arena *arena, eddy_record *ret, eddy_error *err)
{
    struct ed_bytes b;
    eddy_str layout = {NULL, 0};
    eddy_status st = in->layout ? eddy_layout_save(in->layout, arena, &layout, err) : EDDY_OK;
    if (st != EDDY_OK)
        return st;
    ed_bytes_init(&b, 0);
    ed_pack_u8(&b, RECORD_VERSION);
    ed_pack_str(&b, in->topic, strlen(in->topic));
    ed_pack_u32(&b, (uint32_t)in->partition);
    ed_pack_i64(&b, in->time_ms);
    ed_pack_i64(&b, front->stream_ms);
    ed_pack_u32(&b, in->fit.lines);
    ed_pack_u32(&b, in->fit.misses);
    ed_pack_str(&b, layout.at, layout.n);
    ed_pack_i64(&b, in->from);
    ed_pack_i64(&b, in->next);
    for (size_t i = 0; i < in->n_waiting; i++)
        waiting_pack(&b, in->waiting[i].offset, in->waiting[i].before_ms, in->waiting[i].stream_ms);
    for (size_t i = 0; i < in->n_held; i++)
        waiting_pack(&b, in->held[i].offset, INT64_MIN, INT64_MIN);
    for (size_t i = in->left_at; i < in->n_left; i++)
        waiting_pack(&b, in->left[i].offset, in->left[i].before_ms, in->left[i].stream_ms);
    ret->key = key_of_input((eddy_str){in->topic, strlen(in->topic)}, in->partition);
    ret->value = b.failed ? (eddy_str){NULL, 0} : ed_arena_str(arena, b.at, b.n);
    ed_bytes_clear(&b);
    return ret->value.at ? EDDY_OK : eddy_fail_nomem(err, "front", layout.n);
}

eddy_status ed_front_close(struct ed_front *front, struct ed_batch *batch, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    batch->fronts = ed_arena_alloc(batch->arena, (front->n + 1) * sizeof *batch->fronts);
    batch->n_fronts = 0;
    if (!batch->fronts)
        return eddy_fail_nomem(err, "batch", front->n * sizeof *batch->fronts);
    for (size_t i = 0; i < front->n && st == EDDY_OK; i++) {
        struct input *in = &front->inputs[i];
        if (!in->changed)
            continue;
        in->changed = 0;
        st = ed_epoch_answered(&batch->epoch, in->topic, in->partition, unanswered(in), err);
        if (st == EDDY_OK)
            st = record_write(front, in, batch->arena, &batch->fronts[batch->n_fronts++], err);
    }
    return st;
}

/* The lines that waited, to the end of the record. NULL: no memory, or they are not in order. */
static struct waiting *left_read(struct ed_unpack *u, size_t *n_ret)
{
    size_t n = u->failed ? 0 : (size_t)(u->end - u->at) / (3 * sizeof(int64_t));
    struct waiting *left = ed_alloc_zero(n + 1, sizeof *left);
    for (size_t i = 0; i < n && left; i++) {
        left[i].offset = ed_unpack_i64(u);
        left[i].before_ms = ed_unpack_i64(u);
        left[i].stream_ms = ed_unpack_i64(u);
        u->failed |= i && left[i].offset <= left[i - 1].offset;
    }
    *n_ret = n;
    return left;
}

eddy_status ed_front_load(struct ed_front *front, const eddy_record *record, eddy_error *err)
{
    struct ed_unpack u = ed_unpack_of(record->value);
    int version = ed_unpack_u8(&u);
    eddy_str topic = ed_unpack_str(&u);
    int32_t partition = (int32_t)ed_unpack_u32(&u);
    int64_t time_ms = ed_unpack_i64(&u), stream_ms = ed_unpack_i64(&u);
    eddy_layout_fit fit = {.lines = ed_unpack_u32(&u)};
    fit.misses = ed_unpack_u32(&u);
    eddy_str bytes = ed_unpack_str(&u);
    int64_t from = ed_unpack_i64(&u), resumed = ed_unpack_i64(&u);
    eddy_layout *layout = NULL;
    size_t n_left = 0;
    struct waiting *left = left_read(&u, &n_left);
    eddy_status st = left ? EDDY_OK : eddy_fail_nomem(err, "front", 0);
    if (left && (!ed_unpack_done(&u) || version != RECORD_VERSION || !topic.n ||
                 (!bytes.n && from != INT64_MIN)))
        st = eddy_fail(err, EDDY_FORMAT, "state: the record of a log's input is of another form");
    if (st == EDDY_OK && bytes.n)
        st = eddy_layout_load(bytes, &layout, err);
    struct input *in = st == EDDY_OK ? input_of(front, topic, partition) : NULL;
    if (st == EDDY_OK && !in)
        st = eddy_fail_nomem(err, "front", sizeof *in);
    if (st != EDDY_OK) {
        eddy_layout_free(layout);
        ed_free(left);
        return st;
    }
    eddy_layout_free(in->layout);
    ed_free(in->left);
    in->layout = layout;
    in->from = from;
    in->left = left;
    in->n_left = n_left;
    in->left_at = 0;
    in->resumed = in->next = resumed;
    in->fit = fit;
    in->time_ms = time_ms;
    front->stream_ms = stream_ms > front->stream_ms ? stream_ms : front->stream_ms;
    return EDDY_OK;
}
