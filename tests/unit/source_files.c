/* label: threads */
/* Files: odd line ends, odd lengths, odd files; a reader that waits wakes up when told. */
#include "folder.h"

#include "base/time.h"
#include "source/source.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static int dir_make(void **state)
{
    (void)state;
    return dir_new("files");
}

static const char *file_make(const char *name, const char *text, size_t n)
{
    const char *at = in_dir(name);
    FILE *out = fopen(at, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, n, out), n);
    fclose(out);
    return at;
}

static struct ed_source *open_one(const char *path, size_t document_max)
{
    struct ed_source *source = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_source_files_open(&path, 1, document_max, NULL, 0, &source, &err), &err);
    return source;
}

/* Read all, max at a time, into one text: "OFFSET:LINE|" for each. */
static void read_all(struct ed_source *source, size_t max, char *ret, size_t room)
{
    size_t used = 0;
    for (int end = 0; !end;) {
        eddy_raw raws[64];
        size_t n = 0;
        eddy_error err = {0};
        CHECK_OK(ed_source_read(source, 1000, raws, max, &n, &end, &err), &err);
        assert_true(n <= max && !(n && end));
        for (size_t i = 0; i < n; i++)
            used += (size_t)snprintf(ret + used, room - used, "%d:%.*s|",
                                     (int)raws[i].position.offset, (int)raws[i].n, raws[i].bytes);
    }
    ret[used] = 0;
}

TEST(lines_come_whatever_their_ends)
{
    static const struct {
        const char *text, *lines;
    } cases[] = {
        {"", ""},
        {"a\nb\n", "0:a|1:b|"},
        {"a\nb", "0:a|1:b|"},
        {"a\r\nb\r\n", "0:a|1:b|"},
        {"a\r\nb\r", "0:a|1:b|"},
        {"\n\na\n \t \n\r\nb\n\n", "2:a|5:b|"},
        {"a\rb\n", "0:a\rb|"},
        {"\n", ""},
        {"\r", ""},
        {" a \n", "0: a |"},
        {"\xEF\xBB\xBF", ""},
        {"\xEF\xBB\xBF"
         "a\nb\n",
         "0:a|1:b|"},
        {"\xEF\xBB\na\n", "0:\xEF\xBB|1:a|"},
        {"a\n\xEF\xBB\xBF"
         "b\n",
         "0:a|1:\xEF\xBB\xBF"
         "b|"},
        {"BZh\nBZ", "0:BZh|1:BZ|"},
        {"\x1F", "0:\x1F|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t max = 1; max < 4; max++) {
            char got[200];
            struct ed_source *source =
                open_one(file_make("ends", cases[i].text, strlen(cases[i].text)), 100);
            read_all(source, max, got, sizeof got);
            assert_string_equal(got, cases[i].lines);
            ed_source_free(source);
        }
    }
}

