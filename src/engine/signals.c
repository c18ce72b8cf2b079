/* Signals: bursts, silences and trends of events; sightings; and where a group has gone.
 *
 * What comes is counted with its group, in the bucket of stream time that is open. When stream time
 * passes a border, before the document at hand is assigned, the buckets of all events that something
 * came to are closed, by id. Others are not looked at: their empty buckets are closed in one go when
 * something comes again. So the cost of a border is that of what came, and a gap of days costs what
 * one of a minute does. Only events in a burst are passed at every border, and of silences the first
 * that may be due is known.
 *
 * A silence is counted in buckets in which the stream as a whole was heard: where nothing comes at
 * all, it is not the event that is silent.
 *
 * A burst belongs to an incident: of those that are kept the one whose first burst began nearest to
 * its own start, at most INCIDENT_SPAN buckets away; else to a new one.
 *
 *   rate   by slot of the event: its rate (rate.c), when its silence is due, incident, sightings
 *          when it was last pictured. Changes when a bucket closes in which something came, so at
 *          most once a minute and only with what came
 *   seen   by slot of the group: sightings, the last one, what came in which bucket, what had come
 *          lately. Short, because a line of a known template changes nothing else
 *   fold   by place: a group that was folded away, and the one it went into
 *
 * Evidence asked (c): half of the false alarms are for bursts, half for silences. */
#include "engine/record.h"
#include "engine/signals.h"

#define INCIDENT_SPAN 5
#define SHOWN_GROWTH  1.125
#define SEEN_MOST     0x1p53
#define TIME_MOST     (INT64_C(1) << 53)

static int is_on(const eddy_clusterer *cl)
{
    return cl->o.false_alarms > 0;
}

/* Buckets in which something came, from one end of time: what silences are counted in. */
static int64_t heard(const eddy_clusterer *cl, int64_t bucket)
{
    return bucket - (int64_t)cl->signals.unheard;
}

/* ---- room ---- */

int ed_signals_room(eddy_clusterer *cl, size_t old, size_t room)
{
    uint64_t **bits[] = {&cl->signals.stirred, &cl->signals.restless};
    for (int i = 0; i < 2; i++) {
        uint64_t *wide = ed_realloc(*bits[i], room / 64 * sizeof *wide);
        if (!wide)
            return 0;
        memset(wide + old / 64, 0, (room - old) / 64 * sizeof *wide);
        *bits[i] = wide;
    }
    return 1;
}

int ed_folds_room(eddy_clusterer *cl, size_t wanted)
{
    struct ed_folds *f = &cl->folds;
    if (wanted <= f->room)
        return 1;
    size_t room = f->room ? f->room * 2 : 64;
    room = room < wanted ? (wanted + 63) & ~(size_t)63 : room;
    struct ed_fold *wide = ed_realloc(f->at, room * sizeof *wide);
    if (!wide)
        return 0;
    memset(wide + f->room, 0, (room - f->room) * sizeof *wide);
    f->at = wide;
    if (!ed_marks_room(&cl->marks[ED_FOLD], room))
        return 0;
    f->room = (uint32_t)room;
    return 1;
}

void ed_signals_clear(eddy_clusterer *cl)
{
    ed_free(cl->signals.stirred);
    ed_free(cl->signals.restless);
    ed_free(cl->folds.at);
    ed_table_clear(&cl->folds.place);
    ed_table_clear(&cl->group_of);
}

uint64_t ed_signals_bytes(const eddy_clusterer *cl)
{
    return cl->room_events / 4 + cl->folds.room * (sizeof *cl->folds.at + 8) +
           (cl->folds.place.room + cl->group_of.room) * 16;
}

/* ---- bits ---- */

static void bit_set(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << i % 64;
}

static void bit_clear(uint64_t *bits, uint32_t i)
{
    bits[i / 64] &= ~(UINT64_C(1) << i % 64);
}

static int bit_is(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> i % 64 & 1;
}

