/* Messages: golden lines for each kind, headers, ids that tell messages apart, hostile text. */
#include "test.h"

#include "base/time.h"
#include "base/utf8.h"
#include "publish/publish.h"

#include <jansson.h>
#include <math.h>

#define STR(s) ((eddy_str){(s), sizeof(s) - 1})

/* An epoch with its arena. */
static struct ed_epoch epoch_new(void)
{
    struct ed_epoch epoch;
    ed_epoch_init(&epoch, eddy_arena_new(0));
    assert_non_null(epoch.arena);
    return epoch;
}

static void epoch_free(struct ed_epoch *epoch)
{
    eddy_arena_free(epoch->arena);
    ed_epoch_clear(epoch);
}

static const struct ed_message *last(const struct ed_epoch *epoch)
{
    assert_true(epoch->n_messages > 0);
    return &epoch->messages[epoch->n_messages - 1];
}

static void must_be(const struct ed_message *m, const char *key, const char *value)
{
    assert_string_equal(m->key.at, key);
    assert_int_equal(m->key.n, strlen(key));
    assert_string_equal(m->value.at, value);
    assert_int_equal(m->value.n, strlen(value));
}

static const char *header(const struct ed_message *m, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < m->n_headers; i++)
        if (!strcmp(m->headers[i].name, name))
            value = m->headers[i].value.at;
    if (!value)
        fail_msg("no header %s", name);
    return value;
}

static const eddy_doc doc = {
    .id = {"n17", 3}, .time_ms = INT64_C(1936513800000), .position = {"news", 2, 17}};

static const eddy_assignment assignment = {.position = 1042,
                                           .event = 12,
                                           .group = 34,
                                           .similarity = 0.61F,
                                           .threshold = 0.43F,
                                           .runner_up = 3,
                                           .runner_up_similarity = 0.22F,
                                           .confidence = 0.93F,
                                           .n_memberships = 2,
                                           .memberships = {{12, 0.8F}, {3, 0.2F}}};

TEST(an_assignment)
{
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    CHECK_OK(ed_publish_assignment(&p, &epoch, &doc, &assignment, &err), &err);
    must_be(last(&epoch), "n17",
            "{\"id\":\"n17\",\"event\":\"E12\",\"group\":\"G34\",\"founded\":false,"
            "\"similarity\":0.61,\"threshold\":0.43,\"runner_up\":\"E3\","
            "\"runner_up_similarity\":0.22,\"confidence\":0.93,\"memberships\":["
            "{\"event\":\"E12\",\"weight\":0.8},{\"event\":\"E3\",\"weight\":0.2}],"
            "\"position\":1042,\"time\":\"2031-05-14T08:30:00.000Z\","
            "\"source\":{\"topic\":\"news\",\"partition\":2,\"offset\":17}}");
    assert_int_equal(last(&epoch)->topic, ED_ASSIGNMENTS);
    assert_int_equal(last(&epoch)->time_ms, doc.time_ms);
    assert_string_equal(header(last(&epoch), "ce_specversion"), "1.0");
    assert_string_equal(header(last(&epoch), "ce_id"), "news-2-17");
    assert_string_equal(header(last(&epoch), "ce_source"), "eddy/news");
    assert_string_equal(header(last(&epoch), "ce_type"), "eddy.assignment");
    assert_string_equal(header(last(&epoch), "ce_subject"), "n17");
    assert_string_equal(header(last(&epoch), "ce_time"), "2031-05-14T08:30:00.000Z");
    assert_string_equal(header(last(&epoch), "content-type"), "application/json");
    for (size_t i = 0; i < last(&epoch)->n_headers; i++)
        assert_int_equal(last(&epoch)->headers[i].value.n,
                         strlen(last(&epoch)->headers[i].value.at));
    epoch_free(&epoch);
}

