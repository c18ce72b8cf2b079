/* The joiner: lines in, records out.
 *
 * Each stream of lines (a partition, a key, a service of compose) has at most one record that is
 * not complete. It grows until a line begins the next one, until its limits, or until stream time
 * has passed it; then it goes to the end of a queue. Pending records stand in a list by the time of
 * their last line, so that those which waited long enough are found at its head.
 *
 * What a line is was decided when it was read, but for one thing. Where nothing has a header, a
 * line such as "java.io.IOException: no" is a message of its own, or the first line of the stack
 * trace of what was logged just before it. The line that follows tells: so it is held apart until
 * then, behind the pending record.
 *
 * Beside its text a record keeps its lines as they were given, for whoever cannot use it. */
#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"
#include "parse/layout.h"
#include "parse/level.h"
#include "parse/trace.h"

#include <string.h>

#define PENDING_MAX 1024
#define READY_MAX   4096
#define KEEP_BYTES  4096 /* a spare buffer that is larger is given back */
#define KEEP_ITEMS  256

/* Strings of the first line, one behind the other; the message last, so that it can grow. */
enum { COMPONENT, HOST, PID, STREAM, MESSAGE, STRINGS };

struct item {
    struct ed_bytes raw, text, strings;
    size_t ends[STRINGS]; /* in strings */
    size_t first_n;       /* bytes of the first line's text */
    eddy_log_line line;   /* of the first line; its strings are void */
    uint64_t stream;      /* key in the table */
    uint64_t key;
    int32_t partition;
    int64_t first, last, last_ms;
    uint32_t n_lines;
    enum ed_trace trace; /* the trace that is under way, or NONE */
    int open;            /* the last line was cut by the runtime */
    int continues;
    struct item *held;        /* a line that may be the first of this record's trace */
    struct item *prev, *next; /* of the list or queue that it stands in */
};

struct list {
    struct item *first, *last;
    size_t n;
};

struct eddy_joiner {
    struct list pending, ready;
    struct item *spare; /* by next */
    size_t n_spare;
    struct item *given; /* what eddy_joiner_next gave last */
    struct ed_table streams;
    eddy_log_record record;
};

/* ---- lists and items ---- */

static void list_add(struct list *list, struct item *item)
{
    item->prev = list->last;
    item->next = NULL;
    *(list->last ? &list->last->next : &list->first) = item;
    list->last = item;
    list->n++;
}

static void list_remove(struct list *list, struct item *item)
{
    *(item->prev ? &item->prev->next : &list->first) = item->next;
    *(item->next ? &item->next->prev : &list->last) = item->prev;
    list->n--;
}

static void item_free(struct item *item)
{
    if (!item)
        return;
    item_free(item->held);
    ed_bytes_clear(&item->raw);
    ed_bytes_clear(&item->text);
    ed_bytes_clear(&item->strings);
    ed_free(item);
}

static void list_free(struct item *item)
{
    while (item) {
        struct item *next = item->next;
        item_free(item);
        item = next;
    }
}

static void buffer_empty(struct ed_bytes *b)
{
    if (b->room > KEEP_BYTES)
        ed_bytes_clear(b);
    else
        ed_bytes_empty(b);
}

static void spare_add(eddy_joiner *joiner, struct item *item)
{
    if (joiner->n_spare == KEEP_ITEMS) {
        item_free(item);
        return;
    }
    joiner->n_spare++;
    buffer_empty(&item->raw);
    buffer_empty(&item->text);
    buffer_empty(&item->strings);
    item->held = NULL;
    item->next = joiner->spare;
    joiner->spare = item;
}

/* An empty one; NULL: no memory. */
static struct item *item_new(eddy_joiner *joiner)
{
    struct item *item = joiner->spare;
    if (item) {
        joiner->spare = item->next;
        joiner->n_spare--;
        return item;
    }
    item = ed_alloc_zero(1, sizeof *item);
    if (item) {
        ed_bytes_init(&item->raw, 0);
        ed_bytes_init(&item->text, 0);
        ed_bytes_init(&item->strings, 0);
    }
    return item;
}

eddy_joiner *eddy_joiner_new(void)
{
    eddy_joiner *joiner = ed_alloc_zero(1, sizeof *joiner);
    if (joiner)
        ed_table_init(&joiner->streams);
    return joiner;
}

