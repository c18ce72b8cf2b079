/* A reply of any bytes, to questions of every kind: nothing outside of the offer comes of it, and
 * names are plain. The first byte says which kinds are asked, so that requests of one question and
 * of several are both met. */
#include "../unit/reason_offer.h"

#include <stdlib.h>

static void require(int holds)
{
    if (!holds)
        abort();
}

static const char *reply;

static void complete(void *self, const eddy_request *requests, size_t n, eddy_arena *arena,
                     eddy_reply *replies)
{
    (void)self;
    (void)requests;
    (void)arena;
    for (size_t i = 0; i < n; i++)
        replies[i].text = (eddy_str){reply, strlen(reply)};
    for (size_t i = 0; i < n; i++)
        replies[i].status = EDDY_OK;
}

#define MEMBER(k, s)                                                                               \
    {                                                                                              \
        .position = (k), .id = {"d", 1}, .title = {"Title " #k, 7}, .event = 1, .group = 10 + (k), \
        .similarity = (s)                                                                          \
    }

/* Questions of every kind, or those that the bits leave. */
static void view_fill(unsigned kinds, eddy_view *view, eddy_view_event *events,
                      eddy_view_doubt *doubts, eddy_topic *topic)
{
    static const eddy_member members[] = {MEMBER(1, 0.6F), MEMBER(2, 0.5F), MEMBER(3, 0.4F),
                                          MEMBER(4, 0.3F), MEMBER(5, 0.1F)};
    static const uint64_t groups[] = {11}, children[] = {1, 2};
    eddy_view_side side = {.documents = 5, .members = members, .n_members = 3};
    *view = (eddy_view){
        .threshold = 0.3, .spread = 0.05, .events = events, .doubts = doubts, .topics = topic};
    for (uint64_t id = 1; id <= 2 && kinds & 1; id++) {
        events[view->n_events] = (eddy_view_event){.members = members, .n_members = 5};
        events[view->n_events].picture =
            (eddy_event){.id = id, .version = 10 + id, .size = 20, .cohesion = id == 1 ? 0.5F : 0};
        view->n_events++;
    }
    static const struct {
        eddy_doubt_kind kind;
        uint64_t event, other;
        unsigned bit;
    } all[] = {{EDDY_DOUBT_SAME, 3, 4, 2},  {EDDY_DOUBT_SAME, 5, 6, 4},
               {EDDY_DOUBT_SAME, 6, 7, 4},  {EDDY_DOUBT_SAME, 7, 5, 4},
               {EDDY_DOUBT_WHOLE, 2, 0, 8}, {EDDY_DOUBT_WHOLE, 8, 0, 16},
               {EDDY_DOUBT_PLACE, 1, 9, 32}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!(kinds & all[i].bit))
            continue;
        eddy_view_doubt *d = &doubts[view->n_doubts++];
        *d = (eddy_view_doubt){.sides = {side, side}, .document = members[1]};
        d->sides[0].event = all[i].event;
        d->sides[1].event = all[i].other;
        d->doubt = (eddy_doubt){.kind = all[i].kind,
                                .event = all[i].event,
                                .other = all[i].other,
                                .event_version = 1,
                                .other_version = all[i].other ? 2 : 0,
                                .similarity = 0.3,
                                .yes = 0.45,
                                .position = 2};
        d->doubt.groups = all[i].kind == EDDY_DOUBT_WHOLE ? groups : NULL;
        d->doubt.n_groups = all[i].kind == EDDY_DOUBT_WHOLE;
    }
    *topic =
        (eddy_topic){.id = 30, .version = 3, .n_events = 2, .children = children, .n_children = 2};
    view->n_topics = kinds & 64 ? 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    eddy_view view;
    eddy_view_event events[2];
    eddy_view_doubt doubts[7];
    eddy_topic topic;
    view_fill(data[0], &view, events, doubts, &topic);
    char *text = calloc(1, size); /* the rest, up to its first 0 */
    memcpy(text, data + 1, size - 1);
    reply = text;
    eddy_reason_options options;
    eddy_reason_options_init(&options);
    options.completer.complete = complete;
    options.cache_max = 16;
    eddy_reasoner *r = NULL;
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_operation *ops = NULL;
    size_t n = 0;
    require(eddy_reasoner_new(&options, &r, NULL) == EDDY_OK);
    require(eddy_reasoner_pass(r, &view, 0, 1, arena, &ops, &n, NULL) == EDDY_OK);
    for (size_t i = 0; i < n; i++)
        require(!offer_denies(&view, &ops[i]));
    eddy_str phrases;
    eddy_str asked = {"a text", 6};
    require(eddy_reasoner_keyphrases(r, &asked, 1, 0, 1, arena, &phrases, NULL) == EDDY_OK);
    require(offer_plain(phrases, 500));
    eddy_reason_stats stats;
    eddy_reasoner_stats(r, &stats);
    require(stats.asked == stats.answered + stats.rejected && !stats.failed);
    eddy_reasoner_free(r);
    eddy_arena_free(arena);
    free(text);
    return 0;
}
