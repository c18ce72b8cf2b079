/* Terms: the distinct words of a document.
 *
 * A word is a run of letters, digits and marks of any script, lower-cased character by character,
 * with at most one inner apostrophe and the letters behind it ("don't", "l'eau"). On ASCII text
 * this gives the same lists as the prototype's pattern, by which ALGORITHM's figures were made;
 * outside of ASCII the prototype broke "café" in two, and this does not.
 *
 * Scripts that put no blanks between words have no words to be found without a dictionary; pairs
 * of neighbouring characters are the usual stand-in and do nearly as well for likeness. A mark
 * (vowel sign, tone) belongs to the character before it.
 *
 * Words are gathered on the heap, since their number is known only at the end and an arena cannot
 * take back; what goes into the arena has its exact size. */
#include <eddy/embed.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

#define WORD_BYTES 63    /* of a word; the rest is cut */
#define TERMS_MAX  65536 /* distinct words of a document; further ones are not taken */

/* ---- characters ---- */

enum kind {
    SEPARATOR,
    LETTER,
    NUMBER,
    MARK,
    UNSPACED /* a letter or digit of a script written without blanks */
};

static int unspaced(int32_t c)
{
    static const int32_t ranges[][2] = {
        {0x0E00, 0x0EFF},   /* Thai, Lao */
        {0x1000, 0x109F},   /* Myanmar */
        {0x1780, 0x17FF},   /* Khmer */
        {0x3005, 0x3007},   /* Han: repetition mark, zero */
        {0x3021, 0x3029},   /* Han: numerals */
        {0x3031, 0x30FF},   /* Hiragana, Katakana */
        {0x31F0, 0x31FF},   /* Katakana extension */
        {0x3400, 0x4DBF},   /* Han A */
        {0x4E00, 0x9FFF},   /* Han */
        {0xA9E0, 0xA9FF},   /* Myanmar B */
        {0xAA60, 0xAA7F},   /* Myanmar A */
        {0xF900, 0xFAFF},   /* Han, compatibility */
        {0xFF66, 0xFF9F},   /* Katakana, half width */
        {0x1AFF0, 0x1B16F}, /* Kana extensions */
        {0x20000, 0x3FFFF}, /* Han B and later */
    };
    if (c < ranges[0][0])
        return 0;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c <= ranges[i][1])
            return c >= ranges[i][0];
    return 0;
}

static enum kind kind_of(int32_t c)
{
    if (c < 0x80) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            return LETTER;
        return c >= '0' && c <= '9' ? NUMBER : SEPARATOR; /* -1, no character, parts words too */
    }
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return unspaced(c) ? UNSPACED : LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return unspaced(c) ? UNSPACED : NUMBER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return MARK;
    default: return SEPARATOR;
    }
}

static int32_t fold(int32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    c = utf8proc_tolower(c);
    return c == 0x3C2 ? 0x3C3 : c; /* a capital sigma does not know whether it stands last */
}

static int apostrophe(int32_t c)
{
    return c == '\'' || c == 0x2019;
}

/* ---- the gathered words ---- */

struct entry {
    uint64_t hash;
    uint32_t at; /* in words */
    uint16_t n_word, count;
};

struct gather {
    struct ed_bytes words;
    struct entry *entries; /* (n) of room */
    uint32_t *slots;       /* (2 room) index + 1 of an entry, 0: free */
    size_t n, room;
    int failed; /* no memory; sticky */
};

static size_t slot_of(const struct gather *g, uint64_t hash)
{
    size_t mask = 2 * g->room - 1;
    size_t i = (size_t)ed_mix64(hash) & mask;
    while (g->slots[i] && g->entries[g->slots[i] - 1].hash != hash)
        i = (i + 1) & mask;
    return i;
}

static int grow(struct gather *g)
{
    size_t room = g->room ? 2 * g->room : 64;
    struct entry *entries = ed_realloc(g->entries, room * sizeof *entries);
    if (entries)
        g->entries = entries;
    uint32_t *slots = entries ? ed_alloc_zero(2 * room, sizeof *slots) : NULL;
    if (!slots)
        return 0;
    ed_free(g->slots);
    g->slots = slots;
    g->room = room;
    for (size_t i = 0; i < g->n; i++)
        g->slots[slot_of(g, g->entries[i].hash)] = (uint32_t)i + 1;
    return 1;
}

