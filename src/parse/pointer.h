/* JSON pointers (RFC 6901), taken apart once and followed for each message. */
#ifndef ED_PARSE_POINTER_H
#define ED_PARSE_POINTER_H

#include <eddy/error.h>

#include <jansson.h>

struct ed_pointer {
    char *text;  /* as written, for messages; NULL: this field is not read */
    char *steps; /* the keys without their escapes, each with a 0 behind it */
    size_t n_steps;
};

/* Take text apart; copied. NULL and "" give a pointer that is not read. what names it in errors.
 *
 * EDDY_INVALID  text does not start with '/', or has a '~' that is neither ~0 nor ~1
 * EDDY_NOMEM    pointer is left cleared */
eddy_status ed_pointer_init(struct ed_pointer *pointer, const char *what, const char *text,
                            eddy_error *err);
void ed_pointer_clear(struct ed_pointer *pointer);

/* What it points to under root, borrowed from root; NULL where there is nothing, or a JSON null. */
const json_t *ed_pointer_find(const struct ed_pointer *pointer, const json_t *root);

#endif
