/* Values as text: what a user may write for each type, and how eddy writes it back.
 *
 * Reading is strict: no blanks, no hexadecimal, no "inf", no number without its unit where a unit
 * is needed. A strict reader finds the mistakes that a lenient one turns into surprises. */
#include "cli/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    double factor;
};
static const struct unit durations[] = {{"ms", 1},    {"s", 1e3},    {"m", 6e4},     {"min", 6e4},
                                        {"h", 3.6e6}, {"d", 8.64e7}, {"w", 6.048e8}, {NULL, 0}};
static const struct unit sizes[] = {
    {"B", 1},      {"kB", 1e3},      {"MB", 1e6},         {"GB", 1e9},
    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0}};

/* The decimal number at the front of text; *end is what follows. 0: there is none. */
static int decimal(const char *text, double *ret, const char **end)
{
    size_t n = strspn(text, "+-0123456789.");
    size_t digits = strcspn(text, "0123456789");
    if (digits >= n)
        return 0;
    /* An exponent counts as such only when digits follow; "2e" is then a 2 with unit "e". */
    if ((text[n] == 'e' || text[n] == 'E') && strspn(text + n + 1, "+-0123456789") > 0)
        n += 1 + strspn(text + n + 1, "+-0123456789");
    char number[64];
    if (n >= sizeof number)
        return 0;
    memcpy(number, text, n);
    number[n] = 0;
    char *rest;
    *ret = strtod(number, &rest);
    *end = text + n;
    return *rest == 0 && isfinite(*ret);
}

static int with_unit(const char *text, const struct unit *units, int bare, double *ret)
{
    const char *end;
    if (!decimal(text, ret, &end) || strpbrk(text, "-+eE"))
        return 0;
    double factor = 0;
    if (*end == 0 && (bare || *ret == 0))
        factor = 1;
    for (const struct unit *u = units; u->name && factor == 0; u++)
        if (strcasecmp(u->name, end) == 0 && (units == sizes || strcmp(u->name, end) == 0))
            factor = u->factor;
    *ret = nearbyint(*ret * factor);
    return factor > 0 && *ret <= 0x1p53;
}

static int read_bool(const char *text, double *ret)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *ret = (double)(i % 2);
            return 1;
        }
    }
    return 0;
}

static int read_plain(const struct ed_option *o, const char *text, double *ret)
{
    const char *end;
    switch (o->type) {
    case ED_INTEGER:
        return strspn(text, "+-0123456789") == strlen(text) && decimal(text, ret, &end) &&
               *end == 0;
    case ED_REAL: return decimal(text, ret, &end) && *end == 0;
    case ED_BOOL: return read_bool(text, ret);
    case ED_DURATION: return with_unit(text, durations, 0, ret);
    case ED_SIZE: return with_unit(text, sizes, 1, ret);
    default: return 0;
    }
}

/* "a, b or c" */
static void join_words(const struct ed_word *words, char *ret, size_t n)
{
    size_t at = 0;
    ret[0] = 0;
    for (const struct ed_word *w = words; w->word && at < n; w++) {
        const char *before = w == words ? "" : w[1].word ? ", " : " or ";
        int wrote = snprintf(ret + at, n - at, "%s%s", before, w->word);
        at += wrote > 0 ? (size_t)wrote : 0;
    }
}

static const char *type_name(enum ed_type type)
{
    switch (type) {
    case ED_STRING: return "text";
    case ED_INTEGER: return "whole number";
    case ED_REAL: return "number";
    case ED_BOOL: return "true or false";
    case ED_CHOICE: return "word";
    case ED_DURATION: return "duration";
    case ED_SIZE: return "size";
    case ED_LIST: return "list";
    case ED_MAP: return "map";
    }
    return "";
}

/* "is not a duration (such as 250ms, 10s, 12h, 7d)" */
static void say_what_is_wanted(const struct ed_option *o, char *why, size_t n)
{
    char words[160] = "";
    if (o->words)
        join_words(o->words, words, sizeof words);
    if (o->type == ED_CHOICE) {
        snprintf(why, n, "is not one of %s", words);
        return;
    }
    const char *such = o->type == ED_DURATION ? " (such as 250ms, 10s, 12h, 7d)"
                       : o->type == ED_SIZE   ? " (such as 4096, 64KiB, 1MB)"
                                              : "";
    const char *article = o->type == ED_BOOL ? "" : "a ";
    snprintf(why, n, "is not %s%s%s%s%s", article, type_name(o->type), such,
             o->words ? ", nor " : "", words);
}

