/* Load: the state from its records.
 *
 * Each record is read into its place at once, over what was there, so that a standby that follows
 * another clusterer for hours holds what the state holds and no more. When all are there, they are
 * fitted together: groups to events, sums that are written once to both, the words, and what hangs
 * on them (sums across, what is asked, free slots). Bytes are not trusted: what is used as a place
 * is looked at first, and the sums of hashes in the scalars tell whether anything is missing. */
#include "engine/hierarchy.h"
#include "engine/operations.h"
#include "engine/record.h"
#include "engine/signals.h"

#define TIME_MOST   (INT64_C(1) << 54)
#define WEIGHT_MOST 0x1p62

static eddy_status load_new(eddy_clusterer *cl, eddy_error *err)
{
    cl->load = ed_alloc_zero(1, sizeof *cl->load);
    if (!cl->load)
        return eddy_fail_nomem(err, "state", sizeof *cl->load);
    ed_table_init(&cl->load->words);
    ed_table_init(&cl->load->recent);
    return EDDY_OK;
}

static void kept_free(struct ed_table *t)
{
    for (size_t i = 0; i < t->room; i++)
        if (t->keys[i])
            ed_free((void *)(uintptr_t)t->values[i]);
    ed_table_clear(t);
}

void ed_load_free(eddy_clusterer *cl)
{
    if (!cl->load)
        return;
    kept_free(&cl->load->words);
    kept_free(&cl->load->recent);
    ed_free(cl->load);
    cl->load = NULL;
}

/* How many things there may be of a kind: more events than groups there never are, and in the midst
 * of a pass an event has up to eight times `detail` groups. */
static uint64_t things_max(const eddy_clusterer *cl, enum ed_kind kind)
{
    uint64_t groups = ((uint64_t)cl->o.events_max + 64) * 8 * (cl->o.detail + 1);
    uint64_t events = groups / 8;
    uint64_t ceiling = UINT32_MAX - 64;
    switch (kind) {
    case ED_SCALARS: return 1;
    case ED_EVENT:
    case ED_NEAR:
    case ED_TOLD:
    case ED_TOPIC:
    case ED_TOPIC_OF:
    case ED_RATE: return events < ceiling ? events : ceiling;
    case ED_FOLD: return FOLDS_MAX;
    case ED_SEEN:
    case ED_GROUP: return groups < ceiling ? groups : ceiling;
    case ED_LINK: return LINKS_MAX;
    case ED_REDIRECT: return REDIRECTS_MAX;
    case ED_OPERATION: return OPERATIONS_KEPT;
    case ED_WINDOW:
    case ED_PLACE: return cl->o.window;
    case ED_ANSWER: return ANSWERS_KEPT;
    default: return cl->marks[kind].room;
    }
}

/* ---- values ---- */

static void vector_get(const eddy_clusterer *cl, struct ed_unpack *u, float *x)
{
    ed_get_floats(u, x, cl->n_dense);
    ed_get_floats(u, x + cl->n_dense, cl->o.terms_dim);
    memset(x + cl->dim, 0, (cl->stride - cl->dim) * sizeof *x);
}

static int64_t time_get(struct ed_unpack *u)
{
    int64_t t = ed_get_signed(u);
    u->failed |= t < -TIME_MOST || t > TIME_MOST;
    return u->failed ? 0 : t;
}

static void threshold_get(struct ed_unpack *u, struct ed_threshold *th)
{
    double x[8] = {0};
    ed_get_doubles(u, x, 8);
    *th = (struct ed_threshold){x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]};
    u->failed |= !(fabs(th->tau) < 1e9 && fabs(th->learned) < 1e9 && fabs(th->mean) <= 2 &&
                   th->steep >= 0.5 && th->steep <= 2 && th->spread >= 0 && th->spread <= 2 &&
                   th->delta >= 0 && th->delta <= SIZE_STEP * SPREAD_MAX && th->full >= 0 &&
                   th->full <= SIZE_FULL && th->phi >= 0 && th->phi <= 1);
}

static void shape_get(const eddy_clusterer *cl, struct ed_unpack *u)
{
    const uint64_t shape[] = {EDDY_STATE_VERSION, cl->o.dense_dim, cl->n_dense, cl->o.terms_dim};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        u->failed |= ed_get_varint(u) != shape[i];
}

