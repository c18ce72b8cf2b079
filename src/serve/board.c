/* Board: a table of pictures, a ring of changes, a ring of documents.
 *
 * A document's line says which group it came to, and changes say what becomes of groups: where a
 * document is now is found by following its group, when somebody asks. What is known of groups is
 * folded into the documents when it has grown to a few times their number. */
#include "serve/board.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/shelf.h"
#include "base/table.h"
#include "base/time.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct picture {
    struct ed_picture public; /* first, so that one is the other; begins with its id */
    atomic_uint refs;
    _Atomic(struct ed_bytes *) words;
    char bytes[];
};

struct change {
    struct ed_told_change public;
    atomic_uint refs;
    char bytes[];
};

struct document {
    struct ed_board_document public;
    uint64_t event, group;
    uint32_t shard;
    uint32_t source; /* its number; 0: not among those that are kept */
};

/* Ids in the order in which they came to an end, the oldest overwritten. */
struct last {
    uint64_t *ids; /* (room) */
    size_t room, next;
    uint64_t left; /* that were overwritten */
};

struct ed_board {
    pthread_mutex_t lock; /* guards all of it */
    pthread_cond_t moved;
    struct ed_shelf pictures; /* struct picture */
    struct last faded, merged;
    struct change **changes;    /* number % ED_BOARD_CHANGES */
    uint64_t next;              /* number of the next change */
    struct document *documents; /* (ED_BOARD_DOCUMENTS) a ring */
    uint64_t n_documents;       /* that ever came */
    struct ed_table folds;      /* group -> the one that it went into */
    struct ed_table homes;      /* group -> the event that it moved to */
    struct ed_table merges;     /* event -> the one that it went into */
    struct ed_table source_of;  /* hash of a name -> number of the source, from 1 */
    eddy_str *sources;          /* (source_of.n) their names, by number - 1 */
    uint64_t lost;
    int woken;
};

eddy_status ed_board_new(struct ed_board **ret, eddy_error *err)
{
    pthread_condattr_t attr;
    struct ed_board *b = ed_alloc_zero(1, sizeof *b);
    if (!b)
        return eddy_fail_nomem(err, "board", sizeof *b);
    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->moved, &attr);
    pthread_condattr_destroy(&attr);
    b->next = 1;
    b->faded.room = ED_BOARD_FADED;
    b->merged.room = ED_BOARD_MERGED;
    b->faded.ids = ed_alloc_zero(ED_BOARD_FADED, sizeof *b->faded.ids);
    b->merged.ids = ed_alloc_zero(ED_BOARD_MERGED, sizeof *b->merged.ids);
    b->changes = ed_alloc_zero(ED_BOARD_CHANGES, sizeof *b->changes);
    b->documents = ed_alloc_zero(ED_BOARD_DOCUMENTS, sizeof *b->documents);
    b->sources = ed_alloc_zero(ED_BOARD_SOURCES, sizeof *b->sources);
    if (!b->faded.ids || !b->merged.ids || !b->changes || !b->documents || !b->sources) {
        ed_board_free(b);
        return eddy_fail_nomem(err, "board", ED_BOARD_DOCUMENTS * sizeof *b->documents);
    }
    *ret = b;
    return EDDY_OK;
}

void ed_board_free(struct ed_board *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->pictures.n; i++)
        ed_picture_back(b->pictures.at[i]);
    for (size_t i = 0; b->changes && i < ED_BOARD_CHANGES; i++)
        if (b->changes[i])
            ed_change_back(&b->changes[i]->public);
    ed_shelf_clear(&b->pictures);
    ed_free(b->changes);
    ed_free(b->documents);
    for (size_t i = 0; i < b->source_of.n; i++)
        ed_free((char *)(uintptr_t)b->sources[i].at);
    ed_free(b->sources);
    ed_table_clear(&b->source_of);
    ed_free(b->faded.ids);
    ed_free(b->merged.ids);
    ed_table_clear(&b->folds);
    ed_table_clear(&b->homes);
    ed_table_clear(&b->merges);
    pthread_cond_destroy(&b->moved);
    pthread_mutex_destroy(&b->lock);
    ed_free(b);
}

/* ---- pictures ---- */

