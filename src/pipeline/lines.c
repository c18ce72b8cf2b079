/* Lines: the engine's thread, where the documents are records of a log. A record is first one of
 * its template; the template's first record is a document of the clusterer, and all that follow are
 * sightings of it, which cost a look-up and a counter.
 *
 * Sightings are told to the clusterer when it makes a difference: before the next document, at the
 * border of a minute, and at the end of a batch. Whatever the batches, what comes out is the same.
 */
#include "pipeline/inside.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/vector.h"

#include <string.h>

/* ---- what the clusterer is told ---- */

/* What a call of the clusterer changed, if anything. */
static eddy_status news(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    const eddy_change *changes;
    const eddy_event *pictures;
    const eddy_topic *topics;
    const eddy_clusterer *cl = pl->options.clusterer;
    if (eddy_clusterer_changes(cl, &changes) || eddy_clusterer_pictures(cl, &pictures) ||
        eddy_clusterer_topic_pictures(cl, &topics))
        return ed_answers_news(pl, batch, err);
    return EDDY_OK;
}

/* *gone 1: the event of this group has faded meanwhile. */
static eddy_status seen(struct ed_pipeline *pl, struct ed_batch *batch, uint64_t group, uint64_t n,
                        int64_t time_ms, int *gone, eddy_error *err)
{
    eddy_error why = {0};
    eddy_status st = eddy_clusterer_seen(pl->options.clusterer, group, n, time_ms, &why);
    *gone = st == EDDY_INVALID;
    if (*gone)
        return EDDY_OK;
    if (st != EDDY_OK) {
        *err = why;
        return st;
    }
    return news(pl, batch, err);
}

eddy_status ed_lines_flush(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    eddy_status st = EDDY_OK;
    int gone;
    for (size_t i = 0; i < logs->n_pending && st == EDDY_OK; i++) {
        struct ed_log_slot *slot = &logs->slots[logs->pending[i]];
        if (slot->seen)
            st = seen(pl, batch, slot->group, slot->seen, slot->seen_ms, &gone, err);
        slot->seen = 0;
    }
    logs->n_pending = 0;
    return st;
}

/* ---- minutes ---- */

static int64_t minute_of(int64_t ms)
{
    return (ms >= 0 ? ms : ms - (ED_MINUTE_MS - 1)) / ED_MINUTE_MS;
}

/* What a template has of the open minute is final. */
static eddy_status count_tell(struct ed_pipeline *pl, struct ed_batch *batch,
                              struct ed_log_slot *slot, eddy_error *err)
{
    int64_t from_ms = minute_of(pl->options.logs->stream_ms) * ED_MINUTE_MS;
    const struct ed_count_told count = {
        .template = slot->id,
        .event = eddy_clusterer_group_event(pl->options.clusterer, slot->group, NULL),
        .lines = slot->minute,
        .from_ms = from_ms,
        .to_ms = from_ms + ED_MINUTE_MS};
    if (!slot->minute)
        return EDDY_OK;
    slot->minute = 0;
    pl->options.logs->counts_changed = 1;
    return ed_publish_count(&pl->options.publisher, &batch->epoch, &count, err);
}

/* The open minute has passed. */
static eddy_status counts_tell(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < logs->n_counted && st == EDDY_OK; i++)
        st = count_tell(pl, batch, &logs->slots[logs->counted[i]], err);
    logs->n_counted = 0;
    return st;
}

/* Stream time becomes that of a line. *passed 1: a minute ended by that. */
static eddy_status time_pass(struct ed_pipeline *pl, struct ed_batch *batch, int64_t time_ms,
                             int *passed, eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    *passed = logs->stream_ms == INT64_MIN || minute_of(time_ms) > minute_of(logs->stream_ms);
    eddy_status st = EDDY_OK;
    if (*passed && logs->stream_ms != INT64_MIN) {
        st = ed_lines_flush(pl, batch, err);
        if (st == EDDY_OK)
            st = counts_tell(pl, batch, err);
    }
    if (time_ms > logs->stream_ms) {
        logs->stream_ms = time_ms;
        logs->counts_changed = 1;
    }
    return st;
}

