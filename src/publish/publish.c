/* Messages: one writer for each kind, and what they share.
 *
 * A message is written into bytes of its own and then copied into the epoch's arena at its exact
 * size, with its headers. It joins the epoch as the last step, so that nothing half-written is
 * ever in there. */
#include "publish/pieces.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/utf8.h"

#include <string.h>

eddy_status ed_publish_seal(const struct ed_publisher *p, struct ed_epoch *epoch,
                            const struct envelope *e, struct ed_bytes *json, eddy_error *err)
{
    enum { N = 7 };
    eddy_arena *arena = epoch->arena;
    size_t n = json->n;
    eddy_str value = json->failed ? (eddy_str){NULL, 0} : ed_arena_str(arena, json->at, n);
    ed_bytes_clear(json);

    char when[ED_TIME_TEXT];
    ed_time_text(e->time_ms, when);
    eddy_str time = ed_arena_str(arena, when, ED_TIME_TEXT - 1);
    size_t n_pipeline = strlen(p->pipeline);
    char *source = ed_arena_alloc(arena, 5 + n_pipeline + 1);
    eddy_header *headers = ed_arena_alloc(arena, N * sizeof *headers);
    if (!value.at || !time.at || !source || !headers || !e->key.at || !e->id.at || !e->type.at)
        return no_room(err, n);
    append(source + append(source, "eddy/", 5), p->pipeline, n_pipeline + 1);

    const eddy_header all[N] = {
        {"ce_specversion", LITERAL("1.0")},
        {"ce_id", e->id},
        {"ce_source", {source, 5 + n_pipeline}},
        {"ce_type", e->type},
        {"ce_subject", e->key},
        {"ce_time", time},
        {"content-type", LITERAL("application/json")},
    };
    memcpy(headers, all, sizeof all);

    struct ed_message *m = ed_epoch_add(epoch);
    if (!m)
        return no_room(err, sizeof *m);
    *m = (struct ed_message){.topic = e->topic,
                             .key = e->key,
                             .value = value,
                             .headers = headers,
                             .n_headers = N,
                             .time_ms = e->time_ms};
    return EDDY_OK;
}

/* ---- assignments ---- */

eddy_status ed_publish_seal_from(const struct ed_publisher *p, struct ed_epoch *epoch,
                                 const struct envelope *e, const eddy_doc *doc,
                                 struct ed_bytes *json, eddy_error *err)
{
    eddy_str from = {doc->position.topic, strlen(doc->position.topic)};
    if (doc->source.n)
        from = ed_arena_str(epoch->arena, doc->source.at, doc->source.n);
    eddy_status st = ed_publish_seal(p, epoch, e, json, err);
    if (st == EDDY_OK)
        epoch->messages[epoch->n_messages - 1].source = from; /* without memory: nobody */
    return st;
}

static void put_memberships(const struct ed_publisher *p, struct ed_bytes *b,
                            const eddy_assignment *a)
{
    ed_json_key(b, "memberships");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < a->n_memberships && i < EDDY_MEMBERSHIPS; i++) {
        ed_json_open(b, '{');
        put_id(p, b, "event", "E", a->memberships[i].event);
        put_number(b, "weight", (double)a->memberships[i].weight);
        ed_json_close(b, '}');
    }
    ed_json_close(b, ']');
}

static void put_similarity(struct ed_bytes *b, const char *key, float similarity, int known)
{
    ed_json_key(b, key);
    if (known)
        ed_json_number(b, (double)similarity);
    else
        ed_json_null(b);
}

