/* label: threads */
/* What the engine does beside documents: orders at their places, letters between two batches. */
#include "pipeline_support.h"

#include "cli/orders.h"
#include "source/inside.h"

#include <stdatomic.h>
#include <time.h>

static const char *const orders_text =
    "{\"operation\":\"rename\",\"event\":\"E1\",\"name\":\"one\",\"position\":100,\"id\":\"a\"}\n"
    "{\"operation\":\"pin\",\"event\":\"E1\"}\n"
    "{\"operation\":\"merge\",\"event\":\"E2\",\"into\":\"E1\",\"position\":200,\"reason\":\"so\"}"
    "\n"
    "{\"operation\":\"merge\",\"event\":\"E1\",\"into\":\"E1\",\"position\":200}\n"
    "{\"operation\":\"rename\",\"event\":\"E1\",\"name\":\"two\",\"position\":0}\n"
    "{\"operation\":\"undo\",\"undo\":2,\"position\":451}\n"
    "{\"operation\":\"rename\",\"event\":\"E3\",\"name\":\"drei\",\"position\":200,\"who\":\"c\"}\n"
    "{\"operation\":\"link\",\"event\":\"E3\",\"into\":\"E1\",\"same\":false,\"position\":999999}"
    "\n";

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static size_t count_lines(const char *path, const char *with)
{
    char line[4096];
    size_t n = 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in))
        n += strstr(line, with) != NULL;
    fclose(in);
    return n;
}

static void must_be_same(const char *a, const char *b, const char *why)
{
    static const int topics[] = {ED_ASSIGNMENTS, ED_EVENTS, ED_CHANGES, ED_DEAD};
    char path_a[200], path_b[200];
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        if (!same_files(file_of(a, names[topics[i]], path_a), file_of(b, names[topics[i]], path_b)))
            fail_msg("%s: %s differ", why, names[topics[i]]);
}

static void orders_of(const char *path, struct ed_orders *orders, struct setup *s)
{
    *orders = (struct ed_orders){0};
    CHECK_OK(ed_orders_read_file(orders, path, &s->err), &s->err);
    s->options.orders = orders->at;
    s->options.n_orders = orders->n;
}

TEST(orders_are_done_at_their_places_whatever_the_batches)
{
    uint64_t seed = test_seed();
    char stream[200], control[200], log[200];
    file_of("stream", "orders", stream);
    write_stream(stream, 500, &seed, 1);
    write_text(file_of("control", "orders", control), orders_text);
    struct ed_orders orders;
    struct setup s = setup_of(64, 2, 4);
    orders_of(control, &orders, &s);
    assert_int_equal(orders.n, 8);
    CHECK_OK(run(&s, stream, "placed", NULL), &s.err);
    check_account(&s.counts);
    file_of("placed", "operations", log);
    assert_int_equal(count_lines(log, "\"id\":"), 8);
    assert_int_equal(count_lines(log, "\"applied\":true"), s.counts.operations);
    assert_int_equal(s.counts.operations + s.counts.refused, 8);
    assert_int_equal(count_lines(log, "\"refused\":\"invalid\""), 1);
    assert_true(count_lines(log, "\"refused\":\"gone\"") >= 1); /* before there was any */
    assert_true(s.counts.operations >= 3);
    assert_int_equal(count_lines(log, "\"position\":200,"), 3);

    static const size_t sizes[] = {1, 7, 100, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct setup other = setup_of(sizes[i], 1 + i % 3, 3);
        other.options.orders = orders.at;
        other.options.n_orders = orders.n;
        CHECK_OK(run(&other, stream, "again", NULL), &other.err);
        must_be_same("placed", "again", "other batches");
        char again[200];
        assert_true(same_files(log, file_of("again", "operations", again)));
    }
    ed_orders_clear(&orders);

    /* The log that came out says as much as what went in. */
    struct setup other = setup_of(33, 2, 3);
    orders_of(log, &orders, &other);
    assert_int_equal(orders.n, s.counts.operations);
    assert_int_equal(orders.refused, s.counts.refused);
    CHECK_OK(run(&other, stream, "again", NULL), &other.err);
    must_be_same("placed", "again", "its log");
    assert_int_equal(other.counts.refused, 0);
    ed_orders_clear(&orders);
}

