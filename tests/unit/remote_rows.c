/* The dialect of /v1/embeddings: what is asked, to the byte; each shape of an answer that is one;
 * each that is none, by its name. */
#include "test.h"

#include "base/bytes.h"
#include "remote/estimate.h"
#include "remote/refusal.h"
#include "remote/rows.h"

#include <math.h>

#define STR(text)                                                                                  \
    (eddy_str)                                                                                     \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

TEST(a_request_is_written_as_the_endpoint_wants_it)
{
    static const struct {
        struct ed_rows_dialect dialect;
        const char *tail;
    } asked[] = {{{0}, "\"encoding_format\":\"base64\"}"},
                 {{.floats = 1}, "\"encoding_format\":\"float\"}"},
                 {{.dimensions = 256}, "\"encoding_format\":\"base64\",\"dimensions\":256}"}};
    const eddy_str texts[] = {STR("Zwei \"Züge\"\n"), {NULL, 0}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct ed_bytes b, whole;
        ed_bytes_init(&b, 0);
        ed_bytes_init(&whole, 0);
        ed_rows_write(&b, "tiny", texts, 2, &asked[i].dialect);
        ed_bytes_printf(&whole, "{\"model\":\"tiny\",\"input\":[\"Zwei \\\"Züge\\\"\\n\",\"\"],%s",
                        asked[i].tail);
        assert_string_equal(b.at, whole.at);
        ed_bytes_clear(&b);
        ed_bytes_clear(&whole);
    }
}

/* ---- answers ---- */

#define ROW(index, values) "{\"index\":" #index ",\"embedding\":" values "}"
#define DATA(rows)         "{\"data\":[" rows "],\"usage\":{\"prompt_tokens\":9}}"

static struct ed_rows read_body(eddy_arena *arena, const char *body, size_t n)
{
    struct ed_rows rows;
    assert_int_equal(ed_rows_read((eddy_str){body, strlen(body)}, n, arena, &rows), EDDY_OK);
    return rows;
}

/* The vectors (3, 4) and (0, -2), in every shape that servers send them in. */
TEST(each_shape_of_an_answer_gives_the_same_rows)
{
    static const char *const shapes[] = {
        DATA(ROW(0, "[3, 4]") "," ROW(1, "[0, -2]")),
        DATA(ROW(1, "[0, -2.0]") "," ROW(0, "[3e0, 4]")),     /* in their own order */
        DATA("{\"embedding\":[3,4]},{\"embedding\":[0,-2]}"), /* in ours */
        DATA(ROW(0, "\"AABAQAAAgEA=\"") "," ROW(1, "\"AAAAAAAAAMA=\"")),
        DATA(ROW(0, "\"AABAQAAAgEA\"") "," ROW(1, "[0, -2]")), /* without padding; mixed */
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        eddy_arena *arena = eddy_arena_new(0);
        struct ed_rows r = read_body(arena, shapes[i], 2);
        assert_int_equal(r.fault, ED_ROWS_GOOD);
        assert_int_equal(r.dim, 2);
        assert_int_equal(r.n_bad, 0);
        assert_int_equal(r.tokens, 9);
        assert_true(fabsf(r.rows[0] - 0.6F) < 1e-6F && fabsf(r.rows[1] - 0.8F) < 1e-6F);
        assert_true(r.rows[2] == 0 && r.rows[3] == -1);
        eddy_arena_free(arena);
    }
}

TEST(rows_without_a_direction_are_bad_and_the_others_are_not)
{
    static const char *const bad[] = {"[0, 0]",           "[-0.0, 0]",       "[null, 1]",
                                      "[1e300, 1]",       "[1, 1e999]",      "\"AAAAAAAAAAA=\"",
                                      "\"AADAfwAAgEA=\"", "\"AACAfwAAgEA=\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[300];
        eddy_arena *arena = eddy_arena_new(0);
        snprintf(body, sizeof body, "{\"data\":[{\"embedding\":%s},{\"embedding\":[5,0]}]}",
                 bad[i]);
        struct ed_rows r = read_body(arena, body, 2);
        if (strstr(bad[i], "e999")) { /* no double holds it, so it is no JSON for us */
            assert_int_equal(r.fault, ED_ROWS_NOT_JSON);
        } else {
            assert_int_equal(r.fault, ED_ROWS_GOOD);
            assert_true(r.n_bad == 1 && r.bad[0] && !r.bad[1]);
            assert_true(r.rows[0] == 0 && r.rows[1] == 0 && r.rows[2] == 1);
        }
        eddy_arena_free(arena);
    }
}

