/* Is an operation among those that a view offers? Written from the contract, not from the code. */
#ifndef EDDY_TEST_REASON_OFFER_H
#define EDDY_TEST_REASON_OFFER_H

#include "base/utf8.h"

#include <eddy/reason.h>

#include <stdio.h>
#include <string.h>

static inline const eddy_view_event *offer_event(const eddy_view *v, uint64_t id)
{
    for (size_t i = 0; i < v->n_events; i++)
        if (v->events[i].picture.id == id)
            return &v->events[i];
    return NULL;
}

/* A doubt about these two (other 0: about the groups of one), in this order or, unordered, in any.
 */
static inline const eddy_doubt *offer_doubt(const eddy_view *v, eddy_doubt_kind kind,
                                            uint64_t event, uint64_t other, int unordered)
{
    for (size_t i = 0; i < v->n_doubts; i++) {
        const eddy_doubt *d = &v->doubts[i].doubt;
        if (d->kind == kind && ((d->event == event && d->other == other) ||
                                (unordered && d->event == other && d->other == event)))
            return d;
    }
    return NULL;
}

static inline int offer_has_group(const eddy_view *v, uint64_t event, uint64_t group)
{
    const eddy_view_event *e = offer_event(v, event);
    for (size_t i = 0; e && i < e->n_members; i++)
        if (e->members[i].group == group)
            return 1;
    const eddy_doubt *d = offer_doubt(v, EDDY_DOUBT_WHOLE, event, 0, 0);
    for (size_t i = 0; d && i < d->n_groups; i++)
        if (d->groups[i] == group)
            return 1;
    return 0;
}

/* One line of visible characters without a link, of at most so many characters. */
static inline int offer_plain(eddy_str text, size_t chars_max)
{
    static const int32_t hidden[][2] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
        {0x115f, 0x1160}, {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},
        {0x2060, 0x206f}, {0x3164, 0x3164}, {0xe000, 0xf8ff}, {0xfe00, 0xfe0f},
        {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0xe0000, 0x10ffff}};
    size_t chars = 0;
    for (size_t i = 0; i < text.n; chars++) {
        int32_t c;
        i += ed_utf8_next(text.at + i, text.n - i, &c);
        for (size_t k = 0; k < sizeof hidden / sizeof *hidden; k++)
            if (c < 0 || (c >= hidden[k][0] && c <= hidden[k][1]))
                return 0;
    }
    return chars <= chars_max &&
           !(text.n && (strstr(text.at, "://") || strstr(text.at, "www.") ||
                        strstr(text.at, "](") || strstr(text.at, "<a") || strstr(text.at, "<s") ||
                        strstr(text.at, "<i") || strstr(text.at, "javascript:")));
}

/* NULL: it is; else what is wrong with it. */
static inline const char *offer_denies(const eddy_view *v, const eddy_operation *op)
{
    const eddy_view_event *e = offer_event(v, op->event);
    const eddy_doubt *d;
    if (op->evidence.n > EDDY_EVIDENCE_MAX || !offer_plain(op->evidence, EDDY_EVIDENCE_MAX))
        return "the evidence is too long, or not plain";
    switch (op->kind) {
    case EDDY_OPERATION_ANSWER:
        d = offer_doubt(v, op->other ? EDDY_DOUBT_SAME : EDDY_DOUBT_WHOLE, op->event, op->other, 0);
        if (!d || d->event_version != op->event_version || d->other_version != op->other_version)
            return "an answer to what was not asked";
        if (d->n_groups != op->n_groups || (op->same != 0 && op->same != 1))
            return "an answer about other groups";
        return op->error > 0 && op->error < 0.5 ? NULL : "an answer too sure, or not at all";
    case EDDY_OPERATION_MERGE:
        if (op->actor != EDDY_STATISTICS ||
            !offer_doubt(v, EDDY_DOUBT_SAME, op->event, op->other, 1))
            return "a merge of what was not doubted";
        return op->event_version && op->other_version ? NULL : "a merge of any version";
    case EDDY_OPERATION_SPLIT:
        for (size_t i = 0; i < op->n_groups; i++)
            if (!offer_has_group(v, op->event, op->groups[i]))
                return "a split by a group of another event";
        return op->n_groups && op->event_version ? NULL : "a split of nothing";
    case EDDY_OPERATION_REASSIGN:
        if (op->other)
            return offer_doubt(v, EDDY_DOUBT_PLACE, op->event, op->other, 0) ? NULL
                                                                             : "a move elsewhere";
        for (size_t i = 0; e && i < e->n_members; i++)
            if (e->members[i].position == op->position)
                return NULL;
        return "a document of another event";
    case EDDY_OPERATION_DESCRIBE: {
        int topic = 0;
        for (size_t i = 0; i < v->n_topics; i++)
            topic |= v->topics[i].id == op->event && v->topics[i].version == op->event_version;
        if (!topic && (!e || e->picture.version != op->event_version))
            return "a name for what is not there";
        if (!offer_plain(op->name, 80) || (op->actor == EDDY_LLM && !op->name.n))
            return "a name that is not plain, or empty";
        if (!offer_plain(op->summary, 400) || !offer_plain(op->category, 80))
            return "a summary or a category that is not plain";
        return op->name.n <= EDDY_NAME_MAX && op->summary.n <= EDDY_SUMMARY_MAX &&
                       op->category.n <= EDDY_CATEGORY_MAX
                   ? NULL
                   : "a text that is too long";
    }
    default: return "an operation that a reasoner does not make";
    }
}

#endif
