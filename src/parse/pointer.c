/* JSON pointers: "/a~1b/0" is the key "a/b", then the first element of an array or the key "0". */
#include "parse/pointer.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

eddy_status ed_pointer_init(struct ed_pointer *pointer, const char *what, const char *text,
                            eddy_error *err)
{
    memset(pointer, 0, sizeof *pointer);
    if (!text || !*text)
        return EDDY_OK;
    if (*text != '/')
        return eddy_fail(err, EDDY_INVALID, "%s: \"%s\" is no JSON pointer: it must start with /",
                         what, text);
    pointer->text = ed_strdup(text);
    pointer->steps = ed_strdup(text);
    if (!pointer->text || !pointer->steps) {
        ed_pointer_clear(pointer);
        return eddy_fail_nomem(err, what, strlen(text));
    }
    char *out = pointer->steps;
    for (const char *c = text + 1; *c; c++) {
        if (*c == '/') {
            *out++ = 0;
            pointer->n_steps++;
        } else if (*c != '~') {
            *out++ = *c;
        } else if (c[1] == '0' || c[1] == '1') {
            *out++ = *++c == '0' ? '~' : '/';
        } else {
            ed_pointer_clear(pointer);
            return eddy_fail(err, EDDY_INVALID,
                             "%s: \"%s\" is no JSON pointer: ~ must be followed by 0 or 1", what,
                             text);
        }
    }
    *out = 0;
    pointer->n_steps++;
    return EDDY_OK;
}

void ed_pointer_clear(struct ed_pointer *pointer)
{
    ed_free(pointer->text);
    ed_free(pointer->steps);
    memset(pointer, 0, sizeof *pointer);
}

/* The element that a step names: decimal, no leading zero. */
static const json_t *element(const json_t *array, const char *step)
{
    size_t n = strlen(step);
    if (n == 0 || n > 9 || strspn(step, "0123456789") != n || (n > 1 && *step == '0'))
        return NULL;
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        at = at * 10 + (size_t)(step[i] - '0');
    return json_array_get(array, at);
}

const json_t *ed_pointer_find(const struct ed_pointer *pointer, const json_t *root)
{
    const json_t *at = pointer->text ? root : NULL;
    const char *step = pointer->steps;
    for (size_t i = 0; at && i < pointer->n_steps; i++) {
        at = json_is_array(at) ? element(at, step) : json_object_get(at, step);
        step += strlen(step) + 1;
    }
    return json_is_null(at) ? NULL : at;
}
