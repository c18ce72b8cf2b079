/* Request: questions of one kind as one request.
 *
 * Documents are quoted as JSON strings between two lines that nobody could foresee; the schema
 * enumerates the ids, one property for each question, so that an answer that follows it can neither
 * leave one out nor answer one twice nor name what was not offered. The key is that of the request
 * with a fixed line in place of the random one: the same question has the same key. */
#include "reason/inside.h"

#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

#define REQUEST_MAX ((size_t)1 << 20)
#define TEXT_MAX    2000 /* bytes of a document without a title of its own */
#define SHOWN_NAMES 12   /* names of a topic's events */
#define CANONICAL   "DOCUMENTS"

size_t ed_request_most(eddy_prompt prompt)
{
    static const size_t most[] = {8, 4, 4, 4, 1, 1, 8, 8};
    return most[prompt];
}

/* Of the answer to one question, with room for one that is chatty. */
static int tokens_of(const struct ed_question *q)
{
    static const int tokens[] = {200, 100, 100, 100, 120, 120, 120, 140};
    return tokens[q->prompt] + 12 * (int)q->n_choices;
}

/* Four letters a token in Latin script; elsewhere hardly more than one. */
uint64_t ed_tokens(size_t n_ascii, size_t n_others)
{
    return n_ascii / 4 + n_others + 8;
}

static uint64_t tokens_in(eddy_str text)
{
    size_t ascii = 0;
    size_t others = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.at[i];
        ascii += c < 0x80;
        others += c >= 0xC0;
    }
    return ed_tokens(ascii, others);
}

/* ---- the data ---- */

static void key_text(struct ed_bytes *b, const char *key, eddy_str text)
{
    ed_json_key(b, key);
    ed_json_text(b, text.at ? text.at : "", text.n);
}

/* To the minute: an hour of an alert matters, its milliseconds do not. */
static void key_time(struct ed_bytes *b, const char *key, int64_t ms)
{
    char text[ED_TIME_TEXT];
    ed_time_text(ms, text);
    memcpy(text + 16, "Z", 2);
    key_text(b, key, (eddy_str){text, 17});
}

static void key_size(struct ed_bytes *b, double documents)
{
    ed_json_key(b, "size");
    ed_json_integer(b, (int64_t)(documents + 0.5));
}

static void document_fields(struct ed_bytes *b, const eddy_member *m)
{
    key_text(b, "title", m->title);
    key_time(b, "time", m->time_ms);
}

static void document(struct ed_bytes *b, const eddy_member *m)
{
    ed_json_open(b, '{');
    document_fields(b, m);
    ed_json_close(b, '}');
}

static void key_documents(struct ed_bytes *b, const eddy_member *members, size_t n, size_t most)
{
    ed_json_key(b, "documents");
    ed_json_open(b, '[');
    for (size_t i = 0; i < n && most; i++)
        if (members[i].title.n) {
            document(b, &members[i]);
            most--;
        }
    ed_json_close(b, ']');
}

/* An event, or a part of one, as others see it. Where one or two is the question no id is shown:
 * it would say what the engine thinks. */
static void side(struct ed_bytes *b, const eddy_view_side *s, int with_id)
{
    ed_json_open(b, '{');
    if (with_id) {
        ed_json_key(b, "id");
        ed_json_id(b, "E", s->event);
    }
    key_size(b, s->documents);
    key_documents(b, s->members, s->n_members, SHOWN_A_SIDE);
    ed_json_close(b, '}');
}

static void data_same(struct ed_bytes *b, const struct ed_question *q)
{
    ed_json_key(b, "a");
    side(b, &q->doubts[0]->sides[q->swapped], 0);
    ed_json_key(b, "b");
    side(b, &q->doubts[0]->sides[!q->swapped], 0);
}

