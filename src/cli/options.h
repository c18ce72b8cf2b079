/* options: the one table of everything that can be set.
 *
 * The table makes the parser, the errors, `eddy help config`, conf/eddy.yaml and the JSON Schema:
 * an option that is not in it does not exist, and one that is in it needs no line elsewhere. */
#ifndef ED_CLI_OPTIONS_H
#define ED_CLI_OPTIONS_H

#include <eddy/error.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ed_config;

enum ed_type {
    ED_STRING,   /* const char *, never NULL */
    ED_INTEGER,  /* int64_t */
    ED_REAL,     /* double */
    ED_BOOL,     /* int */
    ED_CHOICE,   /* int: the value of one of the words */
    ED_DURATION, /* int64_t, milliseconds: 250ms, 10s, 5m, 12h, 7d, 2w; 0 */
    ED_SIZE,     /* int64_t, bytes: 4096, 64KiB, 1MB */
    ED_LIST,     /* struct ed_list of strings */
    ED_MAP       /* struct ed_map from strings to strings */
};

/* What a string must be. */
enum ed_shape {
    ED_ANY,
    ED_POINTER,  /* JSON pointer (RFC 6901), or empty */
    ED_TOPIC,    /* name of a Kafka topic; {pipeline} is replaced; empty where optional */
    ED_PIPELINE, /* letters, digits, . _ -; at most 64 */
    ED_GROUP,    /* not empty; {pipeline} is replaced */
    ED_SECRET    /* anything, and never shown; empty where optional */
};

/* A word that stands for a number. */
struct ed_word {
    const char *word;
    double value;
};

struct ed_option {
    const char *key; /* dotted; a dot is one level of YAML */
    enum ed_type type;
    enum ed_shape shape;
    int optional;         /* strings and lists: may be empty */
    size_t offset;        /* in struct ed_config */
    double min, max;      /* of numbers, both included; durations in ms, sizes in bytes */
    const char *standard; /* the default, as it would be written; NULL: an empty list or map */
    const struct ed_word *words; /* ended by a NULL word; NULL: none */
    const char *help;            /* sentences; '\n' only between paragraphs and before examples */
};

#define ED_OPTIONS_MAX 160

extern const struct ed_option ed_options[];
extern const size_t ed_options_n;

/* What a section is for; in the order of the table, a part of a section behind it (section.part);
 * ended by a NULL name. */
struct ed_section {
    const char *name, *about;
};
extern const struct ed_section ed_sections[];

/* Index in the table; -1: no such key. */
int ed_option_find(const char *key, size_t n_key);
/* 1: some option's key begins with these bytes and a dot. */
int ed_option_is_section(const char *path, size_t n_path);
/* The key or section that was most likely meant, or NULL when none is near. */
const char *ed_option_nearest(const char *key);
/* Edits (insert, delete, replace, swap of neighbours) that make a into b; counts to most at most.
 */
size_t ed_edit_distance(const char *a, const char *b, size_t most);

/* ---- values as text ---- */

/* Read a number, bool, choice, duration or size.
 *
 *   ret   the number; of words, what the word stands for
 *   why   (n_why) one clause, filled on failure: "is not a duration (such as 250ms, 10s, 12h, 7d)"
 *
 * 1, or 0 on failure. */
int ed_option_number(const struct ed_option *option, const char *text, double *ret, char *why,
                     size_t n_why);
/* Check a string's shape; the same. */
int ed_option_shape(const struct ed_option *option, const char *text, char *why, size_t n_why);
/* A number as the user would write it: the word where there is one, 12h, 64KiB. */
void ed_option_text(const struct ed_option *option, double value, char *ret, size_t n);
/* "whole number, 1 .. 4096", "duration, 0 .. 36500d, or never". */
void ed_option_kind(const struct ed_option *option, char *ret, size_t n);

/* ---- the table as documents ---- */

void ed_options_help(FILE *out, int colour);               /* for people: eddy help config */
void ed_options_sample(FILE *out);                         /* conf/eddy.yaml */
void ed_options_manual(FILE *out);                         /* eddy.yaml(5), for scdoc */
eddy_status ed_options_schema(FILE *out, eddy_error *err); /* JSON Schema, draft 2020-12 */

#endif
