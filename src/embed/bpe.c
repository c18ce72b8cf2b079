/* Three ways to the same ids. A word that is a piece, and that merging would lead to, is looked up
 * as a whole: most words of most texts. A short one is merged by looking for the first merge of the
 * list again and again. A long one keeps the merges that are possible in a heap.
 *
 * A model without a pre-tokenizer takes a whole text for one word. No merge reaches over two
 * letters that no merge joins, so a text is parted there first, and each part merged by itself: in
 * the vocabulary of Llama 2 before each word, and around each digit. */
#include "embed/bpe.h"

#include "base/error.h"
#include "base/utf8.h"

#include <stdio.h>

#define SHORT_WORD 40 /* letters up to which looking again costs less than a heap */
#define KIND_MARK  128
#define KIND_OTHER 129

/* ---- the letters of GPT-2 ---- */

/* Bytes that are not written as themselves are U+0100 and up, in their order. */
static int is_written_as_itself(unsigned b)
{
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
}

static int32_t letter_of_byte(unsigned b)
{
    int32_t c = 0x100;
    if (is_written_as_itself(b))
        return (int32_t)b;
    for (unsigned i = 0; i < b; i++)
        c += !is_written_as_itself(i);
    return c;
}

/* The bytes that a piece stands for, to (piece.n) ret: gives how many, or -1 when it has a letter
 * that stands for none. */
static long bytes_of_piece(const int16_t *byte_of, eddy_str piece, char *ret)
{
    long n = 0;
    for (size_t i = 0, size; i < piece.n; i += size) {
        int32_t c;
        size = ed_utf8_next(piece.at + i, piece.n - i, &c);
        if (c < 0 || c >= 512 || byte_of[c] < 0)
            return -1;
        ret[n++] = (char)byte_of[c];
    }
    return n;
}

/* ---- reading tokenizer.json ---- */

static uint64_t pair_key(uint32_t left, uint32_t right)
{
    return ((uint64_t)left + 1) << 32 | right;
}

static unsigned kind_of(const char *s)
{
    unsigned char b = (unsigned char)*s;
    return b < 0x80 ? b : !memcmp(s, "\xE2\x96\x81", 3) ? KIND_MARK : KIND_OTHER;
}

/* Where the last code point of a piece starts. */
static const char *last_letter(eddy_str piece)
{
    const char *at = piece.at + piece.n - 1;
    while (at > piece.at && ((unsigned char)*at & 0xC0) == 0x80)
        at--;
    return at;
}

static eddy_status vocab_read(struct ed_bpe *bpe, const struct ed_model_file *file,
                              const json_t *value, eddy_error *err)
{
    json_t *vocab = json_object_get(value, "vocab");
    size_t n = json_object_size(vocab), n_bytes = 0;
    const char *piece;
    json_t *id;
    if (!n || n > ED_PIECES_MAX)
        return ed_model_wrong(file, err, "model: vocab wants an object of 1 to %d pieces",
                              ED_PIECES_MAX);
    json_object_foreach(vocab, piece, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= ED_PIECES_MAX)
            return ed_model_wrong(file, err, "model: vocab: the id of \"%.60s\" is none", piece);
        n_bytes += strlen(piece);
    }
    if (!ed_pieces_init(&bpe->pieces, n, n_bytes))
        return eddy_fail_nomem(err, "vocabulary", n_bytes);
    json_object_foreach(vocab, piece, id)
    {
        if (!ed_pieces_add(&bpe->pieces, piece, strlen(piece), (uint32_t)json_integer_value(id)))
            return eddy_fail_nomem(err, "vocabulary", n_bytes);
    }
    return EDDY_OK;
}

