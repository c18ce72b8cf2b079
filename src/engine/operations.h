/* What was decided by others, and what it left behind: operations, links, holds, answers, undo.
 *
 * The structs are part of the state (state.h); this is what operate.c, judge.c, undo.c and links.c
 * do with them for each other and for repair. */
#ifndef ED_ENGINE_OPERATIONS_H
#define ED_ENGINE_OPERATIONS_H

#include "engine/state.h"

/* links.c; ints: 0 = no memory */
int ed_links_room(eddy_clusterer *cl, size_t wanted);
/* The link between two live events; NULL: none. */
const struct ed_link *ed_link_find(const eddy_clusterer *cl, uint64_t a, uint64_t b);
/* How much similarity it is worth. */
static inline double ed_link_strength(const eddy_clusterer *cl, uint32_t a, uint32_t b)
{
    if (!cl->events[a].n_links || !cl->events[b].n_links)
        return 0;
    const struct ed_link *link = ed_link_find(cl, cl->events[a].id, cl->events[b].id);
    return link ? link->strength : 0;
}
/* Of different kinds, or said to be apart for good: repair moves no group between them. */
static inline int ed_link_bars(const eddy_clusterer *cl, uint32_t a, uint32_t b)
{
    return cl->events[a].kind != cl->events[b].kind ||
           ed_link_strength(cl, a, b) <= -EDDY_LINK_FIRM;
}
/* Could so many more links be had, those of people not counted out? */
int ed_links_fit(const eddy_clusterer *cl, size_t more);
/* Put this link in place of the one between its events; of strength 0: none. There is room, or
 * others that a person has not made make it. */
int ed_link_put(eddy_clusterer *cl, struct ed_link link);
/* What is said of `from` is said of `to` too. */
int ed_links_copy(eddy_clusterer *cl, uint32_t to, uint32_t from);
/* What repair adds to the similarity of two events before it merges them: the strength of their
 * link, but of what no person said not more than COHESION allows; of different kinds so little
 * that nothing makes up for it. */
double ed_link_shift(const eddy_clusterer *cl, uint32_t a, uint32_t b);
/* No link of this event any more. */
void ed_links_drop(eddy_clusterer *cl, uint32_t slot);
/* Names, pins, links and redirects of an event that goes into another. */
int ed_links_merged(eddy_clusterer *cl, uint32_t into, uint32_t from);
int ed_redirects_room(eddy_clusterer *cl, size_t wanted);
static inline int ed_pinned(const eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_given *given = cl->events[slot].given;
    return given && given->pinned_by != EDDY_ONLINE;
}
/* All groups of an event stay together from now on, or until somebody of this rank says else. By a
 * person, or by others of at least the rank of an LLM. */
void ed_hold(eddy_clusterer *cl, uint32_t slot, uint64_t number, eddy_actor by);
/* Whoever of the highest rank holds the group; EDDY_ONLINE: nobody. */
static inline eddy_actor ed_held_by(const struct ed_group *g)
{
    return g->held[1] ? EDDY_PERSON : g->held[0] ? EDDY_LLM : EDDY_ONLINE;
}
/* Does somebody above this rank hold the two together, other than by operation `but`? */
static inline int ed_held_both(const struct ed_group *a, const struct ed_group *b, eddy_actor above,
                               uint64_t but)
{
    for (int k = 0; k < 2; k++)
        if ((k ? EDDY_PERSON : EDDY_LLM) > above && a->held[k] && a->held[k] == b->held[k] &&
            a->held[k] != but)
            return 1;
    return 0;
}
/* Must this group stay with others of its event? */
int ed_held(const eddy_clusterer *cl, uint32_t group);
/* No group is held by this operation any more. */
void ed_hold_release(eddy_clusterer *cl, uint64_t number);

/* operate.c: the ring, when there is none yet */
int ed_operations_room(eddy_clusterer *cl);
/* By whom and from what: may this actor not change the event? */
static inline int ed_pin_bars(const eddy_clusterer *cl, uint32_t slot, eddy_actor actor)
{
    return actor != EDDY_PERSON && ed_pinned(cl, slot);
}
static inline int ed_group_came(const eddy_clusterer *cl, uint32_t group, uint64_t number)
{
    return (int)(cl->groups[group].came >> number % OPERATIONS_KEPT & 1);
}
/* Would it part groups that somebody of higher rank wants together, if those (n) went out of the
 * event at slot? Holds of operation `but` do not count. */
int ed_hold_bars(const eddy_clusterer *cl, uint32_t slot, const uint32_t *leaving, size_t n,
                 eddy_actor actor, uint64_t but);
/* The change that is the point of an operation of one or two events. */
eddy_change *ed_operation_told(eddy_clusterer *cl, eddy_change_kind kind, uint32_t a, uint32_t b);
/* Groups (n) out of the event at `from` to that at `to`, or to a new one (NONE). */
eddy_status ed_groups_go(eddy_clusterer *cl, uint32_t from, uint32_t to, const uint32_t *groups,
                         size_t n, uint32_t *ret_slot, eddy_error *err);
/* judge.c: tau and steepness by the answers, from what was learned without them. */
void ed_judge_fit(eddy_clusterer *cl);
/* The ring, when there is none yet; 0: no memory. */
int ed_answers_room(eddy_clusterer *cl);
/* What an answer that is wrong with this probability adds to the similarity of its sides. */
double ed_answer_shift(const eddy_clusterer *cl, int same, double error);
/* There is room; what it says is fitted at once. */
void ed_answer_keep(eddy_clusterer *cl, struct ed_answer answer);
/* That of an operation; NULL: none (any more). */
struct ed_answer *ed_answer_find(const eddy_clusterer *cl, uint64_t operation);
/* It was not given. */
void ed_answer_void(eddy_clusterer *cl, struct ed_answer *answer);
/* Some groups (n) of an event, and the rest of them, each as a number that is not 0. */
void ed_sides_hash(const eddy_clusterer *cl, uint32_t slot, const uint32_t *groups, size_t n,
                   uint64_t ret[2]);
/* What was answered about the halves of an event: up to two operations, and their shift. */
struct ed_side_answers {
    uint64_t answers[2]; /* as in ed_link */
    double shift;
};
struct ed_side_answers ed_side_answered(const eddy_clusterer *cl, uint32_t slot,
                                        const uint64_t side[2]);
/* One event is about to go into another: what was answered about the two is about halves now. */
void ed_answers_merged(eddy_clusterer *cl, uint32_t into, uint32_t from);

/* undo.c: what speaks against it; and then do it. */
eddy_refusal ed_undo_premise(const eddy_clusterer *cl, const eddy_operation *op);
eddy_status ed_undo(eddy_clusterer *cl, const eddy_operation *op, uint64_t *ret_event,
                    eddy_error *err);
/* Nothing is known any more of where this operation's groups came from. */
void ed_operation_forget(eddy_clusterer *cl, const struct ed_operation *kept);

#endif
