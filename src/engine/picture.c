/* Picture: what people see of an event.
 *
 * Keywords by contrast: the share of the event's documents that hold a word, times the word's idf
 * in the whole stream (class-based tf-idf). The name is the title of the most central document: the
 * central one of the group that points most the way of the event. */
#include "engine/hierarchy.h"
#include "engine/operations.h"
#include "engine/signals.h"
#include "engine/words.h"

#define CANDIDATES 512
#define FEW        ED_RUN_ROWS /* groups whose products are made at a time */

/* Words on their way to keywords: a list in the order in which they come, found by hash. */
struct words {
    uint32_t n;
    struct ed_keyword list[CANDIDATES];
    uint16_t place[2 * CANDIDATES]; /* 1 + place in the list; 0: free */
};

/* The word's place in the list, which it joins while there is room; NONE: there is none. */
static uint32_t word_place(struct words *w, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 32) % (2 * CANDIDATES); /* it is a hash: any bits do */
    for (; w->place[at]; at = (at + 1) % (2 * CANDIDATES))
        if (w->list[w->place[at] - 1].hash == hash)
            return w->place[at] - 1u;
    if (w->n == CANDIDATES)
        return NONE;
    w->list[w->n] = (struct ed_keyword){hash, 0};
    w->place[at] = (uint16_t)++w->n;
    return w->n - 1;
}

/* Words of all groups of the event, added. */
static void gather_words(const eddy_clusterer *cl, const struct ed_event_state *ev, struct words *w)
{
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_sketch *s = &cl->groups[ev->groups[i]].words;
        for (uint32_t k = 0; k < s->n; k++) {
            uint32_t j = word_place(w, s->hash[k]);
            if (j != NONE)
                w->list[j].score += (double)s->sure[k];
        }
    }
}

static double share_of(double docs, double count)
{
    return count < docs ? count / docs : 1;
}

static double others_of(const eddy_clusterer *cl, double docs)
{
    return (double)cl->position > docs ? (double)cl->position - docs : 1;
}

/* How much a word says about events of so many documents: the share of them that hold it, times the
 * logarithm of how many times larger that is than elsewhere. 0 for what one in forty documents
 * elsewhere holds as well: function words, in whatever language. */
static double contrast(const eddy_clusterer *cl, double docs, uint64_t hash, double count)
{
    if (docs >= 3 && count < 2)
        return 0; /* said once: an accident */
    double df = ed_words_df(cl, hash);
    if (!(df > 0))
        return 0; /* forgotten by the vocabulary */
    double share = share_of(docs, count);
    double others = others_of(cl, docs);
    double elsewhere = df > count ? df - count : 0;
    if (elsewhere > 3 && elsewhere > others / 12)
        return 0;
    return share * ed_ln(1 + share * others / (elsewhere + 1));
}

uint32_t ed_keywords(const eddy_clusterer *cl, const uint32_t *slots, uint32_t n,
                     struct ed_keyword top[EDDY_KEYWORDS])
{
    struct words w;
    uint32_t n_top = 0;
    double docs = 0;
    w.n = 0;
    memset(w.place, 0, sizeof w.place);
    for (uint32_t i = 0; i < n; i++) {
        gather_words(cl, &cl->events[slots[i]], &w);
        docs += cl->events[slots[i]].docs;
    }
    double most =
        ed_ln(1 + others_of(cl, docs)) * (1 + 1e-9); /* no word says more than its share */
    for (uint32_t i = 0; i < w.n; i++) {
        if (n_top == EDDY_KEYWORDS && share_of(docs, w.list[i].score) * most < top[n_top - 1].score)
            continue;
        struct ed_keyword k = {w.list[i].hash, contrast(cl, docs, w.list[i].hash, w.list[i].score)};
        if (!(k.score > 0))
            continue;
        uint32_t at = n_top;
        if (n_top == EDDY_KEYWORDS) {
            if (k.score <= top[n_top - 1].score)
                continue;
            at--;
        } else {
            n_top++;
        }
        for (; at && (k.score > top[at - 1].score ||
                      (k.score == top[at - 1].score && k.hash < top[at - 1].hash));
             at--)
            top[at] = top[at - 1];
        top[at] = k;
    }
    return n_top;
}

static void keywords(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, eddy_event *ret)
{
    struct ed_keyword top[EDDY_KEYWORDS];
    uint32_t n_top = ed_keywords(cl, &slot, 1, top);
    for (uint32_t i = 0; i < n_top; i++) {
        eddy_str word = ed_words_surface(cl, top[i].hash);
        word = ed_arena_str(arena, word.at, word.n);
        if (!word.at)
            break;
        ret->keywords[ret->n_keywords].word = word;
        ret->keywords[ret->n_keywords++].score = (float)top[i].score;
    }
}

