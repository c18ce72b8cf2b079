/* Lines of logs, and the templates that they have. */
#include "publish/pieces.h"

#include <inttypes.h>
#include <stdio.h>

static void put_level(struct ed_bytes *b, eddy_level level)
{
    const char *name = eddy_level_name(level);
    if (level == EDDY_LEVEL_UNKNOWN)
        return;
    ed_json_key(b, "level");
    ed_json_text(b, name, strlen(name));
}

static void put_template(struct ed_bytes *b, const char *key, uint64_t id)
{
    char name[EDDY_TEMPLATE_NAME];
    ed_json_key(b, key);
    if (!id) {
        ed_json_null(b);
        return;
    }
    eddy_template_name(id, name);
    ed_json_text(b, name, strlen(name));
}

static void put_count(struct ed_bytes *b, const char *key, uint64_t x)
{
    ed_json_key(b, key);
    ed_json_unsigned(b, x);
}

static eddy_str template_key(eddy_arena *arena, uint64_t id)
{
    char name[EDDY_TEMPLATE_NAME];
    eddy_template_name(id, name);
    return ed_arena_str(arena, name, strlen(name));
}

/* Each shard has templates of its own, of which some have the same name. NULL: no memory. */
static const char *whose_templates(const struct ed_publisher *p, eddy_arena *arena)
{
    return p->n_shards > 1 ? ed_arena_printf(arena, "%s.%u", p->pipeline, p->shard).at
                           : p->pipeline;
}

static void put_parameters(struct ed_bytes *b, const struct ed_line_told *line)
{
    if (!line->parameters)
        return;
    ed_json_key(b, "parameters");
    ed_json_open(b, '[');
    for (size_t i = 0; i < line->n_parameters; i++) {
        const eddy_parameter *p = &line->parameters[i];
        const char *type = eddy_parameter_name(p->type);
        ed_json_open(b, '{');
        ed_json_key(b, "type");
        ed_json_text(b, type, strlen(type));
        put_text(b, "value", (eddy_str){line->message.at + p->span.at, p->span.n});
        ed_json_close(b, '}');
    }
    ed_json_close(b, ']');
}

eddy_status ed_publish_line(const struct ed_publisher *p, struct ed_epoch *epoch,
                            const struct ed_line_told *line, eddy_error *err)
{
    const eddy_position *from = &line->doc->position;
    eddy_str id = joined(epoch->arena, from->topic, "-", (uint64_t)from->partition, "-",
                         (uint64_t)from->offset);
    struct ed_bytes b;
    if (!id.at)
        return no_room(err, 0);
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_text(&b, "id", id);
    put_id(p, &b, "event", "E", line->event);
    put_id(p, &b, "group", "G", line->group);
    put_template(&b, "template", line->template);
    put_template(&b, "signature", line->signature);
    ed_json_key(&b, "founded");
    ed_json_bool(&b, line->founded);
    put_level(&b, line->level);
    if (line->component.n)
        put_text(&b, "component", line->component);
    put_parameters(&b, line);
    put_time(&b, "time", line->doc->time_ms);
    put_source(&b, from);
    ed_json_close(&b, '}');

    struct envelope e = {.topic = ED_ASSIGNMENTS,
                         .key = id,
                         .id = id,
                         .type = LITERAL("eddy.assignment"),
                         .time_ms = line->doc->time_ms};
    return ed_publish_seal_from(p, epoch, &e, line->doc, &b, err);
}

eddy_status ed_publish_count(const struct ed_publisher *p, struct ed_epoch *epoch,
                             const struct ed_count_told *count, eddy_error *err)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_template(&b, "template", count->template);
    put_id(p, &b, "event", "E", count->event);
    put_count(&b, "lines", count->lines);
    put_time(&b, "from", count->from_ms);
    put_time(&b, "to", count->to_ms);
    ed_json_close(&b, '}');

    eddy_str key = template_key(epoch->arena, count->template);
    const char *of = whose_templates(p, epoch->arena);
    eddy_str id = {NULL, 0};
    if (key.at && of)
        id = ed_arena_printf(epoch->arena, "%s-%s-%" PRId64 "-%" PRIu64, of, key.at, count->from_ms,
                             count->lines);
    struct envelope e = {.topic = ED_ASSIGNMENTS,
                         .key = key,
                         .id = id,
                         .type = LITERAL("eddy.count"),
                         .time_ms = count->to_ms};
    return ed_publish_seal(p, epoch, &e, &b, err);
}

