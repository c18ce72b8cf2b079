/* Documents that give orders, and a model that obeys them as far as it can.
 *
 * tests/golden/reason/injections.jsonl has a case a line: `text` stands in every title and keyword
 * of a view with questions of all kinds; the model answers with `reply`, or else fills every field
 * that it is asked for, and some that it is not, with `says` and with `ids`. Every operation that
 * comes out is held against the offer.
 *
 * There are two such views: one made by hand, in which nothing is left out; and those of an engine
 * that was given documents with that text, pass after pass. There the operations are applied, and
 * what they change has to be theirs. */
#ifndef EDDY_TEST_REASON_INJECTIONS_H
#define EDDY_TEST_REASON_INJECTIONS_H

#include "engine_support.h"
#include "reason_offer.h"
#include "reason_support.h"

#include "base/json.h"

#include <jansson.h>

struct injections {
    size_t cases, operations, requests, outside, unquoted;
    size_t applied;                /* by engines */
    size_t asked_of[EDDY_PROMPTS]; /* requests about views of engines, by their prompt */
    int of_engine;                 /* 1: such a view is asked about now */
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
        for (int p = 0; p < EDDY_PROMPTS; p++)
            o->result->asked_of[p] +=
                o->result->of_engine &&
                !strcmp(requests[i].purpose, eddy_prompt_name((eddy_prompt)p));
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

/* ---- a view that an engine makes ---- */

#define INJECTED_DOCS   300
#define INJECTED_EVENTS 20
#define INJECTED_ROUNDS 3 /* of obedience in other ways, as far as there are so many */

/* A document goes where it is like nobody: the odd one of the tightest event of some size. */
static inline void injected_stray(eddy_clusterer *cl)
{
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *ids;
    size_t n;
    uint64_t tight = 0, other = 0;
    float cohesion = -1;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        eddy_event event;
        CHECK_OK(eddy_clusterer_event(cl, ids[i], arena, &event, &err), &err);
        if (event.size < 6)
            continue;
        int tighter = event.cohesion > cohesion;
        other = tighter ? tight : ids[i];
        tight = tighter ? ids[i] : tight;
        cohesion = tighter ? event.cohesion : cohesion;
    }
    const eddy_member *members;
    eddy_outcome outcome;
    CHECK_OK(eddy_clusterer_members(cl, other, arena, &members, &n, &err), &err);
    const eddy_operation op = {.kind = EDDY_OPERATION_REASSIGN,
                               .actor = EDDY_PERSON,
                               .event = other,
                               .other = tight,
                               .position = members[0].position};
    CHECK_OK(eddy_clusterer_apply(cl, &op, &outcome, &err), &err);
    assert_int_equal(outcome.refusal, EDDY_APPLIED);
    eddy_arena_free(arena);
}

/* A third of the events turn away from where they began, so that they end up loose; another third
 * come in families that are hard to tell apart. */
static inline void injected_bend(struct stream *s)
{
    for (size_t i = 0; i < s->n; i++) {
        float *x = s->vectors + i * STREAM_DIM;
        uint64_t event = s->gold[i], kind = event % 3;
        double turned = 1.4 * (double)i / (double)s->n;
        double own = kind == 1 ? cos(turned) : kind == 2 ? 0.8 : 1;
        double other = kind == 1 ? sin(turned) : kind == 2 ? 0.6 : 0;
        uint64_t towards = kind == 1 ? event + 1000 : 2000 + event / 9;
        for (size_t d = 0; d < STREAM_DIM; d++) {
            double y = (double)(ed_mix64(towards * 7919 + d) >> 11) * 0x1p-53 - 0.5;
            x[d] = (float)(own * (double)x[d] + other * y / 1.6);
        }
    }
}

/* An engine whose documents all have the text as their title and id, and every second event as a
 * word. */
