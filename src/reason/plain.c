/* Plain: text for people out of anybody's text.
 *
 * Names and reasons come from a model that has read documents by anyone, or from titles by anyone,
 * and go to alerts, pages and terminals. What is left here is one line of visible characters: what
 * turns writing around, hides, marks up or links is gone. Invisible signs go first, so that none
 * can hide a URL; mark-up goes before URLs, so that none is put together by taking it out. */
#include "reason/inside.h"

#include "base/utf8.h"

#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#define INPUT_MAX 4096 /* bytes that are looked at; far more than any ceiling lets through */
#define MARKS_MAX 3    /* combining marks on one another; more is a tower, not a language */

static int is_mark(utf8proc_category_t category)
{
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
           category == UTF8PROC_CATEGORY_MC;
}

/* Visible characters and single blanks of s, to ret. Returns how many bytes. */
static size_t visible(const char *s, size_t n, char *ret)
{
    size_t made = 0;
    unsigned marks = 0;
    for (size_t i = 0; i < n;) {
        int32_t c;
        i += ed_utf8_next(s + i, n - i, &c);
        if (c < 0)
            continue;
        utf8proc_category_t category = utf8proc_category(c);
        int blank = category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
                    category == UTF8PROC_CATEGORY_ZP || (c < 0x80 && c <= ' ') || c == 0x2800;
        if (blank) {
            if (made && ret[made - 1] != ' ')
                ret[made++] = ' ';
            continue;
        }
        if (category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
            category == UTF8PROC_CATEGORY_CS || category == UTF8PROC_CATEGORY_CO ||
            category == UTF8PROC_CATEGORY_CN || utf8proc_get_property(c)->ignorable)
            continue;
        marks = is_mark(category) ? marks + 1 : 0;
        if (marks <= MARKS_MAX)
            made += ed_utf8_put(c, ret + made);
    }
    return made;
}

/* Unicode form NFC of s, to (room) ret. What does not fit stays as it was. */
static size_t composed(const char *s, size_t n, char *ret, size_t room)
{
    utf8proc_int32_t c[INPUT_MAX * 2];
    const utf8proc_option_t form = UTF8PROC_COMPOSE | UTF8PROC_STABLE;
    utf8proc_ssize_t len = utf8proc_decompose((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, c,
                                              INPUT_MAX * 2, form);
    if (len < 0 || len > INPUT_MAX * 2)
        len = 0;
    len = utf8proc_normalize_utf32(c, len, form);
    size_t made = 0;
    for (utf8proc_ssize_t i = 0; i < len && made + 4 <= room; i++)
        made += ed_utf8_put(c[i], ret + made);
    if (len > 0)
        return made;
    memcpy(ret, s, n);
    return n;
}

/* [text](target) and ![text](target) become text. */
static size_t without_links(char *s, size_t n)
{
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == ']' && i + 1 < n && s[i + 1] == '(') {
            const char *end = memchr(s + i, ')', n - i);
            const char *open = NULL;
            for (size_t k = made; k && !open; k--)
                if (s[k - 1] == '[')
                    open = s + k - 1;
            if (open) {
                size_t at = (size_t)(open - s);
                memmove(s + at, s + at + 1, made - at - 1);
                made--;
                if (at && s[at - 1] == '!') {
                    memmove(s + at - 1, s + at, made - at);
                    made--;
                }
                i = end ? (size_t)(end - s) : n;
                continue;
            }
            i++; /* a bracket that nothing opened: without its parenthesis */
            s[made++] = ']';
            continue;
        }
        s[made++] = s[i];
    }
    return made;
}

/* Tags become a blank, so that what stood around them does not grow together. */
static size_t without_tags(char *s, size_t n)
{
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        int letter = i + 1 < n && ((s[i + 1] | 32) >= 'a' && (s[i + 1] | 32) <= 'z');
        if (s[i] == '<' && i + 1 < n && (letter || strchr("/!?", s[i + 1]))) {
            const char *end = memchr(s + i, '>', n - i);
            i = end ? (size_t)(end - s) : n;
            s[made++] = ' ';
        } else {
            s[made++] = s[i];
        }
    }
    return made;
}

static int begins(const char *s, size_t n, const char *with)
{
    size_t length = strlen(with);
    return n >= length && !strncasecmp(s, with, length);
}

/* A word that a reader's program would make a link of. A bare name of a site ("example.com") may be
 * a company and stays. */
