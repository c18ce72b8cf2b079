/* WordPiece goes its own way, in one pass (wordpiece.c). The others go the way that tokenizer.json
 * describes: names of added tokens are taken out of the raw text; what lies between them is
 * normalised; names are taken out again; what lies between those is split into words; each word is
 * cut by the model; and special tokens are put around the whole. */
#include "embed/tokenizer.h"

#include "embed/added.h"
#include "embed/bpe.h"
#include "embed/mapping.h"
#include "embed/model_file.h"
#include "embed/normalizer.h"
#include "embed/splitter.h"
#include "embed/unigram.h"
#include "embed/wordpiece.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/utf8.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define FULL       "tokenizer.json"
#define VOCAB      "vocab.txt"
#define FILE_MAX   ((size_t)64 << 20) /* bytes */
#define AROUND_MAX 8                  /* special tokens on one side */

enum kind { WORDPIECE, UNIGRAM, BPE };

struct ed_tokenizer {
    enum kind kind;
    int bare;
    struct ed_wordpiece *words; /* WORDPIECE */
    struct ed_unigram uni;      /* UNIGRAM */
    struct ed_bpe bpe;          /* BPE */
    struct ed_normalizer norm;
    struct ed_splitter split;
    struct ed_added added;
    uint32_t before[AROUND_MAX], after[AROUND_MAX];
    size_t n_before, n_after;
    size_t size;
    int64_t unknown;
};

/* ---- special tokens around a text ---- */

static eddy_status around_add(struct ed_tokenizer *tok, const struct ed_model_file *file, int after,
                              const json_t *id, eddy_error *err)
{
    size_t *n = after ? &tok->n_after : &tok->n_before;
    uint32_t *at = after ? tok->after : tok->before;
    if (!json_is_integer(id) || json_integer_value(id) < 0 ||
        (size_t)json_integer_value(id) >= tok->size)
        return ed_model_wrong(file, err, "post_processor: a token has an id that is none");
    if (*n == AROUND_MAX)
        return ed_model_wrong(file, err, "post_processor: more than %d tokens on one side",
                              AROUND_MAX);
    at[(*n)++] = (uint32_t)json_integer_value(id);
    return EDDY_OK;
}

static eddy_status template_read(struct ed_tokenizer *tok, const struct ed_model_file *file,
                                 const json_t *value, eddy_error *err)
{
    const json_t *single = json_object_get(value, "single");
    const json_t *known = json_object_get(value, "special_tokens");
    int texts = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *part = json_array_get(single, i);
        if (json_object_get(part, "Sequence")) {
            texts++;
            continue;
        }
        const char *name = ed_model_word(json_object_get(part, "SpecialToken"), "id", "");
        const json_t *ids = json_object_get(json_object_get(known, name), "ids");
        if (!json_array_size(ids))
            return ed_model_wrong(file, err, "post_processor: special_tokens has no \"%.60s\"",
                                  name);
        for (size_t j = 0; j < json_array_size(ids); j++) {
            eddy_status st = around_add(tok, file, texts, json_array_get(ids, j), err);
            if (st != EDDY_OK)
                return st;
        }
    }
    return texts == 1
               ? EDDY_OK
               : ed_model_wrong(file, err, "post_processor: single holds the text %d times", texts);
}

static eddy_status processor_read(struct ed_tokenizer *tok, const struct ed_model_file *file,
                                  const json_t *value, eddy_error *err)
{
    const char *type = ed_model_word(value, "type", "");
    if (!strcmp(type, "TemplateProcessing"))
        return template_read(tok, file, value, err);
    if (!strcmp(type, "ByteLevel")) /* about offsets alone */
        return EDDY_OK;
    if (strcmp(type, "RobertaProcessing") != 0 && strcmp(type, "BertProcessing") != 0)
        return ed_model_unsupported(file, "post_processor: type", type, err);
    eddy_status st =
        around_add(tok, file, 0, json_array_get(json_object_get(value, "cls"), 1), err);
    return st == EDDY_OK
               ? around_add(tok, file, 1, json_array_get(json_object_get(value, "sep"), 1), err)
               : st;
}

