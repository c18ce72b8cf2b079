/* Alerts: one for a rule and what it is about, found by a hash of both.
 *
 * All that happens has a place in stream time; what is due by time is told before what happens at
 * that time or later. So the messages and their order do not depend on how documents came in
 * batches. (Of one millisecond a call's changes come before its pictures: there, batches show.)
 * A record is found again by its key, 56 bits of the same hash: two alerts of one key are so
 * unlikely that the second is taken for the first. */
#include "publish/alerts.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/pack.h"
#include "base/shelf.h"
#include "publish/pieces.h"

#include <math.h>

#define ALERT_KIND   96 /* of the records; number 0: how many messages there were */
#define NAME_KEPT    160
#define NEVER        INT64_MAX
#define KEY(hash)    ((uint64_t)ALERT_KIND << 56 | (hash) >> 8)
#define NUMBER_KEY   ((uint64_t)ALERT_KIND << 56)
#define LOST         UINT32_MAX /* the rule of an alert is no more */
#define IS_SIGNAL(k) ((k) == EDDY_BURST || (k) == EDDY_QUIET)

struct alert {
    uint64_t key, subject; /* of an event, or a template */
    uint32_t rule;
    uint8_t is_template, is_told;
    int16_t kind;                      /* that began it; -1: a picture */
    int64_t since_ms, held_ms, due_ms; /* began; ends by time; is to be told. NEVER */
    double size;
    uint8_t n_name, n_lost;
    char name[NAME_KEPT];    /* of what it is about, cut */
    char lost[ED_RULE_NAME]; /* the rule's name, where it is LOST */
};

struct ed_alerts {
    const struct ed_rule *rules; /* (n_rules) */
    size_t n_rules;
    struct ed_shelf active; /* struct alert */
    uint64_t *changed;      /* (n_changed) keys since the last records; may come twice */
    size_t n_changed, room_changed;
    uint64_t number; /* of messages */
    uint64_t refused;
    size_t n_lost;
    int64_t next_ms; /* nothing is due before */
};

/* What a call works on. */
struct round {
    struct ed_alerts *alerts;
    const struct ed_publisher *p;
    struct ed_epoch *epoch;
};

eddy_status ed_alerts_new(const struct ed_rule *rules, size_t n, struct ed_alerts **ret,
                          eddy_error *err)
{
    struct ed_alerts *alerts = ed_alloc_zero(1, sizeof *alerts);
    if (!alerts)
        return eddy_fail_nomem(err, "alerts", sizeof *alerts);
    alerts->rules = rules;
    alerts->n_rules = n;
    alerts->next_ms = NEVER;
    *ret = alerts;
    return EDDY_OK;
}

void ed_alerts_free(struct ed_alerts *alerts)
{
    if (!alerts)
        return;
    for (size_t i = 0; i < alerts->active.n; i++)
        ed_free(alerts->active.at[i]);
    ed_shelf_clear(&alerts->active);
    ed_free(alerts->changed);
    ed_free(alerts);
}

uint64_t ed_alerts_refused(const struct ed_alerts *alerts)
{
    return alerts->refused;
}

/* ---- the set of alerts ---- */

static uint64_t key_of(const char *rule, size_t n_rule, int is_template, uint64_t subject)
{
    uint64_t hash = ed_fnv1a(ED_FNV_BASIS, rule, n_rule);
    uint64_t key = KEY(ed_mix64(hash ^ ed_mix64(subject * 2 + (uint64_t)is_template)));
    return key == NUMBER_KEY ? key + 1 : key;
}

static struct alert *find(const struct ed_alerts *alerts, size_t rule, int is_template,
                          uint64_t subject)
{
    const char *name = alerts->rules[rule].name;
    return ed_shelf_find(&alerts->active, key_of(name, strlen(name), is_template, subject));
}