TEST(an_order_before_the_last_epoch_is_not_done_again)
{
    char stream[200], control[200];
    uint64_t seed = 3;
    file_of("stream", "resumed", stream);
    write_stream(stream, 20, &seed, 0);
    write_text(file_of("control", "resumed", control),
               "{\"operation\":\"pin\",\"event\":\"E1\",\"position\":99}\n"
               "{\"operation\":\"pin\",\"event\":\"E1\",\"position\":100}\n"
               "{\"operation\":\"pin\",\"event\":\"E1\",\"position\":101}\n");
    struct ed_orders orders;
    struct setup s = setup_of(8, 1, 3);
    orders_of(control, &orders, &s);
    s.options.mark = (struct ed_mark){.epoch = 7, .documents = 100};
    CHECK_OK(run(&s, stream, NULL, NULL), &s.err);
    assert_int_equal(s.counts.operations + s.counts.refused, 1);
    ed_orders_clear(&orders);
}

/* ---- letters ---- */

/* Documents that come slowly, or not before the letters are opened. */
struct slow_source {
    struct ed_source source;
    struct ed_pipeline **pl;
    long n, left;
    uint64_t waits_for; /* letters; 0: for none, but each document takes a while */
    char text[300];
};

static eddy_status slow_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                             size_t *n_ret, int *end, eddy_error *err)
{
    struct slow_source *slow = (struct slow_source *)source;
    struct ed_counts counts;
    (void)max;
    (void)err;
    *n_ret = 0;
    ed_pipeline_counts(*slow->pl, &counts);
    if (slow->waits_for) {
        nanosleep(&(struct timespec){0, wait_ms * 1000000L}, NULL);
        *end = counts.operations + counts.refused + counts.control_dead >= slow->waits_for;
        return EDDY_OK;
    }
    if ((*end = !slow->left))
        return EDDY_OK;
    nanosleep(&(struct timespec){0, 300000}, NULL);
    uint64_t topic = (uint64_t)slow->n % 7;
    size_t n = (size_t)sprintf(slow->text, "{\"text\":\"");
    for (uint64_t k = 0; k < 9; k++)
        n += (size_t)sprintf(slow->text + n, "%s ", word(topic, (uint64_t)slow->n * k % 14));
    sprintf(slow->text + n, "\",\"ts\":%ld}", 1900000000L + slow->n);
    *ret = (eddy_raw){.bytes = slow->text,
                      .n = strlen(slow->text),
                      .broker_ms = -1,
                      .position = {"slow", 0, slow->n}};
    slow->n++;
    slow->left--;
    *n_ret = 1;
    return EDDY_OK;
}

static void slow_progress(struct ed_source *source, struct ed_progress *ret)
{
    (void)source;
    memset(ret, 0, sizeof *ret);
}

static struct slow_source slow_source_of(struct ed_pipeline **pl, long left, uint64_t waits_for)
{
    return (struct slow_source){.source = {.read = slow_read, .progress = slow_progress},
                                .pl = pl,
                                .left = left,
                                .waits_for = waits_for};
}

/* Letters that take their time. */
struct slow_letters {
    struct ed_source source;
    const char *texts[4];
    int n, left;
    char text[200];
};

static eddy_status letters_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                                size_t *n_ret, int *end, eddy_error *err)
{
    struct slow_letters *slow = (struct slow_letters *)source;
    (void)wait_ms;
    (void)max;
    (void)err;
    *n_ret = 0;
    if ((*end = !slow->left || atomic_load(&source->stopped)))
        return EDDY_OK;
    nanosleep(&(struct timespec){0, 1500000}, NULL);
    snprintf(slow->text, sizeof slow->text, slow->texts[slow->n % 4], 1 + slow->n % 7,
             1 + slow->n % 3);
    *ret = (eddy_raw){.bytes = slow->text,
                      .n = strlen(slow->text),
                      .broker_ms = -1,
                      .position = {"letters", 0, slow->n}};
    slow->n++;
    slow->left--;
    *n_ret = 1;
    return EDDY_OK;
}

static struct ed_source *letters_of(const char *path)
{
    struct ed_source *source = NULL;
    CHECK_OK(ed_source_files_open(&path, 1, 1000000, NULL, 0, &source, NULL), &(eddy_error){0});
    return source;
}

