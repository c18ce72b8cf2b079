/* The store: whole epochs come back, whatever happens to the file; what was torn is cut off, what
 * is damaged is told, and neither is ever believed. */
#include "folder.h"

#include "base/pack.h"
#include "journal/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOLDEN "tests/golden/state/store.1"

static int dir_make(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    return dir_new("store");
}

/* A test that failed may have left its small disk. */
static int disk_and_dir_remove(void **state)
{
    char command[100];
    snprintf(command, sizeof command, "umount %s/disk 2>/dev/null", dir);
    (void)!system(command);
    return dir_remove(state);
}

/* ---- bytes of files ---- */

static char file[2 << 20];

static size_t get(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return 0;
    size_t n = fread(file, 1, sizeof file, in);
    fclose(in);
    return n;
}

static void put(const char *path, const void *p, size_t n)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(p, 1, n, out), n);
    fclose(out);
}

/* ---- a model: what must be there ---- */

#define KEYS 40

struct model {
    uint64_t value[KEYS + 1]; /* of each key: what its bytes are made of; 0: not there */
    size_t n[KEYS + 1];
    uint64_t head; /* 0: none */
};

static char *fill(char *to, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (char)ed_mix64(value + i / 3); /* may be compressed a little */
    return to;
}

static struct ed_store *store_open(const char *path)
{
    struct ed_store *store = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_store_open(path, 0, &store, &err), &err);
    return store;
}

static eddy_status model_load(void *user, const eddy_record *record, eddy_error *err)
{
    struct model *m = user;
    static char want[100000];
    (void)err;
    assert_true(record->key && record->key <= KEYS);
    assert_non_null(record->value.at);
    assert_int_equal(m->value[record->key], 0); /* once each */
    assert_true(record->value.n >= 8);
    struct ed_unpack u = ed_unpack_of(record->value);
    m->value[record->key] = ed_unpack_u64(&u);
    m->n[record->key] = record->value.n - 8;
    fill(want, m->value[record->key], m->n[record->key]);
    assert_memory_equal(u.at, want, m->n[record->key]);
    return EDDY_OK;
}

static eddy_status load(struct ed_store *store, struct model *ret, eddy_error *err)
{
    eddy_str head = {NULL, 0};
    memset(ret, 0, sizeof *ret);
    eddy_status st = ed_store_load(store, model_load, ret, &head, err);
    if (head.at) {
        struct ed_unpack u = ed_unpack_of(head);
        ret->head = ed_unpack_u64(&u);
        assert_true(ed_unpack_done(&u));
    }
    return st;
}

static void must_equal(const struct model *got, const struct model *want)
{
    assert_int_equal(got->head, want->head);
    assert_memory_equal(got->value, want->value, sizeof got->value);
    assert_memory_equal(got->n, want->n, sizeof got->n);
}

/* One epoch of a few changes, in both. */
static eddy_status append(struct ed_store *store, struct model *m, uint64_t *random, size_t n_max,
                          eddy_error *err)
{
    eddy_record records[12];
    char *memory = malloc(12 * (n_max + 8));
    size_t n_records = test_random(random) % 13;
    struct model after = *m;
    char head[8];
    after.head++;
    for (int i = 0; i < 8; i++)
        head[i] = (char)(after.head >> (8 * i));
    for (size_t i = 0; i < n_records; i++) {
        uint64_t key = 1 + test_random(random) % KEYS, value = test_random(random) | 1;
        size_t n = test_random(random) % n_max;
        char *at = memory + i * (n_max + 8);
        int gone = test_random(random) % 4 == 0;
        for (int k = 0; k < 8; k++)
            at[k] = (char)(value >> (8 * k));
        fill(at + 8, value, n);
        records[i] = (eddy_record){key, {gone ? NULL : at, gone ? 0 : n + 8}};
        after.value[key] = gone ? 0 : value;
        after.n[key] = gone ? 0 : n;
    }
    eddy_status st = ed_store_append(store, (eddy_str){head, 8}, records, n_records, err);
    if (st == EDDY_OK)
        *m = after;
    free(memory);
    return st;
}

/* A store of n epochs at path, and how it stood after each of them. */
static void make(const char *path, struct model *models, int n, uint64_t seed, size_t n_max)
{
    eddy_error err = {0};
    unlink(path);
    struct ed_store *store = store_open(path);
    memset(models, 0, sizeof *models);
    CHECK_OK(load(store, &models[0], &err), &err);
    for (int i = 1; i <= n; i++) {
        models[i] = models[i - 1];
        CHECK_OK(append(store, &models[i], &seed, n_max, &err), &err);
    }
    ed_store_close(store);
}

