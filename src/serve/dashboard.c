/* Dashboard: the page that people look at. It is three files that came in by the build (web/), and
 * asks the API for everything else; so a build without Node is an eddy without it, which says so.
 */
#include "serve/inside.h"

#include "serve/web.h"

static void file_put(struct ed_exchange *x, const struct ed_web_file *file, const char *type)
{
    if (!file->n) {
        ed_exchange_fail(x, 404, "%s", ed_web_missing);
        return;
    }
    x->type = type;
    ed_bytes_add(&x->out, file->at, file->n);
}

void ed_route_page(struct ed_exchange *x)
{
    file_put(x, &ed_web_page, ED_TYPE_HTML);
}

void ed_route_script(struct ed_exchange *x)
{
    file_put(x, &ed_web_script, "text/javascript; charset=utf-8");
}

void ed_route_style(struct ed_exchange *x)
{
    file_put(x, &ed_web_style, "text/css; charset=utf-8");
}
