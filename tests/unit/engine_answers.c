/* Doubts and answers: what is asked, what an answer moves, what it may not, and that it is state
 * like everything else. */
#include "engine_operating.h"

/* ---- help ---- */

static eddy_clusterer *started(struct shape *x, uint64_t seed, size_t n)
{
    shape_make(x, PLAIN, seed, n);
    stream_free(&x->s);
    x->s = stream_make(seed, n, 40, 2.2);
    x->o = stream_options();
    eddy_clusterer *cl = clusterer_new(&x->o);
    eddy_assignment *a = calloc(n, sizeof *a);
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(cl, x->s.rows, n, a, &err), &err);
    free(a);
    return cl;
}

static const eddy_doubt *doubts_of(const eddy_clusterer *cl, size_t n_max, eddy_arena *arena,
                                   size_t *ret_n)
{
    const eddy_doubt *list = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_doubts(cl, n_max, arena, &list, ret_n, &err), &err);
    return list;
}

static eddy_operation answer_to(const eddy_doubt *d, int same, double error, eddy_actor actor)
{
    return (eddy_operation){.kind = EDDY_OPERATION_ANSWER,
                            .actor = actor,
                            .event = d->event,
                            .other = d->other,
                            .event_version = d->event_version,
                            .other_version = d->other_version,
                            .groups = d->groups,
                            .n_groups = d->n_groups,
                            .same = same,
                            .error = error,
                            .similarity = d->similarity};
}

static void undo(eddy_clusterer *cl, uint64_t number, eddy_actor actor)
{
    done(cl, (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = actor, .undo = number});
}

/* The first doubt of that kind. */
static const eddy_doubt *doubt_of_kind(const eddy_clusterer *cl, eddy_doubt_kind kind,
                                       eddy_arena *arena)
{
    size_t n;
    const eddy_doubt *list = doubts_of(cl, 1, arena, &n);
    for (size_t i = 0; i < n; i++)
        if (list[i].kind == kind)
            return &list[i];
    fail_msg("no doubt of kind %d", (int)kind);
    return NULL;
}

/* ---- the fit ---- */

/* Log posterior by the formula of ALGORITHM 5.7, with libm. */
static double posterior(const eddy_clusterer *cl, double t, double steep)
{
    const struct ed_threshold *th = &cl->th;
    double far = (t - th->learned) / ((t < th->learned ? 0.1 : 0.2) * th->spread);
    double away = log(steep) / 0.5;
    double sum = -far * far / 2 - away * away / 2;
    for (uint32_t i = 0; i < ANSWERS_KEPT; i++) {
        const struct ed_answer *a = &cl->answers[i];
        double beta = steep * 6 / th->spread;
        double p = a->error + (1 - 2 * a->error) / (1 + exp(-beta * (a->similarity - t)));
        sum += a->operation ? log(a->same ? p : 1 - p) : 0;
    }
    return sum;
}

TEST(the_fit_is_that_of_its_plain_twin)
{
    static const double steeps[] = {0.5, 0.7, 1, 1.4, 2};
    uint64_t seed = test_seed() + 31;
    size_t moved = 0;
    for (int round = 0; round < 40; round++) {
        struct shape x;
        eddy_clusterer *cl = started(&x, seed, 300);
        struct ed_threshold *th = &cl->th;
        assert_true(ed_answers_room(cl));
        double truth = th->learned + th->spread * ((double)(test_random(&seed) % 300) / 100 - 1);
        for (size_t n = 1 + (size_t)(test_random(&seed) % 400); n > 0; n--) {
            uint64_t dice = test_random(&seed);
            double s = th->learned + th->spread * ((double)(dice % 1000) / 250 - 2);
            double error = 0.03 + (double)(dice >> 20 & 255) / 600;
            int wrong = (double)(dice >> 40 & 1023) / 1024 < error;
            ed_answer_keep(cl, (struct ed_answer){.operation = n,
                                                  .same = (s > truth) != wrong,
                                                  .error = error,
                                                  .similarity = s});
        }
        double best = -INFINITY;
        for (size_t b = 0; b < 5; b++)
            for (int k = 0; k <= 40; k++)
                best =
                    fmax(best, posterior(cl, th->learned + (k - 15) * 0.1 * th->spread, steeps[b]));
        assert_true(fabs(posterior(cl, th->tau, th->steep) - best) < 1e-6);
        moved += fabs(th->tau - th->learned) > 0.05 * th->spread;
        eddy_clusterer_free(cl);
        stream_free(&x.s);
    }
    assert_true(moved > 20);
}

