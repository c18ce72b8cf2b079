/* Extract: the JSON of a reply, whatever stands around it.
 *
 * Models that were asked for JSON alone answer with JSON, with JSON in a fence, with JSON after a
 * page of thought, or with a comma too many. The strict reading comes first; then each bracket that
 * opens in the text is tried until something fits. Nothing is made up: what is cut off or has a key
 * twice is not JSON. */
#include "reason/inside.h"

#include <string.h>

#define TRIES     32
#define REPLY_MAX ((size_t)1 << 20)

static json_t *strictly(const char *text, size_t n)
{
    return json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
}

/* The end of the value whose bracket opens at text[0], or 0. */
static size_t balanced(const char *text, size_t n)
{
    size_t depth = 0;
    int quoted = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = 0;
        } else if (c == '"') {
            quoted = 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (!--depth)
                return i + 1;
        }
    }
    return 0;
}

/* A copy without the commas that stand before a closing bracket. */
static json_t *without_commas(const char *text, size_t n)
{
    char *copy = ed_alloc(n + 1);
    if (!copy)
        return NULL;
    size_t made = 0;
    int quoted = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (quoted && c == '\\' && i + 1 < n) {
            copy[made++] = c;
            copy[made++] = text[++i];
            continue;
        }
        if (c == '"')
            quoted = !quoted;
        if (!quoted && (c == '}' || c == ']')) {
            size_t k = made;
            while (k && strchr(" \t\r\n", copy[k - 1]))
                k--;
            if (k && copy[k - 1] == ',')
                made = k - 1;
        }
        copy[made++] = c;
    }
    json_t *value = strictly(copy, made);
    ed_free(copy);
    return value;
}

/* Where thinking ends: drafts in thoughts are no answer. */
static size_t thought(const char *text, size_t n)
{
    static const char end[] = "</think>";
    size_t at = 0;
    for (size_t i = 0; i + sizeof end - 1 <= n; i++)
        if (!memcmp(text + i, end, sizeof end - 1))
            at = i + sizeof end - 1;
    return at;
}

json_t *ed_extract(const char *text, size_t n,
                   int (*fits)(const json_t *value, int outermost, const void *self),
                   const void *self)
{
    if (!n || n > REPLY_MAX)
        return NULL;
    json_t *value = strictly(text, n);
    if (value && fits(value, 1, self))
        return value;
    json_decref(value);
    size_t outside = 0; /* up to here something stands that could not be read */
    int tries = 0;
    for (size_t i = thought(text, n); i < n && tries < TRIES; i++) {
        if (text[i] != '{' && text[i] != '[')
            continue;
        tries++;
        size_t end = balanced(text + i, n - i);
        value = end ? strictly(text + i, end) : NULL;
        if (end && !value)
            value = without_commas(text + i, end);
        if (value && fits(value, i >= outside, self))
            return value;
        if (value)
            i += end - 1; /* JSON, but none of ours: go on behind it */
        else if (i >= outside)
            outside = end ? i + end : n;
        json_decref(value);
    }
    return NULL;
}
