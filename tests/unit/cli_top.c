/* The live view, without a terminal: curves, inbox, roster, the page of an event, growing files. */
#include "test.h"

#include "cli/tail.h"
#include "cli/top.h"

#include <locale.h>
#include <unistd.h>

#define HOUR ((int64_t)3600000)
#define DAY0 ((int64_t)1936483200000) /* 2031-05-14 00:00 UTC */

/* ---- curves ---- */

TEST(a_curve_tells_what_came_in_each_interval)
{
    struct ed_curve curve = {0};
    double counts[4];
    char text[13];
    assert_true(ed_curve_put(&curve, DAY0, 1));
    assert_true(ed_curve_put(&curve, DAY0 + HOUR, 3));
    assert_true(ed_curve_put(&curve, DAY0 + 3 * HOUR, 11));
    assert_true(ed_curve_by(&curve, DAY0 - 1) == 0);
    assert_true(ed_curve_by(&curve, DAY0 + 2 * HOUR) == 7); /* halfway */
    assert_true(ed_curve_by(&curve, DAY0 + 99 * HOUR) == 11);
    ed_curve_counts(&curve, DAY0 + 3 * HOUR, HOUR, counts, 4);
    assert_true(counts[0] == 1 && counts[1] == 2 && counts[2] == 4 && counts[3] == 4);
    assert_string_equal(ed_curve_text(counts, 4, text), "\u2582\u2584\u2588\u2588");
    counts[0] = counts[3] = 0;
    assert_string_equal(ed_curve_text(counts, 4, text), " \u2584\u2588 ");
    ed_curve_clear(&curve);
}

TEST(what_leaves_an_event_leaves_all_of_its_curve_in_proportion)
{
    struct ed_curve curve = {0};
    assert_true(ed_curve_put(&curve, DAY0, 10) && ed_curve_put(&curve, DAY0 + HOUR, 20));
    assert_true(ed_curve_put(&curve, DAY0 + 2 * HOUR, 5));
    assert_true(ed_curve_by(&curve, DAY0) == 2.5 && ed_curve_by(&curve, DAY0 + 2 * HOUR) == 5);
    ed_curve_clear(&curve);
}

TEST(joined_curves_have_the_sum_of_both_at_any_time)
{
    struct ed_curve a = {0}, b = {0};
    assert_true(ed_curve_put(&a, DAY0, 2) && ed_curve_put(&a, DAY0 + 4 * HOUR, 6));
    assert_true(ed_curve_put(&b, DAY0 + HOUR, 1) && ed_curve_put(&b, DAY0 + 2 * HOUR, 5));
    assert_true(ed_curve_join(&a, &b));
    assert_true(ed_curve_by(&a, DAY0 + HOUR) == 3 + 1);
    assert_true(ed_curve_by(&a, DAY0 + 2 * HOUR) == 4 + 5);
    assert_true(ed_curve_sum(&a) == 11);
    ed_curve_clear(&a);
    ed_curve_clear(&b);
}

/* Whatever comes, the curve is bounded, ascends, ends with what was told last, and is exact for the
 * last hours. */
TEST(a_long_curve_stays_small_and_fine_at_its_end)
{
    struct ed_curve curve = {0};
    uint64_t seed = test_seed();
    double n = 0, hour_before = 0;
    int64_t at = DAY0;
    for (int i = 0; i < 10000; i++) {
        at += 1 + (int64_t)(test_random(&seed) % (2 * HOUR));
        hour_before = n;
        n += (double)(test_random(&seed) % 5);
        assert_true(ed_curve_put(&curve, at, n));
        assert_true(curve.n <= ED_CURVE_POINTS);
    }
    assert_true(ed_curve_sum(&curve) == n && ed_curve_by(&curve, at - 1) <= n);
    assert_true(curve.at[curve.n - 2].n == hour_before);
    for (size_t i = 1; i < curve.n; i++)
        assert_true(curve.at[i].at_ms > curve.at[i - 1].at_ms &&
                    curve.at[i].n >= curve.at[i - 1].n);
    ed_curve_clear(&curve);
}

