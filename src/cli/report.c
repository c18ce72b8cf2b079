/* eddy report: a run's files as one page of HTML, to look at and to hand on. It has no script, asks
 * no other host for anything, and says so to the browser (Content-Security-Policy); text of
 * documents is escaped, and isolated where it may run from right to left.
 *
 * All is read before a byte is written: documents are shown where they are now, which the last
 * change may have decided. */
#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/story.h"
#include "cli/usage.h"

#include <eddy/score.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX  300  /* on the page */
#define MEMBERS_MAX 100  /* of an event */
#define BARS        96   /* of a timeline */
#define CHANGES_MAX 2000 /* told of one event */

struct member {
    uint64_t event; /* where it is now */
    uint64_t came, group, position;
    int64_t time_ms;
    double similarity; /* NAN: it founded the event */
    const char *id;
};

struct picture {
    uint64_t id;
    double size;
    json_t *json;
};

struct report {
    struct ed_config *config;
    json_t *latest, *changes; /* object by event id; array */
    eddy_lineage *lineage;
    struct member *members; /* (n_members) */
    size_t n_members, room_members;
    struct picture *pictures; /* (n_pictures) the largest first */
    size_t n_pictures, small; /* shown; and those that are smaller */
    int64_t first_ms, last_ms;
    uint64_t dead;
    double size_min;
};

/* ---- reading ---- */

static eddy_status picture_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    struct report *r = user;
    const char *id = ed_look_text(json, "id");
    if (*id != 'E' || json_object_set(r->latest, id, json) == 0)
        return EDDY_OK;
    return eddy_fail_nomem(err, "events", raw->n);
}

static eddy_status member_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    struct report *r = user;
    const json_t *similarity = json_object_get(json, "similarity");
    struct member m = {.came = ed_look_number(json, "event"),
                       .group = ed_look_number(json, "group"),
                       .time_ms = ed_look_time(json, "time"),
                       .similarity =
                           json_is_number(similarity) ? json_number_value(similarity) : NAN,
                       .id = ed_arena_printf(r->config->arena, "%s", ed_look_text(json, "id")).at};
    struct member *list = ed_list_room(r->members, r->n_members, &r->room_members, sizeof *list);
    if (!list || !m.id)
        return eddy_fail_nomem(err, "documents", raw->n);
    r->members = list;
    if (!m.came || !*m.id) /* a line of no event; a count of lines */
        return EDDY_OK;
    m.position = (uint64_t)json_integer_value(json_object_get(json, "position"));
    list[r->n_members++] = m;
    return eddy_lineage_assigned(r->lineage, m.came, m.group, err);
}

static eddy_status change_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    static const eddy_change_kind moving[] = {EDDY_MERGED, EDDY_MOVED, EDDY_FOLDED,
                                              EDDY_REASSIGNED};
    struct report *r = user;
    const json_t *position = json_object_get(json, "document_position");
    eddy_change change = {.event = ed_look_number(json, "event"),
                          .other = ed_look_number(json, "other"),
                          .group = ed_look_number(json, "group"),
                          .into_group = ed_look_number(json, "into_group"),
                          .document = (uint64_t)json_integer_value(position)};
    if (json_array_append(r->changes, json) != 0)
        return eddy_fail_nomem(err, "changes", raw->n);
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++) {
        change.kind = moving[i];
        if (strcmp(ed_look_text(json, "kind"), eddy_change_name(moving[i])) == 0)
            return eddy_lineage_changed(r->lineage, &change, err);
    }
    return EDDY_OK;
}

static eddy_status dead_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    struct report *r = user;
    (void)raw, (void)json, (void)err;
    r->dead++;
    return EDDY_OK;
}

static int by_event(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->event != y->event)
        return x->event < y->event ? -1 : 1;
    return x->time_ms != y->time_ms ? (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms)
                                    : (x->position > y->position) - (x->position < y->position);
}

static int by_size(const void *a, const void *b)
{
    const struct picture *x = a, *y = b;
    return x->size != y->size ? (x->size < y->size) - (x->size > y->size)
                              : (x->id > y->id) - (x->id < y->id);
}

