/* Roster: rows by id, each with its last picture and its curve. */
#include "cli/roster.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "cli/look.h"
#include "cli/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#define NAME_BYTES     300
#define KEYWORDS_BYTES 200
#define MERGED_MAX     1000000 /* events of which it is known where they went */
#define INTERVALS      24      /* that a stream is divided into, unless somebody chose */

/* ---- intervals ---- */

static const struct {
    int64_t ms;
    const char *text;
} intervals[] = {
    {10000, "10 s"},  {60000, "1 min"},  {300000, "5 min"},   {900000, "15 min"},
    {3600000, "1 h"}, {21600000, "6 h"}, {86400000, "1 day"},
};
#define N_INTERVALS (sizeof intervals / sizeof *intervals)

const char *ed_roster_interval_text(int64_t interval_ms)
{
    size_t i = 0;
    while (i + 1 < N_INTERVALS && intervals[i].ms < interval_ms)
        i++;
    return intervals[i].text;
}

int64_t ed_roster_interval_next(int64_t interval_ms)
{
    for (size_t i = 0; i < N_INTERVALS; i++)
        if (intervals[i].ms > interval_ms)
            return intervals[i].ms;
    return 0;
}

/* The shortest that shows the whole stream, but no more than an hour: of what goes on for weeks
 * people want to see today. */
static int64_t interval_of(const struct ed_roster *roster)
{
    size_t i = 0;
    if (roster->interval_ms)
        return roster->interval_ms;
    while (intervals[i].ms < 3600000 &&
           intervals[i].ms * INTERVALS < roster->now_ms - roster->first_ms)
        i++;
    return intervals[i].ms;
}

/* ---- rows ---- */

void ed_roster_init(struct ed_roster *roster)
{
    *roster = (struct ed_roster){.now_ms = -1, .first_ms = -1, .size_min = 2};
}

static void row_free(struct ed_row *row)
{
    if (row) {
        ed_curve_clear(&row->curve);
        ed_free(row->bytes);
    }
    ed_free(row);
}

void ed_roster_clear(struct ed_roster *roster)
{
    for (size_t i = 0; i < roster->rows.n; i++)
        row_free(roster->rows.at[i]);
    ed_shelf_clear(&roster->rows);
    ed_free(roster->shown);
    ed_table_clear(&roster->into);
    ed_heard_clear(&roster->changes);
    ed_news_clear(&roster->news, roster->next);
    ed_roster_init(roster);
}

const struct ed_row *ed_roster_find(const struct ed_roster *roster, uint64_t event)
{
    return ed_shelf_find(&roster->rows, event);
}

static void count(struct ed_roster *roster, const struct ed_row *row, int sign)
{
    roster->documents += sign * row->size;
    roster->active += (size_t)(row->faded ? 0 : sign);
}

static struct ed_row *row_add(struct ed_roster *roster, uint64_t event)
{
    struct ed_row *row = ed_alloc_zero(1, sizeof *row);
    void *old;
    if (!row)
        return NULL;
    *row = (struct ed_row){.id = event, .faded = 1};
    if (ed_shelf_put(&roster->rows, row, &old))
        return row;
    ed_free(row);
    return NULL;
}

static void row_remove(struct ed_roster *roster, uint64_t event)
{
    struct ed_row *row = ed_shelf_take(&roster->rows, event);
    if (row)
        count(roster, row, -1);
    row_free(row);
}

static int least_wanted_first(const void *pa, const void *pb)
{
    const struct ed_row *a = *(struct ed_row *const *)pa, *b = *(struct ed_row *const *)pb;
    if (a->faded != b->faded)
        return b->faded - a->faded;
    if (a->last_ms != b->last_ms)
        return a->last_ms < b->last_ms ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* An eighth leaves at once, so that it does not happen for each new event. */
static void make_room(struct ed_roster *roster)
{
    size_t n = roster->rows.n / 8;
    uint64_t *ids = ed_alloc(n * sizeof *ids);
    if (!ids)
        return;
    ed_shelf_sort(&roster->rows, least_wanted_first);
    for (size_t i = 0; i < n; i++)
        ids[i] = *(const uint64_t *)roster->rows.at[i];
    for (size_t i = 0; i < n; i++)
        row_remove(roster, ids[i]);
    roster->left_out += n;
    ed_free(ids);
}

static struct ed_row *row_of(struct ed_roster *roster, uint64_t event)
{
    struct ed_row *row = ed_shelf_find(&roster->rows, event);
    if (!row && roster->rows.n >= ED_ROSTER_EVENTS)
        make_room(roster);
    return row ? row : row_add(roster, event);
}

/* ---- pictures ---- */

/* Letters as they are searched: small ones. */
static size_t fold(const char *s, size_t n, char *ret)
{
    size_t len = 0;
    for (size_t at = 0; at < n;) {
        int32_t c;
        char bytes[4];
        at += ed_utf8_next(s + at, n - at, &c);
        c = c < 0 ? '?' : (int32_t)towlower((wint_t)c);
        size_t size = ed_utf8_put(c, bytes);
        memcpy(ret + len, bytes, size);
        len += size;
    }
    ret[len] = 0;
    return len;
}

static size_t keywords_of(const json_t *json, char *ret, size_t n_ret)
{
    const json_t *keywords = json_object_get(json, "keywords");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(keywords); i++) {
        const char *word = ed_look_text(json_array_get(keywords, i), "keyword");
        size_t size = strlen(word);
        if (n + size + 3 > n_ret)
            break;
        n += (size_t)snprintf(ret + n, n_ret - n, "%s%s", n ? ", " : "", word);
    }
    ret[n] = 0;
    return n;
}

