/* The best way to each place of the word, from the front: a way ends there by one piece from a
 * place before it (Viterbi). Of two equal ways the first found stays. A character without a piece
 * is an unknown one, at a score below that of every piece; unknown ones that touch are one. */
#include "embed/unigram.h"

#include "embed/pieces.h"

#include "base/error.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE_MAX       512  /* bytes */
#define UNKNOWN_PENALTY 10.0 /* below the lowest score */

/* ---- reading tokenizer.json ---- */

/* A score as the reference reads it from the same text: the digits as a whole number, divided by a
 * power of ten, which may be off by the last bit. Ways of the same pieces in another order, as in
 * "0000", are told apart by that bit. The text is the shortest that gives the number back. */
static double score_read(double exact)
{
    char text[40], power[16];
    uint64_t digits = 0;
    int precision = 14, scale = 0;
    do
        snprintf(text, sizeof text, "%.*e", precision, exact);
    while (strtod(text, NULL) != exact && ++precision < 17);
    const char *e = strchr(text, 'e');
    if (!e)
        return exact; /* not finite */
    const char *end = e;
    while (end > text && (end[-1] == '0' || end[-1] < '0'))
        end--;
    int seen_point = 0;
    for (const char *at = text; at < end; at++) {
        if (*at >= '0' && *at <= '9') {
            digits = 10 * digits + (uint64_t)(*at - '0');
            scale += seen_point;
        } else {
            seen_point |= *at != '-';
        }
    }
    scale = (int)strtol(e + 1, NULL, 10) - scale;
    snprintf(power, sizeof power, "1e%d", scale < 0 ? -scale : scale);
    double size = (double)digits;
    size = scale < 0 ? size / strtod(power, NULL) : size * strtod(power, NULL);
    return exact < 0 ? -size : size;
}

static eddy_status pieces_read(struct ed_unigram *uni, const struct ed_model_file *file,
                               const json_t *vocab, struct ed_trie_entry *entries, eddy_error *err)
{
    size_t n = 0;
    double least = INFINITY;
    for (size_t i = 0; i < uni->n; i++) {
        const json_t *pair = json_array_get(vocab, i);
        const json_t *piece = json_array_get(pair, 0), *score = json_array_get(pair, 1);
        size_t size = json_string_length(piece);
        if (!json_is_string(piece) || !json_is_number(score))
            return ed_model_wrong(file, err, "model: vocab: %zu is no piece with its score", i);
        if (size > PIECE_MAX)
            return ed_model_wrong(file, err,
                                  "model: vocab: piece %zu has %zu bytes, the most is %d", i, size,
                                  PIECE_MAX);
        uni->scores[i] = score_read(json_number_value(score));
        if (uni->scores[i] < least)
            least = uni->scores[i];
        if (size)
            entries[n++] = (struct ed_trie_entry){{json_string_value(piece), size}, (uint32_t)i};
    }
    uni->unknown_score = least - UNKNOWN_PENALTY;
    if (!ed_trie_init(&uni->trie, entries, n))
        return eddy_fail_nomem(err, "vocabulary", n * sizeof *uni->trie.nodes);
    return EDDY_OK;
}

static eddy_status bytes_read(struct ed_unigram *uni, const struct ed_model_file *file,
                              eddy_error *err)
{
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        int n = snprintf(name, sizeof name, "<0x%02X>", b);
        uni->bytes[b] = ed_trie_find(&uni->trie, name, (size_t)n);
        if (uni->bytes[b] == ED_TRIE_NONE)
            return ed_model_wrong(file, err, "model: byte_fallback, but %s is no piece", name);
    }
    return EDDY_OK;
}

eddy_status ed_unigram_init(struct ed_unigram *uni, const struct ed_model_file *file,
                            const json_t *value, eddy_error *err)
{
    *uni = (struct ed_unigram){0};
    const json_t *vocab = json_object_get(value, "vocab");
    size_t n = json_array_size(vocab), unknown = 0;
    if (!n || n > ED_PIECES_MAX)
        return ed_model_wrong(file, err, "model: vocab wants a list of 1 to %d pieces",
                              ED_PIECES_MAX);
    if (ed_model_number(file, value, "unk_id", 0, n - 1, &unknown, NULL) != EDDY_OK)
        return ed_model_wrong(file, err, "model: unk_id wants a whole number from 0 to %zu", n - 1);
    uni->unknown = (uint32_t)unknown;
    uni->n = n;
    uni->scores = ed_alloc_zero(n, sizeof *uni->scores);
    struct ed_trie_entry *entries = ed_alloc_zero(n, sizeof *entries);
    eddy_status st = EDDY_OK;
    if (!uni->scores || !entries)
        st = eddy_fail_nomem(err, "vocabulary", n * sizeof *entries);
    if (st == EDDY_OK)
        st = pieces_read(uni, file, vocab, entries, err);
    ed_free(entries);
    ed_model_flag(value, "byte_fallback", &uni->by_bytes);
    if (st == EDDY_OK && uni->by_bytes)
        st = bytes_read(uni, file, err);
    return st;
}