/* After the rate of an event has changed. */
static void rate_changed(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (ev->rate.signal == EDDY_SIGNAL_BURST)
        bit_set(cl->signals.restless, slot);
    else
        bit_clear(cl->signals.restless, slot);
    if (!ev->rate.patience)
        ev->due = INT64_MAX;
    cl->signals.due = ev->due < cl->signals.due ? ev->due : cl->signals.due;
    ed_mark(cl, ED_RATE, slot);
}

/* ---- what comes ---- */

/* What had come to a group lately when the open bucket began. */
static double recent_of(const eddy_clusterer *cl, const struct ed_group *g)
{
    int64_t bucket = cl->signals.bucket;
    if (g->bucket == bucket || g->bucket == INT64_MIN)
        return (double)g->recent;
    return ((double)g->recent + g->open) * ed_rate_fade(bucket - g->bucket);
}

static double open_of(const eddy_clusterer *cl, const struct ed_group *g)
{
    return g->bucket == cl->signals.bucket ? g->open : 0;
}

/* So much more came to a group, and had come before. */
static void group_add(const eddy_clusterer *cl, struct ed_group *g, double open, double recent)
{
    g->recent = (float)(recent_of(cl, g) + recent);
    g->open = open_of(cl, g) + open;
    g->bucket = cl->signals.bucket;
}

void ed_signals_came(eddy_clusterer *cl, uint32_t group, double n)
{
    struct ed_group *g = &cl->groups[group];
    bit_set(cl->signals.stirred, g->event);
    if (!is_on(cl))
        return;
    group_add(cl, g, n, 0);
    ed_mark(cl, ED_SEEN, group);
}

static double came_in(const eddy_clusterer *cl, const struct ed_event_state *ev, int64_t bucket)
{
    double n = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        n += g->bucket == bucket ? g->open : 0;
    }
    return n;
}

double ed_signals_seen(const eddy_clusterer *cl, const struct ed_event_state *ev)
{
    double seen = 0;
    for (uint32_t i = 0; i < ev->n_groups && ev->heard_ms != INT64_MIN; i++)
        seen += cl->groups[ev->groups[i]].seen;
    return seen;
}

/* ---- incidents ---- */

/* The number of the one that a burst with this start belongs to. */
static uint64_t incident_of(eddy_clusterer *cl, int64_t start)
{
    struct ed_signals *s = &cl->signals;
    uint64_t first = s->incidents > INCIDENTS_KEPT ? s->incidents - INCIDENTS_KEPT + 1 : 1;
    uint64_t best = 0;
    int64_t least = INCIDENT_SPAN;
    for (uint64_t i = first; i <= s->incidents; i++) {
        int64_t began = s->start[i % INCIDENTS_KEPT];
        int64_t apart = began > start ? began - start : start - began;
        if (apart < least || (apart == least && !best)) {
            least = apart;
            best = i;
        }
    }
    if (best)
        return best;
    s->incidents++;
    s->start[s->incidents % INCIDENTS_KEPT] = start;
    return s->incidents;
}

/* ---- a border ---- */

static int tell(eddy_clusterer *cl, uint32_t slot, const struct ed_tell *what)
{
    struct ed_event_state *ev = &cl->events[slot];
    eddy_change *change = ed_change_add(cl, what->kind, slot);
    if (!change)
        return 0;
    change->start_ms = what->start * ED_BUCKET_MS;
    change->observed = what->observed;
    change->expected = what->expected;
    change->statistic = what->statistic;
    if (what->kind == EDDY_BURST)
        ev->incident = incident_of(cl, what->start);
    if (what->kind == EDDY_BURST || what->kind == EDDY_BURST_ENDED)
        change->incident = ev->incident;
    if (what->kind == EDDY_BURST_ENDED)
        ev->incident = 0;
    cl->stats.bursts += what->kind == EDDY_BURST;
    cl->stats.quiets += what->kind == EDDY_QUIET;
    cl->stats.trends += what->kind == EDDY_TREND;
    return 1;
}

