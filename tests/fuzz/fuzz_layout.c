/* A log of any bytes: learnt, read, joined, and its layout saved and loaded. The first byte says
 * whether the rest is the bytes of a layout instead. */
#include <eddy/layout.h>

#include <stdlib.h>
#include <string.h>

#define LINES 300

static void require(int holds)
{
    if (!holds)
        abort();
}

static void read_and_join(const eddy_layout *layout, const eddy_str *lines, size_t n)
{
    eddy_arena *arena = eddy_arena_new((size_t)1 << 24);
    eddy_joiner *joiner = eddy_joiner_new();
    eddy_layout_fit fit = {0, 0};
    size_t joined = 0;
    for (size_t i = 0; i < n; i++) {
        eddy_log_line line, again;
        require(eddy_layout_read(layout, lines[i], 1795694400000, arena, &line) == EDDY_OK);
        require(eddy_layout_read(layout, lines[i], 1795694400000, NULL, &again) == EDDY_OK);
        require(line.level == again.level && line.time_ms == again.time_ms);
        require(line.level < EDDY_LEVELS && line.time_ms >= 0);
        require(again.message.n <= lines[i].n && again.text.n <= lines[i].n);
        eddy_layout_fits(&fit, &line);
        require(eddy_joiner_add(joiner, 0, i % 2, (int64_t)i, &line, (int64_t)(i * 100), NULL) ==
                EDDY_OK);
        eddy_joiner_time(joiner, (int64_t)(i * 100));
        if (i == n - 1)
            eddy_joiner_flush(joiner);
        for (const eddy_log_record *r; (r = eddy_joiner_next(joiner));) {
            require(r->first <= r->last && r->last <= (int64_t)i && r->n_lines > 0);
            require(r->n_exceptions <= EDDY_RECORD_EXCEPTIONS);
            joined += r->n_lines;
        }
    }
    require(joined == n);
    eddy_joiner_free(joiner);
    eddy_arena_free(arena);
}

static void save_and_load(const eddy_layout *layout)
{
    eddy_arena *arena = eddy_arena_new(0);
    eddy_layout *back;
    eddy_str bytes, again;
    require(eddy_layout_save(layout, arena, &bytes, NULL) == EDDY_OK);
    require(eddy_layout_load(bytes, &back, NULL) == EDDY_OK);
    require(eddy_layout_save(back, arena, &again, NULL) == EDDY_OK);
    require(bytes.n == again.n && memcmp(bytes.at, again.at, bytes.n) == 0);
    require(strcmp(eddy_layout_describe(back), eddy_layout_describe(layout)) == 0);
    eddy_layout_free(back);
    eddy_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data + 1, *end = (const char *)data + size;
    eddy_str lines[LINES];
    size_t n = 0;
    eddy_layout *layout;
    if (size == 0)
        return 0;
    if (data[0] == 'L') {
        static const char *const samples[] = {"2026-11-26 09:14:01 INFO cart: opened",
                                              "{\"msg\":\"x\"}", "a=b msg=c", "<3>x"};
        if (eddy_layout_load((eddy_str){at, size - 1}, &layout, NULL) != EDDY_OK)
            return 0;
        for (; n < 4; n++)
            lines[n] = (eddy_str){samples[n], strlen(samples[n])};
    } else {
        while (at < end && n < LINES) {
            const char *newline = memchr(at, '\n', (size_t)(end - at));
            lines[n++] = (eddy_str){at, (size_t)((newline ? newline : end) - at)};
            at = newline ? newline + 1 : end;
        }
        require(eddy_layout_learn(lines, n, &layout, NULL) == EDDY_OK);
    }
    save_and_load(layout);
    read_and_join(layout, lines, n);
    eddy_layout_free(layout);
    return 0;
}
