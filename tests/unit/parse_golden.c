/* Golden messages: tests/golden/parse/NAME.in is one message, NAME.out what it becomes, a field a
 * line. Names that start with "lines" are read as lines, the others as JSON. A new case is written
 * by EDDY_GOLDEN=write, and then read by a person. */
#include "golden.h"

#include <eddy/doc.h>

#include "base/bytes.h"
#include "base/time.h"

#include <dirent.h>

#define FOLDER "tests/golden/parse"

static void render(const struct eddy_doc *doc, struct ed_bytes *out)
{
    static const char *const from[] = {"document", "broker", "arrival"};
    const struct {
        const char *name;
        eddy_str value;
    } fields[] = {{"id", doc->id},         {"title", doc->title},
                  {"text", doc->text},     {"language", doc->language},
                  {"source", doc->source}, {"group", doc->group}};
    char when[ED_TIME_TEXT];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].value.n)
            ed_bytes_printf(out, "%s: %s\n", fields[i].name, fields[i].value.at);
    ed_time_text(doc->time_ms, when);
    ed_bytes_printf(out, "time: %s, %s%s\n", when, from[doc->time_from],
                    doc->time_unreadable ? ", unreadable" : "");
}

static void check(const eddy_parser *parser, const char *name)
{
    char path[400], answer_path[400], detail[200];
    size_t n = 0;
    snprintf(path, sizeof path, FOLDER "/%s", name);
    snprintf(answer_path, sizeof answer_path, FOLDER "/%.*s.out", (int)(strlen(name) - 3), name);
    char *message = file_read(path, &n);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_raw raw = {.bytes = message, .n = n, .broker_ms = 0, .position = {"golden", 0, 1}};
    eddy_doc doc;
    eddy_reject reject;
    eddy_error err = {0};
    struct ed_bytes out;
    ed_bytes_init(&out, 0);
    CHECK_OK(eddy_parser_parse(parser, &raw, arena, &doc, &reject, detail, sizeof detail, &err),
             &err);
    if (reject == EDDY_ACCEPTED)
        render(&doc, &out);
    else
        ed_bytes_printf(&out, "%s: %s\n", eddy_reject_code(reject), detail);
    golden_holds(answer_path, name, &out);
    free(message);
    ed_bytes_clear(&out);
    eddy_arena_free(arena);
}

TEST(golden_messages_become_what_is_written)
{
    eddy_parser *json = NULL, *lines = NULL;
    eddy_parse_options options;
    eddy_parse_options_init(&options);
    options.ahead_max_ms = 0; /* some of the messages are set in the future */
    options.group_path = "/meta/team";
    assert_int_equal(eddy_parser_new(&options, &json, NULL), EDDY_OK);
    options.format = EDDY_FORMAT_LINES;
    assert_int_equal(eddy_parser_new(&options, &lines, NULL), EDDY_OK);
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        size_t size = strlen(entry->d_name);
        if (size < 4 || strcmp(entry->d_name + size - 3, ".in") != 0)
            continue;
        check(strncmp(entry->d_name, "lines", 5) == 0 ? lines : json, entry->d_name);
        n++;
    }
    assert_true(n >= 10);
    closedir(folder);
    eddy_parser_free(json);
    eddy_parser_free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_messages_become_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
