/* The front: lines of logs in, records in batches out, each once, whatever the batches and wherever
 * a run was killed; and what it says of its inputs. */
#include "test.h"

#include "pipeline/front.h"

#define LINES 900

/* ---- a reader, as reader.c is one ---- */

struct reading {
    struct ed_front *front;
    eddy_parser *parser;
    struct ed_batch *batch;
    int64_t answered[4]; /* by partition: where the last batch that went on says to read again */
    struct {
        uint64_t key;
        char *at;
        size_t n;
    } records[4];
    size_t n_records;
    int64_t broker_ms, ahead_ms;
    size_t n_unreadable; /* items whose time was not believed */
    uint64_t *fate;      /* NULL: nobody is killed */
    int dead;            /* killed while what is ready goes into batches */
    char *told;          /* what came out, a line each */
    size_t n_told, kept_told, room_told;
};

static void front_begin(struct reading *r)
{
    eddy_error err = {0};
    CHECK_OK(ed_front_new(&r->front, &err), &err);
    for (size_t i = 0; i < r->n_records; i++) {
        const eddy_record record = {r->records[i].key, {r->records[i].at, r->records[i].n}};
        CHECK_OK(ed_front_load(r->front, &record, &err), &err);
    }
}

static struct reading reading_new(void)
{
    struct reading r = {.broker_ms = -1, .room_told = 1 << 20};
    eddy_parse_options options;
    eddy_error err = {0};
    eddy_parse_options_init(&options);
    options.format = EDDY_FORMAT_LOGS;
    CHECK_OK(eddy_parser_new(&options, &r.parser, &err), &err);
    CHECK_OK(ed_batch_new(16, (size_t)64 << 20, &r.batch, &err), &err);
    r.told = calloc(1, r.room_told);
    front_begin(&r);
    return r;
}

static void reading_clear(struct reading *r)
{
    ed_front_free(r->front);
    ed_batch_free(r->batch);
    eddy_parser_free(r->parser);
    for (size_t i = 0; i < r->n_records; i++)
        free(r->records[i].at);
    free(r->told);
}

/* The batch goes on, and is committed. */
static void pass(struct reading *r)
{
    eddy_error err = {0};
    CHECK_OK(ed_front_close(r->front, r->batch, &err), &err);
    for (size_t i = 0; i < r->batch->epoch.n_offsets; i++)
        r->answered[r->batch->epoch.offsets[i].partition] = r->batch->epoch.offsets[i].next;
    for (size_t i = 0; i < r->batch->n_fronts; i++) {
        const eddy_record *record = &r->batch->fronts[i];
        size_t k = 0;
        while (k < r->n_records && r->records[k].key != record->key)
            k++;
        assert_true(k < 4);
        if (k == r->n_records)
            r->n_records++;
        free(r->records[k].at);
        r->records[k].key = record->key;
        r->records[k].n = record->value.n;
        r->records[k].at = malloc(record->value.n + 1);
        memcpy(r->records[k].at, record->value.at, record->value.n);
    }
    for (size_t i = 0; i < r->batch->n; i++) {
        const struct ed_item *item = &r->batch->items[i];
        int n = snprintf(r->told + r->n_told, r->room_told - r->n_told, "%d-%lld %lld %d %d %.*s\n",
                         (int)item->raw.position.partition, (long long)item->raw.position.offset,
                         (long long)item->doc.time_ms, item->filtered, (int)item->reject,
                         item->log ? (int)item->log->message.n : 0,
                         item->log ? item->log->message.at : "");
        r->n_told += (size_t)n;
        r->n_unreadable += item->doc.time_unreadable != 0;
        assert_true(r->n_told < r->room_told);
    }
    r->kept_told = r->n_told;
    ed_batch_reset(r->batch);
}