static eddy_status note(struct ed_alerts *alerts, uint64_t key, eddy_error *err)
{
    uint64_t *list = ed_list_room(alerts->changed, alerts->n_changed, &alerts->room_changed,
                                  sizeof *alerts->changed);
    if (!list)
        return eddy_fail_nomem(err, "alerts", alerts->n_changed * sizeof *list);
    alerts->changed = list;
    list[alerts->n_changed++] = key;
    return EDDY_OK;
}

/* A copy of from becomes one of the set. */
static eddy_status insert(struct ed_alerts *alerts, const struct alert *from, struct alert **ret,
                          eddy_error *err)
{
    struct alert *a = ed_alloc(sizeof *a);
    void *old = NULL;
    if (a)
        *a = *from;
    if (!a || !ed_shelf_put(&alerts->active, a, &old)) {
        ed_free(a);
        return eddy_fail_nomem(err, "alerts", alerts->active.n * sizeof *a);
    }
    ed_free(old);
    *ret = a;
    return EDDY_OK;
}

static void take_out(struct ed_alerts *alerts, const struct alert *a)
{
    alerts->n_lost -= a->rule == LOST;
    ed_free(ed_shelf_take(&alerts->active, a->key));
}

static int64_t wakes(const struct alert *a)
{
    return a->held_ms < a->due_ms ? a->held_ms : a->due_ms;
}

static void wake_by(struct ed_alerts *alerts, const struct alert *a)
{
    if (wakes(a) < alerts->next_ms)
        alerts->next_ms = wakes(a);
}

/* ---- messages ---- */

/* What is told, beside the alert. */
struct telling {
    const char *state, *reason;
    uint64_t from, into;        /* events; 0: none */
    const struct ed_seen *seen; /* NULL: as it was told last */
    int64_t time_ms;
};

static void put_seen(const struct round *r, struct ed_bytes *b, const struct ed_seen *seen)
{
    static const char *const names[ED_MEASURES] = {"size", "rate", "growth", "novelty"};
    for (int i = 0; i < ED_MEASURES; i++)
        if (!isnan(seen->measures[i]))
            put_number(b, names[i], seen->measures[i]);
    if (!seen->event)
        return;
    if (seen->event->topic)
        put_whose(r->p, b, "topic", seen->event->topic);
    ed_json_key(b, "keywords");
    ed_json_open(b, '[');
    for (uint32_t i = 0; i < seen->event->n_keywords && i < EDDY_KEYWORDS; i++)
        ed_json_text(b, seen->event->keywords[i].word.at, seen->event->keywords[i].word.n);
    ed_json_close(b, ']');
}

static eddy_str subject_of(const struct round *r, const struct alert *a)
{
    char name[EDDY_TEMPLATE_NAME];
    if (!a->is_template)
        return id_of(r->p, r->epoch->arena, a->subject);
    eddy_template_name(a->subject, name);
    return ed_arena_str(r->epoch->arena, name, strlen(name));
}

static void put_alert(const struct round *r, struct ed_bytes *b, const struct alert *a,
                      const struct telling *t, eddy_str id, eddy_str subject)
{
    const struct ed_rule *rule = a->rule == LOST ? NULL : &r->alerts->rules[a->rule];
    ed_json_open(b, '{');
    put_text(b, "id", id);
    put_text(b, "rule",
             rule ? (eddy_str){rule->name, strlen(rule->name)} : (eddy_str){a->lost, a->n_lost});
    if (rule)
        put_text(b, "severity", (eddy_str){rule->severity, strlen(rule->severity)});
    put_text(b, "state", (eddy_str){t->state, strlen(t->state)});
    ed_json_key(b, a->is_template ? "event" : "template");
    ed_json_null(b);
    put_text(b, a->is_template ? "template" : "event", subject);
    put_text(b, "reason", (eddy_str){t->reason, strlen(t->reason)});
    if (t->from)
        put_id(r->p, b, "from", "E", t->from);
    if (t->into)
        put_id(r->p, b, "into", "E", t->into);
    put_text(b, "name", t->seen ? t->seen->name : (eddy_str){a->name, a->n_name});
    if (t->seen)
        put_seen(r, b, t->seen);
    else if (a->size > 0)
        put_number(b, "size", a->size);
    put_time(b, "starts", a->since_ms);
    put_time(b, "time", t->time_ms);
    ed_json_close(b, '}');
}

