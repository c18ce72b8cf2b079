/* WordPiece on a small vocabulary; the real one is compared in embed_reference. */
#include "test.h"

#include "embed/wordpiece.h"

static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" /* 0 to 4 */
                            "un\n##aff\n##able\nhello\nworld\n"    /* 5 to 9 */
                            "!\n,\n[\n]\nunaffable\n"              /* 10 to 14 */
                            "##a\na\n\xE4\xB8\xAD\n\xC3\xA9\nE\n"  /* 15 to 19 */
                            "i\n##\xCC\x87\n$\nse\n##p";           /* 20 to 24 */
enum { UNK = 1, CLS, SEP };

static const struct ed_fold_flags uncased = {1, 1, 1};

static struct ed_wordpiece *words_new(struct ed_fold_flags flags)
{
    struct ed_wordpiece *words = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_wordpiece_new(vocab, sizeof vocab - 1, &flags, "vocab.txt", &words, &err), &err);
    return words;
}

/* The ids of n bytes, without [CLS] and [SEP], must be those of a list that ends in -1. */
static void expect(const struct ed_wordpiece *words, const char *text, size_t n, const int *ids)
{
    uint32_t got[300];
    size_t n_got = ed_wordpiece_read(words, (eddy_str){text, n}, got, 300);
    assert_int_equal(got[0], CLS);
    assert_int_equal(got[n_got - 1], SEP);
    size_t i = 0;
    for (; ids[i] >= 0; i++)
        if (i + 2 >= n_got || (int)got[i + 1] != ids[i])
            fail_msg("\"%s\": id %zu of %zu is %d, not %d", text, i, n_got - 2,
                     i + 2 < n_got ? (int)got[i + 1] : -1, ids[i]);
    assert_int_equal(n_got, i + 2);
}
#define EXPECT(words, text, ...)                                                                   \
    expect(words, text, sizeof text - 1, (const int[]){__VA_ARGS__, -1})
#define NOTHING -1

TEST(words_are_cut_into_the_longest_pieces)
{
    struct ed_wordpiece *words = words_new(uncased);
    assert_int_equal(ed_wordpiece_size(words), 25);
    EXPECT(words, "", NOTHING);
    EXPECT(words, " \t\r\n \xC2\xA0\xE3\x80\x80", NOTHING);
    EXPECT(words, "unaffable", 14);
    EXPECT(words, "unaffaffable", 5, 6, 6, 7);
    EXPECT(words, "Hello, WORLD!", 8, 11, 9, 10);
    EXPECT(words, "hello!world", 8, 10, 9);
    EXPECT(words, "unx hello", UNK, 8);
    EXPECT(words, "$a$", 22, 16, 22);
    EXPECT(words, "h\xC3\xA9llo", 8);      /* the accent goes */
    EXPECT(words, "hell\xE2\x80\x8Bo", 8); /* a zero-width space leaves no trace */
    EXPECT(words,
           "a\xE4\xB8\xAD"
           "a",
           16, 17, 16);
    EXPECT(words, "\xC4\xB0", 20); /* I with a dot: i without it */
    ed_wordpiece_free(words);
}

TEST(flags_change_how_text_is_folded)
{
    struct ed_wordpiece *words = words_new((struct ed_fold_flags){0, 0, 0});
    EXPECT(words, "Hello hello E", UNK, 8, 19);
    EXPECT(words, "\xC3\xA9", 18);
    EXPECT(words, "a\xE4\xB8\xAD", UNK); /* one word */
    ed_wordpiece_free(words);
    words = words_new((struct ed_fold_flags){1, 0, 1});
    EXPECT(words, "\xC3\x89 HELLO", 18, 8);
    EXPECT(words, "\xC4\xB0", 20, 21); /* two letters when accents stay */
    ed_wordpiece_free(words);
}

TEST(special_names_in_the_text_are_special)
{
    struct ed_wordpiece *words = words_new(uncased);
    EXPECT(words, "hello[SEP]a [CLS] [MASK][PAD] [UNK]", 8, SEP, 16, CLS, 4, 0, UNK);
    EXPECT(words, "[sep] [SEP", 12, 23, 24, 13, 12, 23, 24);
    ed_wordpiece_free(words);
}

