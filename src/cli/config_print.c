/* The configuration as it stands, as YAML that reads back to the same: eddy check --print.
 *
 * What came in through ${...} is printed as ${...}. Settings of librdkafka that hold secrets are
 * printed as "***", wherever they came from. */
#include "cli/config_inner.h"

#include "base/error.h"

#include <string.h>
#include <strings.h>

/* 1: YAML takes the text for nothing but a text as it stands. */
static int is_plain(const char *text)
{
    static const char *const others[] = {"true", "false", "yes", "no", "on",
                                         "off",  "null",  "y",   "n"};
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(text, others[i]) == 0)
            return 0;
    return *text && !strchr("0123456789-.", *text) && strspn(text, letters) == strlen(text);
}

/* as_is: the text holds references that are to stay; else a ${ in it is escaped. */
static void print_text(FILE *out, const char *text, int as_is)
{
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7F)
            fprintf(out, "\\x%02X", (unsigned)*c);
        else if (*c == '$' && c[1] == '{' && !as_is)
            fputs("$$", out);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void print_place(FILE *out, const struct ed_origin *origin)
{
    char place[ED_PLACE_TEXT];
    if (origin->layer == ED_LAYER_DEFAULT) {
        fputc('\n', out);
        return;
    }
    ed_origin_text(origin, place, sizeof place);
    for (char *c = place; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = '?';
    fprintf(out, "  # %s\n", place);
}

static void print_list(FILE *out, const struct ed_list *list)
{
    /* Items of one text with commas all carry that text: it is printed as it was written. */
    if (list->n > 1 && list->written[0] && list->written[0] == list->written[list->n - 1]) {
        print_text(out, list->written[0], 1);
        return;
    }
    fputc('[', out);
    for (size_t i = 0; i < list->n; i++) {
        const char *written = list->written[i];
        fputs(i ? ", " : "", out);
        print_text(out, written ? written : list->at[i], written != NULL);
    }
    fputc(']', out);
}

/* 1: nothing but one reference, which may be shown even for a secret. */
static int is_bare_reference(const char *written)
{
    size_t n = strlen(written);
    return strncmp(written, "${", 2) == 0 && strcspn(written, "}") == n - 1 &&
           !strstr(written, ":-");
}

static void print_map(FILE *out, const struct ed_map *map)
{
    for (size_t i = 0; i < map->n; i++) {
        const struct ed_pair *pair = &map->at[i];
        int secret = ed_kafka_is_secret(pair->name);
        fputs("  ", out);
        print_text(out, pair->name, 1);
        fputs(": ", out);
        if (secret && !(pair->written && is_bare_reference(pair->written)))
            fputs("\"***\"", out);
        else
            print_text(out, pair->written ? pair->written : pair->value, pair->written != NULL);
        print_place(out, &pair->origin);
    }
}

static void print_number(FILE *out, const struct ed_option *option, const void *field)
{
    char text[64];
    double number = option->type == ED_REAL ? *(const double *)field
                    : option->type == ED_BOOL || option->type == ED_CHOICE
                        ? (double)*(const int *)field
                        : (double)*(const int64_t *)field;
    ed_option_text(option, number, text, sizeof text);
    fputs(text, out);
}

eddy_status ed_config_print(const struct ed_config *config, FILE *out, eddy_error *err)
{
    const char *section = "";
    size_t n_section = 0;
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *option = &ed_options[i];
        const void *field = ed_config_field(config, option);
        const char *dot = strrchr(option->key, '.'), *above = strchr(option->key, '.');
        size_t n = dot ? (size_t)(dot - option->key) : 0;
        const char *indent = above != dot ? "  " : ""; /* a part of a section */
        const char *name = above != dot ? above + 1 : option->key;
        if (n && (n != n_section || strncmp(option->key, section, n) != 0))
            fprintf(out, "%s%.*s:\n", indent, (int)(dot - name), name);
        section = option->key;
        n_section = n;
        fprintf(out, "%s%s%s:", indent, dot ? "  " : "", dot ? dot + 1 : option->key);
        if (option->type == ED_MAP) {
            fputc('\n', out);
            print_map(out, field);
            continue;
        }
        fputc(' ', out);
        const char *written = config->written[i];
        if (option->shape == ED_SECRET && **(const char *const *)field &&
            !(written && is_bare_reference(written)))
            fputs("\"***\"", out);
        else if (option->type == ED_LIST)
            print_list(out, field);
        else if (config->written[i])
            print_text(out, config->written[i], 1);
        else if (option->type == ED_STRING)
            print_text(out, *(const char *const *)field, 0);
        else
            print_number(out, option, field);
        print_place(out, &config->origins[i]);
    }
    return ferror(out) ? eddy_fail(err, EDDY_IO, "the configuration cannot be written") : EDDY_OK;
}
