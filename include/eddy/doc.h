/* eddy/doc.h: from the bytes of one message to a document.
 *
 * A parser is made once from the field paths, holds no other state, and may serve any number
 * of threads. A document and all that it points to live in the arena it was parsed into. */
#ifndef EDDY_DOC_H
#define EDDY_DOC_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- memory of a batch ---- */

/* An arena hands out memory that is given back all at once. One owner thread. */
typedef struct eddy_arena eddy_arena;

/* A new empty arena that will hold at most max_bytes (0: no ceiling). NULL: no memory. */
EDDY_API eddy_arena *eddy_arena_new(size_t max_bytes);
/* Forget everything in it, keep its largest block for the next batch. */
EDDY_API void eddy_arena_reset(eddy_arena *arena);
EDDY_API void eddy_arena_free(eddy_arena *arena);
/* Bytes handed out since the last reset. */
EDDY_API size_t eddy_arena_used(const eddy_arena *arena);

/* A run of UTF-8 bytes. at[n] is 0 as well, so it also serves as a C string. */
typedef struct eddy_str {
    const char *at; /* NULL only when n is 0 */
    size_t n;
} eddy_str;

/* ---- the document ---- */

#define EDDY_EXTRA_MAX 4 /* supplied views beside the dense one */

/* Where a message came from. For files, partition is the file's place on the command line and
 * offset the line number from 0. */
typedef struct eddy_position {
    const char *topic; /* topic or file name; lives as long as its source */
    int32_t partition;
    int64_t offset;
} eddy_position;

typedef enum eddy_time_from {
    EDDY_TIME_DOCUMENT, /* the field of the document */
    EDDY_TIME_BROKER,   /* the Kafka timestamp */
    EDDY_TIME_ARRIVAL   /* the clock of the reader */
} eddy_time_from;

typedef struct eddy_doc {
    eddy_str id;       /* 1 to 1,024 bytes: "TOPIC-PARTITION-OFFSET" where the message has none */
    eddy_str title;    /* cleaned; may be empty */
    eddy_str text;     /* cleaned; may be empty only when the title or a vector is not */
    eddy_str language; /* as given, at most 256 bytes; may be empty */
    eddy_str source;   /* as given, at most 256 bytes; may be empty */
    eddy_str group;    /* as given (tenant, service, shard key), at most 256 bytes; may be empty */
    eddy_str keyphrases; /* cleaned, joined by ", ", at most 2,000 bytes; may be empty */
    int64_t time_ms;     /* Unix milliseconds */
    eddy_time_from time_from;
    int time_unreadable;                /* 1: the time field was there but not used */
    const float *dense;                 /* (dense_dim) length 1, or NULL: to be embedded */
    const float *extra[EDDY_EXTRA_MAX]; /* (extra_dim[i]) length 1, or NULL: view missing */
    eddy_position position;
    int id_given; /* 1: the message has its id */
} eddy_doc;

/* A header of a message. value need not be UTF-8; at NULL: a header without a value. */
typedef struct eddy_header {
    const char *name;
    eddy_str value;
} eddy_header;

/* One message as a source hands it over; everything borrowed. */
typedef struct eddy_raw {
    const char *bytes; /* NULL: a tombstone */
    size_t n;
    const char *key; /* may be NULL */
    size_t n_key;
    int64_t broker_ms;  /* Kafka timestamp, or -1 */
    int64_t arrival_ms; /* the reader's clock */
    eddy_position position;
    const eddy_header *headers; /* (n_headers) they go with the message when it is rejected */
    size_t n_headers;
} eddy_raw;

/* Why a message cannot be a document. Each has a fixed code (eddy_reject_code) that goes into
 * the dead letter's eddy.error.code header. */
