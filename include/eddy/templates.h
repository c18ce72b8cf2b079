/* eddy/templates.h: log lines in, templates out.
 *
 * A line's signature is the hash of its constant words: what varies (numbers, paths, addresses ...)
 * is left out, and so is punctuation. A template is the signatures that differ only where many
 * words were seen; it is named after the first of them, for ever.
 *
 * Two parts. The scan is a pure function of the bytes of a message, for any number of threads. The
 * miner takes scanned lines in stream order; it is deterministic (the same lines give the same
 * answers, in batches of any size, on any machine), bounded, reads no clock and no random source.
 *
 * What the miner has learned is made of templates alone: the same state from its records goes on
 * exactly as the miner that wrote them.
 *
 * Where more than one line in twenty is new and a quarter of the room is taken (a flood), new lines
 * become coarse templates: all that begin with the same three words and have as many, or all that
 * have as many. So what was learned stays. */
#ifndef EDDY_TEMPLATES_H
#define EDDY_TEMPLATES_H

#include <eddy/doc.h>
#include <eddy/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the scan ---- */

#define EDDY_SCAN_WORDS 64    /* words and variables that are kept of a message ... */
#define EDDY_SCAN_BYTES 4096u /* ... as far as they end within so many bytes */

typedef enum eddy_word_flag {
    EDDY_WORD_CANDIDATE = 1,  /* it may turn out to be a variable */
    EDDY_WORD_IDENTIFIER = 2, /* it looks like a name that a machine gave */
    EDDY_WORD_AFTER = 4,      /* it follows a word such as "for" or "user" */
    EDDY_WORD_KEY = 8         /* "=" follows it */
} eddy_word_flag;

/* A stretch of the message. */
typedef struct eddy_span {
    uint16_t at, n;
} eddy_span;

/* What decides whether people are called never becomes a variable; eddy_scan.polar has a bit for
 * each such word that the message holds, inflected forms as one. These levels stand at fixed bits;
 * two messages whose sets are not equal say different things. */
#define EDDY_POLAR_DEBUG    UINT64_C(1)
#define EDDY_POLAR_INFO     UINT64_C(2)
#define EDDY_POLAR_WARNING  UINT64_C(4)
#define EDDY_POLAR_ERROR    UINT64_C(8)
#define EDDY_POLAR_CRITICAL UINT64_C(16)
#define EDDY_POLAR_FATAL    UINT64_C(32)

/* A message as the miner sees it; in the arena, one block of 80 bytes, 13 for each word and 5 for
 * each variable. */
typedef struct eddy_scan {
    uint64_t signature; /* of all words and names; never 0; the same everywhere and for ever */
    uint64_t rest;      /* of the words that are not kept, and of the names */
    uint64_t gaps;      /* bit g: a variable stands before word g (behind the last: g is n) */
    uint64_t polar;
    const uint64_t *hashes;     /* (n) */
    const eddy_span *words;     /* (n) */
    const eddy_span *variables; /* (n_variables) by place; of runs all */
    const uint8_t *flags;       /* (n) eddy_word_flag */
    const uint8_t *before;      /* (n_variables) the word before which the variable stands */
    uint8_t n, n_variables;
} eddy_scan;

/* Scan one message.
 *
 *   message  UTF-8, but any bytes will do; borrowed, nothing in *ret points into it
 *   names    (n_names) what else makes it what it is: the exception classes of the lines that were
 *            joined to it, in their order; they enter the signature and never vary
 *   ret      in the arena
 *
 * EDDY_NOMEM  the arena is full
 * Cost: one pass, about 4 ns a byte. Any thread. */
EDDY_API eddy_status eddy_scan_message(eddy_str message, const eddy_str *names, size_t n_names,
                                       eddy_arena *arena, const eddy_scan **ret, eddy_error *err);

/* ---- the miner ---- */

typedef struct eddy_miner_options {
    uint32_t templates_max; /* signatures that stand for themselves, those merged into others
                               included; where more come, the longest unseen sixteenth fades; 64 to
                               1,048,576; 65,536 */
    uint32_t learning;      /* the last so many of them are what is learned from; at most a quarter
                               of templates_max counts; 4,096 */
} eddy_miner_options;

EDDY_API void eddy_miner_options_init(eddy_miner_options *options);

typedef struct eddy_miner eddy_miner;

/* EDDY_INVALID  an option is out of its range
 * EDDY_NOMEM    about 1.5 MB; more as templates come */
EDDY_API eddy_status eddy_miner_new(const eddy_miner_options *options, eddy_miner **ret,
                                    eddy_error *err);
EDDY_API void eddy_miner_free(eddy_miner *miner);

