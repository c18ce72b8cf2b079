/* Templates: the state of a miner, and what its files do to it.
 *
 * A node is a signature that founded a template; nodes that were merged share the root, which is
 * the oldest of them. A place is what is left of a signature when one word is taken out (or two),
 * or where a variable stands: so a word and a variable there have the same place. A closed place
 * counts the words that were seen there; an open one is where words vary.
 *
 * Laws:
 * - Closed places are what the nodes of the window (the last that were founded) say of them, in
 *   their order. So they are in no record, and whoever has the nodes has them.
 * - A signature that is no node belongs to the open place of its own that was opened first. What
 *   opens later never takes it away; so the cache of signatures may forget whatever it likes. */
#ifndef ED_ENGINE_TEMPLATES_H
#define ED_ENGINE_TEMPLATES_H

#include <eddy/templates.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/utf8.h"
#include "engine/record.h"

#include <stdlib.h>

#define CACHE_SETS     8192 /* of CACHE_WAYS signatures */
#define CACHE_WAYS     8
#define PLACE_MEMBERS  16 /* that a closed place keeps, and the most words that open one */
#define PAIR_WORDS_MIN 5  /* of a signature that has pairs, and ... */
#define PAIR_WORDS_MAX 24 /* ... the most */
#define KEYS_MAX       (2 * EDDY_SCAN_WORDS + PAIR_WORDS_MAX * (PAIR_WORDS_MAX - 1) / 2)
#define PLACES_MAX     65536  /* open ones */
#define WINDOW_PLACES  131072 /* that the nodes of the window have, all together */
#define STICKY_MAX     4096
#define LOOKS_MAX      64 /* lines of a template that are looked at for variables that vary */
#define LOOKS_MIN      8  /* before something is said not to vary */
#define PAGE_NODES     16 /* whose counts are one record */

enum ed_miner_kind {
    ED_MINER_SCALARS = 64,
    ED_MINER_NODE,     /* by slot: what never changes of it */
    ED_MINER_STANDING, /* by slot: what seldom changes */
    ED_MINER_COUNTS,   /* of PAGE_NODES slots */
    ED_MINER_PLACE,    /* by slot: open */
    ED_MINER_STICKY,   /* by number */
    ED_MINER_KINDS_END
};
#define ED_MINER_KINDS (ED_MINER_KINDS_END - ED_MINER_SCALARS)

/* The line that founded a node, in one block. */
struct ed_founder {
    uint64_t rest, polar, gaps;
    uint16_t n_text;
    uint8_t n, n_variables;
    uint64_t hashes[]; /* (n), then words, variables, flags, before as in eddy_scan, and the text */
};

struct ed_node {
    /* of each line */
    uint64_t id;          /* 0: free */
    uint64_t count, seen; /* seen: number of the last line */
    int64_t first_ms, last_ms;
    uint32_t root; /* slot; its own: it stands for itself */
    uint8_t looked;
    uint8_t coarse;
    /* of few */
    uint32_t next;   /* the next node of this root, in a ring */
    uint32_t places; /* the first open one of a root, NONE */
    uint64_t number; /* of its founding, from 1 */
    uint64_t value;
    uint64_t mask;    /* words of its text that vary */
    uint64_t changed; /* variables that do */
    struct ed_founder *founder;
};

struct ed_place {
    uint64_t key;   /* 0: free */
    uint64_t order; /* of its opening, from 1 */
    uint32_t root;
    uint32_t next; /* of the same root, NONE */
    uint8_t pair;
};

/* What the nodes of the window say of a place. A place of one of them is in the table alone. */
struct ed_closed {
    uint32_t n;        /* members with a word there, oldest first */
    uint32_t variable; /* the one that has a variable there, NONE */
    uint32_t members[PLACE_MEMBERS];
};

struct ed_cache_set {
    uint64_t keys[CACHE_WAYS]; /* 0: free */
    uint32_t used[CACHE_WAYS];
    uint32_t slots[CACHE_WAYS];
};

/* What the scalars claim about the rest, while records come. */
struct ed_miner_load {
    int scalars;
    uint32_t n_nodes, n_places, n_sticky;
    uint64_t things;
};

struct eddy_miner {
    eddy_miner_options o;
    uint64_t lines, next_number, next_order;
    struct ed_node *nodes; /* (room_nodes) */
    struct ed_slots slots;
    uint32_t room_nodes, n_nodes, n_coarse;
    size_t founder_bytes;       /* of all */
    struct ed_table slot_of;    /* id -> slot */
    struct ed_cache_set *cache; /* (CACHE_SETS) */

    /* the window: numbers from window_from on */
    uint32_t *window; /* (o.learning) slot by number, a ring; NONE: it learns nothing */
    uint64_t window_from;
    uint64_t window_places;
    struct ed_table closed_of; /* key -> place of closed, or one member: see closed_... */
    struct ed_closed *closed;  /* (room_closed) */
    uint32_t room_closed, n_closed, free_closed;

    struct ed_place *places; /* (room_places) */
    struct ed_slots place_slots;
    uint32_t room_places, n_places, n_pairs;
    struct ed_table place_of; /* key -> slot */
    uint64_t *sticky;         /* (n_sticky) keys */
    size_t n_sticky, room_sticky;
    struct ed_table is_sticky;

    /* the flood: of this block of lines, and of the one before */
    uint32_t block_lines, block_founded;
    uint8_t flooded;