/* The evidence asked of one event on one side. */
static double asked(const eddy_clusterer *cl)
{
    return 2.0 * cl->n_events * ED_BUCKETS_PER_DAY / cl->o.false_alarms;
}

/* The bucket `was` is over for this event, `now` is open. */
static eddy_status close_event(eddy_clusterer *cl, uint32_t slot, int64_t was, int64_t now,
                               eddy_error *err)
{
    struct ed_event_state *ev = &cl->events[slot];
    struct ed_tells tells = {.n = 0};
    double n = is_on(cl) ? came_in(cl, ev, was) : 0;
    if (n > 0) {
        ed_rate_close(&ev->rate, was, n, asked(cl), &tells);
        ev->due = heard(cl, now) + ev->rate.patience;
    }
    if (ev->rate.signal == EDDY_SIGNAL_BURST)
        ed_rate_pass(&ev->rate, now, &tells);
    else if (ev->rate.patience && heard(cl, now) >= ev->due)
        ed_rate_quiet(&ev->rate, now, &tells);
    if (is_on(cl))
        rate_changed(cl, slot);
    for (size_t i = 0; i < tells.n; i++)
        if (!tell(cl, slot, &tells.at[i]))
            return eddy_fail_nomem(err, "changes", sizeof(eddy_change));
    double seen = ed_signals_seen(cl, ev);
    int grown = seen > ev->shown && seen >= ev->shown * SHOWN_GROWTH;
    return tells.n || grown ? ed_picture_add(cl, slot, EDDY_ACTIVE, 0, err) : EDDY_OK;
}

struct due {
    uint64_t id;
    uint32_t slot;
};

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct due *)a)->id;
    uint64_t y = ((const struct due *)b)->id;
    return (x > y) - (x < y);
}

/* Events that the border is something to, by id; returns how many. Which silence is due next is
 * found anew where one may be due. */
static size_t due_events(eddy_clusterer *cl, int64_t now, struct due *list)
{
    struct ed_signals *s = &cl->signals;
    size_t n = 0;
    int silences = heard(cl, now) >= s->due;
    s->due = silences ? INT64_MAX : s->due;
    for (uint32_t w = 0; w * 64 < cl->slots.n; w++) {
        uint64_t bits = s->stirred[w] | s->restless[w];
        for (uint32_t e = w * 64; silences && e < cl->slots.n && e < w * 64 + 64; e++) {
            const struct ed_event_state *ev = &cl->events[e];
            if (ev->id && heard(cl, now) >= ev->due)
                bits |= UINT64_C(1) << e % 64;
            else if (ev->id)
                s->due = ev->due < s->due ? ev->due : s->due;
        }
        for (; bits; bits &= bits - 1) {
            uint32_t e = w * 64 + (uint32_t)__builtin_ctzll(bits);
            list[n++] = (struct due){cl->events[e].id, e};
        }
        s->stirred[w] = 0;
    }
    qsort(list, n, sizeof *list, by_id);
    return n;
}

eddy_status ed_signals_border(eddy_clusterer *cl, int64_t bucket, eddy_error *err)
{
    struct ed_signals *s = &cl->signals;
    int64_t was = s->bucket;
    struct due *list = ed_alloc((cl->n_events + 1) * sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "events", cl->n_events * sizeof *list);
    s->bucket = bucket;
    s->unheard += (uint64_t)(bucket - was - 1);
    size_t n = due_events(cl, bucket, list);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = close_event(cl, list[i].slot, was, bucket, err);
    ed_free(list);
    return st;
}

void ed_signals_begin(eddy_clusterer *cl)
{
    cl->signals.bucket = ed_bucket_of(cl->stream_ms);
    cl->signals.due = INT64_MAX;
}

/* ---- what comes and goes ---- */

void ed_event_begin(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ed_rate_begin(&ev->rate, cl->signals.bucket);
    ev->due = INT64_MAX;
    ev->heard_ms = INT64_MIN;
    ed_mark(cl, ED_RATE, slot);
}

