/* The engine as its callers see it: the same answers whatever the batches, honest lineage, bounded
 * memory, clear refusals. */
#include "engine_support.h"

/* What one run told. The order between the three is the caller's business. */
struct told {
    struct ed_bytes answers, changes, pictures;
};

/* Run the stream in batches of a fixed size, or of random sizes. */
static void run(const struct stream *s, const eddy_engine_options *o, size_t fixed, uint64_t seed,
                struct told *told)
{
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(o, &cl, &err), &err);
    eddy_assignment *a = calloc(s->n, sizeof *a);
    for (size_t i = 0; i < s->n;) {
        size_t m = fixed ? fixed : 1 + (size_t)(test_random(&seed) % 90);
        m = m < s->n - i ? m : s->n - i;
        CHECK_OK(eddy_clusterer_assign(cl, s->rows + i, m, a + i, &err), &err);
        tell_answers(&told->answers, a + i, m);
        tell_changes(&told->changes, cl);
        tell_pictures(&told->pictures, cl);
        i += m;
    }
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    tell_changes(&told->changes, cl);
    tell_pictures(&told->pictures, cl);
    free(a);
    eddy_clusterer_free(cl);
}

static void same_whatever_the_batches(const eddy_engine_options *o, uint64_t seed)
{
    struct stream s = stream_make(seed, 1500, 40, 1.2);
    struct told told[5];
    size_t fixed[5] = {1, 7, 64, 1500, 0};
    for (size_t i = 0; i < 5; i++) {
        ed_bytes_init(&told[i].answers, 0);
        ed_bytes_init(&told[i].changes, 0);
        ed_bytes_init(&told[i].pictures, 0);
        run(&s, o, fixed[i], seed, &told[i]);
        assert_true(told[i].answers.n > 10000 && told[i].changes.n > 5000);
        assert_string_equal(told[i].answers.at, told[0].answers.at);
        assert_string_equal(told[i].changes.at, told[0].changes.at);
        assert_string_equal(told[i].pictures.at, told[0].pictures.at);
    }
    for (size_t i = 0; i < 5; i++) {
        ed_bytes_clear(&told[i].answers);
        ed_bytes_clear(&told[i].changes);
        ed_bytes_clear(&told[i].pictures);
    }
    stream_free(&s);
}

TEST(results_do_not_depend_on_batches)
{
    eddy_engine_options o = stream_options();
    same_whatever_the_batches(&o, test_seed());
}

TEST(results_do_not_depend_on_batches_with_every_option_on)
{
    eddy_engine_options o = stream_options();
    o.half_life_ms = 200000;
    o.idle_penalty = 0.1;
    o.idle_half_ms = 60000;
    o.fade_ms = 300000;
    o.events_max = 48;
    o.repair_every = 100;
    o.detail = 3;
    same_whatever_the_batches(&o, test_seed() + 1);
}

TEST(well_separated_events_are_found)
{
    struct stream s = stream_make(test_seed(), 2000, 25, 0.8);
    eddy_engine_options o = stream_options();
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    eddy_assignment *a = calloc(s.n, sizeof *a);
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, s.n, a, &err), &err);
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    assert_in_range(st.events_active, 25, 27);
    assert_int_equal(st.documents, 2000);
    free(a);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

