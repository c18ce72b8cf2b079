/* YAML by libyaml's events, read straight into the table.
 *
 * Only the plain part of YAML is taken: one document, mappings of mappings, lists of single
 * values. Anchors, aliases and tags are refused, so nothing can grow (the billion laughs), and the
 * depth is bounded, so nothing can recurse far. Mistakes in values are complaints and reading goes
 * on; where the YAML itself is broken, it ends. */
#include "cli/config_inner.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "cli/usage.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#define FILE_BYTES_MAX (1u << 20)
#define DEPTH_MAX      8
#define PATH_TEXT      200

struct reader {
    struct ed_config *config;
    const char *name; /* of the file, in the arena */
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
    int has_event;
    int stopped;                           /* after a complaint that ends the reading */
    unsigned section_line[ED_OPTIONS_MAX]; /* by the first option of a section; 0: not yet */
    unsigned option_line[ED_OPTIONS_MAX];  /* where an option was given in this file */
};

static struct ed_origin origin_at(const struct reader *r, yaml_mark_t mark)
{
    return (struct ed_origin){ED_LAYER_FILE, r->name, (unsigned)mark.line + 1,
                              (unsigned)mark.column + 1};
}

static struct ed_origin here(const struct reader *r)
{
    return origin_at(r, r->event.start_mark);
}

static void stop(struct reader *r, const char *why)
{
    struct ed_origin origin = here(r);
    ed_config_complain_at(r->config, &origin, NULL, "%s", why);
    r->stopped = 1;
}

/* libyaml could not go on. */
static void stop_at_problem(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    r->stopped = 1;
    if (p->error == YAML_MEMORY_ERROR) {
        r->config->failed = 1;
        return;
    }
    struct ed_origin origin = origin_at(r, p->problem_mark);
    if (p->error == YAML_READER_ERROR) {
        origin.line = origin.column = 0;
        ed_config_complain_at(r->config, &origin, NULL, "not text in UTF-8 at byte %zu: %s",
                              p->problem_offset, p->problem ? p->problem : "");
        return;
    }
    const char *problem = p->problem ? p->problem : "cannot be read";
    int is_start = strcmp(problem, "found character that cannot start any token") == 0;
    ed_config_complain_at(r->config, &origin, NULL, "not YAML: %s",
                          is_start ? "no value begins like this (indent with blanks, not tabs; put "
                                     "@, %, ` and * in quotes)"
                                   : problem);
}

/* What of YAML we do not take, or NULL. */
static const char *refused(const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (e->type) {
    case YAML_ALIAS_EVENT: return "aliases (*name) are not taken here; write the value again";
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
        break;
    default: break;
    }
    if (anchor)
        return "anchors (&name) are not taken here";
    return tag ? "tags (!name) are not taken here" : NULL;
}

/* On to the next event. 0: the reading has ended, with a complaint. */
static int next(struct reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = 0;
    if (r->stopped || r->config->failed)
        return 0;
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        stop_at_problem(r);
        return 0;
    }
    r->has_event = 1;
    const char *why = refused(&r->event);
    if (why)
        stop(r, why);
    return !why;
}

/* Past the rest of the node whose first event is at hand. */
static void skip(struct reader *r)
{
    size_t depth = 0;
    do {
        switch (r->event.type) {
        case YAML_MAPPING_START_EVENT:
        case YAML_SEQUENCE_START_EVENT: depth++; break;
        case YAML_MAPPING_END_EVENT:
        case YAML_SEQUENCE_END_EVENT: depth--; break;
        default: break;
        }
    } while (depth && next(r));
}

static const char *scalar(const struct reader *r)
{
    return (const char *)r->event.data.scalar.value;
}

