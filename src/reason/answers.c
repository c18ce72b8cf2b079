/* Answers: a reply's text into the answers of its questions.
 *
 * Only what was asked and offered comes through: question ids, ids of events, documents and groups
 * are compared letter by letter with those that were shown, a category with the vocabulary. What is
 * missing, too much, said twice or of the wrong kind is counted, and its question stays unanswered;
 * one wrong answer does not spoil those beside it. */
#include "reason/inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is being read. */
struct reading {
    struct ed_pass *p;
    const struct ed_asked *asked;
    int nomem;
};

/* The property without which there is no answer. */
static const char *main_key(eddy_prompt prompt)
{
    static const char *const keys[EDDY_PROMPTS] = {"name",  "same",   "document",   "event",
                                                   "parts", "groups", "keyphrases", "name"};
    return keys[prompt];
}

/* ---- shapes ---- */

/* The number of the question that the id names, or NOTHING. */
static size_t question_of(const struct ed_asked *asked, const char *id)
{
    if (!id || id[0] != 'Q' || id[1] < '1' || id[1] > '9')
        return NOTHING;
    char *end;
    unsigned long i = strtoul(id + 1, &end, 10);
    return *end || strlen(id) > 6 || i > asked->n ? NOTHING : i - 1;
}

static int has_questions(const struct ed_asked *asked, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key,
                            item) if (question_of(asked, key) != NOTHING) return 1;
    } else if (json_is_array(value)) {
        json_array_foreach(
            value, i,
            item) if (question_of(asked, json_string_value(json_object_get(item, "id"))) !=
                      NOTHING) return 1;
    }
    return 0;
}

/* {"answers": ...}: what an only property holds. */
static const json_t *unwrapped(const json_t *value)
{
    if (!json_is_object(value) || json_object_size(value) != 1)
        return value;
    return json_object_iter_value(json_object_iter((json_t *)(uintptr_t)value));
}

static int is_bare(const struct ed_asked *asked, const json_t *value)
{
    return asked->n == 1 && json_object_get(value, main_key(asked->questions[0]->prompt)) &&
           !json_object_get(value, "id");
}

static int fits(const json_t *value, int outermost, const void *self)
{
    const struct ed_asked *asked = self;
    return has_questions(asked, value) || has_questions(asked, unwrapped(value)) ||
           (outermost && is_bare(asked, value));
}

/* The answer of each question, if it has one and only one, to (asked->n) ret. */
static void sort_out(struct reading *rd, const json_t *value, const json_t **ret)
{
    const struct ed_asked *asked = rd->asked;
    uint64_t *ignored = &rd->p->r->stats.ignored;
    const char *key;
    json_t *item;
    size_t i;
    if (!has_questions(asked, value) && !is_bare(asked, value))
        value = unwrapped(value);
    if (!has_questions(asked, value)) {
        ret[0] = value;
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            size_t q = question_of(asked, key);
            if (q == NOTHING)
                (*ignored)++;
            else
                ret[q] = item;
        }
    } else {
        json_array_foreach(value, i, item)
        {
            size_t q = question_of(asked, json_string_value(json_object_get(item, "id")));
            if (q == NOTHING || ret[q])
                (*ignored)++;
            if (q != NOTHING)
                ret[q] = ret[q] && !json_equal(ret[q], item) ? json_null() : item;
        }
    }
}

/* ---- values ---- */

static eddy_str string_of(const json_t *item, const char *key)
{
    const json_t *value = json_object_get(item, key);
    const char *text = json_string_value(value);
    return text ? (eddy_str){text, json_string_length(value)} : (eddy_str){"", 0};
}

/* 1, 0, or -1: neither. */
static int truth_of(const json_t *value)
{
    if (json_is_boolean(value))
        return json_is_true(value);
    const char *text = json_string_value(value);
    if (!text)
        return -1;
    if (!strcasecmp(text, "true") || !strcasecmp(text, "yes"))
        return 1;
    return !strcasecmp(text, "false") || !strcasecmp(text, "no") ? 0 : -1;
}

