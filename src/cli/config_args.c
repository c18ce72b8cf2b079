/* Command lines: the letters that Kafka people know (kcat's -b -t -G -X), GNU long options, and
 * the same words for every command. getopt_long does the reading; what it says is said better. */
#include "cli/config_inner.h"

#include "base/error.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/usage.h"

#include <getopt.h>
#include <string.h>

#define OPTIONS_MAX 40

extern char **environ;

static void take_file(struct ed_config *config, const char *value)
{
    ed_config_read_file(config, value);
}
static void take_profile(struct ed_config *config, const char *value)
{
    ed_config_letter(config, "profile", value, "--profile");
}
static void take_brokers(struct ed_config *config, const char *value)
{
    ed_config_letter(config, "kafka.bootstrap.servers", value, "-b");
}
static void take_topic(struct ed_config *config, const char *value)
{
    ed_config_letter(config, "source.topics", value, "-t");
}
static void take_group(struct ed_config *config, const char *value)
{
    ed_config_letter(config, "source.group", value, "-G");
}
static void take_output(struct ed_config *config, const char *value)
{
    ed_config_letter(config, "output.dir", value, "-o");
}

static const struct {
    unsigned takes; /* 0: every command */
    char letter;
    const char *name, *value, *help;
    void (*take)(struct ed_config *config, const char *value);
} common[] = {
    {ED_TAKES_CONFIG, 'c', "config", "FILE",
     "read the configuration from FILE; given again, the later file wins", take_file},
    {ED_TAKES_CONFIG, 0, "set", "KEY=VALUE",
     "set one option, as in --set engine.fade=12h (eddy help config lists them)", ed_config_set},
    {ED_TAKES_CONFIG, 0, "profile", "NAME", "defaults for news, tickets, posts or logs",
     take_profile},
    {ED_TAKES_KAFKA, 'b', "brokers", "HOST:PORT,...", "Kafka brokers", take_brokers},
    {ED_TAKES_KAFKA, 't', "topic", "TOPIC", "a topic to read; again for more", take_topic},
    {ED_TAKES_KAFKA, 'G', "group", "GROUP", "consumer group", take_group},
    {ED_TAKES_KAFKA, 'X', "property", "NAME=VALUE", "a setting of librdkafka", ed_config_property},
    {ED_TAKES_OUTPUT, 'o', "output", "DIR", "write files into DIR (\"-\": standard output)",
     take_output},
    {0, 'h', "help", NULL, "show this", NULL},
    {0, 'V', "version", NULL, "show the version", NULL},
};
#define N_COMMON (sizeof common / sizeof *common)
enum { HELP = N_COMMON - 2, VERSION = N_COMMON - 1 };
_Static_assert(N_COMMON + 20 < OPTIONS_MAX, "room for a command's own options");

static int is_taken(const struct ed_command *command, size_t i)
{
    return !common[i].takes || (command->takes & common[i].takes);
}

/* ---- help ---- */

static void print_option(FILE *out, const struct ed_flag *flag)
{
    enum { COLUMN = 30, WIDTH = 96 };
    static const char margin[] = "                              ";
    char left[100];
    int n = snprintf(left, sizeof left, "  %c%c%s--%s%s%s", flag->letter ? '-' : ' ',
                     flag->letter ? flag->letter : ' ', flag->letter ? ", " : "  ", flag->name,
                     flag->value ? " " : "", flag->value ? flag->value : "");
    if (n < COLUMN)
        fprintf(out, "%-*s", COLUMN, left);
    else
        fprintf(out, "%s\n%s", left, margin);
    ed_text_wrap(out, flag->help, COLUMN, margin, WIDTH);
}

void ed_command_options(const struct ed_command *command,
                        void (*visit)(FILE *out, const struct ed_flag *flag), FILE *out)
{
    for (size_t i = 0; i < command->n_flags; i++)
        visit(out, &command->flags[i]);
    for (size_t i = 0; i < N_COMMON; i++)
        if (is_taken(command, i))
            visit(out, &(struct ed_flag){common[i].name, common[i].letter, common[i].value,
                                         common[i].help, NULL});
}