static eddy_status tell(const struct round *r, struct alert *a, const struct telling *t,
                        eddy_error *err)
{
    eddy_arena *arena = r->epoch->arena;
    const char *of = r->p->n_shards > 1
                         ? ed_arena_printf(arena, "%s.%u", r->p->pipeline, r->p->shard).at
                         : r->p->pipeline;
    eddy_str subject = subject_of(r, a);
    if (!of || !subject.at)
        return no_room(err, 0);
    struct envelope e = {.topic = ED_ALERTS,
                         .key = subject,
                         .id = ed_arena_printf(arena, "%s-alert-%llu", of,
                                               (unsigned long long)(r->alerts->number + 1)),
                         .type = ed_arena_printf(arena, "eddy.alert.%s", t->state),
                         .time_ms = t->time_ms};
    struct ed_bytes b;
    if (!e.id.at)
        return no_room(err, 0);
    ed_bytes_init(&b, 0);
    put_alert(r, &b, a, t, e.id, subject);
    eddy_status st = ed_publish_seal(r->p, r->epoch, &e, &b, err);
    if (st == EDDY_OK)
        r->alerts->number++;
    return st == EDDY_OK ? note(r->alerts, NUMBER_KEY, err) : st;
}

/* ---- what becomes of an alert ---- */

static void name_keep(struct alert *a, const struct ed_seen *seen)
{
    size_t n = seen->name.n < NAME_KEPT ? seen->name.n : NAME_KEPT;
    while (n && n < seen->name.n && ((unsigned char)seen->name.at[n] & 0xc0) == 0x80)
        n--;
    if (n)
        memcpy(a->name, seen->name.at, n);
    a->n_name = (uint8_t)n;
    if (!isnan(seen->measures[ED_MEASURE_SIZE]))
        a->size = seen->measures[ED_MEASURE_SIZE];
}

/* It is as seen now: told, or in quiet hours at their end. */
static eddy_status fire(const struct round *r, struct alert *a, const struct telling *t,
                        eddy_error *err)
{
    int64_t quiet_until = ed_rule_quiet_until(&r->alerts->rules[a->rule], t->time_ms);
    eddy_status st = note(r->alerts, a->key, err);
    if (t->seen)
        name_keep(a, t->seen);
    if (quiet_until > t->time_ms) {
        a->due_ms = quiet_until;
    } else if (st == EDDY_OK) {
        a->is_told = 1;
        a->due_ms = NEVER;
        st = tell(r, a, t, err);
    }
    wake_by(r->alerts, a);
    return st;
}

/* Who was never told of its beginning is not told of its end. */
static eddy_status resolve(const struct round *r, struct alert *a, const char *reason,
                           uint64_t into, int64_t time_ms, eddy_error *err)
{
    const struct telling t = {
        .state = "resolved", .reason = reason, .into = into, .time_ms = time_ms};
    eddy_status st = note(r->alerts, a->key, err);
    if (st == EDDY_OK && a->is_told)
        st = tell(r, a, &t, err);
    take_out(r->alerts, a);
    return st;
}

/* The rule is met: a new alert, or one more word of it. since_ms: of a new one. */
static eddy_status raise(const struct round *r, size_t rule, int is_template, uint64_t subject,
                         int64_t since_ms, const struct telling *t, eddy_error *err)
{
    struct ed_alerts *alerts = r->alerts;
    const struct ed_rule *of = &alerts->rules[rule];
    struct alert *a = find(alerts, rule, is_template, subject);
    if (!a && alerts->active.n >= ED_ALERTS_MAX) {
        alerts->refused++;
        return EDDY_OK;
    }
    if (!a) {
        const struct alert fresh = {.key = key_of(of->name, strlen(of->name), is_template, subject),
                                    .subject = subject,
                                    .rule = (uint32_t)rule,
                                    .is_template = (uint8_t)is_template,
                                    .since_ms = since_ms,
                                    .due_ms = NEVER};
        eddy_status st = insert(alerts, &fresh, &a, err);
        if (st != EDDY_OK)
            return st;
    }
    a->kind = (int16_t)(t->seen ? t->seen->kind : -1);
    a->held_ms = of->hold_ms ? t->time_ms + of->hold_ms : NEVER;
    return fire(r, a, t, err);
}

