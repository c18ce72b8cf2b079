/* commands: one function for each subcommand; argv[0] is the command's name; the answer is the
 * exit code (usage.h). A new command is a line here and a line in main.c's table. */
#ifndef ED_CLI_COMMANDS_H
#define ED_CLI_COMMANDS_H

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

#endif
