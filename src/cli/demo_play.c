/* demo_play: a report is sent when its time has come, at so many times the speed of life. */
#include "cli/demo_play.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "cli/demo/newsday.h"
#include "cli/view.h"

#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define REPORTS_MAX 10000
#define ARENA_MAX   ((size_t)16 << 20)
#define SLICE_MS    50 /* between two looks at the stop flag */

static uint64_t hash_of(const char *s, size_t n)
{
    return ed_fnv1a(ED_FNV_BASIS, s, n) | 1;
}

/* One line of the corpus: keep the label, drop it from what will be sent. */
static eddy_status report_read(struct ed_play *play, const char *line, size_t n, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    json_t *json = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    const char *id = json_string_value(json_object_get(json, "id"));
    const char *title = json_string_value(json_object_get(json, "title"));
    const char *label = json_string_value(json_object_get(json, "label"));
    json_t *ts = json_object_get(json, "ts");
    if (!id || !title || !label || !json_is_integer(ts)) {
        json_decref(json);
        return eddy_fail(err, EDDY_FORMAT, "news day: report %zu lacks id, ts, title or label",
                         play->n + 1);
    }
    struct ed_report *report = &play->reports[play->n];
    report->id = ed_arena_str(play->arena, id, strlen(id));
    report->title = ed_arena_str(play->arena, title, strlen(title));
    report->ts = json_integer_value(ts);
    report->gold = hash_of(label, strlen(label));
    json_object_del(json, "label");
    char *value = json_dumps(json, JSON_COMPACT);
    if (value)
        report->value = ed_arena_str(play->arena, value, strlen(value));
    if (!report->id.at || !report->title.at || !report->value.at ||
        !ed_table_put(&play->places, hash_of(report->id.at, report->id.n), ++play->n))
        st = eddy_fail_nomem(err, "news day", n);
    free(value);
    json_decref(json);
    return st;
}

eddy_status ed_play_open(struct ed_play *play, eddy_error *err)
{
    memset(play, 0, sizeof *play);
    ed_table_init(&play->places);
    play->arena = eddy_arena_new(ARENA_MAX);
    play->reports = ed_alloc_zero(REPORTS_MAX, sizeof *play->reports);
    if (!play->arena || !play->reports)
        return eddy_fail_nomem(err, "news day", REPORTS_MAX * sizeof *play->reports);
    const char *at = (const char *)ed_newsday, *end = at + ed_newsday_n;
    eddy_status st = EDDY_OK;
    while (at < end && play->n < REPORTS_MAX && st == EDDY_OK) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline ? newline : end) - at);
        if (n)
            st = report_read(play, at, n, err);
        at += n + 1;
    }
    if (st == EDDY_OK && !play->n)
        st = eddy_fail(err, EDDY_FORMAT, "news day: no report in it");
    return st;
}

const struct ed_report *ed_play_find(const struct ed_play *play, eddy_str id)
{
    const uint64_t *place = ed_table_find(&play->places, hash_of(id.at, id.n));
    return place ? &play->reports[*place - 1] : NULL;
}

int64_t ed_play_span_ms(const struct ed_play *play)
{
    return play->reports[play->n - 1].ts - play->reports[0].ts;
}

static void *player_main(void *p)
{
    struct ed_play *play = p;
    int64_t start = ed_view_now();
    for (size_t i = 0; i < play->n; i++) {
        const struct ed_report *report = &play->reports[i];
        double due = play->speed > 0 ? (double)(report->ts - play->reports[0].ts) / play->speed : 0;
        for (int64_t left; (left = start + (int64_t)due - ed_view_now()) > 0;) {
            if (atomic_load(&play->stopping))
                return NULL;
            int now = left < SLICE_MS ? (int)left : SLICE_MS;
            nanosleep(&(struct timespec){0, now * 1000000L}, NULL);
        }
        if (ed_mock_produce(play->mock, play->topic, report->id, report->value, &play->failure) !=
            EDDY_OK)
            break;
    }
    if (play->failure.status == EDDY_OK)
        ed_mock_flush(play->mock, 10000, &play->failure);
    play->after(play->p);
    return NULL;
}

eddy_status ed_play_start(struct ed_play *play, eddy_error *err)
{
    sigset_t all, before; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&play->thread, NULL, player_main, play);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return eddy_fail(err, EDDY_NOMEM, "cannot start a thread: %s", strerror(failed));
    play->started = 1;
    return EDDY_OK;
}

eddy_status ed_play_stop(struct ed_play *play, eddy_error *err)
{
    atomic_store(&play->stopping, 1);
    if (play->started)
        pthread_join(play->thread, NULL);
    play->started = 0;
    if (play->failure.status != EDDY_OK && err && err->status == EDDY_OK)
        *err = play->failure;
    return play->failure.status;
}

int ed_play_stopping(const struct ed_play *play)
{
    return atomic_load(&play->stopping);
}

void ed_play_close(struct ed_play *play)
{
    ed_play_stop(play, NULL);
    ed_table_clear(&play->places);
    ed_free(play->reports);
    eddy_arena_free(play->arena);
    play->reports = NULL;
    play->arena = NULL;
}
