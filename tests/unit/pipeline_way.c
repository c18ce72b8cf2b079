/* label: threads */
/* The way of a document, whole: real source, parser, embedder, engine and files at the ends; and
 * at the ends fakes where something has to go wrong. */
#include "pipeline_support.h"

#include "journal/inside.h"
#include "source/inside.h"

#include <stdatomic.h>
#include <time.h>

/* ---- sameness ---- */

static void compare_runs(const char *stream, size_t batch_max, size_t workers, size_t ring_max)
{
    char a[200], b[200];
    struct setup s = setup_of(batch_max, workers, ring_max);
    s.options.wait_ms = (int)(batch_max % 3); /* batches that leave early, too */
    CHECK_OK(run(&s, stream, "other", NULL), &s.err);
    check_account(&s.counts);
    for (int i = 0; i < ED_TOPICS; i++)
        if (!same_files(file_of("first", names[i], a), file_of("other", names[i], b)))
            fail_msg("batch_max %zu, workers %zu, ring_max %zu: %s differ", batch_max, workers,
                     ring_max, names[i]);
}

TEST(answers_do_not_depend_on_batches_or_threads)
{
    uint64_t seed = test_seed();
    char stream[200];
    file_of("stream", "sameness", stream);
    write_stream(stream, 700, &seed, 1);
    struct setup s = setup_of(64, 1, 4);
    CHECK_OK(run(&s, stream, "first", NULL), &s.err);
    check_account(&s.counts);
    assert_int_equal(s.counts.in, 700);
    assert_int_equal(s.counts.dead, 17);
    assert_true(s.counts.assigned > 300 && s.counts.founded >= 25);

    static const size_t sizes[] = {1, 7, 64, 1000};
    for (size_t i = 0; i < 4; i++)
        for (size_t workers = 1; workers <= 3; workers++)
            compare_runs(stream, sizes[i], workers, 4);
    for (int i = 0; i < 6; i++)
        compare_runs(stream, 1 + test_random(&seed) % 300, 1 + test_random(&seed) % 4,
                     2 + test_random(&seed) % 6);
}

/* ---- accounts ---- */

TEST(every_message_is_assigned_filtered_or_dead)
{
    uint64_t seed = test_seed();
    char stream[200];
    static const char *const wanted[] = {"eng"};
    file_of("stream", "account", stream);
    write_stream(stream, 500, &seed, 1);
    struct setup s = setup_of(32, 2, 4);
    s.options.languages = wanted;
    s.options.n_languages = 1;
    CHECK_OK(run(&s, stream, NULL, NULL), &s.err);
    check_account(&s.counts);
    assert_int_equal(s.counts.in, 500);
    assert_true(s.counts.filtered > 20 && s.counts.dead > 5);
}

struct stopper {
    struct ed_pipeline *pl;
    int left;
};

static void stop_soon(void *watcher, const eddy_doc *doc, const eddy_assignment *a)
{
    (void)doc;
    (void)a;
    struct stopper *stopper = watcher;
    if (--stopper->left == 0)
        ed_pipeline_stop(stopper->pl);
}

TEST(a_stop_leaves_an_account_of_what_was_answered)
{
    uint64_t seed = test_seed();
    char stream[200];
    file_of("stream", "stop", stream);
    write_stream(stream, 5000, &seed, 1);
    struct stopper stopper = {.left = 100};
    struct setup s = setup_of(16, 2, 3);
    s.options.watcher = &stopper;
    s.options.on_assigned = stop_soon;
    CHECK_OK(run(&s, stream, NULL, &stopper.pl), &s.err);
    check_account(&s.counts);
    assert_true(s.counts.in >= 100 && s.counts.in < 5000);
}

TEST(an_empty_stream_ends_well)
{
    uint64_t seed = 0;
    char stream[200];
    file_of("stream", "empty", stream);
    write_stream(stream, 0, &seed, 0);
    struct setup s = setup_of(16, 1, 2);
    CHECK_OK(run(&s, stream, NULL, NULL), &s.err);
    check_account(&s.counts);
    assert_int_equal(s.counts.in, 0);
}

