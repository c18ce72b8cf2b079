/* Scan: a log message as constant words and what varies between them (LOGS 3.1).
 *
 * One pass from left to right. A token is a run of bytes without blanks and brackets; its looks say
 * whether it is a variable: a number, a path, an address, an identifier with digits. Every variable
 * counts as nothing but a gap, punctuation as less, and what repeats itself as once, so that lists
 * of any length are one. What is left is hashed word by word.
 *
 * Nothing here knows what came before: the miner finds out which words vary among lines.
 *
 * Tried and left: masking quoted strings (msg="connection refused" is the event), true and false
 * everywhere (flags separate events), keys before "=" that vary. */
#include <eddy/templates.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "parse/scan_words.h"

/* ---- bytes ---- */

enum look {
    DIGIT = 1,
    UPPER = 2,
    LOWER = 4,
    HIGH = 8, /* of a letter beyond ASCII */
    DOT = 16,
    SLASH = 32,
    ODD = 64, /* % or @ */
    JOIN = 128,
    HEX = 256,  /* a letter that is a digit of base 16 */
    EDGE = 512, /* not part of a word at its ends */
    BLANK = 1024,
    DELIMITER = 2048,
    EQUALS = 4096,
    COLON = 8192,
    WIDE = 16384, /* begins a character of a script that needs no blanks */
    STOP = BLANK | DELIMITER | EQUALS | COLON,
    LETTER = UPPER | LOWER | HIGH
};

/* clang-format off */
#define L  LOWER
#define U  UPPER
#define LH (LOWER | HEX)
#define UH (UPPER | HEX)
#define EJ (EDGE | JOIN)
#define H  HIGH
#define W  (HIGH | WIDE)
#define SIXTEEN(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x
static const uint16_t looks[256] = {
    BLANK, 0, 0, 0, 0, 0, 0, 0, 0, BLANK, BLANK, BLANK, BLANK, BLANK, 0, 0,
    SIXTEEN(0),
    /* blank ! " # $ % & ' */
    BLANK, EDGE, DELIMITER, EJ, EJ, ODD, EDGE, EDGE,
    /* ( ) * + , - . / */
    DELIMITER, DELIMITER, EDGE, EDGE, DELIMITER, EJ, EDGE | DOT, SLASH,
    DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT,
    /* : ; < = > ? */
    COLON, DELIMITER, DELIMITER, EQUALS, DELIMITER, EDGE,
    ODD, UH, UH, UH, UH, UH, UH, U, U, U, U, U, U, U, U, U,
    /* P to Z [ \ ] ^ _ */
    U, U, U, U, U, U, U, U, U, U, U, DELIMITER, SLASH, DELIMITER, EDGE, EJ,
    /* ` a to o */
    EDGE, LH, LH, LH, LH, LH, LH, L, L, L, L, L, L, L, L, L,
    /* p to z { | } ~ */
    L, L, L, L, L, L, L, L, L, L, L, DELIMITER, DELIMITER, DELIMITER, EDGE, 0,
    /* 80 to df: what follows, and what begins a letter of two bytes */
    SIXTEEN(H), SIXTEEN(H), SIXTEEN(H), SIXTEEN(H), SIXTEEN(H), SIXTEEN(H),
    /* e0 to ef; e2 is punctuation, ee private */
    W, W, H, W, W, W, W, W, W, W, W, W, W, W, H, W,
    SIXTEEN(H),
};
#undef L
#undef U
#undef LH
#undef UH
#undef EJ
#undef H
#undef W
#undef SIXTEEN
/* clang-format on */

static inline unsigned look_of(const char *p)
{
    return looks[(unsigned char)*p];
}

/* ---- words ---- */

/* Up to 16 bytes as two little-endian numbers, filled up with zeros. */
struct halves {
    uint64_t low, high;
};

