/* Control messages: what is an order, and what is refused and why. */
#include "test.h"

#include "parse/control.h"

static eddy_arena *arena;

static eddy_reject parse(const char *text, struct ed_order *ret, char detail[256])
{
    eddy_error err = {0};
    eddy_reject reject = EDDY_REJECTS;
    CHECK_OK(
        ed_control_parse(text, text ? strlen(text) : 0, arena, ret, &reject, detail, 256, &err),
        &err);
    return reject;
}

TEST(each_operation_is_read_with_all_that_it_has)
{
    struct ed_order o;
    char detail[256];
    const eddy_operation *op = &o.operation;
    assert_int_equal(
        parse("{\"operation\":\"merge\",\"event\":\"E12\",\"into\":\"E3\",\"version\":7,"
              "\"into_version\":2,\"id\":\"r1\",\"who\":\"anna\",\"reason\":\"same\","
              "\"groups\":null}",
              &o, detail),
        EDDY_ACCEPTED);
    assert_int_equal(op->kind, EDDY_OPERATION_MERGE);
    assert_true(op->event == 12 && op->other == 3 && op->event_version == 7 &&
                op->other_version == 2);
    assert_int_equal(op->actor, EDDY_PERSON);
    assert_string_equal(o.id.at, "r1");
    assert_string_equal(o.who.at, "anna");
    assert_string_equal(op->evidence.at, "same");
    assert_true(!o.timed && !o.pass && !o.refused);

    assert_int_equal(parse("{\"operation\":\"move\",\"event\":\"E1\",\"into\":\"E2\",\"groups\":"
                           "[\"G4\",\"G4611686018427387903\"],\"actor\":\"llm\",\"position\":9}",
                           &o, detail),
                     EDDY_ACCEPTED);
    assert_true(op->n_groups == 2 && op->groups[0] == 4 && op->groups[1] == ED_ID_TOPIC - 1);
    assert_int_equal(op->actor, EDDY_LLM);
    assert_true(o.timed && o.position == 9);

    assert_int_equal(parse("{\"operation\":\"link\",\"event\":\"E1\",\"into\":\"E2\"}", &o, detail),
                     EDDY_ACCEPTED);
    assert_true(op->strength >= EDDY_LINK_FIRM);
    assert_int_equal(
        parse("{\"operation\":\"link\",\"event\":\"E1\",\"into\":\"E2\",\"same\":false}", &o,
              detail),
        EDDY_ACCEPTED);
    assert_true(op->strength <= -EDDY_LINK_FIRM);
    assert_int_equal(
        parse("{\"operation\":\"answer\",\"event\":\"E1\",\"into\":\"E2\",\"same\":true,"
              "\"error\":0.1,\"similarity\":0.25}",
              &o, detail),
        EDDY_ACCEPTED);
    assert_true(op->same && op->error > 0.09 && op->error < 0.11 && op->similarity > 0.24);
    assert_int_equal(
        parse("{\"operation\":\"reassign\",\"event\":\"E1\",\"document\":77}", &o, detail),
        EDDY_ACCEPTED);
    assert_true(op->position == 77 && !op->other);
    assert_int_equal(
        parse("{\"operation\":\"describe\",\"event\":\"T5\",\"summary\":\"s\"}", &o, detail),
        EDDY_ACCEPTED);
    assert_true(op->event == (5 | ED_ID_TOPIC));
    assert_int_equal(parse("{\"operation\":\"pass\"}", &o, detail), EDDY_ACCEPTED);
    assert_true(o.pass);
    assert_int_equal(parse("{\"operation\":\"undo\",\"undo\":2,\"applied\":false,\"refused\":"
                           "\"stale\",\"number\":1,\"result\":\"E1\",\"time\":\"\"}",
                           &o, detail),
                     EDDY_ACCEPTED);
    assert_true(op->undo == 2 && o.refused);
}

