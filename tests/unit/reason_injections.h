/* Documents that give orders, and a model that obeys them as far as it can.
 *
 * tests/golden/reason/injections.jsonl has a case a line: `text` stands in every title and keyword
 * of a view with questions of all kinds; the model answers with `reply`, or else fills every field
 * that it is asked for, and some that it is not, with `says` and with `ids`. Every operation that
 * comes out is held against the offer. */
#ifndef EDDY_TEST_REASON_INJECTIONS_H
#define EDDY_TEST_REASON_INJECTIONS_H

#include "reason_offer.h"
#include "reason_support.h"

#include "base/json.h"

#include <jansson.h>

struct injections {
    size_t cases, operations, requests, outside, unquoted;
    uint64_t names_cleaned, ignored;
    char first[300]; /* what was wrong first */
};

struct obeying {
    eddy_str text, says;
    const json_t *ids;
    const char *reply; /* NULL: made to order */
    size_t round;
    struct injections *result;
};

static inline void injection_wrong(struct injections *result, size_t *count, const char *name,
                                   const char *what)
{
    if (!result->outside && !result->unquoted)
        snprintf(result->first, sizeof result->first, "%s: %s", name, what);
    (*count)++;
}

static inline eddy_str injection_text(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    return (eddy_str){json_string_value(value), json_string_length(value)};
}

static inline void injection_lists(struct ed_bytes *b, const struct obeying *o, const char *key,
                                   const char *first, const char *second)
{
    ed_json_key(b, key);
    ed_json_open(b, '[');
    ed_json_open(b, '[');
    ed_json_text(b, first, strlen(first));
    for (size_t i = 0; i < json_array_size(o->ids); i++) {
        const json_t *id = json_array_get(o->ids, i);
        ed_json_text(b, json_string_value(id), json_string_length(id));
    }
    ed_json_close(b, ']');
    ed_json_open(b, '[');
    ed_json_text(b, second, strlen(second));
    ed_json_close(b, ']');
    ed_json_close(b, ']');
}

/* All that a question of any kind may ask for. */
static inline void injection_answer(struct ed_bytes *b, const struct obeying *o)
{
    static const char *const says[] = {"name", "summary", "description", "category", "reason"};
    ed_json_open(b, '{');
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        ed_json_key(b, says[i]);
        ed_json_text(b, o->says.at, o->says.n);
    }
    ed_json_key(b, "same");
    ed_json_bool(b, (int)(o->round & 1));
    ed_json_key(b, "confidence");
    ed_json_integer(b, 1);
    const json_t *id = json_array_get(o->ids, o->round % (json_array_size(o->ids) + 1));
    const char *label = json_string_value(id);
    static const char *const one[] = {"event", "document"};
    for (size_t i = 0; i < 2; i++) {
        ed_json_key(b, one[i]);
        ed_json_text(b, label ? label : "none", label ? strlen(label) : 4);
    }
    injection_lists(b, o, "parts", "G1", "G2");
    injection_lists(b, o, "groups", "E1", "E2");
    ed_json_key(b, "keyphrases");
    ed_json_open(b, '[');
    ed_json_text(b, o->says.at, o->says.n);
    ed_json_close(b, ']');
    ed_json_close(b, '}');
}

/* The system message has nothing of the document, and the data is JSON between two equal lines. */
static inline void injection_quoted(struct obeying *o, const eddy_request *request)
{
    if (o->text.n > 12 && strstr(request->system.at, o->text.at))
        injection_wrong(o->result, &o->result->unquoted, o->text.at, "it is in the system message");
    const char *start = strchr(request->user.at, '\n');
    const char *end = strrchr(request->user.at, '\n');
    json_t *data = start && end > start
                       ? json_loadb(start, (size_t)(end - start), JSON_ALLOW_NUL, NULL)
                       : NULL;
    char marker[64];
    snprintf(marker, sizeof marker, "%.*s", start ? (int)(start - request->user.at) : 0,
             request->user.at);
    if (!data || strcmp(end + 1, marker) != 0 || strstr(start, marker) != end + 1)
        injection_wrong(o->result, &o->result->unquoted, o->text.at, "the data is not quoted");
    json_decref(data);
}

static inline void injection_complete(void *self, const eddy_request *requests, size_t n,
                                      eddy_arena *arena, eddy_reply *replies)
{
    struct obeying *o = self;
    for (size_t i = 0; i < n; i++) {
        o->result->requests++;
        injection_quoted(o, &requests[i]);
        replies[i].status = EDDY_OK;
        if (o->reply) {
            replies[i].text = text_of(o->reply);
            continue;
        }
        struct ed_bytes b;
        ed_bytes_init(&b, 0);
        ed_json_open(&b, '{');
        for (size_t q = 1; q <= 12; q++) { /* more than were asked */
            char key[8];
            snprintf(key, sizeof key, "Q%zu", q);
            ed_json_key(&b, key);
            injection_answer(&b, o);
        }
        ed_json_key(&b, "merge");
        injection_answer(&b, o);
        ed_json_close(&b, '}');
        replies[i].text = ed_arena_str(arena, b.at, b.n);
        ed_bytes_clear(&b);
    }
}

