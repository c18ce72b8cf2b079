/* Alerts: rules as people write them, and what becomes of an alert: news, hysteresis, quiet hours,
 * merges, ends, and a restart in the middle of each. */
#include "test.h"

#include "publish/alerts.h"

#include <math.h>

#define STR(s) ((eddy_str){(s), sizeof(s) - 1})
#define HOUR   INT64_C(3600000)
#define NIGHT  (22 * HOUR) /* of the first day; it ends 9 hours later */

/* An eddy of rules alone: rules, their alerts, and the messages so far. */
struct bench {
    eddy_arena *arena;
    struct ed_rule rules[4];
    size_t n_rules;
    struct ed_alerts *alerts;
    struct ed_publisher p;
    struct ed_epoch epoch;
    size_t read;                    /* messages that were looked at */
    const eddy_record *records[64]; /* of all epochs */
    size_t n_records[64], epochs;
};

static struct bench bench_new(const char *const *rules, size_t n)
{
    struct bench b = {.arena = eddy_arena_new(0), .n_rules = n, .p = {.pipeline = "news"}};
    eddy_error err = {0};
    for (size_t i = 0; i < n; i++)
        CHECK_OK(ed_rule_read(rules[i], b.arena, &b.rules[i], &err), &err);
    ed_epoch_init(&b.epoch, b.arena);
    return b;
}

static void bench_start(struct bench *b)
{
    eddy_error err = {0};
    CHECK_OK(ed_alerts_new(b->rules, b->n_rules, &b->alerts, &err), &err);
}

static void bench_free(struct bench *b)
{
    ed_alerts_free(b->alerts);
    ed_epoch_clear(&b->epoch);
    eddy_arena_free(b->arena);
}

/* An epoch is over, the process killed, and another one begins from the records. */
static void restart(struct bench *b)
{
    eddy_error err = {0};
    size_t k = b->epochs++;
    assert_in_range(k, 0, 63);
    CHECK_OK(ed_alerts_records(b->alerts, b->arena, &b->records[k], &b->n_records[k], &err), &err);
    ed_alerts_free(b->alerts);
    bench_start(b);
    for (size_t e = 0; e < b->epochs; e++)
        for (size_t i = 0; i < b->n_records[e]; i++) {
            assert_true(ed_alerts_owns(b->records[e][i].key));
            CHECK_OK(ed_alerts_load(b->alerts, &b->records[e][i], &err), &err);
        }
}

static void change(struct bench *b, eddy_change c, const eddy_event *picture)
{
    eddy_error err = {0};
    CHECK_OK(ed_alerts_news(b->alerts, &b->p, &b->epoch, &c, 1, picture, picture != NULL, &err),
             &err);
    restart(b);
}

static void picture(struct bench *b, eddy_event e)
{
    eddy_error err = {0};
    CHECK_OK(ed_alerts_news(b->alerts, &b->p, &b->epoch, NULL, 0, &e, 1, &err), &err);
    restart(b);
}

static void until(struct bench *b, int64_t ms)
{
    eddy_error err = {0};
    CHECK_OK(ed_alerts_until(b->alerts, &b->p, &b->epoch, ms, &err), &err);
    restart(b);
}

/* The next message has all of these in it. */
static void told_(struct bench *b, const char *key, const char *const *parts)
{
    if (b->read >= b->epoch.n_messages)
        fail_msg("nothing more was told");
    const struct ed_message *m = &b->epoch.messages[b->read++];
    assert_int_equal(m->topic, ED_ALERTS);
    assert_string_equal(m->key.at, key);
    for (; *parts; parts++)
        if (!strstr(m->value.at, *parts))
            fail_msg("no %s in %s", *parts, m->value.at);
}
#define TOLD(b, key, ...) told_((b), (key), (const char *const[]){__VA_ARGS__, NULL})
#define SILENT(b)         assert_int_equal((b)->read, (b)->epoch.n_messages)

static eddy_event event(uint64_t id, double size, int64_t ms)
{
    return (eddy_event){.id = id,
                        .version = 1,
                        .size = size,
                        .seen = size,
                        .stream_ms = ms,
                        .name = STR("Crane falls at the old harbour"),
                        .n_keywords = 2,
                        .keywords = {{STR("harbour"), 3}, {STR("crane"), 2}}};
}

