/* Record: the state as records, of what has changed; and its hash.
 *
 *   scalars   what is there once: counters, threshold, running mean; how many of the rest there are
 *   event     by slot; its groups' slots in order, name and pin
 *   near      by slot of the event: when its list was made, slots and ids of its neighbours; its
 *             place on the map, once it has one
 *   told      by slot of the event: the sum that drift is told against
 *   group     by slot; sum, words, exemplars
 *   sample    by place: a point of the calibration sample
 *   faded     by place in the ring
 *   link      by place: what was said of two events
 *   redirect  by place: an event that was merged away
 *   operation by place in the ring: what an undo needs
 *   window, place  see window.c
 *   answer    by place in the ring: what was said of a doubt
 *   topic     by slot; its theme, name and description
 *   topic of  by slot of the event: the topic that it is in
 *   rate, seen, fold  see signals.c
 *   words     see vocabulary.c
 *   recent    see duplicates.c
 *
 * What hangs on the rest is in no record: sums of events, which are those of their groups, the sums
 * across, products of the sample, which slots are free. The hash of the state is that of the
 * scalars' record, in which stand the sums of the hashes of all other things. Records of marked
 * things are compared by hash with what was recorded, so that a mark too many costs no record. */
#include "engine/record.h"
#include "engine/signals.h"
#include "engine/words.h"

#include <stdio.h>

/* ---- values ---- */

/* A sum or point of the clusterer's shape. */
static ed_out vector_put(const eddy_clusterer *cl, ed_out at, const float *x)
{
    at = ed_put_floats(at, x, cl->n_dense);
    return ed_put_floats(at, x + cl->n_dense, cl->o.terms_dim);
}

static size_t vector_max(const eddy_clusterer *cl)
{
    return ED_FLOATS_MAX(cl->n_dense) + ED_FLOATS_MAX(cl->o.terms_dim);
}

#define SCALARS_MAX (1024 + ED_SIGNALS_MAX) /* but the mean */

/* things: sum of the hashes of the things that are marked; counts: of all words. */
static ed_out scalars_put(const eddy_clusterer *cl, ed_out at, uint64_t things, uint64_t counts)
{
    const eddy_engine_stats *s = &cl->stats;
    const uint64_t shape[] = {EDDY_STATE_VERSION, cl->o.dense_dim, cl->n_dense, cl->o.terms_dim};
    const uint64_t now[] = {cl->position,       cl->stretch,
                            cl->stretch_left,   cl->unrepaired,
                            cl->pass,           cl->slots.n,
                            cl->n_events,       cl->n_groups,
                            cl->next_event,     cl->next_group,
                            cl->sample.n,       cl->faded.n,
                            cl->faded.next,     cl->seen_dense,
                            s->events_born,     s->events_peak,
                            s->groups_peak,     s->merged,
                            s->split,           s->moved,
                            s->folded,          s->faded,
                            s->passes,          s->events_max_hits,
                            cl->words.dropped,  cl->words.entries.n,
                            cl->links.n,        cl->redirects.n,
                            cl->next_operation, cl->next_answer,
                            cl->topics.next,    cl->viewed,
                            s->operations};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        at = ed_put_varint(at, shape[i]);
    for (size_t i = 0; i < sizeof now / sizeof *now; i++)
        at = ed_put_varint(at, now[i]);
    for (size_t v = 0; v < cl->o.n_extra; v++)
        at = ed_put_varint(at, cl->seen_extra[v]);
    at = ed_put_signed(at, cl->stream_ms);
    at = ed_put_signed(at, cl->start_ms);
    at = ed_signals_record_put(cl, at);
    at = ed_put_number(at, cl->weight_now);
    at = ed_put_number(at, cl->stretch_weight);
    const double th[] = {cl->th.tau,    cl->th.learned, cl->th.steep, cl->th.mean,
                         cl->th.spread, cl->th.delta,   cl->th.full,  cl->th.phi};
    at = ed_put_doubles(at, th, sizeof th / sizeof *th);
    at = ed_put_u64(at, counts);
    at = ed_put_u64(at, cl->words.spellings);
    at = ed_put_u64(at, things);
    return ed_put_doubles(at, cl->sum, cl->n_dense);
}