static eddy_status around_read(struct ed_tokenizer *tok, const struct ed_model_file *file,
                               eddy_error *err)
{
    const json_t *value = json_object_get(file->root, "post_processor");
    const json_t *list = json_object_get(value, "processors");
    if (!value || json_is_null(value))
        return EDDY_OK;
    if (strcmp(ed_model_word(value, "type", ""), "Sequence") != 0)
        return processor_read(tok, file, value, err);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < json_array_size(list) && st == EDDY_OK; i++) {
        if (tok->n_before + tok->n_after)
            return ed_model_unsupported(file, "post_processor", "more than one step", err);
        st = processor_read(tok, file, json_array_get(list, i), err);
    }
    return st;
}

/* ---- WordPiece ---- */

/* The lines of a vocab.txt, made from tokenizer.json: ids from 0, none left out. */
static eddy_status lines_make(const struct ed_model_file *file, eddy_str *ret, eddy_error *err)
{
    json_t *vocab = json_object_get(json_object_get(file->root, "model"), "vocab");
    size_t n = json_object_size(vocab), n_bytes = 0;
    const char *piece;
    json_t *id;
    if (n > ED_PIECES_MAX)
        return ed_model_wrong(file, err, "model: vocab: more than %d pieces", ED_PIECES_MAX);
    const char **by_id = ed_alloc_zero(n, sizeof *by_id);
    eddy_status st = by_id ? EDDY_OK : eddy_fail_nomem(err, "vocabulary", n * sizeof *by_id);
    json_object_foreach(vocab, piece, id)
    {
        if (st != EDDY_OK)
            break;
        size_t at = json_is_integer(id) ? (size_t)json_integer_value(id) : n;
        if (at >= n || by_id[at] || strpbrk(piece, "\r\n"))
            st = ed_model_wrong(file, err, "model: vocab: \"%.60s\" has an id that is none", piece);
        else
            by_id[at] = piece;
        n_bytes += strlen(piece) + 1;
    }
    char *lines = st == EDDY_OK ? ed_alloc(n_bytes + 1) : NULL;
    if (st == EDDY_OK && !lines)
        st = eddy_fail_nomem(err, "vocabulary", n_bytes);
    struct ed_run run = {.at = lines, .room = n_bytes};
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        ed_run_put(&run, by_id[i], strlen(by_id[i]));
        ed_run_put(&run, "\n", 1);
    }
    ed_free(by_id);
    if (st == EDDY_OK)
        *ret = (eddy_str){lines, n_bytes};
    return st;
}

static eddy_status words_make(struct ed_tokenizer *tok, const struct ed_fold_flags *fold,
                              const char *dir, const char *name, eddy_str lines, eddy_error *err)
{
    char label[400];
    uint32_t unknown[3];
    snprintf(label, sizeof label, "model %s: %s", dir, name);
    eddy_status st = ed_wordpiece_new(lines.at, lines.n, fold, label, &tok->words, err);
    if (st != EDDY_OK)
        return st;
    tok->kind = WORDPIECE;
    tok->size = ed_wordpiece_size(tok->words);
    tok->n_before = tok->n_after = 1;
    ed_wordpiece_read(tok->words, (eddy_str){"[UNK]", 5}, unknown, 3);
    tok->unknown = unknown[1];
    return EDDY_OK;
}

static eddy_status words_open(struct ed_tokenizer *tok, const struct ed_fold_flags *fold,
                              const struct ed_model_file *full, const char *dir,
                              uint64_t *fingerprint, eddy_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" VOCAB, dir);
    if (full->root && access(path, F_OK) != 0) {
        eddy_str lines = {NULL, 0};
        eddy_status st = lines_make(full, &lines, err);
        if (st == EDDY_OK) {
            *fingerprint = ed_hash_bulk(*fingerprint, lines.at, lines.n);
            st = words_make(tok, fold, dir, FULL, lines, err);
        }
        ed_free((char *)(uintptr_t)lines.at);
        return st;
    }
    struct ed_mapping map;
    eddy_status st = ed_map(dir, VOCAB, FILE_MAX, &map, err);
    if (st != EDDY_OK)
        return st;
    eddy_str lines = {map.n ? map.at : "", map.n};
    *fingerprint = ed_hash_bulk(*fingerprint, lines.at, lines.n);
    st = words_make(tok, fold, dir, VOCAB, lines, err);
    ed_unmap(&map);
    return st;
}

