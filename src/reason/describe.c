/* Describe: names and summaries of events from keywords and exemplars.
 *
 * The name is the title, among the most central ones, that holds most of what is typical of the
 * event (its keywords by contrast); where titles say nothing, the keywords themselves. The summary
 * is one sentence with what somebody on call wants to know: how much, since when, about what.
 *
 * Nothing is remembered here: an event is described again when it has grown past what its own
 * summary says, and that is read from the summary. So a pass after a restart decides as one without
 * would have. A name that still holds most of the keywords stays. */
#include "reason/inside.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#define KEEPS      0.75 /* of the best title's share of the keywords: the old name stays */
#define WORDS_SAID 5
#define TITLE_SAID 120 /* characters */

/* ---- is it due? ---- */

/* The size that a summary of ours begins with; 0: it is none of ours. */
static double size_said(eddy_str summary)
{
    double size = 0;
    size_t i = 0;
    for (; i < summary.n && i < 15 && summary.at[i] >= '0' && summary.at[i] <= '9'; i++)
        size = size * 10 + (summary.at[i] - '0');
    return i && i < summary.n && summary.at[i] == ' ' ? size : 0;
}

static int is_due(const struct ed_pass *p, const eddy_event *picture)
{
    if (picture->state != EDDY_ACTIVE || picture->pinned || picture->size < DESCRIBED_MIN ||
        picture->described_by > EDDY_STATISTICS)
        return 0;
    double said = size_said(picture->summary);
    double grown = p->r->options.grown;
    return !(said > 0) || picture->size >= said * grown || picture->size * grown <= said;
}

/* ---- the name ---- */

/* The share of the keywords, by their scores, that the title holds. A keyword is a run of letters
 * to the engine as well, or one with a sign in it that all of its parts stand for. */
static double share_of(const eddy_event *picture, eddy_str title)
{
    struct ed_words words = {.n = 0};
    ed_words_add(&words, title);
    double all = 0;
    double held = 0;
    for (uint32_t i = 0; i < picture->n_keywords; i++) {
        struct ed_words parts = {.n = 0};
        ed_words_add(&parts, picture->keywords[i].word);
        double score = (double)picture->keywords[i].score;
        all += score;
        if (parts.n && ed_words_common(&parts, &words) == parts.n)
            held += score;
    }
    return all > 0 ? held / all : 0;
}

/* The best title of the central exemplars, cleaned. The newest one is not central: it counts where
 * it is the only one. n 0: no title says anything. */
static eddy_status best_title(struct ed_pass *p, const eddy_event *picture, eddy_str *ret,
                              double *ret_share)
{
    uint32_t n = picture->n_exemplars > 1 ? picture->n_exemplars - 1 : picture->n_exemplars;
    *ret = (eddy_str){"", 0};
    *ret_share = -1;
    for (uint32_t i = 0; i < n; i++) {
        eddy_str title;
        if (ed_plain(picture->exemplars[i].title, NAME_CHARS, EDDY_NAME_MAX, p->arena, &title,
                     NULL) != EDDY_OK)
            return EDDY_NOMEM;
        double share = share_of(picture, title);
        if (title.n && share > *ret_share + 1e-9) { /* of two that are as good the more central */
            *ret = title;
            *ret_share = share;
        }
    }
    return EDDY_OK;
}

static void add_keywords(struct ed_bytes *b, const eddy_event *picture, uint32_t most)
{
    for (uint32_t i = 0; i < picture->n_keywords && i < most; i++)
        ed_bytes_printf(b, "%s%.*s", i ? ", " : "", (int)picture->keywords[i].word.n,
                        picture->keywords[i].word.at);
}