TEST(letters_are_opened_while_no_document_comes)
{
    char control[200], log[200], dead[200];
    struct ed_pipeline *pl = NULL;
    write_text(file_of("control", "idle", control),
               "{\"operation\":\"pin\",\"event\":\"E1\"}\nrubbish\n{\"operation\":\"pass\"}\n"
               "{\"operation\":\"pin\",\"event\":\"E1\",\"evnt\":\"E2\"}\n"
               "{\"operation\":\"undo\",\"undo\":7,\"id\":\"u\"}\n");
    struct slow_source source = slow_source_of(&pl, 0, 4);
    struct setup s = setup_of(16, 1, 3);
    s.source = &source.source;
    s.options.control = letters_of(control);
    CHECK_OK(run(&s, NULL, "idle", &pl), &s.err);
    check_account(&s.counts); /* letters are no documents */
    assert_int_equal(s.counts.refused, 2);
    assert_int_equal(s.counts.control_dead, 2);
    file_of("idle", "operations", log);
    assert_int_equal(count_lines(log, "\"refused\":\"gone\""), 2);
    assert_int_equal(count_lines(log, "\"id\":\"u\""), 1);
    file_of("idle", "dead", dead);
    assert_int_equal(count_lines(dead, "not JSON"), 1);
    assert_int_equal(count_lines(dead, "evnt"), 1);
    ed_source_free(s.options.control);
}

TEST(the_log_of_letters_that_came_at_any_time_gives_the_same_events)
{
    char log[200];
    struct slow_letters letters = {
        .source = {.read = letters_read, .progress = slow_progress},
        .texts = {"{\"operation\":\"rename\",\"event\":\"E%d\",\"name\":\"n%d\"}",
                  "{\"operation\":\"merge\",\"event\":\"E%d\",\"into\":\"E%d\"}",
                  "{\"operation\":\"pin\",\"event\":\"E%d\"}",
                  "{\"operation\":\"undo\",\"undo\":%d}"},
        .left = 1000};
    struct ed_pipeline *pl = NULL;
    struct slow_source source = slow_source_of(&pl, 300, 0);
    struct setup s = setup_of(16, 2, 4);
    s.options.wait_ms = 2;
    s.source = &source.source;
    s.options.control = &letters.source;
    CHECK_OK(run(&s, NULL, "live", &pl), &s.err);
    printf("%d letters, %d operations\n", letters.n, (int)s.counts.operations);
    assert_true(s.counts.operations > 4);
    assert_in_range(letters.n - (int)(s.counts.operations + s.counts.refused), 0, 1);

    struct ed_orders orders;
    source = slow_source_of(&pl, 300, 0);
    struct setup other = setup_of(50, 1, 3);
    orders_of(file_of("live", "operations", log), &orders, &other);
    other.source = &source.source;
    CHECK_OK(run(&other, NULL, "relived", &pl), &other.err);
    must_be_same("live", "relived", "the log");
    assert_int_equal(other.counts.operations, s.counts.operations);
    ed_orders_clear(&orders);
}

/* ---- shards ---- */

TEST(an_operation_for_another_shard_is_a_dead_letter)
{
    char control[200], log[200], dead[200];
    struct ed_pipeline *pl = NULL;
    write_text(
        file_of("control", "shards", control),
        "{\"operation\":\"pin\",\"event\":\"E1\"}\n{\"operation\":\"pin\",\"event\":\"E2\"}\n"
        "{\"operation\":\"merge\",\"event\":\"E1\",\"into\":\"E2\"}\n");
    struct slow_source source = slow_source_of(&pl, 0, 3);
    struct setup s = setup_of(16, 1, 3);
    s.source = &source.source;
    s.options.control = letters_of(control);
    s.options.publisher.shard = 1;
    s.options.publisher.n_shards = 2;
    CHECK_OK(run(&s, NULL, "shards", &pl), &s.err);
    assert_int_equal(s.counts.refused, 1);
    assert_int_equal(s.counts.control_dead, 2);
    assert_int_equal(count_lines(file_of("shards", "operations", log), "\"event\":\"E2\""), 1);
    assert_int_equal(count_lines(file_of("shards", "dead", dead), "it is of shard 0"), 2);
    ed_source_free(s.options.control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_done_at_their_places_whatever_the_batches),
        cmocka_unit_test(an_order_before_the_last_epoch_is_not_done_again),
        cmocka_unit_test(letters_are_opened_while_no_document_comes),
        cmocka_unit_test(the_log_of_letters_that_came_at_any_time_gives_the_same_events),
        cmocka_unit_test(an_operation_for_another_shard_is_a_dead_letter),
    };
    return cmocka_run_group_tests(tests, make_dir, dir_remove);
}