TEST(an_assignment_that_founded_an_event)
{
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    eddy_assignment a = {.event = 1,
                         .group = 1,
                         .founded = 1,
                         .threshold = 0.4F,
                         .confidence = 1,
                         .n_memberships = 1,
                         .memberships = {{1, 1}}};
    CHECK_OK(ed_publish_assignment(&p, &epoch, &doc, &a, &err), &err);
    must_be(last(&epoch), "n17",
            "{\"id\":\"n17\",\"event\":\"E1\",\"group\":\"G1\",\"founded\":true,"
            "\"similarity\":null,\"threshold\":0.4,\"runner_up\":null,"
            "\"runner_up_similarity\":null,\"confidence\":1,\"memberships\":["
            "{\"event\":\"E1\",\"weight\":1}],\"position\":0,"
            "\"time\":\"2031-05-14T08:30:00.000Z\","
            "\"source\":{\"topic\":\"news\",\"partition\":2,\"offset\":17}}");
    epoch_free(&epoch);
}

TEST(changes_say_what_means_something)
{
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    eddy_change merged = {.kind = EDDY_MERGED,
                          .position = 7,
                          .time_ms = 1500,
                          .event = 12,
                          .other = 3,
                          .size_before = 4,
                          .other_before = 9,
                          .other_after = 13,
                          .similarity = 0.61F,
                          .threshold = 0.43F};
    eddy_change folded = {.kind = EDDY_FOLDED,
                          .position = 7,
                          .event = 3,
                          .group = 34,
                          .into_group = 9,
                          .size_before = 13,
                          .size_after = 13,
                          .similarity = 0.7F,
                          .threshold = 0.4F};
    eddy_change grew = {
        .kind = EDDY_GREW, .position = 8, .event = 3, .size_before = 9.5, .size_after = 13};
    CHECK_OK(ed_publish_change(&p, &epoch, &merged, &err), &err);
    must_be(last(&epoch), "E12",
            "{\"id\":\"news-7-0\",\"kind\":\"merged\",\"event\":\"E12\",\"other\":\"E3\","
            "\"position\":7,\"time\":\"1970-01-01T00:00:01.500Z\",\"size_before\":4,"
            "\"size_after\":0,\"other_before\":9,\"other_after\":13,\"similarity\":0.61,"
            "\"threshold\":0.43,\"actor\":\"online\"}");
    assert_string_equal(header(last(&epoch), "ce_type"), "eddy.change.merged");
    CHECK_OK(ed_publish_change(&p, &epoch, &folded, &err), &err);
    must_be(last(&epoch), "E3",
            "{\"id\":\"news-7-1\",\"kind\":\"folded\",\"event\":\"E3\",\"group\":\"G34\","
            "\"into_group\":\"G9\",\"position\":7,\"time\":\"1970-01-01T00:00:00.000Z\","
            "\"size_before\":13,\"size_after\":13,\"similarity\":0.7,\"threshold\":0.4,"
            "\"actor\":\"online\"}");
    CHECK_OK(ed_publish_change(&p, &epoch, &grew, &err), &err);
    must_be(last(&epoch), "E3",
            "{\"id\":\"news-8-0\",\"kind\":\"grew\",\"event\":\"E3\",\"position\":8,"
            "\"time\":\"1970-01-01T00:00:00.000Z\",\"size_before\":9.5,\"size_after\":13,"
            "\"actor\":\"online\"}");
    epoch_free(&epoch);
}

