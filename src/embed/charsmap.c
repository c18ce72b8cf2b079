/* Nothing in the table is trusted: a step that leads out of the trie, or a value beyond the texts,
 * finds nothing.
 *
 * That the shortest entry counts, and stands for the whole cluster, looks wrong, and is what the
 * reference does: "\r\n" is one blank by way of "\r". Clusters of more than five bytes never ask,
 * so the newer rules for joining emoji and Indic letters do not matter. */
#include "embed/charsmap.h"

#include "base/error.h"
#include "base/utf8.h"

#include <utf8proc.h>

#define CLUSTER_MAX 5 /* bytes of a cluster that is looked up as a whole */

/* ---- the table ---- */

static int base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* ret holds 3 bytes for each 4 of n. Gives the bytes, or -1. */
static long base64_decode(const char *s, size_t n, unsigned char *ret)
{
    size_t bytes = 0;
    uint32_t bits = 0;
    while (n && s[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        int digit = base64_digit(s[i]);
        if (digit < 0)
            return -1;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4)
            ret[bytes++] = (unsigned char)(bits >> (6 - i % 4 * 2));
    }
    return n % 4 == 1 ? -1 : (long)bytes;
}

static uint32_t u32_read(const unsigned char *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* A unit of Darts: bits 0 to 7 the byte that leads here, 8 that a string ends here, 9 and 10 up the
 * offset to the children; of a value, bits 0 to 30. */
static uint32_t offset_of(uint32_t unit)
{
    return (unit >> 10) << ((unit & (1U << 9)) >> 6);
}

static int label_is(uint32_t unit, unsigned char c)
{
    return (unit & ((1U << 31) | 0xFF)) == c;
}

/* What the shortest entry that s begins with is written as; at NULL: there is none. */
static eddy_str entry_find(const struct ed_charsmap *map, const char *s, size_t n)
{
    const eddy_str none = {NULL, 0};
    size_t at = map->n_units ? offset_of(map->units[0]) : 0;
    for (size_t i = 0; i < n && s[i]; i++) {
        unsigned char c = (unsigned char)s[i];
        at ^= c;
        if (at >= map->n_units || !label_is(map->units[at], c))
            return none;
        uint32_t unit = map->units[at];
        at ^= offset_of(unit);
        if (!(unit & (1U << 8)))
            continue;
        size_t text = at < map->n_units ? map->units[at] & 0x7FFFFFFF : map->n_texts;
        if (text > map->n_texts)
            return none;
        return (eddy_str){map->texts + text, strlen(map->texts + text)};
    }
    return none;
}

static eddy_status parts_read(struct ed_charsmap *map, const unsigned char *bytes, long n,
                              eddy_error *err)
{
    size_t size = n >= 4 ? u32_read(bytes) : 0;
    if (n < 4 || size % 4 || size > (size_t)n - 4)
        return eddy_fail(err, EDDY_FORMAT, "is no precompiled charsmap");
    map->n_units = size / 4;
    map->n_texts = (size_t)n - 4 - size;
    map->units = ed_alloc(size);
    map->texts = ed_strndup((const char *)bytes + 4 + size, map->n_texts);
    if (!map->units || !map->texts)
        return eddy_fail_nomem(err, "charsmap", (size_t)n);
    for (size_t i = 0; i < map->n_units; i++)
        map->units[i] = u32_read(bytes + 4 + 4 * i);
    if (ed_utf8_valid(map->texts, map->n_texts) != map->n_texts)
        return eddy_fail(err, EDDY_FORMAT, "has texts that are not UTF-8");
    for (size_t c = 1; c < 128; c++) {
        char letter = (char)c;
        map->ascii[c] = entry_find(map, &letter, 1);
    }
    return EDDY_OK;
}

eddy_status ed_charsmap_init(struct ed_charsmap *map, const char *base64, size_t n, eddy_error *err)
{
    *map = (struct ed_charsmap){0};
    unsigned char *bytes = ed_alloc(n / 4 * 3 + 3);
    if (!bytes)
        return eddy_fail_nomem(err, "charsmap", n);
    eddy_status st = parts_read(map, bytes, base64_decode(base64, n, bytes), err);
    ed_free(bytes);
    if (st != EDDY_OK)
        ed_charsmap_clear(map);
    return st;
}

void ed_charsmap_clear(struct ed_charsmap *map)
{
    ed_free(map->units);
    ed_free(map->texts);
    *map = (struct ed_charsmap){0};
}

/* ---- a text ---- */

/* The bytes of the grapheme cluster that s begins with. */
static size_t cluster_size(const char *s, size_t n)
{
    int32_t c, next, state = 0;
    size_t size = ed_utf8_next(s, n, &c);
    while (size < n) {
        size_t more = ed_utf8_next(s + size, n - size, &next);
        if (utf8proc_grapheme_break_stateful(c, next, &state))
            break;
        c = next;
        size += more;
    }
    return size;
}

/* Between two ASCII characters there is always a border, but in "\r\n". */
static int is_alone(const char *s, size_t n)
{
    return (unsigned char)s[0] < 0x80 &&
           (n == 1 || ((unsigned char)s[1] < 0x80 && (s[0] != '\r' || s[1] != '\n')));
}

static int text_put(struct ed_run *out, eddy_arena *arena, const char *s, size_t n)
{
    if (!ed_run_room(out, arena, n))
        return 0;
    ed_run_put(out, s, n);
    return 1;
}

static int cluster_apply(const struct ed_charsmap *map, const char *s, size_t n, eddy_arena *arena,
                         struct ed_run *out)
{
    eddy_str whole = n <= CLUSTER_MAX ? entry_find(map, s, n) : (eddy_str){NULL, 0};
    if (whole.at)
        return text_put(out, arena, whole.at, whole.n);
    for (size_t i = 0, size; i < n; i += size) {
        int32_t c;
        size = ed_utf8_next(s + i, n - i, &c);
        eddy_str part = entry_find(map, s + i, size);
        if (!part.at)
            part = (eddy_str){s + i, size};
        if (!text_put(out, arena, part.at, part.n))
            return 0;
    }
    return 1;
}

int ed_charsmap_apply(const struct ed_charsmap *map, eddy_str text, eddy_arena *arena,
                      struct ed_run *out)
{
    for (size_t i = 0, size; i < text.n; i += size) {
        const char *s = text.at + i;
        if (is_alone(s, text.n - i)) {
            eddy_str as = map->ascii[(unsigned char)*s];
            size = 1;
            if (!(as.at ? text_put(out, arena, as.at, as.n) : text_put(out, arena, s, 1)))
                return 0;
        } else {
            size = cluster_size(s, text.n - i);
            if (!cluster_apply(map, s, size, arena, out))
                return 0;
        }
    }
    return 1;
}
