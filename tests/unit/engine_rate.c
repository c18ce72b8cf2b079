/* Rates: a bucket at a time, what is unusual is told once, and what is usual is not. */
#include "test.h"

#include "engine/rate.h"

#include <math.h>
#include <string.h>

#define C 1e5

struct run {
    struct ed_rate r;
    struct ed_tells last; /* told in the last bucket */
    size_t n[EDDY_TREND + 1];
    int64_t now;
};

static void run_begin(struct run *x)
{
    memset(x, 0, sizeof *x);
    ed_rate_begin(&x->r, 0);
}

/* So many in the next bucket, as the clusterer does it. */
static void bucket(struct run *x, double n)
{
    x->last.n = 0;
    if (n > 0)
        ed_rate_close(&x->r, x->now, n, C, &x->last);
    x->now++;
    if (x->r.signal == EDDY_SIGNAL_BURST)
        ed_rate_pass(&x->r, x->now, &x->last);
    else if (x->r.patience && x->now >= x->r.bucket + x->r.patience)
        ed_rate_quiet(&x->r, x->now, &x->last);
    for (size_t i = 0; i < x->last.n; i++)
        x->n[x->last.at[i].kind]++;
}

static void buckets(struct run *x, int many, double n)
{
    for (int i = 0; i < many; i++)
        bucket(x, n);
}

static int told(const struct run *x, eddy_change_kind kind)
{
    for (size_t i = 0; i < x->last.n; i++)
        if (x->last.at[i].kind == kind)
            return 1;
    return 0;
}

static int poisson(uint64_t *seed, double mean)
{
    int n = -1;
    double p = exp(-mean), product = 1;
    for (; product > p || n < 0; n++)
        product *= ((double)(test_random(seed) >> 12) + 0.5) * 0x1p-52;
    return n;
}

TEST(a_burst_is_told_once_and_so_is_its_end)
{
    struct run x;
    run_begin(&x);
    buckets(&x, 500, 4);
    float slow = x.r.slow;
    int waited = 0;
    while (!told(&x, EDDY_BURST) && waited < 5) {
        bucket(&x, 30);
        waited++;
    }
    assert_true(waited <= 2 && x.r.signal == EDDY_SIGNAL_BURST);
    const struct ed_tell *t = &x.last.at[0];
    assert_true(t->start == 500 && t->observed == 30.0 * waited);
    assert_true(fabs(t->expected - 4.0 * waited) < 0.5 && t->statistic >= C);
    buckets(&x, 20, 30);
    assert_int_equal(x.n[EDDY_BURST], 1);
    assert_true(x.r.slow < slow * 1.05F); /* what is usual was not learned from it */
    buckets(&x, 3, 4);
    assert_true(told(&x, EDDY_BURST_ENDED) && x.last.at[0].start == 500);
    assert_true(x.last.at[0].observed == 30.0 * (waited + 20) + 12);
    buckets(&x, 1000, 4);
    assert_true(x.n[EDDY_BURST] == 1 && x.n[EDDY_BURST_ENDED] == 1 && !x.n[EDDY_QUIET]);
}

TEST(a_burst_that_stays_becomes_usual)
{
    struct run x;
    run_begin(&x);
    buckets(&x, 500, 4);
    buckets(&x, 2000, 30);
    assert_true(x.n[EDDY_BURST] == 1 && x.n[EDDY_BURST_ENDED] == 1 && !x.r.signal);
    assert_true(ed_rate_usual(&x.r) > 20);
}

/* Ten minutes on, ten off, for a day. */
TEST(what_goes_on_and_off_does_not_flap)
{
    struct run x;
    run_begin(&x);
    buckets(&x, 500, 4);
    for (int i = 0; i < 72; i++) {
        buckets(&x, 10, 60);
        buckets(&x, 10, 4);
    }
    printf("%zu bursts told of 72\n", x.n[EDDY_BURST]);
    assert_true(x.n[EDDY_BURST] >= 2 && x.n[EDDY_BURST] <= 6);
    buckets(&x, 3000, 4);
    size_t before = x.n[EDDY_BURST];
    buckets(&x, 5, 60);
    buckets(&x, 3, 4); /* and is as quick as ever afterwards */
    assert_true(x.n[EDDY_BURST] == before + 1 && x.n[EDDY_BURST_ENDED] == before + 1);
}

