/* Layouts on the labelled logs: what is read is what their makers say. */
#include "layout_support.h"

#include "parse/layout.h"

TEST(messages_and_times_of_all_labelled_sets_are_those_of_their_makers)
{
    size_t sets = 0;
    for (const char *const *name = log_names; *name; name++) {
        struct log_set set;
        eddy_layout *layout;
        eddy_error err = {0};
        size_t wrong = 0, late = 0, unfit = 0;
        if (!log_read(*name, &set))
            continue;
        CHECK_OK(eddy_layout_learn(set.raw, set.n, &layout, &err), &err);
        printf("%-10s %s\n", *name, eddy_layout_describe(layout));
        for (size_t i = 0; i < set.n; i++) {
            eddy_log_line line;
            CHECK_OK(eddy_layout_read(layout, set.raw[i], set.time_ms[i], NULL, &line), &err);
            int64_t off = line.time_ms - set.time_ms[i];
            late += !line.has_time || off < -1000 || off > 1000;
            unfit += !line.fits || !line.starts;
            if (!is_same(line.message, ed_trimmed(set.text[i])) && wrong++ < 3)
                printf("  %.*s\n  %.*s\n", (int)set.raw[i].n, set.raw[i].at, (int)line.message.n,
                       line.message.at);
        }
        if (wrong || late || unfit)
            fail_msg("%s: %zu messages, %zu times, %zu starts of %zu are wrong\n", *name, wrong,
                     late, unfit, set.n);
        eddy_layout_free(layout);
        log_clear(&set);
        sets++;
    }
    printf("%zu sets\n", sets);
    if (!sets)
        skip();
}

/* ---- stack traces between the lines ---- */

static const struct {
    const char *lines[16];
    const char *exceptions[3];
} traces[] = {
    {{"java.lang.IllegalStateException: the pool is closed",
      "\tat org.example.pool.Pool.take(Pool.java:118)",
      "\tat org.example.pool.Pool$Lease.<init>(Pool.java:31)",
      "\tat java.base/java.lang.Thread.run(Thread.java:829)",
      "Caused by: java.io.IOException: broken pipe",
      "\tat org.example.net.Wire.flush(Wire.java:77)", "\t... 2 more"},
     {"java.lang.IllegalStateException", "java.io.IOException"}},
    {{"Traceback (most recent call last):", "  File \"/srv/app/jobs.py\", line 41, in run",
      "    return self.client.fetch(key)", "  File \"/srv/app/client.py\", line 12, in fetch",
      "    except ValueError:", "KeyError: 'user'", "",
      "During handling of the above exception, another exception occurred:", "",
      "Traceback (most recent call last):", "  File \"/srv/app/main.py\", line 7, in <module>",
      "    main()", "app.errors.JobFailedError: job 17 gave up"},
     {"KeyError", "app.errors.JobFailedError"}},
    {{"goroutine 18 [running]:", "main.(*worker).run(0xc00011e000, {0x4f2a60, 0xc000010250})",
      "\t/src/worker.go:58 +0x1d4", "net/http.(*conn).serve(0xc0000b2000)",
      "\t/usr/lib/go/src/net/http/server.go:1995 +0x612", "created by main.start in goroutine 1",
      "\t/src/worker.go:21 +0x8e"},
     {NULL}},
};
#define TRACES (sizeof traces / sizeof *traces)

struct tally {
    size_t lines, continuations, wrong_starts, lost_starts, wrong_exceptions;
};

static int has_exceptions(const eddy_log_record *record, const char *const *want)
{
    size_t n = 0;
    for (; want[n]; n++)
        if (n >= record->n_exceptions || !is_same(record->exceptions[n], str(want[n])))
            return 0;
    return n == record->n_exceptions;
}

/* Lines through layout and joiner, a stack trace after every twentieth. */
static void join(const eddy_str *lines, size_t n, int64_t near_ms, struct tally *tally)
{
    eddy_str *all = calloc(n * 2, sizeof *all);
    uint8_t *starts = calloc(n * 2, 1), *traced = calloc(n * 2, 1);
    eddy_layout *layout;
    eddy_joiner *joiner = eddy_joiner_new();
    eddy_error err = {0};
    size_t n_all = 0;
    for (size_t i = 0; i < n; i++) {
        size_t t = i / 20 % TRACES;
        starts[n_all] = 1;
        traced[n_all] = i % 20 == 7 ? (uint8_t)(t + 1) : 0;
        all[n_all++] = lines[i];
        for (const char *const *at = traces[t].lines; i % 20 == 7 && *at; at++)
            all[n_all++] = str(*at);
    }
    CHECK_OK(eddy_layout_learn(all, n_all, &layout, &err), &err);
    for (size_t i = 0; i < n_all; i++) {
        eddy_log_line line;
        CHECK_OK(eddy_layout_read(layout, all[i], near_ms, NULL, &line), &err);
        CHECK_OK(eddy_joiner_add(joiner, 0, 0, (int64_t)i, &line, 0, &err), &err);
        if (i == n_all - 1)
            eddy_joiner_flush(joiner);
        for (const eddy_log_record *r; (r = eddy_joiner_next(joiner));) {
            tally->wrong_starts += !starts[r->first];
            for (int64_t j = r->first + 1; j <= r->last; j++)
                tally->lost_starts += starts[j];
            tally->wrong_exceptions += starts[r->first] && traced[r->first] &&
                                       !has_exceptions(r, traces[traced[r->first] - 1].exceptions);
        }
    }
    tally->lines += n_all;
    tally->continuations += n_all - n;
    eddy_joiner_free(joiner);
    eddy_layout_free(layout);
    free(all);
    free(starts);
    free(traced);
}

static void join_all(int with_header, struct tally *tally)
{
    for (const char *const *name = log_names; *name; name++) {
        struct log_set set;
        struct tally before = *tally;
        if (!log_read(*name, &set))
            continue;
        join(with_header ? set.raw : set.text, set.n, set.time_ms[0], tally);
        printf("%-10s %zu of %zu continuations begin a record, %zu starts were joined, %zu "
               "lists of exceptions are wrong\n",
               *name, tally->wrong_starts - before.wrong_starts,
               tally->continuations - before.continuations, tally->lost_starts - before.lost_starts,
               tally->wrong_exceptions - before.wrong_exceptions);
        log_clear(&set);
    }
    if (!tally->lines)
        skip();
}

TEST(stack_traces_belong_to_the_line_before_them)
{
    struct tally tally = {0};
    join_all(1, &tally);
    assert_int_equal(tally.wrong_starts + tally.lost_starts + tally.wrong_exceptions, 0);
}

TEST(stack_traces_belong_to_the_line_before_them_where_lines_have_no_header)
{
    struct tally tally = {0};
    join_all(0, &tally);
    assert_int_equal(tally.wrong_starts + tally.lost_starts + tally.wrong_exceptions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_and_times_of_all_labelled_sets_are_those_of_their_makers),
        cmocka_unit_test(stack_traces_belong_to_the_line_before_them),
        cmocka_unit_test(stack_traces_belong_to_the_line_before_them_where_lines_have_no_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
