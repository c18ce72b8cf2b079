/* Text cleaning: what goes, what stays, and that once is enough. */
#include "test.h"

#include "base/utf8.h"
#include "parse/clean.h"

#include <time.h>
#include <utf8proc.h>

typedef eddy_status cleaner(const char *, size_t, eddy_arena *, eddy_str *, eddy_error *);

static eddy_str run(cleaner *clean, const char *s, size_t n, eddy_arena *arena)
{
    eddy_str ret = {NULL, 0};
    eddy_error err = {0};
    CHECK_OK(clean(s, n, arena, &ret, &err), &err);
    assert_true(ret.n == 0 ? ret.at == NULL : ret.at[ret.n] == 0);
    return ret;
}

struct example {
    const char *in, *out;
};

static void check(cleaner *clean, const struct example *examples, size_t n)
{
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < n; i++) {
        eddy_str out = run(clean, examples[i].in, strlen(examples[i].in), arena);
        assert_string_equal(out.n ? out.at : "", examples[i].out);
    }
    eddy_arena_free(arena);
}
#define CHECK_ALL(clean, examples) check(clean, examples, sizeof examples / sizeof *examples)

TEST(tags_go_and_what_is_no_tag_stays)
{
    static const struct example examples[] = {
        {"plain text", "plain text"},
        {"<p>One</p><p>Two</p>", "One Two"},
        {"A<br>B<BR/>C<br />D", "A B C D"},
        {"<b>H</b>ello <a href=\"x?a=1&amp;b=2\">Apple</a>'s", "Hello Apple's"},
        {"<img alt=\"a > b\" src='y'>picture", "picture"},
        {"<a href=x title=\"never closed>here</a>", "here"},
        {"<div\nclass=\"c\"\n>in</div\n>out", "in out"},
        {"a < b and c > d", "a < b and c > d"},
        {"a <b", "a <b"},
        {"1<2>1", "1<2>1"},
        {"usage: run <unknown> <file>", "usage: run <unknown> <file>"},
        {"mail <bob@example.org> or <https://example.org/>",
         "mail <bob@example.org> or <https://example.org/>"},
        {"I <3 you <p", "I <3 you <p"},
        {"std::vector<int> v; List<String> s", "std::vector<int> v; List<String> s"},
        {"<blockquotes>x</blockquotes>", "<blockquotes>x</blockquotes>"},
        {"before<!-- <b>gone</b> -->after", "before after"},
        {"<!-- never closed", "<!-- never closed"},
        {"<!DOCTYPE html><html><body>page</body></html>", "page"},
        {"a<script>if (a < b) { x(\"</p>\"); }</script>b", "a b"},
        {"a<STYLE type=x>p { color: red }</Style >b", "a b"},
        {"how do I use <script> here?", "how do I use here?"},
        {"<<b>b>twice", "twice"},
        {"<p>  </p>", ""},
        {"<>", "<>"},
        {"</>", "</>"},
    };
    CHECK_ALL(ed_clean_text, examples);
}

TEST(references_are_resolved_and_broken_ones_stay)
{
    static const struct example examples[] = {
        {"Caf&eacute; &amp; Bar", "Café & Bar"},
        {"AT&T R&D; a&b;c", "AT&T R&D; a&b;c"},
        {"&#39;&#x27;&#X27;&#0000000039;", "''''"},
        {"&#146;tis &#8220;so&#8221;", "’tis “so”"},
        {"&#128512;", "😀"},
        {"&#0; &#xD800; &#x110000; &#; &#x; &# 39; &#99999999999999;",
         "&#0; &#xD800; &#x110000; &#; &#x; &# 39; &#99999999999999;"},
        {"&nbsp;a&nbsp;&nbsp;b&nbsp;", "a b"},
        {"&unknown; &AMP; &amp", "&unknown; &AMP; &amp"},
        {"5 &lt; 6 &gt; 4", "5 < 6 > 4"},
        {"&amp;lt;b&amp;gt;bold&amp;lt;/b&amp;gt;", "bold"},
        {"&frac12; &copy; &trade; &hellip;", "1⁄2 © TM ..."},
        {"&Zuml;&zwnj;x&shy;y", "&Zuml;xy"},
    };
    CHECK_ALL(ed_clean_text, examples);
}

