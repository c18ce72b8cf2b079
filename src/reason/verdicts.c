/* Verdicts: answers to operations.
 *
 * An answer about two groups is evidence, and goes to the engine as such (ANSWER): it moves the
 * threshold and links the groups, and how much it weighs is how seldom such answers are wrong. What
 * moves documents at once (SPLIT, REASSIGN) is offered where the model is sure. Every operation
 * names the versions that were shown and carries what people want to know of it (USERS 4.4). */
#include "reason/inside.h"

#include "base/utf8.h"

#include <math.h>
#include <string.h>

#define JUDGED_KEPT 65536
#define SURE        0.2 /* the largest error with which documents are moved */

/* Of 135 answers of a real model (ALGORITHM 2.9) 68 of the 72 with a stated confidence of at least
 * 0.85 were right, and 49 of the 63 others: 0.06 and 0.22 wrong, at 0.95 and 0.7 in the middle. The
 * line through both, never quite certain and never a bare coin. */
double ed_error_of(double confidence, double otherwise)
{
    if (isnan(confidence))
        return otherwise;
    double error = 0.06 + 0.64 * (0.95 - confidence);
    return error < 0.04 ? 0.04 : error > 0.45 ? 0.45 : error;
}

static eddy_str evidence(struct ed_pass *p, const struct ed_question *q)
{
    const struct ed_answer *a = &q->answer;
    const char *model = p->r->options.model;
    char sure[40] = "";
    char shared[40] = "";
    if (!isnan(a->confidence))
        snprintf(sure, sizeof sure, ", confidence %.2f", a->confidence);
    if (q->asked->n > 1)
        snprintf(shared, sizeof shared, " for %zu questions", q->asked->n);
    eddy_str text = ed_arena_printf(
        p->arena, "%.80s%s, prompt %.8s, reply %08x, tokens %llu+%llu%s%s%.*s",
        model ? model : "llm", sure, q->asked->request.key, (unsigned)(q->asked->reply_hash >> 32),
        (unsigned long long)q->asked->tokens_in, (unsigned long long)q->asked->tokens_out, shared,
        a->reason.n ? ": " : "", (int)a->reason.n, a->reason.n ? a->reason.at : "");
    if (text.n > EDDY_EVIDENCE_MAX)
        text.n = ed_utf8_cut(text.at, text.n, EDDY_EVIDENCE_MAX);
    return text;
}

/* An operation of the model with its evidence. NULL: no memory. */
static eddy_operation *verdict(struct ed_pass *p, const struct ed_question *q,
                               eddy_operation_kind kind, uint64_t event, uint64_t other)
{
    eddy_operation *op = ed_operation_add(p, kind, EDDY_LLM);
    if (!op)
        return NULL;
    op->event = event;
    op->other = other;
    op->evidence = evidence(p, q);
    return op->evidence.at && ed_touch(p, event) && ed_touch(p, other) ? op : NULL;
}

static eddy_status answer(struct ed_pass *p, const struct ed_question *q, const eddy_view_doubt *d,
                          int same)
{
    uint64_t other = d->doubt.kind == EDDY_DOUBT_WHOLE ? 0 : d->doubt.other;
    eddy_operation *op = verdict(p, q, EDDY_OPERATION_ANSWER, d->doubt.event, other);
    if (!op)
        return EDDY_NOMEM;
    op->event_version = d->doubt.event_version;
    op->other_version = other ? d->doubt.other_version : 0;
    op->groups = d->doubt.groups;
    op->n_groups = d->doubt.n_groups;
    op->same = same;
    op->error = ed_error_of(q->answer.confidence, p->r->options.error);
    op->similarity = d->doubt.similarity;
    return EDDY_OK;
}

static uint64_t judged_key(uint64_t position, uint64_t other)
{
    uint64_t h = ed_mix64(ed_mix64(position + 1) ^ other);
    return h ? h : 1;
}

int ed_is_judged(const eddy_reasoner *r, uint64_t position, uint64_t other)
{
    return ed_table_find(&r->judged, judged_key(position, other)) != NULL;
}

void ed_judge(eddy_reasoner *r, uint64_t position, uint64_t other)
{
    if (r->judged.n >= JUDGED_KEPT)
        ed_table_clear(&r->judged);
    (void)ed_table_put(&r->judged, judged_key(position, other), 1); /* else it is asked again */
}

static int is_sure(const struct ed_pass *p, const struct ed_question *q)
{
    return ed_error_of(q->answer.confidence, p->r->options.error) <= SURE;
}

