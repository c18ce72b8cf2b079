/* Documents of the window by event: whose they are, which may be elsewhere, and what is done or
 * asked about it. */
#ifndef ED_ENGINE_MEMBERS_H
#define ED_ENGINE_MEMBERS_H

#include "engine/state.h"

/* members.c: documents of the window by event. */
struct ed_whereabouts {
    uint32_t *first; /* (slots.n) newest document of the event, NONE */
    uint32_t *next;  /* (window) the one before it */
};
/* One side of a comparison: an event, or some of its groups. */
struct ed_side {
    uint32_t event;
    const uint32_t *groups; /* (n_groups) slots; NULL: all */
    uint32_t n_groups;
    const float *sum; /* (stride) */
    double weight, docs;
};
eddy_status ed_whereabouts(const eddy_clusterer *cl, eddy_arena *arena, struct ed_whereabouts *ret,
                           eddy_error *err);
struct ed_side ed_side_of(const eddy_clusterer *cl, uint32_t event);
/* Mean similarity of the document to the others of the side, to which it belongs; shares (2 +
 * EDDY_EXTRA_MAX) of the views, unless NULL. To itself where it is alone. */
double ed_member_similarity(const eddy_clusterer *cl, const struct ed_document *doc,
                            const struct ed_side *side, float *shares);
/* The side's documents, of the newest `most`, by falling similarity; strings stay in the window's
 * records. */
eddy_status ed_members(const eddy_clusterer *cl, const struct ed_whereabouts *where,
                       const struct ed_side *side, size_t most, eddy_arena *arena,
                       eddy_member **ret, size_t *n_ret, eddy_error *err);
/* Strings of members (n) into the arena. */
eddy_status ed_members_keep(eddy_member *members, size_t n, eddy_arena *arena, eddy_error *err);
void ed_member_fill(const eddy_clusterer *cl, const struct ed_document *doc,
                    const struct ed_side *side, eddy_member *ret);

/* place.c: documents of the window that may be of another event, the least certain first, into ret
 * (n_max); returns how many. */
size_t ed_doubts_place(const eddy_clusterer *cl, size_t n_max, eddy_doubt *ret);
/* Where a document of the window that is in an event would be best if not there. */
void ed_rival_of(const eddy_clusterer *cl, const struct ed_document *doc, eddy_rival *ret);

/* doubts.c: eddy_clusterer_doubts; all 0: only those about events that have changed since they were
 * shown. */
eddy_status ed_doubts(const eddy_clusterer *cl, size_t n_max, int all, eddy_arena *arena,
                      const eddy_doubt **ret, size_t *n_ret, eddy_error *err);

/* reassign.c: a document and where it goes. */
struct ed_going {
    uint64_t position;
    uint32_t from, to; /* slots of events; to NONE: a new one, and the same as from: it stays */
    double similarity, required;
};
/* Tells the similarity too: to the documents there, or where it goes to a new event, to the others
 * of its own; whether that is enough is the caller's to say. */
eddy_refusal ed_reassign_premise(const eddy_clusterer *cl, eddy_actor actor,
                                 struct ed_going *going);
/* Put it there, on behalf of `by`; going->to is the slot then. */
eddy_status ed_reassign(eddy_clusterer *cl, struct ed_going *going, eddy_actor by, eddy_error *err);

#endif
