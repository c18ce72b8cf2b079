/* Facts: a walk over JSON that eddy itself has written, without a tree. */
#include "serve/facts.h"

#include "base/order.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- raw JSON ---- */

/* Behind the string that begins at i; n where it does not end. */
static size_t string_end(eddy_str s, size_t i)
{
    for (i++; i < s.n && s.at[i] != '"'; i++)
        i += s.at[i] == '\\';
    return i < s.n ? i + 1 : s.n;
}

/* Behind the value that begins at i. */
static size_t value_end(eddy_str s, size_t i)
{
    int depth = 0;
    for (; i < s.n; i++) {
        char c = s.at[i];
        if (c == '"') {
            i = string_end(s, i) - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (!depth--)
                return i;
        } else if (c == ',' && !depth) {
            return i;
        }
        if (!depth && (c == '"' || c == '}' || c == ']'))
            return i + 1;
    }
    return s.n;
}

/* To the next value of a container: past what opens or parts. 0: it is at its end. */
static int step(eddy_str s, size_t *at)
{
    while (*at < s.n && (s.at[*at] == ',' || s.at[*at] == ' ' || s.at[*at] == ':' ||
                         (!*at && (s.at[0] == '{' || s.at[0] == '['))))
        ++*at;
    return *at < s.n && s.at[*at] != '}' && s.at[*at] != ']';
}

int ed_raw_item(eddy_str array, size_t *at, eddy_str *value)
{
    if (!step(array, at))
        return 0;
    size_t end = value_end(array, *at);
    *value = (eddy_str){array.at + *at, end - *at};
    *at = end;
    return value->n > 0;
}

int ed_raw_member(eddy_str object, size_t *at, eddy_str *key, eddy_str *value)
{
    if (!step(object, at) || object.at[*at] != '"')
        return 0;
    size_t end = string_end(object, *at);
    *key = ed_raw_text((eddy_str){object.at + *at, end - *at});
    *at = end;
    return ed_raw_item(object, at, value);
}

eddy_str ed_raw_find(eddy_str object, const char *name)
{
    eddy_str key, value;
    size_t n = strlen(name);
    for (size_t at = 0; ed_raw_member(object, &at, &key, &value);)
        if (key.n == n && !memcmp(key.at, name, n))
            return value;
    return (eddy_str){"", 0};
}

double ed_raw_number(eddy_str value)
{
    char text[40];
    if (!value.n || value.n >= sizeof text ||
        (*value.at != '-' && (*value.at < '0' || *value.at > '9')))
        return NAN;
    memcpy(text, value.at, value.n);
    text[value.n] = 0;
    return strtod(text, NULL);
}

eddy_str ed_raw_text(eddy_str value)
{
    return value.n >= 2 && *value.at == '"' ? (eddy_str){value.at + 1, value.n - 2}
                                            : (eddy_str){"", 0};
}

uint64_t ed_raw_id(eddy_str value)
{
    eddy_str s = ed_raw_text(value);
    uint64_t n = 0;
    for (size_t i = 1; i < s.n; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return 0;
        n = 10 * n + (uint64_t)(s.at[i] - '0');
    }
    return n && *s.at == 'T' ? ED_ID_TOPIC | n : n;
}

static int digits(const char *s, int n)
{
    int x = 0;
    for (int i = 0; i < n; i++)
        x = 10 * x + (s[i] - '0');
    return x;
}

int64_t ed_raw_time(eddy_str value)
{
    eddy_str s = ed_raw_text(value);
    if (s.n != ED_TIME_TEXT - 1)
        return INT64_MIN;
    int64_t day = ed_days_from_civil(digits(s.at, 4), digits(s.at + 5, 2), digits(s.at + 8, 2));
    int64_t seconds =
        digits(s.at + 11, 2) * 3600 + digits(s.at + 14, 2) * 60 + digits(s.at + 17, 2);
    return (day * 86400 + seconds) * 1000 + digits(s.at + 20, 3);
}

