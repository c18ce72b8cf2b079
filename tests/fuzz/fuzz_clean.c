/* Any text cleaned is valid, trimmed, not much longer, and cleaned twice the same. */
#include "base/utf8.h"
#include "parse/clean.h"

#include <stdlib.h>
#include <string.h>

static void check(const char *s, size_t n, eddy_arena *arena,
                  eddy_status (*clean)(const char *, size_t, eddy_arena *, eddy_str *,
                                       eddy_error *))
{
    eddy_str once = {NULL, 0}, twice = {NULL, 0};
    if (clean(s, n, arena, &once, NULL) != EDDY_OK || once.n > 11 * n ||
        ed_utf8_valid(once.at, once.n) != once.n)
        abort();
    if (clean(once.at, once.n, arena, &twice, NULL) != EDDY_OK || twice.n != once.n ||
        (once.n && memcmp(once.at, twice.at, once.n) != 0))
        abort();
    if (once.n && (once.at[0] == ' ' || once.at[once.n - 1] == ' ' || strstr(once.at, "  ")))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    size_t n = ed_utf8_valid(s, size); /* what comes before is the parser's work */
    eddy_arena *arena = eddy_arena_new(0);
    check(s, n, arena, ed_clean_text);
    check(s, n, arena, ed_clean_line);
    eddy_arena_free(arena);
    return 0;
}
