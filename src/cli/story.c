/* Story: an event's own changes, and those of the events that merged into it, as the changes topic
 * has them. Two passes would be needed to know beforehand who will merge into whom; one is enough
 * when every change is kept by its event until the end. */
#include "cli/story.h"

#include "base/error.h"
#include "base/table.h"
#include "cli/labels.h"

#include <inttypes.h>
#include <string.h>

struct reading {
    struct ed_story *story;
    struct ed_table into; /* event to the one that it went into */
};

/* Neither what was taken back nor what took it back can be taken back. */
static int settle(struct ed_table *settled, const json_t *operation)
{
    json_int_t number = json_integer_value(operation);
    return number <= 0 || ed_table_put(settled, (uint64_t)number, 1) != NULL;
}

/* What one change says of others. 0: no memory. */
static int change_note(struct reading *r, const json_t *json)
{
    uint64_t event = ed_look_number(json, "event"), other = ed_look_number(json, "other");
    const char *kind = ed_look_text(json, "kind");
    if (!strcmp(kind, "merged") && event && other)
        return ed_table_put(&r->into, event, other) != NULL;
    if (!strcmp(kind, "undone"))
        return settle(&r->story->settled, json_object_get(json, "undone")) &&
               settle(&r->story->settled, json_object_get(json, "operation"));
    return 1;
}

static json_int_t operation_of(const json_t *change)
{
    return json_integer_value(json_object_get(change, "operation"));
}

/* Where an event is now. A chain has no circle: ids are never used again. */
static uint64_t now_of(const struct reading *r, uint64_t event)
{
    for (const uint64_t *into; (into = ed_table_find(&r->into, event));)
        event = *into;
    return event;
}

/* Growth and folded groups say nothing of what went where. */
static int is_told(const json_t *change)
{
    static const char *const quiet[] = {"folded", "drifted"};
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        if (!strcmp(ed_look_text(change, "kind"), quiet[i]))
            return 0;
    return 1;
}

eddy_status ed_story_of(struct ed_story *story, const json_t *changes, uint64_t event,
                        eddy_error *err)
{
    struct reading r = {.story = story};
    *story = (struct ed_story){.event = event, .changes = json_array()};
    ed_table_init(&r.into);
    ed_table_init(&story->settled);
    int whole = story->changes != NULL;
    for (size_t i = 0; i < json_array_size(changes) && whole; i++)
        whole = change_note(&r, json_array_get(changes, i));
    story->now = now_of(&r, event);
    for (size_t i = 0; i < json_array_size(changes) && whole; i++) {
        json_t *change = json_array_get(changes, i);
        uint64_t a = ed_look_number(change, "event"), b = ed_look_number(change, "other");
        int ours = a == event || b == event || (a && now_of(&r, a) == event);
        if (ours && is_told(change))
            whole = json_array_append(story->changes, change) == 0;
    }
    ed_table_clear(&r.into);
    return whole ? EDDY_OK : eddy_fail_nomem(err, "changes", 0);
}

static eddy_status change_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    return json_array_append(user, json) == 0 ? EDDY_OK : eddy_fail_nomem(err, "changes", raw->n);
}

eddy_status ed_story_read(struct ed_story *story, struct ed_config *config, const char *dir,
                          uint64_t event, eddy_error *err)
{
    json_t *all = json_array();
    *story = (struct ed_story){.event = event};
    ed_table_init(&story->settled);
    eddy_status st = all ? ed_look(config, dir, ED_CHANGES, change_take, all, err)
                         : eddy_fail_nomem(err, "changes", 0);
    if (st == EDDY_OK)
        st = ed_story_of(story, all, event, err);
    if (st == EDDY_OK && !json_array_size(story->changes))
        st = eddy_fail(err, EDDY_INVALID, "nothing is told of E%" PRIu64, event);
    json_decref(all);
    return st;
}

void ed_story_clear(struct ed_story *story)
{
    json_decref(story->changes);
    story->changes = NULL;
    ed_table_clear(&story->settled);
}

/* ---- words ---- */

static double number_of(const json_t *c, const char *key)
{
    return json_number_value(json_object_get(c, key));
}

