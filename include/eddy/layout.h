/* eddy/layout.h: from the lines of a log to its records.
 *
 * A layout says where in a line the time, the level and the message are. It is learnt from the
 * first lines of an input without any configuration, never changes, and may be read with by any
 * number of threads. It knows plain text with a header that is the same on most lines, JSON
 * objects, logfmt, syslog (RFC 3164 and 5424), and what container runtimes put around a line
 * (docker, CRI, compose, kubectl); text without a header is a layout as well: there the message is
 * the line.
 *
 * A joiner puts the lines of one record together again: a stack trace belongs to what was logged.
 *
 * A log goes learn -> read, line by line -> joiner -> records. */
#ifndef EDDY_LAYOUT_H
#define EDDY_LAYOUT_H

#include <eddy/doc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- levels ---- */

/* How bad a program says it is. What other houses call notice is info, what they call critical,
 * alert, emergency, panic or severe fault is fatal. */
typedef enum eddy_level {
    EDDY_LEVEL_UNKNOWN = 0,
    EDDY_LEVEL_TRACE,
    EDDY_LEVEL_DEBUG,
    EDDY_LEVEL_INFO,
    EDDY_LEVEL_WARN,
    EDDY_LEVEL_ERROR,
    EDDY_LEVEL_FATAL,
    EDDY_LEVELS /* how many there are */
} eddy_level;

/* "unknown", "trace", "debug", "info", "warn", "error", "fatal"; never NULL. */
EDDY_API const char *eddy_level_name(eddy_level level);

/* ---- the layout ---- */

typedef struct eddy_layout eddy_layout;

/* As many lines as a layout is learnt from, blank ones not counted; more are not looked at. */
#define EDDY_LAYOUT_LINES 200

/* Recognise the format of these lines.
 *
 *   lines  (n) the first of an input, in order, without their newlines; any bytes; borrowed. Fewer
 *          do, and none give the layout in which the message is the line
 *
 * EDDY_NOMEM
 * Cost: a few hundred microseconds for 200 lines. Depends on the lines and on nothing else. */
EDDY_API eddy_status eddy_layout_learn(const eddy_str *lines, size_t n, eddy_layout **ret,
                                       eddy_error *err);
EDDY_API void eddy_layout_free(eddy_layout *layout);

/* One line for people: "time level [..] component: message", "cri json", "message"; forms that are
 * mixed in one input have an "or" between them. Borrowed from the layout, never NULL. */
EDDY_API const char *eddy_layout_describe(const eddy_layout *layout);

/* As bytes, for the journal; equal layouts give equal bytes.
 *
 *   save  ret is in the arena. EDDY_NOMEM
 *   load  EDDY_FORMAT: the bytes are of no layout, or of another version. EDDY_NOMEM */
EDDY_API eddy_status eddy_layout_save(const eddy_layout *layout, eddy_arena *arena, eddy_str *ret,
                                      eddy_error *err);
EDDY_API eddy_status eddy_layout_load(eddy_str bytes, eddy_layout **ret, eddy_error *err);

/* ---- one line ---- */

/* A line, taken apart. Strings point into the line, or into the arena where the line had escapes;
 * no 0 follows them. What the line does not tell is {NULL, 0}. */
typedef struct eddy_log_line {
    /* What the program wrote: without what container runtime or syslog put around it; of JSON and
     * logfmt the message. */
    eddy_str text;
    eddy_str message;   /* the end of text, behind the header; no blanks at its ends; empty where
                           it follows on the next line (the joiner's record has it) */
    eddy_str more;      /* of a line that is a message of several: the others; of JSON its stack
                           trace, or the further lines of its message */
    eddy_str component; /* logger, program, tag, service */
    eddy_str host, pid;
    /* Which of the interleaved streams of one input: the service of compose, the pod of kubectl,
     * "stdout" or "stderr". */
    eddy_str stream;
    int64_t time_ms;  /* Unix milliseconds; 0 without has_time */
    eddy_level level; /* unknown where the line does not tell */
    uint8_t has_time;
    uint8_t starts; /* 1: a record begins here; 0: it continues the one before */
    uint8_t raises; /* 1: it looks like the end of a stack trace, such as "KeyError: 17"; the joiner
                       knows whether there is one, or a record begins here */
    uint8_t partial; /* 1: the runtime cut the line here, and the next of its stream goes on */
    uint8_t fits;    /* 1: of this layout, or the continuation of a record */
    uint8_t time_unreadable; /* 1: whoever read it did not believe its time, which it has not now */
    eddy_str raw;            /* the whole line, as it was given */
} eddy_log_line;