/* ---- templates ---- */

/* 1, 2, 5, 10, 20, 50 ... */
static int is_step(uint64_t n)
{
    while (n && n % 10 == 0)
        n /= 10;
    return n == 1 || n == 2 || n == 5;
}

static eddy_status template_tell(struct ed_pipeline *pl, struct ed_batch *batch, uint64_t id,
                                 const char *state, eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    eddy_template t;
    eddy_arena_reset(logs->scratch);
    eddy_status st = eddy_miner_template(logs->miner, id, logs->scratch, &t, err);
    if (st != EDDY_OK)
        return st;
    struct ed_log_slot *slot = ed_logs_slot(logs, t.slot, id);
    eddy_miner_stats stats;
    eddy_miner_stats_read(logs->miner, &stats);
    if (!slot)
        return eddy_fail_nomem(err, "logs", sizeof *slot);
    struct ed_template_told told = {.template = &t,
                                    .state = t.merged_into ? "merged" : state,
                                    .lines = slot->lines,
                                    .line = stats.lines,
                                    .level = slot->level,
                                    .component = {slot->component, slot->n_component},
                                    .exceptions = {slot->raised, slot->n_raised},
                                    .stream_ms = logs->stream_ms};
    told.event = eddy_clusterer_group_event(pl->options.clusterer, slot->group, &told.group);
    if (pl->options.on_template)
        pl->options.on_template(pl->options.watcher, &told);
    return ed_publish_template(&pl->options.publisher, &batch->epoch, &told, err);
}

/* It fades, with all that it had told. */
static eddy_status template_end(struct ed_pipeline *pl, struct ed_batch *batch, uint32_t slot,
                                eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    eddy_status st = ed_lines_flush(pl, batch, err);
    if (st == EDDY_OK)
        st = count_tell(pl, batch, &logs->slots[slot], err);
    return st == EDDY_OK ? ed_logs_end(logs, slot, err) : st;
}

/* What the last line changed among templates. */
static eddy_status changes_tell(struct ed_pipeline *pl, struct ed_batch *batch,
                                const struct ed_item *item, eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    const eddy_template_change *changes = NULL;
    eddy_status st = EDDY_OK;
    size_t n = eddy_miner_changes(logs->miner, &changes);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        const eddy_template_change *c = &changes[i];
        struct ed_log_slot *slot = ed_logs_slot(logs, c->slot, c->id);
        struct ed_log_slot *other =
            slot && c->other ? ed_logs_slot(logs, c->other_slot, c->other) : slot;
        slot = slot ? ed_logs_slot(logs, c->slot, c->id) : NULL; /* the list may have moved */
        if (!slot || !other)
            return eddy_fail_nomem(err, "logs", sizeof *slot);
        if (c->kind == EDDY_TEMPLATE_FOUNDED)
            st = ed_logs_origin(logs, c->slot, item->log, err);
        if (c->kind == EDDY_TEMPLATE_MERGED && (st = ed_lines_flush(pl, batch, err)) == EDDY_OK)
            st = ed_logs_merge(logs, c->slot, c->other_slot, err);
        uint64_t event = eddy_clusterer_group_event(pl->options.clusterer, slot->group, NULL);
        if (st != EDDY_OK)
            return st;
        st = ed_publish_template_change(&pl->options.publisher, &batch->epoch, c, i, event, err);
        if (st == EDDY_OK && pl->options.alerts)
            st = ed_alerts_template(pl->options.alerts, &pl->options.publisher, &batch->epoch, c,
                                    item->log->message, err);
        if (st == EDDY_OK && c->kind == EDDY_TEMPLATE_FADED)
            st = template_end(pl, batch, c->slot, err);
        else if (st == EDDY_OK && c->kind != EDDY_TEMPLATE_FOUNDED)
            st = template_tell(pl, batch, c->id, "active", err);
    }
    return st;
}

