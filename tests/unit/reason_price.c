/* What a pass costs, and what it is made of: cache, budgets, dry passes, options and prompts. */
#include "reason_scene.h"

TEST(the_same_question_is_paid_once)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, NULL);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.39, quake, quake_too);
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(scene_pass(s, 0), 1);
    assert_int_equal(s->ops[0].same, 1);
    assert_int_equal(s->script.requests, 1);
    assert_int_equal(stats_of(s).cached, 1);
    assert_int_equal(stats_of(s).asked, 1);
    s->m->doubts[0].sides[0].documents = 11; /* it is another question now */
    scene_pass(s, 0);
    assert_int_equal(s->script.requests, 2);
    scene_free(s);
}

static void one_answer_kept(eddy_reason_options *o)
{
    o->cache_max = 1;
}

TEST(the_cache_is_bounded)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, one_answer_kept);
    eddy_view_doubt *d = made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.39, quake, quake_too);
    for (int i = 0; i < 4; i++) { /* 10, 11, 10, 11: each drives the other out */
        d->sides[0].documents = 10 + i % 2;
        scene_pass(s, 0);
    }
    assert_int_equal(s->script.requests, 4);
    scene_pass(s, 0);
    assert_int_equal(s->script.requests, 4);
    scene_free(s);
}

/* Keyphrases of (n) texts, "0" and so on; how many have some. */
static size_t phrased(struct scene *s, eddy_reasoner *r, const char *const *texts, size_t n)
{
    eddy_str asked[8] = {{0}}, ret[8];
    eddy_error err = {0};
    size_t with = 0;
    for (size_t i = 0; i < n; i++)
        asked[i] = text_of(texts[i]);
    CHECK_OK(eddy_reasoner_keyphrases(r, asked, n, 0, 1, s->arena, ret, &err), &err);
    for (size_t i = 0; i < n; i++)
        with += ret[i].n > 0;
    return with;
}

#define PHRASES_OF_TWO                                                                             \
    "{\"Q1\":{\"keyphrases\":[\"one\"]},\"Q2\":{\"keyphrases\":[\"two\"]},\"Q3\":{\"keyphrases\":" \
    "[]}}"

TEST(keyphrases_are_kept_a_document_whatever_they_are_asked_with)
{
    static const char *const texts[] = {"a crane", "a strike", "a vote", "a crane"};
    const char *const replies[] = {PHRASES_OF_TWO};
    struct scene *s = scene_new(replies, 1, NULL);
    assert_int_equal(phrased(s, s->r, texts, 3), 2);
    assert_int_equal(phrased(s, s->r, texts, 2), 2);
    assert_int_equal(phrased(s, s->r, texts + 3, 1), 1);
    assert_int_equal(s->script.requests, 1);
    eddy_str unknown = text_of("a volcano"), none;
    CHECK_OK(eddy_reasoner_keyphrases(s->r, &unknown, 1, 0, 0, s->arena, &none, NULL),
             &(eddy_error){0});
    assert_int_equal(none.n, 0); /* without a seed nobody is asked */
    assert_int_equal(s->script.requests, 1);
    assert_int_equal(phrased(s, s->r, texts + 2, 1), 1); /* it had no answer, and is asked again */
    assert_int_equal(s->script.requests, 2);
    assert_int_equal(stats_of(s).cached, 3);
    assert_int_equal(stats_of(s).asked, 4);
    scene_free(s);
}

static eddy_budget *purse;

static void three_calls_of_one_purse(eddy_reason_options *o)
{
    o->calls_day = 3;
    o->cache_max = 0;
    o->budget = purse;
}

TEST(two_reasoners_spend_from_one_budget)
{
    static const char *const texts[] = {"a crane", "a strike"};
    const char *const replies[] = {SAME_YES}, *const phrases[] = {PHRASES_OF_TWO};
    CHECK_OK(eddy_budget_new(&purse, NULL), &(eddy_error){0});
    struct scene *a = scene_new(replies, 1, three_calls_of_one_purse);
    struct scene *b = scene_new(phrases, 1, three_calls_of_one_purse);
    made_doubt(a->m, EDDY_DOUBT_SAME, 7, 9, 0.4, quake, strike);
    scene_pass(a, 0);
    assert_int_equal(phrased(b, b->r, texts, 2), 2);
    scene_pass(a, 0);
    assert_int_equal(phrased(b, b->r, texts, 2), 0);
    scene_pass(a, 0);
    assert_int_equal(a->script.requests, 2);
    assert_int_equal(b->script.requests, 1);
    assert_int_equal(stats_of(b).over_budget, 2);
    scene_free(a);
    scene_free(b);
    eddy_budget_free(purse);
}

static void two_calls_an_hour(eddy_reason_options *o)
{
    o->calls_hour = 2;
    o->calls_day = 3;
    o->cache_max = 0;
}

