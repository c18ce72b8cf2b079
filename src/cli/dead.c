/* dead: one look at each dead letter, a longer one at the first of its kind. */
#include "cli/dead.h"

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
