/* merge: which of many partitions is read next. Pure bookkeeping: no broker, no clock, no lock.
 *
 * Each partition is a lane. Its next message, once it is here, is the lane's head, and the head
 * with the lowest time goes first (equal times: the lane of the lowest rank). A lane without a head
 * holds up all others as long as it is known to have more, for an earlier message may yet come from
 * it; a lane that is read to the end of its log holds up nobody.
 *
 * That wait has a bound, wait_ms. It begins when a head would go and may not, so a reader that was
 * away costs no lane its turn. A lane that was waited for in vain holds up nobody until its next
 * head; what it then brings from before the messages that went meanwhile is counted as late.
 * Without a bound (below 0), and with an end for each lane, the order depends on the messages
 * alone: every merge of the same ones gives the same. */
#ifndef ED_SOURCE_MERGE_H
#define ED_SOURCE_MERGE_H

#include <eddy/error.h>

#define ED_LANE_NONE SIZE_MAX

struct ed_lane {
    uint64_t rank;        /* each lane its own */
    int64_t next;         /* everything below was taken in, as a head or as nothing */
    int64_t end;          /* nothing from here on is wanted; -1: there is no end */
    int64_t told;         /* where its log ends, as far as we were told; -1: we were not */
    int64_t head_ms;      /* time of the head */
    int64_t since_ms;     /* waited for since then; -1: the wait has not begun */
    int64_t late_ms;      /* a head of a time below this is late */
    size_t before, after; /* among those that are waited for; ED_LANE_NONE: none */
    enum ed_lane_state {
        ED_LANE_IDLE,     /* no head, and none is known to come */
        ED_LANE_HEAD,     /* in the heap */
        ED_LANE_AWAITED,  /* no head yet; the others wait */
        ED_LANE_GIVEN_UP, /* no head yet; they did wait */
        ED_LANE_ENDED     /* its end is reached, and no head is left */
    } state;
    int at_end; /* 1: since its last message we were told that there is nothing more */
};

struct ed_merge {
    struct ed_lane *lanes; /* (n) */
    size_t *heap;          /* (n_heads) lanes */
    size_t n, room, n_heads, n_ended;
    size_t first, last; /* of those that are waited for, the longest first */
    int wait_ms;        /* below 0: for ever */
    int64_t highest_ms; /* of the messages that went */
    uint64_t late;
};

void ed_merge_init(struct ed_merge *m, int wait_ms);
void ed_merge_clear(struct ed_merge *m);
/* One more lane, the ret-th: from next on; end and told may be -1. EDDY_NOMEM. */
eddy_status ed_merge_add(struct ed_merge *m, uint64_t rank, int64_t next, int64_t end, int64_t told,
                         size_t *ret, eddy_error *err);

/* A message of the lane is here. Not while it has a head.
 *
 * Returns 1: it is the lane's head now; 0: it is not wanted, being from below next (it came twice)
 * or from beyond the end. */
int ed_merge_head(struct ed_merge *m, size_t lane, int64_t offset, int64_t time_ms);
/* The end of the lane's log when the broker was last asked; it grows. */
void ed_merge_told(struct ed_merge *m, size_t lane, int64_t log_end);
/* The broker has given everything below offset; what of it did not come were control records, or
 * messages that were aborted or compacted away. In a transaction's midst that may be short of the
 * end. */
void ed_merge_reached(struct ed_merge *m, size_t lane, int64_t offset);
/* Everything below offset is gone: the lane goes on there. Gives how many messages that are at
 * most; those beyond its end do not count. */
uint64_t ed_merge_skip(struct ed_merge *m, size_t lane, int64_t offset);

/* Which lane's head goes now; it has none then, until ed_merge_head. ED_LANE_NONE: none may go yet;
 * *wait_ms (may be NULL) is then how long at most until that changes by itself, -1: it does not. */
size_t ed_merge_next(struct ed_merge *m, int64_t now_ms, int64_t *wait_ms);
/* 1: all lanes have come to their ends, and no head is left. */
int ed_merge_ended(const struct ed_merge *m);
/* How many messages of the lane are known to be there and have not gone, counted by offsets; -1:
 * not known. */
int64_t ed_lane_behind(const struct ed_lane *lane);

#endif
