/* Rules: read from their line, and held against what there is to see. */
#include "publish/rules.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLEAR     0.8
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   3.6e6
#define DAY       1440 /* minutes */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

const char *ed_kind_name(int kind)
{
    return kind == ED_KIND_TEMPLATE_FOUNDED ? "template_founded"
                                            : eddy_change_name((eddy_change_kind)kind);
}

/* ---- reading ---- */

/* The next part of a text up to one of the separators; 0: there is none. */
static int next_part(const char **at, const char *separators, eddy_str *ret)
{
    *at += strspn(*at, separators);
    *ret = (eddy_str){*at, strcspn(*at, separators)};
    *at += ret->n;
    return ret->n > 0;
}

static int is(eddy_str s, const char *word)
{
    return s.n == strlen(word) && memcmp(s.at, word, s.n) == 0;
}

static eddy_status read_kinds(const char *value, uint64_t *ret, eddy_error *err)
{
    eddy_str part;
    while (next_part(&value, "|", &part)) {
        int kind = 0;
        while (kind < ED_KINDS && !is(part, ed_kind_name(kind)))
            kind++;
        if (kind == ED_KINDS)
            return eddy_fail(err, EDDY_CONFIG, "there is no kind of change '%.*s'", (int)part.n,
                             part.at);
        *ret |= UINT64_C(1) << kind;
    }
    return EDDY_OK;
}

static eddy_status read_number(const char *value, double *ret, eddy_error *err)
{
    char *end;
    *ret = strtod(value, &end);
    if (end == value || *end || !isfinite(*ret) || *ret < 0)
        return eddy_fail(err, EDDY_CONFIG, "'%s' is not a number of at least 0", value);
    return EDDY_OK;
}

static eddy_status read_hold(const char *value, int64_t *ret, eddy_error *err)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"s", 1e3}, {"m", 6e4}, {"h", HOUR_MS}, {"d", 24 * HOUR_MS}};
    char *end;
    double x = strtod(value, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (end != value && x > 0 && x < 1e6 && strcmp(end, units[i].name) == 0) {
            *ret = (int64_t)(x * units[i].ms);
            return EDDY_OK;
        }
    return eddy_fail(err, EDDY_CONFIG, "'%s' is not a duration (such as 30m, 12h, 7d)", value);
}

static eddy_status read_quiet(const char *value, struct ed_rule *ret, eddy_error *err)
{
    int h[2], m[2], n = 0;
    if (sscanf(value, "%2d:%2d-%2d:%2d%n", &h[0], &m[0], &h[1], &m[1], &n) != 4 || value[n] ||
        h[0] < 0 || h[0] > 23 || h[1] < 0 || h[1] > 24 || m[0] < 0 || m[0] > 59 || m[1] < 0 ||
        m[1] > 59)
        return eddy_fail(err, EDDY_CONFIG, "'%s' is not a part of the day (such as 22:00-07:00)",
                         value);
    ret->quiet_from = h[0] * 60 + m[0];
    ret->quiet_to = (h[1] * 60 + m[1]) % DAY;
    return EDDY_OK;
}

static eddy_status read_topic(const char *value, uint64_t *ret, eddy_error *err)
{
    char *end = NULL;
    *ret = *value == 'T' && value[1] >= '0' && value[1] <= '9' ? strtoull(value + 1, &end, 10) : 0;
    return *ret && !*end ? EDDY_OK
                         : eddy_fail(err, EDDY_CONFIG, "'%s' is not a topic (such as T3)", value);
}

/* "size>=10" and the like. 0: it is something else. */
static int read_condition(const char *word, struct ed_rule *ret, eddy_status *st, eddy_error *err)
{
    static const char *const names[ED_MEASURES] = {"size", "rate", "growth", "novelty"};
    size_t n = strcspn(word, "<>=");
    if ((word[n] != '<' && word[n] != '>') || word[n + 1] != '=')
        return 0;
    int measure = 0;
    while (measure < ED_MEASURES && !is((eddy_str){word, n}, names[measure]))
        measure++;
    if (measure == ED_MEASURES)
        *st = eddy_fail(err, EDDY_CONFIG, "there is no measure '%.*s'", (int)n, word);
    else if (ret->n_conditions == ED_RULE_CONDITIONS)
        *st = eddy_fail(err, EDDY_CONFIG, "more than %d conditions", ED_RULE_CONDITIONS);
    else {
        struct ed_rule_condition *c = &ret->conditions[ret->n_conditions++];
        c->measure = (enum ed_measure)measure;
        c->most = word[n] == '<';
        *st = read_number(word + n + 2, &c->value, err);
    }
    return 1;
}

static eddy_status read_setting(char *word, struct ed_rule *ret, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    if (read_condition(word, ret, &st, err))
        return st;
    char *value = strchr(word, '=');
    if (!value || !value[1])
        return eddy_fail(err, EDDY_CONFIG, "'%s' is neither NAME=VALUE nor a condition", word);
    *value++ = 0;
    if (!strcmp(word, "kind"))
        return read_kinds(value, &ret->kinds, err);
    if (!strcmp(word, "hold"))
        return read_hold(value, &ret->hold_ms, err);
    if (!strcmp(word, "quiet"))
        return read_quiet(value, ret, err);
    if (!strcmp(word, "topic"))
        return read_topic(value, &ret->topic, err);
    if (!strcmp(word, "clear")) {
        st = read_number(value, &ret->clear, err);
        return st == EDDY_OK && ret->clear > 1
                   ? eddy_fail(err, EDDY_CONFIG, "clear is a share, 0 to 1")
                   : st;
    }
    if (!strcmp(word, "keywords"))
        ret->keywords = value;
    else if (!strcmp(word, "severity") && strspn(value, letters) == strlen(value))
        ret->severity = value;
    else
        return eddy_fail(err, EDDY_CONFIG, "there is no '%s' in a rule, or not '%s'", word, value);
    return EDDY_OK;
}