static int exemplar_add(eddy_arena *arena, const struct ed_exemplar *x, eddy_event *ret)
{
    if (!(x->similarity > -1))
        return 1; /* none: it was reassigned, and the others have left the window */
    for (uint32_t i = 0; i < ret->n_exemplars; i++)
        if (ret->exemplars[i].id.n == x->n_id && !memcmp(ret->exemplars[i].id.at, x->id, x->n_id))
            return 1;
    uint32_t i = ret->n_exemplars;
    ret->exemplars[i].id = ed_arena_str(arena, x->id, x->n_id);
    ret->exemplars[i].title = ed_arena_str(arena, x->title, x->n_title);
    ret->exemplars[i].similarity = x->similarity;
    ret->exemplars[i].time_ms = x->time_ms;
    ret->n_exemplars++;
    return ret->exemplars[i].id.at && ret->exemplars[i].title.at;
}

/* Central documents of the groups that point most the way of the event; the newest last. */
static int exemplars(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, eddy_event *ret)
{
    const struct ed_event_state *ev = &cl->events[slot];
    const struct ed_group *newest = NULL;
    double best[EDDY_EXEMPLARS - 1], dots[FEW];
    const struct ed_group *group[EDDY_EXEMPLARS - 1];
    uint32_t n = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        if (!newest || g->newest.time_ms > newest->newest.time_ms)
            newest = g;
        if (i % FEW == 0)
            ed_groups_dots(cl, ed_event_sum(cl, slot), ev->groups + i,
                           ev->n_groups - i < FEW ? ev->n_groups - i : FEW, dots);
        double cosine = dots[i % FEW] / sqrt(g->square);
        uint32_t at = n;
        if (n == EDDY_EXEMPLARS - 1) {
            if (cosine <= best[n - 1])
                continue;
            at--;
        } else {
            n++;
        }
        for (; at && cosine > best[at - 1]; at--) {
            best[at] = best[at - 1];
            group[at] = group[at - 1];
        }
        best[at] = cosine;
        group[at] = g;
    }
    for (uint32_t i = 0; i < n; i++)
        if (!exemplar_add(arena, &group[i]->central, ret))
            return 0;
    return !newest || exemplar_add(arena, &newest->newest, ret);
}

eddy_str ed_name_of_words(eddy_arena *arena, const eddy_str *words, uint32_t n)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 512);
    for (uint32_t i = 0; i < n && i < 3; i++)
        ed_bytes_printf(&b, "%s%.*s", i ? ", " : "", (int)words[i].n, words[i].at);
    eddy_str name = ed_arena_str(arena, b.at, b.n);
    ed_bytes_clear(&b);
    return name;
}

static eddy_str name_of(eddy_arena *arena, const eddy_event *event)
{
    eddy_str words[EDDY_KEYWORDS];
    if (event->n_exemplars && event->exemplars[0].title.n)
        return event->exemplars[0].title;
    for (uint32_t i = 0; i < event->n_keywords; i++)
        words[i] = event->keywords[i].word;
    return ed_name_of_words(arena, words, event->n_keywords);
}

/* Name, pin, summary and category; 0: no memory. */
static int given_of(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, eddy_event *ret)
{
    static const struct ed_given nothing;
    const struct ed_given *given = cl->events[slot].given ? cl->events[slot].given : &nothing;
    ret->named_by = given->named_by;
    ret->pinned = ed_pinned(cl, slot);
    ret->name = given->named_by ? ed_arena_str(arena, given->name, given->n) : name_of(arena, ret);
    ret->described_by = given->described_by;
    ret->summary = ret->category = (eddy_str){"", 0};
    if (given->n_summary)
        ret->summary = ed_arena_str(arena, given->summary, given->n_summary);
    if (given->n_category)
        ret->category = ed_arena_str(arena, given->category, given->n_category);
    return ret->name.at && ret->summary.at && ret->category.at;
}

static uint64_t theme_of(const eddy_clusterer *cl, uint64_t topic)
{
    uint32_t slot = topic ? ed_topic_slot(cl, topic) : NONE;
    return slot == NONE ? 0 : cl->topics.at[slot].parent;
}

eddy_status ed_picture(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, eddy_event *ret,
                       eddy_error *err)
{
    const struct ed_event_state *ev = &cl->events[slot];
    eddy_event picture = {
        .id = ev->id,
        .version = ev->version,
        .state = EDDY_ACTIVE,
        .parent = ev->parent,
        .size = ev->docs,
        .weight = ev->weight / cl->weight_now,
        .first_ms = ev->first_ms,
        .last_ms = ed_event_last(ev),
        .stream_ms = cl->stream_ms,
        .n_groups = ev->n_groups,
        .topic = ev->topic,
        .theme = theme_of(cl, ev->topic),
        .map = {(double)ev->map[0] / ED_MAP_UNIT, (double)ev->map[1] / ED_MAP_UNIT}};
    double n = ev->weight;
    if (ev->docs > 1) {
        double own =
            n * n / ev->docs; /* the documents with themselves; exact without a half-life */
        const float *sum = ed_event_sum(cl, slot);
        picture.cohesion = (float)((ed_dot(sum, sum, cl->stride) - own) / (n * n - own));
    } else {
        picture.cohesion = 1;
    }
    ed_indexes_picture(cl, slot, &picture);
    ed_signals_picture(cl, slot, &picture);
    keywords(cl, slot, arena, &picture);
    if (!exemplars(cl, slot, arena, &picture))
        return eddy_fail_nomem(err, "picture", ID_KEPT + TITLE_KEPT);
    if (!given_of(cl, slot, arena, &picture))
        return eddy_fail_nomem(err, "picture", TITLE_KEPT);
    *ret = picture;
    return EDDY_OK;
}

