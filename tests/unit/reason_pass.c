/* A pass with a model: what is asked, in which order, and what becomes of answers, of failures and
 * of nonsense. */
#include "reason_scene.h"

/* ---- answers ---- */

TEST(two_sides_are_asked_about_and_the_answer_is_evidence)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, NULL);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.39, quake, quake_too);
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_ANSWER);
    assert_int_equal(s->ops[0].actor, EDDY_LLM);
    assert_int_equal(s->ops[0].event, 7);
    assert_int_equal(s->ops[0].other, 9);
    assert_int_equal(s->ops[0].event_version, 17);
    assert_int_equal(s->ops[0].other_version, 19);
    assert_int_equal(s->ops[0].same, 1);
    assert_true(fabs(s->ops[0].error - 0.06) < 1e-9);
    assert_true(fabs(s->ops[0].similarity - 0.295) < 1e-9);
    assert_non_null(strstr(s->ops[0].evidence.at, "test-model, confidence 0.95, prompt "));
    assert_non_null(strstr(s->ops[0].evidence.at, "tokens 300+30: The quake."));
    const eddy_request *asked;
    assert_int_equal(eddy_reasoner_asked(s->r, &asked), 1);
    assert_string_equal(asked[0].purpose, "same");
    scene_free(s);
}

/* A second answer to the same question is worth something only if it can differ: the sides are
 * shown the other way round. */
TEST(the_second_time_the_sides_are_swapped)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, NULL);
    eddy_view_doubt *d = made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.39, quake, quake_too);
    scene_pass(s, 0);
    d->doubt.asked = 1;
    scene_pass(s, 0);
    assert_int_equal(s->script.requests, 2);
    const char *second = strstr(s->script.seen.at, "\"a\":{\"size\":20");
    assert_non_null(second);
    assert_true(strstr(s->script.seen.at, "\"a\":{\"size\":10") < second);
    d->doubt.asked = 2;
    scene_pass(s, 0);
    assert_int_equal(s->script.requests, 2);
    scene_free(s);
}

TEST(what_is_worth_most_is_asked_first)
{
    const char *const replies[] = {"{}"};
    struct scene *s = scene_new(replies, 1, NULL);
    made_doubt(s->m, EDDY_DOUBT_SAME, 1, 2, 0.2, quake, quake_too);
    made_doubt(s->m, EDDY_DOUBT_SAME, 3, 4, 0.48, quake, strike);
    made_doubt(s->m, EDDY_DOUBT_WHOLE, 5, 0, 0.45, quake, strike);
    made_doubt(s->m, EDDY_DOUBT_SAME, 5, 6, 0.49, quake, strike); /* 5 may be two itself */
    made_place(s->m, "Airline resumes flights", 8, 9, quake, strike);
    made_event(s->m, 30, 1000, quake, quake_words);
    made_event(s->m, 31, 4, quake, quake_words);
    scene_pass(s, 0);
    const eddy_request *asked;
    assert_true(eddy_reasoner_asked(s->r, &asked) >= 4);
    assert_string_equal(asked[0].purpose, "whole");
    assert_string_equal(asked[1].purpose, "same");
    assert_string_equal(asked[1].about.at, "E3 E4\nE5 E6\nE1 E2\n");
    assert_string_equal(asked[2].purpose, "place");
    assert_string_equal(asked[3].purpose, "name");
    assert_string_equal(asked[3].about.at, "E30\nE31\n");
    scene_free(s);
}

static void four_questions(eddy_reason_options *o)
{
    o->questions_max = 4;
}

static void one_question(eddy_reason_options *o)
{
    o->questions_max = 1;
}

TEST(a_pass_asks_so_many_questions_and_the_next_pass_the_rest)
{
    const char *const replies[] = {
        "{\"Q1\":{\"name\":\"A\"},\"Q2\":{\"name\":\"B\"},\"Q3\":{\"name\":\"C\"},\"Q4\":{\"name\":"
        "\"D\"}}",
        "{\"Q1\":{\"name\":\"E\"},\"Q2\":{\"name\":\"F\"}}"};
    struct scene *s = scene_new(replies, 2, four_questions);
    names(s, 6);
    assert_int_equal(scene_pass(s, 0), 6); /* four names, and two by statistics */
    assert_int_equal(s->ops[3].actor, EDDY_LLM);
    assert_int_equal(s->ops[4].actor, EDDY_STATISTICS);
    size_t n = s->m->view.n_events;
    s->m->view.n_events = 0; /* nothing has changed since */
    eddy_error err = {0};
    CHECK_OK(eddy_reasoner_pass(s->r, &s->m->view, 0, 42, s->arena, &s->ops, &s->n, &err), &err);
    s->m->view.n_events = n;
    assert_int_equal(s->n, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s->ops[i].event, 5 + i);
        assert_int_equal(s->ops[i].actor, EDDY_LLM);
    }
    scene_free(s);
}

