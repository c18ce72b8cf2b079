/* Text cleaning, in three steps that each read once from left to right:
 *
 *   strip    <p>Caf&eacute; &lt;3</p>  ->  Café <3     what looks like a tag of HTML goes; "a < b",
 *            "<unknown>" and "<bob@example.org>" are no tags and stay
 *   tidy     escape sequences, control characters, what cannot be seen
 *   compose  Unicode form NFKC, so that one word has one spelling
 *
 * Feeds escape twice ("&amp;lt;b&amp;gt;"), and what is taken out may join what stood around it
 * into a new tag ("<<b>b>"). So the steps are repeated until nothing changes; a text that still
 * changes after ROUNDS is made to be so, and loses its remaining < and &. Cleaning twice is
 * cleaning once.
 *
 * Every search is bounded by the next '<', or remembers that it failed, so no input is slow. */
#include "parse/clean.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "parse/html.h"

#include <string.h>
#include <utf8proc.h>

#define ROUNDS    4
#define MARKS_MAX 30 /* marks on one character, as UAX 15 has it for streams; more are dropped */
/* NFKC makes at most 11 bytes of one (U+FDFA: 3 to 33). */
#define GROWTH_MAX 11

/* ---- tidy ---- */

/* Length of the terminal's escape sequence at s (ECMA-48: CSI, OSC and the short ones), 1 for an
 * escape that starts none. */
static size_t escape_length(const char *s, size_t n)
{
    size_t i = 2;
    if (n < 2)
        return 1;
    if (s[1] == '[') {
        while (i < n && s[i] >= 0x20 && s[i] < 0x40)
            i++;
        return i < n && s[i] >= 0x40 && s[i] < 0x7F ? i + 1 : 1;
    }
    if (s[1] == ']') { /* ends with BEL or ESC \; no other control character may stand in it */
        while (i < n && (unsigned char)s[i] >= 0x20)
            i++;
        if (i < n && s[i] == '\a')
            return i + 1;
        return i + 1 < n && s[i] == '\033' && s[i + 1] == '\\' ? i + 2 : 1;
    }
    if (s[1] == '(' || s[1] == ')') /* names a character set */
        return n > 2 && s[2] >= 0x30 && s[2] < 0x7F ? 3 : 1;
    return s[1] >= 0x40 && s[1] < 0x60 ? 2 : 1;
}

static int plain(char c)
{
    return c >= 0x20 && c < 0x7F;
}

/* Give out the text with a blank for each control character and white space. unseen: drop what
 * Unicode calls default-ignorable (zero width, bidirectional controls, soft hyphen, selectors). */
static void tidy(const char *s, size_t n, int unseen, struct ed_bytes *out)
{
    size_t i = 0;
    while (i < n) {
        size_t start = i;
        while (i < n && plain(s[i]))
            i++;
        ed_bytes_add(out, s + start, i - start);
        if (i == n)
            break;
        if ((unsigned char)s[i] < 0x80) {
            size_t size = s[i] == '\033' ? escape_length(s + i, n - i) : 1;
            if (size == 1)
                ed_bytes_add(out, " ", 1);
            i += size;
            continue;
        }
        int32_t c;
        size_t size = ed_utf8_next(s + i, n - i, &c);
        const utf8proc_property_t *property = utf8proc_get_property(c);
        switch (property->category) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP: ed_bytes_add(out, " ", 1); break;
        default:
            if (!unseen || !property->ignorable)
                ed_bytes_add(out, s + i, size);
        }
        i += size;
    }
}

/* Runs of blanks become one, those at the ends none; in place. */
static void trim(struct ed_bytes *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->at[i] != ' ' || (n > 0 && b->at[n - 1] != ' '))
            b->at[n++] = b->at[i];
    b->n = n > 0 && b->at[n - 1] == ' ' ? n - 1 : n;
    if (b->at)
        b->at[b->n] = 0;
}

/* ---- compose ---- */

/* A character that begins a segment and the marks on it: composition never reaches across. */
struct segment {
    int32_t c[MARKS_MAX + 2];
    size_t n;
};

/* 1: c may compose with what stands before it. Marks, and the vowels and finals of Hangul. */
static int mark(int32_t c)
{
    if (c < 0x300)
        return 0;
    const utf8proc_property_t *property = utf8proc_get_property(c);
    return property->combining_class != 0 || property->category == UTF8PROC_CATEGORY_MN ||
           property->category == UTF8PROC_CATEGORY_MC ||
           property->category == UTF8PROC_CATEGORY_ME || (c >= 0x1160 && c <= 0x11FF);
}

static void segment_flush(struct segment *seg, struct ed_bytes *out)
{
    if (seg->n > 1) { /* canonical order: by class, stable, never across a class of 0 */
        for (size_t i = 1; i < seg->n; i++) {
            int32_t c = seg->c[i];
            int rank = utf8proc_get_property(c)->combining_class;
            size_t j = i;
            for (; rank && j > 0; j--) {
                if (utf8proc_get_property(seg->c[j - 1])->combining_class <= rank)
                    break;
                seg->c[j] = seg->c[j - 1];
            }
            seg->c[j] = c;
        }
        utf8proc_ssize_t n = utf8proc_normalize_utf32(seg->c, (utf8proc_ssize_t)seg->n,
                                                      UTF8PROC_COMPOSE | UTF8PROC_STABLE);
        seg->n = n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; i < seg->n; i++) {
        char bytes[4];
        ed_bytes_add(out, bytes, ed_utf8_put(seg->c[i], bytes));
    }
    seg->n = 0;
}

static void segment_add(struct segment *seg, int32_t c, struct ed_bytes *out)
{
    if (!mark(c))
        segment_flush(seg, out);
    if (seg->n <= MARKS_MAX)
        seg->c[seg->n++] = c;
}

