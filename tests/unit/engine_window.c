/* The window: documents are found where they are, as alike as they are, through everything that
 * happens to their groups; what it answers is right by other ways of computing it. */
#include "engine_state.h"

#include "engine/members.h"

#include <eddy/reason.h>
#include <eddy/score.h>

/* ---- help ---- */

#define WIDE 160

/* A stream of which all is known: where each document is, by lineage, and its point, by what all
 * sums have more after it. */
struct known {
    eddy_engine_options o;
    struct stream s;
    char (*ids)[24];
    eddy_clusterer *cl;
    eddy_lineage *lineage;
    eddy_assignment *a;     /* (s.n) */
    double (*points)[WIDE]; /* (s.n) times weight */
    double (*before)[WIDE]; /* (1) all sums */
    float extra[2][8];
    size_t n;
};

static void known_new(struct known *k, uint64_t seed, size_t n, uint32_t window, int extra)
{
    memset(k, 0, sizeof *k);
    eddy_error err = {0};
    k->o = stream_options();
    k->o.fade_ms = 0;
    k->o.window = window;
    k->o.detail = 3;
    k->s = stream_make(seed, n, 25, 1.6);
    if (extra) {
        k->o.n_extra = 2;
        k->o.extra_dim[0] = 5;
        k->o.extra_dim[1] = 3;
        k->o.extra_weight[0] = 0.2;
        k->o.extra_weight[1] = 0.1;
    }
    k->ids = calloc(n, sizeof *k->ids);
    k->a = calloc(n, sizeof *k->a);
    k->points = calloc(n, sizeof *k->points);
    k->before = calloc(1, sizeof *k->before);
    for (size_t v = 0; v < 2; v++)
        for (size_t d = 0; d < 8; d++)
            k->extra[v][d] = (float)(test_random(&seed) % 1000) / 500 - 1;
    for (size_t i = 0; i < n; i++) {
        snprintf(k->ids[i], sizeof *k->ids, "d%zu", i);
        k->s.rows[i].id = (eddy_str){k->ids[i], strlen(k->ids[i])};
        k->s.rows[i].extra[0] = extra && i % 3 ? k->extra[i % 2] : NULL;
        k->s.rows[i].extra[1] = extra && i % 2 ? k->extra[1] : NULL;
        if (i % 11 == 0)
            k->s.rows[i].dense = NULL;
        else if (i % 13 == 0)
            k->s.rows[i].n_terms = 0;
    }
    k->cl = clusterer_new(&k->o);
    CHECK_OK(eddy_lineage_new(&k->lineage, &err), &err);
}

static void known_free(struct known *k)
{
    eddy_clusterer_free(k->cl);
    eddy_lineage_free(k->lineage);
    stream_free(&k->s);
    free(k->ids);
    free(k->a);
    free(k->points);
    free(k->before);
}

static void follow(struct known *k)
{
    const eddy_change *c;
    eddy_error err = {0};
    size_t n = eddy_clusterer_changes(k->cl, &c);
    for (size_t i = 0; i < n; i++)
        CHECK_OK(eddy_lineage_changed(k->lineage, &c[i], &err), &err);
}

static void all_sums(const eddy_clusterer *cl, double *ret)
{
    memset(ret, 0, WIDE * sizeof *ret);
    for (uint32_t e = 0; e < cl->slots.n; e++)
        for (size_t d = 0; d < cl->dim && cl->events[e].id; d++)
            ret[d] += (double)ed_event_sum(cl, e)[d];
}

static void known_step(struct known *k)
{
    eddy_error err = {0};
    double now[WIDE];
    size_t i = k->n++;
    assert_true(k->cl->dim <= WIDE);
    all_sums(k->cl, *k->before);
    CHECK_OK(eddy_clusterer_assign(k->cl, k->s.rows + i, 1, &k->a[i], &err), &err);
    all_sums(k->cl, now);
    for (size_t d = 0; d < k->cl->dim; d++)
        k->points[i][d] = now[d] - (*k->before)[d];
    CHECK_OK(eddy_lineage_assigned(k->lineage, k->a[i].event, k->a[i].group, &err), &err);
    follow(k);
}

