/* Questions: what is to be asked of a view, the most valuable first.
 *
 * The value of an answer about which documents belong together is how uncertain the engine is,
 * min(P, 1 - P), not weighted by size: weighing by size asks about a few huge mixed events and
 * drives the threshold away (ALGORITHM 2.9). An event that may be two is asked about before it is
 * compared with others, as most wrong answers of a model are about mixed groups. A name is worth
 * more the more documents carry it. */
#include "reason/inside.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_SPLIT_FIRST 1.2
#define VALUE_IMPURE      0.5 /* of a comparison with an event that may be two */
#define VALUE_PLACE       0.5 /* one document, not a group */
#define VALUE_ODD         0.1
#define VALUE_NAME        0.02 /* for each doubling of the documents */
#define NAMES_SHARE       4    /* one in so many questions is about a name, if there are any */
#define GROUP_MIN         3
#define GROUP_MAX         6
#define ODD_MIN           5 /* members */
#define STRIKES_MAX       3 /* and the question is left alone */

struct ed_question *ed_question_add(struct ed_pass *p, eddy_prompt prompt, double value)
{
    struct ed_question *list = ed_arena_list_room(p->arena, p->questions, p->n_questions,
                                                  &p->room_questions, sizeof *list);
    if (!list)
        return NULL;
    p->questions = list;
    struct ed_question *q = &p->questions[p->n_questions++];
    *q = (struct ed_question){.prompt = prompt, .value = value, .order = p->n_questions};
    return q;
}

uint64_t ed_question_subject(const struct ed_question *q)
{
    uint64_t h = ed_mix64((uint64_t)q->prompt + 1);
    if (q->n_doubts)
        h = ed_mix64(h ^ q->doubts[0]->doubt.event) ^ q->doubts[0]->doubt.other ^
            q->doubts[0]->doubt.position << 32;
    if (q->event)
        h = ed_mix64(h ^ q->event->picture.id);
    if (q->topic)
        h = ed_mix64(h ^ q->topic->id);
    return h ? h : 1;
}

/* How often it has brought nonsense. */
static uint64_t strikes_of(const struct ed_pass *p, const struct ed_question *q)
{
    const uint64_t *n = ed_table_find(&p->r->strikes, ed_question_subject(q));
    return n ? *n : 0;
}

static double uncertainty(const eddy_doubt *doubt)
{
    return doubt->yes < 0.5 ? doubt->yes : 1 - doubt->yes;
}

/* Is there anything to be read? */
static int speaks(const eddy_view_side *side)
{
    for (size_t i = 0; i < side->n_members; i++)
        if (side->members[i].title.n)
            return 1;
    return 0;
}

/* Not yet decided, and about events that stay as they are until it is. */
static int is_open(const struct ed_pass *p, const eddy_view_doubt *d)
{
    return !ed_is_touched(p, d->doubt.event) && !ed_is_touched(p, d->doubt.other);
}

static int comparable(const struct ed_pass *p, const eddy_view_doubt *d)
{
    return is_open(p, d) && d->doubt.asked < 2 && speaks(&d->sides[0]) && speaks(&d->sides[1]);
}

static struct ed_question *doubt_question(struct ed_pass *p, eddy_prompt prompt, double value,
                                          size_t n_doubts)
{
    struct ed_question *q = ed_question_add(p, prompt, value);
    if (!q)
        return NULL;
    q->doubts = ed_arena_alloc(p->arena, n_doubts * sizeof *q->doubts);
    return q->doubts ? q : NULL;
}

/* ---- one event or two ---- */

static const eddy_view_event *event_of(const struct ed_pass *p, uint64_t id)
{
    for (size_t i = 0; i < p->n_events; i++)
        if (p->events[i]->picture.id == id)
            return p->events[i];
    return NULL;
}

