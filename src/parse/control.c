/* Control messages: a table of what each operation needs and may have, and a reader for each kind
 * of field. */
#include "parse/control.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 4096
#define PASS       (EDDY_OPERATION_REASSIGN + 1) /* behind the kinds */

/* One message under way. */
struct reading {
    const json_t *json;
    eddy_arena *arena;
    struct ed_order *order;
    eddy_reject reject;
    char *detail;
    size_t n_detail;
    int failed; /* memory was lost */
};

/* The first complaint stands. */
__attribute__((format(printf, 2, 3))) static void refuse(struct reading *r, const char *format, ...)
{
    va_list args;
    if (r->reject)
        return;
    r->reject = EDDY_REJECT_SHAPE;
    va_start(args, format);
    vsnprintf(r->detail, r->n_detail, format, args);
    va_end(args);
}

/* ---- values ---- */

/* "E12", or "T12" of a topic: a letter and a number. 0: not that. */
static uint64_t id_of(const json_t *value, const char *letters)
{
    const char *s = json_string_value(value);
    char *end = NULL;
    if (!s || !*s || !strchr(letters, *s) || s[1] < '1' || s[1] > '9' || strlen(s) > 21)
        return 0;
    uint64_t id = strtoull(s + 1, &end, 10);
    if (*end || id >= ED_ID_TOPIC)
        return 0;
    return *s == 'T' ? id | ED_ID_TOPIC : id;
}

static void read_event(struct reading *r, const char *key, const json_t *value, uint64_t *ret)
{
    *ret = id_of(value, "ET");
    if (!*ret)
        refuse(r, "%s is no id of an event, such as \"E12\"", key);
}

static void read_groups(struct reading *r, const json_t *value)
{
    eddy_operation *op = &r->order->operation;
    size_t n = json_array_size(value);
    if (!n || n > GROUPS_MAX) {
        refuse(r, "groups is no list of ids, such as [\"G4\"], or too long");
        return;
    }
    uint64_t *groups = ed_arena_alloc(r->arena, n * sizeof *groups);
    r->failed |= !groups;
    for (size_t i = 0; i < n && groups; i++) {
        groups[i] = id_of(json_array_get(value, i), "G");
        if (!groups[i])
            refuse(r, "groups: item %zu is no id of a group, such as \"G4\"", i + 1);
    }
    op->groups = groups;
    op->n_groups = groups ? n : 0;
}

static void read_text(struct reading *r, const char *key, const json_t *value, size_t max,
                      eddy_str *ret)
{
    const char *s = json_string_value(value);
    size_t n = json_string_length(value);
    if (!s || !n) {
        refuse(r, "%s is no text, or an empty one", key);
        return;
    }
    *ret = ed_arena_str(r->arena, s, ed_utf8_cut(s, n, max));
    r->failed |= !ret->at;
}

static void read_count(struct reading *r, const char *key, const json_t *value, uint64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        refuse(r, "%s is no whole number from 0 on", key);
    else
        *ret = (uint64_t)json_integer_value(value);
}

static void read_number(struct reading *r, const char *key, const json_t *value, double *ret)
{
    if (!json_is_number(value))
        refuse(r, "%s is no number", key);
    else
        *ret = json_number_value(value);
}

static void read_same(struct reading *r, const json_t *value)
{
    if (!json_is_boolean(value))
        refuse(r, "same is neither true nor false");
    r->order->operation.same = json_is_true(value);
}

static void read_actor(struct reading *r, const json_t *value)
{
    const char *s = json_string_value(value);
    for (int actor = EDDY_STATISTICS; s && actor <= EDDY_PERSON; actor++)
        if (!strcmp(s, eddy_actor_name((eddy_actor)actor))) {
            r->order->operation.actor = (eddy_actor)actor;
            return;
        }
    refuse(r, "actor is none of person, llm, statistics");
}

/* ---- fields ---- */

enum field {
    EVENT = 1 << 0,
    INTO = 1 << 1,
    GROUPS = 1 << 2,
    NAME = 1 << 3,
    SUMMARY = 1 << 4,
    CATEGORY = 1 << 5,
    UNDO = 1 << 6,
    SAME = 1 << 7,
    STRENGTH = 1 << 8,
    ERROR = 1 << 9,
    SIMILARITY = 1 << 10,
    DOCUMENT = 1 << 11,
    VERSION = 1 << 12,
    INTO_VERSION = 1 << 13,
    FREE = 1 << 14 /* with any operation */
};

