/* Layouts: what they promise whatever the lines are: bounds, bytes that come back, lost memory, and
 * when they no longer fit. */
#include "layout_support.h"

#include "parse/layout.h"

static eddy_layout *learn(const char *const *lines, size_t n)
{
    eddy_str strs[16];
    eddy_layout *layout = NULL;
    eddy_error err = {0};
    assert_true(n <= 16);
    for (size_t i = 0; i < n; i++)
        strs[i] = str(lines[i]);
    CHECK_OK(eddy_layout_learn(strs, n, &layout, &err), &err);
    return layout;
}

static const char *const plain[] = {
    "2026-11-26 09:14:01 INFO cart: opened 17",
    "2026-11-26 09:14:02 WARN cart: old",
    "2026-11-26 09:14:03 ERROR pay: lost",
};
static const char *const docker[] = {
    "{\"log\":\"2026-11-26 09:14:01 INFO cart: \\\"17\\\" opened\\n\",\"stream\":\"stdout\","
    "\"time\":\"2026-11-26T09:14:01.1Z\"}",
    "{\"log\":\"2026-11-26 09:14:02 WARN cart: old\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-"
    "26T09:14:02.1Z\"}",
};
static const char *const json[] = {
    "{\"level\":\"info\",\"msg\":\"opened "
    "\\\"17\\\"\",\"logger\":\"c\\u00e4rt\",\"time\":1795684441}",
    "{\"level\":\"warn\",\"msg\":\"old\",\"host\":\"web1\",\"pid\":31}",
};
static const char *const syslog5424[] = {
    "<165>1 2026-10-11T22:14:15.003Z mx1 evntslog 871 ID47 [ex@32473 iut=\"3\"] the queue is empty",
    "<34>1 2026-10-11T22:14:16.003Z mx1 su - - - 'su root' failed",
};
static const char *const logfmt[] = {
    "time=2026-11-26T09:14:01Z level=info msg=\"cart \\\"17\\\" opened\" component=cart",
    "time=2026-11-26T09:14:02Z level=warn msg=old component=cart",
};
static const struct {
    const char *const *lines;
    size_t n;
} logs[] = {{plain, 3}, {docker, 2}, {json, 2}, {syslog5424, 2}, {logfmt, 2}, {NULL, 0}};
#define LOGS (sizeof logs / sizeof *logs)

TEST(a_layout_comes_back_from_its_bytes)
{
    for (size_t i = 0; i < LOGS; i++) {
        eddy_arena *arena = eddy_arena_new(0);
        eddy_layout *layout = learn(logs[i].lines, logs[i].n), *back;
        eddy_error err = {0};
        eddy_str bytes, again;
        CHECK_OK(eddy_layout_save(layout, arena, &bytes, &err), &err);
        CHECK_OK(eddy_layout_load(bytes, &back, &err), &err);
        assert_string_equal(eddy_layout_describe(back), eddy_layout_describe(layout));
        CHECK_OK(eddy_layout_save(back, arena, &again, &err), &err);
        assert_true(is_same(bytes, again));
        for (size_t j = 0; j < logs[i].n; j++) {
            eddy_log_line a, b;
            CHECK_OK(eddy_layout_read(layout, str(logs[i].lines[j]), 0, arena, &a), &err);
            CHECK_OK(eddy_layout_read(back, str(logs[i].lines[j]), 0, arena, &b), &err);
            assert_true(is_same(a.message, b.message) && is_same(a.component, b.component));
            assert_true(a.time_ms == b.time_ms && a.level == b.level && a.starts == b.starts);
        }
        eddy_layout_free(back);
        eddy_layout_free(layout);
        eddy_arena_free(arena);
    }
}

