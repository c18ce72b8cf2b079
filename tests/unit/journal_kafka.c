/* label: threads */
/* The Kafka journal when brokers misbehave. The broker is librdkafka's mock, which can be told to;
 * what it proves is only what our side does: its transactions do not isolate. The real one is in
 * tests/kafka. */
#include "test.h"

#include "base/log.h"
#include "base/pack.h"
#include "base/time.h"
#include "journal/journal.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

enum { PRODUCE = 0, ADD_PARTITIONS_TO_TXN = 24, END_TXN = 26 }; /* keys of requests */

static rd_kafka_t *host; /* the mock lives in a client of its own */
static rd_kafka_mock_cluster_t *mock;

static int mock_up(void **state)
{
    (void)state;
    char text[200];
    ed_log_up_to(ED_LOG_ERROR);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1", NULL, 0); /* never asked */
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    mock = rd_kafka_mock_cluster_new(host, 1);
    rd_kafka_mock_topic_create(mock, "changes", 1, 1);
    return 0;
}

static int mock_down(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(host);
    return 0;
}

/* ---- one journal ---- */

/* Each test has a state topic of its own. */
static struct ed_journal_kafka options_of(const char *topic, const char *state, int deliver_ms)
{
    static const char *options[2];
    options[0] = "bootstrap.servers";
    options[1] = rd_kafka_mock_cluster_bootstraps(mock);
    rd_kafka_mock_topic_create(mock, state, 1, 1);
    return (struct ed_journal_kafka){.topics = {[ED_CHANGES] = topic},
                                     .state = state,
                                     .pipeline = "test",
                                     .n_shards = 1,
                                     .id = state,
                                     .options = options,
                                     .n_options = 1,
                                     .unchecked = 1,
                                     .deliver_ms = deliver_ms};
}

static struct ed_journal *ready(const char *state, int deliver_ms, const struct ed_head **head,
                                eddy_error *err)
{
    struct ed_journal_kafka o = options_of("changes", state, deliver_ms);
    struct ed_journal *journal = NULL;
    *err = (eddy_error){0};
    CHECK_OK(ed_journal_kafka_open(&o, &journal, err), err);
    CHECK_OK(ed_journal_restore(journal, 7, NULL, head, err), err);
    return journal;
}

static void epoch_fill(struct ed_epoch *epoch, int n)
{
    static const eddy_record record = {.key = UINT64_C(1) << 56, .value = {"record", 6}};
    ed_epoch_init(epoch, NULL);
    for (int i = 0; i < n; i++)
        *ed_epoch_add(epoch) = (struct ed_message){
            .topic = i % 2 ? ED_CHANGES : ED_EVENTS, .key = {"E1", 2}, .value = {"{}", 2}};
    epoch->records = &record;
    epoch->n_records = 1;
}

static void must_say(const eddy_error *err, const char *words)
{
    if (!strstr(err->text, words))
        fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}

static struct ed_journal_stats stats_of(const struct ed_journal *journal)
{
    struct ed_journal_stats stats;
    ed_journal_stats(journal, &stats);
    return stats;
}

/* ---- troubles ---- */

