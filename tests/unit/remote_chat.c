/* label: threads */
/* Chat: the ladder of dialects, what each failure is called, and that nothing of a question or a
 * key comes out where people look. */
#include "remote_support.h"

#include "remote/chat.h"

#include <pthread.h>

#define SCHEMA                                                                                     \
    "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": 80}," \
    "\"event\": {\"enum\": [\"E1\", \"E2\"]}, \"same\": {\"type\": \"boolean\"}}, \"required\": "  \
    "[\"name\", \"event\", \"same\"], \"additionalProperties\": false}"
#define USER "Two trains collided near Tempe on the night of the twenty-eighth."
#define STR(text)                                                                                  \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

static const eddy_request question = {.purpose = "name",
                                      .system = STR("You name events."),
                                      .user = STR(USER),
                                      .schema = STR(SCHEMA),
                                      .max_tokens = 77,
                                      .tokens_in = 900,
                                      .key = "00112233445566778899aabbccddeeff"};

/* A scripted endpoint, and a chat with it. */
struct talk {
    struct scripted s;
    struct ed_chat *chat;
    eddy_completer completer;
    eddy_arena *arena;
    eddy_reply replies[8];
};

static int64_t stall_ms = 10000; /* more than a busy machine needs */
static int failures_max = 1000;  /* no breaker */

static void talk_start(struct talk *t, const char *script, const char *const *more)
{
    struct ed_chat_options o;
    eddy_error err = {0};
    scripted_start(&t->s, script, more);
    ed_chat_options_init(&o);
    o.http.url = t->s.url;
    o.http.key = "sk-secret-17";
    o.http.stall_ms = stall_ms;
    o.http.retries = 1;
    o.http.pace.wait_min_ms = 10;
    o.http.pace.wait_max_ms = 50;
    o.http.pace.failures_max = failures_max;
    o.model = "tiny";
    CHECK_OK(ed_chat_new(&o, &t->chat, &err), &err);
    t->completer = ed_chat_completer(t->chat);
    t->arena = eddy_arena_new(0);
}

static void ask(struct talk *t, size_t n)
{
    eddy_request requests[8];
    for (size_t i = 0; i < n; i++)
        requests[i] = question;
    t->completer.complete(t->completer.self, requests, n, t->arena, t->replies);
}

static void talk_end(struct talk *t)
{
    ed_chat_free(t->chat);
    eddy_arena_free(t->arena);
    scripted_end(&t->s);
}

static void is_object(const eddy_reply *r)
{
    assert_int_equal(r->status, EDDY_OK);
    assert_null(r->detail);
    json_t *root = json_loadb(r->text.at, r->text.n, 0, NULL);
    assert_true(json_is_object(root));
    assert_string_equal(json_string_value(json_object_get(root, "event")), "E1");
    json_decref(root);
}

static const json_t *field(const json_t *seen, size_t i, const char *name)
{
    return json_object_get(json_array_get(json_object_get(seen, "seen"), i), name);
}

/* ---- answers ---- */

TEST(a_question_is_asked_with_its_limits_and_answered_with_its_price)
{
    struct talk t;
    talk_start(&t, "", NULL);
    ask(&t, 5);
    for (int i = 0; i < 5; i++) {
        is_object(&t.replies[i]);
        assert_int_equal(t.replies[i].tokens_in, 100);
        assert_int_equal(t.replies[i].tokens_out, 20);
    }
    json_t *seen = scripted_seen(&t.s);
    assert_int_equal(json_integer_value(json_object_get(seen, "n")), 5);
    assert_string_equal(json_string_value(field(seen, 0, "form")), "json_schema");
    assert_string_equal(json_string_value(field(seen, 0, "purpose")), "name");
    assert_string_equal(json_string_value(field(seen, 0, "key")), question.key);
    assert_string_equal(json_string_value(field(seen, 0, "authorization")), "Bearer sk-secret-17");
    assert_int_equal(json_integer_value(field(seen, 0, "limit")), 77);
    assert_int_equal(json_integer_value(field(seen, 0, "temperature")), 0);
    assert_true(json_is_integer(field(seen, 0, "temperature")));
    assert_int_equal(json_integer_value(field(seen, 0, "seed")), 1);
    json_decref(seen);
    struct ed_chat_stats stats;
    ed_chat_stats(t.chat, &stats);
    assert_int_equal(stats.endings[ED_ENDING_WELL], 5);
    assert_int_equal(stats.form_proven, 1);
    talk_end(&t);
}

