/* One member on a real broker: order, back-pressure, the end, what is refused. */
#include "kafka/broker.h"

#include "base/log.h"

#include <pthread.h>

enum { PARTITIONS = 3, EACH = 1000 };

/* ---- readers in threads ---- */

struct work {
    struct ed_source *source;
    size_t reader;
    size_t want; /* messages of all readers together */
    pthread_mutex_t *lock;
    size_t *total;
    int64_t *next; /* (PARTITIONS) next offset expected */
    int64_t until_ms;
    int wrong;
};

static void *read_all(void *p)
{
    struct work *w = p;
    eddy_raw raws[100];
    int end = 0;
    while (!end && ed_monotonic_ms() < w->until_ms) {
        size_t n = 0;
        eddy_error err = {0};
        if (ed_source_read(w->source, w->reader, 100, raws, 100, &n, &end, &err) != EDDY_OK) {
            w->wrong = 1;
            break;
        }
        pthread_mutex_lock(w->lock);
        for (size_t i = 0; i < n; i++) {
            const eddy_position *at = &raws[i].position;
            w->wrong |= at->offset != w->next[at->partition]++;
            w->wrong |= atoll(raws[i].bytes) != at->offset || raws[i].n != raws[i].n_key ||
                        memcmp(raws[i].bytes, raws[i].key, raws[i].n) != 0;
            w->wrong |= raws[i].broker_ms <= 0 || raws[i].arrival_ms < raws[i].broker_ms - 5000;
        }
        struct ed_offset done[PARTITIONS];
        for (int i = 0; i < PARTITIONS; i++)
            done[i] = (struct ed_offset){n ? raws[0].position.topic : "", i, w->next[i]};
        *w->total += n;
        int enough = *w->total >= w->want;
        pthread_mutex_unlock(w->lock);
        if (n && ed_source_done(w->source, done, PARTITIONS, &err) != EDDY_OK)
            w->wrong = 1;
        if (enough)
            break;
    }
    return NULL;
}

