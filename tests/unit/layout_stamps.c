/* Stamps: every way in which a log writes a time, its value, and what is none. */
#include "layout_support.h"

#include "base/time.h"
#include "parse/level.h"
#include "parse/stamp.h"

#define NEAR_MS INT64_C(1795694400000) /* 2026-11-26T12:00:00Z */

/* As ed_time_text writes it, and what follows it behind a '>'; "-": none. */
static const char *read_text(const char *text, int64_t near_ms)
{
    static char ret[200];
    struct ed_stamp stamp;
    int64_t ms;
    const char *end = text + strlen(text), *to = ed_stamp_read(text, end, &stamp);
    if (!to)
        return "-";
    if (!ed_stamp_ms(&stamp, near_ms, &ms))
        return "no time";
    ed_time_text(ms, ret);
    snprintf(ret + strlen(ret), sizeof ret - strlen(ret), ">%s", to);
    return ret;
}

TEST(stamps_are_read_in_every_form)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"2026-11-26T09:14:01.123456789Z x", "2026-11-26T09:14:01.123Z> x"},
        {"2026-11-26T09:14:01.5+01:00 x", "2026-11-26T08:14:01.500Z> x"},
        {"2026-11-26T09:14:01+0130", "2026-11-26T07:44:01.000Z>"},
        {"2026-11-26T09:14:01-05", "2026-11-26T14:14:01.000Z>"},
        {"2026-11-26 09:14:01,123 - x", "2026-11-26T09:14:01.123Z> - x"},
        {"2026-11-26 09:14:01, Info", "2026-11-26T09:14:01.000Z>, Info"},
        {"2026-11-26 09:14 x", "2026-11-26T09:14:00.000Z> x"},
        {"2026-11-26 09:14:01 UTC [3]", "2026-11-26T09:14:01.000Z> [3]"},
        {"2026-11-26 09:14:01 CEST x", "2026-11-26T07:14:01.000Z> x"},
        {"2026-11-26 09:14:01 INFO x", "2026-11-26T09:14:01.000Z> INFO x"},
        {"2026-11-26 09:14:01 -1 x", "2026-11-26T09:14:01.000Z> -1 x"},
        {"2026-11-26 x", "2026-11-26T00:00:00.000Z> x"},
        {"2026.11.26 09:14:01 x", "2026-11-26T09:14:01.000Z> x"},
        {"2026/11/26 9:14:01 PM x", "2026-11-26T21:14:01.000Z> x"},
        {"2026-11-26-09.14.01.123456 x", "2026-11-26T09:14:01.123Z> x"},
        {"2026-11-26_09:14:01 x", "2026-11-26T09:14:01.000Z> x"},
        {"2026年11月26日 09:14:01 x", "2026-11-26T09:14:01.000Z> x"},
        {"20261126-9:14:1:123|x", "2026-11-26T09:14:01.123Z>|x"},
        {"20261126T091401Z x", "2026-11-26T09:14:01.000Z> x"},
        {"261126 091401 31 INFO", "2026-11-26T09:14:01.000Z> 31 INFO"},
        {"26/11/26 09:14:01 x", "2026-11-26T09:14:01.000Z> x"},
        {"26.11.2026 09:14:01 x", "2026-11-26T09:14:01.000Z> x"},
        {"11/26/2026 09:14:01 AM x", "2026-11-26T09:14:01.000Z> x"},
        {"26/11/2026 09:14:01 x", "2026-11-26T09:14:01.000Z> x"},
        {"26/Nov/2026:09:14:01 +0100] x", "2026-11-26T08:14:01.000Z>] x"},
        {"26-Nov-2026 09:14:01.5 x", "2026-11-26T09:14:01.500Z> x"},
        {"26 Nov 2026 09:14:01.123 * x", "2026-11-26T09:14:01.123Z> * x"},
        {"Thu Nov 26 09:14:01 2026] x", "2026-11-26T09:14:01.000Z>] x"},
        {"Thu Nov 26 09:14:01.123456 2026 x", "2026-11-26T09:14:01.123Z> x"},
        {"Thu, 26 Nov 2026 09:14:01 GMT x", "2026-11-26T09:14:01.000Z> x"},
        {"Nov 26, 2026 9:14:01 AM x", "2026-11-26T09:14:01.000Z> x"},
        {"Nov 26 09:14:01 web1", "2026-11-26T09:14:01.000Z> web1"},
        {"Nov  6 09:14:01 web1", "2026-11-06T09:14:01.000Z> web1"},
        {"Nov 26 09:14:01 1234 x", "2026-11-26T09:14:01.000Z> 1234 x"},
        {"11-26 09:14:01.123  17", "2026-11-26T09:14:01.123Z>  17"},
        {"11.26 09:14:01] x", "2026-11-26T09:14:01.000Z>] x"},
        {"I1126 09:14:01.123456 x", "2026-11-26T09:14:01.123Z> x"},
        {"23:14:01.123 x", "2026-11-26T23:14:01.123Z> x"},
        {"00:14:01 x", "2026-11-26T00:14:01.000Z> x"},
        {"1795684441 x", "2026-11-26T09:14:01.000Z> x"},
        {"1795684441.123 x", "2026-11-26T09:14:01.123Z> x"},
        {"1795684441123 x", "2026-11-26T09:14:01.123Z> x"},
        {"1795684441123456 x", "2026-11-26T09:14:01.123Z> x"},
        {"1795684441123456789 x", "2026-11-26T09:14:01.123Z> x"},
        {"2016-12-31 23:59:60 x", "2017-01-01T00:00:00.000Z> x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(read_text(cases[i].text, NEAR_MS), cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].text, read_text(cases[i].text, NEAR_MS));
}