TEST(what_is_nonsense_but_well_formed_comes_through_as_it_is)
{
    static const struct {
        const char *how, *holds;
    } mangles[] = {{"wrong_schema", "name_"},
                   {"unknown_ids", "E999999999"},
                   {"control", "ev\\u0000il"},
                   {"duplicate_ids", "E1"},
                   {"long", "Two trains"}};
    for (size_t i = 0; i < sizeof mangles / sizeof *mangles; i++) {
        char script[200];
        struct talk t;
        snprintf(script, sizeof script, "{\"do\": \"mangle\", \"how\": \"%s\"}\n", mangles[i].how);
        talk_start(&t, script, NULL);
        ask(&t, 1);
        assert_int_equal(t.replies[0].status, EDDY_OK);
        assert_non_null(strstr(t.replies[0].text.at, mangles[i].holds));
        assert_int_equal(scripted_count(&t.s), 1);
        talk_end(&t);
    }
}

TEST(thoughts_before_an_answer_and_answers_in_parts_are_understood)
{
    struct talk t;
    talk_start(
        &t,
        "{\"nth\": 1, \"do\": \"answer\", \"content\": \"<think>E2? no\\n</think>\\n\\n"
        "{\\\"event\\\": \\\"E1\\\"}\"}\n"
        "{\"nth\": 2, \"do\": \"answer\", \"content\": [{\"type\": \"thinking\"}, {\"type\": "
        "\"text\", \"text\": \"{\\\"event\\\": \"}, {\"type\": \"text\", \"text\": "
        "\"\\\"E1\\\"}\"}]}\n",
        NULL);
    ask(&t, 2);
    is_object(&t.replies[0]);
    is_object(&t.replies[1]);
    assert_string_equal(t.replies[1].text.at, "{\"event\": \"E1\"}");
    talk_end(&t);
}

/* Found with a real server: llama-cpp-python's grammar lets them through. */
TEST(raw_controls_in_strings_are_escaped_and_nothing_else_is_touched)
{
    struct talk t;
    talk_start(&t,
               "{\"nth\": 1, \"do\": \"answer\", \"content\": \"{\\n\\\"event\\\": "
               "\\\"E1\\\", \\\"name\\\": \\\"a\\nb\\u0012 \\\\\\\" \\\\n\\\"}\"}\n"
               "{\"nth\": 2, \"do\": \"answer\", \"content\": \"{\\\"event\\\": \\\"a\\nb\"}\n",
               NULL);
    ask(&t, 2);
    is_object(&t.replies[0]);
    assert_string_equal(t.replies[0].text.at,
                        "{\n\"event\": \"E1\", \"name\": \"a\\u000ab\\u0012 \\\" \\n\"}");
    assert_string_equal(t.replies[1].text.at, "{\"event\": \"a\nb"); /* beyond help */
    talk_end(&t);
}

/* ---- the ladder ---- */

TEST(each_endpoint_is_asked_in_the_strictest_form_it_takes)
{
    static const char *const forms[] = {"json_schema", "json_object+schema", "json_object", "text"};
    for (int i = 0; i < ED_FORMS; i++) {
        struct talk t;
        struct ed_chat_stats stats;
        talk_start(&t, "", (const char *const[]){"--forms", forms[i], NULL});
        ask(&t, 6);
        for (int k = 0; k < 6; k++)
            is_object(&t.replies[k]);
        assert_int_equal(scripted_count(&t.s), 6 + i); /* one found out for all */
        ed_chat_stats(t.chat, &stats);
        assert_int_equal(stats.form, i);
        assert_int_equal(stats.form_proven, 1);
        ask(&t, 1);
        assert_int_equal(scripted_count(&t.s), 7 + i); /* and it is remembered */
        talk_end(&t);
    }
}