/* ---- what goes wrong ---- */

struct fake_journal {
    struct ed_journal journal;
    eddy_status status; /* of those that fail; 0: EDDY_UNAVAILABLE */
    int retriable;
    int fails;   /* commits that still fail */
    int slow_ms; /* what a commit takes */
    atomic_int commits;
};

static eddy_status fake_commit(struct ed_journal *journal, struct ed_epoch *epoch, eddy_error *err)
{
    (void)epoch;
    struct fake_journal *fake = (struct fake_journal *)journal;
    if (fake->slow_ms)
        nanosleep(&(struct timespec){0, fake->slow_ms * 1000000L}, NULL);
    if (fake->fails && fake->fails--) {
        err->status = fake->status ? fake->status : EDDY_UNAVAILABLE;
        err->retriable = fake->retriable;
        snprintf(err->text, sizeof err->text, "the fake is away");
        return err->status;
    }
    atomic_fetch_add(&fake->commits, 1);
    return EDDY_OK;
}

TEST(a_commit_is_tried_again_while_that_may_help)
{
    uint64_t seed = 1;
    char stream[200];
    file_of("stream", "retry", stream);
    write_stream(stream, 200, &seed, 0);
    struct fake_journal fake = {.journal.commit = fake_commit, .retriable = 1, .fails = 2};
    struct setup s = setup_of(32, 2, 2);
    s.journal = &fake.journal;
    CHECK_OK(run(&s, stream, NULL, NULL), &s.err);
    check_account(&s.counts);
    assert_true(fake.commits >= 7);
    assert_int_equal(s.counts.commit_retries, 2);
}

TEST(a_full_disk_is_waited_for_only_by_the_patient)
{
    uint64_t seed = 1;
    char stream[200];
    file_of("stream", "full", stream);
    write_stream(stream, 200, &seed, 0);
    for (int patient = 0; patient < 2; patient++) {
        struct fake_journal fake = {
            .journal.commit = fake_commit, .status = EDDY_IO, .retriable = 1, .fails = 2};
        struct setup s = setup_of(32, 2, 2);
        s.journal = &fake.journal;
        s.patient = patient;
        assert_int_equal(run(&s, stream, NULL, NULL), patient ? EDDY_OK : EDDY_IO);
        assert_int_equal(s.counts.commit_retries, patient ? 2 : 0);
        assert_int_equal(s.counts.committed, patient ? 200 : 0);
    }
}

TEST(a_commit_that_fails_for_good_ends_the_run_with_its_error)
{
    uint64_t seed = 1;
    char stream[200];
    file_of("stream", "fail", stream);
    write_stream(stream, 3000, &seed, 0);
    struct fake_journal fake = {.journal.commit = fake_commit, .fails = 1};
    struct setup s = setup_of(32, 2, 2);
    s.journal = &fake.journal;
    assert_int_equal(run(&s, stream, NULL, NULL), EDDY_UNAVAILABLE);
    assert_string_equal(s.err.text, "the fake is away");
    assert_int_equal(s.counts.committed, 0);
    assert_int_equal(fake.commits, 0);
}

/* A source that never ends, and may break. */
struct fake_source {
    struct ed_source source;
    atomic_long left; /* messages until it breaks */
    eddy_str text;    /* of each; at NULL: a short one */
    atomic_long n;    /* given so far */
    int ends;         /* 1: it ends instead of breaking */
};