/* No view tells that an event is gone: its copy is not asked about for ever. */
TEST(what_waits_and_is_never_seen_again_is_dropped)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, one_question);
    names(s, 1);
    eddy_view_doubt *d = made_doubt(s->m, EDDY_DOUBT_SAME, 101, 102, 0.4, quake, strike);
    const eddy_request *asked;
    scene_pass(s, 0);
    s->m->view.n_events = 0;
    for (int i = 0; i < 70; i++) { /* always another question, which is worth more */
        d->sides[0].documents++;
        eddy_error err = {0};
        CHECK_OK(eddy_reasoner_pass(s->r, &s->m->view, 0, 42, s->arena, &s->ops, &s->n, &err),
                 &err);
        assert_int_equal(eddy_reasoner_asked(s->r, &asked), 1);
        assert_string_equal(asked[0].about.at, "E101 E102\n");
    }
    s->m->view.n_doubts = 0; /* nobody is in its way any more */
    assert_int_equal(scene_pass(s, 0), 0);
    assert_int_equal(eddy_reasoner_asked(s->r, &asked), 0);
    scene_free(s);
}

/* Nobody answers, or a description finds the event gone. */
TEST(what_waits_goes_on_waiting_until_its_event_is_gone)
{
    struct scene *s = scene_new(NULL, 0, NULL);
    s->script.status = EDDY_UNAVAILABLE;
    names(s, 1);
    const eddy_request *asked;
    assert_int_equal(scene_pass(s, 0), 1); /* by statistics */
    eddy_operation described = s->ops[0];
    assert_int_equal(described.kind, EDDY_OPERATION_DESCRIBE);
    s->m->view.n_events = 0;
    for (int i = 0; i < 70; i++)
        scene_pass(s, 0);
    assert_int_equal(eddy_reasoner_asked(s->r, &asked), 1);
    assert_string_equal(asked[0].about.at, "E1\n");
    eddy_outcome gone = {.refusal = EDDY_REFUSED_GONE};
    eddy_reasoner_heard(s->r, &described, &gone);
    scene_pass(s, 0);
    assert_int_equal(eddy_reasoner_asked(s->r, &asked), 0);
    scene_free(s);
}

TEST(a_share_of_the_questions_is_about_names)
{
    const char *const replies[] = {"{}"};
    struct scene *s = scene_new(replies, 1, four_questions);
    for (uint64_t i = 0; i < 6; i++)
        made_doubt(s->m, EDDY_DOUBT_SAME, 101 + 2 * i, 102 + 2 * i, 0.4, quake, strike);
    names(s, 3);
    scene_pass(s, 0);
    const eddy_request *asked;
    eddy_reasoner_asked(s->r, &asked);
    assert_string_equal(asked[0].about.at, "E101 E102\nE103 E104\nE105 E106\n");
    assert_string_equal(asked[1].about.at, "E1\n");
    scene_free(s);
    s = scene_new(replies, 1, four_questions); /* what the one does not need the other gets */
    made_doubt(s->m, EDDY_DOUBT_SAME, 101, 102, 0.4, quake, strike);
    names(s, 5);
    scene_pass(s, 0);
    eddy_reasoner_asked(s->r, &asked);
    assert_string_equal(asked[0].about.at, "E101 E102\n");
    assert_string_equal(asked[1].about.at, "E1\nE2\nE3\n");
    scene_free(s);
}

TEST(an_event_is_named_again_when_it_has_grown)
{
    const char *const replies[] = {NAME_ONE};
    struct scene *s = scene_new(replies, 1, NULL);
    names(s, 1);
    eddy_event *picture = &s->m->events[0].picture;
    scene_pass(s, 0);
    eddy_outcome applied = {.refusal = EDDY_APPLIED};
    eddy_reasoner_heard(s->r, &s->ops[0], &applied);
    picture->described_by = picture->named_by = EDDY_LLM;
    picture->name = text_of("Earthquake");
    picture->version++;
    picture->size = 19;
    assert_int_equal(scene_pass(s, 0), 0);
    picture->size = 20;
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->script.requests, 2);
    assert_non_null(strstr(s->script.seen.at, "\"name_now\":\"Earthquake\""));
    scene_free(s);
}

TEST(what_an_earlier_reasoner_named_is_not_asked_again)
{
    const char *const replies[] = {NAME_ONE};
    struct scene *s = scene_new(replies, 1, NULL);
    names(s, 1);
    s->m->events[0].picture.described_by = EDDY_LLM;
    assert_int_equal(scene_pass(s, 0), 0);
    s->m->events[0].picture.size = 100;
    assert_int_equal(scene_pass(s, 0), 1);
    scene_free(s);
}