/* However many say no, or yes, and however wrong they are: tau stays within its bounds, and one
 * that the user has fixed where it is. */
TEST(answers_move_tau_within_bounds)
{
    for (int way = 0; way < 4; way++) {
        struct shape x;
        eddy_clusterer *cl = started(&x, 9, 600);
        struct ed_threshold *th = &cl->th;
        cl->o.threshold = way > 1 ? th->learned : NAN;
        assert_true(ed_answers_room(cl));
        for (uint64_t n = 1; n <= 3000; n++)
            ed_answer_keep(cl, (struct ed_answer){.operation = n,
                                                  .same = way & 1,
                                                  .error = 0.03,
                                                  .similarity = th->learned +
                                                                (way & 1 ? -2 : 3) * th->spread});
        if (way > 1)
            assert_true(fabs(th->tau - th->learned) < 1e-15);
        else if (way & 1)
            assert_true(th->tau < th->learned &&
                        th->tau >= fmin(th->mean + 0.5 * th->spread, th->learned));
        else
            assert_true(th->tau > th->learned && th->tau <= th->mean + 6 * th->spread);
        assert_true(fabs(th->tau - th->learned) <= 2.5001 * th->spread);
        eddy_clusterer_free(cl);
        stream_free(&x.s);
    }
}

TEST(an_answer_that_is_hardly_better_than_chance_says_hardly_anything)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 9, 600);
    assert_true(ed_answers_room(cl));
    for (uint64_t n = 1; n <= 100; n++)
        ed_answer_keep(cl, (struct ed_answer){.operation = n,
                                              .error = 0.499,
                                              .similarity = cl->th.learned + cl->th.spread});
    assert_true(fabs(cl->th.tau - cl->th.learned) < 1e-9);
    assert_true(fabs(ed_answer_shift(cl, 0, 0.499)) < 0.01 * cl->th.spread);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* ---- doubts ---- */

static double uncertainty(const eddy_doubt *d)
{
    return d->yes < 0.5 ? d->yes : 1 - d->yes;
}

static void doubts_are_sound(const eddy_clusterer *cl, size_t *kinds)
{
    eddy_arena *arena = eddy_arena_new(0);
    size_t n, m, n_of[3] = {0};
    const eddy_doubt *all = doubts_of(cl, SIZE_MAX, arena, &n);
    const eddy_doubt *few = doubts_of(cl, 3, arena, &m);
    for (size_t i = 0, k = 0; i < n; i++) {
        const eddy_doubt *d = &all[i];
        uint32_t a = ed_event_slot(cl, d->event);
        assert_true(uncertainty(d) >= 0.1 && d->asked < 2);
        assert_true(!i || uncertainty(d) <= uncertainty(d - 1));
        assert_true(a != NONE && !ed_pinned(cl, a) && d->event_version == cl->events[a].version);
        if (d->kind == EDDY_DOUBT_SAME) {
            uint32_t b = ed_event_slot(cl, d->other);
            const struct ed_link *link = ed_link_find(cl, d->event, d->other);
            assert_true(b != NONE && a != b && !ed_pinned(cl, b));
            assert_true(!link || (fabs(link->strength) < EDDY_LINK_FIRM && link->by < EDDY_PERSON));
            assert_true(fabs(d->similarity - shown_similarity(cl, d->event, d->other)) < 1e-12);
            for (size_t j = 0; j < i; j++)
                assert_true(all[j].kind != EDDY_DOUBT_SAME ||
                            !((all[j].event == d->event && all[j].other == d->other) ||
                              (all[j].event == d->other && all[j].other == d->event)));
        } else if (d->kind == EDDY_DOUBT_WHOLE) {
            assert_true(d->n_groups && d->n_groups < cl->events[a].n_groups);
        } else {
            assert_true(ed_event_slot(cl, d->other) != NONE && d->position < cl->position);
        }
        kinds[d->kind]++;
        if (n_of[d->kind]++ < 3) { /* the first of each kind, in the same order */
            assert_true(k < m && few[k].kind == d->kind && few[k].event == d->event);
            k++;
        }
    }
    eddy_arena_free(arena);
}

