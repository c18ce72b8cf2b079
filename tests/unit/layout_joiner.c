/* The joiner: which lines make a record, when it is complete, and what its offsets say. */
#include "layout_support.h"

struct joining {
    eddy_joiner *joiner;
    eddy_layout *layout;
    int64_t offset;
    int64_t now_ms;
};

static struct joining joining_of(const char *const *lines, size_t n)
{
    eddy_str strs[8];
    struct joining j = {.joiner = eddy_joiner_new()};
    for (size_t i = 0; i < n; i++)
        strs[i] = str(lines[i]);
    assert_non_null(j.joiner);
    assert_int_equal(eddy_layout_learn(strs, n, &j.layout, NULL), EDDY_OK);
    return j;
}

static void joining_clear(struct joining *j)
{
    eddy_joiner_free(j->joiner);
    eddy_layout_free(j->layout);
}

static void add_to(struct joining *j, int32_t partition, uint64_t key, const char *text)
{
    eddy_log_line line;
    eddy_error err = {0};
    CHECK_OK(eddy_layout_read(j->layout, str(text), 0, NULL, &line), &err);
    CHECK_OK(eddy_joiner_add(j->joiner, partition, key, j->offset++, &line, j->now_ms, &err), &err);
}

static void add(struct joining *j, const char *text)
{
    add_to(j, 0, 0, text);
}

/* The next record is of these lines. */
static const eddy_log_record *expect(struct joining *j, int64_t first, int64_t last,
                                     const char *message)
{
    const eddy_log_record *record = eddy_joiner_next(j->joiner);
    assert_non_null(record);
    if (record->first != first || record->last != last || !is_same(record->message, str(message)))
        fail_msg("%d..%d, not %d..%d: %.*s", (int)record->first, (int)record->last, (int)first,
                 (int)last, (int)record->message.n, record->message.at);
    return record;
}

static void expect_none(struct joining *j)
{
    assert_null(eddy_joiner_next(j->joiner));
}

static const char *const timed[] = {"2026-11-26 09:14:01 INFO cart: opened",
                                    "2026-11-26 09:14:02 ERROR cart: lost"};

TEST(a_record_is_complete_when_the_next_begins)
{
    struct joining j = joining_of(timed, 2);
    add(&j, timed[1]);
    add(&j, "java.io.IOException: x");
    add(&j, "\tat a.b.C.d(C.java:1)");
    expect_none(&j);
    add(&j, timed[0]);
    const eddy_log_record *r = expect(&j, 0, 2, "lost");
    assert_true(is_same(r->text, str("2026-11-26 09:14:02 ERROR cart: lost\n"
                                     "java.io.IOException: x\n\tat a.b.C.d(C.java:1)")));
    assert_true(is_same(r->rest, str("java.io.IOException: x\n\tat a.b.C.d(C.java:1)")));
    assert_true(is_same(r->line.component, str("cart")));
    assert_int_equal(r->line.level, EDDY_LEVEL_ERROR);
    assert_int_equal(r->n_lines, 3);
    assert_int_equal(r->n_exceptions, 1);
    assert_int_equal(r->continues, 0);
    expect_none(&j);
    eddy_joiner_flush(j.joiner);
    expect(&j, 3, 3, "opened");
    expect_none(&j);
    joining_clear(&j);
}

TEST(a_record_is_complete_when_stream_time_has_passed_it)
{
    struct joining j = joining_of(timed, 2);
    j.now_ms = 1000;
    add(&j, timed[0]);
    j.now_ms = 3000;
    add(&j, "more");
    eddy_joiner_time(j.joiner, 3000 + EDDY_RECORD_WAIT_MS);
    expect_none(&j);
    eddy_joiner_time(j.joiner, 3001 + EDDY_RECORD_WAIT_MS);
    expect(&j, 0, 1, "opened");
    add(&j, "too late");
    eddy_joiner_flush(j.joiner);
    assert_int_equal(expect(&j, 2, 2, "too late")->continues, 1);
    joining_clear(&j);
}

