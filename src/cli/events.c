/* eddy events, show, lineage: what a pipeline found, out of its topics or the files of a run. */
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/labels.h"
#include "cli/story.h"
#include "cli/tree.h"
#include "cli/usage.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 1000000

/* ---- pictures, read back ---- */

struct events {
    struct ed_gallery gallery;
    uint64_t only; /* 0: all */
    json_t *shown; /* the last picture of `only` */
};

static eddy_str str_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return (eddy_str){ed_look_text(object, key), json_string_length(value)};
}

static eddy_signal signal_of(const json_t *json)
{
    const char *signal = ed_look_text(json, "signal");
    eddy_signal ret = EDDY_SIGNAL_QUIET;
    while (ret != EDDY_SIGNAL_NONE && strcmp(signal, eddy_signal_name(ret)) != 0)
        ret--;
    return ret;
}

/* As much of a picture as a table needs. */
static void picture_of(const json_t *json, eddy_event *ret)
{
    const char *state = ed_look_text(json, "state");
    const json_t *keywords = json_object_get(json, "keywords");
    *ret = (eddy_event){.id = ed_look_number(json, "id"),
                        .state = !strcmp(state, "merged")  ? EDDY_STATE_MERGED
                                 : !strcmp(state, "faded") ? EDDY_STATE_FADED
                                                           : EDDY_ACTIVE,
                        .size = json_number_value(json_object_get(json, "size")),
                        .seen = json_number_value(json_object_get(json, "seen")),
                        .first_ms = ed_look_time(json, "first_seen"),
                        .last_ms = ed_look_time(json, "last_seen"),
                        .signal = signal_of(json),
                        .name = str_of(json, "name")};
    for (size_t i = 0; i < json_array_size(keywords) && i < EDDY_KEYWORDS; i++)
        ret->keywords[ret->n_keywords++].word = str_of(json_array_get(keywords, i), "keyword");
}

static eddy_status picture_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    struct events *e = user;
    eddy_event event;
    eddy_status st = EDDY_OK;
    picture_of(json, &event);
    if (*ed_look_text(json, "id") != 'E') /* a topic, which lies over events */
        event.id = 0;
    if (e->only == event.id && event.id) {
        json_decref(e->shown);
        e->shown = json_incref(json);
    } else if (!e->only && event.id) {
        st = ed_gallery_put(&e->gallery, &event, (eddy_str){raw->bytes, raw->n}, err);
    }
    return st;
}

/* ---- events ---- */

static void csv_text(const char *s, size_t n)
{
    putchar('"');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            putchar('"');
        putchar((unsigned char)s[i] < 0x20 ? ' ' : s[i]);
    }
    putchar('"');
}

static void print_csv(const struct ed_gallery *gallery)
{
    printf("id,size,first_seen,last_seen,faded,name,keywords\n");
    for (size_t i = 0; i < gallery->shots.n; i++) {
        const struct ed_shot *shot = ed_gallery_at(gallery, i);
        printf("E%" PRIu64 ",%.0f,%" PRId64 ",%" PRId64 ",%s,", shot->id, shot->size,
               shot->first_ms, shot->last_ms, shot->faded ? "true" : "false");
        csv_text(shot->name.at, shot->name.n);
        putchar(',');
        csv_text(shot->keywords.at, shot->keywords.n);
        putchar('\n');
    }
}

static int print_events(struct ed_gallery *gallery, const char *format)
{
    ed_gallery_sort(gallery);
    if (!strcmp(format, "json")) {
        for (size_t i = 0; i < gallery->shots.n; i++)
            printf("%s\n", ed_gallery_at(gallery, i)->json.at);
    } else if (!strcmp(format, "csv")) {
        print_csv(gallery);
    } else {
        struct ed_view out;
        ed_view_init(&out, stdout);
        ed_gallery_print(gallery, &out, gallery->shots.n);
        ed_view_clear(&out);
    }
    return ed_exit_flushed(ED_EXIT_OK);
}