void eddy_joiner_free(eddy_joiner *joiner)
{
    if (!joiner)
        return;
    list_free(joiner->pending.first);
    list_free(joiner->ready.first);
    list_free(joiner->spare);
    item_free(joiner->given);
    ed_table_clear(&joiner->streams);
    ed_free(joiner);
}

static eddy_str string_of(const struct item *item, int which)
{
    size_t from = which ? item->ends[which - 1] : 0;
    return (eddy_str){item->strings.at + from, item->ends[which] - from};
}

/* ---- one line ---- */

struct adding {
    eddy_joiner *joiner;
    const eddy_log_line *line;
    uint64_t stream, key;
    int64_t offset, now_ms;
    int32_t partition;
};

/* A record that the line begins, in no list yet; NULL: no memory. */
static struct item *item_begin(const struct adding *a)
{
    eddy_joiner *joiner = a->joiner;
    const eddy_log_line *line = a->line;
    const eddy_str strings[STRINGS] = {[COMPONENT] = line->component,
                                       [HOST] = line->host,
                                       [PID] = line->pid,
                                       [STREAM] = line->stream,
                                       [MESSAGE] = line->message};
    struct item *item = item_new(joiner);
    if (!item)
        return NULL;
    ed_bytes_add(&item->raw, line->raw.n ? line->raw.at : "", line->raw.n);
    ed_bytes_add(&item->text, line->text.n ? line->text.at : "", line->text.n);
    if (line->more.n) {
        ed_bytes_add(&item->text, "\n", 1);
        ed_bytes_add(&item->text, line->more.at, line->more.n);
    }
    for (int i = 0; i < STRINGS; i++) {
        ed_bytes_add(&item->strings, strings[i].n ? strings[i].at : "", strings[i].n);
        item->ends[i] = item->strings.n;
    }
    if (item->raw.failed || item->text.failed || item->strings.failed) {
        spare_add(joiner, item);
        return NULL;
    }
    item->first_n = line->text.n;
    item->line = *line;
    item->stream = a->stream;
    item->key = a->key;
    item->partition = a->partition;
    item->first = item->last = a->offset;
    item->last_ms = a->now_ms;
    item->n_lines = 1;
    item->trace = ED_TRACE_NONE;
    item->open = line->partial;
    item->continues = !line->starts;
    return item;
}

/* The trace that is under way after a line of this kind. */
static enum ed_trace trace_after(enum ed_trace before, enum ed_trace kind)
{
    switch (kind) {
    case ED_TRACE_JAVA:
    case ED_TRACE_PYTHON:
    case ED_TRACE_GO: return kind;
    case ED_TRACE_RAISED:
    case ED_TRACE_NAMED: return ED_TRACE_NONE; /* ends it */
    default: return before;
    }
}

/* The header stood on a line of its own, and text is the line behind it: the message, which may
 * bring the level ("INFO: started"). */
static eddy_str message_of(eddy_str text, eddy_level *level)
{
    eddy_str message = ed_trimmed(text);
    const char *colon = memchr(message.at, ':', message.n < 14 ? message.n : 14);
    *level = colon ? ed_level_word(message.at, (size_t)(colon - message.at)) : EDDY_LEVEL_UNKNOWN;
    if (*level == EDDY_LEVEL_UNKNOWN)
        return message;
    return ed_trimmed((eddy_str){colon + 1, (size_t)(message.at + message.n - colon - 1)});
}

/* Add text to the item, a newline before it unless it goes on within a line, and the lines that it
 * was in. 0: no memory, and nothing changed. */
static int item_append(struct item *item, eddy_str text, eddy_str raw)
{
    size_t n = item->text.n, m = item->strings.n, n_raw = item->raw.n;
    int cut = item->open && n == item->first_n, alone = !item->open && m == item->ends[STREAM];
    eddy_level level = EDDY_LEVEL_UNKNOWN;
    eddy_str more = alone && text.n ? message_of(text, &level) : text;
    ed_bytes_add(&item->raw, "\n", 1);
    ed_bytes_add(&item->raw, raw.n ? raw.at : "", raw.n);
    if (!item->open)
        ed_bytes_add(&item->text, "\n", 1);
    ed_bytes_add(&item->text, text.n ? text.at : "", text.n);
    if (cut || alone)
        ed_bytes_add(&item->strings, more.n ? more.at : "", more.n);
    if (item->raw.failed || item->text.failed || item->strings.failed) {
        item->raw.failed = item->text.failed = item->strings.failed = 0;
        item->raw.n = n_raw;
        item->text.n = n;
        item->strings.n = m;
        return 0;
    }
    if (cut || (alone && more.n)) {
        item->first_n = item->text.n;
        item->ends[MESSAGE] = item->strings.n;
    }
    if (item->line.level == EDDY_LEVEL_UNKNOWN)
        item->line.level = level;
    return 1;
}

