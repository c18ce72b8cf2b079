/* A miner that was loaded goes on exactly as the one that wrote its records, wherever that was; and
 * batches do not show. */
#include "engine_mining.h"
#include "engine_state.h"

/* ---- streams of lines in which everything happens ---- */

static const char *const forms[] = {
    "session %n opened for user %w by (uid=%n)",
    "connection from %w port %n closed by %w",
    "reverse mapping of %i begins",
    "status %w package %w",
    "task %h of job %w took %n ms, state=%v",
    "%w %w %w",
    "checking file /var/%w/%n.log for %w",
    "values a=%n b=%n c=%w end",
    "the %v daemon has %v",
};

static void spell(char *at, uint64_t number)
{
    for (int i = 0; i < 5; i++, number /= 21)
        at[i] = (char)('f' + number % 21);
    at[5] = 0;
}

/* One line; the number of distinct words grows with time, so that places open all the while. */
static size_t line_make(char *ret, size_t room, uint64_t *seed, size_t i)
{
    static const char *const verdicts[] = {"failed", "ok", "idle", "busy", "lost"};
    const char *form = forms[test_random(seed) % (sizeof forms / sizeof *forms)];
    size_t n = 0;
    for (; *form && n + 30 < room; form++) {
        uint64_t dice = test_random(seed);
        if (*form != '%') {
            ret[n++] = *form;
            continue;
        }
        switch (*++form) {
        case 'n': n += (size_t)snprintf(ret + n, room - n, "%u", (unsigned)(dice % 100000)); break;
        case 'h': n += (size_t)snprintf(ret + n, room - n, "0x%08x", (unsigned)dice); break;
        case 'i':
            n += (size_t)snprintf(ret + n, room - n, dice % 3 ? "10.0.0.%u" : "host",
                                  (unsigned)(dice % 250));
            break;
        case 'v': n += (size_t)snprintf(ret + n, room - n, "%s", verdicts[dice % 5]); break;
        default: spell(ret + n, dice % (8 + i / 60)), n += 5;
        }
    }
    ret[n] = 0;
    return n;
}

struct lines {
    eddy_line *at; /* (n) */
    size_t n;
    eddy_arena *arena;
};

static struct lines lines_make(size_t n, uint64_t seed)
{
    struct lines ret = {calloc(n, sizeof *ret.at), n, eddy_arena_new(0)};
    for (size_t i = 0; i < n; i++) {
        char text[200];
        size_t n_text = line_make(text, sizeof text, &seed, i);
        eddy_str kept = ed_arena_str(ret.arena, text, n_text);
        int64_t late = (int64_t)(test_random(&seed) % 2000);
        ret.at[i] = line_of(kept.at, (int64_t)(1000 + i * 10) - late, ret.arena);
    }
    return ret;
}

static void lines_free(struct lines *l)
{
    free(l->at);
    eddy_arena_free(l->arena);
}

/* ---- a run ---- */

struct run {
    eddy_miner *m;
    struct kept kept;
    uint64_t told; /* a hash of all changes */
    eddy_line_answer *answers;
};

static void told_add(struct run *r)
{
    const eddy_template_change *c;
    size_t n = eddy_miner_changes(r->m, &c);
    for (size_t i = 0; i < n; i++) {
        const uint64_t what[] = {c[i].kind,  c[i].line,    c[i].id,
                                 c[i].other, c[i].slot,    c[i].word,
                                 c[i].place, c[i].n_words, (uint64_t)c[i].time_ms};
        r->told = ed_fnv1a(r->told, what, sizeof what);
        for (uint32_t j = 0; j < c[i].n_words; j++)
            r->told = ed_fnv1a(r->told, c[i].words[j].at, c[i].words[j].n);
    }
}

