/* Vocabulary: the words as records.
 *
 * There are up to 131,072 words and more, of which each document changes ten or two hundred: too
 * many for a record each, and too few for all of them anew. So the changed words of a call make a
 * delta, and the whole vocabulary, dealt to pages by hash, is written anew in turn, as many bytes
 * of pages as of deltas. When all pages have been written since a moment, the deltas of before it
 * are void. What stays is at most about three times the vocabulary.
 *
 *   words   sequence of the last delta, up to which they are void, of the last one when the turn
 *           began, next page, signed debt
 *   page    by part << 32 | page: sequence of the last delta that is in it; then its words
 *   delta   by sequence: words
 *   a word  its hash, eight bytes; varint of its count; 1 + length of its spelling and that, or 0
 *           where an older record tells
 *
 * Pages are also written when a record of the words is asked for (eddy_clusterer_renew): for a page
 * the next one in turn, which is the oldest there is; for a delta a few with each call until it is
 * void.
 *
 * A page or a call may need several records of PART_MAX. Where words were forgotten, or nearly all
 * have changed, all pages are written and there is no delta. What of this is written when depends
 * on the calls; the state does not: its hash is of the words alone. */
#include "engine/record.h"
#include "engine/words.h"

#define PART_MAX   (400u << 10)
#define ENTRY_MAX  (8 + 5 + 1 + 63)
#define PAGE_LEAST 64 /* bytes that a page counts for, at least */
#define TURN_CALLS 32 /* calls that a turn takes when a delta is to become void */

/* ---- writing ---- */

uint64_t ed_words_counts(const struct ed_vocabulary *v)
{
    uint64_t sum = v->counts;
    for (size_t i = 0; i < v->n_changed; i++) {
        const uint64_t *value = ed_table_find(&v->entries, v->changed[i]);
        sum += ed_words_count_hash(v->changed[i], ED_DF(*value));
    }
    return sum;
}

static ed_out word_put(const struct ed_vocabulary *v, ed_out at, uint64_t hash, int spelled)
{
    uint64_t value = *ed_table_find(&v->entries, hash);
    const char *word = v->surface.at + ED_PLACE(value);
    at = ed_put_varint(ed_put_u64(at, hash), ED_DF(value));
    if (!spelled && ED_PLACE(value) < v->recorded) {
        *at++ = 0;
        return at;
    }
    *at++ = (unsigned char)(1 + *word);
    return ed_put_bytes(at, word + 1, (size_t)(unsigned char)*word);
}

/* Words (n) from *i on, until a record is full. Returns where it ends. */
static ed_out part_put(const struct ed_vocabulary *v, ed_out at, const uint64_t *words, size_t n,
                       size_t *i, int spelled)
{
    const unsigned char *full = at + PART_MAX;
    for (; *i < n && at < full; ++*i)
        at = word_put(v, at, words[*i], spelled);
    return at;
}

static size_t part_max(size_t n)
{
    size_t all = ED_VARINT_MAX + n * ENTRY_MAX;
    return all < PART_MAX ? all : PART_MAX + ENTRY_MAX + ED_VARINT_MAX;
}