/* From 0 to 1, or in per cent; NaN: it was not said. */
static double confidence_of(const json_t *item)
{
    const json_t *value = json_object_get(item, "confidence");
    double x = NAN;
    if (json_is_number(value)) {
        x = json_number_value(value);
    } else if (json_is_string(value)) {
        char *end;
        x = strtod(json_string_value(value), &end);
        if (end == json_string_value(value) || (*end && strcmp(end, "%") != 0))
            x = NAN;
        else if (*end)
            x /= 100;
    }
    if (x > 1 && x <= 100)
        x /= 100;
    return x >= 0 && x <= 1 ? x : NAN;
}

/* Which of the choices the label names, letter by letter, or NOTHING. */
static size_t choice_of(const struct ed_question *q, const char *label)
{
    char letter = q->prompt == EDDY_PROMPT_ODD ? 'D' : q->prompt == EDDY_PROMPT_PLAN ? 'G' : 'E';
    for (size_t i = 0; label && i < q->n_choices; i++) {
        char own[32];
        uint64_t number = letter == 'E' ? q->choices[i] : i + 1;
        snprintf(own, sizeof own, "%c%llu", letter, (unsigned long long)number);
        if (!strcmp(own, label))
            return i;
    }
    return NOTHING;
}

static void plain(struct reading *rd, eddy_str text, size_t chars, size_t bytes, eddy_str *ret,
                  int *changed)
{
    if (ed_plain(text, chars, bytes, rd->p->arena, ret, changed) != EDDY_OK)
        rd->nomem = 1;
}

/* ---- one answer each; 1: it is one ---- */

static int read_choice(struct reading *rd, const struct ed_question *q, const json_t *item,
                       struct ed_answer *ret)
{
    const char *label = json_string_value(json_object_get(item, main_key(q->prompt)));
    if (!label)
        return 0;
    ret->choice = choice_of(q, label);
    if (ret->choice == NOTHING && strcasecmp(label, "none") != 0) {
        rd->p->r->stats.ignored++;
        return 0;
    }
    return 1;
}

/* A list of lists of labels. What is named in two of them makes all of it void. A plan has to name
 * every group exactly once and nothing else: one that was cut short would read as "it is one
 * event". Of a set of events some may be left out; nothing is said of those. */
static int read_parts(struct reading *rd, const struct ed_question *q, const json_t *item,
                      struct ed_answer *ret)
{
    const json_t *list = json_object_get(item, main_key(q->prompt));
    const json_t *part;
    const json_t *label;
    size_t i;
    size_t k;
    size_t n_named = 0; /* also what was not offered or is named twice */
    size_t n_parted = 0;
    json_array_foreach(list, i, part)
    {
        int any = 0;
        json_array_foreach(part, k, label)
        {
            size_t c = choice_of(q, json_string_value(label));
            n_named++;
            if (c == NOTHING) {
                rd->p->r->stats.ignored++;
                continue;
            }
            uint8_t number = (uint8_t)(ret->n_parts + 1);
            if (ret->part[c] && ret->part[c] != number)
                return 0;
            n_parted += !ret->part[c];
            ret->part[c] = number;
            any = 1;
        }
        ret->n_parts += (size_t)any;
    }
    if (q->prompt == EDDY_PROMPT_PLAN && (n_parted != q->n_choices || n_named != n_parted))
        return 0;
    return ret->n_parts > 0;
}

static void read_category(struct reading *rd, const json_t *item, struct ed_answer *ret)
{
    const eddy_reason_options *o = &rd->p->r->options;
    eddy_str given = string_of(item, "category");
    if (!o->n_categories) {
        plain(rd, given, EDDY_CATEGORY_MAX / 2, EDDY_CATEGORY_MAX, &ret->category, NULL);
        return;
    }
    for (size_t i = 0; i < o->n_categories; i++)
        if (!strcasecmp(o->categories[i], given.at)) {
            ret->category = (eddy_str){o->categories[i], strlen(o->categories[i])};
            return;
        }
    rd->p->r->stats.ignored += given.n > 0;
}

