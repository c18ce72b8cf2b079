/* Positions: a commit never goes backwards, and never beyond what this owner has read. */
#include "test.h"

#include "source/positions.h"

static struct ed_place *place_of(struct ed_positions *p)
{
    struct ed_place *place = ed_positions_add(p, "news", 0);
    ed_place_gain(place, 0);
    return place;
}

TEST(a_done_offset_is_due_once)
{
    struct ed_positions p = {0};
    struct ed_place *place = place_of(&p);
    assert_false(ed_place_due(place));
    for (int64_t i = 100; i < 110; i++)
        assert_true(ed_place_take(place, i));
    ed_place_done(place, 105);
    assert_true(ed_place_due(place));
    place->sent = place->done;
    assert_false(ed_place_due(place));
    ed_place_done(place, 103); /* an older answer */
    assert_false(ed_place_due(place));
    ed_place_done(place, 200); /* more than was read */
    assert_false(ed_place_due(place));
    ed_place_done(place, 110);
    assert_true(ed_place_due(place));
    ed_positions_clear(&p);
}

TEST(answers_that_come_after_somebody_else_got_further_are_passed_over)
{
    struct ed_positions p = {0};
    struct ed_place *place = place_of(&p);
    for (int64_t i = 0; i < 200; i++)
        ed_place_take(place, i);
    place->holding = ED_FOREIGN;
    ed_place_done(place, 100);
    assert_false(ed_place_due(place));

    ed_place_gain(place, 1); /* the other one has committed 500 */
    ed_place_done(place, 200);
    assert_false(ed_place_due(place));
    for (int64_t i = 500; i < 510; i++)
        assert_true(ed_place_take(place, i));
    ed_place_done(place, 200);
    assert_false(ed_place_due(place));
    ed_place_done(place, 510);
    assert_int_equal(place->done, 510);
    ed_positions_clear(&p);
}

TEST(what_was_read_before_or_is_not_ours_is_not_handed_on)
{
    struct ed_positions p = {0};
    struct ed_place *place = place_of(&p);
    assert_true(ed_place_take(place, 7));
    assert_false(ed_place_take(place, 7));
    assert_false(ed_place_take(place, 3));
    assert_true(ed_place_take(place, 12)); /* control records and compaction leave gaps */
    place->holding = ED_LEAVING;
    assert_false(ed_place_take(place, 13));
    assert_true(ed_positions_wait(&p));
    ed_place_done(place, 13);
    assert_false(ed_positions_wait(&p));
    assert_true(ed_place_due(place));
    ed_positions_clear(&p);
}

TEST(the_end_is_where_it_was_at_the_start)
{
    struct ed_positions p = {0};
    assert_false(ed_positions_ended(&p)); /* nothing is owned yet */
    struct ed_place *place = place_of(&p);
    place->end = 10;
    ed_place_reached(place, 5); /* the midst of an open transaction */
    assert_false(ed_positions_ended(&p));
    for (int64_t i = 5; i < 9; i++)
        assert_true(ed_place_take(place, i));
    assert_false(ed_positions_ended(&p));
    ed_place_reached(place, 10); /* 9 is a control record */
    assert_true(ed_positions_ended(&p));
    assert_false(ed_place_take(place, 10));

    struct ed_place *other = ed_positions_add(&p, "news", 1);
    other->end = 1;
    assert_true(ed_positions_ended(&p)); /* somebody else's */
    ed_place_gain(other, 0);
    assert_false(ed_positions_ended(&p));
    assert_true(ed_place_take(other, 0));
    assert_true(ed_positions_ended(&p));
    ed_positions_clear(&p);
}

/* The case: offset 100 is taken from the queue; the partition goes, comes back at its committed
 * offset 50; then 100 is handed on, and 50 to 99 would pass for read before. */
TEST(a_partition_is_not_gained_while_a_read_from_before_is_under_way)
{
    struct ed_positions p = {0};
    struct ed_reading reading = {0}, other = {0};
    struct ed_place *place = place_of(&p);
    assert_false(ed_reading_is_old(&reading, &p));
    assert_true(ed_place_take(place, 99));
    ed_reading_begin(&reading, &p); /* 100 comes */
    place->holding = ED_FOREIGN;
    p.generation++; /* it is to be gained again */
    assert_true(ed_reading_is_old(&reading, &p));
    assert_false(ed_place_take(place, 100));
    ed_reading_begin(&other, &p); /* sees nothing that was lost */
    assert_false(ed_reading_is_old(&other, &p));
    ed_reading_end(&reading);
    assert_false(ed_reading_is_old(&reading, &p));
    ed_place_gain(place, 0);
    for (int64_t i = 50; i < 110; i++)
        assert_true(ed_place_take(place, i));
    p.generation++; /* and again, with other under way */
    assert_true(ed_reading_is_old(&other, &p));
    ed_reading_begin(&other, &p);
    assert_false(ed_reading_is_old(&other, &p));
    ed_positions_clear(&p);
}

TEST(how_far_behind_is_known_only_with_a_position)
{
    struct ed_positions p = {0};
    struct ed_place *place = place_of(&p);
    assert_int_equal(ed_place_behind(place, 500), -1); /* nothing read yet */
    ed_place_take(place, 99);
    assert_int_equal(ed_place_behind(place, 500), 400);
    assert_int_equal(ed_place_behind(place, -1001), -1);
    assert_int_equal(ed_place_behind(place, 90), 0);
    ed_place_reached(place, 500); /* control records to the end */
    assert_int_equal(ed_place_behind(place, 500), 0);
    place->holding = ED_FOREIGN;
    ed_place_gain(place, 0); /* somebody else may have got anywhere */
    assert_int_equal(ed_place_behind(place, 500), -1);
    ed_place_reached(place, 500); /* nothing to read */
    assert_int_equal(ed_place_behind(place, 520), 20);
    ed_positions_clear(&p);
}

TEST(places_are_found_again_among_many)
{
    struct ed_positions p = {0};
    static const char *const topics[] = {"a", "b", "c"};
    for (int32_t i = 0; i < 300; i++)
        assert_non_null(ed_positions_add(&p, topics[i % 3], i / 3));
    char copy[] = "b";
    assert_int_equal(p.n, 300);
    assert_ptr_equal(ed_positions_find(&p, copy, 50), &p.at[151]);
    assert_ptr_equal(ed_positions_add(&p, copy, 50), &p.at[151]);
    assert_null(ed_positions_find(&p, "b", 100));
    ed_positions_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_done_offset_is_due_once),
        cmocka_unit_test(answers_that_come_after_somebody_else_got_further_are_passed_over),
        cmocka_unit_test(what_was_read_before_or_is_not_ours_is_not_handed_on),
        cmocka_unit_test(the_end_is_where_it_was_at_the_start),
        cmocka_unit_test(a_partition_is_not_gained_while_a_read_from_before_is_under_way),
        cmocka_unit_test(how_far_behind_is_known_only_with_a_position),
        cmocka_unit_test(places_are_found_again_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
