/* Operations in tests: done or refused, and what must hold after any of them. */
#ifndef EDDY_TEST_ENGINE_OPERATING_H
#define EDDY_TEST_ENGINE_OPERATING_H

#include "engine_state.h"

#include "engine/operations.h"

static inline eddy_outcome apply(eddy_clusterer *cl, eddy_operation op)
{
    eddy_outcome out;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_apply(cl, &op, &out, &err), &err);
    return out;
}

/* Applied, or the test has failed. */
static inline eddy_outcome done(eddy_clusterer *cl, eddy_operation op)
{
    eddy_outcome out = apply(cl, op);
    if (out.refusal)
        fail_msg("kind %d: %s", (int)op.kind, eddy_refusal_name(out.refusal));
    return out;
}

/* Refused for that reason, and without a trace. */
static inline void refused(eddy_clusterer *cl, eddy_operation op, eddy_refusal why)
{
    uint64_t hash = ed_state_hash(cl);
    eddy_engine_stats before, after;
    eddy_clusterer_stats(cl, &before);
    eddy_outcome out = apply(cl, op);
    eddy_clusterer_stats(cl, &after);
    assert_string_equal(eddy_refusal_name(out.refusal), eddy_refusal_name(why));
    assert_true(!out.number && !out.event && ed_state_hash(cl) == hash);
    assert_int_equal(after.refused[why], before.refused[why] + 1);
    const eddy_change *c;
    const eddy_event *p;
    assert_int_equal(eddy_clusterer_changes(cl, &c) + eddy_clusterer_pictures(cl, &p), 0);
}

/* Groups make up their events; documents are all there, but those that faded. */
static inline void mass_is_kept(const eddy_clusterer *cl, double faded)
{
    double all = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        const struct ed_event_state *ev = &cl->events[e];
        double docs = 0;
        double weight = 0;
        double sum = 0;
        for (uint32_t i = 0; ev->id && i < ev->n_groups; i++) {
            docs += cl->groups[ev->groups[i]].docs;
            weight += cl->groups[ev->groups[i]].weight;
            sum += (double)ed_group_sum(cl, ev->groups[i])[0];
            assert_int_equal(cl->groups[ev->groups[i]].event, e);
        }
        if (!ev->id)
            continue;
        assert_true(ev->n_groups && docs == ev->docs);
        assert_true(fabs(weight - ev->weight) <= 1e-6 * (weight + cl->weight_now));
        assert_true(fabs(sum - (double)ed_event_sum(cl, e)[0]) < 1e-3 * (1 + weight));
        all += docs;
    }
    if (!(all == (double)cl->position - faded))
        fail_msg("%g documents of %g", all, (double)cl->position - faded);
}

/* Documents that faded in the last call. */
static inline double faded_now(const eddy_clusterer *cl)
{
    const eddy_change *c;
    size_t n = eddy_clusterer_changes(cl, &c);
    double faded = 0;
    for (size_t i = 0; i < n; i++)
        faded += c[i].kind == EDDY_FADED ? c[i].size_before : 0;
    return faded;
}

#endif
