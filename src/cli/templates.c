/* templates: one allocation for each that is kept, swapped when a newer picture comes. */
#include "cli/templates.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 400 /* more than a terminal is wide */

struct ed_template_shot {
    uint64_t id, event, lines;
    int64_t first_ms, last_ms;
    eddy_level level;
    eddy_str text, json;
    char bytes[];
};

void ed_templates_init(struct ed_templates *templates)
{
    memset(templates, 0, sizeof *templates);
    ed_table_init(&templates->places);
}

void ed_templates_clear(struct ed_templates *templates)
{
    for (size_t i = 0; i < templates->n; i++)
        ed_free(templates->at[i]);
    ed_free(templates->at);
    ed_table_clear(&templates->places);
    ed_templates_init(templates);
}

static struct ed_template_shot *form_new(const struct ed_template_told *told, eddy_str json)
{
    const eddy_template *t = told->template;
    char text[TEXT_BYTES];
    int n_shown = snprintf(text, sizeof text, "%.*s%s%.*s", (int)t->text.n, t->text.at,
                           told->exceptions.n ? " ... " : "", (int)told->exceptions.n,
                           told->exceptions.n ? told->exceptions.at : "");
    size_t n_text = n_shown < TEXT_BYTES ? (size_t)n_shown : TEXT_BYTES - 1;
    struct ed_template_shot *form = ed_alloc(sizeof *form + n_text + json.n + 1);
    if (!form)
        return NULL;
    *form = (struct ed_template_shot){.id = t->id,
                                      .event = told->event,
                                      .lines = told->lines,
                                      .first_ms = t->first_ms,
                                      .last_ms = t->last_ms,
                                      .level = told->level,
                                      .text = {form->bytes, n_text},
                                      .json = {form->bytes + n_text, json.n}};
    memcpy(form->bytes, text, n_text);
    if (json.n)
        memcpy(form->bytes + n_text, json.at, json.n);
    return form;
}

/* The last one takes the place of the one that leaves. */
static void form_remove(struct ed_templates *templates, uint64_t id)
{
    const uint64_t *at = ed_table_find(&templates->places, id);
    if (!at)
        return;
    size_t place = *at - 1;
    ed_free(templates->at[place]);
    ed_table_remove(&templates->places, id);
    struct ed_template_shot *last = templates->at[--templates->n];
    if (place == templates->n)
        return;
    templates->at[place] = last;
    *ed_table_find(&templates->places, last->id) = place + 1;
}

eddy_status ed_templates_put(struct ed_templates *templates, const struct ed_template_told *told,
                             eddy_str json, eddy_error *err)
{
    const eddy_template *t = told->template;
    form_remove(templates, t->id);
    if (t->merged_into)
        return EDDY_OK;
    struct ed_template_shot *form = form_new(told, json);
    struct ed_template_shot **list =
        form ? ed_list_room(templates->at, templates->n, &templates->room,
                            sizeof(struct ed_template_shot *))
             : NULL;
    if (list)
        templates->at = list;
    if (!list || !ed_table_put(&templates->places, t->id, templates->n + 1)) {
        ed_free(form);
        return eddy_fail_nomem(err, "templates", templates->n * sizeof form);
    }
    templates->at[templates->n++] = form;
    return EDDY_OK;
}

static int most_first(const void *pa, const void *pb)
{
    const struct ed_template_shot *a = *(struct ed_template_shot *const *)pa,
                                  *b = *(struct ed_template_shot *const *)pb;
    if (a->lines != b->lines)
        return a->lines < b->lines ? 1 : -1;
    if (a->first_ms != b->first_ms)
        return a->first_ms > b->first_ms ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

static void sort(struct ed_templates *templates)
{
    if (templates->n)
        qsort(templates->at, templates->n, sizeof *templates->at, most_first);
}

void ed_templates_print(struct ed_templates *templates, struct ed_view *view)
{
    enum { BEFORE = 53 };
    size_t columns = ed_view_columns(view), width = columns > BEFORE + 24 ? columns - BEFORE : 24;
    sort(templates);
    ed_view_line(view, "%s%11s  %-11s  %-11s  %-5s  %-5s  template%s", ed_ink(view, ED_BOLD),
                 "lines", "first seen", "last seen", "level", "event", ed_ink(view, ED_PLAIN));
    for (size_t i = 0; i < templates->n; i++) {
        const struct ed_template_shot *form = templates->at[i];
        char lines[ED_TEXT], first[ED_TEXT], last[ED_TEXT], event[ED_TEXT] = "", text[900];
        enum ed_ink ink = form->level >= EDDY_LEVEL_ERROR  ? ED_RED
                          : form->level == EDDY_LEVEL_WARN ? ED_YELLOW
                                                           : ED_PLAIN;
        if (form->event)
            snprintf(event, sizeof event, "E%" PRIu64, form->event);
        ed_view_line(view, "%11s  %s  %s  %s%-5s%s  %-5s  %s", ed_text_number(form->lines, lines),
                     ed_text_minute(form->first_ms, first), ed_text_minute(form->last_ms, last),
                     ed_ink(view, ink), form->level ? eddy_level_name(form->level) : "",
                     ed_ink(view, ED_PLAIN), event,
                     ed_text_fit(form->text.at, form->text.n, width, 0, text, sizeof text));
    }
}

void ed_templates_print_json(struct ed_templates *templates, FILE *out)
{
    sort(templates);
    for (size_t i = 0; i < templates->n; i++)
        fprintf(out, "%.*s\n", (int)templates->at[i]->json.n, templates->at[i]->json.at);
}