/* One entry of merges: "left right", or newer ["left", "right"]. 0: neither. */
static int merge_parts(const json_t *merge, eddy_str *left, eddy_str *right)
{
    if (json_is_string(merge)) {
        const char *s = json_string_value(merge), *blank = strchr(s, ' ');
        if (!blank || strchr(blank + 1, ' '))
            return 0;
        *left = (eddy_str){s, (size_t)(blank - s)};
        *right = (eddy_str){blank + 1, strlen(blank + 1)};
    } else {
        const json_t *a = json_array_get(merge, 0), *b = json_array_get(merge, 1);
        if (json_array_size(merge) != 2 || !json_is_string(a) || !json_is_string(b))
            return 0;
        *left = (eddy_str){json_string_value(a), json_string_length(a)};
        *right = (eddy_str){json_string_value(b), json_string_length(b)};
    }
    return left->n && right->n;
}

static eddy_status merge_add(struct ed_bpe *bpe, const struct ed_model_file *file, size_t rank,
                             eddy_str left, eddy_str right, eddy_error *err)
{
    char both[1024];
    if (left.n + right.n > sizeof both)
        return ed_model_wrong(file, err, "model: merges: %zu is longer than %zu bytes", rank,
                              sizeof both);
    memcpy(both, left.at, left.n);
    memcpy(both + left.n, right.at, right.n);
    int64_t a = ed_pieces_find(&bpe->pieces, left.at, left.n);
    int64_t b = ed_pieces_find(&bpe->pieces, right.at, right.n);
    int64_t ab = ed_pieces_find(&bpe->pieces, both, left.n + right.n);
    if (a < 0 || b < 0 || ab < 0)
        return ed_model_wrong(file, err, "model: merges: %zu names what is no piece", rank);
    uint64_t what = (uint64_t)rank << 32 | (uint64_t)ab;
    uint64_t *slot = ed_table_put(&bpe->merges, pair_key((uint32_t)a, (uint32_t)b), what);
    if (!slot)
        return eddy_fail_nomem(err, "merges", sizeof what);
    *slot = what; /* a pair twice: the later one counts, as in the reference */
    bpe->joins[kind_of(last_letter(left))][kind_of(right.at)] = 1;
    return EDDY_OK;
}

static eddy_status merges_read(struct ed_bpe *bpe, const struct ed_model_file *file,
                               const json_t *value, eddy_error *err)
{
    const json_t *merges = json_object_get(value, "merges");
    if (!json_is_array(merges) || json_array_size(merges) > 4 * (size_t)ED_PIECES_MAX)
        return ed_model_wrong(file, err, "model: merges wants a list of at most %d",
                              4 * ED_PIECES_MAX);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < json_array_size(merges) && st == EDDY_OK; i++) {
        eddy_str left, right;
        if (!merge_parts(json_array_get(merges, i), &left, &right))
            return ed_model_wrong(file, err, "model: merges: %zu is no pair of pieces", i);
        st = merge_add(bpe, file, i, left, right, err);
    }
    return st;
}

/* The pieces of single letters and bytes. */
static eddy_status letters_read(struct ed_bpe *bpe, const struct ed_model_file *file,
                                eddy_error *err)
{
    for (unsigned b = 0; b < 128; b++) {
        char letter = (char)b;
        bpe->ascii[b] = ed_pieces_find(&bpe->pieces, &letter, 1);
    }
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        size_t n = bpe->by_bytes ? ed_utf8_put(letter_of_byte(b), name)
                                 : (size_t)snprintf(name, sizeof name, "<0x%02X>", b);
        bpe->bytes[b] = ed_pieces_find(&bpe->pieces, name, n);
        if (bpe->fallback && bpe->bytes[b] < 0)
            return ed_model_wrong(file, err, "model: byte_fallback, but %.*s is no piece", (int)n,
                                  name);
    }
    return EDDY_OK;
}