eddy_status ed_publish_assignment(const struct ed_publisher *p, struct ed_epoch *epoch,
                                  const eddy_doc *doc, const eddy_assignment *a, eddy_error *err)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_text(&b, "id", doc->id);
    put_id(p, &b, "event", "E", a->event);
    put_id(p, &b, "group", "G", a->group);
    ed_json_key(&b, "founded");
    ed_json_bool(&b, a->founded);
    put_similarity(&b, "similarity", a->similarity, !a->founded);
    put_number(&b, "threshold", (double)a->threshold);
    put_id(p, &b, "runner_up", "E", a->runner_up);
    put_similarity(&b, "runner_up_similarity", a->runner_up_similarity, a->runner_up != 0);
    put_number(&b, "confidence", (double)a->confidence);
    put_memberships(p, &b, a);
    ed_json_key(&b, "position");
    ed_json_unsigned(&b, a->position);
    put_time(&b, "time", doc->time_ms);
    put_source(&b, &doc->position);
    ed_json_close(&b, '}');

    const eddy_position *from = &doc->position;
    struct envelope e = {.topic = ED_ASSIGNMENTS,
                         .key = ed_arena_str(epoch->arena, doc->id.at, doc->id.n),
                         .id = joined(epoch->arena, from->topic, "-", (uint64_t)from->partition,
                                      "-", (uint64_t)from->offset),
                         .type = LITERAL("eddy.assignment"),
                         .time_ms = doc->time_ms};
    return ed_publish_seal_from(p, epoch, &e, doc, &b, err);
}

/* ---- changes ---- */

/* Which fields say something. */
static int has_other(const eddy_change *c)
{
    return c->kind == EDDY_MERGED || c->kind == EDDY_SPLIT || c->kind == EDDY_MOVED || c->other;
}

static int has_evidence(const eddy_change *c)
{
    return c->kind == EDDY_MERGED || c->kind == EDDY_SPLIT || c->kind == EDDY_MOVED ||
           c->kind == EDDY_FOLDED || c->kind == EDDY_DRIFTED || c->kind == EDDY_LINKED ||
           c->kind == EDDY_REASSIGNED;
}

/* A signal: since when, and how much came where how much is usual. A trend is of a level, in an
 * hour. */
static void put_signal(const struct ed_publisher *p, struct ed_bytes *b, const eddy_change *c)
{
    if (c->kind < EDDY_BURST)
        return;
    put_time(b, "start", c->start_ms);
    put_number(b, "observed", c->observed);
    put_number(b, "expected", c->expected);
    if (c->kind == EDDY_BURST || c->kind == EDDY_TREND)
        put_number(b, "lift", c->observed / c->expected);
    if (c->kind == EDDY_TREND) {
        ed_json_key(b, "direction");
        ed_json_text(b, c->observed > c->expected ? "up" : "down",
                     c->observed > c->expected ? 2 : 4);
    }
    if (c->kind == EDDY_BURST || c->kind == EDDY_QUIET)
        put_number(b, "statistic", c->statistic);
    if (c->incident)
        put_id(p, b, "incident", "I", c->incident);
}

static void put_change(const struct ed_publisher *p, struct ed_bytes *b, const eddy_change *c)
{
    const char *kind = eddy_change_name(c->kind);
    ed_json_key(b, "kind");
    ed_json_text(b, kind, strlen(kind));
    put_whose(p, b, "event", c->event);
    if (has_other(c))
        put_id(p, b, "other", "E", c->other);
    if (c->group)
        put_id(p, b, "group", "G", c->group);
    if (c->into_group)
        put_id(p, b, "into_group", "G", c->into_group);
    if (c->document_id.at) {
        put_text(b, "document", c->document_id);
        ed_json_key(b, "document_position");
        ed_json_unsigned(b, c->document);
    }
    ed_json_key(b, "position");
    ed_json_unsigned(b, c->position);
    put_time(b, "time", c->time_ms);
    put_number(b, "size_before", c->size_before);
    put_number(b, "size_after", c->size_after);
    if (has_other(c)) {
        put_number(b, "other_before", c->other_before);
        put_number(b, "other_after", c->other_after);
    }
    if (has_evidence(c)) {
        put_number(b, "similarity", (double)c->similarity);
        put_number(b, "threshold", (double)c->threshold);
    }
    if (c->kind == EDDY_LINKED)
        put_number(b, "strength", c->strength);
    put_signal(p, b, c);
    put_actor(b, "actor", c->actor);
    if (c->operation) {
        ed_json_key(b, "operation");
        ed_json_unsigned(b, number_of(p, c->operation));
    }
    if (c->undone) {
        ed_json_key(b, "undone");
        ed_json_unsigned(b, number_of(p, c->undone));
    }
    if (c->evidence.at)
        put_text(b, "evidence", c->evidence);
}

