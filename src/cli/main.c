/* eddy: events in streams of text. The first word says what to do; each command reads the rest. */
#include "cli/commands.h"
#include "cli/usage.h"

#include <signal.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* one line */
} commands[] = {
    {"run", ed_cmd_run, "the daemon: Kafka topics in, events out"},
    {"replay", ed_cmd_replay, "a stretch of the past again, into topics of its own"},
    {"detect", ed_cmd_detect, "find the events in files or standard input"},
    {"embed", ed_cmd_embed, "the vectors of documents, as a NumPy file"},
    {"alert", ed_cmd_alert, "bring alerts to Alertmanager, a webhook or Slack"},
    {"top", ed_cmd_top, "watch events as they come, on the whole terminal"},
    {"demo", ed_cmd_demo, "watch it work on a fictional news day; needs nothing"},
    {"check", ed_cmd_check, "is a configuration right, and is what it names there?"},
    {"score", ed_cmd_score, "compare events with known labels"},
    {"events", ed_cmd_events, "the events of a pipeline, or of a run"},
    {"show", ed_cmd_show, "one event as it is now"},
    {"explain", ed_cmd_explain, "why these documents are one event, and others are not"},
    {"lineage", ed_cmd_show, "what happened to an event, who decided, and the way back"},
    {"reason", ed_cmd_reason, "have the reasoner look now; or what that would ask and cost"},
    {"merge", ed_cmd_operate, "two events are one"},
    {"split", ed_cmd_operate, "an event is two"},
    {"move", ed_cmd_operate, "groups of one event belong to another"},
    {"rename", ed_cmd_operate, "give an event a name"},
    {"pin", ed_cmd_operate, "keep an event as it is"},
    {"unpin", ed_cmd_operate, "take the pin away"},
    {"link", ed_cmd_operate, "two events are the same, or never are"},
    {"undo", ed_cmd_operate, "take an operation back"},
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static void print_help(FILE *out)
{
    int colour = ed_colour(out);
    fprintf(out, "eddy %s finds events in streams of text.\n\n", eddy_version());
    ed_heading(out, colour, "Usage:");
    fputs(" eddy COMMAND [OPTIONS]\n\n", out);
    ed_heading(out, colour, "Commands:");
    fputc('\n', out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-10s%s\n", commands[i].name, commands[i].help);
    fprintf(out, "  %-10s%s\n\n", "help", "about a command; help config: about every option");
    ed_heading(out, colour, "Exit codes:");
    fputs(" 0 well; 1 failed; 2 wrong command line; 69 something cannot be reached;\n"
          "  70 a mistake of eddy's; 74 a file; 75 try again; 78 wrong configuration;\n"
          "  130 ended by SIGINT; 143 ended by SIGTERM\n\n"
          "Results are on standard output, everything else is on standard error.\n",
          out);
}

/* The function of a command, or NULL after a line about it. */
static int (*find(const char *name))(int, char **)
{
    const char *nearest = NULL;
    size_t best = 3;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        size_t dist = ed_edit_distance(name, commands[i].name, best);
        if (dist == 0)
            return commands[i].run;
        if (dist < best) {
            best = dist;
            nearest = commands[i].name;
        }
    }
    char shown[60];
    fprintf(stderr, "eddy: there is no command '%s'%s%s%s\nTry 'eddy --help'.\n",
            ed_shown(name, shown, sizeof shown), nearest ? "; did you mean " : "",
            nearest ? nearest : "", nearest ? "?" : "");
    return NULL;
}

static int help_about(const char *what)
{
    if (!what) {
        print_help(stdout);
        return ED_EXIT_OK;
    }
    if (strcmp(what, "config") == 0) {
        ed_options_help(stdout, ed_colour(stdout));
        return ED_EXIT_OK;
    }
    char name[60], flag[] = "--help";
    char *args[] = {ed_shown(what, name, sizeof name), flag, NULL};
    int (*run)(int, char **) = find(what);
    return run ? run(2, args) : ED_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of a write like any other */
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word) {
        print_help(stderr);
        return ED_EXIT_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return ed_exit_flushed(help_about(argc > 2 ? argv[2] : NULL));
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 || strcmp(word, "version") == 0) {
        printf("eddy %s\n", eddy_version());
        return ed_exit_flushed(ED_EXIT_OK);
    }
    int (*run)(int, char **) = find(word);
    return run ? run(argc - 1, argv + 1) : ED_EXIT_USAGE;
}