static int ring_fits(uint64_t n, uint64_t next)
{
    return n <= FADED_KEPT && next < FADED_KEPT && (n == FADED_KEPT || next == n);
}

/* Of each document one direction is in a sum: no coordinate of it is larger than their number. */
static void sums_get(eddy_clusterer *cl, struct ed_unpack *u)
{
    double largest = 0;
    ed_get_doubles(u, cl->sum, cl->n_dense);
    for (size_t i = 0; i < cl->n_dense; i++)
        largest = fmax(largest, fabs(cl->sum[i]));
    uint64_t seen = cl->seen_dense;
    for (size_t v = 0; v < cl->o.n_extra; v++)
        seen = cl->seen_extra[v] > seen ? cl->seen_extra[v] : seen;
    u->failed |= !(largest <= 1.01 * (double)seen);
}

/* How many things there are to be. */
struct claims {
    uint64_t slots, n_events, n_groups, sample, faded, ring, links, redirects;
};

static void claims_take(eddy_clusterer *cl, struct ed_unpack *u, const struct claims *c)
{
    struct ed_load *load = cl->load;
    u->failed |= c->slots > things_max(cl, ED_EVENT) ||
                 c->sample != (cl->position < SAMPLE_MAX ? cl->position : SAMPLE_MAX) ||
                 c->n_events > c->slots || c->n_groups > UINT32_MAX - 64 || c->links > LINKS_MAX ||
                 c->redirects > REDIRECTS_MAX || !c->sample || !cl->next_operation ||
                 !cl->topics.next || cl->viewed > cl->position || !ring_fits(c->faded, c->ring);
    load->n_slots = u->failed ? 0 : (uint32_t)c->slots; /* not yet: nobody may look there */
    load->n_events = (uint32_t)c->n_events;
    load->n_groups = (uint32_t)c->n_groups;
    cl->sample.n = u->failed ? 0 : (uint32_t)c->sample;
    cl->faded.n = u->failed ? 0 : (uint32_t)c->faded;
    cl->faded.next = u->failed ? 0 : (uint32_t)c->ring;
    load->n_links = u->failed ? 0 : (uint32_t)c->links;
    load->n_redirects = u->failed ? 0 : (uint32_t)c->redirects;
    load->scalars = 1;
}

static void scalars_get(eddy_clusterer *cl, struct ed_unpack *u)
{
    struct ed_load *load = cl->load;
    eddy_engine_stats *s = &cl->stats;
    struct claims c;
    uint64_t *const now[] = {&cl->position,
                             &cl->stretch,
                             &cl->stretch_left,
                             &cl->unrepaired,
                             &cl->pass,
                             &c.slots,
                             &c.n_events,
                             &c.n_groups,
                             &cl->next_event,
                             &cl->next_group,
                             &c.sample,
                             &c.faded,
                             &c.ring,
                             &cl->seen_dense,
                             &s->events_born,
                             &s->events_peak,
                             &s->groups_peak,
                             &s->merged,
                             &s->split,
                             &s->moved,
                             &s->folded,
                             &s->faded,
                             &s->passes,
                             &s->events_max_hits,
                             &cl->words.dropped,
                             &load->n_words,
                             &c.links,
                             &c.redirects,
                             &cl->next_operation,
                             &cl->next_answer,
                             &cl->topics.next,
                             &cl->viewed,
                             &s->operations};
    shape_get(cl, u);
    for (size_t i = 0; i < sizeof now / sizeof *now; i++)
        *now[i] = ed_get_varint(u);
    for (size_t v = 0; v < cl->o.n_extra; v++)
        cl->seen_extra[v] = ed_get_varint(u);
    cl->stream_ms = time_get(u);
    cl->start_ms = time_get(u);
    ed_signals_record_get(cl, u);
    cl->weight_now = ed_get_number(u, 0x1p-60, WEIGHT_MOST);
    cl->stretch_weight = ed_get_number(u, 0x1p-60, WEIGHT_MOST);
    threshold_get(u, &cl->th);
    load->counts = ed_unpack_u64(u);
    load->spellings = ed_unpack_u64(u);
    load->things = ed_unpack_u64(u);
    sums_get(cl, u);
    claims_take(cl, u, &c);
}

