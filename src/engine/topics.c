/* Topics: slots and ids of topics and themes, and what people see of them.
 *
 * A topic knows its theme, an event its topic (hierarchy.c says which); how many documents it has
 * and which children is counted when it is asked for. Its picture is told when its children or its
 * theme are others than when it was last told, or when it has grown or shrunk by a quarter, so that
 * not every document shows in every picture above it. */
#include "engine/hierarchy.h"
#include "engine/record.h"
#include "engine/words.h"

#define GROWN   1.25
#define SHOWING 16 /* largest events that a topic takes its keywords from */

uint32_t ed_topic_slot(const eddy_clusterer *cl, uint64_t id)
{
    const uint64_t *slot = ed_table_find(&cl->topics.slot_of, id);
    return slot ? (uint32_t)*slot : NONE;
}

uint32_t ed_topic_new(eddy_clusterer *cl, int level)
{
    struct ed_topics *t = &cl->topics;
    uint32_t slot = ed_slots_lowest(&t->slots);
    uint64_t id = EDDY_TOPIC_ID(t->next);
    if (!ed_topics_room(cl, (size_t)slot + 1) || !ed_table_put(&t->slot_of, id, slot))
        return NONE;
    t->next++;
    t->at[slot] = (struct ed_topic){.id = id, .level = level};
    ed_slots_take(&t->slots, slot);
    ed_mark(cl, ED_TOPIC, slot);
    return slot;
}

/* ---- what is told ---- */

static eddy_topic *told_add(eddy_clusterer *cl, const eddy_topic *picture)
{
    struct ed_list_topic *list = &cl->topics_told;
    eddy_topic *at = ed_list_room(list->at, list->n, &list->room, sizeof *at);
    if (!at)
        return NULL;
    list->at = at;
    list->at[list->n] = *picture;
    list->at[list->n].stream_ms = cl->stream_ms;
    list->at[list->n].after = cl->pictures.n;
    return &list->at[list->n++];
}

eddy_status ed_topic_drop(eddy_clusterer *cl, uint32_t slot, uint32_t into, eddy_error *err)
{
    struct ed_topics *t = &cl->topics;
    struct ed_topic *topic = &t->at[slot];
    eddy_topic last = {.id = topic->id,
                       .version = topic->version + 1,
                       .level = topic->level,
                       .state = into == NONE ? EDDY_STATE_FADED : EDDY_STATE_MERGED,
                       .merged_into = into == NONE ? 0 : t->at[into].id};
    if (!told_add(cl, &last))
        return eddy_fail_nomem(err, "topics", sizeof last);
    if (into != NONE) {
        if (!ed_given_merged(cl, &t->at[into].given, topic->given))
            return eddy_fail_nomem(err, "topics", sizeof *topic->given);
        ed_mark(cl, ED_TOPIC, into);
    }
    ed_given_free(topic->given);
    topic->given = NULL;
    ed_table_remove(&t->slot_of, topic->id);
    topic->id = 0;
    ed_slots_free(&t->slots, slot);
    ed_mark(cl, ED_TOPIC, slot);
    return EDDY_OK;
}

/* ---- counting ---- */

/* Who is in what, now. */
struct census {
    const eddy_clusterer *cl;
    double *docs;       /* (slots) of topics and themes */
    size_t *n_events;   /* (slots) */
    uint64_t *children; /* (slots) hash of their ids */
    uint32_t *first;    /* (slots + 1) their places in ... */
    uint32_t *child;    /* ... slots of events, of topics */
};

static uint32_t theme_of(const eddy_clusterer *cl, uint32_t topic)
{
    return cl->topics.at[topic].id && cl->topics.at[topic].parent
               ? ed_topic_slot(cl, cl->topics.at[topic].parent)
               : NONE;
}

static uint32_t topic_of(const eddy_clusterer *cl, uint32_t event)
{
    return cl->events[event].id && cl->events[event].topic
               ? ed_topic_slot(cl, cl->events[event].topic)
               : NONE;
}

static void count(struct census *c, uint32_t topic, double docs, size_t n_events, uint64_t child)
{
    c->docs[topic] += docs;
    c->n_events[topic] += n_events;
    c->children[topic] += ed_mix64(child);
    c->first[topic + 2]++;
}