TEST(changes_by_operations_say_who_and_why)
{
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    eddy_change linked = {.kind = EDDY_LINKED,
                          .position = 7,
                          .event = 3,
                          .other = 4,
                          .size_before = 13,
                          .size_after = 13,
                          .other_before = 2,
                          .other_after = 2,
                          .similarity = 0.5F,
                          .threshold = 0.25F,
                          .actor = EDDY_LLM,
                          .operation = 17,
                          .strength = -0.5,
                          .evidence = {"another \"crane\"", 15}};
    eddy_change undone = {.kind = EDDY_UNDONE,
                          .position = 7,
                          .event = 3,
                          .size_before = 13,
                          .size_after = 13,
                          .actor = EDDY_PERSON,
                          .operation = 18,
                          .undone = 17};
    CHECK_OK(ed_publish_change(&p, &epoch, &linked, &err), &err);
    must_be(last(&epoch), "E3",
            "{\"id\":\"news-7-0\",\"kind\":\"linked\",\"event\":\"E3\",\"other\":\"E4\","
            "\"position\":7,\"time\":\"1970-01-01T00:00:00.000Z\",\"size_before\":13,"
            "\"size_after\":13,\"other_before\":2,\"other_after\":2,\"similarity\":0.5,"
            "\"threshold\":0.25,\"strength\":-0.5,\"actor\":\"llm\",\"operation\":17,"
            "\"evidence\":\"another \\\"crane\\\"\"}");
    assert_string_equal(header(last(&epoch), "ce_type"), "eddy.change.linked");
    CHECK_OK(ed_publish_change(&p, &epoch, &undone, &err), &err);
    must_be(last(&epoch), "E3",
            "{\"id\":\"news-7-1\",\"kind\":\"undone\",\"event\":\"E3\",\"position\":7,"
            "\"time\":\"1970-01-01T00:00:00.000Z\",\"size_before\":13,\"size_after\":13,"
            "\"actor\":\"person\",\"operation\":18,\"undone\":17}");
    eddy_change reassigned = {.kind = EDDY_REASSIGNED,
                              .position = 9,
                              .event = 3,
                              .other = 4,
                              .group = 34,
                              .into_group = 9,
                              .size_before = 13,
                              .size_after = 14,
                              .other_before = 2,
                              .other_after = 1,
                              .similarity = 0.5F,
                              .threshold = 0.25F,
                              .actor = EDDY_LLM,
                              .operation = 19,
                              .document = 5,
                              .document_id = {"n17", 3}};
    CHECK_OK(ed_publish_change(&p, &epoch, &reassigned, &err), &err);
    must_be(last(&epoch), "E3",
            "{\"id\":\"news-9-0\",\"kind\":\"reassigned\",\"event\":\"E3\",\"other\":\"E4\","
            "\"group\":\"G34\",\"into_group\":\"G9\",\"document\":\"n17\","
            "\"document_position\":5,\"position\":9,\"time\":\"1970-01-01T00:00:00.000Z\","
            "\"size_before\":13,\"size_after\":14,\"other_before\":2,\"other_after\":1,"
            "\"similarity\":0.5,\"threshold\":0.25,\"actor\":\"llm\",\"operation\":19}");
    epoch_free(&epoch);
}

TEST(signals)
{
    struct ed_publisher p = {.pipeline = "news", .shard = 1, .n_shards = 2};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    eddy_change burst = {.kind = EDDY_BURST,
                         .position = 7,
                         .event = 3,
                         .size_before = 13,
                         .size_after = 13,
                         .time_ms = 120000,
                         .start_ms = 60000,
                         .observed = 12,
                         .expected = 1.5,
                         .statistic = 250000,
                         .incident = 2};
    CHECK_OK(ed_publish_change(&p, &epoch, &burst, &err), &err);
    must_be(last(&epoch), "E6",
            "{\"id\":\"news.1-7-0\",\"kind\":\"burst\",\"event\":\"E6\",\"position\":7,"
            "\"time\":\"1970-01-01T00:02:00.000Z\",\"size_before\":13,\"size_after\":13,"
            "\"start\":\"1970-01-01T00:01:00.000Z\",\"observed\":12,\"expected\":1.5,\"lift\":8,"
            "\"statistic\":250000,\"incident\":\"I4\",\"actor\":\"online\"}");
    assert_string_equal(header(last(&epoch), "ce_type"), "eddy.change.burst");
    burst.kind = EDDY_TREND;
    burst.observed = 1;
    burst.incident = 0;
    CHECK_OK(ed_publish_change(&p, &epoch, &burst, &err), &err);
    assert_non_null(strstr(last(&epoch)->value.at, "\"lift\":0.666667,\"direction\":\"down\","
                                                   "\"actor\""));
    eddy_event event = {.id = 3,
                        .version = 2,
                        .size = 2,
                        .seen = 9,
                        .name = {"The crane", 9},
                        .signal = EDDY_SIGNAL_BURST,
                        .signal_ms = 60000,
                        .incident = 2};
    CHECK_OK(ed_publish_event(&p, &epoch, &event, 0, &err), &err);
    assert_non_null(strstr(last(&epoch)->value.at,
                           "\"size\":2,\"seen\":9,\"signal\":\"burst\",\"signal_since\":"
                           "\"1970-01-01T00:01:00.000Z\",\"incident\":\"I4\",\"weight\""));
    epoch_free(&epoch);
}

