/* Messages: each becomes a document, or is rejected with the reason that it has. */
#include "test.h"

#include <eddy/doc.h>

#include "base/vector.h"

#include <math.h>

static const eddy_position here = {"news", 3, 42};

/* One message in, all of the answer out. */
struct answer {
    eddy_doc doc;
    eddy_reject reject;
    char detail[200];
};

static struct answer parse(const eddy_parser *parser, const char *bytes, size_t n,
                           eddy_arena *arena)
{
    struct answer ret = {.reject = EDDY_REJECTS};
    eddy_error err = {0};
    eddy_raw raw = {.bytes = bytes,
                    .n = n,
                    .broker_ms = 1700000000000,
                    .arrival_ms = 1800000000000,
                    .position = here};
    CHECK_OK(eddy_parser_parse(parser, &raw, arena, &ret.doc, &ret.reject, ret.detail,
                               sizeof ret.detail, &err),
             &err);
    return ret;
}

static eddy_parser *parser_of(const eddy_parse_options *options)
{
    eddy_parser *parser = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_parser_new(options, &parser, &err), &err);
    return parser;
}

static eddy_parse_options with_vectors(void)
{
    eddy_parse_options o;
    eddy_parse_options_init(&o);
    o.ahead_max_ms = 0; /* the messages are set in the future */
    o.group_path = "/meta/tenant";
    o.dense_path = "/vectors/0";
    o.dense_dim = 2;
    o.n_extra = 2;
    o.extra_path[1] = "/image";
    o.extra_dim[1] = 3;
    return o;
}

static char *repeated(const char *unit, size_t times)
{
    size_t n = strlen(unit);
    char *text = malloc(n * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * n, unit, n);
    text[n * times] = 0;
    return text;
}

#define BYTES(literal) literal, sizeof literal - 1