/* Follow assignments and changes as a consumer would, and compare with what the engine says. */
TEST(lineage_accounts_for_every_document)
{
    struct stream s = stream_make(test_seed() + 2, 3000, 60, 1.5);
    eddy_engine_options o = stream_options();
    o.detail = 4;
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    eddy_assignment *a = calloc(s.n, sizeof *a);
    uint64_t *event_of = calloc(20000, sizeof *event_of);   /* group -> event */
    uint64_t *folded_to = calloc(20000, sizeof *folded_to); /* group -> group */
    uint64_t *merged_to = calloc(20000, sizeof *merged_to); /* event -> event */
    uint64_t kinds[EDDY_FADED + 1] = {0};
    for (size_t i = 0; i <= s.n; i += 50) {
        if (i < s.n)
            CHECK_OK(eddy_clusterer_assign(cl, s.rows + i, 50, a + i, &err), &err);
        else
            CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
        for (size_t k = i; k < i + 50 && k < s.n; k++)
            if (!event_of[a[k].group])
                event_of[a[k].group] = a[k].event;
        const eddy_change *c;
        size_t n = eddy_clusterer_changes(cl, &c);
        for (size_t k = 0; k < n; k++) {
            kinds[c[k].kind]++;
            if (c[k].kind == EDDY_MOVED) {
                uint64_t at = event_of[c[k].group];
                while (merged_to[at])
                    at = merged_to[at];
                assert_int_equal(at, c[k].other);
                event_of[c[k].group] = c[k].event;
            } else if (c[k].kind == EDDY_MERGED) {
                assert_int_equal(merged_to[c[k].event], 0);
                merged_to[c[k].event] = c[k].other;
            } else if (c[k].kind == EDDY_FOLDED) {
                folded_to[c[k].group] = c[k].into_group;
            }
        }
    }
    assert_true(kinds[EDDY_MERGED] && kinds[EDDY_MOVED] && kinds[EDDY_SPLIT] && kinds[EDDY_FOLDED]);
    double *size = calloc(20000, sizeof *size);
    for (size_t i = 0; i < s.n; i++) {
        uint64_t g = a[i].group;
        while (folded_to[g])
            g = folded_to[g];
        uint64_t e = event_of[g];
        while (merged_to[e])
            e = merged_to[e];
        size[e]++;
    }
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *ids;
    size_t n_ids;
    CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n_ids, &err), &err);
    double sum = 0;
    for (size_t i = 0; i < n_ids; i++) {
        eddy_event picture;
        CHECK_OK(eddy_clusterer_event(cl, ids[i], arena, &picture, &err), &err);
        assert_true(picture.size == size[ids[i]]);
        sum += picture.size;
    }
    assert_true(sum == (double)s.n); /* mass is kept by every merge, split, move and fold */
    eddy_arena_free(arena);
    free(size);
    free(a);
    free(event_of);
    free(folded_to);
    free(merged_to);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(ceilings_hold_and_are_counted)
{
    struct stream s = stream_make(test_seed() + 3, 4000, 1000, 1.0);
    eddy_engine_options o = stream_options();
    o.events_max = 64;
    o.words_max = 1024;
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    eddy_assignment *a = calloc(s.n, sizeof *a);
    eddy_engine_stats st;
    for (size_t i = 0; i < s.n; i += 100) {
        CHECK_OK(eddy_clusterer_assign(cl, s.rows + i, 100, a + i, &err), &err);
        eddy_clusterer_stats(cl, &st);
        assert_true(st.events_active <= 64);
    }
    assert_true(st.events_max_hits > 0 && st.faded >= st.events_max_hits);
    assert_true(st.words_dropped > 0);
    free(a);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(idle_events_fade_with_their_last_picture)
{
    struct stream s = stream_make(test_seed() + 4, 200, 4, 0.5);
    eddy_engine_options o = stream_options();
    o.fade_ms = 1000000;
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    eddy_assignment a[200];
    for (size_t i = 100; i < 200; i++)
        s.rows[i].time_ms += 100000000; /* a long silence */
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, 100, a, &err), &err);
    CHECK_OK(eddy_clusterer_assign(cl, s.rows + 100, 100, a + 100, &err), &err);
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    eddy_row last = s.rows[199];
    last.time_ms += 100000000;
    eddy_assignment one;
    CHECK_OK(eddy_clusterer_assign(cl, &last, 1, &one, &err), &err);
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    const eddy_change *c;
    const eddy_event *p;
    size_t n_changes = eddy_clusterer_changes(cl, &c);
    size_t n_pictures = eddy_clusterer_pictures(cl, &p);
    size_t faded = 0;
    for (size_t i = 0; i < n_changes; i++) {
        if (c[i].kind != EDDY_FADED)
            continue;
        size_t seen = 0;
        for (size_t k = 0; k < n_pictures; k++)
            seen += p[k].id == c[i].event && p[k].state == EDDY_STATE_FADED && p[k].size > 0;
        assert_int_equal(seen, 1);
        faded++;
    }
    assert_true(faded >= 2); /* all but the event of the one document after the second silence */
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    assert_int_equal(st.events_active, 1);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(an_event_that_resumes_a_faded_one_names_it)
{
    struct stream s = stream_make(test_seed() + 6, 400, 5, 0.5);
    eddy_engine_options o = stream_options();
    o.fade_ms = 1000000;
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    eddy_assignment a[400];
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, 200, a, &err), &err);
    for (size_t i = 200; i < 400; i++)
        s.rows[i].time_ms += 100000000;
    eddy_row other = s.rows[200];
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    CHECK_OK(eddy_clusterer_assign(cl, &other, 1, a + 200, &err), &err);
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err); /* the other four fade here */
    CHECK_OK(eddy_clusterer_assign(cl, s.rows + 201, 199, a + 201, &err), &err);
    eddy_arena *arena = eddy_arena_new(0);
    size_t resumed = 0;
    for (size_t i = 201; i < 400; i++) {
        eddy_event picture;
        if (!a[i].founded || eddy_clusterer_event(cl, a[i].event, arena, &picture, NULL))
            continue;
        for (size_t k = 0; k < 200; k++)
            if (picture.parent && a[k].event == picture.parent) {
                assert_int_equal(s.gold[k], s.gold[i]);
                resumed++;
                break;
            }
    }
    assert_int_equal(resumed, 4);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