TEST(a_word_of_a_hundred_letters_is_the_longest)
{
    struct ed_wordpiece *words = words_new(uncased);
    char text[220];
    int want[102];
    memset(text, 'a', sizeof text);
    want[0] = 16;
    for (size_t i = 1; i < 100; i++)
        want[i] = 15;
    want[100] = -1;
    expect(words, text, 100, want);
    EXPECT(words, "", NOTHING);
    expect(words, text, 101, (const int[]){UNK, -1});
    expect(words, text, 220, (const int[]){UNK, -1});
    ed_wordpiece_free(words);
}

TEST(ids_are_cut_at_the_limit)
{
    struct ed_wordpiece *words = words_new(uncased);
    const char *text = "unaffaffable hello world a ! ,";
    uint32_t all[64], some[64];
    size_t n = ed_wordpiece_read(words, (eddy_str){text, strlen(text)}, all, 64);
    assert_int_equal(n, 11);
    for (size_t max = 2; max < 20; max++) {
        size_t got = ed_wordpiece_read(words, (eddy_str){text, strlen(text)}, some, max);
        assert_int_equal(got, max < n ? max : n);
        assert_memory_equal(some, all, (got - 1) * sizeof *all);
        assert_int_equal(some[got - 1], SEP);
    }
    ed_wordpiece_free(words);
}

TEST(bytes_that_are_not_utf8_are_passed_over)
{
    struct ed_wordpiece *words = words_new(uncased);
    EXPECT(words, "hel\xFFlo\xC3", 8);
    EXPECT(words, "\xE4\xB8", NOTHING);
    EXPECT(words, "\0hel\0lo\xEF\xBF\xBD", 8);
    uint64_t seed = test_seed();
    for (size_t round = 0; round < 2000; round++) {
        char noise[64];
        uint32_t ids[40];
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)test_random(&seed);
        size_t n = ed_wordpiece_read(words, (eddy_str){noise, sizeof noise}, ids, 40);
        assert_in_range(n, 2, 40);
        for (size_t i = 0; i < n; i++)
            assert_in_range(ids[i], 0, 24);
    }
    ed_wordpiece_free(words);
}

TEST(a_line_twice_counts_where_it_stands_last)
{
    static const char twice[] = "[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\nb\r\na\r\n";
    struct ed_wordpiece *words = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_wordpiece_new(twice, sizeof twice - 1, &uncased, "v", &words, &err), &err);
    uint32_t ids[8];
    assert_int_equal(ed_wordpiece_size(words), 6);
    assert_int_equal(ed_wordpiece_read(words, (eddy_str){"a b", 3}, ids, 8), 4);
    assert_int_equal(ids[1], 5);
    assert_int_equal(ids[2], 4);
    ed_wordpiece_free(words);
}

TEST(a_vocabulary_needs_its_special_names)
{
    struct ed_wordpiece *words = NULL;
    eddy_error err = {0};
    assert_int_equal(ed_wordpiece_new("[UNK]\n[CLS]\nx", 13, &uncased, "v", &words, &err),
                     EDDY_FORMAT);
    assert_string_equal(err.text, "v: [SEP] is not among its 3 pieces");
    assert_int_equal(ed_wordpiece_new("", 0, &uncased, "v", &words, NULL), EDDY_FORMAT);
    assert_null(words);
}

TEST(it_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        struct ed_wordpiece *words = NULL;
        eddy_status st = ed_wordpiece_new(vocab, sizeof vocab - 1, &uncased, "v", &words, NULL);
        assert_true(st == EDDY_OK ? words != NULL : st == EDDY_NOMEM && !words);
        ed_wordpiece_free(words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_into_the_longest_pieces),
        cmocka_unit_test(flags_change_how_text_is_folded),
        cmocka_unit_test(special_names_in_the_text_are_special),
        cmocka_unit_test(a_word_of_a_hundred_letters_is_the_longest),
        cmocka_unit_test(ids_are_cut_at_the_limit),
        cmocka_unit_test(bytes_that_are_not_utf8_are_passed_over),
        cmocka_unit_test(a_line_twice_counts_where_it_stands_last),
        cmocka_unit_test(a_vocabulary_needs_its_special_names),
        cmocka_unit_test(it_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