static void data_name(struct ed_bytes *b, const struct ed_question *q)
{
    const eddy_event *picture = &q->event->picture;
    key_size(b, picture->size);
    key_time(b, "from", picture->first_ms);
    key_time(b, "to", picture->last_ms);
    if (picture->described_by == EDDY_LLM && picture->named_by == EDDY_LLM)
        key_text(b, "name_now", picture->name);
    ed_json_key(b, "words");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < picture->n_keywords; i++)
        ed_json_text(b, picture->keywords[i].word.at, picture->keywords[i].word.n);
    ed_json_close(b, ']');
    if (q->event->n_members) {
        key_documents(b, q->event->members, q->event->n_members, EDDY_SHOWN_MEMBERS);
        return;
    }
    ed_json_key(b, "documents");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < picture->n_exemplars; i++) {
        eddy_member m = {.title = picture->exemplars[i].title,
                         .time_ms = picture->exemplars[i].time_ms};
        document(b, &m);
    }
    ed_json_close(b, ']');
}

static void data_place(struct ed_bytes *b, const struct ed_question *q)
{
    ed_json_key(b, "document");
    document(b, &q->doubts[0]->document);
    ed_json_key(b, "events");
    ed_json_open(b, '[');
    for (size_t i = 0; i < q->n_choices; i++)
        side(b, q->sides[i], 1);
    ed_json_close(b, ']');
}

static void data_odd(struct ed_bytes *b, const struct ed_question *q)
{
    ed_json_key(b, "documents");
    ed_json_open(b, '[');
    for (size_t i = 0; i < q->n_choices; i++) {
        ed_json_open(b, '{');
        ed_json_key(b, "id");
        ed_json_id(b, "D", i + 1);
        document_fields(b, &q->event->members[q->choices[i]]);
        ed_json_close(b, '}');
    }
    ed_json_close(b, ']');
}

static void data_plan(struct ed_bytes *b, const struct ed_question *q)
{
    ed_json_key(b, "groups");
    ed_json_open(b, '[');
    for (size_t i = 0; i < q->n_choices; i++) {
        ed_json_open(b, '{');
        ed_json_key(b, "id");
        ed_json_id(b, "G", i + 1);
        ed_json_key(b, "documents");
        ed_json_open(b, '[');
        for (size_t k = 0; k < q->event->n_members; k++)
            if (q->event->members[k].group == q->choices[i] && q->event->members[k].title.n)
                document(b, &q->event->members[k]);
        ed_json_close(b, ']');
        ed_json_close(b, '}');
    }
    ed_json_close(b, ']');
}

static void data_group(struct ed_bytes *b, const struct ed_question *q)
{
    ed_json_key(b, "events");
    ed_json_open(b, '[');
    for (size_t i = 0; i < q->n_choices; i++)
        side(b, q->sides[i], 1);
    ed_json_close(b, ']');
}

/* Children are topics, which the view has, or events, whose names were heard. */
static eddy_str name_of(struct ed_pass *p, uint64_t id)
{
    for (size_t i = 0; i < p->view->n_topics; i++)
        if (p->view->topics[i].id == id)
            return p->view->topics[i].name;
    const struct ed_known *known = ed_known_find(&p->r->knowledge, id);
    return known && known->label ? (eddy_str){known->label, strlen(known->label)}
                                 : (eddy_str){"", 0};
}

static void data_topic(struct ed_pass *p, struct ed_bytes *b, const struct ed_question *q)
{
    ed_json_key(b, "words");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < q->topic->n_keywords; i++)
        ed_json_text(b, q->topic->keywords[i].at, q->topic->keywords[i].n);
    ed_json_close(b, ']');
    ed_json_key(b, "events");
    ed_json_open(b, '[');
    for (size_t i = 0, shown = 0; i < q->topic->n_children && shown < SHOWN_NAMES; i++) {
        eddy_str name = name_of(p, q->topic->children[i]);
        if (name.n) {
            ed_json_text(b, name.at, name.n);
            shown++;
        }
    }
    ed_json_close(b, ']');
}

static void data(struct ed_pass *p, struct ed_bytes *b, const struct ed_question *q)
{
    ed_json_open(b, '{');
    switch (q->prompt) {
    case EDDY_PROMPT_NAME: data_name(b, q); break;
    case EDDY_PROMPT_SAME: data_same(b, q); break;
    case EDDY_PROMPT_ODD: data_odd(b, q); break;
    case EDDY_PROMPT_PLACE: data_place(b, q); break;
    case EDDY_PROMPT_PLAN: data_plan(b, q); break;
    case EDDY_PROMPT_GROUP: data_group(b, q); break;
    case EDDY_PROMPT_TOPIC: data_topic(p, b, q); break;
    default: {
        eddy_str text = q->text;
        text.n = text.n > TEXT_MAX ? ed_utf8_cut(text.at, text.n, TEXT_MAX) : text.n;
        key_text(b, "text", text);
    }
    }
    ed_json_close(b, '}');
}

