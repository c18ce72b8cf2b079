/* Files with a store: a run that was killed is taken up, at whatever byte it was killed, and what
 * its outputs hold in the end is what they would have held without. */
#include "folder.h"

#include "base/log.h"
#include "journal/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODEL 77 /* a fingerprint */

static int dir_make(void **state)
{
    (void)state;
    ed_log_up_to(ED_LOG_ERROR);
    signal(SIGXFSZ, SIG_IGN);
    return dir_new("resume");
}

static void dir_empty(void)
{
    assert_int_equal(dir_remove(NULL), 0);
    assert_int_equal(dir_make(NULL), 0);
}

static size_t get(const char *name, char *to, size_t room)
{
    FILE *in = fopen(in_dir(name), "rb");
    if (!in)
        return 0;
    size_t n = fread(to, 1, room - 1, in);
    to[n] = 0;
    fclose(in);
    return n;
}

static void put(const char *name, const char *text, size_t n)
{
    FILE *out = fopen(in_dir(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, n, out), n);
    fclose(out);
}

static void must_hold(const char *name, const char *text)
{
    static char got[200000];
    assert_true(is_there(name));
    get(name, got, sizeof got);
    assert_string_equal(got, text);
}

/* ---- a pipeline: it counts documents, and its state is how often it saw each of seven ---- */

struct counts {
    uint64_t of[8];
    int checks;
};

static eddy_status counts_load(void *user, const eddy_record *record, eddy_error *err)
{
    struct counts *c = user;
    (void)err;
    assert_in_range(record->key, 1, 7);
    assert_true(record->value.n >= 8);
    memcpy(&c->of[record->key], record->value.at, 8);
    return EDDY_OK;
}

static uint64_t counts_hash(const struct counts *c)
{
    return ed_fnv1a(ED_FNV_BASIS, c->of, sizeof c->of);
}

static eddy_status counts_check(void *user, const struct ed_mark *mark, eddy_error *err)
{
    struct counts *c = user;
    c->checks++;
    if (mark->hash != counts_hash(c))
        snprintf(err->text, sizeof err->text, "the state is not what it was");
    return err->status = mark->hash == counts_hash(c) ? EDDY_OK : EDDY_FORMAT;
}

static struct ed_loader loader_of(struct counts *c)
{
    return (struct ed_loader){.user = c, .load = counts_load, .check = counts_check};
}

static const char *const both[ED_TOPICS] = {[ED_ASSIGNMENTS] = "a", [ED_EVENTS] = "e"};

static eddy_status open_in(const char *const names[ED_TOPICS], struct ed_journal **ret,
                           eddy_error *err)
{
    const char *paths[ED_TOPICS] = {0};
    for (int t = 0; t < ED_TOPICS; t++)
        paths[t] = names[t] ? in_dir(names[t]) : NULL;
    return ed_journal_files_open(paths, in_dir("state"), "p", ret, err);
}

/* Open and restore. */
static eddy_status start(const char *const names[ED_TOPICS], uint64_t model, struct counts *c,
                         struct ed_journal **ret, const struct ed_head **head, eddy_error *err)
{
    struct ed_loader loader = loader_of(c);
    memset(c, 0, sizeof *c);
    *ret = NULL;
    eddy_status st = open_in(names, ret, err);
    return st == EDDY_OK ? ed_journal_restore(*ret, model, &loader, head, err) : st;
}

static size_t pad; /* more bytes in each record */

