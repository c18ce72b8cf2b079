/* Command lines: letters and long options become a configuration; mistakes name what was meant. */
#include "test.h"

#include "cli/commands.h"
#include "cli/config_inner.h"
#include "cli/usage.h"

#include <fcntl.h>
#include <unistd.h>

static const char *speed, *quick;
static const struct ed_flag flags[] = {
    {"speed", 's', "N", "how fast", &speed},
    {"quick", 0, NULL, "at once", &quick},
};
static const struct ed_command command = {
    .name = "test",
    .synopsis = "eddy test [OPTIONS] FILE...",
    .about = "Tests.",
    .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA | ED_TAKES_OUTPUT | ED_TAKES_FILES,
    .flags = flags,
    .n_flags = 2,
};
static const struct ed_command bare = {
    .name = "bare", .synopsis = "eddy bare", .about = "Takes nothing."};

/* Words separated by blanks, read as a command line. */
static eddy_status read_line(const struct ed_command *cmd, const char *line, char *const *variables,
                             struct ed_config *c, int *done, eddy_error *err)
{
    static char words[1000]; /* values live as long as argv */
    char *argv[40] = {NULL}, *save = NULL;
    int argc = 0;
    snprintf(words, sizeof words, "%s %s", cmd->name, line);
    for (char *w = strtok_r(words, " ", &save); w && argc < 39; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    speed = quick = NULL;
    memset(err, 0, sizeof *err);
    return ed_config_from_args(argc, argv, variables, cmd, c, done, err);
}

/* The usage error of a command line. */
static void check_usage(const struct ed_command *cmd, const char *line, const char *expected)
{
    struct ed_config c;
    eddy_error err;
    int done;
    assert_int_equal(read_line(cmd, line, NULL, &c, &done, &err), EDDY_INVALID);
    assert_string_equal(err.text, expected);
    ed_config_clear(&c);
}

TEST(letters_mean_what_kafka_people_expect)
{
    char *const variables[] = {"EDDY_SOURCE_GROUP=e", "EDDY_ENGINE_DETAIL=4", "HOME=/h", NULL};
    struct ed_config c;
    eddy_error err;
    int done = 1;
    CHECK_OK(read_line(&command,
                       "-b h:1,i:2 -t a -t b -G g -X client.id=x -X linger.ms=3 -o out --profile "
                       "logs --set engine.fade=2h -s 7 --quick",
                       variables, &c, &done, &err),
             &err);
    assert_false(done);
    assert_string_equal(ed_map_find(&c.kafka, "bootstrap.servers")->value, "h:1,i:2");
    assert_string_equal(ed_map_find(&c.kafka, "client.id")->value, "x");
    assert_int_equal(c.kafka.n, 3);
    assert_int_equal(c.source.topics.n, 2);
    assert_string_equal(c.source.group, "g");
    assert_string_equal(c.output.dir, "out");
    assert_int_equal(c.profile, ED_PROFILE_LOGS);
    assert_int_equal(c.document.format, EDDY_FORMAT_LOGS);
    assert_int_equal(c.engine.fade_ms, 7200000);
    assert_int_equal(c.engine.detail, 4);
    assert_string_equal(speed, "7");
    assert_string_equal(quick, "");
    ed_config_clear(&c);
}

TEST(what_is_no_option_is_a_file)
{
    struct ed_config c;
    eddy_error err;
    int done;
    CHECK_OK(read_line(&command, "one --speed=3 - -- -two", NULL, &c, &done, &err), &err);
    assert_int_equal(c.source.files.n, 3);
    assert_string_equal(c.source.files.at[0], "one");
    assert_string_equal(c.source.files.at[1], "-");
    assert_string_equal(c.source.files.at[2], "-two");
    ed_config_clear(&c);
    /* They stand in for the topics of a file. */
    CHECK_OK(read_line(&command, "-c conf/news.yaml one", NULL, &c, &done, &err), &err);
    assert_int_equal(c.source.topics.n, 0);
    assert_int_equal(c.source.files.n, 1);
    ed_config_clear(&c);
}

TEST(a_wrong_command_line_names_what_was_meant)
{
    check_usage(&command, "--confg x", "test: unknown option --confg; did you mean --config?");
    check_usage(&command, "--sped=3", "test: unknown option --sped; did you mean --speed?");
    check_usage(&command, "--xylophone", "test: unknown option --xylophone");
    check_usage(&command, "-z", "test: unknown option -z");
    check_usage(&command, "-c", "test: option -c needs a value");
    check_usage(&command, "--set", "test: option --set needs a value");
    check_usage(&command, "--quick=3", "test: option --quick takes no value");
    check_usage(&bare, "x", "bare: unexpected argument 'x'");
    check_usage(&bare, "-b h:1", "bare: unknown option -b");
}

TEST(mistakes_in_values_are_complaints)
{
    struct ed_config c;
    eddy_error err;
    int done;
    assert_int_equal(
        read_line(&command, "--profile newz --set engine.fade=3 -t ^a -b h", NULL, &c, &done, &err),
        EDDY_CONFIG);
    assert_int_equal(c.complaints.n, 3);
    assert_string_equal(c.complaints.at[0],
                        "--profile: profile: 'newz' is not one of none, news, tickets, posts or "
                        "logs");
    ed_config_clear(&c);
}

/* Standard output into a file for the time of a call. */
static int said(int (*call)(void), char *ret, size_t n)
{
    FILE *file = tmpfile();
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    int code = call();
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    ret[fread(ret, 1, n - 1, file)] = 0;
    fclose(file);
    return code;
}

static int run_help(void)
{
    struct ed_config c;
    eddy_error err;
    int done = 0;
    eddy_status st = read_line(&command, "--help --nonsense", NULL, &c, &done, &err);
    ed_config_clear(&c);
    return st == EDDY_OK && done;
}

TEST(help_lists_the_commands_own_options_and_the_common_ones)
{
    char text[8000];
    assert_true(said(run_help, text, sizeof text));
    static const char *const parts[] = {"Usage: eddy test",    "  -s, --speed N", "      --quick",
                                        "  -c, --config FILE", "  -b, --brokers", "  -h, --help"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("'%s' is not in the help", parts[i]);
    assert_null(strchr(text, '\033')); /* no colours in a file */
}

/* ---- eddy check ---- */

static char *check_argv[12];
static int run_check(void)
{
    int argc = 0;
    while (check_argv[argc])
        argc++;
    return ed_cmd_check(argc, check_argv);
}

#define CHECK(text, ...)                                                                           \
    (memcpy(check_argv, ((char *[12]){"check", __VA_ARGS__, NULL}), sizeof check_argv),            \
     said(run_check, text, sizeof text))

TEST(check_says_what_is_wrong_and_where)
{
    char text[100000];
    assert_int_equal(CHECK(text, "--no-environment", "-c", "conf/news.yaml"), ED_EXIT_OK);
    assert_int_equal(strncmp(text, "ok: configuration: ", 19), 0);
    assert_int_equal(CHECK(text, "-c", "tests/golden/config/invalid/out_of_range.yaml"),
                     ED_EXIT_CONFIG);
    assert_non_null(strstr(text, "error: tests/golden/config/invalid/out_of_range.yaml:2:11: "
                                 "engine.detail: '0' is out of range 1 .. 64\n"));
    assert_int_equal(CHECK(text, "--print", "--profile", "news"), ED_EXIT_OK);
    assert_non_null(strstr(text, "  fade: 12h  # profile news\n"));
    assert_int_equal(CHECK(text, "--defaults"), ED_EXIT_OK);
    assert_non_null(strstr(text, "  #fade: 7d\n"));
    assert_int_equal(CHECK(text, "--schema"), ED_EXIT_OK);
    assert_int_equal(CHECK(text, "--options"), ED_EXIT_OK);
}

TEST(check_reaches_out)
{
    char text[100000];
    assert_int_equal(CHECK(text, "--set", "embed.model=hash"), ED_EXIT_OK);
    assert_non_null(strstr(text, "ok: embedder: hash, 512 dimensions"));
    assert_int_equal(CHECK(text, "--set", "embed.model=encoder", "--set", "embed.dir=/nonexistent"),
                     ED_EXIT_UNAVAILABLE);
    assert_non_null(strstr(text, "error: embedder: "));
    assert_int_equal(CHECK(text, "--set", "embed.model=hash", "--set", "source.files=/nonexistent"),
                     ED_EXIT_IO);
    /* A cluster inside librdkafka, where the topics are made on demand. */
    assert_int_equal(CHECK(text, "--set", "embed.model=none", "-X", "test.mock.num.brokers=1", "-X",
                           "no.such.setting=1"),
                     ED_EXIT_CONFIG);
    assert_non_null(strstr(text, "no.such.setting"));
}

TEST(errors_have_their_exit_codes)
{
    static const struct {
        eddy_status status;
        int retriable, code;
    } cases[] = {
        {EDDY_OK, 0, 0},     {EDDY_CONFIG, 0, 78},  {EDDY_UNAVAILABLE, 0, 69},
        {EDDY_IO, 0, 74},    {EDDY_INVALID, 0, 70}, {EDDY_NOMEM, 0, 1},
        {EDDY_FORMAT, 0, 1}, {EDDY_IO, 1, 75},      {EDDY_UNAVAILABLE, 1, 69},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eddy_error err = {.status = cases[i].status, .retriable = cases[i].retriable};
        assert_int_equal(ed_exit_code(&err), cases[i].code);
    }
}

TEST(shown_text_is_short_and_harmless)
{
    char text[12];
    assert_string_equal(ed_shown("plain", text, sizeof text), "plain");
    assert_string_equal(ed_shown("a\033[31m\n", text, sizeof text), "a?[31m?");
    assert_string_equal(ed_shown("exactly 11!", text, sizeof text), "exactly 11!");
    assert_string_equal(ed_shown("longer than that", text, sizeof text), "longer t...");
    assert_string_equal(ed_shown("1234567\xC3\xA9\xC3\xA9\xC3\xA9", text, sizeof text),
                        "1234567...");
}

TEST(folded_lines_keep_their_width)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    ed_text_wrap(out, "one two three\n  indented four", 4, "....", 12);
    fclose(out);
    assert_string_equal(text, "one two\n....three\n....  indented\n....four\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_mean_what_kafka_people_expect),
        cmocka_unit_test(what_is_no_option_is_a_file),
        cmocka_unit_test(a_wrong_command_line_names_what_was_meant),
        cmocka_unit_test(mistakes_in_values_are_complaints),
        cmocka_unit_test(help_lists_the_commands_own_options_and_the_common_ones),
        cmocka_unit_test(check_says_what_is_wrong_and_where),
        cmocka_unit_test(check_reaches_out),
        cmocka_unit_test(errors_have_their_exit_codes),
        cmocka_unit_test(shown_text_is_short_and_harmless),
        cmocka_unit_test(folded_lines_keep_their_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
