/* Bytes of the engine's state that are not what they should be are refused; those of an old version
 * are still read. */
#include "engine_state.h"

/* Load these (n); the status of the first call that fails. */
static eddy_status load_all(const eddy_engine_options *o, const eddy_record *list, size_t n,
                            eddy_clusterer **ret, eddy_error *err)
{
    eddy_clusterer *cl = NULL;
    eddy_status st = eddy_clusterer_new(o, &cl, err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = eddy_clusterer_load(cl, &list[i], err);
    if (st == EDDY_OK)
        st = eddy_clusterer_loaded(cl, err);
    if (st != EDDY_OK) {
        eddy_clusterer_free(cl);
        cl = NULL;
    }
    *ret = cl;
    return st;
}

TEST(loading_survives_any_lost_allocation)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash;
    small_state(&x, &kept, &hash);
    eddy_record *list = kept_shuffled(&kept, 3);
    size_t lost = 0;
    EACH_ALLOC_FAILS (k) {
        eddy_clusterer *cl;
        eddy_status st = load_all(&x.o, list, kept.at.n, &cl, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        lost += st == EDDY_NOMEM;
        assert_true(!cl || eddy_clusterer_hash(cl) == hash);
        eddy_clusterer_free(cl);
    }
    assert_true(lost > 100);
    free(list);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* ---- bytes that are not what they should be ---- */

TEST(a_missing_record_is_missed)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash;
    small_state(&x, &kept, &hash);
    eddy_record *list = kept_shuffled(&kept, 4);
    for (size_t i = 0; i < kept.at.n; i++) {
        eddy_record gone = list[i];
        eddy_clusterer *cl;
        eddy_error err = {0};
        list[i].value.at = NULL;
        assert_int_equal(load_all(&x.o, list, kept.at.n, &cl, &err), EDDY_FORMAT);
        assert_non_null(strstr(err.text, "state: "));
        list[i] = gone;
    }
    free(list);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* Every record cut at every length is refused. */
TEST(a_record_that_is_cut_is_refused)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash;
    small_state(&x, &kept, &hash);
    eddy_record *list = kept_shuffled(&kept, 5);
    size_t kinds[ED_RECENT + 1] = {0};
    for (size_t i = 0; i < kept.at.n; i++) {
        uint64_t kind = list[i].key >> ED_NUMBER_BITS;
        if (kinds[kind]++ >= 3)
            continue;
        size_t n = list[i].value.n;
        for (size_t cut = 0; cut < n; cut++) {
            eddy_clusterer *cl;
            char *copy = malloc(cut + 1); /* its own, for the sanitizers */
            eddy_record whole = list[i];
            memcpy(copy, whole.value.at, cut);
            list[i].value = (eddy_str){copy, cut};
            eddy_status st = load_all(&x.o, kind < ED_WORDS ? &list[i] : list,
                                      kind < ED_WORDS ? 1 : kept.at.n, &cl, NULL);
            /* words that a later page holds as well may go */
            assert_true(st == EDDY_FORMAT ||
                        (st == EDDY_OK && kind == ED_WORDS_DELTA && ed_state_hash(cl) == hash));
            eddy_clusterer_free(cl);
            list[i] = whole;
            free(copy);
        }
    }
    free(list);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* A flipped bit is refused, or shows in the hash, or was of what is written when; and what is taken
 * can go on. */
TEST(a_flipped_bit_is_found)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash;
    uint64_t seed = test_seed();
    small_state(&x, &kept, &hash);
    eddy_record *list = kept_shuffled(&kept, 6);
    size_t refused = 0, taken = 0;
    for (size_t round = 0; round < 3000; round++) {
        size_t i = (size_t)(test_random(&seed) % kept.at.n);
        if (round % 4 == 0) /* often the scalars */
            while (list[i].key >> ED_NUMBER_BITS != ED_SCALARS)
                i = (i + 1) % kept.at.n;
        eddy_record whole = list[i];
        char *copy = malloc(whole.value.n);
        memcpy(copy, whole.value.at, whole.value.n);
        size_t at = (size_t)(test_random(&seed) % whole.value.n);
        copy[at] = (char)(copy[at] ^ 1 << test_random(&seed) % 8);
        list[i].value.at = copy;
        eddy_clusterer *cl;
        eddy_status st = load_all(&x.o, list, kept.at.n, &cl, NULL);
        assert_true(st == EDDY_OK || st == EDDY_FORMAT);
        refused += st == EDDY_FORMAT;
        if (cl) {
            uint64_t kind = whole.key >> ED_NUMBER_BITS;
            eddy_assignment a[40];
            assert_true(kind >= ED_WORDS || eddy_clusterer_hash(cl) != hash);
            assert_int_equal(eddy_clusterer_assign(cl, x.s.rows + 303, 40, a, NULL), EDDY_OK);
            taken++;
        }
        eddy_clusterer_free(cl);
        list[i] = whole;
        free(copy);
    }
    printf("%zu refused, %zu taken\n", refused, taken);
    assert_true(refused > 1000 && taken > 10);
    free(list);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* One record of an older state among those of a newer. */
TEST(records_of_two_moments_are_refused)
{
    struct shape x;
    shape_make(&x, PLAIN, 78, 600);
    eddy_clusterer *cl = clusterer_new(&x.o);
    struct kept kept = {0};
    eddy_assignment a[300];
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(cl, x.s.rows, 300, a, &err), &err);
    record(cl, &kept, NULL);
    eddy_clusterer *old = kept_load(&kept, &x.o, 1);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_record *r;
    size_t n;
    CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + 300, 300, a, &err), &err);
    CHECK_OK(eddy_clusterer_records(cl, arena, &r, &n, &err), &err);
    for (size_t skip = 0; skip < n; skip += 7) {
        struct ed_table *t = &kept.at;
        eddy_record *list = kept_shuffled(&kept, 1);
        eddy_record *both = malloc((t->n + n) * sizeof *both);
        memcpy(both, list, t->n * sizeof *both);
        size_t m = t->n;
        for (size_t i = 0; i < n; i++)
            if (i != skip)
                both[m++] = r[i];
        eddy_clusterer *again;
        eddy_status st = load_all(&x.o, both, m, &again, NULL);
        /* the words' own record is written each time, and may say what it said before */
        int same = 0;
        for (size_t i = 0; i < t->n; i++)
            same |= list[i].key == r[skip].key && list[i].value.n == r[skip].value.n &&
                    !memcmp(list[i].value.at, r[skip].value.at, r[skip].value.n);
        assert_int_equal(st, same ? EDDY_OK : EDDY_FORMAT);
        if (same)
            eddy_clusterer_free(again);
        free(list);
        free(both);
    }
    eddy_arena_free(arena);
    eddy_clusterer_free(old);
    eddy_clusterer_free(cl);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* The record of the scalars, to be damaged: its value is to be freed. */