/* The same of a signal; 0: it is none. */
static int signal_words(const json_t *c, char *ret, size_t n)
{
    const char *kind = ed_look_text(c, "kind"), *event = ed_look_text(c, "event");
    const char *incident = ed_look_text(c, "incident");
    double observed = number_of(c, "observed"), expected = number_of(c, "expected");
    char since[ED_TEXT];
    ed_text_minute(ed_look_time(c, "start"), since);
    if (!strcmp(kind, "burst"))
        snprintf(ret, n, "%s bursts: %.0f since %s where %.3g are usual%s%s", event, observed, since,
                 expected, *incident ? "; incident " : "", incident);
    else if (!strcmp(kind, "burst_ended"))
        snprintf(ret, n, "the burst of %s since %s is over: %.0f where %.3g are usual", event, since,
                 observed, expected);
    else if (!strcmp(kind, "quiet"))
        snprintf(ret, n, "%s is quiet: nothing since %s where %.3g are usual", event, since,
                 expected);
    else if (!strcmp(kind, "quiet_ended"))
        snprintf(ret, n, "%s is heard again, quiet since %s", event, since);
    else if (!strcmp(kind, "trend"))
        snprintf(ret, n, "%s has gone %s: %.3g an hour, %.3g when last told, %s", event,
                 ed_look_text(c, "direction"), observed, expected, since);
    else
        return 0;
    return 1;
}

/* What happened, as a sentence without its end. */
static void change_words(const json_t *c, uint64_t about, char *ret, size_t n)
{
    const char *kind = ed_look_text(c, "kind"), *event = ed_look_text(c, "event");
    const char *other = ed_look_text(c, "other"), *group = ed_look_text(c, "group");
    double after = json_number_value(json_object_get(c, "size_after"));
    double other_after = json_number_value(json_object_get(c, "other_after"));
    const char *document = ed_look_text(c, "document");
    char shown[300];
    int own = ed_look_number(c, "event") == about;
    if (signal_words(c, ret, n))
        return;
    if (!strcmp(kind, "merged"))
        snprintf(ret, n, own ? "%s went into %s" : "%s came into %s, which has %.0f documents now",
                 event, other, other_after);
    else if (!strcmp(kind, "split"))
        snprintf(ret, n, own ? "%s was split off %s" : "%s was split off %s, which lives on", event,
                 other);
    else if (!strcmp(kind, "moved"))
        snprintf(ret, n, "group %s went from %s to %s", group, other, event);
    else if (!strcmp(kind, "reassigned"))
        snprintf(ret, n, "document %s went from %s to %s",
                 ed_text_fit(document, strlen(document), 60, 0, shown, sizeof shown), other, event);
    else if (!strcmp(kind, "grew"))
        snprintf(ret, n, "%s has grown to %.0f documents", event, after);
    else if (!strcmp(kind, "renamed"))
        snprintf(ret, n, "%s has got another name", event);
    else if (!strcmp(kind, "linked"))
        snprintf(ret, n, "%s and %s are said to be %s", event, other,
                 json_number_value(json_object_get(c, "strength")) > 0 ? "the same" : "different");
    else if (!strcmp(kind, "undone"))
        snprintf(ret, n, "operation %" JSON_INTEGER_FORMAT " was taken back",
                 json_integer_value(json_object_get(c, "undone")));
    else
        snprintf(ret, n, "%s was %s", event, kind);
}

/* "similarity 0.61 where 0.43 was asked" */
static void evidence_words(const json_t *c, char *ret, size_t n)
{
    const json_t *similarity = json_object_get(c, "similarity");
    const json_t *threshold = json_object_get(c, "threshold");
    *ret = 0;
    if (json_is_number(similarity) && json_is_number(threshold))
        snprintf(ret, n, "similarity %.2f where %.2f was asked", json_number_value(similarity),
                 json_number_value(threshold));
}