/* The groups that an event's members show, each once. */
static size_t groups_shown(const eddy_view_event *event, uint64_t *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < event->n_members && n < CHOICES_MAX; i++) {
        size_t k = 0;
        while (k < n && ret[k] != event->members[i].group)
            k++;
        if (k == n && event->members[i].title.n)
            ret[n++] = event->members[i].group;
    }
    return n;
}

/* A plan where the event is loose as a whole and shows enough parts to choose from; else the one
 * seam that the engine doubts. */
static eddy_status ask_whole(struct ed_pass *p, const eddy_view_doubt *d)
{
    double value = VALUE_SPLIT_FIRST * uncertainty(&d->doubt);
    const eddy_view_event *event = event_of(p, d->doubt.event);
    uint64_t groups[CHOICES_MAX];
    size_t n = event ? groups_shown(event, groups) : 0;
    int plan = n >= 3 && is_open(p, d) && event->picture.cohesion < p->view->threshold &&
               !ed_is_judged(p->r, UINT64_MAX, d->doubt.event);
    if (!plan && !comparable(p, d))
        return EDDY_OK;
    struct ed_question *q = doubt_question(p, plan ? EDDY_PROMPT_PLAN : EDDY_PROMPT_SAME, value, 1);
    if (!q)
        return EDDY_NOMEM;
    q->doubts[q->n_doubts++] = d;
    q->swapped = d->doubt.asked & 1;
    if (plan) {
        q->event = event;
        q->n_choices = n;
        memcpy(q->choices, groups, n * sizeof *groups);
    }
    return EDDY_OK;
}

/* ---- the same or not ---- */

/* Sets of events that doubts join: a forest in which each event knows one nearer to the root. */
struct joined {
    struct ed_table places; /* event to place + 1 */
    uint64_t *ids;
    size_t *up, n;
    size_t *n_events, *n_doubts; /* of the root's set */
};

static size_t place_of(struct joined *j, uint64_t id)
{
    uint64_t *place = ed_table_put(&j->places, id, 0);
    if (!place)
        return NOTHING;
    if (!*place) {
        j->ids[j->n] = id;
        j->up[j->n] = j->n;
        j->n_events[j->n] = 1;
        *place = ++j->n;
    }
    return (size_t)*place - 1;
}

static size_t root_of(const struct joined *j, size_t at)
{
    while (j->up[at] != at)
        at = j->up[at] = j->up[j->up[at]];
    return at;
}

static eddy_status join(struct ed_pass *p, struct joined *j)
{
    size_t room = 2 * p->view->n_doubts + 1;
    j->ids = ed_arena_alloc(p->arena, room * sizeof *j->ids);
    j->up = ed_arena_alloc(p->arena, room * sizeof *j->up);
    j->n_events = ed_arena_alloc_zero(p->arena, room, sizeof *j->n_events);
    j->n_doubts = ed_arena_alloc_zero(p->arena, room, sizeof *j->n_doubts);
    if (!j->ids || !j->up || !j->n_events || !j->n_doubts)
        return EDDY_NOMEM;
    for (size_t i = 0; i < p->view->n_doubts; i++) {
        const eddy_view_doubt *d = &p->view->doubts[i];
        if (d->doubt.kind != EDDY_DOUBT_SAME || !comparable(p, d))
            continue;
        size_t a = place_of(j, d->doubt.event);
        size_t b = place_of(j, d->doubt.other);
        if (a == NOTHING || b == NOTHING)
            return EDDY_NOMEM;
        a = root_of(j, a);
        b = root_of(j, b);
        if (a != b) {
            j->up[b] = a;
            j->n_events[a] += j->n_events[b];
            j->n_doubts[a] += j->n_doubts[b];
        }
        j->n_doubts[a]++;
    }
    return EDDY_OK;
}

/* A few events each of which is in doubt with all others are shown at once, and grouped in context:
 * asked pair by pair the answers would contradict each other. */
static int is_set(const struct joined *j, size_t root)
{
    return j->n_events[root] >= GROUP_MIN && j->n_events[root] <= GROUP_MAX &&
           2 * j->n_doubts[root] == j->n_events[root] * (j->n_events[root] - 1);
}