/* Does the doubted seam run between the parts, and through none of them? */
static int along_seam(const struct ed_question *q)
{
    const eddy_doubt *d = &q->doubts[0]->doubt;
    int side_of[CHOICES_MAX + 1] = {
        0}; /* of each part: 1 among the doubt's groups, 2 not, 3 both */
    for (size_t c = 0; c < q->n_choices; c++) {
        int among = 0;
        for (size_t i = 0; i < d->n_groups; i++)
            among |= d->groups[i] == q->choices[c];
        side_of[q->answer.part[c]] |= among ? 1 : 2;
    }
    int sides = 0;
    for (size_t k = 1; k <= q->answer.n_parts; k++) {
        if (side_of[k] == 3)
            return 0;
        sides |= side_of[k];
    }
    return sides == 3;
}

/* The part with most of the shown documents stays; the next largest goes out. What is left to go is
 * seen again, as the event has changed. An unsure plan is evidence about the seam, if that. */
static eddy_status plan(struct ed_pass *p, const struct ed_question *q)
{
    const struct ed_answer *a = &q->answer;
    if (a->n_parts == 1)
        return answer(p, q, q->doubts[0], 1);
    if (!is_sure(p, q)) {
        if (along_seam(q))
            return answer(p, q, q->doubts[0], 0);
        ed_judge(p->r, UINT64_MAX, q->event->picture.id);
        return EDDY_OK;
    }
    size_t shown[CHOICES_MAX + 1] = {0};
    for (size_t i = 0; i < q->event->n_members; i++)
        for (size_t c = 0; c < q->n_choices; c++)
            shown[a->part[c]] += q->event->members[i].group == q->choices[c];
    size_t stays = 1;
    for (size_t k = 2; k <= a->n_parts; k++)
        if (shown[k] > shown[stays])
            stays = k;
    size_t goes = stays == 1 ? 2 : 1;
    for (size_t k = 1; k <= a->n_parts; k++)
        if (k != stays && shown[k] > shown[goes])
            goes = k;
    uint64_t *groups = ed_arena_alloc(p->arena, CHOICES_MAX * sizeof *groups);
    eddy_operation *op = verdict(p, q, EDDY_OPERATION_SPLIT, q->event->picture.id, 0);
    if (!groups || !op)
        return EDDY_NOMEM;
    op->event_version = q->event->picture.version;
    op->groups = groups;
    for (size_t c = 0; c < q->n_choices; c++)
        if (a->part[c] == goes)
            groups[op->n_groups++] = q->choices[c];
    return EDDY_OK;
}

/* The place of an event among the choices; it is one of them. */
static size_t choice_of(const struct ed_question *q, uint64_t event)
{
    size_t c = 0;
    while (c + 1 < q->n_choices && q->choices[c] != event)
        c++;
    return c;
}

/* One judgement is not many. Of the doubts within a part as many are answered as it takes to join
 * it, and of those between two parts one, the least certain first; the others follow from these and
 * would count the same evidence again. (With all of them answered news_uci2014 fell from BCubed F1
 * 0.82 to 0.78.) Where an event was left out, nothing was said of it. */
static eddy_status group(struct ed_pass *p, const struct ed_question *q)
{
    const uint8_t *part = q->answer.part;
    uint8_t joined[CHOICES_MAX]; /* events that answers have joined have the same number */
    uint8_t apart[CHOICES_MAX + 1][CHOICES_MAX + 1] = {{0}};
    for (size_t c = 0; c < q->n_choices; c++)
        joined[c] = (uint8_t)c;
    for (size_t i = 0; i < q->n_doubts; i++) {
        size_t a = choice_of(q, q->doubts[i]->doubt.event);
        size_t b = choice_of(q, q->doubts[i]->doubt.other);
        if (!part[a] || !part[b]) {
            p->r->stats.ignored++;
            continue;
        }
        int same = part[a] == part[b];
        if (same ? joined[a] == joined[b] : apart[part[a]][part[b]])
            continue;
        apart[part[a]][part[b]] = apart[part[b]][part[a]] = 1;
        for (size_t c = 0, old = joined[b]; same && c < q->n_choices; c++)
            if (joined[c] == old)
                joined[c] = joined[a];
        eddy_status st = answer(p, q, q->doubts[i], same);
        if (st != EDDY_OK)
            return st;
    }
    return EDDY_OK;
}

/* It goes to one of the others where the model is sure; where it stays nothing is to be done. */
static eddy_status place(struct ed_pass *p, const struct ed_question *q)
{
    if (q->answer.choice == NOTHING || q->answer.choice == 0 || !is_sure(p, q)) {
        for (size_t i = 0; i < q->n_doubts; i++)
            ed_judge(p->r, q->doubts[i]->doubt.position, q->doubts[i]->doubt.other);
        return EDDY_OK;
    }
    for (size_t i = 0; i < q->n_doubts; i++) {
        const eddy_doubt *d = &q->doubts[i]->doubt;
        if (d->other != q->choices[q->answer.choice])
            continue;
        eddy_operation *op = verdict(p, q, EDDY_OPERATION_REASSIGN, d->event, d->other);
        if (!op)
            return EDDY_NOMEM;
        op->event_version = d->event_version;
        op->other_version = d->other_version;
        op->position = d->position;
        break;
    }
    return EDDY_OK;
}