/* n 0: the name that it has stays. */
static eddy_status name_of(struct ed_pass *p, const eddy_event *picture, eddy_str title,
                           double share, eddy_str *ret)
{
    *ret = (eddy_str){"", 0};
    if (picture->named_by > EDDY_STATISTICS)
        return EDDY_OK;
    if (picture->named_by == EDDY_STATISTICS && picture->name.n &&
        share_of(picture, picture->name) >= KEEPS * share)
        return EDDY_OK;
    struct ed_words words = {.n = 0};
    ed_words_add(&words, title);
    struct ed_bytes b;
    ed_bytes_init(&b, 4096);
    int says_little = !(share > 0) && words.n < 4 && picture->n_keywords;
    ed_bytes_add(&b, title.at, title.n);
    if (says_little) {
        ed_bytes_add_str(&b, title.n ? " (" : "");
        add_keywords(&b, picture, 3);
        ed_bytes_add_str(&b, title.n ? ")" : "");
    }
    eddy_status st = b.failed ? EDDY_NOMEM
                              : ed_plain((eddy_str){b.n ? b.at : "", b.n}, NAME_CHARS,
                                         EDDY_NAME_MAX, p->arena, ret, NULL);
    ed_bytes_clear(&b);
    return st;
}

/* ---- the summary ---- */

/* "4 minutes", "3 hours", "12 days": rounded down, from the unit of which there are two. */
static void span_text(int64_t ms, char ret[40])
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "days"}, {3600000, "hours"}, {60000, "minutes"}, {1000, "seconds"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (ms >= 2 * units[i].ms) {
            snprintf(ret, 40, "%lld %s", (long long)(ms / units[i].ms), units[i].name);
            return;
        }
    snprintf(ret, 40, "a moment");
}

static eddy_status summary_of(struct ed_pass *p, const eddy_event *picture, eddy_str title,
                              eddy_str *ret)
{
    char span[40];
    char first[ED_TIME_TEXT];
    span_text(picture->last_ms - picture->first_ms, span);
    ed_time_text(picture->first_ms, first);
    first[10] = ' ';
    first[16] = 0;
    eddy_str quoted = {"", 0};
    struct ed_bytes b;
    ed_bytes_init(&b, 4096);
    ed_bytes_printf(&b, "%.0f documents within %s since %s UTC", picture->size, span, first);
    if (picture->n_keywords) {
        ed_bytes_add_str(&b, " about ");
        add_keywords(&b, picture, WORDS_SAID);
    }
    eddy_status st =
        title.n ? ed_plain(title, TITLE_SAID, 4 * TITLE_SAID, p->arena, &quoted, NULL) : EDDY_OK;
    if (quoted.n)
        ed_bytes_printf(&b, ", such as \"%.*s\"", (int)quoted.n, quoted.at);
    ed_bytes_add_str(&b, ".");
    if (st == EDDY_OK)
        st = b.failed ? EDDY_NOMEM
                      : ed_plain((eddy_str){b.at, b.n}, SUMMARY_CHARS, EDDY_SUMMARY_MAX, p->arena,
                                 ret, NULL);
    ed_bytes_clear(&b);
    return st;
}

static eddy_status describe(struct ed_pass *p, const eddy_event *picture)
{
    eddy_str title;
    double share;
    eddy_str name;
    eddy_str summary;
    eddy_status st = best_title(p, picture, &title, &share);
    if (st == EDDY_OK)
        st = name_of(p, picture, title, share, &name);
    eddy_str central = picture->n_exemplars ? picture->exemplars[0].title : title;
    if (st == EDDY_OK)
        st = summary_of(p, picture, central, &summary);
    if (st != EDDY_OK)
        return st;
    double said = size_said(picture->summary);
    eddy_operation *op = ed_operation_add(p, EDDY_OPERATION_DESCRIBE, EDDY_STATISTICS);
    if (!op || !ed_table_put(&p->told, picture->id, 1))
        return EDDY_NOMEM;
    op->event = picture->id;
    op->event_version = picture->version;
    op->name = name;
    op->summary = summary;
    op->evidence =
        said > 0 ? ed_arena_printf(p->arena, "from %.0f to %.0f documents", said, picture->size)
                 : ed_arena_printf(p->arena, "%.0f documents", picture->size);
    return op->evidence.at ? EDDY_OK : EDDY_NOMEM;
}

eddy_status ed_statistics_describe(struct ed_pass *p, const struct ed_table *held)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < p->view->n_events && st == EDDY_OK; i++) {
        const eddy_event *picture = &p->view->events[i].picture;
        if (is_due(p, picture) && !ed_is_touched(p, picture->id) &&
            !ed_table_find(&p->described, picture->id) && !ed_table_find(&p->told, picture->id) &&
            !(held && ed_table_find(held, picture->id)))
            st = describe(p, picture);
    }
    return st;
}