/* "key:" with nothing behind it, ~ or null. */
static int is_null(const struct reader *r)
{
    const char *text = scalar(r);
    return r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* The scalar at hand as a value; 0 after a complaint. */
static int value_of(struct reader *r, const char *key, struct ed_value *ret)
{
    struct ed_origin origin = here(r);
    size_t n = r->event.data.scalar.length;
    if (is_null(r)) {
        ed_config_complain_at(r->config, &origin, key,
                              "has no value; take the line out to keep the default");
        return 0;
    }
    if (n > ED_VALUE_MAX || strlen(scalar(r)) != n) {
        ed_config_complain_at(r->config, &origin, key, "the value is %s",
                              n > ED_VALUE_MAX ? "too long" : "not text");
        return 0;
    }
    return ed_config_substitute(r->config, scalar(r), key, &origin, ret);
}

static void read_list(struct reader *r, const struct ed_option *option)
{
    int heard = ed_config_list_begin(r->config, option, here(r));
    while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        struct ed_value value;
        struct ed_origin origin = here(r);
        if (r->event.type != YAML_SCALAR_EVENT) {
            ed_config_complain_at(r->config, &origin, option->key,
                                  "an item of this list is one value");
            skip(r);
        } else if (value_of(r, option->key, &value) && heard) {
            ed_config_list_add(r->config, option, value);
        }
    }
}

/* One setting of a map; the name's place is at_name, the value's first event is at hand. */
static void read_setting(struct reader *r, const struct ed_option *option, const char *name,
                         struct ed_origin at_name)
{
    const struct ed_pair *known = ed_map_find(ed_config_field(r->config, option), name);
    char key[PATH_TEXT + 20];
    struct ed_value value;
    snprintf(key, sizeof key, "%s.%s", option->key, name);
    if (r->event.type != YAML_SCALAR_EVENT) {
        ed_config_complain_at(r->config, &at_name, key,
                              "has one value; write a longer name with its dots, such as "
                              "ssl.ca.location");
        skip(r);
    } else if (known && known->origin.layer == ED_LAYER_FILE && known->origin.name == r->name) {
        ed_config_complain_at(r->config, &at_name, key, "is given twice, first in line %u",
                              known->origin.line);
    } else if (value_of(r, key, &value)) {
        ed_config_assign_pair(r->config, option, name, value, here(r));
    }
}

/* The settings of a map, by their own dotted names. */
static void read_map(struct reader *r, const struct ed_option *option)
{
    while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        struct ed_origin at_name = here(r);
        char name[PATH_TEXT];
        if (r->event.type != YAML_SCALAR_EVENT || !*scalar(r)) {
            stop(r, "the name of a setting is expected here");
            return;
        }
        ed_shown(scalar(r), name, sizeof name);
        if (next(r))
            read_setting(r, option, name, at_name);
    }
}

static const char *found(const struct reader *r)
{
    return r->event.type == YAML_SEQUENCE_START_EVENT ? "a list" : "a section";
}

/* The value of an option; its first event is at hand. */
static void read_option(struct reader *r, const struct ed_option *option, struct ed_origin at_key)
{
    unsigned *line = &r->option_line[option - ed_options];
    struct ed_value value;
    char kind[400];
    if (*line) {
        ed_config_complain_at(r->config, &at_key, option->key, "is given twice, first in line %u",
                              *line);
        skip(r);
        return;
    }
    *line = at_key.line;
    struct ed_origin origin = here(r);
    if (option->type == ED_MAP && r->event.type == YAML_MAPPING_START_EVENT)
        read_map(r, option);
    else if (option->type == ED_MAP && r->event.type == YAML_SCALAR_EVENT && is_null(r))
        return; /* a heading whose lines are all comments */
    else if (option->type == ED_LIST && r->event.type == YAML_SEQUENCE_START_EVENT)
        read_list(r, option);
    else if (r->event.type == YAML_SCALAR_EVENT) {
        if (value_of(r, option->key, &value))
            ed_config_assign(r->config, option, value, origin);
    } else {
        ed_option_kind(option, kind, sizeof kind);
        ed_config_complain_at(r->config, &origin, option->key, "is %s here; wanted: %s", found(r),
                              kind);
        skip(r);
    }
}

static void read_section(struct reader *r, const char *path, size_t depth);