/* Unicode form NFKC, a segment at a time. utf8proc's own function would sort a long run of marks in
 * quadratic time; here a run is short. */
static void compose(const char *s, size_t n, struct ed_bytes *out)
{
    struct segment seg = {.n = 0};
    size_t i = 0;
    while (i < n) {
        size_t start = i;
        while (i < n && (unsigned char)s[i] < 0x80)
            i++;
        if (i > start) { /* the last one may yet take a mark */
            segment_flush(&seg, out);
            ed_bytes_add(out, s + start, i - start - 1);
            segment_add(&seg, s[i - 1], out);
            continue;
        }
        int32_t c, parts[32];
        int last = 0;
        i += ed_utf8_next(s + i, n - i, &c);
        utf8proc_ssize_t n_parts =
            utf8proc_decompose_char(c, parts, sizeof parts / sizeof *parts,
                                    UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_STABLE, &last);
        for (utf8proc_ssize_t k = 0; k < n_parts && k < 32; k++)
            segment_add(&seg, parts[k], out);
    }
    segment_flush(&seg, out);
}

static int ascii(const char *s, size_t n)
{
    unsigned char any = 0;
    for (size_t i = 0; i < n; i++)
        any |= (unsigned char)s[i];
    return any < 0x80;
}

/* ---- all together ---- */

static int clean_already(const char *s, size_t n, int html)
{
    for (size_t i = 0; i < n; i++)
        if (!plain(s[i]) || (html && (s[i] == '<' || s[i] == '&')) ||
            (s[i] == ' ' && (i == 0 || s[i - 1] == ' ')))
            return 0;
    return n > 0 && s[n - 1] != ' ';
}

static int may_hold_html(const struct ed_bytes *b)
{
    return b->n && (memchr(b->at, '<', b->n) || memchr(b->at, '&', b->n));
}

/* Three buffers that take turns. */
struct desk {
    struct ed_bytes now, next, spare;
};

static void swap(struct ed_bytes *a, struct ed_bytes *b)
{
    struct ed_bytes c = *a;
    *a = *b;
    *b = c;
}

/* now -> next, by one round of all steps; 0: no memory. */
static int round_of_cleaning(struct desk *desk)
{
    const struct ed_bytes *from = &desk->now;
    ed_bytes_empty(&desk->next);
    if (may_hold_html(from)) {
        ed_bytes_empty(&desk->spare);
        ed_html_strip(from->at, from->n, &desk->spare);
        from = &desk->spare;
    }
    tidy(from->at, from->n, 1, &desk->next);
    if (from->failed || desk->next.failed)
        return 0;
    if (!ascii(desk->next.at, desk->next.n)) {
        ed_bytes_empty(&desk->spare);
        compose(desk->next.at, desk->next.n, &desk->spare);
        swap(&desk->next, &desk->spare);
    }
    trim(&desk->next);
    return !desk->next.failed;
}

/* Leaves the result in now; 0: no memory. */
static int clean_in_rounds(struct desk *desk)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (!round_of_cleaning(desk))
            return 0;
        swap(&desk->now, &desk->next);
        int same = desk->now.n == desk->next.n &&
                   (desk->now.n == 0 || memcmp(desk->now.at, desk->next.at, desk->now.n) == 0);
        if (same || !may_hold_html(&desk->now))
            return 1;
    }
    for (size_t i = 0; i < desk->now.n; i++)
        if (desk->now.at[i] == '<' || desk->now.at[i] == '&')
            desk->now.at[i] = ' ';
    trim(&desk->now);
    return 1;
}

/* The whole way in heap memory, since the arena cannot take back; the result goes into the arena.
 */
static eddy_status clean_changing(const char *s, size_t n, int html, eddy_arena *arena,
                                  eddy_str *ret, eddy_error *err)
{
    eddy_str text = {NULL, 0};
    struct desk desk;
    int ok;
    size_t max = n < SIZE_MAX / GROWTH_MAX ? n * GROWTH_MAX : SIZE_MAX / 2;
    ed_bytes_init(&desk.now, max);
    ed_bytes_init(&desk.next, max);
    ed_bytes_init(&desk.spare, max);
    if (html) {
        ok = ed_bytes_add(&desk.now, s, n) && clean_in_rounds(&desk);
    } else {
        tidy(s, n, 0, &desk.now);
        trim(&desk.now);
        ok = !desk.now.failed;
    }
    if (ok && desk.now.n) {
        text = ed_arena_str(arena, desk.now.at, desk.now.n);
        ok = text.at != NULL;
    }
    ed_bytes_clear(&desk.now);
    ed_bytes_clear(&desk.next);
    ed_bytes_clear(&desk.spare);
    if (!ok)
        return eddy_fail_nomem(err, "text", n);
    *ret = text;
    return EDDY_OK;
}

static eddy_status clean(const char *s, size_t n, int html, eddy_arena *arena, eddy_str *ret,
                         eddy_error *err)
{
    if (!clean_already(s, n, html))
        return clean_changing(s, n, html, arena, ret, err);
    eddy_str text = ed_arena_str(arena, s, n);
    if (!text.at)
        return eddy_fail_nomem(err, "text", n);
    *ret = text;
    return EDDY_OK;
}

eddy_status ed_clean_text(const char *s, size_t n, eddy_arena *arena, eddy_str *ret,
                          eddy_error *err)
{
    return clean(s, n, 1, arena, ret, err);
}

eddy_status ed_clean_line(const char *s, size_t n, eddy_arena *arena, eddy_str *ret,
                          eddy_error *err)
{
    return clean(s, n, 0, arena, ret, err);
}