TEST(what_a_person_described_is_left_alone)
{
    const char *const replies[] = {NAME_ONE};
    struct scene *s = scene_new(replies, 1, NULL);
    names(s, 2);
    s->m->events[0].picture.described_by = EDDY_PERSON;
    s->m->events[1].picture.pinned = 1;
    assert_int_equal(scene_pass(s, 0), 0);
    assert_int_equal(s->script.requests, 0);
    scene_free(s);
}

TEST(a_name_that_came_too_late_is_offered_again_and_not_bought_again)
{
    const char *const replies[] = {NAME_ONE};
    struct scene *s = scene_new(replies, 1, NULL);
    names(s, 1);
    assert_int_equal(scene_pass(s, 0), 1);
    eddy_outcome stale = {.refusal = EDDY_REFUSED_STALE};
    eddy_reasoner_heard(s->r, &s->ops[0], &stale);
    s->m->events[0].picture.version = 12;
    s->m->events[0].picture.size = 12;
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->ops[0].actor, EDDY_LLM);
    assert_int_equal(s->ops[0].event_version, 12);
    assert_string_equal(s->ops[0].name.at, "Earthquake");
    assert_int_equal(s->script.requests, 1);
    /* it is applied, though nobody says so: the picture does */
    s->m->events[0].picture.described_by = s->m->events[0].picture.named_by = EDDY_LLM;
    s->m->events[0].picture.summary = text_of("It shook.");
    assert_int_equal(scene_pass(s, 0), 0);
    assert_int_equal(s->script.requests, 1);
    scene_free(s);
}

/* An operation changes the versions of its events; a name decided on the old ones would be refused.
 */
TEST(an_event_that_is_touched_is_described_in_a_later_pass)
{
    const char *const replies[] = {"{\"Q1\":{\"same\":true,\"confidence\":0.9}}",
                                   "{\"Q1\":{\"name\":\"Earthquake\"}}"};
    struct scene *s = scene_new(replies, 2, NULL);
    made_event(s->m, 7, 5000, quake, quake_words);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.39, quake, quake_too);
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_ANSWER);
    s->m->view.n_doubts = 0;
    s->m->events[0].picture.version++;
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_DESCRIBE);
    assert_string_equal(s->ops[0].name.at, "Earthquake");
    assert_int_equal(s->script.requests, 2);
    scene_free(s);
}

/* The engine does not hear of a document that stays; the reasoner remembers that it was looked at.
 */
TEST(a_document_that_stays_is_not_asked_about_again)
{
    const char *const replies[] = {"{\"Q1\":{\"event\":\"E7\",\"confidence\":0.9}}"};
    struct scene *s = scene_new(replies, 1, NULL);
    eddy_view_doubt *d = made_place(s->m, "Airline resumes flights", 7, 8, quake, strike);
    assert_int_equal(scene_pass(s, 0), 0);
    d->sides[0].documents++;
    assert_int_equal(scene_pass(s, 0), 0);
    assert_int_equal(s->script.requests, 1);
    d->doubt.other = d->sides[1].event = 9; /* but of another event it may be */
    scene_pass(s, 0);
    assert_int_equal(s->script.requests, 2);
    scene_free(s);
}

TEST(a_document_that_left_the_window_is_shown_but_cannot_be_moved)
{
    const char *const replies[] = {"{\"Q1\":{\"document\":\"D5\",\"confidence\":1}}"};
    struct scene *s = scene_new(replies, 1, NULL);
    eddy_view_event *e =
        made_event(s->m, 7, 43, TITLES("one", "two", "three", "four", "five"), quake_words);
    e->picture.described_by = EDDY_LLM;
    s->m->members[4].similarity = 0.1F;
    s->m->members[1].position = UINT64_MAX;
    assert_int_equal(scene_pass(s, 0), 0); /* four are offered: D5 is none of them */
    assert_int_equal(stats_of(s).ignored, 1);
    s->m->members[4].position = UINT64_MAX;
    scene_pass(s, 0);
    assert_int_equal(s->script.requests, 1);
    scene_free(s);
}