static void link_get(struct ed_unpack *u, struct ed_link *link)
{
    link->low = ed_get_varint(u);
    link->high = ed_get_varint(u);
    link->strength = ed_get_number(u, -EDDY_LINK_FIRM, EDDY_LINK_FIRM);
    link->operation = ed_get_varint(u);
    link->answers[0] = ed_get_varint(u);
    link->answers[1] = ed_get_varint(u);
    link->by = ed_get_actor(u);
}

static int operation_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t i)
{
    if (!ed_operations_room(cl))
        return 0;
    struct ed_operation *kept = &cl->operations[i];
    kept->number = ed_get_varint(u);
    uint8_t kind = ed_unpack_u8(u);
    kept->actor = ed_get_actor(u);
    kept->undone = ed_unpack_u8(u);
    kept->event = ed_get_varint(u);
    kept->other = ed_get_varint(u);
    kept->position = ed_get_varint(u);
    for (size_t k = 0; k < 2; k++) {
        struct ed_given given;
        if (!ed_given_record_get(cl, u, &given) || !ed_given_keep(cl, &kept->before[k], &given))
            return 0;
    }
    link_get(u, &kept->link);
    kept->unlike = !u->failed && u->at < u->end;
    kept->docs_kind = kept->unlike ? ed_get_varint(u) : 0;
    u->failed |= kind > EDDY_OPERATION_REASSIGN || kept->undone > 1 ||
                 kept->number % OPERATIONS_KEPT != i || !kept->number;
    kept->kind = u->failed ? EDDY_OPERATION_UNDO : (eddy_operation_kind)kind;
    return 1;
}

static int groups_get(struct ed_event_state *ev, struct ed_unpack *u)
{
    ev->n_groups = 0;
    size_t n = ed_get_count(u, (uint64_t)(u->end - u->at)); /* a byte each at least */
    if (n > ev->room_groups) {
        uint32_t *wide = ed_realloc(ev->groups, n * sizeof *wide);
        if (!wide)
            return 0;
        ev->groups = wide;
        ev->room_groups = (uint32_t)n;
    }
    u->failed |= !n;
    for (size_t i = 0; i < n; i++)
        ev->groups[i] = (uint32_t)ed_get_count(u, UINT32_MAX - 64);
    ev->n_groups = (uint32_t)n;
    return 1;
}

static int event_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ev->id = ed_get_varint(u);
    ev->parent = ed_get_varint(u);
    ev->version = ed_get_varint(u);
    ev->weight = ed_get_number(u, 0x1p-60, WEIGHT_MOST);
    ev->docs = ed_get_number(u, 0, COUNT_MOST);
    ev->first_ms = time_get(u);
    ev->last_ms = time_get(u);
    if (!groups_get(ev, u))
        return 0;
    ev->step = ed_get_number(u, 0, 1e18);
    ev->changed = ed_get_varint(u);
    ev->pictured = ed_get_varint(u);
    ev->named_at = ed_get_number(u, 0, COUNT_MOST);
    ev->name = ed_unpack_u64(u);
    ev->asked_in = ed_get_varint(u);
    ev->asked_weight = ed_get_number(u, 0x1p-60, WEIGHT_MOST);
    ev->viewed = ed_get_number(u, 0, COUNT_MOST);
    ev->indexed = ed_get_number(u, 0, COUNT_MOST);
    ev->nearest = ed_get_varint(u);
    u->failed |= (ev->indexed > 0) != (ev->nearest > 0);
    ev->kind = ed_get_varint(u);
    ed_get_doubles(u, ev->indexes, ev->indexed > 0 ? INDEXES : 0);
    struct ed_given given;
    if (!ed_given_record_get(cl, u, &given) || !ed_give(cl, slot, &given))
        return 0;
    u->failed |= !ev->id;
    return 1;
}

static int32_t map_get(struct ed_unpack *u)
{
    int64_t x = ed_get_signed(u);
    u->failed |= x < -ED_MAP_EDGE || x > ED_MAP_EDGE;
    return u->failed ? 0 : (int32_t)x;
}