static void give(struct reading *r)
{
    eddy_error err = {0};
    for (int more = 1; more;) {
        CHECK_OK(ed_front_give(r->front, r->batch, (size_t)16 << 20, &more, &err), &err);
        if (more)
            pass(r);
        if (more && r->fate && test_random(r->fate) % 8 == 0) {
            r->dead = 1;
            return;
        }
    }
}

static void take(struct reading *r, int32_t partition, int64_t offset, const char *line, size_t n)
{
    eddy_error err = {0};
    const eddy_raw raw = {.bytes = line,
                          .n = n,
                          .broker_ms = r->broker_ms,
                          .arrival_ms = 1,
                          .position = {"app", partition, offset}};
    if (r->batch->n == r->batch->room)
        pass(r);
    CHECK_OK(ed_front_take(r->front, r->parser, &raw, r->ahead_ms, r->batch, &err), &err);
    give(r);
}

static void flush(struct reading *r)
{
    eddy_error err = {0};
    for (int more = 1; more;) {
        CHECK_OK(ed_front_flush(r->front, r->ahead_ms, &more, &err), &err);
        give(r);
    }
    assert_false(ed_front_waits(r->front));
    pass(r);
}

/* Nothing of what was not committed is left. */
static void kill_it(struct reading *r)
{
    ed_front_free(r->front);
    ed_batch_reset(r->batch);
    r->n_told = r->kept_told;
    r->dead = 0;
    front_begin(r);
}

/* ---- a log ---- */

/* Two services, whose lines are mixed; now and then a trace, a line that is none, and time that
 * runs back. In the middle of it all the format becomes another. */
static size_t line_make(uint64_t *seed, int i, char *ret, size_t room)
{
    const char *who = test_random(seed) % 2 ? "web  | " : "db   | ";
    int s = i * 3 - (int)(test_random(seed) % 4 == 0) * 40;
    s = s < 0 ? 0 : s;
    if (i % 53 == 7)
        return (size_t)snprintf(ret, room, "\xff\xfe");
    if (i % 11 == 5)
        return (size_t)snprintf(ret, room, "%s\tat lock.Main.run(Main.java:%d)", who, i);
    if (i > LINES / 3 && i % 7)
        return (size_t)snprintf(ret, room,
                                "%s{\"time\":\"2031-05-14T%02d:%02d:%02dZ\",\"msg\":\"opened %d\"}",
                                who, 6 + s / 3600, s / 60 % 60, s % 60, i);
    if (i > LINES / 3)
        return (size_t)snprintf(ret, room, "%s{\"msg\":\"no time %d\"}", who, i);
    return (size_t)snprintf(ret, room, "%s2031-05-14 %02d:%02d:%02d INFO gate: opened %d", who,
                            6 + s / 3600, s / 60 % 60, s % 60, i);
}

/* The lines about this one are of a layout that is known, so that it begins a record unless it is
 * of a trace. */
static int is_settled(int i)
{
    return i < LINES / 3 || i >= LINES / 3 + 2 * EDDY_LAYOUT_LINES;
}

static struct made {
    char text[160];
    size_t n;
} lines[LINES];

static void log_make(uint64_t seed)
{
    for (int i = 0; i < LINES; i++)
        lines[i].n = line_make(&seed, i, lines[i].text, sizeof lines[i].text);
}

TEST(a_run_that_is_killed_tells_the_same_as_a_calm_one)
{
    uint64_t random = test_seed();
    for (int round = 0; round < (TEST_SANITIZED ? 3 : 20); round++) {
        log_make(test_random(&random));
        struct reading calm = reading_new(), r = reading_new();
        r.fate = &random;
        for (int i = 0; i < LINES; i++)
            take(&calm, 0, i, lines[i].text, lines[i].n);
        flush(&calm);
        for (int64_t i = 0; i < LINES;) {
            take(&r, 0, i, lines[i].text, lines[i].n);
            i++;
            if (r.batch->n && test_random(&random) % 3 == 0)
                pass(&r);
            if (!r.dead && test_random(&random) % 120)
                continue;
            kill_it(&r);
            i = r.answered[0];
        }
        r.fate = NULL;
        flush(&r);
        assert_string_equal(calm.told, r.told);
        reading_clear(&calm);
        reading_clear(&r);
    }
}

