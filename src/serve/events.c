/* Events: lists, pages, searches, and what belongs to one event, out of the board's pictures.
 *
 * A page goes on where the last one ended, by the key and the id of its last event: what comes and
 * goes meanwhile neither repeats one nor hides one. Only the best `limit` of all are ever sorted.
 */
#include "serve/page.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16
#define NAME_HIT  1e10 /* a word in the name is worth more than any size */

/* ---- what is asked for ---- */

/* Unix milliseconds, or RFC 3339 in UTC. */
static int time_read(const char *text, int64_t *ret)
{
    int year, month, day, hour, minute, second, used = 0;
    char *end = NULL;
    long long ms = strtoll(text, &end, 10);
    if (*text && !*end) {
        *ret = ms;
        return 1;
    }
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
               &used) != 6 ||
        month < 1 || month > 12 || day < 1 || day > 31 || !strchr(text + used, 'Z'))
        return 0;
    *ret =
        (ed_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000;
    return 1;
}

static int states_read(const char *text, unsigned standard, unsigned *ret)
{
    unsigned active = 1u << EDDY_ACTIVE, faded = 1u << EDDY_STATE_FADED,
             merged = 1u << EDDY_STATE_MERGED;
    *ret = !text                     ? standard
           : !strcmp(text, "active") ? active
           : !strcmp(text, "faded")  ? faded
           : !strcmp(text, "merged") ? merged
           : !strcmp(text, "all")    ? active | faded | merged
                                     : 0;
    return *ret != 0;
}

static int wanted_read(struct ed_exchange *x, unsigned states, struct ed_wanted *ret)
{
    const char *since = ed_exchange_argument(x, "since"), *topic = ed_exchange_argument(x, "topic");
    uint64_t size_min = 0;
    *ret = (struct ed_wanted){.since_ms = INT64_MIN};
    if (!ed_exchange_number(x, "size_min", 0, UINT32_MAX, 0, &size_min))
        return 0;
    ret->size_min = (double)size_min;
    ret->topic = topic ? ed_exchange_id(topic, strlen(topic)) : 0;
    if (!states_read(ed_exchange_argument(x, "state"), states, &ret->states))
        ed_exchange_fail(x, 400, "state is one of active, faded, merged, all");
    else if (since && !time_read(since, &ret->since_ms))
        ed_exchange_fail(x, 400, "since is a time such as 2031-05-14T08:30:00Z, or Unix ms");
    else if (topic && !EDDY_IS_TOPIC(ret->topic))
        ed_exchange_fail(x, 400, "topic is an id such as T3");
    return !x->answered;
}

static double key_of(const struct ed_facts *f, const char *sort, uint64_t id)
{
    return !strcmp(sort, "size")         ? f->size
           : !strcmp(sort, "last_seen")  ? (double)f->last_ms
           : !strcmp(sort, "first_seen") ? (double)f->first_ms
                                         : (double)(id & ~ED_ID_TOPIC);
}

/* Where the last page ended: "KEY~ID". */
struct cursor {
    int there;
    double key;
    uint64_t id;
};

static int order_read(struct ed_exchange *x, const char **sort, struct ed_page *page,
                      struct cursor *cursor)
{
    static const char *const sorts[] = {"size", "last_seen", "first_seen", "id"};
    const char *order = ed_exchange_argument(x, "order"), *after = ed_exchange_argument(x, "after");
    int known = 0;
    char *end = NULL;
    *sort = ed_exchange_argument(x, "sort");
    *sort = *sort ? *sort : sorts[0];
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        known |= !strcmp(*sort, sorts[i]);
    page->ascending = order && !strcmp(order, "asc");
    *cursor = (struct cursor){.there = after != NULL};
    if (after) {
        cursor->key = strtod(after, &end);
        cursor->id = *end == '~' ? ed_exchange_id(end + 1, strlen(end + 1)) : 0;
    }
    if (!known)
        ed_exchange_fail(x, 400, "sort is one of size, last_seen, first_seen, id");
    else if (order && !page->ascending && strcmp(order, "desc") != 0)
        ed_exchange_fail(x, 400, "order is asc or desc");
    else if (after && (!cursor->id || isnan(cursor->key)))
        ed_exchange_fail(x, 400, "after is the `next` of a page before");
    return !x->answered;
}

/* ---- lists ---- */

static void put_pictures(struct ed_bytes *b, const char *name, const struct ed_page *page)
{
    ed_json_key(b, name);
    ed_json_open(b, '[');
    for (size_t i = 0; i < page->n; i++) {
        eddy_str json = page->at[i].picture->json;
        if (i)
            ed_bytes_add(b, ",", 1);
        ed_bytes_add(b, json.at, json.n);
    }
    ed_json_close(b, ']');
}

