/* What was delivered twice is left out, and is as if it had come once. */
#include "engine_state.h"

/* ---- a plain twin ---- */

/* What was taken, and which of it is known: nothing before `first`, and the last `window`. */
struct twin {
    uint64_t *taken; /* (n) */
    size_t n, first, window;
    size_t position;
};

static int expected(const struct twin *t, uint64_t same)
{
    size_t from = t->n > t->window ? t->n - t->window : 0;
    for (size_t i = from > t->first ? from : t->first; i < t->n; i++)
        if (same && t->taken[i] == same)
            return 1;
    return 0;
}

/* A stream in which every third document came before, some of them long ago. */
static struct stream repeating(size_t n, uint64_t seed)
{
    struct stream s = stream_make(seed, n, 20, 1.0);
    for (size_t i = 0; i < n; i++) {
        uint64_t dice = test_random(&seed);
        s.rows[i].same = i + 1;
        if (i && dice % 3 == 0)
            s.rows[i].same = s.rows[i - 1 - dice / 3 % (i < 700 ? i : 700)].same;
        if (dice % 11 == 0)
            s.rows[i].same = 0;
    }
    return s;
}

/* cl takes rows from..to of s as the twin expects it. */
static void goes_as_expected(eddy_clusterer *cl, const struct stream *s, size_t from, size_t to,
                             struct twin *t)
{
    eddy_assignment a[37];
    eddy_error err = {0};
    for (size_t i = from, m; i < to; i += m) {
        m = to - i < 37 ? to - i : 37;
        CHECK_OK(eddy_clusterer_assign(cl, s->rows + i, m, a, &err), &err);
        for (size_t j = 0; j < m; j++) {
            uint64_t same = s->rows[i + j].same;
            assert_int_equal(a[j].duplicate, expected(t, same));
            assert_int_equal(!a[j].event, a[j].duplicate);
            assert_int_equal(a[j].position, a[j].duplicate ? 0 : t->position);
            t->position += !a[j].duplicate;
            if (same && !a[j].duplicate)
                t->taken[t->n++] = same;
        }
    }
}

TEST(the_window_is_that_of_the_last_documents_that_were_taken)
{
    const uint32_t windows[] = {1, 100, 128, 129, 500, 65536};
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        struct stream s = repeating(2000, 7);
        eddy_engine_options o = stream_options();
        o.duplicates_window = windows[w];
        eddy_clusterer *cl = clusterer_new(&o);
        struct twin t = {.taken = calloc(s.n, sizeof *t.taken), .window = windows[w]};
        goes_as_expected(cl, &s, 0, s.n, &t);
        eddy_engine_stats st;
        eddy_clusterer_stats(cl, &st);
        assert_int_equal(st.documents, t.position);
        assert_int_equal(st.duplicates, s.n - t.position);
        assert_true(st.duplicates > (windows[w] > 1 ? 50 : 0));
        size_t kept = t.n < windows[w] ? t.n : windows[w];
        assert_int_equal(st.duplicates_left, t.n - kept);
        eddy_clusterer_free(cl);
        free(t.taken);
        stream_free(&s);
    }
}

/* ---- as if it had come once ---- */

TEST(the_state_is_that_of_the_clean_stream)
{
    struct stream s = repeating(1500, 11);
    eddy_engine_options o = stream_options();
    eddy_clusterer *cl = clusterer_new(&o);
    eddy_clusterer *clean = clusterer_new(&o);
    struct kept kept = {0}, kept_clean = {0};
    eddy_error err = {0};
    eddy_assignment a[50], b;
    for (size_t i = 0; i < s.n; i += 50) {
        CHECK_OK(eddy_clusterer_assign(cl, s.rows + i, 50, a, &err), &err);
        for (size_t j = 0; j < 50; j++) {
            if (a[j].duplicate)
                continue;
            CHECK_OK(eddy_clusterer_assign(clean, s.rows + i + j, 1, &b, &err), &err);
            assert_memory_equal(&a[j], &b, sizeof b);
        }
        record(cl, &kept, NULL);
        record(clean, &kept_clean, NULL);
        assert_true(eddy_clusterer_hash(cl) == eddy_clusterer_hash(clean));
    }
    kept_clear(&kept);
    kept_clear(&kept_clean);
    eddy_clusterer_free(cl);
    eddy_clusterer_free(clean);
    stream_free(&s);
}

TEST(without_a_window_each_counts_and_nothing_is_kept)
{
    struct stream s = repeating(500, 13);
    eddy_engine_options o = stream_options();
    o.duplicates_window = 0;
    eddy_clusterer *cl = clusterer_new(&o);
    struct kept kept = {0};
    eddy_error err = {0};
    eddy_assignment *a = calloc(s.n, sizeof *a);
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, s.n, a, &err), &err);
    for (size_t i = 0; i < s.n; i++)
        assert_int_equal(a[i].position, i);
    record(cl, &kept, NULL);
    for (size_t i = 0; i < kept.at.room; i++)
        assert_true(kept.at.keys[i] >> ED_NUMBER_BITS != ED_RECENT);
    free(a);
    kept_clear(&kept);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

/* ---- records ---- */

static size_t pages_of(const struct kept *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->at.room; i++)
        n += k->at.keys[i] >> ED_NUMBER_BITS == ED_RECENT;
    return n;
}

/* The window is set anew between two lives: what is there of the last documents counts. Whole pages
 * are there, so a wider window finds a few more than the narrow one before it looked at. */
TEST(another_window_takes_up_what_is_there)
{
    const uint32_t windows[] = {300, 50, 1000, 400, 0};
    struct stream s = repeating(5000, 17);
    struct twin t = {.taken = calloc(s.n, sizeof *t.taken)};
    struct kept kept = {0};
    for (size_t life = 0; life < 5; life++) {
        eddy_engine_options o = stream_options();
        o.duplicates_window = windows[life];
        t.window = windows[life];
        eddy_clusterer *cl = kept_load(&kept, &o, life);
        for (size_t i = 1000 * life; i < 1000 * (life + 1); i += 100) {
            goes_as_expected(cl, &s, i, i + 100, &t);
            record(cl, &kept, NULL);
            assert_true(pages_of(&kept) <= (t.window ? t.window / RECENT_PAGE + 2 : 0));
        }
        size_t first = t.n > t.window ? (t.n - t.window) / RECENT_PAGE * RECENT_PAGE : 0;
        t.first = first > t.first ? first : t.first;
        eddy_clusterer_free(cl);
    }
    free(t.taken);
    kept_clear(&kept);
    stream_free(&s);
}

TEST(a_window_survives_any_lost_allocation)
{
    struct stream s = repeating(400, 19);
    eddy_engine_options o = stream_options();
    eddy_assignment *a = calloc(s.n, sizeof *a);
    size_t lost = 0;
    EACH_ALLOC_FAILS (k) {
        eddy_clusterer *cl = NULL;
        eddy_status st = eddy_clusterer_new(&o, &cl, NULL);
        if (st == EDDY_OK)
            st = eddy_clusterer_assign(cl, s.rows, s.n, a, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        lost += st == EDDY_NOMEM;
        eddy_clusterer_free(cl);
    }
    assert_true(lost > 50);
    free(a);
    stream_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_is_that_of_the_last_documents_that_were_taken),
        cmocka_unit_test(the_state_is_that_of_the_clean_stream),
        cmocka_unit_test(without_a_window_each_counts_and_nothing_is_kept),
        cmocka_unit_test(another_window_takes_up_what_is_there),
        cmocka_unit_test(a_window_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