TEST(records_have_limits_and_what_is_beyond_them_says_so)
{
    struct joining j = joining_of(timed, 2);
    add(&j, timed[0]);
    for (int i = 0; i < 2 * EDDY_RECORD_LINES; i++)
        add(&j, "\tmore");
    eddy_joiner_flush(j.joiner);
    const eddy_log_record *r = expect(&j, 0, EDDY_RECORD_LINES - 1, "opened");
    assert_int_equal(r->n_lines, EDDY_RECORD_LINES);
    assert_int_equal(r->continues, 0);
    r = expect(&j, EDDY_RECORD_LINES, 2 * EDDY_RECORD_LINES - 1, "more");
    assert_int_equal(r->continues, 1);
    r = expect(&j, 2 * EDDY_RECORD_LINES, 2 * EDDY_RECORD_LINES, "more");
    assert_int_equal(r->continues, 1);
    expect_none(&j);

    char *kilobyte = malloc(1025);
    memset(kilobyte, 'x', 1024);
    kilobyte[0] = '\t';
    kilobyte[1024] = 0;
    int64_t from = j.offset;
    add(&j, timed[0]);
    for (int i = 0; i < 70; i++)
        add(&j, kilobyte);
    r = eddy_joiner_next(j.joiner);
    assert_non_null(r);
    assert_true(r->first == from && r->text.n <= EDDY_RECORD_BYTES);
    assert_true(r->text.n > EDDY_RECORD_BYTES - 1100);
    int64_t last = r->last;
    eddy_joiner_flush(j.joiner);
    r = eddy_joiner_next(j.joiner);
    assert_true(r && r->first == last + 1 && r->last == j.offset - 1 && r->continues);
    free(kilobyte);
    joining_clear(&j);
}

/* What a runtime puts around a line counts for the memory of a record, but not as its text. */
TEST(what_stands_around_the_lines_of_a_record_has_a_limit_too)
{
    static const char *const lines[] = {
        "{\"log\":\"2026-11-26 09:14:01 INFO cart: "
        "opened\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-26T09:14:01.1Z\"}",
        "{\"log\":\"2026-11-26 09:14:02 ERROR cart: "
        "lost\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-26T09:14:02.1Z\"}"};
    struct joining j = joining_of(lines, 2);
    static char wide[4096];
    int n = snprintf(
        wide, sizeof wide,
        "{\"log\":\"    "
        "more\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-26T09:14:03.1Z\",\"attrs\":\"");
    memset(wide + n, 'x', sizeof wide - (size_t)n - 3);
    memcpy(wide + sizeof wide - 3, "\"}", 3);
    add(&j, lines[0]);
    for (int i = 0; i < 70; i++)
        add(&j, wide);
    eddy_joiner_flush(j.joiner);
    const eddy_log_record *r = eddy_joiner_next(j.joiner);
    assert_true(r && r->n_lines == 64 && r->n_lines * (size_t)4 < r->text.n);
    assert_true(r->raw.n <= EDDY_RECORD_RAW_BYTES &&
                r->raw.n > EDDY_RECORD_RAW_BYTES - 2 * sizeof wide);
    assert_memory_equal(r->raw.at, lines[0], strlen(lines[0]));
    r = eddy_joiner_next(j.joiner);
    assert_true(r && r->continues && r->n_lines == 7);
    expect_none(&j);
    joining_clear(&j);
}

TEST(a_line_longer_than_the_limit_is_a_record)
{
    struct joining j = joining_of(timed, 2);
    size_t n = EDDY_RECORD_BYTES + 1000;
    char *text = malloc(n + 1);
    memset(text, 'x', n);
    memcpy(text, timed[0], strlen(timed[0]));
    text[n] = 0;
    add(&j, text);
    add(&j, "\tmore");
    assert_int_equal(eddy_joiner_next(j.joiner)->text.n, n);
    eddy_joiner_flush(j.joiner);
    assert_int_equal(expect(&j, 1, 1, "more")->continues, 1);
    free(text);
    joining_clear(&j);
}

