/* gallery: one allocation for each event that is kept, swapped when a newer picture comes. */
#include "cli/gallery.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES     200
#define KEYWORDS_BYTES 160

void ed_gallery_init(struct ed_gallery *gallery, double size_min, size_t max)
{
    memset(gallery, 0, sizeof *gallery);
    gallery->size_min = size_min;
    gallery->max = max;
}

void ed_gallery_clear(struct ed_gallery *gallery)
{
    for (size_t i = 0; i < gallery->shots.n; i++)
        ed_free(gallery->shots.at[i]);
    ed_shelf_clear(&gallery->shots);
    ed_gallery_init(gallery, gallery->size_min, gallery->max);
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

static struct ed_shot *shot_new(const eddy_event *event, eddy_str json)
{
    char keywords[KEYWORDS_BYTES];
    size_t n = 0, n_name = event->name.n < NAME_BYTES ? event->name.n : NAME_BYTES;
    for (size_t i = 0; i < event->n_keywords; i++) {
        eddy_str word = event->keywords[i].word;
        if (n + word.n + 3 > sizeof keywords)
            break;
        n += (size_t)snprintf(keywords + n, sizeof keywords - n, "%s%.*s", n ? ", " : "",
                              (int)word.n, word.at);
    }
    struct ed_shot *shot = ed_alloc(sizeof *shot + n_name + n + json.n + 3);
    if (!shot)
        return NULL;
    *shot = (struct ed_shot){.id = event->id,
                             .faded = event->state == EDDY_STATE_FADED,
                             .size = event->seen,
                             .signal = event->signal,
                             .first_ms = event->first_ms,
                             .last_ms = event->last_ms};
    char *at = shot->bytes;
    shot->name = put_bytes(&at, event->name.at, n_name);
    shot->keywords = put_bytes(&at, keywords, n);
    shot->json = put_bytes(&at, json.at, json.n);
    return shot;
}

void ed_gallery_remove(struct ed_gallery *gallery, uint64_t id)
{
    ed_free(ed_shelf_take(&gallery->shots, id));
}

eddy_status ed_gallery_put(struct ed_gallery *gallery, const eddy_event *event, eddy_str json,
                           eddy_error *err)
{
    void *old;
    if (event->state == EDDY_STATE_MERGED || event->seen < gallery->size_min) {
        ed_gallery_remove(gallery, event->id);
        return EDDY_OK;
    }
    if (gallery->shots.n == gallery->max && !ed_shelf_find(&gallery->shots, event->id)) {
        gallery->left_out++;
        return EDDY_OK;
    }
    struct ed_shot *shot = shot_new(event, json);
    if (!shot)
        return eddy_fail_nomem(err, "pictures", sizeof *shot);
    if (!ed_shelf_put(&gallery->shots, shot, &old)) {
        ed_free(shot);
        return eddy_fail_nomem(err, "pictures", gallery->shots.n * sizeof shot);
    }
    ed_free(old);
    return EDDY_OK;
}

const struct ed_shot *ed_gallery_find(const struct ed_gallery *gallery, uint64_t id)
{
    return ed_shelf_find(&gallery->shots, id);
}

static int larger_first(const void *pa, const void *pb)
{
    const struct ed_shot *a = *(struct ed_shot *const *)pa, *b = *(struct ed_shot *const *)pb;
    if (a->size != b->size)
        return a->size < b->size ? 1 : -1;
    if (a->first_ms != b->first_ms)
        return a->first_ms > b->first_ms ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

void ed_gallery_sort(struct ed_gallery *gallery)
{
    ed_shelf_sort(&gallery->shots, larger_first);
}

void ed_gallery_print(const struct ed_gallery *gallery, struct ed_view *view, size_t n)
{
    enum { BEFORE = 36, NAME_MIN = 28, ID = 9 };
    size_t columns = ed_view_columns(view), rest = columns - BEFORE - (gallery->ids ? ID : 0);
    size_t words = rest > NAME_MIN + 22 ? rest * 2 / 5 : 0, name = rest - words - 1;
    char id[ED_TEXT] = "";
    ed_view_line(view, "%s%s%6s  %-11s  %-11s  event%s", ed_ink(view, ED_BOLD),
                 gallery->ids ? "id       " : "", "size", "first seen", "last seen",
                 ed_ink(view, ED_PLAIN));
    for (size_t i = 0; i < gallery->shots.n && i < n; i++) {
        const struct ed_shot *shot = ed_gallery_at(gallery, i);
        char size[ED_TEXT], first[ED_TEXT], last[ED_TEXT], title[900], keywords[700];
        const char *signal = shot->signal ? eddy_signal_name(shot->signal) : "";
        size_t n_signal = shot->signal ? strlen(signal) + 1 : 0;
        if (gallery->ids)
            snprintf(id, sizeof id, "E%-8" PRIu64, shot->id);
        ed_view_line(
            view, "%s%6s  %s  %s  %s%s%s%s%s %s%s%s", id,
            ed_text_number((uint64_t)shot->size, size), ed_text_minute(shot->first_ms, first),
            ed_text_minute(shot->last_ms, last), ed_ink(view, n_signal ? ED_YELLOW : ED_PLAIN),
            signal, n_signal ? " " : "", ed_ink(view, ED_PLAIN),
            ed_text_fit(shot->name.at, shot->name.n, name - n_signal, words > 0, title,
                        sizeof title),
            ed_ink(view, ED_DIM),
            ed_text_fit(shot->keywords.at, shot->keywords.n, words, 0, keywords, sizeof keywords),
            ed_ink(view, ED_PLAIN));
    }
}
