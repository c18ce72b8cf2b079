/* Indexes from sums: the documents themselves would say the same; state and batches do not show. */
#include "engine_state.h"

#include <eddy/score.h>

struct told {
    eddy_indexes whole;
    const eddy_event_indexes *of;
    size_t n;
    eddy_arena *arena;
};

static struct told ask(const eddy_clusterer *cl)
{
    struct told t = {.arena = eddy_arena_new(0)};
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_indexes(cl, t.arena, &t.of, &t.n, &t.whole, &err), &err);
    assert_int_equal(t.whole.events, t.n);
    return t;
}

/* ---- held against documents ---- */

#define DOCS 240
#define WIDE 128

/* What became of each document, and its point: what it added to the sum of its event. */
struct known {
    size_t dim;
    double points[DOCS][WIDE];
    uint64_t event[DOCS], group[DOCS];
};

static void follow(const eddy_clusterer *cl, struct known *x, size_t n)
{
    const eddy_change *c;
    size_t m = eddy_clusterer_changes(cl, &c);
    for (size_t k = 0; k < m; k++)
        for (size_t i = 0; i < n; i++) {
            if (c[k].kind == EDDY_MERGED && x->event[i] == c[k].event)
                x->event[i] = c[k].other;
            if (c[k].kind == EDDY_MOVED && x->group[i] == c[k].group)
                x->event[i] = c[k].event;
            if (c[k].kind == EDDY_FOLDED && x->group[i] == c[k].group)
                x->group[i] = c[k].into_group;
        }
}

static void all_sums(const eddy_clusterer *cl, double *ret)
{
    memset(ret, 0, WIDE * sizeof *ret);
    for (uint32_t e = 0; e < cl->slots.n; e++)
        for (size_t d = 0; d < cl->dim && cl->events[e].id; d++)
            ret[d] += (double)ed_event_sum(cl, e)[d];
}

/* One by one: what all sums have more than before is the document, whatever repair moves. */
static void run_known(eddy_clusterer *cl, const struct stream *s, struct known *x)
{
    double before[WIDE] = {0}, now[WIDE];
    eddy_error err = {0};
    x->dim = cl->dim;
    assert_true(x->dim <= WIDE);
    for (size_t i = 0; i < DOCS; i++) {
        eddy_assignment a;
        CHECK_OK(eddy_clusterer_assign(cl, s->rows + i, 1, &a, &err), &err);
        all_sums(cl, now);
        for (size_t d = 0; d < x->dim; d++)
            x->points[i][d] = now[d] - before[d];
        memcpy(before, now, sizeof now);
        x->event[i] = a.event;
        x->group[i] = a.group;
        follow(cl, x, i + 1);
    }
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    follow(cl, x, DOCS);
}

static double square_to(const struct known *x, size_t i, const double *mean)
{
    double sum = 0;
    for (size_t d = 0; d < x->dim; d++)
        sum += (x->points[i][d] - mean[d]) * (x->points[i][d] - mean[d]);
    return sum;
}

struct plain {
    double n, mean[WIDE], inside; /* mean squared distance to the mean */
};

static struct plain plain_event(const struct known *x, uint64_t event)
{
    struct plain p = {0};
    for (size_t i = 0; i < DOCS; i++) {
        p.n += x->event[i] == event;
        for (size_t d = 0; d < x->dim && x->event[i] == event; d++)
            p.mean[d] += x->points[i][d];
    }
    for (size_t d = 0; d < x->dim; d++)
        p.mean[d] /= p.n;
    for (size_t i = 0; i < DOCS; i++)
        p.inside += x->event[i] == event ? square_to(x, i, p.mean) / p.n : 0;
    return p;
}

/* Mean squared distance of the documents of a group to a mean. */
static double plain_group(const struct known *x, uint64_t group, const double *mean)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < DOCS; i++)
        if (x->group[i] == group) {
            sum += square_to(x, i, mean);
            n++;
        }
    return sum / n;
}