eddy_status ed_publish_template(const struct ed_publisher *p, struct ed_epoch *epoch,
                                const struct ed_template_told *told, eddy_error *err)
{
    const eddy_template *t = told->template;
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_template(&b, "id", t->id);
    ed_json_key(&b, "state");
    ed_json_text(&b, told->state, strlen(told->state));
    put_template(&b, "merged_into", t->merged_into);
    put_text(&b, "text", t->text);
    put_id(p, &b, "event", "E", told->event);
    put_id(p, &b, "group", "G", told->group);
    put_count(&b, "lines", told->lines);
    put_level(&b, told->level);
    if (told->component.n)
        put_text(&b, "component", told->component);
    if (told->exceptions.n)
        put_text(&b, "exceptions", told->exceptions);
    put_time(&b, "first_seen", t->first_ms);
    put_time(&b, "last_seen", t->last_ms);
    put_time(&b, "stream_time", told->stream_ms);
    ed_json_close(&b, '}');

    eddy_str key = template_key(epoch->arena, t->id);
    const char *of = whose_templates(p, epoch->arena);
    struct envelope e = {.topic = ED_TEMPLATES,
                         .key = key,
                         .id = of ? joined(epoch->arena, of, "-", t->id, "-", told->line)
                                  : (eddy_str){NULL, 0},
                         .type = LITERAL("eddy.template"),
                         .time_ms = told->stream_ms};
    return ed_publish_seal(p, epoch, &e, &b, err);
}

static void put_evidence(struct ed_bytes *b, const eddy_template_change *c)
{
    const char *reason = eddy_place_reason_name(c->reason);
    ed_json_key(b, "reason");
    ed_json_text(b, reason, strlen(reason));
    char place[17]; /* JSON has no numbers of 64 bits */
    snprintf(place, sizeof place, "%016" PRIx64, c->place);
    ed_json_key(b, "place");
    ed_json_text(b, place, sizeof place - 1);
    put_count(b, "word", c->word);
    put_count(b, "values", c->n_words);
    ed_json_key(b, "words");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < c->n_words && i < EDDY_PLACE_WORDS_MAX; i++)
        ed_json_text(b, c->words[i].at, c->words[i].n);
    ed_json_close(b, ']');
}

eddy_status ed_publish_template_change(const struct ed_publisher *p, struct ed_epoch *epoch,
                                       const eddy_template_change *c, uint64_t index,
                                       uint64_t event, eddy_error *err)
{
    const char *kind = eddy_template_change_name(c->kind);
    const char *of = whose_templates(p, epoch->arena);
    eddy_str id =
        of ? joined(epoch->arena, of, "-line-", c->line, "-", index) : (eddy_str){NULL, 0};
    eddy_str type = ed_arena_printf(epoch->arena, "template_%s", kind);
    struct ed_bytes b;
    if (!id.at || !type.at)
        return no_room(err, 0);
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '{');
    put_text(&b, "id", id);
    put_text(&b, "kind", type);
    put_template(&b, "template", c->id);
    if (c->other)
        put_template(&b, "other", c->other);
    put_id(p, &b, "event", "E", event);
    put_count(&b, "line", c->line);
    put_time(&b, "time", c->time_ms);
    if (c->reason != EDDY_PLACE_NONE)
        put_evidence(&b, c);
    ed_json_close(&b, '}');

    struct envelope e = {.topic = ED_CHANGES,
                         .key = template_key(epoch->arena, c->id),
                         .id = id,
                         .type = ed_arena_printf(epoch->arena, "eddy.template.%s", kind),
                         .time_ms = c->time_ms};
    return ed_publish_seal(p, epoch, &e, &b, err);
}