static void offer(struct ed_question *q, uint64_t id, const eddy_view_side *side)
{
    for (size_t i = 0; i < q->n_choices; i++)
        if (q->choices[i] == id)
            return;
    if (q->n_choices < CHOICES_MAX) {
        q->choices[q->n_choices] = id;
        q->sides[q->n_choices++] = side;
    }
}

static eddy_status ask_set(struct ed_pass *p, struct joined *j, size_t root)
{
    struct ed_question *q = doubt_question(p, EDDY_PROMPT_GROUP, 0, j->n_doubts[root]);
    if (!q)
        return EDDY_NOMEM;
    for (size_t i = 0; i < p->view->n_doubts; i++) {
        const eddy_view_doubt *d = &p->view->doubts[i];
        if (d->doubt.kind != EDDY_DOUBT_SAME || !comparable(p, d) ||
            root_of(j, place_of(j, d->doubt.event)) != root)
            continue;
        q->doubts[q->n_doubts++] = d;
        offer(q, d->doubt.event, &d->sides[0]);
        offer(q, d->doubt.other, &d->sides[1]);
        if (uncertainty(&d->doubt) > q->value)
            q->value = uncertainty(&d->doubt);
    }
    return EDDY_OK;
}

static eddy_status ask_same(struct ed_pass *p, const struct ed_table *impure)
{
    struct joined j = {.n = 0};
    ed_table_init(&j.places);
    eddy_status st = join(p, &j);
    for (size_t i = 0; i < j.n && st == EDDY_OK; i++)
        if (j.up[i] == i && is_set(&j, i))
            st = ask_set(p, &j, i);
    for (size_t i = 0; i < p->view->n_doubts && st == EDDY_OK; i++) {
        const eddy_view_doubt *d = &p->view->doubts[i];
        if (d->doubt.kind != EDDY_DOUBT_SAME || !comparable(p, d) ||
            is_set(&j, root_of(&j, place_of(&j, d->doubt.event))))
            continue;
        double value = uncertainty(&d->doubt);
        if (ed_table_find(impure, d->doubt.event) || ed_table_find(impure, d->doubt.other))
            value *= VALUE_IMPURE;
        struct ed_question *q = doubt_question(p, EDDY_PROMPT_SAME, value, 1);
        if (!q) {
            st = EDDY_NOMEM;
        } else {
            q->doubts[q->n_doubts++] = d;
            q->swapped = d->doubt.asked & 1;
        }
    }
    ed_table_clear(&j.places);
    return st;
}

/* ---- single documents ---- */

/* All that is doubted about one document becomes one question. */
static eddy_status ask_place(struct ed_pass *p, size_t first)
{
    const eddy_view *view = p->view;
    const eddy_view_doubt *d = &view->doubts[first];
    for (size_t i = 0; i < first; i++)
        if (view->doubts[i].doubt.kind == EDDY_DOUBT_PLACE &&
            view->doubts[i].doubt.position == d->doubt.position)
            return EDDY_OK; /* asked with that one */
    if (!is_open(p, d) || !d->document.title.n || !speaks(&d->sides[0]))
        return EDDY_OK;
    size_t n = 0;
    for (size_t i = first; i < view->n_doubts; i++)
        n += view->doubts[i].doubt.kind == EDDY_DOUBT_PLACE;
    struct ed_question *q = doubt_question(p, EDDY_PROMPT_PLACE, 0, n);
    if (!q)
        return EDDY_NOMEM;
    offer(q, d->doubt.event, &d->sides[0]);
    for (size_t i = first; i < view->n_doubts; i++) {
        const eddy_view_doubt *more = &view->doubts[i];
        if (more->doubt.kind != EDDY_DOUBT_PLACE || more->doubt.position != d->doubt.position ||
            !is_open(p, more) || !speaks(&more->sides[1]) ||
            ed_is_judged(p->r, more->doubt.position, more->doubt.other))
            continue;
        q->doubts[q->n_doubts++] = more;
        offer(q, more->doubt.other, &more->sides[1]);
        double value = VALUE_PLACE * uncertainty(&more->doubt);
        if (value > q->value)
            q->value = value;
    }
    if (!q->n_doubts)
        p->n_questions--;
    return EDDY_OK;
}