/* ---- inbox and roster ---- */

struct scene {
    struct ed_inbox inbox;
    struct ed_roster roster;
    eddy_error err;
};

static void scene_open(struct scene *s)
{
    memset(s, 0, sizeof *s);
    ed_inbox_init(&s->inbox);
    ed_roster_init(&s->roster);
}

static void scene_close(struct scene *s)
{
    ed_roster_clear(&s->roster);
    ed_inbox_clear(&s->inbox);
}

static void iso(int64_t ms, char ret[32])
{
    int64_t s = (ms - DAY0) / 1000;
    snprintf(ret, 32, "2031-05-%02dT%02d:%02d:%02d.000Z", 14 + (int)(s / 86400),
             (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60));
}

/* A picture as in the events topic; more: further members. */
static void picture(struct scene *s, uint64_t id, double size, int64_t first, int64_t last,
                    const char *name, const char *more)
{
    char json[2000], a[32], b[32];
    iso(first, a);
    iso(last, b);
    int n = snprintf(json, sizeof json,
                     "{\"id\":\"E%d\",\"state\":\"active\",\"name\":\"%s\",\"size\":%.0f,"
                     "\"keywords\":[{\"keyword\":\"kw%d\",\"score\":1}],%s"
                     "\"first_seen\":\"%s\",\"last_seen\":\"%s\",\"stream_time\":\"%s\"}",
                     (int)id, name, size, (int)id, more, a, b, b);
    CHECK_OK(ed_inbox_picture(&s->inbox, id, 0, (eddy_str){json, (size_t)n}, &s->err), &s->err);
}

static int take(struct scene *s)
{
    int changed = 0;
    CHECK_OK(ed_roster_take(&s->roster, &s->inbox, 1000, &changed, &s->err), &s->err);
    CHECK_OK(ed_roster_arrange(&s->roster, &s->err), &s->err);
    return changed;
}

/* "E3 E1": what is shown, in order. */
static const char *shown(const struct scene *s)
{
    static char text[400];
    size_t n = 0;
    *text = 0;
    for (size_t i = 0; i < s->roster.n_shown && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%sE%d", i ? " " : "",
                              (int)s->roster.shown[i]->id);
    return text;
}

TEST(events_are_shown_in_the_order_that_is_asked_for)
{
    struct scene s;
    scene_open(&s);
    assert_int_equal(take(&s), 0);
    picture(&s, 1, 100, DAY0, DAY0 + 1 * HOUR, "Old and large", "");
    picture(&s, 2, 5, DAY0 + 9 * HOUR, DAY0 + 10 * HOUR, "busy", "");
    picture(&s, 3, 3, DAY0 + 9 * HOUR + HOUR / 2, DAY0 + 10 * HOUR, "Newest", "");
    picture(&s, 4, 1, DAY0, DAY0, "alone", "");
    assert_int_equal(take(&s), 1);
    assert_int_equal(s.roster.now_ms - DAY0, 10 * HOUR);
    assert_string_equal(shown(&s), "E2 E3 E1"); /* 4 has one document */
    s.roster.order = ED_BY_SIZE;
    take(&s);
    assert_string_equal(shown(&s), "E1 E2 E3");
    s.roster.order = ED_BY_NEWEST;
    take(&s);
    assert_string_equal(shown(&s), "E3 E2 E1");
    s.roster.order = ED_BY_NAME;
    s.roster.size_min = 0;
    take(&s);
    assert_string_equal(shown(&s), "E4 E2 E3 E1");
    assert_true(s.roster.documents == 109 && s.roster.active == 4);
    scene_close(&s);
}