/* A batch goes on for the sake of another partition while some of the lines that waited have not
 * come again: they are neither lost nor told twice. */
TEST(a_kill_while_lines_come_again_costs_none)
{
    uint64_t random = test_seed();
    for (int round = 0; round < (TEST_SANITIZED ? 3 : 20); round++) {
        log_make(test_random(&random));
        struct reading r = reading_new();
        int64_t at[2] = {0, 0};
        while (at[0] < LINES || at[1] < LINES) {
            int32_t p = (int32_t)(test_random(&random) % 2);
            if (at[p] == LINES)
                continue;
            take(&r, p, at[p], lines[at[p]].text, lines[at[p]].n);
            at[p]++;
            if (r.batch->n && test_random(&random) % 2 == 0)
                pass(&r);
            if (test_random(&random) % 300)
                continue;
            kill_it(&r);
            at[0] = r.answered[0];
            at[1] = r.answered[1];
        }
        flush(&r);
        unsigned char seen[2][LINES] = {{0}};
        char *next = r.told;
        for (char *line = next; *line; line = next) {
            long p = strtol(line, &next, 10), offset = strtol(next + 1, &next, 10);
            assert_true(p >= 0 && p < 2 && offset >= 0 && offset < LINES);
            assert_int_equal(seen[p][offset]++, 0);
            next = strchr(next, '\n') + 1;
        }
        for (int i = 0; i < LINES; i++)
            for (int p = 0; p < 2; p++)
                if (i % 53 == 7 || (i % 11 != 5 && is_settled(i)))
                    assert_int_equal(seen[p][i], 1);
        reading_clear(&r);
    }
}

TEST(an_input_that_begins_anew_is_read_anew)
{
    struct reading r = reading_new();
    log_make(1);
    for (int i = 0; i < 300; i++)
        take(&r, 0, i, lines[i].text, lines[i].n);
    flush(&r);
    size_t before = r.n_told;
    kill_it(&r);
    take(&r, 0, 0, lines[0].text, lines[0].n);
    take(&r, 0, 1, lines[1].text, lines[1].n);
    flush(&r);
    assert_true(r.n_told > before);
    assert_int_equal(strncmp(r.told + before, "0-0 ", 4), 0);
    assert_int_equal(r.answered[0], 2);
    reading_clear(&r);
}

/* More lines wait for a layout than the joiner can have ready at once. */
TEST(a_flush_of_many_inputs_loses_nothing)
{
    struct reading r = reading_new();
    size_t n = 0;
    const char *line = "2031-05-14 06:00:00 INFO gate: opened 1";
    eddy_error err = {0};
    for (int i = 0; i < 199; i++)
        for (int p = 0; p < 40; p++) {
            char topic[16];
            snprintf(topic, sizeof topic, "t%d", p);
            const eddy_raw raw = {
                .bytes = line, .n = strlen(line), .broker_ms = -1, .position = {topic, 0, i}};
            CHECK_OK(ed_front_take(r.front, r.parser, &raw, 0, r.batch, &err), &err);
        }
    assert_true(ed_front_waits(r.front));
    for (int more = 1; more;) {
        CHECK_OK(ed_front_flush(r.front, 0, &more, &err), &err);
        for (int rest = 1; rest; n += r.batch->n, ed_batch_reset(r.batch))
            CHECK_OK(ed_front_give(r.front, r.batch, (size_t)16 << 20, &rest, &err), &err);
    }
    assert_int_equal(n, 199 * 40);
    assert_false(ed_front_waits(r.front));
    reading_clear(&r);
}

/* What a file holds is not of today: a banner before the first line with a time, and a line that
 * has none, are of the time of those beside them. */
