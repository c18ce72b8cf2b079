/* The configuration: layers in, one checked struct out.
 *
 * Every option remembers the layer that spoke last, and a lower one is not heard after a higher
 * one. So the order of reading does not matter, and the profile, which itself may come from any
 * layer, can fill in at the very end what is still at its default.
 *
 * Nothing here fails on the spot: mistakes are kept as complaints and memory that was lost as a
 * flag, and ed_config_finish tells. */
#include "cli/config_inner.h"

#include "base/error.h"
#include "base/memory.h"
#include "cli/usage.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define ARENA_MAX      (64u << 20)
#define COMPLAINTS_MAX 50

/* ---- memory and lists ---- */

const char *ed_config_copy(struct ed_config *config, const char *text, size_t n)
{
    const char *copy = ed_arena_str(config->arena, text, n).at;
    if (!copy)
        config->failed = 1;
    return copy;
}

/* Lists and maps grow at powers of two, so that their length tells their room. */
static int is_full(size_t n)
{
    return (n & (n - 1)) == 0;
}

static void *grown(struct ed_config *config, const void *at, size_t n, size_t size)
{
    void *more = ed_arena_alloc_zero(config->arena, n ? 2 * n : 1, size);
    if (!more)
        config->failed = 1;
    else if (n)
        memcpy(more, at, n * size);
    return more;
}

static int list_push(struct ed_config *config, struct ed_list *list, struct ed_value value)
{
    if (is_full(list->n)) {
        const char **at = grown(config, list->at, list->n, sizeof *at);
        const char **written = grown(config, list->written, list->n, sizeof *written);
        if (!at || !written)
            return 0;
        list->at = at;
        list->written = written;
    }
    const char *text = ed_config_copy(config, value.text, strlen(value.text));
    if (!text)
        return 0;
    ((const char **)list->at)[list->n] = text;
    ((const char **)list->written)[list->n++] = value.written;
    return 1;
}

/* ---- places and complaints ---- */

void ed_origin_text(const struct ed_origin *origin, char *ret, size_t n)
{
    switch (origin->layer) {
    case ED_LAYER_DEFAULT: snprintf(ret, n, "default"); return;
    case ED_LAYER_PROFILE: snprintf(ret, n, "profile %s", origin->name); return;
    case ED_LAYER_FILE:
        if (origin->line)
            snprintf(ret, n, "%s:%u:%u", origin->name, origin->line, origin->column);
        else
            snprintf(ret, n, "%s", origin->name);
        return;
    case ED_LAYER_ENVIRONMENT: snprintf(ret, n, "environment %s", origin->name); return;
    case ED_LAYER_SET:
    case ED_LAYER_LETTER: snprintf(ret, n, "%s", origin->name); return;
    }
}

__attribute__((format(printf, 5, 0))) static void
keep(struct ed_config *config, struct ed_list *list, const struct ed_origin *origin,
     const char *key, const char *format, va_list args)
{
    if (list->n >= COMPLAINTS_MAX) {
        config->dropped += list == &config->complaints;
        return;
    }
    char place[ED_PLACE_TEXT] = "", text[500];
    vsnprintf(text, sizeof text, format, args);
    if (origin && origin->layer != ED_LAYER_DEFAULT)
        ed_origin_text(origin, place, sizeof place);
    eddy_str line = ed_arena_printf(config->arena, "%s%s%s%s%s", place, *place ? ": " : "",
                                    key ? key : "", key ? ": " : "", text);
    if (!line.at || !list_push(config, list, (struct ed_value){line.at, NULL}))
        config->failed = 1;
}

void ed_config_complain_at(struct ed_config *config, const struct ed_origin *origin,
                           const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(config, &config->complaints, origin, key, format, args);
    va_end(args);
}

void ed_config_complain(struct ed_config *config, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(config, &config->complaints, key ? ed_config_source_of(config, key) : NULL, key, format,
         args);
    va_end(args);
}

void ed_config_warn(struct ed_config *config, const struct ed_origin *origin, const char *format,
                    ...)
{
    va_list args;
    va_start(args, format);
    keep(config, &config->warnings, origin, NULL, format, args);
    va_end(args);
}

const struct ed_origin *ed_config_source_of(const struct ed_config *config, const char *key)
{
    int i = ed_option_find(key, strlen(key));
    return i < 0 ? NULL : &config->origins[i];
}

/* ---- taking values ---- */

void *ed_config_field(const struct ed_config *config, const struct ed_option *option)
{
    return (char *)(uintptr_t)config + option->offset;
}

