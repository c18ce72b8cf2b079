/* gallery: the latest picture of each event, as much of it as tables need. One owner thread. */
#ifndef ED_CLI_GALLERY_H
#define ED_CLI_GALLERY_H

#include "base/shelf.h"
#include "cli/view.h"

#include <eddy/engine.h>

struct ed_shot {
    uint64_t id;
    int faded;
    double size; /* documents and sightings */
    eddy_signal signal;
    int64_t first_ms, last_ms;
    eddy_str name, keywords;
    eddy_str json; /* what the caller wants kept with it */
    char bytes[];
};

struct ed_gallery {
    int ids;         /* 1: the table tells them */
    double size_min; /* smaller events are not kept */
    size_t max;
    uint64_t left_out;     /* events beyond max */
    struct ed_shelf shots; /* struct ed_shot */
};

void ed_gallery_init(struct ed_gallery *gallery, double size_min, size_t max);
void ed_gallery_clear(struct ed_gallery *gallery);
/* Keep this picture in place of the event's last one; an event that was merged away leaves.
 * json is copied. EDDY_NOMEM. */
eddy_status ed_gallery_put(struct ed_gallery *gallery, const eddy_event *event, eddy_str json,
                           eddy_error *err);
/* Take an event out; one that is not kept is fine. */
void ed_gallery_remove(struct ed_gallery *gallery, uint64_t id);
/* What is kept of an event; NULL: nothing. Valid until the next put. */
const struct ed_shot *ed_gallery_find(const struct ed_gallery *gallery, uint64_t id);
/* Largest first, then oldest. */
void ed_gallery_sort(struct ed_gallery *gallery);
/* What is kept, from 0 to shots.n - 1. */
static inline const struct ed_shot *ed_gallery_at(const struct ed_gallery *gallery, size_t i)
{
    return gallery->shots.at[i];
}
/* The first n of a sorted gallery as a table. */
void ed_gallery_print(const struct ed_gallery *gallery, struct ed_view *view, size_t n);

#endif
