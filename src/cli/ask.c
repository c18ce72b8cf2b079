/* Ask: the reader of the answers is there before the question goes out. */
#include "cli/ask.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "journal/sender.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <sys/random.h>

#define READ_MAX 64
#define LOOK_MS  200 /* between two looks whether nobody waits any more */

static eddy_status answers_open(struct ed_config *config, struct ed_source **ret, eddy_error *err)
{
    struct ed_source_kafka options = {
        .topics = &config->output.topics[ED_OPERATIONS],
        .n_topics = 1,
        .n_shards = 1,
        .from = {.kind = ED_FROM_END},
        .endless = 1,
        .insecure = config->insecure,
    };
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_CONSUMER, &options.options,
                                             &options.n_options, err);
    return st == EDDY_OK ? ed_source_kafka_open(&options, ret, err) : st;
}

/* ---- the question ---- */

static void put_text(struct ed_bytes *b, const char *key, eddy_str s)
{
    if (!s.n)
        return;
    ed_json_key(b, key);
    ed_json_text(b, s.at, s.n);
}

static void put_id(struct ed_bytes *b, const char *key, uint64_t id)
{
    if (!id)
        return;
    ed_json_key(b, key);
    ed_json_id(b, "E", id);
}

static void put_number(struct ed_bytes *b, const char *key, uint64_t n)
{
    if (!n)
        return;
    ed_json_key(b, key);
    ed_json_unsigned(b, n);
}

static void question_write(const struct ed_order *order, struct ed_bytes *b)
{
    const eddy_operation *op = &order->operation;
    const char *name = order->pass ? "pass" : ed_operation_name(op->kind);
    ed_json_open(b, '{');
    put_text(b, "operation", (eddy_str){name, strlen(name)});
    put_id(b, "event", op->event);
    put_id(b, "into", op->other);
    put_number(b, "version", op->event_version);
    put_number(b, "into_version", op->other_version);
    if (op->n_groups) {
        ed_json_key(b, "groups");
        ed_json_open(b, '[');
        for (size_t i = 0; i < op->n_groups; i++)
            ed_json_id(b, "G", op->groups[i]);
        ed_json_close(b, ']');
    }
    if (op->kind == EDDY_OPERATION_LINK && !order->pass) {
        ed_json_key(b, "same");
        ed_json_bool(b, op->strength > 0);
    }
    put_number(b, "undo", op->undo);
    put_text(b, "name", op->name);
    put_text(b, "reason", op->evidence);
    put_text(b, "who", order->who);
    put_text(b, "id", order->id);
    ed_json_close(b, '}');
}

static eddy_status question_send(struct ed_config *config, const struct ed_order *order,
                                 int wait_ms, eddy_error *err)
{
    const char *const *options;
    size_t n_options;
    struct ed_sender *sender = NULL;
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    eddy_status st = ed_config_kafka_options(config, ED_KAFKA_PRODUCER, &options, &n_options, err);
    if (st == EDDY_OK)
        st = ed_sender_open(options, n_options, config->insecure, config->control.topic, &sender,
                            err);
    question_write(order, &b);
    if (st == EDDY_OK && b.failed)
        st = eddy_fail_nomem(err, "operation", b.n);
    const eddy_operation *op = &order->operation;
    uint64_t about = op->event ? op->event : op->undo;
    uint32_t n = st == EDDY_OK ? ed_sender_partitions(sender) : 0;
    uint32_t first = n && !order->pass ? ed_id_shard(about, n) : 0;
    uint32_t end = order->pass ? n : first + 1; /* all shards are to look */
    for (uint32_t i = first; i < end && st == EDDY_OK; i++)
        st = ed_sender_send(sender, (int32_t)i, order->id, (eddy_str){b.at, b.n}, wait_ms, err);
    ed_bytes_clear(&b);
    ed_sender_free(sender);
    return st;
}

/* ---- the answer ---- */