eddy_status ed_picture_add(eddy_clusterer *cl, uint32_t slot, eddy_event_state state,
                           uint64_t merged_into, eddy_error *err)
{
    struct ed_list_picture *list = &cl->pictures;
    eddy_event *at = ed_list_room(list->at, list->n, &list->room, sizeof *at);
    if (!at)
        return eddy_fail_nomem(err, "pictures", list->n * sizeof *at);
    list->at = at;
    struct ed_event_state *ev = &cl->events[slot];
    ev->version++;
    ed_mark(cl, ED_EVENT, slot);
    eddy_status st = EDDY_OK;
    if (state == EDDY_STATE_MERGED) { /* a redirect: its documents are elsewhere already */
        list->at[list->n] = (eddy_event){.id = ev->id,
                                         .version = ev->version,
                                         .parent = ev->parent,
                                         .first_ms = ev->first_ms,
                                         .last_ms = ed_event_last(ev),
                                         .name = {"", 0}};
    } else {
        ed_signals_shown(cl, slot);
        st = ed_picture(cl, slot, cl->pictures_arena, &list->at[list->n], err);
        if (st == EDDY_OK)
            ed_indexes_keep(cl, slot, &list->at[list->n]);
    }
    if (st != EDDY_OK)
        return st;
    list->at[list->n].state = state;
    list->at[list->n].merged_into = merged_into;
    list->n++;
    return EDDY_OK;
}

/* ---- at the end of a pass ---- */

/* Tell `renamed` when the three leading keywords are others than those last told. Looked at when
 * an event has grown by a quarter, so that a name does not flicker. */
static int tell_name(eddy_clusterer *cl, uint32_t slot, const eddy_event *picture)
{
    struct ed_event_state *ev = &cl->events[slot];
    if (ev->docs < 3 || ev->docs < 1.25 * ev->named_at)
        return 1;
    uint64_t name = 1;
    for (uint32_t i = 0; i < picture->n_keywords && i < 3; i++) /* a sum: order does not matter */
        name += ed_mix64(
            ed_fnv1a(ED_FNV_BASIS, picture->keywords[i].word.at, picture->keywords[i].word.n));
    int renamed = ev->named_at > 0 && ev->name != name;
    ev->name = name;
    ev->named_at = ev->docs;
    ed_mark(cl, ED_EVENT, slot);
    return !renamed || (ev->given && ev->given->named_by) || ed_change_add(cl, EDDY_RENAMED, slot);
}

#define DRIFT_MIN 10 /* documents on both sides */

/* Tell `drifted` when what came since the last telling would not be of one event with what the
 * event was then: mean similarity of the old and the new part below tau. */
static int tell_drift(eddy_clusterer *cl, uint32_t slot)
{
    struct ed_event_state *ev = &cl->events[slot];
    const float *sum = ed_event_sum(cl, slot);
    size_t bytes = cl->stride * sizeof *sum;
    if (ev->docs < DRIFT_MIN)
        return 1;
    if (ev->told) {
        double came = ev->weight - ev->told_weight;
        if (came < DRIFT_MIN * cl->weight_now)
            return 1;
        double old = ed_dot(ev->told, ev->told, cl->stride);
        double similarity = (ed_dot(ev->told, sum, cl->stride) - old) / (ev->told_weight * came);
        if (similarity < cl->th.tau) {
            eddy_change *change = ed_change_add(cl, EDDY_DRIFTED, slot);
            if (!change)
                return 0;
            change->similarity = (float)similarity;
            change->threshold = (float)cl->th.tau;
        } else if (came < ev->told_weight) {
            return 1;
        }
    } else {
        ev->told = ed_alloc_aligned(bytes);
        if (!ev->told)
            return 0;
    }
    memcpy(ev->told, sum, bytes); /* told, or grown to twice its size without drift */
    ev->told_weight = ev->weight;
    ed_mark(cl, ED_TOLD, slot);
    return 1;
}

eddy_status ed_picture_pass(eddy_clusterer *cl, eddy_error *err)
{
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        if (!cl->events[e].id || cl->events[e].pictured != ed_round(cl))
            continue;
        eddy_status st = ed_picture_add(cl, e, EDDY_ACTIVE, 0, err);
        if (st != EDDY_OK)
            return st;
        if (!tell_name(cl, e, &cl->pictures.at[cl->pictures.n - 1]) || !tell_drift(cl, e))
            return eddy_fail_nomem(err, "changes", sizeof(eddy_change));
    }
    return EDDY_OK;
}