void ed_event_end(eddy_clusterer *cl, uint32_t slot)
{
    bit_clear(cl->signals.stirred, slot);
    bit_clear(cl->signals.restless, slot);
    cl->events[slot].rate.signal = EDDY_SIGNAL_NONE;
    ed_mark(cl, ED_RATE, slot);
}

void ed_signals_gather(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ev->heard_ms = INT64_MIN;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        int64_t seen_ms = cl->groups[ev->groups[i]].seen_ms;
        ev->heard_ms = seen_ms > ev->heard_ms ? seen_ms : ev->heard_ms;
    }
}

/* The rate of an event joins another's, which takes over a burst that it is in. */
static void join(eddy_clusterer *cl, uint32_t into, struct ed_rate *rate, uint64_t incident)
{
    struct ed_event_state *ev = &cl->events[into];
    int calm = ev->rate.signal == EDDY_SIGNAL_NONE;
    ed_rate_settle(&ev->rate, cl->signals.bucket);
    ed_rate_join(&ev->rate, rate);
    if (calm && ev->rate.signal == EDDY_SIGNAL_BURST)
        ev->incident = incident;
    rate_changed(cl, into);
}

void ed_signals_merge(eddy_clusterer *cl, uint32_t into, uint32_t from)
{
    struct ed_event_state *a = &cl->events[into];
    struct ed_event_state *b = &cl->events[from];
    a->heard_ms = b->heard_ms > a->heard_ms ? b->heard_ms : a->heard_ms;
    if (bit_is(cl->signals.stirred, from))
        bit_set(cl->signals.stirred, into);
    if (!is_on(cl))
        return;
    ed_rate_settle(&b->rate, cl->signals.bucket);
    join(cl, into, &b->rate, b->incident);
}

/* The group's share of all documents and sightings of its event, and of those that came lately. */
static void shares(const eddy_clusterer *cl, uint32_t group, double *all, double *lately)
{
    const struct ed_event_state *ev = &cl->events[cl->groups[group].event];
    double sum = 0;
    double sum_lately = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        sum += g->docs + g->seen;
        sum_lately += recent_of(cl, g);
    }
    const struct ed_group *its = &cl->groups[group];
    *all = (its->docs + its->seen) / sum;
    *lately = sum_lately > 0 ? recent_of(cl, its) / sum_lately : *all;
}

void ed_signals_move(eddy_clusterer *cl, uint32_t group, uint32_t to)
{
    const struct ed_group *g = &cl->groups[group];
    struct ed_event_state *from = &cl->events[g->event];
    if (bit_is(cl->signals.stirred, g->event))
        bit_set(cl->signals.stirred, to);
    if (!is_on(cl))
        return;
    ed_rate_settle(&from->rate, cl->signals.bucket);
    if (from->n_groups == 1) {
        join(cl, to, &from->rate, from->incident);
        return;
    }
    double all, lately;
    struct ed_rate part;
    shares(cl, group, &all, &lately);
    ed_rate_part(&from->rate, all, lately, &part);
    join(cl, to, &part, 0);
    rate_changed(cl, g->event);
}

/* ---- groups ---- */

/* What came to b came to the group. */
static void group_take(eddy_clusterer *cl, uint32_t group, const struct ed_group *b)
{
    struct ed_group *a = &cl->groups[group];
    a->seen = fmin(a->seen + b->seen, SEEN_MOST);
    a->seen_ms = b->seen_ms > a->seen_ms ? b->seen_ms : a->seen_ms;
    if (is_on(cl))
        group_add(cl, a, open_of(cl, b), recent_of(cl, b));
    ed_mark(cl, ED_SEEN, group);
}