/* The line goes to the end of this pending record. 0: no memory. */
static int line_append(const struct adding *a, struct item *item, enum ed_trace kind)
{
    if (!item_append(item, a->line->text, a->line->raw))
        return 0;
    item->trace = trace_after(item->trace, kind);
    item->open = a->line->partial;
    item->last = a->offset;
    item->last_ms = a->now_ms;
    item->n_lines++;
    return 1;
}

/* ---- complete ---- */

/* The record leaves its stream; what is held behind it is a record of its own. */
static void complete(eddy_joiner *joiner, struct item *item)
{
    struct item *held = item->held;
    list_remove(&joiner->pending, item);
    list_add(&joiner->ready, item);
    ed_table_remove(&joiner->streams, item->stream);
    item->held = NULL;
    if (held)
        list_add(&joiner->ready, held);
}

/* What is held turned out to be a record of its own: it takes the place of the one before it. */
static struct item *release(eddy_joiner *joiner, struct item *item)
{
    struct item *held = item->held;
    list_remove(&joiner->pending, item);
    list_add(&joiner->ready, item);
    list_add(&joiner->pending, held);
    *ed_table_find(&joiner->streams, item->stream) = (uint64_t)(uintptr_t)held;
    item->held = NULL;
    return held;
}

/* Begin a record with the line, in the place of before (or NULL). */
static int begin(const struct adding *a, struct item *before, enum ed_trace kind)
{
    eddy_joiner *joiner = a->joiner;
    struct item *item = item_begin(a);
    uint64_t *place = item ? ed_table_put(&joiner->streams, a->stream, 0) : NULL;
    if (!place) {
        if (item)
            spare_add(joiner, item);
        return 0;
    }
    item->trace = trace_after(before && item->continues ? before->trace : ED_TRACE_NONE, kind);
    if (before) {
        list_remove(&joiner->pending, before);
        list_add(&joiner->ready, before);
    } else if (joiner->pending.n == PENDING_MAX) {
        complete(joiner, joiner->pending.first);
        place = ed_table_find(&joiner->streams, a->stream);
    }
    *place = (uint64_t)(uintptr_t)item;
    list_add(&joiner->pending, item);
    return 1;
}

/* ---- the public face ---- */

static int is_same(eddy_str a, eddy_str b)
{
    return a.n == b.n && (!a.n || memcmp(a.at, b.at, a.n) == 0);
}

/* Syslog, which puts its header before each line of a trace, mixes the lines of many programs. */
static int is_of_another(const struct item *item, const eddy_log_line *line)
{
    return (line->component.n || line->pid.n) &&
           (!is_same(string_of(item, COMPONENT), line->component) ||
            !is_same(string_of(item, PID), line->pid));
}

static int continues(const struct item *item, const eddy_log_line *line, enum ed_trace kind)
{
    if (is_of_another(item, line))
        return 0;
    return !line->starts ||
           (kind >= ED_TRACE_RAISED && kind <= ED_TRACE_NAMED && item->trace == ED_TRACE_PYTHON) ||
           (kind == ED_TRACE_CALL && item->trace == ED_TRACE_GO);
}

/* For one more line. */
static int has_room(const struct item *item, size_t n_text, size_t n_raw)
{
    return item->n_lines < EDDY_RECORD_LINES && item->text.n + 1 + n_text <= EDDY_RECORD_BYTES &&
           item->raw.n + 1 + n_raw <= EDDY_RECORD_RAW_BYTES;
}