/* ---- whole ---- */

TEST(a_new_store_is_empty_and_made_by_the_first_append)
{
    eddy_error err = {0};
    const char *path = in_dir("new");
    struct ed_store *store = store_open(path);
    struct model m, none = {0};
    eddy_str head = {"", 1};
    CHECK_OK(ed_store_head(store, &head, &err), &err);
    assert_null(head.at);
    CHECK_OK(load(store, &m, &err), &err);
    must_equal(&m, &none);
    assert_int_equal(access(path, F_OK), -1);
    CHECK_OK(ed_store_append(store, (eddy_str){"12345678", 8}, NULL, 0, &err), &err);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(ed_store_bytes(store), get(path));
    ed_store_close(store);
    store = store_open(path);
    CHECK_OK(ed_store_head(store, &head, &err), &err);
    assert_int_equal(head.n, 8);
    assert_memory_equal(head.at, "12345678", 8);
    ed_store_close(store);
}

TEST(what_makes_no_sense_is_refused)
{
    eddy_error err = {0};
    struct ed_store *store = store_open(in_dir("sense"));
    eddy_str head = {"h", 1};
    struct model m;
    assert_int_equal(ed_store_append(store, head, NULL, 0, &err), EDDY_INVALID);
    CHECK_OK(load(store, &m, &(eddy_error){0}), &err);
    assert_int_equal(ed_store_append(store, (eddy_str){"", 0}, NULL, 0, NULL), EDDY_INVALID);
    eddy_record none = {0, {"x", 1}};
    assert_int_equal(ed_store_append(store, head, &none, 1, NULL), EDDY_INVALID);
    eddy_record huge[3] = {{1, {"x", SIZE_MAX}}, {2, {"x", SIZE_MAX}}, {3, {"x", 1}}};
    assert_int_equal(ed_store_append(store, head, huge, 3, NULL), EDDY_INVALID);
    assert_int_equal(ed_store_bytes(store), 0);
    ed_store_close(store);
    ed_store_close(NULL);
}

TEST(any_operations_come_back_also_when_the_file_is_written_anew)
{
    uint64_t random = test_seed();
    eddy_error err = {0};
    const char *path = in_dir("any");
    int rewrites = 0;
    for (int round = 0; round < 6; round++) {
        struct model want = {0}, got;
        size_t n_max = round % 2 ? 3000 : 50;
        struct ed_store *store = NULL;
        unlink(path);
        for (int i = 0; i < 1500; i++) {
            if (i % 50 == 0 || test_random(&random) % 40 == 0) {
                ed_store_close(store);
                CHECK_OK(ed_store_open(path, i % 500 == 0, &store, &err), &err);
                ed_store_rewrite_from(store, round < 2 ? 1 << 20 : 2000);
                CHECK_OK(load(store, &got, &err), &err);
                must_equal(&got, &want);
                assert_int_equal(ed_store_torn(store), 0);
            }
            if (test_random(&random) % 400 == 0) {
                CHECK_OK(ed_store_forget(store, &err), &err);
                want = (struct model){0};
            }
            uint64_t before = ed_store_bytes(store);
            CHECK_OK(append(store, &want, &random, n_max, &err), &err);
            rewrites += ed_store_bytes(store) < before;
        }
        ed_store_close(store);
        assert_int_equal(access(in_dir("any.new"), F_OK), -1);
        assert_true(get(path) < (size_t)(round == 1 ? 1300000 : 600000));
    }
    assert_true(rewrites > 20);
}

TEST(a_store_of_format_1_is_read)
{
    static struct model models[9];
    eddy_error err = {0};
    const char *path = in_dir("golden");
    make(in_dir("made"), models, 8, 1, 100);
    if (getenv("EDDY_GOLDEN_WRITE")) { /* once, when there is a new format */
        size_t n = get(in_dir("made"));
        put(GOLDEN, file, n);
    }
    size_t n = get(GOLDEN);
    assert_true(n > 0);
    put(path, file, n);
    struct ed_store *store = store_open(path);
    struct model got;
    CHECK_OK(load(store, &got, &err), &err);
    must_equal(&got, &models[8]);
    ed_store_close(store);
}

/* ---- torn and damaged ---- */