/* The group of this id is this one from now on. */
static int remember(eddy_clusterer *cl, uint64_t id, uint64_t into)
{
    struct ed_folds *f = &cl->folds;
    size_t n = f->n < FOLDS_MAX ? (size_t)f->n + 1 : FOLDS_MAX;
    if (!ed_folds_room(cl, n))
        return 0;
    uint32_t place = (uint32_t)(f->n % FOLDS_MAX);
    if (f->n >= FOLDS_MAX)
        ed_table_remove(&f->place, f->at[place].id);
    if (!ed_table_put(&f->place, id, place))
        return 0;
    f->at[place] = (struct ed_fold){id, into};
    f->n++;
    ed_mark(cl, ED_FOLD, place);
    return 1;
}

int ed_signals_fold(eddy_clusterer *cl, uint32_t into, uint32_t from)
{
    group_take(cl, into, &cl->groups[from]);
    return remember(cl, cl->groups[from].id, cl->groups[into].id);
}

int ed_signals_follow(eddy_clusterer *cl, const struct ed_group *gone, uint32_t into)
{
    group_take(cl, into, gone);
    bit_set(cl->signals.stirred, cl->groups[into].event);
    ed_signals_gather(cl, cl->groups[into].event);
    return remember(cl, gone->id, cl->groups[into].id);
}

/* Slot of the group that this one is in now; NONE. The lighter one goes into the heavier one, so the
 * way is short. */
static uint32_t group_now(const eddy_clusterer *cl, uint64_t id)
{
    const uint64_t *place = id ? ed_table_find(&cl->folds.place, id) : NULL;
    for (; place; place = ed_table_find(&cl->folds.place, id))
        id = cl->folds.at[*place].into;
    const uint64_t *slot = id ? ed_table_find(&cl->group_of, id) : NULL;
    return slot ? (uint32_t)*slot : NONE;
}

uint64_t eddy_clusterer_group_event(const eddy_clusterer *cl, uint64_t group, uint64_t *ret_group)
{
    uint32_t u = cl->load ? NONE : group_now(cl, group);
    if (ret_group)
        *ret_group = u == NONE ? 0 : cl->groups[u].id;
    return u == NONE ? 0 : cl->events[cl->groups[u].event].id;
}

eddy_status eddy_clusterer_seen(eddy_clusterer *cl, uint64_t group, uint64_t n, int64_t time_ms,
                                eddy_error *err)
{
    eddy_status st = ed_clusterer_ready(cl, err);
    if (st != EDDY_OK)
        return st;
    uint32_t u = group_now(cl, group);
    if (u == NONE)
        return eddy_fail(err, EDDY_INVALID, "group G%llu is not in memory",
                         (unsigned long long)group);
    if (!n || time_ms < -TIME_MOST || time_ms > TIME_MOST)
        return eddy_fail(err, EDDY_INVALID, "group G%llu: %llu sightings at %lld",
                         (unsigned long long)group, (unsigned long long)n, (long long)time_ms);
    ed_forget_told(cl);
    st = ed_stream_time(cl, time_ms, err);
    if (st != EDDY_OK) {
        cl->failed = 1;
        return st;
    }
    struct ed_group *g = &cl->groups[u];
    struct ed_event_state *ev = &cl->events[g->event];
    g->seen = fmin(g->seen + (double)n, SEEN_MOST);
    g->seen_ms = time_ms > g->seen_ms ? time_ms : g->seen_ms;
    ev->heard_ms = g->seen_ms > ev->heard_ms ? g->seen_ms : ev->heard_ms;
    ed_mark(cl, ED_SEEN, u);
    ed_signals_came(cl, u, (double)n);
    cl->stats.sightings += n;
    return EDDY_OK;
}

/* ---- looking in ---- */

const char *eddy_signal_name(eddy_signal signal)
{
    static const char *const names[] = {"none", "burst", "quiet"};
    return (size_t)signal < sizeof names / sizeof *names ? names[signal] : "unknown";
}