/* ---- a template's first line: a document ---- */

/* The message as people read a template before it has generalised, and its words alone. */
static eddy_status texts_make(struct ed_batch *batch, const struct ed_log_item *log, eddy_str *text,
                              eddy_str *words, eddy_error *err)
{
    const eddy_scan *scan = log->scan;
    struct ed_bytes shown, said;
    ed_bytes_init(&shown, 0);
    ed_bytes_init(&said, 0);
    size_t at = 0;
    for (size_t i = 0; i < scan->n_variables; i++) {
        const eddy_span *v = &scan->variables[i];
        ed_bytes_add(&shown, log->message.at + at, v->at - at);
        ed_bytes_add_str(&shown, "<*>");
        at = (size_t)v->at + v->n;
    }
    ed_bytes_add(&shown, log->message.at + at, log->message.n - at);
    for (size_t i = 0; i < scan->n; i++) {
        ed_bytes_add(&said, " ", said.n != 0);
        ed_bytes_add(&said, log->message.at + scan->words[i].at, scan->words[i].n);
    }
    for (size_t i = 0; i < log->n_exceptions; i++) {
        ed_bytes_add(&said, " ", said.n != 0);
        ed_bytes_add(&said, log->exceptions[i].at, log->exceptions[i].n);
    }
    const char *level = eddy_level_name(log->level);
    if (said.n && log->component.n) {
        ed_bytes_add(&said, " ", 1);
        ed_bytes_add(&said, log->component.at, log->component.n);
    }
    if (said.n && log->level != EDDY_LEVEL_UNKNOWN)
        ed_bytes_printf(&said, " %s", level);
    int failed = shown.failed || said.failed;
    *text = ed_arena_str(batch->arena, shown.n ? shown.at : "", shown.n);
    *words = said.n ? ed_arena_str(batch->arena, said.at, said.n) : log->message;
    ed_bytes_clear(&shown);
    ed_bytes_clear(&said);
    return !failed && text->at && words->at ? EDDY_OK
                                            : eddy_fail_nomem(err, "batch", log->message.n);
}

/* What says the opposite, or is no cause for alarm where the other is, is not the same event,
 * however alike its words are: failed and succeeded, info and error. */
static uint64_t kind_of(const struct ed_log_item *log)
{
    static const uint64_t levels = EDDY_POLAR_DEBUG | EDDY_POLAR_INFO | EDDY_POLAR_WARNING |
                                   EDDY_POLAR_ERROR | EDDY_POLAR_CRITICAL | EDDY_POLAR_FATAL;
    uint64_t said = log->scan->polar & ~levels;
    int alarming = log->level >= EDDY_LEVEL_WARN ||
                   (log->level == EDDY_LEVEL_UNKNOWN &&
                    (log->scan->polar & levels & ~(EDDY_POLAR_DEBUG | EDDY_POLAR_INFO)));
    return said || alarming ? ed_mix64(ed_mix64(said) + (uint64_t)alarming) : 0;
}

/* The row of a document for these words. */
static eddy_status row_make(struct ed_pipeline *pl, struct ed_batch *batch, struct ed_item *item,
                            eddy_row *ret, eddy_error *err)
{
    const eddy_embedder *embedder = pl->options.embedder;
    eddy_str text, words;
    eddy_status st = texts_make(batch, item->log, &text, &words, err);
    if (st == EDDY_OK)
        st = eddy_terms_read((eddy_str){NULL, 0}, words, batch->arena, &item->terms, &item->n_terms,
                             err);
    if (st == EDDY_OK && embedder) {
        float *row = ed_arena_alloc_aligned(batch->arena, pl->dim * sizeof *row);
        const char *refused = NULL;
        if (!row)
            return eddy_fail_nomem(err, "batch", pl->dim * sizeof *row);
        eddy_arena_reset(pl->options.logs->scratch);
        st = ed_pipeline_embed(pl, &refused, &words, 1, pl->options.logs->scratch, row, err);
        if (st == EDDY_OK && !refused && !ed_is_zero(row, pl->dim))
            item->doc.dense = row;
    }
    const eddy_position *from = &item->doc.position;
    *ret = (eddy_row){.dense = item->doc.dense,
                      .terms = item->terms,
                      .n_terms = item->n_terms,
                      .time_ms = item->doc.time_ms,
                      .id = ed_arena_printf(batch->arena, "%s-%ld-%lld", from->topic,
                                            (long)from->partition, (long long)from->offset),
                      .title = text,
                      .kind = kind_of(item->log)};
    return st == EDDY_OK && !ret->id.at ? eddy_fail_nomem(err, "batch", 0) : st;
}