/* The farthest document is the reason to ask, and another one may be the answer. */
TEST(an_odd_document_that_must_stay_is_not_asked_about_again)
{
    const char *const replies[] = {"{\"Q1\":{\"document\":\"D2\",\"confidence\":1}}"};
    struct scene *s = scene_new(replies, 1, NULL);
    eddy_view_event *e =
        made_event(s->m, 7, 43, TITLES("one", "two", "three", "four", "five"), quake_words);
    e->picture.described_by = EDDY_LLM;
    s->m->members[4].similarity = 0.1F;
    static const eddy_refusal refusals[] = {EDDY_REFUSED_STALE, EDDY_REFUSED_INCOHESIVE};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(scene_pass(s, 0), 1);
        assert_int_equal(s->ops[0].kind, EDDY_OPERATION_REASSIGN);
        assert_int_equal(s->ops[0].position, s->m->members[1].position);
        eddy_outcome outcome = {.refusal = refusals[i]};
        eddy_reasoner_heard(s->r, &s->ops[0], &outcome);
    }
    assert_int_equal(scene_pass(s, 0), 0);
    scene_free(s);
}

TEST(a_plan_that_is_refused_is_followed_by_a_simpler_question)
{
    const char *const replies[] = {
        "{\"Q1\":{\"parts\":[[\"G1\"],[\"G2\",\"G3\"]],\"confidence\":0.9}}",
        "{\"Q1\":{\"same\":false,\"confidence\":0.9}}"};
    struct scene *s = scene_new(replies, 2, NULL);
    eddy_view_event *e =
        made_event(s->m, 7, 43, TITLES("one", "two", "three", "four", "five", "six"), quake_words);
    e->picture.described_by = EDDY_LLM;
    e->picture.cohesion = 0.2F;
    made_doubt(s->m, EDDY_DOUBT_WHOLE, 7, 0, 0.4, quake, strike);
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_SPLIT);
    eddy_outcome stale = {.refusal = EDDY_REFUSED_STALE};
    eddy_reasoner_heard(s->r, &s->ops[0], &stale);
    assert_int_equal(scene_pass(s, 0), 1); /* that one only came too late */
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_SPLIT);
    eddy_outcome incohesive = {.refusal = EDDY_REFUSED_INCOHESIVE};
    eddy_reasoner_heard(s->r, &s->ops[0], &incohesive);
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_ANSWER);
    assert_int_equal(s->ops[0].same, 0);
    scene_free(s);
}

/* Else [["G1"]] of three groups would say with all confidence that the event is one. */
TEST(a_plan_that_does_not_name_each_group_once_is_no_answer)
{
    static const char *const parts[] = {
        "[[\"G1\"]]",
        "[[\"G1\"],[\"G9\"]]",
        "[[\"G1\"],[\"G2\"]]",
        "[[\"G1\",\"G2\",\"G3\",\"G9\"]]",
        "[[\"G1\",\"G2\",\"G3\"],[7]]",
        "[[\"G1\",\"G1\",\"G2\",\"G3\"]]",
        "[[\"G1\",\"G2\"],[\"G2\",\"G3\"]]",
        "[[\"G1\",\"G2\",\"G3\"]]", /* this is one, and the event stays together */
    };
    size_t last = sizeof parts / sizeof *parts - 1;
    for (size_t i = 0; i <= last; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"Q1\":{\"parts\":%s,\"confidence\":1}}", parts[i]);
        const char *const replies[] = {text};
        struct scene *s = scene_new(replies, 1, NULL);
        eddy_view_event *e = made_event(
            s->m, 7, 43, TITLES("one", "two", "three", "four", "five", "six"), quake_words);
        e->picture.described_by = EDDY_LLM;
        e->picture.cohesion = 0.2F;
        made_doubt(s->m, EDDY_DOUBT_WHOLE, 7, 0, 0.39, quake, quake_too);
        scene_pass(s, 0);
        size_t n_llm = 0;
        for (size_t k = 0; k < s->n; k++)
            n_llm += s->ops[k].actor == EDDY_LLM;
        assert_int_equal(n_llm, i == last);
        assert_int_equal(stats_of(s).answered, i == last);
        assert_int_equal(stats_of(s).rejected, i != last);
        if (i == last)
            assert_int_equal(s->ops[0].same, 1);
        scene_free(s);
    }
}

TEST(an_unsure_plan_is_evidence_about_the_seam)
{
    const char *const replies[] = {
        "{\"Q1\":{\"parts\":[[\"G1\"],[\"G2\",\"G3\"]],\"confidence\":0.6}}"};
    struct scene *s = scene_new(replies, 1, NULL);
    eddy_view_event *e =
        made_event(s->m, 7, 43, TITLES("one", "two", "three", "four", "five", "six"), quake_words);
    e->picture.described_by = EDDY_LLM;
    e->picture.cohesion = 0.2F;
    made_doubt(s->m, EDDY_DOUBT_WHOLE, 7, 0, 0.4, quake, strike); /* group 700, which is G1 */
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_ANSWER);
    assert_int_equal(s->ops[0].same, 0);
    assert_true(s->ops[0].error > 0.25);
    scene_free(s);
}

/* ---- failures ---- */