/* A single value was taken. */
static void taken(struct ed_config *config, const struct ed_option *option, struct ed_value value,
                  struct ed_origin origin)
{
    config->origins[option - ed_options] = origin;
    config->written[option - ed_options] = value.written;
}

static struct ed_origin *origin_of(struct ed_config *config, const struct ed_option *option)
{
    return &config->origins[option - ed_options];
}

/* The value for a message: what was written, so that a secret that went in stays unseen. */
static char *shown(struct ed_value value, char *ret, size_t n)
{
    return ed_shown(value.written ? value.written : value.text, ret, n);
}

static void assign_number(struct ed_config *config, const struct ed_option *option,
                          struct ed_value value, struct ed_origin origin)
{
    char why[300], text[ED_SHOWN_TEXT];
    double number;
    if (!ed_option_number(option, value.text, &number, why, sizeof why)) {
        ed_config_complain_at(config, &origin, option->key, "'%s' %s",
                              shown(value, text, sizeof text), why);
        return;
    }
    void *field = ed_config_field(config, option);
    if (option->type == ED_REAL)
        *(double *)field = number;
    else if (option->type == ED_BOOL || option->type == ED_CHOICE)
        *(int *)field = (int)number;
    else
        *(int64_t *)field = (int64_t)number;
    taken(config, option, value, origin);
}

/* Names of topics and groups are looked at when they are whole (finish). */
static void assign_string(struct ed_config *config, const struct ed_option *option,
                          struct ed_value value, struct ed_origin origin)
{
    char why[300], text[ED_SHOWN_TEXT];
    int later = *value.text && (option->shape == ED_TOPIC || option->shape == ED_GROUP);
    if (!later && !ed_option_shape(option, value.text, why, sizeof why)) {
        ed_config_complain_at(config, &origin, option->key, "'%s' %s",
                              shown(value, text, sizeof text), why);
        return;
    }
    const char *copy = ed_config_copy(config, value.text, strlen(value.text));
    if (!copy)
        return;
    *(const char **)ed_config_field(config, option) = copy;
    taken(config, option, value, origin);
}

int ed_config_list_begin(struct ed_config *config, const struct ed_option *option,
                         struct ed_origin origin)
{
    struct ed_origin *now = origin_of(config, option);
    if (origin.layer < now->layer)
        return 0;
    *(struct ed_list *)ed_config_field(config, option) = (struct ed_list){0};
    *now = origin;
    return 1;
}

void ed_config_list_add(struct ed_config *config, const struct ed_option *option,
                        struct ed_value value)
{
    struct ed_list *list = ed_config_field(config, option);
    if (list->n >= ED_ITEMS_MAX)
        ed_config_complain(config, option->key, "more than %d items", ED_ITEMS_MAX);
    else if (!*value.text)
        ed_config_complain(config, option->key, "item %zu is empty", list->n + 1);
    else
        list_push(config, list, value);
}

/* "a, b": blanks around items fall away; an empty text is an empty list. */
static void assign_commas(struct ed_config *config, const struct ed_option *option,
                          struct ed_value value, struct ed_origin origin)
{
    if (!ed_config_list_begin(config, option, origin) || !*value.text)
        return;
    for (const char *at = value.text;; at++) {
        at += strspn(at, " ");
        size_t n = strcspn(at, ","), n_item = n;
        while (n_item && at[n_item - 1] == ' ')
            n_item--;
        const char *item = ed_config_copy(config, at, n_item);
        if (!item)
            return;
        ed_config_list_add(config, option, (struct ed_value){item, value.written});
        at += n;
        if (!*at || config->failed)
            return;
    }
}

void ed_config_assign(struct ed_config *config, const struct ed_option *option,
                      struct ed_value value, struct ed_origin origin)
{
    if (option->type != ED_MAP && origin.layer < origin_of(config, option)->layer)
        return;
    switch (option->type) {
    case ED_LIST: assign_commas(config, option, value, origin); return;
    case ED_STRING: assign_string(config, option, value, origin); return;
    case ED_MAP:
        ed_config_complain_at(config, &origin, option->key,
                              "holds settings of librdkafka, each with its name, such as "
                              "%s.bootstrap.servers",
                              option->key);
        return;
    default: assign_number(config, option, value, origin); return;
    }
}

const struct ed_pair *ed_map_find(const struct ed_map *map, const char *name)
{
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->at[i].name, name) == 0)
            return &map->at[i];
    return NULL;
}

