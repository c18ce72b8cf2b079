/* HTML in text: not a parser of pages, but of what feeds leave in their fields.
 *
 * A tag is </?NAME, NAME one of HTML's elements in any case, then a blank, '/' or '>', and a '>' to
 * close it before the next '<'. All else that has a '<' is text: "a < b", "<3", "<unknown>". */
#include "parse/html.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* ---- character references ---- */

struct reference {
    char name[9];
    int32_t c;
};

/* The names of HTML 4 that are seen in text; sorted by strcmp. */
static const struct reference references[] = {
    {"AElig", 0xC6},    {"Aacute", 0xC1},   {"Acirc", 0xC2},    {"Agrave", 0xC0},
    {"Aring", 0xC5},    {"Atilde", 0xC3},   {"Auml", 0xC4},     {"Ccedil", 0xC7},
    {"Dagger", 0x2021}, {"ETH", 0xD0},      {"Eacute", 0xC9},   {"Ecirc", 0xCA},
    {"Egrave", 0xC8},   {"Euml", 0xCB},     {"Iacute", 0xCD},   {"Icirc", 0xCE},
    {"Igrave", 0xCC},   {"Iuml", 0xCF},     {"Ntilde", 0xD1},   {"OElig", 0x152},
    {"Oacute", 0xD3},   {"Ocirc", 0xD4},    {"Ograve", 0xD2},   {"Oslash", 0xD8},
    {"Otilde", 0xD5},   {"Ouml", 0xD6},     {"Scaron", 0x160},  {"THORN", 0xDE},
    {"Uacute", 0xDA},   {"Ucirc", 0xDB},    {"Ugrave", 0xD9},   {"Uuml", 0xDC},
    {"Yacute", 0xDD},   {"Yuml", 0x178},    {"aacute", 0xE1},   {"acirc", 0xE2},
    {"acute", 0xB4},    {"aelig", 0xE6},    {"agrave", 0xE0},   {"amp", '&'},
    {"apos", '\''},     {"aring", 0xE5},    {"atilde", 0xE3},   {"auml", 0xE4},
    {"bdquo", 0x201E},  {"bull", 0x2022},   {"ccedil", 0xE7},   {"cedil", 0xB8},
    {"cent", 0xA2},     {"circ", 0x2C6},    {"copy", 0xA9},     {"curren", 0xA4},
    {"dagger", 0x2020}, {"deg", 0xB0},      {"divide", 0xF7},   {"eacute", 0xE9},
    {"ecirc", 0xEA},    {"egrave", 0xE8},   {"emsp", 0x2003},   {"ensp", 0x2002},
    {"eth", 0xF0},      {"euml", 0xEB},     {"euro", 0x20AC},   {"fnof", 0x192},
    {"frac12", 0xBD},   {"frac14", 0xBC},   {"frac34", 0xBE},   {"frasl", 0x2044},
    {"ge", 0x2265},     {"gt", '>'},        {"hellip", 0x2026}, {"iacute", 0xED},
    {"icirc", 0xEE},    {"iexcl", 0xA1},    {"igrave", 0xEC},   {"iquest", 0xBF},
    {"iuml", 0xEF},     {"laquo", 0xAB},    {"larr", 0x2190},   {"ldquo", 0x201C},
    {"le", 0x2264},     {"lrm", 0x200E},    {"lsaquo", 0x2039}, {"lsquo", 0x2018},
    {"lt", '<'},        {"macr", 0xAF},     {"mdash", 0x2014},  {"micro", 0xB5},
    {"middot", 0xB7},   {"minus", 0x2212},  {"nbsp", 0xA0},     {"ndash", 0x2013},
    {"ne", 0x2260},     {"not", 0xAC},      {"ntilde", 0xF1},   {"oacute", 0xF3},
    {"ocirc", 0xF4},    {"oelig", 0x153},   {"ograve", 0xF2},   {"ordf", 0xAA},
    {"ordm", 0xBA},     {"oslash", 0xF8},   {"otilde", 0xF5},   {"ouml", 0xF6},
    {"para", 0xB6},     {"permil", 0x2030}, {"plusmn", 0xB1},   {"pound", 0xA3},
    {"prime", 0x2032},  {"quot", '"'},      {"raquo", 0xBB},    {"rarr", 0x2192},
    {"rdquo", 0x201D},  {"reg", 0xAE},      {"rlm", 0x200F},    {"rsaquo", 0x203A},
    {"rsquo", 0x2019},  {"sbquo", 0x201A},  {"scaron", 0x161},  {"sect", 0xA7},
    {"shy", 0xAD},      {"sup1", 0xB9},     {"sup2", 0xB2},     {"sup3", 0xB3},
    {"szlig", 0xDF},    {"thinsp", 0x2009}, {"thorn", 0xFE},    {"tilde", 0x2DC},
    {"times", 0xD7},    {"trade", 0x2122},  {"uacute", 0xFA},   {"ucirc", 0xFB},
    {"ugrave", 0xF9},   {"uml", 0xA8},      {"uuml", 0xFC},     {"yacute", 0xFD},
    {"yen", 0xA5},      {"yuml", 0xFF},     {"zwj", 0x200D},    {"zwnj", 0x200C},
};