TEST(a_burst_ends_where_nothing_comes_any_more)
{
    struct run x;
    run_begin(&x);
    buckets(&x, 500, 4);
    buckets(&x, 3, 40);
    assert_int_equal(x.r.signal, EDDY_SIGNAL_BURST);
    buckets(&x, 3, 0);
    assert_true(told(&x, EDDY_BURST_ENDED));
}

TEST(what_is_young_has_no_bursts)
{
    struct run x;
    run_begin(&x);
    buckets(&x, 10, 1);
    buckets(&x, 20, 50);
    assert_int_equal(x.n[EDDY_BURST], 0);
    run_begin(&x);
    buckets(&x, 119, 1);
    bucket(&x, 500);
    assert_int_equal(x.n[EDDY_BURST], 0);
    bucket(&x, 500);
    assert_int_equal(x.n[EDDY_BURST], 1);
}

/* Three an hour, then thirty: found, and begun where they began. */
TEST(a_slow_thing_has_bursts_too)
{
    struct run x;
    uint64_t seed = 5;
    run_begin(&x);
    for (int i = 0; i < 5 * 1440; i++)
        bucket(&x, poisson(&seed, 0.05));
    assert_int_equal(x.n[EDDY_BURST], 0);
    int64_t begin = x.now;
    for (int i = 0; i < 120 && !x.n[EDDY_BURST]; i++)
        bucket(&x, poisson(&seed, 0.5));
    assert_int_equal(x.n[EDDY_BURST], 1);
    assert_true(llabs(x.last.at[0].start - begin) <= 15);
    printf("told after %d minutes, begun %d\n", (int)(x.now - begin),
           (int)(x.last.at[0].start - begin));
}

TEST(silence_of_what_is_steady_is_told_and_its_end)
{
    struct run x;
    run_begin(&x);
    for (int i = 0; i < 2000; i++)
        bucket(&x, i % 10 == 0); /* every ten minutes */
    int waited = 0;
    while (!told(&x, EDDY_QUIET) && waited < 1000) {
        bucket(&x, 0);
        waited++;
    }
    printf("silence told after %d minutes\n", waited);
    assert_true(waited > 100 && waited < 500);
    assert_true(x.last.at[0].start == 1991 && x.last.at[0].statistic >= C);
    float slow = x.r.slow;
    buckets(&x, 600, 0);
    assert_true(x.n[EDDY_QUIET] == 1 && x.r.signal == EDDY_SIGNAL_QUIET);
    bucket(&x, 1);
    assert_true(told(&x, EDDY_QUIET_ENDED) && !x.r.signal);
    assert_true(x.r.slow > slow); /* the outage is not what is usual, nor is its end a burst */
    for (int i = 0; i < 2000; i++)
        bucket(&x, i % 10 == 0);
    assert_true(!x.n[EDDY_BURST] && x.n[EDDY_QUIET] == 1 && !x.n[EDDY_TREND]);
}

/* Nights of eight hours: silence is told when it is twice as long as a night. */
TEST(nights_are_usual)
{
    struct run x;
    run_begin(&x);
    for (int day = 0; day < 10; day++)
        for (int m = 0; m < 1440; m++)
            bucket(&x, m < 960 && m % 2);
    assert_int_equal(x.n[EDDY_QUIET], 0);
    buckets(&x, 300, 0);
    assert_int_equal(x.n[EDDY_QUIET], 0);
    buckets(&x, 700, 0);
    assert_int_equal(x.n[EDDY_QUIET], 1);
}