/* What a hostile or careless producer may do to the numbers inside. */
TEST(no_gap_in_time_and_no_length_of_vector_breaks_the_sums)
{
    struct stream s = stream_make(test_seed() + 7, 1200, 10, 0.6);
    eddy_engine_options o = stream_options();
    o.half_life_ms = 600000;
    for (size_t i = 0; i < s.n; i++) {
        if (i >= 400) /* 3,000 half-lives, and again */
            s.rows[i].time_ms += (i >= 800 ? 2 : 1) * INT64_C(1800000000);
        float *x = s.vectors + i * STREAM_DIM;
        float length = i % 7 == 0 ? 1e20f : i % 5 == 0 ? 1e-20f : 1;
        for (size_t d = 0; d < STREAM_DIM; d++)
            x[d] *= length;
    }
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    eddy_assignment *a = calloc(s.n, sizeof *a);
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < s.n; i += 100) {
        CHECK_OK(eddy_clusterer_assign(cl, s.rows + i, 100, a + i, &err), &err);
        const uint64_t *ids;
        size_t n;
        CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n, &err), &err);
        assert_in_range(n, 8, 30);
        for (size_t k = 0; k < n; k++) {
            eddy_event picture;
            CHECK_OK(eddy_clusterer_event(cl, ids[k], arena, &picture, &err), &err);
            assert_true(isfinite(picture.cohesion) && isfinite(picture.weight));
        }
    }
    for (size_t i = 0; i < s.n; i++)
        assert_true(isfinite(a[i].similarity) && fabsf(a[i].similarity) < 1.0001f);
    eddy_arena_free(arena);
    free(a);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

/* Twelve million alike: float sums would stand still at sixteen. Sanitizers find in as many calls
 * as reach every branch what they find in more. */
