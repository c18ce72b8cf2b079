/* Feed: the newest events, as Atom (RFC 4287), for readers that know nothing of eddy. */
#include "serve/page.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/time.h"

#include <inttypes.h>
#include <string.h>

/* A raw JSON string as XML text: escapes undone, what XML may not hold left out. */
static void put_xml(struct ed_bytes *b, eddy_str raw)
{
    eddy_str s = ed_raw_text(raw);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.at[i];
        if (c == '\\' && i + 1 < s.n) {
            c = s.at[++i];
            if (c == 'u') { /* only controls are written so */
                i += 4;
                continue;
            }
            c = strchr("nrtbf", c) ? ' ' : c;
        }
        const char *as = c == '<'   ? "&lt;"
                         : c == '>' ? "&gt;"
                         : c == '&' ? "&amp;"
                         : c == '"' ? "&quot;"
                                    : NULL;
        if (as)
            ed_bytes_add_str(b, as);
        else
            ed_bytes_add(b, &c, 1);
    }
}

static void put_entry(struct ed_exchange *x, const struct ed_picture *p)
{
    struct ed_bytes *b = &x->out;
    eddy_str item, first = ed_raw_text(ed_raw_find(p->json, "first_seen")),
                   last = ed_raw_text(ed_raw_find(p->json, "last_seen"));
    ed_bytes_printf(b, "<entry><id>urn:eddy:%s:E%" PRIu64 "</id><title>", x->serve->o.pipeline,
                    p->id);
    put_xml(b, ed_raw_find(p->json, "name"));
    ed_bytes_printf(b,
                    "</title><published>%.*s</published><updated>%.*s</updated>"
                    "<link rel=\"alternate\" type=\"application/json\" "
                    "href=\"/api/v1/events/E%" PRIu64 "\"/><summary>",
                    (int)first.n, first.at, (int)last.n, last.at, p->id);
    put_xml(b, ed_raw_find(p->json, "summary"));
    eddy_str list = ed_raw_find(p->json, "exemplars");
    for (size_t at = 0; ed_raw_item(list, &at, &item);) {
        ed_bytes_add_str(b, "\n");
        put_xml(b, ed_raw_find(item, "title"));
    }
    ed_bytes_add_str(b, "</summary></entry>\n");
}

/* The newest events, as Atom (RFC 4287). */
void ed_route_feed(struct ed_exchange *x)
{
    const struct ed_wanted wanted = {.states = 1u << EDDY_ACTIVE | 1u << EDDY_STATE_FADED,
                                     .since_ms = INT64_MIN};
    const struct ed_picture **all = NULL;
    struct ed_page page = {0};
    size_t n = 0;
    int64_t latest_ms = 0;
    char when[ED_TIME_TEXT];
    eddy_error err = {0};
    if (!ed_page_begin(x, &page, 50))
        return;
    if (ed_board_gather(x->serve->o.board, &wanted, &all, &n, &err) != EDDY_OK)
        ed_exchange_failed(x, &err);
    for (size_t i = 0; i < n; i++)
        ed_page_put(&page, (double)all[i]->facts.first_ms, all[i]);
    ed_free(all);
    for (size_t i = 0; i < page.n; i++)
        latest_ms = page.at[i].picture->facts.last_ms > latest_ms
                        ? page.at[i].picture->facts.last_ms
                        : latest_ms;
    if (!x->answered) {
        x->type = ED_TYPE_ATOM;
        ed_time_text(latest_ms, when);
        ed_bytes_printf(&x->out,
                        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>urn:eddy:%s</id>"
                        "<title>New events of %s</title><updated>%s</updated>"
                        "<author><name>eddy</name></author>"
                        "<link rel=\"self\" href=\"/api/v1/feed.atom\"/>\n",
                        x->serve->o.pipeline, x->serve->o.pipeline, when);
        for (size_t i = 0; i < page.n; i++)
            put_entry(x, page.at[i].picture);
        ed_bytes_add_str(&x->out, "</feed>\n");
    }
    ed_page_clear(&page);
}
