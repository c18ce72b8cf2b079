/* Window: the last documents, each with its point.
 *
 * A ring of options.window slots; the document at a position of the stream is in slot position %
 * window, so that a slot tells whose it is. What is known of a document is kept as the value of
 * its record, written once when it came; where it is now stands beside, and is recorded only where
 * it is not where it came to.
 *
 *   window  by slot: times of the document and of the stream, the group it came to, what its
 *           assignment said, its id and title, its most telling words; then its point: each dense
 *           view as a float (the largest of its coordinates) and a byte a coordinate, in 127ths of
 *           that, and the words' part likewise, each byte behind the gap to the place before
 *   place   by slot: group it is in now (0: as it came); who put it there, if somebody did
 *
 * A document follows its group through moves, splits and merges by the group's own slot; a fold
 * turns the pointers of the documents in it. One whose group is no more has faded with its event.
 *
 * A byte a coordinate: an error of 0.9 % of a point's length at 384 dimensions, which a similarity
 * feels as about 0.0005, a hundredth of what it scatters; half precision would be exact to 0.00003
 * and twice as long, and what is long here is written to the journal for every document. */
#include "engine/record.h"

#define TIME_MOST (INT64_C(1) << 54)
/* Bytes of a value but its coordinates. */
#define VALUE_MAX 1024
_Static_assert(6 * ED_VARINT_MAX + 3 * 4 + 3 + ID_KEPT + TITLE_KEPT + TOP_WORDS * 8 +
                       (2 + EDDY_EXTRA_MAX) * 4 + ED_VARINT_MAX <=
                   VALUE_MAX,
               "all that stands around the coordinates fits");

/* ---- the ring ---- */

uint32_t ed_window_n(const eddy_clusterer *cl)
{
    if (!cl->window.docs)
        return 0;
    return cl->position < cl->o.window ? (uint32_t)cl->position : cl->o.window;
}

uint64_t ed_window_position(const eddy_clusterer *cl, uint32_t slot)
{
    uint64_t last = cl->position - 1;
    return last - (last % cl->o.window + cl->o.window - slot) % cl->o.window;
}

uint32_t ed_window_slot(const eddy_clusterer *cl, uint64_t position)
{
    uint64_t n = ed_window_n(cl);
    return position < cl->position && position + n >= cl->position
               ? (uint32_t)(position % cl->o.window)
               : NONE;
}

uint32_t ed_window_group(const eddy_clusterer *cl, uint32_t slot)
{
    uint32_t u = cl->window.group[slot];
    return u != NONE && cl->groups[u].id == cl->window.docs[slot].group ? u : NONE;
}

int ed_window_room(eddy_clusterer *cl)
{
    struct ed_window *w = &cl->window;
    size_t n = cl->o.window;
    if (w->docs)
        return 1;
    if (!w->group)
        w->group = ed_alloc(n * sizeof *w->group);
    if (!w->dense)
        w->dense = ed_alloc_aligned((cl->n_dense + 1) * sizeof *w->dense);
    if (!w->at)
        w->at = ed_alloc((cl->o.terms_dim + 1) * sizeof *w->at);
    if (!w->value)
        w->value = ed_alloc((cl->o.terms_dim + 1) * sizeof *w->value);
    if (!w->used)
        w->used = ed_alloc_zero(cl->o.terms_dim / 64 + 1, sizeof *w->used);
    if (!w->bytes)
        w->bytes = ed_alloc(VALUE_MAX + 4 * cl->dim);
    if (!w->group || !w->dense || !w->at || !w->value || !w->used || !w->bytes ||
        !ed_marks_room(&cl->marks[ED_WINDOW], n) || !ed_marks_room(&cl->marks[ED_PLACE], n))
        return 0;
    memset(w->group, 0xff, n * sizeof *w->group); /* NONE */
    w->docs = ed_alloc_zero(n, sizeof *w->docs);
    return w->docs != NULL;
}

