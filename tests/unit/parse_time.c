/* Document times: every form that is read, its value, and what is refused. */
#include "test.h"

#include "base/time.h"
#include "parse/time.h"

static int64_t text(const char *s, eddy_time_unit unit)
{
    int64_t ms = -1;
    return ed_time_from_text(s, strlen(s), unit, &ms) ? ms : -1;
}

TEST(dates_are_read_in_every_form)
{
    static const struct {
        const char *text;
        const char *same; /* as ed_time_text writes it */
    } cases[] = {
        {"2031-05-14T08:30:00Z", "2031-05-14T08:30:00.000Z"},
        {"2031-05-14t08:30:00z", "2031-05-14T08:30:00.000Z"},
        {"2031-05-14 08:30:00", "2031-05-14T08:30:00.000Z"},
        {"  2031-05-14 08:30:00\n", "2031-05-14T08:30:00.000Z"},
        {"2031-05-14 08:30", "2031-05-14T08:30:00.000Z"},
        {"2031-05-14", "2031-05-14T00:00:00.000Z"},
        {"2031-05-14T08:30:00.1Z", "2031-05-14T08:30:00.100Z"},
        {"2031-05-14T08:30:00,123", "2031-05-14T08:30:00.123Z"},
        {"2031-05-14T08:30:00.123999999999999999999999Z", "2031-05-14T08:30:00.123Z"},
        {"2031-05-14T08:30:00+02:00", "2031-05-14T06:30:00.000Z"},
        {"2031-05-14T08:30:00-0530", "2031-05-14T14:00:00.000Z"},
        {"2031-05-14 08:30:00 +02", "2031-05-14T06:30:00.000Z"},
        {"2031-05-14T00:15:00+01:00", "2031-05-13T23:15:00.000Z"},
        {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999Z"},
        {"2028-02-29T12:00:00Z", "2028-02-29T12:00:00.000Z"},
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char back[ED_TIME_TEXT];
        int64_t ms = text(cases[i].text, EDDY_UNIT_AUTO);
        if (ms < 0)
            fail_msg("\"%s\" was not read", cases[i].text);
        ed_time_text(ms, back);
        assert_string_equal(back, cases[i].same);
    }
}

TEST(what_is_no_time_is_unreadable)
{
    static const char *const cases[] = {"",
                                        " ",
                                        "now",
                                        "yesterday",
                                        "-1",
                                        "-1.5",
                                        "1e9",
                                        "0x10",
                                        "12:30",
                                        "2031-05",
                                        "2031-13-01",
                                        "2031-00-01",
                                        "2031-02-29",
                                        "2100-02-29",
                                        "2031-04-31",
                                        "2031-05-14T",
                                        "2031-05-14T24:00:00Z",
                                        "2031-05-14T08:60:00Z",
                                        "2031-05-14T08:30:61Z",
                                        "2031-05-14T08:30:00.Z",
                                        "2031-05-14T08:30:00+24:00",
                                        "2031-05-14T08:30:00+02:60",
                                        "2031-05-14T08:30:00+",
                                        "2031-05-14T08:30:00Zz",
                                        "2031-05-14T8:30:00Z",
                                        "1969-12-31",
                                        "1970-01-01T00:30:00+01:00",
                                        "9999-12-31T23:59:59-01:00",
                                        "99999999999999999999",
                                        "9999999999999999999999999999999999",
                                        "1715673600.",
                                        "1715673600.5x",
                                        ".5",
                                        "2031/05/14",
                                        "Wed, 14 May 2031 08:30:00 GMT",
                                        "\xC3\xA9"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (text(cases[i], EDDY_UNIT_AUTO) != -1)
            fail_msg("\"%s\" was read", cases[i]);
}

TEST(numbers_take_their_unit_by_size_or_by_order)
{
    int64_t ms;
    static const struct {
        int64_t value;
        eddy_time_unit unit;
        int64_t ms; /* -1: unreadable */
    } cases[] = {
        {1715673600, EDDY_UNIT_AUTO, 1715673600000},
        {1715673600123, EDDY_UNIT_AUTO, 1715673600123},
        {1715673600123456, EDDY_UNIT_AUTO, 1715673600123},
        {1715673600123456789, EDDY_UNIT_AUTO, 1715673600123},
        {99999999999, EDDY_UNIT_AUTO, 99999999999000},
        {100000000000, EDDY_UNIT_AUTO, 100000000000},
        {99999999999999, EDDY_UNIT_AUTO, 99999999999999},
        {100000000000000, EDDY_UNIT_AUTO, 100000000000},
        {99999999999999999, EDDY_UNIT_AUTO, 99999999999999},
        {100000000000000000, EDDY_UNIT_AUTO, 100000000000},
        {INT64_MAX, EDDY_UNIT_AUTO, INT64_MAX / 1000000},
        {0, EDDY_UNIT_AUTO, 0},
        {-1, EDDY_UNIT_AUTO, -1},
        {INT64_MIN, EDDY_UNIT_NS, -1},
        {1715673600123, EDDY_UNIT_S, -1}, /* the year 56,339 */
        {1715673600, EDDY_UNIT_MS, 1715673600},
        {1715673600, EDDY_UNIT_US, 1715673},
        {1715673600, EDDY_UNIT_NS, 1715},
        {INT64_MAX, EDDY_UNIT_MS, -1},
        {INT64_MAX, EDDY_UNIT_S, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ms = -1;
        ed_time_from_integer(cases[i].value, cases[i].unit, &ms);
        assert_int_equal(ms, cases[i].ms);
        if (cases[i].value < 0)
            continue;
        char digits[32];
        snprintf(digits, sizeof digits, "%lld", (long long)cases[i].value);
        assert_int_equal(text(digits, cases[i].unit), cases[i].ms);
    }
    assert_true(ed_time_from_real(1715673600.123, EDDY_UNIT_AUTO, &ms) && ms == 1715673600123);
    assert_true(ed_time_from_real(1715673600123.9, EDDY_UNIT_AUTO, &ms) && ms == 1715673600123);
    assert_true(ed_time_from_real(1.715673600123e18, EDDY_UNIT_AUTO, &ms) && ms == 1715673600123);
    assert_int_equal(text("1715673600.123456", EDDY_UNIT_AUTO), 1715673600123);
    assert_false(ed_time_from_real(-0.5, EDDY_UNIT_AUTO, &ms));
    assert_false(ed_time_from_real(1e300, EDDY_UNIT_AUTO, &ms));
    assert_false(ed_time_from_real(1e15, EDDY_UNIT_S, &ms));
}

TEST(time_text_is_read_back)
{
    uint64_t seed = test_seed();
    for (int i = 0; i < 100000; i++) {
        char written[ED_TIME_TEXT];
        int64_t ms = (int64_t)(test_random(&seed) % UINT64_C(253402300800000));
        ed_time_text(ms, written);
        assert_int_equal(text(written, EDDY_UNIT_AUTO), ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read_in_every_form),
        cmocka_unit_test(what_is_no_time_is_unreadable),
        cmocka_unit_test(numbers_take_their_unit_by_size_or_by_order),
        cmocka_unit_test(time_text_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
