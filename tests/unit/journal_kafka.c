/* label: threads */
/* The Kafka journal when brokers misbehave. The broker is librdkafka's mock, which can be told to;
 * what it proves is only what our side does. The real one is in tests/kafka. */
#include "test.h"

#include "base/log.h"
#include "base/time.h"
#include "journal/journal.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

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

static eddy_status open_with(const char *topic, const char *name, const char *value, int deliver_ms,
                             struct ed_journal **ret, eddy_error *err)
{
    const char *options[] = {"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock), name,
                             value};
    struct ed_journal_kafka o = {.topics = {[ED_CHANGES] = topic},
                                 .options = options,
                                 .n_options = name ? 2 : 1,
                                 .deliver_ms = deliver_ms};
    *err = (eddy_error){0};
    *ret = NULL;
    return ed_journal_kafka_open(&o, ret, err);
}

static void epoch_fill(struct ed_epoch *epoch, int n)
{
    ed_epoch_init(epoch, NULL);
    for (int i = 0; i < n; i++)
        *ed_epoch_add(epoch) = (struct ed_message){
            .topic = i % 2 ? ED_CHANGES : ED_EVENTS, .key = {"E1", 2}, .value = {"{}", 2}};
}

static void must_say(const eddy_error *err, const char *words)
{
    if (!strstr(err->text, words))
        fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}

TEST(an_epoch_without_an_answer_is_retriable_and_then_goes_through)
{
    struct ed_journal *journal = NULL;
    struct ed_epoch epoch;
    eddy_error err;
    CHECK_OK(open_with("changes", NULL, NULL, 1500, &journal, &err), &err);
    epoch_fill(&epoch, 100);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);

    rd_kafka_mock_broker_set_down(mock, 1);
    int64_t start = ed_monotonic_ms();
    assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_UNAVAILABLE);
    assert_true(ed_monotonic_ms() - start < 1500 + 5000 + 1000);
    must_say(&err, "topic changes");
    assert_true(err.retriable);

    rd_kafka_mock_broker_set_up(mock, 1);
    for (int tries = 0; tries < 10; tries++) {
        err = (eddy_error){0};
        if (ed_journal_commit(journal, &epoch, &err) == EDDY_OK)
            break;
        assert_true(err.retriable);
    }
    assert_int_equal(err.status, EDDY_OK);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(a_producer_that_is_finished_is_replaced)
{
    struct ed_journal *journal = NULL;
    struct ed_epoch epoch;
    eddy_error err;
    CHECK_OK(open_with("changes", NULL, NULL, 5000, &journal, &err), &err);
    epoch_fill(&epoch, 10);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    /* What an idempotent producer cannot survive. */
    rd_kafka_mock_push_request_errors(mock, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_UNAVAILABLE);
    assert_true(err.retriable);
    err = (eddy_error){0};
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(a_passing_trouble_is_not_seen)
{
    struct ed_journal *journal = NULL;
    struct ed_epoch epoch;
    eddy_error err;
    CHECK_OK(open_with("changes", NULL, NULL, 10000, &journal, &err), &err);
    epoch_fill(&epoch, 10);
    rd_kafka_mock_push_request_errors(mock, 0 /* Produce */, 2,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    epoch.n_messages = 0;
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err); /* nothing to do */
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(a_refusal_is_final)
{
    struct ed_journal *journal = NULL;
    struct ed_epoch epoch;
    eddy_error err;
    CHECK_OK(open_with("changes", NULL, NULL, 10000, &journal, &err), &err);
    epoch_fill(&epoch, 10);
    rd_kafka_mock_push_request_errors(mock, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(ed_journal_commit(journal, &epoch, &err), EDDY_UNAVAILABLE);
    must_say(&err, "topic changes: Broker: Topic authorization failed");
    assert_false(err.retriable);
    ed_epoch_clear(&epoch);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

TEST(mistakes_are_named)
{
    struct ed_journal *journal = NULL;
    eddy_error err;
    assert_int_equal(open_with("nowhere", NULL, NULL, 5000, &journal, &err), EDDY_UNAVAILABLE);
    must_say(&err, "topic nowhere does not exist");
    assert_int_equal(open_with("changes", "linger.mss", "5", 5000, &journal, &err), EDDY_CONFIG);
    must_say(&err, "No such configuration property: \"linger.mss\"");
    assert_int_equal(open_with("changes", "acks", "1", 5000, &journal, &err), EDDY_CONFIG);
    must_say(&err, "acks: eddy sets it itself");
    assert_int_equal(open_with("changes", "sasl.kerberos.kinit.cmd", "x", 5000, &journal, &err),
                     EDDY_CONFIG);
    must_say(&err, "it runs a program");
    /* What librdkafka only finds when all is known. */
    assert_int_equal(open_with("changes", "max.in.flight", "100", 5000, &journal, &err),
                     EDDY_CONFIG);
    must_say(&err, "max.in.flight");
}

TEST(open_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        struct ed_journal *journal = NULL;
        eddy_error err;
        eddy_status st = open_with("changes", NULL, NULL, 5000, &journal, &err);
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
        cmocka_unit_test(a_producer_that_is_finished_is_replaced),
        cmocka_unit_test(a_passing_trouble_is_not_seen),
        cmocka_unit_test(a_refusal_is_final),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(open_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, mock_up, mock_down);
}
