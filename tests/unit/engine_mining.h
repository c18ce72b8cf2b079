/* What the tests of the miner have in common: lines given to it, and what they became. */
#ifndef EDDY_TEST_ENGINE_MINING_H
#define EDDY_TEST_ENGINE_MINING_H

#include "test.h"

#include <eddy/templates.h>

static inline eddy_miner *miner_new(uint32_t templates_max)
{
    eddy_error err = {0};
    eddy_miner_options o;
    eddy_miner *m = NULL;
    eddy_miner_options_init(&o);
    o.templates_max = templates_max ? templates_max : o.templates_max;
    CHECK_OK(eddy_miner_new(&o, &m, &err), &err);
    return m;
}

static inline eddy_line line_of(const char *message, int64_t time_ms, eddy_arena *arena)
{
    eddy_error err = {0};
    eddy_line line = {.message = {message, strlen(message)}, .time_ms = time_ms};
    CHECK_OK(eddy_scan_message(line.message, NULL, 0, arena, &line.scan, &err), &err);
    return line;
}

static inline eddy_line_answer take(eddy_miner *m, const char *message)
{
    eddy_error err = {0};
    eddy_line_answer ret = {0};
    eddy_arena *arena = eddy_arena_new(0);
    eddy_line line = line_of(message, 0, arena);
    CHECK_OK(eddy_miner_take(m, &line, 1, &ret, &err), &err);
    eddy_arena_free(arena);
    return ret;
}

/* The text of a template, or of that which it was merged into. */
static inline const char *text_of(const eddy_miner *m, uint64_t id, eddy_arena *arena)
{
    eddy_error err = {0};
    eddy_template t = {0};
    CHECK_OK(eddy_miner_template(m, id, arena, &t, &err), &err);
    return t.text.at;
}

#endif