static int census_take(const eddy_clusterer *cl, eddy_arena *arena, struct census *c)
{
    const struct ed_topics *t = &cl->topics;
    size_t n = t->slots.n;
    *c = (struct census){.cl = cl,
                         .docs = ed_arena_alloc_zero(arena, n + 1, sizeof *c->docs),
                         .n_events = ed_arena_alloc_zero(arena, n + 1, sizeof *c->n_events),
                         .children = ed_arena_alloc_zero(arena, n + 1, sizeof *c->children),
                         .first = ed_arena_alloc_zero(arena, n + 2, sizeof *c->first),
                         .child = ed_arena_alloc(arena, (cl->n_events + n + 1) * sizeof *c->child)};
    if (!c->docs || !c->n_events || !c->children || !c->first || !c->child)
        return 0;
    for (uint32_t e = 0; e < cl->slots.n; e++)
        if (topic_of(cl, e) != NONE)
            count(c, topic_of(cl, e), cl->events[e].docs, 1, cl->events[e].id);
    for (uint32_t s = 0; s < n; s++)
        if (theme_of(cl, s) != NONE)
            count(c, theme_of(cl, s), c->docs[s], c->n_events[s], t->at[s].id);
    for (size_t s = 2; s < n + 2; s++)
        c->first[s] += c->first[s - 1];
    for (uint32_t e = 0; e < cl->slots.n; e++)
        if (topic_of(cl, e) != NONE)
            c->child[c->first[topic_of(cl, e) + 1]++] = e;
    for (uint32_t s = 0; s < n; s++)
        if (theme_of(cl, s) != NONE)
            c->child[c->first[theme_of(cl, s) + 1]++] = s;
    return 1;
}

/* ---- pictures ---- */

struct child {
    double docs;
    uint64_t id;
    uint32_t slot;
};