static int name_order(const void *key, const void *reference)
{
    return strcmp(key, ((const struct reference *)reference)->name);
}

/* &#128; to &#159; are written by those who mean the Windows code page; HTML reads them so too. */
static int32_t numbered(int32_t c)
{
    static const int32_t windows[32] = {
        0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
        0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
    if (c >= 0x80 && c < 0xA0)
        return windows[c - 0x80];
    return c <= 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? -1 : c;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 99;
}

/* The reference at s[0] == '&' into *ret; gives its length, or 0 for an & that is one. */
static size_t reference_read(const char *s, size_t n, int32_t *ret)
{
    char name[sizeof references->name];
    size_t i = 1, n_name = 0;
    if (n > 1 && s[1] == '#') {
        int base = n > 2 && (s[2] == 'x' || s[2] == 'X') ? 16 : 10;
        size_t first = i = base == 16 ? 3 : 2;
        int32_t c = 0;
        for (; i < n && i < first + 10 && hex_digit(s[i]) < base; i++)
            c = c > 0x10FFFF ? c : c * base + hex_digit(s[i]);
        *ret = numbered(c);
        return i > first && i < n && s[i] == ';' && *ret >= 0 ? i + 1 : 0;
    }
    while (i < n && n_name < sizeof name - 1 && s[i] != ';' && s[i] > ' ')
        name[n_name++] = s[i++];
    name[n_name] = 0;
    if (i == n || s[i] != ';')
        return 0;
    const struct reference *known = bsearch(
        name, references, sizeof references / sizeof *references, sizeof *references, name_order);
    if (!known)
        return 0;
    *ret = known->c;
    return i + 1;
}

/* ---- elements ---- */

#define NAME_MAX 10

/* Sorted. Left out, as no text of an article has them and many a manual page does ("<data>"):
 * data, output, search, slot. */
static const char elements[][NAME_MAX + 1] = {
    "a",        "abbr",     "acronym",  "address",  "article",    "aside",  "audio",    "b",
    "base",     "bdi",      "bdo",      "big",      "blockquote", "body",   "br",       "button",
    "canvas",   "caption",  "center",   "cite",     "code",       "col",    "colgroup", "datalist",
    "dd",       "del",      "details",  "dfn",      "dialog",     "dir",    "div",      "dl",
    "dt",       "em",       "embed",    "fieldset", "figcaption", "figure", "font",     "footer",
    "form",     "frame",    "frameset", "h1",       "h2",         "h3",     "h4",       "h5",
    "h6",       "head",     "header",   "hgroup",   "hr",         "html",   "i",        "iframe",
    "img",      "input",    "ins",      "kbd",      "label",      "legend", "li",       "link",
    "main",     "map",      "mark",     "menu",     "meta",       "meter",  "nav",      "nobr",
    "noframes", "noscript", "object",   "ol",       "optgroup",   "option", "p",        "param",
    "picture",  "pre",      "progress", "q",        "rp",         "rt",     "ruby",     "s",
    "samp",     "script",   "section",  "select",   "small",      "source", "span",     "strike",
    "strong",   "style",    "sub",      "summary",  "sup",        "svg",    "table",    "tbody",
    "td",       "template", "textarea", "tfoot",    "th",         "thead",  "time",     "title",
    "tr",       "track",    "tt",       "u",        "ul",         "var",    "video",    "wbr",
};

/* Those that stand inside of words and sentences; sorted. */
static const char inlined[][NAME_MAX + 1] = {
    "a",    "abbr",   "acronym", "b",   "bdi", "bdo",  "big",  "cite", "code", "del",  "dfn",
    "em",   "font",   "i",       "ins", "kbd", "mark", "nobr", "q",    "s",    "samp", "small",
    "span", "strike", "strong",  "sub", "sup", "time", "tt",   "u",    "var",  "wbr",
};

static int text_order(const void *key, const void *name)
{
    return strcmp(key, name);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reading goes left to right; a search that found no end need not be done again further right. */
struct strip {
    const char *s;
    size_t n;
    int no_comment_end, no_script_end, no_style_end;
};

/* The element name at i in lower case; gives the place behind it, or 0 for no such name. */
static size_t name_read(const struct strip *in, size_t i, char *name)
{
    size_t n = 0;
    while (i < in->n && n < NAME_MAX) {
        char c = lower(in->s[i]);
        if (!(c >= 'a' && c <= 'z') && !(n && c >= '0' && c <= '9'))
            break;
        name[n++] = c;
        i++;
    }
    name[n] = 0;
    int ends = i < in->n && (blank(in->s[i]) || in->s[i] == '/' || in->s[i] == '>');
    return ends && n ? i : 0;
}

/* The place behind the '>' that closes the tag whose inside starts at i, or 0. A '>' between quotes
 * does not count, unless there is no other. */
static size_t tag_end(const struct strip *in, size_t i)
{
    size_t quoted = 0;
    char quote = 0;
    for (; i < in->n && in->s[i] != '<'; i++) {
        char c = in->s[i];
        if (quote) {
            if (c == quote)
                quote = 0;
            else if (c == '>' && !quoted)
                quoted = i + 1;
        } else if (c == '>') {
            return i + 1;
        } else if ((c == '"' || c == '\'') && in->s[i - 1] == '=') {
            quote = c;
        }
    }
    return quoted;
}

/* The place behind </name> after i, or 0; *failed remembers that there is none. */
static size_t closing_end(const struct strip *in, size_t i, const char *name, int *failed)
{
    char found[NAME_MAX + 1];
    while (!*failed && i < in->n) {
        const char *less = memchr(in->s + i, '<', in->n - i);
        if (!less)
            break;
        i = (size_t)(less - in->s) + 1;
        if (i >= in->n || in->s[i] != '/')
            continue;
        size_t end = name_read(in, i + 1, found);
        end = end && strcmp(found, name) == 0 ? tag_end(in, end) : 0;
        if (end)
            return end;
    }
    *failed = 1;
    return 0;
}

/* The place behind the comment or document type whose "<!" stands at i, or 0. */
static size_t declaration_end(struct strip *in, size_t i)
{
    static const char doctype[] = "<!doctype";
    size_t left = in->n - i, n = 0;
    if (left >= 4 && memcmp(in->s + i, "<!--", 4) == 0) {
        for (size_t k = i + 4; !in->no_comment_end && k + 3 <= in->n; k++)
            if (memcmp(in->s + k, "-->", 3) == 0)
                return k + 3;
        in->no_comment_end = 1;
        return 0;
    }
    while (n < left && n < sizeof doctype - 1 && lower(in->s[i + n]) == doctype[n])
        n++;
    return n == sizeof doctype - 1 ? tag_end(in, i + n) : 0;
}

/* The place behind the markup whose '<' stands at i, or 0 where it is text. *joins: 1 when words
 * around it belong together. */
static size_t markup_end(struct strip *in, size_t i, int *joins)
{
    char name[NAME_MAX + 1];
    *joins = 0;
    if (i + 1 < in->n && in->s[i + 1] == '!')
        return declaration_end(in, i);
    int closing = i + 1 < in->n && in->s[i + 1] == '/';
    size_t end = name_read(in, i + 1 + (size_t)closing, name);
    if (!end ||
        !bsearch(name, elements, sizeof elements / sizeof *elements, sizeof *elements, text_order))
        return 0;
    end = tag_end(in, end);
    if (!end)
        return 0;
    *joins = bsearch(name, inlined, sizeof inlined / sizeof *inlined, sizeof *inlined,
                     text_order) != NULL;
    size_t with_inside = 0;
    if (!closing && strcmp(name, "script") == 0)
        with_inside = closing_end(in, end, name, &in->no_script_end);
    else if (!closing && strcmp(name, "style") == 0)
        with_inside = closing_end(in, end, name, &in->no_style_end);
    return with_inside ? with_inside : end;
}

void ed_html_strip(const char *s, size_t n, struct ed_bytes *out)
{
    struct strip in = {.s = s, .n = n};
    size_t i = 0;
    while (i < n) {
        size_t start = i;
        while (i < n && s[i] != '<' && s[i] != '&')
            i++;
        ed_bytes_add(out, s + start, i - start);
        if (i == n)
            break;
        int joins = 1;
        int32_t c = -1;
        char bytes[4];
        size_t size = s[i] == '&' ? reference_read(s + i, n - i, &c) : 0;
        size_t end = s[i] == '<' ? markup_end(&in, i, &joins) : i + size;
        if (size)
            ed_bytes_add(out, bytes, ed_utf8_put(c, bytes));
        else if (end <= i) /* no markup: the sign itself */
            ed_bytes_add(out, s + i, 1);
        else if (!joins)
            ed_bytes_add(out, " ", 1);
        i = end > i ? end : i + 1;
    }
}
