/* The page of an event: what its picture says, and what happened to it. */
#include "cli/top.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "cli/look.h"
#include "cli/story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 2000 /* bytes of one text */

void ed_sheet_clear(struct ed_sheet *page)
{
    for (size_t i = 0; i < page->n; i++)
        ed_free(page->lines[i].text);
    ed_free(page->lines);
    *page = (struct ed_sheet){0};
}

/* ---- lines ---- */

static void line_add(struct ed_sheet *page, enum ed_ink ink, size_t margin, const char *text,
                     size_t n)
{
    struct ed_sheet_line *list =
        ed_list_room(page->lines, page->n, &page->room, sizeof *page->lines);
    char *copy = list ? ed_alloc(margin + n + 1) : NULL;
    page->lines = list ? list : page->lines;
    page->failed |= !copy;
    if (!copy)
        return;
    memset(copy, ' ', margin);
    memcpy(copy + margin, text, n);
    copy[margin + n] = 0;
    page->lines[page->n++] = (struct ed_sheet_line){ink, copy};
}

/* Bytes of text that go on a line of so many columns: up to a blank, or through a word that has
 * none. */
static size_t line_fill(const char *text, size_t n, size_t columns)
{
    size_t at = 0, blank = 0;
    while (at < n) {
        int32_t c;
        size_t size = ed_utf8_next(text + at, n - at, &c);
        if (at && ed_text_columns(text, at + size) > columns)
            return blank ? blank : at;
        if (c == ' ')
            blank = at;
        at += size;
    }
    return n;
}

/* A text over as many lines as it needs, the second one and more behind a margin. */
__attribute__((format(printf, 4, 5))) static void text_add(struct ed_sheet *page, enum ed_ink ink,
                                                           size_t margin, const char *format, ...)
{
    char raw[TEXT_MAX], text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    ed_text_fit(raw, strlen(raw), sizeof raw, 0, text, sizeof text);
    size_t columns = page->columns > margin + 10 ? page->columns - margin : 10;
    size_t n = strlen(text), at = line_fill(text, n, page->columns);
    line_add(page, ink, 0, text, at);
    while (at < n) {
        at += text[at] == ' ';
        size_t more = line_fill(text + at, n - at, columns);
        if (more)
            line_add(page, ink, margin, text + at, more);
        at += more;
    }
}

/* ---- what there is to say ---- */

static char *signal_text(const struct ed_row *row, const json_t *json, char ret[80])
{
    char since[ED_TEXT];
    int64_t since_ms = ed_look_time(json, "signal_since");
    *ret = 0;
    if (row->signal != ED_ROSTER_CALM)
        snprintf(ret, 80, "%s%s%s",
                 row->signal == ED_ROSTER_BURST ? ", in a burst" : ", unusually quiet",
                 since_ms < 0 ? "" : " since ",
                 since_ms < 0 ? "" : ed_text_minute(since_ms, since));
    return ret;
}

static void head_add(struct ed_sheet *page, const struct ed_roster *roster,
                     const struct ed_row *row, const json_t *json)
{
    char size[ED_TEXT], signal[80], grown[80] = "", number[ED_TEXT], first[ED_TEXT], last[ED_TEXT];
    const char *by = ed_look_text(json, "named_by");
    text_add(page, ED_BOLD, 2, "E%" PRIu64 "  %s", row->id, row->name.at);
    if (row->growth >= 0.5)
        snprintf(grown, sizeof grown, ", %s of them in the last %s",
                 ed_text_number((uint64_t)(row->growth + 0.5), number),
                 ed_roster_interval_text(roster->interval));
    text_add(page, ED_PLAIN, 2, "  %s%s, %s documents%s%s%s%s", ed_look_text(json, "state"),
             signal_text(row, json, signal), ed_text_number((uint64_t)(row->size + 0.5), size),
             grown, *by ? ", named by " : "", by, row->pinned ? ", pinned" : "");
    text_add(page, ED_PLAIN, 2, "  first seen %s, last seen %s",
             ed_text_minute(row->first_ms, first), ed_text_minute(row->last_ms, last));
}