void ed_signals_picture(const eddy_clusterer *cl, uint32_t slot, eddy_event *ret)
{
    const struct ed_event_state *ev = &cl->events[slot];
    const struct ed_rate *r = &ev->rate;
    ret->seen = ev->docs + ed_signals_seen(cl, ev);
    ret->signal = r->signal;
    if (r->signal == EDDY_SIGNAL_BURST)
        ret->signal_ms = (r->bucket - (int64_t)r->since) * ED_BUCKET_MS;
    if (r->signal == EDDY_SIGNAL_QUIET)
        ret->signal_ms = r->bucket * ED_BUCKET_MS;
    ret->incident = ev->incident;
}

void ed_signals_shown(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    double seen = ed_signals_seen(cl, ev);
    if (seen > ev->shown || seen < ev->shown)
        ed_mark(cl, ED_RATE, slot);
    ev->shown = seen;
}

/* ---- records ---- */

size_t ed_rate_record_max(const eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    int some = ev->id && (is_on(cl) || ev->shown > 0);
    return some ? ED_RATE_MAX + 2 * ED_VARINT_MAX + ED_NUMBER_MAX : 0;
}

ed_out ed_rate_record_put(const eddy_clusterer *cl, ed_out at, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    at = ed_put_number(at, ev->shown);
    at = ed_put_varint(at, ev->incident);
    at = ed_rate_put(at, &ev->rate);
    return ev->rate.patience ? ed_put_signed(at, ev->due) : at;
}

void ed_rate_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    ev->shown = ed_get_number(u, 0, SEEN_MOST);
    ev->incident = ed_get_varint(u);
    ed_rate_get(u, &ev->rate);
    ev->due = ev->rate.patience ? ed_get_signed(u) : INT64_MAX;
}

size_t ed_seen_record_max(const eddy_clusterer *cl, uint32_t group)
{
    const struct ed_group *g = &cl->groups[group];
    return g->id && (g->seen > 0 || g->bucket != INT64_MIN) ? ED_SEEN_MAX : 0;
}

ed_out ed_seen_record_put(const eddy_clusterer *cl, ed_out at, uint32_t group)
{
    const struct ed_group *g = &cl->groups[group];
    at = ed_put_number(at, g->seen);
    if (g->seen > 0)
        at = ed_put_signed(at, g->seen_ms);
    *at++ = g->bucket != INT64_MIN;
    if (g->bucket == INT64_MIN)
        return at;
    at = ed_put_signed(at, g->bucket);
    at = ed_put_number(at, g->open);
    return ed_put_number(at, (double)g->recent);
}

void ed_seen_record_gone(eddy_clusterer *cl, uint32_t group)
{
    struct ed_group *g = &cl->groups[group];
    g->seen = g->open = 0;
    g->recent = 0;
    g->seen_ms = g->bucket = INT64_MIN;
}

void ed_seen_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t group)
{
    struct ed_group *g = &cl->groups[group];
    ed_seen_record_gone(cl, group);
    g->seen = ed_get_number(u, 0, SEEN_MOST);
    if (g->seen > 0)
        g->seen_ms = ed_get_signed(u);
    if (!ed_unpack_u8(u))
        return;
    g->bucket = ed_get_signed(u);
    g->open = ed_get_number(u, 0, SEEN_MOST * 2);
    g->recent = (float)ed_get_number(u, 0, SEEN_MOST * 256);
}

ed_out ed_signals_record_put(const eddy_clusterer *cl, ed_out at)
{
    const struct ed_signals *s = &cl->signals;
    const uint64_t counts[] = {cl->folds.n,      s->unheard,      s->incidents,
                               cl->stats.bursts, cl->stats.quiets, cl->stats.trends,
                               cl->stats.sightings};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        at = ed_put_varint(at, counts[i]);
    for (size_t i = 0; i < INCIDENTS_KEPT && s->incidents; i++)
        at = ed_put_signed(at, s->start[i]);
    return at;
}