static int near_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (!ev->near)
        ev->near = ed_alloc(cl->o.neighbours * sizeof *ev->near);
    if (!ev->near)
        return 0;
    ev->listed = ed_get_number(u, 0, WEIGHT_MOST);
    ev->n_near = (uint32_t)ed_get_count(u, cl->o.neighbours);
    for (uint32_t i = 0; i < ev->n_near && !u->failed; i++) {
        uint32_t near = (uint32_t)ed_get_count(u, UINT32_MAX - 64);
        ev->near[i] = (struct ed_near){near, 0, ed_get_varint(u)};
        u->failed |= near == slot || !ev->near[i].id;
    }
    ev->map[0] = ev->map[1] = 0;
    if (!u->failed && u->at < u->end) {
        ev->map[0] = map_get(u);
        ev->map[1] = map_get(u);
    }
    return 1;
}

static int told_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (!ev->told)
        ev->told = ed_alloc_aligned(cl->stride * sizeof *ev->told);
    if (!ev->told)
        return 0;
    ev->told_weight = ed_get_number(u, 0x1p-60, WEIGHT_MOST);
    vector_get(cl, u, ev->told);
    return 1;
}

static void exemplar_get(struct ed_unpack *u, struct ed_exemplar *x)
{
    x->similarity = ed_unpack_f32(u);
    x->time_ms = time_get(u);
    x->n_id = ed_unpack_u8(u);
    x->n_title = ed_unpack_u8(u);
    u->failed |= !isfinite(x->similarity) || x->n_id > ID_KEPT || x->n_title > TITLE_KEPT;
    const char *id = ed_unpack_bytes(u, x->n_id);
    const char *title = ed_unpack_bytes(u, x->n_title);
    if (u->failed)
        return;
    memcpy(x->id, id, x->n_id);
    memcpy(x->title, title, x->n_title);
}

static void group_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    struct ed_group *g = &cl->groups[slot];
    g->event = NONE;
    g->id = ed_get_varint(u);
    cl->group_number[slot] = (uint32_t)g->id;
    g->joined = ed_get_varint(u);
    g->held[0] = ed_get_varint(u);
    g->held[1] = ed_get_varint(u);
    g->came = ed_get_varint(u);
    g->weight = ed_get_number(u, 0x1p-60, WEIGHT_MOST);
    g->docs = ed_get_number(u, 0, COUNT_MOST);
    g->square = ed_get_number(u, 0, 0x1p125);
    g->first_ms = time_get(u);
    g->last_ms = time_get(u);
    g->words.n = (uint32_t)ed_get_count(u, SKETCH);
    for (uint32_t i = 0; i < g->words.n; i++) {
        g->words.hash[i] = ed_unpack_u64(u);
        g->words.count[i] = (float)ed_get_number(u, 0, COUNT_MOST);
        g->words.sure[i] = (float)ed_get_number(u, 0, COUNT_MOST);
    }
    exemplar_get(u, &g->central);
    uint8_t equal = ed_unpack_u8(u);
    u->failed |= equal > 1 || !g->id;
    if (equal)
        g->newest = g->central;
    else
        exemplar_get(u, &g->newest);
    vector_get(cl, u, ed_group_sum(cl, slot));
}

static int sample_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t i)
{
    if (!ed_sample_room(cl))
        return 0;
    float *point = cl->sample.points + i * cl->stride;
    vector_get(cl, u, point);
    u->failed |= !(ed_dot(point, point, cl->stride) < 1.01); /* of length 1, whatever was damaged */
    return 1;
}

static int faded_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t i)
{
    if (!ed_faded_room(cl))
        return 0;
    cl->faded.id[i] = ed_get_varint(u);
    cl->faded.weight[i] = ed_get_number(u, 0x1p-60, WEIGHT_MOST);
    vector_get(cl, u, cl->faded.sums + i * cl->stride);
    return 1;
}

/* ---- one record ---- */

static const char *const thing_names[] = {"",          "scalars", "event", "near",   "told",
                                          "group",     "sample",  "faded", "link",   "redirect",
                                          "operation", "window",  "place", "answer", "topic",
                                          "topic of",  "rate",    "seen",  "fold"};

static int room_for(eddy_clusterer *cl, enum ed_kind kind, uint32_t number)
{
    if (kind == ED_GROUP || kind == ED_SEEN)
        return ed_groups_room(cl, (size_t)number + 1);
    if (kind == ED_LINK)
        return ed_links_room(cl, (size_t)number + 1);
    if (kind == ED_REDIRECT)
        return ed_redirects_room(cl, (size_t)number + 1);
    if (kind == ED_WINDOW || kind == ED_PLACE)
        return ed_window_room(cl);
    if (kind == ED_TOPIC)
        return ed_topics_room(cl, (size_t)number + 1);
    if (kind == ED_FOLD)
        return ed_folds_room(cl, (size_t)number + 1);
    int of_event = kind == ED_EVENT || kind == ED_NEAR || kind == ED_TOLD || kind == ED_TOPIC_OF ||
                   kind == ED_RATE;
    return !of_event || ed_events_room(cl, (size_t)number + 1);
}