/* What fades away, as news do, is not steady. */
TEST(what_fades_away_is_no_silence)
{
    struct run x;
    uint64_t seed = 9;
    run_begin(&x);
    for (int i = 0; i < 10 * 1440; i++)
        bucket(&x, poisson(&seed, 2 * exp(-i / 700.0)));
    assert_int_equal(x.n[EDDY_QUIET], 0);
    assert_int_equal(x.n[EDDY_BURST], 0);
}

TEST(another_level_is_told_once)
{
    struct run x;
    uint64_t seed = 3;
    run_begin(&x);
    for (int i = 0; i < 4 * 1440; i++)
        bucket(&x, poisson(&seed, 2));
    assert_int_equal(x.n[EDDY_TREND], 0);
    for (int i = 0; i < 4 * 1440; i++)
        bucket(&x, poisson(&seed, 2 + i * 2.5 / (4 * 1440)));
    assert_int_equal(x.n[EDDY_TREND], 1);
    size_t bursts = x.n[EDDY_BURST];
    for (int i = 0; i < 4 * 1440; i++)
        bucket(&x, poisson(&seed, 1));
    assert_int_equal(x.n[EDDY_TREND], 3); /* half, and half again */
    assert_true(bursts == 0 && x.n[EDDY_BURST] == 0);
}

/* Counts whose mean is the largest that the null allows: the promise itself. The mean is given, so
 * that nothing but the detector is asked. */
TEST(false_alarms_are_as_rare_as_was_promised)
{
    uint64_t seed = 11;
    size_t alarms = 0;
    const double c = 2000;
    const int many = 400000;
    struct run x;
    run_begin(&x);
    buckets(&x, 3000, 4);
    struct ed_rate fresh = x.r;
    for (int i = 0; i < many; i++) {
        struct ed_tells tells = {.n = 0};
        struct ed_rate before = x.r;
        ed_rate_close(&x.r, x.now, poisson(&seed, 1.2 * ed_rate_usual(&before)), c, &tells);
        x.now++;
        /* the baseline stays what it was */
        x.r.slow = fresh.slow;
        x.r.slow_n = fresh.slow_n;
        x.r.fast = fresh.fast;
        x.r.fast_n = fresh.fast_n;
        x.r.dispersion = fresh.dispersion;
        x.r.informed = fresh.informed;
        x.r.level = 0;
        for (size_t k = 0; k < tells.n; k++)
            if (tells.at[k].kind == EDDY_BURST) {
                alarms++;
                x.r = fresh;
                x.r.bucket = x.now;
            }
    }
    printf("%zu false alarms in %d buckets, %g promised at most\n", alarms, many, many / c);
    assert_true((double)alarms <= many / c + 3 * sqrt(many / c));
}

/* What comes seldom, and then several at once, is usual: of 100 things of each kind none but a few
 * are told of in five days, though none has many clumps to learn that from. */
TEST(clumps_of_a_rare_thing_are_no_bursts)
{
    uint64_t seed = 77;
    size_t bursts = 0;
    for (int seldom = 10; seldom <= 320; seldom *= 2)
        for (int thing = 0; thing < 100; thing++) {
            struct run x;
            run_begin(&x);
            for (int i = 0; i < 5 * 1440; i++) {
                int n = test_random(&seed) % (uint64_t)seldom == 0;
                while (n && test_random(&seed) % 8)
                    n++;
                bucket(&x, n);
            }
            bursts += x.n[EDDY_BURST];
        }
    printf("%zu bursts told of 600 things that come in clumps\n", bursts);
    assert_true(bursts <=
                14); /* of 43 promised at most; by the mean of 500 buckets it was 26 to 44 */
}

/* A run of empty buckets in one go is what it is one by one, as far as a float can tell; and a
 * gap of ages takes no time. */
