/* The hash embedder: unit length, the same bits everywhere, and likeness where it should be. */
#include "test.h"

#include "base/vector.h"
#include "embed/hash.h"

#include <math.h>

static void embed(const char *text, float *ret)
{
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    CHECK_OK(ed_hash_embed((eddy_str){text, strlen(text)}, arena, ret, &err), &err);
    eddy_arena_free(arena);
}

static double likeness(const char *a, const char *b)
{
    float x[ED_HASH_DIM], y[ED_HASH_DIM];
    embed(a, x);
    embed(b, y);
    return ed_dot(x, y, ED_HASH_DIM);
}

TEST(rows_have_length_one_or_are_zero)
{
    static const char *const texts[] = {"fire",
                                        "A river left its bed on Wednesday",
                                        "\u6771",
                                        "\u6771\u4eac\u3067\u5730\u9707",
                                        "l'\u00E9t\u00E9",
                                        "22"};
    static const char *const nothing[] = {"", " ", "the of", "... !", "a", "\xFF\xFE"};
    float row[ED_HASH_DIM];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        embed(texts[i], row);
        assert_true(fabs(ed_norm(row, ED_HASH_DIM) - 1) < 1e-6);
    }
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        embed(nothing[i], row);
        assert_true(ed_norm(row, ED_HASH_DIM) == 0);
    }
}

TEST(likeness_follows_words_and_spelling)
{
    const char *text = "Earthquake shakes the northern coast of the island";
    assert_true(fabs(likeness(text, text) - 1) < 1e-6);
    assert_true(fabs(likeness("dam breaks", "BREAKS: dam!") - 1) <
                1e-6); /* order and case do not count */
    double same_event = likeness(text, "Northern coast shaken by strong earthquakes");
    double other = likeness(text, "Parliament votes on the pension reform");
    assert_true(same_event > 0.3 && other < 0.2);
    assert_true(likeness("cancelled", "cancellation") > 0.3);
    assert_true(likeness("refiner\u00EDa", "refinerias") > 0.3);
    assert_true(likeness("\u6771\u4eac\u3067\u5730\u9707", "\u6771\u4eac\u306e\u5730\u9707") > 0.3);
}

/* Bits must not depend on the machine or the compiler; a change here is a change of the model, and
 * of its fingerprint. */
TEST(bits_are_the_same_everywhere)
{
    float row[ED_HASH_DIM];
    embed("A river left its bed on Wednesday; the river, again, and the caf\u00E9 by the river",
          row);
    assert_int_equal(ed_fnv1a(ED_FNV_BASIS, row, sizeof row), UINT64_C(0xf6ff837070d6ba84));
}

TEST(embedding_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        float row[ED_HASH_DIM];
        eddy_arena *arena = eddy_arena_new(0);
        if (!arena)
            continue;
        eddy_status st = ed_hash_embed((eddy_str){"some words", 10}, arena, row, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        eddy_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_length_one_or_are_zero),
        cmocka_unit_test(likeness_follows_words_and_spelling),
        cmocka_unit_test(bits_are_the_same_everywhere),
        cmocka_unit_test(embedding_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
