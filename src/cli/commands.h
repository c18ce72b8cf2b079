/* commands: one function for each subcommand; argv[0] is the command's name; the answer is the
 * exit code (usage.h). A new command is a line here and a line in commands.c's table. */
#ifndef ED_CLI_COMMANDS_H
#define ED_CLI_COMMANDS_H

#include <stddef.h>
#include <stdio.h>

struct ed_entry {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* one line */
};
extern const struct ed_entry ed_commands[];
extern const size_t ed_commands_n;

/* The exit codes, as help and manual tell them; lines of at most 80 columns. */
extern const char ed_exit_codes[];

int ed_cmd_demo(int argc, char **argv);
int ed_cmd_check(int argc, char **argv);
int ed_cmd_run(int argc, char **argv);
int ed_cmd_replay(int argc, char **argv);
int ed_cmd_detect(int argc, char **argv);
int ed_cmd_embed(int argc, char **argv);
int ed_cmd_score(int argc, char **argv);
int ed_cmd_events(int argc, char **argv);
int ed_cmd_reason(int argc, char **argv);
int ed_cmd_alert(int argc, char **argv);
int ed_cmd_top(int argc, char **argv);
int ed_cmd_explain(int argc, char **argv);
int ed_cmd_show(int argc, char **argv);    /* show, lineage */
int ed_cmd_operate(int argc, char **argv); /* merge, split, ...: argv[0] says which */
int ed_cmd_report(int argc, char **argv);
int ed_cmd_completion(int argc, char **argv);

#endif