TEST(what_is_no_answer_has_a_name)
{
    static const struct {
        const char *body;
        enum ed_rows_fault fault;
    } wrong[] = {
        {"", ED_ROWS_NOT_JSON},
        {"<html>Starting ...</html>", ED_ROWS_NOT_JSON},
        {"{\"data\":[{\"embedding\":[3,4]}", ED_ROWS_NOT_JSON},
        {DATA(ROW(0, "[NaN, 1]")), ED_ROWS_NOT_JSON},
        {"{\"data\":[],\"data\":[]}", ED_ROWS_NOT_JSON},
        {"[[3, 4], [0, 1]]", ED_ROWS_NO_LIST},
        {"{\"embeddings\":[[3,4],[0,1]]}", ED_ROWS_NO_LIST},
        {"{\"data\":{\"embedding\":[3,4]}}", ED_ROWS_NO_LIST},
        {"{\"data\":[[3,4],[0,1]]}", ED_ROWS_NO_LIST},
        {"{\"error\":{\"message\":\"no\"}}", ED_ROWS_NO_LIST},
        {DATA(""), ED_ROWS_COUNT},
        {DATA(ROW(0, "[3, 4]")), ED_ROWS_COUNT},
        {DATA(ROW(0, "[3, 4]") "," ROW(1, "[3, 4]") "," ROW(2, "[3, 4]")), ED_ROWS_COUNT},
        {DATA(ROW(0, "[3, 4]") "," ROW(0, "[0, 1]")), ED_ROWS_INDEX},
        {DATA(ROW(0, "[3, 4]") "," ROW(2, "[0, 1]")), ED_ROWS_INDEX},
        {DATA(ROW(-1, "[3, 4]") "," ROW(0, "[0, 1]")), ED_ROWS_INDEX},
        {DATA(ROW(0, "[3, 4]") ",{\"embedding\":[0,1]}"), ED_ROWS_INDEX},
        {DATA("{\"embedding\":[0,1]}," ROW(0, "[3, 4]")), ED_ROWS_INDEX},
        {DATA(ROW("0", "[3, 4]") "," ROW(1, "[0, 1]")), ED_ROWS_INDEX},
        {DATA(ROW(0, "[[3, 4], [1, 2]]") "," ROW(1, "[[0, 1], [1, 2]]")), ED_ROWS_NESTED},
        {DATA(ROW(0, "null") "," ROW(1, "[0, 1]")), ED_ROWS_SHAPE},
        {DATA(ROW(0, "[3, \"4\"]") "," ROW(1, "[0, 1]")), ED_ROWS_SHAPE},
        {DATA(ROW(0, "[3, 4]") "," ROW(1, "{}")), ED_ROWS_SHAPE},
        {DATA(ROW(0, "\"AABAQ!AAgEA=\"") "," ROW(1, "[0, 1]")), ED_ROWS_SHAPE},
        {DATA(ROW(0, "\"AABAQAAAgEA=\"") "," ROW(1, "\"AABAQAAAgE =\"")), ED_ROWS_SHAPE},
        {DATA(ROW(0, "[]") "," ROW(1, "[]")), ED_ROWS_LENGTH},
        {DATA(ROW(0, "\"\"") "," ROW(1, "\"\"")), ED_ROWS_LENGTH},
        {DATA(ROW(0, "\"AAA\"") "," ROW(1, "\"AAA\"")), ED_ROWS_LENGTH}, /* half a number */
        {DATA(ROW(0, "[3, 4]") "," ROW(1, "[1, 2, 3]")), ED_ROWS_LENGTH},
        {DATA(ROW(0, "[3, 4]") "," ROW(1, "\"AABAQA==\"")), ED_ROWS_LENGTH},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        eddy_arena *arena = eddy_arena_new(0);
        struct ed_rows r = read_body(arena, wrong[i].body, 2);
        if (r.fault != wrong[i].fault)
            fail_msg("%s: %s, not: %s", wrong[i].body, ed_rows_fault_text(r.fault),
                     ed_rows_fault_text(wrong[i].fault));
        eddy_arena_free(arena);
    }
}

TEST(no_vector_is_longer_than_any_model_has)
{
    for (size_t n = ED_ROWS_DIM_MAX; n <= ED_ROWS_DIM_MAX + 1; n++) {
        struct ed_bytes b;
        eddy_arena *arena = eddy_arena_new(0);
        ed_bytes_init(&b, 0);
        ed_bytes_add_str(&b, "{\"data\":[{\"embedding\":[1");
        for (size_t i = 1; i < n; i++)
            ed_bytes_add_str(&b, ",1");
        ed_bytes_add_str(&b, "]}]}");
        struct ed_rows r = read_body(arena, b.at, 1);
        assert_int_equal(r.fault, n > ED_ROWS_DIM_MAX ? ED_ROWS_LENGTH : ED_ROWS_GOOD);
        ed_bytes_clear(&b);
        eddy_arena_free(arena);
    }
}

