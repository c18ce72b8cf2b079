/* Words: how many documents held each, and how it was written.
 *
 * The table is bounded. When it is full, words of the fewest documents are forgotten until at least
 * half is free: they are the bulk of any vocabulary (Zipf) and say least
 * about the stream. This happens at a place of the stream, not of memory, so it repeats. */
#include "engine/words.h"

#define CUT_MAX 256 /* words of more documents than this are never forgotten first */

/* The smallest df to keep so that at most half of the ceiling stays. */
static uint32_t df_cut(const eddy_clusterer *cl)
{
    const struct ed_vocabulary *v = &cl->words;
    size_t with[CUT_MAX + 1] = {0};
    for (size_t i = 0; i < v->entries.room; i++)
        if (v->entries.keys[i])
            with[ED_DF(v->entries.values[i]) < CUT_MAX ? ED_DF(v->entries.values[i]) : CUT_MAX]++;
    size_t left = v->entries.n;
    uint32_t cut = 0;
    while (cut < CUT_MAX && left > cl->o.words_max / 2)
        left -= with[cut++];
    return cut;
}

uint64_t ed_words_spelling_hash(uint64_t hash, const char *word, size_t n)
{
    return ed_mix64(ed_fnv1a(ed_mix64(hash), word, n));
}

/* One word less in the sums of hashes. */
static void unsum(struct ed_vocabulary *v, uint64_t hash, uint64_t value)
{
    const char *word = v->surface.at + ED_PLACE(value);
    v->spellings -= ed_words_spelling_hash(hash, word + 1, (size_t)(unsigned char)*word);
    if (!(value & ED_DF_CHANGED))
        v->counts -= ed_words_count_hash(hash, ED_DF(value));
}

/* Of the changed words those that are still there. */
static void changed_keep(struct ed_vocabulary *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n_changed; i++)
        if (ed_table_find(&v->entries, v->changed[i]))
            v->changed[n++] = v->changed[i];
    v->n_changed = n;
    v->cut = 1;
}

/* Where even common words are too many, half of all go, by their hash. */
static eddy_status forget_rare(eddy_clusterer *cl, eddy_error *err)
{
    struct ed_vocabulary *v = &cl->words;
    uint32_t cut = df_cut(cl);
    struct ed_table kept;
    struct ed_bytes surface;
    ed_table_init(&kept);
    ed_bytes_init(&surface, UINT32_MAX);
    for (size_t i = 0; i < v->entries.room; i++) {
        uint64_t hash = v->entries.keys[i];
        uint64_t value = v->entries.values[i];
        if (!hash)
            continue;
        if (ED_DF(value) < cut || (cut == CUT_MAX && ed_mix64(hash) & 1)) {
            unsum(v, hash, value);
            continue;
        }
        const char *word = v->surface.at + ED_PLACE(value);
        uint64_t moved = (value & ~(uint64_t)UINT32_MAX) | surface.n;
        ed_bytes_add(&surface, word, 1 + (size_t)(unsigned char)*word);
        if (surface.failed || !ed_table_put(&kept, hash, moved)) {
            ed_table_clear(&kept);
            ed_bytes_clear(&surface);
            return eddy_fail_nomem(err, "vocabulary", v->entries.n * 16);
        }
    }
    v->dropped += v->entries.n - kept.n;
    ed_table_clear(&v->entries);
    ed_bytes_clear(&v->surface);
    v->entries = kept;
    v->surface = surface;
    changed_keep(v);
    return EDDY_OK;
}

/* A word that is not known yet; its value, or NULL: no memory. */
static uint64_t *word_new(struct ed_vocabulary *v, uint64_t hash, const eddy_term *t)
{
    char n_word = (char)(t->n_word < 64 ? t->n_word : 63);
    uint64_t place = v->surface.n;
    ed_bytes_add(&v->surface, &n_word, 1);
    ed_bytes_add(&v->surface, t->word, (size_t)n_word);
    v->spellings += ed_words_spelling_hash(hash, t->word, (size_t)n_word);
    return v->surface.failed ? NULL : ed_table_put(&v->entries, hash, place);
}

