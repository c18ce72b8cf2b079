/* WordPiece: words by the basic tokenizer (fold.c), each cut greedily into the longest pieces.
 *
 * Pieces stand in a hash table under the FNV-1a of their bytes. FNV is a running hash: one walk
 * over the rest of a word gives the hashes of all its beginnings, which are then looked up from
 * the longest down. A common word is one look-up. */
#include "embed/wordpiece.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/utf8.h"

#include <string.h>

#define PIECES_MAX 1000000
#define WORD_CHARS 100 /* a longer word is unknown, as in the reference */
#define WORD_BYTES ((size_t)WORD_CHARS * 4)

static const char *const special_names[] = {"[UNK]", "[CLS]", "[SEP]", "[MASK]", "[PAD]"};
enum { UNKNOWN, BEGIN, END, SPECIALS = sizeof special_names / sizeof *special_names };

struct ed_wordpiece {
    struct ed_fold_flags flags;
    char *vocab;
    eddy_str *pieces; /* (n_pieces) into vocab, by id */
    size_t n_pieces;
    struct ed_table ids;       /* key_of(hash of the piece) -> id */
    int64_t special[SPECIALS]; /* ids; -1: not in the vocabulary */
};

/* ---- the vocabulary ---- */

/* Where a piece of this hash stands, or would: two pieces of one hash take keys in a row. */
static uint64_t *piece_slot(const struct ed_wordpiece *words, uint64_t hash, eddy_str head,
                            eddy_str tail, uint64_t *key)
{
    for (*key = hash ? hash : 1;; *key = ed_mix64(*key) | 1) {
        uint64_t *id = ed_table_find(&words->ids, *key);
        if (!id)
            return NULL;
        eddy_str piece = words->pieces[*id];
        if (piece.n == head.n + tail.n && !memcmp(piece.at, head.at, head.n) &&
            !memcmp(piece.at + head.n, tail.at, tail.n))
            return id;
    }
}

static const eddy_str no_head = {"", 0}, inner_head = {"##", 2};

static int piece_add(struct ed_wordpiece *words, eddy_str piece)
{
    uint64_t key;
    words->pieces[words->n_pieces] = piece;
    uint64_t hash = ed_fnv1a(ED_FNV_BASIS, piece.at, piece.n);
    uint64_t *id = piece_slot(words, hash, no_head, piece, &key);
    if (id)
        *id = words->n_pieces; /* a line twice: the later one counts, as in the reference */
    else if (!ed_table_put(&words->ids, key, words->n_pieces))
        return 0;
    words->n_pieces++;
    return 1;
}

static size_t count_lines(const char *text, size_t n)
{
    size_t lines = 0;
    for (const char *at = text; n; lines++) {
        const char *end = memchr(at, '\n', n);
        size_t step = end ? (size_t)(end - at) + 1 : n;
        at += step;
        n -= step;
    }
    return lines;
}

static int pieces_read(struct ed_wordpiece *words, size_t n)
{
    for (const char *at = words->vocab, *stop = at + n; at < stop;) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));
        const char *next = end ? end + 1 : stop;
        size_t size = (size_t)((end ? end : stop) - at);
        if (size && at[size - 1] == '\r')
            size--;
        if (!piece_add(words, (eddy_str){at, size}))
            return 0;
        at = next;
    }
    return 1;
}

static eddy_status specials_find(struct ed_wordpiece *words, const char *label, eddy_error *err)
{
    for (size_t i = 0; i < SPECIALS; i++) {
        eddy_str name = {special_names[i], strlen(special_names[i])};
        uint64_t key;
        uint64_t *id =
            piece_slot(words, ed_fnv1a(ED_FNV_BASIS, name.at, name.n), no_head, name, &key);
        words->special[i] = id ? (int64_t)*id : -1;
        if (!id && i <= END)
            return eddy_fail(err, EDDY_FORMAT, "%s: %s is not among its %zu pieces", label, name.at,
                             words->n_pieces);
    }
    return EDDY_OK;
}

eddy_status ed_wordpiece_new(const char *vocab, size_t n, const struct ed_fold_flags *flags,
                             const char *label, struct ed_wordpiece **ret, eddy_error *err)
{
    size_t lines = count_lines(vocab, n);
    if (lines > PIECES_MAX)
        return eddy_fail(err, EDDY_FORMAT, "%s: %zu lines, the most is %d", label, lines,
                         PIECES_MAX);
    struct ed_wordpiece *words = ed_alloc_zero(1, sizeof *words);
    if (!words)
        return eddy_fail_nomem(err, label, sizeof *words);
    words->flags = *flags;
    words->vocab = ed_strndup(vocab, n);
    words->pieces = ed_alloc_zero(lines, sizeof *words->pieces);
    eddy_status st = EDDY_OK;
    if (!words->vocab || !words->pieces || !pieces_read(words, n))
        st = eddy_fail_nomem(err, label, n);
    if (st == EDDY_OK)
        st = specials_find(words, label, err);
    if (st == EDDY_OK)
        *ret = words;
    else
        ed_wordpiece_free(words);
    return st;
}

