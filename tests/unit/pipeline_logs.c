/* What a shard knows of logs comes back from its records, and is told again when it is wanted. */
#include "test.h"

#include "pipeline/logs.h"

static const char *const messages[] = {
    "opened the northern gate", "closed the northern gate", "pump is too hot",
    "payment was accepted",     "query took long",
};
#define MESSAGES (sizeof messages / sizeof *messages)

struct knowing {
    struct ed_logs *logs;
    struct ed_batch *batch;
    eddy_arena *arena;
    const eddy_record *records; /* (n) of the last call, until the batch is emptied */
    size_t n;
};

static struct knowing knowing_new(void)
{
    struct knowing k = {.arena = eddy_arena_new(0)};
    eddy_error err = {0};
    CHECK_OK(ed_logs_new(&k.logs, &err), &err);
    CHECK_OK(ed_batch_new(16, (size_t)64 << 20, &k.batch, &err), &err);
    return k;
}

static void knowing_clear(struct knowing *k)
{
    ed_logs_free(k->logs);
    ed_batch_free(k->batch);
    eddy_arena_free(k->arena);
}

/* A line, as lines.c takes it; returns its slot. */
static uint32_t line_take(struct knowing *k, const char *message, uint64_t group)
{
    eddy_str raised[] = {{"java.io.IOException", 19}, {"lock.Jam", 8}};
    struct ed_log_item log = {.message = {message, strlen(message)},
                              .component = {"gate", 4},
                              .level = EDDY_LEVEL_ERROR,
                              .exceptions = raised,
                              .n_exceptions = 2};
    const eddy_template_change *changes;
    eddy_line_answer answer;
    eddy_error err = {0};
    struct ed_logs *logs = k->logs;
    CHECK_OK(eddy_scan_message(log.message, raised, 2, k->arena, &log.scan, &err), &err);
    const eddy_line line = {log.scan, log.message, 1000};
    CHECK_OK(eddy_miner_take(logs->miner, &line, 1, &answer, &err), &err);
    size_t n = eddy_miner_changes(logs->miner, &changes);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(changes[i].kind, EDDY_TEMPLATE_FOUNDED);
        assert_non_null(ed_logs_slot(logs, changes[i].slot, changes[i].id));
        CHECK_OK(ed_logs_origin(logs, changes[i].slot, &log, &err), &err);
    }
    struct ed_log_slot *slot = ed_logs_slot(logs, answer.slot, answer.id);
    slot->lines++;
    slot->group = group;
    CHECK_OK(eddy_miner_value_set(logs->miner, answer.id, group, &err), &err);
    if (!slot->minute++)
        CHECK_OK(ed_logs_note(&logs->counted, &logs->n_counted, &logs->room_counted, answer.slot,
                              &err),
                 &err);
    logs->counts_changed = 1;
    logs->stream_ms = 1000;
    return answer.slot;
}

static void records(struct knowing *k)
{
    eddy_error err = {0};
    ed_batch_reset(k->batch);
    k->records = NULL;
    k->n = 0;
    CHECK_OK(ed_logs_records(k->logs, k->batch, &k->records, &k->n, &err), &err);
}

static struct knowing loaded_from(const struct knowing *from, eddy_status wanted)
{
    struct knowing k = knowing_new();
    eddy_error err = {0};
    for (size_t i = 0; i < from->n; i++) {
        assert_true(ed_logs_owns(from->records[i].key));
        CHECK_OK(ed_logs_load(k.logs, &from->records[i], &err), &err);
    }
    assert_int_equal(ed_logs_loaded(k.logs, &err), wanted);
    return k;
}