static eddy_status options_read(struct ed_bpe *bpe, const struct ed_model_file *file,
                                const json_t *value, eddy_error *err)
{
    static const char *const texts[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    if (json_number_value(json_object_get(value, "dropout")) != 0)
        return ed_model_unsupported(file, "model", "dropout", err);
    for (size_t i = 0; i < 2; i++)
        if (*ed_model_word(value, texts[i], ""))
            return ed_model_unsupported(file, "model", texts[i], err);
    int ignore = 0;
    ed_model_flag(value, "ignore_merges", &ignore);
    ed_model_flag(value, "fuse_unk", &bpe->fuse_unknown);
    ed_model_flag(value, "byte_fallback", &bpe->fallback);
    if (ignore)
        return ed_model_unsupported(file, "model", "ignore_merges", err);
    if (bpe->fallback && bpe->by_bytes)
        return ed_model_unsupported(file, "model", "byte_fallback of bytes", err);
    return EDDY_OK;
}

static eddy_status unknown_read(struct ed_bpe *bpe, const struct ed_model_file *file,
                                const json_t *value, eddy_error *err)
{
    const char *name = ed_model_word(value, "unk_token", "");
    bpe->unknown = *name ? ed_pieces_find(&bpe->pieces, name, strlen(name)) : -1;
    if (*name && bpe->unknown < 0)
        return ed_model_wrong(file, err, "model: unk_token \"%.60s\" is no piece", name);
    /* Unknown letters that touch may be one, or nothing between two that then touch. */
    if (!bpe->fallback && (bpe->unknown < 0 || bpe->fuse_unknown))
        memset(bpe->joins, 1, sizeof bpe->joins);
    return EDDY_OK;
}

static void word_merge(const struct ed_bpe *bpe, eddy_str word, struct ed_run *work,
                       struct ed_ids *ids);

/* The pieces that a word of their bytes comes out as: not all, some stand only for special names.
 */
static eddy_status whole_read(struct ed_bpe *bpe, eddy_error *err)
{
    const struct ed_pieces *pieces = &bpe->pieces;
    int16_t byte_of[512];
    memset(byte_of, -1, sizeof byte_of);
    for (unsigned b = 0; b < 256; b++)
        byte_of[letter_of_byte(b)] = (int16_t)b;
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_run work = {0}, word = {0};
    struct ed_ids ids = {.arena = arena, .max = 2};
    int held = arena && ed_pieces_init(&bpe->whole, pieces->n, pieces->n_bytes);
    for (size_t i = 0; i < pieces->n && held; i++) {
        word.n = ids.n = 0;
        held = ed_run_room(&word, arena, pieces->at[i].n);
        if (!held || !pieces->at[i].n)
            continue;
        long n = (long)pieces->at[i].n;
        if (bpe->by_bytes)
            n = bytes_of_piece(byte_of, pieces->at[i], word.at);
        else
            ed_run_put(&word, pieces->at[i].at, pieces->at[i].n);
        if (n <= 0)
            continue;
        word_merge(bpe, (eddy_str){word.at, (size_t)n}, &work, &ids);
        if (ids.n == 1 && ids.at[0] == pieces->ids[i])
            held = ed_pieces_add(&bpe->whole, word.at, (size_t)n, ids.at[0]);
        held = held && !ids.lost;
    }
    eddy_arena_free(arena);
    return held ? EDDY_OK : eddy_fail_nomem(err, "vocabulary", pieces->n_bytes);
}

eddy_status ed_bpe_init(struct ed_bpe *bpe, const struct ed_model_file *file, const json_t *value,
                        int by_bytes, eddy_error *err)
{
    *bpe = (struct ed_bpe){.by_bytes = by_bytes, .unknown = -1};
    eddy_status st = options_read(bpe, file, value, err);
    if (st == EDDY_OK)
        st = vocab_read(bpe, file, value, err);
    if (st == EDDY_OK)
        st = merges_read(bpe, file, value, err);
    if (st == EDDY_OK)
        st = letters_read(bpe, file, err);
    if (st == EDDY_OK)
        st = unknown_read(bpe, file, value, err);
    return st == EDDY_OK ? whole_read(bpe, err) : st;
}

void ed_bpe_clear(struct ed_bpe *bpe)
{
    ed_pieces_clear(&bpe->pieces);
    ed_pieces_clear(&bpe->whole);
    ed_table_clear(&bpe->merges);
    *bpe = (struct ed_bpe){0};
}

/* ---- letters ---- */

/* Letters of a word before any merge, to ret, which has room for one each byte. Gives how many. */
static size_t letters_find(const struct ed_bpe *bpe, eddy_str word, uint32_t *ret)
{
    size_t n = 0;
    int unknown_before = 0;
    for (size_t i = 0, size = 1; i < word.n; i += size) {
        const unsigned char *s = (const unsigned char *)word.at + i;
        int32_t c;
        int64_t id = bpe->by_bytes ? bpe->bytes[*s] : *s < 0x80 ? bpe->ascii[*s] : -2;
        if (id == -2) {
            size = ed_utf8_next(word.at + i, word.n - i, &c);
            id = ed_pieces_find(&bpe->pieces, word.at + i, size);
        } else {
            size = 1;
        }
        if (id >= 0) {
            ret[n++] = (uint32_t)id;
        } else if (bpe->fallback) {
            for (size_t j = 0; j < size; j++)
                ret[n++] = (uint32_t)bpe->bytes[s[j]];
        } else if (bpe->unknown >= 0 && !(unknown_before && bpe->fuse_unknown)) {
            ret[n++] = (uint32_t)bpe->unknown;
        }
        unknown_before = id < 0;
    }
    return n;
}

/* What two letters become, by rank; UINT64_MAX: no merge. */
static uint64_t merge_of(const struct ed_bpe *bpe, uint32_t left, uint32_t right)
{
    const uint64_t *what = ed_table_find(&bpe->merges, pair_key(left, right));
    return what ? *what : UINT64_MAX;
}

/* ---- a short word ---- */

static void short_merge(const struct ed_bpe *bpe, const uint32_t *letters, size_t n,
                        struct ed_ids *ids)
{
    uint32_t at[SHORT_WORD];
    uint64_t next[SHORT_WORD]; /* what at[i] and at[i + 1] become */
    for (size_t i = 0; i < n; i++)
        at[i] = letters[i];
    for (size_t i = 0; i + 1 < n; i++)
        next[i] = merge_of(bpe, at[i], at[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            best = next[i] < next[best] ? i : best;
        if (next[best] == UINT64_MAX)
            break;
        at[best] = (uint32_t)next[best];
        n--;
        memmove(at + best + 1, at + best + 2, (n - best - 1) * sizeof *at);
        memmove(next + best, next + best + 1, (n - best - 1) * sizeof *next);
        if (best + 1 < n)
            next[best] = merge_of(bpe, at[best], at[best + 1]);
        if (best)
            next[best - 1] = merge_of(bpe, at[best - 1], at[best]);
    }
    for (size_t i = 0; i < n; i++)
        ed_ids_add(ids, at[i]);
}

/* ---- a long word ---- */

struct link {
    uint32_t id, left, right; /* UINT32_MAX: the border; id UINT32_MAX: merged away */
};

/* A merge that was possible when it was put here; the least first. */
struct chance {
    uint64_t what;
    uint32_t at;
};

struct heap {
    struct chance *at;
    size_t n;
};

static int comes_first(const struct chance *a, const struct chance *b)
{
    return a->what != b->what ? a->what < b->what : a->at < b->at;
}

static void heap_put(struct heap *heap, uint64_t what, uint32_t at)
{
    struct chance new = {what, at};
    size_t i = heap->n++;
    for (; i && comes_first(&new, &heap->at[(i - 1) / 2]); i = (i - 1) / 2)
        heap->at[i] = heap->at[(i - 1) / 2];
    heap->at[i] = new;
}

static struct chance heap_take(struct heap *heap)
{
    struct chance top = heap->at[0], last = heap->at[--heap->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < heap->n; i = child) {
        if (child + 1 < heap->n && comes_first(&heap->at[child + 1], &heap->at[child]))
            child++;
        if (!comes_first(&heap->at[child], &last))
            break;
        heap->at[i] = heap->at[child];
    }
    heap->at[i] = last;
    return top;
}

static void chance_add(const struct ed_bpe *bpe, struct heap *heap, const struct link *links,
                       uint32_t left)
{
    uint32_t right = left == UINT32_MAX ? UINT32_MAX : links[left].right;
    if (right == UINT32_MAX)
        return;
    uint64_t what = merge_of(bpe, links[left].id, links[right].id);
    if (what != UINT64_MAX)
        heap_put(heap, what, left);
}

/* links (n), and a heap with room for 3 n chances: n at first, and two for each of n merges. */
static void long_merge(const struct ed_bpe *bpe, struct link *links, struct heap *heap, size_t n,
                       struct ed_ids *ids)
{
    for (uint32_t i = 0; i < n; i++)
        chance_add(bpe, heap, links, i);
    while (heap->n) {
        struct chance now = heap_take(heap);
        struct link *left = &links[now.at];
        uint32_t gone = left->id == UINT32_MAX ? UINT32_MAX : left->right;
        if (gone == UINT32_MAX || merge_of(bpe, left->id, links[gone].id) != now.what)
            continue; /* one of the two has become another since */
        left->id = (uint32_t)now.what;
        left->right = links[gone].right;
        links[gone].id = UINT32_MAX;
        if (left->right != UINT32_MAX)
            links[left->right].left = now.at;
        chance_add(bpe, heap, links, left->left);
        chance_add(bpe, heap, links, now.at);
    }
    for (uint32_t i = 0; i < n && n; i = links[i].right) {
        if (!ed_ids_add(ids, links[i].id) || links[i].right == UINT32_MAX)
            return;
    }
}

/* ---- words ---- */

/* The ids of a word by merging alone. work is emptied. */
static void word_merge(const struct ed_bpe *bpe, eddy_str word, struct ed_run *work,
                       struct ed_ids *ids)
{
    work->n = 0;
    if (word.n >= UINT32_MAX / 4 || !ed_run_room(work, ids->arena, word.n * sizeof(uint32_t))) {
        ids->lost = 1;
        return;
    }
    uint32_t *letters = (uint32_t *)(void *)work->at;
    size_t n = letters_find(bpe, word, letters);
    if (n <= SHORT_WORD) {
        short_merge(bpe, letters, n, ids);
        return;
    }
    work->n = n * sizeof *letters;
    size_t n_links = (work->n + 15) & ~(size_t)15, n_heap = n_links + n * 16;
    if (!ed_run_room(work, ids->arena, n_heap + 3 * n * sizeof(struct chance))) {
        ids->lost = 1;
        return;
    }
    letters = (uint32_t *)(void *)work->at;
    struct link *links = (struct link *)(void *)(work->at + n_links);
    struct heap heap = {(struct chance *)(void *)(work->at + n_heap), 0};
    for (uint32_t i = 0; i < n; i++)
        links[i] =
            (struct link){letters[i], i ? i - 1 : UINT32_MAX, i + 1 < n ? i + 1 : UINT32_MAX};
    long_merge(bpe, links, &heap, n, ids);
}

static void word_read(const struct ed_bpe *bpe, eddy_str word, struct ed_run *work,
                      struct ed_ids *ids)
{
    int64_t id = ed_pieces_find(&bpe->whole, word.at, word.n);
    if (id >= 0)
        ed_ids_add(ids, (uint32_t)id);
    else
        word_merge(bpe, word, work, ids);
}

void ed_bpe_read(const struct ed_bpe *bpe, eddy_str word, struct ed_run *work, struct ed_ids *ids)
{
    if (bpe->by_bytes) {
        word_read(bpe, word, work, ids);
        return;
    }
    size_t from = 0;
    unsigned before = ED_BPE_KINDS;
    for (size_t i = 0, size; i < word.n && ids->n < ids->max; i += size) {
        int32_t c;
        size = ed_utf8_next(word.at + i, word.n - i, &c);
        unsigned kind = c < 0x80 ? (unsigned)c : c == 0x2581 ? KIND_MARK : KIND_OTHER;
        if (before < ED_BPE_KINDS && !bpe->joins[before][kind]) {
            word_read(bpe, (eddy_str){word.at + from, i - from}, work, ids);
            from = i;
        }
        before = kind;
    }
    if (from < word.n && !ids->lost)
        word_read(bpe, (eddy_str){word.at + from, word.n - from}, work, ids);
}