TEST(empty_buckets_in_one_go)
{
    uint64_t seed = 4;
    for (int k = 1; k < 3000; k = k * 2 + 1) {
        struct run x;
        run_begin(&x);
        for (int i = 0; i < 1000; i++)
            bucket(&x, poisson(&seed, 0.7));
        struct ed_rate one = x.r, all = x.r;
        for (int64_t b = one.bucket + 1; b <= x.now + k; b++)
            ed_rate_settle(&one, b);
        ed_rate_settle(&all, x.now + k);
        assert_true(one.bucket == all.bucket);
        assert_true(fabsf(one.slow - all.slow) <= 1e-3F * (1 + all.slow));
        assert_true(fabsf(one.fast - all.fast) <= 1e-3F * (1 + all.fast));
        assert_true(fabsf(one.slow_n - all.slow_n) <= 1e-3F * all.slow_n);
        assert_true(all.evidence[0] >= 0 && all.dispersion > 0.5F && all.dispersion < 2);
    }
    struct run x;
    struct ed_tells tells = {.n = 0};
    run_begin(&x);
    buckets(&x, 1000, 3);
    ed_rate_close(&x.r, INT64_C(1) << 38, 3, C, &tells);
    assert_true(isfinite(x.r.slow) && isfinite(x.r.evidence[3]) && x.r.slow < 4);
    assert_int_equal(x.r.bucket, (INT64_C(1) << 38) + 1);
}

static double apart(float a, float b)
{
    return fabs((double)a - (double)b) / (1e-9 + fabs((double)a));
}

TEST(what_parts_and_joins_again_is_as_before)
{
    struct run x;
    run_begin(&x);
    buckets(&x, 3000, 5);
    struct ed_rate r = x.r, part;
    ed_rate_settle(&r, x.now);
    struct ed_rate whole = r;
    ed_rate_part(&r, 0.25, 0.5, &part);
    assert_true(apart(part.slow, whole.slow / 4) < 1e-6 && apart(r.fast, whole.fast / 2) < 1e-6);
    ed_rate_join(&r, &part);
    assert_true(apart(r.slow, whole.slow) < 1e-6 && apart(r.fast, whole.fast) < 1e-6);
    assert_true(apart(r.slow_n, whole.slow_n) < 1e-6 && apart(r.level, whole.level) < 1e-6);
    assert_true(apart(r.dispersion, whole.dispersion) < 1e-6);
}

/* Two steady ones that join, one that parts, a young one that joins: nothing is told of it. */
TEST(neither_joining_nor_parting_is_told)
{
    static const struct {
        double mine, theirs;
        int mine_n, theirs_n;
    } cases[] = {{5, 5, 3000, 3000},  {0.5, 20, 3000, 3000}, {20, 0.5, 3000, 3000},
                 {5, 5, 3000, 200},   {5, 5, 200, 3000},     {1, 4, 3000, 400},
                 {10, 10, 130, 3000}, {5, 1, 3000, 5},       {3, 3, 4000, 1500}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run a, b;
        uint64_t seed = 77 + i;
        run_begin(&a);
        run_begin(&b);
        for (int k = 0; k < cases[i].mine_n; k++)
            bucket(&a, poisson(&seed, cases[i].mine));
        for (int k = 0; k < cases[i].theirs_n; k++)
            bucket(&b, poisson(&seed, cases[i].theirs));
        b.r.bucket = b.r.bucket + a.now - b.now; /* both are as old as now */
        ed_rate_settle(&a.r, a.now);
        ed_rate_settle(&b.r, a.now);
        ed_rate_join(&a.r, &b.r);
        double sum = cases[i].mine + cases[i].theirs;
        memset(a.n, 0, sizeof a.n);
        for (int k = 0; k < 3000; k++)
            bucket(&a, poisson(&seed, sum));
        int old = cases[i].mine_n >= 1500 && cases[i].theirs_n >= 1500;
        size_t trends = old ? a.n[EDDY_TREND] : 0; /* with a young one it has grown, on the whole */
        if (a.n[EDDY_BURST] + a.n[EDDY_QUIET] + trends)
            fail_msg("case %zu: %zu bursts, %zu silences, %zu trends", i, a.n[EDDY_BURST],
                     a.n[EDDY_QUIET], a.n[EDDY_TREND]);
        struct ed_rate part;
        struct run out = a;
        ed_rate_settle(&a.r, a.now);
        ed_rate_part(&a.r, 0.3, 0.3, &part);
        out.r = part;
        memset(a.n, 0, sizeof a.n);
        memset(out.n, 0, sizeof out.n);
        for (int k = 0; k < 3000; k++) {
            bucket(&a, poisson(&seed, sum * 0.7));
            bucket(&out, poisson(&seed, sum * 0.3));
        }
        for (int kind = EDDY_BURST; kind < EDDY_TREND + old; kind++)
            if (a.n[kind] + out.n[kind])
                fail_msg("case %zu: %s after it parted", i, eddy_change_name(kind));
    }
}

