/* Rules: which changes of events people want to be told of, one line of text each.
 *
 *   NAME [kind=KIND|KIND...] [size>=N] [rate>=N] [growth>=X] [novelty>=X] [keywords=WORD|WORD...]
 *        [topic=T3] [clear=SHARE] [hold=DURATION] [quiet=HH:MM-HH:MM] [severity=WORD]
 *
 * With kinds a rule looks at changes of those kinds, and at the event as it is then. Without, it
 * looks at every picture of an event, and its alert ends where the measures are no longer met: by a
 * margin, so that one that hovers about its bound does not flap. No clock but stream time. */
#ifndef ED_PUBLISH_RULES_H
#define ED_PUBLISH_RULES_H

#include <eddy/doc.h>
#include <eddy/engine.h>

#define ED_RULES_MAX       64
#define ED_RULE_NAME       63 /* letters, digits, . _ - */
#define ED_RULE_CONDITIONS 8

/* Beside the kinds of changes of events: a form of log lines that was never seen before. */
#define ED_KIND_TEMPLATE_FOUNDED (EDDY_TREND + 1)
#define ED_KINDS                 (ED_KIND_TEMPLATE_FOUNDED + 1)

/* SIZE     documents
 * RATE     documents and lines an hour: in a burst since it began, of a trend as is usual now, else
 *          on average since the event was first seen, but over an hour at least
 * GROWTH   times as many as before: of a burst or a trend observed over expected, of one that grew
 *          size over size before; of a picture not known
 * NOVELTY  1 less the similarity to the nearest other event; 1 where none is near */
enum ed_measure {
    ED_MEASURE_SIZE,
    ED_MEASURE_RATE,
    ED_MEASURE_GROWTH,
    ED_MEASURE_NOVELTY,
    ED_MEASURES
};

struct ed_rule {
    const char *name, *severity;
    uint64_t kinds; /* a bit for each; 0: pictures */
    struct ed_rule_condition {
        enum ed_measure measure;
        int most; /* 1: <=, else >= */
        double value;
    } conditions[ED_RULE_CONDITIONS]; /* (n_conditions) all of them */
    size_t n_conditions;
    const char *keywords;     /* "a|b": one of them; NULL: any event */
    uint64_t topic;           /* number of a topic or theme; 0: any */
    double clear;             /* share of a bound at which an alert ends, 0 to 1 */
    int64_t hold_ms;          /* it ends when for so long nothing met the rule; 0: not by time */
    int quiet_from, quiet_to; /* minutes of the day (UTC) in which nothing is begun; equal: none */
};

/* What a rule looks at. */
struct ed_seen {
    int kind;                     /* of the change; -1: a picture */
    eddy_str name;                /* of the event; of a template its text */
    const eddy_event *event;      /* NULL: not known, or a template */
    uint64_t topic, theme;        /* numbers, as in messages; 0: none */
    double measures[ED_MEASURES]; /* NaN: not known */
};

/* Read a rule; its strings go into the arena. EDDY_CONFIG: the text says what is wrong with it.
 * EDDY_NOMEM. */
eddy_status ed_rule_read(const char *text, eddy_arena *arena, struct ed_rule *ret, eddy_error *err);

/* "born" ... "trend", "template_founded". */
const char *ed_kind_name(int kind);

/* The measures of an event as its picture has them; change: with those of the change, or NULL. */
void ed_seen_measure(struct ed_seen *seen, const eddy_event *event, const eddy_change *change);

/* 1: all is as the rule wants it, kinds aside. held: it was so before, and margins count. */
int ed_rule_holds(const struct ed_rule *rule, const struct ed_seen *seen, int held);

/* When the quiet hours end in which ms lies; ms where it lies in none. */
int64_t ed_rule_quiet_until(const struct ed_rule *rule, int64_t ms);

#endif