/* Where everything is now, and what of it is shown. */
static eddy_status settle(struct report *r, eddy_error *err)
{
    const char *key;
    json_t *json;
    for (size_t i = 0; i < r->n_members; i++) {
        struct member *m = &r->members[i];
        m->event = eddy_lineage_document(r->lineage, m->position, m->came, m->group);
        r->first_ms = !i || m->time_ms < r->first_ms ? m->time_ms : r->first_ms;
        r->last_ms = !i || m->time_ms > r->last_ms ? m->time_ms : r->last_ms;
    }
    if (r->n_members)
        qsort(r->members, r->n_members, sizeof *r->members, by_event);
    r->pictures = ed_alloc_zero(json_object_size(r->latest) + 1, sizeof *r->pictures);
    if (!r->pictures)
        return eddy_fail_nomem(err, "events", json_object_size(r->latest));
    json_object_foreach(r->latest, key, json)
    {
        struct picture p = {ed_look_number(json, "id"),
                            json_number_value(json_object_get(json, "size")), json};
        if (strcmp(ed_look_text(json, "state"), "merged") == 0)
            continue;
        if (p.size < r->size_min)
            r->small++;
        else
            r->pictures[r->n_pictures++] = p;
    }
    qsort(r->pictures, r->n_pictures, sizeof *r->pictures, by_size);
    return EDDY_OK;
}

static eddy_status gather(struct report *r, const char *dir, eddy_error *err)
{
    r->latest = json_object();
    r->changes = json_array();
    eddy_status st = eddy_lineage_new(&r->lineage, err);
    if (st == EDDY_OK && (!r->latest || !r->changes))
        st = eddy_fail_nomem(err, "report", 0);
    if (st == EDDY_OK)
        st = ed_look(r->config, dir, ED_EVENTS, picture_take, r, err);
    if (st == EDDY_OK)
        st = ed_look(r->config, dir, ED_ASSIGNMENTS, member_take, r, err);
    if (st == EDDY_OK)
        st = ed_look(r->config, dir, ED_CHANGES, change_take, r, err);
    if (st == EDDY_OK)
        st = ed_look(r->config, dir, ED_DEAD, dead_take, r, err);
    return st == EDDY_OK ? settle(r, err) : st;
}

static void clear(struct report *r)
{
    eddy_lineage_free(r->lineage);
    json_decref(r->latest);
    json_decref(r->changes);
    ed_free(r->members);
    ed_free(r->pictures);
}

/* ---- pieces of the page ---- */

/* Other people's text: nothing in it is markup, or a control. */
static void put_text(const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&': fputs("&amp;", stdout); break;
        case '<': fputs("&lt;", stdout); break;
        case '>': fputs("&gt;", stdout); break;
        case '"': fputs("&quot;", stdout); break;
        case '\'': fputs("&#39;", stdout); break;
        default: putchar((unsigned char)*s < 0x20 || *s == 0x7F ? ' ' : *s);
        }
    }
}

static void put_time(int64_t ms)
{
    char text[ED_TIME_TEXT];
    ed_time_text(ms, text);
    printf("<time datetime=\"%s\">%.10s %.5s</time>", text, text, text + 11);
}

static const char *name_of(const json_t *picture)
{
    const char *name = ed_look_text(picture, "name");
    return *name ? name : "(no name)";
}

/* The members of an event; *n of them. */
static const struct member *members_of(const struct report *r, uint64_t event, size_t *n)
{
    size_t lo = 0, hi = r->n_members;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->members[mid].event < event)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (*n = 0; lo + *n < r->n_members && r->members[lo + *n].event == event;)
        ++*n;
    return r->members + lo;
}

/* When its documents came, on the axis of the whole run. */
static void put_timeline(const struct report *r, uint64_t event)
{
    double bars[BARS] = {0}, most = 0, span = (double)(r->last_ms - r->first_ms) + 1;
    size_t n;
    const struct member *m = members_of(r, event, &n);
    for (size_t i = 0; i < n; i++) {
        double *bar = &bars[(size_t)((double)(m[i].time_ms - r->first_ms) / span * BARS)];
        most = ++*bar > most ? *bar : most;
    }
    printf("<svg viewBox=\"0 0 %d 20\" preserveAspectRatio=\"none\" role=\"img\" "
           "aria-label=\"%zu documents over time\">",
           BARS, n);
    for (size_t i = 0; i < BARS; i++)
        if (bars[i] > 0)
            printf("<rect x=\"%zu\" y=\"%.1f\" width=\"1\" height=\"%.1f\"/>", i,
                   19 - 18 * bars[i] / most, 1 + 18 * bars[i] / most);
    fputs("</svg>", stdout);
}