static uint64_t event_of(struct known *k, size_t i)
{
    return eddy_lineage_document(k->lineage, i, k->a[i].event, k->a[i].group);
}

static eddy_outcome reassign(struct known *k, uint64_t position, uint64_t from, uint64_t to)
{
    eddy_operation op = {.kind = EDDY_OPERATION_REASSIGN,
                         .actor = EDDY_PERSON,
                         .event = from,
                         .other = to,
                         .position = position};
    eddy_outcome out;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_apply(k->cl, &op, &out, &err), &err);
    follow(k);
    return out;
}

static double plain_dot(const double *x, const double *y, size_t from, size_t to)
{
    double sum = 0;
    for (size_t d = from; d < to; d++)
        sum += x[d] * y[d];
    return sum;
}

/* ---- members ---- */

/* Mean similarity of document i to the others of its event, over coordinates from..to. */
static double plain_similarity(struct known *k, size_t i, size_t from, size_t to)
{
    double sum = 0;
    size_t others = 0;
    for (size_t j = 0; j < k->n; j++) {
        if (j == i || event_of(k, j) != event_of(k, i))
            continue;
        sum += plain_dot(k->points[i], k->points[j], from, to);
        others++;
    }
    return others ? sum / (double)others : plain_dot(k->points[i], k->points[i], from, to);
}

static double checked_member(struct known *k, const eddy_member *m, uint64_t event)
{
    size_t i = (size_t)m->position;
    const size_t words = k->cl->n_dense;
    assert_true(m->event == event && event_of(k, i) == event);
    assert_string_equal(m->id.at, k->ids[i]);
    assert_string_equal(m->title.at, "a title");
    assert_int_equal(m->time_ms, k->s.rows[i].time_ms);
    assert_true(m->arrival_similarity == k->a[i].similarity &&
                m->arrival_threshold == k->a[i].threshold && m->runner_up == k->a[i].runner_up &&
                m->runner_up_similarity == k->a[i].runner_up_similarity);
    double want[4] = {plain_similarity(k, i, 0, STREAM_DIM),
                      plain_similarity(k, i, words, k->cl->dim),
                      plain_similarity(k, i, STREAM_DIM, STREAM_DIM + k->o.extra_dim[0]),
                      plain_similarity(k, i, STREAM_DIM + k->o.extra_dim[0], words)};
    double all = 0, sum = 0, worst = 0;
    for (size_t v = 0; v < 4; v++) {
        all += want[v];
        sum += (double)m->share[v];
        worst = fmax(worst, fabs(want[v] - (double)m->share[v]));
    }
    assert_true(fabs(sum - (double)m->similarity) < 1e-5);
    return fmax(worst, fabs(all - (double)m->similarity));
}

static void members_checked(struct known *k, double *worst)
{
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *ids;
    size_t n, all = 0;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_events(k->cl, arena, &ids, &n, &err), &err);
    for (size_t e = 0; e < n; e++) {
        const eddy_member *m;
        size_t n_members;
        CHECK_OK(eddy_clusterer_members(k->cl, ids[e], arena, &m, &n_members, &err), &err);
        for (size_t i = 0; i < n_members; i++) {
            double off = checked_member(k, &m[i], ids[e]);
            *worst = off > *worst ? off : *worst;
            assert_true(!i || m[i].similarity <= m[i - 1].similarity);
        }
        all += n_members;
    }
    assert_int_equal(all, k->n < k->o.window ? k->n : k->o.window); /* each once */
    eddy_arena_free(arena);
}