TEST(statistics_stand_in_whatever_the_endpoint_says)
{
    static const eddy_status all[] = {EDDY_UNAVAILABLE, EDDY_CONFIG, EDDY_FORMAT,
                                      EDDY_NOMEM,       EDDY_IO,     EDDY_STOPPED};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct scene *s = scene_new(NULL, 0, NULL);
        s->script.status = all[i];
        names(s, 2);
        made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.45, quake, quake_too);
        assert_int_equal(scene_pass(s, 0), 3);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(s->ops[k].actor, EDDY_STATISTICS);
        eddy_reason_stats stats = stats_of(s);
        assert_int_equal(stats.passes_failed, 1);
        assert_int_equal(stats.answered, 0);
        assert_int_equal(stats.rejected, 0);
        assert_int_equal(stats.failed, stats.asked);
        assert_int_equal(s->script.calls, all[i] == EDDY_FORMAT ? 2 : 1); /* that one is halved */
        /* the endpoint is back: what waits is asked though nothing has changed */
        const char *const replies[] = {"{\"Q1\":{\"name\":\"A\"},\"Q2\":{\"name\":\"B\"}}"};
        s->script.status = EDDY_OK;
        s->script.replies = replies;
        s->script.n_replies = 1;
        s->m->view.n_doubts = 0;
        assert_int_equal(scene_pass(s, 0), 2);
        assert_int_equal(s->ops[0].actor, EDDY_LLM);
        scene_free(s);
    }
}

/* Stands in for an endpoint that takes its time: what was known had to be said before. */
static void says_nothing(void *self, const eddy_request *requests, size_t n, eddy_arena *arena,
                         eddy_reply *replies)
{
    struct script *script = self;
    (void)requests;
    (void)arena;
    script->calls++;
    for (size_t i = 0; i < n; i++)
        replies[i].status = EDDY_UNAVAILABLE;
}

static void nothing_is_said(eddy_reason_options *o)
{
    o->completer.complete = says_nothing;
}

TEST(statistics_do_not_wait_for_the_model)
{
    struct scene *s = scene_new(NULL, 0, nothing_is_said);
    eddy_error err = {0};
    names(s, 2);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.45, quake, quake_too);
    made_event(s->m, 7, 10, quake, quake_words);
    made_event(s->m, 8, 20, quake, quake_words)->picture.cohesion = 0.4F;
    made_place(s->m, "Airline resumes flights", 8, 1, quake, strike);
    CHECK_OK(eddy_reasoner_begin(s->r, &s->m->view, 0, 42, s->arena, &s->ops, &s->n, &err), &err);
    assert_int_equal(s->script.calls, 0);
    assert_int_equal(s->n, 2);
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_MERGE);
    assert_int_equal(s->ops[1].kind, EDDY_OPERATION_DESCRIBE);
    assert_int_equal(s->ops[1].event, 2); /* 1 and 8 may lose or take a document, 7 is merged */
    CHECK_OK(eddy_reasoner_end(s->r, &s->ops, &s->n, &err), &err);
    assert_int_equal(s->script.calls, 1);
    assert_int_equal(s->n, 2);
    assert_int_equal(s->ops[0].event, 1);
    assert_int_equal(s->ops[1].event, 8);
    for (size_t i = 0; i < s->n; i++)
        assert_int_equal(s->ops[i].actor, EDDY_STATISTICS);
    assert_int_equal(eddy_reasoner_end(s->r, &s->ops, &s->n, &err), EDDY_INVALID);
    assert_int_equal(stats_of(s).passes, 1);
    scene_free(s);
}

TEST(what_statistics_decided_is_not_asked)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, NULL);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.45, quake, quake_too);
    made_doubt(s->m, EDDY_DOUBT_SAME, 9, 11, 0.45, quake, strike);
    made_doubt(s->m, EDDY_DOUBT_WHOLE, 7, 0, 0.45, quake, strike);
    made_event(s->m, 7, 10, quake, quake_words);
    assert_int_equal(scene_pass(s, 0), 1); /* the others would be about what is no more */
    assert_int_equal(s->ops[0].kind, EDDY_OPERATION_MERGE);
    assert_int_equal(s->script.calls, 0);
    scene_free(s);
}

