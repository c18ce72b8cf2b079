/* Memory: arenas keep their promises, and the gate refuses what it should. */
#include "test.h"

#include "base/bytes.h"

TEST(arena_keeps_every_piece_apart)
{
    eddy_arena *arena = eddy_arena_new(0);
    char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = ed_arena_alloc(arena, i * 7 + 1);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i * 7 + 1);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < i * 7 + 1; j++)
            assert_int_equal((unsigned char)pieces[i][j], i);
    eddy_arena_reset(arena);
    assert_int_equal(eddy_arena_used(arena), 0);
    assert_int_equal((uintptr_t)ed_arena_alloc_aligned(arena, 5) % 64, 0);
    eddy_arena_free(arena);
}

static size_t allocations;

static int counted(size_t n)
{
    allocations += n > 0;
    return 1;
}

TEST(arena_keeps_what_it_was_told_to_keep)
{
    const size_t keep[] = {0, 1 << 20, 200000};
    size_t held[3], again[3];
    for (size_t i = 0; i < 3; i++) {
        eddy_arena *arena = eddy_arena_new(0);
        ed_arena_keep(arena, keep[i]);
        for (int k = 0; k < 1000; k++)
            assert_non_null(ed_arena_alloc(arena, 1000));
        size_t most = ed_arena_held(arena);
        eddy_arena_reset(arena);
        held[i] = ed_arena_held(arena);
        assert_true(held[i] <= most);
        assert_true(keep[i] != 1 << 20 || held[i] == most);
        allocations = 0;
        ed_alloc_gate = counted;
        for (int k = 0; k < 1000; k++)
            memset(ed_arena_alloc(arena, 1000), k, 1000);
        ed_alloc_gate = NULL;
        again[i] = allocations;
        eddy_arena_free(arena);
    }
    assert_true(held[0] < held[2] && held[2] < held[1]);
    assert_true(again[0] > 0 && again[1] == 0);
}

TEST(an_arena_holds_little_more_than_it_handed_out)
{
    eddy_arena *arena = eddy_arena_new(0);
    for (int k = 0; k < 20000; k++)
        assert_non_null(ed_arena_alloc(arena, 1000));
    assert_true(ed_arena_held(arena) < (size_t)25 << 20);
    eddy_arena_free(arena);
}

static int never(size_t n)
{
    (void)n;
    return 0;
}

/* From bytes to mappings, and on to where the next mapping is. */
TEST(an_array_that_grows_keeps_what_it_holds)
{
    unsigned char *a = NULL, *other = NULL;
    size_t n = 0, n_other = 0;
    for (size_t wide = 1000; wide < (size_t)100 << 20; wide = wide * 3 / 2) {
        a = ed_grow(a, n, wide);
        assert_non_null(a);
        assert_int_equal((uintptr_t)a % 64, 0);
        assert_int_equal(a[n] | a[wide - 1] | a[(n + wide) / 2], 0);
        for (size_t i = 0; i < n; i += 999)
            assert_int_equal(a[i], i % 251 + 1);
        for (size_t i = 0; i < wide; i += 999)
            a[i] = (unsigned char)(i % 251 + 1);
        n = wide;
        other = ed_grow(other, n_other, wide); /* in its way */
        assert_non_null(other);
        n_other = wide;
    }
    ed_alloc_gate = never;
    assert_null(ed_grow(a, n, 2 * n));
    ed_alloc_gate = NULL;
    assert_int_equal(a[999], 999 % 251 + 1);
    ed_grown_free(a);
    ed_grown_free(other);
    ed_grown_free(NULL);
}

TEST(arena_stops_at_its_ceiling)
{
    eddy_arena *arena = eddy_arena_new(1000);
    assert_non_null(ed_arena_alloc(arena, 600));
    assert_null(ed_arena_alloc(arena, 600));
    assert_non_null(ed_arena_alloc(arena, 400));
    assert_null(ed_arena_str(arena, "x", 1).at);
    eddy_arena_reset(arena);
    assert_non_null(ed_arena_alloc(arena, 1000));
    eddy_arena_free(arena);
}

TEST(arena_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        eddy_arena *arena = eddy_arena_new(0);
        if (!arena)
            continue;
        for (size_t i = 0; i < 20; i++) {
            char *p = ed_arena_alloc(arena, 3000);
            if (p)
                memset(p, 1, 3000);
        }
        eddy_arena_free(arena);
    }
}

TEST(bytes_fail_once_and_stay_failed)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 10);
    assert_true(ed_bytes_add_str(&b, "12345"));
    assert_true(ed_bytes_printf(&b, "%d", 67));
    assert_string_equal(b.at, "1234567");
    assert_false(ed_bytes_add_str(&b, "89ab"));
    assert_false(ed_bytes_add_str(&b, "8"));
    assert_true(b.failed);
    ed_bytes_empty(&b);
    assert_true(ed_bytes_add_str(&b, "0123456789"));
    ed_bytes_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_keeps_every_piece_apart),
        cmocka_unit_test(arena_keeps_what_it_was_told_to_keep),
        cmocka_unit_test(an_arena_holds_little_more_than_it_handed_out),
        cmocka_unit_test(an_array_that_grows_keeps_what_it_holds),
        cmocka_unit_test(arena_stops_at_its_ceiling),
        cmocka_unit_test(arena_survives_any_lost_allocation),
        cmocka_unit_test(bytes_fail_once_and_stay_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