    eddy_miner_stats stats; /* what counts since the beginning */
    eddy_template_change *changes;
    size_t n_changes, room_changes;
    eddy_arena *told; /* what the changes say */
    struct ed_marks marks[ED_MINER_KINDS];
    uint64_t hash_things;
    struct ed_miner_load *load; /* NULL: it may go on */
};

/* ---- a founder's parts ---- */

static inline size_t ed_founder_bytes(unsigned n, unsigned n_variables, size_t n_text)
{
    return sizeof(struct ed_founder) + n * (sizeof(uint64_t) + sizeof(eddy_span) + 1) +
           n_variables * (sizeof(eddy_span) + 1) + n_text;
}
static inline size_t ed_founder_size(const struct ed_founder *f)
{
    return ed_founder_bytes(f->n, f->n_variables, f->n_text);
}
static inline eddy_span *ed_founder_words(const struct ed_founder *f)
{
    return (eddy_span *)(f->hashes + f->n);
}
static inline eddy_span *ed_founder_variables(const struct ed_founder *f)
{
    return ed_founder_words(f) + f->n;
}
static inline uint8_t *ed_founder_flags(const struct ed_founder *f)
{
    return (uint8_t *)(ed_founder_variables(f) + f->n_variables);
}
static inline uint8_t *ed_founder_before(const struct ed_founder *f)
{
    return ed_founder_flags(f) + f->n;
}
static inline char *ed_founder_text(const struct ed_founder *f)
{
    return (char *)ed_founder_before(f) + f->n_variables;
}

static inline void ed_miner_mark(eddy_miner *m, enum ed_miner_kind kind, uint32_t number)
{
    struct ed_marks *marks = &m->marks[kind - ED_MINER_SCALARS];
    marks->dirty[number / 64] |= UINT64_C(1) << number % 64;
}

/* May it go on? */
eddy_status ed_miner_ready(const eddy_miner *m, eddy_error *err);

/* ---- templates_places.c ---- */

/* The places of one signature: of its words that may vary, of its variables, and of pairs. */
struct ed_keys {
    unsigned n;
    uint64_t key[KEYS_MAX];
    uint8_t word[KEYS_MAX];   /* the word, or the one before which the variable stands */
    uint8_t second[KEYS_MAX]; /* of a pair */
    uint8_t reason[KEYS_MAX]; /* EDDY_PLACE_WORDS: a word; VARIABLE: a variable; PAIR */
};

/* What keys are made of. */
struct ed_form {
    const uint64_t *hashes;
    const uint8_t *flags;
    uint64_t gaps, rest;
    unsigned n;
};
static inline struct ed_form ed_form_of(const struct ed_founder *f)
{
    return (struct ed_form){f->hashes, ed_founder_flags(f), f->gaps, f->rest, f->n};
}
void ed_keys_of(const struct ed_form *form, int pairs, struct ed_keys *ret);

/* The open place that a signature belongs to; NONE. */
uint32_t ed_place_of(const eddy_miner *m, const struct ed_form *form);
/* What a node just founded teaches; it may be merged by that. 0: no memory. */
int ed_learn(eddy_miner *m, uint32_t slot);
/* The window has moved on, or begins anew: what its nodes say, without opening anything. 0: no
 * memory. */
int ed_window_begin(eddy_miner *m);
static inline int ed_in_window(const eddy_miner *m, const struct ed_node *node)
{
    return node->number >= m->window_from;
}
void ed_place_drop(eddy_miner *m, uint32_t place);
int ed_places_room(eddy_miner *m, size_t wanted);

/* ---- templates_nodes.c ---- */

/* 0: no memory. */
int ed_nodes_room(eddy_miner *m, size_t wanted);
struct ed_founder *ed_founder_new(unsigned n, unsigned n_variables, size_t n_text);
/* A node of this id, founded by this line; NONE: no memory. */
uint32_t ed_node_new(eddy_miner *m, uint64_t id, const eddy_line *line);
/* Make room for more nodes by those that are unseen for longest. 0: no memory. */
int ed_nodes_fade(eddy_miner *m, int64_t time_ms);
/* All of root `from` go to root `into`. */
void ed_nodes_join(eddy_miner *m, uint32_t into, uint32_t from);
/* Rings of all roots anew. */
void ed_rings_make(eddy_miner *m);
void ed_miner_forget(eddy_miner *m);
/* A new change of this kind about the template in slot, at this line; NULL: no memory. */
eddy_template_change *ed_template_told(eddy_miner *m, eddy_template_change_kind kind, uint32_t slot,
                                       int64_t time_ms);

/* What was told is not any more. */
void ed_told_clear(eddy_miner *m);

/* ---- templates_close.c ---- */

/* Room for at least so many. 0: no memory. */
int ed_sticky_room(eddy_miner *m, size_t wanted);

/* ---- templates_text.c ---- */

/* The slot of a node; NONE, said. */
uint32_t ed_template_slot(const eddy_miner *m, uint64_t id, eddy_error *err);
/* Shown as it is, since it never varied and does not look like a value. */
int ed_variable_is_constant(const struct ed_node *node, unsigned variable);
/* Which words (bits) of a are not in b, word for word; *b_of (n of a) unless NULL tells where the
 * others are in b. */
uint64_t ed_words_unlike(const uint64_t *a, unsigned n_a, const uint64_t *b, unsigned n_b,
                         uint8_t *b_of);
/* A line of the template whose root this is: which of the variables that it shows vary? */
void ed_node_look(struct ed_node *node, const eddy_line *line);

#endif