TEST(what_is_known_comes_back_from_its_records)
{
    struct knowing k = knowing_new();
    for (size_t i = 0; i < 23; i++)
        line_take(&k, messages[i % MESSAGES], 7 + i % MESSAGES);
    records(&k);
    struct knowing back = loaded_from(&k, EDDY_OK);
    assert_int_equal(back.logs->n_slots, k.logs->n_slots);
    for (size_t i = 0; i < k.logs->n_slots; i++)
        assert_memory_equal(&back.logs->slots[i], &k.logs->slots[i], sizeof *k.logs->slots);
    assert_int_equal(back.logs->n_counted, MESSAGES);
    assert_memory_equal(back.logs->counted, k.logs->counted, MESSAGES * sizeof *k.logs->counted);
    assert_int_equal(back.logs->stream_ms, 1000);
    const struct ed_log_slot *slot = &back.logs->slots[0];
    assert_int_equal(slot->level, EDDY_LEVEL_ERROR);
    assert_int_equal(slot->n_raised, 19 + 2 + 8);
    assert_memory_equal(slot->raised, "java.io.IOException, lock.Jam", 29);
    assert_true(ed_mix64(eddy_miner_hash(k.logs->miner)) ==
                ed_mix64(eddy_miner_hash(back.logs->miner)));
    knowing_clear(&back);
    knowing_clear(&k);
}

TEST(records_are_told_again_when_they_are_wanted)
{
    struct knowing k = knowing_new();
    eddy_error err = {0};
    for (size_t i = 0; i < MESSAGES; i++)
        line_take(&k, messages[i], 1);
    records(&k);
    size_t n = k.n;
    struct {
        uint64_t key;
        size_t n;
        char *at;
    } before[64];
    assert_true(n > MESSAGES && n < 64);
    for (size_t i = 0; i < n; i++) {
        before[i].key = k.records[i].key;
        before[i].n = k.records[i].value.n;
        before[i].at = malloc(k.records[i].value.n + 1);
        memcpy(before[i].at, k.records[i].value.at, k.records[i].value.n);
    }
    records(&k);
    assert_int_equal(k.n, 0); /* nothing changed */
    for (size_t i = 0; i < n; i++)
        CHECK_OK(ed_logs_renew(k.logs, before[i].key, &err), &err);
    CHECK_OK(ed_logs_renew(k.logs, (uint64_t)ED_ORIGIN_KIND << 56 | 999, &err), &err);
    records(&k);
    assert_int_equal(k.n, n);
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < k.n && k.records[j].key != before[i].key)
            j++;
        assert_true(j < k.n && k.records[j].value.n == before[i].n);
        assert_memory_equal(k.records[j].value.at, before[i].at, before[i].n);
        free(before[i].at);
    }
    knowing_clear(&k);
}

TEST(the_record_of_an_input_is_told_again_as_it_was_last)
{
    struct knowing k = knowing_new();
    eddy_error err = {0};
    uint64_t keys[] = {(uint64_t)ED_FRONT_KIND << 56 | 5, (uint64_t)ED_FRONT_KIND << 56 | 6};
    for (int i = 0; i < 3; i++) {
        ed_batch_reset(k.batch);
        eddy_record fronts[] = {{keys[i % 2], {i == 2 ? "new" : "old", 3}}};
        k.batch->fronts = fronts;
        k.batch->n_fronts = 1;
        CHECK_OK(ed_logs_records(k.logs, k.batch, &k.records, &k.n, &err), &err);
        assert_int_equal(k.n, 1);
        k.n = 0;
    }
    k.batch->n_fronts = 0;
    CHECK_OK(ed_logs_renew(k.logs, keys[0], &err), &err);
    records(&k);
    assert_int_equal(k.n, 1);
    assert_true(k.records[0].key == keys[0]);
    assert_memory_equal(k.records[0].value.at, "new", 3);
    records(&k);
    assert_int_equal(k.n, 0);
    knowing_clear(&k);
}

