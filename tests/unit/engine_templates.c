/* Lines become templates: what is merged, on what evidence, what people see of it, and what a
 * person may take back. */
#include "engine_mining.h"

static const char *const names[] = {"alice", "bruno", "carol", "denis", "emma",  "frank",
                                    "gina",  "hugo",  "irene", "jonas", "karin", "louis"};
#define N_NAMES (sizeof names / sizeof *names)

/* ---- merging ---- */

TEST(what_varies_by_its_looks_is_one_template_at_once)
{
    eddy_miner *m = miner_new(0);
    uint64_t id = take(m, "PacketResponder 1 for block blk_38865049064139660 terminating").id;
    eddy_line_answer a =
        take(m, "PacketResponder 0 for block blk_-6952295868487656571 terminating");
    assert_int_equal(a.id, id);
    assert_int_equal(a.signature, id);
    assert_int_equal(a.founded, 0);
    assert_int_not_equal(take(m, "PacketResponder 0 for block blk_7 started").id, id);
    eddy_miner_free(m);
}

TEST(words_that_follow_user_vary_from_the_third_on)
{
    eddy_miner *m = miner_new(0);
    eddy_arena *arena = eddy_arena_new(0);
    char line[100];
    uint64_t first = 0;
    for (size_t i = 0; i < N_NAMES; i++) {
        snprintf(line, sizeof line, "session closed for user %s", names[i]);
        eddy_line_answer a = take(m, line);
        first = i ? first : a.id;
        assert_int_equal(a.founded, i < 3);
        assert_int_equal(a.id == first, i == 0 || i > 1);
        const eddy_template_change *changes;
        size_t n = eddy_miner_changes(m, &changes);
        if (i != 2) {
            assert_int_equal(n, i < 2);
            continue;
        }
        assert_int_equal(n, 3);
        assert_int_equal(changes[0].kind, EDDY_TEMPLATE_FOUNDED);
        for (size_t j = 1; j < n; j++) {
            assert_int_equal(changes[j].kind, EDDY_TEMPLATE_MERGED);
            assert_int_equal(changes[j].other, first);
            assert_int_equal(changes[j].reason, EDDY_PLACE_WORDS);
            assert_int_equal(changes[j].word, 4);
            assert_int_equal(changes[j].line, 2);
            assert_int_equal(changes[j].n_words, 3);
            assert_string_equal(changes[j].words[1].at, "bruno");
        }
    }
    assert_string_equal(text_of(m, first, arena), "session closed for user <*>");
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

TEST(a_small_vocabulary_of_verbs_stays_apart)
{
    static const char *const verbs[] = {"mount", "umount", "check", "repair", "resize"};
    eddy_miner *m = miner_new(0);
    eddy_miner_stats stats;
    char line[100];
    for (size_t i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "volume manager will %s volume %zu now", verbs[i % 5], i);
        take(m, line);
    }
    eddy_miner_stats_read(m, &stats);
    assert_int_equal(stats.templates, 5);
    eddy_miner_free(m);
}