static ed_out event_put(const eddy_clusterer *cl, ed_out at, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    at = ed_put_varint(at, ev->id);
    at = ed_put_varint(at, ev->parent);
    at = ed_put_varint(at, ev->version);
    at = ed_put_number(at, ev->weight);
    at = ed_put_number(at, ev->docs);
    at = ed_put_signed(at, ev->first_ms);
    at = ed_put_signed(at, ev->last_ms);
    at = ed_put_varint(at, ev->n_groups);
    for (uint32_t i = 0; i < ev->n_groups; i++)
        at = ed_put_varint(at, ev->groups[i]);
    at = ed_put_number(at, ev->step);
    at = ed_put_varint(at, ev->changed);
    at = ed_put_varint(at, ev->pictured);
    at = ed_put_number(at, ev->named_at);
    at = ed_put_u64(at, ev->name);
    at = ed_put_varint(at, ev->asked_in);
    at = ed_put_number(at, ev->asked_weight);
    at = ed_put_number(at, ev->viewed);
    at = ed_put_number(at, ev->indexed);
    at = ed_put_varint(at, ev->nearest);
    at = ed_put_varint(at, ev->kind);
    at = ed_put_doubles(at, ev->indexes, ev->indexed > 0 ? INDEXES : 0);
    return ed_given_record_put(cl, at, ev->given);
}

/* The similarities of a list are needed only while it is made. */
static ed_out near_put(const eddy_clusterer *cl, ed_out at, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    at = ed_put_number(at, ev->listed);
    at = ed_put_varint(at, ev->n_near);
    for (uint32_t i = 0; i < ev->n_near; i++)
        at = ed_put_varint(ed_put_varint(at, ev->near[i].slot), ev->near[i].id);
    if (!ev->map[0] && !ev->map[1])
        return at;
    return ed_put_signed(ed_put_signed(at, ev->map[0]), ev->map[1]);
}

static ed_out exemplar_put(ed_out at, const struct ed_exemplar *x)
{
    at = ed_put_f32(at, x->similarity);
    at = ed_put_signed(at, x->time_ms);
    *at++ = x->n_id;
    *at++ = x->n_title;
    return ed_put_bytes(ed_put_bytes(at, x->id, x->n_id), x->title, x->n_title);
}

static int exemplars_equal(const struct ed_exemplar *x, const struct ed_exemplar *y)
{
    return !memcmp(&x->similarity, &y->similarity, sizeof x->similarity) &&
           x->time_ms == y->time_ms && x->n_id == y->n_id && x->n_title == y->n_title &&
           !memcmp(x->id, y->id, x->n_id) && !memcmp(x->title, y->title, x->n_title);
}

static ed_out group_put(const eddy_clusterer *cl, ed_out at, uint32_t slot)
{
    const struct ed_group *g = &cl->groups[slot];
    at = ed_put_varint(at, g->id);
    at = ed_put_varint(at, g->joined);
    at = ed_put_varint(at, g->held[0]);
    at = ed_put_varint(at, g->held[1]);
    at = ed_put_varint(at, g->came);
    at = ed_put_number(at, g->weight);
    at = ed_put_number(at, g->docs);
    at = ed_put_number(at, g->square);
    at = ed_put_signed(at, g->first_ms);
    at = ed_put_signed(at, g->last_ms);
    at = ed_put_varint(at, g->words.n);
    for (uint32_t i = 0; i < g->words.n; i++) {
        at = ed_put_u64(at, g->words.hash[i]);
        at = ed_put_number(at, (double)g->words.count[i]);
        at = ed_put_number(at, (double)g->words.sure[i]);
    }
    at = exemplar_put(at, &g->central);
    *at++ = (unsigned char)exemplars_equal(&g->central, &g->newest);
    if (!at[-1])
        at = exemplar_put(at, &g->newest);
    return vector_put(cl, at, ed_group_sum(cl, slot));
}

static ed_out faded_put(const eddy_clusterer *cl, ed_out at, uint32_t i)
{
    at = ed_put_varint(at, cl->faded.id[i]);
    at = ed_put_number(at, cl->faded.weight[i]);
    return vector_put(cl, at, cl->faded.sums + i * cl->stride);
}

