/* label: threads */
/* Rings: order, bounds, ends; with one thread and with many. */
#include "test.h"

#include "pipeline/ring.h"

#include <pthread.h>

static struct ed_ring *ring_of(size_t room)
{
    eddy_error err = {0};
    struct ed_ring *ring = NULL;
    CHECK_OK(ed_ring_new(room, &ring, &err), &err);
    return ring;
}

TEST(what_goes_in_comes_out_in_order_and_a_full_ring_refuses)
{
    int items[4];
    void *got = NULL;
    struct ed_ring *ring = ring_of(3);
    for (int round = 0; round < 5; round++) { /* the places wrap */
        for (int i = 0; i < 3; i++)
            assert_int_equal(ed_ring_push(ring, &items[i], 0), ED_RING_OK);
        assert_int_equal(ed_ring_push(ring, &items[3], 5), ED_RING_LATE);
        assert_int_equal(ed_ring_count(ring), 3);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(ed_ring_pop(ring, &got, 0), ED_RING_OK);
            assert_ptr_equal(got, &items[i]);
        }
        assert_int_equal(ed_ring_pop(ring, &got, 5), ED_RING_LATE);
    }
    ed_ring_free(ring);
}

TEST(numbered_items_wait_for_those_before_them)
{
    int items[4];
    void *got = NULL;
    struct ed_ring *ring = ring_of(3);
    assert_int_equal(ed_ring_place(ring, 2, &items[2], 0), ED_RING_OK);
    assert_int_equal(ed_ring_place(ring, 1, &items[1], 0), ED_RING_OK);
    assert_int_equal(ed_ring_pop(ring, &got, 0), ED_RING_LATE);
    assert_int_equal(ed_ring_place(ring, 3, &items[3], 5), ED_RING_LATE); /* 0 has its place */
    assert_int_equal(ed_ring_place(ring, 0, &items[0], 0), ED_RING_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ed_ring_pop(ring, &got, 0), ED_RING_OK);
        assert_ptr_equal(got, &items[i]);
    }
    ed_ring_free(ring);
}

TEST(some_may_have_to_stay_inside)
{
    int items[3];
    void *got = NULL;
    struct ed_ring *ring = ring_of(3);
    for (int i = 0; i < 3; i++)
        ed_ring_push(ring, &items[i], 0);
    assert_int_equal(ed_ring_pop_leaving(ring, 3, &got, 5), ED_RING_LATE);
    assert_int_equal(ed_ring_pop_leaving(ring, 2, &got, 0), ED_RING_OK);
    assert_ptr_equal(got, &items[0]);
    assert_int_equal(ed_ring_pop_leaving(ring, 2, &got, 0), ED_RING_LATE);
    assert_int_equal(ed_ring_pop_leaving(ring, 1, &got, 0), ED_RING_OK);
    assert_ptr_equal(got, &items[1]);
    ed_ring_close(ring);
    assert_int_equal(ed_ring_pop_leaving(ring, 1, &got, 0), ED_RING_CLOSED); /* none will come */
    assert_int_equal(ed_ring_pop(ring, &got, 0), ED_RING_OK);
    ed_ring_free(ring);
}

TEST(what_is_given_back_is_taken_next)
{
    int items[3];
    void *got = NULL;
    struct ed_ring *ring = ring_of(3);
    ed_ring_give_back(ring, &items[0]); /* before any was taken */
    for (int round = 0; round < 5; round++) {
        ed_ring_push(ring, &items[1], 0);
        assert_int_equal(ed_ring_pop(ring, &got, 0), ED_RING_OK);
        assert_ptr_equal(got, &items[0]);
        ed_ring_push(ring, &items[2], 0);
        ed_ring_give_back(ring, &items[0]);
        assert_int_equal(ed_ring_count(ring), 3);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(ed_ring_pop(ring, &got, 0), ED_RING_OK);
            assert_ptr_equal(got, &items[i]);
        }
        ed_ring_give_back(ring, &items[0]);
    }
    ed_ring_free(ring);
}

TEST(a_closed_ring_gives_what_it_holds_and_a_stopped_one_nothing)
{
    int items[2];
    void *got = NULL;
    struct ed_ring *ring = ring_of(4);
    ed_ring_push(ring, &items[0], 0);
    ed_ring_close(ring);
    assert_int_equal(ed_ring_push(ring, &items[1], 0), ED_RING_CLOSED);
    assert_int_equal(ed_ring_pop(ring, &got, 0), ED_RING_OK);
    assert_int_equal(ed_ring_pop(ring, &got, 1000), ED_RING_CLOSED);
    ed_ring_free(ring);

    ring = ring_of(4);
    ed_ring_push(ring, &items[0], 0);
    ed_ring_stop(ring);
    assert_int_equal(ed_ring_pop(ring, &got, 1000), ED_RING_CLOSED);
    ed_ring_free(ring);
}

TEST(a_ring_survives_a_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        struct ed_ring *ring = NULL;
        eddy_status st = ed_ring_new(2, &ring, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !ring));
        ed_ring_free(ring);
    }
}

/* ---- many threads ---- */

#define N_ITEMS   20000
#define N_WORKERS 3

struct crowd {
    struct ed_ring *in, *out;
    uint64_t items[N_ITEMS];
};

static void *work(void *p)
{
    struct crowd *crowd = p;
    void *item;
    enum ed_ring_answer answer;
    while ((answer = ed_ring_pop(crowd->in, &item, 50)) != ED_RING_CLOSED) {
        if (answer == ED_RING_LATE)
            continue;
        uint64_t number = *(uint64_t *)item;
        while (ed_ring_place(crowd->out, number, item, 50) == ED_RING_LATE)
            continue;
    }
    return NULL;
}

static void *feed(void *p)
{
    struct crowd *crowd = p;
    for (uint64_t i = 0; i < N_ITEMS; i++) {
        crowd->items[i] = i;
        while (ed_ring_push(crowd->in, &crowd->items[i], 50) == ED_RING_LATE)
            continue;
    }
    ed_ring_close(crowd->in);
    return NULL;
}

TEST(workers_that_overtake_each_other_keep_the_order)
{
    static struct crowd crowd;
    pthread_t feeder, workers[N_WORKERS];
    crowd.in = ring_of(5);
    crowd.out = ring_of(4);
    pthread_create(&feeder, NULL, feed, &crowd);
    for (int i = 0; i < N_WORKERS; i++)
        pthread_create(&workers[i], NULL, work, &crowd);
    for (uint64_t i = 0; i < N_ITEMS;) {
        void *item = NULL;
        if (ed_ring_pop(crowd.out, &item, 1000) != ED_RING_OK)
            fail_msg("item %llu did not come", (unsigned long long)i);
        assert_ptr_equal(item, &crowd.items[i++]);
    }
    pthread_join(feeder, NULL);
    for (int i = 0; i < N_WORKERS; i++)
        pthread_join(workers[i], NULL);
    ed_ring_free(crowd.in);
    ed_ring_free(crowd.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order_and_a_full_ring_refuses),
        cmocka_unit_test(numbered_items_wait_for_those_before_them),
        cmocka_unit_test(some_may_have_to_stay_inside),
        cmocka_unit_test(what_is_given_back_is_taken_next),
        cmocka_unit_test(a_closed_ring_gives_what_it_holds_and_a_stopped_one_nothing),
        cmocka_unit_test(a_ring_survives_a_lost_allocation),
        cmocka_unit_test(workers_that_overtake_each_other_keep_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