static const struct {
    const char *name;
    enum field field;
} fields[] = {{"event", EVENT},
              {"into", INTO},
              {"groups", GROUPS},
              {"name", NAME},
              {"summary", SUMMARY},
              {"category", CATEGORY},
              {"undo", UNDO},
              {"same", SAME},
              {"strength", STRENGTH},
              {"error", ERROR},
              {"similarity", SIMILARITY},
              {"document", DOCUMENT},
              {"version", VERSION},
              {"into_version", INTO_VERSION},
              {"operation", FREE},
              {"id", FREE},
              {"who", FREE},
              {"reason", FREE},
              {"actor", FREE},
              {"position", FREE},
              {"applied", FREE},
              {"refused", FREE},
              {"detail", FREE},
              {"number", FREE},
              {"result", FREE},
              {"time", FREE}};
#define N_FIELDS (sizeof fields / sizeof *fields)

static const struct {
    unsigned needs, may;
} kinds[] = {
    [EDDY_OPERATION_MERGE] = {EVENT | INTO, VERSION | INTO_VERSION},
    [EDDY_OPERATION_SPLIT] = {EVENT | GROUPS, VERSION},
    [EDDY_OPERATION_MOVE] = {EVENT | INTO | GROUPS, VERSION | INTO_VERSION},
    [EDDY_OPERATION_RENAME] = {EVENT | NAME, VERSION},
    [EDDY_OPERATION_PIN] = {EVENT, VERSION},
    [EDDY_OPERATION_UNPIN] = {EVENT, VERSION},
    [EDDY_OPERATION_LINK] = {EVENT | INTO, SAME | STRENGTH | VERSION | INTO_VERSION},
    [EDDY_OPERATION_UNDO] = {UNDO, 0},
    [EDDY_OPERATION_ANSWER] = {EVENT | SAME | ERROR | SIMILARITY,
                               INTO | GROUPS | VERSION | INTO_VERSION},
    [EDDY_OPERATION_DESCRIBE] = {EVENT, NAME | SUMMARY | CATEGORY | VERSION},
    [EDDY_OPERATION_REASSIGN] = {EVENT | DOCUMENT, INTO | VERSION | INTO_VERSION},
    [PASS] = {0, 0},
};

static int kind_of(const json_t *json)
{
    const char *s = json_string_value(json_object_get(json, "operation"));
    for (int kind = 0; s && kind < PASS; kind++)
        if (!strcmp(s, ed_operation_name((eddy_operation_kind)kind)))
            return kind;
    return s && !strcmp(s, "pass") ? PASS : -1;
}

static unsigned field_of(const char *name)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (!strcmp(fields[i].name, name))
            return fields[i].field;
    return 0;
}

/* 1: it may be shown to people as it is. */
static int is_plain(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return n && !name[n] && n <= 40;
}

/* All that is there is known and fits the kind, and nothing is missing; null is not there. Gives
 * what is there. */
static unsigned fields_check(struct reading *r, const char *word, int kind)
{
    unsigned there = 0;
    for (void *at = json_object_iter((json_t *)(uintptr_t)r->json); at;
         at = json_object_iter_next((json_t *)(uintptr_t)r->json, at)) {
        const char *name = json_object_iter_key(at);
        unsigned field = field_of(name);
        if (json_is_null(json_object_iter_value(at)))
            continue;
        if (!field)
            refuse(r, "a field is not known%s%s", is_plain(name) ? ": " : "",
                   is_plain(name) ? name : "");
        else if (field != FREE && !((kinds[kind].needs | kinds[kind].may) & field))
            refuse(r, "%s says nothing to %s", name, word);
        there |= field;
    }
    for (size_t i = 0; i < N_FIELDS; i++)
        if (kinds[kind].needs & ~there & fields[i].field)
            refuse(r, "%s needs %s", word, fields[i].name);
    if (kind == EDDY_OPERATION_ANSWER && !(there & (INTO | GROUPS)))
        refuse(r, "answer needs into or groups");
    if (kind == EDDY_OPERATION_DESCRIBE && !(there & (NAME | SUMMARY | CATEGORY)))
        refuse(r, "describe needs name, summary or category");
    return there;
}

static const json_t *value_of(const struct reading *r, const char *key)
{
    const json_t *value = json_object_get(r->json, key);
    return json_is_null(value) ? NULL : value;
}