static eddy_str text_of(const json_t *json, const char *key, eddy_arena *arena)
{
    const json_t *value = json_object_get(json, key);
    return json_is_string(value)
               ? ed_arena_str(arena, json_string_value(value), json_string_length(value))
               : (eddy_str){"", 0};
}

/* 1: this line is about our question. */
static int answer_read(const eddy_raw *raw, const struct ed_order *order, eddy_arena *arena,
                       struct ed_heard *ret)
{
    json_t *json = raw->bytes ? json_loadb(raw->bytes, raw->n, 0, NULL) : NULL;
    const char *id = json_string_value(json_object_get(json, "id"));
    int ours = id && !strcmp(id, order->id.at);
    if (ours)
        *ret = (struct ed_heard){.applied = json_is_true(json_object_get(json, "applied")),
                                 .refused = text_of(json, "refused", arena),
                                 .detail = text_of(json, "detail", arena),
                                 .number =
                                     (uint64_t)json_integer_value(json_object_get(json, "number")),
                                 .result = text_of(json, "result", arena)};
    json_decref(json);
    return ours;
}

static eddy_status answer_wait(struct ed_source *source, const struct ed_order *order, int wait_ms,
                               int (*stopped)(void), eddy_arena *arena, struct ed_heard *ret,
                               eddy_error *err)
{
    eddy_raw raws[READ_MAX];
    int64_t until = ed_monotonic_ms() + wait_ms;
    for (int64_t left; (left = until - ed_monotonic_ms()) > 0 && !(stopped && stopped());) {
        size_t n = 0;
        int end = 0, now = left < LOOK_MS ? (int)left : LOOK_MS;
        eddy_status st = ed_source_read(source, now, raws, READ_MAX, &n, &end, err);
        if (st != EDDY_OK)
            return st;
        for (size_t i = 0; i < n; i++)
            if (answer_read(&raws[i], order, arena, ret))
                return EDDY_OK;
    }
    return eddy_fail_retriable(err, EDDY_UNAVAILABLE,
                               "no answer within %d s: does the pipeline run? The operation is "
                               "kept, and will be done when it does (%s)",
                               wait_ms / 1000, order->id.at);
}

eddy_status ed_order_ask(struct ed_config *config, struct ed_order *order, int wait_ms,
                         int (*stopped)(void), eddy_arena *arena, struct ed_heard *ret,
                         eddy_error *err)
{
    struct ed_source *answers = NULL;
    uint64_t number = 0;
    if (!ed_config_has_broker(config))
        return eddy_fail(err, EDDY_CONFIG, "no broker is named: give -b, or -c FILE");
    if (!*config->control.topic || !*config->output.topics[ED_OPERATIONS])
        return eddy_fail(err, EDDY_CONFIG,
                         "control.topic or output.operations is \"\": nobody may ask");
    while (getrandom(&number, sizeof number, 0) != sizeof number)
        continue;
    order->id = ed_arena_printf(arena, "cli-%016" PRIx64, number);
    if (!order->id.at)
        return eddy_fail_nomem(err, "operation", 0);
    eddy_status st = order->pass ? EDDY_OK : answers_open(config, &answers, err);
    if (st == EDDY_OK)
        st = question_send(config, order, wait_ms, err);
    if (st == EDDY_OK && answers)
        st = answer_wait(answers, order, wait_ms, stopped, arena, ret, err);
    ed_source_free(answers);
    return st;
}

const char *ed_heard_words(const struct ed_heard *answer)
{
    static const struct {
        const char *refused, *words;
    } all[] = {
        {"stale", "things have changed meanwhile: the event is another one now, a group is "
                  "elsewhere, or nothing is left to undo; look again (eddy show)"},
        {"gone", "there is no such event, group or operation any more"},
        {"pinned", "the event is pinned, and only a person may change it"},
        {"forbidden", "somebody who outranks you has decided otherwise"},
        {"incohesive", "the documents are too unlike (or too alike) for that"},
        {"full", "no more decisions of this kind are kept; undo some first"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(answer->refused.at, all[i].refused))
            return all[i].words;
    return answer->detail.n ? answer->detail.at : answer->refused.at;
}
