/* Heads: what is written comes back, what is not a head is refused, and an epoch that fails leaves
 * no trace in one. */
#include "test.h"

#include "journal/head.h"

#define GOLDEN "tests/golden/state/head.1"

static const struct ed_head given = {
    .mark = {.epoch = 41,
             .fingerprint = UINT64_C(0xF123456789ABCDEF),
             .hash = UINT64_C(0xFEDCBA9876543210),
             .documents = 123456,
             .stream_ms = -5,
             .change_position = 77,
             .change_index = 3,
             .ended = 1,
             .tally = {100, 20, 3, 4}},
    .owner = UINT64_C(0x8000000000000001),
    .shard = 2,
    .n_shards = 5,
    .state_next = -1,
    .pipeline = {"news", 4},
    .offsets =
        (struct ed_offset[]){{"a", 0, 10}, {"a", 1, 0}, {"topic.b", 7, INT64_MAX}, {"", 0, 1}},
    .n_offsets = 4,
    .written = {1, 2, UINT64_MAX, 4},
};

static struct ed_bytes bytes_of(const struct ed_head *head)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_head_write(head, &b);
    assert_false(b.failed);
    return b;
}

static eddy_str str_of(const struct ed_bytes *b)
{
    return (eddy_str){b->at, b->n};
}

static void must_be_given(const struct ed_head *head)
{
    assert_memory_equal(&head->mark, &given.mark, sizeof given.mark);
    assert_int_equal(head->owner, given.owner);
    assert_int_equal(head->shard, given.shard);
    assert_int_equal(head->n_shards, given.n_shards);
    assert_int_equal(head->state_next, given.state_next);
    assert_int_equal(head->pipeline.n, 4);
    assert_string_equal(head->pipeline.at, "news");
    assert_memory_equal(head->written, given.written, sizeof given.written);
    assert_int_equal(head->n_offsets, given.n_offsets);
    for (size_t i = 0; i < given.n_offsets; i++) {
        assert_string_equal(head->offsets[i].topic, given.offsets[i].topic);
        assert_int_equal(head->offsets[i].partition, given.offsets[i].partition);
        assert_int_equal(head->offsets[i].next, given.offsets[i].next);
    }
}

TEST(what_is_written_is_read)
{
    eddy_error err = {0};
    struct ed_bytes b = bytes_of(&given);
    struct ed_head head = {0};
    CHECK_OK(ed_head_read(str_of(&b), &head, &err), &err);
    must_be_given(&head);
    struct ed_bytes again = bytes_of(&head);
    assert_int_equal(again.n, b.n);
    assert_memory_equal(again.at, b.at, b.n);
    ed_head_clear(&head);
    ed_bytes_clear(&again);
    ed_bytes_clear(&b);
}

/* EDDY_GOLDEN_WRITE=1 makes the fixture of the version of today: once, when there is a new one. */
TEST(a_head_of_version_1_is_read)
{
    char bytes[1000];
    eddy_error err = {0};
    struct ed_head head = {0};
    if (getenv("EDDY_GOLDEN_WRITE")) {
        struct ed_bytes b = bytes_of(&given);
        FILE *out = fopen(GOLDEN, "wb");
        assert_non_null(out);
        fwrite(b.at, 1, b.n, out);
        fclose(out);
        ed_bytes_clear(&b);
    }
    FILE *in = fopen(GOLDEN, "rb");
    assert_non_null(in);
    size_t n = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    CHECK_OK(ed_head_read((eddy_str){bytes, n}, &head, &err), &err);
    must_be_given(&head);
    ed_head_clear(&head);
}

static void must_be_refused(eddy_str bytes, const char *why)
{
    eddy_error err = {0};
    struct ed_head head = {0}, none = {0};
    assert_int_equal(ed_head_read(bytes, &head, &err), EDDY_FORMAT);
    assert_non_null(strstr(err.text, why));
    assert_memory_equal(&head, &none, sizeof none);
}