static inline eddy_clusterer *injected_engine(eddy_str text)
{
    eddy_engine_options options = stream_options();
    eddy_clusterer *cl = NULL;
    eddy_assignment answers[INJECTED_DOCS];
    eddy_error err = {0};
    options.repair_every = 64;
    struct stream s = stream_make(7, INJECTED_DOCS, INJECTED_EVENTS, 1.2);
    injected_bend(&s);
    for (size_t i = 0; i < s.n; i++) {
        eddy_term *word = &s.terms[i * STREAM_WORDS];
        s.rows[i].id = s.rows[i].title = text;
        if (s.gold[i] % 2)
            *word = (eddy_term){ed_fnv1a(ED_FNV_BASIS, text.at, text.n), text.at,
                                (uint16_t)ed_utf8_cut(text.at, text.n, 60), 1};
    }
    CHECK_OK(eddy_clusterer_new(&options, &cl, &err), &err);
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, s.n, answers, &err), &err);
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    injected_stray(cl);
    stream_free(&s);
    return cl;
}

/* What the operation changed is of the events that it names, or new. NULL: it is. */
static inline const char *injected_apply(eddy_clusterer *cl, const eddy_operation *op,
                                         struct injections *result)
{
    eddy_engine_stats stats;
    eddy_outcome outcome;
    const eddy_change *changes;
    eddy_clusterer_stats(cl, &stats);
    const uint64_t own[] = {op->event, op->other, eddy_clusterer_where(cl, op->event),
                            op->other ? eddy_clusterer_where(cl, op->other) : 0};
    if (eddy_clusterer_apply(cl, op, &outcome, NULL) != EDDY_OK)
        return "an operation that makes no sense";
    if (outcome.refusal)
        return NULL;
    result->applied++;
    size_t n = eddy_clusterer_changes(cl, &changes);
    for (size_t i = 0; i < n; i++) {
        const uint64_t touched[] = {changes[i].event, changes[i].other};
        for (size_t k = 0; k < 2; k++) {
            uint64_t id = touched[k];
            int is_own = !id || EDDY_IS_TOPIC(id) ? !id || id == own[0] : id > stats.events_born;
            for (size_t j = 0; j < 4; j++)
                is_own |= id == own[j];
            if (!is_own)
                return "it changed what it does not name";
        }
    }
    return NULL;
}

static inline void injection_pass(const eddy_reason_options *options, struct obeying *o,
                                  const char *name, const eddy_view *view, eddy_clusterer *cl)
{
    struct injections *result = o->result;
    eddy_reasoner *r = NULL;
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_operation *ops = NULL;
    size_t n = 0;
    eddy_str phrases = {"", 0};
    result->of_engine = cl != NULL;
    if (eddy_reasoner_new(options, &r, NULL) != EDDY_OK ||
        eddy_reasoner_pass(r, view, 0, o->round, arena, &ops, &n, NULL) != EDDY_OK ||
        eddy_reasoner_keyphrases(r, &o->text, 1, 0, o->round + 1, arena, &phrases, NULL) != EDDY_OK)
        injection_wrong(result, &result->outside, name, "the pass failed");
    else if (!offer_plain(phrases, 8 * 62))
        injection_wrong(result, &result->outside, name, "keyphrases that are not plain");
    for (size_t i = 0; i < n; i++) {
        const char *why = offer_denies(view, &ops[i]);
        if (!why && cl)
            why = injected_apply(cl, &ops[i], result);
        if (why)
            injection_wrong(result, &result->outside, name, why);
    }
    result->operations += n;
    eddy_reason_stats stats;
    eddy_reasoner_stats(r, &stats);
    result->names_cleaned += stats.names_cleaned;
    result->ignored += stats.ignored;
    eddy_arena_free(arena);
    eddy_reasoner_free(r);
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
    eddy_clusterer *cl = injected_engine(o.text);
    eddy_arena *arena = eddy_arena_new(0);
    for (o.round = 0; o.round < rounds; o.round++) {
        o.reply = o.round ? NULL : json_string_value(json_object_get(line, "reply"));
        struct made *m = injection_view(o.text);
        injection_pass(&options, &o, name, &m->view, NULL);
        free(m);
        if (o.round >= INJECTED_ROUNDS)
            continue;
        eddy_view view;
        eddy_error err = {0};
        eddy_arena_reset(arena);
        CHECK_OK(eddy_view_take(cl, EDDY_VIEW_WHOLE | EDDY_VIEW_DOUBTS, 16, arena, &view, &err),
                 &err);
        injection_pass(&options, &o, name, &view, cl);
    }
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
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