TEST(what_came_too_late_is_offered_before_anybody_is_asked)
{
    const char *const replies[] = {NAME_ONE};
    struct scene *s = scene_new(replies, 1, NULL);
    eddy_error err = {0};
    names(s, 1);
    assert_int_equal(scene_pass(s, 0), 1);
    const eddy_outcome stale = {.refusal = EDDY_REFUSED_STALE};
    eddy_reasoner_heard(s->r, &s->ops[0], &stale);
    CHECK_OK(eddy_reasoner_begin(s->r, &s->m->view, 0, 42, s->arena, &s->ops, &s->n, &err), &err);
    assert_int_equal(s->n, 1);
    assert_int_equal(s->ops[0].actor, EDDY_LLM);
    assert_string_equal(s->ops[0].name.at, "Earthquake");
    /* its event was merged away meanwhile: it waits no more */
    const eddy_operation merge = {
        .kind = EDDY_OPERATION_MERGE, .actor = EDDY_STATISTICS, .event = 1, .other = 99};
    const eddy_outcome merged = {.number = 1, .event = 99};
    eddy_reasoner_heard(s->r, &merge, &merged);
    CHECK_OK(eddy_reasoner_end(s->r, &s->ops, &s->n, &err), &err);
    assert_int_equal(s->n, 0);
    s->m->view.n_events = 0;
    assert_int_equal(scene_pass(s, 0), 0);
    scene_free(s);
}

TEST(the_last_good_name_stays_when_the_endpoint_fails)
{
    struct scene *s = scene_new(NULL, 0, NULL);
    s->script.status = EDDY_UNAVAILABLE;
    names(s, 1);
    s->m->events[0].picture.described_by = s->m->events[0].picture.named_by = EDDY_LLM;
    scene_pass(s, 0);
    s->m->events[0].picture.size = 1000;
    assert_int_equal(scene_pass(s, 0), 0);
    assert_int_equal(s->script.requests, 1);
    scene_free(s);
}

TEST(a_request_that_brings_nothing_is_halved)
{
    const char *const replies[] = {"I am sorry.",
                                   "{\"Q1\":{\"name\":\"A\"},\"Q2\":{\"name\":\"B\"}}", "nonsense",
                                   "{\"Q1\":{\"name\":\"C\"}}", "{\"name\":\"D\"}"};
    struct scene *s = scene_new(replies, 5, NULL);
    names(s, 4);
    assert_int_equal(scene_pass(s, 0), 4);
    static const char *const expected[] = {"A", "B", "C", "D"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(s->ops[i].name.at, expected[i]);
    assert_int_equal(s->script.calls, 3);
    assert_int_equal(s->script.requests, 5);
    scene_free(s);
}

/* Requests of the next pass. */
static size_t requests_of_pass(struct scene *s)
{
    size_t before = s->script.requests;
    scene_pass(s, 0);
    return s->script.requests - before;
}

TEST(nonsense_to_everything_is_not_asked_on_and_on)
{
    const char *const replies[] = {"{}"};
    struct scene *s = scene_new(replies, 1, NULL);
    names(s, 8);
    assert_int_equal(scene_pass(s, 0), 8);
    assert_int_equal(s->script.calls, 2);
    assert_int_equal(stats_of(s).passes_failed, 1);
    for (int i = 0; i < 8 * 3; i++) /* one alone in a pass, until it is given up */
        assert_int_equal(requests_of_pass(s), 1);
    assert_int_equal(requests_of_pass(s), 0); /* all are, until their events have grown */
    s->m->events[0].picture.size = 20;
    assert_int_equal(requests_of_pass(s), 1);
    scene_free(s);
}

TEST(nonsense_to_all_of_a_request_is_no_fault_of_its_questions)
{
    const char *const nonsense[] = {"{}"};
    const char *const names_of[] = {"{\"Q1\":{\"name\":\"A\"}}",
                                    "{\"Q1\":{\"name\":\"B\"},\"Q2\":{\"name\":\"C\"},"
                                    "\"Q3\":{\"name\":\"D\"}}"};
    struct scene *s = scene_new(nonsense, 1, NULL);
    names(s, 4);
    assert_int_equal(requests_of_pass(s), 3); /* the four, and twice two of them */
    assert_int_equal(requests_of_pass(s), 1);
    s->script.requests = 0;
    s->script.replies = names_of;
    s->script.n_replies = 2;
    assert_int_equal(scene_pass(s, 0), 4); /* one tries it alone, the rest follow at once */
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(s->ops[i].actor, EDDY_LLM);
        assert_string_equal(s->ops[i].name.at, ((const char *[]){"A", "B", "C", "D"})[i]);
    }
    assert_int_equal(s->script.requests, 2);
    scene_free(s);
}

/* Answers every question but those about one event; a request with that one in it is nonsense. */
static void stumble(void *self, const eddy_request *requests, size_t n, eddy_arena *arena,
                    eddy_reply *replies)
{
    struct script *script = self;
    for (size_t i = 0; i < n; i++) {
        size_t lines = 0;
        for (size_t k = 0; k < requests[i].about.n; k++)
            lines += requests[i].about.at[k] == '\n';
        struct ed_bytes b;
        ed_bytes_init(&b, 0);
        for (size_t k = 0; k < lines; k++)
            ed_bytes_printf(&b, "%s\"Q%zu\":{\"name\":\"A name\"}", k ? "," : "{", k + 1);
        ed_bytes_add_str(&b, "}");
        int bad = strstr(requests[i].about.at, "E8\n") != NULL;
        replies[i].status = EDDY_OK;
        replies[i].text = bad ? text_of("I will not.") : ed_arena_str(arena, b.at, b.n);
        ed_bytes_clear(&b);
        script->requests++;
    }
}