static ed_out link_put(ed_out at, const struct ed_link *link)
{
    at = ed_put_varint(at, link->low);
    at = ed_put_varint(at, link->high);
    at = ed_put_number(at, link->strength);
    at = ed_put_varint(at, link->operation);
    at = ed_put_varint(at, link->answers[0]);
    at = ed_put_varint(at, link->answers[1]);
    *at++ = (unsigned char)link->by;
    return at;
}

static ed_out operation_put(const eddy_clusterer *cl, ed_out at, const struct ed_operation *kept)
{
    at = ed_put_varint(at, kept->number);
    *at++ = (unsigned char)kept->kind;
    *at++ = (unsigned char)kept->actor;
    *at++ = (unsigned char)kept->undone;
    at = ed_put_varint(at, kept->event);
    at = ed_put_varint(at, kept->other);
    at = ed_put_varint(at, kept->position);
    at = ed_given_record_put(cl, at, &kept->before[0]);
    at = ed_given_record_put(cl, at, &kept->before[1]);
    at = link_put(at, &kept->link);
    return kept->unlike ? ed_put_varint(at, kept->docs_kind) : at; /* nothing behind it: alike */
}

/* ---- marked things ---- */

#define LINK_MAX (5 * ED_VARINT_MAX + ED_NUMBER_MAX + 1)

/* At most this much will be written of the thing; 0: it is not there. */
static size_t thing_max(const eddy_clusterer *cl, enum ed_kind kind, uint32_t number)
{
    const struct ed_event_state *ev =
        (kind <= ED_TOLD || kind == ED_TOPIC_OF || kind == ED_RATE) && number < cl->slots.n
            ? &cl->events[number]
            : NULL;
    const struct ed_operation *kept = kind == ED_OPERATION ? &cl->operations[number] : NULL;
    switch (kind) {
    case ED_EVENT:
        return ev && ev->id
                   ? 320 + ed_given_record_max(cl, ev->given) + ev->n_groups * (size_t)ED_VARINT_MAX
                   : 0;
    case ED_NEAR:
        return ev && ev->id && (ev->listed > 0 || ev->n_near || ev->map[0] || ev->map[1])
                   ? 32 + 2 * ED_VARINT_MAX + ev->n_near * (size_t)(2 * ED_VARINT_MAX)
                   : 0;
    case ED_TOLD: return ev && ev->id && ev->told ? ED_NUMBER_MAX + vector_max(cl) : 0;
    case ED_GROUP:
        return number < cl->group_slots.n && cl->groups[number].id
                   ? 256 + SKETCH * (size_t)(8 + 2 * ED_NUMBER_MAX) + 3 * ED_VARINT_MAX +
                         2 * sizeof(struct ed_exemplar) + vector_max(cl)
                   : 0;
    case ED_SAMPLE: return number < cl->sample.n ? vector_max(cl) : 0;
    case ED_FADED: return number < cl->faded.n ? 32 + vector_max(cl) : 0;
    case ED_LINK: return number < cl->links.n ? LINK_MAX : 0;
    case ED_REDIRECT: return number < cl->redirects.n ? 2 * ED_VARINT_MAX : 0;
    case ED_OPERATION:
        return kept->number ? 80 + ed_given_record_max(cl, &kept->before[0]) +
                                  ed_given_record_max(cl, &kept->before[1]) + LINK_MAX
                            : 0;
    case ED_WINDOW: return ed_window_record_max(cl, number);
    case ED_PLACE: return ed_place_record_max(cl, number);
    case ED_ANSWER:
        return cl->answers && cl->answers[number].operation ? 2 * ED_VARINT_MAX + 64 : 0;
    case ED_TOPIC:
        return cl->topics.at[number].id ? 64 + ed_given_record_max(cl, cl->topics.at[number].given)
                                        : 0;
    case ED_TOPIC_OF: return ev && ev->id && ev->topic ? ED_VARINT_MAX : 0;
    case ED_RATE: return ev ? ed_rate_record_max(cl, number) : 0;
    case ED_SEEN: return number < cl->group_slots.n ? ed_seen_record_max(cl, number) : 0;
    case ED_FOLD: return number < cl->folds.n ? 2 * ED_VARINT_MAX : 0;
    default: return 0;
    }
}