static struct picture *picture_at(const struct ed_board *b, size_t i)
{
    return b->pictures.at[i];
}

static struct picture *picture_new(uint32_t shard, const struct ed_message *m)
{
    struct picture *p = ed_alloc(sizeof *p + m->value.n + 1);
    if (!p)
        return NULL;
    memcpy(p->bytes, m->value.at, m->value.n);
    p->bytes[m->value.n] = 0;
    p->public = (struct ed_picture){.shard = shard, .json = {p->bytes, m->value.n}};
    p->public.id = ed_raw_id(ed_raw_find(p->public.json, "id"));
    atomic_init(&p->refs, 1);
    atomic_init(&p->words, NULL);
    ed_facts_read(p->public.json, &p->public.facts);
    return p;
}

void ed_picture_back(const struct ed_picture *picture)
{
    struct picture *p = (struct picture *)(uintptr_t)picture;
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    struct ed_bytes *words = atomic_load(&p->words);
    if (words)
        ed_bytes_clear(words);
    ed_free(words);
    ed_free(p);
}

eddy_str ed_picture_words(const struct ed_picture *picture)
{
    struct picture *p = (struct picture *)(uintptr_t)picture;
    struct ed_bytes *words = atomic_load(&p->words), *before = NULL;
    if (words)
        return (eddy_str){words->at, words->n};
    words = ed_alloc(sizeof *words);
    if (!words)
        return (eddy_str){"", 0};
    ed_bytes_init(words, 0);
    ed_facts_words(picture->json, words);
    if (!atomic_compare_exchange_strong(&p->words, &before, words)) { /* another was faster */
        ed_bytes_clear(words);
        ed_free(words);
        words = before;
    }
    return (eddy_str){words->at ? words->at : "", words->n};
}

static void picture_leave(struct ed_board *b, uint64_t id)
{
    ed_picture_back(ed_shelf_take(&b->pictures, id));
}

/* One more is over: the oldest of its kind leaves, unless it is something else by now. */
static void last_add(struct ed_board *b, struct last *last, eddy_event_state state, uint64_t id)
{
    uint64_t old = last->ids[last->next];
    const struct ed_picture *picture = ed_shelf_find(&b->pictures, old);
    if (picture && picture->facts.state == state)
        picture_leave(b, old);
    last->left += old != 0;
    last->ids[last->next] = id;
    last->next = (last->next + 1) % last->room;
}

/* Takes the picture. */
static void picture_put(struct ed_board *b, struct picture *p)
{
    uint64_t id = p->public.id;
    eddy_event_state state = p->public.facts.state, before = EDDY_ACTIVE;
    void *old;
    if (!ed_shelf_put(&b->pictures, p, &old)) {
        b->lost++;
        ed_picture_back(&p->public);
        return;
    }
    if (old)
        before = ((const struct ed_picture *)old)->facts.state;
    ed_picture_back(old);
    if (state != EDDY_ACTIVE && state != before)
        last_add(b, state == EDDY_STATE_FADED ? &b->faded : &b->merged, state, id);
}

/* ---- changes ---- */

static struct change *change_new(const struct ed_message *m)
{
    struct change *c = ed_alloc(sizeof *c + m->value.n + 1);
    if (!c)
        return NULL;
    memcpy(c->bytes, m->value.at, m->value.n);
    c->bytes[m->value.n] = 0;
    eddy_str json = {c->bytes, m->value.n};
    c->public = (struct ed_told_change){.event = ed_raw_id(ed_raw_find(json, "event")),
                                        .other = ed_raw_id(ed_raw_find(json, "other")),
                                        .kind = ed_raw_text(ed_raw_find(json, "kind")),
                                        .json = json};
    atomic_init(&c->refs, 1);
    return c;
}

void ed_change_back(const struct ed_told_change *change)
{
    struct change *c = (struct change *)(uintptr_t)change;
    if (c && atomic_fetch_sub(&c->refs, 1) == 1)
        ed_free(c);
}

static int kind_is(const struct change *c, const char *kind)
{
    return c->public.kind.n == strlen(kind) && !memcmp(c->public.kind.at, kind, c->public.kind.n);
}

