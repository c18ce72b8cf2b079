/* Arrival: a point joins the event that gains most by it, or founds one (ALGORITHM 5.5).
 *
 *   a_e = mean similarity of the point to the event's documents - idle penalty
 *   v_e = (a_e - tau - phi off(n_e)) n_e^(1/2)        the largest v > 0 wins
 *
 * One scan of the codes (coded.c) says for a block of points how much each may gain at most in each
 * run of events as they were at its start; events that a point of the block has joined since are
 * looked at one by one. Every event whose v could be among the best four is computed by the
 * fixed-order dot against its sum as it is now. What is decided, and what is told, comes from
 * there. */
#include "engine/signals.h"
#include "engine/words.h"

struct candidate {
    uint32_t slot;
    uint64_t id;
    double similarity; /* mean similarity to the event's documents: what is told */
    double gain;       /* the same less the idle penalty: what decides */
    double required, value;
};

/* The best four, best first; ties go to the lower id. */
struct best {
    struct candidate at[EDDY_MEMBERSHIPS];
    uint32_t n;
};

static int better(const struct candidate *a, const struct candidate *b)
{
    return a->value > b->value || (a->value == b->value && a->id < b->id);
}

static void best_offer(struct best *best, struct candidate c)
{
    uint32_t i = best->n;
    if (i == EDDY_MEMBERSHIPS) {
        if (!better(&c, &best->at[i - 1]))
            return;
        i--;
    } else {
        best->n++;
    }
    for (; i && better(&c, &best->at[i - 1]); i--)
        best->at[i] = best->at[i - 1];
    best->at[i] = c;
}

static double idle_penalty(const eddy_clusterer *cl, int64_t time_ms, int64_t last_ms)
{
    if (!(cl->o.idle_penalty > 0) || time_ms <= last_ms)
        return 0;
    double halves = (double)(time_ms - last_ms) / (double)cl->o.idle_half_ms;
    return cl->o.idle_penalty * (1 - ed_exp2(-halves));
}

/* The event at slot, whose sum's product with the point this is. */
static struct candidate score(const eddy_clusterer *cl, int64_t time_ms, uint32_t slot, double dot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    double similarity = dot / ev->weight;
    double gain = similarity - idle_penalty(cl, time_ms, ed_event_last(ev));
    double value = (gain - ev->required) * ev->power;
    return (struct candidate){slot, ev->id, similarity, gain, ev->required, value};
}

/* A block of (n) points, and what it has done so far. */
struct scored {
    struct ed_point points[BLOCK_MAX];
    size_t n;
    struct ed_peaks peaks; /* of the points from `first` on, as events were then */
    size_t first;
    uint64_t dropped;           /* words that had been forgotten by then */
    uint32_t joined[BLOCK_MAX]; /* (n_joined) slots of events that have changed since */
    size_t n_joined;
    uint64_t *has_joined;       /* bits of them */
    struct ed_hopeful *hopeful; /* those of the point at hand */
    size_t n_hopeful;
};

/* What an upper bound must reach to matter. */
static float floor_of(const struct best *best)
{
    if (best->n < EDDY_MEMBERSHIPS)
        return -1e28f; /* above the bound of slots that hold no event */
    double least = best->at[EDDY_MEMBERSHIPS - 1].value;
    return (float)(least - 1e-6 * (1 + fabs(least)));
}

/* Of these events (n, at most ED_RUN_ROWS), of which bytes say no for certain of no one, those of
 * which fine bytes do not either. Until all are found `best` holds what the best four have at
 * least. */
static void hope(const eddy_clusterer *cl, struct scored *b, const struct ed_point *p,
                 int64_t time_ms, const uint32_t *slots, size_t n, struct best *best)
{
    double dot[ED_RUN_ROWS], within[ED_RUN_ROWS];
    ed_dots_within_fine(cl, ed_point_coded(p), &cl->event_codes, slots, n, dot, within);
    for (size_t i = 0; i < n; i++) {
        uint32_t e = slots[i];
        double inverse = (double)cl->inverse[e], power = (double)cl->power[e];
        double value = dot[i] * inverse - (double)cl->asked[e];
        double error = within[i] * inverse + (double)ED_ROUNDING;
        if (cl->o.idle_penalty > 0)
            value -= idle_penalty(cl, time_ms, ed_event_last(&cl->events[e]));
        struct ed_hopeful h = {e, (float)((value - error) * power),
                               (float)((value + error) * power)};
        if (h.high < floor_of(best))
            continue;
        b->hopeful[b->n_hopeful++] = h;
        best_offer(best, (struct candidate){.slot = e, .value = (double)h.low});
    }
}

