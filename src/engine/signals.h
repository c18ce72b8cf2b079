/* Signals: what signals.c does for the rest of the engine, as documents and groups come and go.
 *
 * Counts of the open bucket stand with the groups, so that they go where the groups go; rates stand
 * with the events. */
#ifndef ED_ENGINE_SIGNALS_H
#define ED_ENGINE_SIGNALS_H

#include "engine/state.h"

/* 0: no memory */
int ed_signals_room(eddy_clusterer *cl, size_t old, size_t room);
int ed_folds_room(eddy_clusterer *cl, size_t wanted);
void ed_signals_clear(eddy_clusterer *cl);
uint64_t ed_signals_bytes(const eddy_clusterer *cl);

/* ---- time ---- */

/* The first document is at hand. */
void ed_signals_begin(eddy_clusterer *cl);
/* A border has been passed: bucket is the open one now. */
eddy_status ed_signals_border(eddy_clusterer *cl, int64_t bucket, eddy_error *err);
/* Stream time is time_ms, if that is later. */
static inline eddy_status ed_stream_time(eddy_clusterer *cl, int64_t time_ms, eddy_error *err)
{
    if (time_ms <= cl->stream_ms)
        return EDDY_OK;
    cl->stream_ms = time_ms;
    int64_t bucket = ed_bucket_of(time_ms);
    return bucket == cl->signals.bucket ? EDDY_OK : ed_signals_border(cl, bucket, err);
}

/* ---- what comes and goes ---- */

/* So much came to a group. */
void ed_signals_came(eddy_clusterer *cl, uint32_t group, double n);
void ed_event_begin(eddy_clusterer *cl, uint32_t slot);
void ed_event_end(eddy_clusterer *cl, uint32_t slot);
/* A group is about to go from its event to another; of all groups of an event (n_groups 1, or by
 * ed_signals_merge) the rate is the other's now. */
void ed_signals_move(eddy_clusterer *cl, uint32_t group, uint32_t to);
void ed_signals_merge(eddy_clusterer *cl, uint32_t into, uint32_t from);
/* A group has gone into another of its event. 0: no memory. */
int ed_signals_fold(eddy_clusterer *cl, uint32_t into, uint32_t from);
/* What was seen of a group that has just been dropped, its last document reassigned, is seen of the
 * group that it is in now. 0: no memory. */
int ed_signals_follow(eddy_clusterer *cl, const struct ed_group *gone, uint32_t into);
/* heard_ms, from the event's groups. */
void ed_signals_gather(eddy_clusterer *cl, uint32_t slot);

/* ---- looking in ---- */

/* Sightings of an event. */
double ed_signals_seen(const eddy_clusterer *cl, const struct ed_event_state *ev);
void ed_signals_picture(const eddy_clusterer *cl, uint32_t slot, eddy_event *ret);
/* The event was pictured. */
void ed_signals_shown(eddy_clusterer *cl, uint32_t slot);

/* ---- records ---- */

#define ED_SEEN_MAX (4 * ED_VARINT_MAX + 2 * ED_NUMBER_MAX + 8)
size_t ed_rate_record_max(const eddy_clusterer *cl, uint32_t slot);
ed_out ed_rate_record_put(const eddy_clusterer *cl, ed_out at, uint32_t slot);
void ed_rate_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot);
size_t ed_seen_record_max(const eddy_clusterer *cl, uint32_t group);
ed_out ed_seen_record_put(const eddy_clusterer *cl, ed_out at, uint32_t group);
void ed_seen_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t group);
void ed_seen_record_gone(eddy_clusterer *cl, uint32_t group);
/* Of the scalars, at most ED_SIGNALS_MAX. */
#define ED_SIGNALS_MAX ((4 + INCIDENTS_KEPT) * ED_VARINT_MAX)
ed_out ed_signals_record_put(const eddy_clusterer *cl, ed_out at);
void ed_signals_record_get(eddy_clusterer *cl, struct ed_unpack *u);
/* Stream time is loaded: the open bucket. */
eddy_status ed_signals_fit(eddy_clusterer *cl, eddy_error *err);

#endif