/* A name that was given, and a pin, are told only where there are. */
TEST(an_event_with_a_given_name)
{
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    eddy_event event = {
        .id = 12, .version = 2, .name = {"The crane", 9}, .named_by = EDDY_PERSON, .pinned = 1};
    CHECK_OK(ed_publish_event(&p, &epoch, &event, 0, &err), &err);
    const char *json = last(&epoch)->value.at;
    assert_non_null(
        strstr(json, "\"name\":\"The crane\",\"named_by\":\"person\",\"pinned\":true,\"topic"));
    event.named_by = EDDY_ONLINE;
    event.pinned = 0;
    CHECK_OK(ed_publish_event(&p, &epoch, &event, 0, &err), &err);
    assert_non_null(strstr(last(&epoch)->value.at, "\"name\":\"The crane\",\"topic\":null"));
    event.summary = STR("It fell.");
    event.category = STR("accident");
    event.described_by = EDDY_LLM;
    event.topic = EDDY_TOPIC_ID(3);
    event.theme = EDDY_TOPIC_ID(1);
    CHECK_OK(ed_publish_event(&p, &epoch, &event, 0, &err), &err);
    assert_non_null(strstr(last(&epoch)->value.at,
                           "\"summary\":\"It fell.\",\"category\":\"accident\","
                           "\"described_by\":\"llm\",\"topic\":\"T3\",\"theme\":\"T1\","));
    epoch_free(&epoch);
}

TEST(a_topic_and_its_end)
{
    struct ed_publisher p = {.pipeline = "news", .shard = 1, .n_shards = 2};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    eddy_topic t = {.id = EDDY_TOPIC_ID(2),
                    .version = 5,
                    .stream_ms = 3000,
                    .parent = EDDY_TOPIC_ID(1),
                    .level = 1,
                    .name = STR("Harbour"),
                    .named_by = EDDY_LLM,
                    .description = STR("What happens at the harbour."),
                    .described_by = EDDY_LLM,
                    .documents = 41,
                    .n_events = 3,
                    .n_children = 3,
                    .n_keywords = 2,
                    .keywords = {STR("crane"), STR("quay")}};
    CHECK_OK(ed_publish_topic(&p, &epoch, &t, &err), &err);
    must_be(last(&epoch), "T4",
            "{\"id\":\"T4\",\"type\":\"topic\",\"version\":5,\"state\":\"active\","
            "\"merged_into\":null,\"parent\":\"T2\",\"name\":\"Harbour\","
            "\"named_by\":\"llm\",\"summary\":\"What happens at the harbour.\","
            "\"described_by\":\"llm\",\"keywords\":[\"crane\",\"quay\"],\"size\":41,"
            "\"events\":3,\"children\":3,\"stream_time\":\"1970-01-01T00:00:03.000Z\"}");
    assert_string_equal(header(last(&epoch), "ce_id"), "news-T4-5");
    assert_string_equal(header(last(&epoch), "ce_type"), "eddy.topic");
    t = (eddy_topic){.id = EDDY_TOPIC_ID(2),
                     .version = 6,
                     .stream_ms = 3000,
                     .level = 2,
                     .state = EDDY_STATE_MERGED,
                     .merged_into = EDDY_TOPIC_ID(3)};
    CHECK_OK(ed_publish_topic(&p, &epoch, &t, &err), &err);
    must_be(last(&epoch), "T4",
            "{\"id\":\"T4\",\"type\":\"theme\",\"version\":6,\"state\":\"merged\","
            "\"merged_into\":\"T6\",\"stream_time\":\"1970-01-01T00:00:03.000Z\"}");
    eddy_change undone = {.kind = EDDY_UNDONE, .event = EDDY_TOPIC_ID(2), .undone = 7};
    CHECK_OK(ed_publish_change(&p, &epoch, &undone, &err), &err);
    assert_int_equal(last(&epoch)->key.n, 2);
    assert_memory_equal(last(&epoch)->key.at, "T4", 2);
    epoch_free(&epoch);
}