TEST(an_event_of_millions_of_documents_still_takes_more)
{
    struct stream s = stream_make(test_seed() + 8, 256, 1, 0.3);
    eddy_engine_options o = stream_options();
    o.dense_dim = 16;
    o.terms_dim = 16;
    o.repair_every = 100000;
    o.threshold = 0.3;
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    eddy_assignment a[256];
    for (size_t i = 0; i < 256; i++) {
        s.rows[i].n_terms = 1; /* all the same word, the vectors apart */
        s.rows[i].terms = s.terms;
    }
    float first = 0;
    size_t many = TEST_SANITIZED ? 200000 : 12000000;
    for (size_t i = 0; i < many; i += 256) {
        CHECK_OK(eddy_clusterer_assign(cl, s.rows, 256, a, &err), &err);
        if (i / 256 == 400)
            first = a[255].similarity;
    }
    assert_true(a[255].event == 1 && fabsf(a[255].similarity - first) < 0.01f);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(either_of_the_views_may_be_left_out)
{
    struct stream s = stream_make(test_seed() + 9, 600, 8, 0.6);
    for (int words = 0; words < 2; words++) {
        eddy_engine_options o = stream_options();
        o.terms_dim = words ? 512 : 0;
        o.dense_dim = words ? 0 : STREAM_DIM;
        eddy_clusterer *cl = NULL;
        eddy_error err = {0};
        CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
        eddy_assignment a[600];
        CHECK_OK(eddy_clusterer_assign(cl, s.rows, 600, a, &err), &err);
        size_t right = 0;
        for (size_t i = 500; i < 599; i++)
            for (size_t j = i + 1; j < 600; j++)
                right += (a[i].event == a[j].event) == (s.gold[i] == s.gold[j]);
        printf("%s: %zu of 4950 pairs\n", words ? "words" : "vectors", right);
        assert_true(right > 4950 * 8 / 10);
        eddy_clusterer_free(cl);
    }
    stream_free(&s);
}

TEST(bad_rows_are_refused_and_change_nothing)
{
    struct stream s = stream_make(1, 10, 2, 0.5);
    eddy_engine_options o = stream_options();
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    eddy_assignment a[10];
    float bad[STREAM_DIM] = {0};
    eddy_row row = s.rows[3];
    row.dense = bad;
    assert_int_equal(eddy_clusterer_assign(cl, &row, 1, a, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "row 0"));
    bad[2] = NAN;
    assert_int_equal(eddy_clusterer_assign(cl, &row, 1, a, NULL), EDDY_INVALID);
    row.dense = NULL;
    row.n_terms = 0;
    assert_int_equal(eddy_clusterer_assign(cl, &row, 1, a, NULL), EDDY_INVALID);
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    assert_int_equal(st.documents, 0);
    row.n_terms = STREAM_WORDS; /* words alone are enough */
    CHECK_OK(eddy_clusterer_assign(cl, &row, 1, a, NULL), &err);
    row.dense = s.rows[3].dense; /* and so is a vector alone */
    row.n_terms = 0;
    CHECK_OK(eddy_clusterer_assign(cl, &row, 1, a, NULL), &err);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(options_out_of_range_are_named)
{
    eddy_clusterer *cl = NULL;
    eddy_engine_options o = stream_options();
    o.dense_weight = 1.5;
    eddy_error err = {0};
    assert_int_equal(eddy_clusterer_new(&o, &cl, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "dense_weight"));
    assert_null(cl);
    o = stream_options();
    o.n_extra = 1;
    o.extra_dim[0] = 8;
    o.extra_weight[0] = 1;
    memset(&err, 0, sizeof err);
    assert_int_equal(eddy_clusterer_new(&o, &cl, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "extra"));
}

TEST(an_extra_view_tells_apart_what_words_and_text_do_not)
{
    struct stream s = stream_make(test_seed() + 5, 600, 6, 0.6);
    float image[2][8] = {{1, 0, 0.2f, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 1, 0.1f, 0, 0}};
    eddy_engine_options o = stream_options();
    for (size_t extra = 0; extra < 2; extra++) {
        o.n_extra = extra;
        o.extra_dim[0] = 8;
        o.extra_weight[0] = 0.5;
        eddy_clusterer *cl = NULL;
        eddy_error err = {0};
        CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
        eddy_assignment a[600];
        for (size_t i = 0; i < 600; i++)
            s.rows[i].extra[0] = image[i % 2];
        CHECK_OK(eddy_clusterer_assign(cl, s.rows, 600, a, &err), &err);
        size_t pairs = 0;
        size_t together = 0;
        for (size_t i = 500; i < 600; i++)
            for (size_t j = i + 1; j < 600; j++)
                if (s.gold[i] == s.gold[j] && i % 2 != j % 2) {
                    pairs++;
                    together += a[i].event == a[j].event;
                }
        assert_true(extra ? together * 10 < pairs : together * 10 > pairs * 9);
        eddy_clusterer_free(cl);
    }
    stream_free(&s);
}

/* The same documents in two kinds: two of each event, whatever arrival, repair and others think. */
TEST(documents_of_different_kinds_share_no_event)
{
    struct stream s = stream_make(31, 1200, 12, 0.5);
    eddy_engine_options o = stream_options();
    eddy_clusterer *cl;
    eddy_error err = {0};
    eddy_assignment *a = calloc(1200, sizeof *a);
    CHECK_OK(eddy_clusterer_new(&o, &cl, &err), &err);
    for (size_t i = 0; i < 1200; i++)
        s.rows[i].kind = i % 2 ? UINT64_MAX - s.gold[i] % 2 : 0;
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, 1200, a, &err), &err);
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    uint64_t kinds[64] = {0}, events[64] = {0};
    size_t n = 0;
    for (size_t i = 0; i < 1200; i++) {
        uint64_t now = eddy_clusterer_group_event(cl, a[i].group, NULL);
        size_t k = 0;
        while (k < n && events[k] != now)
            k++;
        assert_true(k < 64 && now);
        if (k == n) {
            events[n] = now;
            kinds[n++] = s.rows[i].kind;
        }
        assert_true(kinds[k] == s.rows[i].kind);
    }
    assert_true(n >= 24);

    /* Two events of the same documents: nobody but a person makes one of them. */
    size_t x = 0, y = 0;
    for (size_t i = 0; i < 1200; i++)
        if (s.gold[i] == s.gold[0] && s.rows[i].kind != s.rows[0].kind)
            y = i;
    eddy_operation op = {.kind = EDDY_OPERATION_MERGE, .actor = EDDY_LLM};
    eddy_arena *arena = eddy_arena_new(0);
    eddy_event event;
    op.event = eddy_clusterer_group_event(cl, a[y].group, NULL);
    op.other = eddy_clusterer_group_event(cl, a[x].group, NULL);
    assert_true(op.event != op.other);
    CHECK_OK(eddy_clusterer_event(cl, op.event, arena, &event, &err), &err);
    op.event_version = event.version;
    CHECK_OK(eddy_clusterer_event(cl, op.other, arena, &event, &err), &err);
    op.other_version = event.version;
    eddy_outcome outcome;
    CHECK_OK(eddy_clusterer_apply(cl, &op, &outcome, &err), &err);
    assert_int_equal(outcome.refusal, EDDY_REFUSED_FORBIDDEN);
    op.actor = EDDY_PERSON;
    CHECK_OK(eddy_clusterer_apply(cl, &op, &outcome, &err), &err);
    assert_int_equal(outcome.refusal, EDDY_APPLIED);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    free(a);
    stream_free(&s);
}

