/* The table of commands: what main chooses from, and help, completion and manual tell of. */
#include "cli/commands.h"

const struct ed_entry ed_commands[] = {
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
    {"report", ed_cmd_report, "a run as one page of HTML, to look at and to hand on"},
    {"reason", ed_cmd_reason, "have the reasoner look now; or what that would ask and cost"},
    {"merge", ed_cmd_operate, "two events are one"},
    {"split", ed_cmd_operate, "an event is two"},
    {"move", ed_cmd_operate, "groups of one event belong to another"},
    {"rename", ed_cmd_operate, "give an event a name"},
    {"pin", ed_cmd_operate, "keep an event as it is"},
    {"unpin", ed_cmd_operate, "take the pin away"},
    {"link", ed_cmd_operate, "two events are the same, or never are"},
    {"undo", ed_cmd_operate, "take an operation back"},
    {"completion", ed_cmd_completion, "what a shell needs to complete eddy's words"},
};
const size_t ed_commands_n = sizeof ed_commands / sizeof *ed_commands;

const char ed_exit_codes[] =
    "0 well; 1 failed; 2 wrong command line; 69 something cannot be reached;\n"
    "  70 a mistake of eddy's; 74 a file; 75 try again; 78 wrong configuration;\n"
    "  130 ended by SIGINT; 143 ended by SIGTERM";