TEST(calls_are_limited_by_the_hour_and_by_the_day)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, two_calls_an_hour);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.4, quake, strike);
    static const struct {
        int64_t minutes;
        size_t requests;
    } steps[] = {{0, 1},  {1, 2},   {30, 2},   {59, 2},      {60, 3},   {61, 3},
                 {90, 3}, {600, 3}, {1439, 3}, {24 * 60, 4}, {1500, 5}, {100000, 6}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        scene_pass(s, steps[i].minutes * 60000);
        if (s->script.requests != steps[i].requests)
            fail_msg("minute %d: %zu requests, not %zu", (int)steps[i].minutes, s->script.requests,
                     steps[i].requests);
    }
    assert_int_equal(stats_of(s).over_budget, 6);
    scene_free(s);
}

static void five_calls_an_hour(eddy_reason_options *o)
{
    o->calls_hour = 5;
}

/* Nothing is booked for an endpoint that was not asked, and each try for one that failed. */
TEST(calls_are_booked_as_they_went_out)
{
    static const struct {
        uint64_t attempts;
        size_t requests;
    } cases[] = {{0, 8}, {1, 5}, {3, 2}, {9, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new(NULL, 0, five_calls_an_hour);
        s->script.status = EDDY_UNAVAILABLE;
        s->script.attempts = cases[i].attempts;
        s->script.tokens_in = s->script.tokens_out = 0;
        made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.4, quake, strike);
        for (int k = 0; k < 8; k++)
            scene_pass(s, 0);
        assert_int_equal(s->script.requests, cases[i].requests);
        assert_int_equal(stats_of(s).over_budget, 8 - cases[i].requests);
        assert_int_equal(stats_of(s).tokens_in, 0);
        scene_free(s);
    }
}

static void thousand_tokens(eddy_reason_options *o)
{
    o->tokens_day = 1200; /* as estimated: one request with its answer */
    o->cache_max = 0;
}

static void a_cent(eddy_reason_options *o)
{
    o->money_hour = 0.01;
    o->price_in = 10; /* 330 tokens as charged: 0.0042 */
    o->price_out = 40;
    o->cache_max = 0;
}

TEST(tokens_and_money_are_limited)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, thousand_tokens);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.4, quake, strike);
    for (int i = 0; i < 5; i++)
        scene_pass(s, 0);
    assert_int_equal(s->script.requests, 2); /* 330 spent, 330 more; a third might be too much */
    assert_int_equal(stats_of(s).tokens_in, 600);
    assert_int_equal(stats_of(s).tokens_out, 60);
    scene_free(s);
    s = scene_new(replies, 1, a_cent);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.4, quake, strike);
    for (int i = 0; i < 5; i++)
        scene_pass(s, 0);
    assert_int_equal(s->script.requests, 0); /* with an answer of full length: 0.012 */
    assert_int_equal(stats_of(s).over_budget, 5);
    scene_free(s);
}

TEST(without_a_count_the_cost_is_estimated)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, NULL);
    s->script.tokens_in = s->script.tokens_out = 0;
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.4, quake, strike);
    scene_pass(s, 0);
    const eddy_request *asked;
    eddy_reasoner_asked(s->r, &asked);
    assert_int_equal(stats_of(s).tokens_in, asked[0].tokens_in);
    assert_true(stats_of(s).tokens_out > 10 && stats_of(s).tokens_out < 60);
    scene_free(s);
}

static void dry(eddy_reason_options *o)
{
    o->dry = 1;
    o->price_in = 1;
    o->price_out = 2;
}

TEST(a_dry_pass_asks_nothing_and_tells_the_price)
{
    struct scene *s = scene_new(NULL, 0, dry);
    names(s, 2);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.4, quake, strike);
    scene_pass(s, 0);
    assert_int_equal(s->script.calls, 0);
    const eddy_request *asked;
    assert_int_equal(eddy_reasoner_asked(s->r, &asked), 2);
    uint64_t in = asked[0].tokens_in + asked[1].tokens_in;
    uint64_t out = (uint64_t)(asked[0].max_tokens + asked[1].max_tokens);
    eddy_reason_stats stats = stats_of(s);
    assert_int_equal(stats.tokens_in, in);
    assert_int_equal(stats.tokens_out, out);
    assert_true(fabs(stats.money - ((double)in + 2 * (double)out) / 1e6) < 1e-12);
    assert_int_equal(stats.asked, 0);
    scene_free(s);
}

/* ---- what it is made of ---- */

static void refused(eddy_reason_options *options, const char *says)
{
    eddy_reasoner *r = NULL;
    eddy_error err = {0};
    assert_int_equal(eddy_reasoner_new(options, &r, &err), EDDY_INVALID);
    assert_null(r);
    if (!strstr(err.text, says))
        fail_msg("\"%s\" says nothing of \"%s\"", err.text, says);
}

