/* The stability of a running stream: 0 where events stay what they are, more where they do not. */
#include "test.h"

#include "pipeline/stability.h"

#include <math.h>

enum { DIM = 8, EVENTS = 4 };

/* Documents of four things, each near an axis; every `every`-th document's group moves to another
 * event when the sample is full (0: none does). A document takes so many milliseconds. The number
 * of what is told. */
static int run(uint64_t every, int64_t each_ms, eddy_stability *ret)
{
    struct ed_stability *s = NULL;
    eddy_error err = {0};
    int told = 0;
    uint64_t dice = 20261123;
    CHECK_OK(ed_stability_new(DIM, &s, &err), &err);
    for (uint64_t i = 0; i <= 2 * ED_STABILITY_EVERY; i++) {
        float row[DIM] = {0};
        uint64_t thing = i % EVENTS;
        const eddy_assignment a = {.position = i, .event = 1 + thing, .group = 1 + i};
        row[thing] = 1;
        row[EVENTS + thing] = (float)(test_random(&dice) % 100) / 500;
        told += ed_stability_document(s, i % 10 ? row : NULL, &a, (int64_t)i * each_ms, ret);
        const eddy_change moved = {.kind = EDDY_MOVED,
                                   .event = 1 + (thing + 1) % EVENTS,
                                   .other = 1 + thing,
                                   .group = 1 + i};
        if (every && i % every == 0)
            ed_stability_change(s, &moved);
    }
    ed_stability_free(s);
    return told;
}

TEST(what_stays_is_stable_and_what_moves_is_not)
{
    eddy_stability still, some, many;
    assert_int_equal(run(0, 10, &still), 2);
    assert_int_equal(run(5, 10, &some), 2);
    assert_int_equal(run(2, 10, &many), 2);
    assert_int_equal(still.clusters, EVENTS);
    assert_true(still.csai_profile == 0 && still.csai_share == 0);
    assert_true(some.csai_profile > 0.01);
    assert_true(many.csai_profile > some.csai_profile);
}

TEST(a_fast_stream_is_compared_no_more_often)
{
    eddy_stability still;
    assert_int_equal(run(0, 1, &still), 1); /* 4,096 documents in as many milliseconds */
}

TEST(lost_memory_costs_the_number_and_nothing_else)
{
    EACH_ALLOC_FAILS (k) {
        struct ed_stability *s = NULL;
        eddy_stability now;
        const float row[DIM] = {1};
        if (ed_stability_new(DIM, &s, NULL) != EDDY_OK)
            continue;
        for (uint64_t i = 0; i < 5; i++) {
            const eddy_assignment a = {.position = i, .event = 1 + i, .group = 1 + i};
            const eddy_change merged = {.kind = EDDY_MERGED, .event = 1 + i, .other = 100};
            assert_int_equal(ed_stability_document(s, row, &a, 0, &now), 0);
            ed_stability_change(s, &merged);
        }
        ed_stability_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stays_is_stable_and_what_moves_is_not),
        cmocka_unit_test(a_fast_stream_is_compared_no_more_often),
        cmocka_unit_test(lost_memory_costs_the_number_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
