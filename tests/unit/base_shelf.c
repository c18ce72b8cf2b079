/* Shelf: whatever is put and taken in whatever order, each thing is where its id says, once. */
#include "test.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/shelf.h"

struct thing {
    uint64_t id;
    int number;
};

static int by_number(const void *a, const void *b)
{
    return (*(struct thing *const *)a)->number - (*(struct thing *const *)b)->number;
}

static void must_hold(const struct ed_shelf *shelf, struct thing *const *there, size_t n)
{
    size_t seen = 0;
    for (size_t id = 1; id <= n; id++) {
        assert_ptr_equal(ed_shelf_find(shelf, id), there[id]);
        seen += there[id] != NULL;
    }
    assert_int_equal(shelf->n, seen);
    for (size_t i = 0; i < shelf->n; i++)
        assert_ptr_equal(shelf->at[i], there[*(const uint64_t *)shelf->at[i]]);
}

TEST(things_are_where_their_ids_say)
{
    enum { IDS = 50, STEPS = 4000 };
    static struct thing things[2][IDS + 1];
    struct thing *there[IDS + 1] = {NULL};
    struct ed_shelf shelf = {0};
    for (uint64_t step = 0; step < STEPS; step++) {
        uint64_t draw = ed_mix64(step + 1), id = 1 + draw % IDS;
        struct thing *thing = &things[draw >> 20 & 1][id];
        void *old;
        *thing = (struct thing){id, (int)(draw >> 40 & 255)};
        if (draw >> 32 & 1) {
            assert_true(ed_shelf_put(&shelf, thing, &old));
            assert_ptr_equal(old, there[id]);
            there[id] = thing;
        } else {
            assert_ptr_equal(ed_shelf_take(&shelf, id), there[id]);
            there[id] = NULL;
        }
        if (step % 16 == 0)
            ed_shelf_sort(&shelf, by_number);
        for (size_t i = 1; step % 16 == 0 && i < shelf.n; i++)
            assert_true(by_number(&shelf.at[i - 1], &shelf.at[i]) <= 0);
        must_hold(&shelf, there, IDS);
    }
    ed_shelf_clear(&shelf);
    must_hold(&shelf, (struct thing * [IDS + 1]){NULL}, IDS);
}

static int left;

static int gate(size_t n)
{
    (void)n;
    return left-- > 0;
}

TEST(without_memory_all_is_as_it_was)
{
    static struct thing things[101];
    struct ed_shelf shelf = {0};
    void *old;
    for (uint64_t id = 1; id <= 100; id++) {
        things[id] = (struct thing){id, 0};
        int done = 0;
        for (int allowed = 0; !done; allowed++) {
            left = allowed;
            ed_alloc_gate = gate;
            done = ed_shelf_put(&shelf, &things[id], &old);
            ed_alloc_gate = NULL;
            assert_int_equal(shelf.n, id - !done);
            assert_ptr_equal(ed_shelf_find(&shelf, id), done ? &things[id] : NULL);
        }
    }
    ed_shelf_clear(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_are_where_their_ids_say),
        cmocka_unit_test(without_memory_all_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
