/* eddy completion zsh: for each command a call of _arguments, which knows how zsh is written.
 *
 * As a file _eddy in zsh's $fpath it is loaded when it is needed; read by source it says itself
 * what it is for. */
#include "cli/completion.h"

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/usage.h"

#include <string.h>

/* " '*--name=[help]:VALUE:action'" */
static void spec(FILE *out, const struct ed_flag *flag, const char *dashed, const char *joined)
{
    const char *how = ed_completes(flag);
    fprintf(out, " \\\n      '*%s%s[", dashed, how ? joined : "");
    ed_completes_help(out, flag->help);
    fputc(']', out);
    if (how)
        fprintf(out, ":%s:%s", flag->value,
                strcmp(how, "files") == 0      ? "_files"
                : strcmp(how, "folders") == 0  ? "_files -/"
                : strcmp(how, "profiles") == 0 ? "{_eddy_values profile}"
                : strcmp(how, "settings") == 0 ? "_eddy_settings"
                                               : " ");
    fputc('\'', out);
}

static void flag_specs(FILE *out, const struct ed_flag *flag)
{
    char dashed[64];
    snprintf(dashed, sizeof dashed, "--%s", flag->name);
    spec(out, flag, dashed, "=");
    if (!flag->letter)
        return;
    snprintf(dashed, sizeof dashed, "-%c", flag->letter);
    spec(out, flag, dashed, "+");
}

static void command_case(FILE *out, const struct ed_command *command)
{
    fprintf(out, "    %s) _arguments -s", command->name);
    ed_command_options(command, flag_specs, out);
    if (strcmp(command->name, "completion") == 0)
        fprintf(out, " \\\n      ':SHELL:(%s)'", ed_completes_shells);
    else if (command->takes & ED_TAKES_FILES)
        fputs(" \\\n      '*:FILE:_files'", out);
    fputs(" ;;\n", out);
}

static const char head[] = "#compdef eddy\n"
                           "# zsh completion for eddy; written by: eddy completion zsh\n"
                           "_eddy_values() { # KEY: what it may be set to\n"
                           "  case $1 in\n";

static const char middle[] = "  esac\n"
                             "}\n\n"
                             "_eddy_settings() {\n"
                             "  if compset -P 1 '*='; then\n"
                             "    _eddy_values ${IPREFIX%=}\n"
                             "    return\n"
                             "  fi\n"
                             "  compadd -S = --";

static const char tail[] = "  esac\n"
                           "}\n\n"
                           "if [[ $funcstack[1] == _eddy ]]; then\n"
                           "  _eddy \"$@\"\n"
                           "else\n"
                           "  compdef _eddy eddy\n"
                           "fi\n";

void ed_complete_zsh(FILE *out)
{
    fputs(head, out);
    ed_completes_values(out, "    ", ") compadd -- ", " ;;\n");
    fputs(middle, out);
    for (size_t i = 0; i < ed_options_n; i++)
        if (ed_options[i].type != ED_MAP)
            fprintf(out, " %s", ed_options[i].key);
    fputs("\n}\n\n_eddy() {\n  local -a known=(\n    'help:what a command does'\n", out);
    for (size_t i = 0; i < ed_commands_n; i++) {
        fprintf(out, "    '%s:", ed_commands[i].name);
        ed_completes_help(out, ed_commands[i].help);
        fputs("'\n", out);
    }
    fputs("  )\n"
          "  if ((CURRENT == 2)); then\n"
          "    _describe command known\n"
          "    compadd -- --help --version\n"
          "    return\n"
          "  fi\n"
          "  shift words\n"
          "  ((CURRENT--))\n"
          "  case $words[1] in\n"
          "    help) _arguments \":COMMAND:(${(j: :)${(@)known%%:*}} config)\" ;;\n",
          out);
    fflush(out); /* commands write to standard output by themselves */
    for (size_t i = 0; i < ed_commands_n; i++)
        ed_command_told(&ed_commands[i], command_case);
    fputs(tail, out);
}
