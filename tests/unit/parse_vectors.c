/* Vectors: what is read at speed is, bit for bit, what strtod and a JSON tree make of it. */
#include "test.h"

#include <eddy/doc.h>

#include "base/hash.h"
#include "parse/vectors.h"

#include <jansson.h>
#include <math.h>

/* The number is read to its end, as strtod reads it. */
static void check_number(const char *text)
{
    double ours = 0, theirs = strtod(text, NULL);
    const char *end = text + strlen(text);
    if (ed_vectors_number(text, end, &ours) != end || memcmp(&ours, &theirs, sizeof ours) != 0)
        fail_msg("%s gives %a instead of %a", text, ours, theirs);
}

TEST(numbers_are_rounded_as_strtod_does)
{
    static const char *const at_borders[] = {
        "0", "1", "-1", "0.0", "-0.0", "0.1", "1e0", "1E+2", "1e-2", "0e999", "9007199254740992",
        "9007199254740991e22", "9007199254740993e-1", "1e-27", "9999999999999999999e-27",
        "1844674407370955161e-19", "0.5000000000000000000",
        /* halfway between two doubles */
        "9007199254740993.0", "9007199254740995.0", "4503599627370497.50", "4503599627370496.50"};
    for (size_t i = 0; i < sizeof at_borders / sizeof *at_borders; i++)
        check_number(at_borders[i]);
}

TEST(numbers_of_any_length_are_rounded_as_strtod_does)
{
    for (uint64_t i = 0; i < 300000; i++) {
        char text[64];
        uint64_t a = ed_mix64(2 * i), b = ed_mix64(2 * i + 1);
        double x = (double)(int64_t)a * 0x1p-63;
        int digits = 1 + (int)(b % 17);
        if (b >> 8 & 1)
            snprintf(text, sizeof text, "%.*f", digits, x);
        else
            snprintf(text, sizeof text, "%.*ge-%d", digits, x, (int)(b >> 16 & 7));
        if (!strchr(text, 'e') || strchr(text, 'e') == strrchr(text, 'e'))
            check_number(text);
    }
}

/* As vectors are written, with whatever may follow, at any distance from the end. */
TEST(short_numbers_are_read_to_where_they_end)
{
    static const char *const behind[] = {",", "]",        " ",  "\t,", "e1", "E-2", "00",
                                         "x", "\xc3\xa9", ".5", "-",   "/",  ":"};
    for (uint64_t i = 0; i < 300000; i++) {
        char text[64], *end;
        uint64_t a = ed_mix64(i);
        int digits = 1 + (int)(a % 10);
        size_t n =
            (size_t)snprintf(text, sizeof text, "%.*f%s%s", digits, (double)(int64_t)a * 0x1p-62,
                             behind[(a >> 8) % (sizeof behind / sizeof *behind)],
                             a >> 20 & 1 ? ",0.123456789,1" : "");
        double ours = 0, theirs = strtod(text, &end);
        if (ed_vectors_number(text, text + n, &ours) != end ||
            memcmp(&ours, &theirs, sizeof ours) != 0)
            fail_msg("%s gives %a instead of %a", text, ours, theirs);
    }
}

/* m / 10^k nearest to the middle of two doubles: where a bit that is lost shows. */
TEST(numbers_next_to_a_half_are_rounded_as_strtod_does)
{
    for (uint64_t i = 0; i < 100000; i++) {
        char text[64];
        double x = ldexp((double)(ed_mix64(i) >> 11 | UINT64_C(1) << 52), -53);
        double middle = x + (nextafter(x, 1) - x) / 2; /* as text with all its digits cut to 19 */
        snprintf(text, sizeof text, "%.19f", middle);
        text[0] = '0';
        if (strlen(text) == 21)
            check_number(text);
    }
}

TEST(what_is_no_number_of_json_is_not_taken)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "01",
                                      "-01",
                                      "1e",
                                      "1e+",
                                      "nan",
                                      "inf",
                                      "0x1",
                                      "--1",
                                      "1e99",
                                      "1e-40",
                                      "12345678901234567890",
                                      "9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double x;
        const char *end = bad[i] + strlen(bad[i]);
        if (ed_vectors_number(bad[i], end, &x) == end)
            fail_msg("%s was taken", bad[i]);
    }
}

/* ---- messages ---- */

struct answer {
    eddy_doc doc;
    eddy_reject reject;
    char detail[200];
};

static struct answer parse(const char *text, eddy_arena *arena)
{
    eddy_parse_options o;
    eddy_parse_options_init(&o);
    o.dense_path = "/vector";
    o.dense_dim = 3;
    o.n_extra = 1;
    o.extra_path[0] = "/a~1\\u0062";
    o.extra_dim[0] = 2;
    eddy_parser *parser = NULL;
    eddy_error err = {0};
    struct answer ret = {.reject = EDDY_REJECTS};
    eddy_raw raw = {.bytes = text, .n = strlen(text), .position = {"t", 0, 0}};
    CHECK_OK(eddy_parser_new(&o, &parser, &err), &err);
    CHECK_OK(eddy_parser_parse(parser, &raw, arena, &ret.doc, &ret.reject, ret.detail,
                               sizeof ret.detail, &err),
             &err);
    eddy_parser_free(parser);
    return ret;
}