/* A member that is much less like the others than two documents of an event have to be. */
static eddy_status ask_odd(struct ed_pass *p, const eddy_view_event *event,
                           const struct ed_table *impure)
{
    if (event->n_members < ODD_MIN || event->picture.pinned ||
        ed_is_touched(p, event->picture.id) || ed_table_find(impure, event->picture.id))
        return EDDY_OK;
    const eddy_member *last = &event->members[event->n_members - 1];
    if (last->similarity >= p->view->threshold - p->view->spread || !last->title.n ||
        last->position == UINT64_MAX || ed_is_judged(p->r, last->position, 0))
        return EDDY_OK;
    for (size_t i = 0; i < p->view->n_doubts; i++)
        if (p->view->doubts[i].doubt.kind == EDDY_DOUBT_PLACE &&
            p->view->doubts[i].doubt.position == last->position)
            return EDDY_OK;
    struct ed_question *q = ed_question_add(p, EDDY_PROMPT_ODD, VALUE_ODD);
    if (!q)
        return EDDY_NOMEM;
    q->event = event;
    for (size_t i = 0; i < event->n_members && q->n_choices < CHOICES_MAX; i++)
        if (event->members[i].title.n && event->members[i].position != UINT64_MAX)
            q->choices[q->n_choices++] = i; /* those that are still in the window */
    return EDDY_OK;
}

/* ---- names ---- */

static double doublings(double size)
{
    double n = 0;
    for (; size > 1 && n < 20; size /= 2)
        n++;
    return n;
}

static eddy_status ask_name(struct ed_pass *p, const eddy_view_event *event)
{
    if (ed_is_touched(p, event->picture.id) || !ed_is_due(p->r, &event->picture) ||
        (!event->n_members && !event->picture.n_exemplars && !event->picture.n_keywords))
        return EDDY_OK;
    double value = VALUE_NAME * doublings(event->picture.size);
    if (event->picture.described_by == EDDY_LLM)
        value /= 2; /* it has a good name, if not the best */
    struct ed_question *q = ed_question_add(p, EDDY_PROMPT_NAME, value);
    if (q)
        q->event = event;
    return q ? EDDY_OK : EDDY_NOMEM;
}

static eddy_status ask_topic(struct ed_pass *p, const eddy_topic *topic)
{
    struct ed_known *known = ed_known_find(&p->r->knowledge, topic->id);
    double n = (double)topic->n_events;
    if (topic->n_events < 2 || topic->named_by > EDDY_LLM)
        return EDDY_OK;
    if (topic->named_by == EDDY_LLM && (!known || !(known->size > 0))) {
        known = ed_known_put(&p->r->knowledge, topic->id);
        if (known)
            known->size = n;
        return EDDY_OK;
    }
    if (known && known->size > 0 && n < p->r->options.grown * known->size &&
        n * p->r->options.grown > known->size)
        return EDDY_OK;
    struct ed_question *q = ed_question_add(p, EDDY_PROMPT_TOPIC, VALUE_NAME * doublings(n));
    if (q)
        q->topic = topic;
    return q ? EDDY_OK : EDDY_NOMEM;
}

/* What events are called, for the topics that they are in. Without memory some are not known. */
static void hear_names(struct ed_pass *p)
{
    for (size_t i = 0; i < p->n_events; i++) {
        const eddy_event *picture = &p->events[i]->picture;
        if (picture->size < DESCRIBED_MIN)
            continue;
        struct ed_known *known = ed_known_put(&p->r->knowledge, picture->id);
        eddy_str label = picture->name;
        if (label.n > NAME_CHARS)
            label.n = NAME_CHARS;
        while (label.n && (label.at[label.n] & 0xC0) == 0x80)
            label.n--;
        if (known && (!known->label || strncmp(known->label, label.at ? label.at : "", label.n) ||
                      known->label[label.n]))
            ed_known_text(&known->label, label);
    }
}

