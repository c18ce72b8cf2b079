/* Known: what the reasoner remembers of events between passes.
 *
 * How large an event was when it was last described, so that it is described again when it has
 * grown; a description that came too late, so that it is offered again and not paid again; its
 * name, for the topic that it is in. A ring: the oldest makes way. Nothing of it is needed: a new
 * reasoner takes what is described as just described. */
#include "reason/inside.h"

#include <string.h>

#define KNOWN_MAX 32768

static void forget(struct ed_known *known)
{
    ed_free(known->label);
    ed_known_applied(known);
    memset(known, 0, sizeof *known);
}

void ed_known_applied(struct ed_known *known)
{
    ed_free(known->name);
    ed_free(known->summary);
    ed_free(known->category);
    known->name = known->summary = known->category = NULL;
}

void ed_knowledge_clear(struct ed_knowledge *k)
{
    for (size_t i = 0; i < k->n; i++)
        forget(&k->at[i]);
    ed_free(k->at);
    ed_table_clear(&k->places);
    memset(k, 0, sizeof *k);
}

struct ed_known *ed_known_find(struct ed_knowledge *k, uint64_t id)
{
    const uint64_t *place = id ? ed_table_find(&k->places, id) : NULL;
    return place ? &k->at[*place - 1] : NULL;
}

struct ed_known *ed_known_put(struct ed_knowledge *k, uint64_t id)
{
    struct ed_known *known = ed_known_find(k, id);
    if (known)
        return known;
    if (k->next == k->room && k->room < KNOWN_MAX) {
        size_t room = k->room ? k->room * 2 : 256;
        struct ed_known *wide = ed_realloc(k->at, room * sizeof *wide);
        if (!wide)
            return NULL;
        memset(wide + k->room, 0, (room - k->room) * sizeof *wide);
        k->at = wide;
        k->room = room;
    }
    known = &k->at[k->next];
    if (!ed_table_put(&k->places, id, k->next + 1))
        return NULL;
    if (known->id)
        ed_table_remove(&k->places, known->id);
    forget(known);
    known->id = id;
    k->next = (k->next + 1) % KNOWN_MAX;
    if (k->n < KNOWN_MAX)
        k->n++;
    return known;
}

int ed_known_text(char **at, eddy_str text)
{
    ed_free(*at);
    *at = text.n ? ed_strndup(text.at, text.n) : NULL;
    return *at || !text.n;
}