/* One epoch of n documents, from the one that comes next on. */
static eddy_status step(struct ed_journal *journal, const struct ed_head *head, struct counts *c,
                        int n, int ended, eddy_error *err)
{
    static char texts[20][40], values[8][5000];
    const struct ed_offset *o = ed_head_find(head, "in", 0);
    int64_t next = o ? o->next : 0;
    struct counts after = *c;
    struct ed_epoch epoch;
    eddy_record records[8];
    ed_epoch_init(&epoch, NULL);
    for (int i = 0; i < n; i++) {
        int64_t doc = next + i;
        after.of[1 + doc % 7]++;
        snprintf(texts[i], sizeof texts[i], "{\"doc\":%lld,\"nth\":%llu}", (long long)doc,
                 (unsigned long long)after.of[1 + doc % 7]);
        for (int t = ED_ASSIGNMENTS; t <= ED_EVENTS; t++)
            if (t == ED_ASSIGNMENTS || doc % 5 == 0) {
                struct ed_message *m = ed_epoch_add(&epoch);
                if (!m)
                    goto out;
                *m = (struct ed_message){.topic = t, .value = {texts[i], strlen(texts[i])}};
            }
    }
    for (uint64_t k = 1; k < 8; k++)
        if (after.of[k] != c->of[k]) {
            memcpy(values[k], &after.of[k], 8);
            for (size_t i = 8; i < 8 + pad; i++)
                values[k][i] = (char)ed_mix64(after.of[k] * 5000 + i);
            records[epoch.n_records++] = (eddy_record){k, {values[k], 8 + pad}};
        }
    epoch.records = records;
    epoch.mark.hash = counts_hash(&after);
    epoch.mark.ended = (uint32_t)ended;
    eddy_status st = ed_epoch_answered(&epoch, "in", 0, next + n, err);
    if (st == EDDY_OK)
        st = ed_journal_commit(journal, &epoch, err);
    if (st == EDDY_OK)
        *c = after;
    ed_epoch_clear(&epoch);
    return st;
out:
    ed_epoch_clear(&epoch);
    return EDDY_NOMEM;
}

/* What both outputs hold after n documents. */
static void must_hold_all(const char *a, const char *e, int n)
{
    static char want[2][200000];
    size_t at[2] = {0, 0};
    want[0][0] = want[1][0] = 0;
    for (int doc = 0; doc < n; doc++)
        for (int t = 0; t < 2; t++)
            if (!t || doc % 5 == 0)
                at[t] += (size_t)snprintf(want[t] + at[t], 50, "{\"doc\":%d,\"nth\":%d}\n", doc,
                                          doc / 7 + 1);
    must_hold(a, want[0]);
    must_hold(e, want[1]);
}