static eddy_change of(eddy_change_kind kind, uint64_t id, int64_t ms)
{
    return (eddy_change){.kind = kind, .event = id, .time_ms = ms};
}

/* ---- rules ---- */

TEST(a_rule_says_what_is_wrong_with_it)
{
    static const char *const bad[][2] = {
        {"", "begins with its name"},
        {"big", "asks for nothing"},
        {"b!g size>=1", "cannot be the name"},
        {"big kind=borne", "no kind of change 'borne'"},
        {"big sise>=3", "no measure 'sise'"},
        {"big size>=x", "not a number"},
        {"big growth>=2", "needs a kind"},
        {"big kind=born colour=red", "no 'colour'"},
        {"big kind=born hold=3", "not a duration"},
        {"big kind=born quiet=22-7", "not a part of the day"},
        {"big kind=born topic=E3", "not a topic"},
        {"big size>=3 clear=2", "a share"},
        {"big kind=born loud", "neither"},
    };
    eddy_arena *arena = eddy_arena_new(0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ed_rule rule;
        eddy_error err = {0};
        assert_int_equal(ed_rule_read(bad[i][0], arena, &rule, &err), EDDY_CONFIG);
        if (!strstr(err.text, bad[i][1]))
            fail_msg("'%s': %s", bad[i][0], err.text);
    }
    eddy_arena_free(arena);
}

TEST(quiet_hours_go_over_midnight)
{
    struct ed_rule rule = {.quiet_from = 22 * 60, .quiet_to = 7 * 60};
    assert_int_equal(ed_rule_quiet_until(&rule, NIGHT - 1), NIGHT - 1);
    assert_int_equal(ed_rule_quiet_until(&rule, NIGHT), 31 * HOUR);
    assert_int_equal(ed_rule_quiet_until(&rule, 25 * HOUR + 1), 31 * HOUR);
    assert_int_equal(ed_rule_quiet_until(&rule, 31 * HOUR), 31 * HOUR);
    assert_int_equal(ed_rule_quiet_until(&rule, -HOUR), 7 * HOUR);
}

TEST(all_that_a_rule_asks_for_must_hold)
{
    const char *rules[] = {"a size>=10 size<=20 keywords=fire|CRANE topic=T3"};
    struct bench b = bench_new(rules, 1);
    eddy_event e = event(1, 10, 0);
    struct ed_seen seen = {.kind = -1, .event = &e, .topic = 3};
    ed_seen_measure(&seen, &e, NULL);
    assert_true(ed_rule_holds(&b.rules[0], &seen, 0));
    seen.topic = 4;
    assert_false(ed_rule_holds(&b.rules[0], &seen, 0));
    seen.theme = 3;
    assert_true(ed_rule_holds(&b.rules[0], &seen, 0));
    e.keywords[1].word = STR("cranes"); /* a keyword is a whole word */
    assert_false(ed_rule_holds(&b.rules[0], &seen, 0));
    seen.name = STR("All cranes stand still");
    assert_true(ed_rule_holds(&b.rules[0], &seen, 0));
    seen.measures[ED_MEASURE_SIZE] = 21;
    assert_false(ed_rule_holds(&b.rules[0], &seen, 0));
    assert_true(ed_rule_holds(&b.rules[0], &seen, 1));
    seen.measures[ED_MEASURE_SIZE] = NAN; /* not known */
    assert_false(ed_rule_holds(&b.rules[0], &seen, 1));
    bench_free(&b);
}

/* ---- the life of an alert ---- */