eddy_status ed_publish_change(struct ed_publisher *p, struct ed_epoch *epoch,
                              const eddy_change *change, eddy_error *err)
{
    uint32_t index = change->position == p->change_position ? p->change_index : 0;
    const char *of = p->n_shards > 1
                         ? ed_arena_printf(epoch->arena, "%s.%u", p->pipeline, p->shard).at
                         : p->pipeline;
    if (!of)
        return no_room(err, 0);
    eddy_str id = joined(epoch->arena, of, "-", change->position, "-", index);
    if (!id.at)
        return no_room(err, 0);
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_text(&b, "id", id);
    put_change(p, &b, change);
    ed_json_close(&b, '}');

    struct envelope e = {
        .topic = ED_CHANGES,
        .key = id_of(p, epoch->arena, change->event),
        .id = id,
        .type = ed_arena_printf(epoch->arena, "eddy.change.%s", eddy_change_name(change->kind)),
        .time_ms = change->time_ms};
    eddy_status st = ed_publish_seal(p, epoch, &e, &b, err);
    if (st == EDDY_OK) {
        p->change_position = change->position;
        p->change_index = index + 1;
    }
    return st;
}

/* ---- events ---- */

static const char *state_name(eddy_event_state state)
{
    switch (state) {
    case EDDY_ACTIVE: return "active";
    case EDDY_STATE_FADED: return "faded";
    case EDDY_STATE_MERGED: return "merged";
    }
    return "unknown";
}

static void put_keywords(struct ed_bytes *b, const eddy_event *event)
{
    ed_json_key(b, "keywords");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < event->n_keywords && i < EDDY_KEYWORDS; i++) {
        ed_json_open(b, '{');
        put_text(b, "keyword", event->keywords[i].word);
        put_number(b, "score", (double)event->keywords[i].score);
        ed_json_close(b, '}');
    }
    ed_json_close(b, ']');
}

static void put_exemplars(struct ed_bytes *b, const eddy_event *event)
{
    ed_json_key(b, "exemplars");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < event->n_exemplars && i < EDDY_EXEMPLARS; i++) {
        ed_json_open(b, '{');
        put_text(b, "id", event->exemplars[i].id);
        put_text(b, "title", event->exemplars[i].title);
        put_number(b, "similarity", (double)event->exemplars[i].similarity);
        put_time(b, "time", event->exemplars[i].time_ms);
        ed_json_close(b, '}');
    }
    ed_json_close(b, ']');
}

/* What was said of an event or topic, as far as it was. */
static void put_description(struct ed_bytes *b, eddy_str summary, eddy_str category,
                            eddy_actor described_by)
{
    if (summary.n)
        put_text(b, "summary", summary);
    if (category.n)
        put_text(b, "category", category);
    if (described_by != EDDY_ONLINE)
        put_actor(b, "described_by", described_by);
}

static void put_indexes(struct ed_bytes *b, const eddy_event_indexes *indexes)
{
    ed_json_key(b, "indexes");
    ed_json_open(b, '{');
    put_number(b, "silhouette", indexes->silhouette);
    put_number(b, "davies_bouldin", indexes->davies_bouldin);
    put_number(b, "compactness", indexes->compactness);
    put_number(b, "separation", indexes->separation);
    put_number(b, "drift", indexes->drift);
    ed_json_close(b, '}');
}

static void put_similar(const struct ed_publisher *p, struct ed_bytes *b, const eddy_event *event)
{
    if (!event->n_similar)
        return;
    ed_json_key(b, "similar");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < event->n_similar && i < EDDY_SIMILAR; i++) {
        ed_json_open(b, '{');
        put_id(p, b, "event", "E", event->similar[i].event);
        put_number(b, "similarity", (double)event->similar[i].similarity);
        put_number(b, "threshold", (double)event->similar[i].threshold);
        put_number(b, "link", (double)event->similar[i].link);
        ed_json_close(b, '}');
    }
    ed_json_close(b, ']');
}

/* Where it is on the map, once it has a place. */
static void put_map(struct ed_bytes *b, const eddy_event *event)
{
    if (event->map[0] == 0 && event->map[1] == 0)
        return;
    ed_json_key(b, "map");
    ed_json_open(b, '[');
    ed_json_number(b, event->map[0]);
    ed_json_number(b, event->map[1]);
    ed_json_close(b, ']');
}

