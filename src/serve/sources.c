/* Sources: whom the documents of events are from, of several events in one answer, for a page shows
 * many. */
#include "serve/inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

#define EVENTS_MAX 200

/* "E12,E3,...", at most EVENTS_MAX of them; 0: it is none. */
static size_t events_read(const char *text, uint64_t *ret)
{
    size_t n = 0;
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        uint64_t id = ed_exchange_id(at, strcspn(at, ","));
        size_t same = 0;
        while (same < n && ret[same] != id)
            same++;
        if (!id || same == EVENTS_MAX)
            return 0;
        ret[same] = id;
        n += same == n;
    }
    return n;
}

static void put_count(struct ed_bytes *b, const char *key, size_t n)
{
    ed_json_key(b, key);
    ed_json_unsigned(b, n);
}

static void put_sources(struct ed_bytes *b, uint64_t event, const struct ed_board_sources *s)
{
    ed_json_open(b, '{');
    ed_put_id(b, "event", event);
    put_count(b, "documents", s->documents);
    ed_json_key(b, "sources");
    ed_json_open(b, '[');
    for (size_t i = 0; i < s->n; i++) {
        ed_json_open(b, '{');
        ed_json_key(b, "source");
        ed_json_text(b, s->at[i].name.at, s->at[i].name.n);
        put_count(b, "documents", s->at[i].documents);
        ed_json_close(b, '}');
    }
    ed_json_close(b, ']');
    ed_json_key(b, "others");
    ed_json_open(b, '{');
    put_count(b, "sources", s->others);
    put_count(b, "documents", s->others_documents);
    ed_json_close(b, '}');
    ed_json_close(b, '}');
}

void ed_route_sources(struct ed_exchange *x)
{
    const char *text = ed_exchange_argument(x, "events");
    uint64_t events[EVENTS_MAX];
    size_t n = text ? events_read(text, events) : 0, seen = 0;
    eddy_error err = {0};
    if (!n) {
        ed_exchange_fail(x, 400, "events is a list such as E12,E3, of %d at most", EVENTS_MAX);
        return;
    }
    struct ed_board_sources *list = ed_alloc(n * sizeof *list);
    if (!list) {
        ed_exchange_fail(x, 503, "no memory");
    } else if (ed_board_sources(x->serve->o.board, events, n, list, &seen, &err) != EDDY_OK) {
        ed_exchange_failed(x, &err);
    } else {
        ed_json_open(&x->out, '{');
        put_count(&x->out, "documents", seen);
        ed_json_key(&x->out, "events");
        ed_json_open(&x->out, '[');
        for (size_t i = 0; i < n; i++)
            put_sources(&x->out, events[i], &list[i]);
        ed_json_close(&x->out, ']');
        ed_json_close(&x->out, '}');
    }
    ed_free(list);
}