static void table_set(struct ed_board *b, struct ed_table *table, uint64_t key, uint64_t value)
{
    uint64_t *place = key ? ed_table_put(table, key, value) : NULL;
    if (place)
        *place = value;
    b->lost += key && !place;
}

/* One document went by itself. */
static void document_move(struct ed_board *b, uint32_t shard, const struct change *c)
{
    eddy_str json = c->public.json;
    double position = ed_raw_number(ed_raw_find(json, "document_position"));
    for (size_t i = 0; i < ED_BOARD_DOCUMENTS; i++) {
        struct document *d = &b->documents[i];
        if (!d->event || d->shard != shard || (double)d->public.position != position)
            continue;
        d->event = c->public.event;
        d->group = ed_raw_id(ed_raw_find(json, "into_group"));
    }
}

static void change_follow(struct ed_board *b, uint32_t shard, const struct change *c)
{
    eddy_str json = c->public.json;
    if (kind_is(c, "merged"))
        table_set(b, &b->merges, c->public.event, c->public.other);
    else if (kind_is(c, "moved"))
        table_set(b, &b->homes, ed_raw_id(ed_raw_find(json, "group")), c->public.event);
    else if (kind_is(c, "folded"))
        table_set(b, &b->folds, ed_raw_id(ed_raw_find(json, "group")),
                  ed_raw_id(ed_raw_find(json, "into_group")));
    else if (kind_is(c, "reassigned"))
        document_move(b, shard, c);
}

/* Takes the change. */
static void change_put(struct ed_board *b, uint32_t shard, struct change *c)
{
    struct change **place = &b->changes[b->next % ED_BOARD_CHANGES];
    if (*place)
        ed_change_back(&(*place)->public);
    c->public.number = b->next++;
    *place = c;
    change_follow(b, shard, c);
}

const struct ed_told_change *ed_board_change(struct ed_board *b, uint64_t number)
{
    const struct ed_told_change *found = NULL;
    pthread_mutex_lock(&b->lock);
    uint64_t oldest = b->next > ED_BOARD_CHANGES ? b->next - ED_BOARD_CHANGES : 1;
    number = number > oldest ? number : oldest;
    if (number < b->next) {
        struct change *c = b->changes[number % ED_BOARD_CHANGES];
        atomic_fetch_add(&c->refs, 1);
        found = &c->public;
    }
    pthread_mutex_unlock(&b->lock);
    return found;
}

uint64_t ed_board_wait(struct ed_board *b, uint64_t number, int wait_ms)
{
    int64_t at = ed_monotonic_ms() + wait_ms;
    const struct timespec until = {at / 1000, at % 1000 * 1000000L};
    int timed_out = 0;
    pthread_mutex_lock(&b->lock);
    while (b->next <= number && !b->woken && !timed_out)
        timed_out = pthread_cond_timedwait(&b->moved, &b->lock, &until) != 0;
    b->woken = 0;
    uint64_t next = b->next;
    pthread_mutex_unlock(&b->lock);
    return next;
}

void ed_board_wake(struct ed_board *b)
{
    pthread_mutex_lock(&b->lock);
    b->woken = 1;
    pthread_cond_broadcast(&b->moved);
    pthread_mutex_unlock(&b->lock);
}

/* ---- documents ---- */

static uint64_t follow(const struct ed_table *table, uint64_t id)
{
    const uint64_t *to;
    for (int i = 0; i < 1000 && (to = ed_table_find(table, id)); i++)
        id = *to;
    return id;
}

static uint64_t document_event(const struct ed_board *b, const struct document *d)
{
    uint64_t group = follow(&b->folds, d->group);
    const uint64_t *home = group ? ed_table_find(&b->homes, group) : NULL;
    return follow(&b->merges, home ? *home : d->event);
}

/* All that is known of groups goes into the documents. */
static void documents_settle(struct ed_board *b)
{
    for (size_t i = 0; i < ED_BOARD_DOCUMENTS; i++) {
        struct document *d = &b->documents[i];
        if (!d->event)
            continue;
        d->event = document_event(b, d);
        d->group = follow(&b->folds, d->group);
    }
    ed_table_clear(&b->folds);
    ed_table_clear(&b->homes);
    ed_table_clear(&b->merges);
}