void ed_usage_command(FILE *out, const struct ed_command *command)
{
    int colour = ed_colour(out);
    ed_heading(out, colour, "Usage:");
    fprintf(out, " %s\n\n%s\n\n", command->synopsis, command->about);
    ed_heading(out, colour, "Options:");
    fputc('\n', out);
    ed_command_options(command, print_option, out);
    if (command->examples) {
        fputc('\n', out);
        ed_heading(out, colour, "Examples:");
        fprintf(out, "\n%s\n", command->examples);
    }
}

/* How --help is answered: the commands' own tables are inside them, and this is how they are had.
 */
static void (*tell_command)(FILE *out, const struct ed_command *command) = ed_usage_command;

void ed_command_told(const struct ed_entry *entry,
                     void (*tell)(FILE *out, const struct ed_command *command))
{
    char name[16], flag[] = "--help";
    snprintf(name, sizeof name, "%s", entry->name);
    tell_command = tell;
    entry->run(2, (char *[]){name, flag, NULL});
    tell_command = ed_usage_command;
}

/* ---- reading ---- */

/* What getopt_long is given; val is the index of a common option, or N_COMMON and more. */
struct getopt_table {
    struct option options[OPTIONS_MAX];
    char letters[2 * OPTIONS_MAX + 2];
    size_t n;
};

static void table_add(struct getopt_table *t, const char *name, char letter, int has_value,
                      size_t val)
{
    if (t->n + 1 >= OPTIONS_MAX)
        return;
    t->options[t->n++] =
        (struct option){name, has_value ? required_argument : no_argument, NULL, 256 + (int)val};
    size_t n = strlen(t->letters);
    if (letter)
        snprintf(t->letters + n, sizeof t->letters - n, "%c%s", letter, has_value ? ":" : "");
}

static void table_make(struct getopt_table *t, const struct ed_command *command)
{
    memset(t, 0, sizeof *t);
    t->letters[0] = ':'; /* a missing value is told apart from an unknown option */
    for (size_t i = 0; i < N_COMMON; i++)
        if (is_taken(command, i))
            table_add(t, common[i].name, common[i].letter, common[i].value != NULL, i);
    for (size_t i = 0; i < command->n_flags; i++)
        table_add(t, command->flags[i].name, command->flags[i].letter,
                  command->flags[i].value != NULL, N_COMMON + i);
}

/* The index that getopt_long's answer stands for: its val less 256, or found by the letter. */
static size_t index_of(const struct ed_command *command, int answer)
{
    if (answer >= 256)
        return (size_t)answer - 256;
    for (size_t i = 0; i < command->n_flags; i++)
        if (command->flags[i].letter == answer)
            return N_COMMON + i;
    size_t i = 0;
    while (i < N_COMMON && common[i].letter != answer)
        i++;
    return i;
}

static const char *name_of(const struct getopt_table *t, int answer)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->options[i].val == answer)
            return t->options[i].name;
    return "";
}

static eddy_status unknown_option(const struct getopt_table *t, const struct ed_command *command,
                                  const char *arg, eddy_error *err)
{
    char shown[ED_SHOWN_TEXT], bare[ED_SHOWN_TEXT];
    if (optopt >= 256) /* --help=now */
        return eddy_fail(err, EDDY_INVALID, "%s: option --%s takes no value", command->name,
                         name_of(t, optopt));
    if (optopt)
        return eddy_fail(err, EDDY_INVALID, "%s: unknown option -%c", command->name,
                         optopt > ' ' && optopt < 0x7F ? optopt : '?');
    ed_shown(arg, shown, sizeof shown);
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(shown + 2, "="), shown + 2);
    const char *nearest = NULL;
    size_t best = strlen(bare) / 3 + 2;
    for (size_t i = 0; i < t->n; i++) {
        size_t dist = ed_edit_distance(bare, t->options[i].name, best);
        if (dist < best) {
            best = dist;
            nearest = t->options[i].name;
        }
    }
    return eddy_fail(err, EDDY_INVALID, "%s: unknown option --%s%s%s%s", command->name, bare,
                     nearest ? "; did you mean --" : "", nearest ? nearest : "",
                     nearest ? "?" : "");
}