static eddy_status fake_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                             size_t *n_ret, int *end, eddy_error *err)
{
    (void)wait_ms;
    struct fake_source *fake = (struct fake_source *)source;
    static const char text[] =
        "{\"text\":\"the same old story of the river\",\"ts\":1900000000000}";
    *n_ret = 0;
    if (atomic_load(&source->stopped))
        return EDDY_STOPPED;
    if (fake->left <= 0 && fake->ends) {
        *end = 1;
        return EDDY_OK;
    }
    if (fake->left <= 0) {
        err->status = EDDY_IO;
        snprintf(err->text, sizeof err->text, "the fake is torn at message %ld", fake->n);
        return EDDY_IO;
    }
    for (; *n_ret < max && fake->left > 0; fake->left--)
        ret[(*n_ret)++] = (eddy_raw){.bytes = fake->text.at ? fake->text.at : text,
                                     .n = fake->text.at ? fake->text.n : sizeof text - 1,
                                     .broker_ms = -1,
                                     .position = {"fake", 0, atomic_fetch_add(&fake->n, 1)}};
    return EDDY_OK;
}

static struct fake_source fake_source_of(long left)
{
    static struct ed_offset start = {"fake", 0, 0};
    return (struct fake_source){.source = {.read = fake_read, .starts = &start, .n_starts = 1},
                                .left = left};
}

/* More is under way than was committed by what the batches hold, never by more. */
struct slow_end {
    struct fake_journal fake;
    struct fake_source *source;
    long ahead_max;
};

static eddy_status slow_commit(struct ed_journal *journal, struct ed_epoch *epoch, eddy_error *err)
{
    struct slow_end *slow = (struct slow_end *)journal;
    eddy_status st = fake_commit(journal, epoch, err);
    long ahead = epoch->n_offsets ? slow->source->n - (long)epoch->offsets[0].next : 0;
    slow->ahead_max = ahead > slow->ahead_max ? ahead : slow->ahead_max;
    return st;
}

TEST(a_slow_end_holds_the_reader_up)
{
    struct fake_source source = fake_source_of(400);
    struct slow_end slow = {.fake = {.journal.commit = slow_commit, .slow_ms = 60},
                            .source = &source};
    struct setup s = setup_of(10, 1, 3);
    s.journal = &slow.fake.journal;
    s.source = &source.source;
    assert_int_equal(run(&s, NULL, NULL, NULL), EDDY_IO);
    check_account(&s.counts);
    assert_int_equal(s.counts.in, 400);
    printf("at most %ld ahead\n", slow.ahead_max);
    assert_in_range(slow.ahead_max, 20, 30); /* the batch committed has its place still */
}

static eddy_status trickle_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                                size_t *n_ret, int *end, eddy_error *err)
{
    nanosleep(&(struct timespec){0, 2000000L}, NULL);
    return fake_read(source, wait_ms, ret, max ? 1 : 0, n_ret, end, err);
}

/* A commit that takes as long as twenty messages, however fast the machine is. */
static eddy_status long_commit(struct ed_journal *journal, struct ed_epoch *epoch, eddy_error *err)
{
    struct slow_end *slow = (struct slow_end *)journal;
    long until = slow->source->n + 20;
    for (int i = 0; i < 200 && slow->source->left > 0 && slow->source->n < until; i++)
        nanosleep(&(struct timespec){0, 1000000L}, NULL);
    return fake_commit(journal, epoch, err);
}

/* What comes during a commit goes together. Each small batch on its own, every second or third
 * message would have a commit. */
TEST(what_comes_during_a_slow_commit_goes_together)
{
    struct fake_source source = fake_source_of(400);
    struct slow_end slow = {.fake = {.journal.commit = long_commit}, .source = &source};
    struct setup s = setup_of(1000, 1, 8);
    source.source.read = trickle_read;
    source.ends = 1;
    s.options.wait_ms = 5;
    s.journal = &slow.fake.journal;
    s.source = &source.source;
    assert_int_equal(run(&s, NULL, NULL, NULL), EDDY_OK);
    check_account(&s.counts);
    printf("%d commits\n", slow.fake.commits);
    assert_in_range(slow.fake.commits, 2, 60);
}