TEST(doubts_are_the_least_certain_and_nothing_that_was_decided)
{
    uint64_t seed = test_seed() + 32;
    size_t kinds[3] = {0};
    for (int round = 0; round < 6; round++) {
        struct shape x;
        eddy_clusterer *cl = started(&x, seed + (uint64_t)round, 1200);
        for (int turn = 0; turn < 30; turn++) {
            eddy_arena *arena = eddy_arena_new(0);
            size_t n;
            const eddy_doubt *list = doubts_of(cl, 5, arena, &n);
            uint64_t dice = test_random(&seed);
            if (n && dice % 4)
                apply(cl, answer_to(&list[dice / 8 % n], (int)(dice >> 20 & 1), 0.1,
                                    (eddy_actor)(1 + (dice >> 24) % 3)));
            else if (n)
                apply(cl, (eddy_operation){.kind = EDDY_OPERATION_PIN,
                                           .actor = EDDY_PERSON,
                                           .event = list[dice / 8 % n].event});
            doubts_are_sound(cl, kinds);
            eddy_arena_free(arena);
        }
        eddy_clusterer_free(cl);
        stream_free(&x.s);
    }
    printf("%zu of two events, %zu of halves\n", kinds[EDDY_DOUBT_SAME], kinds[EDDY_DOUBT_WHOLE]);
    assert_true(kinds[EDDY_DOUBT_SAME] > 100 && kinds[EDDY_DOUBT_WHOLE] > 100);
}

TEST(doubts_survive_any_lost_allocation)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 4, 900);
    size_t lost = 0;
    EACH_ALLOC_FAILS (k) {
        eddy_arena *arena = eddy_arena_new(0);
        const eddy_doubt *list = NULL;
        size_t n = 77;
        eddy_status st = arena ? eddy_clusterer_doubts(cl, 9, arena, &list, &n, NULL) : EDDY_NOMEM;
        assert_true((st == EDDY_OK && n < 77) || (st == EDDY_NOMEM && !list && n == 77));
        lost += st == EDDY_NOMEM;
        eddy_arena_free(arena);
    }
    assert_true(lost > 4);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* ---- answers ---- */

TEST(an_answer_links_its_sides_twice_at_most)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 4, 900);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_doubt *d = doubt_of_kind(cl, EDDY_DOUBT_SAME, arena);
    double shift = ed_answer_shift(cl, 0, 0.1);
    uint64_t first = done(cl, answer_to(d, 0, 0.1, EDDY_LLM)).number;
    assert_true(fabs(ed_link_find(cl, d->event, d->other)->strength - shift) < 1e-12);
    double second = ed_answer_shift(cl, 1, 0.1);
    uint64_t number = done(cl, answer_to(d, 1, 0.1, EDDY_LLM)).number;
    const struct ed_link *link = ed_link_find(cl, d->event, d->other);
    assert_true(link && fabs(link->strength - shift - second) < 1e-12);
    assert_true(link->answers[0] == first && link->answers[1] == number);
    refused(cl, answer_to(d, 1, 0.1, EDDY_LLM), EDDY_REFUSED_STALE);
    undo(cl, first, EDDY_PERSON);
    assert_true(fabs(ed_link_find(cl, d->event, d->other)->strength - second) < 1e-12);
    assert_false(ed_answer_find(cl, first));
    undo(cl, number, EDDY_PERSON);
    assert_false(ed_link_find(cl, d->event, d->other));
    assert_true(fabs(cl->th.tau - cl->th.learned) < 1e-15 && fabs(cl->th.steep - 1) < 1e-15);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* A no takes apart what hangs together by little; its undo puts it together. */