/* Some document of the window goes to some event, or a new one. */
static void someone_goes(struct known *k, uint64_t *seed)
{
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *ids;
    size_t n;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_events(k->cl, arena, &ids, &n, &err), &err);
    size_t most = k->n < k->o.window ? k->n : k->o.window;
    uint64_t position = k->n - 1 - test_random(seed) % most;
    uint64_t to = test_random(seed) % 4 ? ids[test_random(seed) % n] : 0;
    uint64_t from = event_of(k, (size_t)position);
    eddy_outcome out = reassign(k, position, from, to);
    if (!out.refusal)
        assert_int_equal(event_of(k, (size_t)position), to ? to : out.event);
    eddy_arena_free(arena);
}

static void members_are_right(uint64_t seed, uint32_t window, int extra, int reassigned)
{
    struct known k;
    double worst = 0;
    known_new(&k, seed, 900, window, extra);
    while (k.n < k.s.n) {
        known_step(&k);
        if (reassigned && k.n > 40 && k.n % 5 == 0)
            someone_goes(&k, &seed);
        if (k.n % 150 == 0)
            members_checked(&k, &worst);
    }
    printf("window %u, %s%s: worst difference %.4f; %llu merged, %llu moved, %llu folded\n", window,
           extra ? "extra views" : "two views", reassigned ? ", reassigned" : "", worst,
           (unsigned long long)k.cl->stats.merged, (unsigned long long)k.cl->stats.moved,
           (unsigned long long)k.cl->stats.folded);
    assert_true(worst < (reassigned ? 0.02 : 0.01));
    assert_true(k.cl->stats.merged > 3 && k.cl->stats.folded > 3);
    known_free(&k);
}

TEST(members_are_where_and_as_alike_as_all_rows_say)
{
    uint64_t seed = test_seed() + 31;
    members_are_right(seed, 4096, 0, 0);
    members_are_right(seed + 1, 200, 1, 0);
    members_are_right(seed + 2, 300, 1, 1);
}

/* Moved there it is as alike to its new event as it was said to be. */
static void rival_is_the_best_elsewhere(struct known *k, const eddy_member *m,
                                        const eddy_rival *rival)
{
    eddy_arena *arena = eddy_arena_new(0);
    eddy_member moved;
    eddy_outcome outcome;
    eddy_error err = {0};
    assert_true(rival->event && rival->event != m->event);
    assert_true(m->similarity - rival->own_threshold > rival->similarity - rival->threshold);
    const eddy_operation op = {.kind = EDDY_OPERATION_REASSIGN,
                               .actor = EDDY_PERSON,
                               .event = m->event,
                               .other = rival->event,
                               .position = m->position};
    CHECK_OK(eddy_clusterer_apply(k->cl, &op, &outcome, &err), &err);
    assert_int_equal(outcome.refusal, EDDY_APPLIED);
    CHECK_OK(eddy_clusterer_document(k->cl, m->id, arena, &moved, NULL, &err), &err);
    assert_int_equal(moved.event, rival->event);
    assert_true(fabsf(moved.similarity - rival->similarity) < 0.005F);
    eddy_arena_free(arena);
}

TEST(a_document_is_found_by_its_id)
{
    struct known k;
    eddy_member m;
    eddy_error err = {0};
    known_new(&k, test_seed() + 32, 300, 100, 0);
    eddy_arena *arena = eddy_arena_new(0);
    while (k.n < k.s.n)
        known_step(&k);
    eddy_rival rival;
    CHECK_OK(eddy_clusterer_document(k.cl, (eddy_str){"d250", 4}, arena, &m, &rival, &err), &err);
    assert_true(m.position == 250 && m.event == event_of(&k, 250));
    rival_is_the_best_elsewhere(&k, &m, &rival);
    assert_int_equal(eddy_clusterer_document(k.cl, (eddy_str){"d199", 4}, arena, &m, NULL, &err),
                     EDDY_INVALID);
    assert_non_null(strstr(err.text, "not among the last 100"));
    assert_int_equal(eddy_clusterer_document(k.cl, (eddy_str){"d2500", 5}, arena, &m, NULL, NULL),
                     EDDY_INVALID);
    const eddy_member *list;
    size_t n;
    assert_int_equal(eddy_clusterer_members(k.cl, 1u << 30, arena, &list, &n, NULL), EDDY_INVALID);
    eddy_arena_free(arena);
    known_free(&k);
}