/* Of these events (n, at most ED_RUN_ROWS) those that may be among the best four. The idle penalty
 * is left out of the first bound: it only lowers. */
static void try_events(const eddy_clusterer *cl, struct scored *b, const struct ed_point *p,
                       int64_t time_ms, const uint32_t *slots, size_t n, struct best *best)
{
    float dot[ED_RUN_ROWS], within[ED_RUN_ROWS];
    uint32_t left[ED_RUN_ROWS];
    size_t m = 0;
    struct best lows = *best; /* what there is for certain, with these */
    ed_dots_within(cl, ed_point_coded(p), &cl->event_codes, slots, n, dot, within);
    float floor = floor_of(&lows);
    for (size_t i = 0; i < n && !(cl->o.idle_penalty > 0); i++) {
        uint32_t e = slots[i];
        float low =
            ((dot[i] - within[i]) * cl->inverse[e] - ED_ROUNDING - cl->asked[e]) * cl->power[e];
        if (low >= floor && cl->events[e].kind == p->kind) {
            best_offer(&lows, (struct candidate){.slot = e, .value = (double)low});
            floor = floor_of(&lows);
        }
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t e = slots[i];
        float high =
            ((dot[i] + within[i]) * cl->inverse[e] + ED_ROUNDING - cl->asked[e]) * cl->power[e];
        if (high >= floor && cl->events[e].kind == p->kind)
            left[m++] = e;
    }
    hope(cl, b, p, time_ms, left, m, best);
}

static int has_joined(const struct scored *b, uint32_t slot)
{
    return b->has_joined[slot / 64] >> slot % 64 & 1;
}

/* Ask for what joining this event will read: nothing of it is near. */
static void fetch_groups(const eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    for (uint32_t i = 0; i < ev->n_groups && i < ED_RUN_ROWS; i++) {
        uint32_t u = ev->groups[i];
        const uint8_t *bytes = cl->group_codes.bytes + u * cl->shape.bytes;
        __builtin_prefetch(&cl->groups[u].square);
        __builtin_prefetch(&cl->group_codes.code[u]);
        for (size_t d = 0; d < cl->shape.bytes; d += 64)
            __builtin_prefetch(bytes + d);
    }
}

/* The hopefuls by the dot that decides. */
static void decide(const eddy_clusterer *cl, const struct scored *b, const struct ed_point *p,
                   int64_t time_ms, struct best *best)
{
    float least = floor_of(best);
    uint32_t slots[ED_RUN_ROWS];
    size_t n = 0;
    if (best->n)
        fetch_groups(cl, best->at[0].slot);
    best->n = 0;
    for (size_t k = 0; k < b->n_hopeful; k++) {
        if (b->hopeful[k].high >= least)
            slots[n++] = b->hopeful[k].slot;
        if (n < ED_RUN_ROWS && k + 1 < b->n_hopeful)
            continue;
        const float *sums[ED_RUN_ROWS];
        double dots[ED_RUN_ROWS];
        for (size_t i = 0; i < n; i++)
            sums[i] = ed_event_sum(cl, slots[i]);
        ed_point_dots(cl, p, sums, n, dots);
        for (size_t i = 0; i < n; i++)
            best_offer(best, score(cl, time_ms, slots[i], dots[i]));
        n = 0;
    }
}

/* The best four, exactly: runs by falling promise, until none can have one of them, and what has
 * changed since. */