/* A message of Kafka may be a whole record. */
TEST(of_a_message_of_several_lines_the_first_is_the_line)
{
    static const char *const lines[] = {
        "2026-11-26 09:14:01 INFO cart: opened 17",
        "\n2026-11-26 09:14:02 ERROR cart: lost\r\n\tat Cart.lose(Cart.java:7)\n\tat Cart.run()\n",
        "2026-11-26 09:14:03 ERROR pay: lost\njava.io.IOException: no",
        "\tat Cart.lose(Cart.java:7)\n\tat Cart.run()",
        "2026-11-26 09:14:03 ERROR pay:\n  it is lost\n  for good",
    };
    static const struct {
        const char *text, *message, *more;
        int starts;
    } wanted[] = {
        {"2026-11-26 09:14:01 INFO cart: opened 17", "opened 17", "", 1},
        {"2026-11-26 09:14:02 ERROR cart: lost", "lost",
         "\tat Cart.lose(Cart.java:7)\n\tat Cart.run()", 1},
        {"2026-11-26 09:14:03 ERROR pay: lost", "lost", "java.io.IOException: no", 1},
        {"\tat Cart.lose(Cart.java:7)\n\tat Cart.run()", "at Cart.lose(Cart.java:7)", "", 0},
        {"2026-11-26 09:14:03 ERROR pay:", "it is lost", "  it is lost\n  for good", 1},
    };
    eddy_layout *layout = learn(lines, 5);
    assert_string_equal(eddy_layout_describe(layout), "time level component: message");
    for (size_t i = 0; i < 5; i++) {
        eddy_log_line line;
        eddy_error err = {0};
        CHECK_OK(eddy_layout_read(layout, str(lines[i]), 0, NULL, &line), &err);
        assert_int_equal(line.starts, wanted[i].starts);
        assert_true(is_same(line.text, str(wanted[i].text)));
        assert_true(is_same(line.message, str(wanted[i].message)));
        assert_true(is_same(line.more, str(wanted[i].more)));
    }
    eddy_layout_free(layout);
    /* An object of JSON is one line, however it stands. */
    static const char *const pretty[] = {"{\n  \"time\": \"2026-11-26T09:14:01Z\",\n  \"msg\": \"a b\"\n}"};
    layout = learn(pretty, 1);
    eddy_log_line line;
    assert_int_equal(eddy_layout_read(layout, str(pretty[0]), 0, NULL, &line), EDDY_OK);
    assert_true(line.has_time && is_same(line.message, str("a b")));
    eddy_layout_free(layout);
}

TEST(bytes_that_are_no_layout_are_refused)
{
    uint64_t random = test_seed();
    eddy_arena *arena = eddy_arena_new(0);
    eddy_layout *layout = learn(plain, 3), *back = NULL;
    eddy_error err = {0};
    eddy_str bytes;
    CHECK_OK(eddy_layout_save(layout, arena, &bytes, &err), &err);
    for (size_t n = 0; n < bytes.n; n++)
        assert_int_equal(eddy_layout_load((eddy_str){bytes.at, n}, &back, NULL), EDDY_FORMAT);
    assert_null(back);
    char *wrong = malloc(bytes.n);
    size_t read = 0;
    for (int i = 0; i < 20000; i++) {
        memcpy(wrong, bytes.at, bytes.n);
        for (int k = 0; k < 1 + i % 3; k++)
            wrong[test_random(&random) % bytes.n] = (char)test_random(&random);
        eddy_status st = eddy_layout_load((eddy_str){wrong, bytes.n}, &back, NULL);
        assert_true(st == EDDY_OK || st == EDDY_FORMAT);
        if (st != EDDY_OK)
            continue;
        for (size_t j = 0; j < 3; j++) { /* what is taken must be safe to read with */
            eddy_log_line line;
            assert_int_equal(eddy_layout_read(back, str(plain[j]), 0, arena, &line), EDDY_OK);
            assert_true(line.message.n <= strlen(plain[j]));
        }
        eddy_layout_free(back);
        back = NULL;
        read++;
    }
    assert_true(read > 0);
    free(wrong);
    eddy_layout_free(layout);
    eddy_arena_free(arena);
}

static int is_inside(eddy_str part, eddy_str whole)
{
    return part.n == 0 || (part.at >= whole.at && part.at + part.n <= whole.at + whole.n);
}

/* Without an arena every string is a span of the line, whatever the line is. */
TEST(what_is_read_lies_within_the_line)
{
    uint64_t random = test_seed();
    for (size_t i = 0; i < LOGS; i++) {
        eddy_layout *layout = learn(logs[i].lines, logs[i].n);
        for (int round = 0; round < 20000 && logs[i].n; round++) {
            const char *from = logs[i].lines[(size_t)round % logs[i].n];
            size_t n = test_random(&random) % (strlen(from) + 1);
            char *bytes = malloc(n ? n : 1); /* of the exact size: asan sees a byte too many */
            eddy_log_line line;
            memcpy(bytes, from, n);
            for (int k = 0; n && k < round % 5; k++)
                bytes[test_random(&random) % n] = (char)test_random(&random);
            eddy_str whole = {bytes, n};
            assert_int_equal(eddy_layout_read(layout, whole, 0, NULL, &line), EDDY_OK);
            assert_true(is_inside(line.text, whole) && is_inside(line.message, whole));
            assert_true(is_inside(line.component, whole) && is_inside(line.host, whole));
            assert_true(is_inside(line.pid, whole) && is_inside(line.stream, whole));
            assert_true(is_inside(line.more, whole));
            assert_true(line.level < EDDY_LEVELS && line.starts <= 1 && line.fits <= 1);
            free(bytes);
        }
        eddy_layout_free(layout);
    }
}

