/* merge: a heap of heads, and a line of those that are waited for, so that no step looks at every
 * lane. */
#include "source/merge.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

void ed_merge_init(struct ed_merge *m, int wait_ms)
{
    *m = (struct ed_merge){
        .first = ED_LANE_NONE, .last = ED_LANE_NONE, .wait_ms = wait_ms, .highest_ms = INT64_MIN};
}

void ed_merge_clear(struct ed_merge *m)
{
    ed_free(m->lanes);
    ed_free(m->heap);
    ed_merge_init(m, m->wait_ms);
}

/* ---- the heap ---- */

static int goes_before(const struct ed_merge *m, size_t a, size_t b)
{
    const struct ed_lane *x = &m->lanes[a], *y = &m->lanes[b];
    return x->head_ms != y->head_ms ? x->head_ms < y->head_ms : x->rank < y->rank;
}

static void heap_up(struct ed_merge *m, size_t place)
{
    size_t lane = m->heap[place];
    for (; place && goes_before(m, lane, m->heap[(place - 1) / 2]); place = (place - 1) / 2)
        m->heap[place] = m->heap[(place - 1) / 2];
    m->heap[place] = lane;
}

static void heap_down(struct ed_merge *m, size_t place)
{
    size_t lane = m->heap[place];
    for (size_t child; (child = 2 * place + 1) < m->n_heads; place = child) {
        if (child + 1 < m->n_heads && goes_before(m, m->heap[child + 1], m->heap[child]))
            child++;
        if (!goes_before(m, m->heap[child], lane))
            break;
        m->heap[place] = m->heap[child];
    }
    m->heap[place] = lane;
}

static size_t heap_pop(struct ed_merge *m)
{
    size_t lane = m->heap[0];
    if (--m->n_heads) {
        m->heap[0] = m->heap[m->n_heads];
        heap_down(m, 0);
    }
    return lane;
}

/* ---- the line of those that are waited for ---- */

static void line_join(struct ed_merge *m, size_t i)
{
    struct ed_lane *lane = &m->lanes[i];
    lane->since_ms = -1;
    lane->before = m->last;
    lane->after = ED_LANE_NONE;
    if (m->last != ED_LANE_NONE)
        m->lanes[m->last].after = i;
    else
        m->first = i;
    m->last = i;
}

static void line_leave(struct ed_merge *m, size_t i)
{
    struct ed_lane *lane = &m->lanes[i];
    if (lane->before != ED_LANE_NONE)
        m->lanes[lane->before].after = lane->after;
    else
        m->first = lane->after;
    if (lane->after != ED_LANE_NONE)
        m->lanes[lane->after].before = lane->before;
    else
        m->last = lane->before;
}

static void state_set(struct ed_merge *m, size_t i, enum ed_lane_state state)
{
    struct ed_lane *lane = &m->lanes[i];
    if (lane->state == state)
        return;
    if (lane->state == ED_LANE_AWAITED)
        line_leave(m, i);
    lane->state = state;
    if (state == ED_LANE_AWAITED)
        line_join(m, i);
    m->n_ended += state == ED_LANE_ENDED;
}

/* What a lane without a head is. One that was given up stays so while it has more. */
static void rest(struct ed_merge *m, size_t i)
{
    struct ed_lane *lane = &m->lanes[i];
    int more = lane->end >= 0 ? lane->next < lane->end : !lane->at_end && lane->next < lane->told;
    if (lane->end >= 0 && !more)
        state_set(m, i, ED_LANE_ENDED);
    else if (!more)
        state_set(m, i, ED_LANE_IDLE);
    else if (lane->state != ED_LANE_GIVEN_UP)
        state_set(m, i, ED_LANE_AWAITED);
}

/* ---- what comes in ---- */

static int widen(struct ed_merge *m)
{
    if (m->n < m->room)
        return 1;
    size_t room = m->room ? m->room * 2 : 16;
    struct ed_lane *lanes = ed_realloc(m->lanes, room * sizeof *lanes);
    if (!lanes)
        return 0;
    m->lanes = lanes;
    size_t *heap = ed_realloc(m->heap, room * sizeof *heap);
    if (!heap)
        return 0;
    m->heap = heap;
    m->room = room;
    return 1;
}