static inline uint64_t number_of(const void *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* The first n of at most 16 bytes; `end` is that of what may be read. */
static inline struct halves halves_of(const char *p, size_t n, const char *end)
{
    unsigned char room[16] = {0};
    const void *from = p;
    if (end - p < 16) {
        memcpy(room, p, n);
        from = room;
    }
    struct halves h = {number_of(from), n > 8 ? number_of((const char *)from + 8) : 0};
    if (n < 8)
        h.low &= (UINT64_C(1) << 8 * n) - 1;
    else if (n > 8 && n < 16)
        h.high &= (UINT64_C(1) << 8 * (n - 8)) - 1;
    return h;
}

static uint64_t word_hash(const char *p, size_t n, const char *end)
{
    uint64_t h = n;
    for (; n > 16; p += 16, n -= 16)
        h = ed_mix_pair(h ^ number_of(p), number_of(p + 8));
    struct halves last = halves_of(p, n, end);
    return ed_mix_pair(h ^ last.low, last.high);
}

/* A to Z of eight bytes at once as a to z. */
static inline uint64_t folded(uint64_t x)
{
    uint64_t seven = x & UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t upper = (seven + UINT64_C(0x3f3f3f3f3f3f3f3f)) &
                     ~(seven + UINT64_C(0x2525252525252525)) & ~x & UINT64_C(0x8080808080808080);
    return x | upper >> 2;
}

/* What is known of a word; an entry without lists where nothing is. */
static const struct scan_word *word_known(const char *p, size_t n, const char *end)
{
    if (n > 15 || !n)
        return &scan_words[0];
    struct halves h = halves_of(p, n, end);
    h.low = folded(h.low);
    h.high = folded(h.high);
    size_t at = (h.low * SCAN_MULTIPLIER_LOW + h.high * SCAN_MULTIPLIER_HIGH) >> SCAN_SHIFT;
    for (; scan_slots[at]; at = (at + 1) % SCAN_SLOTS) {
        const struct scan_word *word = &scan_words[scan_slots[at]];
        if (word->low == h.low && word->high == h.high)
            return word;
    }
    return &scan_words[0];
}

/* ---- the work ---- */

#define BEGIN       UINT64_C(0x6564647974656d70) /* the key of no words */
#define EMPTY       UINT64_C(0x656d7074796c6f67)
#define VARIABLES   UINT64_C(0x7661726961626c65)
#define NAMES       UINT64_C(0x657863657074696f)
#define REPEATS     3 /* words of the longest run that counts once when it repeats */
#define QUOTED_MOST 256

struct work {
    const char *start, *end;
    uint64_t gaps, polar, rest;
    uint64_t keys[EDDY_SCAN_WORDS + 1]; /* of the first i words */
    uint64_t hashes[EDDY_SCAN_WORDS];
    eddy_span words[EDDY_SCAN_WORDS], variables[EDDY_SCAN_WORDS];
    uint8_t flags[EDDY_SCAN_WORDS], before[EDDY_SCAN_WORDS];
    unsigned n, n_variables;
    int full;           /* no more words are kept: they go to `rest` */
    int any;            /* a variable was seen */
    int after_variable; /* and nothing since */
    int after_prep;     /* the last thing was a word of PREP */
};

static void variable(struct work *w, const char *at, const char *end)
{
    if (w->n < EDDY_SCAN_WORDS)
        w->gaps |= UINT64_C(1) << w->n;
    w->any = w->after_variable = 1;
    w->after_prep = 0;
    if (w->n_variables == EDDY_SCAN_WORDS || end - w->start > EDDY_SCAN_BYTES)
        return;
    w->variables[w->n_variables] = (eddy_span){(uint16_t)(at - w->start), (uint16_t)(end - at)};
    w->before[w->n_variables++] = (uint8_t)w->n;
}

/* The last p words are the p before them: once is enough. */
static void repeats_drop(struct work *w)
{
    for (unsigned p = 1; p <= REPEATS && 2 * p <= w->n; p++) {
        if (memcmp(&w->hashes[w->n - p], &w->hashes[w->n - 2 * p], p * sizeof *w->hashes))
            continue;
        w->n -= p;
        w->gaps &= (UINT64_C(2) << w->n) - 1;
        for (unsigned i = w->n_variables; i-- && w->before[i] > w->n;)
            w->before[i] = (uint8_t)w->n;
        return;
    }
}

static void word(struct work *w, const char *at, const char *end, unsigned flags)
{
    uint64_t hash = word_hash(at, (size_t)(end - at), w->end);
    w->after_variable = 0;
    w->full |= w->n == EDDY_SCAN_WORDS || end - w->start > EDDY_SCAN_BYTES;
    if (w->full) {
        w->rest = ed_mix_pair(w->rest, hash);
        return;
    }
    w->hashes[w->n] = hash;
    w->words[w->n] = (eddy_span){(uint16_t)(at - w->start), (uint16_t)(end - at)};
    w->flags[w->n] = (uint8_t)flags;
    w->keys[w->n + 1] = ed_mix_pair(w->keys[w->n], hash);
    w->n++;
    repeats_drop(w);
}

/* ---- tokens ---- */

/* A clock, a MAC or an IPv6 address: groups of up to four hexadecimal digits, joined by colons.
 * Where it ends; NULL: it is none. */
static const char *colons_end(const char *p, const char *end)
{
    unsigned group = 0, colons = 0;
    for (; p < end && group <= 4; p++) {
        if (*p == ':')
            group = 0, colons++;
        else if (look_of(p) & (DIGIT | HEX))
            group++;
        else
            break;
    }
    if (group > 4 || colons < 2 || p[-1] == ':')
        return NULL;
    return p == end || look_of(p) & (BLANK | DELIMITER | DOT | SLASH) ? p : NULL;
}

static int is_capitals(const char *p, const char *end)
{
    for (; p < end; p++)
        if (!(look_of(p) & UPPER) && *p != '_')
            return 0;
    return 1;
}

/* ACTION_DOWN: a value that is one of few. */
static int is_enumerator(const char *p, const char *end)
{
    return memchr(p, '_', (size_t)(end - p)) && is_capitals(p, end);
}

/* SOCKS5, HTTP2. */
static int is_numbered_name(const char *p, const char *end)
{
    if (end - p < 4 || !(look_of(end - 1) & DIGIT))
        return 0;
    for (; p < end - 1; p++)
        if (!(look_of(p) & UPPER))
            return 0;
    return 1;
}

static int ends_in(const char *p, const char *end, const char *what)
{
    size_t n = strlen(what);
    return (size_t)(end - p) > n && !memcmp(end - n, what, n);
}

static int is_thrown(const char *p, const char *end)
{
    return ends_in(p, end, "Exception") || ends_in(p, end, "Error") ||
           ends_in(p, end, "Throwable") || ends_in(p, end, "Failure") || ends_in(p, end, "Fault");
}

/* What stands behind the last dot; NULL: there is none. */
static const char *last_part(const char *p, const char *end)
{
    while (end > p && end[-1] != '.')
        end--;
    return end > p ? end : NULL;
}

/* Names joined by dots: of hosts, files, classes. */
static int is_dotted(const char *p, const char *end, const char *limit)
{
    const char *last = last_part(p, end);
    unsigned dots = 0;
    for (const char *q = p + 1; q < end - 1; q++)
        dots += *q == '.' && q[-1] != '.' && q[1] != '.';
    if (dots >= 2)
        return !is_capitals(last, end) && !is_thrown(p, end);
    return dots == 1 && word_known(last, (size_t)(end - last), limit)->lists & LIST_EXT;
}

static int is_path(const char *p, const char *end)
{
    if (*p == '/')
        return end - p > 1;
    unsigned slashes = 0;
    for (; p < end; p++)
        slashes += (look_of(p) & SLASH) != 0;
    return slashes >= 2;
}

struct seen {
    unsigned any, all; /* looks of its bytes */
};

static struct seen seen_of(const char *p, const char *end)
{
    struct seen seen = {0, HEX};
    for (; p < end; p++) {
        unsigned look = look_of(p);
        seen.any |= look;
        seen.all &= look;
    }
    return seen;
}

static int is_variable(const char *p, const char *end, struct seen seen, const char *limit)
{
    if (seen.any & DIGIT)
        return !is_numbered_name(p, end);
    if (seen.any & SLASH && is_path(p, end))
        return 1;
    if (seen.any & DOT && is_dotted(p, end, limit))
        return 1;
    if (seen.any & ODD)
        for (const char *q = p; q < end; q++)
            if (*q == '%' || (*q == '@' && q > p && q < end - 1))
                return 1;
    return seen.all & HEX && end - p >= 8;
}

static int is_identifier(const char *p, const char *end, unsigned any)
{
    if (any & (JOIN | SLASH | ODD))
        return 1;
    return any & DOT && !is_capitals(last_part(p, end), end);
}

/* A digit, or a word of DATE, is next. */
static int date_goes_on(const char *p, const char *end)
{
    while (p < end && (look_of(p) & BLANK || *p == ','))
        p++;
    if (p < end && look_of(p) & DIGIT)
        return 1;
    const char *next = p;
    while (next < end && look_of(next) & LETTER)
        next++;
    return next - p == 3 && word_known(p, 3, end)->lists & LIST_DATE;
}

/* What stands after "=", by its key. */
enum value { NO_VALUE, VALUE, VALUE_OF_MESSAGE };

/* A word that is not a variable by its looks. */
static void word_or_not(struct work *w, const char *p, const char *end, unsigned any,
                        enum value value, int is_key)
{
    const struct scan_word *known = word_known(p, (size_t)(end - p), w->end);
    if (value == VALUE && !is_key && !(known->lists & (LIST_BOOL | LIST_POLAR)) &&
        !is_enumerator(p, end)) {
        variable(w, p, end);
        return;
    }
    if (known->lists & (LIST_UNIT | LIST_DATE) && !is_key) {
        if (w->after_variable || (known->lists & LIST_DATE && date_goes_on(end, w->end))) {
            variable(w, p, end);
            return;
        }
    }
    unsigned flags = w->after_prep ? EDDY_WORD_AFTER : 0;
    if (is_key)
        flags |= EDDY_WORD_KEY;
    else if (!(known->lists & LIST_POLAR))
        flags |= EDDY_WORD_CANDIDATE;
    if (is_identifier(p, end, any))
        flags |= EDDY_WORD_IDENTIFIER;
    if (known->lists & LIST_POLAR)
        w->polar |= UINT64_C(1) << known->polar;
    word(w, p, end, flags);
    w->after_prep = (known->lists & LIST_PREP) != 0;
}

/* One token, its edges stripped. */
static void token(struct work *w, const char *p, const char *end, enum value value, int is_key)
{
    const char *raw = p;
    while (p < end && look_of(p) & EDGE)
        p++;
    while (end > p && look_of(end - 1) & EDGE)
        end--;
    if (p == end) {
        size_t stars = 0;
        while (raw + stars < p && raw[stars] == '*')
            stars++;
        if (stars >= 3 && raw + stars == p)
            word(w, raw, p, 0);
        return;
    }
    struct seen seen = seen_of(p, end);
    if (is_variable(p, end, seen, w->end))
        variable(w, p, end);
    else if (seen.any & LETTER)
        word_or_not(w, p, end, seen.any, value, is_key);
}

/* Ideographs and the like stand without blanks between them and digits: there a token ends where
 * the script does, and punctuation of their width parts tokens as its narrow kin does. Bytes of the
 * punctuation at p: 0, none. */
static size_t wide_mark(const char *p, const char *end)
{
    const unsigned char *b = (const unsigned char *)p;
    if (end - p < 3)
        return 0;
    if (b[0] == 0xe3 && b[1] == 0x80 && b[2] <= 0x91) /* U+3000 to U+3011 */
        return 3;
    if (b[0] == 0xef && b[1] == 0xbc) /* U+FF01 to U+FF0F, U+FF1A to U+FF20, U+FF3B to U+FF3F */
        return b[2] <= 0x8f || (b[2] >= 0x9a && b[2] <= 0xa0) || b[2] >= 0xbb ? 3 : 0;
    return 0;
}

static const char *wide_end(const char *p, const char *end)
{
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (look_of(p) & WIDE ? wide_mark(p, end) != 0 : c < 0x80 || c >= 0xc0)
            break;
    }
    return p;
}

