/* The journal on a real broker: topics, what a reader of them sees, what happens when it fails. */
#include "kafka/broker.h"

#include "base/log.h"
#include "journal/protocol.h"
#include "publish/publish.h"

static struct ed_journal_kafka options_of(const char *const topics[ED_TOPICS], const char *state)
{
    static const char *options[2];
    options[0] = "bootstrap.servers";
    options[1] = broker();
    struct ed_journal_kafka o = {.pipeline = "test",
                                 .state = state,
                                 .n_shards = 1,
                                 .id = state,
                                 .options = options,
                                 .n_options = 1,
                                 .create = 1,
                                 .partitions = 2,
                                 .replication = -1,
                                 .deliver_ms = 20000};
    if (topics)
        memcpy(o.topics, topics, sizeof o.topics);
    return o;
}

/* Every journal has a state topic of its own, unless it is told which. */
static struct ed_journal *journal_of(const char *const topics[ED_TOPICS], const char *state,
                                     const struct ed_loader *loader, const struct ed_head **head)
{
    static int number;
    char name[60];
    struct ed_journal *journal = NULL;
    eddy_error err = {0};
    snprintf(name, sizeof name, "state%d-%d", number++, (int)getpid());
    struct ed_journal_kafka o = options_of(topics, state ? state : name);
    CHECK_OK(ed_journal_kafka_open(&o, &journal, &err), &err);
    CHECK_OK(ed_journal_restore(journal, 7, loader, head, &err), &err);
    return journal;
}

static struct ed_journal *journal_ready(const char *const topics[ED_TOPICS], eddy_error *err)
{
    const struct ed_head *head;
    *err = (eddy_error){0};
    return journal_of(topics, NULL, NULL, &head);
}

static void must_have(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("no \"%s\" in:\n%s", words, text);
}

TEST(topics_are_made_with_their_cleanup_policy)
{
    const char *topics[ED_TOPICS] = {NULL};
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
    struct ed_journal_kafka o = options_of(topics, NULL);
    o.create = 0;
    CHECK_OK(ed_journal_kafka_prepare(&o, &err), &err);
}

TEST(the_state_topic_is_compacted_with_a_partition_for_each_shard)
{
    char text[8000];
    eddy_error err = {0};
    struct ed_journal_kafka o = options_of(NULL, own("made-state"));
    o.n_shards = 3;
    CHECK_OK(ed_journal_kafka_prepare(&o, &err), &err);
    shell_read(text, sizeof text, "tools/kafka topics --bootstrap-server %s --describe --topic %s",
               broker(), o.state);
    must_have(text, "PartitionCount: 3");
    must_have(text, "cleanup.policy=compact,delete");
    must_have(text, "retention.ms=-1");
    must_have(text, "retention.bytes=-1");
    CHECK_OK(ed_journal_kafka_prepare(&o, &err), &err); /* and is taken as it is */
    o.n_shards = 4;
    assert_int_equal(ed_journal_kafka_prepare(&o, &err), EDDY_CONFIG);
    must_have(err.text, "has 3 partitions, but state.shards is 4");
}

TEST(a_state_topic_that_deletes_is_refused)
{
    eddy_error err = {0};
    struct ed_journal_kafka o = options_of(NULL, own("deletes"));
    shell("tools/kafka topics --bootstrap-server %s --create --topic %s --partitions 1"
          " --config cleanup.policy=delete >/dev/null",
          broker(), o.state);
    assert_int_equal(ed_journal_kafka_prepare(&o, &err), EDDY_CONFIG);
    must_have(err.text, "has cleanup.policy delete");
    o.state = own("ages"); /* compacted, but what is a week old goes */
    shell("tools/kafka topics --bootstrap-server %s --create --topic %s --partitions 1"
          " --config cleanup.policy=compact,delete >/dev/null",
          broker(), o.state);
    err = (eddy_error){0};
    assert_int_equal(ed_journal_kafka_prepare(&o, &err), EDDY_CONFIG);
    must_have(err.text, "has cleanup.policy compact,delete");
}