void ed_config_assign_pair(struct ed_config *config, const struct ed_option *option,
                           const char *name, struct ed_value value, struct ed_origin origin)
{
    struct ed_map *map = ed_config_field(config, option);
    struct ed_pair *pair = (struct ed_pair *)(uintptr_t)ed_map_find(map, name);
    if (pair && origin.layer < pair->origin.layer)
        return;
    if (!pair && map->n >= ED_PAIRS_MAX) {
        ed_config_complain_at(config, &origin, option->key, "more than %d settings", ED_PAIRS_MAX);
        return;
    }
    if (!pair && is_full(map->n)) {
        struct ed_pair *more = grown(config, map->at, map->n, sizeof *more);
        if (!more)
            return;
        map->at = more;
    }
    const char *kept_name = pair ? pair->name : ed_config_copy(config, name, strlen(name));
    const char *kept = ed_config_copy(config, value.text, strlen(value.text));
    if (!kept_name || !kept)
        return;
    if (!pair)
        pair = &map->at[map->n++];
    *pair = (struct ed_pair){kept_name, kept, value.written, origin};
    if (origin.layer >= origin_of(config, option)->layer)
        *origin_of(config, option) = origin;
}

/* ---- keys ---- */

const struct ed_option *ed_config_resolve(const char *key, const char **ret_name)
{
    size_t n = strlen(key);
    *ret_name = NULL;
    int i = ed_option_find(key, n);
    if (i >= 0)
        return &ed_options[i];
    for (size_t k = 0; k < ed_options_n; k++) {
        size_t n_map = strlen(ed_options[k].key);
        if (ed_options[k].type == ED_MAP && n > n_map + 1 && key[n_map] == '.' &&
            memcmp(key, ed_options[k].key, n_map) == 0) {
            *ret_name = key + n_map + 1;
            return &ed_options[k];
        }
    }
    return NULL;
}

static void set_named(struct ed_config *config, const char *key, struct ed_value value,
                      struct ed_origin origin)
{
    const char *name;
    const struct ed_option *option = ed_config_resolve(key, &name);
    if (option && name)
        ed_config_assign_pair(config, option, name, value, origin);
    else if (option)
        ed_config_assign(config, option, value, origin);
    else {
        char text[ED_SHOWN_TEXT];
        const char *nearest = ed_option_nearest(key);
        ed_config_complain_at(config, &origin, ed_shown(key, text, sizeof text),
                              "there is no such option%s%s%s", nearest ? "; did you mean " : "",
                              nearest ? nearest : "", nearest ? "?" : "");
    }
}

/* ---- layers ---- */

/* Split "key=value"; NULL after a complaint. */
static const char *split(struct ed_config *config, const char *assignment, const char *option,
                         const char **ret_value)
{
    const char *equals = strchr(assignment, '=');
    struct ed_origin origin = {ED_LAYER_SET, option, 0, 0};
    if (!equals || equals == assignment) {
        char text[ED_SHOWN_TEXT];
        ed_config_complain_at(config, &origin, NULL, "'%s' is not KEY=VALUE",
                              ed_shown(assignment, text, sizeof text));
        return NULL;
    }
    *ret_value = equals + 1;
    return ed_config_copy(config, assignment, (size_t)(equals - assignment));
}

void ed_config_set(struct ed_config *config, const char *assignment)
{
    const char *text, *key = split(config, assignment, "--set", &text);
    struct ed_origin origin = {ED_LAYER_SET, "--set", 0, 0};
    struct ed_value value;
    if (key && ed_config_substitute(config, text, key, &origin, &value))
        set_named(config, key, value, origin);
}

void ed_config_property(struct ed_config *config, const char *assignment)
{
    const char *text, *name = split(config, assignment, "-X", &text);
    struct ed_origin origin = {ED_LAYER_LETTER, "-X", 0, 0};
    struct ed_value value;
    if (name && ed_config_substitute(config, text, name, &origin, &value))
        ed_config_assign_pair(config, &ed_options[ed_option_find("kafka", 5)], name, value, origin);
}

void ed_config_letter(struct ed_config *config, const char *key, const char *value,
                      const char *letter)
{
    const char *name;
    const struct ed_option *option = ed_config_resolve(key, &name);
    struct ed_origin origin = {ED_LAYER_LETTER, letter, 0, 0};
    if (!option || option->type != ED_LIST) {
        set_named(config, key, (struct ed_value){value, NULL}, origin);
        return;
    }
    if (origin_of(config, option)->layer == ED_LAYER_LETTER ||
        ed_config_list_begin(config, option, origin))
        ed_config_list_add(config, option, (struct ed_value){value, NULL});
}