TEST(a_variable_beside_a_word_is_evidence_enough)
{
    eddy_miner *m = miner_new(0);
    eddy_arena *arena = eddy_arena_new(0);
    uint64_t id = take(m, "reverse mapping checking of 10.0.0.1 begins").id;
    eddy_line_answer a = take(m, "reverse mapping checking of localhost begins");
    assert_int_equal(a.id, id);
    assert_int_equal(a.founded, 1);
    const eddy_template_change *changes;
    assert_int_equal(eddy_miner_changes(m, &changes), 2);
    assert_int_equal(changes[1].reason, EDDY_PLACE_VARIABLE);
    assert_int_equal(take(m, "reverse mapping checking of example begins").founded, 0);
    eddy_template t;
    eddy_error err = {0};
    CHECK_OK(eddy_miner_template(m, a.signature, arena, &t, &err), &err);
    assert_int_equal(t.merged_into, id);
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

TEST(the_older_founder_survives_whatever_is_merged)
{
    eddy_miner *m = miner_new(0);
    uint64_t id = take(m, "reverse mapping checking of localhost begins").id;
    assert_int_equal(take(m, "reverse mapping checking of 10.0.0.1 begins").id, id);
    assert_int_equal(take(m, "reverse mapping checking of 10.0.0.2 begins").id, id);
    eddy_miner_free(m);
}

TEST(words_that_decide_whether_people_are_called_never_vary)
{
    static const char *const words[] = {"failed",  "succeeded", "denied",   "refused", "expired",
                                        "started", "stopped",   "accepted", "lost",    "killed",
                                        "aborted", "rejected",  "crashed",  "up",      "down"};
    eddy_miner *m = miner_new(0);
    char line[100];
    for (size_t i = 0; i < 15; i++) {
        snprintf(line, sizeof line, "the request for 7 was %s in time", words[i]);
        assert_int_equal(take(m, line).founded, 1);
    }
    eddy_miner_stats stats;
    eddy_miner_stats_read(m, &stats);
    assert_int_equal(stats.templates, 15);
    eddy_miner_free(m);
}

TEST(two_words_that_never_repeat_are_one_template)
{
    eddy_miner *m = miner_new(0);
    eddy_miner_stats stats;
    eddy_arena *arena = eddy_arena_new(0);
    uint64_t seed = test_seed();
    char line[100];
    uint64_t id = 0;
    for (size_t i = 0; i < 2000; i++) {
        char a[9] = {0}, b[9] = {0};
        for (size_t j = 0; j < 8; j++) {
            a[j] = (char)('g' + test_random(&seed) % 20);
            b[j] = (char)('g' + test_random(&seed) % 20);
        }
        snprintf(line, sizeof line, "new session of user %s opened from %s today", a, b);
        id = take(m, line).id;
    }
    eddy_miner_stats_read(m, &stats);
    assert_int_equal(stats.templates, 1);
    assert_true(stats.founded <= 6);
    assert_string_equal(text_of(m, id, arena), "new session of user <*> opened from <*> today");
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

/* ---- what people see ---- */

TEST(what_never_varied_and_looks_like_a_word_is_shown)
{
    eddy_miner *m = miner_new(0);
    eddy_arena *arena = eddy_arena_new(0);
    char line[100];
    uint64_t id = 0;
    for (int i = 0; i < 9; i++) {
        snprintf(line, sizeof line, "Accepted key from 10.0.0.%d port %d ssh2", i, 1000 + i);
        id = take(m, line).id;
        const char *expected =
            i < 7 ? "Accepted key from <*> port <*> <*>" : "Accepted key from <*> port <*> ssh2";
        assert_string_equal(text_of(m, id, arena), expected);
    }
    take(m, "Accepted key from 10.0.0.1 port 5 ssh1");
    assert_string_equal(text_of(m, id, arena), "Accepted key from <*> port <*> <*>");
    eddy_template t;
    eddy_error err = {0};
    CHECK_OK(eddy_miner_template(m, id, arena, &t, &err), &err);
    assert_string_equal(t.words.at, "Accepted key from port");
    assert_int_equal(t.count, 10);
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

TEST(a_list_is_shown_by_one_entry)
{
    static const char *const cases[][2] = {
        {"sent to node 1, node 2, node 3", "sent to node <*>"},
        {"sent to node 1, node 2, node 3 at last", "sent to node <*> at last"},
        {"(reading ... 5%(reading ... 10%(reading ... 15% done",
         "(reading ... <*>(reading ... <*> done"},
        {"user user 17 17", "user user <*> <*>"},
        {"a=1 b=2 a=3 b=4", "a=<*> b=<*>"},
        {"  two  blanks 1", "  two  blanks <*>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eddy_miner *m = miner_new(0);
        eddy_arena *arena = eddy_arena_new(0);
        assert_string_equal(text_of(m, take(m, cases[i][0]).id, arena), cases[i][1]);
        eddy_arena_free(arena);
        eddy_miner_free(m);
    }
}

TEST(times_and_counts_are_those_of_all_that_was_merged)
{
    eddy_miner *m = miner_new(0);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    eddy_line_answer a[3];
    eddy_line lines[] = {line_of("mapping of 10.0.0.1 begins", 50, arena),
                         line_of("mapping of 10.0.0.2 begins", 40, arena),
                         line_of("mapping of localhost begins", 99, arena)};
    CHECK_OK(eddy_miner_take(m, lines, 3, a, &err), &err);
    eddy_template t;
    CHECK_OK(eddy_miner_template(m, a[0].id, arena, &t, &err), &err);
    assert_int_equal(t.count, 3);
    assert_int_equal(t.n_merged, 1);
    assert_int_equal(t.first_ms, 40);
    assert_int_equal(t.last_ms, 99);
    assert_int_equal(a[2].slot, t.slot);
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

TEST(names_read_back_to_the_same_id)
{
    uint64_t seed = test_seed();
    for (int i = 0; i < 1000; i++) {
        char name[EDDY_TEMPLATE_NAME];
        uint64_t id = i ? test_random(&seed) : UINT64_MAX;
        eddy_template_name(id, name);
        assert_int_equal(strlen(name), EDDY_TEMPLATE_NAME - 1);
        assert_int_equal(eddy_template_id((eddy_str){name, strlen(name)}), id);
    }
    assert_int_equal(eddy_template_id((eddy_str){"t1-0000000000001", 16}), 1);
    assert_int_equal(eddy_template_id((eddy_str){"t1-g000000000001", 16}), 0);
    assert_int_equal(eddy_template_id((eddy_str){"t1-000000000000u", 16}), 0);
    assert_int_equal(eddy_template_id((eddy_str){"t2-0000000000001", 16}), 0);
}

TEST(parameters_have_their_types)
{
    static const struct {
        const char *word;
        eddy_parameter_type type;
    } cases[] = {
        {"17", EDDY_PARAMETER_NUMBER},
        {"3.25", EDDY_PARAMETER_NUMBER},
        {"0x7fff01", EDDY_PARAMETER_HEX},
        {"deadbeef99", EDDY_PARAMETER_HEX},
        {"10.250.1.7", EDDY_PARAMETER_IP},
        {"/10.250.1.7", EDDY_PARAMETER_IP},
        {"fe80:0:0:1::7", EDDY_PARAMETER_IP},
        {"00:1a:2b:3c:4d:5e", EDDY_PARAMETER_MAC},
        {"550e8400-e29b-41d4-a716-446655440000", EDDY_PARAMETER_UUID},
        {"17:41:44", EDDY_PARAMETER_TIME},
        {"2015-07-29", EDDY_PARAMETER_TIME},
        {"2015/07/29", EDDY_PARAMETER_TIME},
        {"/var/log/dpkg.log", EDDY_PARAMETER_PATH},
        {"a\\b\\c", EDDY_PARAMETER_PATH},
        {"www.example.org", EDDY_PARAMETER_HOST},
        {"a.b@example.org", EDDY_PARAMETER_EMAIL},
        {"blk_17", EDDY_PARAMETER_WORD},
    };
    eddy_miner *m = miner_new(0);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[100];
        const eddy_parameter *list;
        size_t n;
        snprintf(line, sizeof line, "worker has seen %s again", cases[i].word);
        uint64_t id = take(m, line).id;
        CHECK_OK(
            eddy_miner_parameters(m, id, (eddy_str){line, strlen(line)}, arena, &list, &n, &err),
            &err);
        assert_int_equal(n, 1);
        assert_int_equal(list[0].span.at, 16);
        assert_int_equal(list[0].span.n, strlen(cases[i].word));
        assert_string_equal(eddy_parameter_name(list[0].type), eddy_parameter_name(cases[i].type));
    }
    const eddy_parameter *list;
    size_t n;
    const char *url = "worker has seen http://example.org/x?y again";
    CHECK_OK(eddy_miner_parameters(m, take(m, url).id, (eddy_str){url, strlen(url)}, arena, &list,
                                   &n, &err),
             &err);
    assert_int_equal(list[n - 1].type, EDDY_PARAMETER_URL);
    assert_int_equal(
        eddy_miner_parameters(m, 1, (eddy_str){url, strlen(url)}, arena, &list, &n, &err),
        EDDY_INVALID);
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

TEST(words_that_were_found_to_vary_are_parameters)
{
    eddy_miner *m = miner_new(0);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    char line[100];
    uint64_t id = 0;
    for (size_t i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "session %zu closed for user %s", i, names[i]);
        id = take(m, line).id;
    }
    const eddy_parameter *list;
    size_t n;
    CHECK_OK(eddy_miner_parameters(m, id, (eddy_str){line, strlen(line)}, arena, &list, &n, &err),
             &err);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].type, EDDY_PARAMETER_NUMBER);
    assert_memory_equal(line + list[1].span.at, "denis", list[1].span.n);
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

/* ---- what its owner attaches ---- */

TEST(templates_are_listed_by_their_value)
{
    eddy_miner *m = miner_new(0);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    uint64_t a = take(m, "disk is full").id, b = take(m, "fan is slow").id;
    uint64_t c = take(m, "power came back").id;
    CHECK_OK(eddy_miner_value_set(m, a, 7, &err), &err);
    CHECK_OK(eddy_miner_value_set(m, c, 7, &err), &err);
    const uint64_t *ids;
    size_t n;
    CHECK_OK(eddy_miner_with_value(m, 7, arena, &ids, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_int_equal(ids[0], a);
    assert_int_equal(ids[1], c);
    assert_int_equal(eddy_miner_value(m, take(m, "disk is full").slot), 7);
    CHECK_OK(eddy_miner_templates(m, arena, &ids, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_int_equal(ids[1], b);
    assert_int_equal(eddy_miner_value_set(m, 12345, 1, &err), EDDY_INVALID);
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

/* ---- what a person takes back ---- */

TEST(a_closed_place_parts_what_it_merged_and_stays_closed)
{
    eddy_miner *m = miner_new(0);
    eddy_error err = {0};
    eddy_arena *arena = eddy_arena_new(0);
    char line[100];
    uint64_t place = 0, first = 0;
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "session closed for user %s", names[i]);
        eddy_line_answer a = take(m, line);
        first = i ? first : a.id;
        const eddy_template_change *changes;
        size_t n = eddy_miner_changes(m, &changes);
        place = n > 1 ? changes[1].place : place;
    }
    CHECK_OK(eddy_miner_close(m, place, &err), &err);
    const eddy_template_change *changes;
    assert_int_equal(eddy_miner_changes(m, &changes), 2);
    assert_int_equal(changes[0].kind, EDDY_TEMPLATE_SPLIT);
    assert_int_equal(changes[0].other, first);
    assert_string_equal(text_of(m, first, arena), "session closed for user alice");
    for (size_t i = 0; i < N_NAMES; i++) {
        snprintf(line, sizeof line, "session closed for user %s", names[i]);
        eddy_line_answer a = take(m, line);
        assert_int_equal(a.id, a.signature);
    }
    assert_int_equal(eddy_miner_close(m, place, &err), EDDY_INVALID);
    eddy_miner_stats stats;
    eddy_miner_stats_read(m, &stats);
    assert_int_equal(stats.templates, N_NAMES);
    assert_int_equal(stats.closed, 1);
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

TEST(what_another_place_holds_together_stays_one)
{
    eddy_miner *m = miner_new(0);
    eddy_error err = {0};
    char line[100];
    uint64_t place = 0;
    /* Two lines with variables beside words, joined by the user whose name varies. */
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "mapping host localhost for user %s began", names[i]);
        take(m, line);
        const eddy_template_change *changes;
        size_t n = eddy_miner_changes(m, &changes);
        place = n > 1 ? changes[1].place : place;
    }
    take(m, "mapping host 10.0.0.1 for user alice began");
    CHECK_OK(eddy_miner_close(m, place, &err), &err);
    eddy_miner_stats stats;
    eddy_miner_stats_read(m, &stats);
    assert_int_equal(stats.templates, 3);
    assert_int_equal(stats.merged, 1);
    assert_int_equal(take(m, "mapping host 10.0.0.7 for user alice began").id,
                     take(m, "mapping host localhost for user alice began").id);
    eddy_miner_free(m);
}

/* ---- ceilings ---- */

/* Words of letters, so that nothing is masked. */
static const char *spelled(uint64_t number, char *ret)
{
    for (int i = 0; i < 6; i++, number /= 26)
        ret[i] = (char)('a' + number % 26);
    ret[6] = 0;
    return ret;
}

TEST(the_longest_unseen_fade_and_come_back_with_their_id)
{
    eddy_miner *m = miner_new(64);
    eddy_miner_stats stats;
    char line[100], a[7], b[7], c[7];
    uint64_t kept = take(m, "disk is nearly full").id, lost = take(m, "fan is rather slow").id;
    size_t faded = 0, told_lost = 0;
    for (uint64_t i = 0; i < 60; i++) {
        snprintf(line, sizeof line, "%s %s %s", spelled(i * 7919, a), spelled(i * 104729, b),
                 spelled(i * 1299709, c));
        take(m, line);
        const eddy_template_change *changes;
        size_t n = eddy_miner_changes(m, &changes);
        for (size_t j = 0; j < n; j++) {
            faded += changes[j].kind == EDDY_TEMPLATE_FADED;
            told_lost += changes[j].kind == EDDY_TEMPLATE_FADED && changes[j].id == lost;
        }
        assert_int_equal(take(m, "disk is nearly full").id, kept);
    }
    for (uint64_t i = 60; i < 200; i++) {
        snprintf(line, sizeof line, "%s %s %s", spelled(i * 7919, a), spelled(i * 104729, b),
                 spelled(i * 1299709, c));
        take(m, line);
        const eddy_template_change *changes;
        size_t n = eddy_miner_changes(m, &changes);
        for (size_t j = 0; j < n; j++) {
            faded += changes[j].kind == EDDY_TEMPLATE_FADED;
            told_lost += changes[j].kind == EDDY_TEMPLATE_FADED && changes[j].id == lost;
        }
        assert_int_equal(take(m, "disk is nearly full").id, kept);
    }
    eddy_miner_stats_read(m, &stats);
    assert_true(stats.templates <= 64);
    assert_int_equal(stats.faded, faded);
    assert_int_equal(told_lost, 1);
    eddy_line_answer back = take(m, "fan is rather slow");
    assert_int_equal(back.id, lost);
    assert_int_equal(back.founded, 1);
    eddy_miner_free(m);
}

TEST(a_flood_of_new_lines_does_not_drive_out_what_was_learned)
{
    enum { MOST = 1024, LINES = 60000 };
    eddy_miner *m = miner_new(MOST);
    eddy_miner_stats stats;
    eddy_arena *arena = eddy_arena_new(0);
    char line[100], w[6][7];
    uint64_t seed = test_seed(), rare = take(m, "the raid controller battery was replaced").id;
    for (uint64_t i = 0; i < LINES; i++) {
        for (int j = 0; j < 6; j++)
            spelled(test_random(&seed), w[j]);
        snprintf(line, sizeof line, "dump of record %s %s %s %s %s %s", w[0], w[1], w[2], w[3],
                 w[4], w[5]);
        take(m, line);
    }
    eddy_miner_stats_read(m, &stats);
    assert_int_equal(stats.flooded, 1);
    assert_int_equal(stats.floods, 1);
    assert_true(stats.flood_lines > LINES * 9 / 10);
    assert_true(stats.templates < MOST);
    assert_int_equal(stats.faded, 0);
    eddy_line_answer a = take(m, "the raid controller battery was replaced");
    assert_int_equal(a.id, rare);
    assert_int_equal(a.founded, 0);
    a = take(m, line);
    assert_string_equal(text_of(m, a.id, arena), "dump of record <*> <*> <*> <*> <*> <*>");
    for (int i = 0; i < 20000; i++)
        take(m, "the raid controller battery was replaced");
    a = take(m, "after the flood templates are founded again");
    assert_int_equal(a.founded, 1);
    assert_int_equal(a.id, a.signature);
    eddy_arena_free(arena);
    eddy_miner_free(m);
}

TEST(options_out_of_range_are_refused)
{
    eddy_error err = {0};
    eddy_miner_options o;
    eddy_miner *m = NULL;
    eddy_miner_options_init(&o);
    o.templates_max = 63;
    assert_int_equal(eddy_miner_new(&o, &m, &err), EDDY_INVALID);
    eddy_miner_options_init(&o);
    o.learning = 0;
    assert_int_equal(eddy_miner_new(&o, &m, NULL), EDDY_INVALID);
    assert_null(m);
    eddy_miner_free(NULL);
}

TEST(a_miner_survives_any_lost_allocation)
{
    size_t lost = 0;
    EACH_ALLOC_FAILS (k) {
        eddy_miner_options o;
        eddy_miner *m = NULL;
        eddy_arena *arena = eddy_arena_new(0);
        eddy_status st = arena ? EDDY_OK : EDDY_NOMEM;
        eddy_miner_options_init(&o);
        o.templates_max = 64;
        if (st == EDDY_OK)
            st = eddy_miner_new(&o, &m, NULL);
        for (uint64_t i = 0; st == EDDY_OK && i < 120; i++) {
            char text[100], a[7];
            eddy_line_answer answer;
            snprintf(text, sizeof text, "%s of %s user %s", spelled(i / 8 * 7919, a),
                     i % 2 ? "this" : "that", names[i % N_NAMES]);
            eddy_line line = {.message = {text, strlen(text)}};
            st = eddy_scan_message(line.message, NULL, 0, arena, &line.scan, NULL);
            if (st == EDDY_OK)
                st = eddy_miner_take(m, &line, 1, &answer, NULL);
        }
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        lost += st == EDDY_NOMEM;
        eddy_miner_free(m);
        eddy_arena_free(arena);
    }
    assert_true(lost > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_varies_by_its_looks_is_one_template_at_once),
        cmocka_unit_test(words_that_follow_user_vary_from_the_third_on),
        cmocka_unit_test(a_small_vocabulary_of_verbs_stays_apart),
        cmocka_unit_test(a_variable_beside_a_word_is_evidence_enough),
        cmocka_unit_test(the_older_founder_survives_whatever_is_merged),
        cmocka_unit_test(words_that_decide_whether_people_are_called_never_vary),
        cmocka_unit_test(two_words_that_never_repeat_are_one_template),
        cmocka_unit_test(what_never_varied_and_looks_like_a_word_is_shown),
        cmocka_unit_test(a_list_is_shown_by_one_entry),
        cmocka_unit_test(times_and_counts_are_those_of_all_that_was_merged),
        cmocka_unit_test(names_read_back_to_the_same_id),
        cmocka_unit_test(parameters_have_their_types),
        cmocka_unit_test(words_that_were_found_to_vary_are_parameters),
        cmocka_unit_test(templates_are_listed_by_their_value),
        cmocka_unit_test(a_closed_place_parts_what_it_merged_and_stays_closed),
        cmocka_unit_test(what_another_place_holds_together_stays_one),
        cmocka_unit_test(the_longest_unseen_fade_and_come_back_with_their_id),
        cmocka_unit_test(a_flood_of_new_lines_does_not_drive_out_what_was_learned),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(a_miner_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