static void save(struct run *r)
{
    eddy_error err = {0};
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_record *list;
    size_t n;
    CHECK_OK(eddy_miner_records(r->m, arena, &list, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        kept_add(&r->kept, &list[i]);
    eddy_arena_free(arena);
}

/* The state in another miner, which goes on in its stead. */
static void restart(struct run *r, uint32_t templates_max, uint64_t seed)
{
    eddy_error err = {0};
    eddy_miner *m = miner_new(templates_max);
    save(r);
    eddy_record *list = kept_shuffled(&r->kept, seed);
    for (size_t i = 0; i < r->kept.at.n; i++)
        CHECK_OK(eddy_miner_load(m, &list[i], &err), &err);
    free(list);
    if (r->kept.at.n)
        assert_int_equal(eddy_miner_take(m, NULL, 0, NULL, NULL), EDDY_INVALID);
    CHECK_OK(eddy_miner_loaded(m, &err), &err);
    assert_int_equal(eddy_miner_hash(m), eddy_miner_hash(r->m));
    eddy_miner_free(r->m);
    r->m = m;
}

/* Both close the last place that was opened within the first lines that were taken. */
static uint64_t place_last(const eddy_miner *m, uint64_t before)
{
    const eddy_template_change *c;
    size_t n = eddy_miner_changes(m, &c);
    for (size_t i = 0; i < n; i++)
        before = c[i].kind == EDDY_TEMPLATE_MERGED ? c[i].place : before;
    return before;
}

/* Lines in batches of up to `most`, ended where `stop` divides; there a place is closed, a value is
 * given and, when asked, the miner restarts. */
static void run(struct run *r, const struct lines *l, size_t most, size_t stop,
                uint32_t templates_max, int restarts, uint64_t seed)
{
    eddy_error err = {0};
    uint64_t place = 0;
    *r = (struct run){.m = miner_new(templates_max), .answers = calloc(l->n, sizeof *r->answers)};
    for (size_t i = 0, n; i < l->n; i += n) {
        n = 1 + test_random(&seed) % most;
        size_t left = stop - i % stop;
        n = n < left ? n : left;
        n = n < l->n - i ? n : l->n - i;
        CHECK_OK(eddy_miner_take(r->m, l->at + i, n, r->answers + i, &err), &err);
        told_add(r);
        place = place_last(r->m, place);
        if (test_random(&seed) % 7 == 0)
            save(r);
        if ((i + n) % stop)
            continue;
        if (place && eddy_miner_close(r->m, place, NULL) == EDDY_OK)
            told_add(r);
        CHECK_OK(eddy_miner_value_set(r->m, r->answers[i + n - 1].id, i + n, &err), &err);
        if (restarts)
            restart(r, templates_max, seed);
    }
    save(r);
}

static void run_free(struct run *r)
{
    eddy_miner_free(r->m);
    kept_clear(&r->kept);
    free(r->answers);
}

static void runs_equal(const struct run *a, const struct run *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a->answers[i].id, b->answers[i].id);
        assert_int_equal(a->answers[i].slot, b->answers[i].slot);
        assert_int_equal(a->answers[i].founded, b->answers[i].founded);
    }
    assert_int_equal(a->told, b->told);
    assert_int_equal(eddy_miner_hash(a->m), eddy_miner_hash(b->m));
    assert_int_equal(a->kept.at.n, b->kept.at.n);
    for (size_t i = 0; i < a->kept.at.room; i++) {
        if (!a->kept.at.keys[i])
            continue;
        const struct ed_load_value *x = (const void *)(uintptr_t)a->kept.at.values[i];
        const uint64_t *at = ed_table_find(&b->kept.at, a->kept.at.keys[i]);
        assert_non_null(at);
        const struct ed_load_value *y = (const void *)(uintptr_t)*at;
        assert_int_equal(x->n, y->n);
        assert_memory_equal(x->at, y->at, x->n);
    }
}

#define LINES (TEST_SANITIZED ? 6000 : 20000)

TEST(batches_and_restarts_do_not_show)
{
    static const uint32_t most[] = {0, 256, 64};
    uint64_t seed = test_seed();
    uint64_t merged = 0, closed = 0, faded = 0, dropped = 0;
    for (size_t i = 0; i < 3; i++) {
        struct lines l = lines_make(LINES, seed + i);
        struct run a, b, c;
        eddy_miner_stats stats;
        run(&a, &l, 1, 97, most[i], 0, seed);
        run(&b, &l, 500, 97, most[i], 0, seed + 1);
        runs_equal(&a, &b, l.n);
        run_free(&b);
        run(&c, &l, 40, 97, most[i], 1, seed + 2);
        runs_equal(&a, &c, l.n);
        eddy_miner_stats_read(a.m, &stats);
        merged += stats.merges;
        closed += stats.closed;
        faded += most[i] ? stats.faded : 0;
        dropped += stats.dropped;
        assert_true(stats.absorbed > 100);
        run_free(&a);
        run_free(&c);
        lines_free(&l);
    }
    assert_true(merged > 100 && closed > 5 && faded > 100 && dropped > 0);
}

