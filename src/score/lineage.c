/* Lineage: four tables, each from an id to where it went.
 *
 *   merged  event -> the event it went into        a forest; the root lives on
 *   folded  group -> the group it went into        likewise
 *   home    group -> the event it was last put in
 *   apart   document -> the group it was last put in by itself
 *
 * A document is in the event that lives on of the home of the group that lives on of its group.
 * Ids are never reused: an event that merged takes no group afterwards, a group that was folded
 * moves no more. So the order of events does not matter but among the moves of one group and of one
 * document, and assignments may come before, between or after the changes: the first of them only
 * founds the home of a group that no change has spoken of.
 *
 * Chains of a million merges are walked once: each walk points all it passed at the root. */
#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"

#include <eddy/score.h>

#include <inttypes.h>

struct eddy_lineage {
    struct ed_table merged, folded, home, apart;
};

eddy_status eddy_lineage_new(eddy_lineage **ret, eddy_error *err)
{
    eddy_lineage *lineage = ed_alloc_zero(1, sizeof *lineage);
    if (!lineage)
        return eddy_fail_nomem(err, "lineage", sizeof *lineage);
    ed_table_init(&lineage->merged);
    ed_table_init(&lineage->folded);
    ed_table_init(&lineage->home);
    ed_table_init(&lineage->apart);
    *ret = lineage;
    return EDDY_OK;
}

void eddy_lineage_free(eddy_lineage *lineage)
{
    if (!lineage)
        return;
    ed_table_clear(&lineage->merged);
    ed_table_clear(&lineage->folded);
    ed_table_clear(&lineage->home);
    ed_table_clear(&lineage->apart);
    ed_free(lineage);
}

/* Where id ends up; every id on the way points there afterwards. */
static uint64_t root(struct ed_table *forest, uint64_t id)
{
    uint64_t end = id;
    for (const uint64_t *next; (next = ed_table_find(forest, end));)
        end = *next;
    while (id != end) {
        uint64_t *next = ed_table_find(forest, id);
        id = *next;
        *next = end;
    }
    return end;
}

/* id went into other for good. Telling it again is fine while both end in the same place. */
static eddy_status join(struct ed_table *forest, const char *what, uint64_t id, uint64_t other,
                        eddy_error *err)
{
    if (!id || !other)
        return eddy_fail(err, EDDY_INVALID, "lineage: %s without both ids", what);
    uint64_t end = root(forest, other);
    if (ed_table_find(forest, id)) {
        if (root(forest, id) == end)
            return EDDY_OK;
        return eddy_fail(err, EDDY_INVALID,
                         "lineage: %s %" PRIu64 " goes into %" PRIu64 ", but went into %" PRIu64
                         " before",
                         what, id, other, root(forest, id));
    }
    if (end == id)
        return eddy_fail(err, EDDY_INVALID,
                         "lineage: %s %" PRIu64 " goes into %" PRIu64 ", which went into it", what,
                         id, other);
    if (!ed_table_put(forest, id, end))
        return eddy_fail_nomem(err, "lineage", forest->room * 4 * sizeof(uint64_t));
    return EDDY_OK;
}

/* The home of group; one that is known already stays unless the group moved. */
static eddy_status place(eddy_lineage *lineage, uint64_t group, uint64_t event, int moved,
                         eddy_error *err)
{
    uint64_t *home = ed_table_put(&lineage->home, group, event);
    if (!home)
        return eddy_fail_nomem(err, "lineage", lineage->home.room * 4 * sizeof(uint64_t));
    if (moved)
        *home = event;
    return EDDY_OK;
}

eddy_status eddy_lineage_assigned(eddy_lineage *lineage, uint64_t event, uint64_t group,
                                  eddy_error *err)
{
    return event && group ? place(lineage, group, event, 0, err) : EDDY_OK;
}

/* The group is told of by this change alone where it was new. */
static eddy_status put_apart(eddy_lineage *lineage, const eddy_change *change, eddy_error *err)
{
    uint64_t key = change->document + 1; /* not 0 */
    if (!change->into_group || !change->event || !key)
        return eddy_fail(err, EDDY_INVALID,
                         "lineage: a reassignment without its document, group or event");
    eddy_status st = place(lineage, change->into_group, change->event, 0, err);
    if (st != EDDY_OK)
        return st;
    uint64_t *group = ed_table_put(&lineage->apart, key, change->into_group);
    if (!group)
        return eddy_fail_nomem(err, "lineage", lineage->apart.room * 4 * sizeof(uint64_t));
    *group = change->into_group;
    return EDDY_OK;
}

eddy_status eddy_lineage_changed(eddy_lineage *lineage, const eddy_change *change, eddy_error *err)
{
    switch (change->kind) {
    case EDDY_MERGED: return join(&lineage->merged, "event", change->event, change->other, err);
    case EDDY_FOLDED:
        return join(&lineage->folded, "group", change->group, change->into_group, err);
    case EDDY_MOVED:
        if (!change->group || !change->event)
            return eddy_fail(err, EDDY_INVALID, "lineage: a move without its group or event");
        return place(lineage, change->group, change->event, 1, err);
    case EDDY_REASSIGNED: return put_apart(lineage, change, err);
    default: return EDDY_OK;
    }
}

uint64_t eddy_lineage_event(eddy_lineage *lineage, uint64_t event)
{
    return root(&lineage->merged, event);
}

uint64_t eddy_lineage_document(eddy_lineage *lineage, uint64_t document, uint64_t event,
                               uint64_t group)
{
    const uint64_t *apart = ed_table_find(&lineage->apart, document + 1);
    return eddy_lineage_now(lineage, event, apart ? *apart : group);
}

uint64_t eddy_lineage_now(eddy_lineage *lineage, uint64_t event, uint64_t group)
{
    const uint64_t *home = ed_table_find(&lineage->home, root(&lineage->folded, group));
    return root(&lineage->merged, home ? *home : event);
}