/* ---- by time ---- */

static eddy_status wake(const struct round *r, struct alert *a, eddy_error *err)
{
    int64_t now = wakes(a);
    if (a->held_ms <= now)
        return resolve(r, a, "held", 0, now, err);
    const struct telling t = {.state = "firing", .reason = "quiet_hours", .time_ms = now};
    return fire(r, a, &t, err);
}

/* Rules that are no more: at the first thing that happens. Without any rule there is no topic to
 * tell it on: it waits for one. */
static eddy_status lost_end(const struct round *r, int64_t now, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = r->alerts->active.n; i > 0 && st == EDDY_OK && r->alerts->n_lost; i--) {
        struct alert *a = r->alerts->active.at[i - 1];
        if (a->rule == LOST)
            st = resolve(r, a, "rule", 0, now, err);
    }
    return st;
}

/* Nothing wakes it but the end of lost rules. */
static eddy_status lost_rest(struct alert *a)
{
    a->held_ms = a->due_ms = NEVER;
    return EDDY_OK;
}

/* Up to now, the earliest first. */
static eddy_status advance(const struct round *r, int64_t now, eddy_error *err)
{
    struct ed_alerts *alerts = r->alerts;
    eddy_status st = alerts->n_lost && alerts->n_rules ? lost_end(r, now, err) : EDDY_OK;
    while (st == EDDY_OK && alerts->next_ms <= now) {
        struct alert *first = NULL;
        for (size_t i = 0; i < alerts->active.n; i++) {
            struct alert *a = alerts->active.at[i];
            if (!first || wakes(a) < wakes(first) ||
                (wakes(a) == wakes(first) && a->key < first->key))
                first = a;
        }
        alerts->next_ms = first ? wakes(first) : NEVER;
        if (alerts->next_ms <= now && alerts->next_ms != NEVER)
            st = first->rule == LOST ? lost_rest(first) : wake(r, first, err);
    }
    return st;
}

eddy_status ed_alerts_until(struct ed_alerts *alerts, const struct ed_publisher *p,
                            struct ed_epoch *epoch, int64_t stream_ms, eddy_error *err)
{
    const struct round r = {alerts, p, epoch};
    return advance(&r, stream_ms, err);
}

/* ---- events ---- */

static struct ed_seen seen_of(const struct round *r, const eddy_event *event,
                              const eddy_change *change)
{
    struct ed_seen seen = {.kind = change ? (int)change->kind : -1, .event = event};
    const char *letter;
    ed_seen_measure(&seen, event, change);
    if (event) {
        seen.name = event->name;
        seen.topic = event->topic ? whose(r->p, event->topic, &letter) : 0;
        seen.theme = event->theme ? whose(r->p, event->theme, &letter) : 0;
    }
    return seen;
}

/* The event as it was right after that: of several of one millisecond, that of the change's size.
 * NULL: no picture fell due of it. */
static const eddy_event *picture_of(const eddy_change *c, const eddy_event *pictures, size_t n)
{
    const eddy_event *first = NULL;
    for (size_t i = 0; i < n; i++) {
        const eddy_event *e = &pictures[i];
        if (e->id != c->event || e->stream_ms < c->time_ms || e->state != EDDY_ACTIVE)
            continue;
        if (!first)
            first = e;
        if (e->stream_ms > c->time_ms)
            break;
        if (e->size == c->size_after)
            return e;
    }
    return first;
}