TEST(it_begins_is_told_news_and_ends_when_the_event_fades)
{
    const char *rules[] = {"wide kind=grew size>=10 severity=critical"};
    struct bench b = bench_new(rules, 1);
    bench_start(&b);
    eddy_event small = event(12, 3, 1000), large = event(12, 10, 2000),
               larger = event(12, 30, 3000);
    change(&b, of(EDDY_GREW, 12, 1000), &small);
    SILENT(&b);
    change(&b, of(EDDY_GREW, 12, 2000), &large);
    TOLD(&b, "E12", "\"id\":\"news-alert-1\"", "\"state\":\"firing\"", "\"rule\":\"wide\"",
         "\"severity\":\"critical\"", "\"reason\":\"grew\"", "\"size\":10",
         "\"keywords\":[\"harbour\"", "\"starts\":\"1970-01-01T00:00:02.000Z\"");
    larger.name = STR("Harbour closed");
    change(&b, of(EDDY_RENAMED, 12, 3000), &larger);
    TOLD(&b, "E12", "\"id\":\"news-alert-2\"", "\"state\":\"firing\"", "\"reason\":\"renamed\"",
         "Harbour closed", "\"starts\":\"1970-01-01T00:00:02.000Z\"");
    change(&b, of(EDDY_DRIFTED, 12, 3500), &larger);
    change(&b, of(EDDY_RENAMED, 13, 3500), NULL);
    SILENT(&b);
    change(&b, of(EDDY_FADED, 12, 4000), NULL);
    TOLD(&b, "E12", "\"id\":\"news-alert-3\"", "\"state\":\"resolved\"", "\"reason\":\"faded\"",
         "Harbour closed");
    SILENT(&b);
    change(&b, of(EDDY_FADED, 12, 5000), NULL);
    SILENT(&b);
    bench_free(&b);
}

TEST(of_several_pictures_of_one_moment_it_takes_its_own)
{
    const char *rules[] = {"wide kind=grew size>=3"};
    struct bench b = bench_new(rules, 1);
    bench_start(&b);
    eddy_error err = {0};
    eddy_event pictures[] = {event(12, 1, 1000), event(12, 3, 1000), event(12, 10, 1000)};
    eddy_change c = of(EDDY_GREW, 12, 1000);
    c.size_before = 2;
    c.size_after = 3;
    CHECK_OK(ed_alerts_news(b.alerts, &b.p, &b.epoch, &c, 1, pictures, 3, &err), &err);
    TOLD(&b, "E12", "\"size\":3,");
    SILENT(&b);
    bench_free(&b);
}

TEST(one_that_hovers_about_its_bound_does_not_flap)
{
    const char *rules[] = {"big size>=100 clear=0.5"};
    struct bench b = bench_new(rules, 1);
    bench_start(&b);
    picture(&b, event(7, 99, 1000));
    SILENT(&b);
    picture(&b, event(7, 100, 2000));
    TOLD(&b, "E7", "\"state\":\"firing\"", "\"reason\":\"measures\"");
    picture(&b, event(7, 60, 3000));
    picture(&b, event(7, 110, 4000));
    SILENT(&b);
    picture(&b, event(7, 49, 5000));
    TOLD(&b, "E7", "\"state\":\"resolved\"", "\"reason\":\"cleared\"");
    picture(&b, event(7, 99, 6000));
    SILENT(&b);
    bench_free(&b);
}

TEST(a_burst_ends_with_its_end_and_no_other_signal)
{
    const char *rules[] = {"surge kind=burst growth>=3 rate>=60"};
    struct bench b = bench_new(rules, 1);
    bench_start(&b);
    eddy_event e = event(4, 50, 2 * HOUR);
    eddy_change c = of(EDDY_BURST, 4, 2 * HOUR);
    c.start_ms = HOUR;
    c.observed = 120;
    c.expected = 60;
    change(&b, c, &e);
    SILENT(&b); /* twice as many are not three times */
    c.expected = 40;
    change(&b, c, &e);
    TOLD(&b, "E4", "\"growth\":3", "\"rate\":120", "\"reason\":\"burst\"");
    change(&b, of(EDDY_QUIET_ENDED, 4, 3 * HOUR), NULL);
    SILENT(&b);
    change(&b, of(EDDY_BURST_ENDED, 4, 3 * HOUR), NULL);
    TOLD(&b, "E4", "\"state\":\"resolved\"", "\"reason\":\"ended\"");
    bench_free(&b);
}