TEST(a_filter_wants_all_of_its_words_in_name_keywords_or_id)
{
    struct scene s;
    scene_open(&s);
    picture(&s, 1, 4, DAY0, DAY0 + HOUR, "Crane falls at the HARBOUR", "");
    picture(&s, 2, 4, DAY0, DAY0 + HOUR, "Harbour festival", "");
    picture(&s, 3, 4, DAY0, DAY0 + HOUR, "\xC3\x84rger im Hafen", "");
    take(&s);
    const struct {
        const char *filter, *shown;
    } cases[] = {{"harbour", "E1 E2"},   {"Crane harb", "E1"}, {"KW2", "E2"},     {"e3", "E3"},
                 {"\xC3\xA4rger", "E3"}, {"harbour kw3", ""},  {"  ", "E1 E2 E3"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(s.roster.filter, sizeof s.roster.filter, "%s", cases[i].filter);
        take(&s);
        assert_string_equal(shown(&s), cases[i].shown);
    }
    scene_close(&s);
}

TEST(of_each_event_only_the_latest_picture_waits_and_documents_count_at_once)
{
    struct scene s;
    scene_open(&s);
    for (int i = 2; i < 500; i++)
        picture(&s, 7, i, DAY0, DAY0 + i * 1000, "grows", "");
    assert_int_equal(ed_inbox_waits(&s.inbox), 1);
    for (int i = 0; i < 3; i++)
        CHECK_OK(ed_inbox_document(&s.inbox, 7, DAY0 + HOUR, 0, &s.err), &s.err);
    take(&s);
    assert_int_equal(ed_inbox_waits(&s.inbox), 0);
    const struct ed_row *row = ed_roster_find(&s.roster, 7);
    assert_true(row->size == 499 + 3 && row->last_ms == DAY0 + HOUR);
    CHECK_OK(ed_inbox_document(&s.inbox, 7, DAY0 + 2 * HOUR, 0, &s.err), &s.err);
    picture(&s, 7, 503, DAY0, DAY0 + 2 * HOUR, "grows", ""); /* it tells of the document */
    take(&s);
    assert_true(row->size == 503 && s.roster.documents == 503);
    scene_close(&s);
}

TEST(what_a_merge_brings_along_is_no_growth)
{
    struct scene s;
    scene_open(&s);
    picture(&s, 1, 10, DAY0, DAY0 + 2 * HOUR, "goes", "");
    picture(&s, 2, 20, DAY0, DAY0 + 9 * HOUR, "stays", "");
    take(&s);
    assert_int_equal(s.roster.active, 2);
    picture(&s, 2, 31, DAY0, DAY0 + 10 * HOUR, "stays", "");
    const char redirect[] = "{\"id\":\"E1\",\"state\":\"merged\",\"merged_into\":\"E2\"}";
    CHECK_OK(ed_inbox_picture(&s.inbox, 1, 2, (eddy_str){redirect, sizeof redirect - 1}, &s.err),
             &s.err);
    s.roster.interval_ms = HOUR;
    take(&s);
    assert_string_equal(shown(&s), "E2");
    assert_true(ed_roster_where(&s.roster, 1) == 2 && s.roster.active == 1);
    const struct ed_row *row = ed_roster_find(&s.roster, 2);
    assert_true(row->size == 31 && row->growth > 0.9 && row->growth < 1.1);
    scene_close(&s);
}

/* Where documents are told one by one, groups that move in say nothing of when they came. */
TEST(what_moves_in_is_no_growth_where_documents_are_counted)
{
    struct scene s;
    scene_open(&s);
    for (int hour = 0; hour < 10; hour++)
        CHECK_OK(ed_inbox_document(&s.inbox, 1, DAY0 + hour * HOUR, !hour, &s.err), &s.err);
    picture(&s, 1, 40, DAY0, DAY0 + 9 * HOUR, "took in thirty", "");
    s.roster.interval_ms = HOUR;
    take(&s);
    assert_true(ed_roster_find(&s.roster, 1)->growth == 4);
    scene_close(&s);
}

TEST(signals_and_lines_of_logs_are_taken_where_a_picture_tells_of_them)
{
    struct scene s;
    scene_open(&s);
    picture(&s, 1, 2, DAY0, DAY0 + HOUR, "lines",
            "\"seen\":5000,\"signal\":\"burst\",\"signal_since\":\"2031-05-14T00:40:00.000Z\",");
    picture(&s, 2, 2, DAY0, DAY0 + HOUR, "still", "\"signal\":\"quiet\",\"pinned\":true,");
    picture(&s, 3, 2, DAY0, DAY0 + HOUR, "plain", "");
    take(&s);
    const struct ed_row *one = ed_roster_find(&s.roster, 1), *two = ed_roster_find(&s.roster, 2);
    assert_true(one->size == 5000 && one->signal == ED_ROSTER_BURST && !one->pinned);
    assert_true(two->signal == ED_ROSTER_QUIET && two->pinned);
    assert_int_equal(ed_roster_find(&s.roster, 3)->signal, ED_ROSTER_CALM);
    struct ed_sheet page = {0};
    ed_sheet_write(&page, &s.roster, 1, 100);
    assert_string_equal(page.lines[1].text,
                        "  active, in a burst since 05-14 00:40, 5,000 documents, "
                        "417 of them in the last 5 min");
    ed_sheet_clear(&page);
    scene_close(&s);
}

TEST(rubbish_in_place_of_a_picture_is_counted_and_left_out)
{
    static const char *const rubbish[] = {
        "",         "[]",   "{\"id\":\"E1\"}",
        "{\"id\":", "null", "{\"first_seen\":\"soon\",\"last_seen\":7}"};
    struct scene s;
    scene_open(&s);
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        CHECK_OK(ed_inbox_picture(&s.inbox, i + 1, 0, (eddy_str){rubbish[i], strlen(rubbish[i])},
                                  &s.err),
                 &s.err);
    }
    picture(&s, 99, 2, DAY0, DAY0, "good", "");
    take(&s);
    assert_int_equal(s.roster.left_out, sizeof rubbish / sizeof *rubbish);
    assert_string_equal(shown(&s), "E99");
    scene_close(&s);
}