static eddy_record scalars_copy(const eddy_record *list)
{
    while (list->key >> ED_NUMBER_BITS != ED_SCALARS)
        list++;
    char *copy = malloc(list->value.n);
    memcpy(copy, list->value.at, list->value.n);
    return (eddy_record){list->key, {copy, list->value.n}};
}

TEST(other_versions_shapes_and_kinds_are_refused)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash;
    small_state(&x, &kept, &hash);
    eddy_record *list = kept_shuffled(&kept, 6);
    eddy_clusterer *cl;
    eddy_error err = {0};
    eddy_record r = {ed_record_key(ED_RECENT + 1, 0), {"", 0}};
    assert_int_equal(load_all(&x.o, &r, 1, &cl, &err), EDDY_FORMAT);
    char unknown[32];
    snprintf(unknown, sizeof unknown, "unknown kind %d", ED_RECENT + 1);
    assert_non_null(strstr(err.text, unknown));
    eddy_record scalars = scalars_copy(list);
    char *copy = (char *)(uintptr_t)scalars.value.at;
    assert_int_equal(copy[0], EDDY_STATE_VERSION);
    copy[0]++;
    memset(&err, 0, sizeof err);
    assert_int_equal(load_all(&x.o, &scalars, 1, &cl, &err), EDDY_FORMAT);
    assert_non_null(strstr(err.text, "version"));
    eddy_engine_options o = x.o;
    o.terms_dim *= 2;
    assert_int_equal(load_all(&o, list, kept.at.n, &cl, NULL), EDDY_FORMAT);
    o = x.o;
    o.dense_dim--;
    assert_int_equal(load_all(&o, list, kept.at.n, &cl, NULL), EDDY_FORMAT);
    r = (eddy_record){ed_record_key(ED_EVENT, 1u << 31), scalars.value};
    assert_int_equal(load_all(&x.o, &r, 1, &cl, NULL), EDDY_FORMAT);
    free(copy);
    free(list);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* What the fuzzer found: finite, but what is centred by it is not. */
TEST(a_mean_larger_than_its_documents_is_refused)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash;
    small_state(&x, &kept, &hash);
    eddy_record *list = kept_shuffled(&kept, 8);
    eddy_record scalars = scalars_copy(list);
    char *last = (char *)(uintptr_t)scalars.value.at + scalars.value.n - sizeof(double);
    double sum, large = -1e300; /* the sums are the last of the scalars */
    memcpy(&sum, last, sizeof sum);
    assert_true(sum > -1e3 && sum < 1e3);
    eddy_clusterer *cl = clusterer_new(&x.o);
    assert_int_equal(eddy_clusterer_load(cl, &scalars, NULL), EDDY_OK);
    memcpy(last, &large, sizeof large);
    assert_int_equal(eddy_clusterer_load(cl, &scalars, NULL), EDDY_FORMAT);
    eddy_clusterer_free(cl);
    free((void *)(uintptr_t)scalars.value.at);
    free(list);
    kept_clear(&kept);
    stream_free(&x.s);
}

