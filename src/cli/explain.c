/* eddy explain: why these documents are one event, and why others are not in it; or why one
 * document is where it is.
 *
 * Everything is asked of the engine's own state, loaded into a clusterer of our own: nothing is
 * asked of the running pipeline. Documents are those of the window; what happened is read from the
 * changes. */
#include "cli/commands.h"
#include "cli/labels.h"
#include "cli/story.h"
#include "cli/usage.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/order.h"

#include <inttypes.h>
#include <string.h>

#define ARENA_MAX ((size_t)256 << 20)
#define CENTRAL   5
#define ODD       2
#define TERMS     12

/* What is asked, and of whom. */
struct explain {
    struct ed_config config;
    eddy_clusterer *cl;
    eddy_arena *arena;
    struct ed_view view;
    uint64_t event;       /* the engine's number */
    const char *document; /* its id, or NULL: the event is asked about */
    uint32_t shard, n_shards;
    int has_story, with_terms;
    struct ed_story story;
};

static uint64_t outside(const struct explain *x, uint64_t id)
{
    return ed_id_outside(id, x->shard, x->n_shards);
}

static void heading(struct explain *x, const char *text)
{
    ed_view_line(&x->view, "%s%s%s", ed_ink(&x->view, ED_BOLD), text, ed_ink(&x->view, ED_PLAIN));
}

static const char *fit(eddy_str s, size_t columns, char *ret, size_t n)
{
    return ed_text_fit(s.at ? s.at : "", s.n, columns, 0, ret, n);
}

/* ---- the event ---- */

static void print_picture(struct explain *x, const eddy_event *event)
{
    char text[1000], first[ED_TEXT], last[ED_TEXT], words[600] = "";
    size_t n = 0;
    ed_view_line(&x->view, "%sE%" PRIu64 "  %s%s", ed_ink(&x->view, ED_BOLD), outside(x, event->id),
                 fit(event->name, 160, text, sizeof text), ed_ink(&x->view, ED_PLAIN));
    ed_view_line(&x->view, "  %.0f documents in %u groups, %s to %s, mean similarity %.2f%s%s%s",
                 event->size, event->n_groups, ed_text_minute(event->first_ms, first),
                 ed_text_minute(event->last_ms, last), (double)event->cohesion,
                 event->named_by ? ", named by " : "",
                 event->named_by ? eddy_actor_name(event->named_by) : "",
                 event->pinned ? ", pinned" : "");
    if (event->summary.n)
        ed_view_line(&x->view, "  %s", fit(event->summary, 600, text, sizeof text));
    for (uint32_t i = 0; i < event->n_keywords && n < sizeof words; i++)
        n += (size_t)snprintf(words + n, sizeof words - n, "%s%.*s %.1f", i ? ", " : "",
                              (int)event->keywords[i].word.n, event->keywords[i].word.at,
                              (double)event->keywords[i].score);
    if (n)
        ed_view_line(&x->view, "  said here more than elsewhere: %s%s%s", ed_ink(&x->view, ED_CYAN),
                     words, ed_ink(&x->view, ED_PLAIN));
}

static eddy_status print_terms(struct explain *x, eddy_error *err)
{
    const eddy_term_weight *terms = NULL;
    char words[600] = "";
    size_t n_terms = 0, n = 0;
    eddy_status st = eddy_clusterer_terms(x->cl, x->event, TERMS, x->arena, &terms, &n_terms, err);
    for (size_t i = 0; i < n_terms && st == EDDY_OK && n < sizeof words; i++)
        n += (size_t)snprintf(words + n, sizeof words - n, "%s%.*s %+.2f", i ? ", " : "",
                              (int)terms[i].word.n, terms[i].word.at, (double)terms[i].weight);
    if (n)
        ed_view_line(&x->view, "  words that tell it from the others: %s", words);
    return st;
}

/* ---- its documents ---- */