TEST(no_to_a_whole_splits_it)
{
    size_t split = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct shape x;
        eddy_clusterer *cl = started(&x, 40 + seed, 900);
        eddy_arena *arena = eddy_arena_new(0);
        const eddy_doubt *d = doubt_of_kind(cl, EDDY_DOUBT_WHOLE, arena);
        double docs = cl->events[ed_event_slot(cl, d->event)].docs;
        double below = d->similarity + ed_answer_shift(cl, 0, 0.1) - cl->th.tau;
        eddy_outcome out = done(cl, answer_to(d, 0, 0.1, EDDY_LLM));
        assert_int_equal(out.event != d->event, below < 0);
        if (below < 0) {
            const struct ed_link *link = ed_link_find(cl, d->event, out.event);
            assert_true(link && link->strength < 0 && link->answers[0] == out.number);
            undo(cl, out.number, EDDY_LLM);
            assert_true(eddy_clusterer_where(cl, out.event) == d->event);
            assert_true(cl->events[ed_event_slot(cl, d->event)].docs >= docs);
            split++;
        }
        eddy_arena_free(arena);
        eddy_clusterer_free(cl);
        stream_free(&x.s);
    }
    printf("%zu split\n", split);
    assert_true(split > 2);
}

/* What a person answers is a decision: firm, whatever the similarity; and no reasoner answers after
 * that. */
TEST(what_a_person_answers_is_decided)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 4, 900);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_doubt *d = doubt_of_kind(cl, EDDY_DOUBT_SAME, arena);
    done(cl, answer_to(d, 0, 0.1, EDDY_LLM));
    done(cl, answer_to(d, 1, 0.4, EDDY_PERSON));
    assert_true(ed_link_find(cl, d->event, d->other)->strength >= EDDY_LINK_FIRM);
    refused(cl, answer_to(d, 0, 0.1, EDDY_LLM), EDDY_REFUSED_FORBIDDEN);
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    assert_true(eddy_clusterer_where(cl, d->event) == eddy_clusterer_where(cl, d->other));
    const eddy_doubt *w = doubt_of_kind(cl, EDDY_DOUBT_WHOLE, arena);
    uint64_t part = done(cl, answer_to(w, 0, 0.4, EDDY_PERSON)).event;
    assert_true(part != w->event);
    assert_true(ed_link_find(cl, w->event, part)->strength <= -EDDY_LINK_FIRM);
    w = doubt_of_kind(cl, EDDY_DOUBT_WHOLE, arena);
    done(cl, answer_to(w, 1, 0.4, EDDY_PERSON));
    uint32_t slot = ed_event_slot(cl, w->event);
    assert_true(ed_held(cl, cl->events[slot].groups[0]));
    refused(cl, answer_to(w, 0, 0.1, EDDY_LLM), EDDY_REFUSED_FORBIDDEN);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* ---- what is too late ---- */

