/* Files: whole epochs or nothing, names that appear at the end, dead letters that can be read. */
#include "folder.h"

#include "base/log.h"
#include "journal/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int dir_make(void **state)
{
    (void)state;
    ed_log_up_to(ED_LOG_ERROR);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return dir_new("journal");
}

static void must_hold(const char *name, const char *text)
{
    char got[20000];
    FILE *in = fopen(in_dir(name), "rb");
    assert_non_null(in);
    got[fread(got, 1, sizeof got - 1, in)] = 0;
    fclose(in);
    assert_string_equal(got, text);
}

static void put(const char *name, const char *text)
{
    FILE *out = fopen(in_dir(name), "wb");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static struct ed_journal *open_two(const char *assignments, const char *events)
{
    const char *paths[ED_TOPICS] = {[ED_ASSIGNMENTS] = assignments, [ED_EVENTS] = events};
    struct ed_journal *journal = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_journal_files_open(paths, NULL, "p", &journal, &err), &err);
    return journal;
}

static void add(struct ed_epoch *epoch, enum ed_topic topic, const char *value)
{
    *ed_epoch_add(epoch) =
        (struct ed_message){.topic = topic, .value = {value, value ? strlen(value) : 0}};
}

/* Commit one message to each topic. */
static eddy_status commit(struct ed_journal *journal, const char *value, eddy_error *err)
{
    struct ed_epoch epoch;
    ed_epoch_init(&epoch, NULL);
    for (int t = 0; t < ED_TOPICS; t++)
        if (t != ED_DEAD)
            add(&epoch, t, value);
    *err = (eddy_error){0};
    eddy_status st = ed_journal_commit(journal, &epoch, err);
    ed_epoch_clear(&epoch);
    return st;
}

TEST(lines_can_be_followed_and_the_name_appears_at_the_end)
{
    eddy_error err;
    put("a.jsonl", "an older run\n");
    struct ed_journal *journal = open_two(in_dir("a.jsonl"), NULL);
    CHECK_OK(commit(journal, "{\"n\":1}", &err), &err);
    must_hold("a.jsonl.part", "{\"n\":1}\n");
    must_hold("a.jsonl", "an older run\n");
    CHECK_OK(commit(journal, "{\"n\":2}", &err), &err);
    must_hold("a.jsonl.part", "{\"n\":1}\n{\"n\":2}\n");
    CHECK_OK(ed_journal_close(journal, &err), &err);
    must_hold("a.jsonl", "{\"n\":1}\n{\"n\":2}\n");
    assert_false(is_there("a.jsonl.part"));
}

TEST(topics_may_share_a_file_and_tombstones_have_no_line)
{
    eddy_error err = {0};
    struct ed_epoch epoch;
    struct ed_journal *journal = open_two(in_dir("both"), in_dir("both"));
    ed_epoch_init(&epoch, NULL);
    add(&epoch, ED_EVENTS, "1");
    add(&epoch, ED_ASSIGNMENTS, "2");
    add(&epoch, ED_EVENTS, NULL);
    add(&epoch, ED_CHANGES, "not kept");
    add(&epoch, ED_EVENTS, "3");
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    must_hold("both", "1\n2\n3\n");
    ed_epoch_clear(&epoch);
}