/* It lives on as another: what it was told for goes on there. Signals are of one event: the other
 * has its own. */
static eddy_status merge(const struct round *r, const eddy_change *c, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < r->alerts->n_rules && st == EDDY_OK; i++) {
        struct alert *a = find(r->alerts, i, 0, c->event);
        if (!a)
            continue;
        const struct alert was = *a;
        struct ed_seen seen = {.kind = was.kind, .name = {was.name, was.n_name}};
        ed_seen_measure(&seen, NULL, NULL);
        seen.measures[ED_MEASURE_SIZE] = c->other_after;
        const struct telling t = {.state = "firing",
                                  .reason = "merged",
                                  .from = c->event,
                                  .seen = &seen,
                                  .time_ms = c->time_ms};
        st = resolve(r, a, "merged", c->other, c->time_ms, err);
        if (st == EDDY_OK && !IS_SIGNAL(was.kind) && !find(r->alerts, i, 0, c->other))
            st = raise(r, i, 0, c->other, was.since_ms, &t, err);
    }
    return st;
}

/* 1: the change ends an alert that began so. */
static int ends(const eddy_change *c, int kind)
{
    return c->kind == EDDY_FADED || (c->kind == EDDY_BURST_ENDED && kind == EDDY_BURST) ||
           (c->kind == EDDY_QUIET_ENDED && kind == EDDY_QUIET);
}

/* 1: worth a word to those who know of the event already. */
static int is_news(const eddy_change *c)
{
    return c->kind == EDDY_GREW || c->kind == EDDY_RENAMED || c->kind == EDDY_DESCRIBED;
}

static eddy_status change_look(const struct round *r, const eddy_change *c,
                               const eddy_event *picture, eddy_error *err)
{
    eddy_status st = advance(r, c->time_ms, err);
    if (st == EDDY_OK && c->kind == EDDY_MERGED)
        st = merge(r, c, err);
    struct ed_seen seen = seen_of(r, picture, c);
    const struct telling t = {.state = "firing",
                              .reason = ed_kind_name((int)c->kind),
                              .seen = &seen,
                              .time_ms = c->time_ms};
    for (size_t i = 0; i < r->alerts->n_rules && st == EDDY_OK; i++) {
        const struct ed_rule *rule = &r->alerts->rules[i];
        struct alert *a = find(r->alerts, i, 0, c->event);
        if (a && ends(c, a->kind)) {
            st = resolve(r, a, c->kind == EDDY_FADED ? "faded" : "ended", 0, c->time_ms, err);
            a = NULL;
        }
        if (rule->kinds >> c->kind & 1 && ed_rule_holds(rule, &seen, 0))
            st = st == EDDY_OK ? raise(r, i, 0, c->event, c->time_ms, &t, err) : st;
        else if (a && picture && is_news(c))
            st = fire(r, a, &t, err);
    }
    return st;
}

/* Rules without kinds. */
static eddy_status picture_look(const struct round *r, const eddy_event *event, eddy_error *err)
{
    eddy_status st = advance(r, event->stream_ms, err);
    struct ed_seen seen = seen_of(r, event, NULL);
    const struct telling t = {
        .state = "firing", .reason = "measures", .seen = &seen, .time_ms = event->stream_ms};
    for (size_t i = 0; i < r->alerts->n_rules && st == EDDY_OK; i++) {
        const struct ed_rule *rule = &r->alerts->rules[i];
        struct alert *a = find(r->alerts, i, 0, event->id);
        if (rule->kinds || event->state != EDDY_ACTIVE)
            continue;
        int holds = ed_rule_holds(rule, &seen, a != NULL);
        if (a && !holds)
            st = resolve(r, a, "cleared", 0, event->stream_ms, err);
        else if (!a && holds)
            st = raise(r, i, 0, event->id, event->stream_ms, &t, err);
    }
    return st;
}