static ed_out thing_put(const eddy_clusterer *cl, ed_out at, enum ed_kind kind, uint32_t number)
{
    switch (kind) {
    case ED_EVENT: return event_put(cl, at, number);
    case ED_NEAR: return near_put(cl, at, number);
    case ED_TOLD:
        at = ed_put_number(at, cl->events[number].told_weight);
        return vector_put(cl, at, cl->events[number].told);
    case ED_GROUP: return group_put(cl, at, number);
    case ED_SAMPLE: return vector_put(cl, at, cl->sample.points + number * cl->stride);
    case ED_FADED: return faded_put(cl, at, number);
    case ED_LINK: return link_put(at, &cl->links.at[number]);
    case ED_REDIRECT:
        at = ed_put_varint(at, cl->redirects.at[number].id);
        return ed_put_varint(at, cl->redirects.at[number].into);
    case ED_WINDOW: return ed_window_record_put(cl, at, number);
    case ED_PLACE: return ed_place_record_put(cl, at, number);
    case ED_OPERATION: return operation_put(cl, at, &cl->operations[number]);
    case ED_ANSWER: return ed_answer_record_put(at, &cl->answers[number]);
    case ED_TOPIC: return ed_topic_record_put(cl, at, &cl->topics.at[number]);
    case ED_RATE: return ed_rate_record_put(cl, at, number);
    case ED_SEEN: return ed_seen_record_put(cl, at, number);
    case ED_FOLD:
        at = ed_put_varint(at, cl->folds.at[number].id);
        return ed_put_varint(at, cl->folds.at[number].into);
    default: return ed_put_varint(at, EDDY_TOPIC_NUMBER(cl->events[number].topic));
    }
}

/* ---- the recorder ---- */

ed_out ed_recorder_reserve(struct ed_recorder *r, size_t n)
{
    if ((size_t)(r->end - r->at) >= n)
        return r->at;
    size_t size = r->chunk > n ? r->chunk : n;
    ed_out wide = ed_arena_alloc(r->arena, size);
    if (!wide)
        return NULL;
    r->at = wide;
    r->end = wide + size;
    r->chunk = r->chunk < (size_t)1 << 20 ? r->chunk * 2 : r->chunk;
    return r->at;
}

static int record_add(struct ed_recorder *r, uint64_t key, eddy_str value, uint64_t hash)
{
    if (r->n == r->room) {
        size_t room = r->room ? r->room * 2 : 64;
        eddy_record *records = ed_arena_alloc(r->arena, room * sizeof *records);
        uint64_t *hashes = ed_arena_alloc(r->arena, room * sizeof *hashes);
        if (!records || !hashes)
            return 0;
        if (r->n) {
            memcpy(records, r->records, r->n * sizeof *records);
            memcpy(hashes, r->hash, r->n * sizeof *hashes);
        }
        r->records = records;
        r->hash = hashes;
        r->room = room;
    }
    r->hash[r->n] = hash;
    r->records[r->n++] = (eddy_record){key, value};
    return 1;
}

int ed_recorder_add(struct ed_recorder *r, uint64_t key, ed_out end, uint64_t hash)
{
    eddy_str value = {(const char *)r->at, (size_t)(end - r->at)};
    r->at = end;
    return record_add(r, key, value, hash);
}

int ed_recorder_remove(struct ed_recorder *r, uint64_t key)
{
    return record_add(r, key, (eddy_str){NULL, 0}, 0);
}

static int is_renewed(const eddy_clusterer *cl, enum ed_kind kind, uint32_t number)
{
    return cl->marks[kind].renew[number / 64] >> number % 64 & 1;
}

