/* positions: where each partition is, and which offsets may be committed. Pure bookkeeping: no
 * broker, no lock.
 *
 * A partition comes and goes with rebalances. Answers to what was read before it went may come in
 * when it is somebody else's, or ours again after somebody else has got further. So a done offset
 * counts only between the first message that was read since the partition was gained and the last
 * one: a commit never goes backwards, and never beyond what this owner has read.
 *
 * A reader first takes messages from its queue, then asks here whether they are to be handed on. If
 * the partition went and came back in between, a message of the first time would pass for one of
 * the second, and those before it, which come again, for read: they would be lost. So each read
 * notes the generation in which it began, and partitions are gained only when none is under way
 * that began in an older one. Tried and left: to compare when the message is handed on. A read
 * that waits across the gain may bring messages of either time, and nothing tells which. */
#ifndef ED_SOURCE_POSITIONS_H
#define ED_SOURCE_POSITIONS_H

#include <eddy/error.h>

enum ed_holding {
    ED_FOREIGN, /* somebody else's */
    ED_OWNED,
    ED_LEAVING /* asked back: no more is read, answers still count */
};

struct ed_place {
    const char *topic; /* borrowed */
    int32_t partition;
    enum ed_holding holding;
    size_t reader;
    int64_t first, read; /* first offset read since it was gained, and the one after the last; -1 */
    int64_t done;        /* everything below is answered; -1 */
    int64_t sent;        /* last offset that was given to commit; -1 */
    int64_t end;         /* messages from here on are not wanted; -1: all are */
    int64_t reached;     /* the broker has said that we have all below this; -1 */
    int ended;           /* it has come to its end */
};

struct ed_positions {
    struct ed_place *at; /* (n) */
    size_t n, room;
    size_t last; /* where the last one was found: neighbours in a queue are of one partition */
    uint64_t generation; /* grows with every wish to gain */
};

/* What a reader is about. Zero: no read is under way. */
struct ed_reading {
    uint64_t since; /* 1 more than the generation in which it began */
};

void ed_positions_clear(struct ed_positions *p);
/* NULL: not there. Valid until the next addition. */
struct ed_place *ed_positions_find(struct ed_positions *p, const char *topic, int32_t partition);
/* The same, adding a foreign one; topic is borrowed. NULL: no memory. */
struct ed_place *ed_positions_add(struct ed_positions *p, const char *topic, int32_t partition);
/* 1: there is something owned, and all of it has ended. */
int ed_positions_ended(const struct ed_positions *p);
/* 1: partitions that leave wait for answers. */
int ed_positions_wait(const struct ed_positions *p);

void ed_reading_begin(struct ed_reading *reading, const struct ed_positions *p);
void ed_reading_end(struct ed_reading *reading);
/* 1: it began before the generation of now, so what it brings may be of lost partitions. */
int ed_reading_is_old(const struct ed_reading *reading, const struct ed_positions *p);

/* Not while an old read is under way. */
void ed_place_gain(struct ed_place *place, size_t reader);
/* How much of it is known to be there and not read, when it ends at high (below 0: not known);
 * -1: not known. */
int64_t ed_place_behind(const struct ed_place *place, int64_t high);
/* 1: hand the message at offset on; 0: it is not ours, was read before, or lies beyond the end. */
int ed_place_take(struct ed_place *place, int64_t offset);
/* The broker has nothing below offset that was not read: the rest up to there are control records,
 * or was compacted away. In a transaction's midst that may be short of the end. */
void ed_place_reached(struct ed_place *place, int64_t offset);
/* Everything below next is answered. Passed over where it must not be committed. */
void ed_place_done(struct ed_place *place, int64_t next);
/* 1: done should be committed. */
int ed_place_due(const struct ed_place *place);

#endif