void ed_wordpiece_free(struct ed_wordpiece *words)
{
    if (!words)
        return;
    ed_table_clear(&words->ids);
    ed_free(words->pieces);
    ed_free(words->vocab);
    ed_free(words);
}

size_t ed_wordpiece_size(const struct ed_wordpiece *words)
{
    return words->n_pieces;
}

/* ---- reading ---- */

/* The longest piece that (n) rest begins with. Gives its bytes, 0 when there is none. */
static size_t piece_longest(const struct ed_wordpiece *words, eddy_str head, const char *rest,
                            size_t n, uint32_t *ret)
{
    uint64_t hashes[WORD_CHARS];
    size_t ends[WORD_CHARS], chars = 0;
    uint64_t hash = ed_fnv1a(ED_FNV_BASIS, head.at, head.n);
    for (size_t i = 0; i < n; i = ends[chars++]) {
        size_t size = 1;
        while (i + size < n && ((unsigned char)rest[i + size] & 0xC0) == 0x80)
            size++;
        hash = ed_fnv1a(hash, rest + i, size);
        hashes[chars] = hash;
        ends[chars] = i + size;
    }
    while (chars--) {
        uint64_t key;
        eddy_str tail = {rest, ends[chars]};
        const uint64_t *id = piece_slot(words, hashes[chars], head, tail, &key);
        if (id) {
            *ret = (uint32_t)*id;
            return ends[chars];
        }
    }
    return 0;
}

/* What is being read: the word so far, and the ids. */
struct reader {
    const struct ed_wordpiece *words;
    uint32_t *ids;
    size_t n, max;
    char word[WORD_BYTES];
    size_t n_word, chars; /* chars above WORD_CHARS are counted, not kept */
};

static void id_add(struct reader *r, uint32_t id)
{
    if (r->n < r->max)
        r->ids[r->n++] = id;
}

/* End of a word: its pieces, or [UNK] for the whole when a part of it has none. */
static void word_end(struct reader *r)
{
    uint32_t pieces[WORD_CHARS];
    size_t n = 0;
    size_t at = r->chars > WORD_CHARS ? r->n_word : 0;
    while (at < r->n_word) {
        size_t size = piece_longest(r->words, at ? inner_head : no_head, r->word + at,
                                    r->n_word - at, &pieces[n]);
        if (!size)
            break;
        at += size;
        n++;
    }
    if (r->chars && (at < r->n_word || !n)) {
        n = 0;
        pieces[n++] = (uint32_t)r->words->special[UNKNOWN];
    }
    for (size_t i = 0; i < n; i++)
        id_add(r, pieces[i]);
    r->n_word = r->chars = 0;
}

static void letter_add(struct reader *r, int32_t c)
{
    if (r->chars++ < WORD_CHARS)
        r->n_word += ed_utf8_put(c, r->word + r->n_word);
}

static void folded_add(struct reader *r, const struct ed_folded *folded)
{
    for (size_t i = 0; i < folded->n; i++) {
        if (folded->alone[i])
            word_end(r);
        letter_add(r, folded->at[i]);
        if (folded->alone[i])
            word_end(r);
    }
}

/* The bytes of a special name at s, 0 when there is none. It is looked for in the raw text. */
static size_t special_at(const struct ed_wordpiece *words, const char *s, size_t n, uint32_t *ret)
{
    for (size_t i = 0; i < SPECIALS && *s == '['; i++) {
        size_t size = strlen(special_names[i]);
        if (words->special[i] >= 0 && size <= n && !memcmp(s, special_names[i], size)) {
            *ret = (uint32_t)words->special[i];
            return size;
        }
    }
    return 0;
}

size_t ed_wordpiece_read(const struct ed_wordpiece *words, eddy_str text, uint32_t *ret, size_t max)
{
    struct reader r = {.words = words, .ids = ret, .max = max - 1};
    id_add(&r, (uint32_t)words->special[BEGIN]);
    for (size_t i = 0, size; i < text.n && r.n < r.max; i += size) {
        uint32_t special;
        int32_t c;
        struct ed_folded folded;
        size = special_at(words, text.at + i, text.n - i, &special);
        if (size) {
            word_end(&r);
            id_add(&r, special);
            continue;
        }
        size = ed_utf8_next(text.at + i, text.n - i, &c);
        enum ed_fold_kind kind = ed_fold(c, &words->flags, &folded);
        if (kind == ED_FOLD_DROPPED)
            continue;
        if (kind != ED_FOLD_LETTERS)
            word_end(&r);
        folded_add(&r, &folded);
        if (kind == ED_FOLD_WORD)
            word_end(&r);
    }
    word_end(&r);
    ret[r.n] = (uint32_t)words->special[END];
    return r.n + 1;
}