/* Who decided, and the command that takes it back. */
static void author_words(const struct ed_story *story, const json_t *c, char *ret, size_t n)
{
    char said[600], undo[60] = "";
    const char *why = ed_look_text(c, "evidence");
    json_int_t operation = operation_of(c);
    if (!ed_table_find(&story->settled, (uint64_t)operation))
        snprintf(undo, sizeof undo, "  (eddy undo %" JSON_INTEGER_FORMAT ")", operation);
    snprintf(ret, n, "by %s%s%s%s", ed_look_text(c, "actor"), *why ? ": " : "",
             ed_text_fit(why, strlen(why), 120, 0, said, sizeof said), undo);
}

/* 1: groups that went the same way at the same moment are told in one line. */
static int goes_along(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"kind", "event", "other"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(ed_look_text(a, keys[i]), ed_look_text(b, keys[i])) != 0)
            return 0;
    return !strcmp(ed_look_text(a, "kind"), "moved") &&
           json_equal(json_object_get(a, "position"), json_object_get(b, "position"));
}

int ed_story_next(const struct ed_story *story, size_t *at, struct ed_story_line *ret)
{
    const json_t *c = json_array_get(story->changes, *at), *next;
    size_t along = 1;
    if (!c)
        return 0;
    for (; (next = json_array_get(story->changes, ++*at)) && goes_along(c, next); c = next)
        along++;
    *ret = (struct ed_story_line){.time_ms = ed_look_time(c, "time")};
    if (along > 1) {
        snprintf(ret->words, sizeof ret->words, "%zu groups went from %s to %s", along,
                 ed_look_text(c, "other"), ed_look_text(c, "event"));
    } else {
        change_words(c, story->event, ret->words, sizeof ret->words);
        evidence_words(c, ret->evidence, sizeof ret->evidence);
    }
    /* Below the last change that came of it. */
    if (operation_of(c) && (!next || operation_of(next) != operation_of(c)))
        author_words(story, c, ret->author, sizeof ret->author);
    return 1;
}

void ed_story_print(const struct ed_story *story, struct ed_view *view)
{
    char when[ED_TEXT];
    struct ed_story_line line;
    for (size_t at = 0; ed_story_next(story, &at, &line);) {
        ed_view_line(view, "  %s  %s%s%s%s%s", ed_text_minute(line.time_ms, when), line.words,
                     *line.evidence ? "; " : "", ed_ink(view, ED_DIM), line.evidence,
                     ed_ink(view, ED_PLAIN));
        if (*line.author)
            ed_view_line(view, "               %s%s%s", ed_ink(view, ED_CYAN), line.author,
                         ed_ink(view, ED_PLAIN));
    }
    if (story->now != story->event)
        ed_view_line(view, "  It is E%" PRIu64 " now.", story->now);
}

static void member_copy(json_t *to, const char *name, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    if (value)
        json_object_set(to, name, value);
}

void ed_story_print_json(const struct ed_story *story)
{
    for (size_t i = 0; i < json_array_size(story->changes); i++) {
        const json_t *c = json_array_get(story->changes, i);
        json_t *record = json_object(), *evidence = json_object();
        json_int_t operation = operation_of(c);
        member_copy(record, "change", c, "id");
        member_copy(record, "kind", c, "kind");
        member_copy(record, "event", c, "event");
        member_copy(record, "other", c, "other");
        member_copy(record, "group", c, "group");
        member_copy(record, "at", c, "time");
        member_copy(record, "actor", c, "actor");
        member_copy(evidence, "similarity", c, "similarity");
        member_copy(evidence, "threshold", c, "threshold");
        member_copy(evidence, "text", c, "evidence");
        static const char *const signal[] = {"start", "observed", "expected", "lift", "direction",
                                             "statistic", "incident"};
        for (size_t k = 0; k < sizeof signal / sizeof *signal; k++)
            member_copy(evidence, signal[k], c, signal[k]);
        json_object_set_new(record, "evidence", evidence);
        if (operation) {
            char undo[60];
            snprintf(undo, sizeof undo, "eddy undo %" JSON_INTEGER_FORMAT, operation);
            member_copy(record, "operation", c, "operation");
            if (!ed_table_find(&story->settled, (uint64_t)operation))
                json_object_set_new(record, "undo", json_string(undo));
        }
        json_dumpf(record, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(record);
    }
}