/* One line of the stream; all borrowed for the call. */
typedef struct eddy_line {
    const eddy_scan *scan; /* of this message */
    eddy_str message;
    int64_t time_ms;
} eddy_line;

typedef struct eddy_line_answer {
    uint64_t signature; /* of the line */
    uint64_t id;        /* id of its template at this moment; see EDDY_TEMPLATE_MERGED */
    uint32_t slot;      /* of that template: small, dense, kept while it lives, then given anew */
    int founded;        /* 1: it founded a template: that of its own signature, which may have been
                           merged into id at once, or a coarse one */
} eddy_line_answer;

/* Take n lines in stream order.
 *
 *   ret  (n) filled on EDDY_OK
 *
 * EDDY_INVALID  its records are still being loaded; nothing changed
 * EDDY_NOMEM    the miner is to be freed; where it stood its records tell
 * Cost: a look-up (about 30 ns) for a line of a known signature, 1 to 4 us for a new one. */
EDDY_API eddy_status eddy_miner_take(eddy_miner *miner, const eddy_line *lines, size_t n,
                                     eddy_line_answer *ret, eddy_error *err);

typedef enum eddy_template_change_kind {
    EDDY_TEMPLATE_FOUNDED, /* id is new */
    EDDY_TEMPLATE_MERGED,  /* id went into other, the older one, which lives on */
    EDDY_TEMPLATE_SPLIT,   /* id came out of other, by eddy_miner_close */
    EDDY_TEMPLATE_FADED    /* unseen for longest; should it come back it has its id again */
} eddy_template_change_kind;

EDDY_API const char *eddy_template_change_name(eddy_template_change_kind kind); /* "founded" ... */

typedef enum eddy_place_reason {
    EDDY_PLACE_NONE,
    EDDY_PLACE_WORDS,    /* so many words were seen at this place */
    EDDY_PLACE_VARIABLE, /* a variable and words were seen at this place */
    EDDY_PLACE_PAIR /* many words were seen at each of two places, the same pair seldom twice */
} eddy_place_reason;

EDDY_API const char *eddy_place_reason_name(eddy_place_reason reason); /* "none", "words" ... */

#define EDDY_PLACE_WORDS_MAX 16

typedef struct eddy_template_change {
    eddy_template_change_kind kind;
    uint64_t line;   /* lines taken before it: number of the line that did it */
    int64_t time_ms; /* of that line */
    uint64_t id, other;
    uint32_t slot, other_slot;
    /* MERGED, SPLIT: the evidence. "Word 4 took 6 values: admin, oracle, ..." */
    eddy_place_reason reason;
    uint64_t place; /* see eddy_miner_close */
    uint32_t word;  /* number of the word in the text of other, from 0; of a pair, the first */
    uint32_t n_words;
    eddy_str words[EDDY_PLACE_WORDS_MAX]; /* seen there; of a pair, the first of each */
} eddy_template_change;

/* What happened during the last call of take or close, in order. *ret and its strings stay valid
 * until the next call of either. Returns how many. */
EDDY_API size_t eddy_miner_changes(const eddy_miner *miner, const eddy_template_change **ret);

/* Take back what a place has merged: it will never again be one where words vary, and what only it
 * held together comes apart (SPLIT, for each part but the oldest). Lines of signatures that it
 * absorbed stay counted with the template that is told as `other`.
 *
 * EDDY_INVALID  no such place is open, or 4,096 were closed already; nothing changed
 * EDDY_NOMEM    as for take */
EDDY_API eddy_status eddy_miner_close(eddy_miner *miner, uint64_t place, eddy_error *err);

/* ---- templates ---- */

#define EDDY_TEMPLATE_NAME 17

typedef struct eddy_template {
    uint64_t id;
    char name[EDDY_TEMPLATE_NAME]; /* of id: "t1-" and 13 digits of base 32 */
    uint32_t slot;
    eddy_str text;  /* for people: what varies as "<*>" */
    eddy_str words; /* for embedding: the same without that */
    uint64_t count; /* lines; of one that was merged, until then and by its own signature since */
    int64_t first_ms, last_ms; /* least and greatest time of them */
    uint64_t merged_into;      /* 0: it stands for itself */
    uint32_t n_merged;         /* signatures merged into it that are still known */
    uint64_t polar;            /* as of its first line */
    uint64_t value;            /* see eddy_miner_value_set */
    int coarse; /* 1: founded in a flood: all lines with these first words and so many in all */
} eddy_template;

/* ret (EDDY_TEMPLATE_NAME) */
EDDY_API void eddy_template_name(uint64_t id, char *ret);
/* 0: it is no name. */
EDDY_API uint64_t eddy_template_id(eddy_str name);