static int by_documents(const void *a, const void *b)
{
    const struct child *x = a;
    const struct child *y = b;
    if (x->docs != y->docs)
        return x->docs > y->docs ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* By falling documents; NULL: no memory. */
static struct child *children_of(const struct census *c, uint32_t topic, eddy_arena *arena,
                                 size_t *ret_n)
{
    const eddy_clusterer *cl = c->cl;
    size_t n = c->first[topic + 1] - c->first[topic];
    struct child *list = ed_arena_alloc(arena, (n + 1) * sizeof *list);
    for (size_t i = 0; i < n && list; i++) {
        uint32_t s = c->child[c->first[topic] + i];
        list[i] = cl->topics.at[topic].level == 1
                      ? (struct child){cl->events[s].docs, cl->events[s].id, s}
                      : (struct child){c->docs[s], cl->topics.at[s].id, s};
    }
    if (list)
        qsort(list, n, sizeof *list, by_documents);
    *ret_n = n;
    return list;
}

/* The largest events: of a topic its own, of a theme those of its largest topics. */
static int showing(const struct census *c, uint32_t topic, size_t most, eddy_arena *arena,
                   uint32_t *ret, size_t *ret_n)
{
    size_t n;
    const struct child *list = children_of(c, topic, arena, &n);
    for (size_t i = 0; list && i < n && *ret_n < most; i++) {
        if (c->cl->topics.at[topic].level == 1)
            ret[(*ret_n)++] = list[i].slot;
        else if (!showing(c, list[i].slot,
                          *ret_n + SHOWING / 4 < most ? *ret_n + SHOWING / 4 : most, arena, ret,
                          ret_n))
            return 0;
    }
    return list != NULL;
}

static int keywords(const struct census *c, uint32_t topic, eddy_arena *arena, eddy_topic *ret)
{
    uint32_t slots[SHOWING];
    size_t n = 0;
    if (!showing(c, topic, SHOWING, arena, slots, &n))
        return 0;
    struct ed_keyword top[EDDY_KEYWORDS];
    uint32_t n_top = ed_keywords(c->cl, slots, (uint32_t)n, top);
    for (uint32_t i = 0; i < n_top; i++) {
        eddy_str word = ed_words_surface(c->cl, top[i].hash);
        ret->keywords[i] = ed_arena_str(arena, word.at, word.n);
        if (!ret->keywords[i].at)
            return 0;
        ret->n_keywords++;
    }
    return 1;
}

static eddy_str copied(eddy_arena *arena, const char *s, size_t n, int *ok)
{
    eddy_str copy = ed_arena_str(arena, s, n);
    *ok &= copy.at != NULL;
    return copy;
}

static int picture(const struct census *c, uint32_t slot, eddy_arena *arena, eddy_topic *ret)
{
    const struct ed_topic *t = &c->cl->topics.at[slot];
    const struct ed_given none = {0};
    const struct ed_given *given = t->given ? t->given : &none;
    eddy_topic p = {.id = t->id,
                    .version = t->version,
                    .stream_ms = c->cl->stream_ms,
                    .parent = t->parent,
                    .level = t->level,
                    .named_by = given->named_by,
                    .described_by = given->described_by,
                    .documents = c->docs[slot],
                    .n_events = c->n_events[slot]};
    int ok = keywords(c, slot, arena, &p);
    const struct child *list = children_of(c, slot, arena, &p.n_children);
    uint64_t *ids = ed_arena_alloc(arena, (p.n_children + 1) * sizeof *ids);
    if (!ok || !list || !ids)
        return 0;
    for (size_t i = 0; i < p.n_children; i++)
        ids[i] = list[i].id;
    p.children = ids;
    p.description = copied(arena, given->summary, given->n_summary, &ok);
    p.category = copied(arena, given->category, given->n_category, &ok);
    p.name = given->named_by ? copied(arena, given->name, given->n, &ok)
                             : ed_name_of_words(arena, p.keywords, p.n_keywords);
    ok &= p.name.at != NULL;
    *ret = p;
    return ok;
}

static eddy_status tell(eddy_clusterer *cl, const struct census *c, uint32_t slot, eddy_error *err)
{
    struct ed_topic *t = &cl->topics.at[slot];
    eddy_topic p;
    t->version++;
    t->told = c->children[slot] + t->parent;
    t->told_docs = c->docs[slot];
    ed_mark(cl, ED_TOPIC, slot);
    return picture(c, slot, cl->pictures_arena, &p) && told_add(cl, &p)
               ? EDDY_OK
               : eddy_fail_nomem(err, "topics", sizeof p);
}

eddy_status ed_topics_tell(eddy_clusterer *cl, eddy_error *err)
{
    struct census c;
    if (!census_take(cl, cl->work, &c))
        return eddy_fail_nomem(err, "topics", cl->n_events * sizeof *c.child);
    for (uint32_t s = 0; s < cl->topics.slots.n; s++) {
        const struct ed_topic *t = &cl->topics.at[s];
        if (!t->id || (t->told == c.children[s] + t->parent && c.docs[s] < GROWN * t->told_docs &&
                       c.docs[s] > t->told_docs / GROWN))
            continue;
        eddy_status st = tell(cl, &c, s, err);
        if (st != EDDY_OK)
            return st;
    }
    return EDDY_OK;
}

eddy_status ed_topic_tell(eddy_clusterer *cl, uint32_t slot, eddy_error *err)
{
    struct census c;
    eddy_arena_reset(cl->work);
    return census_take(cl, cl->work, &c)
               ? tell(cl, &c, slot, err)
               : eddy_fail_nomem(err, "topics", cl->n_events * sizeof *c.child);
}

/* ---- looking in ---- */

size_t eddy_clusterer_topic_pictures(const eddy_clusterer *cl, const eddy_topic **ret)
{
    *ret = cl->topics_told.at;
    return cl->topics_told.n;
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const eddy_topic *)a)->id;
    uint64_t y = ((const eddy_topic *)b)->id;
    return (x > y) - (x < y);
}

eddy_status eddy_clusterer_topics(const eddy_clusterer *cl, eddy_arena *arena,
                                  const eddy_topic **ret, size_t *n_ret, eddy_error *err)
{
    eddy_status st = ed_clusterer_ready(cl, err);
    if (st != EDDY_OK)
        return st;
    struct census c;
    size_t n = 0;
    eddy_topic *list = ed_arena_alloc(arena, (cl->topics.slots.n + (size_t)1) * sizeof *list);
    if (!list || !census_take(cl, arena, &c))
        return eddy_fail_nomem(err, "topics", cl->topics.slots.n * sizeof *list);
    for (uint32_t s = 0; s < cl->topics.slots.n; s++)
        if (cl->topics.at[s].id && !picture(&c, s, arena, &list[n++]))
            return eddy_fail_nomem(err, "topics", sizeof *list);
    qsort(list, n, sizeof *list, by_id);
    *ret = list;
    *n_ret = n;
    return EDDY_OK;
}