/* *a stays empty where the line holds nothing that could be compared: it is a dead letter then. */
static eddy_status document_make(struct ed_pipeline *pl, struct ed_batch *batch,
                                 struct ed_item *item, eddy_assignment *a, eddy_error *err)
{
    eddy_row row;
    size_t go;
    eddy_error why = {0};
    eddy_status st = ed_lines_flush(pl, batch, err);
    if (st == EDDY_OK)
        st = ed_turns_documents(pl, batch, 1, &go, err);
    if (st == EDDY_OK)
        st = row_make(pl, batch, item, &row, err);
    if (st != EDDY_OK)
        return st;
    st = eddy_clusterer_assign(pl->options.clusterer, &row, 1, a, &why);
    if (st == EDDY_INVALID) {
        *a = (eddy_assignment){0};
        item->reject = EDDY_REJECT_TEXT;
        item->detail = "the line has no word and no vector";
        return EDDY_OK;
    }
    if (st != EDDY_OK) {
        *err = why;
        return st;
    }
    st = ed_answers_news(pl, batch, err);
    return st == EDDY_OK ? ed_turns_orders(pl, batch, err) : st;
}

/* ---- a line ---- */

/* Where the template's document is now; it is made where there is none (any more). */
static eddy_status place(struct ed_pipeline *pl, struct ed_batch *batch, struct ed_item *item,
                         const eddy_line_answer *line, int passed, eddy_assignment *ret,
                         eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    const eddy_clusterer *cl = pl->options.clusterer;
    struct ed_log_slot *slot = &logs->slots[line->slot];
    int gone = 1;
    eddy_status st = EDDY_OK;
    *ret = (eddy_assignment){0};
    if (slot->group && eddy_clusterer_group_event(cl, slot->group, NULL)) {
        gone = 0;
        if (passed) { /* time passes for all, before anything else is looked at */
            st = seen(pl, batch, slot->group, 1, item->doc.time_ms, &gone, err);
        } else {
            if (!slot->seen || item->doc.time_ms > slot->seen_ms)
                slot->seen_ms = item->doc.time_ms;
            if (!slot->seen++)
                st = ed_logs_note(&logs->pending, &logs->n_pending, &logs->room_pending, line->slot,
                                  err);
        }
    }
    if (!gone && st == EDDY_OK)
        ret->event = eddy_clusterer_group_event(cl, slot->group, &ret->group);
    if (ret->event || st != EDDY_OK)
        return st;
    st = document_make(pl, batch, item, ret, err);
    if (st != EDDY_OK || !ret->event)
        return st;
    slot->group = ret->group;
    return eddy_miner_value_set(logs->miner, line->id, ret->group, err);
}