/* Count one word. Two words of one hash are one term: the engine knows them by hash only. */
static void count(struct gather *g, const char *word, size_t n_word)
{
    uint64_t hash = ed_fnv1a(ED_FNV_BASIS, word, n_word);
    if (g->n == g->room && g->room < TERMS_MAX && !grow(g)) {
        g->failed = 1;
        return;
    }
    size_t slot = slot_of(g, hash);
    if (g->slots[slot]) {
        struct entry *known = &g->entries[g->slots[slot] - 1];
        known->count = (uint16_t)(known->count + (known->count < UINT16_MAX));
        return;
    }
    if (g->n == TERMS_MAX)
        return;
    struct entry fresh = {hash, (uint32_t)g->words.n, (uint16_t)n_word, 1};
    if (!ed_bytes_add(&g->words, word, n_word)) {
        g->failed = 1;
        return;
    }
    g->entries[g->n++] = fresh;
    g->slots[slot] = (uint32_t)g->n;
}

/* ---- reading ---- */

/* Lower case of an ASCII letter or digit, 0 of all else. */
static const unsigned char plain[256] = {
    ['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ['A'] = 'a', 'b', 'c',
    'd',         'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',         'o', 'p',
    'q',         'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', ['a'] = 'a', 'b', 'c',
    'd',         'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',         'o', 'p',
    'q',         'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
};

/* Words that are in every English text; sorted. Those of one letter are too short anyway. */
static int stop_word(const char *word, size_t n)
{
    static const char stop[][8] = {
        "about",  "after", "also", "an",   "and",   "are",   "as",    "at",   "be",    "been",
        "before", "but",   "by",   "can",  "co",    "could", "did",   "do",   "does",  "for",
        "from",   "had",   "has",  "have", "he",    "her",   "his",   "how",  "http",  "https",
        "if",     "in",    "into", "is",   "it",    "its",   "may",   "more", "most",  "new",
        "no",     "not",   "of",   "on",   "or",    "our",   "out",   "over", "rt",    "said",
        "says",   "she",   "so",   "than", "that",  "the",   "their", "then", "these", "they",
        "this",   "those", "to",   "up",   "was",   "we",    "were",  "what", "when",  "where",
        "which",  "who",   "will", "with", "would", "you",
    };
    char key[8] = {0};
    if (n >= sizeof key)
        return 0;
    memcpy(key, word, n);
    size_t low = 0, high = sizeof stop / sizeof *stop;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(key, stop[middle], sizeof key);
        if (order == 0)
            return 1;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

/* Most words of most texts: ASCII from one end to the other, with no apostrophe behind it. The
 * place behind the word; i where it is another one. */
static size_t plain_word_read(struct gather *g, const char *s, size_t n, size_t i)
{
    char word[WORD_BYTES + 1];
    size_t n_word = 0;
    unsigned char c;
    while (n_word < WORD_BYTES && i + n_word < n && (c = plain[(unsigned char)s[i + n_word]]))
        word[n_word++] = (char)c;
    if (n_word == WORD_BYTES ||
        (i + n_word < n && (s[i + n_word] == '\'' || (unsigned char)s[i + n_word] >= 0x80)))
        return i;
    if (n_word > 1 && !stop_word(word, n_word))
        count(g, word, n_word);
    return i + n_word;
}

/* The word that starts at i, into the gathered ones; gives the place behind it. */
static size_t word_read(struct gather *g, const char *s, size_t n, size_t i)
{
    char word[WORD_BYTES + 4];
    size_t n_word = 0, n_chars = 0, behind = plain_word_read(g, s, n, i);
    int cut = 0, after_apostrophe = 0;
    if (behind > i)
        return behind;
    while (i < n) {
        int32_t c, next = -1;
        size_t size = ed_utf8_next(s + i, n - i, &c);
        enum kind kind = kind_of(c);
        if (!after_apostrophe && apostrophe(c) && i + size < n) {
            ed_utf8_next(s + i + size, n - i - size, &next);
            after_apostrophe = kind_of(next) == LETTER;
            if (!after_apostrophe)
                break;
            c = '\'';
        } else if (kind != LETTER && kind != MARK && (kind != NUMBER || after_apostrophe)) {
            break;
        }
        i += size;
        n_chars++;
        size_t n_fold = cut ? 0 : ed_utf8_put(fold(c), word + n_word);
        cut |= n_word + n_fold > WORD_BYTES;
        n_word += cut ? 0 : n_fold;
    }
    if (n_chars > 1 && !stop_word(word, n_word))
        count(g, word, n_word);
    return i;
}

/* The run without blanks that starts at i: each pair of neighbours, or the only character. */
static size_t pairs_read(struct gather *g, const char *s, size_t n, size_t i)
{
    size_t first = i, last = i; /* where the two latest characters start */
    size_t n_chars = 0;
    while (i < n) {
        int32_t c;
        size_t size = ed_utf8_next(s + i, n - i, &c);
        enum kind kind = kind_of(c);
        if (kind != UNSPACED && kind != MARK)
            break;
        if (kind == UNSPACED) {
            if (n_chars > 1)
                count(g, s + first, ed_utf8_cut(s + first, i - first, WORD_BYTES));
            first = last;
            last = i;
            n_chars++;
        }
        i += size;
    }
    count(g, s + first, ed_utf8_cut(s + first, i - first, WORD_BYTES));
    return i;
}

static void text_read(struct gather *g, eddy_str text)
{
    size_t i = 0;
    while (i < text.n && !g->failed) {
        int32_t c;
        if (text.at[i] == ' ') {
            i++;
            continue;
        }
        size_t size = ed_utf8_next(text.at + i, text.n - i, &c);
        switch (kind_of(c)) {
        case SEPARATOR: i += size; break;
        case UNSPACED: i = pairs_read(g, text.at, text.n, i); break;
        default: i = word_read(g, text.at, text.n, i);
        }
    }
}

/* ---- title and text ---- */

static int plain_word(char c)
{
    return c > 0 && kind_of(c) != SEPARATOR;
}

/* Feeds often repeat the title as the first words of the text; it must not count twice. "Fire" is
 * no beginning of "Firemen on strike". */
static int repeats_title(eddy_str title, eddy_str text)
{
    if (title.n == 0)
        return 1;
    if (title.n > text.n || memcmp(title.at, text.at, title.n) != 0)
        return 0;
    return title.n == text.n || !plain_word(title.at[title.n - 1]) || !plain_word(text.at[title.n]);
}

eddy_str eddy_text_join(eddy_str title, eddy_str text, eddy_arena *arena)
{
    if (repeats_title(title, text))
        return text.n ? text : (eddy_str){"", 0};
    if (!text.n)
        return title;
    char *both = ed_arena_alloc(arena, title.n + 1 + text.n + 1);
    if (!both)
        return (eddy_str){NULL, 0};
    memcpy(both, title.at, title.n);
    both[title.n] = ' ';
    memcpy(both + title.n + 1, text.at, text.n);
    both[title.n + 1 + text.n] = 0;
    return (eddy_str){both, title.n + 1 + text.n};
}

static eddy_status hand_over(const struct gather *g, eddy_arena *arena, const eddy_term **ret,
                             size_t *n_ret, eddy_error *err)
{
    size_t size = g->n * sizeof **ret;
    eddy_term *terms = ed_arena_alloc(arena, size);
    char *words = terms ? ed_arena_alloc(arena, g->words.n) : NULL;
    if (!words)
        return eddy_fail_nomem(err, "terms", size + g->words.n);
    if (g->words.n)
        memcpy(words, g->words.at, g->words.n);
    for (size_t i = 0; i < g->n; i++) {
        const struct entry *e = &g->entries[i];
        terms[i] = (eddy_term){e->hash, words + e->at, e->n_word, e->count};
    }
    *ret = terms;
    *n_ret = g->n;
    return EDDY_OK;
}

eddy_status eddy_terms_read(eddy_str title, eddy_str text, eddy_arena *arena, const eddy_term **ret,
                            size_t *n_ret, eddy_error *err)
{
    struct gather g = {0};
    ed_bytes_init(&g.words, (size_t)TERMS_MAX * WORD_BYTES);
    if (!repeats_title(title, text))
        text_read(&g, title);
    text_read(&g, text);
    eddy_status st = g.failed ? eddy_fail_nomem(err, "terms", title.n + text.n)
                              : hand_over(&g, arena, ret, n_ret, err);
    ed_bytes_clear(&g.words);
    ed_free(g.entries);
    ed_free(g.slots);
    return st;
}
