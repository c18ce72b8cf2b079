/* manual: eddy(1), out of what each command says of itself. A command that is added is in it. */
#include "cli/manual.h"

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/usage.h"

#include <string.h>

#define SERVICE_EXPOSURE "1.2" /* of conf/eddy.service; tests/packaging/debian asks systemd */

void ed_manual_text(FILE *out, const char *text, const char *indent)
{
    int first = 1; /* of the line: a list would begin here */
    for (const char *s = text; *s; s++) {
        if (*s == '\n') {
            fprintf(out, "++\n%s", indent);
            s += strspn(s + 1, " ");
            first = 1;
            continue;
        }
        if (strchr("\\*_#[]|", *s) || (first && *s == '-'))
            fputc('\\', out);
        fputc(*s, out);
        first = 0;
    }
}

/* Lines as they stand. */
static void literal(FILE *out, const char *text)
{
    fprintf(out, "```\n%s%s```\n\n", text, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static void flag(FILE *out, const struct ed_flag *flag)
{
    if (flag->letter)
        fprintf(out, "*-%c*, ", flag->letter);
    fprintf(out, "*--%s*", flag->name);
    if (flag->value) {
        fputs(" ", out);
        ed_manual_text(out, flag->value, "");
    }
    fputs("\n\t", out);
    ed_manual_text(out, flag->help, "\t");
    fputs("\n\n", out);
}

static void command(FILE *out, const struct ed_command *command)
{
    fprintf(out, "## eddy %s\n\n", command->name);
    literal(out, command->synopsis);
    literal(out, command->about);
    ed_command_options(command, flag, out);
    if (command->examples)
        literal(out, command->examples);
}

static void commands(FILE *out)
{
    fputs("eddy(1)\n\n# NAME\n\neddy - find events in streams of text\n\n"
          "# SYNOPSIS\n\n*eddy* COMMAND [OPTIONS]\n\n"
          "# DESCRIPTION\n\n"
          "eddy reads documents from Kafka topics, files or standard input, puts each into an "
          "event or lets it found a new one, goes on repairing what it decided, and writes down "
          "every step. Results are on standard output, everything else is on standard error.\n\n"
          "*eddy help* COMMAND tells of a command, *eddy help config* of every option of the "
          "configuration.\n\n# COMMANDS\n\n",
          out);
    fflush(out); /* commands write to standard output by themselves */
    for (size_t i = 0; i < ed_commands_n; i++)
        ed_command_told(&ed_commands[i], command);
    fprintf(out, "# EXIT STATUS\n\n");
    ed_manual_text(out, ed_exit_codes, "");
    fputs(
        "\n\n# ENVIRONMENT\n\n"
        "*EDDY\\_KEY*\n\tAn option of the configuration, its dots as underscores: "
        "EDDY\\_ENGINE\\_FADE=12h.\n\n"
        "*NO\\_COLOR*\n\tWhere it is set, nothing is coloured.\n\n"
        "*NOTIFY\\_SOCKET*\n\tWhere *eddy run* tells systemd that it is ready, how far it is, and "
        "that it stops.\n\n"
        "*WATCHDOG\\_USEC*\n\tHow often it must tell systemd that it lives. It does, as long as "
        "whatever reads, embeds, assigns and commits goes on, or waits for somebody else; not "
        "when one of them hangs.\n\n"
        "# SERVICE\n\n"
        "The Debian package has a unit for *systemd*(1): eddy.service runs *eddy run* with "
        "/etc/eddy/eddy.yaml as a user of its own, who sees and may do little else: "
        "*systemd-analyze security* rates its exposure at " SERVICE_EXPOSURE
        " of 10. It is started anew when it fails or hangs, but not when its configuration is "
        "wrong.\n\n"
        "# SEE ALSO\n\n*eddy.yaml*(5), *eddy-topics*(7)\n",
        out);
}

int ed_manual_page(FILE *out, const char *page)
{
    if (strcmp(page, "eddy.1") == 0)
        commands(out);
    else if (strcmp(page, "eddy.yaml.5") == 0)
        ed_options_manual(out);
    else
        return 0;
    return 1;
}