/* The length of a point is 1, but for the rounding of its coordinates (POINT_STEP). */
static void alike(const char *what, double got, double want)
{
    if (!(fabs(got - want) <= 1e-4 * fmax(1, fabs(want))))
        fail_msg("%s: %.9g, by documents %.9g", what, got, want);
}

static double plain_silhouette(const struct known *x, const struct told *t, const struct plain *p,
                               size_t e)
{
    double sum = 0;
    for (size_t i = 0; i < DOCS && p[e].n > 1; i++) {
        if (x->event[i] != t->of[e].id)
            continue;
        double a = plain_group(x, x->group[i], p[e].mean), b = INFINITY;
        for (size_t f = 0; f < t->n; f++)
            b = f == e ? b : fmin(b, plain_group(x, x->group[i], p[f].mean));
        sum += (b - a) / fmax(a, b) / p[e].n;
    }
    return sum;
}

static double apart(const struct known *x, const struct plain *p, const struct plain *q)
{
    double sum = 0;
    for (size_t d = 0; d < x->dim; d++)
        sum += (p->mean[d] - q->mean[d]) * (p->mean[d] - q->mean[d]);
    return sqrt(sum);
}

static void same_as_documents(const struct known *x, const struct told *t)
{
    struct plain *p = calloc(t->n, sizeof *p);
    eddy_indexes sum = {0};
    for (size_t e = 0; e < t->n; e++)
        p[e] = plain_event(x, t->of[e].id);
    for (size_t e = 0; e < t->n; e++) {
        double nearest = INFINITY, worst = 0;
        for (size_t f = 0; f < t->n; f++) {
            double dist = f == e ? INFINITY : apart(x, &p[e], &p[f]);
            nearest = fmin(nearest, dist);
            worst = fmax(worst, (sqrt(p[e].inside) + sqrt(p[f].inside)) / dist);
        }
        double silhouette = plain_silhouette(x, t, p, e);
        alike("separation", t->of[e].separation, nearest);
        alike("davies_bouldin", t->of[e].davies_bouldin, worst);
        alike("compactness", t->of[e].compactness * t->of[e].compactness, p[e].inside);
        alike("silhouette", t->of[e].silhouette, silhouette);
        sum.documents += p[e].n;
        sum.silhouette += p[e].n * silhouette / DOCS;
        sum.separation += nearest / (double)t->n;
        sum.davies_bouldin += worst / (double)t->n;
        sum.compactness += p[e].n * p[e].inside / DOCS;
    }
    assert_true(sum.documents == DOCS && t->whole.documents == DOCS);
    alike("silhouette of all", t->whole.silhouette, sum.silhouette);
    alike("separation of all", t->whole.separation, sum.separation);
    alike("davies_bouldin of all", t->whole.davies_bouldin, sum.davies_bouldin);
    alike("compactness of all", t->whole.compactness, sqrt(sum.compactness));
    free(p);
}

TEST(sums_say_what_the_documents_would)
{
    static struct known x;
    static float rows[DOCS * WIDE];
    uint64_t seed = test_seed();
    for (uint64_t round = 0; round < 3; round++) {
        struct stream s = stream_make(seed + 31 * round, DOCS, 10, 1.0 + 0.3 * (double)round);
        eddy_engine_options o = stream_options();
        o.neighbours = 200;
        o.detail = 3;
        eddy_clusterer *cl = clusterer_new(&o);
        run_known(cl, &s, &x);
        struct told t = ask(cl);
        assert_true(t.n > 3 && t.n < 200 && cl->n_groups > t.n);
        same_as_documents(&x, &t);

        for (size_t i = 0; i < DOCS; i++)
            for (size_t d = 0; d < x.dim; d++)
                rows[i * x.dim + d] = (float)x.points[i][d];
        eddy_internal_scores by_rows;
        CHECK_OK(eddy_score_internal(rows, DOCS, x.dim, x.event, &by_rows, NULL), &(eddy_error){0});
        assert_int_equal(by_rows.clusters, t.n);
        alike("calinski_harabasz", t.whole.calinski_harabasz, by_rows.calinski_harabasz);
        printf("%zu events, %u groups: silhouette %.3f (per document, not squared %.3f), "
               "Davies-Bouldin %.3f (q = 1: %.3f), Calinski-Harabasz %.3f\n",
               t.n, cl->n_groups, t.whole.silhouette, by_rows.silhouette, t.whole.davies_bouldin,
               by_rows.davies_bouldin, t.whole.calinski_harabasz);
        eddy_arena_free(t.arena);
        eddy_clusterer_free(cl);
        stream_free(&s);
    }
}

