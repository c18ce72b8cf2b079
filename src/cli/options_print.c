/* The table as documents: help for people, the sample file, and a JSON Schema for editors. */
#include "cli/options.h"

#include "base/error.h"
#include "cli/manual.h"
#include "cli/usage.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#define WIDTH 96

/* What the first option of a section is introduced with; "" for options without a section. */
static const char *section_of(const struct ed_option *option, size_t *ret_n)
{
    const char *dot = strrchr(option->key, '.');
    *ret_n = dot ? (size_t)(dot - option->key) : 0;
    for (const struct ed_section *section = ed_sections; dot && section->name; section++)
        if (strlen(section->name) == *ret_n && strncmp(option->key, section->name, *ret_n) == 0)
            return section->about;
    return "";
}

/* 1: option i is the first of its section (or of those without one). */
static int begins_section(size_t i)
{
    size_t n, n_before;
    section_of(&ed_options[i], &n);
    if (i == 0)
        return 1;
    section_of(&ed_options[i - 1], &n_before);
    return n != n_before || strncmp(ed_options[i].key, ed_options[i - 1].key, n) != 0;
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

/* How many levels of YAML the (n) bytes of a section's name are. */
static int depth_of(const char *section, size_t n)
{
    int depth = n > 0;
    for (size_t i = 0; i < n; i++)
        depth += section[i] == '.';
    return depth;
}

/* ---- help ---- */

void ed_options_help(FILE *out, int colour)
{
    ed_text_wrap(
        out,
        "Options of eddy's configuration. In a file they are YAML, a dot being one level; on "
        "the command line --set KEY=VALUE; in the environment EDDY_KEY with dots as "
        "underscores, such as EDDY_ENGINE_FADE=12h. What stands later here wins: the defaults, "
        "the profile, files, the environment, --set, letters such as -b.\n"
        "In files and after --set, ${VAR}, ${VAR:-default} and ${file:/path} are replaced; "
        "what comes in that way is never printed.",
        0, "", WIDTH);
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *option = &ed_options[i];
        char kind[400];
        size_t n;
        const char *about = section_of(option, &n);
        if (begins_section(i) && n)
            fprintf(out, "\n%s\n", about);
        ed_option_kind(option, kind, sizeof kind);
        fputc('\n', out);
        ed_heading(out, colour, option->key);
        fprintf(out, "  (%s", kind);
        if (option->standard)
            fprintf(out, "; default: %s", *option->standard ? option->standard : "\"\"");
        fputs(")\n    ", out);
        ed_text_wrap(out, option->help, 4, "    ", WIDTH);
    }
}

/* ---- eddy.yaml(5) ---- */

static void manual_option(FILE *out, const struct ed_option *option)
{
    char kind[400];
    ed_option_kind(option, kind, sizeof kind);
    fputc('*', out);
    ed_manual_text(out, option->key, "");
    fputs("* (", out);
    ed_manual_text(out, kind, "");
    if (option->standard) {
        fputs("; default: ", out);
        ed_manual_text(out, *option->standard ? option->standard : "\"\"", "");
    }
    fputs(")\n\t", out);
    ed_manual_text(out, option->help, "\t");
    fputs("\n\n", out);
}

void ed_options_manual(FILE *out)
{
    fputs(
        "eddy.yaml(5)\n\n# NAME\n\neddy.yaml - the configuration of eddy\n\n# DESCRIPTION\n\n"
        "YAML, in files that are named by *-c*. Below, a dot is one level. On the command line an "
        "option is *--set* KEY=VALUE; in the environment EDDY\\_KEY with dots as underscores, "
        "such as EDDY\\_ENGINE\\_FADE=12h. What stands later here wins: the defaults, the "
        "profile, files, the environment, *--set*, letters such as *-b*.\n\n"
        "In files and after *--set*, ${VAR}, ${VAR:-default} and ${file:/path} are replaced; what "
        "comes in that way is never printed. *eddy check -c* FILE tells what is wrong with a "
        "file, and where; *eddy check --defaults* prints one with every option.\n\n"
        "# THE WHOLE\n\n",
        out);
    for (size_t i = 0; i < ed_options_n; i++) {
        size_t n;
        const char *about = section_of(&ed_options[i], &n);
        if (begins_section(i) && n) {
            fputs("# ", out);
            for (size_t k = 0; k < n; k++)
                fputc(toupper((unsigned char)ed_options[i].key[k]), out);
            fputs("\n\n", out);
            ed_manual_text(out, about, "");
            fputs("\n\n", out);
        }
        manual_option(out, &ed_options[i]);
    }
    fputs("# SEE ALSO\n\n*eddy*(1), *eddy-topics*(7)\n", out);
}

/* ---- conf/eddy.yaml ---- */

/* The default in YAML. Quoted where YAML would take it for something else. */
static void print_standard(FILE *out, const struct ed_option *option)
{
    const char *text = option->standard ? option->standard : "[]";
    int quote = option->type == ED_STRING && (!*text || strchr(text, '{'));
    fprintf(out, quote ? "\"%s\"\n" : "%s\n", text);
}

static void sample_option(FILE *out, const struct ed_option *option, int depth)
{
    char kind[400], margin[16], indent[8];
    snprintf(indent, sizeof indent, "%*s", 2 * depth, "");
    ed_option_kind(option, kind, sizeof kind);
    snprintf(margin, sizeof margin, "%s# ", indent);
    fputs(margin, out);
    ed_text_wrap(out, option->help, strlen(margin), margin, WIDTH);
    if (option->type == ED_MAP) { /* a heading; its settings are examples in the help */
        fprintf(out, "%s%s:\n", indent, last_part(option->key));
        return;
    }
    if (option->type != ED_STRING && option->type != ED_LIST && option->type != ED_BOOL)
        fprintf(out, "%s(%s)\n", margin, kind);
    fprintf(out, "%s#%s: ", indent, last_part(option->key));
    print_standard(out, option);
}