static eddy_status line_tell(struct ed_pipeline *pl, struct ed_batch *batch, struct ed_item *item,
                             const eddy_line_answer *line, eddy_assignment *a, eddy_error *err)
{
    const struct ed_pipeline_options *o = &pl->options;
    struct ed_logs *logs = o->logs;
    struct ed_log_slot *slot = &logs->slots[line->slot];
    eddy_status st = EDDY_OK;
    atomic_fetch_add(a->founded ? &pl->founded : &pl->assigned, 1);
    if (o->on_assigned) {
        const eddy_position *from = &item->doc.position;
        item->doc.id = ed_arena_printf(batch->arena, "%s-%ld-%lld", from->topic,
                                       (long)from->partition, (long long)from->offset);
        a->position = UINT64_MAX; /* no document of its own */
        o->on_assigned(o->watcher, &item->doc, a);
    }
    if (o->lines == ED_LOGS_COUNTS) {
        logs->counts_changed = 1;
        if (!slot->minute++)
            st = ed_logs_note(&logs->counted, &logs->n_counted, &logs->room_counted, line->slot,
                              err);
    }
    if (o->lines != ED_LOGS_LINES)
        return st;
    const eddy_parameter *parameters = NULL;
    size_t n_parameters = 0;
    if (o->parameters && st == EDDY_OK)
        st = eddy_miner_parameters(logs->miner, line->id, item->log->message, batch->arena,
                                   &parameters, &n_parameters, err);
    if (st != EDDY_OK)
        return st;
    const struct ed_line_told told = {.doc = &item->doc,
                                      .event = a->event,
                                      .group = a->group,
                                      .template = line->id,
                                      .signature = line->signature,
                                      .founded = a->founded,
                                      .level = item->log->level,
                                      .component = item->log->component,
                                      .message = item->log->message,
                                      .parameters = parameters,
                                      .n_parameters = n_parameters};
    return ed_publish_line(&o->publisher, &batch->epoch, &told, err);
}

/* 1: by the last line others went into this template, whose text has become another by that. */
static int is_joined(const eddy_miner *miner, uint64_t id)
{
    const eddy_template_change *changes;
    size_t n = eddy_miner_changes(miner, &changes);
    for (size_t i = 0; i < n; i++)
        if (changes[i].kind == EDDY_TEMPLATE_MERGED && changes[i].other == id)
            return 1;
    return 0;
}

static eddy_status line_answer(struct ed_pipeline *pl, struct ed_batch *batch, struct ed_item *item,
                               eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    const eddy_line in = {item->log->scan, item->log->message, item->doc.time_ms};
    eddy_line_answer line;
    eddy_assignment a;
    int passed;
    eddy_status st = time_pass(pl, batch, item->doc.time_ms, &passed, err);
    if (st == EDDY_OK)
        st = eddy_miner_take(logs->miner, &in, 1, &line, err);
    if (st == EDDY_OK)
        st = changes_tell(pl, batch, item, err);
    if (st != EDDY_OK)
        return st;
    struct ed_log_slot *slot = ed_logs_slot(logs, line.slot, line.id);
    if (!slot)
        return eddy_fail_nomem(err, "logs", sizeof *slot);
    slot->lines++;
    st = place(pl, batch, item, &line, passed, &a, err);
    if (st != EDDY_OK || item->reject != EDDY_ACCEPTED)
        return st;
    st = line_tell(pl, batch, item, &line, &a, err);
    return st == EDDY_OK && (is_step(slot->lines) || is_joined(logs->miner, line.id))
               ? template_tell(pl, batch, line.id, "active", err)
               : st;
}

eddy_status ed_lines_answer(struct ed_pipeline *pl, struct ed_batch *batch,
                            struct ed_item *const *items, size_t n, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = line_answer(pl, batch, items[i], err);
    return st == EDDY_OK ? ed_lines_flush(pl, batch, err) : st;
}

/* The last counts, and each template as it is in the end. */
eddy_status ed_lines_end(struct ed_pipeline *pl, struct ed_batch *batch, eddy_error *err)
{
    struct ed_logs *logs = pl->options.logs;
    const uint64_t *ids = NULL;
    size_t n = 0;
    eddy_status st = logs->stream_ms == INT64_MIN ? EDDY_OK : counts_tell(pl, batch, err);
    if (st == EDDY_OK)
        st = eddy_miner_templates(logs->miner, batch->arena, &ids, &n, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = template_tell(pl, batch, ids[i], "active", err);
    return st;
}
