/* Statistics without a model: names, summaries, and the few decisions where titles settle what
 * similarity leaves open. */
#include "reason_offer.h"
#include "reason_support.h"

#include "reason/inside.h"

#include <time.h>

static const eddy_operation *ops;
static size_t n_ops;

/* A pass of a reasoner that is new each time: nothing may hang on what it remembers. */
static void pass(const struct made *m, eddy_arena *arena)
{
    eddy_reasoner *r = reasoner_new(NULL, NULL);
    n_ops = made_pass(r, m, arena, &ops);
    for (size_t i = 0; i < n_ops; i++)
        if (offer_denies(&m->view, &ops[i]))
            fail_msg("operation %zu: %s", i, offer_denies(&m->view, &ops[i]));
    eddy_reasoner_free(r);
}

/* As the engine would: the picture takes what it was given. */
static void given(struct made *m, size_t i)
{
    eddy_event *picture = &m->events[i].picture;
    picture->version++;
    for (size_t k = 0; k < n_ops; k++) {
        if (ops[k].event != picture->id || ops[k].kind != EDDY_OPERATION_DESCRIBE)
            continue;
        if (ops[k].name.n) {
            picture->name = ops[k].name;
            picture->named_by = EDDY_STATISTICS;
        }
        picture->summary = ops[k].summary;
        picture->described_by = EDDY_STATISTICS;
    }
}

TEST(an_event_gets_a_name_and_a_sentence)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    made_event(m, 7, 43, quake, quake_words);
    pass(m, arena);
    assert_int_equal(n_ops, 1);
    assert_int_equal(ops[0].kind, EDDY_OPERATION_DESCRIBE);
    assert_int_equal(ops[0].actor, EDDY_STATISTICS);
    assert_int_equal(ops[0].event, 7);
    assert_int_equal(ops[0].event_version, 17);
    assert_string_equal(ops[0].name.at, "Strong earthquake shakes Kathmandu in Nepal");
    assert_string_equal(ops[0].summary.at,
                        "43 documents within 3 hours since 2030-03-17 14:46 UTC about nepal, "
                        "earthquake, kathmandu, such as \"Strong earthquake shakes Kathmandu in "
                        "Nepal\".");
    assert_string_equal(ops[0].evidence.at, "43 documents");
    eddy_arena_free(arena);
    free(m);
}

TEST(it_is_described_again_when_it_has_doubled_and_not_before)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    eddy_event *picture = &made_event(m, 7, 3, quake, quake_words)->picture;
    int described = 0;
    for (int size = 3; size <= 200; size++) {
        picture->size = size;
        pass(m, arena);
        described += n_ops > 0;
        assert_true(n_ops == (size == 3 || size == 6 || size == 12 || size == 24 || size == 48 ||
                              size == 96 || size == 192));
        given(m, 0);
    }
    assert_int_equal(described, 7);
    picture->size = 90; /* most of it was split off */
    pass(m, arena);
    assert_int_equal(n_ops, 1);
    assert_string_equal(ops[0].evidence.at, "from 192 to 90 documents");
    eddy_arena_free(arena);
    free(m);
}

TEST(a_name_that_still_fits_stays)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    eddy_event *picture = &made_event(m, 7, 10, quake, quake_words)->picture;
    pass(m, arena);
    given(m, 0);
    picture->size = 20;
    picture->exemplars[0].title = text_of("Kathmandu, Nepal: the earthquake in pictures");
    pass(m, arena);
    assert_int_equal(n_ops, 1);
    assert_int_equal(ops[0].name.n, 0); /* what is empty stays as it was */
    given(m, 0);
    picture->size = 40; /* the event is about something else now */
    picture->keywords[0].word = text_of("aid");
    picture->keywords[1].word = text_of("donors");
    picture->keywords[2].word = text_of("pledge");
    picture->exemplars[0].title = text_of("Donors pledge aid worth millions");
    pass(m, arena);
    assert_int_equal(n_ops, 1);
    assert_string_equal(ops[0].name.at, "Donors pledge aid worth millions");
    eddy_arena_free(arena);
    free(m);
}