TEST(bytes_of_floats_are_within_half_a_step)
{
    uint64_t seed = test_seed();
    for (size_t n = 0; n < 70; n++) {
        float x[70], y[70];
        int8_t bytes[70];
        for (size_t i = 0; i < n; i++)
            x[i] = ((float)(test_random(&seed) % 2001) - 1000) / (float)(1 + seed % 3000);
        float largest = 0;
        for (size_t i = 0; i < n; i++)
            largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
        assert_true(ed_bytes_of(x, n, bytes) == largest);
        ed_floats_of(bytes, n, largest, y);
        for (size_t i = 0; i < n && largest > 0; i++)
            assert_true(fabsf(x[i] - y[i]) <= largest / 127 * 0.50001F);
    }
    float nothing[3] = {0, -0.0F, 1e-35F};
    int8_t bytes[3];
    assert_true(!(ed_bytes_of(nothing, 3, bytes) > 0));
}

/* ---- terms ---- */

/* The ridge equations of a few words, solved by elimination. */
static void plain_ridge(const eddy_clusterer *cl, uint64_t event, const uint64_t *hash, size_t n,
                        double *ret)
{
    double(*m)[201] = calloc(n, sizeof *m);
    assert_true(n <= 200);
    for (size_t i = 0; i < n; i++)
        m[i][i] = 1;
    for (uint32_t slot = 0; slot < ed_window_n(cl); slot++) {
        struct ed_document doc;
        double x[200] = {0};
        ed_window_read(cl, slot, &doc);
        if (doc.event == NONE || !doc.point.n_top)
            continue;
        for (uint32_t t = 0; t < doc.point.n_top; t++)
            for (size_t i = 0; i < n; i++)
                x[i] += hash[i] == doc.point.top[t] ? 1 / sqrt(doc.point.n_top) : 0;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++)
                m[i][j] += x[i] * x[j];
            m[i][n] += cl->events[doc.event].id == event ? x[i] : 0;
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < n; r++) {
            double factor = r == i ? 0 : m[r][i] / m[i][i];
            for (size_t j = i; j <= n; j++)
                m[r][j] -= factor * m[i][j];
        }
    for (size_t i = 0; i < n; i++)
        ret[i] = m[i][n] / m[i][i];
    free(m);
}

static size_t words_of(const eddy_clusterer *cl, uint64_t *ret)
{
    size_t n = 0;
    for (uint32_t slot = 0; slot < ed_window_n(cl); slot++) {
        struct ed_document doc;
        ed_window_read(cl, slot, &doc);
        for (uint32_t t = 0; t < doc.point.n_top; t++) {
            size_t i = 0;
            while (i < n && ret[i] != doc.point.top[t])
                i++;
            ret[i] = doc.point.top[t];
            n += i == n;
            assert_true(n <= 200);
        }
    }
    return n;
}

TEST(terms_are_those_of_the_ridge_equations)
{
    struct known k;
    known_new(&k, test_seed() + 33, 600, 250, 0);
    while (k.n < k.s.n)
        known_step(&k);
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *ids;
    size_t n, told = 0;
    eddy_error err = {0};
    uint64_t hash[200];
    double want[200];
    CHECK_OK(eddy_clusterer_events(k.cl, arena, &ids, &n, &err), &err);
    for (size_t e = 0; e < n; e++) {
        const eddy_term_weight *terms;
        size_t n_terms, n_words = words_of(k.cl, hash);
        CHECK_OK(eddy_clusterer_terms(k.cl, ids[e], 1000, arena, &terms, &n_terms, &err), &err);
        plain_ridge(k.cl, ids[e], hash, n_words, want);
        assert_true(n_terms > 50 && n_terms <= n_words);
        for (size_t i = 0; i < n_terms; i++) {
            size_t w = 0;
            while (ed_fnv1a(ED_FNV_BASIS, terms[i].word.at, terms[i].word.n) != hash[w])
                w++;
            assert_true(w < n_words && fabs((double)terms[i].weight - want[w]) < 1e-5);
            assert_true(!i || terms[i].weight <= terms[i - 1].weight);
        }
        told += n_terms;
        CHECK_OK(eddy_clusterer_terms(k.cl, ids[e], 3, arena, &terms, &n_terms, &err), &err);
        assert_int_equal(n_terms, 3);
    }
    assert_true(told > 1000);
    eddy_arena_free(arena);
    known_free(&k);
}

