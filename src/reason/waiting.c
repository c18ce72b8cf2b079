/* Waiting: what is due but could not be asked waits for the next pass.
 *
 * A view brings what changed since the last one and nothing twice. An event that is to be described
 * when the budget is used up or the endpoint is down would go without a name until it changes; so a
 * copy of it is kept. What the next view brings is newer and takes its place. No view tells of
 * events that have faded or were merged: a copy goes when an operation finds its event gone, or
 * after so many passes in which others were asked about instead. While nobody answers none of them
 * counts. */
#include "reason/inside.h"

#include <string.h>

#define WAITING        1024 /* events */
#define WAITING_PASSES 64   /* with 32 questions in a pass all of them have their turn */
#define WAITING_BYTES  ((size_t)16 << 20)

int ed_is_due(eddy_reasoner *r, const eddy_event *picture)
{
    if (picture->state != EDDY_ACTIVE || picture->size < DESCRIBED_MIN || picture->pinned ||
        picture->described_by > EDDY_LLM)
        return 0;
    struct ed_known *known = ed_known_find(&r->knowledge, picture->id);
    if (picture->described_by == EDDY_LLM && (!known || !(known->size > 0))) {
        /* by an earlier reasoner: taken as just done, so that a restart asks nothing */
        known = ed_known_put(&r->knowledge, picture->id);
        if (known)
            known->size = picture->size;
        return 0;
    }
    if (!known || !(known->size > 0))
        return 1;
    return picture->size >= r->options.grown * known->size ||
           picture->size * r->options.grown <= known->size;
}

/* Was it applied, though nobody told? */
static int is_applied(const eddy_event *picture, const struct ed_known *known)
{
    const char *summary = known->summary ? known->summary : "";
    return picture->described_by == EDDY_LLM && picture->summary.n == strlen(summary) &&
           (!picture->summary.n || !memcmp(picture->summary.at, summary, picture->summary.n));
}

const struct ed_known *ed_pending(eddy_reasoner *r, const eddy_event *picture)
{
    struct ed_known *known = ed_known_find(&r->knowledge, picture->id);
    if (!known || !known->name || picture->state != EDDY_ACTIVE || picture->pinned ||
        picture->described_by > EDDY_LLM || ed_is_due(r, picture))
        return NULL;
    if (!is_applied(picture, known))
        return known;
    ed_known_applied(known);
    return NULL;
}

eddy_status ed_waiting_join(struct ed_pass *p)
{
    const eddy_view *view = p->view;
    size_t n = view->n_events + p->r->n_waits;
    p->events = ed_arena_alloc(p->arena, (n + 1) * sizeof *p->events);
    p->waited = ed_arena_alloc_zero(p->arena, n + 1, sizeof *p->waited);
    if (!p->events || !p->waited)
        return EDDY_NOMEM;
    struct ed_table here;
    ed_table_init(&here);
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < view->n_events && st == EDDY_OK; i++) {
        p->events[p->n_events++] = &view->events[i];
        if (p->r->n_waits && !ed_table_put(&here, view->events[i].picture.id, 1))
            st = EDDY_NOMEM;
    }
    for (size_t i = 0; i < p->r->n_waits && st == EDDY_OK; i++)
        if (!ed_table_find(&here, p->r->waits[i]->picture.id)) {
            p->waited[p->n_events] = p->r->waited[i];
            p->events[p->n_events++] = p->r->waits[i];
        }
    ed_table_clear(&here);
    return st;
}

/* Put a copy of the string in place of itself. */
static int keep(eddy_arena *arena, eddy_str *text)
{
    *text = ed_arena_str(arena, text->at ? text->at : "", text->n);
    return text->at != NULL;
}

static eddy_view_event *copy(eddy_arena *arena, const eddy_view_event *from)
{
    eddy_view_event *to = ed_arena_alloc(arena, sizeof *to);
    eddy_member *members = ed_arena_alloc(arena, (from->n_members + 1) * sizeof *members);
    if (!to || !members)
        return NULL;
    *to = *from;
    if (from->n_members)
        memcpy(members, from->members, from->n_members * sizeof *members);
    to->members = members;
    int all = keep(arena, &to->picture.name) && keep(arena, &to->picture.summary) &&
              keep(arena, &to->picture.category);
    for (uint32_t i = 0; i < to->picture.n_keywords && all; i++)
        all = keep(arena, &to->picture.keywords[i].word);
    for (uint32_t i = 0; i < to->picture.n_exemplars && all; i++)
        all = keep(arena, &to->picture.exemplars[i].id) &&
              keep(arena, &to->picture.exemplars[i].title);
    for (size_t i = 0; i < to->n_members && all; i++)
        all = keep(arena, &members[i].id) && keep(arena, &members[i].title);
    return all ? to : NULL;
}

void ed_waiting_keep(struct ed_pass *p)
{
    eddy_reasoner *r = p->r;
    eddy_arena *next = eddy_arena_new(WAITING_BYTES);
    const eddy_view_event **waits = next ? ed_arena_alloc(next, WAITING * sizeof *waits) : NULL;
    uint32_t *waited = waits ? ed_arena_alloc(next, WAITING * sizeof *waited) : NULL;
    uint32_t counts = r->stats.answered > p->answered;
    size_t n = 0;
    for (size_t i = 0; waited && i < p->n_events && n < WAITING; i++) {
        const eddy_event *picture = &p->events[i]->picture;
        if (ed_table_find(&p->described, picture->id) || p->waited[i] + counts > WAITING_PASSES ||
            !(ed_is_due(r, picture) || ed_pending(r, picture)))
            continue;
        waited[n] = p->waited[i] + counts;
        waits[n] = copy(next, p->events[i]);
        if (!waits[n])
            break;
        n++;
    }
    if (!waited) {
        eddy_arena_free(next);
        return; /* those that wait go on waiting */
    }
    eddy_arena_free(r->waiting);
    r->waiting = next;
    r->waits = waits;
    r->waited = waited;
    r->n_waits = n;
}

void ed_waiting_drop(eddy_reasoner *r, uint64_t event)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_waits; i++)
        if (r->waits[i]->picture.id != event) {
            r->waited[n] = r->waited[i];
            r->waits[n++] = r->waits[i];
        }
    r->n_waits = n;
    for (size_t i = 0; r->under_way && i < r->pass.n_events; i++)
        if (r->pass.events[i]->picture.id == event)
            r->pass.waited[i] = WAITING_PASSES + 1; /* nor after this pass */
}