/* What is written in base64 is read back to the bit, whatever the length. */
TEST(base64_brings_every_float_back)
{
    uint64_t chance = test_seed();
    for (size_t dim = 1; dim < 70; dim++) {
        float row[70];
        double sum = 0;
        char body[600] = "{\"data\":[{\"embedding\":\"";
        static const char digits[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        unsigned char bytes[4 * 70 + 2] = {0};
        for (size_t i = 0; i < dim; i++) {
            row[i] = (float)((double)(test_random(&chance) % 2001) - 1000) / 512;
            row[i] += row[i] == 0;
            sum += (double)row[i] * row[i];
            uint32_t word;
            memcpy(&word, &row[i], 4);
            for (size_t k = 0; k < 4; k++)
                bytes[4 * i + k] = (unsigned char)(word >> 8 * k);
        }
        char *at = body + strlen(body);
        for (size_t i = 0; i < 4 * dim; i += 3) {
            unsigned word = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
            for (size_t k = 0; k < 4; k++)
                *at++ = k <= 4 * dim - i ? digits[word >> (18 - 6 * k) & 63] : '=';
        }
        strcpy(at, "\"}]}");
        eddy_arena *arena = eddy_arena_new(0);
        struct ed_rows r = read_body(arena, body, 1);
        assert_int_equal(r.fault, ED_ROWS_GOOD);
        assert_int_equal(r.dim, dim);
        for (size_t i = 0; i < dim; i++)
            assert_true(r.rows[i] == (float)((double)row[i] * (1 / sqrt(sum))));
        eddy_arena_free(arena);
    }
}

TEST(an_answer_survives_any_lost_allocation)
{
    static const char body[] = DATA(ROW(0, "[3, 4]") "," ROW(1, "[0, 1]"));
    EACH_ALLOC_FAILS (k) {
        eddy_arena *arena = eddy_arena_new(0);
        struct ed_rows r = {0};
        eddy_status st = arena ? ed_rows_read(STR(body), 2, arena, &r) : EDDY_NOMEM;
        assert_true(st == EDDY_NOMEM || (st == EDDY_OK && r.fault == ED_ROWS_GOOD));
        eddy_arena_free(arena);
    }
}

/* ---- estimates ---- */

TEST(tokens_are_estimated_by_the_kinds_of_characters)
{
    static const struct {
        const char *text;
        size_t tokens;
    } texts[] = {{"", 0},
                 {"a", 1},
                 {"Two trains collided", 4}, /* 1 + 1 + 1 1/3, rounded up */
                 {"2031-05", 4},
                 {"\xd0\xbf\xd0\xbe\xd0\xb5\xd0\xb7\xd0\xb4", 3}, /* five Cyrillic letters */
                 {"\xe5\xb1\xb1\xe7\x81\xab", 2},
                 {"\xf0\x9f\x94\xa5", 2}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(ed_estimate_tokens((eddy_str){texts[i].text, strlen(texts[i].text)}),
                         texts[i].tokens);
}

TEST(a_cut_has_as_many_tokens_as_fit_and_ends_with_a_whole_character)
{
    static const char text[] =
        "fire \xe5\xb1\xb1\xe7\x81\xab \xf0\x9f\x94\xa5, \xc3\xa4\xc3\xb6 end";
    size_t all = ed_estimate_tokens(STR(text)), before = 0;
    for (size_t max = 0; max <= all + 1; max++) {
        eddy_str cut = ed_estimate_cut(STR(text), max);
        assert_true(ed_estimate_tokens(cut) <= max && cut.n >= before);
        assert_true(cut.n == sizeof text - 1 || ((unsigned char)text[cut.n] & 0xc0) != 0x80);
        before = cut.n;
    }
    assert_int_equal(before, sizeof text - 1);
}

/* ---- complaints ---- */

TEST(a_complaint_that_repeats_what_was_sent_is_not_quoted)
{
    static const struct {
        const char *said;
        int quoted;
    } said[] = {{"the model is not loaded", 1},
                {"cannot read: fire in the old town", 0}, /* the whole of a short text */
                {"cannot read: fire in the old", 1},
                {"bad: hot and dry weather for", 0},
                {"bad key sk-17", 0}};
    const eddy_str sent[] = {STR("fire in the old town"),
                             STR("a week of hot and dry weather for all")};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        char body[200];
        eddy_arena *arena = eddy_arena_new(0);
        int n = snprintf(body, sizeof body, "{\"error\": {\"message\": \"%s\"}}", said[i].said);
        const struct ed_http_reply r = {.cause = ED_HTTP_REFUSED,
                                        .status = 400,
                                        .detail = "http://x: HTTP status 400",
                                        .body = {body, (size_t)n}};
        eddy_str text = ed_refusal_text(&r, "sk-17", sent, 2, arena);
        assert_int_equal(strstr(text.at, said[i].said) != NULL, said[i].quoted);
        assert_non_null(strstr(text.at, "status 400: it does not understand"));
        eddy_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_written_as_the_endpoint_wants_it),
        cmocka_unit_test(each_shape_of_an_answer_gives_the_same_rows),
        cmocka_unit_test(rows_without_a_direction_are_bad_and_the_others_are_not),
        cmocka_unit_test(what_is_no_answer_has_a_name),
        cmocka_unit_test(no_vector_is_longer_than_any_model_has),
        cmocka_unit_test(base64_brings_every_float_back),
        cmocka_unit_test(an_answer_survives_any_lost_allocation),
        cmocka_unit_test(tokens_are_estimated_by_the_kinds_of_characters),
        cmocka_unit_test(a_cut_has_as_many_tokens_as_fit_and_ends_with_a_whole_character),
        cmocka_unit_test(a_complaint_that_repeats_what_was_sent_is_not_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
