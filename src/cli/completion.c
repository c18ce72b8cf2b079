/* eddy completion: a script for bash, out of the tables of commands and options. Nothing is listed
 * by hand, so that what is added completes.
 *
 * bash cuts words at "=" and ":" before it asks. So the value in "--set stage=eng" comes as a word
 * of its own behind a word "=". */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/usage.h"

#include <string.h>

/* ---- pieces of the script ---- */

static void flag_words(FILE *out, const struct ed_flag *flag)
{
    fprintf(out, " --%s", flag->name);
    if (flag->letter)
        fprintf(out, " -%c", flag->letter);
}

/* How the value of an option is found, as " --name:how": files, folders, profiles, settings; "none"
 * where it is not for us to guess. */
static void flag_value(FILE *out, const struct ed_flag *flag)
{
    const char *how = "none";
    if (!flag->value)
        return;
    if (strcmp(flag->value, "FILE") == 0)
        how = "files";
    else if (strcmp(flag->value, "DIR") == 0)
        how = "folders";
    else if (strcmp(flag->name, "profile") == 0)
        how = "profiles";
    else if (strcmp(flag->name, "set") == 0)
        how = "settings";
    fprintf(out, " --%s:%s", flag->name, how);
    if (flag->letter)
        fprintf(out, " -%c:%s", flag->letter, how);
}

static void command_case(FILE *out, const struct ed_command *command)
{
    fprintf(out, "    %s)\n      flags='", command->name);
    ed_command_options(command, flag_words, out);
    fputs("'\n      values='", out);
    ed_command_options(command, flag_value, out);
    fprintf(out, " '\n      words=%s ;;\n", command->takes & ED_TAKES_FILES ? "files" : "none");
}

static void command_names(FILE *out)
{
    for (size_t i = 0; i < ed_commands_n; i++)
        fprintf(out, "%s ", ed_commands[i].name);
}

/* The words that an option may be; nothing for those that are free. */
static void option_words(FILE *out, const struct ed_option *option)
{
    if (option->type == ED_BOOL)
        fputs("true false", out);
    for (const struct ed_word *w = option->words; w && w->word; w++)
        fprintf(out, "%s%s", w == option->words ? "" : " ", w->word);
}

/* ---- the script ---- */

static const char head[] =
    "# bash completion for eddy; written by: eddy completion bash\n"
    "_eddy_words() { # HOW: candidates for $current into COMPREPLY\n"
    "  case $1 in\n"
    "    files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "
    "\"$current\") ;;\n"
    "    folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d "
    "-- \"$current\") ;;\n"
    "    settings) compopt -o nospace; mapfile -t COMPREPLY < <(compgen -S = "
    "-W \"$settings\" -- \"$current\") ;;\n"
    "    none) ;;\n"
    "    *) mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\") "
    ";;\n"
    "  esac\n"
    "}\n\n"
    "_eddy_setting() { # KEY: what it may be set to\n"
    "  case $1 in\n";

static const char middle[] =
    "  local current=${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD flags values words how\n"
    "  COMPREPLY=()\n"
    "  if [[ $current == = ]]; then\n"
    "    current= at=$((at + 1))\n"
    "  fi\n"
    "  local previous=${COMP_WORDS[at - 1]}\n"
    "  if [[ $previous == = ]]; then\n"
    "    previous=${COMP_WORDS[at - 2]}\n"
    "    if [[ ${COMP_WORDS[at - 3]} == --set ]]; then\n"
    "      _eddy_words \"$(_eddy_setting \"$previous\")\"\n"
    "      return\n"
    "    fi\n"
    "  fi\n"
    "  if ((COMP_CWORD == 1)); then\n"
    "    _eddy_words \"$commands help --help --version\"\n"
    "    return\n"
    "  fi\n"
    "  case ${COMP_WORDS[1]} in\n"
    "    help) _eddy_words \"$commands config\"; return ;;\n"
    "    completion) [[ $current == -* ]] || { _eddy_words bash; return; } ;;&\n";

static const char tail[] = "    *) return ;;\n"
                           "  esac\n"
                           "  if [[ $values == *\" $previous:\"* ]]; then\n"
                           "    how=${values##*\" $previous:\"} how=${how%% *}\n"
                           "    [[ $how != profiles ]] || how=$(_eddy_setting profile)\n"
                           "    _eddy_words \"$how\"\n"
                           "  elif [[ $current == -* ]]; then\n"
                           "    _eddy_words \"$flags\"\n"
                           "  else\n"
                           "    _eddy_words \"$words\"\n"
                           "  fi\n"
                           "}\n"
                           "complete -F _eddy eddy\n";

static void print_script(FILE *out)
{
    fputs(head, out);
    for (size_t i = 0; i < ed_options_n; i++) {
        if (!ed_options[i].words && ed_options[i].type != ED_BOOL)
            continue;
        fprintf(out, "    %s) echo '", ed_options[i].key);
        option_words(out, &ed_options[i]);
        fputs("' ;;\n", out);
    }
    fputs("    *) echo none ;;\n", out);
    fputs("  esac\n}\n\n_eddy() {\n  local commands='", out);
    command_names(out);
    fputs("'\n  local settings='", out);
    for (size_t i = 0; i < ed_options_n; i++)
        if (ed_options[i].type != ED_MAP)
            fprintf(out, "%s ", ed_options[i].key);
    fputs("'\n", out);
    fputs(middle, out);
    fflush(out); /* commands write to standard output by themselves */
    for (size_t i = 0; i < ed_commands_n; i++)
        ed_command_told(&ed_commands[i], command_case);
    fputs(tail, out);
}

int ed_cmd_completion(int argc, char **argv)
{
    struct ed_words shell = {0};
    const struct ed_command command = {
        .name = "completion",
        .synopsis = "eddy completion bash",
        .about = "What bash needs to complete eddy's commands, options, settings and files.",
        .examples = "  source <(eddy completion bash)\n",
        .takes = ED_TAKES_WORDS,
        .words = &shell,
    };
    struct ed_config config;
    int code = ed_config_start(argc, argv, &command, &config);
    if (code >= 0)
        return code;
    ed_config_clear(&config);
    if (shell.n == 1 && strcmp(shell.at[0], "bash") == 0) {
        print_script(stdout);
        return ed_exit_flushed(ED_EXIT_OK);
    }
    eddy_error err = {0};
    eddy_fail(&err, EDDY_INVALID, "completion: it is %s", command.synopsis);
    return ed_exit_usage(command.name, &err);
}