static eddy_str put_bytes(char **at, const char *s, size_t n)
{
    eddy_str copy = {*at, n};
    if (n)
        memcpy(*at, s, n);
    (*at)[n] = 0;
    *at += n + 1;
    return copy;
}

/* The texts of a row anew. 0: no memory, and all is as it was. */
static int row_texts(struct ed_row *row, const json_t *json, eddy_str text)
{
    /* Folding makes a character longer by half at most. */
    char keywords[KEYWORDS_BYTES], plain[NAME_BYTES + KEYWORDS_BYTES + 40],
        folded[2 * sizeof plain];
    const char *name = ed_look_text(json, "name");
    size_t n_keywords = keywords_of(json, keywords, sizeof keywords);
    size_t n_name = ed_utf8_cut(name, strlen(name), NAME_BYTES);
    int n_plain =
        snprintf(plain, sizeof plain, "E%" PRIu64 " %.*s %s", row->id, (int)n_name, name, keywords);
    size_t n_folded = fold(plain, (size_t)n_plain, folded);
    char *bytes = ed_alloc(n_name + n_keywords + n_folded + text.n + 4), *at = bytes;
    if (!bytes)
        return 0;
    ed_free(row->bytes);
    row->bytes = bytes;
    row->name = put_bytes(&at, name, n_name);
    row->keywords = put_bytes(&at, keywords, n_keywords);
    row->search = put_bytes(&at, folded, n_folded);
    row->json = put_bytes(&at, text.at, text.n);
    return 1;
}

/* What a stream counts of an event: of logs all lines, of which only the first of a form is a
 * document. */
static double size_of(const json_t *json)
{
    const json_t *seen = json_object_get(json, "seen");
    return json_number_value(json_is_number(seen) ? seen : json_object_get(json, "size"));
}

static int signal_of(const json_t *json)
{
    const char *signal = ed_look_text(json, "signal");
    return !strcmp(signal, "burst")   ? ED_ROSTER_BURST
           : !strcmp(signal, "quiet") ? ED_ROSTER_QUIET
                                      : ED_ROSTER_CALM;
}

/* Where documents are told one by one, what a picture has more or less went in or out, and says
 * nothing of when it came. Where they are not, pictures are all there is. */
static int grow(struct ed_row *row)
{
    if (row->counted && row->curve.n) {
        ed_curve_scale(&row->curve, row->size);
        return 1;
    }
    int fresh = !row->curve.n;
    double one = row->size < 1 ? row->size : 1; /* who began it */
    return (!fresh || ed_curve_put(&row->curve, row->first_ms, one)) &&
           ed_curve_put(&row->curve, row->last_ms, row->size);
}

static void pass(struct ed_roster *roster, int64_t first_ms, int64_t now_ms)
{
    if (roster->first_ms < 0 || first_ms < roster->first_ms)
        roster->first_ms = first_ms;
    if (now_ms > roster->now_ms)
        roster->now_ms = now_ms;
}

static eddy_status picture_take(struct ed_roster *roster, const struct ed_news *news,
                                eddy_error *err)
{
    json_t *json = json_loadb(news->json.at, news->json.n, 0, NULL);
    int64_t first_ms = ed_look_time(json, "first_seen"), last_ms = ed_look_time(json, "last_seen");
    if (!json_is_object(json) || first_ms < 0 || last_ms < first_ms) {
        roster->left_out++;
        json_decref(json);
        return EDDY_OK;
    }
    struct ed_row *row = row_of(roster, news->event);
    int whole = row && row_texts(row, json, news->json);
    if (whole) {
        count(roster, row, -1);
        row->faded = !strcmp(ed_look_text(json, "state"), "faded");
        row->pinned = json_is_true(json_object_get(json, "pinned"));
        row->signal = signal_of(json);
        row->size = size_of(json);
        row->first_ms = first_ms;
        row->last_ms = last_ms;
        count(roster, row, 1);
        int64_t now_ms = ed_look_time(json, "stream_time");
        pass(roster, first_ms, now_ms > last_ms ? now_ms : last_ms);
        whole = grow(row);
    }
    json_decref(json);
    return whole ? EDDY_OK : eddy_fail_nomem(err, "screen", news->json.n);
}