TEST(loading_has_its_time)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash;
    small_state(&x, &kept, &hash);
    eddy_record *list = kept_shuffled(&kept, 7);
    eddy_clusterer *cl = clusterer_new(&x.o);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_record *r;
    size_t n;
    eddy_assignment a[10];
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_records(cl, arena, &r, &n, &err), &err);
    assert_int_equal(n, 0); /* it is as new, and so is who has no record */
    assert_int_equal(eddy_clusterer_hash(cl), 0);
    CHECK_OK(eddy_clusterer_loaded(cl, &err), &err);
    CHECK_OK(eddy_clusterer_load(cl, &list[0], &err), &err);
    assert_int_equal(eddy_clusterer_assign(cl, x.s.rows, 1, a, NULL), EDDY_INVALID);
    assert_int_equal(eddy_clusterer_flush(cl, NULL), EDDY_INVALID);
    assert_int_equal(eddy_clusterer_records(cl, arena, &r, &n, NULL), EDDY_INVALID);
    for (size_t i = 0; i < kept.at.n; i++) {
        const uint64_t *ids;
        eddy_engine_stats st;
        CHECK_OK(eddy_clusterer_load(cl, &list[i], &err), &err);
        eddy_clusterer_stats(cl, &st); /* a standby is looked at */
        CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n, &err), &err);
        assert_int_equal(n, 0);
    }
    CHECK_OK(eddy_clusterer_loaded(cl, &err), &err);
    assert_true(eddy_clusterer_hash(cl) == hash);
    assert_int_equal(eddy_clusterer_load(cl, &list[0], NULL), EDDY_INVALID);
    CHECK_OK(eddy_clusterer_records(cl, arena, &r, &n, &err), &err);
    assert_int_equal(n, 0); /* nothing has changed since it was loaded */
    CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + 303, 10, a, &err), &err);
    assert_int_equal(a[0].position, 303);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    free(list);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* ---- the format, kept ---- */

/* A state of version 2 as it was written when there was no other: keys, lengths and values; and its
 * hash. EDDY_TEST_WRITE=1 writes it anew, which is right only together with a new version; and
 * smaller ones for the fuzzer to begin with. */
#define GOLDEN "tests/golden/state/3.bin"

static void state_write(const char *path, size_t n)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash = state_after(&x, n, &kept);
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    eddy_record *list = kept_shuffled(&kept, 1);
    for (size_t i = 0; i < kept.at.n; i++) {
        ed_pack_u64(&b, list[i].key);
        ed_pack_str(&b, list[i].value.at, list[i].value.n);
    }
    FILE *out = fopen(path, "wb");
    assert_true(out && fwrite(b.at, 1, b.n, out) == b.n && fclose(out) == 0);
    printf("%s: hash %016llx\n", path, (unsigned long long)hash);
    ed_bytes_clear(&b);
    free(list);
    kept_clear(&kept);
    stream_free(&x.s);
}

static void states_write(void)
{
    state_write(GOLDEN, 303);
    for (size_t n = 1; n < 100; n *= 3) {
        char path[100];
        snprintf(path, sizeof path, "tests/fuzz/corpus/state/%zu", n);
        state_write(path, n);
    }
}

TEST(a_state_of_version_3_is_still_read)
{
    struct shape x;
    struct kept kept = {0};
    uint64_t hash;
    small_state(&x, &kept, &hash);
    if (getenv("EDDY_TEST_WRITE"))
        states_write();
    FILE *in = fopen(GOLDEN, "rb");
    assert_non_null(in);
    char *bytes = malloc(1 << 20);
    struct ed_unpack u = ed_unpack_of((eddy_str){bytes, fread(bytes, 1, 1 << 20, in)});
    fclose(in);
    const uint64_t golden = UINT64_C(0xe523c9851d9c6a72);
    eddy_clusterer *cl = clusterer_new(&x.o);
    eddy_error err = {0};
    while (u.at < u.end) {
        eddy_record r;
        r.key = ed_unpack_u64(&u);
        r.value = ed_unpack_str(&u);
        assert_false(u.failed);
        CHECK_OK(eddy_clusterer_load(cl, &r, &err), &err);
    }
    CHECK_OK(eddy_clusterer_loaded(cl, &err), &err);
    assert_true(eddy_clusterer_hash(cl) == golden);
    assert_true(ed_state_hash(cl) == golden); /* and written again it is the same */
    eddy_assignment a[97];
    CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + 303, 97, a, &err), &err);
    free(bytes);
    eddy_clusterer_free(cl);
    kept_clear(&kept);
    stream_free(&x.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_survives_any_lost_allocation),
        cmocka_unit_test(a_missing_record_is_missed),
        cmocka_unit_test(a_record_that_is_cut_is_refused),
        cmocka_unit_test(a_flipped_bit_is_found),
        cmocka_unit_test(records_of_two_moments_are_refused),
        cmocka_unit_test(other_versions_shapes_and_kinds_are_refused),
        cmocka_unit_test(a_mean_larger_than_its_documents_is_refused),
        cmocka_unit_test(loading_has_its_time),
        cmocka_unit_test(a_state_of_version_3_is_still_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