static void range_text(const struct ed_option *o, char *ret, size_t n)
{
    struct ed_option plain = *o;
    plain.words = NULL;
    char lo[40], hi[40];
    ed_option_text(&plain, o->min, lo, sizeof lo);
    ed_option_text(&plain, o->max, hi, sizeof hi);
    snprintf(ret, n, "%s .. %s", lo, hi);
}

int ed_option_number(const struct ed_option *o, const char *text, double *ret, char *why,
                     size_t n_why)
{
    for (const struct ed_word *w = o->words; w && w->word; w++) {
        if (strcmp(w->word, text) == 0) {
            *ret = w->value;
            return 1;
        }
    }
    double value;
    if (!read_plain(o, text, &value)) {
        say_what_is_wanted(o, why, n_why);
        return 0;
    }
    if (o->type != ED_BOOL && !(value >= o->min && value <= o->max)) {
        char range[100], words[160] = "";
        range_text(o, range, sizeof range);
        if (o->words)
            join_words(o->words, words, sizeof words);
        snprintf(why, n_why, "is out of range %s%s%s", range, o->words ? ", or " : "", words);
        return 0;
    }
    *ret = value;
    return 1;
}

/* Each ~ of a JSON pointer stands before 0 or 1. */
static int is_pointer(const char *text)
{
    if (*text && *text != '/')
        return 0;
    for (const char *t = strchr(text, '~'); t; t = strchr(t + 1, '~'))
        if (t[1] != '0' && t[1] != '1')
            return 0;
    return 1;
}

/* Legal for Kafka: letters, digits, . _ -, neither "." nor "..". */
static int is_name(const char *text, size_t most)
{
    size_t n = strlen(text);
    size_t legal =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return n > 0 && n <= most && legal == n && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

int ed_option_shape(const struct ed_option *o, const char *text, char *why, size_t n_why)
{
    if (*text == 0) {
        if (!o->optional)
            snprintf(why, n_why, "must not be empty");
        return o->optional;
    }
    switch (o->shape) {
    case ED_POINTER:
        if (is_pointer(text))
            return 1;
        snprintf(why, n_why, "is not a JSON pointer (such as /text or /fields/body)");
        return 0;
    case ED_TOPIC:
        if (is_name(text, 249))
            return 1;
        snprintf(why, n_why, "cannot be a topic: 1 to 249 letters, digits, '.', '_' or '-'");
        return 0;
    case ED_PIPELINE:
        if (is_name(text, 64))
            return 1;
        snprintf(why, n_why, "cannot be a pipeline: 1 to 64 letters, digits, '.', '_' or '-'");
        return 0;
    case ED_ANY:
    case ED_GROUP:
    case ED_SECRET: return 1;
    }
    return 1;
}

/* The largest unit in which the value is whole; milliseconds and bytes always are. */
static void unit_text(const struct unit *units, double value, char *ret, size_t n)
{
    const struct unit *best = units;
    for (const struct unit *u = units; u->name; u++)
        if (value != 0 && fmod(value, u->factor) == 0 && u->factor > best->factor &&
            strcmp(u->name, "w") != 0)
            best = u;
    const char *name = value == 0 || (units == sizes && best == sizes) ? "" : best->name;
    snprintf(ret, n, "%.0f%s", value / best->factor, name);
}

/* The fewest digits that read back as the same number. */
static void real_text(double value, char *ret, size_t n)
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(ret, n, "%.*g", digits, value);
        if (strtod(ret, NULL) == value)
            return;
    }
}

void ed_option_text(const struct ed_option *o, double value, char *ret, size_t n)
{
    for (const struct ed_word *w = o->words; w && w->word; w++) {
        if (w->value == value || (isnan(w->value) && isnan(value))) {
            snprintf(ret, n, "%s", w->word);
            return;
        }
    }
    switch (o->type) {
    case ED_BOOL: snprintf(ret, n, "%s", value != 0 ? "true" : "false"); return;
    case ED_DURATION: unit_text(durations, value, ret, n); return;
    case ED_SIZE: unit_text(sizes, value, ret, n); return;
    case ED_REAL: real_text(value, ret, n); return;
    default: snprintf(ret, n, "%.0f", value); return;
    }
}

void ed_option_kind(const struct ed_option *o, char *ret, size_t n)
{
    char range[100], words[160] = "";
    if (o->words)
        join_words(o->words, words, sizeof words);
    switch (o->type) {
    case ED_CHOICE: snprintf(ret, n, "%s", words); return;
    case ED_INTEGER:
    case ED_REAL:
    case ED_DURATION:
    case ED_SIZE:
        range_text(o, range, sizeof range);
        snprintf(ret, n, "%s, %s%s%s", type_name(o->type), range, o->words ? ", or " : "", words);
        return;
    default: snprintf(ret, n, "%s", type_name(o->type)); return;
    }
}