void ed_signals_record_get(eddy_clusterer *cl, struct ed_unpack *u)
{
    struct ed_signals *s = &cl->signals;
    uint64_t *const counts[] = {&cl->folds.n,      &s->unheard,      &s->incidents,
                                &cl->stats.bursts, &cl->stats.quiets, &cl->stats.trends,
                                &cl->stats.sightings};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = ed_get_varint(u);
    for (size_t i = 0; i < INCIDENTS_KEPT && s->incidents; i++)
        s->start[i] = ed_get_signed(u);
    u->failed |= s->unheard > (uint64_t)TIME_MOST || cl->stream_ms < -TIME_MOST ||
                 cl->stream_ms > TIME_MOST;
    s->unheard = u->failed ? 0 : s->unheard;
}

/* ---- all is loaded ---- */

static eddy_status folds_fit(eddy_clusterer *cl, eddy_error *err)
{
    struct ed_folds *f = &cl->folds;
    uint64_t n = f->n < FOLDS_MAX ? f->n : FOLDS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const struct ed_fold *fold = &f->at[i];
        if (!fold->id || fold->id >= cl->next_group || !fold->into ||
            fold->into >= cl->next_group || ed_table_find(&cl->group_of, fold->id) ||
            ed_table_find(&f->place, fold->id))
            return ed_unfit(err, "fold", i);
        if (!ed_table_put(&f->place, fold->id, i))
            return eddy_fail_nomem(err, "state: folds", n * sizeof *fold);
    }
    /* Each was folded into what was folded later, if at all: ways end. */
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *next = ed_table_find(&f->place, f->at[i].into);
        uint64_t age = (f->n - 1 - i) % FOLDS_MAX;
        if (next && (f->n - 1 - *next) % FOLDS_MAX >= age)
            return ed_unfit(err, "fold", i);
    }
    return EDDY_OK;
}

static int rate_fits(const eddy_clusterer *cl, uint32_t slot)
{
    const struct ed_event_state *ev = &cl->events[slot];
    const struct ed_signals *s = &cl->signals;
    int has_incident = ev->rate.signal == EDDY_SIGNAL_BURST;
    return (cl->marks[ED_RATE].hash[slot] != 0) == (ed_rate_record_max(cl, slot) != 0) &&
           ev->rate.bucket <= s->bucket && (ev->incident != 0) == has_incident &&
           ev->incident <= s->incidents;
}

eddy_status ed_signals_fit(eddy_clusterer *cl, eddy_error *err)
{
    struct ed_signals *s = &cl->signals;
    ed_signals_begin(cl);
    for (uint32_t u = 0; u < cl->room_groups; u++) {
        const struct ed_group *g = &cl->groups[u];
        if (!g->id && cl->marks[ED_SEEN].hash[u])
            return ed_unfit(err, "what was seen, slot", u);
        if (!cl->marks[ED_SEEN].hash[u])
            ed_seen_record_gone(cl, u);
        if (!g->id)
            continue;
        if (g->bucket > s->bucket || g->seen_ms > cl->stream_ms)
            return ed_unfit(err, "what was seen of group", g->id);
        int stirs = g->bucket == s->bucket || (g->seen > 0 && !is_on(cl));
        if (stirs)
            bit_set(s->stirred, g->event);
    }
    for (uint32_t e = 0; e < cl->room_events; e++) {
        struct ed_event_state *ev = &cl->events[e];
        if (!ev->id && cl->marks[ED_RATE].hash[e])
            return ed_unfit(err, "a rate without its event, slot", e);
        if (!ev->id)
            continue;
        if (!cl->marks[ED_RATE].hash[e]) {
            ed_event_begin(cl, e);
            ev->shown = 0;
            ev->incident = 0;
        }
        ed_signals_gather(cl, e);
        if (!rate_fits(cl, e))
            return ed_unfit(err, "rate of event", ev->id);
        if (ev->rate.signal == EDDY_SIGNAL_BURST)
            bit_set(s->restless, e);
        s->due = ev->due < s->due ? ev->due : s->due;
    }
    return folds_fit(cl, err);
}