/* Take one line apart. Any line is readable: where it is of another form the message is the line.
 *
 *   line     without its newline; any bytes, any length; borrowed. Should it hold newlines, its
 *            first line is what is taken apart, unless it is JSON
 *   near_ms  a time near that of the line (the Kafka timestamp, the last time of the stream): where
 *            the line lacks year or date they are those that bring it nearest; -1: not known, and
 *            such lines have no time. No zone is UTC
 *   arena    for strings with escapes, which only JSON, logfmt and docker's files have; NULL:
 *            they stay as they are written
 *   ret      filled on EDDY_OK
 *
 * EDDY_NOMEM  the arena is full
 * Cost: about 150 ns for a line of plain text. Any number of threads. */
EDDY_API eddy_status eddy_layout_read(const eddy_layout *layout, eddy_str line, int64_t near_ms,
                                      eddy_arena *arena, eddy_log_line *ret);

/* ---- does it still fit ---- */

/* Counts of the lines since a layout was learnt; the caller's, zero at first, kept in the journal
 * beside the layout. */
typedef struct eddy_layout_fit {
    uint32_t lines, misses;
} eddy_layout_fit;

/* Count a line. 0: over a fifth of EDDY_LAYOUT_LINES lines in a row did not fit: learn anew from
 * those that follow. Said at the last of these lines, and the counts begin again, so that it
 * depends on the lines and on nothing else. */
EDDY_API int eddy_layout_fits(eddy_layout_fit *fit, const eddy_log_line *line);

/* ---- records ---- */

#define EDDY_RECORD_LINES      256
#define EDDY_RECORD_BYTES      ((size_t)64 << 10)      /* of text ... */
#define EDDY_RECORD_RAW_BYTES  (4 * EDDY_RECORD_BYTES) /* ... and of the lines that it was in */
#define EDDY_RECORD_WAIT_MS    5000
#define EDDY_RECORD_EXCEPTIONS 16

/* A record: the line that begins it, and those that continue it. Everything belongs to the joiner
 * and lives until its next call. */
typedef struct eddy_log_record {
    eddy_str raw;       /* its lines as they were given, newlines between them: nothing is lost */
    eddy_str text;      /* its lines' texts, newlines between them */
    eddy_str message;   /* of the first line; of the one behind it where that is a header alone */
    eddy_str rest;      /* the other lines, and the stack trace of a JSON line */
    eddy_log_line line; /* the first as it was read, with copies of its strings; and the level that
                           the one behind it told */
    int32_t partition;
    uint64_t key;
    int64_t first, last; /* offsets of its first and last line */
    uint32_t n_lines;
    int continues; /* 1: the end of a record that was longer than the limits, or of one that began
                      before the input does; there is no line of its own that begins it */
    /* (n_exceptions) classes of exceptions that the rest names, in order, without repetition: with
     * the words of the first line they say what the record is about. */
    eddy_str exceptions[EDDY_RECORD_EXCEPTIONS];
    size_t n_exceptions;
} eddy_log_record;

typedef struct eddy_joiner eddy_joiner;

/* NULL: no memory. One owner thread. */
EDDY_API eddy_joiner *eddy_joiner_new(void);
EDDY_API void eddy_joiner_free(eddy_joiner *joiner);

/* Add a line. It continues the pending record of its partition, key and stream, or completes that
 * and begins one.
 *
 *   key     of the message, hashed; lines of different keys are never joined; 0: none
 *   offset  grows from line to line within a partition
 *   line    as eddy_layout_read gave it; copied
 *   now_ms  stream time
 *
 * A record is also complete at EDDY_RECORD_LINES lines, before it exceeds EDDY_RECORD_BYTES or
 * EDDY_RECORD_RAW_BYTES, and when more than 1,024 are pending (the one that waited longest). Those
 * complete wait in order for eddy_joiner_next.
 *
 * EDDY_INVALID  thousands of complete records wait to be taken; nothing changed
 * EDDY_NOMEM    the line is not in; records before it may have become complete
 * Cost: a copy of the line and of its bytes, held until the record is taken: at most 320 kB for
 * each of those pending. */
EDDY_API eddy_status eddy_joiner_add(eddy_joiner *joiner, int32_t partition, uint64_t key,
                                     int64_t offset, const eddy_log_line *line, int64_t now_ms,
                                     eddy_error *err);

/* Stream time is now now_ms: records to which nothing was added for EDDY_RECORD_WAIT_MS are
 * complete. Cheap while none is. */
EDDY_API void eddy_joiner_time(eddy_joiner *joiner, int64_t now_ms);
/* All records are complete: the input ended, or the caller will not wait. */
EDDY_API void eddy_joiner_flush(eddy_joiner *joiner);

/* The next record that is complete, in the order in which they were completed; NULL: none. */
EDDY_API const eddy_log_record *eddy_joiner_next(eddy_joiner *joiner);

/* The lowest offset of this partition that was added and is not in a record that eddy_joiner_next
 * gave: from there on the input must be read again after a restart. -1: there is none. */
EDDY_API int64_t eddy_joiner_oldest(const eddy_joiner *joiner, int32_t partition);

#ifdef __cplusplus
}
#endif
#endif