TEST(a_missing_topic_is_refused_by_name)
{
    const char *topics[ED_TOPICS] = {[ED_EVENTS] = "never-made"};
    eddy_error err = {0};
    struct ed_journal_kafka o = options_of(topics, NULL);
    o.create = 0;
    assert_int_equal(ed_journal_kafka_prepare(&o, &err), EDDY_UNAVAILABLE);
    must_have(err.text, "topic never-made does not exist");
    err = (eddy_error){0};
    o.create = 1;
    o.topics[ED_EVENTS] = "not a name";
    assert_int_equal(ed_journal_kafka_prepare(&o, &err), EDDY_UNAVAILABLE);
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
    shell_read(text, sizeof text,
               "kcat -q -b %s -C -t %s -e -X fetch.wait.max.ms=10 -f '%%k|%%h|%%s\\n'", broker(),
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
        CHECK_OK(ed_source_read(source, 500, ret, 1, &n, &end, &err), &err);
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
    struct ed_source *source = source_open(in);
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_epoch epoch;
    ed_epoch_init(&epoch, arena);
    assert_int_equal(read_one(source, &raw), 1);
    CHECK_OK(ed_publish_dead(&p, &epoch, &raw, 1000, EDDY_REJECT_JSON, "byte 1: what?", &err),
             &err);
    ed_source_free(source);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);

    source = source_open(topics[ED_DEAD]);
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
    struct ed_source *source = source_open(topics[ED_DEAD]);
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
    struct ed_journal_kafka o = options_of(topics, own("narrow-state"));
    const struct ed_head *head;
    struct ed_journal *journal = NULL;
    o.options = options;
    o.n_options = 2;
    err = (eddy_error){0};
    CHECK_OK(ed_journal_kafka_open(&o, &journal, &err), &err);
    CHECK_OK(ed_journal_restore(journal, 7, NULL, &head, &err), &err);
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

    struct ed_source *source = source_open(topics[ED_DEAD]);
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
    for (uint64_t i = 0; i < sizeof large; i++) /* what cannot be compressed */
        large[i] = (char)ed_mix64(i);
    add(&epoch, ED_CHANGES, large, sizeof large);
    assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_UNAVAILABLE);
    must_have(err.text, "output.changes");
    must_have(err.text, "MSG_SIZE_TOO_LARGE");
    assert_false(err.retriable);
    epoch.n_messages = 0;
    add(&epoch, ED_CHANGES, "fine", 4);
    err = (eddy_error){0};
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

/* ---- owners ---- */

static void commit(struct ed_journal *journal, const char *topic_value, uint64_t number,
                   const char *text)
{
    struct ed_epoch epoch;
    const eddy_record record = {UINT64_C(1) << 56 | number, {text, text ? strlen(text) : 0}};
    eddy_error err = {0};
    ed_epoch_init(&epoch, NULL);
    add(&epoch, ED_CHANGES, topic_value, strlen(topic_value));
    epoch.records = &record;
    epoch.n_records = 1;
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    ed_epoch_clear(&epoch);
}

/* What a loader was given, the last of each key. */
struct found {
    char text[10][20];
    int there[10], resets, checks;
    uint64_t epoch;
};

static eddy_status found_load(void *user, const eddy_record *record, eddy_error *err)
{
    struct found *found = user;
    size_t i = (size_t)(record->key & 0xff);
    (void)err;
    assert_in_range(i, 0, 9);
    found->there[i] = record->value.at != NULL;
    snprintf(found->text[i], sizeof found->text[i], "%.*s", (int)record->value.n,
             record->value.at ? record->value.at : "");
    return EDDY_OK;
}

static eddy_status found_check(void *user, const struct ed_mark *mark, eddy_error *err)
{
    (void)err;
    ((struct found *)user)->checks++;
    ((struct found *)user)->epoch = mark->epoch;
    return EDDY_OK;
}

static eddy_status found_reset(void *user, eddy_error *err)
{
    (void)err;
    int resets = ((struct found *)user)->resets;
    *(struct found *)user = (struct found){.resets = resets + 1};
    return EDDY_OK;
}

static struct ed_loader loader_of(struct found *found)
{
    *found = (struct found){0};
    return (struct ed_loader){found, found_load, found_check, found_reset};
}

TEST(a_new_owner_finds_all_and_the_old_one_is_fenced)
{
    const char *topics[ED_TOPICS] = {[ED_CHANGES] = own("owned")}, *name = own("owned-state");
    const struct ed_head *head, *head_new;
    struct found found;
    const struct ed_loader loader = loader_of(&found);
    char text[2000];
    eddy_error err = {0};
    struct ed_journal *old = journal_of(topics, name, NULL, &head);
    commit(old, "one", 1, "first");
    commit(old, "two", 2, "second");
    commit(old, "three", 1, "third");
    commit(old, "four", 2, NULL);
    struct ed_journal *new = journal_of(topics, name, &loader, &head_new);
    assert_int_equal(head_new->mark.epoch, 4);
    assert_int_equal(found.epoch, 4);
    assert_string_equal(found.text[1], "third");
    assert_false(found.there[2]);

    struct ed_epoch epoch;
    ed_epoch_init(&epoch, NULL);
    add(&epoch, ED_CHANGES, "never", 5);
    assert_int_equal(ed_journal_commit(old, &epoch, &err), EDDY_FENCED);
    must_have(err.text, "another owner has taken over");
    err = (eddy_error){0};
    assert_int_equal(ed_journal_commit(old, &epoch, &err), EDDY_FENCED);
    ed_epoch_clear(&epoch);
    commit(new, "five", 3, "fifth");
    assert_int_equal(head_new->mark.epoch, 5);
    CHECK_OK(ed_journal_close(old, &err), &err);
    CHECK_OK(ed_journal_close(new, &err), &err);
    shell_read(text, sizeof text,
               "kcat -q -b %s -C -t %s -e -X fetch.wait.max.ms=10 -f '%%s\\n' -X "
               "isolation.level=read_committed | sort | "
               "tr '\\n' ' '",
               broker(), topics[ED_CHANGES]);
    assert_string_equal(text, "five four one three two ");
}

