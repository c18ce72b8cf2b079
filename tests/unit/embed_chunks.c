/* Chunks of a text: between them they hold every token, in order, each behind the text's head. */
#include "test.h"

#include "embed/chunks.h"

enum { LIMIT_MAX = 512, TOKENS_MAX = ED_CHUNKS_MAX * LIMIT_MAX, FIRST = 7000000, LAST = 8000000 };

static uint32_t ids[TOKENS_MAX], chunk[LIMIT_MAX];

/* A text of n tokens, its marks included; every token is its place in the text. */
static void text_make(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ids[i] = (uint32_t)i;
    ids[0] = FIRST;
    ids[n - 1] = LAST;
}

static void chunks_check(size_t n, size_t limit)
{
    size_t count = ed_chunks_count(n, limit), seen = 0, overlap = limit / 8, head = limit / 16;
    assert_in_range(count, 2, ED_CHUNKS_MAX);
    for (size_t k = 0; k < count; k++) {
        size_t share = 0, got = ed_chunk(ids, n, limit, k, chunk, &share);
        size_t n_head = k ? head : 0;
        assert_true(got <= limit && (got == limit || k + 1 == count));
        assert_true(share && got == 2 + n_head + share);
        assert_int_equal(chunk[0], FIRST);
        assert_int_equal(chunk[got - 1], LAST);
        for (size_t i = 0; i < n_head; i++)
            assert_int_equal(chunk[1 + i], 1 + i);
        for (size_t i = 0; i < share; i++)
            assert_int_equal(chunk[1 + n_head + i], (k ? seen - overlap : 0) + 1 + i);
        size_t end = chunk[got - 2];
        assert_true(end > seen);
        seen = end;
    }
    assert_int_equal(seen, n - 2);
}

TEST(every_length_is_held_by_its_chunks)
{
    static const size_t limits[] = {16, 24, 100, 256, 512};
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        size_t most = ed_chunks_tokens(limits[l]);
        assert_in_range(most, 5 * limits[l], TOKENS_MAX);
        for (size_t n = limits[l] + 1; n <= most; n++) {
            text_make(n);
            chunks_check(n, limits[l]);
        }
        assert_int_equal(ed_chunks_count(most, limits[l]), ED_CHUNKS_MAX);
        assert_int_equal(ed_chunks_count(most + 1, limits[l]), ED_CHUNKS_MAX + 1);
    }
}

TEST(a_text_within_the_limit_is_one_chunk_as_it_is)
{
    size_t share = 0;
    for (size_t n = 2; n <= 24; n++) {
        text_make(n);
        assert_int_equal(ed_chunks_count(n, 24), 1);
        assert_int_equal(ed_chunk(ids, n, 24, 0, chunk, &share), n);
        assert_memory_equal(chunk, ids, n * sizeof *ids);
    }
}

TEST(a_limit_that_is_too_short_for_chunks_stays_the_limit)
{
    for (size_t limit = 2; limit < 16; limit++)
        assert_int_equal(ed_chunks_tokens(limit), limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_held_by_its_chunks),
        cmocka_unit_test(a_text_within_the_limit_is_one_chunk_as_it_is),
        cmocka_unit_test(a_limit_that_is_too_short_for_chunks_stays_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