TEST(ids_of_changes_do_not_depend_on_epochs)
{
    struct ed_publisher p = {.pipeline = "x"};
    eddy_change c = {.kind = EDDY_MOVED, .position = 5, .event = 1, .other = 2};
    const char *want[] = {"x-5-0", "x-5-1", "x-5-2", "x-6-0"};
    for (int i = 0; i < 4; i++) {
        struct ed_epoch epoch = epoch_new();
        eddy_error err = {0};
        c.position = i < 3 ? 5 : 6;
        CHECK_OK(ed_publish_change(&p, &epoch, &c, &err), &err);
        assert_string_equal(header(last(&epoch), "ce_id"), want[i]);
        epoch_free(&epoch);
    }
}

TEST(an_event_and_its_redirect)
{
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    eddy_event e = {.id = 12,
                    .version = 7,
                    .parent = 4,
                    .size = 41,
                    .seen = 52,
                    .weight = 40.25,
                    .first_ms = 1000,
                    .last_ms = 2000,
                    .cohesion = 0.52F,
                    .n_groups = 3,
                    .name = STR("Crane falls"),
                    .indexes = {12, 3, 0.5, NAN, 0.25, 0.75, 0},
                    .n_similar = 1,
                    .n_keywords = 1,
                    .n_exemplars = 1};
    e.similar[0].event = 3;
    e.similar[0].similarity = 0.25F;
    e.similar[0].threshold = 0.5F;
    e.similar[0].link = -4;
    e.keywords[0].word = STR("harbour");
    e.keywords[0].score = 3.1F;
    e.exemplars[0].id = STR("n17");
    e.exemplars[0].title = STR("Crane \"falls\"");
    e.exemplars[0].similarity = 0.8F;
    e.exemplars[0].time_ms = 1500;
    CHECK_OK(ed_publish_event(&p, &epoch, &e, 3000, &err), &err);
    must_be(last(&epoch), "E12",
            "{\"id\":\"E12\",\"version\":7,\"state\":\"active\",\"merged_into\":null,"
            "\"parent\":\"E4\",\"name\":\"Crane falls\",\"topic\":null,\"theme\":null,"
            "\"keywords\":[{\"keyword\":\"harbour\","
            "\"score\":3.1}],\"exemplars\":[{\"id\":\"n17\",\"title\":\"Crane \\\"falls\\\"\","
            "\"similarity\":0.8,\"time\":\"1970-01-01T00:00:01.500Z\"}],\"size\":41,"
            "\"seen\":52,\"weight\":40.25,\"cohesion\":0.52,\"groups\":3,\"indexes\":{\"silhouette\":0.5,"
            "\"davies_bouldin\":null,\"compactness\":0.25,\"separation\":0.75,\"drift\":0},"
            "\"similar\":[{\"event\":\"E3\",\"similarity\":0.25,\"threshold\":0.5,"
            "\"link\":-4}],"
            "\"first_seen\":\"1970-01-01T00:00:01.000Z\","
            "\"last_seen\":\"1970-01-01T00:00:02.000Z\","
            "\"stream_time\":\"1970-01-01T00:00:03.000Z\"}");
    assert_string_equal(header(last(&epoch), "ce_id"), "news-E12-7");
    assert_string_equal(header(last(&epoch), "ce_type"), "eddy.event");
    e.state = EDDY_STATE_MERGED;
    e.merged_into = 3;
    e.version = 8;
    CHECK_OK(ed_publish_event(&p, &epoch, &e, 3000, &err), &err);
    must_be(last(&epoch), "E12",
            "{\"id\":\"E12\",\"version\":8,\"state\":\"merged\",\"merged_into\":\"E3\","
            "\"first_seen\":\"1970-01-01T00:00:01.000Z\","
            "\"last_seen\":\"1970-01-01T00:00:02.000Z\","
            "\"stream_time\":\"1970-01-01T00:00:03.000Z\"}");
    epoch_free(&epoch);
}