TEST(a_standby_follows_and_takes_over_from_there)
{
    const char *topics[ED_TOPICS] = {[ED_CHANGES] = own("warm")}, *name = own("warm-state");
    const struct ed_head *head, *head_new;
    struct found found;
    const struct ed_loader loader = loader_of(&found);
    eddy_error err = {0};
    struct ed_journal *old = journal_of(topics, name, NULL, &head), *warm = NULL;
    struct ed_journal_kafka o = options_of(topics, name);
    commit(old, "one", 1, "first");
    CHECK_OK(ed_journal_kafka_open(&o, &warm, &err), &err);
    int64_t until = ed_monotonic_ms() + 20000;
    for (; strcmp(found.text[1], "first") != 0 && ed_monotonic_ms() < until;)
        CHECK_OK(ed_journal_follow(warm, &loader, &err), &err);
    assert_string_equal(found.text[1], "first");
    for (char round[] = "0"; *round < '9'; ++*round) { /* the owner is not disturbed */
        commit(old, "more", 1, round);
        CHECK_OK(ed_journal_follow(warm, &loader, &err), &err);
    }
    CHECK_OK(ed_journal_close(old, &err), &err);
    CHECK_OK(ed_journal_restore(warm, 7, &loader, &head_new, &err), &err);
    assert_int_equal(found.resets, 1); /* what was followed was not read again */
    assert_int_equal(found.epoch, 10);
    assert_string_equal(found.text[1], "8");
    CHECK_OK(ed_journal_close(warm, &err), &err);
}

/* Epochs that write key 1 again and again, and what is asked for, of which there is key 9. */
static void commit_many(struct ed_journal *journal, int n)
{
    struct ed_epoch epoch;
    eddy_error err = {0};
    ed_epoch_init(&epoch, NULL);
    for (int i = 0; i < n; i++) {
        eddy_record records[2] = {{UINT64_C(1) << 56 | 1, {"again", 5}},
                                  {UINT64_C(1) << 56 | 9, {"kept", 4}}};
        epoch.records = records;
        epoch.n_records = 1;
        for (size_t k = 0; k < epoch.n_wanted; k++)
            epoch.n_records += (epoch.wanted[k] & 0xff) == 9;
        CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    }
    ed_epoch_clear(&epoch);
}

/* The first offset of a topic's only partition. */
static long begins_at(const char *topic)
{
    char text[200];
    shell_read(text, sizeof text, "kcat -q -b %s -Q -t %s:0:-2 | sed 's/.* //'", broker(), topic);
    return atol(text);
}

static void span_of(struct ed_journal *journal, uint64_t bytes)
{
    ((struct epochs *)(void *)journal)->living.span_least = bytes;
}

TEST(what_is_void_of_the_state_is_deleted)
{
    const char *name = own("void-state");
    const struct ed_head *head, *head_new;
    struct found found, found_late;
    const struct ed_loader loader = loader_of(&found);
    const struct ed_loader loader_late = loader_of(&found_late);
    struct ed_journal_kafka o = options_of(NULL, name);
    struct ed_journal *late = NULL;
    eddy_error err = {0};
    struct ed_journal *old = journal_of(NULL, name, NULL, &head);
    span_of(old, 1000);
    commit(old, "one", 9, "kept");
    CHECK_OK(ed_journal_kafka_open(&o, &late, &err), &err);
    for (int64_t until = ed_monotonic_ms() + 20000; !found_late.there[9];) {
        CHECK_OK(ed_journal_follow(late, &loader_late, &err), &err);
        assert_true(ed_monotonic_ms() < until);
    }
    commit_many(old, 150);
    long first = begins_at(name);
    assert_true(first > 100);
    assert_true(first <= ((struct epochs *)(void *)old)->tail);
    /* A standby that stood where nothing is any more begins anew. */
    for (int64_t until = ed_monotonic_ms() + 20000; strcmp(found_late.text[1], "again") != 0;) {
        CHECK_OK(ed_journal_follow(late, &loader_late, &err), &err);
        assert_true(ed_monotonic_ms() < until);
    }
    assert_int_equal(found_late.resets, 2);
    assert_string_equal(found_late.text[9], "kept");
    CHECK_OK(ed_journal_close(late, &err), &err);

    struct ed_journal *new = journal_of(NULL, name, &loader, &head_new);
    assert_int_equal(found.epoch, 151);
    assert_string_equal(found.text[1], "again");
    assert_string_equal(found.text[9], "kept");
    CHECK_OK(ed_journal_close(old, &err), &err);
    CHECK_OK(ed_journal_close(new, &err), &err);
}