/* "0.81 = meaning 0.60 + words 0.21": how alike it is, and what that is made of. */
static void share_words(const struct ed_config *config, const eddy_member *m, char *ret, size_t n)
{
    size_t at = (size_t)snprintf(ret, n, "%.2f = meaning %.2f + words %.2f", (double)m->similarity,
                                 (double)m->share[0], (double)m->share[1]);
    for (size_t i = 0; i < config->n_extra && at < n; i++)
        at += (size_t)snprintf(ret + at, n - at, " + extra %.2f", (double)m->share[2 + i]);
    size_t view = ed_config_keyphrases(config);
    if (view && at < n)
        snprintf(ret + at, n - at, " + keyphrases %.2f", (double)m->share[1 + view]);
}

static void print_member(struct explain *x, const char *role, const eddy_member *m)
{
    char share[120], title[700], when[ED_TEXT], next[60] = "", asked[60] = "founded it";
    share_words(&x->config, m, share, sizeof share);
    if (m->arrival_similarity > 0)
        snprintf(asked, sizeof asked, "came with %.2f, %.2f asked", (double)m->arrival_similarity,
                 (double)m->arrival_threshold);
    if (m->runner_up)
        snprintf(next, sizeof next, "; next best E%" PRIu64 " with %.2f", outside(x, m->runner_up),
                 (double)m->runner_up_similarity);
    ed_view_line(&x->view, "  %-8s %s  %s", role, ed_text_minute(m->time_ms, when),
                 fit(m->title, ed_view_columns(&x->view) - 26, title, sizeof title));
    ed_view_line(&x->view, "           %s%s; %s%s%s", ed_ink(&x->view, ED_DIM), share, asked, next,
                 ed_ink(&x->view, ED_PLAIN));
}

static eddy_status print_members(struct explain *x, eddy_error *err)
{
    const eddy_member *members = NULL;
    size_t n = 0, newest = 0;
    eddy_status st = eddy_clusterer_members(x->cl, x->event, x->arena, &members, &n, err);
    if (st != EDDY_OK || !n)
        return st;
    heading(x, "Why its documents are together");
    for (size_t i = 0; i < n && i < CENTRAL; i++)
        print_member(x, "central", &members[i]);
    for (size_t i = 0; i < n; i++)
        if (members[i].time_ms > members[newest].time_ms)
            newest = i;
    if (newest >= CENTRAL)
        print_member(x, "newest", &members[newest]);
    for (size_t i = n > ODD + CENTRAL ? n - ODD : CENTRAL; i < n; i++)
        if (i != newest)
            print_member(x, "odd", &members[i]);
    return EDDY_OK;
}

/* Each group with how many of its documents are in the window, and the most central of them: what
 * split and move are told. */
static eddy_status print_groups(struct explain *x, eddy_error *err)
{
    const uint64_t *groups = NULL;
    const eddy_member *members = NULL;
    size_t n_groups = 0, n_members = 0;
    eddy_status st = eddy_clusterer_groups(x->cl, x->event, x->arena, &groups, &n_groups, err);
    if (st == EDDY_OK)
        st = eddy_clusterer_members(x->cl, x->event, x->arena, &members, &n_members, err);
    if (st != EDDY_OK || n_groups < 2)
        return st;
    heading(x, "Its groups (eddy split, eddy move)");
    for (size_t g = 0; g < n_groups; g++) {
        char title[700];
        size_t n = 0, first = 0;
        for (size_t i = n_members; i-- > 0;)
            if (members[i].group == groups[g]) {
                first = i;
                n++;
            }
        ed_view_line(
            &x->view, "  G%-6" PRIu64 " %4zu recent  %s", outside(x, groups[g]), n,
            n ? fit(members[first].title, ed_view_columns(&x->view) - 26, title, sizeof title)
              : "");
    }
    return EDDY_OK;
}

/* ---- its neighbours ---- */

static void print_similar(struct explain *x, const eddy_event *event)
{
    if (event->n_similar)
        heading(x, "Events like it, and why they are not the same");
    for (uint32_t i = 0; i < event->n_similar; i++) {
        eddy_event other;
        char name[500] = "", why[120];
        uint64_t id = event->similar[i].event;
        double is = (double)event->similar[i].similarity;
        double asked = (double)event->similar[i].threshold, link = (double)event->similar[i].link;
        if (eddy_clusterer_event(x->cl, id, x->arena, &other, NULL) == EDDY_OK)
            fit(other.name, ed_view_columns(&x->view) - 50, name, sizeof name);
        if (link <= -EDDY_LINK_FIRM)
            snprintf(why, sizeof why, "somebody said that they are not");
        else if (is < asked)
            snprintf(why, sizeof why, "similarity %.2f, %.2f is asked of the two", is, asked);
        else
            snprintf(why, sizeof why, "similarity %.2f of %.2f asked: the next repair looks", is,
                     asked);
        ed_view_line(&x->view, "  E%-6" PRIu64 " %s  %s%s%s", outside(x, id), name,
                     ed_ink(&x->view, ED_DIM), why, ed_ink(&x->view, ED_PLAIN));
    }
}