/* ---- room ---- */

int ed_topics_room(eddy_clusterer *cl, size_t wanted)
{
    struct ed_topics *t = &cl->topics;
    if (wanted <= t->room)
        return 1;
    size_t room = t->room ? t->room * 2 : 64;
    room = ((wanted > room ? wanted : room) + 63) & ~(size_t)63;
    struct ed_topic *wide = ed_realloc(t->at, room * sizeof *wide);
    if (!wide)
        return 0;
    memset(wide + t->room, 0, (room - t->room) * sizeof *wide);
    t->at = wide;
    if (!ed_slots_room(&t->slots, t->room, room) || !ed_marks_room(&cl->marks[ED_TOPIC], room))
        return 0;
    t->room = room;
    return 1;
}

void ed_topics_free(eddy_clusterer *cl)
{
    struct ed_topics *t = &cl->topics;
    for (size_t s = 0; s < t->room; s++)
        ed_given_free(t->at[s].given);
    ed_free(t->at);
    ed_grown_free(t->slots.used);
    ed_table_clear(&t->slot_of);
    ed_free(cl->topics_told.at);
}

/* ---- as records ---- */

ed_out ed_topic_record_put(const eddy_clusterer *cl, ed_out at, const struct ed_topic *topic)
{
    at = ed_put_varint(at, EDDY_TOPIC_NUMBER(topic->id));
    at = ed_put_varint(at, topic->parent ? EDDY_TOPIC_NUMBER(topic->parent) : 0);
    at = ed_put_varint(at, topic->version);
    *at++ = (unsigned char)topic->level;
    at = ed_put_u64(at, topic->told);
    at = ed_put_number(at, topic->told_docs);
    return ed_given_record_put(cl, at, topic->given);
}

static uint64_t topic_id_get(struct ed_unpack *u)
{
    uint64_t number = ed_get_count(u, EDDY_TOPIC_NUMBER(UINT64_MAX));
    return number ? EDDY_TOPIC_ID(number) : 0;
}

int ed_topic_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    struct ed_topic *topic = &cl->topics.at[slot];
    topic->id = topic_id_get(u);
    topic->parent = topic_id_get(u);
    topic->version = ed_get_varint(u);
    topic->level = ed_unpack_u8(u);
    topic->told = ed_unpack_u64(u);
    topic->told_docs = ed_get_number(u, 0, COUNT_MOST);
    u->failed |= !topic->id || topic->level < 1 || topic->level > 2;
    struct ed_given given;
    return ed_given_record_get(cl, u, &given) && ed_given_put(cl, &topic->given, &given);
}

void ed_topic_of_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t slot)
{
    cl->events[slot].topic = topic_id_get(u);
    u->failed |= !cl->events[slot].topic;
}

/* Events are in topics, topics in themes, and all of these are there. */
eddy_status ed_topics_fit(eddy_clusterer *cl, eddy_error *err)
{
    struct ed_topics *t = &cl->topics;
    for (uint32_t s = 0; s < t->room; s++) {
        if (!t->at[s].id)
            continue;
        if (EDDY_TOPIC_NUMBER(t->at[s].id) >= t->next || ed_topic_slot(cl, t->at[s].id) != NONE)
            return ed_unfit(err, "topic in slot", s);
        if (!ed_table_put(&t->slot_of, t->at[s].id, s))
            return eddy_fail_nomem(err, "state: topics", t->room * 16);
        ed_slots_take(&t->slots, s);
    }
    t->slots.hint = 0;
    for (uint32_t s = 0; s < t->slots.n; s++) {
        uint64_t parent = t->at[s].id ? t->at[s].parent : 0;
        uint32_t theme = parent ? ed_topic_slot(cl, parent) : NONE;
        if (parent && (theme == NONE || t->at[theme].level != 2 || t->at[s].level != 1))
            return ed_unfit(err, "topic in slot", s);
    }
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        uint64_t id = cl->events[e].id ? cl->events[e].topic : 0;
        uint32_t topic = id ? ed_topic_slot(cl, id) : NONE;
        if (id && (topic == NONE || t->at[topic].level != 1))
            return ed_unfit(err, "topic of event", cl->events[e].id);
    }
    return EDDY_OK;
}