typedef enum eddy_reject {
    EDDY_ACCEPTED = 0,
    EDDY_REJECT_TOMBSTONE, /* null value */
    EDDY_REJECT_OVERSIZE,  /* larger than document_max; not looked into */
    EDDY_REJECT_UTF8,      /* not UTF-8 */
    EDDY_REJECT_JSON,      /* not JSON, or too deep, or a key twice, or a number or a NUL character
                              anywhere that no double or C string can hold */
    EDDY_REJECT_SHAPE,     /* JSON, but not an object; or a field of the wrong type or length */
    EDDY_REJECT_TEXT,      /* no text, no title and no vector, or nothing left after cleaning */
    EDDY_REJECT_VECTOR,    /* a supplied vector of the wrong length, not finite, or zero */
    EDDY_REJECT_REGISTRY,  /* Confluent wire format (magic byte 0 and a schema id) */
    EDDY_REJECT_EMBEDDING, /* the embeddings endpoint refuses the text, and takes others */
    EDDY_REJECTS           /* how many there are */
} eddy_reject;

/* "tombstone", "oversize", "invalid_utf8", "bad_json", "bad_shape", "no_text", "bad_vector",
 * "schema_registry", "not_embedded"; "accepted" for 0. */
EDDY_API const char *eddy_reject_code(eddy_reject reject);

/* ---- the parser ---- */

typedef enum eddy_format {
    EDDY_FORMAT_JSON,  /* one JSON object a message */
    EDDY_FORMAT_LINES, /* the message is the text */
    EDDY_FORMAT_LOGS   /* the message is a record of a log, for eddy/layout.h: only what holds of
                          every message is looked at; text is raw's own bytes, and there is no id */
} eddy_format;

/* Of a number in the time field. */
typedef enum eddy_time_unit {
    EDDY_UNIT_AUTO, /* by size: below 1e11 s, 1e14 ms, 1e17 us, else ns */
    EDDY_UNIT_S,
    EDDY_UNIT_MS,
    EDDY_UNIT_US,
    EDDY_UNIT_NS
} eddy_time_unit;

/* Field paths are JSON pointers (RFC 6901), NULL or "" = this field is not read. The strings are
 * copied by eddy_parser_new. */
typedef struct eddy_parse_options {
    eddy_format format;
    const char *id_path, *text_path, *title_path, *time_path;
    const char *language_path, *source_path, *group_path;
    const char *keyphrases_path; /* a string, or an array of strings */
    eddy_time_unit time_unit;
    const char *dense_path; /* vector supplied in the message */
    size_t dense_dim;
    size_t n_extra;
    const char *extra_path[EDDY_EXTRA_MAX];
    size_t extra_dim[EDDY_EXTRA_MAX];
    size_t document_max;  /* bytes; checked before anything is read */
    int64_t ahead_max_ms; /* a time this far beyond the broker's counts as unreadable: one document
                             from the year 9000 would let every event fade; 0: any is taken */
} eddy_parse_options;

typedef struct eddy_parser eddy_parser;

/* JSON, "/id", "/text", "/title", "/ts", "/lang", "/source", no group, no keyphrases, no vectors,
 * 1 MB. */
EDDY_API void eddy_parse_options_init(eddy_parse_options *options);

/* EDDY_INVALID  a path is no JSON pointer, a vector path has no dimension, there are too many extra
 *               vectors, or document_max is 0; the text names it */
EDDY_API eddy_status eddy_parser_new(const eddy_parse_options *options, eddy_parser **ret,
                                     eddy_error *err);
EDDY_API void eddy_parser_free(eddy_parser *parser);

/* Turn one message into a document in the arena.
 *
 *   raw     borrowed for the call; nothing in the document points into it, but the topic name
 *           (and the text of a log)
 *   ret     filled when *reject is EDDY_ACCEPTED
 *   reject  set on EDDY_OK: accepted, or why not
 *   detail  (n_detail) one sentence about a rejected message, without its text; may be NULL
 *
 * EDDY_NOMEM  the arena is at its ceiling; nothing was decided
 * Cost: linear in raw->n. Any number of threads, an arena for each. */
EDDY_API eddy_status eddy_parser_parse(const eddy_parser *parser, const eddy_raw *raw,
                                       eddy_arena *arena, eddy_doc *ret, eddy_reject *reject,
                                       char *detail, size_t n_detail, eddy_error *err);

/* What two deliveries of one document have in common, and nothing else has: a hash of its id, title
 * and text. The same id with another text is another document (an update). 0: it has no id of its
 * own, or no text to be known by. */
EDDY_API uint64_t eddy_doc_same(const eddy_doc *doc);

#ifdef __cplusplus
}
#endif
#endif
