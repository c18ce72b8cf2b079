/* Picture: what people see of an event.
 *
 * Keywords by contrast: the share of the event's documents that hold a word, times the word's idf
 * in the whole stream (class-based tf-idf). The name is the title of the most central document: the
 * central one of the group that points most the way of the event. */
#include "engine/state.h"

#define CANDIDATES 512
#define PLACES     1024 /* of a table of candidates; a power of two */

struct keyword {
    uint64_t hash;
    double score;
};

/* Words of all groups of the event, summed. Returns how many. */
static uint32_t gather_words(const eddy_clusterer *cl, const struct ed_event_state *ev,
                             struct keyword *list)
{
    uint32_t n = 0;
    uint16_t place_of[PLACES] = {0}; /* in the list, from 1; 0: free */
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_sketch *s = &cl->groups[ev->groups[i]].words;
        for (uint32_t k = 0; k < s->n; k++) {
            uint32_t at = (uint32_t)s->hash[k] % PLACES;
            while (place_of[at] && list[place_of[at] - 1].hash != s->hash[k])
                at = (at + 1) % PLACES;
            if (!place_of[at]) {
                if (n == CANDIDATES)
                    continue;
                list[n++] = (struct keyword){s->hash[k], 0};
                place_of[at] = (uint16_t)n;
            }
            list[place_of[at] - 1].score += (double)s->sure[k];
        }
    }
    return n;
}

static double share_of(const struct ed_event_state *ev, double count)
{
    return count < ev->docs ? count / ev->docs : 1;
}

static double others_of(const eddy_clusterer *cl, const struct ed_event_state *ev)
{
    return (double)cl->position > ev->docs ? (double)cl->position - ev->docs : 1;
}

/* How much a word says about the event: the share of its documents that hold it, times the
 * logarithm of how many times larger that is than elsewhere. 0 for what one in forty documents
 * elsewhere holds as well: function words, in whatever language. */
static double contrast(const eddy_clusterer *cl, const struct ed_event_state *ev, uint64_t hash,
                       double count)
{
    if (ev->docs >= 3 && count < 2)
        return 0; /* said once: an accident */
    double df = ed_words_df(cl, hash);
    if (!(df > 0))
        return 0; /* forgotten by the vocabulary */
    double share = share_of(ev, count), others = others_of(cl, ev);
    double elsewhere = df > count ? df - count : 0;
    if (elsewhere > 3 && elsewhere > others / 12)
        return 0;
    return share * ed_ln(1 + share * others / (elsewhere + 1));
}

static void keywords(const eddy_clusterer *cl, const struct ed_event_state *ev, eddy_arena *arena,
                     eddy_event *ret)
{
    struct keyword all[CANDIDATES];
    struct keyword top[EDDY_KEYWORDS];
    uint32_t n = gather_words(cl, ev, all);
    uint32_t n_top = 0;
    double most = ed_ln(1 + others_of(cl, ev)) * (1 + 1e-9); /* no word says more than its share */
    for (uint32_t i = 0; i < n; i++) {
        if (n_top == EDDY_KEYWORDS && share_of(ev, all[i].score) * most < top[n_top - 1].score)
            continue;
        struct keyword k = {all[i].hash, contrast(cl, ev, all[i].hash, all[i].score)};
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
    double best[EDDY_EXEMPLARS - 1];
    const struct ed_group *group[EDDY_EXEMPLARS - 1];
    uint32_t n = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        if (!newest || g->newest.time_ms > newest->newest.time_ms)
            newest = g;
        double cosine =
            ed_dot(ed_group_sum(cl, ev->groups[i]), ed_event_sum(cl, slot), cl->stride) /
            sqrt(g->square);
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

static eddy_str name_of(eddy_arena *arena, const eddy_event *event)
{
    if (event->n_exemplars && event->exemplars[0].title.n)
        return event->exemplars[0].title;
    struct ed_bytes b;
    ed_bytes_init(&b, 512);
    for (uint32_t i = 0; i < event->n_keywords && i < 3; i++)
        ed_bytes_printf(&b, "%s%.*s", i ? ", " : "", (int)event->keywords[i].word.n,
                        event->keywords[i].word.at);
    eddy_str name = ed_arena_str(arena, b.at, b.n);
    ed_bytes_clear(&b);
    return name;
}

eddy_status ed_picture(const eddy_clusterer *cl, uint32_t slot, eddy_arena *arena, eddy_event *ret,
                       eddy_error *err)
{
    const struct ed_event_state *ev = &cl->events[slot];
    eddy_event picture = {.id = ev->id,
                          .version = ev->version,
                          .state = EDDY_ACTIVE,
                          .parent = ev->parent,
                          .size = ev->docs,
                          .weight = ev->weight / cl->weight_now,
                          .first_ms = ev->first_ms,
                          .last_ms = ev->last_ms,
                          .stream_ms = cl->stream_ms,
                          .n_groups = ev->n_groups};
    double n = ev->weight;
    if (ev->docs > 1) {
        double own =
            n * n / ev->docs; /* the documents with themselves; exact without a half-life */
        const float *sum = ed_event_sum(cl, slot);
        picture.cohesion = (float)((ed_dot(sum, sum, cl->stride) - own) / (n * n - own));
    } else {
        picture.cohesion = 1;
    }
    keywords(cl, ev, arena, &picture);
    if (!exemplars(cl, slot, arena, &picture))
        return eddy_fail_nomem(err, "picture", ID_KEPT + TITLE_KEPT);
    picture.named_by = ev->given ? ev->given->named_by : EDDY_ONLINE;
    picture.pinned = ed_pinned(cl, slot);
    picture.name = picture.named_by ? ed_arena_str(arena, ev->given->name, ev->given->n)
                                    : name_of(arena, &picture);
    if (!picture.name.at)
        return eddy_fail_nomem(err, "picture", TITLE_KEPT);
    *ret = picture;
    return EDDY_OK;
}

eddy_status ed_picture_add(eddy_clusterer *cl, uint32_t slot, eddy_event_state state,
                           uint64_t merged_into, eddy_error *err)
{
    struct ed_list_picture *list = &cl->pictures;
    if (list->n == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        eddy_event *wide = ed_realloc(list->at, room * sizeof *wide);
        if (!wide)
            return eddy_fail_nomem(err, "pictures", room * sizeof *wide);
        list->at = wide;
        list->room = room;
    }
    struct ed_event_state *ev = &cl->events[slot];
    ev->version++;
    ed_mark(cl, ED_EVENT, slot);
    eddy_status st = EDDY_OK;
    if (state == EDDY_STATE_MERGED) /* a redirect: its documents are elsewhere already */
        list->at[list->n] = (eddy_event){.id = ev->id,
                                         .version = ev->version,
                                         .parent = ev->parent,
                                         .first_ms = ev->first_ms,
                                         .last_ms = ev->last_ms,
                                         .name = {"", 0}};
    else
        st = ed_picture(cl, slot, cl->pictures_arena, &list->at[list->n], err);
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
