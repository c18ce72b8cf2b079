/* Goldens: what came out is held against a file; EDDY_GOLDEN=write makes those that are missing. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include "test.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline char *file_read(const char *path, size_t *n)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    char *bytes = malloc(1 << 16);
    *n = fread(bytes, 1, (1 << 16) - 1, in);
    bytes[*n] = 0;
    fclose(in);
    return bytes;
}

/* name: of what it is, for people. */
static inline void golden_holds(const char *path, const char *name, const struct ed_bytes *out)
{
    size_t n;
    char *expected = file_read(path, &n);
    const char *write = getenv("EDDY_GOLDEN");
    if (!expected && write && strcmp(write, "write") == 0) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fwrite(out->at, 1, out->n, file);
        fclose(file);
    } else {
        assert_non_null(expected);
        if (strcmp(expected, out->at) != 0)
            fail_msg("%s became\n%s", name, out->at);
    }
    free(expected);
}

#endif
