/* dead: one look at each dead letter, a longer one at the first of its kind.
 *
 * What is kept of a message is where it lay, why it died and the names of its fields, never its
 * text. */
#include "cli/dead.h"

#include "base/error.h"
#include "base/memory.h"
#include "cli/usage.h"
#include "journal/inside.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct watch {
    struct ed_journal journal;
    struct ed_journal *next;
    struct ed_dead *dead;
};

/* The last header of that name: ours come after the message's own. */
static const char *header_of(const struct ed_message *m, const char *name)
{
    for (size_t i = m->n_headers; i-- > 0;)
        if (strcmp(m->headers[i].name, name) == 0)
            return m->headers[i].value.at ? m->headers[i].value.at : "";
    return "";
}

static int reason_of(const struct ed_message *m)
{
    const char *code = header_of(m, ED_HEADER_DEAD_CODE);
    for (int i = 1; i < EDDY_REJECTS; i++)
        if (strcmp(code, eddy_reject_code((eddy_reject)i)) == 0)
            return i;
    return 0;
}

/* What there was in place of the text that was looked for. */
static void names_take(struct ed_dead *dead, eddy_str value)
{
    const char *name;
    json_t *field, *root = value.at ? json_loadb(value.at, value.n, 0, NULL) : NULL;
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

static void look(struct ed_dead *dead, const struct ed_message *m)
{
    int reason = reason_of(m);
    char topic[200];
    if (*dead->first[reason])
        return;
    /* Offsets of files are numbers of lines, from 0. */
    snprintf(dead->first[reason], sizeof dead->first[reason], "%s:%" PRId64 ": %s",
             ed_shown(header_of(m, ED_HEADER_DEAD_TOPIC), topic, sizeof topic),
             (int64_t)strtoll(header_of(m, ED_HEADER_DEAD_OFFSET), NULL, 10) + 1,
             header_of(m, ED_HEADER_DEAD_MESSAGE));
    if (reason == EDDY_REJECT_TEXT)
        names_take(dead, m->value);
}

static eddy_status watch_commit(struct ed_journal *journal, const struct ed_epoch *epoch,
                                eddy_error *err)
{
    struct watch *w = (struct watch *)journal;
    for (size_t i = 0; i < epoch->n_messages; i++)
        if (epoch->messages[i].topic == ED_DEAD)
            look(w->dead, &epoch->messages[i]);
    return ed_journal_commit(w->next, epoch, err);
}

static eddy_status watch_close(struct ed_journal *journal, eddy_error *err)
{
    eddy_status st = ed_journal_close(((struct watch *)journal)->next, err);
    ed_free(journal);
    return st;
}

eddy_status ed_dead_watch(struct ed_journal **journal, struct ed_dead *dead, eddy_error *err)
{
    struct watch *w = ed_alloc_zero(1, sizeof *w);
    if (!w)
        return eddy_fail_nomem(err, "detect", sizeof *w);
    *w = (struct watch){{watch_commit, watch_close}, *journal, dead};
    *journal = &w->journal;
    return EDDY_OK;
}