TEST(beyond_the_ceiling_those_that_were_idle_longest_leave)
{
    struct scene s;
    scene_open(&s);
    for (uint64_t i = 1; i <= ED_ROSTER_EVENTS + 1; i++) {
        picture(&s, i, 2, DAY0, DAY0 + (int64_t)i * 1000, "one of many", "");
        if (i % 10000 == 0)
            take(&s);
    }
    take(&s);
    assert_int_equal(s.roster.rows.n, ED_ROSTER_EVENTS - ED_ROSTER_EVENTS / 8 + 1);
    assert_int_equal(s.roster.left_out, ED_ROSTER_EVENTS / 8);
    assert_null(ed_roster_find(&s.roster, ED_ROSTER_EVENTS / 8));
    assert_non_null(ed_roster_find(&s.roster, ED_ROSTER_EVENTS / 8 + 1));
    assert_non_null(ed_roster_find(&s.roster, ED_ROSTER_EVENTS + 1));
    assert_true(s.roster.documents == 2.0 * (double)s.roster.rows.n);
    scene_close(&s);
}

static void change(struct scene *s, uint64_t event, uint64_t other, const char *json)
{
    struct ed_heard heard = {.event = event, .other = other, .json = {json, strlen(json)}};
    CHECK_OK(ed_inbox_change(&s->inbox, &heard, &s->err), &s->err);
}