static eddy_status news_take(struct ed_roster *roster, const struct ed_news *news, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    if (news->merged_into)
        return EDDY_OK; /* it was looked at before (take_over) */
    if (news->json.at)
        st = picture_take(roster, news, err);
    struct ed_row *row =
        st == EDDY_OK && news->documents ? ed_shelf_find(&roster->rows, news->event) : NULL;
    if (!row || !row->json.at)
        return st;
    count(roster, row, -1);
    row->size += (double)news->documents;
    row->last_ms = news->last_ms > row->last_ms ? news->last_ms : row->last_ms;
    count(roster, row, 1);
    pass(roster, row->first_ms, row->last_ms);
    return grow(row) ? EDDY_OK : eddy_fail_nomem(err, "screen", 0);
}

/* ---- what was merged ---- */

uint64_t ed_roster_where(const struct ed_roster *roster, uint64_t event)
{
    const uint64_t *into;
    /* As many steps as there are merges: a file may say anything, even a circle. */
    for (size_t i = 0; i <= roster->into.n && (into = ed_table_find(&roster->into, event)); i++)
        event = *into;
    return event;
}

/* The curve goes along: that the other one jumps is no burst. */
static eddy_status merge(struct ed_roster *roster, const struct ed_news *news, eddy_error *err)
{
    if (roster->into.n == MERGED_MAX)
        ed_table_clear(&roster->into);
    uint64_t *into = ed_table_put(&roster->into, news->event, 0);
    if (!into)
        return eddy_fail_nomem(err, "screen", 0);
    *into = news->merged_into;
    struct ed_row *from = ed_shelf_find(&roster->rows, news->event);
    struct ed_row *to = from ? row_of(roster, ed_roster_where(roster, news->event)) : NULL;
    from = ed_shelf_find(&roster->rows, news->event); /* room may have been made */
    int whole = !from || (to && (from == to || ed_curve_join(&to->curve, &from->curve)));
    row_remove(roster, news->event);
    return whole ? EDDY_OK : eddy_fail_nomem(err, "screen", 0);
}

/* ---- taking over ---- */

/* 0: no memory; what was not moved is gone. */
static int changes_take(struct ed_roster *roster, struct ed_heard_list *changes)
{
    int whole = 1;
    for (size_t i = 0; i < changes->n; i++) {
        struct ed_heard heard = *ed_heard_at(changes, i);
        whole = whole && ed_heard_add(&roster->changes, &heard, ED_INBOX_CHANGES);
        if (!whole)
            ed_free((char *)heard.json.at);
    }
    changes->n = 0; /* their texts have gone over, or are freed */
    ed_heard_clear(changes);
    return whole;
}

static eddy_status grow_by(struct ed_roster *roster, struct ed_news *news, eddy_error *err)
{
    struct ed_row *row = news->came.n ? row_of(roster, news->event) : NULL;
    int whole = !news->came.n || (row && ed_curve_append(&row->curve, &news->came));
    if (row)
        row->counted = 1;
    ed_curve_clear(&news->came);
    return whole ? EDDY_OK : eddy_fail_nomem(err, "screen", 0);
}

/* First all that need not be read, so that what a merge brings along is there, and in its place,
 * before the pictures. */
static eddy_status take_over(struct ed_roster *roster, struct ed_inbox *inbox, int *ret,
                             eddy_error *err)
{
    struct ed_heard_list changes;
    eddy_status st = EDDY_OK;
    ed_news_clear(&roster->news, roster->next);
    roster->next = 0;
    ed_inbox_take(inbox, &roster->news, &changes);
    *ret = roster->news.n || changes.n;
    if (!changes_take(roster, &changes))
        st = eddy_fail_nomem(err, "screen", 0);
    for (size_t i = 0; i < roster->news.n && st == EDDY_OK; i++)
        st = grow_by(roster, &roster->news.at[i], err);
    for (size_t i = 0; i < roster->news.n && st == EDDY_OK; i++)
        if (roster->news.at[i].merged_into)
            st = merge(roster, &roster->news.at[i], err);
    return st;
}