void ed_window_clear(eddy_clusterer *cl)
{
    struct ed_window *w = &cl->window;
    for (uint32_t i = 0; w->docs && i < cl->o.window; i++)
        ed_free(w->docs[i].value);
    ed_free(w->docs);
    ed_free(w->group);
    ed_free(w->dense);
    ed_free(w->at);
    ed_free(w->value);
    ed_free(w->used);
    ed_free(w->bytes);
}

size_t ed_window_bytes(const eddy_clusterer *cl)
{
    const struct ed_window *w = &cl->window;
    size_t bytes = 0;
    for (uint32_t i = 0; w->docs && i < cl->o.window; i++)
        bytes += sizeof *w->docs + sizeof *w->group + w->docs[i].room;
    return bytes + (w->docs ? 3 * cl->stride * sizeof(float) : 0);
}

/* ---- a document as bytes ---- */

/* The views before the words, one after the other: how many coordinates. */
static size_t view_dim(const eddy_clusterer *cl, size_t view)
{
    return view ? cl->o.extra_dim[view - 1] : cl->o.dense_dim;
}

static ed_out dense_put(ed_out at, const float *x, size_t n)
{
    float largest = ed_bytes_of(x, n, (int8_t *)(at + 4));
    ed_put_f32(at, largest);
    return at + 4 + (largest > 0 ? n : 0);
}

/* By place: gaps are short then. */
static ed_out words_put(const eddy_clusterer *cl, ed_out at, const struct ed_point *p)
{
    const struct ed_window *w = &cl->window;
    int8_t *steps = (int8_t *)w->value; /* by order of the point, then by place */
    int8_t *placed = steps + cl->o.terms_dim;
    float largest = ed_bytes_of(p->value, p->n_words, steps);
    uint32_t n = largest > 0 ? p->n_words : 0;
    at = ed_put_f32(ed_put_varint(at, n), largest);
    for (uint32_t k = 0; k < n; k++) {
        w->used[p->at[k] / 64] |= UINT64_C(1) << p->at[k] % 64;
        placed[p->at[k]] = steps[k];
    }
    uint32_t next = 0;
    for (uint32_t i = 0; i * 64 < cl->o.terms_dim; i++)
        for (; w->used[i]; w->used[i] &= w->used[i] - 1) {
            uint32_t place = i * 64 + (uint32_t)__builtin_ctzll(w->used[i]);
            at = ed_put_varint(at, place - next);
            *at++ = (unsigned char)placed[place];
            next = place + 1;
        }
    return at;
}

static ed_out value_put(const eddy_clusterer *cl, ed_out at, const struct ed_point *p,
                        const struct ed_group *g, const eddy_assignment *a)
{
    const struct ed_exemplar *x = &g->newest; /* this document */
    at = ed_put_signed(at, x->time_ms);
    at = ed_put_varint(at, (uint64_t)(cl->stream_ms - x->time_ms));
    at = ed_put_varint(at, g->id);
    at = ed_put_f32(at, a->similarity);
    at = ed_put_f32(at, a->threshold);
    at = ed_put_varint(at, a->runner_up);
    at = ed_put_f32(at, a->runner_up_similarity);
    *at++ = x->n_id;
    *at++ = x->n_title;
    at = ed_put_bytes(ed_put_bytes(at, x->id, x->n_id), x->title, x->n_title);
    *at++ = (unsigned char)p->n_top;
    for (uint32_t i = 0; i < p->n_top; i++)
        at = ed_put_u64(at, p->top[i]);
    const float *dense = p->dense;
    for (size_t view = 0; view <= cl->o.n_extra; view++) {
        at = dense_put(at, dense, view_dim(cl, view));
        dense += view_dim(cl, view);
    }
    return words_put(cl, at, p);
}

/* A copy of these bytes is the slot's; 0: no memory. */
static int value_keep(struct ed_kept *doc, const void *bytes, size_t n)
{
    if (n > doc->room) {
        size_t room = n + n / 16; /* another one is a little longer */
        unsigned char *wide = ed_realloc(doc->value, room);
        if (!wide)
            return 0;
        doc->value = wide;
        doc->room = (uint32_t)room;
    }
    memcpy(doc->value, bytes, n);
    doc->n = (uint32_t)n;
    return 1;
}

