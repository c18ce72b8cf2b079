/* Writing JSON: another library reads back exactly what went in. */
#include "test.h"

#include "base/json.h"
#include "base/utf8.h"

#include <jansson.h>
#include <math.h>

static json_t *parsed(const struct ed_bytes *b)
{
    json_error_t why;
    json_t *j = json_loadb(b->at, b->n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (!j)
        fail_msg("not JSON: %s in %.200s", why.text, b->at);
    return j;
}

/* What is not UTF-8 becomes U+FFFD. */
static size_t mended(const char *s, size_t n, char *ret)
{
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        int32_t c;
        size_t wide = ed_utf8_next(s + i, n - i, &c);
        if (c < 0)
            used += ed_utf8_put(0xFFFD, ret + used);
        else
            memcpy(ret + used, s + i, wide), used += wide;
        i += wide;
    }
    return used;
}

TEST(any_bytes_come_back_as_the_same_text)
{
    uint64_t seed = test_seed();
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    for (int round = 0; round < 3000; round++) {
        char in[60], want[200];
        size_t n = test_random(&seed) % sizeof in;
        int ascii = round % 3 == 0;
        for (size_t i = 0; i < n; i++)
            in[i] = (char)(test_random(&seed) % (ascii ? 128 : 256));
        for (size_t i = 0; round % 3 == 1 && i + 4 <= n; i += 4)
            memcpy(in + i, "\xF0\x9F\x8C\x80", 4);
        ed_bytes_empty(&b);
        ed_json_text(&b, in, n);
        json_t *j = parsed(&b);
        size_t n_want = mended(in, n, want);
        assert_int_equal(json_string_length(j), n_want);
        assert_memory_equal(json_string_value(j), want, n_want);
        assert_int_equal(ed_utf8_valid(b.at, b.n), b.n);
        json_decref(j);
    }
    ed_bytes_clear(&b);
}

TEST(numbers_come_back_to_six_digits)
{
    uint64_t seed = test_seed();
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    for (int round = 0; round < 20000; round++) {
        double x = (double)(int64_t)test_random(&seed) * 0x1p-63;
        x *= pow(10, (double)(test_random(&seed) % 40) - 20);
        ed_bytes_empty(&b);
        ed_json_number(&b, x);
        double back = strtod(b.at, NULL);
        assert_true(fabs(back - x) <= 5.1e-7 || fabs(back - x) <= 5.1e-6 * fabs(x));
        if (fabs(x) > 1e-3)
            assert_true(fabs(back - x) <= 5.1e-4 * fabs(x));
        json_t *j = parsed(&b);
        assert_true(json_is_number(j));
        json_decref(j);
    }
    ed_bytes_clear(&b);
}

TEST(small_numbers_are_what_printf_makes_of_them)
{
    uint64_t seed = test_seed();
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    for (int round = 0; round < 200000; round++) {
        uint64_t random = test_random(&seed);
        double x = pow(10, -3 - 15 * (double)(random >> 11) * 0x1p-53),
               some = (double)(random % 4096);
        char text[40];
        if (round % 4 == 1)
            x = (double)(float)x;
        else if (round % 4 == 2) /* ends in a five now and then */
            x = (double)(random % 2000000) / pow(10, (double)(9 + random % 9));
        else if (round % 4 == 3) /* exactly half way now and then */
            x = ldexp(some, -22 - (int)(random >> 32) % 30);
        x = random >> 63 ? -x : x;
        if (x == 0 || fabs(x) >= 1e-3)
            continue;
        ed_bytes_empty(&b);
        ed_json_number(&b, x);
        snprintf(text, sizeof text, "%.6g", x);
        assert_string_equal(b.at, text);
    }
    ed_bytes_clear(&b);
}

TEST(numbers_are_short)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "0"},
                 {1, "1"},
                 {-1, "-1"},
                 {0.5, "0.5"},
                 {0.43, "0.43"},
                 {1.0 / 3, "0.333333"},
                 {2.0 / 3, "0.666667"},
                 {0.9999999, "1"},
                 {41, "41"},
                 {1000000, "1000000"},
                 {-0.25, "-0.25"},
                 {0.001, "0.001"},
                 {12.000001, "12.000001"},
                 {1e-7, "1e-07"},
                 {2.5e12, "2.5e+12"},
                 {(double)0.1F, "0.1"},
                 {INFINITY, "null"},
                 {NAN, "null"}};
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ed_bytes_empty(&b);
        ed_json_number(&b, cases[i].x);
        assert_string_equal(b.at, cases[i].text);
    }
    ed_bytes_empty(&b);
    ed_json_open(&b, '[');
    ed_json_integer(&b, INT64_MIN);
    ed_json_integer(&b, INT64_MAX);
    ed_json_unsigned(&b, UINT64_MAX);
    ed_json_unsigned(&b, 0);
    ed_json_close(&b, ']');
    assert_string_equal(b.at, "[-9223372036854775808,9223372036854775807,18446744073709551615,0]");
    ed_bytes_clear(&b);
}

TEST(commas_put_themselves)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    for (int line = 0; line < 2; line++) {
        ed_json_open(&b, '{');
        ed_json_key(&b, "a");
        ed_json_open(&b, '[');
        ed_json_open(&b, '{');
        ed_json_close(&b, '}');
        ed_json_open(&b, '[');
        ed_json_close(&b, ']');
        ed_json_text(&b, "{", 1);
        ed_json_text(&b, ":", 1);
        ed_json_null(&b);
        ed_json_bool(&b, 1);
        ed_json_close(&b, ']');
        ed_json_key(&b, "b");
        ed_json_id(&b, "E", 12);
        ed_json_key(&b, "c");
        ed_json_bool(&b, 0);
        ed_json_close(&b, '}');
        ed_bytes_add_str(&b, "\n");
    }
    assert_string_equal(b.at, "{\"a\":[{},[],\"{\",\":\",null,true],\"b\":\"E12\",\"c\":false}\n"
                              "{\"a\":[{},[],\"{\",\":\",null,true],\"b\":\"E12\",\"c\":false}\n");
    ed_bytes_clear(&b);
}

TEST(base64_is_the_standard_one)
{
    static const char *const cases[][2] = {{"", "\"\""},
                                           {"f", "\"Zg==\""},
                                           {"fo", "\"Zm8=\""},
                                           {"foo", "\"Zm9v\""},
                                           {"foob", "\"Zm9vYg==\""},
                                           {"fooba", "\"Zm9vYmE=\""},
                                           {"foobar", "\"Zm9vYmFy\""},
                                           {"\xff\xfe", "\"//4=\""}};
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ed_bytes_empty(&b);
        ed_json_base64(&b, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(b.at, cases[i][1]);
    }
    ed_bytes_clear(&b);
}

TEST(writing_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        struct ed_bytes b;
        ed_bytes_init(&b, 0);
        ed_json_open(&b, '[');
        for (int i = 0; i < 500; i++)
            ed_json_number(&b, i * 0.37);
        ed_json_close(&b, ']');
        if (!b.failed)
            json_decref(parsed(&b));
        ed_bytes_clear(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_come_back_as_the_same_text),
        cmocka_unit_test(numbers_come_back_to_six_digits),
        cmocka_unit_test(small_numbers_are_what_printf_makes_of_them),
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(commas_put_themselves),
        cmocka_unit_test(base64_is_the_standard_one),
        cmocka_unit_test(writing_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