TEST(shards_never_share_an_id)
{
    /* Events 1 to 3 of each of three shards: nine ids. */
    char seen[10][8] = {{0}};
    int n = 0;
    for (uint32_t shard = 0; shard < 3; shard++)
        for (uint64_t event = 1; event <= 3; event++) {
            struct ed_publisher p = {.pipeline = "news", .shard = shard, .n_shards = 3};
            struct ed_epoch epoch = epoch_new();
            eddy_event picture = {
                .id = event, .version = 1, .state = EDDY_STATE_MERGED, .merged_into = 1};
            eddy_change change = {.kind = EDDY_BORN, .position = 7, .event = event};
            eddy_error err = {0};
            CHECK_OK(ed_publish_event(&p, &epoch, &picture, 0, &err), &err);
            CHECK_OK(ed_publish_change(&p, &epoch, &change, &err), &err);
            snprintf(seen[n], sizeof seen[n], "%.*s", (int)epoch.messages[0].key.n,
                     epoch.messages[0].key.at);
            for (int i = 0; i < n; i++)
                assert_string_not_equal(seen[i], seen[n]);
            n++;
            char text[40];
            snprintf(text, sizeof text, "\"merged_into\":\"E%u\"", shard + 1);
            assert_non_null(strstr(epoch.messages[0].value.at, text));
            snprintf(text, sizeof text, "{\"id\":\"news.%u-7-0\"", shard);
            assert_non_null(strstr(epoch.messages[1].value.at, text));
            assert_int_equal(epoch.messages[1].key.n, epoch.messages[0].key.n);
            assert_memory_equal(epoch.messages[1].key.at, seen[n - 1], epoch.messages[0].key.n);
            epoch_free(&epoch);
        }
}

TEST(text_from_outside_stays_inside_its_quotes)
{
    struct ed_publisher p = {.pipeline = "a\"b"};
    uint64_t seed = test_seed();
    for (int round = 0; round < 500; round++) {
        char id[40], topic[20] = "t\"\\\x01\xff";
        size_t n = 1 + test_random(&seed) % (sizeof id - 1);
        for (size_t i = 0; i < n; i++)
            id[i] = (char)test_random(&seed);
        struct ed_epoch epoch = epoch_new();
        eddy_error err = {0};
        eddy_doc bad = {
            .id = {id, n}, .time_ms = (int64_t)test_random(&seed), .position = {topic, -1, -1}};
        CHECK_OK(ed_publish_assignment(&p, &epoch, &bad, &assignment, &err), &err);
        const struct ed_message *m = last(&epoch);
        assert_int_equal(m->key.n, n); /* the key is the id, byte for byte */
        assert_memory_equal(m->key.at, id, n);
        assert_int_equal(ed_utf8_valid(m->value.at, m->value.n), m->value.n);
        json_t *j = json_loadb(m->value.at, m->value.n, JSON_ALLOW_NUL, NULL);
        assert_int_equal(json_object_size(j), 13);
        json_decref(j);
        epoch_free(&epoch);
    }
}

/* ---- dead letters ---- */