int ed_raw_is(eddy_str value, const char *text)
{
    eddy_str s = ed_raw_text(value);
    return s.n == strlen(text) && !memcmp(s.at, text, s.n);
}

/* ---- facts ---- */

static int is(eddy_str key, const char *name)
{
    return key.n == strlen(name) && !memcmp(key.at, name, key.n);
}

static void indexes_read(eddy_str object, struct ed_facts *ret)
{
    eddy_str key, value;
    for (size_t at = 0; ed_raw_member(object, &at, &key, &value);) {
        double *to = is(key, "silhouette")       ? &ret->silhouette
                     : is(key, "davies_bouldin") ? &ret->davies_bouldin
                     : is(key, "compactness")    ? &ret->compactness
                     : is(key, "separation")     ? &ret->separation
                     : is(key, "drift")          ? &ret->drift
                                                 : NULL;
        if (to)
            *to = ed_raw_number(value);
    }
}

void ed_facts_read(eddy_str json, struct ed_facts *ret)
{
    eddy_str key, value;
    *ret = (struct ed_facts){.first_ms = INT64_MIN,
                             .last_ms = INT64_MIN,
                             .silhouette = NAN,
                             .davies_bouldin = NAN,
                             .compactness = NAN,
                             .separation = NAN,
                             .drift = NAN};
    for (size_t at = 0; ed_raw_member(json, &at, &key, &value);) {
        if (is(key, "state"))
            ret->state = ed_raw_is(value, "active")  ? EDDY_ACTIVE
                         : ed_raw_is(value, "faded") ? EDDY_STATE_FADED
                                                     : EDDY_STATE_MERGED;
        else if (is(key, "size"))
            ret->size = ed_raw_number(value);
        else if (is(key, "first_seen"))
            ret->first_ms = ed_raw_time(value);
        else if (is(key, "last_seen"))
            ret->last_ms = ed_raw_time(value);
        else if (is(key, "merged_into"))
            ret->merged_into = ed_raw_id(value);
        else if (is(key, "parent"))
            ret->parent = ed_raw_id(value);
        else if (is(key, "topic"))
            ret->topic = ed_raw_id(value);
        else if (is(key, "theme"))
            ret->over = ed_raw_id(value);
        else if (is(key, "type"))
            ret->theme = ed_raw_is(value, "theme");
        else if (is(key, "indexes"))
            indexes_read(value, ret);
    }
}

/* ---- words ---- */

void ed_words_fold(const char *s, size_t n, struct ed_bytes *ret)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i];
        utf8proc_uint8_t low[4];
        utf8proc_int32_t point;
        utf8proc_ssize_t took;
        if (c < 0x80) {
            char small = c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c;
            ed_bytes_add(ret, &small, 1);
            i++;
            continue;
        }
        took = utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(n - i), &point);
        if (took <= 0)
            return;
        ed_bytes_add(ret, low, (size_t)utf8proc_encode_char(utf8proc_tolower(point), low));
        i += (size_t)took;
    }
}

static void put_line(eddy_str raw, struct ed_bytes *ret)
{
    eddy_str text = ed_raw_text(raw);
    ed_words_fold(text.at, text.n, ret);
    ed_bytes_add(ret, "\n", 1);
}

/* Items are strings, or objects of which one member is wanted. */
static void put_items(eddy_str array, const char *member, struct ed_bytes *ret)
{
    eddy_str item;
    for (size_t at = 0; ed_raw_item(array, &at, &item);)
        put_line(*item.at == '{' ? ed_raw_find(item, member) : item, ret);
}

void ed_facts_words(eddy_str json, struct ed_bytes *ret)
{
    put_line(ed_raw_find(json, "name"), ret); /* the first line: a hit there counts more */
    put_line(ed_raw_find(json, "category"), ret);
    put_items(ed_raw_find(json, "keywords"), "keyword", ret);
    put_items(ed_raw_find(json, "exemplars"), "title", ret);
    put_line(ed_raw_find(json, "summary"), ret);
}
