/* Views made by hand, and a completer that a test scripts. */
#ifndef EDDY_TEST_REASON_SUPPORT_H
#define EDDY_TEST_REASON_SUPPORT_H

#include "test.h"

#include "base/bytes.h"

#include <eddy/reason.h>

#include <math.h>

#define MADE_MAX 64
#define HOUR     INT64_C(3600000)
#define NOON     INT64_C(1900000000000) /* 2030-03-17 17:46:40 */

static inline eddy_str text_of(const char *s)
{
    return (eddy_str){s, strlen(s)};
}

/* A view with room, filled by the functions below. */
struct made {
    eddy_view view;
    eddy_view_event events[MADE_MAX];
    eddy_view_doubt doubts[MADE_MAX];
    eddy_topic topics[MADE_MAX];
    eddy_member members[MADE_MAX * 8];
    uint64_t groups[MADE_MAX], children[MADE_MAX];
    size_t n_members, n_groups, n_children;
    uint64_t position;
};

static inline struct made *made_new(void)
{
    struct made *m = calloc(1, sizeof *m);
    m->view = (eddy_view){.documents = 1000, .stream_ms = NOON, .threshold = 0.3, .spread = 0.05};
    m->view.events = m->events;
    m->view.doubts = m->doubts;
    m->view.topics = m->topics;
    return m;
}

/* Members from titles, ended by NULL; groups 100 event, one for each two members; by falling
 * similarity. */
static inline const eddy_member *made_members(struct made *m, uint64_t event,
                                              const char *const *titles, size_t *ret_n)
{
    eddy_member *first = &m->members[m->n_members];
    size_t n = 0;
    for (; titles[n]; n++)
        first[n] = (eddy_member){.position = m->position++,
                                 .id = {"doc", 3},
                                 .title = text_of(titles[n]),
                                 .time_ms = NOON - (int64_t)n * HOUR,
                                 .event = event,
                                 .group = 100 * event + n / 2,
                                 .similarity = 0.6F - 0.05F * (float)n};
    m->n_members += n;
    *ret_n = n;
    return first;
}

/* An event of `size` documents with these titles (NULL at the end) and keywords (likewise). */
static inline eddy_view_event *made_event(struct made *m, uint64_t id, double size,
                                          const char *const *titles, const char *const *words)
{
    eddy_view_event *e = &m->events[m->view.n_events++];
    e->picture = (eddy_event){.id = id,
                              .version = 10 + id,
                              .size = size,
                              .weight = size,
                              .first_ms = NOON - 3 * HOUR,
                              .last_ms = NOON,
                              .stream_ms = NOON,
                              .cohesion = 0.5F,
                              .n_groups = 2};
    e->members = made_members(m, id, titles, &e->n_members);
    for (uint32_t i = 0; titles[i] && i < EDDY_EXEMPLARS; i++, e->picture.n_exemplars++) {
        e->picture.exemplars[i].title = text_of(titles[i]);
        e->picture.exemplars[i].id = text_of("doc");
        e->picture.exemplars[i].time_ms = NOON;
    }
    e->picture.name = titles[0] ? text_of(titles[0]) : (eddy_str){"", 0};
    for (uint32_t i = 0; words && words[i]; i++, e->picture.n_keywords++) {
        e->picture.keywords[i].word = text_of(words[i]);
        e->picture.keywords[i].score = 2 - 0.2F * (float)i;
    }
    return e;
}

static inline eddy_view_side made_side(struct made *m, uint64_t event, double documents,
                                       const char *const *titles)
{
    eddy_view_side side = {.event = event, .documents = documents};
    side.members = made_members(m, event, titles, &side.n_members);
    return side;
}

static inline eddy_view_doubt *made_doubt(struct made *m, eddy_doubt_kind kind, uint64_t event,
                                          uint64_t other, double yes, const char *const *a,
                                          const char *const *b)
{
    eddy_view_doubt *d = &m->doubts[m->view.n_doubts++];
    d->doubt = (eddy_doubt){.kind = kind,
                            .event = event,
                            .other = kind == EDDY_DOUBT_WHOLE ? 0 : other,
                            .event_version = 10 + event,
                            .other_version = kind == EDDY_DOUBT_WHOLE ? 0 : 10 + other,
                            .similarity = 0.295,
                            .yes = yes};
    d->sides[0] = made_side(m, event, 10, a);
    d->sides[1] = made_side(m, kind == EDDY_DOUBT_WHOLE ? event : other, 20, b);
    if (kind == EDDY_DOUBT_WHOLE) {
        m->groups[m->n_groups] = 100 * event;
        d->doubt.groups = &m->groups[m->n_groups++];
        d->doubt.n_groups = 1;
    }
    return d;
}

