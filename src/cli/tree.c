/* Tree: the last record of each event, topic and theme; then from the largest down. */
#include "cli/tree.h"

#include "base/error.h"
#include "base/memory.h"
#include "cli/labels.h"

#include <stdlib.h>
#include <string.h>

struct node {
    const json_t *json;
    const char *id, *parent; /* parent "": none */
    double size;
};

struct tree {
    json_t *last; /* id to its last record */
    struct node *at;
    size_t n;
};

static eddy_status record_take(void *user, const eddy_raw *raw, json_t *json, eddy_error *err)
{
    struct tree *t = user;
    const char *id = ed_look_text(json, "id");
    if (json_object_set(t->last, id, json) != 0)
        return eddy_fail_nomem(err, "tree", raw->n);
    return EDDY_OK;
}

static int larger_first(const void *pa, const void *pb)
{
    const struct node *a = pa, *b = pb;
    if (a->size < b->size || a->size > b->size)
        return a->size < b->size ? 1 : -1;
    return strcmp(a->id, b->id);
}

/* What is active; a topic's parent is its theme, an event's its topic. */
static eddy_status nodes_make(struct tree *t, double size_min, eddy_error *err)
{
    t->at = ed_alloc_zero(json_object_size(t->last) + 1, sizeof *t->at);
    if (!t->at)
        return eddy_fail_nomem(err, "tree", json_object_size(t->last) * sizeof *t->at);
    for (void *i = json_object_iter(t->last); i; i = json_object_iter_next(t->last, i)) {
        const json_t *json = json_object_iter_value(i);
        const char *id = json_object_iter_key(i);
        double size = json_number_value(json_object_get(json, "size"));
        if (strcmp(ed_look_text(json, "state"), "active") != 0 || (*id == 'E' && size < size_min))
            continue;
        t->at[t->n++] =
            (struct node){json, id, ed_look_text(json, *id == 'E' ? "topic" : "parent"), size};
    }
    qsort(t->at, t->n, sizeof *t->at, larger_first);
    return EDDY_OK;
}

static void node_print(const struct node *node, int depth, struct ed_view *view)
{
    char name[700], size[ED_TEXT];
    const char *text = ed_look_text(node->json, "name");
    size_t columns = ed_view_columns(view);
    ed_view_line(
        view, "%*s%s%-6s %6s  %s%s", 2 * depth, "",
        ed_ink(view, *node->id == 'E' ? ED_PLAIN : ED_BOLD), node->id,
        ed_text_number((uint64_t)node->size, size),
        ed_text_fit(text, strlen(text), columns - 20 - 2 * (size_t)depth, 0, name, sizeof name),
        ed_ink(view, ED_PLAIN));
}

/* Everything below parent; kind E: events, T: topics and themes. */
static void level_print(const struct tree *t, const char *parent, char kind, int depth, int json,
                        struct ed_view *view)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct node *node = &t->at[i];
        if (*node->id != kind || strcmp(node->parent, parent) != 0)
            continue;
        if (json) {
            json_dumpf(node->json, stdout, JSON_COMPACT);
            putchar('\n');
        } else {
            node_print(node, depth, view);
        }
        if (kind == 'T') { /* a theme's topics, or a topic's events */
            level_print(t, node->id, 'T', depth + 1, json, view);
            level_print(t, node->id, 'E', depth + 1, json, view);
        }
    }
}

eddy_status ed_tree_print(struct ed_config *config, const char *dir, double size_min, int json,
                          struct ed_view *view, eddy_error *err)
{
    struct tree t = {.last = json_object()};
    eddy_status st = t.last ? ed_look(config, dir, ED_EVENTS, record_take, &t, err)
                            : eddy_fail_nomem(err, "tree", 0);
    if (st == EDDY_OK)
        st = nodes_make(&t, size_min, err);
    if (st == EDDY_OK) {
        level_print(&t, "", 'T', 0, json, view);
        level_print(&t, "", 'E', 0, json, view); /* in no topic */
    }
    ed_free(t.at);
    json_decref(t.last);
    return st;
}
