/* Clusterer: the public face of the engine. Rows are checked, cut into stretches and handed down;
 * what happened is gathered until the next call.
 *
 * A stretch is the run of documents between two repair passes: 32, 32, 64, 128, then repair_every,
 * or a quarter of the active events where that is more, so that the cost of a pass is shared by
 * enough documents. Everything periodic happens at the borders of stretches, hence at places of
 * the stream, wherever the caller's batches end. */
#include "engine/hierarchy.h"
#include "engine/signals.h"
#include "engine/words.h"

#define WORK_KEPT ((size_t)64 << 20) /* of work memory: every pass wants it again */

void eddy_engine_options_init(eddy_engine_options *options)
{
    *options = (eddy_engine_options){.terms_dim = 512,
                                     .dense_weight = 0.6,
                                     .threshold = NAN,
                                     .fade_ms = INT64_C(7) * 24 * 3600 * 1000,
                                     .idle_half_ms = INT64_C(6) * 3600 * 1000,
                                     .stability = 0.01,
                                     .detail = 8,
                                     .repair_every = 256,
                                     .events_max = 20000,
                                     .words_max = 131072,
                                     .window = 4096,
                                     .duplicates_window = 65536,
                                     .neighbours = 16,
                                     .turns = 8,
                                     .topics = EDDY_TOPICS_DIRECT,
                                     .false_alarms = 1};
}