static int read_name(struct reading *rd, const struct ed_question *q, const json_t *item,
                     struct ed_answer *ret)
{
    int changed = 0;
    plain(rd, string_of(item, "name"), NAME_CHARS, EDDY_NAME_MAX, &ret->name, &changed);
    while (ret->name.n && ret->name.at[ret->name.n - 1] == '.' &&
           (ret->name.n < 2 || ret->name.at[ret->name.n - 2] != '.'))
        ret->name.n--;
    const char *summary = q->prompt == EDDY_PROMPT_TOPIC ? "description" : "summary";
    plain(rd, string_of(item, summary), SUMMARY_CHARS, EDDY_SUMMARY_MAX, &ret->summary, &changed);
    if (q->prompt == EDDY_PROMPT_NAME)
        read_category(rd, item, ret);
    rd->p->r->stats.names_cleaned += (uint64_t)changed;
    return ret->name.n > 0;
}

static int read_phrases(struct reading *rd, const json_t *item, struct ed_answer *ret)
{
    struct ed_bytes b;
    ed_bytes_init(&b, (PHRASE_CHARS * 4 + 2) * PHRASES);
    const json_t *phrase;
    size_t i;
    size_t n = 0;
    json_array_foreach(json_object_get(item, "keyphrases"), i, phrase)
    {
        eddy_str text = {json_string_value(phrase), json_string_length(phrase)};
        eddy_str clean = {"", 0};
        if (text.at && n < PHRASES)
            plain(rd, text, PHRASE_CHARS, PHRASE_CHARS * 4, &clean, NULL);
        if (!clean.n) {
            rd->p->r->stats.ignored++;
            continue;
        }
        ed_bytes_add_str(&b, n++ ? ", " : "");
        ed_bytes_add(&b, clean.at, clean.n);
    }
    ret->phrases = ed_arena_str(rd->p->arena, b.n ? b.at : "", b.n);
    rd->nomem |= b.failed || !ret->phrases.at;
    ed_bytes_clear(&b);
    return n > 0;
}

static int read_answer(struct reading *rd, const struct ed_question *q, const json_t *item,
                       struct ed_answer *ret)
{
    if (!json_is_object(item))
        return 0;
    ret->confidence = confidence_of(item);
    ret->choice = NOTHING;
    plain(rd, string_of(item, "reason"), REASON_CHARS, REASON_CHARS, &ret->reason, NULL);
    switch (q->prompt) {
    case EDDY_PROMPT_SAME:
        ret->same = truth_of(json_object_get(item, "same"));
        return ret->same >= 0;
    case EDDY_PROMPT_ODD:
    case EDDY_PROMPT_PLACE: return read_choice(rd, q, item, ret);
    case EDDY_PROMPT_PLAN:
    case EDDY_PROMPT_GROUP: return read_parts(rd, q, item, ret);
    case EDDY_PROMPT_KEYPHRASES: return read_phrases(rd, item, ret);
    default: return read_name(rd, q, item, ret);
    }
}

eddy_status ed_answers_read(struct ed_pass *p, struct ed_asked *asked, eddy_str text)
{
    struct reading rd = {.p = p, .asked = asked};
    asked->n_answered = 0;
    json_t *value = ed_extract(text.at, text.n, fits, asked);
    if (!value)
        return EDDY_OK;
    const json_t **items = ed_arena_alloc_zero(p->arena, asked->n, sizeof *items);
    if (!items) {
        json_decref(value);
        return EDDY_NOMEM;
    }
    sort_out(&rd, value, items);
    for (size_t i = 0; i < asked->n; i++) {
        struct ed_question *q = asked->questions[i];
        struct ed_answer answer = {0};
        if (q->answered || !read_answer(&rd, q, items[i], &answer))
            continue;
        q->answer = answer;
        q->answered = 1;
        q->asked = asked;
        asked->n_answered++;
    }
    json_decref(value);
    asked->reply_hash = ed_mix64(ed_fnv1a(ED_FNV_BASIS, text.at, text.n));
    return rd.nomem ? EDDY_NOMEM : EDDY_OK;
}
