/* Merge: the order of many partitions, who is waited for, and for how long. */
#include "test.h"

#include "source/merge.h"

/* Lanes from 0 on, each of rank = its number. */
static struct ed_merge merge_of(size_t n, int wait_ms, int64_t end, int64_t told)
{
    struct ed_merge m;
    ed_merge_init(&m, wait_ms);
    for (size_t i = 0; i < n; i++) {
        size_t lane = ED_LANE_NONE;
        CHECK_OK(ed_merge_add(&m, i, 0, end, told, &lane, NULL), &(eddy_error){0});
        assert_int_equal(lane, i);
    }
    return m;
}

static size_t next(struct ed_merge *m, int64_t now_ms)
{
    return ed_merge_next(m, now_ms, NULL);
}

TEST(the_earliest_head_goes_first_and_equals_by_rank)
{
    struct ed_merge m = merge_of(3, -1, -1, 0);
    assert_true(ed_merge_head(&m, 2, 0, 500));
    assert_true(ed_merge_head(&m, 0, 0, 700));
    assert_true(ed_merge_head(&m, 1, 0, 500));
    assert_int_equal(next(&m, 0), 1);
    assert_int_equal(next(&m, 0), 2);
    assert_int_equal(next(&m, 0), 0);
    assert_int_equal(next(&m, 0), ED_LANE_NONE);
    ed_merge_clear(&m);
}

TEST(a_lane_that_is_known_to_have_more_holds_up_the_others)
{
    struct ed_merge m = merge_of(2, -1, -1, 0);
    assert_true(ed_merge_head(&m, 0, 0, 10));
    ed_merge_told(&m, 1, 1); /* there is a message */
    assert_int_equal(next(&m, 0), ED_LANE_NONE);
    assert_int_equal(next(&m, INT64_MAX / 2), ED_LANE_NONE); /* for ever */
    assert_true(ed_merge_head(&m, 1, 0, 5));
    assert_int_equal(next(&m, 0), 1);
    assert_int_equal(next(&m, 0), 0);

    /* A control record where a message might have been: only the end tells. */
    assert_true(ed_merge_head(&m, 0, 1, 20));
    ed_merge_told(&m, 1, 2);
    assert_int_equal(next(&m, 0), ED_LANE_NONE);
    ed_merge_reached(&m, 1, 2);
    assert_int_equal(next(&m, 0), 0);

    /* At its end it is asked to nobody's delay until a message has come. */
    assert_true(ed_merge_head(&m, 0, 2, 30));
    ed_merge_told(&m, 1, 9);
    assert_int_equal(next(&m, 0), 0);
    assert_true(ed_merge_head(&m, 0, 3, 40));
    assert_true(ed_merge_head(&m, 1, 2, 35));
    assert_int_equal(next(&m, 0), 1);
    assert_int_equal(next(&m, 0), ED_LANE_NONE); /* 3 to 8 are known to be there */
    ed_merge_clear(&m);
}

TEST(a_wait_begins_when_a_head_would_go_and_has_a_bound)
{
    struct ed_merge m = merge_of(3, 100, -1, 0);
    int64_t wait = 0;
    ed_merge_told(&m, 1, 5);
    assert_int_equal(ed_merge_next(&m, 0, &wait), ED_LANE_NONE);
    assert_int_equal(wait, -1); /* nothing would go */
    assert_true(ed_merge_head(&m, 0, 0, 10));
    assert_int_equal(ed_merge_next(&m, 1000, &wait), ED_LANE_NONE);
    assert_int_equal(wait, 100);
    ed_merge_told(&m, 2, 5); /* its turn begins later */
    assert_int_equal(ed_merge_next(&m, 1060, &wait), ED_LANE_NONE);
    assert_int_equal(wait, 40);
    assert_int_equal(ed_merge_next(&m, 1100, &wait), ED_LANE_NONE);
    assert_int_equal(wait, 60);
    assert_int_equal(ed_merge_next(&m, 1160, &wait), 0);

    /* Given up: no longer waited for, until it has brought something. */
    assert_true(ed_merge_head(&m, 0, 1, 20));
    assert_int_equal(ed_merge_skip(&m, 1, 0), 0);
    assert_int_equal(ed_merge_skip(&m, 2, 2), 2);
    assert_int_equal(next(&m, 1161), 0);
    assert_true(ed_merge_head(&m, 1, 0, 15));
    assert_int_equal(next(&m, 1162), 1);
    assert_int_equal(m.late, 1);
    assert_true(ed_merge_head(&m, 0, 2, 30));
    assert_int_equal(ed_merge_next(&m, 1163, &wait), ED_LANE_NONE);
    assert_int_equal(wait, 100);
    ed_merge_clear(&m);
}