static void put_keywords(const json_t *picture)
{
    const json_t *keywords = json_object_get(picture, "keywords");
    for (size_t i = 0; i < json_array_size(keywords); i++) {
        fputs(i ? ", " : "", stdout);
        put_text(ed_look_text(json_array_get(keywords, i), "keyword"));
    }
}

/* ---- the page ---- */

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n<title>eddy: a run</title>\n<style>\n"
    ":root{color-scheme:light dark}\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}\n"
    "td.n,th.n{text-align:right}\n"
    "tr+tr td{border-top:1px solid #8884}\n"
    "svg{width:14rem;height:1.3rem;fill:#2a78c8}\n"
    "time{white-space:nowrap}\n.dim{opacity:.7}\n"
    "section{margin-top:2rem;border-top:2px solid #8886}\n"
    "a{color:inherit}\n</style></head><body>\n";

static void put_account(const struct report *r)
{
    printf("<h1>%zu documents, %zu events</h1>\n<p>", r->n_members, r->n_pictures + r->small);
    if (r->n_members) {
        put_time(r->first_ms);
        fputs(" to ", stdout);
        put_time(r->last_ms);
        fputs(" UTC. ", stdout);
    }
    size_t beyond = r->n_pictures > EVENTS_MAX ? r->n_pictures - EVENTS_MAX : 0;
    if (r->small)
        printf("Events of fewer than %g documents, not shown: %zu. ", r->size_min, r->small);
    if (beyond)
        printf("The %d largest events are shown, %zu smaller ones are not. ", EVENTS_MAX, beyond);
    if (r->dead)
        printf("Messages that could not be used: %" PRIu64 ".", r->dead);
    fputs("</p>\n", stdout);
}

static void put_overview(const struct report *r, size_t n)
{
    fputs("<table><thead><tr><th class=\"n\">documents</th><th>event</th><th>first</th>"
          "<th>last</th><th>when they came</th></tr></thead><tbody>\n",
          stdout);
    for (size_t i = 0; i < n; i++) {
        const struct picture *p = &r->pictures[i];
        printf("<tr><td class=\"n\">%.0f</td><td><a href=\"#E%" PRIu64 "\"><bdi>", p->size, p->id);
        put_text(name_of(p->json));
        fputs("</bdi></a><br><span class=\"dim\"><bdi>", stdout);
        put_keywords(p->json);
        fputs("</bdi></span></td><td>", stdout);
        put_time(ed_look_time(p->json, "first_seen"));
        fputs("</td><td>", stdout);
        put_time(ed_look_time(p->json, "last_seen"));
        fputs("</td><td>", stdout);
        put_timeline(r, p->id);
        fputs("</td></tr>\n", stdout);
    }
    fputs("</tbody></table>\n", stdout);
}

static void put_exemplars(const json_t *picture)
{
    const json_t *list = json_object_get(picture, "exemplars");
    fputs("<ul>", stdout);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *title = ed_look_text(one, "title");
        fputs("<li><bdi>", stdout);
        put_text(*title ? title : ed_look_text(one, "id"));
        fputs("</bdi> <span class=\"dim\">", stdout);
        put_time(ed_look_time(one, "time"));
        fputs("</span></li>", stdout);
    }
    fputs("</ul>\n", stdout);
}

/* What happened to it, and to those that went into it. */
static eddy_status put_story(const struct report *r, uint64_t event, eddy_error *err)
{
    struct ed_story story;
    struct ed_story_line line;
    eddy_status st = ed_story_of(&story, r->changes, event, err);
    size_t told = 0;
    fputs("<details open><summary>What happened</summary><table>\n", stdout);
    for (size_t at = 0; st == EDDY_OK && told < CHANGES_MAX && ed_story_next(&story, &at, &line);
         told++) {
        fputs("<tr><td>", stdout);
        put_time(line.time_ms);
        fputs("</td><td><bdi>", stdout);
        put_text(line.words);
        fputs("</bdi></td><td class=\"dim\"><bdi>", stdout);
        put_text(line.evidence);
        fputs(*line.evidence && *line.author ? "; " : "", stdout);
        put_text(line.author);
        fputs("</bdi></td></tr>\n", stdout);
    }
    fputs("</table></details>\n", stdout);
    ed_story_clear(&story);
    return st;
}

