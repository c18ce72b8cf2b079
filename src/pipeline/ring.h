/* ring: a bounded line of pointers between threads.
 *
 * Items go in at the end, or at a numbered place (so that several workers may finish out of order
 * and the next stage still gets 0, 1, 2 ...), and come out in order. Every wait has a bound. One
 * mutex and no other lock taken under it. */
#ifndef ED_PIPELINE_RING_H
#define ED_PIPELINE_RING_H

#include <eddy/error.h>

struct ed_ring;

enum ed_ring_answer {
    ED_RING_OK,
    ED_RING_LATE,  /* wait_ms passed; nothing happened */
    ED_RING_CLOSED /* stopped; or closed: no place to put, or nothing more to take */
};

/* A ring for at most room items (at least 1). EDDY_NOMEM. */
eddy_status ed_ring_new(size_t room, struct ed_ring **ret, eddy_error *err);
/* Items still inside are the caller's. */
void ed_ring_free(struct ed_ring *ring);

/* Put an item (not NULL) at the end, waiting at most wait_ms for room. */
enum ed_ring_answer ed_ring_push(struct ed_ring *ring, void *item, int wait_ms);
/* Give an item back that push has brought: it is the next one that is taken, as it is warm still.
 * There is room for it. Not of a ring that is filled by place. */
void ed_ring_give_back(struct ed_ring *ring, void *item);
/* Put an item at place number, counted from 0 and each used once. A ring is used with push or
 * with place, not both. */
enum ed_ring_answer ed_ring_place(struct ed_ring *ring, uint64_t number, void *item, int wait_ms);
/* Take the next item in order. */
enum ed_ring_answer ed_ring_pop(struct ed_ring *ring, void **ret, int wait_ms);
/* The same, where so many others stay inside. */
enum ed_ring_answer ed_ring_pop_leaving(struct ed_ring *ring, size_t others, void **ret,
                                        int wait_ms);

/* No item will follow: what is inside may still be taken. */
void ed_ring_close(struct ed_ring *ring);
/* Give up: every call returns ED_RING_CLOSED from now on. */
void ed_ring_stop(struct ed_ring *ring);
size_t ed_ring_count(struct ed_ring *ring);

#endif