TEST(a_state_topic_that_is_only_compacted_keeps_its_beginning)
{
    const char *name = own("whole-state");
    const struct ed_head *head;
    eddy_error err = {0};
    shell("tools/kafka topics --bootstrap-server %s --create --topic %s --partitions 1"
          " --config cleanup.policy=compact >/dev/null",
          broker(), name);
    struct ed_journal *journal = journal_of(NULL, name, NULL, &head);
    span_of(journal, 1000);
    commit(journal, "one", 9, "kept");
    commit_many(journal, 100);
    assert_int_equal(begins_at(name), 0);
    assert_false(((struct epochs *)(void *)journal)->forgets); /* nor is it asked again */
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

/* With a predecessor that died in the midst of a transaction. */
TEST(what_a_dead_owner_left_open_is_never_seen)
{
    const char *topics[ED_TOPICS] = {[ED_CHANGES] = own("open")}, *name = own("open-state");
    const struct ed_head *head;
    struct found found;
    const struct ed_loader loader = loader_of(&found);
    char text[2000];
    eddy_error err = {0};
    struct ed_journal *first = journal_of(topics, name, NULL, &head);
    commit(first, "seen", 1, "seen");
    CHECK_OK(ed_journal_close(first, &err), &err);

    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", broker(), NULL, 0);
    rd_kafka_conf_set(conf, "transactional.id", name, NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    assert_null(rd_kafka_init_transactions(rk, 10000));
    assert_null(rd_kafka_begin_transaction(rk));
    rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(name), RD_KAFKA_V_KEY("\1\0\0\0\0\0\0\1", 8),
                      RD_KAFKA_V_VALUE((void *)(uintptr_t) "open", 4), RD_KAFKA_V_END);
    rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topics[ED_CHANGES]),
                      RD_KAFKA_V_VALUE((void *)(uintptr_t) "open", 4), RD_KAFKA_V_END);
    assert_int_equal(rd_kafka_flush(rk, 10000), 0); /* and then nothing more */

    int64_t start = ed_monotonic_ms();
    struct ed_journal *second = journal_of(topics, name, &loader, &head);
    assert_true(ed_monotonic_ms() - start < 10000); /* not the transaction's timeout */
    assert_string_equal(found.text[1], "seen");
    commit(second, "seen too", 1, "second");
    CHECK_OK(ed_journal_close(second, &err), &err);
    rd_kafka_destroy(rk);
    shell_read(text, sizeof text,
               "kcat -q -b %s -C -t %s -e -X fetch.wait.max.ms=10 -f '%%s\\n' -X "
               "isolation.level=read_committed | sort | "
               "tr '\\n' ' '",
               broker(), topics[ED_CHANGES]);
    assert_string_equal(text, "seen seen too ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_made_with_their_cleanup_policy),
        cmocka_unit_test(the_state_topic_is_compacted_with_a_partition_for_each_shard),
        cmocka_unit_test(a_state_topic_that_deletes_is_refused),
        cmocka_unit_test(a_missing_topic_is_refused_by_name),
        cmocka_unit_test(a_reader_sees_key_value_and_cloudevents_headers),
        cmocka_unit_test(dead_letters_keep_key_value_and_headers),
        cmocka_unit_test(a_dead_letter_of_half_a_million_bytes_twice_fits),
        cmocka_unit_test(dead_letters_that_the_broker_refuses_by_size_are_cut_to_their_headers),
        cmocka_unit_test(a_message_that_is_too_large_fails_for_good_and_by_name),
        cmocka_unit_test(a_new_owner_finds_all_and_the_old_one_is_fenced),
        cmocka_unit_test(a_standby_follows_and_takes_over_from_there),
        cmocka_unit_test(what_is_void_of_the_state_is_deleted),
        cmocka_unit_test(a_state_topic_that_is_only_compacted_keeps_its_beginning),
        cmocka_unit_test(what_a_dead_owner_left_open_is_never_seen),
    };
    broker();
    ed_log_up_to(ED_LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