static void put_next(struct ed_bytes *b, const struct ed_page *page, size_t left)
{
    char next[60];
    ed_json_key(b, "next");
    if (page->n < page->limit || left <= page->limit) {
        ed_json_null(b);
        return;
    }
    const struct ed_item *last = &page->at[page->n - 1];
    int n =
        snprintf(next, sizeof next, "%.17g~%c%" PRIu64, last->key,
                 EDDY_IS_TOPIC(last->picture->id) ? 'T' : 'E', last->picture->id & ~ED_ID_TOPIC);
    ed_json_text(b, next, (size_t)n);
}

static void answer_list(struct ed_exchange *x, int topics)
{
    struct ed_wanted wanted;
    struct ed_page page = {0};
    struct cursor cursor;
    const struct ed_picture **all = NULL;
    const char *sort;
    size_t n = 0, left = 0;
    uint64_t next =
        ed_board_wait(x->serve->o.board, 0, 0); /* before the pictures: none is missed */
    eddy_error err = {0};
    if (!wanted_read(x, 1u << EDDY_ACTIVE, &wanted) || !ed_page_begin(x, &page, 50))
        return;
    wanted.topics = topics;
    if (order_read(x, &sort, &page, &cursor) &&
        ed_board_gather(x->serve->o.board, &wanted, &all, &n, &err) != EDDY_OK)
        ed_exchange_failed(x, &err);
    for (size_t i = 0; i < n; i++) {
        double key = key_of(&all[i]->facts, sort, all[i]->id);
        int comes = !cursor.there || ed_page_before(&page, cursor.key, cursor.id, key, all[i]->id);
        left += (size_t)comes;
        if (comes)
            ed_page_put(&page, key, all[i]);
        else
            ed_picture_back(all[i]);
    }
    ed_free(all);
    if (!x->answered) {
        ed_json_open(&x->out, '{');
        put_pictures(&x->out, topics ? "topics" : "events", &page);
        ed_json_key(&x->out, "total");
        ed_json_unsigned(&x->out, n);
        put_next(&x->out, &page, left);
        ed_json_key(&x->out, "changes");
        ed_json_unsigned(&x->out, next - 1);
        ed_json_close(&x->out, '}');
    }
    ed_page_clear(&page);
}

void ed_route_events(struct ed_exchange *x)
{
    answer_list(x, 0);
}

void ed_route_topics(struct ed_exchange *x)
{
    answer_list(x, 1);
}

/* ---- search ---- */

struct search {
    struct ed_bytes text; /* folded and escaped as in pictures, each word ended by 0 */
    const char *words[WORDS_MAX];
    size_t n;
};

static int search_read(struct ed_exchange *x, struct search *s)
{
    const char *q = ed_exchange_argument(x, "q");
    struct ed_bytes quoted;
    ed_bytes_init(&s->text, 4096);
    ed_bytes_init(&quoted, 4096);
    if (q && *q) {
        ed_json_text(&quoted, q, strlen(q));
        eddy_str inner = ed_raw_text((eddy_str){quoted.at, quoted.n});
        ed_words_fold(inner.at, inner.n, &s->text);
    }
    ed_bytes_clear(&quoted);
    char *rest = s->text.at;
    for (char *word; rest && s->n < WORDS_MAX && (word = strtok_r(rest, " ", &rest)) != NULL;)
        s->words[s->n++] = word;
    if (!s->n)
        ed_exchange_fail(x, 400, "q is the words to search for");
    return s->n > 0;
}

/* 0: some word is not there; more for more hits in the name, then for size. */
static double worth(const struct ed_picture *picture, const struct search *s)
{
    eddy_str words = ed_picture_words(picture);
    const char *name_end = words.n ? memchr(words.at, '\n', words.n) : NULL;
    double sum = 1 + picture->facts.size;
    for (size_t i = 0; i < s->n; i++) {
        const char *hit = words.n ? strstr(words.at, s->words[i]) : NULL;
        if (!hit)
            return 0;
        sum += hit < name_end ? NAME_HIT : 0;
    }
    return sum;
}

void ed_route_search(struct ed_exchange *x)
{
    struct search s = {0};
    struct ed_wanted wanted;
    struct ed_page page = {0};
    const struct ed_picture **all = NULL;
    size_t n = 0, found = 0;
    eddy_error err = {0};
    int good = wanted_read(x, 1u << EDDY_ACTIVE | 1u << EDDY_STATE_FADED, &wanted) &&
               search_read(x, &s) && ed_page_begin(x, &page, 20);
    if (good && ed_board_gather(x->serve->o.board, &wanted, &all, &n, &err) != EDDY_OK)
        ed_exchange_failed(x, &err);
    for (size_t i = 0; i < n; i++) {
        double key = worth(all[i], &s);
        found += key > 0;
        if (key > 0)
            ed_page_put(&page, key, all[i]);
        else
            ed_picture_back(all[i]);
    }
    ed_free(all);
    if (!x->answered) {
        ed_json_open(&x->out, '{');
        put_pictures(&x->out, "events", &page);
        ed_json_key(&x->out, "total");
        ed_json_unsigned(&x->out, found);
        ed_json_close(&x->out, '}');
    }
    ed_bytes_clear(&s.text);
    ed_page_clear(&page);
}