TEST(a_new_miner_has_no_records_and_loads_none)
{
    eddy_error err = {0};
    struct run r = {.m = miner_new(0)};
    save(&r);
    assert_int_equal(r.kept.at.n, 0);
    assert_int_equal(eddy_miner_hash(r.m), 0);
    CHECK_OK(eddy_miner_loaded(r.m, &err), &err);
    take(r.m, "it goes on as a new one");
    run_free(&r);
}

TEST(only_what_changed_is_written)
{
    struct lines l = lines_make(4000, 11);
    struct run r;
    eddy_error err = {0};
    run(&r, &l, 100, 4000, 0, 0, 3);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_line line = line_of("status alice package alice", 5, arena);
    eddy_line_answer answer;
    const eddy_record *list;
    size_t n, bytes = 0;
    CHECK_OK(eddy_miner_take(r.m, &line, 1, &answer, &err), &err);
    CHECK_OK(eddy_miner_records(r.m, arena, &list, &n, &err), &err);
    CHECK_OK(eddy_miner_take(r.m, &line, 1, &answer, &err), &err);
    CHECK_OK(eddy_miner_records(r.m, arena, &list, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        bytes += list[i].value.n;
    assert_int_equal(n, 2); /* the scalars, and one page of counts */
    assert_true(bytes < 500);
    CHECK_OK(eddy_miner_records(r.m, arena, &list, &n, &err), &err);
    assert_int_equal(n, 0);
    eddy_arena_free(arena);
    run_free(&r);
    lines_free(&l);
}

/* Each record lost, cut or changed: refused; or its hash tells, where it is a counter. */
TEST(records_that_are_damaged_are_refused)
{
    struct lines l = lines_make(1500, 5);
    struct run r;
    uint64_t seed = test_seed();
    run(&r, &l, 100, 499, 64, 0, 3);
    size_t refused = 0, tried = 0;
    for (size_t damage = 0; damage < 3 * r.kept.at.n; damage++) {
        eddy_record *list = kept_shuffled(&r.kept, seed);
        size_t hit = damage / 3;
        char *copy = malloc(list[hit].value.n + 1);
        memcpy(copy, list[hit].value.at, list[hit].value.n);
        list[hit].value.at = copy;
        if (damage % 3 == 0)
            list[hit].value.n = (size_t)(test_random(&seed) % list[hit].value.n);
        else if (damage % 3 == 1)
            copy[test_random(&seed) % list[hit].value.n] ^= (char)(1 + test_random(&seed) % 255);
        eddy_miner *m = miner_new(64);
        eddy_status st = EDDY_OK;
        for (size_t i = 0; i < r.kept.at.n && st == EDDY_OK; i++)
            if (i != hit || damage % 3 != 2)
                st = eddy_miner_load(m, &list[i], NULL);
        if (st == EDDY_OK)
            st = eddy_miner_loaded(m, NULL);
        tried++;
        refused += st == EDDY_FORMAT || eddy_miner_hash(m) != eddy_miner_hash(r.m);
        eddy_miner_free(m);
        free(copy);
        free(list);
    }
    assert_int_equal(refused, tried);
    assert_true(tried > 100);
    run_free(&r);
    lines_free(&l);
}

TEST(a_miner_that_has_begun_loads_nothing)
{
    eddy_miner *m = miner_new(0);
    take(m, "it has begun");
    eddy_record record = {(uint64_t)64 << 56, {"x", 1}};
    assert_int_equal(eddy_miner_load(m, &record, NULL), EDDY_INVALID);
    eddy_miner_free(m);
    m = miner_new(0);
    record.key = (uint64_t)80 << 56;
    assert_int_equal(eddy_miner_load(m, &record, NULL), EDDY_FORMAT);
    eddy_miner_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_and_restarts_do_not_show),
        cmocka_unit_test(a_new_miner_has_no_records_and_loads_none),
        cmocka_unit_test(only_what_changed_is_written),
        cmocka_unit_test(records_that_are_damaged_are_refused),
        cmocka_unit_test(a_miner_that_has_begun_loads_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