static void put_members(const struct report *r, uint64_t event)
{
    size_t n;
    const struct member *m = members_of(r, event, &n);
    printf("<details><summary>%zu documents</summary><table>\n", n);
    for (size_t i = 0; i < n && i < MEMBERS_MAX; i++) {
        fputs("<tr><td>", stdout);
        put_time(m[i].time_ms);
        fputs("</td><td><bdi>", stdout);
        put_text(m[i].id);
        fputs("</bdi></td><td class=\"dim\">", stdout);
        if (isnan(m[i].similarity))
            fputs("founded an event", stdout);
        else
            printf("similarity %.2f", m[i].similarity);
        if (m[i].came != event)
            printf(", came to E%" PRIu64, m[i].came);
        fputs("</td></tr>\n", stdout);
    }
    if (n > MEMBERS_MAX)
        printf("<tr><td>and %zu more</td></tr>\n", n - MEMBERS_MAX);
    fputs("</table></details>\n", stdout);
}

static eddy_status put_page(const struct report *r, eddy_error *err)
{
    size_t n = r->n_pictures < EVENTS_MAX ? r->n_pictures : EVENTS_MAX;
    eddy_status st = EDDY_OK;
    fputs(head, stdout);
    put_account(r);
    put_overview(r, n);
    for (size_t i = 0; i < n && st == EDDY_OK; i++) {
        const struct picture *p = &r->pictures[i];
        printf("<section id=\"E%" PRIu64 "\"><h2><bdi>", p->id);
        put_text(name_of(p->json));
        printf("</bdi></h2>\n<p class=\"dim\">E%" PRIu64 ", ", p->id);
        put_text(ed_look_text(p->json, "state"));
        fputs("; <bdi>", stdout);
        put_keywords(p->json);
        fputs("</bdi></p>\n<p><bdi>", stdout);
        put_text(ed_look_text(p->json, "summary"));
        fputs("</bdi></p>\n", stdout);
        put_exemplars(p->json);
        st = put_story(r, p->id, err);
        put_members(r, p->id);
        fputs("</section>\n", stdout);
    }
    printf("<p class=\"dim\">Written by eddy %s.</p></body></html>\n", eddy_version());
    return st;
}

static eddy_status size_min_read(const char *text, double *ret, eddy_error *err)
{
    char *end = NULL;
    double size = text ? strtod(text, &end) : 2;
    if (text && (*end || !(size >= 1)))
        return eddy_fail(err, EDDY_INVALID, "report: --min-size %s: not a number from 1 on", text);
    *ret = size;
    return EDDY_OK;
}

int ed_cmd_report(int argc, char **argv)
{
    const char *min_size = NULL;
    const struct ed_flag flags[] = {
        {"min-size", 0, "N", "show events of at least N documents (2)", &min_size},
    };
    struct ed_words words = {0};
    const struct ed_command command = {
        .name = "report",
        .synopsis = "eddy report [OPTIONS] DIR > FILE.html",
        .about =
            "The files of a run (eddy detect -o DIR, eddy run -o DIR) as one page of HTML: its\n"
            "events, when their documents came, what happened to each, and who is in it.\n"
            "The page has no script and needs no network; hand it on as it is.",
        .examples = "  eddy detect -o found news.jsonl && eddy report found > found.html\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_WORDS,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
        .words = &words,
    };
    struct ed_config config;
    int code = ed_config_start(argc, argv, &command, &config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    struct report r = {.config = &config};
    eddy_status st = words.n == 1 ? size_min_read(min_size, &r.size_min, &err)
                                  : eddy_fail(&err, EDDY_INVALID, "report: which directory?");
    if (st != EDDY_OK) {
        code = ed_exit_usage(command.name, &err);
    } else {
        st = gather(&r, words.at[0], &err);
        if (st == EDDY_OK)
            st = put_page(&r, &err);
        code = st == EDDY_OK ? ed_exit_flushed(ED_EXIT_OK) : ed_exit_with(&err);
        code =
            code == ED_EXIT_INTERNAL ? ED_EXIT_FAILURE : code; /* the files are wrong, not eddy */
    }
    clear(&r);
    ed_config_clear(&config);
    return code;
}