TEST(late_is_what_comes_out_of_order_after_a_wait_and_no_other)
{
    struct ed_merge m = merge_of(2, 0, -1, 0);
    static const int64_t times[] = {30, 10, 20}; /* a partition's own disorder is its producer's */
    for (int i = 0; i < 3; i++) {
        assert_true(ed_merge_head(&m, 0, i, times[i]));
        assert_int_equal(next(&m, 0), 0);
    }
    assert_true(ed_merge_head(&m, 1, 0, 25)); /* from one that nobody knew to have any */
    assert_int_equal(next(&m, 0), 1);
    assert_int_equal(m.late, 0);

    ed_merge_told(&m, 1, 9);
    assert_true(ed_merge_head(&m, 0, 3, 100));
    assert_int_equal(next(&m, 0), 0); /* lane 1 is given up at once */
    for (int i = 1; i < 4; i++) {     /* 90, 99, 108 */
        assert_true(ed_merge_head(&m, 1, i, 81 + i * 9));
        assert_int_equal(next(&m, 0), 1);
    }
    assert_true(ed_merge_head(&m, 1, 4, 95)); /* it has caught up: this is the producer's */
    assert_int_equal(next(&m, 0), 1);
    assert_int_equal(m.late, 2);
    ed_merge_clear(&m);
}

TEST(what_came_before_or_lies_beyond_the_end_is_not_wanted)
{
    struct ed_merge m = merge_of(1, -1, 10, 10);
    assert_int_equal(ed_lane_behind(&m.lanes[0]), 10);
    assert_true(ed_merge_head(&m, 0, 4, 0));
    assert_int_equal(ed_lane_behind(&m.lanes[0]), 6);
    assert_int_equal(next(&m, 0), 0);
    assert_int_equal(ed_lane_behind(&m.lanes[0]), 5);
    assert_false(ed_merge_head(&m, 0, 4, 0));
    assert_false(ed_merge_head(&m, 0, 2, 0));
    ed_merge_reached(&m, 0, 9); /* an open transaction stands at 9 */
    assert_false(ed_merge_ended(&m));
    assert_false(ed_merge_head(&m, 0, 10, 0));
    assert_true(ed_merge_ended(&m));
    assert_false(ed_merge_head(&m, 0, 11, 0));
    assert_int_equal(ed_lane_behind(&m.lanes[0]), 0);
    ed_merge_clear(&m);
}

TEST(all_lanes_end_by_a_message_by_the_end_of_the_log_or_by_a_skip)
{
    struct ed_merge m = merge_of(3, -1, 10, 10);
    size_t empty;
    assert_true(ed_merge_head(&m, 0, 9, 1));
    ed_merge_reached(&m, 1, 10);
    assert_int_equal(ed_merge_skip(&m, 2, 25), 10);
    assert_int_equal(ed_merge_skip(&m, 2, 30), 0);
    assert_false(ed_merge_ended(&m)); /* a head is left */
    assert_int_equal(next(&m, 0), 0);
    assert_true(ed_merge_ended(&m));
    CHECK_OK(ed_merge_add(&m, 7, 4, 4, 4, &empty, NULL), &(eddy_error){0});
    assert_true(ed_merge_ended(&m));
    ed_merge_clear(&m);
}

TEST(a_skip_moves_only_forward_and_ends_no_wait)
{
    struct ed_merge m = merge_of(2, -1, -1, 20);
    assert_true(ed_merge_head(&m, 0, 0, 1));
    assert_int_equal(ed_merge_skip(&m, 1, 15), 15);
    assert_int_equal(ed_merge_skip(&m, 1, 7), 0);
    assert_int_equal(m.lanes[1].next, 15);
    assert_int_equal(next(&m, 0), ED_LANE_NONE);
    assert_int_equal(ed_merge_skip(&m, 1, 40), 25); /* there was not that much: it is at the end */
    assert_int_equal(next(&m, 0), 0);
    ed_merge_clear(&m);
}

/* ---- properties ---- */

enum { LANES = 7, EACH = 60 };

struct log {
    int64_t times[EACH];
    int64_t offsets[EACH]; /* with gaps */
    int64_t end;
    size_t n, at; /* delivered so far */
};

static void logs_make(struct log *logs, uint64_t *seed)
{
    for (size_t l = 0; l < LANES; l++) {
        int64_t time = 0, offset = 0;
        logs[l].n = test_random(seed) % EACH;
        for (size_t i = 0; i < logs[l].n; i++) {
            time += (int64_t)(test_random(seed) % 40) - 5; /* now and then backwards */
            offset += 1 + (test_random(seed) % 8 == 0);
            logs[l].times[i] = time;
            logs[l].offsets[i] = offset;
        }
        logs[l].end = offset + 1 + (int64_t)(test_random(seed) % 2);
    }
}