static eddy_status odd(struct ed_pass *p, const struct ed_question *q)
{
    const eddy_member *last = &q->event->members[q->event->n_members - 1];
    if (q->answer.choice == NOTHING || !is_sure(p, q)) {
        ed_judge(p->r, last->position, 0);
        return EDDY_OK;
    }
    eddy_operation *op = verdict(p, q, EDDY_OPERATION_REASSIGN, q->event->picture.id, 0);
    if (!op)
        return EDDY_NOMEM;
    op->event_version = q->event->picture.version;
    op->position = q->event->members[q->choices[q->answer.choice]].position;
    return ed_table_put(&p->r->odd, op->position + 1, last->position) ? EDDY_OK : EDDY_NOMEM;
}

eddy_status ed_verdicts(struct ed_pass *p)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < p->n_questions && st == EDDY_OK; i++) {
        const struct ed_question *q = &p->questions[i];
        if (!q->answered)
            continue;
        switch (q->prompt) {
        case EDDY_PROMPT_SAME: st = answer(p, q, q->doubts[0], q->answer.same); break;
        case EDDY_PROMPT_PLAN: st = plan(p, q); break;
        case EDDY_PROMPT_GROUP: st = group(p, q); break;
        case EDDY_PROMPT_PLACE: st = place(p, q); break;
        case EDDY_PROMPT_ODD: st = odd(p, q); break;
        default: break; /* names come last */
        }
    }
    return st;
}

/* ---- names ---- */

static eddy_status describe(struct ed_pass *p, uint64_t id, uint64_t version, eddy_str name,
                            eddy_str summary, eddy_str category, eddy_str text)
{
    if (ed_is_touched(p, id))
        return EDDY_OK; /* a later pass offers it, on the picture that comes out of this one */
    eddy_operation *op = ed_operation_add(p, EDDY_OPERATION_DESCRIBE, EDDY_LLM);
    if (!op || !text.at || !ed_table_put(&p->described, id, 1))
        return EDDY_NOMEM;
    op->event = id;
    op->event_version = version;
    op->name = name;
    op->summary = summary;
    op->category = category;
    op->evidence = text;
    return EDDY_OK;
}

/* The answer is kept until it was applied. */
static eddy_status learn(struct ed_pass *p, const struct ed_question *q)
{
    const struct ed_answer *a = &q->answer;
    uint64_t id = q->topic ? q->topic->id : q->event->picture.id;
    struct ed_known *known = ed_known_put(&p->r->knowledge, id);
    if (!known || !ed_known_text(&known->name, a->name) ||
        !ed_known_text(&known->summary, a->summary) ||
        !ed_known_text(&known->category, a->category))
        return EDDY_NOMEM;
    known->size = q->topic ? (double)q->topic->n_events : q->event->picture.size;
    return describe(p, id, q->topic ? q->topic->version : q->event->picture.version, a->name,
                    a->summary, a->category, evidence(p, q));
}

/* Descriptions that were bought before and came too late then. */
static eddy_status offer_again(struct ed_pass *p, uint64_t id, uint64_t version,
                               const struct ed_known *known)
{
    const char *texts[] = {known->name, known->summary, known->category};
    eddy_str copies[3];
    for (size_t i = 0; i < 3; i++) {
        copies[i] =
            ed_arena_str(p->arena, texts[i] ? texts[i] : "", texts[i] ? strlen(texts[i]) : 0);
        if (!copies[i].at)
            return EDDY_NOMEM;
    }
    return describe(p, id, version, copies[0], copies[1], copies[2],
                    ed_arena_printf(p->arena, "%.80s, answered in an earlier pass",
                                    p->r->options.model ? p->r->options.model : "llm"));
}

eddy_status ed_verdicts_names(struct ed_pass *p)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < p->n_questions && st == EDDY_OK; i++) {
        const struct ed_question *q = &p->questions[i];
        if (q->answered && (q->prompt == EDDY_PROMPT_NAME || q->prompt == EDDY_PROMPT_TOPIC))
            st = learn(p, q);
    }
    return st;
}

eddy_status ed_verdicts_pending(struct ed_pass *p)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < p->n_events && st == EDDY_OK; i++) {
        const eddy_event *picture = &p->events[i]->picture;
        const struct ed_known *known = ed_pending(p->r, picture);
        if (known)
            st = offer_again(p, picture->id, picture->version, known);
    }
    for (size_t i = 0; i < p->view->n_topics && st == EDDY_OK; i++) {
        const eddy_topic *topic = &p->view->topics[i];
        const struct ed_known *known = ed_known_find(&p->r->knowledge, topic->id);
        if (known && known->name && topic->named_by < EDDY_LLM)
            st = offer_again(p, topic->id, topic->version, known);
    }
    return st;
}
