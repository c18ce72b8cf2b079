/* The inside of a layout: forms, and the stages by which a line of one form is taken apart. */
#ifndef ED_PARSE_LAYOUT_H
#define ED_PARSE_LAYOUT_H

#include <eddy/layout.h>

#define ED_COLUMNS 14 /* of a header of plain text, at most */
#define ED_NONE    255
#define ED_STAGES  4
#define ED_FORMS   3

/* Where the component stands in a header of plain text. */
enum ed_way {
    ED_WAY_NONE,
    ED_WAY_NAME,   /* a NAME, `at` fields behind the columns */
    ED_WAY_DASH,   /* what precedes the first dash behind the columns */
    ED_WAY_BAR,    /* what precedes the first bar; the message follows the last one */
    ED_WAY_BLANKS, /* the field behind the columns; two blanks follow it */
    ED_WAY_COLUMN, /* column `at` */
    ED_WAYS        /* how many there are */
};

/* A header of plain text. */
struct ed_text {
    uint8_t n;                   /* columns */
    uint8_t classes[ED_COLUMNS]; /* enum ed_class; ANY where lines differ */
    uint8_t time, level, pid;    /* columns, or ED_NONE */
    uint8_t way, at;             /* enum ed_way */
    uint8_t undated;             /* 1: a date that nobody can read stands before the time of day */
};

/* What one stage takes off a line. */
enum ed_stage_kind {
    ED_STAGE_DOCKER = 1, /* {"log":"...\n","stream":"stdout","time":"..."} */
    ED_STAGE_CRI,        /* TIME stdout F ... */
    ED_STAGE_SERVICE,    /* name-1  | ... */
    ED_STAGE_POD,        /* [pod/name/container] ... */
    ED_STAGE_PRIORITY,   /* <34>... */
    ED_STAGE_SYSLOG,     /* RFC 5424: <34>1 TIME HOST APP PID ID DATA ... */
    ED_STAGE_TEXT,
    ED_STAGE_JSON,
    ED_STAGE_LOGFMT,
    ED_STAGE_KINDS /* one above them */
};

struct ed_stage {
    enum ed_stage_kind kind;
    struct ed_text text; /* of TEXT */
};

/* One form of lines: stages from outside to inside; none: the line is the message. */
struct ed_form {
    struct ed_stage stages[ED_STAGES];
    size_t n_stages;
};

/* Forms in the order in which they are tried; the first is that of most lines. */
struct eddy_layout {
    struct ed_form forms[ED_FORMS];
    size_t n_forms;
    int joins; /* lines without the time of the header continue a record: they were rare */
    char description[256];
};

/* A line on its way through the stages. */
struct ed_take {
    eddy_str rest;     /* what is still to be taken apart */
    eddy_str behind;   /* of TEXT: rest with the blanks before it, but for one */
    eddy_arena *arena; /* or NULL */
    int64_t near_ms;
    eddy_log_line line; /* what has been found */
    int failed;         /* memory was lost */
};

/* Each takes its part off take->rest and notes it in take->line. 1: the line is of that kind; 0: it
 * is not, and take is as it was. */
int ed_docker_take(struct ed_take *take);
int ed_cri_take(struct ed_take *take);
int ed_service_take(struct ed_take *take);
int ed_pod_take(struct ed_take *take);
int ed_priority_take(struct ed_take *take);
int ed_syslog_take(struct ed_take *take);
int ed_text_take(const struct ed_text *text, struct ed_take *take);
/* These set rest to the message; to all of the line where it has none. */
int ed_json_take(struct ed_take *take);
int ed_logfmt_take(struct ed_take *take);

/* The header that lines have in common, if they have one: 1. 0: they have not. -1: no memory. */
int ed_text_learn(const eddy_str *lines, size_t n, struct ed_text *ret);

/* s without blanks, control characters among them, at its ends. */
eddy_str ed_trimmed(eddy_str s);
/* A stamp is the time of the line, if it can be resolved. */
struct ed_stamp;
void ed_take_stamp(struct ed_take *take, const struct ed_stamp *stamp);
/* One line about forms[0..n_forms) into description. */
void ed_layout_describe(struct eddy_layout *layout);

#endif
