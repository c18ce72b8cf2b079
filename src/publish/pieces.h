/* Pieces of messages: what the writers of publish share. Small things are written alike everywhere:
 * a time, an id or a name of one kind always looks the same. */
#ifndef ED_PUBLISH_PIECES_H
#define ED_PUBLISH_PIECES_H

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "publish/publish.h"

#include <string.h>

#define LITERAL(s) ((eddy_str){(s), sizeof(s) - 1})

static inline eddy_status no_room(eddy_error *err, size_t n)
{
    return eddy_fail_nomem(err, "epoch", n);
}

/* ---- pieces of JSON ---- */

static inline void put_time(struct ed_bytes *b, const char *key, int64_t ms)
{
    char text[ED_TIME_TEXT];
    ed_time_text(ms, text);
    ed_json_key(b, key);
    ed_json_text(b, text, ED_TIME_TEXT - 1);
}

static inline void put_text(struct ed_bytes *b, const char *key, eddy_str s)
{
    ed_json_key(b, key);
    ed_json_text(b, s.at, s.n);
}

static inline void put_number(struct ed_bytes *b, const char *key, double x)
{
    ed_json_key(b, key);
    ed_json_number(b, x);
}

/* The engine's number among those of all shards. */
static inline uint64_t number_of(const struct ed_publisher *p, uint64_t id)
{
    return ed_id_outside(id, p->shard, p->n_shards);
}

/* Number of an event or a topic, and the letter before it. */
static inline uint64_t whose(const struct ed_publisher *p, uint64_t id, const char **letter)
{
    int is_topic = EDDY_IS_TOPIC(id);
    *letter = is_topic ? "T" : "E";
    return number_of(p, is_topic ? EDDY_TOPIC_NUMBER(id) : id);
}

/* An id, or null for 0. */
static inline void put_id(const struct ed_publisher *p, struct ed_bytes *b, const char *key,
                          const char *letters, uint64_t id)
{
    ed_json_key(b, key);
    if (id)
        ed_json_id(b, letters, number_of(p, id));
    else
        ed_json_null(b);
}

/* That of an event or a topic. */
static inline void put_whose(const struct ed_publisher *p, struct ed_bytes *b, const char *key,
                             uint64_t id)
{
    const char *letter;
    uint64_t number = whose(p, id, &letter);
    ed_json_key(b, key);
    if (id)
        ed_json_id(b, letter, number);
    else
        ed_json_null(b);
}

static inline void put_actor(struct ed_bytes *b, const char *key, eddy_actor actor)
{
    const char *name = eddy_actor_name(actor);
    ed_json_key(b, key);
    ed_json_text(b, name, strlen(name));
}

/* Where a document came from. */
static inline void put_source(struct ed_bytes *b, const eddy_position *position)
{
    ed_json_key(b, "source");
    ed_json_open(b, '{');
    ed_json_key(b, "topic");
    ed_json_text(b, position->topic, strlen(position->topic));
    ed_json_key(b, "partition");
    ed_json_integer(b, position->partition);
    ed_json_key(b, "offset");
    ed_json_integer(b, position->offset);
    ed_json_close(b, '}');
}

/* ---- strings of headers ---- */

static inline size_t append(char *at, const char *s, size_t n)
{
    memcpy(at, s, n);
    return n;
}

/* "TEXT-A-B" with separators of the caller; ids of messages are so short-lived and so many that
 * printf would be felt. */
static inline eddy_str joined(eddy_arena *arena, const char *text, const char *first, uint64_t a,
                              const char *second, uint64_t b)
{
    size_t n_text = strlen(text), n_first = strlen(first), n_second = strlen(second);
    char *at = ed_arena_alloc(arena, n_text + n_first + n_second + 41);
    if (!at)
        return (eddy_str){NULL, 0};
    size_t n = append(at, text, n_text);
    n += append(at + n, first, n_first);
    n += ed_json_digits(a, at + n);
    n += append(at + n, second, n_second);
    n += ed_json_digits(b, at + n);
    at[n] = 0;
    return (eddy_str){at, n};
}

static inline eddy_str id_of(const struct ed_publisher *p, eddy_arena *arena, uint64_t id)
{
    const char *letter;
    uint64_t number = whose(p, id, &letter);
    char text[22] = {letter[0]};
    return ed_arena_str(arena, text, 1 + ed_json_digits(number, text + 1));
}

/* ---- the envelope ---- */

/* What CloudEvents wants to know of a message. at of a string is NULL where memory was lost. */
struct envelope {
    enum ed_topic topic;
    eddy_str key, id, type;
    int64_t time_ms;
};

/* Take json (cleared in any case) into the epoch, with the headers of its envelope. */
eddy_status ed_publish_seal(const struct ed_publisher *p, struct ed_epoch *epoch,
                            const struct envelope *e, struct ed_bytes *json, eddy_error *err);
/* Likewise of an assignment, which tells whom its document is from. */
eddy_status ed_publish_seal_from(const struct ed_publisher *p, struct ed_epoch *epoch,
                                 const struct envelope *e, const eddy_doc *doc,
                                 struct ed_bytes *json, eddy_error *err);

#endif