/* Questions of all kinds, with the text in every place that a document fills. */
static inline struct made *injection_view(eddy_str text)
{
    struct made *m = made_new();
    static const char *const titles[] = {"a", "b", "c", "d", "e", "f", NULL};
    static const char *const words[] = {"w", "x", NULL};
    for (uint64_t id = 1; id <= 3; id++)
        made_event(m, id, 10 * (double)id, titles, words);
    m->members[2 * 6 + 5].similarity = 0.01F; /* event 3 has an odd one */
    eddy_view_event *loose = made_event(m, 7, 40, titles, words);
    loose->picture.cohesion = 0.1F;
    made_doubt(m, EDDY_DOUBT_SAME, 1, 2, 0.39, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_SAME, 2, 3, 0.39, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_SAME, 3, 1, 0.39, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_SAME, 4, 5, 0.45, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_WHOLE, 6, 0, 0.45, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_WHOLE, 7, 0, 0.45, quake, quake_too);
    made_place(m, "x", 8, 9, quake, strike)->document.title = text;
    for (size_t i = 0; i < m->n_members; i++)
        m->members[i].title = text;
    for (size_t i = 0; i < m->view.n_events; i++) {
        eddy_event *picture = &m->events[i].picture;
        picture->name = text;
        for (uint32_t k = 0; k < picture->n_exemplars; k++)
            picture->exemplars[k].title = text;
        for (uint32_t k = 0; k < picture->n_keywords; k++)
            picture->keywords[k].word = text;
    }
    m->children[0] = 1;
    m->children[1] = 2;
    m->topics[m->view.n_topics++] = (eddy_topic){.id = 30,
                                                 .level = 1,
                                                 .version = 4,
                                                 .name = text,
                                                 .n_events = 2,
                                                 .n_children = 2,
                                                 .children = m->children,
                                                 .n_keywords = 1,
                                                 .keywords = {text}};
    return m;
}

static inline void injection_case(const json_t *line, struct injections *result)
{
    const char *name = json_string_value(json_object_get(line, "name"));
    struct obeying o = {.text = injection_text(line, "text"),
                        .says = injection_text(line, "says"),
                        .ids = json_object_get(line, "ids"),
                        .result = result};
    static const char *const categories[] = {"disaster", "labour"};
    eddy_reason_options options;
    eddy_reason_options_init(&options);
    options.completer = (eddy_completer){&o, injection_complete};
    options.model = "obeying";
    options.categories = categories;
    options.n_categories = 2;
    options.cache_max = 0;
    size_t rounds = json_array_size(o.ids) + 2;
    for (o.round = 0; o.round < rounds; o.round++) {
        o.reply = o.round ? NULL : json_string_value(json_object_get(line, "reply"));
        eddy_reasoner *r = NULL;
        eddy_arena *arena = eddy_arena_new(0);
        struct made *m = injection_view(o.text);
        const eddy_operation *ops = NULL;
        size_t n = 0;
        eddy_str phrases;
        if (eddy_reasoner_new(&options, &r, NULL) != EDDY_OK ||
            eddy_reasoner_pass(r, &m->view, 0, o.round, arena, &ops, &n, NULL) != EDDY_OK ||
            eddy_reasoner_keyphrases(r, &o.text, 1, 0, o.round, arena, &phrases, NULL) != EDDY_OK)
            injection_wrong(result, &result->outside, name, "the pass failed");
        else if (!offer_plain(phrases, 8 * 62))
            injection_wrong(result, &result->outside, name, "keyphrases that are not plain");
        for (size_t i = 0; i < n; i++) {
            const char *why = offer_denies(&m->view, &ops[i]);
            if (why)
                injection_wrong(result, &result->outside, name, why);
        }
        result->operations += n;
        eddy_reason_stats stats;
        eddy_reasoner_stats(r, &stats);
        result->names_cleaned += stats.names_cleaned;
        result->ignored += stats.ignored;
        free(m);
        eddy_arena_free(arena);
        eddy_reasoner_free(r);
    }
    result->cases++;
}

/* 0: the corpus cannot be read. */
static inline int injections_run(const char *path, struct injections *ret)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return 0;
    memset(ret, 0, sizeof *ret);
    char *text = NULL;
    size_t room = 0;
    ssize_t n;
    int read = 1;
    while (read && (n = getline(&text, &room, in)) > 0) {
        json_t *line = json_loadb(text, (size_t)n, JSON_ALLOW_NUL, NULL);
        read = line != NULL;
        if (line)
            injection_case(line, ret);
        json_decref(line);
    }
    free(text);
    fclose(in);
    return read && ret->cases > 0;
}

#endif