TEST(a_prompt_that_cannot_work_is_refused)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{{rules}}\n{{data}}", "prompt same: no line of three dashes"},
        {"{{rules}}\n---\nx", "{{data}} has to stand once below the line of dashes, not 0 times"},
        {"x\n---\n{{data}}", "{{rules}} has to stand once above the line of dashes, not 0 times"},
        {"{{rules}}\n---\n{{data}}{{data}}", "not 2 times"},
        {"{{rules}} {{data}}\n---\n{{data}}", "{{data}} stands above"},
        {"{{rules}}\n---\n{{data}} {{granularity}}", "{{granularity}} stands below"},
        {"{{rules}} {{colour}}\n---\n{{data}}", "unknown field {{colour}}"},
        {"{{rules}} {{granularity\n---\n{{data}}", "unknown field {{granularity"},
        {"{{rules}} {{categories}}\n---\n{{data}}", "{{categories}} is for name alone"},
        {"", "no line of three dashes"},
    };
    eddy_reason_options options;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eddy_reason_options_init(&options);
        options.prompts[EDDY_PROMPT_SAME] = cases[i].text;
        refused(&options, cases[i].says);
    }
}

TEST(an_option_out_of_its_range_is_refused)
{
    eddy_reason_options options;
    eddy_reason_options_init(&options);
    options.error = 0.5;
    refused(&options, "error");
    eddy_reason_options_init(&options);
    options.grown = 1;
    refused(&options, "grown");
    eddy_reason_options_init(&options);
    options.price_in = -1;
    refused(&options, "price");
    eddy_reason_options_init(&options);
    static const char *const categories[] = {"a \"b\""};
    options.categories = categories;
    options.n_categories = 1;
    refused(&options, "category");
}

TEST(what_is_compiled_in_is_what_people_can_edit)
{
    for (int i = 0; i < EDDY_PROMPTS; i++) {
        char path[200];
        char text[10000];
        snprintf(path, sizeof path, "conf/prompts/%s.md", eddy_prompt_name((eddy_prompt)i));
        FILE *in = fopen(path, "rb");
        assert_non_null(in);
        size_t n = fread(text, 1, sizeof text - 1, in);
        fclose(in);
        text[n] = 0;
        assert_string_equal(eddy_prompt_default((eddy_prompt)i), text);
    }
    assert_null(eddy_prompt_default(EDDY_PROMPTS));
}

static void own_prompt(eddy_reason_options *o)
{
    o->prompts[EDDY_PROMPT_SAME] = "<!-- note -->\nJudge. {{rules}} In {{language}}: "
                                   "{{granularity}}.\n---\nLook:\n{{data}}\nNow.\n";
    o->language = "German";
    o->granularity = "a ticket";
}

TEST(a_prompt_of_the_users_own_is_used)
{
    const char *const replies[] = {SAME_YES};
    struct scene *s = scene_new(replies, 1, own_prompt);
    made_doubt(s->m, EDDY_DOUBT_SAME, 7, 9, 0.4, quake, strike);
    scene_pass(s, 0);
    assert_non_null(strstr(s->script.seen.at, "Judge. The user message holds data"));
    assert_non_null(strstr(s->script.seen.at, "In German: a ticket."));
    assert_non_null(strstr(s->script.seen.at, "Look:\nDOCUMENTS "));
    assert_null(strstr(s->script.seen.at, "note"));
    scene_free(s);
}

/* The line around the data is another one each time, and the key is not. */
TEST(the_marker_is_new_and_the_key_is_not)
{
    const char *const replies[] = {"nonsense"};
    struct scene *s = scene_new(replies, 1, NULL);
    made_doubt(s->m, EDDY_DOUBT_WHOLE, 7, 0, 0.4, quake, strike);
    char key[2][33];
    char marker[2][40];
    for (uint64_t i = 0; i < 2; i++) {
        eddy_error err = {0};
        CHECK_OK(eddy_reasoner_pass(s->r, &s->m->view, 0, i, s->arena, &s->ops, &s->n, &err), &err);
        const eddy_request *asked;
        assert_int_equal(eddy_reasoner_asked(s->r, &asked), 1);
        memcpy(key[i], asked[0].key, sizeof key[i]);
        memcpy(marker[i], asked[0].user.at, 26);
        marker[i][26] = 0;
        const char *first = strstr(asked[0].user.at, marker[i]);
        const char *second = strstr(first + 1, marker[i]);
        assert_non_null(second);
        assert_null(strstr(second + 1, marker[i]));
        assert_non_null(strstr(asked[0].system.at, marker[i]));
    }
    assert_string_equal(key[0], key[1]);
    assert_string_not_equal(marker[0], marker[1]);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_question_is_paid_once),
        cmocka_unit_test(the_cache_is_bounded),
        cmocka_unit_test(keyphrases_are_kept_a_document_whatever_they_are_asked_with),
        cmocka_unit_test(two_reasoners_spend_from_one_budget),
        cmocka_unit_test(calls_are_limited_by_the_hour_and_by_the_day),
        cmocka_unit_test(calls_are_booked_as_they_went_out),
        cmocka_unit_test(tokens_and_money_are_limited),
        cmocka_unit_test(without_a_count_the_cost_is_estimated),
        cmocka_unit_test(a_dry_pass_asks_nothing_and_tells_the_price),
        cmocka_unit_test(a_prompt_that_cannot_work_is_refused),
        cmocka_unit_test(an_option_out_of_its_range_is_refused),
        cmocka_unit_test(what_is_compiled_in_is_what_people_can_edit),
        cmocka_unit_test(a_prompt_of_the_users_own_is_used),
        cmocka_unit_test(the_marker_is_new_and_the_key_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