eddy_status ed_alerts_news(struct ed_alerts *alerts, const struct ed_publisher *p,
                           struct ed_epoch *epoch, const eddy_change *changes, size_t n_changes,
                           const eddy_event *pictures, size_t n_pictures, eddy_error *err)
{
    const struct round r = {alerts, p, epoch};
    eddy_status st = EDDY_OK;
    for (size_t i = 0, k = 0; i + k < n_changes + n_pictures && st == EDDY_OK;)
        if (i < n_changes && (k == n_pictures || changes[i].time_ms <= pictures[k].stream_ms)) {
            const eddy_event *picture = picture_of(&changes[i], pictures + k, n_pictures - k);
            st = change_look(&r, &changes[i++], picture, err);
        } else {
            st = picture_look(&r, &pictures[k++], err);
        }
    return st;
}

/* ---- templates ---- */

eddy_status ed_alerts_template(struct ed_alerts *alerts, const struct ed_publisher *p,
                               struct ed_epoch *epoch, const eddy_template_change *change,
                               eddy_str text, eddy_error *err)
{
    const struct round r = {alerts, p, epoch};
    struct ed_seen seen = {.kind = ED_KIND_TEMPLATE_FOUNDED, .name = text};
    const struct telling t = {.state = "firing",
                              .reason = ed_kind_name(ED_KIND_TEMPLATE_FOUNDED),
                              .seen = &seen,
                              .time_ms = change->time_ms};
    eddy_status st = advance(&r, change->time_ms, err);
    ed_seen_measure(&seen, NULL, NULL);
    for (size_t i = 0; i < alerts->n_rules && st == EDDY_OK; i++) {
        const struct ed_rule *rule = &alerts->rules[i];
        struct alert *a = find(alerts, i, 1, change->id);
        if (change->kind == EDDY_TEMPLATE_FADED || change->kind == EDDY_TEMPLATE_MERGED)
            st =
                a ? resolve(&r, a, eddy_template_change_name(change->kind), 0, change->time_ms, err)
                  : EDDY_OK;
        else if (change->kind == EDDY_TEMPLATE_FOUNDED &&
                 rule->kinds >> ED_KIND_TEMPLATE_FOUNDED & 1 && ed_rule_holds(rule, &seen, 0))
            st = raise(&r, i, 1, change->id, change->time_ms, &t, err);
    }
    return st;
}

/* ---- the state ---- */

int ed_alerts_owns(uint64_t key)
{
    return key >> 56 == ALERT_KIND;
}

void ed_alerts_renew(struct ed_alerts *alerts, uint64_t key)
{
    note(alerts, key, NULL); /* a lost one is asked for again */
}

static void alert_write(const struct ed_alerts *alerts, const struct alert *a, struct ed_bytes *b)
{
    const char *rule = a->rule == LOST ? a->lost : alerts->rules[a->rule].name;
    ed_pack_str(b, rule, a->rule == LOST ? a->n_lost : strlen(rule));
    ed_pack_u8(b, (uint8_t)(a->is_template | a->is_told << 1));
    ed_pack_u64(b, a->subject);
    ed_pack_u32(b, (uint32_t)(a->kind + 1));
    ed_pack_i64(b, a->since_ms);
    ed_pack_i64(b, a->held_ms);
    ed_pack_i64(b, a->due_ms);
    ed_pack_u64(b, (uint64_t)a->size);
    ed_pack_str(b, a->name, a->n_name);
}

/* NULL value: the alert is no more. */
static eddy_status record_write(const struct ed_alerts *alerts, uint64_t key, eddy_arena *arena,
                                eddy_record *ret, eddy_error *err)
{
    const struct alert *a = ed_shelf_find(&alerts->active, key);
    struct ed_bytes b;
    *ret = (eddy_record){.key = key};
    if (key != NUMBER_KEY && !a)
        return EDDY_OK;
    ed_bytes_init(&b, 0);
    if (key == NUMBER_KEY)
        ed_pack_u64(&b, alerts->number);
    else
        alert_write(alerts, a, &b);
    ret->value = b.failed ? (eddy_str){NULL, 0} : ed_arena_str(arena, b.at, b.n);
    ed_bytes_clear(&b);
    return ret->value.at ? EDDY_OK : eddy_fail_nomem(err, "alerts", 0);
}