TEST(a_merge_ends_it_and_it_goes_on_at_the_event_that_lives_on)
{
    const char *rules[] = {"big size>=10", "surge kind=burst"};
    struct bench b = bench_new(rules, 2);
    bench_start(&b);
    eddy_event e = event(12, 10, 1000);
    eddy_change merged = of(EDDY_MERGED, 12, 2000);
    merged.other = 3;
    merged.other_after = 40;
    picture(&b, e);
    change(&b, of(EDDY_BURST, 12, 1500), &e);
    TOLD(&b, "E12", "\"rule\":\"big\"", "\"state\":\"firing\"");
    TOLD(&b, "E12", "\"rule\":\"surge\"", "\"state\":\"firing\"");
    change(&b, merged, NULL);
    TOLD(&b, "E12", "\"rule\":\"big\"", "\"state\":\"resolved\"", "\"into\":\"E3\"");
    TOLD(&b, "E3", "\"rule\":\"big\"", "\"state\":\"firing\"", "\"from\":\"E12\"",
         "\"reason\":\"merged\"", "\"size\":40", "\"starts\":\"1970-01-01T00:00:01.000Z\"");
    TOLD(&b, "E12", "\"rule\":\"surge\"", "\"state\":\"resolved\"");
    SILENT(&b); /* the burst was of the event that is gone */
    merged.event = 3;
    merged.other = 5;
    picture(&b, event(5, 20, 3000));
    TOLD(&b, "E5", "\"state\":\"firing\"");
    merged.time_ms = 4000;
    change(&b, merged, NULL);
    TOLD(&b, "E3", "\"state\":\"resolved\"", "\"into\":\"E5\"");
    SILENT(&b); /* E5 had its own */
    bench_free(&b);
}

TEST(at_night_nothing_begins_and_what_still_holds_is_told_in_the_morning)
{
    const char *rules[] = {"big size>=10 quiet=22:00-07:00"};
    struct bench b = bench_new(rules, 1);
    bench_start(&b);
    picture(&b, event(1, 20, NIGHT));
    picture(&b, event(2, 20, NIGHT + 1));
    change(&b, of(EDDY_FADED, 2, NIGHT + HOUR), NULL);
    until(&b, 31 * HOUR - 1);
    SILENT(&b); /* E2 came and went */
    until(&b, 40 * HOUR);
    TOLD(&b, "E1", "\"state\":\"firing\"", "\"reason\":\"quiet_hours\"",
         "\"starts\":\"1970-01-01T22:00:00.000Z\"", "\"time\":\"1970-01-02T07:00:00.000Z\"",
         "Crane falls", "\"size\":20");
    SILENT(&b);
    change(&b, of(EDDY_FADED, 1, NIGHT + 24 * HOUR), NULL);
    TOLD(&b, "E1", "\"state\":\"resolved\""); /* an end wakes nobody */
    bench_free(&b);
}

TEST(one_that_is_held_ends_by_time_and_before_what_happens_then)
{
    const char *rules[] = {"new kind=born hold=30m"};
    struct bench b = bench_new(rules, 1);
    bench_start(&b);
    eddy_event e = event(1, 1, 0), f = event(2, 1, HOUR);
    change(&b, of(EDDY_BORN, 1, 0), &e);
    TOLD(&b, "E1", "\"state\":\"firing\"");
    change(&b, of(EDDY_BORN, 2, HOUR), &f);
    TOLD(&b, "E1", "\"state\":\"resolved\"", "\"reason\":\"held\"",
         "\"time\":\"1970-01-01T00:30:00.000Z\"");
    TOLD(&b, "E2", "\"state\":\"firing\"");
    SILENT(&b);
    bench_free(&b);
}

TEST(a_template_has_alerts_too)
{
    const char *rules[] = {"unknown kind=template_founded keywords=failed"};
    struct bench b = bench_new(rules, 1);
    bench_start(&b);
    eddy_error err = {0};
    eddy_template_change c = {.kind = EDDY_TEMPLATE_FOUNDED, .id = 77, .time_ms = 1000};
    char name[EDDY_TEMPLATE_NAME];
    eddy_template_name(77, name);
    CHECK_OK(ed_alerts_template(b.alerts, &b.p, &b.epoch, &c, STR("all is well"), &err), &err);
    SILENT(&b);
    CHECK_OK(ed_alerts_template(b.alerts, &b.p, &b.epoch, &c, STR("login Failed"), &err), &err);
    TOLD(&b, name, "\"event\":null", name, "login Failed", "\"state\":\"firing\"");
    restart(&b);
    c.kind = EDDY_TEMPLATE_FADED;
    CHECK_OK(ed_alerts_template(b.alerts, &b.p, &b.epoch, &c, STR("x"), &err), &err);
    TOLD(&b, name, "\"state\":\"resolved\"", "\"reason\":\"faded\"", "login Failed");
    bench_free(&b);
}