static void stumbles(eddy_reason_options *o)
{
    o->completer.complete = stumble;
}

TEST(a_question_that_spoils_its_request_is_found_and_given_up_alone)
{
    struct scene *s = scene_new(NULL, 0, stumbles);
    names(s, 7);
    made_event(s->m, 8, 10, strike, strike_words);
    scene_pass(s, 0);
    assert_int_equal(s->n, 8); /* the eighth by statistics */
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(s->ops[i].actor, EDDY_LLM);
    assert_int_equal(s->ops[7].event, 8);
    assert_int_equal(s->ops[7].actor, EDDY_STATISTICS);
    assert_int_equal(requests_of_pass(s), 1); /* the others have their names */
    assert_int_equal(requests_of_pass(s), 1);
    assert_int_equal(requests_of_pass(s), 0);
    for (size_t i = 0; i < 8; i++)
        s->m->events[i].picture.size = 40;
    scene_pass(s, 0);
    size_t named = 0;
    for (size_t i = 0; i < s->n; i++)
        named += s->ops[i].actor == EDDY_LLM;
    assert_int_equal(named, 7); /* none of the innocent ones was given up */
    scene_free(s);
}

TEST(what_brought_nonsense_is_asked_after_the_rest)
{
    const char *const replies[] = {"nonsense", SAME_YES, "nonsense"};
    struct scene *s = scene_new(replies, 3, NULL);
    made_doubt(s->m, EDDY_DOUBT_SAME, 1, 2, 0.5, quake, strike);
    scene_pass(s, 0);
    made_doubt(s->m, EDDY_DOUBT_SAME, 3, 4, 0.3, quake, strike);
    scene_pass(s, 0);
    const eddy_request *asked;
    assert_int_equal(eddy_reasoner_asked(s->r, &asked), 2);
    assert_string_equal(asked[0].about.at, "E3 E4\n");
    assert_string_equal(asked[1].about.at, "E1 E2\n");
    scene_free(s);
}

/* Replies are cut, changed and joined at random: no operation is ever outside the offer, and every
 * question is accounted for. */
TEST(no_garbage_goes_beyond_the_offer)
{
    static const char *const valid[] = {
        SAME_YES,
        NAME_ONE,
        "{\"Q1\":{\"event\":\"E9\",\"confidence\":1},\"Q2\":{\"document\":\"D5\",\"confidence\":1}"
        "}",
        "{\"Q1\":{\"parts\":[[\"G1\"],[\"G2\"]],\"groups\":[[\"E1\",\"E2\"],[\"E3\"]],\"same\":"
        "true,"
        "\"confidence\":1,\"name\":\"x\",\"event\":\"E9\",\"document\":\"D1\"}}",
        "[{\"id\":\"Q1\",\"name\":\"a\",\"same\":false},{\"id\":\"Q2\"}]",
        "```json\n{\"Q1\":{}}\n``` {[\"<think></think>"};
    uint64_t seed = test_seed();
    char text[2000];
    const char *const replies[] = {text};
    for (int round = 0; round < 400; round++) {
        size_t n = 0;
        for (uint64_t parts = 1 + test_random(&seed) % 3; parts; parts--) {
            const char *from = valid[test_random(&seed) % (sizeof valid / sizeof *valid)];
            size_t keep = test_random(&seed) % 3 ? strlen(from) : test_random(&seed) % strlen(from);
            memcpy(text + n, from, keep);
            n += keep;
        }
        text[n] = 0;
        for (uint64_t edits = test_random(&seed) % 6; edits; edits--)
            text[test_random(&seed) % n] = (char)(1 + test_random(&seed) % 126);
        struct scene *s = scene_new(replies, 1, NULL);
        names(s, 3);
        made_doubt(s->m, EDDY_DOUBT_SAME, 1, 2, 0.5, quake, strike);
        made_doubt(s->m, EDDY_DOUBT_SAME, 2, 3, 0.5, quake, strike);
        made_doubt(s->m, EDDY_DOUBT_SAME, 1, 3, 0.5, quake, strike);
        made_doubt(s->m, EDDY_DOUBT_WHOLE, 7, 0, 0.45, quake, strike);
        made_place(s->m, "Airline resumes flights", 8, 9, quake, strike);
        scene_pass(s, 0);
        eddy_reason_stats stats = stats_of(s);
        assert_int_equal(stats.asked, stats.answered + stats.rejected + stats.failed);
        scene_free(s);
    }
}