/* Where there are more events than neighbours, and some lists are gone by half. */
TEST(neighbours_say_nearly_what_all_events_would)
{
    enum { MANY = 3000 };
    struct stream s = stream_make(test_seed(), MANY, 200, 1.0);
    eddy_engine_options o = stream_options();
    eddy_assignment *a = calloc(MANY, sizeof *a);
    eddy_error err = {0};
    eddy_clusterer *cl = clusterer_new(&o);
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, MANY, a, &err), &err);
    struct told some = ask(cl);
    for (uint32_t e = 0; e < cl->slots.n; e++)
        cl->events[e].n_near = e % 2 ? cl->events[e].n_near : 3;
    struct told fresh = ask(cl);
    cl->o.neighbours = 4096;
    struct told all = ask(cl);
    cl->o.neighbours = o.neighbours ? o.neighbours : 16;
    printf("%zu events: silhouette %.4f, %.4f, by all %.4f; Davies-Bouldin %.4f, %.4f, by all "
           "%.4f\n",
           all.n, some.whole.silhouette, fresh.whole.silhouette, all.whole.silhouette,
           some.whole.davies_bouldin, fresh.whole.davies_bouldin, all.whole.davies_bouldin);
    assert_true(all.n > 100);
    for (const struct told *t = &some; t; t = t == &some ? &fresh : NULL) {
        assert_true(fabs(t->whole.silhouette - all.whole.silhouette) < 0.02);
        assert_true(t->whole.davies_bouldin <= all.whole.davies_bouldin);
        assert_true(t->whole.davies_bouldin > 0.85 * all.whole.davies_bouldin);
        assert_true(t->whole.separation >= all.whole.separation);
        assert_true(t->whole.calinski_harabasz == all.whole.calinski_harabasz);
    }
    eddy_arena_free(some.arena);
    eddy_arena_free(fresh.arena);
    eddy_arena_free(all.arena);
    eddy_clusterer_free(cl);
    free(a);
    stream_free(&s);
}

/* ---- drift ---- */

/* One event whose documents turn from one direction to another as time goes on, or do not: then
 * they have the same directions in a random order. */
static double drift_of(int turning, double hours, uint64_t seed)
{
    enum { MANY = 400 };
    struct stream s = stream_make(seed, MANY, 1, 0.5);
    eddy_engine_options o = stream_options();
    o.threshold = -0.9;
    for (size_t i = 0; i < MANY; i++) {
        double angle = (turning ? (double)i : (double)(test_random(&seed) % MANY)) / MANY * 1.5;
        float *x = s.vectors + i * STREAM_DIM;
        for (size_t d = 0; d < STREAM_DIM; d++)
            x[d] *= 0.3F;
        x[0] += (float)cos(angle);
        x[1] += (float)sin(angle);
        s.rows[i].n_terms = 0;
        s.rows[i].time_ms = (int64_t)((double)i * hours / MANY * 3600000);
    }
    eddy_assignment a[MANY];
    eddy_error err = {0};
    eddy_clusterer *cl = clusterer_new(&o);
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, MANY, a, &err), &err);
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    struct told t = ask(cl);
    assert_int_equal(t.n, 1);
    double ret = t.of[0].drift;
    assert_true(t.whole.drift == ret);
    assert_true(isnan(t.of[0].silhouette) && isnan(t.whole.calinski_harabasz));
    assert_true(t.of[0].nearest == 0);
    eddy_arena_free(t.arena);
    eddy_clusterer_free(cl);
    stream_free(&s);
    return ret;
}