/* The scalars tell how many things will come: the rooms need not grow bit by bit. */
static int room_ahead(eddy_clusterer *cl)
{
    size_t slots = cl->load->n_slots;
    size_t events = slots < cl->o.events_max ? slots : cl->o.events_max;
    size_t groups = cl->load->n_groups < 2 * events ? cl->load->n_groups : 2 * events;
    return ed_events_room(cl, events) && ed_groups_room(cl, groups);
}

/* 0: no memory. */
static int thing_get(eddy_clusterer *cl, struct ed_unpack *u, enum ed_kind kind, uint32_t number)
{
    switch (kind) {
    case ED_SCALARS: scalars_get(cl, u); return u->failed || room_ahead(cl);
    case ED_EVENT: return event_get(cl, u, number);
    case ED_NEAR: return near_get(cl, u, number);
    case ED_TOLD: return told_get(cl, u, number);
    case ED_GROUP: group_get(cl, u, number); return 1;
    case ED_SAMPLE: return sample_get(cl, u, number);
    case ED_FADED: return faded_get(cl, u, number);
    case ED_LINK: link_get(u, &cl->links.at[number]); return 1;
    case ED_REDIRECT:
        cl->redirects.at[number].id = ed_get_varint(u);
        cl->redirects.at[number].into = ed_get_varint(u);
        return 1;
    case ED_WINDOW: return ed_window_record_get(cl, u, number);
    case ED_PLACE: ed_place_record_get(cl, u, number); return 1;
    case ED_OPERATION: return operation_get(cl, u, number);
    case ED_ANSWER: return ed_answer_record_get(cl, u, number);
    case ED_TOPIC: return ed_topic_record_get(cl, u, number);
    case ED_RATE: ed_rate_record_get(cl, u, number); return 1;
    case ED_SEEN: ed_seen_record_get(cl, u, number); return 1;
    case ED_FOLD:
        cl->folds.at[number].id = ed_get_varint(u);
        cl->folds.at[number].into = ed_get_varint(u);
        return 1;
    default: ed_topic_of_record_get(cl, u, number); return 1;
    }
}

/* There is no such thing; of what never was there it need not be told. */
static void thing_gone(eddy_clusterer *cl, enum ed_kind kind, uint32_t number)
{
    if (number >= cl->marks[kind].room)
        return;
    cl->marks[kind].hash[number] = 0;
    if (kind == ED_EVENT) {
        cl->events[number].id = 0;
        ed_given_free(cl->events[number].given);
        cl->events[number].given = NULL;
    }
    if (kind == ED_NEAR) {
        cl->events[number].map[0] = cl->events[number].map[1] = 0;
        cl->events[number].listed = cl->events[number].n_near = 0;
    }
    if (kind == ED_TOLD) {
        ed_free(cl->events[number].told);
        cl->events[number].told = NULL;
    }
    if (kind == ED_GROUP)
        cl->groups[number].id = 0;
    if (kind == ED_OPERATION)
        cl->operations[number].number = 0;
    if (kind == ED_PLACE)
        ed_place_record_gone(cl, number);
    if (kind == ED_ANSWER)
        memset(&cl->answers[number], 0, sizeof *cl->answers);
    if (kind == ED_TOPIC) {
        cl->topics.at[number].id = 0;
        ed_given_free(cl->topics.at[number].given);
        cl->topics.at[number].given = NULL;
    }
    if (kind == ED_TOPIC_OF)
        cl->events[number].topic = 0;
    if (kind == ED_SEEN)
        ed_seen_record_gone(cl, number);
}