/* ---- the others ---- */

static int64_t piece_find(const void *model, const char *s, size_t n)
{
    const struct ed_tokenizer *tok = model;
    return tok->kind == BPE ? ed_pieces_find(&tok->bpe.pieces, s, n)
                            : ed_unigram_find(&tok->uni, s, n);
}

static eddy_status model_read(struct ed_tokenizer *tok, const struct ed_model_file *file,
                              eddy_error *err)
{
    const json_t *model = json_object_get(file->root, "model");
    eddy_status st;
    if (tok->kind == UNIGRAM) {
        if (tok->split.by_bytes)
            return ed_model_unsupported(file, "pre_tokenizer", "ByteLevel before Unigram", err);
        st = ed_unigram_init(&tok->uni, file, model, err);
        tok->size = tok->uni.n;
        tok->unknown = tok->uni.unknown;
        return st;
    }
    st = ed_bpe_init(&tok->bpe, file, model, tok->split.by_bytes, err);
    tok->unknown = tok->bpe.unknown;
    for (size_t i = 0; i < tok->bpe.pieces.n && st == EDDY_OK; i++)
        if (tok->bpe.pieces.ids[i] >= tok->size)
            tok->size = tok->bpe.pieces.ids[i] + (size_t)1;
    return st;
}

/* Blanks that BertNormalizer puts around Han stand at the start of a text and do not come from it:
 * where they are dropped again we would not see what the reference sees. */
static int folds(const struct ed_tokenizer *tok)
{
    for (size_t i = 0; i < tok->norm.n; i++)
        if (tok->norm.steps[i].kind == ED_NORMAL_FOLD)
            return 1;
    return 0;
}

static int marks_start_only(const struct ed_tokenizer *tok)
{
    for (size_t i = 0; i < tok->split.n; i++)
        if (tok->split.steps[i].kind == ED_SPLIT_MARKS &&
            tok->split.steps[i].first == ED_MARK_START)
            return 1;
    return 0;
}

static eddy_status pipeline_read(struct ed_tokenizer *tok, const struct ed_model_file *file,
                                 eddy_error *err)
{
    const json_t *root = file->root;
    eddy_status st = ed_normalizer_init(&tok->norm, file, json_object_get(root, "normalizer"), err);
    if (st == EDDY_OK)
        st = ed_splitter_init(&tok->split, file, json_object_get(root, "pre_tokenizer"), err);
    if (st == EDDY_OK && marks_start_only(tok) && folds(tok))
        st = ed_model_unsupported(file, "pre_tokenizer: prepend_scheme",
                                  "first after BertNormalizer", err);
    if (st == EDDY_OK)
        st = model_read(tok, file, err);
    size_t n_pieces = tok->kind == BPE ? tok->bpe.pieces.n : tok->uni.n;
    if (st == EDDY_OK)
        st = ed_added_init(&tok->added, file, json_object_get(root, "added_tokens"), piece_find,
                           tok, n_pieces, &tok->norm, err);
    if (tok->added.ids > tok->size)
        tok->size = tok->added.ids;
    return st == EDDY_OK ? around_read(tok, file, err) : st;
}

/* The bytes of tokenizer.json, as they lie there. */
static eddy_status file_hash(const char *dir, uint64_t *fingerprint, eddy_error *err)
{
    struct ed_mapping map;
    eddy_status st = ed_map(dir, FULL, FILE_MAX, &map, err);
    if (st != EDDY_OK)
        return st;
    *fingerprint = ed_hash_bulk(*fingerprint, map.n ? map.at : "", map.n);
    ed_unmap(&map);
    return EDDY_OK;
}

