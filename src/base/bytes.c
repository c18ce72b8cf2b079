/* Bytes with a ceiling: every growing buffer of eddy is one of these. */
#include "base/bytes.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ed_bytes_init(struct ed_bytes *b, size_t max)
{
    memset(b, 0, sizeof *b);
    b->max = max ? max : SIZE_MAX / 2;
}

void ed_bytes_clear(struct ed_bytes *b)
{
    ed_free(b->at);
    ed_bytes_init(b, b->max);
}

void ed_bytes_empty(struct ed_bytes *b)
{
    b->n = 0;
    b->failed = 0;
}

static int reserve(struct ed_bytes *b, size_t n)
{
    if (b->failed || n > b->max - b->n) {
        b->failed = 1;
        return 0;
    }
    if (b->n + n + 1 <= b->room)
        return 1;
    size_t room = b->room ? b->room : 256;
    while (room < b->n + n + 1)
        room *= 2;
    char *at = ed_realloc(b->at, room);
    if (!at) {
        b->failed = 1;
        return 0;
    }
    b->at = at;
    b->room = room;
    return 1;
}

int ed_bytes_add(struct ed_bytes *b, const void *p, size_t n)
{
    if (!reserve(b, n))
        return 0;
    if (n)
        memcpy(b->at + b->n, p, n);
    b->n += n;
    b->at[b->n] = 0;
    return 1;
}

int ed_bytes_add_str(struct ed_bytes *b, const char *s)
{
    return ed_bytes_add(b, s, strlen(s));
}

int ed_bytes_printf(struct ed_bytes *b, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0) {
        b->failed = 1;
        return 0;
    }
    if ((size_t)n < sizeof small)
        return ed_bytes_add(b, small, (size_t)n);
    if (!reserve(b, (size_t)n))
        return 0;
    va_start(args, format);
    vsnprintf(b->at + b->n, (size_t)n + 1, format, args);
    va_end(args);
    b->n += (size_t)n;
    return 1;
}