TEST(an_answer_about_other_sides_is_stale)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 4, 900);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_doubt *d = doubt_of_kind(cl, EDDY_DOUBT_SAME, arena);
    eddy_operation op = answer_to(d, 1, 0.1, EDDY_LLM);
    op.similarity = d->similarity + 0.51 * cl->th.spread;
    refused(cl, op, EDDY_REFUSED_STALE);
    op.similarity = d->similarity - 0.51 * cl->th.spread;
    refused(cl, op, EDDY_REFUSED_STALE);
    op = answer_to(d, 1, 0.1, EDDY_LLM);
    op.event_version = 0; /* a reasoner has seen something */
    refused(cl, op, EDDY_REFUSED_STALE);
    op.event_version = d->event_version + 1; /* and nothing that is not yet */
    refused(cl, op, EDDY_REFUSED_STALE);
    op = answer_to(d, 1, 0.1, EDDY_LLM);
    op.other = cl->next_event;
    refused(cl, op, EDDY_REFUSED_GONE);
    const eddy_doubt *w = doubt_of_kind(cl, EDDY_DOUBT_WHOLE, arena);
    op = answer_to(w, 1, 0.1, EDDY_LLM);
    uint64_t strange = cl->next_group;
    op.groups = &strange;
    op.n_groups = 1;
    refused(cl, op, EDDY_REFUSED_STALE);
    done(cl, (eddy_operation){.kind = EDDY_OPERATION_PIN, .actor = EDDY_PERSON, .event = w->event});
    refused(cl, answer_to(w, 1, 0.1, EDDY_LLM), EDDY_REFUSED_PINNED);
    done(cl,
         (eddy_operation){.kind = EDDY_OPERATION_UNPIN, .actor = EDDY_PERSON, .event = w->event});
    done(cl, (eddy_operation){.kind = EDDY_OPERATION_MERGE,
                              .actor = EDDY_PERSON,
                              .event = d->event,
                              .other = d->other});
    refused(cl, answer_to(d, 0, 0.1, EDDY_LLM), EDDY_REFUSED_STALE);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* The stream goes on while somebody thinks: versions rise, the sides stay what they were. */
TEST(answers_are_still_about_their_sides_after_a_while)
{
    size_t applied = 0;
    size_t asked = 0;
    size_t unchanged = 0;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct shape x;
        eddy_clusterer *cl = started(&x, 90 + seed, 1024);
        eddy_arena *arena = eddy_arena_new(0);
        eddy_assignment a[256];
        eddy_error err = {0};
        size_t n;
        const eddy_doubt *list = doubts_of(cl, 10, arena, &n);
        CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + 256 * seed, 256, a, &err), &err);
        for (size_t i = 0; i < n; i++) {
            uint32_t slot = ed_event_slot(cl, list[i].event);
            int same = slot != NONE && cl->events[slot].version == list[i].event_version;
            int done = !apply(cl, answer_to(&list[i], 1, 0.1, EDDY_LLM)).refusal;
            applied += (size_t)done;
            unchanged += (size_t)(done && same);
        }
        asked += n;
        eddy_arena_free(arena);
        eddy_clusterer_free(cl);
        stream_free(&x.s);
    }
    printf("%zu of %zu applied, of these %zu where the version was the same\n", applied, asked,
           unchanged);
    assert_true(3 * applied > asked && 2 * unchanged < applied);
}

TEST(senseless_answers_are_invalid)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 4, 900);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_doubt *d = doubt_of_kind(cl, EDDY_DOUBT_SAME, arena);
    const eddy_operation good = answer_to(d, 1, 0.1, EDDY_LLM);
    uint64_t hash = ed_state_hash(cl);
#define INVALID(change)                                                                            \
    do {                                                                                           \
        eddy_operation op = good;                                                                  \
        eddy_outcome out;                                                                          \
        op.change;                                                                                 \
        assert_int_equal(eddy_clusterer_apply(cl, &op, &out, NULL), EDDY_INVALID);                 \
    } while (0)
    INVALID(error = 0);
    INVALID(error = 0.5);
    INVALID(error = -1);
    INVALID(error = NAN);
    INVALID(similarity = NAN);
    INVALID(similarity = INFINITY);
    INVALID(similarity = 7);
    INVALID(same = 2);
    INVALID(other = good.event);
    INVALID(n_groups = 1);