TEST(a_source_that_breaks_loses_nothing_of_what_it_gave)
{
    struct fake_journal journal = {.journal.commit = fake_commit};
    struct fake_source source = fake_source_of(333);
    struct setup s = setup_of(64, 2, 3);
    s.journal = &journal.journal;
    s.source = &source.source;
    assert_int_equal(run(&s, NULL, NULL, NULL), EDDY_IO);
    assert_string_equal(s.err.text, "the fake is torn at message 333");
    check_account(&s.counts);
    assert_int_equal(s.counts.in, 333);
}

/* Looks at what epochs say of themselves. */
struct kept_journal {
    struct ed_journal journal;
    int n, n_records; /* epochs; records in all */
    long first, next; /* what the first one and the last one said of the input */
    struct ed_mark mark;
};

static eddy_status kept_commit(struct ed_journal *journal, struct ed_epoch *epoch, eddy_error *err)
{
    (void)err;
    struct kept_journal *kept = (struct kept_journal *)journal;
    if (epoch->n_offsets) {
        assert_int_equal(epoch->n_offsets, 1);
        assert_string_equal(epoch->offsets[0].topic, "fake");
        assert_true(epoch->offsets[0].next >= kept->next);
        kept->next = (long)epoch->offsets[0].next;
    }
    if (!kept->n++)
        kept->first = epoch->n_offsets ? kept->next : -1;
    kept->n_records += (int)epoch->n_records;
    kept->mark = epoch->mark;
    kept->mark.epoch = (uint64_t)kept->n;
    return EDDY_OK;
}

static struct kept_journal kept_journal_of(void)
{
    return (struct kept_journal){.journal.commit = kept_commit};
}

/* Documents so long that embedding is what takes the time. */
TEST(a_stop_drops_what_is_not_embedded_and_commits_no_gap)
{
    enum { SIZE = 200000 };
    char *text = malloc(SIZE);
    assert_non_null(text);
    size_t n = (size_t)sprintf(text, "{\"text\":\"");
    for (uint64_t i = 0; n < SIZE - 20; i++)
        n += (size_t)sprintf(text + n, "%s ", word(i % 9, i % 5000));
    n += (size_t)sprintf(text + n, "\"}");
    struct stopper stopper = {.left = 40};
    struct kept_journal journal = kept_journal_of();
    struct fake_source source = fake_source_of(1000000);
    source.text = (eddy_str){text, n};
    struct setup s = setup_of(64, 2, 4);
    s.journal = &journal.journal;
    s.source = &source.source;
    s.options.watcher = &stopper;
    s.options.on_assigned = stop_soon;
    CHECK_OK(run(&s, NULL, NULL, &stopper.pl), &s.err);
    check_account(&s.counts);
    printf("answered %d of %ld\n", (int)s.counts.in, source.n);
    assert_true(s.counts.in >= 40 && (long)s.counts.in < source.n);
    assert_int_equal(journal.next, s.counts.in); /* the first ones, all of them */
    free(text);
}

/* ---- what goes ahead ---- */

/* Gives messages in rounds: each when all before have been answered. */
struct rounds {
    struct fake_source fake;
    struct kept_journal journal;
    struct ed_pipeline *pl;
    atomic_long answered;
    int n, stop_at; /* rounds; 0: it ends by itself */
};

enum { ROUND = 64, ROUNDS = 8 };

static eddy_status rounds_read(struct ed_source *source, int wait_ms, eddy_raw *ret, size_t max,
                               size_t *n_ret, int *end, eddy_error *err)
{
    struct rounds *rounds = (struct rounds *)source;
    *n_ret = 0;
    nanosleep(&(struct timespec){0, 1000000L}, NULL);
    if (atomic_load(&source->stopped))
        return EDDY_STOPPED;
    if (rounds->answered < rounds->fake.n && rounds->fake.n % ROUND == 0)
        return EDDY_OK;
    if (rounds->fake.n % ROUND == 0 && ++rounds->n == rounds->stop_at)
        ed_pipeline_stop(rounds->pl);
    size_t left = ROUND - (size_t)rounds->fake.n % ROUND;
    return fake_read(source, wait_ms, ret, max < left ? max : left, n_ret, end, err);
}