/* The picture of one template as it is now; strings in the arena.
 * EDDY_INVALID  no such template in memory; EDDY_NOMEM  the arena is full */
EDDY_API eddy_status eddy_miner_template(const eddy_miner *miner, uint64_t id, eddy_arena *arena,
                                         eddy_template *ret, eddy_error *err);
/* Ids of those that stand for themselves, oldest first, in the arena; at what they were merged into
 * the others can be asked for by id. */
EDDY_API eddy_status eddy_miner_templates(const eddy_miner *miner, eddy_arena *arena,
                                          const uint64_t **ret, size_t *n_ret, eddy_error *err);

/* A number that its owner attaches to a template: kept in its records, 0 in a new one. A merge
 * leaves both as they are.
 * EDDY_INVALID  no such template */
EDDY_API eddy_status eddy_miner_value_set(eddy_miner *miner, uint64_t id, uint64_t value,
                                          eddy_error *err);
/* Ids of the templates that stand for themselves and have this value, oldest first.
 * Cost: a look at each template. */
EDDY_API eddy_status eddy_miner_with_value(const eddy_miner *miner, uint64_t value,
                                           eddy_arena *arena, const uint64_t **ret, size_t *n_ret,
                                           eddy_error *err);
/* The value of the template in a slot that an answer or a change has just told. */
EDDY_API uint64_t eddy_miner_value(const eddy_miner *miner, uint32_t slot);

/* ---- parameters ---- */

typedef enum eddy_parameter_type {
    EDDY_PARAMETER_WORD, /* none of the others */
    EDDY_PARAMETER_NUMBER,
    EDDY_PARAMETER_HEX, /* digits of base 16, with 0x or at least eight */
    EDDY_PARAMETER_IP,  /* version 4 or 6 */
    EDDY_PARAMETER_MAC,
    EDDY_PARAMETER_UUID,
    EDDY_PARAMETER_TIME, /* a date, a time of day, or both */
    EDDY_PARAMETER_PATH,
    EDDY_PARAMETER_URL,
    EDDY_PARAMETER_HOST, /* names joined by dots */
    EDDY_PARAMETER_EMAIL
} eddy_parameter_type;

EDDY_API const char *eddy_parameter_name(eddy_parameter_type type); /* "word", "number" ... */

typedef struct eddy_parameter {
    eddy_span span; /* in the message */
    eddy_parameter_type type;
} eddy_parameter;

/* What varies in a message of this template, by place: variables, and words where others were seen.
 * EDDY_INVALID  no such template; EDDY_NOMEM  the arena is full */
EDDY_API eddy_status eddy_miner_parameters(const eddy_miner *miner, uint64_t id, eddy_str message,
                                           eddy_arena *arena, const eddy_parameter **ret,
                                           size_t *n_ret, eddy_error *err);

/* ---- what it has done ---- */

typedef struct eddy_miner_stats {
    uint64_t lines;
    uint64_t templates; /* that stand for themselves */
    uint64_t merged;    /* known signatures that were merged into them */
    uint64_t places;    /* open: words that were found to vary */
    uint64_t closed;    /* by eddy_miner_close */
    /* since the stream began */
    uint64_t founded, merges, absorbed; /* absorbed: lines of signatures that founded nothing */
    uint64_t faded;                     /* templates */
    uint64_t dropped;                   /* merged signatures, to make room */
    uint64_t flood_lines;               /* lines that found no template of their own in a flood */
    uint64_t floods;
    uint64_t places_max_hits; /* words that vary, but no more can be open */
    int flooded;              /* 1: right now */
    size_t bytes;             /* of memory */
} eddy_miner_stats;

EDDY_API void eddy_miner_stats_read(const eddy_miner *miner, eddy_miner_stats *ret);

/* ---- state: as that of a clusterer (eddy/engine.h), kinds 64 to 79 ---- */

#define EDDY_MINER_STATE_VERSION 1

EDDY_API eddy_status eddy_miner_records(eddy_miner *miner, eddy_arena *arena,
                                        const eddy_record **ret, size_t *n_ret, eddy_error *err);
EDDY_API void eddy_miner_renew(eddy_miner *miner, uint64_t key);
EDDY_API uint64_t eddy_miner_hash(const eddy_miner *miner);
EDDY_API uint64_t eddy_miner_fingerprint(const eddy_miner_options *options);
EDDY_API eddy_status eddy_miner_load(eddy_miner *miner, const eddy_record *record, eddy_error *err);
EDDY_API eddy_status eddy_miner_loaded(eddy_miner *miner, eddy_error *err);

#ifdef __cplusplus
}
#endif
#endif