/* Record one marked thing if it is not what was recorded, or asked for; *things follows. */
static int thing_record(const eddy_clusterer *cl, struct ed_recorder *r, enum ed_kind kind,
                        uint32_t number, uint64_t *things)
{
    uint64_t key = ed_record_key(kind, number);
    uint64_t before = cl->marks[kind].hash[number];
    size_t most = thing_max(cl, kind, number);
    if (!most) {
        *things -= before;
        return !before || ed_recorder_remove(r, key);
    }
    ed_out at = ed_recorder_reserve(r, most);
    if (!at)
        return 0;
    ed_out end = thing_put(cl, at, kind, number);
    uint64_t hash = ed_record_hash(key, at, (size_t)(end - at));
    *things += hash - before;
    return (hash == before && !is_renewed(cl, kind, number)) || ed_recorder_add(r, key, end, hash);
}

static int things_record(const eddy_clusterer *cl, struct ed_recorder *r, uint64_t *things)
{
    for (enum ed_kind kind = ED_EVENT; kind < ED_MARKED; kind++) {
        const struct ed_marks *marks = &cl->marks[kind];
        for (size_t w = 0; w < (marks->room + 63) / 64; w++)
            for (uint64_t bits = marks->dirty[w]; bits; bits &= bits - 1) {
                uint32_t number = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
                if (!thing_record(cl, r, kind, number, things))
                    return 0;
            }
    }
    return 1;
}

static int scalars_record(const eddy_clusterer *cl, struct ed_recorder *r, uint64_t things,
                          uint64_t counts)
{
    uint64_t key = ed_record_key(ED_SCALARS, 0);
    ed_out at = ed_recorder_reserve(r, SCALARS_MAX + cl->n_dense * sizeof(double));
    if (!at)
        return 0;
    ed_out end = scalars_put(cl, at, things, counts);
    uint64_t hash = ed_record_hash(key, at, (size_t)(end - at));
    if (hash == cl->marks[ED_SCALARS].hash[0] && !is_renewed(cl, ED_SCALARS, 0))
        return 1;
    if (!ed_recorder_add(r, key, end, hash))
        return 0;
    eddy_record first = r->records[0]; /* first of all: they tell how much there is to load */
    uint64_t first_hash = r->hash[0];
    r->records[0] = r->records[r->n - 1];
    r->hash[0] = r->hash[r->n - 1];
    r->records[r->n - 1] = first;
    r->hash[r->n - 1] = first_hash;
    return 1;
}

/* All is in the arena: nothing is to be recorded any more. */
static void recorded(eddy_clusterer *cl, const struct ed_recorder *r, uint64_t things,
                     const struct ed_words_plan *plan, const struct ed_recent_plan *recent)
{
    for (size_t i = 0; i < r->n; i++) {
        enum ed_kind kind = (enum ed_kind)(r->records[i].key >> ED_NUMBER_BITS);
        if (kind < ED_MARKED)
            cl->marks[kind].hash[(uint32_t)r->records[i].key] = r->hash[i];
    }
    for (enum ed_kind kind = ED_SCALARS; kind < ED_MARKED; kind++)
        if (cl->marks[kind].room) {
            memset(cl->marks[kind].dirty, 0, (cl->marks[kind].room + 63) / 64 * 8);
            memset(cl->marks[kind].renew, 0, (cl->marks[kind].room + 63) / 64 * 8);
        }
    cl->hash_things = things;
    ed_words_recorded(cl, plan);
    ed_recent_recorded(cl, recent);
}

eddy_status eddy_clusterer_records(eddy_clusterer *cl, eddy_arena *arena, const eddy_record **ret,
                                   size_t *n_ret, eddy_error *err)
{
    eddy_status st = ed_clusterer_ready(cl, err);
    if (st != EDDY_OK)
        return st;
    struct ed_recorder r = {.arena = arena, .chunk = 1 << 14};
    struct ed_words_plan plan = {0};
    struct ed_recent_plan recent = {0};
    uint64_t things = cl->hash_things;
    int as_new = !cl->position && !cl->marks[ED_SCALARS].hash[0];
    if (!as_new) {
        if (!things_record(cl, &r, &things) || !ed_words_record(cl, &r, &plan) ||
            !ed_recent_record(cl, &r, &things, &recent) ||
            !scalars_record(cl, &r, things, plan.counts))
            return eddy_fail_nomem(err, "records", r.chunk);
        recorded(cl, &r, things, &plan, &recent);
    }
    *ret = r.records;
    *n_ret = r.n;
    return EDDY_OK;
}

