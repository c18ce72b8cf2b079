/* eddy completion: what the scripts for all shells share, and that for bash.
 *
 * bash cuts words at "=" and ":" before it asks. So the value in "--set stage=eng" comes as a word
 * of its own behind a word "=". */
#include "cli/completion.h"

#include "base/error.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/usage.h"

#include <string.h>

/* ---- for all shells ---- */

#define HELP_MAX 100 /* columns of a help */

const char ed_completes_shells[] = "bash zsh fish";

const char *ed_completes(const struct ed_flag *flag)
{
    if (!flag->value)
        return NULL;
    if (strcmp(flag->value, "FILE") == 0)
        return "files";
    if (strcmp(flag->value, "DIR") == 0)
        return "folders";
    return strcmp(flag->name, "profile") == 0 ? "profiles"
           : strcmp(flag->name, "set") == 0   ? "settings"
                                              : "none";
}

void ed_completes_values(FILE *out, const char *before, const char *between, const char *behind)
{
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *option = &ed_options[i];
        if (!option->words && option->type != ED_BOOL)
            continue;
        fprintf(out, "%s%s%s", before, option->key, between);
        if (option->type == ED_BOOL)
            fputs("true false", out);
        for (const struct ed_word *w = option->words; w && w->word; w++)
            fprintf(out, "%s%s", w == option->words ? "" : " ", w->word);
        fputs(behind, out);
    }
}

void ed_completes_commands(FILE *out)
{
    for (size_t i = 0; i < ed_commands_n; i++)
        fprintf(out, "%s ", ed_commands[i].name);
}

void ed_completes_help(FILE *out, const char *help)
{
    size_t n = strcspn(help, "\n");
    for (size_t i = 0; i < n && i < HELP_MAX; i++)
        if (!strchr("'\"\\[]:$`", help[i]))
            fputc(help[i], out);
}

/* ---- pieces of the script for bash ---- */

static void flag_words(FILE *out, const struct ed_flag *flag)
{
    fprintf(out, " --%s", flag->name);
    if (flag->letter)
        fprintf(out, " -%c", flag->letter);
}

/* How the value of an option is found, as " --name:how". */
static void flag_value(FILE *out, const struct ed_flag *flag)
{
    const char *how = ed_completes(flag);
    if (!how)
        return;
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
    "    completion) [[ $current == -* ]] || { _eddy_words \"$shells\"; return; } ;;&\n";

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

static void complete_bash(FILE *out)
{
    fputs(head, out);
    ed_completes_values(out, "    ", ") echo '", "' ;;\n");
    fputs("    *) echo none ;;\n", out);
    fputs("  esac\n}\n\n_eddy() {\n  local commands='", out);
    ed_completes_commands(out);
    fprintf(out, "' shells='%s'\n  local settings='", ed_completes_shells);
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
        .synopsis = "eddy completion bash|zsh|fish",
        .about = "What a shell needs to complete eddy's commands, options, settings and files.",
        .examples = "  source <(eddy completion bash)\n"
                    "  eddy completion fish | source\n",
        .takes = ED_TAKES_WORDS,
        .words = &shell,
    };
    struct ed_config config;
    int code = ed_config_start(argc, argv, &command, &config);
    if (code >= 0)
        return code;
    ed_config_clear(&config);
    static const struct {
        const char *name;
        void (*print)(FILE *out);
    } shells[] = {{"bash", complete_bash}, {"zsh", ed_complete_zsh}, {"fish", ed_complete_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells && shell.n == 1; i++)
        if (strcmp(shell.at[0], shells[i].name) == 0) {
            shells[i].print(stdout);
            return ed_exit_flushed(ED_EXIT_OK);
        }
    eddy_error err = {0};
    eddy_fail(&err, EDDY_INVALID, "completion: it is %s", command.synopsis);
    return ed_exit_usage(command.name, &err);
}