eddy_status ed_alerts_records(struct ed_alerts *alerts, eddy_arena *arena, const eddy_record **ret,
                              size_t *n_ret, eddy_error *err)
{
    size_t n = *n_ret;
    eddy_status st = EDDY_OK;
    if (!alerts->n_changed)
        return EDDY_OK;
    eddy_record *all = ed_arena_alloc(arena, (n + alerts->n_changed) * sizeof *all);
    if (!all)
        return eddy_fail_nomem(err, "alerts", n * sizeof *all);
    if (n)
        memcpy(all, *ret, n * sizeof *all);
    for (size_t i = 0; i < alerts->n_changed && st == EDDY_OK; i++) {
        size_t k = *n_ret;
        while (k < n && all[k].key != alerts->changed[i])
            k++;
        if (k == n)
            st = record_write(alerts, alerts->changed[i], arena, &all[n++], err);
    }
    if (st != EDDY_OK)
        return st;
    alerts->n_changed = 0;
    *ret = all;
    *n_ret = n;
    return EDDY_OK;
}

static eddy_status damaged(eddy_error *err)
{
    return eddy_fail(err, EDDY_FORMAT, "state: an alert is of another form");
}

static eddy_status alert_read(struct ed_alerts *alerts, const eddy_record *record,
                              struct alert *ret, eddy_error *err)
{
    struct ed_unpack u = ed_unpack_of(record->value);
    eddy_str rule = ed_unpack_str(&u);
    unsigned flags = ed_unpack_u8(&u);
    struct alert a = {.key = record->key, .rule = LOST};
    a.subject = ed_unpack_u64(&u);
    uint32_t kind = ed_unpack_u32(&u);
    a.since_ms = ed_unpack_i64(&u);
    a.held_ms = ed_unpack_i64(&u);
    a.due_ms = ed_unpack_i64(&u);
    a.size = (double)ed_unpack_u64(&u);
    eddy_str name = ed_unpack_str(&u);
    if (!ed_unpack_done(&u) || rule.n > ED_RULE_NAME || name.n > NAME_KEPT || flags > 3 ||
        kind > ED_KINDS)
        return damaged(err);
    a.is_template = flags & 1;
    a.is_told = flags >> 1 & 1;
    a.kind = (int16_t)((int)kind - 1);
    a.n_name = (uint8_t)name.n;
    a.n_lost = (uint8_t)rule.n;
    memcpy(a.name, name.at, name.n);
    memcpy(a.lost, rule.at, rule.n);
    for (size_t i = 0; i < alerts->n_rules; i++)
        if (strlen(alerts->rules[i].name) == rule.n &&
            memcmp(alerts->rules[i].name, rule.at, rule.n) == 0)
            a.rule = (uint32_t)i;
    *ret = a;
    return EDDY_OK;
}

eddy_status ed_alerts_load(struct ed_alerts *alerts, const eddy_record *record, eddy_error *err)
{
    const struct alert *before = ed_shelf_find(&alerts->active, record->key);
    struct alert a, *kept;
    if (record->key == NUMBER_KEY) {
        struct ed_unpack u = ed_unpack_of(record->value);
        alerts->number = ed_unpack_u64(&u);
        return ed_unpack_done(&u) ? EDDY_OK : damaged(err);
    }
    if (before)
        take_out(alerts, before);
    if (!record->value.at)
        return EDDY_OK;
    eddy_status st = alert_read(alerts, record, &a, err);
    if (st == EDDY_OK)
        st = insert(alerts, &a, &kept, err);
    if (st != EDDY_OK)
        return st;
    alerts->n_lost += a.rule == LOST;
    wake_by(alerts, &a);
    return EDDY_OK;
}