TEST(partitions_keys_and_streams_are_joined_apart)
{
    struct joining j = joining_of(timed, 2);
    add_to(&j, 0, 0, timed[0]);
    add_to(&j, 1, 0, timed[1]);
    add_to(&j, 0, 7, timed[0]);
    add_to(&j, 1, 0, "of the second");
    add_to(&j, 0, 0, "of the first");
    add_to(&j, 0, 7, "of the third");
    assert_int_equal(eddy_joiner_oldest(j.joiner, 0), 0);
    assert_int_equal(eddy_joiner_oldest(j.joiner, 1), 1);
    assert_int_equal(eddy_joiner_oldest(j.joiner, 2), -1);
    eddy_joiner_flush(j.joiner);
    const eddy_log_record *r = expect(&j, 1, 3, "lost");
    assert_true(r->partition == 1 && is_same(r->rest, str("of the second")));
    assert_int_equal(eddy_joiner_oldest(j.joiner, 1), -1);
    assert_int_equal(eddy_joiner_oldest(j.joiner, 0), 0);
    r = expect(&j, 0, 4, "opened");
    assert_true(r->key == 0 && is_same(r->rest, str("of the first")));
    assert_int_equal(eddy_joiner_oldest(j.joiner, 0), 2);
    r = expect(&j, 2, 5, "opened");
    assert_true(r->key == 7 && is_same(r->rest, str("of the third")));
    expect_none(&j);
    joining_clear(&j);
}

TEST(more_streams_than_may_wait_complete_the_one_that_waited_longest)
{
    struct joining j = joining_of(timed, 2);
    for (uint64_t key = 0; key < 1030; key++)
        add_to(&j, 0, key, timed[0]);
    for (int64_t i = 0; i < 6; i++)
        expect(&j, i, i, "opened");
    expect_none(&j);
    joining_clear(&j);
}

static const char *const plain[] = {"opened", "lost"};

TEST(without_a_header_the_line_behind_an_exception_tells_whose_it_is)
{
    struct joining j = joining_of(plain, 2);
    add(&j, "lost");
    add(&j, "java.io.IOException: of the line before");
    expect_none(&j);
    add(&j, "\tat a.b.C.d(C.java:1)");
    add(&j, "opened");
    const eddy_log_record *r = expect(&j, 0, 2, "lost");
    assert_int_equal(r->n_exceptions, 1);
    assert_int_equal(r->n_lines, 3);
    assert_true(is_same(r->raw, str("lost\njava.io.IOException: of the line before\n"
                                    "\tat a.b.C.d(C.java:1)")));
    add(&j, "java.io.IOException: alone");
    add(&j, "closed");
    expect(&j, 3, 3, "opened");
    r = expect(&j, 4, 4, "java.io.IOException: alone");
    assert_true(
        is_same(r->raw, r->text)); /* what was held is its own, not that of the one before */
    add(&j, "java.io.IOException: the last");
    eddy_joiner_flush(j.joiner);
    expect(&j, 5, 5, "closed");
    expect(&j, 6, 6, "java.io.IOException: the last");
    expect_none(&j);
    add(&j, "java.io.IOException: the first");
    add(&j, "\tat a.b.C.d(C.java:1)");
    eddy_joiner_flush(j.joiner);
    expect(&j, 7, 8, "java.io.IOException: the first");
    joining_clear(&j);
}

TEST(without_a_header_the_end_of_a_traceback_belongs_to_it)
{
    struct joining j = joining_of(plain, 2);
    add(&j, "lost");
    add(&j, "Traceback (most recent call last):");
    add(&j, "  File \"/srv/a.py\", line 3, in run");
    add(&j, "    subprocess.run()");
    add(&j, "subprocess.TimeoutExpired: after 3 s");
    add(&j, "Note: this is another message");
    add(&j, "panic: no");
    add(&j, "");
    add(&j, "goroutine 1 [running]:");
    add(&j, "main.main()");
    add(&j, "\t/src/main.go:9 +0x1d");
    add(&j, "main.main() is a message");
    eddy_joiner_flush(j.joiner);
    expect(&j, 0, 4, "lost");
    expect(&j, 5, 5, "Note: this is another message");
    expect(&j, 6, 10, "panic: no");
    expect(&j, 11, 11, "main.main() is a message");
    expect_none(&j);
    joining_clear(&j);
}

TEST(json_brings_the_rest_of_its_record_along)
{
    static const char *const lines[] = {
        "{\"msg\":\"one\\ntwo\",\"logger\":\"cart\"}",
        "{\"msg\":\"three\",\"stack\":\"TypeError: x\\n    at run (/a.js:1:1)\"}",
    };
    struct joining j = joining_of(lines, 2);
    eddy_arena *arena = eddy_arena_new(0);
    for (int i = 0; i < 2; i++) {
        eddy_log_line line;
        assert_int_equal(eddy_layout_read(j.layout, str(lines[i]), 0, arena, &line), EDDY_OK);
        assert_int_equal(eddy_joiner_add(j.joiner, 0, 0, i, &line, 0, NULL), EDDY_OK);
    }
    eddy_arena_free(arena); /* the joiner has its own copy */
    eddy_joiner_flush(j.joiner);
    const eddy_log_record *r = expect(&j, 0, 0, "one");
    assert_true(is_same(r->text, str("one\ntwo")) && is_same(r->rest, str("two")));
    r = expect(&j, 1, 1, "three");
    assert_true(is_same(r->text, str("three\nTypeError: x\n    at run (/a.js:1:1)")));
    assert_int_equal(r->n_exceptions, 1);
    joining_clear(&j);
}