void ed_options_sample(FILE *out)
{
    fputs(
        "# eddy.yaml: every option of eddy, with its default.\n"
        "#\n"
        "# Take the # from a line that begins with #name: to change that option. Any of them may\n"
        "# also be given on the command line (--set engine.fade=12h) or in the environment\n"
        "# (EDDY_ENGINE_FADE=12h). Later here wins: defaults, profile, files, environment, --set.\n"
        "# ${VAR}, ${VAR:-default} and ${file:/path} are replaced; keep secrets in files.\n"
        "#\n"
        "# Written by: eddy check --defaults\n",
        out);
    for (size_t i = 0; i < ed_options_n; i++) {
        size_t n;
        const char *about = section_of(&ed_options[i], &n);
        fputc('\n', out);
        const char *key = ed_options[i].key;
        int depth = depth_of(key, n);
        if (begins_section(i) && n) {
            const char *part = key + n;
            while (part > key && part[-1] != '.')
                part--;
            fprintf(out, "%*s# ---- %s ----\n%*s%.*s:\n", 2 * (depth - 1), "", about,
                    2 * (depth - 1), "", (int)(key + n - part), part);
        }
        sample_option(out, &ed_options[i], depth);
    }
}

/* ---- JSON Schema ---- */

/* A scalar that is put together from ${...}; its value is not known to an editor. */
static json_t *substituted(void)
{
    return json_pack("{s:s,s:s}", "type", "string", "pattern", "\\$\\{");
}

static json_t *words_schema(const struct ed_word *words)
{
    json_t *list = json_array();
    for (const struct ed_word *w = words; w->word; w++)
        json_array_append_new(list, json_string(w->word));
    return json_pack("{s:o}", "enum", list);
}

/* What a plain value of this type looks like; NULL: only words. */
static json_t *plain_schema(const struct ed_option *o)
{
    switch (o->type) {
    case ED_STRING: return json_pack("{s:s}", "type", "string");
    case ED_INTEGER:
        return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum", (json_int_t)o->min,
                         "maximum", (json_int_t)o->max);
    case ED_REAL:
        return json_pack("{s:s,s:f,s:f}", "type", "number", "minimum", o->min, "maximum", o->max);
    case ED_BOOL: return json_pack("{s:s}", "type", "boolean");
    case ED_DURATION:
        return json_pack("{s:[s,s],s:s}", "type", "string", "integer", "pattern",
                         "^(0|[0-9]+(\\.[0-9]+)?(ms|s|m|min|h|d|w))$");
    case ED_SIZE:
        return json_pack("{s:[s,s],s:s}", "type", "string", "integer", "pattern",
                         "^[0-9]+(\\.[0-9]+)?([kKmMgG][iI]?)?[bB]?$");
    case ED_LIST:
        return json_pack("{s:[s,s],s:{s:s}}", "type", "array", "string", "items", "type", "string");
    case ED_MAP:
        return json_pack("{s:[s,s],s:{s:[s,s,s]}}", "type", "object", "null",
                         "additionalProperties", "type", "string", "number", "boolean");
    case ED_CHOICE: break;
    }
    return NULL;
}

static json_t *option_schema(const struct ed_option *option)
{
    json_t *plain = plain_schema(option), *any = json_array(), *schema = json_object();
    if (plain)
        json_array_append_new(any, plain);
    if (option->words)
        json_array_append_new(any, words_schema(option->words));
    if (option->type != ED_LIST && option->type != ED_MAP && option->type != ED_STRING)
        json_array_append_new(any, substituted());
    json_object_set_new(schema, "description", json_string(option->help));
    json_object_set_new(schema, "anyOf", any);
    if (option->standard && option->type != ED_BOOL)
        json_object_set_new(schema, "default", json_string(option->standard));
    else if (option->type == ED_BOOL)
        json_object_set_new(schema, "default", json_boolean(strcmp(option->standard, "true") == 0));
    return schema;
}

eddy_status ed_options_schema(FILE *out, eddy_error *err)
{
    json_t *root = json_pack(
        "{s:s,s:s,s:[s,s],s:b}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
        "configuration of eddy", "type", "object", "null", "additionalProperties", 0);
    json_t *properties = json_object(), *section = NULL, *above = NULL;
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *option = &ed_options[i];
        char name[64];
        size_t n;
        const char *about = section_of(option, &n);
        if (n && begins_section(i)) {
            int part = depth_of(option->key, n) > 1; /* of the section above it */
            above = part ? section : properties;
            section = json_object();
            snprintf(name, sizeof name, "%.*s", (int)n, option->key);
            json_object_set_new(above, last_part(name),
                                json_pack("{s:s,s:[s,s],s:b,s:o}", "description", about, "type",
                                          "object", "null", "additionalProperties", 0, "properties",
                                          section));
        }
        json_object_set_new(n ? section : properties, last_part(option->key),
                            option_schema(option));
    }
    json_object_set_new(root, "properties", properties);
    int bad = !root || json_dumpf(root, out, JSON_INDENT(2)) != 0;
    json_decref(root);
    return bad || fputc('\n', out) == EOF ? eddy_fail(err, EDDY_IO, "schema: cannot be written")
                                          : EDDY_OK;
}