int ed_window_put(eddy_clusterer *cl, const struct ed_point *p, uint32_t group,
                  const eddy_assignment *a)
{
    if (!cl->o.window)
        return 1;
    if (!ed_window_room(cl))
        return 0;
    uint32_t slot = (uint32_t)(a->position % cl->o.window);
    struct ed_kept *doc = &cl->window.docs[slot];
    ed_out bytes = cl->window.bytes;
    size_t n = (size_t)(value_put(cl, bytes, p, &cl->groups[group], a) - bytes);
    if (!value_keep(doc, bytes, n))
        return 0;
    doc->came_to = doc->group = cl->groups[group].id;
    doc->put_by = EDDY_ONLINE;
    cl->window.group[slot] = group;
    ed_mark(cl, ED_WINDOW, slot);
    ed_mark(cl, ED_PLACE, slot);
    return 1;
}

/* ---- and back ---- */

static float largest_get(struct ed_unpack *u)
{
    float largest = ed_unpack_f32(u);
    u->failed |= !(largest >= 0 && largest <= 1.01f); /* of a point of length 1 */
    return u->failed ? 0 : largest;
}

static void dense_get(struct ed_unpack *u, float *x, size_t n)
{
    float largest = largest_get(u);
    const int8_t *bytes = largest > 0 ? (const int8_t *)ed_unpack_bytes(u, n) : NULL;
    if (bytes)
        ed_floats_of(bytes, n, largest, x);
    else
        memset(x, 0, n * sizeof *x);
}

static void words_get(const eddy_clusterer *cl, struct ed_unpack *u, struct ed_point *p)
{
    uint32_t n = (uint32_t)ed_get_count(u, cl->o.terms_dim);
    float step = largest_get(u) / 127;
    uint64_t next = 0;
    for (uint32_t k = 0; k < n && !u->failed; k++) {
        next += ed_get_count(u, cl->o.terms_dim);
        u->failed |= next >= cl->o.terms_dim;
        cl->window.at[k] = (uint16_t)next++;
        cl->window.value[k] = (float)(int8_t)ed_unpack_u8(u) * step;
    }
    p->at = cl->window.at;
    p->value = cl->window.value;
    p->n_words = n;
}

static float told_get(struct ed_unpack *u)
{
    float x = ed_unpack_f32(u);
    u->failed |= !isfinite(x);
    return x;
}

static void value_get(const eddy_clusterer *cl, struct ed_unpack *u, struct ed_document *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->time_ms = ed_get_signed(u);
    uint64_t behind = ed_get_count(u, 2 * (uint64_t)TIME_MOST);
    u->failed |= ret->time_ms < -TIME_MOST || ret->time_ms > TIME_MOST;
    ret->arrived_ms = u->failed ? 0 : ret->time_ms + (int64_t)behind;
    ret->came_to = ed_get_varint(u);
    ret->similarity = told_get(u);
    ret->threshold = told_get(u);
    ret->runner_up = ed_get_varint(u);
    ret->runner_up_similarity = told_get(u);
    ret->id.n = ed_unpack_u8(u);
    ret->title.n = ed_unpack_u8(u);
    u->failed |= ret->id.n > ID_KEPT || ret->title.n > TITLE_KEPT || !ret->came_to;
    ret->id.at = ed_unpack_bytes(u, ret->id.n);
    ret->title.at = ed_unpack_bytes(u, ret->title.n);
    struct ed_point *p = &ret->point;
    p->n_top = ed_unpack_u8(u);
    u->failed |= p->n_top > TOP_WORDS;
    for (uint32_t i = 0; i < p->n_top && !u->failed; i++)
        p->top[i] = ed_unpack_u64(u);
    float *dense = cl->window.dense;
    p->dense = dense;
    for (size_t view = 0; view <= cl->o.n_extra; view++) {
        dense_get(u, dense, view_dim(cl, view));
        dense += view_dim(cl, view);
    }
    words_get(cl, u, p);
}