TEST(a_line_without_a_time_has_that_of_its_neighbours)
{
    struct reading r = reading_new();
    static const char *const log[] = {
        "the lock keeper 7.1 is starting",
        "{\"time\":\"2015-05-14T06:00:00Z\",\"msg\":\"opened 1\"}",
        "{\"msg\":\"no time\"}",
        "{\"time\":\"2015-05-14T06:00:05Z\",\"msg\":\"opened 2\"}",
    };
    for (int i = 0; i < 4; i++)
        take(&r, 0, i, log[i], strlen(log[i]));
    for (int i = 4; i < 40; i++)
        take(&r, 0, i, log[3], strlen(log[3]));
    flush(&r);
    const char *const wanted[] = {"0-0 1431583200000 ", "0-1 1431583200000 ", "0-2 1431583200000 ",
                                  "0-3 1431583205000 "};
    const char *at = r.told;
    for (int i = 0; i < 4; i++, at = strchr(at, '\n') + 1)
        assert_int_equal(strncmp(at, wanted[i], strlen(wanted[i])), 0);
    reading_clear(&r);
}

/* One line of the year 9999 would let every event fade: it has the broker's time, and is counted.
 */
TEST(a_line_from_the_future_has_the_time_of_its_arrival)
{
    struct reading r = reading_new();
    static const char *const log[] = {
        "{\"time\":\"2015-05-14T06:00:00Z\",\"msg\":\"opened 1\"}",
        "{\"time\":\"9999-05-14T06:00:00Z\",\"msg\":\"opened 2\"}",
        "{\"time\":\"2015-05-14T06:00:05Z\",\"msg\":\"opened 3\"}",
    };
    r.broker_ms = 1700000000000;
    r.ahead_ms = 86400000;
    for (int i = 0; i < 40; i++)
        take(&r, 0, i, log[i < 3 ? i : 2], strlen(log[i < 3 ? i : 2]));
    flush(&r);
    pass(&r);
    const char *const wanted[] = {"0-0 1431583200000 ", "0-1 1700000000000 ", "0-2 1431583205000 "};
    const char *at = r.told;
    for (int i = 0; i < 3; i++, at = strchr(at, '\n') + 1)
        assert_int_equal(strncmp(at, wanted[i], strlen(wanted[i])), 0);
    assert_int_equal(r.n_unreadable, 1);
    reading_clear(&r);
}

TEST(bytes_that_are_no_record_are_refused)
{
    uint64_t random = test_seed();
    struct reading r = reading_new();
    log_make(3);
    for (int i = 0; i < 400; i++)
        take(&r, 0, i, lines[i].text, lines[i].n);
    pass(&r);
    assert_int_equal(r.n_records, 1);
    size_t n = r.records[0].n;
    char *damaged = malloc(n);
    for (int i = 0; i < 2000; i++) {
        struct ed_front *front;
        eddy_error err = {0};
        CHECK_OK(ed_front_new(&front, &err), &err);
        memcpy(damaged, r.records[0].at, n);
        damaged[test_random(&random) % n] ^= (char)(1 << test_random(&random) % 8);
        size_t cut = i % 3 ? n : test_random(&random) % n;
        const eddy_record record = {r.records[0].key, {damaged, cut}};
        eddy_status st = ed_front_load(front, &record, &err);
        assert_true(st == EDDY_OK || st == EDDY_FORMAT);
        assert_true(cut == n || st == EDDY_FORMAT || (n - cut) % 24 == 0);
        ed_front_free(front);
    }
    free(damaged);
    reading_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_is_killed_tells_the_same_as_a_calm_one),
        cmocka_unit_test(a_kill_while_lines_come_again_costs_none),
        cmocka_unit_test(an_input_that_begins_anew_is_read_anew),
        cmocka_unit_test(a_flush_of_many_inputs_loses_nothing),
        cmocka_unit_test(a_line_without_a_time_has_that_of_its_neighbours),
        cmocka_unit_test(a_line_from_the_future_has_the_time_of_its_arrival),
        cmocka_unit_test(bytes_that_are_no_record_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
