/* UTF-8: exactly the well-formed sequences of the Unicode standard, and no others. */
#include "test.h"

#include "base/utf8.h"

TEST(every_code_point_is_read_as_it_was_written)
{
    for (int32_t c = 0; c <= 0x10FFFF; c++) {
        char bytes[4];
        int32_t back;
        if (c == 0xD800)
            c = 0xE000;
        size_t n = ed_utf8_put(c, bytes);
        assert_int_equal(ed_utf8_next(bytes, n, &back), n);
        assert_int_equal(back, c);
        assert_int_equal(ed_utf8_valid(bytes, n), n);
        if (n > 1)
            assert_int_equal(ed_utf8_valid(bytes, n - 1), 0);
    }
}

TEST(what_is_not_well_formed_is_refused_at_its_first_byte)
{
    static const char *const wrong[] = {"\x80",
                                        "\xBF",
                                        "\xC0\x80",
                                        "\xC1\xBF",
                                        "\xE0\x9F\xBF",
                                        "\xED\xA0\x80",
                                        "\xED\xBF\xBF",
                                        "\xF0\x8F\xBF\xBF",
                                        "\xF5\x80\x80\x80",
                                        "\xF4\x90\x80\x80",
                                        "\xFE",
                                        "\xFF",
                                        "\xC3(",
                                        "\xE2\x82",
                                        "\xF0\x9F\x98",
                                        "\xE2(\xA1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[32];
        for (size_t before = 0; before < 18; before++) {
            int n =
                snprintf(text, sizeof text, "%.*s%s", (int)before, "plain text of ASCII", wrong[i]);
            assert_int_equal(ed_utf8_valid(text, (size_t)n), before);
        }
    }
}

/* Count of well-formed sequences of three bytes, against the count from the definition. */
TEST(three_bytes_are_valid_as_often_as_the_definition_says)
{
    size_t valid = 0;
    for (uint32_t x = 0; x < 1u << 24; x += 1) {
        char bytes[3] = {(char)(x >> 16), (char)(x >> 8), (char)x};
        valid += ed_utf8_valid(bytes, 3) == 3;
    }
    size_t one = 128, two = 0x800 - 0x80, three = 0x10000 - 0x800 - 0x800;
    assert_int_equal(valid, one * one * one + 2 * one * two + three);
}

TEST(a_cut_falls_on_a_border)
{
    const char *text = "a\xC3\xA9\xE6\x9D\xB1z"; /* 1 + 2 + 3 + 1 bytes */
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 7, 7};
    for (size_t max = 0; max < 9; max++)
        assert_int_equal(ed_utf8_cut(text, 7, max), expected[max]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_read_as_it_was_written),
        cmocka_unit_test(what_is_not_well_formed_is_refused_at_its_first_byte),
        cmocka_unit_test(three_bytes_are_valid_as_often_as_the_definition_says),
        cmocka_unit_test(a_cut_falls_on_a_border),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