TEST(an_event_that_turns_drifts_and_one_that_is_broad_does_not)
{
    uint64_t seed = test_seed();
    double turns = drift_of(1, 4, seed), slowly = drift_of(1, 40, seed),
           stays = drift_of(0, 4, seed);
    printf("an hour: turning %.4f, ten times as slowly %.5f, not turning %.4f\n", turns, slowly,
           stays);
    assert_true(turns > 0.1 && turns < 1);
    assert_true(fabs(turns - 10 * slowly) < 1e-6);
    assert_true(stays < turns / 5);
}

/* Eight documents of no direction differ by nothing but chance, and so do their groups. */
TEST(chance_is_no_drift)
{
    enum { ROUNDS = 200, FEW = 8 };
    uint64_t seed = test_seed();
    size_t still = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct stream s = stream_make(seed + 1000 * round, FEW, 1, 1.2);
        eddy_engine_options o = stream_options();
        eddy_assignment a[FEW];
        eddy_error err = {0};
        o.threshold = -0.9;
        for (size_t i = 0; i < FEW; i++) {
            s.rows[i].n_terms = 0;
            s.rows[i].time_ms = (int64_t)i * 3600000;
        }
        eddy_clusterer *cl = clusterer_new(&o);
        CHECK_OK(eddy_clusterer_assign(cl, s.rows, FEW, a, &err), &err);
        struct told t = ask(cl);
        still += t.n == 1 && cl->n_groups > 1 && t.of[0].drift == 0;
        eddy_arena_free(t.arena);
        eddy_clusterer_free(cl);
        stream_free(&s);
    }
    printf("%zu of %d do not drift\n", still, ROUNDS);
    assert_true(still > ROUNDS / 4);
}

/* ---- the same state, the same indexes ---- */

static void same_told(const eddy_clusterer *a, const eddy_clusterer *b)
{
    struct told x = ask(a), y = ask(b);
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.of, y.of, x.n * sizeof *x.of);
    assert_memory_equal(&x.whole, &y.whole, sizeof x.whole);
    for (size_t e = 0; e < x.n; e++) {
        assert_true(e == 0 || x.of[e].id > x.of[e - 1].id);
        assert_true(x.of[e].silhouette >= -1 && x.of[e].silhouette <= 1);
        assert_true(x.of[e].compactness >= 0 && x.of[e].compactness <= 1);
        assert_true(x.of[e].separation >= 0 && x.of[e].separation <= 2.001);
        assert_true(x.of[e].davies_bouldin >= 0 && x.of[e].drift >= 0);
    }
    eddy_arena_free(x.arena);
    eddy_arena_free(y.arena);
}

/* All variance is that between and that within events: of points of length 1, and of weights that
 * fall, it is n - |S|^2 / n, a document of now weighing 1. */
static void variance_is_kept(const eddy_clusterer *cl)
{
    struct told t = ask(cl);
    double sum[WIDE] = {0}, n = 0, inside = 0, square = 0;
    for (size_t e = 0; e < t.n; e++) {
        uint32_t slot = (uint32_t)*ed_table_find(&cl->slot_of, t.of[e].id);
        double weight = cl->events[slot].weight / cl->weight_now;
        n += weight;
        inside += weight * t.of[e].compactness * t.of[e].compactness;
        for (size_t d = 0; d < cl->dim; d++)
            sum[d] += (double)ed_event_sum(cl, slot)[d] / cl->weight_now;
    }
    for (size_t d = 0; d < cl->dim; d++)
        square += sum[d] * sum[d];
    double between = n - square / n - inside, k = (double)t.n;
    if (n > k)
        alike("calinski_harabasz", t.whole.calinski_harabasz,
              between / (k - 1) / (inside / (n - k)));
    else
        assert_true(isnan(t.whole.calinski_harabasz));
    eddy_arena_free(t.arena);
}