/* Where a token ends that begins at p: at what parts tokens, or before two dots. */
static inline const char *token_end(const char *p, const char *end)
{
    if (look_of(p) & WIDE)
        return wide_end(p, end);
    for (; p < end; p++) {
        unsigned look = look_of(p);
        if (look & (STOP | WIDE) || (look & DOT && p + 1 < end && p[1] == '.'))
            break;
    }
    return p;
}

/* After "=" of an ordinary key: all that the quotes hold. Where it ends; p: nothing is quoted. */
static const char *quoted(struct work *w, const char *p)
{
    if (p == w->end || (*p != '"' && *p != '\''))
        return p;
    size_t most = (size_t)(w->end - p) - 1;
    const char *close = memchr(p + 1, *p, most < QUOTED_MOST ? most : QUOTED_MOST);
    if (!close || close == p + 1)
        return p;
    variable(w, p + 1, close);
    return close + 1;
}

static void scan(struct work *w)
{
    enum value value = NO_VALUE;
    for (const char *p = w->start; p < w->end;) {
        if (look_of(p) & STOP) {
            if (*p != '"' && *p != '\'')
                value = NO_VALUE;
            p++;
            continue;
        }
        if (look_of(p) & WIDE && wide_mark(p, w->end)) {
            value = NO_VALUE;
            p += 3;
            continue;
        }
        if (look_of(p) & DOT && p + 1 < w->end && p[1] == '.') {
            while (p < w->end && *p == '.')
                p++;
            value = NO_VALUE;
            continue;
        }
        const char *end = token_end(p, w->end);
        if (end < w->end && *end == ':' && end - p <= 4 && look_of(p) & (DIGIT | HEX)) {
            const char *far = colons_end(p, w->end);
            if (far) {
                variable(w, p, far);
                p = far;
                continue;
            }
        }
        int is_key = end < w->end && *end == '=';
        token(w, p, end, value, is_key);
        value = NO_VALUE;
        if (is_key) {
            int tells = (word_known(p, (size_t)(end - p), w->end)->lists & LIST_MSGKEY) != 0;
            value = tells ? VALUE_OF_MESSAGE : VALUE;
            const char *from = ++end;
            end = tells ? end : quoted(w, end);
            value = end > from ? NO_VALUE : value;
        }
        p = end;
    }
}