/* Of the exact size, so that asan sees a byte too many. */
TEST(learning_reads_nothing_beyond_its_lines)
{
    static const char *const ends[] = {"info: Shop.Cart[0]",
                                       "I1126 09:14:01.1 31 a.go:123]",
                                       "[x",
                                       "2026-11-26",
                                       "2026-11-26T09:14:01.",
                                       "<34>",
                                       "<34>1 ",
                                       "web |",
                                       "[pod/a]",
                                       "a=",
                                       "a=\"\\",
                                       "{\"a\":",
                                       "Nov 26 ",
                                       "\x1b[",
                                       "12:30:",
                                       "at x]",
                                       "17\"e\xff\xff"
                                       "1]",
                                       "... 3"};
    uint64_t random = test_seed();
    for (size_t i = 0; i < 20000; i++) {
        const char *from = i % 2 ? ends[i / 2 % (sizeof ends / sizeof *ends)] : plain[i / 2 % 3];
        size_t n = i < 100 ? strlen(from) : test_random(&random) % (strlen(from) + 1);
        char *bytes = malloc(n ? n : 1);
        eddy_layout *layout;
        eddy_log_line line;
        eddy_str whole = {bytes, n};
        memcpy(bytes, from, n);
        assert_int_equal(eddy_layout_learn(&whole, 1, &layout, NULL), EDDY_OK);
        assert_int_equal(eddy_layout_read(layout, whole, 0, NULL, &line), EDDY_OK);
        assert_true(is_inside(line.message, whole));
        eddy_layout_free(layout);
        free(bytes);
    }
}

TEST(layouts_survive_any_lost_allocation)
{
    for (size_t i = 0; i < LOGS; i++) {
        EACH_ALLOC_FAILS (k) {
            eddy_layout *layout = NULL, *back = NULL;
            eddy_arena *arena = eddy_arena_new(0);
            eddy_str lines[3], bytes;
            for (size_t j = 0; j < logs[i].n; j++)
                lines[j] = str(logs[i].lines[j]);
            eddy_status st = eddy_layout_learn(lines, logs[i].n, &layout, NULL);
            assert_true((st == EDDY_OK) == (layout != NULL));
            assert_true(st == EDDY_OK || st == EDDY_NOMEM);
            for (size_t j = 0; layout && arena && j < logs[i].n; j++) {
                eddy_log_line line;
                st = eddy_layout_read(layout, lines[j], 0, arena, &line);
                assert_true(st == EDDY_OK || st == EDDY_NOMEM);
            }
            if (layout && arena && eddy_layout_save(layout, arena, &bytes, NULL) == EDDY_OK) {
                st = eddy_layout_load(bytes, &back, NULL);
                assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !back));
            }
            eddy_layout_free(back);
            eddy_layout_free(layout);
            eddy_arena_free(arena);
        }
    }
}

/* How many of n such lines are read until the layout is said to fit no longer; 0: it fits. */
static size_t fits_until(const eddy_layout *layout, const char *const *lines, size_t n_lines,
                         size_t n)
{
    eddy_layout_fit fit = {0, 0};
    for (size_t i = 0; i < n; i++) {
        eddy_log_line line;
        assert_int_equal(eddy_layout_read(layout, str(lines[i % n_lines]), 0, NULL, &line),
                         EDDY_OK);
        if (!eddy_layout_fits(&fit, &line))
            return i + 1;
    }
    return 0;
}