static eddy_status parts_open(struct ed_tokenizer *tok, const struct ed_tokenizer_options *options,
                              const struct ed_model_file *full, uint64_t *fingerprint,
                              eddy_error *err)
{
    const json_t *model = json_object_get(full->root, "model");
    const char *type = ed_model_word(model, "type", full->root ? "" : "WordPiece");
    tok->bare = options->bare;
    tok->unknown = -1;
    /* Older files do not name the type; the reference then tries one after the other. */
    if (!*type)
        type = json_object_get(model, "merges")                 ? "BPE"
               : json_is_array(json_object_get(model, "vocab")) ? "Unigram"
                                                                : "WordPiece";
    if (!strcmp(type, "WordPiece"))
        return words_open(tok, &options->fold, full, full->dir, fingerprint, err);
    if (strcmp(type, "Unigram") != 0 && strcmp(type, "BPE") != 0)
        return ed_model_unsupported(full, "model: type", type, err);
    tok->kind = *type == 'B' ? BPE : UNIGRAM;
    eddy_status st = pipeline_read(tok, full, err);
    return st == EDDY_OK ? file_hash(full->dir, fingerprint, err) : st;
}

eddy_status ed_tokenizer_open(const char *dir, const struct ed_tokenizer_options *options,
                              uint64_t *fingerprint, struct ed_tokenizer **ret, eddy_error *err)
{
    struct ed_model_file full;
    uint64_t hash = *fingerprint;
    struct ed_tokenizer *tok = ed_alloc_zero(1, sizeof *tok);
    if (!tok)
        return eddy_fail_nomem(err, "tokenizer", sizeof *tok);
    eddy_status st = ed_model_file_open(&full, dir, FULL, JSON_OBJECT, err);
    if (st == EDDY_OK)
        st = parts_open(tok, options, &full, &hash, err);
    ed_model_file_close(&full);
    if (st == EDDY_OK) {
        *fingerprint = hash;
        *ret = tok;
    } else {
        ed_tokenizer_free(tok);
    }
    return st;
}

void ed_tokenizer_free(struct ed_tokenizer *tok)
{
    if (!tok)
        return;
    ed_wordpiece_free(tok->words);
    ed_unigram_clear(&tok->uni);
    ed_bpe_clear(&tok->bpe);
    ed_normalizer_clear(&tok->norm);
    ed_added_clear(&tok->added);
    ed_free(tok);
}

size_t ed_tokenizer_size(const struct ed_tokenizer *tok)
{
    return tok->size;
}

size_t ed_tokenizer_around(const struct ed_tokenizer *tok)
{
    return tok->bare ? 0 : tok->n_before + tok->n_after;
}

int64_t ed_tokenizer_unknown(const struct ed_tokenizer *tok)
{
    return tok->unknown;
}

/* ---- reading ---- */

struct ed_token_work {
    eddy_arena *arena;
    struct ed_run valid;                 /* a text without what is not UTF-8 */
    struct ed_run normal[2];             /* of the normalizer */
    struct ed_run words[ED_SPLIT_STEPS]; /* of the splitter */
    struct ed_run model;
    struct ed_ids ids;
    const struct ed_tokenizer *tok; /* of the text that is being read */
};

struct ed_token_work *ed_token_work_new(eddy_arena *arena)
{
    struct ed_token_work *work = ed_arena_alloc_zero(arena, 1, sizeof *work);
    if (work)
        work->arena = work->ids.arena = arena;
    return work;
}

/* One word through the model. */
static int word_take(void *to, eddy_str word)
{
    struct ed_token_work *work = to;
    if (work->tok->kind == BPE)
        ed_bpe_read(&work->tok->bpe, word, &work->model, &work->ids);
    else
        ed_unigram_read(&work->tok->uni, word, &work->model, &work->ids);
    return !work->ids.lost && work->ids.n < work->ids.max;
}