/* ---- one document ---- */

/* "E7 Pump runs hot", for people; of an event that is no more its number. */
static const char *event_words(struct explain *x, uint64_t id, char *ret, size_t n)
{
    eddy_event event;
    char name[400];
    int known = eddy_clusterer_event(x->cl, id, x->arena, &event, NULL) == EDDY_OK;
    snprintf(ret, n, "E%" PRIu64 "%s%s", outside(x, id), known && event.name.n ? " " : "",
             known ? fit(event.name, 60, name, sizeof name) : "");
    return ret;
}

static void print_arrival(struct explain *x, const eddy_member *m)
{
    char next[500] = "", name[450];
    uint64_t now = m->runner_up ? eddy_clusterer_where(x->cl, m->runner_up) : 0;
    if (m->runner_up)
        snprintf(next, sizeof next, "; next best E%" PRIu64 " with %.2f%s%s",
                 outside(x, m->runner_up), (double)m->runner_up_similarity,
                 now == m->runner_up ? ""
                 : !now              ? ", which is no more"
                                     : ", now ",
                 now && now != m->runner_up ? event_words(x, now, name, sizeof name) : "");
    if (m->arrival_similarity > 0)
        ed_view_line(&x->view, "  when it came %.2f, where %.2f was asked%s",
                     (double)m->arrival_similarity, (double)m->arrival_threshold, next);
    else
        ed_view_line(&x->view, "  when it came it founded an event: %.2f was asked%s",
                     (double)m->arrival_threshold, next);
}

static void print_document(struct explain *x, const eddy_member *m, const eddy_rival *rival)
{
    char text[1000], when[ED_TEXT];
    double spare = (double)m->similarity - (double)rival->own_threshold;
    ed_view_line(&x->view, "%s%s%s", ed_ink(&x->view, ED_BOLD),
                 fit(m->title, ed_view_columns(&x->view), text, sizeof text),
                 ed_ink(&x->view, ED_PLAIN));
    ed_view_line(&x->view, "  %s, in %s, group G%" PRIu64, ed_text_minute(m->time_ms, when),
                 event_words(x, m->event, text, sizeof text), outside(x, m->group));
    share_words(&x->config, m, text, sizeof text);
    eddy_event event;
    if (eddy_clusterer_event(x->cl, m->event, x->arena, &event, NULL) == EDDY_OK && event.size < 2)
        ed_view_line(&x->view, "  it is the only document there");
    else
        ed_view_line(&x->view, "  to its other documents %s, where %.2f is asked: %.2f %s", text,
                     (double)rival->own_threshold, spare < 0 ? -spare : spare,
                     spare < 0 ? "short" : "to spare");
    double less = spare - ((double)rival->similarity - (double)rival->threshold);
    if (rival->event)
        ed_view_line(&x->view, "  the next best is %s with %.2f, where %.2f is asked: %.2f %s",
                     event_words(x, rival->event, text, sizeof text), (double)rival->similarity,
                     (double)rival->threshold, less < 0 ? -less : less,
                     less < 0 ? "better" : "behind");
    else
        ed_view_line(&x->view, "  no other event is near");
    print_arrival(x, m);
}

/* What its assignment said, for a document that has left the window. */
struct arrived {
    const char *id;
    json_t *assignment; /* the last one; NULL: none */
};

static eddy_status assignment_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    struct arrived *a = user;
    (void)raw;
    (void)err;
    if (!strcmp(ed_look_text(json, "id"), a->id)) {
        json_decref(a->assignment);
        a->assignment = json_incref(json);
    }
    return EDDY_OK;
}