TEST(batches_questions_and_a_restart_do_not_show)
{
    enum { MANY = 1500 };
    uint64_t seed = test_seed();
    for (int shape = 0; shape < SHAPES; shape++) {
        struct shape x;
        struct kept kept = {0};
        shape_make(&x, shape, seed + (uint64_t)shape, MANY);
        eddy_clusterer *whole = clusterer_new(&x.o), *cut = clusterer_new(&x.o);
        eddy_assignment *a = calloc(MANY, sizeof *a);
        eddy_error err = {0};
        CHECK_OK(eddy_clusterer_assign(whole, x.s.rows, MANY, a, &err), &err);
        for (size_t i = 0, m; i < MANY; i += m) {
            m = 1 + (size_t)(test_random(&seed) % 200);
            m = m < MANY - i ? m : MANY - i;
            CHECK_OK(eddy_clusterer_assign(cut, x.s.rows + i, m, a, &err), &err);
            struct told t = ask(cut);
            eddy_arena_free(t.arena);
        }
        same_told(whole, cut);
        variance_is_kept(whole);
        record(whole, &kept, NULL);
        record(cut, &kept, NULL);
        assert_true(eddy_clusterer_hash(whole) == eddy_clusterer_hash(cut));
        eddy_clusterer *twin = kept_load(&kept, &x.o, seed);
        same_told(whole, twin);
        eddy_clusterer_free(whole);
        eddy_clusterer_free(cut);
        eddy_clusterer_free(twin);
        kept_clear(&kept);
        free(a);
        stream_free(&x.s);
    }
}

/* ---- edges ---- */

TEST(of_nothing_there_is_nothing_to_say)
{
    eddy_engine_options o = stream_options();
    eddy_clusterer *cl = clusterer_new(&o);
    struct told t = ask(cl);
    assert_int_equal(t.n, 0);
    assert_true(t.whole.documents == 0 && isnan(t.whole.silhouette) && isnan(t.whole.drift) &&
                isnan(t.whole.calinski_harabasz) && isnan(t.whole.compactness));
    eddy_arena_free(t.arena);
    eddy_clusterer_free(cl);
}

TEST(a_clusterer_that_is_being_loaded_is_not_asked)
{
    enum { MANY = 300 };
    struct stream s = stream_make(1, MANY, 20, 1);
    eddy_engine_options o = stream_options();
    eddy_assignment a[MANY];
    eddy_error err = {0};
    const eddy_record *r;
    size_t n;
    eddy_clusterer *cl = clusterer_new(&o), *other = clusterer_new(&o);
    eddy_arena *arena = eddy_arena_new(0);
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, MANY, a, &err), &err);
    CHECK_OK(eddy_clusterer_records(cl, arena, &r, &n, &err), &err);
    CHECK_OK(eddy_clusterer_load(other, r, &err), &err);
    eddy_indexes whole = {.events = 77};
    assert_int_equal(eddy_clusterer_indexes(other, arena, NULL, NULL, &whole, &err), EDDY_INVALID);
    assert_int_equal(whole.events, 77);
    eddy_arena_free(arena);

    EACH_ALLOC_FAILS (k) {
        arena = eddy_arena_new(0);
        whole.events = 77;
        eddy_status st =
            arena ? eddy_clusterer_indexes(cl, arena, NULL, NULL, &whole, NULL) : EDDY_NOMEM;
        assert_true(st == EDDY_OK ? whole.events != 77 : st == EDDY_NOMEM && whole.events == 77);
        eddy_arena_free(arena);
    }
    for (size_t room = 1; room < 65536; room *= 4) { /* and at the ceiling of an arena */
        arena = eddy_arena_new(room);
        whole.events = 77;
        eddy_status st = eddy_clusterer_indexes(cl, arena, NULL, NULL, &whole, NULL);
        assert_true(st == EDDY_OK ? whole.events != 77 : st == EDDY_NOMEM && whole.events == 77);
        eddy_arena_free(arena);
    }
    eddy_clusterer_free(cl);
    eddy_clusterer_free(other);
    stream_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_say_what_the_documents_would),
        cmocka_unit_test(neighbours_say_nearly_what_all_events_would),
        cmocka_unit_test(an_event_that_turns_drifts_and_one_that_is_broad_does_not),
        cmocka_unit_test(chance_is_no_drift),
        cmocka_unit_test(batches_questions_and_a_restart_do_not_show),
        cmocka_unit_test(of_nothing_there_is_nothing_to_say),
        cmocka_unit_test(a_clusterer_that_is_being_loaded_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