/* What a question is about, for people. */
static void about(struct ed_bytes *b, const struct ed_question *q)
{
    const eddy_doubt *d = q->n_doubts ? &q->doubts[0]->doubt : NULL;
    if (q->prompt == EDDY_PROMPT_PLACE)
        ed_bytes_printf(b, "%llu", (unsigned long long)d->position);
    else if (q->event || q->topic || (d && q->prompt != EDDY_PROMPT_GROUP))
        ed_bytes_printf(b, "E%llu",
                        (unsigned long long)(q->event   ? q->event->picture.id
                                             : q->topic ? q->topic->id
                                                        : d->event));
    if (q->prompt == EDDY_PROMPT_SAME && d->other)
        ed_bytes_printf(b, " E%llu", (unsigned long long)d->other);
    for (size_t i = 0; d && q->prompt == EDDY_PROMPT_SAME && i < d->n_groups; i++)
        ed_bytes_printf(b, " %llu", (unsigned long long)d->groups[i]);
    int events = q->prompt == EDDY_PROMPT_PLACE || q->prompt == EDDY_PROMPT_GROUP;
    for (size_t i = 0; i < q->n_choices; i++) {
        uint64_t number = q->prompt == EDDY_PROMPT_ODD ? q->event->members[q->choices[i]].position
                                                       : q->choices[i];
        ed_bytes_printf(b, "%s%s%llu", i || q->prompt != EDDY_PROMPT_GROUP ? " " : "",
                        events ? "E" : "", (unsigned long long)number);
    }
    ed_bytes_add_str(b, "\n");
}

/* ---- the schema ---- */

static void property(struct ed_bytes *b, const char *key, const char *type)
{
    ed_json_key(b, key);
    ed_json_open(b, '{');
    key_text(b, "type", (eddy_str){type, strlen(type)});
    ed_json_close(b, '}');
}

/* Of the ids that a question offers. */
static void ids_enum(struct ed_bytes *b, const struct ed_question *q, const char *letter, int none)
{
    int local = *letter != 'E';
    ed_json_open(b, '{');
    key_text(b, "type", (eddy_str){"string", 6});
    ed_json_key(b, "enum");
    ed_json_open(b, '[');
    for (size_t i = 0; i < q->n_choices; i++)
        ed_json_id(b, letter, local ? i + 1 : q->choices[i]);
    if (none)
        ed_json_text(b, "none", 4);
    ed_json_close(b, ']');
    ed_json_close(b, '}');
}

static void id_lists(struct ed_bytes *b, const char *key, const struct ed_question *q,
                     const char *letter)
{
    ed_json_key(b, key);
    ed_json_open(b, '{');
    key_text(b, "type", (eddy_str){"array", 5});
    ed_json_key(b, "items");
    ed_json_open(b, '{');
    key_text(b, "type", (eddy_str){"array", 5});
    ed_json_key(b, "items");
    ids_enum(b, q, letter, 0);
    ed_json_close(b, '}');
    ed_json_close(b, '}');
}

static void category(struct ed_bytes *b, const eddy_reason_options *o)
{
    if (!o->n_categories) {
        property(b, "category", "string");
        return;
    }
    ed_json_key(b, "category");
    ed_json_open(b, '{');
    key_text(b, "type", (eddy_str){"string", 6});
    ed_json_key(b, "enum");
    ed_json_open(b, '[');
    for (size_t i = 0; i < o->n_categories; i++)
        ed_json_text(b, o->categories[i], strlen(o->categories[i]));
    ed_json_text(b, "", 0);
    ed_json_close(b, ']');
    ed_json_close(b, '}');
}

static void required(struct ed_bytes *b, const char *const *keys)
{
    ed_json_key(b, "required");
    ed_json_open(b, '[');
    for (; *keys; keys++)
        ed_json_text(b, *keys, strlen(*keys));
    ed_json_close(b, ']');
    ed_json_key(b, "additionalProperties");
    ed_json_bool(b, 0);
}