static eddy_status thing_load(eddy_clusterer *cl, enum ed_kind kind, uint64_t number,
                              const eddy_record *record, eddy_error *err)
{
    if (number >= things_max(cl, kind))
        return eddy_fail(err, EDDY_FORMAT, "state: %s %llu is beyond the ceilings of the options",
                         thing_names[kind], (unsigned long long)number);
    if (!record->value.at) {
        thing_gone(cl, kind, (uint32_t)number);
        return EDDY_OK;
    }
    struct ed_unpack u = ed_unpack_of(record->value);
    if (!room_for(cl, kind, (uint32_t)number) || !thing_get(cl, &u, kind, (uint32_t)number))
        return eddy_fail_nomem(err, "state", cl->stride * sizeof(float));
    if (!ed_unpack_done(&u))
        return eddy_fail(err, EDDY_FORMAT,
                         "state: %s %llu is not what it should be, or of another version or shape",
                         thing_names[kind], (unsigned long long)number);
    cl->marks[kind].hash[number] = ed_record_hash(record->key, record->value.at, record->value.n);
    return EDDY_OK;
}

/* Keep a record as it is, in place of the one that it follows. */
static eddy_status record_keep(struct ed_table *t, const eddy_record *record, eddy_error *err)
{
    uint64_t *value = ed_table_find(t, record->key);
    struct ed_load_value *old = value ? (struct ed_load_value *)(uintptr_t)*value : NULL;
    if (!record->value.at) {
        ed_free(old);
        ed_table_remove(t, record->key);
        return EDDY_OK;
    }
    struct ed_load_value *copy = ed_alloc(sizeof *copy + record->value.n);
    if (!copy)
        return eddy_fail_nomem(err, "state", record->value.n);
    copy->n = record->value.n;
    if (copy->n)
        memcpy(copy->at, record->value.at, copy->n);
    if (!value && !(value = ed_table_put(t, record->key, 0))) {
        ed_free(copy);
        return eddy_fail_nomem(err, "state", t->n * 16);
    }
    ed_free(old);
    *value = (uintptr_t)copy;
    return EDDY_OK;
}

eddy_status eddy_clusterer_load(eddy_clusterer *cl, const eddy_record *record, eddy_error *err)
{
    uint64_t kind = record->key >> ED_NUMBER_BITS;
    uint64_t number = record->key & ((UINT64_C(1) << ED_NUMBER_BITS) - 1);
    if (cl->position && !cl->load)
        return eddy_fail(err, EDDY_INVALID, "engine: it has begun, records come too late");
    if (!cl->load) {
        eddy_status st = load_new(cl, err);
        if (st != EDDY_OK)
            return st;
    }
    if (kind >= ED_SCALARS && kind < ED_MARKED)
        return thing_load(cl, (enum ed_kind)kind, number, record, err);
    if (kind >= ED_WORDS && kind <= ED_WORDS_DELTA)
        return record_keep(&cl->load->words, record, err);
    if (kind == ED_RECENT)
        return record_keep(&cl->load->recent, record, err);
    return eddy_fail(err, EDDY_FORMAT, "state: a record of the unknown kind %llu",
                     (unsigned long long)kind);
}

/* ---- all are there ---- */

/* The event's groups know it, and make up its weight. */
static eddy_status event_fit(eddy_clusterer *cl, uint32_t slot, eddy_error *err)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (slot >= cl->slots.n || ev->id >= cl->next_event || ed_table_find(&cl->slot_of, ev->id))
        return ed_unfit(err, "event in slot", slot);
    double weight = 0;
    double docs = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        uint32_t u = ev->groups[i];
        struct ed_group *g = u < cl->room_groups ? &cl->groups[u] : NULL;
        if (!g || !g->id || g->event != NONE)
            return eddy_fail(err, EDDY_FORMAT, "state: group %lu of event %llu is missing",
                             (unsigned long)u, (unsigned long long)ev->id);
        g->event = slot;
        weight += g->weight;
        docs += g->docs;
    }
    /* Weights that left the event leave a rounding error of theirs behind. */
    double slack = 1e-6 * (weight + cl->weight_now);
    if (docs < ev->docs || docs > ev->docs || fabs(weight - ev->weight) > slack)
        return ed_unfit(err, "weight of event", ev->id);
    for (uint32_t i = 0; i < ev->n_near; i++)
        if (ev->near[i].slot >= cl->slots.n)
            return ed_unfit(err, "list of event", ev->id);
    ed_event_sum_up(cl, slot);
    if (!ev->near)
        ev->near = ed_alloc(cl->o.neighbours * sizeof *ev->near);
    if (!ev->near || !ed_table_put(&cl->slot_of, ev->id, slot))
        return eddy_fail_nomem(err, "state: events", cl->o.neighbours * sizeof *ev->near);
    ed_slots_take(&cl->slots, slot);
    ed_event_ask(cl, slot);
    cl->n_events++;
    return EDDY_OK;
}