TEST(a_page_tells_of_an_event_and_of_those_that_went_into_it)
{
    struct scene s;
    struct ed_sheet page = {0};
    scene_open(&s);
    picture(&s, 2, 4, DAY0, DAY0 + HOUR, "Crane falls",
            "\"summary\":\"A crane fell at the old harbour and nobody can say why it did.\","
            "\"exemplars\":[{\"title\":\"One title\",\"similarity\":0.5,"
            "\"time\":\"2031-05-14T00:00:00.000Z\"}],");
    picture(&s, 1, 2, DAY0, DAY0 + HOUR, "goes", "");
    change(&s, 2, 0, "{\"kind\":\"born\",\"event\":\"E2\"}");
    change(&s, 3, 0, "{\"kind\":\"born\",\"event\":\"E3\"}");
    change(&s, 1, 2,
           "{\"kind\":\"merged\",\"event\":\"E1\",\"other\":\"E2\",\"other_after\":4,"
           "\"similarity\":0.61,\"threshold\":0.43}");
    take(&s);
    ed_inbox_picture(&s.inbox, 1, 2, (eddy_str){"{}", 2}, NULL);
    take(&s);
    ed_sheet_write(&page, &s.roster, 1, 40);
    char all[4000] = "";
    size_t n = 0;
    for (size_t i = 0; i < page.n; i++) {
        assert_true(ed_text_columns(page.lines[i].text, strlen(page.lines[i].text)) <= 40);
        n += (size_t)snprintf(all + n, sizeof all - n, "%s\n", page.lines[i].text);
    }
    assert_non_null(strstr(all, "E1 went into E2:\n"));
    assert_non_null(strstr(all, "E2  Crane falls\n"));
    assert_non_null(
        strstr(all, "  A crane fell at the old harbour and\n  nobody can say why it did.\n"));
    assert_non_null(strstr(all, "One title\n"));
    assert_non_null(strstr(all, "E2 was born\n"));
    assert_non_null(strstr(all, "E1 came into E2"));
    assert_null(strstr(all, "E3"));
    ed_sheet_clear(&page);
    scene_close(&s);
}

TEST(the_roster_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        struct scene s;
        struct ed_sheet page = {0};
        int changed;
        char json[300], at[32];
        scene_open(&s);
        iso(DAY0, at);
        int n = snprintf(json, sizeof json,
                         "{\"id\":\"E1\",\"state\":\"active\",\"name\":\"x\",\"size\":3,"
                         "\"first_seen\":\"%s\",\"last_seen\":\"%s\"}",
                         at, at);
        struct ed_heard born = {.event = 1, .json = {"{\"kind\":\"born\",\"event\":\"E1\"}", 27}};
        eddy_status st = ed_inbox_document(&s.inbox, 1, DAY0, 1, NULL);
        if (st == EDDY_OK)
            st = ed_inbox_picture(&s.inbox, 1, 0, (eddy_str){json, (size_t)n}, NULL);
        if (st == EDDY_OK)
            st = ed_inbox_picture(&s.inbox, 2, 1, (eddy_str){"{}", 2}, NULL);
        if (st == EDDY_OK)
            st = ed_inbox_change(&s.inbox, &born, NULL);
        if (st == EDDY_OK)
            st = ed_roster_take(&s.roster, &s.inbox, 1000, &changed, NULL);
        if (st == EDDY_OK)
            st = ed_roster_arrange(&s.roster, NULL);
        if (st == EDDY_OK)
            ed_sheet_write(&page, &s.roster, 1, 80);
        assert_true(st == EDDY_NOMEM || (st == EDDY_OK && (page.failed || page.n > 3)));
        ed_sheet_clear(&page);
        scene_close(&s);
    }
}

/* ---- texts ---- */

TEST(ages_and_numbers_fit_their_columns)
{
    char text[ED_TEXT];
    const struct {
        int64_t ms;
        const char *text;
    } ages[] = {{-5, "0s"},
                {59999, "59s"},
                {60000, "1m"},
                {HOUR, "1h"},
                {47 * HOUR, "1d"},
                {999 * 24 * HOUR, "999d"},
                {1000 * 24 * HOUR, "2y"},
                {INT64_MAX, "999y"}};
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++)
        assert_string_equal(ed_text_age(ages[i].ms, text), ages[i].text);
    assert_string_equal(ed_text_short(999999.4, text), "999,999");
    assert_string_equal(ed_text_short(999999.5, text), "1.0M");
    assert_string_equal(ed_text_short(12.6e9, text), "12.6G");
    assert_string_equal(ed_text_short(-1, text), "0");
}

TEST(wide_characters_take_two_columns_and_direction_marks_none)
{
    char text[100];
    assert_int_equal(ed_text_columns("\u6e2f\u53e3 \U0001F680", 11), 7);
    assert_int_equal(ed_text_columns("e\u0301\u202e\u061c\x1b", 8), 1);
    assert_string_equal(ed_text_fit("\u6e2f\u53e3\u6e2f", 9, 4, 0, text, sizeof text),
                        "\u6e2f\u2026");
    assert_string_equal(ed_text_fit("a\u202e\u061c\u2066\x1b[2Jb", 14, 9, 0, text, sizeof text),
                        "a[2Jb");
}