TEST(without_a_window_there_is_nothing_to_say)
{
    struct known k;
    known_new(&k, 34, 100, 0, 0);
    while (k.n < k.s.n)
        known_step(&k);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_term_weight *terms;
    const eddy_member *members;
    const eddy_doubt *doubts;
    eddy_view view;
    size_t n;
    eddy_error err = {0};
    uint64_t id = k.a[99].event;
    assert_int_equal(eddy_clusterer_terms(k.cl, id, 3, arena, &terms, &n, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "no window"));
    CHECK_OK(eddy_clusterer_members(k.cl, id, arena, &members, &n, &err), &err);
    assert_int_equal(n, 0);
    CHECK_OK(eddy_clusterer_doubts(k.cl, 5, arena, &doubts, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        assert_true(doubts[i].kind != EDDY_DOUBT_PLACE);
    assert_int_equal(reassign(&k, 99, id, 0).refusal, EDDY_REFUSED_GONE);
    CHECK_OK(eddy_view_take(k.cl, EDDY_VIEW_DOUBTS, 5, arena, &view, &err), &err);
    for (size_t i = 0; i < view.n_events; i++) { /* exemplars stand for documents */
        assert_true(view.events[i].n_members > 0);
        assert_true(view.events[i].members[0].position == UINT64_MAX);
    }
    eddy_arena_free(arena);
    known_free(&k);
}

/* ---- doubts ---- */

/* The best other event by all rows of all events, and how much better than the own one. */
static double plain_margin(struct known *k, size_t i, uint64_t other)
{
    double own = plain_similarity(k, i, 0, k->cl->dim);
    double sum = 0;
    size_t n = 0, rest = 0;
    for (size_t j = 0; j < k->n; j++) {
        uint64_t event = event_of(k, j);
        rest += event == event_of(k, i) && j != i;
        if (event != other)
            continue;
        sum += plain_dot(k->points[i], k->points[j], 0, k->cl->dim);
        n++;
    }
    return sum / (double)n - ed_threshold_off(k->cl, (double)n) -
           (own - ed_threshold_off(k->cl, (double)rest));
}

TEST(places_are_doubted_where_hardly_anything_decides)
{
    struct known k;
    size_t all = 0;
    known_new(&k, test_seed() + 35, 900, 400, 0);
    k.o.neighbours = 64;
    eddy_clusterer_free(k.cl);
    k.cl = clusterer_new(&k.o);
    while (k.n < k.s.n) {
        known_step(&k);
        if (k.n % 300)
            continue;
        eddy_doubt *doubts = calloc(400, sizeof *doubts);
        size_t n = ed_doubts_place(k.cl, 400, doubts);
        double last = 0;
        for (size_t i = 0; i < n; i++) {
            const eddy_doubt *d = &doubts[i];
            double margin = plain_margin(&k, (size_t)d->position, d->other);
            double yes = ed_sigmoid(BETA / k.cl->th.spread * margin);
            assert_true(d->kind == EDDY_DOUBT_PLACE && d->position + 400 >= k.n);
            assert_true(d->event == event_of(&k, (size_t)d->position) && d->event != d->other);
            assert_true(fabs(yes - d->yes) < 0.1 && d->yes >= 0.1);
            assert_true(fabs(d->yes - 0.5) >= last);
            assert_true(d->event_version == k.cl->events[ed_event_slot(k.cl, d->event)].version);
            last = fabs(d->yes - 0.5);
        }
        eddy_doubt few[3];
        assert_int_equal(ed_doubts_place(k.cl, 3, few), n < 3 ? n : 3);
        assert_memory_equal(few, doubts, (n < 3 ? n : 3) * sizeof *few);
        all += n;
        free(doubts);
    }
    printf("%zu places in doubt\n", all);
    assert_true(all > 5);
    known_free(&k);
}

/* ---- views ---- */

/* It is one that a reasoner may keep: nothing of it changes with the clusterer. */
TEST(a_view_tells_what_changed_since_the_last)
{
    struct known k;
    eddy_view view;
    eddy_error err = {0};
    known_new(&k, test_seed() + 36, 900, 400, 0);
    eddy_arena *arena = eddy_arena_new(0);
    while (k.n < 600)
        known_step(&k);
    CHECK_OK(eddy_clusterer_flush(k.cl, &err), &err);
    follow(&k);
    CHECK_OK(eddy_view_take(k.cl, EDDY_VIEW_DOUBTS, 3, arena, &view, &err), &err);
    assert_int_equal(view.n_events, k.cl->n_events);
    assert_true(view.documents == 600 && view.stream_ms == k.cl->stream_ms);
    for (size_t i = 0; i < view.n_events; i++) {
        const eddy_view_event *e = &view.events[i];
        const eddy_member *m;
        size_t n;
        assert_true(!i || e->picture.id > view.events[i - 1].picture.id);
        CHECK_OK(eddy_clusterer_members(k.cl, e->picture.id, arena, &m, &n, &err), &err);
        if (!n)
            continue;
        assert_int_equal(e->n_members, n < EDDY_SHOWN_MEMBERS ? n : EDDY_SHOWN_MEMBERS);
        assert_true(e->members[0].position == m[0].position);
        assert_true(e->members[e->n_members - 1].position == m[n - 1].position);
        assert_true(e->members[0].id.at != m[0].id.at);
    }
    CHECK_OK(eddy_view_take(k.cl, EDDY_VIEW_DOUBTS, 0, arena, &view, &err), &err);
    assert_int_equal(view.n_events + view.n_doubts, 0);
    static double seen[2000];
    size_t shown = 0, kept = 0;
    for (uint32_t e = 0; e < k.cl->slots.n; e++)
        if (k.cl->events[e].id)
            seen[k.cl->events[e].id] = k.cl->events[e].docs;
    while (k.n < 900) {
        known_step(&k);
        CHECK_OK(eddy_view_take(k.cl, 0, 0, arena, &view, &err), &err);
        size_t at = 0;
        for (uint64_t id = 1; id < k.cl->next_event; id++) {
            uint32_t e = ed_event_slot(k.cl, id);
            double docs = e == NONE ? 0 : k.cl->events[e].docs;
            if (e == NONE || (docs < seen[id] * 1.1 && docs * 1.1 > seen[id])) {
                kept += e != NONE && docs != seen[id];
                continue;
            }
            assert_true(at < view.n_events && view.events[at].picture.id == id);
            assert_true(view.events[at++].picture.size == docs);
            seen[id] = docs;
            shown++;
        }
        assert_int_equal(at, view.n_events);
    }
    assert_true(shown > 30 && kept > 30);
    eddy_arena_free(arena);
    known_free(&k);
}

static eddy_doubt doubt_of(const eddy_view *view, size_t i)
{
    return view->doubts[i].doubt;
}

TEST(a_doubt_is_shown_with_both_sides_but_without_itself)
{
    struct known k;
    eddy_view view;
    eddy_error err = {0};
    known_new(&k, test_seed() + 37, 900, 400, 0);
    eddy_arena *arena = eddy_arena_new(0);
    while (k.n < k.s.n)
        known_step(&k);
    CHECK_OK(eddy_view_take(k.cl, EDDY_VIEW_DOUBTS, 100, arena, &view, &err), &err);
    size_t places = 0;
    for (size_t i = 0; i < view.n_doubts; i++) {
        const eddy_view_doubt *d = &view.doubts[i];
        if (d->doubt.kind != EDDY_DOUBT_PLACE)
            continue;
        places++;
        assert_true(d->document.position == d->doubt.position);
        assert_true(d->sides[0].event == d->doubt.event && d->sides[1].event == d->doubt.other);
        for (size_t side = 0; side < 2; side++)
            for (size_t m = 0; m < d->sides[side].n_members; m++) {
                const eddy_member *x = &d->sides[side].members[m];
                assert_true(x->event == d->sides[side].event);
                assert_true(x->position != d->doubt.position);
                /* the median and the farthest stand behind the most central */
                assert_true(m < 1 || x->similarity <= d->sides[side].members[0].similarity);
                assert_true(m < 3 || x->similarity >= d->sides[side].members[2].similarity);
            }
    }
    assert_true(places > 2);
    /* one that stays is not asked about again */
    eddy_doubt first = doubt_of(&view, 0);
    for (size_t i = 0; first.kind != EDDY_DOUBT_PLACE; i++)
        first = doubt_of(&view, i);
    assert_int_equal(reassign(&k, first.position, first.event, first.event).refusal, EDDY_APPLIED);
    CHECK_OK(eddy_view_take(k.cl, EDDY_VIEW_DOUBTS, 100, arena, &view, &err), &err);
    for (size_t i = 0; i < view.n_doubts; i++)
        assert_true(view.doubts[i].doubt.kind != EDDY_DOUBT_PLACE ||
                    view.doubts[i].doubt.position != first.position);
    eddy_arena_free(arena);
    known_free(&k);
}

TEST(where_memory_is_lost_nothing_counts_as_seen)
{
    struct known k;
    eddy_view view;
    eddy_error err = {0};
    size_t lost = 0;
    known_new(&k, 38, 300, 100, 0);
    while (k.n < k.s.n)
        known_step(&k);
    for (size_t max = 1 << 12;; max += 997) {
        eddy_arena *arena = eddy_arena_new(max);
        eddy_status st = eddy_view_take(k.cl, EDDY_VIEW_DOUBTS, 3, arena, &view, NULL);
        eddy_arena_free(arena);
        if (st == EDDY_OK)
            break;
        assert_int_equal(st, EDDY_NOMEM);
        lost++;
    }
    EACH_ALLOC_FAILS (i) {
        eddy_arena *arena = eddy_arena_new(0);
        const eddy_term_weight *terms;
        size_t n;
        eddy_status st =
            arena ? eddy_clusterer_terms(k.cl, k.a[299].event, 5, arena, &terms, &n, NULL)
                  : EDDY_NOMEM;
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        lost += st == EDDY_NOMEM;
        eddy_arena_free(arena);
    }
    assert_true(lost > 20);
    eddy_arena *arena = eddy_arena_new(0);
    CHECK_OK(eddy_view_take(k.cl, EDDY_VIEW_DOUBTS, 3, arena, &view, &err), &err);
    assert_int_equal(view.n_events, 0); /* the one that succeeded was the last */
    eddy_arena_free(arena);
    known_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_where_and_as_alike_as_all_rows_say),
        cmocka_unit_test(a_document_is_found_by_its_id),
        cmocka_unit_test(bytes_of_floats_are_within_half_a_step),
        cmocka_unit_test(terms_are_those_of_the_ridge_equations),
        cmocka_unit_test(without_a_window_there_is_nothing_to_say),
        cmocka_unit_test(places_are_doubted_where_hardly_anything_decides),
        cmocka_unit_test(a_view_tells_what_changed_since_the_last),
        cmocka_unit_test(a_doubt_is_shown_with_both_sides_but_without_itself),
        cmocka_unit_test(where_memory_is_lost_nothing_counts_as_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
