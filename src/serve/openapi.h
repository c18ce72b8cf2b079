/* The description of the API (openapi.json), as it stands in the program. */
#ifndef ED_SERVE_OPENAPI_H
#define ED_SERVE_OPENAPI_H

#include <stddef.h>

extern const unsigned char ed_openapi[];
extern const size_t ed_openapi_n;

#endif
