/* Fields of a header: what a line of plain text begins with, one after another. */
#ifndef ED_PARSE_FIELD_H
#define ED_PARSE_FIELD_H

#include "parse/stamp.h"

enum ed_class {
    ED_FIELD_ANY,     /* of a column: the lines do not agree */
    ED_FIELD_TIME,    /* a stamp, also one in brackets */
    ED_FIELD_LEVEL,   /* a word for a level, also one in brackets */
    ED_FIELD_LETTER,  /* one of V T D I W E F A */
    ED_FIELD_NUMBER,  /* digits */
    ED_FIELD_BRACKET, /* [...], (...) or <...> with nothing of the above in it */
    ED_FIELD_RULE,    /* what separates: "-", "---", "|", "*" */
    ED_FIELD_NAME,    /* what says who speaks: "sshd[24200]:", "dfs.DataNode:", "pool.go:123]" */
    ED_FIELD_WORD,
    ED_CLASSES /* how many there are */
};

struct ed_field {
    enum ed_class class;
    const char *at, *end; /* the field; of NAME without the colon */
    const char *next;     /* where the line goes on */
    const char *inner,
        *closed;           /* of brackets, and TIME and LEVEL in them: what stands inside, without
                              blanks at its ends, and for TIME behind the stamp; else NULL */
    struct ed_stamp stamp; /* of TIME */
    eddy_level level;      /* of LEVEL, LETTER, and of a TIME that tells one */
    int tight;             /* LEVEL with a colon and no blank behind it: a name may follow so */
};

/* ' ', tabs and the other control characters that may stand between fields. */
static inline int ed_field_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

/* Behind blanks, and behind the escape sequences by which terminals show colours. */
const char *ed_field_skip(const char *at, const char *end);

/* The field that [at, end) begins with, behind blanks; 0: nothing but blanks is left.
 *
 *   tight  that of the field before it */
int ed_field_read(const char *at, const char *end, int tight, struct ed_field *ret);

/* NAME "program(how)[pid]" taken apart; what it lacks stays. */
void ed_field_name(const struct ed_field *field, eddy_str *component, eddy_str *pid);

#endif