/* ---- a file that grows ---- */

struct lines {
    char text[400];
};

static eddy_status line_take(void *user, eddy_str line, eddy_error *err)
{
    struct lines *l = user;
    size_t n = strlen(l->text);
    (void)err;
    snprintf(l->text + n, sizeof l->text - n, "%s;", line.at);
    return EDDY_OK;
}

static void write_at(const char *path, const char *mode, const char *text)
{
    FILE *out = fopen(path, mode);
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

TEST(a_growing_file_is_read_line_by_line_through_its_renaming)
{
    char dir[] = "/tmp/eddy_top_XXXXXX", part[64], whole[64];
    struct ed_tail tail;
    struct lines l = {""};
    eddy_error err = {0};
    int some;
    assert_non_null(mkdtemp(dir));
    snprintf(part, sizeof part, "%s/events.jsonl.part", dir);
    snprintf(whole, sizeof whole, "%s/events.jsonl", dir);
    CHECK_OK(ed_tail_open(&tail, dir, "events", &err), &err);
    CHECK_OK(ed_tail_read(&tail, line_take, &l, &some, &err), &err);
    assert_int_equal(some, 0); /* it is not there yet */
    write_at(part, "w", "one\ntw");
    CHECK_OK(ed_tail_read(&tail, line_take, &l, &some, &err), &err);
    assert_string_equal(l.text, "one;");
    write_at(part, "a", "o\nthree\nlost");
    CHECK_OK(ed_tail_read(&tail, line_take, &l, &some, &err), &err);
    assert_string_equal(l.text, "one;two;three;");
    assert_int_equal(truncate(part, 8), 0); /* the run was cut off, and goes on */
    CHECK_OK(ed_tail_read(&tail, line_take, &l, &some, &err), &err);
    assert_int_equal(some, 0);
    write_at(part, "a", "four\n");
    assert_int_equal(ed_tail_ended(&tail), 0);
    assert_int_equal(rename(part, whole), 0);
    assert_int_equal(ed_tail_ended(&tail), 1);
    CHECK_OK(ed_tail_read(&tail, line_take, &l, &some, &err), &err);
    assert_string_equal(l.text, "one;two;three;four;");
    ed_tail_close(&tail);
    unlink(whole);
    rmdir(dir);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_tells_what_came_in_each_interval),
        cmocka_unit_test(what_leaves_an_event_leaves_all_of_its_curve_in_proportion),
        cmocka_unit_test(joined_curves_have_the_sum_of_both_at_any_time),
        cmocka_unit_test(a_long_curve_stays_small_and_fine_at_its_end),
        cmocka_unit_test(events_are_shown_in_the_order_that_is_asked_for),
        cmocka_unit_test(a_filter_wants_all_of_its_words_in_name_keywords_or_id),
        cmocka_unit_test(of_each_event_only_the_latest_picture_waits_and_documents_count_at_once),
        cmocka_unit_test(what_a_merge_brings_along_is_no_growth),
        cmocka_unit_test(what_moves_in_is_no_growth_where_documents_are_counted),
        cmocka_unit_test(signals_and_lines_of_logs_are_taken_where_a_picture_tells_of_them),
        cmocka_unit_test(rubbish_in_place_of_a_picture_is_counted_and_left_out),
        cmocka_unit_test(beyond_the_ceiling_those_that_were_idle_longest_leave),
        cmocka_unit_test(a_page_tells_of_an_event_and_of_those_that_went_into_it),
        cmocka_unit_test(the_roster_survives_any_lost_allocation),
        cmocka_unit_test(ages_and_numbers_fit_their_columns),
        cmocka_unit_test(wide_characters_take_two_columns_and_direction_marks_none),
        cmocka_unit_test(a_growing_file_is_read_line_by_line_through_its_renaming),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