TEST(an_id_that_no_message_key_can_hold_is_refused)
{
    eddy_parse_options o;
    eddy_parse_options_init(&o);
    eddy_parser *parser = parser_of(&o);
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t n = 1024; n <= 1025; n++) {
        char *id = repeated("x", n);
        char *text = malloc(n + 64);
        int bytes = sprintf(text, "{\"id\":\"%s\",\"text\":\"a word\"}", id);
        struct answer a = parse(parser, text, (size_t)bytes, arena);
        assert_int_equal(a.reject, n == 1024 ? EDDY_ACCEPTED : EDDY_REJECT_SHAPE);
        if (n == 1025)
            assert_string_equal(a.detail, "/id has 1025 bytes, an id may have 1024");
        free(text);
        free(id);
    }
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(keyphrases_are_a_text_or_a_list_of_texts)
{
    static const struct {
        const char *value, *phrases;
        eddy_reject reject;
    } cases[] = {{"\"crane collapse, harbour\"", "crane collapse, harbour", EDDY_ACCEPTED},
                 {"[\"crane <b>collapse</b>\", \" \", \"harbour\"]", "crane collapse, harbour",
                  EDDY_ACCEPTED},
                 {"[]", "", EDDY_ACCEPTED},
                 {"null", "", EDDY_ACCEPTED},
                 {"7", "", EDDY_REJECT_SHAPE},
                 {"[\"crane\", 7]", "", EDDY_REJECT_SHAPE}};
    eddy_parse_options o;
    eddy_parse_options_init(&o);
    o.keyphrases_path = "/phrases";
    eddy_parser *parser = parser_of(&o);
    eddy_arena *arena = eddy_arena_new(0);
    char text[6000];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int n = sprintf(text, "{\"text\":\"a word\",\"phrases\":%s}", cases[i].value);
        struct answer a = parse(parser, text, (size_t)n, arena);
        assert_int_equal(a.reject, cases[i].reject);
        if (a.reject == EDDY_ACCEPTED)
            assert_string_equal(a.doc.keyphrases.n ? a.doc.keyphrases.at : "", cases[i].phrases);
    }
    char *many =
        repeated("\"a long phrase of many letters\",", 150); /* what is too much is cut off */
    int n = sprintf(text, "{\"text\":\"a word\",\"phrases\":[%s\"x\"]}", many);
    struct answer a = parse(parser, text, (size_t)n, arena);
    assert_int_equal(a.reject, EDDY_ACCEPTED);
    assert_int_equal(a.doc.keyphrases.n, 2000);
    memset(many, 'y', 3000);
    n = sprintf(text, "{\"text\":\"a word\",\"phrases\":\"%.3000s\"}", many);
    a = parse(parser, text, (size_t)n, arena);
    assert_int_equal(a.doc.keyphrases.n, 2000);
    free(many);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(a_time_far_beyond_the_brokers_is_not_believed)
{
    eddy_parse_options o;
    eddy_parse_options_init(&o);
    eddy_parser *parser = parser_of(&o);
    eddy_arena *arena = eddy_arena_new(0);
    static const char near[] = "{\"text\":\"a word\",\"ts\":1700086400000}"; /* a day ahead */
    static const char far[] = "{\"text\":\"a word\",\"ts\":1700086400001}";
    struct answer a = parse(parser, BYTES(near), arena);
    assert_true(a.doc.time_ms == 1700086400000 && !a.doc.time_unreadable);
    a = parse(parser, BYTES(far), arena);
    assert_true(a.doc.time_ms == 1700000000000 && a.doc.time_unreadable);
    assert_int_equal(a.doc.time_from, EDDY_TIME_BROKER);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(poison_is_rejected_with_its_reason)
{
    char *deep = repeated("[", 1000000), *deep_keys = repeated("{\"a\":", 1000000);
    char *large = repeated("x", ((size_t)1 << 20) + 1);
    const struct {
        const char *bytes;
        size_t n;
        eddy_reject reject;
    } cases[] = {
        {NULL, 0, EDDY_REJECT_TOMBSTONE},
        {BYTES(""), EDDY_REJECT_JSON},
        {BYTES(" \n"), EDDY_REJECT_JSON},
        {BYTES("\xEF\xBB\xBF"), EDDY_REJECT_JSON},
        {BYTES("{"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\"} {\"text\":\"b\"}"), EDDY_REJECT_JSON},
        {BYTES("{'text':'a'}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\",}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\nb\"}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\",\"x\":NaN}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\",\"text\":\"b\"}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\",\"x\":{\"y\":1,\"y\":2}}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\\u0000b\"}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\0b\"}"), EDDY_REJECT_JSON},
        {BYTES("{\"te\\u0000xt\":\"a\"}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"\\ud83d\"}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"\\ude00 \\ud83d\"}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\",\"n\":123456789012345678901234567890}"), EDDY_REJECT_JSON},
        {BYTES("{\"text\":\"a\",\"n\":1e999}"), EDDY_REJECT_JSON},
        {deep, 1000000, EDDY_REJECT_JSON},
        {deep_keys, 1000000, EDDY_REJECT_JSON},
        {large, ((size_t)1 << 20) + 1, EDDY_REJECT_OVERSIZE},
        {BYTES("{\"text\":\"caf\xE9\"}"), EDDY_REJECT_UTF8},
        {BYTES("{\"text\":\"\xED\xA0\x80\"}"), EDDY_REJECT_UTF8},
        {BYTES("{\"text\":\"\xC0\xAF\"}"), EDDY_REJECT_UTF8},
        {BYTES("\xFF\xFE{\0\"\0t\0"), EDDY_REJECT_UTF8},
        {BYTES("\0\0\0\1\2rest"), EDDY_REJECT_REGISTRY},
        {BYTES("\0\1\2"), EDDY_REJECT_JSON},
        {BYTES("[]"), EDDY_REJECT_SHAPE},
        {BYTES("\"text\""), EDDY_REJECT_SHAPE},
        {BYTES("42"), EDDY_REJECT_SHAPE},
        {BYTES("null"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":1}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":[\"a\"]}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":\"a\",\"title\":true}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":\"a\",\"id\":1.5}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":\"a\",\"id\":{}}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":\"a\",\"ts\":false}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":\"a\",\"lang\":[]}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":\"a\",\"meta\":{\"tenant\":{}}}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":\"a\",\"image\":\"AAAA\"}"), EDDY_REJECT_SHAPE},
        {BYTES("{\"text\":\"a\",\"image\":[1,2,null]}"), EDDY_REJECT_SHAPE},
        {BYTES("{}"), EDDY_REJECT_TEXT},
        {BYTES("{\"text\":\"\"}"), EDDY_REJECT_TEXT},
        {BYTES("{\"text\":null,\"title\":null}"), EDDY_REJECT_TEXT},
        {BYTES("{\"text\":\" <br/>&nbsp;\\u200b \",\"title\":\"\\t\"}"), EDDY_REJECT_TEXT},
        {BYTES("{\"message\":\"in another field\"}"), EDDY_REJECT_TEXT},
        {BYTES("{\"text\":\"a\",\"vectors\":[[1]]}"), EDDY_REJECT_VECTOR},
        {BYTES("{\"text\":\"a\",\"vectors\":[[1,2,3]]}"), EDDY_REJECT_VECTOR},
        {BYTES("{\"text\":\"a\",\"vectors\":[[]]}"), EDDY_REJECT_VECTOR},
        {BYTES("{\"text\":\"a\",\"vectors\":[[0,-0.0]]}"), EDDY_REJECT_VECTOR},
        {BYTES("{\"text\":\"a\",\"vectors\":[[1e-300,0]]}"), EDDY_REJECT_VECTOR},
        {BYTES("{\"text\":\"a\",\"vectors\":[[1e39,0]]}"), EDDY_REJECT_VECTOR},
    };
    eddy_parse_options options = with_vectors();
    eddy_parser *parser = parser_of(&options);
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer a = parse(parser, cases[i].bytes, cases[i].n, arena);
        if (a.reject != cases[i].reject || !*a.detail)
            fail_msg("\"%.60s\": %s (%s)", cases[i].bytes ? cases[i].bytes : "(null)",
                     eddy_reject_code(a.reject), a.detail);
        eddy_arena_reset(arena);
    }
    eddy_arena_free(arena);
    eddy_parser_free(parser);
    free(deep);
    free(deep_keys);
    free(large);
}

TEST(a_detail_names_the_place_and_not_the_text)
{
    static const struct {
        const char *message, *detail;
    } cases[] = {
        {"{\"text\":{\"secret\":1}}", "/text is an object where a string is expected"},
        {"{\"text\":\"a\",\"meta\":{\"tenant\":1.25}}",
         "/meta/tenant is a fractional number where a string or an integer is expected"},
        {"{\"text\":\"a\",\"vectors\":[[1,2,3]]}", "/vectors/0 has 3 numbers where 2 are expected"},
        {"{\"text\":\"a\",\"image\":[1,2,\"secret\"]}",
         "/image/2 is a string where a number is expected"},
        {"{\"text\":\"a\"\n  secret", "not JSON, at line 2, byte 20"},
        {"{\"secret\":1,\"secret\":2}", "a key twice, at line 1, byte 20"},
        {"[\"secret\"]", "an array where an object is expected"},
        {"{\"secret\":\"\xFF\"}", "byte 11 of 14 is not UTF-8"},
    };
    eddy_parse_options options = with_vectors();
    eddy_parser *parser = parser_of(&options);
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer a = parse(parser, cases[i].message, strlen(cases[i].message), arena);
        assert_string_equal(a.detail, cases[i].detail);
    }
    eddy_raw raw = {.bytes = "[", .n = 1};
    eddy_reject reject;
    eddy_doc doc;
    char small[5] = "....";
    assert_int_equal(eddy_parser_parse(parser, &raw, arena, &doc, &reject, small, 5, NULL),
                     EDDY_OK);
    assert_string_equal(small, "ends");
    assert_int_equal(eddy_parser_parse(parser, &raw, arena, &doc, &reject, NULL, 0, NULL), EDDY_OK);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(every_reason_has_its_code)
{
    static const char *const codes[EDDY_REJECTS] = {
        "accepted",  "tombstone", "oversize",   "invalid_utf8",    "bad_json",
        "bad_shape", "no_text",   "bad_vector", "schema_registry", "not_embedded"};
    for (int i = 0; i < EDDY_REJECTS; i++)
        assert_string_equal(eddy_reject_code((eddy_reject)i), codes[i]);
}

TEST(every_field_arrives)
{
    static const char message[] =
        "{\"id\":\"n-1\",\"ts\":\"2031-05-14T08:30:00+02:00\",\"title\":\" Fire &amp; smoke\","
        "\"text\":\"<p>A warehouse burns.</p>\",\"lang\":\"eng\",\"source\":\"wire\","
        "\"meta\":{\"tenant\":7},\"vectors\":[[3,-4]],\"image\":[0,0,1e-30]}";
    eddy_parse_options options = with_vectors();
    eddy_parser *parser = parser_of(&options);
    eddy_arena *arena = eddy_arena_new(0);
    struct answer a = parse(parser, BYTES(message), arena);
    assert_int_equal(a.reject, EDDY_ACCEPTED);
    assert_string_equal(a.doc.id.at, "n-1");
    assert_string_equal(a.doc.title.at, "Fire & smoke");
    assert_string_equal(a.doc.text.at, "A warehouse burns.");
    assert_string_equal(a.doc.language.at, "eng");
    assert_string_equal(a.doc.source.at, "wire");
    assert_string_equal(a.doc.group.at, "7");
    assert_int_equal(a.doc.time_ms, 1936506600000);
    assert_int_equal(a.doc.time_from, EDDY_TIME_DOCUMENT);
    assert_false(a.doc.time_unreadable);
    assert_true(a.doc.dense[0] == 0.6f && a.doc.dense[1] == -0.8f);
    assert_int_equal((uintptr_t)a.doc.dense % 64, 0);
    assert_null(a.doc.extra[0]);
    assert_true(fabs(ed_norm(a.doc.extra[1], 3) - 1) < 1e-6);
    assert_string_equal(a.doc.position.topic, "news");
    assert_int_equal(a.doc.position.offset, 42);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(what_a_message_lacks_is_filled_in)
{
    eddy_parse_options options = with_vectors();
    eddy_parser *parser = parser_of(&options);
    eddy_arena *arena = eddy_arena_new(0);
    struct answer a = parse(parser, BYTES("{\"text\":\"a\",\"id\":null,\"ts\":null}"), arena);
    assert_string_equal(a.doc.id.at, "news-3-42");
    assert_int_equal(a.doc.time_from, EDDY_TIME_BROKER);
    assert_int_equal(a.doc.time_ms, 1700000000000);
    assert_false(a.doc.time_unreadable);
    assert_null(a.doc.title.at);

    a = parse(parser, BYTES("\xEF\xBB\xBF{\"text\":\"a\",\"id\":\"\",\"ts\":\"soon\"}"), arena);
    assert_string_equal(a.doc.id.at, "news-3-42");
    assert_int_equal(a.doc.time_from, EDDY_TIME_BROKER);
    assert_true(a.doc.time_unreadable);

    a = parse(parser, BYTES("{\"id\":-9007199254740993,\"vectors\":[[1,0]],\"ts\":-5}"), arena);
    assert_int_equal(a.reject, EDDY_ACCEPTED);
    assert_string_equal(a.doc.id.at, "-9007199254740993");
    assert_int_equal(a.doc.text.n, 0);
    assert_true(a.doc.time_unreadable);

    eddy_raw raw = {.bytes = "{\"title\":\"only\"}",
                    .n = 16,
                    .broker_ms = -1,
                    .arrival_ms = 99,
                    .position = {NULL, 0, 7}};
    assert_int_equal(eddy_parser_parse(parser, &raw, arena, &a.doc, &a.reject, a.detail, 0, NULL),
                     EDDY_OK);
    assert_string_equal(a.doc.id.at, "-0-7");
    assert_int_equal(a.doc.time_from, EDDY_TIME_ARRIVAL);
    assert_int_equal(a.doc.time_ms, 99);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(long_labels_are_cut_between_characters)
{
    eddy_parse_options options = with_vectors();
    eddy_parser *parser = parser_of(&options);
    eddy_arena *arena = eddy_arena_new(0);
    char *euros = repeated("\u20AC", 100); /* 300 bytes; 85 of 3 fit into 256 */
    char message[2000];
    int n = snprintf(message, sizeof message, "{\"text\":\"a\",\"source\":\"%s\",\"id\":\"%s\"}",
                     euros, euros);
    struct answer a = parse(parser, message, (size_t)n, arena);
    assert_int_equal(a.doc.source.n, 255);
    assert_int_equal(a.doc.id.n, 300);
    free(euros);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(pointers_follow_their_standard)
{
    static const struct {
        const char *path, *found; /* NULL: nothing there */
    } cases[] = {
        {"/a~1b", "slash"},    {"/m~0n", "tilde"},
        {"/list/1", "one"},    {"/list/01", NULL},
        {"/list/-", NULL},     {"/list/2", NULL},
        {"/list/x", NULL},     {"/deep/0/k", "kept"},
        {"/deep/0/k/x", NULL}, {"/", "empty"},
        {"/~01", "escapes"},   {"/sp ace", "blank"},
        {"/list/", NULL},      {"/deep//k", NULL},
        {"/num/0", "key"},     {"/list/99999999999999999999", NULL},
    };
    static const char message[] =
        "{\"a/b\":\"slash\",\"m~n\":\"tilde\",\"list\":[\"zero\",\"one\"],"
        "\"deep\":[{\"k\":\"kept\"}],\"\":\"empty\",\"~1\":\"escapes\",\"sp ace\":\"blank\","
        "\"num\":{\"0\":\"key\"}}";
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eddy_parse_options options;
        eddy_parse_options_init(&options);
        options.text_path = cases[i].path;
        eddy_parser *parser = parser_of(&options);
        struct answer a = parse(parser, BYTES(message), arena);
        if (cases[i].found)
            assert_string_equal(a.doc.text.at, cases[i].found);
        else
            assert_int_equal(a.reject, EDDY_REJECT_TEXT);
        eddy_parser_free(parser);
    }
    eddy_arena_free(arena);
}

static void check_refused(const eddy_parse_options *options, const char *named)
{
    eddy_parser *parser = NULL;
    eddy_error err = {0};
    assert_int_equal(eddy_parser_new(options, &parser, &err), EDDY_INVALID);
    assert_null(parser);
    if (!strstr(err.text, named))
        fail_msg("\"%s\" does not name \"%s\"", err.text, named);
}

TEST(wrong_options_are_refused_by_name)
{
    eddy_parse_options o = with_vectors();
    o.text_path = "text";
    check_refused(&o, "text path: \"text\"");
    o.text_path = "/te~2xt";
    check_refused(&o, "/te~2xt");
    o.text_path = "/text~";
    check_refused(&o, "/text~");
    o = with_vectors();
    o.dense_dim = 0;
    check_refused(&o, "/vectors/0");
    o = with_vectors();
    o.extra_dim[1] = 0;
    check_refused(&o, "/image");
    o = with_vectors();
    o.n_extra = EDDY_EXTRA_MAX + 1;
    check_refused(&o, "5 extra");
    o = with_vectors();
    o.document_max = 0;
    check_refused(&o, "document_max");
}

TEST(lines_are_texts)
{
    eddy_parse_options options;
    eddy_parse_options_init(&options);
    options.format = EDDY_FORMAT_LINES;
    options.document_max = 100;
    eddy_parser *parser = parser_of(&options);
    eddy_arena *arena = eddy_arena_new(0);
    struct answer a =
        parse(parser, BYTES("\xEF\xBB\xBF\033[31mERROR\033[0m <b> &amp;\tdisk\r\n"), arena);
    assert_int_equal(a.reject, EDDY_ACCEPTED);
    assert_string_equal(a.doc.text.at, "ERROR <b> &amp; disk");
    assert_string_equal(a.doc.id.at, "news-3-42");
    assert_string_equal(parse(parser, BYTES("\0\0\0\0\1binary\0"), arena).doc.text.at, "binary");
    assert_string_equal(parse(parser, BYTES("{\"text\":\"a\"}"), arena).doc.text.at,
                        "{\"text\":\"a\"}");
    assert_int_equal(parse(parser, BYTES(""), arena).reject, EDDY_REJECT_TEXT);
    assert_int_equal(parse(parser, BYTES(" \r\n\0"), arena).reject, EDDY_REJECT_TEXT);
    assert_int_equal(parse(parser, BYTES("caf\xE9"), arena).reject, EDDY_REJECT_UTF8);
    assert_int_equal(parse(parser, NULL, 0, arena).reject, EDDY_REJECT_TOMBSTONE);
    char *large = repeated("x", 101);
    assert_int_equal(parse(parser, large, 101, arena).reject, EDDY_REJECT_OVERSIZE);
    assert_int_equal(parse(parser, large, 100, arena).reject, EDDY_ACCEPTED);
    free(large);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

/* Messages made of pieces of good ones: some are accepted, none is neither. */
/* Times, sources and vectors may differ; ids, titles and texts may not. */
TEST(two_deliveries_of_a_document_are_the_same)
{
    static const char *const messages[] = {
        "{\"id\":\"a\",\"title\":\"T\",\"text\":\"one two\",\"ts\":1700000000}",
        "{\"text\":\"one  two\",\"id\":\"a\",\"title\":\"T\",\"ts\":1700000060,\"source\":\"s\"}",
        "{\"id\":\"a\",\"title\":\"T\",\"text\":\"one three\"}", /* an update */
        "{\"id\":\"b\",\"title\":\"T\",\"text\":\"one two\"}",
        "{\"id\":\"a\",\"text\":\"T one two\"}",
        "{\"title\":\"T\",\"text\":\"one two\"}", /* no id of its own: never a duplicate */
        "{\"id\":\"a\",\"vectors\":[[1,0]]}",     /* no text to be known by */
    };
    enum { N = sizeof messages / sizeof *messages };
    eddy_parse_options o = with_vectors();
    eddy_parser *parser = parser_of(&o);
    eddy_arena *arena = eddy_arena_new(0);
    uint64_t same[N];
    for (size_t i = 0; i < N; i++) {
        struct answer a = parse(parser, messages[i], strlen(messages[i]), arena);
        assert_int_equal(a.reject, EDDY_ACCEPTED);
        same[i] = eddy_doc_same(&a.doc);
    }
    assert_true(same[0] && same[0] == same[1]);
    for (size_t i = 2; i < 5; i++)
        for (size_t j = i == 2 ? 0 : i - 1; j < i; j++)
            assert_true(same[i] && same[i] != same[j] && same[i] != same[0]);
    assert_true(!same[5] && !same[6]);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(random_messages_are_accepted_or_have_a_reason)
{
    static const char *const pieces[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "\"",
                                         "\"text\":",
                                         "\"a\"",
                                         "\"id\":",
                                         "\"ts\":",
                                         "12",
                                         "-1e5",
                                         "null",
                                         "true",
                                         "\\u",
                                         "d83d",
                                         "\\",
                                         "\xC3",
                                         "\xA9",
                                         "\"vectors\":",
                                         "[[1,2]]",
                                         "\"image\":[1,2,3]",
                                         "\"title\":\"<b>x</b>\"",
                                         " ",
                                         "\xEF\xBB\xBF"};
    uint64_t seed = test_seed();
    size_t seen[EDDY_REJECTS] = {0};
    eddy_parse_options options = with_vectors();
    eddy_parser *parser = parser_of(&options);
    eddy_arena *arena = eddy_arena_new(0);
    for (int i = 0; i < 200000; i++) {
        char bytes[400];
        size_t n = 0;
        int framed = i % 2; /* half of them are likely to be objects */
        if (framed)
            bytes[n++] = '{';
        for (size_t k = test_random(&seed) % 8; k > 0; k--) {
            uint64_t pick = test_random(&seed);
            const char *piece = pieces[pick % (sizeof pieces / sizeof *pieces)];
            if (pick >> 60 == 0) {
                bytes[n++] = (char)(pick >> 40);
                continue;
            }
            memcpy(bytes + n, piece, strlen(piece));
            n += strlen(piece);
        }
        if (framed)
            bytes[n++] = '}';
        struct answer a = parse(parser, bytes, n, arena);
        assert_true(a.reject < EDDY_REJECTS);
        assert_true(a.reject == EDDY_ACCEPTED ? a.doc.id.n > 0 : *a.detail != 0);
        seen[a.reject]++;
        eddy_arena_reset(arena);
    }
    assert_true(seen[EDDY_ACCEPTED] && seen[EDDY_REJECT_JSON] && seen[EDDY_REJECT_UTF8]);
    eddy_arena_free(arena);
    eddy_parser_free(parser);
}

TEST(a_full_arena_is_no_memory_and_decides_nothing)
{
    static const char message[] = "{\"text\":\"some words\",\"title\":\"a\",\"vectors\":[[1,2]]}";
    eddy_parse_options options = with_vectors();
    eddy_parser *parser = parser_of(&options);
    eddy_raw raw = {.bytes = message, .n = sizeof message - 1, .position = here};
    int accepted = 0;
    for (size_t room = 1; !accepted; room++) {
        eddy_arena *arena = eddy_arena_new(room);
        eddy_doc doc = {.time_ms = -7};
        eddy_reject reject = EDDY_REJECTS;
        eddy_status st = eddy_parser_parse(parser, &raw, arena, &doc, &reject, NULL, 0, NULL);
        accepted = st == EDDY_OK;
        assert_true(accepted ? reject == EDDY_ACCEPTED
                             : st == EDDY_NOMEM && reject == EDDY_REJECTS && doc.time_ms == -7);
        assert_true(room < 1000);
        eddy_arena_free(arena);
    }
    eddy_parser_free(parser);
}

TEST(parsing_survives_any_lost_allocation)
{
    static const char message[] =
        "{\"id\":7,\"text\":\"<p>caf&eacute; e\u0301</p>\",\"title\":\"a\",\"lang\":\"eng\","
        "\"source\":\"s\",\"meta\":{\"tenant\":\"t\"},\"vectors\":[[1,2]],\"image\":[1,2,3]}";
    EACH_ALLOC_FAILS (k) {
        eddy_parse_options options = with_vectors();
        eddy_parser *parser = NULL;
        eddy_arena *arena = eddy_arena_new(0);
        eddy_status st = eddy_parser_new(&options, &parser, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !parser));
        if (arena && parser) {
            eddy_raw raw = {.bytes = message, .n = sizeof message - 1, .position = here};
            eddy_doc doc = {.time_ms = -7};
            eddy_reject reject = EDDY_REJECTS;
            st = eddy_parser_parse(parser, &raw, arena, &doc, &reject, NULL, 0, NULL);
            assert_true(st == EDDY_OK ? reject == EDDY_ACCEPTED
                                      : st == EDDY_NOMEM && doc.time_ms == -7);
        }
        eddy_parser_free(parser);
        eddy_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_that_no_message_key_can_hold_is_refused),
        cmocka_unit_test(keyphrases_are_a_text_or_a_list_of_texts),
        cmocka_unit_test(a_time_far_beyond_the_brokers_is_not_believed),
        cmocka_unit_test(poison_is_rejected_with_its_reason),
        cmocka_unit_test(a_detail_names_the_place_and_not_the_text),
        cmocka_unit_test(every_reason_has_its_code),
        cmocka_unit_test(every_field_arrives),
        cmocka_unit_test(what_a_message_lacks_is_filled_in),
        cmocka_unit_test(long_labels_are_cut_between_characters),
        cmocka_unit_test(pointers_follow_their_standard),
        cmocka_unit_test(wrong_options_are_refused_by_name),
        cmocka_unit_test(lines_are_texts),
        cmocka_unit_test(two_deliveries_of_a_document_are_the_same),
        cmocka_unit_test(random_messages_are_accepted_or_have_a_reason),
        cmocka_unit_test(a_full_arena_is_no_memory_and_decides_nothing),
        cmocka_unit_test(parsing_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