TEST(the_title_that_says_most_is_the_name)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    made_event(m, 7, 10,
               TITLES("Live updates", "What we know so far", "Nepal earthquake: Kathmandu in ruins",
                      "Nepal earthquake Kathmandu newest"),
               quake_words);
    made_event(m, 8, 10, TITLES("Update"), strike_words);
    made_event(m, 9, 10, TITLES(""), strike_words);
    made_event(m, 10, 10, TITLES("A <b>bold</b> claim, see https://evil.example/x"), NULL);
    made_event(m, 11, 10, TITLES(""), NULL);
    pass(m, arena);
    assert_int_equal(n_ops, 5);
    assert_string_equal(ops[0].name.at, "Nepal earthquake: Kathmandu in ruins");
    assert_string_equal(ops[1].name.at, "Update (airline, strike, pilots)");
    assert_string_equal(ops[2].name.at, "airline, strike, pilots");
    assert_string_equal(ops[3].name.at, "A bold claim, see");
    assert_int_equal(ops[4].name.n, 0);
    eddy_arena_free(arena);
    free(m);
}

TEST(what_others_have_named_or_pinned_or_what_is_small_is_left_alone)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    made_event(m, 1, 2, quake, quake_words);
    made_event(m, 2, 10, quake, quake_words)->picture.pinned = 1;
    made_event(m, 3, 10, quake, quake_words)->picture.described_by = EDDY_LLM;
    made_event(m, 4, 10, quake, quake_words)->picture.state = EDDY_STATE_FADED;
    made_event(m, 5, 10, quake, quake_words)->picture.named_by = EDDY_PERSON;
    pass(m, arena);
    assert_int_equal(n_ops, 1); /* a sentence, but no other name */
    assert_int_equal(ops[0].event, 5);
    assert_int_equal(ops[0].name.n, 0);
    assert_true(ops[0].summary.n > 0);
    eddy_arena_free(arena);
    free(m);
}

/* ---- decisions ---- */

TEST(a_close_case_with_the_same_titles_is_merged)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    eddy_view_doubt *d = made_doubt(m, EDDY_DOUBT_SAME, 7, 9, 0.45, quake, quake_too);
    pass(m, arena);
    assert_int_equal(n_ops, 1);
    assert_int_equal(ops[0].kind, EDDY_OPERATION_MERGE);
    assert_int_equal(ops[0].event, 7); /* ten documents go to twenty */
    assert_int_equal(ops[0].other, 9);
    assert_int_equal(ops[0].event_version, 17);
    assert_int_equal(ops[0].other_version, 19);
    d->sides[0].documents = 30;
    pass(m, arena);
    assert_int_equal(ops[0].event, 9);
    assert_int_equal(ops[0].event_version, 19);
    d->doubt.similarity = 0.285; /* below what repair would leave together */
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    d->doubt.similarity = 0.295;
    d->doubt.yes = 0.3;
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    d->doubt.yes = 0.45;
    d->doubt.asked = 1; /* somebody has answered */
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    d->doubt.asked = 0;
    for (size_t i = 0; i < m->n_members; i++) /* the same headline, a week later */
        m->members[i].time_ms -= m->members[i].event == 9 ? 7 * 24 * HOUR : 0;
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    eddy_arena_free(arena);
    free(m);
}

TEST(other_titles_are_not_merged)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    made_doubt(m, EDDY_DOUBT_SAME, 7, 9, 0.5, quake, strike);
    made_doubt(m, EDDY_DOUBT_SAME, 1, 2, 0.5, TITLES("Weather"), TITLES("Weather"));
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    eddy_arena_free(arena);
    free(m);
}

TEST(of_two_merges_of_one_event_the_second_waits)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    made_doubt(m, EDDY_DOUBT_SAME, 7, 9, 0.45, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_SAME, 9, 11, 0.45, quake, quake_too);
    pass(m, arena);
    assert_int_equal(n_ops, 1);
    eddy_arena_free(arena);
    free(m);
}