/* ---- one ---- */

static const struct ed_picture *find(struct ed_exchange *x)
{
    const struct ed_picture *picture = ed_board_find(x->serve->o.board, x->id);
    if (!picture)
        ed_exchange_fail(x, 404, "nothing is known of it (any more)");
    return picture;
}

const struct ed_picture *ed_picture_now(struct ed_exchange *x)
{
    const struct ed_picture *picture = find(x);
    for (int i = 0; i < 1000 && picture && picture->facts.state == EDDY_STATE_MERGED; i++) {
        x->id = picture->facts.merged_into;
        ed_picture_back(picture);
        picture = find(x);
    }
    return picture;
}

void ed_route_event(struct ed_exchange *x)
{
    const struct ed_picture *picture = find(x);
    if (picture)
        ed_bytes_add(&x->out, picture->json.at, picture->json.n);
    ed_picture_back(picture);
}

void ed_put_id(struct ed_bytes *b, const char *key, uint64_t id)
{
    ed_json_key(b, key);
    ed_json_id(b, EDDY_IS_TOPIC(id) ? "T" : "E", id & ~ED_ID_TOPIC);
}

void ed_route_similar(struct ed_exchange *x)
{
    const struct ed_picture *picture = ed_picture_now(x);
    eddy_str item;
    if (!picture)
        return;
    eddy_str list = ed_raw_find(picture->json, "similar");
    ed_json_open(&x->out, '{');
    ed_put_id(&x->out, "event", x->id);
    ed_json_key(&x->out, "similar");
    ed_json_open(&x->out, '[');
    for (size_t at = 0, i = 0; ed_raw_item(list, &at, &item) && item.n > 2; i++) {
        const struct ed_picture *other =
            ed_board_find(x->serve->o.board, ed_raw_id(ed_raw_find(item, "event")));
        if (i)
            ed_bytes_add(&x->out, ",", 1);
        ed_bytes_add(&x->out, item.at, item.n - 1); /* the picture goes in before its brace */
        ed_bytes_add_str(&x->out, ",\"picture\":");
        ed_bytes_add(&x->out, other ? other->json.at : "null", other ? other->json.n : 4);
        ed_bytes_add(&x->out, "}", 1);
        ed_picture_back(other);
    }
    ed_json_close(&x->out, ']');
    ed_json_close(&x->out, '}');
    ed_picture_back(picture);
}

static void put_member(struct ed_bytes *b, const struct ed_board_document *d)
{
    char when[ED_TIME_TEXT];
    ed_time_text(d->time_ms, when);
    ed_json_open(b, '{');
    ed_bytes_printf(b, "\"id\":\"%s\"", d->id); /* with its escapes */
    ed_json_key(b, "time");
    ed_json_text(b, when, ED_TIME_TEXT - 1);
    ed_json_key(b, "position");
    ed_json_unsigned(b, d->position);
    ed_json_key(b, "similarity");
    ed_json_number(b, d->similarity);
    ed_put_id(b, "came_to", d->came_to);
    ed_json_key(b, "group");
    if (d->group)
        ed_json_id(b, "G", d->group);
    else
        ed_json_null(b);
    if (d->runner_up) {
        ed_put_id(b, "runner_up", d->runner_up);
    } else {
        ed_json_key(b, "runner_up");
        ed_json_null(b);
    }
    ed_json_key(b, "runner_up_similarity");
    ed_json_number(b, d->runner_up ? d->runner_up_similarity : NAN);
    ed_json_close(b, '}');
}

void ed_route_members(struct ed_exchange *x)
{
    uint64_t limit = 0;
    size_t n = 0;
    struct ed_board_document *list = NULL;
    eddy_error err = {0};
    if (!ed_exchange_number(x, "limit", 1, ED_LIMIT_MAX, 100, &limit))
        return;
    const struct ed_picture *picture = ed_picture_now(x);
    if (!picture)
        return;
    if (ed_board_documents(x->serve->o.board, x->id, (size_t)limit, &list, &n, &err) != EDDY_OK) {
        ed_exchange_failed(x, &err);
    } else {
        ed_json_open(&x->out, '{');
        ed_put_id(&x->out, "event", x->id);
        ed_json_key(&x->out, "size");
        ed_json_number(&x->out, picture->facts.size);
        ed_json_key(&x->out, "members");
        ed_json_open(&x->out, '[');
        for (size_t i = 0; i < n; i++)
            put_member(&x->out, &list[i]);
        ed_json_close(&x->out, ']');
        ed_json_close(&x->out, '}');
    }
    ed_free(list);
    ed_picture_back(picture);
}
