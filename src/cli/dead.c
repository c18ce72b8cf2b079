/* dead: one look at each dead letter, a longer one at the first of its kind. */
#include "cli/dead.h"

#include "base/error.h"
#include "cli/stream.h"
#include "cli/usage.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What there was in place of the text that was looked for. */
static void names_take(struct ed_dead *dead, const eddy_raw *raw)
{
    const char *name;
    json_t *field, *root = raw->bytes ? json_loadb(raw->bytes, raw->n, 0, NULL) : NULL;
    size_t n = 0, longest = 0;
    json_object_foreach(root, name, field)
    {
        char shown[60];
        if (n + sizeof shown + 8 > sizeof dead->names) {
            snprintf(dead->names + n, sizeof dead->names - n, ", ...");
            break;
        }
        n += (size_t)snprintf(dead->names + n, sizeof dead->names - n, "%s%s", n ? ", " : "",
                              ed_shown(name, shown, sizeof shown));
    }
    json_object_foreach(root, name, field)
    {
        if (json_string_length(field) <= longest || strlen(name) + 1 >= sizeof dead->longest ||
            strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-") <
                strlen(name)) /* other names would need quotes, of JSON pointers or of the shell */
            continue;
        longest = json_string_length(field);
        snprintf(dead->longest, sizeof dead->longest, "/%s", name);
    }
    json_decref(root);
}

void ed_dead_look(struct ed_dead *dead, const eddy_raw *raw, eddy_reject reject, const char *detail)
{
    char topic[200];
    if (*dead->first[reject])
        return;
    /* Offsets of files are numbers of lines, from 0. */
    snprintf(dead->first[reject], sizeof dead->first[reject], "%s:%" PRId64 ": %s",
             ed_shown(raw->position.topic ? raw->position.topic : "", topic, sizeof topic),
             raw->position.offset + 1, detail ? detail : eddy_reject_code(reject));
    if (reject == EDDY_REJECT_TEXT)
        names_take(dead, raw);
}

/* ---- the account ---- */

/* 1: the first document without text has its text elsewhere than where it was looked for. */
static int is_elsewhere(const struct ed_dead *dead, const struct ed_config *config)
{
    const char *at = dead->longest;
    if (config->document.format != EDDY_FORMAT_JSON || !*dead->names)
        return 0;
    return !*at ||
           (strcmp(config->document.text, at) != 0 && strcmp(config->document.title, at) != 0);
}

/* Where the text was looked for, and what was there instead. */
static void account_text(const struct ed_dead *dead, const struct ed_config *config,
                         struct ed_view *view)
{
    int both = *config->document.text && *config->document.title;
    char text[100], title[100];
    ed_view_line(view, "    looked for %s%s%s; its fields are: %s",
                 ed_shown(config->document.text, text, sizeof text), both ? " and " : "",
                 ed_shown(config->document.title, title, sizeof title), dead->names);
}

static void account_filtered(const struct ed_config *config, uint64_t filtered,
                             struct ed_view *view)
{
    const struct ed_list *wanted = &config->document.languages;
    char list[200] = "", one[40], number[ED_TEXT], where[100];
    size_t n = 0;
    for (size_t i = 0; i < wanted->n && n + sizeof one + 8 < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "",
                              ed_shown(wanted->at[i], one, sizeof one));
    ed_view_line(view, "filtered: %s documents, for their %s is not among document.languages (%s)",
                 ed_text_number(filtered, number),
                 *config->document.language
                     ? ed_shown(config->document.language, where, sizeof where)
                     : "language",
                 list);
}

void ed_dead_account(const struct ed_dead *dead, const struct ed_config *config,
                     const struct ed_counts *counts, struct ed_view *view)
{
    char numbers[300];
    ed_stream_dead(counts, numbers, sizeof numbers);
    if (*numbers)
        ed_view_line(view, "dead: %s; the first of each:", numbers + 2);
    for (int i = 1; i < EDDY_REJECTS; i++) {
        if (!*dead->first[i])
            continue;
        ed_view_line(view, "  %s: %s", eddy_reject_code((eddy_reject)i), dead->first[i]);
        if (i == EDDY_REJECT_TEXT && is_elsewhere(dead, config))
            account_text(dead, config, view);
    }
    uint64_t foreign = counts->filtered - counts->duplicates;
    if (foreign && config->document.languages.n)
        account_filtered(config, foreign, view);
}

eddy_status ed_dead_useless(const struct ed_dead *dead, const struct ed_config *config,
                            const struct ed_counts *counts, const char *done, eddy_error *err)
{
    const char *advice = "";
    char text[200];
    if (2 * counts->dead_by[EDDY_REJECT_TEXT] >= counts->dead && is_elsewhere(dead, config)) {
        snprintf(text, sizeof text, "; say where the text is, as in --set document.text=%s",
                 *dead->longest ? dead->longest : "/message");
        advice = text;
    } else if (2 * counts->dead_by[EDDY_REJECT_JSON] >= counts->dead) {
        advice = "; for plain text: --set document.format=lines";
    } else if (2 * counts->dead_by[EDDY_REJECT_OVERSIZE] >= counts->dead) {
        advice = "; for larger ones raise document.max_bytes";
    }
    return eddy_fail(err, EDDY_FORMAT,
                     "nothing was %s: %" PRIu64 " of %" PRIu64 " documents are dead%s", done,
                     counts->dead, counts->in, advice);
}