TEST(a_layout_that_does_not_fit_says_so_and_stack_traces_are_no_misfits)
{
    static const char *const traced[] = {"2026-11-26 09:14:03 ERROR pay: lost",
                                         "java.io.IOException: x", "\tat a.b.C.d(C.java:1)",
                                         "Caused by: java.io.IOException: y", "\t... 3 more"};
    static const char *const fifth[] = {"2026-11-26 09:14:03 ERROR pay: lost",
                                        "2026-11-26 09:14:03 ERROR pay: lost",
                                        "2026-11-26 09:14:03 ERROR pay: lost",
                                        "2026-11-26 09:14:03 ERROR pay: lost", "lost once more"};
    static const char *const third[] = {"2026-11-26 09:14:03 ERROR pay: lost",
                                        "2026-11-26 09:14:03 ERROR pay: lost", "lost once more"};
    static const char *const banner[] = {"welcome to the shop", "it opens soon"};
    eddy_layout *layout = learn(plain, 3), *headless = learn(banner, 2);
    assert_int_equal(fits_until(layout, plain, 3, 2000), 0);
    assert_int_equal(fits_until(layout, traced, 5, 2000), 0);
    assert_int_equal(fits_until(layout, fifth, 5, 2000), 0);
    assert_int_equal(fits_until(layout, third, 3, 2000), EDDY_LAYOUT_LINES);
    assert_int_equal(fits_until(layout, json, 2, 2000), EDDY_LAYOUT_LINES);
    assert_int_equal(fits_until(headless, banner, 2, 2000), 0);
    assert_int_equal(fits_until(headless, plain, 3, 2000), EDDY_LAYOUT_LINES);
    eddy_layout_free(layout);
    eddy_layout_free(headless);
}

TEST(lines_that_lack_the_header_of_most_continue_only_where_they_are_rare)
{
    static const char *const rare[] = {
        "2026-11-26 09:14:01 INFO cart: opened", "2026-11-26 09:14:01 INFO cart: opened",
        "2026-11-26 09:14:01 INFO cart: opened", "2026-11-26 09:14:01 INFO cart: opened",
        "2026-11-26 09:14:01 INFO cart: opened", "and so on",
    };
    static const char *const often[] = {"2026-11-26 09:14:01 INFO cart: opened", "and so on",
                                        "and so forth"};
    eddy_layout *layout = learn(rare, 6);
    eddy_log_line line;
    assert_int_equal(eddy_layout_read(layout, str("and so on"), 0, NULL, &line), EDDY_OK);
    assert_int_equal(line.starts, 0);
    eddy_layout_free(layout);
    layout = learn(often, 3);
    assert_int_equal(eddy_layout_read(layout, str("and so on"), 0, NULL, &line), EDDY_OK);
    assert_true(line.starts && line.fits);
    eddy_layout_free(layout);
}

TEST(every_name_of_a_field_is_known)
{
    static const char *const cases[] = {
        "{\"msg\":\"x\",\"level\":\"warn\"}",
        "{\"Message\":\"x\",\"Level\":\"WARN\"}",
        "{\"@m\":\"x\",\"@l\":\"Warning\"}",
        "{\"body\":\"x\",\"severityText\":\"WARN\"}",
        "{\"short_message\":\"x\",\"level\":4}",
        "{\"textPayload\":\"x\",\"severity\":\"WARNING\"}",
        "{\"jsonPayload\":{\"message\":\"x\"},\"severity\":\"WARNING\"}",
        "{\"log\":\"x\",\"log_level\":\"warn\"}",
        "{\"event\":\"x\",\"lvl\":\"warn\"}",
        "{\"message\":\"x\",\"log\":{\"level\":\"warn\"}}",
        "{\"text\":\"x\",\"levelname\":\"WARNING\"}",
        "{\"message\":\"x\",\"event\":\"y\",\"PRIORITY\":\"4\"}",
        "{\"error\":\"x\",\"level\":\"warn\"}",
        " { \"msg\" : \"x\" , \"level\" : 40 } ",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eddy_layout *layout = learn(&cases[i], 1);
        eddy_log_line line;
        assert_int_equal(eddy_layout_read(layout, str(cases[i]), 0, NULL, &line), EDDY_OK);
        if (!is_same(line.message, str("x")) || line.level != EDDY_LEVEL_WARN)
            fail_msg("%s: %.*s, %s", cases[i], (int)line.message.n, line.message.at,
                     eddy_level_name(line.level));
        eddy_layout_free(layout);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layout_comes_back_from_its_bytes),
        cmocka_unit_test(of_a_message_of_several_lines_the_first_is_the_line),
        cmocka_unit_test(bytes_that_are_no_layout_are_refused),
        cmocka_unit_test(what_is_read_lies_within_the_line),
        cmocka_unit_test(learning_reads_nothing_beyond_its_lines),
        cmocka_unit_test(layouts_survive_any_lost_allocation),
        cmocka_unit_test(a_layout_that_does_not_fit_says_so_and_stack_traces_are_no_misfits),
        cmocka_unit_test(lines_that_lack_the_header_of_most_continue_only_where_they_are_rare),
        cmocka_unit_test(every_name_of_a_field_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