eddy_status ed_merge_add(struct ed_merge *m, uint64_t rank, int64_t next, int64_t end, int64_t told,
                         size_t *ret, eddy_error *err)
{
    if (!widen(m))
        return eddy_fail_nomem(err, "merge", (m->n + 1) * sizeof *m->lanes);
    *ret = m->n++;
    m->lanes[*ret] = (struct ed_lane){
        .rank = rank, .next = next, .end = end, .told = told, .late_ms = INT64_MIN};
    rest(m, *ret);
    return EDDY_OK;
}

int ed_merge_head(struct ed_merge *m, size_t i, int64_t offset, int64_t time_ms)
{
    struct ed_lane *lane = &m->lanes[i];
    if (offset < lane->next || lane->state == ED_LANE_ENDED)
        return 0;
    lane->at_end = 0;
    if (lane->end >= 0 && offset >= lane->end) {
        lane->next = lane->end; /* what was left was nothing */
        rest(m, i);
        return 0;
    }
    if (lane->state == ED_LANE_GIVEN_UP)
        lane->late_ms = m->highest_ms;
    lane->next = offset + 1;
    lane->head_ms = time_ms;
    state_set(m, i, ED_LANE_HEAD);
    m->heap[m->n_heads] = i;
    heap_up(m, m->n_heads++);
    return 1;
}

void ed_merge_told(struct ed_merge *m, size_t i, int64_t log_end)
{
    struct ed_lane *lane = &m->lanes[i];
    if (log_end <= lane->told)
        return;
    lane->told = log_end;
    if (lane->state == ED_LANE_IDLE)
        rest(m, i);
}

void ed_merge_reached(struct ed_merge *m, size_t i, int64_t offset)
{
    struct ed_lane *lane = &m->lanes[i];
    if (lane->state == ED_LANE_HEAD || lane->state == ED_LANE_ENDED)
        return;
    lane->next = lane->next > offset ? lane->next : offset;
    lane->told = lane->told > offset ? lane->told : offset;
    lane->at_end = 1;
    rest(m, i);
}

uint64_t ed_merge_skip(struct ed_merge *m, size_t i, int64_t offset)
{
    struct ed_lane *lane = &m->lanes[i];
    int64_t to = lane->end >= 0 && offset > lane->end ? lane->end : offset;
    if (to <= lane->next)
        return 0;
    uint64_t gone = (uint64_t)(to - lane->next);
    lane->next = to;
    lane->told = lane->told > to ? lane->told : to;
    if (lane->state != ED_LANE_HEAD)
        rest(m, i);
    return gone;
}

/* ---- what goes ---- */

/* A head would go but for the lanes in the line: give up those that were waited for long enough.
 * Gives how long the first of the others may still take. */
static int64_t line_shorten(struct ed_merge *m, int64_t now_ms)
{
    for (size_t i = m->last; i != ED_LANE_NONE && m->lanes[i].since_ms < 0; i = m->lanes[i].before)
        m->lanes[i].since_ms = now_ms;
    while (m->first != ED_LANE_NONE) {
        int64_t left = m->lanes[m->first].since_ms + m->wait_ms - now_ms;
        if (left > 0)
            return left;
        state_set(m, m->first, ED_LANE_GIVEN_UP);
    }
    return 0;
}

size_t ed_merge_next(struct ed_merge *m, int64_t now_ms, int64_t *wait_ms)
{
    int64_t left = -1;
    if (m->n_heads && m->first != ED_LANE_NONE && m->wait_ms >= 0)
        left = line_shorten(m, now_ms);
    if (wait_ms)
        *wait_ms = left;
    if (!m->n_heads || m->first != ED_LANE_NONE)
        return ED_LANE_NONE;

    size_t i = heap_pop(m);
    struct ed_lane *lane = &m->lanes[i];
    if (lane->head_ms < lane->late_ms)
        m->late++;
    else
        lane->late_ms = INT64_MIN; /* it has caught up */
    if (lane->head_ms > m->highest_ms)
        m->highest_ms = lane->head_ms;
    lane->state = ED_LANE_IDLE;
    rest(m, i);
    return i;
}

int ed_merge_ended(const struct ed_merge *m)
{
    return m->n_ended == m->n;
}

int64_t ed_lane_behind(const struct ed_lane *lane)
{
    int64_t to = lane->end >= 0 ? lane->end : lane->told;
    int64_t from = lane->next - (lane->state == ED_LANE_HEAD);
    return to < 0 ? -1 : to > from ? to - from : 0;
}