TEST(a_form_that_is_taken_but_not_kept_to_is_left)
{
    static const char *const scripts[] = {
        "{\"form\": \"json_schema\", \"do\": \"mangle\", \"how\": \"fenced\"}",
        "{\"form\": \"json_schema\", \"do\": \"spin\"}",
        "{\"form\": \"json_schema\", \"do\": \"status\", \"status\": 500, \"body\": {\"error\": "
        "{\"message\": \"failed to parse grammar\"}}}",
        "{\"form\": \"json_schema\", \"do\": \"status\", \"status\": 422, \"body\": {\"detail\": "
        "[{\"loc\": [\"body\", \"response_format\"]}]}}"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct talk t;
        struct ed_chat_stats stats;
        talk_start(&t, scripts[i], NULL);
        ask(&t, 4);
        for (int k = 0; k < 4; k++)
            is_object(&t.replies[k]);
        assert_int_equal(scripted_count(&t.s), 5);
        ed_chat_stats(t.chat, &stats);
        assert_int_equal(stats.form, ED_FORM_OBJECT_SCHEMA);
        talk_end(&t);
    }
}

TEST(where_no_form_is_kept_to_the_text_is_what_there_is)
{
    struct talk t;
    talk_start(&t, "{\"do\": \"mangle\", \"how\": \"chatty\"}", NULL);
    ask(&t, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(t.replies[i].status, EDDY_OK);
        assert_memory_equal(t.replies[i].text.at, "Let me think.", 13);
    }
    assert_int_equal(t.replies[0].tokens_out, 4 * 20); /* what was paid for is counted */
    assert_int_equal(scripted_count(&t.s), ED_FORMS + 2);
    talk_end(&t);
}

TEST(one_bad_answer_leads_nobody_away_from_a_form_that_was_good)
{
    struct talk t;
    struct ed_chat_stats stats;
    talk_start(
        &t,
        "{\"nth\": 2, \"do\": \"mangle\", \"how\": \"chatty\"}\n"
        "{\"nth\": 3, \"do\": \"spin\"}\n"
        "{\"nth\": 4, \"do\": \"status\", \"status\": 400, \"body\": {\"error\": {\"message\": "
        "\"This model's maximum context length is 4096 tokens.\"}}}\n",
        NULL);
    ask(&t, 1);
    for (int i = 0; i < 3; i++)
        ask(&t, 1);
    assert_int_equal(t.replies[0].status, EDDY_FORMAT);
    assert_non_null(strstr(t.replies[0].detail, "maximum context length"));
    assert_int_equal(scripted_count(&t.s), 4);
    ed_chat_stats(t.chat, &stats);
    assert_int_equal(stats.form, ED_FORM_SCHEMA);
    talk_end(&t);
}

TEST(parameters_that_an_endpoint_does_not_know_are_left_out)
{
    struct talk t;
    talk_start(
        &t,
        "{\"nth\": 1, \"do\": \"status\", \"status\": 400, \"body\": {\"error\": {\"message\": "
        "\"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.\"}}}\n"
        "{\"nth\": 2, \"do\": \"status\", \"status\": 400, \"body\": {\"error\": {\"message\": "
        "\"Unsupported value: 'temperature' does not support 0\"}}}\n"
        "{\"nth\": 3, \"do\": \"status\", \"status\": 422, \"body\": {\"detail\": [{\"type\": "
        "\"extra_forbidden\", \"loc\": [\"body\", \"seed\"]}]}}\n",
        NULL);
    ask(&t, 3);
    for (int i = 0; i < 3; i++)
        is_object(&t.replies[i]);
    json_t *seen = scripted_seen(&t.s);
    assert_int_equal(json_integer_value(json_object_get(seen, "n")), 6);
    for (size_t i = 3; i < 6; i++) {
        assert_string_equal(json_string_value(field(seen, i, "form")), "json_schema");
        assert_true(json_is_null(field(seen, i, "limit")));
        assert_int_equal(json_integer_value(field(seen, i, "later_limit")), 77);
        assert_true(json_is_null(field(seen, i, "temperature")));
        assert_true(json_is_null(field(seen, i, "seed")));
    }
    json_decref(seen);
    talk_end(&t);
}

/* ---- failures ---- */