const char *eddy_change_name(eddy_change_kind kind)
{
    static const char *const names[] = {
        "born",      "grew",  "drifted",     "merged",   "split",       "moved",  "folded",
        "renamed",   "faded", "pinned",      "unpinned", "linked",      "undone", "reassigned",
        "described", "burst", "burst_ended", "quiet",    "quiet_ended", "trend"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

/* ---- options ---- */

static eddy_status options_check(const eddy_engine_options *o, eddy_error *err)
{
#define REQUIRE(condition, text)                                                                   \
    if (!(condition))                                                                              \
    return eddy_fail(err, EDDY_INVALID, "engine: " text)
    REQUIRE(o->dense_dim <= 16384, "dense_dim is above 16384");
    REQUIRE(o->terms_dim <= 32768, "terms_dim is above 32768");
    REQUIRE(o->dense_dim || o->terms_dim || o->n_extra, "no view has a dimension");
    REQUIRE(o->n_extra <= EDDY_EXTRA_MAX, "more than 4 extra views");
    REQUIRE(o->dense_weight >= 0 && o->dense_weight <= 1, "dense_weight is outside 0..1");
    REQUIRE((unsigned)o->topics <= EDDY_TOPICS_DESCRIPTION, "topics is none of its values");
    REQUIRE(o->topics != EDDY_TOPICS_DESCRIPTION || o->dense_dim,
            "topics by description need a dense view");
    REQUIRE(isfinite(o->granularity), "granularity is not finite");
    REQUIRE(isnan(o->threshold) || (o->threshold > -1 && o->threshold < 1),
            "threshold is outside -1..1");
    REQUIRE(o->fade_ms >= 0 && o->half_life_ms >= 0, "a time is negative");
    REQUIRE(o->idle_penalty >= 0 && o->idle_penalty < 1, "idle_penalty is outside 0..1");
    REQUIRE(o->idle_penalty <= 0 || o->idle_half_ms > 0, "idle_half_ms is not positive");
    REQUIRE(o->stability >= 0 && o->stability < 1, "stability is outside 0..1");
    REQUIRE(o->detail >= 1 && o->detail <= 64, "detail is outside 1..64");
    REQUIRE(o->repair_every >= 1, "repair_every is 0");
    REQUIRE(o->events_max >= 16 && o->events_max <= 10000000, "events_max is outside 16..10000000");
    REQUIRE(o->window <= 1u << 20, "window is above 2^20");
    REQUIRE(o->words_max >= 1024 && o->words_max <= 1u << 28, "words_max is outside 1024..2^28");
    REQUIRE(o->duplicates_window <= 1u << 24, "duplicates_window is above 2^24");
    REQUIRE(o->false_alarms >= 0 && isfinite(o->false_alarms),
            "false_alarms is negative or not finite");
#undef REQUIRE
    double sum = 0;
    size_t total = o->dense_dim;
    for (size_t v = 0; v < o->n_extra; v++) {
        if (!o->extra_dim[v] || o->extra_dim[v] > 16384)
            return eddy_fail(err, EDDY_INVALID, "engine: extra view %zu: dimension %zu", v,
                             o->extra_dim[v]);
        if (!(o->extra_weight[v] > 0))
            return eddy_fail(err, EDDY_INVALID, "engine: extra view %zu: weight %g", v,
                             o->extra_weight[v]);
        sum += o->extra_weight[v];
        total += o->extra_dim[v];
    }
    if (total > ED_CODE_MAX)
        return eddy_fail(err, EDDY_INVALID, "engine: views have %zu dimensions, more than %d",
                         total, ED_CODE_MAX);
    if (sum >= 1)
        return eddy_fail(err, EDDY_INVALID, "engine: extra views weigh %g, leaving nothing", sum);
    return EDDY_OK;
}

eddy_status eddy_clusterer_new(const eddy_engine_options *options, eddy_clusterer **ret,
                               eddy_error *err)
{
    eddy_engine_options o = *options;
    eddy_engine_options standard;
    eddy_engine_options_init(&standard);
    o.neighbours = o.neighbours ? o.neighbours : standard.neighbours;
    o.turns = o.turns ? o.turns : standard.turns;
    eddy_status st = options_check(&o, err);
    if (st != EDDY_OK)
        return st;
    ed_blas_single_thread();
    eddy_clusterer *cl = ed_alloc_zero(1, sizeof *cl);
    if (!cl)
        return eddy_fail_nomem(err, "engine", sizeof *cl);
    cl->o = o;
    cl->n_dense = o.dense_dim;
    for (size_t v = 0; v < o.n_extra; v++)
        cl->n_dense += o.extra_dim[v];
    cl->dim = cl->n_dense + o.terms_dim;
    cl->stride = (cl->dim + 15) & ~(size_t)15;
    cl->shape = ed_code_shape_of(cl->n_dense, o.terms_dim);
    cl->kernels = ed_kernels_best(ED_INT8);
    cl->next_event = cl->next_group = cl->next_operation = cl->topics.next = 1;
    cl->weight_now = 1;
    cl->stream_ms = INT64_MIN;
    double tau = isnan(o.threshold) ? TAU_PRIOR : o.threshold;
    cl->th = (struct ed_threshold){.tau = tau,
                                   .learned = tau,
                                   .steep = 1,
                                   .spread = 0.07,
                                   .delta = SIZE_STEP * SPREAD_MAX,
                                   .full = SIZE_FULL,
                                   .phi = 1};
    ed_table_init(&cl->words.entries);
    ed_bytes_init(&cl->words.surface, UINT32_MAX);
    ed_table_init(&cl->slot_of);
    ed_table_init(&cl->group_of);
    ed_table_init(&cl->folds.place);
    ed_table_init(&cl->topics.slot_of);
    ed_table_init(&cl->recent.place);
    ed_table_init(&cl->redirects.place);
    cl->stretch_weight = 1;
    cl->sum = ed_alloc_zero(cl->n_dense + 1, sizeof *cl->sum);
    cl->words.parts = ed_alloc_zero(ed_words_pages(&cl->o), sizeof *cl->words.parts);
    cl->work = eddy_arena_new(0);
    cl->pictures_arena = eddy_arena_new(0);
    if (cl->work)
        ed_arena_keep(cl->work, WORK_KEPT);
    if (!cl->sum || !cl->work || !cl->pictures_arena || !cl->words.parts ||
        !ed_marks_room(&cl->marks[ED_SCALARS], 1) ||
        !ed_marks_room(&cl->marks[ED_SAMPLE], SAMPLE_MAX) ||
        !ed_marks_room(&cl->marks[ED_FADED], FADED_KEPT)) {
        eddy_clusterer_free(cl);
        return eddy_fail_nomem(err, "engine", sizeof *cl);
    }
    *ret = cl;
    return EDDY_OK;
}

void eddy_clusterer_free(eddy_clusterer *cl)
{
    if (!cl)
        return;
    for (uint32_t e = 0; e < cl->room_events; e++) {
        ed_free(cl->events[e].groups);
        ed_free(cl->events[e].near);
        ed_free(cl->events[e].told);
        ed_given_free(cl->events[e].given);
    }
    for (size_t i = 0; i < OPERATIONS_KEPT && cl->operations; i++) {
        ed_free(cl->operations[i].before[0].vector);
        ed_free(cl->operations[i].before[1].vector);
    }
    ed_topics_free(cl);
    void *grown[] = {cl->events,     cl->event_sums, cl->inverse,         cl->asked,
                     cl->power,      cl->moved,      cl->groups,          cl->group_number,
                     cl->group_sums, cl->slots.used, cl->group_slots.used};
    for (size_t i = 0; i < sizeof grown / sizeof *grown; i++)
        ed_grown_free(grown[i]);
    for (size_t kind = 0; kind < ED_MARKED; kind++) {
        ed_grown_free(cl->marks[kind].dirty);
        ed_grown_free(cl->marks[kind].renew);
        ed_grown_free(cl->marks[kind].hash);
    }
    ed_codes_free(&cl->event_codes);
    ed_codes_free(&cl->group_codes);
    void *blocks[] = {
        cl->sum,          cl->changes.at, cl->pictures.at,   cl->sample.points, cl->sample.product,
        cl->sample.steps, cl->faded.sums, cl->words.changed, cl->words.parts,   cl->links.at,
        cl->redirects.at, cl->operations, cl->answers};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        ed_free(blocks[i]);
    ed_signals_clear(cl);
    ed_window_clear(cl);
    ed_load_free(cl);
    ed_table_clear(&cl->words.entries);
    ed_bytes_clear(&cl->words.surface);
    ed_table_clear(&cl->slot_of);
    ed_recent_clear(&cl->recent);
    ed_table_clear(&cl->redirects.place);
    eddy_arena_free(cl->work);
    eddy_arena_free(cl->pictures_arena);
    ed_free(cl);
}

/* ---- assign ---- */

#define TIME_MAX (INT64_C(1) << 53) /* milliseconds: 285,000 years */

static int usable(const float *x, size_t n)
{
    return ed_finite(x, n) && ed_norm(x, n) > 0;
}

static eddy_status rows_check(const eddy_clusterer *cl, const eddy_row *rows, size_t n,
                              eddy_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const eddy_row *r = &rows[i];
        int views = (r->dense != NULL && cl->o.dense_dim) + (r->n_terms && cl->o.terms_dim);
        if (r->dense && cl->o.dense_dim && !usable(r->dense, cl->o.dense_dim))
            return eddy_fail(err, EDDY_INVALID, "row %zu: dense vector is zero or not finite", i);
        for (size_t v = 0; v < cl->o.n_extra; v++) {
            if (r->extra[v] && !usable(r->extra[v], cl->o.extra_dim[v]))
                return eddy_fail(err, EDDY_INVALID,
                                 "row %zu: extra vector %zu is zero or not finite", i, v);
            views += r->extra[v] != NULL;
        }
        if (r->time_ms < -TIME_MAX || r->time_ms > TIME_MAX)
            return eddy_fail(err, EDDY_INVALID, "row %zu: time %lld is beyond any calendar", i,
                             (long long)r->time_ms);
        if (!views)
            return eddy_fail(err, EDDY_INVALID, "row %zu: no words and no vector", i);
    }
    return EDDY_OK;
}

static void stretch_begin(eddy_clusterer *cl)
{
    cl->stretch++;
    cl->stretch_weight = cl->weight_now;
    uint64_t every = cl->n_events / 4;
    every = every > cl->o.repair_every ? every : cl->o.repair_every;
    uint64_t young = cl->position > STRETCH_FIRST ? cl->position : STRETCH_FIRST;
    cl->stretch_left = young < every ? young : every;
    ed_threshold_begin(cl, cl->stretch_left);
}

void ed_forget_told(eddy_clusterer *cl)
{
    cl->changes.n = 0;
    cl->pictures.n = 0;
    cl->topics_told.n = 0;
    eddy_arena_reset(cl->pictures_arena);
}

eddy_status ed_clusterer_ready(const eddy_clusterer *cl, eddy_error *err)
{
    if (cl->failed)
        return eddy_fail(err, EDDY_NOMEM, "engine: memory ran out before; start again");
    if (cl->load)
        return eddy_fail(err, EDDY_INVALID, "engine: its records are still being loaded");
    return EDDY_OK;
}

eddy_status eddy_clusterer_assign(eddy_clusterer *cl, const eddy_row *rows, size_t n,
                                  eddy_assignment *ret, eddy_error *err)
{
    eddy_status st = ed_clusterer_ready(cl, err);
    if (st == EDDY_OK)
        st = rows_check(cl, rows, n, err);
    if (st != EDDY_OK)
        return st;
    ed_forget_told(cl);
    if (n && cl->stream_ms == INT64_MIN) {
        cl->start_ms = cl->stream_ms = rows[0].time_ms;
        ed_signals_begin(cl);
    }
    for (size_t i = 0; i < n && st == EDDY_OK;) {
        if (ed_recent_has(cl, rows[i].same)) {
            ret[i++] = (eddy_assignment){.duplicate = 1};
            cl->stats.duplicates++;
            continue;
        }
        if (!cl->stretch_left)
            stretch_begin(cl);
        size_t m = n - i < cl->stretch_left ? n - i : (size_t)cl->stretch_left;
        st = ed_recent_take(cl, rows + i, &m) ? EDDY_OK
                                              : eddy_fail_nomem(err, "engine: recent", m * 40);
        if (st != EDDY_OK)
            break;
        st = ed_arrive(cl, rows + i, m, ret + i, err);
        i += m;
        cl->stretch_left -= m;
        cl->unrepaired += m;
        if (st == EDDY_OK && !cl->stretch_left) {
            st = ed_repair(cl, err);
            cl->unrepaired = 0;
        }
    }
    if (st != EDDY_OK)
        cl->failed = 1;
    return st;
}

eddy_status eddy_clusterer_flush(eddy_clusterer *cl, eddy_error *err)
{
    eddy_status st = ed_clusterer_ready(cl, err);
    if (st != EDDY_OK)
        return st;
    ed_forget_told(cl);
    if (!cl->unrepaired)
        return EDDY_OK;
    st = ed_repair(cl, err);
    cl->unrepaired = 0;
    cl->stretch_left = 0;
    if (st != EDDY_OK)
        cl->failed = 1;
    return st;
}

/* ---- looking in ---- */

size_t eddy_clusterer_changes(const eddy_clusterer *cl, const eddy_change **ret)
{
    *ret = cl->changes.at;
    return cl->changes.n;
}

size_t eddy_clusterer_pictures(const eddy_clusterer *cl, const eddy_event **ret)
{
    *ret = cl->pictures.at;
    return cl->pictures.n;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

eddy_status eddy_clusterer_events(const eddy_clusterer *cl, eddy_arena *arena, const uint64_t **ret,
                                  size_t *n_ret, eddy_error *err)
{
    uint64_t *ids = ed_arena_alloc(arena, (cl->n_events + 1) * sizeof *ids);
    if (!ids)
        return eddy_fail_nomem(err, "events", cl->n_events * sizeof *ids);
    size_t n = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++)
        if (cl->events[e].id)
            ids[n++] = cl->events[e].id;
    qsort(ids, n, sizeof *ids, by_number);
    *ret = ids;
    *n_ret = n;
    return EDDY_OK;
}

eddy_status eddy_clusterer_event(const eddy_clusterer *cl, uint64_t id, eddy_arena *arena,
                                 eddy_event *ret, eddy_error *err)
{
    const uint64_t *slot = ed_table_find(&cl->slot_of, id);
    if (!slot)
        return eddy_fail(err, EDDY_INVALID, "event E%llu is not in memory", (unsigned long long)id);
    return ed_picture(cl, (uint32_t)*slot, arena, ret, err);
}

eddy_status eddy_clusterer_groups(const eddy_clusterer *cl, uint64_t event, eddy_arena *arena,
                                  const uint64_t **ret, size_t *n_ret, eddy_error *err)
{
    const uint64_t *slot = ed_table_find(&cl->slot_of, event);
    if (!slot)
        return eddy_fail(err, EDDY_INVALID, "event E%llu is not in memory",
                         (unsigned long long)event);
    const struct ed_event_state *ev = &cl->events[*slot];
    uint64_t *ids = ed_arena_alloc(arena, (ev->n_groups + (size_t)1) * sizeof *ids);
    if (!ids)
        return eddy_fail_nomem(err, "groups", ev->n_groups * sizeof *ids);
    for (uint32_t i = 0; i < ev->n_groups; i++)
        ids[i] = cl->groups[ev->groups[i]].id;
    *ret = ids;
    *n_ret = ev->n_groups;
    return EDDY_OK;
}

/* How many of n are no more among the last so many. */
static uint64_t left_of(uint64_t n, uint64_t kept)
{
    return n > kept ? n - kept : 0;
}

static void stats_of_ceilings(const eddy_clusterer *cl, eddy_engine_stats *ret)
{
    ret->words_dropped = cl->words.dropped;
    ret->links_max_hits = cl->links.max_hits;
    ret->redirects_max_hits = cl->redirects.max_hits;
    if (cl->o.window)
        ret->window_left = left_of(cl->position, cl->o.window);
    if (cl->o.duplicates_window)
        ret->duplicates_left = left_of(cl->recent.next, cl->o.duplicates_window);
    ret->folds_left = left_of(cl->folds.n, FOLDS_MAX);
    ret->faded_left = cl->faded.left;
}

void eddy_clusterer_stats(const eddy_clusterer *cl, eddy_engine_stats *ret)
{
    size_t row = cl->stride * sizeof(float);
    *ret = cl->stats;
    stats_of_ceilings(cl, ret);
    ret->documents = cl->position;
    ret->events_active = cl->n_events;
    ret->groups_active = cl->n_groups;
    ret->threshold = cl->th.tau;
    ret->spread = cl->th.spread;
    ret->stream_ms = cl->stream_ms;
    ret->viewed = cl->viewed;
    ret->bytes = sizeof *cl + cl->words.surface.room + cl->words.entries.room * 16 +
                 (cl->room_events + cl->room_groups) * (cl->shape.bytes + sizeof(struct ed_code)) +
                 cl->room_events * cl->shape.bytes +
                 cl->room_events *
                     (row + sizeof *cl->events + cl->o.neighbours * sizeof(struct ed_near) + 44) +
                 cl->room_groups * (row + sizeof *cl->groups + 12) +
                 cl->words.room_changed * sizeof *cl->words.changed +
                 ed_words_pages(&cl->o) * sizeof *cl->words.parts;
    ret->bytes += ed_arena_held(cl->work) + ed_arena_held(cl->pictures_arena) +
                  cl->changes.room * sizeof *cl->changes.at +
                  cl->pictures.room * sizeof *cl->pictures.at + cl->slot_of.room * 16;
    for (uint32_t e = 0; e < cl->slots.n; e++)
        ret->bytes += cl->events[e].room_groups * sizeof(uint32_t);
    if (cl->faded.sums)
        ret->bytes += FADED_KEPT * row;
    if (cl->sample.points)
        ret->bytes += SAMPLE_MAX * (row + row / 2 + SAMPLE_MAX * sizeof(float));
    for (uint32_t e = 0; e < cl->slots.n; e++)
        ret->bytes += (cl->events[e].told ? row : 0) +
                      (cl->events[e].given ? sizeof *cl->events[e].given : 0);
    ret->bytes += ed_window_bytes(cl);
    for (uint32_t s = 0; s < cl->topics.slots.n; s++) {
        ret->topics += cl->topics.at[s].id && cl->topics.at[s].level == 1;
        ret->themes += cl->topics.at[s].id && cl->topics.at[s].level == 2;
    }
    ret->bytes += cl->topics.room * (sizeof *cl->topics.at + 8) + cl->topics.slot_of.room * 16 +
                  cl->topics_told.room * sizeof *cl->topics_told.at;
    ret->bytes += ed_recent_bytes(&cl->recent) + ed_signals_bytes(cl);
    ret->bytes += cl->links.room * sizeof *cl->links.at +
                  cl->redirects.room * sizeof *cl->redirects.at + cl->redirects.place.room * 16 +
                  (cl->operations ? OPERATIONS_KEPT * sizeof *cl->operations : 0) +
                  (cl->answers ? ANSWERS_KEPT * sizeof *cl->answers : 0);
}