TEST(unseen_characters_go_and_spellings_become_one)
{
    static const struct example examples[] = {
        {" \t two\r\n\r\nlines\v\f ", "two lines"},
        {"zero\u200Bwidth\uFEFF joi\u200Dner", "zerowidth joiner"},
        {"\u202Eright\u202C \u2066left\u2069", "right left"},
        {"no\u00A0break\u3000wide\u2028line\xC2\x85next", "no break wide line next"},
        {"bell\a null\x01 del\x7F.", "bell null del ."},
        {"\033[1;31mred\033[0m \033]0;title\atext\033(B \033x", "red text x"},
        {"e\u0301 \uFF26\uFF35\uFF2C\uFF2C \uFB01ne \u2460", "é FULL fine 1"},
        {"\uFF1Cb\uFF1Efull width", "full width"},
        {"\u1112\u1161\u11AB \u304B\u3099", "한 が"},
        {"\u200B\u200B", ""},
        {"", ""},
    };
    CHECK_ALL(ed_clean_text, examples);
}

TEST(log_lines_keep_all_but_controls)
{
    static const struct example examples[] = {
        {"  GET /a?x=1&amp;y=2 <b>  500\t\t12ms\r\n", "GET /a?x=1&amp;y=2 <b> 500 12ms"},
        {"\033[32mINFO\033[0m ok", "INFO ok"},
        {"\uFF26 \u2460 \uFB01", "\uFF26 \u2460 \uFB01"},
        {"a\u200Bb\u00A0c", "a\u200Bb c"},
        {"\t\n", ""},
    };
    CHECK_ALL(ed_clean_line, examples);
}

TEST(composition_agrees_with_the_library_for_every_character)
{
    eddy_arena *arena = eddy_arena_new(0);
    for (int32_t c = 0xA0; c < 0x31400; c++) {
        const utf8proc_property_t *property = utf8proc_get_property(c);
        if ((c >= 0xD800 && c < 0xE000) || property->ignorable ||
            property->category == UTF8PROC_CATEGORY_ZS ||
            property->category == UTF8PROC_CATEGORY_ZL ||
            property->category == UTF8PROC_CATEGORY_ZP)
            continue;
        char text[16] = "xe";
        size_t n = 2 + ed_utf8_put(c, text + 2);
        n += ed_utf8_put(0x301, text + n);
        text[n++] = 'z';
        text[n] = 0;
        eddy_str once = run(ed_clean_text, text, n, arena);
        char *library = (char *)utf8proc_NFKC((const utf8proc_uint8_t *)text);
        if (!strchr(library, ' ') && !strpbrk(library, "<&"))
            assert_string_equal(once.at, library);
        free(library);
        eddy_str twice = run(ed_clean_text, once.at, once.n, arena);
        assert_string_equal(once.at, twice.at);
        eddy_arena_reset(arena);
    }
    eddy_arena_free(arena);
}

/* Random texts from the pieces that cleaning treats. */
static size_t mixed(uint64_t *seed, char *ret, size_t room)
{
    static const char *const pieces[] = {
        "<",         ">",      "&",      ";",          "<b>",    "</b>",   "<p",     "<script>",
        "</script>", "<!--",   "-->",    "&amp;",      "&lt;",   "&gt;",   "amp;",   "lt;",
        "#60;",      "&#x3c;", "\"",     "='",         " ",      "\t",     "a",      "b",
        "script",    "\033[",  "\033]",  "m",          "\a",     "\u200B", "\u0301", "\u0323",
        "\u0344",    "\uFF1C", "\uFF1E", "\uFF06",     "e",      "\u1112", "\u1161", "\u11AB",
        "\u00A8",    "\uFDFA", "\u09C7", "\u09BE",     "東",     "\u3099", "\u00AD", "\u0338",
        "\n",        "!",      "/",      "\U0001D160", "\uFB2C", "\u05BC"};
    size_t n = 0;
    for (size_t k = test_random(seed) % 40; k > 0; k--) {
        const char *piece = pieces[test_random(seed) % (sizeof pieces / sizeof *pieces)];
        size_t size = strlen(piece);
        if (n + size > room)
            break;
        memcpy(ret + n, piece, size);
        n += size;
    }
    return n;
}