/* The number of a source, which is kept from its first document on; 0: there are too many. */
static uint32_t source_number(struct ed_board *b, eddy_str name)
{
    uint64_t hash = ed_hash_bulk(0, name.at, name.n) | 1;
    const uint64_t *known = ed_table_find(&b->source_of, hash);
    if (known || !name.n || b->source_of.n == ED_BOARD_SOURCES)
        return known ? (uint32_t)*known : 0;
    size_t n = b->source_of.n;
    char *copy = ed_alloc(name.n);
    if (!copy || !ed_table_put(&b->source_of, hash, n + 1)) {
        ed_free(copy);
        return 0;
    }
    memcpy(copy, name.at, name.n);
    b->sources[n] = (eddy_str){copy, name.n};
    return (uint32_t)n + 1;
}

static void document_put(struct ed_board *b, uint32_t shard, const struct ed_message *m)
{
    struct document *d = &b->documents[b->n_documents++ % ED_BOARD_DOCUMENTS];
    eddy_str json = m->value, key, value;
    *d = (struct document){.shard = shard, .source = source_number(b, m->source)};
    for (size_t at = 0; ed_raw_member(json, &at, &key, &value);) {
        if (key.n == 2 && !memcmp(key.at, "id", 2)) {
            eddy_str id = ed_raw_text(value);
            size_t n = id.n < sizeof d->public.id ? id.n : 0; /* half an escape is none */
            memcpy(d->public.id, id.at, n);
        } else if (key.n == 5 && !memcmp(key.at, "event", 5)) {
            d->event = d->public.came_to = ed_raw_id(value);
        } else if (key.n == 5 && !memcmp(key.at, "group", 5)) {
            d->group = ed_raw_id(value);
        } else if (key.n == 10 && !memcmp(key.at, "similarity", 10)) {
            d->public.similarity = ed_raw_number(value);
        } else if (key.n == 9 && !memcmp(key.at, "runner_up", 9)) {
            d->public.runner_up = ed_raw_id(value);
        } else if (key.n == 20 && !memcmp(key.at, "runner_up_similarity", 20)) {
            d->public.runner_up_similarity = ed_raw_number(value);
        } else if (key.n == 8 && !memcmp(key.at, "position", 8)) {
            d->public.position = (uint64_t)ed_raw_number(value);
        } else if (key.n == 4 && !memcmp(key.at, "time", 4)) {
            d->public.time_ms = ed_raw_time(value);
            break; /* nothing behind it is wanted */
        }
    }
}

eddy_status ed_board_documents(struct ed_board *b, uint64_t event, size_t max,
                               struct ed_board_document **ret, size_t *n_ret, eddy_error *err)
{
    size_t n = 0;
    struct ed_board_document *list = ed_alloc(max * sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "documents", max * sizeof *list);
    pthread_mutex_lock(&b->lock);
    size_t there =
        b->n_documents < ED_BOARD_DOCUMENTS ? (size_t)b->n_documents : ED_BOARD_DOCUMENTS;
    for (size_t i = 1; i <= there && n < max; i++) {
        const struct document *d = &b->documents[(b->n_documents - i) % ED_BOARD_DOCUMENTS];
        if (!d->event || document_event(b, d) != event)
            continue;
        list[n] = d->public;
        list[n++].group = follow(&b->folds, d->group);
    }
    pthread_mutex_unlock(&b->lock);
    *ret = list;
    *n_ret = n;
    return EDDY_OK;
}

/* ---- sources ---- */

/* A document of the wanted event `at`, in one number, so that they sort by event and then source.
 */
static int pair_order(const void *p, const void *q)
{
    const uint64_t *a = p, *b = q;
    return (*a > *b) - (*a < *b);
}

/* One more source has been counted: into its place, or among the others. */
static void source_add(struct ed_board_sources *s, eddy_str name, size_t documents)
{
    s->documents += documents;
    if (name.n && s->n < ED_SOURCES_TOLD) {
        s->n++;
    } else if (!name.n || documents <= s->at[s->n - 1].documents) {
        s->others++;
        s->others_documents += documents;
        return;
    } else {
        s->others++;
        s->others_documents += s->at[s->n - 1].documents;
    }
    size_t i = s->n - 1;
    for (; i && documents > s->at[i - 1].documents; i--)
        s->at[i] = s->at[i - 1];
    s->at[i].name = name;
    s->at[i].documents = documents;
}