static void check_vector(const char *text, const char *detail)
{
    eddy_arena *arena = eddy_arena_new(0);
    struct answer a = parse(text, arena);
    assert_string_equal(a.detail, detail);
    if (!*detail) {
        const float expected[3] = {(float)(3 / sqrt(50)), (float)(-4 / sqrt(50)),
                                   (float)(5 / sqrt(50))};
        assert_int_equal(a.reject, EDDY_ACCEPTED);
        assert_memory_equal(a.doc.dense, expected, sizeof expected);
        assert_string_equal(a.doc.id.at, "x");
    }
    eddy_arena_free(arena);
}

TEST(a_vector_is_read_wherever_it_stands_in_the_object)
{
    check_vector("{\"id\":\"x\",\"vector\":[3,-4,5]}", "");
    check_vector(" { \"vector\" : [ 3.0 , -4e0 ,\n5 ] , \"id\" : \"x\" } ", "");
    check_vector("{\"other\":{\"vector\":[1,{\"a\":\"]}\\\"\"}]},\"vector\":[3,-4,5],\"id\":\"x\"}",
                 "");
    check_vector("{\"v\\u0065ctor\":[3,-4,5],\"id\":\"x\"}", "");
    check_vector("{\"vector\":[0.30000000000000000000000,-0.4,0.5],\"id\":\"x\"}", "");
    check_vector("{\"\\\\\":1,\"vector\":[3,-4,5],\"id\":\"x\",\"text\":\"\\\\\\\"{\"}", "");
}

TEST(what_is_wrong_with_a_message_is_told_as_without_the_short_cut)
{
    check_vector("{\"id\":\"x\",\"vector\":[3,-4]}", "/vector has 2 numbers where 3 are expected");
    check_vector("{\"vector\":[3,-4,null]}", "/vector/2 is a null where a number is expected");
    check_vector("{\"vector\":[3,-4,1e39]}", "/vector/2 is not a finite float");
    check_vector("{\"vector\":[0,0.0,-0]}", "/vector is all zero");
    check_vector("{\"vector\":[3,-4,5],\"vector\":[3,-4,5]}", "a key twice, at line 1, byte 27");
    check_vector("{\"vector\":[3,-4,5],\"v\\u0065ctor\":[3,-4,5]}",
                 "a key twice, at line 1, byte 32");
    check_vector("{\"vector\":[3,-4,5],\"text\":x}", "not JSON, at line 1, byte 27");
    check_vector("{\"vector\":[3,-4,5]} 1", "something follows the object, at line 1, byte 21");
    check_vector("{\"vector\":[3,-4,5],", "ends too early, at line 1, byte 19");
    check_vector("{\"vector\":[3,-4,05]}", "not JSON, at line 1, byte 17");
}

/* A step with a backslash is no key as it stands in the message: there it would be an escape. */
TEST(a_pointer_with_a_backslash_is_left_to_the_tree)
{
    eddy_arena *arena = eddy_arena_new(0);
    struct answer a = parse("{\"a/\\u0062\":[1,1],\"a/\\\\u0062\":[3,4]}", arena);
    assert_int_equal(a.reject, EDDY_ACCEPTED);
    assert_true(a.doc.extra[0][0] < a.doc.extra[0][1]);
    eddy_arena_free(arena);
}

TEST(vectors_survive_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        eddy_parse_options o;
        eddy_parse_options_init(&o);
        o.dense_path = "/vector";
        o.dense_dim = 3;
        eddy_parser *parser = NULL;
        eddy_arena *arena = eddy_arena_new(0);
        const char *text = "{\"id\":\"x\",\"vector\":[3,-4,5]}";
        eddy_raw raw = {.bytes = text, .n = strlen(text), .position = {"t", 0, 0}};
        eddy_doc doc;
        eddy_reject reject;
        eddy_status st = eddy_parser_new(&o, &parser, NULL);
        if (st == EDDY_OK && arena)
            st = eddy_parser_parse(parser, &raw, arena, &doc, &reject, NULL, 0, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        eddy_parser_free(parser);
        eddy_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded_as_strtod_does),
        cmocka_unit_test(numbers_of_any_length_are_rounded_as_strtod_does),
        cmocka_unit_test(short_numbers_are_read_to_where_they_end),
        cmocka_unit_test(numbers_next_to_a_half_are_rounded_as_strtod_does),
        cmocka_unit_test(what_is_no_number_of_json_is_not_taken),
        cmocka_unit_test(a_vector_is_read_wherever_it_stands_in_the_object),
        cmocka_unit_test(what_is_wrong_with_a_message_is_told_as_without_the_short_cut),
        cmocka_unit_test(a_pointer_with_a_backslash_is_left_to_the_tree),
        cmocka_unit_test(vectors_survive_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