TEST(a_torn_end_is_cut_off_wherever_it_is_torn)
{
    static struct model models[4];
    static char bytes[10000], whole_file[10000];
    eddy_error err = {0};
    const char *path = in_dir("torn");
    make(path, models, 2, 5, 100);
    size_t whole = get(path);
    make(path, models, 3, 5, 100);
    size_t n = get(path);
    assert_true(whole < n && n < sizeof bytes);
    memcpy(bytes, file, n);
    memcpy(whole_file, file, n);
    for (int zeros = 0; zeros < 2; zeros++) {
        for (size_t cut = 0; cut <= n;
             cut++) { /* zeros: the size reached the disk, the bytes not */
            if (zeros)
                memset(bytes + cut, 0, n - cut);
            put(path, bytes, zeros ? n : cut);
            struct ed_store *store = store_open(path);
            struct model got;
            eddy_status st = load(store, &got, cut < whole ? NULL : &err);
            if (cut < whole) { /* a torn frame but not the last: more has happened than a crash */
                assert_true(st == EDDY_FORMAT || got.head < 2);
                must_equal(&got, &models[got.head]);
            } else {
                CHECK_OK(st, &err);
                must_equal(&got, &models[cut == n ? 3 : 2]);
                assert_int_equal(ed_store_torn(store), cut == n ? 0
                                                       : zeros  ? n - whole
                                                                : cut - whole);
                uint64_t random = 9;
                struct model want = got;
                CHECK_OK(append(store, &want, &random, 100, &err), &err);
                ed_store_close(store);
                store = store_open(path);
                CHECK_OK(load(store, &got, &err), &err);
                must_equal(&got, &want);
            }
            ed_store_close(store);
            memcpy(bytes, whole_file, n);
        }
    }
}

/* A state that is believed is one that was there. */
static void must_be_told_or_cut(const char *path, const struct model *models, int n, int *told)
{
    eddy_error err = {0};
    struct model got;
    struct ed_store *store = NULL;
    CHECK_OK(ed_store_open(path, 0, &store, &err), &err);
    eddy_status st = load(store, &got, &err);
    if (st == EDDY_OK) {
        assert_in_range(got.head, n - 1, n);
        must_equal(&got, &models[got.head]);
    } else {
        assert_int_equal(st, EDDY_FORMAT);
        assert_non_null(strstr(err.text, path));
        assert_int_equal(ed_store_append(store, (eddy_str){"h", 1}, NULL, 0, NULL), EDDY_INVALID);
        CHECK_OK(ed_store_forget(store, &err), &err);
        struct model want = {0};
        uint64_t random = 1;
        err = (eddy_error){0};
        CHECK_OK(append(store, &want, &random, 50, &err), &err);
        (*told)++;
    }
    ed_store_close(store);
}