static int is_url(const char *s, size_t n)
{
    static const char *const anywhere[] = {"://", "www.", "javascript:", "vbscript:"};
    static const char *const with_more[] = {"mailto:", "data:", "file:", "tel:", "blob:"};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof anywhere / sizeof *anywhere; k++)
            if (begins(s + i, n - i, anywhere[k]))
                return 1;
    while (n && !((*s | 32) >= 'a' && (*s | 32) <= 'z') && (unsigned char)*s < 0x80) {
        s++;
        n--;
    }
    for (size_t i = 0; i < sizeof with_more / sizeof *with_more; i++)
        if (begins(s, n, with_more[i]) && n > strlen(with_more[i]))
            return 1;
    /* site.tld/path, //site.tld/path, user@site.tld */
    const char *slash = memchr(s, '/', n);
    const char *at = memchr(s, '@', n);
    const char *dot = slash ? memchr(s, '.', (size_t)(slash - s)) : NULL;
    if (at && at > s && memchr(at, '.', n - (size_t)(at - s)))
        return 1;
    if (!dot || dot == s)
        return 0;
    const char *last = slash;
    while (last > s && last[-1] != '.')
        last--;
    size_t tld = (size_t)(slash - last);
    for (size_t i = 0; i < tld; i++)
        if (!((last[i] | 32) >= 'a' && (last[i] | 32) <= 'z'))
            return 0;
    return tld >= 2;
}

static size_t without_urls(char *s, size_t n)
{
    size_t made = 0;
    for (size_t i = 0; i < n;) {
        const char *blank = memchr(s + i, ' ', n - i);
        size_t word = blank ? (size_t)(blank - s) - i : n - i;
        if (word && !is_url(s + i, word)) {
            if (made)
                s[made++] = ' ';
            memmove(s + made, s + i, word);
            made += word;
        }
        i += word + 1;
    }
    return made;
}

/* Signs of mark-up and blanks at the ends; quotation marks around the whole. */
static eddy_str trimmed(const char *s, size_t n)
{
    for (int again = 1; again;) {
        again = 0;
        while (n && (s[0] == ' ' || s[0] == '#' || s[0] == '*' || s[0] == '`' || s[0] == '>' ||
                     s[0] == '_')) {
            s++;
            n--;
        }
        while (n && (s[n - 1] == ' ' || s[n - 1] == '*' || s[n - 1] == '`' || s[n - 1] == '_'))
            n--;
        if (n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n - 1] == s[0] &&
            memchr(s + 1, s[0], n - 1) == s + n - 1) {
            s++;
            n -= 2;
            again = 1;
        }
    }
    return (eddy_str){n ? s : "", n};
}

/* The longest cut of at most so many characters and bytes, between words where that does not cost
 * a third of it; with an ellipsis where there was more. */
static size_t cut(const char *s, size_t n, size_t chars_max, size_t bytes_max, int *ret_more)
{
    size_t chars = 0;
    size_t end = 0;
    *ret_more = 0;
    size_t room = bytes_max > 3 ? bytes_max - 3 : 0; /* an ellipsis has three bytes */
    size_t last = 0;                                 /* where chars_max - 1 characters end */
    for (size_t i = 0; i < n; chars++) {
        int32_t c;
        size_t step = ed_utf8_next(s + i, n - i, &c);
        if (chars < chars_max - 1 && i + step <= room)
            last = i + step;
        if (chars >= chars_max || i + step > bytes_max) {
            *ret_more = 1;
            break;
        }
        i += step;
        end = i;
    }
    if (!*ret_more)
        return end;
    for (size_t k = last; k > last - last / 3; k--)
        if (s[k] == ' ') {
            last = k;
            break;
        }
    while (last && strchr(" ,;:-", s[last - 1]))
        last--;
    return last;
}

eddy_status ed_plain(eddy_str text, size_t chars_max, size_t bytes_max, eddy_arena *arena,
                     eddy_str *ret, int *changed)
{
    char a[INPUT_MAX + 8];
    char b[INPUT_MAX * 2];
    size_t looked = text.n > INPUT_MAX ? INPUT_MAX : text.n;
    size_t n = visible(text.at ? text.at : "", looked, a);
    n = composed(a, n, b, sizeof b);
    n = without_links(b, n);
    n = without_tags(b, n);
    n = without_urls(b, n);
    eddy_str line = trimmed(b, n);
    int more;
    size_t kept = cut(line.at, line.n, chars_max, bytes_max, &more);
    eddy_str made = ed_arena_printf(arena, "%.*s%s", (int)kept, line.at, more && kept ? "…" : "");
    if (!made.at)
        return EDDY_NOMEM;
    eddy_str before = trimmed(text.at ? text.at : "", text.n);
    if (changed && (before.n != made.n || memcmp(before.at, made.at, made.n)))
        *changed = 1;
    *ret = made;
    return EDDY_OK;
}