TEST(what_a_killed_run_left_is_kept_and_a_running_one_is_respected)
{
    eddy_error err = {0};
    put("k.part", "answers\n");
    put("k.part.1", "older answers\n");
    struct ed_journal *journal = open_two(in_dir("k"), NULL), *second = NULL;
    must_hold("k.part.2", "answers\n");
    must_hold("k.part.1", "older answers\n");
    const char *paths[ED_TOPICS] = {[ED_EVENTS] = in_dir("k")};
    assert_int_equal(ed_journal_files_open(paths, NULL, "p", &second, &err), EDDY_IO);
    assert_non_null(strstr(err.text, "another run is writing it"));
    CHECK_OK(commit(journal, "x", &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    must_hold("k", "x\n");
}

TEST(a_place_that_cannot_be_written_is_named_and_nothing_is_left)
{
    eddy_error err = {0};
    struct ed_journal *journal = NULL;
    const char *paths[ED_TOPICS] = {in_dir("fine"), in_dir("no/such/place")};
    assert_int_equal(ed_journal_files_open(paths, NULL, "p", &journal, &err), EDDY_IO);
    assert_non_null(strstr(err.text, "no/such/place.part: cannot open: No such file"));
    assert_false(is_there("fine.part"));
    assert_false(is_there("fine"));
}

/* ---- when the disk is full ---- */

TEST(an_epoch_that_does_not_fit_leaves_nothing_and_fits_later)
{
    eddy_error err;
    char large[2000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    struct ed_journal *journal = open_two(in_dir("f1"), in_dir("f2"));
    CHECK_OK(commit(journal, "first", &err), &err);
    file_limit(1000);
    eddy_status st = commit(journal, large, &err);
    file_limit(RLIM_INFINITY);
    assert_int_equal(st, EDDY_IO);
    assert_non_null(strstr(err.text, "f1"));
    must_hold("f1.part", "first\n");
    must_hold("f2.part", "first\n");
    CHECK_OK(commit(journal, "second", &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    must_hold("f1", "first\nsecond\n");
    must_hold("f2", "first\nsecond\n");
}

TEST(a_failed_last_commit_leaves_the_part)
{
    eddy_error err;
    struct ed_journal *journal = open_two(in_dir("g"), NULL);
    CHECK_OK(commit(journal, "first", &err), &err);
    file_limit(8);
    assert_int_equal(commit(journal, "too much", &err), EDDY_IO);
    file_limit(RLIM_INFINITY);
    CHECK_OK(ed_journal_close(journal, &(eddy_error){0}), &err);
    assert_false(is_there("g"));
    must_hold("g.part", "first\n");
}

TEST(a_full_device_may_be_tried_again)
{
    eddy_error err;
    struct ed_journal *journal = open_two("/dev/full", NULL);
    assert_int_equal(commit(journal, "x", &err), EDDY_IO);
    assert_string_equal(err.text, "/dev/full: No space left on device");
    assert_true(err.retriable);
    ed_journal_close(journal, NULL);
}

TEST(a_reader_of_standard_output_that_goes_is_a_stop)
{
    int ends[2], before = dup(STDOUT_FILENO);
    eddy_error err;
    char got[20] = "";
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    struct ed_journal *journal = open_two("-", NULL);
    eddy_status first = commit(journal, "line", &err);
    ssize_t n = read(ends[0], got, sizeof got - 1);
    close(ends[0]);
    eddy_status second = commit(journal, "line", &err);
    ed_journal_close(journal, NULL);
    dup2(before, STDOUT_FILENO);
    close(before);
    assert_int_equal(first, EDDY_OK);
    assert_int_equal(n, 5);
    assert_string_equal(got, "line\n");
    assert_int_equal(second, EDDY_STOPPED);
    assert_string_equal(err.text, "standard output: its reader has gone");
}

/* ---- dead letters ---- */

static void dead(struct ed_epoch *epoch, eddy_str key, eddy_str value)
{
    static const eddy_header headers[] = {
        {ED_HEADER_DEAD_CODE, {"the message's own", 17}},
        {ED_HEADER_DEAD_TOPIC, {"news", 4}},
        {ED_HEADER_DEAD_PARTITION, {"3", 1}},
        {ED_HEADER_DEAD_OFFSET, {"1234567890123", 13}},
        {ED_HEADER_DEAD_MESSAGE, {"it \"hurts\"", 10}},
        {ED_HEADER_DEAD_CODE, {"bad_json", 8}},
    };
    *ed_epoch_add(epoch) = (struct ed_message){.topic = ED_DEAD,
                                               .key = key,
                                               .value = value,
                                               .headers = headers,
                                               .n_headers = sizeof headers / sizeof *headers};
}

TEST(dead_letters_are_lines_of_json)
{
    const char *paths[ED_TOPICS] = {[ED_DEAD] = in_dir("dead")};
    struct ed_journal *journal = NULL;
    struct ed_epoch epoch;
    eddy_error err = {0};
    CHECK_OK(ed_journal_files_open(paths, NULL, "p", &journal, &err), &err);
    ed_epoch_init(&epoch, NULL);
    dead(&epoch, (eddy_str){"k", 1}, (eddy_str){"{\"a\"\0:", 6});
    dead(&epoch, (eddy_str){NULL, 0}, (eddy_str){"\xff\xfe", 2});
    dead(&epoch, (eddy_str){"\x80", 1}, (eddy_str){NULL, 0});
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    ed_epoch_clear(&epoch);
#define SAME                                                                                       \
    "{\"reason\":\"bad_json\",\"detail\":\"it \\\"hurts\\\"\",\"topic\":\"news\",\"partition\":3," \
    "\"offset\":1234567890123,"
    must_hold("dead", SAME "\"key\":\"k\",\"value\":\"{\\\"a\\\"\\u0000:\"}\n" //
              SAME "\"key\":null,\"value_base64\":\"//4=\"}\n"                 //
              SAME "\"key_base64\":\"gA==\",\"value\":null}\n");
}

TEST(writing_survives_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        const char *paths[ED_TOPICS] = {in_dir("m1"), in_dir("m2"), "/dev/null", in_dir("m3")};
        struct ed_journal *journal = NULL;
        eddy_status st = ed_journal_files_open(paths, NULL, "p", &journal, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !journal));
        static struct ed_message m = {.topic = ED_DEAD, .value = {"x", 1}};
        struct ed_epoch epoch = {.messages = &m, .n_messages = 1};
        if (st == EDDY_OK)
            st = ed_journal_commit(journal, &epoch, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        ed_journal_close(journal, NULL);
        assert_false(is_there("m1.part"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_can_be_followed_and_the_name_appears_at_the_end),
        cmocka_unit_test(topics_may_share_a_file_and_tombstones_have_no_line),
        cmocka_unit_test(what_a_killed_run_left_is_kept_and_a_running_one_is_respected),
        cmocka_unit_test(a_place_that_cannot_be_written_is_named_and_nothing_is_left),
        cmocka_unit_test(an_epoch_that_does_not_fit_leaves_nothing_and_fits_later),
        cmocka_unit_test(a_failed_last_commit_leaves_the_part),
        cmocka_unit_test(a_full_device_may_be_tried_again),
        cmocka_unit_test(a_reader_of_standard_output_that_goes_is_a_stop),
        cmocka_unit_test(dead_letters_are_lines_of_json),
        cmocka_unit_test(writing_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