static int print_tree(struct ed_config *config, const char *run, double size_min, int json)
{
    eddy_error err = {0};
    struct ed_view out;
    ed_view_init(&out, stdout);
    eddy_status st = ed_tree_print(config, run, size_min, json, &out, &err);
    ed_view_clear(&out);
    return st == EDDY_OK ? ed_exit_flushed(ED_EXIT_OK) : ed_exit_with(&err);
}

int ed_cmd_events(int argc, char **argv)
{
    const char *run = NULL, *json = NULL, *format = "table", *min_size = "2", *tree = NULL;
    const struct ed_flag flags[] = {
        {"run", 0, "DIR", "what eddy detect -o DIR wrote, in place of topics", &run},
        {"min-size", 0, "N", "events of at least N documents (2)", &min_size},
        {"tree", 0, NULL, "below their topics and themes", &tree},
        {"format", 0, "WORD", "table, json (as in the events topic), or csv", &format},
        {"json", 'J', NULL, "the same as --format json", &json},
    };
    const struct ed_command command = {
        .name = "events",
        .synopsis = "eddy events [OPTIONS] [--run DIR]",
        .about = "The events of a pipeline as they are now, the largest first: from its topics\n"
                 "(-b, -c), or from the files of a run.",
        .examples = "  eddy events -b localhost:9092\n"
                    "  eddy events --run found --format csv\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    struct ed_config config;
    int code = ed_config_start(argc, argv, &command, &config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    struct events e = {0};
    char *end = NULL;
    double size_min = strtod(min_size, &end);
    format = json ? "json" : format;
    ed_gallery_init(&e.gallery, size_min, EVENTS_MAX);
    e.gallery.ids = 1;
    if (*end || !(size_min >= 1))
        eddy_fail(&err, EDDY_INVALID, "events: --min-size %s: not a number from 1 on", min_size);
    else if (strcmp(format, "table") != 0 && strcmp(format, "json") != 0 &&
             strcmp(format, "csv") != 0)
        eddy_fail(&err, EDDY_INVALID, "events: --format is table, json or csv");
    if (err.status != EDDY_OK)
        code = ed_exit_usage(command.name, &err);
    else if (tree)
        code = print_tree(&config, run, size_min, !strcmp(format, "json"));
    else if (ed_look(&config, run, ED_EVENTS, picture_take, &e, &err) != EDDY_OK)
        code = ed_exit_with(&err);
    else
        code = print_events(&e.gallery, format);
    ed_gallery_clear(&e.gallery);
    ed_config_clear(&config);
    return code;
}

/* ---- show ---- */

static void show_list(struct ed_view *view, const json_t *json, const char *key, const char *title)
{
    const json_t *list = json_object_get(json, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        char when[ED_TEXT], text[600];
        const char *name = ed_look_text(item, "title");
        if (!i)
            ed_view_line(view, "%s%s%s", ed_ink(view, ED_BOLD), title, ed_ink(view, ED_PLAIN));
        ed_view_line(
            view, "  %s  %.2f  %s  %s", ed_text_minute(ed_look_time(item, "time"), when),
            json_number_value(json_object_get(item, "similarity")),
            ed_text_fit(name, strlen(name), ed_view_columns(view) - 24, 0, text, sizeof text), "");
    }
}

/* How much was seen of it beside its documents, and what it is in the midst of. */
static void show_signal(struct ed_view *view, const json_t *json)
{
    const char *signal = ed_look_text(json, "signal"), *incident = ed_look_text(json, "incident");
    double sightings = json_number_value(json_object_get(json, "seen")) -
                       json_number_value(json_object_get(json, "size"));
    char since[ED_TEXT];
    if (sightings > 0)
        ed_view_line(view, "  seen %.0f times more", sightings);
    if (*signal)
        ed_view_line(view, "  %s%s since %s%s%s%s", ed_ink(view, ED_YELLOW),
                     !strcmp(signal, "burst") ? "in a burst" : signal,
                     ed_text_minute(ed_look_time(json, "signal_since"), since),
                     *incident ? ", incident " : "", incident, ed_ink(view, ED_PLAIN));
}

static void show_words(struct ed_view *view, const json_t *json)
{
    const json_t *keywords = json_object_get(json, "keywords");
    char first[ED_TEXT], last[ED_TEXT], text[1000], words[600] = "";
    const char *name = ed_look_text(json, "name"), *summary = ed_look_text(json, "summary");
    const char *by = ed_look_text(json, "named_by");
    size_t n = 0;
    ed_view_line(view, "%s%s  %s%s", ed_ink(view, ED_BOLD), ed_look_text(json, "id"),
                 ed_text_fit(name, strlen(name), 160, 0, text, sizeof text),
                 ed_ink(view, ED_PLAIN));
    ed_view_line(view, "  %s, %.0f documents, %s to %s%s%s%s", ed_look_text(json, "state"),
                 json_number_value(json_object_get(json, "size")),
                 ed_text_minute(ed_look_time(json, "first_seen"), first),
                 ed_text_minute(ed_look_time(json, "last_seen"), last), *by ? ", named by " : "",
                 by, json_is_true(json_object_get(json, "pinned")) ? ", pinned" : "");
    show_signal(view, json);
    if (*summary)
        ed_view_line(view, "  %s",
                     ed_text_fit(summary, strlen(summary), 600, 0, text, sizeof text));
    const char *category = ed_look_text(json, "category"), *topic = ed_look_text(json, "topic");
    if (*category || *topic)
        ed_view_line(view, "  %s%s%s%s", ed_text_fit(category, strlen(category), 80, 0, text, 400),
                     *category && *topic ? ", " : "", *topic ? "in topic " : "", topic);
    for (size_t i = 0; i < json_array_size(keywords) && n < sizeof words; i++)
        n += (size_t)snprintf(words + n, sizeof words - n, "%s%s", i ? ", " : "",
                              ed_look_text(json_array_get(keywords, i), "keyword"));
    if (*words)
        ed_view_line(view, "  %s%s%s", ed_ink(view, ED_CYAN),
                     ed_text_fit(words, strlen(words), 160, 0, text, sizeof text),
                     ed_ink(view, ED_PLAIN));
    show_list(view, json, "exemplars", "Documents, the most central first, the newest last");
}

static eddy_status event_word(const char *command, const struct ed_words *words, uint64_t *ret,
                              eddy_error *err)
{
    char shown[60];
    *ret = words->n == 1 ? ed_look_id(words->at[0], 'E') : 0;
    if (*ret)
        return EDDY_OK;
    return words->n == 1 ? eddy_fail(err, EDDY_INVALID, "%s: '%s' is no event, such as E12",
                                     command, ed_shown(words->at[0], shown, sizeof shown))
                         : eddy_fail(err, EDDY_INVALID, "%s: which event? as in eddy %s E12",
                                     command, command);
}

/* The event's last picture; of one that was merged, that of the event that lives on. */
static eddy_status picture_find(struct ed_config *config, const char *run, uint64_t event,
                                struct events *e, eddy_error *err)
{
    uint64_t now = event;
    *e = (struct events){.only = event};
    eddy_status st = ed_look(config, run, ED_EVENTS, picture_take, e, err);
    if (st == EDDY_OK && *ed_look_text(e->shown, "merged_into"))
        st = ed_look_where(config, run, event, &now, err);
    if (st == EDDY_OK && now != event) {
        json_decref(e->shown);
        *e = (struct events){.only = now};
        st = ed_look(config, run, ED_EVENTS, picture_take, e, err);
    }
    if (st == EDDY_OK && !e->shown)
        st = eddy_fail(err, EDDY_INVALID, "nothing is told of E%" PRIu64, now);
    return st;
}

static eddy_status show(struct ed_config *config, const char *run, uint64_t event, int json,
                        eddy_error *err)
{
    struct events e;
    eddy_status st = picture_find(config, run, event, &e, err);
    if (st == EDDY_OK && json) {
        json_dumpf(e.shown, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (st == EDDY_OK) {
        struct ed_view out;
        ed_view_init(&out, stdout);
        if (e.only != event)
            ed_view_line(&out, "E%" PRIu64 " went into E%" PRIu64 ":", event, e.only);
        show_words(&out, e.shown);
        ed_view_clear(&out);
    }
    json_decref(e.shown);
    return st;
}

/* The changes of long ago are not kept for ever, but where the event went is. */
static eddy_status lineage_short(struct ed_config *config, const char *run, uint64_t event,
                                 int json, eddy_error *err)
{
    uint64_t now = 0;
    eddy_status st = ed_look_where(config, run, event, &now, err);
    if (st == EDDY_OK && !now)
        return eddy_fail(err, EDDY_INVALID, "nothing is told of E%" PRIu64, event);
    if (st != EDDY_OK)
        return st;
    if (json && now != event)
        printf("{\"kind\":\"merged\",\"event\":\"E%" PRIu64 "\",\"other\":\"E%" PRIu64 "\"}\n",
               event, now);
    else if (!json && now != event)
        printf("E%" PRIu64 " went into E%" PRIu64
               ", so long ago that its changes are not kept: eddy lineage E%" PRIu64 "\n",
               event, now, now);
    else if (!json)
        printf("E%" PRIu64 ": its changes are not kept any more\n", event);
    return EDDY_OK;
}

static eddy_status lineage(struct ed_config *config, const char *run, uint64_t event, int json,
                           eddy_error *err)
{
    struct ed_story story;
    eddy_error why = {0};
    eddy_status st = ed_story_read(&story, config, run, event, &why);
    if (st == EDDY_INVALID) {
        ed_story_clear(&story);
        return lineage_short(config, run, event, json, err);
    }
    if (st != EDDY_OK)
        *err = why;
    if (st == EDDY_OK && json) {
        ed_story_print_json(&story);
    } else if (st == EDDY_OK) {
        struct ed_view out;
        ed_view_init(&out, stdout);
        ed_story_print(&story, &out);
        ed_view_clear(&out);
    }
    ed_story_clear(&story);
    return st;
}

int ed_cmd_show(int argc, char **argv)
{
    const char *run = NULL, *json = NULL;
    int of_lineage = !strcmp(argv[0], "lineage");
    const struct ed_flag flags[] = {
        {"run", 0, "DIR", "what eddy detect -o DIR wrote, in place of topics", &run},
        {"json", 'J', NULL, "as JSON", &json},
    };
    struct ed_words words = {0};
    const struct ed_command command = {
        .name = of_lineage ? "lineage" : "show",
        .synopsis = of_lineage ? "eddy lineage [OPTIONS] EVENT" : "eddy show [OPTIONS] EVENT",
        .about = of_lineage
                     ? "What happened to an event and to those that went into it: when, why, who\n"
                       "decided, and the command that takes it back."
                     : "An event as it is now: name, size, keywords, and its documents.",
        .examples = of_lineage ? "  eddy lineage -b localhost:9092 E12\n"
                               : "  eddy show -b localhost:9092 E12\n  eddy show --run found E12\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA | ED_TAKES_WORDS,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
        .words = &words,
    };
    struct ed_config config;
    int code = ed_config_start(argc, argv, &command, &config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    uint64_t event = 0;
    if (event_word(command.name, &words, &event, &err) != EDDY_OK)
        code = ed_exit_usage(command.name, &err);
    else if ((of_lineage ? lineage : show)(&config, run, event, json != NULL, &err) == EDDY_OK)
        code = ed_exit_flushed(ED_EXIT_OK);
    else
        code = ed_exit_with(&err) == ED_EXIT_INTERNAL ? ED_EXIT_FAILURE : ed_exit_code(&err);
    ed_config_clear(&config);
    return code;
}