/* One merge of the logs, in which deliveries, empty looks and clocks are as chance has it. Writes
 * lane * EACH + number of each message; gives how many. */
static size_t merge_run(struct log *logs, struct ed_merge *m, uint64_t *seed, size_t *ret)
{
    size_t n = 0;
    int64_t now = 0;
    for (size_t l = 0; l < LANES; l++) {
        size_t lane;
        logs[l].at = 0;
        CHECK_OK(ed_merge_add(m, l, 0, logs[l].end, -1, &lane, NULL), &(eddy_error){0});
    }
    while (!ed_merge_ended(m)) {
        size_t l = test_random(seed) % LANES;
        struct log *log = &logs[l];
        now += (int64_t)(test_random(seed) % 30);
        if (m->lanes[l].state != ED_LANE_HEAD) {
            if (log->at < log->n) {
                assert_true(ed_merge_head(m, l, log->offsets[log->at], log->times[log->at]));
                log->at++;
            } else if (test_random(seed) % 2) {
                ed_merge_reached(m, l, log->end);
            }
        }
        int64_t wait = -2;
        size_t got;
        while ((got = ed_merge_next(m, now, &wait)) != ED_LANE_NONE)
            ret[n++] = got * EACH + logs[got].at - 1;
        assert_true(wait == -1 || (m->wait_ms > 0 && wait > 0 && wait <= m->wait_ms));
    }
    return n;
}

TEST(without_a_bound_the_order_depends_on_the_messages_alone)
{
    uint64_t seed = test_seed();
    for (int round = 0; round < 200; round++) {
        struct log logs[LANES];
        size_t first[LANES * EACH], again[LANES * EACH];
        logs_make(logs, &seed);
        struct ed_merge m;
        ed_merge_init(&m, -1);
        size_t n = merge_run(logs, &m, &seed, first);
        assert_int_equal(m.late, 0);
        ed_merge_clear(&m);
        for (int i = 0; i < 3; i++) {
            ed_merge_init(&m, -1);
            assert_int_equal(merge_run(logs, &m, &seed, again), n);
            assert_memory_equal(first, again, n * sizeof *first);
            ed_merge_clear(&m);
        }
    }
}

/* All messages, each lane's in order; and the next one is never beaten by a head that was there. */
TEST(any_bound_loses_nothing_and_keeps_the_order_of_each_lane)
{
    uint64_t seed = test_seed();
    for (int round = 0; round < 200; round++) {
        struct log logs[LANES];
        size_t order[LANES * EACH], seen[LANES] = {0}, total = 0;
        logs_make(logs, &seed);
        struct ed_merge m;
        ed_merge_init(&m, (int)(test_random(&seed) % 50));
        size_t n = merge_run(logs, &m, &seed, order);
        uint64_t out_of_order = 0;
        int64_t highest = INT64_MIN;
        for (size_t i = 0; i < n; i++) {
            size_t lane = order[i] / EACH, number = order[i] % EACH;
            assert_int_equal(number, seen[lane]++);
            out_of_order += logs[lane].times[number] < highest;
            if (logs[lane].times[number] > highest)
                highest = logs[lane].times[number];
        }
        for (size_t l = 0; l < LANES; l++)
            total += logs[l].n;
        assert_int_equal(n, total);
        assert_true(m.late <= out_of_order);
        ed_merge_clear(&m);
    }
}

TEST(lanes_survive_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        struct ed_merge m;
        eddy_status st = EDDY_OK;
        size_t added = 0, lane;
        ed_merge_init(&m, -1);
        for (size_t i = 0; i < 40 && st == EDDY_OK; i++) {
            st = ed_merge_add(&m, i, 0, -1, -1, &lane, NULL);
            added += st == EDDY_OK;
        }
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        assert_int_equal(m.n, added);
        ed_merge_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_head_goes_first_and_equals_by_rank),
        cmocka_unit_test(a_lane_that_is_known_to_have_more_holds_up_the_others),
        cmocka_unit_test(a_wait_begins_when_a_head_would_go_and_has_a_bound),
        cmocka_unit_test(late_is_what_comes_out_of_order_after_a_wait_and_no_other),
        cmocka_unit_test(what_came_before_or_lies_beyond_the_end_is_not_wanted),
        cmocka_unit_test(all_lanes_end_by_a_message_by_the_end_of_the_log_or_by_a_skip),
        cmocka_unit_test(a_skip_moves_only_forward_and_ends_no_wait),
        cmocka_unit_test(without_a_bound_the_order_depends_on_the_messages_alone),
        cmocka_unit_test(any_bound_loses_nothing_and_keeps_the_order_of_each_lane),
        cmocka_unit_test(lanes_survive_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
