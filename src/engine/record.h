/* Records: what record.c, vocabulary.c, duplicates.c and load.c have in common. */
#ifndef ED_ENGINE_RECORD_H
#define ED_ENGINE_RECORD_H

#include "engine/state.h"
#include "engine/wire.h"

#define ED_NUMBER_BITS 56

static inline uint64_t ed_record_key(enum ed_kind kind, uint64_t number)
{
    return (uint64_t)kind << ED_NUMBER_BITS | number;
}

/* Never 0: that is the hash of what is not there. */
static inline uint64_t ed_record_hash(uint64_t key, const void *value, size_t n)
{
    uint64_t h = ed_hash_bulk(ed_mix64(key), value, n);
    return h ? h : 1;
}

/* ---- writing ---- */

/* Records on their way into the caller's arena. Nothing of the clusterer is changed before all are
 * there. */
struct ed_recorder {
    eddy_arena *arena;
    ed_out at, end;       /* free bytes of the chunk at hand */
    size_t chunk;         /* size of the next one */
    eddy_record *records; /* (n) */
    uint64_t *hash;       /* (n) of marked things; 0: gone */
    size_t n, room;
};

/* Room for n bytes; NULL: the arena is full. */
ed_out ed_recorder_reserve(struct ed_recorder *r, size_t n);
/* What was written from r->at up to `end` is the value of key; 0: the arena is full. */
int ed_recorder_add(struct ed_recorder *r, uint64_t key, ed_out end, uint64_t hash);
/* There is no such thing any more. */
int ed_recorder_remove(struct ed_recorder *r, uint64_t key);

/* ---- the words ---- */

/* How the vocabulary stands when these records are written. */
struct ed_words_plan {
    uint64_t counts; /* with the changed words */
    uint64_t sequence, oldest, rotation;
    uint32_t cursor;
    int64_t debt;
    uint32_t page, n_pages; /* first page written, and how many */
    uint16_t *parts;        /* (n_pages) */
};

uint64_t ed_words_counts(const struct ed_vocabulary *v);
/* This record is to be written, or void, soon. */
void ed_words_renew(eddy_clusterer *cl, enum ed_kind kind, uint64_t number);
/* 0: the arena is full. */
int ed_words_record(const eddy_clusterer *cl, struct ed_recorder *r, struct ed_words_plan *plan);
void ed_words_recorded(eddy_clusterer *cl, const struct ed_words_plan *plan);

/* ---- the window ---- */

/* Values of ED_WINDOW and ED_PLACE by slot; at most so many bytes, 0: not there. */
size_t ed_window_record_max(const eddy_clusterer *cl, uint32_t slot);
ed_out ed_window_record_put(const eddy_clusterer *cl, ed_out at, uint32_t slot);
size_t ed_place_record_max(const eddy_clusterer *cl, uint32_t slot);
ed_out ed_place_record_put(const eddy_clusterer *cl, ed_out at, uint32_t slot);
/* There is room (ed_window_room). 0: no memory. */
int ed_window_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot);
void ed_place_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot);
void ed_place_record_gone(eddy_clusterer *cl, uint32_t slot);
/* All is loaded; groups: id -> slot. Returns the slot that does not fit the rest; NONE: all do. */
uint32_t ed_window_fit(eddy_clusterer *cl, const struct ed_table *groups);

/* ---- what operations say ---- */

/* Values of ED_ANSWER, ED_TOPIC and ED_TOPIC_OF, and what was given to an event or a topic:
 * nothing, or 1 and all of it; at most so many bytes. There is room. 0: no memory. */
ed_out ed_answer_record_put(ed_out at, const struct ed_answer *answer);
int ed_answer_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t i);
ed_out ed_topic_record_put(const eddy_clusterer *cl, ed_out at, const struct ed_topic *topic);
int ed_topic_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot);
void ed_topic_of_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot);
ed_out ed_given_record_put(const eddy_clusterer *cl, ed_out at, const struct ed_given *given);
size_t ed_given_record_max(const eddy_clusterer *cl, const struct ed_given *given);
/* The vector, where there is one, is from the work arena: who keeps it, copies it. */
int ed_given_record_get(eddy_clusterer *cl, struct ed_unpack *u, struct ed_given *given);
/* All is loaded: do they fit the rest? */
eddy_status ed_answers_fit(const eddy_clusterer *cl, eddy_error *err);
eddy_status ed_topics_fit(eddy_clusterer *cl, eddy_error *err);

/* ---- what is recent ---- */

/* The window as it is when these records are written. */
struct ed_recent_plan {
    uint64_t oldest, from; /* the first page that stays, and the first that is written ... */
    uint64_t *hash;        /* ... (n) of them */
    size_t n;
};

/* 0: the arena is full; *things follows. */
int ed_recent_record(const eddy_clusterer *cl, struct ed_recorder *rec, uint64_t *things,
                     struct ed_recent_plan *plan);
void ed_recent_recorded(eddy_clusterer *cl, const struct ed_recent_plan *plan);
/* This page is to be recorded. */
void ed_recent_renew(eddy_clusterer *cl, uint64_t page);
/* Sum of the hashes of all pages, computed anew. */
uint64_t ed_recent_hash(const eddy_clusterer *cl);

/* ---- loading ---- */

/* What is known while records come. Those of the words and of what is recent are kept as they are,
 * the last of each key, and read when all are there. */
struct ed_load {
    struct ed_table words, recent; /* key -> struct ed_load_value * */
    /* The scalars' claims about the rest. */
    int scalars;
    uint32_t n_slots, n_events, n_groups, n_links, n_redirects;
    uint64_t n_words, counts, spellings, things;
};

/* What does not fit the rest. */
static inline eddy_status ed_unfit(eddy_error *err, const char *what, uint64_t number)
{
    return eddy_fail(err, EDDY_FORMAT, "state: %s %llu does not fit the rest", what,
                     (unsigned long long)number);
}
static inline eddy_actor ed_get_actor(struct ed_unpack *u)
{
    uint8_t actor = ed_unpack_u8(u);
    u->failed |= actor > EDDY_PERSON;
    return u->failed ? EDDY_ONLINE : (eddy_actor)actor;
}

#define COUNT_MOST 0x1p53

struct ed_load_value {
    size_t n;
    char at[];
};

eddy_status ed_words_loaded(eddy_clusterer *cl, eddy_error *err);
/* The sum of its hashes is added to *things. */
eddy_status ed_recent_loaded(eddy_clusterer *cl, uint64_t *things, eddy_error *err);

#endif