static void put_picture(const struct ed_publisher *p, struct ed_bytes *b, const eddy_event *event)
{
    put_id(p, b, "parent", "E", event->parent);
    put_text(b, "name", event->name);
    if (event->named_by != EDDY_ONLINE)
        put_actor(b, "named_by", event->named_by);
    if (event->pinned) {
        ed_json_key(b, "pinned");
        ed_json_bool(b, 1);
    }
    put_description(b, event->summary, event->category, event->described_by);
    put_whose(p, b, "topic", event->topic);
    put_whose(p, b, "theme", event->theme);
    put_keywords(b, event);
    put_exemplars(b, event);
    put_number(b, "size", event->size);
    put_number(b, "seen", event->seen);
    if (event->signal != EDDY_SIGNAL_NONE) {
        const char *signal = eddy_signal_name(event->signal);
        ed_json_key(b, "signal");
        ed_json_text(b, signal, strlen(signal));
        put_time(b, "signal_since", event->signal_ms);
    }
    if (event->incident)
        put_id(p, b, "incident", "I", event->incident);
    put_number(b, "weight", event->weight);
    put_number(b, "cohesion", (double)event->cohesion);
    ed_json_key(b, "groups");
    ed_json_unsigned(b, event->n_groups);
    put_indexes(b, &event->indexes);
    put_similar(p, b, event);
    put_map(b, event);
}

eddy_status ed_publish_event(const struct ed_publisher *p, struct ed_epoch *epoch,
                             const eddy_event *event, int64_t stream_ms, eddy_error *err)
{
    const char *state = state_name(event->state);
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_id(p, &b, "id", "E", event->id);
    ed_json_key(&b, "version");
    ed_json_unsigned(&b, event->version);
    ed_json_key(&b, "state");
    ed_json_text(&b, state, strlen(state));
    put_id(p, &b, "merged_into", "E", event->merged_into);
    if (event->state != EDDY_STATE_MERGED)
        put_picture(p, &b, event);
    put_time(&b, "first_seen", event->first_ms);
    put_time(&b, "last_seen", event->last_ms);
    put_time(&b, "stream_time", stream_ms);
    ed_json_close(&b, '}');

    struct envelope e = {
        .topic = ED_EVENTS,
        .key = id_of(p, epoch->arena, event->id),
        .id = joined(epoch->arena, p->pipeline, "-E", number_of(p, event->id), "-", event->version),
        .type = LITERAL("eddy.event"),
        .time_ms = stream_ms};
    return ed_publish_seal(p, epoch, &e, &b, err);
}

/* ---- operations ---- */

static void put_word(struct ed_bytes *b, const char *key, const char *word)
{
    ed_json_key(b, key);
    ed_json_text(b, word, strlen(word));
}

static void put_count(struct ed_bytes *b, const char *key, uint64_t x)
{
    ed_json_key(b, key);
    ed_json_unsigned(b, x);
}

/* Enough digits for the same double to be read back. */
static void put_exact(struct ed_bytes *b, const char *key, double x)
{
    ed_json_key(b, key);
    ed_bytes_printf(b, "%.17g", x);
}

static void put_groups(const struct ed_publisher *p, struct ed_bytes *b, const eddy_operation *op)
{
    ed_json_key(b, "groups");
    ed_json_open(b, '[');
    for (size_t i = 0; i < op->n_groups; i++)
        ed_json_id(b, "G", number_of(p, op->groups[i]));
    ed_json_close(b, ']');
}