/* Only changes tell how much more came than before. */
static eddy_status rule_check(const struct ed_rule *rule, eddy_error *err)
{
    for (size_t i = 0; i < rule->n_conditions; i++)
        if (rule->conditions[i].measure == ED_MEASURE_GROWTH && !rule->kinds)
            return eddy_fail(err, EDDY_CONFIG,
                             "growth needs a kind that tells it: grew, burst or trend");
    if (!rule->kinds && !rule->n_conditions && !rule->keywords && !rule->topic)
        return eddy_fail(err, EDDY_CONFIG, "it asks for nothing: give a kind or a condition");
    return EDDY_OK;
}

eddy_status ed_rule_read(const char *text, eddy_arena *arena, struct ed_rule *ret, eddy_error *err)
{
    struct ed_rule rule = {.severity = "warning", .clear = CLEAR};
    eddy_status st = EDDY_OK;
    eddy_str part;
    while (st == EDDY_OK && next_part(&text, " \t", &part)) {
        eddy_str word = ed_arena_str(arena, part.at, part.n);
        if (!word.at)
            return eddy_fail_nomem(err, "rule", part.n);
        if (rule.name) {
            st = read_setting((char *)(uintptr_t)word.at, &rule, err);
        } else if (word.n <= ED_RULE_NAME && strspn(word.at, letters) == word.n) {
            rule.name = word.at;
        } else {
            st = eddy_fail(err, EDDY_CONFIG,
                           "'%s' cannot be the name of a rule: 1 to %d letters, digits, '.', '_' "
                           "or '-'",
                           word.at, ED_RULE_NAME);
        }
    }
    if (st == EDDY_OK && !rule.name)
        st = eddy_fail(err, EDDY_CONFIG, "a rule begins with its name");
    if (st == EDDY_OK)
        st = rule_check(&rule, err);
    if (st == EDDY_OK)
        *ret = rule;
    return st;
}

/* ---- holding ---- */

void ed_seen_measure(struct ed_seen *seen, const eddy_event *event, const eddy_change *change)
{
    double *m = seen->measures;
    m[ED_MEASURE_SIZE] = change ? change->size_after : NAN;
    m[ED_MEASURE_RATE] = m[ED_MEASURE_GROWTH] = m[ED_MEASURE_NOVELTY] = NAN;
    if (event) {
        double age_ms = (double)(event->stream_ms - event->first_ms);
        m[ED_MEASURE_SIZE] = event->size;
        m[ED_MEASURE_RATE] = event->seen / fmax(age_ms / HOUR_MS, 1);
        m[ED_MEASURE_NOVELTY] =
            event->n_similar ? fmin(1 - (double)event->similar[0].similarity, 1) : 1;
    }
    if (!change)
        return;
    if (change->kind == EDDY_BURST || change->kind == EDDY_TREND) {
        double ms =
            change->kind == EDDY_TREND ? HOUR_MS : (double)(change->time_ms - change->start_ms);
        m[ED_MEASURE_RATE] = change->observed / fmax(ms / HOUR_MS, 1.0 / 60);
        m[ED_MEASURE_GROWTH] = change->observed / change->expected;
    } else if (change->kind == EDDY_GREW) {
        m[ED_MEASURE_GROWTH] = change->size_after / change->size_before;
    }
}

static int condition_holds(const struct ed_rule *rule, const struct ed_rule_condition *c,
                           const struct ed_seen *seen, int held)
{
    double x = seen->measures[c->measure], bound = c->value;
    if (held)
        bound = c->most ? bound / rule->clear : bound * rule->clear;
    return c->most ? x <= bound : x >= bound; /* what is not known holds nowhere */
}

/* 1: word stands in text, letters of either case. */
static int stands_in(eddy_str word, eddy_str text)
{
    for (size_t i = 0; i + word.n <= text.n; i++)
        if (strncasecmp(text.at + i, word.at, word.n) == 0)
            return 1;
    return 0;
}

static int keywords_hold(const char *keywords, const struct ed_seen *seen)
{
    const eddy_event *event = seen->event;
    eddy_str word;
    while (next_part(&keywords, "|", &word)) {
        if (stands_in(word, seen->name))
            return 1;
        for (uint32_t i = 0; event && i < event->n_keywords && i < EDDY_KEYWORDS; i++)
            if (event->keywords[i].word.n == word.n && stands_in(word, event->keywords[i].word))
                return 1;
    }
    return 0;
}

int ed_rule_holds(const struct ed_rule *rule, const struct ed_seen *seen, int held)
{
    for (size_t i = 0; i < rule->n_conditions; i++)
        if (!condition_holds(rule, &rule->conditions[i], seen, held))
            return 0;
    if (rule->topic && rule->topic != seen->topic && rule->topic != seen->theme)
        return 0;
    return !rule->keywords || keywords_hold(rule->keywords, seen);
}

int64_t ed_rule_quiet_until(const struct ed_rule *rule, int64_t ms)
{
    if (rule->quiet_from == rule->quiet_to)
        return ms;
    int64_t minutes = ms / MINUTE_MS - (ms % MINUTE_MS < 0);
    int now = (int)((minutes % DAY + DAY) % DAY);
    int length = (rule->quiet_to - rule->quiet_from + DAY) % DAY;
    int since = (now - rule->quiet_from + DAY) % DAY;
    return since < length ? (minutes + length - since) * MINUTE_MS : ms;
}
