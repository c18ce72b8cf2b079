/* The journal on a real broker: topics, what a reader of them sees, what happens when it fails. */
#include "kafka/broker.h"

#include "base/log.h"
#include "publish/publish.h"

static struct ed_journal *journal_open(const char *const topics[ED_TOPICS], int create,
                                       int deliver_ms, eddy_status *st, eddy_error *err)
{
    const char *options[] = {"bootstrap.servers", broker()};
    struct ed_journal_kafka o = {.options = options,
                                 .n_options = 1,
                                 .create = create,
                                 .partitions = 2,
                                 .replication = -1,
                                 .deliver_ms = deliver_ms};
    struct ed_journal *journal = NULL;
    memcpy(o.topics, topics, sizeof o.topics);
    *err = (eddy_error){0};
    *st = ed_journal_kafka_open(&o, &journal, err);
    return journal;
}

static struct ed_journal *journal_ready(const char *const topics[ED_TOPICS], eddy_error *err)
{
    eddy_status st;
    struct ed_journal *journal = journal_open(topics, 1, 20000, &st, err);
    CHECK_OK(st, err);
    return journal;
}

static void must_have(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("no \"%s\" in:\n%s", words, text);
}

TEST(topics_are_made_with_their_cleanup_policy)
{
    const char *topics[ED_TOPICS];
    char text[8000];
    eddy_error err;
    topics[ED_ASSIGNMENTS] = own("made-assignments");
    topics[ED_EVENTS] = own("made-events");
    topics[ED_CHANGES] = own("made-changes");
    topics[ED_DEAD] = NULL;
    CHECK_OK(ed_journal_close(journal_ready(topics, &err), &err), &err);
    shell_read(text, sizeof text,
               "tools/kafka topics --bootstrap-server %s --describe --topic 'made-.*-%d'", broker(),
               (int)getpid());
    char line[200];
    for (int t = ED_ASSIGNMENTS; t <= ED_CHANGES; t++) {
        snprintf(line, sizeof line, "Topic: %s\t", topics[t]);
        char *at = strstr(text, line);
        assert_non_null(at);
        char *end = strchr(at, '\n');
        *end = 0;
        must_have(at, "PartitionCount: 2");
        must_have(at, t == ED_EVENTS ? "cleanup.policy=compact" : "cleanup.policy=delete");
        *end = '\n';
    }
    /* Once they are there, nobody needs leave to create. */
    eddy_status st;
    struct ed_journal *journal = journal_open(topics, 0, 5000, &st, &err);
    CHECK_OK(st, &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(a_missing_topic_is_refused_by_name)
{
    const char *topics[ED_TOPICS] = {[ED_EVENTS] = "never-made"};
    eddy_error err;
    eddy_status st;
    assert_null(journal_open(topics, 0, 5000, &st, &err));
    assert_int_equal(st, EDDY_UNAVAILABLE);
    must_have(err.text, "topic never-made does not exist");
    topics[ED_EVENTS] = "not a name";
    assert_null(journal_open(topics, 1, 5000, &st, &err));
    must_have(err.text, "not a name");
}

TEST(a_reader_sees_key_value_and_cloudevents_headers)
{
    const char *topics[ED_TOPICS] = {[ED_ASSIGNMENTS] = own("seen")};
    struct ed_publisher p = {.pipeline = "news"};
    eddy_error err;
    struct ed_journal *journal = journal_ready(topics, &err);
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_epoch epoch;
    ed_epoch_init(&epoch, arena);
    eddy_doc doc = {.id = {"n17", 3}, .time_ms = 1000, .position = {"in", 0, 17}};
    eddy_assignment a = {.event = 12, .group = 34, .similarity = 0.5F};
    CHECK_OK(ed_publish_assignment(&p, &epoch, &doc, &a, &err), &err);
    eddy_change not_kept = {.event = 1};
    CHECK_OK(ed_publish_change(&p, &epoch, &not_kept, &err), &err);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    char text[2000];
    shell_read(text, sizeof text, "kcat -q -b %s -C -t %s -e -f '%%k|%%h|%%s\\n'", broker(),
               topics[ED_ASSIGNMENTS]);
    must_have(text, "n17|ce_specversion=1.0,ce_id=in-0-17,ce_source=eddy/news,"
                    "ce_type=eddy.assignment,ce_subject=n17,ce_time=1970-01-01T00:00:01.000Z,"
                    "content-type=application/json|{\"id\":\"n17\",\"event\":\"E12\"");
    assert_int_equal(strcspn(text, "\n") + 1, strlen(text)); /* one message */
    ed_epoch_clear(&epoch);
    eddy_arena_free(arena);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

/* ---- dead letters: there and back ---- */

static size_t read_one(struct ed_source *source, eddy_raw *ret)
{
    size_t n = 0;
    int64_t until = ed_monotonic_ms() + 20000;
    while (!n && ed_monotonic_ms() < until) {
        int end = 0;
        eddy_error err = {0};
        CHECK_OK(ed_source_read(source, 0, 500, ret, 1, &n, &end, &err), &err);
    }
    return n;
}

static const eddy_header *header(const eddy_raw *raw, const char *name)
{
    for (size_t i = 0; i < raw->n_headers; i++)
        if (!strcmp(raw->headers[i].name, name))
            return &raw->headers[i];
    fail_msg("no header %s", name);
    return NULL;
}

TEST(dead_letters_keep_key_value_and_headers)
{
    const char *in = own("sick");
    const char *topics[ED_TOPICS] = {[ED_DEAD] = own("dead")};
    struct ed_publisher p = {.pipeline = "news"};
    eddy_error err;
    eddy_raw raw;
    topic_make(in, 1);
    shell("printf 'key\\001:{broken\\377' | kcat -q -b %s -P -t %s -p 0 -K: -H trace=abc", broker(),
          in);
    struct ed_journal *journal = journal_ready(topics, &err);
    struct ed_source *source = source_open(in, own("sick-group"), 1, 0);
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_epoch epoch;
    ed_epoch_init(&epoch, arena);
    assert_int_equal(read_one(source, &raw), 1);
    CHECK_OK(ed_publish_dead(&p, &epoch, &raw, 1000, EDDY_REJECT_JSON, "byte 1: what?", &err),
             &err);
    ed_source_free(source);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);

    source = source_open(topics[ED_DEAD], own("dead-group"), 1, 0);
    assert_int_equal(read_one(source, &raw), 1);
    assert_int_equal(raw.n_key, 4);
    assert_memory_equal(raw.key, "key\001", 4);
    assert_int_equal(raw.n, 8);
    assert_memory_equal(raw.bytes, "{broken\377", 8);
    assert_string_equal(header(&raw, "trace")->value.at, "abc");
    assert_string_equal(header(&raw, "__connect.errors.topic")->value.at, in);
    assert_string_equal(header(&raw, "__connect.errors.offset")->value.at, "0");
    assert_string_equal(header(&raw, "__connect.errors.exception.message")->value.at,
                        "byte 1: what?");
    assert_string_equal(header(&raw, "eddy.error.code")->value.at, "bad_json");
    ed_source_free(source);
    ed_epoch_clear(&epoch);
    eddy_arena_free(arena);
}

static void dead_add(struct ed_epoch *epoch, size_t n_key, size_t n, int64_t offset)
{
    static char bytes[600000];
    struct ed_publisher p = {.pipeline = "news"};
    eddy_error err = {0};
    eddy_raw raw = {
        .bytes = bytes, .n = n, .key = bytes, .n_key = n_key, .position = {"in", 0, offset}};
    memset(bytes, 'x', sizeof bytes);
    CHECK_OK(ed_publish_dead(&p, epoch, &raw, 524288, EDDY_REJECT_JSON, "byte 1", &err), &err);
}

TEST(a_dead_letter_of_half_a_million_bytes_twice_fits)
{
    const char *topics[ED_TOPICS] = {[ED_DEAD] = own("fat")};
    eddy_error err;
    eddy_raw raw;
    struct ed_journal *journal = journal_ready(topics, &err);
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_epoch epoch;
    ed_epoch_init(&epoch, arena);
    dead_add(&epoch, 500000, 530000, 17);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    struct ed_source *source = source_open(topics[ED_DEAD], own("fat-group"), 1, 0);
    assert_int_equal(read_one(source, &raw), 1);
    assert_int_equal(raw.n + raw.n_key, 524288);
    assert_string_equal(header(&raw, "eddy.key.size")->value.at, "500000");
    assert_string_equal(header(&raw, "eddy.value.size")->value.at, "530000");
    ed_source_free(source);
    ed_epoch_clear(&epoch);
    eddy_arena_free(arena);
}

TEST(dead_letters_that_the_broker_refuses_by_size_are_cut_to_their_headers)
{
    const char *topics[ED_TOPICS] = {[ED_DEAD] = own("narrow"), [ED_CHANGES] = own("beside")};
    eddy_error err;
    shell("tools/kafka topics --bootstrap-server %s --create --topic %s --partitions 1"
          " --config max.message.bytes=5000 >/dev/null",
          broker(), topics[ED_DEAD]);
    const char *options[] = {"bootstrap.servers", broker(), "compression.type", "none"};
    struct ed_journal_kafka o = {.options = options,
                                 .n_options = 2,
                                 .create = 1,
                                 .partitions = 1,
                                 .replication = 1,
                                 .deliver_ms = 20000};
    struct ed_journal *journal = NULL;
    memcpy(o.topics, topics, sizeof o.topics);
    err = (eddy_error){0};
    CHECK_OK(ed_journal_kafka_open(&o, &journal, &err), &err);
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_epoch epoch;
    ed_epoch_init(&epoch, arena);
    static const size_t sizes[] = {3, 9000, 4, 8000, 5};
    for (int i = 0; i < 5; i++)
        dead_add(&epoch, 2, sizes[i], i);
    *ed_epoch_add(&epoch) =
        (struct ed_message){.topic = ED_CHANGES, .key = {"k", 1}, .value = {"fine", 4}};
    for (int round = 0; round < 2; round++) /* the producer lives on */
        CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);

    struct ed_source *source = source_open(topics[ED_DEAD], own("narrow-group"), 1, 0);
    for (int i = 0; i < 10; i++) {
        eddy_raw raw;
        assert_int_equal(read_one(source, &raw), 1);
        int64_t offset = strtoll(header(&raw, "__connect.errors.offset")->value.at, NULL, 10);
        assert_int_equal(raw.n, sizes[offset] < 5000 ? sizes[offset] : 0);
        assert_string_equal(header(&raw, "eddy.error.code")->value.at, "bad_json");
    }
    ed_source_free(source);
    ed_epoch_clear(&epoch);
    eddy_arena_free(arena);
}

/* ---- failures ---- */

static void add(struct ed_epoch *epoch, enum ed_topic topic, const char *value, size_t n)
{
    struct ed_message *m = ed_epoch_add(epoch);
    *m = (struct ed_message){.topic = topic, .key = {"k", 1}, .value = {value, n}};
}

TEST(a_message_that_is_too_large_fails_for_good_and_by_name)
{
    const char *topics[ED_TOPICS] = {[ED_CHANGES] = own("large")};
    static char large[3000000];
    eddy_error err;
    struct ed_journal *journal = journal_ready(topics, &err);
    struct ed_epoch epoch;
    ed_epoch_init(&epoch, NULL);
    add(&epoch, ED_CHANGES, large, sizeof large);
    assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_UNAVAILABLE);
    must_have(err.text, topics[ED_CHANGES]);
    must_have(err.text, "MSG_SIZE_TOO_LARGE");
    assert_false(err.retriable);
    epoch.n_messages = 0;
    add(&epoch, ED_CHANGES, "fine", 4);
    err = (eddy_error){0};
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_made_with_their_cleanup_policy),
        cmocka_unit_test(a_missing_topic_is_refused_by_name),
        cmocka_unit_test(a_reader_sees_key_value_and_cloudevents_headers),
        cmocka_unit_test(dead_letters_keep_key_value_and_headers),
        cmocka_unit_test(a_dead_letter_of_half_a_million_bytes_twice_fits),
        cmocka_unit_test(dead_letters_that_the_broker_refuses_by_size_are_cut_to_their_headers),
        cmocka_unit_test(a_message_that_is_too_large_fails_for_good_and_by_name),
    };
    broker();
    ed_log_up_to(ED_LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