static void find_best(const eddy_clusterer *cl, struct scored *b, size_t i, int64_t time_ms,
                      struct best *best)
{
    uint32_t run;
    uint32_t slots[ED_RUN_ROWS];
    const struct ed_point *p = &b->points[i];
    best->n = 0;
    b->n_hopeful = 0;
    ed_peaks_begin(&b->peaks, i - b->first);
    while ((run = ed_peaks_take(&b->peaks, floor_of(best))) != NONE) {
        size_t live = ed_run_live(cl, run, slots);
        size_t n = 0;
        for (size_t k = 0; k < live; k++)
            if (!has_joined(b, slots[k]))
                slots[n++] = slots[k];
        try_events(cl, b, p, time_ms, slots, n, best);
    }
    size_t n = 0;
    for (size_t k = 0; k < b->n_joined; k++) {
        if (cl->events[b->joined[k]].id)
            slots[n++] = b->joined[k];
        if (n == ED_RUN_ROWS || (n && k + 1 == b->n_joined)) {
            try_events(cl, b, p, time_ms, slots, n, best);
            n = 0;
        }
    }
    decide(cl, b, p, time_ms, best);
}

static void joined_add(struct scored *b, uint32_t slot)
{
    if (!has_joined(b, slot))
        b->joined[b->n_joined++] = slot;
    b->has_joined[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* ---- joining ---- */

void ed_exemplar_set(struct ed_exemplar *x, eddy_str id, eddy_str title, int64_t time_ms,
                     double similarity)
{
    x->similarity = (float)similarity;
    x->time_ms = time_ms;
    size_t n_id = id.n < ID_KEPT ? id.n : ID_KEPT - 1;
    size_t n_title = title.n < TITLE_KEPT ? title.n : TITLE_KEPT - 1;
    while (n_title && n_title < title.n && ((unsigned char)title.at[n_title] & 0xc0) == 0x80)
        n_title--; /* not inside a character */
    while (n_id && n_id < id.n && ((unsigned char)id.at[n_id] & 0xc0) == 0x80)
        n_id--;
    if (n_id)
        memcpy(x->id, id.at, n_id);
    if (n_title)
        memcpy(x->title, title.at, n_title);
    x->n_id = (uint8_t)n_id;
    x->n_title = (uint8_t)n_title;
}

/* A group that a point may join. */
struct choice {
    uint32_t at; /* place among the event's groups; NONE */
    double cosine, dot;
};

static void choice_offer(const eddy_clusterer *cl, const struct ed_point *p,
                         const struct ed_event_state *ev, uint32_t at, struct choice *best)
{
    double dot = ed_point_dot(cl, p, ed_group_sum(cl, ev->groups[at]));
    double cosine = dot / sqrt(cl->groups[ev->groups[at]].square);
    if (cosine > best->cosine || (cosine == best->cosine && at < best->at))
        *best = (struct choice){at, cosine, dot};
}

/* Of the groups from `from` on (n, at most ED_RUN_ROWS) whichever may be better, the most promising
 * first; those that are below `least` in any case are not looked at. */
static void choose_among(const eddy_clusterer *cl, const struct ed_point *p,
                         const struct ed_event_state *ev, uint32_t from, uint32_t n, double least,
                         struct choice *best)
{
    float high[ED_RUN_ROWS], within[ED_RUN_ROWS];
    uint32_t top = 0;
    ed_dots_within(cl, ed_point_coded(p), &cl->group_codes, ev->groups + from, n, high, within);
    for (uint32_t i = 0; i < n; i++) {
        high[i] = (high[i] + within[i]) / (float)sqrt(cl->groups[ev->groups[from + i]].square) +
                  ED_ROUNDING;
        top = high[i] > high[top] ? i : top;
    }
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = k == 0 ? top : k <= top ? k - 1 : k;
        if ((double)high[i] >= least && (double)high[i] >= best->cosine)
            choice_offer(cl, p, ev, from + i, best);
    }
}

/* The group of the event that points most the same way; a new one below GROUP_COSINE if the event
 * has room for it. */
static uint32_t choose_group(eddy_clusterer *cl, const struct ed_point *p, uint32_t slot,
                             double *ret_dot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    int full = ev->n_groups >= cl->o.detail;
    struct choice best = {NONE, -2, 0};
    for (uint32_t from = 0; from < ev->n_groups; from += ED_RUN_ROWS) {
        uint32_t n = ev->n_groups - from < ED_RUN_ROWS ? ev->n_groups - from : ED_RUN_ROWS;
        if (p->bytes)
            choose_among(cl, p, ev, from, n, full ? -2 : GROUP_COSINE, &best);
        for (uint32_t i = 0; i < n && !p->bytes; i++)
            choice_offer(cl, p, ev, from + i, &best);
    }
    *ret_dot = best.dot;
    if (best.at != NONE && (best.cosine >= GROUP_COSINE || full))
        return ev->groups[best.at];
    *ret_dot = 0;
    return ed_group_new(cl, slot);
}

static double point_square(const eddy_clusterer *cl, const struct ed_point *p)
{
    double square = ed_dot(p->dense, p->dense, cl->n_dense);
    for (uint32_t k = 0; k < p->n_words; k++)
        square += (double)p->value[k] * (double)p->value[k];
    return square;
}

#define HEAVY 0x1p21 /* weight from which float sums would begin to lose small additions */

/* Halve the weight of an event and of its groups; sums and means keep their directions, and powers
 * of two are exact. Its count of documents stays. */
static void lighten(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ev->weight /= 2;
    for (uint32_t g = 0; g < ev->n_groups; g++) {
        uint32_t u = ev->groups[g];
        cl->groups[u].weight /= 2;
        cl->groups[u].square /= 4;
        ed_mark(cl, ED_GROUP, u);
        for (size_t i = 0; i < cl->stride; i++)
            ed_group_sum(cl, u)[i] /= 2;
        ed_group_code(cl, u);
    }
    ed_event_sum_up(cl, slot);
    ed_event_untell(cl, slot);
    ev->listed /= 2;
    ed_mark(cl, ED_NEAR, slot);
}

uint32_t ed_join(eddy_clusterer *cl, const eddy_row *row, const struct ed_point *p, uint32_t slot,
                 double similarity)
{
    double dot;
    uint32_t u = choose_group(cl, p, slot, &dot);
    if (u == NONE)
        return NONE;
    struct ed_event_state *ev = &cl->events[slot];
    struct ed_group *g = &cl->groups[u];
    double w = p->weight;
    ed_point_add(cl, p, ed_group_sum(cl, u));
    ed_group_code(cl, u);
    ed_event_sum_up_point(cl, slot, p);
    g->square += 2 * w * dot + w * w * point_square(cl, p);
    if (g->square < 1e-12)
        g->square = 1e-12;
    g->weight += w;
    g->docs += 1;
    g->joined = ed_round(cl);
    ed_mark(cl, ED_GROUP, u);
    ev->weight += w;
    ev->docs += 1;
    ev->changed = ev->pictured = ed_round(cl);
    int64_t t = row->time_ms;
    ev->last_ms = t > ev->last_ms ? t : ev->last_ms;
    ev->first_ms = t < ev->first_ms ? t : ev->first_ms;
    g->last_ms = t > g->last_ms ? t : g->last_ms;
    g->first_ms = t < g->first_ms ? t : g->first_ms;
    ed_sketch_document(&g->words, row, p);
    if (similarity > (double)g->central.similarity)
        ed_exemplar_set(&g->central, row->id, row->title, t, similarity);
    ed_exemplar_set(&g->newest, row->id, row->title, t, similarity);
    if (ev->weight > HEAVY * cl->weight_now)
        lighten(cl, slot);
    ed_event_refresh(cl, slot); /* marks the event */
    return u;
}

/* ---- the answer ---- */

static void answer(const eddy_clusterer *cl, const struct best *best, int founded,
                   eddy_assignment *ret)
{
    double beta = ed_beta(cl);
    ret->founded = founded;
    if (founded) {
        ret->confidence = best->n ? (float)ed_sigmoid(beta * (cl->th.tau - best->at[0].gain)) : 1;
        ret->n_memberships = 1;
        ret->memberships[0].event = ret->event;
        ret->memberships[0].weight = 1;
    } else {
        ret->similarity = (float)best->at[0].similarity;
        ret->threshold = (float)best->at[0].required;
        ret->confidence = (float)ed_sigmoid(beta * (best->at[0].gain - cl->th.tau));
        double sum = 0;
        double weight[EDDY_MEMBERSHIPS];
        for (uint32_t i = 0; i < best->n; i++)
            sum += weight[i] = ed_sigmoid(beta * (best->at[i].gain - cl->th.tau));
        ret->n_memberships = best->n;
        for (uint32_t i = 0; i < best->n; i++) {
            ret->memberships[i].event = best->at[i].id;
            ret->memberships[i].weight = (float)(sum > 0 ? weight[i] / sum : 1.0 / best->n);
        }
    }
    uint32_t second = founded ? 0 : 1;
    if (best->n > second && cl->events[best->at[second].slot].id == best->at[second].id) {
        ret->runner_up = best->at[second].id;
        ret->runner_up_similarity = (float)best->at[second].similarity;
    }
}

/* Point i of the block goes to the best, or founds. */
static eddy_status settle(eddy_clusterer *cl, const eddy_row *row, struct scored *b, size_t i,
                          const struct best *best, eddy_assignment *ret, eddy_error *err)
{
    int founded = !best->n || best->at[0].value <= 0;
    uint32_t slot = founded ? NONE : best->at[0].slot;
    memset(ret, 0, sizeof *ret);
    ret->position = cl->position - 1;
    if (founded) {
        if (cl->n_events >= cl->o.events_max) {
            eddy_status st = ed_retire_one(cl, err);
            if (st != EDDY_OK)
                return st;
        }
        slot = ed_event_new(cl);
        if (slot == NONE)
            return eddy_fail_nomem(err, "events", cl->stride * sizeof(float));
        cl->events[slot].kind = row->kind;
    }
    ret->event = cl->events[slot].id;
    if (founded)
        ret->threshold = (float)(best->n ? best->at[0].required : cl->th.tau);
    answer(cl, best, founded, ret);
    double similarity = founded ? 0 : best->at[0].similarity;
    uint32_t group = ed_join(cl, row, &b->points[i], slot, similarity);
    if (group == NONE)
        return eddy_fail_nomem(err, "groups", cl->stride * sizeof(float));
    joined_add(b, slot);
    ed_signals_came(cl, group, 1);
    ret->group = cl->groups[group].id;
    if (!ed_window_put(cl, &b->points[i], group, ret))
        return eddy_fail_nomem(err, "window", cl->o.window * sizeof(struct ed_kept));
    size_t told = cl->changes.n;
    if (founded) {
        eddy_change *born = ed_change_add(cl, EDDY_BORN, slot);
        if (!born)
            return eddy_fail_nomem(err, "changes", sizeof *born);
        born->size_before = 0;
    } else if (!ed_event_grown(cl, slot)) {
        return eddy_fail_nomem(err, "changes", sizeof(eddy_change));
    }
    return cl->changes.n > told ? ed_picture_add(cl, slot, EDDY_ACTIVE, 0, err) : EDDY_OK;
}

#define HALVES_MAX 40.0

/* Half-lives since weights were last brought down to 1. */
static double halves_since(const eddy_clusterer *cl, int64_t time_ms)
{
    return (double)(time_ms - cl->start_ms) / (double)cl->o.half_life_ms;
}

/* The points from `first` on, of whose rows `counted` are counted, and what they may gain with the
 * events as they are. */
static eddy_status block_score(eddy_clusterer *cl, const eddy_row *rows, struct scored *b,
                               size_t first, size_t counted, eddy_error *err)
{
    struct ed_coded codes[BLOCK_MAX];
    size_t m = b->n - first;
    size_t bits = (cl->room_events + BLOCK_MAX + 63) / 64;
    eddy_status st = ed_points_words(cl, rows + first, b->points + first, m, counted, err);
    if (st != EDDY_OK)
        return st;
    b->first = first;
    b->n_joined = 0;
    b->dropped = cl->words.dropped;
    b->has_joined = ed_arena_alloc_zero(cl->work, bits, sizeof *b->has_joined);
    b->hopeful = ed_arena_alloc(cl->work, (cl->room_events + BLOCK_MAX) * sizeof *b->hopeful);
    int there = b->has_joined && b->hopeful;
    for (size_t i = 0; i < m && there; i++) {
        struct ed_point *p = &b->points[first + i];
        there = ed_point_code(cl, p);
        codes[i] = ed_point_coded(p);
    }
    if (!there || !ed_peaks_of(cl, codes, m, &b->peaks))
        return eddy_fail_nomem(err, "block", m * cl->slots.n / ED_PEAK_ROWS * sizeof(float));
    return EDDY_OK;
}

static eddy_status block_begin(eddy_clusterer *cl, const eddy_row *rows, struct scored *b,
                               eddy_error *err)
{
    eddy_arena_reset(cl->work);
    size_t n_floats = b->n * cl->n_dense + 1;
    float *dense = ed_arena_alloc_aligned(cl->work, n_floats * sizeof *dense);
    if (!dense)
        return eddy_fail_nomem(err, "block", n_floats * sizeof *dense);
    for (size_t i = 0; i < b->n; i++) {
        ed_point_dense(cl, &rows[i], &b->points[i], dense + i * cl->n_dense);
        b->points[i].kind = rows[i].kind;
    }
    return block_score(cl, rows, b, 0, 0, err);
}

static eddy_status block(eddy_clusterer *cl, const eddy_row *rows, size_t n, eddy_assignment *ret,
                         eddy_error *err)
{
    struct scored b = {.n = n};
    eddy_status st = block_begin(cl, rows, &b, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        struct ed_point *p = &b.points[i];
        struct best best;
        cl->position++;
        st = ed_stream_time(cl, rows[i].time_ms, err);
        if (cl->o.half_life_ms > 0)
            cl->weight_now =
                ed_exp2((double)(cl->stream_ms - cl->start_ms) / (double)cl->o.half_life_ms);
        p->weight = cl->weight_now;
        if (st == EDDY_OK && cl->o.terms_dim)
            st = ed_words_count(cl, &rows[i], err);
        if (st == EDDY_OK && b.dropped != cl->words.dropped) /* other words than foreseen */
            st = block_score(cl, rows, &b, i, 1, err);
        if (st != EDDY_OK)
            return st;
        find_best(cl, &b, i, rows[i].time_ms, &best);
        st = settle(cl, &rows[i], &b, i, &best, &ret[i], err);
        if (st == EDDY_OK)
            st = ed_threshold_sample(cl, p, err);
    }
    return st;
}

/* The more events, the less often it pays to go through them, and the more points of a block join
 * ones that were gone through before they did: where all are in the cache, and where none is. */
#define FEW  4096
#define MANY 16384

/* Stream time once this row is there. */
static int64_t time_then(const eddy_clusterer *cl, const eddy_row *row)
{
    return row->time_ms > cl->stream_ms ? row->time_ms : cl->stream_ms;
}

/* Rows from the first on whose weights stay in range, at most a block; 0: not even the first. */
static size_t rows_in_range(const eddy_clusterer *cl, const eddy_row *rows, size_t n)
{
    size_t most = cl->slots.n > MANY  ? BLOCK_MAX
                  : cl->slots.n > FEW ? BLOCK_MAX / 2
                                      : BLOCK_MAX / 4;
    size_t m = n < most ? n : most;
    for (size_t i = 0; i < m && cl->o.half_life_ms > 0; i++)
        if (halves_since(cl, time_then(cl, &rows[i])) > HALVES_MAX)
            return i;
    return m;
}

eddy_status ed_arrive(eddy_clusterer *cl, const eddy_row *rows, size_t n, eddy_assignment *ret,
                      eddy_error *err)
{
    for (size_t i = 0; i < n;) {
        eddy_status st = EDDY_OK;
        size_t m = rows_in_range(cl, rows + i, n - i);
        if (m)
            st = block(cl, rows + i, m, ret + i, err);
        else
            st = ed_retire_weights(cl, time_then(cl, &rows[i]), err);
        if (st != EDDY_OK)
            return st;
        i += m;
    }
    return EDDY_OK;
}