TEST(any_lost_allocation_is_said_and_breaks_nothing)
{
    const char *const replies[] = {
        "{\"Q1\":{\"name\":\"A\",\"summary\":\"B\",\"category\":\"C\"},\"Q2\":{\"name\":\"D\"}}",
        SAME_YES, "x"};
    struct made *m = made_new();
    made_event(m, 1, 40, quake, quake_words);
    made_event(m, 2, 10, strike, strike_words);
    made_doubt(m, EDDY_DOUBT_SAME, 3, 4, 0.45, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_WHOLE, 5, 0, 0.45, quake, strike);
    made_place(m, "Airline resumes flights", 8, 2, quake, strike); /* 2 is described at the end */
    EACH_ALLOC_FAILS (k) {
        struct script script = {.replies = replies, .n_replies = 3};
        eddy_reason_options options;
        eddy_reason_options_init(&options);
        options.completer = (eddy_completer){&script, script_complete};
        static const char *const categories[] = {"C", "D"};
        options.categories = categories;
        options.n_categories = 2;
        options.language = "English";
        eddy_reasoner *r = NULL;
        eddy_arena *arena = eddy_arena_new(0);
        eddy_status st = arena ? eddy_reasoner_new(&options, &r, NULL) : EDDY_NOMEM;
        for (int pass = 0; pass < 4 && st == EDDY_OK; pass++) {
            const eddy_operation *ops = NULL;
            size_t n = 0;
            st = pass < 2    ? eddy_reasoner_pass(r, &m->view, 0, 1, arena, &ops, &n, NULL)
                 : pass == 2 ? eddy_reasoner_begin(r, &m->view, 0, 1, arena, &ops, &n, NULL)
                             : eddy_reasoner_end(r, &ops, &n, NULL);
            for (size_t i = 0; i < n && st == EDDY_OK; i++)
                assert_null(offer_denies(&m->view, &ops[i]));
        }
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        script_clear(&script);
        eddy_reasoner_free(r);
        eddy_arena_free(arena);
    }
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sides_are_asked_about_and_the_answer_is_evidence),
        cmocka_unit_test(the_second_time_the_sides_are_swapped),
        cmocka_unit_test(what_is_worth_most_is_asked_first),
        cmocka_unit_test(a_pass_asks_so_many_questions_and_the_next_pass_the_rest),
        cmocka_unit_test(what_waits_and_is_never_seen_again_is_dropped),
        cmocka_unit_test(what_waits_goes_on_waiting_until_its_event_is_gone),
        cmocka_unit_test(a_share_of_the_questions_is_about_names),
        cmocka_unit_test(an_event_is_named_again_when_it_has_grown),
        cmocka_unit_test(what_an_earlier_reasoner_named_is_not_asked_again),
        cmocka_unit_test(what_a_person_described_is_left_alone),
        cmocka_unit_test(a_name_that_came_too_late_is_offered_again_and_not_bought_again),
        cmocka_unit_test(an_event_that_is_touched_is_described_in_a_later_pass),
        cmocka_unit_test(a_document_that_stays_is_not_asked_about_again),
        cmocka_unit_test(a_document_that_left_the_window_is_shown_but_cannot_be_moved),
        cmocka_unit_test(an_odd_document_that_must_stay_is_not_asked_about_again),
        cmocka_unit_test(a_plan_that_is_refused_is_followed_by_a_simpler_question),
        cmocka_unit_test(a_plan_that_does_not_name_each_group_once_is_no_answer),
        cmocka_unit_test(an_unsure_plan_is_evidence_about_the_seam),
        cmocka_unit_test(statistics_stand_in_whatever_the_endpoint_says),
        cmocka_unit_test(statistics_do_not_wait_for_the_model),
        cmocka_unit_test(what_statistics_decided_is_not_asked),
        cmocka_unit_test(what_came_too_late_is_offered_before_anybody_is_asked),
        cmocka_unit_test(the_last_good_name_stays_when_the_endpoint_fails),
        cmocka_unit_test(a_request_that_brings_nothing_is_halved),
        cmocka_unit_test(nonsense_to_everything_is_not_asked_on_and_on),
        cmocka_unit_test(nonsense_to_all_of_a_request_is_no_fault_of_its_questions),
        cmocka_unit_test(a_question_that_spoils_its_request_is_found_and_given_up_alone),
        cmocka_unit_test(what_brought_nonsense_is_asked_after_the_rest),
        cmocka_unit_test(no_garbage_goes_beyond_the_offer),
        cmocka_unit_test(any_lost_allocation_is_said_and_breaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
