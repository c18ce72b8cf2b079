/* label: threads */
/* Who reasons beside the stream: statistics at their places, a model that takes its time. */
#include "pipeline_support.h"

#include "base/time.h"
#include "source/inside.h"

#include <stdatomic.h>
#include <time.h>

static struct ed_reason_options reason_of(enum ed_reason_kind kind)
{
    struct ed_reason_options o = {.kind = kind, .every = 64, .interval_ms = 0, .doubts_max = 16};
    eddy_reason_options_init(&o.reason);
    return o;
}

TEST(statistics_have_their_turn_at_the_same_places_whatever_the_batches)
{
    uint64_t seed = test_seed();
    char stream[200], a[200], b[200];
    file_of("stream", "statistics", stream);
    write_stream(stream, 600, &seed, 1);
    const struct ed_reason_options reason = reason_of(ED_REASON_STATISTICS);
    static const size_t sizes[] = {64, 1, 7, 100, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct setup s = setup_of(sizes[i], 1 + i % 3, 4);
        s.options.reason = &reason;
        CHECK_OK(run(&s, stream, i ? "other" : "first", NULL), &s.err);
        check_account(&s.counts);
        uint64_t documents = s.counts.assigned + s.counts.founded;
        assert_int_equal(s.counts.reason.passes, (documents - 1) / 64 + 1); /* one at the end */
        assert_int_equal(s.counts.operations + s.counts.refused, 0);        /* not in the log */
        for (int t = 0; i && t < ED_TOPICS; t++)
            if (!same_files(file_of("first", names[t], a), file_of("other", names[t], b)))
                fail_msg("batch_max %zu: %s differ", sizes[i], names[t]);
    }
}

/* ---- a model that hangs ---- */

struct hanging {
    struct ed_pipeline **pl;
    uint64_t until; /* documents that are committed before it gives up */
    int64_t until_ms;
    atomic_int asked, late;
};

/* Answers nothing until all documents are visible: had anybody waited for it, that would never be.
 */
static void hang(void *self, const eddy_request *requests, size_t n, eddy_arena *arena,
                 eddy_reply *replies)
{
    struct hanging *h = self;
    struct ed_counts counts;
    (void)requests;
    (void)arena;
    atomic_fetch_add(&h->asked, (int)n);
    int64_t until = ed_monotonic_ms() + h->until_ms;
    do {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        ed_pipeline_counts(*h->pl, &counts);
    } while (counts.committed < h->until && ed_monotonic_ms() < until);
    atomic_fetch_add(&h->late, counts.committed < h->until);
    for (size_t i = 0; i < n; i++)
        replies[i] = (eddy_reply){.status = EDDY_UNAVAILABLE, .detail = "it hangs"};
}

TEST(a_model_that_hangs_holds_up_no_document)
{
    uint64_t seed = test_seed();
    char stream[200];
    struct ed_pipeline *pl = NULL;
    file_of("stream", "hangs", stream);
    write_stream(stream, 500, &seed, 0);
    struct hanging h = {.pl = &pl, .until = 500 - 32, .until_ms = 120000};
    struct ed_reason_options reason = reason_of(ED_REASON_LLM);
    reason.reason.completer = (eddy_completer){&h, hang};
    reason.changes = 1;
    reason.last_ms = 20000;
    struct setup s = setup_of(16, 1, 4);
    s.options.reason = &reason;
    CHECK_OK(run(&s, stream, NULL, &pl), &s.err);
    check_account(&s.counts);
    assert_int_equal(s.counts.committed, 500);
    assert_true(atomic_load(&h.asked) > 0);
    assert_int_equal(atomic_load(&h.late), 0);
    assert_true(s.counts.reason.passes_failed > 0 && s.counts.reason.failed > 0);
}

TEST(the_end_waits_for_a_model_but_not_for_long)
{
    uint64_t seed = test_seed();
    char stream[200];
    struct ed_pipeline *pl = NULL;
    file_of("stream", "end", stream);
    write_stream(stream, 300, &seed, 0);
    struct hanging h = {.pl = &pl, .until = UINT64_MAX, .until_ms = 1500};
    struct ed_reason_options reason = reason_of(ED_REASON_LLM);
    reason.reason.completer = (eddy_completer){&h, hang};
    reason.interval_ms = 1000000; /* nothing is asked before the end */
    reason.last_ms = 300;
    struct setup s = setup_of(16, 1, 4);
    s.options.reason = &reason;
    CHECK_OK(run(&s, stream, NULL, &pl), &s.err);
    assert_int_equal(s.counts.committed, 300);
    assert_int_equal(atomic_load(&h.late), 1); /* asked once, at the end */
    assert_true(s.counts.operations > 0);      /* what statistics say was not waited for */
}

TEST(options_that_make_no_sense_are_refused_before_anything_runs)
{
    struct ed_reasoner *r = NULL;
    struct ed_reason_options reason = reason_of(ED_REASON_LLM);
    eddy_error err = {0};
    ed_chat_options_init(&reason.chat);
    assert_int_equal(ed_reasoner_new(&reason, &r, &err), EDDY_CONFIG); /* no URL, no model */
    reason = reason_of(ED_REASON_STATISTICS);
    reason.reason.error = 2;
    err = (eddy_error){0};
    assert_int_equal(ed_reasoner_new(&reason, &r, &err), EDDY_INVALID);
    reason = reason_of(ED_REASON_STATISTICS);
    EACH_ALLOC_FAILS (k) {
        r = NULL;
        eddy_status st = ed_reasoner_new(&reason, &r, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !r));
        ed_reasoner_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_have_their_turn_at_the_same_places_whatever_the_batches),
        cmocka_unit_test(a_model_that_hangs_holds_up_no_document),
        cmocka_unit_test(the_end_waits_for_a_model_but_not_for_long),
        cmocka_unit_test(options_that_make_no_sense_are_refused_before_anything_runs),
    };
    return cmocka_run_group_tests(tests, make_dir, dir_remove);
}