TEST(sides_without_a_common_word_are_split)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    static const char *const other[] = {"Pilots of one airline go on strike",
                                        "Union rejects pay offer by airline bosses", NULL};
    eddy_view_doubt *d = made_doubt(m, EDDY_DOUBT_WHOLE, 7, 0, 0.45, quake, other);
    d->doubt.similarity = 0.292;
    pass(m, arena);
    assert_int_equal(n_ops, 1);
    assert_int_equal(ops[0].kind, EDDY_OPERATION_SPLIT);
    assert_int_equal(ops[0].event, 7);
    assert_int_equal(ops[0].event_version, 17);
    assert_int_equal(ops[0].n_groups, 1);
    assert_int_equal(ops[0].groups[0], 700);
    d->sides[0].documents = 2;
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    d->sides[0].documents = 10;
    d->doubt.similarity = 0.31;
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    d->doubt.similarity = 0.292;
    d->sides[1] = made_side(m, 7, 20, quake_too);
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    eddy_arena_free(arena);
    free(m);
}

TEST(a_document_in_the_wrong_place_is_moved_where_its_title_stands)
{
    struct made *m = made_new();
    eddy_arena *arena = eddy_arena_new(0);
    eddy_view_doubt *d =
        made_place(m, "Pilots of the airline go on strike on Monday evening", 7, 8, quake, strike);
    d->doubt.similarity = 0.31;
    pass(m, arena);
    assert_int_equal(n_ops, 1);
    assert_int_equal(ops[0].kind, EDDY_OPERATION_REASSIGN);
    assert_int_equal(ops[0].event, 7);
    assert_int_equal(ops[0].other, 8);
    assert_int_equal(ops[0].position, 777);
    d->document.similarity = 0.27F; /* it is not that far from its own */
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    d->document.similarity = 0.2F;
    d->document.title = text_of("Something else altogether happened here");
    pass(m, arena);
    assert_int_equal(n_ops, 0);
    eddy_arena_free(arena);
    free(m);
}

/* To reach: 10,000 events in less than a second. */
TEST(ten_thousand_events_take_less_than_a_second)
{
    enum { N = 10000 };
    struct made *one = made_new();
    eddy_view_event *sample = made_event(one, 1, 43, quake, quake_words);
    eddy_view_doubt *doubt = made_doubt(one, EDDY_DOUBT_SAME, 1, 2, 0.45, quake, strike);
    eddy_view_event *events = calloc(N, sizeof *events);
    eddy_view_doubt *doubts = calloc(N, sizeof *doubts);
    for (size_t i = 0; i < N; i++) {
        events[i] = *sample;
        events[i].picture.id = 1 + i;
        doubts[i] = *doubt;
        doubts[i].doubt.event = 1 + i;
        doubts[i].doubt.other = 2 + i;
        doubts[i].doubt.kind = (eddy_doubt_kind)(i % 3);
    }
    eddy_view view = one->view;
    view.events = events;
    view.doubts = doubts;
    view.n_events = view.n_doubts = N;
    eddy_reasoner *r = reasoner_new(NULL, NULL);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    clock_t start = clock();
    CHECK_OK(eddy_reasoner_pass(r, &view, 0, 0, arena, &ops, &n_ops, &err), &err);
    double ms = 1000.0 * (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("%.0f ms for %d events and as many doubts\n", ms, N);
    assert_int_equal(n_ops, N);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(ms < 1000);
#endif
    eddy_arena_free(arena);
    eddy_reasoner_free(r);
    free(events);
    free(doubts);
    free(one);
}

/* ---- text ---- */

TEST(text_for_people_is_one_plain_line)
{
    static const struct {
        const char *text, *plain;
    } cases[] = {
        {"Earthquake in Nepal", "Earthquake in Nepal"},
        {"  two\n lines\tand  blanks ", "two lines and blanks"},
        {"\xe2\x80\xaereversed\xe2\x80\xac", "reversed"},
        {"zero\xe2\x80\x8bwidth\xef\xbb\xbf", "zerowidth"},
        {"e\xcc\x81tude", "\xc3\xa9tude"},
        {"a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81z", "\xc3\xa1\xcc\x81\xcc\x81z"},
        {"bell\x07 and \x1b[31mred", "bell and [31mred"},
        {"tag\xf3\xa0\x81\x81\xf3\xa0\x81\x82s", "tags"},
        {"\"quoted\"", "quoted"},
        {"\"a\" and \"b\"", "\"a\" and \"b\""},
        {"**bold** claim", "bold** claim"},
        {"# Heading", "Heading"},
        {"see [the page](https://evil.example/x) now", "see the page now"},
        {"![pixel](https://evil.example/x.png)", "pixel"},
        {"[a](b", "a"},
        {"https://evil.example/", ""},
        {"go to https://evil.example/?q=1 now", "go to now"},
        {"go to WWW.evil.example now", "go to now"},
        {"go to (www.evil.example) now", "go to now"},
        {"go to evil.example/login now", "go to now"},
        {"mail boss@evil.example now", "mail now"},
        {"javascript:alert(1)", ""},
        {"ht<b></b>tp://evil.example", "ht"},
        {"ht[tp://evil.example](x)", ""},
        {"<script>alert(1)</script>", "alert(1)"},
        {"a <img src=x onerror=alert(1)", "a"},
        {"temperature < 5 and > 3", "temperature < 5 and > 3"},
        {"Booking.com outage", "Booking.com outage"},
        {"AC/DC and TCP/IP 1.5/2.5", "AC/DC and TCP/IP 1.5/2.5"},
        {"Node.js 18", "Node.js 18"},
        {"\xff\xfe broken", "broken"},
        {"", ""},
    };
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eddy_str got;
        assert_int_equal(ed_plain(text_of(cases[i].text), 80, 200, arena, &got, NULL), EDDY_OK);
        assert_string_equal(got.at, cases[i].plain);
        eddy_str again;
        assert_int_equal(ed_plain(got, 80, 200, arena, &again, NULL), EDDY_OK);
        assert_int_equal(again.n, got.n);
    }
    eddy_arena_free(arena);
}