static eddy_status events_fit(eddy_clusterer *cl, eddy_error *err)
{
    size_t slots = cl->load->n_slots;
    if (!ed_events_room(cl, slots))
        return eddy_fail_nomem(err, "state: events", slots * cl->stride * sizeof(float));
    cl->slots.n = (uint32_t)slots;
    for (uint32_t slot = 0; slot < cl->room_events; slot++) {
        if (cl->events[slot].id) {
            eddy_status st = event_fit(cl, slot, err);
            if (st != EDDY_OK)
                return st;
        } else if (cl->marks[ED_NEAR].hash[slot] || cl->marks[ED_TOLD].hash[slot] ||
                   cl->marks[ED_TOPIC_OF].hash[slot]) {
            return ed_unfit(err, "a record without its event, slot", slot);
        } else if (slot < cl->slots.n) {
            ed_event_hide(cl, slot);
        }
    }
    cl->slots.hint = 0;
    if (cl->n_events != cl->load->n_events)
        return eddy_fail(err, EDDY_FORMAT, "state: %lu events of %lu", (unsigned long)cl->n_events,
                         (unsigned long)cl->load->n_events);
    return EDDY_OK;
}

static eddy_status groups_fit(eddy_clusterer *cl, eddy_error *err)
{
    struct ed_table *ids = &cl->group_of;
    eddy_status st = EDDY_OK;
    for (uint32_t u = 0; u < cl->room_groups && st == EDDY_OK; u++) {
        const struct ed_group *g = &cl->groups[u];
        if (!g->id)
            continue;
        if (g->event == NONE || g->id >= cl->next_group || ed_table_find(ids, g->id))
            st = ed_unfit(err, "group", g->id);
        else if (!ed_table_put(ids, g->id, u))
            st = eddy_fail_nomem(err, "state: groups", ids->n * 16);
        ed_slots_take(&cl->group_slots, u);
        ed_group_code(cl, u);
        cl->n_groups++;
    }
    uint32_t lost = st == EDDY_OK ? ed_window_fit(cl, ids) : NONE;
    if (lost != NONE)
        st = ed_unfit(err, "window", lost);
    cl->group_slots.hint = 0;
    if (st == EDDY_OK && cl->n_groups != cl->load->n_groups)
        st = eddy_fail(err, EDDY_FORMAT, "state: %lu groups of %lu", (unsigned long)cl->n_groups,
                       (unsigned long)cl->load->n_groups);
    return st;
}

/* Groups speak of operations that there were, and came by those that are kept. */
static eddy_status operations_fit(eddy_clusterer *cl, eddy_error *err)
{
    uint64_t kept = 0;
    uint64_t next = cl->next_operation;
    for (uint32_t i = 0; i < cl->marks[ED_OPERATION].room; i++) {
        const struct ed_operation *op = &cl->operations[i];
        int late = op->number + OPERATIONS_KEPT < next && op->actor != EDDY_PERSON && !op->undone;
        if (op->number && (op->number >= next || late))
            return ed_unfit(err, "operation", op->number);
        kept += op->number != 0;
    }
    if (kept != (next - 1 < OPERATIONS_KEPT ? next - 1 : OPERATIONS_KEPT) ||
        cl->stats.operations < kept || cl->stats.operations >= next)
        return eddy_fail(err, EDDY_FORMAT, "state: %lu operations kept of %llu",
                         (unsigned long)kept, (unsigned long long)next - 1);
    for (uint32_t u = 0; u < cl->group_slots.n; u++) {
        const struct ed_group *g = &cl->groups[u];
        int wrong = g->id && (g->held[0] >= next || g->held[1] >= next);
        for (uint32_t i = 0; i < OPERATIONS_KEPT && g->id && !wrong; i++)
            wrong = (g->came >> i & 1) && !(cl->operations && cl->operations[i].number);
        if (wrong)
            return ed_unfit(err, "group", g->id);
    }
    return EDDY_OK;
}

