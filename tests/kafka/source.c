/* The source on a real broker: order, places, transactions, deletions, back-pressure, what is
 * refused. */
#include "kafka/broker.h"

#include "base/log.h"

#include <pthread.h>

enum { PARTITIONS = 3, EACH = 1000, MAX = 20000 };

static int64_t first_ms; /* of what tests produce: long ago, but not so long that it is deleted */

/* ---- the broker's side ---- */

static rd_kafka_t *producer_new(const char *transactional_id)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", broker(), NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "5", NULL, 0);
    rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0); /* keeps the order */
    rd_kafka_conf_set(conf, "batch.num.messages", "50", NULL, 0);   /* fetched as a whole */
    if (transactional_id)
        rd_kafka_conf_set(conf, "transactional.id", transactional_id, NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    assert_non_null(rk);
    if (transactional_id)
        assert_null(rd_kafka_init_transactions(rk, 20000));
    return rk;
}

/* A message of size bytes that begin with its number; at a time of its own, or now (0). */
static void message_send(rd_kafka_t *rk, const char *topic, int partition, int number,
                         int64_t time_ms, size_t size)
{
    char value[4000] = "";
    assert_true(size <= sizeof value);
    int n = snprintf(value, sizeof value, "%d", number);
    size = size > (size_t)n ? size : (size_t)n;
    rd_kafka_resp_err_t why;
    while ((why = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                    RD_KAFKA_V_VALUE(value, size), RD_KAFKA_V_TIMESTAMP(time_ms),
                                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 100);
    assert_int_equal(why, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void messages_flush(rd_kafka_t *rk)
{
    assert_int_equal(rd_kafka_flush(rk, 30000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void fill(const char *topic, int partition, int from, int to, int64_t from_ms,
                 int64_t step_ms, size_t size)
{
    rd_kafka_t *rk = producer_new(NULL);
    for (int i = from; i < to; i++)
        message_send(rk, topic, partition, i, from_ms ? from_ms + (i - from) * step_ms : 0, size);
    messages_flush(rk);
    rd_kafka_destroy(rk);
}

static void delete_before(const char *topic, int partition, int64_t offset)
{
    rd_kafka_t *rk = producer_new(NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *what = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteRecords(rk, &what, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20000);
    assert_non_null(event);
    assert_int_equal(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(what);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

/* ---- our side ---- */

static const char *options[10] = {"bootstrap.servers", NULL};

/* From the beginning to the end of now, in the same order each time. */
static struct ed_source_kafka choice_of(const char *const *topic)
{
    options[1] = broker();
    return (struct ed_source_kafka){.topics = topic,
                                    .n_topics = 1,
                                    .from = {.kind = ED_FROM_BEGINNING},
                                    .until = {.kind = ED_FROM_END},
                                    .wait_ms = -1,
                                    .options = options,
                                    .n_options = 1};
}

static void option_set(struct ed_source_kafka *o, const char *name, const char *value)
{
    options[2 * o->n_options] = name;
    options[2 * o->n_options + 1] = value;
    o->n_options++;
}

static struct ed_source *opened(const struct ed_source_kafka *o)
{
    struct ed_source *source = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_source_kafka_open(o, &source, &err), &err);
    return source;
}

struct seen {
    int partition;
    int64_t offset, time_ms;
    int number;
};

static struct seen seen[MAX], again[MAX];

/* Read at most want messages, max at a time, or to the end, or for wait_ms. Gives how many; *end
 * (may be NULL): it was the end. */
static size_t read_some(struct ed_source *source, struct seen *ret, size_t want, size_t max,
                        int wait_ms, int *end)
{
    size_t total = 0;
    int ended = 0;
    int64_t until = ed_monotonic_ms() + wait_ms;
    while (total < want && !ended && ed_monotonic_ms() < until) {
        eddy_raw raws[256];
        size_t n = 0;
        eddy_error err = {0};
        CHECK_OK(ed_source_read(source, 100, raws, max, &n, &ended, &err), &err);
        assert_true(n <= max && !(n && ended) && total + n <= MAX);
        for (size_t i = 0; i < n; i++) {
            char number[12] = "";
            memcpy(number, raws[i].bytes, raws[i].n < 11 ? raws[i].n : 11);
            ret[total++] = (struct seen){raws[i].position.partition, raws[i].position.offset,
                                         raws[i].broker_ms, atoi(number)};
        }
    }
    if (end)
        *end = ended;
    return total;
}

/* All that the choice asks for, to its end. */
static size_t read_whole(const struct ed_source_kafka *o, struct seen *ret, size_t max)
{
    int end = 0;
    struct ed_source *source = opened(o);
    size_t n = read_some(source, ret, SIZE_MAX, max, 30000, &end);
    assert_true(end);
    ed_source_free(source);
    return n;
}

static const char *topic_filled(const char *name)
{
    const char *topic = own(name);
    topic_make(topic, PARTITIONS);
    for (int p = 0; p < PARTITIONS; p++)
        fill(topic, p, 0, EACH, first_ms + p * 13, 40 + 3 * p, 20);
    return topic;
}

static void check_order(const struct seen *all, size_t n)
{
    int64_t next[PARTITIONS] = {0};
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(all[i].offset, next[all[i].partition]++);
        assert_int_equal(all[i].number, all[i].offset);
        assert_true(
            !i || all[i].time_ms > all[i - 1].time_ms ||
            (all[i].time_ms == all[i - 1].time_ms && all[i].partition > all[i - 1].partition));
    }
}

static void must_say(const eddy_error *err, const char *words)
{
    if (!strstr(err->text, words))
        fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}

/* ---- order ---- */

TEST(partitions_are_merged_by_time_and_the_same_way_each_time)
{
    const char *topic = topic_filled("merged");
    struct ed_source_kafka o = choice_of(&topic);
    assert_int_equal(read_whole(&o, seen, 256), PARTITIONS * EACH);
    check_order(seen, PARTITIONS * EACH);
    option_set(&o, "fetch.message.max.bytes", "3000"); /* many fetches, short queues */
    option_set(&o, "queued.max.messages.kbytes", "3");
    for (size_t max = 7; max < 200; max += 90) {
        assert_int_equal(read_whole(&o, again, max), PARTITIONS * EACH);
        assert_memory_equal(again, seen, PARTITIONS * EACH * sizeof *seen);
    }
}

TEST(without_an_end_it_goes_on_with_what_comes_and_waits_for_no_partition_at_its_end)
{
    const char *topic = topic_filled("endless");
    /* A control record at the end of partition 2 looks like a message that is yet to come. */
    rd_kafka_t *rk = producer_new(topic);
    assert_null(rd_kafka_begin_transaction(rk));
    message_send(rk, topic, 2, EACH, first_ms + 1000000, 0);
    assert_null(rd_kafka_commit_transaction(rk, 20000));
    rd_kafka_destroy(rk);
    struct ed_source_kafka o = choice_of(&topic);
    o.endless = 1;
    o.wait_ms = 20000;
    struct ed_source *source = opened(&o);
    int end = 1;
    assert_int_equal(read_some(source, seen, PARTITIONS * EACH + 1, 256, 15000, NULL),
                     PARTITIONS * EACH + 1);
    check_order(seen, PARTITIONS * EACH + 1);
    assert_int_equal(read_some(source, seen, 1, 256, 500, &end), 0);
    assert_false(end);
    for (int i = 0; i < 5; i++) {
        fill(topic, i % 2, EACH + i / 2, EACH + i / 2 + 1, 0, 0, 0);
        assert_int_equal(read_some(source, seen, 1, 256, 5000, NULL), 1);
        assert_int_equal(seen[0].partition, i % 2);
    }
    struct ed_progress progress;
    ed_source_progress(source, &progress);
    assert_int_equal(progress.messages, PARTITIONS * EACH + 6);
    assert_int_equal(progress.behind, 0);
    assert_false(progress.behind_unknown);
    assert_int_equal(progress.missing + progress.late, 0);
    ed_source_free(source);
}

TEST(two_hundred_partitions_are_no_trouble)
{
    enum { MANY = 200, FEW = 30 };
    const char *topic = own("many");
    topic_make(topic, MANY);
    rd_kafka_t *rk = producer_new(NULL);
    for (int i = 0; i < FEW; i++)
        for (int p = 0; p < MANY; p++)
            message_send(rk, topic, p, i, first_ms + i * 1000 + (p * 37) % MANY, 100);
    messages_flush(rk);
    rd_kafka_destroy(rk);
    struct ed_source_kafka o = choice_of(&topic);
    int64_t start = ed_monotonic_ms();
    assert_int_equal(read_whole(&o, seen, 100), MANY * FEW);
    printf("%d messages of %d partitions in %d ms\n", MANY * FEW, MANY,
           (int)(ed_monotonic_ms() - start));
    for (size_t i = 1; i < MANY * FEW; i++)
        assert_true(seen[i].time_ms > seen[i - 1].time_ms);
}

/* ---- places ---- */

static void check_starts(const struct ed_source *source, int64_t a, int64_t b, int64_t c)
{
    const int64_t expected[PARTITIONS] = {a, b, c};
    const struct ed_offset *starts = NULL;
    size_t n = 0;
    ed_source_starts(source, &starts, &n);
    assert_int_equal(n, PARTITIONS);
    for (int p = 0; p < PARTITIONS; p++) {
        assert_int_equal(starts[p].partition, p);
        assert_int_equal(starts[p].next, expected[p]);
    }
}

/* What is read of each partition: from..to - 1. */
static void check_ranges(const struct ed_source_kafka *o, const int64_t from[PARTITIONS],
                         const int64_t to[PARTITIONS])
{
    int64_t next[PARTITIONS];
    size_t want = 0;
    memcpy(next, from, sizeof next);
    for (int p = 0; p < PARTITIONS; p++)
        want += (size_t)(to[p] - from[p]);
    struct ed_source *source = opened(o);
    check_starts(source, from[0], from[1], from[2]);
    struct ed_progress progress;
    ed_source_progress(source, &progress);
    assert_int_equal(progress.messages_total, want);
    assert_int_equal(progress.behind, want);
    int end = 0;
    assert_int_equal(read_some(source, seen, SIZE_MAX, 100, 30000, &end), want);
    assert_true(end);
    for (size_t i = 0; i < want; i++)
        assert_int_equal(seen[i].offset, next[seen[i].partition]++);
    assert_memory_equal(next, to, sizeof next);
    ed_source_progress(source, &progress);
    assert_int_equal(progress.behind, 0);
    ed_source_free(source);
}

TEST(places_are_found_by_time_offset_and_end_and_starts_win)
{
    /* Times: first_ms + p * 13 + i * (40 + 3 * p) */
    const char *topic = topic_filled("places");
    struct ed_source_kafka o = choice_of(&topic);
    o.from = (struct ed_place_from){ED_FROM_OFFSET, 900};
    check_ranges(&o, (int64_t[]){900, 900, 900}, (int64_t[]){EACH, EACH, EACH});
    o.until = (struct ed_place_from){ED_FROM_OFFSET, 950};
    check_ranges(&o, (int64_t[]){900, 900, 900}, (int64_t[]){950, 950, 950});
    o.from = (struct ed_place_from){ED_FROM_TIME, first_ms + 4000};
    o.until = (struct ed_place_from){ED_FROM_TIME, first_ms + 8001};
    check_ranges(&o, (int64_t[]){100, 93, 87}, (int64_t[]){201, 186, 174});
    o.until =
        (struct ed_place_from){ED_FROM_TIME, first_ms + 40000}; /* beyond partition 0's last */
    check_ranges(&o, (int64_t[]){100, 93, 87}, (int64_t[]){1000, 930, 869});
    const struct ed_offset starts[] = {{"other", 0, 5}, {topic, 1, 990}, {topic, 2, EACH}};
    o.starts = starts;
    o.n_starts = 3;
    o.until = (struct ed_place_from){.kind = ED_FROM_END};
    check_ranges(&o, (int64_t[]){100, 990, EACH}, (int64_t[]){EACH, EACH, EACH});
    o.from = (struct ed_place_from){.kind = ED_FROM_END};
    check_ranges(&o, (int64_t[]){EACH, 990, EACH}, (int64_t[]){EACH, EACH, EACH});
    o.from = (struct ed_place_from){ED_FROM_TIME, first_ms + 999999}; /* nothing is so late */
    o.until = (struct ed_place_from){.kind = ED_FROM_BEGINNING};
    o.n_starts = 0;
    struct ed_source *source = opened(&o);
    check_starts(source, EACH, EACH, EACH);
    int end = 0;
    assert_int_equal(read_some(source, seen, 1, 10, 10000, &end), 0);
    assert_true(end);
    ed_source_free(source);
}

TEST(shards_and_lists_choose_partitions)
{
    const char *topic = topic_filled("shards");
    struct ed_source_kafka o = choice_of(&topic);
    static const int32_t two[] = {2, 1};
    o.n_shards = 2;
    for (o.shard = 0; o.shard < 2; o.shard++) {
        assert_int_equal(read_whole(&o, seen, 256), o.shard ? EACH : 2 * EACH);
        for (size_t i = 0; i < EACH; i++)
            assert_int_equal(seen[i].partition % 2, o.shard);
    }
    o.shard = 0;
    o.partitions = two;
    o.n_partitions = 2;
    assert_int_equal(read_whole(&o, seen, 256), EACH);
    assert_int_equal(seen[0].partition, 2);
    o.n_shards = 0;
    assert_int_equal(read_whole(&o, seen, 256), 2 * EACH);
}

TEST(the_end_is_the_one_at_open)
{
    const char *topic = own("end");
    topic_make(topic, PARTITIONS); /* 1 and 2 stay empty */
    fill(topic, 0, 0, 200, 0, 0, 0);
    struct ed_source_kafka o = choice_of(&topic);
    struct ed_source *source = opened(&o);
    fill(topic, 0, 200, 300, 0, 0, 0);
    fill(topic, 1, 0, 100, 0, 0, 0);
    int end = 0;
    int64_t start = ed_monotonic_ms();
    assert_int_equal(read_some(source, seen, SIZE_MAX, 256, 30000, &end), 200);
    assert_true(end);
    assert_true(ed_monotonic_ms() - start < 10000);
    ed_source_free(source);
}

/* ---- transactions ---- */

static void transaction(const char *topic, int from, int to, int commit)
{
    rd_kafka_t *rk = producer_new(topic);
    assert_null(rd_kafka_begin_transaction(rk));
    for (int i = from; i < to; i++)
        message_send(rk, topic, 0, i, 0, 0);
    messages_flush(rk);
    assert_null(commit ? rd_kafka_commit_transaction(rk, 20000)
                       : rd_kafka_abort_transaction(rk, 20000));
    rd_kafka_destroy(rk);
}

TEST(aborted_messages_are_not_read_and_the_end_is_found)
{
    const char *topic = own("txn");
    topic_make(topic, 2);
    transaction(topic, 0, 10, 1);
    transaction(topic, 10, 20, 0);
    transaction(topic, 20, 30, 1);
    transaction(topic, 30, 40, 0); /* nothing but what was aborted at the end */
    struct ed_source_kafka o = choice_of(&topic);
    assert_int_equal(read_whole(&o, seen, 256), 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(seen[i].number, i < 10 ? i : i + 10);
}

TEST(an_open_transaction_is_waited_for)
{
    const char *topic = own("open-txn");
    topic_make(topic, 1);
    transaction(topic, 0, 10, 1);
    rd_kafka_t *rk = producer_new(topic);
    assert_null(rd_kafka_begin_transaction(rk));
    for (int i = 10; i < 20; i++)
        message_send(rk, topic, 0, i, 0, 0);
    messages_flush(rk);
    struct ed_source_kafka o = choice_of(&topic);
    struct ed_source *source = opened(&o);
    int end = 1;
    assert_int_equal(read_some(source, seen, SIZE_MAX, 256, 1500, &end), 10);
    assert_false(end);
    assert_null(rd_kafka_commit_transaction(rk, 20000));
    assert_int_equal(read_some(source, seen, SIZE_MAX, 256, 20000, &end), 10);
    assert_true(end);
    ed_source_free(source);
    rd_kafka_destroy(rk);
}

/* ---- deletions ---- */

TEST(a_start_that_was_deleted_is_moved_and_counted)
{
    const char *topic = own("deleted");
    topic_make(topic, 1);
    fill(topic, 0, 0, 200, 0, 0, 0);
    delete_before(topic, 0, 70);
    struct ed_offset start = {topic, 0, 20};
    struct ed_source_kafka o = choice_of(&topic);
    o.starts = &start;
    o.n_starts = 1;
    struct ed_source *source = opened(&o);
    struct ed_progress progress;
    ed_source_progress(source, &progress);
    assert_int_equal(progress.missing, 50);
    assert_int_equal(read_some(source, seen, SIZE_MAX, 256, 20000, NULL), 130);
    assert_int_equal(seen[0].offset, 70);
    ed_source_free(source);

    o.n_starts = 0; /* who asks for the beginning misses nothing */
    source = opened(&o);
    ed_source_progress(source, &progress);
    assert_int_equal(progress.missing, 0);
    ed_source_free(source);
}

/* They are gone while they wait to be fetched: at first for a reader that goes on, then for one
 * that was to stop in the gap. */
TEST(messages_deleted_while_running_are_counted)
{
    const char *topic = own("gap");
    topic_make(topic, 2);
    fill(topic, 0, 0, 3000, 0, 0, 100);
    struct ed_source_kafka o = choice_of(&topic);
    option_set(&o, "fetch.message.max.bytes", "2000");
    option_set(&o, "queued.max.messages.kbytes", "2");
    for (int round = 0; round < 2; round++) {
        o.until = (struct ed_place_from){ED_FROM_OFFSET, round ? 2850 : 3000};
        struct ed_source *source = opened(&o);
        size_t n = read_some(source, seen, 1, 1, 20000, NULL);
        assert_int_equal(n, 1);
        usleep(500 * 1000); /* the queue is full */
        delete_before(topic, 0, round ? 2900 : 2700);
        int end = 0;
        n += read_some(source, seen + 1, SIZE_MAX, 256, 30000, &end);
        assert_true(end);
        struct ed_progress progress;
        ed_source_progress(source, &progress);
        printf("%zu read, %d missing\n", n, (int)progress.missing);
        assert_true(progress.missing > 0);
        assert_int_equal(n + progress.missing, round ? 150 : 3000);
        int jumps = 0;
        for (size_t i = 1; i < n; i++)
            jumps += seen[i].offset != seen[i - 1].offset + 1;
        assert_int_equal(jumps, round ? 0 : 1);
        ed_source_free(source);
    }
}

TEST(a_topic_that_is_made_anew_meanwhile_ends_the_source)
{
    const char *topic = own("anew");
    topic_make(topic, 1);
    fill(topic, 0, 0, 100, 0, 0, 0);
    struct ed_source_kafka o = choice_of(&topic);
    o.endless = 1;
    struct ed_source *source = opened(&o);
    assert_int_equal(read_some(source, seen, 100, 256, 20000, NULL), 100);
    shell("tools/kafka topics --bootstrap-server %s --delete --topic %s >/dev/null", broker(),
          topic);
    usleep(1000 * 1000);
    topic_make(topic, 1);
    fill(topic, 0, 0, 10, 0, 0, 0);
    eddy_error err = {0};
    eddy_status st = EDDY_OK;
    int64_t until = ed_monotonic_ms() + 60000;
    while (st == EDDY_OK && ed_monotonic_ms() < until) {
        eddy_raw raw;
        size_t n = 0;
        int end = 0;
        st = ed_source_read(source, 100, &raw, 1, &n, &end, &err);
        assert_int_equal(n, 0);
    }
    assert_int_equal(st, EDDY_UNAVAILABLE);
    must_say(&err, "nothing at offset 100 any more; was the topic made anew?");
    ed_source_free(source);
}

/* ---- partitions that are added ---- */

TEST(partitions_added_meanwhile_are_read_from_their_beginning)
{
    const char *topic = own("grown");
    topic_make(topic, 2);
    fill(topic, 0, 0, 10, 0, 0, 0);
    struct ed_source_kafka o = choice_of(&topic);
    o.endless = 1;
    o.wait_ms = 500;
    o.from = (struct ed_place_from){.kind = ED_FROM_END};
    option_set(&o, "topic.metadata.refresh.interval.ms", "1000");
    struct ed_source *source = opened(&o);
    assert_int_equal(read_some(source, seen, 1, 256, 1000, NULL), 0);
    shell("tools/kafka topics --bootstrap-server %s --alter --topic %s --partitions 4 >/dev/null",
          broker(), topic);
    fill(topic, 3, 0, 20, 0, 0, 0);
    assert_int_equal(read_some(source, seen, 20, 256, 20000, NULL), 20);
    for (int i = 0; i < 20; i++)
        assert_true(seen[i].partition == 3 && seen[i].offset == i);
    fill(topic, 2, 0, 5, 0, 0, 0);
    fill(topic, 1, 0, 5, 0, 0, 0);
    assert_int_equal(read_some(source, seen, 10, 256, 20000, NULL), 10);
    ed_source_free(source);
}

/* ---- back-pressure ---- */

static size_t resident_kib(void)
{
    char line[200];
    size_t kib = 0;
    FILE *in = fopen("/proc/self/status", "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in))
        sscanf(line, "VmRSS: %zu", &kib);
    fclose(in);
    return kib;
}

TEST(a_reader_that_does_not_read_keeps_little)
{
    enum { N = 15000, SIZE = 4000 }; /* 60 MB in each of two partitions */
    const char *topic = own("pressure");
    topic_make(topic, 2);
    fill(topic, 0, 0, N, 0, 0, SIZE);
    fill(topic, 1, 0, N, 0, 0, SIZE);
    struct ed_source_kafka o = choice_of(&topic);
    option_set(&o, "queued.max.messages.kbytes", "2048");
    size_t before = resident_kib();
    struct ed_source *source = opened(&o);
    assert_int_equal(read_some(source, seen, 1, 1, 20000, NULL), 1);
    usleep(3000 * 1000);
    size_t grown = resident_kib() - before;
    printf("%zu KiB more than before\n", grown);
    assert_true(grown < 60000);
    size_t n = 1;
    for (size_t got = 1; got; n += got)
        got = read_some(source, seen, 5000, 256, 20000, NULL);
    assert_int_equal(n, 2 * N);
    ed_source_free(source);
}

/* ---- what a message brings ---- */

TEST(headers_tombstones_and_binary_come_through)
{
    const char *topic = own("raw");
    topic_make(topic, 1);
    shell("printf 'k:v' | kcat -q -b %s -P -t %s -p 0 -K: -H a=1 -H traceparent=00-x", broker(),
          topic);
    shell("printf 'gone:' | kcat -q -b %s -P -t %s -p 0 -K: -Z", broker(), topic);
    shell("printf 'no\\000key\\377' | kcat -q -b %s -P -t %s -p 0 -D XYZ", broker(), topic);
    struct ed_source *source = source_open(topic);
    eddy_raw raws[10];
    for (int got = 0; got < 3;) {
        size_t n = 0;
        int end = 0;
        eddy_error err = {0};
        CHECK_OK(ed_source_read(source, 1000, raws, 10, &n, &end, &err), &err);
        for (size_t i = 0; i < n; i++, got++) {
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

/* ---- the end ---- */

static void *stop_soon(void *source)
{
    usleep(200 * 1000);
    ed_source_stop(source);
    return NULL;
}

TEST(stop_wakes_the_reader_and_free_is_quick)
{
    const char *topic = topic_filled("stop");
    struct ed_source_kafka o = choice_of(&topic);
    o.endless = 1;
    o.from = (struct ed_place_from){.kind = ED_FROM_END};
    struct ed_source *source = opened(&o);
    pthread_t thread;
    eddy_raw raw;
    size_t n;
    int end = 0;
    int64_t start = ed_monotonic_ms();
    pthread_create(&thread, NULL, stop_soon, source);
    assert_int_equal(ed_source_read(source, 10000, &raw, 1, &n, &end, NULL), EDDY_STOPPED);
    assert_true(ed_monotonic_ms() - start < 5000);
    assert_int_equal(ed_source_read(source, 10000, &raw, 1, &n, &end, NULL), EDDY_STOPPED);
    pthread_join(thread, NULL);
    start = ed_monotonic_ms();
    ed_source_free(source);
    assert_true(ed_monotonic_ms() - start < 3000);

    o.from = (struct ed_place_from){.kind = ED_FROM_BEGINNING}; /* with full queues, too */
    source = opened(&o);
    assert_int_equal(read_some(source, seen, 10, 10, 20000, NULL), 10);
    start = ed_monotonic_ms();
    ed_source_free(source);
    assert_true(ed_monotonic_ms() - start < 3000);
}

/* ---- what is refused ---- */

static eddy_status try_open(const char *topic, const char *name, const char *value, eddy_error *err)
{
    struct ed_source_kafka o = choice_of(&topic);
    option_set(&o, name, value);
    struct ed_source *source = NULL;
    *err = (eddy_error){0};
    eddy_status st = ed_source_kafka_open(&o, &source, err);
    assert_null(source);
    return st;
}

static eddy_status try_start(const char *topic, int32_t partition, int64_t next, eddy_error *err)
{
    struct ed_offset start = {topic, partition, next};
    struct ed_source_kafka o = choice_of(&topic);
    o.starts = &start;
    o.n_starts = 1;
    struct ed_source *source = NULL;
    *err = (eddy_error){0};
    eddy_status st = ed_source_kafka_open(&o, &source, err);
    ed_source_free(source);
    return st;
}

TEST(a_start_beyond_the_end_is_refused)
{
    const char *topic = own("beyond");
    eddy_error err;
    topic_make(topic, 2);
    fill(topic, 1, 0, 10, 0, 0, 0);
    CHECK_OK(try_start(topic, 1, 10, &err), &err);
    assert_int_equal(try_start(topic, 1, 11, &err), EDDY_FORMAT);
    must_say(&err, "partition 1: the start 11 lies beyond the end of the log, 10");
    assert_int_equal(try_start(topic, 2, 0, &err), EDDY_FORMAT);
    must_say(&err, "has 2 partitions, but partition 2");
    int32_t missing = 2;
    struct ed_source_kafka o = choice_of(&topic);
    o.partitions = &missing;
    o.n_partitions = 1;
    struct ed_source *source = NULL;
    err = (eddy_error){0};
    assert_int_equal(ed_source_kafka_open(&o, &source, &err), EDDY_UNAVAILABLE);
    must_say(&err, "has no partition 2");
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
    const char *good[] = {"bootstrap.servers", broker()};
    const char *nobody[] = {"bootstrap.servers", "127.0.0.1:1"};
    eddy_error err = {0};
    topic_make(topic, 1);
    eddy_status st = ed_kafka_probe(good, 1, 0, there, 1, &err);
    for (int64_t until = ed_monotonic_ms() + 20000; st && ed_monotonic_ms() < until;) {
        usleep(100 * 1000); /* a busy broker hears of its own topic a little later */
        err = (eddy_error){0};
        st = ed_kafka_probe(good, 1, 0, there, 1, &err);
    }
    CHECK_OK(st, &err);
    assert_int_equal(ed_kafka_probe(good, 1, 0, missing, 2, &err), EDDY_UNAVAILABLE);
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
        cmocka_unit_test(partitions_are_merged_by_time_and_the_same_way_each_time),
        cmocka_unit_test(
            without_an_end_it_goes_on_with_what_comes_and_waits_for_no_partition_at_its_end),
        cmocka_unit_test(two_hundred_partitions_are_no_trouble),
        cmocka_unit_test(places_are_found_by_time_offset_and_end_and_starts_win),
        cmocka_unit_test(shards_and_lists_choose_partitions),
        cmocka_unit_test(the_end_is_the_one_at_open),
        cmocka_unit_test(aborted_messages_are_not_read_and_the_end_is_found),
        cmocka_unit_test(an_open_transaction_is_waited_for),
        cmocka_unit_test(a_start_that_was_deleted_is_moved_and_counted),
        cmocka_unit_test(messages_deleted_while_running_are_counted),
        cmocka_unit_test(a_topic_that_is_made_anew_meanwhile_ends_the_source),
        cmocka_unit_test(partitions_added_meanwhile_are_read_from_their_beginning),
        cmocka_unit_test(a_reader_that_does_not_read_keeps_little),
        cmocka_unit_test(headers_tombstones_and_binary_come_through),
        cmocka_unit_test(stop_wakes_the_reader_and_free_is_quick),
        cmocka_unit_test(a_start_beyond_the_end_is_refused),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(the_probe_says_whether_all_is_there),
    };
    first_ms = ed_wall_ms() - 3600000;
    broker();
    ed_log_up_to(ED_LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