/* Which of its fields say something is known by the kind. */
static void put_asked(const struct ed_publisher *p, struct ed_bytes *b, const eddy_operation *op)
{
    int answer = op->kind == EDDY_OPERATION_ANSWER;
    put_word(b, "operation", ed_operation_name(op->kind));
    if (op->kind == EDDY_OPERATION_UNDO) {
        put_count(b, "undo", number_of(p, op->undo));
        return;
    }
    put_whose(p, b, "event", op->event);
    if (op->other)
        put_id(p, b, "into", "E", op->other);
    if (op->n_groups)
        put_groups(p, b, op);
    const struct {
        const char *key;
        eddy_str text;
    } texts[] = {{"name", op->name}, {"summary", op->summary}, {"category", op->category}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].text.n)
            put_text(b, texts[i].key, texts[i].text);
    if (answer) {
        ed_json_key(b, "same");
        ed_json_bool(b, op->same);
        put_exact(b, "error", op->error);
        put_exact(b, "similarity", op->similarity);
    }
    if (op->kind == EDDY_OPERATION_LINK)
        put_exact(b, "strength", op->strength);
    if (op->kind == EDDY_OPERATION_REASSIGN)
        put_count(b, "document", op->position);
    if (op->event_version)
        put_count(b, "version", op->event_version);
    if (op->other && op->other_version)
        put_count(b, "into_version", op->other_version);
}

static void put_outcome(const struct ed_publisher *p, struct ed_bytes *b,
                        const struct ed_told *told)
{
    const eddy_outcome *outcome = told->outcome;
    int applied = outcome && outcome->refusal == EDDY_APPLIED;
    ed_json_key(b, "applied");
    ed_json_bool(b, applied);
    if (!applied)
        put_word(b, "refused", outcome ? eddy_refusal_name(outcome->refusal) : "invalid");
    if (told->detail)
        put_word(b, "detail", told->detail);
    if (!applied)
        return;
    put_count(b, "number", number_of(p, outcome->number));
    if (outcome->event)
        put_whose(p, b, "result", outcome->event);
}

eddy_status ed_publish_operation(const struct ed_publisher *p, struct ed_epoch *epoch,
                                 const struct ed_told *told, eddy_error *err)
{
    const struct ed_order *order = told->order;
    const eddy_operation *op = &order->operation;
    int undo = op->kind == EDDY_OPERATION_UNDO;
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_text(&b, "id", order->id.n ? order->id : told->ce_id);
    put_asked(p, &b, op);
    put_word(&b, "actor", eddy_actor_name(op->actor));
    if (order->who.n)
        put_text(&b, "who", order->who);
    if (op->evidence.n)
        put_text(&b, "reason", op->evidence);
    put_count(&b, "position", told->position);
    put_time(&b, "time", told->stream_ms);
    put_outcome(p, &b, told);
    ed_json_close(&b, '}');

    struct envelope e = {
        .topic = ED_OPERATIONS,
        .key =
            undo ? ed_arena_printf(epoch->arena, "%llu", (unsigned long long)number_of(p, op->undo))
                 : id_of(p, epoch->arena, op->event),
        .id = ed_arena_str(epoch->arena, told->ce_id.at, told->ce_id.n),
        .type = ed_arena_printf(epoch->arena, "eddy.operation.%s", ed_operation_name(op->kind)),
        .time_ms = told->stream_ms};
    return ed_publish_seal(p, epoch, &e, &b, err);
}

/* ---- topics ---- */

static void put_topic(const struct ed_publisher *p, struct ed_bytes *b, const eddy_topic *topic)
{
    put_whose(p, b, "parent", topic->parent);
    put_text(b, "name", topic->name);
    if (topic->named_by != EDDY_ONLINE)
        put_actor(b, "named_by", topic->named_by);
    put_description(b, topic->description, topic->category, topic->described_by);
    ed_json_key(b, "keywords");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < topic->n_keywords && i < EDDY_KEYWORDS; i++)
        ed_json_text(b, topic->keywords[i].at, topic->keywords[i].n);
    ed_json_close(b, ']');
    put_number(b, "size", topic->documents);
    ed_json_key(b, "events");
    ed_json_unsigned(b, topic->n_events);
    ed_json_key(b, "children");
    ed_json_unsigned(b, topic->n_children);
}

