/* Inbox: two lists behind a lock, which are handed over whole. */
#include "cli/inbox.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

void ed_inbox_init(struct ed_inbox *inbox)
{
    memset(inbox, 0, sizeof *inbox);
    pthread_mutex_init(&inbox->lock, NULL);
    pthread_cond_init(&inbox->taken, NULL);
    ed_table_init(&inbox->places);
}

void ed_inbox_clear(struct ed_inbox *inbox)
{
    ed_news_clear(&inbox->news, 0);
    ed_heard_clear(&inbox->changes);
    ed_table_clear(&inbox->places);
    pthread_cond_destroy(&inbox->taken);
    pthread_mutex_destroy(&inbox->lock);
}

/* ---- bringing ---- */

/* The place of an event, made where there is none; lock is held. NULL: closed, or no memory. */
static struct ed_news *news_of(struct ed_inbox *inbox, uint64_t event)
{
    struct ed_news_list *list = &inbox->news;
    const uint64_t *place = ed_table_find(&inbox->places, event);
    while (!place && list->n >= ED_INBOX_EVENTS && !inbox->closed) {
        pthread_cond_wait(&inbox->taken, &inbox->lock);
        place = ed_table_find(&inbox->places, event);
    }
    if (inbox->closed)
        return NULL;
    if (place)
        return &list->at[*place - 1];
    struct ed_news *at = ed_list_room(list->at, list->n, &list->room, sizeof *at);
    list->at = at ? at : list->at;
    if (!at || !ed_table_put(&inbox->places, event, list->n + 1))
        return NULL;
    list->at[list->n] = (struct ed_news){.event = event, .last_ms = INT64_MIN};
    return &list->at[list->n++];
}

/* With the lock still held. */
static eddy_status done(struct ed_inbox *inbox, int whole, eddy_error *err)
{
    int closed = inbox->closed;
    pthread_mutex_unlock(&inbox->lock);
    return whole || closed ? EDDY_OK : eddy_fail_nomem(err, "screen", 0);
}

eddy_status ed_inbox_picture(struct ed_inbox *inbox, uint64_t event, uint64_t merged_into,
                             eddy_str json, eddy_error *err)
{
    char *copy = ed_strndup(json.at, json.n);
    pthread_mutex_lock(&inbox->lock);
    struct ed_news *news = copy ? news_of(inbox, event) : NULL;
    if (news) {
        ed_free((char *)news->json.at);
        news->json = (eddy_str){copy, json.n};
        news->merged_into = merged_into;
        news->documents = 0; /* it tells of them */
    } else {
        ed_free(copy);
    }
    return done(inbox, news != NULL, err);
}

eddy_status ed_inbox_document(struct ed_inbox *inbox, uint64_t event, int64_t time_ms, int founded,
                              eddy_error *err)
{
    pthread_mutex_lock(&inbox->lock);
    struct ed_news *news = news_of(inbox, event);
    if (news && !ed_curve_put(&news->came, time_ms, ed_curve_sum(&news->came) + 1))
        news = NULL;
    if (news) {
        news->documents += !founded;
        news->last_ms = time_ms > news->last_ms ? time_ms : news->last_ms;
    }
    return done(inbox, news != NULL, err);
}

eddy_status ed_inbox_change(struct ed_inbox *inbox, const struct ed_heard *change, eddy_error *err)
{
    struct ed_heard copy = *change;
    copy.json.at = ed_strndup(change->json.at, change->json.n);
    pthread_mutex_lock(&inbox->lock);
    int whole =
        copy.json.at && !inbox->closed && ed_heard_add(&inbox->changes, &copy, ED_INBOX_CHANGES);
    if (!whole)
        ed_free((char *)copy.json.at);
    return done(inbox, whole, err);
}

void ed_inbox_close(struct ed_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closed = 1;
    pthread_cond_broadcast(&inbox->taken);
    pthread_mutex_unlock(&inbox->lock);
}

/* ---- taking ---- */

void ed_inbox_take(struct ed_inbox *inbox, struct ed_news_list *news, struct ed_heard_list *changes)
{
    pthread_mutex_lock(&inbox->lock);
    *news = inbox->news;
    *changes = inbox->changes;
    inbox->news = (struct ed_news_list){0};
    inbox->changes = (struct ed_heard_list){0};
    ed_table_clear(&inbox->places);
    pthread_cond_broadcast(&inbox->taken);
    pthread_mutex_unlock(&inbox->lock);
}

size_t ed_inbox_waits(struct ed_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    size_t n = inbox->news.n;
    pthread_mutex_unlock(&inbox->lock);
    return n;
}

void ed_news_clear(struct ed_news_list *news, size_t from)
{
    for (size_t i = from; i < news->n; i++) {
        ed_free((char *)news->at[i].json.at);
        ed_curve_clear(&news->at[i].came);
    }
    ed_free(news->at);
    *news = (struct ed_news_list){0};
}

/* ---- changes ---- */

const struct ed_heard *ed_heard_at(const struct ed_heard_list *changes, size_t i)
{
    return &changes->at[(changes->first + i) % changes->n];
}

void ed_heard_clear(struct ed_heard_list *changes)
{
    for (size_t i = 0; i < changes->n; i++)
        ed_free((char *)changes->at[i].json.at);
    ed_free(changes->at);
    *changes = (struct ed_heard_list){0};
}

int ed_heard_add(struct ed_heard_list *changes, const struct ed_heard *change, size_t max)
{
    if (changes->n == max) {
        struct ed_heard *oldest = &changes->at[changes->first];
        ed_free((char *)oldest->json.at);
        *oldest = *change;
        changes->first = (changes->first + 1) % max;
        return 1;
    }
    struct ed_heard *at = ed_list_room(changes->at, changes->n, &changes->room, sizeof *at);
    if (!at)
        return 0;
    changes->at = at;
    changes->at[changes->n++] = *change;
    return 1;
}