void eddy_clusterer_renew(eddy_clusterer *cl, uint64_t key)
{
    uint64_t kind = key >> ED_NUMBER_BITS;
    uint64_t number = key & ((UINT64_C(1) << ED_NUMBER_BITS) - 1);
    if (kind >= ED_SCALARS && kind < ED_MARKED && number < cl->marks[kind].room) {
        ed_mark(cl, (enum ed_kind)kind, (uint32_t)number);
        cl->marks[kind].renew[number / 64] |= UINT64_C(1) << number % 64;
    }
    if (kind >= ED_WORDS && kind <= ED_WORDS_DELTA)
        ed_words_renew(cl, (enum ed_kind)kind, number);
    if (kind == ED_RECENT)
        ed_recent_renew(cl, number);
}

/* ---- hashes ---- */

uint64_t eddy_clusterer_hash(const eddy_clusterer *cl)
{
    return cl->marks[ED_SCALARS].hash[0];
}

/* Hashes of all things of a kind, whatever their marks. */
static uint64_t kind_hash(const eddy_clusterer *cl, enum ed_kind kind, ed_out buffer)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < cl->marks[kind].room; i++) {
        if (!thing_max(cl, kind, i))
            continue;
        ed_out end = thing_put(cl, buffer, kind, i);
        sum += ed_record_hash(ed_record_key(kind, i), buffer, (size_t)(end - buffer));
    }
    return sum;
}

uint64_t ed_state_hash(const eddy_clusterer *cl)
{
    size_t most = SCALARS_MAX + cl->n_dense * sizeof(double);
    for (enum ed_kind kind = ED_EVENT; kind < ED_MARKED; kind++)
        for (uint32_t i = 0; i < cl->marks[kind].room; i++) {
            size_t n = thing_max(cl, kind, i);
            most = n > most ? n : most;
        }
    ed_out buffer = ed_alloc(most);
    if (!buffer)
        return 0;
    uint64_t things = 0;
    for (enum ed_kind kind = ED_EVENT; kind < ED_MARKED; kind++)
        things += kind_hash(cl, kind, buffer);
    things += ed_recent_hash(cl);
    uint64_t counts = 0;
    const struct ed_table *t = &cl->words.entries;
    for (size_t i = 0; i < t->room; i++)
        if (t->keys[i])
            counts += ed_words_count_hash(t->keys[i], ED_DF(t->values[i]));
    ed_out end = scalars_put(cl, buffer, things, counts);
    uint64_t hash = ed_record_hash(ed_record_key(ED_SCALARS, 0), buffer, (size_t)(end - buffer));
    ed_free(buffer);
    return hash;
}

uint64_t eddy_engine_fingerprint(const eddy_engine_options *options)
{
    const eddy_engine_options *o = options;
    eddy_engine_options standard;
    eddy_engine_options_init(&standard);
    unsigned char bytes[512];
    const uint64_t whole[] = {EDDY_STATE_VERSION,
                              o->dense_dim,
                              o->terms_dim,
                              o->n_extra,
                              o->detail,
                              o->repair_every,
                              o->events_max,
                              o->words_max,
                              o->window,
                              o->neighbours ? o->neighbours : standard.neighbours,
                              o->turns ? o->turns : standard.turns,
                              o->topics};
    const double real[] = {o->dense_weight, o->granularity, o->idle_penalty, o->stability,
                           o->false_alarms};
    ed_out at = bytes;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        at = ed_put_varint(at, whole[i]);
    for (size_t v = 0; v < o->n_extra && v < EDDY_EXTRA_MAX; v++)
        at = ed_put_f64(ed_put_varint(at, o->extra_dim[v]), o->extra_weight[v]);
    at = ed_put_doubles(at, real, sizeof real / sizeof *real);
    *at++ = isnan(o->threshold);
    at = ed_put_f64(at, isnan(o->threshold) ? 0 : o->threshold);
    at = ed_put_signed(at, o->fade_ms);
    at = ed_put_signed(at, o->half_life_ms);
    at = ed_put_signed(at, o->idle_penalty > 0 ? o->idle_half_ms : 0);
    return ed_hash_bulk(0, bytes, (size_t)(at - bytes));
}
