/* eddy: events in streams of text. The first word says what to do; each command reads the rest. */
#include "cli/commands.h"
#include "cli/manual.h"
#include "cli/usage.h"

#include <signal.h>
#include <string.h>

static void print_help(FILE *out)
{
    int colour = ed_colour(out);
    fprintf(out, "eddy %s finds events in streams of text.\n\n", eddy_version());
    ed_heading(out, colour, "Usage:");
    fputs(" eddy COMMAND [OPTIONS]\n\n", out);
    ed_heading(out, colour, "Commands:");
    fputc('\n', out);
    for (size_t i = 0; i < ed_commands_n; i++)
        fprintf(out, "  %-12s%s\n", ed_commands[i].name, ed_commands[i].help);
    fprintf(out, "  %-12s%s\n\n", "help", "about a command; help config: about every option");
    ed_heading(out, colour, "Exit codes:");
    fprintf(out,
            " %s\n\n"
            "Results are on standard output, everything else is on standard error.\n",
            ed_exit_codes);
}

/* The function of a command, or NULL after a line about it. */
static int (*find(const char *name))(int, char **)
{
    const char *nearest = NULL;
    size_t best = 3;
    for (size_t i = 0; i < ed_commands_n; i++) {
        size_t dist = ed_edit_distance(name, ed_commands[i].name, best);
        if (dist == 0)
            return ed_commands[i].run;
        if (dist < best) {
            best = dist;
            nearest = ed_commands[i].name;
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
    if (ed_manual_page(stdout, what))
        return ED_EXIT_OK;
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