static double number_of(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

static void print_assignment(struct explain *x, const json_t *a, uint64_t now)
{
    char when[ED_TEXT], next[100] = "";
    const char *event = ed_look_text(a, "event"), *other = ed_look_text(a, "runner_up");
    uint64_t first = ed_look_number(a, "event");
    if (*other)
        snprintf(next, sizeof next, "; next best %.20s with %.2f", other,
                 number_of(a, "runner_up_similarity"));
    ed_view_line(&x->view, "%s  came to %s", ed_text_minute(ed_look_time(a, "time"), when), event);
    if (json_is_true(json_object_get(a, "founded")))
        ed_view_line(&x->view, "  it founded it: %.2f was asked%s", number_of(a, "threshold"),
                     next);
    else
        ed_view_line(&x->view, "  with %.2f, where %.2f was asked%s", number_of(a, "similarity"),
                     number_of(a, "threshold"), next);
    if (now && now != first)
        ed_view_line(&x->view, "  %s went into E%" PRIu64 " since", event, now);
    ed_view_line(&x->view,
                 "  It is not among the last documents any more; what happened since: eddy "
                 "lineage %s",
                 event);
}

static eddy_status explain_assignment(struct explain *x, const char *dir, eddy_error *err)
{
    char shown[140];
    struct arrived a = {.id = x->document};
    uint64_t now = 0;
    eddy_status st = ed_look(&x->config, dir, ED_ASSIGNMENTS, assignment_take, &a, err);
    if (st == EDDY_OK && !a.assignment)
        st = eddy_fail(err, EDDY_INVALID, "there is no document %s",
                       ed_shown(x->document, shown, sizeof shown));
    if (st == EDDY_OK)
        st = ed_look_where(&x->config, dir, ed_look_number(a.assignment, "event"), &now, err);
    if (st == EDDY_OK)
        print_assignment(x, a.assignment, now);
    json_decref(a.assignment);
    return st;
}

/* Which shard has it is not to be seen from its id: all are looked into. */
static eddy_status explain_document(struct explain *x, const char *journal, const char *dir,
                                    eddy_error *err)
{
    const eddy_str id = {x->document, strlen(x->document)};
    eddy_member member;
    eddy_rival rival;
    for (x->shard = 0; x->shard < x->n_shards; x->shard++) {
        eddy_error why = {0};
        eddy_status st = ed_look_state(&x->config, journal, (int32_t)x->shard, &x->cl, err);
        if (st != EDDY_OK)
            return st;
        st = eddy_clusterer_document(x->cl, id, x->arena, &member, &rival, &why);
        if (st == EDDY_OK)
            print_document(x, &member, &rival);
        else if (st != EDDY_INVALID)
            *err = why;
        if (st != EDDY_INVALID)
            return st;
        eddy_clusterer_free(x->cl);
        x->cl = NULL;
        if (journal && !dir)
            return eddy_fail(err, EDDY_INVALID, "%s; with --run what it was assigned to is read",
                             why.text);
    }
    return explain_assignment(x, dir, err);
}

/* ---- the command ---- */

/* The engine's redirects end some day, the events topic does not. */
static eddy_status where_find(struct explain *x, const char *journal, const char *dir,
                              uint64_t *ret, eddy_error *err)
{
    uint64_t told = 0, id = outside(x, x->event);
    *ret = eddy_clusterer_where(x->cl, x->event);
    eddy_status st = EDDY_OK;
    if (!*ret && (!journal || dir))
        st = ed_look_where(&x->config, dir, id, &told, err);
    if (st == EDDY_OK && told && ed_id_shard(told, x->n_shards) == x->shard)
        *ret = eddy_clusterer_where(x->cl, ed_id_inside(told, x->n_shards));
    if (st != EDDY_OK || *ret)
        return st;
    if (told && told != id)
        return eddy_fail(err, EDDY_INVALID,
                         "E%" PRIu64 " went into E%" PRIu64 ", which has faded (eddy show)", id,
                         told);
    return eddy_fail(err, EDDY_INVALID,
                     "E%" PRIu64 " is not in memory: it has faded, or never was (eddy show, "
                     "eddy lineage)",
                     id);
}

static eddy_status explain(struct explain *x, uint64_t now, eddy_error *err)
{
    eddy_event event;
    if (now != x->event)
        ed_view_line(&x->view, "E%" PRIu64 " went into E%" PRIu64 ":", outside(x, x->event),
                     outside(x, now));
    x->event = now;
    eddy_status st = eddy_clusterer_event(x->cl, now, x->arena, &event, err);
    if (st != EDDY_OK)
        return st;
    print_picture(x, &event);
    if (x->with_terms)
        st = print_terms(x, err);
    if (st == EDDY_OK)
        st = print_members(x, err);
    if (st == EDDY_OK)
        st = print_groups(x, err);
    if (st == EDDY_OK)
        print_similar(x, &event);
    if (st == EDDY_OK && x->has_story) {
        heading(x, "What happened");
        ed_story_print(&x->story, &x->view);
    }
    return st;
}

/* The state first: without it there is nothing to say. The story is told where it can be read. */
static eddy_status run(struct explain *x, const char *journal, const char *dir, eddy_error *err)
{
    uint64_t event = x->event, now = 0;
    eddy_error why = {0};
    x->n_shards = journal ? 1 : (uint32_t)x->config.state.shards;
    x->arena = eddy_arena_new(ARENA_MAX);
    if (!x->arena)
        return eddy_fail_nomem(err, "explain", 0);
    if (x->document)
        return explain_document(x, journal, dir, err);
    x->shard = ed_id_shard(event, x->n_shards);
    x->event = ed_id_inside(event, x->n_shards);
    eddy_status st = ed_look_state(&x->config, journal, (int32_t)x->shard, &x->cl, err);
    if (st == EDDY_OK && (!journal || dir))
        x->has_story = ed_story_read(&x->story, &x->config, dir, event, &why) == EDDY_OK;
    if (st == EDDY_OK)
        st = where_find(x, journal, dir, &now, err);
    return st == EDDY_OK ? explain(x, now, err) : st;
}

int ed_cmd_explain(int argc, char **argv)
{
    static struct explain x;
    const char *journal = NULL, *dir = NULL, *terms = NULL;
    const struct ed_flag flags[] = {
        {"document", 'd', "ID",
         "why this document is where it is, and which event is the next best", &x.document},
        {"terms", 0, NULL, "the words that tell it from the other events (ridge regression)",
         &terms},
        {"journal", 0, "DIR", "the state that eddy detect --journal DIR left, in place of topics",
         &journal},
        {"run", 0, "DIR", "with --journal: what the same run wrote (-o DIR)", &dir},
    };
    struct ed_words words = {0};
    const struct ed_command command = {
        .name = "explain",
        .synopsis = "eddy explain [OPTIONS] EVENT | --document ID",
        .about = "Why these documents are one event: what makes each alike to the others, what\n"
                 "was asked of it, which events are like this one and why they are not the same,\n"
                 "and what happened, with the way back. Or why one document is in its event and\n"
                 "not in the next best. Reads the pipeline's state, so it needs the pipeline's\n"
                 "own configuration.",
        .examples = "  eddy explain -c eddy.yaml E12 --terms\n"
                    "  eddy explain -c eddy.yaml --document nyt-2031-0815\n"
                    "  eddy explain --journal state --run found E12\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA | ED_TAKES_WORDS,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
        .words = &words,
    };
    int code = ed_config_start(argc, argv, &command, &x.config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    x.event = words.n == 1 && !x.document ? ed_look_id(words.at[0], 'E') : 0;
    x.with_terms = terms != NULL;
    ed_view_init(&x.view, stdout);
    if (x.document ? words.n != 0 : !x.event) {
        eddy_fail(&err, EDDY_INVALID,
                  "explain: which event or document? as in eddy explain E12, or --document ID");
        code = ed_exit_usage(command.name, &err);
    } else if (run(&x, journal, dir, &err) == EDDY_OK) {
        code = ed_exit_flushed(ED_EXIT_OK);
    } else {
        code = ed_exit_with(&err) == ED_EXIT_INTERNAL ? ED_EXIT_FAILURE : ed_exit_code(&err);
    }
    ed_view_clear(&x.view);
    ed_story_clear(&x.story);
    eddy_clusterer_free(x.cl);
    eddy_arena_free(x.arena);
    ed_config_clear(&x.config);
    return code;
}