/* n epochs of 3 documents, left as a killed run leaves them. */
static void run_for(int n)
{
    struct counts c;
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    eddy_error err = {0};
    CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
    for (int i = 0; i < n; i++)
        CHECK_OK(step(journal, head, &c, 3, 0, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
}

/* ---- taken up ---- */

TEST(a_run_goes_on_where_it_was)
{
    struct counts c;
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    struct ed_journal_stats stats;
    eddy_error err = {0};
    CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
    assert_int_equal(head->mark.epoch, 0);
    assert_int_equal(c.checks, 0);
    uint64_t owner = head->owner;
    assert_true(owner != 0);
    for (int i = 0; i < 4; i++) {
        CHECK_OK(step(journal, head, &c, 3, 0, &err), &err);
        assert_int_equal(head->mark.epoch, i + 1);
    }
    ed_journal_stats(journal, &stats);
    assert_int_equal(stats.epochs, 4);
    assert_int_equal(stats.records, 12);
    assert_int_equal(stats.from_store, 0);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    assert_false(is_there("a"));
    must_hold_all("a.part", "e.part", 12);

    FILE *more = fopen(in_dir("a.part"), "ab"); /* of an epoch that does not count */
    fputs("{\"doc\":12", more);
    fclose(more);
    CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
    must_hold_all("a.part", "e.part", 12);
    assert_int_equal(head->mark.epoch, 4);
    assert_int_equal(head->mark.fingerprint, MODEL);
    assert_true(head->owner && head->owner != owner);
    assert_int_equal(ed_head_find(head, "in", 0)->next, 12);
    assert_int_equal(c.checks, 1);
    assert_int_equal(c.of[1], 2);
    CHECK_OK(step(journal, head, &c, 5, 1, &err), &err);
    ed_journal_stats(journal, &stats);
    assert_int_equal(stats.restored_records, 7);
    assert_int_equal(stats.from_store, 1);
    assert_false(is_there("a"));
    CHECK_OK(ed_journal_close(journal, &err), &err);
    must_hold_all("a", "e", 17);
    assert_false(is_there("a.part"));
}

TEST(a_start_after_the_end_has_nothing_to_do)
{
    struct counts c;
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    eddy_error err = {0};
    CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
    CHECK_OK(step(journal, head, &c, 7, 1, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    put("a.part", "somebody else's\n", 16); /* since then */
    for (int i = 0; i < 3; i++) {
        CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
        assert_int_equal(head->mark.ended, 1);
        assert_int_equal(head->mark.epoch, 1);
        assert_int_equal(c.of[1], 1);
        assert_int_equal(step(journal, head, &c, 1, 0, NULL), EDDY_INVALID);
        CHECK_OK(ed_journal_close(journal, &err), &err);
        must_hold_all("a", "e", 7);
    }
    must_hold("a.part", "somebody else's\n");
}

TEST(names_are_given_also_when_the_end_was_cut_short)
{
    struct counts c;
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    for (int renamed = 0; renamed < 3; renamed++) {
        eddy_error err = {0};
        pid_t child = fork();
        if (!child) { /* killed before it could close */
            eddy_status st = start(both, MODEL, &c, &journal, &head, NULL);
            st = st == EDDY_OK ? step(journal, head, &c, 8, 1, NULL) : st;
            _exit(st == EDDY_OK ? 0 : 1);
        }
        int status = 1;
        waitpid(child, &status, 0);
        assert_int_equal(status, 0);
        if (renamed > 0)
            assert_int_equal(rename(in_dir("a.part"), in_dir("a")), 0);
        if (renamed > 1)
            assert_int_equal(rename(in_dir("e.part"), in_dir("e")), 0);
        for (int i = 0; i < 2; i++) {
            CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
            assert_int_equal(head->mark.ended, 1);
            must_hold_all("a", "e", 8);
            CHECK_OK(ed_journal_close(journal, &err), &err);
            must_hold_all("a", "e", 8);
        }
        dir_empty();
    }
}

TEST(what_was_left_without_a_store_is_kept)
{
    put("a.part", "older\n", 6);
    run_for(1);
    must_hold("a.part.1", "older\n");
    must_hold_all("a.part", "e.part", 3);
}

/* ---- refused ---- */

static void must_refuse(const char *const names[ED_TOPICS], uint64_t model, eddy_status why,
                        const char *text)
{
    struct counts c;
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    eddy_error err = {0};
    eddy_status st = start(names, model, &c, &journal, &head, &err);
    if (st != why || !strstr(err.text, text))
        fail_msg("%s: %s, not %s", eddy_status_name(st), err.text, text);
    if (why == EDDY_FORMAT || (why == EDDY_CONFIG && journal)) {
        assert_non_null(strstr(err.text, "state/p.state: "));
        assert_non_null(strstr(err.text, "to begin anew, choose another --journal folder or"));
    }
    assert_null(head);
    if (journal) {
        assert_int_equal(step(journal, &(struct ed_head){0}, &c, 1, 0, NULL), EDDY_INVALID);
        CHECK_OK(ed_journal_close(journal, &err), &err);
    }
}

TEST(what_is_of_another_run_is_refused_and_left_alone)
{
    static const char *const more[ED_TOPICS] = {"a", "e", "c", NULL};
    static const char *const less[ED_TOPICS] = {"a", NULL, NULL, NULL};
    static const char *const swapped[ED_TOPICS] = {"e", "a", NULL, NULL};
    static const char *const shared[ED_TOPICS] = {"a", "a", NULL, NULL};
    run_for(4);
    must_refuse(both, MODEL + 1, EDDY_CONFIG, "other options of the engine, or another model");
    must_refuse(more, MODEL, EDDY_CONFIG, "its run does not write");
    must_refuse(less, MODEL, EDDY_CONFIG, "its run writes e too");
    must_refuse(swapped, MODEL, EDDY_CONFIG, "its run writes to a what is to go to");
    must_refuse(shared, MODEL, EDDY_CONFIG, "its run writes to e what is to go to");
    must_hold_all("a.part", "e.part", 12);
    assert_int_equal(symlink("/dev/null", in_dir("null")), 0);
    static const char *const null[ED_TOPICS] = {"a", "null", NULL, NULL};
    must_refuse(null, MODEL, EDDY_CONFIG, "not a regular file");

    char all[2000];
    size_t n = get("a.part", all, sizeof all);
    put("a.part", all, n - 1);
    must_refuse(both, MODEL, EDDY_FORMAT, "a.part: has only");
    unlink(in_dir("a.part"));
    must_refuse(both, MODEL, EDDY_FORMAT, "a.part: is gone, with");
    put("a.part", all, n);
    run_for(1);
    must_hold_all("a.part", "e.part", 15);
}

TEST(a_store_that_is_damaged_or_of_a_newer_eddy_is_refused)
{
    static char all[10000];
    run_for(4);
    size_t n = get("state/p.state", all, sizeof all);
    all[40] ^= 1;
    put("state/p.state", all, n);
    must_refuse(both, MODEL, EDDY_FORMAT, "damaged at byte 12 of");
    all[40] ^= 1;
    all[8]++;
    put("state/p.state", all, n);
    must_refuse(both, MODEL, EDDY_FORMAT, "a newer eddy wrote it");
    all[8]--;
    put("state/p.state", all, n);
    struct counts c = {0};
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    eddy_error err = {0};
    CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
    struct ed_epoch epoch = {.mark = {.hash = 1}}; /* not that of the records */
    CHECK_OK(ed_journal_commit(journal, &epoch, &err), &err);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    must_refuse(both, MODEL, EDDY_FORMAT, "the state is not what it was");

    unlink(in_dir("state/p.state")); /* the way out */
    run_for(2);
    must_hold_all("a.part", "e.part", 6);
    must_hold_all("a.part.1", "e.part.1", 12);
}

TEST(a_second_run_is_refused)
{
    struct counts c;
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    eddy_error err = {0};
    CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
    must_refuse(both, MODEL, EDDY_IO, "p.state: another process (");
    CHECK_OK(ed_journal_close(journal, &err), &err);
    const char *paths[ED_TOPICS] = {0};
    static const char *const names[] = {"", ".", "..", "a/b"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ed_journal_files_open(paths, dir, names[i], &journal, NULL), EDDY_INVALID);
    assert_int_equal(ed_journal_files_open(paths, in_dir("no/folder"), "p", &journal, NULL),
                     EDDY_IO);
}

/* ---- trouble ---- */

TEST(an_epoch_that_the_store_cannot_take_is_in_no_output)
{
    struct counts c;
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    eddy_error err = {0};
    CHECK_OK(start(both, MODEL, &c, &journal, &head, &err), &err);
    CHECK_OK(step(journal, head, &c, 6, 0, &err), &err);
    pad = 4000; /* the state is larger than the outputs */
    file_limit(3000);
    eddy_status st = step(journal, head, &c, 6, 1, &err);
    file_limit(RLIM_INFINITY);
    assert_int_equal(st, EDDY_IO);
    assert_non_null(strstr(err.text, "p.state: cannot write"));
    must_hold_all("a.part", "e.part", 6);
    assert_int_equal(head->mark.epoch, 1);
    assert_int_equal(head->mark.ended, 0);
    assert_int_equal(ed_head_find(head, "in", 0)->next, 6);
    err = (eddy_error){0};
    CHECK_OK(step(journal, head, &c, 6, 1, &err), &err);
    assert_int_equal(head->mark.epoch, 2);
    CHECK_OK(ed_journal_close(journal, &err), &err);
    must_hold_all("a", "e", 12);
    pad = 0;
}

static int docs = 100; /* of a run */

/* From wherever it is to the end, in epochs of any size. */
static eddy_status run_to_the_end(uint64_t *random)
{
    struct counts c;
    struct ed_journal *journal = NULL;
    const struct ed_head *head = NULL;
    eddy_status st = start(both, MODEL, &c, &journal, &head, NULL);
    while (st == EDDY_OK && !head->mark.ended) {
        const struct ed_offset *o = ed_head_find(head, "in", 0);
        int64_t left = docs - (o ? o->next : 0);
        int n = 1 + (int)(test_random(random) % 19);
        st = step(journal, head, &c, n < left ? n : (int)left, n >= left, NULL);
    }
    eddy_status closed = ed_journal_close(journal, NULL);
    return st == EDDY_OK ? closed : st;
}

TEST(a_run_that_is_killed_at_any_byte_ends_with_the_same_outputs)
{
    uint64_t random = test_seed();
    int kills = 0, before = docs;
    docs = 3000;
    for (int round = 0; round < 25; round++) {
        pad = test_random(&random) % 3 * 100; /* the store may grow faster than the outputs */
        int status = 1;
        for (int tries = 0; status != 0 && tries < 300; tries++) {
            uint64_t mine = test_random(&random), by_size = test_random(&random) % 2;
            struct stat is[3] = {0};
            stat(in_dir("a.part"), &is[0]);
            stat(in_dir("state/p.state"), &is[1]);
            stat(in_dir("e.part"), &is[2]);
            fflush(NULL);
            pid_t child = fork();
            if (!child) {
                signal(SIGXFSZ, SIG_DFL);
                setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
                /* One of the three is the first to reach its limit. */
                if (by_size && tries < 100)
                    file_limit((rlim_t)is[mine % 3].st_size + 30 + mine / 3 % 2000);
                _exit(run_to_the_end(&mine) == EDDY_OK ? 0 : 1);
            }
            if (!by_size) {
                usleep(50 + test_random(&random) % 1200);
                kill(child, SIGKILL);
            }
            waitpid(child, &status, 0);
            assert_true(!WIFEXITED(status) || !WEXITSTATUS(status));
            kills += status != 0;
        }
        assert_int_equal(status, 0);
        must_hold_all("a", "e", docs);
        assert_false(is_there("a.part") || is_there("a.part.1"));
        dir_empty();
    }
    printf("%d kills\n", kills);
    assert_true(kills > 25);
    docs = before;
    pad = 0;
}

TEST(runs_survive_any_lost_allocation)
{
    EACH_ALLOC_FAILS (k) {
        uint64_t random = 4;
        eddy_status st = run_to_the_end(&random);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        int (*gate)(size_t) = ed_alloc_gate;
        ed_alloc_gate = NULL;
        assert_int_equal(run_to_the_end(&random), EDDY_OK);
        must_hold_all("a", "e", docs);
        assert_false(is_there("a.part") || is_there("a.part.1"));
        dir_empty();
        ed_alloc_gate = gate;
    }
    dir_empty();
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, dir_make, dir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_run_goes_on_where_it_was),
        IN_A_FOLDER(a_start_after_the_end_has_nothing_to_do),
        IN_A_FOLDER(names_are_given_also_when_the_end_was_cut_short),
        IN_A_FOLDER(what_was_left_without_a_store_is_kept),
        IN_A_FOLDER(what_is_of_another_run_is_refused_and_left_alone),
        IN_A_FOLDER(a_store_that_is_damaged_or_of_a_newer_eddy_is_refused),
        IN_A_FOLDER(a_second_run_is_refused),
        IN_A_FOLDER(an_epoch_that_the_store_cannot_take_is_in_no_output),
        IN_A_FOLDER(a_run_that_is_killed_at_any_byte_ends_with_the_same_outputs),
        IN_A_FOLDER(runs_survive_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