static void count_answer(void *watcher, const eddy_doc *doc, const eddy_assignment *a)
{
    (void)doc;
    (void)a;
    struct rounds *rounds = watcher;
    atomic_fetch_add(&rounds->answered, 1);
}

/* So many, of epochs that may take so long. */
static struct setup setup_of_rounds(struct rounds *rounds, int n, int wait_ms)
{
    *rounds = (struct rounds){.fake = fake_source_of(ROUND * n), .journal = kept_journal_of()};
    rounds->fake.source.read = rounds_read;
    rounds->fake.ends = 1;
    struct setup s = setup_of(4096, 2, 4);
    s.options.wait_ms = wait_ms;
    s.options.watcher = rounds;
    s.options.on_assigned = count_answer;
    s.source = &rounds->fake.source;
    s.journal = &rounds->journal.journal;
    return s;
}

/* Were a document answered only when its epoch ends, each round would be an epoch of its own. */
TEST(documents_are_answered_before_their_epoch_ends)
{
    struct rounds rounds;
    struct setup s = setup_of_rounds(&rounds, ROUNDS, 1000);
    CHECK_OK(run(&s, NULL, NULL, &rounds.pl), &s.err);
    check_account(&s.counts);
    printf("%d epochs of %d rounds\n", rounds.journal.n, ROUNDS);
    assert_int_equal(s.counts.in, ROUND * ROUNDS);
    assert_int_equal(rounds.journal.next, ROUND * ROUNDS);
    assert_int_equal(rounds.journal.mark.documents, ROUND * ROUNDS);
    assert_in_range(rounds.journal.n, 1, ROUNDS - 1);
}

/* Wherever in an epoch the stop comes. */
TEST(a_stop_ends_the_epoch_of_what_was_answered)
{
    for (int at = 8; at < 16; at++) {
        struct rounds rounds;
        struct setup s = setup_of_rounds(&rounds, 24, 200);
        rounds.stop_at = at;
        CHECK_OK(run(&s, NULL, NULL, &rounds.pl), &s.err);
        check_account(&s.counts);
        assert_in_range(s.counts.in, ROUND * (at - 1), ROUND * at);
        assert_int_equal(rounds.journal.next, s.counts.in);
        assert_int_equal(rounds.journal.mark.documents, s.counts.in);
    }
}

/* ---- a stop that is a pause ---- */

TEST(the_first_epoch_tells_where_the_inputs_began)
{
    struct kept_journal journal = kept_journal_of();
    struct fake_source source = fake_source_of(30);
    source.ends = 1;
    for (int resumable = 0; resumable < 2; resumable++) {
        struct setup s = setup_of(64, 1, 3);
        struct ed_offset start = {"fake", 0, 17};
        source = fake_source_of(30);
        source.ends = 1;
        source.n = 17;
        source.source.starts = &start;
        journal = kept_journal_of();
        s.journal = &journal.journal;
        s.source = &source.source;
        s.options.resumable = resumable;
        CHECK_OK(run(&s, NULL, NULL, NULL), &s.err);
        assert_true(resumable ? journal.first == 17 : journal.first > 17);
        assert_int_equal(journal.next, 47);
        assert_true(resumable == (journal.n_records > 0));
        assert_true(resumable == (journal.mark.hash != 0));
    }
}