TEST(a_flipped_bit_is_told_or_cut_off_and_never_believed)
{
    static struct model models[6];
    static char bytes[20000];
    const char *path = in_dir("flip");
    make(path, models, 3, 11, 30);
    size_t last = get(path);
    make(path, models, 4, 11, 30);
    size_t n = get(path);
    memcpy(bytes, file, n);
    int told = 0;
    for (size_t bit = 0; bit < n * 8; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        put(path, bytes, n);
        must_be_told_or_cut(path, models, 4, &told);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_true((size_t)told > (last - 12) * 8 * 9 / 10);
}

TEST(a_rewritten_file_that_lost_its_end_is_not_taken_for_a_new_one)
{
    eddy_error err = {0};
    const char *path = in_dir("lost");
    uint64_t random = 3;
    unlink(path);
    struct ed_store *store = store_open(path);
    ed_store_rewrite_from(store, 3000);
    struct model want = {0}, got;
    CHECK_OK(load(store, &got, &err), &err);
    uint64_t before = 0;
    for (int i = 0; i < 1000 && ed_store_bytes(store) >= before; i++) {
        before = ed_store_bytes(store);
        CHECK_OK(append(store, &want, &random, 800, &err), &err);
    }
    assert_true(ed_store_bytes(store) < before);
    ed_store_close(store);
    size_t n = get(path), believed = 0;
    static char bytes[100000];
    memcpy(bytes, file, n);
    for (size_t cut = 13; cut < n; cut += 7) {
        put(path, bytes, cut);
        store = store_open(path);
        eddy_status st = load(store, &got, &(eddy_error){0});
        /* Within the first frame nobody can know. */
        assert_true(st == EDDY_FORMAT || (st == EDDY_OK && !got.head));
        believed += st == EDDY_OK;
        ed_store_close(store);
    }
    assert_true(believed * 7 < n / 2);
}

TEST(foreign_and_newer_files_are_told)
{
    static const struct {
        const char *bytes, *why;
        size_t n;
    } cases[] = {
        {"{\"a\":1}\n", "not a store of eddy's", 8},
        {"eddystoR\1\0\0\0", "not a store of eddy's", 12},
        {"eddystor\0\0\0\0xxx", "not a store of eddy's", 15},
        {"eddystor\2\0\0\0", "format 2, this eddy reads up to 1: a newer eddy wrote it", 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in_dir("foreign");
        eddy_error err = {0};
        struct model m;
        put(path, cases[i].bytes, cases[i].n);
        struct ed_store *store = store_open(path);
        assert_int_equal(load(store, &m, &err), EDDY_FORMAT);
        assert_non_null(strstr(err.text, cases[i].why));
        assert_int_equal(get(path), cases[i].n); /* it is left alone */
        ed_store_close(store);
    }
    eddy_error err = {0};
    struct ed_store *store = NULL;
    assert_int_equal(ed_store_open(in_dir("."), 0, &store, &err), EDDY_IO);
    assert_int_equal(ed_store_open(in_dir("no/folder"), 0, &store, NULL), EDDY_IO);
    assert_null(store);
}

static eddy_status load_fails(void *user, const eddy_record *record, eddy_error *err)
{
    (void)user, (void)record, (void)err;
    return EDDY_UNAVAILABLE;
}

TEST(a_loader_that_fails_ends_the_load)
{
    static struct model models[6];
    make(in_dir("fails"), models, 5, 21, 60);
    struct ed_store *store = store_open(in_dir("fails"));
    eddy_str head = {NULL, 0};
    assert_int_equal(ed_store_load(store, load_fails, NULL, &head, NULL), EDDY_UNAVAILABLE);
    assert_null(head.at);
    ed_store_close(store);
}

/* ---- trouble ---- */

TEST(a_second_process_is_refused_and_told_by_whom)
{
    struct ed_store *store = store_open(in_dir("locked"));
    struct ed_store *second = NULL;
    eddy_error err = {0};
    char want[40];
    snprintf(want, sizeof want, "locked: another process (%ld)", (long)getpid());
    pid_t child = fork();
    if (!child) {
        eddy_status st = ed_store_open(in_dir("locked"), 0, &second, &err);
        _exit(st == EDDY_IO && !second && strstr(err.text, want) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ed_store_close(store);
    ed_store_close(store_open(in_dir("locked")));
}

TEST(an_append_that_does_not_fit_leaves_the_file_as_it_was)
{
    uint64_t random = 8;
    eddy_error err = {0};
    const char *path = in_dir("full");
    struct model want = {0}, got;
    for (rlim_t limit = 0; limit < 12000; limit += 97) {
        struct ed_store *store = store_open(path);
        ed_store_rewrite_from(store, 5000);
        CHECK_OK(load(store, &got, &err), &err);
        must_equal(&got, &want);
        uint64_t before = ed_store_bytes(store);
        file_limit(limit);
        eddy_status st = EDDY_OK;
        for (int i = 0; i < 3 && st == EDDY_OK; i++) {
            before = ed_store_bytes(store);
            st = append(store, &want, &random, 300, NULL);
        }
        file_limit(RLIM_INFINITY);
        if (st != EDDY_OK) {
            assert_int_equal(st, EDDY_IO);
            assert_int_equal(ed_store_bytes(store), before);
            assert_int_equal(get(path), before);
            CHECK_OK(append(store, &want, &random, 300, &err), &err);
        }
        ed_store_close(store);
    }
}

TEST(a_full_disk_may_be_tried_again)
{
    char command[200];
    const char *path = in_dir("disk/store");
    mkdir(in_dir("disk"), 0777);
    snprintf(command, sizeof command, "mount -t tmpfs -o size=64k none %s/disk 2>/dev/null", dir);
    if (geteuid() != 0 || system(command) != 0) {
        print_message("no small disk could be made here\n");
        return;
    }
    uint64_t random = 2;
    struct model want = {0}, got;
    eddy_error err = {0};
    int full = 0;
    struct ed_store *store = store_open(path);
    CHECK_OK(load(store, &got, &err), &err);
    for (int i = 0; i < 60; i++) {
        err = (eddy_error){0};
        eddy_status st = append(store, &want, &random, 2000, &err);
        if (st != EDDY_OK) {
            assert_int_equal(st, EDDY_IO);
            assert_true(err.retriable);
            assert_non_null(strstr(err.text, "No space left on device"));
            full++;
        }
        if (full == 3) /* less is outdated from now on: there is room for a rewrite, or not */
            ed_store_rewrite_from(store, 1000);
    }
    ed_store_close(store);
    err = (eddy_error){0};
    store = store_open(path);
    eddy_status st = load(store, &got, &err);
    ed_store_close(store);
    snprintf(command, sizeof command, "umount %s/disk", dir);
    assert_int_equal(system(command), 0);
    CHECK_OK(st, &err);
    must_equal(&got, &want);
    assert_true(full > 2);
}

TEST(stores_survive_any_lost_allocation)
{
    static struct model models[4];
    const char *path = in_dir("alloc");
    make(path, models, 3, 4, 900);
    size_t n = get(path);
    static char bytes[100000];
    memcpy(bytes, file, n);
    EACH_ALLOC_FAILS (k) {
        int hit = 0;
        put(path, bytes, n);
        struct ed_store *store = NULL;
        struct model want = {0}, got;
        eddy_status st = ed_store_open(path, 1, &store, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !store));
        if (st != EDDY_OK)
            continue;
        ed_store_rewrite_from(store, n); /* the next append makes it due, or the one after it */
        st = load(store, &got, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        want = got;
        for (uint64_t random = 4, i = 0; st == EDDY_OK && i < 12; i++) {
            eddy_status one = append(store, &want, &random, 900, NULL);
            assert_true(one == EDDY_OK || one == EDDY_NOMEM);
            hit += one != EDDY_OK;
        }
        ed_store_close(store);
        assert_true(hit < 2);
        int (*gate)(size_t) = ed_alloc_gate;
        ed_alloc_gate = NULL;
        store = store_open(path);
        eddy_error err = {0};
        CHECK_OK(load(store, &got, &err), &err);
        must_equal(&got, st == EDDY_OK ? &want : &models[3]);
        ed_store_close(store);
        ed_alloc_gate = gate;
    }
}

/* ---- killed at any byte ---- */

/* The child appends until the limit on the size of files kills it in the middle of a write. What it
 * had told as done must be there, and at most one epoch more. */
TEST(what_a_killed_process_had_appended_is_there)
{
    uint64_t random = test_seed();
    const char *path = in_dir("killed");
    eddy_error err = {0};
    unlink(path);
    uint64_t seed = test_random(&random);
    struct model got = {0};
    for (int kill = 0; kill < 60; kill++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        rlim_t limit = get(path) + 1 + test_random(&random) % 3000;
        fflush(NULL);
        pid_t child = fork();
        if (!child) {
            signal(SIGXFSZ, SIG_DFL);
            struct rlimit no_core = {0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            struct ed_store *store = store_open(path);
            ed_store_rewrite_from(store, 4000);
            struct model m;
            if (load(store, &m, NULL) != EDDY_OK)
                _exit(1);
            file_limit(limit);
            for (int i = 0; i < 100; i++) {
                uint64_t each = seed + m.head * 1000;
                if (append(store, &m, &each, 200, NULL) != EDDY_OK)
                    _exit(1);
                if (write(pipes[1], &m, sizeof m) != sizeof m)
                    _exit(1);
            }
            raise(SIGXFSZ); /* rewrites kept it below the limit */
        }
        close(pipes[1]);
        struct model told = got, m;
        while (read(pipes[0], &m, sizeof m) == sizeof m)
            told = m;
        close(pipes[0]);
        int status = 0;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
        struct ed_store *store = store_open(path);
        CHECK_OK(load(store, &got, &err), &err);
        must_equal(&got, &told);
        ed_store_close(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_store_is_empty_and_made_by_the_first_append),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(any_operations_come_back_also_when_the_file_is_written_anew),
        cmocka_unit_test(a_store_of_format_1_is_read),
        cmocka_unit_test(a_torn_end_is_cut_off_wherever_it_is_torn),
        cmocka_unit_test(a_flipped_bit_is_told_or_cut_off_and_never_believed),
        cmocka_unit_test(a_rewritten_file_that_lost_its_end_is_not_taken_for_a_new_one),
        cmocka_unit_test(foreign_and_newer_files_are_told),
        cmocka_unit_test(a_loader_that_fails_ends_the_load),
        cmocka_unit_test(a_second_process_is_refused_and_told_by_whom),
        cmocka_unit_test(an_append_that_does_not_fit_leaves_the_file_as_it_was),
        cmocka_unit_test(a_full_disk_may_be_tried_again),
        cmocka_unit_test(stores_survive_any_lost_allocation),
        cmocka_unit_test(what_a_killed_process_had_appended_is_there),
    };
    return cmocka_run_group_tests(tests, dir_make, disk_and_dir_remove);
}