TEST(what_is_no_head_is_refused)
{
    struct ed_bytes b = bytes_of(&given);
    for (size_t n = 0; n < b.n; n++)
        must_be_refused((eddy_str){b.at, n}, n < 8 ? "not the head" : "damaged");
    ed_bytes_add(&b, "x", 1);
    must_be_refused(str_of(&b), "damaged");
    b.n--;
    b.at[4] = ED_HEAD_VERSION + 1;
    must_be_refused(str_of(&b), "a newer eddy wrote it");
    b.at[4] = 0;
    must_be_refused(str_of(&b), "not the head");
    b.at[4] = 1;
    b.at[0] = 'E';
    must_be_refused(str_of(&b), "not the head");
    ed_bytes_clear(&b);

    struct ed_head bad = given;
    bad.offsets = (struct ed_offset[]){{"a", -1, 0}};
    bad.n_offsets = 1;
    b = bytes_of(&bad);
    must_be_refused(str_of(&b), "damaged");
    ed_bytes_clear(&b);
    bad.offsets = (struct ed_offset[]){{"a", 0, -1}};
    b = bytes_of(&bad);
    must_be_refused(str_of(&b), "damaged");
    ed_bytes_clear(&b);
    bad.pipeline = (eddy_str){"ne\0s", 4};
    bad.n_offsets = 0;
    b = bytes_of(&bad);
    must_be_refused(str_of(&b), "damaged");
    ed_bytes_clear(&b);
}

TEST(next_offsets_only_rise_and_names_are_copied)
{
    eddy_error err = {0};
    struct ed_head head = {0};
    char name[] = "in";
    CHECK_OK(ed_head_advance(&head, (struct ed_offset[]){{name, 0, 5}, {name, 1, 9}}, 2, &err),
             &err);
    name[0] = 'x';
    assert_null(ed_head_find(&head, "xn", 0));
    CHECK_OK(ed_head_advance(&head, (struct ed_offset[]){{"in", 0, 4}, {"in", 1, 10}}, 2, &err),
             &err);
    assert_int_equal(head.n_offsets, 2);
    assert_int_equal(ed_head_find(&head, "in", 0)->next, 5);
    assert_int_equal(ed_head_find(&head, "in", 1)->next, 10);
    assert_null(ed_head_find(&head, "in", 2));
    ed_head_clear(&head);
    assert_null(ed_head_find(&head, "in", 0));
}

TEST(an_epoch_counts_or_leaves_no_trace)
{
    eddy_error err = {0};
    struct ed_head head = {0}, after = {0};
    struct ed_epoch epoch = {.mark = {.epoch = 1, .hash = 7},
                             .offsets = (struct ed_offset[]){{"a", 0, 3}, {"b", 0, 4}},
                             .n_offsets = 2};
    CHECK_OK(ed_head_after(&head, &epoch, &after, &err), &err);
    assert_int_equal(head.n_offsets, 0);
    ed_head_accept(&head, &after);
    assert_int_equal(head.mark.hash, 7);
    assert_int_equal(ed_head_find(&head, "b", 0)->next, 4);

    epoch.mark.hash = 8;
    epoch.offsets[0] = (struct ed_offset){"c", 0, 1};
    epoch.offsets[1].next = 40;
    CHECK_OK(ed_head_after(&head, &epoch, &after, &err), &err);
    assert_int_equal(ed_head_find(&after, "b", 0)->next, 40);
    assert_int_equal(ed_head_find(&after, "c", 0)->next, 1);
    assert_int_equal(ed_head_find(&after, "a", 0)->next, 3);
    ed_head_drop(&head, &after);
    assert_int_equal(head.mark.hash, 7);
    assert_int_equal(ed_head_find(&head, "b", 0)->next, 4);
    assert_null(ed_head_find(&head, "c", 0));
    ed_head_clear(&head);
}

TEST(heads_survive_any_lost_allocation)
{
    struct ed_bytes b = bytes_of(&given);
    EACH_ALLOC_FAILS (k) {
        struct ed_head head = {0}, after = {0};
        struct ed_epoch epoch = {.offsets = (struct ed_offset[]){{"c", 0, 3}, {"b", 0, 4}},
                                 .n_offsets = 2};
        eddy_status st = ed_head_read(str_of(&b), &head, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !head.offsets && !head.pipeline.at));
        st = ed_head_after(&head, &epoch, &after, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !after.offsets));
        if (st == EDDY_OK)
            ed_head_accept(&head, &after);
        ed_head_clear(&head);
    }
    ed_bytes_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_head_of_version_1_is_read),
        cmocka_unit_test(what_is_no_head_is_refused),
        cmocka_unit_test(next_offsets_only_rise_and_names_are_copied),
        cmocka_unit_test(an_epoch_counts_or_leaves_no_trace),
        cmocka_unit_test(heads_survive_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