/* What one has that went into another is told with the other, once. */
TEST(a_template_that_merges_takes_its_count_along)
{
    struct knowing k = knowing_new();
    eddy_error err = {0};
    uint32_t a = line_take(&k, messages[0], 0), b = line_take(&k, messages[1], 9);
    line_take(&k, messages[1], 9);
    CHECK_OK(ed_logs_merge(k.logs, b, a, &err), &err);
    assert_int_equal(k.logs->slots[a].minute, 3);
    assert_int_equal(k.logs->slots[a].lines, 3);
    assert_int_equal(k.logs->slots[b].minute, 0);
    assert_int_equal(k.logs->n_counted, 1);
    assert_int_equal(k.logs->counted[0], a);
    assert_int_equal(k.logs->slots[a].group, 9); /* it had no document of its own ... */
    assert_int_equal(eddy_miner_value(k.logs->miner, a), 9); /* ... and after a restart too */
    knowing_clear(&k);
}

TEST(of_a_template_that_has_faded_nothing_is_left)
{
    struct knowing k = knowing_new();
    eddy_error err = {0};
    uint32_t slot = line_take(&k, messages[0], 3);
    records(&k);
    struct knowing back = loaded_from(&k, EDDY_OK);
    CHECK_OK(ed_logs_end(k.logs, slot, &err), &err);
    assert_int_equal(k.logs->n_counted, 0);
    records(&k);
    assert_int_equal(k.n, 1);
    assert_true(k.records[0].key == ((uint64_t)ED_ORIGIN_KIND << 56 | slot));
    assert_null(k.records[0].value.at);
    CHECK_OK(ed_logs_load(back.logs, &k.records[0], &err), &err);
    assert_int_equal(back.logs->slots[slot].id, 0);
    knowing_clear(&back);
    knowing_clear(&k);
}

TEST(a_template_without_its_origin_is_noticed)
{
    struct knowing k = knowing_new();
    for (size_t i = 0; i < MESSAGES; i++)
        line_take(&k, messages[i], 1);
    records(&k);
    size_t kept = 0;
    eddy_record some[64];
    for (size_t i = 0; i < k.n; i++)
        if (k.records[i].key >> 56 != ED_ORIGIN_KIND && k.records[i].key >> 56 != ED_COUNTS_KIND)
            some[kept++] = k.records[i];
    const struct knowing lacking = {.records = some, .n = kept};
    struct knowing back = loaded_from(&lacking, EDDY_FORMAT);
    knowing_clear(&back);
    knowing_clear(&k);
}

TEST(a_damaged_record_of_counts_is_refused_or_harmless)
{
    uint64_t random = test_seed();
    struct knowing k = knowing_new();
    for (size_t i = 0; i < MESSAGES; i++)
        line_take(&k, messages[i], 1);
    records(&k);
    for (int round = 0; round < (TEST_SANITIZED ? 50 : 500); round++) {
        struct knowing back = knowing_new();
        eddy_error err = {0};
        char damaged[512];
        for (size_t i = 0; i < k.n; i++) {
            eddy_record record = k.records[i];
            if (record.key >> 56 == ED_COUNTS_KIND) {
                assert_true(record.value.n <= sizeof damaged);
                memcpy(damaged, record.value.at, record.value.n);
                damaged[test_random(&random) % record.value.n] ^=
                    (char)(1 << test_random(&random) % 8);
                record.value.at = damaged;
                if (round % 2)
                    record.value.n = test_random(&random) % record.value.n;
            }
            CHECK_OK(ed_logs_load(back.logs, &record, &err), &err);
        }
        eddy_status st = ed_logs_loaded(back.logs, &err);
        assert_true(st == EDDY_OK || st == EDDY_FORMAT);
        assert_true(back.logs->n_counted <= MESSAGES);
        knowing_clear(&back);
    }
    knowing_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_comes_back_from_its_records),
        cmocka_unit_test(records_are_told_again_when_they_are_wanted),
        cmocka_unit_test(the_record_of_an_input_is_told_again_as_it_was_last),
        cmocka_unit_test(a_template_that_merges_takes_its_count_along),
        cmocka_unit_test(of_a_template_that_has_faded_nothing_is_left),
        cmocka_unit_test(a_template_without_its_origin_is_noticed),
        cmocka_unit_test(a_damaged_record_of_counts_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