static int deltas_record(const struct ed_vocabulary *v, struct ed_recorder *r,
                         struct ed_words_plan *plan)
{
    for (size_t i = 0; i < v->n_changed;) {
        ed_out at = ed_recorder_reserve(r, part_max(v->n_changed - i));
        if (!at)
            return 0;
        ed_out end = part_put(v, at, v->changed, v->n_changed, &i, 0);
        plan->debt += end - at;
        if (!ed_recorder_add(r, ed_record_key(ED_WORDS_DELTA, ++plan->sequence), end, 0))
            return 0;
    }
    return 1;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Page at the cursor of the plan; the words are sorted, so that equal ones are written alike. */
static int page_record(const struct ed_vocabulary *v, struct ed_recorder *r, size_t pages,
                       struct ed_words_plan *plan)
{
    uint32_t page = plan->cursor;
    size_t n = ed_table_share(&v->entries, page, pages, NULL);
    uint64_t *words = ed_arena_alloc(r->arena, (n + 1) * sizeof *words);
    if (!words)
        return 0;
    ed_table_share(&v->entries, page, pages, words);
    qsort(words, n, sizeof *words, by_hash);
    uint64_t part = 0;
    int64_t written = 0;
    for (size_t i = 0; i < n || (!part && v->parts[page]); part++) {
        ed_out at = ed_recorder_reserve(r, part_max(n - i));
        if (!at)
            return 0;
        ed_out end = part_put(v, ed_put_varint(at, plan->sequence), words, n, &i, 1);
        written += end - at;
        if (!ed_recorder_add(r, ed_record_key(ED_WORDS_PAGE, part << 32 | page), end, 0))
            return 0;
    }
    for (uint64_t old = part; old < v->parts[page]; old++)
        if (!ed_recorder_remove(r, ed_record_key(ED_WORDS_PAGE, old << 32 | page)))
            return 0;
    plan->parts[plan->n_pages++] = (uint16_t)part;
    if (plan->debt > 0) /* what was asked for pays for nothing */
        plan->debt -= written > PAGE_LEAST ? written : PAGE_LEAST;
    plan->cursor = page + 1 == pages ? 0 : page + 1;
    return 1;
}

/* Deltas up to `oldest` are in the pages. */
static int deltas_void(struct ed_recorder *r, struct ed_words_plan *plan, uint64_t oldest)
{
    for (; plan->oldest < oldest; plan->oldest++)
        if (!ed_recorder_remove(r, ed_record_key(ED_WORDS_DELTA, plan->oldest + 1)))
            return 0;
    return 1;
}

void ed_words_renew(eddy_clusterer *cl, enum ed_kind kind, uint64_t number)
{
    struct ed_vocabulary *v = &cl->words;
    if (kind != ED_WORDS_DELTA)
        v->renew += v->renew < ed_words_pages(&cl->o);
    else if (number <= v->sequence && number > v->outdated)
        v->outdated = number;
}

/* Pages to be written whatever has changed. */
static uint32_t renewed_pages(const eddy_clusterer *cl)
{
    const struct ed_vocabulary *v = &cl->words;
    uint32_t some = (uint32_t)((ed_words_pages(&cl->o) + TURN_CALLS - 1) / TURN_CALLS);
    return v->outdated > v->oldest && v->renew < some ? some : v->renew;
}

static int pages_record(const struct ed_vocabulary *v, struct ed_recorder *r, size_t pages, int all,
                        uint32_t least, struct ed_words_plan *plan)
{
    plan->page = plan->cursor = all ? 0 : v->cursor;
    plan->parts = ed_arena_alloc(r->arena, pages * sizeof *plan->parts);
    if (!plan->parts)
        return 0;
    while (plan->n_pages < pages && (all || plan->debt > 0 || plan->n_pages < least)) {
        if (!page_record(v, r, pages, plan))
            return 0;
        if (plan->cursor)
            continue;
        uint64_t in_all_pages = all ? plan->sequence : plan->rotation;
        plan->rotation = plan->sequence;
        if (!deltas_void(r, plan, in_all_pages))
            return 0;
    }
    plan->debt = all ? 0 : plan->debt;
    return 1;
}

int ed_words_record(const eddy_clusterer *cl, struct ed_recorder *r, struct ed_words_plan *plan)
{
    const struct ed_vocabulary *v = &cl->words;
    plan->counts = ed_words_counts(v);
    plan->sequence = v->sequence;
    plan->oldest = v->oldest;
    plan->rotation = v->rotation;
    plan->cursor = v->cursor;
    plan->debt = v->debt;
    uint32_t least = renewed_pages(cl);
    if (!v->n_changed && !v->cut && !least)
        return 1;
    int all = v->cut || (v->n_changed && v->n_changed * 5 >= v->entries.n * 4);
    if (!all && !deltas_record(v, r, plan))
        return 0;
    if (!pages_record(v, r, ed_words_pages(&cl->o), all, least, plan))
        return 0;
    ed_out at = ed_recorder_reserve(r, 5 * ED_VARINT_MAX);
    if (!at)
        return 0;
    ed_out end = ed_put_varint(ed_put_varint(at, plan->sequence), plan->oldest);
    end = ed_put_varint(ed_put_varint(end, plan->rotation), plan->cursor);
    return ed_recorder_add(r, ed_record_key(ED_WORDS, 0), ed_put_signed(end, plan->debt), 0);
}

void ed_words_recorded(eddy_clusterer *cl, const struct ed_words_plan *plan)
{
    struct ed_vocabulary *v = &cl->words;
    size_t pages = ed_words_pages(&cl->o);
    for (size_t i = 0; i < v->n_changed; i++)
        *ed_table_find(&v->entries, v->changed[i]) &= ~ED_DF_CHANGED;
    v->n_changed = 0;
    v->cut = 0;
    v->renew = 0;
    v->recorded = v->surface.n;
    v->counts = plan->counts;
    v->sequence = plan->sequence;
    v->oldest = plan->oldest;
    v->rotation = plan->rotation;
    v->cursor = plan->cursor;
    v->debt = plan->debt;
    for (uint32_t i = 0; i < plan->n_pages; i++)
        v->parts[(plan->page + i) % pages] = plan->parts[i];
}

/* ---- loading ---- */

static struct ed_unpack value_of(uint64_t value)
{
    const struct ed_load_value *v = (const struct ed_load_value *)(uintptr_t)value;
    return ed_unpack_of((eddy_str){v->at, v->n});
}

static eddy_status bad(eddy_error *err, const char *what, uint64_t number)
{
    return eddy_fail(err, EDDY_FORMAT, "state: words: %s %llu is not what it should be", what,
                     (unsigned long long)number);
}

/* One word. Those of page `of`, of all pages where `of` is NONE; a delta's only where the page is
 * older than it. */
static eddy_status word_get(eddy_clusterer *cl, struct ed_unpack *u, const uint64_t *complete,
                            uint64_t sequence, uint32_t of, eddy_error *err)
{
    struct ed_vocabulary *v = &cl->words;
    size_t pages = ed_words_pages(&cl->o);
    uint64_t hash = ed_unpack_u64(u);
    uint64_t df = ed_get_count(u, INT32_MAX);
    uint8_t spelled = ed_unpack_u8(u);
    const char *word = ed_unpack_bytes(u, spelled ? spelled - 1u : 0);
    size_t page = ed_table_share_of(hash, pages);
    if (u->failed || !hash || !df || spelled > 64 || (of != NONE && (page != of || !spelled)))
        return bad(err, of == NONE ? "delta" : "page", of == NONE ? sequence : of);
    if (of == NONE && complete[page] >= sequence)
        return EDDY_OK;
    uint64_t *value = ed_table_find(&v->entries, hash);
    if (!value && !spelled)
        return bad(err, "delta", sequence);
    if (spelled) { /* in a delta it is a word that is new */
        if (value)
            return bad(err, of == NONE ? "delta" : "page", of == NONE ? sequence : of);
        char n = (char)(spelled - 1);
        uint64_t place = v->surface.n;
        ed_bytes_add(&v->surface, &n, 1);
        ed_bytes_add(&v->surface, word, (size_t)n);
        value = v->surface.failed ? NULL : ed_table_put(&v->entries, hash, place);
        if (!value)
            return eddy_fail_nomem(err, "state: words", v->entries.n * 16);
        v->spellings += ed_words_spelling_hash(hash, word, (size_t)n);
    } else {
        v->counts -= ed_words_count_hash(hash, ED_DF(*value));
    }
    *value = df << 32 | ED_PLACE(*value);
    v->counts += ed_words_count_hash(hash, (uint32_t)df);
    return EDDY_OK;
}

/* All pages; complete (pages) becomes the last delta that is in each. */
static eddy_status pages_get(eddy_clusterer *cl, uint64_t *complete, eddy_error *err)
{
    const struct ed_table *t = &cl->load->words;
    size_t pages = ed_words_pages(&cl->o);
    for (uint32_t page = 0; page < pages; page++)
        for (uint64_t part = 0;; part++) {
            const uint64_t *value =
                ed_table_find(t, ed_record_key(ED_WORDS_PAGE, part << 32 | page));
            if (!value)
                break;
            struct ed_unpack u = value_of(*value);
            uint64_t sequence = ed_get_varint(&u);
            if (u.failed || part == UINT16_MAX || (part && sequence != complete[page]) ||
                sequence > cl->words.sequence)
                return bad(err, "page", page);
            complete[page] = sequence;
            while (u.at < u.end) {
                eddy_status st = word_get(cl, &u, complete, sequence, page, err);
                if (st != EDDY_OK)
                    return st;
            }
            cl->words.parts[page] = (uint16_t)(part + 1);
        }
    return EDDY_OK;
}

static eddy_status deltas_get(eddy_clusterer *cl, const uint64_t *complete, eddy_error *err)
{
    const struct ed_vocabulary *v = &cl->words;
    for (uint64_t sequence = v->oldest + 1; sequence <= v->sequence; sequence++) {
        const uint64_t *value =
            ed_table_find(&cl->load->words, ed_record_key(ED_WORDS_DELTA, sequence));
        if (!value)
            return eddy_fail(err, EDDY_FORMAT, "state: words: delta %llu is missing",
                             (unsigned long long)sequence);
        struct ed_unpack u = value_of(*value);
        while (u.at < u.end) {
            eddy_status st = word_get(cl, &u, complete, sequence, NONE, err);
            if (st != EDDY_OK)
                return st;
        }
    }
    return EDDY_OK;
}

static eddy_status head_get(eddy_clusterer *cl, eddy_error *err)
{
    struct ed_vocabulary *v = &cl->words;
    const uint64_t *value = ed_table_find(&cl->load->words, ed_record_key(ED_WORDS, 0));
    if (!value)
        return cl->load->words.n ? eddy_fail(err, EDDY_FORMAT, "state: words: no record of them")
                                 : EDDY_OK;
    struct ed_unpack u = value_of(*value);
    v->sequence = ed_get_varint(&u);
    v->oldest = ed_get_count(&u, v->sequence);
    v->rotation = ed_get_count(&u, v->sequence);
    v->cursor = (uint32_t)ed_get_count(&u, ed_words_pages(&cl->o) - 1);
    v->debt = ed_get_signed(&u);
    if (!ed_unpack_done(&u) || v->rotation < v->oldest)
        return bad(err, "record", 0);
    return EDDY_OK;
}

eddy_status ed_words_loaded(eddy_clusterer *cl, eddy_error *err)
{
    struct ed_vocabulary *v = &cl->words;
    const struct ed_load *load = cl->load;
    size_t pages = ed_words_pages(&cl->o);
    eddy_status st = head_get(cl, err);
    if (st != EDDY_OK)
        return st;
    uint64_t *complete = ed_alloc_zero(pages, sizeof *complete);
    if (!complete)
        return eddy_fail_nomem(err, "state: words", pages * sizeof *complete);
    st = pages_get(cl, complete, err);
    if (st == EDDY_OK)
        st = deltas_get(cl, complete, err);
    ed_free(complete);
    if (st != EDDY_OK)
        return st;
    v->recorded = v->surface.n;
    if (v->entries.n != load->n_words || v->entries.n > cl->o.words_max ||
        v->counts != load->counts || v->spellings != load->spellings)
        return eddy_fail(err, EDDY_FORMAT,
                         "state: words: %zu of %llu, or they do not fit the rest of the state",
                         v->entries.n, (unsigned long long)load->n_words);
    return EDDY_OK;
}
