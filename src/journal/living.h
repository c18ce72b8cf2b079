/* living: which records of the state still count, and how far back in the log the oldest stands.
 *
 * Of a compacted topic the broker's cleaner reads everything that was written twice and copies what
 * still counts. That takes a core for seconds in every twenty at thousands of documents a second,
 * beside the same broker's answers. The writer knows better: of each key it knows when the last
 * record was written. When few of the records at the log's beginning still count, it has those
 * written anew, behind all others, and then the beginning is void and can be deleted at once, for
 * nothing.
 *
 * The log is cut into ages of an eighth of what it may span. A key belongs to the age in which it
 * was last written; an age without keys is void. Nothing else decides: who does not write a key
 * anew keeps its age, and all behind it, alive. */
#ifndef ED_JOURNAL_LIVING_H
#define ED_JOURNAL_LIVING_H

#include "base/table.h"

#include <eddy/engine.h>

/* Bytes that the log may span, or those of all that counts if they are more. */
#define ED_SPAN_LEAST ((uint64_t)64 << 20)

#define ED_AGES 64

struct ed_age {
    int64_t from;         /* offset: no record of it is before */
    uint64_t bytes, keys; /* written in it; and still of it */
};

struct ed_living {
    struct ed_table keys;
    struct ed_age ages[ED_AGES]; /* at number % ED_AGES */
    uint64_t oldest, newest;     /* numbers of ages */
    uint64_t bytes;              /* of all that counts */
    uint64_t fresh[2];           /* bytes that nobody asked for: now, and up to the last pass */
    uint64_t round;              /* calls of wanted */
    size_t cursor;               /* place in the table where the next one looks */
    uint64_t span_least;
    int lost; /* no memory: nothing is known any more, and nothing void */
};

void ed_living_clear(struct ed_living *l);
/* Nothing is known of a log that begins at this offset. */
void ed_living_begin(struct ed_living *l, int64_t from);
/* A record that stands behind what was passed last; a tombstone is the key's end. key is not 0. */
void ed_living_note(struct ed_living *l, const eddy_record *record);
/* An epoch is written: what comes now stands at this offset or behind it. */
void ed_living_pass(struct ed_living *l, int64_t offset);
/* No record that counts stands before this offset. */
int64_t ed_living_from(struct ed_living *l);
/* Keys to be written anew, so that the log's beginning becomes void: no more bytes than the last
 * epoch had of its own. They are asked for again when they have not come for a while.
 *
 *   ret  (room)
 *
 * Returns how many. */
size_t ed_living_wanted(struct ed_living *l, uint64_t *ret, size_t room);

#endif