/* Those of the wanted events, as pairs; gives how many. */
static size_t pairs_gather(struct ed_board *b, const struct ed_table *wanted, uint64_t *pairs,
                           size_t *seen)
{
    size_t n = 0;
    *seen = 0;
    pthread_mutex_lock(&b->lock);
    documents_settle(b);
    for (size_t i = 0; i < ED_BOARD_DOCUMENTS; i++) {
        const struct document *d = &b->documents[i];
        const uint64_t *at = d->event ? ed_table_find(wanted, d->event) : NULL;
        *seen += d->event != 0;
        if (at)
            pairs[n++] = *at << 32 | d->source;
    }
    pthread_mutex_unlock(&b->lock);
    return n;
}

eddy_status ed_board_sources(struct ed_board *b, const uint64_t *events, size_t n,
                             struct ed_board_sources *ret, size_t *ret_seen, eddy_error *err)
{
    struct ed_table wanted;
    uint64_t *pairs = ed_alloc(ED_BOARD_DOCUMENTS * sizeof *pairs);
    int good = pairs != NULL;
    ed_table_init(&wanted);
    for (size_t i = 0; i < n && good; i++)
        good = ed_table_put(&wanted, events[i], i) != NULL;
    size_t n_pairs = good ? pairs_gather(b, &wanted, pairs, ret_seen) : 0;
    if (n_pairs)
        qsort(pairs, n_pairs, sizeof *pairs, pair_order);
    memset(ret, 0, n * sizeof *ret);
    for (size_t i = 0, next; i < n_pairs; i = next) {
        uint32_t source = (uint32_t)pairs[i];
        for (next = i + 1; next < n_pairs && pairs[next] == pairs[i];)
            next++;
        source_add(&ret[pairs[i] >> 32], source ? b->sources[source - 1] : (eddy_str){"", 0},
                   next - i);
    }
    ed_table_clear(&wanted);
    ed_free(pairs);
    return good ? EDDY_OK : eddy_fail_nomem(err, "sources", ED_BOARD_DOCUMENTS * sizeof *pairs);
}

/* ---- feeding ---- */

/* What is made of a message is made before the lock is taken: only pointers go in under it. */
void ed_board_put(struct ed_board *b, uint32_t shard, const struct ed_epoch *epoch)
{
    int changed = 0;
    for (size_t i = 0; i < epoch->n_messages; i++) {
        const struct ed_message *m = &epoch->messages[i];
        struct picture *picture = m->topic == ED_EVENTS ? picture_new(shard, m) : NULL;
        struct change *change = m->topic == ED_CHANGES ? change_new(m) : NULL;
        if (m->topic != ED_EVENTS && m->topic != ED_CHANGES && m->topic != ED_ASSIGNMENTS)
            continue;
        changed |= change != NULL;
        pthread_mutex_lock(&b->lock);
        b->lost += m->topic != ED_ASSIGNMENTS && !picture && !change;
        if (picture)
            picture_put(b, picture);
        if (change)
            change_put(b, shard, change);
        if (m->topic == ED_ASSIGNMENTS)
            document_put(b, shard, m);
        if (b->folds.n + b->homes.n + b->merges.n > 4 * ED_BOARD_DOCUMENTS)
            documents_settle(b);
        pthread_mutex_unlock(&b->lock);
    }
    pthread_mutex_lock(&b->lock);
    if (changed)
        pthread_cond_broadcast(&b->moved);
    pthread_mutex_unlock(&b->lock);
}

void ed_board_forget(struct ed_board *b, uint32_t shard)
{
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->pictures.n;)
        if (picture_at(b, i)->public.shard == shard)
            picture_leave(b, picture_at(b, i)->public.id);
        else
            i++;
    for (size_t i = 0; i < ED_BOARD_DOCUMENTS; i++)
        if (b->documents[i].shard == shard)
            b->documents[i] = (struct document){0};
    pthread_mutex_unlock(&b->lock);
}

/* ---- asking ---- */