void ed_window_read(const eddy_clusterer *cl, uint32_t slot, struct ed_document *ret)
{
    const struct ed_kept *doc = &cl->window.docs[slot];
    struct ed_unpack u = ed_unpack_of((eddy_str){(const char *)doc->value, doc->n});
    value_get(cl, &u, ret);
    ret->position = ed_window_position(cl, slot);
    ret->point.weight = 1;
    if (cl->o.half_life_ms > 0)
        ret->point.weight =
            ed_exp2((double)(ret->arrived_ms - cl->start_ms) / (double)cl->o.half_life_ms);
    ret->group = ed_window_group(cl, slot);
    ret->event = ret->group == NONE ? NONE : cl->groups[ret->group].event;
}

/* ---- where documents are ---- */

void ed_window_folded(eddy_clusterer *cl, uint32_t into, uint32_t from)
{
    uint32_t n = ed_window_n(cl);
    uint32_t *group = cl->window.group;
    for (uint32_t i = 0; i < n; i++) {
        if (group[i] != from || cl->window.docs[i].group != cl->groups[from].id)
            continue;
        group[i] = into;
        cl->window.docs[i].group = cl->groups[into].id;
        ed_mark(cl, ED_PLACE, i);
    }
}

void ed_window_reassigned(eddy_clusterer *cl, uint32_t slot, uint32_t group, eddy_actor by)
{
    cl->window.group[slot] = group;
    cl->window.docs[slot].group = cl->groups[group].id;
    cl->window.docs[slot].put_by = by;
    ed_mark(cl, ED_PLACE, slot);
}

/* ---- records ---- */

size_t ed_window_record_max(const eddy_clusterer *cl, uint32_t slot)
{
    return slot < ed_window_n(cl) ? cl->window.docs[slot].n : 0;
}

ed_out ed_window_record_put(const eddy_clusterer *cl, ed_out at, uint32_t slot)
{
    return ed_put_bytes(at, cl->window.docs[slot].value, cl->window.docs[slot].n);
}

size_t ed_place_record_max(const eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_kept *doc = slot < ed_window_n(cl) ? &cl->window.docs[slot] : NULL;
    return doc && (doc->group != doc->came_to || doc->put_by) ? ED_VARINT_MAX + 1 : 0;
}

ed_out ed_place_record_put(const eddy_clusterer *cl, ed_out at, uint32_t slot)
{
    const struct ed_kept *doc = &cl->window.docs[slot];
    at = ed_put_varint(at, doc->group != doc->came_to ? doc->group : 0);
    *at++ = (unsigned char)doc->put_by;
    return at;
}

int ed_window_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    struct ed_document doc;
    struct ed_kept *kept = &cl->window.docs[slot];
    size_t n = (size_t)(u->end - u->at);
    const char *bytes = u->at;
    value_get(cl, u, &doc);
    if (!ed_unpack_done(u))
        return 1;
    kept->came_to = doc.came_to;
    return value_keep(kept, bytes, n);
}

void ed_place_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    struct ed_kept *doc = &cl->window.docs[slot];
    doc->group = ed_get_varint(u);
    uint8_t by = ed_unpack_u8(u);
    u->failed |= by > EDDY_PERSON || (!doc->group && !by);
    doc->put_by = u->failed ? EDDY_ONLINE : (eddy_actor)by;
}

void ed_place_record_gone(eddy_clusterer *cl, uint32_t slot)
{
    cl->window.docs[slot].group = 0;
    cl->window.docs[slot].put_by = EDDY_ONLINE;
}

uint32_t ed_window_fit(eddy_clusterer *cl, const struct ed_table *groups)
{
    uint32_t n = ed_window_n(cl);
    for (uint32_t i = 0; i < cl->o.window && cl->window.docs; i++) {
        struct ed_kept *doc = &cl->window.docs[i];
        int there = cl->marks[ED_WINDOW].hash[i] != 0;
        if (there != (i < n) || (cl->marks[ED_PLACE].hash[i] && !there))
            return i;
        if (!doc->group)
            doc->group = doc->came_to;
        const uint64_t *u = there ? ed_table_find(groups, doc->group) : NULL;
        cl->window.group[i] = u ? (uint32_t)*u : NONE;
    }
    return n || !cl->o.window ? NONE : 0;
}