/* What an operation is about. */
static void operation_read(struct reading *r)
{
    eddy_operation *op = &r->order->operation;
    const struct {
        const char *key;
        uint64_t *to;
    } events[] = {{"event", &op->event}, {"into", &op->other}},
      counts[] = {{"undo", &op->undo},
                  {"document", &op->position},
                  {"version", &op->event_version},
                  {"into_version", &op->other_version}};
    const struct {
        const char *key;
        eddy_str *to;
        size_t max;
    } texts[] = {{"name", &op->name, EDDY_NAME_MAX},
                 {"summary", &op->summary, EDDY_SUMMARY_MAX},
                 {"category", &op->category, EDDY_CATEGORY_MAX},
                 {"reason", &op->evidence, EDDY_EVIDENCE_MAX},
                 {"id", &r->order->id, ED_ORDER_ID_MAX},
                 {"who", &r->order->who, ED_ORDER_ID_MAX}};
    const struct {
        const char *key;
        double *to;
    } numbers[] = {
        {"strength", &op->strength}, {"error", &op->error}, {"similarity", &op->similarity}};
    const json_t *value;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if ((value = value_of(r, events[i].key)))
            read_event(r, events[i].key, value, events[i].to);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if ((value = value_of(r, counts[i].key)))
            read_count(r, counts[i].key, value, counts[i].to);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((value = value_of(r, texts[i].key)))
            read_text(r, texts[i].key, value, texts[i].max, texts[i].to);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if ((value = value_of(r, numbers[i].key)))
            read_number(r, numbers[i].key, value, numbers[i].to);
    if ((value = value_of(r, "groups")))
        read_groups(r, value);
    if ((value = value_of(r, "same")))
        read_same(r, value);
    if ((value = value_of(r, "actor")))
        read_actor(r, value);
}

/* A link is for good unless its strength is told; strength and same must not contradict. */
static void link_settle(struct reading *r, unsigned there)
{
    eddy_operation *op = &r->order->operation;
    if (!(there & STRENGTH))
        op->strength = there & SAME && !op->same ? -EDDY_LINK_FIRM : EDDY_LINK_FIRM;
    else if (!isfinite(op->strength) || !(fabs(op->strength) > 0) ||
             (there & SAME && op->same != (op->strength > 0)))
        refuse(r, "strength is 0, or says the opposite of same");
    op->same = 0;
}

static void object_read(struct reading *r)
{
    const json_t *value, *json = r->json;
    int kind = kind_of(json);
    if (kind < 0) {
        refuse(r, "operation is none of merge, split, move, rename, pin, unpin, link, undo, "
                  "reassign, answer, describe, pass");
        return;
    }
    unsigned there = fields_check(r, json_string_value(json_object_get(json, "operation")), kind);
    if (r->reject)
        return;
    r->order->pass = kind == PASS;
    r->order->operation.actor = EDDY_PERSON;
    r->order->operation.kind = kind == PASS ? 0 : (eddy_operation_kind)kind;
    operation_read(r);
    if (kind == EDDY_OPERATION_LINK)
        link_settle(r, there);
    if ((value = value_of(r, "position"))) {
        r->order->timed = 1;
        read_count(r, "position", value, &r->order->position);
    }
    r->order->refused = json_is_false(value_of(r, "applied"));
}

eddy_status ed_control_parse(const char *bytes, size_t n, eddy_arena *arena, struct ed_order *ret,
                             eddy_reject *reject, char *detail, size_t n_detail, eddy_error *err)
{
    json_error_t why;
    struct ed_order order = {0};
    struct reading r = {.arena = arena, .order = &order, .detail = detail, .n_detail = n_detail};
    *detail = 0;
    if (!bytes || n > ED_CONTROL_MAX) {
        *reject = bytes ? EDDY_REJECT_OVERSIZE : EDDY_REJECT_TOMBSTONE;
        snprintf(detail, n_detail, bytes ? "an operation of %zu bytes" : "no operation", n);
        return EDDY_OK;
    }
    json_t *json = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &why);
    if (!json && json_error_code(&why) == json_error_out_of_memory)
        return eddy_fail_nomem(err, "control message", n);
    r.json = json;
    if (!json) {
        r.reject = EDDY_REJECT_JSON;
        snprintf(detail, n_detail, "not JSON, at line %d, byte %d", why.line, why.position);
    } else if (!json_is_object(json)) {
        refuse(&r, "not a JSON object");
    } else {
        object_read(&r);
    }
    json_decref(json);
    if (r.failed)
        return eddy_fail_nomem(err, "control message", n);
    *reject = r.reject;
    if (!r.reject)
        *ret = order;
    return EDDY_OK;
}
