/* label: threads */
/* Metrics as text, in both forms; and histograms, which many threads count into. */
#include "test.h"

#include "serve/exposition.h"

#include <math.h>
#include <pthread.h>

static const struct ed_metric documents = {"eddy_documents_total", ED_COUNTER,
                                           "Documents, by \\ \"outcome\"\nand more."};
static const struct ed_metric active = {"eddy_events_active", ED_GAUGE, "Events."};
static const struct ed_metric took = {"eddy_took_seconds", ED_HISTOGRAM, "Time."};

static void write_all(struct ed_exposition *x, const struct ed_distribution *d)
{
    const struct ed_labels topic = {2, {{"topic", "a\"b\\c\nd"}, {"shard", "0"}}};
    ed_expose(x, &documents);
    ed_expose_value(x, &topic, 12345678901.0);
    ed_expose(x, &active);
    ed_expose_value(x, NULL, 0.25);
    ed_expose_value(x, NULL, NAN); /* not known: not told */
    ed_expose(x, &took);
    ed_expose_histogram(x, &(struct ed_labels){1, {{"stage", "read"}}}, d);
    ed_expose_histogram(x, NULL, &(struct ed_distribution){0}); /* there is none */
    ed_expose_end(x);
}

static const struct ed_bounds bounds = {3, {0.5, 1, 10}};

static void is_written(int open, const char *expected)
{
    struct ed_histogram h = {.bounds = &bounds};
    struct ed_distribution d;
    struct ed_bytes out;
    ed_bytes_init(&out, 0);
    struct ed_exposition x = {.out = &out, .open = open};
    const double values[] = {0.5, 0.6, 1, 11, -3};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        ed_histogram_add(&h, values[i]);
    ed_histogram_look(&h, &d);
    write_all(&x, &d);
    assert_string_equal(out.at, expected);
    ed_bytes_clear(&out);
}

TEST(a_scraper_of_prometheus_reads_text)
{
    is_written(0, "# HELP eddy_documents_total Documents, by \\\\ \"outcome\"\\nand more.\n"
                  "# TYPE eddy_documents_total counter\n"
                  "eddy_documents_total{topic=\"a\\\"b\\\\c\\nd\",shard=\"0\"} 12345678901\n"
                  "# HELP eddy_events_active Events.\n"
                  "# TYPE eddy_events_active gauge\n"
                  "eddy_events_active 0.25\n"
                  "# HELP eddy_took_seconds Time.\n"
                  "# TYPE eddy_took_seconds histogram\n"
                  "eddy_took_seconds_bucket{stage=\"read\",le=\"0.5\"} 2\n"
                  "eddy_took_seconds_bucket{stage=\"read\",le=\"1\"} 4\n"
                  "eddy_took_seconds_bucket{stage=\"read\",le=\"10\"} 4\n"
                  "eddy_took_seconds_bucket{stage=\"read\",le=\"+Inf\"} 5\n"
                  "eddy_took_seconds_sum{stage=\"read\"} 13.1\n"
                  "eddy_took_seconds_count{stage=\"read\"} 5\n");
}

TEST(a_scraper_of_openmetrics_reads_its_own_form)
{
    is_written(1, "# HELP eddy_documents Documents, by \\\\ \\\"outcome\\\"\\nand more.\n"
                  "# TYPE eddy_documents counter\n"
                  "eddy_documents_total{topic=\"a\\\"b\\\\c\\nd\",shard=\"0\"} 12345678901\n"
                  "# HELP eddy_events_active Events.\n"
                  "# TYPE eddy_events_active gauge\n"
                  "eddy_events_active 0.25\n"
                  "# HELP eddy_took_seconds Time.\n"
                  "# TYPE eddy_took_seconds histogram\n"
                  "eddy_took_seconds_bucket{stage=\"read\",le=\"0.5\"} 2\n"
                  "eddy_took_seconds_bucket{stage=\"read\",le=\"1.0\"} 4\n"
                  "eddy_took_seconds_bucket{stage=\"read\",le=\"10.0\"} 4\n"
                  "eddy_took_seconds_bucket{stage=\"read\",le=\"+Inf\"} 5\n"
                  "eddy_took_seconds_sum{stage=\"read\"} 13.1\n"
                  "eddy_took_seconds_count{stage=\"read\"} 5\n"
                  "# EOF\n");
    assert_int_equal(ed_exposition_open(NULL), 0);
    assert_int_equal(ed_exposition_open("text/plain"), 0);
    assert_int_equal(ed_exposition_open("application/openmetrics-text;version=1.0.0,*/*;q=0.1"), 1);
}

enum { COUNTERS = 4, EACH = 20000 };

static void *count(void *p)
{
    for (int i = 0; i < EACH; i++)
        ed_histogram_add(p, (double)(i % 3));
    return NULL;
}

TEST(many_threads_count_and_nothing_is_lost)
{
    struct ed_histogram h = {.bounds = &bounds};
    struct ed_distribution d;
    pthread_t threads[COUNTERS];
    for (int i = 0; i < COUNTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, &h), 0);
    for (int i = 0; i < COUNTERS; i++)
        pthread_join(threads[i], NULL);
    ed_histogram_look(&h, &d);
    assert_int_equal(d.counts[0] + d.counts[1] + d.counts[2] + d.counts[3], COUNTERS * EACH);
    assert_int_equal(d.counts[0], COUNTERS * ((EACH + 2) / 3));
    assert_true(fabs(d.sum - COUNTERS * (EACH / 3.0) * 3) < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scraper_of_prometheus_reads_text),
        cmocka_unit_test(a_scraper_of_openmetrics_reads_its_own_form),
        cmocka_unit_test(many_threads_count_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