TEST(an_end_is_marked_and_a_pause_is_not)
{
    /* The source ends; it ends, but there is more to come; it breaks. */
    for (int way = 0; way < 3; way++) {
        struct kept_journal journal = kept_journal_of();
        struct fake_source source = fake_source_of(30);
        struct setup s = setup_of(64, 1, 3);
        source.ends = way != 2;
        s.journal = &journal.journal;
        s.source = &source.source;
        s.options.resumable = 1;
        s.options.goes_on = way == 1;
        assert_int_equal(run(&s, NULL, NULL, NULL), way == 2 ? EDDY_IO : EDDY_OK);
        assert_int_equal(journal.mark.ended, way == 0);
        assert_int_equal(journal.next, 30);
        assert_int_equal(journal.mark.documents, 30);
    }
}

TEST(counters_go_on_where_the_last_run_left_them)
{
    struct kept_journal journal = kept_journal_of();
    struct fake_source source = fake_source_of(30);
    struct setup s = setup_of(64, 1, 3);
    source.ends = 1;
    s.journal = &journal.journal;
    s.source = &source.source;
    s.options.resumable = 1;
    s.options.mark = (struct ed_mark){
        .epoch = 9, .change_position = 123456, .change_index = 7, .tally = {1000, 200, 30, 4}};
    CHECK_OK(run(&s, NULL, NULL, NULL), &s.err);
    assert_int_equal(s.counts.in, 1234 + 30);
    assert_int_equal(s.counts.in,
                     s.counts.assigned + s.counts.founded + s.counts.filtered + s.counts.dead);
    assert_int_equal(s.counts.founded, 201);
    assert_int_equal(s.counts.committed, 30);
    assert_true(journal.first > 0); /* no epoch that only tells of starts */
    assert_int_equal(journal.mark.tally.assigned, 1029);
    assert_int_equal(journal.mark.tally.dead, 4);
}

/* ---- making one ---- */

TEST(a_pipeline_survives_any_lost_allocation_and_refuses_odd_numbers)
{
    struct fake_journal journal = {.journal.commit = fake_commit};
    struct fake_source source = fake_source_of(0);
    struct ed_pipeline_options options = {.source = &source.source,
                                          .journal = &journal.journal,
                                          .batch_max = 4,
                                          .workers = 1,
                                          .ring_max = 2};
    EACH_ALLOC_FAILS (k) {
        struct ed_pipeline *pl = NULL;
        eddy_status st = ed_pipeline_new(&options, &pl, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !pl));
        ed_pipeline_free(pl);
    }
    struct ed_pipeline *pl = NULL;
    eddy_error err = {0};
    options.ring_max = 1;
    assert_int_equal(ed_pipeline_new(&options, &pl, &err), EDDY_INVALID);
    assert_non_null(strstr(err.text, "ring_max 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_do_not_depend_on_batches_or_threads),
        cmocka_unit_test(every_message_is_assigned_filtered_or_dead),
        cmocka_unit_test(a_stop_leaves_an_account_of_what_was_answered),
        cmocka_unit_test(a_stop_drops_what_is_not_embedded_and_commits_no_gap),
        cmocka_unit_test(an_empty_stream_ends_well),
        cmocka_unit_test(a_commit_is_tried_again_while_that_may_help),
        cmocka_unit_test(a_full_disk_is_waited_for_only_by_the_patient),
        cmocka_unit_test(a_commit_that_fails_for_good_ends_the_run_with_its_error),
        cmocka_unit_test(a_slow_end_holds_the_reader_up),
        cmocka_unit_test(what_comes_during_a_slow_commit_goes_together),
        cmocka_unit_test(a_source_that_breaks_loses_nothing_of_what_it_gave),
        cmocka_unit_test(documents_are_answered_before_their_epoch_ends),
        cmocka_unit_test(a_stop_ends_the_epoch_of_what_was_answered),
        cmocka_unit_test(the_first_epoch_tells_where_the_inputs_began),
        cmocka_unit_test(an_end_is_marked_and_a_pause_is_not),
        cmocka_unit_test(counters_go_on_where_the_last_run_left_them),
        cmocka_unit_test(a_pipeline_survives_any_lost_allocation_and_refuses_odd_numbers),
    };
    return cmocka_run_group_tests(tests, make_dir, dir_remove);
}
