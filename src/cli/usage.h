/* usage: what the program says about itself: help texts, errors on the terminal, exit codes.
 *
 * Standard output is data (and help that was asked for), standard error is everything else. */
#ifndef ED_CLI_USAGE_H
#define ED_CLI_USAGE_H

#include "cli/config.h"

#include <stdio.h>

enum ed_exit {
    ED_EXIT_OK = 0,
    ED_EXIT_FAILURE = 1,      /* at run time, and none of the others */
    ED_EXIT_USAGE = 2,        /* the command line is wrong */
    ED_EXIT_UNAVAILABLE = 69, /* broker, model or endpoint cannot be reached */
    ED_EXIT_INTERNAL = 70,    /* a mistake of ours */
    ED_EXIT_IO = 74,          /* a file cannot be read or written */
    ED_EXIT_TEMPORARY = 75,   /* may go well when tried again */
    ED_EXIT_CONFIG = 78       /* the configuration is wrong */
};

/* The exit code for an error that reached main. */
int ed_exit_code(const eddy_error *err);
/* Print "eddy: TEXT" (the error's sentence) on standard error; gives the exit code. */
int ed_exit_with(const eddy_error *err);

/* The same for a wrong command line, with a pointer to the command's help. */
int ed_exit_usage(const char *command, const eddy_error *err);
/* Flush standard output at the end of a command: code, or ED_EXIT_IO when it cannot be written. A
 * reader that has gone away is no failure. */
int ed_exit_flushed(int code);

/* 1: out is a terminal that may be given colours (NO_COLOR is not set, TERM is not dumb). */
int ed_colour(FILE *out);
/* heading, in bold where colour is 1. */
void ed_heading(FILE *out, int colour, const char *heading);
/* text folded at width columns and ended with a newline. The first line goes on behind what stands
 * there already (first columns), each other line begins with margin; "\n" in text ends a line. */
void ed_text_wrap(FILE *out, const char *text, size_t first, const char *margin, size_t width);

/* The help of one command: synopsis, about, its options, examples. */
void ed_usage_command(FILE *out, const struct ed_command *command);
/* Each option that command takes, its own first; visit is given out. */
void ed_command_options(const struct ed_command *command,
                        void (*visit)(FILE *out, const struct ed_flag *flag), FILE *out);
/* Have a command describe itself: tell is called with standard output in place of its help. */
struct ed_entry;
void ed_command_told(const struct ed_entry *entry,
                     void (*tell)(FILE *out, const struct ed_command *command));
/* Untrusted text for a message: cut with "..." to fit n bytes, controls as "?"; gives ret. */
char *ed_shown(const char *text, char *ret, size_t n);

#endif