TEST(engine_survives_any_lost_allocation)
{
    struct stream s = stream_make(9, 150, 20, 1.4);
    eddy_engine_options o = stream_options();
    o.detail = 2;
    o.fade_ms = 60000;
    size_t lost = 0;
    EACH_ALLOC_FAILS (k) {
        eddy_clusterer *cl = NULL;
        eddy_assignment a[150];
        eddy_status st = eddy_clusterer_new(&o, &cl, NULL);
        if (st == EDDY_OK)
            st = eddy_clusterer_assign(cl, s.rows, 150, a, NULL);
        if (st == EDDY_OK)
            st = eddy_clusterer_flush(cl, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        if (st == EDDY_NOMEM && cl) {
            assert_int_equal(eddy_clusterer_assign(cl, s.rows, 1, a, NULL), EDDY_NOMEM);
            lost++;
        }
        eddy_clusterer_free(cl);
    }
    assert_true(lost > 50);
    stream_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_batches),
        cmocka_unit_test(results_do_not_depend_on_batches_with_every_option_on),
        cmocka_unit_test(well_separated_events_are_found),
        cmocka_unit_test(lineage_accounts_for_every_document),
        cmocka_unit_test(ceilings_hold_and_are_counted),
        cmocka_unit_test(idle_events_fade_with_their_last_picture),
        cmocka_unit_test(an_event_that_resumes_a_faded_one_names_it),
        cmocka_unit_test(no_gap_in_time_and_no_length_of_vector_breaks_the_sums),
        cmocka_unit_test(an_event_of_millions_of_documents_still_takes_more),
        cmocka_unit_test(either_of_the_views_may_be_left_out),
        cmocka_unit_test(bad_rows_are_refused_and_change_nothing),
        cmocka_unit_test(options_out_of_range_are_named),
        cmocka_unit_test(an_extra_view_tells_apart_what_words_and_text_do_not),
        cmocka_unit_test(documents_of_different_kinds_share_no_event),
        cmocka_unit_test(engine_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