TEST(any_bytes_become_a_plain_line_within_its_ceilings)
{
    static const char *const pieces[] = {"http://",
                                         "www.",
                                         "[a](",
                                         ")",
                                         "<a ",
                                         ">",
                                         "\"",
                                         "](",
                                         "\xe2\x80\xae",
                                         "\xcc\x81",
                                         "e",
                                         " ",
                                         "\xe6\x97\xa5",
                                         "example.com/",
                                         "@",
                                         "javascript:",
                                         "\x01",
                                         "\xf0"};
    uint64_t seed = test_seed();
    eddy_arena *arena = eddy_arena_new(0);
    char text[6000];
    for (int round = 0; round < 3000; round++) {
        size_t n = 0;
        for (uint64_t k = test_random(&seed) % (round % 50 ? 30 : 600); k; k--) {
            const char *piece = pieces[test_random(&seed) % (sizeof pieces / sizeof *pieces)];
            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        }
        eddy_str got;
        assert_int_equal(ed_plain((eddy_str){text, n}, 80, 200, arena, &got, NULL), EDDY_OK);
        assert_true(got.n <= 200);
        if (!offer_plain(got, 80))
            fail_msg("\"%.*s\" became \"%s\"", (int)n, text, got.at);
    }
    eddy_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_gets_a_name_and_a_sentence),
        cmocka_unit_test(it_is_described_again_when_it_has_doubled_and_not_before),
        cmocka_unit_test(a_name_that_still_fits_stays),
        cmocka_unit_test(the_title_that_says_most_is_the_name),
        cmocka_unit_test(what_others_have_named_or_pinned_or_what_is_small_is_left_alone),
        cmocka_unit_test(a_close_case_with_the_same_titles_is_merged),
        cmocka_unit_test(other_titles_are_not_merged),
        cmocka_unit_test(of_two_merges_of_one_event_the_second_waits),
        cmocka_unit_test(sides_without_a_common_word_are_split),
        cmocka_unit_test(a_document_in_the_wrong_place_is_moved_where_its_title_stands),
        cmocka_unit_test(ten_thousand_events_take_less_than_a_second),
        cmocka_unit_test(text_for_people_is_one_plain_line),
        cmocka_unit_test(any_bytes_become_a_plain_line_within_its_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