static eddy_status read_options(int argc, char **argv, const struct ed_command *command,
                                struct ed_config *config, int *ret_done, eddy_error *err)
{
    struct getopt_table table;
    table_make(&table, command);
    optind = 0; /* begin anew, GNU's way */
    opterr = 0;
    for (int answer;
         (answer = getopt_long(argc, argv, table.letters, table.options, NULL)) != -1;) {
        if (answer == '?')
            return unknown_option(&table, command, argv[optind - 1], err);
        if (answer == ':' && optopt >= 256)
            return eddy_fail(err, EDDY_INVALID, "%s: option --%s needs a value", command->name,
                             name_of(&table, optopt));
        if (answer == ':')
            return eddy_fail(err, EDDY_INVALID, "%s: option -%c needs a value", command->name,
                             optopt);
        size_t i = index_of(command, answer);
        if (i >= N_COMMON) {
            *command->flags[i - N_COMMON].ret = optarg ? optarg : "";
        } else if (i == HELP || i == VERSION) {
            if (i == HELP)
                tell_command(stdout, command);
            else
                printf("eddy %s\n", eddy_version());
            *ret_done = 1;
            return EDDY_OK;
        } else {
            common[i].take(config, optarg);
        }
    }
    for (int i = optind; i < argc; i++) {
        char shown[ED_SHOWN_TEXT];
        if (command->takes & ED_TAKES_WORDS && command->words->n < ED_WORDS_MAX) {
            command->words->at[command->words->n++] = argv[i];
            continue;
        }
        if (!(command->takes & ED_TAKES_FILES))
            return eddy_fail(err, EDDY_INVALID, "%s: unexpected argument '%s'", command->name,
                             ed_shown(argv[i], shown, sizeof shown));
        ed_config_letter(config, "source.files", argv[i], "command line");
    }
    return EDDY_OK;
}

eddy_status ed_config_from_args(int argc, char **argv, char *const *environment,
                                const struct ed_command *command, struct ed_config *config,
                                int *ret_done, eddy_error *err)
{
    *ret_done = 0;
    eddy_status st = ed_config_init(config, environment, err);
    if (st != EDDY_OK)
        return st;
    st = read_options(argc, argv, command, config, ret_done, err);
    if (st != EDDY_OK || *ret_done)
        return st;
    ed_config_read_environment(config);
    return ed_config_finish(config, err);
}

static void print_lines(const char *prefix, const struct ed_list *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        fprintf(stderr, "eddy: %s%s\n", prefix, lines->at[i]);
}

int ed_config_start(int argc, char **argv, const struct ed_command *command,
                    struct ed_config *config)
{
    eddy_error err = {0};
    int done, code = -1;
    eddy_status st = ed_config_from_args(argc, argv, environ, command, config, &done, &err);
    print_lines("warning: ", &config->warnings);
    if (st == EDDY_CONFIG) {
        print_lines("", &config->complaints);
        if (config->dropped)
            fprintf(stderr, "eddy: and %zu more\n", config->dropped);
        code = ED_EXIT_CONFIG;
    } else if (st == EDDY_INVALID) {
        code = ed_exit_usage(command->name, &err);
    } else if (st != EDDY_OK) {
        code = ed_exit_with(&err);
    } else if (done) {
        code = fflush(stdout) == 0 ? ED_EXIT_OK : ED_EXIT_IO;
    }
    if (code >= 0)
        ed_config_clear(config);
    else
        ed_log_up_to((enum ed_log_level)config->log.level);
    return code;
}
