/* Positions in a plain list: a consumer owns some dozens of partitions. */
#include "source/positions.h"

#include "base/memory.h"

#include <string.h>

void ed_positions_clear(struct ed_positions *p)
{
    ed_free(p->at);
    memset(p, 0, sizeof *p);
}

static int is_it(const struct ed_place *place, const char *topic, int32_t partition)
{
    return place->partition == partition && (place->topic == topic || !strcmp(place->topic, topic));
}

struct ed_place *ed_positions_find(struct ed_positions *p, const char *topic, int32_t partition)
{
    if (p->last < p->n && is_it(&p->at[p->last], topic, partition))
        return &p->at[p->last];
    for (size_t i = 0; i < p->n; i++) {
        if (is_it(&p->at[i], topic, partition)) {
            p->last = i;
            return &p->at[i];
        }
    }
    return NULL;
}

struct ed_place *ed_positions_add(struct ed_positions *p, const char *topic, int32_t partition)
{
    struct ed_place *place = ed_positions_find(p, topic, partition);
    if (place)
        return place;
    if (p->n == p->room) {
        size_t room = p->room ? p->room * 2 : 16;
        place = ed_realloc(p->at, room * sizeof *place);
        if (!place)
            return NULL;
        p->at = place;
        p->room = room;
    }
    place = &p->at[p->n++];
    *place = (struct ed_place){.topic = topic,
                               .partition = partition,
                               .first = -1,
                               .read = -1,
                               .done = -1,
                               .sent = -1,
                               .end = -1,
                               .reached = -1};
    return place;
}

int ed_positions_ended(const struct ed_positions *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (p->at[i].holding != ED_OWNED)
            continue;
        if (!p->at[i].ended)
            return 0;
        n++;
    }
    return n > 0;
}

int ed_positions_wait(const struct ed_positions *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].holding == ED_LEAVING && p->at[i].done < p->at[i].read)
            return 1;
    return 0;
}

void ed_reading_begin(struct ed_reading *reading, const struct ed_positions *p)
{
    reading->since = p->generation + 1;
}

void ed_reading_end(struct ed_reading *reading)
{
    reading->since = 0;
}

int ed_reading_is_old(const struct ed_reading *reading, const struct ed_positions *p)
{
    return reading->since && reading->since <= p->generation;
}

void ed_place_gain(struct ed_place *place, size_t reader)
{
    place->holding = ED_OWNED;
    place->reader = reader;
    place->first = place->read = place->done = place->sent = place->reached = -1;
    place->ended = 0;
}

int ed_place_take(struct ed_place *place, int64_t offset)
{
    if (place->holding != ED_OWNED || offset < place->read)
        return 0;
    if (place->end >= 0 && offset >= place->end) {
        place->ended = 1;
        return 0;
    }
    if (place->first < 0)
        place->first = offset;
    place->read = offset + 1;
    if (place->read == place->end)
        place->ended = 1;
    return 1;
}

void ed_place_reached(struct ed_place *place, int64_t offset)
{
    if (place->holding != ED_OWNED)
        return;
    place->reached = offset;
    if (offset >= place->end)
        place->ended = 1;
}

int64_t ed_place_behind(const struct ed_place *place, int64_t high)
{
    int64_t next = place->read > place->reached ? place->read : place->reached;
    if (next < 0 || high < 0)
        return -1;
    return high > next ? high - next : 0;
}

void ed_place_done(struct ed_place *place, int64_t next)
{
    if (place->holding != ED_FOREIGN && place->first >= 0 && next > place->first &&
        next <= place->read && next > place->done)
        place->done = next;
}

int ed_place_due(const struct ed_place *place)
{
    return place->holding != ED_FOREIGN && place->done > place->sent;
}