TEST(a_line_that_is_too_long_is_cut_and_the_next_one_is_whole)
{
    /* document_max is 4: five bytes are let through, so that the parser sees that it is more. */
    static const struct {
        const char *text, *lines;
    } cases[] = {
        {"1234\nx\n", "0:1234|1:x|"},      {"1234\r\nx\n", "0:1234|1:x|"},
        {"12345\nx\n", "0:12345|1:x|"},    {"12345\r\nx\n", "0:12345|1:x|"},
        {"123456\nx\n", "0:12345|1:x|"},   {"1234567890\nx", "0:12345|1:x|"},
        {"1234567890", "0:12345|"},        {"1234567890\r\n\r\nx\r\n", "0:12345|2:x|"},
        {"12345\r6\nx\n", "0:12345|1:x|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[200];
        struct ed_source *source =
            open_one(file_make("long", cases[i].text, strlen(cases[i].text)), 4);
        read_all(source, 3, got, sizeof got);
        assert_string_equal(got, cases[i].lines);
        ed_source_free(source);
    }
}

TEST(lines_of_any_length_survive_the_buffer)
{
    uint64_t seed = test_seed();
    size_t n = 0, lines = 0, room = 3000000;
    char *text = ed_alloc(room + 200000);
    size_t *lengths = ed_alloc(10000 * sizeof *lengths);
    while (n < room) {
        uint64_t dice = test_random(&seed);
        size_t length = dice % 50 ? 1 + dice % 900 : 1 + dice % 150000;
        memset(text + n, 'a' + (int)(lines % 26), length);
        lengths[lines++] = length;
        n += length;
        text[n++] = '\n';
    }
    const char *path = file_make("many", text, n);
    struct ed_source *source = open_one(path, 100000);
    size_t seen = 0;
    for (int end = 0; !end;) {
        eddy_raw raws[64];
        size_t got = 0;
        eddy_error err = {0};
        CHECK_OK(ed_source_read(source, 1000, raws, 64, &got, &end, &err), &err);
        for (size_t i = 0; i < got; i++, seen++) {
            assert_int_equal(raws[i].position.offset, seen);
            assert_int_equal(raws[i].n, lengths[seen] < 100001 ? lengths[seen] : 100001);
            assert_int_equal(raws[i].bytes[0], 'a' + (int)(seen % 26));
            assert_int_equal(raws[i].bytes[raws[i].n - 1], 'a' + (int)(seen % 26));
            assert_string_equal(raws[i].position.topic, path);
        }
    }
    assert_int_equal(seen, lines);
    struct ed_progress progress;
    ed_source_progress(source, &progress);
    assert_int_equal(progress.bytes, n);
    assert_int_equal(progress.bytes_total, n);
    assert_int_equal(progress.messages, lines);
    ed_source_free(source);
    ed_free(text);
    ed_free(lengths);
}

TEST(files_follow_one_another_and_know_their_place)
{
    const char *paths[] = {file_make("one", "a\nb", 3), file_make("two", "", 0),
                           file_make("three", "c\n", 2)};
    struct ed_source *source = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_source_files_open(paths, 3, 10, NULL, 0, &source, &err), &err);
    eddy_raw raws[10];
    size_t n = 0;
    int end = 0;
    CHECK_OK(ed_source_read(source, 0, raws, 10, &n, &end, &err), &err);
    assert_int_equal(n, 1); /* what is whole; the last line waits for its end, or the file's */
    assert_int_equal(raws[0].position.partition, 0);
    CHECK_OK(ed_source_read(source, 1000, raws, 10, &n, &end, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(raws[0].position.offset, 1);
    CHECK_OK(ed_source_read(source, 1000, raws, 10, &n, &end, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(raws[0].position.partition, 2);
    assert_string_equal(raws[0].position.topic, paths[2]);
    assert_int_equal(raws[0].broker_ms, -1);
    assert_false(end);
    CHECK_OK(ed_source_read(source, 1000, raws, 10, &n, &end, &err), &err);
    assert_true(end && n == 0);
    ed_source_free(source);
}

TEST(what_cannot_be_read_is_named_before_the_start)
{
    char path[200];
    struct ed_source *source = NULL;
    const char *good = file_make("good", "a\n", 2);
    const char *bad[] = {path, dir, file_make("zipped", "\x1f\x8b\x08...", 6),
                         file_make("bz", "BZh91AY&SY..", 12)};
    const char *words[] = {"No such file", "is a directory", "is compressed; try: zcat",
                           "is compressed; try: bzcat"};
    snprintf(path, sizeof path, "%s/missing", dir);
    for (int i = 0; i < 4; i++) {
        const char *paths[] = {good, bad[i]};
        eddy_error err = {0};
        assert_int_equal(ed_source_files_open(paths, 2, 10, NULL, 0, &source, &err), EDDY_IO);
        assert_non_null(strstr(err.text, bad[i]));
        assert_non_null(strstr(err.text, words[i]));
    }
}

TEST(lines_below_the_start_are_passed_over_whatever_their_length)
{
    static const char text[] = "\xEF\xBB\xBF"
                               "0\n1 is longer than four\r\n\n3\n4 is, too\n5";
    static const char *const lines[] = {"0:0|1:1 is|3:3|4:4 is|5:5|",
                                        "1:1 is|3:3|4:4 is|5:5|",
                                        "3:3|4:4 is|5:5|",
                                        "3:3|4:4 is|5:5|",
                                        "4:4 is|5:5|",
                                        "5:5|",
                                        "",
                                        ""};
    const char *path = file_make("starts", text, sizeof text - 1);
    for (int64_t first = 0; first < 8; first++)
        for (size_t max = 1; max < 4; max++) {
            char got[200];
            struct ed_source *source = NULL;
            const struct ed_offset starts[] = {{"other", 0, 1}, {path, 1, 1}, {path, 0, first}};
            const struct ed_offset *resolved = NULL;
            size_t n = 0;
            eddy_error err = {0};
            CHECK_OK(ed_source_files_open(&path, 1, 3, starts, 3, &source, &err), &err);
            read_all(source, max, got, sizeof got);
            assert_string_equal(got, lines[first]);
            ed_source_starts(source, &resolved, &n);
            assert_int_equal(n, 1);
            assert_string_equal(resolved[0].topic, path);
            assert_int_equal(resolved[0].next, first);
            ed_source_free(source);
        }
}

TEST(each_file_has_its_own_start)
{
    const char *paths[] = {file_make("first", "a\nb\n", 4), file_make("second", "c\nd\ne\n", 6)};
    const struct ed_offset starts[] = {{paths[1], 1, 2}, {paths[0], 0, 2}};
    struct ed_source *source = NULL;
    char got[200];
    eddy_error err = {0};
    CHECK_OK(ed_source_files_open(paths, 2, 10, starts, 2, &source, &err), &err);
    read_all(source, 3, got, sizeof got);
    assert_string_equal(got, "2:e|");
    ed_source_free(source);

    const char *twice[] = {paths[0], paths[0]};
    const struct ed_offset second = {paths[0], 1, 1};
    CHECK_OK(ed_source_files_open(twice, 2, 10, &second, 1, &source, &err), &err);
    read_all(source, 3, got, sizeof got);
    assert_string_equal(got, "0:a|1:b|1:b|");
    ed_source_free(source);
}

/* Far below the start, across many buffers. */
TEST(a_start_deep_in_a_file_is_found)
{
    enum { LINES = 300000, FIRST = 299998 };
    char *text = ed_alloc((size_t)LINES * 10);
    size_t n = 0;
    for (int i = 0; i < LINES; i++)
        n += (size_t)sprintf(text + n, "%08d\n", i);
    const char *path = file_make("deep", text, n);
    const struct ed_offset start = {path, 0, FIRST};
    struct ed_source *source = NULL;
    char got[200];
    eddy_error err = {0};
    CHECK_OK(ed_source_files_open(&path, 1, 100, &start, 1, &source, &err), &err);
    read_all(source, 3, got, sizeof got);
    assert_string_equal(got, "299998:00299998|299999:00299999|");
    ed_source_free(source);
    ed_free(text);
}

/* ---- a pipe: lines in pieces, a wait, a stop ---- */

static void *stop_soon(void *source)
{
    usleep(100 * 1000);
    ed_source_stop(source);
    return NULL;
}

TEST(a_reader_of_a_pipe_waits_for_whole_lines_and_can_be_stopped)
{
    char path[200];
    snprintf(path, sizeof path, "%s/pipe", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    FILE *pipe = fopen(path, "r+"); /* both ends, so that neither open blocks */
    setvbuf(pipe, NULL, _IONBF, 0);
    struct ed_source *source = open_one(path, 100);
    eddy_raw raws[10];
    size_t n = 9;
    int end = 0;
    eddy_error err = {0};
    fputs("half", pipe);
    CHECK_OK(ed_source_read(source, 50, raws, 10, &n, &end, &err), &err);
    assert_true(n == 0 && !end);
    fputs(" and half\nmore", pipe);
    CHECK_OK(ed_source_read(source, 50, raws, 10, &n, &end, &err), &err);
    assert_int_equal(n, 1);
    assert_memory_equal(raws[0].bytes, "half and half", 13);
    struct ed_progress progress;
    ed_source_progress(source, &progress);
    assert_int_equal(progress.bytes_total, 0);

    pthread_t thread;
    pthread_create(&thread, NULL, stop_soon, source);
    int64_t start = ed_monotonic_ms();
    assert_int_equal(ed_source_read(source, 10000, raws, 10, &n, &end, &err), EDDY_STOPPED);
    assert_true(ed_monotonic_ms() - start < 9000); /* sooner than by itself */
    pthread_join(thread, NULL);
    ed_source_free(source);
    fclose(pipe);
}

/* What each piece of a pipe lets out: the first bytes are waited for only while they matter. */
TEST(a_pipe_is_looked_at_as_it_comes)
{
    static const struct {
        const char *pieces[3];
        const char *words; /* of the refusal; NULL: "a" comes through */
    } cases[] = {
        {{"a\n", "", ""}, NULL},
        {{"\xEF",
          "\xBB\xBF"
          "a\n",
          ""},
         NULL},
        {{"\xEF\xBB", "\xBF", "a\n"}, NULL},
        {{"\x1F", "\x8B", "\x08"}, "zcat FILE"},
        {{"\x28\xB5", "\x2F\xFD", ""}, "zstdcat FILE"},
        {{"\xFD"
          "7z",
          "XZ", NULL},
         "xzcat FILE"}, /* NULL: a NUL */
        {{"BZh9", "1AY&SY", ""}, "bzcat FILE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int ends[2], kept = dup(STDIN_FILENO), end = 0;
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
        struct ed_source *source = open_one("-", 100);
        eddy_error err = {0};
        eddy_raw raws[4];
        size_t n = 0;
        eddy_status st = EDDY_OK;
        for (int k = 0; k < 3 && st == EDDY_OK && !n; k++) {
            const char *piece = cases[i].pieces[k] ? cases[i].pieces[k] : "";
            size_t n_piece = cases[i].pieces[k] ? strlen(piece) : 1;
            assert_int_equal(write(ends[1], piece, n_piece), n_piece);
            st = ed_source_read(source, 50, raws, 4, &n, &end, &err);
        }
        if (cases[i].words) {
            assert_int_equal(st, EDDY_IO);
            assert_non_null(strstr(err.text, cases[i].words));
        } else {
            CHECK_OK(st, &err);
            assert_int_equal(n, 1);
            assert_int_equal(raws[0].n, 1);
            assert_memory_equal(raws[0].bytes, "a", 1);
        }
        ed_source_free(source);
        dup2(kept, STDIN_FILENO);
        close(kept);
        close(ends[0]);
        close(ends[1]);
    }
}

TEST(a_peek_waits_for_a_line_that_is_not_blank_and_can_be_stopped)
{
    char path[200], text[100];
    snprintf(path, sizeof path, "%s/peeked", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct ed_source *source = open_one(path, 100); /* nobody writes: not even the open waits */
    size_t n = 0;
    eddy_error err = {0};
    pthread_t thread;
    pthread_create(&thread, NULL, stop_soon, source);
    assert_int_equal(ed_source_files_peek(source, text, sizeof text, &n, &err), EDDY_STOPPED);
    assert_int_equal(n, 0);
    pthread_join(thread, NULL);
    ed_source_free(source);

    const char *blank = file_make("blank", "\xEF\xBB\xBF\n \n{}\nx", 10);
    source = open_one(blank, 100);
    CHECK_OK(ed_source_files_peek(source, text, sizeof text, &n, &err), &(eddy_error){0});
    assert_int_equal(n, 7); /* the mark is gone */
    assert_memory_equal(text, "\n \n{}\nx", 7);
    ed_source_free(source);
}

TEST(reading_survives_any_lost_allocation)
{
    const char *path = file_make("alloc", "a\nb\nc\n", 6);
    EACH_ALLOC_FAILS (k) {
        struct ed_source *source = NULL;
        eddy_status st = ed_source_files_open(&path, 1, 100, NULL, 0, &source, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !source));
        for (int end = 0; st == EDDY_OK && !end;) {
            eddy_raw raws[2];
            size_t n;
            st = ed_source_read(source, 100, raws, 2, &n, &end, NULL);
            assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        }
        ed_source_free(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_whatever_their_ends),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_the_next_one_is_whole),
        cmocka_unit_test(lines_of_any_length_survive_the_buffer),
        cmocka_unit_test(files_follow_one_another_and_know_their_place),
        cmocka_unit_test(what_cannot_be_read_is_named_before_the_start),
        cmocka_unit_test(lines_below_the_start_are_passed_over_whatever_their_length),
        cmocka_unit_test(each_file_has_its_own_start),
        cmocka_unit_test(a_start_deep_in_a_file_is_found),
        cmocka_unit_test(a_reader_of_a_pipe_waits_for_whole_lines_and_can_be_stopped),
        cmocka_unit_test(a_pipe_is_looked_at_as_it_comes),
        cmocka_unit_test(a_peek_waits_for_a_line_that_is_not_blank_and_can_be_stopped),
        cmocka_unit_test(reading_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