/* The word's count is about to change: it is to be recorded. */
static int word_changes(struct ed_vocabulary *v, uint64_t hash, uint64_t *value)
{
    if (*value & ED_DF_CHANGED)
        return 1;
    if (v->n_changed == v->room_changed) {
        size_t room = v->room_changed ? v->room_changed * 2 : 1024;
        uint64_t *wide = ed_realloc(v->changed, room * sizeof *wide);
        if (!wide)
            return 0;
        v->changed = wide;
        v->room_changed = room;
    }
    v->changed[v->n_changed++] = hash;
    if (ED_DF(*value))
        v->counts -= ed_words_count_hash(hash, ED_DF(*value));
    *value |= ED_DF_CHANGED;
    return 1;
}

/* df += 1 for each distinct word of the row. */
eddy_status ed_words_count(eddy_clusterer *cl, const eddy_row *row, eddy_error *err)
{
    struct ed_vocabulary *v = &cl->words;
    for (size_t i = 0; i < row->n_terms; i++) {
        const eddy_term *t = &row->terms[i];
        uint64_t hash = t->hash ? t->hash : 1;
        uint64_t *value = ed_table_find(&v->entries, hash);
        if (!value) {
            if (v->entries.n >= cl->o.words_max) {
                eddy_status st = forget_rare(cl, err);
                if (st != EDDY_OK)
                    return st;
            }
            value = word_new(v, hash, t);
        }
        if (!value || !word_changes(v, hash, value))
            return eddy_fail_nomem(err, "vocabulary", v->entries.n * 16);
        if (ED_DF(*value) < INT32_MAX)
            *value += UINT64_C(1) << 32;
    }
    return EDDY_OK;
}

uint32_t ed_words_df(const eddy_clusterer *cl, uint64_t hash)
{
    const uint64_t *value = ed_table_find(&cl->words.entries, hash ? hash : 1);
    return value ? ED_DF(*value) : 0;
}

eddy_str ed_words_surface(const eddy_clusterer *cl, uint64_t hash)
{
    const uint64_t *value = ed_table_find(&cl->words.entries, hash ? hash : 1);
    if (!value)
        return (eddy_str){NULL, 0};
    const char *word = cl->words.surface.at + ED_PLACE(*value);
    return (eddy_str){word + 1, (size_t)(unsigned char)*word};
}

static uint32_t sketch_find(const struct ed_sketch *s, uint64_t hash)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->hash[i] == hash)
            return i;
    return NONE;
}

void ed_sketch_add(struct ed_sketch *s, uint64_t hash, float count)
{
    uint32_t at = sketch_find(s, hash);
    if (at == NONE) {
        if (s->n < SKETCH) {
            at = s->n++;
            s->count[at] = 0;
        } else {
            at = 0;
            for (uint32_t i = 1; i < s->n; i++)
                if (s->count[i] < s->count[at])
                    at = i;
        }
        s->hash[at] = hash;
        s->sure[at] = 0;
    }
    s->count[at] += count;
    s->sure[at] += count;
}

/* Words that the sketch knows are always counted; of the others only those that say most of this
 * document enter, or a long text would drive out everything. */
void ed_sketch_document(struct ed_sketch *s, const eddy_row *row, const struct ed_point *p)
{
    uint8_t known[sizeof p->top / sizeof *p->top];
    for (uint32_t k = 0; k < p->n_top; k++)
        known[k] = sketch_find(s, p->top[k]) != NONE;
    for (size_t i = 0; i < row->n_terms; i++)
        if (sketch_find(s, row->terms[i].hash) != NONE)
            ed_sketch_add(s, row->terms[i].hash, 1);
    for (uint32_t k = 0; k < p->n_top; k++)
        if (!known[k])
            ed_sketch_add(s, p->top[k], 1);
}
