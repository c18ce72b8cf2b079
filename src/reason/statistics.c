/* Statistics: merges, splits and moves that need no model.
 *
 * The engine's own repair has already done what similarity alone speaks for. What is left to gain
 * is where a second, independent sign decides a close case: the words of the titles. So a doubt is
 * settled here only where similarity is within the engine's own hysteresis of the threshold (so
 * that the next repair does not undo it) and the titles leave no doubt: nearly the same on both
 * sides, or without one word in common. That is so seldom that a model is asked no less for it (no
 * case in 18,000 documents of three news sets), and then there is nothing to ask. The same view
 * gives the same operations. */
#include "reason/inside.h"

#include <math.h>

#define BAND          0.01               /* the hysteresis of repair: ALGORITHM 5.1, h */
#define TITLES_SAME   0.75               /* common words over all words */
#define TITLE_MIN     6                  /* words of a title that says anything */
#define SIDE_WORDS    6                  /* words of a side that says anything */
#define SIDE_MIN      3                  /* documents of a side that may be split off */
#define GAP_MS        INT64_C(259200000) /* three days between two members: not one story */
#define PLACE_SPREADS 1.0                /* by how much the other event has to be more alike */

static eddy_operation *decided(struct ed_pass *p, eddy_operation_kind kind, uint64_t event,
                               uint64_t other, eddy_str evidence)
{
    eddy_operation *op = ed_operation_add(p, kind, EDDY_STATISTICS);
    if (!op || !evidence.at || !ed_touch(p, event) || !ed_touch(p, other))
        return NULL;
    op->event = event;
    op->other = other;
    op->evidence = evidence;
    return op;
}

static struct ed_words words_of(eddy_str title)
{
    struct ed_words words = {.n = 0};
    ed_words_add(&words, title);
    return words;
}

/* How alike the two most alike titles of both sides are. */
static double titles_alike(const eddy_view_side *a, const eddy_view_side *b)
{
    double best = 0;
    for (size_t i = 0; i < a->n_members && i < SHOWN_A_SIDE; i++) {
        struct ed_words x = words_of(a->members[i].title);
        for (size_t k = 0; k < b->n_members && k < SHOWN_A_SIDE && x.n >= TITLE_MIN; k++) {
            struct ed_words y = words_of(b->members[k].title);
            double alike = y.n >= TITLE_MIN ? ed_words_alike(&x, &y) : 0;
            if (alike > best)
                best = alike;
        }
    }
    return best;
}

static int64_t gap_ms(const eddy_view_side *a, const eddy_view_side *b)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < a->n_members; i++)
        for (size_t k = 0; k < b->n_members; k++) {
            int64_t gap = a->members[i].time_ms - b->members[k].time_ms;
            gap = gap < 0 ? -gap : gap;
            if (gap < least)
                least = gap;
        }
    return least;
}

/* Two events within the band below the threshold whose titles are nearly the same are one. */
static eddy_status test_merge(struct ed_pass *p, const eddy_view_doubt *d)
{
    const eddy_doubt *doubt = &d->doubt;
    double below = p->view->threshold - doubt->similarity;
    if (!(below <= BAND) || doubt->yes < 0.4 || doubt->asked || ed_is_touched(p, doubt->event) ||
        ed_is_touched(p, doubt->other) || gap_ms(&d->sides[0], &d->sides[1]) > GAP_MS)
        return EDDY_OK;
    double alike = titles_alike(&d->sides[0], &d->sides[1]);
    if (alike < TITLES_SAME)
        return EDDY_OK;
    int first = d->sides[0].documents <= d->sides[1].documents; /* the lighter one goes */
    eddy_str text = ed_arena_printf(p->arena, "similarity %.3f of %.3f, titles %.0f %% the same",
                                    doubt->similarity, p->view->threshold, 100 * alike);
    eddy_operation *op = decided(p, EDDY_OPERATION_MERGE, first ? doubt->event : doubt->other,
                                 first ? doubt->other : doubt->event, text);
    if (!op)
        return EDDY_NOMEM;
    op->event_version = first ? doubt->event_version : doubt->other_version;
    op->other_version = first ? doubt->other_version : doubt->event_version;
    return EDDY_OK;
}

/* Two sides of an event within the band below the threshold that share no word are two. */
static eddy_status test_split(struct ed_pass *p, const eddy_view_doubt *d)
{
    const eddy_doubt *doubt = &d->doubt;
    if (!(doubt->similarity < p->view->threshold - BAND / 2) || doubt->yes > 0.5 || doubt->asked ||
        ed_is_touched(p, doubt->event) || d->sides[0].documents < SIDE_MIN ||
        d->sides[1].documents < SIDE_MIN || !doubt->n_groups)
        return EDDY_OK;
    struct ed_words words[2] = {{.n = 0}, {.n = 0}};
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < d->sides[s].n_members && i < SHOWN_A_SIDE; i++)
            ed_words_add(&words[s], d->sides[s].members[i].title);
    if (words[0].n < SIDE_WORDS || words[1].n < SIDE_WORDS || ed_words_common(&words[0], &words[1]))
        return EDDY_OK;
    eddy_str text = ed_arena_printf(
        p->arena, "similarity %.3f of %.3f, no common word in %zu titles", doubt->similarity,
        p->view->threshold, d->sides[0].n_members + d->sides[1].n_members);
    eddy_operation *op = decided(p, EDDY_OPERATION_SPLIT, doubt->event, 0, text);
    if (!op)
        return EDDY_NOMEM;
    op->event_version = doubt->event_version;
    op->groups = doubt->groups;
    op->n_groups = doubt->n_groups;
    return EDDY_OK;
}

/* A document that is far below what its event asks, far more like another event, and titled as
 * that one is and not as its own. */
static eddy_status test_place(struct ed_pass *p, const eddy_view_doubt *d)
{
    const eddy_doubt *doubt = &d->doubt;
    const eddy_member *m = &d->document;
    double lead = doubt->similarity - (double)m->similarity;
    if (!((double)m->similarity < p->view->threshold - p->view->spread) ||
        !(lead > PLACE_SPREADS * p->view->spread) || ed_is_touched(p, doubt->event) ||
        ed_is_touched(p, doubt->other))
        return EDDY_OK;
    eddy_view_side alone = {.members = m, .n_members = 1, .documents = 1};
    double own = titles_alike(&alone, &d->sides[0]);
    double other = titles_alike(&alone, &d->sides[1]);
    if (other < TITLES_SAME || own >= TITLES_SAME / 2)
        return EDDY_OK;
    eddy_str text = ed_arena_printf(
        p->arena, "similarity %.3f here, %.3f there; title %.0f %% the same here, %.0f %% there",
        (double)m->similarity, doubt->similarity, 100 * own, 100 * other);
    eddy_operation *op = decided(p, EDDY_OPERATION_REASSIGN, doubt->event, doubt->other, text);
    if (!op)
        return EDDY_NOMEM;
    op->event_version = doubt->event_version;
    op->other_version = doubt->other_version;
    op->position = doubt->position;
    return EDDY_OK;
}

eddy_status ed_statistics(struct ed_pass *p)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < p->view->n_doubts && st == EDDY_OK; i++) {
        const eddy_view_doubt *d = &p->view->doubts[i];
        switch (d->doubt.kind) {
        case EDDY_DOUBT_SAME: st = test_merge(p, d); break;
        case EDDY_DOUBT_WHOLE: st = test_split(p, d); break;
        case EDDY_DOUBT_PLACE: st = test_place(p, d); break;
        }
    }
    return st;
}