/* ---- all of them ---- */

/* What brought nonsense before comes after what did not; a name is given up, until the event has
 * grown. */
static void heed_strikes(struct ed_pass *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_questions; i++) {
        struct ed_question *q = &p->questions[i];
        uint64_t strikes = strikes_of(p, q);
        for (uint64_t k = 0; k < strikes && k < 8; k++)
            q->value /= 2;
        struct ed_known *known = NULL;
        if (strikes >= STRIKES_MAX && (q->prompt == EDDY_PROMPT_NAME || q->topic)) {
            known = ed_known_put(&p->r->knowledge, q->topic ? q->topic->id : q->event->picture.id);
            ed_table_remove(&p->r->strikes, ed_question_subject(q));
        }
        if (known)
            known->size = q->topic ? (double)q->topic->n_events : q->event->picture.size;
        else
            p->questions[n++] = *q;
    }
    p->n_questions = n;
}

static int by_value(const void *a, const void *b)
{
    const struct ed_question *x = a;
    const struct ed_question *y = b;
    if (x->value > y->value || x->value < y->value)
        return x->value > y->value ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static int is_name(const struct ed_question *q)
{
    return q->prompt == EDDY_PROMPT_NAME || q->prompt == EDDY_PROMPT_TOPIC;
}

/* As many as a pass may ask. */
static void choose(struct ed_pass *p)
{
    size_t max = p->r->options.questions_max;
    size_t names = 0;
    if (p->n_questions <= max)
        return;
    for (size_t i = 0; i < p->n_questions; i++)
        names += (size_t)is_name(&p->questions[i]);
    size_t others = p->n_questions - names;
    size_t share = names < max / NAMES_SHARE ? names : max / NAMES_SHARE;
    others = others < max - share ? others : max - share;
    names = max - others;
    size_t n = 0;
    for (size_t i = 0; i < p->n_questions; i++) {
        size_t *left = is_name(&p->questions[i]) ? &names : &others;
        if (*left) {
            (*left)--;
            p->questions[n++] = p->questions[i];
        }
    }
    p->n_questions = n;
}

eddy_status ed_questions_make(struct ed_pass *p)
{
    const eddy_view *view = p->view;
    struct ed_table impure;
    ed_table_init(&impure);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < view->n_doubts && st == EDDY_OK; i++)
        if (view->doubts[i].doubt.kind == EDDY_DOUBT_WHOLE && view->doubts[i].doubt.asked < 2) {
            st = ask_whole(p, &view->doubts[i]);
            if (st == EDDY_OK && view->doubts[i].doubt.yes < 0.5 &&
                !ed_table_put(&impure, view->doubts[i].doubt.event, 1))
                st = EDDY_NOMEM;
        }
    if (st == EDDY_OK)
        st = ask_same(p, &impure);
    for (size_t i = 0; i < view->n_doubts && st == EDDY_OK; i++)
        if (view->doubts[i].doubt.kind == EDDY_DOUBT_PLACE)
            st = ask_place(p, i);
    hear_names(p);
    for (size_t i = 0; i < p->n_events && st == EDDY_OK; i++) {
        if (i < view->n_events)
            st = ask_odd(p, p->events[i], &impure);
        if (st == EDDY_OK)
            st = ask_name(p, p->events[i]);
    }
    for (size_t i = 0; i < view->n_topics && st == EDDY_OK; i++)
        st = ask_topic(p, &view->topics[i]);
    ed_table_clear(&impure);
    if (p->r->strikes.n)
        heed_strikes(p);
    if (st == EDDY_OK && p->n_questions)
        qsort(p->questions, p->n_questions, sizeof *p->questions, by_value);
    choose(p);
    return st;
}