static eddy_status links_fit(eddy_clusterer *cl, eddy_error *err)
{
    cl->links.n = cl->load->n_links;
    for (uint32_t i = 0; i < cl->links.n; i++) {
        const struct ed_link *link = &cl->links.at[i];
        uint32_t a = ed_event_slot(cl, link->low);
        uint32_t b = ed_event_slot(cl, link->high);
        if (a == NONE || b == NONE || link->low >= link->high || ed_link_none(link) ||
            (link->answers[1] && !link->answers[0]) ||
            ed_link_find(cl, link->low, link->high) != link)
            return ed_unfit(err, "link", i);
        cl->events[a].n_links++;
        cl->events[b].n_links++;
    }
    struct ed_redirects *r = &cl->redirects;
    r->n = cl->load->n_redirects;
    for (uint32_t i = 0; i < r->n; i++) {
        if (!r->at[i].id || r->at[i].id >= cl->next_event || !r->at[i].into ||
            r->at[i].into >= cl->next_event || ed_event_slot(cl, r->at[i].id) != NONE ||
            ed_table_find(&r->place, r->at[i].id))
            return ed_unfit(err, "redirect", i);
        if (!ed_table_put(&r->place, r->at[i].id, i))
            return eddy_fail_nomem(err, "state: redirects", r->n * sizeof *r->at);
    }
    return EDDY_OK;
}

/* Places below the number are filled, those beyond are not. */
static eddy_status ring_fit(const eddy_clusterer *cl, enum ed_kind kind, uint32_t n,
                            eddy_error *err)
{
    if (n > cl->marks[kind].room)
        return ed_unfit(err, thing_names[kind], n - 1);
    for (uint32_t i = 0; i < cl->marks[kind].room; i++)
        if ((i < n) != (cl->marks[kind].hash[i] != 0))
            return ed_unfit(err, thing_names[kind], i);
    return EDDY_OK;
}

/* All that was loaded is what the scalars say there is. */
static eddy_status things_fit(eddy_clusterer *cl, eddy_error *err)
{
    uint64_t things = 0;
    for (enum ed_kind kind = ED_EVENT; kind < ED_MARKED; kind++)
        for (size_t i = 0; i < cl->marks[kind].room; i++)
            things += cl->marks[kind].hash[i];
    eddy_status st = ed_recent_loaded(cl, &things, err);
    if (st != EDDY_OK)
        return st;
    if (things != cl->load->things)
        return eddy_fail(err, EDDY_FORMAT, "state: its records are not all of one moment");
    cl->hash_things = things;
    return EDDY_OK;
}

eddy_status eddy_clusterer_loaded(eddy_clusterer *cl, eddy_error *err)
{
    if (!cl->load)
        return EDDY_OK;
    if (!cl->load->scalars)
        return eddy_fail(err, EDDY_FORMAT, "state: the scalars are missing");
    eddy_status st = events_fit(cl, err);
    if (st == EDDY_OK)
        st = groups_fit(cl, err);
    if (st == EDDY_OK)
        st = ring_fit(cl, ED_SAMPLE, cl->sample.n, err);
    if (st == EDDY_OK)
        st = ring_fit(cl, ED_FADED, cl->faded.n, err);
    if (st == EDDY_OK)
        st = ring_fit(cl, ED_LINK, cl->load->n_links, err);
    if (st == EDDY_OK)
        st = ring_fit(cl, ED_REDIRECT, cl->load->n_redirects, err);
    if (st == EDDY_OK)
        st =
            ring_fit(cl, ED_FOLD, cl->folds.n < FOLDS_MAX ? (uint32_t)cl->folds.n : FOLDS_MAX, err);
    if (st == EDDY_OK)
        st = ed_signals_fit(cl, err);
    if (st == EDDY_OK)
        st = operations_fit(cl, err);
    if (st == EDDY_OK)
        st = ed_answers_fit(cl, err);
    if (st == EDDY_OK)
        st = ed_topics_fit(cl, err);
    if (st == EDDY_OK)
        st = links_fit(cl, err);
    if (st == EDDY_OK)
        st = ed_words_loaded(cl, err);
    if (st == EDDY_OK)
        st = things_fit(cl, err);
    if (st != EDDY_OK)
        return st;
    memset(cl->sample.stale, 1, cl->sample.n);
    ed_load_free(cl);
    return EDDY_OK;
}