eddy_status ed_publish_topic(const struct ed_publisher *p, struct ed_epoch *epoch,
                             const eddy_topic *topic, eddy_error *err)
{
    const char *state = state_name(topic->state);
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_whose(p, &b, "id", topic->id);
    ed_json_key(&b, "type");
    ed_json_text(&b, topic->level == 1 ? "topic" : "theme", 5);
    ed_json_key(&b, "version");
    ed_json_unsigned(&b, topic->version);
    ed_json_key(&b, "state");
    ed_json_text(&b, state, strlen(state));
    put_whose(p, &b, "merged_into", topic->merged_into);
    if (topic->state == EDDY_ACTIVE)
        put_topic(p, &b, topic);
    put_time(&b, "stream_time", topic->stream_ms);
    ed_json_close(&b, '}');

    uint64_t number = number_of(p, EDDY_TOPIC_NUMBER(topic->id));
    struct envelope e = {.topic = ED_EVENTS,
                         .key = id_of(p, epoch->arena, topic->id),
                         .id = joined(epoch->arena, p->pipeline, "-T", number, "-", topic->version),
                         .type = LITERAL("eddy.topic"),
                         .time_ms = topic->stream_ms};
    return ed_publish_seal(p, epoch, &e, &b, err);
}

/* ---- dead letters ---- */

/* The standard's own offset basis, so that others can compute it too. */
#define FNV_STANDARD UINT64_C(0xcbf29ce484222325)

enum { DEAD_HEADERS_MAX = 15 }; /* that we add */

#define HEADER_BYTES 2 /* that a header takes in a message besides name and value, at least */

struct headers {
    eddy_arena *arena;
    eddy_header *at;
    size_t n;
    int failed;
};

static void header_add(struct headers *h, const char *name, eddy_str value)
{
    h->failed |= value.at == NULL;
    h->at[h->n++] = (eddy_header){name, value};
}

static void header_text(struct headers *h, const char *name, const char *value)
{
    header_add(h, name, ed_arena_str(h->arena, value, strlen(value)));
}

/* The message's own headers, as many as fit into *room bytes, which they take; returns how many did
 * not. */
static size_t headers_copy(struct headers *h, const eddy_raw *raw, size_t *room)
{
    for (size_t i = 0; i < raw->n_headers; i++) {
        const eddy_header *from = &raw->headers[i];
        size_t n_name = strlen(from->name), size = n_name + from->value.n + HEADER_BYTES;
        if (size > *room)
            return raw->n_headers - i;
        *room -= size;
        eddy_str name = ed_arena_str(h->arena, from->name, n_name);
        eddy_str value = from->value;
        if (value.at)
            value = ed_arena_str(h->arena, value.at, value.n);
        h->failed |= !name.at || (from->value.at && !value.at);
        h->at[h->n++] = (eddy_header){name.at, value};
    }
    return 0;
}

static void headers_explain(struct headers *h, const struct ed_publisher *p, const eddy_raw *raw,
                            eddy_reject reject, const char *detail)
{
    const char *code = eddy_reject_code(reject);
    header_text(h, ED_HEADER_DEAD_TOPIC, raw->position.topic);
    header_add(h, ED_HEADER_DEAD_PARTITION,
               ed_arena_printf(h->arena, "%d", (int)raw->position.partition));
    header_add(h, ED_HEADER_DEAD_OFFSET,
               ed_arena_printf(h->arena, "%lld", (long long)raw->position.offset));
    header_text(h, "__connect.errors.connector.name", p->pipeline);
    header_add(h, "__connect.errors.task.id", ed_arena_printf(h->arena, "%u", p->shard));
    header_text(h, "__connect.errors.stage", "VALUE_CONVERTER");
    header_text(h, "__connect.errors.class.name", "eddy.parse");
    header_add(h, "__connect.errors.exception.class.name",
               ed_arena_printf(h->arena, "eddy.reject.%s", code));
    header_text(h, ED_HEADER_DEAD_MESSAGE, detail ? detail : code);
    header_text(h, ED_HEADER_DEAD_CODE, code);
}

/* A copy of the first max bytes; where that is not all, headers tell of the whole. NULL stays. */
static eddy_str cut(struct headers *h, const char *bytes, size_t n, size_t max,
                    const char *size_name, const char *hash_name)
{
    if (!bytes)
        return (eddy_str){NULL, 0};
    if (n > max) {
        uint64_t hash = ed_fnv1a(FNV_STANDARD, bytes, n);
        header_add(h, size_name, ed_arena_printf(h->arena, "%zu", n));
        header_add(h, hash_name,
                   ed_arena_printf(h->arena, "fnv1a64:%016llx", (unsigned long long)hash));
    }
    eddy_str copy = ed_arena_str(h->arena, bytes, n < max ? n : max);
    h->failed |= copy.at == NULL;
    return copy;
}