/* The value of a section's key; its first event is at hand. */
static void read_below(struct reader *r, const char *path, size_t depth, struct ed_origin at_key)
{
    struct ed_origin origin = here(r);
    if (r->event.type == YAML_SCALAR_EVENT && is_null(r))
        return; /* a heading whose lines are all comments */
    if (r->event.type != YAML_MAPPING_START_EVENT) {
        ed_config_complain_at(r->config, &origin, path,
                              "is a section; its options stand below it, "
                              "indented");
        skip(r);
        return;
    }
    size_t first = 0;
    while (first < ed_options_n && (strncmp(ed_options[first].key, path, strlen(path)) != 0 ||
                                    ed_options[first].key[strlen(path)] != '.'))
        first++;
    unsigned *line = &r->section_line[first];
    if (*line)
        ed_config_complain_at(r->config, &at_key, path, "is given twice, first in line %u", *line);
    *line = at_key.line;
    read_section(r, path, depth);
}

/* The pairs of a mapping whose start is at hand. path: what stands above it, "" at the top. */
static void read_section(struct reader *r, const char *path, size_t depth)
{
    if (depth > DEPTH_MAX) {
        stop(r, "too deep");
        return;
    }
    while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        struct ed_origin at_key = here(r);
        if (r->event.type != YAML_SCALAR_EVENT) {
            stop(r, "a key is expected here");
            return;
        }
        char last[PATH_TEXT / 2], key[PATH_TEXT];
        ed_shown(scalar(r), last, sizeof last);
        snprintf(key, sizeof key, "%.90s%s%s", path, *path ? "." : "", last);
        if (!next(r))
            return;
        const char *name;
        const struct ed_option *option = ed_config_resolve(key, &name);
        if (option && name) {
            read_setting(r, option, name, at_key);
        } else if (option) {
            read_option(r, option, at_key);
        } else if (*last && ed_option_is_section(key, strlen(key))) {
            read_below(r, key, depth + 1, at_key);
        } else {
            const char *nearest = ed_option_nearest(key);
            ed_config_complain_at(r->config, &at_key, key, "there is no such option%s%s%s",
                                  nearest ? "; did you mean " : "", nearest ? nearest : "",
                                  nearest ? "?" : "");
            skip(r);
        }
    }
}

static void read_stream(struct reader *r)
{
    if (!next(r) || !next(r) || r->event.type == YAML_STREAM_END_EVENT)
        return;   /* an empty file sets nothing */
    if (!next(r)) /* past the start of the document */
        return;
    if (r->event.type == YAML_MAPPING_START_EVENT) {
        read_section(r, "", 1);
    } else if (r->event.type != YAML_SCALAR_EVENT || !is_null(r)) {
        stop(r, "a configuration is made of lines such as \"pipeline: name\"");
    }
    if (!next(r) || !next(r)) /* the document's end, and what is behind it */
        return;
    if (r->event.type != YAML_STREAM_END_EVENT)
        stop(r, "a second document; one file holds one configuration");
}

void ed_config_read_text(struct ed_config *config, const char *name, const char *text, size_t n)
{
    struct reader r = {.config = config, .name = ed_config_copy(config, name, strlen(name))};
    if (!r.name)
        return;
    if (!yaml_parser_initialize(&r.parser)) {
        config->failed = 1;
        return;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
    read_stream(&r);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
}

void ed_config_read_file(struct ed_config *config, const char *path)
{
    int is_stdin = strcmp(path, "-") == 0;
    struct ed_origin origin = {ED_LAYER_FILE, path, 0, 0};
    FILE *in = is_stdin ? stdin : fopen(path, "rb");
    if (!in) {
        ed_config_complain_at(config, &origin, NULL, "cannot open: %s", strerror(errno));
        return;
    }
    char *text = ed_alloc(FILE_BYTES_MAX + 1);
    size_t n = text ? fread(text, 1, FILE_BYTES_MAX + 1, in) : 0;
    if (!text)
        config->failed = 1;
    else if (ferror(in))
        ed_config_complain_at(config, &origin, NULL, "cannot read: %s", strerror(errno));
    else if (n > FILE_BYTES_MAX)
        ed_config_complain_at(config, &origin, NULL, "larger than %u bytes", FILE_BYTES_MAX);
    else
        ed_config_read_text(config, is_stdin ? "standard input" : path, text, n);
    ed_free(text);
    if (!is_stdin)
        fclose(in);
}