/* The object that answers one question. */
static void answer_schema(struct ed_bytes *b, const struct ed_question *q,
                          const eddy_reason_options *o)
{
    static const char *const keys[EDDY_PROMPTS][4] = {
        {"name", "summary", "category"},
        {"same", "confidence", "reason"},
        {"document", "confidence", "reason"},
        {"event", "confidence", "reason"},
        {"parts", "confidence", "reason"},
        {"groups", "confidence", "reason"},
        {"keyphrases"},
        {"name", "description"},
    };
    ed_json_open(b, '{');
    key_text(b, "type", (eddy_str){"object", 6});
    ed_json_key(b, "properties");
    ed_json_open(b, '{');
    switch (q->prompt) {
    case EDDY_PROMPT_NAME:
        property(b, "name", "string");
        property(b, "summary", "string");
        category(b, o);
        break;
    case EDDY_PROMPT_SAME: property(b, "same", "boolean"); break;
    case EDDY_PROMPT_ODD:
        ed_json_key(b, "document");
        ids_enum(b, q, "D", 1);
        break;
    case EDDY_PROMPT_PLACE:
        ed_json_key(b, "event");
        ids_enum(b, q, "E", 1);
        break;
    case EDDY_PROMPT_PLAN: id_lists(b, "parts", q, "G"); break;
    case EDDY_PROMPT_GROUP: id_lists(b, "groups", q, "E"); break;
    case EDDY_PROMPT_TOPIC:
        property(b, "name", "string");
        property(b, "description", "string");
        break;
    default:
        ed_json_key(b, "keyphrases");
        ed_json_open(b, '{');
        key_text(b, "type", (eddy_str){"array", 5});
        property(b, "items", "string");
        ed_json_close(b, '}');
    }
    if (keys[q->prompt][1] && !strcmp(keys[q->prompt][1], "confidence")) {
        property(b, "confidence", "number");
        property(b, "reason", "string");
    }
    ed_json_close(b, '}');
    required(b, keys[q->prompt]);
    ed_json_close(b, '}');
}

/* ---- put together ---- */

static void question_key(size_t i, char ret[24])
{
    snprintf(ret, 24, "Q%zu", i + 1);
}

static void schema(struct ed_pass *p, struct ed_bytes *b, struct ed_question **questions, size_t n)
{
    char key[24];
    ed_json_open(b, '{');
    key_text(b, "type", (eddy_str){"object", 6});
    ed_json_key(b, "properties");
    ed_json_open(b, '{');
    for (size_t i = 0; i < n; i++) {
        question_key(i, key);
        ed_json_key(b, key);
        answer_schema(b, questions[i], &p->r->options);
    }
    ed_json_close(b, '}');
    ed_json_key(b, "required");
    ed_json_open(b, '[');
    for (size_t i = 0; i < n; i++)
        ed_json_id(b, "Q", i + 1);
    ed_json_close(b, ']');
    ed_json_key(b, "additionalProperties");
    ed_json_bool(b, 0);
    ed_json_close(b, '}');
}

struct texts {
    struct ed_bytes data, system, user, schema, about;
};

void ed_request_key(const eddy_str *parts, size_t n, uint64_t key[2])
{
    uint64_t h[2] = {ED_FNV_BASIS, ed_mix64(ED_FNV_BASIS)};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 2; k++) {
            h[k] = ed_fnv1a(h[k], parts[i].at, parts[i].n);
            h[k] = ed_mix64(h[k] ^ parts[i].n);
        }
    key[0] = h[0] ? h[0] : 1;
    key[1] = h[1];
}

static void key_make(struct ed_asked *asked, const struct texts *t, const char *model)
{
    const eddy_str parts[] = {{asked->request.purpose, strlen(asked->request.purpose)},
                              {model ? model : "", model ? strlen(model) : 0},
                              {t->system.at, t->system.n},
                              {t->user.at, t->user.n},
                              {t->schema.at, t->schema.n}};
    ed_request_key(parts, sizeof parts / sizeof *parts, asked->key);
    snprintf(asked->request.key, sizeof asked->request.key, "%016llx%016llx",
             (unsigned long long)asked->key[0], (unsigned long long)asked->key[1]);
}

