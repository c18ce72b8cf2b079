/* What goes out: messages, gathered in an epoch with the input positions that they answer and the
 * records of what they changed.
 *
 * publish fills an epoch, journal makes it visible; neither knows the other. One owner at a time.
 */
#ifndef ED_BASE_MESSAGE_H
#define ED_BASE_MESSAGE_H

#include <eddy/doc.h>
#include <eddy/engine.h>

/* ED_VECTORS: documents with their vectors, from processes that only embed to those with an engine.
 * ED_OPERATIONS: what people, programs and language models have decided, and what became of it.
 * ED_TEMPLATES: forms of log lines, each as it is now.
 * ED_ALERTS: what rules have made of changes, for those who are to be woken.
 * New ones go behind: heads tell lengths by these numbers. */
enum ed_topic {
    ED_ASSIGNMENTS,
    ED_EVENTS,
    ED_CHANGES,
    ED_DEAD,
    ED_VECTORS,
    ED_OPERATIONS,
    ED_TEMPLATES,
    ED_ALERTS,
    ED_TOPICS
};

/* Headers of a dead letter: Kafka Connect's, so that existing tools read them, and our own. */
#define ED_HEADER_DEAD_TOPIC     "__connect.errors.topic"
#define ED_HEADER_DEAD_PARTITION "__connect.errors.partition"
#define ED_HEADER_DEAD_OFFSET    "__connect.errors.offset"
#define ED_HEADER_DEAD_MESSAGE   "__connect.errors.exception.message"
#define ED_HEADER_DEAD_CODE      "eddy.error.code"
#define ED_HEADER_DEAD_SIZE      "eddy.value.size" /* of the whole value, when it was cut ... */
#define ED_HEADER_DEAD_HASH      "eddy.value.hash" /* ... with its FNV-1a, 64 bit, in hex */
#define ED_HEADER_DEAD_KEY_SIZE  "eddy.key.size"   /* likewise of the key */
#define ED_HEADER_DEAD_KEY_HASH  "eddy.key.hash"

/* Headers of a document with its vector; its value is the message as it came. */
#define ED_HEADER_VECTOR "eddy.vector" /* float32, little-endian; empty: the text gives none */
#define ED_HEADER_PHRASES                                                                          \
    "eddy.keyphrases"                      /* likewise, of its keyphrases; absent: they are off    \
                                            */
#define ED_HEADER_MODEL    "eddy.model"    /* what the vectors were made by and of, in hex */
#define ED_HEADER_POSITION "eddy.position" /* TOPIC/PARTITION/OFFSET of the input */

struct ed_message {
    enum ed_topic topic;
    eddy_str key;   /* may be empty */
    eddy_str value; /* at NULL: a tombstone */
    const eddy_header *headers;
    size_t n_headers;
    int64_t time_ms; /* the time it speaks of; see journal.h for what becomes of it */
    eddy_str source; /* ED_ASSIGNMENTS: whom the document is from, as it says itself, else its topic
                        or file; for those who look on, and sent nowhere */
};

/* Everything of one input partition below next has been answered. */
struct ed_offset {
    const char *topic; /* lives as long as the source */
    int32_t partition;
    int64_t next;
};

/* What became of the messages of a shard since it began; in = the sum of the others. */
struct ed_tally {
    uint64_t assigned, founded, filtered, dead;
};

/* How the shard stands after an epoch. With the records of all epochs and the offsets it is the
 * whole state. */
struct ed_mark {
    uint64_t epoch;           /* its number, from 1; 0: there was none yet. The journal's */
    uint64_t fingerprint;     /* of the engine's options and the model: two never mix */
    uint64_t hash;            /* eddy_clusterer_hash after it */
    uint64_t documents;       /* that the engine has seen */
    int64_t stream_ms;        /* stream time */
    uint64_t change_position; /* of the publisher */
    uint32_t change_index;
    uint32_t ended; /* 1: the source came to its end, and all was told */
    struct ed_tally tally;
};

struct ed_epoch {
    eddy_arena *arena; /* holds all that the messages and records point to */
    struct ed_message *messages;
    size_t n_messages, room_messages;
    struct ed_offset *offsets;
    size_t n_offsets, room_offsets;
    const eddy_record *records; /* (n_records) in the arena */
    size_t n_records;
    struct ed_mark mark;
    uint64_t *wanted; /* (n_wanted) keys of records, from a commit: what is to be among the records
                         of the next epoch in this place, changed or not. A reset leaves them */
    size_t n_wanted, room_wanted;
};

/* arena is borrowed for the life of the epoch. */
void ed_epoch_init(struct ed_epoch *epoch, eddy_arena *arena);
void ed_epoch_clear(struct ed_epoch *epoch);
/* Empty it for the next round, keeping its memory; the arena is the caller's. */
void ed_epoch_reset(struct ed_epoch *epoch);
/* A zeroed place for one more message; NULL: no memory. */
struct ed_message *ed_epoch_add(struct ed_epoch *epoch);
/* Raise the next offset of a partition to at least next. EDDY_NOMEM. */
eddy_status ed_epoch_answered(struct ed_epoch *epoch, const char *topic, int32_t partition,
                              int64_t next, eddy_error *err);

/* One epoch of two: next's messages go behind epoch's, its offsets raise epoch's, and the records
 * and the mark are next's. Both arenas hold it then. EDDY_NOMEM: it is half joined, for no commit.
 */
eddy_status ed_epoch_join(struct ed_epoch *epoch, const struct ed_epoch *next, eddy_error *err);

/* The value of the last header of that name: eddy's own come after the message's. {NULL, 0}: none.
 */
eddy_str ed_header_last(const eddy_header *headers, size_t n, const char *name);

/* A copy of raw, its key and its headers in the arena; only the topic name stays borrowed.
 * EDDY_NOMEM. */
eddy_status ed_raw_copy(eddy_arena *arena, const eddy_raw *raw, eddy_raw *ret, eddy_error *err);

#endif
