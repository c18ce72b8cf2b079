/* label: threads */
/* eddy embed: the rows of its file are the vectors of the documents, and its head is NumPy's. */
#include "folder.h"

#include "cli/commands.h"
#include "cli/npy.h"

#include <eddy/embed.h>

#include <signal.h>

#define N 300

static char text[N][80];

/* Plain lines; a few have no word, so no row. */
static size_t lines_put(const char *path)
{
    FILE *out = fopen(path, "w");
    size_t kept = 0;
    assert_non_null(out);
    for (size_t i = 0; i < N; i++) {
        if (i % 50 == 7) {
            fputs("--- !\n", out);
            continue;
        }
        snprintf(text[kept], sizeof text[0], "bridge %zu falls into river %zu", i, i * i % 91);
        fprintf(out, "%s\n", text[kept++]);
    }
    assert_int_equal(fclose(out), 0);
    return kept;
}

/* All of a file: (rows, dim) behind a head of 128 bytes that says so. */
static float *rows_get(const char *path, size_t rows, size_t dim)
{
    char head[129] = "", shape[80];
    float *at = ed_alloc((rows * dim + 1) * sizeof *at);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_int_equal(fread(head, 1, 128, in), 128);
    assert_memory_equal(head, "\x93NUMPY\1\0\x76\0", 10);
    assert_int_equal(head[127], '\n');
    snprintf(shape, sizeof shape, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }",
             rows, dim);
    assert_memory_equal(head + 10, shape, strlen(shape));
    assert_int_equal(fread(at, sizeof *at, rows * dim + 1, in), rows * dim);
    fclose(in);
    return at;
}

static int embed(const char *workers, const char *in, const char *out)
{
    char *argv[] = {"embed",    "--set", "embed.model=hash", "--set", (char *)workers,
                    (char *)in, "-o",    (char *)out,        NULL};
    return ed_cmd_embed(8, argv);
}

TEST(rows_are_the_vectors_of_the_documents_for_any_number_of_threads)
{
    static const char *const workers[] = {"embed.workers=1", "embed.workers=2", "embed.workers=7"};
    char in[200], out[200];
    snprintf(in, sizeof in, "%s", in_dir("lines"));
    snprintf(out, sizeof out, "%s", in_dir("rows.npy"));
    size_t kept = lines_put(in);

    eddy_embedder_options options;
    eddy_embedder *embedder = NULL;
    eddy_error err = {0};
    eddy_embedder_options_init(&options);
    options.model = "hash";
    CHECK_OK(eddy_embedder_open(&options, &embedder, &err), &err);
    size_t dim = eddy_embedder_dim(embedder);
    eddy_arena *scratch = eddy_arena_new(0);
    float *want = ed_alloc(kept * dim * sizeof *want);
    for (size_t i = 0; i < kept; i++) {
        eddy_str one = {text[i], strlen(text[i])};
        CHECK_OK(eddy_embedder_embed(embedder, &one, 1, scratch, want + i * dim, &err), &err);
    }
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        assert_int_equal(embed(workers[i], in, out), 0);
        assert_false(is_there("rows.npy.part"));
        float *rows = rows_get(out, kept, dim);
        assert_memory_equal(rows, want, kept * dim * sizeof *rows);
        ed_free(rows);
    }
    ed_free(want);
    eddy_arena_free(scratch);
    eddy_embedder_free(embedder);
}

TEST(a_file_under_way_can_be_read_and_a_finished_one_takes_its_place)
{
    static const float rows[3][2] = {{1, 0}, {0, 1}, {-1, 0}};
    struct ed_npy npy;
    eddy_error err = {0};
    char path[200], part[210];
    snprintf(path, sizeof path, "%s", in_dir("small.npy"));
    snprintf(part, sizeof part, "%s.part", path);
    CHECK_OK(ed_npy_open(&npy, path, 2, &err), &err);
    CHECK_OK(ed_npy_add(&npy, rows[0], &err), &err);
    CHECK_OK(ed_npy_settle(&npy, &err), &err);
    float *seen = rows_get(part, 1, 2);
    assert_memory_equal(seen, rows, sizeof rows[0]);
    ed_free(seen);
    CHECK_OK(ed_npy_add(&npy, rows[1], &err), &err);
    CHECK_OK(ed_npy_add(&npy, rows[2], &err), &err);
    assert_false(is_there("small.npy"));
    CHECK_OK(ed_npy_finish(&npy, &err), &err);
    ed_npy_clear(&npy);
    seen = rows_get(path, 3, 2);
    assert_memory_equal(seen, rows, sizeof rows);
    ed_free(seen);
    assert_false(is_there("small.npy.part"));
}

TEST(a_full_disk_is_an_error_and_no_file)
{
    float row[512] = {1};
    struct ed_npy npy;
    eddy_error err = {0};
    eddy_status st;
    CHECK_OK(ed_npy_open(&npy, in_dir("full.npy"), 512, &err), &err);
    file_limit(100000);
    for (int i = 0; (st = ed_npy_add(&npy, row, &err)) == EDDY_OK && i < 5000;)
        i++;
    file_limit(RLIM_INFINITY);
    assert_int_equal(st, EDDY_IO);
    ed_npy_clear(&npy);
    assert_false(is_there("full.npy"));
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    if (dir_new("embed") != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_vectors_of_the_documents_for_any_number_of_threads),
        cmocka_unit_test(a_file_under_way_can_be_read_and_a_finished_one_takes_its_place),
        cmocka_unit_test(a_full_disk_is_an_error_and_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, dir_remove);
}
