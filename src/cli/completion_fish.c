/* eddy completion fish: a line for each flag of each command, with its help. */
#include "cli/completion.h"

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/usage.h"

#include <string.h>

static const char *command_now; /* whose flags are told */

static void value_put(FILE *out, const char *how)
{
    if (strcmp(how, "files") == 0)
        fputs(" -r -F", out);
    else if (strcmp(how, "folders") == 0)
        fputs(" -x -a '(__fish_complete_directories (commandline -ct))'", out);
    else if (strcmp(how, "profiles") == 0)
        fputs(" -x -a '(__eddy_values profile)'", out);
    else if (strcmp(how, "settings") == 0)
        fputs(" -x -a '(__eddy_settings)'", out);
    else
        fputs(" -x", out);
}

static void flag_line(FILE *out, const struct ed_flag *flag)
{
    fprintf(out, "complete -c eddy -n '__eddy_is %s' -l %s", command_now, flag->name);
    if (flag->letter)
        fprintf(out, " -s %c", flag->letter);
    if (ed_completes(flag))
        value_put(out, ed_completes(flag));
    fputs(" -d '", out);
    ed_completes_help(out, flag->help);
    fputs("'\n", out);
}

static void command_lines(FILE *out, const struct ed_command *command)
{
    command_now = command->name;
    ed_command_options(command, flag_line, out);
    if (command->takes & ED_TAKES_FILES)
        fprintf(out, "complete -c eddy -n '__eddy_is %s' -F\n", command->name);
}

static const char functions[] = "# fish completion for eddy; written by: eddy completion fish\n"
                                "function __eddy_is # COMMAND: it is this one\n"
                                "    set -l words (commandline -opc)\n"
                                "    test (count $words) -ge 2; and test $words[2] = $argv[1]\n"
                                "end\n"
                                "function __eddy_none # no command is there yet\n"
                                "    test (count (commandline -opc)) -eq 1\n"
                                "end\n"
                                "function __eddy_settings\n"
                                "    set -l parts (string split -m 1 = -- (commandline -ct))\n"
                                "    if test (count $parts) -eq 1\n"
                                "        __eddy_keys\n"
                                "    else\n"
                                "        for value in (__eddy_values $parts[1])\n"
                                "            echo $parts[1]=$value\n"
                                "        end\n"
                                "    end\n"
                                "end\n"
                                "function __eddy_values # KEY: what it may be set to\n"
                                "    switch $argv[1]\n";

void ed_complete_fish(FILE *out)
{
    fputs(functions, out);
    ed_completes_values(out, "        case ", "\n            string split ' ' '", "'\n");
    fputs("    end\nend\nfunction __eddy_keys\n    printf '%s\\n' \\\n", out);
    for (size_t i = 0; i < ed_options_n; i++)
        if (ed_options[i].type != ED_MAP)
            fprintf(out, "        %s= \\\n", ed_options[i].key);
    fputs("\nend\ncomplete -c eddy -f\n"
          "complete -c eddy -n __eddy_none -l help -d 'what there is'\n"
          "complete -c eddy -n __eddy_none -l version -d 'which eddy this is'\n"
          "complete -c eddy -n __eddy_none -a help -d 'what a command does'\n",
          out);
    for (size_t i = 0; i < ed_commands_n; i++) {
        fprintf(out, "complete -c eddy -n __eddy_none -a %s -d '", ed_commands[i].name);
        ed_completes_help(out, ed_commands[i].help);
        fputs("'\n", out);
    }
    fputs("complete -c eddy -n '__eddy_is help' -a '", out);
    ed_completes_commands(out);
    fprintf(out, "config'\ncomplete -c eddy -n '__eddy_is completion' -a '%s'\n",
            ed_completes_shells);
    fflush(out); /* commands write to standard output by themselves */
    for (size_t i = 0; i < ed_commands_n; i++)
        ed_command_told(&ed_commands[i], command_lines);
}