TEST(a_dead_letter_is_the_message_and_why)
{
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    const eddy_header own[] = {{"trace", STR("\xff\x00")}, {"empty", {NULL, 0}}};
    eddy_raw raw = {.bytes = "{\0x",
                    .n = 3,
                    .key = "k",
                    .n_key = 1,
                    .broker_ms = 5,
                    .position = {"in", 3, 99},
                    .headers = own,
                    .n_headers = 2};
    CHECK_OK(ed_publish_dead(&p, &epoch, &raw, 100, EDDY_REJECT_JSON, "byte 1", &err), &err);
    const struct ed_message *m = last(&epoch);
    assert_int_equal(m->topic, ED_DEAD);
    assert_int_equal(m->value.n, 3);
    assert_memory_equal(m->value.at, "{\0x", 3);
    assert_string_equal(m->key.at, "k");
    assert_int_equal(m->time_ms, 5);
    assert_int_equal(m->n_headers, 12);
    assert_string_equal(m->headers[0].name, "trace");
    assert_memory_equal(m->headers[0].value.at, "\xff\x00", 2);
    assert_null(m->headers[1].value.at);
    assert_string_equal(header(m, "__connect.errors.topic"), "in");
    assert_string_equal(header(m, "__connect.errors.partition"), "3");
    assert_string_equal(header(m, "__connect.errors.offset"), "99");
    assert_string_equal(header(m, "__connect.errors.connector.name"), "news");
    assert_string_equal(header(m, "__connect.errors.task.id"), "0");
    assert_string_equal(header(m, "__connect.errors.stage"), "VALUE_CONVERTER");
    assert_string_equal(header(m, "__connect.errors.exception.class.name"), "eddy.reject.bad_json");
    assert_string_equal(header(m, "__connect.errors.exception.message"), "byte 1");
    assert_string_equal(header(m, "eddy.error.code"), "bad_json");
    epoch_free(&epoch);
}

TEST(a_dead_letter_that_is_too_large_is_cut_and_says_so)
{
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    eddy_error err = {0};
    const eddy_header own[] = {{"a", STR("")}, {"b", STR("123456789")}, {"c", STR("1")}};
    eddy_raw raw = {.bytes = "foobarfoobar",
                    .n = 12,
                    .key = "123456",
                    .n_key = 6,
                    .position = {"in", 0, 0},
                    .headers = own,
                    .n_headers = 3};
    CHECK_OK(ed_publish_dead(&p, &epoch, &raw, 12, EDDY_REJECT_OVERSIZE, NULL, &err), &err);
    const struct ed_message *m = last(&epoch);
    assert_string_equal(m->value.at, "foobar");
    assert_string_equal(m->key.at, "123");
    assert_string_equal(header(m, "eddy.value.size"), "12");
    assert_string_equal(header(m, "eddy.value.hash"), "fnv1a64:0eacee9155645b45");
    assert_string_equal(header(m, "eddy.key.size"), "6");
    assert_string_equal(header(m, "eddy.key.hash"), "fnv1a64:f6e3ed7e0e67290a");
    assert_string_equal(header(m, "a"), "");
    assert_string_equal(header(m, "eddy.headers.dropped"), "2");
    raw.n_headers = raw.n_key = 0; /* what they leave is the value's */
    raw.key = NULL;
    CHECK_OK(ed_publish_dead(&p, &epoch, &raw, 12, EDDY_REJECT_OVERSIZE, NULL, &err), &err);
    assert_string_equal(last(&epoch)->value.at, "foobarfoobar");
    raw.bytes = NULL; /* a tombstone stays one */
    raw.key = NULL;
    raw.n = raw.n_key = raw.n_headers = 0;
    CHECK_OK(ed_publish_dead(&p, &epoch, &raw, 4, EDDY_REJECT_TOMBSTONE, NULL, &err), &err);
    assert_null(last(&epoch)->value.at);
    assert_null(last(&epoch)->key.at);
    assert_string_equal(header(last(&epoch), "__connect.errors.exception.message"), "tombstone");
    epoch_free(&epoch);
}

