/* Golden logs: tests/golden/layout/NAME.in is a log, NAME.out its layout, how its lines are read,
 * and the records that they are joined to. A new case is written by EDDY_GOLDEN=write, and then
 * read by a person. The logs are invented. */
#include "golden.h"
#include "layout_support.h"

#include "base/bytes.h"
#include "base/time.h"

#include <dirent.h>

#define FOLDER  "tests/golden/layout"
#define NEAR_MS INT64_C(1795694400000) /* 2026-11-26T12:00:00Z */

static void say(struct ed_bytes *out, const char *name, eddy_str value)
{
    if (value.n)
        ed_bytes_printf(out, " %s=%.*s", name, (int)value.n, value.at);
}

static void line_say(const eddy_log_line *line, struct ed_bytes *out)
{
    char when[ED_TIME_TEXT] = "-";
    if (line->has_time)
        ed_time_text(line->time_ms, when);
    ed_bytes_printf(out, "%s %s %s", line->starts ? "line" : "more", when,
                    eddy_level_name(line->level));
    say(out, "component", line->component);
    say(out, "host", line->host);
    say(out, "pid", line->pid);
    say(out, "stream", line->stream);
    ed_bytes_printf(out, "%s%s%s: %.*s\n", line->raises ? " raises" : "",
                    line->partial ? " partial" : "", line->fits ? "" : " unfit",
                    (int)line->message.n, line->message.at);
}

static void record_say(const eddy_log_record *record, struct ed_bytes *out)
{
    ed_bytes_printf(out, "record %d..%d, %u lines, %s%s:", (int)record->first, (int)record->last,
                    record->n_lines, eddy_level_name(record->line.level),
                    record->continues ? ", continues" : "");
    for (size_t i = 0; i < record->n_exceptions; i++)
        ed_bytes_printf(out, " <%.*s>", (int)record->exceptions[i].n, record->exceptions[i].at);
    ed_bytes_printf(out, " %.*s\n", (int)record->message.n, record->message.at);
}

/* All about the log in [at, at + n). */
static void render(const char *at, size_t n, struct ed_bytes *out)
{
    eddy_str lines[100];
    size_t n_lines = 0;
    eddy_layout *layout;
    eddy_error err = {0};
    eddy_arena *arena = eddy_arena_new(0);
    eddy_joiner *joiner = eddy_joiner_new();
    for (const char *end = at + n; at < end; n_lines++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        assert_true(newline && n_lines < 100);
        lines[n_lines] = (eddy_str){at, (size_t)(newline - at)};
        at = newline + 1;
    }
    CHECK_OK(eddy_layout_learn(lines, n_lines, &layout, &err), &err);
    ed_bytes_printf(out, "%s\n", eddy_layout_describe(layout));
    for (size_t i = 0; i < n_lines; i++) {
        eddy_log_line line;
        CHECK_OK(eddy_layout_read(layout, lines[i], NEAR_MS, arena, &line), &err);
        line_say(&line, out);
        CHECK_OK(eddy_joiner_add(joiner, 0, 0, (int64_t)i, &line, 0, &err), &err);
    }
    eddy_joiner_flush(joiner);
    for (const eddy_log_record *record; (record = eddy_joiner_next(joiner));)
        record_say(record, out);
    eddy_joiner_free(joiner);
    eddy_layout_free(layout);
    eddy_arena_free(arena);
}

static void check(const char *name)
{
    char path[400], answer_path[400];
    size_t n = 0;
    struct ed_bytes out;
    snprintf(path, sizeof path, FOLDER "/%s", name);
    snprintf(answer_path, sizeof answer_path, FOLDER "/%.*s.out", (int)(strlen(name) - 3), name);
    char *log = file_read(path, &n);
    ed_bytes_init(&out, 0);
    render(log, n, &out);
    golden_holds(answer_path, name, &out);
    free(log);
    ed_bytes_clear(&out);
}

TEST(golden_logs_become_what_is_written)
{
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        size_t size = strlen(entry->d_name);
        if (size < 4 || strcmp(entry->d_name + size - 3, ".in") != 0)
            continue;
        check(entry->d_name);
        n++;
    }
    closedir(folder);
    assert_true(n >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_logs_become_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