eddy_status ed_roster_take(struct ed_roster *roster, struct ed_inbox *inbox, int budget_ms,
                           int *ret, eddy_error *err)
{
    int64_t until = ed_view_now() + budget_ms;
    int fresh = roster->next < roster->news.n;
    eddy_status st = fresh ? EDDY_OK : take_over(roster, inbox, &fresh, err);
    /* The clock is looked at every so often; at least so many are taken in any case. */
    while (st == EDDY_OK && roster->next < roster->news.n &&
           (roster->next % 64 || ed_view_now() < until)) {
        struct ed_news *news = &roster->news.at[roster->next++];
        st = news_take(roster, news, err);
        ed_free((char *)news->json.at);
        news->json = (eddy_str){NULL, 0};
    }
    roster->version += (uint64_t)fresh;
    *ret = fresh;
    return st;
}

/* ---- order ---- */

static int by_id(const struct ed_row *a, const struct ed_row *b)
{
    return (a->id > b->id) - (a->id < b->id);
}

static int more(double a, double b)
{
    return (a < b) - (a > b);
}

static int later(int64_t a, int64_t b)
{
    return (a < b) - (a > b);
}

static int compare_activity(const void *pa, const void *pb)
{
    const struct ed_row *a = *(struct ed_row *const *)pa, *b = *(struct ed_row *const *)pb;
    int sign = more(a->growth, b->growth);
    sign = sign ? sign : later(a->last_ms, b->last_ms);
    sign = sign ? sign : more(a->size, b->size);
    return sign ? sign : by_id(a, b);
}

static int compare_size(const void *pa, const void *pb)
{
    const struct ed_row *a = *(struct ed_row *const *)pa, *b = *(struct ed_row *const *)pb;
    int sign = more(a->size, b->size);
    sign = sign ? sign : later(a->last_ms, b->last_ms);
    return sign ? sign : by_id(a, b);
}

static int compare_newest(const void *pa, const void *pb)
{
    const struct ed_row *a = *(struct ed_row *const *)pa, *b = *(struct ed_row *const *)pb;
    int sign = later(a->first_ms, b->first_ms);
    return sign ? sign : -by_id(a, b);
}

static int compare_name(const void *pa, const void *pb)
{
    const struct ed_row *a = *(struct ed_row *const *)pa, *b = *(struct ed_row *const *)pb;
    /* Behind the id and a blank. */
    int sign = strcmp(strchr(a->search.at, ' '), strchr(b->search.at, ' '));
    return sign ? sign : by_id(a, b);
}

/* 1: the row has all the words. words is cut up. */
static int has_words(const struct ed_row *row, char *words)
{
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (!strstr(row->search.at, word))
            return 0;
    return 1;
}

eddy_status ed_roster_arrange(struct ed_roster *roster, eddy_error *err)
{
    static int (*const orders[])(const void *, const void *) = {[ED_BY_ACTIVITY] = compare_activity,
                                                                [ED_BY_SIZE] = compare_size,
                                                                [ED_BY_NEWEST] = compare_newest,
                                                                [ED_BY_NAME] = compare_name};
    char folded[2 * sizeof roster->filter], words[sizeof folded];
    if (roster->room_shown < roster->rows.n) {
        struct ed_row **shown = ed_realloc(roster->shown, roster->rows.room * sizeof *shown);
        if (!shown)
            return eddy_fail_nomem(err, "screen", roster->rows.room * sizeof *shown);
        roster->shown = shown;
        roster->room_shown = roster->rows.room;
    }
    roster->interval = interval_of(roster);
    roster->n_shown = 0;
    fold(roster->filter, strlen(roster->filter), folded);
    for (size_t i = 0; i < roster->rows.n; i++) {
        struct ed_row *row = roster->rows.at[i];
        if (!row->json.at || row->size < roster->size_min || !has_words(row, strcpy(words, folded)))
            continue;
        ed_curve_counts(&row->curve, roster->now_ms, roster->interval, &row->growth, 1);
        roster->shown[roster->n_shown++] = row;
    }
    if (roster->n_shown)
        qsort(roster->shown, roster->n_shown, sizeof *roster->shown, orders[roster->order]);
    return EDDY_OK;
}

/* ---- changes of an event ---- */

json_t *ed_roster_changes(const struct ed_roster *roster, uint64_t event)
{
    json_t *list = json_array();
    for (size_t i = 0; i < roster->changes.n && list; i++) {
        const struct ed_heard *heard = ed_heard_at(&roster->changes, i);
        if (heard->event != event && heard->other != event && !heard->undone &&
            ed_roster_where(roster, heard->event) != event)
            continue;
        json_t *json = json_loadb(heard->json.at, heard->json.n, 0, NULL);
        if (json && json_array_append_new(list, json) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}