TEST(cleaning_twice_is_cleaning_once)
{
    uint64_t seed = test_seed();
    eddy_arena *arena = eddy_arena_new(0);
    for (int i = 0; i < 300000; i++) {
        char text[256];
        size_t n = mixed(&seed, text, sizeof text);
        cleaner *clean = i % 4 ? ed_clean_text : ed_clean_line;
        eddy_str once = run(clean, text, n, arena);
        eddy_str twice = run(clean, once.at, once.n, arena);
        if (once.n != twice.n || memcmp(once.n ? once.at : "", twice.n ? twice.at : "", once.n))
            fail_msg("case %d: \"%.*s\" -> \"%s\" -> \"%s\"", i, (int)n, text, once.at, twice.at);
        assert_int_equal(ed_utf8_valid(once.at, once.n), once.n);
        eddy_arena_reset(arena);
    }
    eddy_arena_free(arena);
}

/* Inputs that would be slow in a cleaner that looks ahead without bound. */
TEST(no_text_of_a_megabyte_is_slow)
{
    static const char *const units[] = {"<script>",
                                        "<!--",
                                        "<b x=\"",
                                        "<a ",
                                        "</style",
                                        "&amp;",
                                        "&",
                                        "<",
                                        "\033[1;1;",
                                        "\033]x",
                                        "\u0301",
                                        "\u0301\u0323",
                                        "<b x='>",
                                        "&#1",
                                        "\uFDFA",
                                        "<<b>b>",
                                        "\u1161",
                                        "<script></b>",
                                        "&amp;amp;lt;",
                                        "<style></script>"};
    size_t n = (size_t)1 << 20;
    char *text = malloc(n);
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t size = strlen(units[i]), whole = n / size * size;
        for (size_t k = 0; k < whole; k++)
            text[k] = units[i][k % size];
        clock_t start = clock();
        run(ed_clean_text, text, whole, arena);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (seconds > 10) /* a quadratic one takes minutes; sanitizers are slow as well */
            fail_msg("\"%s\" repeated takes %.1f s", units[i], seconds);
        eddy_arena_reset(arena);
    }
    eddy_arena_free(arena);
    free(text);
}

TEST(cleaning_survives_any_lost_allocation)
{
    static const char text[] = "<p>Caf&eacute; e\u0301 &amp;lt; <<b>b> \u200B end</p>";
    EACH_ALLOC_FAILS (k) {
        eddy_str ret = {NULL, 0};
        eddy_arena *arena = eddy_arena_new(0);
        if (!arena)
            continue;
        eddy_status st = ed_clean_text(text, sizeof text - 1, arena, &ret, NULL);
        assert_true(st == EDDY_OK ? strcmp(ret.at, "Café é < end") == 0
                                  : st == EDDY_NOMEM && ret.at == NULL);
        eddy_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_go_and_what_is_no_tag_stays),
        cmocka_unit_test(references_are_resolved_and_broken_ones_stay),
        cmocka_unit_test(unseen_characters_go_and_spellings_become_one),
        cmocka_unit_test(log_lines_keep_all_but_controls),
        cmocka_unit_test(composition_agrees_with_the_library_for_every_character),
        cmocka_unit_test(cleaning_twice_is_cleaning_once),
        cmocka_unit_test(no_text_of_a_megabyte_is_slow),
        cmocka_unit_test(cleaning_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
