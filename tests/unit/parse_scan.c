/* A message becomes words and gaps: what is a word, what varies, what repeats. */
#include "test.h"

#include <eddy/templates.h>

static const eddy_scan *scan_n(const char *at, size_t n, eddy_arena *arena)
{
    eddy_error err = {0};
    const eddy_scan *s = NULL;
    CHECK_OK(eddy_scan_message((eddy_str){at, n}, NULL, 0, arena, &s, &err), &err);
    return s;
}

static const eddy_scan *scan(const char *message, eddy_arena *arena)
{
    return scan_n(message, strlen(message), arena);
}

/* Words as they are, and "_" for a gap, parted by blanks. */
static const char *shape(const char *message, char *ret, size_t room)
{
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_scan *s = scan(message, arena);
    size_t n = 0;
    for (unsigned i = 0; i <= s->n; i++) {
        if (i < EDDY_SCAN_WORDS && s->gaps >> i & 1)
            n += (size_t)snprintf(ret + n, room - n, "_ ");
        if (i < s->n)
            n += (size_t)snprintf(ret + n, room - n, "%.*s ", s->words[i].n,
                                  message + s->words[i].at);
    }
    ret[n ? n - 1 : 0] = 0;
    eddy_arena_free(arena);
    return ret;
}

TEST(messages_have_their_shapes)
{
    static const char *const cases[][2] = {
        /* numbers, and names with one digit behind capitals */
        {"took 17 tries, 3.5 of them", "took _ tries _ of them"},
        {"SOCKS5 via HTTP2 with MD5", "SOCKS5 via HTTP2 with _"},
        {"blk_17 x86_64 node-3", "_"},
        /* paths, hosts, classes */
        {"open /var/log/x failed", "open _ failed"},
        {"open a/b/c or c:\\d\\e but and/or", "open _ or c _ but and/or"},
        {"proxy.cse.example.hk is up, also example.com", "_ is up also _"},
        {"java.io.IOException: broken", "java.io.IOException broken"},
        {"a.b.SOME_CODE dfs.DataNode", "a.b.SOME_CODE dfs.DataNode"},
        {"load at 50% of x@y.org @home", "load at _ of _ @home"},
        {"face deadbeef decade", "face _ decade"},
        /* what is joined by colons */
        {"at 12:30:45.123 from 00:1a:2b:3c:4d:5e", "at _ from _"},
        {"fe80:0:0:1 and 10:20 or a:b", "_ and _ or a b"},
        /* edges */
        {"*** 'done'!! --- (really) [no] ...", "*** done really no"},
        {"waiting....done", "waiting done"},
        {"**", ""},
        /* keys and values */
        {"user=root tty=ssh0 ok=true x=null", "user _ tty _ ok true x _"},
        {"msg=\"connection refused\" path=\"a b c\" n=", "msg connection refused path _ n"},
        {"action=ACTION_DOWN state=failed state=busy", "action ACTION_DOWN state failed state _"},
        {"a=b=c", "a b _"},
        {"r1=2", "_"},
        /* units and dates */
        {"in 5 ms, 10 kb/s or s", "in _ kb/s or s"},
        {"on Mon Jun 5 10:00 UTC it may be", "on _ it may be"},
        /* repetition */
        {"a 1, a 2, a 3", "a _"},
        {"x y x y x y z", "x y z"},
        {"a b c a b c a", "a b c a"},
        /* scripts without blanks */
        {"\xe7\x94\xa8\xe6\x88\xb7"
         "17"
         "\xe5\xa4\xb1\xe8\xb4\xa5",
         "\xe7\x94\xa8\xe6\x88\xb7 _ \xe5\xa4\xb1\xe8\xb4\xa5"},
        {"\xe7\x94\xa8\xef\xbc\x9a\xe6\x88\xb7\xe3\x80\x82", "\xe7\x94\xa8 \xe6\x88\xb7"},
        {"caf\xc3\xa9 \xd0\xb4\xd0\xb0", "caf\xc3\xa9 \xd0\xb4\xd0\xb0"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[200];
        assert_string_equal(shape(cases[i][0], got, sizeof got), cases[i][1]);
    }
}

TEST(words_have_their_flags)
{
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_scan *s = scan("Failed password for root key=x half-open error", arena);
    static const uint8_t expected[] = {0,
                                       EDDY_WORD_CANDIDATE,
                                       EDDY_WORD_CANDIDATE,
                                       EDDY_WORD_CANDIDATE | EDDY_WORD_AFTER,
                                       EDDY_WORD_KEY,
                                       EDDY_WORD_CANDIDATE | EDDY_WORD_IDENTIFIER,
                                       0};
    assert_int_equal(s->n, sizeof expected);
    assert_memory_equal(s->flags, expected, sizeof expected);
    /* "for" is followed by what it is for: not by the word behind that. */
    s = scan("sent for 17 root", arena);
    assert_int_equal(s->flags[2], EDDY_WORD_CANDIDATE);
    eddy_arena_free(arena);
}

TEST(polar_words_are_told_whatever_their_form)
{
    eddy_arena *arena = eddy_arena_new(0);
    uint64_t failed = scan("it failed", arena)->polar;
    assert_int_equal(scan("a FAILURE of it", arena)->polar, failed);
    assert_int_not_equal(scan("it succeeded", arena)->polar, failed);
    assert_int_equal(scan("nothing of that kind", arena)->polar, 0);
    assert_int_equal(scan("debug", arena)->polar, EDDY_POLAR_DEBUG);
    assert_int_equal(scan("Info", arena)->polar, EDDY_POLAR_INFO);
    assert_int_equal(scan("WARN", arena)->polar, EDDY_POLAR_WARNING);
    assert_int_equal(scan("errors", arena)->polar, EDDY_POLAR_ERROR);
    assert_int_equal(scan("critical", arena)->polar, EDDY_POLAR_CRITICAL);
    assert_int_equal(scan("fatal", arena)->polar, EDDY_POLAR_FATAL);
    eddy_arena_free(arena);
}

/* Published, so for ever: the same on every machine, whatever the compiler. */
TEST(signatures_are_the_same_everywhere)
{
    static const struct {
        const char *message;
        uint64_t signature;
    } cases[] = {
        {"PacketResponder 1 for block blk_38865049064139660 terminating",
         UINT64_C(0x4f188d8cdb97ac40)},
        {"", UINT64_C(0x656d7074796c6f67)},
        {"17", UINT64_C(0x7661726961626c65)},
        {"java.io.IOException: a-very-long-word-that-has-more-than-16-bytes.of.its_own",
         UINT64_C(0x90ed0a15f0a34d76)},
    };
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(scan(cases[i].message, arena)->signature, cases[i].signature);
    eddy_arena_free(arena);
}

TEST(names_are_part_of_a_signature)
{
    static const eddy_str names[] = {{"IOException", 11}, {"NullPointerException", 20}};
    static const eddy_str turned[] = {{"NullPointerException", 20}, {"IOException", 11}};
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_scan *s[4];
    eddy_str message = {"request failed", 14};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(eddy_scan_message(message, names, i, arena, &s[i], NULL), EDDY_OK);
    assert_int_equal(eddy_scan_message(message, turned, 2, arena, &s[3], NULL), EDDY_OK);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(s[i]->signature, s[j]->signature);
    assert_int_not_equal(s[1]->signature, scan("request failed IOException", arena)->signature);
    assert_int_equal(s[1]->n, 2);
    eddy_arena_free(arena);
}

TEST(words_beyond_the_kept_ones_count_too)
{
    char a[1200] = "", b[1200], word[8];
    for (int i = 0; i < 100; i++) {
        snprintf(word, sizeof word, "%c%c%c ", 'g' + i % 15, 'h' + i / 15, 'q' + i % 7);
        strcat(a, word);
    }
    strcpy(b, a);
    b[395] = 'Z';
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_scan *x = scan(a, arena), *y = scan(b, arena);
    assert_int_equal(x->n, EDDY_SCAN_WORDS);
    assert_int_not_equal(x->signature, y->signature);
    assert_int_not_equal(x->rest, y->rest);
    assert_memory_equal(x->hashes, y->hashes, x->n * sizeof *x->hashes);
    eddy_arena_free(arena);
}

/* Nor does what stands behind it in memory, or where it stands. */
TEST(only_the_bytes_of_a_message_count)
{
    static const char text[] =
        "user alice logged in at 12:30:45 from host-7 with key=abc and more words";
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t n = 0; n < sizeof text; n++) {
        char *exact = malloc(n ? n : 1);
        memcpy(exact, text, n);
        assert_int_equal(scan_n(exact, n, arena)->signature, scan_n(text, n, arena)->signature);
        free(exact);
    }
    eddy_arena_free(arena);
}

TEST(a_full_arena_is_said)
{
    eddy_arena *arena = eddy_arena_new(64);
    const eddy_scan *s = NULL;
    eddy_error err = {0};
    assert_int_equal(eddy_scan_message((eddy_str){"a b c", 5}, NULL, 0, arena, &s, &err),
                     EDDY_NOMEM);
    assert_null(s);
    eddy_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_have_their_shapes),
        cmocka_unit_test(words_have_their_flags),
        cmocka_unit_test(polar_words_are_told_whatever_their_form),
        cmocka_unit_test(signatures_are_the_same_everywhere),
        cmocka_unit_test(names_are_part_of_a_signature),
        cmocka_unit_test(words_beyond_the_kept_ones_count_too),
        cmocka_unit_test(only_the_bytes_of_a_message_count),
        cmocka_unit_test(a_full_arena_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
