/* Flat messages: what is read without a tree is what the tree gives. */
#include "test.h"

#include <eddy/doc.h>

#include "base/hash.h"
#include "parse/flat.h"

static const char *const paths[ED_FIELDS] = {
    [ED_ID] = "/id",    [ED_TEXT] = "/text",    [ED_TIME] = "/ts",     [ED_SOURCE] = "/from/name",
    [ED_GROUP] = "/id", [ED_DENSE] = "/vector", [ED_EXTRA] = "/image", [ED_EXTRA + 1] = "/image"};

/* 1: it was flat, and all is as in the tree. */
static int agrees(const char *text)
{
    eddy_parser parser = {.dims = {[ED_DENSE] = 3, [ED_EXTRA] = 1, [ED_EXTRA + 1] = 1}};
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    for (int i = 0; i < ED_FIELDS; i++)
        CHECK_OK(ed_pointer_init(&parser.fields[i], "field", paths[i], &err), &err);
    struct ed_reading r = {.parser = &parser, .arena = arena, .err = &err};
    struct ed_value values[ED_FIELDS] = {0};
    const char *rest = text;
    size_t n = strlen(text);
    int flat = 0;
    CHECK_OK(ed_flat_read(&r, &rest, &n, values, &flat), &err);
    json_t *tree = json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, NULL);
    if (flat && !tree)
        fail_msg("taken as flat, and no JSON: %s", text);
    for (int i = 0; i < ED_FIELDS && flat; i++) {
        const json_t *there = ed_pointer_find(&parser.fields[i], tree);
        assert_int_equal(values[i].is_there, there != NULL);
        if (!there)
            continue;
        assert_int_equal(values[i].type, json_typeof(there));
        if (json_is_string(there)) {
            assert_int_equal(values[i].string.n, json_string_length(there));
            assert_memory_equal(values[i].string.at, json_string_value(there), values[i].string.n);
        }
        assert_true(!json_is_integer(there) || values[i].integer == json_integer_value(there));
        for (size_t k = 0; r.vectors[i] && k < parser.dims[i]; k++)
            assert_true(r.vectors[i][k] == (float)json_number_value(json_array_get(there, k)));
    }
    json_decref(tree);
    for (int i = 0; i < ED_FIELDS; i++)
        ed_pointer_clear(&parser.fields[i]);
    eddy_arena_free(arena);
    return flat;
}

TEST(simple_objects_are_flat)
{
    static const char *const flat[] = {
        "{\"id\":\"x\"}",
        " { \"id\" : \"\" , \"text\"\n:\t\"\xc3\xa9\" } \n",
        "{\"ts\":0,\"id\":-0,\"n\":-123456789012345678,\"a\":true,\"text\":null,\"c\":false}",
        "{\"ts\":123456789012345678}",
        "{\"text\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\uFFFF\"}",
        "{\"vector\":[3,-4,5.25],\"from\":\"x\",\"id\":\"y\"}",
        "{\"text\":\"\\\\\",\"id\":\"{[\"}",
        "{\"\":1}",
    };
    for (size_t i = 0; i < sizeof flat / sizeof *flat; i++)
        if (!agrees(flat[i]))
            fail_msg("not taken as flat: %s", flat[i]);
}

TEST(all_else_is_left_to_the_tree)
{
    static const char *const other[] = {
        "",
        "{}",
        "[]",
        "{\"id\":\"x\"",
        "{\"id\":\"x\"}}",
        "{\"id\":\"x\"},",
        "{\"id\":\"x\",}",
        "{\"id\" \"x\"}",
        "{\"id\":}",
        "{\"id\":\"x\",\"id\":\"y\"}",
        "{\"i\\u0064\":\"x\"}",
        "{\"id\":\"a\nb\"}",
        "{\"i\nd\":\"a\"}",
        "{\"id\":\"\\u0000\"}",
        "{\"id\":\"\\ud83d\\ude00\"}",
        "{\"id\":\"\\ud83d\"}",
        "{\"id\":\"\\x\"}",
        "{\"id\":\"\\u12\"}",
        "{\"id\":\"\\\"}",
        "{\"ts\":1.5}",
        "{\"ts\":1e5}",
        "{\"ts\":01}",
        "{\"ts\":-}",
        "{\"ts\":1x}",
        "{\"ts\":1\"a\"}",
        "{\"ts\":1234567890123456789}",
        "{\"ts\":9999999999999999999}", /* which overflowed on the way */
        "{\"ts\":truex}",
        "{\"ts\":tru}",
        "{\"from\":{\"name\":\"x\"}}",
        "{\"vector\":[1,2]}",
        "{\"vector\":[1,2,null]}",
        "{\"image\":[1]}", /* which of the two is it? */
        "{\"tags\":[\"a\"]}",
    };
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (agrees(other[i]))
            fail_msg("taken as flat: %s", other[i]);
}

TEST(more_keys_than_are_compared_are_left_to_the_tree)
{
    for (int n = 1; n < 40; n++) {
        char text[1000];
        size_t at = 0;
        for (int i = 0; i < n; i++)
            at +=
                (size_t)snprintf(text + at, sizeof text - at, "%c\"k%d\":%d", i ? ',' : '{', i, i);
        snprintf(text + at, sizeof text - at, "}");
        assert_int_equal(agrees(text), n <= 32);
    }
}

/* Bytes put together of what such messages are made of; most are no JSON. */
TEST(whatever_is_taken_as_flat_is_what_the_tree_gives)
{
    static const char *const pieces[] = {
        "{",         "}",           "\"", "\"id\"", "\"text\":",
        ":",         ",",           "\\", "\\n",    "\\u00e9",
        "1",         "-",           "0",  "\"a\"",  "null",
        "true",      " ",           "[",  "]",      "\"vector\":[1,2.5,-3]",
        "\"ts\":17", "\xe2\x82\xac"};
    uint64_t seed = test_seed();
    size_t n_flat = 0;
    for (int round = 0; round < 200000; round++) {
        char text[400];
        size_t at = 0, n = 1 + test_random(&seed) % 12;
        if (test_random(&seed) % 4)
            at = (size_t)snprintf(text, sizeof text, "{");
        for (size_t i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s",
                                   pieces[test_random(&seed) % (sizeof pieces / sizeof *pieces)]);
        if (test_random(&seed) % 4)
            snprintf(text + at, sizeof text - at, "}");
        n_flat += (size_t)agrees(text);
    }
    assert_true(n_flat > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_objects_are_flat),
        cmocka_unit_test(all_else_is_left_to_the_tree),
        cmocka_unit_test(more_keys_than_are_compared_are_left_to_the_tree),
        cmocka_unit_test(whatever_is_taken_as_flat_is_what_the_tree_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