/* One budget for all three: each on its own within bounds, they would still make a message that no
 * broker takes, and then one sick message stops the stream for good. */
eddy_status ed_publish_dead(const struct ed_publisher *p, struct ed_epoch *epoch,
                            const eddy_raw *raw, size_t letter_max, eddy_reject reject,
                            const char *detail, eddy_error *err)
{
    eddy_arena *arena = epoch->arena;
    size_t n_places = raw->n_headers + DEAD_HEADERS_MAX, share = letter_max / 4, left = share;
    struct headers h = {.arena = arena, .at = ed_arena_alloc_zero(arena, n_places, sizeof *h.at)};
    if (!h.at)
        return no_room(err, n_places * sizeof *h.at);
    size_t dropped = headers_copy(&h, raw, &left);
    headers_explain(&h, p, raw, reject, detail);
    if (dropped)
        header_add(&h, "eddy.headers.dropped", ed_arena_printf(arena, "%zu", dropped));
    eddy_str key =
        cut(&h, raw->key, raw->n_key, share, ED_HEADER_DEAD_KEY_SIZE, ED_HEADER_DEAD_KEY_HASH);
    size_t rest = letter_max - (share - left) - key.n;
    eddy_str value = cut(&h, raw->bytes, raw->n, rest, ED_HEADER_DEAD_SIZE, ED_HEADER_DEAD_HASH);

    struct ed_message *m = h.failed ? NULL : ed_epoch_add(epoch);
    if (!m)
        return no_room(err, raw->n);
    *m = (struct ed_message){.topic = ED_DEAD,
                             .key = key,
                             .value = value,
                             .headers = h.at,
                             .n_headers = h.n,
                             .time_ms = raw->broker_ms >= 0 ? raw->broker_ms : raw->arrival_ms};
    return EDDY_OK;
}

/* ---- documents with their vectors ---- */

static eddy_str copied(struct headers *h, const void *p, size_t n)
{
    eddy_str s = ed_arena_str(h->arena, p, n);
    h->failed |= !s.at;
    return s;
}

static eddy_str vector(struct headers *h, const float *row, size_t dim)
{
    return row ? copied(h, row, dim * sizeof *row) : (eddy_str){"", 0};
}

eddy_status ed_publish_vector(struct ed_epoch *epoch, const eddy_raw *raw, const eddy_doc *doc,
                              size_t dim, size_t phrases, uint64_t model, eddy_error *err)
{
    eddy_arena *arena = epoch->arena;
    size_t n_places = raw->n_headers + 4, all = SIZE_MAX;
    struct headers h = {.arena = arena, .at = ed_arena_alloc_zero(arena, n_places, sizeof *h.at)};
    if (!h.at)
        return no_room(err, n_places * sizeof *h.at);
    headers_copy(&h, raw, &all);
    header_add(&h, ED_HEADER_VECTOR, vector(&h, doc->dense, dim));
    if (phrases)
        header_add(&h, ED_HEADER_PHRASES, vector(&h, doc->extra[phrases - 1], dim));
    header_add(&h, ED_HEADER_MODEL, ed_arena_printf(arena, "%016llx", (unsigned long long)model));
    header_add(&h, ED_HEADER_POSITION,
               ed_arena_printf(arena, "%s/%d/%lld", raw->position.topic,
                               (int)raw->position.partition, (long long)raw->position.offset));
    const eddy_str *key = doc->group.n ? &doc->group : &doc->id;
    eddy_str own_key = copied(&h, key->at, key->n), value = copied(&h, raw->bytes, raw->n);
    struct ed_message *m = h.failed ? NULL : ed_epoch_add(epoch);
    if (!m)
        return no_room(err, raw->n);
    *m = (struct ed_message){.topic = ED_VECTORS,
                             .key = own_key,
                             .value = value,
                             .headers = h.at,
                             .n_headers = h.n,
                             .time_ms = raw->broker_ms >= 0 ? raw->broker_ms : raw->arrival_ms};
    return EDDY_OK;
}