static int is_wanted(const struct ed_picture *p, const struct ed_wanted *w)
{
    const struct ed_facts *f = &p->facts;
    return EDDY_IS_TOPIC(p->id) == (w->topics != 0) && (w->states >> f->state & 1) &&
           !(f->size < w->size_min) && (w->since_ms == INT64_MIN || f->last_ms >= w->since_ms) &&
           (!w->topic || f->topic == w->topic || f->over == w->topic || f->parent == w->topic);
}

eddy_status ed_board_gather(struct ed_board *b, const struct ed_wanted *wanted,
                            const struct ed_picture ***ret, size_t *n_ret, eddy_error *err)
{
    size_t n = 0;
    pthread_mutex_lock(&b->lock);
    const struct ed_picture **list = ed_alloc((b->pictures.n + 1) * sizeof *list);
    for (size_t i = 0; i < b->pictures.n && list; i++) {
        struct picture *p = picture_at(b, i);
        if (!is_wanted(&p->public, wanted))
            continue;
        atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
        list[n++] = &p->public;
    }
    pthread_mutex_unlock(&b->lock);
    if (!list)
        return eddy_fail_nomem(err, "events", sizeof *list);
    *ret = list;
    *n_ret = n;
    return EDDY_OK;
}

const struct ed_picture *ed_board_find(struct ed_board *b, uint64_t id)
{
    pthread_mutex_lock(&b->lock);
    struct picture *found = ed_shelf_find(&b->pictures, id);
    if (found)
        atomic_fetch_add(&found->refs, 1);
    pthread_mutex_unlock(&b->lock);
    return found ? &found->public : NULL;
}

/* ---- the whole ---- */

/* A mean of what is known. */
struct mean {
    double sum, weight;
};

static void mean_add(struct mean *m, double value, double weight)
{
    if (isnan(value))
        return;
    m->sum += value * weight;
    m->weight += weight;
}

static double mean_of(const struct mean *m)
{
    return m->weight > 0 ? m->sum / m->weight : NAN;
}

void ed_board_whole(struct ed_board *b, uint32_t shard, struct ed_board_whole *ret)
{
    struct mean silhouette = {0}, squares = {0}, drift = {0}, db = {0}, separation = {0};
    *ret = (struct ed_board_whole){0};
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->pictures.n; i++) {
        const struct ed_picture *p = &picture_at(b, i)->public;
        const struct ed_facts *f = &p->facts;
        if (p->shard != shard)
            continue;
        int is_topic = EDDY_IS_TOPIC(p->id);
        if (is_topic || f->state != EDDY_ACTIVE) {
            ret->topics += is_topic && f->state == EDDY_ACTIVE && !f->theme;
            ret->themes += is_topic && f->state == EDDY_ACTIVE && f->theme;
            ret->faded += !is_topic && f->state == EDDY_STATE_FADED;
            ret->merged += !is_topic && f->state == EDDY_STATE_MERGED;
            continue;
        }
        ret->active++;
        ret->documents += f->size;
        mean_add(&silhouette, f->silhouette, f->size);
        mean_add(&squares, f->compactness * f->compactness, f->size);
        mean_add(&drift, f->drift, f->size);
        mean_add(&db, f->davies_bouldin, 1);
        mean_add(&separation, f->separation, 1);
    }
    pthread_mutex_unlock(&b->lock);
    ret->silhouette = mean_of(&silhouette);
    ret->compactness = sqrt(mean_of(&squares));
    ret->drift = mean_of(&drift);
    ret->davies_bouldin = mean_of(&db);
    ret->separation = mean_of(&separation);
}

void ed_board_left(struct ed_board *b, struct ed_board_left *ret)
{
    pthread_mutex_lock(&b->lock);
    uint64_t n = b->n_documents, changes = b->next - 1;
    *ret = (struct ed_board_left){.changes =
                                      changes > ED_BOARD_CHANGES ? changes - ED_BOARD_CHANGES : 0,
                                  .documents = n > ED_BOARD_DOCUMENTS ? n - ED_BOARD_DOCUMENTS : 0,
                                  .faded = b->faded.left,
                                  .merged = b->merged.left};
    pthread_mutex_unlock(&b->lock);
}

uint64_t ed_board_lost(struct ed_board *b)
{
    pthread_mutex_lock(&b->lock);
    uint64_t lost = b->lost;
    pthread_mutex_unlock(&b->lock);
    return lost;
}