TEST(each_ending_that_is_none_has_a_name_and_is_asked_once)
{
    static const struct {
        const char *what, *says;
    } endings[] = {
        {"\"answer\", \"content\": \"{\\\"name\\\": \\\"Tr\", \"finish\": \"length\"", "cut off"},
        {"\"spin\"", "cut off"},
        {"\"answer\", \"content\": \"x\", \"finish\": \"content_filter\"", "filtered"},
        {"\"answer\", \"content\": null, \"message\": {\"refusal\": \"I cannot.\"}", "refuses"},
        {"\"answer\", \"content\": null, \"message\": {\"tool_calls\": [{\"id\": \"1\"}]}",
         "a tool"},
        {"\"answer\", \"content\": \"\"", "empty"},
        {"\"answer\", \"content\": null", "empty"},
        {"\"answer\", \"content\": \" \\n\\t \"", "empty"},
        {"\"answer\", \"content\": []", "empty"},
        {"\"answer\", \"body\": {}", "not a chat completion"},
        {"\"answer\", \"body\": [1, 2]", "not a chat completion"},
        {"\"answer\", \"body\": {\"choices\": []}", "not a chat completion"},
        {"\"answer\", \"body\": {\"choices\": [{\"message\": \"hello\"}]}",
         "not a chat completion"},
        {"\"answer\", \"body\": {\"choices\": {\"0\": {}}}", "not a chat completion"},
        {"\"garbage\"", "not a chat completion"},
        {"\"cut\"", "not a chat completion"},
        {"\"long\", \"bytes\": 1e7", "larger than"},
        {"\"bomb\", \"bytes\": 1e9", "larger than"},
        {"\"endless\"", "larger than"},
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char script[300];
        struct talk t;
        snprintf(script, sizeof script, "{\"nth\": 2, \"do\": %s}\n", endings[i].what);
        talk_start(&t, script, NULL);
        ask(&t, 1); /* proves the form */
        ask(&t, 1);
        assert_int_equal(t.replies[0].status, EDDY_FORMAT);
        assert_null(t.replies[0].text.at);
        if (!strstr(t.replies[0].detail, endings[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", endings[i].what, t.replies[0].detail,
                     endings[i].says);
        assert_int_equal(scripted_count(&t.s), 2);
        talk_end(&t);
    }
}

TEST(an_empty_answer_is_no_endless_loop_even_where_nothing_is_proven)
{
    struct talk t;
    talk_start(&t, "{\"do\": \"answer\", \"content\": \"\"}\n", NULL);
    ask(&t, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(t.replies[i].status, EDDY_FORMAT);
    assert_int_equal(scripted_count(&t.s), 4);
    talk_end(&t);
}

TEST(each_failure_of_http_is_said_in_words_that_help)
{
    static const struct {
        const char *what;
        eddy_status status;
        const char *says;
        size_t asked;
    } failures[] = {
        {"\"status\", \"status\": 401", EDDY_CONFIG, "the key is refused; it says: as the script",
         1},
        {"\"status\", \"status\": 403", EDDY_CONFIG, "the key is refused", 1},
        {"\"status\", \"status\": 402", EDDY_CONFIG, "nothing left", 1},
        {"\"status\", \"status\": 404", EDDY_CONFIG, "ends in /v1", 1},
        {"\"redirect\", \"to\": \"file:///etc/passwd\"", EDDY_CONFIG, "status 302", 1},
        {"\"status\", \"status\": 429, \"body\": {\"error\": {\"code\": \"insufficient_quota\"}}",
         EDDY_CONFIG, "nothing left", 1},
        {"\"status\", \"status\": 400", EDDY_FORMAT, "does not understand", 4 * ED_FORMS},
        {"\"status\", \"status\": 413", EDDY_FORMAT, "too large", 4},
        {"\"status\", \"status\": 429", EDDY_UNAVAILABLE, "status 429", 8},
        {"\"status\", \"status\": 500", EDDY_UNAVAILABLE, "status 500", 8},
        {"\"hang\"", EDDY_UNAVAILABLE, "stalled", 8},
        {"\"reset\"", EDDY_UNAVAILABLE, "at attempt 2", 8},
    };
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        char script[300];
        struct talk t;
        snprintf(script, sizeof script, "{\"do\": %s}\n", failures[i].what);
        stall_ms = strcmp(failures[i].what, "\"hang\"") == 0 ? 500 : 10000;
        talk_start(&t, script, NULL);
        ask(&t, 4);
        int hangs = strcmp(failures[i].what, "\"hang\"") == 0;
        uint64_t attempts = 0;
        for (int k = 0; k < 4; k++) {
            assert_int_equal(t.replies[k].status, failures[i].status);
            assert_int_equal(t.replies[k].tokens_in, hangs ? 2 * 900 : 0); /* both were sent */
            attempts += t.replies[k].attempts;
            if (!strstr(t.replies[k].detail, failures[i].says))
                fail_msg("%s: \"%s\" does not say \"%s\"", failures[i].what, t.replies[k].detail,
                         failures[i].says);
        }
        assert_int_equal(scripted_count(&t.s), failures[i].asked);
        assert_int_equal(attempts, failures[i].asked);
        stall_ms = 10000;
        talk_end(&t);
    }
}

TEST(what_the_breaker_holds_back_counts_as_no_call)
{
    struct talk t;
    failures_max = 2;
    talk_start(&t, "{\"do\": \"status\", \"status\": 500}\n", NULL);
    failures_max = 1000;
    ask(&t, 1);
    assert_int_equal(t.replies[0].attempts, 2);
    ask(&t, 3);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(t.replies[k].status, EDDY_UNAVAILABLE);
        assert_non_null(strstr(t.replies[k].detail, "not asked"));
        assert_int_equal(t.replies[k].attempts, 0);
        assert_int_equal(t.replies[k].tokens_in, 0);
    }
    assert_int_equal(scripted_count(&t.s), 2);
    talk_end(&t);
}

TEST(an_endpoint_that_repeats_question_or_key_is_not_quoted)
{
    static const struct {
        const char *message;
        int quoted;
    } said[] = {{"the model tiny is not loaded here", 1},
                {"cannot make anything of: Two trains collided near Tempe on the night", 0},
                {"wrong: name events. Two", 1},     /* too short to be a quotation */
                {"wrong: You name events. Two", 0}, /* all of a short one */
                {"Incorrect API key provided: sk-secret-17.", 0}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        char script[300];
        struct talk t;
        snprintf(script, sizeof script,
                 "{\"do\": \"status\", \"status\": 403, \"body\": {\"error\": \"%s\"}}\n",
                 said[i].message);
        talk_start(&t, script, NULL);
        ask(&t, 1);
        assert_int_equal(strstr(t.replies[0].detail, said[i].message) != NULL, said[i].quoted);
        assert_null(strstr(t.replies[0].detail, "sk-secret-17"));
        assert_null(strstr(t.replies[0].detail, "trains collided"));
        talk_end(&t);
    }
}

/* ---- stop, memory, records ---- */

static void *ask_in_thread(void *p)
{
    ask(p, 8);
    return NULL;
}

TEST(a_stop_ends_a_call_that_hangs)
{
    struct talk t;
    pthread_t thread;
    talk_start(&t, "{\"nth\": [2, 99], \"do\": \"hang\"}\n", NULL);
    pthread_create(&thread, NULL, ask_in_thread, &t);
    usleep(400000);
    struct ed_chat_stats stats;
    ed_chat_stats(t.chat, &stats);
    int64_t begin = ed_monotonic_ms();
    ed_chat_stop(t.chat);
    pthread_join(thread, NULL);
    assert_true(ed_monotonic_ms() - begin < 100 * SLOW);
    is_object(&t.replies[0]);
    for (int i = 1; i < 8; i++)
        assert_int_equal(t.replies[i].status, EDDY_STOPPED);
    talk_end(&t);
}

TEST(real_answers_are_recorded_once_and_replayed)
{
    struct talk real, between, again;
    char file[] = "/tmp/eddy-record-XXXXXX";
    close(mkstemp(file));
    talk_start(&real, "", NULL);
    talk_start(&between, "",
               (const char *const[]){"--record", file, "--upstream", real.s.url, NULL});
    ask(&between, 3);
    assert_int_equal(scripted_count(&real.s), 3);
    talk_end(&between);
    talk_end(&real);

    talk_start(&again, "", (const char *const[]){"--replay", file, NULL});
    ask(&again, 3);
    for (int i = 0; i < 3; i++)
        is_object(&again.replies[i]);
    eddy_request other = question;
    other.key[0] = 'f';
    again.completer.complete(again.completer.self, &other, 1, again.arena, again.replies);
    assert_int_equal(again.replies[0].status, EDDY_FORMAT);
    assert_non_null(strstr(again.replies[0].detail, "not recorded"));
    talk_end(&again);
    unlink(file);
}

TEST(a_call_survives_any_lost_allocation)
{
    struct scripted s;
    int good = 0;
    scripted_start(&s, "", NULL);
    EACH_ALLOC_FAILS (k) {
        struct ed_chat_options o;
        struct ed_chat *chat = NULL;
        eddy_arena *arena = eddy_arena_new(0);
        eddy_reply reply = {.status = EDDY_NOMEM};
        ed_chat_options_init(&o);
        o.http.url = s.url;
        o.model = "tiny";
        eddy_status st = ed_chat_new(&o, &chat, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !chat));
        if (chat && arena) {
            eddy_completer c = ed_chat_completer(chat);
            c.complete(c.self, &question, 1, arena, &reply);
        }
        assert_true(reply.status == EDDY_OK || reply.status == EDDY_NOMEM);
        good += reply.status == EDDY_OK;
        ed_chat_free(chat);
        eddy_arena_free(arena);
    }
    assert_true(good >= 1);
    scripted_end(&s);
}