TEST(a_copy_of_a_message_stands_alone)
{
    eddy_arena *arena = eddy_arena_new(0);
    char bytes[] = "value", key[] = "key", name[] = "h", value[] = "v";
    eddy_header own[] = {{name, {value, 1}}, {name, {NULL, 0}}};
    eddy_raw raw = {.bytes = bytes, .n = 5, .key = key, .n_key = 3, .headers = own, .n_headers = 2};
    eddy_raw copy;
    eddy_error err = {0};
    CHECK_OK(ed_raw_copy(arena, &raw, &copy, &err), &err);
    memset(bytes, 0, 5), memset(key, 0, 3), memset(name, 0, 1), memset(value, 0, 1);
    memset(own, 0, sizeof own);
    assert_string_equal(copy.bytes, "value");
    assert_string_equal(copy.key, "key");
    assert_string_equal(copy.headers[0].name, "h");
    assert_string_equal(copy.headers[0].value.at, "v");
    assert_null(copy.headers[1].value.at);
    eddy_arena_free(arena);
}

/* ---- memory and speed ---- */

TEST(publishing_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        struct ed_publisher p = {.pipeline = "news"};
        struct ed_epoch epoch;
        eddy_arena *arena = eddy_arena_new(0);
        if (!arena)
            continue;
        ed_epoch_init(&epoch, arena);
        const eddy_header own[] = {{"a", STR("b")}};
        const eddy_raw raw = {.bytes = "x",
                              .n = 1,
                              .key = "k",
                              .n_key = 1,
                              .position = {"in", 0, 0},
                              .headers = own,
                              .n_headers = 1};
        const eddy_change change = {.event = 1};
        const eddy_event event = {.id = 1};
        const eddy_topic topic = {.id = EDDY_TOPIC_ID(1), .level = 1};
        size_t n = 0;
        for (int i = 0; i < 30; i++) {
            eddy_status st = ed_publish_assignment(&p, &epoch, &doc, &assignment, NULL);
            n += st == EDDY_OK;
            st = ed_publish_change(&p, &epoch, &change, NULL);
            n += st == EDDY_OK;
            st = ed_publish_event(&p, &epoch, &event, 0, NULL);
            n += st == EDDY_OK;
            st = ed_publish_topic(&p, &epoch, &topic, NULL);
            n += st == EDDY_OK;
            st = ed_publish_dead(&p, &epoch, &raw, 10, EDDY_REJECT_JSON, "x", NULL);
            n += st == EDDY_OK;
            assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        }
        assert_int_equal(epoch.n_messages, n);
        ed_epoch_clear(&epoch);
        eddy_arena_free(arena);
    }
}

/* Not a benchmark: a floor that only a mistake would reach (300,000/s is asked of a good build). */
TEST(assignments_are_written_fast)
{
    enum { N = 100000 };
    struct ed_publisher p = {.pipeline = "news"};
    struct ed_epoch epoch = epoch_new();
    int64_t start = ed_monotonic_ms();
    for (int i = 0; i < N; i++) {
        if (i % 256 == 0) {
            eddy_arena_reset(epoch.arena);
            epoch.n_messages = 0;
        }
        assert_int_equal(ed_publish_assignment(&p, &epoch, &doc, &assignment, NULL), EDDY_OK);
    }
    int64_t took = ed_monotonic_ms() - start;
    printf("%d assignments in %d ms\n", N, (int)took);
    assert_true(took < 10000);
    epoch_free(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_assignment),
        cmocka_unit_test(an_assignment_that_founded_an_event),
        cmocka_unit_test(changes_say_what_means_something),
        cmocka_unit_test(changes_by_operations_say_who_and_why),
        cmocka_unit_test(signals),
        cmocka_unit_test(an_event_with_a_given_name),
        cmocka_unit_test(a_topic_and_its_end),
        cmocka_unit_test(ids_of_changes_do_not_depend_on_epochs),
        cmocka_unit_test(an_event_and_its_redirect),
        cmocka_unit_test(shards_never_share_an_id),
        cmocka_unit_test(text_from_outside_stays_inside_its_quotes),
        cmocka_unit_test(a_dead_letter_is_the_message_and_why),
        cmocka_unit_test(a_dead_letter_that_is_too_large_is_cut_and_says_so),
        cmocka_unit_test(a_copy_of_a_message_stands_alone),
        cmocka_unit_test(publishing_survives_any_lost_allocation),
        cmocka_unit_test(assignments_are_written_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
