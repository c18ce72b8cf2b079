/* Topics over events, and what events and topics are given: names, pins, descriptions.
 *
 * The structs are part of the state (state.h); this is what hierarchy.c, topics.c and describe.c do
 * with them for the rest. */
#ifndef ED_ENGINE_HIERARCHY_H
#define ED_ENGINE_HIERARCHY_H

#include "engine/state.h"

/* hierarchy.c: the part of a pass that is about topics. */
eddy_status ed_hierarchy(eddy_clusterer *cl, eddy_error *err);

/* topics.c; NONE or 0: no memory, or no such topic */
int ed_topics_room(eddy_clusterer *cl, size_t wanted);
void ed_topics_free(eddy_clusterer *cl);
uint32_t ed_topic_slot(const eddy_clusterer *cl, uint64_t id);
uint32_t ed_topic_new(eddy_clusterer *cl, int level);
/* Its last picture, and gone: into another, or (NONE) with its last event. */
eddy_status ed_topic_drop(eddy_clusterer *cl, uint32_t slot, uint32_t into, eddy_error *err);
/* Pictures of those that are due; of this one. */
eddy_status ed_topics_tell(eddy_clusterer *cl, eddy_error *err);
eddy_status ed_topic_tell(eddy_clusterer *cl, uint32_t slot, eddy_error *err);

/* describe.c; ints: 0 = no memory. What is given is copied. */
void ed_given_free(struct ed_given *given);
/* Put a copy over what is there, which owns its vector. */
int ed_given_keep(const eddy_clusterer *cl, struct ed_given *at, const struct ed_given *given);
/* The same where nothing given is NULL. */
int ed_given_put(const eddy_clusterer *cl, struct ed_given **at, const struct ed_given *given);
int ed_give(eddy_clusterer *cl, uint32_t slot, const struct ed_given *given);
/* Parts of one over those of another. */
void ed_given_name(struct ed_given *to, const struct ed_given *from);
void ed_given_pin(struct ed_given *to, const struct ed_given *from);
void ed_given_description(struct ed_given *to, const struct ed_given *from);
void ed_given_rename(struct ed_given *given, eddy_str name, eddy_actor by, uint64_t number);
/* The higher rank's parts live on; of equal rank, those of `into`. */
int ed_given_merged(const eddy_clusterer *cl, struct ed_given **into, const struct ed_given *from);
eddy_status ed_describe_check(const eddy_clusterer *cl, const eddy_operation *op, eddy_error *err);
eddy_refusal ed_describe_premise(const struct ed_given *given, const eddy_operation *op);
int ed_describe(const eddy_clusterer *cl, struct ed_given **at, const eddy_operation *op,
                uint64_t number);
/* Does anything still stand that this operation said? And take that back. */
int ed_described_by(const struct ed_given *given, uint64_t number);
int ed_describe_undo(const eddy_clusterer *cl, struct ed_given **at, const struct ed_given *before,
                     uint64_t number);

#endif