/* ---- out ---- */

static uint64_t signature(const struct work *w, int names)
{
    uint64_t key = w->keys[w->n];
    if (!w->n && !w->full && !names)
        key = w->any ? VARIABLES : EMPTY;
    if (w->full || names)
        key = ed_mix_pair(key, w->rest);
    return key ? key : 1;
}

eddy_status eddy_scan_message(eddy_str message, const eddy_str *names, size_t n_names,
                              eddy_arena *arena, const eddy_scan **ret, eddy_error *err)
{
    struct work w;
    w.start = message.at;
    w.end = message.at + message.n;
    w.gaps = w.polar = w.rest = 0;
    w.keys[0] = BEGIN;
    w.n = w.n_variables = 0;
    w.full = w.any = w.after_variable = w.after_prep = 0;
    if (message.n)
        scan(&w);
    for (size_t i = 0; i < n_names; i++)
        w.rest = ed_mix_pair(w.rest ^ NAMES,
                             word_hash(names[i].at, names[i].n, names[i].at + names[i].n));
    size_t n_bytes = sizeof(eddy_scan) + w.n * (sizeof *w.hashes + sizeof *w.words + 1) +
                     w.n_variables * (sizeof *w.variables + 1);
    eddy_scan *out = ed_arena_alloc(arena, n_bytes);
    if (!out)
        return eddy_fail_nomem(err, "scan", n_bytes);
    uint64_t *hashes = (uint64_t *)(out + 1);
    eddy_span *words = (eddy_span *)(hashes + w.n), *variables = words + w.n;
    uint8_t *flags = (uint8_t *)(variables + w.n_variables), *before = flags + w.n;
    memcpy(hashes, w.hashes, w.n * sizeof *hashes);
    memcpy(words, w.words, w.n * sizeof *words);
    memcpy(variables, w.variables, w.n_variables * sizeof *variables);
    memcpy(flags, w.flags, w.n);
    memcpy(before, w.before, w.n_variables);
    *out = (eddy_scan){signature(&w, n_names > 0),
                       w.rest,
                       w.gaps,
                       w.polar,
                       hashes,
                       words,
                       variables,
                       flags,
                       before,
                       (uint8_t)w.n,
                       (uint8_t)w.n_variables};
    *ret = out;
    return EDDY_OK;
}