TEST(an_epoch_without_an_answer_is_retriable_and_then_goes_through)
{
    const struct ed_head *head;
    struct ed_epoch epoch;
    eddy_error err;
    struct ed_journal *journal = ready("state-away", 1500, &head, &err);
    epoch_fill(&epoch, 100);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    assert_int_equal(head->mark.epoch, 1);

    rd_kafka_mock_broker_set_down(mock, 1);
    int64_t start = ed_monotonic_ms();
    assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_UNAVAILABLE);
    assert_true(ed_monotonic_ms() - start < 1500 + 5000 + 1000);
    must_say(&err, "kafka: ");
    assert_true(err.retriable);
    assert_int_equal(head->mark.epoch, 1);

    rd_kafka_mock_broker_set_up(mock, 1);
    for (int tries = 0; tries < 20; tries++) {
        err = (eddy_error){0};
        if (ed_journal_commit(journal, &epoch, &err) == EDDY_OK)
            break;
        assert_true(err.retriable);
    }
    assert_int_equal(err.status, EDDY_OK);
    assert_int_equal(head->mark.epoch, 2);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(an_epoch_that_is_aborted_is_sent_again)
{
    const struct ed_head *head;
    struct ed_epoch epoch;
    eddy_error err;
    struct ed_journal *journal = ready("state-again", 15000, &head, &err);
    epoch_fill(&epoch, 10);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    assert_int_equal(stats_of(journal).aborted, 0);
    rd_kafka_mock_push_request_errors(mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    assert_int_equal(head->mark.epoch, 2);
    assert_true(stats_of(journal).aborted + stats_of(journal).fences > 1);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(a_passing_trouble_is_not_seen)
{
    const struct ed_head *head;
    struct ed_epoch epoch;
    eddy_error err;
    struct ed_journal *journal = ready("state-passing", 10000, &head, &err);
    epoch_fill(&epoch, 10);
    rd_kafka_mock_push_request_errors(mock, PRODUCE, 1, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    rd_kafka_mock_push_request_errors(mock, ADD_PARTITIONS_TO_TXN, 2,
                                      RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
    rd_kafka_mock_push_request_errors(mock, END_TXN, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    epoch.n_messages = 0;
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err); /* an epoch of the state alone */
    assert_int_equal(head->mark.epoch, 2);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(a_refusal_is_final)
{
    const struct ed_head *head;
    struct ed_epoch epoch;
    eddy_error err;
    struct ed_journal *journal = ready("state-refused", 10000, &head, &err);
    epoch_fill(&epoch, 10);
    rd_kafka_mock_push_request_errors(mock, PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_UNAVAILABLE);
    must_say(&err, "Broker: Topic authorization failed");
    assert_false(err.retriable);
    assert_int_equal(head->mark.epoch, 0);
    rd_kafka_mock_clear_request_errors(mock, PRODUCE);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(who_was_fenced_commits_nothing_more)
{
    const struct ed_head *head;
    struct ed_epoch epoch;
    eddy_error err;
    struct ed_journal *journal = ready("state-fenced", 10000, &head, &err);
    epoch_fill(&epoch, 10);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    rd_kafka_mock_push_request_errors(mock, END_TXN, 1, RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
    assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_FENCED);
    must_say(&err, "another owner has taken over");
    assert_false(err.retriable);
    for (int i = 0; i < 2; i++) {
        err = (eddy_error){0};
        assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_FENCED);
    }
    assert_int_equal(head->mark.epoch, 1);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(a_commit_that_broke_is_looked_up)
{
    const struct ed_head *head;
    struct ed_epoch epoch;
    eddy_error err;
    struct ed_journal *journal = ready("state-broke", 10000, &head, &err);
    epoch_fill(&epoch, 4);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    rd_kafka_mock_push_request_errors(mock, END_TXN, 1, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    assert_int_equal(stats_of(journal).fences, 2);
    assert_int_equal(head->mark.epoch, 2);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

/* Nobody can look up what became of a commit that broke; whoever starts anew goes by the offsets.
 */
/* The answer to a commit that took so long may follow a request that still lingers (KIP-890). */
TEST(after_a_request_that_took_too_long_a_new_producer_begins)
{
    const struct ed_head *head;
    struct ed_epoch epoch;
    eddy_error err;
    struct ed_journal *journal = ready("state-late", 30000, &head, &err);
    epoch_fill(&epoch, 10);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    rd_kafka_mock_broker_push_request_error_rtts(mock, 1, END_TXN, 1, RD_KAFKA_RESP_ERR_NO_ERROR,
                                                 2500);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    assert_int_equal(stats_of(journal).doubts, 0);
    assert_int_equal(stats_of(journal).fences, 1);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    assert_int_equal(stats_of(journal).doubts, 1);
    assert_int_equal(stats_of(journal).fences, 2);
    assert_int_equal(head->mark.epoch, 3);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

/* ---- what is found ---- */

static eddy_status restore_only(const char *state, uint64_t fingerprint, uint64_t *ret_epoch,
                                eddy_error *err)
{
    struct ed_journal_kafka o = options_of("changes", state, 10000);
    const struct ed_head *head = NULL;
    struct ed_journal *journal = NULL;
    *err = (eddy_error){0};
    CHECK_OK(ed_journal_kafka_open(&o, &journal, err), err);
    eddy_status st = ed_journal_restore(journal, fingerprint, NULL, &head, err);
    *ret_epoch = st == EDDY_OK ? head->mark.epoch : 0;
    CHECK_OK(ed_journal_close(journal, NULL), err);
    return st;
}

static void put(const char *topic, const void *key, size_t n_key, const void *value, size_t n)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock), NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, n_key),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)value, n),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(rk, 10000), 0);
    rd_kafka_destroy(rk);
}

TEST(a_restart_finds_the_last_epoch_or_says_why_not)
{
    const struct ed_head *head;
    struct ed_epoch epoch;
    eddy_error err;
    uint64_t found;
    struct ed_journal *journal = ready("state-found", 10000, &head, &err);
    epoch_fill(&epoch, 4);
    for (int i = 0; i < 3; i++)
        CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    CHECK_OK(restore_only("state-found", 7, &found, &err), &err);
    assert_int_equal(found, 3);
    assert_int_equal(restore_only("state-found", 8, &found, &err), EDDY_CONFIG);
    must_say(&err, "another model");

    put("state-found", "short", 5, "?", 1);
    assert_int_equal(restore_only("state-found", 7, &found, &err), EDDY_FORMAT);
    must_say(&err, "not a record of eddy's state");
}

TEST(a_head_of_a_newer_version_is_refused)
{
    struct ed_bytes bytes;
    eddy_error err;
    uint64_t found;
    ed_bytes_init(&bytes, 100);
    ed_bytes_add(&bytes, "edhd", 4);
    ed_pack_u32(&bytes, ED_HEAD_VERSION + 1);
    rd_kafka_mock_topic_create(mock, "state-newer", 1, 1);
    put("state-newer", "\0\0\0\0\0\0\0\0", 8, bytes.at, bytes.n);
    assert_int_equal(restore_only("state-newer", 7, &found, &err), EDDY_FORMAT);
    must_say(&err, "newer");
    ed_bytes_clear(&bytes);
}

TEST(records_without_a_head_are_refused)
{
    eddy_error err;
    uint64_t found;
    rd_kafka_mock_topic_create(mock, "state-headless", 1, 1);
    put("state-headless", "\1\0\0\0\0\0\0\1", 8, "?", 1);
    assert_int_equal(restore_only("state-headless", 7, &found, &err), EDDY_FORMAT);
    must_say(&err, "no head");
}

/* ---- opening ---- */

static eddy_status open_with(const char *topic, const char *name, const char *value,
                             struct ed_journal **ret, eddy_error *err)
{
    struct ed_journal_kafka o = options_of(topic, "state", 5000);
    const char *options[] = {o.options[0], o.options[1], name, value};
    o.options = options;
    o.n_options = name ? 2 : 1;
    *err = (eddy_error){0};
    *ret = NULL;
    return ed_journal_kafka_open(&o, ret, err);
}

TEST(mistakes_are_named)
{
    struct ed_journal *journal = NULL;
    eddy_error err;
    assert_int_equal(open_with("nowhere", NULL, NULL, &journal, &err), EDDY_UNAVAILABLE);
    must_say(&err, "topic nowhere does not exist");
    assert_int_equal(open_with("changes", "linger.mss", "5", &journal, &err), EDDY_CONFIG);
    must_say(&err, "No such configuration property: \"linger.mss\"");
    assert_int_equal(open_with("changes", "acks", "1", &journal, &err), EDDY_CONFIG);
    must_say(&err, "acks: eddy sets it itself");
    assert_int_equal(open_with("changes", "transactional.id", "x", &journal, &err), EDDY_CONFIG);
    must_say(&err, "transactional.id: eddy sets it itself");
    assert_int_equal(open_with("changes", "sasl.kerberos.kinit.cmd", "x", &journal, &err),
                     EDDY_CONFIG);
    must_say(&err, "it runs a program");
    /* What librdkafka only finds when all is known. */
    assert_int_equal(open_with("changes", "max.in.flight", "100", &journal, &err), EDDY_CONFIG);
    must_say(&err, "max.in.flight");
    assert_null(journal);
}

TEST(a_state_topic_of_another_number_of_shards_is_refused)
{
    struct ed_journal_kafka o = options_of("changes", "state", 5000);
    struct ed_journal *journal = NULL;
    eddy_error err = {0};
    o.n_shards = 3;
    assert_int_equal(ed_journal_kafka_open(&o, &journal, &err), EDDY_CONFIG);
    must_say(&err, "topic state has 1 partitions, but state.shards is 3");
}

TEST(open_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        struct ed_journal *journal = NULL;
        eddy_error err;
        eddy_status st = open_with("changes", NULL, NULL, &journal, &err);
        if (st == EDDY_OK)
            assert_int_equal(ed_journal_close(journal, NULL), EDDY_OK);
        else
            assert_true(st == EDDY_NOMEM && !journal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_without_an_answer_is_retriable_and_then_goes_through),
        cmocka_unit_test(an_epoch_that_is_aborted_is_sent_again),
        cmocka_unit_test(a_passing_trouble_is_not_seen),
        cmocka_unit_test(a_refusal_is_final),
        cmocka_unit_test(who_was_fenced_commits_nothing_more),
        cmocka_unit_test(a_commit_that_broke_is_looked_up),
        cmocka_unit_test(after_a_request_that_took_too_long_a_new_producer_begins),
        cmocka_unit_test(a_restart_finds_the_last_epoch_or_says_why_not),
        cmocka_unit_test(a_head_of_a_newer_version_is_refused),
        cmocka_unit_test(records_without_a_head_are_refused),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_state_topic_of_another_number_of_shards_is_refused),
        cmocka_unit_test(open_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, mock_up, mock_down);
}