/* A line that stands nowhere in the data, whatever the seed is. */
static void marker_make(const struct ed_pass *p, const struct ed_bytes *text, char ret[40])
{
    uint64_t x = p->seed ^ ed_mix64(p->r->n_asked + 1);
    do {
        x = ed_mix64(x);
        snprintf(ret, 40, CANONICAL " %016llx", (unsigned long long)x);
    } while (text->at && strstr(text->at, ret));
}

static eddy_status fill(struct ed_pass *p, struct ed_asked *asked, struct texts *t)
{
    const struct ed_prompt *prompt = &p->r->prompts[asked->questions[0]->prompt];
    char key[24];
    ed_json_open(&t->data, '{');
    for (size_t i = 0; i < asked->n; i++) {
        if (i)
            ed_bytes_add_str(&t->data, ",\n"); /* a question a line, for those who read along */
        question_key(i, key);
        ed_bytes_printf(&t->data, "\"%s\":", key);
        data(p, &t->data, asked->questions[i]);
        about(&t->about, asked->questions[i]);
    }
    ed_bytes_add_str(&t->data, "}");
    schema(p, &t->schema, asked->questions, asked->n);
    eddy_str text = {t->data.at, t->data.n};
    ed_prompt_fill(prompt, &p->r->options, CANONICAL, text, &t->system, &t->user);
    if (t->data.failed || t->about.failed || t->schema.failed || t->system.failed || t->user.failed)
        return EDDY_NOMEM;
    key_make(asked, t, p->r->options.model);
    char marker[40];
    marker_make(p, &t->data, marker);
    ed_bytes_empty(&t->system);
    ed_bytes_empty(&t->user);
    ed_prompt_fill(prompt, &p->r->options, marker, text, &t->system, &t->user);
    return t->system.failed || t->user.failed ? EDDY_NOMEM : EDDY_OK;
}

eddy_status ed_request_make(struct ed_pass *p, struct ed_question **questions, size_t n,
                            struct ed_asked **ret)
{
    struct ed_asked *asked = ed_arena_alloc_zero(p->arena, 1, sizeof *asked);
    if (!asked)
        return EDDY_NOMEM;
    asked->questions = questions;
    asked->n = n;
    asked->request.purpose = eddy_prompt_name(questions[0]->prompt);
    if (questions[0]->prompt == EDDY_PROMPT_SAME &&
        questions[0]->doubts[0]->doubt.kind == EDDY_DOUBT_WHOLE)
        asked->request.purpose = "whole";
    asked->request.max_tokens = 40;
    for (size_t i = 0; i < n; i++)
        asked->request.max_tokens += tokens_of(questions[i]);
    struct texts t;
    ed_bytes_init(&t.data, REQUEST_MAX);
    ed_bytes_init(&t.about, REQUEST_MAX);
    ed_bytes_init(&t.system, REQUEST_MAX);
    ed_bytes_init(&t.user, REQUEST_MAX);
    ed_bytes_init(&t.schema, REQUEST_MAX);
    eddy_status st = fill(p, asked, &t);
    if (st == EDDY_OK) {
        eddy_arena *arena = p->r->asked_arena;
        asked->request.system = ed_arena_str(arena, t.system.at, t.system.n);
        asked->request.about = ed_arena_str(arena, t.about.at, t.about.n);
        asked->request.user = ed_arena_str(arena, t.user.at, t.user.n);
        asked->request.schema = ed_arena_str(arena, t.schema.at, t.schema.n);
        asked->request.tokens_in = tokens_in(asked->request.system) +
                                   tokens_in(asked->request.user) +
                                   tokens_in(asked->request.schema);
        if (!asked->request.about.at || !asked->request.system.at || !asked->request.user.at ||
            !asked->request.schema.at)
            st = EDDY_NOMEM;
    }
    ed_bytes_clear(&t.data);
    ed_bytes_clear(&t.about);
    ed_bytes_clear(&t.system);
    ed_bytes_clear(&t.user);
    ed_bytes_clear(&t.schema);
    *ret = asked;
    return st;
}