/* A stretch of normalised text: names out, the rest to words. 0: no memory. */
static int normal_read(struct ed_token_work *work, eddy_str text, int at_start)
{
    const struct ed_tokenizer *tok = work->tok;
    for (size_t i = 0; i < text.n && work->ids.n < work->ids.max;) {
        struct ed_added_place place;
        int is_there = ed_added_next(&tok->added, text, i, 1, &place);
        size_t end = is_there ? place.from : text.n;
        if (i < end && !ed_split(&tok->split, (eddy_str){text.at + i, end - i}, at_start && !i,
                                 work->arena, work->words, word_take, work))
            return 0;
        if (is_there)
            ed_ids_add(&work->ids, place.id);
        i = is_there ? place.to : text.n;
    }
    return !work->ids.lost;
}

/* A whole text, valid UTF-8. 0: no memory. */
static int raw_read(struct ed_token_work *work, eddy_str text)
{
    const struct ed_tokenizer *tok = work->tok;
    for (size_t i = 0; i < text.n && work->ids.n < work->ids.max;) {
        struct ed_added_place place;
        int is_there = ed_added_next(&tok->added, text, i, 0, &place), at_start = !i;
        size_t end = is_there ? place.from : text.n;
        eddy_str normal;
        if (i < end && (!ed_normalize(&tok->norm, (eddy_str){text.at + i, end - i}, work->arena,
                                      work->normal, &at_start, &normal) ||
                        !normal_read(work, normal, at_start)))
            return 0;
        if (is_there)
            ed_ids_add(&work->ids, place.id);
        i = is_there ? place.to : text.n;
    }
    return !work->ids.lost;
}

/* The text without the bytes that are not UTF-8. 0: no memory. */
static int valid_make(struct ed_token_work *work, eddy_str *text)
{
    size_t good = ed_utf8_valid(text->at, text->n);
    if (good == text->n)
        return 1;
    work->valid.n = 0;
    if (!ed_run_room(&work->valid, work->arena, text->n))
        return 0;
    for (size_t i = 0, size; i < text->n; i += size) {
        int32_t c;
        size = ed_utf8_next(text->at + i, text->n - i, &c);
        if (c >= 0)
            ed_run_put(&work->valid, text->at + i, size);
    }
    *text = (eddy_str){work->valid.at, work->valid.n};
    return 1;
}

static int pipeline(struct ed_token_work *work, eddy_str text, size_t max)
{
    const struct ed_tokenizer *tok = work->tok;
    const size_t n_before = tok->bare ? 0 : tok->n_before, n_after = tok->bare ? 0 : tok->n_after;
    work->ids.max = max - n_after;
    for (size_t i = 0; i < n_before; i++)
        ed_ids_add(&work->ids, tok->before[i]);
    if (!valid_make(work, &text) || !raw_read(work, text))
        return 0;
    work->ids.max = max;
    for (size_t i = 0; i < n_after; i++)
        ed_ids_add(&work->ids, tok->after[i]);
    return !work->ids.lost;
}

/* A byte is at most one and a half code points when decomposed, each at most one id. */
static int words_read(struct ed_token_work *work, eddy_str text, size_t max)
{
    const struct ed_tokenizer *tok = work->tok;
    struct ed_ids *ids = &work->ids;
    size_t most = 2 * text.n + 3, around = tok->bare ? 2 : 0;
    most = max < most - around ? max + around : most;
    if (ids->room < most) {
        ids->at = ed_arena_alloc(work->arena, most * sizeof *ids->at);
        if (!ids->at)
            return 0;
        ids->room = most;
    }
    ids->n = ed_wordpiece_read(tok->words, text, ids->at, most);
    return 1;
}

eddy_status ed_tokenizer_read(const struct ed_tokenizer *tok, struct ed_token_work *work,
                              eddy_str text, size_t max, const uint32_t **ret, size_t *n,
                              eddy_error *err)
{
    work->tok = tok;
    work->ids.n = 0;
    work->ids.lost = 0;
    int by_words = tok->kind == WORDPIECE;
    if (!(by_words ? words_read(work, text, max) : pipeline(work, text, max)))
        return eddy_fail_nomem(err, "tokens", text.n);
    *ret = work->ids.at + (by_words && tok->bare);
    *n = work->ids.n - (by_words && tok->bare ? 2 : 0);
    return EDDY_OK;
}