/* In the midst of a burst, of a silence, young and old: the same bytes, and the same from there. */
TEST(written_and_read_it_is_the_same)
{
    struct run x;
    uint64_t seed = 21;
    size_t longest = 0;
    run_begin(&x);
    for (int i = 0; i < 6000; i++) {
        double mean = i > 5000 ? 0 : i % 1500 > 1480 ? 20 : 1;
        bucket(&x, mean > 0 ? poisson(&seed, mean) : 0);
        unsigned char bytes[ED_RATE_MAX], again[ED_RATE_MAX];
        size_t n = (size_t)(ed_rate_put(bytes, &x.r) - bytes);
        struct ed_rate back;
        struct ed_unpack u = ed_unpack_of((eddy_str){(const char *)bytes, n});
        ed_rate_get(&u, &back);
        assert_true(ed_unpack_done(&u));
        assert_int_equal(ed_rate_put(again, &back) - again, n);
        assert_memory_equal(again, bytes, n);
        longest = n > longest ? n : longest;
        x.r = back;
    }
    assert_true(x.n[EDDY_BURST] >= 3 && x.n[EDDY_QUIET] == 1 && longest <= 72);
    printf("%zu bytes at most\n", longest);
}

TEST(bytes_that_are_no_rate_are_refused)
{
    uint64_t seed = 8;
    size_t refused = 0;
    for (int i = 0; i < 20000; i++) {
        unsigned char bytes[ED_RATE_MAX];
        size_t n = (size_t)(test_random(&seed) % sizeof bytes);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (unsigned char)test_random(&seed);
        struct ed_rate r;
        struct ed_unpack u = ed_unpack_of((eddy_str){(const char *)bytes, n});
        ed_rate_get(&u, &r);
        refused += !ed_unpack_done(&u);
        if (!u.failed) { /* whatever it is, it goes on */
            struct ed_tells tells = {.n = 0};
            ed_rate_close(&r, r.bucket + 5, 3, C, &tells);
        }
    }
    assert_true(refused > 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_told_once_and_so_is_its_end),
        cmocka_unit_test(a_burst_that_stays_becomes_usual),
        cmocka_unit_test(what_goes_on_and_off_does_not_flap),
        cmocka_unit_test(a_burst_ends_where_nothing_comes_any_more),
        cmocka_unit_test(what_is_young_has_no_bursts),
        cmocka_unit_test(a_slow_thing_has_bursts_too),
        cmocka_unit_test(silence_of_what_is_steady_is_told_and_its_end),
        cmocka_unit_test(nights_are_usual),
        cmocka_unit_test(what_fades_away_is_no_silence),
        cmocka_unit_test(another_level_is_told_once),
        cmocka_unit_test(false_alarms_are_as_rare_as_was_promised),
        cmocka_unit_test(clumps_of_a_rare_thing_are_no_bursts),
        cmocka_unit_test(empty_buckets_in_one_go),
        cmocka_unit_test(what_parts_and_joins_again_is_as_before),
        cmocka_unit_test(neither_joining_nor_parting_is_told),
        cmocka_unit_test(written_and_read_it_is_the_same),
        cmocka_unit_test(bytes_that_are_no_rate_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