/* Into the pending record of its stream, or the next one. 0: no memory. */
static int line_add(const struct adding *a, struct item *item, enum ed_trace kind)
{
    eddy_joiner *joiner = a->joiner;
    struct item *held = item->held;
    if (held && !a->line->starts && kind == ED_TRACE_JAVA && !is_of_another(item, a->line) &&
        has_room(item, held->text.n, held->raw.n)) {
        if (!item_append(item, (eddy_str){held->text.at, held->text.n},
                         (eddy_str){held->raw.at, held->raw.n}))
            return 0;
        item->n_lines++;
        item->last = held->last;
        item->trace = kind;
        item->held = NULL;
        spare_add(joiner, held);
    } else if (held) {
        item = release(joiner, item);
    }
    if (item->open || continues(item, a->line, kind)) {
        if (has_room(item, a->line->text.n, a->line->raw.n)) {
            list_remove(&joiner->pending, item);
            list_add(&joiner->pending, item);
            return line_append(a, item, item->open ? ED_TRACE_NONE : kind);
        }
        return begin(a, item, kind) && (joiner->pending.last->continues = 1);
    }
    if (kind == ED_TRACE_RAISED && !a->line->partial && !is_of_another(item, a->line)) {
        item->held = item_begin(a);
        return item->held != NULL;
    }
    return begin(a, item, kind);
}

eddy_status eddy_joiner_add(eddy_joiner *joiner, int32_t partition, uint64_t key, int64_t offset,
                            const eddy_log_line *line, int64_t now_ms, eddy_error *err)
{
    if (joiner->ready.n > READY_MAX)
        return eddy_fail(err, EDDY_INVALID, "joiner: %zu records wait to be taken",
                         joiner->ready.n);
    uint64_t stream = ed_mix64(key ^ ed_mix64((uint64_t)(uint32_t)partition));
    if (line->stream.n)
        stream = ed_fnv1a(stream, line->stream.at, line->stream.n);
    stream += !stream; /* 0 is no key of a table */
    const struct adding a = {joiner, line, stream, key, offset, now_ms, partition};
    enum ed_trace kind = !line->starts || line->raises ? ed_trace_line(line->text) : ED_TRACE_NONE;
    uint64_t *place = ed_table_find(&joiner->streams, stream);
    int ok = place ? line_add(&a, (struct item *)(uintptr_t)*place, kind) : begin(&a, NULL, kind);
    return ok ? EDDY_OK : eddy_fail_nomem(err, "joiner", line->text.n);
}

void eddy_joiner_time(eddy_joiner *joiner, int64_t now_ms)
{
    while (joiner->pending.first && now_ms - joiner->pending.first->last_ms > EDDY_RECORD_WAIT_MS)
        complete(joiner, joiner->pending.first);
}

void eddy_joiner_flush(eddy_joiner *joiner)
{
    while (joiner->pending.first)
        complete(joiner, joiner->pending.first);
}

static void record_fill(eddy_log_record *record, const struct item *item)
{
    size_t rest = item->first_n + (item->text.n > item->first_n);
    record->line = item->line;
    record->line.component = string_of(item, COMPONENT);
    record->line.host = string_of(item, HOST);
    record->line.pid = string_of(item, PID);
    record->line.stream = string_of(item, STREAM);
    record->line.message = record->message = string_of(item, MESSAGE);
    record->raw = (eddy_str){item->raw.at, item->raw.n};
    record->line.raw = (eddy_str){item->raw.at, item->line.raw.n};
    record->text = (eddy_str){item->text.at, item->text.n};
    record->line.text = (eddy_str){item->text.at, item->first_n};
    record->rest = (eddy_str){item->text.at + rest, item->text.n - rest};
    record->line.more = (eddy_str){NULL, 0};
    record->partition = item->partition;
    record->key = item->key;
    record->first = item->first;
    record->last = item->last;
    record->n_lines = item->n_lines;
    record->continues = item->continues;
    record->n_exceptions = record->rest.n ? ed_trace_exceptions(record->rest, record->exceptions, 0,
                                                                EDDY_RECORD_EXCEPTIONS)
                                          : 0;
}

const eddy_log_record *eddy_joiner_next(eddy_joiner *joiner)
{
    if (joiner->given)
        spare_add(joiner, joiner->given);
    joiner->given = joiner->ready.first;
    if (!joiner->given)
        return NULL;
    list_remove(&joiner->ready, joiner->given);
    record_fill(&joiner->record, joiner->given);
    return &joiner->record;
}

static int64_t lowest(const struct item *item, int32_t partition, int64_t best)
{
    for (; item; item = item->next)
        if (item->partition == partition && (best < 0 || item->first < best))
            best = item->first;
    return best;
}

int64_t eddy_joiner_oldest(const eddy_joiner *joiner, int32_t partition)
{
    return lowest(joiner->ready.first, partition, lowest(joiner->pending.first, partition, -1));
}