TEST(a_line_that_the_runtime_cut_is_one_line)
{
    static const char *const lines[] = {
        "2026-11-26T09:14:01.1Z stdout P 2026-11-26 09:14:01 INFO cart: one ",
        "2026-11-26T09:14:01.2Z stderr F 2026-11-26 09:14:01 INFO cart: between",
        "2026-11-26T09:14:01.3Z stdout P and",
        "2026-11-26T09:14:01.4Z stdout F  two",
        "2026-11-26T09:14:01.5Z stdout F and three",
    };
    struct joining j = joining_of(lines, 2);
    for (int i = 0; i < 5; i++)
        add(&j, lines[i]);
    eddy_joiner_flush(j.joiner);
    expect(&j, 1, 1, "between");
    const eddy_log_record *r = expect(&j, 0, 4, "one and two");
    assert_true(is_same(r->rest, str("and three")));
    assert_true(is_same(r->line.component, str("cart")));
    assert_true(is_same(r->line.raw, str(lines[0])));
    char raw[400];
    snprintf(raw, sizeof raw, "%s\n%s\n%s\n%s", lines[0], lines[2], lines[3], lines[4]);
    assert_true(is_same(r->raw, str(raw)));
    joining_clear(&j);
}

/* All lines are in a record, once, whatever memory is lost: a failed add changes nothing. */
TEST(the_joiner_survives_any_lost_allocation)
{
    static const char *const lines[] = {"lost",
                                        "java.io.IOException: x",
                                        "\tat a.b.C.d(C.java:1)",
                                        "opened",
                                        "java.io.IOException: y",
                                        "closed",
                                        "}",
                                        "ended"};
    struct joining j = joining_of(plain, 2);
    eddy_joiner_free(j.joiner);
    EACH_ALLOC_FAILS (k) {
        eddy_joiner *joiner = eddy_joiner_new();
        uint32_t n_lines = 0;
        for (int64_t i = 0; joiner && i < 8; i++) {
            eddy_log_line line;
            eddy_status st;
            assert_int_equal(eddy_layout_read(j.layout, str(lines[i]), 0, NULL, &line), EDDY_OK);
            int tries = 0;
            while ((st = eddy_joiner_add(joiner, 0, (uint64_t)(i < 2), i, &line, 0, NULL)) &&
                   tries++ < 2)
                assert_int_equal(st, EDDY_NOMEM);
            assert_int_equal(st, EDDY_OK);
        }
        if (joiner) {
            eddy_joiner_flush(joiner);
            for (const eddy_log_record *r; (r = eddy_joiner_next(joiner));)
                n_lines += r->n_lines;
            assert_int_equal(n_lines, 8);
        }
        eddy_joiner_free(joiner);
    }
    eddy_layout_free(j.layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_complete_when_the_next_begins),
        cmocka_unit_test(a_record_is_complete_when_stream_time_has_passed_it),
        cmocka_unit_test(records_have_limits_and_what_is_beyond_them_says_so),
        cmocka_unit_test(what_stands_around_the_lines_of_a_record_has_a_limit_too),
        cmocka_unit_test(a_line_longer_than_the_limit_is_a_record),
        cmocka_unit_test(partitions_keys_and_streams_are_joined_apart),
        cmocka_unit_test(more_streams_than_may_wait_complete_the_one_that_waited_longest),
        cmocka_unit_test(without_a_header_the_line_behind_an_exception_tells_whose_it_is),
        cmocka_unit_test(without_a_header_the_end_of_a_traceback_belongs_to_it),
        cmocka_unit_test(json_brings_the_rest_of_its_record_along),
        cmocka_unit_test(a_line_that_the_runtime_cut_is_one_line),
        cmocka_unit_test(the_joiner_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