TEST(a_rule_that_is_no_more_ends_its_alerts)
{
    const char *rules[] = {"big size>=10 hold=1s"};
    struct bench b = bench_new(rules, 1);
    eddy_error err = {0};
    bench_start(&b);
    picture(&b, event(1, 20, 1000));
    TOLD(&b, "E1", "\"state\":\"firing\"");
    b.n_rules = 0;
    restart(&b);
    until(&b, 2000);
    SILENT(&b); /* there is no topic without rules */
    CHECK_OK(ed_rule_read("other size>=1000", b.arena, &b.rules[0], &err), &err);
    b.n_rules = 1;
    restart(&b);
    until(&b, 2000);
    TOLD(&b, "E1", "\"rule\":\"big\"", "\"state\":\"resolved\"", "\"reason\":\"rule\"");
    until(&b, 3000);
    SILENT(&b);
    bench_free(&b);
}

TEST(a_damaged_record_is_refused)
{
    const char *rules[] = {"big size>=10"};
    struct bench b = bench_new(rules, 1);
    bench_start(&b);
    picture(&b, event(1, 20, 1000));
    size_t tried = 0;
    for (size_t i = 0; i < b.n_records[0]; i++)
        for (size_t n = 0; n < b.records[0][i].value.n; n++, tried++) {
            eddy_record cut = b.records[0][i];
            eddy_error err = {0};
            cut.value.n = n;
            assert_int_equal(ed_alerts_load(b.alerts, &cut, &err), EDDY_FORMAT);
        }
    assert_true(tried > 60);
    bench_free(&b);
}

TEST(lost_memory_is_told)
{
    const char *rules[] = {"big size>=10", "wide kind=grew"};
    EACH_ALLOC_FAILS (k) {
        struct ed_rule read[2];
        struct ed_alerts *alerts = NULL;
        struct ed_publisher p = {.pipeline = "news"};
        struct ed_epoch epoch;
        const eddy_record *records = NULL;
        size_t n = 0;
        eddy_error err = {0};
        eddy_event e = event(1, 20, 1000);
        eddy_change c = of(EDDY_GREW, 1, 1000);
        eddy_arena *arena = eddy_arena_new(0);
        if (!arena)
            continue;
        ed_epoch_init(&epoch, arena);
        eddy_status st = ed_rule_read(rules[0], arena, &read[0], &err);
        st = st ? st : ed_rule_read(rules[1], arena, &read[1], &err);
        st = st ? st : ed_alerts_new(read, 2, &alerts, &err);
        st = st ? st : ed_alerts_news(alerts, &p, &epoch, &c, 1, &e, 1, &err);
        st = st ? st : ed_alerts_records(alerts, arena, &records, &n, &err);
        assert_true(st == EDDY_NOMEM || (st == EDDY_OK && n == 3 && epoch.n_messages == 2));
        ed_alerts_free(alerts);
        ed_epoch_clear(&epoch);
        eddy_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_says_what_is_wrong_with_it),
        cmocka_unit_test(quiet_hours_go_over_midnight),
        cmocka_unit_test(all_that_a_rule_asks_for_must_hold),
        cmocka_unit_test(it_begins_is_told_news_and_ends_when_the_event_fades),
        cmocka_unit_test(of_several_pictures_of_one_moment_it_takes_its_own),
        cmocka_unit_test(one_that_hovers_about_its_bound_does_not_flap),
        cmocka_unit_test(a_burst_ends_with_its_end_and_no_other_signal),
        cmocka_unit_test(a_merge_ends_it_and_it_goes_on_at_the_event_that_lives_on),
        cmocka_unit_test(at_night_nothing_begins_and_what_still_holds_is_told_in_the_morning),
        cmocka_unit_test(one_that_is_held_ends_by_time_and_before_what_happens_then),
        cmocka_unit_test(a_template_has_alerts_too),
        cmocka_unit_test(a_rule_that_is_no_more_ends_its_alerts),
        cmocka_unit_test(a_damaged_record_is_refused),
        cmocka_unit_test(lost_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