#undef INVALID
    assert_true(ed_state_hash(cl) == hash);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* ---- state ---- */

/* Answers at the same places of the stream give the same state, whatever batches it comes in and
 * whoever was loaded in between; and the ring may run over. */
TEST(answers_in_any_batches_give_the_same_state)
{
    uint64_t seed = test_seed() + 33;
    const size_t batch[] = {1, 50, 250};
    uint64_t hash[3];
    for (size_t way = 0; way < 3; way++) {
        struct shape x;
        struct kept kept = {0};
        uint64_t dice = seed;
        eddy_clusterer *cl = started(&x, seed, 3000);
        eddy_clusterer_free(cl);
        cl = clusterer_new(&x.o);
        for (size_t i = 0; i < 3000; i += batch[way]) {
            eddy_assignment a[250];
            eddy_error err = {0};
            CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + i, batch[way], a, &err), &err);
            if ((i + batch[way]) % 250)
                continue;
            eddy_arena *arena = eddy_arena_new(0);
            size_t n;
            const eddy_doubt *list = doubts_of(cl, 8, arena, &n);
            for (size_t k = 0; k < n; k++) {
                uint64_t answer = test_random(&dice);
                apply(cl, answer_to(&list[k], (int)(answer & 1), 0.2, EDDY_LLM));
                if (answer >> 20 & 3)
                    continue;
                apply(cl, (eddy_operation){.kind = EDDY_OPERATION_UNDO,
                                           .actor = EDDY_PERSON,
                                           .undo = cl->next_operation - 1});
            }
            if (i + batch[way] == 2000) /* as if there had been so many */
                cl->next_answer += ANSWERS_KEPT - cl->next_answer % ANSWERS_KEPT - 4;
            record(cl, &kept, NULL);
            if (way == 1) {
                eddy_clusterer_free(cl);
                cl = kept_load(&kept, &x.o, seed);
            }
            eddy_arena_free(arena);
        }
        assert_true(cl->next_answer > ANSWERS_KEPT);
        hash[way] = eddy_clusterer_hash(cl);
        assert_true(hash[way] == hash[0]);
        eddy_clusterer_free(cl);
        kept_clear(&kept);
        stream_free(&x.s);
    }
}

TEST(without_answers_tau_is_what_was_learned)
{
    for (int shape = 0; shape < SHAPES; shape++) {
        struct shape x;
        shape_make(&x, shape, 3, 700);
        eddy_clusterer *cl = clusterer_new(&x.o);
        eddy_assignment a[700];
        eddy_error err = {0};
        CHECK_OK(eddy_clusterer_assign(cl, x.s.rows, 700, a, &err), &err);
        assert_memory_equal(&cl->th.tau, &cl->th.learned, sizeof cl->th.tau);
        double beta = BETA / cl->th.spread;
        double now = ed_beta(cl);
        assert_memory_equal(&now, &beta, sizeof beta);
        eddy_clusterer_free(cl);
        stream_free(&x.s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fit_is_that_of_its_plain_twin),
        cmocka_unit_test(answers_move_tau_within_bounds),
        cmocka_unit_test(an_answer_that_is_hardly_better_than_chance_says_hardly_anything),
        cmocka_unit_test(doubts_are_the_least_certain_and_nothing_that_was_decided),
        cmocka_unit_test(doubts_survive_any_lost_allocation),
        cmocka_unit_test(an_answer_links_its_sides_twice_at_most),
        cmocka_unit_test(no_to_a_whole_splits_it),
        cmocka_unit_test(what_a_person_answers_is_decided),
        cmocka_unit_test(an_answer_about_other_sides_is_stale),
        cmocka_unit_test(answers_are_still_about_their_sides_after_a_while),
        cmocka_unit_test(senseless_answers_are_invalid),
        cmocka_unit_test(answers_in_any_batches_give_the_same_state),
        cmocka_unit_test(without_answers_tau_is_what_was_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
