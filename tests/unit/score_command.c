/* eddy score: from files to figures, and what it says when files are not what they should be. */
#include "folder.h"

#include "cli/commands.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <unistd.h>

static char out[8192], err[8192]; /* what the last run printed */

static void put(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void get(const char *name, char *ret, size_t n)
{
    FILE *f = fopen(in_dir(name), "r");
    assert_non_null(f);
    ret[fread(ret, 1, n - 1, f)] = 0;
    fclose(f);
}

/* Standard output or error into a file; gives what it was. */
static int divert(int fd, const char *name)
{
    int kept = dup(fd), to = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(kept >= 0 && to >= 0);
    dup2(to, fd);
    close(to);
    return kept;
}

static void restore(int fd, int kept)
{
    dup2(kept, fd);
    close(kept);
}

/* The exit code of "eddy score --gold gold --run DIR" and up to two further arguments. */
static int run(const char *more, const char *value)
{
    char gold[256];
    snprintf(gold, sizeof gold, "%s", in_dir("gold"));
    char *argv[] = {"score", "--gold", gold, "--run", dir, (char *)more, (char *)value, NULL};
    int argc = more ? value ? 7 : 6 : 5;
    fflush(stdout);
    fflush(stderr);
    int kept_out = divert(1, "out"), kept_err = divert(2, "err");
    int code = ed_cmd_score(argc, argv);
    fflush(stdout);
    fflush(stderr);
    restore(1, kept_out);
    restore(2, kept_err);
    get("out", out, sizeof out);
    get("err", err, sizeof err);
    return code;
}

/* Four documents of two stories. d3 comes to an event of its own, which is merged; d4's group then
 * leaves the merged event. d5 has no label, d2 is told twice, nobody assigned d6. */
static const char assignments[] =
    "{\"id\":\"d1\",\"event\":\"E1\",\"group\":\"G1\",\"similarity\":0.5}\n"
    "{\"id\":\"d2\",\"event\":\"E1\",\"group\":\"G2\",\"memberships\":[{\"event\":\"E1\"}]}\n"
    "{\"id\":\"d5\",\"event\":\"E1\",\"group\":\"G1\"}\n"
    "\n"
    "{\"id\":\"d2\",\"event\":\"E9\",\"group\":\"G9\"}\n"
    "{\"id\":\"d3\",\"event\":\"E2\",\"group\":\"G3\"}\n"
    "{\"id\":4,\"event\":\"E1\",\"group\":\"G4\"}\n";
static const char changes[] =
    "{\"kind\":\"born\",\"event\":\"E1\"}\n"
    "{\"kind\":\"merged\",\"event\":\"E2\",\"other\":\"E1\",\"position\":4}\n"
    "{\"kind\":\"folded\",\"event\":\"E1\",\"group\":\"G4\",\"into_group\":\"G3\"}\n"
    "{\"kind\":\"split\",\"event\":\"E3\",\"other\":\"E1\"}\n"
    "{\"kind\":\"moved\",\"event\":\"E3\",\"other\":\"E1\",\"group\":\"G3\"}\n"
    "{\"kind\":\"some later kind\",\"event\":\"E3\"}\n";
static const char gold[] = "{\"id\":\"d1\",\"label\":\"quake\",\"n\":{\"a/b\":[1,7]}}\n"
                           "{\"id\":\"d2\",\"label\":\"quake\",\"n\":{\"a/b\":[1,7]}}\n"
                           "{\"id\":\"d3\",\"label\":\"vote\",\"n\":{\"a/b\":[1,8]}}\n"
                           "{\"id\":\"4\",\"label\":\"vote\",\"n\":{\"a/b\":[1,8]}}\n"
                           "{\"id\":\"d5\",\"label\":null}\n"
                           "{\"id\":\"d6\",\"label\":\"vote\",\"n\":{\"a/b\":[1,8]}}\n";

static void put_all(void)
{
    put("assignments.jsonl", assignments);
    put("changes.jsonl", changes);
    put("gold", gold);
}

static double figure(const json_t *answer, const char *view, const char *name)
{
    const json_t *of = view ? json_object_get(answer, view) : answer;
    const json_t *value = json_object_get(of, name);
    if (!json_is_number(value))
        fail_msg("no %s of %s in %s", name, view ? view : "all", out);
    return json_number_value(value);
}

static void figures_are_right(void)
{
    json_t *answer = json_loads(out, 0, NULL);
    if (!answer)
        fail_msg("not JSON: %s %s", out, err);
    assert_int_equal(figure(answer, NULL, "documents"), 4);
    assert_int_equal(figure(answer, NULL, "gold"), 2);
    assert_int_equal(figure(answer, NULL, "unmatched"), 1);
    assert_int_equal(figure(answer, NULL, "missing"), 1);
    assert_int_equal(figure(answer, NULL, "repeated"), 1);
    assert_true(fabs(figure(answer, NULL, "changed") - 0.5) < 1e-9);
    assert_int_equal(figure(answer, "arrival", "events"), 2);
    assert_true(fabs(figure(answer, "arrival", "p") - (2. / 3 * 2 + 1. / 3 + 1) / 4) < 1e-8);
    assert_int_equal(figure(answer, "lineage", "events"), 1);
    assert_true(fabs(figure(answer, "lineage", "p") - 0.5) < 1e-9);
    assert_true(fabs(figure(answer, "lineage", "r") - 1) < 1e-9);
    assert_int_equal(figure(answer, "final", "events"), 2);
    const char *const perfect[] = {
        "p",         "r",  "f",  "nmi", "nmi_geometric", "ari", "homogeneity", "completeness",
        "v_measure", "ga", "fga"};
    for (size_t i = 0; i < sizeof perfect / sizeof perfect[0]; i++)
        assert_true(fabs(figure(answer, "final", perfect[i]) - 1) < 1e-9);
    json_decref(answer);
}

TEST(a_run_is_scored_at_arrival_with_lineage_and_after_repair)
{
    put_all();
    assert_int_equal(run("--json", NULL), 0);
    figures_are_right();

    assert_int_equal(run(NULL, NULL), 0);
    assert_non_null(strstr(out, "4 documents in 2 gold clusters"));
    assert_non_null(strstr(out, "\nat arrival "));
    assert_non_null(strstr(out, "\nwith lineage "));
    assert_non_null(strstr(out, "\nafter repair "));
    assert_non_null(strstr(out, "50.0 %"));
    assert_int_equal(err[0], 0);
}

/* The same end, but the two that left did so one by one. */
TEST(documents_that_were_reassigned_are_followed)
{
    put_all();
    put("changes.jsonl",
        "{\"kind\":\"merged\",\"event\":\"E2\",\"other\":\"E1\"}\n"
        "{\"kind\":\"split\",\"event\":\"E3\",\"other\":\"E1\"}\n"
        "{\"kind\":\"reassigned\",\"event\":\"E3\",\"other\":\"E1\",\"group\":\"G3\","
        "\"into_group\":\"G7\",\"document\":\"d3\",\"document_position\":3}\n"
        "{\"kind\":\"reassigned\",\"event\":\"E3\",\"other\":\"E1\",\"group\":\"G4\","
        "\"into_group\":\"G7\",\"document\":\"4\",\"document_position\":4}\n");
    assert_int_equal(run("--json", NULL), 0);
    figures_are_right();
}

TEST(gold_labels_may_be_csv_tsv_or_anywhere_in_json)
{
    put_all();
    put("gold", "id,label\nd1,\"qu\"\"ake, big\"\n\"d2\",\"qu\"\"ake, big\"\nd3,\n4,vote\r\n"
                "d3,vote\nd6,vote\n");
    assert_int_equal(run("--json", NULL), 0);
    figures_are_right();

    put("gold", "d1\tquake, big\nd2\tquake, big\n4\t\"vote\nd3\t\"vote\nd6\tvote");
    assert_int_equal(run("--json", NULL), 0);
    figures_are_right();

    put_all();
    assert_int_equal(run("--gold-label", "/n/a~1b/1"), 0);
    assert_non_null(strstr(out, "4 documents in 2 gold clusters"));
}

static void is_refused(const char *file, const char *text, int code, const char *says)
{
    put_all();
    put(file, text);
    int was = run("--json", NULL);
    if (was != code || !strstr(err, says))
        fail_msg("exit code %d (should be %d), \"%s\" lacks \"%s\"", was, code, err, says);
    assert_int_equal(out[0], 0);
}

TEST(errors_name_the_file_and_the_line)
{
    is_refused("assignments.jsonl", "{\"id\":\"d1\",\"event\":\"E1\"}\n\n{\"id\":", 1,
               "assignments.jsonl:3: not JSON");
    is_refused("assignments.jsonl", "[]\n", 1, "assignments.jsonl:1: not a JSON object");
    is_refused("assignments.jsonl", "{\"id\":\"d1\"}\n", 1, "not an assignment: no event");
    is_refused("assignments.jsonl", "{\"event\":\"E1\"}\n", 1, "not an assignment: no id");
    is_refused("assignments.jsonl", "{\"id\":\"x\",\"event\":\"E1\"}\n", 1, "do the ids agree");
    is_refused("changes.jsonl", "{\"event\":\"E1\"}\n", 1,
               "changes.jsonl:1: not a change: no kind");
    is_refused("changes.jsonl", "{\"kind\":\"merged\",\"event\":\"E1\"}\n", 1,
               "\"merged\" lacks an id");
    is_refused("changes.jsonl",
               "{\"kind\":\"merged\",\"event\":\"E1\",\"other\":\"E2\"}\n"
               "{\"kind\":\"merged\",\"event\":\"E2\",\"other\":\"E1\"}\n",
               1, "changes.jsonl:2: \"merged\" lacks an id, or contradicts");
    is_refused("gold", "{\"id\":\"d1\",\"label\":\"a\"}\n{\"label\":\"a\"}\n", 1,
               "gold:2: no id at \"/id\"");
    is_refused("gold", "{\"id\":\"d1\",\"label\":\"a\"}\n{\"id\":\"d1\",\"label\":\"b\"}\n", 1,
               "gold:2: the document has another label");
    is_refused("gold", "d1,a,b\n", 1, "gold:1: not an id and a label with a comma");
    is_refused("gold", "d1\n", 1, "gold:1: not an id and a label");
    is_refused("gold", "d1,\"a\n", 1, "gold:1: not an id and a label");
    is_refused("gold", "d1\ta\tb\n", 1, "with a tab between them");
}

TEST(a_missing_file_is_told_from_a_wrong_command_line)
{
    put_all();
    assert_int_equal(run("--changes", "/nowhere/changes.jsonl"), 74);
    assert_non_null(strstr(err, "/nowhere/changes.jsonl"));
    assert_int_equal(run("--gold-label", "label"), 2);
    assert_int_equal(run("--no-such-option", NULL), 2);

    char *argv[] = {"score", "--run", dir, NULL};
    int kept = divert(2, "err");
    int code = ed_cmd_score(3, argv);
    fflush(stderr);
    restore(2, kept);
    assert_int_equal(code, 2);
}

/* ---- without labels ---- */

static const char docs[] = "{\"id\":\"d1\",\"text\":\"an earthquake in the south\",\"v\":[1,0]}\n"
                           "{\"id\":\"d2\",\"text\":\"the earthquake of today\",\"v\":[1,0.1]}\n"
                           "not JSON\n"
                           "{\"id\":\"d3\",\"text\":\"votes are counted\",\"v\":[0,1]}\n"
                           "{\"id\":\"d3\",\"text\":\"a second time\",\"v\":[1,0]}\n"
                           "{\"id\":\"4\",\"text\":\"the vote is over\",\"v\":[0.1,1]}\n"
                           "{\"id\":\"d5\",\"text\":\"votes, without a vector\"}\n"
                           "{\"id\":\"d9\",\"text\":\"never assigned\",\"v\":[1,1]}\n";

/* The exit code of "eddy score --internal --run DIR" and these. */
static int run_internal(char *const more[], size_t n)
{
    char *argv[16] = {"score", "--internal", "--run", dir};
    int kept[2] = {divert(1, "out"), divert(2, "err")};
    memcpy(argv + 4, more, n * sizeof *more);
    int code = ed_cmd_score((int)(4 + n), argv);
    fflush(stdout);
    fflush(stderr);
    restore(1, kept[0]);
    restore(2, kept[1]);
    get("out", out, sizeof out);
    get("err", err, sizeof err);
    return code;
}

#define RUN_INTERNAL(...)                                                                          \
    run_internal((char *const[]){__VA_ARGS__},                                                     \
                 sizeof((char *const[]){__VA_ARGS__}) / sizeof(char *))

#define BY_MESSAGE                                                                                 \
    "--set", "document.vector=/v", "--set", "document.vector_dim=2", "--set", "embed.model=message"

TEST(a_run_is_judged_without_labels_by_vectors_of_its_messages)
{
    char name[256];
    put_all();
    put("docs", docs);
    snprintf(name, sizeof name, "%s", in_dir("docs"));
    if (RUN_INTERNAL(BY_MESSAGE, "--json", name) != 0)
        fail_msg("%s", err);
    json_t *answer = json_loads(out, 0, NULL);
    assert_non_null(answer);
    assert_null(json_object_get(answer, "gold"));
    const json_t *in = json_object_get(answer, "internal");
    assert_int_equal(figure(in, NULL, "documents"), 4);
    assert_int_equal(figure(in, NULL, "empty"), 1);
    assert_int_equal(figure(in, "arrival", "events"), 2);
    assert_int_equal(figure(in, "lineage", "events"), 1);
    assert_true(json_is_null(json_object_get(json_object_get(in, "lineage"), "silhouette")));
    assert_int_equal(figure(in, "final", "events"), 2);
    assert_true(figure(in, "final", "silhouette") > 0.9);
    assert_true(figure(in, "final", "silhouette") > figure(in, "arrival", "silhouette"));
    assert_true(figure(in, "final", "davies_bouldin") < 0.1);
    assert_true(figure(in, "final", "calinski_harabasz") > 50);
    assert_int_equal(figure(in, "stability", "folds"), 1);
    assert_true(figure(in, "stability", "csai_share") > 0.1);
    assert_true(figure(in, "stability", "csai_profile") > 0.1);
    json_decref(answer);
}

TEST(labels_and_vectors_may_be_asked_at_once)
{
    char name[256], labels[256];
    put_all();
    put("docs", docs);
    snprintf(name, sizeof name, "%s", in_dir("docs"));
    snprintf(labels, sizeof labels, "%s", in_dir("gold"));
    assert_int_equal(RUN_INTERNAL("--gold", labels, "--set", "embed.model=hash", "--json", name),
                     0);
    json_t *answer = json_loads(out, 0, NULL);
    assert_non_null(answer);
    assert_true(figure(json_object_get(answer, "internal"), "final", "silhouette") > 0);
    assert_int_equal(figure(json_object_get(answer, "internal"), NULL, "documents"), 5);
    json_decref(answer);
    figures_are_right();

    assert_int_equal(RUN_INTERNAL("--gold", labels, "--set", "embed.model=hash", name), 0);
    assert_non_null(strstr(out, "4 documents in 2 gold clusters"));
    assert_non_null(strstr(out, "5 documents by their vectors"));
    assert_non_null(strstr(out, "a skewed random labelling can score well"));
}

TEST(what_cannot_be_judged_without_labels_is_said)
{
    char name[256];
    put_all();
    put("docs", "{\"id\":\"other\",\"text\":\"of another run\"}\n");
    snprintf(name, sizeof name, "%s", in_dir("docs"));
    assert_int_equal(RUN_INTERNAL("--set", "embed.model=hash", name), 1);
    assert_non_null(strstr(err, "none of 5 assigned documents has a vector in the files"));
    assert_int_equal(RUN_INTERNAL("--set", "embed.model=hash"), 78);
    assert_non_null(strstr(err, "needs the documents"));
    assert_int_equal(RUN_INTERNAL("--set", "embed.model=none", name), 78);
    assert_non_null(strstr(err, "no vectors to judge events by"));
    assert_int_equal(RUN_INTERNAL("--set", "embed.model=hash", "/nowhere/docs"), 74);
    assert_int_equal(out[0], 0);
}

static int start(void **state)
{
    (void)state;
    return dir_new("score");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_scored_at_arrival_with_lineage_and_after_repair),
        cmocka_unit_test(documents_that_were_reassigned_are_followed),
        cmocka_unit_test(gold_labels_may_be_csv_tsv_or_anywhere_in_json),
        cmocka_unit_test(errors_name_the_file_and_the_line),
        cmocka_unit_test(a_missing_file_is_told_from_a_wrong_command_line),
        cmocka_unit_test(a_run_is_judged_without_labels_by_vectors_of_its_messages),
        cmocka_unit_test(labels_and_vectors_may_be_asked_at_once),
        cmocka_unit_test(what_cannot_be_judged_without_labels_is_said),
    };
    return cmocka_run_group_tests(tests, start, dir_remove);
}