static void trend_add(struct ed_sheet *page, const struct ed_roster *roster,
                      const struct ed_row *row)
{
    double counts[48];
    char blocks[3 * 48 + 1];
    size_t n = page->columns > 72 ? 48 : page->columns > 40 ? page->columns - 24 : 16;
    ed_curve_counts(&row->curve, roster->now_ms, roster->interval, counts, n);
    text_add(page, ED_GREEN, 2, "  |%s| %s each", ed_curve_text(counts, n, blocks),
             ed_roster_interval_text(roster->interval));
}

static void words_add(struct ed_sheet *page, const struct ed_row *row, const json_t *json)
{
    const char *summary = ed_look_text(json, "summary"), *category = ed_look_text(json, "category");
    const char *topic = ed_look_text(json, "topic");
    if (*summary)
        text_add(page, ED_PLAIN, 2, "  %s", summary);
    if (*category || *topic)
        text_add(page, ED_PLAIN, 2, "  %s%s%s%s", category, *category && *topic ? ", " : "",
                 *topic ? "in topic " : "", topic);
    if (row->keywords.n)
        text_add(page, ED_CYAN, 2, "  %s", row->keywords.at);
}

static void exemplars_add(struct ed_sheet *page, const json_t *json)
{
    const json_t *list = json_object_get(json, "exemplars");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        char when[ED_TEXT];
        if (!i)
            text_add(page, ED_BOLD, 0, "Documents, the most central first, the newest last");
        text_add(
            page, ED_PLAIN, 21, "  %s  %.2f  %s", ed_text_minute(ed_look_time(item, "time"), when),
            json_number_value(json_object_get(item, "similarity")), ed_look_text(item, "title"));
    }
}

static void similar_add(struct ed_sheet *page, const struct ed_roster *roster, const json_t *json)
{
    const json_t *list = json_object_get(json, "similar");
    size_t told = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const struct ed_row *other =
            ed_roster_find(roster, ed_roster_where(roster, ed_look_number(item, "event")));
        if (!other)
            continue;
        if (!told++)
            text_add(page, ED_BOLD, 0, "Similar events (similarity, and what a merge asks)");
        text_add(page, ED_PLAIN, 23, "  E%-7" PRIu64 " %.2f of %.2f  %s", other->id,
                 json_number_value(json_object_get(item, "similarity")),
                 json_number_value(json_object_get(item, "threshold")), other->name.at);
    }
}

static void story_add(struct ed_sheet *page, const struct ed_roster *roster, uint64_t event)
{
    struct ed_story story = {0};
    struct ed_story_line line;
    json_t *changes = ed_roster_changes(roster, event);
    page->failed |= !changes || ed_story_of(&story, changes, event, NULL) != EDDY_OK;
    for (size_t at = 0, told = 0; !page->failed && ed_story_next(&story, &at, &line);) {
        char when[ED_TEXT];
        if (!told++)
            text_add(page, ED_BOLD, 0, "What happened");
        text_add(page, ED_PLAIN, 15, "  %s  %s%s%s", ed_text_minute(line.time_ms, when), line.words,
                 *line.evidence ? "; " : "", line.evidence);
        if (*line.author)
            text_add(page, ED_CYAN, 15, "               %s", line.author);
    }
    ed_story_clear(&story);
    json_decref(changes);
}

void ed_sheet_write(struct ed_sheet *page, const struct ed_roster *roster, uint64_t event,
                    size_t columns)
{
    uint64_t now = ed_roster_where(roster, event);
    const struct ed_row *row = ed_roster_find(roster, now);
    ed_sheet_clear(page);
    page->columns = columns;
    if (now != event)
        text_add(page, ED_YELLOW, 0, "E%" PRIu64 " went into E%" PRIu64 ":", event, now);
    if (!row) {
        text_add(page, ED_PLAIN, 0, "Nothing is kept of E%" PRIu64 " any more.", now);
        return;
    }
    json_t *json = json_loadb(row->json.at, row->json.n, 0, NULL);
    head_add(page, roster, row, json);
    trend_add(page, roster, row);
    words_add(page, row, json);
    exemplars_add(page, json);
    similar_add(page, roster, json);
    story_add(page, roster, now);
    json_decref(json);
}