const char *ed_config_variable(const struct ed_config *config, const char *name, size_t n_name)
{
    for (char *const *e = config->environment; e && *e; e++)
        if (strncmp(*e, name, n_name) == 0 && (*e)[n_name] == '=')
            return *e + n_name + 1;
    return NULL;
}

/* "engine.fade" -> "ENGINE_FADE" */
static void variable_name(const char *key, char *ret, size_t n)
{
    size_t i = 0;
    for (; key[i] && i + 1 < n; i++)
        ret[i] = key[i] == '.' ? '_' : (char)toupper((unsigned char)key[i]);
    ret[i] = 0;
}

/* Kubernetes puts EDDY_KAFKA_SERVICE_HOST, EDDY_KAFKA_PORT_9092_TCP and the like into every
 * container that stands beside a service called eddy-kafka. They are no settings. */
static int is_kubernetes(const char *rest)
{
    return strncmp(rest, "SERVICE_HOST", 12) == 0 || strncmp(rest, "SERVICE_PORT", 12) == 0 ||
           strcmp(rest, "PORT") == 0 || strncmp(rest, "PORT_", 5) == 0;
}

/* One variable, EDDY_ already taken off name. */
static void read_variable(struct ed_config *config, const char *name, const char *value,
                          struct ed_origin origin)
{
    const struct ed_option *map = NULL, *near = NULL;
    char upper[64];
    size_t n_map = 0, best = 3;
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *option = &ed_options[i];
        variable_name(option->key, upper, sizeof upper);
        size_t n = strlen(upper), dist = ed_edit_distance(name, upper, best);
        if (dist == 0 && option->type != ED_MAP) {
            ed_config_assign(config, option, (struct ed_value){value, NULL}, origin);
            return;
        }
        if (option->type == ED_MAP && n > n_map && strncmp(name, upper, n) == 0 && name[n] == '_' &&
            name[n + 1]) {
            map = option;
            n_map = n;
        }
        if (dist < best) {
            best = dist;
            near = option;
        }
    }
    if (map && !is_kubernetes(name + n_map + 1)) {
        char *property =
            (char *)(uintptr_t)ed_config_copy(config, name + n_map + 1, strlen(name + n_map + 1));
        for (char *c = property; c && *c; c++)
            *c = *c == '_' ? '.' : (char)tolower((unsigned char)*c);
        if (property)
            ed_config_assign_pair(config, map, property, (struct ed_value){value, NULL}, origin);
    } else if (near && !map) {
        variable_name(near->key, upper, sizeof upper);
        ed_config_warn(config, &origin, "ignored; did you mean EDDY_%s%s?", upper,
                       near->type == ED_MAP ? "_BOOTSTRAP_SERVERS" : "");
    }
}

void ed_config_read_environment(struct ed_config *config)
{
    for (char *const *e = config->environment; e && *e; e++) {
        const char *equals = strchr(*e, '=');
        if (strncmp(*e, "EDDY_", 5) != 0 || !equals)
            continue;
        const char *name = ed_config_copy(config, *e, (size_t)(equals - *e));
        if (!name)
            return;
        struct ed_origin origin = {ED_LAYER_ENVIRONMENT, name, 0, 0};
        if (strcmp(name, "EDDY_MODEL_DIR") != 0) /* read where embed.dir is made whole */
            read_variable(config, name + 5, equals + 1, origin);
    }
}

/* ---- life ---- */

eddy_status ed_config_init(struct ed_config *config, char *const *environment, eddy_error *err)
{
    memset(config, 0, sizeof *config);
    config->environment = environment;
    config->arena = eddy_arena_new(ARENA_MAX);
    if (!config->arena) {
        config->failed = 1;
        return eddy_fail_nomem(err, "configuration", sizeof *config);
    }
    const struct ed_origin origin = {ED_LAYER_DEFAULT, NULL, 0, 0};
    for (size_t i = 0; i < ed_options_n; i++)
        if (ed_options[i].standard)
            ed_config_assign(config, &ed_options[i],
                             (struct ed_value){ed_options[i].standard, NULL}, origin);
    if (config->failed)
        return eddy_fail_nomem(err, "configuration", eddy_arena_used(config->arena));
    return EDDY_OK;
}

void ed_config_clear(struct ed_config *config)
{
    eddy_arena_free(config->arena);
    memset(config, 0, sizeof *config);
}