void ed_unigram_clear(struct ed_unigram *uni)
{
    ed_trie_clear(&uni->trie);
    ed_free(uni->scores);
    *uni = (struct ed_unigram){0};
}

int64_t ed_unigram_find(const struct ed_unigram *uni, const char *s, size_t n)
{
    uint32_t id = ed_trie_find(&uni->trie, s, n);
    return id == ED_TRIE_NONE ? -1 : (int64_t)id;
}

/* ---- a word ---- */

/* The best way to a place: its score, and the piece that it ends with. */
struct way {
    double score;
    uint32_t from; /* UINT32_MAX: no way yet */
    uint32_t id;
};

static void way_offer(struct way *to, double score, size_t from, uint32_t id)
{
    if (to->from == UINT32_MAX || score > to->score)
        *to = (struct way){score, (uint32_t)from, id};
}

static void ways_find(const struct ed_unigram *uni, eddy_str word, struct way *ways)
{
    const struct ed_trie_node *nodes = uni->trie.nodes;
    for (size_t i = 0; i <= word.n; i++)
        ways[i] = (struct way){0, UINT32_MAX, 0};
    for (size_t i = 0, size; i < word.n; i += size) {
        int32_t c;
        int alone = 0; /* the character is a piece by itself */
        double score = ways[i].score;
        uint32_t node = 0;
        size = ed_utf8_next(word.at + i, word.n - i, &c);
        for (size_t end = i; end < word.n; end++) {
            node = ed_trie_next(&uni->trie, node, (unsigned char)word.at[end]);
            if (node == ED_TRIE_NONE)
                break;
            uint32_t id = nodes[node].value;
            if (id == ED_TRIE_NONE)
                continue;
            way_offer(&ways[end + 1], score + uni->scores[id], i, id);
            alone |= end + 1 == i + size;
        }
        if (!alone)
            way_offer(&ways[i + size], score + uni->unknown_score, i, uni->unknown);
    }
}

/* The ids of characters that have no piece. */
static void unknown_add(const struct ed_unigram *uni, const char *s, size_t n, struct ed_ids *ids)
{
    uint32_t id = ed_trie_find(&uni->trie, s, n); /* together they may have one */
    if (id != ED_TRIE_NONE)
        ed_ids_add(ids, id);
    else if (!uni->by_bytes)
        ed_ids_add(ids, uni->unknown);
    else
        for (size_t i = 0; i < n && ed_ids_add(ids, uni->bytes[(unsigned char)s[i]]);)
            i++;
}

void ed_unigram_read(const struct ed_unigram *uni, eddy_str word, struct ed_run *work,
                     struct ed_ids *ids)
{
    work->n = 0;
    if (word.n >= UINT32_MAX || !ed_run_room(work, ids->arena, (word.n + 1) * sizeof(struct way))) {
        ids->lost = 1;
        return;
    }
    struct way *ways = (struct way *)(void *)work->at;
    ways_find(uni, word, ways);
    /* Backwards along the best way, each place told where the next piece ends. */
    for (size_t end = word.n, next = word.n, from; end; next = end, end = from) {
        from = ways[end].from;
        ways[end].from = (uint32_t)next;
        if (!from)
            ways[0].from = (uint32_t)end;
    }
    for (size_t at = 0, end; at < word.n; at = end) {
        end = ways[at].from;
        uint32_t id = ways[end].id;
        while (id == uni->unknown && end < word.n && ways[ways[end].from].id == id)
            end = ways[end].from;
        if (id == uni->unknown)
            unknown_add(uni, word.at + at, end - at, ids);
        else if (!ed_ids_add(ids, id))
            return;
    }
}