TEST(a_chat_needs_a_model_and_takes_the_whole_path_as_well)
{
    struct ed_chat_options o;
    struct ed_chat *chat = NULL;
    eddy_error err = {0};
    ed_chat_options_init(&o);
    o.http.url = "https://llm.example/v1";
    assert_int_equal(ed_chat_new(&o, &chat, &err), EDDY_CONFIG);
    assert_non_null(strstr(err.text, "model"));
    static const char *const tails[] = {"", "/", "/chat/completions", "/chat/completions?x=1"};
    struct talk t;
    talk_start(&t, "", NULL);
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        char url[200];
        snprintf(url, sizeof url, "%s%s", t.s.url, tails[i]);
        o.http.url = url;
        o.model = "tiny";
        CHECK_OK(ed_chat_new(&o, &chat, NULL), &err);
        eddy_completer c = ed_chat_completer(chat);
        c.complete(c.self, &question, 1, t.arena, t.replies);
        is_object(&t.replies[0]);
        ed_chat_free(chat);
    }
    talk_end(&t);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_asked_with_its_limits_and_answered_with_its_price),
        cmocka_unit_test(what_is_nonsense_but_well_formed_comes_through_as_it_is),
        cmocka_unit_test(thoughts_before_an_answer_and_answers_in_parts_are_understood),
        cmocka_unit_test(raw_controls_in_strings_are_escaped_and_nothing_else_is_touched),
        cmocka_unit_test(each_endpoint_is_asked_in_the_strictest_form_it_takes),
        cmocka_unit_test(a_form_that_is_taken_but_not_kept_to_is_left),
        cmocka_unit_test(where_no_form_is_kept_to_the_text_is_what_there_is),
        cmocka_unit_test(one_bad_answer_leads_nobody_away_from_a_form_that_was_good),
        cmocka_unit_test(parameters_that_an_endpoint_does_not_know_are_left_out),
        cmocka_unit_test(each_ending_that_is_none_has_a_name_and_is_asked_once),
        cmocka_unit_test(an_empty_answer_is_no_endless_loop_even_where_nothing_is_proven),
        cmocka_unit_test(each_failure_of_http_is_said_in_words_that_help),
        cmocka_unit_test(what_the_breaker_holds_back_counts_as_no_call),
        cmocka_unit_test(an_endpoint_that_repeats_question_or_key_is_not_quoted),
        cmocka_unit_test(a_stop_ends_a_call_that_hangs),
        cmocka_unit_test(real_answers_are_recorded_once_and_replayed),
        cmocka_unit_test(a_call_survives_any_lost_allocation),
        cmocka_unit_test(a_chat_needs_a_model_and_takes_the_whole_path_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