TEST(what_is_no_operation_is_refused_with_its_reason)
{
    static const struct {
        const char *text;
        eddy_reject reject;
        const char *says;
    } all[] = {
        {NULL, EDDY_REJECT_TOMBSTONE, "no operation"},
        {"", EDDY_REJECT_JSON, "not JSON"},
        {"{\"operation\":\"pin\",\"event\":\"E1\",\"event\":\"E2\"}", EDDY_REJECT_JSON, "not JSON"},
        {"{\"operation\":\"rename\",\"event\":\"E1\",\"name\":\"a\\u0000\"}", EDDY_REJECT_JSON,
         "not"},
        {"[1]", EDDY_REJECT_SHAPE, "not a JSON object"},
        {"{}", EDDY_REJECT_SHAPE, "operation is none of"},
        {"{\"operation\":\"burn\",\"event\":\"E1\"}", EDDY_REJECT_SHAPE, "operation is none of"},
        {"{\"operation\":7}", EDDY_REJECT_SHAPE, "operation is none of"},
        {"{\"operation\":\"merge\",\"event\":\"E1\"}", EDDY_REJECT_SHAPE, "merge needs into"},
        {"{\"operation\":\"split\",\"event\":\"E1\"}", EDDY_REJECT_SHAPE, "split needs groups"},
        {"{\"operation\":\"split\",\"event\":\"E1\",\"groups\":[]}", EDDY_REJECT_SHAPE, "no list"},
        {"{\"operation\":\"split\",\"event\":\"E1\",\"groups\":[\"4\"]}", EDDY_REJECT_SHAPE,
         "item 1"},
        {"{\"operation\":\"pin\",\"event\":\"E0\"}", EDDY_REJECT_SHAPE, "no id"},
        {"{\"operation\":\"pin\",\"event\":\"E-1\"}", EDDY_REJECT_SHAPE, "no id"},
        {"{\"operation\":\"pin\",\"event\":\"E1 \"}", EDDY_REJECT_SHAPE, "no id"},
        {"{\"operation\":\"pin\",\"event\":12}", EDDY_REJECT_SHAPE, "no id"},
        {"{\"operation\":\"pin\",\"event\":\"E1\",\"into\":\"E2\"}", EDDY_REJECT_SHAPE,
         "into says nothing to pin"},
        {"{\"operation\":\"pin\",\"event\":\"E1\",\"verson\":2}", EDDY_REJECT_SHAPE,
         "not known: verson"},
        {"{\"operation\":\"pin\",\"event\":\"E1\",\"\\u001b[2J\":2}", EDDY_REJECT_SHAPE,
         "not known"},
        {"{\"operation\":\"pin\",\"event\":\"E1\",\"version\":-2}", EDDY_REJECT_SHAPE, "version"},
        {"{\"operation\":\"pin\",\"event\":\"E1\",\"version\":2.5}", EDDY_REJECT_SHAPE, "version"},
        {"{\"operation\":\"pin\",\"event\":\"E1\",\"actor\":\"online\"}", EDDY_REJECT_SHAPE,
         "actor"},
        {"{\"operation\":\"rename\",\"event\":\"E1\",\"name\":\"\"}", EDDY_REJECT_SHAPE, "name"},
        {"{\"operation\":\"link\",\"event\":\"E1\",\"into\":\"E2\",\"same\":true,\"strength\":-1}",
         EDDY_REJECT_SHAPE, "opposite"},
        {"{\"operation\":\"answer\",\"event\":\"E1\",\"same\":true,\"error\":0.1,\"similarity\":0}",
         EDDY_REJECT_SHAPE, "into or groups"},
        {"{\"operation\":\"describe\",\"event\":\"E1\"}", EDDY_REJECT_SHAPE, "needs name, summary"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct ed_order o;
        char detail[256];
        eddy_reject reject = parse(all[i].text, &o, detail);
        if (reject != all[i].reject || !strstr(detail, all[i].says) || strchr(detail, 27))
            fail_msg("%s: %s, %s", all[i].text, eddy_reject_code(reject), detail);
    }
    struct ed_order o;
    char detail[256], *large = calloc(1, ED_CONTROL_MAX + 2);
    assert_non_null(large);
    memset(large, ' ', ED_CONTROL_MAX + 1);
    assert_int_equal(parse(large, &o, detail), EDDY_REJECT_OVERSIZE);
    free(large);
}

TEST(long_texts_are_cut_at_a_character)
{
    struct ed_order o;
    char detail[256], text[2000] = "{\"operation\":\"rename\",\"event\":\"E1\",\"name\":\"x";
    for (int i = 0; i < 300; i++)
        strcat(text, "\xC3\xA9");
    strcat(text, "\"}");
    assert_int_equal(parse(text, &o, detail), EDDY_ACCEPTED);
    assert_int_equal(o.operation.name.n, 199);
}

TEST(ids_of_several_shards_are_told_apart_and_come_back)
{
    for (uint32_t n = 0; n < 5; n++)
        for (uint32_t shard = 0; shard < (n ? n : 1); shard++)
            for (uint64_t id = 1; id < 50; id++) {
                uint64_t outside = ed_id_outside(id, shard, n);
                assert_int_equal(ed_id_inside(outside, n), id);
                assert_int_equal(ed_id_shard(outside, n), shard);
                assert_true(ed_id_outside(id | ED_ID_TOPIC, shard, n) == (outside | ED_ID_TOPIC));
                assert_true(ed_id_inside(outside | ED_ID_TOPIC, n) == (id | ED_ID_TOPIC));
            }
    assert_int_equal(ed_id_outside(0, 1, 2), 0);
    assert_int_equal(ed_id_inside(0, 2), 0);
}

TEST(a_full_arena_decides_nothing)
{
    eddy_arena *small = eddy_arena_new(1);
    struct ed_order o;
    eddy_reject reject = EDDY_REJECTS;
    char detail[256];
    const char *text = "{\"operation\":\"rename\",\"event\":\"E1\",\"name\":\"a name\"}";
    assert_int_equal(
        ed_control_parse(text, strlen(text), small, &o, &reject, detail, sizeof detail, NULL),
        EDDY_NOMEM);
    assert_int_equal(reject, EDDY_REJECTS);
    eddy_arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_is_read_with_all_that_it_has),
        cmocka_unit_test(what_is_no_operation_is_refused_with_its_reason),
        cmocka_unit_test(long_texts_are_cut_at_a_character),
        cmocka_unit_test(ids_of_several_shards_are_told_apart_and_come_back),
        cmocka_unit_test(a_full_arena_decides_nothing),
    };
    arena = eddy_arena_new(0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    eddy_arena_free(arena);
    return failed;
}