/* Read want messages, or to the end, with two readers. Gives how many. */
static size_t read_by_two(struct ed_source *source, size_t want, int64_t *next, int wait_ms)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[2];
    struct work work[2];
    size_t total = 0;
    for (size_t i = 0; i < 2; i++) {
        work[i] =
            (struct work){source, i, want, &lock, &total, next, ed_monotonic_ms() + wait_ms, 0};
        pthread_create(&threads[i], NULL, read_all, &work[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(work[i].wrong, 0);
    }
    return total;
}

static const char *topic_filled(const char *name)
{
    const char *topic = own(name);
    topic_make(topic, PARTITIONS);
    for (int p = 0; p < PARTITIONS; p++)
        produce(topic, p, 0, EACH);
    return topic;
}

/* ---- the tests ---- */

TEST(two_readers_get_all_in_order_and_nothing_comes_again)
{
    const char *topic = topic_filled("order"), *group = own("order-group");
    int64_t next[PARTITIONS] = {0};
    struct ed_source *source = source_open(topic, group, 2, 0);
    assert_int_equal(ed_source_readers(source), 2);
    assert_int_equal(read_by_two(source, PARTITIONS * EACH, next, 20000), PARTITIONS * EACH);
    struct ed_progress progress;
    ed_source_progress(source, &progress);
    assert_int_equal(progress.messages, PARTITIONS * EACH);
    assert_int_equal(progress.behind, 0);
    ed_source_free(source);
    for (int p = 0; p < PARTITIONS; p++)
        assert_int_equal(committed(group, topic, p), EACH);

    produce(topic, 1, EACH, EACH + 1);
    source = source_open(topic, group, 2, 0);
    assert_int_equal(read_by_two(source, 1000, next, 5000), 1);
    ed_source_free(source);
    assert_int_equal(committed(group, topic, 1), EACH + 1);
}

TEST(a_reader_paused_longer_than_max_poll_interval_stays_in_the_group)
{
    const char *topic = topic_filled("pause"), *group = own("pause-group");
    struct ed_source *source = source_open(topic, group, 1, 0);
    int64_t next[PARTITIONS] = {0};
    size_t total = 0, duplicates = 0;
    int64_t until = ed_monotonic_ms() + 30000, resume = 0;
    while (total < PARTITIONS * (EACH + 500) && ed_monotonic_ms() < until) {
        eddy_raw raws[50];
        size_t n = 0;
        int end = 0;
        eddy_error err = {0};
        CHECK_OK(ed_source_read(source, 0, 100, raws, 50, &n, &end, &err), &err);
        for (size_t i = 0; i < n; i++) {
            int64_t *expected = &next[raws[i].position.partition];
            duplicates += raws[i].position.offset < *expected;
            assert_true(raws[i].position.offset <= *expected);
            *expected = raws[i].position.offset + 1;
        }
        total += n;
        if (!resume && total > 500) {
            ed_source_pause(source, 0, 1);
            resume = ed_monotonic_ms() + 8000; /* max.poll.interval.ms is 6000 */
            for (int p = 0; p < PARTITIONS; p++)
                produce(topic, p, EACH, EACH + 500);
        } else if (resume && ed_monotonic_ms() < resume) {
            assert_int_equal(n, 0);
        } else if (resume) {
            ed_source_pause(source, 0, 0);
        }
    }
    assert_int_equal(total, PARTITIONS * (EACH + 500));
    assert_int_equal(duplicates, 0);
    ed_source_free(source);
}

TEST(reading_to_the_end_ends_by_itself)
{
    const char *topic = own("end");
    topic_make(topic, PARTITIONS);
    produce(topic, 0, 0, 200);
    /* A transaction leaves a control record behind its last message; partition 1 stays empty. */
    shell("seq 0 99 | sed 's/.*/&:&/' | kcat -q -b %s -P -t %s -p 2 -K: -X transactional.id=%s",
          broker(), topic, topic);
    struct ed_source *source = source_open(topic, own("end-group"), 2, 1);
    produce(topic, 0, 200, 300); /* after the start: not for us */
    int64_t next[PARTITIONS] = {0}, start = ed_monotonic_ms();
    assert_int_equal(read_by_two(source, SIZE_MAX, next, 30000), 300);
    assert_int_equal(next[0], 200);
    assert_int_equal(next[2], 100);
    assert_true(ed_monotonic_ms() - start < 20000);
    ed_source_free(source);
}

TEST(headers_tombstones_and_binary_come_through)
{
    const char *topic = own("raw");
    topic_make(topic, 1);
    shell("printf 'k:v' | kcat -q -b %s -P -t %s -p 0 -K: -H a=1 -H traceparent=00-x", broker(),
          topic);
    shell("printf 'gone:' | kcat -q -b %s -P -t %s -p 0 -K: -Z", broker(), topic);
    shell("printf 'no\\000key\\377' | kcat -q -b %s -P -t %s -p 0 -D XYZ", broker(), topic);
    struct ed_source *source = source_open(topic, own("raw-group"), 1, 0);
    eddy_raw raws[10];
    for (int seen = 0; seen < 3;) {
        size_t n = 0;
        int end = 0;
        eddy_error err = {0};
        CHECK_OK(ed_source_read(source, 0, 1000, raws, 10, &n, &end, &err), &err);
        for (size_t i = 0; i < n; i++, seen++) {
            const eddy_raw *raw = &raws[i];
            if (raw->position.offset == 0) {
                assert_int_equal(raw->n_headers, 2);
                assert_string_equal(raw->headers[0].name, "a");
                assert_string_equal(raw->headers[1].value.at, "00-x");
            } else if (raw->position.offset == 1) {
                assert_null(raw->bytes);
                assert_memory_equal(raw->key, "gone", 4);
            } else {
                assert_null(raw->key);
                assert_int_equal(raw->n, 7);
                assert_memory_equal(raw->bytes, "no\0key\377", 7);
            }
        }
    }
    ed_source_free(source);
}

TEST(stop_wakes_readers_and_free_is_quick)
{
    const char *topic = own("stop");
    topic_make(topic, 1);
    struct ed_source *source = source_open(topic, own("stop-group"), 1, 0);
    ed_source_stop(source);
    eddy_raw raw;
    size_t n;
    int end = 0;
    int64_t start = ed_monotonic_ms();
    assert_int_equal(ed_source_read(source, 0, 1000, &raw, 1, &n, &end, NULL), EDDY_STOPPED);
    ed_source_free(source);
    assert_true(ed_monotonic_ms() - start < 5000);
}

/* ---- what is refused ---- */

static eddy_status try_open(const char *topic, const char *name, const char *value, eddy_error *err)
{
    const char *options[] = {"bootstrap.servers", broker(), name, value};
    struct ed_source_kafka o = {.topics = &topic,
                                .n_topics = 1,
                                .readers = 1,
                                .group = "refused",
                                .options = options,
                                .n_options = 2};
    struct ed_source *source = NULL;
    *err = (eddy_error){0};
    eddy_status st = ed_source_kafka_open(&o, &source, err);
    assert_null(source);
    return st;
}

static void must_say(const eddy_error *err, const char *words)
{
    if (!strstr(err->text, words))
        fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}

TEST(mistakes_are_named)
{
    eddy_error err;
    assert_int_equal(try_open("no-such-topic", "client.id", "x", &err), EDDY_UNAVAILABLE);
    must_say(&err, "topic no-such-topic does not exist");
    assert_int_equal(try_open("x", "fetch.wait.max.mss", "1", &err), EDDY_CONFIG);
    must_say(&err, "No such configuration property: \"fetch.wait.max.mss\"");
    assert_int_equal(try_open("x", "fetch.wait.max.ms", "many", &err), EDDY_CONFIG);
    must_say(&err, "Invalid value for configuration property \"fetch.wait.max.ms\"");
    assert_int_equal(try_open("x", "enable.auto.commit", "true", &err), EDDY_CONFIG);
    must_say(&err, "enable.auto.commit: eddy sets it itself");
    assert_int_equal(try_open("x", "plugin.library.paths", "x.so", &err), EDDY_CONFIG);
    assert_int_equal(try_open("x", "enable.ssl.certificate.verification", "false", &err),
                     EDDY_CONFIG);
    must_say(&err, "certificate would not be checked");
}

TEST(the_probe_says_whether_all_is_there)
{
    const char *topic = own("probe"), *there[] = {topic}, *missing[] = {topic, "not-there"};
    const char *options[] = {"bootstrap.servers", broker()};
    const char *nobody[] = {"bootstrap.servers", "127.0.0.1:1"};
    eddy_error err = {0};
    topic_make(topic, 1);
    CHECK_OK(ed_kafka_probe(options, 1, 0, there, 1, &err), &err);
    assert_int_equal(ed_kafka_probe(options, 1, 0, missing, 2, &err), EDDY_UNAVAILABLE);
    must_say(&err, "topic not-there does not exist");
    err = (eddy_error){0};
    int64_t start = ed_monotonic_ms();
    assert_int_equal(ed_kafka_probe(nobody, 1, 0, there, 1, &err), EDDY_UNAVAILABLE);
    must_say(&err, "Connection refused");
    assert_true(err.retriable);
    assert_true(ed_monotonic_ms() - start < 12000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_readers_get_all_in_order_and_nothing_comes_again),
        cmocka_unit_test(a_reader_paused_longer_than_max_poll_interval_stays_in_the_group),
        cmocka_unit_test(reading_to_the_end_ends_by_itself),
        cmocka_unit_test(headers_tombstones_and_binary_come_through),
        cmocka_unit_test(stop_wakes_readers_and_free_is_quick),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(the_probe_says_whether_all_is_there),
    };
    broker();
    ed_log_up_to(ED_LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