/* A document of event a that may be one of event b. */
static inline eddy_view_doubt *made_place(struct made *m, const char *title, uint64_t event,
                                          uint64_t other, const char *const *a,
                                          const char *const *b)
{
    eddy_view_doubt *d = made_doubt(m, EDDY_DOUBT_PLACE, event, other, 0.45, a, b);
    d->document = (eddy_member){.position = 777,
                                .id = {"doc", 3},
                                .title = text_of(title),
                                .time_ms = NOON,
                                .event = event,
                                .similarity = 0.2F};
    d->doubt.position = 777;
    return d;
}

/* ---- a completer by script ---- */

struct script {
    const char *const *replies; /* to each request in turn; the last one stays; NULL: no text */
    size_t n_replies;
    eddy_status status;
    uint64_t tokens_in, tokens_out, attempts; /* told with each reply */
    size_t calls, requests;
    struct ed_bytes seen; /* all that was asked */
};

static inline void script_complete(void *self, const eddy_request *requests, size_t n,
                                   eddy_arena *arena, eddy_reply *replies)
{
    (void)arena;
    struct script *s = self;
    s->calls++;
    if (!s->seen.max)
        ed_bytes_init(&s->seen, 0);
    for (size_t i = 0; i < n; i++) {
        size_t k = s->requests < s->n_replies ? s->requests : s->n_replies ? s->n_replies - 1 : 0;
        replies[i].status = s->status;
        if (s->n_replies && s->replies[k] && s->status == EDDY_OK)
            replies[i].text = text_of(s->replies[k]);
        replies[i].tokens_in = s->tokens_in;
        replies[i].tokens_out = s->tokens_out;
        replies[i].attempts = s->attempts;
        s->requests++;
        ed_bytes_printf(&s->seen, "%s\n%s\n%s\n", requests[i].system.at, requests[i].user.at,
                        requests[i].schema.at);
    }
}

static inline void script_clear(struct script *s)
{
    ed_bytes_clear(&s->seen);
}

/* A pass over the view, that has to be well; its operations in the arena. */
static inline size_t made_pass(eddy_reasoner *r, const struct made *m, eddy_arena *arena,
                               const eddy_operation **ret)
{
    size_t n = 0;
    eddy_error err = {0};
    *ret = NULL;
    CHECK_OK(eddy_reasoner_pass(r, &m->view, 1000, 42, arena, ret, &n, &err), &err);
    return n;
}

static inline eddy_reasoner *reasoner_new(struct script *s, void (*more)(eddy_reason_options *))
{
    eddy_reason_options options;
    eddy_reason_options_init(&options);
    if (s) {
        options.completer = (eddy_completer){s, script_complete};
        options.model = "test-model";
    }
    if (more)
        more(&options);
    eddy_reasoner *r = NULL;
    eddy_error err = {0};
    CHECK_OK(eddy_reasoner_new(&options, &r, &err), &err);
    return r;
}

#define TITLES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const quake[] = {"Strong earthquake shakes Kathmandu in Nepal",
                                    "Nepal earthquake: Kathmandu airport closed",
                                    "Hundreds feared dead after Nepal earthquake", NULL};
static const char *const quake_too[] = {"Strong earthquake shakes Kathmandu in Nepal again",
                                        "Rescue teams reach villages near Kathmandu",
                                        "Nepal quake death toll rises", NULL};
static const char *const strike[] = {"Pilots of the airline go on strike on Monday",
                                     "Airline strike: 400 flights cancelled",
                                     "Union and airline talk about pay", NULL};
static const char *const quake_words[] = {"nepal", "earthquake", "kathmandu", NULL};
static const char *const strike_words[] = {"airline", "strike", "pilots", NULL};

#endif