TEST(what_is_no_stamp_is_none)
{
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11",
        "2026-13-26 09:14:01",
        "2026-11-26T",
        "2026-11-31",
        "12:30 lunch",
        "192.168.100.200 x",
        "1.2.3.4 09:14:01",
        "2026-11-26T09:14:01abc",
        "Monday it",
        "Maybe 3 of",
        "Dec 4 was cold",
        "123456 1234567",
        "123456789",
        "7000000000",
        "25:14:01 x",
        "I am here now",
        "Error 12 at 9:14:01",
        "12/26 x yzzy",
        "Nov 26 x y",
        "\x1b[31m2026-11-26",
        "26.11.26 xxxx",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(read_text(cases[i], NEAR_MS), "-") != 0)
            fail_msg("%s: %s", cases[i], read_text(cases[i], NEAR_MS));
}

TEST(years_and_days_that_lack_are_the_nearest)
{
    static const struct {
        const char *text;
        const char *near, *want;
    } cases[] = {
        {"Dec 31 23:59:59 x", "2027-01-01T00:10:00Z", "2026-12-31T23:59:59.000Z> x"},
        {"Jan  1 00:00:01 x", "2026-12-31T23:50:00Z", "2027-01-01T00:00:01.000Z> x"},
        {"Jul 30 12:00:00 x", "2026-12-31T00:00:00Z", "2026-07-30T12:00:00.000Z> x"},
        {"Jun 30 12:00:00 x", "2026-01-05T00:00:00Z", "2026-06-30T12:00:00.000Z> x"},
        {"Jul 30 12:00:00 x", "2026-01-05T00:00:00Z", "2025-07-30T12:00:00.000Z> x"},
        {"Feb 29 12:00:00 x", "2026-03-01T00:00:00Z", "2024-02-29T12:00:00.000Z> x"},
        {"Feb 29 12:00:00 x", "2028-03-01T00:00:00Z", "2028-02-29T12:00:00.000Z> x"},
        {"Feb 29 12:00:00 x", "2099-12-01T00:00:00Z", "2096-02-29T12:00:00.000Z> x"},
        {"23:59:59.5 x", "2026-11-27T00:00:10Z", "2026-11-26T23:59:59.500Z> x"},
        {"00:00:01 x", "2026-11-26T23:59:10Z", "2026-11-27T00:00:01.000Z> x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ed_stamp stamp;
        int64_t near_ms;
        const char *near_end = cases[i].near + strlen(cases[i].near);
        assert_ptr_equal(ed_stamp_read(cases[i].near, near_end, &stamp), near_end);
        assert_true(ed_stamp_ms(&stamp, -1, &near_ms));
        if (strcmp(read_text(cases[i].text, near_ms), cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].text, read_text(cases[i].text, near_ms));
    }
    assert_string_equal(read_text("Nov 26 09:14:01 x", -1), "no time");
    assert_string_equal(read_text("09:14:01 x", -1), "no time");
    assert_string_equal(read_text("2027-02-29 09:14:01 x", -1), "no time");
}

TEST(levels_are_read_as_words_letters_and_numbers)
{
    static const struct {
        const char *value;
        int is_otel;
        eddy_level want;
    } cases[] = {
        {"INFO", 0, EDDY_LEVEL_INFO},      {"Warning", 0, EDDY_LEVEL_WARN},
        {"severe", 0, EDDY_LEVEL_ERROR},   {"CRITICAL", 0, EDDY_LEVEL_FATAL},
        {"notice", 0, EDDY_LEVEL_INFO},    {"VERBOSE", 0, EDDY_LEVEL_TRACE},
        {"E", 0, EDDY_LEVEL_ERROR},        {"x", 0, EDDY_LEVEL_UNKNOWN},
        {"0", 0, EDDY_LEVEL_FATAL},        {"3", 0, EDDY_LEVEL_ERROR},
        {"4", 0, EDDY_LEVEL_WARN},         {"6", 0, EDDY_LEVEL_INFO},
        {"7", 0, EDDY_LEVEL_DEBUG},        {"10", 0, EDDY_LEVEL_TRACE},
        {"30", 0, EDDY_LEVEL_INFO},        {"60", 0, EDDY_LEVEL_FATAL},
        {"99", 0, EDDY_LEVEL_UNKNOWN},     {"1", 1, EDDY_LEVEL_TRACE},
        {"9", 1, EDDY_LEVEL_INFO},         {"17", 1, EDDY_LEVEL_ERROR},
        {"24", 1, EDDY_LEVEL_FATAL},       {"25", 1, EDDY_LEVEL_UNKNOWN},
        {"", 0, EDDY_LEVEL_UNKNOWN},       {"information", 0, EDDY_LEVEL_INFO},
        {"errors", 0, EDDY_LEVEL_UNKNOWN}, {"99999999999", 0, EDDY_LEVEL_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ed_level_value(str(cases[i].value), cases[i].is_otel) != cases[i].want)
            fail_msg("%s: %s", cases[i].value,
                     eddy_level_name(ed_level_value(str(cases[i].value), cases[i].is_otel)));
    assert_string_equal(eddy_level_name(EDDY_LEVEL_FATAL), "fatal");
    assert_string_equal(eddy_level_name(EDDY_LEVELS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_are_read_in_every_form),
        cmocka_unit_test(what_is_no_stamp_is_none),
        cmocka_unit_test(years_and_days_that_lack_are_the_nearest),
        cmocka_unit_test(levels_are_read_as_words_letters_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
